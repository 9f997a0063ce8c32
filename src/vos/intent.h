/* SPDX-License-Identifier: BSD-2-Clause-Patent */
/*
 * The inside of transactions. stamps.c remembers what was read, scope.c what prepared transactions
 * hold and who waits for them, ahead.c judges a change as if those before it had been made,
 * intent.c keeps the changes in the heap, transaction.c are the calls.
 */
#pragma once

#include "vos/private.h"

/* ------------------------------------------------ stamps.c: what was read */

/* Whether somebody else has read what is touched at or above edit's epoch. */
bool stamps_refuse(const struct edit *edit, const struct touch *touch);

/* ------------------------------------------------ scope.c: what is held */

/* A transaction that is known here. */
struct prepared {
	struct table_node node; /* by id */
	struct list link;	/* of all */
	struct vos_tx tx;	/* its state: enum intent_state has the same numbers */
	uint32_t change_count, applied;
	uint64_t first, last; /* as in struct intent_record */
	uint64_t group;	      /* of its newest step */
	bool stored;	      /* it has a record */
	bool busy;	      /* being prepared, decided, applied or forgotten */
	bool holding;	      /* until it is applied or forgotten */
	struct list scopes;
	struct wait_queue waiting; /* for a step of it to end */
	uint32_t participants[];
};
_Static_assert((int)INTENT_PREPARED == (int)VOS_TX_PREPARED &&
		       (int)INTENT_COMMITTED == (int)VOS_TX_COMMITTED &&
		       (int)INTENT_APPLIED == (int)VOS_TX_APPLIED,
	       "states on disk and of callers");

/* Adds one that is busy and holds nothing. -DER_NOMEM. */
MUST_USE int prepared_create(struct vos *vos, const struct vos_tx *tx,
			     struct prepared **ret_prepared);

/* Frees it; those who wait go on. */
void prepared_destroy(struct vos *vos, struct prepared *prepared);

struct prepared *prepared_find(const struct vos *vos, const struct uuid *id);

/* Waits until nobody is busy with it, then is. -DER_NONEXIST. *Yields*. */
MUST_USE int prepared_take(struct vos *vos, const struct uuid *id, struct prepared **ret_prepared);
void prepared_give(struct prepared *prepared);

/* From now on it holds what scope_take() gives it, and nothing any more. */
void prepared_hold(struct vos *vos, struct prepared *prepared);
void prepared_release(struct vos *vos, struct prepared *prepared);

/* Makes holder hold a dkey of an object, or (NULL) all of it. -DER_NOMEM; EDIT_AGAIN when somebody
 * else holds it, whose id is then in *ret_blocker, or -DER_TX_RESTART when that one is not older;
 * -DER_OVERLOAD_RETRY, -DER_OVERFLOW at the limit. */
MUST_USE int scope_take(struct vos *vos, struct prepared *holder, const struct vos_object *object,
			const struct ordered_key *dkey, struct uuid *ret_blocker);

/* ------------------------------------------------ ahead.c: changes not yet made */

/* What the changes of a transaction will have done to an object, dkey or akey. Numbers of changes
 * count from 1; minors are one more than the greatest given. */
struct ahead_entity {
	struct table_node node;
	uint64_t second; /* half of its hash */
	struct ahead_entity *parent;
	uint32_t written, punched; /* by which change; 0: by none */
	uint32_t touched, cleared; /* minors of changes of or beneath it; of punches */
	uint32_t live, live_at; /* dkey: akeys written and not punched, when last punched itself */
	enum vos_value_type value; /* akey: as written; VOS_NONE: by none */
	uint64_t record_size;
};

struct ahead {
	struct arena *arena;
	struct table entities;
	uint32_t change; /* number of the present one */
};

void ahead_init(struct ahead *ahead, struct arena *arena);
void ahead_fini(struct ahead *ahead);

/* The entry of key beneath parent (NULL for objects). -DER_NOMEM. */
MUST_USE int ahead_enter(struct ahead *ahead, struct ahead_entity *parent,
			 const struct ordered_key *key, struct ahead_entity **ret_entity);
/* The same, or NULL. */
struct ahead_entity *ahead_find(const struct ahead *ahead, const struct ahead_entity *parent,
				const struct ordered_key *key);

/* Whether it is visible when the tree says so (seen). */
bool ahead_visible(const struct ahead_entity *entity, bool seen);

/* Whether the transaction wrote it and has not punched it since. */
bool ahead_written(const struct ahead_entity *entity);

/* Whether no punch of the transaction hides what the tree has of it. */
bool ahead_bare(const struct ahead_entity *entity);

/* The akeys of a dkey that it wrote and did not punch since. */
uint32_t ahead_live(const struct ahead_entity *dkey);

/* Notes that the present change, of this minor, writes an akey, or punches an entity. */
void ahead_write(struct ahead *ahead, struct ahead_entity *akey, uint32_t minor);
void ahead_punch(struct ahead *ahead, struct ahead_entity *entity);
/* Notes minor in an entity and above; of a punch also for all beneath. */
void ahead_touch(struct ahead_entity *entity, uint32_t minor, bool punch);

/* ------------------------------------------------ intent.c: changes in the heap */

/* A change as it was read from the heap. */
struct stored_change {
	struct vos_op op; /* in bytes and arrays */
	uint32_t minor;
	bool whole;
	uint32_t blob_count;
	const uint64_t *blobs; /* of the values in order; 0: a hole, or released */
	uint32_t blobs_at;     /* where they are in bytes */
	uint32_t block_count;
	uint64_t blocks[INTENT_BLOCKS_MAX];
	uint64_t next; /* first block of the next change */
	uint32_t length;
	uint8_t *bytes;
	void *arrays;
};

/* What a change of a transaction adds to the edit that prepares, applies or drops it. */
struct intent_step {
	struct prepared *prepared;
	/* preparing */
	struct ahead *ahead;
	bool last;  /* of the transaction */
	bool whole; /* it holds the whole object */
	uint32_t minor;
	uint8_t *bytes; /* encoded, without minor and blobs */
	uint32_t length, blobs_at;
	/* applying and dropping; NULL: none is left */
	const struct stored_change *change;
	enum intent_state state; /* from now on */
	uint64_t record;	 /* found by the check */
};

/* Makes edit a part of the step's transaction. */
void intent_step_begin(struct edit *edit, struct intent_step *step);
/* Takes what the step's change holds: the dkey, or (NULL) the whole object. As scope_take(); in a
 * check. */
MUST_USE int intent_step_take(struct edit *edit, struct intent_step *step,
			      const struct ordered_key *dkey);

/* Encodes op, whose keys and values were judged, for step. -DER_NOMEM, -DER_REC2BIG. */
MUST_USE int intent_encode(struct vos *vos, const struct vos_op *op, struct intent_step *step);
/* Fills in the blob of a value. In apply. */
void intent_blob_set(struct intent_step *step, uint32_t value, uint64_t blob);

/* Adds the encoded change to its transaction, which is PREPARED after the last one. */
void intent_append_need(struct edit *edit, const struct intent_step *step);
MUST_USE int intent_append_check(struct edit *edit, struct intent_step *step);
void intent_append(struct edit *edit, struct intent_step *step);

/* Takes the first change off, and ends the transaction with the last one. */
void intent_advance_need(struct edit *edit, const struct intent_step *step);
MUST_USE int intent_advance_check(struct edit *edit, struct intent_step *step);
void intent_advance(struct edit *edit, struct intent_step *step);

/* Reads the change whose first block is at offset. *Yields*. -DER_IO. */
MUST_USE int intent_load(struct vos *vos, uint64_t offset, struct stored_change *ret_change);
void intent_unload(struct vos *vos, struct stored_change *change);

/* As above of bytes at hand (taken); in an audit. */
MUST_USE int intent_decode(struct vos *vos, uint8_t *bytes, uint32_t length,
			   struct stored_change *ret_change);

/* A block of a change, checked. */
MUST_USE int intent_block_get(struct pin *pin, uint64_t offset,
			      const struct intent_block **ret_block);
MUST_USE int intent_record_get(struct pin *pin, uint64_t offset,
			       const struct intent_record **ret_record);

/* Drops what is left of the changes with their values, then ends the transaction: state is PARTIAL
 * (forgotten) or COMMITTED (its container is gone). *Yields*. */
MUST_USE int intent_drop(struct vos *vos, struct prepared *prepared, enum intent_state state);

static inline size_t
participants_size(uint32_t count)
{
	return sizeof(struct participants) + align_up(count * sizeof(uint32_t), 8);
}

/* ------------------------------------------------ update.c, punch.c */

/*
 * Prepares one change of a transaction (step->change is NULL), or applies one, at base epoch or its
 * own. *Yields*.
 */
MUST_USE int update_step(struct vos_container *container, const struct vos_op *op,
			 const struct vos_change *change, struct intent_step *step,
			 uint64_t *ret_group);
MUST_USE int punch_step(struct vos_container *container, const struct vos_op *op,
			const struct vos_change *change, struct intent_step *step,
			uint64_t *ret_group);

/* The minor of a change that touches entities with this greatest one. -DER_OVERFLOW. */
MUST_USE int minor_judge(uint32_t minor);
