/* SPDX-License-Identifier: BSD-2-Clause-Patent */
/*
 * What transactions have read, so that nobody changes it behind their backs. A transaction reads
 * and writes at its epoch; between the reading and the commit a change of an older epoch could
 * still come, which it ought to have seen. So each read leaves a stamp, and a change below the
 * stamp starts again with a newer epoch.
 *
 * Plain reads leave none. Such a read is a transaction of its own that writes nothing: whatever
 * comes after it in real time, with whatever epoch, it may stand before that in the order of all
 * transactions, as nothing else is bound to the place of its epoch. What is read at a snapshot is
 * bound to its epoch; there the container's guard refuses older changes.
 *
 * The table never forgets. It has a fixed number of places, found by hash, and what falls into the
 * same place is not told apart: a stamp may be newer than it need be, which costs a restart.
 */
#include "vos/intent.h"

#define STAMP_OBJECTS 256u
#define STAMP_KEYS 2048u /* dkeys and akeys */

/* The newest read, and the transaction that made it: a hash of its id, 0 for several. */
struct stamp {
	uint64_t epoch; /* minor bits set */
	uint64_t reader;
};

/* Reads of one place: of all that is beneath, and of any part of that. */
struct stamp_pair {
	struct stamp all, any;
};

struct stamps {
	struct stamp_pair containers[16];
	struct stamp_pair objects[STAMP_OBJECTS];
	struct stamp_pair keys[STAMP_KEYS];
};

static uint64_t
reader_hash(const struct uuid *reader)
{
	return uuid_empty(reader) ? 0 : uuid_hash(reader) | 1;
}

static void
stamp_set(struct stamp *stamp, uint64_t epoch, uint64_t reader)
{
	if (epoch > stamp->epoch)
		*stamp = (struct stamp){epoch, reader};
	else if (epoch == stamp->epoch && stamp->reader != reader)
		stamp->reader = 0;
}

/* ------------------------------------------------ places */

static uint64_t
object_hash(const struct vos_container *container, const struct vos_object *object)
{
	return hash_combine(hash_combine(uuid_hash(&container->id), object->id.hi),
			    hash_combine(object->id.lo, object->shard));
}

static uint64_t
key_hash(uint64_t parent, const struct ordered_key *key)
{
	uint64_t hash[2];

	key_name_hash(key, hash);
	return hash_combine(parent, hash_combine(hash[0], hash[1]));
}

static struct stamp_pair *
container_place(struct stamps *stamps, const struct vos_container *container)
{
	return &stamps->containers[uuid_hash(&container->id) % ARRAY_SIZE(stamps->containers)];
}

static struct stamp_pair *
object_place(struct stamps *stamps, uint64_t hash)
{
	return &stamps->objects[hash % STAMP_OBJECTS];
}

static struct stamp_pair *
key_place(struct stamps *stamps, uint64_t hash)
{
	return &stamps->keys[hash % STAMP_KEYS];
}

/* ------------------------------------------------ noting */

/* A key that cannot be ordered names nothing that could be changed. */
static void
keys_note(struct vos_container *container, const struct vos_object *object, enum vos_level level,
	  struct vos_key dkey, struct vos_key akey, struct stamp stamp)
{
	struct stamps *stamps = container->vos->stamps;
	uint64_t hash = object_hash(container, object);
	struct ordered_key ordered;
	struct stamp_pair *place;

	if (dkey_order(object, dkey, &ordered) != 0)
		return;
	hash = key_hash(hash, &ordered);
	place = key_place(stamps, hash);
	stamp_set(&place->any, stamp.epoch, stamp.reader);
	if (level == VOS_AKEYS) {
		stamp_set(&place->all, stamp.epoch, stamp.reader);
		return;
	}
	if (akey_order(object, akey, &ordered) != 0)
		return;
	place = key_place(stamps, key_hash(hash, &ordered));
	stamp_set(&place->all, stamp.epoch, stamp.reader);
}

static void
place_note(struct vos_container *container, const struct vos_object *object, enum vos_level level,
	   struct vos_key dkey, struct vos_key akey, struct stamp stamp)
{
	struct stamps *stamps = container->vos->stamps;
	struct stamp_pair *place = container_place(stamps, container);

	if (level == VOS_OBJECTS) {
		stamp_set(&place->all, stamp.epoch, stamp.reader);
		return;
	}
	place = object_place(stamps, object_hash(container, object));
	stamp_set(&place->any, stamp.epoch, stamp.reader);
	if (level == VOS_DKEYS)
		stamp_set(&place->all, stamp.epoch, stamp.reader);
	else
		keys_note(container, object, level, dkey, akey, stamp);
}

void
vos_note_read(struct vos_container *container, const struct vos_object *object,
	      enum vos_level level, struct vos_key dkey, struct vos_key akey, uint64_t epoch,
	      struct uuid reader)
{
	struct stamp stamp = {epoch | HLC_MINOR_MASK, reader_hash(&reader)};
	struct vos *vos = container->vos;

	if (!vos->stamps)
		vos->stamps = arena_calloc(vos->arena, 1, sizeof(*vos->stamps));
	vos->stamped = max_of(vos->stamped, stamp.epoch);
	if (vos->stamps) {
		place_note(container, object, level, dkey, akey, stamp);
		return;
	}
	REACHED("vos: a read is noted for everything");
	vos->stamps_lost = max_of(vos->stamps_lost, stamp.epoch);
}

void
stamps_fini(struct vos *vos)
{
	arena_free(vos->arena, vos->stamps);
	vos->stamps = NULL;
}

/* ------------------------------------------------ judging */

/* Whether somebody else has read it at or above the change's epoch. */
static bool
stamp_refuses(const struct stamp *stamp, uint64_t epoch, uint64_t reader)
{
	uint64_t own = epoch | HLC_MINOR_MASK;

	return stamp->epoch > own ||
	       (stamp->epoch == own && (reader == 0 || stamp->reader != reader));
}

/* The place of a thing that is changed (punch: with all beneath it). */
static bool
place_refuses(const struct stamp_pair *place, bool punch, uint64_t epoch, uint64_t reader)
{
	return stamp_refuses(&place->all, epoch, reader) ||
	       (punch && stamp_refuses(&place->any, epoch, reader));
}

bool
stamps_refuse(const struct edit *edit, const struct touch *touch)
{
	struct stamps *stamps = edit->vos->stamps;
	uint64_t epoch = edit->epoch, reader = reader_hash(&edit->change->reader), hash;
	const uint8_t *key = (const uint8_t *)touch->keys;

	if (epoch <= edit->vos->stamps_lost)
		return true;
	if (!stamps || epoch > edit->vos->stamped || BUG(24))
		return false;
	hash = object_hash(edit->container, touch->object);
	if (place_refuses(container_place(stamps, edit->container), false, epoch, reader) ||
	    place_refuses(object_place(stamps, hash), !touch->keys, epoch, reader))
		return true;
	if (touch->dkey) {
		hash = key_hash(hash, touch->dkey);
		if (place_refuses(key_place(stamps, hash), false, epoch, reader))
			return true;
	}
	for (uint32_t i = 0; i < touch->count; i++, key += touch->stride) {
		const struct ordered_key *ordered = (const struct ordered_key *)(const void *)key;

		if (place_refuses(key_place(stamps, key_hash(hash, ordered)), !touch->dkey, epoch,
				  reader))
			return true;
	}
	return false;
}
