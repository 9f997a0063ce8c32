/* SPDX-License-Identifier: BSD-2-Clause-Patent */
/* The register checker against planted violations, against brute force, and against the clock. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include <cmocka.h>

#include "sim/check_register.h"

#define LIMIT 1000000u
#define NEVER REGISTER_NEVER

#define AT(first, last) .begin = (first), .end = (last)
#define ONE(number) .slots = 1, .values = {{(number), (number)*10}}
#define TWO(a, b) .slots = 3, .values = {{(a), (a)*10}, {(b), (b)*10}}
#define WROTE .kind = REGISTER_WRITE, .outcome = REGISTER_DONE
#define PERHAPS_WROTE .kind = REGISTER_WRITE, .outcome = REGISTER_UNKNOWN
#define SAW .kind = REGISTER_READ, .outcome = REGISTER_DONE
#define REMOVED .kind = REGISTER_REMOVE, .outcome = REGISTER_DONE
#define PERHAPS_REMOVED .kind = REGISTER_REMOVE, .outcome = REGISTER_UNKNOWN

#define JUDGE(operations) judge(operations, ARRAY_SIZE(operations))

static char text[8192];

static enum register_verdict
judge(const struct register_operation *operations, size_t count)
{
	text[0] = '\0';
	return register_check(operations, (uint32_t)count, LIMIT, text, sizeof(text));
}

/* ------------------------------------------------ good histories */

static void
test_plain_histories(void **state)
{
	static const struct register_operation in_turn[] = {
		{AT(1, 2), ONE(0), SAW},     {AT(3, 4), ONE(7), WROTE}, {AT(5, 6), ONE(7), SAW},
		{AT(7, 8), ONE(0), REMOVED}, {AT(9, 10), ONE(0), SAW},
	};
	static const struct register_operation concurrent[] = {
		{AT(1, 10), ONE(7), WROTE}, {AT(2, 9), ONE(8), WROTE}, {AT(3, 4), ONE(8), SAW},
		{AT(5, 6), ONE(7), SAW},    {AT(11, 12), ONE(7), SAW},
	};

	(void)state;
	assert_int_equal(register_check(NULL, 0, LIMIT, text, sizeof(text)), REGISTER_GOOD);
	assert_int_equal(JUDGE(in_turn), REGISTER_GOOD);
	assert_int_equal(JUDGE(concurrent), REGISTER_GOOD);
}

static void
test_unknown_may_happen_late_or_never(void **state)
{
	static const struct register_operation late[] = {
		{AT(1, NEVER), ONE(7), PERHAPS_WROTE},
		{AT(2, 3), ONE(8), WROTE},
		{AT(4, 5), ONE(8), SAW},
		{AT(6, 7), ONE(7), SAW},
		{AT(8, 9), ONE(7), SAW},
	};
	static const struct register_operation never[] = {
		{AT(1, 2), ONE(8), WROTE},
		{AT(3, NEVER), ONE(7), PERHAPS_WROTE},
		{AT(4, NEVER), ONE(0), PERHAPS_REMOVED},
		{AT(5, 6), ONE(8), SAW},
	};
	static const struct register_operation once[] = {
		{AT(1, NEVER), ONE(7), PERHAPS_WROTE},
		{AT(2, 3), ONE(7), SAW},
		{AT(4, 5), ONE(8), WROTE},
		{AT(6, 7), ONE(8), SAW},
		{AT(8, 9), ONE(7), SAW},
	};

	(void)state;
	assert_int_equal(JUDGE(late), REGISTER_GOOD);
	assert_int_equal(JUDGE(never), REGISTER_GOOD);
	assert_int_equal(JUDGE(once), REGISTER_BAD);
}

/* An unknown operation that could not come any more behind the next one, and two that one read
 * needs. */
static void
test_unknown_before_others(void **state)
{
	static const struct register_operation none_there[] = {
		{AT(1, NEVER), .slots = 2, .values = {{0}, {7, 70}}, .all_absent = true,
		 PERHAPS_WROTE},
		{AT(2, 3), ONE(8), WROTE},
		{AT(4, 5), TWO(8, 7), SAW},
	};
	static const struct register_operation both[] = {
		{AT(1, NEVER), .slots = 1, .values = {{7, 70}}, PERHAPS_WROTE},
		{AT(2, NEVER), .slots = 2, .values = {{0}, {8, 80}}, PERHAPS_WROTE},
		{AT(3, 4), TWO(7, 8), SAW},
	};
	static const struct register_operation refused[] = {
		{AT(1, 2), ONE(8), WROTE},
		{AT(3, NEVER), .slots = 2, .values = {{0}, {7, 70}}, .all_absent = true,
		 PERHAPS_WROTE},
		{AT(4, 5), TWO(8, 7), SAW},
	};

	(void)state;
	assert_int_equal(JUDGE(none_there), REGISTER_GOOD);
	assert_int_equal(JUDGE(both), REGISTER_GOOD);
	assert_int_equal(JUDGE(refused), REGISTER_BAD);
}

static void
test_conditions(void **state)
{
	static const struct register_operation held[] = {
		{AT(1, 2), ONE(7), WROTE, .all_absent = true},
		{AT(3, 4), ONE(8), .kind = REGISTER_WRITE, .outcome = REGISTER_EXIST, .absent = 1},
		{AT(5, 6), ONE(9), WROTE, .any_present = true},
		{AT(7, 8), ONE(0), REMOVED, .present = 1},
		{AT(9, 10), ONE(0), .kind = REGISTER_REMOVE, .outcome = REGISTER_NONEXIST,
		 .present = 1},
		{AT(11, 12), ONE(8), .kind = REGISTER_WRITE, .outcome = REGISTER_NONEXIST,
		 .any_present = true},
		{AT(13, 14), ONE(0), SAW},
	};
	struct register_operation broken[2] = {held[0], held[1]};

	(void)state;
	assert_int_equal(JUDGE(held), REGISTER_GOOD);
	/* Refused although nothing was there. */
	assert_int_equal(judge(&held[1], 1), REGISTER_BAD);
	/* Inserted twice. */
	broken[1].outcome = REGISTER_DONE;
	assert_int_equal(JUDGE(broken), REGISTER_BAD);
	/* An update of nothing, a removal of nothing. */
	assert_int_equal(judge(&held[2], 1), REGISTER_BAD);
	assert_int_equal(judge(&held[3], 1), REGISTER_BAD);
	/* The wrong reason. */
	broken[1].outcome = REGISTER_NONEXIST;
	assert_int_equal(JUDGE(broken), REGISTER_BAD);
}

/* ------------------------------------------------ planted violations */

static void
test_stale_read(void **state)
{
	static const struct register_operation history[] = {
		{AT(1, 2), ONE(7), WROTE}, {AT(3, 4), ONE(8), WROTE}, {AT(5, 6), ONE(7), SAW}};

	(void)state;
	assert_int_equal(JUDGE(history), REGISTER_BAD);
	assert_non_null(strstr(text, "5..6 actor 0 read 0:7(70): ok"));
	assert_non_null(strstr(text, "3..4 actor 0 write 0:8(80): ok"));
}

static void
test_lost_update(void **state)
{
	static const struct register_operation history[] = {{AT(1, 2), ONE(7), WROTE},
							    {AT(3, 4), ONE(0), SAW}};

	(void)state;
	assert_int_equal(JUDGE(history), REGISTER_BAD);
}

static void
test_resurrected_value(void **state)
{
	static const struct register_operation history[] = {
		{AT(1, 2), ONE(7), WROTE}, {AT(3, 4), ONE(0), REMOVED}, {AT(5, 6), ONE(7), SAW}};

	(void)state;
	assert_int_equal(JUDGE(history), REGISTER_BAD);
}

static void
test_executed_twice(void **state)
{
	static const struct register_operation history[] = {{AT(1, 8), ONE(7), WROTE},
							    {AT(2, 3), ONE(7), SAW},
							    {AT(4, 5), ONE(8), WROTE},
							    {AT(6, 7), ONE(8), SAW},
							    {AT(9, 10), ONE(7), SAW}};

	(void)state;
	assert_int_equal(JUDGE(history), REGISTER_BAD);
}

static void
test_value_of_nobody_and_wrong_size(void **state)
{
	static const struct register_operation nobody[] = {{AT(1, 2), ONE(7), WROTE},
							   {AT(3, 4), ONE(9), SAW}};
	static const struct register_operation sizes[] = {
		{AT(1, 2), ONE(7), WROTE},
		{AT(3, 4), .slots = 1, .values = {{0, 71}}, .kind = REGISTER_SIZE,
		 .outcome = REGISTER_DONE}};
	struct register_operation sized[2] = {sizes[0], sizes[1]};

	(void)state;
	assert_int_equal(JUDGE(nobody), REGISTER_BAD);
	assert_ptr_equal(register_stranger(nobody, 2), &nobody[1]);
	assert_int_equal(JUDGE(sizes), REGISTER_BAD);
	sized[1].values[0].size = 70;
	assert_int_equal(JUDGE(sized), REGISTER_GOOD);
	assert_null(register_stranger(sized, 2));
}

static void
test_update_seen_in_part(void **state)
{
	static const struct register_operation history[] = {{AT(1, 2), TWO(7, 7), WROTE},
							    {AT(3, 6), TWO(8, 8), WROTE},
							    {AT(4, 5), TWO(8, 7), SAW}};
	static const struct register_operation whole[] = {{AT(1, 2), TWO(7, 7), WROTE},
							  {AT(3, 6), TWO(8, 8), WROTE},
							  {AT(4, 5), TWO(8, 8), SAW}};

	(void)state;
	assert_int_equal(JUDGE(history), REGISTER_BAD);
	assert_int_equal(JUDGE(whole), REGISTER_GOOD);
}

static void
test_gives_up(void **state)
{
	enum { WRITERS = 16 };
	struct register_operation history[WRITERS + 2];

	(void)state;
	memset(history, 0, sizeof(history));
	for (uint32_t i = 0; i < WRITERS; i++)
		history[i] = (struct register_operation){.begin = i + 1,
							 .end = 100 + i,
							 .kind = REGISTER_WRITE,
							 .outcome = REGISTER_DONE,
							 .slots = 1,
							 .values = {{i + 1, 30}}};
	history[WRITERS] = (struct register_operation){AT(200, 201), ONE(0), SAW};
	assert_int_equal(register_check(history, WRITERS + 1, 100, text, sizeof(text)),
			 REGISTER_UNDECIDED);
}

/* However much may have happened, and the one of it that did: it is not tried in every order. */
static void
test_much_that_never_happened(void **state)
{
	enum { PERHAPS = 40, REMOVALS = 6 };
	struct register_operation history[PERHAPS + REMOVALS + 2];
	uint32_t count = 0;

	(void)state;
	memset(history, 0, sizeof(history));
	for (uint32_t i = 0; i < PERHAPS; i++)
		history[count++] = (struct register_operation){
			AT(i + 1, NEVER), PERHAPS_WROTE, .slots = (uint8_t)(1 + i * 7 % 15),
			.values = {{i + 1, 30}, {i + 1, 30}, {i + 1, 30}, {i + 1, 30}}};
	for (uint32_t i = 0; i < REMOVALS; i++)
		history[count++] = (struct register_operation){AT(100 + 2 * i, 101 + 2 * i),
							       .slots = 15, REMOVED};
	history[count++] = (struct register_operation){AT(200, 201), .slots = 15, SAW};
	assert_int_equal(register_check(history, count, 1000, text, sizeof(text)), REGISTER_GOOD);
	/* One of them was late. */
	history[count] = history[8];
	history[count].begin = 202;
	history[count].end = 203;
	history[count].kind = REGISTER_READ;
	history[count++].outcome = REGISTER_DONE;
	assert_int_equal(register_check(history, count, 1000, text, sizeof(text)), REGISTER_GOOD);
}

/* ------------------------------------------------ brute force */

struct brute {
	const struct register_operation *operations;
	uint32_t count;
	bool done[16];
	uint64_t values[2];
};

/* Written apart from the checker: whether the operation may come now, and its effect. */
static bool
brute_step(struct brute *brute, const struct register_operation *operation)
{
	bool there[2] = {brute->values[0] != 0, brute->values[1] != 0};
	bool exists = (operation->absent & 1 && there[0]) || (operation->absent & 2 && there[1]) ||
		      (operation->all_absent && (there[0] || there[1]));
	bool misses = (operation->present & 1 && !there[0]) ||
		      (operation->present & 2 && !there[1]) ||
		      (operation->any_present && !there[0] && !there[1]);

	if (operation->outcome == REGISTER_EXIST)
		return exists;
	if (operation->outcome == REGISTER_NONEXIST)
		return misses;
	if (exists || misses)
		return false;
	for (uint32_t i = 0; i < 2; i++) {
		if (!(operation->slots & 1u << i))
			continue;
		if (operation->kind == REGISTER_READ &&
		    brute->values[i] != operation->values[i].write)
			return false;
		if (operation->kind == REGISTER_WRITE)
			brute->values[i] = operation->values[i].write;
		if (operation->kind == REGISTER_REMOVE)
			brute->values[i] = 0;
	}
	return true;
}

static bool
brute_try(struct brute *brute)
{
	uint64_t first_end = NEVER;
	bool left = false;

	for (uint32_t i = 0; i < brute->count; i++) {
		const struct register_operation *operation = &brute->operations[i];

		if (brute->done[i] || operation->outcome == REGISTER_UNKNOWN)
			continue;
		left = true;
		if (operation->end < first_end)
			first_end = operation->end;
	}
	if (!left)
		return true;
	for (uint32_t i = 0; i < brute->count; i++) {
		struct brute next = *brute;

		if (brute->done[i] || brute->operations[i].begin > first_end)
			continue;
		next.done[i] = true;
		if (brute_step(&next, &brute->operations[i]) && brute_try(&next))
			return true;
	}
	return false;
}

static uint64_t random_state;

static uint32_t
draw(uint32_t limit)
{
	random_state += UINT64_C(0x9e3779b97f4a7c15);
	return (uint32_t)(mix64(random_state) % limit);
}

/* A history that may be anything, over two registers. */
static void
draw_anything(struct register_operation *history, uint32_t count)
{
	uint32_t times[32], moments = 2 * count;

	for (uint32_t i = 0; i < moments; i++)
		times[i] = i + 1;
	for (uint32_t i = moments - 1; i > 0; i--) {
		/* Not far from where they were, so that not all overlap. */
		uint32_t low = i > 4 ? i - 4 : 0, j = low + draw(i - low + 1), time = times[i];

		times[i] = times[j];
		times[j] = time;
	}
	for (uint32_t i = 0; i < count; i++) {
		uint32_t a = times[2 * i], b = times[2 * i + 1];
		struct register_operation *operation = &history[i];

		*operation = (struct register_operation){
			.begin = a < b ? a : b,
			.end = a < b ? b : a,
			.slots = (uint8_t)(1 + draw(3)),
			.kind = (uint8_t[]){REGISTER_READ, REGISTER_READ, REGISTER_WRITE,
					    REGISTER_REMOVE}[draw(4)],
			.outcome = REGISTER_DONE,
		};
		for (uint32_t j = 0; j < 2; j++)
			if (operation->slots & 1u << j && operation->kind != REGISTER_REMOVE)
				operation->values[j].write =
					operation->kind == REGISTER_WRITE ? i + 1 : draw(count + 1);
		if (draw(4) == 0) {
			operation->present = (uint8_t)draw(4);
			operation->outcome = draw(2) ? REGISTER_DONE : REGISTER_NONEXIST;
		} else if (draw(4) == 0) {
			operation->all_absent = true;
			operation->outcome = draw(2) ? REGISTER_DONE : REGISTER_EXIST;
		}
		if (operation->outcome == REGISTER_DONE && operation->kind >= REGISTER_WRITE &&
		    draw(4) == 0) {
			operation->outcome = REGISTER_UNKNOWN;
			operation->end = NEVER;
		}
	}
	/* Reads of what is a likely candidate, so that a fair part is good. */
	for (uint32_t i = 0; i < count; i++)
		for (uint32_t j = 0; j < 2; j++) {
			struct register_value *value = &history[i].values[j];

			if (history[i].kind == REGISTER_READ && value->write > 0 &&
			    (history[value->write - 1].kind != REGISTER_WRITE ||
			     !(history[value->write - 1].slots & 1u << j)))
				value->write = 0;
		}
}

static void
test_equals_brute_force(void **state)
{
	uint32_t good = 0, bad = 0;

	(void)state;
	for (uint32_t round = 0; round < 20000; round++) {
		struct register_operation history[16];
		struct brute brute = {.operations = history};
		enum register_verdict verdict;

		random_state = round;
		brute.count = 2 + draw(6);
		draw_anything(history, brute.count);
		verdict = judge(history, brute.count);
		if (brute_try(&brute)) {
			if (verdict != REGISTER_GOOD)
				print_message("round %u: %s\n", round, text);
			assert_int_equal(verdict, REGISTER_GOOD);
			good++;
		} else {
			assert_int_equal(verdict, REGISTER_BAD);
			bad++;
		}
	}
	assert_true(good > 2000 && bad > 2000);
}

/* ------------------------------------------------ long histories */

#define ACTORS 8u
#define LONG 1000u

/* What a correct register would have shown: each operation takes effect somewhere between its begin
 * and its end. */
static void
draw_correct(struct register_operation *history, uint32_t count, uint32_t unknown)
{
	uint64_t busy_until[ACTORS] = {0}, values[2] = {0}, time = 1;

	for (uint32_t i = 0; i < count; i++) {
		struct register_operation *operation = &history[i];
		uint32_t actor = draw(ACTORS);
		uint64_t effect;

		time = max_of(time + 10, busy_until[actor] + 1);
		effect = time;
		*operation = (struct register_operation){
			.actor = actor,
			.begin = effect - draw(60) % (effect - busy_until[actor]),
			.end = effect + 1 + draw(60),
			.slots = (uint8_t)(1 + draw(3)),
			.kind = (uint8_t[]){REGISTER_READ, REGISTER_WRITE, REGISTER_WRITE,
					    REGISTER_REMOVE}[draw(4)],
			.outcome = REGISTER_DONE,
		};
		for (uint32_t j = 0; j < 2; j++) {
			if (!(operation->slots & 1u << j))
				continue;
			if (operation->kind == REGISTER_READ)
				operation->values[j].write = values[j];
			else if (operation->kind == REGISTER_WRITE)
				values[j] = operation->values[j].write = i + 1;
			else
				values[j] = 0;
		}
		busy_until[actor] = operation->end;
		if (operation->kind == REGISTER_WRITE && unknown > 0 && draw(40) == 0) {
			operation->outcome = REGISTER_UNKNOWN;
			operation->end = NEVER;
			unknown--;
		}
	}
}

static void
test_long_histories(void **state)
{
	static struct register_operation history[LONG];
	clock_t start = clock();
	uint32_t found = 0;

	(void)state;
	for (uint32_t round = 0; round < 40; round++) {
		const struct register_operation *old;
		uint32_t victim;

		random_state = 1000000 + round;
		draw_correct(history, LONG, 6);
		assert_int_equal(judge(history, LONG), REGISTER_GOOD);
		/* One read in the second half sees what was there long before. */
		do
			victim = LONG / 2 + draw(LONG / 2);
		while (history[victim].kind != REGISTER_READ || !(history[victim].slots & 1));
		do
			old = &history[victim - 100 - draw(200)];
		while (old->kind != REGISTER_WRITE || !(old->slots & 1) ||
		       old->outcome != REGISTER_DONE);
		history[victim].values[0] = old->values[0];
		found += judge(history, LONG) == REGISTER_BAD;
	}
	assert_int_equal(found, 40);
	assert_true((clock() - start) / CLOCKS_PER_SEC < 20);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_plain_histories),
		cmocka_unit_test(test_unknown_may_happen_late_or_never),
		cmocka_unit_test(test_unknown_before_others),
		cmocka_unit_test(test_conditions),
		cmocka_unit_test(test_stale_read),
		cmocka_unit_test(test_lost_update),
		cmocka_unit_test(test_resurrected_value),
		cmocka_unit_test(test_executed_twice),
		cmocka_unit_test(test_value_of_nobody_and_wrong_size),
		cmocka_unit_test(test_update_seen_in_part),
		cmocka_unit_test(test_gives_up),
		cmocka_unit_test(test_much_that_never_happened),
		cmocka_unit_test(test_equals_brute_force),
		cmocka_unit_test(test_long_histories),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
