/* SPDX-License-Identifier: BSD-2-Clause-Patent */
/* Texts that name a container. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>

#include <cmocka.h>

#include "duns/private.h"

#define POOL "0f8fad5b-d9cb-469f-a165-70867728950e"
#define CONTAINER "7c9e6679-7425-40de-944b-e07fc1f90ae7"

struct direct_case {
	const char *path;
	bool needs_prefix;
	int error; /* ENODATA: not a direct path */
	const char *pool, *container, *rest;
};

static const struct direct_case directs[] = {
	{"daos://tank/home", true, 0, "tank", "home", NULL},
	{"daos://tank/home/", true, 0, "tank", "home", NULL},
	{"daos://tank/home/a/b", true, 0, "tank", "home", "/a/b"},
	{"daos:/tank/home", true, 0, "tank", "home", NULL},
	{"daos:tank", true, 0, "tank", "", NULL},
	{"daos://" POOL "/" CONTAINER, true, 0, POOL, CONTAINER, NULL},
	{"/tank/home/x", false, 0, "tank", "home", "/x"},
	{"daos://tank/home", false, 0, "tank", "home", NULL},
	{"/tank/home", true, ENODATA, NULL, NULL, NULL},
	{"daos://", true, EINVAL, NULL, NULL, NULL},
	{"daos://ta nk/home", true, EINVAL, NULL, NULL, NULL},
};

static void
direct_paths_are_read(void **state)
{
	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(directs); i++) {
		const struct direct_case *expected = &directs[i];
		const char *rest = uns_direct_rest(expected->path, expected->needs_prefix);
		struct duns_attr_t attr = {.da_flags = 0};
		int rc = rest ? uns_parse_direct(rest, &attr) : ENODATA;

		assert_int_equal(rc, expected->error);
		if (rc == 0) {
			assert_string_equal(attr.da_pool, expected->pool);
			assert_string_equal(attr.da_cont, expected->container);
			assert_int_equal(attr.da_rel_path != NULL, expected->rest != NULL);
			if (expected->rest)
				assert_string_equal(attr.da_rel_path, expected->rest);
		}
		free(attr.da_rel_path);
	}
}

static void
ids_are_recognised(void **state)
{
	struct duns_attr_t attr = {.da_flags = 0};

	(void)state;
	assert_int_equal(uns_parse_direct(POOL "/home", &attr), 0);
	assert_false(uuid_is_null(attr.da_puuid));
	assert_true(uuid_is_null(attr.da_cuuid));
}

static void
attribute_values_round_trip(void **state)
{
	char value[DUNS_MAX_XATTR_LEN];
	struct duns_attr_t attr = {.da_flags = 0};
	uuid_t pool, container;

	(void)state;
	assert_int_equal(uuid_parse(POOL, pool), 0);
	assert_int_equal(uuid_parse(CONTAINER, container), 0);
	assert_int_equal(uns_format_value(DAOS_PROP_CO_LAYOUT_POSIX, pool, container, value), 0);
	assert_string_equal(value, "DAOS.POSIX://" POOL "/" CONTAINER);
	assert_int_equal(duns_parse_attr(value, strlen(value) + 1, &attr), 0);
	assert_int_equal(attr.da_type, DAOS_PROP_CO_LAYOUT_POSIX);
	assert_string_equal(attr.da_pool, POOL);
	assert_memory_equal(attr.da_cuuid, container, sizeof(uuid_t));
	assert_int_equal(uns_format_value(DAOS_PROP_CO_LAYOUT_UNKNOWN, pool, container, value),
			 EINVAL);
}

static void
bad_values_are_refused(void **state)
{
	static const char *const values[] = {
		"",
		"DAOS.POSIX",
		"DAOS.POSIX://" POOL,
		"DAOS.POSIX://" POOL "/",
		"DAOS.POSIX://" POOL "/" CONTAINER "/x",
		"DAOS.NONE://" POOL "/" CONTAINER,
		"POSIX://" POOL "/" CONTAINER,
	};
	struct duns_attr_t attr = {.da_flags = 0};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(values); i++)
		assert_int_equal(uns_parse_value(values[i], strlen(values[i]), &attr), EINVAL);
}

static void
system_name_is_kept_and_freed(void **state)
{
	struct duns_attr_t attr = {.da_flags = 0};

	(void)state;
	assert_int_equal(duns_set_sys_name(&attr, "one"), 0);
	assert_int_equal(duns_set_sys_name(&attr, "two"), 0);
	assert_string_equal(attr.da_sys, "two");
	assert_int_equal(duns_set_sys_name(&attr, "a system name too long"), EINVAL);
	duns_destroy_attr(&attr);
	assert_null(attr.da_sys);
}

int
main(void)
{
	static const struct CMUnitTest tests[] = {
		cmocka_unit_test(direct_paths_are_read),
		cmocka_unit_test(ids_are_recognised),
		cmocka_unit_test(attribute_values_round_trip),
		cmocka_unit_test(bad_values_are_refused),
		cmocka_unit_test(system_name_is_kept_and_freed),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
