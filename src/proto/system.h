/* SPDX-License-Identifier: BSD-2-Clause-Patent */
/*
 * Messages of the system service: engines, and the pools that exist. Also what several services
 * share: names, properties, attributes, the pool map.
 *
 * Conventions of all proto/ headers: X_encode() appends to a writer (whose sticky error tells when
 * it overflowed); X_decode() reads and checks every length and value range, and returns 0,
 * -DER_PROTO, or -DER_NOMEM. Strings and bytes of a decoded struct are borrowed from the message;
 * arrays are allocated from the arena given, as one block each, and freed by X_free().
 */
#pragma once

enum proto_system_operation {
	PROTO_SYSTEM_QUERY = PROTO_SYSTEM + 1,
	PROTO_SYSTEM_POOL_CREATE,
	PROTO_SYSTEM_POOL_DESTROY,
	PROTO_SYSTEM_POOL_LIST,
	PROTO_SYSTEM_POOL_FIND,
	PROTO_SYSTEM_POOL_EVICT, /* body: name; answer: u32 handles that were dropped */
};

/*
 * The body of a reply whose status is a failure: what went wrong, why, and what to do about it; at
 * most PROTO_FAILURE_MAX bytes. Empty where there is nothing to add to the code.
 */
#define PROTO_FAILURE_MAX 512u
void proto_failure_encode(const char *text, struct writer *writer);
/* Cuts what does not fit; an empty text for a body that is none. */
void proto_failure_decode(struct reader *reader, char *text, size_t size);

/* Borrowed text of the message, not terminated. */
struct proto_text {
	const char *data;
	uint32_t length;
};

/* A UUID is its 16 bytes, without a version of its own. */
void proto_uuid_encode(struct uuid id, struct writer *writer);
struct uuid proto_uuid_decode(struct reader *reader);

#define PROTO_LABEL_MAX 127u
#define PROTO_ADDRESS_MAX 255u
#define PROTO_ADDRESSES_MAX 8u
#define PROTO_ENGINES_MAX 1024u
#define PROTO_TARGETS_MAX 65536u
/* Owners and groups: "user@" or "user@domain". */
#define PROTO_PRINCIPAL_MAX 255u

/* A property: a number, or bytes (text without its terminator, an encoded ACL). Numbers are those
 * of DAOS_PROP_*. */
struct proto_property {
	uint32_t type;
	bool is_bytes;
	uint64_t number;
	struct proto_text bytes;
};
#define PROTO_PROPERTIES_MAX 64u
#define PROTO_PROPERTY_BYTES_MAX (16u * 1024)

struct proto_properties {
	uint32_t count;
	struct proto_property items[PROTO_PROPERTIES_MAX];
};
void proto_properties_encode(const struct proto_properties *properties, struct writer *writer);
MUST_USE int proto_properties_decode(struct reader *reader,
				     struct proto_properties *ret_properties);
/* The property of a type, or NULL. */
const struct proto_property *proto_property_find(const struct proto_properties *properties,
						 uint32_t type);

/* ------------------------------------------------ the pool map, version 0: one domain */

enum proto_target_state { PROTO_TARGET_UP_IN = 4 }; /* numbers of DAOS_TS_* */

struct proto_engine {
	uint32_t rank;
	uint32_t targets;
	uint32_t loops;
	uint32_t state; /* 1: joined */
	struct uuid incarnation;
	uint32_t address_count;
	struct proto_text addresses[PROTO_ADDRESSES_MAX]; /* the Unix socket first */
};

/* Targets of a pool are numbered 0 .. count - 1 in the order of this table. */
struct proto_target {
	uint32_t rank;
	uint32_t index; /* on that engine */
	uint32_t tag;	/* of the loop that serves it */
	uint32_t state;
};

struct proto_map {
	uint32_t version;
	uint32_t placement; /* placement version of the pool */
	uint32_t engine_count;
	uint32_t target_count;
	struct proto_engine *engines;
	struct proto_target *targets;
};
void proto_map_encode(const struct proto_map *map, struct writer *writer);
MUST_USE int proto_map_decode(struct reader *reader, struct arena *arena,
			      struct proto_map *ret_map);
void proto_map_free(struct arena *arena, struct proto_map *map);

/* ------------------------------------------------ queries */

struct proto_system_query_reply {
	struct proto_text name;
	struct proto_text version; /* of the software */
	struct uuid id;		   /* of the system */
	uint32_t engine_count;
	struct proto_engine *engines;
};
void proto_system_query_reply_encode(const struct proto_system_query_reply *reply,
				     struct writer *writer);
MUST_USE int proto_system_query_reply_decode(struct reader *reader, struct arena *arena,
					     struct proto_system_query_reply *ret_reply);
void proto_system_query_reply_free(struct arena *arena, struct proto_system_query_reply *reply);

/* ------------------------------------------------ pools */

struct proto_pool_create {
	struct uuid id;		 /* null: the service draws one */
	bool thin;		 /* no size: share the directory's space */
	uint64_t metadata_bytes; /* over all targets; 0: derived from data_bytes (6 %) */
	uint64_t data_bytes;	 /* over all targets */
	struct proto_text owner; /* "user@" form; empty: from the caller's credentials */
	struct proto_text owner_group;
	struct proto_properties properties; /* label among them */
	/* Not 0: of the free storage, in 1/10000; the bytes are only a ratio then. */
	uint32_t share;
};
void proto_pool_create_encode(const struct proto_pool_create *request, struct writer *writer);
MUST_USE int proto_pool_create_decode(struct reader *reader, struct proto_pool_create *ret_request);

/* Answer to create: the id and what was allocated. */
struct proto_pool_created {
	struct uuid id;
	uint32_t targets;
	uint64_t metadata_bytes;
	uint64_t data_bytes;
};
void proto_pool_created_encode(const struct proto_pool_created *reply, struct writer *writer);
MUST_USE int proto_pool_created_decode(struct reader *reader, struct proto_pool_created *ret_reply);

/* A pool or container by id or, where that is null, by label. */
struct proto_name {
	struct uuid id;
	struct proto_text label;
};
void proto_name_encode(const struct proto_name *name, struct writer *writer);
MUST_USE int proto_name_decode(struct reader *reader, struct proto_name *ret_name);

struct proto_pool_destroy {
	struct proto_name pool;
	bool force;	/* although somebody is connected */
	bool recursive; /* although it has containers */
};
void proto_pool_destroy_encode(const struct proto_pool_destroy *request, struct writer *writer);
MUST_USE int proto_pool_destroy_decode(struct reader *reader,
				       struct proto_pool_destroy *ret_request);

/* The answer to find is one of these, to list a u32 count and so many. */
#define PROTO_RANKS_MAX 16u

struct proto_pool_entry {
	struct uuid id;
	struct proto_text label;
	uint32_t state; /* enum proto_pool_state */
	uint32_t rank_count;
	uint32_t ranks[PROTO_RANKS_MAX]; /* where its service runs */
};
enum proto_pool_state { PROTO_POOL_CREATING = 1, PROTO_POOL_READY = 2, PROTO_POOL_DESTROYING = 3 };
void proto_pool_entry_encode(const struct proto_pool_entry *entry, struct writer *writer);
MUST_USE int proto_pool_entry_decode(struct reader *reader, struct proto_pool_entry *ret_entry);
