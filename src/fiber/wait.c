/* SPDX-License-Identifier: BSD-2-Clause-Patent */
/* What fibers wait for: completions, queues, mutexes, permits, channels. All of one loop, so
 * nothing here is atomic. */
#include "fiber/internal.h"

/* ------------------------------------------------ completion */

int
completion_wait(struct completion *completion)
{
	struct fiber *fiber = fiber_to_yield();

	ASSERT(completion->waiter == NULL);
	if (completion->done && FAULT("fiber: learn late that an operation has ended"))
		fiber_yield();
	while (!completion->done) {
		completion->waiter = fiber;
		fiber_wait(fiber, NULL, false);
	}
	return completion->result;
}

int
completion_wait_deadline(struct completion *completion)
{
	struct fiber *fiber = fiber_to_yield();
	int rc;

	ASSERT(completion->waiter == NULL);
	if (completion->done)
		return completion->result;
	completion->waiter = fiber;
	rc = fiber_wait(fiber, NULL, true);
	completion->waiter = NULL;
	if (rc != 0)
		return rc;
	ASSERT(completion->done);
	return completion->result;
}

void
completion_signal(struct completion *completion, int result)
{
	struct fiber *waiter = completion->waiter;

	ASSERT(!completion->done);
	completion->result = result;
	completion->done = true;
	completion->waiter = NULL;
	/* A waiter that was interrupted is ready already, and leaves the completion when it runs.
	 */
	if (waiter && waiter->state == FIBER_WAITING)
		fiber_wake(waiter, 0);
}

/* ------------------------------------------------ queue */

void
wait_queue_init(struct wait_queue *queue)
{
	list_init(&queue->waiters);
}

int
wait_queue_wait(struct wait_queue *queue)
{
	return fiber_wait(fiber_to_yield(), &queue->waiters, true);
}

void
wait_queue_wait_plain(struct wait_queue *queue)
{
	fiber_wait(fiber_to_yield(), &queue->waiters, false);
}

static struct fiber *
first_waiter(const struct wait_queue *queue)
{
	struct list *link = list_first(&queue->waiters);

	return link ? list_entry(link, struct fiber, link) : NULL;
}

bool
wait_queue_wake_one(struct wait_queue *queue)
{
	struct fiber *fiber = first_waiter(queue);

	if (fiber)
		fiber_wake(fiber, 0);
	return fiber != NULL;
}

void
wait_queue_wake_all(struct wait_queue *queue)
{
	while (wait_queue_wake_one(queue))
		;
}

bool
wait_queue_empty(const struct wait_queue *queue)
{
	return list_empty(&queue->waiters);
}

/* ------------------------------------------------ mutex */

void
fiber_mutex_init(struct fiber_mutex *mutex)
{
	*mutex = (struct fiber_mutex){0};
	wait_queue_init(&mutex->waiting);
}

static int
mutex_lock(struct fiber_mutex *mutex, bool interruptible)
{
	struct fiber *fiber = fiber_to_yield();

	ASSERT(mutex->holder != fiber);
	if (FAULT("fiber: yield before a lock"))
		fiber_yield();
	if (mutex->holder == NULL) {
		mutex->holder = fiber;
		return 0;
	}
	return fiber_wait(fiber, &mutex->waiting.waiters, interruptible);
}

int
fiber_mutex_lock(struct fiber_mutex *mutex)
{
	return mutex_lock(mutex, true);
}

void
fiber_mutex_lock_plain(struct fiber_mutex *mutex)
{
	int rc = mutex_lock(mutex, false);

	ASSERT(rc == 0);
}

void
fiber_mutex_unlock(struct fiber_mutex *mutex)
{
	ASSERT(mutex->holder != NULL && mutex->holder == fiber_current());
	/* Handed to the first that waits, so that nobody overtakes it. */
	mutex->holder = first_waiter(&mutex->waiting);
	wait_queue_wake_one(&mutex->waiting);
}

/* ------------------------------------------------ semaphore */

void
fiber_semaphore_init(struct fiber_semaphore *semaphore, uint64_t available)
{
	semaphore->available = available;
	wait_queue_init(&semaphore->waiting);
}

/* Serves those that wait, in order, as far as the permits reach. */
static void
semaphore_serve(struct fiber_semaphore *semaphore)
{
	struct fiber *fiber;

	while ((fiber = first_waiter(&semaphore->waiting)) &&
	       fiber->wanted <= semaphore->available) {
		semaphore->available -= fiber->wanted;
		fiber_wake(fiber, 0);
	}
}

int
fiber_semaphore_take(struct fiber_semaphore *semaphore, uint64_t count)
{
	struct fiber *fiber;
	int rc;

	fiber_check_yield();
	if (wait_queue_empty(&semaphore->waiting) && count <= semaphore->available) {
		semaphore->available -= count;
		return 0;
	}
	fiber = fiber_to_yield();
	fiber->wanted = count;
	rc = fiber_wait(fiber, &semaphore->waiting.waiters, true);
	/* Whoever gives up may have been the one that the others waited behind. */
	if (rc != 0)
		semaphore_serve(semaphore);
	return rc;
}

void
fiber_semaphore_give(struct fiber_semaphore *semaphore, uint64_t count)
{
	ASSERT(count <= UINT64_MAX - semaphore->available);
	semaphore->available += count;
	semaphore_serve(semaphore);
}

/* ------------------------------------------------ channel */

/*
 * Items go from hand to hand: a sender gives to the first receiver that waits, a receiver takes the
 * oldest item and lets the first sender that waits put its own behind the others. So receivers wait
 * only while the channel is empty and senders only while it is full.
 */
struct fiber_channel {
	struct arena *arena;
	struct wait_queue senders;
	struct wait_queue receivers;
	uint32_t capacity;
	uint32_t count;
	uint32_t first;
	void *items[];
};

int
fiber_channel_create(struct arena *arena, uint32_t capacity, struct fiber_channel **ret_channel)
{
	struct fiber_channel *channel;

	if (capacity == 0)
		return error_raise(-DER_INVAL, "a channel needs a capacity of at least 1");
	channel = arena_calloc(arena, 1, sizeof(*channel) + (size_t)capacity * sizeof(void *));
	if (channel == NULL)
		return error_raise(-DER_NOMEM, "no memory for a channel of %u items", capacity);
	channel->arena = arena;
	channel->capacity = capacity;
	*ret_channel = channel;
	return 0;
}

void
fiber_channel_destroy(struct fiber_channel *channel)
{
	if (channel == NULL)
		return;
	ASSERT(wait_queue_empty(&channel->senders) && wait_queue_empty(&channel->receivers));
	arena_free(channel->arena, channel);
}

static void
channel_put(struct fiber_channel *channel, void *item)
{
	uint32_t place =
		(uint32_t)(((uint64_t)channel->first + channel->count) % channel->capacity);

	channel->items[place] = item;
	channel->count++;
}

static void *
channel_get(struct fiber_channel *channel)
{
	void *item = channel->items[channel->first];

	channel->first = channel->first + 1 == channel->capacity ? 0 : channel->first + 1;
	channel->count--;
	return item;
}

int
fiber_channel_send(struct fiber_channel *channel, void *item)
{
	struct fiber *receiver = first_waiter(&channel->receivers);
	struct fiber *fiber;

	fiber_check_yield();
	if (receiver) {
		receiver->item = item;
		fiber_wake(receiver, 0);
		return 0;
	}
	if (channel->count < channel->capacity) {
		channel_put(channel, item);
		return 0;
	}
	fiber = fiber_to_yield();
	fiber->item = item;
	return fiber_wait(fiber, &channel->senders.waiters, true);
}

int
fiber_channel_receive(struct fiber_channel *channel, void **ret_item)
{
	struct fiber *sender;
	struct fiber *fiber;
	int rc;

	fiber_check_yield();
	if (channel->count > 0) {
		*ret_item = channel_get(channel);
		sender = first_waiter(&channel->senders);
		if (sender) {
			channel_put(channel, sender->item);
			fiber_wake(sender, 0);
		}
		return 0;
	}
	fiber = fiber_to_yield();
	rc = fiber_wait(fiber, &channel->receivers.waiters, true);
	if (rc == 0)
		*ret_item = fiber->item;
	return rc;
}
