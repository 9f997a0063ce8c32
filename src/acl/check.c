/* SPDX-License-Identifier: BSD-2-Clause-Patent */
/* Reading a packed list, and whether it is one. */
#include "acl/entry.h"

#define NAME_ALIGNMENT 8u

int
entries_open(const void *acl, size_t length, struct reader *ret_reader)
{
	uint16_t version;
	uint32_t size;

	reader_init(ret_reader, acl, length);
	version = reader_u16(ret_reader);
	(void)reader_u16(ret_reader);
	size = reader_u32(ret_reader);
	if (ret_reader->failed || version != DAOS_ACL_VERSION || size > DAOS_ACL_MAX_ACE_LEN ||
	    size != reader_left(ret_reader))
		return error_raise(-DER_INVAL, "%zu bytes are no access list", length);
	return 0;
}

/* "name@" or "name@domain", padded with at least one zero byte. */
static bool
name_valid(const char *name, uint32_t size, uint32_t *ret_length)
{
	const char *end = size ? memchr(name, 0, size) : NULL, *at;
	size_t length = end ? (size_t)(end - name) : 0;

	if (length == 0 || length > DAOS_ACL_MAX_PRINCIPAL_LEN)
		return false;
	at = memchr(name, '@', length);
	if (at == NULL || at == name || memchr(at + 1, '@', (size_t)(end - at - 1)))
		return false;
	*ret_length = (uint32_t)length;
	return true;
}

static bool
permissions_valid(const struct entry *entry, uint8_t access, uint64_t permissions)
{
	return permissions == 0 ||
	       ((entry->access & access) && (permissions & ~(uint64_t)DAOS_ACL_PERM_ALL) == 0);
}

/* Success and failure are told of audited and alarmed accesses only. */
static bool
flags_valid(const struct entry *entry)
{
	bool group = entry->flags & DAOS_ACL_FLAG_GROUP;
	bool told = entry->flags & (DAOS_ACL_FLAG_ACCESS_FAIL | DAOS_ACL_FLAG_ACCESS_SUCCESS);
	bool telling = entry->access & (DAOS_ACL_ACCESS_AUDIT | DAOS_ACL_ACCESS_ALARM);

	return (entry->flags & ~DAOS_ACL_FLAG_ALL) == 0 && group == type_is_group(entry->type) &&
	       told == telling;
}

static bool
entry_valid(const struct entry *entry)
{
	return (entry->access & ~DAOS_ACL_ACCESS_ALL) == 0 && flags_valid(entry) &&
	       permissions_valid(entry, DAOS_ACL_ACCESS_ALLOW, entry->allow) &&
	       permissions_valid(entry, DAOS_ACL_ACCESS_AUDIT, entry->audit) &&
	       permissions_valid(entry, DAOS_ACL_ACCESS_ALARM, entry->alarm);
}

int
entry_next(struct reader *reader, struct entry *ret_entry)
{
	struct entry entry = {.bytes = reader->data + reader->position};
	uint32_t name_size;
	bool good;

	entry.access = reader_u8(reader);
	entry.type = reader_u8(reader);
	name_size = reader_u16(reader);
	entry.flags = reader_u16(reader);
	(void)reader_u16(reader);
	entry.allow = reader_u64(reader);
	entry.audit = reader_u64(reader);
	entry.alarm = reader_u64(reader);
	entry.name = (const char *)reader_bytes(reader, name_size);
	entry.size = ENTRY_HEAD + name_size;
	good = !reader->failed && entry.type < NUM_DAOS_ACL_TYPES &&
	       name_size % NAME_ALIGNMENT == 0 && entry_valid(&entry);
	if (good && type_is_named(entry.type))
		good = name_valid(entry.name, name_size, &entry.name_length);
	else if (good)
		good = name_size == 0;
	if (!good)
		return error_raise(-DER_INVAL, "an entry of an access list is malformed");
	*ret_entry = entry;
	return 0;
}

bool
entry_is_for(const struct entry *entry, uint32_t type, const char *name, size_t name_length)
{
	return entry->type == type &&
	       (!type_is_named(type) ||
		(entry->name_length == name_length && memcmp(entry->name, name, name_length) == 0));
}

/* Whether the entry is the first of its principal; the list was read up to it before. */
static bool
entry_first(const void *acl, size_t length, const struct entry *entry)
{
	struct reader reader;
	struct entry other;

	if (entries_open(acl, length, &reader))
		return false;
	while (entry_next(&reader, &other) == 0 && other.bytes != entry->bytes)
		if (entry_is_for(&other, entry->type, entry->name, entry->name_length))
			return false;
	return true;
}

int
acl_check(const void *acl, size_t length)
{
	struct reader reader;
	struct entry entry;
	uint8_t type = 0;
	int rc = length > ACL_BYTES_MAX
			 ? error_raise(-DER_INVAL, "an access list of %zu bytes; %u are possible",
				       length, ACL_BYTES_MAX)
			 : entries_open(acl, length, &reader);

	while (rc == 0 && reader_left(&reader) > 0) {
		rc = entry_next(&reader, &entry);
		if (rc == 0 && (entry.type < type || !entry_first(acl, length, &entry)))
			rc = error_raise(-DER_INVAL, "an access list names a principal twice, or "
						     "out of order");
		type = rc == 0 ? entry.type : 0;
	}
	return rc;
}
