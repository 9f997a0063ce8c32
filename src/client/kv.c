/* SPDX-License-Identifier: BSD-2-Clause-Patent */
/* Key-value stores: a key is a dkey, its value the single value of one fixed akey. */
#include "client/list.h"

/* The akey of every value. */
#define VALUE_AKEY "0"

static const struct objio_key value_akey = {VALUE_AKEY, sizeof(VALUE_AKEY) - 1};

/* ------------------------------------------------ open, close, destroy */

struct open_arguments {
	daos_handle_t container;
	daos_obj_id_t oid;
	uint32_t mode;
	daos_handle_t *ret_handle;
};

static int
run_open(void *argument)
{
	const struct open_arguments *arguments = argument;
	enum daos_otype_t type = daos_obj_id2type(arguments->oid);
	struct client_object *object;
	int rc;

	if (!daos_is_kv(arguments->oid) && type != DAOS_OT_MULTI_HASHED &&
	    type != DAOS_OT_DKEY_LEXICAL)
		return error_raise(-DER_INVAL, "an object of type %d is no key-value store",
				   (int)type);
	rc = object_open(arguments->container, arguments->oid, arguments->mode, DAOS_HTYPE_KV,
			 &object);
	return rc ? rc : object_publish(object, arguments->ret_handle);
}

int
daos_kv_open(daos_handle_t coh, daos_obj_id_t oid, unsigned int mode, daos_handle_t *oh,
	     daos_event_t *ev)
{
	struct open_arguments arguments = {coh, oid, mode, oh};

	return oh ? client_run(ev, run_open, &arguments, sizeof(arguments)) : -DER_INVAL;
}

static int
run_close(void *argument)
{
	return object_close(*(daos_handle_t *)argument, DAOS_HTYPE_KV);
}

int
daos_kv_close(daos_handle_t oh, daos_event_t *ev)
{
	return client_run(ev, run_close, &oh, sizeof(oh));
}

struct value_arguments {
	daos_handle_t transaction;
	daos_handle_t object;
	uint32_t flags;
	const char *key;
	daos_size_t size;
	const void *source;
	daos_size_t *ret_size;
	void *buffer;
};

static int
run_destroy(void *argument)
{
	const struct value_arguments *arguments = argument;
	SCOPED_USE use = {.object = NULL};
	int rc = object_begin_change_in(arguments->transaction, arguments->object, DAOS_HTYPE_KV,
					&use);

	return rc ? rc : use_punch_object(&use, 0);
}

int
daos_kv_destroy(daos_handle_t oh, daos_handle_t th, daos_event_t *ev)
{
	struct value_arguments arguments = {.transaction = th, .object = oh};
	int rc = check_transaction(th);

	return rc ? rc : client_run(ev, run_destroy, &arguments, sizeof(arguments));
}

/* ------------------------------------------------ values */

static int
check_value(daos_handle_t th, const struct value_arguments *arguments)
{
	int rc = check_transaction(th);

	if (rc)
		return rc;
	if (arguments->key == NULL || arguments->key[0] == '\0')
		return -DER_INVAL;
	return strlen(arguments->key) > PROTO_OBJECT_KEY_MAX ? -DER_KEY2BIG : 0;
}

static struct objio_key
text_key(const char *text)
{
	return (struct objio_key){.data = text, .length = (uint32_t)strlen(text)};
}

static int
run_put(void *argument)
{
	const struct value_arguments *arguments = argument;
	SCOPED_USE use = {.object = NULL};
	struct iovec payload = {(void *)(uintptr_t)arguments->source, arguments->size};
	struct objio_akey akey = {
		.key = value_akey,
		.type = DAOS_IOD_SINGLE,
		.record_size = arguments->size,
		.payload = &payload,
		.payload_count = 1,
	};
	int rc = object_begin_change_in(arguments->transaction, arguments->object, DAOS_HTYPE_KV,
					&use);

	return rc ? rc : use_update(&use, text_key(arguments->key), &akey, 1, arguments->flags);
}

int
daos_kv_put(daos_handle_t oh, daos_handle_t th, uint64_t flags, const char *key, daos_size_t size,
	    const void *buf, daos_event_t *ev)
{
	struct value_arguments arguments = {.transaction = th,
					    .object = oh,
					    .flags = (uint32_t)flags & DAOS_COND_MASK,
					    .key = key,
					    .size = size,
					    .source = buf};
	int rc = check_value(th, &arguments);

	/* An empty value would be no value. */
	if (rc == 0 && (size == 0 || buf == NULL))
		rc = -DER_INVAL;
	return rc ? rc : client_run(ev, run_put, &arguments, sizeof(arguments));
}

static int
run_get(void *argument)
{
	const struct value_arguments *arguments = argument;
	SCOPED_USE use = {.object = NULL};
	struct iovec payload = {arguments->buffer, *arguments->ret_size};
	bool size_only = arguments->buffer == NULL || *arguments->ret_size == 0;
	struct objio_akey akey = {
		.key = value_akey,
		.type = DAOS_IOD_SINGLE,
		.payload = size_only ? NULL : &payload,
		.payload_count = size_only ? 0 : 1,
	};
	int rc = object_begin_in(arguments->transaction, arguments->object, DAOS_HTYPE_KV, &use);

	if (rc == 0)
		rc = use_fetch(&use, text_key(arguments->key), &akey, 1, arguments->flags, false);
	if (rc == 0 || rc == -DER_TRUNC)
		*arguments->ret_size = akey.record_size;
	if (rc == -DER_TRUNC)
		return error_raise(-DER_REC2BIG, "the value has %llu bytes",
				   (unsigned long long)akey.record_size);
	return rc;
}

int
daos_kv_get(daos_handle_t oh, daos_handle_t th, uint64_t flags, const char *key, daos_size_t *size,
	    void *buf, daos_event_t *ev)
{
	struct value_arguments arguments = {.transaction = th,
					    .object = oh,
					    .flags = (uint32_t)flags & DAOS_COND_MASK,
					    .key = key,
					    .ret_size = size,
					    .buffer = buf};
	int rc = check_value(th, &arguments);

	if (rc == 0 && size == NULL)
		rc = -DER_INVAL;
	return rc ? rc : client_run(ev, run_get, &arguments, sizeof(arguments));
}

static int
run_remove(void *argument)
{
	const struct value_arguments *arguments = argument;
	struct objio_key key = text_key(arguments->key);
	SCOPED_USE use = {.object = NULL};
	int rc = object_begin_change_in(arguments->transaction, arguments->object, DAOS_HTYPE_KV,
					&use);

	return rc ? rc : use_punch_dkeys(&use, &key, 1, arguments->flags);
}

int
daos_kv_remove(daos_handle_t oh, daos_handle_t th, uint64_t flags, const char *key,
	       daos_event_t *ev)
{
	struct value_arguments arguments = {.transaction = th,
					    .object = oh,
					    .flags = (uint32_t)flags & DAOS_COND_MASK,
					    .key = key};
	int rc = check_value(th, &arguments);

	return rc ? rc : client_run(ev, run_remove, &arguments, sizeof(arguments));
}

/* ------------------------------------------------ list */

int
daos_kv_list(daos_handle_t oh, daos_handle_t th, uint32_t *nr, daos_key_desc_t *kds,
	     d_sg_list_t *sgl, daos_anchor_t *anchor, daos_event_t *ev)
{
	struct key_listing listing = {th, oh, DAOS_HTYPE_KV, NULL, nr, kds, sgl, anchor};
	int rc = check_transaction(th);

	if (rc == 0)
		rc = check_listing(&listing);
	return rc ? rc : client_run(ev, run_list_keys, &listing, sizeof(listing));
}
