/* SPDX-License-Identifier: BSD-2-Clause-Patent */
/* Messages as bytes: docs/formats/swim.md. */
#pragma once

#include "swim/swim.h"

enum message_kind {
	MESSAGE_PING = 1,     /* are you alive? */
	MESSAGE_ACK,	      /* subject is */
	MESSAGE_NACK,	      /* subject has not answered the sender yet, but the sender is alive */
	MESSAGE_PING_REQUEST, /* is subject alive? */
	MESSAGE_SYNC_REQUEST, /* tell your table from rank subject on */
	MESSAGE_SYNC_REPLY,   /* a part of it; it goes on at subject, SWIM_NONE: it ends */
	MESSAGE_KINDS,
};

/* What somebody says about a member. */
struct update {
	uint32_t rank;
	uint32_t accuser; /* of a suspect, SWIM_NONE otherwise */
	uint64_t incarnation;
	uint64_t start;
	enum swim_state state;
	struct swim_address address;
};

struct message {
	enum message_kind kind;
	enum swim_state claim; /* what the sender says of itself: ABSENT, ALIVE or LEFT */
	uint64_t group;
	uint32_t from;
	uint32_t to;
	uint32_t sequence;
	uint32_t round;
	uint64_t incarnation; /* of the sender, with its start and address */
	uint64_t start;
	struct swim_address address;
	uint32_t subject;
	uint32_t update_count;
	struct update updates[SWIM_SYNC_UPDATES];
};

/* Writes message to data; the length is at most SWIM_MESSAGE_MAX. */
uint32_t message_encode(const struct message *message, uint8_t data[SWIM_MESSAGE_MAX]);

/* -DER_CSUM damaged; -DER_PROTO malformed or of another version. Reads every field that it
 * gives; ranks below SWIM_RANK_LIMIT, at most as many updates as the kind may have. */
MUST_USE int message_decode(const void *data, size_t length, struct message *ret_message);
