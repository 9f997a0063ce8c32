/* SPDX-License-Identifier: BSD-2-Clause-Patent */
/* Names and descriptions of error codes, from the lists of daos_errno.h. */
#include <stddef.h>
#include <stdio.h>

#include <daos_errno.h>

struct code {
	const char *name;
	const char *description;
};

#define CODE(name, description) {#name, #description},

static const struct code gurt_codes[] = {D_FOREACH_GURT_ERR(CODE)};
static const struct code daos_codes[] = {D_FOREACH_DAOS_ERR(CODE)};

#undef CODE

static const struct {
	int base;
	size_t nr;
	const struct code *codes;
} ranges[] = {
	{DER_ERR_GURT_BASE, sizeof(gurt_codes) / sizeof(gurt_codes[0]), gurt_codes},
	{DER_ERR_DAOS_BASE, sizeof(daos_codes) / sizeof(daos_codes[0]), daos_codes},
};

/* The first code of a range is its base plus one. */
static const struct code *
code_find(int errnum)
{
	size_t i;

	for (i = 0; i < sizeof(ranges) / sizeof(ranges[0]); i++) {
		long index = -(long)errnum - ranges[i].base - 1;

		if (index >= 0 && (size_t)index < ranges[i].nr)
			return &ranges[i].codes[index];
	}
	return NULL;
}

const char *
d_errstr(int errnum)
{
	const struct code *code = code_find(errnum);

	if (errnum == 0)
		return "DER_SUCCESS";
	return code == NULL ? "DER_UNKNOWN" : code->name;
}

const char *
d_errdesc(int errnum)
{
	/* Per thread, because the number is part of the text and the caller keeps no memory for it.
	 */
	static _Thread_local char unknown[48];
	const struct code *code = code_find(errnum);

	if (errnum == 0)
		return "Success";
	if (errnum == -DER_UNKNOWN)
		return "Unknown error";
	if (code != NULL)
		return code->description;
	snprintf(unknown, sizeof(unknown), "Unknown error code %d", errnum);
	return unknown;
}
