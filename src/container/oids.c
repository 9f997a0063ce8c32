/* SPDX-License-Identifier: BSD-2-Clause-Patent */
/*
 * Object ids: a counter per container that never goes back. The answer is remembered with the
 * request, so that a repeated one gets the same range.
 */
#include "container/private.h"

/* The next free id and the version of its key. */
static int
counter_get(struct pool *pool, struct metadb_bytes key, uint64_t *ret_next, uint64_t *ret_version)
{
	struct metadb_bytes value;
	int rc = metadb_get(pool_metadb(pool), key, &value, ret_version);

	if (rc)
		return rc;
	if (value.length == sizeof(uint64_t))
		*ret_next = load_u64(value.data);
	else
		rc = error_raise(-DER_IO, "the pool's store is damaged: bad counter");
	metadb_bytes_free(pool_metadb(pool), &value);
	return rc;
}

/* One attempt; -DER_AGAIN when another allocation came first. */
static int
allocate(struct pool *pool, const struct uuid *container, uint64_t count,
	 struct rpc_request *request)
{
	uint8_t first[8], next[8];
	struct container_key key;
	const struct metadb_write write = {.key = container_key(&key, KEY_OIDS, container),
					   .value = {next, sizeof(next)}};
	struct metadb_condition condition = {.key = write.key};
	const struct metadb_proposal proposal = {
		.request = &request->id,
		.conditions = &condition,
		.condition_count = 1,
		.writes = &write,
		.write_count = 1,
		.result = {first, sizeof(first)},
	};
	struct metadb_bytes former = {NULL, 0};
	uint64_t start = 0;
	int rc = counter_get(pool, write.key, &start, &condition.version);

	if (rc)
		return rc;
	if (start > UINT64_MAX - count)
		return error_raise(-DER_OVERFLOW, "the container has no object ids left");
	store_u64(first, start);
	store_u64(next, start + count);
	rc = metadb_propose(pool_metadb(pool), &proposal, &former);
	if (rc == 0) {
		writer_bytes(&request->reply, first, sizeof(first));
	} else if (rc == -DER_ALREADY) {
		writer_bytes(&request->reply, former.data, former.length);
		metadb_bytes_free(pool_metadb(pool), &former);
		rc = 0;
	}
	return rc;
}

int
container_allocate_oids(struct containers *containers, struct rpc_request *request)
{
	struct uuid id = proto_uuid_decode(&request->body);
	uint64_t count = reader_u64(&request->body);
	struct container_handle handle;
	struct pool *pool;
	int rc;

	if (request->body.failed)
		return -DER_PROTO;
	if (count == 0 || count > OIDS_MAX)
		return error_raise(-DER_INVAL, "%lu object ids; 1 to %lu are possible",
				   (unsigned long)count, (unsigned long)OIDS_MAX);
	rc = container_of_handle(containers, id, PROTO_CAN_WRITE, &pool, &handle);
	if (rc)
		return rc;
	do
		rc = allocate(pool, &handle.container, count, request);
	while (rc == -DER_AGAIN);
	pool_put(pool);
	return rc;
}
