/* SPDX-License-Identifier: BSD-2-Clause-Patent */
/* The audit of transactions: their records, the changes that are not applied yet, and the values
 * that wait in them. */
#include "vos/audit.h"
#include "vos/intent.h"

static int
record_judge(const struct intent_record *record)
{
	if (record->leads > 1 || (record->participants != 0) != (record->participant_count > 0))
		return audit_refuse("a transaction has %u participants at %#lx",
				    record->participant_count, (unsigned long)record->participants);
	if ((record->first != 0) != (record->last != 0) ||
	    (record->state == INTENT_APPLIED && record->first != 0))
		return audit_refuse("a transaction of state %u has changes from %#lx to %#lx",
				    record->state, (unsigned long)record->first,
				    (unsigned long)record->last);
	return 0;
}

static int
participants_audit(struct audit *audit, const struct intent_record *record)
{
	size_t size = participants_size(record->participant_count);
	const struct participants *participants;
	int rc = 0;

	if (record->participant_count == 0)
		return 0;
	rc = heap_audit_block(audit->heap, record->participants, size);
	if (rc != 0)
		return rc;
	participants = heap_at(audit->pin, record->participants, size);
	if (!participants)
		return pin_outcome(audit->pin);
	if (participants->type != RECORD_PARTICIPANTS || participants->version != RECORD_VERSION ||
	    participants->count != record->participant_count)
		return audit_refuse("no participants at %#lx", (unsigned long)record->participants);
	return 0;
}

/* Claims the blocks of a change and copies what is in them; *offset goes on to the next change. */
static int
blocks_audit(struct audit *audit, uint64_t *offset, uint64_t *ret_last, uint8_t *bytes,
	     uint32_t *ret_length)
{
	const struct intent_block *block;
	uint32_t length = 0;

	for (uint32_t i = 0; i < INTENT_BLOCKS_MAX; i++) {
		size_t size;
		int rc = intent_block_get(audit->pin, *offset, &block);

		if (rc != 0)
			return rc;
		size = sizeof(*block) + block->length;
		rc = heap_audit_block(audit->heap, *offset, size);
		block = rc == 0 ? heap_at(audit->pin, *offset, size) : NULL;
		if (!block)
			return rc != 0 ? rc : pin_outcome(audit->pin);
		memcpy(bytes + length, block + 1, block->length);
		length += block->length;
		*ret_last = *offset;
		*offset = block->next;
		*ret_length = length;
		if ((block->flags & INTENT_BLOCK_LAST) != 0)
			return 0;
	}
	return audit_refuse("a change of a transaction has no end");
}

/* Each value counts one reference, that of the change. */
static int
values_audit(struct audit *audit, const struct stored_change *change)
{
	int rc = 0;

	for (uint32_t i = 0; rc == 0 && i < change->blob_count; i++)
		if (change->blobs[i] != 0)
			rc = audit_waiting_value(audit, change->blobs[i]);
	return rc;
}

static int
change_audit(struct audit *audit, uint64_t *offset, uint64_t *ret_last)
{
	struct arena *arena = audit->vos->arena;
	struct stored_change change = {0};
	uint32_t length = 0;
	uint8_t *bytes = arena_alloc(arena, (size_t)INTENT_BLOCKS_MAX * INTENT_PART_MAX);
	int rc;

	if (!bytes)
		return error_raise(-DER_NOMEM, "no memory for an audit");
	rc = blocks_audit(audit, offset, ret_last, bytes, &length);
	if (rc == 0)
		rc = intent_decode(audit->vos, bytes, length, &change);
	if (rc == 0)
		rc = values_audit(audit, &change);
	change.bytes = bytes;
	intent_unload(audit->vos, &change);
	return rc;
}

int
audit_intent_visit(void *argument, const struct btree_audit_record *entry)
{
	struct audit *audit = argument;
	const struct intent_record *record;
	uint32_t count = 0, left;
	uint64_t offset, last = 0;
	int rc = intent_record_get(audit->pin, entry->offset, &record);

	if (rc == 0)
		rc = audit_uuid_order(audit, &tree_kinds[TREE_INTENTS], entry, &record->id);
	if (rc == 0)
		rc = record_judge(record);
	if (rc == 0)
		rc = participants_audit(audit, record);
	if (rc != 0)
		return rc;
	audit->figures.transactions++;
	for (offset = record->first; rc == 0 && offset != 0 && count < record->change_count;
	     count++)
		rc = change_audit(audit, &offset, &last);
	if (rc != 0)
		return rc;
	left = record->change_count - record->applied;
	if (offset != 0 || last != record->last || count > left ||
	    (count < left &&
	     (record->state == INTENT_PREPARED || record->state == INTENT_COMMITTED)))
		return audit_refuse(
			"a transaction has %u changes left, of %u, of which %u are done", count,
			record->change_count, record->applied);
	return 0;
}
