/* SPDX-License-Identifier: BSD-2-Clause-Patent */
/*
 * Stackful fibers and the loop that runs them. A loop is an object that is stepped: by its own
 * thread in production, by the caller in a client, by the simulator in a test. A fiber belongs to
 * one loop for life.
 *
 * Every function that may let other fibers run says *Yields*. Inside a NO_YIELD scope such a call
 * is an assertion failure. A wait that yields ends early with -DER_TIMEDOUT when the fiber's
 * deadline passes and with -DER_CANCELED after fiber_cancel(), unless it says *uninterruptible*.
 */
#pragma once

#include "env/env.h"

struct fiber;
struct loop;

/* ------------------------------------------------ loop */

struct loop_options {
	size_t stack_size;    /* bytes; 0: 64 KiB, more under sanitizers */
	uint32_t fiber_limit; /* 0: 16384 */
	uint64_t spin_ns; /* how long to poll without sleeping after the last work; adaptive below
			     it */
};

/* Makes a loop on env (borrowed); allocates from its arena. */
MUST_USE int loop_create(struct env *env, const struct loop_options *options,
			 struct loop **ret_loop);

/* Frees a loop; all its fibers must have ended. */
void loop_destroy(struct loop *loop);

/*
 * Drops a loop whose fibers did not end, as a crash does: unmaps their stacks, runs nothing of
 * them, and frees it. What the fibers held goes with the arena. For the simulator.
 */
void loop_abandon(struct loop *loop);

/*
 * One turn: runs the fibers that are ready now, fires timers, polls the world, and sleeps at most
 * max_sleep_ns when nothing is ready. Not callable from a fiber. Returns true when it ran any
 * fiber. When it ran a fiber, a timer or a message it does not sleep, so that the caller sees what
 * they did.
 */
bool loop_step(struct loop *loop, uint64_t max_sleep_ns);

/*
 * The first half of a turn: runs messages, timers and the fibers that are ready now, and leaves the
 * world alone, so that what they send waits for the next poll. Not callable from a fiber.
 */
void loop_run_ready(struct loop *loop);

/* Whether fibers or messages of others wait to be run: the next step would not sleep. A driver sees
 * by it what loop_post() and fiber_start() left. */
bool loop_ready(const struct loop *loop);

/* Steps until loop_stop(); the thread body of an engine's loop. */
void loop_run(struct loop *loop);

/* Ends loop_run() after the present turn. Any thread. */
void loop_stop(struct loop *loop);

/* The loop being stepped by this thread, or NULL. */
struct loop *loop_current(void);

struct env *loop_env(struct loop *loop);

/* Number of fibers that have not ended. */
uint32_t loop_fiber_count(const struct loop *loop);

/* A message to a loop from any thread; the sender owns the memory until function is called. */
struct loop_message {
	struct loop_message *next;
	void (*function)(struct loop_message *
				 message); /* runs on the loop, outside any fiber; must not yield */
};

/* Queues message to loop and wakes it. Any thread. */
void loop_post(struct loop *loop, struct loop_message *message);

/*
 * Runs function(argument) on a fiber of target and returns its result. Where target is the current
 * loop it is a plain call. *Yields*, uninterruptible. Errors: -DER_NOMEM besides those of function.
 */
MUST_USE int loop_call(struct loop *target, int (*function)(void *argument), void *argument);

/* How often loop_call() on this loop crossed to another one. */
uint64_t loop_cross_calls(const struct loop *loop);

/* ------------------------------------------------ fibers */

/*
 * Starts function(argument) on loop, which must be the current one or one that nobody steps at the
 * moment. It first runs at a later turn. name must be a literal. -DER_NOMEM when memory or the
 * fiber limit is reached.
 */
MUST_USE int fiber_start(struct loop *loop, const char *name, void (*function)(void *argument),
			 void *argument, struct fiber **ret_fiber);

/* The running fiber, or NULL outside of any. */
struct fiber *fiber_current(void);

/* Lets other ready fibers run. *Yields*. */
void fiber_yield(void);

/* *Yields* for the time given; -DER_TIMEDOUT, -DER_CANCELED. */
MUST_USE int fiber_sleep(uint64_t nanoseconds);

/* Absolute monotonic time at which waits of this fiber end with -DER_TIMEDOUT; 0: none. Returns the
 * former one. */
uint64_t fiber_set_deadline(uint64_t deadline);
uint64_t fiber_deadline(void);

/* Makes the present and later waits of fiber end with -DER_CANCELED. It must not have ended. Own
 * loop only. */
void fiber_cancel(struct fiber *fiber);
bool fiber_canceled(void);

/* A visible stretch that must not yield: `NO_YIELD { ... }`; checked at run time, nests. Leave it
 * only by falling out of its end or by return; never by goto. */
struct no_yield_scope {
	bool once;
};
struct no_yield_scope no_yield_enter(void);
void no_yield_leave(struct no_yield_scope *scope);
/* Each scope has a name of its own, so that they nest without shadowing. */
#define NO_YIELD_PASTE(a, b) a##b
#define NO_YIELD_NAME(number) NO_YIELD_PASTE(no_yield_, number)
#define NO_YIELD_SCOPE(name)                                              \
	for (struct no_yield_scope name                                   \
	     __attribute__((cleanup(no_yield_leave))) = no_yield_enter(); \
	     name.once; name.once = false)
#define NO_YIELD NO_YIELD_SCOPE(NO_YIELD_NAME(__COUNTER__))

/* ------------------------------------------------ waiting */

/* Waits for the end of an operation and returns its result. *Yields*, uninterruptible: the
 * operation owns the buffers. */
int completion_wait(struct completion *completion);

/* As above but interruptible: after -DER_TIMEDOUT or -DER_CANCELED the operation is still under
 * way. *Yields*. */
MUST_USE int completion_wait_deadline(struct completion *completion);

/* Ends an operation; wakes the fiber that waits. On the loop of the waiter only. */
void completion_signal(struct completion *completion, int result);

/* A queue of waiting fibers; zero-initialised is empty. */
struct wait_queue {
	struct list waiters;
};
void wait_queue_init(struct wait_queue *queue);
MUST_USE int wait_queue_wait(struct wait_queue *queue); /* *Yields* */
void wait_queue_wait_plain(struct wait_queue *queue);	/* *Yields*, uninterruptible */
bool wait_queue_wake_one(struct wait_queue *queue);
void wait_queue_wake_all(struct wait_queue *queue);
bool wait_queue_empty(const struct wait_queue *queue);

/* A fiber mutex: first come, first served; not recursive. */
struct fiber_mutex {
	struct fiber *holder;
	struct wait_queue waiting;
};
void fiber_mutex_init(struct fiber_mutex *mutex);
MUST_USE int fiber_mutex_lock(struct fiber_mutex *mutex); /* *Yields* */
void fiber_mutex_lock_plain(struct fiber_mutex *mutex);	  /* *Yields*, uninterruptible */
void fiber_mutex_unlock(struct fiber_mutex *mutex);

/* Counted permits: credits, limits. */
struct fiber_semaphore {
	uint64_t available;
	struct wait_queue waiting;
};
void fiber_semaphore_init(struct fiber_semaphore *semaphore, uint64_t available);
MUST_USE int fiber_semaphore_take(struct fiber_semaphore *semaphore,
				  uint64_t count); /* *Yields*; fair */
void fiber_semaphore_give(struct fiber_semaphore *semaphore, uint64_t count);

/* A bounded queue of pointers between fibers of one loop. */
struct fiber_channel;
MUST_USE int fiber_channel_create(struct arena *arena, uint32_t capacity,
				  struct fiber_channel **ret_channel);
void fiber_channel_destroy(struct fiber_channel *channel);
MUST_USE int fiber_channel_send(struct fiber_channel *channel, void *item); /* *Yields* when full */
MUST_USE int fiber_channel_receive(struct fiber_channel *channel,
				   void **ret_item); /* *Yields* when empty */

/*
 * Fan-out: start any number of fibers, then wait for all. The group remembers the first failure.
 * Fibers inherit the deadline of the starter. fiber_group_wait() always waits for all and is
 * uninterruptible; canceling the waiter cancels them.
 */
struct fiber_group {
	uint32_t running;
	int result;
	struct error_origin origin; /* of the first failure */
	struct wait_queue waiting;
	struct list members;
};
void fiber_group_init(struct fiber_group *group);
MUST_USE int fiber_group_start(struct fiber_group *group, const char *name,
			       int (*function)(void *argument), void *argument);
int fiber_group_wait(struct fiber_group *group); /* *Yields* */

/* ------------------------------------------------ timers */

/* Calls function outside any fiber when due. Embedded in its owner; zero-initialised is not armed.
 */
struct timer {
	struct queue_node node;
	uint64_t due;
	void (*function)(struct timer *timer);
	bool armed;
};
void timer_start(struct loop *loop, struct timer *timer, uint64_t due,
		 void (*function)(struct timer *timer));
void timer_stop(struct loop *loop, struct timer *timer);

/* ------------------------------------------------ disk operations of a fiber */

/* Each submits one operation and waits for it: *Yields*, uninterruptible. Buffers and offsets in
 * multiples of DISK_BLOCK. */
MUST_USE int disk_read(struct disk *disk, void *buffer, uint64_t length, uint64_t offset);
MUST_USE int disk_write(struct disk *disk, const void *buffer, uint64_t length, uint64_t offset,
			bool durable);
MUST_USE int disk_readv(struct disk *disk, const struct iovec *iov, uint32_t iov_count,
			uint64_t offset);
MUST_USE int disk_writev(struct disk *disk, const struct iovec *iov, uint32_t iov_count,
			 uint64_t offset, bool durable);
MUST_USE int disk_flush(struct disk *disk);
MUST_USE int disk_zero(struct disk *disk, uint64_t offset, uint64_t length);
