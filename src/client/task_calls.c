/* SPDX-License-Identifier: BSD-2-Clause-Patent */
/* What each opcode of daos_task.h calls. A call that does not exist yet has no line in the table.
 */
#include "client/snapshot.h"
#include "client/tse.h"

/* Defines the body of one opcode: a call with the members of its argument struct. */
#define OPERATION(name, type, ...)                               \
	_Static_assert(sizeof(type) <= TSE_TASK_ARG_LEN, #type); \
	static int name(void *argument, daos_event_t *event)     \
	{                                                        \
		type *a = argument;                              \
		return (__VA_ARGS__);                            \
	}

/* The text of a name that may also be given as an id. */
#define TEXT_OF(text, id) ((text) ? (text) : id_text(id, (char[UUID_TEXT_SIZE]){0}))

static const char *
id_text(const uuid_t id, char text[UUID_TEXT_SIZE])
{
	struct uuid own;

	memcpy(own.bytes, id, sizeof(own.bytes));
	uuid_to_text(&own, text);
	return text;
}

/* ------------------------------------------------ the system and pools */

OPERATION(call_mgmt_list_pools, daos_mgmt_pool_list_t,
	  daos_mgmt_list_pools(a->grp, a->npools, a->pools, event))
OPERATION(call_pool_connect, daos_pool_connect_t,
	  daos_pool_connect(TEXT_OF(a->pool, a->uuid), a->grp, a->flags, a->poh, a->info, event))
OPERATION(call_pool_disconnect, daos_pool_disconnect_t, daos_pool_disconnect(a->poh, event))
OPERATION(call_pool_query, daos_pool_query_t,
	  daos_pool_query(a->poh, a->ranks, a->info, a->prop, event))
OPERATION(call_pool_list_attr, daos_pool_list_attr_t,
	  daos_pool_list_attr(a->poh, a->buf, a->size, event))
OPERATION(call_pool_get_attr, daos_pool_get_attr_t,
	  daos_pool_get_attr(a->poh, a->n, a->names, a->values, a->sizes, event))
OPERATION(call_pool_set_attr, daos_pool_set_attr_t,
	  daos_pool_set_attr(a->poh, a->n, a->names, a->values, a->sizes, event))
OPERATION(call_pool_del_attr, daos_pool_del_attr_t,
	  daos_pool_del_attr(a->poh, a->n, a->names, event))
OPERATION(call_pool_list_cont, daos_pool_list_cont_t,
	  daos_pool_list_cont(a->poh, a->ncont, a->cont_buf, event))
OPERATION(call_pool_query_target, daos_pool_query_target_t,
	  daos_pool_query_target(a->poh, a->tgt_idx, a->rank, a->info, event))
OPERATION(call_pool_filter_cont, daos_pool_filter_cont_t,
	  daos_pool_filter_cont(a->poh, a->filt, a->ncont, a->cont_buf, event))
OPERATION(call_pool_stop_svc, daos_pool_stop_svc_t, daos_pool_stop_svc(a->poh, event))

/* ------------------------------------------------ containers */

OPERATION(call_cont_create, daos_cont_create_t, daos_cont_create(a->poh, a->cuuid, a->prop, event))
OPERATION(call_cont_open, daos_cont_open_t,
	  daos_cont_open(a->poh, TEXT_OF(a->cont, a->uuid), a->flags, a->coh, a->info, event))
OPERATION(call_cont_close, daos_cont_close_t, daos_cont_close(a->coh, event))
OPERATION(call_cont_destroy, daos_cont_destroy_t,
	  daos_cont_destroy(a->poh, TEXT_OF(a->cont, a->uuid), a->force, event))
OPERATION(call_cont_query, daos_cont_query_t, daos_cont_query(a->coh, a->info, a->prop, event))
OPERATION(call_cont_set_prop, daos_cont_set_prop_t, daos_cont_set_prop(a->coh, a->prop, event))
OPERATION(call_cont_update_acl, daos_cont_update_acl_t, daos_cont_update_acl(a->coh, a->acl, event))
OPERATION(call_cont_delete_acl, daos_cont_delete_acl_t,
	  daos_cont_delete_acl(a->coh, (enum daos_acl_principal_type)a->type, a->name, event))
OPERATION(call_cont_list_attr, daos_cont_list_attr_t,
	  daos_cont_list_attr(a->coh, a->buf, a->size, event))
OPERATION(call_cont_get_attr, daos_cont_get_attr_t,
	  daos_cont_get_attr(a->coh, a->n, a->names, a->values, a->sizes, event))
OPERATION(call_cont_set_attr, daos_cont_set_attr_t,
	  daos_cont_set_attr(a->coh, a->n, a->names, a->values, a->sizes, event))
OPERATION(call_cont_del_attr, daos_cont_del_attr_t,
	  daos_cont_del_attr(a->coh, a->n, a->names, event))
OPERATION(call_cont_alloc_oids, daos_cont_alloc_oids_t,
	  daos_cont_alloc_oids(a->coh, a->num_oids, a->oid, event))

OPERATION(call_cont_aggregate, daos_cont_aggregate_t, daos_cont_aggregate(a->coh, a->epoch, event))
OPERATION(call_cont_rollback, daos_cont_rollback_t, daos_cont_rollback(a->coh, a->epoch, event))
OPERATION(call_cont_subscribe, daos_cont_subscribe_t, daos_cont_subscribe(a->coh, a->epoch, event))
OPERATION(call_cont_list_snap, daos_cont_list_snap_t,
	  daos_cont_list_snap(a->coh, a->nr, a->epochs, a->names, a->anchor, event))
OPERATION(call_cont_create_snap, daos_cont_create_snap_t,
	  daos_cont_create_snap_opt(a->coh, a->epoch, a->name, (enum daos_snapshot_opts)a->opts,
				    event))
OPERATION(call_cont_destroy_snap, daos_cont_destroy_snap_t,
	  daos_cont_destroy_snap(a->coh, a->epr, event))
OPERATION(call_cont_snap_oit_create, daos_cont_snap_oit_create_t,
	  daos_cont_snap_oit_create(a->coh, a->epoch, a->name, event))
OPERATION(call_cont_snap_oit_destroy, daos_cont_snap_oit_destroy_t,
	  client_oit_destroy(a->coh, a->epoch, event))

/* ------------------------------------------------ transactions */

OPERATION(call_tx_open, daos_tx_open_t, daos_tx_open(a->coh, a->th, a->flags, event))
OPERATION(call_tx_commit, daos_tx_commit_t, daos_tx_commit(a->th, event))
OPERATION(call_tx_abort, daos_tx_abort_t, daos_tx_abort(a->th, event))
OPERATION(call_tx_open_snap, daos_tx_open_snap_t, daos_tx_open_snap(a->coh, a->epoch, a->th, event))
OPERATION(call_tx_close, daos_tx_close_t, daos_tx_close(a->th, event))
OPERATION(call_tx_restart, daos_tx_restart_t, daos_tx_restart(a->th, event))

/* ------------------------------------------------ objects */

/* A listing of keys has its position in the anchor of their kind, or in the general one. */
static daos_anchor_t *
first_anchor(daos_anchor_t *own, daos_anchor_t *general)
{
	return own ? own : general;
}

OPERATION(call_obj_open, daos_obj_open_t, daos_obj_open(a->coh, a->oid, a->mode, a->oh, event))
OPERATION(call_obj_close, daos_obj_close_t, daos_obj_close(a->oh, event))
OPERATION(call_obj_punch, daos_obj_punch_t, daos_obj_punch(a->oh, a->th, a->flags, event))
OPERATION(call_obj_punch_dkeys, daos_obj_punch_t,
	  daos_obj_punch_dkeys(a->oh, a->th, a->flags, 1, a->dkey, event))
OPERATION(call_obj_punch_akeys, daos_obj_punch_t,
	  daos_obj_punch_akeys(a->oh, a->th, a->flags, a->dkey, a->akey_nr, a->akeys, event))
OPERATION(call_obj_query_key, daos_obj_query_key_t,
	  a->flags == 0 && a->max_epoch
		  ? daos_obj_query_max_epoch(a->oh, a->th, a->max_epoch, event)
		  : daos_obj_query_key(a->oh, a->th, a->flags, a->dkey, a->akey, a->recx, event))
OPERATION(call_obj_fetch, daos_obj_fetch_t,
	  daos_obj_fetch(a->oh, a->th, a->flags, a->dkey, a->nr, a->iods, a->sgls, a->ioms, event))
OPERATION(call_obj_update, daos_obj_update_t,
	  daos_obj_update(a->oh, a->th, a->flags, a->dkey, a->nr, a->iods, a->sgls, event))
OPERATION(call_obj_list_dkey, daos_obj_list_dkey_t,
	  daos_obj_list_dkey(a->oh, a->th, a->nr, a->kds, a->sgl,
			     first_anchor(a->dkey_anchor, a->anchor), event))
OPERATION(call_obj_list_akey, daos_obj_list_akey_t,
	  daos_obj_list_akey(a->oh, a->th, a->dkey, a->nr, a->kds, a->sgl,
			     first_anchor(a->akey_anchor, a->anchor), event))
OPERATION(call_obj_list_recx, daos_obj_list_recx_t,
	  daos_obj_list_recx(a->oh, a->th, a->dkey, a->akey, a->size, a->nr, a->recxs, a->eprs,
			     a->anchor, a->incr_order, event))

OPERATION(call_obj_key2anchor, daos_obj_key2anchor_t,
	  daos_obj_key2anchor(a->oh, a->th, a->dkey, a->akey, a->anchor, event))

/* ------------------------------------------------ arrays */

/* With open_with_attr the sizes are the caller's. */
static int
open_array(const daos_array_open_t *a, daos_event_t *event)
{
	if (!a->open_with_attr)
		return daos_array_open(a->coh, a->oid, a->th, a->mode, a->cell_size, a->chunk_size,
				       a->oh, event);
	if (a->cell_size == NULL || a->chunk_size == NULL)
		return -DER_INVAL;
	return daos_array_open_with_attr(a->coh, a->oid, a->th, a->mode, *a->cell_size,
					 *a->chunk_size, a->oh, event);
}

OPERATION(call_array_create, daos_array_create_t,
	  daos_array_create(a->coh, a->oid, a->th, a->cell_size, a->chunk_size, a->oh, event))
OPERATION(call_array_open, daos_array_open_t, open_array(a, event))
OPERATION(call_array_close, daos_array_close_t, daos_array_close(a->oh, event))
OPERATION(call_array_destroy, daos_array_destroy_t, daos_array_destroy(a->oh, a->th, event))
OPERATION(call_array_read, daos_array_io_t, daos_array_read(a->oh, a->th, a->iod, a->sgl, event))
OPERATION(call_array_write, daos_array_io_t, daos_array_write(a->oh, a->th, a->iod, a->sgl, event))
OPERATION(call_array_punch, daos_array_io_t, daos_array_punch(a->oh, a->th, a->iod, event))
OPERATION(call_array_get_size, daos_array_get_size_t,
	  daos_array_get_size(a->oh, a->th, a->size, event))
OPERATION(call_array_set_size, daos_array_set_size_t,
	  daos_array_set_size(a->oh, a->th, a->size, event))
OPERATION(call_array_stat, daos_array_stat_t, daos_array_stat(a->oh, a->th, a->stbuf, event))

/* ------------------------------------------------ key-value stores */

OPERATION(call_kv_open, daos_kv_open_t, daos_kv_open(a->coh, a->oid, a->mode, a->oh, event))
OPERATION(call_kv_close, daos_kv_close_t, daos_kv_close(a->oh, event))
OPERATION(call_kv_destroy, daos_kv_destroy_t, daos_kv_destroy(a->oh, a->th, event))
OPERATION(call_kv_get, daos_kv_get_t,
	  daos_kv_get(a->oh, a->th, a->flags, a->key, a->buf_size, a->buf, event))
OPERATION(call_kv_put, daos_kv_put_t,
	  daos_kv_put(a->oh, a->th, a->flags, a->key, a->buf_size, a->buf, event))
OPERATION(call_kv_remove, daos_kv_remove_t, daos_kv_remove(a->oh, a->th, a->flags, a->key, event))
OPERATION(call_kv_list, daos_kv_list_t,
	  daos_kv_list(a->oh, a->th, a->nr, a->kds, a->sgl, a->anchor, event))

/* ------------------------------------------------ the table */

static task_call *const calls[DAOS_OPC_MAX] = {
	[DAOS_OPC_MGMT_LIST_POOLS] = call_mgmt_list_pools,
	[DAOS_OPC_POOL_CONNECT] = call_pool_connect,
	[DAOS_OPC_POOL_DISCONNECT] = call_pool_disconnect,
	[DAOS_OPC_POOL_QUERY] = call_pool_query,
	[DAOS_OPC_POOL_LIST_ATTR] = call_pool_list_attr,
	[DAOS_OPC_POOL_GET_ATTR] = call_pool_get_attr,
	[DAOS_OPC_POOL_SET_ATTR] = call_pool_set_attr,
	[DAOS_OPC_POOL_DEL_ATTR] = call_pool_del_attr,
	[DAOS_OPC_POOL_LIST_CONT] = call_pool_list_cont,
	[DAOS_OPC_POOL_QUERY_INFO] = call_pool_query_target,
	[DAOS_OPC_POOL_FILTER_CONT] = call_pool_filter_cont,
	[DAOS_OPC_POOL_STOP_SVC] = call_pool_stop_svc,
	[DAOS_OPC_CONT_CREATE] = call_cont_create,
	[DAOS_OPC_CONT_OPEN] = call_cont_open,
	[DAOS_OPC_CONT_CLOSE] = call_cont_close,
	[DAOS_OPC_CONT_DESTROY] = call_cont_destroy,
	[DAOS_OPC_CONT_QUERY] = call_cont_query,
	[DAOS_OPC_CONT_SET_PROP] = call_cont_set_prop,
	[DAOS_OPC_CONT_UPDATE_ACL] = call_cont_update_acl,
	[DAOS_OPC_CONT_DELETE_ACL] = call_cont_delete_acl,
	[DAOS_OPC_CONT_LIST_ATTR] = call_cont_list_attr,
	[DAOS_OPC_CONT_GET_ATTR] = call_cont_get_attr,
	[DAOS_OPC_CONT_SET_ATTR] = call_cont_set_attr,
	[DAOS_OPC_CONT_DEL_ATTR] = call_cont_del_attr,
	[DAOS_OPC_CONT_ALLOC_OIDS] = call_cont_alloc_oids,
	[DAOS_OPC_CONT_AGGREGATE] = call_cont_aggregate,
	[DAOS_OPC_CONT_ROLLBACK] = call_cont_rollback,
	[DAOS_OPC_CONT_SUBSCRIBE] = call_cont_subscribe,
	[DAOS_OPC_CONT_LIST_SNAP] = call_cont_list_snap,
	[DAOS_OPC_CONT_CREATE_SNAP] = call_cont_create_snap,
	[DAOS_OPC_CONT_DESTROY_SNAP] = call_cont_destroy_snap,
	[DAOS_OPC_CONT_SNAP_OIT_CREATE] = call_cont_snap_oit_create,
	[DAOS_OPC_CONT_SNAP_OIT_DESTROY] = call_cont_snap_oit_destroy,
	[DAOS_OPC_TX_OPEN] = call_tx_open,
	[DAOS_OPC_TX_COMMIT] = call_tx_commit,
	[DAOS_OPC_TX_ABORT] = call_tx_abort,
	[DAOS_OPC_TX_OPEN_SNAP] = call_tx_open_snap,
	[DAOS_OPC_TX_CLOSE] = call_tx_close,
	[DAOS_OPC_TX_RESTART] = call_tx_restart,
	[DAOS_OPC_OBJ_OPEN] = call_obj_open,
	[DAOS_OPC_OBJ_CLOSE] = call_obj_close,
	[DAOS_OPC_OBJ_PUNCH] = call_obj_punch,
	[DAOS_OPC_OBJ_PUNCH_DKEYS] = call_obj_punch_dkeys,
	[DAOS_OPC_OBJ_PUNCH_AKEYS] = call_obj_punch_akeys,
	[DAOS_OPC_OBJ_QUERY_KEY] = call_obj_query_key,
	[DAOS_OPC_OBJ_FETCH] = call_obj_fetch,
	[DAOS_OPC_OBJ_UPDATE] = call_obj_update,
	[DAOS_OPC_OBJ_LIST_DKEY] = call_obj_list_dkey,
	[DAOS_OPC_OBJ_LIST_AKEY] = call_obj_list_akey,
	[DAOS_OPC_OBJ_LIST_RECX] = call_obj_list_recx,
	[DAOS_OPC_OBJ_KEY2ANCHOR] = call_obj_key2anchor,
	[DAOS_OPC_ARRAY_CREATE] = call_array_create,
	[DAOS_OPC_ARRAY_OPEN] = call_array_open,
	[DAOS_OPC_ARRAY_CLOSE] = call_array_close,
	[DAOS_OPC_ARRAY_DESTROY] = call_array_destroy,
	[DAOS_OPC_ARRAY_READ] = call_array_read,
	[DAOS_OPC_ARRAY_WRITE] = call_array_write,
	[DAOS_OPC_ARRAY_PUNCH] = call_array_punch,
	[DAOS_OPC_ARRAY_GET_SIZE] = call_array_get_size,
	[DAOS_OPC_ARRAY_SET_SIZE] = call_array_set_size,
	[DAOS_OPC_ARRAY_STAT] = call_array_stat,
	[DAOS_OPC_KV_OPEN] = call_kv_open,
	[DAOS_OPC_KV_CLOSE] = call_kv_close,
	[DAOS_OPC_KV_DESTROY] = call_kv_destroy,
	[DAOS_OPC_KV_GET] = call_kv_get,
	[DAOS_OPC_KV_PUT] = call_kv_put,
	[DAOS_OPC_KV_REMOVE] = call_kv_remove,
	[DAOS_OPC_KV_LIST] = call_kv_list,
};

task_call *
task_call_of(int opcode)
{
	return opcode >= 0 && opcode < DAOS_OPC_MAX ? calls[opcode] : NULL;
}
