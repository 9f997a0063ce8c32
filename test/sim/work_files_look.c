/* SPDX-License-Identifier: BSD-2-Clause-Patent */
/* What is seen of a tree: look-ups, listings, attributes, names in limbo, and all of it. */
#include <errno.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "sim/work_files.h"

#define ANY_KIND (1u << TREE_DIRECTORY | 1u << TREE_FILE | 1u << TREE_LINK)
#define OWNER_UNSET UINT64_MAX
#define PAGE_MAX 40u

static const mode_t types[] =
	{[TREE_DIRECTORY] = S_IFDIR, [TREE_FILE] = S_IFREG, [TREE_LINK] = S_IFLNK};

/* ------------------------------------------------ attributes */

static bool
kind_of(mode_t mode, enum name_kind *ret_kind)
{
	for (uint32_t i = 0; i < ARRAY_SIZE(types); i++) {
		if ((mode & S_IFMT) == types[i]) {
			*ret_kind = (enum name_kind)i;
			return true;
		}
	}
	return false;
}

static const char *
name_of(const struct name_node *node)
{
	return node->at ? node->at->name : "(top)";
}

static void
check_size(struct files_actor *files, const struct name_node *node, const struct stat *stat)
{
	uint64_t size = (uint64_t)stat->st_size;
	bool good = true;

	if (node->kind == TREE_FILE)
		good = content_allows_size(&node->content, size);
	else if (node->kind == TREE_LINK)
		good = size == strlen(node->target);
	if (!good)
		sim_violation(files->model->sim, "%s in %s has %llu bytes, not %llu to %llu",
			      name_of(node), files->top, (unsigned long long)size,
			      (unsigned long long)node->content.size,
			      (unsigned long long)node->content.size_most);
}

void
files_check_stat(struct files_actor *files, struct name_node *node, const struct stat *stat,
		 bool sized)
{
	uint64_t owner = (uint64_t)stat->st_uid << 32 | stat->st_gid;
	enum name_kind kind = TREE_FILE;

	if (files_loose(files))
		return;
	if (!kind_of(stat->st_mode, &kind) || kind != node->kind)
		sim_violation(files->model->sim, "%s in %s has mode %o", name_of(node), files->top,
			      stat->st_mode);
	if (node->id == 0)
		node->id = stat->st_ino;
	if (node->id != stat->st_ino)
		sim_violation(files->model->sim, "%s in %s is another object than before",
			      name_of(node), files->top);
	if (!choice_allows(&node->mode, stat->st_mode & ALLPERMS))
		sim_violation(files->model->sim, "%s in %s has mode %o, not %llo", name_of(node),
			      files->top, stat->st_mode, (unsigned long long)node->mode.value);
	choice_see(&node->mode, stat->st_mode & ALLPERMS);
	if (node->owner.value != OWNER_UNSET && !choice_allows(&node->owner, owner))
		sim_violation(files->model->sim, "%s in %s belongs to %llx, not %llx",
			      name_of(node), files->top, (unsigned long long)owner,
			      (unsigned long long)node->owner.value);
	if (node->owner.value != OWNER_UNSET)
		choice_see(&node->owner, owner);
	if (node->time_held && stat->st_mtim.tv_sec != node->time)
		sim_violation(files->model->sim, "%s in %s was changed at %lld, not %lld",
			      name_of(node), files->top, (long long)stat->st_mtim.tv_sec,
			      (long long)node->time);
	if (sized)
		check_size(files, node, stat);
}

void
files_stat(struct files_actor *files)
{
	struct name_node *node = files_draw_node(files, ANY_KIND);
	dfs_obj_t *object;
	struct stat stat;
	struct files_at at;
	int rc;

	if (node->at == NULL || stream_chance(files->random, 30)) {
		if (!files_open(files, node, O_RDONLY, &object))
			return;
		rc = dfs_ostat(files->dfs, object, &stat);
		(void)dfs_release(object);
	} else {
		if (!files_at_node(files, node, &at))
			return;
		rc = at.by_path ? dfs_sys_stat(files->sys, at.path, O_NOFOLLOW, &stat)
				: dfs_stat(files->dfs, at.parent, at.name, &stat);
		files_at_end(&at);
	}
	if (files_done(files, FILES_STAT, rc, 0, name_of(node)) == OUTCOME_OK)
		files_check_stat(files, node, &stat, true);
}

void
files_lookup(struct files_actor *files)
{
	struct name_node *node = files_draw_node(files, ANY_KIND);
	char path[FILES_PATH_MAX];
	dfs_obj_t *object;
	struct stat stat;
	mode_t mode;
	int rc;

	if (!files_path(files, node, NULL, path))
		return;
	/* Slashes and dots on the way change nothing. */
	if (stream_chance(files->random, 30) && strlen(path) + 4 < FILES_PATH_MAX) {
		memmove(path + 3, path, strlen(path) + 1);
		memcpy(path, "/./", 3);
	}
	rc = dfs_lookup(files->dfs, path, O_RDONLY | O_NOFOLLOW, &object, &mode, &stat);
	if (files_done(files, FILES_LOOKUP, rc, 0, path) != OUTCOME_OK)
		return;
	files_check_stat(files, node, &stat, true);
	(void)dfs_release(object);
}

/* Everybody may do everything with what is his; only files may be without X. */
void
files_access(struct files_actor *files)
{
	struct name_node *node = files_draw_node(files, 1u << TREE_DIRECTORY | 1u << TREE_FILE);
	struct name_entry *absent;
	struct files_at at;
	int rc;

	if (node->at == NULL)
		return;
	if (stream_chance(files->random, 40)) {
		absent = files_draw_absent(files, node->at->directory);
		if (!files_at(files, absent->directory, absent->name, &at))
			return;
		rc = at.by_path ? dfs_sys_access(files->sys, at.path, F_OK, 0)
				: dfs_access(files->dfs, at.parent, at.name, F_OK);
		(void)files_done(files, FILES_ACCESS, rc, ENOENT, at.name);
	} else {
		if (!files_at_node(files, node, &at))
			return;
		rc = at.by_path ? dfs_sys_access(files->sys, at.path, F_OK, O_NOFOLLOW)
				: dfs_access(files->dfs, at.parent, at.name, F_OK);
		(void)files_done(files, FILES_ACCESS, rc, 0, at.name);
	}
	files_at_end(&at);
}

/* ------------------------------------------------ links */

static void
check_target(struct files_actor *files, const struct name_node *node, const char *target,
	     daos_size_t size)
{
	if (files_loose(files))
		return;
	if (size != strlen(node->target) + 1 || strcmp(target, node->target) != 0)
		sim_violation(files->model->sim, "link %s in %s leads to '%s', not '%s'",
			      name_of(node), files->top, target, node->target);
}

static void
read_link(struct files_actor *files, struct name_node *node)
{
	char target[FILES_PATH_MAX] = "", path[FILES_PATH_MAX];
	daos_size_t size = sizeof(target);
	dfs_obj_t *object;
	int rc;

	if (stream_chance(files->random, 40) && files_path(files, node, NULL, path)) {
		rc = dfs_sys_readlink(files->sys, path, target, &size);
	} else {
		if (!files_open(files, node, O_RDONLY, &object))
			return;
		rc = dfs_get_symlink_value(object, target, &size);
		(void)dfs_release(object);
	}
	if (files_done(files, FILES_READLINK, rc, 0, name_of(node)) == OUTCOME_OK)
		check_target(files, node, target, size);
}

void
files_readlink(struct files_actor *files)
{
	struct name_node *node = files_draw_node(files, 1u << TREE_LINK);

	if (node)
		read_link(files, node);
}

/* A link whose target is a path of the tree leads there, or nowhere where nothing is. */
void
files_follow(struct files_actor *files)
{
	struct name_node *node = files_draw_node(files, 1u << TREE_LINK), *found;
	size_t length = strlen(files->top);
	char path[FILES_PATH_MAX];
	dfs_obj_t *object;
	struct stat stat;
	int rc;

	if (node == NULL || strncmp(node->target, files->top, length) != 0 ||
	    (node->target[length] != '/' && node->target[length] != '\0') ||
	    !name_walk(files->tree, node->target + length, &found) ||
	    (found && found->kind == TREE_LINK) || !files_path(files, node, NULL, path))
		return;
	if (stream_chance(files->random, 50)) {
		rc = dfs_sys_stat(files->sys, path, 0, &stat);
	} else {
		rc = dfs_lookup(files->dfs, path, O_RDONLY, &object, NULL, &stat);
		if (rc == 0)
			(void)dfs_release(object);
	}
	/* A component on the way may be a file, or a link. */
	if (found == NULL && (rc == ENOTDIR || rc == 0))
		return;
	if (files_done(files, FILES_FOLLOW, rc, found ? 0 : ENOENT, path) == OUTCOME_OK && found)
		files_check_stat(files, found, &stat, true);
}

/* ------------------------------------------------ extended attributes */

/* The bytes of an attribute must be those of a value that it may have. */
static void
check_attribute(struct files_actor *files, struct name_node *node, struct name_attribute *attribute,
		const uint8_t *bytes, uint64_t size)
{
	const struct choice *value = &attribute->value;

	for (uint32_t i = 0; i <= value->maybe_count; i++) {
		uint64_t candidate = i == 0 ? value->value : value->maybe[i - 1];

		if (candidate == 0 || (candidate & 0xfffff) != size)
			continue;
		name_bytes(node->number, candidate >> 20, 0, files->expected, size);
		if (memcmp(files->expected, bytes, size) == 0) {
			choice_see(&attribute->value, candidate);
			return;
		}
	}
	if (!value->any && !files_loose(files))
		sim_violation(files->model->sim,
			      "attribute %s of %s in %s has %llu strange bytes, not %llu",
			      attribute->name, name_of(node), files->top, (unsigned long long)size,
			      (unsigned long long)(value->value & 0xfffff));
}

static void
get_attribute(struct files_actor *files, struct name_node *node, dfs_obj_t *object,
	      struct name_attribute *attribute)
{
	bool may_lack = choice_allows(&attribute->value, 0);
	daos_size_t size = 65536;
	char path[FILES_PATH_MAX];
	int rc;

	if (stream_chance(files->random, 30) && files_path(files, node, NULL, path))
		rc = dfs_sys_getxattr(files->sys, path, attribute->name, files->bytes, &size,
				      O_NOFOLLOW);
	else
		rc = dfs_getxattr(files->dfs, object, attribute->name, files->bytes, &size);
	if (files_done(files, FILES_GET_ATTRIBUTE, rc, may_lack && rc == ENODATA ? ENODATA : 0,
		       attribute->name) == OUTCOME_OK)
		check_attribute(files, node, attribute, files->bytes, size);
	else if (rc == ENODATA && may_lack)
		choice_see(&attribute->value, 0);
}

void
files_get_attribute(struct files_actor *files)
{
	struct name_node *node = files_draw_node(files, ANY_KIND);
	dfs_obj_t *object;

	for (uint32_t attempt = 0; node->attribute_count == 0 && attempt < 8; attempt++)
		node = files_draw_node(files, ANY_KIND);
	if (node->attribute_count == 0 || !files_open(files, node, O_RDONLY, &object))
		return;
	get_attribute(files, node, object,
		      &node->attributes[stream_draw(files->random, node->attribute_count)]);
	(void)dfs_release(object);
}

static bool
list_has(const char *list, size_t size, const char *name)
{
	for (size_t at = 0; at < size; at += strlen(list + at) + 1) {
		if (strcmp(list + at, name) == 0)
			return true;
	}
	return false;
}

/* Every name that must be there, and none that must not. */
static void
check_names(struct files_actor *files, struct name_node *node, const char *list, size_t size)
{
	if (files_loose(files))
		return;
	for (uint32_t i = 0; i < node->attribute_count; i++) {
		const struct choice *value = &node->attributes[i].value;
		bool certain = value->maybe_count == 0 && !value->any;
		bool there = list_has(list, size, node->attributes[i].name);

		if (certain && there != (value->value != 0))
			sim_violation(files->model->sim, "attribute %s of %s in %s is %slisted",
				      node->attributes[i].name, name_of(node), files->top,
				      there ? "" : "not ");
	}
	for (size_t at = 0; at < size; at += strlen(list + at) + 1) {
		if (name_attribute(node, list + at, false) == NULL)
			sim_violation(files->model->sim, "%s in %s has a strange attribute %s",
				      name_of(node), files->top, list + at);
	}
}

static void
list_attributes(struct files_actor *files, struct name_node *node, dfs_obj_t *object)
{
	char list[TREE_ATTRIBUTES_MAX * (TREE_NAME_MAX + 1)], path[FILES_PATH_MAX];
	daos_size_t size = sizeof(list);
	int rc;

	if (stream_chance(files->random, 30) && files_path(files, node, NULL, path))
		rc = dfs_sys_listxattr(files->sys, path, list, &size, O_NOFOLLOW);
	else
		rc = dfs_listxattr(files->dfs, object, list, &size);
	if (files_done(files, FILES_LIST_ATTRIBUTES, rc, 0, name_of(node)) == OUTCOME_OK)
		check_names(files, node, list, size);
}

void
files_list_attributes(struct files_actor *files)
{
	struct name_node *node = files_draw_node(files, ANY_KIND);
	dfs_obj_t *object;

	if (!files_open(files, node, O_RDONLY, &object))
		return;
	list_attributes(files, node, object);
	(void)dfs_release(object);
}

/* ------------------------------------------------ listings */

struct listing {
	struct files_actor *files;
	struct name_node *directory;
	bool *seen; /* of each entry of the directory, which grows meanwhile by none */
	uint32_t asides;
	char last[TREE_NAME_MAX + 1];
	bool stopped;
};

static void
list_name(struct listing *listing, const char *name, const struct stat *stat)
{
	struct files_actor *files = listing->files;
	struct name_entry *entry = name_entry(listing->directory, name, false);
	uint32_t index = 0;

	if (strncmp(name, TREE_ASIDE, strlen(TREE_ASIDE)) == 0) {
		listing->asides++;
		if (listing->directory->asides == 0 && !files_loose(files))
			sim_violation(files->model->sim, "%s in %s is left over", name, files->top);
		return;
	}
	if (strcmp(name, listing->last) <= 0)
		sim_violation(files->model->sim, "%s is listed behind %s", name, listing->last);
	snprintf(listing->last, sizeof(listing->last), "%s", name);
	if (entry == NULL || (entry->node == NULL && entry->limbo == NULL)) {
		if (entry == NULL || !files_loose(files))
			sim_violation(files->model->sim, "%s in %s/%s is listed and must not be",
				      name, files->top, name_of(listing->directory));
		return;
	}
	while (listing->directory->entries[index] != entry)
		index++;
	listing->seen[index] = true;
	if (stat && entry->node && entry->limbo == NULL)
		files_check_stat(files, entry->node, stat, true);
}

static int
list_called(dfs_t *dfs, dfs_obj_t *object, const char name[], void *argument)
{
	(void)dfs;
	(void)object;
	list_name(argument, name, NULL);
	return 0;
}

/* All names, by a filter that all of them pass. */
static int
list_filtered(struct listing *listing, dfs_obj_t *object, daos_anchor_t *anchor, uint32_t *count,
	      struct dirent entries[PAGE_MAX])
{
	static const dfs_predicate_t all = {.dp_name = "%"};
	struct files_actor *files = listing->files;
	dfs_pipeline_t *pipeline;
	uint64_t scanned;
	int rc = dfs_pipeline_create(files->dfs, all, DFS_FILTER_NAME | DFS_FILTER_INCLUDE_DIRS,
				     &pipeline);

	if (rc)
		return rc;
	rc = dfs_readdir_with_filter(files->dfs, object, pipeline, anchor, count, entries, NULL,
				     NULL, &scanned);
	(void)dfs_pipeline_destroy(pipeline);
	return rc;
}

/* One page, in one of the ways; an errno. */
static int
list_page(struct listing *listing, uint32_t way, dfs_obj_t *object, daos_anchor_t *anchor)
{
	struct files_actor *files = listing->files;
	struct dirent entries[PAGE_MAX];
	struct stat stats[PAGE_MAX];
	uint32_t count = (uint32_t)stream_between(files->random, 1, PAGE_MAX);
	int rc;

	if (way == 0)
		return dfs_iterate(files->dfs, object, anchor, &count,
				   stream_chance(files->random, 30) ? 300 : 65536, list_called,
				   listing);
	if (way == 1)
		rc = dfs_readdir(files->dfs, object, anchor, &count, entries);
	else if (way == 3)
		rc = list_filtered(listing, object, anchor, &count, entries);
	else
		rc = dfs_readdirplus(files->dfs, object, anchor, &count, entries, stats);
	for (uint32_t i = 0; rc == 0 && i < count; i++)
		list_name(listing, entries[i].d_name, way == 2 ? &stats[i] : NULL);
	return rc;
}

static int
list_object(struct listing *listing, const char *path)
{
	struct files_actor *files = listing->files;
	daos_anchor_t anchor = DAOS_ANCHOR_INIT;
	uint32_t way = (uint32_t)stream_draw(files->random, 4), parts = 1;
	dfs_obj_t *object;
	int rc = dfs_lookup(files->dfs, path, O_RDONLY, &object, NULL, NULL);

	if (rc)
		return rc;
	if (stream_chance(files->random, 20))
		rc = dfs_obj_anchor_split(object, &parts, &anchor);
	if (rc == 0 && stream_chance(files->random, 20))
		rc = dfs_obj_anchor_set(object, 0, &anchor);
	while (rc == 0 && !daos_anchor_is_eof(&anchor) && !sim_violated(files->model->sim))
		rc = list_page(listing, way, object, &anchor);
	(void)dfs_release(object);
	return rc;
}

static int
list_path(struct listing *listing, const char *path)
{
	struct files_actor *files = listing->files;
	struct dirent *entry;
	DIR *directory;
	int rc = dfs_sys_opendir(files->sys, path, 0, &directory);

	if (rc)
		return rc;
	do {
		rc = dfs_sys_readdir(files->sys, directory, &entry);
		if (rc == 0 && entry)
			list_name(listing, entry->d_name, NULL);
	} while (rc == 0 && entry && !sim_violated(files->model->sim));
	(void)dfs_sys_closedir(directory);
	return rc;
}

/* True when all of it was listed. */
static bool
list_directory(struct files_actor *files, struct name_node *directory, uint32_t *ret_asides)
{
	struct listing listing = {.files = files, .directory = directory};
	bool seen[1024] = {false};
	char path[FILES_PATH_MAX];
	int rc;

	if (!files_path(files, directory, NULL, path) || directory->entry_count > ARRAY_SIZE(seen))
		return false;
	listing.seen = seen;
	rc = stream_chance(files->random, 25) ? list_path(&listing, path)
					      : list_object(&listing, path);
	if (files_done(files, FILES_LIST, rc, 0, path) != OUTCOME_OK)
		return false;
	for (uint32_t i = 0; i < directory->entry_count; i++) {
		const struct name_entry *entry = directory->entries[i];

		if (entry->node && entry->limbo == NULL && !seen[i] && !files_loose(files))
			sim_violation(files->model->sim, "%s in %s is not listed", entry->name,
				      path);
	}
	*ret_asides = listing.asides;
	return true;
}

void
files_list(struct files_actor *files)
{
	uint32_t asides;

	(void)list_directory(files, files_draw_node(files, 1u << TREE_DIRECTORY), &asides);
}

/* ------------------------------------------------ limbo */

static void
see(struct files_actor *files, const struct name_entry *entry, struct name_seen *ret_seen)
{
	dfs_obj_t *parent;
	struct stat stat;
	int rc;

	*ret_seen = (struct name_seen){.known = false};
	if (entry == NULL || !name_is_within(entry->directory, files->tree->root) ||
	    !files_open(files, entry->directory, O_RDONLY, &parent))
		return;
	rc = dfs_stat(files->dfs, parent, entry->name, &stat);
	(void)dfs_release(parent);
	switch (files_done(files, FILES_STAT, rc, rc == ENOENT ? ENOENT : 0, entry->name)) {
	case OUTCOME_OK:
		ret_seen->known = kind_of(stat.st_mode, &ret_seen->kind);
		ret_seen->present = true;
		ret_seen->id = stat.st_ino;
		break;
	case OUTCOME_FAILED:
		ret_seen->known = true;
		break;
	default:
		break;
	}
}

static void
look_at(struct files_actor *files, struct name_limbo *limbo)
{
	struct name_seen from, to;
	const char *wrong;

	see(files, limbo->from, &from);
	see(files, limbo->to, &to);
	if (files_loose(files))
		return;
	wrong = name_limbo_see(files->tree, limbo, &from, &to);
	if (wrong)
		sim_violation(files->model->sim,
			      "after operation %d of unknown outcome on %s and %s in %s: %s",
			      limbo->kind, limbo->from ? limbo->from->name : "-",
			      limbo->to ? limbo->to->name : "-", files->top, wrong);
}

void
files_look_at_limbo(struct files_actor *files, bool all)
{
	uint32_t looked = 0;

	for (struct name_limbo *limbo = files->tree->limbos;
	     limbo && looked < 2 && !sim_violated(files->model->sim); limbo = limbo->next) {
		if (!limbo->open || (!all && !stream_chance(files->random, 20)))
			continue;
		look_at(files, limbo);
		looked += !all;
	}
}

static void
watch(struct files_actor *files, uint32_t number)
{
	const struct files_hand *hand = &files->model->hands[number];
	const struct name_entry *to = hand->change.to;
	uint64_t ended = hand->ended;
	char path[FILES_PATH_MAX];
	struct stat stat;
	int rc, length = snprintf(path, sizeof(path), "/a%u", number);

	if (!name_path(to->directory, path + length, sizeof(path) - (size_t)length) ||
	    strlen(path) + strlen(to->name) + 2 > sizeof(path))
		return;
	strcat(strcat(path, "/"), to->name);
	rc = dfs_sys_stat(files->sys, path, O_NOFOLLOW, &stat);
	/* When the move is over the name may be gone for another reason. */
	if (rc == ENOENT && ended != hand->ended)
		rc = 0;
	(void)files_done(files, FILES_STAT, rc, 0, path);
}

void
files_watch(struct files_actor *files)
{
	for (uint32_t i = 0; i < files->model->hand_count; i++) {
		const struct files_hand *hand = &files->model->hands[i];

		if (hand != files->hand && hand->change.kind == TREE_MOVE && hand->change.other)
			watch(files, i);
	}
}

/* ------------------------------------------------ all of it */

static void
verify_attributes(struct files_actor *files, struct name_node *node, dfs_obj_t *object)
{
	list_attributes(files, node, object);
	for (uint32_t i = 0; i < node->attribute_count; i++)
		get_attribute(files, node, object, &node->attributes[i]);
}

static void
verify_node(struct files_actor *files, struct name_node *node)
{
	dfs_obj_t *object;
	struct stat stat;
	int rc;

	if (!files_open(files, node, O_RDONLY, &object))
		return;
	rc = dfs_ostat(files->dfs, object, &stat);
	if (files_done(files, FILES_STAT, rc, 0, name_of(node)) == OUTCOME_OK)
		files_check_stat(files, node, &stat, true);
	if (node->kind == TREE_FILE)
		files_verify_content(files, node, object);
	if (node->kind == TREE_LINK)
		read_link(files, node);
	if (node != files->tree->root)
		verify_attributes(files, node, object);
	(void)dfs_release(object);
}

/* What an exchange of unknown outcome has put aside is still there when its name shows the other.
 */
static void
verify_directory(struct files_actor *files, struct name_node *directory)
{
	uint32_t asides = 0;

	if (!list_directory(files, directory, &asides) || files_loose(files))
		return;
	for (struct name_limbo *limbo = files->tree->limbos; limbo; limbo = limbo->next) {
		struct name_seen from, to;

		if (limbo->kind != TREE_EXCHANGE || !limbo->open ||
		    limbo->from->directory != directory || asides > 0)
			continue;
		see(files, limbo->from, &from);
		see(files, limbo->to, &to);
		if (from.known && to.known && from.present && to.present && from.id == to.id)
			sim_violation(files->model->sim,
				      "an exchange of %s and %s in %s has lost one of them",
				      limbo->from->name, limbo->to->name, files->top);
	}
}

void
files_verify_tree(struct files_actor *files)
{
	files_look_at_limbo(files, true);
	for (struct name_node *node = files->tree->nodes; node && !sim_violated(files->model->sim);
	     node = node->next) {
		if (node != files->tree->root &&
		    (node->at == NULL || !name_is_within(node, files->tree->root)))
			continue;
		verify_node(files, node);
		if (node->kind == TREE_DIRECTORY)
			verify_directory(files, node);
	}
}
