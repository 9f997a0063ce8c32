/* SPDX-License-Identifier: BSD-2-Clause-Patent */
/* Waking a loop from another thread. */
#include <errno.h>
#include <string.h>
#include <sys/eventfd.h>
#include <unistd.h>

#include "env/linux/backend.h"

int
wakeup_init(struct wakeup *wakeup)
{
	wakeup->fd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
	if (wakeup->fd < 0)
		return error_raise(error_from_errno(errno), "eventfd: %s", strerror(errno));
	atomic_init(&wakeup->woken, false);
	atomic_init(&wakeup->sleeping, false);
	return 0;
}

void
wakeup_fini(struct wakeup *wakeup)
{
	close(wakeup->fd);
}

void
wakeup_signal(struct wakeup *wakeup)
{
	const uint64_t one = 1;

	if (atomic_exchange(&wakeup->woken, true) || !atomic_load(&wakeup->sleeping))
		return;
	/* A full counter wakes as well. */
	while (write(wakeup->fd, &one, sizeof(one)) < 0 && errno == EINTR)
		;
}

bool
wakeup_begin(struct wakeup *wakeup)
{
	atomic_store(&wakeup->sleeping, true);
	return !atomic_load(&wakeup->woken);
}

void
wakeup_end(struct wakeup *wakeup)
{
	/*
	 * In this order: a wake-up that is cleared here came before the sleeper looked at its
	 * queues again; one that comes later stays for the next sleep.
	 */
	atomic_store(&wakeup->woken, false);
	atomic_store(&wakeup->sleeping, false);
}

void
wakeup_drain(struct wakeup *wakeup)
{
	uint64_t count;

	while (read(wakeup->fd, &count, sizeof(count)) < 0 && errno == EINTR)
		;
}
