/* SPDX-License-Identifier: BSD-2-Clause-Patent */
/*
 * Access control lists in DAOS's packed form (daos_security.h), read as bytes of any origin, and
 * what they give to whom. Pure. No function reads beyond the length it is told; what is no list
 * gives -DER_INVAL.
 */
#pragma once

#include "base/base.h"

/* Bytes of a list with its head, as properties hold it. */
#define ACL_BYTES_MAX (16u * 1024)

/* Who asks. Names in the form "name@". */
struct acl_principal {
	const char *user;
	uint32_t group_count;
	const char *const *groups;
};

/* Whose it is; not terminated. A null text is nobody's name. */
struct acl_owner {
	const char *user, *group;
	uint32_t user_length, group_length;
};

/*
 * Whether the bytes are a list: version, lengths, entries in the order of their types, each
 * principal once, names well formed, only known bits. -DER_INVAL.
 */
MUST_USE int acl_check(const void *acl, size_t length);

/* Whether the principal is the owning user. */
bool acl_owns(const struct acl_owner *owner, const struct acl_principal *principal);

/*
 * The permissions (DAOS_ACL_PERM_*) that the list gives. The first class that has an entry decides:
 * the owner; the user by name; the owning group and named groups, all that apply together;
 * everyone. -DER_INVAL as acl_check().
 */
MUST_USE int acl_evaluate(const void *acl, size_t length, const struct acl_owner *owner,
			  const struct acl_principal *principal, uint64_t *ret_permissions);

/* What follows from permissions on a pool: r and t read properties and let connect, w is c and d.
 */
uint64_t acl_pool_rights(uint64_t permissions);

/* What follows on a container; its owner may always read and set the list. */
uint64_t acl_container_rights(uint64_t permissions, bool owns);

/*
 * A list with the entries of added put in or in place of those of the same principals, written to
 * buffer. -DER_INVAL when either is no list, -DER_OVERFLOW beyond room.
 */
MUST_USE int acl_merge(const void *acl, size_t length, const void *added, size_t added_length,
		       void *buffer, size_t room, size_t *ret_length);

/*
 * A list without one principal's entry; name counts for named users and groups. -DER_NONEXIST when
 * it has none, -DER_INVAL, -DER_OVERFLOW.
 */
MUST_USE int acl_remove(const void *acl, size_t length, uint32_t type, const char *name,
			size_t name_length, void *buffer, size_t room, size_t *ret_length);

/* The lists of what is made without one; each is valid. */
#define ACL_STANDARD_BYTES 72u
struct acl_standard {
	uint8_t bytes[ACL_STANDARD_BYTES];
};
struct acl_standard acl_standard_pool(void);
struct acl_standard acl_standard_container(void);

/* Permissions as letters, "rw"; "none" for none. */
#define ACL_LETTERS 12u
void acl_letters(uint64_t permissions, char letters[ACL_LETTERS]);
