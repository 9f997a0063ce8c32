/* SPDX-License-Identifier: BSD-2-Clause-Patent */
/* How the trees of a store order their records. */
#include "vos/private.h"

/* Seeds of the two hashes of a key; part of the format. */
#define HASH_FIRST UINT64_C(0x9ae16a3b2f90404f)
#define HASH_SECOND UINT64_C(0xc3a5c85c97cb3127)

static int
bytes_compare(const void *a, uint32_t a_length, const void *b, uint32_t b_length)
{
	int sign = memcmp(a, b, min_of(a_length, b_length));

	if (sign != 0)
		return sign;
	return a_length == b_length ? 0 : a_length < b_length ? -1 : 1;
}

static int
number_compare(uint64_t a, uint64_t b)
{
	return a == b ? 0 : a < b ? -1 : 1;
}

/* Hashed and lexical keys of equal order key. */
static int
key_compare(struct pin *pin, const void *wanted, const void *record)
{
	const struct ordered_key *key = wanted;
	const struct entity *entity = record;
	const uint8_t *bytes = entity->key.bytes;

	if (key->key_order == KEY_HASHED) {
		if (key->hash != entity->hash)
			return number_compare(key->hash, entity->hash);
		if (key->key.length != entity->key_length)
			return number_compare(key->key.length, entity->key_length);
	}
	if (entity->key_length > KEY_INLINE_MAX) {
		bytes = heap_at(pin, entity->key.offset,
				sizeof(struct key_record) + entity->key_length);
		if (!bytes)
			return 0;
		bytes += sizeof(struct key_record);
	}
	return bytes_compare(key->key.data, key->key.length, bytes, entity->key_length);
}

static int
object_compare(struct pin *pin, const void *wanted, const void *record)
{
	const struct ordered_key *key = wanted;
	const struct entity *entity = record;

	(void)pin;
	if (key->object.id.hi != entity->key.id.hi)
		return number_compare(key->object.id.hi, entity->key.id.hi);
	if (key->object.id.lo != entity->key.id.lo)
		return number_compare(key->object.id.lo, entity->key.id.lo);
	return number_compare(key->object.shard, entity->key_length);
}

static int
container_compare(struct pin *pin, const void *wanted, const void *record)
{
	(void)pin;
	return memcmp(wanted, &((const struct container_record *)record)->id, sizeof(struct uuid));
}

static int
client_compare(struct pin *pin, const void *wanted, const void *record)
{
	(void)pin;
	return memcmp(wanted, &((const struct client_record *)record)->client, sizeof(struct uuid));
}

static int
intent_compare(struct pin *pin, const void *wanted, const void *record)
{
	(void)pin;
	return memcmp(wanted, &((const struct intent_record *)record)->id, sizeof(struct uuid));
}

static int
stale_compare(struct pin *pin, const void *wanted, const void *record)
{
	(void)pin;
	return memcmp(wanted, record, sizeof(struct stale_record));
}

static int
parked_compare(struct pin *pin, const void *wanted, const void *record)
{
	const struct vos_object *object = wanted;
	const struct parked_record *parked = record;

	(void)pin;
	if (object->id.hi != parked->id.hi)
		return number_compare(object->id.hi, parked->id.hi);
	if (object->id.lo != parked->id.lo)
		return number_compare(object->id.lo, parked->id.lo);
	return number_compare(object->shard, parked->shard);
}

#define KIND(tree, record, records, comparison)         \
	[tree] = {.name = #tree,                        \
		  .id = tree,                           \
		  .record_size = sizeof(struct record), \
		  .node_records = records,              \
		  .compare = comparison}

const struct btree_kind tree_kinds[TREE_IDS] = {
	KIND(TREE_CONTAINERS, container_record, 16, container_compare),
	KIND(TREE_OBJECTS, entity, 20, object_compare),
	KIND(TREE_DKEYS_HASHED, entity, 20, key_compare),
	KIND(TREE_DKEYS_LEXICAL, entity, 20, key_compare),
	KIND(TREE_DKEYS_INTEGER, entity, 20, NULL),
	KIND(TREE_AKEYS_HASHED, akey_record, 16, key_compare),
	KIND(TREE_AKEYS_LEXICAL, akey_record, 16, key_compare),
	KIND(TREE_AKEYS_INTEGER, akey_record, 16, NULL),
	KIND(TREE_EXTENTS, extent_record, 24, NULL),
	KIND(TREE_HISTORY, history_record, 24, NULL),
	KIND(TREE_VERSIONS, extent_record, 16, NULL),
	KIND(TREE_INCARNATIONS, incarnation, 16, NULL),
	KIND(TREE_CLIENTS, client_record, 16, client_compare),
	KIND(TREE_DEAD, dead_record, 16, NULL),
	KIND(TREE_STALE, stale_record, 16, stale_compare),
	KIND(TREE_PARKED, parked_record, 16, parked_compare),
	KIND(TREE_INTENTS, intent_record, 16, intent_compare),
};

const struct btree_kind *
dkey_kind(struct object_id id)
{
	return &tree_kinds[TREE_DKEYS_HASHED + object_id_dkey_order(id)];
}

const struct btree_kind *
akey_kind(struct object_id id)
{
	return &tree_kinds[TREE_AKEYS_HASHED + object_id_akey_order(id)];
}
_Static_assert(KEY_HASHED == 0 && KEY_LEXICAL == 1 && KEY_INTEGER == 2, "order of tree ids");

/* The first 8 bytes, big endian, padded with zeros. */
static uint64_t
lexical_order(struct vos_key key)
{
	const uint8_t *bytes = key.data;
	uint64_t order = 0;

	for (uint32_t i = 0; i < 8; i++)
		order = order << 8 | (i < key.length ? bytes[i] : 0);
	return order;
}

static int
key_order_set(enum key_order key_order, struct vos_key key, struct ordered_key *ret_key)
{
	struct ordered_key ordered = {.kind = ret_key->kind, .key_order = key_order, .key = key};

	if (!key.data || key.length == 0)
		return error_raise(-DER_INVAL, "a key is empty");
	if (key.length > VOS_KEY_MAX)
		return error_raise(-DER_KEY2BIG, "a key has %u bytes; the limit is %u", key.length,
				   VOS_KEY_MAX);
	switch (key_order) {
	case KEY_HASHED:
		ordered.order = hash64(key.data, key.length, HASH_FIRST);
		ordered.hash = hash64(key.data, key.length, HASH_SECOND);
		break;
	case KEY_LEXICAL:
		ordered.order = lexical_order(key);
		break;
	case KEY_INTEGER:
		if (key.length != sizeof(uint64_t))
			return error_raise(-DER_INVAL, "an integer key has %u bytes instead of 8",
					   key.length);
		ordered.order = load_u64(key.data);
		break;
	}
	*ret_key = ordered;
	return 0;
}

void
key_name_hash(const struct ordered_key *key, uint64_t ret_hash[2])
{
	ret_hash[0] = key->order;
	ret_hash[1] = key->hash;
	if (key->key_order != KEY_LEXICAL)
		return;
	ret_hash[0] = hash64(key->key.data, key->key.length, HASH_FIRST);
	ret_hash[1] = hash64(key->key.data, key->key.length, HASH_SECOND);
}

int
kind_order(const struct btree_kind *kind, struct vos_key key, struct ordered_key *ret_key)
{
	ret_key->kind = kind;
	return key_order_set((enum key_order)((kind->id - TREE_DKEYS_HASHED) % 3), key, ret_key);
}

int
dkey_order(const struct vos_object *object, struct vos_key key, struct ordered_key *ret_key)
{
	ret_key->kind = dkey_kind(object->id);
	return key_order_set(object_id_dkey_order(object->id), key, ret_key);
}

int
akey_order(const struct vos_object *object, struct vos_key key, struct ordered_key *ret_key)
{
	ret_key->kind = akey_kind(object->id);
	return key_order_set(object_id_akey_order(object->id), key, ret_key);
}

void
object_order(const struct vos_object *object, struct ordered_key *ret_key)
{
	uint8_t bytes[20];

	store_u64(bytes, object->id.lo);
	store_u64(bytes + 8, object->id.hi);
	store_u32(bytes + 16, object->shard);
	*ret_key = (struct ordered_key){
		.kind = &tree_kinds[TREE_OBJECTS],
		.order = hash64(bytes, sizeof(bytes), HASH_FIRST),
		.object = *object,
	};
}

int
entity_key(struct pin *pin, const struct entity *entity, struct vos_key *ret_key)
{
	const struct key_record *record;

	if (entity->key_length <= KEY_INLINE_MAX) {
		*ret_key = (struct vos_key){entity->key.bytes, entity->key_length};
		return 0;
	}
	record = heap_at(pin, entity->key.offset, sizeof(*record) + entity->key_length);
	if (!record)
		return pin_outcome(pin);
	if (record->type != RECORD_KEY || record->version != RECORD_VERSION ||
	    record->length != entity->key_length)
		return error_raise(-DER_IO, "the heap is damaged: no key at %llu",
				   (unsigned long long)entity->key.offset);
	*ret_key = (struct vos_key){record + 1, entity->key_length};
	return 0;
}
