/* SPDX-License-Identifier: BSD-2-Clause-Patent */
/*
 * The inside of the workload "arrays": sheets, which are arrays or the akeys of one dkey that hold
 * extents, what was done to them, and calls that are under way.
 */
#pragma once

#include "sim/check_extents.h"
#include "sim/check_register.h"
#include "sim/memory.h"
#include "sim/sim.h"

#define LINES 3u
/* Ranges of a call, on each line. */
#define RANGES_MAX 64u
/* Buffers of a line. */
#define BUFFERS_MAX 4u
/* Calls that an actor has under way at the same time. */
#define CALLS_MAX 3u
#define ACTIVE_MAX 12u
/* Dkeys of an object that is no array. */
#define DKEYS_MAX 3u
/* Values above this go to and from the servers by bulk transfer. */
#define BULK_VALUE (33u * 1024)
/* An array's part is at most this many bytes; more is changed and seen in several moments. */
#define PART_BYTES (1024u * 1024)

enum arrays_operation {
	ARRAYS_READ,
	ARRAYS_WRITE,
	ARRAYS_PUNCH,
	ARRAYS_GET_SIZE,
	ARRAYS_STAT,
	ARRAYS_SET_SIZE,
	ARRAYS_DESTROY,
	ARRAYS_FETCH,
	ARRAYS_UPDATE,
	ARRAYS_PUNCH_RECORDS,
	ARRAYS_PUNCH_AKEYS,
	ARRAYS_PUNCH_DKEYS,
	ARRAYS_PUNCH_OBJECT,
	ARRAYS_QUERY,
	ARRAYS_LIST,
	ARRAYS_EPOCH,
	/* Those of handles. */
	ARRAYS_OPEN,
	ARRAYS_CREATE,
	ARRAYS_SHARE,
};

/* ------------------------------------------------ the model */

struct sheet_kind {
	enum daos_otype_t type;
	daos_oclass_id_t class;
	bool is_array;
	bool integer_dkeys, integer_akeys;
	uint32_t dkeys;
	uint32_t cell_sizes[LINES]; /* of an array the first */
	uint64_t chunk;
	uint64_t base, span; /* cells that take part; of shorter lines the first of them */
	uint64_t most;	     /* bytes of a payload now and then; 0: as all others */
};

#define SHEET_KINDS 12u
extern const struct sheet_kind sheet_kinds[SHEET_KINDS];

struct metadata_history {
	struct register_operation *operations;
	uint32_t count, room;
};

/* What was asked of when an object changed last. */
struct epoch_look {
	uint64_t end;
	uint64_t epoch;
};

struct sheet {
	const struct sheet_kind *kind;
	uint32_t number;
	struct extents_history histories[DKEYS_MAX]; /* of an array the first */
	struct extents_history punches;		     /* of the whole object, where it is no array */
	struct metadata_history metadata;	     /* of an array that keeps its sizes */
	struct epoch_look *epochs;
	uint32_t epoch_count, epoch_room;
};

/* A call, from its entry in the history to its outcome. */
struct call {
	bool busy, launched;
	enum arrays_operation operation;
	struct sheet *sheet;
	struct extents_history *histories[DKEYS_MAX]; /* where a change stands */
	uint32_t entries[DKEYS_MAX];
	uint32_t history_count;
	uint32_t metadata; /* its entry there; UINT32_MAX: none */
	uint64_t begin;
	uint64_t write;
	bool torn;
	daos_handle_t handle;
	uint32_t dkey;
	/* What is handed to the library. */
	uint32_t line_count;
	uint32_t lines[LINES]; /* of each iod */
	bool holes[LINES];     /* it is punched */
	daos_recx_t ranges[LINES][RANGES_MAX];
	uint32_t range_count[LINES];
	daos_range_t array_ranges[RANGES_MAX];
	daos_array_iod_t array_iod;
	char keys[LINES + DKEYS_MAX][24];
	uint64_t integers[LINES + DKEYS_MAX];
	daos_key_t dkeys[DKEYS_MAX], akeys[LINES];
	uint32_t dkey_count;
	daos_iod_t iods[LINES];
	d_sg_list_t sgls[LINES];
	d_iov_t iovs[LINES][BUFFERS_MAX];
	daos_iom_t ioms[LINES];
	daos_recx_t maps[LINES][4 * RANGES_MAX];
	uint8_t *bytes[LINES];
	size_t room[LINES];
	uint64_t flags;
	daos_size_t size;
	daos_array_stbuf_t status;
	daos_epoch_t epoch;
	daos_recx_t edge; /* that a query gives */
	bool is_last;
	uint32_t listed;
	daos_epoch_range_t epochs[4 * RANGES_MAX];
	daos_anchor_t anchor;
	daos_event_t event;
};

/* An actor: what of it outlives its fiber. */
struct hand {
	struct call calls[CALLS_MAX];
};

struct arrays_model {
	struct sim *sim;
	struct server *server;
	uint64_t payload_limit; /* bytes of most calls */
	uint64_t large_left;	/* bytes that large payloads may still take */
	uint32_t range_limit;	/* of a line: the redo of more does not fit a small log */
	struct sheet **sheets;
	uint32_t sheet_count;
	struct sheet *active[ACTIVE_MAX];
	uint32_t active_count;
	struct hand *hands; /* by the number of the actor */
	uint32_t hand_count;
};

/* ------------------------------------------------ an actor on its fiber */

struct arrays_actor {
	struct actor *actor;
	struct arrays_model *model;
	struct hand *hand;
	daos_handle_t queue; /* of events; invalid when there is none */
	struct {
		struct sheet *sheet; /* NULL: not open */
		daos_handle_t handle;
	} open[ACTIVE_MAX];
};

/* work_arrays_sheet.c: */

void model_fill(struct arrays_model *model, uint32_t active_count);
/* Replaces what has too long a history. */
void model_freshen(struct arrays_model *model);
/* Cells of a line that take part. */
uint64_t line_span(const struct sheet_kind *kind, uint32_t line);
/* The name of a dkey, or of the akey of a line; *integer holds an integer one. */
daos_key_t sheet_dkey(const struct sheet *sheet, uint32_t dkey, char name[24], uint64_t *integer);
daos_key_t sheet_akey(const struct sheet *sheet, uint32_t line, char name[24], uint64_t *integer);
void sheet_judge(struct arrays_model *model, const struct sheet *sheet);
void sheet_free(struct sheet *sheet);
/* False: an older epoch than one that was known before `begin`. */
bool sheet_epoch(struct sheet *sheet, uint64_t begin, uint64_t end, uint64_t epoch);
uint32_t metadata_add(struct sheet *sheet, const struct register_operation *operation);

/* work_arrays_cell.c: */

/* Where cells of a line belong. */
uint64_t line_place(const struct arrays_model *model, const struct sheet *sheet, uint32_t dkey,
		    uint32_t line);
/* The cells from index on, as this write makes them. */
void cells_fill(uint8_t *bytes, uint32_t cell_size, uint64_t index, uint64_t count,
		struct identity identity);

struct cells {
	const uint8_t *bytes;
	uint32_t cell_size;
	uint64_t index, count;
	uint64_t place;
	uint32_t line, group;
	const struct extents_history *history;
};
/* Adds the runs that cells show to look; false: *ret_index holds what nobody can have written. */
bool cells_identify(const struct cells *cells, struct extents_operation *look, uint64_t *ret_index);

/* work_arrays_open.c: */

/* An open handle of an active sheet; opens or creates it. False: it is not to be had now. */
bool sheet_handle(struct arrays_actor *arrays, uint32_t active, daos_handle_t *ret_handle);
/* Closes what is open, and opens it in another way. */
void sheet_reopen(struct arrays_actor *arrays, uint32_t active);
void sheet_share(struct arrays_actor *arrays, uint32_t active);
void sheet_close(struct arrays_actor *arrays, uint32_t active);

/* work_arrays_draw.c: */

/* An operation with its ranges and payload drawn, entered in the history. */
void call_draw(struct arrays_actor *arrays, enum arrays_operation operation, struct sheet *sheet,
	       daos_handle_t handle, struct call *call);
/* A read of one range of a line. */
void call_read(struct arrays_actor *arrays, struct sheet *sheet, uint32_t dkey, uint32_t line,
	       daos_recx_t range, daos_handle_t handle, struct call *call);

/* work_arrays_call.c: */

/* Makes the call; event NULL: waits. */
int call_launch(struct call *call, daos_event_t *event);
/* Enters its outcome. */
void call_finish(struct arrays_actor *arrays, struct call *call, int rc);
