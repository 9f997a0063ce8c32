/* SPDX-License-Identifier: BSD-2-Clause-Patent */
/* Arrays: a run of cells of one size, cut into chunks over the dkeys of an object. */
#ifndef __DAOS_ARRAY_H__
#define __DAOS_ARRAY_H__

#include <daos_obj.h>
#include <daos_obj_class.h>
#include <daos_types.h>

#if defined(__cplusplus)
extern "C" {
#endif

/** Most ranges of one read or write, when they are shorter than the second number of cells. */
#define DAOS_ARRAY_LIST_IO_LIMIT	16384
#define DAOS_ARRAY_RG_LEN_THD		16

/** A run of cells. */
typedef struct {
	daos_off_t rg_idx; /**< first cell */
	daos_size_t rg_len; /**< number of cells */
} daos_range_t;

/** What to read or write of an array. */
typedef struct {
	daos_size_t arr_nr; /**< number of ranges */
	daos_range_t *arr_rgs;
	daos_size_t arr_nr_short_read; /**< output: cells beyond the end */
	daos_size_t arr_nr_read; /**< output: cells read */
} daos_array_iod_t;

typedef struct {
	daos_size_t st_size;
	daos_epoch_t st_max_epoch; /**< newest change */
} daos_array_stbuf_t;

/**
 * An object id for an array. With add_attr, cell and chunk size are stored in the object;
 * without, whoever opens it gives them (daos_array_open_with_attr).
 */
static inline int
daos_array_generate_oid(daos_handle_t coh, daos_obj_id_t *oid, bool add_attr, daos_oclass_id_t cid,
			daos_oclass_hints_t hints, uint32_t args)
{
	return daos_obj_generate_oid(coh, oid, add_attr ? DAOS_OT_ARRAY : DAOS_OT_ARRAY_ATTR, cid,
				     hints, args);
}

/** Create an array object with cell and chunk size written as metadata, and open it. */
int daos_array_create(daos_handle_t coh, daos_obj_id_t oid, daos_handle_t th,
		      daos_size_t cell_size, daos_size_t chunk_size, daos_handle_t *oh,
		      daos_event_t *ev);

/**
 * Opens an array and reads back its cell and chunk size; fails when the object is not an
 * array.
 */
int daos_array_open(daos_handle_t coh, daos_obj_id_t oid, daos_handle_t th, unsigned int mode,
		    daos_size_t *cell_size, daos_size_t *chunk_size, daos_handle_t *oh,
		    daos_event_t *ev);

/** Open without metadata; caller supplies cell/chunk (no server round trip). */
int daos_array_open_with_attr(daos_handle_t coh, daos_obj_id_t oid, daos_handle_t th,
			      unsigned int mode, daos_size_t cell_size, daos_size_t chunk_size,
			      daos_handle_t *oh, daos_event_t *ev);

/** Serialises an array handle; iov_buf NULL asks for the size. */
int daos_array_local2global(daos_handle_t oh, d_iov_t *glob);

/** Rebuilds an array handle in another process. */
int daos_array_global2local(daos_handle_t coh, d_iov_t glob, unsigned int mode, daos_handle_t *oh);

/** Closes an array. */
int daos_array_close(daos_handle_t oh, daos_event_t *ev);

/**
 * Gather ranges into sgl; holes come back as zero; iod reports short-read hint and records
 * read.
 */
int daos_array_read(daos_handle_t oh, daos_handle_t th, daos_array_iod_t *iod, d_sg_list_t *sgl,
		    daos_event_t *ev);

/** Scatter sgl to ranges. */
int daos_array_write(daos_handle_t oh, daos_handle_t th, daos_array_iod_t *iod, d_sg_list_t *sgl,
		     daos_event_t *ev);

/** Highest written index + 1 (query over all shards). */
int daos_array_get_size(daos_handle_t oh, daos_handle_t th, daos_size_t *size, daos_event_t *ev);

/** Size plus max modification epoch. */
int daos_array_stat(daos_handle_t oh, daos_handle_t th, daos_array_stbuf_t *stbuf,
		    daos_event_t *ev);

/** Truncate or extend logically. */
int daos_array_set_size(daos_handle_t oh, daos_handle_t th, daos_size_t size, daos_event_t *ev);

/** Punches the whole array; the handle must still be closed. */
int daos_array_destroy(daos_handle_t oh, daos_handle_t th, daos_event_t *ev);

/** Punch ranges (make holes). */
int daos_array_punch(daos_handle_t oh, daos_handle_t th, daos_array_iod_t *iod, daos_event_t *ev);

/** Local: chunk and cell size of the handle. */
int daos_array_get_attr(daos_handle_t oh, daos_size_t *chunk_size, daos_size_t *cell_size);

/** Local: override the chunk size kept in the handle. */
int daos_array_update_chunk_size(daos_handle_t oh, daos_size_t chunk_size);

#if defined(__cplusplus)
}
#endif

#endif /* __DAOS_ARRAY_H__ */
