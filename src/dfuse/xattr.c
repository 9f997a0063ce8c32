/* SPDX-License-Identifier: BSD-2-Clause-Patent */
/* Extended attributes. */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "dfuse/private.h"

#define QUERY_MAX 256u

static bool
is_capability(const char *name)
{
	return strcmp(name, CAPABILITY_ATTRIBUTE) == 0;
}

/* Access lists of POSIX and labels of SELinux mean nothing here. To be told so, rather than that a
 * file has none, keeps `ls -l` from asking for those of each file. */
static bool
is_foreign(const char *name)
{
	return strncmp(name, "system.", strlen("system.")) == 0 ||
	       strcmp(name, "security.selinux") == 0;
}

void
dfuse_setxattr(fuse_req_t request, fuse_ino_t number, const char *name, const char *value,
	       size_t size, int flags)
{
	struct dfuse *dfuse = dfuse_of(request);
	struct node *node = node_of(dfuse, number);
	AUTO_USE struct node_use use = {.node = NULL};
	int rc;

	if (strcmp(name, EVICT_ATTRIBUTE) == 0) {
		dfuse_evict(request, node);
		return;
	}
	rc = is_foreign(name) ? EOPNOTSUPP : node_use_begin(dfuse, node, &use);
	/* Known to be there before it is, so that no write misses it. */
	if (rc == 0 && is_capability(name))
		atomic_store(&node->capability, CAPABILITY_PRESENT);
	if (rc == 0)
		rc = dfuse_stale(dfs_setxattr(use.dfs, use.object, name, value, size, flags));
	fuse_reply_err(request, dfuse_changed(dfuse, node, rc));
}

/* Answers with what fits, or with its size where none was given. */
static void
reply_bytes(fuse_req_t request, int rc, const char *bytes, daos_size_t length, size_t room)
{
	if (rc)
		fuse_reply_err(request, rc);
	else if (room == 0)
		fuse_reply_xattr(request, length);
	else if (length > room)
		fuse_reply_err(request, ERANGE);
	else
		fuse_reply_buf(request, bytes, length);
}

/* Asked for before each program that is started, on older kernels before each write: what is known
 * to be absent is not looked for again. */
static int
value_get(const struct node_use *use, const char *name, void *value, daos_size_t *size)
{
	int rc = is_capability(name) ? capability_find(use) : 0;

	if (rc)
		return rc;
	if (is_capability(name) && atomic_load(&use->node->capability) == CAPABILITY_ABSENT)
		return ENODATA;
	return dfuse_stale(dfs_getxattr(use->dfs, use->object, name, value, size));
}

void
dfuse_getxattr(fuse_req_t request, fuse_ino_t number, const char *name, size_t size)
{
	struct dfuse *dfuse = dfuse_of(request);
	struct node *node = node_of(dfuse, number);
	AUTO_USE struct node_use use = {.node = NULL};
	char query[QUERY_MAX], *value;
	daos_size_t length = size;
	int rc;

	if (strcmp(name, QUERY_ATTRIBUTE) == 0) {
		reply_bytes(request, 0, query, dfuse_query(dfuse, query, sizeof(query)), size);
		return;
	}
	if (node->volume == NULL) {
		fuse_reply_err(request, ENODATA);
		return;
	}
	if (is_foreign(name)) {
		fuse_reply_err(request, EOPNOTSUPP);
		return;
	}
	value = size ? malloc(size) : NULL;
	rc = size && value == NULL ? ENOMEM : node_use_begin(dfuse, node, &use);
	if (rc == 0)
		rc = value_get(&use, name, value, &length);
	reply_bytes(request, dfuse_outcome(dfuse, rc), value, length, size);
	free(value);
}

void
dfuse_listxattr(fuse_req_t request, fuse_ino_t number, size_t size)
{
	struct dfuse *dfuse = dfuse_of(request);
	struct node *node = node_of(dfuse, number);
	AUTO_USE struct node_use use = {.node = NULL};
	char *list = size ? malloc(size) : NULL;
	daos_size_t length = size;
	int rc = size && list == NULL ? ENOMEM : 0;

	if (rc == 0 && node->volume == NULL)
		length = 0;
	else if (rc == 0)
		rc = node_use_begin(dfuse, node, &use);
	if (rc == 0 && use.node)
		rc = dfuse_stale(dfs_listxattr(use.dfs, use.object, list, &length));
	reply_bytes(request, dfuse_outcome(dfuse, rc), list, length, size);
	free(list);
}

void
dfuse_removexattr(fuse_req_t request, fuse_ino_t number, const char *name)
{
	struct dfuse *dfuse = dfuse_of(request);
	AUTO_USE struct node_use use = {.node = NULL};
	int rc = node_use_begin(dfuse, node_of(dfuse, number), &use);

	if (rc == 0)
		rc = dfuse_stale(dfs_removexattr(use.dfs, use.object, name));
	fuse_reply_err(request, dfuse_changed(dfuse, node_of(dfuse, number), rc));
}
