/* SPDX-License-Identifier: BSD-2-Clause-Patent */
/* What the workload "manage" knows: histories of names and registers, and their judgement. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "sim/work_manage.h"

/* States that a judgement may remember. */
#define SEARCH_LIMIT 400000u
/* What makes a unit of names old: operations, and those that may yet happen. */
#define UNIT_OPERATIONS 300u
#define UNIT_UNKNOWN 8u
/* What makes registers full. */
#define REGISTERS_OPERATIONS 120u
#define REGISTERS_UNKNOWN 6u

/* ------------------------------------------------ names */

struct names_unit *
manage_unit(struct manage_model *model)
{
	struct names_unit *unit = model->unit_count ? model->units[model->unit_count - 1] : NULL;

	if (unit && unit->count < UNIT_OPERATIONS && unit->unknown < UNIT_UNKNOWN)
		return unit;
	unit = sim_take(sizeof(*unit));
	unit->number = model->unit_count;
	model->units = sim_grow(model->units, (model->unit_count + 1) * sizeof(*model->units));
	model->units[model->unit_count++] = unit;
	return unit;
}

void
manage_label(const struct names_unit *unit, uint32_t slot, char label[32])
{
	snprintf(label, 32, "m%u-%u", unit->number, slot);
}

struct name_operation *
names_begin(struct manage *manage, struct names_unit *unit, enum name_kind kind, uint32_t slot,
	    uint64_t thing, uint32_t *ret_entry)
{
	if (unit->count == unit->room) {
		unit->room = unit->room ? 2 * unit->room : 64;
		unit->operations =
			sim_grow(unit->operations, unit->room * sizeof(*unit->operations));
	}
	unit->operations[unit->count] = (struct name_operation){
		.begin = actor_time(manage->actor),
		.end = NAME_NEVER,
		.thing = thing,
		.actor = manage->actor->number,
		.kind = (uint8_t)kind,
		.outcome = NAME_UNKNOWN,
		.slot = (uint8_t)slot,
	};
	/* Until it has ended it may be one that nobody will see the end of. */
	unit->unknown += kind != NAME_SEE;
	*ret_entry = unit->count;
	return &unit->operations[unit->count++];
}

void
names_end(struct manage *manage, struct names_unit *unit, uint32_t entry, enum name_outcome outcome)
{
	struct name_operation *operation = &unit->operations[entry];

	operation->outcome = (uint8_t)outcome;
	if (outcome == NAME_UNKNOWN)
		return;
	operation->end = actor_time(manage->actor);
	unit->unknown -= operation->kind != NAME_SEE;
}

void
names_saw(struct name_operation *operation, uint32_t slot, uint64_t seen)
{
	operation->mask |= (uint8_t)(1u << slot);
	operation->seen[slot] = seen;
}

/* ------------------------------------------------ things */

uint64_t
id_hash(const uuid_t uuid)
{
	uint64_t high, low;

	memcpy(&high, uuid, sizeof(high));
	memcpy(&low, uuid + sizeof(high), sizeof(low));
	/* Neither a number of a thing nor NAME_ANY. */
	return (hash_combine(high, low) | UINT64_C(1) << 63) & ~UINT64_C(1);
}

struct thing *
thing_create(struct manage *manage, struct names_unit *unit)
{
	struct manage_model *model = manage->model;
	struct thing *thing = sim_take(sizeof(*thing));

	/* Not what a container has that is not ours. */
	do
		thing->number = actor_write_number(manage->actor);
	while (thing->number == NUMBER_STANDARD);
	thing->unit = unit;
	if (model->thing_count == model->thing_room) {
		model->thing_room = model->thing_room ? 2 * model->thing_room : 64;
		model->things = sim_grow(model->things, model->thing_room * sizeof(*model->things));
	}
	model->things[model->thing_count++] = thing;
	return thing;
}

struct thing *
thing_of_number(struct manage_model *model, uint64_t number)
{
	for (uint32_t i = 0; i < model->thing_count; i++)
		if (model->things[i]->number == number)
			return model->things[i];
	return NULL;
}

static struct thing *
thing_of_id(struct manage_model *model, uint64_t id)
{
	for (uint32_t i = 0; i < model->thing_count; i++)
		if (model->things[i]->id == id)
			return model->things[i];
	return NULL;
}

void
thing_identify(struct manage *manage, struct thing *thing, const uuid_t uuid)
{
	struct manage_model *model = manage->model;
	uint64_t id = id_hash(uuid);
	const struct thing *other = thing_of_id(model, id);

	if ((thing->id != 0 && thing->id != id) || (other && other != thing))
		sim_violation(model->sim, "two containers or pools are number %llu, or one is two",
			      (unsigned long long)thing->number);
	thing->id = id;
	uuid_unparse_lower(uuid, thing->uuid);
}

/* ------------------------------------------------ registers */

uint32_t
registers_begin(struct manage *manage, struct registers *registers,
		const struct register_operation *operation)
{
	struct register_operation *entry;

	if (registers->count == registers->room) {
		registers->room = registers->room ? 2 * registers->room : 32;
		registers->operations = sim_grow(registers->operations,
						 registers->room * sizeof(*registers->operations));
	}
	entry = &registers->operations[registers->count];
	*entry = *operation;
	entry->begin = actor_time(manage->actor);
	entry->end = REGISTER_NEVER;
	entry->actor = manage->actor->number;
	entry->outcome = REGISTER_UNKNOWN;
	registers->unknown += entry->kind >= REGISTER_WRITE;
	return registers->count++;
}

struct register_operation *
registers_end(struct manage *manage, struct registers *registers, uint32_t entry,
	      enum outcome outcome)
{
	struct register_operation *operation = &registers->operations[entry];

	if (outcome == OUTCOME_UNKNOWN)
		return operation;
	operation->end = actor_time(manage->actor);
	operation->outcome = outcome == OUTCOME_OK ? REGISTER_DONE : REGISTER_VOID;
	registers->unknown -= operation->kind >= REGISTER_WRITE;
	return operation;
}

bool
registers_full(const struct registers *registers)
{
	return registers->count >= REGISTERS_OPERATIONS || registers->unknown >= REGISTERS_UNKNOWN;
}

/* ------------------------------------------------ counting */

void
closing_begin(struct manage *manage)
{
	manage->model->closing++;
}

void
closing_end(struct manage *manage, enum outcome outcome)
{
	if (outcome == OUTCOME_UNKNOWN)
		return;
	manage->model->closing--;
	manage->model->closed_last = actor_time(manage->actor);
}

enum outcome
manage_done(struct manage *manage, enum manage_operation operation, int rc, const int *answers)
{
	/* Handles are acknowledged like all else that may have been lost. */
	if (rc == -DER_NO_HDL && server_may_roll_back(manage->model->server))
		rc = -DER_NONEXIST;
	for (; answers && *answers; answers++) {
		/* To the ledger every answer is alike. */
		if (rc == *answers)
			return actor_done(manage->actor, operation, -DER_NONEXIST);
	}
	return actor_done(manage->actor, operation, rc);
}

void
held_begin(struct held *held)
{
	held->gone = held->thing && held->thing->destroyed;
}

enum outcome
held_done(struct manage *manage, struct held *held, enum manage_operation operation, int rc)
{
	static const int answers[] = {-DER_NO_HDL, 0};
	struct manage_model *model = manage->model;

	if (rc == 0 && held->gone && !server_may_roll_back(model->server))
		sim_violation(model->sim, "container %llu answers, which was destroyed before",
			      (unsigned long long)held->thing->number);
	if (rc != -DER_NO_HDL)
		return manage_done(manage, operation, rc, NULL);
	if (model->closing == 0 && model->closed_last < held->since &&
	    !server_may_roll_back(model->server))
		sim_violation(model->sim, "a handle is not known, and nobody closed it");
	held_close(manage, held);
	(void)manage_done(manage, operation, rc, answers);
	/* Who asks again, because the answer was lost, may hear that the handle is gone by now. */
	return OUTCOME_UNKNOWN;
}

/* ------------------------------------------------ judgement */

/* What was seen by its uuid becomes the thing's number, or something. */
static void
resolve(struct manage_model *model, struct names_unit *unit)
{
	for (uint32_t i = 0; i < unit->count; i++) {
		struct name_operation *operation = &unit->operations[i];

		for (uint32_t k = 0; k < NAME_SLOTS; k++) {
			const struct thing *thing;

			if (operation->seen[k] == 0 || operation->seen[k] == NAME_ANY)
				continue;
			thing = thing_of_id(model, operation->seen[k]);
			operation->seen[k] = thing ? thing->number : NAME_ANY;
		}
	}
}

static void
judge_unit(struct manage_model *model, struct names_unit *unit, const char *what)
{
	char text[4096], line[256];
	const struct name_operation *stranger;
	enum name_verdict verdict;

	resolve(model, unit);
	if (server_may_roll_back(model->server)) {
		stranger = names_stranger(unit->operations, unit->count);
		if (stranger == NULL)
			return;
		name_print(stranger, line, sizeof(line));
		sim_violation(model->sim, "%s %u: nobody made what {%s} saw", what, unit->number,
			      line);
		return;
	}
	verdict = names_check(unit->operations, unit->count, SEARCH_LIMIT, text, sizeof(text));
	if (verdict == NAMES_BAD)
		sim_violation(model->sim, "%s %u: %s", what, unit->number, text);
	if (verdict == NAMES_UNDECIDED)
		sim_undecided(model->sim, "%s %u: %u operations are too many", what, unit->number,
			      unit->count);
}

static void
judge_registers(struct manage_model *model, const struct registers *registers, const char *what,
		uint64_t number)
{
	const struct register_operation *stranger;
	enum register_verdict verdict;
	char text[4096], line[512];

	if (registers->count == 0)
		return;
	if (server_may_roll_back(model->server)) {
		stranger = register_stranger(registers->operations, registers->count);
		if (stranger == NULL)
			return;
		register_print(stranger, line, sizeof(line));
		sim_violation(model->sim, "%s of %llu: nobody wrote what {%s} saw", what,
			      (unsigned long long)number, line);
		return;
	}
	verdict = register_check(registers->operations, registers->count, SEARCH_LIMIT, text,
				 sizeof(text));
	if (verdict == REGISTER_BAD)
		sim_violation(model->sim, "%s of %llu: %s", what, (unsigned long long)number, text);
	if (verdict == REGISTER_UNDECIDED)
		sim_undecided(model->sim, "%s of %llu: %u operations are too many", what,
			      (unsigned long long)number, registers->count);
}

void
manage_judge(struct sim *sim, void *argument)
{
	struct manage_model *model = argument;

	for (uint32_t i = 0; !sim_violated(sim) && i < model->unit_count; i++)
		judge_unit(model, model->units[i], "labels");
	if (!sim_violated(sim))
		judge_unit(model, &model->pools, "pools");
	for (uint32_t i = 0; !sim_violated(sim) && i < model->pool_attribute_count; i++)
		judge_registers(model, model->pool_attributes[i], "pool attributes", i);
	for (uint32_t i = 0; !sim_violated(sim) && i < model->thing_count; i++) {
		const struct thing *thing = model->things[i];

		judge_registers(model, &thing->attributes, "attributes", thing->number);
		if (!sim_violated(sim))
			judge_registers(model, &thing->properties, "properties", thing->number);
	}
}

void
manage_model_destroy(void *argument)
{
	struct manage_model *model = argument;

	for (uint32_t i = 0; i < model->unit_count; i++) {
		free(model->units[i]->operations);
		free(model->units[i]);
	}
	for (uint32_t i = 0; i < model->thing_count; i++) {
		free(model->things[i]->attributes.operations);
		free(model->things[i]->properties.operations);
		free(model->things[i]->ranges);
		free(model->things[i]);
	}
	free(model->units);
	free(model->things);
	free(model->pools.operations);
	for (uint32_t i = 0; i < model->pool_attribute_count; i++) {
		free(model->pool_attributes[i]->operations);
		free(model->pool_attributes[i]);
	}
	free(model->hands);
	free(model);
}
