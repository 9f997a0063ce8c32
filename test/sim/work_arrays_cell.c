/* SPDX-License-Identifier: BSD-2-Clause-Patent */
/*
 * Cells that know who they are. Of 24 bytes and more each is a value of value.c. Of 8 bytes, each
 * is a word: 24 bits of the write, 39 of a hash of write and place. Cells of one byte are the
 * digits of such a word for each aligned eight of them: base 255, none of them 0, so that 0 is a
 * hole.
 */
#include <stdlib.h>
#include <string.h>

#include "sim/work_arrays.h"

#define WORD_WRITE_BITS 24u
#define WORD_HASH_BITS 39u

uint64_t
line_place(const struct arrays_model *model, const struct sheet *sheet, uint32_t dkey,
	   uint32_t line)
{
	return hash_combine(hash_combine(server_number(model->server), sheet->number),
			    dkey * LINES + line);
}

static struct identity
cell_identity(struct identity identity, uint64_t index)
{
	identity.place = hash_combine(identity.place, index);
	return identity;
}

/* Never 0, for numbers of writes are not; the hash is above, so that each digit tells of it. */
static uint64_t
word_make(struct identity identity)
{
	uint64_t hash = hash_combine(identity.write, identity.place) >> (64 - WORD_HASH_BITS);

	ASSERT(identity.write >> WORD_WRITE_BITS == 0);
	return hash << WORD_WRITE_BITS | identity.write;
}

static uint64_t
word_write(uint64_t word)
{
	return word & ((UINT64_C(1) << WORD_WRITE_BITS) - 1);
}

/* ------------------------------------------------ cells of one byte */

/* One byte of a word; eight digits of base 255 hold 63 bits. */
static uint8_t
byte_make(uint64_t word, uint64_t index)
{
	for (uint64_t i = index % 8; i > 0; i--)
		word /= 255;
	return (uint8_t)(word % 255 + 1);
}

static uint64_t
bytes_word(const uint8_t bytes[8])
{
	uint64_t word = 0;

	for (uint32_t i = 8; i-- > 0;)
		word = word * 255 + (uint64_t)(bytes[i] - 1);
	return word;
}

static uint8_t
byte_of(struct identity identity, uint64_t index)
{
	return byte_make(word_make(cell_identity(identity, index / 8)), index);
}

/* ------------------------------------------------ filling */

static void
cell_fill(uint8_t *bytes, uint32_t cell_size, uint64_t index, struct identity identity)
{
	uint64_t word;

	if (cell_size == 1) {
		*bytes = byte_of(identity, index);
	} else if (cell_size == sizeof(word)) {
		word = word_make(cell_identity(identity, index));
		memcpy(bytes, &word, sizeof(word));
	} else {
		value_fill(bytes, cell_size, cell_identity(identity, index));
	}
}

void
cells_fill(uint8_t *bytes, uint32_t cell_size, uint64_t index, uint64_t count,
	   struct identity identity)
{
	for (uint64_t i = 0; i < count; i++)
		cell_fill(bytes + i * cell_size, cell_size, index + i, identity);
}

/* ------------------------------------------------ identifying */

static bool
is_zero(const uint8_t *bytes, size_t size)
{
	for (size_t i = 0; i < size; i++)
		if (bytes[i] != 0)
			return false;
	return true;
}

static void
see_cells(const struct cells *cells, uint64_t index, uint64_t count, uint64_t write,
	  struct extents_operation *look)
{
	struct extents_run run = {.index = index,
				  .count = count,
				  .write = write,
				  .line = cells->line,
				  .group = cells->group};

	extents_add_run(look, run);
}

/* Cells of eight bytes or more. */
static bool
cell_identify(const struct cells *cells, uint64_t index, uint64_t *ret_write)
{
	const uint8_t *bytes = cells->bytes + (index - cells->index) * cells->cell_size;
	struct identity found = {.place = hash_combine(cells->place, index)};
	uint64_t word;

	if (is_zero(bytes, cells->cell_size)) {
		*ret_write = EXTENTS_ZERO;
		return true;
	}
	if (cells->cell_size == sizeof(word)) {
		memcpy(&word, bytes, sizeof(word));
		found.write = word_write(word);
		if (found.write == 0 || word != word_make(found))
			return false;
	} else if (!value_identify(bytes, cells->cell_size, &found) ||
		   found.place != hash_combine(cells->place, index)) {
		return false;
	}
	*ret_write = found.write;
	return true;
}

/* How many of the writes of a history can have left this byte, and one of them. */
static uint32_t
byte_writers(const struct cells *cells, uint64_t index, uint8_t byte, uint64_t *ret_write)
{
	uint32_t found = 0;

	for (uint32_t i = 0; i < cells->history->count; i++) {
		const struct extents_operation *operation = &cells->history->operations[i];

		for (uint32_t k = 0; operation->kind == EXTENTS_CHANGE && k < operation->run_count;
		     k++) {
			const struct extents_run *run = &operation->runs[k];
			struct identity identity = {run->write, cells->place};

			if (run->write == EXTENTS_HOLE || run->line != cells->line ||
			    index - run->index >= run->count || byte_of(identity, index) != byte)
				continue;
			*ret_write = run->write;
			found++;
		}
	}
	return found;
}

/* Bytes that stand alone are those of the only write that can have left them; where there are
 * several, nothing is seen. */
static bool
byte_identify(const struct cells *cells, uint64_t index, struct extents_operation *look)
{
	uint8_t byte = cells->bytes[index - cells->index];
	uint64_t write = EXTENTS_ZERO;
	uint32_t writers = byte == 0 ? 1 : byte_writers(cells, index, byte, &write);

	if (writers == 1)
		see_cells(cells, index, 1, write, look);
	return writers > 0;
}

/* Eight bytes of one write tell which. */
static bool
eight_identify(const struct cells *cells, uint64_t index, struct extents_operation *look)
{
	const uint8_t *bytes = cells->bytes + (index - cells->index);
	struct identity found = {.place = hash_combine(cells->place, index / 8)};
	uint64_t word;

	if (is_zero(bytes, 8)) {
		see_cells(cells, index, 8, EXTENTS_ZERO, look);
		return true;
	}
	if (memchr(bytes, 0, 8) != NULL)
		return false;
	word = bytes_word(bytes);
	found.write = word_write(word);
	if (found.write == 0 || word != word_make(found))
		return false;
	see_cells(cells, index, 8, found.write, look);
	return true;
}

/* Eights that some write covers in part: they may be a mixture that looks like one of them. */
struct mixtures {
	uint64_t *eights; /* ascending */
	uint32_t count, room;
};

static void
mixtures_add(struct mixtures *mixtures, uint64_t edge)
{
	if (edge % 8 == 0)
		return;
	if (mixtures->count == mixtures->room) {
		mixtures->room = max_of(mixtures->room * 2, 64u);
		mixtures->eights =
			sim_grow(mixtures->eights, mixtures->room * sizeof(*mixtures->eights));
	}
	mixtures->eights[mixtures->count++] = edge / 8;
}

static int
compare_numbers(const void *one, const void *other)
{
	const uint64_t *a = one, *b = other;

	return *a < *b ? -1 : *a > *b;
}

static void
mixtures_find(struct mixtures *mixtures, const struct cells *cells)
{
	uint64_t chunk = cells->history->chunk, end = cells->index + cells->count;

	for (uint32_t i = 0; i < cells->history->count; i++) {
		const struct extents_operation *operation = &cells->history->operations[i];

		for (uint32_t k = 0; operation->kind == EXTENTS_CHANGE && k < operation->run_count;
		     k++) {
			mixtures_add(mixtures, operation->runs[k].index);
			mixtures_add(mixtures, operation->runs[k].index + operation->runs[k].count);
		}
	}
	for (uint64_t at = chunk ? cells->index - cells->index % chunk : end; at < end; at += chunk)
		mixtures_add(mixtures, at);
	if (mixtures->count > 0)
		qsort(mixtures->eights, mixtures->count, sizeof(*mixtures->eights),
		      compare_numbers);
}

static bool
is_mixture(const struct mixtures *mixtures, uint64_t index)
{
	uint64_t eight = index / 8;

	return mixtures->count > 0 &&
	       bsearch(&eight, mixtures->eights, mixtures->count, sizeof(eight), compare_numbers);
}

static bool
bytes_identify(const struct cells *cells, struct extents_operation *look, uint64_t *ret_index)
{
	uint64_t index = cells->index, end = cells->index + cells->count;
	struct mixtures mixtures = {0};

	mixtures_find(&mixtures, cells);
	while (index < end) {
		bool whole = index % 8 == 0 && end - index >= 8 && !is_mixture(&mixtures, index);

		if (whole && eight_identify(cells, index, look)) {
			index += 8;
			continue;
		}
		if (!byte_identify(cells, index, look)) {
			*ret_index = index;
			break;
		}
		index++;
	}
	free(mixtures.eights);
	return index >= end;
}

bool
cells_identify(const struct cells *cells, struct extents_operation *look, uint64_t *ret_index)
{
	if (cells->cell_size == 1)
		return bytes_identify(cells, look, ret_index);
	for (uint64_t i = 0; i < cells->count; i++) {
		uint64_t write;

		if (!cell_identify(cells, cells->index + i, &write)) {
			*ret_index = cells->index + i;
			return false;
		}
		see_cells(cells, cells->index + i, 1, write, look);
	}
	return true;
}
