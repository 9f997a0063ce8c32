/* SPDX-License-Identifier: BSD-2-Clause-Patent */
/* One member by itself, and two that exchange messages by hand. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "swim/internal.h"

#define SECOND 1000000000ull

static struct swim_config
config_of(uint32_t rank, uint64_t start)
{
	struct swim_config config;

	swim_config_init(&config);
	config.group = 1;
	config.rank = rank;
	config.start = start;
	config.seed = start;
	return config;
}

static struct swim *
member_of(struct arena *arena, uint32_t rank, uint64_t start)
{
	struct swim_config config = config_of(rank, start);
	struct swim *swim;

	assert_int_equal(swim_create(arena, &config, &swim), 0);
	return swim;
}

/* Hands what each has to say to the other, until both are silent. */
static void
talk(struct swim *a, struct swim *b, uint64_t now)
{
	struct swim_message message;
	bool more = true;

	while (more) {
		more = false;
		while (swim_next_message(a, &message)) {
			more = true;
			if (message.to == b->config.rank)
				assert_int_equal(swim_receive(b, now, message.data, message.length),
						 0);
		}
		while (swim_next_message(b, &message)) {
			more = true;
			if (message.to == a->config.rank)
				assert_int_equal(swim_receive(a, now, message.data, message.length),
						 0);
		}
	}
}

static void
drop_messages(struct swim *swim)
{
	struct swim_message message;

	while (swim_next_message(swim, &message))
		;
}

static enum swim_event_kind
next_event(struct swim *swim, uint32_t rank)
{
	struct swim_event event;

	assert_true(swim_next_event(swim, &event));
	assert_int_equal(event.rank, rank);
	return event.kind;
}

static void
configurations(void **state)
{
	struct arena *arena = arena_create(0);
	struct swim_config good = config_of(1, 1), bad[9];
	struct swim *swim = NULL;

	(void)state;
	for (uint32_t i = 0; i < ARRAY_SIZE(bad); i++)
		bad[i] = good;
	bad[0].rank = SWIM_NONE;
	bad[1].rank_limit = SWIM_RANK_LIMIT + 1;
	bad[2].start = 0;
	bad[3].incarnation = 0;
	bad[4].period = 0;
	bad[5].suspicion_min = bad[5].suspicion_max + 1;
	bad[6].helpers = SWIM_HELPERS_MAX + 1;
	bad[7].address.length = SWIM_ADDRESS_MAX + 1;
	bad[8].incarnation = SWIM_INCARNATION_MAX;
	for (uint32_t i = 0; i < ARRAY_SIZE(bad); i++) {
		assert_int_equal(swim_create(arena, &bad[i], &swim), -DER_INVAL);
		assert_null(swim);
	}
	assert_int_equal(arena_used(arena), 0);
	arena_destroy(arena);
}

/* Every allocation fails once: an error, nothing leaked. */
static void
no_memory(void **state)
{
	struct arena *arena = arena_create(0);
	struct swim_config config = config_of(1, 1);
	struct swim *swim;
	uint32_t n = 1;

	(void)state;
	for (;; n++) {
		arena_fail_at(arena, n);
		if (swim_create(arena, &config, &swim) == 0)
			break;
		assert_int_equal(arena_used(arena), 0);
	}
	assert_true(n > 4);
	for (n = 1;; n++) {
		arena_fail_at(arena, n);
		if (swim_member_add(swim, 100 * n, NULL) == 0)
			break;
	}
	assert_true(n > 3);
	arena_fail_at(arena, 0);
	swim_destroy(swim);
	assert_int_equal(arena_used(arena), 0);
	arena_destroy(arena);
}

static void
alone(void **state)
{
	struct arena *arena = arena_create(0);
	struct swim *swim = member_of(arena, 5, 1);
	struct swim_message message;
	struct swim_event event;

	(void)state;
	assert_true(swim_deadline(swim) == UINT64_MAX);
	swim_start(swim, 50);
	assert_true(swim_joined(swim));
	for (uint32_t i = 0; i < 100; i++)
		swim_advance(swim, swim_deadline(swim));
	assert_false(swim_next_message(swim, &message));
	assert_false(swim_next_event(swim, &event));
	assert_int_equal(swim_live_count(swim), 1);
	assert_int_equal(swim_counters(swim)->pauses, 0);
	swim_leave(swim, swim_deadline(swim));
	for (uint32_t i = 0; i < 10 && !swim_left(swim); i++)
		swim_advance(swim, swim_deadline(swim));
	assert_true(swim_left(swim));
	swim_destroy(swim);
	assert_int_equal(arena_used(arena), 0);
	arena_destroy(arena);
}

/* A rank that does not answer: suspected, dead, forgotten; its ghost does not come back. */
static void
death_and_oblivion(void **state)
{
	struct arena *arena = arena_create(0);
	struct swim *swim = member_of(arena, 0, 1);
	struct swim_member member;
	uint64_t dead_at;

	(void)state;
	assert_int_equal(swim_member_add(swim, 0, NULL), -DER_INVAL);
	assert_int_equal(swim_member_add(swim, 9, NULL), 0);
	swim_start(swim, SECOND);
	while (swim_live_count(swim) == 2) {
		swim_advance(swim, swim_deadline(swim));
		drop_messages(swim);
		assert_true(swim_deadline(swim) < 60 * SECOND);
	}
	dead_at = swim_deadline(swim);
	assert_true(dead_at > 20 * SECOND && dead_at < 30 * SECOND);
	assert_int_equal(next_event(swim, 9), SWIM_EVENT_DEAD);
	assert_int_equal(swim_member_forget(swim, 9), 0);
	assert_int_equal(swim_member_forget(swim, 9), -DER_NONEXIST);
	assert_false(swim_member_get(swim, 9, &member));
	assert_int_equal(swim_member_forget(swim, 0), -DER_BUSY);
	swim_destroy(swim);
	assert_int_equal(arena_used(arena), 0);
	arena_destroy(arena);
}

/* A process with no memory takes over a rank: it goes above the incarnation on record. */
static void
incarnation_is_learnt(void **state)
{
	struct arena *arena = arena_create(0);
	struct swim *a = member_of(arena, 0, 1), *b = member_of(arena, 1, 2), *again;
	struct update record = {.rank = 1,
				.accuser = SWIM_NONE,
				.incarnation = 41,
				.start = 2,
				.state = SWIM_ALIVE};

	(void)state;
	swim_start(a, SECOND);
	assert_int_equal(swim_member_add(b, 0, NULL), 0);
	swim_start(b, SECOND);
	talk(a, b, SECOND + 1000);
	swim_advance(b, 3 * SECOND);
	talk(a, b, 3 * SECOND);
	assert_int_equal(next_event(a, 1), SWIM_EVENT_JOINED);
	assert_false(member_apply(a, &record, FROM_GOSSIP));
	swim_destroy(b);

	again = member_of(arena, 1, 77);
	assert_int_equal(swim_member_add(again, 0, NULL), 0);
	swim_start(again, 5);
	assert_false(swim_joined(again));
	talk(again, a, 3 * SECOND + 1000);
	assert_true(swim_joined(again));
	assert_int_equal(swim_incarnation(again), 42);
	swim_advance(again, 5 * SECOND);
	talk(again, a, 5 * SECOND);
	assert_int_equal(next_event(a, 1), SWIM_EVENT_RESTARTED);
	swim_destroy(a);
	swim_destroy(again);
	arena_destroy(arena);
}

static void
strangers_are_refused(void **state)
{
	struct arena *arena = arena_create(0);
	struct swim *swim = member_of(arena, 0, 1);
	struct message message = {.kind = MESSAGE_PING,
				  .claim = SWIM_ALIVE,
				  .group = 2,
				  .from = 1,
				  .incarnation = 1,
				  .start = 9};
	struct swim_event event;
	uint8_t data[SWIM_MESSAGE_MAX];

	(void)state;
	swim_start(swim, 0);
	assert_int_equal(swim_receive(swim, 1, data, message_encode(&message, data)),
			 -DER_MISMATCH);
	message.group = 1;
	message.to = 2;
	assert_int_equal(swim_receive(swim, 1, data, message_encode(&message, data)),
			 -DER_MISMATCH);
	assert_int_equal(swim_receive(swim, 1, data, 3), -DER_PROTO);
	assert_int_equal(swim_live_count(swim), 1);
	assert_int_equal(swim_counters(swim)->refused, 3);
	assert_false(swim_next_event(swim, &event));
	message.to = 0;
	assert_int_equal(swim_receive(swim, 1, data, message_encode(&message, data)), 0);
	assert_int_equal(next_event(swim, 1), SWIM_EVENT_JOINED);
	swim_destroy(swim);
	arena_destroy(arena);
}

/* At most SENDS_MAX messages wait, RELAYS_MAX probes are open for others. */
static void
limits(void **state)
{
	struct arena *arena = arena_create(0);
	struct swim *swim = member_of(arena, 0, 1);
	struct message message = {.kind = MESSAGE_PING_REQUEST,
				  .claim = SWIM_ALIVE,
				  .group = 1,
				  .from = 1,
				  .incarnation = 1,
				  .start = 9,
				  .subject = 2};
	uint8_t data[SWIM_MESSAGE_MAX];

	(void)state;
	assert_int_equal(swim_member_add(swim, 2, NULL), 0);
	swim_start(swim, 0);
	drop_messages(swim);
	for (uint32_t i = 0; i < RELAYS_MAX + 1; i++)
		assert_int_equal(swim_receive(swim, 1, data, message_encode(&message, data)), 0);
	assert_int_equal(swim_relays(swim), RELAYS_MAX);
	assert_int_equal(swim_counters(swim)->dropped, 1);
	drop_messages(swim);
	message.kind = MESSAGE_PING;
	for (uint32_t i = 0; i < SENDS_MAX + 3; i++)
		assert_int_equal(swim_receive(swim, 1, data, message_encode(&message, data)), 0);
	assert_int_equal(swim_counters(swim)->dropped, 4);
	drop_messages(swim);
	assert_int_equal(swim_counters(swim)->sent, 1 + RELAYS_MAX + SENDS_MAX);
	/* A record at the highest incarnation cannot be exceeded, and nothing overflows. */
	message.update_count = 1;
	message.updates[0] = (struct update){.rank = 0,
					     .accuser = 1,
					     .state = SWIM_SUSPECT,
					     .incarnation = SWIM_INCARNATION_MAX,
					     .start = 1};
	assert_int_equal(swim_receive(swim, 1, data, message_encode(&message, data)), 0);
	assert_int_equal(swim_incarnation(swim), 1);
	swim_destroy(swim);
	assert_int_equal(arena_used(arena), 0);
	arena_destroy(arena);
}

/* Time that stands still, goes back or leaps does no harm. */
static void
odd_clocks(void **state)
{
	struct arena *arena = arena_create(0);
	struct swim *swim = member_of(arena, 0, 1);

	(void)state;
	assert_int_equal(swim_member_add(swim, 1, NULL), 0);
	swim_start(swim, 1000 * SECOND);
	swim_advance(swim, 1000 * SECOND);
	swim_advance(swim, 5);
	swim_advance(swim, 4);
	assert_true(swim_deadline(swim) < 2 * SECOND);
	swim_advance(swim, UINT64_MAX / 2);
	assert_int_equal(swim_live_count(swim), 2);
	assert_int_equal(swim_counters(swim)->pauses, 1);
	drop_messages(swim);
	swim_destroy(swim);
	arena_destroy(arena);
}

static void
permutations(void **state)
{
	static uint8_t seen[2000];

	(void)state;
	for (uint32_t count = 1; count < 2000; count = count * 2 + count / 3 + 1)
		for (uint64_t key = 0; key < 3; key++) {
			memset(seen, 0, sizeof(seen));
			for (uint32_t i = 0; i < count; i++) {
				uint32_t value = permute(count, mix64(key), i);

				assert_true(value < count);
				assert_int_equal(seen[value]++, 0);
			}
		}
}

/* The ring against a plain table. */
static void
rings(void **state)
{
	struct arena *arena = arena_create(0);
	struct ring ring = {NULL, 0, 0};
	bool there[64] = {false};
	uint64_t random = 1;

	(void)state;
	assert_int_equal(ring_reserve(arena, &ring, 64), 0);
	for (uint32_t i = 0; i < 5000; i++) {
		uint32_t rank = (uint32_t)(mix64(random++) % 64), count = 0;

		assert_int_equal(ring_has(&ring, rank), there[rank]);
		if (there[rank])
			ring_remove(&ring, rank);
		else
			ring_add(&ring, rank);
		there[rank] = !there[rank];
		for (uint32_t j = 0; j < 64; j++)
			if (there[j])
				assert_int_equal(ring.ranks[count++], j);
		assert_int_equal(count, ring.count);
	}
	arena_destroy(arena);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(configurations),
		cmocka_unit_test(no_memory),
		cmocka_unit_test(alone),
		cmocka_unit_test(death_and_oblivion),
		cmocka_unit_test(incarnation_is_learnt),
		cmocka_unit_test(strangers_are_refused),
		cmocka_unit_test(limits),
		cmocka_unit_test(odd_clocks),
		cmocka_unit_test(permutations),
		cmocka_unit_test(rings),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
