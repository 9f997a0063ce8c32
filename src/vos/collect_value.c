/* SPDX-License-Identifier: BSD-2-Clause-Patent */
/* Collecting in values: versions of single values, extents of arrays. */
#include "vos/collect.h"

static const struct btree_kind *const versions_kind = &tree_kinds[TREE_VERSIONS];
static const struct btree_kind *const history_kind = &tree_kinds[TREE_HISTORY];
static const struct btree_kind *const extents_kind = &tree_kinds[TREE_EXTENTS];

/* ------------------------------------------------ all of it */

/* Whether nobody reads what was written before epoch. */
static bool
nobody_before(const struct step *step, uint64_t epoch)
{
	return read_epoch(step, 0) >= epoch;
}

static int
history_plan(struct edit *edit, struct step *step, uint64_t offset, const struct entity *entity)
{
	step->kind = STEP_HISTORY;
	step->entity = offset;
	step->burial = (struct burial){0};
	burial_child(&step->burial, 0, entity->value == VOS_SINGLE ? TREE_VERSIONS : TREE_HISTORY,
		     0, &entity->children);
	return dead_probe(edit);
}

/* ------------------------------------------------ single values */

static int
version_plan(struct edit *edit, struct step *step, uint64_t root, uint64_t order)
{
	const struct extent_record *version;
	struct btree_cursor cursor;
	int rc = edit_probe(edit, TREE_VERSIONS, root, order, NULL, false, &cursor);

	if (rc != -DER_EXIST)
		return rc == -DER_NONEXIST ? -DER_IO : rc;
	version = heap_at(edit_pin(edit), cursor.record, sizeof(*version));
	if (!version)
		return pin_outcome(edit_pin(edit));
	step->kind = STEP_VERSION;
	step->parent = root;
	step->order = order;
	step->burial = (struct burial){0};
	return burial_blob(edit, &step->burial, version->blob);
}

/* The versions from the oldest on; each was replaced by the next one. */
static int
versions_step(struct edit *edit, struct step *step, uint64_t root, uint64_t newest,
	      const struct chain *chain)
{
	struct collector *next = step->next;
	struct btree_cursor cursor;
	int rc = btree_find(edit_pin(edit), versions_kind, root, next->version_epoch, NULL,
			    BTREE_ABOVE, &cursor);

	for (uint32_t i = 0; rc == 0 && i < SCAN_BATCH; i++) {
		uint64_t written = cursor.order, replaced = newest;
		bool shown;
		int looked;

		rc = btree_next(edit_pin(edit), versions_kind, root, &cursor);
		if (rc == 0)
			replaced = cursor.order;
		else if (rc != -DER_NONEXIST)
			return rc;
		looked = chain_shows(edit, step, chain, written, replaced, &shown);
		if (looked != 0)
			return looked;
		if (!shown)
			return version_plan(edit, step, root, written);
		next->version_epoch = written;
		/* Where no punch comes between, all see it until it was replaced. */
		keep_by(step, written,
			written > chain_punched(chain) ? last_read(step, replaced) : 0,
			&next->akey_remaining);
	}
	return rc;
}

/* The newest version may be hidden while older ones are read at snapshots. */
static int
newest_step(struct edit *edit, struct step *step, uint64_t offset, const struct akey_record *akey,
	    const struct chain *chain)
{
	const struct extent_record *newest = &akey->value.newest;
	bool shown;
	int rc;

	if (newest->blob == 0 || newest->epoch > chain_punched(chain))
		return -DER_NONEXIST;
	rc = chain_shows(edit, step, chain, newest->epoch, UINT64_MAX, &shown);
	if (rc != 0)
		return rc;
	if (shown) {
		keep(step, newest->epoch, &step->next->akey_remaining);
		return -DER_NONEXIST;
	}
	step->kind = STEP_NEWEST;
	step->entity = offset;
	step->burial = (struct burial){0};
	return burial_blob(edit, &step->burial, newest->blob);
}

static int
single_step(struct edit *edit, struct step *step, uint64_t offset, const struct akey_record *akey,
	    const struct chain *chain)
{
	uint64_t newest = akey->value.newest.epoch;
	int rc = -DER_NONEXIST;

	if (akey->entity.children.count > 0 && nobody_before(step, newest))
		return history_plan(edit, step, offset, &akey->entity);
	if (akey->entity.children.count > 0)
		rc = versions_step(edit, step, children_of(offset), newest, chain);
	return rc == -DER_NONEXIST ? newest_step(edit, step, offset, akey, chain) : rc;
}

/* ------------------------------------------------ arrays */

/* Whether a read at epoch sees anything of an extent of the history. */
static int
piece_seen(struct edit *edit, const struct chain *chain, uint64_t akey, uint64_t start,
	   const struct extent_record *extent, uint64_t epoch, bool *ret_seen)
{
	struct piece_list list = {.arena = edit->vos->arena};
	uint64_t bound;
	int rc = chain_bound(edit, chain, epoch, &bound);

	*ret_seen = false;
	if (rc == 0 && bound < extent->epoch)
		rc = array_look(edit_pin(edit), akey, start, start + extent->count, epoch, bound,
				&list);
	for (uint32_t i = 0; rc == 0 && i < list.count; i++)
		if (list.pieces[i].epoch == extent->epoch)
			*ret_seen = true;
	piece_list_fini(&list);
	return rc;
}

/*
 * Whether somebody sees anything of an extent of the history. What of it was overwritten at once is
 * seen until then; where it was displaced its parts may have gone at different times, but all of
 * them are seen from the same epoch on.
 */
static int
piece_shows(struct edit *edit, const struct step *step, const struct chain *chain, uint64_t akey,
	    uint64_t start, const struct extent_record *extent, bool *ret_shows)
{
	*ret_shows = true;
	if (extent->epoch > step->next->epoch)
		return 0;
	return piece_seen(edit, chain, akey, start, extent, read_epoch(step, extent->epoch),
			  ret_shows);
}

/* Notes that a part of an array is kept: by the last snapshot before something was written at the
 * same place, if that sees it. */
static int
piece_keep(struct edit *edit, struct step *step, const struct chain *chain, uint64_t akey,
	   const struct btree_cursor *history, const struct btree_cursor *version)
{
	const struct extent_record *extent =
		heap_at(edit_pin(edit), version->record, sizeof(*extent));
	struct btree_cursor following = *version;
	uint64_t last;
	bool seen = false;
	int rc = btree_next(edit_pin(edit), versions_kind,
			    history->record + offsetof(struct history_record, versions),
			    &following);

	if (!extent || (rc != 0 && rc != -DER_NONEXIST))
		return extent ? rc : pin_outcome(edit_pin(edit));
	last = last_read(step, rc == 0 ? following.order : UINT64_MAX);
	rc = 0;
	if (last > read_epoch(step, version->order))
		rc = piece_seen(edit, chain, akey, history->order, extent, last, &seen);
	keep_by(step, version->order, seen ? last : 0, &step->next->akey_remaining);
	return rc;
}

static int
piece_plan(struct edit *edit, struct step *step, uint64_t root, const struct btree_cursor *history,
	   const struct btree_cursor *version)
{
	const struct history_record *record =
		heap_at(edit_pin(edit), history->record, sizeof(*record));
	const struct extent_record *extent =
		heap_at(edit_pin(edit), version->record, sizeof(*extent));
	struct btree_cursor cursor;
	int rc;

	if (!record || !extent)
		return pin_outcome(edit_pin(edit));
	step->kind = STEP_PIECE;
	step->parent = root;
	step->order = history->order;
	step->epoch = version->order;
	step->entity = history->record;
	step->only = record->versions.count == 1;
	step->burial = (struct burial){0};
	rc = edit_probe(edit, TREE_VERSIONS,
			history->record + offsetof(struct history_record, versions), version->order,
			NULL, false, &cursor);
	if (rc == -DER_EXIST)
		rc = edit_probe(edit, TREE_HISTORY, root, history->order, NULL, false, &cursor);
	return rc == -DER_EXIST ? burial_blob(edit, &step->burial, extent->blob) : rc;
}

/* Looks for something to free in the history of an array, from where the collector stands.
 * -DER_NONEXIST at its end. */
static int
history_step(struct edit *edit, struct step *step, uint64_t akey, const struct chain *chain)
{
	struct collector *next = step->next;
	uint64_t root = children_of(akey);
	struct btree_cursor history, version;
	int rc = btree_find(edit_pin(edit), history_kind, root, next->history_start, NULL,
			    BTREE_AT_LEAST, &history);

	for (uint32_t i = 0; rc == 0 && i < SCAN_BATCH; i++) {
		const struct extent_record *extent;
		uint64_t versions = history.record + offsetof(struct history_record, versions);
		bool shown = false;

		if (history.order != next->history_start)
			next->history_epoch = 0;
		next->history_start = history.order;
		rc = btree_find(edit_pin(edit), versions_kind, versions, next->history_epoch, NULL,
				BTREE_ABOVE, &version);
		if (rc == -DER_NONEXIST) {
			rc = btree_next(edit_pin(edit), history_kind, root, &history);
			continue;
		}
		if (rc != 0)
			return rc;
		extent = heap_at(edit_pin(edit), version.record, sizeof(*extent));
		if (!extent)
			return pin_outcome(edit_pin(edit));
		rc = piece_shows(edit, step, chain, akey, history.order, extent, &shown);
		if (rc == 0 && !shown)
			return piece_plan(edit, step, root, &history, &version);
		if (rc == 0)
			rc = piece_keep(edit, step, chain, akey, &history, &version);
		next->history_epoch = version.order;
	}
	return rc;
}

static int
extent_plan(struct edit *edit, struct step *step, uint64_t root, uint64_t order, uint64_t blob)
{
	struct btree_cursor cursor;
	int rc = edit_probe(edit, TREE_EXTENTS, root, order, NULL, false, &cursor);

	step->kind = STEP_EXTENT;
	step->parent = root;
	step->order = order;
	step->burial = (struct burial){0};
	return rc == -DER_EXIST ? burial_blob(edit, &step->burial, blob) : rc;
}

/* Looks for a current extent that a punch hides. -DER_NONEXIST at the end. */
static int
extent_step(struct edit *edit, struct step *step, uint64_t akey, const struct chain *chain)
{
	uint64_t root = akey + offsetof(struct akey_record, value.array.extents);
	uint64_t punched = chain_punched(chain);
	const struct extent_record *extent;
	struct btree_cursor cursor;
	int rc = punched == 0 ? -DER_NONEXIST
			      : btree_find(edit_pin(edit), extents_kind, root,
					   step->next->extent_start, NULL, BTREE_AT_LEAST, &cursor);

	for (uint32_t i = 0; rc == 0 && i < SCAN_BATCH; i++) {
		bool shown = true;

		extent = heap_at(edit_pin(edit), cursor.record, sizeof(*extent));
		if (!extent)
			return pin_outcome(edit_pin(edit));
		step->next->extent_start = cursor.order;
		if (extent->epoch <= punched)
			rc = chain_shows(edit, step, chain, extent->epoch, UINT64_MAX, &shown);
		if (rc == 0 && !shown)
			return extent_plan(edit, step, root, cursor.order, extent->blob);
		if (rc == 0 && extent->epoch <= punched)
			keep(step, extent->epoch, &step->next->akey_remaining);
		if (rc == 0)
			rc = btree_next(edit_pin(edit), extents_kind, root, &cursor);
	}
	return rc;
}

static int
array_step(struct edit *edit, struct step *step, uint64_t offset, const struct akey_record *akey,
	   const struct chain *chain)
{
	bool displaced = (akey->entity.flags & ENTITY_DISPLACED) != 0;
	int rc = -DER_NONEXIST;

	if (akey->entity.children.count > 0 && !displaced &&
	    nobody_before(step, akey->entity.written))
		return history_plan(edit, step, offset, &akey->entity);
	if (akey->entity.children.count > 0)
		rc = history_step(edit, step, offset, chain);
	return rc == -DER_NONEXIST ? extent_step(edit, step, offset, chain) : rc;
}

/* ------------------------------------------------ steps */

int
value_step(struct edit *edit, struct step *step, uint64_t akey, const struct chain *chain)
{
	const struct akey_record *record;
	int rc = akey_get(edit_pin(edit), akey, &record);

	if (rc != 0)
		return rc;
	return record->entity.value == VOS_ARRAY ? array_step(edit, step, akey, record, chain)
						 : single_step(edit, step, akey, record, chain);
}

static void
history_forget(struct edit *edit, const struct step *step)
{
	struct akey_record *akey = tx_change(&edit->tx, step->entity, sizeof(*akey));

	akey->entity.children = (struct btree_root){0};
	if (akey->entity.value == VOS_ARRAY)
		akey->value.array.longest = 0;
}

static void
newest_hide(struct edit *edit, const struct step *step)
{
	struct akey_record *akey = tx_change(&edit->tx, step->entity, sizeof(*akey));

	REACHED("vos: the newest version is collected before older ones");
	akey->value.newest.flags |= EXTENT_HOLE;
	akey->value.newest.blob = 0;
}

static void
piece_remove(struct edit *edit, const struct step *step)
{
	REACHED("vos: one extent of a history is collected");
	btree_remove(&edit->tx, versions_kind,
		     step->entity + offsetof(struct history_record, versions), step->epoch, NULL);
	if (step->only)
		btree_remove(&edit->tx, history_kind, step->parent, step->order, NULL);
}

void
value_step_apply(struct edit *edit, const struct step *step)
{
	if (step->kind == STEP_HISTORY) {
		history_forget(edit, step);
	} else if (step->kind == STEP_VERSION) {
		btree_remove(&edit->tx, versions_kind, step->parent, step->order, NULL);
	} else if (step->kind == STEP_NEWEST) {
		newest_hide(edit, step);
	} else if (step->kind == STEP_PIECE) {
		piece_remove(edit, step);
	} else {
		REACHED("vos: an extent that a punch hides is collected");
		btree_remove(&edit->tx, extents_kind, step->parent, step->order, NULL);
	}
	burial_finish(edit, &step->burial);
}
