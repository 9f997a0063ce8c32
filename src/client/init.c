/* SPDX-License-Identifier: BSD-2-Clause-Patent */
/* The life of the client of a process: daos_init(), daos_fini(), what a fork does to it, what its
 * latest failure was; and what a call finds where it is made: client, clock, memory. */
#include <stdlib.h>
#include <time.h>
#include <unistd.h>

#include "client/private.h"

/* The one variable of the process. */
static struct client process_client = {.lock = PTHREAD_MUTEX_INITIALIZER,
				       .door.lock = PTHREAD_MUTEX_INITIALIZER};

struct client *
client_here(void)
{
	struct client_context *context = context_here();

	return context ? context->client : &process_client;
}

int
client_check(struct client *client)
{
	return atomic_load_explicit(&client->state, memory_order_acquire) == CLIENT_UP
		       ? 0
		       : -DER_UNINIT;
}

/* ------------------------------------------------ the latest failure of a thread */

void
client_keep_text(struct client *client, const char *text)
{
	char *kept;

	/* There the fiber's error origin is all that is needed. */
	if (client_is_hosted(client))
		return;
	kept = pthread_getspecific(client->text_key);
	if (kept == NULL) {
		kept = malloc(TEXT_MAX);
		if (kept == NULL || pthread_setspecific(client->text_key, kept) != 0) {
			free(kept);
			return;
		}
	}
	snprintf(kept, TEXT_MAX, "%s", text);
}

int
client_refused(struct client *client, int code)
{
	if (client_check(client) == 0)
		client_keep_text(client, error_text(code));
	return code;
}

const char *
client_last_error(void)
{
	struct client *client = client_here();
	const char *kept = NULL;

	if (client_is_hosted(client))
		kept = context_current()->origin->text;
	else if (atomic_load(&client->state) != CLIENT_DOWN)
		kept = pthread_getspecific(client->text_key);
	return kept ? kept : "";
}

const char *
client_explain(struct client *client, int code)
{
	if (!client->servers.found && code == client->servers.code &&
	    client->servers.failure[0] != '\0')
		return client->servers.failure;
	return error_text(code);
}

void
client_set_quiet(bool quiet)
{
	client_here()->quiet = quiet;
}

void
client_set_patience(uint64_t nanoseconds)
{
	atomic_store(&client_here()->patience_ns, nanoseconds);
}

/* ------------------------------------------------ init and fini */

/* The child has none of the threads that may hold a lock or drive a loop, and shares the parent's
 * connections. */
static void
fork_child(void)
{
	int up = CLIENT_UP;

	atomic_compare_exchange_strong(&process_client.state, &up, CLIENT_FORKED);
}

/* An embedded engine ends cleanly also when the program forgets daos_fini(); what other threads
 * still have under way does not start it again. */
static void
process_exit(void)
{
	int up = CLIENT_UP;

	if (atomic_compare_exchange_strong(&process_client.state, &up, CLIENT_DOWN))
		embedded_stop(&process_client);
}

/* What is done once per process: the key and the hooks stay. */
static int
client_prepare(struct client *client)
{
	static bool prepared;

	if (prepared)
		return 0;
	if (pthread_key_create(&client->text_key, free) != 0 ||
	    pthread_atfork(NULL, NULL, fork_child) != 0 || atexit(process_exit) != 0)
		return -DER_NOMEM;
	prepared = true;
	return 0;
}

static int
client_start(struct client *client)
{
	int rc = client_prepare(client);

	if (rc)
		return rc;
	hlc_init(&client->clock, 0);
	handle_table_init(&client->handles);
	memset(&client->servers, 0, sizeof(client->servers));
	atomic_store(&client->met, false);
	atomic_store(&client->closings, 0);
	atomic_fetch_add(&client->life, 1);
	atomic_store_explicit(&client->state, CLIENT_UP, memory_order_release);
	return 0;
}

/* On a fiber of a host's client it only counts, as daos_fini() does. */
int
daos_init(void)
{
	struct client *client = client_here();
	int rc = 0;

	if (atomic_load(&client->state) == CLIENT_FORKED)
		return -DER_UNINIT;
	pthread_mutex_lock(&client->lock);
	if (client->references == 0)
		rc = client_start(client);
	if (rc == 0)
		client->references++;
	pthread_mutex_unlock(&client->lock);
	return rc;
}

/* With the lock held. From its first line on whatever still runs gets -DER_UNINIT, before it could
 * ask for the lock. */
static void
client_stop(struct client *client)
{
	atomic_store(&client->state, CLIENT_DOWN);
	for (uint32_t i = 0; i < CONTEXTS_MAX; i++) {
		struct client_context *context = atomic_exchange(&client->contexts[i], NULL);

		if (context)
			context_destroy(context);
	}
	handle_table_fini(&client->handles);
	embedded_stop(client);
}

int
daos_fini(void)
{
	struct client *client = client_here();
	bool last;
	int rc = client_check(client);

	if (rc)
		return rc;
	/* The first reference is the host's. */
	if (client_is_hosted(client) && client->references == 1)
		return -DER_UNINIT;
	pthread_mutex_lock(&client->lock);
	last = --client->references == 0;
	if (last)
		client_stop(client);
	pthread_mutex_unlock(&client->lock);
	return 0;
}

/* ------------------------------------------------ after fork */

/* What the parent opened is the parent's to close. */
static void
borrow(struct handle *handle, void *argument)
{
	struct client *client = argument;

	if (handle->type == DAOS_HTYPE_POOL)
		((struct client_pool *)handle)->borrowed = true;
	else if (handle->type == DAOS_HTYPE_CO)
		((struct client_container *)handle)->borrowed = true;
	else if (handle->type == DAOS_HTYPE_EQ &&
		 event_queue_renew(client, (struct event_queue *)handle) != 0)
		((struct event_queue *)handle)->set = NULL;
}

/*
 * The parent's contexts are left as they are, memory and descriptors: what they hold is shared with
 * the parent, and closing a shared connection properly would end it for both.
 */
int
daos_reinit(void)
{
	struct client *client = client_here();
	int state = atomic_load(&client->state);

	if (state == CLIENT_DOWN)
		return -DER_UNINIT;
	if (state == CLIENT_UP)
		return 0;
	pthread_mutex_init(&client->lock, NULL);
	for (uint32_t i = 0; i < CONTEXTS_MAX; i++)
		atomic_store(&client->contexts[i], NULL);
	handle_table_renew(&client->handles);
	embedded_renew(client);
	atomic_fetch_add(&client->life, 1);
	atomic_store(&client->state, CLIENT_UP);
	handle_each(&client->handles, borrow, client);
	return 0;
}

/* ------------------------------------------------ small helpers of the private door */

uint64_t
client_realtime(void)
{
	struct client_context *context = context_here();
	struct timespec now;

	if (context)
		return env_realtime(context->env);
	clock_gettime(CLOCK_REALTIME, &now);
	return (uint64_t)now.tv_sec * 1000000000 + (uint64_t)now.tv_nsec;
}

uint32_t
client_user(void)
{
	const struct client *client = client_here();

	return client_is_hosted(client) ? client->user : geteuid();
}

uint32_t
client_group(void)
{
	const struct client *client = client_here();

	return client_is_hosted(client) ? client->group : getegid();
}

/* ------------------------------------------------ memory */

/* The arena of the host whose loop is stepped, also outside any fiber; NULL: malloc's memory. */
static struct arena *
arena_here(void)
{
	const struct client_context *context = context_current()->client;

	return context ? context->client->arena : NULL;
}

void *
client_alloc(size_t size)
{
	struct arena *arena = arena_here();

	return arena ? arena_alloc(arena, size) : malloc(size);
}

void *
client_calloc(size_t size)
{
	struct arena *arena = arena_here();

	return arena ? arena_calloc(arena, 1, size) : calloc(1, size);
}

void
client_free(void *pointer)
{
	struct arena *arena = arena_here();

	if (arena)
		arena_free(arena, pointer);
	else
		free(pointer);
}
