/* SPDX-License-Identifier: BSD-2-Clause-Patent */
/* Messages of the object service; one request goes to one shard. Conventions: proto/system.h. */
#pragma once

enum proto_object_operation {
	PROTO_OBJECT_UPDATE = PROTO_OBJECT + 1,
	PROTO_OBJECT_FETCH,
	PROTO_OBJECT_PUNCH_OBJECT,
	PROTO_OBJECT_PUNCH_DKEYS,
	PROTO_OBJECT_PUNCH_AKEYS,
	PROTO_OBJECT_LIST,
	PROTO_OBJECT_QUERY_KEY,
	PROTO_OBJECT_COMMIT,
};

/* Bytes of a key; akeys in one request. */
#define PROTO_OBJECT_KEY_MAX (16u * 1024)
#define PROTO_OBJECT_AKEYS_MAX 128u

/* Begins the body of every object request. */
struct proto_object {
	struct uuid pool;
	struct uuid handle; /* of the container, as opened */
	struct object_id id;
	uint32_t shard;
	uint32_t target;     /* number in the pool map */
	uint64_t epoch;	     /* 0: the target draws it (updates) or reads the newest (fetch) */
	uint32_t conditions; /* DAOS_COND_* */
	uint32_t flags;	     /* of the operation */
	/* Not empty: of a transaction, whose reads count. Where epoch is 0 the target draws the
	 * epoch of a read, too, and the answer tells it. */
	struct uuid transaction;
};

struct proto_extent {
	uint64_t index, count;
};

/* Kinds of value, the numbers of DAOS_IOD_*. */
enum proto_value { PROTO_VALUE_SINGLE = 1, PROTO_VALUE_ARRAY = 2 };

struct proto_akey {
	struct proto_text key;
	uint32_t type; /* DAOS_IOD_* */
	uint32_t conditions;
	uint64_t record_size; /* update; 0: punch. fetch: the caller's room for this akey, in bytes
			       */
	uint32_t extent_count;
	const struct proto_extent *extents; /* from the arena */
	uint32_t sum_count;		    /* update only */
	const uint32_t *sums;
};

/*
 * Update: the payload of all akeys, one after another, inline at the end of the body (bulk.key 0)
 * or in the caller's memory. Its sums are crc32c per piece as vos/vos.h defines them.
 */
struct proto_object_update {
	struct proto_object object;
	struct proto_text dkey;
	uint32_t akey_count;
	struct proto_akey *akeys;
	struct proto_bulk bulk;
	uint64_t payload_length;
	struct proto_text
		payload; /* inline; data NULL in the encoder: the caller appends the bytes */
};
void proto_object_update_encode(const struct proto_object_update *request, struct writer *writer);
MUST_USE int proto_object_update_decode(struct reader *reader, struct arena *arena,
					struct proto_object_update *ret_request);
void proto_object_update_free(struct arena *arena, struct proto_object_update *request);

enum proto_fetch_flag { PROTO_FETCH_SIZE_ONLY = 1, PROTO_FETCH_RUNS = 2 };

/*
 * Fetch: inline, the values of the akeys come one after another. In the bulk region each begins
 * where the room of those before it ends.
 */
struct proto_object_fetch {
	struct proto_object object;
	struct proto_text dkey;
	uint32_t akey_count;
	struct proto_akey *akeys; /* no sums */
	struct proto_bulk bulk;
	uint64_t payload_length; /* room at the caller for all akeys together */
};
void proto_object_fetch_encode(const struct proto_object_fetch *request, struct writer *writer);
MUST_USE int proto_object_fetch_decode(struct reader *reader, struct arena *arena,
				       struct proto_object_fetch *ret_request);
void proto_object_fetch_free(struct arena *arena, struct proto_object_fetch *request);

struct proto_fetched {
	uint64_t record_size;
	uint64_t length; /* bytes of this akey in the payload */
	uint32_t sum_count;
	const uint32_t *sums; /* from the arena */
	uint32_t run_count;
	const struct proto_extent *runs; /* from the arena */
};

struct proto_object_fetched {
	uint32_t akey_count;
	struct proto_fetched *akeys;
	bool pushed;	/* the payload went to the bulk region, else it is inline */
	uint64_t epoch; /* that a transaction read at; 0: not told */
	struct proto_text
		payload; /* inline; data NULL in the encoder: the server appends the bytes */
};
void proto_object_fetched_encode(const struct proto_object_fetched *reply, struct writer *writer);
MUST_USE int proto_object_fetched_decode(struct reader *reader, struct arena *arena,
					 struct proto_object_fetched *ret_reply);
void proto_object_fetched_free(struct arena *arena, struct proto_object_fetched *reply);

/* Punch of the object (no keys), of dkeys, or of akeys below one dkey. */
struct proto_object_punch {
	struct proto_object object;
	struct proto_text dkey; /* punch of akeys */
	uint32_t key_count;
	struct proto_text *keys; /* from the arena */
};
void proto_object_punch_encode(const struct proto_object_punch *request, struct writer *writer);
MUST_USE int proto_object_punch_decode(struct reader *reader, struct arena *arena,
				       struct proto_object_punch *ret_request);
void proto_object_punch_free(struct arena *arena, struct proto_object_punch *request);

/* One page of a listing; position is opaque to the client between pages: the bytes of struct
 * vos_position as encoded by the server. */
#define PROTO_POSITION_MAX 600u

/* OBJECTS: those of one target, whatever object is named; their keys are u64 low, u64 high, u32
 * shard.
 */
enum proto_list_level {
	PROTO_LIST_OBJECTS = 0,
	PROTO_LIST_DKEYS = 1,
	PROTO_LIST_AKEYS = 2,
	PROTO_LIST_EXTENTS = 3,
};
#define PROTO_LIST_OBJECT_KEY 20u

/* DOWN: extents from the last to the first. AT: from_key comes too. */
enum proto_list_flag { PROTO_LIST_DOWN = 1, PROTO_LIST_AT = 2 };

struct proto_object_list {
	struct proto_object object;
	uint32_t level;	     /* enum proto_list_level */
	uint32_t limit;	     /* entries; 0: only the position after from_key */
	uint64_t byte_limit; /* of keys in the answer */
	struct proto_text dkey, akey;
	struct proto_text position; /* empty: from the start */
	struct proto_text from_key; /* start after this key instead of a position */
	/* directories: also fetch this akey of each dkey, whole, into the entry */
	struct proto_text with_akey;
};
void proto_object_list_encode(const struct proto_object_list *request, struct writer *writer);
MUST_USE int proto_object_list_decode(struct reader *reader, struct proto_object_list *ret_request);

struct proto_list_entry {
	struct proto_text key;	     /* dkeys, akeys */
	uint32_t type;		     /* akeys */
	struct proto_extent extent;  /* extents */
	uint64_t record_size, epoch; /* extents */
	struct proto_text value;     /* with_akey */
};

struct proto_object_listed {
	uint32_t count;
	bool end;
	struct proto_list_entry *entries; /* from the arena */
	struct proto_text position;
	uint64_t epoch; /* that a transaction read at; 0: not told */
};
/* For a server that writes entries as it meets them: count, end and position of *reply, then so
 * many entries. */
void proto_listed_head_encode(const struct proto_object_listed *reply, struct writer *writer);
void proto_list_entry_encode(const struct proto_list_entry *entry, struct writer *writer);
void proto_object_listed_encode(const struct proto_object_listed *reply, struct writer *writer);
MUST_USE int proto_object_listed_decode(struct reader *reader, struct arena *arena,
					struct proto_object_listed *ret_reply);
void proto_object_listed_free(struct arena *arena, struct proto_object_listed *reply);

/* The numbers of DAOS_GET_*. */
enum proto_query {
	PROTO_QUERY_MAX = 1,
	PROTO_QUERY_MIN = 2,
	PROTO_QUERY_DKEY = 4,
	PROTO_QUERY_AKEY = 8,
	PROTO_QUERY_EXTENT = 16,
	/* With MAX and DKEY, for objects that use no dkey 0: an object without such a key is no
	 * error but answers dkey 0 and its newest write. */
	PROTO_QUERY_NEWEST = 32,
	/* The epoch is that in which a dkey last came or went, not that of the newest write. */
	PROTO_QUERY_RENAMED = 64,
};

struct proto_object_query {
	struct proto_object object; /* flags: DAOS_GET_* */
	struct proto_text dkey, akey;
};
void proto_object_query_encode(const struct proto_object_query *request, struct writer *writer);
MUST_USE int proto_object_query_decode(struct reader *reader,
				       struct proto_object_query *ret_request);

struct proto_object_queried {
	uint64_t dkey, akey;
	struct proto_extent extent;
	uint64_t record_size, epoch;
	uint64_t read_epoch; /* that a transaction read at; 0: not told */
};
void proto_object_queried_encode(const struct proto_object_queried *reply, struct writer *writer);
MUST_USE int proto_object_queried_decode(struct reader *reader,
					 struct proto_object_queried *ret_reply);

/* ------------------------------------------------ transactions */

/* Changes in one transaction, targets that take part, bytes of the changes' text, of all payload.
 */
#define PROTO_COMMIT_CHANGES_MAX 4096u
#define PROTO_COMMIT_PARTS_MAX 257u
#define PROTO_COMMIT_TEXT_MAX (1024u * 1024)
#define PROTO_COMMIT_PAYLOAD_MAX (4u * 1024 * 1024)

enum proto_change_kind {
	PROTO_CHANGE_UPDATE = 1,
	PROTO_CHANGE_PUNCH_OBJECT,
	PROTO_CHANGE_PUNCH_DKEYS,
	PROTO_CHANGE_PUNCH_AKEYS,
};

/* One change of a transaction: the request of that name without its payload. */
struct proto_change {
	uint32_t kind; /* enum proto_change_kind */
	uint32_t conditions;
	struct object_id id;
	uint32_t shard;
	struct proto_text dkey; /* update, punch of akeys */
	uint32_t count;		/* of akeys or keys */
	struct proto_akey *akeys;
	struct proto_text *keys;
};

/* What a transaction changes on one target, in this order. */
struct proto_change_part {
	uint32_t target;
	uint32_t change_count;
	struct proto_change *changes; /* from the arena */
};

/* The text of a transaction: the first part is its leader's. */
struct proto_object_changes {
	uint32_t part_count;
	struct proto_change_part *parts; /* from the arena */
};
void proto_object_changes_encode(const struct proto_object_changes *changes, struct writer *writer);
/* Borrows keys from what it reads. */
MUST_USE int proto_object_changes_decode(struct reader *reader, struct arena *arena,
					 struct proto_object_changes *ret_changes);
void proto_object_changes_free(struct arena *arena, struct proto_object_changes *changes);

/*
 * Commit: goes to the leader (object.target), under the transaction's id and epoch (0: it read
 * nothing, the leader draws one). Text and payload are each inline (key 0) or in the caller's
 * memory; the payload is that of all changes of all parts, one after another.
 */
struct proto_object_commit {
	struct proto_object object; /* of the leader's first change */
	struct proto_bulk text_bulk, payload_bulk;
	uint64_t text_length, payload_length;
	struct proto_text text;
	struct proto_text payload; /* data NULL in the encoder: the caller appends the bytes */
};
void proto_object_commit_encode(const struct proto_object_commit *request, struct writer *writer);
MUST_USE int proto_object_commit_decode(struct reader *reader,
					struct proto_object_commit *ret_request);
