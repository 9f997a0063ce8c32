/* SPDX-License-Identifier: BSD-2-Clause-Patent */
/* Single values: the newest version in the akey, older ones in a tree by epoch. */
#include "vos/private.h"

static const struct btree_kind *const versions_kind = &tree_kinds[TREE_VERSIONS];

void
single_need(struct edit *edit)
{
	edit_need(edit, TREE_VERSIONS);
	edit->need.log_bytes += 2 * sizeof(struct akey_record);
}

int
single_check(struct edit *edit, uint64_t akey)
{
	const struct akey_record *record;
	int rc;

	if (akey == 0)
		return 0;
	rc = akey_get(edit_pin(edit), akey, &record);
	if (rc != 0 || record->value.newest.type == 0)
		return rc;
	if (record->value.newest.epoch >= edit->epoch)
		return -DER_TX_RESTART;
	edit->stales = true;
	return edit_probe_new(edit, TREE_VERSIONS, children_of(akey), record->value.newest.epoch,
			      NULL);
}

void
single_apply(struct edit *edit, uint64_t akey, const struct value_plan *value)
{
	struct akey_record *record = tx_change(&edit->tx, akey, sizeof(*record));
	struct extent_record old = record->value.newest;
	uint64_t offset;

	if (old.type != 0) {
		btree_insert(&edit->tx, versions_kind, children_of(akey), old.epoch, NULL, akey,
			     &offset);
		*(struct extent_record *)tx_change(&edit->tx, offset, sizeof(old)) = old;
		record->entity.flags |= ENTITY_STALE;
	}
	record->entity.value = VOS_SINGLE;
	record->record_size = value->record_size;
	record->value.newest = (struct extent_record){
		.type = RECORD_EXTENT,
		.version = RECORD_VERSION,
		.flags = value->hole ? EXTENT_HOLE : 0,
		.count = 1,
		.epoch = edit->epoch,
	};
	if (!value->hole)
		record->value.newest.blob = blob_create(&edit->tx, value, akey);
}

int
single_look(struct pin *pin, uint64_t akey, uint64_t epoch, uint64_t bound,
	    struct extent_record *ret_version)
{
	const struct extent_record *version;
	const struct akey_record *record;
	struct btree_cursor cursor;
	int rc = akey_get(pin, akey, &record);

	if (rc != 0)
		return rc;
	version = &record->value.newest;
	if (version->type == 0)
		return -DER_NONEXIST;
	if (version->epoch > epoch) {
		rc = btree_find(pin, versions_kind, children_of(akey), epoch, NULL, BTREE_AT_MOST,
				&cursor);
		if (rc != 0)
			return rc;
		version = heap_at(pin, cursor.record, sizeof(*version));
		if (!version)
			return pin_outcome(pin);
	}
	if (version->epoch <= bound || (version->flags & EXTENT_HOLE) != 0)
		return -DER_NONEXIST;
	blob_expect(pin, version->blob);
	*ret_version = *version;
	return 0;
}
