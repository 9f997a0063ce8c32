/* SPDX-License-Identifier: BSD-2-Clause-Patent */
/* What access lists among properties say, of pools and of containers, and how they are changed. */
#include "daos_prop.h"

#include "pool/private.h"

const struct access_types pool_access_types = {
	.acl = DAOS_PROP_PO_ACL,
	.owner = DAOS_PROP_PO_OWNER,
	.group = DAOS_PROP_PO_OWNER_GROUP,
	.standard = acl_standard_pool,
};

/* ------------------------------------------------ judging */

static struct acl_owner
owner_of(const struct proto_properties *properties, const struct access_types *types)
{
	const struct proto_property *user = proto_property_find(properties, types->owner);
	const struct proto_property *group = proto_property_find(properties, types->group);
	struct acl_owner owner = {.user = NULL};

	if (user && user->is_bytes) {
		owner.user = user->bytes.data;
		owner.user_length = user->bytes.length;
	}
	if (group && group->is_bytes) {
		owner.group = group->bytes.data;
		owner.group_length = group->bytes.length;
	}
	return owner;
}

/* The list as it is stored, or the standard one. */
static struct proto_text
list_of(const struct proto_properties *properties, const struct access_types *types,
	const struct acl_standard *standard)
{
	const struct proto_property *acl = proto_property_find(properties, types->acl);

	if (acl && acl->is_bytes && acl->bytes.length > 0)
		return acl->bytes;
	return (struct proto_text){(const char *)standard->bytes, sizeof(standard->bytes)};
}

int
access_judge(const struct proto_properties *properties, const struct access_types *types,
	     const struct caller *caller, uint64_t *ret_permissions, bool *ret_owns)
{
	const struct acl_owner owner = owner_of(properties, types);
	const struct acl_standard standard = types->standard();
	struct proto_text list = list_of(properties, types, &standard);
	int rc = acl_evaluate(list.data, list.length, &owner, &caller->principal, ret_permissions);

	if (rc)
		return error_raise(-DER_IO, "the store is damaged: bad access list");
	*ret_owns = acl_owns(&owner, &caller->principal);
	return 0;
}

uint32_t
access_needed(const struct proto_properties *wanted, const struct access_types *types)
{
	uint32_t needed = 0;

	for (uint32_t i = 0; i < wanted->count; i++) {
		uint32_t type = wanted->items[i].type;

		if (type == types->acl)
			needed |= PROTO_CAN_SET_ACL;
		else if (type == types->owner || type == types->group)
			needed |= PROTO_CAN_SET_OWNER;
		else
			needed |= PROTO_CAN_SET_PROPERTIES;
	}
	return needed;
}

int
access_check(uint32_t capabilities, uint32_t needed, const char *what)
{
	char has[ACL_LETTERS], lacks[ACL_LETTERS];

	if ((capabilities & needed) == needed)
		return 0;
	acl_letters(capabilities, has);
	acl_letters(needed & ~capabilities, lacks);
	return error_raise(-DER_NO_PERM,
			   "the %s handle has the rights %s and lacks %s: they follow from the "
			   "flags it was opened with and from the access list (get-acl)",
			   what, has, lacks);
}

/* ------------------------------------------------ changing */

int
access_change(struct proto_properties *properties, const struct access_types *types,
	      const struct proto_acl_change *change, void *buffer)
{
	const struct acl_standard standard = types->standard();
	struct proto_text list = list_of(properties, types, &standard);
	size_t length = 0;
	int rc;

	if (change->remove)
		rc = acl_remove(list.data, list.length, change->type, change->name.data,
				change->name.length, buffer, ACL_BYTES_MAX, &length);
	else
		rc = acl_merge(list.data, list.length, change->entries.data, change->entries.length,
			       buffer, ACL_BYTES_MAX, &length);
	return rc ? rc
		  : properties_set_bytes(properties, types->acl,
					 (struct proto_text){buffer, (uint32_t)length});
}

/* ------------------------------------------------ whose what is made is */

static struct proto_text
text_of(const char *text)
{
	return (struct proto_text){text, (uint32_t)strlen(text)};
}

static int
property_default(struct proto_properties *properties, uint32_t type, struct proto_text text)
{
	return proto_property_find(properties, type) || text.length == 0
		       ? 0
		       : properties_set_bytes(properties, type, text);
}

int
access_default(struct proto_properties *properties, const struct access_types *types,
	       const struct caller *caller, const struct acl_standard *list)
{
	const struct acl_principal *principal = &caller->principal;
	const char *group = principal->group_count > 0 ? principal->groups[0] : principal->user;
	int rc = property_default(properties, types->owner, text_of(principal->user));

	if (rc == 0)
		rc = property_default(properties, types->group, text_of(group));
	if (rc == 0)
		rc = property_default(properties, types->acl,
				      (struct proto_text){(const char *)list->bytes,
							  sizeof(list->bytes)});
	return rc;
}

/* ------------------------------------------------ pools */

static int
rights_judge(struct pool *pool, const struct caller *caller, uint64_t *ret_rights)
{
	struct stored_properties stored;
	uint64_t permissions = 0;
	bool owns = false;
	int rc = properties_load(pool->metadb, metadb_text("props"), &stored);

	if (rc)
		return rc;
	rc = access_judge(&stored.properties, &pool_access_types, caller, &permissions, &owns);
	stored_properties_free(pool->metadb, &stored);
	if (rc)
		return rc;
	*ret_rights = acl_pool_rights(permissions);
	return 0;
}

/* What an administrator may change besides; by dmg that is everything. */
static uint64_t
administrator_rights(bool all)
{
	uint64_t rights = PROTO_CAN_SET_PROPERTIES | PROTO_CAN_GET_ACL | PROTO_CAN_SET_ACL |
			  PROTO_CAN_SET_OWNER;

	return all ? rights | PROTO_CAN_READ | PROTO_CAN_WRITE | PROTO_CAN_CREATE |
			       PROTO_CAN_DELETE | PROTO_CAN_GET_PROPERTIES
		   : rights;
}

int
pool_rights(struct pool *pool, const struct caller *caller, struct pool_access *access)
{
	uint64_t rights = administrator_rights(true);
	int rc = access->administrator ? 0 : rights_judge(pool, caller, &rights);

	if (rc)
		return rc;
	if (!(rights & PROTO_CAN_READ))
		return error_raise(-DER_NO_PERM,
				   "the pool's access list gives %s no right to connect, r is "
				   "needed: ask who administers it (dmg pool update-acl)",
				   caller->principal.user);
	if (caller->administrator)
		rights |= administrator_rights(false);
	if (access->flags == DAOS_PC_RO)
		rights &= PROTO_CAN_READ | PROTO_CAN_GET_PROPERTIES | PROTO_CAN_GET_ACL;
	access->capabilities = (uint32_t)rights;
	return 0;
}
