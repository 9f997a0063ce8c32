/* SPDX-License-Identifier: BSD-2-Clause-Patent */
/* User attributes, alike for pools and containers. All but the check run on a fiber. */
#include "client/private.h"

int
client_attributes_check(int count, char const *const names[])
{
	if (count <= 0 || names == NULL || count > (int)PROTO_ATTRIBUTES_MAX)
		return -DER_INVAL;
	for (int i = 0; i < count; i++)
		if (names[i] == NULL || names[i][0] == '\0' ||
		    strlen(names[i]) > PROTO_ATTRIBUTE_NAME_MAX)
			return -DER_INVAL;
	return 0;
}

static void
value_fill(const struct attribute_call *call, int number, struct proto_attribute *item)
{
	if (call->values == NULL)
		return;
	item->value =
		(struct proto_text){call->values[number], (uint32_t)call->value_sizes[number]};
	item->present = true;
}

static int
values_check(const struct attribute_call *call)
{
	for (int i = 0; call->values && i < call->count; i++) {
		if (call->values[i] == NULL && call->value_sizes[i] > 0)
			return -DER_INVAL;
		if (call->value_sizes[i] > PROTO_ATTRIBUTE_VALUE_MAX)
			return error_raise(-DER_OVERFLOW,
					   "attribute \"%s\" has %zu bytes; the limit is %u",
					   call->names[i], call->value_sizes[i],
					   PROTO_ATTRIBUTE_VALUE_MAX);
	}
	return 0;
}

/* The request for the names, with values where there are any. */
static int
send_names(const struct attribute_call *call, bool modifying, struct rpc_reply *ret_reply)
{
	struct client_context *context = context_here();
	struct proto_attributes attributes = {.count = (uint32_t)call->count};
	struct service_request request;
	int rc = values_check(call);

	*ret_reply = (struct rpc_reply){0};
	if (rc)
		return rc;
	attributes.items =
		arena_calloc(context->env->arena, attributes.count, sizeof(*attributes.items));
	if (attributes.items == NULL)
		return -DER_NOMEM;
	for (int i = 0; i < call->count; i++) {
		attributes.items[i].name =
			(struct proto_text){call->names[i], (uint32_t)strlen(call->names[i])};
		value_fill(call, i, &attributes.items[i]);
	}
	service_begin(context, call->operation, modifying, &request);
	proto_uuid_encode(call->handle, &request.body);
	proto_attributes_encode(&attributes, &request.body);
	arena_free(context->env->arena, attributes.items);
	return service_send(&request, call->pool, ret_reply);
}

int
client_attributes_set(const struct attribute_call *call)
{
	struct rpc_reply reply;
	int rc = send_names(call, true, &reply);

	rpc_reply_free(&reply);
	return rc;
}

int
client_attributes_delete(const struct attribute_call *call)
{
	return client_attributes_set(call);
}

static int
copy_value(const struct attribute_call *call, int number, const struct proto_attribute *item)
{
	size_t room = call->buffers && call->buffers[number] ? call->sizes[number] : 0;

	if (!item->present)
		return error_raise(-DER_NONEXIST, "there is no attribute \"%s\"",
				   call->names[number]);
	if (min_of(room, (size_t)item->value.length) > 0)
		memcpy(call->buffers[number], item->value.data,
		       min_of(room, (size_t)item->value.length));
	call->sizes[number] = item->value.length;
	return 0;
}

int
client_attributes_get(const struct attribute_call *call)
{
	struct arena *arena = context_here()->env->arena;
	struct proto_attributes attributes;
	struct rpc_reply reply;
	int rc = send_names(call, false, &reply);

	if (rc == 0)
		rc = proto_attributes_decode(&reply.body, arena, &attributes);
	if (rc == 0) {
		if (attributes.count != (uint32_t)call->count)
			rc = error_raise(-DER_PROTO, "%u attributes in place of %d",
					 attributes.count, call->count);
		for (int i = 0; i < call->count && rc == 0; i++)
			rc = copy_value(call, i, &attributes.items[i]);
		proto_attributes_free(arena, &attributes);
	}
	rpc_reply_free(&reply);
	return rc;
}

/* A listing, page by page: names with a zero byte after each, as many whole ones as fit. */
struct names {
	char *list;
	size_t room, needed;
	bool full;
	bool more;
	uint32_t last_length; /* of the last name of the page */
	char last[PROTO_ATTRIBUTE_NAME_MAX];
};

static void
names_add(struct names *names, struct proto_text name)
{
	names->full = names->full || names->list == NULL ||
		      names->needed + name.length + 1 > names->room;
	if (!names->full) {
		memcpy(names->list + names->needed, name.data, name.length);
		names->list[names->needed + name.length] = '\0';
	}
	names->needed += name.length + 1;
}

static int
names_take(struct names *names, struct reader *body)
{
	struct arena *arena = context_here()->env->arena;
	struct proto_attributes attributes;
	int rc = proto_attributes_decode(body, arena, &attributes);

	if (rc)
		return rc;
	names->more = reader_u8(body) != 0 && attributes.count > 0;
	for (uint32_t i = 0; i < attributes.count; i++)
		names_add(names, attributes.items[i].name);
	if (attributes.count > 0) {
		struct proto_text last = attributes.items[attributes.count - 1].name;

		names->last_length = last.length;
		memcpy(names->last, last.data, last.length);
	}
	proto_attributes_free(arena, &attributes);
	return body->failed ? -DER_PROTO : 0;
}

int
client_attributes_list(const struct attribute_call *call)
{
	struct names names = {
		.list = call->list, .room = call->list ? *call->list_size : 0, .more = true};
	int rc = 0;

	while (rc == 0 && names.more) {
		struct service_request request;
		struct rpc_reply reply;

		service_begin(context_here(), call->operation, false, &request);
		proto_uuid_encode(call->handle, &request.body);
		writer_blob(&request.body, names.last, names.last_length);
		rc = service_send(&request, call->pool, &reply);
		if (rc == 0)
			rc = names_take(&names, &reply.body);
		rpc_reply_free(&reply);
	}
	if (rc == 0)
		*call->list_size = names.needed;
	return rc;
}
