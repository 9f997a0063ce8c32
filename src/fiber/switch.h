/* SPDX-License-Identifier: BSD-2-Clause-Patent */
/*
 * The change of stacks. Hand-written for x86-64 and aarch64; ucontext, which asks the kernel at
 * every switch, elsewhere or with FIBER_UCONTEXT defined.
 */
#pragma once

#include <stddef.h>

#if (defined(__x86_64__) || defined(__aarch64__)) && !defined(FIBER_UCONTEXT)
#define FIBER_ASSEMBLY 1
#else
#define FIBER_ASSEMBLY 0
#include <ucontext.h>
#endif

/* Where a suspended line of execution goes on. */
struct machine_context {
#if FIBER_ASSEMBLY
	void *stack_pointer;
#else
	ucontext_t context;
#endif
};

/*
 * Prepares a context that begins with entry(argument) on the stack [bottom, bottom + size); entry
 * must not return. The top of the stack must be aligned to 16.
 */
void machine_context_init(struct machine_context *context, void *bottom, size_t size,
			  void (*entry)(void *argument), void *argument);

/* Suspends the present line in *from and continues the one in *to. */
#if FIBER_ASSEMBLY
void machine_switch_stacks(void **save_stack_pointer, void *stack_pointer);
static inline void
machine_switch(struct machine_context *from, struct machine_context *to)
{
	machine_switch_stacks(&from->stack_pointer, to->stack_pointer);
}
#else
void machine_switch(struct machine_context *from, struct machine_context *to);
#endif
