/* SPDX-License-Identifier: BSD-2-Clause-Patent */
/*
 * The inside of vos. store.c and container.c hold what is open; key.c orders keys, entity.c finds
 * objects, dkeys and akeys and knows which exist at an epoch; edit.c is the frame of every change,
 * request.c its exactly-once part; update.c and punch.c are the changes; blob.c stored bytes,
 * single.c and array.c the two values; fetch.c, list.c and query.c read; collect.c and
 * collect_*.c free. Transactions are in intent.h.
 */
#pragma once

#include "vos/format.h"

/* ------------------------------------------------ limits */

#define OBJECT_CACHE                                                                               \
	4096u		    /* DRAM entries of objects with changes not yet durable, per container \
			     */
#define IDLE_CONTAINERS 64u /* kept open though nobody uses them, per store */
#define OVERLAPS_MAX 8u	    /* extents that one transaction overwrites */
#define VALUES_INLINE_MAX 4096u /* bytes; from here on a value lives in the data space */
#define PAYLOADS_MAX 48u	/* values in the data space in one call */
#define COLLECT_BATCH 4u	/* items that one collecting transaction frees */
#define SCOPES_MAX 65536u	/* dkeys and objects that prepared transactions hold */
#define EMPTY_SCAN 1024u	/* akeys looked at to find whether a punched dkey is empty */

/* A change met more to do than its preparation had counted: prepare again. */
#define EDIT_AGAIN (-DER_INPROGRESS)

/* ------------------------------------------------ what is open */

struct collector;

/* A place among the stale; order 0: none. */
struct stale_place {
	uint64_t order;
	struct stale_record record;
};

struct vos {
	struct heap *heap;
	struct media *media;
	struct arena *arena;
	struct list containers;	      /* that are open, the latest used first */
	uint32_t idle_containers;     /* of them without a reference */
	uint64_t root;		      /* offset of struct store_root */
	uint64_t newest_group;	      /* of any change */
	uint64_t quiet_group;	      /* quiet.c: newest_group at the last look */
	uint64_t quiet_since, looked; /* monotonic */
	uint64_t containers_group;    /* of the newest creation or destruction of a container */
	uint64_t containers_changes;  /* how many there were */
	uint64_t horizon;	      /* of requests */
	bool horizon_moved;
	struct table snapshots;	     /* struct snapshot_set */
	uint32_t sweeps;	     /* of them that have something to look through */
	struct collector *collector; /* collect.c: where it stands in an object; NULL: nowhere */
	struct vos_scrubbing scrubbing;
	struct vos_scrub *scrub; /* a pass under way */
	uint64_t scrub_due;	 /* monotonic; 0: not known */
	struct fiber_mutex collecting;
	uint64_t collected;	    /* the greatest epoch asked for */
	struct stale_place skipped; /* the last stale record passed over */
	uint8_t depths[TREE_IDS];   /* the greatest depth seen of each kind of tree */
	/* scope.c: transactions, and what they hold */
	uint32_t prepared_count; /* that hold something */
	struct table prepared;	 /* struct prepared, by id */
	struct list preparations;
	struct table scopes;
	struct table held_objects;
	uint64_t intents_group; /* of their newest step */
	uint64_t floor;		/* transactions must be newer */
	struct stamps *stamps;	/* NULL: nothing was read yet */
	uint64_t stamped;	/* the newest of all, minor bits set */
	uint64_t stamps_lost;	/* likewise, of those for which there was no memory */
};

struct vos_container {
	struct list link;
	struct vos *vos;
	struct uuid id;
	uint32_t references;
	bool destroyed;
	uint64_t root;	/* offset of struct container_root */
	uint64_t guard; /* changes must be newer */
	uint64_t newest_group;
	uint64_t folded_group; /* newest of all entries that were evicted */
	struct table objects;  /* struct object_entry */
	struct list aged;      /* the same, oldest change first */
};

/* The newest group of an object. */
struct object_entry {
	struct table_node node;
	struct list aged;
	struct vos_object object;
	uint64_t group;
};

/* Notes that group changed object. */
void container_note(struct vos_container *container, const struct vos_object *object,
		    uint64_t group);
/* The group to wait for before answering from object. */
uint64_t container_group(const struct vos_container *container, const struct vos_object *object);

/* Closes those that nobody uses, which are all. */
void containers_fini(struct vos *vos);

/* Checks what every call checks: -DER_NONEXIST for a destroyed container. */
MUST_USE int container_check(const struct vos_container *container);

/* The open container with id, or NULL. */
struct vos_container *container_opened(const struct vos *vos, const struct uuid *id);

/* ------------------------------------------------ collect_snapshots.c */

/* The snapshots of a container, as vos_set_snapshots() was told. */
struct snapshot_set {
	struct table_node node;
	struct uuid container;
	uint64_t removals; /* how often some were taken away */
	bool sweep;	   /* objects that are parked may have become free */
	bool sweep_begun;
	struct vos_object sweep_after; /* behind what is done */
	uint32_t count;
	uint64_t epochs[]; /* ascending */
};

/* NULL where nothing may be collected yet. Valid until the next yield. */
struct snapshot_set *snapshots_of(const struct vos *vos, const struct uuid *container);
uint64_t snapshots_newest(const struct vos *vos, const struct uuid *container); /* 0: none */
void snapshots_forget(struct vos *vos, const struct uuid *container);
void snapshots_fini(struct vos *vos);

/* The first of set not below epoch, UINT64_MAX: none; the last one below it, 0: none; how many lie
 * from first to last. */
uint64_t snapshots_from(const struct snapshot_set *set, uint64_t epoch);
uint64_t snapshots_below(const struct snapshot_set *set, uint64_t epoch);
uint32_t snapshots_between(const struct snapshot_set *set, uint64_t first, uint64_t last);

/* Whether the container can be read at epoch: -DER_TX_RESTART where that was collected. */
MUST_USE int snapshots_check(struct pin *pin, const struct vos_container *container,
			     uint64_t epoch);

/* ------------------------------------------------ key.c */

extern const struct btree_kind tree_kinds[TREE_IDS];

/* A key as the trees order it. */
struct ordered_key {
	const struct btree_kind *kind;
	uint64_t order;
	uint64_t hash; /* second hash of hashed keys */
	enum key_order key_order;
	struct vos_key key;
	struct vos_object object; /* of objects */
};

/* -DER_INVAL, -DER_KEY2BIG. key's bytes are borrowed. */
MUST_USE int dkey_order(const struct vos_object *object, struct vos_key key,
			struct ordered_key *ret_key);
MUST_USE int akey_order(const struct vos_object *object, struct vos_key key,
			struct ordered_key *ret_key);
void object_order(const struct vos_object *object, struct ordered_key *ret_key);
/* Two hashes of the key's bytes. */
void key_name_hash(const struct ordered_key *key, uint64_t ret_hash[2]);
/* As of a tree of dkeys or akeys. */
MUST_USE int kind_order(const struct btree_kind *kind, struct vos_key key,
			struct ordered_key *ret_key);
const struct btree_kind *dkey_kind(struct object_id id);
const struct btree_kind *akey_kind(struct object_id id);

/* The key's bytes in the heap. */
MUST_USE int entity_key(struct pin *pin, const struct entity *entity, struct vos_key *ret_key);

/* ------------------------------------------------ entity.c */

/* What a look-up saw of an object, dkey or akey. */
struct seen {
	uint64_t offset; /* of its record; 0: absent */
	bool visible;
	uint64_t bound; /* nothing up to this epoch is visible beneath */
};

/* Checks type and version. -DER_IO. */
MUST_USE int entity_get(struct pin *pin, enum record_type type, uint64_t offset,
			const struct entity **ret_entity);
MUST_USE int akey_get(struct pin *pin, uint64_t offset, const struct akey_record **ret_akey);

static inline enum record_type
entity_type(const struct btree_kind *kind)
{
	if (kind->id == TREE_OBJECTS)
		return RECORD_OBJECT;
	return kind->id <= TREE_DKEYS_INTEGER ? RECORD_DKEY : RECORD_AKEY;
}

static inline uint64_t
children_of(uint64_t entity)
{
	return entity + offsetof(struct entity, children);
}

/* Which incarnation is seen at epoch when nothing up to bound is visible. */
MUST_USE int life_look(struct pin *pin, const struct life *life, uint64_t epoch, uint64_t bound,
		       struct seen *seen);

/*
 * Finds key in the tree at parent (0: none) and how it is seen at epoch. 0 also where it is absent.
 */
MUST_USE int entity_find(struct pin *pin, uint64_t parent, const struct ordered_key *key,
			 uint64_t epoch, uint64_t bound, struct seen *ret_seen);

struct edit;

/*
 * As above for a change at edit's epoch: pins all that entity_enter() and entity_punch() may
 * change. -DER_TX_RESTART when the epoch is not above what is recorded. wide: as of
 * btree_probe_wide().
 */
MUST_USE int entity_probe(struct edit *edit, uint64_t parent, const struct ordered_key *key,
			  uint64_t bound, bool wide, struct seen *ret_seen);

/*
 * The last step of a check: pins what stale_note() needs when the change leaves something to
 * collect in the object at offset (0: absent, nothing to do). In apply stale_note() puts the object
 * among the stale ones, once.
 */
MUST_USE int stale_probe(struct edit *edit, uint64_t object);
void stale_note(struct edit *edit, uint64_t object);
void stale_need(struct edit *edit);

/* Makes the entity exist at edit's epoch, if it does not, and notes the write. Its offset. */
uint64_t entity_enter(struct edit *edit, uint64_t parent, const struct ordered_key *key,
		      uint64_t bound);

/* Notes a write beneath an entity. */
void entity_touch(struct edit *edit, uint64_t offset);
/* A dkey of the object came or went. */
void object_rename(struct edit *edit, uint64_t offset);

/* Punches a visible entity. */
void entity_punch(struct edit *edit, uint64_t offset);

/* Marks an entity as having something to collect. */
void entity_mark(struct edit *edit, uint64_t offset, uint8_t flags);

/* Pins what entity_punch() changes. */
MUST_USE int entity_punch_probe(struct edit *edit, uint64_t offset);

void entity_need(struct edit *edit, const struct ordered_key *key);
/* As above but for the insert itself. */
void entity_parts_need(struct edit *edit, const struct ordered_key *key);

/* ------------------------------------------------ edit.c */

/*
 * What a change reserves for. It starts small; a check that meets more raises it and returns
 * EDIT_AGAIN, and the change is prepared again.
 */
struct edit_budget {
	bool incarnations;
	uint32_t overlaps;    /* per call */
	uint32_t akeys;	      /* inserts into the tree of akeys */
	uint32_t akeys_depth; /* of that tree */
	uint32_t requests;    /* capacity of a client's ring */
};

/* What a change touches: an object, dkeys of it, or akeys of one dkey. */
struct touch {
	const struct vos_object *object;
	const struct ordered_key *dkey; /* of akeys; else NULL */
	const struct ordered_key *keys; /* NULL: the object */
	uint32_t count;
	size_t stride; /* bytes from key to key */
};

struct prepared;

/* One change of a store under way. */
struct edit {
	struct vos *vos;
	struct vos_container *container; /* NULL: of the store */
	const struct vos_object *object;
	const struct vos_change *change;
	uint64_t epoch;
	struct tx tx;
	struct tx_need need;
	struct edit_budget budget;
	uint64_t client; /* request.c: offset of the client's record */
	bool answered;	 /* the request was executed before */
	int32_t answer;
	bool stales;	  /* check: the change leaves something to collect */
	bool stale_first; /* and the object is not yet among the stale ones */
	void *plan;	  /* of the operation */
	/* transactions */
	const struct touch *touch; /* NULL: nothing that they hold */
	struct prepared *prepared; /* that it is part of; else NULL */
	bool applying;		   /* a change that was judged when it was prepared */
	bool blocked;		   /* check: it waits for blocker */
	struct uuid blocker;
};

/* The steps of a kind of change. */
struct edit_steps {
	int (*prepare)(struct edit *edit); /* before the transaction; may be NULL; *Yields* */
	void (*need)(struct edit *edit);   /* adds to edit->need */
	int (*payload)(struct edit *edit); /* hands payload over; may be NULL; *Yields* */
	int (*check)(struct edit *edit);   /* pins all that apply will change */
	void (*apply)(struct edit *edit);
};

/* container, object and change may be NULL. All is borrowed. */
void edit_init(struct edit *edit, struct vos *vos, struct vos_container *container,
	       const struct vos_object *object, const struct vos_change *change);

/*
 * Takes the steps, the last two in one NO_YIELD scope. On refusal waits until what check looked at
 * is durable. *Yields*.
 */
MUST_USE int edit_run(struct edit *edit, const struct edit_steps *steps, uint64_t *ret_group);

/* Adds the need of one insert, or of one removal, in a tree of this kind. */
void edit_need(struct edit *edit, uint32_t tree);
void edit_need_removal(struct edit *edit, uint32_t tree);

/* Adds the need of count inserts in one tree of this depth. */
void edit_need_many(struct edit *edit, uint32_t tree, uint32_t depth, uint32_t count);

/* Adds a block and its bytes. */
void edit_need_block(struct edit *edit, size_t size);

/* As btree_probe(), having found that edit_need() sufficed. */
MUST_USE int edit_probe(struct edit *edit, uint32_t tree, uint64_t root, uint64_t order,
			const void *wanted, bool wide, struct btree_cursor *ret_cursor);

/* As btree_probe_last(), likewise. */
MUST_USE int edit_probe_last(struct edit *edit, uint32_t tree, uint64_t root,
			     struct btree_cursor *ret_cursor);

/* As edit_probe() where the key must be absent: 0, or -DER_IO for one that is there. */
MUST_USE int edit_probe_new(struct edit *edit, uint32_t tree, uint64_t root, uint64_t order,
			    const void *wanted);

static inline struct pin *
edit_pin(struct edit *edit)
{
	return &edit->tx.pin;
}

/* Puts a tree into the dead; in apply, after dead_probe(). The root's owner forgets it. */
MUST_USE int dead_probe(struct edit *edit);
void dead_add(struct edit *edit, enum tree_id tree, enum tree_id child,
	      const struct btree_root *root);

/* ------------------------------------------------ request.c */

MUST_USE int request_check(struct edit *edit);
void request_note(struct edit *edit);
void request_need(struct edit *edit);

/* Forgets clients whose requests are all older than the horizon, one for a credit. *Yields*. */
MUST_USE int requests_collect(struct vos *vos, uint32_t *credits);

/* ------------------------------------------------ blob.c */

/* One extent or single value to be stored. */
struct value_plan {
	uint64_t start; /* record; 0 for single values */
	uint64_t count;
	uint64_t record_size;
	uint64_t byte_start;
	uint32_t bytes;
	bool hole;
	size_t payload_offset;
	const struct iovec *payload; /* of the akey */
	uint32_t payload_count;
	uint32_t sum_count;
	uint32_t *sums;
	uint32_t extent_count;
	struct data_extent *extents; /* BLOB_EXTENTS_MAX, in the data space; NULL: in the heap */
	uint32_t tail;		     /* bytes of it in a block of their own */
	uint64_t blob;		     /* stored by a transaction; 0: to be made */
	bool shared;		     /* blob belongs to others, too */
};

/* Fills in or verifies value->sums. -DER_CSUM. */
MUST_USE int value_sum(const struct value_plan *value, const uint32_t *sums);

/* Reserves data space and hands the payload over. *Yields*. */
MUST_USE int value_write(struct tx *tx, struct value_plan *value);

/* Decides which part of a value in the heap gets a block of its own. */
void value_cut(struct value_plan *value);

/* Adds the need of the value's blocks in the heap. */
void value_need(struct edit *edit, const struct value_plan *value);

/* Makes the blob, if it was not stored before; in apply. */
uint64_t blob_create(struct tx *tx, const struct value_plan *value, uint64_t near);

/* Asks for the first bytes of a blob, which is about to be read, all at once. */
static inline void
blob_expect(struct pin *pin, uint64_t offset)
{
	const uint8_t *blob = heap_at(pin, offset, sizeof(struct blob));

	for (uint32_t i = 0; blob && i < 3; i++)
		__builtin_prefetch(blob + i * 64u);
}

/* The whole block of a blob, checked, its tail pinned. -DER_IO. */
MUST_USE int blob_get(struct pin *pin, uint64_t offset, const struct blob **ret_blob);
size_t blob_size(const struct blob *blob);

/* The other block of a blob, which was checked; 0: none. */
uint64_t blob_tail(const struct blob *blob);
size_t blob_tail_size(const struct blob *blob);

/* Bytes of a copy of a blob that was checked, which is in one piece; makes it. */
size_t blob_whole_size(const struct blob *blob);
void blob_gather(struct pin *pin, const struct blob *blob, struct blob *copy);

/* Extents in the data space. */
static inline uint32_t
blob_extent_count(const struct blob *blob)
{
	return (blob->flags & BLOB_DATA) != 0 ? blob->extent_count : 0;
}
const uint32_t *blob_sums(const struct blob *blob);
const struct data_extent *blob_extents(const struct blob *blob);
const uint8_t *blob_payload(const struct blob *blob);

/* Reads a value, of which blob is a copy, and compares it with its sums; buffer: aligned, size a
 * multiple of PIECE_LARGE and DISK_BLOCK. Under data_hold(). -DER_CSUM. *Yields*. */
MUST_USE int blob_verify(struct heap *heap, const struct blob *blob, uint8_t *buffer, size_t size);

/* One reference more or less; the last one frees blob and blocks. In apply, after blob_get(). */
void blob_reference(struct tx *tx, uint64_t offset);
void blob_release(struct tx *tx, uint64_t offset);

/* ------------------------------------------------ update.c */

/* As vos_update() of one akey with values that are stored already (0 for holes), which are shared.
 * They must stay until it ended. */
MUST_USE int update_shared(struct vos_container *container, const struct vos_object *object,
			   struct vos_key dkey, const struct vos_akey *akey, const uint64_t *blobs,
			   const struct vos_change *change, uint64_t *ret_group);

/* ------------------------------------------------ single.c, array.c */

/* A value written to an akey. check: pins; -DER_TX_RESTART, EDIT_AGAIN. akey may be 0 (absent). */
MUST_USE int single_check(struct edit *edit, uint64_t akey);
void single_apply(struct edit *edit, uint64_t akey, const struct value_plan *value);
void single_need(struct edit *edit);

/* overlaps: counts what is overwritten in the call. */
MUST_USE int array_check(struct edit *edit, uint64_t akey, const struct value_plan *value,
			 uint32_t *overlaps);
/* Returns whether something was overwritten. */
bool array_apply(struct edit *edit, uint64_t akey, const struct value_plan *value);
void array_need(struct edit *edit, uint32_t extents); /* of one akey */
void array_overlaps_need(struct edit *edit, uint32_t overlaps);

/*
 * Moves up to OVERLAPS_MAX extents that lie inside [start, start + count) out of the way, readable
 * as before. *ret_moved of them.
 */
MUST_USE int array_displace_check(struct edit *edit, uint64_t akey, uint64_t start, uint64_t count,
				  uint32_t *ret_moved);
void array_displace_apply(struct edit *edit, uint64_t akey, uint64_t start, uint64_t count);

/* The version of a single value seen. -DER_NONEXIST. */
MUST_USE int single_look(struct pin *pin, uint64_t akey, uint64_t epoch, uint64_t bound,
			 struct extent_record *ret_version);

/* A part of an array as seen at an epoch. */
struct piece {
	uint64_t start, count;
	uint64_t epoch;
	uint64_t blob; /* 0: a hole */
};

struct piece_list {
	struct arena *arena;
	uint32_t limit; /* array_look() may end after so many; 0: none */
	uint32_t count, capacity;
	struct piece *pieces;
};
void piece_list_fini(struct piece_list *list);
MUST_USE int piece_list_add(struct piece_list *list, struct piece piece);

/* The pieces seen of records [from, to), in order, disjoint, holes among them where they were
 * punched. to is exclusive. */
MUST_USE int array_look(struct pin *pin, uint64_t akey, uint64_t from, uint64_t to, uint64_t epoch,
			uint64_t bound, struct piece_list *list);

/* As array_look() of [0, to), but from the last piece to the first one. */
MUST_USE int array_look_back(struct pin *pin, uint64_t akey, uint64_t to, uint64_t epoch,
			     uint64_t bound, struct piece_list *list);

/* The first or last piece with data. -DER_NONEXIST. */
MUST_USE int array_edge(struct pin *pin, uint64_t akey, bool last, uint64_t epoch, uint64_t bound,
			struct arena *arena, struct piece *ret_piece);

/* ------------------------------------------------ reading */

/* A reading attempt: finds object and dkey; the caller goes on from there. */
struct look {
	struct vos_container *container;
	const struct vos_object *object;
	uint64_t epoch;
	struct pin pin;
	struct seen object_seen, dkey_seen;
	struct uuid blocker; /* after EDIT_AGAIN: to wait for */
};
MUST_USE int look_object(struct look *look);
MUST_USE int look_dkey(struct look *look, const struct ordered_key *dkey);

/* ------------------------------------------------ scope.c, stamps.c, transaction.c */

void prepared_init(struct vos *vos);
void prepared_fini(struct vos *vos);
void stamps_fini(struct vos *vos);

/* Finds the transactions in the heap, and forgets what was not complete. *Yields*. */
MUST_USE int intents_open(struct vos *vos);

/* Whether transactions of a container of this name are known. */
bool prepared_names(const struct vos *vos, const struct uuid *container);

/* As touch_judge(), where it is not known that nothing is held and nothing was read. */
MUST_USE int touch_judge_all(struct edit *edit);

/*
 * Whether nobody else holds what the change touches, and nobody has read it later. EDIT_AGAIN: it
 * waits for edit->blocker. -DER_TX_RESTART.
 */
MUST_USE static inline int
touch_judge(struct edit *edit)
{
	if (LIKELY(edit->vos->prepared_count == 0 && edit->epoch > edit->vos->stamped))
		return 0;
	return touch_judge_all(edit);
}

/*
 * Whether a read at look's epoch meets nothing prepared: of the whole container (no object), an
 * object (no dkey), or a dkey. EDIT_AGAIN: it waits for look->blocker.
 */
MUST_USE int look_judge_all(struct look *look, const struct vos_object *object,
			    const struct ordered_key *dkey);

MUST_USE static inline int
look_judge(struct look *look, const struct vos_object *object, const struct ordered_key *dkey)
{
	if (LIKELY(look->container->vos->prepared_count == 0))
		return 0;
	return look_judge_all(look, object, dkey);
}

/* Waits until the transaction takes a step, if it is known. -DER_TIMEDOUT, -DER_CANCELED. *Yields*.
 */
MUST_USE int prepared_wait(struct vos *vos, const struct uuid *id);

/* Positions in a tree of entities: sets one after the record at cursor; finds the record after it.
 */
MUST_USE int position_set(struct pin *pin, const struct btree_kind *kind,
			  const struct btree_cursor *cursor, struct vos_position *position);
MUST_USE int position_find(struct pin *pin, const struct btree_kind *kind, uint64_t root,
			   const struct vos_position *position, struct btree_cursor *ret_cursor);
