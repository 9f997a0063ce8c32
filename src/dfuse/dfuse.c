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

/* How the start went, and what was said meanwhile: from the child to the parent. */
struct report {
	int code[2], text[2];
	bool used;
};

static void
relay(int from)
{
	char text[4096];
	ssize_t got = read(from, text, sizeof(text));

	if (got > 0 && write(STDERR_FILENO, text, (size_t)got) != got)
		_exit(1);
}

/* The terminal is not the child's: some of its threads would hold it for ever. */
static int
let_go(int error)
{
	int null = open("/dev/null", O_RDWR | O_CLOEXEC);

	if (null < 0)
		return errno;
	if (dup2(null, STDIN_FILENO) < 0 || dup2(null, STDOUT_FILENO) < 0 ||
	    dup2(error >= 0 ? error : null, STDERR_FILENO) < 0)
		return errno;
	close(null);
	return 0;
}

/*
 * A mount in the background is served by a child, made before anything else is: neither threads nor
 * connections survive a fork. The parent ends when the child has said how its start went.
 */
static int
background(struct report *report)
{
	unsigned char code = 1;
	pid_t child;

	if (pipe2(report->code, O_CLOEXEC) != 0 || pipe2(report->text, O_CLOEXEC) != 0)
		return errno;
	report->used = true;
	child = fork();
	if (child < 0)
		return errno;
	if (child > 0) {
		close(report->code[1]);
		close(report->text[1]);
		if (read(report->code[0], &code, 1) != 1)
			code = 1;
		fcntl(report->text[0], F_SETFL, O_NONBLOCK);
		relay(report->text[0]);
		_exit(code);
	}
	close(report->code[0]);
	close(report->text[0]);
	setsid();
	return let_go(report->text[1]);
}

/* Tells the parent; nobody reads what is said from now on. */
static void
report_end(struct report *report, unsigned char code)
{
	if (!report->used)
		return;
	report->used = false;
	if (write(report->code[1], &code, 1) != 1)
		return;
	close(report->code[1]);
	close(report->text[1]);
	if (code == 0)
		(void)let_go(-1);
}

static int
run(struct dfuse *dfuse)
{
	struct report report = {.used = false};
	int rc = dfuse->options.foreground ? 0 : background(&report);

	if (rc == 0)
		rc = dfuse_start(dfuse);
	report_end(&report, rc ? 1 : 0);
	if (rc == 0)
		rc = dfuse_serve(dfuse);
	dfuse_stop(dfuse);
	return rc;
}

int
main(int argc, char **argv)
{
	struct dfuse dfuse = {.session = NULL};

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
