/* SPDX-License-Identifier: BSD-2-Clause-Patent */
/*
 * Membership messages: what the decoder accepts is encoded again to the same bytes; and a member
 * that takes the input, with its checksum, group and receiver put right, stays whole: it answers,
 * sleeps and answers again, within its memory.
 */
#include <stdlib.h>

#include "swim/message.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

#define RANKS 64u

static void
require(bool condition)
{
	if (!condition)
		abort();
}

static void
decode(const uint8_t *data, size_t size)
{
	uint8_t again[SWIM_MESSAGE_MAX];
	struct message message;

	if (message_decode(data, size, &message))
		return;
	require(message_encode(&message, again) == size);
	require(memcmp(data, again, size) == 0);
}

static void
drain(struct swim *swim)
{
	struct swim_message message;
	struct message decoded;
	struct swim_event event;

	while (swim_next_message(swim, &message)) {
		require(message.length <= SWIM_MESSAGE_MAX);
		require(message_decode(message.data, message.length, &decoded) == 0);
	}
	while (swim_next_event(swim, &event))
		require(event.rank < RANKS);
}

static void
live(const uint8_t *data, size_t size)
{
	struct arena *arena = arena_create(1 << 20);
	struct swim_config config;
	struct swim *swim;

	require(arena != NULL);
	swim_config_init(&config);
	config.rank = 0;
	config.rank_limit = RANKS;
	config.group = 1;
	config.start = 1;
	require(swim_create(arena, &config, &swim) == 0);
	require(swim_member_add(swim, 1, NULL) == 0);
	swim_start(swim, 0);
	drain(swim);
	for (uint64_t now = 1; now < 5; now++) {
		(void)swim_receive(swim, now * config.period, data, size);
		drain(swim);
		swim_advance(swim, now * config.period + 1);
		drain(swim);
	}
	require(arena_used(arena) <= swim_memory_max(RANKS));
	swim_destroy(swim);
	require(arena_used(arena) == 0);
	arena_destroy(arena);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	uint8_t copy[SWIM_MESSAGE_MAX];

	decode(data, size);
	if (size < SWIM_HEADER_BYTES || size > sizeof(copy))
		return 0;
	memcpy(copy, data, size);
	store_u64(copy + 8, 1);
	store_u32(copy + 20, 0);
	store_u32(copy + 4, 0);
	store_u32(copy + 4, crc32c(0, copy, size));
	decode(copy, size);
	live(copy, size);
	return 0;
}
