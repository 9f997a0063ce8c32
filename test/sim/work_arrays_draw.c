/* SPDX-License-Identifier: BSD-2-Clause-Patent */
/* Drawing a call: which ranges, which payload in which buffers, and its entry in the history. */
#include <stdlib.h>
#include <string.h>

#include "sim/work_arrays.h"

/* Payloads above this are for one line. */
#define MAX_SHARED (1024u * 1024)

/* ------------------------------------------------ ranges */

struct ranges {
	struct stream *random;
	uint64_t span, chunk, base;
	uint32_t cell_size;
	uint32_t limit;
	bool aligned; /* to eight cells: it may be torn between any two parts */
	daos_recx_t *ranges;
	uint32_t count;
};

static bool
ranges_meet(const struct ranges *ranges, uint64_t start, uint64_t count)
{
	for (uint32_t i = 0; i < ranges->count; i++)
		if (start < ranges->ranges[i].rx_idx + ranges->ranges[i].rx_nr &&
		    ranges->ranges[i].rx_idx < start + count)
			return true;
	return false;
}

/* Starts, or ends, at the edge of a chunk now and then, or one beside it. */
static uint64_t
draw_start(const struct ranges *ranges, uint64_t count)
{
	uint64_t start = ranges->base + stream_draw(ranges->random, ranges->span - count + 1);
	uint64_t edge, end = ranges->base + ranges->span;

	if (ranges->chunk == 0 || !stream_chance(ranges->random, 35))
		return start;
	edge = start - start % ranges->chunk;
	if (stream_chance(ranges->random, 40))
		edge += ranges->chunk - count % ranges->chunk;
	if (stream_chance(ranges->random, 30))
		edge += stream_draw(ranges->random, 2) ? 1 : UINT64_MAX;
	return edge >= ranges->base && edge <= end - count ? edge : start;
}

/* A range of up to `most` cells that meets none of the others; perhaps none is found. */
static void
draw_range(struct ranges *ranges, uint64_t most)
{
	uint64_t count = stream_scaled(ranges->random, 1, min_of(most, ranges->span));
	uint64_t start;

	if (ranges->cell_size == 1 && count < 8 && ranges->span > 16 &&
	    stream_chance(ranges->random, 85))
		count += 8;
	start = draw_start(ranges, count);
	if (ranges->aligned) {
		start -= start % 8;
		count = align_up(count, 8);
	}
	if (!ranges_meet(ranges, start, count))
		ranges->ranges[ranges->count++] = (daos_recx_t){start, count};
}

/* Many short ones, ascending. */
static void
draw_strides(struct ranges *ranges)
{
	uint64_t count = stream_between(ranges->random, 1, 3) * (ranges->cell_size == 1 ? 8 : 1);
	uint64_t step = count + stream_between(ranges->random, 0, 2 * count);
	uint64_t most = min_of(ranges->cell_size >= 512 ? 8u : RANGES_MAX, ranges->limit);
	uint64_t wanted = stream_between(ranges->random, 2, most);
	uint64_t start = stream_draw(ranges->random, ranges->span);

	while (ranges->count < wanted && start + count <= ranges->span) {
		ranges->ranges[ranges->count++] = (daos_recx_t){ranges->base + start, count};
		start += step;
	}
}

static void
draw_ranges(struct ranges *ranges, uint64_t most_bytes)
{
	uint64_t wanted = 1, most;

	if (stream_chance(ranges->random, 6))
		draw_strides(ranges);
	if (ranges->count > 0)
		return;
	if (stream_chance(ranges->random, 40))
		wanted = stream_between(ranges->random, 2, min_of(6u, ranges->limit));
	most = max_of(most_bytes / wanted / ranges->cell_size, UINT64_C(1));
	while (wanted-- > 0)
		draw_range(ranges, most);
}

/* ------------------------------------------------ sizes of payloads */

static uint64_t
draw_limit(struct arrays_actor *arrays, const struct sheet *sheet, bool reads)
{
	struct arrays_model *model = arrays->model;
	struct stream *random = &arrays->actor->random;
	uint64_t most = sheet->kind->most;

	if (most > 0 && stream_chance(random, 8) && (reads || model->large_left >= most))
		return most;
	if (stream_chance(random, 3))
		return BULK_VALUE + 8192;
	return reads && stream_chance(random, 30) ? 256 * 1024 : model->payload_limit;
}

/* A payload that must reach its limit, so that it goes the way of large ones. */
static bool
take_whole(struct arrays_actor *arrays, struct ranges *ranges, uint64_t limit, bool reads)
{
	uint64_t count = limit / ranges->cell_size, start;

	if (limit < BULK_VALUE || reads || !stream_chance(&arrays->actor->random, 50))
		return false;
	count = min_of(count - stream_draw(&arrays->actor->random, count / 2 + 1), ranges->span);
	if (ranges->aligned)
		count -= count % 8;
	start = draw_start(ranges, count);
	if (ranges->aligned)
		start -= start % 8;
	ranges->ranges[ranges->count++] = (daos_recx_t){start, count};
	return true;
}

static void
draw_line(struct arrays_actor *arrays, struct call *call, uint64_t limit, bool reads)
{
	const struct sheet_kind *kind = call->sheet->kind;
	uint32_t at = call->line_count - 1, line = call->lines[at];
	struct ranges ranges = {
		.random = &arrays->actor->random,
		.span = line_span(kind, line),
		.chunk = kind->chunk,
		.base = kind->base,
		.cell_size = kind->cell_sizes[line],
		.limit = reads ? RANGES_MAX : arrays->model->range_limit,
		.aligned = kind->cell_sizes[line] == 1 && limit > PART_BYTES,
		.ranges = call->ranges[at],
	};

	if (!take_whole(arrays, &ranges, limit, reads))
		draw_ranges(&ranges, limit);
	call->range_count[at] = ranges.count;
}

static uint64_t
line_cells(const struct call *call, uint32_t at)
{
	uint64_t cells = 0;

	for (uint32_t i = 0; i < call->range_count[at]; i++)
		cells += call->ranges[at][i].rx_nr;
	return cells;
}

static uint64_t
line_bytes(const struct call *call, uint32_t at)
{
	return line_cells(call, at) * call->sheet->kind->cell_sizes[call->lines[at]];
}

/* ------------------------------------------------ buffers */

/* One to four of them, of any lengths. */
static void
cut_buffers(struct stream *random, struct call *call, uint32_t at, uint64_t size)
{
	uint32_t wanted = (uint32_t)(stream_chance(random, 50) ? 1 : stream_between(random, 2, 4));
	uint8_t *bytes = call->bytes[at];
	uint32_t count = 0;

	while (size > 0) {
		uint64_t here = count + 1 < wanted ? stream_between(random, 1, size) : size;

		d_iov_set(&call->iovs[at][count++], bytes, here);
		bytes += here;
		size -= here;
	}
	call->sgls[at] = (d_sg_list_t){.sg_nr = count, .sg_iovs = call->iovs[at]};
}

/* Whatever the buffers held before must not pass for what is read now. */
static void
make_room(struct call *call, uint32_t at, uint64_t size, bool reads)
{
	if (call->room[at] < size) {
		free(call->bytes[at]);
		call->bytes[at] = sim_take(size);
		call->room[at] = size;
	}
	if (reads && size > 0)
		memset(call->bytes[at], 0xa5, size);
}

static void
fill_line(struct arrays_actor *arrays, struct call *call, uint32_t at)
{
	uint32_t line = call->lines[at], cell_size = call->sheet->kind->cell_sizes[line];
	struct identity identity = {call->write,
				    line_place(arrays->model, call->sheet, call->dkey, line)};
	uint8_t *bytes = call->bytes[at];

	for (uint32_t i = 0; i < call->range_count[at]; i++) {
		const daos_recx_t *range = &call->ranges[at][i];

		cells_fill(bytes, cell_size, range->rx_idx, range->rx_nr, identity);
		bytes += range->rx_nr * cell_size;
	}
}

static void
prepare_line(struct arrays_actor *arrays, struct call *call, uint32_t at, bool reads)
{
	uint64_t size = call->holes[at] ? 0 : line_bytes(call, at);

	make_room(call, at, size, reads);
	if (!reads && size > 0)
		fill_line(arrays, call, at);
	cut_buffers(&arrays->actor->random, call, at, size);
	if (size > BULK_VALUE + 8192 && !reads)
		arrays->model->large_left -= min_of(size, arrays->model->large_left);
}

/* ------------------------------------------------ what the library is told */

static void
name_dkey(struct call *call, uint32_t dkey)
{
	uint32_t at = call->dkey_count++;

	call->dkeys[at] =
		sheet_dkey(call->sheet, dkey, call->keys[LINES + at], &call->integers[LINES + at]);
}

static void
name_line(struct call *call, uint32_t line)
{
	uint32_t at = call->line_count++;

	call->lines[at] = line;
	call->akeys[at] = sheet_akey(call->sheet, line, call->keys[at], &call->integers[at]);
}

static void
describe_line(struct stream *random, struct call *call, uint32_t at, bool reads)
{
	uint32_t cell_size = call->sheet->kind->cell_sizes[call->lines[at]];

	call->iods[at] = (daos_iod_t){
		.iod_name = call->akeys[at],
		.iod_type = DAOS_IOD_ARRAY,
		.iod_size = cell_size,
		.iod_nr = call->range_count[at],
		.iod_recxs = call->ranges[at],
	};
	if (call->holes[at])
		call->iods[at].iod_size = 0;
	else if (reads && stream_chance(random, 40))
		call->iods[at].iod_size = DAOS_REC_ANY;
	call->ioms[at] = (daos_iom_t){.iom_nr = 4 * RANGES_MAX,
				      .iom_flags = DAOS_IOMF_DETAIL,
				      .iom_recxs = call->maps[at]};
}

static void
describe_array(struct call *call)
{
	for (uint32_t i = 0; i < call->range_count[0]; i++)
		call->array_ranges[i] =
			(daos_range_t){call->ranges[0][i].rx_idx, call->ranges[0][i].rx_nr};
	call->array_iod =
		(daos_array_iod_t){.arr_nr = call->range_count[0], .arr_rgs = call->array_ranges};
}

/* ------------------------------------------------ histories */

static void
enter(struct call *call, struct extents_history *history, const struct extents_operation *operation)
{
	call->histories[call->history_count] = history;
	call->entries[call->history_count++] = extents_add(history, operation);
}

static struct extents_operation
change_of(struct arrays_actor *arrays, const struct call *call, enum extents_kind kind)
{
	return (struct extents_operation){
		.begin = call->begin,
		.end = EXTENTS_NEVER,
		.size = call->size,
		.actor = arrays->actor->number,
		.kind = (uint8_t)kind,
		.torn = call->torn,
	};
}

/* Ranges of an array come one by one, those of akeys together. */
static void
enter_ranges(struct arrays_actor *arrays, struct call *call)
{
	struct extents_operation change = change_of(arrays, call, EXTENTS_CHANGE);
	bool is_array = call->sheet->kind->is_array;

	for (uint32_t at = 0; at < call->line_count; at++) {
		for (uint32_t i = 0; i < call->range_count[at]; i++) {
			struct extents_run run = {
				.index = call->ranges[at][i].rx_idx,
				.count = call->ranges[at][i].rx_nr,
				.write = call->holes[at] ? EXTENTS_HOLE : call->write,
				.line = call->lines[at],
				.group = is_array ? i : 0,
			};

			extents_add_run(&change, run);
		}
	}
	enter(call, &call->sheet->histories[call->dkey], &change);
}

static void
enter_endless(struct arrays_actor *arrays, struct call *call, struct extents_history *history,
	      uint32_t lines)
{
	struct extents_operation change = change_of(arrays, call, EXTENTS_CHANGE);

	for (uint32_t line = 0; line < LINES; line++) {
		struct extents_run run = {.count = EXTENTS_ENDLESS, .line = line};

		if (lines & 1u << line)
			extents_add_run(&change, run);
	}
	enter(call, history, &change);
}

/* ------------------------------------------------ calls on arrays */

static uint64_t
draw_size(struct stream *random, const struct sheet_kind *kind)
{
	uint64_t size = kind->base + stream_draw(random, kind->span + 2);

	if (stream_chance(random, 10))
		return stream_draw(random, 20);
	if (stream_chance(random, 35))
		size = size - size % kind->chunk + stream_draw(random, 3);
	return stream_chance(random, 15) && size > 0 ? size - 1 : size;
}

static void
draw_array_change(struct arrays_actor *arrays, struct call *call)
{
	struct register_operation removal = {
		.end = REGISTER_NEVER,
		.actor = arrays->actor->number,
		.kind = REGISTER_REMOVE,
		.outcome = REGISTER_UNKNOWN,
		.slots = 1,
	};
	struct extents_operation resize;

	if (call->operation == ARRAYS_SET_SIZE)
		call->size = draw_size(&arrays->actor->random, call->sheet->kind);
	call->begin = actor_time(arrays->actor);
	if (call->operation == ARRAYS_SET_SIZE) {
		resize = change_of(arrays, call, EXTENTS_RESIZE);
		enter(call, &call->sheet->histories[0], &resize);
		return;
	}
	enter_endless(arrays, call, &call->sheet->histories[0], 1);
	removal.begin = call->begin;
	if (call->sheet->kind->type == DAOS_OT_ARRAY)
		call->metadata = metadata_add(call->sheet, &removal);
}

static void
draw_array_ranges(struct arrays_actor *arrays, struct call *call)
{
	bool reads = call->operation == ARRAYS_READ;

	call->line_count = 1;
	call->lines[0] = 0;
	call->holes[0] = call->operation == ARRAYS_PUNCH;
	call->write = reads ? 0 : actor_write_number(arrays->actor);
	draw_line(arrays, call, draw_limit(arrays, call->sheet, reads), reads);
	prepare_line(arrays, call, 0, reads);
	describe_array(call);
	/* A punch looks at the size first: what lies beyond was not there then. */
	call->torn = call->holes[0] || line_bytes(call, 0) > PART_BYTES;
	call->begin = actor_time(arrays->actor);
	if (!reads)
		enter_ranges(arrays, call);
}

/* ------------------------------------------------ calls on akeys */

static uint32_t
draw_lines(struct stream *random)
{
	if (stream_chance(random, 40))
		return 1u << stream_draw(random, LINES);
	return (uint32_t)stream_between(random, 1, (1u << LINES) - 1);
}

/* Several lines share the limit; a large payload is for one of them. */
static void
draw_akey_ranges(struct arrays_actor *arrays, struct call *call)
{
	struct stream *random = &arrays->actor->random;
	bool reads = call->operation == ARRAYS_FETCH;
	uint64_t limit = draw_limit(arrays, call->sheet, reads);
	uint32_t lines = draw_lines(random);

	call->write = reads ? 0 : actor_write_number(arrays->actor);
	for (uint32_t line = 0; line < LINES; line++) {
		uint32_t at = call->line_count;

		if (!(lines & 1u << line) || (limit > MAX_SHARED && at > 0))
			continue;
		name_line(call, line);
		call->holes[at] = call->operation == ARRAYS_PUNCH_RECORDS ||
				  (!reads && stream_chance(random, 15));
		draw_line(arrays, call, limit, reads);
		prepare_line(arrays, call, at, reads);
		describe_line(random, call, at, reads);
	}
	call->begin = actor_time(arrays->actor);
	if (!reads)
		enter_ranges(arrays, call);
}

static void
draw_akey_removal(struct arrays_actor *arrays, struct call *call)
{
	struct stream *random = &arrays->actor->random;
	struct sheet *sheet = call->sheet;
	uint32_t lines = (1u << LINES) - 1, other = sheet->kind->dkeys;

	if (call->operation == ARRAYS_PUNCH_AKEYS) {
		lines = draw_lines(random);
		for (uint32_t line = 0; line < LINES; line++)
			if (lines & 1u << line)
				name_line(call, line);
	} else if (call->operation == ARRAYS_PUNCH_DKEYS && stream_chance(random, 30)) {
		other = (uint32_t)stream_draw(random, sheet->kind->dkeys);
	}
	call->begin = actor_time(arrays->actor);
	if (call->operation == ARRAYS_PUNCH_OBJECT) {
		enter_endless(arrays, call, &sheet->punches, lines);
		return;
	}
	enter_endless(arrays, call, &sheet->histories[call->dkey], lines);
	if (other == sheet->kind->dkeys || other == call->dkey)
		return;
	name_dkey(call, other);
	enter_endless(arrays, call, &sheet->histories[other], lines);
}

/* The first or last extent, or a list of them, of one akey. */
static void
draw_question(struct arrays_actor *arrays, struct call *call)
{
	struct stream *random = &arrays->actor->random;

	name_line(call, (uint32_t)stream_draw(random, LINES));
	call->is_last = stream_chance(random, 60);
	call->flags = DAOS_GET_RECX | (call->is_last ? DAOS_GET_MAX : DAOS_GET_MIN);
	call->listed = 4 * RANGES_MAX;
	memset(&call->anchor, 0, sizeof(call->anchor));
	call->begin = actor_time(arrays->actor);
}

/* ------------------------------------------------ the call */

static void
call_init(struct call *call, enum arrays_operation operation, struct sheet *sheet,
	  daos_handle_t handle)
{
	call->operation = operation;
	call->sheet = sheet;
	call->handle = handle;
	call->history_count = 0;
	call->metadata = UINT32_MAX;
	call->write = 0;
	call->torn = false;
	call->line_count = 0;
	call->dkey_count = 0;
	call->dkey = 0;
	call->flags = 0;
	call->size = 0;
	memset(call->lines, 0, sizeof(call->lines));
	memset(call->holes, 0, sizeof(call->holes));
	memset(call->range_count, 0, sizeof(call->range_count));
}

void
call_draw(struct arrays_actor *arrays, enum arrays_operation operation, struct sheet *sheet,
	  daos_handle_t handle, struct call *call)
{
	call_init(call, operation, sheet, handle);
	if (!sheet->kind->is_array) {
		call->dkey = (uint32_t)stream_draw(&arrays->actor->random, sheet->kind->dkeys);
		name_dkey(call, call->dkey);
	}
	switch (operation) {
	case ARRAYS_READ:
	case ARRAYS_WRITE:
	case ARRAYS_PUNCH:
		draw_array_ranges(arrays, call);
		break;
	case ARRAYS_SET_SIZE:
	case ARRAYS_DESTROY:
		draw_array_change(arrays, call);
		break;
	case ARRAYS_FETCH:
	case ARRAYS_UPDATE:
	case ARRAYS_PUNCH_RECORDS:
		draw_akey_ranges(arrays, call);
		break;
	case ARRAYS_PUNCH_AKEYS:
	case ARRAYS_PUNCH_DKEYS:
	case ARRAYS_PUNCH_OBJECT:
		draw_akey_removal(arrays, call);
		break;
	case ARRAYS_QUERY:
	case ARRAYS_LIST:
		draw_question(arrays, call);
		break;
	default:
		call->begin = actor_time(arrays->actor);
	}
}

void
call_read(struct arrays_actor *arrays, struct sheet *sheet, uint32_t dkey, uint32_t line,
	  daos_recx_t range, daos_handle_t handle, struct call *call)
{
	bool is_array = sheet->kind->is_array;

	call_init(call, is_array ? ARRAYS_READ : ARRAYS_FETCH, sheet, handle);
	call->dkey = dkey;
	if (!is_array)
		name_dkey(call, dkey);
	name_line(call, line);
	call->ranges[0][0] = range;
	call->range_count[0] = 1;
	prepare_line(arrays, call, 0, true);
	describe_line(&arrays->actor->random, call, 0, true);
	describe_array(call);
	call->begin = actor_time(arrays->actor);
}
