/* SPDX-License-Identifier: BSD-2-Clause-Patent */
/*
 * A power cut at every device write under a store. Each state that a power cut may leave is opened
 * and must equal the reference after some number of operations: at least those whose groups had
 * been awaited, and none half; a transaction counts from its decision on. In some of them
 * everything is then destroyed and collected, and no space may be missing. CAIRN_TEST_SECONDS (12)
 * bounds the time.
 */
#include <time.h>

#include "tx.h"

#define OPERATIONS 70u
#define REACH 1500u
#define OBJECTS_USED 2u
#define DKEYS_USED 2u

struct acknowledgement {
	uint64_t position; /* of the trace */
	uint32_t operations;
};

struct run {
	struct stand stand;
	struct memory_trace *trace;
	uint32_t operations;
	uint64_t digests[OPERATIONS + 1]; /* after so many operations */
	struct acknowledgement acknowledgements[2 * OPERATIONS];
	uint32_t acknowledged;
	struct heap_space fresh;
	uint32_t least; /* operations that must be there */
	bool settle;
	bool audit;
};

/* ------------------------------------------------ digests */

/* The newest state of a value, painted write after write. Its length in bytes. */
static uint32_t
model_paint(const struct model *model, uint32_t object, uint32_t dkey, uint32_t akey,
	    uint8_t *image)
{
	uint64_t record_size = akey_record_size(akey);
	uint32_t length = 0;

	memset(image, 0, REACH * 8);
	for (uint32_t i = 0; i < model->count; i++) {
		const struct event *event = &model->events[i];
		uint64_t bytes = akey == 0 ? event->size : event->count * record_size;

		if (event->object != object ||
		    (event->kind != EVENT_PUNCH_OBJECT && event->dkey != dkey) ||
		    ((event_writes(event) || event->kind == EVENT_PUNCH_AKEY) &&
		     event->akey != akey))
			continue;
		if (akey == 0 || !event_writes(event)) {
			memset(image, 0, REACH * 8);
			length = 0;
		}
		if (event->kind == EVENT_HOLE)
			memset(image + event->start * record_size, 0, akey == 0 ? 0 : bytes);
		if (event->kind != EVENT_WRITE)
			continue;
		for (uint64_t j = 0;
		     j < min_of(bytes, (uint64_t)REACH * 8 - event->start * record_size); j++)
			image[event->start * record_size + j] =
				content(event->seed, event->start * record_size + j);
		length = akey == 0 ? event->size : 0;
	}
	return length;
}

static uint64_t
model_digest(const struct model *model)
{
	static uint8_t image[REACH * 8];
	uint64_t digest = 1;

	for (uint32_t object = 0; object < OBJECTS_USED; object++)
		for (uint32_t dkey = 0; dkey < DKEYS_USED; dkey++) {
			digest = hash_combine(digest, model_visible(model, object, dkey, UINT32_MAX,
								    EPOCH_MAX));
			for (uint32_t akey = 0; akey < AKEYS; akey++) {
				digest = hash_combine(digest, model_paint(model, object, dkey, akey,
									  image));
				digest = hash_combine(digest, crc32c(0, image, sizeof(image)));
			}
		}
	return digest;
}

static uint64_t
store_digest(struct stand *stand)
{
	static uint8_t image[REACH * 8];
	struct vos_extent extent = {0, REACH};
	uint8_t dkey_bytes[KEY_BYTES], akey_bytes[KEY_BYTES];
	struct vos_fetched fetched;
	uint64_t digest = 1;

	for (uint32_t object = 0; object < OBJECTS_USED; object++) {
		struct vos_object name = object_name(object);

		for (uint32_t dkey = 0; dkey < DKEYS_USED; dkey++) {
			struct vos_key key = dkey_name(object, dkey, dkey_bytes);
			struct vos_akey akey = {.key = akey_name(object, 0, akey_bytes),
						.type = VOS_SINGLE};
			int rc = vos_fetch(stand->container, &name, key, &akey, 1, EPOCH_MAX,
					   VOS_COND_DKEY_FETCH, VOS_FETCH_SIZE_ONLY, &fetched);

			CHECK(rc == 0 || rc == -DER_NONEXIST);
			digest = hash_combine(digest, rc == 0);
			for (uint32_t i = 0; i < AKEYS; i++) {
				akey = (struct vos_akey){.key = akey_name(object, i, akey_bytes),
							 .type = i == 0 ? VOS_SINGLE : VOS_ARRAY,
							 .extents = &extent,
							 .extent_count = 1};
				CHECK_EQUAL(vos_fetch(stand->container, &name, key, &akey, 1,
						      EPOCH_MAX, 0, 0, &fetched),
					    0);
				memset(image, 0, sizeof(image));
				if (fetched.length > 0)
					memcpy(image, fetched.data,
					       min_of(fetched.length, sizeof(image)));
				digest = hash_combine(digest, i == 0 ? fetched.length : 0);
				digest = hash_combine(digest, crc32c(0, image, sizeof(image)));
				vos_fetched_free(stand->container, &fetched, 1);
			}
		}
	}
	return digest;
}

/* ------------------------------------------------ the workload */

/* What was done up to now is durable. */
static void
acknowledge(struct stand *stand, uint64_t group, uint32_t operations)
{
	struct run *run = stand->argument;

	CHECK_EQUAL(media_wait(stand->media, group), 0);
	run->acknowledgements[run->acknowledged++] = (struct acknowledgement){
		.position = memory_trace_position(run->trace), .operations = operations};
}

/* Told to the check by the number of the leader: how the transaction was decided elsewhere. */
enum { DECIDED_TO_FORGET, DECIDED_TO_APPLY };

/* A transaction, from its preparation to its end; of every second one this store is the leader. */
static void
both_transaction(struct stand *stand, uint64_t *ret_group)
{
	static struct tx_work work;
	struct run *run = stand->argument;
	struct model *model = &stand->model;
	uint64_t group = 0;

	tx_draw(model, OBJECTS_USED, &work);
	work.tx.leads = draw(model, 2) == 0;
	work.tx.leader = draw(model, 4) == 0 ? DECIDED_TO_FORGET : DECIDED_TO_APPLY;
	*ret_group = 0;
	if (!tx_both_prepare(stand, &work, ret_group)) {
		tx_work_free(&work);
		return;
	}
	if (draw(model, 4) == 0)
		CHECK(vos_collect(stand->vos, model->epoch, 5) >= 0);
	if (work.tx.leader == DECIDED_TO_FORGET) {
		CHECK_EQUAL(vos_tx_forget(stand->vos, work.tx.id, ret_group), 0);
	} else {
		tx_commit_events(model, &work);
		if (work.tx.leads)
			CHECK_EQUAL(vos_tx_decide(stand->vos, work.tx.id, NULL, &group), 0);
		/* It counts from here on, applied or not. */
		if (work.tx.leads)
			acknowledge(stand, group, run->operations + 1);
		if (draw(model, 10) == 0)
			CHECK_EQUAL(media_checkpoint(stand->media), 0);
		CHECK_EQUAL(vos_tx_apply(stand->vos, work.tx.id, ret_group), 0);
	}
	tx_work_free(&work);
}

static int
workload_body(void *argument)
{
	struct stand *stand = argument;
	struct run *run = stand->argument;
	struct model *model = &stand->model;
	uint64_t group, newest = 0;

	run->digests[0] = model_digest(model);
	while (run->operations < OPERATIONS) {
		uint64_t choice = draw(model, 16);

		if (choice < 4)
			both_transaction(stand, &group);
		else if (choice < 7)
			both_punch(stand, &group);
		else
			both_update(stand, &group);
		newest = max_of(newest, group);
		run->digests[++run->operations] = model_digest(model);
		if (draw(model, 3) == 0)
			acknowledge(stand, newest, run->operations);
		if (draw(model, 6) == 0)
			CHECK(vos_collect(stand->vos, model->epoch, 5) >= 0);
		if (draw(model, 15) == 0)
			CHECK_EQUAL(media_checkpoint(stand->media), 0);
	}
	return 0;
}

static void
record(struct run *run, uint64_t seed)
{
	struct stand *stand = &run->stand;

	*run = (struct run){0};
	stand->argument = run;
	stand->media_options.log_size = 4 * 1024 * 1024;
	stand->heap_options =
		(struct heap_options){.heap_size = 12 * HEAP_ZONE, .data_size = 16ull << 20};
	stand->model.objects = OBJECTS_USED;
	stand->model.dkeys = DKEYS_USED;
	stand->model.reach = REACH;
	stand_start(stand, seed);
	stand_run(stand, empty_body);
	stand_run(stand, settle_body);
	heap_space(stand->heap, &run->fresh);
	stand_reopen(stand);
	CHECK_EQUAL(memory_trace_start(stand->world, "node", &run->trace), 0);
	stand_run(stand, workload_body);
	memory_trace_stop(run->trace);
	stand_shut(stand);
}

/* ------------------------------------------------ after a power cut */

static int
resolve_visit(void *argument, const struct vos_tx *tx)
{
	struct stand *stand = argument;
	uint64_t group;

	if (tx->state == VOS_TX_COMMITTED || (!tx->leads && tx->leader == DECIDED_TO_APPLY))
		CHECK_EQUAL(vos_tx_apply(stand->vos, tx->id, &group), 0);
	else
		CHECK_EQUAL(vos_tx_forget(stand->vos, tx->id, &group), 0);
	return 0;
}

static int
check_body(void *argument)
{
	struct stand *stand = argument;
	struct run *run = stand->argument;
	uint64_t digest;
	uint32_t operations = run->least;
	struct heap_space space;

	stand_open_body(stand);
	if (run->audit)
		audit_body(stand);
	CHECK_EQUAL(vos_tx_each(stand->vos, resolve_visit, stand), 0);
	digest = store_digest(stand);
	while (operations <= OPERATIONS && run->digests[operations] != digest)
		operations++;
	CHECK(operations <= OPERATIONS);
	if (run->audit)
		audit_body(stand);
	if (!run->settle)
		return 0;
	empty_body(stand);
	settle_body(stand);
	audit_body(stand);
	heap_space(stand->heap, &space);
	CHECK_EQUAL(space.heap_free, run->fresh.heap_free);
	CHECK_EQUAL(space.data_free, run->fresh.data_free);
	return 0;
}

static void
check_state(struct run *run, uint64_t point, const struct memory_crash *crash, uint64_t number)
{
	struct stand stand = {.argument = run,
			      .media_options = run->stand.media_options,
			      .heap_options = run->stand.heap_options};

	run->least = 0;
	for (uint32_t i = 0; i < run->acknowledged; i++)
		if (run->acknowledgements[i].position <= point)
			run->least = run->acknowledgements[i].operations;
	run->settle = number % 8 == 0;
	run->audit = number % 2 == 0;
	CHECK_EQUAL(memory_world_create(number + 1, &stand.world), 0);
	memory_trace_restore(run->trace, point, crash, stand.world, "node");
	stand_boot(&stand);
	stand_run(&stand, check_body);
	loop_abandon(stand.loop);
	memory_env_crash(stand.env);
	memory_world_destroy(stand.world);
}

static double
seconds(void)
{
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC, &now);
	return (double)now.tv_sec + (double)now.tv_nsec / 1e9;
}

/* All states when there is time, else an even selection of them. */
static void
power_cuts(void **state)
{
	const char *limit = getenv("CAIRN_TEST_SECONDS"), *fresh = getenv("CAIRN_SEED");
	double budget = limit ? atof(limit) : 12, end;
	uint64_t seeds[] = {1, 2, fresh ? strtoull(fresh, NULL, 10) : 3};
	static struct run run;
	uint64_t tested = 0, number = 0;

	(void)state;
	for (uint32_t i = 0; i < ARRAY_SIZE(seeds); i++) {
		record(&run, seeds[i]);
		end = seconds() + budget / ARRAY_SIZE(seeds);
		/* Every point once with a few states, then again with others. */
		for (uint32_t round = 0; round < 8 && seconds() < end; round++) {
			for (uint64_t point = 0;
			     point <= memory_trace_position(run.trace) && seconds() < end;
			     point++) {
				uint32_t pending;
				uint64_t count;
				struct memory_crash crash;

				if (!memory_trace_deepest(run.trace, point))
					continue;
				pending = memory_trace_pending(run.trace, point);
				count = memory_crash_count(pending, 2);
				crash = memory_crash_state(pending, 2,
							   (round * 7 + number) % count);
				check_state(&run, point, &crash, number++);
				tested++;
			}
		}
		memory_trace_free(run.trace);
		memory_world_destroy(run.stand.world);
		free(run.stand.model.events);
	}
	printf("%llu states, seeds 1, 2 and %llu\n", (unsigned long long)tested,
	       (unsigned long long)seeds[2]);
	CHECK(tested > 100);
}

/* ------------------------------------------------ durable before visible */

/* What readers were told while a group was held back. */
struct witness {
	struct stand *stand;
	uint32_t told[8]; /* record size per dkey */
	uint32_t answers;
	bool reopen; /* the container is closed and opened before they ask */
};

static struct vos_key
plain_key(uint32_t number, uint8_t bytes[16])
{
	return (struct vos_key){bytes, (uint32_t)snprintf((char *)bytes, 16, "k%u", number)};
}

static int
plain_update(struct stand *stand, uint32_t dkey, uint32_t size, uint64_t epoch, uint64_t *ret_group)
{
	static uint8_t payload[64];
	struct iovec iov = {payload, size};
	uint8_t bytes[16];
	struct vos_object name = object_name(0);
	struct vos_akey akey = {.key = {"a", 1},
				.type = VOS_SINGLE,
				.record_size = size,
				.payload = &iov,
				.payload_count = 1};
	struct vos_change change = {.epoch = epoch};

	return vos_update(stand->container, &name, plain_key(dkey, bytes), &akey, 1, &change,
			  ret_group);
}

static uint32_t
plain_size(struct stand *stand, uint32_t dkey)
{
	struct vos_object name = object_name(0);
	struct vos_akey akey = {.key = {"a", 1}, .type = VOS_SINGLE};
	struct vos_fetched fetched;
	uint8_t bytes[16];
	uint32_t size;

	CHECK_EQUAL(vos_fetch(stand->container, &name, plain_key(dkey, bytes), &akey, 1, EPOCH_MAX,
			      0, 0, &fetched),
		    0);
	size = (uint32_t)fetched.record_size;
	vos_fetched_free(stand->container, &fetched, 1);
	return size;
}

struct asker {
	struct witness *witness;
	uint32_t dkey;
};

static void
reader_fiber(void *argument)
{
	struct asker *reader = argument;

	reader->witness->told[reader->dkey] = plain_size(reader->witness->stand, reader->dkey);
	reader->witness->answers++;
}

static int
hold_body(void *argument)
{
	static struct asker readers[8];
	struct stand *stand = argument;
	struct witness *witness = stand->argument;
	uint64_t group;

	for (uint32_t i = 0; i < 8; i++)
		CHECK_EQUAL(plain_update(stand, i, 10, 100, &group), 0);
	CHECK_EQUAL(media_wait(stand->media, group), 0);
	memory_disk_hold(stand->world, "node", "log.log");
	/* Half of the dkeys are written again; that is applied, but held back from the disk. */
	for (uint32_t i = 0; i < 8; i += 2)
		CHECK_EQUAL(plain_update(stand, i, 20, 200, &group), 0);
	if (witness->reopen) {
		vos_container_close(stand->container);
		CHECK_EQUAL(vos_container_open(stand->vos, container_name(), &stand->container), 0);
	}
	for (uint32_t i = 0; i < 8; i++) {
		struct fiber *fiber;

		readers[i] = (struct asker){witness, i};
		CHECK_EQUAL(fiber_start(stand->loop, "reader", reader_fiber, &readers[i], &fiber),
			    0);
	}
	CHECK_EQUAL(fiber_sleep(50000000), 0);
	return 0;
}

static int
after_body(void *argument)
{
	struct stand *stand = argument;
	struct witness *witness = stand->argument;

	stand_open_body(stand);
	for (uint32_t i = 0; i < 8; i++) {
		uint32_t size = plain_size(stand, i);

		CHECK(size == 10 || (size == 20 && i % 2 == 0));
		CHECK(witness->told[i] == 0 || witness->told[i] == size);
	}
	return audit_body(stand);
}

static void
held(bool reopen)
{
	struct stand stand = {0};
	struct witness witness = {.stand = &stand, .reopen = reopen};
	struct memory_crash crash = {.kind = MEMORY_CRASH_PREFIX, .index = 0};

	stand.argument = &witness;
	stand_start(&stand, 77);
	stand_run(&stand, hold_body);
	/* The object has a change that is not durable: nobody has been told anything of it. */
	CHECK_EQUAL(witness.answers, 0);
	loop_abandon(stand.loop);
	memory_env_crash(stand.env);
	memory_node_power_cut(stand.world, "node", &crash);
	memory_disk_release(stand.world, "node", "log.log");
	stand_boot(&stand);
	stand_run(&stand, after_body);
	stand_stop(&stand);
}

static void
held_group(void **state)
{
	(void)state;
	held(false);
}

static void
held_group_reopened(void **state)
{
	(void)state;
	held(true);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(held_group),
		cmocka_unit_test(held_group_reopened),
		cmocka_unit_test(power_cuts),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
