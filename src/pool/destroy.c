/* SPDX-License-Identifier: BSD-2-Clause-Patent */
/*
 * Destruction of a pool takes effect by one proposal, which makes it DESTROYING; its heaps are
 * forgotten and removed after it, or at the next start.
 */
#include <stdio.h>

#include "pool/private.h"

/* ------------------------------------------------ erasing */

static int
service_erase(struct pools *pools, const struct uuid *id, struct metadb *metadb)
{
	char name[STORE_NAME];
	int rc;

	pool_service_name(id, name);
	rc = metadb ? metadb_destroy(metadb) : heap_remove(pools->node->storage, name);
	return rc == -DER_NONEXIST ? 0 : rc;
}

int
pool_erase(struct pools *pools, const struct uuid *id, uint32_t target_count, struct metadb *metadb)
{
	int rc = 0, other;

	for (uint32_t i = 0; i < target_count; i++) {
		other = pool_target_destroy(pools->node, id, i);
		rc = rc ? rc : other;
	}
	other = service_erase(pools, id, metadb);
	rc = rc ? rc : other;
	return rc ? rc : system_pool_remove(pools->system, *id);
}

/* ------------------------------------------------ the call */

/* Why it may not be destroyed now. */
static int
destroy_judge(struct pool *pool, const struct proto_pool_destroy *wanted)
{
	const struct pool_hooks *hooks = &pool->pools->hooks;
	uint32_t containers = 0;
	int rc = 0;

	if (pool->broken)
		return wanted->force ? 0
				     : error_raise(pool->broken, "the pool is damaged: destroy it "
								 "with force");
	if (pool->handle_count > 0 && !wanted->force)
		return error_raise(
			-DER_BUSY,
			"%u handles are connected to the pool: disconnect them, or use force",
			pool->handle_count);
	if (hooks->count && !wanted->recursive)
		rc = hooks->count(hooks->owner, pool, &containers);
	if (rc == 0 && containers > 0)
		rc = error_raise(-DER_BUSY,
				 "the pool has %u containers: destroy them, or use recursive",
				 containers);
	return rc;
}

/* The pool of a name, even when it is out of service. */
static int
pool_lookup(struct pools *pools, const struct proto_name *name, struct pool **ret_pool)
{
	struct system_pool record;
	int rc = system_pool_find(pools->system, name, &record);

	if (rc == 0) {
		rc = -DER_NONEXIST;
		LIST_FOR_EACH(link, &pools->pools) {
			struct pool *pool = list_entry(link, struct pool, link);

			if (uuid_equal(&pool->id, &record.id)) {
				*ret_pool = pool;
				return 0;
			}
		}
	}
	if (rc == -DER_NONEXIST)
		rc = error_raise(rc, "there is no such pool");
	return rc;
}

static int
destroy(struct pools *pools, const struct proto_pool_destroy *wanted, struct rpc_request *request)
{
	struct pool *pool = NULL;
	int rc = pool_lookup(pools, &wanted->pool, &pool);

	if (rc)
		return rc;
	/* New connections wait for the outcome. */
	fiber_mutex_lock_plain(&pool->lock);
	rc = destroy_judge(pool, wanted);
	if (rc == 0)
		rc = system_pool_set_state(pools->system, pool->id, PROTO_POOL_DESTROYING,
					   &request->id, (struct metadb_bytes){NULL, 0});
	pool->closing = rc == 0;
	fiber_mutex_unlock(&pool->lock);
	if (rc)
		return rc;
	if (pools->hooks.destroy)
		pools->hooks.destroy(pools->hooks.owner, pool);
	pool_drain(pool);
	rc = pool_erase(pools, &pool->id, pool->target_count, pool->metadb);
	if (rc)
		error_log(LOG_WARNING, rc, "what is left of a pool goes at the next start");
	pool_free(pool);
	return 0;
}

int
pool_destroy(struct pools *pools, struct rpc_request *request)
{
	struct proto_pool_destroy wanted;
	int rc = proto_pool_destroy_decode(&request->body, &wanted);

	if (rc == 0)
		rc = administrator_check(pools->node, request, "destruction of a pool");
	if (rc)
		return rc;
	fiber_mutex_lock_plain(&pools->lock);
	rc = pools_repeat(pools, request);
	if (rc == -DER_NONEXIST)
		rc = destroy(pools, &wanted, request);
	fiber_mutex_unlock(&pools->lock);
	return rc;
}

/* ------------------------------------------------ what a crash left */

/*
 * A pool is recorded before its first file is made, and until its last one is gone. So only files
 * of pools recorded as half made or half destroyed are removed. Files that no record names mean
 * that a record was lost: they are the last copy of somebody's data, and stay.
 */
struct leftover {
	struct list link;
	char name[128];
};

struct leftovers {
	struct pools *pools;
	struct list files;
};

static int
file_visit(void *argument, const char *name)
{
	struct leftovers *leftovers = argument;
	struct leftover *leftover = arena_calloc(leftovers->pools->arena, 1, sizeof(*leftover));

	if (leftover == NULL)
		return error_raise(-DER_NOMEM, "no memory for a list of files");
	snprintf(leftover->name, sizeof(leftover->name), "%s", name);
	list_append(&leftovers->files, &leftover->link);
	return 0;
}

/* All files of a pool. */
static int
files_remove(struct pools *pools, const struct uuid *id)
{
	struct storage *storage = pools->node->storage;
	struct leftovers leftovers = {.pools = pools};
	char text[UUID_TEXT_SIZE], prefix[UUID_TEXT_SIZE + 8];
	struct list *link;
	int rc;

	uuid_to_text(id, text);
	snprintf(prefix, sizeof(prefix), "pools/%s/", text);
	list_init(&leftovers.files);
	rc = storage->list(storage, prefix, file_visit, &leftovers);
	while ((link = list_pop(&leftovers.files)) != NULL) {
		struct leftover *leftover = list_entry(link, struct leftover, link);

		if (rc == 0) {
			REACHED("pool: a start removes what a crash left");
			log_notice("removing %s of a pool that is not whole", leftover->name);
			rc = storage->remove(storage, leftover->name);
		}
		arena_free(pools->arena, leftover);
	}
	return rc;
}

static int
stranger_visit(void *argument, const char *name)
{
	const struct pools *pools = argument;
	char text[UUID_TEXT_SIZE];
	struct uuid id;

	snprintf(text, sizeof(text), "%s", name + strlen("pools/"));
	if (!uuid_from_text(text, &id))
		return 0;
	LIST_FOR_EACH(link, &pools->pools) {
		if (uuid_equal(&list_entry(link, struct pool, link)->id, &id))
			return 0;
	}
	log_warning("%s belongs to a pool that the system does not know: it is left alone", name);
	return 0;
}

struct unfinished {
	uint32_t count;
	struct uuid ids[16];
};

static int
unfinished_visit(void *argument, const struct system_pool *pool)
{
	struct unfinished *unfinished = argument;

	if (pool->state == PROTO_POOL_READY)
		return 0;
	unfinished->ids[unfinished->count++] = pool->id;
	return unfinished->count == ARRAY_SIZE(unfinished->ids);
}

int
pools_recover(struct pools *pools)
{
	struct storage *storage = pools->node->storage;
	struct unfinished unfinished;
	int rc = 0, full = 1;

	while (rc == 0 && full > 0) {
		unfinished.count = 0;
		full = system_pool_list(pools->system, unfinished_visit, &unfinished);
		rc = min_of(full, 0);
		for (uint32_t i = 0; rc == 0 && i < unfinished.count; i++) {
			rc = files_remove(pools, &unfinished.ids[i]);
			if (rc == 0)
				rc = system_pool_remove(pools->system, unfinished.ids[i]);
		}
	}
	return rc == 0 ? storage->list(storage, "pools/", stranger_visit, pools) : rc;
}
