/* SPDX-License-Identifier: BSD-2-Clause-Patent */
/* The loop: one turn, messages from other threads, and the one place where it sleeps. */
#include "fiber/internal.h"

#define FIBER_LIMIT_DEFAULT 16384
#define STACK_SIZE_DEFAULT (FIBER_ASAN || FIBER_TSAN ? 256 * 1024 : 64 * 1024)
#define STACK_SIZE_MIN (16 * 1024)

/* The longest sleep, so that no poller meets a time that its kernel interface cannot express: one
 * hour. */
#define SLEEP_MAX_NS UINT64_C(3600000000000)

/* Derived from the current context at every call: see there why nobody may keep it over a switch.
 */
struct loop *
loop_current(void)
{
	return context_current()->loop;
}

/* Makes loop the current one of this thread, which steps it; returns the context before. */
static struct context *
step_enter(struct loop *loop)
{
	struct context *context = loop->env->context;
	struct loop *outer = loop_current();

	ASSERT(!loop->stepping && context->loop == NULL &&
	       (outer == NULL || outer->running == NULL));
	loop->stepping = true;
	context->loop = loop;
	sanitize_thread(&loop->sanitize);
	return context_enter(context);
}

static void
step_leave(struct loop *loop, struct context *before)
{
	loop->stepping = false;
	loop->env->context->loop = NULL;
	context_enter(before);
}

/* ------------------------------------------------ life */

int
loop_create(struct env *env, const struct loop_options *options, struct loop **ret_loop)
{
	struct loop *loop = arena_calloc(env->arena, 1, sizeof(*loop));
	size_t stack_size = options && options->stack_size ? options->stack_size
							   : STACK_SIZE_DEFAULT;

	if (loop == NULL)
		return error_raise(-DER_NOMEM, "no memory for a loop");
	loop->env = env;
	loop->fiber_limit = options && options->fiber_limit ? options->fiber_limit
							    : FIBER_LIMIT_DEFAULT;
	loop->spin.limit = options ? options->spin_ns : 0;
	loop->spin.budget = loop->spin.limit;
	list_init(&loop->ready);
	list_init(&loop->fibers);
	stack_pool_init(&loop->stacks, max_of(stack_size, (size_t)STACK_SIZE_MIN));
	*ret_loop = loop;
	return 0;
}

void
loop_destroy(struct loop *loop)
{
	if (loop == NULL)
		return;
	ASSERT(loop->fiber_count == 0 && !loop->stepping);
	stack_pool_fini(&loop->stacks);
	arena_free(loop->env->arena, loop);
}

void
loop_abandon(struct loop *loop)
{
	struct list *link;

	ASSERT(!loop->stepping);
	while ((link = list_pop(&loop->fibers)) != NULL) {
		struct fiber *fiber = list_entry(link, struct fiber, member);

		stack_drop(&loop->stacks, fiber);
		loop->fiber_count--;
	}
	loop_destroy(loop);
}

struct env *
loop_env(struct loop *loop)
{
	return loop->env;
}

uint32_t
loop_fiber_count(const struct loop *loop)
{
	return loop->fiber_count;
}

uint64_t
loop_cross_calls(const struct loop *loop)
{
	return loop->cross_calls;
}

/* ------------------------------------------------ messages */

/*
 * No wake-up is lost: the sender pushes, then looks at sleeping; the loop sets sleeping, then looks
 * at the inbox. Both in the one order of sequentially consistent operations, so at least one sees
 * the other; and a wake that comes before the sleep ends it.
 */
void
loop_post(struct loop *loop, struct loop_message *message)
{
	struct loop_message *head = atomic_load_explicit(&loop->inbox, memory_order_relaxed);

	do {
		message->next = head;
	} while (!atomic_compare_exchange_weak(&loop->inbox, &head, message));
	if (atomic_load(&loop->sleeping))
		loop->env->poller->wake(loop->env->poller);
}

void
loop_stop(struct loop *loop)
{
	atomic_store(&loop->stopping, true);
	loop->env->poller->wake(loop->env->poller);
}

static bool
inbox_empty(const struct loop *loop)
{
	return atomic_load(&loop->inbox) == NULL;
}

bool
loop_ready(const struct loop *loop)
{
	return loop->ready_count > 0 || !inbox_empty(loop);
}

/* Runs the functions of the messages that are there, oldest first; returns whether there were any.
 */
static bool
deliver_messages(struct loop *loop)
{
	struct loop_message *message;
	struct loop_message *oldest = NULL;

	if (atomic_load_explicit(&loop->inbox, memory_order_relaxed) == NULL)
		return false;
	message = atomic_exchange(&loop->inbox, NULL);
	while (message) {
		struct loop_message *next = message->next;

		message->next = oldest;
		oldest = message;
		message = next;
	}
	while (oldest) {
		/* The function may give the memory back to the sender. */
		message = oldest;
		oldest = message->next;
		message->function(message);
	}
	return true;
}

/* ------------------------------------------------ one turn */

/* Takes the next ready fiber: the first, or the one the chooser picks. */
static struct fiber *
next_ready(struct loop *loop)
{
	struct chooser *chooser = loop->env->chooser;
	struct list *link = list_first(&loop->ready);

	if (chooser && loop->ready_count > 1) {
		uint32_t index = chooser->choose(chooser, loop->ready_count);

		ASSERT(index < loop->ready_count);
		while (index-- > 0)
			link = link->next;
	}
	list_remove(link);
	loop->ready_count--;
	return list_entry(link, struct fiber, link);
}

/* As many fibers as are ready now; what becomes ready meanwhile waits for the next turn, after the
 * world was polled. */
static bool
run_fibers(struct loop *loop)
{
	uint32_t count = loop->ready_count;

	for (uint32_t i = 0; i < count && loop->ready_count > 0; i++) {
		if (i > 0 && FAULT("fiber: look at the world between two fibers"))
			break;
		fiber_resume(loop, next_ready(loop));
	}
	return count > 0;
}

/* Whether to poll once more without sleeping. */
static bool
spin_more(struct loop *loop, uint64_t now)
{
	struct spin *spin = &loop->spin;

	if (spin->limit == 0)
		return false;
	if (spin->idle_since == 0)
		spin->idle_since = now;
	return now - spin->idle_since < spin->budget;
}

/*
 * Judges the spinning when work has come: had it come within the limit, the budget grows, so that
 * the next such wait is spun through; had it taken longer, spinning was in vain, and the budget
 * shrinks.
 */
static void
spin_learn(struct loop *loop)
{
	struct spin *spin = &loop->spin;
	uint64_t idle;

	if (spin->idle_since == 0)
		return;
	idle = env_monotonic(loop->env) - spin->idle_since;
	spin->idle_since = 0;
	if (idle < spin->limit)
		spin->budget = min_of(2 * spin->budget + spin->limit / 16, spin->limit);
	else
		spin->budget /= 2;
}

/* How long the loop may sleep: until the next timer, at most max_sleep_ns, not at all while it
 * spins. */
static uint64_t
sleep_time(struct loop *loop, uint64_t max_sleep_ns)
{
	struct queue_node *timer = priority_queue_first(&loop->timers);
	uint64_t sleep_ns = min_of(max_sleep_ns, SLEEP_MAX_NS);
	uint64_t now;

	if (sleep_ns == 0 || (timer == NULL && loop->spin.limit == 0))
		return sleep_ns;
	now = env_monotonic(loop->env);
	if (spin_more(loop, now))
		return 0;
	if (timer)
		sleep_ns = min_of(sleep_ns, timer->key > now ? timer->key - now : 0);
	return sleep_ns;
}

static void
poll_world(struct loop *loop, uint64_t max_sleep_ns)
{
	struct poller *poller = loop->env->poller;
	uint64_t sleep_ns = 0;

	if (loop->ready_count == 0)
		sleep_ns = sleep_time(loop, max_sleep_ns);
	if (sleep_ns == 0) {
		poller->poll(poller, 0);
		return;
	}
	atomic_store(&loop->sleeping, true);
	poller->poll(poller, inbox_empty(loop) ? sleep_ns : 0);
	atomic_store(&loop->sleeping, false);
}

/* Everything of a turn but the sleep; returns whether there was any work, and whether a fiber ran.
 */
static bool
turn_begin(struct loop *loop, bool *ret_ran)
{
	bool delivered = deliver_messages(loop);
	bool fired = timers_fire(loop);
	bool ran = run_fibers(loop);

	if (ran)
		spin_learn(loop);
	*ret_ran = ran;
	return delivered || fired || ran;
}

bool
loop_step(struct loop *loop, uint64_t max_sleep_ns)
{
	struct context *before = step_enter(loop);
	bool ran;
	bool worked = turn_begin(loop, &ran);

	/* The caller must see what was done before anybody sleeps. */
	poll_world(loop, worked ? 0 : max_sleep_ns);
	step_leave(loop, before);
	return ran;
}

void
loop_run_ready(struct loop *loop)
{
	struct context *before = step_enter(loop);
	bool ran;

	turn_begin(loop, &ran);
	step_leave(loop, before);
}

void
loop_run(struct loop *loop)
{
	struct context *before = step_enter(loop);
	bool ran;

	/* Runs fibers and sleeps in one turn, so that submitting and waiting is one kernel call. */
	while (!atomic_exchange(&loop->stopping, false)) {
		turn_begin(loop, &ran);
		poll_world(loop, UINT64_MAX);
	}
	step_leave(loop, before);
}
