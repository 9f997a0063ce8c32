/* SPDX-License-Identifier: BSD-2-Clause-Patent */
/*
 * Access lists as bytes: the first byte splits the input in two of them. What is accepted can be
 * evaluated, and lists made from it are lists, which give what they were made of.
 */
#include <stdlib.h>

#include "acl/acl.h"
#include "daos_security.h"

static const char *const groups[] = {"staff@", "dev@"};
static const struct acl_principal kim = {.user = "kim@", .group_count = 2, .groups = groups};
static const struct acl_owner owner = {"ann@", "staff@", 4, 6};

static uint64_t
given(const void *list, size_t length)
{
	uint64_t permissions = 0;
	int rc = acl_evaluate(list, length, &owner, &kim, &permissions);

	ASSERT(rc == 0);
	ASSERT((permissions & ~(uint64_t)DAOS_ACL_PERM_ALL) == 0);
	return permissions;
}

static void
change(const uint8_t *first, size_t first_length, const uint8_t *second, size_t second_length)
{
	static uint8_t merged[ACL_BYTES_MAX], less[ACL_BYTES_MAX];
	size_t length = 0;

	if (acl_merge(first, first_length, second, second_length, merged, sizeof(merged),
		      &length) == 0) {
		size_t again = 0;

		ASSERT(acl_check(merged, length) == 0);
		/* What was put in is in, once: putting it in again changes nothing. */
		ASSERT(acl_merge(merged, length, second, second_length, less, sizeof(less),
				 &again) == 0);
		ASSERT(again == length && given(less, again) == given(merged, length));
	}
	for (uint32_t type = 0; type < NUM_DAOS_ACL_TYPES; type++) {
		if (acl_remove(first, first_length, type, "kim@", 4, less, sizeof(less), &length))
			continue;
		ASSERT(acl_check(less, length) == 0 && length < first_length);
		ASSERT(acl_remove(less, length, type, "kim@", 4, merged, sizeof(merged), &length) ==
		       -DER_NONEXIST);
	}
}

/* Exactly so long, so that a read beyond it is seen. */
static uint8_t *
copy(const uint8_t *data, size_t size)
{
	uint8_t *bytes = malloc(size ? size : 1);

	if (bytes && size > 0)
		memcpy(bytes, data, size);
	return bytes;
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	size_t first_length = size > 0 ? min_of((size_t)data[0] * 8, size - 1) : 0;
	size_t second_length = size > 0 ? size - 1 - first_length : 0;
	uint8_t *first = copy(data + (size > 0), first_length);
	uint8_t *second = copy(data + (size > 0) + first_length, second_length);

	if (first && second) {
		if (acl_check(first, first_length) == 0)
			(void)given(first, first_length);
		change(first, first_length, second, second_length);
	}
	free(first);
	free(second);
	return 0;
}
