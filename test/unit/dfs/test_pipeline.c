/* SPDX-License-Identifier: BSD-2-Clause-Patent */
/* Patterns of names: a table, and all short patterns over all short names beside a naive reading.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

#include "dfs/private.h"

static const struct {
	const char *name, *pattern;
	bool like;
} cases[] = {
	{"", "", true},
	{"", "%", true},
	{"", "_", false},
	{"a", "", false},
	{"file.log", "%.log", true},
	{"file.log", "%.lo", false},
	{"file.log", "file%", true},
	{"file.log", "%i%e%", true},
	{"file.log", "f___.log", true},
	{"file.log", "f__.log", false},
	{"aaab", "%aab", true},
	{"abab", "%ab", true},
	{"a%b", "a\\%b", true},
	{"axb", "a\\%b", false},
	{"a_b", "a\\_b", true},
	{"axb", "a\\_b", false},
	{"a\\b", "a\\\\b", true},
	{"\\", "\\", true},
	{"a\xc3\xa4", "a__", true},
};

static void
patterns_of_the_table(void **state)
{
	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(cases); i++)
		if (name_is_like(cases[i].name, cases[i].pattern) != cases[i].like)
			fail_msg("'%s' and '%s'", cases[i].name, cases[i].pattern);
}

/* As the words say it, by trying everything. */
static bool
naive(const char *name, const char *pattern)
{
	if (*pattern == '\0')
		return *name == '\0';
	if (*pattern == '%') {
		if (naive(name, pattern + 1))
			return true;
		return *name && naive(name + 1, pattern);
	}
	if (*name == '\0')
		return false;
	if (*pattern == '\\' && pattern[1])
		return pattern[1] == *name && naive(name + 1, pattern + 2);
	return (*pattern == '_' || *pattern == *name) && naive(name + 1, pattern + 1);
}

/* The text of so many letters that number stands for. */
static void
text_of(uint32_t number, const char *letters, uint32_t length, char *text)
{
	uint32_t base = (uint32_t)strlen(letters);

	for (uint32_t i = 0; i < length; i++, number /= base)
		text[i] = letters[number % base];
	text[length] = '\0';
}

static void
all_short_patterns(void **state)
{
	static const char pattern_letters[] = "ab%_\\", name_letters[] = "ab%";
	char name[8], pattern[8];

	(void)state;
	for (uint32_t length = 0; length <= 4; length++)
		for (uint32_t p = 0; p < 625; p++)
			for (uint32_t n = 0; n < 81 * 5; n++) {
				text_of(p, pattern_letters, length, pattern);
				text_of(n / 5, name_letters, n % 5, name);
				if (name_is_like(name, pattern) != naive(name, pattern))
					fail_msg("'%s' and '%s'", name, pattern);
			}
}

int
main(void)
{
	static const struct CMUnitTest tests[] = {
		cmocka_unit_test(patterns_of_the_table),
		cmocka_unit_test(all_short_patterns),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
