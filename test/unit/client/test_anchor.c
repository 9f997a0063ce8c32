/* SPDX-License-Identifier: BSD-2-Clause-Patent */
/* Anchors: short positions inside, long ones in the object, restricted ones, and garbage. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <stdlib.h>

#include "client/private.h"

static struct client_object object = {.lock = PTHREAD_MUTEX_INITIALIZER};

static struct objio_position
position_of(uint32_t group, uint32_t length, uint8_t fill)
{
	struct objio_position position = {.group = group, .length = length};

	memset(position.bytes, fill, length);
	return position;
}

static void
check_round(uint32_t length)
{
	struct objio_position position = position_of(3, length, (uint8_t)length);
	struct objio_position back;
	daos_anchor_t anchor = DAOS_ANCHOR_INIT;

	assert_int_equal(anchor_store(&object, &position, &anchor), 0);
	assert_false(daos_anchor_is_eof(&anchor));
	assert_int_equal(anchor_load(&object, &anchor, &back), 0);
	assert_int_equal(back.group, 3);
	assert_int_equal(back.length, length);
	assert_false(back.end);
	assert_memory_equal(back.bytes, position.bytes, length);
}

static void
test_round(void **state)
{
	(void)state;
	for (uint32_t length = 0; length <= PROTO_POSITION_MAX; length++)
		check_round(length);
}

static void
test_begin_and_end(void **state)
{
	daos_anchor_t anchor = DAOS_ANCHOR_INIT;
	struct objio_position position;

	(void)state;
	assert_int_equal(anchor_load(&object, &anchor, &position), 0);
	assert_int_equal(position.group, 0);
	assert_int_equal(position.length, 0);
	assert_false(position.end);
	position.end = true;
	assert_int_equal(anchor_store(&object, &position, &anchor), 0);
	assert_true(daos_anchor_is_eof(&anchor));
	assert_int_equal(anchor_load(&object, &anchor, &position), 0);
	assert_true(position.end);
}

static void
test_restricted(void **state)
{
	struct objio_position position = position_of(7, 200, 1);
	daos_anchor_t anchor;
	uint32_t group;

	(void)state;
	anchor_restrict(&anchor, 7);
	assert_true(anchor_restricted(&anchor, &group));
	assert_int_equal(group, 7);
	assert_int_equal(anchor_store(&object, &position, &anchor), 0);
	assert_true(anchor_restricted(&anchor, &group));
	position = (struct objio_position){.group = 0};
	anchor_restrict(&anchor, 5);
	assert_int_equal(anchor_load(&object, &anchor, &position), 0);
	assert_int_equal(position.group, 5);
}

/* The oldest of too many long positions is forgotten, and says so. */
static void
test_forgotten(void **state)
{
	struct objio_position position = position_of(1, 300, 9);
	daos_anchor_t anchors[POSITIONS_KEPT + 1];
	struct objio_position back;

	(void)state;
	memset(anchors, 0, sizeof(anchors));
	for (uint32_t i = 0; i <= POSITIONS_KEPT; i++) {
		position.bytes[0] = (uint8_t)i;
		assert_int_equal(anchor_store(&object, &position, &anchors[i]), 0);
	}
	assert_int_equal(anchor_load(&object, &anchors[0], &back), -DER_INVAL);
	for (uint32_t i = 1; i <= POSITIONS_KEPT; i++) {
		assert_int_equal(anchor_load(&object, &anchors[i], &back), 0);
		assert_int_equal(back.bytes[0], i);
	}
}

/* Another handle gives the same numbers to its own positions: it refuses, it does not mistake. */
static void
test_of_another_handle(void **state)
{
	struct objio_position position = position_of(1, 300, 9), back;
	struct client_object other = {.position_number = 0};
	daos_anchor_t anchor, theirs;

	(void)state;
	memset(&anchor, 0, sizeof(anchor));
	memset(&theirs, 0, sizeof(theirs));
	pthread_mutex_init(&other.lock, NULL);
	object.position_number = 0;
	assert_int_equal(anchor_store(&object, &position, &anchor), 0);
	assert_int_equal(anchor_load(&other, &anchor, &back), -DER_INVAL);
	position.bytes[299] ^= 1;
	assert_int_equal(anchor_store(&other, &position, &theirs), 0);
	assert_int_equal(anchor_load(&other, &anchor, &back), -DER_INVAL);
	assert_int_equal(anchor_load(&other, &theirs, &back), 0);
	client_free(other.positions);
	pthread_mutex_destroy(&other.lock);
}

static void
test_garbage(void **state)
{
	struct objio_position position;
	daos_anchor_t anchor;

	(void)state;
	srandom(1);
	for (int i = 0; i < 10000; i++) {
		int rc;

		for (size_t j = 0; j < sizeof(anchor); j++)
			((uint8_t *)&anchor)[j] = (uint8_t)random();
		anchor.da_type %= 5;
		rc = anchor_load(&object, &anchor, &position);
		assert_true(rc == 0 || rc == -DER_INVAL);
		if (rc == 0)
			assert_in_range(position.length, 0, PROTO_POSITION_MAX);
	}
	free(object.positions);
	object.positions = NULL;
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_round),	   cmocka_unit_test(test_begin_and_end),
		cmocka_unit_test(test_restricted), cmocka_unit_test(test_forgotten),
		cmocka_unit_test(test_garbage),	   cmocka_unit_test(test_of_another_handle),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
