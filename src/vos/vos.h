/* SPDX-License-Identifier: BSD-2-Clause-Patent */
/*
 * The versioned object store of one target of one pool: container -> object -> dkey -> akey ->
 * single value or array, every change stamped with an epoch. It lives in one heap; all calls are
 * made on the heap's loop.
 *
 * Changing calls return after their transaction was applied, with *ret_group still to be awaited by
 * media_wait(); reading calls wait themselves until everything they looked at is durable. Both may
 * yield, and both wait for transactions of an older epoch that are prepared for what they look at
 * or change, at most until their fiber's deadline: -DER_TIMEDOUT, -DER_CANCELED.
 */
#pragma once

#include "media/media.h"

struct vos;
struct vos_container;

/* Prepares the root of an empty heap. *Yields*. */
MUST_USE int vos_format(struct heap *heap);

/* Opens the store in heap (borrowed). *Yields*. -DER_DF_INCOMPT, -DER_IO. */
MUST_USE int vos_open(struct heap *heap, struct vos **ret_vos);

/* Stops background work and frees vos; the heap stays open. *Yields*. */
void vos_close(struct vos *vos);

struct heap *vos_heap(const struct vos *vos);

/* ------------------------------------------------ containers */

/* -DER_EXIST, -DER_NOSPACE; -DER_BUSY while something is prepared for a container of this id that
 * was destroyed. *Yields*. */
MUST_USE int vos_container_create(struct vos *vos, struct uuid id, uint64_t *ret_group);

/* Takes the container out of sight at once; its space comes back in the background. -DER_NONEXIST.
 * *Yields*. */
MUST_USE int vos_container_destroy(struct vos *vos, struct uuid id, uint64_t *ret_group);

/* Counted reference; a container is opened once per store however often it is asked for.
 * -DER_NONEXIST. *Yields*. */
MUST_USE int vos_container_open(struct vos *vos, struct uuid id,
				struct vos_container **ret_container);
void vos_container_close(struct vos_container *container);

struct vos *vos_container_store(const struct vos_container *container);

/*
 * From now on changes of container need an epoch above this one, else -DER_TX_RESTART: for a
 * snapshot that was announced. Not kept over a restart, where the clock starts above it.
 */
void vos_container_guard(struct vos_container *container, uint64_t epoch);

/* ------------------------------------------------ keys, extents, values */

/* Bytes of a key; integer keys are 8 bytes little-endian. At most VOS_KEY_MAX long, at least 1. */
struct vos_key {
	const void *data;
	uint32_t length;
};
#define VOS_KEY_MAX (16u * 1024)
/* Akeys in one call; extents of one akey in one call; bytes of payload in one call; bytes of one
 * single value. */
#define VOS_AKEYS_MAX 128u
#define VOS_EXTENTS_MAX 1024u
#define VOS_PAYLOAD_MAX (4u * 1024 * 1024)

/* Which shard of which object. */
struct vos_object {
	struct object_id id;
	uint32_t shard;
};

enum vos_value_type { VOS_NONE = 0, VOS_SINGLE = 1, VOS_ARRAY = 2 }; /* as DAOS_IOD_* */

/* Records [index, index + count) of an array value. */
struct vos_extent {
	uint64_t index;
	uint64_t count;
};

/* Conditions, the numbers of DAOS_COND_*. */
enum vos_condition {
	VOS_COND_PUNCH = 1, /* the thing punched must exist */
	VOS_COND_DKEY_INSERT = 2,
	VOS_COND_DKEY_UPDATE = 4,
	VOS_COND_DKEY_FETCH = 8,
	VOS_COND_AKEY_INSERT = 16,
	VOS_COND_AKEY_UPDATE = 32,
	VOS_COND_AKEY_FETCH = 64,
	VOS_COND_PER_AKEY = 128, /* the akeys' own conditions count */
};

/* One akey of an update or a fetch. */
struct vos_akey {
	struct vos_key key;
	enum vos_value_type type;
	uint32_t conditions; /* with VOS_COND_PER_AKEY */
	uint64_t
		record_size; /* bytes; update: 0 punches the extents or the value; fetch: ignored */
	const struct vos_extent *extents; /* arrays */
	uint32_t extent_count;		  /* arrays; single values: ignored */
	/* update: the payload, records of all extents one after another, and its sums: crc32c per
	 * piece of each extent in order (borrowed; NULL: computed here) */
	const struct iovec *payload;
	uint32_t payload_count;
	const uint32_t *sums;
	uint32_t sum_count;
};

/* What accompanies every change. */
struct vos_change {
	uint64_t epoch;
	uint32_t conditions;		  /* enum vos_condition */
	const struct request_id *request; /* NULL: not remembered */
	struct uuid reader; /* the transaction whose own reads do not count; or empty */
};

/*
 * Writes values under one dkey, all or nothing. Payload buffers larger than the media's inline
 * limit must stay until media_wait(*ret_group) returned. Errors: -DER_EXIST / -DER_NONEXIST from
 * conditions, -DER_CSUM when sums and payload differ, -DER_NOSPACE, -DER_KEY2BIG, -DER_REC2BIG,
 * -DER_INVAL (record size or value type differs from that stored, overlapping extents in one call),
 * -DER_OVERFLOW (more than 48 values of 4 KiB or more in one call), -DER_REC2BIG also when the redo
 * is too large for a record of the log, -DER_TX_RESTART (epoch not above what is recorded,
 * prepared, or read by a transaction), -DER_TX_UNCERTAIN (request too old). A request seen before
 * returns its first answer. *Yields*.
 */
MUST_USE int vos_update(struct vos_container *container, const struct vos_object *object,
			struct vos_key dkey, const struct vos_akey *akeys, uint32_t akey_count,
			const struct vos_change *change, uint64_t *ret_group);

/* Punches the object, dkeys of it, or akeys of one dkey: invisible from change->epoch on. *Yields*.
 */
MUST_USE int vos_punch_object(struct vos_container *container, const struct vos_object *object,
			      const struct vos_change *change, uint64_t *ret_group);
MUST_USE int vos_punch_dkeys(struct vos_container *container, const struct vos_object *object,
			     const struct vos_key *dkeys, uint32_t dkey_count,
			     const struct vos_change *change, uint64_t *ret_group);
MUST_USE int vos_punch_akeys(struct vos_container *container, const struct vos_object *object,
			     struct vos_key dkey, const struct vos_key *akeys, uint32_t akey_count,
			     const struct vos_change *change, uint64_t *ret_group);

/* ------------------------------------------------ reading */

/* A run of an array that holds data; what lies between is a hole. */
struct vos_run {
	struct vos_extent extent; /* clipped to what was asked */
};

struct vos_fetched {
	uint64_t record_size; /* of what is stored; 0: nothing there */
	uint64_t length;      /* bytes in data: single value: its size; array: records asked *
				 record_size */
	uint8_t *data;	      /* holes are zeros */
	uint32_t *sums; /* crc32c per piece of each extent asked, as in an update; verified against
			   the stored ones */
	uint32_t sum_count;
	uint32_t few_sums[2]; /* private: where sums points to, if they suffice */
	struct vos_run *runs; /* in order of the extents asked; NULL unless wanted */
	uint32_t run_count;
};

enum vos_fetch_flag { VOS_FETCH_SIZE_ONLY = 1, VOS_FETCH_RUNS = 2 };

/*
 * Reads values of one dkey at epoch. ret_fetched has akey_count entries, freed together by
 * vos_fetched_free(). What does not exist has record_size 0, unless a condition
 * (VOS_COND_DKEY_FETCH, AKEY_FETCH) turns that into -DER_NONEXIST. -DER_CSUM when what the media
 * gave does not match its sums. -DER_REC2BIG when more than VOS_PAYLOAD_MAX would be returned.
 * *Yields*.
 */
MUST_USE int vos_fetch(struct vos_container *container, const struct vos_object *object,
		       struct vos_key dkey, const struct vos_akey *akeys, uint32_t akey_count,
		       uint64_t epoch, uint32_t conditions, uint32_t flags,
		       struct vos_fetched *ret_fetched);
void vos_fetched_free(struct vos_container *container, struct vos_fetched *fetched,
		      uint32_t akey_count);

/* VOS_EXTENTS_DOWN lists what VOS_EXTENTS does from the last extent to the first one. */
enum vos_level { VOS_OBJECTS, VOS_DKEYS, VOS_AKEYS, VOS_EXTENTS, VOS_EXTENTS_DOWN };

#define VOS_POSITION_KEY 512u

/*
 * Where a listing goes on: after the place named. Zeroed: at the begin. Hashed levels use the two
 * hashes, ordered ones the key itself (keys longer than VOS_POSITION_KEY: its first bytes and the
 * hashes).
 */
struct vos_position {
	uint8_t state; /* enum vos_position_state */
	uint8_t reserved[3];
	uint32_t key_length;
	uint64_t hash[2];
	uint8_t key[VOS_POSITION_KEY];
};
/* VOS_AT: as VOS_AFTER, but the place named comes too; for keys. */
enum vos_position_state { VOS_BEGIN, VOS_AFTER, VOS_END, VOS_AT };

/* The position after a key (VOS_DKEYS, VOS_AKEYS) in the order of its level, which may be that of
 * hashes, whether it exists or not. -DER_INVAL, -DER_KEY2BIG. */
MUST_USE int vos_position_after(const struct vos_object *object, enum vos_level level,
				struct vos_key key, struct vos_position *ret_position);

struct vos_entry {
	enum vos_level level;
	struct vos_object object; /* VOS_OBJECTS */
	struct vos_key key;	  /* VOS_DKEYS, VOS_AKEYS */
	enum vos_value_type type; /* VOS_AKEYS */
	struct vos_extent extent; /* VOS_EXTENTS, VOS_EXTENTS_DOWN */
	uint64_t record_size;	  /* VOS_EXTENTS */
	uint64_t epoch;		  /* VOS_EXTENTS: of the newest write */
};

/*
 * Calls visit for each visible entry from *position on, in the order of the level; visit returns 0
 * to go on, > 0 to stop before this entry (it comes again), < 0 to fail. *position ends after the
 * last entry taken; its state is VOS_END when nothing follows. entry->key is borrowed during the
 * call. At most limit entries. visit must not yield. *Yields* between entries.
 */
MUST_USE int vos_list(struct vos_container *container, const struct vos_object *object,
		      enum vos_level level, struct vos_key dkey, struct vos_key akey,
		      uint64_t epoch, uint32_t limit, struct vos_position *position,
		      int (*visit)(void *argument, const struct vos_entry *entry), void *argument);

/* The numbers of DAOS_GET_*. */
enum vos_query {
	VOS_GET_MAX = 1,
	VOS_GET_MIN = 2,
	VOS_GET_DKEY = 4,
	VOS_GET_AKEY = 8,
	VOS_GET_EXTENT = 16,
	/* With VOS_GET_MAX and VOS_GET_DKEY, for objects that use no dkey 0: an object without such
	 * a key is no error but answers dkey 0 and its newest write. */
	VOS_GET_NEWEST = 32,
	/* The epoch is that in which a dkey last came or went, not that of the newest write. */
	VOS_GET_RENAMED = 64
};

struct vos_query_result {
	uint64_t dkey, akey;	  /* integer keys */
	struct vos_extent extent; /* the last (MAX) or first (MIN) extent of the akey */
	uint64_t record_size;
	uint64_t epoch; /* of the newest write to the object */
};

/*
 * The largest or smallest integer dkey, integer akey and extent; what is not asked for by flags is
 * given (dkey, akey). -DER_NONEXIST, -DER_INVAL for keys that are not integers. With VOS_GET_DKEY
 * and VOS_GET_EXTENT the result is the greatest dkey that holds data in akey. *Yields*.
 */
MUST_USE int vos_query_key(struct vos_container *container, const struct vos_object *object,
			   uint32_t flags, struct vos_key dkey, struct vos_key akey, uint64_t epoch,
			   struct vos_query_result *ret_result);

/* ------------------------------------------------ transactions */

/*
 * A transaction changes several things at one epoch, in one store or in several. The low bits of an
 * epoch (HLC_MINOR_MASK) order what it does to the same thing: clocks never draw them, so that no
 * other epoch lies between. Reads are made at epoch | HLC_MINOR_MASK: they see all of a transaction
 * or nothing.
 *
 * Prepared: all changes are stored beside the trees, checked, and durable when their group is. From
 * the begin of that on reads at or above the epoch, and changes above it, of what it touches wait
 * until it was applied or forgotten, or their fiber's deadline; changes below it get
 * -DER_TX_RESTART. It touches the dkeys that it changes, and all of an object that it punches or
 * that is not visible. One of the stores leads: its decision is what counts. Each store then
 * applies by itself, change after change; a crash in between goes on where it was. A prepared
 * transaction stays through closing and opening; one that a crash left half prepared is forgotten
 * at opening.
 *
 * Waiting goes from younger to older epochs only, also while preparing, so that nobody waits in a
 * circle; but who is prepared must be decided.
 */

enum vos_op_kind { VOS_OP_UPDATE = 1, VOS_OP_PUNCH_OBJECT, VOS_OP_PUNCH_DKEYS, VOS_OP_PUNCH_AKEYS };

/* One change of a transaction; as the call of that name. */
struct vos_op {
	enum vos_op_kind kind;
	uint32_t conditions;
	struct vos_object object;
	struct vos_key dkey;	      /* UPDATE, PUNCH_AKEYS */
	const struct vos_akey *akeys; /* UPDATE */
	const struct vos_key *keys;   /* PUNCH_DKEYS, PUNCH_AKEYS */
	uint32_t count;		      /* of akeys or keys */
};

/* Changes in one transaction and store; stores that take part; prepared transactions of a store,
 * beyond which -DER_OVERLOAD_RETRY. */
#define VOS_OPS_MAX 4096u
#define VOS_PARTICIPANTS_MAX 256u
#define VOS_PREPARED_MAX 1024u

enum vos_tx_state { VOS_TX_PREPARED = 1, VOS_TX_COMMITTED, VOS_TX_APPLIED };

/* Who takes part. A store neither knows nor checks what the numbers of targets mean. */
struct vos_tx {
	struct uuid id; /* drawn for this attempt; the reader of its reads */
	struct uuid container;
	uint64_t epoch;	 /* without minor bits */
	uint32_t leader; /* target that decides */
	bool leads;	 /* this store is the leader's */
	enum vos_tx_state state;
	uint32_t participant_count; /* leader: the other targets */
	const uint32_t *participants;
};

/*
 * Checks ops in order, each as if those before it had been made, and stores them; there may be
 * none. tx->state is ignored, all else is copied. Errors are those of vos_update() and the punches;
 * -DER_OVERFLOW when ops change one thing more often than minor epochs can order (256 times), or
 * are too many; -DER_EXIST when the id is known already; -DER_OVERLOAD_RETRY; -DER_INVAL for an
 * epoch with minor bits or another container's UUID; -DER_TX_RESTART also for an epoch not above
 * vos_set_floor(), below what somebody else has read, or not above any change of an akey written or
 * a dkey punched (an array written elsewhere at a later epoch included). A failure leaves nothing.
 * Payload as in vos_update(). *Yields*.
 */
MUST_USE int vos_tx_prepare(struct vos_container *container, const struct vos_tx *tx,
			    const struct vos_op *ops, uint32_t count, uint64_t *ret_group);

/*
 * The leader's decision: committed, and the answer 0 to request (NULL: none) stored, in one local
 * transaction. A request seen before returns its first answer, also where the transaction is known
 * no more. -DER_ALREADY: the same, and the transaction is a late copy of the one that was executed;
 * it stays prepared and is to be forgotten. -DER_NONEXIST when it is not prepared. *Yields*.
 */
MUST_USE int vos_tx_decide(struct vos *vos, struct uuid id, const struct request_id *request,
			   uint64_t *ret_group);

/*
 * Applies all changes, after the decision is durable where it was made; may be called again after
 * a failure (-DER_IO, -DER_NOMEM, -DER_NOSPACE where not even the reserves have room, a deadline),
 * from where it was: what has begun to be applied is COMMITTED. In the end the transaction is
 * APPLIED and stays known where it leads others, and is forgotten everywhere else. Changes of a
 * container that was destroyed are freed. 0 where it is not known; -DER_INVAL at a leader that has
 * not decided. *Yields*.
 */
MUST_USE int vos_tx_apply(struct vos *vos, struct uuid id, uint64_t *ret_group);

/* Forgets a transaction: one that is prepared with its changes, at a leader one that is applied.
 * 0 where it is not known. -DER_BUSY for one that is committed and not applied. *Yields*. */
MUST_USE int vos_tx_forget(struct vos *vos, struct uuid id, uint64_t *ret_group);

/* The state here, after the step that is being taken; -DER_NONEXIST. Waits until it is durable.
 * *Yields*. */
MUST_USE int vos_tx_state(struct vos *vos, struct uuid id, enum vos_tx_state *ret_state);

/* Calls visit, which may yield, for each that is known, until it returns non-zero, which is
 * returned. tx is borrowed during the call. */
MUST_USE int vos_tx_each(struct vos *vos, int (*visit)(void *argument, const struct vos_tx *tx),
			 void *argument);

/*
 * Notes that transaction `reader` reads at epoch, before it does: changes up to that epoch by
 * others get -DER_TX_RESTART from now on. level: VOS_OBJECTS the whole container, VOS_DKEYS the
 * whole object, VOS_AKEYS all beneath the dkey (also for a condition on the dkey), VOS_EXTENTS the
 * akey. What cannot be told apart in the table counts as read. Does not yield.
 */
void vos_note_read(struct vos_container *container, const struct vos_object *object,
		   enum vos_level level, struct vos_key dkey, struct vos_key akey, uint64_t epoch,
		   struct uuid reader);

/* What was read before this store was opened is forgotten: transactions need an epoch above. Set it
 * after opening to the clock's floor of this start; not kept. */
void vos_set_floor(struct vos *vos, uint64_t epoch);

/*
 * Whether the store is worth a look by vos_collect() at now, nanoseconds that never go back: after
 * a change always, and while nothing changes after a quarter of that time again, at most a minute,
 * so that stores that nobody uses cost next to nothing.
 */
bool vos_collect_due(struct vos *vos, uint64_t now);

/* ------------------------------------------------ exactly once */

/* Forgets what a client left, at its disconnect. *Yields*. */
MUST_USE int vos_forget_client(struct vos *vos, struct uuid client, uint64_t *ret_group);

/* Requests whose first sending is older are refused, and their records forgotten. HLC. */
void vos_set_request_horizon(struct vos *vos, uint64_t epoch);

/* ------------------------------------------------ maintenance */

/*
 * The epochs of a container at which it stays readable, ascending, their minor bits set
 * (copied; at most VOS_SNAPSHOTS_MAX). Not kept over closing the store: until it was called once
 * for a container nothing of that container is collected. -DER_NOMEM, -DER_OVERFLOW. Does not
 * yield.
 */
#define VOS_SNAPSHOTS_MAX 4096u
MUST_USE int vos_set_snapshots(struct vos *vos, struct uuid container, const uint64_t *epochs,
			       uint32_t count);

/* Frees what destroyed containers and punched keys left, and versions that nobody can read any more
 * (neither at a snapshot, nor above epoch), up to credits items. Returns > 0 when more is left, 0,
 * or a negative code. *Yields*. */
MUST_USE int vos_collect(struct vos *vos, uint64_t epoch, uint32_t credits);

/* Where aggregating a container stands; zeroed: at the begin. The bytes are those of a record. */
#define VOS_STALE_BYTES 40u
struct vos_aggregation {
	uint64_t order;
	uint8_t record[VOS_STALE_BYTES];
};

/*
 * As vos_collect(), of the versions only those of one container. Each call goes on behind the
 * objects of others that the ones before it passed over; what turned stale before that place since
 * waits for a new beginning, which follows the return of 0. *Yields*.
 */
MUST_USE int vos_aggregate(struct vos *vos, struct uuid container, uint64_t epoch, uint32_t credits,
			   struct vos_aggregation *aggregation);

/* The greatest epoch up to which collecting was asked for: a new snapshot must be above it. */
uint64_t vos_collected(const struct vos *vos);

/* Where a roll-back stands; zeroed: at the begin. */
struct vos_rollback {
	bool punching; /* all is written that was there */
	struct vos_position object, dkey, akey;
	uint64_t record;
};

/*
 * Makes what is newest equal to what is seen at a snapshot, by changes at epoch, up to credits of
 * them; they share the stored bytes. Nobody else changes the container meanwhile, else
 * -DER_TX_RESTART. After a failure it may be done again, from the begin, with a newer epoch, whose
 * minor bits are zero like those of any. Returns > 0 when more is left, 0 when all is the same, or
 * a negative code. An object that the snapshot shows without any key is not made again. *Yields*.
 */
MUST_USE int vos_rollback(struct vos_container *container, uint64_t snapshot, uint64_t epoch,
			  struct vos_rollback *state, uint32_t credits);

/* Where a scrubber stands, and what it met; zeroed: at the begin. */
struct vos_scrub {
	bool begun, old;
	struct uuid container;
	struct vos_position object, dkey, akey;
	struct vos_object object_id;
	uint64_t start, epoch, blob;
	uint64_t values, bytes, damaged;
};

/*
 * Reads stored values, up to credits of them, and compares them with their sums. What does not
 * match is counted and logged, and stays as it is. Returns > 0 when more is left, 0 at the end, or
 * a negative code. *Yields*.
 */
MUST_USE int vos_scrub(struct vos *vos, struct vos_scrub *scrub, uint32_t credits);

/* How the store is to be scrubbed; off at opening. Does not yield. */
struct vos_scrubbing {
	bool lazy, timed;   /* when nothing else is to be done; always */
	uint64_t period_ns; /* from one begin to the next */
	uint64_t threshold; /* damages of one pass that are told as an error; 0: none */
};
void vos_set_scrubbing(struct vos *vos, const struct vos_scrubbing *scrubbing);

/* A turn of scrubbing as it was set, up to credits values: nothing where none is due. now:
 * monotonic; idle: nothing else is to be done. As vos_scrub(). One fiber at a time. *Yields*. */
MUST_USE int vos_scrub_turn(struct vos *vos, uint64_t now, bool idle, uint32_t credits);

/* What an audit met, the dead included; a value shared by extents counts once. */
struct vos_audit {
	uint64_t containers, clients;
	uint64_t objects, dkeys, akeys;
	uint64_t extents; /* and single values, of all epochs */
	uint64_t values;  /* stored */
	uint64_t bytes;	  /* of values */
	uint64_t dead, stale;
	uint64_t transactions; /* known */
	uint64_t heap_blocks, heap_bytes, data_blocks;
};

/*
 * Walks the whole store: every tree and record (order, counts, epochs, references, sizes), that
 * what waits to be collected will be found, and that the heap holds exactly what the store refers
 * to. Changes may go on: it looks in one step, with every zone of the heap in memory, during which
 * the loop does nothing else (about a millisecond for a thousand records). -DER_IO where something
 * is wrong, error_text() says what and where; errors of media. Changes nothing. *Yields*.
 */
MUST_USE int vos_audit(struct vos *vos, struct vos_audit *ret_audit);
