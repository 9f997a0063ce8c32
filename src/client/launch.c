/* SPDX-License-Identifier: BSD-2-Clause-Patent */
/* client_run(): one public call as one function on a fiber, waited for or launched under an event.
 */
#include "client/private.h"

/*
 * Up to so many operations of a queue go out one by one, each on the wire when its launch returns.
 * Beyond, requests gather until the transport has a batch, or until the next poll or test.
 */
#define LAUNCH_EAGER 4u

static void
operation_put(struct operation *operation)
{
	if (atomic_fetch_sub(&operation->references, 1) == 1)
		client_free(operation);
}

/* Says that a call without an event is over. What it set before may be read by the waiter at once,
 * and operation be gone. */
static void
operation_done(struct operation *operation)
{
	struct client_context *context = operation->context;

	pthread_mutex_lock(&context->lock);
	atomic_store_explicit(&operation->done, true, memory_order_release);
	context_notify(context);
	pthread_mutex_unlock(&context->lock);
}

static void
operation_finish(struct operation *operation, int rc)
{
	struct event *event = operation->event;

	operation->fiber = NULL;
	operation->result = rc;
	if (event == NULL) {
		operation_done(operation);
		return;
	}
	event_finish(event, rc);
	operation_put(operation);
}

static void
operation_main(void *argument)
{
	struct operation *operation = argument;
	int rc;

	operation->fiber = fiber_current();
	if (operation->canceled)
		fiber_cancel(operation->fiber);
	rc = operation->function(operation->arguments);
	if (rc < 0)
		snprintf(operation->text, sizeof(operation->text), "%s", error_text(rc));
	operation_finish(operation, rc);
}

/* On a loop that somebody else drives. */
static void
operation_launched(struct loop_message *message)
{
	struct operation *operation = container_of(message, struct operation, launch);
	struct fiber *fiber;
	int rc = fiber_start(loop_current(), "client call", operation_main, operation, &fiber);

	if (rc)
		operation_finish(operation, rc);
}

/* Whether what is queued is handed to the kernel now. A blocking call polls next, which does it. */
static bool
flush_due(const struct operation *operation)
{
	const struct event *event = operation->event;

	return event && atomic_load(&event->set->running_count) <= LAUNCH_EAGER;
}

/* Starts the operation and runs it until its first wait; on a host's loop, which only the host
 * steps, it first runs when the caller yields. With the context's lock held, which it gives up
 * meanwhile. */
static int
operation_start(struct operation *operation)
{
	struct client_context *context = operation->context;
	struct fiber *fiber;
	bool flush;
	int rc;

	if (context->driven) {
		operation->launch.function = operation_launched;
		loop_post(context->loop, &operation->launch);
		return 0;
	}
	rc = fiber_start(context->loop, "client call", operation_main, operation, &fiber);
	if (rc || client_is_hosted(context->client))
		return rc;
	context->driven = true;
	flush = flush_due(operation);
	pthread_mutex_unlock(&context->lock);
	loop_run_ready(context->loop);
	if (flush)
		linux_env_flush(context->env);
	pthread_mutex_lock(&context->lock);
	context->driven = false;
	context_notify(context);
	return 0;
}

/* ------------------------------------------------ abort */

static void
operation_cancel(struct operation *operation)
{
	operation->canceled = true;
	if (operation->fiber)
		fiber_cancel(operation->fiber);
}

static void
operation_aborted(struct loop_message *message)
{
	struct operation *operation = container_of(message, struct operation, abort);

	operation_cancel(operation);
	operation_put(operation);
}

void
operation_abort(struct operation *operation)
{
	if (atomic_exchange(&operation->aborting, true))
		return;
	if (client_is_hosted(operation->context->client)) {
		operation_cancel(operation);
		return;
	}
	atomic_fetch_add(&operation->references, 1);
	operation->abort.function = operation_aborted;
	loop_post(operation->context->loop, &operation->abort);
}

/* ------------------------------------------------ the door */

static bool
operation_is_done(void *argument)
{
	struct operation *operation = argument;

	return atomic_load_explicit(&operation->done, memory_order_acquire);
}

static const char *
blocking_text(struct client *client, const struct operation *operation, int rc)
{
	bool finding = !client->servers.found && rc == client->servers.code;

	return operation->text[0] && !finding ? operation->text : client_explain(client, rc);
}

static int
run_blocking(struct client *client, int (*function)(void *arguments), void *arguments)
{
	struct operation operation = {.function = function, .arguments = arguments};
	int rc = context_pick(client, &operation.context);

	if (rc == 0) {
		pthread_mutex_lock(&operation.context->lock);
		rc = operation_start(&operation);
		if (rc == 0) {
			context_drive(operation.context, operation_is_done, &operation, UINT64_MAX);
			rc = operation.result;
		}
		pthread_mutex_unlock(&operation.context->lock);
	}
	if (rc < 0)
		client_keep_text(client, blocking_text(client, &operation, rc));
	return rc;
}

static int
run_launched(daos_event_t *public_event, int (*function)(void *arguments), void *arguments,
	     size_t size)
{
	struct event *event = event_of(public_event);
	struct operation *operation;
	struct client_context *context;
	int rc;

	if (event == NULL)
		return -DER_INVAL;
	operation = client_calloc(sizeof(*operation) + size);
	if (operation == NULL)
		return -DER_NOMEM;
	context = event->set->context;
	operation->context = context;
	operation->event = event;
	operation->function = function;
	operation->arguments = operation + 1;
	atomic_init(&operation->references, 1);
	memcpy(operation->arguments, arguments, size);
	pthread_mutex_lock(&context->lock);
	rc = event_begin(event, operation);
	if (rc == 0) {
		rc = operation_start(operation);
		if (rc)
			event_unlaunch(event);
	}
	pthread_mutex_unlock(&context->lock);
	if (rc)
		client_free(operation);
	return rc;
}

int
client_run(daos_event_t *event, int (*function)(void *arguments), void *arguments, size_t size)
{
	struct client *client = client_here();
	int rc = client_check(client);

	if (rc)
		return rc;
	if (event)
		return run_launched(event, function, arguments, size);
	if (context_here())
		return function(arguments);
	return run_blocking(client, function, arguments);
}
