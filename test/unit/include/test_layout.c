/* SPDX-License-Identifier: BSD-2-Clause-Patent */
/* Sizes and offsets of public structs on 64-bit machines: programs are compiled against them. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <daos.h>
#include <daos/tse.h>
#include <daos_fs.h>
#include <daos_fs_sys.h>
#include <daos_pipeline.h>
#include <daos_s3.h>
#include <daos_task.h>
#include <daos_uns.h>
#include <gurt/hash.h>

#define SIZE(type, size) _Static_assert(sizeof(type) == (size), #type)
#define AT(type, member, offset) \
	_Static_assert(offsetof(type, member) == (offset), #type "." #member)

SIZE(struct d_uuid, 16);
AT(struct d_uuid, uuid, 0);

SIZE(d_iov_t, 24);
AT(d_iov_t, iov_buf, 0);
AT(d_iov_t, iov_buf_len, 8);
AT(d_iov_t, iov_len, 16);

SIZE(d_rank_list_t, 16);
AT(d_rank_list_t, rl_ranks, 0);
AT(d_rank_list_t, rl_nr, 8);

SIZE(d_rank_range_t, 8);
AT(d_rank_range_t, lo, 0);
AT(d_rank_range_t, hi, 4);

SIZE(d_rank_range_list_t, 16);
AT(d_rank_range_list_t, rrl_ranges, 0);
AT(d_rank_range_list_t, rrl_nr, 8);

SIZE(d_sg_list_t, 16);
AT(d_sg_list_t, sg_nr, 0);
AT(d_sg_list_t, sg_nr_out, 4);
AT(d_sg_list_t, sg_iovs, 8);

SIZE(struct d_string_buffer_t, 32);
AT(struct d_string_buffer_t, status, 0);
AT(struct d_string_buffer_t, str_size, 8);
AT(struct d_string_buffer_t, buf_size, 16);
AT(struct d_string_buffer_t, str, 24);

SIZE(daos_anchor_t, 120);
AT(daos_anchor_t, da_type, 0);
AT(daos_anchor_t, da_shard, 2);
AT(daos_anchor_t, da_flags, 4);
AT(daos_anchor_t, da_sub_anchors, 8);
AT(daos_anchor_t, da_buf, 16);

SIZE(daos_handle_t, 8);
AT(daos_handle_t, cookie, 0);

SIZE(daos_epoch_range_t, 16);
AT(daos_epoch_range_t, epr_lo, 0);
AT(daos_epoch_range_t, epr_hi, 8);

SIZE(daos_cont_info_t, 48);
AT(daos_cont_info_t, ci_uuid, 0);
AT(daos_cont_info_t, ci_lsnapshot, 16);
AT(daos_cont_info_t, ci_nhandles, 24);
AT(daos_cont_info_t, ci_nsnapshots, 28);
AT(daos_cont_info_t, ci_md_otime, 32);
AT(daos_cont_info_t, ci_md_mtime, 40);

SIZE(daos_event_t, 176);
AT(daos_event_t, ev_error, 0);
AT(daos_event_t, ev_private, 8);
AT(daos_event_t, ev_debug, 168);

SIZE(struct d_tgt_list, 24);
AT(struct d_tgt_list, tl_ranks, 0);
AT(struct d_tgt_list, tl_tgts, 8);
AT(struct d_tgt_list, tl_nr, 16);

SIZE(daos_obj_id_t, 16);
AT(daos_obj_id_t, lo, 0);
AT(daos_obj_id_t, hi, 8);

SIZE(struct daos_rank_uri, 16);
AT(struct daos_rank_uri, dru_rank, 0);
AT(struct daos_rank_uri, dru_uri, 8);

SIZE(struct daos_sys_info, 4256);
AT(struct daos_sys_info, dsi_system_name, 0);
AT(struct daos_sys_info, dsi_fabric_provider, 64);
AT(struct daos_sys_info, dsi_agent_path, 128);
AT(struct daos_sys_info, dsi_nr_ranks, 4224);
AT(struct daos_sys_info, dsi_ranks, 4232);
AT(struct daos_sys_info, dsi_nr_ms_ranks, 4240);
AT(struct daos_sys_info, dsi_ms_ranks, 4248);

SIZE(struct daos_rp_attr, 8);
AT(struct daos_rp_attr, r_proto, 0);
AT(struct daos_rp_attr, r_num, 4);

SIZE(struct daos_ec_attr, 8);
AT(struct daos_ec_attr, e_k, 0);
AT(struct daos_ec_attr, e_p, 2);
AT(struct daos_ec_attr, e_len, 4);

SIZE(struct daos_oclass_attr, 24);
AT(struct daos_oclass_attr, ca_schema, 0);
AT(struct daos_oclass_attr, ca_resil, 4);
AT(struct daos_oclass_attr, ca_resil_degree, 8);
AT(struct daos_oclass_attr, ca_grp_nr, 12);
AT(struct daos_oclass_attr, u, 16);

SIZE(struct daos_oclass_list, 24);
AT(struct daos_oclass_list, cl_nr, 0);
AT(struct daos_oclass_list, cl_nr_out, 4);
AT(struct daos_oclass_list, cl_cids, 8);
AT(struct daos_oclass_list, cl_cattrs, 16);

SIZE(struct daos_prop_byteval, 16);
AT(struct daos_prop_byteval, dpb_data, 0);
AT(struct daos_prop_byteval, dpb_len, 8);

SIZE(struct daos_prop_co_roots, 64);
AT(struct daos_prop_co_roots, cr_oids, 0);

SIZE(struct daos_co_status, 8);
AT(struct daos_co_status, dcs_status, 0);
AT(struct daos_co_status, dcs_flags, 2);
AT(struct daos_co_status, dcs_pm_ver, 4);

SIZE(struct daos_prop_entry, 16);
AT(struct daos_prop_entry, dpe_type, 0);
AT(struct daos_prop_entry, dpe_flags, 4);
AT(struct daos_prop_entry, dpe_reserv, 6);
AT(struct daos_prop_entry, dpe_val, 8);

SIZE(daos_prop_t, 16);
AT(daos_prop_t, dpp_nr, 0);
AT(daos_prop_t, dpp_reserv, 4);
AT(daos_prop_t, dpp_entries, 8);

SIZE(struct daos_obj_attr, 16);
AT(struct daos_obj_attr, oa_rank, 0);
AT(struct daos_obj_attr, oa_oa, 8);

SIZE(daos_recx_t, 16);
AT(daos_recx_t, rx_idx, 0);
AT(daos_recx_t, rx_nr, 8);

SIZE(daos_iod_t, 64);
AT(daos_iod_t, iod_name, 0);
AT(daos_iod_t, iod_type, 24);
AT(daos_iod_t, iod_size, 32);
AT(daos_iod_t, iod_flags, 40);
AT(daos_iod_t, iod_nr, 48);
AT(daos_iod_t, iod_recxs, 56);

SIZE(daos_iom_t, 64);
AT(daos_iom_t, iom_type, 0);
AT(daos_iom_t, iom_nr, 4);
AT(daos_iom_t, iom_nr_out, 8);
AT(daos_iom_t, iom_flags, 12);
AT(daos_iom_t, iom_size, 16);
AT(daos_iom_t, iom_recx_lo, 24);
AT(daos_iom_t, iom_recx_hi, 40);
AT(daos_iom_t, iom_recxs, 56);

SIZE(daos_key_desc_t, 16);
AT(daos_key_desc_t, kd_key_len, 0);
AT(daos_key_desc_t, kd_val_type, 8);

SIZE(daos_range_t, 16);
AT(daos_range_t, rg_idx, 0);
AT(daos_range_t, rg_len, 8);

SIZE(daos_array_iod_t, 32);
AT(daos_array_iod_t, arr_nr, 0);
AT(daos_array_iod_t, arr_rgs, 8);
AT(daos_array_iod_t, arr_nr_short_read, 16);
AT(daos_array_iod_t, arr_nr_read, 24);

SIZE(daos_array_stbuf_t, 16);
AT(daos_array_stbuf_t, st_size, 0);
AT(daos_array_stbuf_t, st_max_epoch, 8);

SIZE(struct daos_acl, 8);
AT(struct daos_acl, dal_ver, 0);
AT(struct daos_acl, dal_reserv, 2);
AT(struct daos_acl, dal_len, 4);
AT(struct daos_acl, dal_ace, 8);

SIZE(struct daos_ace, 32);
AT(struct daos_ace, dae_access_types, 0);
AT(struct daos_ace, dae_principal_type, 1);
AT(struct daos_ace, dae_principal_len, 2);
AT(struct daos_ace, dae_access_flags, 4);
AT(struct daos_ace, dae_reserv, 6);
AT(struct daos_ace, dae_allow_perms, 8);
AT(struct daos_ace, dae_audit_perms, 16);
AT(struct daos_ace, dae_alarm_perms, 24);
AT(struct daos_ace, dae_principal, 32);

SIZE(daos_target_perf_t, 4);
AT(daos_target_perf_t, foo, 0);

SIZE(struct daos_space, 32);
AT(struct daos_space, s_total, 0);
AT(struct daos_space, s_free, 16);

SIZE(daos_target_info_t, 48);
AT(daos_target_info_t, ta_padding, 0);
AT(daos_target_info_t, ta_state, 4);
AT(daos_target_info_t, ta_perf, 8);
AT(daos_target_info_t, ta_space, 16);

SIZE(struct daos_pool_space, 88);
AT(struct daos_pool_space, ps_space, 0);
AT(struct daos_pool_space, ps_free_min, 32);
AT(struct daos_pool_space, ps_free_max, 48);
AT(struct daos_pool_space, ps_free_mean, 64);
AT(struct daos_pool_space, ps_ntargets, 80);
AT(struct daos_pool_space, ps_padding, 84);

SIZE(struct daos_rebuild_status, 56);
AT(struct daos_rebuild_status, rs_version, 0);
AT(struct daos_rebuild_status, rs_seconds, 4);
AT(struct daos_rebuild_status, rs_errno, 8);
AT(struct daos_rebuild_status, rs_state, 12);
AT(struct daos_rebuild_status, rs_max_supported_layout_ver, 16);
AT(struct daos_rebuild_status, rs_flags, 18);
AT(struct daos_rebuild_status, rs_reserved_, 19);
AT(struct daos_rebuild_status, rs_fail_rank, 20);
AT(struct daos_rebuild_status, rs_toberb_obj_nr, 24);
AT(struct daos_rebuild_status, rs_obj_nr, 32);
AT(struct daos_rebuild_status, rs_rec_nr, 40);
AT(struct daos_rebuild_status, rs_size, 48);

SIZE(daos_pool_info_t, 192);
AT(daos_pool_info_t, pi_uuid, 0);
AT(daos_pool_info_t, pi_ntargets, 16);
AT(daos_pool_info_t, pi_nnodes, 20);
AT(daos_pool_info_t, pi_ndisabled, 24);
AT(daos_pool_info_t, pi_map_ver, 28);
AT(daos_pool_info_t, pi_leader, 32);
AT(daos_pool_info_t, pi_bits, 40);
AT(daos_pool_info_t, pi_space, 48);
AT(daos_pool_info_t, pi_rebuild_st, 136);

SIZE(struct daos_pool_cont_info, 144);
AT(struct daos_pool_cont_info, pci_uuid, 0);
AT(struct daos_pool_cont_info, pci_label, 16);

SIZE(struct daos_pool_cont_info2, 208);
AT(struct daos_pool_cont_info2, pci_id, 0);
AT(struct daos_pool_cont_info2, pci_cinfo, 144);
AT(struct daos_pool_cont_info2, pci_reserved, 192);

SIZE(daos_pool_cont_filter_part_t, 16);
AT(daos_pool_cont_filter_part_t, pcfp_func, 0);
AT(daos_pool_cont_filter_part_t, pcfp_key, 4);
AT(daos_pool_cont_filter_part_t, pcfp_val64, 8);

SIZE(daos_pool_cont_filter_t, 16);
AT(daos_pool_cont_filter_t, pcf_combine_func, 0);
AT(daos_pool_cont_filter_t, pcf_nparts, 4);
AT(daos_pool_cont_filter_t, pcf_parts, 8);

SIZE(daos_mgmt_pool_info_t, 40);
AT(daos_mgmt_pool_info_t, mgpi_uuid, 0);
AT(daos_mgmt_pool_info_t, mgpi_label, 16);
AT(daos_mgmt_pool_info_t, mgpi_svc, 24);
AT(daos_mgmt_pool_info_t, mgpi_ldr, 32);

SIZE(struct duns_attr_t, 480);
AT(struct duns_attr_t, da_type, 0);
AT(struct duns_attr_t, da_oclass_id, 4);
AT(struct duns_attr_t, da_chunk_size, 8);
AT(struct duns_attr_t, da_props, 16);
AT(struct duns_attr_t, da_flags, 24);
AT(struct duns_attr_t, da_pool, 28);
AT(struct duns_attr_t, da_cont, 156);
AT(struct duns_attr_t, da_sys, 288);
AT(struct duns_attr_t, da_rel_path, 296);
AT(struct duns_attr_t, da_on_lustre, 304);
AT(struct duns_attr_t, da_no_prefix, 305);
AT(struct duns_attr_t, da_puuid, 306);
AT(struct duns_attr_t, da_cuuid, 322);
AT(struct duns_attr_t, da_dir_oclass_id, 340);
AT(struct duns_attr_t, da_file_oclass_id, 344);
AT(struct duns_attr_t, da_hints, 348);

SIZE(dfs_attr_t, 176);
AT(dfs_attr_t, da_id, 0);
AT(dfs_attr_t, da_chunk_size, 8);
AT(dfs_attr_t, da_oclass_id, 16);
AT(dfs_attr_t, da_props, 24);
AT(dfs_attr_t, da_mode, 32);
AT(dfs_attr_t, da_dir_oclass_id, 36);
AT(dfs_attr_t, da_file_oclass_id, 40);
AT(dfs_attr_t, da_hints, 44);

SIZE(dfs_iod_t, 16);
AT(dfs_iod_t, iod_nr, 0);
AT(dfs_iod_t, iod_rgs, 8);

SIZE(dfs_obj_info_t, 40);
AT(dfs_obj_info_t, doi_oclass_id, 0);
AT(dfs_obj_info_t, doi_chunk_size, 8);
AT(dfs_obj_info_t, doi_dir_oclass_id, 16);
AT(dfs_obj_info_t, doi_file_oclass_id, 20);
AT(dfs_obj_info_t, doi_oid, 24);

SIZE(dfs_predicate_t, 272);
AT(dfs_predicate_t, dp_name, 0);
AT(dfs_predicate_t, dp_newer, 256);
AT(dfs_predicate_t, dp_size, 264);

SIZE(d_list_t, 16);
AT(d_list_t, next, 0);
AT(d_list_t, prev, 8);

SIZE(tse_task_t, 1024);
AT(tse_task_t, dt_result, 0);
AT(tse_task_t, dt_pad32, 4);
AT(tse_task_t, dt_private, 8);

SIZE(tse_sched_t, 400);
AT(tse_sched_t, ds_result, 0);
AT(tse_sched_t, ds_udata, 8);
AT(tse_sched_t, ds_private, 16);

SIZE(daos_filter_part_t, 112);
AT(daos_filter_part_t, part_type, 0);
AT(daos_filter_part_t, data_type, 24);
AT(daos_filter_part_t, num_operands, 48);
AT(daos_filter_part_t, akey, 56);
AT(daos_filter_part_t, num_constants, 80);
AT(daos_filter_part_t, constant, 88);
AT(daos_filter_part_t, data_offset, 96);
AT(daos_filter_part_t, data_len, 104);

SIZE(daos_filter_t, 40);
AT(daos_filter_t, filter_type, 0);
AT(daos_filter_t, num_parts, 24);
AT(daos_filter_t, parts, 32);

SIZE(daos_pipeline_t, 40);
AT(daos_pipeline_t, version, 0);
AT(daos_pipeline_t, num_filters, 8);
AT(daos_pipeline_t, filters, 16);
AT(daos_pipeline_t, num_aggr_filters, 24);
AT(daos_pipeline_t, aggr_filters, 32);

SIZE(daos_pipeline_stats_t, 24);
AT(daos_pipeline_stats_t, nr_objs, 0);
AT(daos_pipeline_stats_t, nr_dkeys, 8);
AT(daos_pipeline_stats_t, nr_akeys, 16);

SIZE(struct ds3_user_info, 48);
AT(struct ds3_user_info, name, 0);
AT(struct ds3_user_info, email, 8);
AT(struct ds3_user_info, access_ids, 16);
AT(struct ds3_user_info, access_ids_nr, 24);
AT(struct ds3_user_info, encoded, 32);
AT(struct ds3_user_info, encoded_length, 40);

SIZE(struct ds3_bucket_info, 144);
AT(struct ds3_bucket_info, name, 0);
AT(struct ds3_bucket_info, encoded, 128);
AT(struct ds3_bucket_info, encoded_length, 136);

SIZE(struct ds3_object_info, 4112);
AT(struct ds3_object_info, key, 0);
AT(struct ds3_object_info, encoded, 4096);
AT(struct ds3_object_info, encoded_length, 4104);

SIZE(struct ds3_common_prefix_info, 4096);
AT(struct ds3_common_prefix_info, prefix, 0);

SIZE(struct ds3_multipart_upload_info, 4152);
AT(struct ds3_multipart_upload_info, upload_id, 0);
AT(struct ds3_multipart_upload_info, key, 35);
AT(struct ds3_multipart_upload_info, encoded, 4136);
AT(struct ds3_multipart_upload_info, encoded_length, 4144);

SIZE(struct ds3_multipart_part_info, 24);
AT(struct ds3_multipart_part_info, part_num, 0);
AT(struct ds3_multipart_part_info, encoded, 8);
AT(struct ds3_multipart_part_info, encoded_length, 16);

SIZE(d_hash_table_ops_t, 64);
AT(d_hash_table_ops_t, hop_key_cmp, 0);
AT(d_hash_table_ops_t, hop_key_init, 8);
AT(d_hash_table_ops_t, hop_key_hash, 16);
AT(d_hash_table_ops_t, hop_rec_hash, 24);
AT(d_hash_table_ops_t, hop_rec_addref, 32);
AT(d_hash_table_ops_t, hop_rec_decref, 40);
AT(d_hash_table_ops_t, hop_rec_ndecref, 48);
AT(d_hash_table_ops_t, hop_rec_free, 56);

SIZE(daos_set_params_t, 32);

SIZE(daos_pool_connect_t, 56);

SIZE(daos_pool_disconnect_t, 8);

SIZE(daos_pool_update_t, 40);

SIZE(struct daos_obj_register_class_t, 24);

SIZE(daos_mgmt_pool_list_t, 24);

SIZE(daos_pool_query_t, 32);

SIZE(daos_pool_query_target_t, 24);

SIZE(daos_pool_list_cont_t, 24);

SIZE(daos_pool_filter_cont_t, 32);

SIZE(daos_pool_list_attr_t, 24);

SIZE(daos_pool_get_attr_t, 40);

SIZE(daos_pool_set_attr_t, 40);

SIZE(daos_pool_del_attr_t, 24);

SIZE(daos_pool_replicas_t, 40);

SIZE(daos_mgmt_get_bs_state_t, 32);

SIZE(daos_pool_stop_svc_t, 8);

SIZE(daos_cont_create_t, 40);

SIZE(daos_cont_open_t, 56);

SIZE(daos_cont_close_t, 8);

SIZE(daos_cont_destroy_t, 40);

SIZE(daos_cont_query_t, 24);

SIZE(daos_cont_set_prop_t, 16);

SIZE(daos_cont_update_acl_t, 16);

SIZE(daos_cont_delete_acl_t, 24);

SIZE(daos_cont_aggregate_t, 16);

SIZE(daos_cont_rollback_t, 16);

SIZE(daos_cont_subscribe_t, 16);

SIZE(daos_cont_list_attr_t, 24);

SIZE(daos_cont_get_attr_t, 40);

SIZE(daos_cont_set_attr_t, 40);

SIZE(daos_cont_del_attr_t, 24);

SIZE(daos_cont_alloc_oids_t, 24);

SIZE(daos_cont_list_snap_t, 40);

SIZE(daos_cont_create_snap_t, 32);

SIZE(daos_cont_destroy_snap_t, 24);

SIZE(daos_cont_snap_oit_oid_get_t, 24);

SIZE(daos_cont_snap_oit_create_t, 24);

SIZE(daos_cont_snap_oit_destroy_t, 16);

SIZE(daos_tx_open_t, 24);

SIZE(daos_tx_commit_t, 16);

SIZE(daos_tx_abort_t, 8);

SIZE(daos_tx_open_snap_t, 24);

SIZE(daos_tx_close_t, 8);

SIZE(daos_tx_restart_t, 8);

SIZE(daos_obj_query_class_t, 24);

SIZE(daos_obj_list_class_t, 24);

SIZE(daos_obj_open_t, 40);

SIZE(daos_obj_close_t, 8);

SIZE(daos_obj_punch_t, 48);

SIZE(daos_obj_query_t, 32);

SIZE(daos_obj_query_key_t, 56);

SIZE(daos_obj_rw_t, 80);

SIZE(struct daos_obj_sync_args, 32);

SIZE(daos_obj_list_t, 136);

SIZE(daos_array_create_t, 56);

SIZE(daos_array_open_t, 64);

SIZE(daos_array_close_t, 8);

SIZE(daos_array_io_t, 32);

SIZE(daos_array_get_size_t, 24);

SIZE(daos_array_stat_t, 24);

SIZE(daos_array_set_size_t, 24);

SIZE(daos_array_destroy_t, 16);

SIZE(daos_kv_open_t, 40);

SIZE(daos_kv_close_t, 8);

SIZE(daos_kv_destroy_t, 16);

SIZE(daos_kv_get_t, 48);

SIZE(daos_kv_put_t, 48);

SIZE(daos_kv_remove_t, 32);

SIZE(daos_kv_list_t, 48);

SIZE(daos_pipeline_run_t, 120);

SIZE(daos_version_t, 4);
SIZE(union d_hash_lock, 56);
SIZE(struct d_hash_table, 96);
AT(struct d_hash_table, ht_bits, 56);
AT(struct d_hash_table, ht_priv, 64);
AT(struct d_hash_table, ht_ops, 72);
AT(struct d_hash_table, ht_buckets, 80);
AT(struct d_hash_table, ht_locks, 88);
_Static_assert(TSE_TASK_ARG_LEN == 840 + sizeof(pthread_mutex_t), "room for arguments");
_Static_assert(sizeof(daos_obj_list_t) <= TSE_TASK_ARG_LEN, "arguments fit");

/* The bytes of a packed version, lowest first. */
static void
test_version_bytes(void **state)
{
	daos_version_t v;

	(void)state;
	daos_version_pack(&v);
	assert_int_equal(daos_version_get_protocol(&v), 1);
	assert_int_equal(v.raw, ((uint32_t)DAOS_VERSION_MAJOR << 24) | (DAOS_VERSION_MINOR << 16) |
					(DAOS_VERSION_FIX << 8) | 1);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_version_bytes),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
