/* SPDX-License-Identifier: BSD-2-Clause-Patent */
/* The path interface: a mount with a memory of open parent directories. */
#pragma once

#include "daos_fs_sys.h"
#include "dfs/private.h"

/* Directories remembered; the one not used for longest is forgotten first. */
#define CACHE_MAX 1024u
#define CACHE_BUCKETS 256u

/* An open directory in the memory, or one that is just in use. */
struct cached {
	struct list link;    /* in cache.recent; the latest first */
	struct cached *next; /* of the bucket */
	uint32_t references;
	uint64_t hash;
	dfs_obj_t *directory;
	size_t length;
	char path[];
};

struct cache {
	pthread_mutex_t lock;
	bool locked;	/* the lock is used */
	uint32_t limit; /* 0: nothing is remembered */
	uint32_t count;
	struct list recent;
	struct cached *buckets[CACHE_BUCKETS];
};

void cache_init(struct cache *cache, int flags);
void cache_fini(struct cache *cache);
/* The directory at path, with a reference, or NULL. */
struct cached *cache_find(struct cache *cache, const char *path, size_t length);
/* Remembers directory, which it takes over; the result (NULL: memory is out) has a reference. */
struct cached *cache_add(struct cache *cache, const char *path, size_t length,
			 dfs_obj_t *directory);
void cache_put(struct cache *cache, struct cached *cached);
/* Forgets path and what is below it. */
void cache_forget(struct cache *cache, const char *path);

struct dfs_sys {
	dfs_t *dfs;
	bool connected; /* by dfs_sys_connect() */
	struct cache cache;
};

/* A path taken apart: its parent, open, and its name; both NULL for the root. */
struct located {
	struct dfs_sys *sys;
	const char *path; /* without prefix */
	struct cached *cached;
	dfs_obj_t *parent;
	const char *name;
	char text[DFS_MAX_NAME + 1];
};

/* Returns an errno. To be ended by located_release(). Blocks. */
MUST_USE int locate(struct dfs_sys *sys, const char *path, struct located *ret_located);
void located_release(struct located *located);
#define AUTO_LOCATED __attribute__((cleanup(located_release)))

/* Opens what path leads to; flags as in dfs_lookup(). Returns an errno. */
MUST_USE int located_open(const struct located *located, int flags, dfs_obj_t **ret_object,
			  struct stat *ret_stat);
