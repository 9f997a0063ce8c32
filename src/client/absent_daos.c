/* SPDX-License-Identifier: BSD-2-Clause-Patent */
/* Functions of DAOS that are not built yet: transactions, snapshots, object tables, filters and
 * pipelines, debugging. */
#include "client/private.h"
#include <daos_pipeline.h>

int
daos_cont_aggregate(daos_handle_t coh, daos_epoch_t epoch, daos_event_t *ev)
{
	(void)coh;
	(void)epoch;
	(void)ev;
	return -DER_NOSYS;
}

int
daos_cont_rollback(daos_handle_t coh, daos_epoch_t epoch, daos_event_t *ev)
{
	(void)coh;
	(void)epoch;
	(void)ev;
	return -DER_NOSYS;
}

int
daos_cont_subscribe(daos_handle_t coh, daos_epoch_t *epoch, daos_event_t *ev)
{
	(void)coh;
	(void)epoch;
	(void)ev;
	return -DER_NOSYS;
}

int
daos_cont_create_snap(daos_handle_t coh, daos_epoch_t *epoch, char *name, daos_event_t *ev)
{
	(void)coh;
	(void)epoch;
	(void)name;
	(void)ev;
	return -DER_NOSYS;
}

int
daos_cont_create_snap_opt(daos_handle_t coh, daos_epoch_t *epoch, char *name,
			  enum daos_snapshot_opts opts, daos_event_t *ev)
{
	(void)coh;
	(void)epoch;
	(void)name;
	(void)opts;
	(void)ev;
	return -DER_NOSYS;
}

int
daos_cont_list_snap(daos_handle_t coh, int *nr, daos_epoch_t *epochs, char **names,
		    daos_anchor_t *anchor, daos_event_t *ev)
{
	(void)coh;
	(void)nr;
	(void)epochs;
	(void)names;
	(void)anchor;
	(void)ev;
	return -DER_NOSYS;
}

int
daos_cont_destroy_snap(daos_handle_t coh, daos_epoch_range_t epr, daos_event_t *ev)
{
	(void)coh;
	(void)epr;
	(void)ev;
	return -DER_NOSYS;
}

int
daos_cont_get_perms(daos_prop_t *cont_prop, uid_t uid, gid_t *gids, size_t nr_gids, uint64_t *perms)
{
	(void)cont_prop;
	(void)uid;
	(void)gids;
	(void)nr_gids;
	(void)perms;
	return -DER_NOSYS;
}

int
daos_cont_snap_oit_create(daos_handle_t coh, daos_epoch_t epoch, char *name, daos_event_t *ev)
{
	(void)coh;
	(void)epoch;
	(void)name;
	(void)ev;
	return -DER_NOSYS;
}

int
daos_cont_snap_oit_destroy(daos_handle_t coh, daos_handle_t oh, daos_event_t *ev)
{
	(void)coh;
	(void)oh;
	(void)ev;
	return -DER_NOSYS;
}

int
daos_pool_query_target(daos_handle_t poh, uint32_t tgt, d_rank_t rank, daos_target_info_t *info,
		       daos_event_t *ev)
{
	(void)poh;
	(void)tgt;
	(void)rank;
	(void)info;
	(void)ev;
	return -DER_NOSYS;
}

int
daos_pool_filter_cont(daos_handle_t poh, daos_pool_cont_filter_t *filter, daos_size_t *ncont,
		      struct daos_pool_cont_info2 *cbuf, daos_event_t *ev)
{
	(void)poh;
	(void)filter;
	(void)ncont;
	(void)cbuf;
	(void)ev;
	return -DER_NOSYS;
}

int
daos_pool_get_perms(daos_prop_t *pool_prop, uid_t uid, gid_t *gids, size_t nr_gids, uint64_t *perms)
{
	(void)pool_prop;
	(void)uid;
	(void)gids;
	(void)nr_gids;
	(void)perms;
	return -DER_NOSYS;
}

int
daos_obj_query(daos_handle_t oh, struct daos_obj_attr *oa, d_rank_list_t *ranks, daos_event_t *ev)
{
	(void)oh;
	(void)oa;
	(void)ranks;
	(void)ev;
	return -DER_NOSYS;
}

int
daos_obj_verify(daos_handle_t coh, daos_obj_id_t oid, daos_epoch_t epoch)
{
	(void)coh;
	(void)oid;
	(void)epoch;
	return -DER_NOSYS;
}

int
daos_obj_key2anchor(daos_handle_t oh, daos_handle_t th, daos_key_t *dkey, daos_key_t *akey,
		    daos_anchor_t *anchor, daos_event_t *ev)
{
	(void)oh;
	(void)th;
	(void)dkey;
	(void)akey;
	(void)anchor;
	(void)ev;
	return -DER_NOSYS;
}

int
daos_oit_open(daos_handle_t coh, daos_epoch_t epoch, daos_handle_t *oh, daos_event_t *ev)
{
	(void)coh;
	(void)epoch;
	(void)oh;
	(void)ev;
	return -DER_NOSYS;
}

int
daos_oit_close(daos_handle_t oh, daos_event_t *ev)
{
	(void)oh;
	(void)ev;
	return -DER_NOSYS;
}

int
daos_oit_list(daos_handle_t oh, daos_obj_id_t *oids, uint32_t *oids_nr, daos_anchor_t *anchor,
	      daos_event_t *ev)
{
	(void)oh;
	(void)oids;
	(void)oids_nr;
	(void)anchor;
	(void)ev;
	return -DER_NOSYS;
}

int
daos_oit_mark(daos_handle_t oh, daos_obj_id_t oid, d_iov_t *marker, daos_event_t *ev)
{
	(void)oh;
	(void)oid;
	(void)marker;
	(void)ev;
	return -DER_NOSYS;
}

int
daos_oit_list_unmarked(daos_handle_t oh, daos_obj_id_t *oids, uint32_t *oids_nr,
		       daos_anchor_t *anchor, daos_event_t *ev)
{
	(void)oh;
	(void)oids;
	(void)oids_nr;
	(void)anchor;
	(void)ev;
	return -DER_NOSYS;
}

int
daos_oit_list_filter(daos_handle_t oh, daos_obj_id_t *oids, uint32_t *oids_nr,
		     daos_anchor_t *anchor, daos_oit_filter_cb *filter, daos_event_t *ev)
{
	(void)oh;
	(void)oids;
	(void)oids_nr;
	(void)anchor;
	(void)filter;
	(void)ev;
	return -DER_NOSYS;
}

int
daos_obj_register_class(daos_handle_t coh, daos_oclass_id_t cid, struct daos_oclass_attr *attr,
			daos_event_t *ev)
{
	(void)coh;
	(void)cid;
	(void)attr;
	(void)ev;
	return -DER_NOSYS;
}

int
daos_obj_query_class(daos_handle_t coh, daos_oclass_id_t cid, struct daos_oclass_attr *attr,
		     daos_event_t *ev)
{
	(void)coh;
	(void)cid;
	(void)attr;
	(void)ev;
	return -DER_NOSYS;
}

int
daos_obj_list_class(daos_handle_t coh, struct daos_oclass_list *list, daos_anchor_t *anchor,
		    daos_event_t *ev)
{
	(void)coh;
	(void)list;
	(void)anchor;
	(void)ev;
	return -DER_NOSYS;
}

int
daos_pool_stop_svc(daos_handle_t poh, daos_event_t *ev)
{
	(void)poh;
	(void)ev;
	return -DER_NOSYS;
}

int
daos_debug_set_params(const char *grp, d_rank_t rank, unsigned int key_id, uint64_t value,
		      uint64_t value_extra, daos_event_t *ev)
{
	(void)grp;
	(void)rank;
	(void)key_id;
	(void)value;
	(void)value_extra;
	(void)ev;
	return -DER_NOSYS;
}

int
daos_debug_add_mark(const char *mark)
{
	(void)mark;
	return -DER_NOSYS;
}

int
daos_mgmt_get_bs_state(const char *group, uuid_t blobstore_uuid, int *blobstore_state,
		       daos_event_t *ev)
{
	(void)group;
	(void)blobstore_uuid;
	(void)blobstore_state;
	(void)ev;
	return -DER_NOSYS;
}

int
daos_tx_open(daos_handle_t coh, daos_handle_t *th, uint64_t flags, daos_event_t *ev)
{
	(void)coh;
	(void)th;
	(void)flags;
	(void)ev;
	return -DER_NOSYS;
}

int
daos_tx_commit(daos_handle_t th, daos_event_t *ev)
{
	(void)th;
	(void)ev;
	return -DER_NOSYS;
}

int
daos_tx_open_snap(daos_handle_t coh, daos_epoch_t epoch, daos_handle_t *th, daos_event_t *ev)
{
	(void)coh;
	(void)epoch;
	(void)th;
	(void)ev;
	return -DER_NOSYS;
}

int
daos_tx_abort(daos_handle_t th, daos_event_t *ev)
{
	(void)th;
	(void)ev;
	return -DER_NOSYS;
}

int
daos_tx_close(daos_handle_t th, daos_event_t *ev)
{
	(void)th;
	(void)ev;
	return -DER_NOSYS;
}

int
daos_tx_restart(daos_handle_t th, daos_event_t *ev)
{
	(void)th;
	(void)ev;
	return -DER_NOSYS;
}

int
daos_tx_hdl2epoch(daos_handle_t th, daos_epoch_t *epoch)
{
	(void)th;
	(void)epoch;
	return -DER_NOSYS;
}

int
daos_pipeline_add(daos_pipeline_t *pipeline, daos_filter_t *filter)
{
	(void)pipeline;
	(void)filter;
	return -DER_NOSYS;
}

int
daos_filter_add(daos_filter_t *filter, daos_filter_part_t *part)
{
	(void)filter;
	(void)part;
	return -DER_NOSYS;
}

int
daos_pipeline_check(daos_pipeline_t *pipeline)
{
	(void)pipeline;
	return -DER_NOSYS;
}

int
daos_pipeline_free(daos_pipeline_t *pipeline)
{
	(void)pipeline;
	return -DER_NOSYS;
}

int
daos_pipeline_run(daos_handle_t coh, daos_handle_t oh, daos_pipeline_t *pipeline, daos_handle_t th,
		  uint64_t flags, daos_key_t *dkey, uint32_t *nr_iods, daos_iod_t *iods,
		  daos_anchor_t *anchor, uint32_t *nr_kds, daos_key_desc_t *kds,
		  d_sg_list_t *sgl_keys, d_sg_list_t *sgl_recx, daos_size_t *recx_size,
		  d_sg_list_t *sgl_agg, daos_pipeline_stats_t *stats, daos_event_t *ev)
{
	(void)coh;
	(void)oh;
	(void)pipeline;
	(void)th;
	(void)flags;
	(void)dkey;
	(void)nr_iods;
	(void)iods;
	(void)anchor;
	(void)nr_kds;
	(void)kds;
	(void)sgl_keys;
	(void)sgl_recx;
	(void)recx_size;
	(void)sgl_agg;
	(void)stats;
	(void)ev;
	return -DER_NOSYS;
}
