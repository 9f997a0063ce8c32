/* SPDX-License-Identifier: BSD-2-Clause-Patent */
/*
 * Reads and writes that no thread of the session waits for. Each event queue has a thread, which
 * sleeps while nothing is under way there, and a bounded number of places.
 */
#include <errno.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>

#include "dfuse/private.h"

#define POLL_EVENTS 16u

struct queue {
	daos_handle_t handle;
	pthread_t thread;
	pthread_mutex_t lock; /* of what follows */
	pthread_cond_t changed;
	struct transfer *free;
	uint32_t running;
	bool stopping;
	struct transfer places[QUEUE_DEPTH];
};

/* ------------------------------------------------ places */

static struct transfer *
place_take(struct queue *queue)
{
	struct transfer *transfer;

	pthread_mutex_lock(&queue->lock);
	transfer = queue->free;
	if (transfer)
		queue->free = transfer->next;
	pthread_mutex_unlock(&queue->lock);
	return transfer;
}

struct transfer *
transfer_take(struct dfuse *dfuse)
{
	uint32_t first = atomic_fetch_add(&dfuse->turn, 1);

	for (uint32_t i = 0; i < dfuse->queue_count; i++) {
		struct transfer *transfer =
			place_take(dfuse->queues[(first + i) % dfuse->queue_count]);

		if (transfer)
			return transfer;
	}
	return NULL;
}

void
transfer_give(struct transfer *transfer)
{
	struct queue *queue = transfer->queue;

	pthread_mutex_lock(&queue->lock);
	transfer->next = queue->free;
	queue->free = transfer;
	pthread_mutex_unlock(&queue->lock);
}

static void
running_add(struct queue *queue, int count)
{
	pthread_mutex_lock(&queue->lock);
	queue->running += (uint32_t)count;
	pthread_cond_signal(&queue->changed);
	pthread_mutex_unlock(&queue->lock);
}

/* Counted before, as the answer may be given before the launch returns. */
int
transfer_launch(struct transfer *transfer)
{
	const struct node_use *use = &transfer->use;
	int rc;

	running_add(transfer->queue, 1);
	if (transfer->writes)
		rc = dfs_write(use->dfs, use->object, &transfer->list, transfer->offset,
			       &transfer->event);
	else
		rc = dfs_read(use->dfs, use->object, &transfer->list, transfer->offset,
			      &transfer->length, &transfer->event);
	if (rc)
		running_add(transfer->queue, -1);
	return rc;
}

/* ------------------------------------------------ the thread */

/* False when all is done and nothing will come. */
static bool
wait_for_work(struct queue *queue)
{
	bool work;

	pthread_mutex_lock(&queue->lock);
	while (queue->running == 0 && !queue->stopping)
		pthread_cond_wait(&queue->changed, &queue->lock);
	work = queue->running > 0;
	pthread_mutex_unlock(&queue->lock);
	return work;
}

static void *
serve(void *argument)
{
	struct queue *queue = argument;
	daos_event_t *events[POLL_EVENTS];

	while (wait_for_work(queue)) {
		int count = daos_eq_poll(queue->handle, 1, DAOS_EQ_WAIT, POLL_EVENTS, events);

		for (int i = 0; i < count; i++) {
			struct transfer *transfer = container_of(events[i], struct transfer, event);
			int rc = events[i]->ev_error;

			transfer_answer(transfer, rc < 0 ? EIO : rc);
		}
		if (count > 0)
			running_add(queue, -count);
	}
	return NULL;
}

/* Signals are taken by a thread of their own. */
static int
thread_start(struct queue *queue)
{
	sigset_t all, before;
	int rc;

	sigfillset(&all);
	pthread_sigmask(SIG_SETMASK, &all, &before);
	rc = pthread_create(&queue->thread, NULL, serve, queue);
	pthread_sigmask(SIG_SETMASK, &before, NULL);
	return rc;
}

static void
queue_free(struct queue *queue, uint32_t events)
{
	for (uint32_t i = 0; i < events; i++)
		daos_event_fini(&queue->places[i].event);
	daos_eq_destroy(queue->handle, 0);
	pthread_mutex_destroy(&queue->lock);
	pthread_cond_destroy(&queue->changed);
	free(queue);
}

static int
queue_start(struct dfuse *dfuse)
{
	struct queue *queue = calloc(1, sizeof(*queue));
	uint32_t i;

	if (queue == NULL)
		return ENOMEM;
	if (daos_eq_create(&queue->handle) != 0) {
		free(queue);
		return ENOMEM;
	}
	pthread_mutex_init(&queue->lock, NULL);
	pthread_cond_init(&queue->changed, NULL);
	for (i = 0; i < QUEUE_DEPTH; i++) {
		struct transfer *transfer = &queue->places[i];

		if (daos_event_init(&transfer->event, queue->handle, NULL) != 0)
			break;
		transfer->queue = queue;
		transfer->next = queue->free;
		queue->free = transfer;
	}
	if (i < QUEUE_DEPTH || thread_start(queue) != 0) {
		queue_free(queue, i);
		return ENOMEM;
	}
	dfuse->queues[dfuse->queue_count++] = queue;
	return 0;
}

int
queues_start(struct dfuse *dfuse)
{
	int rc = 0;

	for (uint32_t i = 0; i < dfuse->options.queues && rc == 0; i++)
		rc = queue_start(dfuse);
	return rc;
}

void
queues_stop(struct dfuse *dfuse)
{
	while (dfuse->queue_count > 0) {
		struct queue *queue = dfuse->queues[--dfuse->queue_count];

		pthread_mutex_lock(&queue->lock);
		queue->stopping = true;
		pthread_cond_signal(&queue->changed);
		pthread_mutex_unlock(&queue->lock);
		pthread_join(queue->thread, NULL);
		queue_free(queue, QUEUE_DEPTH);
	}
}
