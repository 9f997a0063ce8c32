/* SPDX-License-Identifier: BSD-2-Clause-Patent */
/* The system and its pools: the private door of dmg, and what the public interface shows of it. */
#include <stdlib.h>

#include <gurt/common.h>

#include "client/private.h"

static void
text_copy(struct proto_text text, char *to, size_t size)
{
	snprintf(to, size, "%.*s", (int)text.length, text.length > 0 ? text.data : "");
}

/* Finds a server, then runs function on a fiber. */
static int
run_found(daos_event_t *event, int (*function)(void *argument), void *argument, size_t size)
{
	int rc = client_find(client_here());

	return rc ? rc : client_run(event, function, argument, size);
}

/* ------------------------------------------------ the system */

/* Of the engine's addresses the last, which is that of the network where there is one. */
static void
engine_take(const struct proto_engine *engine, struct client_engine *ret_engine)
{
	ret_engine->rank = engine->rank;
	ret_engine->targets = engine->targets;
	ret_engine->loops = engine->loops;
	ret_engine->state = engine->state;
	ret_engine->incarnation = engine->incarnation;
	if (engine->address_count > 0)
		text_copy(engine->addresses[engine->address_count - 1], ret_engine->address,
			  sizeof(ret_engine->address));
}

static int
run_system_query(void *argument)
{
	struct client_system *system = argument;
	struct client_context *context = context_here();
	struct proto_system_query_reply answer;
	struct service_request request;
	struct rpc_reply reply;
	int rc;

	service_begin(context, PROTO_SYSTEM_QUERY, false, &request);
	rc = service_send(&request, NULL, &reply);
	if (rc == 0)
		rc = proto_system_query_reply_decode(&reply.body, context->env->arena, &answer);
	if (rc == 0) {
		memset(system, 0, sizeof(*system));
		text_copy(answer.name, system->name, sizeof(system->name));
		text_copy(answer.version, system->version, sizeof(system->version));
		system->engine_count =
			min_of(answer.engine_count, (uint32_t)ARRAY_SIZE(system->engines));
		for (uint32_t i = 0; i < system->engine_count; i++)
			engine_take(&answer.engines[i], &system->engines[i]);
		proto_system_query_reply_free(context->env->arena, &answer);
	}
	rpc_reply_free(&reply);
	return rc;
}

int
client_system_query(struct client_system *ret_system)
{
	return run_found(NULL, run_system_query, ret_system, 0);
}

/* ------------------------------------------------ pools */

struct create_arguments {
	const struct client_pool_create *request;
	struct client_pool_created *ret_created;
};

static int
create_properties(const struct client_pool_create *request, struct proto_properties *ret_wire)
{
	uint32_t bad = 0;
	int rc;

	if (request->properties && prop_check(request->properties, PROP_OF_POOL, &bad) != 0)
		return error_raise(-DER_INVAL,
				   "property %u is not known, given twice, or out of range", bad);
	rc = properties_to_wire(request->properties, ret_wire);
	if (rc || request->label == NULL)
		return rc;
	if (!daos_label_is_valid(request->label))
		return error_raise(
			-DER_INVAL,
			"\"%s\" is no label: 1 to 127 letters, digits, and . _ : -, and not a UUID",
			request->label);
	if (proto_property_find(ret_wire, DAOS_PROP_PO_LABEL) ||
	    ret_wire->count == PROTO_PROPERTIES_MAX)
		return error_raise(-DER_INVAL, "the label is given twice");
	ret_wire->items[ret_wire->count++] = (struct proto_property){
		.type = DAOS_PROP_PO_LABEL,
		.is_bytes = true,
		.bytes = {request->label, (uint32_t)strlen(request->label)},
	};
	return 0;
}

static struct proto_text
text_of(const char *text)
{
	return (struct proto_text){.data = text, .length = text ? (uint32_t)strlen(text) : 0};
}

static int
run_pool_create(void *argument)
{
	const struct create_arguments *arguments = argument;
	const struct client_pool_create *wanted = arguments->request;
	struct client_context *context = context_here();
	struct proto_pool_create create = {
		.id = context_draw_uuid(context),
		.thin = wanted->thin,
		.metadata_bytes = wanted->metadata_bytes,
		.data_bytes = wanted->data_bytes,
		.share = wanted->share,
		.owner = text_of(wanted->owner),
		.owner_group = text_of(wanted->owner_group),
	};
	struct proto_pool_created created;
	struct service_request request;
	struct rpc_reply reply;
	int rc = create_properties(wanted, &create.properties);

	if (rc)
		return rc;
	service_begin(context, PROTO_SYSTEM_POOL_CREATE, true, &request);
	proto_pool_create_encode(&create, &request.body);
	rc = service_send(&request, NULL, &reply);
	if (rc == 0)
		rc = proto_pool_created_decode(&reply.body, &created);
	if (rc == 0)
		*arguments->ret_created = (struct client_pool_created){
			.id = created.id,
			.targets = created.targets,
			.metadata_bytes = created.metadata_bytes,
			.data_bytes = created.data_bytes,
		};
	rpc_reply_free(&reply);
	return rc;
}

int
client_pool_create(const struct client_pool_create *request,
		   struct client_pool_created *ret_created)
{
	struct create_arguments arguments = {request, ret_created};

	return run_found(NULL, run_pool_create, &arguments, sizeof(arguments));
}

static int
run_pool_destroy(void *argument)
{
	const struct proto_pool_destroy *destroy = argument;
	struct service_request request;

	service_begin(context_here(), PROTO_SYSTEM_POOL_DESTROY, true, &request);
	proto_pool_destroy_encode(destroy, &request.body);
	return service_tell(&request, NULL);
}

int
client_pool_destroy(const char *label_or_id, bool force, bool recursive)
{
	struct proto_pool_destroy destroy = {.force = force, .recursive = recursive};
	int rc = name_parse(label_or_id, &destroy.pool);

	return rc ? rc : run_found(NULL, run_pool_destroy, &destroy, sizeof(destroy));
}

struct list_arguments {
	struct client_pool_entry *entries;
	uint32_t count;
};

static int
take_pools(struct reader *body, struct list_arguments *arguments)
{
	uint32_t count = reader_u32(body);
	int rc = body->failed || count > reader_left(body) ? -DER_PROTO : 0;

	if (rc == 0 && count > 0) {
		arguments->entries = client_calloc(count * sizeof(*arguments->entries));
		rc = arguments->entries ? 0 : -DER_NOMEM;
	}
	for (uint32_t i = 0; i < count && rc == 0; i++) {
		struct client_pool_entry *entry = &arguments->entries[i];
		struct proto_pool_entry from;

		rc = proto_pool_entry_decode(body, &from);
		if (rc)
			break;
		entry->id = from.id;
		text_copy(from.label, entry->label, sizeof(entry->label));
		entry->state = from.state;
		entry->rank_count = min_of(from.rank_count, (uint32_t)ARRAY_SIZE(entry->ranks));
		memcpy(entry->ranks, from.ranks, entry->rank_count * sizeof(entry->ranks[0]));
	}
	if (rc) {
		client_free(arguments->entries);
		arguments->entries = NULL;
	}
	arguments->count = rc ? 0 : count;
	return rc;
}

static int
run_pool_list(void *argument)
{
	struct service_request request;
	struct rpc_reply reply;
	int rc;

	service_begin(context_here(), PROTO_SYSTEM_POOL_LIST, false, &request);
	rc = service_send(&request, NULL, &reply);
	if (rc == 0)
		rc = take_pools(&reply.body, argument);
	rpc_reply_free(&reply);
	return rc;
}

int
client_pool_list(struct client_pool_entry **ret_entries, uint32_t *ret_count)
{
	struct list_arguments arguments = {NULL, 0};
	int rc = run_found(NULL, run_pool_list, &arguments, sizeof(arguments));

	if (rc)
		return rc;
	*ret_entries = arguments.entries;
	*ret_count = arguments.count;
	return 0;
}

/* ------------------------------------------------ the public interface */

struct public_list_arguments {
	daos_size_t *count;
	daos_mgmt_pool_info_t *pools;
};

static int
public_entry(const struct client_pool_entry *entry, daos_mgmt_pool_info_t *ret_pool)
{
	d_rank_list_t *ranks = d_rank_list_alloc(entry->rank_count);

	if (ranks == NULL)
		return -DER_NOMEM;
	for (uint32_t i = 0; i < entry->rank_count; i++)
		ranks->rl_ranks[i] = entry->ranks[i];
	memset(ret_pool, 0, sizeof(*ret_pool));
	memcpy(ret_pool->mgpi_uuid, entry->id.bytes, sizeof(entry->id.bytes));
	ret_pool->mgpi_svc = ranks;
	ret_pool->mgpi_ldr = entry->rank_count > 0 ? entry->ranks[0] : CRT_NO_RANK;
	ret_pool->mgpi_label = d_strndup(entry->label, sizeof(entry->label));
	if (ret_pool->mgpi_label)
		return 0;
	d_rank_list_free(ranks);
	return -DER_NOMEM;
}

static int
run_public_list(void *argument)
{
	const struct public_list_arguments *arguments = argument;
	struct list_arguments list = {NULL, 0};
	daos_size_t room = *arguments->count;
	int rc = run_pool_list(&list);

	if (rc)
		return rc;
	for (uint32_t i = 0;
	     arguments->pools && i < min_of((daos_size_t)list.count, room) && rc == 0; i++)
		rc = public_entry(&list.entries[i], &arguments->pools[i]);
	if (rc == 0)
		*arguments->count = list.count;
	if (rc == 0 && arguments->pools && list.count > room)
		rc = -DER_TRUNC;
	client_free(list.entries);
	return rc;
}

int
daos_mgmt_list_pools(const char *group, daos_size_t *npools, daos_mgmt_pool_info_t *pools,
		     daos_event_t *ev)
{
	struct public_list_arguments arguments = {npools, pools};

	(void)group;
	return npools ? run_found(ev, run_public_list, &arguments, sizeof(arguments)) : -DER_INVAL;
}

/* There are no blob stores: data lies in files and on block devices of the host. */
int
daos_mgmt_get_bs_state(const char *group, uuid_t blobstore_uuid, int *blobstore_state,
		       daos_event_t *ev)
{
	int rc = client_check(client_here());

	(void)group;
	(void)blobstore_uuid;
	(void)ev;
	if (rc)
		return rc;
	return blobstore_state ? client_refuse(-DER_NONEXIST, "no engine has a blob store")
			       : -DER_INVAL;
}

void
daos_mgmt_put_sys_info(struct daos_sys_info *info)
{
	if (info == NULL)
		return;
	for (uint32_t i = 0; info->dsi_ranks && i < info->dsi_nr_ranks; i++)
		free(info->dsi_ranks[i].dru_uri);
	free(info->dsi_ranks);
	free(info->dsi_ms_ranks);
	free(info);
}

static int
sys_info_fill(const struct client_system *system, struct daos_sys_info *info)
{
	snprintf(info->dsi_system_name, sizeof(info->dsi_system_name), "%s", system->name);
	snprintf(info->dsi_fabric_provider, sizeof(info->dsi_fabric_provider), "native");
	info->dsi_ranks = calloc(system->engine_count, sizeof(*info->dsi_ranks));
	info->dsi_ms_ranks = calloc(1, sizeof(*info->dsi_ms_ranks));
	if (info->dsi_ranks == NULL || info->dsi_ms_ranks == NULL)
		return -DER_NOMEM;
	info->dsi_nr_ranks = system->engine_count;
	for (uint32_t i = 0; i < system->engine_count; i++) {
		info->dsi_ranks[i].dru_rank = system->engines[i].rank;
		info->dsi_ranks[i].dru_uri = strdup(system->engines[i].address);
		if (info->dsi_ranks[i].dru_uri == NULL)
			return -DER_NOMEM;
	}
	if (system->engine_count > 0) {
		info->dsi_nr_ms_ranks = 1;
		info->dsi_ms_ranks[0] = system->engines[0].rank;
	}
	return 0;
}

int
daos_mgmt_get_sys_info(const char *sys, struct daos_sys_info **info)
{
	struct client_system *system = client_calloc(sizeof(*system));
	struct daos_sys_info *made = NULL;
	int rc = info ? 0 : -DER_INVAL;

	(void)sys;
	if (rc == 0)
		rc = system ? client_system_query(system) : -DER_NOMEM;
	if (rc == 0)
		made = calloc(1, sizeof(*made));
	if (rc == 0)
		rc = made ? sys_info_fill(system, made) : -DER_NOMEM;
	client_free(system);
	if (rc == 0)
		*info = made;
	else
		daos_mgmt_put_sys_info(made);
	return rc;
}

int
dc_mgmt_srv_version(uint32_t *major, uint32_t *minor, uint32_t *patch, char **tag)
{
	struct client_system *system;
	int rc;

	if (major == NULL || minor == NULL || patch == NULL || tag == NULL)
		return -DER_INVAL;
	system = client_calloc(sizeof(*system));
	rc = system ? client_system_query(system) : -DER_NOMEM;
	if (rc == 0 && sscanf(system->version, "%u.%u.%u", major, minor, patch) != 3)
		rc = error_raise(-DER_PROTO, "the server's version is \"%s\"", system->version);
	if (rc == 0) {
		*tag = strdup(system->version + strspn(system->version, "0123456789."));
		rc = *tag ? 0 : -DER_NOMEM;
	}
	client_free(system);
	return rc;
}
