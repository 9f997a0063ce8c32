/* SPDX-License-Identifier: BSD-2-Clause-Patent */
/*
 * B+trees inside a heap.
 *
 * A leaf keeps its records where they were put and sorts only their numbers ("places") and order
 * keys, so that an insert logs few bytes. An inner node holds branches (order key, child); the
 * order key of a branch is at most that of the first record beneath it and at least that of every
 * record beneath the branch before. The first branch stands for "all that is smaller". Where a
 * branch's order key equals the wanted one, the first record beneath the branch decides.
 *
 * A search never looks at a leaf for what the order keys of inner nodes decide alone. This makes it
 * safe to change a tree several times after one round of probes: what a later search meets was
 * either pinned by the probes or made since.
 */
#include "media/node.h"

/* What is searched for, and on which side of equal records it stands. */
struct target {
	const struct btree_kind *kind;
	uint64_t order;
	const void *wanted;
	bool after; /* behind equal records; without wanted also behind all of equal order key */
};

/* The way from the top to a leaf; slots[i] is the branch taken, in the leaf the position of the
 * target. */
struct path {
	uint32_t depth;
	uint64_t nodes[BTREE_DEPTH_MAX];
	uint32_t slots[BTREE_DEPTH_MAX];
	const struct node *leaf; /* valid until the next change */
};

/* Fetches what a search looks at behind the header at the same time as the header. */
static void
node_prefetch(const struct node *node)
{
	const char *bytes = (const char *)node;

	__builtin_prefetch(bytes + 64);
	__builtin_prefetch(bytes + 128);
	__builtin_prefetch(bytes + 192);
}

/* The node at offset, or an error as of the pin. */
static int
node_get(struct pin *pin, const struct btree_kind *kind, uint32_t level, uint64_t offset,
	 const struct node **ret_node)
{
	const struct node *node = heap_at(pin, offset, sizeof(*node));

	if (!node)
		return pin_outcome(pin);
	node_prefetch(node);
	if (!node_plausible(kind, level, node))
		return error_raise(-DER_IO, "the heap is damaged: no node of tree %s at %llu",
				   kind->name, (unsigned long long)offset);
	node = heap_at(pin, offset, node_size(kind, level, node->capacity));
	if (!node)
		return pin_outcome(pin);
	if (level == 0 && !places_plausible(node))
		return error_raise(-DER_IO, "the heap is damaged: bad leaf of tree %s at %llu",
				   kind->name, (unsigned long long)offset);
	*ret_node = node;
	return 0;
}

static int
root_get(struct pin *pin, const struct btree_kind *kind, uint64_t root,
	 const struct btree_root **ret_root)
{
	const struct btree_root *top = heap_at(pin, root, sizeof(*top));

	if (!top)
		return pin_outcome(pin);
	if (top->depth > BTREE_DEPTH_MAX || (top->depth == 0) != (top->node == 0))
		return error_raise(-DER_IO, "the heap is damaged: bad root of tree %s at %llu",
				   kind->name, (unsigned long long)root);
	*ret_root = top;
	return 0;
}

/* ------------------------------------------------ search */

/* The sign of the target against a record: negative where the target stands before it. */
static int
target_against(struct pin *pin, const struct target *target, uint64_t order, const void *record,
	       int *ret_sign)
{
	if (target->order != order) {
		*ret_sign = target->order < order ? -1 : 1;
	} else if (!target->kind->compare) {
		*ret_sign = 0;
	} else if (!target->wanted) {
		*ret_sign = target->after ? 1 : -1;
	} else {
		*ret_sign = target->kind->compare(pin, target->wanted, record);
		if (pin->absent_count > 0 || pin->error != 0)
			return pin_outcome(pin);
	}
	return 0;
}

/* The first record beneath a node. */
static int
leftmost(struct pin *pin, const struct btree_kind *kind, uint32_t level, uint64_t offset,
	 const struct node **ret_leaf)
{
	const struct node *node = NULL;
	int rc = node_get(pin, kind, level, offset, &node);

	while (rc == 0 && level > 0)
		rc = node_get(pin, kind, --level, node_branches(node)[0].child, &node);
	if (rc == 0)
		*ret_leaf = node;
	return rc;
}

/* The sign of the target against the first record beneath branch slot of node. */
static int
target_against_branch(struct pin *pin, const struct target *target, const struct node *node,
		      uint32_t slot, int *ret_sign)
{
	const struct branch *branch = &node_branches(node)[slot];
	const struct node *leaf;
	int rc;

	if (target->order != branch->order || !target->kind->compare || !target->wanted)
		return target_against(pin, target, branch->order, NULL, ret_sign);
	rc = leftmost(pin, target->kind, node->level - 1u, branch->child, &leaf);
	if (rc != 0)
		return rc;
	return target_against(pin, target, leaf_order(leaf, 0), leaf_record(target->kind, leaf, 0),
			      ret_sign);
}

/*
 * How many of count order keys in ascending order, `step` bytes apart, are below order. The halves
 * are chosen without a branch: which one is as good as random.
 */
static uint32_t
orders_below(const void *orders, uint32_t step, uint32_t count, uint64_t order)
{
	const uint8_t *base = orders;
	uint32_t left = count;

	if (count == 0)
		return 0;
	while (left > 1) {
		uint32_t half = left / 2;

		base += load_u64(base + (half - 1) * step) < order ? half * step : 0;
		left -= half;
	}
	return (uint32_t)((size_t)(base - (const uint8_t *)orders) / step) +
	       (load_u64(base) < order);
}

/* How many from slot on have just this order key. */
static uint32_t
orders_equal(const void *orders, uint32_t step, uint32_t count, uint32_t slot, uint64_t order)
{
	uint32_t end = slot;

	while (end < count && load_u64((const uint8_t *)orders + end * step) == order)
		end++;
	return end - slot;
}

/* The last branch whose first record is not above the target; the first where there is none. */
static int
branch_find(struct pin *pin, const struct target *target, const struct node *node,
	    uint32_t *ret_slot)
{
	const struct branch *branches = node_branches(node);
	/* The order key of the first says nothing: once branches before it were taken out, it may
	 * be greater than the next one's. */
	uint32_t low =
		orders_below(branches + 1, sizeof(*branches), node->count - 1u, target->order);
	uint32_t high =
		low + 1 +
		orders_equal(branches, sizeof(*branches), node->count, low + 1, target->order);

	while (low + 1 < high) {
		uint32_t middle = (low + high) / 2;
		int sign, rc = target_against_branch(pin, target, node, middle, &sign);

		if (rc != 0)
			return rc;
		if (sign >= 0)
			low = middle;
		else
			high = middle;
	}
	*ret_slot = low;
	return 0;
}

/* The number of records before the target; *ret_equal tells whether the record at that place equals
 * it. */
static int
leaf_find(struct pin *pin, const struct target *target, const struct node *leaf, uint32_t *ret_slot,
	  bool *ret_equal)
{
	const uint8_t *orders = (const uint8_t *)leaf + leaf_orders(leaf->capacity);
	uint32_t low = orders_below(orders, sizeof(uint64_t), leaf->count, target->order);
	uint32_t high =
		low + orders_equal(orders, sizeof(uint64_t), leaf->count, low, target->order);
	bool equal = false;

	while (low < high) {
		uint32_t middle = (low + high) / 2;
		int sign, rc = target_against(pin, target, leaf_order(leaf, middle),
					      leaf_record(target->kind, leaf, middle), &sign);

		if (rc != 0)
			return rc;
		equal |= sign == 0;
		if (sign > 0 || (sign == 0 && target->after))
			low = middle + 1;
		else
			high = middle;
	}
	*ret_slot = low;
	*ret_equal = equal;
	return 0;
}

/* Fills *path down to the leaf where the target stands or would stand. -DER_NONEXIST for an empty
 * tree. */
static int
descend(struct pin *pin, const struct target *target, uint64_t root, struct path *path,
	bool *ret_equal)
{
	const struct btree_root *top;
	const struct node *node;
	uint64_t offset;
	int rc = root_get(pin, target->kind, root, &top);

	if (rc != 0)
		return rc;
	path->depth = top->depth;
	if (top->depth == 0)
		return -DER_NONEXIST;
	offset = top->node;
	for (uint32_t i = 0; i < path->depth; i++) {
		uint32_t level = path->depth - 1 - i;

		rc = node_get(pin, target->kind, level, offset, &node);
		if (rc != 0)
			return rc;
		path->nodes[i] = offset;
		if (level == 0) {
			path->leaf = node;
			return leaf_find(pin, target, node, &path->slots[i], ret_equal);
		}
		rc = branch_find(pin, target, node, &path->slots[i]);
		if (rc != 0)
			return rc;
		offset = node_branches(node)[path->slots[i]].child;
	}
	return 0;
}

static void
cursor_set(const struct btree_kind *kind, uint64_t offset, const struct node *leaf, uint32_t slot,
	   struct btree_cursor *cursor)
{
	cursor->node = offset;
	cursor->slot = slot;
	cursor->order = leaf_order(leaf, slot);
	cursor->record = leaf_record_offset(kind, offset, leaf, slot);
}

/* Puts the cursor on the last (or first) record of the leaf at offset; -DER_NONEXIST when offset is
 * 0. */
static int
cursor_enter(struct pin *pin, const struct btree_kind *kind, uint64_t offset, bool last,
	     struct btree_cursor *cursor)
{
	const struct node *leaf;
	int rc;

	if (offset == 0)
		return -DER_NONEXIST;
	rc = node_get(pin, kind, 0, offset, &leaf);
	if (rc == 0)
		cursor_set(kind, offset, leaf, last ? leaf->count - 1u : 0, cursor);
	return rc;
}

int
btree_find(struct pin *pin, const struct btree_kind *kind, uint64_t root, uint64_t order,
	   const void *wanted, enum btree_match match, struct btree_cursor *ret_cursor)
{
	struct target target = {kind, order, wanted,
				match == BTREE_ABOVE || match == BTREE_AT_MOST};
	struct path path;
	bool equal = false;
	uint32_t slot;
	int rc = descend(pin, &target, root, &path, &equal);

	if (rc != 0)
		return rc;
	slot = path.slots[path.depth - 1];
	if (match == BTREE_EQUAL && !equal)
		return -DER_NONEXIST;
	if (match == BTREE_BELOW || match == BTREE_AT_MOST) {
		if (slot == 0)
			return cursor_enter(pin, kind, path.leaf->previous, true, ret_cursor);
		slot--;
	} else if (slot == path.leaf->count) {
		return cursor_enter(pin, kind, path.leaf->next, false, ret_cursor);
	}
	cursor_set(kind, path.nodes[path.depth - 1], path.leaf, slot, ret_cursor);
	return 0;
}

/* The leaf at one end of the tree. */
static int
end_find(struct pin *pin, const struct btree_kind *kind, uint64_t root, bool last,
	 struct btree_cursor *ret_cursor)
{
	const struct btree_root *top;
	const struct node *node;
	uint64_t offset;
	int rc = root_get(pin, kind, root, &top);

	if (rc != 0)
		return rc;
	offset = top->node;
	for (uint32_t level = top->depth; level > 1; level--) {
		rc = node_get(pin, kind, level - 1, offset, &node);
		if (rc != 0)
			return rc;
		offset = node_branches(node)[last ? node->count - 1u : 0].child;
	}
	return cursor_enter(pin, kind, offset, last, ret_cursor);
}

int
btree_first(struct pin *pin, const struct btree_kind *kind, uint64_t root,
	    struct btree_cursor *ret_cursor)
{
	return end_find(pin, kind, root, false, ret_cursor);
}

int
btree_last(struct pin *pin, const struct btree_kind *kind, uint64_t root,
	   struct btree_cursor *ret_cursor)
{
	return end_find(pin, kind, root, true, ret_cursor);
}

int
btree_next(struct pin *pin, const struct btree_kind *kind, uint64_t root,
	   struct btree_cursor *cursor)
{
	const struct node *leaf;
	int rc = node_get(pin, kind, 0, cursor->node, &leaf);

	(void)root;
	if (rc != 0)
		return rc;
	if (cursor->slot + 1 >= leaf->count)
		return cursor_enter(pin, kind, leaf->next, false, cursor);
	cursor_set(kind, cursor->node, leaf, cursor->slot + 1, cursor);
	return 0;
}

int
btree_previous(struct pin *pin, const struct btree_kind *kind, uint64_t root,
	       struct btree_cursor *cursor)
{
	const struct node *leaf;
	int rc = node_get(pin, kind, 0, cursor->node, &leaf);

	(void)root;
	if (rc != 0)
		return rc;
	if (cursor->slot == 0)
		return cursor_enter(pin, kind, leaf->previous, true, cursor);
	cursor_set(kind, cursor->node, leaf, cursor->slot - 1, cursor);
	return 0;
}

/* ------------------------------------------------ probes */

/* Branches of a new top. */
#define TOP_BRANCHES 4u

void
btree_need_count(const struct btree_kind *kind, uint32_t depth, uint32_t count,
		 struct tx_need *need)
{
	uint32_t leaf = (uint32_t)node_size(kind, 0, kind->node_records);
	uint32_t inner = (uint32_t)node_size(kind, 1, BTREE_BRANCHES);
	uint32_t top = (uint32_t)node_size(kind, 1, TOP_BRANCHES);
	uint32_t inners = depth > 1 ? (depth - 1) * count : 0, leaves = count;

	/*
	 * Each insert may grow or split its leaf, every inner node above likewise, and make a new
	 * top. A tree of one leaf grows a few times and then splits once in half a leaf of inserts.
	 */
	if (depth <= 1) {
		leaves = min_of(count, 2 * count / kind->node_records + 6);
		inners = leaves > 4 ? 2 : 0;
	}
	need->allocations += leaves + inners + min_of(count, 4u);
	need->heap_bytes += leaf * leaves + inner * inners + top * min_of(count, 4u);
	need->largest = max_of(need->largest, inners > 0 ? max_of(leaf, inner) : leaf);
	/* In place: the heads of the leaf and its neighbours, inner nodes, the root, the record. */
	need->log_bytes += inner * inners +
			   ((uint32_t)leaf_records(kind->node_records) + kind->record_size +
			    2 * (uint32_t)sizeof(struct node)) *
				   count +
			   (uint32_t)sizeof(struct btree_root);
}

void
btree_need_depth(const struct btree_kind *kind, uint32_t depth, struct tx_need *need)
{
	btree_need_count(kind, depth, 1, need);
}

void
btree_need(const struct btree_kind *kind, struct tx_need *need)
{
	btree_need_depth(kind, BTREE_DEPTH_MAX, need);
}

/*
 * Pins the neighbours of a leaf, whose links change when it is split, grown or freed. Their bytes,
 * cold as a rule, are not looked at before that happens.
 */
static int
neighbours_pin(struct pin *pin, const struct node *leaf)
{
	if (leaf->previous != 0 && !heap_at(pin, leaf->previous, sizeof(*leaf)))
		return pin_outcome(pin);
	if (leaf->next != 0 && !heap_at(pin, leaf->next, sizeof(*leaf)))
		return pin_outcome(pin);
	return 0;
}

/* Pins the first records beneath all branches of equal order key in the nodes of the path. */
static int
branches_pin(struct pin *pin, const struct target *target, const struct path *path)
{
	const struct node *node;
	int sign, rc = 0;

	for (uint32_t i = 0; rc == 0 && i + 1 < path->depth; i++) {
		rc = node_get(pin, target->kind, path->depth - 1 - i, path->nodes[i], &node);
		for (uint32_t slot = 0; rc == 0 && slot < node->count; slot++)
			rc = target_against_branch(pin, target, node, slot, &sign);
	}
	return rc;
}

/* Whether the top of a tree of the greatest height has no room: an insert might have to raise it.
 */
static bool
top_full(struct pin *pin, const struct btree_kind *kind, const struct path *path)
{
	const struct node *top;

	if (path->depth < BTREE_DEPTH_MAX)
		return false;
	return node_get(pin, kind, path->depth - 1, path->nodes[0], &top) != 0 ||
	       top->count == BTREE_BRANCHES;
}

static int
key_probe(struct tx *tx, const struct target *target, uint64_t root, bool wide,
	  struct btree_cursor *ret_cursor)
{
	struct path path;
	bool equal = false;
	int rc = descend(&tx->pin, target, root, &path, &equal);

	if (rc != 0)
		return rc;
	rc = neighbours_pin(&tx->pin, path.leaf);
	if (rc == 0 && wide)
		rc = branches_pin(&tx->pin, target, &path);
	if (rc != 0)
		return rc;
	if (!equal)
		return top_full(&tx->pin, target->kind, &path) ? -DER_NOSPACE : -DER_NONEXIST;
	cursor_set(target->kind, path.nodes[path.depth - 1], path.leaf, path.slots[path.depth - 1],
		   ret_cursor);
	return -DER_EXIST;
}

int
btree_probe(struct tx *tx, const struct btree_kind *kind, uint64_t root, uint64_t order,
	    const void *wanted, struct btree_cursor *ret_cursor)
{
	struct target target = {kind, order, wanted, false};

	return key_probe(tx, &target, root, false, ret_cursor);
}

int
btree_probe_wide(struct tx *tx, const struct btree_kind *kind, uint64_t root, uint64_t order,
		 const void *wanted, struct btree_cursor *ret_cursor)
{
	struct target target = {kind, order, wanted, false};

	return key_probe(tx, &target, root, true, ret_cursor);
}

/* Fills *path down to the last record. -DER_NONEXIST for an empty tree. */
static int
descend_last(struct pin *pin, const struct btree_kind *kind, uint64_t root, struct path *path)
{
	const struct btree_root *top;
	const struct node *node;
	uint64_t offset;
	int rc = root_get(pin, kind, root, &top);

	if (rc != 0)
		return rc;
	path->depth = top->depth;
	offset = top->node;
	for (uint32_t i = 0; i < path->depth; i++) {
		rc = node_get(pin, kind, path->depth - 1 - i, offset, &node);
		if (rc != 0)
			return rc;
		path->nodes[i] = offset;
		path->slots[i] = node->count - 1u;
		if (node->level > 0)
			offset = node_branches(node)[path->slots[i]].child;
		else
			path->leaf = node;
	}
	return path->depth == 0 ? -DER_NONEXIST : 0;
}

int
btree_probe_last(struct tx *tx, const struct btree_kind *kind, uint64_t root,
		 struct btree_cursor *ret_cursor)
{
	struct path path;
	int rc = descend_last(&tx->pin, kind, root, &path);

	if (rc == 0)
		rc = neighbours_pin(&tx->pin, path.leaf);
	return rc == 0 ? end_find(&tx->pin, kind, root, true, ret_cursor) : rc;
}

/* ------------------------------------------------ changes */

/* One change of one tree. */
struct change {
	struct tx *tx;
	const struct btree_kind *kind;
	uint64_t root;
	uint64_t near;
	struct path path;
	bool damaged; /* a neighbour is not what it should be */
};

/* A node that the probe has checked. */
static const struct node *
node_pinned(const struct change *change, uint32_t level, uint64_t offset)
{
	const struct node *node = NULL;
	int rc = node_get(&change->tx->pin, change->kind, level, offset, &node);

	ASSERT(rc == 0);
	return node;
}

static struct node *
node_header_change(const struct change *change, uint64_t offset)
{
	return tx_change(change->tx, offset, sizeof(struct node));
}

static uint64_t
node_alloc(const struct change *change, uint32_t level, uint32_t capacity, struct node **ret_node)
{
	size_t size = node_size(change->kind, level, capacity);
	uint64_t offset = tx_alloc(change->tx, size, change->near);
	struct node *node = tx_change(change->tx, offset, size);

	node->type = NODE_TYPE;
	node->version = NODE_VERSION;
	node->kind = change->kind->id;
	node->level = (uint8_t)level;
	node->capacity = (uint16_t)capacity;
	*ret_node = node;
	return offset;
}

/* Lets the node above, or the root, point to child instead of the node at path->nodes[i]. */
static void
parent_repoint(struct change *change, uint32_t i, uint64_t child)
{
	uint64_t at = change->root + offsetof(struct btree_root, node);

	if (i > 0)
		at = change->path.nodes[i - 1] + sizeof(struct node) +
		     change->path.slots[i - 1] * sizeof(struct branch) +
		     offsetof(struct branch, child);
	*(uint64_t *)tx_change(change->tx, at, sizeof(uint64_t)) = child;
	change->path.nodes[i] = child;
}

/*
 * The node at offset as a neighbour whose links change. A probe has only made sure that its zone is
 * there; what stands in it is looked at here, where it is needed: in one change of twenty. NULL:
 * not a leaf; the change goes on, as a heap that has failed shows no nodes any more.
 */
static struct node *
neighbour_change(struct change *change, uint64_t offset)
{
	struct node *node = node_header_change(change, offset);

	if (node_plausible(change->kind, 0, node))
		return node;
	change->damaged = true;
	return NULL;
}

static void
neighbours_relink(struct change *change, uint64_t previous, uint64_t new_next, uint64_t next,
		  uint64_t new_previous)
{
	struct node *before = previous != 0 ? neighbour_change(change, previous) : NULL;
	struct node *behind = next != 0 ? neighbour_change(change, next) : NULL;

	if (before)
		before->next = new_next;
	if (behind)
		behind->previous = new_previous;
}

/* The end of a change. */
static void
change_judge(const struct change *change)
{
	if (change->damaged)
		tx_damaged(change->tx);
}

/* Appends the records of slots [from, from + count) of source to the new leaf target. */
static void
leaf_copy(const struct btree_kind *kind, struct node *target, const struct node *source,
	  uint32_t from, uint32_t count)
{
	uint8_t *places = (uint8_t *)(target + 1);

	for (uint32_t i = 0; i < count; i++) {
		uint32_t slot = target->count++;
		uint8_t *base = (uint8_t *)target;

		places[slot] = (uint8_t)slot;
		target->used |= UINT64_C(1) << slot;
		store_u64(base + leaf_orders(target->capacity) + slot * sizeof(uint64_t),
			  leaf_order(source, from + i));
		memcpy(base + leaf_records(target->capacity) + (size_t)slot * kind->record_size,
		       leaf_record(kind, source, from + i), kind->record_size);
	}
}

/* Replaces the node at path->nodes[i] by a copy with room for more. */
static void
node_grow(struct change *change, uint32_t i)
{
	uint32_t level = change->path.depth - 1 - i;
	uint64_t old_offset = change->path.nodes[i];
	const struct node *old = node_pinned(change, level, old_offset);
	struct node *node;
	uint64_t offset = node_alloc(
		change, level, min_of(old->capacity * 2u, node_limit(change->kind, level)), &node);

	old = node_pinned(change, level, old_offset);
	if (level > 0) {
		memcpy(node + 1, old + 1, old->count * sizeof(struct branch));
		node->count = old->count;
	} else {
		leaf_copy(change->kind, node, old, 0, old->count);
		node->previous = old->previous;
		node->next = old->next;
		neighbours_relink(change, old->previous, offset, old->next, offset);
	}
	parent_repoint(change, i, offset);
	tx_free(change->tx, old_offset);
}

/* Cuts a full inner node in two; returns the new right one, whose first branch was number `keep`.
 */
static uint64_t
inner_split(struct change *change, uint32_t i, uint32_t keep, uint64_t *ret_order)
{
	uint32_t level = change->path.depth - 1 - i;
	struct node *right;
	uint64_t offset = node_alloc(change, level, BTREE_BRANCHES, &right);
	const struct node *left = node_pinned(change, level, change->path.nodes[i]);

	right->count = (uint16_t)(left->count - keep);
	memcpy(right + 1, node_branches(left) + keep, right->count * sizeof(struct branch));
	*ret_order = node_branches(left)[keep].order;
	node_header_change(change, change->path.nodes[i])->count = (uint16_t)keep;
	return offset;
}

static void
branch_put(struct change *change, uint32_t i, uint32_t slot, uint64_t order, uint64_t child)
{
	uint32_t level = change->path.depth - 1 - i;
	uint32_t count = node_pinned(change, level, change->path.nodes[i])->count;
	struct node *node = tx_change(change->tx, change->path.nodes[i],
				      sizeof(struct node) + (count + 1) * sizeof(struct branch));
	struct branch *branches = (struct branch *)(node + 1);

	memmove(branches + slot + 1, branches + slot, (count - slot) * sizeof(struct branch));
	branches[slot] = (struct branch){order, child};
	node->count++;
}

/* Puts a new top above the present one, so that path->nodes[0] is the new top with one branch. */
static void
top_raise(struct change *change)
{
	struct path *path = &change->path;
	struct btree_root *root;
	struct node *top;
	uint64_t offset;

	ASSERT(path->depth < BTREE_DEPTH_MAX);
	offset = node_alloc(change, path->depth, TOP_BRANCHES, &top);
	*(struct branch *)(top + 1) = (struct branch){0, path->nodes[0]};
	top->count = 1;
	memmove(path->nodes + 1, path->nodes, path->depth * sizeof(path->nodes[0]));
	memmove(path->slots + 1, path->slots, path->depth * sizeof(path->slots[0]));
	path->depth++;
	path->nodes[0] = offset;
	path->slots[0] = 0;
	root = tx_change(change->tx, change->root, sizeof(*root));
	root->node = offset;
	root->depth = (uint8_t)path->depth;
}

/*
 * Adds a branch behind that taken at path->nodes[i]. A node without room grows or is split first,
 * and the path then names the half that holds the branch taken.
 */
static void
branch_insert(struct change *change, uint32_t i, uint64_t order, uint64_t child)
{
	struct path *path = &change->path;
	const struct node *node = node_pinned(change, path->depth - 1 - i, path->nodes[i]);
	uint32_t level = path->depth - 1 - i, slot = path->slots[i] + 1, keep;
	uint64_t right, right_order;

	if (node->count < node->capacity) {
		branch_put(change, i, slot, order, child);
		return;
	}
	if (node->capacity < BTREE_BRANCHES) {
		node_grow(change, i);
		branch_put(change, i, slot, order, child);
		return;
	}
	REACHED("media: an inner node is split");
	/* Ascending keys leave full nodes behind. */
	keep = slot == node->count ? node->count - 1u : node->count / 2u;
	right = inner_split(change, i, keep, &right_order);
	if (i == 0) {
		top_raise(change);
		i = 1;
	}
	branch_insert(change, i - 1, right_order, right);
	/* The branch before slot may now be in the right half; slot itself goes where that one is.
	 */
	i = path->depth - 1 - level;
	if (slot > keep) {
		path->nodes[i] = right;
		slot -= keep;
	}
	branch_put(change, i, slot, order, child);
}

static uint64_t
leaf_put(const struct change *change, uint64_t offset, uint32_t slot, uint64_t order)
{
	uint32_t capacity = node_header_change(change, offset)->capacity;
	struct node *leaf = tx_change(change->tx, offset, leaf_records(capacity));
	uint8_t *places = (uint8_t *)(leaf + 1);
	uint64_t *orders = (uint64_t *)((uint8_t *)leaf + leaf_orders(capacity));
	uint32_t place = (uint32_t)__builtin_ctzll(~leaf->used), move = leaf->count - slot;
	uint64_t record =
		offset + leaf_records(capacity) + (uint64_t)place * change->kind->record_size;

	memmove(places + slot + 1, places + slot, move);
	memmove(orders + slot + 1, orders + slot, move * sizeof(*orders));
	places[slot] = (uint8_t)place;
	orders[slot] = order;
	leaf->used |= UINT64_C(1) << place;
	leaf->count++;
	memset(tx_change(change->tx, record, change->kind->record_size), 0,
	       change->kind->record_size);
	return record;
}

/* Drops the slots from `keep` on of a leaf. */
static void
leaf_truncate(const struct change *change, uint64_t offset, uint32_t keep)
{
	struct node *leaf = node_header_change(change, offset);

	for (uint32_t slot = keep; slot < leaf->count; slot++)
		leaf->used &= ~(UINT64_C(1) << leaf_places(leaf)[slot]);
	leaf->count = (uint16_t)keep;
}

/* Cuts the full leaf of the path at slot `keep`, or begins a new one behind it, and puts the record
 * in. */
static uint64_t
leaf_split(struct change *change, uint32_t slot, uint64_t order)
{
	uint32_t i = change->path.depth - 1;
	uint64_t left_offset = change->path.nodes[i], right_offset, record;
	const struct node *left = node_pinned(change, 0, left_offset);
	bool append = slot == left->count && left->next == 0;
	uint32_t keep = append ? left->count : left->count / 2u;
	struct node *right;

	right_offset = node_alloc(change, 0,
				  append ? min_of(4u, change->kind->node_records + 0u)
					 : change->kind->node_records + 0u,
				  &right);
	left = node_pinned(change, 0, left_offset);
	leaf_copy(change->kind, right, left, keep, left->count - keep);
	right->previous = left_offset;
	right->next = left->next;
	neighbours_relink(change, 0, 0, left->next, right_offset);
	node_header_change(change, left_offset)->next = right_offset;
	if (append) {
		record = leaf_put(change, right_offset, 0, order);
	} else {
		REACHED("media: a leaf is split in the middle");
		leaf_truncate(change, left_offset, keep);
		record = slot <= keep ? leaf_put(change, left_offset, slot, order)
				      : leaf_put(change, right_offset, slot - keep, order);
	}
	if (i == 0) {
		top_raise(change);
		i = 1;
	}
	branch_insert(change, i - 1, leaf_order(node_pinned(change, 0, right_offset), 0),
		      right_offset);
	return record;
}

static uint64_t
first_insert(struct change *change, uint64_t order)
{
	struct btree_root *root;
	struct node *leaf;
	uint64_t offset = node_alloc(change, 0, 1, &leaf);

	root = tx_change(change->tx, change->root, sizeof(*root));
	root->node = offset;
	root->depth = 1;
	return leaf_put(change, offset, 0, order);
}

static uint64_t
record_insert(struct change *change, uint64_t order)
{
	uint32_t i = change->path.depth - 1;
	uint32_t slot = change->path.slots[i];
	const struct node *leaf = node_pinned(change, 0, change->path.nodes[i]);

	if (leaf->count == leaf->capacity) {
		if (leaf->capacity == change->kind->node_records)
			return leaf_split(change, slot, order);
		node_grow(change, i);
	}
	return leaf_put(change, change->path.nodes[i], slot, order);
}

void
btree_insert(struct tx *tx, const struct btree_kind *kind, uint64_t root, uint64_t order,
	     const void *wanted, uint64_t near, uint64_t *ret_record)
{
	struct change change = {.tx = tx, .kind = kind, .root = root, .near = near ? near : root};
	struct target target = {kind, order, wanted, false};
	bool equal = false;
	int rc;

	ASSERT(kind->node_records >= 2 && kind->node_records <= BTREE_RECORDS_MAX &&
	       kind->record_size % 8 == 0);
	rc = descend(&tx->pin, &target, root, &change.path, &equal);
	if (rc == -DER_NONEXIST) {
		*ret_record = first_insert(&change, order);
	} else if (rc == 0 && !equal) {
		*ret_record = record_insert(&change, order);
	} else {
		/* The probe saw neither: two trees share a node, or a counter went back. The caller
		 * writes to a record that is in no tree. */
		tx_damaged(tx);
		*ret_record = tx_alloc(tx, kind->record_size, change.near);
		return;
	}
	((struct btree_root *)tx_change(tx, root, sizeof(struct btree_root)))->count++;
	change_judge(&change);
}

/* Takes the branch taken at path->nodes[i] out; an inner node without branches goes too. */
static void
branch_remove(struct change *change, uint32_t i)
{
	struct path *path = &change->path;
	uint32_t count = node_pinned(change, path->depth - 1 - i, path->nodes[i])->count,
		 slot = path->slots[i];
	struct branch *branches;
	struct node *node;

	if (count == 1) {
		REACHED("media: an inner node is given back");
		if (i > 0)
			branch_remove(change, i - 1);
		tx_free(change->tx, path->nodes[i]);
		return;
	}
	node = tx_change(change->tx, path->nodes[i], sizeof(*node) + count * sizeof(*branches));
	branches = (struct branch *)(node + 1);
	memmove(branches + slot, branches + slot + 1, (count - slot - 1) * sizeof(*branches));
	node->count--;
}

static void
leaf_remove(struct change *change, uint32_t slot)
{
	uint32_t i = change->path.depth - 1;
	uint64_t offset = change->path.nodes[i];
	const struct node *leaf = node_pinned(change, 0, offset);

	if (leaf->count == 1) {
		neighbours_relink(change, leaf->previous, leaf->next, leaf->next, leaf->previous);
		if (i > 0)
			branch_remove(change, i - 1);
		tx_free(change->tx, offset);
	} else {
		struct node *node = tx_change(change->tx, offset, leaf_records(leaf->capacity));
		uint8_t *places = (uint8_t *)(node + 1);
		uint64_t *orders = (uint64_t *)((uint8_t *)node + leaf_orders(node->capacity));
		uint32_t move = node->count - slot - 1u;

		node->used &= ~(UINT64_C(1) << places[slot]);
		memmove(places + slot, places + slot + 1, move);
		memmove(orders + slot, orders + slot + 1, move * sizeof(*orders));
		node->count--;
	}
}

/* Frees tops of one branch: the tree becomes lower. */
static void
top_lower(struct change *change)
{
	struct btree_root *root = tx_change(change->tx, change->root, sizeof(*root));

	root->count--;
	if (root->count == 0) {
		root->node = 0;
		root->depth = 0;
		return;
	}
	while (root->depth > 1) {
		const struct node *top = node_pinned(change, root->depth - 1u, root->node);
		uint64_t old = root->node;

		if (top->count > 1)
			break;
		REACHED("media: a tree becomes lower");
		root->node = node_branches(top)[0].child;
		root->depth--;
		/* Whether the next one goes too is seen only where the path has pinned it. */
		tx_free(change->tx, old);
		if (root->depth == 1 ||
		    root->node != change->path.nodes[change->path.depth - root->depth])
			break;
	}
}

void
btree_remove(struct tx *tx, const struct btree_kind *kind, uint64_t root, uint64_t order,
	     const void *wanted)
{
	struct change change = {.tx = tx, .kind = kind, .root = root};
	struct target target = {kind, order, wanted, false};
	bool equal = false;
	int rc = descend(&tx->pin, &target, root, &change.path, &equal);

	if (rc != 0 || !equal) {
		tx_damaged(tx);
		return;
	}
	leaf_remove(&change, change.path.slots[change.path.depth - 1]);
	top_lower(&change);
	change_judge(&change);
}

void
btree_remove_last(struct tx *tx, const struct btree_kind *kind, uint64_t root)
{
	struct change change = {.tx = tx, .kind = kind, .root = root};
	int rc = descend_last(&tx->pin, kind, root, &change.path);

	if (rc != 0) {
		tx_damaged(tx);
		return;
	}
	leaf_remove(&change, change.path.slots[change.path.depth - 1]);
	top_lower(&change);
	change_judge(&change);
}
