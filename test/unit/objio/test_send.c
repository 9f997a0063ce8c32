/* SPDX-License-Identifier: BSD-2-Clause-Patent */
/* Sending against a server that answers as it is told: ids, pauses, tries, deadlines; answers that
 * are lies. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <cmocka.h>

#include "env/memory/memory.h"
#include "objio/private.h"

#define ADDRESS "memory:server"
#define MS UINT64_C(1000000)
#define SCRIPT 100u

/* What the server answers to the next requests, and what they carried. */
struct rig {
	struct memory_world *world;
	struct env *envs[2];
	struct loop *loops[2];
	struct hlc clocks[2];
	struct rpc *rpcs[2];
	char address[128];
	struct objio_pool *pool;
	struct objio *objio;
	int script[SCRIPT];
	uint32_t arrived;
	uint64_t sequences[SCRIPT];
	uint8_t flags[SCRIPT];
	uint64_t times[SCRIPT];
	/* Fetches: the answer. */
	struct proto_fetched fetched;
	uint32_t fetched_count;
	uint32_t payload_length;
	uint8_t payload[64];
	/* Commits: the latest one, as text, and its payload. */
	char committed[1024];
	int (*function)(struct rig *rig);
};

static int
note(struct rig *rig, struct rpc_request *request)
{
	uint32_t number = rig->arrived++;

	assert_true(number < SCRIPT);
	rig->sequences[number] = request->id.sequence;
	rig->flags[number] = request->header.flags;
	rig->times[number] = memory_world_now(rig->world);
	return rig->script[number];
}

static int
serve_update(void *owner, struct rpc_request *request)
{
	return note(owner, request);
}

static int
serve_fetch(void *owner, struct rpc_request *request)
{
	struct rig *rig = owner;
	struct proto_fetched akeys[2] = {rig->fetched, rig->fetched};
	struct proto_object_fetched reply = {
		.akey_count = rig->fetched_count,
		.akeys = akeys,
		.payload = {(const char *)rig->payload, rig->payload_length},
	};
	int rc = note(rig, request);

	if (rc == 0)
		proto_object_fetched_encode(&reply, &request->reply);
	return rc;
}

/* "target: kind shard dkey-or-keys akeys conditions; ..." */
static void
describe(struct rig *rig, const struct proto_object_changes *changes)
{
	char *to = rig->committed;
	char *end = to + sizeof(rig->committed);

	for (uint32_t i = 0; i < changes->part_count; i++) {
		const struct proto_change_part *part = &changes->parts[i];

		to += snprintf(to, (size_t)(end - to), "%u:", part->target);
		for (uint32_t j = 0; j < part->change_count; j++) {
			const struct proto_change *change = &part->changes[j];
			bool akeys = change->kind == PROTO_CHANGE_UPDATE;

			to += snprintf(to, (size_t)(end - to), " %u %u %.*s %u %u;", change->kind,
				       change->shard, (int)change->dkey.length, change->dkey.data,
				       change->count, change->conditions);
			for (uint32_t k = 0; k < change->count; k++)
				to += snprintf(to, (size_t)(end - to), " %.*s",
					       akeys ? (int)change->akeys[k].key.length
						     : (int)change->keys[k].length,
					       akeys ? change->akeys[k].key.data
						     : change->keys[k].data);
		}
		to += snprintf(to, (size_t)(end - to), "\n");
	}
	assert_true(to < end);
}

static int
serve_commit(void *owner, struct rpc_request *request)
{
	struct rig *rig = owner;
	struct arena *arena = loop_env(rig->loops[1])->arena;
	struct proto_object_commit message;
	struct proto_object_changes changes;
	struct reader reader;

	assert_int_equal(proto_object_commit_decode(&request->body, &message), 0);
	reader_init(&reader, message.text.data, message.text.length);
	assert_int_equal(proto_object_changes_decode(&reader, arena, &changes), 0);
	assert_int_equal(changes.parts[0].target, message.object.target);
	describe(rig, &changes);
	proto_object_changes_free(arena, &changes);
	rig->payload_length = message.payload.length;
	memcpy(rig->payload, message.payload.data, min_of(message.payload.length, 64u));
	return note(rig, request);
}

static const struct rpc_method methods[] = {
	{PROTO_OBJECT_UPDATE, "update", serve_update},
	{PROTO_OBJECT_FETCH, "fetch", serve_fetch},
	{PROTO_OBJECT_COMMIT, "commit", serve_commit},
};

static int
start(void *argument)
{
	struct rig *rig = argument;
	struct proto_engine engine = {.address_count = 1,
				      .addresses = {{ADDRESS, sizeof(ADDRESS) - 1}}};
	struct proto_target targets[4] = {{.tag = 0}};
	struct proto_map map = {.version = 1,
				.engine_count = 1,
				.target_count = ARRAY_SIZE(targets),
				.engines = &engine,
				.targets = targets};
	struct objio_pool_options options = {
		.rpc = rig->rpcs[0], .map = &map, .patience_ns = 10000 * MS};

	assert_int_equal(objio_pool_create(&options, &rig->pool), 0);
	return objio_create(rig->pool, uuid_make(1, 1), true, &rig->objio);
}

static int
stop(void *argument)
{
	struct rig *rig = argument;

	objio_destroy(rig->objio);
	objio_pool_destroy(rig->pool);
	rpc_destroy(rig->rpcs[0]);
	return 0;
}

static int
listen_here(void *argument)
{
	struct rig *rig = argument;

	return rpc_listen(rig->rpcs[1], ADDRESS, &rig->rpcs[1], 1, rig->address);
}

static int
stop_server(void *argument)
{
	struct rig *rig = argument;

	rpc_unlisten(rig->rpcs[1]);
	rpc_destroy(rig->rpcs[1]);
	return 0;
}

static int
run_function(void *argument)
{
	struct rig *rig = argument;

	return rig->function(rig);
}

static void
run_on_rig(int (*function)(struct rig *rig))
{
	struct rig rig = {.function = function};
	struct loop *back[2];

	setenv("CMOCKA_TEST_ABORT", "1", 1);
	assert_int_equal(memory_world_create(1, &rig.world), 0);
	for (uint32_t i = 0; i < 2; i++) {
		struct memory_env_options env_options = {.node = i ? "server" : "client",
							 .no_storage = true};
		struct rpc_options options = {
			.system = "t", .clock = &rig.clocks[i], .incarnation = uuid_make(5, i + 1)};

		hlc_init(&rig.clocks[i], 0);
		assert_int_equal(memory_env_create(rig.world, &env_options, &rig.envs[i]), 0);
		assert_int_equal(loop_create(rig.envs[i], NULL, &rig.loops[i]), 0);
		assert_int_equal(rpc_create(rig.loops[i], &options, &rig.rpcs[i]), 0);
	}
	back[0] = rig.loops[1];
	back[1] = rig.loops[0];
	assert_int_equal(rpc_serve(rig.rpcs[1], methods, ARRAY_SIZE(methods), &rig), 0);
	assert_int_equal(memory_run_all(rig.world, back, 2, listen_here, &rig), 0);
	assert_int_equal(memory_run_all(rig.world, rig.loops, 2, start, &rig), 0);
	assert_int_equal(memory_run_all(rig.world, rig.loops, 2, run_function, &rig), 0);
	assert_int_equal(memory_run_all(rig.world, rig.loops, 2, stop, &rig), 0);
	assert_int_equal(memory_run_all(rig.world, back, 2, stop_server, &rig), 0);
	for (uint32_t i = 0; i < 2; i++) {
		loop_destroy(rig.loops[i]);
		/* Nothing is left in the arena. */
		memory_env_destroy(rig.envs[i]);
	}
	memory_world_destroy(rig.world);
}

static int
update(struct rig *rig)
{
	struct iovec iov = {(char[]){"value"}, 5};
	struct objio_akey akey = {.key = {"a", 1},
				  .type = PROTO_VALUE_SINGLE,
				  .record_size = 5,
				  .payload = &iov,
				  .payload_count = 1};
	struct object_id id = {1, UINT64_C(1) << 48 | UINT64_C(1) << 32};

	rig->arrived = 0;
	return objio_update(rig->objio, id, (struct objio_key){"d", 1}, &akey, 1, 0);
}

/* ------------------------------------------------ commit */

static const struct object_id wide = {1, UINT64_C(1) << 48 | UINT64_C(4) << 32};

/* A value of the dkey, of one letter. */
static struct objio_change
write_letter(const char *dkey, struct objio_akey *akey, struct iovec *iov, const char *text,
	     uint32_t conditions)
{
	*iov = (struct iovec){(void *)(uintptr_t)text, 1};
	*akey = (struct objio_akey){.key = {"a", 1},
				    .type = PROTO_VALUE_SINGLE,
				    .record_size = 1,
				    .payload = iov,
				    .payload_count = 1};
	return (struct objio_change){.kind = PROTO_CHANGE_UPDATE,
				     .conditions = conditions,
				     .id = wide,
				     .dkey = {dkey, (uint32_t)strlen(dkey)},
				     .akeys = akey,
				     .count = 1};
}

/* A dkey of each group; where they lie is placement's, which knows one target per group here. */
static void
find_dkeys(const struct placement_map *map, char dkeys[4][8])
{
	for (uint32_t i = 0, found = 0; found != 15; i++) {
		char name[8];
		uint32_t group;

		snprintf(name, sizeof(name), "k%u", i);
		group = placement_group(map, wide, name, (uint32_t)strlen(name));
		if (!(found & 1u << group))
			memcpy(dkeys[group], name, sizeof(name));
		found |= 1u << group;
	}
}

/* What each target changes stays in the caller's order; the first change's target leads. */
static int
commit_is_planned(struct rig *rig)
{
	const struct placement_map map = objio_pool_placement(rig->pool);
	struct objio_view view = {.transaction = uuid_make(1, 2)};
	struct objio_key keys[2];
	struct objio_akey akeys[3];
	struct iovec iov[3];
	struct objio_change changes[5];
	uint32_t target[4];
	char dkeys[4][8], expected[1024];

	find_dkeys(&map, dkeys);
	for (uint32_t i = 0; i < 4; i++) {
		target[i] = placement_target(&map, wide, i);
		if (i < 2)
			keys[i] = (struct objio_key){dkeys[i + 1], (uint32_t)strlen(dkeys[i + 1])};
	}
	changes[0] = write_letter(dkeys[2], &akeys[0], &iov[0], "x", 2);
	changes[1] = write_letter(dkeys[0], &akeys[1], &iov[1], "y", 0);
	changes[2] = (struct objio_change){.kind = PROTO_CHANGE_PUNCH_DKEYS,
					   .conditions = 1,
					   .id = wide,
					   .keys = keys,
					   .count = 2};
	changes[3] = write_letter(dkeys[2], &akeys[2], &iov[2], "z", 0);
	rig->arrived = 0;
	assert_int_equal(objio_commit(rig->objio, &view, changes, 4), 0);
	snprintf(expected, sizeof(expected),
		 "%u: 1 2 %s 1 2; a 3 2  1 1; %s 1 2 %s 1 0; a\n"
		 "%u: 1 0 %s 1 0; a\n"
		 "%u: 3 1  1 1; %s\n",
		 target[2], dkeys[2], dkeys[2], dkeys[2], target[0], dkeys[0], target[1], dkeys[1]);
	assert_string_equal(rig->committed, expected);
	assert_int_equal(rig->payload_length, 3);
	assert_memory_equal(rig->payload, "xzy", 3);
	changes[0] = (struct objio_change){.kind = PROTO_CHANGE_PUNCH_OBJECT, .id = wide};
	assert_int_equal(objio_commit(rig->objio, &view, changes, 1), 0);
	snprintf(expected, sizeof(expected),
		 "%u: 2 0  0 0;\n%u: 2 1  0 0;\n%u: 2 2  0 0;\n%u: 2 3  0 0;\n", target[0],
		 target[1], target[2], target[3]);
	assert_string_equal(rig->committed, expected);
	/* Nothing to change is nothing to send. */
	assert_int_equal(objio_commit(rig->objio, &view, changes, 0), 0);
	assert_int_equal(rig->arrived, 2);
	return 0;
}

/* It waits as every change does, but a conflict is the caller's to judge. */
static int
commit_restarts_above(struct rig *rig)
{
	struct objio_view view = {.transaction = uuid_make(1, 3)};
	struct objio_akey akey;
	struct iovec iov;
	struct objio_change change = write_letter("d", &akey, &iov, "x", 0);

	rig->arrived = 0;
	rig->script[0] = -DER_INPROGRESS;
	rig->script[1] = -DER_BUSY;
	rig->script[2] = -DER_TX_RESTART;
	assert_int_equal(objio_commit(rig->objio, &view, &change, 1), -DER_TX_RESTART);
	assert_int_equal(rig->arrived, 3);
	for (uint32_t i = 1; i < 3; i++) {
		assert_int_equal(rig->sequences[i], rig->sequences[0]);
		assert_true(rig->flags[i] & PROTO_AGAIN);
	}
	return 0;
}

/* The same id, longer and longer pauses. */
static int
waits(struct rig *rig)
{
	static const int codes[] = {-DER_BUSY,	     -DER_AGAIN,	  -DER_SHUTDOWN,
				    -DER_INPROGRESS, -DER_OVERLOAD_RETRY, -DER_UNREACH,
				    -DER_BUSY,	     -DER_BUSY,		  -DER_BUSY,
				    -DER_BUSY};

	memcpy(rig->script, codes, sizeof(codes));
	assert_int_equal(update(rig), 0);
	assert_int_equal(rig->arrived, ARRAY_SIZE(codes) + 1);
	for (uint32_t i = 1; i < rig->arrived; i++) {
		uint64_t pause = rig->times[i] - rig->times[i - 1];
		uint64_t most = min_of(10 * MS << (i - 1), 500 * MS);

		assert_int_equal(rig->sequences[i], rig->sequences[0]);
		assert_true(rig->flags[i] & PROTO_AGAIN);
		assert_in_range(pause, most / 2, most + MS);
	}
	assert_false(rig->flags[0] & PROTO_AGAIN);
	memset(rig->script, 0, sizeof(rig->script));
	assert_int_equal(update(rig), 0);
	assert_int_equal(rig->arrived, 1);
	return 0;
}

static int
restarts(struct rig *rig)
{
	for (uint32_t i = 0; i < 5; i++)
		rig->script[i] = -DER_TX_RESTART;
	assert_int_equal(update(rig), 0);
	assert_int_equal(rig->arrived, 6);
	for (uint32_t i = 1; i < rig->arrived; i++) {
		assert_int_equal(rig->sequences[i], rig->sequences[i - 1] + 1);
		assert_false(rig->flags[i] & PROTO_AGAIN);
	}
	for (uint32_t i = 0; i < SCRIPT; i++)
		rig->script[i] = -DER_TX_RESTART;
	assert_int_equal(update(rig), -DER_TX_RESTART);
	assert_int_equal(rig->arrived, 17);
	/* Not in a hurry. */
	assert_true(rig->times[16] - rig->times[0] > 1000 * MS);
	return 0;
}

static int
final_codes(struct rig *rig)
{
	static const int codes[] = {-DER_NOSPACE, -DER_STALE, -DER_TX_UNCERTAIN,
				    -DER_NO_HDL,  -DER_IO,    -DER_EXIST};

	for (uint32_t i = 0; i < ARRAY_SIZE(codes); i++) {
		rig->script[0] = codes[i];
		assert_int_equal(update(rig), codes[i]);
		assert_int_equal(rig->arrived, 1);
	}
	for (uint32_t i = 0; i < SCRIPT; i++)
		rig->script[i] = -DER_CSUM;
	assert_int_equal(update(rig), -DER_CSUM);
	assert_int_equal(rig->arrived, 3);
	return 0;
}

/* A refusal that does not look at the request leaves open what an earlier attempt did. */
static int
uncertain(struct rig *rig)
{
	static const int codes[] = {-DER_NO_HDL, -DER_HLC_SYNC};

	for (uint32_t i = 0; i < ARRAY_SIZE(codes); i++) {
		rig->script[0] = -DER_AGAIN;
		rig->script[1] = codes[i];
		assert_int_equal(update(rig), -DER_TX_UNCERTAIN);
		assert_int_equal(rig->arrived, 2);
	}
	rig->script[1] = -DER_NOSPACE;
	assert_int_equal(update(rig), -DER_NOSPACE);
	return 0;
}

static int
patience(struct rig *rig)
{
	for (uint32_t i = 0; i < SCRIPT; i++)
		rig->script[i] = -DER_BUSY;
	assert_int_equal(update(rig), -DER_TIMEDOUT);
	assert_non_null(strstr(error_text(-DER_TIMEDOUT), "unknown"));
	assert_in_range(rig->times[rig->arrived - 1] - rig->times[0], 9000 * MS, 10100 * MS);
	assert_int_equal(fiber_deadline(), 0);
	return 0;
}

static int
fetch(struct rig *rig, uint64_t *ret_length)
{
	static char data[32];
	struct iovec iov = {data, sizeof(data)};
	struct objio_akey akey = {
		.key = {"a", 1}, .type = PROTO_VALUE_SINGLE, .payload = &iov, .payload_count = 1};
	struct object_id id = {1, UINT64_C(1) << 48 | UINT64_C(1) << 32};
	int rc;

	rig->arrived = 0;
	rc = objio_fetch(rig->objio, id, (struct objio_key){"d", 1}, &akey, 1, NULL, 0, true);
	*ret_length = akey.length;
	if (rc == 0)
		assert_memory_equal(data, rig->payload, akey.length);
	arena_free(rig->envs[0]->arena, akey.runs);
	return rc;
}

/* Answers that do not hold together are refused, and nothing is read or written beyond the room. */
static int
lies(struct rig *rig)
{
	uint32_t sums[2];
	struct proto_extent run = {0, 1};
	uint64_t length;

	memset(rig->payload, 'x', sizeof(rig->payload));
	sums[0] = crc32c(0, rig->payload, 20);
	rig->fetched = (struct proto_fetched){.record_size = 20,
					      .length = 20,
					      .sum_count = 1,
					      .sums = sums,
					      .run_count = 1,
					      .runs = &run};
	rig->fetched_count = 1;
	rig->payload_length = 20;
	assert_int_equal(fetch(rig, &length), 0);
	assert_int_equal(length, 20);
	rig->fetched_count = 2;
	assert_int_equal(fetch(rig, &length), -DER_PROTO);
	rig->fetched_count = 1;
	rig->payload_length = 19;
	assert_int_equal(fetch(rig, &length), -DER_PROTO);
	rig->payload_length = 20;
	rig->fetched.record_size = 1u << 30;
	assert_int_equal(fetch(rig, &length), -DER_PROTO);
	rig->fetched.record_size = rig->fetched.length = 33;
	rig->payload_length = 33;
	assert_int_equal(fetch(rig, &length), -DER_PROTO);
	rig->fetched.record_size = rig->fetched.length = 20;
	rig->fetched.sum_count = 2;
	assert_int_equal(fetch(rig, &length), -DER_PROTO);
	rig->fetched.sum_count = 1;
	sums[0] ^= 1;
	assert_int_equal(fetch(rig, &length), -DER_CSUM);
	/* Asked for once more. */
	assert_int_equal(rig->arrived, 2);
	rig->fetched = (struct proto_fetched){.record_size = 33};
	rig->payload_length = 0;
	assert_int_equal(fetch(rig, &length), -DER_TRUNC);
	return 0;
}

#define ON_RIG(name)                          \
	static void test_##name(void **state) \
	{                                     \
		(void)state;                  \
		run_on_rig(name);             \
	}

ON_RIG(waits)
ON_RIG(restarts)
ON_RIG(final_codes)
ON_RIG(uncertain)
ON_RIG(patience)
ON_RIG(lies)
ON_RIG(commit_is_planned)
ON_RIG(commit_restarts_above)

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_waits),
		cmocka_unit_test(test_restarts),
		cmocka_unit_test(test_final_codes),
		cmocka_unit_test(test_uncertain),
		cmocka_unit_test(test_patience),
		cmocka_unit_test(test_lies),
		cmocka_unit_test(test_commit_is_planned),
		cmocka_unit_test(test_commit_restarts_above),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
