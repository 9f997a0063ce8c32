/* SPDX-License-Identifier: BSD-2-Clause-Patent */
/*
 * Answers are keys of the store: 0xff client sequence (8 bytes, big-endian) -> answer. The mark of
 * a client, 0xff client -> (confirmed, newest first sending), outlives its answers: a late copy of
 * a confirmed request is refused by it. Each new request takes a few confirmed answers along, so
 * that their number stays within the client's window.
 */
#include "metadb/private.h"

#define KEY_MARK 17u

static void
key_make(uint8_t key[REQUEST_KEY], const struct uuid *client, uint64_t sequence)
{
	key[0] = METADB_RESERVED;
	memcpy(key + 1, client->bytes, sizeof(client->bytes));
	for (int i = 0; i < 8; i++)
		key[KEY_MARK + i] = (uint8_t)(sequence >> (56 - 8 * i));
}

static uint64_t
key_sequence(const uint8_t *key)
{
	uint64_t sequence = 0;

	for (int i = 0; i < 8; i++)
		sequence = sequence << 8 | key[KEY_MARK + i];
	return sequence;
}

struct mark {
	uint64_t confirmed;
	uint64_t newest_sent;
};

/* Zeros for a client never met. */
static int
mark_get(struct pin *pin, const struct request_id *request, struct mark *ret_mark)
{
	uint8_t key[REQUEST_KEY];
	struct store_entry entry;
	int rc;

	*ret_mark = (struct mark){0, 0};
	key_make(key, &request->client, 0);
	rc = metadb_store_find(pin, (struct metadb_bytes){key, KEY_MARK}, &entry);
	if (rc == -DER_NONEXIST)
		return 0;
	if (rc)
		return rc;
	if (entry.value.length != REQUEST_MARK)
		return error_raise(-DER_IO, "the store is damaged: bad mark of a client");
	ret_mark->confirmed = load_u64(entry.value.data);
	ret_mark->newest_sent = load_u64((const uint8_t *)entry.value.data + 8);
	return 0;
}

int
metadb_request_judge(struct pin *pin, const struct metadb *metadb, const struct request_id *request,
		     struct metadb_bytes *ret_result)
{
	uint8_t key[REQUEST_KEY];
	struct store_entry entry;
	struct mark mark;
	int rc;

	key_make(key, &request->client, request->sequence);
	rc = metadb_store_find(pin, (struct metadb_bytes){key, REQUEST_KEY}, &entry);
	if (rc == 0)
		*ret_result = entry.value;
	if (rc != -DER_NONEXIST)
		return rc == 0 ? -DER_ALREADY : rc;
	rc = mark_get(pin, request, &mark);
	if (rc)
		return rc;
	if (request->sequence < mark.confirmed || request->first_sent < metadb->horizon)
		REACHED("metadb: a request comes too late to be known");
	if (request->sequence < mark.confirmed || request->sequence < request->confirmed)
		return error_raise(-DER_TX_UNCERTAIN, "request %lu was confirmed before",
				   (unsigned long)request->sequence);
	if (request->first_sent < metadb->horizon)
		return error_raise(-DER_TX_UNCERTAIN, "request %lu is too old to be known",
				   (unsigned long)request->sequence);
	return 0;
}

static void
write_add(struct request_writes *writes, uint32_t key_length, struct metadb_bytes value,
	  bool remove)
{
	writes->writes[writes->count] = (struct metadb_write){
		.key = {writes->keys[writes->count], key_length},
		.value = value,
		.remove = remove,
	};
	writes->count++;
}

/* Adds the oldest answers below confirmed. */
static int
drops_prepare(struct pin *pin, const struct request_id *request, uint64_t confirmed,
	      struct request_writes *writes)
{
	uint8_t mark[REQUEST_KEY];
	struct store_entry entry;
	struct metadb_bytes after = {mark, KEY_MARK};
	int rc = 0;

	key_make(mark, &request->client, 0);
	for (uint32_t i = 0; i < REQUEST_DROPS; i++) {
		rc = metadb_store_above(pin, after, &entry);
		if (rc || entry.key.length != REQUEST_KEY ||
		    memcmp(entry.key.data, mark, KEY_MARK) != 0 ||
		    key_sequence(entry.key.data) >= confirmed)
			break;
		memcpy(writes->keys[writes->count], entry.key.data, REQUEST_KEY);
		after = (struct metadb_bytes){writes->keys[writes->count], REQUEST_KEY};
		write_add(writes, REQUEST_KEY, (struct metadb_bytes){NULL, 0}, true);
	}
	return rc == -DER_NONEXIST ? 0 : rc;
}

int
metadb_request_prepare(struct pin *pin, const struct request_id *request,
		       struct metadb_bytes result, struct request_writes *ret_writes)
{
	struct mark mark;
	int rc = mark_get(pin, request, &mark);

	if (rc)
		return rc;
	mark.confirmed = max_of(mark.confirmed, request->confirmed);
	mark.newest_sent = max_of(mark.newest_sent, request->first_sent);
	ret_writes->count = 0;
	store_u64(ret_writes->mark, mark.confirmed);
	store_u64(ret_writes->mark + 8, mark.newest_sent);
	key_make(ret_writes->keys[0], &request->client, 0);
	write_add(ret_writes, KEY_MARK, (struct metadb_bytes){ret_writes->mark, REQUEST_MARK},
		  false);
	key_make(ret_writes->keys[1], &request->client, request->sequence);
	write_add(ret_writes, REQUEST_KEY, result, false);
	return drops_prepare(pin, request, mark.confirmed, ret_writes);
}

void
metadb_request_need(struct metadb_bytes result, struct tx_need *need)
{
	static const uint8_t filler[REQUEST_KEY];
	const struct metadb_write put = {.key = {filler, REQUEST_KEY}, .value = result};
	const struct metadb_write mark = {.key = {filler, KEY_MARK},
					  .value = {filler, REQUEST_MARK}};
	const struct metadb_write drop = {.key = {filler, REQUEST_KEY}, .remove = true};

	metadb_store_need(&put, need);
	metadb_store_need(&mark, need);
	for (uint32_t i = 0; i < REQUEST_DROPS; i++)
		metadb_store_need(&drop, need);
}

/* ------------------------------------------------ forgetting */

/* Keys of one proposal that forgets. */
#define FORGET_BATCH 16u

/* Removes up to FORGET_BATCH keys that begin with prefix; *ret_more when there were as many.
 */
static int
forget_some(struct metadb *metadb, struct metadb_bytes prefix, bool *ret_more)
{
	struct metadb_write writes[FORGET_BATCH];
	uint8_t keys[FORGET_BATCH][REQUEST_KEY];
	struct metadb_bytes after = prefix;
	struct store_entry entry;
	uint32_t count = 0;
	struct pin pin;
	int rc;

	pin_init(&pin, metadb->heap);
	do {
		/* The mark, whose key is the prefix, goes last: it is what keeps late copies out.
		 */
		rc = metadb_store_above(&pin, after, &entry);
		if (rc == 0 && (entry.key.length != REQUEST_KEY ||
				memcmp(entry.key.data, prefix.data, prefix.length) != 0))
			rc = -DER_NONEXIST;
		if (rc == 0) {
			memcpy(keys[count], entry.key.data, REQUEST_KEY);
			after = (struct metadb_bytes){keys[count], REQUEST_KEY};
			writes[count++] = (struct metadb_write){.key = after, .remove = true};
		} else if (rc == -DER_AGAIN) {
			rc = pin_load(&pin);
		}
	} while (rc == 0 && count < FORGET_BATCH - 1);
	pin_fini(&pin);
	*ret_more = rc == 0;
	if (rc == -DER_NONEXIST)
		rc = 0;
	if (rc == 0 && !*ret_more)
		writes[count++] = (struct metadb_write){.key = prefix, .remove = true};
	return rc == 0 ? metadb_store_apply(metadb, writes, count) : rc;
}

int
metadb_forget_client(struct metadb *metadb, struct uuid client)
{
	uint8_t prefix[REQUEST_KEY];
	bool more = true;
	int rc = metadb_enter(metadb);

	if (rc)
		return rc;
	key_make(prefix, &client, 0);
	while (rc == 0 && more)
		rc = forget_some(metadb, (struct metadb_bytes){prefix, KEY_MARK}, &more);
	metadb_leave(metadb);
	return rc;
}

/* The next client after *client whose newest request is older than horizon. */
static int
stale_client(struct metadb *metadb, uint64_t horizon, struct uuid *client, bool first)
{
	uint8_t key[REQUEST_KEY];
	struct metadb_bytes after = {key, first ? 1 : REQUEST_KEY};
	struct store_entry entry;
	struct pin pin;
	int rc;

	key_make(key, client, UINT64_MAX);
	pin_init(&pin, metadb->heap);
	for (;;) {
		rc = metadb_store_above(&pin, after, &entry);
		if (rc == -DER_AGAIN && (rc = pin_load(&pin)) == 0)
			continue;
		if (rc)
			break;
		if (entry.key.length == KEY_MARK && entry.value.length == REQUEST_MARK) {
			memcpy(client->bytes, (const uint8_t *)entry.key.data + 1,
			       sizeof(client->bytes));
			if (load_u64((const uint8_t *)entry.value.data + 8) < horizon)
				break;
			key_make(key, client, UINT64_MAX);
			after.length = REQUEST_KEY;
		} else {
			rc = -DER_NONEXIST;
			break;
		}
	}
	pin_fini(&pin);
	return rc;
}

int
metadb_set_horizon(struct metadb *metadb, uint64_t horizon)
{
	struct uuid client = {{0}};
	bool first = true;
	int rc = 0;

	metadb->horizon = max_of(metadb->horizon, horizon);
	while (rc == 0) {
		rc = stale_client(metadb, metadb->horizon, &client, first);
		first = false;
		if (rc == 0)
			rc = metadb_forget_client(metadb, client);
	}
	return rc == -DER_NONEXIST ? 0 : rc;
}
