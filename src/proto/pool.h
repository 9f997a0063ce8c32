/* SPDX-License-Identifier: BSD-2-Clause-Patent */
/* Messages of the pool service. Conventions: proto/system.h. */
#pragma once

enum proto_pool_operation {
	PROTO_POOL_CONNECT = PROTO_POOL + 1,
	PROTO_POOL_DISCONNECT, /* body: struct uuid handle */
	PROTO_POOL_QUERY,
	PROTO_POOL_SET_PROPERTIES,  /* body: handle, properties */
	PROTO_POOL_SET_ATTRIBUTES,  /* body: handle, attributes */
	PROTO_POOL_GET_ATTRIBUTES,  /* body: handle, attributes (names only); answer: attributes */
	PROTO_POOL_LIST_ATTRIBUTES, /* body: handle; answer: attributes (names only) */
	PROTO_POOL_DELETE_ATTRIBUTES, /* body: handle, attributes (names only) */
	PROTO_POOL_LIST_CONTAINERS,   /* body: handle; answer: u32 count, names */
};

/* Rights of a pool or container handle. */
enum proto_capability {
	PROTO_CAN_READ = 1,
	PROTO_CAN_WRITE = 2,
	PROTO_CAN_CREATE = 4, /* containers */
	PROTO_CAN_DELETE = 8,
	PROTO_CAN_GET_PROPERTIES = 16,
	PROTO_CAN_SET_PROPERTIES = 32,
};

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
