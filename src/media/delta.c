/* SPDX-License-Identifier: BSD-2-Clause-Patent */
/*
 * Changed lines of a zone, gathered in blocks ("deltas") instead of writing the chunks that they
 * lie in. A zone on disk is its chunks and then its deltas, in order; each chunk says from which
 * delta on they matter to it. A chunk that is written whole leaves its lines in older deltas
 * behind, and when no chunk needs any of them all are given up.
 */
#include "media/private.h"

/* ------------------------------------------------ one block */

bool
delta_add(struct zone_delta *delta, uint32_t chunk, const uint8_t *content, uint64_t *lines)
{
	while (*lines != 0 && delta->count < DELTA_LINES) {
		uint32_t line = (uint32_t)__builtin_ctzll(*lines);

		delta->places[delta->count] = (uint16_t)(chunk * CHUNK_LINES + line);
		memcpy(delta->lines[delta->count++], content + (size_t)line * ZONE_LINE, ZONE_LINE);
		*lines &= *lines - 1;
	}
	return *lines == 0;
}

int
delta_check(const struct zone_delta *delta)
{
	if (delta->count == 0 || delta->count > DELTA_LINES || delta->reserved != 0)
		return -DER_DF_INVAL;
	for (uint32_t i = 0; i < delta->count; i++)
		if (delta->places[i] >= ZONE_CHUNKS * CHUNK_LINES)
			return -DER_DF_INVAL;
	return 0;
}

void
delta_dirty(struct zone *zone, const struct zone_delta *delta)
{
	for (uint32_t i = 0; i < delta->count; i++)
		zone_dirty(zone, delta->places[i] * ZONE_LINE, ZONE_LINE, 0);
}

/* ------------------------------------------------ those of a zone */

void
deltas_apply(struct zone *zone, uint32_t number, const struct zone_delta *delta)
{
	struct zone_deltas *deltas = zone->deltas;

	for (uint32_t i = 0; i < delta->count; i++) {
		uint32_t chunk = delta->places[i] / CHUNK_LINES;

		if (number < deltas->first[chunk])
			continue;
		memcpy(zone->image + (size_t)delta->places[i] * ZONE_LINE, delta->lines[i],
		       ZONE_LINE);
		deltas->behind[chunk / 64] |= UINT64_C(1) << (chunk % 64);
	}
}

bool
deltas_empty(const struct zone_deltas *deltas)
{
	return (deltas->behind[0] | deltas->behind[1] | deltas->behind[2] | deltas->behind[3]) == 0;
}

bool
deltas_ready(struct zone *zone)
{
	if (!zone->deltas)
		zone->deltas = arena_calloc(zone->heap->media->arena, 1, sizeof(*zone->deltas));
	return zone->deltas != NULL;
}

void
deltas_rewrite(struct zone *zone)
{
	for (uint32_t i = 0; i < ZONE_CHUNKS; i++) {
		uint64_t bit = UINT64_C(1) << (i % 64);

		if (((zone->dirty[i / 64] | (zone->deltas ? zone->deltas->behind[i / 64] : 0)) &
		     bit) != 0)
			zone_dirty(zone, i * DISK_BLOCK, DISK_BLOCK, 0);
	}
}
