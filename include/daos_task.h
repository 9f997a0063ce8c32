/* SPDX-License-Identifier: BSD-2-Clause-Patent */
/*
 * Calls as tasks: the operation is an opcode, its arguments a struct in the task. The struct of
 * DAOS_OPC_X is daos_x_t, except where its comment names the opcodes.
 */
#ifndef __DAOS_TASK_H__
#define __DAOS_TASK_H__

#include <daos_array.h>
#include <daos_cont.h>
#include <daos_errno.h>
#include <daos_kv.h>
#include <daos_mgmt.h>
#include <daos_obj.h>
#include <daos_pipeline.h>
#include <daos_pool.h>
#include <daos_prop.h>
#include <daos_types.h>

#include <daos/tse.h>

#if defined(__cplusplus)
extern "C" {
#endif

typedef enum {
	DAOS_OPC_INVALID               = -1,
	DAOS_OPC_MGMT_LIST_POOLS       = 2,
	DAOS_OPC_SET_PARAMS            = 3,
	DAOS_OPC_MGMT_GET_BS_STATE     = 4,
	DAOS_OPC_POOL_CONNECT          = 5,
	DAOS_OPC_POOL_DISCONNECT       = 6,
	DAOS_OPC_POOL_EXCLUDE          = 7,
	DAOS_OPC_POOL_EXCLUDE_OUT      = 8,
	DAOS_OPC_POOL_ADD              = 9,
	DAOS_OPC_POOL_QUERY            = 10,
	DAOS_OPC_POOL_QUERY_INFO       = 11,
	DAOS_OPC_POOL_LIST_ATTR        = 12,
	DAOS_OPC_POOL_GET_ATTR         = 13,
	DAOS_OPC_POOL_SET_ATTR         = 14,
	DAOS_OPC_POOL_DEL_ATTR         = 15,
	DAOS_OPC_POOL_STOP_SVC         = 16,
	DAOS_OPC_POOL_LIST_CONT        = 17,
	DAOS_OPC_CONT_CREATE           = 18,
	DAOS_OPC_CONT_OPEN             = 19,
	DAOS_OPC_CONT_CLOSE            = 20,
	DAOS_OPC_CONT_DESTROY          = 21,
	DAOS_OPC_CONT_QUERY            = 22,
	DAOS_OPC_CONT_SET_PROP         = 23,
	DAOS_OPC_CONT_UPDATE_ACL       = 24,
	DAOS_OPC_CONT_DELETE_ACL       = 25,
	DAOS_OPC_CONT_AGGREGATE        = 26,
	DAOS_OPC_CONT_ROLLBACK         = 27,
	DAOS_OPC_CONT_SUBSCRIBE        = 28,
	DAOS_OPC_CONT_LIST_ATTR        = 29,
	DAOS_OPC_CONT_GET_ATTR         = 30,
	DAOS_OPC_CONT_SET_ATTR         = 31,
	DAOS_OPC_CONT_DEL_ATTR         = 32,
	DAOS_OPC_CONT_ALLOC_OIDS       = 33,
	DAOS_OPC_CONT_LIST_SNAP        = 34,
	DAOS_OPC_CONT_CREATE_SNAP      = 35,
	DAOS_OPC_CONT_DESTROY_SNAP     = 36,
	DAOS_OPC_TX_OPEN               = 37,
	DAOS_OPC_TX_COMMIT             = 38,
	DAOS_OPC_TX_ABORT              = 39,
	DAOS_OPC_TX_OPEN_SNAP          = 40,
	DAOS_OPC_TX_CLOSE              = 41,
	DAOS_OPC_TX_RESTART            = 42,
	DAOS_OPC_OBJ_QUERY_CLASS       = 44,
	DAOS_OPC_OBJ_LIST_CLASS        = 45,
	DAOS_OPC_OBJ_OPEN              = 46,
	DAOS_OPC_OBJ_CLOSE             = 47,
	DAOS_OPC_OBJ_PUNCH             = 48,
	DAOS_OPC_OBJ_PUNCH_DKEYS       = 49,
	DAOS_OPC_OBJ_PUNCH_AKEYS       = 50,
	DAOS_OPC_OBJ_QUERY             = 51,
	DAOS_OPC_OBJ_QUERY_KEY         = 52,
	DAOS_OPC_OBJ_SYNC              = 53,
	DAOS_OPC_OBJ_FETCH             = 54,
	DAOS_OPC_OBJ_UPDATE            = 55,
	DAOS_OPC_OBJ_LIST_DKEY         = 56,
	DAOS_OPC_OBJ_LIST_AKEY         = 57,
	DAOS_OPC_OBJ_LIST_RECX         = 58,
	DAOS_OPC_OBJ_LIST_OBJ          = 59,
	DAOS_OPC_ARRAY_CREATE          = 60,
	DAOS_OPC_ARRAY_OPEN            = 61,
	DAOS_OPC_ARRAY_CLOSE           = 62,
	DAOS_OPC_ARRAY_DESTROY         = 63,
	DAOS_OPC_ARRAY_READ            = 64,
	DAOS_OPC_ARRAY_WRITE           = 65,
	DAOS_OPC_ARRAY_PUNCH           = 66,
	DAOS_OPC_ARRAY_GET_SIZE        = 67,
	DAOS_OPC_ARRAY_SET_SIZE        = 68,
	DAOS_OPC_ARRAY_STAT            = 69,
	DAOS_OPC_KV_OPEN               = 70,
	DAOS_OPC_KV_CLOSE              = 71,
	DAOS_OPC_KV_DESTROY            = 72,
	DAOS_OPC_KV_GET                = 73,
	DAOS_OPC_KV_PUT                = 74,
	DAOS_OPC_KV_REMOVE             = 75,
	DAOS_OPC_KV_LIST               = 76,
	DAOS_OPC_POOL_FILTER_CONT      = 77,
	DAOS_OPC_OBJ_KEY2ANCHOR        = 78,
	DAOS_OPC_CONT_SNAP_OIT_CREATE  = 79,
	DAOS_OPC_CONT_SNAP_OIT_DESTROY = 80,
	DAOS_OPC_PIPELINE_RUN          = 81,
	DAOS_OPC_MAX                   = 82,
} daos_opc_t;

typedef struct {
	const char *grp;
	d_rank_t rank;
	uint32_t key_id;
	uint64_t value;
	uint64_t value_extra;
} daos_set_params_t;

/** The text in pool wins over uuid when it is set. */
typedef struct {
	uuid_t uuid;
	const char *grp;
	unsigned int flags;
	daos_handle_t *poh;
	daos_pool_info_t *info;
	const char *pool;
} daos_pool_connect_t;

typedef struct {
	daos_handle_t poh;
} daos_pool_disconnect_t;

/** Of DAOS_OPC_POOL_EXCLUDE, POOL_EXCLUDE_OUT and POOL_ADD. */
typedef struct {
	uuid_t uuid;
	const char *grp;
	d_rank_list_t *svc;
	struct d_tgt_list *tgts;
} daos_pool_update_t;

struct daos_obj_register_class_t {
	daos_handle_t coh;
	daos_oclass_id_t cid;
	struct daos_oclass_attr *cattr;
};

/** Of DAOS_OPC_MGMT_LIST_POOLS. */
typedef struct {
	const char *grp;
	daos_mgmt_pool_info_t *pools;
	daos_size_t *npools;
} daos_mgmt_pool_list_t;

typedef struct {
	daos_handle_t poh;
	d_rank_list_t **ranks;
	daos_pool_info_t *info;
	daos_prop_t *prop;
} daos_pool_query_t;

/** Of DAOS_OPC_POOL_QUERY_INFO. */
typedef struct {
	daos_handle_t poh;
	uint32_t tgt_idx;
	d_rank_t rank;
	daos_target_info_t *info;
} daos_pool_query_target_t;

typedef struct {
	daos_handle_t poh;
	daos_size_t *ncont;
	struct daos_pool_cont_info *cont_buf;
} daos_pool_list_cont_t;

typedef struct {
	daos_handle_t poh;
	daos_pool_cont_filter_t *filt;
	daos_size_t *ncont;
	struct daos_pool_cont_info2 *cont_buf;
} daos_pool_filter_cont_t;

typedef struct {
	daos_handle_t poh;
	char *buf;
	size_t *size;
} daos_pool_list_attr_t;

typedef struct {
	daos_handle_t poh;
	int n;
	const char *const *names;
	void *const *values;
	size_t *sizes;
} daos_pool_get_attr_t;

typedef struct {
	daos_handle_t poh;
	int n;
	const char *const *names;
	const void *const *values;
	const size_t *sizes;
} daos_pool_set_attr_t;

typedef struct {
	daos_handle_t poh;
	int n;
	const char *const *names;
} daos_pool_del_attr_t;

typedef struct {
	uuid_t uuid;
	const char *group;
	d_rank_list_t *targets;
	d_rank_list_t *failed;
} daos_pool_replicas_t;

typedef struct {
	const char *grp;
	uuid_t uuid;
	int *state;
} daos_mgmt_get_bs_state_t;

typedef struct {
	daos_handle_t poh;
} daos_pool_stop_svc_t;

/** uuid is no longer used; cuuid receives the new one. */
typedef struct {
	daos_handle_t poh;
	uuid_t uuid;
	daos_prop_t *prop;
	uuid_t *cuuid;
} daos_cont_create_t;

/** The text in cont wins over uuid when it is set. */
typedef struct {
	daos_handle_t poh;
	uuid_t uuid;
	unsigned int flags;
	daos_handle_t *coh;
	daos_cont_info_t *info;
	const char *cont;
} daos_cont_open_t;

typedef struct {
	daos_handle_t coh;
} daos_cont_close_t;

/** The text in cont wins over uuid when it is set. */
typedef struct {
	daos_handle_t poh;
	uuid_t uuid;
	int force;
	const char *cont;
} daos_cont_destroy_t;

typedef struct {
	daos_handle_t coh;
	daos_cont_info_t *info;
	daos_prop_t *prop;
} daos_cont_query_t;

typedef struct {
	daos_handle_t coh;
	daos_prop_t *prop;
} daos_cont_set_prop_t;

typedef struct {
	daos_handle_t coh;
	struct daos_acl *acl;
} daos_cont_update_acl_t;

typedef struct {
	daos_handle_t coh;
	uint8_t type;
	d_string_t name;
} daos_cont_delete_acl_t;

typedef struct {
	daos_handle_t coh;
	daos_epoch_t epoch;
} daos_cont_aggregate_t;

typedef struct {
	daos_handle_t coh;
	daos_epoch_t epoch;
} daos_cont_rollback_t;

typedef struct {
	daos_handle_t coh;
	daos_epoch_t *epoch;
} daos_cont_subscribe_t;

typedef struct {
	daos_handle_t coh;
	char *buf;
	size_t *size;
} daos_cont_list_attr_t;

typedef struct {
	daos_handle_t coh;
	int n;
	const char *const *names;
	void *const *values;
	size_t *sizes;
} daos_cont_get_attr_t;

typedef struct {
	daos_handle_t coh;
	int n;
	const char *const *names;
	const void *const *values;
	const size_t *sizes;
} daos_cont_set_attr_t;

typedef struct {
	daos_handle_t coh;
	int n;
	const char *const *names;
} daos_cont_del_attr_t;

typedef struct {
	daos_handle_t coh;
	daos_size_t num_oids;
	uint64_t *oid;
} daos_cont_alloc_oids_t;

typedef struct {
	daos_handle_t coh;
	int *nr;
	daos_epoch_t *epochs;
	char **names;
	daos_anchor_t *anchor;
} daos_cont_list_snap_t;

typedef struct {
	daos_handle_t coh;
	unsigned int opts;
	daos_epoch_t *epoch;
	char *name;
} daos_cont_create_snap_t;

typedef struct {
	daos_handle_t coh;
	daos_epoch_range_t epr;
} daos_cont_destroy_snap_t;

typedef struct {
	daos_handle_t coh;
	daos_epoch_t epoch;
	daos_obj_id_t *oid;
} daos_cont_snap_oit_oid_get_t;

typedef struct {
	daos_handle_t coh;
	daos_epoch_t epoch;
	char *name;
} daos_cont_snap_oit_create_t;

typedef struct {
	daos_handle_t coh;
	daos_epoch_t epoch;
} daos_cont_snap_oit_destroy_t;

typedef struct {
	daos_handle_t coh;
	daos_handle_t *th;
	uint64_t flags;
} daos_tx_open_t;

typedef struct {
	daos_handle_t th;
	uint32_t flags;
} daos_tx_commit_t;

typedef struct {
	daos_handle_t th;
} daos_tx_abort_t;

typedef struct {
	daos_handle_t coh;
	daos_epoch_t epoch;
	daos_handle_t *th;
} daos_tx_open_snap_t;

typedef struct {
	daos_handle_t th;
} daos_tx_close_t;

typedef struct {
	daos_handle_t th;
} daos_tx_restart_t;

typedef struct {
	daos_handle_t coh;
	daos_oclass_id_t cid;
	struct daos_oclass_attr *cattr;
} daos_obj_query_class_t;

typedef struct {
	daos_handle_t coh;
	struct daos_oclass_list *clist;
	daos_anchor_t *anchor;
} daos_obj_list_class_t;

typedef struct {
	daos_handle_t coh;
	daos_obj_id_t oid;
	unsigned int mode;
	daos_handle_t *oh;
} daos_obj_open_t;

typedef struct {
	daos_handle_t oh;
} daos_obj_close_t;

/** Of DAOS_OPC_OBJ_PUNCH (which has no keys), OBJ_PUNCH_DKEYS and OBJ_PUNCH_AKEYS. */
typedef struct {
	daos_handle_t th;
	daos_handle_t oh;
	daos_key_t *dkey;
	daos_key_t *akeys;
	uint64_t flags;
	unsigned int akey_nr;
} daos_obj_punch_t;

typedef struct {
	daos_handle_t oh;
	daos_handle_t th;
	struct daos_obj_attr *oa;
	d_rank_list_t *ranks;
} daos_obj_query_t;

typedef struct {
	daos_handle_t oh;
	daos_handle_t th;
	daos_key_t *dkey;
	daos_key_t *akey;
	daos_recx_t *recx;
	uint64_t flags;
	daos_epoch_t *max_epoch;
} daos_obj_query_key_t;

/** Of DAOS_OPC_OBJ_FETCH and OBJ_UPDATE. */
typedef struct {
	daos_handle_t th;
	daos_handle_t oh;
	uint64_t flags;
	daos_key_t *dkey;
	uint32_t nr;
	uint32_t extra_flags;
	daos_iod_t *iods;
	d_sg_list_t *sgls;
	daos_iom_t *ioms;
	void *extra_arg;
	d_iov_t *csum_iov;
} daos_obj_rw_t;

typedef daos_obj_rw_t daos_obj_fetch_t;
typedef daos_obj_rw_t daos_obj_update_t;

/** Of DAOS_OPC_OBJ_SYNC. */
struct daos_obj_sync_args {
	daos_handle_t oh;
	daos_epoch_t epoch;
	daos_epoch_t **epochs_p;
	int *nr;
};

/** Of DAOS_OPC_OBJ_LIST_DKEY, LIST_AKEY, LIST_RECX, LIST_OBJ and KEY2ANCHOR. */
typedef struct {
	daos_handle_t oh;
	daos_handle_t th;
	daos_key_t *dkey;
	daos_key_t *akey;
	uint32_t *nr;
	daos_key_desc_t *kds;
	d_sg_list_t *sgl;
	daos_size_t *size;
	daos_iod_type_t type;
	daos_recx_t *recxs;
	daos_epoch_range_t *eprs;
	daos_anchor_t *anchor;
	daos_anchor_t *dkey_anchor;
	daos_anchor_t *akey_anchor;
	uint32_t *versions;
	d_iov_t *csum;
	bool incr_order;
} daos_obj_list_t;

typedef daos_obj_list_t daos_obj_list_dkey_t;
typedef daos_obj_list_t daos_obj_list_akey_t;
typedef daos_obj_list_t daos_obj_list_recx_t;
typedef daos_obj_list_t daos_obj_list_obj_t;
typedef daos_obj_list_t daos_obj_key2anchor_t;

typedef struct {
	daos_handle_t coh;
	daos_obj_id_t oid;
	daos_handle_t th;
	daos_size_t cell_size;
	daos_size_t chunk_size;
	daos_handle_t *oh;
} daos_array_create_t;

typedef struct {
	daos_handle_t coh;
	daos_obj_id_t oid;
	daos_handle_t th;
	unsigned int mode;
	unsigned int open_with_attr;
	daos_size_t *cell_size;
	daos_size_t *chunk_size;
	daos_handle_t *oh;
} daos_array_open_t;

typedef struct {
	daos_handle_t oh;
} daos_array_close_t;

/** Of DAOS_OPC_ARRAY_READ, ARRAY_WRITE and ARRAY_PUNCH. */
typedef struct {
	daos_handle_t oh;
	daos_handle_t th;
	daos_array_iod_t *iod;
	d_sg_list_t *sgl;
} daos_array_io_t;

typedef struct {
	daos_handle_t oh;
	daos_handle_t th;
	daos_size_t *size;
} daos_array_get_size_t;

typedef struct {
	daos_handle_t oh;
	daos_handle_t th;
	daos_array_stbuf_t *stbuf;
} daos_array_stat_t;

typedef struct {
	daos_handle_t oh;
	daos_handle_t th;
	daos_size_t size;
} daos_array_set_size_t;

typedef struct {
	daos_handle_t oh;
	daos_handle_t th;
} daos_array_destroy_t;

typedef struct {
	daos_handle_t coh;
	daos_obj_id_t oid;
	unsigned int mode;
	daos_handle_t *oh;
} daos_kv_open_t;

typedef struct {
	daos_handle_t oh;
} daos_kv_close_t;

typedef struct {
	daos_handle_t oh;
	daos_handle_t th;
} daos_kv_destroy_t;

typedef struct {
	daos_handle_t oh;
	daos_handle_t th;
	uint64_t flags;
	const char *key;
	daos_size_t *buf_size;
	void *buf;
} daos_kv_get_t;

typedef struct {
	daos_handle_t oh;
	daos_handle_t th;
	uint64_t flags;
	const char *key;
	daos_size_t buf_size;
	const void *buf;
} daos_kv_put_t;

typedef struct {
	daos_handle_t oh;
	daos_handle_t th;
	uint64_t flags;
	const char *key;
} daos_kv_remove_t;

typedef struct {
	daos_handle_t oh;
	daos_handle_t th;
	uint32_t *nr;
	daos_key_desc_t *kds;
	d_sg_list_t *sgl;
	daos_anchor_t *anchor;
} daos_kv_list_t;

typedef struct {
	daos_handle_t oh;
	daos_handle_t th;
	daos_pipeline_t *pipeline;
	uint64_t flags;
	daos_key_t *dkey;
	uint32_t *nr_iods;
	daos_iod_t *iods;
	daos_anchor_t *anchor;
	uint32_t *nr_kds;
	daos_key_desc_t *kds;
	d_sg_list_t *sgl_keys;
	d_sg_list_t *sgl_recx;
	daos_size_t *recx_size;
	d_sg_list_t *sgl_agg;
	daos_pipeline_stats_t *stats;
} daos_pipeline_run_t;

/** New task for an opcode, optionally depending on others. */
int daos_task_create(daos_opc_t opc, tse_sched_t *sched, unsigned int num_deps,
		     tse_task_t *dep_tasks[], tse_task_t **taskp);

/** Reuse a task with another opcode. */
int daos_task_reset(tse_task_t *task, daos_opc_t opc);

/** Argument struct of the opcode, zeroed at creation. */
void *daos_task_get_args(tse_task_t *task);

/** Pointer of the user. */
void *daos_task_get_priv(tse_task_t *task);

/** Sets the pointer of the user and returns the old one. */
void *daos_task_set_priv(tse_task_t *task, void *priv);

/** Progress a scheduler (timeout µs) and tell if it is empty. */
int daos_progress(tse_sched_t *sched, int64_t timeout, bool *is_empty);

#if defined(__cplusplus)
}
#endif

#endif /* __DAOS_TASK_H__ */
