/* SPDX-License-Identifier: BSD-2-Clause-Patent */
/* User attributes of pools and containers: one key each. */
#include "pool/private.h"

/* Writes of one proposal; no more attributes can be changed at once. */
#define BATCH METADB_WRITES_MAX

struct batch {
	uint32_t count;
	struct metadb_write writes[BATCH];
	uint8_t keys[BATCH][METADB_KEY_MAX];
};

static int
key_make(const char *prefix, struct proto_text name, uint8_t key[METADB_KEY_MAX],
	 struct metadb_bytes *ret_key)
{
	size_t length = strlen(prefix);

	if (name.length == 0 || name.length > PROTO_ATTRIBUTE_NAME_MAX)
		return error_raise(-DER_INVAL,
				   "an attribute name of %u bytes; 1 to %u are possible",
				   name.length, PROTO_ATTRIBUTE_NAME_MAX);
	ASSERT(length + name.length <= METADB_KEY_MAX);
	memcpy(key, prefix, length);
	memcpy(key + length, name.data, name.length);
	*ret_key = (struct metadb_bytes){key, (uint32_t)length + name.length};
	return 0;
}

static int
batch_add(struct batch *batch, const char *prefix, const struct proto_attribute *attribute,
	  bool remove)
{
	struct metadb_write *write = &batch->writes[batch->count];
	int rc = key_make(prefix, attribute->name, batch->keys[batch->count], &write->key);

	if (rc)
		return rc;
	write->remove = remove;
	write->value = (struct metadb_bytes){NULL, 0};
	if (!remove)
		write->value =
			(struct metadb_bytes){attribute->value.data, attribute->value.length};
	batch->count++;
	return 0;
}

static int
batch_propose(struct metadb *metadb, struct batch *batch, const struct request_id *request,
	      bool privileged)
{
	const struct metadb_proposal proposal = {.request = request,
						 .writes = batch->writes,
						 .write_count = batch->count,
						 .privileged = privileged};
	int rc = metadb_propose(metadb, &proposal, NULL);

	batch->count = 0;
	return rc == -DER_ALREADY ? 0 : rc;
}

static int
attributes_change(struct metadb *metadb, const char *prefix,
		  const struct proto_attributes *attributes, bool remove,
		  const struct request_id *request)
{
	struct arena *arena = loop_env(loop_current())->arena;
	AUTO_FREE struct scoped_block block = {arena, arena_calloc(arena, 1, sizeof(struct batch))};
	struct batch *batch = block.pointer;
	int rc = 0;

	if (attributes->count > BATCH)
		return error_raise(-DER_OVERFLOW,
				   "%u attributes are to be changed at once; %u are possible",
				   attributes->count, BATCH);
	if (batch == NULL)
		return error_raise(-DER_NOMEM, "no memory for attributes");
	for (uint32_t i = 0; rc == 0 && i < attributes->count; i++)
		rc = batch_add(batch, prefix, &attributes->items[i], remove);
	return rc == 0 ? batch_propose(metadb, batch, request, remove) : rc;
}

int
attributes_set(struct metadb *metadb, const char *prefix, const struct proto_attributes *attributes,
	       const struct request_id *request)
{
	return attributes_change(metadb, prefix, attributes, false, request);
}

int
attributes_delete(struct metadb *metadb, const char *prefix,
		  const struct proto_attributes *attributes, const struct request_id *request)
{
	return attributes_change(metadb, prefix, attributes, true, request);
}

/* ------------------------------------------------ reading */

static int
attribute_get(struct metadb *metadb, const char *prefix, struct proto_attribute *attribute)
{
	uint8_t key[METADB_KEY_MAX];
	struct metadb_bytes bytes, value;
	int rc = key_make(prefix, attribute->name, key, &bytes);

	if (rc == 0)
		rc = metadb_get(metadb, bytes, &value, NULL);
	if (rc)
		return rc == -DER_NONEXIST ? 0 : rc;
	attribute->present = true;
	attribute->value = (struct proto_text){value.data, value.length};
	return 0;
}

int
attributes_get(struct metadb *metadb, const char *prefix, struct proto_attributes *attributes)
{
	int rc = 0;

	for (uint32_t i = 0; i < attributes->count; i++) {
		attributes->items[i].present = false;
		attributes->items[i].value = (struct proto_text){NULL, 0};
	}
	for (uint32_t i = 0; rc == 0 && i < attributes->count; i++)
		rc = attribute_get(metadb, prefix, &attributes->items[i]);
	if (rc)
		attributes_free_values(metadb, attributes);
	return rc;
}

void
attributes_free_values(struct metadb *metadb, struct proto_attributes *attributes)
{
	for (uint32_t i = 0; i < attributes->count; i++) {
		struct proto_attribute *item = &attributes->items[i];
		struct metadb_bytes value = {item->value.data, item->value.length};

		metadb_bytes_free(metadb, &value);
		item->value = (struct proto_text){NULL, 0};
		item->present = false;
	}
}

struct listing {
	struct writer *reply;
	size_t prefix;
	uint32_t count;
};

static int
list_visit(void *argument, struct metadb_bytes key, struct metadb_bytes value, uint64_t version)
{
	struct listing *listing = argument;

	(void)value;
	(void)version;
	writer_u8(listing->reply, true);
	writer_blob(listing->reply, (const uint8_t *)key.data + listing->prefix,
		    key.length - listing->prefix);
	writer_blob(listing->reply, NULL, 0);
	listing->count++;
	if (listing->reply->failed)
		return -DER_NOMEM;
	return listing->reply->position >= LISTING_PAGE || listing->count == PROTO_ATTRIBUTES_MAX;
}

struct proto_text
attributes_after(struct reader *body)
{
	size_t length;
	const uint8_t *data = reader_blob(body, PROTO_ATTRIBUTE_NAME_MAX, &length);

	return (struct proto_text){(const char *)data, (uint32_t)length};
}

int
attributes_list(struct metadb *metadb, const char *prefix, struct proto_text after,
		struct writer *reply)
{
	uint8_t key[METADB_KEY_MAX];
	struct metadb_bytes behind = {NULL, 0};
	const struct proto_attributes none = {.count = 0};
	struct listing listing = {.reply = reply, .prefix = strlen(prefix)};
	size_t start = reply->position;
	int rc = after.length ? key_make(prefix, after, key, &behind) : 0;

	if (rc)
		return rc;
	/* The count, behind version and size, is known at the end. */
	proto_attributes_encode(&none, reply);
	rc = metadb_list(metadb, metadb_text(prefix), behind, list_visit, &listing);
	if (rc < 0)
		return rc;
	writer_u8(reply, rc != 0);
	if (!reply->failed)
		store_u32(reply->data + start + 4, listing.count);
	return 0;
}

/* ------------------------------------------------ removing by prefix */

static int
remove_visit(void *argument, struct metadb_bytes key, struct metadb_bytes value, uint64_t version)
{
	struct batch *batch = argument;

	(void)value;
	(void)version;
	memcpy(batch->keys[batch->count], key.data, key.length);
	batch->writes[batch->count] = (struct metadb_write){
		.key = {batch->keys[batch->count], key.length}, .remove = true};
	batch->count++;
	return batch->count == BATCH;
}

int
keys_remove(struct metadb *metadb, const char *prefix)
{
	struct arena *arena = loop_env(loop_current())->arena;
	AUTO_FREE struct scoped_block block = {arena, arena_calloc(arena, 1, sizeof(struct batch))};
	struct batch *batch = block.pointer;
	int more = 1;

	if (batch == NULL)
		return error_raise(-DER_NOMEM, "no memory for attributes");
	while (more > 0) {
		int rc;

		more = metadb_list(metadb, metadb_text(prefix), (struct metadb_bytes){NULL, 0},
				   remove_visit, batch);
		if (more < 0)
			return more;
		if (batch->count == 0)
			return 0;
		rc = batch_propose(metadb, batch, NULL, true);
		if (rc)
			return rc;
	}
	return 0;
}
