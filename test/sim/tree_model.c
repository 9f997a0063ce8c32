/* SPDX-License-Identifier: BSD-2-Clause-Patent */
/* See tree_model.h. */
#include <stdlib.h>
#include <string.h>

#include "sim/memory.h"
#include "sim/tree_model.h"

/* ------------------------------------------------ values */

bool
choice_allows(const struct choice *choice, uint64_t seen)
{
	if (choice->any || choice->value == seen)
		return true;
	for (uint32_t i = 0; i < choice->maybe_count; i++) {
		if (choice->maybe[i] == seen)
			return true;
	}
	return false;
}

void
choice_see(struct choice *choice, uint64_t seen)
{
	if (choice->any || choice->value == seen)
		return;
	for (uint32_t i = 0; i < choice->maybe_count; i++) {
		if (choice->maybe[i] != seen)
			continue;
		choice->value = seen;
		choice->maybe[i] = choice->maybe[--choice->maybe_count];
		return;
	}
}

static void
choice_change(struct choice *choice, uint64_t value, enum name_outcome outcome)
{
	if (outcome == TREE_DONE)
		choice->value = value;
	else if (outcome == TREE_UNKNOWN && choice->maybe_count == TREE_MAYBE_MAX)
		choice->any = true;
	else if (outcome == TREE_UNKNOWN)
		choice->maybe[choice->maybe_count++] = value;
}

static bool
choice_is_open(const struct choice *choice)
{
	return choice->any || choice->maybe_count > 0;
}

/* ------------------------------------------------ contents */

void
name_bytes(uint64_t place, uint64_t number, uint64_t offset, void *bytes, size_t length)
{
	uint64_t seed = hash_combine(place, number);
	uint8_t *to = bytes;

	for (size_t i = 0; i < length; i++) {
		uint64_t at = offset + i;
		uint64_t word = mix64(seed + at / 8 * UINT64_C(0x9e3779b97f4a7c15));

		to[i] = number ? (uint8_t)(word >> at % 8 * 8) : 0;
	}
}

static void
content_add(struct name_content *content, struct name_extent extent)
{
	if (content->count == content->room) {
		content->room = content->room ? 2 * content->room : 8;
		content->extents =
			sim_grow(content->extents, content->room * sizeof(*content->extents));
	}
	content->extents[content->count++] = extent;
}

bool
content_allows_size(const struct name_content *content, uint64_t size)
{
	if (content->vague)
		return size <= content->size_most;
	return size >= content->size && size <= content->size_most;
}

/* Where the run of bytes ends that begins at offset and lies in the same extents. */
static uint64_t
run_end(const struct name_content *content, uint64_t offset, uint64_t end)
{
	for (uint32_t i = 0; i < content->count; i++) {
		const struct name_extent *extent = &content->extents[i];

		if (extent->offset > offset)
			end = min_of(end, extent->offset);
		if (extent->end > offset)
			end = min_of(end, extent->end);
	}
	return end;
}

static bool
run_is(uint64_t place, uint64_t number, uint64_t offset, const uint8_t *bytes, size_t length)
{
	uint8_t expected[256];

	for (size_t done = 0; done < length;) {
		size_t here = min_of(length - done, sizeof(expected));

		name_bytes(place, number, offset + done, expected, here);
		if (memcmp(expected, bytes + done, here) != 0)
			return false;
		done += here;
	}
	return true;
}

/* Whether one write, or one that may be, gives the whole run. */
static bool
run_allowed(const struct name_content *content, uint64_t place, uint64_t offset,
	    const uint8_t *bytes, size_t length, bool any_time)
{
	bool certain = false;

	for (uint32_t i = content->count; i > 0; i--) {
		const struct name_extent *extent = &content->extents[i - 1];

		if (offset < extent->offset || offset >= extent->end)
			continue;
		if (certain && !extent->maybe && !any_time)
			continue;
		if (run_is(place, extent->number, offset, bytes, length))
			return true;
		certain |= !extent->maybe;
	}
	return (!certain || any_time) && run_is(place, 0, offset, bytes, length);
}

static bool
run_is_open(const struct name_content *content, uint64_t offset)
{
	for (uint32_t i = 0; i < content->count; i++) {
		const struct name_extent *extent = &content->extents[i];

		if (extent->maybe && offset >= extent->offset && offset < extent->end)
			return true;
	}
	return false;
}

bool
content_allows(const struct name_content *content, uint64_t place, uint64_t offset,
	       const void *bytes, size_t length, bool any_time, uint64_t *ret_bad)
{
	const uint8_t *from = bytes;
	bool loose = any_time || content->vague;

	for (uint64_t at = offset; at < offset + length;) {
		uint64_t end = run_end(content, at, offset + length);

		/* A cut may have ended within a run, and a write is one operation a chunk. */
		if (loose || run_is_open(content, at))
			end = at + 1;
		if (!run_allowed(content, place, at, from + (at - offset), end - at, loose)) {
			*ret_bad = at;
			return false;
		}
		at = end;
	}
	return true;
}

static void
content_write(struct name_content *content, const struct name_range *range, uint64_t number,
	      enum name_outcome outcome)
{
	uint64_t end = range->offset + range->length;

	if (outcome == TREE_FAILED || range->length == 0)
		return;
	content_add(content,
		    (struct name_extent){range->offset, end, number, outcome == TREE_UNKNOWN});
	content->size_most = max_of(content->size_most, end);
	if (outcome == TREE_DONE)
		content->size = max_of(content->size, end);
}

static bool
content_has_maybe(const struct name_content *content)
{
	for (uint32_t i = 0; i < content->count; i++) {
		if (content->extents[i].maybe)
			return true;
	}
	return false;
}

static void
content_cut(struct name_content *content, uint64_t size, enum name_outcome outcome)
{
	if (outcome == TREE_FAILED)
		return;
	if (outcome == TREE_UNKNOWN) {
		content->vague = true;
		content->size_most = max_of(content->size_most, size);
		return;
	}
	content_add(content, (struct name_extent){size, UINT64_MAX, 0, false});
	content->size = size;
	/* A write of unknown outcome may come later than this. */
	if (!content->vague && !content_has_maybe(content))
		content->size_most = size;
	content->size_most = max_of(content->size_most, size);
}

/* ------------------------------------------------ nodes and entries */

void
name_init(struct name_tree *tree, uint64_t salt)
{
	*tree = (struct name_tree){.salt = salt};
	tree->root = name_node_new(tree, TREE_DIRECTORY);
}

void
name_fini(struct name_tree *tree)
{
	while (tree->nodes) {
		struct name_node *node = tree->nodes;

		tree->nodes = node->next;
		for (uint32_t i = 0; i < node->entry_count; i++)
			free(node->entries[i]);
		free(node->entries);
		free(node->content.extents);
		free(node->target);
		free(node);
	}
	while (tree->limbos) {
		struct name_limbo *limbo = tree->limbos;

		tree->limbos = limbo->next;
		free(limbo);
	}
}

struct name_node *
name_node_new(struct name_tree *tree, enum name_kind kind)
{
	struct name_node *node = sim_take(sizeof(*node));

	node->kind = kind;
	node->number = hash_combine(tree->salt, ++tree->serial);
	node->next = tree->nodes;
	tree->nodes = node;
	return node;
}

struct name_entry *
name_entry(struct name_node *directory, const char *name, bool make)
{
	struct name_entry *entry;

	for (uint32_t i = 0; i < directory->entry_count; i++) {
		if (strcmp(directory->entries[i]->name, name) == 0)
			return directory->entries[i];
	}
	if (!make)
		return NULL;
	if (directory->entry_count == directory->entry_room) {
		directory->entry_room = directory->entry_room ? 2 * directory->entry_room : 8;
		directory->entries = sim_grow(directory->entries,
					      directory->entry_room * sizeof(*directory->entries));
	}
	entry = sim_take(sizeof(*entry));
	entry->directory = directory;
	ASSERT(strlen(name) <= TREE_NAME_MAX);
	memcpy(entry->name, name, strlen(name) + 1);
	directory->entries[directory->entry_count++] = entry;
	return entry;
}

bool
name_entry_usable(const struct name_entry *entry)
{
	return entry->limbo == NULL && (entry->node != NULL || !entry->burned);
}

struct name_attribute *
name_attribute(struct name_node *node, const char *name, bool make)
{
	struct name_attribute *attribute;

	for (uint32_t i = 0; i < node->attribute_count; i++) {
		if (strcmp(node->attributes[i].name, name) == 0)
			return &node->attributes[i];
	}
	if (!make || node->attribute_count == TREE_ATTRIBUTES_MAX)
		return NULL;
	attribute = &node->attributes[node->attribute_count++];
	memcpy(attribute->name, name, strlen(name) + 1);
	return attribute;
}

struct name_node *
name_find(const struct name_tree *tree, uint64_t id)
{
	for (struct name_node *node = tree->nodes; node; node = node->next) {
		if (node->id == id)
			return node;
	}
	return NULL;
}

bool
name_is_within(const struct name_node *node, const struct name_node *directory)
{
	while (node != directory && node->at)
		node = node->at->directory;
	return node == directory;
}

uint32_t
name_depth(const struct name_node *node)
{
	uint32_t depth = 0;

	for (; node->at; node = node->at->directory)
		depth++;
	return depth;
}

bool
name_path(const struct name_node *node, char *path, size_t size)
{
	size_t length, name_length;

	if (node->at == NULL) {
		path[0] = '\0';
		return true;
	}
	if (!name_path(node->at->directory, path, size))
		return false;
	length = strlen(path);
	name_length = strlen(node->at->name);
	if (length + name_length + 2 > size)
		return false;
	path[length] = '/';
	memcpy(path + length + 1, node->at->name, name_length + 1);
	return true;
}

bool
name_walk(struct name_tree *tree, const char *path, struct name_node **ret_node)
{
	struct name_node *node = tree->root;

	while (node && *path != '\0') {
		char name[TREE_NAME_MAX + 1];
		const struct name_entry *entry;
		size_t length = strcspn(++path, "/");

		if (length == 0 || length > TREE_NAME_MAX || node->kind != TREE_DIRECTORY)
			return false;
		memcpy(name, path, length);
		name[length] = '\0';
		path += length;
		entry = name_entry(node, name, false);
		if (entry && entry->limbo)
			return false;
		node = entry ? entry->node : NULL;
	}
	*ret_node = node;
	return true;
}

uint32_t
name_count(const struct name_node *directory, bool *ret_open)
{
	uint32_t count = 0;

	*ret_open = directory->asides > 0;
	for (uint32_t i = 0; i < directory->entry_count; i++) {
		*ret_open |= directory->entries[i]->limbo != NULL;
		count += directory->entries[i]->node != NULL;
	}
	return count;
}

/* ------------------------------------------------ changes */

static void
entry_put(struct name_tree *tree, struct name_entry *entry, struct name_node *node)
{
	tree->live += (node != NULL) - (entry->node != NULL);
	entry->node = node;
	if (node)
		node->at = entry;
}

/* Attributes are changed by name: what may come late would hit the next that has it. */
static bool
node_is_open(const struct name_node *node)
{
	bool open = choice_is_open(&node->mode) || choice_is_open(&node->owner) ||
		    node->content.vague;

	for (uint32_t i = 0; i < node->attribute_count; i++)
		open |= choice_is_open(&node->attributes[i].value);
	return open;
}

static void
entry_clear(struct name_tree *tree, struct name_entry *entry)
{
	if (entry->node) {
		entry->burned |= node_is_open(entry->node);
		if (entry->node->at == entry)
			entry->node->at = NULL;
	}
	entry_put(tree, entry, NULL);
}

static void
apply_names(struct name_tree *tree, enum name_change_kind kind, struct name_entry *from,
	    struct name_entry *to, struct name_node *node, struct name_node *other)
{
	bool open = node_is_open(node) || (other && node_is_open(other));

	if (from)
		entry_clear(tree, from);
	if (to)
		entry_clear(tree, to);
	if (kind != TREE_REMOVE)
		entry_put(tree, to, node);
	if (kind == TREE_EXCHANGE)
		entry_put(tree, from, other);
	/* Late changes by one of the names may hit either. */
	if (open && kind == TREE_EXCHANGE) {
		node->mode.any = node->owner.any = other->mode.any = other->owner.any = true;
		for (uint32_t i = 0; i < node->attribute_count; i++)
			node->attributes[i].value.any = true;
		for (uint32_t i = 0; i < other->attribute_count; i++)
			other->attributes[i].value.any = true;
	}
	if (open && other && kind == TREE_MOVE)
		node->mode.any = node->owner.any = true;
}

static void
enter_limbo(struct name_tree *tree, const struct name_change *change)
{
	struct name_limbo *limbo = sim_take(sizeof(*limbo));
	struct name_entry *entries[] = {change->from, change->to};

	*limbo = (struct name_limbo){
		.next = tree->limbos,
		.kind = change->kind,
		.open = true,
		.from = change->from,
		.to = change->to,
		.node = change->node,
		.other = change->other,
	};
	tree->limbos = limbo;
	for (size_t i = 0; i < ARRAY_SIZE(entries); i++) {
		if (entries[i] == NULL)
			continue;
		entry_clear(tree, entries[i]);
		entries[i]->limbo = limbo;
	}
	if (change->kind == TREE_EXCHANGE)
		change->from->directory->asides++;
}

static void
end_names(struct name_tree *tree, const struct name_change *change, enum name_outcome outcome)
{
	if (outcome == TREE_UNKNOWN)
		enter_limbo(tree, change);
	else if (outcome == TREE_DONE)
		apply_names(tree, change->kind, change->from, change->to, change->node,
			    change->other);
}

static void
end_attribute(const struct name_change *change, enum name_outcome outcome)
{
	struct name_attribute *attribute = name_attribute(change->node, change->name, true);

	ASSERT(attribute != NULL);
	choice_change(&attribute->value, change->value, outcome);
}

static void
end_content(const struct name_change *change, enum name_outcome outcome)
{
	struct name_content *content = &change->node->content;
	struct name_range hole = change->ranges[0];

	switch (change->kind) {
	case TREE_WRITE:
		for (uint32_t i = 0; i < change->range_count; i++)
			content_write(content, &change->ranges[i], change->value, outcome);
		break;
	case TREE_CUT:
		content_cut(content, change->value, outcome);
		break;
	default:
		content_write(content, &hole, 0, outcome);
		break;
	}
}

void
name_end(struct name_tree *tree, struct name_change *change, enum name_outcome outcome)
{
	struct name_node *node = change->node;

	if (change->kind != TREE_NONE && outcome != TREE_FAILED) {
		node->time_held = false;
	}
	switch (change->kind) {
	case TREE_NONE:
		break;
	case TREE_CREATE:
	case TREE_REMOVE:
	case TREE_MOVE:
	case TREE_EXCHANGE:
		end_names(tree, change, outcome);
		break;
	case TREE_MODE:
		choice_change(&node->mode, change->value, outcome);
		break;
	case TREE_OWNER:
		choice_change(&node->owner, change->value, outcome);
		break;
	case TREE_ATTRIBUTE:
		end_attribute(change, outcome);
		break;
	case TREE_TIME:
		node->time_open |= outcome == TREE_UNKNOWN;
		node->time_held = outcome == TREE_DONE && node->kind == TREE_FILE &&
				  !node->time_open && !node->content.vague &&
				  !content_has_maybe(&node->content);
		node->time = (int64_t)change->value;
		break;
	default:
		end_content(change, outcome);
		break;
	}
	change->kind = TREE_NONE;
}

/* ------------------------------------------------ limbo */

/* A node that was never seen has no id yet: the first of its kind is taken for it. */
static bool
seen_is(const struct name_seen *seen, struct name_node *node, const struct name_node *other)
{
	if (node == NULL || !seen->present || seen->kind != node->kind)
		return false;
	if (node->id == 0 && (other == NULL || other->id != seen->id))
		node->id = seen->id;
	return node->id == seen->id;
}

static void
close_limbo(struct name_tree *tree, struct name_limbo *limbo)
{
	limbo->open = false;
	if (limbo->from)
		limbo->from->limbo = NULL;
	if (limbo->to)
		limbo->to->limbo = NULL;
	apply_names(tree, limbo->kind, limbo->from, limbo->to, limbo->node, limbo->other);
	/* What was moved away with changes that may come late leaves them behind. */
	if (limbo->from && limbo->from->node == NULL && node_is_open(limbo->node))
		limbo->from->burned = true;
}

static const char *
see_one(struct name_tree *tree, struct name_limbo *limbo, const struct name_seen *seen)
{
	bool there = seen_is(seen, limbo->node, NULL);

	if (!seen->known)
		return NULL;
	if (seen->present && !there)
		return "something else has the name";
	if (there == (limbo->kind == TREE_CREATE))
		close_limbo(tree, limbo);
	return NULL;
}

static const char *
see_move(struct name_tree *tree, struct name_limbo *limbo, const struct name_seen *from,
	 const struct name_seen *to)
{
	bool moved = seen_is(to, limbo->node, limbo->other);
	bool stays = seen_is(from, limbo->node, limbo->other);

	if (from->known && from->present && !stays)
		return "something else has the old name";
	if (to->known && to->present && !moved && !seen_is(to, limbo->other, limbo->node))
		return "something else has the new name";
	if (to->known && !to->present && limbo->other)
		return "the name that was to be replaced is gone";
	if (!from->known || !to->known || stays)
		return NULL;
	if (!moved)
		return "neither name is there";
	close_limbo(tree, limbo);
	return NULL;
}

static const char *
see_exchange(struct name_tree *tree, struct name_limbo *limbo, const struct name_seen *from,
	     const struct name_seen *to)
{
	bool from_first = seen_is(from, limbo->node, limbo->other);
	bool from_second = seen_is(from, limbo->other, limbo->node);
	bool to_first = seen_is(to, limbo->node, limbo->other);
	bool to_second = seen_is(to, limbo->other, limbo->node);

	if (from->known && !from_first && !from_second)
		return from->present ? "something else has the first name"
				     : "the first name is gone";
	if (to->known && !to_first && !to_second)
		return to->present ? "something else has the second name"
				   : "the second name is gone";
	if (from->known && to->known && from_second && to_first)
		close_limbo(tree, limbo);
	return NULL;
}

const char *
name_limbo_see(struct name_tree *tree, struct name_limbo *limbo, const struct name_seen *from,
	       const struct name_seen *to)
{
	switch (limbo->kind) {
	case TREE_CREATE:
		return see_one(tree, limbo, to);
	case TREE_REMOVE:
		return see_one(tree, limbo, from);
	case TREE_MOVE:
		return see_move(tree, limbo, from, to);
	default:
		return see_exchange(tree, limbo, from, to);
	}
}
