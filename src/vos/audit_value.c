/* SPDX-License-Identifier: BSD-2-Clause-Patent */
/* The audit of values: extents, versions, histories, and the blobs that they share. */
#include "vos/audit.h"

static const struct btree_kind *const extents_kind = &tree_kinds[TREE_EXTENTS];
static const struct btree_kind *const history_kind = &tree_kinds[TREE_HISTORY];
static const struct btree_kind *const versions_kind = &tree_kinds[TREE_VERSIONS];

/* ------------------------------------------------ blobs */

/* A blob that counts more than one reference. */
struct shared_blob {
	struct table_node node;
	uint64_t offset;
	uint32_t references, left; /* not met yet */
};

static bool
shared_equal(const void *key, const struct table_node *node)
{
	return table_entry(node, struct shared_blob, node)->offset == *(const uint64_t *)key;
}

static int
blob_claim(struct audit *audit, uint64_t offset, const struct blob *blob)
{
	const struct data_extent *extents = blob_extents(blob);
	uint64_t blocks = 0;
	int rc = heap_audit_block(audit->heap, offset, blob_size(blob));

	if (rc == 0 && (blob->flags & BLOB_TAIL) != 0)
		rc = heap_audit_block(audit->heap, blob_tail(blob), blob_tail_size(blob));
	for (uint32_t i = 0; rc == 0 && i < blob_extent_count(blob); i++) {
		rc = heap_audit_extent(audit->heap, extents[i]);
		blocks += extents[i].count;
	}
	if (rc == 0 && (blob->flags & BLOB_DATA) != 0 &&
	    blocks != (blob->length + DISK_BLOCK - 1) / DISK_BLOCK)
		rc = audit_refuse("the value at %#lx has %u bytes in %lu data blocks",
				  (unsigned long)offset, blob->length, (unsigned long)blocks);
	audit->figures.values++;
	audit->figures.bytes += blob->length;
	return rc;
}

/* Claims a shared blob where it is met first. */
static int
blob_share(struct audit *audit, uint64_t offset, const struct blob *blob)
{
	struct arena *arena = audit->vos->arena;
	uint64_t hash = mix64(offset);
	struct table_node *node = table_find(&audit->blobs, hash, shared_equal, &offset);
	struct shared_blob *shared = node ? table_entry(node, struct shared_blob, node) : NULL;

	if (shared && shared->left == 0)
		return audit_refuse("the value at %#lx counts %u references and has more",
				    (unsigned long)offset, blob->references);
	if (shared) {
		shared->left--;
		return 0;
	}
	shared = arena_alloc(arena, sizeof(*shared));
	if (!shared)
		return error_raise(-DER_NOMEM, "no memory for an audit");
	*shared = (struct shared_blob){
		.offset = offset, .references = blob->references, .left = blob->references - 1};
	table_insert(&audit->blobs, hash, &shared->node);
	return blob_claim(audit, offset, blob);
}

int
audit_waiting_value(struct audit *audit, uint64_t offset)
{
	const struct blob *blob;
	int rc = blob_get(audit->pin, offset, &blob);

	if (rc != 0)
		return rc;
	if (blob->references != 1)
		return audit_refuse("the value at %#lx waits in a transaction with %u references",
				    (unsigned long)offset, blob->references);
	return blob_claim(audit, offset, blob);
}

int
audit_blobs_judge(const struct audit *audit)
{
	TABLE_FOR_EACH(node, &audit->blobs) {
		const struct shared_blob *shared = table_entry(node, struct shared_blob, node);

		if (shared->left > 0)
			return audit_refuse("the value at %#lx counts %u references and has %u",
					    (unsigned long)shared->offset, shared->references,
					    shared->references - shared->left);
	}
	return 0;
}

void
audit_blobs_fini(struct audit *audit)
{
	TABLE_FOR_EACH_SAFE(node, &audit->blobs) {
		table_remove(&audit->blobs, node);
		arena_free(audit->vos->arena, table_entry(node, struct shared_blob, node));
	}
	table_fini(&audit->blobs);
}

/* Of versions among the dead: the record of the history that said where they begin is gone. */
#define START_UNKNOWN UINT64_MAX

/* Whether records [start, start + count) lie inside the blob. */
static bool
blob_covers(const struct blob *blob, uint64_t start, uint64_t count)
{
	uint64_t first, end;

	if (start == START_UNKNOWN)
		start = blob->start / blob->record_size;
	if (__builtin_mul_overflow(start, blob->record_size, &first) ||
	    __builtin_mul_overflow(start + count, blob->record_size, &end))
		return false;
	return first >= blob->start && end <= blob->start + blob->length;
}

/* ------------------------------------------------ extents */

/* An extent record at the place start of its akey. */
static int
extent_audit(struct audit *audit, const struct extent_record *extent, uint64_t start)
{
	const struct blob *blob;
	uint64_t end;
	int rc;

	if (extent->type != RECORD_EXTENT || extent->version != RECORD_VERSION ||
	    (extent->flags & ~EXTENT_HOLE) != 0)
		return audit_refuse("record %lu is no extent", (unsigned long)start);
	if (extent->count == 0 || extent->epoch == 0 ||
	    (start != START_UNKNOWN && __builtin_add_overflow(start, extent->count, &end)))
		return audit_refuse("the extent of %lu records from %lu on is impossible",
				    (unsigned long)extent->count, (unsigned long)start);
	if (((extent->flags & EXTENT_HOLE) != 0) != (extent->blob == 0))
		return audit_refuse("the extent from %lu on is hole and value",
				    (unsigned long)start);
	audit->figures.extents++;
	if (extent->blob == 0)
		return 0;
	rc = blob_get(audit->pin, extent->blob, &blob);
	if (rc != 0)
		return rc;
	if (!blob_covers(blob, start, extent->count))
		return audit_refuse(
			"the extent of %lu records from %lu on exceeds its value at %#lx",
			(unsigned long)extent->count, (unsigned long)start,
			(unsigned long)extent->blob);
	return blob->references > 1 ? blob_share(audit, extent->blob, blob)
				    : blob_claim(audit, extent->blob, blob);
}

struct extents_walk {
	struct audit *audit;
	uint64_t written, hidden;
	uint64_t end; /* of the one before */
	bool any_hidden;
};

static int
extents_visit(void *argument, const struct btree_audit_record *record)
{
	struct extents_walk *walk = argument;
	const struct extent_record *extent =
		heap_at(walk->audit->pin, record->offset, sizeof(*extent));
	int rc;

	if (!extent)
		return pin_outcome(walk->audit->pin);
	rc = extent_audit(walk->audit, extent, record->order);
	if (rc == 0 && record->order < walk->end)
		rc = audit_refuse("the extents before and from %lu on overlap",
				  (unsigned long)record->order);
	if (rc == 0 && extent->epoch > walk->written)
		rc = audit_refuse("the extent from %lu on has epoch %lx, its akey %lx",
				  (unsigned long)record->order, (unsigned long)extent->epoch,
				  (unsigned long)walk->written);
	walk->end = record->order + extent->count;
	walk->any_hidden = walk->any_hidden || extent->epoch <= walk->hidden;
	return rc;
}

int
audit_extents(struct audit *audit, uint64_t root, uint64_t written, uint64_t hidden,
	      bool *ret_hidden)
{
	struct extents_walk walk = {.audit = audit, .written = written, .hidden = hidden};
	int rc = btree_audit(audit->heap, extents_kind, root, extents_visit, &walk);

	if (rc == 0)
		*ret_hidden = walk.any_hidden;
	return rc;
}

/* ------------------------------------------------ versions and histories */

struct versions_walk {
	struct audit *audit;
	uint64_t start; /* record; single values: 0; or START_UNKNOWN */
	uint64_t before;
	uint64_t longest;
};

static int
versions_visit(void *argument, const struct btree_audit_record *record)
{
	struct versions_walk *walk = argument;
	const struct extent_record *extent =
		heap_at(walk->audit->pin, record->offset, sizeof(*extent));

	if (!extent)
		return pin_outcome(walk->audit->pin);
	if (extent->epoch != record->order || record->order >= walk->before)
		return audit_refuse(
			"a version of record %lu has epoch %lx where %lx is, before %lx",
			(unsigned long)walk->start, (unsigned long)extent->epoch,
			(unsigned long)record->order, (unsigned long)walk->before);
	if (extent->count > walk->longest)
		return audit_refuse("a version of record %lu has %lu records; the longest has %lu",
				    (unsigned long)walk->start, (unsigned long)extent->count,
				    (unsigned long)walk->longest);
	return extent_audit(walk->audit, extent, walk->start);
}

/* Those of a single value. */
static int
single_versions_audit(struct audit *audit, uint64_t root, uint64_t before)
{
	struct versions_walk walk = {.audit = audit, .before = before, .longest = UINT64_MAX};

	return btree_audit(audit->heap, versions_kind, root, versions_visit, &walk);
}

int
audit_versions(struct audit *audit, uint64_t root)
{
	struct versions_walk walk = {.audit = audit,
				     .start = START_UNKNOWN,
				     .before = UINT64_MAX,
				     .longest = UINT64_MAX};

	return btree_audit(audit->heap, versions_kind, root, versions_visit, &walk);
}

struct history_walk {
	struct audit *audit;
	uint64_t longest;
	uint64_t akey; /* offset, to compare with what is current; 0: not */
};

/* The epoch of what is current at a record; UINT64_MAX where nothing is. */
static int
current_epoch(struct audit *audit, uint64_t akey, uint64_t start, uint64_t *ret_epoch)
{
	uint64_t root = akey + offsetof(struct akey_record, value.array.extents);
	const struct extent_record *extent;
	struct btree_cursor cursor;
	int rc = btree_find(audit->pin, extents_kind, root, start, NULL, BTREE_AT_MOST, &cursor);

	*ret_epoch = UINT64_MAX;
	if (rc != 0)
		return rc == -DER_NONEXIST ? 0 : rc;
	extent = heap_at(audit->pin, cursor.record, sizeof(*extent));
	if (!extent)
		return pin_outcome(audit->pin);
	if (start - cursor.order < extent->count)
		*ret_epoch = extent->epoch;
	return 0;
}

static int
history_visit(void *argument, const struct btree_audit_record *record)
{
	struct history_walk *walk = argument;
	struct audit *audit = walk->audit;
	const struct history_record *history =
		heap_at(audit->pin, record->offset, sizeof(*history));
	struct versions_walk versions = {
		.audit = audit, .start = record->order, .longest = walk->longest};
	uint64_t root = record->offset + offsetof(struct history_record, versions);
	int rc = 0;

	if (!history)
		return pin_outcome(audit->pin);
	if (history->type != RECORD_HISTORY || history->version != RECORD_VERSION ||
	    history->versions.count == 0)
		return audit_refuse("record %lu has no history", (unsigned long)record->order);
	versions.before = UINT64_MAX;
	if (walk->akey != 0)
		rc = current_epoch(audit, walk->akey, record->order, &versions.before);
	return rc == 0 ? btree_audit(audit->heap, versions_kind, root, versions_visit, &versions)
		       : rc;
}

int
audit_history(struct audit *audit, uint64_t root, uint64_t longest, uint64_t akey)
{
	struct history_walk walk = {.audit = audit, .longest = longest, .akey = akey};

	return btree_audit(audit->heap, history_kind, root, history_visit, &walk);
}

/* ------------------------------------------------ akeys */

static int
single_audit(struct audit *audit, const struct akey_record *akey, uint64_t offset)
{
	const struct extent_record *newest = &akey->value.newest;
	int rc;

	if (newest->type == 0 && akey->entity.children.count == 0)
		return 0;
	if (newest->count != 1 || newest->epoch > akey->entity.written)
		return audit_refuse("a single value has %lu records of epoch %lx; its akey %lx",
				    (unsigned long)newest->count, (unsigned long)newest->epoch,
				    (unsigned long)akey->entity.written);
	rc = extent_audit(audit, newest, 0);
	return rc == 0 ? single_versions_audit(audit, children_of(offset), newest->epoch) : rc;
}

static int
array_audit(struct audit *audit, const struct akey_record *akey, uint64_t offset, uint64_t hidden,
	    bool *ret_hidden)
{
	uint64_t extents = offset + offsetof(struct akey_record, value.array.extents);
	bool displaced = (akey->entity.flags & ENTITY_DISPLACED) != 0;
	int rc = audit_extents(audit, extents, akey->entity.written, hidden, ret_hidden);

	if (rc != 0)
		return rc;
	return audit_history(audit, children_of(offset), akey->value.array.longest,
			     displaced ? 0 : offset);
}

int
audit_akey(struct audit *audit, const struct akey_record *akey, uint64_t offset, uint64_t hidden,
	   bool *ret_stale)
{
	bool any_hidden = false;
	int rc;

	switch (akey->entity.value) {
	case VOS_SINGLE:
		rc = single_audit(audit, akey, offset);
		break;
	case VOS_ARRAY:
		rc = array_audit(audit, akey, offset, hidden, &any_hidden);
		break;
	default:
		rc = audit_refuse("an akey has value type %u", akey->entity.value);
		break;
	}
	if (rc == 0)
		*ret_stale = any_hidden || akey->entity.children.count > 0;
	return rc;
}
