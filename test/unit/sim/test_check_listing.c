/* SPDX-License-Identifier: BSD-2-Clause-Patent */
/* The listing checker against planted violations: skipped, doubled, resurrected and unordered keys.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "sim/check_listing.h"

#define NEVER CHANGE_NEVER
#define KEYS 4u

static uint8_t names[KEYS][2] = {"a", "b", "c", "d"};
static char text[1024];

/* Keys a, b, c, d in this order, all absent. */
static void
keys_init(struct listed_key keys[KEYS])
{
	memset(keys, 0, KEYS * sizeof(*keys));
	for (uint32_t i = 0; i < KEYS; i++) {
		keys[i].name = names[i];
		keys[i].length = 1;
		keys[i].rank = i;
	}
}

static void
changes_set(struct listed_key *key, struct key_change *changes, uint32_t count)
{
	key->changes = changes;
	key->change_count = count;
}

static bool
check(const struct listed_key *keys, const struct listing *listing)
{
	text[0] = '\0';
	return listing_check(keys, KEYS, listing, false, text, sizeof(text));
}

/* ------------------------------------------------ presence */

static void
test_presence(void **state)
{
	struct key_change put[] = {{.begin = 10, .end = 20, .insert = true}};
	struct key_change put_gone[] = {{.begin = 10, .end = 20, .insert = true},
					{.begin = 30, .end = 40}};
	struct key_change put_gone_put[] = {{.begin = 10, .end = 20, .insert = true},
					    {.begin = 30, .end = 40},
					    {.begin = 50, .end = 60, .insert = true}};
	struct key_change crossing[] = {{.begin = 10, .end = 20, .insert = true},
					{.begin = 15, .end = 25}};
	struct key_change unsure[] = {{.begin = 10, .end = 20, .insert = true},
				      {.begin = 30, .end = NEVER}};
	struct key_change perhaps[] = {{.begin = 10, .end = NEVER, .insert = true}};
	struct listed_key keys[KEYS];

	(void)state;
	keys_init(keys);
	assert_int_equal(key_presence(&keys[0], 1, 100), PRESENCE_NEVER);
	changes_set(&keys[0], put, 1);
	assert_int_equal(key_presence(&keys[0], 1, 9), PRESENCE_NEVER);
	assert_int_equal(key_presence(&keys[0], 1, 15), PRESENCE_PERHAPS);
	assert_int_equal(key_presence(&keys[0], 19, 30), PRESENCE_PERHAPS);
	assert_int_equal(key_presence(&keys[0], 21, 30), PRESENCE_ALWAYS);
	changes_set(&keys[0], put_gone, 2);
	assert_int_equal(key_presence(&keys[0], 21, 29), PRESENCE_ALWAYS);
	assert_int_equal(key_presence(&keys[0], 21, 31), PRESENCE_PERHAPS);
	assert_int_equal(key_presence(&keys[0], 39, 50), PRESENCE_PERHAPS);
	assert_int_equal(key_presence(&keys[0], 41, 50), PRESENCE_NEVER);
	changes_set(&keys[0], put_gone_put, 3);
	assert_int_equal(key_presence(&keys[0], 41, 49), PRESENCE_NEVER);
	assert_int_equal(key_presence(&keys[0], 41, 55), PRESENCE_PERHAPS);
	assert_int_equal(key_presence(&keys[0], 61, 70), PRESENCE_ALWAYS);
	changes_set(&keys[0], crossing, 2);
	assert_int_equal(key_presence(&keys[0], 50, 60), PRESENCE_PERHAPS);
	changes_set(&keys[0], unsure, 2);
	assert_int_equal(key_presence(&keys[0], 21, 29), PRESENCE_ALWAYS);
	assert_int_equal(key_presence(&keys[0], 50, 60), PRESENCE_PERHAPS);
	changes_set(&keys[0], perhaps, 1);
	assert_int_equal(key_presence(&keys[0], 50, 60), PRESENCE_PERHAPS);
	assert_int_equal(key_presence(&keys[0], 1, 9), PRESENCE_NEVER);
}

/* ------------------------------------------------ listings */

static struct key_change long_there = {.begin = 1, .end = 2, .insert = true};

/* All keys are there; a, b, c, d are listed from 10 to 20. */
static void
listing_init(struct listed_key keys[KEYS], struct listed_entry entries[KEYS],
	     struct listing *listing)
{
	keys_init(keys);
	for (uint32_t i = 0; i < KEYS; i++) {
		changes_set(&keys[i], &long_there, 1);
		entries[i] = (struct listed_entry){.key = i, .begin = 10, .end = 20};
	}
	*listing = (struct listing){.begin = 10,
				    .end = 20,
				    .entries = entries,
				    .entry_count = KEYS,
				    .runs = 1,
				    .complete = true};
}

static void
test_good_listing(void **state)
{
	struct listed_key keys[KEYS];
	struct listed_entry entries[KEYS];
	struct listing listing;

	(void)state;
	listing_init(keys, entries, &listing);
	assert_true(check(keys, &listing));
	/* What comes meanwhile may be there or not. */
	changes_set(&keys[3], &(struct key_change){.begin = 12, .end = 13, .insert = true}, 1);
	assert_true(check(keys, &listing));
	listing.entry_count--;
	assert_true(check(keys, &listing));
}

static void
test_skipped_key(void **state)
{
	struct listed_key keys[KEYS];
	struct listed_entry entries[KEYS];
	struct listing listing;

	(void)state;
	listing_init(keys, entries, &listing);
	listing.entry_count--;
	assert_false(check(keys, &listing));
	assert_non_null(strstr(text, "key 3"));
	assert_non_null(strstr(text, "missing"));
	assert_true(listing_check(keys, KEYS, &listing, true, text, sizeof(text)));
	/* One that is not at its end owes nothing yet. */
	listing.complete = false;
	assert_true(check(keys, &listing));
}

static void
test_doubled_key(void **state)
{
	struct listed_key keys[KEYS];
	struct listed_entry entries[KEYS];
	struct listing listing;

	(void)state;
	listing_init(keys, entries, &listing);
	entries[3].key = 2;
	listing.complete = false;
	listing.runs = 0;
	assert_false(check(keys, &listing));
	assert_non_null(strstr(text, "twice"));
	assert_false(listing_check(keys, KEYS, &listing, true, text, sizeof(text)));
}

static void
test_resurrected_key(void **state)
{
	struct key_change changes[] = {{.begin = 1, .end = 2, .insert = true},
				       {.begin = 3, .end = 4}};
	struct listed_key keys[KEYS];
	struct listed_entry entries[KEYS];
	struct listing listing;

	(void)state;
	listing_init(keys, entries, &listing);
	changes_set(&keys[1], changes, 2);
	assert_false(check(keys, &listing));
	assert_non_null(strstr(text, "not there"));
}

static void
test_wrong_order(void **state)
{
	struct listed_key keys[KEYS];
	struct listed_entry entries[KEYS];
	struct listing listing;

	(void)state;
	listing_init(keys, entries, &listing);
	entries[1].key = 2;
	entries[2].key = 1;
	assert_false(check(keys, &listing));
	assert_non_null(strstr(text, "greater"));
	/* From the last to the first. */
	listing.falls = true;
	assert_false(check(keys, &listing));
	for (uint32_t i = 0; i < KEYS; i++)
		entries[i].key = KEYS - 1 - i;
	assert_true(check(keys, &listing));
	listing.falls = false;
	assert_false(check(keys, &listing));
	entries[0].key = 0;
	entries[1].key = 2;
	entries[2].key = 1;
	entries[3].key = 3;
	/* Two shards, each in order. */
	listing.runs = 2;
	assert_true(check(keys, &listing));
	listing.runs = 0;
	assert_true(check(keys, &listing));
}

/* ------------------------------------------------ edges and epochs */

static void
test_edges(void **state)
{
	struct listed_key keys[KEYS];
	struct listed_entry entries[KEYS];
	struct listing listing;
	struct edge_query query = {.begin = 10, .end = 20, .largest = true, .key = 3};

	(void)state;
	listing_init(keys, entries, &listing);
	assert_true(edge_check(keys, KEYS, &query, text, sizeof(text)));
	query.key = 2;
	assert_false(edge_check(keys, KEYS, &query, text, sizeof(text)));
	query.key = NO_KEY;
	assert_false(edge_check(keys, KEYS, &query, text, sizeof(text)));
	query.largest = false;
	query.key = 0;
	assert_true(edge_check(keys, KEYS, &query, text, sizeof(text)));
	changes_set(&keys[0], NULL, 0);
	assert_false(edge_check(keys, KEYS, &query, text, sizeof(text)));
	query.key = 1;
	assert_true(edge_check(keys, KEYS, &query, text, sizeof(text)));
}

static void
test_epochs(void **state)
{
	struct listed_key keys[KEYS];
	struct key_change put = {.begin = 13, .end = 14, .insert = true};
	struct epoch_query queries[] = {{.begin = 10, .end = 12, .epoch = 50},
					{.begin = 11, .end = 13, .epoch = 49},
					{.begin = 15, .end = 16, .epoch = 50}};

	(void)state;
	keys_init(keys);
	assert_true(epochs_check(keys, KEYS, queries, 3, text, sizeof(text)));
	changes_set(&keys[0], &put, 1);
	assert_false(epochs_check(keys, KEYS, queries, 3, text, sizeof(text)));
	queries[2].epoch = 51;
	assert_true(epochs_check(keys, KEYS, queries, 3, text, sizeof(text)));
	queries[2].epoch = 40;
	changes_set(&keys[0], NULL, 0);
	assert_false(epochs_check(keys, KEYS, queries, 3, text, sizeof(text)));
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_presence),	cmocka_unit_test(test_good_listing),
		cmocka_unit_test(test_skipped_key),	cmocka_unit_test(test_doubled_key),
		cmocka_unit_test(test_resurrected_key), cmocka_unit_test(test_wrong_order),
		cmocka_unit_test(test_edges),		cmocka_unit_test(test_epochs),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
