/* SPDX-License-Identifier: BSD-2-Clause-Patent */
/*
 * The inside of the workload "values": cells, which are the akeys of one dkey or one pair of a
 * key-value store, the histories of what was done to them, and calls that are under way.
 */
#pragma once

#include "sim/check_register.h"
#include "sim/memory.h"
#include "sim/sim.h"

#define SLOTS REGISTER_SLOTS
#define ALL_SLOTS ((1u << SLOTS) - 1)
/* Calls that an actor has under way at the same time. */
#define CALLS_MAX 3u
#define CELL_KEY_MAX 640u
/* Values above this go to and from the servers by bulk transfer. */
#define BULK_VALUE (33u * 1024)

enum values_operation {
	VALUES_FETCH,
	VALUES_SIZE,
	VALUES_UPDATE,
	VALUES_PUNCH_AKEYS,
	VALUES_PUNCH_DKEYS,
	VALUES_PUNCH_OBJECT,
	VALUES_KV_GET,
	VALUES_KV_SIZE,
	VALUES_KV_PUT,
	VALUES_KV_REMOVE,
	VALUES_KV_DESTROY,
};

/* ------------------------------------------------ the model */

struct history {
	struct register_operation *operations;
	uint32_t count, room;
	uint32_t unknown;
};

struct object_kind {
	enum daos_otype_t type;
	daos_oclass_id_t class;
	bool is_kv;
	bool integer_dkeys, integer_akeys;
};

#define OBJECT_KINDS 11u
extern const struct object_kind object_kinds[OBJECT_KINDS];

struct object {
	const struct object_kind *kind;
	uint32_t number;
	struct history punches; /* of the whole object */
};

struct cell {
	struct object *object;
	uint32_t number;
	struct history history;
};

/* A call, from its entry in the history to its outcome. */
struct call {
	bool busy;
	enum values_operation operation;
	struct history *histories[2]; /* where it stands, and its entries there */
	uint32_t entries[2];
	uint32_t history_count;
	struct cell *cells[2];
	struct object *object;
	daos_handle_t handle;
	uint64_t flags;
	bool size_only;
	/* What is handed to the library. */
	uint8_t keys[2][CELL_KEY_MAX];
	daos_key_t dkeys[2];
	uint8_t slot_of[SLOTS]; /* of each akey named */
	uint64_t integers[SLOTS];
	daos_key_t akeys[SLOTS];
	daos_iod_t iods[SLOTS];
	d_sg_list_t sgls[SLOTS];
	d_iov_t iovs[2 * SLOTS];
	uint32_t akey_count;
	daos_size_t size; /* of a pair */
	uint8_t *bytes;	  /* SLOTS times value_room */
	daos_event_t event;
	bool launched;
};

/* An actor: what of it outlives its fiber. */
struct hand {
	struct call calls[CALLS_MAX];
};

struct values_model {
	struct sim *sim;
	struct server *server;
	uint64_t value_limit; /* bytes */
	size_t value_room;
	struct object **objects;
	uint32_t object_count;
	struct object *active_objects[OBJECT_KINDS];
	struct cell **cells;
	uint32_t cell_count;
	struct cell **active;
	uint32_t active_count;
	struct hand *hands; /* by the number of the actor */
	uint32_t hand_count;
};

/* ------------------------------------------------ an actor on its fiber */

struct values_actor {
	struct actor *actor;
	struct values_model *model;
	struct hand *hand;
	daos_handle_t queue; /* of events; invalid when there is none */
	/* Open objects, one a kind. */
	struct {
		const struct object *object;
		daos_handle_t handle;
	} open[OBJECT_KINDS];
};

/* work_values_cell.c: */

/* The name of a cell's dkey, or of the pair: bytes with a NUL behind them. Returns its length. */
uint32_t values_cell_key(const struct cell *cell, uint8_t key[CELL_KEY_MAX]);
/* The name of the akey of a slot; *integer holds an integer one. */
daos_key_t values_slot_key(const struct object_kind *kind, uint32_t slot, uint64_t *integer);
/* Where a value of a slot belongs. */
uint64_t values_slot_place(const struct values_model *model, const struct cell *cell,
			   uint32_t slot);
void values_history_add(struct history *history, const struct register_operation *operation);
/* Replaces what has too many operations of unknown outcome, or too many. */
void values_freshen(struct values_model *model);
void values_fill(struct values_model *model, uint32_t active_count);
/* Reports what no order explains. */
void values_cell_judge(struct values_model *model, const struct cell *cell);

/* work_values_call.c: */

/* An operation of a cell, its flags and values drawn. */
void values_draw(struct values_actor *values, enum values_operation operation, struct cell *cell,
		 struct call *call);
/* Reads all of a cell. */
void values_read_all(struct values_actor *values, struct cell *cell, struct call *call);
/* Enters it in the history and makes the call; event NULL: waits. */
int values_launch(struct values_actor *values, struct call *call, daos_event_t *event);
/* Enters its outcome. */
void values_finish(struct values_actor *values, struct call *call, int rc);
