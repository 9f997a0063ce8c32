/* SPDX-License-Identifier: BSD-2-Clause-Patent */
/* Environment variables, memory macros, clocks. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <gurt/common.h>

#define NAME "CAIRN_TEST_VARIABLE"

static void
test_numbers(void **state)
{
	static const char *const bad[] = {"", "x", "12x", "-1", "0x10", "99999999999999999999999"};
	unsigned int number = 5;
	uint64_t big = 5;
	size_t i;

	(void)state;
	d_unsetenv(NAME);
	assert_int_equal(d_getenv_uint(NAME, &number), -DER_NONEXIST);
	for (i = 0; i < ARRAY_SIZE(bad); i++) {
		assert_int_equal(d_setenv(NAME, bad[i], 1), 0);
		assert_int_equal(d_getenv_uint(NAME, &number), -DER_INVAL);
		assert_int_equal(d_getenv_uint64_t(NAME, &big), -DER_INVAL);
	}
	assert_int_equal(number, 5);
	assert_int_equal(big, 5);
	d_setenv(NAME, "4294967296", 1);
	assert_int_equal(d_getenv_uint32_t(NAME, &number), -DER_INVAL);
	assert_int_equal(d_getenv_uint64_t(NAME, &big), 0);
	assert_int_equal(big, 4294967296);
	d_setenv(NAME, "42", 1);
	assert_int_equal(d_getenv_int(NAME, &number), 0);
	assert_int_equal(number, 42);
}

static void
test_bools(void **state)
{
	bool value = false;

	(void)state;
	d_unsetenv(NAME);
	assert_int_equal(d_getenv_bool(NAME, &value), -DER_NONEXIST);
	d_setenv(NAME, "yes", 1);
	assert_int_equal(d_getenv_bool(NAME, &value), 0);
	assert_true(value);
	d_setenv(NAME, "0", 1);
	assert_int_equal(d_getenv_bool(NAME, &value), 0);
	assert_false(value);
	d_setenv(NAME, "-1", 1);
	assert_int_equal(d_getenv_bool(NAME, &value), 0);
	assert_true(value);
}

static void
test_texts(void **state)
{
	char name[] = NAME, small[3] = "??", *text = NULL;

	(void)state;
	d_unsetenv(NAME);
	assert_false(d_isenv_def(name));
	assert_int_equal(d_agetenv_str(&text, NAME), -DER_NONEXIST);
	d_setenv(NAME, "abc", 1);
	d_setenv(NAME, "never", 0);
	assert_true(d_isenv_def(name));
	assert_int_equal(d_agetenv_str(&text, NAME), 0);
	assert_string_equal(text, "abc");
	d_freeenv_str(&text);
	assert_null(text);
	assert_int_equal(d_getenv_str(small, sizeof(small), NAME), -DER_TRUNC);
	assert_string_equal(small, "??");
	d_setenv(NAME, "ab", 1);
	assert_int_equal(d_getenv_str(small, sizeof(small), NAME), 0);
	assert_string_equal(small, "ab");
}

static void
test_memory(void **state)
{
	uint32_t *numbers, *more;
	char *text;
	void *aligned;

	(void)state;
	D_ALLOC_ARRAY(numbers, 2);
	assert_int_equal(numbers[1], 0);
	numbers[1] = 7;
	D_REALLOC_ARRAY(more, numbers, 2, 100);
	assert_null(numbers);
	assert_int_equal(more[1], 7);
	assert_int_equal(more[99], 0);
	/* Too large for any memory: the old block stays. */
	D_REALLOC_ARRAY_NZ(numbers, more, SIZE_MAX / 2);
	assert_null(numbers);
	assert_int_equal(more[1], 7);
	D_REALLOC_ARRAY_Z(numbers, more, 50);
	assert_int_equal(numbers[1], 0);
	D_FREE(numbers);
	assert_null(numbers);
	D_ASPRINTF(text, "%d-%s", 5, "x");
	assert_string_equal(text, "5-x");
	D_FREE(text);
	D_STRNDUP(text, "abcdef", 3);
	assert_string_equal(text, "abc");
	D_FREE(text);
	D_STRNDUP_S(text, "literal");
	assert_string_equal(text, "literal");
	D_FREE(text);
	D_ALIGNED_ALLOC(aligned, 4096, 100);
	assert_int_equal((uintptr_t)aligned % 4096, 0);
	assert_int_equal(((char *)aligned)[99], 0);
	D_FREE(aligned);
}

static void
test_sgl(void **state)
{
	d_sg_list_t sgl;

	(void)state;
	assert_int_equal(d_sgl_init(&sgl, 2), 0);
	d_iov_set(&sgl.sg_iovs[0], malloc(10), 10);
	d_iov_set(&sgl.sg_iovs[1], malloc(5), 5);
	assert_int_equal(d_sgl_buf_size(&sgl), 15);
	d_sgl_fini(&sgl, true);
	assert_null(sgl.sg_iovs);
	assert_int_equal(d_sgl_init(&sgl, 0), 0);
	assert_null(sgl.sg_iovs);
	assert_int_equal(d_sgl_buf_size(&sgl), 0);
}

static void
test_clocks(void **state)
{
	struct timespec a = {.tv_sec = 1, .tv_nsec = 999999999}, wall;
	uint64_t last = d_hlc_get();
	struct timespec now;
	int i;

	(void)state;
	for (i = 0; i < 1000; i++) {
		uint64_t next = d_hlc_get();

		assert_true(next > last);
		last = next;
	}
	clock_gettime(CLOCK_REALTIME, &now);
	assert_int_equal(d_hlc2timespec(last, &wall), 0);
	assert_true(labs((long)(wall.tv_sec - now.tv_sec)) <= 2);
	/* One second and 16384 ns (one tick of the physical part) after the start of the clock. */
	assert_int_equal(d_hlc2timespec(16ULL * 1000016384, &wall), 0);
	assert_int_equal(wall.tv_sec, 1609459201);
	assert_in_range(wall.tv_nsec, 0, 16384);
	assert_int_equal(d_hlc2timespec(last, NULL), -DER_INVAL);
	d_timeinc(&a, 2);
	assert_int_equal(a.tv_sec, 2);
	assert_int_equal(a.tv_nsec, 1);
	assert_int_equal(d_timediff_ns(&(struct timespec){.tv_sec = 1, .tv_nsec = 5}, &a),
			 999999996);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_numbers), cmocka_unit_test(test_bools),
		cmocka_unit_test(test_texts),	cmocka_unit_test(test_memory),
		cmocka_unit_test(test_sgl),	cmocka_unit_test(test_clocks),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
