/* SPDX-License-Identifier: BSD-2-Clause-Patent */
/*
 * Workload "links". What all actors change is entered in histories, which must be linearizable;
 * what one alone has is looked at at once.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "sim/work_links.h"
#include "sim/workloads.h"

static const char *const operation_names[LINKS_OPERATIONS + 1] = {
	[LINKS_MOUNT] = "mount",
	[LINKS_MAKE] = "make",
	[LINKS_LOOK] = "look",
	[LINKS_LINK] = "link",
	[LINKS_RENAME] = "rename",
	[LINKS_RENAME_NEW] = "rename-new",
	[LINKS_REMOVE] = "remove",
	[LINKS_APPEND] = "append",
	[LINKS_READ] = "read",
	[LINKS_WRITE] = "write",
	[LINKS_EXPORT] = "export",
	[LINKS_OPEN_ID] = "open-id",
	[LINKS_ATTRIBUTE] = "attribute",
	[LINKS_RECLAIM] = "reclaim",
	[LINKS_REMOVED] = "removed",
	[LINKS_EXPORTED] = "exported",
	[LINKS_ATTRIBUTES] = "attributes",
};

/* How each operation is done, and how often of 100; those without a weight are parts of others. */
static const struct {
	void (*function)(struct links_actor *links);
	uint8_t weight;
} operations[LINKS_OPERATIONS] = {
	[LINKS_MAKE] = {links_make, 16},
	[LINKS_LOOK] = {links_look, 18},
	[LINKS_LINK] = {links_link, 14},
	[LINKS_RENAME] = {links_rename, 12},
	[LINKS_RENAME_NEW] = {links_rename_new, 6},
	[LINKS_REMOVE] = {links_remove, 10},
	[LINKS_APPEND] = {links_append, 12},
	[LINKS_RECLAIM] = {links_reclaim, 1},
	[LINKS_REMOVED] = {links_removed, 5},
	[LINKS_EXPORTED] = {links_exported, 3},
	[LINKS_ATTRIBUTES] = {links_attributes, 3},
};

/* Below it a transaction's redo is limited to less than 400 KiB, and that of a change at the root
 * of many deep trees may be reckoned to more. */
#define SMALL_LOG (UINT64_C(2) << 20)

/* ------------------------------------------------ the model */

static void *
links_create(struct sim *sim, struct server *server)
{
	struct links_model *model = sim_take(sizeof(*model));

	model->sim = sim;
	model->server = server;
	model->hand_count = (uint32_t)max_of(plan_knob(sim_plan(sim), KNOB_ACTORS), UINT64_C(1));
	model->small_log = plan_knob(sim_plan(sim), KNOB_LOG_SIZE) < SMALL_LOG;
	model->hands = sim_take(model->hand_count * sizeof(*model->hands));
	for (uint32_t i = 0; i < model->hand_count; i++) {
		model->hands[i].bytes = sim_take(LINKS_IO_MAX);
		model->hands[i].expected = sim_take(LINKS_IO_MAX);
	}
	return model;
}

static void
links_destroy(void *argument)
{
	struct links_model *model = argument;

	for (uint32_t i = 0; i < model->hand_count; i++) {
		free(model->hands[i].bytes);
		free(model->hands[i].expected);
	}
	links_names_free(model);
	links_append_free(model);
	free(model->hands);
	free(model->written);
	free(model->left);
	free(model);
}

/* ------------------------------------------------ outcomes */

bool
links_loose(const struct links_actor *links)
{
	return server_may_roll_back(links->model->server);
}

enum outcome
links_done(struct links_actor *links, enum links_operation operation, int error, int refusal,
	   int other, const char *what)
{
	enum outcome outcome = actor_done_errno(links->actor, operation, error);

	if (outcome == OUTCOME_UNKNOWN || error == 0 || error == refusal || error == other)
		return outcome;
	if (error == E2BIG && links->model->small_log)
		return OUTCOME_FAILED;
	/* The ledger has judged it; of several steps the first may have been taken. */
	if (error != ENOSPC && !links_loose(links) && !server_may_fail(links->model->server))
		sim_violation(links->model->sim, "%s of %s gave errno %d",
			      operation_names[operation], what, error);
	return OUTCOME_UNKNOWN;
}

bool
links_read(struct links_actor *links, dfs_obj_t *object, uint64_t offset, void *bytes, size_t size,
	   const char *what)
{
	daos_size_t got = 0;
	d_sg_list_t sgl;
	d_iov_t iov;
	int rc;

	d_iov_set(&iov, bytes, size);
	sgl = (d_sg_list_t){.sg_nr = 1, .sg_iovs = &iov};
	rc = dfs_read(links->dfs, object, &sgl, offset, &got, NULL);
	if (links_done(links, LINKS_READ, rc, 0, 0, what) != OUTCOME_OK)
		return false;
	if (got != size && !links_loose(links))
		sim_violation(links->model->sim, "a read of %zu bytes at %llu of %s gave %llu",
			      size, (unsigned long long)offset, what, (unsigned long long)got);
	return got == size;
}

int
links_write(struct links_actor *links, dfs_obj_t *object, uint64_t offset, void *bytes, size_t size)
{
	d_sg_list_t sgl;
	d_iov_t iov;

	d_iov_set(&iov, bytes, size);
	sgl = (d_sg_list_t){.sg_nr = 1, .sg_iovs = &iov};
	return dfs_write(links->dfs, object, &sgl, offset, NULL);
}

void
links_own_name(struct links_actor *links, char name[32])
{
	snprintf(name, 32, "own-%llu", (unsigned long long)actor_write_number(links->actor));
}

dfs_obj_t *
links_directory(struct links_actor *links)
{
	return links->directories[stream_draw(links->random, DIRECTORIES)];
}

/* ------------------------------------------------ an actor */

/* Both are made by whoever comes first. */
static bool
open_directories(struct links_actor *links)
{
	static const char *const names[DIRECTORIES] = {"d0", "d1"};

	for (uint32_t i = 0; i < DIRECTORIES; i++) {
		int rc = 0;

		if (!links->model->has_directories)
			rc = dfs_mkdir(links->dfs, NULL, names[i], 0755, 0);
		if (links_done(links, LINKS_MOUNT, rc, EEXIST, 0, names[i]) == OUTCOME_UNKNOWN)
			return false;
		if (links->directories[i])
			continue;
		rc = dfs_lookup_rel(links->dfs, NULL, names[i], O_RDWR, &links->directories[i],
				    NULL, NULL);
		if (links_done(links, LINKS_MOUNT, rc, 0, 0, names[i]) != OUTCOME_OK) {
			links->directories[i] = NULL;
			return false;
		}
	}
	links->model->has_directories = true;
	return true;
}

static void
links_leave(struct links_actor *links)
{
	for (uint32_t i = 0; i < DIRECTORIES; i++)
		if (links->directories[i])
			(void)dfs_release(links->directories[i]);
	(void)dfs_umount(links->dfs);
}

/* Tries until it has what it needs; false: the chaos is over. */
static bool
links_enter(struct links_actor *links, struct actor *actor, bool verifies)
{
	struct links_model *model = actor->model;

	*links = (struct links_actor){
		.actor = actor,
		.model = model,
		.hand = &model->hands[actor->number % model->hand_count],
		.random = &actor->random,
	};
	/* What the actor before had under way when its client died is of unknown outcome. */
	for (uint32_t i = 0; i < model->hand_count && (verifies || i == 0); i++) {
		struct links_hand *hand = verifies ? &model->hands[i] : links->hand;

		links_names_lost(hand);
		links_orphan_lost(model, hand);
	}
	do {
		int rc = dfs_mount(actor->pool, actor->container, O_RDWR, &links->dfs);

		if (links_done(links, LINKS_MOUNT, rc, 0, 0, "the container") != OUTCOME_OK)
			continue;
		if (open_directories(links))
			return true;
		links_leave(links);
		memset(links->directories, 0, sizeof(links->directories));
	} while (!verifies && actor_next(actor));
	return false;
}

static enum links_operation
draw_operation(struct links_actor *links)
{
	for (uint32_t attempt = 0; attempt < 16; attempt++) {
		uint32_t draw = (uint32_t)stream_draw(links->random, 100), at = 0;

		while (draw >= operations[at].weight)
			draw -= operations[at++].weight;
		if (actor_takes(links->actor, at))
			return at;
	}
	return LINKS_MAKE;
}

static void
links_act(struct actor *actor)
{
	struct links_actor links;

	if (!links_enter(&links, actor, false))
		return;
	while (actor_next(actor))
		operations[draw_operation(&links)].function(&links);
	links_leave(&links);
}

/* ------------------------------------------------ the end */

static void
links_verify(struct actor *actor)
{
	struct links_actor links;

	if (!((struct links_model *)actor->model)->has_directories ||
	    !links_enter(&links, actor, true))
		return;
	links_names_verify(&links);
	links_append_verify(&links);
	links_orphans_verify(&links);
	links_leave(&links);
}

static void
links_judge(struct sim *sim, void *model)
{
	(void)sim;
	links_names_judge(model);
}

const struct workload workload_links = {
	.name = "links",
	.operations = operation_names,
	.layout = DAOS_PROP_CO_LAYOUT_POSIX,
	.create = links_create,
	.act = links_act,
	.verify = links_verify,
	.judge = links_judge,
	.destroy = links_destroy,
};
