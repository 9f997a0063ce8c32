/* SPDX-License-Identifier: BSD-2-Clause-Patent */
/*
 * What messages carry beside their own purpose. Records that changed wait in one list for each
 * number of times they were passed on; those passed on least go first, and after about 2 log2(n)
 * times a record waits no more. What is left of a message holds records in the order of the table,
 * whether they changed or not, so that a record that missed somebody arrives in the end.
 */
#include "swim/internal.h"

#define WALK_UPDATES 2u /* records in the order of the table, when there is room */
#define WALK_RESERVED 1u
#define WALK_STEPS 8u /* empty places of the table skipped for one record */

/* Times that a record is passed on: enough to reach all with high probability (SWIM, section 4.1)
 * at any loss below 20 %. */
static uint32_t
passes_wanted(const struct swim *swim)
{
	return 2 * bit_length(swim->live.count) + 4;
}

/* ------------------------------------------------ the lists */

static void
pass_list(struct swim *swim, uint32_t rank, uint32_t passes)
{
	swim->members[rank].passes = (uint8_t)passes;
	list_add(swim, LIST_PASS, &swim->passes[passes], rank);
	swim->waiting |= 1ull << passes;
	swim->queued++;
}

void
pass_stop(struct swim *swim, uint32_t rank)
{
	struct member *member = &swim->members[rank];
	struct rank_list *list;

	if (member->passes == PASS_NONE)
		return;
	list = &swim->passes[member->passes];
	list_take(swim, LIST_PASS, list, rank);
	if (list->first == SWIM_NONE)
		swim->waiting &= ~(1ull << member->passes);
	member->passes = PASS_NONE;
	swim->queued--;
}

void
pass_start(struct swim *swim, uint32_t rank)
{
	pass_stop(swim, rank);
	if (swim->members[rank].incarnation > 0)
		pass_list(swim, rank, 0);
}

/* ------------------------------------------------ updates of a message */

static uint32_t
latest_accuser(const struct suspicion *suspicion)
{
	return suspicion->accusers[suspicion->accuser_count - 1];
}

static bool
update_there(const struct message *message, uint32_t rank)
{
	for (uint32_t i = 0; i < message->update_count; i++)
		if (message->updates[i].rank == rank)
			return true;
	return false;
}

bool
update_add(struct swim *swim, struct message *message, uint32_t rank)
{
	const struct member *member = member_find(swim, rank);
	enum swim_state state;

	if (member == NULL || member->incarnation == 0 || update_there(message, rank))
		return false;
	state = rank == swim->config.rank ? self_claim(swim) : member->state;
	if (state == SWIM_ABSENT)
		return false;
	message->updates[message->update_count++] = (struct update){
		.rank = rank,
		.accuser = state == SWIM_SUSPECT ? latest_accuser(member->suspicion) : SWIM_NONE,
		.incarnation = member->incarnation,
		.start = member->start,
		.state = state,
		.address = swim->addresses[rank],
	};
	return true;
}

/*
 * The receiver learns first what it must answer to: that it is suspected (Lifeguard's buddy
 * system), held dead, or that its incarnation has been overtaken.
 */
static void
add_about_receiver(struct swim *swim, const struct send *send, struct message *message)
{
	const struct member *member = member_find(swim, send->to);

	if (member && (send->tell || member->state != SWIM_ALIVE))
		(void)update_add(swim, message, send->to);
	for (uint32_t i = 0; i < send->correction_count; i++)
		(void)update_add(swim, message, send->corrections[i]);
}

/* Those taken go back when the choice is made, or one could be taken several times. */
static void
add_passed(struct swim *swim, struct message *message, uint32_t limit)
{
	uint32_t wanted = passes_wanted(swim), count = 0;
	uint32_t taken[SWIM_GOSSIP_UPDATES], passes[SWIM_GOSSIP_UPDATES];

	while (message->update_count < limit && swim->waiting != 0 && count < limit) {
		passes[count] = (uint32_t)__builtin_ctzll(swim->waiting);
		taken[count] = swim->passes[passes[count]].first;
		(void)update_add(swim, message, taken[count]);
		pass_stop(swim, taken[count]);
		count++;
	}
	for (uint32_t i = 0; i < count; i++)
		if (passes[i] + 1 < wanted)
			pass_list(swim, taken[i], passes[i] + 1);
}

static void
add_walked(struct swim *swim, struct message *message)
{
	uint32_t room = min_of(WALK_UPDATES, SWIM_GOSSIP_UPDATES - message->update_count);

	for (uint32_t steps = 0; room > 0 && steps < WALK_STEPS * WALK_UPDATES; steps++) {
		swim->walk = swim->walk + 1 < swim->capacity ? swim->walk + 1 : 0;
		if (swim->walk != message->to && update_add(swim, message, swim->walk))
			room--;
	}
}

/* ------------------------------------------------ messages */

static void
header_fill(struct swim *swim, const struct send *send, struct message *message)
{
	const struct member *self = self_of(swim);

	message->kind = send->kind;
	message->claim = self_claim(swim);
	message->group = swim->config.group;
	message->from = swim->config.rank;
	message->to = send->to;
	message->sequence = send->sequence;
	message->round = swim->round;
	message->incarnation = self->incarnation;
	message->start = self->start;
	message->address = swim->config.address;
	message->subject = send->subject;
	message->update_count = 0;
}

void
gossip_fill(struct swim *swim, const struct send *send, struct message *ret_message)
{
	header_fill(swim, send, ret_message);
	add_about_receiver(swim, send, ret_message);
	if (send->kind == MESSAGE_SYNC_REPLY) {
		sync_fill(swim, send, ret_message);
		return;
	}
	add_passed(swim, ret_message, SWIM_GOSSIP_UPDATES - WALK_RESERVED);
	add_walked(swim, ret_message);
}

struct send *
send_start(struct swim *swim, enum message_kind kind, uint32_t to, uint32_t sequence,
	   uint32_t subject)
{
	struct send *send = &swim->sends[SENDS_MAX];

	ASSERT(to != swim->config.rank);
	if (swim->send_count < SENDS_MAX)
		send = &swim->sends[(swim->send_first + swim->send_count++) % SENDS_MAX];
	else
		swim->counters.dropped++;
	send->kind = kind;
	send->to = to;
	send->sequence = sequence;
	send->subject = subject;
	send->tell = false;
	send->correction_count = 0;
	send->address.length = 0;
	return send;
}

bool
swim_next_message(struct swim *swim, struct swim_message *ret_message)
{
	const struct send *send = &swim->sends[swim->send_first];
	struct message message;

	if (swim->send_count == 0)
		return false;
	swim->send_first = (swim->send_first + 1) % SENDS_MAX;
	swim->send_count--;
	gossip_fill(swim, send, &message);
	ret_message->to = send->to;
	ret_message->address = send->address;
	if (send->address.length == 0 && member_find(swim, send->to))
		ret_message->address = swim->addresses[send->to];
	ret_message->length = message_encode(&message, ret_message->data);
	swim->counters.sent++;
	return true;
}
