/* SPDX-License-Identifier: BSD-2-Clause-Patent */
/*
 * Destruction of a container takes effect by one proposal, which leaves a mark until the container
 * is gone from every target. Its handles are closed before.
 */
#include "daos_types.h"

#include "container/private.h"

/* ------------------------------------------------ after the proposal */

static int
target_erase(void *argument, uint32_t target, struct vos *vos)
{
	const struct uuid *id = argument;
	uint64_t group;
	int rc = vos_container_destroy(vos, *id, &group);

	(void)target;
	if (rc == 0)
		rc = media_wait(heap_media(vos_heap(vos)), group);
	return rc == -DER_NONEXIST ? 0 : rc;
}

int
container_erase(struct pool *pool, const struct uuid *id)
{
	struct uuid copy = *id;
	struct container_key prefix, key;
	const struct metadb_write write = {.key = container_key(&key, KEY_DESTROYING, id),
					   .remove = true};
	const struct metadb_proposal proposal = {
		.writes = &write, .write_count = 1, .privileged = true};
	int rc = pool_each_target(pool, target_erase, &copy);

	container_attribute_prefix(&prefix, id);
	if (rc == 0)
		rc = keys_remove(pool_metadb(pool), prefix.text);
	if (rc == 0)
		rc = container_snapshots_erase(pool, id);
	return rc == 0 ? metadb_propose(pool_metadb(pool), &proposal, NULL) : rc;
}

/* ------------------------------------------------ the proposal */

static int
removal_propose(struct pool *pool, const struct container_record *container,
		const struct request_id *request)
{
	struct container_key keys[6];
	const struct metadb_write writes[] = {
		{.key = container_key(&keys[0], KEY_CONTAINER, &container->id), .remove = true},
		{.key = container_key(&keys[1], KEY_PROPERTIES, &container->id), .remove = true},
		{.key = container_key(&keys[2], KEY_TIMES, &container->id), .remove = true},
		{.key = container_key(&keys[3], KEY_OIDS, &container->id), .remove = true},
		{.key = container_key(&keys[4], KEY_DESTROYING, &container->id),
		 .value = {container->id.bytes, 16}},
		{.key = container_label_key(&keys[5], container->label), .remove = true},
	};
	const struct metadb_proposal proposal = {
		.request = request,
		.writes = writes,
		.write_count = container->label[0] ? 6 : 5,
		.privileged = true,
	};

	return metadb_propose(pool_metadb(pool), &proposal, NULL);
}

/* Either list may allow it: the pool's, which the handle's rights come from, or the container's. */
static int
destroy_judge(struct containers *containers, struct pool *pool, const struct pool_access *access,
	      const struct uuid *id)
{
	struct caller *caller;
	uint32_t rights = 0;
	bool owns = false;
	int rc;

	if (access->flags == DAOS_PC_RO)
		return error_raise(-DER_NO_PERM, "the pool is connected read-only: connect with "
						 "DAOS_PC_RW");
	if (access->capabilities & PROTO_CAN_DELETE)
		return 0;
	rc = caller_create(containers->node, &access->credentials, &caller);
	if (rc)
		return rc;
	rc = container_rights(pool, id, caller, &rights, &owns);
	if (rc == 0 && !(rights & PROTO_CAN_DELETE))
		rc = error_raise(-DER_NO_PERM,
				 "neither the pool's access list nor the container's gives %s the "
				 "right d, to destroy it",
				 caller->principal.user);
	caller_destroy(caller);
	return rc;
}

/* The pool is locked. */
static int
destroy_locked(struct containers *containers, struct pool *pool, const struct pool_access *access,
	       const struct proto_container_destroy *wanted, const struct request_id *request)
{
	struct container_record container;
	struct handle_filter filter = {.container = &container.id};
	uint32_t open;
	int rc = container_find(pool, &wanted->container, &container), erased;

	if (rc == 0)
		rc = destroy_judge(containers, pool, access, &container.id);
	if (rc)
		return rc;
	open = container_handle_count(containers->node, &filter);
	if (open > 0 && !wanted->force)
		return error_raise(-DER_BUSY,
				   "%u handles have the container open: close them, or use force",
				   open);
	rc = container_handles_close(containers, pool, &filter);
	if (rc == 0)
		rc = removal_propose(pool, &container, request);
	if (rc)
		return rc == -DER_ALREADY ? 0 : rc;
	pool_modified(pool);
	erased = container_erase(pool, &container.id);
	if (erased)
		error_log(LOG_WARNING, erased, "a destroyed container stays until the next start");
	return 0;
}

int
container_destroy(struct containers *containers, struct rpc_request *request)
{
	struct proto_container_destroy wanted;
	struct metadb_bytes answer;
	struct pool_access access;
	struct pool *pool;
	int rc = proto_container_destroy_decode(&request->body, &wanted);

	if (rc == 0)
		rc = pool_of_handle(containers->pools, wanted.pool_handle, &pool, &access);
	if (rc)
		return rc;
	fiber_mutex_lock_plain(pool_lock(pool));
	rc = metadb_answered(pool_metadb(pool), &request->id, &answer);
	if (rc == 0)
		metadb_bytes_free(pool_metadb(pool), &answer);
	else if (rc == -DER_NONEXIST)
		rc = destroy_locked(containers, pool, &access, &wanted, &request->id);
	fiber_mutex_unlock(pool_lock(pool));
	pool_put(pool);
	return rc;
}
