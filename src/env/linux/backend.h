/* SPDX-License-Identifier: BSD-2-Clause-Patent */
/*
 * What the two ways to wait have in common: descriptors that are watched, disk operations, a
 * wake-up and a sleep. Private to env/linux.
 */
#pragma once

#include <stdatomic.h>

#include "env/env.h"
#include "env/linux/linux.h"

enum watch_event {
	WATCH_READABLE = 1, /* data, an end, or an error: read until the kernel has no more */
	WATCH_WRITABLE = 2,
	WATCH_HANGUP = 4, /* with READABLE: the peer will send no more, so that no further event
			     announces the end */
};

/*
 * A socket that is watched. Events are edges: after one the owner reads or writes until the kernel
 * refuses, else it hears no more. Writability is reported once per backend_watch_writable().
 */
struct watch {
	int fd;
	void (*ready)(struct watch *watch, uint32_t events);
	/* After backend_watch_stop(): nothing refers to watch any more. May come from inside the
	 * stop. */
	void (*released)(struct watch *watch);
	/* Private to the back-end. */
	struct list link;
	bool stopped;
	bool reading; /* the kernel holds a request for readability */
	bool writing; /* and one for writability */
	bool writable_wanted;
	bool cancel_sent;
};

struct backend;

struct backend_operations {
	enum linux_backend kind;
	/* Watches for readability; watch->fd, ready and released are set. */
	int (*watch_start)(struct backend *backend, struct watch *watch);
	void (*watch_writable)(struct backend *backend, struct watch *watch);
	/* No event comes after it. Call before the descriptor is closed. */
	void (*watch_stop)(struct backend *backend, struct watch *watch);
	/* Starts io; its end arrives from inside wait. */
	void (*submit)(struct backend *backend, struct disk_io *io);
	/* Handles what has happened; when nothing has, sleeps until something does, or timeout_ns
	 * (0: not at all). */
	void (*wait)(struct backend *backend, uint64_t timeout_ns);
	void (*destroy)(struct backend *backend);
};

/*
 * A wake-up costs a system call only while the loop sleeps. The sleeper announces itself, then
 * looks for a wake-up; the waker leaves the wake-up, then looks for a sleeper: one of them sees the
 * other.
 */
struct wakeup {
	atomic_bool woken;
	atomic_bool sleeping;
	int fd; /* an eventfd */
};

struct backend {
	const struct backend_operations *operations;
	struct arena *arena;
	struct wakeup wakeup;
	uint64_t sleeps;
};

/* -DER_NOSYS when the kernel refuses io_uring or lacks an operation, with the reason raised. */
MUST_USE int uring_create(struct arena *arena, struct backend **ret_backend);
MUST_USE int epoll_create_backend(struct arena *arena, uint32_t io_threads,
				  struct backend **ret_backend);

/* The eventfd of wakeup. */
MUST_USE int wakeup_init(struct wakeup *wakeup);
void wakeup_fini(struct wakeup *wakeup);
/* Ends the present or next sleep. Any thread. */
void wakeup_signal(struct wakeup *wakeup);
/* The loop is about to sleep: false when there is a wake-up already. Always followed by
 * wakeup_end(). */
bool wakeup_begin(struct wakeup *wakeup);
void wakeup_end(struct wakeup *wakeup);
/* Empties the eventfd after it became readable. */
void wakeup_drain(struct wakeup *wakeup);
