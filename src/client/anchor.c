/* SPDX-License-Identifier: BSD-2-Clause-Patent */
/*
 * Anchors: the position of a listing in the buffer of a daos_anchor_t; one that is too long for it
 * is kept in the object, and the anchor holds its number.
 */
#include "client/private.h"

/*
 * What the buffer holds: u32 group, u32 length, then that many bytes, or two u64: the number of a
 * position kept in the object, and its sum, since other handles give the same numbers.
 */
#define ANCHOR_HEAD 8u
#define ANCHOR_ROOM (DAOS_ANCHOR_BUF_MAX - ANCHOR_HEAD)

/* Bits of da_flags; da_shard is the group that an anchor is restricted to. */
#define ANCHOR_ONE_GROUP 1u
#define ANCHOR_KEPT 2u

void
anchor_restrict(daos_anchor_t *anchor, uint32_t group)
{
	memset(anchor, 0, sizeof(*anchor));
	anchor->da_flags = ANCHOR_ONE_GROUP;
	anchor->da_shard = (uint16_t)group;
}

bool
anchor_restricted(const daos_anchor_t *anchor, uint32_t *ret_group)
{
	*ret_group = anchor->da_shard;
	return anchor->da_flags & ANCHOR_ONE_GROUP;
}

/* ------------------------------------------------ positions kept in the object */

static uint64_t
position_sum(const struct objio_position *position)
{
	return hash64(position->bytes, position->length, position->group);
}

static int
position_keep(struct client_object *object, const struct objio_position *position,
	      uint64_t *ret_number)
{
	struct kept_position *kept = NULL;

	pthread_mutex_lock(&object->lock);
	if (object->positions == NULL)
		object->positions = client_calloc(POSITIONS_KEPT * sizeof(*object->positions));
	if (object->positions) {
		*ret_number = ++object->position_number;
		kept = &object->positions[*ret_number % POSITIONS_KEPT];
		*kept = (struct kept_position){.number = *ret_number, .position = *position};
	}
	pthread_mutex_unlock(&object->lock);
	return kept ? 0 : -DER_NOMEM;
}

static int
position_recall(struct client_object *object, uint64_t number, uint64_t sum,
		struct objio_position *ret_position)
{
	bool found = false;

	pthread_mutex_lock(&object->lock);
	if (object->positions && number != 0) {
		const struct kept_position *kept = &object->positions[number % POSITIONS_KEPT];

		found = kept->number == number && position_sum(&kept->position) == sum;
		if (found)
			*ret_position = kept->position;
	}
	pthread_mutex_unlock(&object->lock);
	if (!found)
		return error_raise(
			-DER_INVAL,
			"an anchor of another handle, or older than %u others with long keys",
			POSITIONS_KEPT);
	return 0;
}

/* ------------------------------------------------ load and store */

int
anchor_load(struct client_object *object, const daos_anchor_t *anchor,
	    struct objio_position *ret_position)
{
	struct objio_position position = {.group = load_u32(anchor->da_buf),
					  .length = load_u32(anchor->da_buf + 4)};
	uint32_t group;

	memset(ret_position, 0, offsetof(struct objio_position, bytes));
	if (anchor->da_type == DAOS_ANCHOR_TYPE_ZERO) {
		if (anchor_restricted(anchor, &group))
			ret_position->group = group;
		return 0;
	}
	if (anchor->da_type == DAOS_ANCHOR_TYPE_EOF) {
		ret_position->end = true;
		return 0;
	}
	if (anchor->da_type > DAOS_ANCHOR_TYPE_EOF)
		return -DER_INVAL;
	if (anchor->da_flags & ANCHOR_KEPT)
		return position_recall(object, load_u64(anchor->da_buf + ANCHOR_HEAD),
				       load_u64(anchor->da_buf + ANCHOR_HEAD + 8), ret_position);
	if (position.length > ANCHOR_ROOM)
		return -DER_INVAL;
	ret_position->group = position.group;
	ret_position->length = position.length;
	memcpy(ret_position->bytes, anchor->da_buf + ANCHOR_HEAD, position.length);
	return 0;
}

int
anchor_store(struct client_object *object, const struct objio_position *position,
	     daos_anchor_t *anchor)
{
	uint64_t number = 0;
	int rc = 0;

	anchor->da_flags &= ~ANCHOR_KEPT;
	if (position->end) {
		anchor->da_type = DAOS_ANCHOR_TYPE_EOF;
		return 0;
	}
	if (position->length > ANCHOR_ROOM)
		rc = position_keep(object, position, &number);
	if (rc)
		return rc;
	anchor->da_type = DAOS_ANCHOR_TYPE_KEY;
	store_u32(anchor->da_buf, position->group);
	store_u32(anchor->da_buf + 4, position->length);
	if (number != 0) {
		anchor->da_flags |= ANCHOR_KEPT;
		store_u64(anchor->da_buf + ANCHOR_HEAD, number);
		store_u64(anchor->da_buf + ANCHOR_HEAD + 8, position_sum(position));
	} else {
		memcpy(anchor->da_buf + ANCHOR_HEAD, position->bytes, position->length);
	}
	return 0;
}
