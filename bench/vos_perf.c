/* SPDX-License-Identifier: BSD-2-Clause-Patent */
/*
 * CPU time per operation of one target's object store, with the disks of env/memory beneath: single
 * values of 128 bytes and of 4 KiB, each in a dkey of its own, written, overwritten and read by
 * some fibers at a time. One line per row; the CPU time includes the log and the disks.
 */
#include <stdio.h>
#include <stdlib.h>
#include <time.h>

#include "env/memory/memory.h"
#include "vos/vos.h"

#define FIBERS 16u
#define OPERATIONS 20000u

struct bench {
	struct memory_world *world;
	struct loop *loop;
	struct media *media;
	struct heap *heap;
	struct vos *vos;
	struct vos_container *container;
	struct vos_object object;
	uint32_t size, next;
	uint64_t epoch;
	bool fetch;
	uint8_t *payload;
};

static void
check(int rc, const char *what)
{
	if (rc == 0)
		return;
	fprintf(stderr, "%s: %s\n", what, error_text(rc));
	exit(1);
}

static double
cpu_ns(void)
{
	struct timespec now;

	clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &now);
	return (double)now.tv_sec * 1e9 + (double)now.tv_nsec;
}

static int
start(void *argument)
{
	struct bench *bench = argument;
	struct media_options options = {.log_size = 64ull << 20};
	struct heap_options heap = {
		.id = uuid_make(1, 2), .heap_size = 128ull << 20, .data_size = 256ull << 20};
	uint64_t group;

	check(media_format(bench->loop, "log", &options), "media_format");
	check(media_open(bench->loop, "log", &options, &bench->media), "media_open");
	check(heap_create(bench->media, "pool", &heap), "heap_create");
	check(heap_open(bench->media, "pool", &bench->heap), "heap_open");
	check(media_start(bench->media), "media_start");
	check(vos_format(bench->heap), "vos_format");
	check(vos_open(bench->heap, &bench->vos), "vos_open");
	check(vos_container_create(bench->vos, uuid_make(3, 4), &group), "vos_container_create");
	check(vos_container_open(bench->vos, uuid_make(3, 4), &bench->container),
	      "vos_container_open");
	return 0;
}

static int
stop(void *argument)
{
	struct bench *bench = argument;

	vos_container_close(bench->container);
	vos_close(bench->vos);
	return media_close(bench->media);
}

static void
operate(struct bench *bench, uint32_t number)
{
	char name[16];
	struct vos_key dkey = {name, (uint32_t)snprintf(name, sizeof(name), "d%08u", number)};
	struct iovec iov = {bench->payload, bench->size};
	struct vos_akey akey = {.key = {"a", 1},
				.type = VOS_SINGLE,
				.record_size = bench->size,
				.payload = &iov,
				.payload_count = 1};
	struct vos_change change = {.epoch = ++bench->epoch};
	struct vos_fetched fetched;
	uint64_t group;

	if (bench->fetch) {
		check(vos_fetch(bench->container, &bench->object, dkey, &akey, 1, EPOCH_MAX, 0, 0,
				&fetched),
		      "vos_fetch");
		vos_fetched_free(bench->container, &fetched, 1);
		return;
	}
	check(vos_update(bench->container, &bench->object, dkey, &akey, 1, &change, &group),
	      "vos_update");
	check(media_wait(bench->media, group), "media_wait");
}

static int
worker(void *argument)
{
	struct bench *bench = argument;

	while (bench->next < OPERATIONS)
		operate(bench, bench->next++);
	return 0;
}

static int
workers(void *argument)
{
	struct fiber_group group;

	fiber_group_init(&group);
	for (uint32_t i = 0; i < FIBERS; i++)
		check(fiber_group_start(&group, "worker", worker, argument), "fiber_group_start");
	return fiber_group_wait(&group);
}

static void
row(struct bench *bench, const char *name)
{
	double begin = cpu_ns();

	bench->next = 0;
	check(memory_run(bench->world, bench->loop, workers, bench), name);
	printf("%-24s %8.0f ns CPU\n", name, (cpu_ns() - begin) / OPERATIONS);
}

int
main(void)
{
	struct bench bench = {.object = {.id = {.lo = 5}}, .epoch = 1000};
	struct env *env;

	bench.payload = aligned_alloc(DISK_BLOCK, DISK_BLOCK);
	memset(bench.payload, 7, DISK_BLOCK);
	check(memory_world_create(1, &bench.world), "memory_world_create");
	check(memory_env_create(bench.world, NULL, &env), "memory_env_create");
	check(loop_create(env, NULL, &bench.loop), "loop_create");
	check(memory_run(bench.world, bench.loop, start, &bench), "start");
	for (bench.size = 128; bench.size <= DISK_BLOCK; bench.size *= 32) {
		printf("single values of %u bytes\n", bench.size);
		bench.object.id.lo++;
		bench.fetch = false;
		row(&bench, "update, new dkey");
		row(&bench, "update, overwrite");
		bench.fetch = true;
		row(&bench, "fetch");
	}
	check(memory_run(bench.world, bench.loop, stop, &bench), "stop");
	loop_destroy(bench.loop);
	memory_env_destroy(env);
	memory_world_destroy(bench.world);
	free(bench.payload);
	return 0;
}
