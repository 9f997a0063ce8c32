/* SPDX-License-Identifier: BSD-2-Clause-Patent */
/*
 * Fault injection. The client libraries have none: faults are planted below them, in the
 * simulator.
 */
#ifndef __GURT_FAULT_INJECT_H__
#define __GURT_FAULT_INJECT_H__

#include <stdbool.h>

#if defined(__cplusplus)
extern "C" {
#endif

static inline bool
d_fault_inject_is_enabled(void)
{
	return false;
}

#if defined(__cplusplus)
}
#endif

#endif /* __GURT_FAULT_INJECT_H__ */
