/* SPDX-License-Identifier: BSD-2-Clause-Patent */
/* What lists give to whom: every type of principal, what decides, and what is no list. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "acl/acl.h"
#include "daos_security.h"

/* A list made by hand, entry by entry. */
struct packed {
	uint8_t bytes[1024];
	struct writer writer;
};

static void
list_begin(struct packed *list)
{
	memset(list, 0, sizeof(*list));
	writer_init(&list->writer, list->bytes, sizeof(list->bytes));
	writer_u16(&list->writer, DAOS_ACL_VERSION);
	writer_u16(&list->writer, 0);
	writer_u32(&list->writer, 0);
}

static void
list_add(struct packed *list, uint8_t type, const char *name, uint64_t permissions)
{
	bool group = type == DAOS_ACL_OWNER_GROUP || type == DAOS_ACL_GROUP;
	size_t size = name ? align_up(strlen(name) + 1, 8) : 0;
	char padded[256] = "";

	writer_u8(&list->writer, DAOS_ACL_ACCESS_ALLOW);
	writer_u8(&list->writer, type);
	writer_u16(&list->writer, (uint16_t)size);
	writer_u16(&list->writer, group ? DAOS_ACL_FLAG_GROUP : 0);
	writer_u16(&list->writer, 0);
	writer_u64(&list->writer, permissions);
	writer_u64(&list->writer, 0);
	writer_u64(&list->writer, 0);
	if (name)
		snprintf(padded, sizeof(padded), "%s", name);
	writer_bytes(&list->writer, padded, size);
	store_u32(list->bytes + 4, (uint32_t)list->writer.position - 8);
}

/* ------------------------------------------------ who decides */

struct row {
	const char *entries; /* "O" owner, "u" user kim@, "G" owning group, "g" group dev@, "E";
				each followed by a letter of its permissions */
	const char *user;
	const char *groups[3];
	uint64_t wanted;
};

static uint64_t
letter_bit(char letter)
{
	static const char all[] = "rwcdtTaAo";

	return letter == '-' ? 0 : UINT64_C(1) << (strchr(all, letter) - all);
}

static void
row_list(const struct row *row, struct packed *list)
{
	static const struct {
		char letter;
		uint8_t type;
		const char *name;
	} kinds[] = {
		{'O', DAOS_ACL_OWNER, NULL},	   {'u', DAOS_ACL_USER, "kim@"},
		{'G', DAOS_ACL_OWNER_GROUP, NULL}, {'g', DAOS_ACL_GROUP, "dev@"},
		{'h', DAOS_ACL_GROUP, "ops@"},	   {'E', DAOS_ACL_EVERYONE, NULL},
	};

	list_begin(list);
	for (const char *at = row->entries; *at; at += 2)
		for (size_t i = 0; i < ARRAY_SIZE(kinds); i++)
			if (kinds[i].letter == *at)
				list_add(list, kinds[i].type, kinds[i].name, letter_bit(at[1]));
}

static void
the_first_class_that_applies_decides(void **state)
{
	static const struct row rows[] = {
		/* The owner, and that nobody else is. */
		{"OrGwEc", "ann@", {"staff@"}, DAOS_ACL_PERM_READ},
		{"O-GwEc", "ann@", {"staff@"}, 0},
		{"GwEc", "ann@", {"staff@"}, DAOS_ACL_PERM_WRITE},
		{"OrEc", "bob@", {"other@"}, DAOS_ACL_PERM_CREATE_CONT},
		/* A user by name, also when groups or everyone get more. */
		{"OruwGdEc", "kim@", {"staff@"}, DAOS_ACL_PERM_WRITE},
		{"u-GdEc", "kim@", {"staff@"}, 0},
		{"uwGd", "kimberly@", {"staff@"}, DAOS_ACL_PERM_DEL_CONT},
		{"uwGd", "ki@", {"none@"}, 0},
		/* An owner with an entry of their own name: the owner's entry decides. */
		{"Oruw", "ann@", {"x@"}, DAOS_ACL_PERM_READ},
		/* Groups add up; one without permissions takes nothing away. */
		{"GdgThoEc",
		 "bob@",
		 {"staff@", "dev@", "ops@"},
		 DAOS_ACL_PERM_DEL_CONT | DAOS_ACL_PERM_SET_PROP | DAOS_ACL_PERM_SET_OWNER},
		{"GdgThoEc", "bob@", {"dev@"}, DAOS_ACL_PERM_SET_PROP},
		{"G-grEc", "bob@", {"staff@", "dev@"}, DAOS_ACL_PERM_READ},
		{"G-g-Ec", "bob@", {"staff@", "dev@"}, 0},
		{"G-g-Ec", "bob@", {NULL}, DAOS_ACL_PERM_CREATE_CONT},
		/* Nothing at all. */
		{"", "ann@", {"staff@"}, 0},
		{"Or", "bob@", {"staff@"}, 0},
		{"Er", "", {NULL}, DAOS_ACL_PERM_READ},
	};
	const struct acl_owner owner = {"ann@", "staff@", 4, 6};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		struct acl_principal principal = {.user = rows[i].user, .groups = rows[i].groups};
		uint64_t permissions = UINT64_MAX;
		struct packed list;

		while (principal.group_count < 3 && rows[i].groups[principal.group_count])
			principal.group_count++;
		row_list(&rows[i], &list);
		assert_int_equal(acl_check(list.bytes, list.writer.position), 0);
		assert_int_equal(acl_evaluate(list.bytes, list.writer.position, &owner, &principal,
					      &permissions),
				 0);
		if (permissions != rows[i].wanted)
			fail_msg("row %zu gives %#llx", i, (unsigned long long)permissions);
	}
}

static void
nobody_owns_what_has_no_owner(void **state)
{
	const struct acl_owner none = {NULL, NULL, 0, 0};
	const struct acl_principal principal = {.user = ""};

	(void)state;
	assert_false(acl_owns(&none, &principal));
}

static void
only_what_is_allowed_counts(void **state)
{
	const struct acl_owner owner = {"ann@", "staff@", 4, 6};
	const struct acl_principal principal = {.user = "ann@"};
	uint64_t permissions = 9;
	struct packed list;

	(void)state;
	list_begin(&list);
	list_add(&list, DAOS_ACL_OWNER, NULL, 0);
	list.bytes[8] = DAOS_ACL_ACCESS_AUDIT;
	store_u16(list.bytes + 12, DAOS_ACL_FLAG_ACCESS_FAIL);
	store_u64(list.bytes + 24, DAOS_ACL_PERM_READ);
	assert_int_equal(acl_evaluate(list.bytes, list.writer.position, &owner, &principal,
				      &permissions),
			 0);
	assert_int_equal(permissions, 0);
}

static void
rights_follow_from_permissions(void **state)
{
	const uint64_t read = DAOS_ACL_PERM_READ | DAOS_ACL_PERM_GET_PROP;
	const uint64_t access = DAOS_ACL_PERM_GET_ACL | DAOS_ACL_PERM_SET_ACL;
	char letters[ACL_LETTERS];

	(void)state;
	assert_int_equal(acl_pool_rights(0), 0);
	assert_int_equal(acl_pool_rights(DAOS_ACL_PERM_READ), read);
	assert_int_equal(acl_pool_rights(DAOS_ACL_PERM_GET_PROP), read);
	assert_int_equal(acl_pool_rights(DAOS_ACL_PERM_WRITE),
			 DAOS_ACL_PERM_WRITE | DAOS_ACL_PERM_CREATE_CONT | DAOS_ACL_PERM_DEL_CONT);
	assert_int_equal(acl_pool_rights(DAOS_ACL_PERM_DEL_CONT), DAOS_ACL_PERM_DEL_CONT);
	/* Pools are administered, not owned: these give nothing there. */
	assert_int_equal(acl_pool_rights(DAOS_ACL_PERM_SET_ACL | DAOS_ACL_PERM_SET_OWNER), 0);
	assert_int_equal(acl_container_rights(0, true), access);
	assert_int_equal(acl_container_rights(DAOS_ACL_PERM_CREATE_CONT, false), 0);
	assert_int_equal(acl_container_rights(DAOS_ACL_PERM_ALL, false), DAOS_ACL_PERM_CONT_ALL);
	acl_letters(DAOS_ACL_PERM_ALL, letters);
	assert_string_equal(letters, "rwcdtTaAo");
	acl_letters(0, letters);
	assert_string_equal(letters, "none");
}

/* ------------------------------------------------ what is no list */

static int
check_copy(const uint8_t *bytes, size_t length)
{
	/* Exactly so long, so that a read beyond it is seen. */
	uint8_t *copy = malloc(length ? length : 1);
	int rc;

	assert_non_null(copy);
	memcpy(copy, bytes, length);
	rc = acl_check(copy, length);
	free(copy);
	return rc;
}

static void
whole_list(struct packed *list)
{
	static const struct row row = {.entries = "OrurGrgrhrEr"};

	row_list(&row, list);
}

static void
parts_of_a_list_are_none(void **state)
{
	struct packed list;

	(void)state;
	whole_list(&list);
	assert_int_equal(check_copy(list.bytes, list.writer.position), 0);
	for (size_t length = 0; length < list.writer.position; length++)
		assert_int_equal(check_copy(list.bytes, length), -DER_INVAL);
	list.bytes[list.writer.position] = 0;
	assert_int_equal(check_copy(list.bytes, list.writer.position + 1), -DER_INVAL);
}

static void
malformed_lists_are_refused(void **state)
{
	static const struct {
		size_t offset;
		uint8_t value;
	} changes[] = {
		{0, 2},		      /* version */
		{4, 1},		      /* length */
		{5, 0xff},    {8, 8}, /* access */
		{9, 5},		      /* type */
		{9, 4},		      /* out of order */
		{10, 8},	      /* a name where there is none */
		{12, 1},	      /* a group's flag */
		{12, 0x20},	      /* an unknown flag */
		{12, 4},	      /* told without telling */
		{18, 1},	      /* an unknown permission */
		{24, 1},	      /* audited without being so */
		{40 + 2, 7},	      /* a name's padding */
		{40 + 2, 0},	      /* no name */
		{40 + 32, 0}, {40 + 32, '@'}, {40 + 35, 'x'}, {40 + 33, '@'},
	};
	struct packed list;

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(changes); i++) {
		whole_list(&list);
		assert_int_not_equal(list.bytes[changes[i].offset], changes[i].value);
		list.bytes[changes[i].offset] = changes[i].value;
		if (check_copy(list.bytes, list.writer.position) != -DER_INVAL)
			fail_msg("change %zu is accepted", i);
	}
}

static void
principals_come_once_and_in_order(void **state)
{
	static const char *const bad[] = {"OrOr", "urur", "ErEr", "GrGr", "EwOr", "gruw"};
	struct packed list;

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(bad); i++) {
		const struct row row = {.entries = bad[i]};

		row_list(&row, &list);
		assert_int_equal(check_copy(list.bytes, list.writer.position), -DER_INVAL);
	}
}

static void
a_list_may_not_be_too_large(void **state)
{
	size_t size = ACL_BYTES_MAX + 8;
	uint8_t *bytes = calloc(1, size);

	(void)state;
	assert_non_null(bytes);
	store_u16(bytes, DAOS_ACL_VERSION);
	store_u32(bytes + 4, (uint32_t)size - 8);
	assert_int_equal(acl_check(bytes, size), -DER_INVAL);
	free(bytes);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(the_first_class_that_applies_decides),
		cmocka_unit_test(nobody_owns_what_has_no_owner),
		cmocka_unit_test(only_what_is_allowed_counts),
		cmocka_unit_test(rights_follow_from_permissions),
		cmocka_unit_test(parts_of_a_list_are_none),
		cmocka_unit_test(malformed_lists_are_refused),
		cmocka_unit_test(principals_come_once_and_in_order),
		cmocka_unit_test(a_list_may_not_be_too_large),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
