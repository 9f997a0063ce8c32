/* SPDX-License-Identifier: BSD-2-Clause-Patent */
/* The model of a worker's directory. */
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "tree.h"

uint64_t
draw(uint64_t *seed, uint64_t limit)
{
	/* splitmix64 (Steele, Lea, Flood 2014) */
	uint64_t value = *seed += UINT64_C(0x9e3779b97f4a7c15);

	value = (value ^ (value >> 30)) * UINT64_C(0xbf58476d1ce4e5b9);
	value = (value ^ (value >> 27)) * UINT64_C(0x94d049bb133111eb);
	return (value ^ (value >> 31)) % limit;
}

static void *
memory(size_t size)
{
	void *bytes = calloc(1, size);

	if (bytes == NULL)
		abort();
	return bytes;
}

struct tree *
tree_create(void)
{
	struct tree *tree = memory(sizeof(*tree));

	tree->root.kind = KIND_DIRECTORY;
	tree->root.names = 1;
	tree->root.note = -1;
	return tree;
}

struct node *
node_create(enum kind kind)
{
	struct node *node = memory(sizeof(*node));

	node->kind = kind;
	node->note = -1;
	if (kind == KIND_FILE) {
		node->bytes = memory(FILE_BYTES_MAX);
		node->unsure = memory(FILE_BYTES_MAX);
	}
	return node;
}

void
node_drop(struct node *node)
{
	if (node->names || node->opened)
		return;
	free(node->bytes);
	free(node->unsure);
	free(node->target);
	free(node);
}

/* ------------------------------------------------ names */

struct entry *
entry_find(struct tree *tree, const struct node *directory, const char *name)
{
	for (struct entry *entry = tree->entries; entry < tree->entries + ENTRIES_MAX; entry++)
		if (entry->node && entry->directory == directory && strcmp(entry->name, name) == 0)
			return entry;
	return NULL;
}

struct entry *
entry_add(struct tree *tree, struct node *directory, const char *name, struct node *node)
{
	struct entry *entry = tree->entries;

	while (entry->node)
		if (++entry == tree->entries + ENTRIES_MAX)
			abort();
	entry->directory = directory;
	entry->node = node;
	snprintf(entry->name, sizeof(entry->name), "%s", name);
	if (node->kind == KIND_DIRECTORY)
		node->depth = directory->depth + 1;
	node->names++;
	tree->count++;
	return entry;
}

void
entry_remove(struct tree *tree, struct entry *entry)
{
	struct node *node = entry->node;

	entry->node = NULL;
	tree->count--;
	node->names--;
	node_drop(node);
}

struct entry *
entry_draw(struct tree *tree, uint64_t *seed, int kind)
{
	uint32_t start = (uint32_t)draw(seed, ENTRIES_MAX);

	for (uint32_t i = 0; i < ENTRIES_MAX; i++) {
		struct entry *entry = &tree->entries[(start + i) % ENTRIES_MAX];

		if (entry->node && (kind < 0 || entry->node->kind == (enum kind)kind))
			return entry;
	}
	return NULL;
}

struct entry *
entry_of(struct tree *tree, const struct node *node)
{
	for (struct entry *entry = tree->entries; entry < tree->entries + ENTRIES_MAX; entry++)
		if (entry->node == node)
			return entry;
	return NULL;
}

struct node *
directory_draw(struct tree *tree, uint64_t *seed)
{
	struct entry *entry = draw(seed, 4) ? entry_draw(tree, seed, KIND_DIRECTORY) : NULL;

	return entry ? entry->node : &tree->root;
}

bool
directory_empty(const struct tree *tree, const struct node *directory)
{
	for (uint32_t i = 0; i < ENTRIES_MAX; i++)
		if (tree->entries[i].node && tree->entries[i].directory == directory)
			return false;
	return true;
}

bool
is_above(struct tree *tree, const struct node *node, const struct node *directory)
{
	while (directory != node && directory != &tree->root)
		directory = entry_of(tree, directory)->directory;
	return directory == node;
}

void
path_of(struct worker *worker, uint32_t mount, const struct node *directory, const char *name,
	char ret_path[PATH_MAX])
{
	const char *parts[DEPTH_MAX + 2];
	uint32_t count = 0;
	int used = snprintf(ret_path, PATH_MAX, "%s/w%u", worker->control->mount[mount],
			    worker->number);

	if (name)
		parts[count++] = name;
	while (directory != &worker->tree->root) {
		const struct entry *entry = entry_of(worker->tree, directory);

		parts[count++] = entry->name;
		directory = entry->directory;
	}
	while (count > 0)
		used += snprintf(ret_path + used, (size_t)(PATH_MAX - used), "/%s", parts[--count]);
}

/* ------------------------------------------------ content */

void
content_write(struct node *node, size_t offset, const uint8_t *bytes, size_t length, bool unsure)
{
	if (offset > node->size)
		memset(node->unsure + node->size, unsure, offset - node->size);
	memcpy(node->bytes + offset, bytes, length);
	memset(node->unsure + offset, unsure, length);
	if (offset + length > node->size)
		node->size = offset + length;
	if (!unsure && node->size > node->durable)
		node->durable = node->size;
}

void
content_zero(struct node *node, size_t offset, size_t length)
{
	size_t end = offset + length < node->size ? offset + length : node->size;

	if (offset >= end)
		return;
	memset(node->bytes + offset, 0, end - offset);
	memset(node->unsure + offset, 0, end - offset);
}

void
content_cut(struct node *node, size_t size)
{
	size_t least = size < node->size ? size : node->size;

	memset(node->bytes + least, 0, FILE_BYTES_MAX - least);
	memset(node->unsure + least, 0, FILE_BYTES_MAX - least);
	node->size = size;
	node->durable = size;
}

void
content_sure(struct node *node, size_t offset, size_t length)
{
	memset(node->unsure + offset, 0, length);
}

void
content_synced(struct node *node)
{
	content_sure(node, 0, FILE_BYTES_MAX);
	node->durable = node->size;
}

/* ------------------------------------------------ open files */

void
opened_close(struct worker *worker, struct opened *opened)
{
	struct node *node = opened->node;

	expect_outcome(worker, "close", close(opened->descriptor), 0);
	content_synced(node);
	opened->node = NULL;
	node->opened--;
	node_drop(node);
}

void
opened_close_all(struct worker *worker)
{
	for (uint32_t i = 0; i < OPENED_MAX; i++)
		if (worker->tree->opened[i].node)
			opened_close(worker, &worker->tree->opened[i]);
}

struct opened *
opened_take(struct worker *worker, struct node *node, uint32_t mount, int descriptor)
{
	struct tree *tree = worker->tree;
	struct opened *opened = NULL;

	for (uint32_t i = 0; i < OPENED_MAX && opened == NULL; i++)
		if (tree->opened[i].node == NULL)
			opened = &tree->opened[i];
	if (opened == NULL) {
		opened = &tree->opened[draw(&worker->seed, OPENED_MAX)];
		opened_close(worker, opened);
	}
	*opened = (struct opened){.node = node, .descriptor = descriptor, .mount = mount};
	node->opened++;
	return opened;
}

void
opened_close_elsewhere(struct worker *worker, const struct node *node, uint32_t mount)
{
	for (uint32_t i = 0; i < OPENED_MAX; i++) {
		struct opened *opened = &worker->tree->opened[i];

		if (opened->node == node && opened->mount != mount)
			opened_close(worker, opened);
	}
}
