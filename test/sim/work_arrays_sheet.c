/* SPDX-License-Identifier: BSD-2-Clause-Patent */
/* The sheets of the workload "arrays": their kinds, names, lives, and judgement. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "sim/work_arrays.h"

#define FAR (UINT64_C(1) << 40)
#define FARTHEST (UINT64_C(1) << 63)
#define MEBI (UINT64_C(1) << 20)

/* Chunks of one cell, of odd sizes, of powers of two; cells that fill a block and that do not. */
const struct sheet_kind sheet_kinds[SHEET_KINDS] = {
	{DAOS_OT_ARRAY, OC_S1, .is_array = true, .cell_sizes = {1}, .chunk = 4096, .span = 12000},
	{DAOS_OT_MULTI_HASHED, OC_S1, .dkeys = 2, .cell_sizes = {1, 8, 24}, .span = 9000},
	{DAOS_OT_ARRAY_ATTR, OC_SX, .is_array = true, .cell_sizes = {8}, .chunk = 7, .span = 80},
	{DAOS_OT_DKEY_UINT64, OC_SX, .dkeys = 3, .integer_dkeys = true, .cell_sizes = {24, 1, 8},
	 .base = FAR, .span = 400},
	{DAOS_OT_ARRAY, OC_SX, .is_array = true, .cell_sizes = {24}, .chunk = 1, .span = 20},
	{DAOS_OT_ARRAY_ATTR, OC_S1, .is_array = true, .cell_sizes = {8}, .chunk = 997,
	 .base = FAR - 500, .span = 3000},
	{DAOS_OT_AKEY_UINT64, OC_S1, .dkeys = 1, .integer_akeys = true, .cell_sizes = {1, 1, 1},
	 .base = FARTHEST - 3000, .span = 6000},
	{DAOS_OT_ARRAY_BYTE, OC_SX, .is_array = true, .cell_sizes = {1}, .chunk = 65536,
	 .base = FARTHEST - 70000, .span = 150000},
	{DAOS_OT_MULTI_LEXICAL, OC_S2, .dkeys = 2, .cell_sizes = {8, 24, 5000}, .span = 300},
	{DAOS_OT_ARRAY, OC_S2, .is_array = true, .cell_sizes = {1}, .chunk = 4 * MEBI + 8,
	 .span = 9 * MEBI, .most = 4 * MEBI},
	{DAOS_OT_MULTI_UINT64, OC_S1, .dkeys = 1, .integer_dkeys = true, .integer_akeys = true,
	 .cell_sizes = {1, 8, 4096}, .span = 6 * MEBI, .most = 4 * MEBI},
	{DAOS_OT_ARRAY, OC_S1, .is_array = true, .cell_sizes = {1000}, .chunk = 16, .span = 90},
};

/* All lines of an object have about as many bytes, and none too few cells. */
uint64_t
line_span(const struct sheet_kind *kind, uint32_t line)
{
	uint64_t bytes = kind->span * kind->cell_sizes[0];

	if (kind->is_array || line == 0)
		return kind->span;
	return max_of(bytes / kind->cell_sizes[line], UINT64_C(24));
}

/* ------------------------------------------------ names */

static daos_key_t
key_make(bool integer, const char *prefix, uint32_t number, char name[24], uint64_t *value)
{
	daos_key_t key;

	if (integer) {
		*value = number;
		d_iov_set(&key, value, sizeof(*value));
	} else {
		d_iov_set(&key, name, (size_t)snprintf(name, 24, "%s-%u", prefix, number));
	}
	return key;
}

daos_key_t
sheet_dkey(const struct sheet *sheet, uint32_t dkey, char name[24], uint64_t *integer)
{
	return key_make(sheet->kind->integer_dkeys, "dkey", dkey, name, integer);
}

daos_key_t
sheet_akey(const struct sheet *sheet, uint32_t line, char name[24], uint64_t *integer)
{
	return key_make(sheet->kind->integer_akeys, "akey", line, name, integer);
}

/* ------------------------------------------------ lives */

#define WORN 220u

static struct sheet *
sheet_make(struct arrays_model *model, const struct sheet_kind *kind)
{
	struct sheet *sheet = sim_take(sizeof(*sheet));

	sheet->kind = kind;
	sheet->number = model->sheet_count;
	sheet->histories[0].chunk = kind->is_array ? kind->chunk : 0;
	model->sheets = sim_grow(model->sheets, (model->sheet_count + 1) * sizeof(struct sheet *));
	model->sheets[model->sheet_count++] = sheet;
	return sheet;
}

static bool
sheet_is_worn(const struct sheet *sheet)
{
	uint32_t most = sheet->punches.count;

	for (uint32_t i = 0; i < DKEYS_MAX; i++)
		most = max_of(most, sheet->histories[i].count);
	return most > WORN || sheet->metadata.count > WORN / 2;
}

void
model_freshen(struct arrays_model *model)
{
	for (uint32_t i = 0; i < model->active_count; i++)
		if (sheet_is_worn(model->active[i]))
			model->active[i] = sheet_make(model, model->active[i]->kind);
}

/* Which kinds take part, and which of them are met most, differs from seed to seed. */
void
model_fill(struct arrays_model *model, uint32_t active_count)
{
	struct stream stream =
		stream_named(sim_plan(model->sim)->seed, "sheets", server_number(model->server));
	uint32_t kinds[SHEET_KINDS] = {0};

	for (uint32_t i = 0; i < SHEET_KINDS; i++) {
		uint32_t k = (uint32_t)stream_draw(&stream, i + 1);

		kinds[i] = kinds[k];
		kinds[k] = i;
	}
	model->active_count = active_count;
	for (uint32_t i = 0; i < active_count; i++)
		model->active[i] = sheet_make(model, &sheet_kinds[kinds[i % SHEET_KINDS]]);
}

static void
history_free(struct extents_history *history)
{
	for (uint32_t i = 0; i < history->count; i++)
		free(history->operations[i].runs);
	free(history->operations);
}

void
sheet_free(struct sheet *sheet)
{
	for (uint32_t i = 0; i < DKEYS_MAX; i++)
		history_free(&sheet->histories[i]);
	history_free(&sheet->punches);
	free(sheet->metadata.operations);
	free(sheet->epochs);
	free(sheet);
}

bool
sheet_epoch(struct sheet *sheet, uint64_t begin, uint64_t end, uint64_t epoch)
{
	for (uint32_t i = 0; i < sheet->epoch_count; i++)
		if (sheet->epochs[i].end < begin && sheet->epochs[i].epoch > epoch)
			return false;
	if (sheet->epoch_count == sheet->epoch_room) {
		sheet->epoch_room = max_of(sheet->epoch_room * 2, 16u);
		sheet->epochs = sim_grow(sheet->epochs, sheet->epoch_room * sizeof(*sheet->epochs));
	}
	sheet->epochs[sheet->epoch_count++] = (struct epoch_look){end, epoch};
	return true;
}

uint32_t
metadata_add(struct sheet *sheet, const struct register_operation *operation)
{
	struct metadata_history *history = &sheet->metadata;

	if (history->count == history->room) {
		history->room = max_of(history->room * 2, 16u);
		history->operations =
			sim_grow(history->operations, history->room * sizeof(*history->operations));
	}
	history->operations[history->count] = *operation;
	return history->count++;
}

/* ------------------------------------------------ judgement */

#define STATES_MAX 200000u

static void
metadata_judge(struct arrays_model *model, const struct sheet *sheet)
{
	char text[2048] = "";
	enum register_verdict verdict = register_check(
		sheet->metadata.operations, sheet->metadata.count, STATES_MAX, text, sizeof(text));

	if (verdict == REGISTER_BAD)
		sim_violation(model->sim, "the metadata of array %u of server %u: %s",
			      sheet->number, server_number(model->server), text);
	else if (verdict == REGISTER_UNDECIDED)
		sim_undecided(model->sim, "the %u operations on the metadata of array %u are many",
			      sheet->metadata.count, sheet->number);
}

static void
history_judge(struct arrays_model *model, const struct sheet *sheet, uint32_t dkey)
{
	struct extents_history whole = {.chunk = sheet->histories[dkey].chunk};
	char text[3500] = "";
	bool good;

	for (uint32_t i = 0; i < sheet->histories[dkey].count; i++)
		(void)extents_add(&whole, &sheet->histories[dkey].operations[i]);
	for (uint32_t i = 0; i < sheet->punches.count; i++)
		(void)extents_add(&whole, &sheet->punches.operations[i]);
	good = extents_known(&whole, text, sizeof(text));
	if (good && !server_may_roll_back(model->server))
		good = extents_check(&whole, text, sizeof(text));
	if (!good)
		sim_violation(model->sim, "sheet %u (kind %u), dkey %u, of server %u: %s",
			      sheet->number, (uint32_t)(sheet->kind - sheet_kinds), dkey,
			      server_number(model->server), text);
	free(whole.operations);
}

void
sheet_judge(struct arrays_model *model, const struct sheet *sheet)
{
	for (uint32_t i = 0; i < DKEYS_MAX; i++)
		if (sheet->histories[i].count > 0)
			history_judge(model, sheet, i);
	if (sheet->metadata.count > 0 && !server_may_roll_back(model->server))
		metadata_judge(model, sheet);
}
