/* SPDX-License-Identifier: BSD-2-Clause-Patent */
/* Names, paths and hints as texts. Nothing here knows of a container. */
#include "dfs/private.h"

int
name_check(const char *name)
{
	if (name == NULL || name[0] == '\0' || strcmp(name, ".") == 0 || strcmp(name, "..") == 0)
		return -DER_INVAL;
	if (strlen(name) > DFS_MAX_NAME)
		return file_error(ENAMETOOLONG);
	return strchr(name, '/') ? -DER_INVAL : 0;
}

size_t
path_next(const char **path, const char **ret_name)
{
	size_t length;

	while (**path == '/')
		(*path)++;
	length = strcspn(*path, "/");
	*ret_name = *path;
	*path += length;
	return length;
}

int
path_split(const char *path, size_t *ret_parent_length, char name[DFS_MAX_NAME + 1])
{
	size_t end, begin;

	if (path == NULL || path[0] != '/')
		return -DER_INVAL;
	end = strlen(path);
	if (end >= DFS_MAX_PATH)
		return file_error(ENAMETOOLONG);
	while (end > 0 && path[end - 1] == '/')
		end--;
	begin = end;
	while (begin > 0 && path[begin - 1] != '/')
		begin--;
	if (begin == end)
		return -DER_INVAL;
	if (end - begin > DFS_MAX_NAME)
		return file_error(ENAMETOOLONG);
	memcpy(name, path + begin, end - begin);
	name[end - begin] = '\0';
	while (begin > 1 && path[begin - 1] == '/')
		begin--;
	*ret_parent_length = begin;
	return 0;
}

const char *
path_strip(const char *path, const char *prefix)
{
	size_t length = prefix ? strlen(prefix) : 0;

	if (length == 0 || strncmp(path, prefix, length) != 0)
		return path;
	if (path[length] == '\0')
		return "/";
	return path[length] == '/' ? path + length : path;
}

/* ------------------------------------------------ hints */

struct hint {
	const char *name;
	daos_oclass_hints_t hints;
};

static const struct hint hints_known[] = {
	{"single", DAOS_OCH_SHD_TINY},
	{"max", DAOS_OCH_SHD_MAX},
};

static int
hint_of(const char *text, size_t length, daos_oclass_hints_t *ret_hints)
{
	for (size_t i = 0; i < ARRAY_SIZE(hints_known); i++) {
		if (strlen(hints_known[i].name) == length &&
		    strncasecmp(hints_known[i].name, text, length) == 0) {
			*ret_hints = hints_known[i].hints;
			return 0;
		}
	}
	return -DER_INVAL;
}

/* One "kind:hint" of length bytes. */
static int
hint_part(const char *part, size_t length, const char *kind, daos_oclass_hints_t *hints)
{
	const char *colon = memchr(part, ':', length);
	daos_oclass_hints_t value;
	size_t kind_length;
	int rc;

	if (colon == NULL)
		return -DER_INVAL;
	kind_length = (size_t)(colon - part);
	rc = hint_of(colon + 1, length - kind_length - 1, &value);
	if (rc)
		return rc;
	if (kind_length == 9 && strncasecmp(part, "directory", 9) == 0)
		kind_length = 3;
	if (kind_length != (part[0] == 'f' || part[0] == 'F' ? 4u : 3u))
		return -DER_INVAL;
	if (strncasecmp(part, "dir", 3) != 0 && strncasecmp(part, "file", 4) != 0)
		return -DER_INVAL;
	if (strncasecmp(part, kind, kind_length) == 0)
		*hints = value;
	return 0;
}

int
hint_find(const char *hints, const char *kind, daos_oclass_hints_t *ret_hints)
{
	daos_oclass_hints_t found = 0;

	while (*hints != '\0') {
		size_t length = strcspn(hints, ",");
		int rc = hint_part(hints, length, kind, &found);

		if (rc)
			return rc;
		hints += length + (hints[length] == ',');
	}
	*ret_hints = found;
	return 0;
}
