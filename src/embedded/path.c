/* SPDX-License-Identifier: BSD-2-Clause-Patent */
/* The absolute path of a directory, so that a later change of the working directory does not
 * matter. */
#include <libgen.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>

#include "embedded/private.h"

static bool
take(const char *path, const char *name, char *ret_path, size_t size)
{
	return (size_t)snprintf(ret_path, size, "%s%s%s", path, name[0] ? "/" : "", name) < size;
}

bool
realpath_of(const char *directory, char *ret_path, size_t size)
{
	char copy[PATH_MAX], parent[PATH_MAX], resolved[PATH_MAX];
	const char *name;

	if (strlen(directory) >= sizeof(copy))
		return false;
	if (realpath(directory, resolved))
		return take(resolved, "", ret_path, size);
	strcpy(copy, directory);
	name = basename(copy);
	strcpy(parent, directory);
	return realpath(dirname(parent), resolved) && take(resolved, name, ret_path, size);
}
