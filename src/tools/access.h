/* SPDX-License-Identifier: BSD-2-Clause-Patent */
/* Verbs about owners, access lists and connections, of daos and of dmg. */
#pragma once

#include "tools/output.h"

extern const struct option_row acl_get_options[], acl_overwrite_options[], acl_update_options[];
extern const struct option_row acl_delete_options[], owner_options[], owner_admin_options[];
extern const struct option_row container_evict_options[], pool_set_property_options[];

/* daos container */
int run_container_get_acl(struct call *call);
int run_container_overwrite_acl(struct call *call);
int run_container_update_acl(struct call *call);
int run_container_delete_acl(struct call *call);
int run_container_set_owner(struct call *call);
int run_container_evict(struct call *call);

/* dmg pool, dmg container */
int run_pool_get_acl(struct call *call);
int run_pool_overwrite_acl(struct call *call);
int run_pool_update_acl(struct call *call);
int run_pool_delete_acl(struct call *call);
int run_pool_set_properties(struct call *call);
int run_pool_evict(struct call *call);
int run_administrator_set_owner(struct call *call);
