/* SPDX-License-Identifier: BSD-2-Clause-Patent */
/* A call of another loop: there on a fiber of its own, the answer back by message. */
#include "fiber/internal.h"

/* Lies on the caller's stack, which stays until the answer came. */
struct loop_call {
	struct loop_message message; /* first the request, then the answer */
	struct loop *caller;
	struct loop *target;
	int (*function)(void *argument);
	void *argument;
	uint64_t deadline;
	struct completion completion;
	struct error_origin origin;
};

/* On the caller's loop. */
static void
call_answered(struct loop_message *message)
{
	struct loop_call *call = container_of(message, struct loop_call, message);

	completion_signal(&call->completion, call->completion.result);
}

static void
call_answer(struct loop_call *call, int result)
{
	call->origin = *context_current()->origin;
	call->completion.result = result;
	call->message.function = call_answered;
	/* From here on the call may be gone. */
	loop_post(call->caller, &call->message);
}

/* On a fiber of the target. */
static void
call_run(void *argument)
{
	struct loop_call *call = argument;

	fiber_set_deadline(call->deadline);
	call_answer(call, call->function(call->argument));
}

/* On the target's loop. */
static void
call_arrived(struct loop_message *message)
{
	struct loop_call *call = container_of(message, struct loop_call, message);
	int rc = fiber_start(call->target, "call", call_run, call, NULL);

	if (rc != 0)
		call_answer(call, rc);
}

int
loop_call(struct loop *target, int (*function)(void *argument), void *argument)
{
	struct fiber *fiber;
	struct loop_call call;
	int rc;

	fiber_check_yield();
	if (target == loop_current())
		return function(argument);
	fiber = fiber_to_yield();
	call = (struct loop_call){
		.message.function = call_arrived,
		.caller = fiber->loop,
		.target = target,
		.function = function,
		.argument = argument,
		.deadline = fiber->deadline,
	};
	fiber->loop->cross_calls++;
	loop_post(target, &call.message);
	rc = completion_wait(&call.completion);
	if (rc != 0 && call.origin.code == rc)
		fiber->origin = call.origin;
	return rc;
}
