/* SPDX-License-Identifier: BSD-2-Clause-Patent */
/* Reading: what was looked at is durable before it is told. */
#include "metadb/private.h"

void
metadb_bytes_free(struct metadb *metadb, struct metadb_bytes *bytes)
{
	arena_free(metadb->arena, (void *)(uintptr_t)bytes->data);
	*bytes = (struct metadb_bytes){NULL, 0};
}

static int
bytes_copy(struct metadb *metadb, struct metadb_bytes from, struct metadb_bytes *ret_bytes)
{
	void *copy = arena_alloc(metadb->arena, from.length);

	if (copy == NULL)
		return error_raise(-DER_NOMEM, "no memory for a value of %u bytes", from.length);
	if (from.length > 0)
		memcpy(copy, from.data, from.length);
	*ret_bytes = (struct metadb_bytes){copy, from.length};
	return 0;
}

/* One look-up until no zone is missing; *ret_group: what must be durable before the answer. */
static int
value_find(struct metadb *metadb, struct metadb_bytes key, struct metadb_bytes *ret_value,
	   uint64_t *ret_version, uint64_t *ret_group)
{
	struct store_entry entry;
	struct pin pin;
	int rc;

	pin_init(&pin, metadb->heap);
	do {
		NO_YIELD
		{
			rc = metadb_store_find(&pin, key, &entry);
			if (rc == 0)
				rc = bytes_copy(metadb, entry.value, ret_value);
			if (rc == 0)
				*ret_version = entry.version;
			*ret_group = metadb->newest;
		}
	} while (rc == -DER_AGAIN && (rc = pin_load(&pin)) == 0);
	pin_fini(&pin);
	return rc;
}

static int
value_get(struct metadb *metadb, struct metadb_bytes key, struct metadb_bytes *ret_value,
	  uint64_t *ret_version)
{
	struct metadb_bytes value = {NULL, 0};
	uint64_t version = 0, group = 0;
	int rc = value_find(metadb, key, &value, &version, &group);
	int durable = media_wait(metadb->media, group);

	if (durable)
		rc = durable;
	if (rc) {
		metadb_bytes_free(metadb, &value);
		return rc;
	}
	*ret_value = value;
	if (ret_version)
		*ret_version = version;
	return 0;
}

int
metadb_get(struct metadb *metadb, struct metadb_bytes key, struct metadb_bytes *ret_value,
	   uint64_t *ret_version)
{
	int rc = metadb_enter(metadb);

	if (rc)
		return rc;
	rc = value_get(metadb, key, ret_value, ret_version);
	metadb_leave(metadb);
	return rc;
}

/* ------------------------------------------------ lists */

/* Entries visited between two yields. */
#define LIST_BATCH 64u

struct listing {
	struct metadb_bytes prefix;
	int (*visit)(void *argument, struct metadb_bytes key, struct metadb_bytes value,
		     uint64_t version);
	void *argument;
	bool begun;
	uint32_t length;		  /* of position */
	uint8_t position[METADB_KEY_MAX]; /* the last key visited, or where to begin */
};

static bool
begins_with(struct metadb_bytes key, struct metadb_bytes prefix)
{
	return prefix.length == 0 ||
	       (key.length >= prefix.length && memcmp(key.data, prefix.data, prefix.length) == 0);
}

/* The next entry; -DER_NONEXIST at the end of the prefix or of the callers' keys. */
static int
listing_next(struct listing *listing, struct pin *pin, struct store_entry *ret_entry)
{
	struct metadb_bytes position = {listing->position, listing->length};
	int rc;

	if (!listing->begun && listing->length > 0) {
		rc = metadb_store_find(pin, position, ret_entry);
		if (rc != -DER_NONEXIST)
			return rc;
	}
	rc = metadb_store_above(pin, position, ret_entry);
	if (rc)
		return rc;
	if (*(const uint8_t *)ret_entry->key.data == METADB_RESERVED ||
	    !begins_with(ret_entry->key, listing->prefix))
		return -DER_NONEXIST;
	return 0;
}

/* Visits a batch: 0 to go on, -DER_NONEXIST at the end, else what visit returned or an error. */
static int
listing_batch(struct listing *listing, struct pin *pin, bool *ret_visited)
{
	struct store_entry entry;
	int rc = 0;

	for (uint32_t i = 0; rc == 0 && i < LIST_BATCH; i++) {
		rc = listing_next(listing, pin, &entry);
		if (rc)
			break;
		listing->begun = true;
		listing->length = entry.key.length;
		memcpy(listing->position, entry.key.data, entry.key.length);
		rc = listing->visit(listing->argument, entry.key, entry.value, entry.version);
		*ret_visited = rc != 0;
		if (rc == 0 && FAULT("metadb: list one entry at a time"))
			break;
	}
	return rc;
}

static int
listing_run(struct metadb *metadb, struct listing *listing)
{
	bool visited = false;
	struct pin pin;
	int rc;

	pin_init(&pin, metadb->heap);
	for (;;) {
		NO_YIELD
		{
			rc = listing_batch(listing, &pin, &visited);
		}
		if (visited)
			break;
		if (rc == -DER_AGAIN)
			rc = pin_load(&pin);
		if (rc)
			break;
		pin_fini(&pin);
		fiber_yield();
		pin_init(&pin, metadb->heap);
	}
	pin_fini(&pin);
	return !visited && rc == -DER_NONEXIST ? 0 : rc;
}

int
metadb_list(struct metadb *metadb, struct metadb_bytes prefix, struct metadb_bytes after,
	    int (*visit)(void *argument, struct metadb_bytes key, struct metadb_bytes value,
			 uint64_t version),
	    void *argument)
{
	struct listing *listing;
	struct metadb_bytes begin = after.length > 0 ? after : prefix;
	int rc, durable;

	if (begin.length > METADB_KEY_MAX)
		return error_raise(-DER_INVAL, "a key of %u bytes", begin.length);
	rc = metadb_enter(metadb);
	if (rc)
		return rc;
	listing = arena_calloc(metadb->arena, 1, sizeof(*listing));
	if (listing == NULL) {
		metadb_leave(metadb);
		return error_raise(-DER_NOMEM, "no memory for a listing");
	}
	*listing = (struct listing){
		.prefix = prefix, .visit = visit, .argument = argument, .begun = after.length > 0};
	listing->length = begin.length;
	if (begin.length > 0)
		memcpy(listing->position, begin.data, begin.length);
	rc = listing_run(metadb, listing);
	arena_free(metadb->arena, listing);
	durable = media_wait(metadb->media, metadb->newest);
	metadb_leave(metadb);
	return durable ? durable : rc;
}

/* ------------------------------------------------ answers */

int
metadb_answer_find(struct metadb *metadb, const struct request_id *request,
		   struct metadb_bytes *ret_answer)
{
	struct metadb_bytes answer;
	struct pin pin;
	int rc;

	pin_init(&pin, metadb->heap);
	do {
		NO_YIELD
		{
			rc = metadb_request_judge(&pin, metadb, request, &answer);
			if (rc == -DER_ALREADY) {
				rc = bytes_copy(metadb, answer, ret_answer);
				rc = rc == 0 ? -DER_ALREADY : rc;
			}
		}
	} while (rc == -DER_AGAIN && (rc = pin_load(&pin)) == 0);
	pin_fini(&pin);
	return rc;
}

int
metadb_answered(struct metadb *metadb, const struct request_id *request,
		struct metadb_bytes *ret_result)
{
	struct metadb_bytes answer = {NULL, 0};
	int rc, durable;

	if (!request_remembered(request))
		return -DER_NONEXIST;
	rc = metadb_enter(metadb);
	if (rc)
		return rc;
	rc = metadb_answer_find(metadb, request, &answer);
	durable = media_wait(metadb->media, metadb->newest);
	metadb_leave(metadb);
	if (durable)
		rc = durable;
	if (rc != -DER_ALREADY) {
		metadb_bytes_free(metadb, &answer);
		return rc == 0 ? -DER_NONEXIST : rc;
	}
	*ret_result = answer;
	return 0;
}

int
metadb_value_check(const struct reader *reader, uint16_t version, uint16_t newest, const char *what)
{
	if (version == 0 || version > newest)
		return error_raise(-DER_DF_INCOMPT,
				   "the record of %s has version %u; this program reads %u", what,
				   version, newest);
	if (reader_complete(reader))
		return 0;
	return error_raise(-DER_IO, "a service's store is damaged: bad record of %s", what);
}
