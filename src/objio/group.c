/* SPDX-License-Identifier: BSD-2-Clause-Patent */
/* Operations on all groups of an object, several at the same time. */
#include "objio/private.h"

/* Requests of one operation that are open at the same time. */
#define WAVE 16u

struct member {
	int (*function)(void *argument, uint32_t group);
	void *argument;
	uint32_t group;
};

static int
run_member(void *argument)
{
	struct member *member = argument;

	return member->function(member->argument, member->group);
}

/* Where no fiber is to be had the present one does the work. */
static int
start_member(struct fiber_group *fibers, struct member *member)
{
	int rc = FAULT("objio: work without a fiber of its own")
			 ? -DER_NOMEM
			 : fiber_group_start(fibers, "objio_group", run_member, member);

	return rc == -DER_NOMEM ? run_member(member) : rc;
}

static int
run_wave(struct member *members, uint32_t count)
{
	struct fiber_group fibers;
	int started = 0;
	int rc;

	fiber_group_init(&fibers);
	for (uint32_t i = 0; i < count && started == 0; i++)
		started = start_member(&fibers, &members[i]);
	rc = fiber_group_wait(&fibers);
	return started != 0 ? started : rc;
}

int
objio_each_group(uint32_t groups, const struct objio_view *view,
		 int (*function)(void *argument, uint32_t group), void *argument)
{
	struct member members[WAVE];
	uint32_t alone = groups == 1 || objio_view_is_open(view);
	int rc = alone ? function(argument, 0) : 0;

	for (uint32_t first = alone; first < groups && rc == 0; first += WAVE) {
		uint32_t count = min_of(groups - first, WAVE);

		for (uint32_t i = 0; i < count; i++)
			members[i] = (struct member){function, argument, first + i};
		rc = run_wave(members, count);
	}
	return rc;
}
