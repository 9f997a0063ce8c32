/* SPDX-License-Identifier: BSD-2-Clause-Patent */
/*
 * Three replicas in lock step: what one sends or writes in a millisecond arrives or is durable in
 * the next, so links and disks take one millisecond each. Nothing is lost.
 */
#pragma once

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>

#include <cmocka.h>

#include "raft/raft.h"

#define TRIO 3u
#define MILLISECOND 1000u
#define MAIL_MAX 512u

struct letter {
	uint32_t to;
	size_t length;
	uint8_t *bytes;
};

struct trio {
	struct arena *arena;
	struct raft *rafts[TRIO];
	uint64_t now;
	uint64_t writes[TRIO], applied[TRIO];
	struct letter mail[2][MAIL_MAX]; /* on the way, and being sent */
	uint32_t mail_count[2];
	uint32_t messages;
	bool cut[TRIO]; /* nothing from or to it */
	struct raft_scratch scratch;
};

static inline struct raft_base
trio_base(void)
{
	struct raft_base base = {.index = 1, .term = 1};

	for (uint32_t i = 0; i < TRIO; i++)
		assert_int_equal(raft_config_add(&base.config,
						 (struct raft_member){.id = 100 + i,
								      .rank = i,
								      .roles = RAFT_VOTER}),
				 0);
	return base;
}

static inline struct raft *
replica_make(struct arena *arena, uint32_t rank, const struct raft_base *base)
{
	struct raft_options options = {.group = {{7}},
				       .id = 100 + rank,
				       .rank = rank,
				       .log_entries = 1000,
				       .heartbeat_usec = 20 * MILLISECOND,
				       .election_usec = 100 * MILLISECOND,
				       .seed = 5};
	struct raft *raft;

	assert_int_equal(raft_create(arena, &options, base, &raft), 0);
	return raft;
}

static inline void
trio_start(struct trio *trio)
{
	struct raft_base base = trio_base();

	*trio = (struct trio){.arena = arena_create(0)};
	for (uint32_t i = 0; i < TRIO; i++) {
		trio->rafts[i] = replica_make(trio->arena, i, &base);
		assert_int_equal(raft_start(trio->rafts[i], 0, &(struct raft_hard){0}, 1,
					    (struct raft_loss){0}),
				 0);
	}
}

static inline void
trio_turn(struct trio *trio, uint32_t i)
{
	struct raft_ready ready;

	raft_ready(trio->rafts[i], &ready);
	for (uint32_t j = 0; j < ready.message_count; j++) {
		const struct raft_message *message = &ready.messages[j];
		struct letter *letter = &trio->mail[1][trio->mail_count[1]];
		struct writer writer;

		trio->messages++;
		if (trio->cut[i] || trio->cut[message->to_rank])
			continue;
		assert_true(trio->mail_count[1]++ < MAIL_MAX);
		letter->to = message->to_rank;
		letter->length = raft_message_size(message);
		letter->bytes = arena_alloc(trio->arena, letter->length);
		writer_init(&writer, letter->bytes, letter->length);
		raft_message_encode(&writer, message);
		assert_true(!writer.failed && writer.position == letter->length);
	}
	trio->writes[i] = ready.write ? ready.write : trio->writes[i];
	if (ready.apply_last >= ready.apply_first) {
		raft_applied(trio->rafts[i], ready.apply_last);
		trio->applied[i] = ready.apply_last;
	}
}

/* One millisecond. */
static inline void
trio_step(struct trio *trio)
{
	struct raft_message message;

	trio->now += MILLISECOND;
	memcpy(trio->mail[0], trio->mail[1], sizeof(trio->mail[0]));
	trio->mail_count[0] = trio->mail_count[1];
	trio->mail_count[1] = 0;
	for (uint32_t i = 0; i < TRIO; i++) {
		raft_persisted(trio->rafts[i], trio->now, trio->writes[i]);
		if (raft_deadline(trio->rafts[i]) <= trio->now)
			raft_tick(trio->rafts[i], trio->now);
	}
	for (uint32_t i = 0; i < trio->mail_count[0]; i++) {
		struct letter *letter = &trio->mail[0][i];

		assert_int_equal(raft_message_decode(letter->bytes, letter->length, &trio->scratch,
						     &message),
				 0);
		assert_int_equal(raft_receive(trio->rafts[letter->to], trio->now, &message), 0);
		arena_free(trio->arena, letter->bytes);
	}
	for (uint32_t i = 0; i < TRIO; i++)
		trio_turn(trio, i);
}

/* Runs until there is a leader that may read by its lease; its rank. */
static inline uint32_t
trio_leader(struct trio *trio)
{
	struct raft_status status;

	for (uint32_t ms = 0; ms < 2000; ms++) {
		trio_step(trio);
		for (uint32_t i = 0; i < TRIO; i++) {
			raft_status(trio->rafts[i], &status);
			if (status.role == RAFT_LEADER && status.lease_until > trio->now &&
			    status.applied > 1 && !trio->cut[i])
				return i;
		}
	}
	fail_msg("nobody becomes leader");
	return 0;
}

static inline void
trio_end(struct trio *trio)
{
	for (uint32_t i = 0; i < TRIO; i++)
		raft_destroy(trio->rafts[i]);
	for (uint32_t i = 0; i < trio->mail_count[1]; i++)
		arena_free(trio->arena, trio->mail[1][i].bytes);
	assert_int_equal(arena_used(trio->arena), 0);
	arena_destroy(trio->arena);
}
