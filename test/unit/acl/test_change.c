/* SPDX-License-Identifier: BSD-2-Clause-Patent */
/* Lists made from others: merged, with one principal less, and the standard ones. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "acl/acl.h"
#include "daos_security.h"

static const struct acl_owner owner = {"ann@", "staff@", 4, 6};

/* One entry for a user. */
static size_t
user_list(const char *name, uint64_t permissions, uint8_t bytes[64])
{
	memset(bytes, 0, 64);
	store_u16(bytes, DAOS_ACL_VERSION);
	store_u32(bytes + 4, 40);
	bytes[8] = DAOS_ACL_ACCESS_ALLOW;
	bytes[9] = DAOS_ACL_USER;
	store_u16(bytes + 10, 8);
	store_u64(bytes + 16, permissions);
	assert_true(strlen(name) < 8);
	memcpy(bytes + 40, name, strlen(name));
	return 48;
}

static uint64_t
given_to(const void *acl, size_t length, const char *user)
{
	const struct acl_principal principal = {.user = user};
	uint64_t permissions = 0;

	assert_int_equal(acl_evaluate(acl, length, &owner, &principal, &permissions), 0);
	return permissions;
}

static void
entries_are_added_and_replaced(void **state)
{
	struct acl_standard standard = acl_standard_container();
	uint8_t list[512], more[512], user[64];
	size_t length = 0, size;

	(void)state;
	size = user_list("kim@", DAOS_ACL_PERM_READ, user);
	assert_int_equal(acl_merge(standard.bytes, sizeof(standard.bytes), user, size, list,
				   sizeof(list), &length),
			 0);
	assert_int_equal(length, sizeof(standard.bytes) + 40);
	assert_int_equal(acl_check(list, length), 0);
	assert_int_equal(given_to(list, length, "kim@"), DAOS_ACL_PERM_READ);
	assert_int_equal(given_to(list, length, "ann@"), DAOS_ACL_PERM_CONT_ALL);
	size = user_list("kim@", DAOS_ACL_PERM_WRITE, user);
	assert_int_equal(acl_merge(list, length, user, size, more, sizeof(more), &size), 0);
	assert_int_equal(size, length);
	assert_int_equal(given_to(more, size, "kim@"), DAOS_ACL_PERM_WRITE);
	assert_int_equal(acl_merge(list, length, list, length - 1, more, sizeof(more), &size),
			 -DER_INVAL);
	assert_int_equal(acl_merge(list, length - 1, list, length, more, sizeof(more), &size),
			 -DER_INVAL);
	assert_int_equal(acl_merge(list, length, list, length, more, length - 1, &size),
			 -DER_OVERFLOW);
}

static void
a_principal_is_removed(void **state)
{
	struct acl_standard standard = acl_standard_pool();
	uint8_t list[512], less[512], user[64];
	size_t length = 0, size = user_list("kim@", DAOS_ACL_PERM_READ, user);

	(void)state;
	assert_int_equal(acl_merge(standard.bytes, sizeof(standard.bytes), user, size, list,
				   sizeof(list), &length),
			 0);
	assert_int_equal(acl_remove(list, length, DAOS_ACL_USER, "ki@", 3, less, sizeof(less),
				    &size),
			 -DER_NONEXIST);
	assert_int_equal(acl_remove(list, length, DAOS_ACL_GROUP, "kim@", 4, less, sizeof(less),
				    &size),
			 -DER_NONEXIST);
	assert_int_equal(acl_remove(list, length, 5, NULL, 0, less, sizeof(less), &size),
			 -DER_INVAL);
	assert_int_equal(
		acl_remove(list, length, DAOS_ACL_USER, "kim@", 4, less, sizeof(less), &size), 0);
	assert_int_equal(size, sizeof(standard.bytes));
	assert_memory_equal(less, standard.bytes, size);
	assert_int_equal(
		acl_remove(less, size, DAOS_ACL_OWNER, NULL, 0, list, sizeof(list), &length), 0);
	assert_int_equal(given_to(list, length, "ann@"), 0);
	assert_int_equal(acl_remove(list, length, DAOS_ACL_OWNER, NULL, 0, less, sizeof(less),
				    &size),
			 -DER_NONEXIST);
}

static void
standard_lists_are_those_of_daos(void **state)
{
	static const char *const groups[] = {"staff@"};
	const struct acl_principal member = {.user = "bob@", .group_count = 1, .groups = groups};
	struct acl_standard pool = acl_standard_pool(), container = acl_standard_container();
	uint64_t permissions = 0;

	(void)state;
	assert_int_equal(acl_check(pool.bytes, sizeof(pool.bytes)), 0);
	assert_int_equal(acl_check(container.bytes, sizeof(container.bytes)), 0);
	assert_int_equal(given_to(pool.bytes, sizeof(pool.bytes), "ann@"),
			 DAOS_ACL_PERM_READ | DAOS_ACL_PERM_WRITE);
	assert_int_equal(given_to(pool.bytes, sizeof(pool.bytes), "bob@"), 0);
	assert_int_equal(acl_evaluate(container.bytes, sizeof(container.bytes), &owner, &member,
				      &permissions),
			 0);
	assert_int_equal(permissions, DAOS_ACL_PERM_READ | DAOS_ACL_PERM_WRITE |
					      DAOS_ACL_PERM_GET_PROP | DAOS_ACL_PERM_SET_PROP);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(entries_are_added_and_replaced),
		cmocka_unit_test(a_principal_is_removed),
		cmocka_unit_test(standard_lists_are_those_of_daos),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
