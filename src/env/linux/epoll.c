/* SPDX-License-Identifier: BSD-2-Clause-Patent */
/*
 * The back-end on epoll, for kernels and containers that refuse io_uring. Disk operations run on a
 * few threads, started at the first one; they hand results back through a queue and the wake-up.
 */
#include <errno.h>
#include <pthread.h>
#include <string.h>
#include <sys/epoll.h>
#include <unistd.h>

#include "env/linux/backend.h"
#include "env/linux/disk.h"
#include "env/linux/host.h"

#define EVENTS_PER_WAIT 128
#define IO_THREADS_MAX 64u

struct epoll {
	struct backend backend;
	int fd;
	bool no_pwait2;	     /* the kernel sleeps in milliseconds only */
	struct list stopped; /* watches to release when the batch of events is over */

	/* Shared with the I/O threads, under lock. */
	pthread_mutex_t lock;
	pthread_cond_t work;
	struct disk_queue queue;
	struct disk_queue done;
	bool closing;

	uint32_t thread_limit;
	uint32_t thread_count;
	uint32_t under_way; /* of the loop's thread: submitted and not finished */
	struct linux_thread *threads[IO_THREADS_MAX];
};

static struct epoll *
epoll_of(struct backend *backend)
{
	return container_of(backend, struct epoll, backend);
}

/* ------------------------------------------------ watches */

static int
control(struct epoll *self, int operation, struct watch *watch, uint32_t events)
{
	struct epoll_event event = {.events = events | EPOLLET, .data.ptr = watch};

	return epoll_ctl(self->fd, operation, watch->fd, &event) < 0 ? -errno : 0;
}

static int
watch_start(struct backend *backend, struct watch *watch)
{
	int error = control(epoll_of(backend), EPOLL_CTL_ADD, watch, EPOLLIN | EPOLLRDHUP);

	if (error)
		return error_raise(error_from_errno(-error), "cannot watch a socket: %s",
				   strerror(-error));
	watch->reading = true;
	return 0;
}

static void
watch_writable(struct backend *backend, struct watch *watch)
{
	/* Also where it is watched already: setting it again reports a state that has come
	 * meanwhile. */
	watch->writable_wanted = true;
	control(epoll_of(backend), EPOLL_CTL_MOD, watch, EPOLLIN | EPOLLRDHUP | EPOLLOUT);
}

static void
watch_stop(struct backend *backend, struct watch *watch)
{
	struct epoll *self = epoll_of(backend);

	ASSERT(!watch->stopped);
	watch->stopped = true;
	if (watch->reading)
		control(self, EPOLL_CTL_DEL, watch, 0);
	/* The batch of events that is being handled may still name it. */
	list_append(&self->stopped, &watch->link);
}

static void
watch_event(struct epoll *self, struct watch *watch, uint32_t events)
{
	uint32_t seen = 0;

	if (watch->stopped)
		return;
	if (events & (EPOLLIN | EPOLLRDHUP | EPOLLHUP | EPOLLERR))
		seen |= WATCH_READABLE;
	if (events & (EPOLLRDHUP | EPOLLHUP | EPOLLERR))
		seen |= WATCH_HANGUP;
	if (watch->writable_wanted && (events & (EPOLLOUT | EPOLLHUP | EPOLLERR))) {
		watch->writable_wanted = false;
		control(self, EPOLL_CTL_MOD, watch, EPOLLIN | EPOLLRDHUP);
		seen |= WATCH_WRITABLE;
	}
	if (seen)
		watch->ready(watch, seen);
}

static void
release_stopped(struct epoll *self)
{
	struct list *link;

	while ((link = list_pop(&self->stopped))) {
		struct watch *watch = list_entry(link, struct watch, link);

		watch->released(watch);
	}
}

/* ------------------------------------------------ I/O threads */

static void
io_thread(void *argument)
{
	struct epoll *self = argument;

	pthread_mutex_lock(&self->lock);
	for (;;) {
		struct disk_io *io;

		while (!self->queue.first && !self->closing)
			pthread_cond_wait(&self->work, &self->lock);
		io = disk_queue_pop(&self->queue);
		if (!io)
			break;
		pthread_mutex_unlock(&self->lock);
		disk_set_result(io, disk_run(io));
		pthread_mutex_lock(&self->lock);
		disk_queue_push(&self->done, io);
		wakeup_signal(&self->backend.wakeup);
	}
	pthread_mutex_unlock(&self->lock);
}

/* One thread per operation under way, up to the limit. */
static void
start_thread(struct epoll *self)
{
	int rc;

	if (self->thread_count >= self->thread_limit || self->thread_count >= self->under_way)
		return;
	rc = linux_thread_start("cairn-io", io_thread, self, &self->threads[self->thread_count]);
	if (rc == 0)
		self->thread_count++;
	else
		error_log(LOG_WARNING, rc, "cannot start an I/O thread, going on with %u",
			  self->thread_count);
}

static void
submit(struct backend *backend, struct disk_io *io)
{
	struct epoll *self = epoll_of(backend);

	self->under_way++;
	start_thread(self);
	if (self->thread_count == 0) {
		/* Without any thread the loop does it itself: slow, but right. */
		disk_set_result(io, disk_run(io));
		pthread_mutex_lock(&self->lock);
		disk_queue_push(&self->done, io);
		pthread_mutex_unlock(&self->lock);
		wakeup_signal(&self->backend.wakeup);
		return;
	}
	pthread_mutex_lock(&self->lock);
	disk_queue_push(&self->queue, io);
	pthread_cond_signal(&self->work);
	pthread_mutex_unlock(&self->lock);
}

static void
finish_done(struct epoll *self)
{
	struct disk_queue done;
	struct disk_io *io;

	if (self->under_way == 0)
		return;
	pthread_mutex_lock(&self->lock);
	done = self->done;
	self->done = (struct disk_queue){0};
	pthread_mutex_unlock(&self->lock);
	while ((io = disk_queue_pop(&done))) {
		self->under_way--;
		disk_finish(io, disk_get_result(io));
	}
}

/* ------------------------------------------------ waiting */

static int
wait_events(struct epoll *self, struct epoll_event *events, uint64_t timeout_ns)
{
	struct timespec limit = {.tv_sec = (time_t)min_of(timeout_ns / 1000000000u, 1000000000u),
				 .tv_nsec = (long)(timeout_ns % 1000000000u)};
	int count = -1;

	if (timeout_ns && !self->no_pwait2) {
		count = epoll_pwait2(self->fd, events, EVENTS_PER_WAIT, &limit, NULL);
		/* A container's filter may know no epoll_pwait2. */
		self->no_pwait2 = count < 0 && (errno == ENOSYS || errno == EPERM);
		if (!self->no_pwait2)
			return count;
	}
	timeout_ns = min_of((timeout_ns + 999999) / 1000000, 1000000000u);
	return epoll_wait(self->fd, events, EVENTS_PER_WAIT, (int)timeout_ns);
}

static void
wait_epoll(struct backend *backend, uint64_t timeout_ns)
{
	struct epoll *self = epoll_of(backend);
	struct epoll_event events[EVENTS_PER_WAIT];
	int count;

	release_stopped(self);
	if (timeout_ns) {
		if (!wakeup_begin(&backend->wakeup))
			timeout_ns = 0;
		backend->sleeps += timeout_ns != 0;
		count = wait_events(self, events, timeout_ns);
		wakeup_end(&backend->wakeup);
	} else {
		count = wait_events(self, events, 0);
	}
	for (int i = 0; i < count; i++) {
		if (events[i].data.ptr)
			watch_event(self, events[i].data.ptr, events[i].events);
		else
			wakeup_drain(&backend->wakeup);
	}
	finish_done(self);
	release_stopped(self);
}

/* ------------------------------------------------ create and destroy */

static void
destroy(struct backend *backend)
{
	struct epoll *self = epoll_of(backend);

	release_stopped(self);
	pthread_mutex_lock(&self->lock);
	self->closing = true;
	pthread_cond_broadcast(&self->work);
	pthread_mutex_unlock(&self->lock);
	for (uint32_t i = 0; i < self->thread_count; i++)
		linux_thread_join(self->threads[i]);
	pthread_cond_destroy(&self->work);
	pthread_mutex_destroy(&self->lock);
	close(self->fd);
	wakeup_fini(&backend->wakeup);
	arena_free(backend->arena, self);
}

static const struct backend_operations operations = {
	.kind = LINUX_EPOLL,
	.watch_start = watch_start,
	.watch_writable = watch_writable,
	.watch_stop = watch_stop,
	.submit = submit,
	.wait = wait_epoll,
	.destroy = destroy,
};

static int
open_epoll(struct epoll *self)
{
	struct epoll_event event = {.events = EPOLLIN, .data.ptr = NULL};

	self->fd = epoll_create1(EPOLL_CLOEXEC);
	if (self->fd < 0)
		return error_raise(error_from_errno(errno), "epoll_create1: %s", strerror(errno));
	if (epoll_ctl(self->fd, EPOLL_CTL_ADD, self->backend.wakeup.fd, &event) < 0) {
		int error = errno;

		close(self->fd);
		return error_raise(error_from_errno(error), "epoll_ctl: %s", strerror(error));
	}
	return 0;
}

int
epoll_create_backend(struct arena *arena, uint32_t io_threads, struct backend **ret_backend)
{
	struct epoll *self = arena_calloc(arena, 1, sizeof(*self));
	int rc;

	if (!self)
		return error_raise(-DER_NOMEM, "no memory for an epoll back-end");
	self->backend.operations = &operations;
	self->backend.arena = arena;
	self->thread_limit = min_of(io_threads, IO_THREADS_MAX);
	list_init(&self->stopped);
	rc = wakeup_init(&self->backend.wakeup);
	if (rc)
		goto out_free;
	rc = open_epoll(self);
	if (rc)
		goto out_wakeup;
	pthread_mutex_init(&self->lock, NULL);
	pthread_cond_init(&self->work, NULL);
	*ret_backend = &self->backend;
	return 0;

out_wakeup:
	wakeup_fini(&self->backend.wakeup);
out_free:
	arena_free(arena, self);
	return rc;
}
