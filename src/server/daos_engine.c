/* SPDX-License-Identifier: BSD-2-Clause-Patent */
/*
 * daos_engine: one engine. Prints "ready ADDRESS..." when it serves, stops cleanly at SIGINT or
 * SIGTERM. It is usually started by daos_server.
 */
#include <errno.h>
#include <getopt.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "server/address.h"
#include "server/complain.h"
#include "server/host.h"

#define PROGRAM "daos_engine"
#define TARGETS_MAX 64

struct setup {
	struct host_options host;
	const char *sockets;
	const char *log;
	bool format;
	bool insecure;
	bool json_log;
	char socket_address[ADDRESS_TEXT];
};

/* ------------------------------------------------ options */

enum setting {
	SET_STORAGE,
	SET_SOCKETS,
	SET_LISTEN,
	SET_TARGETS,
	SET_LOOPS,
	SET_RANK,
	SET_SYSTEM,
	SET_THIN,
	SET_FORMAT,
	SET_BACKEND,
	SET_LOG,
	SET_LOG_LEVEL,
	SET_LOG_JSON,
	SET_LOG_SIZE,
	SET_CAPACITY,
	SET_SPIN,
	SET_INSECURE,
	SET_VERSION,
	SET_HELP,
};

/* One option; takes is NULL for a flag. */
struct setting_row {
	const char *name;
	const char *takes;
	const char *help;
};

static const struct setting_row settings[] = {
	[SET_STORAGE] = {"storage", "DIRECTORY", "where all data goes; must exist"},
	[SET_SOCKETS] = {"sockets", "DIRECTORY", "where engine-<rank>.sock goes [the storage]"},
	[SET_LISTEN] = {"listen", "ADDRESS", "a TCP address, tcp:HOST:PORT; several times"},
	[SET_TARGETS] = {"targets", "N", "1 to 64 [1]"},
	[SET_LOOPS] = {"loops", "N", "threads [as many as targets, at most the cores]"},
	[SET_RANK] = {"rank", "N", "of this engine [0]"},
	[SET_SYSTEM] = {"system", "NAME", "of the system [daos_server]"},
	[SET_THIN] = {"thin", NULL, "pools without a size share the storage"},
	[SET_FORMAT] = {"format", NULL, "make a new system where the storage is empty"},
	[SET_BACKEND] = {"backend", "auto|uring|epoll", "how loops wait [auto]"},
	[SET_LOG] = {"log", "FILE", "[standard error]"},
	[SET_LOG_LEVEL] = {"log-level", "LEVEL", "error, warning, notice, info, debug [notice]"},
	[SET_LOG_JSON] = {"log-json", NULL, "one JSON object a line"},
	[SET_LOG_SIZE] = {"log-size", "BYTES", "of the write-ahead log of each loop [256 MiB]"},
	[SET_CAPACITY] = {"capacity", "BYTES", "that pools may be given [what the disk has]"},
	[SET_SPIN] = {"spin", "MICROSECONDS", "poll so long before sleeping [0]"},
	[SET_INSECURE] = {"insecure", NULL, "allow addresses that other machines can reach"},
	[SET_VERSION] = {"version", NULL, "print the version"},
	[SET_HELP] = {"help", NULL, "print this"},
};

static int
print_help(void)
{
	printf("usage: daos_engine --storage DIRECTORY [options]\n\n"
	       "Runs one engine until SIGINT or SIGTERM. "
	       "`daos_server start` does this for you.\n\n");
	for (size_t i = 0; i < ARRAY_SIZE(settings); i++) {
		char left[64];

		snprintf(left, sizeof(left), "--%s %s", settings[i].name,
			 settings[i].takes ? settings[i].takes : "");
		printf("  %-30s %s\n", left, settings[i].help);
	}
	printf("\nExit status: 0 stopped, 1 failed, 2 wrong usage, 3 another process holds the "
	       "storage,\n4 the storage is of another version or system, or damaged.\n");
	return SERVER_OK;
}

static int
misused(const char *format, const char *word)
{
	complain(PROGRAM, 0, NULL, "`daos_engine --help` shows what there is", format, word);
	return SERVER_USAGE;
}

static bool
parse_number(const char *text, uint64_t least, uint64_t most, uint64_t *ret_number)
{
	char *end;
	unsigned long long number = strtoull(text, &end, 10);

	if (text[0] < '0' || text[0] > '9' || *end || number < least || number > most)
		return false;
	*ret_number = number;
	return true;
}

static bool
parse_backend(const char *text, enum linux_backend *ret_backend)
{
	static const char *const names[] = {
		[LINUX_AUTO] = "auto", [LINUX_URING] = "uring", [LINUX_EPOLL] = "epoll"};

	for (size_t i = 0; i < ARRAY_SIZE(names); i++)
		if (strcmp(names[i], text) == 0) {
			*ret_backend = (enum linux_backend)i;
			return true;
		}
	return false;
}

static bool
add_address(struct setup *setup, const char *address)
{
	/* The first place is the Unix socket's. */
	if (setup->host.listen_count >= HOST_ADDRESSES_MAX)
		return false;
	setup->host.listen[setup->host.listen_count++] = address;
	return true;
}

/* Settings that are numbers; false when out of range. */
static bool
take_number(struct setup *setup, enum setting setting, const char *value)
{
	struct host_options *host = &setup->host;
	uint64_t number = 0;
	bool ok;

	switch (setting) {
	case SET_TARGETS:
		ok = parse_number(value, 1, TARGETS_MAX, &number);
		host->targets = (uint32_t)number;
		return ok;
	case SET_LOOPS:
		ok = parse_number(value, 1, HOST_LOOPS_MAX, &number);
		host->loops = (uint32_t)number;
		return ok;
	case SET_RANK:
		ok = parse_number(value, 0, UINT32_MAX - 1, &number);
		host->rank = (uint32_t)number;
		return ok;
	case SET_LOG_SIZE:
		return parse_number(value, 1, INT64_MAX, &host->log_size);
	case SET_CAPACITY:
		return parse_number(value, 1, INT64_MAX, &host->capacity);
	case SET_SPIN:
		ok = parse_number(value, 0, 1000000, &number);
		host->spin_ns = number * 1000;
		return ok;
	default:
		return false;
	}
}

static bool
take_setting(struct setup *setup, enum setting setting, const char *value)
{
	switch (setting) {
	case SET_STORAGE:
		setup->host.storage = value;
		return true;
	case SET_SOCKETS:
		setup->sockets = value;
		return true;
	case SET_LISTEN:
		return add_address(setup, value);
	case SET_SYSTEM:
		setup->host.system = value;
		return true;
	case SET_THIN:
		setup->host.thin_default = true;
		return true;
	case SET_FORMAT:
		setup->format = true;
		return true;
	case SET_BACKEND:
		return parse_backend(value, &setup->host.backend);
	case SET_LOG:
		setup->log = value;
		return true;
	case SET_LOG_LEVEL:
		return log_level_parse(value, &setup->host.level);
	case SET_LOG_JSON:
		setup->json_log = true;
		return true;
	case SET_INSECURE:
		setup->insecure = true;
		return true;
	default:
		return take_number(setup, setting, value);
	}
}

/* -1: go on; else the exit status. */
static int
read_options(struct setup *setup, int count, char **arguments)
{
	struct option options[ARRAY_SIZE(settings) + 1] = {0};
	int value;

	for (size_t i = 0; i < ARRAY_SIZE(settings); i++)
		options[i] = (struct option){settings[i].name,
					     settings[i].takes ? required_argument : no_argument,
					     NULL, (int)i + 1000};
	opterr = 0;
	while ((value = getopt_long(count, arguments, ":", options, NULL)) != -1) {
		if (value == '?')
			return misused("unknown option %s", arguments[optind - 1]);
		if (value == ':')
			return misused("%s needs a value", arguments[optind - 1]);
		if (value - 1000 == SET_HELP)
			return print_help();
		if (value - 1000 == SET_VERSION) {
			printf("DAOS Engine, Cairn\n");
			return SERVER_OK;
		}
		if (!take_setting(setup, (enum setting)(value - 1000), optarg))
			return misused("%s cannot have that value", arguments[optind - 1]);
	}
	if (optind < count)
		return misused("unexpected argument %s", arguments[optind]);
	if (!setup->host.storage)
		return misused("%s is missing", "--storage");
	return -1;
}

/* What follows from the options; -1 or the exit status. */
static int
complete(struct setup *setup)
{
	struct host_options *host = &setup->host;
	const char *sockets = setup->sockets ? setup->sockets : host->storage;

	if (snprintf(setup->socket_address, sizeof(setup->socket_address), "unix:%s/engine-%u.sock",
		     sockets, host->rank) >= (int)sizeof(setup->socket_address) - 8) {
		complain(PROGRAM, 0, "the path of a Unix socket has at most 107 bytes",
			 "choose a directory with a shorter name", "%s is too long", sockets);
		return SERVER_USAGE;
	}
	host->listen[0] = setup->socket_address;
	if (host->loops == 0)
		host->loops = min_of(host->targets, linux_core_count());
	if (host->loops > host->targets)
		host->loops = host->targets;
	for (uint32_t i = 0; i < host->listen_count && !setup->insecure; i++)
		if (!address_is_loopback(host->listen[i])) {
			complain(PROGRAM, -DER_NO_PERM,
				 "other machines can reach it, and nothing is encrypted yet",
				 "listen on 127.0.0.1, or allow it: --insecure",
				 "refuses to listen on %s", host->listen[i]);
			return SERVER_USAGE;
		}
	return -1;
}

/* ------------------------------------------------ running */

static int
take_lock(const struct setup *setup, struct linux_lock **ret_lock)
{
	char path[4096];
	int32_t holder = 0;
	int rc;

	if (snprintf(path, sizeof(path), "%s/lock", setup->host.storage) >= (int)sizeof(path))
		return misused("%s is too long", setup->host.storage);
	rc = linux_lock_take(path, &holder, ret_lock);
	if (rc == -DER_BUSY) {
		complain(PROGRAM, rc, "two engines on one storage would destroy it",
			 "use that one, end it, or name another directory",
			 "process %d holds the storage %s", holder, setup->host.storage);
		return SERVER_HELD;
	}
	if (rc) {
		complain(PROGRAM, rc, error_text(rc), "see that the directory exists and is yours",
			 "cannot use the storage %s", setup->host.storage);
		return SERVER_FAILED;
	}
	return SERVER_OK;
}

static void
announce(const struct host *host)
{
	const char *addresses[HOST_ADDRESSES_MAX];
	uint32_t count = host_addresses(host, addresses, HOST_ADDRESSES_MAX);

	printf("ready");
	for (uint32_t i = 0; i < count; i++)
		printf(" %s", addresses[i]);
	putchar('\n');
	fflush(stdout);
}

static bool
is_unusable(int code)
{
	return code == -DER_DF_INCOMPT || code == -DER_DF_INVAL || code == -DER_MISMATCH ||
	       code == -DER_CSUM || code == -DER_NONEXIST;
}

/*
 * Whether the storage holds a system: the superblock is what the engine makes last. The engine
 * looks more closely: it refuses to format what holds a system.
 */
static bool
is_formatted(const struct setup *setup)
{
	char path[4096];

	snprintf(path, sizeof(path), "%s/superblock", setup->host.storage);
	return access(path, F_OK) == 0;
}

/* All users may connect who reach the socket's directory: the engine judges what they may do. */
static void
socket_open(const struct setup *setup)
{
	const char *path = setup->socket_address + strlen("unix:");

	if (chmod(path, 0666) != 0)
		complain(PROGRAM, 0, strerror(errno), "see that its directory is yours",
			 "other users cannot connect to %s", path);
}

static int
serve(struct setup *setup)
{
	char message[1024] = "";
	struct host *host;
	int rc;

	setup->host.format = setup->format && !is_formatted(setup);
	rc = host_start(&setup->host, message, sizeof(message), &host);
	if (rc) {
		complain(PROGRAM, rc, message, NULL, "cannot start on %s", setup->host.storage);
		return is_unusable(rc) ? SERVER_UNUSABLE : SERVER_FAILED;
	}
	socket_open(setup);
	announce(host);
	while (linux_signal_wait(UINT64_MAX) == SIGHUP)
		continue;
	host_stop(host);
	return SERVER_OK;
}

static int
run(struct setup *setup)
{
	struct linux_lock *lock;
	int rc = linux_log_open(setup->log, setup->json_log, &setup->host.sink);

	if (rc) {
		complain(PROGRAM, rc, error_text(rc), "name another file: --log FILE",
			 "cannot write the log");
		return SERVER_FAILED;
	}
	rc = take_lock(setup, &lock);
	if (rc == SERVER_OK) {
		rc = serve(setup);
		linux_lock_release(lock);
	}
	linux_log_close(setup->host.sink);
	return rc;
}

int
main(int count, char **arguments)
{
	struct setup setup = {
		.host = {.system = "daos_server",
			 .targets = 1,
			 .level = LOG_NOTICE,
			 .listen_count = 1},
	};
	int status;

	linux_signals_block();
	status = read_options(&setup, count, arguments);
	if (status < 0)
		status = complete(&setup);
	if (status < 0)
		status = run(&setup);
	return status;
}
