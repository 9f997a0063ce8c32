/* SPDX-License-Identifier: BSD-2-Clause-Patent */
/* Texts that name a container: paths with the daos prefix, and the extended attribute's value. */
#include <stdlib.h>

#include "daos/common.h"
#include "duns/private.h"

#define PREFIX "daos:"
#define VALUE_PREFIX "DAOS."

struct layout_name {
	const char *name;
	daos_cont_layout_t layout;
};

static const struct layout_name layout_names[] = {
	{"POSIX", DAOS_PROP_CO_LAYOUT_POSIX},	    {"HDF5", DAOS_PROP_CO_LAYOUT_HDF5},
	{"PYTHON", DAOS_PROP_CO_LAYOUT_PYTHON},	    {"SPARK", DAOS_PROP_CO_LAYOUT_SPARK},
	{"DATABASE", DAOS_PROP_CO_LAYOUT_DATABASE}, {"ROOT", DAOS_PROP_CO_LAYOUT_ROOT},
	{"SEISMIC", DAOS_PROP_CO_LAYOUT_SEISMIC},   {"METEO", DAOS_PROP_CO_LAYOUT_METEO},
};

int
uns_errno(int code)
{
	return code == -DER_NOSYS ? ENOSYS : daos_der2errno(code);
}

/* da_rel_path and da_sys belong to callers, who may free them themselves. */
char *
uns_strdup(const char *text, size_t length)
{
	char *copy = malloc(length + 1);

	if (copy == NULL)
		return NULL;
	memcpy(copy, text, length);
	copy[length] = '\0';
	return copy;
}

/* One name of a path: a label or a UUID. */
static int
parse_name(const char **text, char name[DAOS_PROP_MAX_LABEL_BUF_LEN], uuid_t id)
{
	size_t length = strcspn(*text, "/");

	if (length == 0 || length >= DAOS_PROP_MAX_LABEL_BUF_LEN)
		return EINVAL;
	memcpy(name, *text, length);
	name[length] = '\0';
	*text += length;
	uuid_clear(id);
	if (uuid_parse(name, id) == 0)
		return 0;
	uuid_clear(id);
	return daos_label_is_valid(name) ? 0 : EINVAL;
}

const char *
uns_direct_rest(const char *path, bool needs_prefix)
{
	size_t length = strlen(PREFIX);

	if (strncmp(path, PREFIX, length) == 0)
		path += length;
	else if (needs_prefix)
		return NULL;
	return path + strspn(path, "/");
}

int
uns_parse_direct(const char *text, struct duns_attr_t *attr)
{
	int rc = parse_name(&text, attr->da_pool, attr->da_puuid);

	attr->da_cont[0] = '\0';
	attr->da_rel_path = NULL;
	attr->da_type = DAOS_PROP_CO_LAYOUT_UNKNOWN;
	if (rc)
		return rc;
	text += strspn(text, "/");
	if (*text == '\0')
		return 0;
	rc = parse_name(&text, attr->da_cont, attr->da_cuuid);
	if (rc || text[strspn(text, "/")] == '\0')
		return rc;
	attr->da_rel_path = uns_strdup(text, strlen(text));
	return attr->da_rel_path ? 0 : ENOMEM;
}

static int
parse_layout(const char **text, const char *end, daos_cont_layout_t *ret_layout)
{
	for (size_t i = 0; i < ARRAY_SIZE(layout_names); i++) {
		size_t length = strlen(layout_names[i].name);

		if ((size_t)(end - *text) > length &&
		    memcmp(*text, layout_names[i].name, length) == 0) {
			*ret_layout = layout_names[i].layout;
			*text += length;
			return 0;
		}
	}
	return EINVAL;
}

int
uns_parse_value(const char *value, size_t length, struct duns_attr_t *attr)
{
	char copy[DUNS_MAX_XATTR_LEN + 1];
	const char *text = copy;
	struct duns_attr_t found = {.da_type = 0};
	int rc;

	length = strnlen(value, length);
	if (length > DUNS_MAX_XATTR_LEN)
		return EINVAL;
	memcpy(copy, value, length);
	copy[length] = '\0';
	if (strncmp(text, VALUE_PREFIX, strlen(VALUE_PREFIX)) != 0)
		return EINVAL;
	text += strlen(VALUE_PREFIX);
	rc = parse_layout(&text, copy + length, &found.da_type);
	if (rc || strncmp(text, "://", 3) != 0)
		return EINVAL;
	text += 3;
	if (parse_name(&text, found.da_pool, found.da_puuid) || *text != '/')
		return EINVAL;
	text++;
	if (parse_name(&text, found.da_cont, found.da_cuuid) || *text != '\0')
		return EINVAL;
	attr->da_type = found.da_type;
	memcpy(attr->da_pool, found.da_pool, sizeof(found.da_pool));
	memcpy(attr->da_cont, found.da_cont, sizeof(found.da_cont));
	uuid_copy(attr->da_puuid, found.da_puuid);
	uuid_copy(attr->da_cuuid, found.da_cuuid);
	return 0;
}

int
uns_format_value(daos_cont_layout_t layout, const uuid_t pool, const uuid_t container,
		 char value[DUNS_MAX_XATTR_LEN])
{
	char pool_text[DAOS_UUID_STR_SIZE], container_text[DAOS_UUID_STR_SIZE];

	uuid_unparse_lower(pool, pool_text);
	uuid_unparse_lower(container, container_text);
	for (size_t i = 0; i < ARRAY_SIZE(layout_names); i++) {
		if (layout_names[i].layout != layout)
			continue;
		snprintf(value, DUNS_MAX_XATTR_LEN, DUNS_XATTR_FMT, layout_names[i].name, pool_text,
			 container_text);
		return 0;
	}
	return EINVAL;
}
