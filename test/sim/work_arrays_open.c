/* SPDX-License-Identifier: BSD-2-Clause-Patent */
/* Handles of sheets: opening, creating, handing through a global form; and what they tell of an
 * array's metadata. */
#include <stdlib.h>

#include "sim/work_arrays.h"

#define METADATA_SIZE 24u
#define ATTEMPTS 4u

/* ------------------------------------------------ metadata */

static enum register_outcome
metadata_outcome(enum outcome outcome, int rc, bool reads)
{
	if (outcome == OUTCOME_OK)
		return REGISTER_DONE;
	if (outcome == OUTCOME_UNKNOWN)
		return reads ? REGISTER_VOID : REGISTER_UNKNOWN;
	if (rc == -DER_EXIST && !reads)
		return REGISTER_EXIST;
	return rc == -DER_NONEXIST && reads ? REGISTER_NONEXIST : REGISTER_VOID;
}

static void
metadata_done(struct arrays_actor *arrays, struct sheet *sheet, uint32_t entry,
	      enum arrays_operation operation, int rc)
{
	struct register_operation *done;
	enum outcome outcome = actor_done(arrays->actor, operation, rc);
	bool reads = operation == ARRAYS_OPEN;
	enum register_outcome result = metadata_outcome(outcome, rc, reads);

	if (result == REGISTER_VOID && outcome == OUTCOME_FAILED && rc == -DER_INVAL)
		sim_violation(arrays->model->sim, "array %u: %s ended with %d", sheet->number,
			      arrays->actor->workload->operations[operation], rc);
	done = &sheet->metadata.operations[entry];
	done->outcome = (uint8_t)result;
	if (result != REGISTER_UNKNOWN)
		done->end = actor_time(arrays->actor);
}

static uint32_t
metadata_begin(struct arrays_actor *arrays, struct sheet *sheet, bool reads)
{
	struct register_operation operation = {
		.begin = actor_time(arrays->actor),
		.end = REGISTER_NEVER,
		.actor = arrays->actor->number,
		.kind = reads ? REGISTER_SIZE : REGISTER_WRITE,
		.outcome = REGISTER_UNKNOWN,
		.slots = 1,
		.all_absent = !reads,
		.any_present = reads,
		.values = {{reads ? 0 : actor_write_number(arrays->actor), METADATA_SIZE}},
	};

	return metadata_add(sheet, &operation);
}

/* ------------------------------------------------ opening */

static void
check_sizes(struct arrays_actor *arrays, const struct sheet *sheet, uint64_t cell_size,
	    uint64_t chunk_size)
{
	if (cell_size != sheet->kind->cell_sizes[0] || chunk_size != sheet->kind->chunk)
		sim_violation(arrays->model->sim, "array %u has cells of %llu in chunks of %llu",
			      sheet->number, (unsigned long long)cell_size,
			      (unsigned long long)chunk_size);
}

static int
array_open(struct arrays_actor *arrays, struct sheet *sheet, daos_obj_id_t oid,
	   daos_handle_t *ret_handle)
{
	daos_size_t cell_size = 0, chunk_size = 0;
	uint32_t entry = metadata_begin(arrays, sheet, true);
	int rc = daos_array_open(arrays->actor->container, oid, DAOS_TX_NONE, DAOS_OO_RW,
				 &cell_size, &chunk_size, ret_handle, NULL);

	metadata_done(arrays, sheet, entry, ARRAYS_OPEN, rc);
	if (rc == 0)
		check_sizes(arrays, sheet, cell_size, chunk_size);
	return rc;
}

static int
array_create(struct arrays_actor *arrays, struct sheet *sheet, daos_obj_id_t oid,
	     daos_handle_t *ret_handle)
{
	uint32_t entry = metadata_begin(arrays, sheet, false);
	int rc = daos_array_create(arrays->actor->container, oid, DAOS_TX_NONE,
				   sheet->kind->cell_sizes[0], sheet->kind->chunk, ret_handle,
				   NULL);

	metadata_done(arrays, sheet, entry, ARRAYS_CREATE, rc);
	return rc;
}

/* Opens an array, or creates it where there is none, until one of both succeeds. */
static int
array_open_or_create(struct arrays_actor *arrays, struct sheet *sheet, daos_obj_id_t oid,
		     daos_handle_t *ret_handle)
{
	bool create = sheet->metadata.count == 0;
	int rc = -DER_NONEXIST;

	for (uint32_t i = 0; i < ATTEMPTS && (rc == -DER_NONEXIST || rc == -DER_EXIST); i++) {
		rc = create ? array_create(arrays, sheet, oid, ret_handle)
			    : array_open(arrays, sheet, oid, ret_handle);
		create = rc == -DER_NONEXIST;
	}
	return rc;
}

static int
sheet_open(struct arrays_actor *arrays, struct sheet *sheet, daos_handle_t *ret_handle)
{
	const struct sheet_kind *kind = sheet->kind;
	daos_handle_t container = arrays->actor->container;
	daos_obj_id_t oid = {.lo = sheet->number + 1};
	int rc = daos_obj_generate_oid(container, &oid, kind->type, kind->class, 0, 0);

	if (rc)
		return rc;
	if (!kind->is_array)
		return daos_obj_open(container, oid, DAOS_OO_RW, ret_handle, NULL);
	if (kind->type == DAOS_OT_ARRAY)
		return array_open_or_create(arrays, sheet, oid, ret_handle);
	return daos_array_open_with_attr(container, oid, DAOS_TX_NONE, DAOS_OO_RW,
					 kind->cell_sizes[0], kind->chunk, ret_handle, NULL);
}

void
sheet_close(struct arrays_actor *arrays, uint32_t active)
{
	struct sheet *sheet = arrays->open[active].sheet;

	if (sheet && sheet->kind->is_array)
		(void)daos_array_close(arrays->open[active].handle, NULL);
	else if (sheet)
		(void)daos_obj_close(arrays->open[active].handle, NULL);
	arrays->open[active].sheet = NULL;
}

bool
sheet_handle(struct arrays_actor *arrays, uint32_t active, daos_handle_t *ret_handle)
{
	struct sheet *sheet = arrays->model->active[active];

	if (arrays->open[active].sheet != sheet) {
		sheet_close(arrays, active);
		if (sheet_open(arrays, sheet, &arrays->open[active].handle))
			return false;
		arrays->open[active].sheet = sheet;
	}
	*ret_handle = arrays->open[active].handle;
	return true;
}

void
sheet_reopen(struct arrays_actor *arrays, uint32_t active)
{
	daos_handle_t handle;

	sheet_close(arrays, active);
	(void)sheet_handle(arrays, active, &handle);
}

/* ------------------------------------------------ the global form */

static int
through_global(struct arrays_actor *arrays, daos_handle_t handle, daos_handle_t *ret_handle)
{
	d_iov_t global = {0};
	int rc = daos_array_local2global(handle, &global);

	if (rc)
		return rc;
	global.iov_buf = sim_take(global.iov_buf_len);
	rc = daos_array_local2global(handle, &global);
	if (rc == 0)
		rc = daos_array_global2local(arrays->actor->container, global, DAOS_OO_RW,
					     ret_handle);
	free(global.iov_buf);
	return rc;
}

void
sheet_share(struct arrays_actor *arrays, uint32_t active)
{
	daos_size_t chunk_size = 0, cell_size = 0;
	daos_handle_t handle, shared;
	int rc;

	if (!sheet_handle(arrays, active, &handle) || !arrays->open[active].sheet->kind->is_array)
		return;
	rc = through_global(arrays, handle, &shared);
	(void)actor_done(arrays->actor, ARRAYS_SHARE, rc);
	if (rc)
		return;
	if (daos_array_get_attr(shared, &chunk_size, &cell_size) ||
	    daos_array_update_chunk_size(shared, chunk_size))
		sim_violation(arrays->model->sim, "an array's handle has no sizes");
	check_sizes(arrays, arrays->open[active].sheet, cell_size, chunk_size);
	(void)daos_array_close(handle, NULL);
	arrays->open[active].handle = shared;
}
