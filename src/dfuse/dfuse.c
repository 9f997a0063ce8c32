/* SPDX-License-Identifier: BSD-2-Clause-Patent */
/* dfuse: a container with files as a file system of this machine. */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "daos_version.h"
#include "dfuse/private.h"

/*
 * A mount in the background is served by a child, made before anything else is: neither threads nor
 * connections survive a fork. The parent ends when the child has said how its start went.
 */
static int
background(int *ret_report)
{
	int pipes[2];
	unsigned char code = 1;
	pid_t child;

	if (pipe2(pipes, O_CLOEXEC) != 0)
		return errno;
	child = fork();
	if (child < 0)
		return errno;
	if (child > 0) {
		close(pipes[1]);
		if (read(pipes[0], &code, 1) != 1)
			code = 1;
		_exit(code);
	}
	close(pipes[0]);
	setsid();
	*ret_report = pipes[1];
	return 0;
}

/* Tells the parent, and lets go of the terminal. */
static void
report(int descriptor, unsigned char code)
{
	int null;

	if (descriptor < 0)
		return;
	null = open("/dev/null", O_RDWR | O_CLOEXEC);
	if (write(descriptor, &code, 1) != 1 || null < 0)
		return;
	close(descriptor);
	if (code)
		return;
	for (int i = 0; i < 3; i++)
		dup2(null, i);
	close(null);
}

static int
run(struct dfuse *dfuse)
{
	int descriptor = -1;
	int rc = dfuse->options.foreground ? 0 : background(&descriptor);

	if (rc == 0)
		rc = dfuse_start(dfuse);
	report(descriptor, rc ? 1 : 0);
	if (rc == 0)
		rc = dfuse_serve(dfuse);
	dfuse_stop(dfuse);
	return rc;
}

int
main(int argc, char **argv)
{
	struct dfuse dfuse = {.pool = DAOS_HDL_INVAL, .container = DAOS_HDL_INVAL};

	if (dfuse_options_parse(argc, argv, &dfuse.options) != 0)
		return 2;
	if (dfuse.options.help) {
		dfuse_usage();
		return 0;
	}
	if (dfuse.options.version) {
		printf("dfuse version %d.%d.%d, libfuse %s\n", DAOS_VERSION_MAJOR,
		       DAOS_VERSION_MINOR, DAOS_VERSION_FIX, fuse_pkgversion());
		return 0;
	}
	if (dfuse.options.embedded && setenv("DAOS_EMBEDDED", dfuse.options.embedded, 1) != 0)
		return 1;
	return run(&dfuse) ? 1 : 0;
}
