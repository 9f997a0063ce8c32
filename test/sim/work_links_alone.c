/* SPDX-License-Identifier: BSD-2-Clause-Patent */
/*
 * What one actor does with a file that no other knows: it loses its last name while it is open; it
 * is opened by its id after renames; its attributes are the same under each name. A step of unknown
 * outcome ends the story.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "sim/work_links.h"

/* Longer than a holder may be silent before its files are freed. */
#define SILENCE (11 * 60 * SECOND)
#define RECLAIM_MAX 200u
#define OWN_CHUNK 4096u

/* A file and what must be in it. */
struct own {
	dfs_obj_t *directory;
	char name[32];
	dfs_obj_t *object;
	daos_obj_id_t id;
	size_t size; /* of the hand's expected */
};

/* Whether a step that must succeed did. */
static bool
step(struct links_actor *links, enum links_operation operation, int rc, const char *what)
{
	return links_done(links, operation, rc, 0, 0, what) == OUTCOME_OK;
}

/* Whether a step was refused as it must be. */
static bool
refused(struct links_actor *links, enum links_operation operation, int rc, int refusal,
	const char *what)
{
	enum outcome outcome = links_done(links, operation, rc, refusal, 0, what);

	if (outcome == OUTCOME_OK && !links_loose(links))
		sim_violation(links->model->sim, "%s is there and must not be", what);
	return outcome == OUTCOME_FAILED;
}

static bool
own_make(struct links_actor *links, struct own *own)
{
	int rc;

	*own = (struct own){.directory = links_directory(links)};
	links_own_name(links, own->name);
	rc = dfs_open(links->dfs, own->directory, own->name, S_IFREG | 0600,
		      O_RDWR | O_CREAT | O_EXCL, 0, OWN_CHUNK, NULL, &own->object);
	if (!step(links, LINKS_MAKE, rc, own->name))
		return false;
	own->size = stream_scaled(links->random, VALUE_MIN, LINKS_IO_MAX / 2);
	value_fill(links->hand->expected, own->size,
		   (struct identity){.write = actor_write_number(links->actor)});
	rc = links_write(links, own->object, 0, links->hand->expected, own->size);
	if (step(links, LINKS_WRITE, rc, own->name) &&
	    step(links, LINKS_LOOK, dfs_obj2id(own->object, &own->id), own->name))
		return true;
	(void)dfs_release(own->object);
	return false;
}

static bool
own_check(struct links_actor *links, const struct own *own, dfs_obj_t *object, uint32_t names)
{
	struct stat stat;
	int rc = dfs_ostat(links->dfs, object, &stat);

	if (!step(links, LINKS_LOOK, rc, own->name) ||
	    !links_read(links, object, 0, links->hand->bytes, own->size, own->name))
		return false;
	if (links_loose(links))
		return true;
	if (stat.st_nlink != names || (uint64_t)stat.st_size != own->size)
		sim_violation(links->model->sim, "%s has %u names and %llu bytes, not %u and %zu",
			      own->name, (unsigned int)stat.st_nlink,
			      (unsigned long long)stat.st_size, names, own->size);
	if (memcmp(links->hand->bytes, links->hand->expected, own->size) != 0)
		sim_violation(links->model->sim, "%s with %u names has wrong bytes", own->name,
			      names);
	return true;
}

static bool
own_remove(struct links_actor *links, const struct own *own, const char *name)
{
	return step(links, LINKS_REMOVE, dfs_remove(links->dfs, own->directory, name, false, NULL),
		    name);
}

/* ------------------------------------------------ removed while open */

/* Takes the last name from an open file, in one of the ways. */
static bool
take_names(struct links_actor *links, const struct own *own)
{
	char second[32];
	struct own other;

	links_own_name(links, second);
	switch (stream_draw(links->random, 3)) {
	case 0:
		return own_remove(links, own, own->name);
	case 1:
		if (!step(links, LINKS_LINK,
			  dfs_link(links->dfs, own->object, own->directory, second), second) ||
		    !own_check(links, own, own->object, 2) || !own_remove(links, own, own->name) ||
		    !own_check(links, own, own->object, 1))
			return false;
		return own_remove(links, own, second);
	default:
		other = (struct own){.directory = links_directory(links)};
		links_own_name(links, other.name);
		if (!step(links, LINKS_MAKE,
			  dfs_open(links->dfs, other.directory, other.name, S_IFREG | 0600,
				   O_RDWR | O_CREAT | O_EXCL, 0, 0, NULL, &other.object),
			  other.name))
			return false;
		(void)dfs_release(other.object);
		return step(links, LINKS_RENAME,
			    dfs_rename(links->dfs, other.directory, other.name, own->directory,
				       own->name, 0, NULL),
			    own->name);
	}
}

/* It goes on as a file: grows, and is cut. */
static bool
use_nameless(struct links_actor *links, struct own *own)
{
	size_t more = stream_scaled(links->random, 1, LINKS_IO_MAX - own->size);
	size_t least;

	memset(links->hand->expected + own->size, 0x5a, more);
	if (!step(links, LINKS_WRITE,
		  links_write(links, own->object, own->size, links->hand->expected + own->size,
			      more),
		  own->name))
		return false;
	own->size += more;
	if (!own_check(links, own, own->object, 0))
		return false;
	least = stream_between(links->random, 1, own->size);
	if (!step(links, LINKS_WRITE, dfs_punch(links->dfs, own->object, least, DFS_MAX_FSIZE),
		  own->name))
		return false;
	own->size = least;
	return own_check(links, own, own->object, 0);
}

/* What was of a file is gone: its data, and the way to it. */
static void
check_gone(struct links_actor *links, const struct links_orphan *orphan, const char *what)
{
	daos_size_t size = 0;
	dfs_obj_t *object;
	int rc = dfs_open_id(links->dfs, orphan->id, O_RDONLY, &object);

	if (!refused(links, LINKS_OPEN_ID, rc, ESTALE, what)) {
		if (rc == 0)
			(void)dfs_release(object);
		return;
	}
	rc = dfs_get_size_by_oid(links->dfs, orphan->id, orphan->chunk_size, &size);
	/* What a fault kept from being freed waits for dfs_reclaim(). */
	if (links_done(links, LINKS_LOOK, rc, ENOENT, 0, what) == OUTCOME_OK && size != 0 &&
	    !links_loose(links) && !server_may_fail(links->model->server))
		sim_violation(links->model->sim, "%s is gone, and %llu bytes of it are not", what,
			      (unsigned long long)size);
}

void
links_removed(struct links_actor *links)
{
	struct links_orphan *orphan = &links->hand->orphan;
	bool known, released;
	struct own own;

	if (!own_make(links, &own))
		return;
	*orphan = (struct links_orphan){.held = true, .id = own.id, .chunk_size = OWN_CHUNK};
	orphan->nameless = take_names(links, &own);
	known = orphan->nameless && own_check(links, &own, own.object, 0) &&
		(stream_chance(links->random, 30) || use_nameless(links, &own));
	released = step(links, LINKS_REMOVED, dfs_release(own.object), own.name);
	if (known && released)
		check_gone(links, orphan, own.name);
	orphan->held = false;
}

/* ------------------------------------------------ reclaiming */

/* Of a client that died: what it held must be freed when it has been silent long enough. */
void
links_orphan_lost(struct links_model *model, struct links_hand *hand)
{
	if (!hand->orphan.held)
		return;
	model->left = sim_grow(model->left, (model->left_count + 1) * sizeof(*model->left));
	model->left[model->left_count++] = hand->orphan;
	hand->orphan.held = false;
}

static bool
reclaim(struct links_actor *links, uint64_t *ret_count)
{
	return step(links, LINKS_RECLAIM, dfs_reclaim(links->dfs, ret_count), "orphans");
}

void
links_reclaim(struct links_actor *links)
{
	uint64_t count;

	(void)reclaim(links, &count);
}

void
links_orphans_verify(struct links_actor *links)
{
	uint64_t count = 1;

	if (links->model->left_count == 0 || sim_violated(links->model->sim))
		return;
	actor_sleep(links->actor, SILENCE);
	for (uint32_t i = 0; i < RECLAIM_MAX && count > 0; i++)
		if (!reclaim(links, &count))
			return;
	if (count > 0 && !links_loose(links))
		sim_violation(links->model->sim, "reclaiming does not come to an end");
	for (uint32_t i = 0; i < links->model->left_count; i++)
		if (links->model->left[i].nameless)
			check_gone(links, &links->model->left[i], "what a dead client held");
}

/* ------------------------------------------------ by its id */

static bool
open_by_id(struct links_actor *links, dfs_t *dfs, const struct own *own, uint32_t names)
{
	dfs_obj_t *object;
	bool good;

	if (!step(links, LINKS_OPEN_ID, dfs_open_id(dfs, own->id, O_RDONLY, &object), own->name))
		return false;
	good = own_check(links, own, object, names);
	(void)dfs_release(object);
	return good;
}

/* By another mount too: it knows nothing but what is stored. */
static bool
open_by_stranger(struct links_actor *links, const struct own *own, uint32_t names)
{
	dfs_t *dfs, *mine = links->dfs;
	bool good;

	if (!step(links, LINKS_MOUNT,
		  dfs_mount(links->actor->pool, links->actor->container, O_RDWR, &dfs), "again"))
		return false;
	links->dfs = dfs;
	good = open_by_id(links, dfs, own, names);
	links->dfs = mine;
	(void)dfs_umount(dfs);
	return good;
}

/* Renames it once or twice. */
static bool
travel(struct links_actor *links, struct own *own)
{
	uint64_t count = stream_between(links->random, 1, 2);

	for (uint64_t i = 0; i < count; i++) {
		dfs_obj_t *directory = links_directory(links);
		char name[32];

		links_own_name(links, name);
		if (!step(links, LINKS_RENAME,
			  dfs_rename(links->dfs, own->directory, own->name, directory, name,
				     DFS_RENAME_NOREPLACE, NULL),
			  own->name))
			return false;
		own->directory = directory;
		memcpy(own->name, name, sizeof(name));
	}
	return true;
}

static void
story_of_export(struct links_actor *links, struct own *own)
{
	uint32_t names = 1;
	char second[32];

	links_own_name(links, second);
	if (stream_chance(links->random, 40)) {
		if (!step(links, LINKS_LINK,
			  dfs_link(links->dfs, own->object, own->directory, second), second))
			return;
		names = 2;
	} else if (!step(links, LINKS_EXPORT, dfs_export(links->dfs, own->object), own->name)) {
		return;
	}
	(void)dfs_release(own->object);
	own->object = NULL;
	if ((stream_chance(links->random, 70) && !travel(links, own)) ||
	    !open_by_id(links, links->dfs, own, names) ||
	    (stream_chance(links->random, 50) && !open_by_stranger(links, own, names)))
		return;
	if (!own_remove(links, own, own->name))
		return;
	if (names == 2)
		(void)open_by_id(links, links->dfs, own, 1);
	else
		check_gone(links, &(struct links_orphan){.id = own->id, .chunk_size = OWN_CHUNK},
			   own->name);
}

void
links_exported(struct links_actor *links)
{
	struct own own;

	if (!own_make(links, &own))
		return;
	story_of_export(links, &own);
	if (own.object)
		(void)dfs_release(own.object);
}

/* ------------------------------------------------ attributes */

/* Mode, an attribute, and one without a value, under this name. */
static bool
check_attributes(struct links_actor *links, const struct own *own, const char *name, mode_t mode,
		 const char *value)
{
	char seen[64] = "";
	daos_size_t size = sizeof(seen), none = sizeof(seen);
	struct stat stat;
	dfs_obj_t *object;
	bool good;
	int rc = dfs_lookup_rel(links->dfs, own->directory, name, O_RDWR, &object, NULL, &stat);

	if (!step(links, LINKS_LOOK, rc, name))
		return false;
	good = step(links, LINKS_ATTRIBUTE,
		    dfs_getxattr(links->dfs, object, "user.value", seen, &size), "user.value") &&
	       step(links, LINKS_ATTRIBUTE,
		    dfs_getxattr(links->dfs, object, "user.empty", seen + 32, &none), "user.empty");
	if (good && !links_loose(links) &&
	    (none != 0 || size != strlen(value) + 1 || strcmp(seen, value) != 0 ||
	     (stat.st_mode & ALLPERMS) != mode))
		sim_violation(links->model->sim,
			      "%s has mode %o and '%s' (%llu bytes) and %llu bytes, not %o, '%s'",
			      name, stat.st_mode, seen, (unsigned long long)size,
			      (unsigned long long)none, mode, value);
	(void)dfs_release(object);
	return good;
}

static bool
change_attributes(struct links_actor *links, const struct own *own, const char *name, mode_t mode,
		  const char *value)
{
	dfs_obj_t *object;
	bool good;
	int rc = dfs_lookup_rel(links->dfs, own->directory, name, O_RDWR, &object, NULL, NULL);

	if (!step(links, LINKS_LOOK, rc, name))
		return false;
	good = step(links, LINKS_ATTRIBUTE, dfs_chmod(links->dfs, own->directory, name, mode),
		    "mode") &&
	       step(links, LINKS_ATTRIBUTE,
		    dfs_setxattr(links->dfs, object, "user.value", value, strlen(value) + 1, 0),
		    "user.value") &&
	       step(links, LINKS_ATTRIBUTE,
		    dfs_setxattr(links->dfs, object, "user.empty", "", 0, 0), "user.empty");
	(void)dfs_release(object);
	return good;
}

static void
story_of_attributes(struct links_actor *links, const struct own *own)
{
	mode_t mode = 0600 | (mode_t)stream_draw(links->random, 0100);
	char second[32];

	links_own_name(links, second);
	if (!change_attributes(links, own, own->name, mode, "one") ||
	    !step(links, LINKS_LINK, dfs_link(links->dfs, own->object, own->directory, second),
		  second) ||
	    !check_attributes(links, own, second, mode, "one") ||
	    !change_attributes(links, own, second, mode ^ 0011, "another") ||
	    !check_attributes(links, own, own->name, mode ^ 0011, "another") ||
	    !own_remove(links, own, own->name) ||
	    !check_attributes(links, own, second, mode ^ 0011, "another") ||
	    !own_check(links, own, own->object, 1))
		return;
	(void)own_remove(links, own, second);
}

void
links_attributes(struct links_actor *links)
{
	struct own own;

	if (!own_make(links, &own))
		return;
	story_of_attributes(links, &own);
	(void)dfs_release(own.object);
}
