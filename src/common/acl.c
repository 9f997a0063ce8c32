/* SPDX-License-Identifier: BSD-2-Clause-Patent */
/*
 * Access control lists in their packed form. An entry is its struct and the principal's name,
 * padded with NULs to 8 bytes; entries stand in the order of their principal types, each principal
 * once.
 */
#include "common/common.h"

#include <gurt/common.h>

#define ACE_ALIGNMENT 8

static bool
type_has_name(uint8_t type)
{
	return type == DAOS_ACL_USER || type == DAOS_ACL_GROUP;
}

static bool
type_is_group(uint8_t type)
{
	return type == DAOS_ACL_OWNER_GROUP || type == DAOS_ACL_GROUP;
}

bool
daos_acl_principal_is_valid(const char *name)
{
	const char *at;
	size_t len;

	if (name == NULL)
		return false;
	len = strnlen(name, DAOS_ACL_MAX_PRINCIPAL_LEN + 1);
	if (len == 0 || len > DAOS_ACL_MAX_PRINCIPAL_LEN)
		return false;
	at = strchr(name, '@');
	return at != NULL && at != name && strchr(at + 1, '@') == NULL;
}

/* One entry. */

struct daos_ace *
daos_ace_create(enum daos_acl_principal_type type, const char *principal_name)
{
	size_t len = 0;
	struct daos_ace *ace;

	if ((unsigned int)type >= NUM_DAOS_ACL_TYPES)
		return NULL;
	if (type_has_name((uint8_t)type)) {
		if (!daos_acl_principal_is_valid(principal_name))
			return NULL;
		len = D_ALIGNUP(strlen(principal_name) + 1, ACE_ALIGNMENT);
	}
	D_ALLOC(ace, sizeof(*ace) + len);
	if (ace == NULL)
		return NULL;
	ace->dae_principal_type = (uint8_t)type;
	ace->dae_principal_len = (uint16_t)len;
	if (type_is_group((uint8_t)type))
		ace->dae_access_flags = DAOS_ACL_FLAG_GROUP;
	if (len != 0)
		strcpy(ace->dae_principal, principal_name);
	return ace;
}

void
daos_ace_free(struct daos_ace *ace)
{
	d_free(ace);
}

ssize_t
daos_ace_get_size(struct daos_ace *ace)
{
	if (ace == NULL)
		return -DER_INVAL;
	return (ssize_t)(sizeof(*ace) + ace->dae_principal_len);
}

static bool
principal_valid(const struct daos_ace *ace)
{
	if (!type_has_name(ace->dae_principal_type))
		return ace->dae_principal_len == 0;
	return ace->dae_principal_len != 0 && ace->dae_principal_len % ACE_ALIGNMENT == 0 &&
	       memchr(ace->dae_principal, '\0', ace->dae_principal_len) != NULL &&
	       daos_acl_principal_is_valid(ace->dae_principal);
}

/* Success and failure are told of audited and alarmed accesses only. */
static bool
flags_valid(const struct daos_ace *ace)
{
	bool group = (ace->dae_access_flags & DAOS_ACL_FLAG_GROUP) != 0;
	bool told = (ace->dae_access_flags &
		     (DAOS_ACL_FLAG_ACCESS_FAIL | DAOS_ACL_FLAG_ACCESS_SUCCESS)) != 0;
	bool telling = (ace->dae_access_types & (DAOS_ACL_ACCESS_AUDIT | DAOS_ACL_ACCESS_ALARM)) !=
		       0;

	return (ace->dae_access_flags & ~DAOS_ACL_FLAG_ALL) == 0 &&
	       group == type_is_group(ace->dae_principal_type) && told == telling;
}

static bool
perms_valid(const struct daos_ace *ace, uint8_t type, uint64_t perms)
{
	if ((ace->dae_access_types & type) == 0)
		return perms == 0;
	return (perms & ~(uint64_t)DAOS_ACL_PERM_ALL) == 0;
}

bool
daos_ace_is_valid(struct daos_ace *ace)
{
	return ace != NULL && ace->dae_reserv == 0 &&
	       (ace->dae_access_types & ~DAOS_ACL_ACCESS_ALL) == 0 &&
	       ace->dae_principal_type < NUM_DAOS_ACL_TYPES && principal_valid(ace) &&
	       flags_valid(ace) && perms_valid(ace, DAOS_ACL_ACCESS_ALLOW, ace->dae_allow_perms) &&
	       perms_valid(ace, DAOS_ACL_ACCESS_AUDIT, ace->dae_audit_perms) &&
	       perms_valid(ace, DAOS_ACL_ACCESS_ALARM, ace->dae_alarm_perms);
}

const char *
daos_ace_get_principal_str(struct daos_ace *ace)
{
	if (ace == NULL)
		return NULL;
	switch (ace->dae_principal_type) {
	case DAOS_ACL_OWNER:
		return DAOS_ACL_PRINCIPAL_OWNER;
	case DAOS_ACL_OWNER_GROUP:
		return DAOS_ACL_PRINCIPAL_OWNER_GRP;
	case DAOS_ACL_EVERYONE:
		return DAOS_ACL_PRINCIPAL_EVERYONE;
	default:
		return ace->dae_principal;
	}
}

static bool
same_principal(const struct daos_ace *ace, uint8_t type, const char *name)
{
	return ace->dae_principal_type == type &&
	       (!type_has_name(type) || strcmp(ace->dae_principal, name) == 0);
}

/* Walking. */

/* The entry at an offset, when it lies whole within the list. */
static struct daos_ace *
ace_at(struct daos_acl *acl, size_t offset)
{
	struct daos_ace *ace = (struct daos_ace *)(void *)(acl->dal_ace + offset);

	if (offset + sizeof(*ace) > acl->dal_len)
		return NULL;
	return offset + sizeof(*ace) + ace->dae_principal_len <= acl->dal_len ? ace : NULL;
}

struct daos_ace *
daos_acl_get_next_ace(struct daos_acl *acl, struct daos_ace *current_ace)
{
	size_t offset = 0;

	if (acl == NULL)
		return NULL;
	if (current_ace != NULL)
		offset = (size_t)((uint8_t *)current_ace - acl->dal_ace) +
			 (size_t)daos_ace_get_size(current_ace);
	return ace_at(acl, offset);
}

ssize_t
daos_acl_get_size(struct daos_acl *acl)
{
	return acl == NULL ? -DER_INVAL : (ssize_t)(sizeof(*acl) + acl->dal_len);
}

static struct daos_ace *
ace_find(struct daos_acl *acl, uint8_t type, const char *name)
{
	struct daos_ace *ace;

	for (ace = daos_acl_get_next_ace(acl, NULL); ace != NULL;
	     ace = daos_acl_get_next_ace(acl, ace)) {
		if (same_principal(ace, type, name))
			return ace;
	}
	return NULL;
}

int
daos_acl_get_ace_for_principal(struct daos_acl *acl, enum daos_acl_principal_type type,
			       const char *principal, struct daos_ace **ace)
{
	struct daos_ace *found;

	if (acl == NULL || ace == NULL || (unsigned int)type >= NUM_DAOS_ACL_TYPES ||
	    (type_has_name((uint8_t)type) && !daos_acl_principal_is_valid(principal)))
		return -DER_INVAL;
	found = ace_find(acl, (uint8_t)type, principal);
	if (found == NULL)
		return -DER_NONEXIST;
	*ace = found;
	return 0;
}

/* Each entry must be valid, of a type not before the former's, and the first of its principal. */
int
daos_acl_validate(struct daos_acl *acl)
{
	struct daos_ace *ace;
	size_t offset;
	uint8_t type = 0;

	if (acl == NULL || acl->dal_ver != DAOS_ACL_VERSION || acl->dal_reserv != 0 ||
	    acl->dal_len > DAOS_ACL_MAX_ACE_LEN || acl->dal_len % ACE_ALIGNMENT != 0)
		return -DER_INVAL;
	for (offset = 0; offset < acl->dal_len; offset += (size_t)daos_ace_get_size(ace)) {
		ace = ace_at(acl, offset);
		if (ace == NULL || !daos_ace_is_valid(ace) || ace->dae_principal_type < type ||
		    ace_find(acl, ace->dae_principal_type, ace->dae_principal) != ace)
			return -DER_INVAL;
		type = ace->dae_principal_type;
	}
	return 0;
}

/* Making lists. */

static struct daos_acl *
acl_alloc(size_t len)
{
	struct daos_acl *acl;

	if (len > DAOS_ACL_MAX_ACE_LEN)
		return NULL;
	D_ALLOC(acl, sizeof(*acl) + len);
	if (acl != NULL)
		acl->dal_ver = DAOS_ACL_VERSION;
	return acl;
}

static void
acl_append(struct daos_acl *acl, struct daos_ace *ace)
{
	size_t size = (size_t)daos_ace_get_size(ace);

	memcpy(acl->dal_ace + acl->dal_len, ace, size);
	acl->dal_len += (uint32_t)size;
}

struct daos_acl *
daos_acl_create(struct daos_ace *aces[], uint16_t num_aces)
{
	struct daos_acl *acl;
	size_t len = 0;
	int type;
	uint16_t i;

	for (i = 0; i < num_aces; i++) {
		if (aces == NULL || !daos_ace_is_valid(aces[i]))
			return NULL;
		len += (size_t)daos_ace_get_size(aces[i]);
	}
	acl = acl_alloc(len);
	for (type = 0; acl != NULL && type < NUM_DAOS_ACL_TYPES; type++) {
		for (i = 0; i < num_aces; i++) {
			if (aces[i]->dae_principal_type == type)
				acl_append(acl, aces[i]);
		}
	}
	if (acl != NULL && daos_acl_validate(acl) != 0) {
		daos_acl_free(acl);
		return NULL;
	}
	return acl;
}

struct daos_acl *
daos_acl_dup(struct daos_acl *acl)
{
	struct daos_acl *copy;

	if (acl == NULL)
		return NULL;
	copy = acl_alloc(acl->dal_len);
	return copy == NULL ? NULL : memcpy(copy, acl, (size_t)daos_acl_get_size(acl));
}

void
daos_acl_free(struct daos_acl *acl)
{
	d_free(acl);
}

/* A list without the entry `without`, and with `added` (NULL for none) behind the others of its
 * type. */
static struct daos_acl *
acl_change(struct daos_acl *acl, struct daos_ace *without, struct daos_ace *added)
{
	size_t room = added == NULL ? 0 : (size_t)daos_ace_get_size(added);
	struct daos_acl *changed = acl_alloc(acl->dal_len + room);
	struct daos_ace *ace;

	if (changed == NULL)
		return NULL;
	for (ace = daos_acl_get_next_ace(acl, NULL); ace != NULL;
	     ace = daos_acl_get_next_ace(acl, ace)) {
		if (added != NULL && ace->dae_principal_type > added->dae_principal_type) {
			acl_append(changed, added);
			added = NULL;
		}
		if (ace != without)
			acl_append(changed, ace);
	}
	if (added != NULL)
		acl_append(changed, added);
	return changed;
}

int
daos_acl_add_ace(struct daos_acl **acl, struct daos_ace *new_ace)
{
	struct daos_acl *changed;
	struct daos_ace *old;

	if (acl == NULL || *acl == NULL || !daos_ace_is_valid(new_ace))
		return -DER_INVAL;
	old = ace_find(*acl, new_ace->dae_principal_type, new_ace->dae_principal);
	changed = acl_change(*acl, old, new_ace);
	if (changed == NULL)
		return -DER_NOMEM;
	daos_acl_free(*acl);
	*acl = changed;
	return 0;
}

int
daos_acl_remove_ace(struct daos_acl **acl, enum daos_acl_principal_type type,
		    const char *principal_name)
{
	struct daos_acl *changed;
	struct daos_ace *old;
	int rc;

	if (acl == NULL || *acl == NULL)
		return -DER_INVAL;
	rc = daos_acl_get_ace_for_principal(*acl, type, principal_name, &old);
	if (rc != 0)
		return rc;
	changed = acl_change(*acl, old, NULL);
	if (changed == NULL)
		return -DER_NOMEM;
	daos_acl_free(*acl);
	*acl = changed;
	return 0;
}
