/* SPDX-License-Identifier: BSD-2-Clause-Patent */
/* Plans: drawn the same each time, kept by their text, and each part independent of the others. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "sim/ledger.h"
#include "sim/options.h"

static struct plan *
drawn(uint64_t seed, const struct plan_options *options)
{
	struct plan *plan = calloc(1, sizeof(*plan));

	assert_non_null(plan);
	plan_draw(seed, options, plan);
	return plan;
}

static void
test_same_seed(void **state)
{
	static const struct plan_options usual;

	(void)state;
	for (uint64_t seed = 0; seed < 50; seed++) {
		struct plan *one = drawn(seed, &usual), *other = drawn(seed, &usual);

		assert_int_equal(plan_hash(one), plan_hash(other));
		free(one);
		free(other);
	}
}

static void
test_text(void **state)
{
	static const struct plan_options usual;

	(void)state;
	for (uint64_t seed = 0; seed < 50; seed++) {
		struct plan *plan = drawn(seed, &usual), *copy = calloc(1, sizeof(*copy));
		FILE *file = tmpfile();

		assert_non_null(file);
		plan->bug = (uint32_t)(seed % 3);
		plan_print(plan, file);
		rewind(file);
		assert_int_equal(plan_read(file, copy), 0);
		fclose(file);
		assert_int_equal(plan_hash(copy), plan_hash(plan));
		assert_int_equal(copy->fault_count, plan->fault_count);
		free(plan);
		free(copy);
	}
}

static void
test_bad_text(void **state)
{
	static const char *const lines[] = {
		"fault nothing at 1 length 1 server 0 client 0 a 0 b 0\n",
		"fault crash at x\n",
		"knob none 3\n",
		"profile odd\n",
		"hello\n",
		"point x\n"};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(lines); i++) {
		struct plan *plan = calloc(1, sizeof(*plan));
		FILE *file = tmpfile();

		assert_non_null(file);
		fputs(lines[i], file);
		rewind(file);
		assert_true(plan_read(file, plan) < 0);
		fclose(file);
		free(plan);
	}
}

/* What is fixed moves nothing else. */
static void
test_independent(void **state)
{
	static const struct plan_options usual;
	struct plan_options fixed = {0};

	(void)state;
	fixed.fixed[KNOB_OPERATIONS] = true;
	fixed.knobs[KNOB_OPERATIONS] = 7;
	for (uint64_t seed = 0; seed < 50; seed++) {
		struct plan *one = drawn(seed, &usual), *other = drawn(seed, &fixed);

		assert_int_equal(one->fault_count, other->fault_count);
		assert_memory_equal(one->faults, other->faults,
				    one->fault_count * sizeof(one->faults[0]));
		other->knobs[KNOB_OPERATIONS] = one->knobs[KNOB_OPERATIONS];
		assert_memory_equal(one->knobs, other->knobs, sizeof(one->knobs));
		free(one);
		free(other);
	}
}

/* Each class occurs, in order of time, within its numbers; none in the profile without faults. */
static void
test_faults(void **state)
{
	struct plan_options options = {.profile = PROFILE_SWARM};
	uint32_t seen[FAULT_CLASSES] = {0};
	struct plan *plan;

	(void)state;
	for (uint64_t seed = 0; seed < 300; seed++) {
		plan = drawn(seed, &options);
		for (uint32_t i = 0; i < plan->fault_count; i++) {
			seen[plan->faults[i].class]++;
			assert_true(i == 0 || plan->faults[i - 1].at <= plan->faults[i].at);
			assert_true(plan->faults[i].server < plan->knobs[KNOB_SERVERS]);
		}
		free(plan);
	}
	for (uint32_t i = 0; i < FAULT_CLASSES; i++)
		assert_true(seen[i] > 0);
	options.profile = PROFILE_LITE;
	plan = drawn(1, &options);
	assert_int_equal(plan->fault_count, 0);
	assert_int_equal(plan->armed_count, 0);
	free(plan);
}

/* ------------------------------------------------ the command line */

static int
read_words(const char *text, struct options *options)
{
	char copy[256], *words[32], *rest = copy;
	int count = 0;

	snprintf(copy, sizeof(copy), "%s", text);
	for (char *word; (word = strsep(&rest, " ")) != NULL;)
		words[count++] = word;
	return options_read(count, words, options);
}

static void
test_options(void **state)
{
	struct options options;

	(void)state;
	assert_int_equal(
		read_words("--seed 42 --profile net --nodes 3 --knob keys=5 --twice", &options), 0);
	assert_int_equal(options.seed, 42);
	assert_int_equal(options.plan.profile, PROFILE_NET);
	assert_true(options.plan.fixed[KNOB_SERVERS] && options.plan.knobs[KNOB_SERVERS] == 3);
	assert_true(options.plan.fixed[KNOB_KEYS] && options.plan.knobs[KNOB_KEYS] == 5);
	assert_true(options.twice);
	assert_int_equal(read_words("--seconds 5 --seed 1", &options), 0);
	assert_int_equal(options.action, ACTION_CAMPAIGN);
	assert_int_equal(read_words("--shrink --seconds 5 --seed 1", &options), 0);
	assert_int_equal(options.action, ACTION_SEED);
}

static void
test_refused(void **state)
{
	static const char *const lines[] = {"--seed",	     "--seed x",    "--profile rebuild",
					    "--what",	     "--knob keys", "--knob none=1",
					    "--profile none"};
	struct options options;

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(lines); i++)
		assert_true(read_words(lines[i], &options) < 0);
	assert_int_equal(read_words("--profile ec", &options), -DER_NOSYS);
}

/* ------------------------------------------------ the ledger */

static struct memory_strike
strike(enum memory_fault fault, const char *disk)
{
	return (struct memory_strike){.fault = fault, .disk = disk, .node = "engine-0", .time = 5};
}

static void
test_ledger(void **state)
{
	struct memory_strike lost_data = strike(MEMORY_FAULT_LOST_WRITE, "pools/x/target-0.data");
	struct memory_strike lost_log = strike(MEMORY_FAULT_LOST_WRITE, "loop-0.log");
	struct memory_strike stale = strike(MEMORY_FAULT_STALE_READ, "pools/x/target-0.heap");
	struct ledger ledger = {0};

	(void)state;
	assert_false(ledger_allows(&ledger, 1, -DER_IO));
	assert_true(ledger_allows(&ledger, 1, -DER_EXIST));
	assert_true(ledger_allows(&ledger, 1, 0));
	ledger_excuse(&ledger, EXCUSE_IO, 10);
	assert_true(ledger_allows(&ledger, 9, -DER_CSUM));
	assert_false(ledger_allows(&ledger, 10, -DER_CSUM));
	assert_false(ledger_allows(&ledger, 9, -DER_TIMEDOUT));
	/* What was read wrongly is no damage. */
	ledger_strike(&ledger, &stale);
	assert_false(ledger_damaged(&ledger));
	ledger_strike(&ledger, &lost_data);
	assert_true(ledger_damaged(&ledger) && ledger.damage == DAMAGE_DATA);
	assert_true(ledger_allows(&ledger, UINT64_MAX - 1, -DER_IO));
	assert_int_equal(ledger.log_lost_at, 0);
	ledger_strike(&ledger, &lost_log);
	assert_int_equal(ledger.log_lost_at, 5);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_same_seed), cmocka_unit_test(test_text),
		cmocka_unit_test(test_bad_text),  cmocka_unit_test(test_independent),
		cmocka_unit_test(test_faults),	  cmocka_unit_test(test_options),
		cmocka_unit_test(test_refused),	  cmocka_unit_test(test_ledger),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
