/* SPDX-License-Identifier: BSD-2-Clause-Patent */
/* The life of the container service, and its look-ups in a pool's store. */
#include <stdio.h>

#include "container/private.h"

/* ------------------------------------------------ look-ups */

int
container_get(struct pool *pool, const struct uuid *id, struct container_record *ret_container,
	      uint64_t *ret_version)
{
	struct metadb *metadb = pool_metadb(pool);
	struct container_key key;
	struct metadb_bytes value;
	int rc = metadb_get(metadb, container_key(&key, KEY_CONTAINER, id), &value, ret_version);

	if (rc)
		return rc;
	rc = container_record_decode(value, ret_container);
	metadb_bytes_free(metadb, &value);
	return rc;
}

static int
label_get(struct pool *pool, struct proto_text label, struct uuid *ret_id)
{
	char text[PROTO_LABEL_MAX + 1];
	struct container_key key;
	struct metadb_bytes value;
	int rc;

	if (label.length == 0 || label.length > PROTO_LABEL_MAX)
		return -DER_NONEXIST;
	snprintf(text, sizeof(text), "%.*s", (int)label.length, label.data);
	rc = metadb_get(pool_metadb(pool), container_label_key(&key, text), &value, NULL);
	if (rc)
		return rc;
	if (value.length == sizeof(ret_id->bytes))
		memcpy(ret_id->bytes, value.data, sizeof(ret_id->bytes));
	else
		rc = error_raise(-DER_IO, "the pool's store is damaged: bad label");
	metadb_bytes_free(pool_metadb(pool), &value);
	return rc;
}

int
container_find(struct pool *pool, const struct proto_name *name,
	       struct container_record *ret_container)
{
	struct uuid id = name->id;
	char text[UUID_TEXT_SIZE];
	int rc = uuid_empty(&id) ? label_get(pool, name->label, &id) : 0;

	if (rc == 0)
		rc = container_get(pool, &id, ret_container, NULL);
	if (rc != -DER_NONEXIST)
		return rc;
	if (uuid_empty(&name->id))
		return error_raise(rc, "no container of this pool has label \"%.*s\"",
				   (int)name->label.length, name->label.data);
	uuid_to_text(&id, text);
	return error_raise(rc, "this pool has no container %s", text);
}

int
container_times_get(struct pool *pool, const struct uuid *id, struct container_times *ret_times)
{
	struct container_key key;
	struct metadb_bytes value;
	int rc = metadb_get(pool_metadb(pool), container_key(&key, KEY_TIMES, id), &value, NULL);

	if (rc)
		return rc;
	rc = container_times_decode(value, ret_times);
	metadb_bytes_free(pool_metadb(pool), &value);
	return rc;
}

int
container_of_handle(struct containers *containers, struct uuid handle, uint32_t needed,
		    struct pool **ret_pool, struct container_handle *ret_handle)
{
	const struct handle_filter filter = {.id = &handle};
	const struct container_handle *found = container_handle_find(containers->node, &filter);
	int rc;

	if (found == NULL)
		return pools_unknown_handle(
			containers->pools,
			error_raise(-DER_NO_HDL,
				    "the container handle is not known: open it again"));
	*ret_handle = *found;
	rc = access_check(found->capabilities, needed, "container");
	if (rc)
		return rc;
	rc = pool_of_id(containers->pools, found->pool, ret_pool);
	return rc == -DER_NONEXIST ? -DER_NO_HDL : rc;
}

/* ------------------------------------------------ hooks of pools */

static void
pool_goes(void *owner, struct pool *pool)
{
	struct containers *containers = owner;
	struct uuid id = pool_id(pool);
	const struct handle_filter filter = {.pool = &id};

	container_handles_retract(containers->node, &filter);
}

/* The pool is locked by its service. */
static int
pool_handle_goes(void *owner, struct pool *pool, struct uuid handle)
{
	const struct handle_filter filter = {.pool_handle = &handle};

	return container_handles_close(owner, pool, &filter);
}

static int
count_visit(void *argument, struct metadb_bytes key, struct metadb_bytes value, uint64_t version)
{
	uint32_t *count = argument;

	(void)key;
	(void)value;
	(void)version;
	*count += 1;
	return 0;
}

static int
containers_count(void *owner, struct pool *pool, uint32_t *ret_count)
{
	uint32_t count = 0;
	int rc = metadb_list(pool_metadb(pool), metadb_text(KEY_CONTAINER),
			     (struct metadb_bytes){NULL, 0}, count_visit, &count);

	(void)owner;
	if (rc == 0)
		*ret_count = count;
	return rc;
}

/* ------------------------------------------------ start */

/* Handles of one pool, read before they are published: the listing must not yield to other loops.
 */
struct loading {
	struct containers *containers;
	struct pool *pool;
	uint32_t count, room;
	struct container_handle *handles;
};

static int
handle_visit(void *argument, struct metadb_bytes key, struct metadb_bytes value, uint64_t version)
{
	struct loading *loading = argument;
	struct container_handle *handle;

	(void)key;
	(void)version;
	if (loading->count == loading->room) {
		uint32_t room = loading->room ? 2 * loading->room : 16;
		void *larger = arena_realloc(loading->containers->arena, loading->handles,
					     room * sizeof(*handle));

		if (larger == NULL)
			return error_raise(-DER_NOMEM, "no memory for container handles");
		loading->handles = larger;
		loading->room = room;
	}
	handle = &loading->handles[loading->count];
	*handle = (struct container_handle){.pool = pool_id(loading->pool),
					    .map_version = pool_map_version(loading->pool)};
	loading->count++;
	return container_handle_decode(value, handle);
}

static int
handles_load(struct containers *containers, struct pool *pool)
{
	struct loading loading = {.containers = containers, .pool = pool};
	int rc = metadb_list(pool_metadb(pool), metadb_text(KEY_HANDLE),
			     (struct metadb_bytes){NULL, 0}, handle_visit, &loading);

	for (uint32_t i = 0; rc == 0 && i < loading.count; i++)
		rc = container_handle_publish(containers->node, &loading.handles[i]);
	arena_free(containers->arena, loading.handles);
	return rc;
}

struct first_key {
	bool found;
	struct uuid id;
};

static int
first_visit(void *argument, struct metadb_bytes key, struct metadb_bytes value, uint64_t version)
{
	struct first_key *first = argument;

	(void)key;
	(void)version;
	if (value.length != sizeof(first->id.bytes))
		return error_raise(-DER_IO, "the pool's store is damaged: bad record");
	memcpy(first->id.bytes, value.data, sizeof(first->id.bytes));
	first->found = true;
	return 1;
}

/* Containers that were destroyed, and not yet everywhere. */
static int
destructions_finish(struct pool *pool)
{
	struct first_key first = {.found = true};
	int rc = 0;

	while (rc == 0 && first.found) {
		first.found = false;
		rc = metadb_list(pool_metadb(pool), metadb_text(KEY_DESTROYING),
				 (struct metadb_bytes){NULL, 0}, first_visit, &first);
		rc = min_of(rc, 0);
		if (rc == 0 && first.found) {
			REACHED("container: a start finishes a destruction");
			rc = container_erase(pool, &first.id);
		}
	}
	return rc;
}

static int
pool_load(void *argument, struct pool *pool)
{
	int rc = handles_load(argument, pool), finished;

	if (rc)
		return rc;
	finished = destructions_finish(pool);
	if (finished)
		error_log(LOG_WARNING, finished,
			  "a destroyed container stays until the next start");
	rc = container_snapshots_start(argument, pool);
	if (rc == 0)
		container_rollbacks_finish(argument, pool);
	return rc;
}

int
containers_open(struct pools *pools, struct containers **ret_containers)
{
	struct node *node = pools_node(pools);
	struct arena *arena = loop_env(node->loops[0].loop)->arena;
	struct containers *containers = arena_calloc(arena, 1, sizeof(*containers));
	struct pool_hooks hooks = {.destroy = pool_goes,
				   .disconnect = pool_handle_goes,
				   .count = containers_count,
				   .owner = containers};
	int rc;

	if (containers == NULL)
		return error_raise(-DER_NOMEM, "no memory for the container service");
	containers->pools = pools;
	containers->node = node;
	containers->arena = arena;
	rc = pools_each(pools, pool_load, containers);
	if (rc) {
		arena_free(arena, containers);
		return rc;
	}
	pools_set_hooks(pools, &hooks);
	*ret_containers = containers;
	return 0;
}

void
containers_close(struct containers *containers)
{
	const struct pool_hooks none = {.owner = NULL};

	pools_set_hooks(containers->pools, &none);
	arena_free(containers->arena, containers);
}
