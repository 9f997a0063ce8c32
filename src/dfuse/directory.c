/* SPDX-License-Identifier: BSD-2-Clause-Patent */
/*
 * Listings. A place in one is a number to the kernel: page times PAGE plus the entry within it,
 * from 2 on, after "." and "..". A page begins behind a name; the names before the pages met so far
 * are kept, so that the kernel may go back.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "dfuse/private.h"

#define DOTS 2

struct listing {
	pthread_mutex_t lock;
	struct node *node;
	struct node_use use; /* of a directory in a container */
	struct page *held;   /* in memory; NULL: none */
	uint32_t page;	     /* which one that is */
	char **starts;	     /* the last name before each page; of the first one: NULL */
	uint32_t start_count, start_capacity;
};

static struct listing *
listing_of(const struct fuse_file_info *info)
{
	return (struct listing *)(uintptr_t)info->fh;
}

static void
listing_free(struct listing *listing)
{
	for (uint32_t i = 0; i < listing->start_count; i++)
		free(listing->starts[i]);
	free(listing->starts);
	page_put(listing->held);
	node_use_end(&listing->use);
	pthread_mutex_destroy(&listing->lock);
	free(listing);
}

static void
directory_closed(struct dfuse *dfuse, struct listing *listing)
{
	atomic_fetch_sub(&listing->node->opened, 1);
	atomic_fetch_sub(&dfuse->open_directories, 1);
	listing_free(listing);
}

void
dfuse_opendir(fuse_req_t request, fuse_ino_t number, struct fuse_file_info *info)
{
	struct dfuse *dfuse = dfuse_of(request);
	struct listing *listing = calloc(1, sizeof(*listing));
	int rc = 0;

	if (listing == NULL) {
		fuse_reply_err(request, ENOMEM);
		return;
	}
	pthread_mutex_init(&listing->lock, NULL);
	listing->node = node_of(dfuse, number);
	if (listing->node->volume)
		rc = node_use_begin(dfuse, listing->node, &listing->use);
	if (dfuse_outcome(dfuse, rc)) {
		listing_free(listing);
		fuse_reply_err(request, rc);
		return;
	}
	atomic_fetch_add(&listing->node->opened, 1);
	atomic_fetch_add(&dfuse->open_directories, 1);
	info->fh = (uintptr_t)listing;
	if (fuse_reply_open(request, info) != 0)
		directory_closed(dfuse, listing);
}

void
dfuse_releasedir(fuse_req_t request, fuse_ino_t number, struct fuse_file_info *info)
{
	(void)number;
	directory_closed(dfuse_of(request), listing_of(info));
	fuse_reply_err(request, 0);
}

/* ------------------------------------------------ pages */

/* Notes the name before page. */
static int
start_note(struct listing *listing, uint32_t page, const char *name)
{
	if (page < listing->start_count)
		return 0;
	if (listing->start_count == listing->start_capacity) {
		uint32_t capacity = max_of(listing->start_capacity * 2, 16u);
		char **starts = realloc(listing->starts, capacity * sizeof(*starts));

		if (starts == NULL)
			return ENOMEM;
		listing->starts = starts;
		listing->start_capacity = capacity;
	}
	listing->starts[listing->start_count] = name ? strdup(name) : NULL;
	if (name && listing->starts[listing->start_count] == NULL)
		return ENOMEM;
	listing->start_count++;
	return 0;
}

/* Names of pools or containers: the first that a page has room for. */
static int
names_load(struct dfuse *dfuse, struct listing *listing)
{
	char names[PAGE][DFS_MAX_NAME + 1];
	struct page *page = page_create(PAGE);
	int rc = page ? outside_list(dfuse, listing->node, names, PAGE, &page->count) : ENOMEM;

	if (rc) {
		page_put(page);
		return rc;
	}
	for (uint32_t i = 0; i < page->count; i++) {
		struct dirent *entry = &page->entries[i];

		memcpy(entry->d_name, names[i], sizeof(names[i]));
		entry->d_type = DT_DIR;
		node_stat_outside(dfuse, hash_text(names[i]), &page->stats[i]);
	}
	page->last = true;
	listing->held = page;
	return 0;
}

static void
page_drop(struct listing *listing)
{
	page_put(listing->held);
	listing->held = NULL;
}

static int
page_load(struct dfuse *dfuse, struct listing *listing, uint32_t page)
{
	const char *after = listing->starts[page] ? listing->starts[page] : "";
	int rc;

	page_drop(listing);
	if (listing->use.node)
		rc = page_list(&listing->use, after, &listing->held);
	else
		rc = names_load(dfuse, listing);
	if (rc)
		return rc;
	listing->page = page;
	if (listing->held->last)
		return 0;
	return start_note(listing, page + 1, listing->held->entries[PAGE - 1].d_name);
}

/* A listing that begins anew has other pages: what was added or removed since moves their starts.
 */
static void
starts_forget(struct listing *listing)
{
	while (listing->start_count > 1)
		free(listing->starts[--listing->start_count]);
	page_drop(listing);
}

/* Sees to it that the page is in memory; the pages before it are walked where they were not met. A
 * listing that begins anew sees what is there now. */
static int
page_need(struct dfuse *dfuse, struct listing *listing, uint32_t page, bool anew)
{
	int rc = start_note(listing, 0, NULL);

	if (anew)
		starts_forget(listing);
	if (rc == 0 && listing->held && listing->page == page)
		return 0;
	while (rc == 0 && page >= listing->start_count) {
		if (listing->held && listing->held->last)
			return ENOENT;
		rc = page_load(dfuse, listing, listing->start_count - 1);
	}
	return rc ? rc : page_load(dfuse, listing, page);
}

/* ------------------------------------------------ answers */

struct answer {
	fuse_req_t request;
	struct dfuse *dfuse;
	struct node *directory;
	double age; /* of the page, in seconds */
	bool plus;
	size_t room, used;
	char *buffer;
};

/* The kernel counts a look-up for each entry with attributes that it was given. */
static bool
answer_plus(struct answer *answer, const char *name, const struct stat *stat, off_t next)
{
	struct fuse_entry_param entry;
	struct node *node;
	size_t size;

	if (node_enter(answer->dfuse, answer->directory, name, stat, NULL, &node) != 0)
		return false;
	dfuse_entry_fill(answer->dfuse, node, stat, &entry);
	dfuse_entry_age(&entry, answer->age);
	size = fuse_add_direntry_plus(answer->request, answer->buffer + answer->used,
				      answer->room - answer->used, name, &entry, next);
	if (size > answer->room - answer->used) {
		node_forget(answer->dfuse, node, 1);
		return false;
	}
	answer->used += size;
	return true;
}

/* False when it does not fit any more. What a page has of a node otherwise than the kernel was told
 * may be the older of the two: it is told without its attributes, and the kernel looks it up. */
static bool
answer_entry(struct answer *answer, const char *name, const struct stat *stat, off_t next,
	     bool counted)
{
	struct fuse_entry_param entry = {.attr = *stat};
	size_t left = answer->room - answer->used, size;

	if (answer->plus && counted && node_agrees(answer->dfuse, answer->directory, stat))
		return answer_plus(answer, name, stat, next);
	node_stat_show(answer->directory, &entry.attr);
	size = answer->plus ? fuse_add_direntry_plus(answer->request, answer->buffer + answer->used,
						     left, name, &entry, next)
			    : fuse_add_direntry(answer->request, answer->buffer + answer->used,
						left, name, &entry.attr, next);
	if (size > left)
		return false;
	answer->used += size;
	return true;
}

static int
answer_fill(struct answer *answer, struct listing *listing, off_t offset)
{
	static const char *const dots[DOTS] = {".", ".."};
	struct stat directory = {.st_mode = S_IFDIR, .st_ino = answer->directory->inode};
	const struct page *held;
	uint32_t page;
	bool counted;

	for (; offset < DOTS; offset++)
		if (!answer_entry(answer, dots[offset], &directory, offset + 1, false))
			return 0;
	for (bool anew = offset == DOTS;; anew = false) {
		uint32_t first = (uint32_t)((uint64_t)(offset - DOTS) % PAGE);
		int rc;

		page = (uint32_t)((uint64_t)(offset - DOTS) / PAGE);
		rc = page_need(answer->dfuse, listing, page, anew);
		if (rc)
			return rc == ENOENT ? 0 : rc;
		held = listing->held;
		answer->age = page_age(held);
		/* Names stay what they were when the page was read, attributes do not. */
		counted = listing->use.node && page_is_current(answer->dfuse, listing->node, held);
		for (uint32_t i = first; i < held->count; i++, offset++)
			if (!answer_entry(answer, held->entries[i].d_name, &held->stats[i],
					  offset + 1, counted))
				return 0;
		if (held->last)
			return 0;
	}
}

static void
readdir_answer(fuse_req_t request, fuse_ino_t number, size_t size, off_t offset,
	       struct fuse_file_info *info, bool plus)
{
	struct dfuse *dfuse = dfuse_of(request);
	struct listing *listing = listing_of(info);
	struct answer answer = {
		.request = request,
		.dfuse = dfuse,
		.directory = node_of(dfuse, number),
		.plus = plus,
		.room = size,
		.buffer = malloc(size),
	};
	int rc = answer.buffer ? 0 : ENOMEM;

	if (rc == 0) {
		pthread_mutex_lock(&listing->lock);
		rc = answer_fill(&answer, listing, offset);
		pthread_mutex_unlock(&listing->lock);
	}
	dfuse_outcome(dfuse, rc);
	/* What was counted is told even where a later page failed; the failure comes with the next
	 * call. */
	if (rc && answer.used == 0)
		fuse_reply_err(request, rc);
	else
		fuse_reply_buf(request, answer.buffer, answer.used);
	free(answer.buffer);
}

void
dfuse_readdir(fuse_req_t request, fuse_ino_t number, size_t size, off_t offset,
	      struct fuse_file_info *info)
{
	readdir_answer(request, number, size, offset, info, false);
}

void
dfuse_readdirplus(fuse_req_t request, fuse_ino_t number, size_t size, off_t offset,
		  struct fuse_file_info *info)
{
	readdir_answer(request, number, size, offset, info, true);
}
