/* SPDX-License-Identifier: BSD-2-Clause-Patent */
/* What comes from the store and from users as bytes: an entry's attributes, hints, paths. What is
 * accepted encodes to the same bytes. */
#include <stdlib.h>

#include "dfs/private.h"

static void
attributes(const uint8_t *data, size_t size)
{
	uint8_t bytes[INODE_SIZE];
	struct inode inode;
	struct stat stat;

	if (inode_decode(data, size, &inode) != 0)
		return;
	inode_encode(&inode, bytes);
	ASSERT(size == INODE_SIZE && memcmp(bytes, data, size) == 0);
	inode_stat(&inode, &stat);
	inode_stat_object(&inode, inode.change, inode.generation, &stat);
	ASSERT(stat.st_mtim.tv_nsec >= 0 && stat.st_mtim.tv_nsec < 1000000000);
}

static void
texts(const char *text)
{
	char name[DFS_MAX_NAME + 1];
	const char *at = text, *component;
	daos_oclass_hints_t hints;
	size_t length;

	(void)!hint_find(text, "dir", &hints);
	if (path_split(text, &length, name) == 0)
		ASSERT(length < strlen(text) && name[0] != '\0' && strchr(name, '/') == NULL);
	while (path_next(&at, &component) > 0)
		ASSERT(component[0] != '/');
	ASSERT(*at == '\0');
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	char *text = malloc(size + 1);

	attributes(data, size);
	if (text) {
		memcpy(text, data, size);
		text[size] = '\0';
		texts(text);
	}
	free(text);
	return 0;
}
