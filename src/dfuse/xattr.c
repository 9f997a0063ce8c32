/* SPDX-License-Identifier: BSD-2-Clause-Patent */
/* Extended attributes. */
#include <errno.h>
#include <stdlib.h>

#include "dfuse/private.h"

void
dfuse_setxattr(fuse_req_t request, fuse_ino_t number, const char *name, const char *value,
	       size_t size, int flags)
{
	struct dfuse *dfuse = dfuse_of(request);
	dfs_obj_t *object;
	int rc = node_object(dfuse, node_of(dfuse, number), &object);

	if (rc == 0)
		rc = dfs_setxattr(dfuse->dfs, object, name, value, size, flags);
	fuse_reply_err(request, rc);
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

void
dfuse_getxattr(fuse_req_t request, fuse_ino_t number, const char *name, size_t size)
{
	struct dfuse *dfuse = dfuse_of(request);
	char *value = size ? malloc(size) : NULL;
	daos_size_t length = size;
	dfs_obj_t *object;
	int rc = size && value == NULL ? ENOMEM
				       : node_object(dfuse, node_of(dfuse, number), &object);

	if (rc == 0)
		rc = dfs_getxattr(dfuse->dfs, object, name, value, &length);
	reply_bytes(request, rc, value, length, size);
	free(value);
}

void
dfuse_listxattr(fuse_req_t request, fuse_ino_t number, size_t size)
{
	struct dfuse *dfuse = dfuse_of(request);
	char *list = size ? malloc(size) : NULL;
	daos_size_t length = size;
	dfs_obj_t *object;
	int rc = size && list == NULL ? ENOMEM
				      : node_object(dfuse, node_of(dfuse, number), &object);

	if (rc == 0)
		rc = dfs_listxattr(dfuse->dfs, object, list, &length);
	reply_bytes(request, rc, list, length, size);
	free(list);
}

void
dfuse_removexattr(fuse_req_t request, fuse_ino_t number, const char *name)
{
	struct dfuse *dfuse = dfuse_of(request);
	dfs_obj_t *object;
	int rc = node_object(dfuse, node_of(dfuse, number), &object);

	if (rc == 0)
		rc = dfs_removexattr(dfuse->dfs, object, name);
	fuse_reply_err(request, rc);
}
