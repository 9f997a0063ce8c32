/* SPDX-License-Identifier: BSD-2-Clause-Patent */
/* Functions of DAOS that are not built yet: filters and pipelines, debugging. */
#include "client/private.h"
#include <daos_pipeline.h>

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
