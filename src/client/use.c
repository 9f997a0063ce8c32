/* SPDX-License-Identifier: BSD-2-Clause-Patent */
/* What is done to an object while it is used: one line into objio each, or, in a transaction, a
 * read at its point in time and a write that is kept. */
#include "client/tx.h"

/* ------------------------------------------------ reads */

static void
drop_runs(struct object_use *use, struct objio_akey *akeys, uint32_t count)
{
	for (uint32_t i = 0; i < count; i++) {
		arena_free(use->context->env->arena, akeys[i].runs);
		akeys[i].runs = NULL;
	}
}

/* Draws the epoch by itself, reading nothing. */
static int
draw(struct object_use *use, struct tx_read *read)
{
	int rc = objio_draw_epoch(use->objio, use->object->id, &read->view);

	rc = tx_read_end(use->tx, read, rc);
	if (rc >= 0)
		rc = tx_read_begin(use->tx, read);
	/* Restarted, and drawn once more, meanwhile. */
	return rc > 0 ? -DER_TX_RESTART : rc;
}

/* Whether the context goes on by itself: a host's, or one of calls that are waited for. That of an
 * event queue stands still until it is polled. */
static bool
goes_on(const struct client_context *context)
{
	for (uint32_t i = 0; i < CONTEXT_POOL; i++)
		if (atomic_load(&context->client->contexts[i]) == context)
			return true;
	return client_is_hosted(context->client);
}

/*
 * The first read draws the epoch, too, which saves a request, but only where it is under way at
 * once: what it noted at an epoch drawn after that of another read would refuse the commit.
 */
static int
read_begin(struct object_use *use, struct tx_read *ret_read)
{
	int rc = tx_read_begin(use->tx, ret_read);
	bool alone = rc > 0 || (rc == 0 && ret_read->draws && !goes_on(use->context));

	return alone ? draw(use, ret_read) : rc;
}

int
use_fetch(struct object_use *use, struct objio_key dkey, struct objio_akey *akeys,
	  uint32_t akey_count, uint32_t conditions, bool want_runs)
{
	struct object_id id = use->object->id;
	struct tx_read read;
	int rc;

	if (use->tx == NULL)
		return objio_fetch(use->objio, id, dkey, akeys, akey_count, use_view(use),
				   conditions, want_runs);
	for (;;) {
		rc = read_begin(use, &read);
		if (rc)
			return rc;
		rc = objio_fetch(use->objio, id, dkey, akeys, akey_count, &read.view, conditions,
				 want_runs);
		rc = tx_read_end(use->tx, &read, rc);
		if (rc <= 0)
			return rc;
		drop_runs(use, akeys, akey_count);
	}
}

/* What is handed out entry by entry could not be taken back: its epoch is drawn before. */
int
use_list(struct object_use *use, uint32_t level, struct objio_key dkey, struct objio_key akey,
	 uint32_t limit, struct objio_position *position,
	 int (*visit)(void *argument, const struct objio_entry *entry), void *argument)
{
	struct object_id id = use->object->id;
	struct tx_read read;
	int rc;

	if (use->tx == NULL)
		return objio_list(use->objio, id, level, dkey, akey, use_view(use), limit, position,
				  visit, argument);
	rc = read_begin(use, &read);
	if (rc == 0 && read.draws)
		rc = draw(use, &read);
	if (rc)
		return rc;
	rc = objio_list(use->objio, id, level, dkey, akey, &read.view, limit, position, visit,
			argument);
	return tx_read_end(use->tx, &read, rc);
}

int
use_query_key(struct object_use *use, uint32_t flags, struct objio_key dkey, struct objio_key akey,
	      struct proto_object_queried *ret_result)
{
	struct object_id id = use->object->id;
	struct tx_read read;
	int rc;

	if (use->tx == NULL)
		return objio_query_key(use->objio, id, flags, dkey, akey, use_view(use),
				       ret_result);
	do {
		rc = read_begin(use, &read);
		if (rc)
			return rc;
		rc = objio_query_key(use->objio, id, flags, dkey, akey, &read.view, ret_result);
		rc = tx_read_end(use->tx, &read, rc);
	} while (rc > 0);
	return rc;
}

/* ------------------------------------------------ writes: one block per change */

/* Hands out the parts of a change's block. */
struct block {
	uint8_t *next;
};

static void *
block_take(struct block *block, size_t bytes)
{
	void *place = block->next;

	block->next += align_up(bytes, sizeof(uint64_t));
	return place;
}

static struct objio_key
copy_key(struct block *block, struct objio_key key)
{
	void *copy = block_take(block, key.length);

	if (key.length > 0)
		memcpy(copy, key.data, key.length);
	return (struct objio_key){copy, key.length};
}

static size_t
key_room(struct objio_key key)
{
	return align_up((size_t)key.length, sizeof(uint64_t));
}

static size_t
akey_room(const struct objio_akey *akey, bool zero_copy)
{
	size_t payload =
		zero_copy ? akey->payload_count * sizeof(struct iovec)
			  : sizeof(struct iovec) + iov_length(akey->payload, akey->payload_count);

	return sizeof(*akey) + key_room(akey->key) +
	       (akey->type == DAOS_IOD_ARRAY ? akey->extent_count * sizeof(struct proto_extent)
					     : 0) +
	       align_up(payload, sizeof(uint64_t));
}

static void
copy_payload(struct block *block, const struct objio_akey *from, bool zero_copy,
	     struct objio_akey *to)
{
	size_t length = iov_length(from->payload, from->payload_count);
	uint32_t count = zero_copy ? from->payload_count : 1;
	struct iovec *iov = block_take(block, count * sizeof(*iov));

	to->payload = iov;
	to->payload_count = length > 0 ? count : 0;
	if (length == 0)
		return;
	if (zero_copy) {
		memcpy(iov, from->payload, count * sizeof(*iov));
		return;
	}
	*iov = (struct iovec){block_take(block, length), length};
	iov_copy_out(from->payload, from->payload_count, 0, iov->iov_base, length);
}

static void
copy_akey(struct block *block, const struct objio_akey *from, bool zero_copy, struct objio_akey *to)
{
	*to = *from;
	to->key = copy_key(block, from->key);
	to->runs = NULL;
	if (from->type == DAOS_IOD_ARRAY) {
		size_t bytes = from->extent_count * sizeof(*from->extents);

		to->extents = memcpy(block_take(block, bytes), from->extents, bytes);
	} else {
		to->extents = NULL;
		to->extent_count = 0;
	}
	copy_payload(block, from, zero_copy, to);
}

static struct tx_change *
change_alloc(struct object_use *use, size_t room, uint32_t kind, uint32_t conditions,
	     struct block *ret_block)
{
	struct tx_change *change = client_alloc(sizeof(*change) + room);

	if (change == NULL)
		return NULL;
	*change = (struct tx_change){
		.change = {.kind = kind, .conditions = conditions, .id = use->object->id}};
	ret_block->next = (uint8_t *)(change + 1);
	return change;
}

static int
keep_update(struct object_use *use, struct objio_key dkey, const struct objio_akey *akeys,
	    uint32_t count, uint32_t conditions)
{
	bool zero_copy = use->tx->zero_copy;
	size_t room = key_room(dkey);
	uint64_t bytes = 0;
	struct tx_change *change;
	struct objio_akey *copies;
	struct block block;

	for (uint32_t i = 0; i < count; i++) {
		room += akey_room(&akeys[i], zero_copy);
		bytes += iov_length(akeys[i].payload, akeys[i].payload_count);
	}
	/* What is too much is not copied first. */
	change = bytes > PROTO_COMMIT_PAYLOAD_MAX
			 ? change_alloc(use, 0, PROTO_CHANGE_UPDATE, 0, &block)
			 : change_alloc(use, room, PROTO_CHANGE_UPDATE, conditions, &block);
	if (change == NULL || bytes > PROTO_COMMIT_PAYLOAD_MAX)
		return tx_keep(use->tx, change, bytes);
	copies = block_take(&block, count * sizeof(*copies));
	change->change.dkey = copy_key(&block, dkey);
	change->change.akeys = copies;
	change->change.count = count;
	for (uint32_t i = 0; i < count; i++)
		copy_akey(&block, &akeys[i], zero_copy, &copies[i]);
	return tx_keep(use->tx, change, bytes);
}

static int
keep_punch(struct object_use *use, uint32_t kind, struct objio_key dkey,
	   const struct objio_key *keys, uint32_t count, uint32_t conditions)
{
	size_t room = key_room(dkey) + count * sizeof(*keys);
	struct tx_change *change;
	struct objio_key *copies;
	struct block block;

	for (uint32_t i = 0; i < count; i++)
		room += key_room(keys[i]);
	change = change_alloc(use, room, kind, conditions, &block);
	if (change == NULL)
		return tx_keep(use->tx, NULL, 0);
	copies = block_take(&block, count * sizeof(*copies));
	change->change.dkey = copy_key(&block, dkey);
	change->change.keys = copies;
	change->change.count = count;
	for (uint32_t i = 0; i < count; i++)
		copies[i] = copy_key(&block, keys[i]);
	return tx_keep(use->tx, change, 0);
}

/* ------------------------------------------------ writes */

int
use_update(struct object_use *use, struct objio_key dkey, struct objio_akey *akeys,
	   uint32_t akey_count, uint32_t conditions)
{
	if (use->tx)
		return keep_update(use, dkey, akeys, akey_count, conditions);
	return objio_update(use->objio, use->object->id, dkey, akeys, akey_count, conditions);
}

static int
note_any(void *argument, const struct objio_entry *entry)
{
	(void)entry;
	*(bool *)argument = true;
	return 0;
}

/* An object of several groups exists if anything is in one of them. */
static int
check_exists(struct object_use *use)
{
	struct objio_position position = {.end = false};
	const struct objio_key none = {0};
	bool found = false;
	int rc = use_list(use, PROTO_LIST_DKEYS, none, none, 1, &position, note_any, &found);

	return rc == 0 && !found ? -DER_NONEXIST : rc;
}

int
use_punch_object(struct object_use *use, uint32_t conditions)
{
	const struct objio_key none = {0};
	int rc;

	if (use->tx == NULL)
		return objio_punch_object(use->objio, use->object->id, conditions);
	if (conditions != 0 &&
	    placement_groups(&use->object->container->pool->placement, use->object->id) > 1) {
		rc = check_exists(use);
		if (rc)
			return rc;
		conditions = 0;
	}
	return keep_punch(use, PROTO_CHANGE_PUNCH_OBJECT, none, NULL, 0, conditions);
}

int
use_punch_dkeys(struct object_use *use, const struct objio_key *dkeys, uint32_t count,
		uint32_t conditions)
{
	if (use->tx)
		return keep_punch(use, PROTO_CHANGE_PUNCH_DKEYS, (struct objio_key){0}, dkeys,
				  count, conditions);
	return objio_punch_dkeys(use->objio, use->object->id, dkeys, count, conditions);
}

int
use_punch_akeys(struct object_use *use, struct objio_key dkey, const struct objio_key *akeys,
		uint32_t count, uint32_t conditions)
{
	if (use->tx)
		return keep_punch(use, PROTO_CHANGE_PUNCH_AKEYS, dkey, akeys, count, conditions);
	return objio_punch_akeys(use->objio, use->object->id, dkey, akeys, count, conditions);
}
