/* SPDX-License-Identifier: BSD-2-Clause-Patent */
/*
 * An engine on a thread of the caller's process: takes the directory, starts loop and engine on it,
 * makes sure that there is a pool, and takes all down again.
 */
#include <dirent.h>
#include <errno.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>

#include "embedded/private.h"
#include "engine/engine.h"
#include "env/linux/linux.h"

#define LOG_SIZE (UINT64_C(32) << 20)
#define SOCKET_NAME "engine-0.sock"
#define LOCK_NAME "lock"
#define STORAGE_NAME "storage"
#define TEXT_MAX 1024u

struct embedded {
	char directory[PATH_TEXT_MAX];
	char address[256];
	struct linux_lock *lock;
	struct env *env;
	struct loop *loop;
	struct linux_thread *thread;
	struct engine *engine;
	bool format;
	struct wait_queue stopping; /* loop */
	bool stop;		    /* loop */
	struct loop_message stop_message;

	pthread_mutex_t mutex; /* below: what the starter waits for */
	pthread_cond_t changed;
	bool ready;
	int result;
	char text[TEXT_MAX];
};

/* ------------------------------------------------ the directory */

/* What lies in a directory: names of ours, names of others. */
struct inventory {
	bool exists;
	uint32_t ours, others;
	char other[256];
};

static bool
name_is_ours(const char *name)
{
	return strcmp(name, LOCK_NAME) == 0 || strcmp(name, SOCKET_NAME) == 0 ||
	       strcmp(name, STORAGE_NAME) == 0;
}

static int
directory_look(const char *path, struct inventory *inventory)
{
	DIR *directory = opendir(path);
	struct dirent *entry;

	*inventory = (struct inventory){.exists = directory != NULL};
	if (directory == NULL)
		return errno == ENOENT ? 0
				       : error_raise(error_from_errno(errno), "%s: %s", path,
						     strerror(errno));
	while ((entry = readdir(directory)) != NULL) {
		if (strcmp(entry->d_name, ".") == 0 || strcmp(entry->d_name, "..") == 0)
			continue;
		if (name_is_ours(entry->d_name)) {
			inventory->ours++;
			continue;
		}
		inventory->others++;
		snprintf(inventory->other, sizeof(inventory->other), "%s", entry->d_name);
	}
	closedir(directory);
	return 0;
}

static int
make_directory(const char *path)
{
	if (mkdir(path, 0700) == 0 || errno == EEXIST)
		return 0;
	return error_raise(error_from_errno(errno), "cannot make %s: %s%s", path, strerror(errno),
			   errno == ENOENT ? "; make its parent directory first" : "");
}

/* An absent directory is made; one with things of others in it, and none of ours, is left alone. */
static int
directory_take(struct embedded *embedded)
{
	char path[PATH_TEXT_MAX + 32];
	struct inventory inventory;
	int32_t holder = 0;
	int rc = directory_look(embedded->directory, &inventory);

	if (rc == 0 && inventory.ours == 0 && inventory.others > 0)
		rc = error_raise(
			-DER_DF_INVAL,
			"%s is not empty (it has \"%.64s\") and holds no system: name an empty "
			"or absent directory",
			embedded->directory, inventory.other);
	if (rc == 0 && !inventory.exists)
		rc = make_directory(embedded->directory);
	if (rc)
		return rc;
	snprintf(path, sizeof(path), "%s/" LOCK_NAME, embedded->directory);
	rc = linux_lock_take(path, &holder, &embedded->lock);
	if (rc == -DER_BUSY)
		return error_raise(
			rc,
			"%s is in use by process %d: end that first, or use `daos_server start` to "
			"share data between processes",
			embedded->directory, holder);
	if (rc == 0) {
		snprintf(path, sizeof(path), "%s/" STORAGE_NAME, embedded->directory);
		rc = make_directory(path);
	}
	return rc;
}

/* ------------------------------------------------ the engine's fiber */

static void
report(struct embedded *embedded, int rc)
{
	pthread_mutex_lock(&embedded->mutex);
	embedded->result = rc;
	if (rc)
		snprintf(embedded->text, sizeof(embedded->text), "%s", error_text(rc));
	embedded->ready = true;
	pthread_cond_signal(&embedded->changed);
	pthread_mutex_unlock(&embedded->mutex);
}

static int
start(struct embedded *embedded)
{
	int rc = engine_start(embedded->engine);

	if (rc)
		return rc;
	rc = embedded_default_pool(engine_node(embedded->engine)->loops[0].rpc, embedded->address);
	if (rc)
		engine_stop(embedded->engine);
	return rc;
}

static void
embedded_main(void *argument)
{
	struct embedded *embedded = argument;
	int rc = start(embedded);

	report(embedded, rc);
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

/* ------------------------------------------------ start and stop */

static void
embedded_free(struct embedded *embedded)
{
	if (embedded->engine)
		engine_destroy(embedded->engine);
	if (embedded->loop)
		loop_destroy(embedded->loop);
	if (embedded->env)
		linux_env_destroy(embedded->env);
	if (embedded->lock)
		linux_lock_release(embedded->lock);
	pthread_cond_destroy(&embedded->changed);
	pthread_mutex_destroy(&embedded->mutex);
	free(embedded);
}

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
	const char *listen = embedded->address;
	struct engine_options options = {
		.targets = 1,
		.listen = &listen,
		.listen_count = 1,
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
	pthread_mutex_lock(&embedded->mutex);
	while (!embedded->ready)
		pthread_cond_wait(&embedded->changed, &embedded->mutex);
	rc = embedded->result;
	pthread_mutex_unlock(&embedded->mutex);
	if (rc == 0)
		return 0;
	linux_thread_join(embedded->thread);
	return error_raise(rc, "%s", embedded->text);
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
	    snprintf(embedded->address, sizeof(embedded->address), "unix:%s/" SOCKET_NAME,
		     embedded->directory) < (int)sizeof(embedded->address)) {
		*ret_embedded = embedded;
		return 0;
	}
	embedded_free(embedded);
	return error_raise(-DER_EXCEEDS_PATH_LEN,
			   "the path of the directory is too long or has no parent: %.128s",
			   directory);
}

int
daos_embedded_start(const char *directory, struct embedded **ret_embedded, char *ret_address,
		    char *message, size_t message_size)
{
	struct embedded *embedded = NULL;
	int rc = embedded_create(directory, &embedded);

	if (rc == 0)
		rc = directory_take(embedded);
	if (rc == 0)
		rc = world_create(embedded);
	if (rc == 0)
		rc = engine_make(embedded);
	if (rc == 0)
		rc = engine_run(embedded);
	if (rc) {
		bool said = embedded && embedded->text[0];

		snprintf(message, message_size, "DAOS_EMBEDDED=%s: %s", directory,
			 said ? embedded->text : error_text(rc));
		if (embedded)
			embedded_free(embedded);
		return rc;
	}
	strcpy(ret_address, embedded->address);
	*ret_embedded = embedded;
	return 0;
}

void
daos_embedded_stop(struct embedded *embedded)
{
	embedded->stop_message.function = stop_asked;
	loop_post(embedded->loop, &embedded->stop_message);
	linux_thread_join(embedded->thread);
	embedded_free(embedded);
}
