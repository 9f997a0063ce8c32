/* SPDX-License-Identifier: BSD-2-Clause-Patent */
/* daos_server: starts an engine where no file and no root is needed, and keeps it running. */
#include <errno.h>
#include <getopt.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "daos_version.h"
#include "env/linux/linux.h"
#include "server/address.h"
#include "server/complain.h"
#include "server/places.h"
#include "server/supervisor.h"

#define PROGRAM "daos_server"
#define TARGETS_DEFAULT_MAX 4u
#define ENGINE_PORT 31416u
#define LISTEN_MAX 4u
#define ARGUMENTS_MAX 48u

/* What the command line says; NULL or 0: nothing. */
struct request {
	const char *config_file;
	struct places_options places;
	const char *listen[LISTEN_MAX];
	uint32_t listen_count;
	const char *targets, *loops, *system, *backend;
	bool insecure;
};

struct server {
	struct request request;
	struct config config;
	struct places places;
	char address[ADDRESS_TEXT]; /* from the configuration */
	uint32_t targets;
	char program[PLACE_TEXT]; /* daos_engine */
	char texts[2][16];	  /* numbers as arguments */
	char *arguments[ARGUMENTS_MAX];
	uint32_t argument_count;
	FILE *log;
};

/* ------------------------------------------------ options */

static const struct option start_options[] = {
	{"config", required_argument, NULL, 'o'},
	{"config-path", required_argument, NULL, 'o'},
	{"storage", required_argument, NULL, 's'},
	{"targets", required_argument, NULL, 't'},
	{"group", required_argument, NULL, 'g'},
	{"socket-dir", required_argument, NULL, 'd'},
	{"insecure", no_argument, NULL, 'i'},
	{"listen", required_argument, NULL, 'L'},
	{"loops", required_argument, NULL, 'l'},
	{"log-dir", required_argument, NULL, 'G'},
	{"backend", required_argument, NULL, 'b'},
	{"port", required_argument, NULL, 'n'},
	{"modules", required_argument, NULL, 'n'},
	{"xshelpernr", required_argument, NULL, 'n'},
	{"firstcore", required_argument, NULL, 'n'},
	{"auto-format", no_argument, NULL, 'n'},
	{"help", no_argument, NULL, 'h'},
	{NULL, 0, NULL, 0},
};

static int
print_start_help(void)
{
	puts("usage: daos_server start [options]\n\n"
	     "Starts a server on this machine. Without options: one engine, as many targets as\n"
	     "cores, at most 4, on a Unix socket. Storage that is empty is formatted.\n\n"
	     "  -o, --config FILE      configuration; `daos_server config explain` lists the keys\n"
	     "  -s, --storage DIR      data     [/var/lib/cairn/engine-0; ~/.local/state/...]\n"
	     "  -d, --socket-dir DIR   sockets  [/run/daos_server; $XDG_RUNTIME_DIR/cairn,\n"
	     "                         /tmp/cairn-UID]\n"
	     "      --log-dir DIR      logs     [/var/log/cairn; ~/.local/state/cairn]\n"
	     "  -t, --targets N        1 to 64\n"
	     "      --loops N          threads of the engine\n"
	     "      --listen ADDRESS   a TCP address as well, tcp:127.0.0.1:31416; several times\n"
	     "  -g, --group NAME       name of the system [daos_server]\n"
	     "  -i, --insecure         allow addresses that other machines can reach\n"
	     "      --backend NAME     auto, uring or epoll\n"
	     "  -p, -m, -x, -f, --auto-format   accepted, without effect\n\n"
	     "Exit status: 0 stopped, 1 failed, 2 wrong usage, 3 another process holds the\n"
	     "storage or the sockets, 4 the storage is of another version or system, or damaged.");
	return SERVER_OK;
}

static int
print_help(void)
{
	puts("usage: daos_server <command> [options]\n\n"
	     "  start                 start a server, until Ctrl-C\n"
	     "  config explain [KEY]  the keys of the configuration file\n"
	     "  version               print the version\n\n"
	     "`daos_server start --help` says more.");
	return SERVER_OK;
}

static int
misused(const char *format, const char *word)
{
	complain(PROGRAM, 0, NULL, "`daos_server --help` shows what there is", format, word);
	return SERVER_USAGE;
}

static void
take_option(struct request *request, int letter, const char *value)
{
	switch (letter) {
	case 'o':
		request->config_file = value;
		break;
	case 's':
		request->places.storage = value;
		break;
	case 't':
		request->targets = value;
		break;
	case 'g':
		request->system = value;
		break;
	case 'd':
		request->places.sockets = value;
		break;
	case 'i':
		request->insecure = true;
		break;
	case 'L':
		if (request->listen_count < LISTEN_MAX)
			request->listen[request->listen_count++] = value;
		break;
	case 'l':
		request->loops = value;
		break;
	case 'G':
		request->places.logs = value;
		break;
	case 'b':
		request->backend = value;
		break;
	default:
		/* Accepted, so that habits work. */
		break;
	}
}

/* -1: go on. */
static int
read_start_options(struct request *request, int count, char **arguments)
{
	int letter;

	opterr = 0;
	while ((letter = getopt_long(count, arguments, ":o:s:t:g:d:ip:m:x:f:h", start_options,
				     NULL)) != -1) {
		if (letter == 'h')
			return print_start_help();
		if (letter == '?')
			return misused("unknown option %s", arguments[optind - 1]);
		if (letter == ':')
			return misused("%s needs a value", arguments[optind - 1]);
		take_option(request, letter, optarg);
	}
	if (optind < count)
		return misused("unexpected argument %s", arguments[optind]);
	return -1;
}

/* ------------------------------------------------ what will run */

static int
read_config(struct server *server)
{
	const char *file = server->request.config_file;
	char message[1024] = "";
	int rc;

	if (!file)
		return SERVER_OK;
	rc = config_load(file, message, sizeof(message), &server->config);
	if (rc == 0)
		return SERVER_OK;
	complain(PROGRAM, rc, message,
		 rc == -DER_INVAL ? "correct the file; `daos_server config explain` lists the keys"
				  : "name a file that exists, or leave -o away: none is needed",
		 "cannot use the configuration %s", file);
	return SERVER_USAGE;
}

static int
choose_targets(struct server *server)
{
	const char *text = server->request.targets;
	char *end = NULL;
	unsigned long number = text ? strtoul(text, &end, 10) : server->config.targets;

	if (text && (*end || number < 1 || number > 64))
		return misused("--targets=%s is no number from 1 to 64", text);
	server->targets = number ? (uint32_t)number
				 : min_of(linux_core_count(), TARGETS_DEFAULT_MAX);
	return SERVER_OK;
}

/* The TCP address of the configuration, if it has one. */
static int
choose_address(struct server *server)
{
	const struct config *config = &server->config;
	const char *interface = config->fabric_iface[0] ? config->fabric_iface : "127.0.0.1";
	uint32_t port = config->fabric_iface_port ? (uint32_t)config->fabric_iface_port
						  : ENGINE_PORT;
	int rc;

	if (server->request.listen_count > 0 ||
	    (!config->fabric_iface[0] && !config->fabric_iface_port))
		return SERVER_OK;
	rc = address_of_interface(interface, port, server->address);
	if (rc) {
		complain(PROGRAM, rc, error_text(rc), "name one of `ip address`, such as lo",
			 "cannot listen on fabric_iface %s", interface);
		return SERVER_USAGE;
	}
	server->request.listen[server->request.listen_count++] = server->address;
	return SERVER_OK;
}

static int
check_addresses(struct server *server)
{
	if (server->request.insecure || server->config.allow_insecure)
		return SERVER_OK;
	for (uint32_t i = 0; i < server->request.listen_count; i++)
		if (!address_is_loopback(server->request.listen[i])) {
			complain(PROGRAM, -DER_NO_PERM,
				 "other machines can reach it, and nothing is encrypted yet",
				 "listen on 127.0.0.1, or set transport_config: {allow_insecure: "
				 "true}",
				 "refuses to listen on %s", server->request.listen[i]);
			return SERVER_USAGE;
		}
	return SERVER_OK;
}

static void
add_argument(struct server *server, const char *name, const char *value)
{
	ASSERT(server->argument_count + 3 < ARGUMENTS_MAX);
	/* execv() takes what it does not change as not const. */
	server->arguments[server->argument_count++] = (char *)(uintptr_t)name;
	if (value)
		server->arguments[server->argument_count++] = (char *)(uintptr_t)value;
}

static const char *
log_level(const char *mask)
{
	enum log_level level;

	/* A mask may name facilities; only a plain level is understood so far. */
	return mask[0] && log_level_parse(mask, &level) ? mask : "notice";
}

static int
build_arguments(struct server *server)
{
	const struct request *request = &server->request;
	const char *name = request->system ? request->system : server->config.name;

	snprintf(server->texts[0], sizeof(server->texts[0]), "%u", server->targets);
	add_argument(server, server->program, NULL);
	add_argument(server, "--storage", server->places.data);
	add_argument(server, "--sockets", server->places.sockets);
	add_argument(server, "--log", server->places.engine_log);
	add_argument(server, "--log-level", log_level(server->config.log_mask));
	add_argument(server, "--targets", server->texts[0]);
	add_argument(server, "--format", NULL);
	add_argument(server, "--thin", NULL);
	if (name[0])
		add_argument(server, "--system", name);
	if (request->loops)
		add_argument(server, "--loops", request->loops);
	if (request->backend)
		add_argument(server, "--backend", request->backend);
	if (request->insecure || server->config.allow_insecure)
		add_argument(server, "--insecure", NULL);
	for (uint32_t i = 0; i < request->listen_count; i++)
		add_argument(server, "--listen", request->listen[i]);
	return SERVER_OK;
}

/* daos_engine lies beside this program. */
static int
find_engine(struct server *server)
{
	char self[PLACE_TEXT];
	ssize_t length = readlink("/proc/self/exe", self, sizeof(self) - 1);
	char *slash;

	if (length < 0)
		length = 0;
	self[length] = '\0';
	slash = strrchr(self, '/');
	if (!slash ||
	    snprintf(server->program, sizeof(server->program), "%.*s/daos_engine",
		     (int)(slash - self), self) >= (int)sizeof(server->program) ||
	    access(server->program, X_OK) < 0) {
		complain(PROGRAM, 0, "it belongs in the same directory as daos_server",
			 "build it: ./run build", "there is no daos_engine in %s", self);
		return SERVER_FAILED;
	}
	return SERVER_OK;
}

/* ------------------------------------------------ running */

static const char *
time_text(char text[32])
{
	time_t seconds = time(NULL);
	struct tm broken;

	localtime_r(&seconds, &broken);
	strftime(text, 32, "%Y-%m-%d %H:%M:%S", &broken);
	return text;
}

static void
note_line(void *argument, const char *text)
{
	struct server *server = argument;
	char time[32];

	printf("%s\n", text);
	fflush(stdout);
	fprintf(server->log, "%s %s\n", time_text(time), text);
	fflush(server->log);
}

/* The folder of the commands, with a slash at its end; empty where the shell finds them by itself.
 */
static void
command_folder(const struct server *server, char text[PLACE_TEXT])
{
	const char *path = getenv("PATH");
	size_t length = (size_t)(strrchr(server->program, '/') - server->program);

	text[0] = '\0';
	for (const char *at = path ? path : ""; *at; at += strcspn(at, ":"), at += *at == ':')
		if (strcspn(at, ":") == length && strncmp(at, server->program, length) == 0)
			return;
	snprintf(text, PLACE_TEXT, "%.*s/", (int)length, server->program);
}

/* The setting that a client needs to find this server; empty when it finds it by itself. */
static void
client_setting(const struct server *server, char text[PLACE_TEXT + 64])
{
	char usual[PLACE_TEXT];

	text[0] = '\0';
	if (places_default_sockets(usual) == 0 && strcmp(usual, server->places.sockets) == 0)
		return;
	snprintf(text, PLACE_TEXT + 64, "DAOS_AGENT_DRPC_DIR=%s ", server->places.sockets);
}

static void
note_ready(void *argument, int pid, const char *addresses, bool again)
{
	struct server *server = argument;
	char setting[PLACE_TEXT + 64], folder[PLACE_TEXT], time[32];

	fprintf(server->log, "%s engine (process %d) serves %s\n", time_text(time), pid, addresses);
	fflush(server->log);
	if (again) {
		printf("The engine serves again (process %d).\n", pid);
		fflush(stdout);
		return;
	}
	client_setting(server, setting);
	command_folder(server, folder);
	printf("The server is ready: 1 engine (process %d), %u target%s\n", pid, server->targets,
	       server->targets == 1 ? "" : "s");
	printf("  data     %s\n  sockets  %s\n  logs     %s\n           %s\n  engine   %s\n",
	       server->places.data, server->places.sockets, server->places.engine_log,
	       server->places.server_log, addresses);
	printf("Next:      %s%sdmg pool create tank\n", setting, folder);
	printf("Ctrl-C stops it.\n");
	fflush(stdout);
}

/* Takes the lock of one directory; says who has it. */
static int
take_lock(const char *directory, const char *what, struct linux_lock **ret_lock)
{
	char path[PLACE_TEXT + 32];
	int32_t holder = 0;
	int rc;

	snprintf(path, sizeof(path), "%s/daos_server.lock", directory);
	rc = linux_lock_take(path, &holder, ret_lock);
	if (rc == -DER_BUSY) {
		char todo[128];

		snprintf(todo, sizeof(todo),
			 "use that one, end it (kill %d), or name another directory", holder);
		complain(PROGRAM, rc, "another daos_server runs there", todo,
			 "process %d holds the %s %s", holder, what, directory);
		return SERVER_HELD;
	}
	if (rc) {
		complain(PROGRAM, rc, error_text(rc), "see that the directory is yours",
			 "cannot use the %s %s", what, directory);
		return SERVER_FAILED;
	}
	return SERVER_OK;
}

static int
supervise(struct server *server)
{
	struct supervisor_options options = {
		.arguments = server->arguments,
		.restart = !server->config.disable_engine_auto_restart,
		.least_delay_ns = server->config.engine_auto_restart_min_delay * 1000000000,
		.ready = note_ready,
		.note = note_line,
		.argument = server,
	};
	int rc;

	server->log = fopen(server->places.server_log, "ae");
	if (!server->log) {
		complain(PROGRAM, 0, strerror(errno), "name another directory: --log-dir DIR",
			 "cannot write %s", server->places.server_log);
		return SERVER_FAILED;
	}
	rc = supervisor_run(&options);
	if (rc == SERVER_OK)
		note_line(server, "The server has stopped.");
	fclose(server->log);
	return rc;
}

static int
serve(struct server *server)
{
	struct linux_lock *data, *sockets;
	int rc = take_lock(server->places.data, "data directory", &data);

	if (rc)
		return rc;
	rc = take_lock(server->places.sockets, "socket directory", &sockets);
	if (rc == SERVER_OK) {
		rc = supervise(server);
		linux_lock_release(sockets);
	}
	linux_lock_release(data);
	return rc;
}

static int
choose_places(struct server *server)
{
	int rc = places_choose(&server->request.places, &server->config, &server->places);

	if (rc == 0)
		return SERVER_OK;
	complain(PROGRAM, rc, error_text(rc),
		 "name directories of yours: --storage, --socket-dir, --log-dir",
		 "cannot make the directories of the server");
	return SERVER_FAILED;
}

static int
command_start(int count, char **arguments)
{
	static int (*const steps[])(struct server * server) = {
		read_config, choose_targets, choose_address,  check_addresses,
		find_engine, choose_places,  build_arguments,
	};
	struct server *server = calloc(1, sizeof(*server));
	int rc;

	if (!server)
		return SERVER_FAILED;
	rc = read_start_options(&server->request, count, arguments);
	if (rc < 0) {
		rc = SERVER_OK;
		for (size_t i = 0; i < ARRAY_SIZE(steps) && rc == SERVER_OK; i++)
			rc = steps[i](server);
		if (rc == SERVER_OK)
			rc = serve(server);
	}
	free(server);
	return rc;
}

static int
command_config(int count, char **arguments)
{
	if (count < 2 || strcmp(arguments[1], "explain") != 0)
		return misused("%s", "what there is: daos_server config explain [KEY]");
	if (!config_explain(count > 2 ? arguments[2] : ""))
		return misused("there is no key that begins with `%s'", arguments[2]);
	return SERVER_OK;
}

int
main(int count, char **arguments)
{
	linux_signals_block();
	if (count < 2 || strcmp(arguments[1], "--help") == 0 || strcmp(arguments[1], "-h") == 0 ||
	    strcmp(arguments[1], "help") == 0) {
		print_help();
		return count < 2 ? SERVER_USAGE : SERVER_OK;
	}
	if (strcmp(arguments[1], "start") == 0)
		return command_start(count - 1, arguments + 1);
	if (strcmp(arguments[1], "config") == 0)
		return command_config(count - 1, arguments + 1);
	if (strcmp(arguments[1], "version") == 0) {
		printf("DAOS Control Server version %d.%d.%d\n", DAOS_VERSION_MAJOR,
		       DAOS_VERSION_MINOR, DAOS_VERSION_FIX);
		return SERVER_OK;
	}
	return misused("unknown command `%s'", arguments[1]);
}
