/* SPDX-License-Identifier: BSD-2-Clause-Patent */
/*
 * What the sanitizers must be told about stacks. Each switch is announced before it
 * (sanitize_leave) and confirmed on the other side (sanitize_arrive); without a sanitizer all of
 * this is nothing.
 */
#pragma once

#include "base/compiler.h"

#if defined(__SANITIZE_ADDRESS__)
#define FIBER_ASAN 1
#elif defined(__has_feature)
#if __has_feature(address_sanitizer)
#define FIBER_ASAN 1
#endif
#endif
#ifndef FIBER_ASAN
#define FIBER_ASAN 0
#endif

#if defined(__SANITIZE_THREAD__)
#define FIBER_TSAN 1
#elif defined(__has_feature)
#if __has_feature(thread_sanitizer)
#define FIBER_TSAN 1
#endif
#endif
#ifndef FIBER_TSAN
#define FIBER_TSAN 0
#endif

#if FIBER_ASAN
#include <sanitizer/asan_interface.h>
#include <sanitizer/common_interface_defs.h>
#endif
#if FIBER_TSAN
#include <sanitizer/tsan_interface.h>
#endif

/* One side of a switch: a fiber, or the thread that steps the loop. */
struct sanitize_side {
#if FIBER_ASAN
	void *fake_stack;
	const void *bottom;
	size_t size;
#endif
#if FIBER_TSAN
	void *fiber;
#endif
	char unused;
};

/*
 * A frame that thread sanitising does not record: one that is entered and never left, on a stack
 * whose record of frames goes on to the next fiber.
 */
#if FIBER_TSAN
#define SANITIZE_UNRECORDED __attribute__((no_sanitize("thread"), noinline))
#else
#define SANITIZE_UNRECORDED
#endif

/* The side of a newly mapped stack. Kept from fiber to fiber, for making one is slow under thread
 * sanitising. */
static inline void
sanitize_create(struct sanitize_side *side, void *bottom, size_t size)
{
	(void)side;
	(void)bottom;
	(void)size;
#if FIBER_ASAN
	side->bottom = bottom;
	side->size = size;
#endif
#if FIBER_TSAN
	side->fiber = __tsan_create_fiber(0);
#endif
}

/* Before a stack goes to a new fiber: forgets the marks of the former one. */
static inline void
sanitize_renew(struct sanitize_side *side)
{
	(void)side;
#if FIBER_ASAN
	side->fake_stack = NULL;
	__asan_unpoison_memory_region(side->bottom, side->size);
#endif
}

/* A stack that is about to be unmapped; not callable on itself. */
static inline void
sanitize_destroy(struct sanitize_side *side)
{
	(void)side;
#if FIBER_ASAN
	__asan_unpoison_memory_region(side->bottom, side->size);
#endif
#if FIBER_TSAN
	__tsan_destroy_fiber(side->fiber);
#endif
}

/* The side of the thread that begins to step. */
static inline void
sanitize_thread(struct sanitize_side *side)
{
	(void)side;
#if FIBER_TSAN
	side->fiber = __tsan_get_current_fiber();
#endif
}

/* Before a switch; last: from never runs again, and its fake stack is given up. */
static inline void
sanitize_leave(struct sanitize_side *from, struct sanitize_side *to, bool last)
{
	(void)from;
	(void)to;
	(void)last;
#if FIBER_ASAN
	__sanitizer_start_switch_fiber(last ? NULL : &from->fake_stack, to->bottom, to->size);
#endif
#if FIBER_TSAN
	__tsan_switch_to_fiber(to->fiber, 0);
#endif
}

/* After a switch, on the side that goes on; from, when not NULL, learns where its stack lies. */
static inline void
sanitize_arrive(struct sanitize_side *here, struct sanitize_side *from)
{
	(void)here;
	(void)from;
#if FIBER_ASAN
	__sanitizer_finish_switch_fiber(here->fake_stack, from ? &from->bottom : NULL,
					from ? &from->size : NULL);
#endif
}
