/* SPDX-License-Identifier: BSD-2-Clause-Patent */
/*
 * The directory that all actors share. A name there is a link whose target tells who made it: that
 * of an absent name is a register without a value. Names that are also renamed, which is two
 * operations, must show what somebody has made, and nothing damaged.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "sim/work_files.h"

#define TARGET_SIZE 18u
#define UNKNOWN_MAX 5u
#define STATES_MAX (1u << 20)

/* ------------------------------------------------ histories */

static struct shared_name *
shared_new(struct files_model *model, struct shared_name *before)
{
	struct shared_name *shared = sim_take(sizeof(*shared));

	shared->next = before;
	snprintf(shared->name, sizeof(shared->name), "s%u", ++model->shared_serial);
	return shared;
}

static struct shared_name *
draw_shared(struct files_actor *files)
{
	struct shared_name **slot = &files->model->shared[stream_draw(files->random, SHARED_NAMES)];

	/* Each actor may have one more under way, and the end reads once more. */
	if (*slot == NULL || (*slot)->unknown > UNKNOWN_MAX ||
	    (*slot)->count + 2 * files->model->hand_count + 2 > SHARED_HISTORY)
		*slot = shared_new(files->model, *slot);
	return *slot;
}

/* Enters an operation before it is made. */
static struct register_operation *
begin(struct files_actor *files, struct shared_name *shared, enum register_kind kind)
{
	struct register_operation *operation = &shared->operations[shared->count];

	*operation = (struct register_operation){
		.begin = actor_time(files->actor),
		.end = REGISTER_NEVER,
		.actor = files->actor->number,
		.kind = (uint8_t)kind,
		.outcome = REGISTER_UNKNOWN,
		.slots = 1,
	};
	files->hand->shared = shared;
	files->hand->shared_entry = shared->count++;
	return operation;
}

static void
end(struct files_actor *files, enum register_outcome outcome)
{
	struct files_hand *hand = files->hand;
	struct register_operation *operation = &hand->shared->operations[hand->shared_entry];

	operation->outcome = (uint8_t)outcome;
	if (outcome == REGISTER_UNKNOWN)
		hand->shared->unknown++;
	else
		operation->end = actor_time(files->actor);
	hand->shared = NULL;
}

void
files_shared_lost(struct files_model *model, struct files_hand *hand)
{
	(void)model;
	if (hand->shared)
		hand->shared->unknown++;
	hand->shared = NULL;
}

/* ------------------------------------------------ calls */

static bool
open_shared(struct files_actor *files, dfs_obj_t **ret_directory)
{
	int rc = dfs_lookup(files->dfs, "/shared", O_RDWR, ret_directory, NULL, NULL);

	return files_done(files, FILES_LOOKUP, rc, 0, "/shared") == OUTCOME_OK;
}

static void
note_made(struct files_model *model, uint64_t number)
{
	if (model->made_count == model->made_room) {
		model->made_room = model->made_room ? 2 * model->made_room : 64;
		model->made = sim_grow(model->made, model->made_room * sizeof(*model->made));
	}
	model->made[model->made_count++] = number;
}

static bool
was_made(const struct files_model *model, uint64_t number)
{
	for (uint32_t i = 0; i < model->made_count; i++) {
		if (model->made[i] == number)
			return true;
	}
	return false;
}

static int
make(struct files_actor *files, dfs_obj_t *directory, const char *name, uint64_t number)
{
	char target[TARGET_SIZE];
	dfs_obj_t *object;
	int rc;

	snprintf(target, sizeof(target), "w%016llx", (unsigned long long)number);
	note_made(files->model, number);
	rc = dfs_open(files->dfs, directory, name, S_IFLNK, O_RDWR | O_CREAT | O_EXCL, 0, 0, target,
		      &object);
	if (rc == 0)
		(void)dfs_release(object);
	return rc;
}

/* 0: absent. */
static int
read_name(struct files_actor *files, dfs_obj_t *directory, const char *name, uint64_t *ret_number)
{
	char target[TARGET_SIZE];
	daos_size_t size = sizeof(target);
	unsigned long long number = 0;
	dfs_obj_t *object;
	int rc = dfs_lookup_rel(files->dfs, directory, name, O_RDONLY | O_NOFOLLOW, &object, NULL,
				NULL);

	if (rc) {
		*ret_number = 0;
		return rc;
	}
	rc = dfs_get_symlink_value(object, target, &size);
	if (rc || size != sizeof(target) || sscanf(target, "w%16llx", &number) != 1 ||
	    !was_made(files->model, number))
		sim_violation(files->model->sim, "/shared/%s is what nobody made (%d)", name, rc);
	*ret_number = number;
	(void)dfs_release(object);
	return rc;
}

/* What a call made of a name: foreseen are success and one refusal. */
static enum register_outcome
judge_call(struct files_actor *files, enum files_operation operation, int rc, int refusal,
	   const char *name)
{
	switch (files_done(files, operation, rc, rc == refusal ? refusal : 0, name)) {
	case OUTCOME_OK:
		return REGISTER_DONE;
	case OUTCOME_FAILED:
		return refusal == EEXIST ? REGISTER_EXIST : REGISTER_NONEXIST;
	default:
		return REGISTER_UNKNOWN;
	}
}

static const char *
draw_moved(struct files_actor *files)
{
	static const char *const names[SHARED_MOVED] = {"m0", "m1", "m2"};

	return names[stream_draw(files->random, SHARED_MOVED)];
}

/* ------------------------------------------------ operations */

void
files_shared_make(struct files_actor *files)
{
	uint64_t number = actor_write_number(files->actor);
	struct register_operation *operation;
	struct shared_name *shared;
	dfs_obj_t *directory;
	int rc;

	if (!open_shared(files, &directory))
		return;
	if (stream_chance(files->random, 30)) {
		const char *name = draw_moved(files);

		(void)judge_call(files, FILES_SHARED_MAKE, make(files, directory, name, number),
				 EEXIST, name);
	} else {
		shared = draw_shared(files);
		operation = begin(files, shared, REGISTER_WRITE);
		operation->absent = 1;
		operation->values[0] = (struct register_value){number, TARGET_SIZE};
		rc = make(files, directory, shared->name, number);
		end(files, judge_call(files, FILES_SHARED_MAKE, rc, EEXIST, shared->name));
	}
	(void)dfs_release(directory);
}

static void
read_shared(struct files_actor *files, dfs_obj_t *directory, struct shared_name *shared)
{
	struct register_operation *operation = begin(files, shared, REGISTER_READ);
	enum register_outcome outcome;
	uint64_t number;
	int rc = read_name(files, directory, shared->name, &number);

	outcome = judge_call(files, FILES_SHARED_READ, rc, ENOENT, shared->name);
	if (outcome == REGISTER_NONEXIST)
		outcome = REGISTER_DONE;
	if (outcome == REGISTER_UNKNOWN)
		outcome = REGISTER_VOID;
	operation->values[0] = (struct register_value){number, number ? (uint64_t)TARGET_SIZE : 0};
	end(files, outcome);
}

void
files_shared_read(struct files_actor *files)
{
	dfs_obj_t *directory;
	uint64_t number;

	if (!open_shared(files, &directory))
		return;
	if (stream_chance(files->random, 30)) {
		const char *name = draw_moved(files);

		(void)judge_call(files, FILES_SHARED_READ,
				 read_name(files, directory, name, &number), ENOENT, name);
	} else {
		read_shared(files, directory, draw_shared(files));
	}
	(void)dfs_release(directory);
}

void
files_shared_remove(struct files_actor *files)
{
	struct shared_name *shared;
	dfs_obj_t *directory;
	int rc;

	if (!open_shared(files, &directory))
		return;
	if (stream_chance(files->random, 30)) {
		const char *name = draw_moved(files);

		rc = dfs_remove(files->dfs, directory, name, false, NULL);
		(void)judge_call(files, FILES_SHARED_REMOVE, rc, ENOENT, name);
	} else {
		shared = draw_shared(files);
		begin(files, shared, REGISTER_REMOVE)->present = 1;
		rc = dfs_remove(files->dfs, directory, shared->name, false, NULL);
		end(files, judge_call(files, FILES_SHARED_REMOVE, rc, ENOENT, shared->name));
	}
	(void)dfs_release(directory);
}

void
files_shared_move(struct files_actor *files)
{
	const char *from = draw_moved(files), *to = draw_moved(files);
	dfs_obj_t *directory;
	int rc;

	if (!open_shared(files, &directory))
		return;
	rc = dfs_move(files->dfs, directory, from, directory, to, NULL);
	(void)judge_call(files, FILES_SHARED_MOVE, rc, ENOENT, from);
	(void)dfs_release(directory);
}

/* ------------------------------------------------ the end */

/* Names that were given up are read as well. */
void
files_shared_verify(struct files_actor *files)
{
	dfs_obj_t *directory;

	files->hand = &files->model->hands[0];
	if (!files->hand->has_root || !open_shared(files, &directory))
		return;
	for (uint32_t i = 0; i < SHARED_NAMES; i++) {
		for (struct shared_name *shared = files->model->shared[i];
		     shared && !sim_violated(files->model->sim); shared = shared->next)
			read_shared(files, directory, shared);
	}
	(void)dfs_release(directory);
}

static void
judge_name(struct files_model *model, const struct shared_name *shared)
{
	const struct register_operation *stranger =
		register_stranger(shared->operations, shared->count);
	enum register_verdict verdict;
	char text[4096] = "";

	if (stranger) {
		register_print(stranger, text, sizeof(text));
		sim_violation(model->sim, "/shared/%s: nobody made what was read: %s", shared->name,
			      text);
	} else if (!server_may_roll_back(model->server)) {
		verdict = register_check(shared->operations, shared->count, STATES_MAX, text,
					 sizeof(text));
		if (verdict == REGISTER_BAD)
			sim_violation(model->sim, "/shared/%s of server %u: %s", shared->name,
				      server_number(model->server), text);
		else if (verdict == REGISTER_UNDECIDED)
			sim_undecided(model->sim, "the %u operations of /shared/%s are too many",
				      shared->count, shared->name);
	}
}

void
files_shared_judge(struct files_model *model)
{
	for (uint32_t i = 0; i < SHARED_NAMES; i++) {
		for (const struct shared_name *shared = model->shared[i];
		     shared && !sim_violated(model->sim); shared = shared->next)
			judge_name(model, shared);
	}
}

void
files_shared_free(struct files_model *model)
{
	for (uint32_t i = 0; i < SHARED_NAMES; i++) {
		while (model->shared[i]) {
			struct shared_name *shared = model->shared[i];

			model->shared[i] = shared->next;
			free(shared);
		}
	}
}
