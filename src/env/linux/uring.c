/* SPDX-License-Identifier: BSD-2-Clause-Patent */
/*
 * The back-end on io_uring. One ring per loop is the one place to sleep. The ring is driven by
 * several threads one after another (client contexts), hence neither SINGLE_ISSUER nor
 * DEFER_TASKRUN; when a thread that had submitted ends, the kernel cancels its requests, and they
 * are submitted again here.
 */
#include <errno.h>
#include <liburing.h>
#include <poll.h>
#include <string.h>

#include "env/linux/backend.h"
#include "env/linux/disk.h"

#define RING_ENTRIES 256u
#define RING_COMPLETIONS 4096u
/* Disk operations in the kernel at a time; more wait here. Half the completion queue is left for
 * sockets. */
#define RING_DISK_LIMIT 2048u
/* Completions handled in one turn before the loop's fibers run. */
#define RING_BATCH 512u

/* The low bits of user_data; what remains is a pointer. */
enum request {
	REQUEST_DISK,
	REQUEST_READABLE,
	REQUEST_WRITABLE,
	REQUEST_WAKE,
	REQUEST_CANCEL,
	REQUEST_MASK = 7
};

struct uring {
	struct backend backend;
	struct io_uring ring;
	struct list todo;	   /* watches with something to submit */
	struct disk_queue waiting; /* disk operations beyond the limit or the submission queue */
	uint32_t disk_in_flight;
	bool wake_armed;
};

static const uint8_t operations_needed[] = {IORING_OP_READV,	IORING_OP_WRITEV,
					    IORING_OP_FSYNC,	IORING_OP_FALLOCATE,
					    IORING_OP_POLL_ADD, IORING_OP_ASYNC_CANCEL};

static struct uring *
uring_of(struct backend *backend)
{
	return container_of(backend, struct uring, backend);
}

static uint64_t
user_data(const void *pointer, enum request request)
{
	return (uint64_t)(uintptr_t)pointer | (uint64_t)request;
}

/* NULL when the submission queue is full and the kernel takes nothing at the moment. */
static struct io_uring_sqe *
next_entry(struct uring *self)
{
	struct io_uring_sqe *entry = io_uring_get_sqe(&self->ring);

	if (entry)
		return entry;
	io_uring_submit(&self->ring);
	return io_uring_get_sqe(&self->ring);
}

/* ------------------------------------------------ watches */

static bool
arm(struct uring *self, struct watch *watch, enum request request)
{
	struct io_uring_sqe *entry = next_entry(self);

	if (!entry)
		return false;
	if (request == REQUEST_READABLE)
		io_uring_prep_poll_multishot(entry, watch->fd, POLLIN | POLLRDHUP);
	else
		io_uring_prep_poll_add(entry, watch->fd, POLLOUT);
	io_uring_sqe_set_data64(entry, user_data(watch, request));
	return true;
}

static bool
cancel(struct uring *self, struct watch *watch, enum request request)
{
	struct io_uring_sqe *entry = next_entry(self);

	if (!entry)
		return false;
	io_uring_prep_cancel64(entry, user_data(watch, request), 0);
	io_uring_sqe_set_data64(entry, user_data(NULL, REQUEST_CANCEL));
	return true;
}

/* Submits what watch wants; false when the queue is full. */
static bool
attend(struct uring *self, struct watch *watch)
{
	if (watch->stopped) {
		if (watch->reading && !cancel(self, watch, REQUEST_READABLE))
			return false;
		if (watch->writing && !cancel(self, watch, REQUEST_WRITABLE))
			return false;
		watch->cancel_sent = true;
		return true;
	}
	if (!watch->reading) {
		if (!arm(self, watch, REQUEST_READABLE))
			return false;
		watch->reading = true;
	}
	if (watch->writable_wanted && !watch->writing) {
		if (!arm(self, watch, REQUEST_WRITABLE))
			return false;
		watch->writing = true;
	}
	return true;
}

static void
attend_all(struct uring *self)
{
	struct list *link;

	while ((link = list_first(&self->todo))) {
		if (!attend(self, list_entry(link, struct watch, link)))
			return;
		list_remove(link);
	}
}

static void
put_todo(struct uring *self, struct watch *watch)
{
	if (!list_linked(&watch->link))
		list_append(&self->todo, &watch->link);
}

static int
watch_start(struct backend *backend, struct watch *watch)
{
	put_todo(uring_of(backend), watch);
	return 0;
}

static void
watch_writable(struct backend *backend, struct watch *watch)
{
	watch->writable_wanted = true;
	put_todo(uring_of(backend), watch);
}

static void
watch_stop(struct backend *backend, struct watch *watch)
{
	struct uring *self = uring_of(backend);

	ASSERT(!watch->stopped);
	watch->stopped = true;
	if (watch->reading || watch->writing) {
		put_todo(self, watch);
		return;
	}
	list_remove(&watch->link);
	watch->released(watch);
}

static void
watch_event(struct uring *self, struct watch *watch, enum request request, int result, bool more)
{
	uint32_t events = 0;

	if (request == REQUEST_READABLE && !more)
		watch->reading = false;
	if (request == REQUEST_WRITABLE)
		watch->writing = false;
	if (watch->stopped) {
		if (!watch->reading && !watch->writing) {
			list_remove(&watch->link);
			watch->released(watch);
		}
		return;
	}
	if (!watch->reading || (watch->writable_wanted && !watch->writing))
		put_todo(self, watch);
	if (result == -ECANCELED)
		return;
	if (request == REQUEST_WRITABLE) {
		watch->writable_wanted = false;
		events = WATCH_WRITABLE;
	} else {
		events = WATCH_READABLE;
		if (result < 0 || result & (POLLRDHUP | POLLHUP | POLLERR))
			events |= WATCH_HANGUP;
	}
	watch->ready(watch, events);
}

/* ------------------------------------------------ disks */

/* Submits the next step of io; false when the queue is full. */
static bool
start_step(struct uring *self, struct disk_io *io)
{
	struct iovec slice[DISK_IOV_MAX];
	struct disk_step step;
	struct io_uring_sqe *entry = next_entry(self);

	if (!entry)
		return false;
	disk_next(io, slice, &step);
	switch (step.call) {
	case CALL_READ:
		io_uring_prep_readv2(entry, step.fd, step.iov, step.iov_count, step.offset,
				     step.flags);
		break;
	case CALL_WRITE:
		io_uring_prep_writev2(entry, step.fd, step.iov, step.iov_count, step.offset,
				      step.flags);
		break;
	case CALL_SYNC:
		io_uring_prep_fsync(entry, step.fd, IORING_FSYNC_DATASYNC);
		break;
	case CALL_FALLOCATE:
		io_uring_prep_fallocate(entry, step.fd, step.flags, (off_t)step.offset,
					(off_t)step.length);
		break;
	}
	io_uring_sqe_set_data64(entry, user_data(io, REQUEST_DISK));
	/* The kernel has copied the vector once it has taken the entry. If it does not take it now,
	 * the copy on this stack would go. */
	while (step.iov == slice && io_uring_sq_ready(&self->ring) > 0)
		io_uring_submit(&self->ring);
	return true;
}

static void
start_waiting(struct uring *self)
{
	while (self->waiting.first && self->disk_in_flight < RING_DISK_LIMIT) {
		struct disk_io *io = self->waiting.first;

		if (!start_step(self, io))
			return;
		self->disk_in_flight++;
		disk_queue_pop(&self->waiting);
	}
}

static void
submit(struct backend *backend, struct disk_io *io)
{
	struct uring *self = uring_of(backend);

	disk_queue_push(&self->waiting, io);
	start_waiting(self);
}

static void
disk_event(struct uring *self, struct disk_io *io, int returned)
{
	int result;

	self->disk_in_flight--;
	if (disk_advance(io, returned, &result))
		disk_finish(io, result);
	else
		disk_queue_push(&self->waiting, io);
}

/* ------------------------------------------------ waiting */

static bool
arm_wake(struct uring *self)
{
	struct io_uring_sqe *entry = next_entry(self);

	if (!entry)
		return false;
	io_uring_prep_poll_multishot(entry, self->backend.wakeup.fd, POLLIN);
	io_uring_sqe_set_data64(entry, user_data(NULL, REQUEST_WAKE));
	return true;
}

static void
handle(struct uring *self, uint64_t data, int result, uint32_t flags)
{
	void *pointer = (void *)(uintptr_t)(data & ~(uint64_t)REQUEST_MASK);
	enum request request = (enum request)(data & REQUEST_MASK);

	switch (request) {
	case REQUEST_DISK:
		disk_event(self, pointer, result);
		break;
	case REQUEST_READABLE:
	case REQUEST_WRITABLE:
		watch_event(self, pointer, request, result, flags & IORING_CQE_F_MORE);
		break;
	case REQUEST_WAKE:
		wakeup_drain(&self->backend.wakeup);
		self->wake_armed = self->wake_armed && (flags & IORING_CQE_F_MORE);
		break;
	default:
		break;
	}
}

/*
 * Whether completions wait for this thread to enter the kernel: those of sockets are posted by the
 * thread that had submitted the request, on its way out of the kernel.
 */
static bool
kernel_wanted(struct uring *self)
{
	return IO_URING_READ_ONCE(*self->ring.sq.kflags) &
	       (IORING_SQ_CQ_OVERFLOW | IORING_SQ_TASKRUN);
}

static void
reap(struct uring *self)
{
	struct io_uring_cqe *completion;

	for (uint32_t i = 0; i < RING_BATCH && io_uring_peek_cqe(&self->ring, &completion) == 0;
	     i++) {
		uint64_t data = completion->user_data;
		int result = completion->res;
		uint32_t flags = completion->flags;

		io_uring_cqe_seen(&self->ring, completion);
		handle(self, data, result, flags);
	}
}

/* Submits and sleeps in one call. */
static void
sleep_in_ring(struct uring *self, uint64_t timeout_ns)
{
	struct __kernel_timespec limit = {.tv_sec = (long long)min_of(timeout_ns / 1000000000u,
								      1000000000u),
					  .tv_nsec = (long long)(timeout_ns % 1000000000u)};
	struct io_uring_cqe *completion;

	if (wakeup_begin(&self->backend.wakeup)) {
		self->backend.sleeps++;
		io_uring_submit_and_wait_timeout(&self->ring, &completion, 1, &limit, NULL);
	}
	wakeup_end(&self->backend.wakeup);
}

static void
wait_ring(struct backend *backend, uint64_t timeout_ns)
{
	struct uring *self = uring_of(backend);

	attend_all(self);
	start_waiting(self);
	if (!self->wake_armed)
		self->wake_armed = arm_wake(self);
	/* Without its wake-up request the ring must not sleep, nor with work that found no room. */
	if (timeout_ns && self->wake_armed && list_empty(&self->todo) &&
	    (!self->waiting.first || self->disk_in_flight > 0) &&
	    io_uring_cq_ready(&self->ring) == 0)
		sleep_in_ring(self, timeout_ns);
	if (io_uring_sq_ready(&self->ring) > 0)
		io_uring_submit(&self->ring);
	if (kernel_wanted(self))
		io_uring_get_events(&self->ring);
	reap(self);
}

/* ------------------------------------------------ create and destroy */

static int
check_features(struct uring *self, const struct io_uring_params *parameters)
{
	const uint32_t needed = IORING_FEAT_NODROP | IORING_FEAT_EXT_ARG |
				IORING_FEAT_SUBMIT_STABLE;
	struct io_uring_probe *probe;
	int rc = 0;

	if ((parameters->features & needed) != needed)
		return error_raise(-DER_NOSYS, "this kernel's io_uring is too old (features %#x)",
				   parameters->features);
	probe = io_uring_get_probe_ring(&self->ring);
	if (!probe)
		return error_raise(-DER_NOSYS, "this kernel's io_uring cannot be probed");
	for (size_t i = 0; i < ARRAY_SIZE(operations_needed) && rc == 0; i++)
		if (!io_uring_opcode_supported(probe, operations_needed[i]))
			rc = error_raise(-DER_NOSYS, "this kernel's io_uring lacks operation %u",
					 operations_needed[i]);
	io_uring_free_probe(probe);
	return rc;
}

/* The wake-up shows whether multishot poll exists: where it does not, an error is there at once. */
static int
check_multishot(struct uring *self)
{
	struct io_uring_cqe *completion;

	self->wake_armed = arm_wake(self);
	if (!self->wake_armed || io_uring_submit(&self->ring) < 0)
		return error_raise(-DER_NOSYS, "this kernel's io_uring takes no request");
	if (io_uring_peek_cqe(&self->ring, &completion) == 0 && completion->res < 0)
		return error_raise(-DER_NOSYS, "this kernel's io_uring has no multishot poll: %s",
				   strerror(-completion->res));
	return 0;
}

static void
destroy(struct backend *backend)
{
	struct uring *self = uring_of(backend);

	io_uring_queue_exit(&self->ring);
	wakeup_fini(&self->backend.wakeup);
	arena_free(backend->arena, self);
}

static const struct backend_operations operations = {
	.kind = LINUX_URING,
	.watch_start = watch_start,
	.watch_writable = watch_writable,
	.watch_stop = watch_stop,
	.submit = submit,
	.wait = wait_ring,
	.destroy = destroy,
};

static int
open_ring(struct uring *self)
{
	/*
	 * COOP_TASKRUN: no interrupt for a thread that runs; it looks at the ring's flags. When
	 * another thread than the one that had submitted waits, it may learn of an event as late as
	 * at the next tick of the submitter.
	 */
	struct io_uring_params parameters = {.flags = IORING_SETUP_CQSIZE |
						      IORING_SETUP_COOP_TASKRUN |
						      IORING_SETUP_TASKRUN_FLAG,
					     .cq_entries = RING_COMPLETIONS};
	int rc = io_uring_queue_init_params(RING_ENTRIES, &self->ring, &parameters);

	if (rc < 0)
		return error_raise(-DER_NOSYS, "the kernel refuses io_uring: %s", strerror(-rc));
	rc = check_features(self, &parameters);
	/*
	 * A mapping in a child of fork would keep the ring, and so the sockets of requests in it,
	 * beyond the end of this process: its peers would not learn of it.
	 */
	if (rc == 0 && io_uring_ring_dontfork(&self->ring) < 0)
		rc = error_raise(-DER_NOSYS, "the rings cannot be kept from children by fork");
	if (rc == 0)
		rc = check_multishot(self);
	if (rc)
		io_uring_queue_exit(&self->ring);
	return rc;
}

int
uring_create(struct arena *arena, struct backend **ret_backend)
{
	struct uring *self = arena_calloc(arena, 1, sizeof(*self));
	int rc;

	if (!self)
		return error_raise(-DER_NOMEM, "no memory for an io_uring");
	self->backend.operations = &operations;
	self->backend.arena = arena;
	list_init(&self->todo);
	rc = wakeup_init(&self->backend.wakeup);
	if (rc)
		goto out_free;
	rc = open_ring(self);
	if (rc)
		goto out_wakeup;
	*ret_backend = &self->backend;
	return 0;

out_wakeup:
	wakeup_fini(&self->backend.wakeup);
out_free:
	arena_free(arena, self);
	return rc;
}
