/* SPDX-License-Identifier: BSD-2-Clause-Patent */
/* Anchors of directory listings come from the caller's memory: an error, or a name that goes back
 * into an anchor and out of it as the same. */
#include "dfs/private.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static struct dfs_obj object = {.lock = PTHREAD_MUTEX_INITIALIZER};
	char name[DFS_MAX_NAME + 1], again[DFS_MAX_NAME + 1];
	daos_anchor_t anchor;

	memset(&anchor, 0, sizeof(anchor));
	memcpy(&anchor, data, size < sizeof(anchor) ? size : sizeof(anchor));
	if (directory_anchor_load(&object, &anchor, name) != 0)
		return 0;
	ASSERT(strnlen(name, sizeof(name)) < sizeof(name));
	if (directory_anchor_store(&object, name, &anchor) != 0)
		return 0;
	ASSERT(directory_anchor_load(&object, &anchor, again) == 0);
	ASSERT(strcmp(name, again) == 0);
	return 0;
}
