/* SPDX-License-Identifier: BSD-2-Clause-Patent */
/*
 * Finding a server: an engine in this process (DAOS_EMBEDDED), given addresses (CAIRN_ENGINE), or
 * the socket of an engine of this host in the directories where one may be. README.md has the
 * order.
 */
#include <dlfcn.h>
#include <errno.h>
#include <stdarg.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include "client/private.h"

#define SOCKET_NAME "engine-0.sock"

/* ------------------------------------------------ the report of what was tried */

static void PRINTF(2, 3) say(struct servers *servers, const char *format, ...)
{
	size_t used = strlen(servers->failure);
	va_list arguments;

	va_start(arguments, format);
	vsnprintf(servers->failure + used, sizeof(servers->failure) - used, format, arguments);
	va_end(arguments);
}

/* ------------------------------------------------ sockets of this host */

/* 0 when somebody listens at path, else an errno. */
static int
socket_probe(const char *path)
{
	struct sockaddr_un address = {.sun_family = AF_UNIX};
	int descriptor;
	int error;

	if (strlen(path) >= sizeof(address.sun_path))
		return ENAMETOOLONG;
	strcpy(address.sun_path, path);
	descriptor = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	if (descriptor < 0)
		return errno;
	error = connect(descriptor, (struct sockaddr *)&address, sizeof(address)) == 0 ? 0 : errno;
	close(descriptor);
	/* Its queue is full: there is somebody. */
	return error == EAGAIN || error == EINPROGRESS ? 0 : error;
}

static void
directory_report(struct servers *servers, const char *name, const char *directory, int error)
{
	struct stat status;

	say(servers, "  %s %s: ", name, directory);
	if (error == ECONNREFUSED)
		say(servers, "%s is there, but nobody listens: its server has ended\n",
		    SOCKET_NAME);
	else if (error == ENOENT && stat(directory, &status) != 0 && errno == ENOENT)
		say(servers, "no such directory\n");
	else if (error == ENOENT)
		say(servers, "no %s in it\n", SOCKET_NAME);
	else
		say(servers, "%s: %s\n", SOCKET_NAME, strerror(error));
}

/* Whether an engine listens in directory; its address goes to servers. */
static bool
directory_try(struct servers *servers, const char *name, const char *directory)
{
	char path[PROTO_ADDRESS_MAX - 8];
	int error = ENAMETOOLONG;

	if (directory == NULL || directory[0] == '\0') {
		say(servers, "  %s: not set\n", name);
		return false;
	}
	if (snprintf(path, sizeof(path), "%s/%s", directory, SOCKET_NAME) < (int)sizeof(path))
		error = socket_probe(path);
	if (error) {
		directory_report(servers, name, directory, error);
		return false;
	}
	snprintf(servers->addresses[0], sizeof(servers->addresses[0]), "unix:%s", path);
	servers->count = 1;
	return true;
}

/* ------------------------------------------------ given addresses */

static void
scheme_note(struct servers *servers, const char *address)
{
	size_t length = strcspn(address, ":") + 1;
	size_t used = strlen(servers->schemes);

	if (used + length + 1 < sizeof(servers->schemes))
		snprintf(servers->schemes + used, sizeof(servers->schemes) - used, "%.*s ",
			 (int)length, address);
}

static int
addresses_take(struct servers *servers, const char *list)
{
	while (*list != '\0') {
		size_t length = strcspn(list, ",");

		if (length == 0 || length > PROTO_ADDRESS_MAX ||
		    memchr(list, ':', length) == NULL || servers->count == SERVERS_MAX) {
			say(servers,
			    "CAIRN_ENGINE is no list of addresses like tcp:127.0.0.1:10001: "
			    "\"%s\"\n",
			    list);
			return error_raise(-DER_INVAL, "CAIRN_ENGINE cannot be read");
		}
		snprintf(servers->addresses[servers->count], PROTO_ADDRESS_MAX + 1, "%.*s",
			 (int)length, list);
		scheme_note(servers, servers->addresses[servers->count++]);
		list += length + (list[length] == ',');
	}
	return 0;
}

void
servers_filter(const struct servers *servers, struct proto_map *map)
{
	for (uint32_t i = 0; servers->schemes[0] != '\0' && i < map->engine_count; i++) {
		struct proto_engine *engine = &map->engines[i];
		uint32_t kept = 0;

		for (uint32_t j = 0; j < engine->address_count; j++) {
			struct proto_text address = engine->addresses[j];
			const char *colon = memchr(address.data, ':', address.length);
			char scheme[16];

			if (colon == NULL || colon - address.data >= (int)sizeof(scheme) - 1)
				continue;
			snprintf(scheme, sizeof(scheme), "%.*s", (int)(colon - address.data) + 1,
				 address.data);
			if (strstr(servers->schemes, scheme))
				engine->addresses[kept++] = address;
		}
		if (kept > 0)
			engine->address_count = kept;
	}
}

int
servers_find(const struct places *places, struct servers *servers)
{
	servers->failure[0] = '\0';
	servers->count = 0;
	if (places->engine && places->engine[0] != '\0')
		return addresses_take(servers, places->engine);
	say(servers, "no DAOS server found; places tried:\n");
	say(servers, "  DAOS_EMBEDDED: not set\n");
	if (directory_try(servers, "DAOS_AGENT_DRPC_DIR", places->agent_directory) ||
	    directory_try(servers, "user's directory", places->user_directory) ||
	    directory_try(servers, "system's directory", places->system_directory)) {
		servers->failure[0] = '\0';
		return 0;
	}
	say(servers,
	    "start a server with `daos_server start`, or set DAOS_EMBEDDED=<directory> to do "
	    "without one");
	return error_raise(-DER_AGENT_COMM,
			   "no DAOS server found; start one with `daos_server start`");
}

/* ------------------------------------------------ an engine in this process */

typedef int embedded_start_function(const char *directory, struct embedded **ret_embedded,
				    char *ret_address, char *message, size_t message_size);
typedef void embedded_stop_function(struct embedded *embedded);

/* The library lies beside this one; where it does not, wherever the system looks. */
static void *
embedded_library(void)
{
	Dl_info here;
	char path[4096];
	void *library = NULL;
	const char *end;

	if (dladdr((void *)(uintptr_t)servers_find, &here) &&
	    (end = strrchr(here.dli_fname, '/')) != NULL &&
	    snprintf(path, sizeof(path), "%.*s/libdaos_embedded.so", (int)(end - here.dli_fname),
		     here.dli_fname) < (int)sizeof(path))
		library = dlopen(path, RTLD_NOW | RTLD_LOCAL);
	return library ? library : dlopen("libdaos_embedded.so", RTLD_NOW | RTLD_LOCAL);
}

static int
embedded_open(struct servers *servers, const char *directory)
{
	void *library = embedded_library();
	embedded_start_function *start;
	int rc;

	if (library == NULL) {
		say(servers, "DAOS_EMBEDDED is set, but the engine's library cannot be opened: %s",
		    dlerror());
		return error_raise(-DER_NOSYS, "libdaos_embedded.so cannot be opened");
	}
	start = (embedded_start_function *)(uintptr_t)dlsym(library, "daos_embedded_start");
	servers->embedded_stop =
		(embedded_stop_function *)(uintptr_t)dlsym(library, "daos_embedded_stop");
	if (start == NULL || servers->embedded_stop == NULL) {
		say(servers, "libdaos_embedded.so is none: it lacks daos_embedded_start()");
		return error_raise(-DER_NOSYS, "libdaos_embedded.so lacks its functions");
	}
	/* The library stays open: its thread-local destructors may run until the process ends. */
	rc = start(directory, &servers->embedded, servers->addresses[0], servers->failure,
		   sizeof(servers->failure));
	if (rc)
		return error_raise(rc, "%s", servers->failure);
	servers->count = 1;
	return 0;
}

void
servers_fini(struct servers *servers)
{
	if (servers->embedded)
		servers->embedded_stop(servers->embedded);
	memset(servers, 0, sizeof(*servers));
}

/* ------------------------------------------------ once per client */

static int
find_now(struct servers *servers)
{
	char user_directory[PROTO_ADDRESS_MAX];
	const char *embedded = getenv("DAOS_EMBEDDED");
	struct places places = {
		.engine = getenv("CAIRN_ENGINE"),
		.agent_directory = getenv("DAOS_AGENT_DRPC_DIR"),
		.system_directory = "/run/daos_server",
	};

	if (embedded && embedded[0] != '\0') {
		servers->failure[0] = '\0';
		return embedded_open(servers, embedded);
	}
	if (linux_runtime_directory("cairn", user_directory, sizeof(user_directory)) == 0)
		places.user_directory = user_directory;
	return servers_find(&places, servers);
}

static void
tell(struct client *client)
{
	char *text = client->servers.failure;

	if (client->quiet || client->servers.told)
		return;
	client->servers.told = true;
	for (size_t length; *text != '\0'; text += length + (text[length] == '\n')) {
		length = strcspn(text, "\n");
		log_error("%.*s", (int)length, text);
	}
}

static int
client_find_locked(struct client *client)
{
	int rc = 0;

	if (!client->servers.found)
		rc = find_now(&client->servers);
	client->servers.found = rc == 0;
	client->servers.code = rc;
	if (rc)
		tell(client);
	return rc;
}

struct finding {
	struct client *client;
	int result;
};

static void
find_on_thread(void *argument)
{
	struct finding *finding = argument;

	finding->result = client_find_locked(finding->client);
}

/* A fiber's stack is too small for opening a library. */
static int
find_from_fiber(struct client *client)
{
	struct finding finding = {.client = client};
	struct linux_thread *thread;
	int rc = linux_thread_start("find", find_on_thread, &finding, &thread);

	if (rc)
		return rc;
	linux_thread_join(thread);
	return finding.result;
}

int
client_find(struct client *client)
{
	int rc = client_check(client);

	if (rc)
		return rc;
	pthread_mutex_lock(&client->lock);
	if (!client->servers.found)
		rc = fiber_current() ? find_from_fiber(client) : client_find_locked(client);
	if (rc)
		client_keep_text(client, client->servers.failure[0] ? client->servers.failure
								    : error_text(rc));
	pthread_mutex_unlock(&client->lock);
	return rc;
}
