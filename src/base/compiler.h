/* SPDX-License-Identifier: BSD-2-Clause-Patent */
/* What the compiler offers beyond C17, under names of our own. */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define MUST_USE __attribute__((warn_unused_result))
#define PRINTF(format_index, first) __attribute__((format(printf, format_index, first)))
#define NORETURN __attribute__((noreturn))
#define LIKELY(x) __builtin_expect(!!(x), 1)
#define UNLIKELY(x) __builtin_expect(!!(x), 0)

/* The public headers of gurt have macros of these names; ours replace them. */
#undef ARRAY_SIZE
#define ARRAY_SIZE(array) (sizeof(array) / sizeof((array)[0]))

/* The struct around a member; by way of an integer, so that it also takes a pointer to a const
 * member. */
#undef container_of
#define container_of(pointer, type, member) ((type *)((uintptr_t)(pointer)-offsetof(type, member)))

/* The variables are numbered, so that one use may stand inside another without shadowing. */
#define min_of(a, b) select_of(a, b, <, __COUNTER__)
#define max_of(a, b) select_of(a, b, >, __COUNTER__)
#define select_of(a, b, order, number) select_numbered(a, b, order, number)
#define select_numbered(a, b, order, number)                                         \
	({                                                                           \
		__typeof__(a) left_##number = (a);                                   \
		__typeof__(b) right_##number = (b);                                  \
		left_##number order right_##number ? left_##number : right_##number; \
	})

static inline uint64_t
align_up(uint64_t value, uint64_t alignment)
{
	return (value + alignment - 1) / alignment * alignment;
}

static inline uint64_t
align_down(uint64_t value, uint64_t alignment)
{
	return value - value % alignment;
}

/*
 * ASSERT states an invariant that the types do not. It stays on in every build and is never applied
 * to bytes from disk, wire or user.
 */
#define ASSERT(condition)                                                        \
	do {                                                                     \
		if (UNLIKELY(!(condition)))                                      \
			assert_failed(#condition, __FILE__, __LINE__, __func__); \
	} while (0)

NORETURN void assert_failed(const char *condition, const char *file, int line,
			    const char *function);
