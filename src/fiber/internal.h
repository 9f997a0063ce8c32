/* SPDX-License-Identifier: BSD-2-Clause-Patent */
/* What the files of fiber/ share. */
#pragma once

#include <stdatomic.h>

#include "fiber/fiber.h"
#include "fiber/sanitize.h"
#include "fiber/switch.h"

enum fiber_state { FIBER_READY, FIBER_RUNNING, FIBER_WAITING, FIBER_ENDED };

/* A fiber lies at the top of its own stack, so that the two share pages and the pool. */
struct fiber {
	struct machine_context machine;
	struct loop *loop;
	struct list link;   /* of the ready queue, or of what it waits in */
	struct list member; /* of loop->fibers */
	enum fiber_state state;
	bool canceled;
	bool interruptible; /* waiting, and deadline or cancellation may end it */
	uint32_t no_yield;  /* depth of NO_YIELD scopes */
	int wait_result;
	int timer_result; /* what the wait returns when the timer fires */
	uint64_t deadline;
	struct timer timer;
	uint64_t wanted;	   /* permits, while waiting for a semaphore */
	void *item;		   /* handed over, while waiting for a channel */
	struct fiber_group *group; /* it is a member of */
	struct list group_link;
	struct fiber_group *waiting_group; /* it waits for */
	int (*group_function)(void *argument);
	void (*function)(void *argument);
	void *argument;
	const char *name;
	void *mapping; /* guard page and stack */
	struct sanitize_side sanitize;
	struct error_origin origin;
};

/* Stacks that wait for their next fiber; the list's links lie where the fibers were. */
struct stack_pool {
	size_t stack_size; /* without the guard page */
	struct list free;
	uint32_t free_count;
};

/* Adaptive spinning: how long it pays at present to poll before sleeping. */
struct spin {
	uint64_t limit;
	uint64_t budget;
	uint64_t idle_since; /* 0: not idle */
};

struct loop {
	struct env *env;
	struct fiber *running;
	struct list ready;
	uint32_t ready_count;
	uint32_t fiber_count;
	uint32_t fiber_limit;
	bool stepping;
	struct list fibers;
	struct priority_queue timers;
	struct stack_pool stacks;
	struct spin spin;
	struct machine_context machine; /* of the stepping thread */
	struct sanitize_side sanitize;
	uint64_t cross_calls;
	/* Touched by other threads. */
	_Atomic(struct loop_message *) inbox; /* newest first */
	atomic_bool sleeping;
	atomic_bool stopping;
};

/* ------------------------------------------------ stack.c */

void stack_pool_init(struct stack_pool *pool, size_t stack_size);
void stack_pool_fini(struct stack_pool *pool);

/*
 * A fiber at the top of a stack of its own, cleared but for machine context, mapping and sanitize
 * side; NULL when memory is out.
 */
struct fiber *stack_take(struct stack_pool *pool);
void stack_give(struct stack_pool *pool, struct fiber *fiber);

/* Unmaps the stack of a fiber that did not end. */
void stack_drop(struct stack_pool *pool, struct fiber *fiber);

/* Bytes of the stack below the fiber. */
size_t stack_usable(const struct stack_pool *pool);

/* ------------------------------------------------ timer.c */

/* Calls the functions of all timers that are due; returns whether there were any. */
bool timers_fire(struct loop *loop);

/* ------------------------------------------------ fiber.c */

/* The entry of every fiber's stack. */
void fiber_main(void *argument);

/* Runs a ready fiber until it waits, yields or ends. Called by the loop. */
void fiber_resume(struct loop *loop, struct fiber *fiber);

/* The running fiber, of which there must be one and which must be free to yield. */
struct fiber *fiber_to_yield(void);

/* Asserts that a fiber, if one runs, is outside NO_YIELD: for calls that may yield and need not. */
void fiber_check_yield(void);

/*
 * Makes the running fiber wait at the end of queue (NULL: in none) until fiber_wake(), whose result
 * it returns; when interruptible, the deadline and fiber_cancel() end it too. *Yields*.
 */
int fiber_wait(struct fiber *fiber, struct list *queue, bool interruptible);

/* Ends the wait of a fiber, for good: it leaves its queue and its timer stops. */
void fiber_wake(struct fiber *fiber, int result);

/* Tells a group that one of its members ended. */
void group_member_ended(struct fiber *fiber, int result);
void group_cancel(struct fiber_group *group);
