/* SPDX-License-Identifier: BSD-2-Clause-Patent */
/*
 * Paths of the local file system that stand for containers: a directory (layout POSIX) or file
 * with an extended attribute that names pool and container. These calls ask the local kernel and
 * block.
 */
#include <fcntl.h>
#include <limits.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <sys/xattr.h>
#include <unistd.h>

#include "duns/private.h"

/* ------------------------------------------------ resolve */

/* ENODATA: path has no such attribute. */
static int
read_attribute(const char *path, struct duns_attr_t *attr)
{
	char value[DUNS_MAX_XATTR_LEN + 1];
	ssize_t length = getxattr(path, DUNS_XATTR_NAME, value, sizeof(value));

	if (length < 0)
		return errno == ENOTSUP ? ENODATA : errno;
	return uns_parse_value(value, (size_t)length, attr);
}

/* Cuts the last component off; false at the root. */
static bool
path_up(char *path)
{
	char *slash = strrchr(path, '/');

	if (slash == NULL || path[1] == '\0')
		return false;
	slash[slash == path] = '\0';
	return true;
}

/* From path upwards to the first directory that has the attribute. */
static int
walk_up(const char *path, struct duns_attr_t *attr)
{
	bool looks_up = !(attr->da_flags & DUNS_NO_REVERSE_LOOKUP);
	char at[PATH_MAX];
	size_t length;
	int rc;

	if (snprintf(at, sizeof(at), "%s", path) >= (int)sizeof(at))
		return ENAMETOOLONG;
	do {
		rc = read_attribute(at, attr);
	} while ((rc == ENODATA || rc == ENOENT) && looks_up && path_up(at));
	if (rc)
		return rc == ENOENT ? ENODATA : rc;
	length = strlen(at) == 1 ? 0 : strlen(at);
	attr->da_rel_path = NULL;
	if (path[length] == '\0' || path[length + strspn(path + length, "/")] == '\0')
		return 0;
	attr->da_rel_path = uns_strdup(path + length, strlen(path + length));
	return attr->da_rel_path ? 0 : ENOMEM;
}

/* An absolute form of path, of which the last component may be absent. */
static int
path_absolute(const char *path, char absolute[PATH_MAX])
{
	char parent[PATH_MAX], *slash;

	if (strlen(path) >= PATH_MAX)
		return ENAMETOOLONG;
	if (realpath(path, absolute))
		return 0;
	if (errno != ENOENT)
		return errno;
	memcpy(parent, path, strlen(path) + 1);
	slash = strrchr(parent, '/');
	if (slash == NULL || slash[1] == '\0')
		return ENOENT;
	slash[0] = '\0';
	if (realpath(slash == parent ? "/" : parent, absolute) == NULL)
		return errno;
	if (strlen(absolute) + strlen(slash + 1) + 2 > PATH_MAX)
		return ENAMETOOLONG;
	if (absolute[1] != '\0')
		strcat(absolute, "/");
	strcat(absolute, slash + 1);
	return 0;
}

int
duns_resolve_path(const char *path, struct duns_attr_t *attr)
{
	char absolute[PATH_MAX];
	const char *rest;
	bool direct;
	int rc;

	if (path == NULL || path[0] == '\0' || attr == NULL)
		return EINVAL;
	direct = attr->da_no_prefix || attr->da_flags & DUNS_NO_PREFIX;
	rest = uns_direct_rest(path, !direct);
	if (rest)
		return uns_parse_direct(rest, attr);
	if (attr->da_flags & DUNS_NO_CHECK_PATH)
		return EINVAL;
	rc = path_absolute(path, absolute);
	return rc ? rc : walk_up(absolute, attr);
}

int
duns_parse_attr(char *str, daos_size_t len, struct duns_attr_t *attr)
{
	if (str == NULL || attr == NULL)
		return EINVAL;
	return uns_parse_value(str, len, attr);
}

int
duns_set_sys_name(struct duns_attr_t *attrp, const char *sys)
{
	char *copy = NULL;

	if (attrp == NULL || (sys && strlen(sys) > DAOS_SYS_NAME_MAX))
		return EINVAL;
	if (sys) {
		copy = uns_strdup(sys, strlen(sys));
		if (copy == NULL)
			return ENOMEM;
	}
	free(attrp->da_sys);
	attrp->da_sys = copy;
	return 0;
}

void
duns_destroy_attr(struct duns_attr_t *attrp)
{
	if (attrp == NULL)
		return;
	free(attrp->da_sys);
	free(attrp->da_rel_path);
	attrp->da_sys = NULL;
	attrp->da_rel_path = NULL;
}

/* ------------------------------------------------ entries */

/* The directory or file that will stand for a container. */
static int
entry_make(const char *path, daos_cont_layout_t layout)
{
	int descriptor;

	if (layout == DAOS_PROP_CO_LAYOUT_POSIX)
		return mkdir(path, 0700) ? errno : 0;
	descriptor = open(path, O_CREAT | O_EXCL | O_WRONLY | O_CLOEXEC, 0600);
	if (descriptor < 0)
		return errno;
	close(descriptor);
	return 0;
}

static int
entry_remove(const char *path)
{
	return remove(path) ? errno : 0;
}

static int
pool_id(daos_handle_t pool, uuid_t id)
{
	daos_pool_info_t info = {.pi_bits = 0};
	int rc = uns_errno(daos_pool_query(pool, NULL, &info, NULL, NULL));

	if (rc == 0)
		uuid_copy(id, info.pi_uuid);
	return rc;
}

/* Makes the entry at path and writes the attribute; leaves nothing on failure. */
static int
entry_write(const char *path, const struct duns_attr_t *attr)
{
	char value[DUNS_MAX_XATTR_LEN];
	int rc = uns_format_value(attr->da_type, attr->da_puuid, attr->da_cuuid, value);

	if (rc == 0)
		rc = entry_make(path, attr->da_type);
	if (rc)
		return rc;
	if (setxattr(path, DUNS_XATTR_NAME, value, strlen(value) + 1, 0)) {
		rc = errno;
		(void)entry_remove(path);
	}
	return rc;
}

/* A container of the layout wanted; a POSIX one is made into a file system. */
static int
container_create(daos_handle_t pool, struct duns_attr_t *attr)
{
	dfs_attr_t attributes = {
		.da_chunk_size = attr->da_chunk_size,
		.da_oclass_id = attr->da_oclass_id,
		.da_dir_oclass_id = attr->da_dir_oclass_id,
		.da_file_oclass_id = attr->da_file_oclass_id,
		.da_props = attr->da_props,
	};
	daos_prop_t *properties, *own;
	int rc;

	memcpy(attributes.da_hints, attr->da_hints, sizeof(attributes.da_hints));
	if (attr->da_type == DAOS_PROP_CO_LAYOUT_POSIX)
		return dfs_cont_create(pool, &attr->da_cuuid, &attributes, NULL, NULL);
	own = daos_prop_alloc(1);
	if (own == NULL)
		return ENOMEM;
	own->dpp_entries[0].dpe_type = DAOS_PROP_CO_LAYOUT_TYPE;
	own->dpp_entries[0].dpe_val = attr->da_type;
	properties = own;
	rc = attr->da_props ? daos_prop_merge2(attr->da_props, own, &properties) : 0;
	if (rc == 0)
		rc = daos_cont_create(pool, &attr->da_cuuid, properties, NULL);
	if (properties != own)
		daos_prop_free(properties);
	daos_prop_free(own);
	return uns_errno(rc);
}

int
duns_create_path(daos_handle_t poh, const char *path, struct duns_attr_t *attrp)
{
	int rc;

	if (path == NULL || attrp == NULL)
		return EINVAL;
	if (uns_direct_rest(path, true))
		return ENOTSUP;
	if (access(path, F_OK) == 0)
		return EEXIST;
	rc = pool_id(poh, attrp->da_puuid);
	if (rc == 0)
		rc = container_create(poh, attrp);
	if (rc)
		return rc;
	uuid_unparse_lower(attrp->da_puuid, attrp->da_pool);
	uuid_unparse_lower(attrp->da_cuuid, attrp->da_cont);
	rc = entry_write(path, attrp);
	if (rc)
		(void)daos_cont_destroy(poh, attrp->da_cont, 1, NULL);
	return rc;
}

int
duns_destroy_path(daos_handle_t poh, const char *path)
{
	struct duns_attr_t attr = {.da_flags = DUNS_NO_REVERSE_LOOKUP};
	int rc = duns_resolve_path(path, &attr);

	if (rc == 0)
		rc = uns_errno(daos_cont_destroy(poh, attr.da_cont, 1, NULL));
	/* A link whose container is gone already is removed all the same. */
	if (rc == 0 || rc == ENOENT)
		rc = attr.da_cont[0] ? entry_remove(path) : rc;
	duns_destroy_attr(&attr);
	return rc;
}

/* Layout and id of an existing container. */
static int
container_describe(daos_handle_t pool, const char *name, struct duns_attr_t *attr)
{
	daos_prop_t *properties = daos_prop_alloc(1);
	const struct daos_prop_entry *layout;
	daos_handle_t container;
	daos_cont_info_t info;
	int rc;

	if (properties == NULL)
		return ENOMEM;
	properties->dpp_entries[0].dpe_type = DAOS_PROP_CO_LAYOUT_TYPE;
	rc = daos_cont_open(pool, name, DAOS_COO_RO, &container, &info, NULL);
	if (rc == 0) {
		rc = daos_cont_query(container, NULL, properties, NULL);
		(void)daos_cont_close(container, NULL);
	}
	layout = daos_prop_entry_get(properties, DAOS_PROP_CO_LAYOUT_TYPE);
	if (rc == 0 && layout) {
		attr->da_type = (daos_cont_layout_t)layout->dpe_val;
		uuid_copy(attr->da_cuuid, info.ci_uuid);
	}
	daos_prop_free(properties);
	return uns_errno(rc);
}

int
duns_link_cont(daos_handle_t poh, const char *cont, const char *path)
{
	struct duns_attr_t attr = {.da_type = DAOS_PROP_CO_LAYOUT_UNKNOWN};
	int rc;

	if (cont == NULL || path == NULL)
		return EINVAL;
	if (access(path, F_OK) == 0)
		return EEXIST;
	rc = pool_id(poh, attr.da_puuid);
	if (rc == 0)
		rc = container_describe(poh, cont, &attr);
	return rc ? rc : entry_write(path, &attr);
}
