/* SPDX-License-Identifier: BSD-2-Clause-Patent */
/* What a list gives to whom, in the order of DAOS: owner, user, groups, everyone. */
#include "acl/entry.h"

static bool
name_is(const char *text, uint32_t length, const char *name)
{
	return text && length > 0 && strlen(name) == length && memcmp(text, name, length) == 0;
}

bool
acl_owns(const struct acl_owner *owner, const struct acl_principal *principal)
{
	return name_is(owner->user, owner->user_length, principal->user);
}

static bool
in_group(const struct acl_principal *principal, const char *group, uint32_t length)
{
	for (uint32_t i = 0; i < principal->group_count; i++)
		if (name_is(group, length, principal->groups[i]))
			return true;
	return false;
}

/* Whether an entry is about the principal. */
static bool
entry_applies(const struct entry *entry, const struct acl_owner *owner,
	      const struct acl_principal *principal)
{
	switch ((enum daos_acl_principal_type)entry->type) {
	case DAOS_ACL_OWNER:
		return acl_owns(owner, principal);
	case DAOS_ACL_USER:
		return name_is(entry->name, entry->name_length, principal->user);
	case DAOS_ACL_OWNER_GROUP:
		return in_group(principal, owner->group, owner->group_length);
	case DAOS_ACL_GROUP:
		return in_group(principal, entry->name, entry->name_length);
	case DAOS_ACL_EVERYONE:
		return true;
	case NUM_DAOS_ACL_TYPES:
		break;
	}
	return false;
}

/* Groups are one class. */
static uint32_t
class_of(const struct entry *entry)
{
	return entry->type == DAOS_ACL_GROUP ? DAOS_ACL_OWNER_GROUP : entry->type;
}

int
acl_evaluate(const void *acl, size_t length, const struct acl_owner *owner,
	     const struct acl_principal *principal, uint64_t *ret_permissions)
{
	uint64_t permissions = 0;
	uint32_t decided = NUM_DAOS_ACL_TYPES;
	struct reader reader;
	struct entry entry;
	int rc = acl_check(acl, length);

	if (rc == 0)
		rc = entries_open(acl, length, &reader);
	/* Entries stand in the order of their classes: the first class that applies is decided. */
	while (rc == 0 && reader_left(&reader) > 0) {
		rc = entry_next(&reader, &entry);
		if (rc || !entry_applies(&entry, owner, principal))
			continue;
		if (decided != NUM_DAOS_ACL_TYPES && class_of(&entry) != decided)
			break;
		decided = class_of(&entry);
		permissions |= entry.allow;
	}
	if (rc == 0)
		*ret_permissions = permissions;
	return rc;
}

uint64_t
acl_pool_rights(uint64_t permissions)
{
	uint64_t rights = permissions & (DAOS_ACL_PERM_CREATE_CONT | DAOS_ACL_PERM_DEL_CONT);

	if (permissions & (DAOS_ACL_PERM_READ | DAOS_ACL_PERM_GET_PROP))
		rights |= DAOS_ACL_PERM_READ | DAOS_ACL_PERM_GET_PROP;
	if (permissions & DAOS_ACL_PERM_WRITE)
		rights |= DAOS_ACL_PERM_WRITE | DAOS_ACL_PERM_CREATE_CONT | DAOS_ACL_PERM_DEL_CONT;
	return rights;
}

uint64_t
acl_container_rights(uint64_t permissions, bool owns)
{
	uint64_t rights = permissions & DAOS_ACL_PERM_CONT_ALL;

	return owns ? rights | DAOS_ACL_PERM_GET_ACL | DAOS_ACL_PERM_SET_ACL : rights;
}

void
acl_letters(uint64_t permissions, char letters[ACL_LETTERS])
{
	static const char all[] = "rwcdtTaAo";
	uint32_t count = 0;

	for (uint32_t i = 0; all[i]; i++)
		if (permissions >> i & 1)
			letters[count++] = all[i];
	letters[count] = '\0';
	if (count == 0)
		memcpy(letters, "none", sizeof("none"));
}
