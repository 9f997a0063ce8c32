/* SPDX-License-Identifier: BSD-2-Clause-Patent */
/* Stamps grow, follow the physical clock, and end at the limit. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include "base/base.h"

#define SECOND UINT64_C(1000000000)
#define STEP (HLC_MINOR_MASK + 1)
#define NOW (HLC_START_NS + 1000 * SECOND)

static void
test_grows(void **state)
{
	uint64_t before = 0;
	struct hlc hlc;

	(void)state;
	hlc_init(&hlc, 0);
	for (uint64_t i = 0; i < 10; i++) {
		/* The physical clock goes back and forth. */
		uint64_t stamp = hlc_now(&hlc, NOW + (i * 7 % 5) * SECOND);

		assert_true(stamp > before);
		before = stamp;
	}
	assert_int_equal(hlc_latest(&hlc), before);
	/* A tick is 16 us. */
	assert_in_range(hlc_to_realtime(hlc_from_realtime(NOW + 4 * SECOND)),
			NOW + 4 * SECOND - (HLC_LOGICAL_MASK + 1) / 16, NOW + 4 * SECOND);
}

static void
test_begins_at_floor(void **state)
{
	struct hlc hlc;

	(void)state;
	hlc_init(&hlc, hlc_from_realtime(NOW + SECOND));
	assert_int_equal(hlc_now(&hlc, NOW), hlc_from_realtime(NOW + SECOND) + STEP);
}

/* What is drawn leaves the minor bits to transactions, whatever was observed. */
static void
test_minor_bits(void **state)
{
	uint64_t base = hlc_from_realtime(NOW);
	struct hlc hlc;

	(void)state;
	hlc_init(&hlc, base + 5);
	assert_int_equal(hlc_now(&hlc, NOW), base + STEP);
	assert_int_equal(hlc_observe(&hlc, NOW, base + STEP + HLC_MINOR_MASK), 0);
	assert_int_equal(hlc_now(&hlc, NOW), base + 2 * STEP);
	assert_int_equal(hlc_observe(&hlc, NOW, base + 3 * STEP), 0);
	assert_int_equal(hlc_now(&hlc, NOW), base + 4 * STEP);
	hlc_init(&hlc, UINT64_MAX - 1);
	assert_int_equal(hlc_now(&hlc, NOW), 0);
}

/* Far beyond the limit the clock counts, until nothing is left; a higher limit lets it go on. */
static void
test_limit(void **state)
{
	uint64_t limit = hlc_from_realtime(NOW);
	uint64_t before = 0, count = 0, stamp;
	struct hlc hlc;

	(void)state;
	hlc_init(&hlc, 0);
	hlc_set_limit(&hlc, limit);
	stamp = hlc_now(&hlc, NOW - SECOND);
	assert_int_equal(stamp, hlc_from_realtime(NOW - SECOND));
	/* The last ones only: as many as are left. */
	assert_int_equal(hlc_observe(&hlc, NOW, limit - 1000 * STEP - 1), 0);
	while ((stamp = hlc_now(&hlc, NOW + 60 * SECOND)) != 0) {
		assert_true(stamp > before && stamp <= limit);
		before = stamp;
		count++;
	}
	assert_int_equal(count, 1001);
	assert_int_equal(before, limit);
	assert_int_equal(hlc_time(&hlc, NOW + 60 * SECOND), limit);
	hlc_set_limit(&hlc, hlc_from_realtime(NOW + 90 * SECOND));
	assert_int_equal(hlc_now(&hlc, NOW + 60 * SECOND), hlc_from_realtime(NOW + 60 * SECOND));
}

/* Enough is left beneath the limit for whoever draws until it is raised. */
static void
test_reserve(void **state)
{
	uint64_t limit = hlc_from_realtime(NOW);
	struct hlc hlc;

	(void)state;
	hlc_init(&hlc, 0);
	hlc_set_limit(&hlc, limit);
	assert_int_equal(hlc_now(&hlc, NOW + SECOND), limit - HLC_LIMIT_RESERVE);
	assert_int_equal(hlc_now(&hlc, NOW + SECOND), limit - HLC_LIMIT_RESERVE + STEP);
}

/* Somebody else is ahead of the limit: what follows his stamp has to wait. */
static void
test_observed_beyond_limit(void **state)
{
	uint64_t limit = hlc_from_realtime(NOW), theirs = hlc_from_realtime(NOW + SECOND / 2);
	struct hlc hlc;

	(void)state;
	hlc_init(&hlc, 0);
	hlc_set_limit(&hlc, limit);
	assert_int_equal(hlc_observe(&hlc, NOW, theirs), 0);
	assert_int_equal(hlc_now(&hlc, NOW), 0);
	assert_int_equal(hlc_time(&hlc, NOW), limit);
	hlc_set_limit(&hlc, hlc_from_realtime(NOW + SECOND));
	assert_int_equal(hlc_now(&hlc, NOW), theirs + STEP);
	assert_int_equal(hlc_observe(&hlc, NOW, hlc_from_realtime(NOW + 2 * SECOND)),
			 -DER_HLC_SYNC);
}

static void
test_nothing_before_a_limit(void **state)
{
	struct hlc hlc;

	(void)state;
	hlc_init(&hlc, 77);
	hlc_set_limit(&hlc, 0);
	assert_int_equal(hlc_now(&hlc, NOW), 0);
	hlc_set_limit(&hlc, 77);
	assert_int_equal(hlc_now(&hlc, NOW), 0);
	hlc_set_limit(&hlc, STEP);
	assert_int_equal(hlc_now(&hlc, NOW), STEP);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_grows),
		cmocka_unit_test(test_begins_at_floor),
		cmocka_unit_test(test_minor_bits),
		cmocka_unit_test(test_limit),
		cmocka_unit_test(test_reserve),
		cmocka_unit_test(test_observed_beyond_limit),
		cmocka_unit_test(test_nothing_before_a_limit),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
