/* SPDX-License-Identifier: BSD-2-Clause-Patent */
/*
 * Joining, catching up and leaving. Who joins or returns pulls the member table from others, part
 * after part; whoever answers keeps no state about it.
 */
#include "swim/internal.h"

#define SCAN_MAX 4096u /* places of the table looked at for one part */

uint32_t
random_peer(struct swim *swim)
{
	uint32_t position, others = swim->live.count - 1;

	if (others == 0)
		return SWIM_NONE;
	position = random_below(swim, others);
	return swim->live.ranks[position < swim->self_position ? position : position + 1];
}

/* ------------------------------------------------ asking */

void
sync_start(struct swim *swim)
{
	swim->sync = (struct sync){
		.active = true,
		.sequence = sequence_next(swim),
		.next = swim->clock,
	};
}

/* Who gets no answer is the first one up, or too far away to be told. */
static void
sync_end(struct swim *swim)
{
	swim->sync.active = false;
	self_join(swim);
}

void
sync_advance(struct swim *swim)
{
	struct sync *sync = &swim->sync;
	uint32_t peer;

	if (!sync->active || sync->next > swim->clock)
		return;
	peer = random_peer(swim);
	if (peer == SWIM_NONE || sync->unanswered == JOIN_ATTEMPTS || swim->leaving) {
		sync_end(swim);
		return;
	}
	sync->unanswered++;
	sync->next = swim->clock + swim->config.period / 4;
	send_start(swim, MESSAGE_SYNC_REQUEST, peer, sync->sequence, sync->cursor);
}

void
sync_replied(struct swim *swim, const struct message *message)
{
	struct sync *sync = &swim->sync;

	if (!sync->active || message->sequence != sync->sequence)
		return;
	self_join(swim);
	/* Each part must lead on, whatever the other side says. */
	if (message->subject == SWIM_NONE || message->subject <= sync->cursor) {
		sync->active = false;
		return;
	}
	sync->cursor = message->subject;
	sync->unanswered = 0;
	sync->sequence = sequence_next(swim);
	sync->next = swim->clock;
	sync_advance(swim);
}

/* ------------------------------------------------ answering */

void
sync_fill(struct swim *swim, const struct send *send, struct message *message)
{
	uint32_t rank = send->subject, scanned = 0;

	while (rank < swim->capacity && scanned < SCAN_MAX &&
	       message->update_count < SWIM_SYNC_UPDATES) {
		(void)update_add(swim, message, rank);
		rank++;
		scanned++;
	}
	message->subject = rank < swim->capacity ? rank : SWIM_NONE;
}

/* ------------------------------------------------ leaving */

void
swim_leave(struct swim *swim, uint64_t now)
{
	swim_advance(swim, now);
	if (swim->leaving)
		return;
	swim->leaving = true;
	swim->leave_left = swim->running && swim->joined ? LEAVE_PERIODS : 0;
	swim->leave_next = swim->clock;
	leave_advance(swim);
}

/* The claim in the header of each message does the work. */
void
leave_advance(struct swim *swim)
{
	if (!swim->leaving || !swim->running || swim->leave_next > swim->clock)
		return;
	if (swim->leave_left == 0) {
		swim->running = false;
		return;
	}
	swim->leave_left--;
	swim->leave_next = swim->clock + swim->config.period;
	for (uint32_t i = 0; i < LEAVE_FANOUT; i++) {
		uint32_t peer = random_peer(swim);

		if (peer != SWIM_NONE)
			send_start(swim, MESSAGE_PING, peer, 0, peer);
	}
}

bool
swim_left(const struct swim *swim)
{
	return swim->leaving && !swim->running;
}
