/* SPDX-License-Identifier: BSD-2-Clause-Patent */
/*
 * Targets of pools on this engine. Each loop has a table of its own; the functions that take a
 * target run on its loop by themselves. A target is closed only when nobody holds it, and cannot be
 * held any more from the moment on that closing begins.
 */
#include <stdio.h>

#include "pool/private.h"

struct pool_table {
	struct table targets;
	struct arena *arena;
};

struct pool_target {
	struct table_node node;
	struct uuid pool;
	uint32_t number;
	int broken; /* why it is out of service */
	struct heap *heap;
	struct vos *vos; /* NULL before pool_target_start() */
	uint32_t holds;
	bool closing;
	struct wait_queue idle;
};

struct target_key {
	struct uuid pool;
	uint32_t number;
};

/* ------------------------------------------------ table */

int
pool_table_create(struct node *node)
{
	struct node_loop *here = node_here(node);
	struct arena *arena = loop_env(here->loop)->arena;
	struct pool_table *table = arena_calloc(arena, 1, sizeof(*table));

	if (table == NULL)
		return error_raise(-DER_NOMEM, "no memory for a table of targets");
	table_init(&table->targets, arena);
	table->arena = arena;
	here->pools = table;
	return 0;
}

void
pool_table_destroy(struct node *node)
{
	struct node_loop *here = node_here(node);
	struct pool_table *table = here->pools;

	if (table == NULL)
		return;
	ASSERT(table->targets.count == 0);
	table_fini(&table->targets);
	arena_free(table->arena, table);
	here->pools = NULL;
}

static uint64_t
key_hash(const struct uuid *pool, uint32_t number)
{
	return hash_combine(uuid_hash(pool), number);
}

static bool
key_equal(const void *key, const struct table_node *node)
{
	const struct target_key *wanted = key;
	const struct pool_target *target = table_entry(node, struct pool_target, node);

	return target->number == wanted->number && uuid_equal(&target->pool, &wanted->pool);
}

static struct pool_target *
target_find(struct pool_table *table, const struct uuid *pool, uint32_t number)
{
	const struct target_key key = {*pool, number};
	struct table_node *node =
		table_find(&table->targets, key_hash(pool, number), key_equal, &key);

	return node ? table_entry(node, struct pool_target, node) : NULL;
}

static struct pool_target *
target_add(struct pool_table *table, const struct uuid *pool, uint32_t number)
{
	struct pool_target *target = arena_calloc(table->arena, 1, sizeof(*target));

	if (target == NULL)
		return NULL;
	target->pool = *pool;
	target->number = number;
	wait_queue_init(&target->idle);
	table_insert(&table->targets, key_hash(pool, number), &target->node);
	return target;
}

static void
target_remove(struct pool_table *table, struct pool_target *target)
{
	table_remove(&table->targets, &target->node);
	arena_free(table->arena, target);
}

/* ------------------------------------------------ use */

static int
target_usable(struct node *node, const struct uuid *pool, uint32_t number,
	      struct pool_target **ret_target)
{
	struct node_loop *here = node_here(node);
	struct pool_target *target = target_find(here->pools, pool, number);

	if (target == NULL)
		return node_target_loop(node, number) == here ? -DER_NONEXIST : -DER_STALE;
	if (target->broken)
		return target->broken;
	if (target->closing || target->vos == NULL)
		return -DER_NONEXIST;
	*ret_target = target;
	return 0;
}

int
pool_target(struct node *node, struct uuid pool, uint32_t target, struct vos **ret_vos)
{
	struct pool_target *found;
	int rc = target_usable(node, &pool, target, &found);

	if (rc == 0)
		*ret_vos = found->vos;
	return rc;
}

int
pool_target_state(struct node *node, struct uuid pool, uint32_t target)
{
	const struct pool_target *found = target_find(node_here(node)->pools, &pool, target);

	return found ? found->broken : 0;
}

int
pool_target_hold(struct node *node, struct uuid pool, uint32_t target, struct vos **ret_vos)
{
	struct pool_target *found;
	int rc = target_usable(node, &pool, target, &found);

	if (rc)
		return rc;
	found->holds++;
	*ret_vos = found->vos;
	return 0;
}

void
pool_target_release(struct node *node, struct uuid pool, uint32_t target)
{
	struct pool_target *found = target_find(node_here(node)->pools, &pool, target);

	ASSERT(found && found->holds > 0);
	found->holds--;
	if (found->holds == 0)
		wait_queue_wake_all(&found->idle);
}

/* ------------------------------------------------ names */

void
pool_target_name(const struct uuid *pool, uint32_t target, char name[STORE_NAME])
{
	char text[UUID_TEXT_SIZE];

	uuid_to_text(pool, text);
	snprintf(name, STORE_NAME, "pools/%s/target-%u", text, target);
}

void
pool_service_name(const struct uuid *pool, char name[STORE_NAME])
{
	char text[UUID_TEXT_SIZE];

	uuid_to_text(pool, text);
	snprintf(name, STORE_NAME, "pools/%s/service", text);
}

/* ------------------------------------------------ life, each on the target's loop */

struct target_call {
	struct node *node;
	struct uuid pool;
	uint32_t number;
	const struct target_shape *shape;
	int code;
	struct heap_space *ret_space;
};

static int
target_on_loop(struct node *node, const struct uuid *pool, uint32_t number,
	       int (*function)(void *argument), struct target_call *call)
{
	call->node = node;
	call->pool = *pool;
	call->number = number;
	return loop_call(node_target_loop(node, number)->loop, function, call);
}

static int
open_here(void *argument)
{
	struct target_call *call = argument;
	struct node_loop *here = node_here(call->node);
	struct pool_target *target = target_add(here->pools, &call->pool, call->number);
	char name[STORE_NAME];
	int rc;

	if (target == NULL)
		return error_raise(-DER_NOMEM, "no memory for a target");
	pool_target_name(&call->pool, call->number, name);
	rc = heap_open(here->media, name, &target->heap);
	if (rc == 0)
		return 0;
	if (!disk_is_bad(rc)) {
		target_remove(here->pools, target);
		return rc;
	}
	error_log(LOG_ERROR, rc, "%s is out of service", name);
	target->heap = NULL;
	target->broken = rc == -DER_NONEXIST ? -DER_IO : rc;
	return rc;
}

int
pool_target_open(struct node *node, const struct uuid *pool, uint32_t target)
{
	struct target_call call;

	return target_on_loop(node, pool, target, open_here, &call);
}

static int
start_here(void *argument)
{
	struct target_call *call = argument;
	struct node_loop *here = node_here(call->node);
	struct pool_target *target = target_find(here->pools, &call->pool, call->number);
	char name[STORE_NAME];
	int rc;

	ASSERT(target);
	if (target->broken)
		return target->broken;
	rc = vos_open(target->heap, &target->vos);
	if (rc == 0 || !disk_is_bad(rc))
		return rc;
	pool_target_name(&call->pool, call->number, name);
	error_log(LOG_ERROR, rc, "%s is out of service", name);
	target->broken = rc;
	return rc;
}

int
pool_target_start(struct node *node, const struct uuid *pool, uint32_t target)
{
	struct target_call call;

	return target_on_loop(node, pool, target, start_here, &call);
}

static int
break_here(void *argument)
{
	struct target_call *call = argument;
	struct pool_target *target =
		target_find(node_here(call->node)->pools, &call->pool, call->number);

	if (target && !target->broken)
		target->broken = call->code;
	return 0;
}

int
pool_target_break(struct node *node, const struct uuid *pool, uint32_t target, int code)
{
	struct target_call call = {.code = code};

	return target_on_loop(node, pool, target, break_here, &call);
}

/* Makes the heap with an empty object store in it; durable when it returns. */
static int
heap_make(struct media *media, const char *name, const struct heap_options *options,
	  struct heap **ret_heap)
{
	struct heap *heap;
	int rc = heap_create(media, name, options);

	if (rc)
		return rc;
	rc = heap_open(media, name, &heap);
	if (rc)
		return rc;
	rc = vos_format(heap);
	if (rc == 0)
		rc = media_wait(media, media_open_group(media));
	if (rc)
		heap_forget(heap);
	else
		*ret_heap = heap;
	return rc;
}

static int
create_here(void *argument)
{
	struct target_call *call = argument;
	const struct target_shape *shape = call->shape;
	struct node_loop *here = node_here(call->node);
	const struct heap_options options = {
		.id = node_draw_id(call->node),
		.heap_size = shape->heap_size,
		.data_size = shape->data_size,
		.thin = shape->thin,
		.space_reserve = shape->space_reserve,
	};
	struct pool_target *target = target_add(here->pools, &shape->pool, shape->target);
	char name[STORE_NAME];
	int rc;

	if (target == NULL)
		return error_raise(-DER_NOMEM, "no memory for a target");
	pool_target_name(&shape->pool, shape->target, name);
	rc = heap_make(here->media, name, &options, &target->heap);
	if (rc == 0) {
		rc = vos_open(target->heap, &target->vos);
		if (rc)
			heap_forget(target->heap);
	}
	if (rc)
		target_remove(here->pools, target);
	return rc;
}

int
pool_target_create(struct node *node, const struct target_shape *shape)
{
	struct target_call call = {.shape = shape};

	return target_on_loop(node, &shape->pool, shape->target, create_here, &call);
}

/* No new holds, and none any more. */
static void
target_drain(struct pool_target *target)
{
	target->closing = true;
	while (target->holds > 0)
		wait_queue_wait_plain(&target->idle);
	if (target->vos)
		vos_close(target->vos);
	target->vos = NULL;
}

static int
close_here(void *argument)
{
	struct target_call *call = argument;
	struct pool_table *table = node_here(call->node)->pools;
	struct pool_target *target = target_find(table, &call->pool, call->number);
	int rc = 0;

	if (target == NULL)
		return 0;
	target_drain(target);
	if (target->heap)
		rc = heap_close(target->heap);
	target_remove(table, target);
	return rc;
}

void
pool_target_close(struct node *node, const struct uuid *pool, uint32_t target)
{
	struct target_call call;
	int rc = target_on_loop(node, pool, target, close_here, &call);

	if (rc)
		error_log(LOG_WARNING, rc, "closing target %u of a pool", target);
}

static int
destroy_here(void *argument)
{
	struct target_call *call = argument;
	struct pool_table *table = node_here(call->node)->pools;
	struct pool_target *target = target_find(table, &call->pool, call->number);
	char name[STORE_NAME];
	int rc;

	if (target) {
		target_drain(target);
		if (target->heap)
			heap_forget(target->heap);
		target_remove(table, target);
	}
	pool_target_name(&call->pool, call->number, name);
	rc = heap_remove(loop_env(loop_current())->storage, name);
	return rc == -DER_NONEXIST ? 0 : rc;
}

int
pool_target_destroy(struct node *node, const struct uuid *pool, uint32_t target)
{
	struct target_call call;

	return target_on_loop(node, pool, target, destroy_here, &call);
}

static int
space_here(void *argument)
{
	struct target_call *call = argument;
	struct vos *vos;
	int rc = pool_target(call->node, call->pool, call->number, &vos);

	if (rc == 0)
		heap_space(vos_heap(vos), call->ret_space);
	return rc;
}

int
pool_target_space(struct node *node, const struct uuid *pool, uint32_t target,
		  struct heap_space *ret_space)
{
	struct target_call call = {.ret_space = ret_space};

	return target_on_loop(node, pool, target, space_here, &call);
}

/* ------------------------------------------------ all of them */

/* The targets of the table at this moment; NULL without memory or targets. */
static struct target_key *
keys_copy(struct pool_table *table, uint64_t *ret_count)
{
	struct target_key *keys = NULL;

	*ret_count = 0;
	if (table->targets.count > 0)
		keys = arena_calloc(table->arena, table->targets.count, sizeof(*keys));
	if (keys == NULL)
		return NULL;
	TABLE_FOR_EACH(node, &table->targets) {
		const struct pool_target *target = table_entry(node, struct pool_target, node);

		keys[(*ret_count)++] = (struct target_key){target->pool, target->number};
	}
	return keys;
}

void
pool_targets_here(struct node *node, int (*function)(void *argument, struct vos *vos),
		  void *argument)
{
	struct pool_table *table = node_here(node)->pools;
	uint64_t count;
	struct target_key *keys = keys_copy(table, &count);

	for (uint64_t i = 0; i < count; i++) {
		struct vos *vos;
		int rc = pool_target_hold(node, keys[i].pool, keys[i].number, &vos);

		if (rc)
			continue;
		rc = function(argument, vos);
		pool_target_release(node, keys[i].pool, keys[i].number);
		if (rc && rc != -DER_CANCELED)
			error_log(LOG_WARNING, rc, "background work on target %u", keys[i].number);
	}
	arena_free(table->arena, keys);
}
