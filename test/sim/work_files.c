/* SPDX-License-Identifier: BSD-2-Clause-Patent */
/*
 * Workload "files": a DFS name space against trees in memory. An operation that ends must end as
 * the tree foresees; what ends with unknown outcome is looked at later.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "sim/work_files.h"
#include "sim/workloads.h"

/* Above this many names an actor removes more than it makes. */
#define LIVE_MAX 110u

static const char *const operation_names[FILES_OPERATIONS + 1] = {
	[FILES_MOUNT] = "mount",
	[FILES_LOOKUP] = "lookup",
	[FILES_MKDIR] = "mkdir",
	[FILES_CREATE] = "create",
	[FILES_SYMLINK] = "symlink",
	[FILES_WRITE] = "write",
	[FILES_READ] = "read",
	[FILES_SIZE] = "size",
	[FILES_CUT] = "cut",
	[FILES_HOLE] = "hole",
	[FILES_REMOVE] = "remove",
	[FILES_MOVE] = "move",
	[FILES_EXCHANGE] = "exchange",
	[FILES_LIST] = "list",
	[FILES_STAT] = "stat",
	[FILES_MODE] = "chmod",
	[FILES_OWNER] = "chown",
	[FILES_TIME] = "time",
	[FILES_ACCESS] = "access",
	[FILES_READLINK] = "readlink",
	[FILES_FOLLOW] = "follow",
	[FILES_SET_ATTRIBUTE] = "set-xattr",
	[FILES_REMOVE_ATTRIBUTE] = "remove-xattr",
	[FILES_GET_ATTRIBUTE] = "get-xattr",
	[FILES_LIST_ATTRIBUTES] = "list-xattr",
	[FILES_HANDLES] = "handles",
	[FILES_REFUSED] = "refused",
	[FILES_CONTAINER] = "container",
	[FILES_WHOLE] = "whole",
	[FILES_SHARED_MAKE] = "shared-make",
	[FILES_SHARED_READ] = "shared-read",
	[FILES_SHARED_REMOVE] = "shared-remove",
	[FILES_SHARED_MOVE] = "shared-move",
};

/* How each operation is done, and how often of 1000. */
static const struct {
	void (*function)(struct files_actor *files);
	uint16_t weight;
} operations[FILES_OPERATIONS] = {
	[FILES_MOUNT] = {files_mounts, 8},
	[FILES_LOOKUP] = {files_lookup, 30},
	[FILES_MKDIR] = {files_mkdir, 45},
	[FILES_CREATE] = {files_create, 110},
	[FILES_SYMLINK] = {files_symlink, 35},
	[FILES_WRITE] = {files_write, 110},
	[FILES_READ] = {files_read, 70},
	[FILES_SIZE] = {files_size, 20},
	[FILES_CUT] = {files_cut, 35},
	[FILES_HOLE] = {files_hole, 25},
	[FILES_REMOVE] = {files_remove, 55},
	[FILES_MOVE] = {files_move, 65},
	[FILES_EXCHANGE] = {files_exchange, 25},
	[FILES_LIST] = {files_list, 40},
	[FILES_STAT] = {files_stat, 35},
	[FILES_MODE] = {files_mode, 25},
	[FILES_OWNER] = {files_owner, 20},
	[FILES_TIME] = {files_time, 15},
	[FILES_ACCESS] = {files_access, 10},
	[FILES_READLINK] = {files_readlink, 12},
	[FILES_FOLLOW] = {files_follow, 20},
	[FILES_SET_ATTRIBUTE] = {files_set_attribute, 30},
	[FILES_REMOVE_ATTRIBUTE] = {files_remove_attribute, 10},
	[FILES_GET_ATTRIBUTE] = {files_get_attribute, 20},
	[FILES_LIST_ATTRIBUTES] = {files_list_attributes, 12},
	[FILES_HANDLES] = {files_handles, 15},
	[FILES_REFUSED] = {files_refused, 20},
	[FILES_CONTAINER] = {files_containers, 3},
	[FILES_WHOLE] = {files_whole, 2},
	[FILES_SHARED_MAKE] = {files_shared_make, 31},
	[FILES_SHARED_READ] = {files_shared_read, 25},
	[FILES_SHARED_REMOVE] = {files_shared_remove, 22},
	[FILES_SHARED_MOVE] = {files_shared_move, 10},
};

/* ------------------------------------------------ the model */

static void *
files_model_create(struct sim *sim, struct server *server)
{
	const struct plan *plan = sim_plan(sim);
	struct files_model *model = sim_take(sizeof(*model));

	model->sim = sim;
	model->server = server;
	model->io_limit = min_of(max_of(4 * plan_knob(plan, KNOB_VALUE_SIZE), UINT64_C(64)),
				 (uint64_t)FILES_IO_MAX);
	model->hand_count = (uint32_t)max_of(plan_knob(plan, KNOB_ACTORS), UINT64_C(1));
	model->hands = sim_take(model->hand_count * sizeof(*model->hands));
	for (uint32_t i = 0; i < model->hand_count; i++) {
		name_init(&model->hands[i].tree, server_number(server) * 1000 + i + 1);
		model->hands[i].bytes = sim_take(FILES_IO_MAX);
		model->hands[i].expected = sim_take(FILES_IO_MAX);
	}
	return model;
}

static void
files_model_destroy(void *argument)
{
	struct files_model *model = argument;

	for (uint32_t i = 0; i < model->hand_count; i++) {
		name_fini(&model->hands[i].tree);
		free(model->hands[i].bytes);
		free(model->hands[i].expected);
	}
	files_shared_free(model);
	free(model->hands);
	free(model->made);
	free(model);
}

/* ------------------------------------------------ outcomes */

bool
files_loose(const struct files_actor *files)
{
	return server_may_roll_back(files->model->server);
}

enum outcome
files_done(struct files_actor *files, enum files_operation operation, int error, int expected,
	   const char *what)
{
	enum outcome outcome = actor_done_errno(files->actor, operation, error);

	if (outcome == OUTCOME_UNKNOWN || error == expected)
		return outcome;
	/* The ledger has judged it; of several steps the first may have been taken. */
	if (error == ENOSPC)
		return OUTCOME_UNKNOWN;
	if (files_loose(files) || (error && server_may_fail(files->model->server)))
		return error ? OUTCOME_UNKNOWN : OUTCOME_OK;
	sim_violation(files->model->sim, "%s of %.60s in %s gave errno %d, not %d",
		      operation_names[operation], what, files->top, error, expected);
	return OUTCOME_UNKNOWN;
}

void
files_end(struct files_actor *files, enum outcome outcome)
{
	static const enum name_outcome outcomes[] = {
		[OUTCOME_OK] = TREE_DONE,
		[OUTCOME_FAILED] = TREE_FAILED,
		[OUTCOME_UNKNOWN] = TREE_UNKNOWN,
	};

	name_end(files->tree, &files->hand->change, outcomes[outcome]);
	files->hand->ended++;
}

/* ------------------------------------------------ nodes and names */

bool
files_path(const struct files_actor *files, const struct name_node *node, const char *name,
	   char path[FILES_PATH_MAX])
{
	size_t length = strlen(files->top), name_length = name ? strlen(name) : 0;

	memcpy(path, files->top, length + 1);
	if (!name_path(node, path + length, FILES_PATH_MAX - length))
		return false;
	if (name == NULL)
		return true;
	length = strlen(path);
	if (length + name_length + 2 > FILES_PATH_MAX)
		return false;
	path[length] = '/';
	memcpy(path + length + 1, name, name_length + 1);
	return true;
}

bool
files_open(struct files_actor *files, const struct name_node *node, int flags,
	   dfs_obj_t **ret_object)
{
	char path[FILES_PATH_MAX];
	int rc;

	if (!files_path(files, node, NULL, path))
		return false;
	rc = dfs_lookup(files->dfs, path, flags | O_NOFOLLOW, ret_object, NULL, NULL);
	return files_done(files, FILES_LOOKUP, rc, 0, path) == OUTCOME_OK;
}

struct name_node *
files_draw_node(struct files_actor *files, uint32_t kinds)
{
	struct name_node *found = NULL;
	uint64_t seen = 0;

	for (struct name_node *node = files->tree->nodes; node; node = node->next) {
		if (node != files->tree->root && (node->at == NULL || node->at->limbo ||
						  !name_is_within(node, files->tree->root)))
			continue;
		if (kinds & 1u << node->kind && stream_draw(files->random, ++seen) == 0)
			found = node;
	}
	return found;
}

struct name_entry *
files_draw_present(struct files_actor *files, struct name_node *directory)
{
	struct name_entry *found = NULL;
	uint64_t seen = 0;

	for (uint32_t i = 0; i < directory->entry_count; i++) {
		struct name_entry *entry = directory->entries[i];

		if (entry->node && entry->limbo == NULL && stream_draw(files->random, ++seen) == 0)
			found = entry;
	}
	return found;
}

bool
files_at(struct files_actor *files, const struct name_node *directory, const char *name,
	 struct files_at *at)
{
	at->name = name;
	at->parent = NULL;
	at->by_path = files_path(files, directory, name, at->path) &&
		      strlen(name) <= TREE_NAME_MAX && stream_chance(files->random, 40);
	return at->by_path || files_open(files, directory, O_RDWR, &at->parent);
}

bool
files_at_node(struct files_actor *files, const struct name_node *node, struct files_at *at)
{
	return files_at(files, node->at->directory, node->at->name, at);
}

void
files_at_end(struct files_at *at)
{
	if (at->parent)
		(void)dfs_release(at->parent);
}

/* Names of every kind: short, with many bytes, around the length that an anchor holds, the longest.
 */
static void
draw_name(struct files_actor *files, char name[TREE_NAME_MAX + 1])
{
	static const char *const plain[] = {
		"a", "b", "c", "ab", "..x", ".h", "x y", "\xff", "\x01\xc3\xa4", "%s", "~", "-"};
	static const uint8_t lengths[] = {102, 103, 104, 105, 200, 254, 255};
	uint64_t draw = stream_draw(files->random, 10);
	size_t length;

	if (draw < 4) {
		snprintf(name, TREE_NAME_MAX + 1, "%s",
			 plain[stream_draw(files->random, ARRAY_SIZE(plain))]);
	} else if (draw < 9) {
		snprintf(name, TREE_NAME_MAX + 1, "f%03u",
			 (unsigned int)stream_draw(files->random, 120));
	} else {
		length = lengths[stream_draw(files->random, ARRAY_SIZE(lengths))];
		memset(name, 'l', length);
		name[length] = '\0';
		name[length - 1] = (char)('a' + stream_draw(files->random, 3));
	}
}

struct name_entry *
files_draw_absent(struct files_actor *files, struct name_node *directory)
{
	char name[TREE_NAME_MAX + 1];

	for (uint32_t attempt = 0; attempt < 4; attempt++) {
		struct name_entry *entry;

		draw_name(files, name);
		entry = name_entry(directory, name, true);
		if (entry->node == NULL && name_entry_usable(entry))
			return entry;
	}
	/* Never used before. */
	snprintf(name, sizeof(name), "n%llu", (unsigned long long)actor_write_number(files->actor));
	return name_entry(directory, name, true);
}

void
files_sgl(struct files_actor *files, void *bytes, size_t size, d_iov_t iovs[FILES_IOVS_MAX],
	  d_sg_list_t *ret_sgl)
{
	uint32_t count = (uint32_t)stream_between(files->random, 1, FILES_IOVS_MAX);
	size_t at = 0;

	for (uint32_t i = 0; i < count; i++) {
		size_t here = i + 1 == count ? size - at
					     : stream_draw(files->random, size - at + 1);

		d_iov_set(&iovs[i], (uint8_t *)bytes + at, here);
		at += here;
	}
	*ret_sgl = (d_sg_list_t){.sg_nr = count, .sg_nr_out = count, .sg_iovs = iovs};
}

/* ------------------------------------------------ an actor */

/* Mounts until that succeeds; false: the chaos is over. */
static bool
mount(struct files_actor *files, bool verifies)
{
	struct actor *actor = files->actor;

	do {
		int rc = dfs_mount(actor->pool, actor->container, O_RDWR, &files->dfs);

		if (files_done(files, FILES_MOUNT, rc, 0, "the container") == OUTCOME_OK) {
			rc = dfs_sys_mount(actor->pool, actor->container, O_RDWR, DFS_SYS_NO_CACHE,
					   &files->sys);
			if (files_done(files, FILES_MOUNT, rc, 0, "paths") == OUTCOME_OK)
				return true;
			(void)dfs_umount(files->dfs);
		}
	} while (!verifies && actor_next(actor));
	return false;
}

static bool
files_enter(struct files_actor *files, struct actor *actor, bool verifies)
{
	struct files_model *model = actor->model;

	*files = (struct files_actor){
		.actor = actor,
		.model = model,
		.hand = &model->hands[actor->number % model->hand_count],
		.random = &actor->random,
		.queue = DAOS_HDL_INVAL,
	};
	files->tree = &files->hand->tree;
	snprintf(files->top, sizeof(files->top), "/a%u", actor->number);
	/* What the actor before had under way when its client died is of unknown outcome. */
	for (uint32_t i = 0; i < model->hand_count && (verifies || i == 0); i++) {
		struct files_hand *hand = verifies ? &model->hands[i] : files->hand;

		name_end(&hand->tree, &hand->change, TREE_UNKNOWN);
		hand->ended++;
		files_shared_lost(model, hand);
	}
	if (!mount(files, verifies))
		return false;
	files->bytes = files->hand->bytes;
	files->expected = files->hand->expected;
	if (!verifies && stream_chance(&actor->random, 50) && daos_eq_create(&files->queue))
		files->queue = DAOS_HDL_INVAL;
	return true;
}

static void
files_leave(struct files_actor *files)
{
	(void)dfs_sys_umount(files->sys);
	(void)dfs_umount(files->dfs);
	if (daos_handle_is_valid(files->queue))
		(void)daos_eq_destroy(files->queue, 0);
}

/* The directories that every actor finds or makes. */
static bool
make_directories(struct files_actor *files)
{
	while (!files->hand->has_root) {
		int rc = dfs_sys_mkdir_p(files->sys, files->top, 0700, 0);

		if (files_done(files, FILES_MKDIR, rc, 0, files->top) == OUTCOME_OK) {
			rc = dfs_sys_mkdir_p(files->sys, "/shared", 0755, 0);
			files->hand->has_root = files_done(files, FILES_MKDIR, rc, 0, "/shared") ==
						OUTCOME_OK;
			/* Its own attributes are not in the model. */
			files->tree->root->mode.any = files->tree->root->owner.any = true;
		}
		if (!files->hand->has_root && !actor_next(files->actor))
			return false;
	}
	return true;
}

static enum files_operation
draw_operation(struct files_actor *files)
{
	bool full = files->tree->live > LIVE_MAX;

	for (uint32_t attempt = 0; attempt < 16; attempt++) {
		uint32_t draw = (uint32_t)stream_draw(files->random, 1000), at = 0;

		while (at < FILES_OPERATIONS && draw >= operations[at].weight)
			draw -= operations[at++].weight;
		if (at == FILES_OPERATIONS)
			continue;
		if (full && (at == FILES_MKDIR || at == FILES_CREATE || at == FILES_SYMLINK))
			return FILES_REMOVE;
		if (actor_takes(files->actor, at))
			return at;
	}
	return FILES_CREATE;
}

static void
files_act(struct actor *actor)
{
	struct files_actor files;

	if (!files_enter(&files, actor, false))
		return;
	if (make_directories(&files)) {
		while (actor_next(actor)) {
			files_look_at_limbo(&files, false);
			files_watch(&files);
			operations[draw_operation(&files)].function(&files);
		}
	}
	files_leave(&files);
}

/* ------------------------------------------------ the end */

static void
files_verify(struct actor *actor)
{
	struct files_actor files;

	if (!files_enter(&files, actor, true))
		return;
	for (uint32_t i = 0; i < files.model->hand_count && !sim_violated(actor->sim); i++) {
		files.hand = &files.model->hands[i];
		files.tree = &files.hand->tree;
		snprintf(files.top, sizeof(files.top), "/a%u", i);
		if (files.hand->has_root)
			files_verify_tree(&files);
		files_verify_containers(&files);
	}
	files_shared_verify(&files);
	files_leave(&files);
}

static void
files_judge(struct sim *sim, void *model)
{
	(void)sim;
	files_shared_judge(model);
}

const struct workload workload_files = {
	.name = "files",
	.operations = operation_names,
	.layout = DAOS_PROP_CO_LAYOUT_POSIX,
	.create = files_model_create,
	.act = files_act,
	.verify = files_verify,
	.judge = files_judge,
	.destroy = files_model_destroy,
};
