/* SPDX-License-Identifier: BSD-2-Clause-Patent */
/* Labels, property rules and sets of properties; pure but for load. */
#include "pool/private.h"

/* ------------------------------------------------ labels */

static bool
label_character(char c)
{
	return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') ||
	       c == '.' || c == '_' || c == ':' || c == '-';
}

int
label_check(struct proto_text text)
{
	char copy[UUID_TEXT_SIZE] = {0};
	struct uuid id;

	if (text.length == 0 || text.length > PROTO_LABEL_MAX)
		return error_raise(-DER_INVAL, "a label has 1 to %u characters, this one has %u",
				   PROTO_LABEL_MAX, text.length);
	for (uint32_t i = 0; i < text.length; i++)
		if (!label_character(text.data[i]))
			return error_raise(
				-DER_INVAL,
				"label \"%.*s\": only letters, digits and . _ : - may be in it",
				(int)text.length, text.data);
	if (text.length == UUID_TEXT_SIZE - 1) {
		memcpy(copy, text.data, text.length);
		if (uuid_from_text(copy, &id))
			return error_raise(-DER_INVAL,
					   "label \"%s\" has the form of a UUID: choose another",
					   copy);
	}
	return 0;
}

/* ------------------------------------------------ rules */

static const struct property_rule *
rule_find(const struct property_rule *rules, uint32_t count, uint32_t type)
{
	for (uint32_t i = 0; i < count; i++)
		if (rules[i].type == type)
			return &rules[i];
	return NULL;
}

static int
property_check(const struct property_rule *rule, const struct proto_property *property,
	       bool creating)
{
	if (rule->derived || (rule->fixed && !creating))
		return error_raise(-DER_NO_PERM, "property %s cannot be %s", rule->name,
				   rule->derived ? "set" : "changed after creation");
	if (rule->is_bytes != property->is_bytes)
		return error_raise(-DER_INVAL, "property %s is %s", rule->name,
				   rule->is_bytes ? "not a number" : "a number");
	if (rule->is_bytes && property->bytes.length > rule->bytes_max)
		return error_raise(-DER_INVAL, "property %s takes at most %u bytes", rule->name,
				   rule->bytes_max);
	if (rule->is_acl && !creating && property->bytes.length == 0)
		return error_raise(-DER_INVAL, "property %s is empty", rule->name);
	if (rule->is_acl && property->bytes.length > 0) {
		int rc = acl_check(property->bytes.data, property->bytes.length);

		if (rc)
			return rc;
	}
	if (!rule->is_bytes && (property->number < rule->least || property->number > rule->most))
		return error_raise(-DER_INVAL, "property %s is %lu; it may be %lu to %lu",
				   rule->name, (unsigned long)property->number,
				   (unsigned long)rule->least, (unsigned long)rule->most);
	return 0;
}

int
properties_check(const struct property_rule *rules, uint32_t rule_count,
		 const struct proto_properties *wanted, bool creating)
{
	for (uint32_t i = 0; i < wanted->count; i++) {
		const struct proto_property *property = &wanted->items[i];
		const struct property_rule *rule = rule_find(rules, rule_count, property->type);
		int rc;

		if (rule == NULL)
			return error_raise(-DER_INVAL, "property number %u is not known here",
					   property->type);
		rc = property_check(rule, property, creating);
		if (rc)
			return rc;
	}
	return 0;
}

/* ------------------------------------------------ sets */

static int
property_put(struct proto_properties *properties, const struct proto_property *property)
{
	for (uint32_t i = 0; i < properties->count; i++)
		if (properties->items[i].type == property->type) {
			properties->items[i] = *property;
			return 0;
		}
	if (properties->count == PROTO_PROPERTIES_MAX)
		return error_raise(-DER_OVERFLOW, "more than %u properties", PROTO_PROPERTIES_MAX);
	properties->items[properties->count++] = *property;
	return 0;
}

int
properties_merge(struct proto_properties *properties, const struct proto_properties *from)
{
	int rc = 0;

	for (uint32_t i = 0; rc == 0 && i < from->count; i++)
		rc = property_put(properties, &from->items[i]);
	return rc;
}

int
properties_set_number(struct proto_properties *properties, uint32_t type, uint64_t number)
{
	const struct proto_property property = {.type = type, .number = number};

	return property_put(properties, &property);
}

int
properties_set_bytes(struct proto_properties *properties, uint32_t type, struct proto_text bytes)
{
	const struct proto_property property = {.type = type, .is_bytes = true, .bytes = bytes};

	return property_put(properties, &property);
}

void
properties_complete(const struct property_rule *rules, uint32_t rule_count,
		    struct proto_properties *properties)
{
	for (uint32_t i = 0; i < rule_count; i++)
		if (!rules[i].is_bytes && properties->count < PROTO_PROPERTIES_MAX &&
		    proto_property_find(properties, rules[i].type) == NULL)
			properties->items[properties->count++] = (struct proto_property){
				.type = rules[i].type, .number = rules[i].standard};
}

/* ------------------------------------------------ as values */

int
properties_load(struct metadb *metadb, struct metadb_bytes key,
		struct stored_properties *ret_stored)
{
	struct reader reader;
	int rc;

	ret_stored->properties.count = 0;
	ret_stored->value = (struct metadb_bytes){NULL, 0};
	rc = metadb_get(metadb, key, &ret_stored->value, NULL);
	if (rc)
		return rc == -DER_NONEXIST ? 0 : rc;
	reader_init(&reader, ret_stored->value.data, ret_stored->value.length);
	rc = proto_properties_decode(&reader, &ret_stored->properties);
	if (rc == 0)
		return 0;
	metadb_bytes_free(metadb, &ret_stored->value);
	return error_raise(-DER_IO, "the store is damaged: bad properties");
}

void
stored_properties_free(struct metadb *metadb, struct stored_properties *stored)
{
	metadb_bytes_free(metadb, &stored->value);
	stored->properties.count = 0;
}

int
properties_pack(struct arena *arena, const struct proto_properties *properties,
		struct metadb_bytes *ret_value)
{
	size_t size = 64;
	struct writer writer;
	void *data;

	for (uint32_t i = 0; i < properties->count; i++)
		size += 16 + properties->items[i].bytes.length;
	if (size > METADB_VALUE_MAX)
		return error_raise(-DER_REC2BIG, "properties of %zu bytes; %u are possible", size,
				   METADB_VALUE_MAX);
	data = arena_alloc(arena, size);
	if (data == NULL)
		return error_raise(-DER_NOMEM, "no memory for properties");
	writer_init(&writer, data, size);
	proto_properties_encode(properties, &writer);
	ASSERT(!writer.failed);
	*ret_value = (struct metadb_bytes){data, (uint32_t)writer.position};
	return 0;
}
