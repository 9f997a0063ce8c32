/* SPDX-License-Identifier: BSD-2-Clause-Patent */
/*
 * The inside of the workload "local": functions that ask no server, called with random arguments
 * and compared with what they must give.
 */
#pragma once

#include "sim/memory.h"
#include "sim/sim.h"

/* Says what does not hold; the run ends with it. */
struct local {
	struct actor *actor;
	struct stream *random;
};

#define LOCAL_EXPECT(local, condition)                                                      \
	do {                                                                                \
		if (!(condition))                                                           \
			sim_violation((local)->actor->sim, "%s:%d: %s", __func__, __LINE__, \
				      #condition);                                          \
	} while (0)

/* work_local.c: */
void local_memory(struct local *local);
void local_environment(struct local *local);
void local_ranks(struct local *local);
void local_hashes(struct local *local);
void local_errors(struct local *local);
void local_times(struct local *local);

/* work_local_table.c: */
void local_table(struct local *local);

/* work_local_access.c: */
void local_access_list(struct local *local);
void local_access_text(struct local *local);
void local_principals(struct local *local);

/* work_local_property.c: */
void local_properties(struct local *local);
void local_property_text(struct local *local);
void local_classes(struct local *local);
void local_filters(struct local *local);

/* work_local_task.c: returns what an operation of the system ended with. */
int local_tasks(struct local *local);
