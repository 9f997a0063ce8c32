/* SPDX-License-Identifier: BSD-2-Clause-Patent */
/* The command line, also as fstab has it. */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <string.h>

#include <cmocka.h>

#include "dfuse/private.h"

#define ARGUMENTS_MAX 10

static int
parse(struct dfuse_options *options, const char *const *words)
{
	static char copies[ARGUMENTS_MAX][256];
	char *arguments[ARGUMENTS_MAX + 1] = {copies[0]};
	int count = 1;

	strcpy(copies[0], "dfuse");
	for (; words[count - 1]; count++) {
		strcpy(copies[count], words[count - 1]);
		arguments[count] = copies[count];
	}
	return dfuse_options_parse(count, arguments, options);
}

static void
test_places(void **state)
{
	const char *const words[] = {"-f", "/mnt", "tank", "home", NULL};
	struct dfuse_options options;

	(void)state;
	assert_int_equal(parse(&options, words), 0);
	assert_true(options.foreground && options.caching && options.write_back);
	assert_string_equal(options.mountpoint, "/mnt");
	assert_string_equal(options.pool, "tank");
	assert_string_equal(options.container, "home");
	assert_int_equal(options.wait_seconds, 60);
	assert_int_equal(options.threads, THREADS_DEFAULT);
	assert_int_equal(options.queues, QUEUES_DEFAULT);
}

static void
test_fstab(void **state)
{
	const char *const words[] = {
		"none", "/mnt", "-o",
		"rw,pool=tank,container=home,multi-user,x-a.b,noatime,wait-time=7,suid", NULL};
	struct dfuse_options options;

	(void)state;
	assert_int_equal(parse(&options, words), 0);
	assert_string_equal(options.mountpoint, "/mnt");
	assert_string_equal(options.pool, "tank");
	assert_string_equal(options.container, "home");
	assert_string_equal(options.fuse, "noatime,suid");
	assert_true(options.multi_user);
	assert_int_equal(options.wait_seconds, 7);
}

static void
test_meanings(void **state)
{
	const char *const embedded[] = {"-m", "/m", "--embedded", "/d", "--disable-caching", NULL};
	const char *const snapshot[] = {"-m", "/m", "-p", "a", "-c", "b", "--snapshot=x", NULL};
	const char *const single[] = {"/m", "-S", NULL};
	struct dfuse_options options;

	(void)state;
	assert_int_equal(parse(&options, embedded), 0);
	assert_string_equal(options.pool, "default");
	assert_string_equal(options.container, "default");
	assert_false(options.caching || options.write_back);
	assert_int_equal(parse(&options, snapshot), 0);
	assert_true(options.read_only);
	assert_false(options.write_back);
	assert_int_equal(parse(&options, single), 0);
	assert_null(options.pool);
	assert_int_equal(options.queues, 0);
	assert_false(options.write_back);
}

static void
test_refusals(void **state)
{
	static const char *const rows[][8] = {
		{NULL},
		{"/m", "a", "b", "c", NULL},
		{"/m", "-t", "0", NULL},
		{"/m", "-t", "x", NULL},
		{"/m", "-e", "99", NULL},
		{"/m", "--wait-time", "0", NULL},
		{"/m", "-o", "wait-time=-1", NULL},
		{"-m", "/m", "-c", "b", NULL},
		{"/m", "-P", "/x", "-p", "a", NULL},
		{"/m", "--snapshot=x", NULL},
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		struct dfuse_options options = {.threads = 77};

		assert_int_equal(parse(&options, rows[i]), EINVAL);
		assert_int_equal(options.threads, 77);
	}
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_places),
		cmocka_unit_test(test_fstab),
		cmocka_unit_test(test_meanings),
		cmocka_unit_test(test_refusals),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
