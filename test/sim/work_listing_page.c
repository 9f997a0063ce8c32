/* SPDX-License-Identifier: BSD-2-Clause-Patent */
/* Pages of listings, the largest and smallest keys, and epochs of the workload "listing". */
#include <string.h>

#include "sim/work_listing.h"

/* ------------------------------------------------ begin and copy */

static struct journey *
journey_make(struct listing_model *model)
{
	struct journey *journey = sim_take(sizeof(*journey));

	model->journeys =
		sim_grow(model->journeys, (model->journey_count + 1) * sizeof(struct journey *));
	model->journeys[model->journey_count++] = journey;
	return journey;
}

/* The groups that the keys of a directory are spread over. */
static uint32_t
group_count(const struct listing_model *model, const struct directory *directory)
{
	uint32_t targets = (uint32_t)plan_knob(sim_plan(model->sim), KNOB_TARGETS);
	enum directory_level level = directory->kind->level;

	if (directory->kind->class != OC_SX || level == LEVEL_AKEYS || level == LEVEL_EXTENTS)
		return 1;
	return targets;
}

/* Shard by shard, with anchors made all at once or one at a time. */
static void
journey_split(struct listing_actor *listing, struct journey *journey)
{
	struct open_directory *open = directory_open(listing, journey->directory);
	uint32_t count = SHARDS_MAX;
	int rc;

	if (open == NULL)
		return;
	rc = daos_obj_anchor_split(open->handle, &count, journey->shards);
	if (rc == 0 && count != journey->listing.runs && journey->listing.runs > 0)
		sim_violation(listing->model->sim, "%u shards of an object of %u groups", count,
			      journey->listing.runs);
	for (uint32_t i = 0; rc == 0 && i < count; i += 2) {
		memset(&journey->shards[i], 0, sizeof(journey->shards[i]));
		rc = daos_obj_anchor_set(open->handle, i, &journey->shards[i]);
	}
	(void)actor_done(listing->actor, LISTING_SPLIT, rc);
	if (rc)
		return;
	journey->shard_count = count;
	journey->anchor = journey->shards[0];
}

struct journey *
journey_begin(struct listing_actor *listing, struct directory *directory)
{
	struct journey *journey = journey_make(listing->model);

	journey->directory = directory;
	journey->listing.begin = actor_time(listing->actor);
	if (directory->kind->form != FORM_HASHED)
		journey->listing.runs = group_count(listing->model, directory);
	if (directory->kind->level == LEVEL_EXTENTS)
		journey->listing.falls = stream_chance(&listing->actor->random, 40);
	if (directory->kind->level == LEVEL_DKEYS && actor_takes(listing->actor, LISTING_SPLIT) &&
	    stream_chance(&listing->actor->random, 30))
		journey_split(listing, journey);
	return journey;
}

struct journey *
journey_copy(struct listing_model *model, const struct journey *journey)
{
	size_t bytes = journey->listing.entry_room * sizeof(struct listed_entry);
	struct journey *copy = journey_make(model);

	*copy = *journey;
	copy->listing.entries = NULL;
	if (bytes > 0) {
		copy->listing.entries = sim_take(bytes);
		memcpy(copy->listing.entries, journey->listing.entries, bytes);
	}
	return copy;
}

/* ------------------------------------------------ one page */

struct page {
	daos_anchor_t anchor;
	bool falls; /* extents: from the last to the first */
	uint32_t asked, count;
	daos_key_desc_t kds[PAGE_KEYS];
	daos_recx_t extents[PAGE_KEYS];
	daos_epoch_range_t epochs[PAGE_KEYS];
	daos_size_t record_size;
	d_iov_t iovs[2];
	d_sg_list_t sgl;
	uint64_t room;
	uint64_t begin, end;
};

/* One buffer, or two that lie behind each other. */
static void
page_buffers(struct page *page, uint8_t *bytes, uint64_t room, uint64_t cut)
{
	page->room = room;
	page->count = page->asked;
	page->sgl = (d_sg_list_t){.sg_nr = 1, .sg_iovs = page->iovs};
	d_iov_set(&page->iovs[0], bytes, room);
	if (cut == 0 || cut >= room)
		return;
	d_iov_set(&page->iovs[0], bytes, cut);
	d_iov_set(&page->iovs[1], bytes + cut, room - cut);
	page->sgl.sg_nr = 2;
}

static int
page_call(daos_handle_t handle, const struct directory *directory, struct page *page)
{
	uint64_t dkey_integer, akey_integer;
	daos_key_t dkey = directory_dkey(directory, &dkey_integer);
	daos_key_t akey = directory_akey(directory, &akey_integer);
	daos_handle_t th = DAOS_TX_NONE;

	switch (directory->kind->level) {
	case LEVEL_DKEYS:
		return daos_obj_list_dkey(handle, th, &page->count, page->kds, &page->sgl,
					  &page->anchor, NULL);
	case LEVEL_AKEYS:
		return daos_obj_list_akey(handle, th, &dkey, &page->count, page->kds, &page->sgl,
					  &page->anchor, NULL);
	case LEVEL_PAIRS:
		return daos_kv_list(handle, th, &page->count, page->kds, &page->sgl, &page->anchor,
				    NULL);
	case LEVEL_EXTENTS:
		return daos_obj_list_recx(handle, th, &dkey, &akey, &page->record_size,
					  &page->count, page->extents, page->epochs, &page->anchor,
					  !page->falls, NULL);
	}
	return -DER_INVAL;
}

/* A key that does not fit says how long it is. */
static int
page_get(struct listing_actor *listing, daos_handle_t handle, const struct directory *directory,
	 struct page *page)
{
	struct stream *random = &listing->actor->random;
	uint64_t room = stream_scaled(random, 16, PAGE_ROOM);
	uint64_t cut = stream_chance(random, 30) ? stream_draw(random, room) : 0;
	daos_anchor_t anchor = page->anchor;
	int rc;

	page->asked = (uint32_t)stream_between(random, 1, PAGE_KEYS);
	page_buffers(page, listing->hand->page, room, cut);
	page->begin = actor_time(listing->actor);
	rc = page_call(handle, directory, page);
	if (rc == -DER_KEY2BIG) {
		if (page->kds[0].kd_key_len <= room || page->kds[0].kd_key_len > PAGE_ROOM)
			sim_violation(listing->model->sim,
				      "a key of %llu bytes does not fit %llu bytes",
				      (unsigned long long)page->kds[0].kd_key_len,
				      (unsigned long long)room);
		room = min_of(page->kds[0].kd_key_len, (daos_size_t)PAGE_ROOM);
		page->anchor = anchor;
		page_buffers(page, listing->hand->page, room, 0);
		rc = page_call(handle, directory, page);
		/* The first key may be another one by now. */
		if (rc == -DER_KEY2BIG) {
			page->anchor = anchor;
			page_buffers(page, listing->hand->page, PAGE_ROOM, 0);
			rc = page_call(handle, directory, page);
		}
	}
	page->end = actor_time(listing->actor);
	return rc;
}

/* ------------------------------------------------ what it shows */

static void
entry_add(struct journey *journey, uint32_t key, const struct page *page)
{
	struct listing *listing = &journey->listing;

	if (listing->entry_count == listing->entry_room) {
		listing->entry_room = listing->entry_room ? listing->entry_room * 2 : 32;
		listing->entries =
			sim_grow(listing->entries, listing->entry_room * sizeof(*listing->entries));
	}
	listing->entries[listing->entry_count++] =
		(struct listed_entry){.key = key, .begin = page->begin, .end = page->end};
}

static void
take_names(struct listing_actor *listing, struct journey *journey, const struct page *page)
{
	uint64_t at = 0;

	for (uint32_t i = 0; i < page->count && !sim_violated(listing->model->sim); i++) {
		uint64_t length = page->kds[i].kd_key_len;
		uint32_t key = at + length > page->room
				       ? NO_KEY
				       : directory_find(journey->directory,
							listing->hand->page + at, (uint32_t)length);

		at += length;
		if (key == NO_KEY)
			sim_violation(listing->model->sim,
				      "a name of %llu bytes in directory %u that nobody gave",
				      (unsigned long long)length, journey->directory->number);
		else
			entry_add(journey, key, page);
	}
}

static void
take_extents(struct listing_actor *listing, struct journey *journey, const struct page *page)
{
	for (uint32_t i = 0; i < page->count && !sim_violated(listing->model->sim); i++) {
		uint32_t key = extent_find(journey->directory, page->extents[i]);

		if (key == NO_KEY || page->record_size != EXTENT_RECORD)
			sim_violation(listing->model->sim,
				      "an extent %llu+%llu of %llu bytes that nobody wrote",
				      (unsigned long long)page->extents[i].rx_idx,
				      (unsigned long long)page->extents[i].rx_nr,
				      (unsigned long long)page->record_size);
		else
			entry_add(journey, key, page);
	}
}

/* Goes to the next shard where there is one. */
static bool
journey_is_over(struct journey *journey)
{
	if (!daos_anchor_is_eof(&journey->anchor))
		return false;
	if (++journey->shard >= journey->shard_count)
		return true;
	journey->anchor = journey->shards[journey->shard];
	return false;
}

static void
take_page(struct listing_actor *listing, struct journey *journey, const struct page *page)
{
	if (page->count > page->asked) {
		sim_violation(listing->model->sim, "%u keys where %u were asked for", page->count,
			      page->asked);
		return;
	}
	if (journey->directory->kind->level == LEVEL_EXTENTS)
		take_extents(listing, journey, page);
	else
		take_names(listing, journey, page);
	journey->anchor = page->anchor;
	journey->listing.end = page->end;
	journey->listing.complete = journey_is_over(journey);
}

/* ------------------------------------------------ going on */

/*
 * Whether the handle need not know the anchor: one behind a long key, which may have gone since, is
 * known to the handle that gave it, until that has given many others.
 */
static bool
anchor_may_be_lost(const struct journey *journey, const struct open_directory *open)
{
	return journey->directory->kind->form != FORM_INTEGER &&
	       (journey->handle != open->number ||
		open->calls - journey->handle_calls >= POSITIONS_KEPT);
}

static uint32_t
operation_of(const struct directory *directory)
{
	static const uint8_t operations[] = {
		[LEVEL_DKEYS] = LISTING_DKEYS,
		[LEVEL_AKEYS] = LISTING_AKEYS,
		[LEVEL_EXTENTS] = LISTING_EXTENTS,
		[LEVEL_PAIRS] = LISTING_PAIRS,
	};

	return operations[directory->kind->level];
}

bool
journey_go_on(struct listing_actor *listing, struct journey *journey)
{
	struct open_directory *open = directory_open(listing, journey->directory);
	struct page page = {.anchor = journey->anchor, .falls = journey->listing.falls};
	int rc;

	if (open == NULL)
		return true;
	rc = page_get(listing, open->handle, journey->directory, &page);
	(void)actor_done(listing->actor, operation_of(journey->directory), rc);
	if (rc == -DER_INVAL && anchor_may_be_lost(journey, open))
		return false;
	if (rc == -DER_INVAL || rc == -DER_NONEXIST || rc == -DER_KEY2BIG)
		sim_violation(listing->model->sim, "a listing of directory %u ended with %d",
			      journey->directory->number, rc);
	if (rc)
		return true;
	take_page(listing, journey, &page);
	journey->handle = open->number;
	journey->handle_calls = ++open->calls;
	return !journey->listing.complete;
}

/* ------------------------------------------------ the largest, the smallest, the newest */

static int
edge_call(daos_handle_t handle, const struct directory *directory, uint64_t flags,
	  uint32_t *ret_key)
{
	uint64_t dkey_integer, akey_integer;
	daos_key_t dkey = directory_dkey(directory, &dkey_integer);
	daos_key_t akey = directory_akey(directory, &akey_integer);
	enum directory_level level = directory->kind->level;
	const uint64_t *found = level == LEVEL_DKEYS ? &dkey_integer : &akey_integer;
	daos_recx_t extent = {0};
	int rc;

	flags |= level == LEVEL_DKEYS	? DAOS_GET_DKEY
		 : level == LEVEL_AKEYS ? DAOS_GET_AKEY
					: DAOS_GET_RECX;
	rc = daos_obj_query_key(handle, DAOS_TX_NONE, flags, &dkey, &akey, &extent, NULL);
	*ret_key = NO_KEY;
	if (rc)
		return rc == -DER_NONEXIST ? 0 : rc;
	if (level == LEVEL_EXTENTS && extent.rx_nr == 0)
		return 0;
	*ret_key = level == LEVEL_EXTENTS ? extent_find(directory, extent)
					  : directory_find(directory, found, sizeof(*found));
	return *ret_key == NO_KEY ? -DER_MISMATCH : 0;
}

void
edge_ask(struct listing_actor *listing, struct directory *directory)
{
	struct open_directory *open = directory_open(listing, directory);
	struct edge_query query = {.begin = actor_time(listing->actor),
				   .largest = stream_chance(&listing->actor->random, 50)};
	int rc;

	if (directory->kind->form != FORM_INTEGER || open == NULL)
		return;
	rc = edge_call(open->handle, directory, query.largest ? DAOS_GET_MAX : DAOS_GET_MIN,
		       &query.key);
	query.end = actor_time(listing->actor);
	(void)actor_done(listing->actor, LISTING_QUERY, rc);
	if (rc == -DER_MISMATCH || rc == -DER_INVAL)
		sim_violation(listing->model->sim,
			      "the largest or smallest key of directory %u: %d", directory->number,
			      rc);
	if (rc)
		return;
	if (directory->edge_count == directory->edge_room) {
		directory->edge_room = directory->edge_room ? directory->edge_room * 2 : 16;
		directory->edges = sim_grow(directory->edges,
					    directory->edge_room * sizeof(*directory->edges));
	}
	directory->edges[directory->edge_count++] = query;
}

void
epoch_ask(struct listing_actor *listing, struct directory *directory)
{
	struct open_directory *open = directory_open(listing, directory);
	struct epoch_query query = {.begin = actor_time(listing->actor)};
	daos_epoch_t epoch;
	int rc;

	if (directory->kind->level == LEVEL_PAIRS || open == NULL)
		return;
	rc = daos_obj_query_max_epoch(open->handle, DAOS_TX_NONE, &epoch, NULL);
	query.end = actor_time(listing->actor);
	(void)actor_done(listing->actor, LISTING_EPOCH, rc);
	if (rc)
		return;
	query.epoch = epoch;
	if (directory->epoch_count == directory->epoch_room) {
		directory->epoch_room = directory->epoch_room ? directory->epoch_room * 2 : 16;
		directory->epochs = sim_grow(directory->epochs,
					     directory->epoch_room * sizeof(*directory->epochs));
	}
	directory->epochs[directory->epoch_count++] = query;
}

/* What comes first from an anchor on; NO_KEY for nothing. */
static int
first_of(struct listing_actor *listing, const struct open_directory *open,
	 const struct directory *directory, struct page *page, uint32_t *ret_key)
{
	int rc;

	page->asked = 1;
	page_buffers(page, listing->hand->page, PAGE_ROOM, 0);
	rc = page_call(open->handle, directory, page);
	*ret_key = NO_KEY;
	if (rc || page->count == 0)
		return rc;
	*ret_key =
		directory_find(directory, listing->hand->page, (uint32_t)page->kds[0].kd_key_len);
	return 0;
}

void
anchor_ask(struct listing_actor *listing, struct directory *directory)
{
	struct open_directory *open = directory_open(listing, directory);
	uint32_t number = (uint32_t)stream_draw(&listing->actor->random, directory->key_count);
	struct listed_key *key = &directory->keys[number];
	uint64_t begin = actor_time(listing->actor), dkey_integer;
	daos_key_t dkey = directory_dkey(directory, &dkey_integer), wanted;
	bool akeys = directory->kind->level == LEVEL_AKEYS;
	struct page page = {.falls = false};
	uint32_t first = NO_KEY;
	int rc;

	if (open == NULL || (!akeys && directory->kind->level != LEVEL_DKEYS))
		return;
	d_iov_set(&wanted, key->name, key->length);
	rc = daos_obj_key2anchor(open->handle, DAOS_TX_NONE, akeys ? &dkey : &wanted,
				 akeys ? &wanted : NULL, &page.anchor, NULL);
	if (rc == 0)
		rc = first_of(listing, open, directory, &page, &first);
	open->calls++;
	(void)actor_done(listing->actor, LISTING_ANCHOR, rc);
	if (rc == 0 && first != number && !server_may_roll_back(listing->model->server) &&
	    key_presence(key, begin, actor_time(listing->actor)) == PRESENCE_ALWAYS)
		sim_violation(listing->model->sim,
			      "an anchor at key %u of directory %u shows key %d", number,
			      directory->number, (int)first);
}
