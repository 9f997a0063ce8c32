/* SPDX-License-Identifier: BSD-2-Clause-Patent */
/* Many small operations of one call at the same time: workers that take the next index each. */
#include "client/private.h"

/* Operations of one gather that are under way at once. */
#define GATHER_WIDTH 16u

struct gathering {
	int (*function)(void *argument, uint32_t index);
	void *argument;
	uint32_t count;
	uint32_t next;
	int result;
};

/* Takes indices until none is left, or until one has failed. */
static int
gather_run(void *argument)
{
	struct gathering *gathering = argument;

	while (gathering->next < gathering->count && gathering->result == 0) {
		int rc = gathering->function(gathering->argument, gathering->next++);

		if (rc != 0 && gathering->result == 0)
			gathering->result = rc;
	}
	return gathering->result;
}

int
client_gather(uint32_t count, int (*function)(void *argument, uint32_t index), void *argument)
{
	struct gathering gathering = {.function = function, .argument = argument, .count = count};
	struct fiber_group group;
	int rc;

	fiber_group_init(&group);
	for (uint32_t i = 1; i < min_of(count, GATHER_WIDTH); i++) {
		if (fiber_group_start(&group, "gather", gather_run, &gathering) != 0)
			break;
	}
	/* The caller's own fiber works, too, so that it goes on where no other could be started. */
	rc = gather_run(&gathering);
	(void)!fiber_group_wait(&group);
	return rc ? rc : gathering.result;
}
