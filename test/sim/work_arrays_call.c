/* SPDX-License-Identifier: BSD-2-Clause-Patent */
/* Making a call, and what its outcome tells. */
#include "sim/work_arrays.h"

/* ------------------------------------------------ making it */

static int
launch_array(struct call *call, daos_event_t *event)
{
	daos_handle_t th = DAOS_TX_NONE;

	switch (call->operation) {
	case ARRAYS_READ:
		return daos_array_read(call->handle, th, &call->array_iod, &call->sgls[0], event);
	case ARRAYS_WRITE:
		return daos_array_write(call->handle, th, &call->array_iod, &call->sgls[0], event);
	case ARRAYS_PUNCH:
		return daos_array_punch(call->handle, th, &call->array_iod, event);
	case ARRAYS_GET_SIZE:
		return daos_array_get_size(call->handle, th, &call->size, event);
	case ARRAYS_STAT:
		return daos_array_stat(call->handle, th, &call->status, event);
	case ARRAYS_SET_SIZE:
		return daos_array_set_size(call->handle, th, call->size, event);
	case ARRAYS_DESTROY:
		return daos_array_destroy(call->handle, th, event);
	default:
		return -DER_INVAL;
	}
}

static int
launch_object(struct call *call, daos_event_t *event)
{
	daos_handle_t th = DAOS_TX_NONE;
	uint32_t count = call->line_count;
	/* Half of the fetches ask where data is. */
	daos_iom_t *ioms = call->begin % 2 ? call->ioms : NULL;

	switch (call->operation) {
	case ARRAYS_FETCH:
		return daos_obj_fetch(call->handle, th, 0, &call->dkeys[0], count, call->iods,
				      call->sgls, ioms, event);
	case ARRAYS_UPDATE:
	case ARRAYS_PUNCH_RECORDS:
		return daos_obj_update(call->handle, th, 0, &call->dkeys[0], count, call->iods,
				       call->sgls, event);
	case ARRAYS_PUNCH_AKEYS:
		return daos_obj_punch_akeys(call->handle, th, 0, &call->dkeys[0], count,
					    call->akeys, event);
	case ARRAYS_PUNCH_DKEYS:
		return daos_obj_punch_dkeys(call->handle, th, 0, call->dkey_count, call->dkeys,
					    event);
	case ARRAYS_PUNCH_OBJECT:
		return daos_obj_punch(call->handle, th, 0, event);
	case ARRAYS_QUERY:
		return daos_obj_query_key(call->handle, th, call->flags, &call->dkeys[0],
					  &call->akeys[0], &call->edge, event);
	case ARRAYS_EPOCH:
		return daos_obj_query_max_epoch(call->handle, th, &call->epoch, event);
	case ARRAYS_LIST:
		return daos_obj_list_recx(call->handle, th, &call->dkeys[0], &call->akeys[0],
					  &call->size, &call->listed, call->maps[0], call->epochs,
					  &call->anchor, true, event);
	default:
		return -DER_INVAL;
	}
}

int
call_launch(struct call *call, daos_event_t *event)
{
	call->busy = true;
	return call->sheet->kind->is_array ? launch_array(call, event) : launch_object(call, event);
}

/* ------------------------------------------------ what was seen */

static struct extents_operation
look_of(struct arrays_actor *arrays, const struct call *call)
{
	return (struct extents_operation){
		.begin = call->begin,
		.end = actor_time(arrays->actor),
		.actor = arrays->actor->number,
		.kind = EXTENTS_LOOK,
		.done = true,
		.torn = call->torn,
	};
}

static void
look_add(const struct call *call, const struct extents_operation *look)
{
	(void)extents_add(&call->sheet->histories[call->dkey], look);
}

static void
complain(struct arrays_actor *arrays, const struct call *call, uint32_t at, uint64_t index,
	 const char *what)
{
	sim_violation(arrays->model->sim,
		      "sheet %u (kind %u), dkey %u, line %u, cell %llu: %s, in %s of actor %u at "
		      "%llu",
		      call->sheet->number, (uint32_t)(call->sheet->kind - sheet_kinds), call->dkey,
		      call->lines[at], (unsigned long long)index, what,
		      arrays->actor->workload->operations[call->operation], arrays->actor->number,
		      (unsigned long long)call->begin);
}

/* The cells of a line as the buffers show them. */
static void
take_line(struct arrays_actor *arrays, const struct call *call, uint32_t at,
	  struct extents_operation *look)
{
	const struct sheet *sheet = call->sheet;
	uint32_t line = call->lines[at];
	struct cells cells = {
		.bytes = call->bytes[at],
		.cell_size = sheet->kind->cell_sizes[line],
		.place = line_place(arrays->model, sheet, call->dkey, line),
		.line = line,
		.history = &sheet->histories[call->dkey],
	};

	for (uint32_t i = 0; i < call->range_count[at]; i++) {
		uint64_t index;

		cells.index = call->ranges[at][i].rx_idx;
		cells.count = call->ranges[at][i].rx_nr;
		cells.group = sheet->kind->is_array ? i : 0;
		if (!cells_identify(&cells, look, &index)) {
			complain(arrays, call, at, index, "bytes that nobody wrote there");
			return;
		}
		cells.bytes += cells.count * cells.cell_size;
	}
}

static void
take_hole(const struct call *call, uint32_t at, struct extents_operation *look)
{
	for (uint32_t i = 0; i < call->range_count[at]; i++) {
		struct extents_run run = {.index = call->ranges[at][i].rx_idx,
					  .count = call->ranges[at][i].rx_nr,
					  .line = call->lines[at]};

		extents_add_run(look, run);
	}
}

/* The last change of an object never comes to lie earlier, unless the object is gone. */
static void
take_epoch(struct arrays_actor *arrays, const struct call *call, uint64_t epoch)
{
	if (epoch != 0 && !server_may_roll_back(arrays->model->server) &&
	    !sheet_epoch(call->sheet, call->begin, actor_time(arrays->actor), epoch))
		complain(arrays, call, 0, epoch, "an epoch that is older than one known before");
}

/* ------------------------------------------------ arrays */

/* Where a read of one range ended before it tells the size, or that it ends before the range. */
static void
take_short_read(struct arrays_actor *arrays, const struct call *call)
{
	struct extents_operation look = look_of(arrays, call);
	uint64_t missing = call->array_iod.arr_nr_short_read, cells = 0;
	uint64_t end = call->array_ranges[0].rg_idx + call->array_ranges[0].rg_len;
	struct extents_run gone = {.index = end - missing, .count = EXTENTS_ENDLESS};

	for (uint32_t i = 0; i < call->array_iod.arr_nr; i++)
		cells += call->array_ranges[i].rg_len;
	if (call->array_iod.arr_nr_read + missing != cells)
		complain(arrays, call, 0, end, "cells read and cells missing are not all");
	if (missing == 0 || call->array_iod.arr_nr != 1)
		return;
	look.torn = false;
	if (missing < cells) {
		look.kind = EXTENTS_SIZE;
		look.size = end - missing;
	} else {
		extents_add_run(&look, gone);
	}
	look_add(call, &look);
}

static void
take_array(struct arrays_actor *arrays, const struct call *call)
{
	struct extents_operation look = look_of(arrays, call);

	if (call->operation == ARRAYS_READ) {
		take_line(arrays, call, 0, &look);
		look_add(call, &look);
		take_short_read(arrays, call);
	} else if (call->operation == ARRAYS_GET_SIZE || call->operation == ARRAYS_STAT) {
		look.kind = EXTENTS_SIZE;
		look.size = call->operation == ARRAYS_STAT ? call->status.st_size : call->size;
		look_add(call, &look);
		if (call->operation == ARRAYS_STAT)
			take_epoch(arrays, call, call->status.st_max_epoch);
		if (call->operation == ARRAYS_STAT && look.size > 0 &&
		    call->status.st_max_epoch == 0)
			complain(arrays, call, 0, look.size, "a size without an epoch");
	}
}

/* ------------------------------------------------ akeys */

/* Cells of [index, index + count) that a map says hold data. */
static uint64_t
mapped_cells(const daos_iom_t *map, uint64_t index, uint64_t count)
{
	uint64_t cells = 0;

	for (uint32_t i = 0; i < map->iom_nr_out; i++) {
		const daos_recx_t *recx = &map->iom_recxs[i];
		uint64_t from = max_of(recx->rx_idx, index);
		uint64_t to = min_of(recx->rx_idx + recx->rx_nr, index + count);

		cells += to > from ? to - from : 0;
	}
	return cells;
}

/* The map must say of each cell what its bytes say. Zeros are never written here. */
static void
take_map(struct arrays_actor *arrays, const struct call *call, uint32_t at, uint32_t first,
	 const struct extents_operation *look)
{
	const daos_iom_t *map = &call->ioms[at];

	if (call->begin % 2 == 0 || map->iom_nr_out > map->iom_nr)
		return;
	for (uint32_t i = first; i < look->run_count; i++) {
		const struct extents_run *run = &look->runs[i];
		uint64_t wanted = run->write == EXTENTS_HOLE ? 0 : run->count;

		if (mapped_cells(map, run->index, run->count) != wanted)
			complain(arrays, call, at, run->index, "the map contradicts the bytes");
	}
}

static void
take_fetched(struct arrays_actor *arrays, const struct call *call)
{
	struct extents_operation look = look_of(arrays, call);

	for (uint32_t at = 0; at < call->line_count; at++) {
		uint32_t first = look.run_count, line = call->lines[at];
		uint64_t size = call->iods[at].iod_size;

		if (size == 0)
			take_hole(call, at, &look);
		else if (size == call->sheet->kind->cell_sizes[line])
			take_line(arrays, call, at, &look);
		else
			complain(arrays, call, at, size, "records of another size");
		for (uint32_t i = first; i < look.run_count; i++)
			if (look.runs[i].write == EXTENTS_ZERO)
				look.runs[i].write = EXTENTS_HOLE;
		take_map(arrays, call, at, first, &look);
	}
	look_add(call, &look);
}

static void
see_cells(struct extents_operation *look, uint32_t line, uint64_t from, uint64_t count,
	  uint64_t write)
{
	struct extents_run run = {.index = from, .count = count, .write = write, .line = line};

	if (count > 0)
		extents_add_run(look, run);
}

static void
take_edge(struct arrays_actor *arrays, const struct call *call, bool nothing)
{
	struct extents_operation look = look_of(arrays, call);
	uint64_t from = call->edge.rx_idx, end = from + call->edge.rx_nr;
	uint32_t line = call->lines[0];

	if (nothing) {
		see_cells(&look, line, 0, EXTENTS_ENDLESS, EXTENTS_HOLE);
	} else {
		see_cells(&look, line, from, end - from, EXTENTS_DATA);
		if (call->is_last)
			see_cells(&look, line, end, EXTENTS_ENDLESS, EXTENTS_HOLE);
		else
			see_cells(&look, line, 0, from, EXTENTS_HOLE);
	}
	look_add(call, &look);
}

/* Extents ascend; between them are holes, and behind the last of all. A list is made page by
 * page. */
static void
take_list(struct arrays_actor *arrays, struct call *call)
{
	struct extents_operation look = look_of(arrays, call);
	uint32_t line = call->lines[0];
	uint64_t done = 0;

	look.torn = true;
	for (uint32_t i = 0; i < call->listed; i++) {
		const daos_recx_t *recx = &call->maps[0][i];

		if (recx->rx_idx < done || recx->rx_nr == 0)
			complain(arrays, call, 0, recx->rx_idx, "a list of extents goes back");
		see_cells(&look, line, done, recx->rx_idx - min_of(done, recx->rx_idx),
			  EXTENTS_HOLE);
		see_cells(&look, line, recx->rx_idx, recx->rx_nr, EXTENTS_DATA);
		done = recx->rx_idx + recx->rx_nr;
	}
	if (daos_anchor_is_eof(&call->anchor))
		see_cells(&look, line, done, EXTENTS_ENDLESS, EXTENTS_HOLE);
	look_add(call, &look);
}

static void
take(struct arrays_actor *arrays, struct call *call, bool nothing)
{
	if (call->sheet->kind->is_array)
		take_array(arrays, call);
	else if (call->operation == ARRAYS_FETCH)
		take_fetched(arrays, call);
	else if (call->operation == ARRAYS_QUERY)
		take_edge(arrays, call, nothing);
	else if (call->operation == ARRAYS_LIST)
		take_list(arrays, call);
	else if (call->operation == ARRAYS_EPOCH)
		take_epoch(arrays, call, call->epoch);
}

/* ------------------------------------------------ outcomes */

#define MANY_RANGES 4u

/* One request is all or nothing; an array's operation is several of them. */
static void
settle(struct arrays_actor *arrays, const struct call *call, enum outcome outcome)
{
	uint64_t end = call->history_count > 0 ? actor_time(arrays->actor) : 0;
	bool alone = !call->sheet->kind->is_array && call->operation != ARRAYS_PUNCH_OBJECT &&
		     call->dkey_count == 1;

	for (uint32_t i = 0; i < call->history_count; i++) {
		struct extents_operation *change =
			&call->histories[i]->operations[call->entries[i]];

		if (outcome == OUTCOME_OK) {
			change->done = true;
			change->end = end;
		} else if (outcome == OUTCOME_FAILED && alone) {
			change->kind = EXTENTS_VOID;
		}
	}
	if (call->metadata != UINT32_MAX && outcome == OUTCOME_OK) {
		struct register_operation *removal =
			&call->sheet->metadata.operations[call->metadata];

		removal->outcome = REGISTER_DONE;
		removal->end = end;
	}
}

/* Codes that nothing done here can be answered with. */
static bool
is_strange(const struct arrays_actor *arrays, const struct call *call, int rc)
{
	/* A log of the least sizes has no room for more than one extent over many others. */
	uint32_t many =
		plan_knob(sim_plan(arrays->model->sim), KNOB_LOG_SIZE) > 2u << 20 ? MANY_RANGES : 1;
	static const int codes[] = {
		-DER_INVAL,   -DER_EXIST,    -DER_NONEXIST, -DER_NO_PERM,
		-DER_KEY2BIG, -DER_OVERFLOW, -DER_MISMATCH, -DER_TRUNC,
	};
	uint32_t ranges = 0;

	for (size_t i = 0; i < ARRAY_SIZE(codes); i++)
		if (codes[i] == rc)
			return true;
	for (uint32_t at = 0; at < call->line_count; at++)
		ranges += call->range_count[at];
	/* A small log has no room for the redo of many extents at once. */
	return rc == -DER_REC2BIG && ranges <= many;
}

void
call_finish(struct arrays_actor *arrays, struct call *call, int rc)
{
	bool nothing = call->operation == ARRAYS_QUERY && rc == -DER_NONEXIST;
	enum outcome outcome;

	call->busy = false;
	outcome = actor_done(arrays->actor, call->operation, nothing ? 0 : rc);
	if (outcome == OUTCOME_FAILED && is_strange(arrays, call, rc)) {
		sim_violation(arrays->model->sim, "%s on sheet %u (kind %u) ended with %s (%s)",
			      arrays->actor->workload->operations[call->operation],
			      call->sheet->number, (uint32_t)(call->sheet->kind - sheet_kinds),
			      error_name(rc), error_text(rc));
		return;
	}
	settle(arrays, call, outcome);
	if (outcome == OUTCOME_OK)
		take(arrays, call, nothing);
}
