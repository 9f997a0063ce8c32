/* SPDX-License-Identifier: BSD-2-Clause-Patent */
/* Putting keys into the directories of the workload "listing", and taking them away. */
#include <string.h>

#include "sim/work_listing.h"

/* ------------------------------------------------ handles */

static bool
is_pairs(const struct directory *directory)
{
	return directory->kind->level == LEVEL_PAIRS;
}

static void
entry_close(struct open_directory *open)
{
	if (open->directory == NULL)
		return;
	(void)(is_pairs(open->directory) ? daos_kv_close(open->handle, NULL)
					 : daos_obj_close(open->handle, NULL));
	open->directory = NULL;
}

static int
directory_oid(struct listing_actor *listing, const struct directory *directory,
	      daos_obj_id_t *ret_oid)
{
	*ret_oid = (daos_obj_id_t){.lo = directory->number + 1};
	return daos_obj_generate_oid(listing->actor->container, ret_oid, directory->kind->type,
				     directory->kind->class, 0, 0);
}

int
directory_verify(struct listing_actor *listing, const struct directory *directory)
{
	daos_obj_id_t oid;
	int rc = directory_oid(listing, directory, &oid);

	return rc ? rc : daos_obj_verify(listing->actor->container, oid, DAOS_EPOCH_MAX);
}

static int
entry_open(struct listing_actor *listing, const struct directory *directory,
	   struct open_directory *open)
{
	daos_handle_t container = listing->actor->container;
	daos_obj_id_t oid;
	int rc = directory_oid(listing, directory, &oid);

	if (rc)
		return rc;
	rc = is_pairs(directory) ? daos_kv_open(container, oid, DAOS_OO_RW, &open->handle, NULL)
				 : daos_obj_open(container, oid, DAOS_OO_RW, &open->handle, NULL);
	if (rc)
		return rc;
	open->directory = directory;
	open->number = ++listing->model->handles;
	open->calls = 0;
	return 0;
}

struct open_directory *
directory_open(struct listing_actor *listing, const struct directory *directory)
{
	struct open_directory *open = &listing->open[directory->number % ACTIVE_MAX];

	if (open->directory == directory && !stream_chance(&listing->actor->random, 3))
		return open;
	entry_close(open);
	return entry_open(listing, directory, open) == 0 ? open : NULL;
}

void
directories_close(struct listing_actor *listing)
{
	for (uint32_t i = 0; i < ACTIVE_MAX; i++)
		entry_close(&listing->open[i]);
}

daos_key_t
directory_dkey(const struct directory *directory, uint64_t *integer)
{
	daos_key_t key;

	(void)directory;
	*integer = UINT64_C(0x6469726563746f72);
	d_iov_set(&key, integer, sizeof(*integer));
	return key;
}

daos_key_t
directory_akey(const struct directory *directory, uint64_t *integer)
{
	daos_key_t key;

	(void)directory;
	*integer = 7;
	d_iov_set(&key, integer, sizeof(*integer));
	return key;
}

/* ------------------------------------------------ the call */

struct writing {
	uint64_t dkey_integer, akey_integer;
	daos_key_t dkey, akey;
	daos_key_t keys[CHANGE_KEYS];
	daos_recx_t extents[CHANGE_KEYS];
	daos_iod_t iods[CHANGE_KEYS];
	d_sg_list_t sgls[CHANGE_KEYS];
	d_iov_t iov;
	uint8_t bytes[CHANGE_KEYS * EXTENT_RECORD * 8];
};

static void
writing_init(const struct change *change, struct writing *writing)
{
	const struct directory *directory = change->directory;

	memset(writing, 0, sizeof(*writing));
	writing->dkey = directory_dkey(directory, &writing->dkey_integer);
	writing->akey = directory_akey(directory, &writing->akey_integer);
	d_iov_set(&writing->iov, writing->bytes, VALUE_MIN);
	for (uint32_t i = 0; i < change->count; i++) {
		struct listed_key *key = &directory->keys[change->keys[i]];

		d_iov_set(&writing->keys[i], key->name, key->length);
		writing->extents[i] = extent_of(change->keys[i]);
		writing->sgls[i] = (d_sg_list_t){.sg_nr = 1, .sg_iovs = &writing->iov};
		writing->iods[i] = (daos_iod_t){.iod_name = writing->keys[i],
						.iod_type = DAOS_IOD_SINGLE,
						.iod_size = VALUE_MIN,
						.iod_nr = 1};
	}
}

static int
write_dkey(daos_handle_t handle, const struct change *change, struct writing *writing)
{
	if (!change->insert)
		return daos_obj_punch_dkeys(handle, DAOS_TX_NONE, 0, change->count, writing->keys,
					    NULL);
	writing->iods[0].iod_name = writing->akey;
	return daos_obj_update(handle, DAOS_TX_NONE, 0, &writing->keys[0], 1, writing->iods,
			       writing->sgls, NULL);
}

static int
write_akeys(daos_handle_t handle, const struct change *change, struct writing *writing)
{
	if (!change->insert)
		return daos_obj_punch_akeys(handle, DAOS_TX_NONE, 0, &writing->dkey, change->count,
					    writing->keys, NULL);
	return daos_obj_update(handle, DAOS_TX_NONE, 0, &writing->dkey, change->count,
			       writing->iods, writing->sgls, NULL);
}

static int
write_extents(daos_handle_t handle, const struct change *change, struct writing *writing)
{
	daos_iod_t iod = {.iod_name = writing->akey,
			  .iod_type = DAOS_IOD_ARRAY,
			  .iod_size = change->insert ? EXTENT_RECORD : 0,
			  .iod_nr = change->count,
			  .iod_recxs = writing->extents};

	d_iov_set(&writing->iov, writing->bytes, sizeof(writing->bytes));
	return daos_obj_update(handle, DAOS_TX_NONE, 0, &writing->dkey, 1, &iod,
			       change->insert ? writing->sgls : NULL, NULL);
}

static int
write_pair(daos_handle_t handle, const struct change *change, struct writing *writing)
{
	const char *name = writing->keys[0].iov_buf;

	if (!change->insert)
		return daos_kv_remove(handle, DAOS_TX_NONE, 0, name, NULL);
	return daos_kv_put(handle, DAOS_TX_NONE, 0, name, VALUE_MIN, writing->bytes, NULL);
}

static int
change_call(struct listing_actor *listing, const struct change *change)
{
	static int (*const writers[])(daos_handle_t handle, const struct change *change,
				      struct writing *writing) = {
		[LEVEL_DKEYS] = write_dkey,
		[LEVEL_AKEYS] = write_akeys,
		[LEVEL_EXTENTS] = write_extents,
		[LEVEL_PAIRS] = write_pair,
	};
	struct open_directory *open = directory_open(listing, change->directory);
	struct writing writing;

	if (open == NULL)
		return -DER_NOMEM;
	writing_init(change, &writing);
	return writers[change->directory->kind->level](open->handle, change, &writing);
}

/* ------------------------------------------------ the history */

/* Every third key stays once it is there. */
static bool
may_change(const struct directory *directory, uint32_t key, bool insert)
{
	return insert || key % 3 != 0 || directory->key_count < 6;
}

static bool
has_key(const struct change *change, uint32_t key)
{
	for (uint32_t i = 0; i < change->count; i++)
		if (change->keys[i] == key)
			return true;
	return false;
}

/* One key, or where a call takes more, several. */
static void
change_draw(struct listing_actor *listing, struct directory *directory, bool insert,
	    struct change *change)
{
	struct stream *random = &listing->actor->random;
	bool one = is_pairs(directory) || (directory->kind->level == LEVEL_DKEYS && insert);
	uint64_t wanted = one ? 1 : stream_between(random, 1, CHANGE_KEYS);

	*change = (struct change){.directory = directory, .insert = insert};
	for (uint64_t i = 0; i < 2 * wanted && change->count < wanted; i++) {
		uint32_t key = (uint32_t)stream_draw(random, directory->key_count);

		if (may_change(directory, key, insert) && !has_key(change, key))
			change->keys[change->count++] = key;
	}
}

static void
change_enter(struct actor *actor, struct change *change)
{
	struct key_change entry = {
		.begin = actor_time(actor), .end = CHANGE_NEVER, .insert = change->insert};

	change->busy = true;
	for (uint32_t i = 0; i < change->count; i++) {
		struct listed_key *key = &change->directory->keys[change->keys[i]];

		change->entries[i] = key->change_count;
		key_change_add(key, &entry);
	}
}

/* One that had no effect becomes one that took no time and lies before everything. */
static void
change_void(struct key_change *entry)
{
	*entry = (struct key_change){.begin = 0, .end = 0, .insert = false};
}

void
change_make(struct listing_actor *listing, struct directory *directory, bool insert)
{
	struct actor *actor = listing->actor;
	struct change *change = &listing->hand->change;
	enum outcome outcome;
	uint64_t end;
	int rc;

	change_draw(listing, directory, insert, change);
	if (change->count == 0)
		return;
	change_enter(actor, change);
	rc = change_call(listing, change);
	outcome = actor_done(actor, insert ? LISTING_INSERT : LISTING_REMOVE, rc);
	/* Of several dkeys some may have gone. */
	if (outcome == OUTCOME_FAILED && change->count > 1)
		outcome = OUTCOME_UNKNOWN;
	end = actor_time(actor);
	change->busy = false;
	if (rc == -DER_INVAL || rc == -DER_EXIST || rc == -DER_NONEXIST)
		sim_violation(actor->sim, "keys of directory %u cannot be changed: %d",
			      directory->number, rc);
	if (outcome == OUTCOME_UNKNOWN)
		directory->unsure += change->count;
	for (uint32_t i = 0; i < change->count; i++) {
		struct key_change *entry =
			&directory->keys[change->keys[i]].changes[change->entries[i]];

		if (outcome == OUTCOME_OK)
			entry->end = end;
		else if (outcome == OUTCOME_FAILED)
			change_void(entry);
	}
}
