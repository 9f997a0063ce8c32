/* SPDX-License-Identifier: BSD-2-Clause-Patent */
/*
 * Handles of open containers, known on every loop, and the container of an object operation. A
 * handle is published before the answer to open leaves, and retracted everywhere before a container
 * is destroyed on its targets.
 */
#include "container/private.h"

struct handle_table {
	struct table handles;
	struct arena *arena;
};

/* ------------------------------------------------ the table of a loop */

int
container_table_create(struct node *node)
{
	struct node_loop *here = node_here(node);
	struct arena *arena = loop_env(here->loop)->arena;
	struct handle_table *table = arena_calloc(arena, 1, sizeof(*table));

	if (table == NULL)
		return error_raise(-DER_NOMEM, "no memory for a table of handles");
	table_init(&table->handles, arena);
	table->arena = arena;
	here->handles = table;
	return 0;
}

static void
handle_free(struct handle_table *table, struct container_handle *handle)
{
	table_remove(&table->handles, &handle->node);
	arena_free(table->arena, handle);
}

void
container_table_destroy(struct node *node)
{
	struct node_loop *here = node_here(node);
	struct handle_table *table = here->handles;

	if (table == NULL)
		return;
	TABLE_FOR_EACH_SAFE(link, &table->handles) {
		handle_free(table, table_entry(link, struct container_handle, node));
	}
	table_fini(&table->handles);
	arena_free(table->arena, table);
	here->handles = NULL;
}

static bool
handle_equal(const void *key, const struct table_node *node)
{
	return uuid_equal(key, &table_entry(node, struct container_handle, node)->id);
}

static struct container_handle *
handle_of_id(struct handle_table *table, const struct uuid *id)
{
	struct table_node *node = table_find(&table->handles, uuid_hash(id), handle_equal, id);

	return node ? table_entry(node, struct container_handle, node) : NULL;
}

/* ------------------------------------------------ filters */

static bool
id_fits(const struct uuid *wanted, const struct uuid *id)
{
	return wanted == NULL || uuid_equal(wanted, id);
}

static bool
handle_fits(const struct handle_filter *filter, const struct container_handle *handle)
{
	return id_fits(filter->id, &handle->id) && id_fits(filter->pool, &handle->pool) &&
	       id_fits(filter->container, &handle->container) &&
	       id_fits(filter->pool_handle, &handle->pool_handle) &&
	       id_fits(filter->client, &handle->client) &&
	       (filter->user == NULL || (handle->user_known && handle->user == *filter->user));
}

struct container_handle *
container_handle_find(struct node *node, const struct handle_filter *filter)
{
	struct handle_table *table = node_here(node)->handles;

	if (filter->id) {
		struct container_handle *handle = handle_of_id(table, filter->id);

		return handle && handle_fits(filter, handle) ? handle : NULL;
	}
	TABLE_FOR_EACH(link, &table->handles) {
		struct container_handle *handle = table_entry(link, struct container_handle, node);

		if (handle_fits(filter, handle))
			return handle;
	}
	return NULL;
}

uint32_t
container_handle_count(struct node *node, const struct handle_filter *filter)
{
	struct handle_table *table = node_here(node)->handles;
	uint32_t count = 0;

	TABLE_FOR_EACH(link, &table->handles) {
		count += handle_fits(filter, table_entry(link, struct container_handle, node));
	}
	return count;
}

/* ------------------------------------------------ every loop */

struct handle_call {
	struct node *node;
	const struct container_handle *handle;
	const struct handle_filter *filter;
};

static int
publish_here(void *argument)
{
	struct handle_call *call = argument;
	struct handle_table *table = node_here(call->node)->handles;
	struct container_handle *copy;

	if (handle_of_id(table, &call->handle->id))
		return 0;
	copy = arena_alloc(table->arena, sizeof(*copy));
	if (copy == NULL)
		return error_raise(-DER_NOMEM, "no memory for a container handle");
	*copy = *call->handle;
	table_insert(&table->handles, uuid_hash(&copy->id), &copy->node);
	return 0;
}

static int
retract_here(void *argument)
{
	struct handle_call *call = argument;
	struct handle_table *table = node_here(call->node)->handles;
	struct container_handle *handle;

	if (call->filter->id) {
		handle = container_handle_find(call->node, call->filter);
		if (handle)
			handle_free(table, handle);
		return 0;
	}
	TABLE_FOR_EACH_SAFE(link, &table->handles) {
		handle = table_entry(link, struct container_handle, node);
		if (handle_fits(call->filter, handle))
			handle_free(table, handle);
	}
	return 0;
}

int
container_handle_publish(struct node *node, const struct container_handle *handle)
{
	struct handle_call call = {.node = node, .handle = handle};
	const struct handle_filter filter = {.id = &handle->id};
	int rc = 0;

	for (uint32_t i = 0; rc == 0 && i < node->loop_count; i++)
		rc = loop_call(node->loops[i].loop, publish_here, &call);
	if (rc)
		container_handles_retract(node, &filter);
	return rc;
}

void
container_handles_retract(struct node *node, const struct handle_filter *filter)
{
	struct handle_call call = {.node = node, .filter = filter};

	for (uint32_t i = 0; i < node->loop_count; i++) {
		int rc = loop_call(node->loops[i].loop, retract_here, &call);

		/* Without memory for a fiber there the handle would stay: better to wait than to go
		 * on. */
		while (rc) {
			fiber_yield();
			rc = loop_call(node->loops[i].loop, retract_here, &call);
		}
	}
}

/* ------------------------------------------------ object operations */

int
container_access(struct node *node, struct uuid handle, struct container_access *ret_access)
{
	const struct container_handle *found = handle_of_id(node_here(node)->handles, &handle);

	if (found == NULL)
		return error_raise(-DER_NO_HDL, "the container handle is not known: open it again");
	*ret_access = (struct container_access){
		.pool = found->pool,
		.container = found->container,
		.handle = found->id,
		.capabilities = found->capabilities,
		.map_version = found->map_version,
	};
	return 0;
}

/*
 * Makes the container on a target. Its destruction retracts the handles first, then destroys it on
 * each target; it may have passed here while this was under way, so that the handle is looked at
 * again.
 */
static int
container_make(struct node *node, const struct container_access *access, struct vos *vos)
{
	uint64_t group;
	int rc = vos_container_create(vos, access->container, &group);

	if (rc == 0)
		rc = media_wait(heap_media(vos_heap(vos)), group);
	if (rc && rc != -DER_EXIST)
		return rc;
	if (FAULT("container: look late whether it was destroyed meanwhile"))
		fiber_yield();
	if (handle_of_id(node_here(node)->handles, &access->handle))
		return 0;
	REACHED("container: destroyed while it was made on a target");
	if (rc == 0)
		rc = vos_container_destroy(vos, access->container, &group);
	if (rc && rc != -DER_EXIST && rc != -DER_NONEXIST)
		return rc;
	return -DER_NO_HDL;
}

int
container_on_target(struct node *node, const struct container_access *access, uint32_t target,
		    struct vos_container **ret_container)
{
	struct vos *vos;
	int rc = pool_target_hold(node, access->pool, target, &vos);

	if (rc)
		return rc;
	rc = vos_container_open(vos, access->container, ret_container);
	if (rc == -DER_NONEXIST) {
		rc = container_make(node, access, vos);
		if (rc == 0)
			rc = vos_container_open(vos, access->container, ret_container);
	}
	pool_target_release(node, access->pool, target);
	return rc;
}
