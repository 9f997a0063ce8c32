/* SPDX-License-Identifier: BSD-2-Clause-Patent */
/* The current context of a thread, and the end of a process whose invariant broke. */
#include <stdio.h>
#include <stdlib.h>

#include "base/base.h"

/* The one thread-local: the current context, and what a thread without a loop falls back to. */
static _Thread_local struct {
	struct context *current;
	struct context fallback;
} thread;

void
context_init(struct context *context, const char *name, struct log_sink *sink, enum log_level level)
{
	*context = (struct context){.name = name, .level = level, .sink = sink};
	context->origin = &context->own_origin;
}

/*
 * Never inlined and never taken for pure: a fiber may go on on another thread after a wait, so that
 * no caller may keep an address or value of a thread-local over it.
 */
__attribute__((noinline)) struct context *
context_current(void)
{
	__asm__ volatile("" ::: "memory");
	if (UNLIKELY(thread.current == NULL)) {
		if (thread.fallback.origin == NULL)
			context_init(&thread.fallback, "thread", NULL, LOG_WARNING);
		return &thread.fallback;
	}
	return thread.current;
}

__attribute__((noinline)) struct context *
context_enter(struct context *context)
{
	struct context *before = thread.current;

	__asm__ volatile("" ::: "memory");
	thread.current = context;
	return before;
}

void
assert_failed(const char *condition, const char *file, int line, const char *function)
{
	struct context *context = context_current();

	fprintf(stderr, "%s:%d: %s: assertion failed: %s\n", file, line, function, condition);
	if (context->sink)
		log_at("base", LOG_ERROR, "%s:%d: %s: assertion failed: %s", file, line, function,
		       condition);
	abort();
}
