/* SPDX-License-Identifier: BSD-2-Clause-Patent */
/*
 * Records of heaps that are not open: a heap that could not be read at a start, or was closed
 * without a checkpoint. They stay in the log for the next start, and the log does not begin behind
 * them. Where that leaves no room for the other heaps they are given up: the header that moves the
 * start of the log behind them names their heaps, so that none of these is ever opened as if
 * nothing were missing.
 */
#include <stdio.h>

#include "media/private.h"

static struct kept_heap *
find(const struct media *media, const char *name)
{
	LIST_FOR_EACH(link, &media->kept) {
		struct kept_heap *kept = list_entry(link, struct kept_heap, link);

		if (strcmp(kept->name, name) == 0)
			return kept;
	}
	return NULL;
}

void
kept_from(struct media *media, const char *name, uint64_t group)
{
	struct kept_heap *kept = find(media, name);

	if (!kept) {
		kept = arena_calloc(media->arena, 1, sizeof(*kept));
		if (!kept) {
			/* Stays until the next start, whatever comes. */
			media->kept_unnamed =
				media->kept_unnamed ? min_of(media->kept_unnamed, group) : group;
			return;
		}
		snprintf(kept->name, sizeof(kept->name), "%s", name);
		kept->group = group;
		list_append(&media->kept, &kept->link);
	}
	kept->group = min_of(kept->group, group);
	log_notice("log %s keeps groups from %lu on for heap %s, which is not open", media->name,
		   (unsigned long)kept->group, name);
}

/* The newest group that the heap says it does not need. A clean superblock of another log says
 * nothing of this one. */
static uint64_t
covered_group(const struct media *media, const struct heap_superblock *superblock)
{
	return superblock && uuid_equal(&superblock->log_id, &media->header.log_id)
		       ? superblock->covered_sequence
		       : 0;
}

void
kept_note(struct media *media, const char *name, const struct heap_superblock *superblock)
{
	uint64_t group = 0;
	int rc;

	if (superblock && !(superblock->flags & SUPERBLOCK_CLEAN) &&
	    !uuid_equal(&superblock->log_id, &media->header.log_id))
		return;
	rc = replay_find(media, name, superblock ? &superblock->id : NULL,
			 covered_group(media, superblock), &group);
	if (rc != 0)
		group = media->start;
	REACHED("media: records of a heap that cannot be opened are kept");
	if (group != 0)
		kept_from(media, name, group);
}

void
kept_drop(struct media *media, const char *name)
{
	struct kept_heap *kept = find(media, name);

	if (!kept)
		return;
	list_remove(&kept->link);
	arena_free(media->arena, kept);
}

uint64_t
kept_oldest(const struct media *media)
{
	uint64_t oldest = media->kept_unnamed;

	LIST_FOR_EACH(link, &media->kept) {
		uint64_t group = list_entry(link, struct kept_heap, link)->group;

		oldest = oldest ? min_of(oldest, group) : group;
	}
	return oldest;
}

/* ------------------------------------------------ given up */

bool
kept_given_up(const struct media *media, const char *name)
{
	for (uint32_t i = 0; i < media->header.given_up_count; i++)
		if (strcmp(media->given_up[i], name) == 0)
			return true;
	return false;
}

static void
forgive(struct media *media, uint32_t index)
{
	uint32_t last = --media->header.given_up_count;

	memcpy(media->given_up[index], media->given_up[last], HEAP_NAME_MAX);
	memset(media->given_up[last], 0, HEAP_NAME_MAX);
}

bool
kept_forgive(struct media *media, const char *name)
{
	for (uint32_t i = 0; i < media->header.given_up_count; i++) {
		if (strcmp(media->given_up[i], name) == 0) {
			forgive(media, i);
			return true;
		}
	}
	return false;
}

/* What cannot be asked for counts as there. */
static bool
heap_exists(struct media *media, const char *name)
{
	struct storage *storage = media->env->storage;
	char file[HEAP_NAME_MAX + 8];
	struct disk *disk;
	int rc;

	snprintf(file, sizeof(file), "%s.heap", name);
	rc = storage->open(storage, file, &disk);
	if (rc == 0)
		disk_close(disk);
	return rc != -DER_NONEXIST;
}

bool
kept_forgive_removed(struct media *media)
{
	bool any = false;

	for (uint32_t i = media->header.given_up_count; i-- > 0;) {
		if (!heap_exists(media, media->given_up[i])) {
			forgive(media, i);
			any = true;
		}
	}
	return any;
}

static void
give_up(struct media *media, struct kept_heap *kept)
{
	if (heap_exists(media, kept->name) && !kept_given_up(media, kept->name)) {
		error_log(LOG_ERROR, -DER_DF_INVAL,
			  "log %s is full: the records of heap %s, which could not be opened, are "
			  "given up from group %lu on; it is out of service until it is destroyed",
			  media->name, kept->name, (unsigned long)kept->group);
		snprintf(media->given_up[media->header.given_up_count++], HEAP_NAME_MAX, "%s",
			 kept->name);
	}
	list_remove(&kept->link);
	arena_free(media->arena, kept);
}

bool
kept_give_up(struct media *media)
{
	struct list *link;

	if (list_empty(&media->kept) || media->kept_unnamed)
		return false;
	(void)kept_forgive_removed(media);
	if (media->header.given_up_count + list_length(&media->kept) > LOG_GIVEN_UP_MAX) {
		if (!media->given_up_full)
			log_warning(
				"log %s is full of records of %zu heaps that could not be opened: "
				"destroy some of those that are out of service",
				media->name, list_length(&media->kept));
		media->given_up_full = true;
		return false;
	}
	REACHED("media: records of a heap are given up");
	while ((link = list_first(&media->kept)))
		give_up(media, list_entry(link, struct kept_heap, link));
	return true;
}

void
kept_fini(struct media *media)
{
	struct list *link;

	while ((link = list_pop(&media->kept)))
		arena_free(media->arena, list_entry(link, struct kept_heap, link));
}
