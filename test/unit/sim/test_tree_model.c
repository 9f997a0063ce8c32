/* SPDX-License-Identifier: BSD-2-Clause-Patent */
/* The tree of names against what a store could show: good states pass, planted violations do not.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "sim/tree_model.h"

static struct name_tree tree;

static int
setup(void **state)
{
	(void)state;
	name_init(&tree, 1);
	return 0;
}

static int
teardown(void **state)
{
	(void)state;
	name_fini(&tree);
	return 0;
}

static struct name_node *
make(struct name_node *directory, const char *name, enum name_kind kind, uint64_t id)
{
	struct name_node *node = name_node_new(&tree, kind);
	struct name_change change = {
		.kind = TREE_CREATE, .to = name_entry(directory, name, true), .node = node};

	node->id = id;
	name_end(&tree, &change, TREE_DONE);
	return node;
}

static struct name_seen
seen(const struct name_node *node)
{
	if (node == NULL)
		return (struct name_seen){.known = true};
	return (struct name_seen){
		.known = true, .present = true, .kind = node->kind, .id = node->id};
}

/* What is wrong with seeing these at the two names of the latest limbo. */
static const char *
look(const struct name_node *from, const struct name_node *to)
{
	struct name_seen one = seen(from), two = seen(to);

	return name_limbo_see(&tree, tree.limbos, &one, &two);
}

/* ------------------------------------------------ names */

static void
test_names(void **state)
{
	struct name_node *directory = make(tree.root, "d", TREE_DIRECTORY, 1), *found;
	struct name_node *file = make(directory, "f", TREE_FILE, 2);
	struct name_change change = {.kind = TREE_MOVE,
				     .from = file->at,
				     .to = name_entry(tree.root, "g", true),
				     .node = file};
	char path[64];
	bool open;

	(void)state;
	assert_true(name_path(file, path, sizeof(path)));
	assert_string_equal(path, "/d/f");
	assert_false(name_path(file, path, 4));
	assert_int_equal(name_count(directory, &open), 1);
	name_end(&tree, &change, TREE_DONE);
	assert_int_equal(name_count(directory, &open), 0);
	assert_false(open);
	assert_true(name_walk(&tree, "/g", &found));
	assert_ptr_equal(found, file);
	assert_true(name_walk(&tree, "/d/f", &found));
	assert_null(found);
	assert_false(name_walk(&tree, "/g/f", &found));
	assert_true(name_is_within(file, tree.root));
	assert_false(name_is_within(file, directory));
}

/* A failed change changes nothing. */
static void
test_failed(void **state)
{
	struct name_node *file = make(tree.root, "f", TREE_FILE, 1);
	struct name_change change = {.kind = TREE_REMOVE, .from = file->at, .node = file};

	(void)state;
	name_end(&tree, &change, TREE_FAILED);
	assert_ptr_equal(name_entry(tree.root, "f", false)->node, file);
	assert_null(tree.limbos);
}

/* ------------------------------------------------ limbo */

static void
test_create_unknown(void **state)
{
	struct name_node *node = name_node_new(&tree, TREE_FILE), other = {.kind = TREE_LINK};
	struct name_entry *entry = name_entry(tree.root, "f", true);
	struct name_change change = {.kind = TREE_CREATE, .to = entry, .node = node};

	(void)state;
	name_end(&tree, &change, TREE_UNKNOWN);
	assert_false(name_entry_usable(entry));
	assert_null(look(NULL, NULL));
	assert_true(tree.limbos->open);
	assert_non_null(look(NULL, &other));
	other = (struct name_node){.kind = TREE_FILE, .id = 7};
	assert_null(look(NULL, &other));
	assert_false(tree.limbos->open);
	assert_ptr_equal(entry->node, node);
	assert_int_equal(node->id, 7);
}

static void
test_remove_unknown(void **state)
{
	struct name_node *file = make(tree.root, "f", TREE_FILE, 1);
	struct name_change change = {.kind = TREE_REMOVE, .from = file->at, .node = file};
	struct name_node other = {.kind = TREE_FILE, .id = 9};

	(void)state;
	name_end(&tree, &change, TREE_UNKNOWN);
	assert_null(look(file, NULL));
	assert_true(tree.limbos->open);
	assert_non_null(look(&other, NULL));
	assert_null(look(NULL, NULL));
	assert_false(tree.limbos->open);
	assert_true(name_entry_usable(name_entry(tree.root, "f", false)));
}

static void
begin_move(struct name_node **ret_node, struct name_node **ret_other)
{
	struct name_node *node = make(tree.root, "a", TREE_FILE, 1);
	struct name_node *other = make(tree.root, "b", TREE_FILE, 2);
	struct name_change change = {
		.kind = TREE_MOVE, .from = node->at, .to = other->at, .node = node, .other = other};

	name_end(&tree, &change, TREE_UNKNOWN);
	*ret_node = node;
	*ret_other = other;
}

/* Both names may be left, never neither, never another thing. */
static void
test_move_unknown(void **state)
{
	struct name_node *node, *other, stranger = {.kind = TREE_FILE, .id = 9};

	(void)state;
	begin_move(&node, &other);
	assert_null(look(node, other));
	assert_null(look(node, node));
	assert_true(tree.limbos->open);
	assert_non_null(look(node, NULL));
	assert_non_null(look(NULL, other));
	assert_non_null(look(NULL, NULL));
	assert_non_null(look(&stranger, node));
	assert_non_null(look(node, &stranger));
	assert_true(tree.limbos->open);
	assert_null(look(NULL, node));
	assert_false(tree.limbos->open);
	assert_ptr_equal(name_entry(tree.root, "b", false)->node, node);
	assert_null(name_entry(tree.root, "a", false)->node);
}

static void
test_exchange_unknown(void **state)
{
	struct name_node *node = make(tree.root, "a", TREE_FILE, 1);
	struct name_node *other = make(tree.root, "b", TREE_DIRECTORY, 2);
	struct name_change change = {.kind = TREE_EXCHANGE,
				     .from = node->at,
				     .to = other->at,
				     .node = node,
				     .other = other};

	(void)state;
	name_end(&tree, &change, TREE_UNKNOWN);
	assert_int_equal(tree.root->asides, 1);
	assert_null(look(node, other));
	assert_null(look(other, other));
	assert_non_null(look(NULL, other));
	assert_non_null(look(other, NULL));
	assert_true(tree.limbos->open);
	assert_null(look(other, node));
	assert_false(tree.limbos->open);
	assert_ptr_equal(name_entry(tree.root, "a", false)->node, other);
}

/* ------------------------------------------------ values */

static void
test_choice(void **state)
{
	struct name_node *file = make(tree.root, "f", TREE_FILE, 1);
	struct name_change change = {.kind = TREE_MODE, .node = file, .value = 0600};

	(void)state;
	name_end(&tree, &change, TREE_DONE);
	change = (struct name_change){.kind = TREE_MODE, .node = file, .value = 0640};
	name_end(&tree, &change, TREE_UNKNOWN);
	assert_true(choice_allows(&file->mode, 0600));
	assert_true(choice_allows(&file->mode, 0640));
	assert_false(choice_allows(&file->mode, 0644));
	/* It has happened, and cannot be undone. */
	choice_see(&file->mode, 0640);
	assert_false(choice_allows(&file->mode, 0600));
}

/* What comes late by a name may hit whatever has it then. */
static void
test_burned(void **state)
{
	struct name_node *file = make(tree.root, "f", TREE_FILE, 1);
	struct name_entry *entry = file->at;
	struct name_change change = {.kind = TREE_MODE, .node = file, .value = 0640};

	(void)state;
	name_end(&tree, &change, TREE_UNKNOWN);
	change = (struct name_change){.kind = TREE_REMOVE, .from = entry, .node = file};
	name_end(&tree, &change, TREE_DONE);
	assert_false(name_entry_usable(entry));
}

/* ------------------------------------------------ contents */

static void
write_file(struct name_node *file, uint64_t number, uint64_t offset, uint64_t length,
	   enum name_outcome outcome)
{
	struct name_change change = {.kind = TREE_WRITE,
				     .node = file,
				     .value = number,
				     .ranges = {{offset, length}},
				     .range_count = 1};

	name_end(&tree, &change, outcome);
}

static bool
allows(const struct name_node *file, const uint8_t *bytes, size_t length)
{
	uint64_t bad;

	return content_allows(&file->content, file->number, 0, bytes, length, false, &bad);
}

static void
test_content(void **state)
{
	struct name_node *file = make(tree.root, "f", TREE_FILE, 1);
	uint8_t bytes[64] = {0};

	(void)state;
	write_file(file, 1, 0, 32, TREE_DONE);
	write_file(file, 2, 16, 32, TREE_DONE);
	name_bytes(file->number, 1, 0, bytes, 16);
	name_bytes(file->number, 2, 16, bytes + 16, 32);
	assert_true(allows(file, bytes, 48));
	assert_true(content_allows_size(&file->content, 48));
	assert_false(content_allows_size(&file->content, 47));
	/* A lost update shows what was there before. */
	name_bytes(file->number, 1, 16, bytes + 16, 16);
	assert_false(allows(file, bytes, 48));
	/* Bytes of another place, of another file, no bytes. */
	name_bytes(file->number, 2, 8, bytes + 16, 32);
	assert_false(allows(file, bytes, 48));
	name_bytes(file->number + 1, 2, 16, bytes + 16, 32);
	assert_false(allows(file, bytes, 48));
	memset(bytes + 16, 0, 32);
	assert_false(allows(file, bytes, 48));
}

static void
test_content_unknown(void **state)
{
	struct name_node *file = make(tree.root, "f", TREE_FILE, 1);
	uint8_t bytes[64] = {0};

	(void)state;
	write_file(file, 1, 0, 32, TREE_DONE);
	write_file(file, 2, 0, 64, TREE_UNKNOWN);
	assert_true(content_allows_size(&file->content, 32));
	assert_true(content_allows_size(&file->content, 64));
	assert_false(content_allows_size(&file->content, 65));
	name_bytes(file->number, 1, 0, bytes, 32);
	assert_true(allows(file, bytes, 64));
	name_bytes(file->number, 2, 16, bytes + 16, 48);
	assert_true(allows(file, bytes, 64));
	bytes[20] ^= 1;
	assert_false(allows(file, bytes, 64));
}

static void
test_cut(void **state)
{
	struct name_node *file = make(tree.root, "f", TREE_FILE, 1);
	struct name_change change = {.kind = TREE_CUT, .node = file, .value = 8};
	uint8_t bytes[64] = {0};

	(void)state;
	write_file(file, 1, 0, 32, TREE_DONE);
	name_end(&tree, &change, TREE_DONE);
	assert_true(content_allows_size(&file->content, 8));
	assert_false(content_allows_size(&file->content, 32));
	write_file(file, 2, 24, 8, TREE_DONE);
	name_bytes(file->number, 1, 0, bytes, 8);
	name_bytes(file->number, 2, 24, bytes + 24, 8);
	assert_true(allows(file, bytes, 32));
	/* What was cut off may not come back. */
	name_bytes(file->number, 1, 8, bytes + 8, 16);
	assert_false(allows(file, bytes, 32));
	/* But it may when the cut may be yet to come. */
	change = (struct name_change){.kind = TREE_CUT, .node = file, .value = 0};
	name_end(&tree, &change, TREE_UNKNOWN);
	assert_true(allows(file, bytes, 32));
	assert_true(content_allows_size(&file->content, 3));
	bytes[2] ^= 1;
	assert_false(allows(file, bytes, 32));
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(test_names, setup, teardown),
		cmocka_unit_test_setup_teardown(test_failed, setup, teardown),
		cmocka_unit_test_setup_teardown(test_create_unknown, setup, teardown),
		cmocka_unit_test_setup_teardown(test_remove_unknown, setup, teardown),
		cmocka_unit_test_setup_teardown(test_move_unknown, setup, teardown),
		cmocka_unit_test_setup_teardown(test_exchange_unknown, setup, teardown),
		cmocka_unit_test_setup_teardown(test_choice, setup, teardown),
		cmocka_unit_test_setup_teardown(test_burned, setup, teardown),
		cmocka_unit_test_setup_teardown(test_content, setup, teardown),
		cmocka_unit_test_setup_teardown(test_content_unknown, setup, teardown),
		cmocka_unit_test_setup_teardown(test_cut, setup, teardown),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
