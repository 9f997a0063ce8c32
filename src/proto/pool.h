/* SPDX-License-Identifier: BSD-2-Clause-Patent */
/* Messages of the pool service. Conventions: proto/system.h. */
#pragma once

enum proto_pool_operation {
	PROTO_POOL_CONNECT = PROTO_POOL + 1,
	PROTO_POOL_DISCONNECT, /* body: struct uuid handle */
	PROTO_POOL_QUERY,
	PROTO_POOL_SET_PROPERTIES, /* body: handle, properties */
	PROTO_POOL_SET_ATTRIBUTES, /* body: handle, attributes */
	PROTO_POOL_GET_ATTRIBUTES, /* body: handle, attributes (names only); answer: attributes */
	/* Body: handle, name to go on after (empty: from the first); answer: attributes (names
	 * only), u8 more. */
	PROTO_POOL_LIST_ATTRIBUTES,
	PROTO_POOL_DELETE_ATTRIBUTES, /* body: handle, attributes (names only) */
	/* Body: handle, id to go on after (null: from the first); answer: u32 count, names, u8
	 * more. */
	PROTO_POOL_LIST_CONTAINERS,
	PROTO_POOL_CHANGE_ACL,
	PROTO_POOL_QUERY_TARGET,
	PROTO_POOL_FILTER_CONTAINERS,
	PROTO_POOL_STOP_SERVICE, /* body: handle */
};

/* Rights of a pool or container handle; the numbers are those of DAOS_ACL_PERM_*. */
enum proto_capability {
	PROTO_CAN_READ = 1,
	PROTO_CAN_WRITE = 2,
	PROTO_CAN_CREATE = 4, /* containers */
	PROTO_CAN_DELETE = 8,
	PROTO_CAN_GET_PROPERTIES = 16,
	PROTO_CAN_SET_PROPERTIES = 32,
	PROTO_CAN_GET_ACL = 64,
	PROTO_CAN_SET_ACL = 128,
	PROTO_CAN_SET_OWNER = 256,
};

/* With the flags of connect: as an administrator, whatever the access list says. */
#define PROTO_CONNECT_ADMINISTRATOR UINT32_C(0x80000000)

struct proto_pool_connect {
	struct proto_name pool;
	struct uuid handle; /* drawn by the client */
	uint32_t flags;	    /* DAOS_PC_* */
};
void proto_pool_connect_encode(const struct proto_pool_connect *request, struct writer *writer);
MUST_USE int proto_pool_connect_decode(struct reader *reader,
				       struct proto_pool_connect *ret_request);

struct proto_pool_connected {
	struct uuid id;
	uint32_t capabilities;
	uint32_t reserved;
	struct proto_map map;
};
void proto_pool_connected_encode(const struct proto_pool_connected *reply, struct writer *writer);
MUST_USE int proto_pool_connected_decode(struct reader *reader, struct arena *arena,
					 struct proto_pool_connected *ret_reply);
void proto_pool_connected_free(struct arena *arena, struct proto_pool_connected *reply);

struct proto_pool_query {
	struct uuid handle;
	bool properties; /* wanted too */
};
void proto_pool_query_encode(const struct proto_pool_query *request, struct writer *writer);
MUST_USE int proto_pool_query_decode(struct reader *reader, struct proto_pool_query *ret_request);

/* Space of one tier: metadata (heaps) or data. */
struct proto_tier {
	uint64_t total, free;
	uint64_t target_free_min, target_free_max;
};

struct proto_pool_info {
	struct uuid id;
	uint32_t map_version;
	uint32_t targets, disabled_targets, engines;
	uint32_t leader; /* rank */
	uint32_t container_count, handle_count;
	uint64_t opened, modified;  /* HLC: newest open, newest change of metadata */
	struct proto_tier tiers[2]; /* metadata, data */
	struct proto_properties properties;
};
void proto_pool_info_encode(const struct proto_pool_info *info, struct writer *writer);
MUST_USE int proto_pool_info_decode(struct reader *reader, struct proto_pool_info *ret_info);

/* A change of an access list: entries put in, or one principal taken out. */
struct proto_acl_change {
	struct uuid handle; /* of the pool or container */
	bool remove;
	uint8_t type;		   /* remove: enum daos_acl_principal_type */
	struct proto_text name;	   /* remove: of a user or group */
	struct proto_text entries; /* else: a packed list */
};
void proto_acl_change_encode(const struct proto_acl_change *change, struct writer *writer);
MUST_USE int proto_acl_change_decode(struct reader *reader, struct proto_acl_change *ret_change);

/* One target of a pool. */
struct proto_target_query {
	struct uuid handle;
	uint32_t target, rank;
};
void proto_target_query_encode(const struct proto_target_query *request, struct writer *writer);
MUST_USE int proto_target_query_decode(struct reader *reader,
				       struct proto_target_query *ret_request);

struct proto_target_info {
	uint32_t state;	   /* DAOS_TS_* */
	uint64_t total[2]; /* metadata, data */
	uint64_t free[2];
};
void proto_target_info_encode(const struct proto_target_info *info, struct writer *writer);
MUST_USE int proto_target_info_decode(struct reader *reader, struct proto_target_info *ret_info);

/* Containers that meet conditions: PCF_COMBINE_*, PCF_FUNC_* and PCF_KEY_*. */
#define PROTO_CONDITIONS_MAX 8u
struct proto_condition {
	uint8_t function, key;
	uint64_t value;
};
struct proto_container_filter {
	struct uuid handle;
	struct uuid after; /* null: from the first */
	bool any;	   /* one condition is enough */
	uint32_t count;
	struct proto_condition conditions[PROTO_CONDITIONS_MAX];
};
void proto_container_filter_encode(const struct proto_container_filter *filter,
				   struct writer *writer);
MUST_USE int proto_container_filter_decode(struct reader *reader,
					   struct proto_container_filter *ret_filter);

/* The answer: a u32 count, so many of these, u8 more, and, if there are, the id to go on after. */
struct proto_container_entry {
	struct proto_name name;
	uint32_t handle_count, snapshot_count;
	uint64_t latest_snapshot;
	uint64_t opened, modified; /* HLC */
};
void proto_container_entry_encode(const struct proto_container_entry *entry, struct writer *writer);
MUST_USE int proto_container_entry_decode(struct reader *reader,
					  struct proto_container_entry *ret_entry);

/* User attributes: names and values. */
struct proto_attribute {
	struct proto_text name; /* at most PROTO_ATTRIBUTE_NAME_MAX */
	struct proto_text value;
	bool present; /* in an answer */
};
#define PROTO_ATTRIBUTE_NAME_MAX 511u
#define PROTO_ATTRIBUTE_VALUE_MAX (60u * 1024)
#define PROTO_ATTRIBUTES_MAX 256u

struct proto_attributes {
	uint32_t count;
	struct proto_attribute *items;
};
void proto_attributes_encode(const struct proto_attributes *attributes, struct writer *writer);
MUST_USE int proto_attributes_decode(struct reader *reader, struct arena *arena,
				     struct proto_attributes *ret_attributes);
void proto_attributes_free(struct arena *arena, struct proto_attributes *attributes);
