/* SPDX-License-Identifier: BSD-2-Clause-Patent */
/* What an access list gives to a user of this machine, judged as the engine judges it. */
#include <gurt/common.h>

#include "acl/acl.h"
#include "client/private.h"

struct asking {
	char *user;
	char **groups;
	size_t group_count;
};

static void
asking_free(struct asking *asking)
{
	for (size_t i = 0; asking->groups && i < asking->group_count; i++)
		d_free(asking->groups[i]);
	d_free(asking->groups);
	d_free(asking->user);
}

static int
asking_fill(uid_t uid, const gid_t *gids, size_t count, struct asking *asking)
{
	int rc = daos_acl_uid_to_principal(uid, &asking->user);

	if (rc == 0 && count > 0) {
		D_ALLOC_ARRAY(asking->groups, count);
		rc = asking->groups ? 0 : -DER_NOMEM;
	}
	for (size_t i = 0; rc == 0 && i < count; i++) {
		rc = daos_acl_gid_to_principal(gids[i], &asking->groups[i]);
		asking->group_count += rc == 0;
	}
	return rc;
}

/* The entry of a type that has a value. */
static struct daos_prop_entry *
entry_of(daos_prop_t *properties, uint32_t type)
{
	struct daos_prop_entry *entry = daos_prop_entry_get(properties, type);

	return entry && daos_prop_is_set(entry) && entry->dpe_val_ptr ? entry : NULL;
}

static int
permissions_judge(daos_prop_t *properties, const uint32_t types[3], const struct asking *asking,
		  uint64_t *ret_permissions, bool *ret_owns)
{
	const struct daos_prop_entry *list = entry_of(properties, types[0]);
	const struct daos_prop_entry *user = entry_of(properties, types[1]);
	const struct daos_prop_entry *group = entry_of(properties, types[2]);
	const struct acl_principal principal = {.user = asking->user,
						.group_count = (uint32_t)asking->group_count,
						.groups = (const char *const *)asking->groups};
	struct acl_owner owner;

	if (list == NULL || user == NULL || group == NULL)
		return -DER_INVAL;
	owner = (struct acl_owner){.user = user->dpe_str,
				   .user_length = (uint32_t)strlen(user->dpe_str),
				   .group = group->dpe_str,
				   .group_length = (uint32_t)strlen(group->dpe_str)};
	*ret_owns = acl_owns(&owner, &principal);
	return acl_evaluate(list->dpe_val_ptr, (size_t)daos_acl_get_size(list->dpe_val_ptr), &owner,
			    &principal, ret_permissions);
}

static int
permissions_get(daos_prop_t *properties, const uint32_t types[3], uid_t uid, const gid_t *gids,
		size_t count, uint64_t *ret_permissions, bool *ret_owns)
{
	struct asking asking = {.user = NULL};
	int rc;

	if (properties == NULL || ret_permissions == NULL || (gids == NULL && count > 0) ||
	    count > UINT32_MAX)
		return -DER_INVAL;
	rc = asking_fill(uid, gids, count, &asking);
	if (rc == 0)
		rc = permissions_judge(properties, types, &asking, ret_permissions, ret_owns);
	asking_free(&asking);
	return rc;
}

int
daos_pool_get_perms(daos_prop_t *pool_prop, uid_t uid, gid_t *gids, size_t nr_gids, uint64_t *perms)
{
	static const uint32_t types[] = {DAOS_PROP_PO_ACL, DAOS_PROP_PO_OWNER,
					 DAOS_PROP_PO_OWNER_GROUP};
	bool owns;

	return permissions_get(pool_prop, types, uid, gids, nr_gids, perms, &owns);
}

int
daos_cont_get_perms(daos_prop_t *cont_prop, uid_t uid, gid_t *gids, size_t nr_gids, uint64_t *perms)
{
	static const uint32_t types[] = {DAOS_PROP_CO_ACL, DAOS_PROP_CO_OWNER,
					 DAOS_PROP_CO_OWNER_GROUP};
	uint64_t permissions;
	bool owns;
	int rc = perms ? permissions_get(cont_prop, types, uid, gids, nr_gids, &permissions, &owns)
		       : -DER_INVAL;

	if (rc == 0)
		*perms = acl_container_rights(permissions, owns);
	return rc;
}
