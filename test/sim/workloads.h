/* SPDX-License-Identifier: BSD-2-Clause-Patent */
/* The workloads, each in its own work_<name>.c. */
#pragma once

#include "sim/sim.h"

extern const struct workload workload_values;  /* single values and key-value pairs */
extern const struct workload workload_listing; /* enumeration with anchors */
extern const struct workload workload_arrays;  /* overlapping extents, sizes, holes */
extern const struct workload workload_files;   /* a name space against a tree in memory */
extern const struct workload workload_manage;  /* pools, containers, properties, attributes */
extern const struct workload workload_local;   /* functions that need no server */
extern const struct workload workload_bank;    /* transactions and snapshots */
extern const struct workload workload_links;   /* several names of one file, appends */
