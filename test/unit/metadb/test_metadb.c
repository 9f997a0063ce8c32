/* SPDX-License-Identifier: BSD-2-Clause-Patent */
/*
 * A metadata store in memory: values, versions, conditions, order, requests executed once, and that
 * all that was answered is there after a crash at any write.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <cmocka.h>

#include "env/memory/memory.h"
#include "metadb/metadb.h"

struct bed {
	struct memory_world *world;
	struct env *env;
	struct loop *loop;
	struct media *media;
	struct metadb *metadb;
};

static const struct media_options media_options = {.log_size = 4 << 20};
static const struct metadb_options metadb_options = {.size = 16 << 20, .thin = true};

static int
bed_make(void *argument)
{
	struct bed *bed = argument;

	assert_int_equal(media_format(bed->loop, "loop-0", &media_options), 0);
	assert_int_equal(media_open(bed->loop, "loop-0", &media_options, &bed->media), 0);
	assert_int_equal(media_start(bed->media), 0);
	assert_int_equal(metadb_create(bed->media, "store", &metadb_options), 0);
	return metadb_open(bed->media, "store", &bed->metadb);
}

static int
bed_open(void *argument)
{
	struct bed *bed = argument;

	assert_int_equal(media_open(bed->loop, "loop-0", &media_options, &bed->media), 0);
	assert_int_equal(metadb_open(bed->media, "store", &bed->metadb), 0);
	return media_start(bed->media);
}

static int
bed_close(void *argument)
{
	struct bed *bed = argument;

	metadb_close(bed->metadb);
	return media_close(bed->media);
}

static void
bed_boot(struct bed *bed)
{
	const struct memory_env_options options = {.node = "node", .level = LOG_ERROR};

	assert_int_equal(memory_env_create(bed->world, &options, &bed->env), 0);
	assert_int_equal(loop_create(bed->env, NULL, &bed->loop), 0);
}

static void
bed_begin(struct bed *bed, uint64_t seed)
{
	assert_int_equal(memory_world_create(seed, &bed->world), 0);
	bed_boot(bed);
	assert_int_equal(memory_run(bed->world, bed->loop, bed_make, bed), 0);
}

static void
bed_down(struct bed *bed)
{
	assert_int_equal(memory_run(bed->world, bed->loop, bed_close, bed), 0);
	loop_destroy(bed->loop);
	memory_env_destroy(bed->env);
}

static void
bed_crash(struct bed *bed)
{
	const struct memory_crash nothing = {MEMORY_CRASH_PREFIX, 0};

	loop_abandon(bed->loop);
	memory_env_crash(bed->env);
	memory_node_power_cut(bed->world, "node", &nothing);
}

static void
bed_again(struct bed *bed)
{
	bed_boot(bed);
	assert_int_equal(memory_run(bed->world, bed->loop, bed_open, bed), 0);
}

static void
bed_end(struct bed *bed)
{
	bed_down(bed);
	memory_world_destroy(bed->world);
}

/* Runs one test's body on a fiber of a fresh store. */
static void
run(int (*body)(void *argument))
{
	struct bed bed;

	bed_begin(&bed, 1);
	assert_int_equal(memory_run(bed.world, bed.loop, body, &bed), 0);
	bed_end(&bed);
}

/* ------------------------------------------------ shorthand */

static int
put(struct bed *bed, const char *key, const char *value)
{
	const struct metadb_write write = {.key = metadb_text(key), .value = metadb_text(value)};
	const struct metadb_proposal proposal = {.writes = &write, .write_count = 1};

	return metadb_propose(bed->metadb, &proposal, NULL);
}

static int
put_request(struct bed *bed, const struct request_id *request, const char *key, const char *value,
	    const char *result, struct metadb_bytes *ret_result)
{
	const struct metadb_write write = {.key = metadb_text(key), .value = metadb_text(value)};
	const struct metadb_proposal proposal = {.request = request,
						 .writes = &write,
						 .write_count = 1,
						 .result = metadb_text(result)};

	return metadb_propose(bed->metadb, &proposal, ret_result);
}

static int
drop(struct bed *bed, const char *key)
{
	const struct metadb_write write = {.key = metadb_text(key), .remove = true};
	const struct metadb_proposal proposal = {.writes = &write, .write_count = 1};

	return metadb_propose(bed->metadb, &proposal, NULL);
}

static void
assert_value(struct bed *bed, const char *key, const char *expected)
{
	struct metadb_bytes value;
	int rc = metadb_get(bed->metadb, metadb_text(key), &value, NULL);

	if (expected == NULL) {
		assert_int_equal(rc, -DER_NONEXIST);
		return;
	}
	assert_int_equal(rc, 0);
	assert_int_equal(value.length, strlen(expected));
	if (value.length > 0)
		assert_memory_equal(value.data, expected, value.length);
	metadb_bytes_free(bed->metadb, &value);
}

/* ------------------------------------------------ values */

static int
values(void *argument)
{
	struct bed *bed = argument;

	assert_value(bed, "a", NULL);
	assert_int_equal(put(bed, "a", "one"), 0);
	assert_int_equal(put(bed, "ab", ""), 0);
	assert_value(bed, "a", "one");
	assert_value(bed, "ab", "");
	assert_int_equal(put(bed, "a", "two"), 0);
	assert_value(bed, "a", "two");
	assert_int_equal(put(bed, "a", "longer"), 0);
	assert_value(bed, "a", "longer");
	assert_int_equal(put(bed, "a", ""), 0);
	assert_value(bed, "a", "");
	assert_int_equal(drop(bed, "a"), 0);
	assert_int_equal(drop(bed, "a"), 0);
	assert_value(bed, "a", NULL);
	assert_value(bed, "ab", "");
	return 0;
}

static void
test_values(void **state)
{
	(void)state;
	run(values);
}

static int
limits(void *argument)
{
	static uint8_t big[METADB_VALUE_MAX + 1];
	struct bed *bed = argument;
	struct metadb_write write = {.key = {big, METADB_KEY_MAX},
				     .value = {big, METADB_VALUE_MAX}};
	struct metadb_write many[METADB_WRITES_MAX + 1];
	struct metadb_proposal proposal = {.writes = &write, .write_count = 1};
	struct metadb_bytes value;

	assert_int_equal(metadb_propose(bed->metadb, &proposal, NULL), 0);
	assert_int_equal(metadb_get(bed->metadb, write.key, &value, NULL), 0);
	assert_int_equal(value.length, METADB_VALUE_MAX);
	metadb_bytes_free(bed->metadb, &value);
	write.value.length++;
	assert_int_equal(metadb_propose(bed->metadb, &proposal, NULL), -DER_REC2BIG);
	write.value.length = 1;
	write.key.length++;
	assert_int_equal(metadb_propose(bed->metadb, &proposal, NULL), -DER_INVAL);
	write.key.length = 0;
	assert_int_equal(metadb_propose(bed->metadb, &proposal, NULL), -DER_INVAL);
	big[0] = METADB_RESERVED;
	write.key.length = 1;
	assert_int_equal(metadb_propose(bed->metadb, &proposal, NULL), -DER_INVAL);
	big[0] = 0;
	for (uint32_t i = 0; i <= METADB_WRITES_MAX; i++)
		many[i] = (struct metadb_write){.key = {big, i + 1}, .value = {big, 1}};
	proposal.writes = many;
	proposal.write_count = METADB_WRITES_MAX + 1;
	assert_int_equal(metadb_propose(bed->metadb, &proposal, NULL), -DER_REC2BIG);
	return 0;
}

static void
test_limits(void **state)
{
	(void)state;
	run(limits);
}

/* ------------------------------------------------ conditions */

static int
conditions(void *argument)
{
	struct bed *bed = argument;
	const struct metadb_write writes[] = {
		{.key = metadb_text("x"), .value = metadb_text("new")},
		{.key = metadb_text("y"), .value = metadb_text("new")},
	};
	struct metadb_condition condition = {metadb_text("x"), 0};
	const struct metadb_proposal proposal = {
		.conditions = &condition, .condition_count = 1, .writes = writes, .write_count = 2};
	struct metadb_bytes value;
	uint64_t before, version;

	assert_int_equal(metadb_propose(bed->metadb, &proposal, NULL), 0);
	assert_int_equal(metadb_get(bed->metadb, metadb_text("y"), &value, &before), 0);
	metadb_bytes_free(bed->metadb, &value);
	/* It exists now: nothing of the proposal happens. */
	assert_int_equal(drop(bed, "y"), 0);
	assert_int_equal(metadb_propose(bed->metadb, &proposal, NULL), -DER_AGAIN);
	assert_value(bed, "y", NULL);
	assert_int_equal(metadb_get(bed->metadb, metadb_text("x"), &value, &version), 0);
	metadb_bytes_free(bed->metadb, &value);
	assert_int_equal(version, before);
	condition.version = version;
	assert_int_equal(metadb_propose(bed->metadb, &proposal, NULL), 0);
	assert_int_equal(metadb_get(bed->metadb, metadb_text("x"), &value, &version), 0);
	metadb_bytes_free(bed->metadb, &value);
	assert_true(version > before);
	assert_int_equal(metadb_propose(bed->metadb, &proposal, NULL), -DER_AGAIN);
	return 0;
}

static void
test_conditions(void **state)
{
	(void)state;
	run(conditions);
}

/* ------------------------------------------------ lists */

struct seen {
	uint32_t count, stop_at;
	char last[64];
};

static int
see(void *argument, struct metadb_bytes key, struct metadb_bytes value, uint64_t version)
{
	struct seen *seen = argument;
	char text[64];

	assert_true(key.length < sizeof(text));
	memcpy(text, key.data, key.length);
	text[key.length] = 0;
	assert_true(seen->count == 0 || strcmp(seen->last, text) < 0);
	assert_true(version > 0);
	assert_int_equal(value.length, 5);
	strcpy(seen->last, text);
	seen->count++;
	return seen->count == seen->stop_at ? 42 : 0;
}

static int
lists(void *argument)
{
	static const struct metadb_bytes nothing;
	struct bed *bed = argument;
	struct request_id request = {.client = uuid_make(1, 2), .sequence = 1, .confirmed = 1};
	struct seen seen = {.count = 0};
	char key[32];

	/* More than a batch, of which many share their first 8 bytes. */
	for (uint32_t i = 0; i < 300; i++) {
		snprintf(key, sizeof(key), "common/prefix/%03u", i * 7 % 300);
		assert_int_equal(put(bed, key, "value"), 0);
	}
	assert_int_equal(put(bed, "common", "value"), 0);
	assert_int_equal(put(bed, "d", "value"), 0);
	assert_int_equal(put_request(bed, &request, "e", "value", "", NULL), 0);
	assert_int_equal(metadb_list(bed->metadb, nothing, nothing, see, &seen), 0);
	assert_int_equal(seen.count, 303);
	seen = (struct seen){.count = 0};
	assert_int_equal(metadb_list(bed->metadb, metadb_text("common/"), nothing, see, &seen), 0);
	assert_int_equal(seen.count, 300);
	seen = (struct seen){.stop_at = 100};
	assert_int_equal(metadb_list(bed->metadb, metadb_text("common/"), nothing, see, &seen), 42);
	assert_string_equal(seen.last, "common/prefix/099");
	strcpy(key, seen.last);
	seen = (struct seen){.count = 0};
	assert_int_equal(
		metadb_list(bed->metadb, metadb_text("common/"), metadb_text(key), see, &seen), 0);
	assert_int_equal(seen.count, 200);
	seen = (struct seen){.count = 0};
	assert_int_equal(metadb_list(bed->metadb, metadb_text("common"), nothing, see, &seen), 0);
	assert_int_equal(seen.count, 301);
	seen = (struct seen){.count = 0};
	assert_int_equal(metadb_list(bed->metadb, metadb_text("zzz"), nothing, see, &seen), 0);
	assert_int_equal(seen.count, 0);
	return 0;
}

static void
test_lists(void **state)
{
	(void)state;
	run(lists);
}

/* ------------------------------------------------ requests */

static int
requests(void *argument)
{
	struct bed *bed = argument;
	struct request_id request = {
		.client = uuid_make(1, 2), .sequence = 1, .confirmed = 1, .first_sent = 1000};
	struct metadb_bytes result;

	assert_int_equal(metadb_answered(bed->metadb, &request, &result), -DER_NONEXIST);
	assert_int_equal(put_request(bed, &request, "k", "first", "answer", &result), 0);
	assert_int_equal(put_request(bed, &request, "k", "second", "other", &result), -DER_ALREADY);
	assert_int_equal(result.length, 6);
	assert_memory_equal(result.data, "answer", 6);
	metadb_bytes_free(bed->metadb, &result);
	assert_value(bed, "k", "first");
	assert_int_equal(metadb_answered(bed->metadb, &request, &result), 0);
	metadb_bytes_free(bed->metadb, &result);
	/* The next one confirms it. */
	request.sequence = 2;
	request.confirmed = 2;
	assert_int_equal(put_request(bed, &request, "k", "third", "", NULL), 0);
	request.sequence = 1;
	request.confirmed = 1;
	assert_int_equal(put_request(bed, &request, "k", "late", "", NULL), -DER_TX_UNCERTAIN);
	assert_int_equal(metadb_answered(bed->metadb, &request, &result), -DER_TX_UNCERTAIN);
	assert_value(bed, "k", "third");
	/* A sequence that came out of order and was not confirmed is a new one. */
	request = (struct request_id){
		.client = uuid_make(1, 2), .sequence = 9, .confirmed = 2, .first_sent = 1000};
	assert_int_equal(put_request(bed, &request, "k", "ninth", "", NULL), 0);
	request.sequence = 5;
	assert_int_equal(put_request(bed, &request, "k", "fifth", "", NULL), 0);
	assert_value(bed, "k", "fifth");
	return 0;
}

static void
test_requests(void **state)
{
	(void)state;
	run(requests);
}

/* Answers do not pile up: a client that confirms leaves a mark and few answers. */
static int
many_requests(void *argument)
{
	struct bed *bed = argument;
	struct request_id request = {.client = uuid_make(3, 4), .first_sent = 1000};
	struct heap_space before, after;

	for (uint64_t i = 1; i <= 400; i++) {
		request.sequence = i;
		request.confirmed = i;
		assert_int_equal(put_request(bed, &request, "k", "value", "0123456789", NULL), 0);
		if (i == 200)
			metadb_figures(bed->metadb, &before);
	}
	metadb_figures(bed->metadb, &after);
	assert_true(after.heap_free + 8192 >= before.heap_free);
	return 0;
}

static void
test_many_requests(void **state)
{
	(void)state;
	run(many_requests);
}

static int
forgotten(void *argument)
{
	struct bed *bed = argument;
	struct request_id one = {
		.client = uuid_make(1, 2), .sequence = 1, .confirmed = 1, .first_sent = 1000};
	struct request_id two = {
		.client = uuid_make(3, 4), .sequence = 1, .confirmed = 1, .first_sent = 5000};
	struct metadb_bytes result;

	for (; one.sequence <= 40; one.sequence++)
		assert_int_equal(put_request(bed, &one, "k", "v", "r", NULL), 0);
	one.sequence = 1;
	assert_int_equal(put_request(bed, &two, "k", "v", "r", NULL), 0);
	assert_int_equal(metadb_set_horizon(bed->metadb, 2000), 0);
	/* The first client sent nothing since: too old to be known. */
	assert_int_equal(metadb_answered(bed->metadb, &one, &result), -DER_TX_UNCERTAIN);
	assert_int_equal(put_request(bed, &one, "k", "v", "r", NULL), -DER_TX_UNCERTAIN);
	assert_int_equal(metadb_answered(bed->metadb, &two, &result), 0);
	metadb_bytes_free(bed->metadb, &result);
	assert_int_equal(metadb_forget_client(bed->metadb, two.client), 0);
	assert_int_equal(metadb_answered(bed->metadb, &two, &result), -DER_NONEXIST);
	assert_int_equal(metadb_forget_client(bed->metadb, uuid_make(8, 8)), 0);
	return 0;
}

static void
test_forgotten(void **state)
{
	(void)state;
	run(forgotten);
}

/* ------------------------------------------------ against a reference */

#define NAMES 200u

struct reference {
	struct bed *bed;
	uint32_t turns;
	uint32_t values[NAMES]; /* 0: absent */
	uint32_t counter;
};

static void
name_of(uint32_t number, char name[40])
{
	/* Half of them equal in the first 8 bytes. */
	snprintf(name, 40, number % 2 ? "same-begin/%u" : "%u/other", number);
}

static uint32_t
random_below(struct reference *reference, uint32_t limit)
{
	return (uint32_t)(memory_world_random(reference->bed->world) % limit);
}

/* Several keys at once: written or removed. */
static void
change_some(struct reference *reference)
{
	struct metadb_write writes[METADB_WRITES_MAX];
	char names[METADB_WRITES_MAX][40], texts[METADB_WRITES_MAX][16];
	uint32_t count = 1 + random_below(reference, 6), first = random_below(reference, NAMES);
	const struct metadb_proposal proposal = {.writes = writes, .write_count = count};
	bool remove = random_below(reference, 3) == 0;

	for (uint32_t i = 0; i < count; i++) {
		uint32_t number = (first + i * 3) % NAMES;

		name_of(number, names[i]);
		snprintf(texts[i], sizeof(texts[i]), "%u", ++reference->counter);
		writes[i] = (struct metadb_write){.key = metadb_text(names[i]),
						  .value = metadb_text(texts[i]),
						  .remove = remove};
		reference->values[number] = remove ? 0 : reference->counter;
	}
	assert_int_equal(metadb_propose(reference->bed->metadb, &proposal, NULL), 0);
}

static void
compare(struct reference *reference, uint32_t number)
{
	char name[40], text[16];

	name_of(number, name);
	snprintf(text, sizeof(text), "%u", reference->values[number]);
	assert_value(reference->bed, name, reference->values[number] ? text : NULL);
}

static int
change_and_compare(void *argument)
{
	struct reference *reference = argument;

	for (uint32_t i = 0; i < reference->turns; i++) {
		change_some(reference);
		compare(reference, random_below(reference, NAMES));
	}
	return 0;
}

static int
compare_all(void *argument)
{
	for (uint32_t i = 0; i < NAMES; i++)
		compare(argument, i);
	return 0;
}

static void
test_reference_over_restarts(void **state)
{
	struct bed bed;
	struct reference reference = {.bed = &bed, .turns = 150};

	(void)state;
	bed_begin(&bed, 7);
	for (uint32_t i = 0; i < 6; i++) {
		assert_int_equal(memory_run(bed.world, bed.loop, change_and_compare, &reference),
				 0);
		assert_int_equal(memory_run(bed.world, bed.loop, compare_all, &reference), 0);
		if (i % 2)
			bed_crash(&bed);
		else
			bed_down(&bed);
		bed_again(&bed);
		assert_int_equal(memory_run(bed.world, bed.loop, compare_all, &reference), 0);
	}
	bed_end(&bed);
}

/* ------------------------------------------------ crash states */

#define STEPS 12u

struct trail {
	struct bed *bed;
	struct memory_trace *trace;
	uint64_t acknowledged[STEPS + 1]; /* position of the trace */
	uint32_t done;			  /* of the crash state under test: steps acknowledged */
};

/* Step n writes n under two keys at once, and a request. */
static int
walk(void *argument)
{
	struct trail *trail = argument;

	for (uint32_t i = 1; i <= STEPS; i++) {
		const struct request_id request = {
			.client = uuid_make(5, 6), .sequence = i, .confirmed = i, .first_sent = 1};
		char text[16];
		struct metadb_write writes[] = {{.key = metadb_text("left")},
						{.key = metadb_text("right")}};
		struct metadb_proposal proposal = {
			.request = &request, .writes = writes, .write_count = 2};

		snprintf(text, sizeof(text), "%u", i);
		writes[0].value = writes[1].value = proposal.result = metadb_text(text);
		assert_int_equal(metadb_propose(trail->bed->metadb, &proposal, NULL), 0);
		trail->acknowledged[i] = memory_trace_position(trail->trace);
	}
	return 0;
}

static uint32_t
number_at(struct bed *bed, const char *key)
{
	struct metadb_bytes value;
	char text[16] = {0};
	uint32_t number = 0;

	if (metadb_get(bed->metadb, metadb_text(key), &value, NULL) != 0)
		return 0;
	memcpy(text, value.data, min_of(value.length, 15u));
	sscanf(text, "%u", &number);
	metadb_bytes_free(bed->metadb, &value);
	return number;
}

static int
check_trail(void *argument)
{
	struct trail *trail = argument;
	uint32_t left = number_at(trail->bed, "left"), right = number_at(trail->bed, "right");
	struct request_id request = {
		.client = uuid_make(5, 6), .sequence = left, .confirmed = left, .first_sent = 1};
	struct metadb_bytes result;

	/* All or nothing, nothing acknowledged is lost, and the answer is there with the change. */
	assert_int_equal(left, right);
	assert_true(left >= trail->done);
	if (left > 0) {
		assert_int_equal(metadb_answered(trail->bed->metadb, &request, &result), 0);
		metadb_bytes_free(trail->bed->metadb, &result);
	}
	request.sequence = request.confirmed = left + 1;
	assert_int_equal(metadb_answered(trail->bed->metadb, &request, &result), -DER_NONEXIST);
	return 0;
}

static uint32_t
steps_before(const struct trail *trail, uint64_t point)
{
	uint32_t done = 0;

	while (done < STEPS && trail->acknowledged[done + 1] <= point)
		done++;
	return done;
}

static void
check_state(struct trail *trail, uint64_t point, const struct memory_crash *crash)
{
	struct bed bed;
	struct trail other = {.bed = &bed, .done = steps_before(trail, point)};

	assert_int_equal(memory_world_create(point, &bed.world), 0);
	memory_trace_restore(trail->trace, point, crash, bed.world, "node");
	bed_again(&bed);
	assert_int_equal(memory_run(bed.world, bed.loop, check_trail, &other), 0);
	bed_end(&bed);
}

static void
test_every_crash_state(void **state)
{
	struct bed bed;
	struct trail trail = {.bed = &bed};

	(void)state;
	bed_begin(&bed, 11);
	bed_down(&bed);
	bed_again(&bed);
	/* Nothing may be pending where the trace begins. */
	memory_world_advance(bed.world, 1000000000);
	assert_int_equal(memory_trace_start(bed.world, "node", &trail.trace), 0);
	assert_int_equal(memory_run(bed.world, bed.loop, walk, &trail), 0);
	memory_trace_stop(trail.trace);
	for (uint64_t point = 0; point <= memory_trace_position(trail.trace); point++) {
		uint32_t pending;

		if (!memory_trace_deepest(trail.trace, point))
			continue;
		pending = memory_trace_pending(trail.trace, point);
		for (uint64_t i = 0; i < memory_crash_count(pending, 1); i++) {
			const struct memory_crash crash = memory_crash_state(pending, 1, i);

			check_state(&trail, point, &crash);
		}
	}
	memory_trace_free(trail.trace);
	bed_end(&bed);
}

/* ------------------------------------------------ failures */

/* A disk that refuses the log: nothing is answered any more, reads included. */
static int
failing(void *argument)
{
	struct bed *bed = argument;
	struct metadb_bytes value;

	assert_int_equal(put(bed, "a", "one"), 0);
	memory_disk_fail(bed->world, "node", "loop-0.log", DISK_WRITE, 1, -DER_IO);
	assert_int_equal(put(bed, "a", "two"), -DER_IO);
	assert_int_equal(metadb_get(bed->metadb, metadb_text("a"), &value, NULL), -DER_IO);
	assert_int_equal(put(bed, "b", "one"), -DER_IO);
	return 0;
}

static int
value_is_old_or_new(void *argument)
{
	struct bed *bed = argument;
	struct metadb_bytes value;

	assert_int_equal(metadb_get(bed->metadb, metadb_text("a"), &value, NULL), 0);
	assert_int_equal(value.length, 3);
	assert_true(memcmp(value.data, "one", 3) == 0 || memcmp(value.data, "two", 3) == 0);
	metadb_bytes_free(bed->metadb, &value);
	assert_value(bed, "b", NULL);
	return 0;
}

static void
test_failing_disk(void **state)
{
	struct bed bed;

	(void)state;
	bed_begin(&bed, 13);
	assert_int_equal(memory_run(bed.world, bed.loop, failing, &bed), 0);
	bed_crash(&bed);
	bed_again(&bed);
	assert_int_equal(memory_run(bed.world, bed.loop, value_is_old_or_new, &bed), 0);
	bed_end(&bed);
}

/* Fills the store: refused before anything changes, and removing still works. What was executed
 * before has its answer, though there is no room for it now. */
static int
filling(void *argument)
{
	static uint8_t big[METADB_VALUE_MAX];
	const struct request_id request = {
		.client = uuid_make(1, 2), .sequence = 1, .confirmed = 1, .first_sent = 1000};
	const struct metadb_write large = {.key = {"large", 5}, .value = {big, sizeof(big)}};
	const struct metadb_proposal again = {.request = &request,
					      .writes = &large,
					      .write_count = 1,
					      .result = metadb_text("answer")};
	struct bed *bed = argument;
	struct metadb_bytes answer;
	uint32_t stored = 0;
	int rc = metadb_propose(bed->metadb, &again, &answer);

	assert_int_equal(rc, 0);

	for (; rc == 0 && stored < 1000; stored++) {
		char key[32];
		const struct metadb_write write = {.key = {key, 8}, .value = {big, sizeof(big)}};
		const struct metadb_proposal proposal = {.writes = &write, .write_count = 1};

		snprintf(key, sizeof(key), "%08u", stored);
		rc = metadb_propose(bed->metadb, &proposal, NULL);
	}
	assert_int_equal(rc, -DER_NOSPACE);
	assert_int_equal(metadb_propose(bed->metadb, &again, &answer), -DER_ALREADY);
	assert_int_equal(answer.length, 6);
	assert_memory_equal(answer.data, "answer", 6);
	metadb_bytes_free(bed->metadb, &answer);
	for (uint32_t i = 0; i < stored; i++) {
		char key[32];
		const struct metadb_write write = {.key = {key, 8}, .remove = true};
		const struct metadb_proposal proposal = {
			.writes = &write, .write_count = 1, .privileged = true};

		snprintf(key, sizeof(key), "%08u", i);
		assert_int_equal(metadb_propose(bed->metadb, &proposal, NULL), 0);
	}
	return put(bed, "again", "value");
}

static void
test_full(void **state)
{
	(void)state;
	run(filling);
}

static int
check_value(size_t length, uint16_t newest)
{
	static const uint8_t bytes[6] = {2, 0, 7, 7, 7, 7};
	struct reader reader;
	uint16_t version;

	reader_init(&reader, bytes, length);
	version = reader_u16(&reader);
	reader_u16(&reader);
	return metadb_value_check(&reader, version, newest, "a test");
}

/* Version 2, and two bytes: neither more nor less, of no later version and not of version 0. */
static void
test_value_check(void **state)
{
	struct reader reader;

	(void)state;
	assert_int_equal(check_value(4, 2), 0);
	assert_int_equal(check_value(4, 3), 0);
	assert_int_equal(check_value(4, 1), -DER_DF_INCOMPT);
	assert_int_equal(check_value(6, 1), -DER_DF_INCOMPT);
	assert_int_equal(check_value(6, 2), -DER_IO);
	assert_int_equal(check_value(3, 2), -DER_IO);
	reader_init(&reader, NULL, 0);
	assert_int_equal(metadb_value_check(&reader, reader_u16(&reader), 2, "a test"),
			 -DER_DF_INCOMPT);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_values),
		cmocka_unit_test(test_limits),
		cmocka_unit_test(test_conditions),
		cmocka_unit_test(test_lists),
		cmocka_unit_test(test_requests),
		cmocka_unit_test(test_many_requests),
		cmocka_unit_test(test_forgotten),
		cmocka_unit_test(test_reference_over_restarts),
		cmocka_unit_test(test_every_crash_state),
		cmocka_unit_test(test_failing_disk),
		cmocka_unit_test(test_full),
		cmocka_unit_test(test_value_check),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
