/* SPDX-License-Identifier: BSD-2-Clause-Patent */
/*
 * Workload "listing": dkeys, akeys, pairs and extents are listed page by page while others put keys
 * there and take them away. A listing may be left and taken up again much later, by another actor,
 * after a crash of its client or of the server, and go on twice from the same place.
 */
#include <stdlib.h>

#include "sim/work_listing.h"
#include "sim/workloads.h"

static const char *const operation_names[] = {
	[LISTING_INSERT] = "insert",	  [LISTING_REMOVE] = "remove",
	[LISTING_DKEYS] = "list-dkey",	  [LISTING_AKEYS] = "list-akey",
	[LISTING_EXTENTS] = "list-recx",  [LISTING_PAIRS] = "kv-list",
	[LISTING_QUERY] = "query-key",	  [LISTING_EPOCH] = "query-max-epoch",
	[LISTING_SPLIT] = "anchor-split", [LISTING_ANCHOR] = "key2anchor",
	[LISTING_VERIFY] = "verify",	  NULL,
};

/* ------------------------------------------------ the model */

static uint32_t
keys_of_run(const struct listing_model *model)
{
	uint64_t keys = plan_knob(sim_plan(model->sim), KNOB_KEYS);

	return (uint32_t)max_of(min_of(keys, (uint64_t)DIRECTORY_KEYS_MAX), UINT64_C(4));
}

static void *
listing_create(struct sim *sim, struct server *server)
{
	const struct plan *plan = sim_plan(sim);
	struct stream kinds = stream_named(plan->seed, "listing-kinds", server_number(server));
	struct listing_model *model = sim_take(sizeof(*model));
	uint32_t first = (uint32_t)stream_draw(&kinds, DIRECTORY_KINDS);

	model->sim = sim;
	model->server = server;
	model->hand_count = (uint32_t)max_of(plan_knob(plan, KNOB_ACTORS), UINT64_C(1));
	model->hands = sim_take(model->hand_count * sizeof(*model->hands));
	for (uint32_t i = 0; i < model->hand_count; i++)
		model->hands[i].page = sim_take(PAGE_ROOM);
	/* 5 and 12 have no common divisor: each kind comes once. */
	for (uint32_t i = 0; i < ACTIVE_MAX; i++)
		model->active[i] =
			directory_make(model, &directory_kinds[(first + 5 * i) % DIRECTORY_KINDS],
				       keys_of_run(model));
	return model;
}

static void
listing_destroy(void *argument)
{
	struct listing_model *model = argument;

	for (uint32_t i = 0; i < model->hand_count; i++)
		free(model->hands[i].page);
	free(model->hands);
	for (uint32_t i = 0; i < model->journey_count; i++) {
		free(model->journeys[i]->listing.entries);
		free(model->journeys[i]);
	}
	free(model->journeys);
	free(model->left);
	for (uint32_t i = 0; i < model->directory_count; i++)
		directory_free(model->directories[i]);
	free(model->directories);
	free(model);
}

/* A directory with too many changes of unknown outcome says little: a fresh one takes its place. */
static void
model_freshen(struct listing_model *model)
{
	for (uint32_t i = 0; i < ACTIVE_MAX; i++) {
		struct directory *directory = model->active[i];

		if (directory->unsure <= directory->key_count / 4)
			continue;
		model->active[i] = directory_make(model, directory->kind, directory->key_count);
	}
}

/* ------------------------------------------------ listings under way */

static void
journey_leave(struct listing_model *model, struct journey *journey)
{
	model->left = sim_grow(model->left, (model->left_count + 1) * sizeof(struct journey *));
	model->left[model->left_count++] = journey;
}

/* One that was left, or NULL. */
static struct journey *
journey_take_up(struct listing_model *model, struct stream *random)
{
	struct journey *journey;
	uint64_t at;

	if (model->left_count == 0)
		return NULL;
	at = stream_draw(random, model->left_count);
	journey = model->left[at];
	model->left[at] = model->left[--model->left_count];
	return journey;
}

static void
travel(struct listing_actor *listing)
{
	struct listing_hand *hand = listing->hand;
	struct stream *random = &listing->actor->random;

	if (!journey_go_on(listing, hand->carried)) {
		hand->carried = NULL;
		return;
	}
	if (stream_chance(random, 4))
		journey_leave(listing->model, journey_copy(listing->model, hand->carried));
	if (stream_chance(random, 10)) {
		journey_leave(listing->model, hand->carried);
		hand->carried = NULL;
	}
}

static bool
kind_is_listed(const struct actor *actor, const struct directory *directory)
{
	static const uint8_t operations[] = {LISTING_DKEYS, LISTING_AKEYS, LISTING_EXTENTS,
					     LISTING_PAIRS};

	return actor_takes(actor, operations[directory->kind->level]);
}

static void
set_out(struct listing_actor *listing, struct directory *directory)
{
	struct stream *random = &listing->actor->random;
	struct journey *journey = NULL;

	if (stream_chance(random, 40))
		journey = journey_take_up(listing->model, random);
	if (journey == NULL && kind_is_listed(listing->actor, directory))
		journey = journey_begin(listing, directory);
	listing->hand->carried = journey;
	if (journey)
		travel(listing);
}

/* ------------------------------------------------ an actor */

static void
listing_enter(struct listing_actor *listing, struct actor *actor)
{
	struct listing_model *model = actor->model;
	struct listing_hand *hand = &model->hands[actor->number % model->hand_count];

	*listing = (struct listing_actor){.actor = actor, .model = model, .hand = hand};
	if (hand->change.busy)
		hand->change.directory->unsure += hand->change.count;
	hand->change.busy = false;
	if (hand->carried)
		journey_leave(model, hand->carried);
	hand->carried = NULL;
}

static void
listing_act(struct actor *actor)
{
	struct listing_actor listing;

	listing_enter(&listing, actor);
	while (actor_next(actor)) {
		struct directory *directory;
		uint64_t draw = stream_draw(&actor->random, 100);

		model_freshen(listing.model);
		directory = listing.model->active[stream_draw(&actor->random, ACTIVE_MAX)];
		if (listing.hand->carried && draw < 70)
			travel(&listing);
		else if (draw < 45 || (draw < 60 && !actor_takes(actor, LISTING_REMOVE)))
			change_make(&listing, directory, true);
		else if (draw < 60)
			change_make(&listing, directory, false);
		else if (draw < 80 && listing.hand->carried == NULL)
			set_out(&listing, directory);
		else if (draw < 92 && actor_takes(actor, LISTING_QUERY))
			edge_ask(&listing, directory);
		else if (draw < 96 && actor_takes(actor, LISTING_ANCHOR))
			anchor_ask(&listing, directory);
		else if (actor_takes(actor, LISTING_EPOCH))
			epoch_ask(&listing, directory);
	}
	if (listing.hand->carried)
		journey_leave(listing.model, listing.hand->carried);
	listing.hand->carried = NULL;
	directories_close(&listing);
}

/* ------------------------------------------------ the end */

#define VERIFY_FAILURES_MAX 20u

/* Goes on to the end of a listing, over some failures. */
static void
journey_finish(struct listing_actor *listing, struct journey *journey)
{
	uint32_t failures = 0, entries;

	do {
		entries = journey->listing.entry_count;
		if (!journey_go_on(listing, journey))
			return;
		failures += journey->listing.entry_count == entries;
	} while (failures < VERIFY_FAILURES_MAX && !sim_violated(listing->model->sim));
}

static void
listing_verify(struct actor *actor)
{
	struct listing_actor listing;
	struct journey *journey;

	listing_enter(&listing, actor);
	while ((journey = journey_take_up(listing.model, &actor->random)) != NULL &&
	       !sim_violated(actor->sim))
		journey_finish(&listing, journey);
	for (uint32_t i = 0; i < listing.model->directory_count && !sim_violated(actor->sim); i++) {
		struct directory *directory = listing.model->directories[i];

		journey_finish(&listing, journey_begin(&listing, directory));
		edge_ask(&listing, directory);
		epoch_ask(&listing, directory);
		(void)actor_done(actor, LISTING_VERIFY, directory_verify(&listing, directory));
	}
	directories_close(&listing);
}

static void
directory_judge(struct listing_model *model, const struct directory *directory)
{
	uint32_t keys = directory->key_count;
	char text[2048];

	for (uint32_t i = 0; i < directory->edge_count; i++)
		if (!edge_check(directory->keys, keys, &directory->edges[i], text, sizeof(text)))
			sim_violation(model->sim, "directory %u of server %u: %s",
				      directory->number, server_number(model->server), text);
	if (!epochs_check(directory->keys, keys, directory->epochs, directory->epoch_count, text,
			  sizeof(text)))
		sim_violation(model->sim, "directory %u of server %u: %s", directory->number,
			      server_number(model->server), text);
}

static void
listing_judge(struct sim *sim, void *argument)
{
	struct listing_model *model = argument;
	bool lenient = server_may_roll_back(model->server);
	char text[2048];

	for (uint32_t i = 0; i < model->journey_count && !sim_violated(sim); i++) {
		const struct journey *journey = model->journeys[i];
		const struct directory *directory = journey->directory;

		if (!listing_check(directory->keys, directory->key_count, &journey->listing,
				   lenient, text, sizeof(text)))
			sim_violation(sim, "directory %u (kind %u) of server %u: %s",
				      directory->number,
				      (uint32_t)(directory->kind - directory_kinds),
				      server_number(model->server), text);
	}
	for (uint32_t i = 0; !lenient && i < model->directory_count && !sim_violated(sim); i++)
		directory_judge(model, model->directories[i]);
}

const struct workload workload_listing = {
	.name = "listing",
	.operations = operation_names,
	.create = listing_create,
	.act = listing_act,
	.verify = listing_verify,
	.judge = listing_judge,
	.destroy = listing_destroy,
};
