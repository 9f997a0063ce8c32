/* SPDX-License-Identifier: BSD-2-Clause-Patent */
/* The file of --preserve-props: one JSON object, properties as their numbers. */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "tools/copy_properties.h"

/* What a new container can be given and what does not name the old one. */
static const struct {
	const char *name;
	uint32_t type;
} kept[] = {
	{"cksum", DAOS_PROP_CO_CSUM},
	{"cksum_size", DAOS_PROP_CO_CSUM_CHUNK_SIZE},
	{"srv_cksum", DAOS_PROP_CO_CSUM_SERVER_VERIFY},
	{"rd_fac", DAOS_PROP_CO_REDUN_FAC},
	{"rd_lvl", DAOS_PROP_CO_REDUN_LVL},
	{"ec_cell_sz", DAOS_PROP_CO_EC_CELL_SZ},
	{"ec_pda", DAOS_PROP_CO_EC_PDA},
	{"rp_pda", DAOS_PROP_CO_RP_PDA},
	{"perf_domain", DAOS_PROP_CO_PERF_DOMAIN},
	{"compression", DAOS_PROP_CO_COMPRESS},
	{"dedup", DAOS_PROP_CO_DEDUP},
	{"dedup_threshold", DAOS_PROP_CO_DEDUP_THRESHOLD},
	{"encryption", DAOS_PROP_CO_ENCRYPT},
	{"max_snapshot", DAOS_PROP_CO_SNAPSHOT_MAX},
	{"scrub_disabled", DAOS_PROP_CO_SCRUBBER_DISABLED},
};
#define KEPT (sizeof(kept) / sizeof(kept[0]))

/* ------------------------------------------------ hexadecimal digits */

static char *
hex_of(const uint8_t *bytes, size_t size)
{
	char *text = malloc(2 * size + 1);

	for (size_t i = 0; text && i < size; i++)
		snprintf(text + 2 * i, 3, "%02x", bytes[i]);
	if (text)
		text[2 * size] = '\0';
	return text;
}

/* To be freed; NULL for a text that is none. */
static uint8_t *
hex_read(const char *text, size_t *ret_size)
{
	size_t size = strlen(text) / 2;
	uint8_t *bytes = malloc(size + 1);

	for (size_t i = 0; bytes && i < size; i++) {
		unsigned int value;

		if (sscanf(text + 2 * i, "%2x", &value) != 1) {
			free(bytes);
			return NULL;
		}
		bytes[i] = (uint8_t)value;
	}
	*ret_size = size;
	return bytes;
}

/* ------------------------------------------------ writing */

static int
collect_properties(daos_handle_t container, json_object *object)
{
	daos_prop_t *list = daos_prop_alloc(0);
	int code = list ? daos_cont_query(container, NULL, list, NULL) : -DER_NOMEM;

	for (size_t i = 0; i < KEPT && code == 0; i++) {
		const struct daos_prop_entry *entry = daos_prop_entry_get(list, kept[i].type);

		if (entry && !(entry->dpe_flags & DAOS_PROP_ENTRY_NOT_SET))
			json_object_object_add(object, kept[i].name, json_number(entry->dpe_val));
	}
	daos_prop_free(list);
	return code;
}

static int
collect_attribute(daos_handle_t container, const char *name, json_object *object)
{
	size_t size = 0;
	void *value = NULL;
	char *text;
	int code = daos_cont_get_attr(container, 1, &name, &value, &size, NULL);

	if (code)
		return code;
	value = malloc(size + 1);
	if (!value)
		return -DER_NOMEM;
	code = daos_cont_get_attr(container, 1, &name, &value, &size, NULL);
	text = code ? NULL : hex_of(value, size);
	if (text)
		json_object_object_add(object, name, json_text(text));
	free(text);
	free(value);
	return code;
}

static int
collect_attributes(daos_handle_t container, json_object *object)
{
	size_t size = 0, room;
	char *names;
	int code = daos_cont_list_attr(container, NULL, &size, NULL);

	if (code || size == 0)
		return code;
	room = size;
	names = malloc(room);
	if (!names)
		return -DER_NOMEM;
	code = daos_cont_list_attr(container, names, &size, NULL);
	for (size_t at = 0; code == 0 && at < size && at < room; at += strlen(names + at) + 1)
		code = collect_attribute(container, names + at, object);
	free(names);
	return code;
}

int
properties_write(struct call *call, const char *path, daos_handle_t container)
{
	json_object *object = json_object_new_object(), *properties = json_object_new_object(),
		    *attributes = json_object_new_object();
	int code, rc = STATUS_OK;

	json_object_object_add(object, "schema", json_text("filesystem.properties/1"));
	json_object_object_add(object, "properties", properties);
	json_object_object_add(object, "attributes", attributes);
	code = collect_properties(container, properties);
	if (code == 0)
		code = collect_attributes(container, attributes);
	if (code)
		rc = call_fail(call, code, NULL, "failed to read the container's properties");
	else if (json_object_to_file_ext(path, object, JSON_C_TO_STRING_PRETTY) < 0)
		rc = call_fail_because(call, -DER_MISC, strerror(errno), NULL, "failed to write %s",
				       path);
	json_object_put(object);
	return rc;
}

/* ------------------------------------------------ reading */

static daos_prop_t *
list_of(json_object *object)
{
	daos_prop_t *list = NULL;
	json_object *value;
	uint32_t count = 0;

	for (size_t i = 0; i < KEPT; i++)
		count += json_object_object_get_ex(object, kept[i].name, &value) != 0;
	list = count > 0 ? daos_prop_alloc(count) : NULL;
	count = 0;
	for (size_t i = 0; i < KEPT && list; i++) {
		if (!json_object_object_get_ex(object, kept[i].name, &value))
			continue;
		list->dpp_entries[count].dpe_type = kept[i].type;
		list->dpp_entries[count++].dpe_val = json_object_get_uint64(value);
	}
	return list;
}

int
properties_read(struct call *call, const char *path, struct kept_properties *ret_kept)
{
	json_object *object = json_object_from_file(path), *properties = NULL, *attributes = NULL;

	if (!json_object_is_type(object, json_type_object) ||
	    !json_object_object_get_ex(object, "properties", &properties) ||
	    !json_object_is_type(properties, json_type_object)) {
		json_object_put(object);
		return call_fail_because(call, -DER_INVAL, "it holds no properties of a container",
					 "name the file that --preserve-props wrote",
					 "failed to read %s", path);
	}
	json_object_object_get_ex(object, "attributes", &attributes);
	*ret_kept = (struct kept_properties){list_of(properties), json_object_get(attributes)};
	json_object_put(object);
	return STATUS_OK;
}

void
properties_free(struct kept_properties *kept_properties)
{
	daos_prop_free(kept_properties->properties);
	json_object_put(kept_properties->attributes);
}

int
properties_set_attributes(struct call *call, const struct kept_properties *kept_properties,
			  daos_handle_t container)
{
	if (!json_object_is_type(kept_properties->attributes, json_type_object))
		return STATUS_OK;
	json_object_object_foreach(kept_properties->attributes, name, text)
	{
		const char *names[] = {name};
		size_t size = 0;
		uint8_t *value = hex_read(json_object_get_string(text), &size);
		const void *values[] = {value};
		int code = value ? daos_cont_set_attr(container, 1, names, values, &size, NULL)
				 : -DER_INVAL;

		free(value);
		if (code)
			return call_fail(call, code, NULL, "failed to set attribute \"%s\"", name);
	}
	return STATUS_OK;
}
