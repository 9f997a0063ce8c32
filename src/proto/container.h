/* SPDX-License-Identifier: BSD-2-Clause-Patent */
/* Messages of the container service. Conventions: proto/system.h. Every body begins with the pool
 * or container handle. */
#pragma once

enum proto_container_operation {
	PROTO_CONTAINER_CREATE = PROTO_CONTAINER + 1,
	PROTO_CONTAINER_DESTROY,
	PROTO_CONTAINER_OPEN,
	PROTO_CONTAINER_CLOSE,		/* body: container handle */
	PROTO_CONTAINER_QUERY,		/* body: container handle, u8 enum proto_answer */
	PROTO_CONTAINER_SET_PROPERTIES, /* body: container handle, properties */
	PROTO_CONTAINER_SET_ATTRIBUTES,
	PROTO_CONTAINER_GET_ATTRIBUTES,
	PROTO_CONTAINER_LIST_ATTRIBUTES, /* as PROTO_POOL_LIST_ATTRIBUTES */
	PROTO_CONTAINER_DELETE_ATTRIBUTES,
	PROTO_CONTAINER_ALLOCATE_OIDS, /* body: container handle, u64 count; answer: u64 first */
};

enum proto_container_snapshot_operation {
	/* All take struct proto_snapshot_call. */
	PROTO_CONTAINER_CREATE_SNAPSHOT = PROTO_CONTAINER + 12, /* answer: u64 epoch */
	PROTO_CONTAINER_LIST_SNAPSHOTS, /* after epoch first; answer: struct proto_snapshots */
	/* From first to last, or the one of that name; answer: u32 how many. */
	PROTO_CONTAINER_DESTROY_SNAPSHOTS,
	PROTO_CONTAINER_FIND_SNAPSHOT, /* first or name; answer: as a page of one */
	PROTO_CONTAINER_MARK_SNAPSHOT, /* first: its flags become these */
	PROTO_CONTAINER_AGGREGATE,     /* up to first, 0: all that can be */
	PROTO_CONTAINER_ROLLBACK,      /* to first */
};

enum proto_container_access_operation {
	PROTO_CONTAINER_CHANGE_ACL = PROTO_CONTAINER + 24, /* struct proto_acl_change */
};

/* What a query is to answer besides times and counts. */
enum proto_answer {
	PROTO_ANSWER_PROPERTIES = 1,
	PROTO_ANSWER_ACL =
		2, /* fails where the handle may not read it; else it is left out there */
};

struct proto_container_create {
	struct uuid pool_handle;
	struct uuid id;			    /* drawn by the client */
	struct proto_properties properties; /* label among them */
};
void proto_container_create_encode(const struct proto_container_create *request,
				   struct writer *writer);
MUST_USE int proto_container_create_decode(struct reader *reader,
					   struct proto_container_create *ret_request);

struct proto_container_destroy {
	struct uuid pool_handle;
	struct proto_name container;
	bool force; /* although it is open */
};
void proto_container_destroy_encode(const struct proto_container_destroy *request,
				    struct writer *writer);
MUST_USE int proto_container_destroy_decode(struct reader *reader,
					    struct proto_container_destroy *ret_request);

struct proto_container_open {
	struct uuid pool_handle;
	struct uuid handle; /* drawn by the client */
	struct proto_name container;
	uint32_t flags; /* DAOS_COO_* */
};
void proto_container_open_encode(const struct proto_container_open *request, struct writer *writer);
MUST_USE int proto_container_open_decode(struct reader *reader,
					 struct proto_container_open *ret_request);

/* The answer to open and query. */
struct proto_container_info {
	struct uuid id;
	uint32_t capabilities;
	uint32_t handle_count;
	uint32_t snapshot_count;
	uint64_t latest_snapshot;
	uint64_t opened, modified; /* HLC */
	struct proto_properties properties;
};
void proto_container_info_encode(const struct proto_container_info *info, struct writer *writer);
MUST_USE int proto_container_info_decode(struct reader *reader,
					 struct proto_container_info *ret_info);

/* ------------------------------------------------ snapshots */

#define PROTO_SNAPSHOT_NAME_MAX 127u
/* In one page of a list. */
#define PROTO_SNAPSHOTS_MAX 512u

enum proto_snapshot_flag {
	PROTO_SNAPSHOT_OBJECTS = 2, /* it has a table of its objects; as DAOS_SNAP_OPT_OIT */
};

struct proto_snapshot_call {
	struct uuid handle;
	uint64_t first, last;	/* epochs */
	uint32_t flags;		/* enum proto_snapshot_flag */
	struct proto_text name; /* empty: none */
};
void proto_snapshot_call_encode(const struct proto_snapshot_call *request, struct writer *writer);
MUST_USE int proto_snapshot_call_decode(struct reader *reader,
					struct proto_snapshot_call *ret_request);

struct proto_snapshot {
	uint64_t epoch;
	uint32_t flags;
	struct proto_text name;
};

/* A page, ascending. */
struct proto_snapshots {
	uint32_t count;
	bool more;
	struct proto_snapshot *items;
};
void proto_snapshot_encode(const struct proto_snapshot *snapshot, struct writer *writer);
void proto_snapshots_encode(const struct proto_snapshots *snapshots, struct writer *writer);
/* The items are allocated, to be freed by proto_snapshots_free(); names are borrowed. */
MUST_USE int proto_snapshots_decode(struct reader *reader, struct arena *arena,
				    struct proto_snapshots *ret_snapshots);
void proto_snapshots_free(struct arena *arena, struct proto_snapshots *snapshots);
