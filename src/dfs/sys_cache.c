/* SPDX-License-Identifier: BSD-2-Clause-Patent */
/* The memory of open directories by path. Its lock is never held over a call of the library. */
#include "dfs/sys.h"

static void
cache_lock(struct cache *cache)
{
	if (cache->locked)
		pthread_mutex_lock(&cache->lock);
}

static void
cache_unlock(struct cache *cache)
{
	if (cache->locked)
		pthread_mutex_unlock(&cache->lock);
}

void
cache_init(struct cache *cache, int flags)
{
	pthread_mutex_init(&cache->lock, NULL);
	cache->locked = !(flags & DFS_SYS_NO_LOCK);
	cache->limit = flags & DFS_SYS_NO_CACHE ? 0 : CACHE_MAX;
	list_init(&cache->recent);
}

static struct cached **
bucket_of(struct cache *cache, uint64_t hash)
{
	return &cache->buckets[hash % CACHE_BUCKETS];
}

static void
cached_free(struct cached *cached)
{
	(void)dfs_release(cached->directory);
	client_free(cached);
}

/* Takes it out of the memory; true when nobody else uses it. With the lock held. */
static bool
cache_drop(struct cache *cache, struct cached *cached)
{
	struct cached **link = bucket_of(cache, cached->hash);

	while (*link != cached)
		link = &(*link)->next;
	*link = cached->next;
	list_remove(&cached->link);
	cache->count--;
	return --cached->references == 0;
}

void
cache_fini(struct cache *cache)
{
	struct list *link;

	while ((link = list_first(&cache->recent)) != NULL) {
		struct cached *cached = list_entry(link, struct cached, link);

		if (cache_drop(cache, cached))
			cached_free(cached);
	}
	pthread_mutex_destroy(&cache->lock);
}

static struct cached *
find_locked(struct cache *cache, const char *path, size_t length, uint64_t hash)
{
	struct cached *cached = *bucket_of(cache, hash);

	while (cached && (cached->hash != hash || cached->length != length ||
			  memcmp(cached->path, path, length) != 0))
		cached = cached->next;
	if (cached) {
		cached->references++;
		list_remove(&cached->link);
		list_prepend(&cache->recent, &cached->link);
	}
	return cached;
}

struct cached *
cache_find(struct cache *cache, const char *path, size_t length)
{
	struct cached *cached;

	cache_lock(cache);
	cached = find_locked(cache, path, length, hash64(path, length, 0));
	cache_unlock(cache);
	return cached;
}

/* With the lock held; what was pushed out and is to be freed, or NULL. */
static struct cached *
insert_locked(struct cache *cache, struct cached *cached)
{
	struct cached **bucket = bucket_of(cache, cached->hash);
	struct cached *oldest = NULL;

	if (cache->limit == 0)
		return NULL;
	if (cache->count == cache->limit) {
		oldest = list_entry(list_last(&cache->recent), struct cached, link);
		if (!cache_drop(cache, oldest))
			oldest = NULL;
	}
	cached->references++;
	cached->next = *bucket;
	*bucket = cached;
	list_prepend(&cache->recent, &cached->link);
	cache->count++;
	return oldest;
}

struct cached *
cache_add(struct cache *cache, const char *path, size_t length, dfs_obj_t *directory)
{
	struct cached *cached = file_alloc(sizeof(*cached) + length + 1);
	struct cached *present, *spare;

	if (cached == NULL) {
		(void)dfs_release(directory);
		return NULL;
	}
	cached->references = 1;
	cached->directory = directory;
	cached->hash = hash64(path, length, 0);
	cached->length = length;
	memcpy(cached->path, path, length);
	cache_lock(cache);
	present = find_locked(cache, path, length, cached->hash);
	spare = present ? cached : insert_locked(cache, cached);
	cache_unlock(cache);
	if (spare)
		cached_free(spare);
	return present ? present : cached;
}

void
cache_put(struct cache *cache, struct cached *cached)
{
	bool last;

	cache_lock(cache);
	last = --cached->references == 0;
	cache_unlock(cache);
	if (last)
		cached_free(cached);
}

static bool
is_below(const struct cached *cached, const char *path, size_t length)
{
	return cached->length >= length && memcmp(cached->path, path, length) == 0 &&
	       (cached->length == length || cached->path[length] == '/');
}

void
cache_forget(struct cache *cache, const char *path)
{
	size_t length = strlen(path);
	struct list unused = {NULL, NULL};
	struct list *link;

	while (length > 1 && path[length - 1] == '/')
		length--;
	cache_lock(cache);
	LIST_FOR_EACH_SAFE(member, &cache->recent) {
		struct cached *cached = list_entry(member, struct cached, link);

		if (is_below(cached, path, length) && cache_drop(cache, cached))
			list_append(&unused, &cached->link);
	}
	cache_unlock(cache);
	while ((link = list_pop(&unused)) != NULL)
		cached_free(list_entry(link, struct cached, link));
}
