/* SPDX-License-Identifier: BSD-2-Clause-Patent */
/*
 * daos_obj_verify(): reads all of an object at an epoch, so that every stored sum is compared with
 * what the media gave, and every answer with what arrived. There is one copy of everything: copies
 * cannot differ.
 */
#include "client/private.h"

/* Keys of one page of a listing, and their bytes; extents of one page. */
#define VERIFY_KEYS 32u
#define VERIFY_KEY_BYTES (64u * 1024)
#define VERIFY_EXTENTS 64u

struct verify {
	struct object_use use;
	struct objio_view view;
	uint8_t *buffer; /* OBJIO_PAYLOAD_MAX bytes */
	struct objio_key dkey, akey;
};

static int
read_value(struct verify *verify, struct objio_akey *akey)
{
	struct iovec iov = {verify->buffer, OBJIO_PAYLOAD_MAX};

	akey->key = verify->akey;
	akey->payload = &iov;
	akey->payload_count = 1;
	return objio_fetch(verify->use.objio, verify->use.object->id, verify->dkey, akey, 1,
			   &verify->view, 0, false);
}

/* ------------------------------------------------ extents */

struct extent_page {
	uint32_t count;
	struct objio_entry entries[VERIFY_EXTENTS];
};

static int
take_extent(void *argument, const struct objio_entry *entry)
{
	struct extent_page *page = argument;

	page->entries[page->count++] = *entry;
	return 0;
}

static int
verify_extent(struct verify *verify, const struct objio_entry *entry)
{
	uint64_t room = OBJIO_PAYLOAD_MAX / max_of(entry->record_size, UINT64_C(1));
	int rc = 0;

	for (uint64_t done = 0; rc == 0 && done < entry->extent.count && room > 0; done += room) {
		struct proto_extent extent = {entry->extent.index + done,
					      min_of(room, entry->extent.count - done)};
		struct objio_akey akey = {
			.type = DAOS_IOD_ARRAY, .extents = &extent, .extent_count = 1};

		rc = read_value(verify, &akey);
	}
	return rc;
}

static int
verify_array(struct verify *verify)
{
	struct objio_position position = {.end = false};
	struct extent_page page;
	int rc = 0;

	while (rc == 0 && !position.end) {
		page.count = 0;
		rc = objio_list(verify->use.objio, verify->use.object->id, PROTO_LIST_EXTENTS,
				verify->dkey, verify->akey, &verify->view, VERIFY_EXTENTS,
				&position, take_extent, &page);
		for (uint32_t i = 0; rc == 0 && i < page.count; i++)
			rc = verify_extent(verify, &page.entries[i]);
	}
	return rc;
}

/* ------------------------------------------------ keys */

struct key_page {
	uint32_t count;
	uint32_t used;
	struct objio_key keys[VERIFY_KEYS];
	uint32_t types[VERIFY_KEYS];
	uint8_t bytes[VERIFY_KEY_BYTES];
};

static int
take_key(void *argument, const struct objio_entry *entry)
{
	struct key_page *page = argument;

	if (entry->key.length > VERIFY_KEY_BYTES - page->used)
		return page->count > 0 ? 1 : -DER_PROTO;
	memcpy(page->bytes + page->used, entry->key.data, entry->key.length);
	page->keys[page->count] = (struct objio_key){page->bytes + page->used, entry->key.length};
	page->types[page->count++] = entry->type;
	page->used += entry->key.length;
	return 0;
}

/* Calls visit for each key of a level. */
static int
each_key(struct verify *verify, uint32_t level,
	 int (*visit)(struct verify *verify, struct objio_key key, uint32_t type))
{
	struct objio_position position = {.end = false};
	struct key_page *page = client_alloc(sizeof(*page));
	int rc = page ? 0 : -DER_NOMEM;

	while (rc == 0 && !position.end) {
		page->count = 0;
		page->used = 0;
		rc = objio_list(verify->use.objio, verify->use.object->id, level, verify->dkey,
				(struct objio_key){0}, &verify->view, VERIFY_KEYS, &position,
				take_key, page);
		for (uint32_t i = 0; rc == 0 && i < page->count; i++)
			rc = visit(verify, page->keys[i], page->types[i]);
	}
	client_free(page);
	return rc;
}

static int
verify_akey(struct verify *verify, struct objio_key key, uint32_t type)
{
	struct objio_akey single = {.type = DAOS_IOD_SINGLE};

	verify->akey = key;
	return type == DAOS_IOD_ARRAY ? verify_array(verify) : read_value(verify, &single);
}

static int
verify_dkey(struct verify *verify, struct objio_key key, uint32_t type)
{
	int rc;

	(void)type;
	verify->dkey = key;
	rc = each_key(verify, PROTO_LIST_AKEYS, verify_akey);
	verify->dkey = (struct objio_key){0};
	return rc;
}

/* ------------------------------------------------ the call */

struct verify_arguments {
	daos_handle_t container;
	daos_obj_id_t oid;
	daos_epoch_t epoch;
};

static int
verify_object(const struct verify_arguments *arguments, struct verify *verify)
{
	int rc = context_container_get(verify->use.context, verify->use.object->container,
				       &verify->use.objio, &verify->use.entry);

	if (rc)
		return rc;
	/* All of a transaction is seen, or nothing. */
	if (arguments->epoch != 0 && arguments->epoch != DAOS_EPOCH_MAX)
		verify->view.epoch = arguments->epoch | HLC_MINOR_MASK;
	verify->buffer = client_alloc(OBJIO_PAYLOAD_MAX);
	rc = verify->buffer ? each_key(verify, PROTO_LIST_DKEYS, verify_dkey) : -DER_NOMEM;
	client_free(verify->buffer);
	return rc;
}

static int
run_verify(void *argument)
{
	const struct verify_arguments *arguments = argument;
	struct verify verify = {.use.context = context_here()};
	int rc = object_open(arguments->container, arguments->oid, DAOS_OO_RO, DAOS_HTYPE_OBJ,
			     &verify.use.object);

	if (rc)
		return rc;
	rc = verify_object(arguments, &verify);
	object_end(&verify.use);
	return rc;
}

int
daos_obj_verify(daos_handle_t coh, daos_obj_id_t oid, daos_epoch_t epoch)
{
	struct verify_arguments arguments = {coh, oid, epoch};

	return client_run(NULL, run_verify, &arguments, sizeof(arguments));
}
