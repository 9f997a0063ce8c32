/* SPDX-License-Identifier: BSD-2-Clause-Patent */
/* Properties between the public lists and the wire. */
#include <gurt/common.h>

#include "client/private.h"

/* Bytes of what an entry points to. */
static int
value_to_wire(const struct prop_rule *rule, const struct daos_prop_entry *entry,
	      struct proto_property *property)
{
	const d_rank_list_t *ranks = entry->dpe_val_ptr;
	ssize_t size = 0;

	property->is_bytes = true;
	property->bytes.data = entry->dpe_val_ptr;
	if (rule->kind == PROP_LABEL || rule->kind == PROP_PRINCIPAL)
		size = (ssize_t)strlen(entry->dpe_str);
	else if (rule->kind == PROP_ACL)
		size = daos_acl_get_size((struct daos_acl *)entry->dpe_val_ptr);
	else if (rule->kind == PROP_ROOTS)
		size = sizeof(struct daos_prop_co_roots);
	else
		size = (ssize_t)(ranks->rl_nr * sizeof(d_rank_t));
	if (rule->kind == PROP_RANKS)
		property->bytes.data = (const char *)ranks->rl_ranks;
	if (size < 0 || size > (ssize_t)PROTO_PROPERTY_BYTES_MAX)
		return -DER_INVAL;
	property->bytes.length = (uint32_t)size;
	return 0;
}

int
properties_to_wire(const daos_prop_t *properties, struct proto_properties *ret_wire)
{
	ret_wire->count = 0;
	for (uint32_t i = 0; properties && i < properties->dpp_nr; i++) {
		const struct daos_prop_entry *entry = &properties->dpp_entries[i];
		const struct prop_rule *rule = prop_rule_find(entry->dpe_type);
		struct proto_property *property = &ret_wire->items[ret_wire->count];
		int rc = 0;

		if (entry->dpe_flags & DAOS_PROP_ENTRY_NOT_SET)
			continue;
		if (rule == NULL || ret_wire->count == PROTO_PROPERTIES_MAX)
			return error_raise(-DER_INVAL, "property %u is not known", entry->dpe_type);
		*property =
			(struct proto_property){.type = entry->dpe_type, .number = entry->dpe_val};
		if (rule->kind != PROP_NUMBER)
			rc = entry->dpe_val_ptr ? value_to_wire(rule, entry, property) : -DER_INVAL;
		if (rc)
			return error_raise(rc, "the value of property %u cannot be sent",
					   entry->dpe_type);
		ret_wire->count++;
	}
	return 0;
}

static int
ranks_from_wire(const struct proto_property *property, struct daos_prop_entry *entry)
{
	d_rank_list_t *ranks = d_rank_list_alloc(property->bytes.length / sizeof(d_rank_t));

	if (ranks == NULL)
		return -DER_NOMEM;
	if (ranks->rl_nr > 0)
		memcpy(ranks->rl_ranks, property->bytes.data, ranks->rl_nr * sizeof(d_rank_t));
	entry->dpe_val_ptr = ranks;
	return 0;
}

/* A copy of bytes, with a terminator for texts. */
static int
bytes_from_wire(const struct proto_property *property, size_t least, struct daos_prop_entry *entry)
{
	char *copy;

	if (property->bytes.length < least)
		return -DER_PROTO;
	copy = d_malloc((size_t)property->bytes.length + 1);
	if (copy == NULL)
		return -DER_NOMEM;
	if (property->bytes.length > 0)
		memcpy(copy, property->bytes.data, property->bytes.length);
	copy[property->bytes.length] = '\0';
	entry->dpe_val_ptr = copy;
	return 0;
}

static int
acl_from_wire(const struct proto_property *property, struct daos_prop_entry *entry)
{
	struct daos_acl *acl;
	int rc = bytes_from_wire(property, sizeof(struct daos_acl), entry);

	if (rc)
		return rc;
	acl = entry->dpe_val_ptr;
	if (sizeof(*acl) + acl->dal_len <= property->bytes.length && daos_acl_validate(acl) == 0)
		return 0;
	d_free(acl);
	entry->dpe_val_ptr = NULL;
	return -DER_PROTO;
}

static int
entry_from_wire(const struct proto_property *property, struct daos_prop_entry *entry)
{
	const struct prop_rule *rule = prop_rule_find(property->type);

	if (rule == NULL || property->is_bytes != (rule->kind != PROP_NUMBER))
		return -DER_PROTO;
	entry->dpe_type = property->type;
	switch (rule->kind) {
	case PROP_NUMBER:
		entry->dpe_val = property->number;
		return 0;
	case PROP_RANKS:
		return ranks_from_wire(property, entry);
	case PROP_ACL:
		return acl_from_wire(property, entry);
	case PROP_ROOTS:
		return bytes_from_wire(property, sizeof(struct daos_prop_co_roots), entry);
	case PROP_LABEL:
	case PROP_PRINCIPAL:
		break;
	}
	return bytes_from_wire(property, 0, entry);
}

/* An empty value means that there is none. */
static bool
has_value(const struct proto_property *property)
{
	const struct prop_rule *rule = prop_rule_find(property->type);

	return rule && (!property->is_bytes || property->bytes.length > 0);
}

int
properties_from_wire(const struct proto_properties *wire, daos_prop_t **ret_properties)
{
	daos_prop_t *properties = daos_prop_alloc(wire->count);
	uint32_t count = 0;
	int rc = 0;

	if (properties == NULL)
		return -DER_NOMEM;
	for (uint32_t i = 0; i < wire->count && rc == 0; i++)
		if (has_value(&wire->items[i]))
			rc = entry_from_wire(&wire->items[i], &properties->dpp_entries[count++]);
	if (rc) {
		daos_prop_free(properties);
		return error_raise(rc, "a property from the server cannot be read");
	}
	properties->dpp_nr = count;
	*ret_properties = properties;
	return 0;
}

/* ------------------------------------------------ as they came */

/* Whether the wire form can stand for a property at all; its bytes are looked at by whoever uses
 * them. */
static size_t
kept_size(const struct proto_properties *wire, bool *ret_known)
{
	size_t size = sizeof(*wire);

	*ret_known = true;
	for (uint32_t i = 0; i < wire->count; i++) {
		const struct prop_rule *rule = prop_rule_find(wire->items[i].type);

		if (rule == NULL || wire->items[i].is_bytes != (rule->kind != PROP_NUMBER))
			*ret_known = false;
		else if (wire->items[i].is_bytes)
			size += wire->items[i].bytes.length;
	}
	return size;
}

int
properties_keep(const struct proto_properties *wire, struct proto_properties **ret_kept)
{
	bool known;
	size_t size = kept_size(wire, &known);
	struct proto_properties *kept;
	char *bytes;

	if (!known)
		return error_raise(-DER_PROTO, "a property from the server cannot be read");
	kept = client_calloc(size);
	if (kept == NULL)
		return -DER_NOMEM;
	bytes = (char *)(kept + 1);
	kept->count = wire->count;
	for (uint32_t i = 0; i < wire->count; i++) {
		struct proto_property *property = &kept->items[i];

		*property = wire->items[i];
		if (!property->is_bytes || property->bytes.length == 0)
			continue;
		memcpy(bytes, wire->items[i].bytes.data, property->bytes.length);
		property->bytes.data = bytes;
		bytes += property->bytes.length;
	}
	*ret_kept = kept;
	return 0;
}

uint64_t
properties_number(const struct proto_properties *properties, uint32_t type)
{
	const struct proto_property *property = proto_property_find(properties, type);

	return property && !property->is_bytes ? property->number : 0;
}
