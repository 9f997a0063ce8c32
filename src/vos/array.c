/* SPDX-License-Identifier: BSD-2-Clause-Patent */
/*
 * Arrays. What is current is a tree of disjoint extents by first record: a write cuts or removes
 * what it covers, so that reading the newest state takes logarithmic time however often it was
 * overwritten. What was covered goes to the history: by first record, then by epoch. A read at an
 * older epoch takes from the current extents those that are old enough, and for the rest the newest
 * old enough from the history.
 *
 * A write that covers more extents than one transaction can cut first moves those that it covers
 * whole to the history in several steps ("displaced"), while they are still what a read sees; the
 * akey is marked, and reads then look into the history for what is missing among the current
 * extents.
 */
#include "vos/private.h"

static const struct btree_kind *const extents_kind = &tree_kinds[TREE_EXTENTS];
static const struct btree_kind *const history_kind = &tree_kinds[TREE_HISTORY];
static const struct btree_kind *const versions_kind = &tree_kinds[TREE_VERSIONS];

/* So many are counted of those that a write covers: more than any write may cut. */
#define OVERLAPS_COUNT (OVERLAPS_MAX + 2 * VOS_EXTENTS_MAX)

static uint64_t
extents_of(uint64_t akey)
{
	return akey + offsetof(struct akey_record, value.array.extents);
}

static uint64_t
versions_of(uint64_t history)
{
	return history + offsetof(struct history_record, versions);
}

static int
extent_get(struct pin *pin, uint64_t offset, const struct extent_record **ret_extent)
{
	const struct extent_record *extent = heap_at(pin, offset, sizeof(*extent));

	if (!extent)
		return pin_outcome(pin);
	if (extent->type != RECORD_EXTENT || extent->version != RECORD_VERSION ||
	    extent->count == 0)
		return error_raise(-DER_IO, "the heap is damaged: no extent at %llu",
				   (unsigned long long)offset);
	*ret_extent = extent;
	return 0;
}

static struct piece
piece_of(uint64_t start, const struct extent_record *extent)
{
	return (struct piece){start, extent->count, extent->epoch,
			      extent->flags & EXTENT_HOLE ? 0 : extent->blob};
}

/* ------------------------------------------------ walking what is current */

/* The current extents that meet [from, to). */
struct walk {
	struct pin *pin;
	uint64_t root;
	uint64_t from, to;
	struct btree_cursor cursor;
	bool started;
};

/* The next one, whole. -DER_NONEXIST at the end. */
static int
walk_next(struct walk *walk, struct piece *ret_piece)
{
	const struct extent_record *extent;
	int rc;

	for (;;) {
		if (walk->started) {
			rc = btree_next(walk->pin, extents_kind, walk->root, &walk->cursor);
		} else {
			rc = btree_find(walk->pin, extents_kind, walk->root, walk->from, NULL,
					BTREE_AT_MOST, &walk->cursor);
			if (rc == -DER_NONEXIST)
				rc = btree_first(walk->pin, extents_kind, walk->root,
						 &walk->cursor);
			walk->started = true;
		}
		if (rc != 0)
			return rc;
		if (walk->cursor.order >= walk->to)
			return -DER_NONEXIST;
		rc = extent_get(walk->pin, walk->cursor.record, &extent);
		if (rc != 0)
			return rc;
		if (walk->cursor.order + extent->count > walk->from) {
			*ret_piece = piece_of(walk->cursor.order, extent);
			return 0;
		}
	}
}

/* ------------------------------------------------ writing */

void
array_need(struct edit *edit, uint32_t extents)
{
	edit_need_many(edit, TREE_EXTENTS, edit->vos->depths[TREE_EXTENTS], extents);
	edit->need.log_bytes += extents * (uint32_t)sizeof(struct extent_record) +
				2 * (uint32_t)sizeof(struct akey_record);
}

void
array_overlaps_need(struct edit *edit, uint32_t overlaps)
{
	/* Each is shortened or removed, perhaps leaves a rest behind, and a part of it goes to the
	 * history. */
	for (uint32_t i = 0; i < overlaps; i++) {
		edit_need(edit, TREE_EXTENTS);
		edit_need(edit, TREE_HISTORY);
		edit_need(edit, TREE_VERSIONS);
		edit->need.log_bytes += 4 * sizeof(struct extent_record) + 8;
	}
}

/* Pins what extent_retire() of a part that begins at start changes. */
static int
retire_probe(struct edit *edit, uint64_t akey, uint64_t start, uint64_t epoch)
{
	struct btree_cursor cursor;
	int rc = edit_probe(edit, TREE_HISTORY, children_of(akey), start, NULL, false, &cursor);

	if (rc == -DER_EXIST)
		return edit_probe_new(edit, TREE_VERSIONS, versions_of(cursor.record), epoch, NULL);
	return rc == -DER_NONEXIST ? 0 : rc;
}

/* Pins an extent that [start, end) covers, and what cutting it changes. */
static int
cut_probe(struct edit *edit, uint64_t akey, const struct piece *piece, uint64_t start, uint64_t end)
{
	const struct blob *blob;
	struct btree_cursor cursor;
	uint64_t orders[] = {piece->start, end};
	int rc = retire_probe(edit, akey, max_of(piece->start, start), piece->epoch);

	for (uint32_t i = 0; rc == 0 && i < ARRAY_SIZE(orders); i++) {
		rc = edit_probe(edit, TREE_EXTENTS, extents_of(akey), orders[i], NULL, false,
				&cursor);
		if (rc == -DER_EXIST || rc == -DER_NONEXIST)
			rc = 0;
	}
	if (rc == 0 && piece->blob != 0)
		rc = blob_get(edit_pin(edit), piece->blob, &blob);
	return rc;
}

int
array_check(struct edit *edit, uint64_t akey, const struct value_plan *value, uint32_t *overlaps)
{
	struct walk walk = {
		.pin = edit_pin(edit), .from = value->start, .to = value->start + value->count};
	const struct akey_record *record;
	struct btree_cursor cursor;
	struct piece piece;
	int rc;

	if (akey == 0)
		return 0;
	rc = akey_get(edit_pin(edit), akey, &record);
	if (rc != 0)
		return rc;
	walk.root = extents_of(akey);
	while ((rc = walk_next(&walk, &piece)) == 0) {
		if (piece.epoch >= edit->epoch)
			return -DER_TX_RESTART;
		/* Beyond what was reserved for they are only counted. */
		if (++*overlaps > edit->budget.overlaps) {
			if (*overlaps > OVERLAPS_COUNT)
				break;
			continue;
		}
		edit->stales = true;
		rc = cut_probe(edit, akey, &piece, value->start, value->start + value->count);
		if (rc != 0)
			return rc;
	}
	if (rc != 0 && rc != -DER_NONEXIST)
		return rc;
	if (*overlaps > edit->budget.overlaps) {
		edit->budget.overlaps = *overlaps;
		return EDIT_AGAIN;
	}
	rc = edit_probe(edit, TREE_EXTENTS, walk.root, value->start, NULL, false, &cursor);
	return rc == -DER_NONEXIST || rc == -DER_EXIST ? 0 : rc;
}

static void
extent_add(struct edit *edit, uint64_t root, const struct btree_kind *kind, uint64_t order,
	   const struct piece *piece, uint64_t near)
{
	uint64_t offset;

	btree_insert(&edit->tx, kind, root, order, NULL, near, &offset);
	*(struct extent_record *)tx_change(&edit->tx, offset, sizeof(struct extent_record)) =
		(struct extent_record){
			.type = RECORD_EXTENT,
			.version = RECORD_VERSION,
			.flags = piece->blob == 0 ? EXTENT_HOLE : 0,
			.count = piece->count,
			.epoch = piece->epoch,
			.blob = piece->blob,
		};
}

/* Puts a part of what was current into the history. */
static void
extent_retire(struct edit *edit, uint64_t akey, const struct piece *piece)
{
	struct akey_record *record = tx_change(&edit->tx, akey, sizeof(*record));
	struct history_record *history;
	struct btree_cursor cursor;
	uint64_t offset;
	int rc = btree_find(edit_pin(edit), history_kind, children_of(akey), piece->start, NULL,
			    BTREE_EQUAL, &cursor);

	record->value.array.longest = max_of(record->value.array.longest, piece->count);
	record->entity.flags |= ENTITY_STALE;
	if (rc == 0) {
		offset = cursor.record;
	} else {
		btree_insert(&edit->tx, history_kind, children_of(akey), piece->start, NULL, akey,
			     &offset);
		history = tx_change(&edit->tx, offset, sizeof(*history));
		history->type = RECORD_HISTORY;
		history->version = RECORD_VERSION;
	}
	extent_add(edit, versions_of(offset), versions_kind, piece->epoch, piece, akey);
}

/* Makes room for [start, end) in the extent `piece`, which meets it. */
static void
extent_cut(struct edit *edit, uint64_t akey, const struct piece *piece, uint64_t start,
	   uint64_t end)
{
	uint64_t piece_end = piece->start + piece->count, root = extents_of(akey);
	struct piece middle = *piece, right = *piece;
	struct btree_cursor cursor;
	int rc = btree_find(edit_pin(edit), extents_kind, root, piece->start, NULL, BTREE_EQUAL,
			    &cursor);

	if (rc != 0) {
		tx_damaged(&edit->tx);
		return;
	}
	if (piece->start < start && piece_end > end)
		REACHED("vos: the middle of an extent is overwritten");
	else if (piece->start < start)
		REACHED("vos: the end of an extent is overwritten");
	else if (piece_end > end)
		REACHED("vos: the beginning of an extent is overwritten");
	if (piece->start < start) {
		*(uint64_t *)tx_change(&edit->tx,
				       cursor.record + offsetof(struct extent_record, count),
				       sizeof(uint64_t)) = start - piece->start;
		blob_reference(&edit->tx, piece->blob);
	} else {
		btree_remove(&edit->tx, extents_kind, root, piece->start, NULL);
	}
	if (piece_end > end) {
		right.start = end;
		right.count = piece_end - end;
		extent_add(edit, root, extents_kind, end, &right, akey);
		if (!BUG(11))
			blob_reference(&edit->tx, piece->blob);
	}
	middle.start = max_of(piece->start, start);
	middle.count = min_of(piece_end, end) - middle.start;
	extent_retire(edit, akey, &middle);
}

/* Cuts everything out of [start, end); true if there was something. */
static bool
extents_clear(struct edit *edit, uint64_t akey, uint64_t start, uint64_t end)
{
	uint64_t last = 0;
	bool found = false;

	for (;;) {
		struct walk walk = {
			.pin = edit_pin(edit), .root = extents_of(akey), .from = start, .to = end};
		struct piece piece;
		int rc = walk_next(&walk, &piece);

		/* What was cut out is not found again, but in a damaged tree. */
		if ((rc != 0 && rc != -DER_NONEXIST) || (rc == 0 && found && piece.start <= last)) {
			tx_damaged(&edit->tx);
			return found;
		}
		if (rc != 0)
			return found;
		last = piece.start;
		extent_cut(edit, akey, &piece, start, end);
		found = true;
	}
}

/* One extent replaced by one of the same place: only its content changes. */
static bool
extent_replace(struct edit *edit, uint64_t akey, const struct piece *piece)
{
	const struct extent_record *extent;
	struct extent_record *changed;
	struct btree_cursor cursor;
	struct piece old;
	int rc = btree_find(edit_pin(edit), extents_kind, extents_of(akey), piece->start, NULL,
			    BTREE_EQUAL, &cursor);

	if (rc != 0 || extent_get(edit_pin(edit), cursor.record, &extent) != 0 ||
	    extent->count != piece->count)
		return false;
	old = piece_of(piece->start, extent);
	changed = tx_change(&edit->tx, cursor.record, sizeof(*changed));
	changed->flags = piece->blob == 0 ? EXTENT_HOLE : 0;
	changed->epoch = piece->epoch;
	changed->blob = piece->blob;
	extent_retire(edit, akey, &old);
	return true;
}

bool
array_apply(struct edit *edit, uint64_t akey, const struct value_plan *value)
{
	struct akey_record *record = tx_change(&edit->tx, akey, sizeof(*record));
	struct piece piece = {.start = value->start, .count = value->count, .epoch = edit->epoch};
	bool found;

	record->entity.value = VOS_ARRAY;
	if (!value->hole) {
		record->record_size = value->record_size;
		piece.blob = blob_create(&edit->tx, value, akey);
	}
	if (extent_replace(edit, akey, &piece))
		return true;
	found = extents_clear(edit, akey, piece.start, piece.start + piece.count);
	extent_add(edit, extents_of(akey), extents_kind, piece.start, &piece, akey);
	return found;
}

/* ------------------------------------------------ displacing */

int
array_displace_check(struct edit *edit, uint64_t akey, uint64_t start, uint64_t count,
		     uint32_t *ret_moved)
{
	struct walk walk = {.pin = edit_pin(edit),
			    .root = extents_of(akey),
			    .from = start,
			    .to = start + count};
	const struct akey_record *record;
	struct piece piece;
	uint32_t moved = 0;
	int rc = akey_get(edit_pin(edit), akey, &record);

	while (rc == 0 && moved < OVERLAPS_MAX && (rc = walk_next(&walk, &piece)) == 0) {
		if (piece.start < start || piece.start + piece.count > start + count)
			continue;
		rc = cut_probe(edit, akey, &piece, start, start + count);
		moved++;
	}
	if (rc != 0 && rc != -DER_NONEXIST)
		return rc;
	*ret_moved = moved;
	return 0;
}

void
array_displace_apply(struct edit *edit, uint64_t akey, uint64_t start, uint64_t count)
{
	for (uint32_t moved = 0; moved < OVERLAPS_MAX; moved++) {
		struct walk walk = {.pin = edit_pin(edit),
				    .root = extents_of(akey),
				    .from = start,
				    .to = start + count};
		struct piece piece;
		int rc;

		while ((rc = walk_next(&walk, &piece)) == 0)
			if (piece.start >= start && piece.start + piece.count <= start + count)
				break;
		if (rc != 0 && rc != -DER_NONEXIST)
			tx_damaged(&edit->tx);
		if (rc != 0)
			return;
		REACHED("vos: an extent is moved out of the way of a large write");
		btree_remove(&edit->tx, extents_kind, extents_of(akey), piece.start, NULL);
		extent_retire(edit, akey, &piece);
		entity_mark(edit, akey, ENTITY_DISPLACED | ENTITY_STALE);
	}
}

/* ------------------------------------------------ reading */

void
piece_list_fini(struct piece_list *list)
{
	arena_free(list->arena, list->pieces);
	list->pieces = NULL;
	list->count = 0;
	list->capacity = 0;
}

int
piece_list_add(struct piece_list *list, struct piece piece)
{
	struct piece *pieces;

	if (list->count == list->capacity) {
		uint32_t capacity = max_of(list->capacity * 2, 16u);

		pieces = arena_realloc(list->arena, list->pieces, capacity * sizeof(*pieces));
		if (!pieces)
			return error_raise(-DER_NOMEM, "no memory for %u parts of an array",
					   capacity);
		list->pieces = pieces;
		list->capacity = capacity;
	}
	list->pieces[list->count++] = piece;
	return 0;
}

static struct piece
piece_clip(struct piece piece, uint64_t from, uint64_t to)
{
	uint64_t start = max_of(piece.start, from), end = min_of(piece.start + piece.count, to);

	piece.start = start;
	piece.count = end > start ? end - start : 0;
	return piece;
}

/* How a read sees an akey. */
struct view {
	struct pin *pin;
	uint64_t akey;
	uint64_t epoch, bound;
	uint64_t longest;
	bool history; /* the history may be needed */
	bool displaced;
};

static int
view_init(struct view *view, struct pin *pin, uint64_t akey, uint64_t epoch, uint64_t bound)
{
	const struct akey_record *record;
	int rc = akey_get(pin, akey, &record);

	if (rc != 0)
		return rc;
	*view = (struct view){
		.pin = pin,
		.akey = akey,
		.epoch = epoch,
		.bound = bound,
		.longest = record->value.array.longest,
		.displaced = (record->entity.flags & ENTITY_DISPLACED) != 0,
	};
	view->history = record->entity.children.count > 0 &&
			(view->displaced || epoch < record->entity.written);
	return 0;
}

/* Candidates among the versions that begin at one record. */
static int
versions_collect(const struct view *view, uint64_t start, uint64_t versions, uint64_t from,
		 uint64_t to, struct piece_list *candidates)
{
	const struct extent_record *extent;
	struct btree_cursor cursor;
	int rc = btree_find(view->pin, versions_kind, versions, view->epoch, NULL, BTREE_AT_MOST,
			    &cursor);

	while (rc == 0 && cursor.order > view->bound) {
		struct piece piece;

		rc = extent_get(view->pin, cursor.record, &extent);
		if (rc != 0)
			return rc;
		piece = piece_clip(piece_of(start, extent), from, to);
		if (piece.count > 0)
			rc = piece_list_add(candidates, piece);
		/* Only where extents were displaced can an older one reach beyond a newer one of
		 * the same start. */
		if (rc != 0 || !view->displaced)
			return rc;
		rc = btree_previous(view->pin, versions_kind, versions, &cursor);
	}
	return rc == -DER_NONEXIST ? 0 : rc;
}

static int
history_collect(const struct view *view, uint64_t from, uint64_t to, struct piece_list *candidates)
{
	uint64_t first = from > view->longest ? from - view->longest : 0,
		 root = children_of(view->akey);
	struct btree_cursor cursor;
	int rc = btree_find(view->pin, history_kind, root, first, NULL, BTREE_AT_LEAST, &cursor);

	while (rc == 0 && cursor.order < to) {
		if (!heap_at(view->pin, cursor.record, sizeof(struct history_record)))
			return pin_outcome(view->pin);
		rc = versions_collect(view, cursor.order, versions_of(cursor.record), from, to,
				      candidates);
		if (rc == 0)
			rc = btree_next(view->pin, history_kind, root, &cursor);
	}
	return rc == -DER_NONEXIST ? 0 : rc;
}

/* Adds piece, or lengthens the last one where it goes on. */
static int
piece_list_join(struct piece_list *list, struct piece piece)
{
	struct piece *last = list->count > 0 ? &list->pieces[list->count - 1] : NULL;

	if (last && last->start + last->count == piece.start && last->epoch == piece.epoch &&
	    last->blob == piece.blob) {
		last->count += piece.count;
		return 0;
	}
	return piece_list_add(list, piece);
}

/* Drops what ends at or before `at` and finds the newest of the rest. */
static const struct piece *
active_newest(struct piece_list *active, uint64_t at)
{
	const struct piece *newest = NULL;
	uint32_t kept = 0;

	for (uint32_t i = 0; i < active->count; i++)
		if (active->pieces[i].start + active->pieces[i].count > at)
			active->pieces[kept++] = active->pieces[i];
	active->count = kept;
	for (uint32_t i = 0; i < kept; i++)
		if (!newest || active->pieces[i].epoch > newest->epoch)
			newest = &active->pieces[i];
	return newest;
}

/* Adds to list the newest of candidates, which ascend by start, at each record of [from, to). */
static int
candidates_paint(const struct piece_list *candidates, uint64_t from, uint64_t to,
		 struct piece_list *list)
{
	struct piece_list active = {.arena = list->arena};
	uint32_t next = 0;
	int rc = 0;

	while (rc == 0 && from < to) {
		const struct piece *newest;
		uint64_t end = to;

		while (rc == 0 && next < candidates->count &&
		       candidates->pieces[next].start <= from)
			rc = piece_list_add(&active, candidates->pieces[next++]);
		newest = active_newest(&active, from);
		if (next < candidates->count)
			end = min_of(end, candidates->pieces[next].start);
		if (newest) {
			end = min_of(end, newest->start + newest->count);
			rc = rc == 0 ? piece_list_join(list, piece_clip(*newest, from, end)) : rc;
		}
		from = end;
	}
	piece_list_fini(&active);
	return rc;
}

/* What the history shows of [from, to), where nothing current is seen. */
static int
gap_fill(const struct view *view, uint64_t from, uint64_t to, struct piece_list *list)
{
	struct piece_list candidates = {.arena = list->arena};
	int rc;

	if (!view->history || from >= to)
		return 0;
	REACHED("vos: a read looks into the history of an array");
	rc = history_collect(view, from, to, &candidates);
	if (rc == 0)
		rc = candidates_paint(&candidates, from, to, list);
	piece_list_fini(&candidates);
	return rc;
}

int
array_look(struct pin *pin, uint64_t akey, uint64_t from, uint64_t to, uint64_t epoch,
	   uint64_t bound, struct piece_list *list)
{
	struct walk walk = {.pin = pin, .root = extents_of(akey), .from = from, .to = to};
	struct view view;
	struct piece piece;
	uint64_t done = from;
	int rc = view_init(&view, pin, akey, epoch, bound);

	while (rc == 0 && (rc = walk_next(&walk, &piece)) == 0) {
		if (piece.epoch > epoch || (piece.epoch <= bound && !BUG(8)))
			continue;
		piece = piece_clip(piece, from, to);
		rc = gap_fill(&view, done, piece.start, list);
		if (rc == 0)
			rc = piece_list_add(list, piece);
		done = piece.start + piece.count;
		if (rc == 0 && list->limit != 0 && list->count >= list->limit)
			return 0;
	}
	if (rc == -DER_NONEXIST)
		rc = gap_fill(&view, done, to, list);
	return rc;
}

/* As gap_fill(), the last piece first. */
static int
gap_fill_back(const struct view *view, uint64_t from, uint64_t to, struct piece_list *list)
{
	uint32_t first = list->count;
	int rc = gap_fill(view, from, to, list);

	for (uint32_t low = first, high = list->count; low + 1 < high; low++) {
		struct piece piece = list->pieces[low];

		list->pieces[low] = list->pieces[--high];
		list->pieces[high] = piece;
	}
	return rc;
}

int
array_look_back(struct pin *pin, uint64_t akey, uint64_t to, uint64_t epoch, uint64_t bound,
		struct piece_list *list)
{
	struct btree_cursor cursor = {.order = 0};
	uint64_t root = extents_of(akey), done = to;
	struct view view;
	int rc = view_init(&view, pin, akey, epoch, bound);

	if (rc == 0)
		rc = to == 0 ? -DER_NONEXIST
			     : btree_find(pin, extents_kind, root, to - 1, NULL, BTREE_AT_MOST,
					  &cursor);
	while (rc == 0) {
		const struct extent_record *extent;
		struct piece piece;

		rc = extent_get(pin, cursor.record, &extent);
		if (rc != 0)
			return rc;
		piece = piece_clip(piece_of(cursor.order, extent), 0, to);
		if (piece.epoch <= epoch && piece.epoch > bound) {
			rc = gap_fill_back(&view, piece.start + piece.count, done, list);
			if (rc == 0)
				rc = piece_list_add(list, piece);
			done = piece.start;
			if (rc == 0 && list->limit != 0 && list->count >= list->limit)
				return 0;
		}
		if (rc == 0)
			rc = btree_previous(pin, extents_kind, root, &cursor);
	}
	return rc == -DER_NONEXIST ? gap_fill_back(&view, 0, done, list) : rc;
}

/* The edge among what is current; valid where the history is not needed. */
static int
current_edge(struct pin *pin, uint64_t akey, bool last, uint64_t bound, struct piece *ret_piece)
{
	const struct extent_record *extent;
	struct btree_cursor cursor;
	int rc = last ? btree_last(pin, extents_kind, extents_of(akey), &cursor)
		      : btree_first(pin, extents_kind, extents_of(akey), &cursor);

	while (rc == 0) {
		rc = extent_get(pin, cursor.record, &extent);
		if (rc != 0)
			return rc;
		if (extent->epoch > bound && (extent->flags & EXTENT_HOLE) == 0) {
			*ret_piece = piece_of(cursor.order, extent);
			return 0;
		}
		rc = last ? btree_previous(pin, extents_kind, extents_of(akey), &cursor)
			  : btree_next(pin, extents_kind, extents_of(akey), &cursor);
	}
	return rc;
}

/* Pieces looked at together when an edge is searched. */
#define EDGE_BATCH 16u

/* The edge among what is seen, where the history may be needed. */
static int
seen_edge(struct pin *pin, uint64_t akey, bool last, uint64_t epoch, uint64_t bound,
	  struct piece_list *list, struct piece *ret_piece)
{
	uint64_t from = 0, to = UINT64_MAX;
	int rc;

	do {
		list->count = 0;
		rc = last ? array_look_back(pin, akey, to, epoch, bound, list)
			  : array_look(pin, akey, from, to, epoch, bound, list);
		for (uint32_t i = 0; rc == 0 && i < list->count; i++) {
			const struct piece *piece = &list->pieces[i];

			if (piece->blob != 0) {
				*ret_piece = *piece;
				return 0;
			}
			from = piece->start + piece->count;
			to = last ? piece->start : to;
		}
	} while (rc == 0 && list->count >= list->limit);
	return rc == 0 ? -DER_NONEXIST : rc;
}

int
array_edge(struct pin *pin, uint64_t akey, bool last, uint64_t epoch, uint64_t bound,
	   struct arena *arena, struct piece *ret_piece)
{
	struct piece_list list = {.arena = arena, .limit = EDGE_BATCH};
	const struct akey_record *record;
	struct view view;
	int rc = view_init(&view, pin, akey, epoch, bound);

	if (rc == 0)
		rc = akey_get(pin, akey, &record);
	if (rc != 0)
		return rc;
	if (!view.history && epoch >= record->entity.written)
		return current_edge(pin, akey, last, bound, ret_piece);
	rc = seen_edge(pin, akey, last, epoch, bound, &list, ret_piece);
	piece_list_fini(&list);
	return rc;
}
