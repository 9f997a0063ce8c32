/* SPDX-License-Identifier: BSD-2-Clause-Patent */
/* Properties of a container, and its records in the pool's store. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <cmocka.h>

#include "container/private.h"
#include "daos_prop.h"

static int
check_number(uint32_t type, uint64_t number, bool creating)
{
	struct proto_properties wanted = {.count = 0};

	assert_int_equal(properties_set_number(&wanted, type, number), 0);
	return properties_check(container_rules, container_rule_count, &wanted, creating);
}

static void
test_rules_are_sound(void **state)
{
	(void)state;
	for (uint32_t i = 0; i < container_rule_count; i++) {
		const struct property_rule *rule = &container_rules[i];

		for (uint32_t j = 0; j < i; j++)
			assert_int_not_equal(rule->type, container_rules[j].type);
		if (!rule->is_bytes && !rule->derived)
			assert_int_equal(check_number(rule->type, rule->standard, true), 0);
	}
	assert_int_equal(container_rule_count, DAOS_PROP_CO_NUM);
}

static void
test_properties(void **state)
{
	(void)state;
	assert_int_equal(check_number(DAOS_PROP_CO_LAYOUT_TYPE, DAOS_PROP_CO_LAYOUT_POSIX, true),
			 0);
	assert_int_equal(check_number(DAOS_PROP_CO_LAYOUT_TYPE, DAOS_PROP_CO_LAYOUT_POSIX, false),
			 -DER_NO_PERM);
	assert_int_equal(check_number(DAOS_PROP_CO_LAYOUT_TYPE, DAOS_PROP_CO_LAYOUT_MAX, true),
			 -DER_INVAL);
	/* Not built: can only be off. */
	assert_int_equal(check_number(DAOS_PROP_CO_COMPRESS, DAOS_PROP_CO_COMPRESS_LZ4, true),
			 -DER_INVAL);
	assert_int_equal(check_number(DAOS_PROP_CO_DEDUP, DAOS_PROP_CO_DEDUP_HASH, true),
			 -DER_INVAL);
	assert_int_equal(check_number(DAOS_PROP_PO_RECLAIM, 1, true), -DER_INVAL);
}

/* ------------------------------------------------ records */

static void
test_records(void **state)
{
	const struct container_record record = {
		.id = uuid_make(1, 2), .created = 3, .label = "label"};
	struct container_record answer;
	uint8_t bytes[CONTAINER_RECORD];
	uint32_t length = container_record_encode(&record, bytes);

	(void)state;
	assert_int_equal(container_record_decode((struct metadb_bytes){bytes, length}, &answer), 0);
	assert_true(uuid_equal(&answer.id, &record.id));
	assert_int_equal(answer.created, 3);
	assert_string_equal(answer.label, "label");
	for (uint32_t i = 2; i < length; i++)
		assert_int_equal(container_record_decode((struct metadb_bytes){bytes, i}, &answer),
				 -DER_IO);
	bytes[0] = 9;
	assert_int_equal(container_record_decode((struct metadb_bytes){bytes, length}, &answer),
			 -DER_DF_INCOMPT);
}

static void
test_handle_records(void **state)
{
	const struct container_handle handle = {
		.id = uuid_make(1, 2),
		.container = uuid_make(3, 4),
		.pool_handle = uuid_make(5, 6),
		.client = uuid_make(7, 8),
		.flags = 2,
		.capabilities = PROTO_CAN_READ,
	};
	struct container_handle answer = {.map_version = 5};
	uint8_t bytes[CONTAINER_RECORD];
	uint32_t length = container_handle_encode(&handle, bytes);

	(void)state;
	assert_int_equal(container_handle_decode((struct metadb_bytes){bytes, length}, &answer), 0);
	assert_true(uuid_equal(&answer.id, &handle.id));
	assert_true(uuid_equal(&answer.container, &handle.container));
	assert_true(uuid_equal(&answer.pool_handle, &handle.pool_handle));
	assert_true(uuid_equal(&answer.client, &handle.client));
	assert_int_equal(answer.flags, 2);
	assert_int_equal(answer.capabilities, PROTO_CAN_READ);
	assert_int_equal(answer.map_version, 5);
	for (uint32_t i = 2; i < length; i++)
		assert_int_equal(container_handle_decode((struct metadb_bytes){bytes, i}, &answer),
				 -DER_IO);
}

static void
test_keys(void **state)
{
	const struct uuid id = {{0x12, 0x34}};
	struct container_key key;

	(void)state;
	(void)container_key(&key, KEY_CONTAINER, &id);
	assert_string_equal(key.text, "c/12340000-0000-0000-0000-000000000000");
	container_attribute_prefix(&key, &id);
	assert_string_equal(key.text, "ca/12340000-0000-0000-0000-000000000000/");
	(void)container_label_key(&key, "x");
	assert_string_equal(key.text, "cl/x");
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_rules_are_sound),
		cmocka_unit_test(test_properties),
		cmocka_unit_test(test_records),
		cmocka_unit_test(test_handle_records),
		cmocka_unit_test(test_keys),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
