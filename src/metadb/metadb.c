/* SPDX-License-Identifier: BSD-2-Clause-Patent */
/* Making, opening and closing a store. */
#include "metadb/private.h"

#define SIZE_DEFAULT (UINT64_C(32) << 20)

/* ------------------------------------------------ format */

/* Writes the root of an empty heap. */
static int
root_write(struct heap *heap)
{
	const struct tx_need need = {.log_bytes = sizeof(struct store_root)};
	uint64_t at = heap_root(heap), group = 0;
	struct tx tx;
	int rc = tx_begin(&tx, heap);

	if (rc)
		return rc;
	rc = tx_reserve(&tx, &need);
	while (rc == 0) {
		NO_YIELD
		{
			rc = heap_at(&tx.pin, at, sizeof(struct store_root)) ? 0
									     : pin_outcome(&tx.pin);
			if (rc == 0) {
				struct store_root *root = tx_change(&tx, at, sizeof(*root));

				root->magic = METADB_MAGIC;
				root->version = METADB_VERSION;
				tx_commit(&tx, &group);
			}
		}
		if (rc == 0)
			return media_wait(heap_media(heap), group);
		if (rc == -DER_AGAIN)
			rc = tx_load(&tx);
	}
	tx_abort(&tx);
	return rc;
}

int
metadb_create(struct media *media, const char *name, const struct metadb_options *options)
{
	const struct heap_options wanted = {
		.id = options->id,
		.heap_size = align_up(options->size ? options->size : SIZE_DEFAULT, HEAP_ZONE),
		.thin = options->thin,
	};
	struct heap *heap;
	int rc = heap_create(media, name, &wanted), closed;

	if (rc)
		return rc;
	rc = heap_open(media, name, &heap);
	if (rc)
		return rc;
	rc = root_write(heap);
	closed = heap_close(heap);
	return rc ? rc : closed;
}

/* ------------------------------------------------ open and close */

static int
root_check(struct heap *heap)
{
	const struct store_root *root;
	struct pin pin;
	int rc;

	pin_init(&pin, heap);
	do
		rc = metadb_store_root(&pin, &root);
	while (rc == -DER_AGAIN && (rc = pin_load(&pin)) == 0);
	pin_fini(&pin);
	return rc;
}

int
metadb_open(struct media *media, const char *name, struct metadb **ret_metadb)
{
	struct env *env = loop_env(loop_current());
	struct metadb *metadb = arena_calloc(env->arena, 1, sizeof(*metadb));
	int rc;

	if (metadb == NULL)
		return error_raise(-DER_NOMEM, "no memory for store %s", name);
	metadb->media = media;
	metadb->arena = env->arena;
	metadb->storage = env->storage;
	wait_queue_init(&metadb->idle);
	metadb->name = arena_strdup(env->arena, name);
	rc = metadb->name ? heap_open(media, name, &metadb->heap)
			  : error_raise(-DER_NOMEM, "no memory for store %s", name);
	if (rc == 0)
		rc = root_check(metadb->heap);
	if (rc == 0) {
		*ret_metadb = metadb;
		return 0;
	}
	if (metadb->heap)
		heap_close(metadb->heap);
	arena_free(env->arena, metadb->name);
	arena_free(env->arena, metadb);
	return rc;
}

int
metadb_enter(struct metadb *metadb)
{
	if (metadb->closing)
		return -DER_NOTLEADER;
	metadb->active++;
	return 0;
}

void
metadb_leave(struct metadb *metadb)
{
	metadb->active--;
	if (metadb->active == 0)
		wait_queue_wake_all(&metadb->idle);
}

/* Refuses new calls and waits for those under way. */
static void
drain(struct metadb *metadb)
{
	metadb->closing = true;
	while (metadb->active > 0)
		wait_queue_wait_plain(&metadb->idle);
}

static void
metadb_free(struct metadb *metadb)
{
	arena_free(metadb->arena, metadb->name);
	arena_free(metadb->arena, metadb);
}

void
metadb_close(struct metadb *metadb)
{
	int rc;

	drain(metadb);
	rc = heap_close(metadb->heap);
	if (rc)
		error_log(LOG_WARNING, rc, "closing store %s", metadb->name);
	metadb_free(metadb);
}

int
metadb_destroy(struct metadb *metadb)
{
	int rc;

	drain(metadb);
	heap_forget(metadb->heap);
	rc = heap_remove(metadb->storage, metadb->name);
	metadb_free(metadb);
	return rc;
}

void
metadb_figures(const struct metadb *metadb, struct heap_space *ret_space)
{
	heap_space(metadb->heap, ret_space);
}

int
metadb_audit(struct metadb *metadb, uint64_t *ret_keys)
{
	struct heap_audit *audit = NULL;
	int rc = metadb_enter(metadb);

	if (rc)
		return rc;
	rc = heap_audit_begin(metadb->heap, &audit);
	if (rc == 0) {
		NO_YIELD
		{
			rc = metadb_store_audit(audit, metadb->heap, ret_keys);
		}
		heap_audit_end(audit);
	}
	metadb_leave(metadb);
	return rc;
}
