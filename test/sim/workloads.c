/* SPDX-License-Identifier: BSD-2-Clause-Patent */
/* The table of workloads; its order is that of the bits of the knob `workloads`. */
#include "sim/workloads.h"

const struct workload *const workloads[] = {
	&workload_values, &workload_listing, &workload_arrays, &workload_files,
	&workload_manage, &workload_local,   &workload_bank,   &workload_links,
};

const uint32_t workload_count = ARRAY_SIZE(workloads);
