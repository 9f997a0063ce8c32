/* SPDX-License-Identifier: BSD-2-Clause-Patent */
/* Properties as a text "name:value;name:value". What is accepted can be checked, copied, merged
 * and freed. */
#include <stdlib.h>
#include <string.h>

#include "base/base.h"
#include "common/common.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void
use(daos_prop_t *prop)
{
	daos_prop_t *copy = NULL, *merged;
	uint32_t type;

	(void)!prop_check(prop, PROP_OF_CONTAINER, &type);
	(void)!prop_check(prop, PROP_OF_POOL, NULL);
	ASSERT(prop_dup(prop, &copy) == 0);
	ASSERT(copy->dpp_nr == prop->dpp_nr);
	merged = daos_prop_merge(prop, copy);
	daos_prop_free(merged);
	daos_prop_free(copy);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	daos_prop_t *prop = NULL;
	char *text = malloc(size + 1);

	ASSERT(text);
	memcpy(text, data, size);
	text[size] = '\0';
	if (daos_prop_from_str(text, size, &prop) == 0) {
		use(prop);
		daos_prop_free(prop);
	}
	free(text);
	return 0;
}
