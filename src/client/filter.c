/* SPDX-License-Identifier: BSD-2-Clause-Patent */
/* Conditions of daos_pool_filter_cont. */
#include <gurt/common.h>

#include <daos_pool.h>

int
daos_pool_cont_filter_init(daos_pool_cont_filter_t *filt, uint32_t combine_func)
{
	if (filt == NULL || combine_func > PCF_COMBINE_LOGICAL_OR)
		return -DER_INVAL;
	filt->pcf_combine_func = combine_func;
	filt->pcf_nparts = 0;
	filt->pcf_parts = NULL;
	return 0;
}

int
daos_pool_cont_filter_add(daos_pool_cont_filter_t *filt, daos_pool_cont_filter_part_t *part)
{
	struct daos_pool_cont_filter_part **parts;

	if (filt == NULL || part == NULL || part->pcfp_func >= PCF_FUNC_MAX ||
	    part->pcfp_key >= PCF_KEY_MAX)
		return -DER_INVAL;
	if (filt->pcf_nparts >= DAOS_POOL_CONT_FILTER_MAX_NPARTS)
		return -DER_NOSPACE;
	D_REALLOC_ARRAY_NZ(parts, filt->pcf_parts, filt->pcf_nparts + 1);
	if (parts == NULL)
		return -DER_NOMEM;
	parts[filt->pcf_nparts++] = part;
	filt->pcf_parts = parts;
	return 0;
}

void
daos_pool_cont_filter_fini(daos_pool_cont_filter_t *filt)
{
	if (filt == NULL)
		return;
	while (filt->pcf_nparts > 0)
		d_free(filt->pcf_parts[--filt->pcf_nparts]);
	D_FREE(filt->pcf_parts);
}
