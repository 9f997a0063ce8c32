/* SPDX-License-Identifier: BSD-2-Clause-Patent */
/* What is done after an attempt: one line for each code there is. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <cmocka.h>

#include "objio/objio.h"

struct row {
	int code;
	enum objio_verdict verdict;
};

/* All that is not final. A code that is added to the list of errors is final until a row says
 * otherwise. */
static const struct row rows[] = {
	/* Nothing was executed, or the same request id finds its first answer. */
	{-DER_UNREACH, OBJIO_WAIT},
	{-DER_AGAIN, OBJIO_WAIT},
	{-DER_BUSY, OBJIO_WAIT},
	{-DER_OVERLOAD_RETRY, OBJIO_WAIT},
	{-DER_SHUTDOWN, OBJIO_WAIT},
	{-DER_INPROGRESS, OBJIO_WAIT},
	{-DER_CSUM, OBJIO_AGAIN},
	/* The target changed nothing. */
	{-DER_TX_RESTART, OBJIO_RESTART},
	{-DER_STALE, OBJIO_REFRESH},
};

static enum objio_verdict
expected(int code)
{
	for (uint32_t i = 0; i < ARRAY_SIZE(rows); i++)
		if (rows[i].code == code)
			return rows[i].verdict;
	return OBJIO_DONE;
}

static void
test_every_code(void **state)
{
	(void)state;
	assert_int_equal(objio_judge(0), OBJIO_DONE);
	/* All numbers that a code may have, whether it has a name or not. */
	for (int code = -1; code > -3000; code--)
		assert_int_equal(objio_judge(code), expected(code));
}

/* These must never be sent again under a new id: nobody can tell whether they were executed. */
static void
test_uncertain_outcomes_are_final(void **state)
{
	static const int codes[] = {-DER_TX_UNCERTAIN, -DER_TIMEDOUT, -DER_CANCELED, -DER_IO};

	(void)state;
	for (uint32_t i = 0; i < ARRAY_SIZE(codes); i++)
		assert_int_equal(objio_judge(codes[i]), OBJIO_DONE);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_every_code),
		cmocka_unit_test(test_uncertain_outcomes_are_final),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
