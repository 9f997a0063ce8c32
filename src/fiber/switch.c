/* SPDX-License-Identifier: BSD-2-Clause-Patent */
/* The first frame of a new context, in the layout that the switch of this CPU pops; and the
 * ucontext variant. */
#include <string.h>

#include "fiber/fiber.h"
#include "fiber/switch.h"

#if FIBER_ASSEMBLY

void machine_entry_stub(void);

void
machine_context_init(struct machine_context *context, void *bottom, size_t size,
		     void (*entry)(void *argument), void *argument)
{
	uintptr_t top = (uintptr_t)bottom + size;
	uint64_t *frame;

	ASSERT(top % 16 == 0);
#if defined(__x86_64__)
	/* Control words, r15, r14, r13, r12, rbx, rbp, return address. */
	frame = (uint64_t *)(top - 64);
	memset(frame, 0, 64);
	__asm__ volatile("stmxcsr %0" : "=m"(*(uint32_t *)frame));
	__asm__ volatile("fnstcw %0" : "=m"(*((uint16_t *)frame + 2)));
	frame[3] = (uintptr_t)entry;
	frame[4] = (uintptr_t)argument;
	frame[7] = (uintptr_t)machine_entry_stub;
#else
	/* x19 to x30, d8 to d15, FPCR. */
	frame = (uint64_t *)(top - 176);
	memset(frame, 0, 176);
	__asm__ volatile("mrs %0, fpcr" : "=r"(frame[20]));
	frame[0] = (uintptr_t)argument;
	frame[1] = (uintptr_t)entry;
	frame[11] = (uintptr_t)machine_entry_stub;
#endif
	context->stack_pointer = frame;
}

#else

/* makecontext() passes ints only: two halves of each pointer. */
static void
trampoline(unsigned int entry_high, unsigned int entry_low, unsigned int argument_high,
	   unsigned int argument_low)
{
	void (*entry)(void *) =
		(void (*)(void *))(uintptr_t)((uint64_t)entry_high << 32 | entry_low);

	entry((void *)(uintptr_t)((uint64_t)argument_high << 32 | argument_low));
	ASSERT(!"a fiber's entry returned");
}

void
machine_context_init(struct machine_context *context, void *bottom, size_t size,
		     void (*entry)(void *argument), void *argument)
{
	uint64_t entry_bits = (uintptr_t)entry;
	uint64_t argument_bits = (uintptr_t)argument;

	ASSERT(((uintptr_t)bottom + size) % 16 == 0);
	ASSERT(getcontext(&context->context) == 0);
	context->context.uc_stack.ss_sp = bottom;
	context->context.uc_stack.ss_size = size;
	context->context.uc_link = NULL;
	makecontext(&context->context, (void (*)(void))trampoline, 4,
		    (unsigned int)(entry_bits >> 32), (unsigned int)entry_bits,
		    (unsigned int)(argument_bits >> 32), (unsigned int)argument_bits);
}

void
machine_switch(struct machine_context *from, struct machine_context *to)
{
	ASSERT(swapcontext(&from->context, &to->context) == 0);
}

#endif
