/* SPDX-License-Identifier: BSD-2-Clause-Patent */
/*
 * The inside of the workload "manage": containers under a few shared labels, with attributes,
 * properties, object ids and keys that know whose they are; small pools; and what is known of all
 * of them. A thing (container or pool) carries its number in a property that is set when it is
 * made, so that whoever meets it knows which one it is.
 */
#pragma once

#include "sim/check_names.h"
#include "sim/check_register.h"
#include "sim/memory.h"
#include "sim/sim.h"

enum manage_operation {
	/* containers under shared labels */
	MANAGE_CREATE,
	MANAGE_DESTROY,
	MANAGE_OPEN,
	MANAGE_LIST,
	MANAGE_RENAME,
	MANAGE_CLOSE,
	/* through an open handle */
	MANAGE_PUT,
	MANAGE_GET,
	MANAGE_OIDS,
	MANAGE_SET_ATTRIBUTES,
	MANAGE_GET_ATTRIBUTES,
	MANAGE_LIST_ATTRIBUTES,
	MANAGE_DELETE_ATTRIBUTES,
	MANAGE_SET_PROPERTIES,
	MANAGE_GET_PROPERTIES,
	/* a container of one actor alone */
	MANAGE_ACCESS,
	MANAGE_TRAVEL,
	/* pools */
	MANAGE_POOL_CREATE,
	MANAGE_POOL_DESTROY,
	MANAGE_POOL_USE,
	MANAGE_POOL_FILL,
	MANAGE_POOL_LIST,
	MANAGE_POOL_QUERY,
	MANAGE_SYSTEM,
	MANAGE_EVENTS,
	MANAGE_OPERATIONS
};

#define KEYS_MAX 8u
#define HELD_MAX 2u
#define POOL_LABELS 2u
#define POOL_ATTRIBUTES_MAX 32u
/* The property that keeps a thing's number has this standard value. */
#define NUMBER_STANDARD 4096u

/* ------------------------------------------------ what is known */

struct names_unit {
	uint32_t number;
	struct name_operation *operations;
	uint32_t count, room;
	uint32_t unknown;
};

struct registers {
	struct register_operation *operations;
	uint32_t count, room;
	uint32_t unknown; /* changes that may yet happen */
};

/* A container or pool from its creation on. */
struct thing {
	uint64_t number;
	uint64_t id; /* hash of its uuid; 0: not known */
	char uuid[40];
	struct names_unit *unit; /* where its label is */
	bool destroyed;		 /* that it is gone was acknowledged */
	uint32_t keys;		 /* bits of those that were acknowledged */
	uint32_t keys_begun;
	struct registers attributes, properties;
	struct number_range *ranges;
	uint32_t range_count, range_room;
};

/* An open container; it goes with the client. */
struct held {
	bool open;
	daos_handle_t handle;
	struct thing *thing; /* NULL: nobody knows which */
	uint64_t since;
	bool writable;
	bool gone; /* what it is open to was destroyed before the call under way */
};

struct hand {
	struct held held[HELD_MAX];
	uint32_t generation;
};

struct manage_model {
	struct sim *sim;
	struct server *server;
	struct names_unit **units; /* the last one is in use */
	uint32_t unit_count;
	struct names_unit pools;
	struct thing **things;
	uint32_t thing_count, thing_room;
	/* Of the system's pool; the last ones are in use, the others have names that are used no
	 * more. */
	struct registers *pool_attributes[POOL_ATTRIBUTES_MAX];
	uint32_t pool_attribute_count;
	struct hand *hands;
	uint32_t hand_count;
	/* Operations that close handles of others: under way (for ever, when nobody saw their end),
	 * and the end of the latest. */
	uint32_t closing;
	uint64_t closed_last;
	uint32_t fills;
};

struct manage {
	struct actor *actor;
	struct manage_model *model;
	struct hand *hand;
};

/* ------------------------------------------------ work_manage_model.c */

struct name_operation *names_begin(struct manage *manage, struct names_unit *unit,
				   enum name_kind kind, uint32_t slot, uint64_t thing,
				   uint32_t *ret_entry);
/* Of an operation that began as entry. */
void names_end(struct manage *manage, struct names_unit *unit, uint32_t entry,
	       enum name_outcome outcome);
/* Something was seen: id_hash is 0 for nothing, or NAME_ANY. */
void names_saw(struct name_operation *operation, uint32_t slot, uint64_t id_hash);
struct names_unit *manage_unit(struct manage_model *model);
void manage_label(const struct names_unit *unit, uint32_t slot, char label[32]);

struct thing *thing_create(struct manage *manage, struct names_unit *unit);
struct thing *thing_of_number(struct manage_model *model, uint64_t number);
uint64_t id_hash(const uuid_t uuid);
/* The uuid of a thing is learned, or must be the one that is known. */
void thing_identify(struct manage *manage, struct thing *thing, const uuid_t uuid);

uint32_t registers_begin(struct manage *manage, struct registers *registers,
			 const struct register_operation *operation);
struct register_operation *registers_end(struct manage *manage, struct registers *registers,
					 uint32_t entry, enum outcome outcome);

/* Whether more would be too much to judge. */
bool registers_full(const struct registers *registers);

/* Judges all that was recorded. */
void manage_judge(struct sim *sim, void *model);
void manage_model_destroy(void *model);

/* Something begins, and ends, that may close handles of others. */
void closing_begin(struct manage *manage);
void closing_end(struct manage *manage, enum outcome outcome);

/*
 * As actor_done(); what stands in `answers` (0 ends it) is an answer, not a failure of the system.
 */
enum outcome manage_done(struct manage *manage, enum manage_operation operation, int rc,
			 const int *answers);
void held_begin(struct held *held);
/* As manage_done(), of a call between held_begin() and this, where -DER_NO_HDL is an answer if the
 * handle may have been closed by others; drops a handle that is known no more. */
enum outcome held_done(struct manage *manage, struct held *held, enum manage_operation operation,
		       int rc);

/* ------------------------------------------------ work_manage_container.c */

void manage_create(struct manage *manage);
void manage_destroy(struct manage *manage);
void manage_open(struct manage *manage);
void manage_close(struct manage *manage);
void manage_list(struct manage *manage);
void manage_rename(struct manage *manage);
/* A container open in this actor, or NULL; opens none. */
struct held *manage_held(struct manage *manage);
void held_close(struct manage *manage, struct held *held);
/* Its number from the property that it was made with; 0: none of ours. */
int manage_number(daos_handle_t container, uint64_t *ret_number);
/* Makes one with a number; label NULL: none. */
int manage_make(daos_handle_t pool, uint64_t number, const char *label, bool as_property,
		uuid_t uuid);
/* Destroys every container of the workload. */
void manage_clean(struct manage *manage);

/* ------------------------------------------------ work_manage_handle.c */

void manage_put(struct manage *manage, struct held *held);
void manage_get(struct manage *manage, struct held *held);
void manage_oids(struct manage *manage, struct held *held);
void manage_set_attributes(struct manage *manage, struct held *held);
void manage_get_attributes(struct manage *manage, struct held *held);
void manage_list_attributes(struct manage *manage, struct held *held);
void manage_delete_attributes(struct manage *manage, struct held *held);
void manage_set_properties(struct manage *manage, struct held *held);
void manage_get_properties(struct manage *manage, struct held *held);

/* ------------------------------------------------ work_manage_own.c */

void manage_access(struct manage *manage);
void manage_travel(struct manage *manage);
void manage_events(struct manage *manage);
void manage_system(struct manage *manage);

/* ------------------------------------------------ work_manage_pool.c */

void manage_pool_create(struct manage *manage);
void manage_pool_destroy(struct manage *manage);
void manage_pool_use(struct manage *manage);
void manage_pool_fill(struct manage *manage);
void manage_pool_list(struct manage *manage);
void manage_pool_query(struct manage *manage);
/* After healing: a pool is filled, emptied and destroyed, and its storage comes back. */
void manage_pool_verify(struct manage *manage);
