/* SPDX-License-Identifier: BSD-2-Clause-Patent */
/*
 * Names in two directories, which mostly lie on different targets. A thing is a file, known by its
 * chunk size, or a symlink, known by its target: either is given with its first name. What each
 * actor did and saw is a history of check_names.h.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "sim/work_links.h"

#define UNKNOWN_MAX 3u
#define STATES_MAX (1u << 20)
/* Chunk sizes of things. */
#define CHUNK_BASE 4096u

/* ------------------------------------------------ histories */

static struct links_unit *
draw_unit(struct links_actor *links)
{
	struct links_model *model = links->model;
	struct links_unit **slot = &model->units[stream_draw(links->random, UNITS)];
	/* Each actor may have some more under way, and the end looks once more. */
	uint32_t room = 4 * model->hand_count + 4 * NAME_SLOTS;

	if (*slot == NULL || (*slot)->unknown > UNKNOWN_MAX ||
	    (*slot)->count + room > UNIT_OPERATIONS) {
		struct links_unit *unit = sim_take(sizeof(*unit));

		unit->next = *slot;
		unit->number = ++model->unit_serial;
		*slot = unit;
	}
	return *slot;
}

static uint8_t
draw_slot(struct links_actor *links)
{
	return (uint8_t)stream_draw(links->random, NAME_SLOTS);
}

static dfs_obj_t *
directory_of(const struct links_actor *links, uint8_t slot)
{
	return links->directories[slot * DIRECTORIES / NAME_SLOTS];
}

static const char *
name_of(const struct links_unit *unit, uint8_t slot, char name[32])
{
	snprintf(name, 32, "u%u-%u", unit->number, slot);
	return name;
}

/* Enters an operation before it is made. */
static struct name_operation *
begin(struct links_actor *links, struct links_unit *unit, enum name_kind kind, uint8_t slot)
{
	struct name_operation *operation = &unit->operations[unit->count++];

	ASSERT(unit->count <= UNIT_OPERATIONS);
	*operation = (struct name_operation){
		.begin = actor_time(links->actor),
		.end = NAME_NEVER,
		.actor = links->actor->number,
		.kind = (uint8_t)kind,
		.outcome = NAME_UNKNOWN,
		.slot = slot,
	};
	return operation;
}

static void
end(struct links_actor *links, struct name_operation *operation, enum name_outcome outcome)
{
	operation->outcome = (uint8_t)outcome;
	if (outcome != NAME_UNKNOWN)
		operation->end = actor_time(links->actor);
}

/* The same for what changes names: until it ends, the hand knows of it. */
static struct name_operation *
begin_change(struct links_actor *links, struct links_unit *unit, enum name_kind kind, uint8_t slot)
{
	links->hand->unit = unit;
	links->hand->changes = true;
	return begin(links, unit, kind, slot);
}

static enum name_outcome
end_change(struct links_actor *links, struct name_operation *operation,
	   enum links_operation counted, int rc, int refusal)
{
	char what[32];
	enum outcome outcome = links_done(links, counted, rc, refusal, ENOENT,
					  name_of(links->hand->unit, operation->slot, what));
	enum name_outcome name_outcome = NAME_UNKNOWN;

	if (outcome == OUTCOME_OK)
		name_outcome = NAME_DONE;
	else if (outcome == OUTCOME_FAILED)
		name_outcome = rc == EEXIST ? NAME_EXIST : rc == E2BIG ? NAME_VOID : NAME_ABSENT;
	links->hand->unit->unknown += name_outcome == NAME_UNKNOWN;
	links->hand->changes = false;
	end(links, operation, name_outcome);
	return name_outcome;
}

void
links_names_lost(struct links_hand *hand)
{
	if (hand->changes)
		hand->unit->unknown++;
	hand->changes = false;
}

/* ------------------------------------------------ things */

static uint64_t
thing_new(struct links_model *model)
{
	if (model->thing_count == model->thing_room) {
		model->thing_room = model->thing_room ? 2 * model->thing_room : 256;
		model->written =
			sim_grow(model->written, model->thing_room * sizeof(*model->written));
	}
	model->written[model->thing_count] = false;
	return ++model->thing_count;
}

static bool
was_written(const struct links_model *model, uint64_t thing)
{
	return model->written[thing - 1];
}

static size_t
thing_bytes(uint64_t thing, uint8_t *bytes)
{
	size_t size = VALUE_MIN + thing * 37 % 9000;

	value_fill(bytes, size, (struct identity){.write = thing, .place = hash_text("links")});
	return size;
}

/* Which thing an open object is; 0 when it is none of this workload's. */
static uint64_t
thing_of(struct links_actor *links, dfs_obj_t *object, const struct stat *stat)
{
	unsigned long long thing = 0;
	char target[32] = "";
	daos_size_t size = sizeof(target);

	if (S_ISREG(stat->st_mode))
		thing = (unsigned long long)stat->st_blksize - CHUNK_BASE;
	else if (dfs_get_symlink_value(object, target, &size) == 0)
		(void)!sscanf(target, "t%llu", &thing);
	return thing <= links->model->thing_count ? thing : 0;
}

static bool
is_file(const struct stat *stat)
{
	return S_ISREG(stat->st_mode);
}

/* ------------------------------------------------ looks */

/*
 * Opens what is under a name and enters what it is, and how many names it has: the two need not be
 * of the same moment. NULL: nothing, or an error.
 */
static dfs_obj_t *
open_slot(struct links_actor *links, struct links_unit *unit, uint8_t slot, uint64_t *ret_thing,
	  struct stat *ret_stat)
{
	struct name_operation *sees = begin(links, unit, NAME_SEE, slot);
	struct name_operation *counts = begin(links, unit, NAME_COUNT, slot);
	dfs_obj_t *object = NULL;
	char name[32];
	enum outcome outcome;
	int rc;

	sees->mask = (uint8_t)(1u << slot);
	rc = dfs_lookup_rel(links->dfs, directory_of(links, slot), name_of(unit, slot, name),
			    O_RDWR | O_NOFOLLOW, &object, NULL, ret_stat);
	outcome = links_done(links, LINKS_LOOK, rc, ENOENT, 0, name);
	if (outcome == OUTCOME_OK) {
		*ret_thing = thing_of(links, object, ret_stat);
		if (*ret_thing == 0)
			sim_violation(links->model->sim, "%s is what nobody made", name);
		sees->seen[slot] = counts->thing = *ret_thing;
		counts->count = (uint32_t)ret_stat->st_nlink;
	}
	end(links, sees, outcome == OUTCOME_UNKNOWN ? NAME_VOID : NAME_DONE);
	end(links, counts, outcome == OUTCOME_OK ? NAME_DONE : NAME_VOID);
	return outcome == OUTCOME_OK ? object : NULL;
}

/* A file that has its name before and after it was read had all of its bytes meanwhile. */
static void
check_bytes(struct links_actor *links, struct links_unit *unit, uint8_t slot, dfs_obj_t *object,
	    uint64_t thing)
{
	size_t size = thing_bytes(thing, links->hand->expected);
	daos_size_t got = 0;
	struct stat stat;
	d_sg_list_t sgl;
	char name[32];
	d_iov_t iov;
	int rc;

	d_iov_set(&iov, links->hand->bytes, size);
	sgl = (d_sg_list_t){.sg_nr = 1, .sg_iovs = &iov};
	rc = dfs_read(links->dfs, object, &sgl, 0, &got, NULL);
	if (links_done(links, LINKS_READ, rc, ENOENT, ESTALE, "a thing") != OUTCOME_OK ||
	    (got == size && memcmp(links->hand->bytes, links->hand->expected, size) == 0))
		return;
	rc = dfs_stat(links->dfs, directory_of(links, slot), name_of(unit, slot, name), &stat);
	if (links_done(links, LINKS_LOOK, rc, ENOENT, 0, name) == OUTCOME_OK && is_file(&stat) &&
	    (uint64_t)stat.st_blksize - CHUNK_BASE == thing && !links_loose(links))
		sim_violation(links->model->sim, "file %llu under %s has wrong bytes (%llu of %zu)",
			      (unsigned long long)thing, name, (unsigned long long)got, size);
}

void
links_look(struct links_actor *links)
{
	struct links_unit *unit = draw_unit(links);
	uint8_t slot = draw_slot(links);
	struct stat stat = {.st_nlink = 0};
	uint64_t thing = 0;
	dfs_obj_t *object = open_slot(links, unit, slot, &thing, &stat);

	if (object == NULL)
		return;
	if (thing && is_file(&stat) && was_written(links->model, thing) &&
	    stream_chance(links->random, 50))
		check_bytes(links, unit, slot, object, thing);
	(void)dfs_release(object);
}

/* ------------------------------------------------ changes */

void
links_make(struct links_actor *links)
{
	struct links_unit *unit = draw_unit(links);
	uint8_t slot = draw_slot(links);
	uint64_t thing = thing_new(links->model);
	struct name_operation *operation = begin_change(links, unit, NAME_CREATE, slot);
	bool file = stream_chance(links->random, 60);
	dfs_obj_t *object = NULL;
	char name[32], target[32];
	size_t size;
	int rc;

	operation->thing = thing;
	snprintf(target, sizeof(target), "t%llu", (unsigned long long)thing);
	rc = dfs_open(links->dfs, directory_of(links, slot), name_of(unit, slot, name),
		      file ? S_IFREG | 0600 : S_IFLNK, O_RDWR | O_CREAT | O_EXCL, 0,
		      file ? CHUNK_BASE + thing : 0, file ? NULL : target, &object);
	(void)end_change(links, operation, LINKS_MAKE, rc, EEXIST);
	if (rc)
		return;
	if (file) {
		size = thing_bytes(thing, links->hand->bytes);
		rc = links_write(links, object, 0, links->hand->bytes, size);
		/* Another client may have removed it meanwhile. */
		links->model->written[thing - 1] =
			links_done(links, LINKS_WRITE, rc, ENOENT, ESTALE, name) == OUTCOME_OK;
	}
	(void)dfs_release(object);
}

void
links_link(struct links_actor *links)
{
	struct links_unit *unit = draw_unit(links);
	uint8_t from = draw_slot(links), slot = draw_slot(links);
	struct name_operation *operation;
	struct stat stat;
	uint64_t thing = 0;
	dfs_obj_t *object = open_slot(links, unit, from, &thing, &stat);
	char name[32];
	int rc;

	if (object == NULL)
		return;
	if (thing) {
		operation = begin_change(links, unit, NAME_LINK, slot);
		operation->thing = thing;
		operation->from = from;
		rc = dfs_link(links->dfs, object, directory_of(links, slot),
			      name_of(unit, slot, name));
		(void)end_change(links, operation, LINKS_LINK, rc, EEXIST);
	}
	(void)dfs_release(object);
}

static void
rename_names(struct links_actor *links, enum name_kind kind, enum links_operation counted)
{
	struct links_unit *unit = draw_unit(links);
	uint8_t from = draw_slot(links), slot = draw_slot(links);
	bool keeps = kind == NAME_RENAME_NEW, plain = !keeps && stream_chance(links->random, 40);
	struct name_operation *operation = begin_change(links, unit, kind, slot);
	char name[32], new_name[32];
	daos_obj_id_t replaced;
	int rc;

	operation->from = from;
	name_of(unit, from, name);
	name_of(unit, slot, new_name);
	if (plain)
		rc = dfs_move(links->dfs, directory_of(links, from), name,
			      directory_of(links, slot), new_name, NULL);
	else
		rc = dfs_rename(links->dfs, directory_of(links, from), name,
				directory_of(links, slot), new_name,
				keeps ? DFS_RENAME_NOREPLACE : 0, &replaced);
	(void)end_change(links, operation, counted, rc, keeps ? EEXIST : 0);
}

void
links_rename(struct links_actor *links)
{
	rename_names(links, NAME_RENAME, LINKS_RENAME);
}

void
links_rename_new(struct links_actor *links)
{
	rename_names(links, NAME_RENAME_NEW, LINKS_RENAME_NEW);
}

void
links_remove(struct links_actor *links)
{
	struct links_unit *unit = draw_unit(links);
	uint8_t slot = draw_slot(links);
	struct name_operation *operation = begin_change(links, unit, NAME_REMOVE, slot);
	daos_obj_id_t id;
	char name[32];
	int rc = dfs_remove(links->dfs, directory_of(links, slot), name_of(unit, slot, name), false,
			    &id);

	(void)end_change(links, operation, LINKS_REMOVE, rc, 0);
}

/* ------------------------------------------------ the end */

/* Names that were given up are looked at as well. */
void
links_names_verify(struct links_actor *links)
{
	for (uint32_t i = 0; i < UNITS; i++) {
		for (struct links_unit *unit = links->model->units[i];
		     unit && !sim_violated(links->model->sim); unit = unit->next) {
			for (uint8_t slot = 0; slot < NAME_SLOTS; slot++) {
				struct stat stat;
				uint64_t thing;
				dfs_obj_t *object = open_slot(links, unit, slot, &thing, &stat);

				if (object)
					(void)dfs_release(object);
			}
		}
	}
}

/* For whoever runs the seed again. */
static void
tell(const struct links_unit *unit)
{
	char line[256];

	for (uint32_t i = 0; i < unit->count; i++) {
		name_print(&unit->operations[i], line, sizeof(line));
		fprintf(stderr, "  %s\n", line);
	}
}

static void
judge_unit(struct links_model *model, const struct links_unit *unit)
{
	char text[4096] = "";
	enum name_verdict verdict;

	if (server_may_roll_back(model->server))
		return;
	verdict = names_check(unit->operations, unit->count, STATES_MAX, text, sizeof(text));
	if (verdict == NAMES_GOOD)
		return;
	tell(unit);
	if (verdict == NAMES_BAD)
		sim_violation(model->sim, "names u%u of server %u: %s", unit->number,
			      server_number(model->server), text);
	else
		sim_undecided(model->sim, "the %u operations of names u%u are too many",
			      unit->count, unit->number);
}

void
links_names_judge(struct links_model *model)
{
	for (uint32_t i = 0; i < UNITS; i++)
		for (const struct links_unit *unit = model->units[i];
		     unit && !sim_violated(model->sim); unit = unit->next)
			judge_unit(model, unit);
}

void
links_names_free(struct links_model *model)
{
	for (uint32_t i = 0; i < UNITS; i++) {
		while (model->units[i]) {
			struct links_unit *unit = model->units[i];

			model->units[i] = unit->next;
			free(unit);
		}
	}
}
