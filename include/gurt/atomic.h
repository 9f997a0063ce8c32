/* SPDX-License-Identifier: BSD-2-Clause-Patent */
/* C11 atomics for C programs; C++ has its own. */
#ifndef __GURT_ATOMIC_H__
#define __GURT_ATOMIC_H__

#if defined(__cplusplus)
#define ATOMIC
#else
#include <stdatomic.h>
#define ATOMIC _Atomic
#define atomic_store_release(ptr, value) atomic_store_explicit(ptr, value, memory_order_release)
#define atomic_store_relaxed(ptr, value) atomic_store_explicit(ptr, value, memory_order_relaxed)
#define atomic_load_consume(ptr)	 atomic_load_explicit(ptr, memory_order_consume)
#define atomic_load_relaxed(ptr)	 atomic_load_explicit(ptr, memory_order_relaxed)
#define atomic_fetch_add_relaxed(ptr, value) \
	atomic_fetch_add_explicit(ptr, value, memory_order_relaxed)
#define atomic_fetch_sub_relaxed(ptr, value) \
	atomic_fetch_sub_explicit(ptr, value, memory_order_relaxed)
#endif

#endif /* __GURT_ATOMIC_H__ */
