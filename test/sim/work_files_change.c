/* SPDX-License-Identifier: BSD-2-Clause-Patent */
/* Changes of names and attributes, each by its directory or by its path. */
#include <errno.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/xattr.h>

#include "sim/work_files.h"

#define DEPTH_MAX 11u
/* An owner that nobody has set. */
#define OWNER_UNSET UINT64_MAX

#define ANY_KIND (1u << TREE_DIRECTORY | 1u << TREE_FILE | 1u << TREE_LINK)

/* ------------------------------------------------ creation */

static mode_t
draw_mode(struct files_actor *files)
{
	/* An owner may always read, write and enter. */
	return 0700 | (mode_t)stream_draw(files->random, 01000) |
	       (stream_chance(files->random, 10) ? S_ISVTX : 0);
}

/* A directory for a new name, none too deep. */
static struct name_node *
draw_parent(struct files_actor *files)
{
	struct name_node *directory = files_draw_node(files, 1u << TREE_DIRECTORY);

	/* Some directories become large, some trees deep. */
	if (stream_chance(files->random, 30) || name_depth(directory) >= DEPTH_MAX)
		return files->tree->root;
	return directory;
}

/* Notes that a node of this kind will be made; NULL: the directory cannot be opened. */
static struct name_node *
begin_create(struct files_actor *files, enum name_kind kind, mode_t mode, struct files_at *at)
{
	struct name_entry *entry = files_draw_absent(files, draw_parent(files));
	struct name_node *node;

	if (!files_at(files, entry->directory, entry->name, at))
		return NULL;
	node = name_node_new(files->tree, kind);
	node->mode.value = mode;
	node->owner.value = OWNER_UNSET;
	files->hand->change = (struct name_change){.kind = TREE_CREATE, .to = entry, .node = node};
	return node;
}

/* What is there already is refused. */
static void
make_twice(struct files_actor *files, enum files_operation operation)
{
	struct name_node *node = files_draw_node(files, ANY_KIND);
	struct files_at at;
	dfs_obj_t *object = NULL;
	int rc;

	if (node->at == NULL || !files_at_node(files, node, &at))
		return;
	if (operation == FILES_MKDIR)
		rc = at.by_path ? dfs_sys_mkdir(files->sys, at.path, 0755, 0)
				: dfs_mkdir(files->dfs, at.parent, at.name, 0755, 0);
	else if (at.by_path)
		rc = dfs_sys_mknod(files->sys, at.path, S_IFREG | 0600, 0, 0);
	else
		rc = dfs_open(files->dfs, at.parent, at.name, S_IFREG | 0600,
			      O_RDWR | O_CREAT | O_EXCL, 0, 0, NULL, &object);
	(void)files_done(files, operation, rc, EEXIST, at.name);
	if (rc == 0 && object)
		(void)dfs_release(object);
	files_at_end(&at);
}

/* To make a name is one operation: without room for it there is no name. */
static void
end_create(struct files_actor *files, enum files_operation operation, int rc,
	   const struct files_at *at)
{
	enum outcome outcome = files_done(files, operation, rc, 0, at->name);

	files_end(files, rc == ENOSPC ? OUTCOME_FAILED : outcome);
}

void
files_mkdir(struct files_actor *files)
{
	mode_t mode = draw_mode(files);
	struct files_at at;
	int rc;

	if (stream_chance(files->random, 10)) {
		make_twice(files, FILES_MKDIR);
		return;
	}
	if (begin_create(files, TREE_DIRECTORY, mode, &at) == NULL)
		return;
	if (!at.by_path)
		rc = dfs_mkdir(files->dfs, at.parent, at.name, mode, 0);
	else if (stream_chance(files->random, 50))
		rc = dfs_sys_mkdir(files->sys, at.path, mode, 0);
	else
		rc = dfs_sys_mkdir_p(files->sys, at.path, mode, 0);
	end_create(files, FILES_MKDIR, rc, &at);
	files_at_end(&at);
}

/* Opens a name that is there with O_CREAT: a file is opened, and emptied with O_TRUNC. */
static void
create_over(struct files_actor *files)
{
	struct name_node *node = files_draw_node(files, ANY_KIND);
	bool cuts = stream_chance(files->random, 40);
	dfs_obj_t *parent, *object = NULL;
	enum outcome outcome;
	int rc, expected = 0;

	if (node->at == NULL || !files_open(files, node->at->directory, O_RDWR, &parent))
		return;
	if (node->kind != TREE_FILE)
		expected = node->kind == TREE_DIRECTORY ? EISDIR : ELOOP;
	else if (cuts)
		files->hand->change = (struct name_change){.kind = TREE_CUT, .node = node};
	rc = dfs_open(files->dfs, parent, node->at->name, S_IFREG | 0600,
		      O_RDWR | O_CREAT | (cuts ? O_TRUNC : 0), 0, 0, NULL, &object);
	outcome = files_done(files, FILES_CREATE, rc, expected, node->at->name);
	files_end(files, outcome);
	if (rc == 0)
		(void)dfs_release(object);
	(void)dfs_release(parent);
}

static uint64_t
draw_chunk_size(struct files_actor *files)
{
	static const uint32_t sizes[] = {0, 1u << 12, 1u << 13, 1u << 15, 1000, 1u << 20};

	return sizes[stream_draw(files->random, ARRAY_SIZE(sizes))];
}

static int
create_file(struct files_actor *files, const struct files_at *at, struct name_node *node)
{
	int flags = O_RDWR | O_CREAT | (stream_chance(files->random, 60) ? O_EXCL : 0);
	mode_t mode = S_IFREG | (mode_t)node->mode.value;
	struct stat stat = {.st_mode = 0};
	dfs_obj_t *object;
	int rc;

	if (at->by_path && stream_chance(files->random, 50))
		return dfs_sys_mknod(files->sys, at->path, mode, 0, node->chunk_size);
	if (at->by_path)
		rc = dfs_sys_open(files->sys, at->path, mode, flags, 0, node->chunk_size, NULL,
				  &object);
	else if (stream_chance(files->random, 50))
		rc = dfs_open(files->dfs, at->parent, at->name, mode, flags, 0, node->chunk_size,
			      NULL, &object);
	else
		rc = dfs_open_stat(files->dfs, at->parent, at->name, mode, flags, 0,
				   node->chunk_size, NULL, &object, &stat);
	if (rc)
		return rc;
	if (stat.st_mode != 0)
		files_check_stat(files, node, &stat, true);
	if (stream_chance(files->random, 30) && dfs_ostat(files->dfs, object, &stat) == 0)
		files_check_stat(files, node, &stat, true);
	(void)(at->by_path ? dfs_sys_close(object) : dfs_release(object));
	return 0;
}

void
files_create(struct files_actor *files)
{
	struct name_node *node;
	struct files_at at;
	int rc;

	if (stream_chance(files->random, 15)) {
		create_over(files);
		return;
	}
	if (stream_chance(files->random, 6)) {
		make_twice(files, FILES_CREATE);
		return;
	}
	node = begin_create(files, TREE_FILE, draw_mode(files), &at);
	if (node == NULL)
		return;
	node->chunk_size = draw_chunk_size(files);
	rc = create_file(files, &at, node);
	end_create(files, FILES_CREATE, rc, &at);
	files_at_end(&at);
}

/* What a link leads to: something of the tree, by its path or within its directory; nothing; or as
 * many bytes as can be. */
static void
draw_target(struct files_actor *files, const struct name_node *directory,
	    char target[FILES_PATH_MAX])
{
	const struct name_entry *entry;
	uint64_t draw = stream_draw(files->random, 10);

	if (draw < 6) {
		const struct name_node *node = files_draw_node(files, ANY_KIND);

		if (files_path(files, node, NULL, target))
			return;
	}
	entry = directory->entry_count > 0
			? directory->entries[stream_draw(files->random, directory->entry_count)]
			: NULL;
	if (draw < 9 && entry) {
		snprintf(target, FILES_PATH_MAX, "%s%s", draw == 8 ? "./" : "", entry->name);
		return;
	}
	memset(target, 'x', FILES_PATH_MAX);
	target[draw == 9 ? FILES_PATH_MAX - 1 : 1] = '\0';
}

void
files_symlink(struct files_actor *files)
{
	char target[FILES_PATH_MAX];
	struct name_node *node;
	dfs_obj_t *object;
	struct files_at at;
	int rc;

	node = begin_create(files, TREE_LINK, 0777, &at);
	if (node == NULL)
		return;
	draw_target(files, files->hand->change.to->directory, target);
	node->target = sim_take(strlen(target) + 1);
	memcpy(node->target, target, strlen(target) + 1);
	if (at.by_path) {
		rc = dfs_sys_symlink(files->sys, target, at.path);
	} else {
		rc = dfs_open(files->dfs, at.parent, at.name, S_IFLNK, O_RDWR | O_CREAT | O_EXCL, 0,
			      0, target, &object);
		if (rc == 0)
			(void)dfs_release(object);
	}
	end_create(files, FILES_SYMLINK, rc, &at);
	files_at_end(&at);
}

/* ------------------------------------------------ removal, moves */

static int
remove_call(struct files_actor *files, const struct files_at *at, const struct name_node *node,
	    bool force)
{
	static const mode_t types[] = {
		[TREE_DIRECTORY] = S_IFDIR, [TREE_FILE] = S_IFREG, [TREE_LINK] = S_IFLNK};
	daos_obj_id_t oid;

	if (!at->by_path)
		return dfs_remove(files->dfs, at->parent, at->name, force, &oid);
	if (node && stream_chance(files->random, 50))
		return dfs_sys_remove_type(files->sys, at->path, force, types[node->kind], NULL);
	return dfs_sys_remove(files->sys, at->path, force, &oid);
}

static void
remove_absent(struct files_actor *files)
{
	struct name_entry *entry =
		files_draw_absent(files, files_draw_node(files, 1u << TREE_DIRECTORY));
	struct files_at at;

	if (!files_at(files, entry->directory, entry->name, &at))
		return;
	(void)files_done(files, FILES_REMOVE, remove_call(files, &at, NULL, false), ENOENT,
			 at.name);
	files_at_end(&at);
}

void
files_remove(struct files_actor *files)
{
	struct name_node *node = files_draw_node(files, ANY_KIND);
	bool force = stream_chance(files->random, 25), open = false;
	int expected = 0, rc;
	struct files_at at;

	if (node->at == NULL || stream_chance(files->random, 8)) {
		remove_absent(files);
		return;
	}
	if (node->kind == TREE_DIRECTORY && !force && name_count(node, &open) > 0)
		expected = ENOTEMPTY;
	if (!files_at_node(files, node, &at))
		return;
	if (expected == 0)
		files->hand->change =
			(struct name_change){.kind = TREE_REMOVE, .from = node->at, .node = node};
	rc = remove_call(files, &at, node, force);
	/* A name that is not certain may be in it. */
	if (open && expected == 0 && rc == ENOTEMPTY)
		expected = ENOTEMPTY;
	files_end(files, files_done(files, FILES_REMOVE, rc, expected, at.name));
	files_at_end(&at);
}

/* What a move of node to a name gives; *ret_open: or ENOTEMPTY. */
static int
foresee_move(const struct name_node *node, const struct name_entry *to, bool *ret_open)
{
	*ret_open = false;
	if (node->kind == TREE_DIRECTORY && name_is_within(to->directory, node))
		return EINVAL;
	if (to->node == NULL || to->node == node)
		return 0;
	if (to->node->kind != TREE_DIRECTORY)
		return node->kind == TREE_DIRECTORY ? ENOTDIR : 0;
	if (node->kind != TREE_DIRECTORY)
		return EISDIR;
	return name_count(to->node, ret_open) > 0 ? ENOTEMPTY : 0;
}

/* Both directories of a move or an exchange. */
static bool
open_both(struct files_actor *files, const struct name_node *one, const struct name_node *two,
	  dfs_obj_t *ret_objects[2])
{
	if (!files_open(files, one, O_RDWR, &ret_objects[0]))
		return false;
	if (files_open(files, two, O_RDWR, &ret_objects[1]))
		return true;
	(void)dfs_release(ret_objects[0]);
	return false;
}

/* Which object a node is must be known before it may be found under two names. */
static bool
learn(struct files_actor *files, struct name_node *node, dfs_obj_t *parent)
{
	struct stat stat;
	int rc;

	if (node == NULL || node->id != 0)
		return true;
	rc = dfs_stat(files->dfs, parent, node->at->name, &stat);
	if (files_done(files, FILES_STAT, rc, 0, node->at->name) != OUTCOME_OK)
		return false;
	files_check_stat(files, node, &stat, true);
	return node->id != 0;
}

static struct name_entry *
draw_destination(struct files_actor *files)
{
	struct name_node *directory = draw_parent(files);
	struct name_entry *entry = NULL;

	if (stream_chance(files->random, 35))
		entry = files_draw_present(files, directory);
	return entry ? entry : files_draw_absent(files, directory);
}

void
files_move(struct files_actor *files)
{
	struct name_node *node = files_draw_node(files, ANY_KIND);
	struct name_entry *to = draw_destination(files);
	bool open, same = node->at == to;
	dfs_obj_t *parents[2];
	int expected, rc;

	if (node->at == NULL || !open_both(files, node->at->directory, to->directory, parents))
		return;
	if (!learn(files, node, parents[0]) || !learn(files, to->node, parents[1]))
		goto out;
	expected = foresee_move(node, to, &open);
	/* Onto itself: nothing happens. */
	if (expected == 0 && !same)
		files->hand->change = (struct name_change){.kind = TREE_MOVE,
							   .from = node->at,
							   .to = to,
							   .node = node,
							   .other = to->node};
	rc = dfs_move(files->dfs, parents[0], node->at->name, parents[1], to->name, NULL);
	if (open && expected == 0 && rc == ENOTEMPTY)
		expected = ENOTEMPTY;
	files_end(files, files_done(files, FILES_MOVE, rc, expected, to->name));
out:
	(void)dfs_release(parents[0]);
	(void)dfs_release(parents[1]);
}

void
files_exchange(struct files_actor *files)
{
	struct name_node *node = files_draw_node(files, ANY_KIND);
	struct name_node *other = files_draw_node(files, ANY_KIND);
	int expected = 0, rc;
	dfs_obj_t *parents[2];

	if (node->at == NULL || other->at == NULL ||
	    !open_both(files, node->at->directory, other->at->directory, parents))
		return;
	if (!learn(files, node, parents[0]) || !learn(files, other, parents[1]))
		goto out;
	if ((node->kind == TREE_DIRECTORY && name_is_within(other->at->directory, node)) ||
	    (other->kind == TREE_DIRECTORY && name_is_within(node->at->directory, other)))
		expected = EINVAL;
	if (expected == 0 && node != other)
		files->hand->change = (struct name_change){.kind = TREE_EXCHANGE,
							   .from = node->at,
							   .to = other->at,
							   .node = node,
							   .other = other};
	rc = dfs_exchange(files->dfs, parents[0], node->at->name, parents[1], other->at->name);
	files_end(files, files_done(files, FILES_EXCHANGE, rc, expected, "two names"));
out:
	(void)dfs_release(parents[0]);
	(void)dfs_release(parents[1]);
}

/* ------------------------------------------------ attributes */

/* Opens a node to change its attributes: an open link stands for itself. */
static bool
open_node(struct files_actor *files, uint32_t kinds, struct name_node **ret_node,
	  dfs_obj_t **ret_object)
{
	*ret_node = files_draw_node(files, kinds);
	return *ret_node && (*ret_node)->at && files_open(files, *ret_node, O_RDWR, ret_object);
}

static int
set_attributes(struct files_actor *files, struct name_node *node, int flags, struct stat *stat)
{
	char path[FILES_PATH_MAX];
	dfs_obj_t *object;
	int rc;

	if (stream_chance(files->random, 50) && files_path(files, node, NULL, path))
		return dfs_sys_setattr(files->sys, path, stat, flags, O_NOFOLLOW);
	if (!files_open(files, node, O_RDWR, &object))
		return -1;
	rc = dfs_osetattr(files->dfs, object, stat, flags);
	if (rc == 0)
		files_check_stat(files, node, stat, false);
	(void)dfs_release(object);
	return rc;
}

void
files_mode(struct files_actor *files)
{
	struct name_node *node = files_draw_node(files, 1u << TREE_DIRECTORY | 1u << TREE_FILE);
	mode_t mode = draw_mode(files);
	struct stat stat = {.st_mode = mode};
	struct files_at at;
	int rc;

	if (node->at == NULL)
		return;
	if (stream_chance(files->random, 40)) {
		struct choice before = node->mode;

		/* The call tells at once what it has made. */
		node->mode.any = true;
		files->hand->change =
			(struct name_change){.kind = TREE_MODE, .node = node, .value = mode};
		rc = set_attributes(files, node, DFS_SET_ATTR_MODE, &stat);
		node->mode.any = before.any;
		files_end(files, rc < 0 ? OUTCOME_FAILED
					: files_done(files, FILES_MODE, rc, 0, node->at->name));
		return;
	}
	if (!files_at_node(files, node, &at))
		return;
	files->hand->change = (struct name_change){.kind = TREE_MODE, .node = node, .value = mode};
	rc = at.by_path ? dfs_sys_chmod(files->sys, at.path, mode)
			: dfs_chmod(files->dfs, at.parent, at.name, mode);
	files_end(files, files_done(files, FILES_MODE, rc, 0, at.name));
	files_at_end(&at);
}

void
files_owner(struct files_actor *files)
{
	struct name_node *node = files_draw_node(files, ANY_KIND);
	uid_t user = (uid_t)stream_draw(files->random, 5000);
	gid_t group = (gid_t)stream_draw(files->random, 5000);
	struct files_at at;
	int rc;

	if (node->at == NULL || !files_at_node(files, node, &at))
		return;
	files->hand->change = (struct name_change){
		.kind = TREE_OWNER, .node = node, .value = (uint64_t)user << 32 | group};
	rc = at.by_path ? dfs_sys_chown(files->sys, at.path, user, group, O_NOFOLLOW)
			: dfs_chown(files->dfs, at.parent, at.name, user, group, O_NOFOLLOW);
	files_end(files, files_done(files, FILES_OWNER, rc, 0, at.name));
	files_at_end(&at);
}

void
files_time(struct files_actor *files)
{
	struct name_node *node = files_draw_node(files, 1u << TREE_DIRECTORY | 1u << TREE_FILE);
	int64_t time = (int64_t)stream_draw(files->random, 2000000000);
	struct stat stat = {.st_mtim = {.tv_sec = time, .tv_nsec = 7}};
	const struct timespec times[2] = {{.tv_sec = 1}, {.tv_sec = time}};
	char path[FILES_PATH_MAX];
	int rc;

	if (node->at == NULL || !files_path(files, node, NULL, path))
		return;
	files->hand->change =
		(struct name_change){.kind = TREE_TIME, .node = node, .value = (uint64_t)time};
	node->time_held = false;
	if (stream_chance(files->random, 50))
		rc = dfs_sys_utimens(files->sys, path, times, 0);
	else
		rc = set_attributes(files, node, DFS_SET_ATTR_MTIME, &stat);
	files_end(files, rc < 0 ? OUTCOME_FAILED : files_done(files, FILES_TIME, rc, 0, path));
}

/* ------------------------------------------------ extended attributes */

static const char *
draw_attribute(struct files_actor *files, char name[TREE_NAME_MAX + 1])
{
	static const char *const names[] = {"user.a", "user.b", "x", "\xfe"};
	uint64_t draw = stream_draw(files->random, ARRAY_SIZE(names) + 1);

	if (draw < ARRAY_SIZE(names))
		return names[draw];
	memset(name, 'n', TREE_NAME_MAX);
	name[TREE_NAME_MAX] = '\0';
	return name;
}

static uint64_t
draw_attribute_size(struct files_actor *files)
{
	uint64_t limit = min_of(files->model->io_limit, UINT64_C(65536));

	if (stream_chance(files->random, 4))
		return 65536;
	if (stream_chance(files->random, 4))
		return 0;
	return stream_chance(files->random, 20) ? 1 : stream_scaled(files->random, 1, limit);
}

/* What setting gives: with a condition only when the attribute certainly is there or not. */
static int
foresee_attribute(const struct choice *value, int flags)
{
	if (flags & XATTR_CREATE && value->value != 0)
		return EEXIST;
	return flags & XATTR_REPLACE && value->value == 0 ? ENODATA : 0;
}

static void
set_attribute(struct files_actor *files, struct name_node *node, dfs_obj_t *object,
	      const char *name)
{
	const struct choice *value = &name_attribute(node, name, true)->value;
	bool certain = value->maybe_count == 0 && !value->any;
	int flags = certain ? (int)stream_draw(files->random, 3) : 0;
	uint64_t number = actor_write_number(files->actor), size = draw_attribute_size(files);
	char path[FILES_PATH_MAX];
	int expected, rc;

	name_bytes(node->number, number, 0, files->bytes, size);
	expected = foresee_attribute(value, flags);
	if (expected == 0) {
		files->hand->change = (struct name_change){
			.kind = TREE_ATTRIBUTE,
			.node = node,
			.value = name_attribute_value(number, size),
		};
		memcpy(files->hand->change.name, name, strlen(name) + 1);
	}
	if (stream_chance(files->random, 30) && files_path(files, node, NULL, path))
		rc = dfs_sys_setxattr(files->sys, path, name, files->bytes, size, flags,
				      O_NOFOLLOW);
	else
		rc = dfs_setxattr(files->dfs, object, name, files->bytes, size, flags);
	files_end(files, files_done(files, FILES_SET_ATTRIBUTE, rc, expected, name));
}

static void
remove_attribute(struct files_actor *files, struct name_node *node, dfs_obj_t *object,
		 const char *name)
{
	const struct choice *value = &name_attribute(node, name, true)->value;
	bool certain = value->maybe_count == 0 && !value->any;
	int expected = value->value == 0 ? ENODATA : 0;
	char path[FILES_PATH_MAX];
	int rc;

	if (!certain)
		return;
	if (expected == 0) {
		files->hand->change =
			(struct name_change){.kind = TREE_ATTRIBUTE, .node = node, .value = 0};
		memcpy(files->hand->change.name, name, strlen(name) + 1);
	}
	if (stream_chance(files->random, 30) && files_path(files, node, NULL, path))
		rc = dfs_sys_removexattr(files->sys, path, name, O_NOFOLLOW);
	else
		rc = dfs_removexattr(files->dfs, object, name);
	files_end(files, files_done(files, FILES_REMOVE_ATTRIBUTE, rc, expected, name));
}

void
files_set_attribute(struct files_actor *files)
{
	char buffer[TREE_NAME_MAX + 1];
	const char *name = draw_attribute(files, buffer);
	struct name_node *node;
	dfs_obj_t *object;

	if (!open_node(files, ANY_KIND, &node, &object))
		return;
	set_attribute(files, node, object, name);
	(void)dfs_release(object);
}

static bool
has_attribute(const struct name_node *node)
{
	for (uint32_t i = 0; i < node->attribute_count; i++) {
		if (node->attributes[i].value.value != 0)
			return true;
	}
	return false;
}

/* Mostly of what has some. */
void
files_remove_attribute(struct files_actor *files)
{
	struct name_node *node = files_draw_node(files, ANY_KIND);
	char buffer[TREE_NAME_MAX + 1];
	const char *name = draw_attribute(files, buffer);
	dfs_obj_t *object;

	for (uint32_t attempt = 0; !has_attribute(node) && attempt < 20; attempt++)
		node = files_draw_node(files, ANY_KIND);
	if (node->at == NULL || !files_open(files, node, O_RDWR, &object))
		return;
	for (uint32_t i = 0; i < node->attribute_count && stream_chance(files->random, 90); i++) {
		if (node->attributes[i].value.value != 0)
			name = node->attributes[i].name;
	}
	remove_attribute(files, node, object, name);
	(void)dfs_release(object);
}

/* ------------------------------------------------ what is refused without a request */

void
files_refused(struct files_actor *files)
{
	struct name_node *directory = files_draw_node(files, 1u << TREE_DIRECTORY);
	char name[TREE_NAME_MAX + 2];
	dfs_obj_t *parent, *object;
	struct stat stat;
	int rc;

	memset(name, 'r', TREE_NAME_MAX + 1);
	name[TREE_NAME_MAX + 1] = '\0';
	if (!files_open(files, directory, O_RDWR, &parent))
		return;
	switch (stream_draw(files->random, 6)) {
	case 0:
		rc = dfs_mkdir(files->dfs, parent, name, 0755, 0);
		(void)files_done(files, FILES_REFUSED, rc, ENAMETOOLONG, "a long name");
		break;
	case 1:
		rc = dfs_open(files->dfs, parent, name, S_IFREG | 0600, O_RDWR | O_CREAT, 0, 0,
			      NULL, &object);
		(void)files_done(files, FILES_REFUSED, rc, ENAMETOOLONG, "a long name");
		break;
	case 2:
		rc = dfs_stat(files->dfs, parent, "a/b", &stat);
		(void)files_done(files, FILES_REFUSED, rc, EINVAL, "a name with a slash");
		break;
	case 3:
		rc = dfs_move(files->dfs, parent, "..", parent, "q", NULL);
		(void)files_done(files, FILES_REFUSED, rc, EINVAL, "dots");
		break;
	case 4:
		rc = dfs_lookup_rel(files->dfs, parent, "no such name", O_RDONLY, &object, NULL,
				    NULL);
		(void)files_done(files, FILES_REFUSED, rc, ENOENT, "an absent name");
		break;
	default:
		rc = dfs_remove(files->dfs, parent, ".", true, NULL);
		(void)files_done(files, FILES_REFUSED, rc, EINVAL, "a dot");
		break;
	}
	(void)dfs_release(parent);
}
