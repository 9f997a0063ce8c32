/* SPDX-License-Identifier: BSD-2-Clause-Patent */
/* Serving: each request on a fiber of its own, from its frame to its reply. */
#include "rpc/internal.h"

/* ------------------------------------------------ replies */

/* The reply to a request, unless its connection has ended. */
static void
reply_send(struct inbound *inbound, const struct proto_header *request, int status,
	   const struct iovec *body)
{
	struct rpc *rpc = inbound->rpc;
	struct proto_header header = {
		.kind = PROTO_REPLY,
		.call = request->call,
		.operation = request->operation,
		.status = status,
		.map_version = request->map_version,
	};

	if (inbound->connection == NULL) {
		REACHED("rpc: an answer finds its connection gone");
		return;
	}
	if (status)
		rpc_count(rpc, METRIC_REPLY_ERRORS, 1);
	if (FAULT("rpc: the connection ends before an answer") ||
	    rpc_frame_send(rpc, inbound->connection, &header, NULL, body, body ? 1 : 0))
		/* Without its reply the client would keep the credit for ever. */
		rpc_inbound_end(inbound, false);
}

/* ------------------------------------------------ tasks */

/* Moves a reply to a buffer of the largest size. */
static void
reply_grow(struct writer *writer, size_t needed)
{
	struct task *task = container_of(writer, struct task, request.reply);

	if (task->large || needed > RPC_INLINE_MAX - writer->position)
		return;
	task->large = arena_alloc(task->request.rpc->arena, RPC_INLINE_MAX);
	task->no_memory = task->large == NULL;
	if (task->no_memory)
		return;
	memcpy(task->large, writer->data, writer->position);
	writer->data = task->large;
	writer->length = RPC_INLINE_MAX;
}

static struct task *
task_get(struct rpc *rpc)
{
	struct list *link = list_pop(&rpc->spare_tasks);
	struct task *task;

	if (link) {
		rpc->spare_count--;
		return list_entry(link, struct task, link);
	}
	task = arena_alloc(rpc->arena, sizeof(*task));
	if (task)
		task->link = (struct list){.next = NULL};
	return task;
}

static void
task_put(struct rpc *rpc, struct task *task)
{
	if (rpc->spare_count >= TASKS_KEPT) {
		arena_free(rpc->arena, task);
		return;
	}
	list_prepend(&rpc->spare_tasks, &task->link);
	rpc->spare_count++;
}

void
rpc_tasks_fini(struct rpc *rpc)
{
	struct list *link;

	while ((link = list_pop(&rpc->spare_tasks)) != NULL)
		arena_free(rpc->arena, list_entry(link, struct task, link));
}

static uint64_t
task_deadline(struct rpc *rpc, uint32_t timeout_ms)
{
	uint64_t timeout = timeout_ms * UINT64_C(1000000);

	if (timeout == 0 || timeout > RPC_TIMEOUT_MAX_NS)
		timeout = RPC_TIMEOUT_MAX_NS;
	return env_monotonic(rpc->env) + timeout;
}

static void
task_init(struct task *task, struct inbound *inbound, const struct proto_frame *frame,
	  struct message *message)
{
	struct rpc_request *request = &task->request;

	request->rpc = inbound->rpc;
	request->header = frame->header;
	request->id = frame->id;
	request->body = frame->body;
	writer_init(&request->reply, task->small, sizeof(task->small));
	request->reply.grow = reply_grow;
	request->credentials = inbound->credentials;
	request->private_data = NULL;
	task->inbound = inbound;
	task->message = message;
	task->service = &inbound->rpc->services[frame->header.operation];
	task->fiber = NULL;
	task->deadline = task_deadline(inbound->rpc, frame->header.timeout_ms);
	task->large = NULL;
	task->no_memory = false;
}

/* Frees everything of the request, with its place among those being served. */
static void
task_end(struct task *task)
{
	struct inbound *inbound = task->inbound;
	struct rpc *rpc = inbound->rpc;

	list_remove(&task->link);
	message_put(task->message);
	arena_free(rpc->arena, task->large);
	task_put(rpc, task);
	rpc->serving--;
	rpc_count(rpc, METRIC_SERVING, -1);
	inbound->task_count--;
	rpc_inbound_release(inbound);
	rpc_ended(rpc);
}

/* Calls the handler and sends what it wrote. */
static void
task_serve(struct task *task)
{
	struct rpc_request *request = &task->request;
	const struct service *service = task->service;
	struct iovec body;
	int status = service->method->serve(service->owner, request);

	ASSERT(status <= 0);
	if (request->reply.failed) {
		status = task->no_memory ? -DER_NOMEM : -DER_OVERFLOW;
		request->reply.position = 0;
	}
	if (FAULT("rpc: answer late"))
		fiber_yield();
	body.iov_base = request->reply.data;
	body.iov_len = request->reply.position;
	reply_send(task->inbound, &request->header, status, &body);
}

static void
task_fiber(void *argument)
{
	struct task *task = argument;

	fiber_set_deadline(task->deadline);
	if (FAULT("rpc: serve late"))
		fiber_yield();
	/* Where the client has gone before the start, nobody wants it any more. */
	if (task->inbound->connection)
		task_serve(task);
	task_end(task);
}

/* ------------------------------------------------ requests */

/* Why a request is not served: 0 or the status of the reply. */
static int
request_judge(struct inbound *inbound, const struct proto_header *header)
{
	struct rpc *rpc = inbound->rpc;
	int rc = rpc_frame_observe(rpc, header);

	if (rc)
		return rc;
	if (header->operation >= PROTO_OPERATIONS ||
	    rpc->services[header->operation].method == NULL)
		return -DER_UNREG;
	if (rpc->serving >= rpc->options.request_limit ||
	    inbound->task_count >= rpc->options.credits || FAULT("rpc: answer busy")) {
		rpc_count(rpc, METRIC_BUSY, 1);
		return -DER_OVERLOAD_RETRY;
	}
	return 0;
}

static int
task_start(struct inbound *inbound, const struct proto_frame *frame, struct message *message)
{
	struct rpc *rpc = inbound->rpc;
	struct task *task = task_get(rpc);
	int rc;

	if (task == NULL)
		return -DER_OVERLOAD_RETRY;
	task_init(task, inbound, frame, message);
	rc = fiber_start(rpc->loop, task->service->method->name, task_fiber, task, &task->fiber);
	if (rc) {
		task_put(rpc, task);
		rpc_count(rpc, METRIC_BUSY, 1);
		return -DER_OVERLOAD_RETRY;
	}
	list_append(&inbound->tasks, &task->link);
	inbound->task_count++;
	rpc->serving++;
	rpc_count(rpc, METRIC_SERVING, 1);
	return 0;
}

void
rpc_request_arrived(struct inbound *inbound, const struct proto_frame *frame,
		    struct message *message)
{
	int rc = request_judge(inbound, &frame->header);

	rpc_count(inbound->rpc, METRIC_REQUESTS, 1);
	if (rc == 0)
		rc = task_start(inbound, frame, message);
	if (rc == 0)
		return;
	message_put(message);
	reply_send(inbound, &frame->header, rc, NULL);
}

int
rpc_serve(struct rpc *rpc, const struct rpc_method *methods, uint32_t count, void *owner)
{
	for (uint32_t i = 0; i < count; i++) {
		if (methods[i].operation >= PROTO_OPERATIONS)
			return error_raise(-DER_INVAL, "operation %u of %s is out of range",
					   methods[i].operation, methods[i].name);
		if (rpc->services[methods[i].operation].method)
			return error_raise(-DER_EXIST, "operation %u is served already",
					   methods[i].operation);
	}
	for (uint32_t i = 0; i < count; i++)
		rpc->services[methods[i].operation] = (struct service){&methods[i], owner};
	return 0;
}

/* ------------------------------------------------ bulk */

/*
 * The deadline has passed with the transfer under way, which still uses the buffers. The caller
 * closes its regions at the same deadline, so that a living one ends the transfer soon; with one
 * that does not, the connection is closed.
 */
static void
transfer_abandon(struct task *task, struct completion *completion)
{
	uint64_t limit = env_monotonic(task->request.rpc->env) + BULK_GRACE_NS;
	uint64_t former = fiber_set_deadline(limit);
	int rc = completion_wait_deadline(completion);

	REACHED("rpc: a transfer outlives its deadline");

	fiber_set_deadline(former);
	if (rc != 0 && !completion->done)
		rpc_inbound_end(task->inbound, false);
	completion_wait(completion);
}

static int
transfer(struct rpc_request *request, enum bulk_access direction, struct proto_bulk bulk,
	 uint64_t offset, const struct iovec *iov, uint32_t iov_count)
{
	struct task *task = container_of(request, struct task, request);
	uint64_t length = iov_length(iov, iov_count);
	struct completion completion = {.done = false};
	int rc;

	if (task->inbound->connection == NULL)
		return -DER_UNREACH;
	if (bulk.key == 0 || offset > bulk.length || length > bulk.length - offset) {
		REACHED("rpc: a transfer beyond its region is refused");
		return error_raise(-DER_NO_PERM, "%lu bytes at %lu of a region of %lu",
				   (unsigned long)length, (unsigned long)offset,
				   (unsigned long)bulk.length);
	}
	if (length == 0)
		return 0;
	connection_bulk_transfer(task->inbound->connection, direction, bulk.key, offset, iov,
				 iov_count, &completion);
	rc = completion_wait_deadline(&completion);
	if (completion.done)
		return completion.result;
	transfer_abandon(task, &completion);
	return rc;
}

int
rpc_pull(struct rpc_request *request, struct proto_bulk bulk, uint64_t offset,
	 const struct iovec *iov, uint32_t iov_count)
{
	return transfer(request, BULK_READ, bulk, offset, iov, iov_count);
}

int
rpc_push(struct rpc_request *request, struct proto_bulk bulk, uint64_t offset,
	 const struct iovec *iov, uint32_t iov_count)
{
	return transfer(request, BULK_WRITE, bulk, offset, iov, iov_count);
}
