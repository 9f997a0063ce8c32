/* SPDX-License-Identifier: BSD-2-Clause-Patent */
/* What administrators do to a pool: the door of dmg. */
#include <gurt/common.h>

#include "client/private.h"

/* ------------------------------------------------ evict */

struct evict_arguments {
	struct proto_name pool;
	uint32_t *ret_count;
};

static int
run_evict(void *argument)
{
	const struct evict_arguments *arguments = argument;
	struct service_request request;
	struct rpc_reply reply;
	uint32_t count;
	int rc;

	service_begin(context_here(), PROTO_SYSTEM_POOL_EVICT, true, &request);
	proto_name_encode(&arguments->pool, &request.body);
	rc = service_send(&request, NULL, &reply);
	if (rc == 0) {
		count = reader_u32(&reply.body);
		rc = reply.body.failed ? -DER_PROTO : 0;
	}
	if (rc == 0)
		*arguments->ret_count = count;
	rpc_reply_free(&reply);
	return rc;
}

int
client_pool_evict(const char *label_or_id, uint32_t *ret_count)
{
	struct evict_arguments arguments = {.ret_count = ret_count};
	int rc = name_parse(label_or_id, &arguments.pool);

	if (rc == 0)
		rc = client_find(client_here());
	return rc ? rc : client_run(NULL, run_evict, &arguments, sizeof(arguments));
}

/* ------------------------------------------------ properties */

struct set_arguments {
	daos_handle_t pool;
	daos_prop_t *properties;
};

static int
run_set_properties(void *argument)
{
	const struct set_arguments *arguments = argument;
	struct service_request request;
	struct proto_properties wire;
	SCOPED_POOL pool = NULL;
	uint32_t bad = 0;
	int rc = client_pool_get(arguments->pool, &pool);

	if (rc == 0 && prop_check(arguments->properties, PROP_OF_POOL, &bad) != 0)
		rc = error_raise(-DER_INVAL,
				 "property %u is not known, given twice, or out of range", bad);
	if (rc == 0)
		rc = properties_to_wire(arguments->properties, &wire);
	if (rc)
		return rc;
	service_begin(context_here(), PROTO_POOL_SET_PROPERTIES, true, &request);
	proto_uuid_encode(pool->handle_id, &request.body);
	proto_properties_encode(&wire, &request.body);
	return service_tell(&request, pool);
}

int
client_pool_set_properties(daos_handle_t pool, daos_prop_t *properties)
{
	struct set_arguments arguments = {pool, properties};

	if (properties == NULL || properties->dpp_nr == 0)
		return -DER_INVAL;
	return client_run(NULL, run_set_properties, &arguments, sizeof(arguments));
}

/* ------------------------------------------------ the access list */

struct change_arguments {
	daos_handle_t pool;
	struct proto_acl_change change;
};

static int
run_change_acl(void *argument)
{
	struct change_arguments *arguments = argument;
	SCOPED_POOL pool = NULL;
	int rc = client_pool_get(arguments->pool, &pool);

	if (rc)
		return rc;
	arguments->change.handle = pool->handle_id;
	return client_acl_change(pool, PROTO_POOL_CHANGE_ACL, &arguments->change);
}

int
client_pool_update_acl(daos_handle_t pool, struct daos_acl *acl)
{
	struct change_arguments arguments = {.pool = pool};

	if (acl == NULL || daos_acl_validate(acl) != 0)
		return -DER_INVAL;
	arguments.change.entries =
		(struct proto_text){(const char *)acl, (uint32_t)daos_acl_get_size(acl)};
	return client_run(NULL, run_change_acl, &arguments, sizeof(arguments));
}

int
client_pool_delete_acl(daos_handle_t pool, const char *principal)
{
	struct change_arguments arguments = {.pool = pool, .change = {.remove = true}};
	enum daos_acl_principal_type type;
	char *name = NULL;
	int rc = daos_acl_principal_from_str(principal, &type, &name);

	if (rc)
		return rc;
	arguments.change.type = (uint8_t)type;
	if (name)
		arguments.change.name = (struct proto_text){name, (uint32_t)strlen(name)};
	rc = client_run(NULL, run_change_acl, &arguments, sizeof(arguments));
	d_free(name);
	return rc;
}
