/* SPDX-License-Identifier: BSD-2-Clause-Patent */
/* Types of the RPC layer that public headers name. */
#ifndef __CRT_TYPES_H__
#define __CRT_TYPES_H__

#include <gurt/types.h>
#include <daos_errno.h>

#if defined(__cplusplus)
extern "C" {
#endif

/** Name of a group of engines. */
typedef d_string_t crt_group_id_t;

/** Longest group name, without the NUL. */
#define CRT_GROUP_ID_MAX_LEN (64)

#if defined(__cplusplus)
}
#endif

#endif /* __CRT_TYPES_H__ */
