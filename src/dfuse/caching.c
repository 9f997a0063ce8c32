/* SPDX-License-Identifier: BSD-2-Clause-Patent */
/* How long the kernel may rely on what it was told: attributes of the container, under DAOS's
 * names. */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "dfuse/private.h"

#define VALUE_MAX 32

struct attribute_row {
	const char *name;
	size_t offset; /* in struct dfuse_caching */
	double standard;
	bool bare; /* a number without a unit, "on" and "off" are allowed */
};

#define ROW(attribute, field, seconds, words)                                         \
	{                                                                             \
		.name = (attribute), .offset = offsetof(struct dfuse_caching, field), \
		.standard = (seconds), .bare = (words)                                \
	}

static const struct attribute_row rows[] = {
	ROW("dfuse-attr-time", attribute_time, 1, false),
	ROW("dfuse-dentry-time", entry_time, 1, false),
	ROW("dfuse-dentry-dir-time", directory_time, 5, false),
	ROW("dfuse-ndentry-time", negative_time, 1, false),
	ROW("dfuse-data-cache", data_time, 600, true),
};

static double *
field_of(struct dfuse_caching *caching, const struct attribute_row *row)
{
	return (double *)(void *)((char *)caching + row->offset);
}

/* A time with a unit (s, m, h, d), or one of the words. */
int
dfuse_time_parse(const char *text, bool words, double *ret_seconds)
{
	static const char units[] = "smhd";
	static const double factors[] = {1, 60, 3600, 86400};
	const char *unit;
	char *end;
	double number = strtod(text, &end);

	if (words && (strcasecmp(text, "on") == 0 || strcasecmp(text, "otoc") == 0)) {
		*ret_seconds = DFUSE_FOR_EVER;
		return 0;
	}
	if (words && strcasecmp(text, "off") == 0) {
		*ret_seconds = 0;
		return 0;
	}
	if (end == text || !(number >= 0) || number > DFUSE_FOR_EVER)
		return EINVAL;
	if (*end == '\0') {
		*ret_seconds = number;
		return 0;
	}
	unit = strchr(units, *end);
	if (unit == NULL || end[1] != '\0')
		return EINVAL;
	*ret_seconds = min_of(number * factors[unit - units], DFUSE_FOR_EVER);
	return 0;
}

static bool
value_read(const struct volume *volume, const char *name, char value[VALUE_MAX + 1])
{
	char const *const names[] = {name};
	void *const values[] = {value};
	size_t sizes[] = {VALUE_MAX};

	if (daos_cont_get_attr(volume->container, 1, names, values, sizes, NULL) != 0)
		return false;
	value[min_of(sizes[0], (size_t)VALUE_MAX)] = '\0';
	return true;
}

static void
row_read(struct volume *volume, const struct attribute_row *row)
{
	char value[VALUE_MAX + 1] = "";

	if (!value_read(volume, row->name, value))
		return;
	if (dfuse_time_parse(value, row->bare, field_of(&volume->caching, row)) != 0)
		fprintf(stderr,
			"dfuse: attribute %s of the container is `%s`, which is no time; ignored\n",
			row->name, value);
}

void
dfuse_caching_read(const struct dfuse *dfuse, struct volume *volume)
{
	char value[VALUE_MAX + 1] = "";

	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		*field_of(&volume->caching, &rows[i]) = dfuse->options.caching ? rows[i].standard
									       : 0;
		if (dfuse->options.caching)
			row_read(volume, &rows[i]);
	}
	if (dfuse->options.caching && value_read(volume, "dfuse-direct-io-disable", value))
		volume->caching.pages = strcasecmp(value, "on") == 0 ||
					strcasecmp(value, "true") == 0;
	/* What a snapshot shows stays as it is. */
	if (dfuse->options.caching && dfuse->options.snapshot)
		volume->caching = (struct dfuse_caching){
			.attribute_time = DFUSE_FOR_EVER,
			.entry_time = DFUSE_FOR_EVER,
			.directory_time = DFUSE_FOR_EVER,
			.negative_time = DFUSE_FOR_EVER,
			.data_time = DFUSE_FOR_EVER,
		};
}
