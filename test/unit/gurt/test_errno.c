/* SPDX-License-Identifier: BSD-2-Clause-Patent */
/* Texts of error codes, and conversion from and to errno. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <daos/common.h>

static void
test_each_code_has_its_name(void **state)
{
	(void)state;
#define CHECK(code, text)                            \
	assert_string_equal(d_errstr(-code), #code); \
	assert_string_equal(d_errdesc(-code), #text);
	D_FOREACH_GURT_ERR(CHECK)
	D_FOREACH_DAOS_ERR(CHECK)
#undef CHECK
}

static void
test_other_numbers(void **state)
{
	(void)state;
	assert_string_equal(d_errstr(0), "DER_SUCCESS");
	assert_string_equal(d_errdesc(0), "Success");
	assert_string_equal(d_errstr(DER_NOSPACE), "DER_UNKNOWN");
	assert_string_equal(d_errstr(-DER_UNKNOWN), "DER_UNKNOWN");
	assert_string_equal(d_errdesc(-DER_UNKNOWN), "Unknown error");
	assert_string_equal(d_errstr(-1000), "DER_UNKNOWN");
	assert_string_equal(d_errstr(-2000), "DER_UNKNOWN");
	assert_string_equal(d_errstr(-DER_LAST_VALID), "DER_UNKNOWN");
	assert_string_equal(d_errstr(INT_MIN), "DER_UNKNOWN");
	assert_string_equal(d_errdesc(-77), "Unknown error code -77");
	assert_string_equal(d_errdesc(77), "Unknown error code 77");
}

static void
test_conversion(void **state)
{
	static const struct {
		int err, der;
	} both[] = {
		{0, 0},
		{EPERM, DER_NO_PERM},
		{ENOMEM, DER_NOMEM},
		{ENOSPC, DER_NOSPACE},
		{EEXIST, DER_EXIST},
		{ENOENT, DER_NONEXIST},
		{EBUSY, DER_BUSY},
		{ECANCELED, DER_CANCELED},
		{EOVERFLOW, DER_OVERFLOW},
		{ETIMEDOUT, DER_TIMEDOUT},
		{EAGAIN, DER_AGAIN},
		{EPROTO, DER_PROTO},
		{EINVAL, DER_INVAL},
		{ENOTDIR, DER_NOTDIR},
		{EIO, DER_IO},
		{ENOTSUP, DER_NOTSUPPORTED},
	};
	size_t i;

	(void)state;
	for (i = 0; i < ARRAY_SIZE(both); i++) {
		assert_int_equal(daos_errno2der(both[i].err), -both[i].der);
		assert_int_equal(daos_der2errno(-both[i].der), both[i].err);
	}
	assert_int_equal(daos_errno2der(EACCES), -DER_NO_PERM);
	assert_int_equal(daos_errno2der(EDQUOT), -DER_NOSPACE);
	assert_int_equal(daos_errno2der(ENOSYS), -DER_NOSYS);
	assert_int_equal(daos_errno2der(EXDEV), -DER_MISC);
	assert_int_equal(daos_errno2der(-5), -DER_UNKNOWN);
	assert_int_equal(daos_der2errno(5), EINVAL);
	assert_int_equal(daos_der2errno(-DER_REC2BIG), E2BIG);
	assert_int_equal(daos_der2errno(-DER_TX_RESTART), ERESTART);
	assert_int_equal(daos_der2errno(-DER_STALE), ESTALE);
	assert_int_equal(daos_der2errno(-DER_CSUM), EIO);
}

static void
test_printing(void **state)
{
	char text[128];
	uuid_t uuid;

	(void)state;
	snprintf(text, sizeof(text), DF_RC, DP_RC(-DER_NOMEM));
	assert_string_equal(text, "DER_NOMEM(-1009): 'Out of memory'");
	assert_int_equal(uuid_parse("12345678-abcd-abcd-abcd-1234567890ab", uuid), 0);
	snprintf(text, sizeof(text), DF_CONT " " DF_UUIDF, DP_CONT(uuid, uuid), DP_UUID(uuid));
	assert_string_equal(text, "12345678/12345678 12345678-abcd-abcd-abcd-1234567890ab");
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_each_code_has_its_name),
		cmocka_unit_test(test_other_numbers),
		cmocka_unit_test(test_conversion),
		cmocka_unit_test(test_printing),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
