/* SPDX-License-Identifier: BSD-2-Clause-Patent */
/* See ledger.h. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "ledger.h"

#define PLACES_EACH 48u
#define CHUNKS 12u
#define WRITE_MIN 100u
#define WRITE_MAX (300u << 10)
#define VALUE_MAX 6000u
#define RECORD 96u

struct slot {
	daos_event_t event;
	struct place *place; /* NULL: free */
	char key[32];
	daos_key_t dkey, akeys[2];
	d_iov_t iovs[2];
	d_sg_list_t sgls[2];
	daos_recx_t recx;
	daos_iod_t iods[2];
	daos_range_t range;
	daos_array_iod_t array_iod;
	uint8_t *buffer;
};

/* ------------------------------------------------ content */

static uint64_t
seed_of(const struct place *place, uint64_t version)
{
	return version * 1000003 + place->number * 31 + (uint64_t)place->kind;
}

static void
fill(uint64_t seed, uint8_t *buffer, size_t length)
{
	for (size_t i = 0; i < length; i += 8) {
		uint64_t word = draw(&seed, UINT64_MAX);

		memcpy(buffer + i, &word, length - i < 8 ? length - i : 8);
	}
}

/* The value of a key: its bytes, and their number. */
static size_t
value_make(const struct place *place, uint64_t version, uint8_t *buffer)
{
	uint64_t seed = seed_of(place, version);
	size_t length = 16 + draw(&seed, VALUE_MAX - 16);

	fill(seed, buffer, length);
	memcpy(buffer, &version, sizeof(version));
	return length;
}

/* The part of a chunk that a version writes; mostly small. */
static void
part_of(const struct place *place, uint64_t version, uint64_t *ret_offset, size_t *ret_length)
{
	uint64_t seed = seed_of(place, version);
	uint64_t most = draw(&seed, 3) == 0 ? WRITE_MAX : 8192;

	*ret_length = WRITE_MIN + draw(&seed, most - WRITE_MIN);
	*ret_offset = draw(&seed, LEDGER_CHUNK - *ret_length);
}

static void
part_apply(struct place *place, uint64_t version, uint8_t *bytes)
{
	uint64_t offset;
	size_t length;

	part_of(place, version, &offset, &length);
	fill(seed_of(place, version), bytes + offset, length);
}

static void
name_of(const struct place *place, char ret_key[32])
{
	static const char *const names[PLACE_KINDS] = {"value", "insert", "entry", "chunk"};

	snprintf(ret_key, 32, "%s-%u", names[place->kind], place->number);
}

/* ------------------------------------------------ one operation */

static void
entry_prepare(struct slot *slot)
{
	memset(slot->iods, 0, sizeof(slot->iods));
	d_iov_set(&slot->dkey, slot->key, strlen(slot->key));
	d_iov_set(&slot->iods[0].iod_name, (void *)(uintptr_t) "inode", 5);
	slot->recx = (daos_recx_t){0, RECORD};
	slot->iods[0].iod_type = DAOS_IOD_ARRAY;
	slot->iods[0].iod_size = 1;
	slot->iods[0].iod_nr = 1;
	slot->iods[0].iod_recxs = &slot->recx;
	d_iov_set(&slot->iods[1].iod_name, (void *)(uintptr_t) "extra", 5);
	slot->iods[1].iod_type = DAOS_IOD_SINGLE;
	slot->iods[1].iod_nr = 1;
	for (int i = 0; i < 2; i++)
		slot->sgls[i] = (d_sg_list_t){.sg_nr = 1, .sg_iovs = &slot->iovs[i]};
}

static int
launch_entry(struct ledger *ledger, struct slot *slot)
{
	size_t length;

	entry_prepare(slot);
	if (!slot->place->next.present)
		return daos_obj_punch_dkeys(ledger->object, DAOS_TX_NONE, DAOS_COND_PUNCH, 1,
					    &slot->dkey, &slot->event);
	fill(slot->place->next.version, slot->buffer, RECORD);
	length = value_make(slot->place, slot->place->next.version, slot->buffer + RECORD);
	slot->iods[1].iod_size = length;
	d_iov_set(&slot->iovs[0], slot->buffer, RECORD);
	d_iov_set(&slot->iovs[1], slot->buffer + RECORD, length);
	return daos_obj_update(ledger->object, DAOS_TX_NONE, DAOS_COND_DKEY_INSERT, &slot->dkey, 2,
			       slot->iods, slot->sgls, &slot->event);
}

static int
launch_key(struct ledger *ledger, struct slot *slot)
{
	bool inserts = slot->place->kind == PLACE_INSERT;
	size_t length;

	if (!slot->place->next.present)
		return daos_kv_remove(ledger->store, DAOS_TX_NONE, DAOS_COND_KEY_REMOVE, slot->key,
				      &slot->event);
	length = value_make(slot->place, slot->place->next.version, slot->buffer);
	return daos_kv_put(ledger->store, DAOS_TX_NONE, inserts ? DAOS_COND_KEY_INSERT : 0,
			   slot->key, length, slot->buffer, &slot->event);
}

static int
launch_part(struct ledger *ledger, struct slot *slot)
{
	struct place *place = slot->place;
	uint64_t offset;
	size_t length;

	part_of(place, place->next.version, &offset, &length);
	fill(seed_of(place, place->next.version), slot->buffer, length);
	slot->range = (daos_range_t){(uint64_t)place->number * LEDGER_CHUNK + offset, length};
	slot->array_iod = (daos_array_iod_t){.arr_nr = 1, .arr_rgs = &slot->range};
	d_iov_set(&slot->iovs[0], slot->buffer, length);
	slot->sgls[0] = (d_sg_list_t){.sg_nr = 1, .sg_iovs = &slot->iovs[0]};
	return daos_array_write(ledger->array, DAOS_TX_NONE, &slot->array_iod, &slot->sgls[0],
				&slot->event);
}

/*
 * What failed is told when the writer has stopped: an assertion ends only the thread of the test. A
 * resend that met its own work would come here with an error.
 */
static void
note_failure(struct ledger *ledger, struct slot *slot, int code)
{
	fprintf(stderr, "%s, version %llu, %s: error %d\n", slot->key,
		(unsigned long long)slot->place->next.version,
		slot->place->next.present ? "write" : "remove", code);
	slot->place->uncertain = true;
	slot->place = NULL;
	atomic_store(&ledger->failed, code);
}

static void
launch(struct ledger *ledger, struct slot *slot)
{
	struct place *place = slot->place;
	int rc;

	place->next.version = place->now.version + 1;
	place->next.present = place->kind == PLACE_VALUE || place->kind == PLACE_CHUNK ||
			      !place->now.present;
	name_of(place, slot->key);
	if (place->kind == PLACE_CHUNK)
		rc = launch_part(ledger, slot);
	else
		rc = place->kind == PLACE_ENTRY ? launch_entry(ledger, slot)
						: launch_key(ledger, slot);
	if (rc)
		note_failure(ledger, slot, rc);
}

static void
acknowledge(struct ledger *ledger, struct slot *slot)
{
	struct place *place = slot->place;

	if (slot->event.ev_error) {
		note_failure(ledger, slot, slot->event.ev_error);
		return;
	}
	if (place->kind == PLACE_CHUNK)
		part_apply(place, place->next.version, place->bytes);
	place->now = place->next;
	place->taken = false;
	slot->place = NULL;
	atomic_fetch_add(&ledger->acknowledged, 1);
}

/* ------------------------------------------------ the writer */

static struct place *
take(struct ledger *ledger, uint64_t *seed)
{
	struct place *place = &ledger->places[draw(seed, ledger->place_count)];

	if (place->taken || place->uncertain)
		return NULL;
	place->taken = true;
	return place;
}

static void
launch_free(struct ledger *ledger)
{
	pthread_mutex_lock(&ledger->lock);
	for (int i = 0; i < LEDGER_DEPTH; i++)
		if (ledger->slots[i].place == NULL) {
			ledger->slots[i].place = take(ledger, &ledger->seed);
			if (ledger->slots[i].place)
				launch(ledger, &ledger->slots[i]);
		}
	pthread_mutex_unlock(&ledger->lock);
}

static bool
busy(const struct ledger *ledger)
{
	for (int i = 0; i < LEDGER_DEPTH; i++)
		if (ledger->slots[i].place)
			return true;
	return false;
}

static void
collect(struct ledger *ledger, int64_t timeout)
{
	daos_event_t *ready[LEDGER_DEPTH];
	int count = daos_eq_poll(ledger->queue, 1, timeout, LEDGER_DEPTH, ready);

	assert_true(count >= 0);
	pthread_mutex_lock(&ledger->lock);
	for (int i = 0; i < count; i++)
		acknowledge(ledger, (struct slot *)(void *)ready[i]);
	pthread_mutex_unlock(&ledger->lock);
}

static void *
write_on(void *argument)
{
	struct ledger *ledger = argument;

	while (!atomic_load(&ledger->stop))
		ledger_step(ledger, 50000);
	return NULL;
}

void
ledger_start(struct ledger *ledger)
{
	atomic_store(&ledger->stop, false);
	assert_int_equal(pthread_create(&ledger->thread, NULL, write_on, ledger), 0);
}

static void
thread_end(struct ledger *ledger)
{
	atomic_store(&ledger->stop, true);
	assert_int_equal(pthread_join(ledger->thread, NULL), 0);
	assert_int_equal(atomic_load(&ledger->failed), 0);
}

void
ledger_stop(struct ledger *ledger)
{
	thread_end(ledger);
	ledger_drain(ledger);
}

void
ledger_step(struct ledger *ledger, int64_t timeout)
{
	launch_free(ledger);
	collect(ledger, timeout);
}

void
ledger_drain(struct ledger *ledger)
{
	while (busy(ledger))
		collect(ledger, DAOS_EQ_WAIT);
	assert_int_equal(atomic_load(&ledger->failed), 0);
}

void
ledger_abandon(struct ledger *ledger)
{
	daos_event_t *ready[LEDGER_DEPTH];
	int left = 0;

	thread_end(ledger);
	for (int i = 0; i < LEDGER_DEPTH; i++)
		if (ledger->slots[i].place) {
			assert_ok(daos_event_abort(&ledger->slots[i].event));
			left++;
		}
	while (left > 0) {
		int count = daos_eq_poll(ledger->queue, 1, DAOS_EQ_WAIT, LEDGER_DEPTH, ready);

		assert_in_range(count, 1, left);
		for (int i = 0; i < count; i++) {
			struct slot *slot = (struct slot *)(void *)ready[i];

			if (slot->event.ev_error == 0) {
				acknowledge(ledger, slot);
				continue;
			}
			assert_int_equal(slot->event.ev_error, -DER_CANCELED);
			slot->place->uncertain = true;
			slot->place = NULL;
		}
		left -= count;
	}
}

/* ------------------------------------------------ reading back */

/* Whether what a key gave is what a content says. */
static bool
value_is(const struct place *place, struct content content, const uint8_t *got, size_t size)
{
	uint8_t expected[VALUE_MAX];
	size_t length;

	if (!content.present)
		return size == 0;
	length = value_make(place, content.version, expected);
	return size == length && memcmp(got, expected, length) == 0;
}

static bool
key_is(struct ledger *ledger, const struct place *place, struct content content)
{
	uint8_t got[VALUE_MAX];
	daos_size_t size = sizeof(got);
	char key[32];

	name_of(place, key);
	assert_ok(daos_kv_get(ledger->store, DAOS_TX_NONE, 0, key, &size, got, NULL));
	return value_is(place, content, got, size);
}

static bool
entry_is(struct ledger *ledger, const struct place *place, struct content content)
{
	uint8_t got[RECORD + VALUE_MAX] = {0}, record[RECORD];
	struct slot slot;

	name_of(place, slot.key);
	entry_prepare(&slot);
	slot.iods[0].iod_size = DAOS_REC_ANY;
	slot.iods[1].iod_size = DAOS_REC_ANY;
	d_iov_set(&slot.iovs[0], got, RECORD);
	d_iov_set(&slot.iovs[1], got + RECORD, VALUE_MAX);
	assert_ok(daos_obj_fetch(ledger->object, DAOS_TX_NONE, 0, &slot.dkey, 2, slot.iods,
				 slot.sgls, NULL, NULL));
	if (!content.present)
		return slot.iods[0].iod_size == 0 && slot.iods[1].iod_size == 0;
	fill(content.version, record, RECORD);
	return slot.iods[0].iod_size == 1 && memcmp(got, record, RECORD) == 0 &&
	       value_is(place, content, got + RECORD, slot.iods[1].iod_size);
}

/* With `next`, the part under way is laid over a copy of what is known. */
static bool
chunk_is(struct ledger *ledger, struct place *place, struct content content)
{
	uint8_t *got = malloc(LEDGER_CHUNK), *expected = malloc(LEDGER_CHUNK);
	daos_range_t range = {(uint64_t)place->number * LEDGER_CHUNK, LEDGER_CHUNK};
	daos_array_iod_t iod = {.arr_nr = 1, .arr_rgs = &range};
	d_iov_t iov;
	d_sg_list_t sgl = {.sg_nr = 1, .sg_iovs = &iov};
	bool same;

	memset(got, 0, LEDGER_CHUNK);
	memcpy(expected, place->bytes, LEDGER_CHUNK);
	if (content.version != place->now.version)
		part_apply(place, content.version, expected);
	d_iov_set(&iov, got, LEDGER_CHUNK);
	assert_ok(daos_array_read(ledger->array, DAOS_TX_NONE, &iod, &sgl, NULL));
	same = memcmp(got, expected, LEDGER_CHUNK) == 0;
	free(got);
	free(expected);
	return same;
}

static bool
place_is(struct ledger *ledger, struct place *place, struct content content)
{
	if (place->kind == PLACE_CHUNK)
		return chunk_is(ledger, place, content);
	return place->kind == PLACE_ENTRY ? entry_is(ledger, place, content)
					  : key_is(ledger, place, content);
}

static void
place_check(struct ledger *ledger, struct place *place)
{
	char key[32];

	if (place_is(ledger, place, place->now))
		return;
	if (place->uncertain && place_is(ledger, place, place->next))
		return;
	name_of(place, key);
	fail_msg("%s does not hold version %llu (%s)%s", key,
		 (unsigned long long)place->now.version, place->now.present ? "present" : "absent",
		 place->uncertain ? ", nor the next" : "");
}

void
ledger_sample(struct ledger *ledger, uint32_t count, uint64_t *seed)
{
	for (uint32_t i = 0; i < count; i++) {
		struct place *place;

		pthread_mutex_lock(&ledger->lock);
		place = take(ledger, seed);
		pthread_mutex_unlock(&ledger->lock);
		if (place == NULL)
			continue;
		place_check(ledger, place);
		pthread_mutex_lock(&ledger->lock);
		place->taken = false;
		pthread_mutex_unlock(&ledger->lock);
	}
}

void
ledger_verify(struct ledger *ledger)
{
	for (uint32_t i = 0; i < ledger->place_count; i++)
		place_check(ledger, &ledger->places[i]);
}

/* ------------------------------------------------ open and close */

static void
places_make(struct ledger *ledger)
{
	ledger->place_count = (PLACE_KINDS - 1) * PLACES_EACH + CHUNKS;
	ledger->places = calloc(ledger->place_count, sizeof(*ledger->places));
	assert_non_null(ledger->places);
	for (uint32_t i = 0; i < ledger->place_count; i++) {
		struct place *place = &ledger->places[i];

		place->kind = (enum place_kind)(i / PLACES_EACH);
		place->number = i % PLACES_EACH;
		if (place->kind == PLACE_CHUNK)
			place->bytes = calloc(1, LEDGER_CHUNK);
	}
	/* A key that was never put is absent. */
	for (uint32_t i = 0; i < ledger->place_count; i++)
		ledger->places[i].now.present = ledger->places[i].kind == PLACE_CHUNK;
}

static void
objects_open(struct ledger *ledger, struct engine_bed *bed)
{
	struct embedded_bed *client = &bed->client;

	assert_ok(daos_kv_open(client->container, embedded_oid(client, 1, DAOS_OT_KV_HASHED, OC_SX),
			       DAOS_OO_RW, &ledger->store, NULL));
	assert_ok(daos_obj_open(client->container,
				embedded_oid(client, 2, DAOS_OT_MULTI_LEXICAL, OC_SX), DAOS_OO_RW,
				&ledger->object, NULL));
	assert_ok(daos_array_open_with_attr(
		client->container, embedded_oid(client, 3, DAOS_OT_ARRAY_BYTE, OC_SX), DAOS_TX_NONE,
		DAOS_OO_RW, 1, LEDGER_CHUNK, &ledger->array, NULL));
}

void
ledger_open(struct ledger *ledger, struct engine_bed *bed, uint64_t seed)
{
	memset(ledger, 0, sizeof(*ledger));
	ledger->seed = seed;
	pthread_mutex_init(&ledger->lock, NULL);
	places_make(ledger);
	objects_open(ledger, bed);
	assert_ok(daos_eq_create(&ledger->queue));
	ledger->slots = calloc(LEDGER_DEPTH, sizeof(*ledger->slots));
	for (int i = 0; i < LEDGER_DEPTH; i++) {
		assert_ok(daos_event_init(&ledger->slots[i].event, ledger->queue, NULL));
		ledger->slots[i].buffer = malloc(WRITE_MAX);
		assert_non_null(ledger->slots[i].buffer);
	}
}

void
ledger_close(struct ledger *ledger)
{
	for (int i = 0; i < LEDGER_DEPTH; i++) {
		assert_ok(daos_event_fini(&ledger->slots[i].event));
		free(ledger->slots[i].buffer);
	}
	for (uint32_t i = 0; i < ledger->place_count; i++)
		free(ledger->places[i].bytes);
	free(ledger->slots);
	free(ledger->places);
	assert_ok(daos_eq_destroy(ledger->queue, 0));
	assert_ok(daos_kv_close(ledger->store, NULL));
	assert_ok(daos_obj_close(ledger->object, NULL));
	assert_ok(daos_array_close(ledger->array, NULL));
	pthread_mutex_destroy(&ledger->lock);
}
