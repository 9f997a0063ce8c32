/* SPDX-License-Identifier: BSD-2-Clause-Patent */
/* Keys of the workload "listing": names that are hard to order, to cut and to resume at. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "sim/work_listing.h"

const struct directory_kind directory_kinds[DIRECTORY_KINDS] = {
	{LEVEL_DKEYS, FORM_HASHED, DAOS_OT_MULTI_HASHED, OC_S1},
	{LEVEL_DKEYS, FORM_HASHED, DAOS_OT_AKEY_LEXICAL, OC_SX},
	{LEVEL_DKEYS, FORM_LEXICAL, DAOS_OT_DKEY_LEXICAL, OC_S1},
	{LEVEL_DKEYS, FORM_LEXICAL, DAOS_OT_MULTI_LEXICAL, OC_SX},
	{LEVEL_DKEYS, FORM_INTEGER, DAOS_OT_DKEY_UINT64, OC_S1},
	{LEVEL_DKEYS, FORM_INTEGER, DAOS_OT_MULTI_UINT64, OC_SX},
	{LEVEL_AKEYS, FORM_HASHED, DAOS_OT_DKEY_LEXICAL, OC_S2},
	{LEVEL_AKEYS, FORM_LEXICAL, DAOS_OT_MULTI_LEXICAL, OC_S1},
	{LEVEL_AKEYS, FORM_INTEGER, DAOS_OT_AKEY_UINT64, OC_SX},
	{LEVEL_EXTENTS, FORM_INTEGER, DAOS_OT_MULTI_HASHED, OC_S1},
	{LEVEL_PAIRS, FORM_HASHED, DAOS_OT_KV_HASHED, OC_S1},
	{LEVEL_PAIRS, FORM_LEXICAL, DAOS_OT_KV_LEXICAL, OC_SX},
};

/* ------------------------------------------------ names */

#define NAME_MAX_BYTES (16u * 1024)

/* Bytes of the name of a key that has a form of its own. */
static uint32_t
name_of_form(uint32_t number, bool text, uint8_t *name)
{
	uint32_t length = 0;

	switch (number % 8) {
	case 0: /* a third of the other names begins with it */
		return (uint32_t)sprintf((char *)name, "k%u", number);
	case 1: /* equal in the first eight bytes */
		return (uint32_t)sprintf((char *)name, "the-same-%u", number);
	case 2: /* high bytes, and low ones */
		name[length++] = 0xff;
		name[length++] = (uint8_t)(text ? 1 + number % 200 : number);
		name[length++] = (uint8_t)(text ? 1 + number / 200 : number >> 8);
		return length;
	case 3: /* beyond what an anchor holds */
		memset(name, 'm', 90);
		return 90 + (uint32_t)sprintf((char *)name + 90, "%u", number);
	case 4: /* beyond what a position holds: what differs comes behind it */
		memset(name, 'n', 560);
		return 560 + (uint32_t)sprintf((char *)name + 560, "%u", number);
	default: /* the longest, or 16 bytes, which records hold inline, or 17 */
		length = number % 64 == 5 ? NAME_MAX_BYTES : 16 + number / 8 % 2;
		memset(name, 'q', length);
		memcpy(name + length - 4, &(uint32_t){number + 0x01010101}, 4);
		return length;
	}
}

/* A name may be another one, short or long, and something behind it. */
static uint32_t
name_make(const struct directory *directory, uint32_t number, uint8_t *name)
{
	bool text = directory->kind->level == LEVEL_PAIRS;
	const struct listed_key *shorter;

	if (number % 8 < 6)
		return name_of_form(number, text, name);
	shorter = &directory->keys[number - (number % 8 == 6 ? 6 : 3 + number / 8 % 2)];
	if (shorter->length + 2 > NAME_MAX_BYTES)
		return name_of_form(number, text, name);
	memcpy(name, shorter->name, shorter->length);
	name[shorter->length] = (uint8_t)(text ? '!' : 0);
	return shorter->length + 1;
}

static uint64_t
integer_of(uint32_t number)
{
	if (number == 1)
		return UINT64_MAX;
	return number % 2 ? mix64(number) : number;
}

static void
key_make(const struct directory *directory, uint32_t number, struct listed_key *key)
{
	uint8_t *name = sim_take(NAME_MAX_BYTES + 1);

	if (directory->kind->level == LEVEL_EXTENTS) {
		store_u64(name, number);
		key->length = sizeof(uint64_t);
	} else if (directory->kind->form == FORM_INTEGER) {
		store_u64(name, integer_of(number));
		key->length = sizeof(uint64_t);
	} else {
		key->length = name_make(directory, number, name);
	}
	key->name = sim_take(key->length + 1);
	memcpy(key->name, name, key->length);
	key->hash = hash64(name, key->length, 0);
	free(name);
}

/* ------------------------------------------------ order */

static bool
key_precedes(const struct directory_kind *kind, const struct listed_key *a,
	     const struct listed_key *b)
{
	int sign;

	if (kind->form == FORM_INTEGER)
		return load_u64(a->name) < load_u64(b->name);
	sign = memcmp(a->name, b->name, min_of(a->length, b->length));
	return sign != 0 ? sign < 0 : a->length < b->length;
}

static void
keys_rank(struct directory *directory)
{
	for (uint32_t i = 0; i < directory->key_count; i++)
		for (uint32_t k = 0; k < directory->key_count; k++)
			directory->keys[i].rank += key_precedes(
				directory->kind, &directory->keys[k], &directory->keys[i]);
}

/* ------------------------------------------------ directories */

struct directory *
directory_make(struct listing_model *model, const struct directory_kind *kind, uint32_t key_count)
{
	struct directory *directory = sim_take(sizeof(*directory));

	directory->kind = kind;
	directory->number = model->directory_count;
	directory->key_count = key_count;
	directory->keys = sim_take(key_count * sizeof(*directory->keys));
	for (uint32_t i = 0; i < key_count; i++)
		key_make(directory, i, &directory->keys[i]);
	keys_rank(directory);
	model->directories = sim_grow(model->directories,
				      (model->directory_count + 1) * sizeof(struct directory *));
	model->directories[model->directory_count++] = directory;
	return directory;
}

void
directory_free(struct directory *directory)
{
	for (uint32_t i = 0; i < directory->key_count; i++) {
		free(directory->keys[i].name);
		free(directory->keys[i].changes);
	}
	free(directory->keys);
	free(directory->edges);
	free(directory->epochs);
	free(directory);
}

uint32_t
directory_find(const struct directory *directory, const void *name, uint32_t length)
{
	uint64_t hash = hash64(name, length, 0);

	for (uint32_t i = 0; i < directory->key_count; i++)
		if (directory->keys[i].hash == hash && directory->keys[i].length == length &&
		    memcmp(directory->keys[i].name, name, length) == 0)
			return i;
	return NO_KEY;
}

daos_recx_t
extent_of(uint32_t key)
{
	return (daos_recx_t){.rx_idx = (uint64_t)key * EXTENT_STRIDE, .rx_nr = 3 + key % 3};
}

uint32_t
extent_find(const struct directory *directory, daos_recx_t extent)
{
	uint64_t key = extent.rx_idx / EXTENT_STRIDE;

	if (key >= directory->key_count || extent.rx_idx % EXTENT_STRIDE != 0 ||
	    extent.rx_nr != extent_of((uint32_t)key).rx_nr)
		return NO_KEY;
	return (uint32_t)key;
}

void
key_change_add(struct listed_key *key, const struct key_change *change)
{
	if (key->change_count == key->change_room) {
		key->change_room = key->change_room ? key->change_room * 2 : 4;
		key->changes = sim_grow(key->changes, key->change_room * sizeof(*key->changes));
	}
	key->changes[key->change_count++] = *change;
}
