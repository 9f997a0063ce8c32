/* SPDX-License-Identifier: BSD-2-Clause-Patent */
/* The checker of transactions against planted violations: lost updates, torn, stale, dirty and
 * skewed reads. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "sim/check_bank.h"

#define TRANSACTIONS 8u

/* A history by hand. Accounts are 0 (x) and 1 (y). */
struct history {
	struct bank_transaction transactions[TRANSACTIONS];
	struct bank_read reads[TRANSACTIONS][4];
	uint32_t count;
};

static char text[2048];

static uint32_t
add(struct history *history, uint64_t begin, uint64_t end, enum bank_outcome outcome)
{
	history->transactions[history->count] = (struct bank_transaction){
		.begin = begin,
		.end = end,
		.outcome = (uint8_t)outcome,
		.reads = history->reads[history->count],
	};
	return history->count++;
}

static void
reads(struct history *history, uint32_t number, uint32_t account, uint64_t version)
{
	struct bank_transaction *transaction = &history->transactions[number];

	transaction->reads[transaction->read_count++] = (struct bank_read){account, version};
}

static void
replaces(struct history *history, uint32_t number, uint32_t account, uint64_t previous,
	 uint64_t version)
{
	struct bank_transaction *transaction = &history->transactions[number];

	reads(history, number, account, previous);
	transaction->writes[transaction->write_count++] =
		(struct bank_write){account, version, previous};
}

static bool
is_good(const struct history *history)
{
	text[0] = '\0';
	return bank_check(history->transactions, history->count, false, text, sizeof(text)) ==
	       BANK_GOOD;
}

/* A transfer from x to y that replaced the versions 0: 11 and 12. */
static uint32_t
transfer(struct history *history, uint64_t begin, uint64_t end, enum bank_outcome outcome)
{
	uint32_t number = add(history, begin, end, outcome);

	replaces(history, number, 0, 0, 11);
	replaces(history, number, 1, 0, 12);
	return number;
}

static void
test_good(void **state)
{
	struct history history = {.count = 0};
	uint32_t number;

	(void)state;
	assert_true(is_good(&history));
	transfer(&history, 10, 20, BANK_COMMITTED);
	/* One that runs beside it sees all of it or nothing. */
	number = add(&history, 5, 30, BANK_COMMITTED);
	reads(&history, number, 0, 0);
	reads(&history, number, 1, 0);
	number = add(&history, 12, 15, BANK_COMMITTED);
	reads(&history, number, 0, 11);
	reads(&history, number, 1, 12);
	number = add(&history, 40, 50, BANK_COMMITTED);
	replaces(&history, number, 0, 11, 21);
	/* Given up, and seen by nobody. */
	number = add(&history, 41, 60, BANK_ABORTED);
	replaces(&history, number, 0, 11, 31);
	assert_true(is_good(&history));
}

static void
test_lost_update(void **state)
{
	struct history history = {.count = 0};
	uint32_t number;

	(void)state;
	transfer(&history, 10, 20, BANK_COMMITTED);
	number = add(&history, 11, 21, BANK_COMMITTED);
	replaces(&history, number, 0, 0, 21);
	assert_false(is_good(&history));
	assert_non_null(strstr(text, "two transactions replaced the same version"));
}

static void
test_torn(void **state)
{
	for (uint32_t outcome = BANK_UNKNOWN; outcome <= BANK_COMMITTED; outcome++) {
		struct history history = {.count = 0};
		uint32_t number;

		(void)state;
		transfer(&history, 10, outcome == BANK_UNKNOWN ? BANK_NEVER : 20, outcome);
		number = add(&history, 5, 30, BANK_COMMITTED);
		reads(&history, number, 0, 11);
		reads(&history, number, 1, 0);
		assert_false(is_good(&history));
		assert_non_null(strstr(text, "in a circle"));
	}
}

static void
test_stale(void **state)
{
	struct history history = {.count = 0};
	uint32_t number;

	(void)state;
	transfer(&history, 10, 20, BANK_COMMITTED);
	number = add(&history, 21, 30, BANK_COMMITTED);
	reads(&history, number, 0, 0);
	reads(&history, number, 1, 0);
	assert_false(is_good(&history));
	assert_non_null(strstr(text, "against the order of time"));
	history.transactions[number].begin = 19;
	assert_true(is_good(&history));
}

/* Once seen it is there for all who come later. */
static void
test_vanished(void **state)
{
	struct history history = {.count = 0};
	uint32_t number;

	(void)state;
	transfer(&history, 10, BANK_NEVER, BANK_UNKNOWN);
	number = add(&history, 30, 40, BANK_COMMITTED);
	reads(&history, number, 0, 11);
	number = add(&history, 41, 50, BANK_COMMITTED);
	reads(&history, number, 1, 0);
	assert_false(is_good(&history));
	history.transactions[number].begin = 29;
	assert_true(is_good(&history));
}

/* What reads saw in a transaction that was given up was written by somebody, too. */
static void
test_dirty(void **state)
{
	struct history history = {.count = 0};
	uint32_t number;

	(void)state;
	transfer(&history, 10, 20, BANK_ABORTED);
	number = add(&history, 12, 30, BANK_ABORTED);
	reads(&history, number, 0, 11);
	assert_false(is_good(&history));
	assert_non_null(strstr(text, "what was given up was read"));
}

static void
test_stranger(void **state)
{
	struct history history = {.count = 0};
	uint32_t number;

	(void)state;
	transfer(&history, 10, 20, BANK_COMMITTED);
	number = add(&history, 30, 40, BANK_COMMITTED);
	/* The version of the other account. */
	reads(&history, number, 0, 12);
	assert_false(is_good(&history));
	assert_int_equal(bank_check(history.transactions, history.count, true, text, sizeof(text)),
			 BANK_BAD);
	history.transactions[number].reads[0].version = 11;
	history.transactions[number].begin = 1;
	history.transactions[number].end = 9;
	assert_false(is_good(&history));
	assert_non_null(strstr(text, "before it was written"));
}

/* Each reads what the other one replaces. */
static void
test_skew(void **state)
{
	struct history history = {.count = 0};
	uint32_t first, second;

	(void)state;
	first = add(&history, 10, 20, BANK_COMMITTED);
	replaces(&history, first, 0, 0, 11);
	reads(&history, first, 1, 0);
	second = add(&history, 10, 20, BANK_COMMITTED);
	replaces(&history, second, 1, 0, 12);
	assert_true(is_good(&history));
	reads(&history, second, 0, 0);
	assert_false(is_good(&history));
	assert_non_null(strstr(text, "in a circle"));
}

/* Where the tail of a log was lost, a version may be replaced again. */
static void
test_lenient(void **state)
{
	struct history history = {.count = 0};
	uint32_t number;

	(void)state;
	transfer(&history, 10, 20, BANK_COMMITTED);
	number = add(&history, 30, 40, BANK_COMMITTED);
	replaces(&history, number, 0, 0, 21);
	assert_false(is_good(&history));
	assert_int_equal(bank_check(history.transactions, history.count, true, text, sizeof(text)),
			 BANK_GOOD);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_good),	 cmocka_unit_test(test_lost_update),
		cmocka_unit_test(test_torn),	 cmocka_unit_test(test_stale),
		cmocka_unit_test(test_vanished), cmocka_unit_test(test_dirty),
		cmocka_unit_test(test_stranger), cmocka_unit_test(test_skew),
		cmocka_unit_test(test_lenient),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
