/* SPDX-License-Identifier: BSD-2-Clause-Patent */
/* Timers of a loop: a priority queue by due time. */
#include "fiber/internal.h"

void
timer_start(struct loop *loop, struct timer *timer, uint64_t due,
	    void (*function)(struct timer *timer))
{
	if (timer->armed)
		timer_stop(loop, timer);
	timer->due = due;
	timer->function = function;
	timer->armed = true;
	priority_queue_insert(&loop->timers, &timer->node, due);
}

void
timer_stop(struct loop *loop, struct timer *timer)
{
	if (!timer->armed)
		return;
	timer->armed = false;
	priority_queue_remove(&loop->timers, &timer->node);
}

bool
timers_fire(struct loop *loop)
{
	struct queue_node *node = priority_queue_first(&loop->timers);
	uint64_t left = loop->timers.count;
	uint64_t now;
	bool any = false;

	if (node == NULL)
		return false;
	now = env_monotonic(loop->env);
	/* At most as many as there were: one that starts itself again for a time that has passed
	 * must not hold the loop. */
	for (; left > 0 && node && node->key <= now;
	     left--, node = priority_queue_first(&loop->timers)) {
		struct timer *timer = container_of(node, struct timer, node);

		timer_stop(loop, timer);
		timer->function(timer);
		any = true;
	}
	return any;
}
