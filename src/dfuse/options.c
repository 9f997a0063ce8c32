/* SPDX-License-Identifier: BSD-2-Clause-Patent */
/* The command line of dfuse, with the options of DAOS. */
#include <errno.h>
#include <getopt.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "dfuse/private.h"

#define WAIT_SECONDS_DEFAULT 60u
#define WAIT_SECONDS_MAX 86400u
#define THREADS_MAX 1024u

enum long_only {
	OPTION_EMBEDDED = 256,
	OPTION_MULTI_USER,
	OPTION_ENABLE_CACHING,
	OPTION_CACHING,
	OPTION_WRITE_BACK,
	OPTION_SYSTEM,
	OPTION_SNAPSHOT,
	OPTION_WAIT
};

static const struct option rows[] = {
	{"mountpoint", required_argument, NULL, 'm'},
	{"pool", required_argument, NULL, 'p'},
	{"container", required_argument, NULL, 'c'},
	{"path", required_argument, NULL, 'P'},
	{"sys-name", required_argument, NULL, OPTION_SYSTEM},
	{"embedded", required_argument, NULL, OPTION_EMBEDDED},
	{"options", required_argument, NULL, 'o'},
	{"thread-count", required_argument, NULL, 't'},
	{"eq-count", required_argument, NULL, 'e'},
	{"singlethread", no_argument, NULL, 'S'},
	{"foreground", no_argument, NULL, 'f'},
	{"read-only", no_argument, NULL, 'r'},
	{"snapshot", required_argument, NULL, OPTION_SNAPSHOT},
	{"snap", required_argument, NULL, OPTION_SNAPSHOT},
	{"snap-epoch", required_argument, NULL, OPTION_SNAPSHOT},
	{"multi-user", no_argument, NULL, OPTION_MULTI_USER},
	{"enable-caching", no_argument, NULL, OPTION_ENABLE_CACHING},
	{"disable-caching", no_argument, NULL, OPTION_CACHING},
	{"disable-wb-cache", no_argument, NULL, OPTION_WRITE_BACK},
	{"wait-time", required_argument, NULL, OPTION_WAIT},
	{"version", no_argument, NULL, 'v'},
	{"help", no_argument, NULL, 'h'},
	{NULL, 0, NULL, 0},
};

void
dfuse_usage(void)
{
	fputs("usage: dfuse [OPTIONS] MOUNTPOINT [POOL [CONTAINER]]\n"
	      "Mounts a container with files, so that any program can use them; without a\n"
	      "container a pool, whose containers are directories; without a pool all pools.\n"
	      "Unmount with `fusermount3 -u MOUNTPOINT`, or by SIGTERM.\n\n"
	      "  -m, --mountpoint=PATH   where\n"
	      "  -p, --pool=POOL         label or UUID\n"
	      "  -c, --container=CONT    label or UUID\n"
	      "  -P, --path=PATH         of a container, instead of its pool and label\n"
	      "      --embedded=DIR      an engine in this process on a directory; its pool and\n"
	      "                          container `default` where none is named\n"
	      "      --sys-name=NAME     system\n"
	      "  -f, --foreground        stay in the foreground\n"
	      "  -r, --read-only         refuse every change\n"
	      "      --snapshot=SNAP     show a snapshot: its name or epoch\n"
	      "      --multi-user        serve other users, too\n"
	      "      --enable-caching    as the container says (standard)\n"
	      "      --disable-caching   ask the server each time\n"
	      "      --disable-wb-cache  writes reach the server before they return\n"
	      "      --wait-time=SECONDS how long to wait for an engine that is away (60)\n"
	      "  -t, --thread-count=N    system calls that are served at the same time (64)\n"
	      "  -e, --eq-count=N        queues of reads and writes besides (1; 0 to 16)\n"
	      "  -S, --singlethread      one thread, one call after the other, no write-back\n"
	      "  -o, --options=LIST      options with commas, as in fstab: pool=, container=,\n"
	      "                          path=, embedded=, snapshot=, wait-time=, multi-user,\n"
	      "                          disable-caching, disable-wb-cache, ro, and the kernel's\n"
	      "  -v, --version           say the version\n"
	      "  -h, --help              say this\n",
	      stdout);
}

/* ------------------------------------------------ values */

/* A number within bounds; says which where it is none. */
static int
number_parse(const char *name, const char *text, uint32_t least, uint32_t most, uint32_t *ret_value)
{
	char *end;
	unsigned long value = strtoul(text, &end, 10);

	if (end == text || *end != '\0' || text[0] == '-' || value < least || value > most) {
		fprintf(stderr, "dfuse: %s is a number from %u to %u, not `%s`\n", name, least,
			most, text);
		return EINVAL;
	}
	*ret_value = (uint32_t)value;
	return 0;
}

static void
snapshot_take(struct dfuse_options *options, const char *value)
{
	options->snapshot = value;
	options->read_only = true;
}

/* ------------------------------------------------ -o */

/* What mount(8) and systemd keep for themselves. */
static bool
is_for_others(const char *word)
{
	static const char *const words[] = {"rw",    "defaults", "auto",   "noauto", "user",
					    "users", "nouser",	 "nofail", "_netdev"};

	for (size_t i = 0; i < ARRAY_SIZE(words); i++)
		if (strcmp(word, words[i]) == 0)
			return true;
	return strncmp(word, "x-", 2) == 0 || strncmp(word, "comment=", 8) == 0;
}

/* The value of "name=value"; NULL: it is not that. */
static const char *
value_of(const char *word, const char *name)
{
	size_t length = strlen(name);

	return strncmp(word, name, length) == 0 && word[length] == '=' ? word + length + 1 : NULL;
}

/* Words with a value; false: it is none of them. */
static bool
value_take(struct dfuse_options *options, const char *word, int *rc)
{
	static const struct {
		const char *name;
		size_t offset;
	} texts[] = {
		{"pool", offsetof(struct dfuse_options, pool)},
		{"container", offsetof(struct dfuse_options, container)},
		{"cont", offsetof(struct dfuse_options, container)},
		{"path", offsetof(struct dfuse_options, path)},
		{"embedded", offsetof(struct dfuse_options, embedded)},
		{"sys-name", offsetof(struct dfuse_options, system)},
	};
	const char *value;

	for (size_t i = 0; i < ARRAY_SIZE(texts); i++) {
		value = value_of(word, texts[i].name);
		if (value) {
			memcpy((char *)options + texts[i].offset, &value, sizeof(value));
			return true;
		}
	}
	value = value_of(word, "snapshot");
	if (value) {
		snapshot_take(options, value);
		return true;
	}
	value = value_of(word, "wait-time");
	if (value)
		*rc = number_parse("wait-time", value, 1, WAIT_SECONDS_MAX, &options->wait_seconds);
	return value != NULL;
}

static bool
flag_take(struct dfuse_options *options, const char *word)
{
	if (strcmp(word, "ro") == 0)
		options->read_only = true;
	else if (strcmp(word, "multi-user") == 0 || strcmp(word, "allow_other") == 0)
		options->multi_user = true;
	else if (strcmp(word, "disable-caching") == 0)
		options->caching = false;
	else if (strcmp(word, "disable-wb-cache") == 0)
		options->write_back = false;
	else
		return strcmp(word, "default_permissions") == 0 || is_for_others(word);
	return true;
}

/* The kernel's own go on to it. */
static int
word_pass(struct dfuse_options *options, const char *word)
{
	size_t used = strlen(options->fuse);
	int length = snprintf(options->fuse + used, sizeof(options->fuse) - used, "%s%s",
			      used ? "," : "", word);

	if ((size_t)length < sizeof(options->fuse) - used)
		return 0;
	fprintf(stderr, "dfuse: the options of -o are too long\n");
	return EINVAL;
}

/* Cuts the list at its commas. */
static int
list_take(struct dfuse_options *options, char *list)
{
	char *rest = NULL;
	int rc = 0;

	for (char *word = strtok_r(list, ",", &rest); word && rc == 0;
	     word = strtok_r(NULL, ",", &rest)) {
		if (!value_take(options, word, &rc) && !flag_take(options, word))
			rc = word_pass(options, word);
	}
	return rc;
}

/* ------------------------------------------------ options */

/* Options that are a text, or a number. */
static int
text_take(struct dfuse_options *options, int option, char *value)
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
	case 'P':
		options->path = value;
		return 0;
	case 'o':
		return list_take(options, value);
	case 't':
		return number_parse("--thread-count", value, 1, THREADS_MAX, &options->threads);
	case 'e':
		return number_parse("--eq-count", value, 0, QUEUES_MAX, &options->queues);
	case OPTION_WAIT:
		return number_parse("--wait-time", value, 1, WAIT_SECONDS_MAX,
				    &options->wait_seconds);
	case OPTION_SYSTEM:
		options->system = value;
		return 0;
	case OPTION_EMBEDDED:
		options->embedded = value;
		return 0;
	default:
		snapshot_take(options, value);
		return 0;
	}
}

static int
option_take(struct dfuse_options *options, int option, char *value)
{
	switch (option) {
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
	case OPTION_MULTI_USER:
		options->multi_user = true;
		return 0;
	case OPTION_ENABLE_CACHING:
		options->caching = true;
		return 0;
	case OPTION_CACHING:
		options->caching = false;
		return 0;
	case OPTION_WRITE_BACK:
		options->write_back = false;
		return 0;
	case '?':
		fprintf(stderr, "dfuse: see `dfuse --help`\n");
		return EINVAL;
	default:
		return text_take(options, option, value);
	}
}

/* What the names of an embedded directory are where none were given; what must be there. */
static int
complete(struct dfuse_options *options)
{
	if (!options->caching || options->single_thread || options->read_only)
		options->write_back = false;
	/* One thread could not serve what the other one waits for. */
	if (options->single_thread)
		options->queues = 0;
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
	if (options->path && options->pool) {
		fprintf(stderr, "dfuse: --path names pool and container: without --pool\n");
		return EINVAL;
	}
	if (options->pool == NULL && options->container) {
		fprintf(stderr, "dfuse: a container is in a pool: name it, too; see `dmg pool "
				"list`\n");
		return EINVAL;
	}
	if (options->snapshot && options->container == NULL && options->path == NULL) {
		fprintf(stderr, "dfuse: a snapshot is of a container: name it, too\n");
		return EINVAL;
	}
	return 0;
}

/* What stands without a name: MOUNTPOINT POOL CONTAINER; where the pool is known already and two
 * words are left, mount(8) put its SOURCE first. */
static int
places_take(struct dfuse_options *options, int argc, char **argv)
{
	const char **const places[] = {&options->mountpoint, &options->pool, &options->container};
	uint32_t place = 0;
	int first = optind;

	if (options->mountpoint == NULL && argc - first == 2 &&
	    (options->pool || options->path || options->embedded))
		first++;
	for (int i = first; i < argc; i++) {
		while (place < ARRAY_SIZE(places) && *places[place])
			place++;
		if (place == ARRAY_SIZE(places)) {
			fprintf(stderr, "dfuse: what is `%s`? See `dfuse --help`\n", argv[i]);
			return EINVAL;
		}
		*places[place] = argv[i];
	}
	return 0;
}

int
dfuse_options_parse(int argc, char **argv, struct dfuse_options *ret_options)
{
	struct dfuse_options options = {
		.caching = true,
		.write_back = true,
		.threads = THREADS_DEFAULT,
		.queues = QUEUES_DEFAULT,
		.wait_seconds = WAIT_SECONDS_DEFAULT,
	};
	int option, rc = 0;

	optind = 0;
	while (rc == 0 &&
	       (option = getopt_long(argc, argv, "m:p:c:P:o:t:e:Sfrvh", rows, NULL)) >= 0)
		rc = option_take(&options, option, optarg);
	if (rc == 0)
		rc = places_take(&options, argc, argv);
	if (rc == 0)
		rc = complete(&options);
	if (rc == 0)
		*ret_options = options;
	return rc;
}
