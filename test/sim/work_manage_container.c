/* SPDX-License-Identifier: BSD-2-Clause-Patent */
/* Workload "manage": containers under labels that several actors share. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "sim/work_manage.h"

#define LIST_ROOM 256u

static void
read_back(enum outcome outcome, int rc, enum name_outcome *ret_outcome)
{
	if (outcome == OUTCOME_OK)
		*ret_outcome = NAME_DONE;
	else if (rc == -DER_EXIST)
		*ret_outcome = NAME_EXIST;
	else if (rc == -DER_NONEXIST)
		*ret_outcome = NAME_ABSENT;
	else
		*ret_outcome = outcome == OUTCOME_UNKNOWN ? NAME_UNKNOWN : NAME_VOID;
}

/* ------------------------------------------------ create */

/* The number, and the label when it is given that way. */
static daos_prop_t *
number_properties(uint64_t number, const char *label)
{
	daos_prop_t *properties = NULL;
	char text[96];
	int rc;

	if (label)
		snprintf(text, sizeof(text), "dedup_threshold:%llu;label:%s",
			 (unsigned long long)number, label);
	else
		snprintf(text, sizeof(text), "dedup_threshold:%llu", (unsigned long long)number);
	rc = daos_prop_from_str(text, strlen(text), &properties);
	ASSERT(rc == 0);
	return properties;
}

int
manage_make(daos_handle_t pool, uint64_t number, const char *label, bool as_property, uuid_t uuid)
{
	daos_prop_t *properties = number_properties(number, as_property ? label : NULL);
	int rc = label && !as_property ? daos_cont_create_with_label(pool, label, properties,
								     (uuid_t *)uuid, NULL)
				       : daos_cont_create(pool, (uuid_t *)uuid, properties, NULL);

	daos_prop_free(properties);
	return rc;
}

void
manage_create(struct manage *manage)
{
	struct actor *actor = manage->actor;
	struct names_unit *unit = manage_unit(manage->model);
	struct thing *thing = thing_create(manage, unit);
	uint32_t slot = (uint32_t)stream_draw(&actor->random, NAME_SLOTS);
	bool as_property = stream_chance(&actor->random, 30);
	enum name_outcome result;
	enum outcome outcome;
	char label[32];
	uint32_t entry;
	uuid_t uuid;
	int rc;

	manage_label(unit, slot, label);
	(void)names_begin(manage, unit, NAME_CREATE, slot, thing->number, &entry);
	rc = manage_make(actor->pool, thing->number, label, as_property, uuid);
	outcome = manage_done(manage, MANAGE_CREATE, rc, NULL);
	read_back(outcome, rc, &result);
	names_end(manage, unit, entry, result);
	if (rc == 0)
		thing_identify(manage, thing, uuid);
}

/* ------------------------------------------------ destroy */

/* One of the unit's whose uuid is known, the newer the likelier. */
static struct thing *
draw_thing(struct manage *manage, const struct names_unit *unit)
{
	struct manage_model *model = manage->model;
	uint32_t skip = (uint32_t)stream_draw(&manage->actor->random, 5);

	for (uint32_t i = model->thing_count; i-- > 0;) {
		struct thing *thing = model->things[i];

		if (thing->unit == unit && thing->id != 0 && skip-- == 0)
			return thing;
	}
	return NULL;
}

void
manage_destroy(struct manage *manage)
{
	static const int answers[] = {-DER_BUSY, 0};
	struct actor *actor = manage->actor;
	struct names_unit *unit = manage_unit(manage->model);
	uint32_t slot = (uint32_t)stream_draw(&actor->random, NAME_SLOTS), entry;
	struct thing *thing = stream_chance(&actor->random, 40) ? draw_thing(manage, unit) : NULL;
	bool force = stream_chance(&actor->random, 60);
	enum name_outcome result;
	enum outcome outcome;
	char label[32];
	int rc;

	manage_label(unit, slot, label);
	(void)names_begin(manage, unit, thing ? NAME_REMOVE_THING : NAME_REMOVE, slot,
			  thing ? thing->number : 0, &entry);
	closing_begin(manage);
	rc = daos_cont_destroy(actor->pool, thing ? thing->uuid : label, force, NULL);
	outcome = manage_done(manage, MANAGE_DESTROY, rc, force ? NULL : answers);
	closing_end(manage, outcome);
	read_back(outcome, rc, &result);
	names_end(manage, unit, entry, result);
	if (rc == 0 && thing)
		thing->destroyed = true;
}

/* ------------------------------------------------ open and close */

int
manage_number(daos_handle_t container, uint64_t *ret_number)
{
	daos_prop_t *properties = daos_prop_alloc(1);
	int rc;

	ASSERT(properties != NULL);
	properties->dpp_entries[0].dpe_type = DAOS_PROP_CO_DEDUP_THRESHOLD;
	rc = daos_cont_query(container, NULL, properties, NULL);
	if (rc == 0)
		*ret_number = properties->dpp_entries[0].dpe_val;
	daos_prop_free(properties);
	return rc;
}

/* Which container was opened; NULL: it is closed already, or cannot tell. */
static struct thing *
meet(struct manage *manage, daos_handle_t container, struct names_unit *unit, const uuid_t uuid)
{
	struct manage_model *model = manage->model;
	struct thing *thing;
	uint64_t number;

	if (manage_number(container, &number) != 0)
		return NULL;
	thing = thing_of_number(model, number);
	if (thing == NULL || thing->unit != unit) {
		sim_violation(model->sim, "a container of number %llu has a label of unit %u",
			      (unsigned long long)number, unit->number);
		return NULL;
	}
	thing_identify(manage, thing, uuid);
	return thing;
}

static unsigned int
draw_flags(struct stream *random)
{
	static const unsigned int modes[] = {DAOS_COO_RW, DAOS_COO_RW, DAOS_COO_RW, DAOS_COO_RO,
					     DAOS_COO_EX};
	unsigned int flags = modes[stream_draw(random, ARRAY_SIZE(modes))];

	if (stream_chance(random, 10))
		flags |= DAOS_COO_EVICT;
	else if (stream_chance(random, 5))
		flags |= DAOS_COO_EVICT_ALL;
	if (stream_chance(random, 20))
		flags |= DAOS_COO_RO_MDSTATS;
	return flags;
}

static int
open_call(struct manage *manage, const char *name, unsigned int flags, daos_handle_t *ret_handle,
	  daos_cont_info_t *info)
{
	static const int answers[] = {-DER_BUSY, 0};
	bool evicts = (flags & (DAOS_COO_EVICT | DAOS_COO_EVICT_ALL)) != 0;
	enum outcome outcome;
	int rc;

	if (evicts)
		closing_begin(manage);
	rc = daos_cont_open(manage->actor->pool, name, flags, ret_handle, info, NULL);
	outcome = manage_done(manage, MANAGE_OPEN, rc, answers);
	if (evicts)
		closing_end(manage, outcome);
	return rc;
}

void
manage_open(struct manage *manage)
{
	struct stream *random = &manage->actor->random;
	struct held *held = &manage->hand->held[stream_draw(random, HELD_MAX)];
	struct names_unit *unit = manage_unit(manage->model);
	uint32_t slot = (uint32_t)stream_draw(random, NAME_SLOTS), entry;
	struct thing *wanted = stream_chance(random, 25) ? draw_thing(manage, unit) : NULL;
	unsigned int flags = draw_flags(random);
	daos_cont_info_t info;
	daos_handle_t handle;
	uint64_t since;
	char label[32];
	int rc;

	if (held->open)
		held_close(manage, held);
	manage_label(unit, slot, label);
	(void)names_begin(manage, unit, NAME_SEE, slot, 0, &entry);
	since = actor_time(manage->actor);
	rc = open_call(manage, wanted ? wanted->uuid : label, flags, &handle, &info);
	if (wanted == NULL && (rc == 0 || rc == -DER_NONEXIST))
		names_saw(&unit->operations[entry], slot, rc ? 0 : id_hash(info.ci_uuid));
	names_end(manage, unit, entry, unit->operations[entry].mask ? NAME_DONE : NAME_VOID);
	if (rc)
		return;
	if (wanted && id_hash(info.ci_uuid) != wanted->id)
		sim_violation(manage->model->sim, "one container was asked for, another opened");
	*held = (struct held){.open = true,
			      .handle = handle,
			      .since = since,
			      .writable = (flags & DAOS_COO_RO) == 0};
	held->thing = meet(manage, handle, unit, info.ci_uuid);
	if (held->thing == NULL)
		held_close(manage, held);
}

void
held_close(struct manage *manage, struct held *held)
{
	(void)manage;
	(void)daos_cont_close(held->handle, NULL);
	held->open = false;
}

void
manage_close(struct manage *manage)
{
	struct held *held = manage_held(manage);

	if (held == NULL) {
		manage_open(manage);
		return;
	}
	held->open = false;
	(void)manage_done(manage, MANAGE_CLOSE, daos_cont_close(held->handle, NULL), NULL);
}

struct held *
manage_held(struct manage *manage)
{
	uint32_t first = (uint32_t)stream_draw(&manage->actor->random, HELD_MAX);

	for (uint32_t i = 0; i < HELD_MAX; i++) {
		struct held *held = &manage->hand->held[(first + i) % HELD_MAX];

		if (held->open)
			return held;
	}
	return NULL;
}

/* ------------------------------------------------ list */

static bool
label_parse(const char *label, uint32_t *ret_unit, uint32_t *ret_slot)
{
	char end;

	return sscanf(label, "m%u-%u%c", ret_unit, ret_slot, &end) == 2 && *ret_slot < NAME_SLOTS;
}

static void
note_list(struct manage *manage, struct names_unit *unit, struct name_operation *operation,
	  const struct daos_pool_cont_info *entries, daos_size_t count)
{
	bool found = false;

	for (uint32_t i = 0; i < NAME_SLOTS; i++)
		names_saw(operation, i, 0);
	for (daos_size_t i = 0; i < count; i++) {
		uint32_t number, slot;

		found |= strcmp(entries[i].pci_label, manage->actor->workload->name) == 0;
		if (!label_parse(entries[i].pci_label, &number, &slot) || number != unit->number)
			continue;
		if (operation->seen[slot] != 0)
			sim_violation(manage->model->sim, "two containers are listed as %s",
				      entries[i].pci_label);
		names_saw(operation, slot, id_hash(entries[i].pci_uuid));
	}
	if (!found && !server_may_roll_back(manage->model->server))
		sim_violation(manage->model->sim, "a list lacks the container \"%s\"",
			      manage->actor->workload->name);
}

void
manage_list(struct manage *manage)
{
	struct names_unit *unit = manage_unit(manage->model);
	struct daos_pool_cont_info *entries = sim_take(LIST_ROOM * sizeof(*entries));
	bool counts = stream_chance(&manage->actor->random, 10);
	daos_size_t count = counts ? 0 : LIST_ROOM;
	uint32_t entry;
	int rc;

	(void)names_begin(manage, unit, NAME_SEE, 0, 0, &entry);
	rc = daos_pool_list_cont(manage->actor->pool, &count, counts ? NULL : entries, NULL);
	(void)manage_done(manage, MANAGE_LIST, rc, NULL);
	if (rc == 0 && !counts)
		note_list(manage, unit, &unit->operations[entry], entries,
			  min_of(count, (daos_size_t)LIST_ROOM));
	names_end(manage, unit, entry, unit->operations[entry].mask ? NAME_DONE : NAME_VOID);
	free(entries);
}

/* ------------------------------------------------ rename */

void
manage_rename(struct manage *manage)
{
	struct held *held = manage_held(manage);
	uint32_t slot = (uint32_t)stream_draw(&manage->actor->random, NAME_SLOTS), entry;
	daos_prop_t *properties;
	enum name_outcome result;
	enum outcome outcome;
	struct names_unit *unit;
	char label[32];
	int rc;

	if (held == NULL || !held->writable) {
		manage_open(manage);
		return;
	}
	unit = held->thing->unit;
	manage_label(unit, slot, label);
	properties = daos_prop_alloc(1);
	ASSERT(properties != NULL);
	properties->dpp_entries[0].dpe_type = DAOS_PROP_CO_LABEL;
	rc = daos_prop_set_str(properties, DAOS_PROP_CO_LABEL, label, strlen(label));
	ASSERT(rc == 0);
	held_begin(held);
	(void)names_begin(manage, unit, NAME_MOVE, slot, held->thing->number, &entry);
	rc = daos_cont_set_prop(held->handle, properties, NULL);
	daos_prop_free(properties);
	outcome = held_done(manage, held, MANAGE_RENAME, rc);
	read_back(outcome, rc, &result);
	names_end(manage, unit, entry, result);
}

/* ------------------------------------------------ cleaning up */

static bool
is_ours(struct manage *manage, const struct daos_pool_cont_info *entry)
{
	char uuid[40];
	uint64_t number = 0;
	daos_handle_t handle;
	uint32_t unit, slot;

	if (label_parse(entry->pci_label, &unit, &slot))
		return true;
	if (entry->pci_label[0] != '\0')
		return false;
	uuid_unparse_lower(entry->pci_uuid, uuid);
	if (daos_cont_open(manage->actor->pool, uuid, DAOS_COO_RO, &handle, NULL, NULL) != 0)
		return false;
	if (manage_number(handle, &number) != 0)
		number = 0;
	(void)daos_cont_close(handle, NULL);
	return thing_of_number(manage->model, number) != NULL;
}

void
manage_clean(struct manage *manage)
{
	struct daos_pool_cont_info *entries = sim_take(LIST_ROOM * sizeof(*entries));
	daos_size_t count = LIST_ROOM;
	int rc = daos_pool_list_cont(manage->actor->pool, &count, entries, NULL);

	(void)manage_done(manage, MANAGE_LIST, rc, NULL);
	for (daos_size_t i = 0; rc == 0 && i < min_of(count, (daos_size_t)LIST_ROOM); i++) {
		char uuid[40];

		if (!is_ours(manage, &entries[i]))
			continue;
		uuid_unparse_lower(entries[i].pci_uuid, uuid);
		(void)manage_done(manage, MANAGE_DESTROY,
				  daos_cont_destroy(manage->actor->pool, uuid, 1, NULL), NULL);
	}
	free(entries);
}
