/* SPDX-License-Identifier: BSD-2-Clause-Patent */
/* Encodings: round trips, pinned bytes, damage; configurations; packets of heartbeats. */
#include "trio.h"

#define GOLDEN_APPEND 0xcbeba3d9
#define GOLDEN_SNAPSHOT 0x585e171b

static void
configs(void **state)
{
	struct raft_config config = trio_base().config, joint;
	struct raft_member late = {.id = 50, .rank = 9, .roles = RAFT_LEARNER};

	(void)state;
	assert_int_equal(raft_config_add(&config, late), 0);
	assert_int_equal(config.members[0].id, 50);
	assert_int_equal(raft_config_add(&config, late), -DER_EXIST);
	assert_int_equal(raft_config_check(&config), 0);
	assert_int_equal(raft_config_remove(&config, 51), -DER_NONEXIST);
	/* Two incarnations of a rank: in the two halves only. */
	joint = config;
	joint.members[0].rank = 0;
	assert_int_equal(raft_config_check(&joint), -DER_INVAL);
	joint.members[1].roles = RAFT_VOTER_OLD;
	assert_int_equal(raft_config_check(&joint), 0);
	assert_true(raft_config_joint(&joint));
	joint.members[0].roles = 0;
	assert_int_equal(raft_config_check(&joint), -DER_INVAL);
	for (uint32_t i = config.count; i < RAFT_MEMBERS_MAX; i++)
		assert_int_equal(raft_config_add(&config,
						 (struct raft_member){.id = 1000 + i,
								      .rank = 1000 + i,
								      .roles = RAFT_VOTER}),
				 0);
	late.id = 7;
	assert_int_equal(raft_config_add(&config, late), -DER_OVERFLOW);
}

static struct raft_message
append_make(struct raft_entry entries[2])
{
	struct raft_message message = {.kind = RAFT_APPEND,
				       .group = {{1, 2, 3}},
				       .from = 4,
				       .to = 5,
				       .from_rank = 6,
				       .to_rank = 7,
				       .term = 8,
				       .index = 9,
				       .log_term = 8,
				       .commit = 10,
				       .stamp = 11,
				       .entries = entries,
				       .entry_count = 2};

	for (uint32_t i = 0; i < 2; i++) {
		entries[i] = (struct raft_entry){.index = 10 + i,
						 .term = 8,
						 .data = i ? NULL : "hello",
						 .length = i ? 0 : 5,
						 .kind = i ? RAFT_NOTHING : RAFT_DATA};
		entries[i].checksum = raft_entry_sum(&entries[i]);
	}
	return message;
}

static void
append_bytes(void **state)
{
	static struct raft_scratch scratch;
	struct raft_entry entries[2];
	struct raft_message message = append_make(entries), again;
	uint8_t bytes[512];
	struct writer writer;

	(void)state;
	writer_init(&writer, bytes, sizeof(bytes));
	raft_message_encode(&writer, &message);
	assert_int_equal(writer.position, RAFT_MESSAGE_HEADER + 2 * RAFT_ENTRY_HEADER + 5);
	assert_int_equal(writer.position, raft_message_size(&message));
	/* The bytes of format 1: docs/formats/raft.md. */
	assert_int_equal(crc32c(0, bytes, writer.position), GOLDEN_APPEND);
	assert_int_equal(raft_message_decode(bytes, writer.position, &scratch, &again), 0);
	assert_int_equal(again.entry_count, 2);
	assert_memory_equal(again.entries[0].data, "hello", 5);
	assert_int_equal(again.stamp, 11);
	for (size_t length = 0; length < writer.position; length++)
		assert_true(raft_message_decode(bytes, length, &scratch, &again) < 0);
	/* Each bit is covered by a sum. */
	for (size_t bit = 0; bit < writer.position * 8; bit++) {
		bytes[bit / 8] ^= (uint8_t)(1u << bit % 8);
		assert_true(raft_message_decode(bytes, writer.position, &scratch, &again) < 0);
		bytes[bit / 8] ^= (uint8_t)(1u << bit % 8);
	}
}

static void
snapshot_bytes(void **state)
{
	static struct raft_scratch scratch;
	struct raft_config config = trio_base().config;
	struct raft_message message = {.kind = RAFT_SNAPSHOT,
				       .from = 1,
				       .to = 2,
				       .term = 3,
				       .index = 4,
				       .log_term = 3,
				       .hint = 100,
				       .flags = RAFT_LAST,
				       .data = "chunk",
				       .data_length = 5,
				       .config = &config};
	struct raft_message again;
	uint8_t bytes[512];
	struct writer writer;

	(void)state;
	writer_init(&writer, bytes, sizeof(bytes));
	raft_message_encode(&writer, &message);
	assert_int_equal(writer.position, raft_message_size(&message));
	assert_int_equal(crc32c(0, bytes, writer.position), GOLDEN_SNAPSHOT);
	assert_int_equal(raft_message_decode(bytes, writer.position, &scratch, &again), 0);
	assert_int_equal(again.config->count, 3);
	assert_memory_equal(again.data, "chunk", 5);
	bytes[writer.position - 1] ^= 1;
	assert_int_equal(raft_message_decode(bytes, writer.position, &scratch, &again), -DER_CSUM);
}

static void
beat_rows(struct raft_beats *beats, uint32_t count, uint32_t rank)
{
	struct raft_message message = {.kind = RAFT_HEARTBEAT,
				       .from = 1,
				       .to = 2,
				       .term = 3,
				       .commit = 4,
				       .stamp = 5,
				       .to_rank = rank};

	for (uint32_t i = 0; i < count; i++) {
		store_u32(message.group.bytes, i);
		assert_int_equal(raft_beats_add(beats, &message), 0);
	}
}

static void
beats_packets(void **state)
{
	struct arena *arena = arena_create(0);
	struct raft_message message = {.kind = RAFT_VOTE};
	struct raft_beats *beats;
	struct reader reader;
	uint32_t rank, rows = 0;
	const void *data;
	size_t length;
	int rc;

	(void)state;
	assert_int_equal(raft_beats_create(arena, 3, &beats), 0);
	assert_int_equal(raft_beats_add(beats, &message), -DER_INVAL);
	beat_rows(beats, 1000, 8);
	beat_rows(beats, 10, 2);
	assert_true(raft_beats_take(beats, &rank, &data, &length));
	assert_int_equal(rank, 2);
	assert_true(raft_beats_take(beats, &rank, &data, &length));
	assert_int_equal(rank, 8);
	assert_int_equal(length, RAFT_BEATS_HEADER + 1000 * RAFT_BEATS_ROW);
	assert_int_equal(raft_beats_open(data, length, &reader), 0);
	while (raft_beats_next(&reader, &message, &rc)) {
		assert_int_equal(load_u32(message.group.bytes), rows++);
		assert_int_equal(message.from_rank, 3);
		assert_int_equal(message.commit, 4);
	}
	assert_int_equal(rc, 0);
	assert_int_equal(rows, 1000);
	((uint8_t *)(uintptr_t)data)[500] ^= 1;
	assert_int_equal(raft_beats_open(data, length, &reader), -DER_CSUM);
	assert_int_equal(raft_beats_open(data, length - 1, &reader), -DER_PROTO);
	assert_false(raft_beats_take(beats, &rank, &data, &length));
	beat_rows(beats, RAFT_BEATS_ROWS, 8);
	message.kind = RAFT_HEARTBEAT;
	message.to_rank = 8;
	assert_int_equal(raft_beats_add(beats, &message), -DER_OVERFLOW);
	raft_beats_destroy(beats);
	assert_int_equal(arena_used(arena), 0);
	arena_destroy(arena);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {cmocka_unit_test(configs),
					   cmocka_unit_test(append_bytes),
					   cmocka_unit_test(snapshot_bytes),
					   cmocka_unit_test(beats_packets)};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
