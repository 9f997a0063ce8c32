/* SPDX-License-Identifier: BSD-2-Clause-Patent */
/*
 * Finding a server: the engine of a local directory (DAOS_EMBEDDED), given addresses
 * (CAIRN_ENGINE), or the socket of an engine of this host in the directories where one may be.
 * README.md has the order.
 */
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

int
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

/* ------------------------------------------------ once per client */

/* Another process has the directory, or another user's does and listens: its socket is the place.
 */
static int
embedded_find(struct client *client, const char *directory, struct servers *servers)
{
	int rc = embedded_serve(client, directory, servers);

	if (rc == -DER_BUSY ||
	    (rc == -DER_NO_PERM && socket_probe(strchr(servers->addresses[0], ':') + 1) == 0))
		rc = 0;
	servers->embedded = rc == 0;
	servers->count = rc == 0;
	return rc;
}

static int
find_now(struct client *client, struct servers *servers)
{
	char user_directory[PROTO_ADDRESS_MAX];
	const char *embedded = getenv("DAOS_EMBEDDED");
	struct places places = {
		.engine = getenv("CAIRN_ENGINE"),
		.agent_directory = getenv("DAOS_AGENT_DRPC_DIR"),
		.system_directory = "/run/daos_server",
	};

	if (embedded && embedded[0] != '\0')
		return embedded_find(client, embedded, servers);
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

struct finding {
	struct client *client;
	struct servers servers;
};

static int
find_run(void *argument)
{
	struct finding *finding = argument;
	int rc = find_now(finding->client, &finding->servers);

	if (rc && finding->servers.failure[0] == '\0')
		snprintf(finding->servers.failure, sizeof(finding->servers.failure), "%s",
			 error_text(rc));
	return rc;
}

/* With the client's lock held. */
static void
servers_take(struct client *client, const struct servers *found, int rc)
{
	bool told = client->servers.told;

	if (client->servers.found)
		return;
	client->servers = *found;
	client->servers.told = told;
	client->servers.found = rc == 0;
	client->servers.code = rc;
	if (rc)
		tell(client);
	else
		client->servers.failure[0] = '\0';
}

/* The lock is not held while it looks: daos_fini() waits for fibers with it. */
static int
find(struct client *client)
{
	struct finding *finding = client_calloc(sizeof(*finding));
	int rc = -DER_NOMEM, up;

	if (finding == NULL)
		return rc;
	finding->client = client;
	rc = fiber_current() ? client_on_thread(find_run, finding) : find_run(finding);
	up = client_check(client);
	if (up == 0) {
		pthread_mutex_lock(&client->lock);
		servers_take(client, &finding->servers, rc);
		pthread_mutex_unlock(&client->lock);
		if (rc)
			client_keep_text(client, finding->servers.failure);
	}
	client_free(finding);
	return up ? up : rc;
}

static bool
servers_found(struct client *client)
{
	bool found;

	pthread_mutex_lock(&client->lock);
	found = client->servers.found;
	pthread_mutex_unlock(&client->lock);
	return found;
}

int
client_find(struct client *client)
{
	int rc = client_check(client);

	if (rc)
		return rc;
	return servers_found(client) ? 0 : find(client);
}

int
client_find_again(struct client *client)
{
	int rc = client_check(client);

	if (rc)
		return rc;
	pthread_mutex_lock(&client->lock);
	client->servers.found = false;
	pthread_mutex_unlock(&client->lock);
	return find(client);
}

uint32_t
client_addresses(struct client *client, char ret_addresses[SERVERS_MAX][PROTO_ADDRESS_MAX + 1])
{
	uint32_t count;

	pthread_mutex_lock(&client->lock);
	count = client->servers.count;
	memcpy(ret_addresses, client->servers.addresses, sizeof(client->servers.addresses));
	pthread_mutex_unlock(&client->lock);
	return count;
}
