/* SPDX-License-Identifier: BSD-2-Clause-Patent */
/*
 * The engine of a local directory (DAOS_EMBEDDED): its library, and the question who serves. It is
 * asked when the directory is first needed and whenever nobody answers at its socket; the kernel
 * answers it, by the directory's lock.
 */
#include <dlfcn.h>
#include <stdarg.h>
#include <stdlib.h>

#include "client/private.h"

/* ------------------------------------------------ the library */

/* It lies beside this one; where it does not, wherever the system looks. */
static void *
library_open(void)
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

static int PRINTF(2, 3) refuse(struct servers *servers, const char *format, ...)
{
	va_list arguments;

	va_start(arguments, format);
	vsnprintf(servers->failure, sizeof(servers->failure), format, arguments);
	va_end(arguments);
	return error_raise(-DER_NOSYS, "%s", servers->failure);
}

/* It stays open: its thread-local destructors may run until the process ends. */
static int
door_open(struct embedded_door *door, struct servers *servers)
{
	if (door->library == NULL)
		door->library = library_open();
	if (door->library == NULL)
		return refuse(servers,
			      "DAOS_EMBEDDED is set, but the engine's library cannot be opened: %s",
			      dlerror());
	*(void **)&door->start = dlsym(door->library, "daos_embedded_start");
	*(void **)&door->stop = dlsym(door->library, "daos_embedded_stop");
	if (door->start == NULL || door->stop == NULL)
		return refuse(servers,
			      "libdaos_embedded.so is none: it lacks daos_embedded_start()");
	return 0;
}

/* ------------------------------------------------ serving */

/* With the door's lock held. */
static int
serve_locked(struct client *client, const char *directory, struct servers *servers)
{
	struct embedded_door *door = &client->door;
	int rc = client_check(client);

	if (rc == 0)
		rc = door_open(door, servers);
	if (rc)
		return rc;
	if (door->embedded) {
		strcpy(servers->addresses[0], door->address);
		return 0;
	}
	rc = door->start(directory, &door->embedded, servers->addresses[0], servers->failure,
			 sizeof(servers->failure));
	if (rc)
		return error_raise(rc, "%s", servers->failure);
	strcpy(door->address, servers->addresses[0]);
	return 0;
}

int
embedded_serve(struct client *client, const char *directory, struct servers *servers)
{
	int rc;

	pthread_mutex_lock(&client->door.lock);
	rc = serve_locked(client, directory, servers);
	pthread_mutex_unlock(&client->door.lock);
	return rc;
}

struct revival {
	struct client *client;
	char directory[PROTO_ADDRESS_MAX + 1];
	struct servers servers;
};

/* Where another process has the lock it is about to serve, or to give it up: time will tell. */
static int
revive(void *argument)
{
	struct revival *revival = argument;
	int rc = embedded_serve(revival->client, revival->directory, &revival->servers);

	return rc == -DER_BUSY || rc == -DER_NO_PERM ? -DER_UNREACH : rc;
}

/* The directory of a socket's address, whatever the working directory and environment are now. */
static void
directory_of(const char *address, char ret_directory[PROTO_ADDRESS_MAX + 1])
{
	const char *path = strchr(address, ':') + 1;

	snprintf(ret_directory, PROTO_ADDRESS_MAX + 1, "%.*s", (int)(strrchr(path, '/') - path),
		 path);
}

/* Handles may have come from another process before this one has looked for anything. */
static int
directory_find(struct client *client, bool *ret_embedded)
{
	const char *directory = getenv("DAOS_EMBEDDED");
	int rc = client_check(client);

	if (rc == 0 && directory && directory[0] != '\0')
		rc = client_find(client);
	if (rc)
		return rc;
	pthread_mutex_lock(&client->lock);
	*ret_embedded = client->servers.found && client->servers.embedded;
	pthread_mutex_unlock(&client->lock);
	return 0;
}

int
embedded_unreached(void *owner)
{
	struct client *client = owner;
	struct revival *revival;
	bool embedded;
	int rc = directory_find(client, &embedded);

	if (rc || !embedded)
		return rc ? rc : -DER_UNREACH;
	revival = client_calloc(sizeof(*revival));
	if (revival == NULL)
		return -DER_NOMEM;
	revival->client = client;
	client_addresses(client, revival->servers.addresses);
	directory_of(revival->servers.addresses[0], revival->directory);
	rc = client_on_thread(revive, revival);
	client_free(revival);
	return rc;
}

/* ------------------------------------------------ its end */

void
embedded_stop(struct client *client)
{
	struct embedded_door *door = &client->door;

	pthread_mutex_lock(&door->lock);
	if (door->embedded)
		door->stop(door->embedded);
	door->embedded = NULL;
	pthread_mutex_unlock(&door->lock);
}

void
embedded_renew(struct client *client)
{
	pthread_mutex_init(&client->door.lock, NULL);
	client->door.embedded = NULL;
}

/* ------------------------------------------------ a thread for what blocks */

struct errand {
	struct loop_message message;
	struct loop *loop;
	struct completion completion;
	int (*function)(void *argument);
	void *argument;
	int result;
	struct error_origin origin;
};

static void
errand_over(struct loop_message *message)
{
	completion_signal(&container_of(message, struct errand, message)->completion, 0);
}

static void
errand_run(void *argument)
{
	struct errand *errand = argument;

	errand->result = errand->function(errand->argument);
	errand->origin = *context_current()->origin;
	loop_post(errand->loop, &errand->message);
}

int
client_on_thread(int (*function)(void *argument), void *argument)
{
	struct errand errand = {.message.function = errand_over,
				.loop = loop_current(),
				.function = function,
				.argument = argument};
	struct linux_thread *thread;
	int rc = linux_thread_start("daos errand", errand_run, &errand, &thread);

	if (rc)
		return rc;
	completion_wait(&errand.completion);
	linux_thread_join(thread);
	*context_current()->origin = errand.origin;
	return errand.result;
}
