/* SPDX-License-Identifier: BSD-2-Clause-Patent */
/* Cells and objects of the workload "values": their names, their histories, their judgement. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "sim/work_values.h"

const struct object_kind object_kinds[OBJECT_KINDS] = {
	{.type = DAOS_OT_MULTI_HASHED, .class = OC_S1},
	{.type = DAOS_OT_KV_HASHED, .class = OC_S1, .is_kv = true},
	{.type = DAOS_OT_MULTI_LEXICAL, .class = OC_SX},
	{.type = DAOS_OT_KV_LEXICAL, .class = OC_SX, .is_kv = true},
	{.type = DAOS_OT_MULTI_UINT64,
	 .class = OC_S2,
	 .integer_dkeys = true,
	 .integer_akeys = true},
	{.type = DAOS_OT_KV_UINT64, .class = OC_S2, .is_kv = true, .integer_dkeys = true},
	{.type = DAOS_OT_DKEY_LEXICAL, .class = OC_S1},
	{.type = DAOS_OT_DKEY_UINT64, .class = OC_SX, .integer_dkeys = true},
	{.type = DAOS_OT_AKEY_UINT64, .class = OC_S4, .integer_akeys = true},
	{.type = DAOS_OT_AKEY_LEXICAL, .class = OC_S2},
	{.type = DAOS_OT_MULTI_HASHED, .class = OC_SX, .is_kv = true},
};

/* ------------------------------------------------ names */

/* Short, beyond what records hold inline, and beyond what positions hold. */
static const uint32_t key_lengths[] = {0, 17, 0, 100, 0, 600, 16};

uint32_t
values_cell_key(const struct cell *cell, uint8_t key[CELL_KEY_MAX])
{
	uint32_t length, wanted;

	/* Integer pairs have eight characters: their names are texts. */
	if (cell->object->kind->integer_dkeys && !cell->object->kind->is_kv) {
		store_u64(key, cell->number % 3 == 2 ? UINT64_MAX - cell->number : cell->number);
		return sizeof(uint64_t);
	}
	length = (uint32_t)snprintf((char *)key, CELL_KEY_MAX, "k%07u", cell->number);
	if (cell->object->kind->integer_dkeys)
		return length;
	wanted = key_lengths[cell->number % ARRAY_SIZE(key_lengths)];
	for (; length < wanted; length++)
		key[length] = cell->object->kind->is_kv ? '~' : (uint8_t)(length * 37);
	key[length] = '\0';
	return length;
}

daos_key_t
values_slot_key(const struct object_kind *kind, uint32_t slot, uint64_t *integer)
{
	static const uint64_t integers[SLOTS] = {0, 1, UINT64_C(1) << 40, UINT64_MAX};
	static const struct {
		const char *bytes;
		uint32_t length;
	} names[SLOTS] = {
		{"a", 1}, {"a\0", 2}, {"a longer name than fits inline", 30}, {"\xff", 1}};
	daos_key_t key;

	*integer = integers[slot];
	if (kind->integer_akeys)
		d_iov_set(&key, integer, sizeof(*integer));
	else
		d_iov_set(&key, (void *)(uintptr_t)names[slot].bytes, names[slot].length);
	return key;
}

uint64_t
values_slot_place(const struct values_model *model, const struct cell *cell, uint32_t slot)
{
	uint64_t server = hash_combine(hash_text("values"), server_number(model->server));

	return hash_combine(hash_combine(server, cell->object->number),
			    hash_combine(cell->number, slot));
}

/* ------------------------------------------------ histories */

void
values_history_add(struct history *history, const struct register_operation *operation)
{
	if (history->count == history->room) {
		history->room = history->room ? history->room * 2 : 16;
		history->operations =
			sim_grow(history->operations, history->room * sizeof(*history->operations));
	}
	history->operations[history->count++] = *operation;
}

/* ------------------------------------------------ fresh cells and objects */

/* More would make the search for an order long. */
#define UNKNOWN_MAX 6u
#define OBJECT_UNKNOWN_MAX 2u
#define CELL_OPERATIONS_MAX 500u
#define OBJECT_PUNCHES_MAX 40u

static struct object *
object_make(struct values_model *model, const struct object_kind *kind)
{
	struct object *object = sim_take(sizeof(*object));

	object->kind = kind;
	object->number = model->object_count;
	model->objects =
		sim_grow(model->objects, (model->object_count + 1) * sizeof(struct object *));
	model->objects[model->object_count++] = object;
	return object;
}

static struct cell *
cell_make(struct values_model *model, struct object *object)
{
	struct cell *cell = sim_take(sizeof(*cell));

	cell->object = object;
	cell->number = model->cell_count;
	model->cells = sim_grow(model->cells, (model->cell_count + 1) * sizeof(struct cell *));
	model->cells[model->cell_count++] = cell;
	return cell;
}

static bool
object_is_worn(const struct object *object)
{
	return object->punches.unknown > OBJECT_UNKNOWN_MAX ||
	       object->punches.count > OBJECT_PUNCHES_MAX;
}

static bool
cell_is_worn(const struct cell *cell)
{
	return object_is_worn(cell->object) || cell->history.unknown > UNKNOWN_MAX ||
	       cell->history.count > CELL_OPERATIONS_MAX;
}

void
values_freshen(struct values_model *model)
{
	for (uint32_t i = 0; i < model->active_count; i++) {
		uint32_t kind = (uint32_t)(model->active[i]->object->kind - object_kinds);

		if (!cell_is_worn(model->active[i]))
			continue;
		if (object_is_worn(model->active_objects[kind]))
			model->active_objects[kind] = object_make(model, &object_kinds[kind]);
		model->active[i] = cell_make(model, model->active_objects[kind]);
	}
}

void
values_fill(struct values_model *model, uint32_t active_count)
{
	model->active = sim_take(active_count * sizeof(struct cell *));
	model->active_count = active_count;
	for (uint32_t i = 0; i < OBJECT_KINDS; i++)
		model->active_objects[i] = object_make(model, &object_kinds[i]);
	for (uint32_t i = 0; i < active_count; i++)
		model->active[i] = cell_make(model, model->active_objects[i % OBJECT_KINDS]);
}

/* ------------------------------------------------ judgement */

#define STATES_MAX 400000u

/*
 * A punch of the whole object is a removal of all slots of each of its cells. That it was refused
 * says that none of them was there; that it was not says nothing of a single one.
 */
static void
add_punches(const struct cell *cell, struct history *whole)
{
	const struct history *punches = &cell->object->punches;

	for (uint32_t i = 0; i < punches->count; i++) {
		struct register_operation punch = punches->operations[i];

		if (cell->history.count == 0 || punch.end < cell->history.operations[0].begin)
			continue;
		punch.any_present = punch.any_present && punch.outcome == REGISTER_NONEXIST;
		values_history_add(whole, &punch);
	}
}

/* For whoever runs the seed again. */
static void
tell_history(const struct history *whole)
{
	char text[400];

	for (uint32_t i = 0; i < whole->count; i++) {
		register_print(&whole->operations[i], text, sizeof(text));
		fprintf(stderr, "  %s\n", text);
	}
}

void
values_cell_judge(struct values_model *model, const struct cell *cell)
{
	const struct register_operation *stranger;
	enum register_verdict verdict;
	struct history whole = {0};
	char text[4096] = "";

	for (uint32_t i = 0; i < cell->history.count; i++)
		values_history_add(&whole, &cell->history.operations[i]);
	add_punches(cell, &whole);
	stranger = register_stranger(whole.operations, whole.count);
	if (stranger) {
		register_print(stranger, text, sizeof(text));
		sim_violation(model->sim, "cell %u of object %u: nobody wrote what was read: %s",
			      cell->number, cell->object->number, text);
	} else if (!server_may_roll_back(model->server)) {
		verdict = register_check(whole.operations, whole.count, STATES_MAX, text,
					 sizeof(text));
		if (verdict != REGISTER_GOOD)
			tell_history(&whole);
		if (verdict == REGISTER_BAD)
			sim_violation(model->sim, "cell %u of object %u (type %d) of server %u: %s",
				      cell->number, cell->object->number,
				      (int)cell->object->kind->type, server_number(model->server),
				      text);
		else if (verdict == REGISTER_UNDECIDED)
			sim_undecided(model->sim, "the %u operations of cell %u are too many",
				      whole.count, cell->number);
	}
	free(whole.operations);
}
