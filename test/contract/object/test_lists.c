/* SPDX-License-Identifier: BSD-2-Clause-Patent */
/* Listings and queries end to end: pages, orders, values that come along, all groups of an object.
 */
#include "bed.h"

#define KEYS 700u

/* What a listing met. */
struct met {
	uint32_t count;
	uint32_t stop_after; /* entries of one call; 0: never stops */
	uint32_t in_call;
	uint8_t seen[KEYS];
	char last[64];
	bool ordered;
	bool values;
};

/* Keys are "name-<number>"; so are values. */
static int
meet(void *argument, const struct objio_entry *entry)
{
	struct met *met = argument;
	char text[64];
	uint32_t number;

	if (met->stop_after && met->in_call == met->stop_after)
		return 1;
	met->in_call++;
	assert_true(entry->key.length < sizeof(text));
	memcpy(text, entry->key.data, entry->key.length);
	text[entry->key.length] = '\0';
	if (met->ordered) {
		assert_true(strcmp(met->last, text) < 0);
		strcpy(met->last, text);
	}
	if (met->values) {
		assert_int_equal(entry->value.length, entry->key.length);
		assert_memory_equal(entry->value.data, text, entry->key.length);
	}
	assert_int_equal(sscanf(text, "name-%u", &number), 1);
	assert_true(number < KEYS);
	met->seen[number]++;
	met->count++;
	return 0;
}

static void
check_all_met(const struct met *met)
{
	assert_int_equal(met->count, KEYS);
	for (uint32_t i = 0; i < KEYS; i++)
		assert_int_equal(met->seen[i], 1);
}

/* Values are arrays for even numbers and single values for odd ones. */
static void
fill_object(struct bed *bed, struct object_id id)
{
	char dkey[32];

	for (uint32_t i = 0; i < KEYS; i++) {
		int length = snprintf(dkey, sizeof(dkey), "name-%u", i);

		if (i % 2 == 0)
			assert_int_equal(bed_write(bed, id, dkey, 0, dkey, (size_t)length), 0);
		else
			assert_int_equal(bed_put(bed, id, dkey, "a", dkey, (size_t)length, 0), 0);
	}
}

static void
list_all(struct bed *bed, struct object_id id, uint32_t limit, uint32_t stop_after)
{
	struct objio_position position = {.length = 0};
	struct met met = {.stop_after = stop_after};

	for (uint32_t calls = 0; !position.end; calls++) {
		met.in_call = 0;
		assert_true(calls <= KEYS + 8);
		assert_int_equal(objio_list(bed->objio, id, PROTO_LIST_DKEYS, (struct objio_key){0},
					    (struct objio_key){0}, NULL, limit, &position, meet,
					    &met),
				 0);
		assert_true(met.in_call <= limit);
	}
	check_all_met(&met);
}

static int
pages(struct bed *bed)
{
	struct object_id hashed = bed_object(1, BED_MULTI_HASHED, 65535);
	struct object_id lexical = bed_object(2, BED_DKEY_LEXICAL, 65535);

	fill_object(bed, hashed);
	fill_object(bed, lexical);
	list_all(bed, hashed, 1000, 0);
	list_all(bed, hashed, 37, 0);
	list_all(bed, hashed, 100, 41);
	list_all(bed, lexical, 1, 0);
	list_all(bed, lexical, 64, 0);
	return 0;
}

/* A visitor that takes away what it has met last before it stops. */
struct changer {
	struct met met;
	struct bed *bed;
	struct object_id id;
	char name[64];
};

static int
meet_and_change(void *argument, const struct objio_entry *entry)
{
	struct changer *changer = argument;
	struct objio_key last = bed_key(changer->name);

	if (meet(&changer->met, entry) == 0) {
		memcpy(changer->name, entry->key.data, entry->key.length);
		changer->name[entry->key.length] = '\0';
		return 0;
	}
	assert_int_equal(objio_punch_dkeys(changer->bed->objio, changer->id, &last, 1, 0), 0);
	return 1;
}

/* A listing goes on behind the entry that was taken last, though that is there no more. */
static void
list_while_changing(struct bed *bed, struct object_id id)
{
	struct changer changer = {.met = {.stop_after = 23}, .bed = bed, .id = id};
	struct objio_position position = {.length = 0};

	fill_object(bed, id);
	while (!position.end) {
		changer.met.in_call = 0;
		assert_true(changer.met.count <= KEYS);
		assert_int_equal(objio_list(bed->objio, id, PROTO_LIST_DKEYS, (struct objio_key){0},
					    (struct objio_key){0}, NULL, 100, &position,
					    meet_and_change, &changer),
				 0);
	}
	check_all_met(&changer.met);
}

static int
changed_meanwhile(struct bed *bed)
{
	list_while_changing(bed, bed_object(1, BED_MULTI_HASHED, 65535));
	list_while_changing(bed, bed_object(2, BED_DKEY_LEXICAL, 65535));
	return 0;
}

static int
ordered(struct bed *bed)
{
	static const uint32_t limits[] = {1, 33, KEYS, 2 * KEYS};
	struct object_id id = bed_object(2, BED_DKEY_LEXICAL, 65535);

	fill_object(bed, id);
	for (uint32_t i = 0; i < ARRAY_SIZE(limits); i++) {
		struct met met = {.ordered = true, .values = true, .stop_after = i == 1 ? 20 : 0};
		bool end = false;

		for (uint32_t calls = 0; !end; calls++) {
			struct objio_key from = bed_key(met.last);
			char last[64];

			met.in_call = 0;
			strcpy(last, met.last);
			from.data = last;
			assert_true(calls <= KEYS);
			assert_int_equal(objio_list_ordered(bed->objio, id, from, bed_key("a"),
							    NULL, limits[i], meet, &met, &end),
					 0);
		}
		check_all_met(&met);
	}
	return 0;
}

static int
count_entry(void *argument, const struct objio_entry *entry)
{
	uint64_t *bytes = argument;

	*bytes += entry->key.length + entry->value.length;
	return 0;
}

/* Keys and values so long that a page ends before its limit. */
static int
long_keys(struct bed *bed)
{
	enum { COUNT = 40, LENGTH = 3000 };
	struct object_id id = bed_object(3, BED_DKEY_LEXICAL, 1);
	struct objio_position position = {.length = 0};
	static char key[LENGTH + 1];
	static char value[5000];
	uint64_t bytes = 0;
	bool end;

	memset(key, 'k', LENGTH);
	for (uint32_t i = 0; i < COUNT; i++) {
		snprintf(key + LENGTH - 10, 11, "%010u", i);
		assert_int_equal(bed_put(bed, id, key, "a", value, i == 7 ? 5000 : 4000, 0), 0);
	}
	while (!position.end)
		assert_int_equal(objio_list(bed->objio, id, PROTO_LIST_DKEYS, (struct objio_key){0},
					    (struct objio_key){0}, NULL, 1000, &position,
					    count_entry, &bytes),
				 0);
	assert_int_equal(bytes, COUNT * LENGTH);
	bytes = 0;
	assert_int_equal(objio_list_ordered(bed->objio, id, (struct objio_key){0}, bed_key("a"),
					    NULL, 1000, count_entry, &bytes, &end),
			 0);
	assert_true(end);
	/* The value that is too long is left out. */
	assert_int_equal(bytes, COUNT * LENGTH + (COUNT - 1) * 4000);
	/* After a key longer than a position keeps. */
	bytes = 0;
	snprintf(key + LENGTH - 10, 11, "%010u", COUNT / 2 - 1);
	assert_int_equal(objio_list_ordered(bed->objio, id, bed_key(key), (struct objio_key){0},
					    NULL, 1000, count_entry, &bytes, &end),
			 0);
	assert_int_equal(bytes, COUNT / 2 * LENGTH);
	return 0;
}

struct levels {
	uint32_t akeys, singles;
	uint32_t extents;
	uint64_t records;
};

static int
meet_level(void *argument, const struct objio_entry *entry)
{
	struct levels *levels = argument;

	if (entry->key.length > 0) {
		levels->akeys++;
		levels->singles += entry->type == PROTO_VALUE_SINGLE;
	} else {
		assert_int_equal(entry->record_size, 1);
		assert_int_equal(entry->extent.index, levels->extents * 1000);
		assert_true(entry->epoch > 0);
		levels->extents++;
		levels->records += entry->extent.count;
	}
	return 0;
}

static int
lower_levels(struct bed *bed)
{
	struct object_id id = bed_object(4, BED_MULTI_HASHED, 65535);
	struct objio_position position = {.length = 0};
	struct levels levels = {0};
	char name[16];

	for (uint32_t i = 0; i < 20; i++) {
		snprintf(name, sizeof(name), "single-%u", i);
		assert_int_equal(bed_put(bed, id, "d", name, name, 5, 0), 0);
	}
	for (uint32_t i = 0; i < 150; i++)
		assert_int_equal(bed_write(bed, id, "d", i * 1000, "0123456789", 10), 0);
	while (!position.end)
		assert_int_equal(objio_list(bed->objio, id, PROTO_LIST_AKEYS, bed_key("d"),
					    (struct objio_key){0}, NULL, 7, &position, meet_level,
					    &levels),
				 0);
	assert_int_equal(levels.akeys, 21);
	assert_int_equal(levels.singles, 20);
	position = (struct objio_position){.length = 0};
	while (!position.end)
		assert_int_equal(objio_list(bed->objio, id, PROTO_LIST_EXTENTS, bed_key("d"),
					    bed_key("a"), NULL, 11, &position, meet_level, &levels),
				 0);
	assert_int_equal(levels.extents, 150);
	assert_int_equal(levels.records, 1500);
	return 0;
}

/* What a server must refuse, and what an empty object looks like. */
static int
odd_listings(struct bed *bed)
{
	struct object_id id = bed_object(5, BED_MULTI_HASHED, 65535);
	struct objio_position position = {.group = 9};
	uint64_t bytes = 0;
	bool end;

	assert_int_equal(objio_list(bed->objio, id, PROTO_LIST_DKEYS, (struct objio_key){0},
				    (struct objio_key){0}, NULL, 7, &position, count_entry, &bytes),
			 -DER_INVAL);
	position = (struct objio_position){.length = 3, .bytes = {77, 1, 2}};
	assert_int_equal(objio_list(bed->objio, id, PROTO_LIST_DKEYS, (struct objio_key){0},
				    (struct objio_key){0}, NULL, 7, &position, count_entry, &bytes),
			 -DER_PROTO);
	position = (struct objio_position){.length = 0};
	assert_int_equal(objio_list(bed->objio, id, PROTO_LIST_DKEYS, (struct objio_key){0},
				    (struct objio_key){0}, NULL, 7, &position, count_entry, &bytes),
			 0);
	assert_true(position.end);
	assert_int_equal(bytes, 0);
	assert_int_equal(objio_list_ordered(bed->objio, id, (struct objio_key){0},
					    (struct objio_key){0}, NULL, 7, count_entry, &bytes,
					    &end),
			 -DER_INVAL);
	return 0;
}

static void
write_integer(struct bed *bed, struct object_id id, uint64_t dkey, uint64_t offset, uint64_t length)
{
	struct iovec iov = {calloc(1, length), length};
	struct proto_extent extent = {offset, length};
	struct objio_akey akey = {
		.key = bed_key("a"),
		.type = PROTO_VALUE_ARRAY,
		.record_size = 1,
		.extents = &extent,
		.extent_count = 1,
		.payload = &iov,
		.payload_count = 1,
	};

	assert_int_equal(objio_update(bed->objio, id, (struct objio_key){&dkey, 8}, &akey, 1, 0),
			 0);
	free(iov.iov_base);
}

static int
queries(struct bed *bed)
{
	struct object_id id = bed_object(6, BED_DKEY_UINT64, 65535);
	struct proto_object_queried result;
	uint32_t last = PROTO_QUERY_MAX | PROTO_QUERY_DKEY | PROTO_QUERY_EXTENT;
	uint64_t dkey = 3;

	assert_int_equal(objio_query_key(bed->objio, id, last, (struct objio_key){0}, bed_key("a"),
					 NULL, &result),
			 -DER_NONEXIST);
	for (uint64_t i = 0; i < 40; i++) {
		write_integer(bed, id, i, i, 100 + i);
		assert_int_equal(objio_query_key(bed->objio, id, last, (struct objio_key){0},
						 bed_key("a"), NULL, &result),
				 0);
		assert_int_equal(result.dkey, i);
		assert_int_equal(result.extent.index + result.extent.count, 100 + 2 * i);
		assert_int_equal(result.record_size, 1);
	}
	assert_int_equal(objio_query_key(bed->objio, id, PROTO_QUERY_MIN | PROTO_QUERY_DKEY,
					 (struct objio_key){0}, (struct objio_key){0}, NULL,
					 &result),
			 0);
	assert_int_equal(result.dkey, 0);
	assert_int_equal(objio_query_key(bed->objio, id, PROTO_QUERY_MAX | PROTO_QUERY_EXTENT,
					 (struct objio_key){&dkey, 8}, bed_key("a"), NULL, &result),
			 0);
	assert_int_equal(result.extent.index + result.extent.count, 106);
	dkey = result.epoch;
	assert_int_equal(objio_query_key(bed->objio, id, 0, (struct objio_key){0},
					 (struct objio_key){0}, NULL, &result),
			 0);
	assert_true(result.epoch >= dkey);
	assert_int_equal(objio_query_key(bed->objio, id, last | PROTO_QUERY_MIN,
					 (struct objio_key){0}, bed_key("a"), NULL, &result),
			 -DER_INVAL);
	return 0;
}

/* An object that lost its last dkey still says when, in the answer to the question for it. */
static int
newest_query(struct bed *bed)
{
	struct object_id id = bed_object(7, BED_DKEY_UINT64, 65535);
	struct proto_object_queried result;
	uint32_t last = PROTO_QUERY_MAX | PROTO_QUERY_DKEY | PROTO_QUERY_EXTENT |
			PROTO_QUERY_NEWEST;
	uint64_t dkey = 5, written;
	struct objio_key none = {0}, key = {&dkey, sizeof(dkey)};

	assert_int_equal(objio_query_key(bed->objio, id, last, none, bed_key("a"), NULL, &result),
			 -DER_NONEXIST);
	write_integer(bed, id, dkey, 5, 10);
	assert_int_equal(objio_query_key(bed->objio, id, last, none, bed_key("a"), NULL, &result),
			 0);
	assert_int_equal(result.dkey, 5);
	written = result.epoch;
	assert_true(written > 0);
	assert_int_equal(objio_punch_dkeys(bed->objio, id, &key, 1, 0), 0);
	assert_int_equal(objio_query_key(bed->objio, id, last & ~(uint32_t)PROTO_QUERY_NEWEST, none,
					 bed_key("a"), NULL, &result),
			 -DER_NONEXIST);
	assert_int_equal(objio_query_key(bed->objio, id, last, none, bed_key("a"), NULL, &result),
			 0);
	assert_int_equal(result.dkey, 0);
	assert_true(result.epoch > written);
	assert_int_equal(objio_query_key(bed->objio, id, PROTO_QUERY_NEWEST, none, none, NULL,
					 &result),
			 -DER_INVAL);
	return 0;
}

static void
run_on_bed(int (*function)(struct bed *bed))
{
	struct bed bed = {.up = false};
	uint64_t crossed;

	bed_init(&bed);
	crossed = bed_cross_calls(&bed);
	assert_int_equal(bed_run(&bed, function), 0);
	assert_int_equal(bed_cross_calls(&bed), crossed);
	bed_fini(&bed);
}

#define ON_BED(name)                          \
	static void test_##name(void **state) \
	{                                     \
		(void)state;                  \
		run_on_bed(name);             \
	}

ON_BED(pages)
ON_BED(changed_meanwhile)
ON_BED(ordered)
ON_BED(long_keys)
ON_BED(lower_levels)
ON_BED(odd_listings)
ON_BED(queries)
ON_BED(newest_query)

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_pages),
		cmocka_unit_test(test_ordered),
		cmocka_unit_test(test_changed_meanwhile),
		cmocka_unit_test(test_long_keys),
		cmocka_unit_test(test_lower_levels),
		cmocka_unit_test(test_odd_listings),
		cmocka_unit_test(test_queries),
		cmocka_unit_test(test_newest_query),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
