/* SPDX-License-Identifier: BSD-2-Clause-Patent */
/* Containers: create, open, close, query, properties, attributes, object ids, destroy, handles for
 * other processes. */
#include <gurt/common.h>

#include "client/private.h"

/* ------------------------------------------------ handles */

static void
container_free(struct handle *handle)
{
	struct client_container *container = (struct client_container *)handle;

	client_free(container->properties);
	handle_put(&container->pool->handle);
	client_free(container);
}

int
client_container_get(daos_handle_t cookie, struct client_container **ret_container)
{
	struct client *client = client_here();
	struct handle *handle;
	int rc = client_check(client);

	if (rc == 0)
		rc = handle_get(&client->handles, cookie, DAOS_HTYPE_CO, &handle);
	if (rc == 0)
		*ret_container = (struct client_container *)handle;
	return rc;
}

void
client_container_put(struct client_container **container)
{
	if (*container)
		handle_put(&(*container)->handle);
}

/* Copies properties; takes a reference of pool. */
static int
container_create(struct client_pool *pool, struct uuid id, struct uuid handle_id,
		 const struct proto_properties *properties, struct client_container **ret_container)
{
	struct client_container *container = client_calloc(sizeof(*container));
	int rc = container ? properties_keep(properties, &container->properties) : -DER_NOMEM;

	if (rc) {
		client_free(container);
		return rc;
	}
	handle_init(&container->handle, DAOS_HTYPE_CO, container_free);
	atomic_fetch_add(&pool->handle.references, 1);
	container->pool = pool;
	container->id = id;
	container->handle_id = handle_id;
	*ret_container = container;
	return 0;
}

static int
container_publish(struct client_container *container, daos_handle_t *ret_handle)
{
	int rc = handle_add(&client_here()->handles, &container->handle, ret_handle);

	if (rc)
		handle_put(&container->handle);
	else
		atomic_fetch_add(&container->pool->containers, 1);
	return rc;
}

int
container_fix(const struct client_container *container, uint64_t epoch, daos_handle_t *ret_handle)
{
	struct client_container *fixed;
	int rc = container_create(container->pool, container->id, container->handle_id,
				  container->properties, &fixed);

	if (rc)
		return rc;
	fixed->flags = container->flags;
	fixed->capabilities = container->capabilities;
	fixed->borrowed = true;
	fixed->epoch = epoch | HLC_MINOR_MASK;
	return container_publish(fixed, ret_handle);
}

uint64_t
client_container_property(daos_handle_t cookie, uint32_t type)
{
	SCOPED_CONTAINER container = NULL;

	return client_container_get(cookie, &container) == 0
		       ? properties_number(container->properties, type)
		       : 0;
}

struct uuid
client_container_id(daos_handle_t cookie)
{
	SCOPED_CONTAINER container = NULL;

	return client_container_get(cookie, &container) == 0 ? container->id : (struct uuid){{0}};
}

/* A request that begins with the container's handle, and its answer. */
static int
send_handle(const struct client_container *container, uint32_t operation, bool modifying,
	    void (*encode)(const void *argument, struct writer *writer), const void *argument,
	    struct rpc_reply *ret_reply)
{
	struct service_request request;

	service_begin(context_here(), operation, modifying, &request);
	proto_uuid_encode(container->handle_id, &request.body);
	if (encode)
		encode(argument, &request.body);
	return service_send(&request, container->pool, ret_reply);
}

static int
tell_handle(const struct client_container *container, uint32_t operation,
	    void (*encode)(const void *argument, struct writer *writer), const void *argument)
{
	struct rpc_reply reply;
	int rc = send_handle(container, operation, true, encode, argument, &reply);

	rpc_reply_free(&reply);
	return rc;
}

/* ------------------------------------------------ create and destroy */

struct create_arguments {
	daos_handle_t pool;
	const char *label;
	uuid_t *ret_id;
	daos_prop_t *properties;
	struct uuid id; /* null: drawn */
};

/* The label given as an argument joins the properties, or must agree with theirs. */
static int
create_properties(const struct create_arguments *arguments, struct proto_properties *ret_wire)
{
	const struct proto_property *label;
	uint32_t bad = 0;
	int rc;

	if (arguments->properties &&
	    prop_check(arguments->properties, PROP_OF_CONTAINER, &bad) != 0)
		return error_raise(-DER_INVAL,
				   "property %u is not known, given twice, or out of range", bad);
	rc = properties_to_wire(arguments->properties, ret_wire);
	if (rc || arguments->label == NULL)
		return rc;
	label = proto_property_find(ret_wire, DAOS_PROP_CO_LABEL);
	if (label)
		return label->bytes.length == strlen(arguments->label) &&
				       memcmp(label->bytes.data, arguments->label,
					      label->bytes.length) == 0
			       ? 0
			       : error_raise(-DER_INVAL,
					     "the label is given twice, and differently");
	if (ret_wire->count == PROTO_PROPERTIES_MAX)
		return -DER_INVAL;
	ret_wire->items[ret_wire->count++] = (struct proto_property){
		.type = DAOS_PROP_CO_LABEL,
		.is_bytes = true,
		.bytes = {arguments->label, (uint32_t)strlen(arguments->label)},
	};
	return 0;
}

static int
run_create(void *argument)
{
	const struct create_arguments *arguments = argument;
	struct client_context *context = context_here();
	struct proto_container_create create;
	struct service_request request;
	SCOPED_POOL pool = NULL;
	int rc = client_pool_get(arguments->pool, &pool);

	if (rc == 0)
		rc = create_properties(arguments, &create.properties);
	if (rc)
		return rc;
	create.pool_handle = pool->handle_id;
	create.id = uuid_empty(&arguments->id) ? context_draw_uuid(context) : arguments->id;
	service_begin(context, PROTO_CONTAINER_CREATE, true, &request);
	proto_container_create_encode(&create, &request.body);
	rc = service_tell(&request, pool);
	if (rc == 0 && arguments->ret_id)
		memcpy(*arguments->ret_id, create.id.bytes, sizeof(create.id.bytes));
	return rc;
}

int
daos_cont_create(daos_handle_t poh, uuid_t *uuid, daos_prop_t *cont_prop, daos_event_t *ev)
{
	struct create_arguments arguments = {.pool = poh, .ret_id = uuid, .properties = cont_prop};

	return client_run(ev, run_create, &arguments, sizeof(arguments));
}

int
container_create_as(daos_handle_t poh, struct uuid id, daos_prop_t *properties, daos_event_t *ev)
{
	struct create_arguments arguments = {.pool = poh, .properties = properties, .id = id};

	return client_run(ev, run_create, &arguments, sizeof(arguments));
}

int
daos_cont_create_with_label(daos_handle_t poh, const char *label, daos_prop_t *cont_prop,
			    uuid_t *uuid, daos_event_t *ev)
{
	struct create_arguments arguments = {
		.pool = poh, .label = label, .ret_id = uuid, .properties = cont_prop};

	if (!daos_label_is_valid(label))
		return client_refuse(
			-DER_INVAL,
			"\"%s\" is no label: 1 to 127 letters, digits, and . _ : -, and "
			"not a UUID",
			label ? label : "");
	return client_run(ev, run_create, &arguments, sizeof(arguments));
}

struct destroy_arguments {
	daos_handle_t pool;
	struct proto_name name;
	bool force;
};

static int
run_destroy(void *argument)
{
	const struct destroy_arguments *arguments = argument;
	struct proto_container_destroy destroy = {.container = arguments->name,
						  .force = arguments->force};
	struct service_request request;
	SCOPED_POOL pool = NULL;
	int rc = client_pool_get(arguments->pool, &pool);

	if (rc)
		return rc;
	destroy.pool_handle = pool->handle_id;
	service_begin(context_here(), PROTO_CONTAINER_DESTROY, true, &request);
	proto_container_destroy_encode(&destroy, &request.body);
	return service_tell(&request, pool);
}

int
daos_cont_destroy(daos_handle_t poh, const char *cont, int force, daos_event_t *ev)
{
	struct destroy_arguments arguments = {.pool = poh, .force = force != 0};
	int rc = name_parse(cont, &arguments.name);

	return rc ? rc : client_run(ev, run_destroy, &arguments, sizeof(arguments));
}

/* ------------------------------------------------ open and close */

static void
info_fill(const struct proto_container_info *info, daos_cont_info_t *ret_info)
{
	memset(ret_info, 0, sizeof(*ret_info));
	memcpy(ret_info->ci_uuid, info->id.bytes, sizeof(info->id.bytes));
	ret_info->ci_lsnapshot = info->latest_snapshot;
	ret_info->ci_nhandles = info->handle_count;
	ret_info->ci_nsnapshots = info->snapshot_count;
	ret_info->ci_md_otime = info->opened;
	ret_info->ci_md_mtime = info->modified;
}

struct open_arguments {
	daos_handle_t pool;
	struct proto_name name;
	uint32_t flags;
	daos_handle_t *ret_handle;
	daos_cont_info_t *info;
};

static int
take_opened(const struct open_arguments *arguments, struct client_pool *pool, struct uuid handle_id,
	    struct reader *body)
{
	struct proto_container_info info;
	struct client_container *container;
	int rc = proto_container_info_decode(body, &info);

	if (rc == 0)
		rc = container_create(pool, info.id, handle_id, &info.properties, &container);
	if (rc)
		return rc;
	container->flags = arguments->flags;
	container->capabilities = info.capabilities;
	if (arguments->info)
		info_fill(&info, arguments->info);
	return container_publish(container, arguments->ret_handle);
}

static int
send_close(const struct client_pool *pool, struct uuid handle_id)
{
	struct service_request request;

	service_begin(context_here(), PROTO_CONTAINER_CLOSE, true, &request);
	proto_uuid_encode(handle_id, &request.body);
	return service_tell(&request, pool);
}

static int
run_open(void *argument)
{
	const struct open_arguments *arguments = argument;
	struct client_context *context = context_here();
	struct proto_container_open open = {
		.handle = context_draw_uuid(context),
		.container = arguments->name,
		.flags = arguments->flags,
	};
	struct service_request request;
	struct rpc_reply reply;
	SCOPED_POOL pool = NULL;
	int rc = client_pool_get(arguments->pool, &pool);

	if (rc)
		return rc;
	open.pool_handle = pool->handle_id;
	service_begin(context, PROTO_CONTAINER_OPEN, true, &request);
	proto_container_open_encode(&open, &request.body);
	rc = service_send(&request, pool, &reply);
	if (rc == 0) {
		rc = take_opened(arguments, pool, open.handle, &reply.body);
		/* It is open at the server and nowhere else. */
		if (rc)
			(void)!send_close(pool, open.handle);
	}
	rpc_reply_free(&reply);
	return rc;
}

int
daos_cont_open(daos_handle_t poh, const char *cont, unsigned int flags, daos_handle_t *coh,
	       daos_cont_info_t *info, daos_event_t *ev)
{
	struct open_arguments arguments = {
		.pool = poh, .flags = flags, .ret_handle = coh, .info = info};
	uint32_t mode = flags & DAOS_COO_IO_BASE_MASK;
	int rc;

	if (coh == NULL || mode == 0 || (mode & (mode - 1)) != 0 || (flags & ~DAOS_COO_MASK) != 0)
		return client_refuse(-DER_INVAL,
				     "a container is opened with one of DAOS_COO_RO, RW, EX");
	rc = name_parse(cont, &arguments.name);
	return rc ? rc : client_run(ev, run_open, &arguments, sizeof(arguments));
}

static int
run_close(void *argument)
{
	struct client *client = client_here();
	SCOPED_CONTAINER container = NULL;
	int rc = client_container_get(*(daos_handle_t *)argument, &container);

	if (rc)
		return rc;
	if (!container->borrowed)
		rc = send_close(container->pool, container->handle_id);
	if (rc && rc != -DER_NO_HDL)
		return rc;
	if (!handle_remove(&client->handles, &container->handle))
		return -DER_NO_HDL;
	atomic_fetch_sub(&container->pool->containers, 1);
	atomic_store(&container->closed, true);
	atomic_fetch_add(&client->closings, 1);
	return 0;
}

int
daos_cont_close(daos_handle_t coh, daos_event_t *ev)
{
	return client_run(ev, run_close, &coh, sizeof(coh));
}

/* ------------------------------------------------ query and properties */

int
client_container_query(const struct client_container *container, uint32_t wanted,
		       daos_cont_info_t *ret_info, daos_prop_t **ret_properties)
{
	struct proto_container_info info;
	struct service_request request;
	struct rpc_reply reply;
	int rc;

	service_begin(context_here(), PROTO_CONTAINER_QUERY, false, &request);
	proto_uuid_encode(container->handle_id, &request.body);
	writer_u8(&request.body, (uint8_t)wanted);
	rc = service_send(&request, container->pool, &reply);
	if (rc == 0)
		rc = proto_container_info_decode(&reply.body, &info);
	if (rc == 0 && ret_properties)
		rc = properties_from_wire(&info.properties, ret_properties);
	if (rc == 0 && ret_info)
		info_fill(&info, ret_info);
	rpc_reply_free(&reply);
	return rc;
}

struct query_arguments {
	daos_handle_t container;
	daos_cont_info_t *info;
	daos_prop_t *properties;
};

/*
 * Who asks for the access list by name gets it or an error; among all properties (an empty list) it
 * is left out where it may not be read. Owner and group come with either.
 */
static uint32_t
answers_wanted(const daos_prop_t *properties)
{
	uint32_t wanted = 0;

	if (properties == NULL)
		return 0;
	for (uint32_t i = 0; i < properties->dpp_nr; i++) {
		uint32_t type = properties->dpp_entries[i].dpe_type;

		if (type == DAOS_PROP_CO_ACL)
			wanted |= PROTO_ANSWER_ACL;
		else if (type != DAOS_PROP_CO_OWNER && type != DAOS_PROP_CO_OWNER_GROUP)
			wanted |= PROTO_ANSWER_PROPERTIES;
	}
	return wanted ? wanted : PROTO_ANSWER_PROPERTIES;
}

static int
run_query(void *argument)
{
	const struct query_arguments *arguments = argument;
	SCOPED_CONTAINER container = NULL;
	daos_prop_t *answer = NULL;
	int rc = client_container_get(arguments->container, &container);

	if (rc == 0)
		rc = client_container_query(container, answers_wanted(arguments->properties),
					    arguments->info,
					    arguments->properties ? &answer : NULL);
	if (rc == 0 && answer)
		rc = prop_copy(arguments->properties, answer);
	daos_prop_free(answer);
	return rc;
}

int
daos_cont_query(daos_handle_t coh, daos_cont_info_t *info, daos_prop_t *cont_prop, daos_event_t *ev)
{
	struct query_arguments arguments = {coh, info, cont_prop};

	return client_run(ev, run_query, &arguments, sizeof(arguments));
}

static void
encode_properties(const void *argument, struct writer *writer)
{
	proto_properties_encode(argument, writer);
}

int
client_container_set(const struct client_container *container, const daos_prop_t *properties)
{
	struct proto_properties wire;
	uint32_t bad = 0;
	int rc;

	if (prop_check(properties, PROP_OF_CONTAINER, &bad) != 0)
		return error_raise(-DER_INVAL,
				   "property %u is not known, given twice, or out of range", bad);
	rc = properties_to_wire(properties, &wire);
	return rc ? rc
		  : tell_handle(container, PROTO_CONTAINER_SET_PROPERTIES, encode_properties,
				&wire);
}

struct set_arguments {
	daos_handle_t container;
	const daos_prop_t *properties;
};

static int
run_set_properties(void *argument)
{
	const struct set_arguments *arguments = argument;
	SCOPED_CONTAINER container = NULL;
	int rc = client_container_get(arguments->container, &container);

	return rc ? rc : client_container_set(container, arguments->properties);
}

int
daos_cont_set_prop(daos_handle_t coh, daos_prop_t *prop, daos_event_t *ev)
{
	struct set_arguments arguments = {coh, prop};

	if (prop == NULL || prop->dpp_nr == 0)
		return -DER_INVAL;
	return client_run(ev, run_set_properties, &arguments, sizeof(arguments));
}

static int
run_clear_status(void *argument)
{
	struct daos_prop_entry entry = {
		.dpe_type = DAOS_PROP_CO_STATUS,
		.dpe_val = DAOS_PROP_CO_STATUS_VAL(DAOS_PROP_CO_HEALTHY, DAOS_PROP_CO_CLEAR, 0),
	};
	daos_prop_t properties = {.dpp_nr = 1, .dpp_entries = &entry};
	struct set_arguments arguments = {*(daos_handle_t *)argument, &properties};

	return run_set_properties(&arguments);
}

int
daos_cont_status_clear(daos_handle_t coh, daos_event_t *ev)
{
	return client_run(ev, run_clear_status, &coh, sizeof(coh));
}

/* ------------------------------------------------ object ids */

struct allocate_arguments {
	daos_handle_t container;
	uint64_t count;
	uint64_t *ret_first;
};

static void
encode_count(const void *argument, struct writer *writer)
{
	writer_u64(writer, *(const uint64_t *)argument);
}

static int
run_allocate(void *argument)
{
	const struct allocate_arguments *arguments = argument;
	SCOPED_CONTAINER container = NULL;
	struct rpc_reply reply;
	uint64_t first;
	int rc = client_container_get(arguments->container, &container);

	if (rc)
		return rc;
	rc = send_handle(container, PROTO_CONTAINER_ALLOCATE_OIDS, true, encode_count,
			 &arguments->count, &reply);
	if (rc == 0) {
		first = reader_u64(&reply.body);
		rc = reply.body.failed ? -DER_PROTO : 0;
	}
	if (rc == 0)
		*arguments->ret_first = first;
	rpc_reply_free(&reply);
	return rc;
}

int
daos_cont_alloc_oids(daos_handle_t coh, daos_size_t num_oids, uint64_t *oid, daos_event_t *ev)
{
	struct allocate_arguments arguments = {coh, num_oids, oid};

	if (num_oids == 0 || oid == NULL)
		return -DER_INVAL;
	return client_run(ev, run_allocate, &arguments, sizeof(arguments));
}

/* ------------------------------------------------ attributes */

struct attribute_arguments {
	daos_handle_t container;
	struct attribute_call call;
	int (*function)(const struct attribute_call *call);
};

static int
run_attributes(void *argument)
{
	struct attribute_arguments *arguments = argument;
	SCOPED_CONTAINER container = NULL;
	int rc = client_container_get(arguments->container, &container);

	if (rc)
		return rc;
	arguments->call.pool = container->pool;
	arguments->call.handle = container->handle_id;
	return arguments->function(&arguments->call);
}

int
daos_cont_list_attr(daos_handle_t coh, char *buffer, size_t *size, daos_event_t *ev)
{
	struct attribute_arguments arguments = {
		.container = coh,
		.call = {.operation = PROTO_CONTAINER_LIST_ATTRIBUTES,
			 .list = buffer,
			 .list_size = size},
		.function = client_attributes_list,
	};

	return size ? client_run(ev, run_attributes, &arguments, sizeof(arguments)) : -DER_INVAL;
}

int
daos_cont_get_attr(daos_handle_t coh, int n, char const *const names[], void *const buffers[],
		   size_t sizes[], daos_event_t *ev)
{
	struct attribute_arguments arguments = {
		.container = coh,
		.call = {.operation = PROTO_CONTAINER_GET_ATTRIBUTES,
			 .count = n,
			 .names = names,
			 .buffers = buffers,
			 .sizes = sizes},
		.function = client_attributes_get,
	};
	int rc = sizes ? client_attributes_check(n, names) : -DER_INVAL;

	return rc ? rc : client_run(ev, run_attributes, &arguments, sizeof(arguments));
}

int
daos_cont_set_attr(daos_handle_t coh, int n, char const *const names[], void const *const values[],
		   size_t const sizes[], daos_event_t *ev)
{
	struct attribute_arguments arguments = {
		.container = coh,
		.call = {.operation = PROTO_CONTAINER_SET_ATTRIBUTES,
			 .count = n,
			 .names = names,
			 .values = values,
			 .value_sizes = sizes},
		.function = client_attributes_set,
	};
	int rc = sizes && values ? client_attributes_check(n, names) : -DER_INVAL;

	return rc ? rc : client_run(ev, run_attributes, &arguments, sizeof(arguments));
}

int
daos_cont_del_attr(daos_handle_t coh, int n, char const *const names[], daos_event_t *ev)
{
	struct attribute_arguments arguments = {
		.container = coh,
		.call = {.operation = PROTO_CONTAINER_DELETE_ATTRIBUTES,
			 .count = n,
			 .names = names},
		.function = client_attributes_delete,
	};
	int rc = client_attributes_check(n, names);

	return rc ? rc : client_run(ev, run_attributes, &arguments, sizeof(arguments));
}

/* ------------------------------------------------ handles for other processes */

#define CONTAINER_BLOB_MAGIC UINT32_C(0x544e4f43)

/* What another process needs to use the handle. */
static void
blob_write(const struct client_container *container, struct writer *writer)
{
	writer_u32(writer, CONTAINER_BLOB_MAGIC);
	writer_u32(writer, 1);
	proto_uuid_encode(container->pool->id, writer);
	proto_uuid_encode(container->id, writer);
	proto_uuid_encode(container->handle_id, writer);
	writer_u32(writer, container->flags);
	writer_u32(writer, container->capabilities);
	proto_properties_encode(container->properties, writer);
}

int
daos_cont_local2global(daos_handle_t coh, d_iov_t *glob)
{
	SCOPED_CONTAINER container = NULL;
	struct writer writer;
	uint8_t *scratch;
	int rc = glob ? client_container_get(coh, &container) : -DER_INVAL;

	if (rc)
		return rc;
	scratch = client_alloc(RPC_INLINE_MAX);
	if (scratch == NULL)
		return -DER_NOMEM;
	writer_init(&writer, scratch, RPC_INLINE_MAX);
	blob_write(container, &writer);
	if (writer.failed)
		rc = -DER_OVERFLOW;
	if (rc == 0 && glob->iov_buf && glob->iov_buf_len >= writer.position) {
		memcpy(glob->iov_buf, scratch, writer.position);
		glob->iov_len = writer.position;
	} else if (rc == 0) {
		rc = glob->iov_buf ? -DER_TRUNC : 0;
		glob->iov_buf_len = writer.position;
	}
	client_free(scratch);
	return rc;
}

static int
blob_read(struct client_pool *pool, struct reader *reader, struct client_container **ret_container)
{
	struct proto_properties wire;
	struct uuid pool_id, id, handle_id;
	uint32_t flags, capabilities;
	int rc;

	if (reader_u32(reader) != CONTAINER_BLOB_MAGIC || reader_u32(reader) != 1)
		return -DER_INVAL;
	pool_id = proto_uuid_decode(reader);
	id = proto_uuid_decode(reader);
	handle_id = proto_uuid_decode(reader);
	flags = reader_u32(reader);
	capabilities = reader_u32(reader);
	if (proto_properties_decode(reader, &wire) != 0 || !uuid_equal(&pool_id, &pool->id))
		return -DER_INVAL;
	rc = container_create(pool, id, handle_id, &wire, ret_container);
	if (rc)
		return rc == -DER_PROTO ? -DER_INVAL : rc;
	(*ret_container)->flags = flags;
	(*ret_container)->capabilities = capabilities;
	(*ret_container)->borrowed = true;
	return 0;
}

int
daos_cont_global2local(daos_handle_t poh, d_iov_t glob, daos_handle_t *coh)
{
	struct client_container *container;
	SCOPED_POOL pool = NULL;
	struct reader reader;
	int rc = client_pool_get(poh, &pool);

	if (rc)
		return rc;
	if (glob.iov_buf == NULL || coh == NULL)
		return -DER_INVAL;
	reader_init(&reader, glob.iov_buf, glob.iov_len);
	rc = blob_read(pool, &reader, &container);
	return rc ? rc : container_publish(container, coh);
}
