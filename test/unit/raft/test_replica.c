/* SPDX-License-Identifier: BSD-2-Clause-Patent */
/* One replica and hand-made messages: votes after a restart, damage, cut-off memberships, identity,
 * entries of former terms. */
#include "trio.h"

struct solo {
	struct arena *arena;
	struct raft *raft;
	struct raft_ready ready;
	uint64_t now;
};

static void
solo_start(struct solo *solo, uint64_t last, uint64_t term, struct raft_loss loss)
{
	struct raft_base base = trio_base();
	struct raft_hard hard = {.term = term};

	*solo = (struct solo){.arena = arena_create(0), .now = 1000000};
	solo->raft = replica_make(solo->arena, 0, &base);
	for (uint64_t index = 2; index <= last; index++) {
		struct raft_entry entry = {.index = index, .term = term, .kind = RAFT_NOTHING};

		entry.checksum = raft_entry_sum(&entry);
		assert_int_equal(raft_load(solo->raft, &entry), 0);
	}
	assert_int_equal(raft_start(solo->raft, solo->now, &hard, 1, loss), 0);
}

static void
solo_end(struct solo *solo)
{
	raft_destroy(solo->raft);
	assert_int_equal(arena_used(solo->arena), 0);
	arena_destroy(solo->arena);
}

static struct raft_message
message_make(enum raft_message_kind kind, uint32_t from, uint64_t term)
{
	return (struct raft_message){.kind = kind,
				     .group = {{7}},
				     .from = 100 + from,
				     .from_rank = from,
				     .to = 100,
				     .term = term};
}

/* Feeds a message, makes durable what follows, and returns the answers. */
static void
solo_receive(struct solo *solo, const struct raft_message *message)
{
	assert_int_equal(raft_receive(solo->raft, solo->now, message), 0);
	raft_ready(solo->raft, &solo->ready);
	while (solo->ready.write) {
		raft_persisted(solo->raft, solo->now, solo->ready.write);
		raft_ready(solo->raft, &solo->ready);
	}
}

static bool
grants_vote(struct solo *solo, uint32_t from, uint64_t term, uint64_t index, uint64_t log_term,
	    uint32_t flags)
{
	struct raft_message message = message_make(RAFT_VOTE, from, term);

	message.index = index;
	message.log_term = log_term;
	message.flags = flags;
	solo_receive(solo, &message);
	return solo->ready.message_count == 1 && solo->ready.messages[0].kind == RAFT_VOTE_REPLY &&
	       solo->ready.messages[0].flags == 0;
}

static void
vote_rules(void **state)
{
	struct solo solo;

	(void)state;
	solo_start(&solo, 10, 3, (struct raft_loss){0});
	/* It may have promised a leader silence before it was stopped. */
	assert_false(grants_vote(&solo, 1, 4, 10, 3, 0));
	assert_int_equal(solo.ready.message_count, 0);
	/* Unless the leader itself asks. */
	assert_true(grants_vote(&solo, 1, 4, 10, 3, RAFT_FORCE));
	assert_false(grants_vote(&solo, 2, 4, 10, 3, RAFT_FORCE));
	assert_true(grants_vote(&solo, 1, 4, 10, 3, RAFT_FORCE));
	solo.now += 200 * MILLISECOND;
	assert_false(grants_vote(&solo, 1, 5, 9, 3, 0));
	assert_true(grants_vote(&solo, 2, 5, 9, 4, 0));
	solo_end(&solo);
}

/* The answer to a vote waits until term and vote are durable. */
static void
vote_durable(void **state)
{
	struct raft_message message = message_make(RAFT_VOTE, 1, 4);
	struct raft_ready ready;
	struct solo solo;

	(void)state;
	solo_start(&solo, 10, 3, (struct raft_loss){0});
	solo.now += 200 * MILLISECOND;
	message.index = 10;
	message.log_term = 3;
	assert_int_equal(raft_receive(solo.raft, solo.now, &message), 0);
	raft_ready(solo.raft, &ready);
	assert_true(ready.write && ready.write_hard);
	assert_int_equal(ready.hard.term, 4);
	assert_int_equal(ready.hard.vote, 101);
	assert_int_equal(ready.message_count, 0);
	raft_persisted(solo.raft, solo.now, ready.write);
	raft_ready(solo.raft, &ready);
	assert_int_equal(ready.message_count, 1);
	solo_end(&solo);
}

static void
damaged(void **state)
{
	struct raft_message message;
	struct raft_entry entries[10];
	struct raft_status status;
	struct solo solo;

	(void)state;
	/* Entries 6 to 15 of term 3 cannot be read any more. */
	solo_start(&solo, 5, 3, (struct raft_loss){.index = 15});
	solo.now += 300 * MILLISECOND;
	raft_tick(solo.raft, solo.now);
	raft_status(solo.raft, &status);
	assert_int_equal(status.role, RAFT_FOLLOWER);
	assert_false(grants_vote(&solo, 1, 4, 14, 3, 0));
	assert_true(grants_vote(&solo, 1, 4, 15, 3, 0));
	/* That leader refetches what it lost; the answers say so until it has all. */
	message = message_make(RAFT_APPEND, 1, 4);
	message.index = 5;
	message.log_term = 3;
	for (uint32_t i = 0; i < 10; i++)
		entries[i] = (struct raft_entry){.index = 6 + i, .term = 3, .kind = RAFT_NOTHING};
	message.entries = entries;
	message.entry_count = 9;
	solo_receive(&solo, &message);
	assert_int_equal(solo.ready.messages[0].index, 14);
	assert_int_equal(solo.ready.messages[0].flags, RAFT_LOST);
	message.entry_count = 10;
	solo_receive(&solo, &message);
	assert_int_equal(solo.ready.messages[0].index, 15);
	assert_int_equal(solo.ready.messages[0].flags, 0);
	raft_status(solo.raft, &status);
	assert_int_equal(status.hard.lost_index, 0);
	solo_end(&solo);
}

/* Where the end of the loss is unknown, only an entry of a later term heals it. */
static void
damaged_unknown(void **state)
{
	struct raft_status status;
	struct solo solo;

	(void)state;
	solo_start(&solo, 5, 3, (struct raft_loss){.index = UINT64_MAX});
	raft_status(solo.raft, &status);
	assert_int_equal(status.hard.term, 4);
	solo.now += 300 * MILLISECOND;
	assert_false(grants_vote(&solo, 1, 5, 1000000, 3, 0));
	assert_true(grants_vote(&solo, 1, 5, 6, 4, 0));
	solo_end(&solo);
}

static void
identity(void **state)
{
	struct raft_message message = message_make(RAFT_VOTE, 1, 9);
	struct solo solo;

	(void)state;
	solo_start(&solo, 10, 3, (struct raft_loss){0});
	message.to = 99;
	assert_int_equal(raft_receive(solo.raft, solo.now, &message), -DER_MISMATCH);
	message.to = 100;
	message.group.bytes[3] = 1;
	assert_int_equal(raft_receive(solo.raft, solo.now, &message), -DER_MISMATCH);
	solo_end(&solo);
}

/* A configuration whose entry is cut off is in force no more. */
static void
membership_undone(void **state)
{
	struct raft_config config = trio_base().config;
	struct raft_message message = message_make(RAFT_APPEND, 1, 4);
	struct raft_entry entry = {.index = 11, .term = 4, .kind = RAFT_MEMBERSHIP};
	uint8_t bytes[512];
	struct writer writer;
	struct solo solo;
	uint64_t index;

	(void)state;
	assert_int_equal(raft_config_remove(&config, 102), 0);
	writer_init(&writer, bytes, sizeof(bytes));
	raft_config_encode(&writer, &config);
	entry.data = bytes;
	entry.length = (uint32_t)writer.position;
	solo_start(&solo, 10, 3, (struct raft_loss){0});
	message.index = 10;
	message.log_term = 3;
	message.entries = &entry;
	message.entry_count = 1;
	solo_receive(&solo, &message);
	assert_int_equal(raft_membership(solo.raft, &index)->count, 2);
	assert_int_equal(index, 11);
	message = message_make(RAFT_APPEND, 2, 5);
	message.index = 10;
	message.log_term = 3;
	entry = (struct raft_entry){.index = 11, .term = 5, .kind = RAFT_NOTHING};
	message.entries = &entry;
	message.entry_count = 1;
	solo_receive(&solo, &message);
	assert_int_equal(raft_membership(solo.raft, &index)->count, 3);
	assert_int_equal(index, 1);
	solo_end(&solo);
}

/* What a leader that has 100 as a learner puts into its log, and into no other's. */
static void
learner_alone(struct solo *solo)
{
	struct raft_config config = trio_base().config;
	struct raft_message message = message_make(RAFT_APPEND, 1, 4);
	struct raft_entry entry = {.index = 11, .term = 4, .kind = RAFT_MEMBERSHIP};
	uint8_t bytes[512];
	struct writer writer;

	config.members[0].roles = RAFT_LEARNER;
	writer_init(&writer, bytes, sizeof(bytes));
	raft_config_encode(&writer, &config);
	entry.data = bytes;
	entry.length = (uint32_t)writer.position;
	solo_start(solo, 10, 3, (struct raft_loss){0});
	message.index = 10;
	message.log_term = 3;
	message.entries = &entry;
	message.entry_count = 1;
	solo_receive(solo, &message);
	solo->now += 300 * MILLISECOND;
}

static enum raft_role
role_after_tick(struct solo *solo)
{
	struct raft_status status;

	solo->now += 300 * MILLISECOND;
	raft_tick(solo->raft, solo->now);
	raft_status(solo->raft, &status);
	return status.role;
}

/*
 * A learner with the newest log refuses those that take it for a voter, and then stands itself: two
 * votes of the voters that its log names lead, its own and one of them do not.
 */
static void
called_learner(void **state)
{
	struct raft_message message = message_make(RAFT_PREVOTE, 2, 5);
	struct raft_status status;
	struct solo solo;

	(void)state;
	learner_alone(&solo);
	assert_int_equal(role_after_tick(&solo), RAFT_FOLLOWER);
	message.index = 11;
	message.log_term = 4;
	solo_receive(&solo, &message);
	assert_int_equal(solo.ready.messages[0].flags, 0);
	assert_int_equal(role_after_tick(&solo), RAFT_FOLLOWER);
	message.index = 10;
	message.log_term = 3;
	solo_receive(&solo, &message);
	assert_int_equal(solo.ready.messages[0].flags, RAFT_REJECT);
	assert_int_equal(role_after_tick(&solo), RAFT_PRECANDIDATE);
	for (uint32_t from = 1; from <= 2; from++) {
		message = message_make(RAFT_PREVOTE_REPLY, from, 5);
		solo_receive(&solo, &message);
		raft_status(solo.raft, &status);
		assert_int_equal(status.role, from == 2 ? RAFT_CANDIDATE : RAFT_PRECANDIDATE);
	}
	message = message_make(RAFT_VOTE_REPLY, 1, 5);
	solo_receive(&solo, &message);
	raft_status(solo.raft, &status);
	assert_int_equal(status.role, RAFT_CANDIDATE);
	message = message_make(RAFT_VOTE_REPLY, 2, 5);
	solo_receive(&solo, &message);
	raft_status(solo.raft, &status);
	assert_int_equal(status.role, RAFT_LEADER);
	solo_end(&solo);
}

/* A leader that was heard since is reason enough to wait for the next. */
static void
called_and_led(void **state)
{
	struct raft_message message = message_make(RAFT_PREVOTE, 2, 5);
	struct solo solo;

	(void)state;
	learner_alone(&solo);
	message.index = 10;
	message.log_term = 3;
	solo_receive(&solo, &message);
	message = message_make(RAFT_HEARTBEAT, 1, 5);
	solo_receive(&solo, &message);
	assert_int_equal(role_after_tick(&solo), RAFT_FOLLOWER);
	solo_end(&solo);
}

/* What contradicts a committed entry is refused, and nothing changes. */
static void
committed_stays(void **state)
{
	struct raft_message message = message_make(RAFT_APPEND, 1, 4);
	struct raft_entry entry = {.index = 5, .term = 4, .kind = RAFT_NOTHING};
	struct raft_status status;
	struct solo solo;

	(void)state;
	solo_start(&solo, 10, 3, (struct raft_loss){0});
	message.index = 10;
	message.log_term = 3;
	message.commit = 10;
	solo_receive(&solo, &message);
	assert_int_equal(solo.ready.apply_last, 10);
	message.index = 4;
	message.entries = &entry;
	message.entry_count = 1;
	assert_int_equal(raft_receive(solo.raft, solo.now, &message), -DER_PROTO);
	/* Terms that go back, or that leave no room for another. */
	message.index = 0;
	message.log_term = 0;
	entry = (struct raft_entry){.index = 1, .term = 1, .kind = RAFT_NOTHING};
	assert_int_equal(raft_receive(solo.raft, solo.now, &message), 0);
	message = message_make(RAFT_VOTE, 1, UINT64_MAX);
	assert_int_equal(raft_receive(solo.raft, solo.now, &message), -DER_PROTO);
	raft_status(solo.raft, &status);
	assert_int_equal(status.last, 10);
	assert_int_equal(status.term, 4);
	solo_end(&solo);
}

/* Thesis 3.6.2: entries of a former term are on a quorum, and yet not committed before one of the
 * leader's own is. */
static void
former_term(void **state)
{
	struct raft_message message;
	struct raft_status status;
	struct raft_ready ready;
	struct solo solo;
	uint64_t write;

	(void)state;
	solo_start(&solo, 10, 3, (struct raft_loss){0});
	solo.now += 300 * MILLISECOND;
	raft_tick(solo.raft, solo.now);
	message = message_make(RAFT_PREVOTE_REPLY, 1, 4);
	solo_receive(&solo, &message);
	message = message_make(RAFT_VOTE_REPLY, 1, 4);
	assert_int_equal(raft_receive(solo.raft, solo.now, &message), 0);
	raft_status(solo.raft, &status);
	assert_int_equal(status.role, RAFT_LEADER);
	assert_int_equal(status.last, 11);
	raft_ready(solo.raft, &ready);
	write = ready.write;
	message = message_make(RAFT_APPEND_REPLY, 1, 4);
	message.index = 10;
	message.hint = 11;
	assert_int_equal(raft_receive(solo.raft, solo.now, &message), 0);
	raft_status(solo.raft, &status);
	assert_int_equal(status.commit, 1);
	message.index = 11;
	assert_int_equal(raft_receive(solo.raft, solo.now, &message), 0);
	raft_persisted(solo.raft, solo.now, write);
	raft_status(solo.raft, &status);
	assert_int_equal(status.commit, 11);
	solo_end(&solo);
}

static void
stored_values(void **state)
{
	struct arena *arena = arena_create(0);
	struct raft_base base = trio_base(), bad = {.index = 0, .config = base.config};
	struct raft_options options = {.id = 0};
	struct raft *raft;

	(void)state;
	assert_int_equal(raft_create(arena, &options, &base, &raft), -DER_INVAL);
	options.id = 100;
	assert_int_equal(raft_create(arena, &options, &bad, &raft), -DER_INVAL);
	options.lease_usec = 3000000;
	assert_int_equal(raft_create(arena, &options, &base, &raft), -DER_INVAL);
	raft = replica_make(arena, 0, &base);
	assert_int_equal(raft_load(raft, &(struct raft_entry){.index = 3, .term = 1}), -DER_INVAL);
	assert_int_equal(raft_start(raft, 0, &(struct raft_hard){0}, 2, (struct raft_loss){0}),
			 -DER_INVAL);
	raft_destroy(raft);
	arena_destroy(arena);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(vote_rules),	   cmocka_unit_test(vote_durable),
		cmocka_unit_test(damaged),	   cmocka_unit_test(damaged_unknown),
		cmocka_unit_test(identity),	   cmocka_unit_test(membership_undone),
		cmocka_unit_test(committed_stays), cmocka_unit_test(former_term),
		cmocka_unit_test(stored_values),   cmocka_unit_test(called_learner),
		cmocka_unit_test(called_and_led),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
