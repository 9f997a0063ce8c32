/* SPDX-License-Identifier: BSD-2-Clause-Patent */
/* Flat key-value objects: a key is a text, a value a run of bytes. */
#ifndef __DAOS_KV_H__
#define __DAOS_KV_H__

#include <daos_obj.h>
#include <daos_types.h>

#if defined(__cplusplus)
extern "C" {
#endif

/** Conditions of put, get and remove. */
#define DAOS_COND_KEY_INSERT	DAOS_COND_DKEY_INSERT
#define DAOS_COND_KEY_UPDATE	DAOS_COND_DKEY_UPDATE
#define DAOS_COND_KEY_GET	DAOS_COND_DKEY_FETCH
#define DAOS_COND_KEY_REMOVE	DAOS_COND_PUNCH

/** Open a flat KV object (oid must carry a KV or hashed type). */
int daos_kv_open(daos_handle_t coh, daos_obj_id_t oid, unsigned int mode, daos_handle_t *oh,
		 daos_event_t *ev);

/** Closes a key-value object. */
int daos_kv_close(daos_handle_t oh, daos_event_t *ev);

/** Punch the whole KV object. */
int daos_kv_destroy(daos_handle_t oh, daos_handle_t th, daos_event_t *ev);

/** Insert/overwrite a value; flags = DAOS_COND_KEY_INSERT/UPDATE. */
int daos_kv_put(daos_handle_t oh, daos_handle_t th, uint64_t flags, const char *key,
		daos_size_t size, const void *buf, daos_event_t *ev);

/**
 * Read a value; buf NULL or size 0 queries the size; size out is real size; -DER_REC2BIG if
 * the buffer is too small; missing key gives size 0, or -DER_NONEXIST with DAOS_COND_KEY_GET.
 */
int daos_kv_get(daos_handle_t oh, daos_handle_t th, uint64_t flags, const char *key,
		daos_size_t *size, void *buf, daos_event_t *ev);

/** Delete a key; DAOS_COND_KEY_REMOVE fails when absent. */
int daos_kv_remove(daos_handle_t oh, daos_handle_t th, uint64_t flags, const char *key,
		   daos_event_t *ev);

/** Enumerate keys into kds + packed sgl buffer, resumable by anchor. */
int daos_kv_list(daos_handle_t oh, daos_handle_t th, uint32_t *nr, daos_key_desc_t *kds,
		 d_sg_list_t *sgl, daos_anchor_t *anchor, daos_event_t *ev);

#if defined(__cplusplus)
}
#endif

#endif /* __DAOS_KV_H__ */
