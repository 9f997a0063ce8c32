/* SPDX-License-Identifier: BSD-2-Clause-Patent */
/*
 * Filters and aggregations that run where the data lies. The kinds of filters, parts and data
 * are texts, such as "DAOS_FILTER_CONDITION", "DAOS_FILTER_FUNC_EQ",
 * "DAOS_FILTER_TYPE_UINTEGER8".
 */
#ifndef __DAOS_PIPE_H__
#define __DAOS_PIPE_H__

#include <stdint.h>

#include <daos_obj.h>
#include <daos_types.h>

#if defined(__cplusplus)
extern "C" {
#endif

/** A function, a key or a constant of a filter. */
typedef struct {
	d_iov_t part_type;
	d_iov_t data_type;
	uint32_t num_operands;
	daos_key_t akey;
	size_t num_constants;
	d_iov_t *constant;
	size_t data_offset;
	size_t data_len;
} daos_filter_part_t;

/** Parts in prefix order: a function, then its operands. */
typedef struct {
	d_iov_t filter_type;
	uint32_t num_parts;
	daos_filter_part_t **parts;
} daos_filter_t;

typedef struct {
	uint64_t version;
	uint32_t num_filters;
	daos_filter_t **filters;
	uint32_t num_aggr_filters;
	daos_filter_t **aggr_filters;
} daos_pipeline_t;

/** What a run looked at. */
typedef struct {
	uint64_t nr_objs;
	uint64_t nr_dkeys;
	uint64_t nr_akeys;
} daos_pipeline_stats_t;

/** Zero-initialise. */
void daos_pipeline_init(daos_pipeline_t *pipeline);

/** Zero-initialise. */
void daos_filter_init(daos_filter_t *filter);

/** Append a filter. */
int daos_pipeline_add(daos_pipeline_t *pipeline, daos_filter_t *filter);

/** Append a part to a filter. */
int daos_filter_add(daos_filter_t *filter, daos_filter_part_t *part);

/** Validate types, operand counts, ordering. */
int daos_pipeline_check(daos_pipeline_t *pipeline);

/** Free the arrays. */
int daos_pipeline_free(daos_pipeline_t *pipeline);

/**
 * Push filter/aggregation to the servers for one object (or one dkey); returns matching
 * keys/records and/or aggregates; needs DAOS_PIPELINE=1.
 */
int daos_pipeline_run(daos_handle_t coh, daos_handle_t oh, daos_pipeline_t *pipeline,
		      daos_handle_t th, uint64_t flags, daos_key_t *dkey, uint32_t *nr_iods,
		      daos_iod_t *iods, daos_anchor_t *anchor, uint32_t *nr_kds,
		      daos_key_desc_t *kds, d_sg_list_t *sgl_keys, d_sg_list_t *sgl_recx,
		      daos_size_t *recx_size, d_sg_list_t *sgl_agg, daos_pipeline_stats_t *stats,
		      daos_event_t *ev);

#if defined(__cplusplus)
}
#endif

#endif /* __DAOS_PIPE_H__ */
