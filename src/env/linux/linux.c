/* SPDX-License-Identifier: BSD-2-Clause-Patent */
/* Puts a loop's world together: clock, randomness, poller. */
#include "env/linux/linux.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/random.h>
#include <time.h>
#include <unistd.h>

#include "env/linux/world.h"

/* ------------------------------------------------ clock and randomness */

static uint64_t
read_clock(clockid_t id)
{
	struct timespec now;

	clock_gettime(id, &now);
	return (uint64_t)now.tv_sec * 1000000000u + (uint64_t)now.tv_nsec;
}

static uint64_t
monotonic(struct clock *clock)
{
	(void)clock;
	return read_clock(CLOCK_MONOTONIC);
}

static uint64_t
realtime(struct clock *clock)
{
	(void)clock;
	return read_clock(CLOCK_REALTIME);
}

static uint64_t
random_next(struct randomness *randomness)
{
	struct linux_randomness *self =
		container_of(randomness, struct linux_randomness, randomness);
	uint64_t word;

	while (self->left == 0) {
		ssize_t length = getrandom(self->words, sizeof(self->words), 0);

		/* The kernel gives up to 256 bytes whole once it is seeded; a signal may cut a
		 * longer read. */
		if (length > 0)
			self->left = (uint32_t)((size_t)length / sizeof(word));
		else
			ASSERT(errno == EINTR);
	}
	word = self->words[--self->left];
	self->words[self->left] = 0;
	return word;
}

/* ------------------------------------------------ poller */

/*
 * Reads of a disk in memory that complete at once between two polls: a fetch without a wait takes
 * an eighth less CPU. The others wait for the next poll, so that nobody keeps the loop for himself.
 */
#define READS_AT_ONCE 64u

static void
finish_in_place(struct linux_env *world)
{
	/* What completions cause to be submitted is for the next poll. */
	struct disk_queue finished = world->finished;
	struct disk_io *io;

	world->finished = (struct disk_queue){0};
	while ((io = disk_queue_pop(&finished)))
		disk_finish(io, disk_get_result(io));
}

static void
poll_world(struct poller *poller, uint64_t timeout_ns)
{
	struct linux_env *world = container_of(poller, struct linux_env, poller);

	world->reads_left = READS_AT_ONCE;
	transport_flush(&world->transport);
	if (world->finished.first || transport_pending(&world->transport))
		timeout_ns = 0;
	else
		timeout_ns = transport_timeout(&world->transport, timeout_ns);
	world->backend->operations->wait(world->backend, timeout_ns);
	finish_in_place(world);
	users_deliver(&world->users);
	transport_deliver(&world->transport);
}

static void
wake_world(struct poller *poller)
{
	struct linux_env *world = container_of(poller, struct linux_env, poller);

	wakeup_signal(&world->backend->wakeup);
}

/* ------------------------------------------------ create and destroy */

static int
choose_backend(struct linux_env *world, const struct linux_env_options *options)
{
	uint32_t io_threads = options->io_threads ? options->io_threads : 4;
	int rc = -DER_NOSYS;

	if (options->backend != LINUX_EPOLL) {
		rc = uring_create(world->env.arena, &world->backend);
		if (rc == 0)
			log_info("waiting by io_uring");
		if (rc == 0 || options->backend == LINUX_URING)
			return rc;
		log_notice("waiting by epoll with up to %u I/O threads, because: %s", io_threads,
			   error_text(rc));
		return epoll_create_backend(world->env.arena, io_threads, &world->backend);
	}
	rc = epoll_create_backend(world->env.arena, io_threads, &world->backend);
	if (rc == 0)
		log_info("waiting by epoll with up to %u I/O threads, as configured", io_threads);
	return rc;
}

static void
wire(struct linux_env *world)
{
	world->clock = (struct clock){.monotonic = monotonic, .realtime = realtime};
	world->randomness.randomness.next = random_next;
	world->poller = (struct poller){.poll = poll_world, .wake = wake_world};
	world->env.context = &world->context;
	world->env.clock = &world->clock;
	world->env.randomness = &world->randomness.randomness;
	world->env.poller = &world->poller;
	world->env.transport = &world->transport.transport;
	world->env.self = (struct peer_credentials){
		.known = true, .user = geteuid(), .group = getegid(), .process = getpid()};
}

static int
build(struct linux_env *world, const struct linux_env_options *options)
{
	int rc = choose_backend(world, options);

	if (rc)
		return rc;
	rc = linux_storage_init(world, options->directory);
	if (rc)
		goto out_backend;
	rc = linux_transport_init(world, options);
	if (rc)
		goto out_storage;
	users_init(&world->users, &world->env, &world->backend->wakeup);
	return 0;

out_storage:
	storage_fini(world);
out_backend:
	world->backend->operations->destroy(world->backend);
	return rc;
}

int
linux_env_create(const struct linux_env_options *options, struct env **ret_env)
{
	struct arena *arena = arena_create(options->arena_budget);
	struct linux_env *world = arena ? arena_calloc(arena, 1, sizeof(*world)) : NULL;
	struct context *former;
	int rc;

	if (!world) {
		if (arena)
			arena_destroy(arena);
		return error_raise(-DER_NOMEM, "no memory for a loop's environment");
	}
	world->env.arena = arena;
	snprintf(world->name, sizeof(world->name), "%s", options->name ? options->name : "loop");
	context_init(&world->context, world->name, options->sink, options->level);
	world->context.metrics = options->metrics;
	wire(world);
	former = context_enter(&world->context);
	rc = build(world, options);
	context_enter(former);
	if (rc) {
		/* The origin of the error lies in the context that goes away: hand it to the
		 * caller's. */
		*context_current()->origin = *world->context.origin;
		arena_destroy(arena);
		return rc;
	}
	*ret_env = &world->env;
	return 0;
}

void
linux_env_destroy(struct env *env)
{
	struct linux_env *world = linux_world(env);
	struct context *former = context_enter(&world->context);

	ASSERT(world->disks == 0);
	users_fini(&world->users);
	transport_fini(world);
	storage_fini(world);
	world->backend->operations->destroy(world->backend);
	context_enter(former == &world->context ? NULL : former);
	arena_destroy(world->env.arena);
}

enum linux_backend
linux_env_backend(const struct env *env)
{
	return linux_world(env)->backend->operations->kind;
}

void
linux_env_flush(struct env *env)
{
	transport_flush(&linux_world(env)->transport);
}

void
linux_env_statistics(const struct env *env, struct linux_statistics *ret_statistics)
{
	struct linux_env *world = linux_world(env);

	*ret_statistics = world->statistics;
	ret_statistics->sleeps = world->backend->sleeps;
}
