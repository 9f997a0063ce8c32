/* SPDX-License-Identifier: BSD-2-Clause-Patent */
/* Whose a container is, and its access list. */
#include <gurt/common.h>

#include "client/private.h"

int
client_acl_change(const struct client_pool *pool, uint32_t operation,
		  const struct proto_acl_change *change)
{
	struct service_request request;

	service_begin(context_here(), operation, true, &request);
	proto_acl_change_encode(change, &request.body);
	return service_tell(&request, pool);
}

/* ------------------------------------------------ owner */

struct owner_arguments {
	daos_handle_t container;
	char *user;
	char *group;
};

static int
run_set_owner(void *argument)
{
	const struct owner_arguments *owner = argument;
	struct daos_prop_entry entries[2];
	daos_prop_t properties = {.dpp_entries = entries};
	SCOPED_CONTAINER container = NULL;
	int rc = client_container_get(owner->container, &container);

	memset(entries, 0, sizeof(entries));
	if (owner->user) {
		entries[properties.dpp_nr].dpe_type = DAOS_PROP_CO_OWNER;
		entries[properties.dpp_nr++].dpe_str = owner->user;
	}
	if (owner->group) {
		entries[properties.dpp_nr].dpe_type = DAOS_PROP_CO_OWNER_GROUP;
		entries[properties.dpp_nr++].dpe_str = owner->group;
	}
	return rc ? rc : client_container_set(container, &properties);
}

int
daos_cont_set_owner_no_check(daos_handle_t coh, d_string_t user, d_string_t group, daos_event_t *ev)
{
	struct owner_arguments arguments = {coh, user, group};

	if ((user == NULL && group == NULL) || (user && !daos_acl_principal_is_valid(user)) ||
	    (group && !daos_acl_principal_is_valid(group)))
		return -DER_INVAL;
	return client_run(ev, run_set_owner, &arguments, sizeof(arguments));
}

int
daos_cont_set_owner(daos_handle_t coh, d_string_t user, d_string_t group, daos_event_t *ev)
{
	uid_t uid;
	gid_t gid;
	int rc = user ? daos_acl_principal_to_uid(user, &uid) : 0;

	if (rc == 0 && group)
		rc = daos_acl_principal_to_gid(group, &gid);
	return rc ? rc : daos_cont_set_owner_no_check(coh, user, group, ev);
}

/* The access list, owner and group as a new list. */
static int
get_acl(const struct client_container *container, daos_prop_t **ret_properties)
{
	static const uint32_t types[] = {DAOS_PROP_CO_ACL, DAOS_PROP_CO_OWNER,
					 DAOS_PROP_CO_OWNER_GROUP};
	daos_prop_t *all = NULL;
	daos_prop_t *wanted = daos_prop_alloc(ARRAY_SIZE(types));
	int rc = wanted ? client_container_query(container, PROTO_ANSWER_ACL, NULL, &all)
			: -DER_NOMEM;

	for (uint32_t i = 0; wanted && i < ARRAY_SIZE(types); i++)
		wanted->dpp_entries[i].dpe_type = types[i];
	if (rc == 0)
		rc = prop_copy(wanted, all);
	daos_prop_free(all);
	if (rc == 0)
		*ret_properties = wanted;
	else
		daos_prop_free(wanted);
	return rc;
}

struct acl_arguments {
	daos_handle_t container;
	struct daos_acl *acl;
	enum daos_acl_principal_type type;
	char *name;
	daos_prop_t **ret_properties;
};

static int
run_get_acl(void *argument)
{
	const struct acl_arguments *arguments = argument;
	SCOPED_CONTAINER container = NULL;
	int rc = client_container_get(arguments->container, &container);

	return rc ? rc : get_acl(container, arguments->ret_properties);
}

int
daos_cont_get_acl(daos_handle_t coh, daos_prop_t **acl_prop, daos_event_t *ev)
{
	struct acl_arguments arguments = {.container = coh, .ret_properties = acl_prop};

	return acl_prop ? client_run(ev, run_get_acl, &arguments, sizeof(arguments)) : -DER_INVAL;
}

static int
set_acl(const struct client_container *container, struct daos_acl *acl)
{
	struct daos_prop_entry entry = {.dpe_type = DAOS_PROP_CO_ACL, .dpe_val_ptr = acl};
	daos_prop_t properties = {.dpp_nr = 1, .dpp_entries = &entry};

	return client_container_set(container, &properties);
}

static int
run_overwrite_acl(void *argument)
{
	const struct acl_arguments *arguments = argument;
	SCOPED_CONTAINER container = NULL;
	int rc = client_container_get(arguments->container, &container);

	return rc ? rc : set_acl(container, arguments->acl);
}

int
daos_cont_overwrite_acl(daos_handle_t coh, struct daos_acl *acl, daos_event_t *ev)
{
	struct acl_arguments arguments = {.container = coh, .acl = acl};

	if (acl == NULL || daos_acl_validate(acl) != 0)
		return -DER_INVAL;
	return client_run(ev, run_overwrite_acl, &arguments, sizeof(arguments));
}

/* The service changes the list, so that nobody else's change is lost. */
static int
change_acl(daos_handle_t handle, struct proto_acl_change *change)
{
	SCOPED_CONTAINER container = NULL;
	int rc = client_container_get(handle, &container);

	if (rc)
		return rc;
	change->handle = container->handle_id;
	return client_acl_change(container->pool, PROTO_CONTAINER_CHANGE_ACL, change);
}

static int
run_update_acl(void *argument)
{
	const struct acl_arguments *arguments = argument;
	struct proto_acl_change change = {.entries = {(const char *)arguments->acl,
						      (uint32_t)daos_acl_get_size(arguments->acl)}};

	return change_acl(arguments->container, &change);
}

static int
run_delete_acl(void *argument)
{
	const struct acl_arguments *arguments = argument;
	struct proto_acl_change change = {.remove = true, .type = (uint8_t)arguments->type};

	if (arguments->type == DAOS_ACL_USER || arguments->type == DAOS_ACL_GROUP)
		change.name =
			(struct proto_text){arguments->name, (uint32_t)strlen(arguments->name)};
	return change_acl(arguments->container, &change);
}

int
daos_cont_update_acl(daos_handle_t coh, struct daos_acl *acl, daos_event_t *ev)
{
	struct acl_arguments arguments = {.container = coh, .acl = acl};

	if (acl == NULL || daos_acl_validate(acl) != 0)
		return -DER_INVAL;
	return client_run(ev, run_update_acl, &arguments, sizeof(arguments));
}

int
daos_cont_delete_acl(daos_handle_t coh, enum daos_acl_principal_type type, d_string_t name,
		     daos_event_t *ev)
{
	struct acl_arguments arguments = {.container = coh, .type = type, .name = name};
	bool named = type == DAOS_ACL_USER || type == DAOS_ACL_GROUP;

	if ((unsigned int)type >= NUM_DAOS_ACL_TYPES ||
	    (named && !daos_acl_principal_is_valid(name)))
		return -DER_INVAL;
	return client_run(ev, run_delete_acl, &arguments, sizeof(arguments));
}
