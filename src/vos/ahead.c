/* SPDX-License-Identifier: BSD-2-Clause-Patent */
/*
 * What the changes of a transaction will have done, as far as they are prepared. None of them is in
 * the trees yet, which are what they were before the first; each change is judged by the trees and
 * by what is noted here, and then noted itself.
 */
#include "vos/intent.h"

void
ahead_init(struct ahead *ahead, struct arena *arena)
{
	*ahead = (struct ahead){.arena = arena};
	table_init(&ahead->entities, arena);
}

void
ahead_fini(struct ahead *ahead)
{
	TABLE_FOR_EACH_SAFE(node, &ahead->entities) {
		table_remove(&ahead->entities, node);
		arena_free(ahead->arena, table_entry(node, struct ahead_entity, node));
	}
	table_fini(&ahead->entities);
}

/* ------------------------------------------------ entries */

static bool
entity_equal(const void *key, const struct table_node *node)
{
	return table_entry(node, struct ahead_entity, node)->second == *(const uint64_t *)key;
}

/* Two independent hashes of a key and all above it. */
static void
entity_hash(const struct ahead_entity *parent, const struct ordered_key *key, uint64_t ret_hash[2])
{
	if (!parent) {
		ret_hash[0] = hash_combine(hash_combine(key->object.id.hi, key->object.id.lo),
					   key->object.shard);
		ret_hash[1] = hash_combine(key->object.shard,
					   hash_combine(key->object.id.lo, key->object.id.hi));
		return;
	}
	key_name_hash(key, ret_hash);
	ret_hash[0] = hash_combine(parent->node.hash, ret_hash[0]);
	ret_hash[1] = hash_combine(parent->second, ret_hash[1] ^ key->order);
}

struct ahead_entity *
ahead_find(const struct ahead *ahead, const struct ahead_entity *parent,
	   const struct ordered_key *key)
{
	struct table_node *node;
	uint64_t hash[2];

	entity_hash(parent, key, hash);
	node = table_find(&ahead->entities, hash[0], entity_equal, &hash[1]);
	return node ? table_entry(node, struct ahead_entity, node) : NULL;
}

int
ahead_enter(struct ahead *ahead, struct ahead_entity *parent, const struct ordered_key *key,
	    struct ahead_entity **ret_entity)
{
	struct ahead_entity *entity = ahead_find(ahead, parent, key);
	uint64_t hash[2];

	if (!entity) {
		entity = arena_calloc(ahead->arena, 1, sizeof(*entity));
		if (!entity)
			return error_raise(-DER_NOMEM, "no memory for a transaction");
		entity_hash(parent, key, hash);
		entity->second = hash[1];
		entity->parent = parent;
		table_insert(&ahead->entities, hash[0], &entity->node);
	}
	*ret_entity = entity;
	return 0;
}

/* ------------------------------------------------ questions */

/* The newest punch of it or above. */
static uint32_t
punched_by(const struct ahead_entity *entity)
{
	uint32_t change = 0;

	for (; entity; entity = entity->parent)
		change = max_of(change, entity->punched);
	return change;
}

bool
ahead_written(const struct ahead_entity *entity)
{
	return entity->written > punched_by(entity);
}

bool
ahead_visible(const struct ahead_entity *entity, bool seen)
{
	uint32_t punched = punched_by(entity);

	return entity->written > punched || (seen && punched == 0);
}

bool
ahead_bare(const struct ahead_entity *entity)
{
	return punched_by(entity) == 0;
}

uint32_t
ahead_live(const struct ahead_entity *dkey)
{
	return dkey->live_at == punched_by(dkey) ? dkey->live : 0;
}

/* ------------------------------------------------ notes */

void
ahead_write(struct ahead *ahead, struct ahead_entity *akey, uint32_t minor)
{
	struct ahead_entity *dkey = akey->parent;

	if (!ahead_written(akey)) {
		dkey->live = ahead_live(dkey) + 1;
		dkey->live_at = punched_by(dkey);
	}
	for (struct ahead_entity *entity = akey; entity; entity = entity->parent)
		entity->written = ahead->change;
	ahead_touch(akey, minor, false);
}

void
ahead_punch(struct ahead *ahead, struct ahead_entity *entity)
{
	bool is_akey = entity->parent && entity->parent->parent;

	if (is_akey && ahead_written(entity))
		entity->parent->live--;
	entity->punched = ahead->change;
}

void
ahead_touch(struct ahead_entity *entity, uint32_t minor, bool punch)
{
	if (punch)
		entity->cleared = max_of(entity->cleared, minor + 1);
	for (; entity; entity = entity->parent)
		entity->touched = max_of(entity->touched, minor + 1);
}

int
minor_judge(uint32_t minor)
{
	if (minor <= HLC_MINOR_MASK)
		return 0;
	return error_raise(-DER_OVERFLOW,
			   "a transaction changes one thing more than %u times in order",
			   (uint32_t)HLC_MINOR_MASK + 1);
}
