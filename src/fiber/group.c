/* SPDX-License-Identifier: BSD-2-Clause-Patent */
/* Fan-out: members of a group are fibers that report to it when they end. */
#include "fiber/internal.h"

void
fiber_group_init(struct fiber_group *group)
{
	*group = (struct fiber_group){0};
	wait_queue_init(&group->waiting);
	list_init(&group->members);
}

int
fiber_group_start(struct fiber_group *group, const char *name, int (*function)(void *argument),
		  void *argument)
{
	struct loop *loop = loop_current();
	struct fiber *starter;
	struct fiber *fiber;
	int rc;

	ASSERT(loop != NULL);
	rc = fiber_start(loop, name, NULL, argument, &fiber);
	if (rc != 0)
		return rc;
	starter = fiber_current();
	if (starter) {
		fiber->deadline = starter->deadline;
		fiber->canceled = starter->canceled;
	}
	fiber->group = group;
	fiber->group_function = function;
	list_append(&group->members, &fiber->group_link);
	group->running++;
	return 0;
}

void
group_member_ended(struct fiber *fiber, int result)
{
	struct fiber_group *group = fiber->group;

	list_remove(&fiber->group_link);
	if (result != 0 && group->result == 0) {
		group->result = result;
		group->origin = fiber->origin;
	}
	group->running--;
	if (group->running == 0)
		wait_queue_wake_all(&group->waiting);
}

void
group_cancel(struct fiber_group *group)
{
	/* Cancelling makes ready and ends nothing at once: the list stays as it is. */
	LIST_FOR_EACH(link, &group->members)
		fiber_cancel(list_entry(link, struct fiber, group_link));
}

int
fiber_group_wait(struct fiber_group *group)
{
	struct fiber *fiber = fiber_to_yield();

	if (fiber->canceled)
		group_cancel(group);
	fiber->waiting_group = group;
	while (group->running > 0)
		fiber_wait(fiber, &group->waiting.waiters, false);
	fiber->waiting_group = NULL;
	/* The failure's text goes where the caller looks for it. */
	if (group->result != 0 && group->origin.code == group->result)
		fiber->origin = group->origin;
	return group->result;
}
