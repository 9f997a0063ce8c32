/* SPDX-License-Identifier: BSD-2-Clause-Patent */
/* What is known, in figures; and the kernel made to forget what lies under a path. */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "dfuse/private.h"

size_t
dfuse_query(struct dfuse *dfuse, char *buffer, size_t size)
{
	uint64_t inodes;
	int length;

	pthread_mutex_lock(&dfuse->lock);
	inodes = dfuse->nodes.count + dfuse->detached.count + 1;
	pthread_mutex_unlock(&dfuse->lock);
	length = snprintf(buffer, size,
			  "{\"inodes\":%llu,\"open_files\":%u,\"open_dirs\":%u,"
			  "\"containers\":%u,\"pools\":%u}",
			  (unsigned long long)inodes, atomic_load(&dfuse->open_files),
			  atomic_load(&dfuse->open_directories), atomic_load(&dfuse->volume_count),
			  atomic_load(&dfuse->pool_count));
	return min_of((size_t)length, size - 1);
}

/* ------------------------------------------------ eviction */

/* Nodes under one node, all referenced. */
struct eviction {
	struct node **nodes;
	uint64_t count;
};

static bool
is_below(const struct node *node, const struct node *top)
{
	while (node && node != top)
		node = node->parent;
	return node != NULL;
}

static int
eviction_collect(struct dfuse *dfuse, struct node *top, struct eviction *eviction)
{
	uint64_t room;

	pthread_mutex_lock(&dfuse->lock);
	room = dfuse->nodes.count + 1;
	eviction->nodes = malloc(room * sizeof(*eviction->nodes));
	if (eviction->nodes && top->parent == NULL)
		eviction->nodes[eviction->count++] = top;
	TABLE_FOR_EACH(link, &dfuse->nodes) {
		struct node *node = table_entry(link, struct node, link);

		if (eviction->nodes && is_below(node, top)) {
			node->references++;
			eviction->nodes[eviction->count++] = node;
		}
	}
	pthread_mutex_unlock(&dfuse->lock);
	return eviction->nodes ? 0 : ENOMEM;
}

/* The kernel locks the directory for that. */
static void
drop_name(struct dfuse *dfuse, struct node *node)
{
	char name[DFS_MAX_NAME + 1];
	struct node *parent;

	if (node->parent == NULL)
		return;
	parent = node_where(dfuse, node, name);
	fuse_lowlevel_notify_inval_entry(dfuse->session, node_number(dfuse, parent), name,
					 strlen(name));
	node_forget(dfuse, parent, 1);
}

/*
 * Attributes, pages, and names. The directory whose attribute is set is locked until the answer is
 * given, so that the names in it come after it. A page that is dirty is written before, by requests
 * that other threads take: with one thread alone nothing can be evicted, and one eviction at a
 * time leaves all threads but one to them.
 */
static void
eviction_run(fuse_req_t request, struct node *top, const struct eviction *eviction)
{
	struct dfuse *dfuse = dfuse_of(request);

	pages_forget(dfuse);
	for (uint64_t i = 0; i < eviction->count; i++) {
		struct node *node = eviction->nodes[i];

		fuse_lowlevel_notify_inval_inode(dfuse->session, node_number(dfuse, node), 0, 0);
		if (node != top && node->parent != top)
			drop_name(dfuse, node);
	}
	fuse_reply_err(request, 0);
	for (uint64_t i = 0; i < eviction->count; i++) {
		struct node *node = eviction->nodes[i];

		if (node == top || node->parent == top)
			drop_name(dfuse, node);
		node_forget(dfuse, node, 1);
	}
}

void
dfuse_evict(fuse_req_t request, struct node *node)
{
	struct dfuse *dfuse = dfuse_of(request);
	struct eviction eviction = {.count = 0};
	int rc = dfuse->options.single_thread ? EOPNOTSUPP : 0;

	if (rc == 0 && pthread_mutex_trylock(&dfuse->evict_lock) != 0)
		rc = EBUSY;
	if (rc) {
		fuse_reply_err(request, rc);
		return;
	}
	rc = eviction_collect(dfuse, node, &eviction);
	if (rc)
		fuse_reply_err(request, rc);
	else
		eviction_run(request, node, &eviction);
	free(eviction.nodes);
	pthread_mutex_unlock(&dfuse->evict_lock);
}
