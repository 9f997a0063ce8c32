/* SPDX-License-Identifier: BSD-2-Clause-Patent */
/* One entry of a packed list. Private to acl. */
#pragma once

#include "acl/acl.h"
#include "daos_security.h"

#define ENTRY_HEAD ((uint32_t)sizeof(struct daos_ace))

_Static_assert(sizeof(struct daos_acl) == 8 && sizeof(struct daos_ace) == 32, "packed form");

struct entry {
	uint8_t access; /* DAOS_ACL_ACCESS_* */
	uint8_t type;	/* enum daos_acl_principal_type */
	uint16_t flags;
	uint64_t allow, audit, alarm;
	const char *name; /* borrowed; of length 0 where the type has none */
	uint32_t name_length;
	const uint8_t *bytes; /* all of it */
	uint32_t size;
};

/* Begins with the entries of a list, having checked its head. -DER_INVAL. */
MUST_USE int entries_open(const void *acl, size_t length, struct reader *ret_reader);

/* The next entry, checked by itself. -DER_INVAL. */
MUST_USE int entry_next(struct reader *reader, struct entry *ret_entry);

bool entry_is_for(const struct entry *entry, uint32_t type, const char *name, size_t name_length);

static inline bool
type_is_named(uint32_t type)
{
	return type == DAOS_ACL_USER || type == DAOS_ACL_GROUP;
}

static inline bool
type_is_group(uint32_t type)
{
	return type == DAOS_ACL_OWNER_GROUP || type == DAOS_ACL_GROUP;
}
