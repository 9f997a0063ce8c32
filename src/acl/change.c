/* SPDX-License-Identifier: BSD-2-Clause-Patent */
/* Lists made from others. */
#include "acl/entry.h"

/* The place of an entry among its type is the end: what is replaced moves there, which no
 * evaluation sees. */

static void
head_write(struct writer *writer)
{
	writer_u16(writer, DAOS_ACL_VERSION);
	writer_u16(writer, 0);
	writer_u32(writer, 0);
}

static int
list_end(struct writer *writer, size_t *ret_length)
{
	if (writer->failed)
		return error_raise(-DER_OVERFLOW, "the access list would have more than %zu bytes",
				   writer->length);
	store_u32(writer->data + 4, (uint32_t)(writer->position - sizeof(struct daos_acl)));
	*ret_length = writer->position;
	return 0;
}

/* Whether a valid list has an entry for the principal. */
static bool
list_has(const void *acl, size_t length, const struct entry *wanted)
{
	struct reader reader;
	struct entry entry;

	if (entries_open(acl, length, &reader))
		return false;
	while (reader_left(&reader) > 0 && entry_next(&reader, &entry) == 0)
		if (entry_is_for(&entry, wanted->type, wanted->name, wanted->name_length))
			return true;
	return false;
}

/* Copies the entries of one type but those that `without` (may be NULL) has, too. */
static void
type_copy(const void *acl, size_t length, uint32_t type, const void *without, size_t without_length,
	  struct writer *writer)
{
	struct reader reader;
	struct entry entry;

	if (entries_open(acl, length, &reader))
		return;
	while (reader_left(&reader) > 0 && entry_next(&reader, &entry) == 0)
		if (entry.type == type &&
		    (without == NULL || !list_has(without, without_length, &entry)))
			writer_bytes(writer, entry.bytes, entry.size);
}

int
acl_merge(const void *acl, size_t length, const void *added, size_t added_length, void *buffer,
	  size_t room, size_t *ret_length)
{
	struct writer writer;
	int rc = acl_check(acl, length);

	if (rc == 0)
		rc = acl_check(added, added_length);
	if (rc)
		return rc;
	writer_init(&writer, buffer, min_of(room, (size_t)ACL_BYTES_MAX));
	head_write(&writer);
	for (uint32_t type = 0; type < NUM_DAOS_ACL_TYPES; type++) {
		type_copy(acl, length, type, added, added_length, &writer);
		type_copy(added, added_length, type, NULL, 0, &writer);
	}
	return list_end(&writer, ret_length);
}

int
acl_remove(const void *acl, size_t length, uint32_t type, const char *name, size_t name_length,
	   void *buffer, size_t room, size_t *ret_length)
{
	struct writer writer;
	struct reader reader;
	struct entry entry;
	bool found = false;
	int rc = acl_check(acl, length);

	if (rc == 0)
		rc = entries_open(acl, length, &reader);
	if (rc)
		return rc;
	if (type >= NUM_DAOS_ACL_TYPES)
		return error_raise(-DER_INVAL, "principals of type %u are not known", type);
	writer_init(&writer, buffer, room);
	head_write(&writer);
	while (rc == 0 && reader_left(&reader) > 0) {
		rc = entry_next(&reader, &entry);
		if (rc == 0 && entry_is_for(&entry, type, name, name_length))
			found = true;
		else if (rc == 0)
			writer_bytes(&writer, entry.bytes, entry.size);
	}
	if (rc == 0 && !found)
		rc = error_raise(-DER_NONEXIST, "the access list has no entry for \"%.*s\"",
				 (int)(type_is_named(type) ? name_length : 0), name ? name : "");
	return rc ? rc : list_end(&writer, ret_length);
}

/* ------------------------------------------------ standard lists */

static void
entry_write(struct writer *writer, uint8_t type, uint64_t permissions)
{
	writer_u8(writer, DAOS_ACL_ACCESS_ALLOW);
	writer_u8(writer, type);
	writer_u16(writer, 0);
	writer_u16(writer, type_is_group(type) ? DAOS_ACL_FLAG_GROUP : 0);
	writer_u16(writer, 0);
	writer_u64(writer, permissions);
	writer_u64(writer, 0);
	writer_u64(writer, 0);
}

static struct acl_standard
standard_make(uint64_t owner, uint64_t group)
{
	struct acl_standard list;
	struct writer writer;
	size_t length = 0;
	int rc;

	writer_init(&writer, list.bytes, sizeof(list.bytes));
	head_write(&writer);
	entry_write(&writer, DAOS_ACL_OWNER, owner);
	entry_write(&writer, DAOS_ACL_OWNER_GROUP, group);
	rc = list_end(&writer, &length);
	ASSERT(rc == 0 && length == sizeof(list.bytes));
	return list;
}

struct acl_standard
acl_standard_pool(void)
{
	const uint64_t both = DAOS_ACL_PERM_READ | DAOS_ACL_PERM_WRITE;

	return standard_make(both, both);
}

struct acl_standard
acl_standard_container(void)
{
	return standard_make(DAOS_ACL_PERM_CONT_ALL, DAOS_ACL_PERM_READ | DAOS_ACL_PERM_WRITE |
							     DAOS_ACL_PERM_GET_PROP |
							     DAOS_ACL_PERM_SET_PROP);
}
