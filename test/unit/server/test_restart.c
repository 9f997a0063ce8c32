/* SPDX-License-Identifier: BSD-2-Clause-Patent */
/* When an engine is started again, and which addresses only this machine reaches. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "server/address.h"
#include "server/restart.h"

#define SECOND UINT64_C(1000000000)

static void
test_delays(void **state)
{
	struct restart_history history = {.count = 0};
	uint64_t expected = 0, delay;

	(void)state;
	for (uint32_t i = 0; i < RESTART_LIMIT; i++) {
		assert_true(restart_after_death(&history, SECOND + i, 0, &delay));
		assert_int_equal(expected, delay);
		expected = expected ? min_of(2 * expected, RESTART_DELAY_MAX_NS) : RESTART_DELAY_NS;
	}
	delay = 1;
	assert_false(restart_after_death(&history, 2 * SECOND, 0, &delay));
	assert_int_equal(1, delay);
}

static void
test_window(void **state)
{
	struct restart_history history = {.count = 0};
	uint64_t now = SECOND, delay;

	(void)state;
	/* One death a little more than each window: always at once. */
	for (int i = 0; i < 100; i++) {
		assert_true(restart_after_death(&history, now, 0, &delay));
		assert_int_equal(0, delay);
		now += RESTART_WINDOW_NS + 1;
	}
	/* The wish of the configuration holds from the second on. */
	assert_true(restart_after_death(&history, now, 300 * SECOND, &delay));
	assert_int_equal(0, delay);
	assert_true(restart_after_death(&history, now, 300 * SECOND, &delay));
	assert_int_equal(300 * SECOND, delay);
}

static void
test_loopback(void **state)
{
	char address[ADDRESS_TEXT];

	(void)state;
	assert_true(address_is_loopback("unix:/run/x.sock"));
	assert_true(address_is_loopback("tcp:127.0.0.1:1"));
	assert_true(address_is_loopback("tcp:127.9.8.7:1"));
	assert_true(address_is_loopback("tcp:[::1]:1"));
	assert_true(address_is_loopback("tcp:localhost:1"));
	assert_false(address_is_loopback("tcp:0.0.0.0:1"));
	assert_false(address_is_loopback("tcp:[::]:1"));
	assert_false(address_is_loopback("tcp:192.168.0.1:1"));
	assert_false(address_is_loopback("tcp:localhost.example:1"));
	assert_false(address_is_loopback("tcp:1270.0.0.1:1"));
	assert_false(address_is_loopback("other:127.0.0.1:1"));
	assert_int_equal(0, address_of_interface("127.0.0.2", 7, address));
	assert_string_equal("tcp:127.0.0.2:7", address);
	assert_int_equal(-DER_NONEXIST, address_of_interface("nosuch0", 7, address));
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_delays),
		cmocka_unit_test(test_window),
		cmocka_unit_test(test_loopback),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
