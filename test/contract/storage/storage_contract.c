/* SPDX-License-Identifier: BSD-2-Clause-Patent */
/* What every storage keeps. Each test has an env and a directory of its own; the body runs on a
 * fiber. */
#include "storage_contract.h"

#include <string.h>

#define BLOCKS 64u
#define SIZE ((uint64_t)BLOCKS * DISK_BLOCK)

struct place {
	struct subject *subject;
	struct env *env;
	struct loop *loop;
	struct storage *storage;
	uint8_t *buffer; /* of SIZE bytes, aligned */
	uint8_t *other;
};

static void
place_open(struct place *place, struct subject *subject, const char *label)
{
	*place = (struct place){.subject = subject};
	place->env = subject->env_open(subject, label);
	assert_int_equal(loop_create(place->env, NULL, &place->loop), 0);
	place->storage = place->env->storage;
	place->buffer = arena_alloc_aligned(place->env->arena, SIZE, DISK_BLOCK);
	place->other = arena_alloc_aligned(place->env->arena, SIZE, DISK_BLOCK);
	assert_true(place->buffer != NULL && place->other != NULL);
}

static void
place_close(struct place *place)
{
	arena_free(place->env->arena, place->buffer);
	arena_free(place->env->arena, place->other);
	loop_destroy(place->loop);
	place->subject->env_close(place->subject, place->env);
}

static void
run_in_place(void **state, const char *label, int (*body)(void *argument))
{
	struct place place;

	place_open(&place, *state, label);
	subject_run(place.subject, place.loop, body, &place);
	place_close(&place);
}

/* Bytes that tell block and round. */
static void
fill(uint8_t *buffer, uint64_t length, uint64_t seed)
{
	for (uint64_t i = 0; i < length; i += sizeof(uint64_t)) {
		uint64_t word = mix64(seed * 1000003 + i);

		memcpy(buffer + i, &word, sizeof(word));
	}
}

static bool
all_zero(const uint8_t *buffer, uint64_t length)
{
	for (uint64_t i = 0; i < length; i++) {
		if (buffer[i] != 0)
			return false;
	}
	return true;
}

/* ------------------------------------------------ names */

static int
create_body(void *argument)
{
	static const enum storage_allocate kinds[] = {STORAGE_THIN, STORAGE_ALLOCATED,
						      STORAGE_ZEROED};
	static const char *const names[] = {"thin", "allocated", "sub/zeroed"};
	struct place *place = argument;

	for (unsigned i = 0; i < ARRAY_SIZE(kinds); i++) {
		struct disk *disk, *again;

		CHECK(place->storage->open(place->storage, names[i], &disk) == -DER_NONEXIST);
		CHECK(place->storage->create(place->storage, names[i], SIZE, kinds[i], &disk) == 0);
		CHECK(disk->size == SIZE);
		CHECK(disk->thin == (kinds[i] == STORAGE_THIN));
		CHECK(place->storage->create(place->storage, names[i], SIZE, kinds[i], &again) ==
		      -DER_EXIST);
		memset(place->buffer, 0xaa, SIZE);
		CHECK(disk_read(disk, place->buffer, SIZE, 0) == 0);
		CHECK(all_zero(place->buffer, SIZE));
		disk_close(disk);
		CHECK(place->storage->open(place->storage, names[i], &again) == 0);
		CHECK(again->size == SIZE);
		disk_close(again);
	}
	return 0;
}

static void
test_create(void **state)
{
	run_in_place(state, "create", create_body);
}

static int
remove_body(void *argument)
{
	struct place *place = argument;
	struct disk *disk, *fresh;

	CHECK(place->storage->remove(place->storage, "gone") == -DER_NONEXIST);
	CHECK(place->storage->create(place->storage, "gone", SIZE, STORAGE_ALLOCATED, &disk) == 0);
	fill(place->buffer, SIZE, 1);
	CHECK(disk_write(disk, place->buffer, SIZE, 0, false) == 0);
	CHECK(place->storage->remove(place->storage, "gone") == 0);
	CHECK(place->storage->open(place->storage, "gone", &fresh) == -DER_NONEXIST);
	/* An open disk stays usable, also beside a new one of its name. */
	CHECK(place->storage->create(place->storage, "gone", SIZE, STORAGE_ALLOCATED, &fresh) == 0);
	CHECK(disk_read(disk, place->other, SIZE, 0) == 0);
	CHECK(memcmp(place->buffer, place->other, SIZE) == 0);
	CHECK(disk_read(fresh, place->other, SIZE, 0) == 0);
	CHECK(all_zero(place->other, SIZE));
	CHECK(disk_flush(disk) == 0);
	disk_close(disk);
	disk_close(fresh);
	return 0;
}

static void
test_remove(void **state)
{
	run_in_place(state, "remove", remove_body);
}

struct seen {
	unsigned a, b, other;
	int result;
};

static int
see(void *argument, const char *name)
{
	struct seen *seen = argument;

	if (strcmp(name, "pool/a") == 0)
		seen->a++;
	else if (strcmp(name, "pool/b") == 0)
		seen->b++;
	else
		seen->other++;
	return seen->result;
}

static int
list_body(void *argument)
{
	static const char *const names[] = {"pool/a", "pool/b", "log-0"};
	struct place *place = argument;
	struct seen seen = {0};
	struct disk *disk;

	CHECK(place->storage->list(place->storage, "", see, &seen) == 0);
	CHECK(seen.a + seen.b + seen.other == 0);
	for (unsigned i = 0; i < ARRAY_SIZE(names); i++) {
		CHECK(place->storage->create(place->storage, names[i], DISK_BLOCK, STORAGE_THIN,
					     &disk) == 0);
		disk_close(disk);
	}
	CHECK(place->storage->list(place->storage, "", see, &seen) == 0);
	CHECK(seen.a == 1 && seen.b == 1 && seen.other == 1);
	seen = (struct seen){0};
	CHECK(place->storage->list(place->storage, "pool/", see, &seen) == 0);
	CHECK(seen.a == 1 && seen.b == 1 && seen.other == 0);
	seen = (struct seen){0};
	CHECK(place->storage->list(place->storage, "pool/b", see, &seen) == 0);
	CHECK(seen.a == 0 && seen.b == 1 && seen.other == 0);
	seen = (struct seen){0};
	CHECK(place->storage->list(place->storage, "none", see, &seen) == 0);
	CHECK(seen.a + seen.b + seen.other == 0);
	seen = (struct seen){.result = 7};
	CHECK(place->storage->list(place->storage, "", see, &seen) == 7);
	CHECK(seen.a + seen.b + seen.other == 1);
	return 0;
}

static void
test_list(void **state)
{
	run_in_place(state, "list", list_body);
}

static int
space_body(void *argument)
{
	struct place *place = argument;
	uint64_t total, available;

	CHECK(place->storage->space(place->storage, &total, &available) == 0);
	CHECK(total > 0 && available <= total);
	return 0;
}

static void
test_space(void **state)
{
	run_in_place(state, "space", space_body);
}

static int
keep_write_body(void *argument)
{
	struct place *place = argument;
	struct disk *disk;

	CHECK(place->storage->create(place->storage, "kept", SIZE, STORAGE_ALLOCATED, &disk) == 0);
	fill(place->buffer, SIZE, 5);
	CHECK(disk_write(disk, place->buffer, SIZE, 0, false) == 0);
	CHECK(disk_flush(disk) == 0);
	disk_close(disk);
	return 0;
}

static int
keep_read_body(void *argument)
{
	struct place *place = argument;
	struct disk *disk;

	CHECK(place->storage->open(place->storage, "kept", &disk) == 0);
	fill(place->other, SIZE, 5);
	CHECK(disk_read(disk, place->buffer, SIZE, 0) == 0);
	CHECK(memcmp(place->buffer, place->other, SIZE) == 0);
	disk_close(disk);
	return 0;
}

/* What one env wrote another one finds. */
static void
test_keep(void **state)
{
	run_in_place(state, "keep", keep_write_body);
	run_in_place(state, "keep", keep_read_body);
}

/* ------------------------------------------------ transfers */

static int
offsets_body(void *argument)
{
	struct place *place = argument;
	struct disk *disk;

	CHECK(place->storage->create(place->storage, "offsets", SIZE, STORAGE_ALLOCATED, &disk) ==
	      0);
	/* Every second block, then a read across all. */
	for (uint64_t block = 0; block < BLOCKS; block += 2) {
		fill(place->buffer, DISK_BLOCK, block);
		CHECK(disk_write(disk, place->buffer, DISK_BLOCK, block * DISK_BLOCK,
				 block % 4 == 0) == 0);
	}
	CHECK(disk_read(disk, place->other, SIZE, 0) == 0);
	for (uint64_t block = 0; block < BLOCKS; block++) {
		fill(place->buffer, DISK_BLOCK, block);
		if (block % 2 == 0)
			CHECK(memcmp(place->other + block * DISK_BLOCK, place->buffer,
				     DISK_BLOCK) == 0);
		else
			CHECK(all_zero(place->other + block * DISK_BLOCK, DISK_BLOCK));
	}
	/* The newest write is read. */
	fill(place->buffer, SIZE, 99);
	CHECK(disk_write(disk, place->buffer, 4 * DISK_BLOCK, SIZE - 4 * DISK_BLOCK, false) == 0);
	CHECK(disk_read(disk, place->other, 3 * DISK_BLOCK, SIZE - 3 * DISK_BLOCK) == 0);
	CHECK(memcmp(place->other, place->buffer + DISK_BLOCK, 3 * DISK_BLOCK) == 0);
	disk_close(disk);
	return 0;
}

static void
test_offsets(void **state)
{
	run_in_place(state, "offsets", offsets_body);
}

static int
vectored_body(void *argument)
{
	struct place *place = argument;
	struct iovec iov[DISK_IOV_MAX];
	struct disk *disk;

	CHECK(place->storage->create(place->storage, "vectored", SIZE, STORAGE_ZEROED, &disk) == 0);
	fill(place->buffer, SIZE, 3);
	/* The blocks in reverse, as many as fit. */
	for (unsigned i = 0; i < DISK_IOV_MAX; i++)
		iov[i] = (struct iovec){place->buffer + (BLOCKS - 1 - i) * DISK_BLOCK, DISK_BLOCK};
	CHECK(disk_writev(disk, iov, DISK_IOV_MAX, 0, false) == 0);
	CHECK(disk_read(disk, place->other, SIZE, 0) == 0);
	for (unsigned i = 0; i < BLOCKS; i++)
		CHECK(memcmp(place->other + i * DISK_BLOCK, iov[i].iov_base, DISK_BLOCK) == 0);
	/* Unequal pieces. */
	memset(place->other, 0, SIZE);
	iov[0] = (struct iovec){place->other + 8 * DISK_BLOCK, 3 * DISK_BLOCK};
	iov[1] = (struct iovec){place->other, DISK_BLOCK};
	CHECK(disk_readv(disk, iov, 2, 5 * DISK_BLOCK) == 0);
	CHECK(memcmp(place->other + 8 * DISK_BLOCK, place->buffer + (BLOCKS - 6) * DISK_BLOCK,
		     DISK_BLOCK) == 0);
	CHECK(memcmp(place->other, place->buffer + (BLOCKS - 9) * DISK_BLOCK, DISK_BLOCK) == 0);
	disk_close(disk);
	return 0;
}

static void
test_vectored(void **state)
{
	run_in_place(state, "vectored", vectored_body);
}

static int
zero_body(void *argument)
{
	struct place *place = argument;
	struct disk *disk;

	CHECK(place->storage->create(place->storage, "zero", SIZE, STORAGE_ALLOCATED, &disk) == 0);
	fill(place->buffer, SIZE, 4);
	CHECK(disk_write(disk, place->buffer, SIZE, 0, false) == 0);
	CHECK(disk_zero(disk, 2 * DISK_BLOCK, 5 * DISK_BLOCK) == 0);
	CHECK(disk_read(disk, place->other, SIZE, 0) == 0);
	CHECK(memcmp(place->other, place->buffer, 2 * DISK_BLOCK) == 0);
	CHECK(all_zero(place->other + 2 * DISK_BLOCK, 5 * DISK_BLOCK));
	CHECK(memcmp(place->other + 7 * DISK_BLOCK, place->buffer + 7 * DISK_BLOCK,
		     SIZE - 7 * DISK_BLOCK) == 0);
	CHECK(disk_zero(disk, 0, SIZE) == 0);
	CHECK(disk_read(disk, place->other, SIZE, 0) == 0);
	CHECK(all_zero(place->other, SIZE));
	CHECK(disk->size == SIZE);
	disk_close(disk);
	return 0;
}

static void
test_zero(void **state)
{
	run_in_place(state, "zero", zero_body);
}

/* After a discard the rest is untouched and the blocks can be written again. */
static int
discard_body(void *argument)
{
	struct place *place = argument;
	struct disk_io io = {
		.operation = DISK_DISCARD, .offset = DISK_BLOCK, .length = 2 * DISK_BLOCK};
	struct disk *disk;
	int rc;

	CHECK(place->storage->create(place->storage, "discard", SIZE, STORAGE_THIN, &disk) == 0);
	fill(place->buffer, SIZE, 6);
	CHECK(disk_write(disk, place->buffer, SIZE, 0, false) == 0);
	disk_submit(disk, &io);
	rc = completion_wait(&io.completion);
	CHECK(rc == 0 || rc == -DER_NOSYS);
	CHECK(disk_read(disk, place->other, SIZE, 0) == 0);
	CHECK(memcmp(place->other, place->buffer, DISK_BLOCK) == 0);
	CHECK(memcmp(place->other + 3 * DISK_BLOCK, place->buffer + 3 * DISK_BLOCK,
		     SIZE - 3 * DISK_BLOCK) == 0);
	CHECK(disk_write(disk, place->buffer, SIZE, 0, true) == 0);
	CHECK(disk_read(disk, place->other, SIZE, 0) == 0);
	CHECK(memcmp(place->other, place->buffer, SIZE) == 0);
	disk_close(disk);
	return 0;
}

static void
test_discard(void **state)
{
	run_in_place(state, "discard", discard_body);
}

static int
past_the_end_body(void *argument)
{
	struct place *place = argument;
	struct disk *disk;

	CHECK(place->storage->create(place->storage, "end", SIZE, STORAGE_THIN, &disk) == 0);
	fill(place->buffer, SIZE, 7);
	CHECK(disk_write(disk, place->buffer, DISK_BLOCK, SIZE, false) == -DER_INVAL);
	CHECK(disk_write(disk, place->buffer, 2 * DISK_BLOCK, SIZE - DISK_BLOCK, false) ==
	      -DER_INVAL);
	CHECK(disk_read(disk, place->buffer, DISK_BLOCK, SIZE) == -DER_INVAL);
	CHECK(disk_read(disk, place->buffer, 2 * DISK_BLOCK, SIZE - DISK_BLOCK) == -DER_INVAL);
	CHECK(disk_read(disk, place->buffer, DISK_BLOCK, UINT64_MAX - DISK_BLOCK + 1) ==
	      -DER_INVAL);
	CHECK(disk_zero(disk, SIZE, DISK_BLOCK) == -DER_INVAL);
	CHECK(disk_read(disk, place->other, DISK_BLOCK, SIZE - DISK_BLOCK) == 0);
	CHECK(all_zero(place->other, DISK_BLOCK));
	CHECK(disk->size == SIZE);
	disk_close(disk);
	return 0;
}

static void
test_past_the_end(void **state)
{
	run_in_place(state, "end", past_the_end_body);
}

/* ------------------------------------------------ concurrency */

/* All blocks are written at once, with flushes between, then read at once. */
static int
concurrent_body(void *argument)
{
	struct place *place = argument;
	struct disk_io io[BLOCKS + 4];
	struct iovec iov[BLOCKS];
	struct disk *disk;

	CHECK(place->storage->create(place->storage, "concurrent", SIZE, STORAGE_ALLOCATED,
				     &disk) == 0);
	fill(place->buffer, SIZE, 8);
	memset(io, 0, sizeof(io));
	for (unsigned i = 0; i < BLOCKS; i++) {
		iov[i] = (struct iovec){place->buffer + i * DISK_BLOCK, DISK_BLOCK};
		io[i] = (struct disk_io){.operation = DISK_WRITE,
					 .durable = i % 3 == 0,
					 .iov = &iov[i],
					 .iov_count = 1,
					 .offset = i * DISK_BLOCK,
					 .length = DISK_BLOCK};
		disk_submit(disk, &io[i]);
		if (i % 16 == 15) {
			io[BLOCKS + i / 16].operation = DISK_FLUSH;
			disk_submit(disk, &io[BLOCKS + i / 16]);
		}
	}
	for (unsigned i = 0; i < ARRAY_SIZE(io); i++)
		CHECK(completion_wait(&io[i].completion) == 0);
	for (unsigned i = 0; i < BLOCKS; i++) {
		iov[i].iov_base = place->other + i * DISK_BLOCK;
		io[i].operation = DISK_READ;
		disk_submit(disk, &io[i]);
	}
	for (unsigned i = BLOCKS; i-- > 0;)
		CHECK(completion_wait(&io[i].completion) == 0);
	CHECK(memcmp(place->buffer, place->other, SIZE) == 0);
	disk_close(disk);
	return 0;
}

static void
test_concurrent(void **state)
{
	run_in_place(state, "concurrent", concurrent_body);
}

struct worker {
	struct place *place;
	struct disk *disk;
	uint64_t number;
};

#define WORKERS 8u
#define ROUNDS 20u

/* One of several fibers that write and read blocks of their own. */
static int
worker_body(void *argument)
{
	struct worker *worker = argument;
	uint64_t offset = worker->number * 2 * DISK_BLOCK;
	uint8_t *mine = worker->place->buffer + offset;
	uint8_t *read = worker->place->other + offset;

	for (unsigned round = 0; round < ROUNDS; round++) {
		fill(mine, 2 * DISK_BLOCK, worker->number * ROUNDS + round);
		CHECK(disk_write(worker->disk, mine, 2 * DISK_BLOCK, offset, round % 2) == 0);
		if (round % 5 == worker->number % 5)
			CHECK(disk_flush(worker->disk) == 0);
		CHECK(disk_read(worker->disk, read, 2 * DISK_BLOCK, offset) == 0);
		CHECK(memcmp(mine, read, 2 * DISK_BLOCK) == 0);
	}
	return 0;
}

static int
workers_body(void *argument)
{
	struct worker workers[WORKERS];
	struct place *place = argument;
	struct fiber_group group;
	struct disk *disk;
	int rc = 0;

	CHECK(place->storage->create(place->storage, "workers", SIZE, STORAGE_THIN, &disk) == 0);
	fiber_group_init(&group);
	for (unsigned i = 0; i < WORKERS && rc == 0; i++) {
		workers[i] = (struct worker){place, disk, i};
		rc = fiber_group_start(&group, "worker", worker_body, &workers[i]);
	}
	CHECK(fiber_group_wait(&group) == 0);
	CHECK(rc == 0);
	disk_close(disk);
	return 0;
}

static void
test_workers(void **state)
{
	run_in_place(state, "workers", workers_body);
}

int
storage_contract(struct subject *subject)
{
	struct CMUnitTest tests[] = {
		cmocka_unit_test(test_create),	   cmocka_unit_test(test_remove),
		cmocka_unit_test(test_list),	   cmocka_unit_test(test_space),
		cmocka_unit_test(test_keep),	   cmocka_unit_test(test_offsets),
		cmocka_unit_test(test_vectored),   cmocka_unit_test(test_zero),
		cmocka_unit_test(test_discard),	   cmocka_unit_test(test_past_the_end),
		cmocka_unit_test(test_concurrent), cmocka_unit_test(test_workers),
	};

	return SUBJECT_RUN_TESTS(subject, subject->name, tests);
}
