/* SPDX-License-Identifier: BSD-2-Clause-Patent */
/* Records of pool handles: what is written is read, and what an older version wrote. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>

#include <cmocka.h>

#include "pool/private.h"

static const struct pool_handle sample = {
	.id = {{1}},
	.client = {{2}},
	.access = {.flags = 2,
		   .capabilities = 17,
		   .administrator = true,
		   .credentials = {.known = true, .user = 1000, .group = 50}},
};

static void
what_is_written_is_read(void **state)
{
	uint8_t record[HANDLE_RECORD];
	uint32_t length = pool_handle_encode(&sample, record);
	struct pool_handle read = {.pool = NULL};

	(void)state;
	assert_int_equal(pool_handle_decode((struct metadb_bytes){record, length}, &read), 0);
	assert_true(uuid_equal(&read.id, &sample.id));
	assert_true(uuid_equal(&read.client, &sample.client));
	assert_int_equal(read.access.flags, 2);
	assert_int_equal(read.access.capabilities, 17);
	assert_true(read.access.administrator);
	assert_true(read.access.credentials.known);
	assert_int_equal(read.access.credentials.user, 1000);
	assert_int_equal(read.access.credentials.group, 50);
	for (uint32_t i = 0; i < length; i++)
		assert_int_not_equal(pool_handle_decode((struct metadb_bytes){record, i}, &read),
				     0);
}

/* Version 1 ends behind the rights: nobody is known to have connected. */
static void
the_former_version_is_read(void **state)
{
	uint8_t record[HANDLE_RECORD];
	struct pool_handle read = {.access = {.administrator = true}};

	(void)state;
	(void)pool_handle_encode(&sample, record);
	store_u16(record, 1);
	assert_int_equal(pool_handle_decode((struct metadb_bytes){record, 42}, &read), 0);
	assert_int_equal(read.access.capabilities, 17);
	assert_false(read.access.administrator);
	assert_false(read.access.credentials.known);
	store_u16(record, 3);
	assert_int_equal(pool_handle_decode((struct metadb_bytes){record, 42}, &read),
			 -DER_DF_INCOMPT);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(what_is_written_is_read),
		cmocka_unit_test(the_former_version_is_read),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
