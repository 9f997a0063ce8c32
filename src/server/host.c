/* SPDX-License-Identifier: BSD-2-Clause-Patent */
/* Loops, their threads, and the engine on them. */
#include <semaphore.h>
#include <stdio.h>
#include <stdlib.h>

#include "server/host.h"

/* A loop with its world and thread. */
struct seat {
	struct env *env;
	struct loop *loop;
	struct linux_thread *thread;
	char name[16];
};

struct host {
	const struct host_options *options;
	struct seat seats[HOST_LOOPS_MAX];
	struct loop *loops[HOST_LOOPS_MAX];
	uint32_t count; /* seats with a loop */
	struct engine *engine;
	/* The main thread waits for it while a fiber of loop 0 starts or stops the engine. */
	sem_t done;
	int result;
	char *message;
	size_t message_size;
	struct loop_message stop;
};

static int
open_seat(struct host *host, uint32_t index)
{
	const struct host_options *options = host->options;
	struct seat *seat = &host->seats[index];
	struct linux_env_options world = {
		.name = seat->name,
		.directory = options->storage,
		.backend = options->backend,
		.sink = options->sink,
		.level = options->level,
	};
	struct loop_options loop = {.spin_ns = options->spin_ns};
	int rc;

	snprintf(seat->name, sizeof(seat->name), "loop %u", index);
	rc = linux_env_create(&world, &seat->env);
	if (rc)
		return rc;
	rc = loop_create(seat->env, &loop, &seat->loop);
	if (rc) {
		linux_env_destroy(seat->env);
		return rc;
	}
	host->loops[host->count++] = seat->loop;
	return 0;
}

static void
run_seat(void *argument)
{
	struct seat *seat = argument;

	loop_run(seat->loop);
}

/* Ends the threads, the engine's memory, the loops, and their worlds. */
static void
close_host(struct host *host)
{
	for (uint32_t i = 0; i < host->count; i++)
		if (host->seats[i].thread) {
			loop_stop(host->seats[i].loop);
			linux_thread_join(host->seats[i].thread);
		}
	if (host->engine)
		engine_destroy(host->engine);
	while (host->count > 0) {
		struct seat *seat = &host->seats[--host->count];

		loop_destroy(seat->loop);
		linux_env_destroy(seat->env);
	}
	sem_destroy(&host->done);
	free(host);
}

/* The loops are alike: the world of each says why when it may not use io_uring. */
static void
say_backend(const struct host *host)
{
	bool uring = linux_env_backend(host->seats[0].env) == LINUX_URING;
	const char *why = "the kernel refuses io_uring";

	if (host->options->backend != LINUX_AUTO)
		why = "as configured";
	else if (uring)
		why = "the kernel allows it";
	log_notice("%u %s by %s: %s", host->count, host->count == 1 ? "loop waits" : "loops wait",
		   uring ? "io_uring" : "epoll", why);
}

static void
start_engine(void *argument)
{
	struct host *host = argument;

	say_backend(host);
	host->result = engine_start(host->engine);
	if (host->result)
		snprintf(host->message, host->message_size, "%s", error_text(host->result));
	sem_post(&host->done);
}

static void
stop_engine(void *argument)
{
	struct host *host = argument;

	engine_stop(host->engine);
	sem_post(&host->done);
}

/* On loop 0, outside any fiber. */
static void
begin_stop(struct loop_message *message)
{
	struct host *host = container_of(message, struct host, stop);
	struct fiber *fiber;

	/* Without memory for a fiber the engine ends as by a crash, which loses nothing. */
	if (fiber_start(host->loops[0], "engine stop", stop_engine, host, &fiber))
		_Exit(1);
}

static void
wait_done(struct host *host)
{
	while (sem_wait(&host->done) < 0)
		continue;
}

static int
start_threads(struct host *host)
{
	for (uint32_t i = 0; i < host->count; i++) {
		struct seat *seat = &host->seats[i];
		int rc = linux_thread_start(seat->name, run_seat, seat, &seat->thread);

		if (rc)
			return rc;
	}
	return 0;
}

/* All that comes before the engine's own start-up. */
static int
open_host(struct host *host)
{
	const struct host_options *options = host->options;
	struct engine_options engine = {
		.system = options->system,
		.rank = options->rank,
		.targets = options->targets,
		.listen = options->listen,
		.listen_count = options->listen_count,
		.thin_default = options->thin_default,
		.format = options->format,
		.log_size = options->log_size,
		.capacity = options->capacity,
	};
	struct fiber *fiber;
	int rc = 0;

	for (uint32_t i = 0; i < options->loops && rc == 0; i++)
		rc = open_seat(host, i);
	if (rc == 0)
		rc = engine_create(host->loops, host->count, &engine, &host->engine);
	if (rc == 0)
		rc = fiber_start(host->loops[0], "engine start", start_engine, host, &fiber);
	if (rc == 0)
		rc = start_threads(host);
	if (rc)
		snprintf(host->message, host->message_size, "%s", error_text(rc));
	return rc;
}

int
host_start(const struct host_options *options, char *message, size_t message_size,
	   struct host **ret_host)
{
	struct host *host = calloc(1, sizeof(*host));
	int rc;

	if (!host)
		return -DER_NOMEM;
	host->options = options;
	host->message = message;
	host->message_size = message_size;
	host->stop.function = begin_stop;
	sem_init(&host->done, 0, 0);
	rc = open_host(host);
	if (rc == 0) {
		wait_done(host);
		rc = host->result;
	}
	if (rc) {
		close_host(host);
		return rc;
	}
	*ret_host = host;
	return 0;
}

uint32_t
host_addresses(const struct host *host, const char **ret_addresses, uint32_t limit)
{
	return engine_addresses(host->engine, ret_addresses, limit);
}

void
host_stop(struct host *host)
{
	loop_post(host->loops[0], &host->stop);
	wait_done(host);
	close_host(host);
}
