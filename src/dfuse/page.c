/* SPDX-License-Identifier: BSD-2-Clause-Patent */
/*
 * Pages of directories: runs of entries with their attributes, in order. A page that was read for
 * one request answers others, too, as long as the kernel may rely on names and attributes, and
 * until this mount changes anything in the directory: what a program lists it looks up next, and
 * what it looks up one after another mostly stands side by side.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "dfuse/private.h"

/* Directories that are remembered. */
#define SLOTS 128u
/* Entries read for a look-up, before it is seen that they help. */
#define GLANCE 64u
/* Look-ups that found their answer in a page, from which on it has helped. */
#define HELPED 8u
#define PENALTY_MAX 1023u
/* Counters of changes, of several directories each. */
#define COUNTERS 1024u

/* A directory that was looked at of late. */
struct slot {
	const struct volume *volume; /* NULL: free */
	uint64_t inode;
	uint64_t used;	/* by the turns of all slots */
	int64_t missed; /* when a look-up last found no page for its name; 0: never */
	uint32_t hits;	/* of its page */
	uint32_t
		penalty; /* how many look-ups shall do without a page after one that did not help */
	uint32_t skip;	 /* how many are left of them */
	struct page *page; /* or NULL */
};

struct pages {
	atomic_uint_fast64_t changes[COUNTERS]; /* made through this mount */
	pthread_mutex_t lock;			/* of what follows */
	uint64_t turn;
	struct slot slots[SLOTS];
};

int
pages_init(struct dfuse *dfuse)
{
	dfuse->pages = calloc(1, sizeof(*dfuse->pages));
	if (dfuse->pages == NULL)
		return ENOMEM;
	pthread_mutex_init(&dfuse->pages->lock, NULL);
	return 0;
}

void
pages_fini(struct dfuse *dfuse)
{
	if (dfuse->pages == NULL)
		return;
	for (uint32_t i = 0; i < SLOTS; i++)
		page_put(dfuse->pages->slots[i].page);
	pthread_mutex_destroy(&dfuse->pages->lock);
	free(dfuse->pages);
	dfuse->pages = NULL;
}

static atomic_uint_fast64_t *
counter_of(struct dfuse *dfuse, const struct node *directory)
{
	uint64_t salt = directory->volume ? directory->volume->salt : 0;
	uint64_t hash = hash_combine(salt, directory->inode);

	return &dfuse->pages->changes[hash % COUNTERS];
}

void
pages_changed(struct dfuse *dfuse, struct node *node)
{
	struct node *parent;
	bool elsewhere;

	pthread_mutex_lock(&dfuse->lock);
	parent = node->parent;
	elsewhere = node->elsewhere;
	if (parent && !elsewhere)
		atomic_fetch_add(counter_of(dfuse, parent), 1);
	pthread_mutex_unlock(&dfuse->lock);
	/* It stands in a directory that is not known. */
	if (elsewhere)
		pages_forget(dfuse);
}

void
pages_changed_in(struct dfuse *dfuse, struct node *directory)
{
	atomic_fetch_add(counter_of(dfuse, directory), 1);
	pages_changed(dfuse, directory);
}

void
pages_forget(struct dfuse *dfuse)
{
	for (uint32_t i = 0; i < COUNTERS; i++)
		atomic_fetch_add(&dfuse->pages->changes[i], 1);
}

/* ------------------------------------------------ one page */

struct page *
page_create(uint32_t capacity)
{
	struct page *page = calloc(1, sizeof(*page));

	if (page == NULL)
		return NULL;
	page->references = 1;
	page->entries = malloc(capacity * sizeof(*page->entries));
	page->stats = malloc(capacity * sizeof(*page->stats));
	if (page->entries && page->stats)
		return page;
	page_put(page);
	return NULL;
}

void
page_put(struct page *page)
{
	if (page == NULL || atomic_fetch_sub(&page->references, 1) != 1)
		return;
	free(page->entries);
	free(page->stats);
	free(page);
}

static struct page *
page_get(struct page *page)
{
	atomic_fetch_add(&page->references, 1);
	return page;
}

/* Gives back what it has no entries for; that it cannot is no harm. */
static void
page_trim(struct page *page)
{
	size_t count = max_of(page->count, 1u);
	struct dirent *entries = realloc(page->entries, count * sizeof(*entries));
	struct stat *stats = realloc(page->stats, count * sizeof(*stats));

	if (entries)
		page->entries = entries;
	if (stats)
		page->stats = stats;
}

double
page_age(const struct page *page)
{
	return (double)(dfuse_now() - page->asked) / 1e9;
}

bool
page_is_current(struct dfuse *dfuse, const struct node *directory, const struct page *page)
{
	return page->changes == atomic_load(counter_of(dfuse, directory));
}

/* Whether nothing that the kernel could be told from it is older than it may be. */
static bool
page_is_fresh(struct dfuse *dfuse, const struct node *directory, const struct page *page)
{
	const struct dfuse_caching *caching = &directory->volume->caching;
	double time = min_of(caching->attribute_time,
			     min_of(caching->entry_time, caching->negative_time));

	return page_is_current(dfuse, directory, page) && page_age(page) < time;
}

/* Whether it tells if there is a name. */
static bool
page_covers(const struct page *page, const char *name)
{
	if (strcmp(name, page->after) <= 0)
		return false;
	return page->last ||
	       (page->count > 0 && strcmp(name, page->entries[page->count - 1].d_name) <= 0);
}

bool
page_find(const struct page *page, const char *name, uint32_t *ret_index)
{
	uint32_t low = 0, high = page->count;

	while (low < high) {
		uint32_t middle = low + (high - low) / 2;
		int order = strcmp(name, page->entries[middle].d_name);

		if (order == 0) {
			*ret_index = middle;
			return true;
		}
		if (order < 0)
			high = middle;
		else
			low = middle + 1;
	}
	return false;
}

/* ------------------------------------------------ reading */

static int
entries_read(const struct node_use *use, uint32_t limit, struct page *page)
{
	daos_anchor_t anchor = DAOS_ANCHOR_INIT;
	int rc = 0;

	if (page->after[0])
		rc = dfs_dir_anchor_set(use->object, page->after, &anchor);
	while (rc == 0 && page->count < limit && !daos_anchor_is_eof(&anchor)) {
		uint32_t count = limit - page->count;

		rc = dfs_readdirplus(use->dfs, use->object, &anchor, &count,
				     page->entries + page->count, page->stats + page->count);
		page->count += rc ? 0 : count;
	}
	page->last = daos_anchor_is_eof(&anchor) != 0;
	return rc;
}

static int
page_read(const struct node_use *use, const char *after, uint32_t limit, struct page **ret_page)
{
	struct page *page = page_create(limit);
	int rc;

	if (page == NULL)
		return ENOMEM;
	/* Both before it is asked: what changes from now on may be missing. */
	page->changes = atomic_load(counter_of(use->dfuse, use->node));
	page->asked = dfuse_now();
	strncpy(page->after, after, DFS_MAX_NAME);
	rc = entries_read(use, limit, page);
	if (rc) {
		page_put(page);
		return rc;
	}
	page_trim(page);
	*ret_page = page;
	return 0;
}

/* ------------------------------------------------ what is remembered */

/* With the lock: the slot of a directory, in place of the one that was used longest ago. */
static struct slot *
slot_of(struct pages *pages, const struct node *node)
{
	struct slot *oldest = &pages->slots[0];

	for (uint32_t i = 0; i < SLOTS; i++) {
		struct slot *slot = &pages->slots[i];

		if (slot->volume == node->volume && slot->inode == node->inode) {
			slot->used = ++pages->turn;
			return slot;
		}
		if (slot->used < oldest->used)
			oldest = slot;
	}
	page_put(oldest->page);
	*oldest =
		(struct slot){.volume = node->volume, .inode = node->inode, .used = ++pages->turn};
	return oldest;
}

static void
page_remember(struct dfuse *dfuse, const struct node *node, struct page *page)
{
	struct pages *pages = dfuse->pages;
	struct slot *slot;
	struct page *old;

	pthread_mutex_lock(&pages->lock);
	slot = slot_of(pages, node);
	old = slot->page;
	slot->page = page_get(page);
	slot->hits = 0;
	pthread_mutex_unlock(&pages->lock);
	page_put(old);
}

/* The page of a directory that is remembered, if it is fresh; page_put(). */
static struct page *
page_recall(struct dfuse *dfuse, const struct node *node)
{
	struct pages *pages = dfuse->pages;
	struct page *page;

	pthread_mutex_lock(&pages->lock);
	page = slot_of(pages, node)->page;
	page = page && page_is_fresh(dfuse, node, page) ? page_get(page) : NULL;
	pthread_mutex_unlock(&pages->lock);
	return page;
}

int
page_list(const struct node_use *use, const char *after, struct page **ret_page)
{
	struct page *page = page_recall(use->dfuse, use->node);
	int rc;

	if (page && strcmp(page->after, after) == 0 && (page->last || page->count == PAGE)) {
		*ret_page = page;
		return 0;
	}
	page_put(page);
	rc = page_read(use, after, PAGE, &page);
	if (rc)
		return rc;
	if (use->node->volume->caching.attribute_time > 0)
		page_remember(use->dfuse, use->node, page);
	*ret_page = page;
	return 0;
}

/* ------------------------------------------------ look-ups */

/* A page was read in vain. */
static void
slot_penalize(struct slot *slot)
{
	slot->penalty = min_of(slot->penalty * 2 + 1, PENALTY_MAX);
	slot->skip = slot->penalty;
}

/* What a look-up that no page answers is to do. */
struct guess {
	char after[DFS_MAX_NAME + 1];
	uint32_t limit; /* 0: read none */
};

/* With the lock. The second name within the time of attributes makes more of them likely: those
 * behind the page that was looked through to its end, else the first. */
static void
guess_make(struct slot *slot, const char *name, struct guess *ret_guess)
{
	const struct page *page = slot->page;
	int64_t now = dfuse_now(), before = slot->missed;
	double time = slot->volume->caching.attribute_time * 1e9;
	bool recent = before != 0 && (double)(now - before) <= time;
	bool helped = slot->hits >= HELPED;

	ret_guess->limit = 0;
	ret_guess->after[0] = '\0';
	slot->missed = now;
	if (!recent || helped)
		slot->penalty = slot->skip = 0;
	if (slot->skip > 0)
		slot->skip--;
	else if (recent || helped)
		ret_guess->limit = helped ? PAGE : GLANCE;
	if (page && page->count > 0 && strcmp(name, page->entries[page->count - 1].d_name) > 0)
		strcpy(ret_guess->after, page->entries[page->count - 1].d_name);
}

/* With the lock: lets go of a page that a change has made useless. Where names are made one after
 * another each page is, after one look-up. */
static void
slot_review(struct dfuse *dfuse, const struct node *node, struct slot *slot)
{
	if (slot->page == NULL || page_is_current(dfuse, node, slot->page))
		return;
	if (slot->hits < HELPED)
		slot_penalize(slot);
	page_put(slot->page);
	slot->page = NULL;
	slot->hits = 0;
}

/* A page that is remembered and covers name, or how to come by one. */
static struct page *
glance(struct dfuse *dfuse, const struct node *node, const char *name, struct guess *ret_guess)
{
	struct pages *pages = dfuse->pages;
	struct page *page;
	struct slot *slot;

	pthread_mutex_lock(&pages->lock);
	slot = slot_of(pages, node);
	slot_review(dfuse, node, slot);
	page = slot->page;
	if (page && page_covers(page, name) && page_is_fresh(dfuse, node, page)) {
		slot->hits++;
		page_get(page);
	} else {
		guess_make(slot, name, ret_guess);
		page = NULL;
	}
	pthread_mutex_unlock(&pages->lock);
	return page;
}

static void
guess_failed(struct dfuse *dfuse, const struct node *node)
{
	pthread_mutex_lock(&dfuse->pages->lock);
	slot_penalize(slot_of(dfuse->pages, node));
	pthread_mutex_unlock(&dfuse->pages->lock);
}

/* A failure is left to the look-up, which asks for the name alone. */
struct page *
page_glance(const struct node_use *use, const char *name)
{
	struct guess guess = {.limit = 0};
	struct page *page;

	if (use->node->volume->caching.attribute_time <= 0)
		return NULL;
	page = glance(use->dfuse, use->node, name, &guess);
	if (page || guess.limit == 0 || page_read(use, guess.after, guess.limit, &page) != 0)
		return page;
	page_remember(use->dfuse, use->node, page);
	if (page_covers(page, name))
		return page;
	guess_failed(use->dfuse, use->node);
	page_put(page);
	return NULL;
}

struct page *
page_seen(struct dfuse *dfuse, const struct node *directory, const char *name, uint32_t *ret_index)
{
	struct page *page = directory->volume ? page_recall(dfuse, directory) : NULL;

	if (page && page_find(page, name, ret_index))
		return page;
	page_put(page);
	return NULL;
}
