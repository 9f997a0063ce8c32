/* SPDX-License-Identifier: BSD-2-Clause-Patent */
/* The life of a fiber: start, run, wait, wake, end. */
#include "fiber/internal.h"

/* ------------------------------------------------ start and end */

int
fiber_start(struct loop *loop, const char *name, void (*function)(void *argument), void *argument,
	    struct fiber **ret_fiber)
{
	struct fiber *fiber;

	if (loop->fiber_count >= loop->fiber_limit)
		return error_raise(-DER_NOMEM, "fiber %s: the loop has its limit of %u fibers",
				   name, loop->fiber_limit);
	fiber = stack_take(&loop->stacks);
	if (fiber == NULL)
		return error_raise(-DER_NOMEM, "fiber %s: no memory for a stack of %zu bytes", name,
				   loop->stacks.stack_size);
	fiber->loop = loop;
	fiber->name = name;
	fiber->function = function;
	fiber->argument = argument;
	fiber->state = FIBER_READY;
	list_append(&loop->fibers, &fiber->member);
	list_append(&loop->ready, &fiber->link);
	loop->ready_count++;
	loop->fiber_count++;
	if (ret_fiber)
		*ret_fiber = fiber;
	return 0;
}

/* Gives the thread back to the loop. Whoever reads thread-locals after it must read them anew: the
 * thread may differ. */
static SANITIZE_UNRECORDED void
fiber_leave(struct fiber *fiber, bool last)
{
	struct loop *loop = fiber->loop;

	ASSERT(fiber->no_yield == 0);
	sanitize_leave(&fiber->sanitize, &loop->sanitize, last);
	machine_switch(&fiber->machine, &loop->machine);
	sanitize_arrive(&fiber->sanitize, &loop->sanitize);
}

SANITIZE_UNRECORDED void
fiber_main(void *argument)
{
	struct fiber *fiber = argument;
	int result = 0;

	sanitize_arrive(&fiber->sanitize, &fiber->loop->sanitize);
	ASSERT((uintptr_t)__builtin_frame_address(0) % 16 == 0);
	if (fiber->group) {
		result = fiber->group_function(fiber->argument);
		group_member_ended(fiber, result);
	} else {
		fiber->function(fiber->argument);
	}
	fiber->state = FIBER_ENDED;
	fiber_leave(fiber, true);
	ASSERT(!"an ended fiber ran");
}

static void
fiber_end(struct loop *loop, struct fiber *fiber)
{
	ASSERT(!fiber->timer.armed && fiber->waiting_group == NULL);
	list_remove(&fiber->member);
	loop->fiber_count--;
	stack_give(&loop->stacks, fiber);
}

void
fiber_resume(struct loop *loop, struct fiber *fiber)
{
	struct context *context = loop->env->context;

	ASSERT(fiber->state == FIBER_READY);
	fiber->state = FIBER_RUNNING;
	loop->running = fiber;
	context->origin = &fiber->origin;
	sanitize_leave(&loop->sanitize, &fiber->sanitize, false);
	machine_switch(&loop->machine, &fiber->machine);
	sanitize_arrive(&loop->sanitize, NULL);
	context->origin = &context->own_origin;
	loop->running = NULL;
	if (fiber->state == FIBER_ENDED)
		fiber_end(loop, fiber);
}

/* ------------------------------------------------ the running fiber */

struct fiber *
fiber_current(void)
{
	struct loop *loop = loop_current();

	return loop ? loop->running : NULL;
}

struct fiber *
fiber_to_yield(void)
{
	struct fiber *fiber = fiber_current();

	ASSERT(fiber != NULL);
	ASSERT(fiber->no_yield == 0);
	return fiber;
}

void
fiber_check_yield(void)
{
	struct fiber *fiber = fiber_current();

	ASSERT(fiber == NULL || fiber->no_yield == 0);
}

struct no_yield_scope
no_yield_enter(void)
{
	struct fiber *fiber = fiber_current();

	if (fiber)
		fiber->no_yield++;
	return (struct no_yield_scope){.once = true};
}

void
no_yield_leave(struct no_yield_scope *scope)
{
	struct fiber *fiber = fiber_current();

	(void)scope;
	if (fiber) {
		ASSERT(fiber->no_yield > 0);
		fiber->no_yield--;
	}
}

uint64_t
fiber_set_deadline(uint64_t deadline)
{
	struct fiber *fiber = fiber_current();
	uint64_t before;

	ASSERT(fiber != NULL);
	before = fiber->deadline;
	fiber->deadline = deadline;
	return before;
}

uint64_t
fiber_deadline(void)
{
	struct fiber *fiber = fiber_current();

	return fiber ? fiber->deadline : 0;
}

void
fiber_cancel(struct fiber *fiber)
{
	ASSERT(fiber->state != FIBER_ENDED);
	fiber->canceled = true;
	if (fiber->waiting_group)
		group_cancel(fiber->waiting_group);
	else if (fiber->state == FIBER_WAITING && fiber->interruptible)
		fiber_wake(fiber, -DER_CANCELED);
}

bool
fiber_canceled(void)
{
	struct fiber *fiber = fiber_current();

	return fiber && fiber->canceled;
}

/* ------------------------------------------------ waiting */

static void
make_ready(struct fiber *fiber)
{
	fiber->state = FIBER_READY;
	list_append(&fiber->loop->ready, &fiber->link);
	fiber->loop->ready_count++;
}

void
fiber_yield(void)
{
	struct fiber *fiber = fiber_to_yield();

	make_ready(fiber);
	fiber_leave(fiber, false);
}

static void
wait_timed_out(struct timer *timer)
{
	struct fiber *fiber = container_of(timer, struct fiber, timer);

	fiber_wake(fiber, fiber->timer_result);
}

/* Says why a wait ended early. */
static int
wait_result(struct fiber *fiber, int result)
{
	if (result == -DER_TIMEDOUT)
		return error_raise(result, "the deadline of fiber %s passed while it waited",
				   fiber->name);
	if (result == -DER_CANCELED)
		return error_raise(result, "fiber %s was canceled", fiber->name);
	return result;
}

int
fiber_wait(struct fiber *fiber, struct list *queue, bool interruptible)
{
	ASSERT(fiber->no_yield == 0);
	if (interruptible && fiber->canceled)
		return wait_result(fiber, -DER_CANCELED);
	if (interruptible && fiber->deadline && !fiber->timer.armed) {
		fiber->timer_result = -DER_TIMEDOUT;
		timer_start(fiber->loop, &fiber->timer, fiber->deadline, wait_timed_out);
	}
	fiber->state = FIBER_WAITING;
	fiber->interruptible = interruptible;
	if (queue)
		list_append(queue, &fiber->link);
	fiber_leave(fiber, false);
	return wait_result(fiber, fiber->wait_result);
}

void
fiber_wake(struct fiber *fiber, int result)
{
	ASSERT(fiber->state == FIBER_WAITING);
	if (fiber->timer.armed)
		timer_stop(fiber->loop, &fiber->timer);
	list_remove(&fiber->link);
	fiber->wait_result = result;
	make_ready(fiber);
}

int
fiber_sleep(uint64_t nanoseconds)
{
	struct fiber *fiber = fiber_to_yield();
	uint64_t now = env_monotonic(fiber->loop->env);
	uint64_t due = nanoseconds > UINT64_MAX - now ? UINT64_MAX : now + nanoseconds;

	if (fiber->canceled)
		return wait_result(fiber, -DER_CANCELED);
	fiber->timer_result = 0;
	if (fiber->deadline && fiber->deadline < due) {
		due = fiber->deadline;
		fiber->timer_result = -DER_TIMEDOUT;
	}
	timer_start(fiber->loop, &fiber->timer, due, wait_timed_out);
	return fiber_wait(fiber, NULL, true);
}
