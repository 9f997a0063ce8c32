/* SPDX-License-Identifier: BSD-2-Clause-Patent */
/*
 * An engine on threads of the caller's process. The keeper takes the directory, starts loop and
 * engine, waits to be asked to stop, and takes all down again.
 *
 * Keeper and loop have descriptors of their own. So nothing that the program does with its own
 * reaches the engine's, and a child that it forks holds none of them: lock, listener, connections
 * and disks end with this process, whatever its children do.
 */
#include <errno.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>

#include "embedded/private.h"
#include "engine/engine.h"

#define LOG_SIZE (UINT64_C(32) << 20)
#define TEXT_MAX 1024u

enum embedded_state { EMBEDDED_STARTING, EMBEDDED_SERVING, EMBEDDED_FAILED };

struct embedded {
	char directory[PATH_TEXT_MAX];
	char address[ADDRESS_TEXT_MAX];
	char first_address[ADDRESS_TEXT_MAX];
	struct linux_thread *keeper;

	/* of the keeper */
	struct linux_lock *lock;
	struct env *env;
	struct loop *loop;
	struct linux_thread *thread; /* of the loop */
	struct engine *engine;
	bool format;
	struct loop_message stop_message;

	/* of the loop */
	struct wait_queue stopping;
	bool stop;

	pthread_mutex_t mutex; /* below: what threads tell each other */
	pthread_cond_t changed;
	enum embedded_state engine_state; /* loop to keeper */
	enum embedded_state state;	  /* keeper to the starter */
	bool end;			  /* asked of the keeper */
	int result;
	char text[TEXT_MAX];
};

/* ------------------------------------------------ what threads tell each other */

/* Sets one of the two states; a failure goes with its text. */
static void
report(struct embedded *embedded, enum embedded_state *state, int rc)
{
	pthread_mutex_lock(&embedded->mutex);
	embedded->result = rc;
	if (rc)
		snprintf(embedded->text, sizeof(embedded->text), "%s", error_text(rc));
	*state = rc ? EMBEDDED_FAILED : EMBEDDED_SERVING;
	pthread_cond_broadcast(&embedded->changed);
	pthread_mutex_unlock(&embedded->mutex);
}

/* Waits until a state is no longer STARTING; the result that came with it. */
static int
reported(struct embedded *embedded, const enum embedded_state *state)
{
	int rc;

	pthread_mutex_lock(&embedded->mutex);
	while (*state == EMBEDDED_STARTING)
		pthread_cond_wait(&embedded->changed, &embedded->mutex);
	rc = embedded->result;
	pthread_mutex_unlock(&embedded->mutex);
	return rc;
}

/* ------------------------------------------------ the engine's fiber */

/* Over a socket that nobody else knows, so that whoever finds the system finds its pool. */
static int
first_pool(struct embedded *embedded)
{
	struct rpc *rpc = engine_node(embedded->engine)->loops[0].rpc;
	char bound[ADDRESS_TEXT_MAX];
	int rc = rpc_listen(rpc, embedded->first_address, &rpc, 1, bound);

	if (rc)
		return rc;
	rc = embedded_default_pool(rpc, embedded->first_address);
	rpc_unlisten(rpc);
	return rc;
}

static int
start(struct embedded *embedded)
{
	int rc = engine_start(embedded->engine);

	if (rc)
		return rc;
	rc = first_pool(embedded);
	if (rc == 0)
		rc = engine_listen(embedded->engine, embedded->address);
	if (rc == 0)
		rc = directory_open_socket(embedded->directory);
	if (rc)
		engine_stop(embedded->engine);
	return rc;
}

static void
embedded_main(void *argument)
{
	struct embedded *embedded = argument;
	int rc = start(embedded);

	report(embedded, &embedded->engine_state, rc);
	if (rc == 0) {
		while (!embedded->stop)
			wait_queue_wait_plain(&embedded->stopping);
		engine_stop(embedded->engine);
	}
	loop_stop(embedded->loop);
}

static void
stop_asked(struct loop_message *message)
{
	struct embedded *embedded = container_of(message, struct embedded, stop_message);

	embedded->stop = true;
	wait_queue_wake_all(&embedded->stopping);
}

/* After the engine's fiber stopped the loop, the fibers it leaves behind come to their ends. */
static void
thread_main(void *argument)
{
	struct embedded *embedded = argument;

	loop_run(embedded->loop);
	while (loop_fiber_count(embedded->loop) > 0)
		loop_step(embedded->loop, UINT64_MAX);
}

/* ------------------------------------------------ the keeper */

/* CAIRN_BACKEND, as the client has it. */
static enum linux_backend
backend_wanted(void)
{
	const char *name = getenv("CAIRN_BACKEND");

	if (name && strcmp(name, "uring") == 0)
		return LINUX_URING;
	return name && strcmp(name, "epoll") == 0 ? LINUX_EPOLL : LINUX_AUTO;
}

static int
world_create(struct embedded *embedded)
{
	char storage[PATH_TEXT_MAX + 32];
	struct linux_env_options options = {.name = "embedded",
					    .directory = storage,
					    .level = LOG_WARNING,
					    .backend = backend_wanted()};
	bool formatted;
	int rc;

	snprintf(storage, sizeof(storage), "%s/" STORAGE_NAME, embedded->directory);
	rc = linux_env_create(&options, &embedded->env);
	if (rc == 0)
		rc = engine_formatted(embedded->env->storage, &formatted);
	if (rc)
		return rc;
	embedded->format = !formatted;
	return loop_create(embedded->env, NULL, &embedded->loop);
}

static int
engine_make(struct embedded *embedded)
{
	struct engine_options options = {
		.targets = 1,
		.thin_default = true,
		.format = embedded->format,
		.log_size = LOG_SIZE,
	};
	struct fiber *fiber;
	int rc = engine_create(&embedded->loop, 1, &options, &embedded->engine);

	return rc ? rc
		  : fiber_start(embedded->loop, "embedded engine", embedded_main, embedded, &fiber);
}

/* Runs the loop's thread until the engine serves or has failed. */
static int
engine_run(struct embedded *embedded)
{
	int rc = linux_thread_start("daos embedded", thread_main, embedded, &embedded->thread);

	if (rc) {
		/* The fiber never ran: what it holds goes with the arena. */
		loop_abandon(embedded->loop);
		embedded->loop = NULL;
		return rc;
	}
	rc = reported(embedded, &embedded->engine_state);
	if (rc == 0)
		return 0;
	linux_thread_join(embedded->thread);
	return error_raise(rc, "%s", embedded->text);
}

static int
embedded_begin(struct embedded *embedded)
{
	int rc = linux_descriptors_isolate();

	/* Then a child that neither calls exec nor exits keeps the directory from others. */
	if (rc)
		error_log(LOG_INFO, rc, "the embedded engine");
	rc = directory_take(embedded->directory, &embedded->lock);
	if (rc == 0)
		rc = world_create(embedded);
	if (rc == 0)
		rc = engine_make(embedded);
	return rc == 0 ? engine_run(embedded) : rc;
}

/* The lock goes last: the next one may begin. */
static void
embedded_end(struct embedded *embedded)
{
	if (embedded->engine)
		engine_destroy(embedded->engine);
	if (embedded->loop)
		loop_destroy(embedded->loop);
	if (embedded->env)
		linux_env_destroy(embedded->env);
	if (embedded->lock)
		linux_lock_release(embedded->lock);
}

static void
wait_for_end(struct embedded *embedded)
{
	pthread_mutex_lock(&embedded->mutex);
	while (!embedded->end)
		pthread_cond_wait(&embedded->changed, &embedded->mutex);
	pthread_mutex_unlock(&embedded->mutex);
}

static void
keeper_main(void *argument)
{
	struct embedded *embedded = argument;
	struct error_origin origin;
	int rc = embedded_begin(embedded);

	if (rc == 0) {
		report(embedded, &embedded->state, 0);
		wait_for_end(embedded);
		embedded->stop_message.function = stop_asked;
		loop_post(embedded->loop, &embedded->stop_message);
		linux_thread_join(embedded->thread);
	}
	/* The text of a failure must outlive the taking down. */
	origin = *context_current()->origin;
	embedded_end(embedded);
	*context_current()->origin = origin;
	if (rc)
		report(embedded, &embedded->state, rc);
}

/* ------------------------------------------------ start and stop */

static void
embedded_free(struct embedded *embedded)
{
	pthread_cond_destroy(&embedded->changed);
	pthread_mutex_destroy(&embedded->mutex);
	free(embedded);
}

static bool
address_of(const struct embedded *embedded, const char *name, char ret_address[ADDRESS_TEXT_MAX])
{
	return snprintf(ret_address, ADDRESS_TEXT_MAX, "unix:%s/%s", embedded->directory, name) <
	       (int)ADDRESS_TEXT_MAX;
}

static int
embedded_create(const char *directory, struct embedded **ret_embedded)
{
	struct embedded *embedded = calloc(1, sizeof(*embedded));

	if (embedded == NULL)
		return error_raise(-DER_NOMEM, "no memory");
	pthread_mutex_init(&embedded->mutex, NULL);
	pthread_cond_init(&embedded->changed, NULL);
	wait_queue_init(&embedded->stopping);
	if (realpath_of(directory, embedded->directory, sizeof(embedded->directory)) &&
	    address_of(embedded, SOCKET_NAME, embedded->address) &&
	    address_of(embedded, FIRST_SOCKET_NAME, embedded->first_address)) {
		*ret_embedded = embedded;
		return 0;
	}
	embedded_free(embedded);
	return error_raise(-DER_EXCEEDS_PATH_LEN,
			   "the path of the directory is too long or has no parent: %.128s",
			   directory);
}

/* Runs the keeper until the engine serves or has failed. */
static int
keeper_run(struct embedded *embedded)
{
	int rc = linux_thread_start("daos keeper", keeper_main, embedded, &embedded->keeper);

	if (rc)
		return rc;
	rc = reported(embedded, &embedded->state);
	if (rc == 0)
		return 0;
	linux_thread_join(embedded->keeper);
	return error_raise(rc, "%s", embedded->text);
}

int
daos_embedded_start(const char *directory, struct embedded **ret_embedded, char *ret_address,
		    char *message, size_t message_size)
{
	struct embedded *embedded = NULL;
	int rc = embedded_create(directory, &embedded);

	if (rc == 0)
		rc = keeper_run(embedded);
	if (rc) {
		bool said = embedded && embedded->text[0];

		snprintf(message, message_size, "DAOS_EMBEDDED=%s: %s", directory,
			 said ? embedded->text : error_text(rc));
	}
	if (embedded)
		strcpy(ret_address, embedded->address);
	if (rc == 0)
		*ret_embedded = embedded;
	else if (embedded)
		embedded_free(embedded);
	return rc;
}

void
daos_embedded_stop(struct embedded *embedded)
{
	pthread_mutex_lock(&embedded->mutex);
	embedded->end = true;
	pthread_cond_broadcast(&embedded->changed);
	pthread_mutex_unlock(&embedded->mutex);
	linux_thread_join(embedded->keeper);
	embedded_free(embedded);
}
