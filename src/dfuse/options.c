/* SPDX-License-Identifier: BSD-2-Clause-Patent */
/* The command line of dfuse, with the options of DAOS. */
#include <errno.h>
#include <getopt.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "dfuse/private.h"

enum long_only {
	OPTION_EMBEDDED = 256,
	OPTION_MULTI_USER,
	OPTION_CACHING,
	OPTION_WRITE_BACK,
	OPTION_SYSTEM
};

static const struct option rows[] = {
	{"mountpoint", required_argument, NULL, 'm'},
	{"pool", required_argument, NULL, 'p'},
	{"container", required_argument, NULL, 'c'},
	{"sys-name", required_argument, NULL, OPTION_SYSTEM},
	{"embedded", required_argument, NULL, OPTION_EMBEDDED},
	{"options", required_argument, NULL, 'o'},
	{"thread-count", required_argument, NULL, 't'},
	{"singlethread", no_argument, NULL, 'S'},
	{"foreground", no_argument, NULL, 'f'},
	{"read-only", no_argument, NULL, 'r'},
	{"multi-user", no_argument, NULL, OPTION_MULTI_USER},
	{"disable-caching", no_argument, NULL, OPTION_CACHING},
	{"disable-wb-cache", no_argument, NULL, OPTION_WRITE_BACK},
	{"version", no_argument, NULL, 'v'},
	{"help", no_argument, NULL, 'h'},
	{NULL, 0, NULL, 0},
};

void
dfuse_usage(void)
{
	fputs("usage: dfuse [OPTIONS] MOUNTPOINT [POOL CONTAINER]\n"
	      "Mounts a container with files, so that any program can use them. Unmount with\n"
	      "`fusermount3 -u MOUNTPOINT`, or end a dfuse in the foreground.\n\n"
	      "  -m, --mountpoint=PATH   where\n"
	      "  -p, --pool=POOL         label or UUID\n"
	      "  -c, --container=CONT    label or UUID\n"
	      "      --embedded=DIR      an engine in this process on a directory; its pool and\n"
	      "                          container `default` where none is named\n"
	      "      --sys-name=NAME     system\n"
	      "  -f, --foreground        stay in the foreground\n"
	      "  -r, --read-only         refuse every change\n"
	      "      --multi-user        serve other users, too\n"
	      "      --disable-caching   ask the server each time\n"
	      "      --disable-wb-cache  writes reach the server before they return\n"
	      "  -t, --thread-count=N    threads that serve\n"
	      "  -S, --singlethread      one thread\n"
	      "  -o, --options=LIST      more options of the mount, with commas\n"
	      "  -v, --version           say the version\n"
	      "  -h, --help              say this\n",
	      stdout);
}

static void
threads_parse(struct dfuse_options *options, const char *text)
{
	long number = strtol(text, NULL, 10);

	options->threads = number > 0 && number < 1024 ? (uint32_t)number : 0;
}

static int
option_take(struct dfuse_options *options, int option, const char *value)
{
	switch (option) {
	case 'm':
		options->mountpoint = value;
		return 0;
	case 'p':
		options->pool = value;
		return 0;
	case 'c':
		options->container = value;
		return 0;
	case 'o':
		options->fuse = value;
		return 0;
	case 't':
		threads_parse(options, value);
		return 0;
	case 'S':
		options->single_thread = true;
		return 0;
	case 'f':
		options->foreground = true;
		return 0;
	case 'r':
		options->read_only = true;
		return 0;
	case 'v':
		options->version = true;
		return 0;
	case 'h':
		options->help = true;
		return 0;
	case OPTION_SYSTEM:
		options->system = value;
		return 0;
	case OPTION_EMBEDDED:
		options->embedded = value;
		return 0;
	case OPTION_MULTI_USER:
		options->multi_user = true;
		return 0;
	case OPTION_CACHING:
		options->caching = false;
		return 0;
	case OPTION_WRITE_BACK:
		options->write_back = false;
		return 0;
	default:
		fprintf(stderr, "dfuse: see `dfuse --help`\n");
		return EINVAL;
	}
}

/* What the names of an embedded directory are where none were given; what must be there. */
static int
complete(struct dfuse_options *options)
{
	if (!options->caching)
		options->write_back = false;
	if (options->embedded && options->pool == NULL)
		options->pool = "default";
	if (options->embedded && options->container == NULL)
		options->container = "default";
	if (options->help || options->version)
		return 0;
	if (options->mountpoint == NULL) {
		fprintf(stderr, "dfuse: no mount point: name an empty directory, as in\n"
				"  dfuse -m /mnt/files --pool POOL --container CONTAINER\n");
		return EINVAL;
	}
	if (options->pool == NULL || options->container == NULL) {
		fprintf(stderr,
			"dfuse: no %s named: see what there is with `dmg pool list` and "
			"`daos container list POOL`\n",
			options->pool ? "container" : "pool");
		return EINVAL;
	}
	return 0;
}

int
dfuse_options_parse(int argc, char **argv, struct dfuse_options *ret_options)
{
	struct dfuse_options options = {
		.caching = true,
		.write_back = true,
	};
	const char **const places[] = {&options.mountpoint, &options.pool, &options.container};
	uint32_t place = 0;
	int option, rc = 0;

	while (rc == 0 && (option = getopt_long(argc, argv, "m:p:c:o:t:Sfrvh", rows, NULL)) >= 0)
		rc = option_take(&options, option, optarg);
	for (; rc == 0 && optind < argc; optind++) {
		while (place < ARRAY_SIZE(places) && *places[place])
			place++;
		if (place == ARRAY_SIZE(places)) {
			fprintf(stderr, "dfuse: what is `%s`? See `dfuse --help`\n", argv[optind]);
			rc = EINVAL;
		} else {
			*places[place] = argv[optind];
		}
	}
	if (rc == 0)
		rc = complete(&options);
	if (rc == 0)
		*ret_options = options;
	return rc;
}
