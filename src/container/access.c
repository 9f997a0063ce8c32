/* SPDX-License-Identifier: BSD-2-Clause-Patent */
/* Who may do what with a container: its access list, and changes of it. */
#include "daos_prop.h"

#include "container/private.h"

const struct access_types container_access_types = {
	.acl = DAOS_PROP_CO_ACL,
	.owner = DAOS_PROP_CO_OWNER,
	.group = DAOS_PROP_CO_OWNER_GROUP,
	.standard = acl_standard_container,
};

int
container_rights(struct pool *pool, const struct uuid *id, const struct caller *caller,
		 uint32_t *ret_capabilities, bool *ret_owns)
{
	struct stored_properties stored;
	struct container_key key;
	uint64_t permissions = 0;
	bool owns = false;
	int rc = properties_load(pool_metadb(pool), container_key(&key, KEY_PROPERTIES, id),
				 &stored);

	if (rc)
		return rc;
	rc = access_judge(&stored.properties, &container_access_types, caller, &permissions, &owns);
	stored_properties_free(pool_metadb(pool), &stored);
	if (rc)
		return rc;
	*ret_capabilities = (uint32_t)acl_container_rights(permissions, owns);
	*ret_owns = owns;
	return 0;
}
