/* SPDX-License-Identifier: BSD-2-Clause-Patent */
/*
 * Decoders of messages, entries, configurations and heartbeat packets. The first byte chooses what
 * the rest is tried as. What is accepted is written again and must come out the same; sums are also
 * put right first, so that the fuzzer gets behind them; accepted messages are given to a replica,
 * which must survive them.
 */
#include <stdlib.h>

#include "raft/raft.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void
require(bool condition)
{
	if (!condition)
		abort();
}

/* A follower with a few entries, and with a little patience a candidate. */
static struct raft *
replica_make(struct arena *arena, bool candidate)
{
	struct raft_options options = {.id = 1, .rank = 1, .log_entries = 64};
	struct raft_base base = {.index = 1, .term = 1};
	struct raft_ready ready;
	struct raft *raft;

	for (uint32_t i = 1; i <= 3; i++)
		require(raft_config_add(&base.config, (struct raft_member){i, i, RAFT_VOTER}) == 0);
	require(raft_create(arena, &options, &base, &raft) == 0);
	for (uint64_t index = 2; index < 6; index++)
		require(raft_load(raft, &(struct raft_entry){.index = index,
							     .term = 2,
							     .kind = RAFT_NOTHING}) == 0);
	require(raft_start(raft, 0, &(struct raft_hard){.term = 2}, 1, (struct raft_loss){0}) == 0);
	if (candidate)
		raft_tick(raft, raft_deadline(raft));
	raft_ready(raft, &ready);
	raft_persisted(raft, 5000000, ready.write);
	return raft;
}

static void
feed(struct raft_message *message, bool candidate)
{
	struct arena *arena = arena_create(64 << 20);
	struct raft *raft = replica_make(arena, candidate);
	struct raft_ready ready;

	message->group = (struct uuid){{0}};
	message->to = 1;
	for (uint32_t i = 0; i < 2; i++) {
		(void)!raft_receive(raft, 5000000 + i, message);
		raft_ready(raft, &ready);
		raft_persisted(raft, 5000000, ready.write);
		if (ready.apply_last >= ready.apply_first)
			raft_applied(raft, ready.apply_last);
		if (ready.chunk)
			raft_chunk_stored(raft, 5000000, ready.chunk->index, ready.chunk->offset);
	}
	raft_destroy(raft);
	require(arena_used(arena) == 0);
	arena_destroy(arena);
}

static void
try_message(const uint8_t *data, size_t size)
{
	static struct raft_scratch scratch;
	struct raft_message message;
	struct writer writer;
	uint8_t *copy;

	if (raft_message_decode(data, size, &scratch, &message))
		return;
	require(raft_message_size(&message) == size);
	copy = malloc(size);
	require(copy != NULL);
	writer_init(&writer, copy, size);
	raft_message_encode(&writer, &message);
	require(!writer.failed && memcmp(copy, data, size) == 0);
	free(copy);
	feed(&message, false);
	feed(&message, true);
}

/* Puts the sums of header, configuration and chunk right; entries keep theirs. */
static void
sums_right(uint8_t *data, size_t size)
{
	uint32_t chunk = load_u32(data + 108), entries = load_u32(data + 104), sum;
	size_t config = 0;

	if (data[2] == RAFT_SNAPSHOT && size >= RAFT_MESSAGE_HEADER + 8)
		config = 8 + (size_t)(load_u32(data + RAFT_MESSAGE_HEADER + 4) % 25) * 16;
	if (RAFT_MESSAGE_HEADER + config > size)
		return;
	if (entries == 0 && chunk == size - RAFT_MESSAGE_HEADER - config)
		store_u32(data + 112, crc32c(0, data + size - chunk, chunk));
	store_u32(data + 4, 0);
	sum = crc32c(0, data, RAFT_MESSAGE_HEADER + config);
	store_u32(data + 4, sum);
}

static void
try_entries(const uint8_t *data, size_t size)
{
	struct raft_entry entry;
	struct reader reader;
	struct writer writer;
	uint8_t *copy = malloc(size + 1);

	require(copy != NULL);
	reader_init(&reader, data, size);
	while (reader_left(&reader) > 0) {
		size_t start = reader.position;

		if (raft_entry_decode(&reader, &entry))
			break;
		writer_init(&writer, copy, size);
		raft_entry_encode(&writer, &entry);
		require(!writer.failed && writer.position == reader.position - start);
		require(memcmp(copy, data + start, writer.position) == 0);
	}
	free(copy);
}

static void
try_config(const uint8_t *data, size_t size)
{
	uint8_t copy[sizeof(struct raft_config) + 16];
	struct raft_config config;
	struct reader reader;
	struct writer writer;

	reader_init(&reader, data, size);
	if (raft_config_decode(&reader, &config))
		return;
	require(raft_config_check(&config) == 0);
	writer_init(&writer, copy, sizeof(copy));
	raft_config_encode(&writer, &config);
	require(writer.position == reader.position && memcmp(copy, data, writer.position) == 0);
}

static void
try_beats(const uint8_t *data, size_t size)
{
	struct arena *arena = arena_create(0);
	struct raft_message message;
	struct raft_beats *beats;
	struct reader reader;
	int rc;

	require(raft_beats_create(arena, 1, &beats) == 0);
	if (raft_beats_open(data, size, &reader) == 0)
		while (raft_beats_next(&reader, &message, &rc))
			require(raft_beats_add(beats, &message) == 0);
	raft_beats_destroy(beats);
	arena_destroy(arena);
}

static void
beats_right(uint8_t *data, size_t size)
{
	if (size < RAFT_BEATS_HEADER)
		return;
	store_u32(data + 16, crc32c(0, data + RAFT_BEATS_HEADER, size - RAFT_BEATS_HEADER));
	store_u32(data + 20, crc32c(0, data, 20));
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	uint8_t *copy;

	if (size < 2)
		return 0;
	copy = malloc(size - 1);
	require(copy != NULL);
	memcpy(copy, data + 1, size - 1);
	switch (data[0] % 4) {
	case 0:
		try_message(copy, size - 1);
		if (size - 1 >= RAFT_MESSAGE_HEADER) {
			sums_right(copy, size - 1);
			try_message(copy, size - 1);
		}
		break;
	case 1:
		try_entries(copy, size - 1);
		break;
	case 2:
		try_config(copy, size - 1);
		break;
	default:
		beats_right(copy, size - 1);
		try_beats(copy, size - 1);
		break;
	}
	free(copy);
	return 0;
}
