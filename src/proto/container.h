/* SPDX-License-Identifier: BSD-2-Clause-Patent */
/* Messages of the container service. Conventions: proto/system.h. Every body begins with the pool
 * or container handle. */
#pragma once

enum proto_container_operation {
	PROTO_CONTAINER_CREATE = PROTO_CONTAINER + 1,
	PROTO_CONTAINER_DESTROY,
	PROTO_CONTAINER_OPEN,
	PROTO_CONTAINER_CLOSE,		/* body: container handle */
	PROTO_CONTAINER_QUERY,		/* body: container handle, u8 properties wanted */
	PROTO_CONTAINER_SET_PROPERTIES, /* body: container handle, properties */
	PROTO_CONTAINER_SET_ATTRIBUTES,
	PROTO_CONTAINER_GET_ATTRIBUTES,
	PROTO_CONTAINER_LIST_ATTRIBUTES,
	PROTO_CONTAINER_DELETE_ATTRIBUTES,
	PROTO_CONTAINER_ALLOCATE_OIDS, /* body: container handle, u64 count; answer: u64 first */
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
