/* SPDX-License-Identifier: BSD-2-Clause-Patent */
/* Versions of the API and of the package. */
#ifndef __DAOS_VERSION_H__
#define __DAOS_VERSION_H__

#include <stdint.h>

#if defined(__cplusplus)
extern "C" {
#endif

/** Version of the library interface. */
#define DAOS_API_VERSION_MAJOR	2
#define DAOS_API_VERSION_MINOR	8
#define DAOS_API_VERSION_FIX	0

/** Version of the package whose interface this is. */
#define DAOS_VERSION_MAJOR	2
#define DAOS_VERSION_MINOR	9
#define DAOS_VERSION_FIX	100

/** Protocol number of a packed version (the spelling is part of the interface). */
#define DAOS_VERSION_PROTOCAL	1

/** A version in one word. */
typedef union {
	uint32_t raw;
	struct {
		uint8_t protocol;
		uint8_t patch;
		uint8_t minor;
		uint8_t major;
	};
} daos_version_t;

static inline void
daos_version_pack(daos_version_t *ver)
{
	ver->protocol = DAOS_VERSION_PROTOCAL;
	ver->patch = DAOS_VERSION_FIX;
	ver->minor = DAOS_VERSION_MINOR;
	ver->major = DAOS_VERSION_MAJOR;
}

static inline uint8_t
daos_version_get_protocol(const daos_version_t *ver)
{
	return ver->protocol;
}

#if defined(__cplusplus)
}
#endif

#endif /* __DAOS_VERSION_H__ */
