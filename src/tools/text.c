/* SPDX-License-Identifier: BSD-2-Clause-Patent */
/* Tables, blocks of fields, sizes and times. */
#include <ctype.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <time.h>

#include "daos.h"
#include "tools/output.h"

char *
text_format_list(const char *format, va_list list)
{
	char *text;

	if (vasprintf(&text, format, list) < 0) {
		fputs("out of memory\n", stderr);
		exit(STATUS_FAILED);
	}
	return text;
}

char *
text_format(const char *format, ...)
{
	va_list list;
	char *text;

	va_start(list, format);
	text = text_format_list(format, list);
	va_end(list);
	return text;
}

/* ------------------------------------------------ tables */

/* Room for one more row, whose cells are not filled yet. */
static char **
new_row(struct text_table *table)
{
	size_t size = (table->rows + 1) * (size_t)table->columns * sizeof(char *);
	char **cells = realloc(table->cells, size);

	if (!cells) {
		fputs("out of memory\n", stderr);
		exit(STATUS_FAILED);
	}
	table->cells = cells;
	return cells + (size_t)table->rows++ * table->columns;
}

void
table_begin(struct text_table *table, const char *const *headers)
{
	char **row;

	*table = (struct text_table){0};
	while (headers[table->columns])
		table->columns++;
	row = new_row(table);
	for (uint32_t i = 0; i < table->columns; i++)
		row[i] = text_format("%s", headers[i]);
}

void
table_add(struct text_table *table, ...)
{
	char **row = new_row(table);
	va_list list;

	va_start(list, table);
	for (uint32_t i = 0; i < table->columns; i++)
		row[i] = text_format("%s", va_arg(list, const char *));
	va_end(list);
}

static void
print_row(const struct text_table *table, uint32_t row, const int *widths, uint32_t indent)
{
	printf("%*s", (int)indent, "");
	for (uint32_t i = 0; i < table->columns; i++)
		printf("%-*s ", widths[i], table->cells[row * table->columns + i]);
	putchar('\n');
}

/* The line under the header: as long as each header, in columns as wide as the others. */
static void
print_rule(const struct text_table *table, const int *widths, uint32_t indent)
{
	printf("%*s", (int)indent, "");
	for (uint32_t i = 0; i < table->columns; i++) {
		int length = (int)strlen(table->cells[i]);

		for (int j = 0; j < widths[i] + 1; j++)
			putchar(j < length ? '-' : ' ');
	}
	putchar('\n');
}

void
table_end(struct text_table *table, uint32_t indent)
{
	int widths[COLUMNS_MAX] = {0};

	for (uint32_t i = 0; i < table->rows * table->columns; i++) {
		int width = (int)strlen(table->cells[i]);

		if (width > widths[i % table->columns])
			widths[i % table->columns] = width;
	}
	for (uint32_t row = 0; row < table->rows; row++) {
		print_row(table, row, widths, indent);
		if (row == 0)
			print_rule(table, widths, indent);
	}
	for (uint32_t i = 0; i < table->rows * table->columns; i++)
		free(table->cells[i]);
	free(table->cells);
}

void
fields_add(struct text_fields *fields, const char *name, const char *format, ...)
{
	va_list list;

	va_start(list, format);
	fields->names[fields->count] = name;
	fields->values[fields->count++] = text_format_list(format, list);
	va_end(list);
}

void
fields_end(struct text_fields *fields, uint32_t indent)
{
	int name_width = 0, value_width = 0;

	for (uint32_t i = 0; i < fields->count; i++) {
		int name = (int)strlen(fields->names[i]), value = (int)strlen(fields->values[i]);

		name_width = name > name_width ? name : name_width;
		value_width = value > value_width ? value : value_width;
	}
	for (uint32_t i = 0; i < fields->count; i++) {
		printf("%*s%-*s: %-*s\n", (int)indent, "", name_width, fields->names[i],
		       value_width, fields->values[i]);
		free(fields->values[i]);
	}
	fields->count = 0;
}

/* ------------------------------------------------ sizes */

/* One decimal below ten, none above, as users know it from the commands of DAOS. */
static const char *
size_text(uint64_t bytes, double base, const char *const *units, char text[SIZE_TEXT])
{
	double value = (double)bytes;
	uint32_t unit = 0;

	while (value >= base && unit < 6) {
		value /= base;
		unit++;
	}
	/* As it will be shown: 999.6 MB are 1.0 GB. */
	value = value < 10 ? floor(value * 10 + 0.5) / 10 : floor(value + 0.5);
	if (value >= base && unit < 6) {
		value /= base;
		unit++;
	}
	snprintf(text, SIZE_TEXT, unit > 0 && value < 10 ? "%.1f %s" : "%.0f %s", value,
		 units[unit]);
	return text;
}

const char *
size_decimal(uint64_t bytes, char text[SIZE_TEXT])
{
	static const char *const units[] = {"B", "kB", "MB", "GB", "TB", "PB", "EB"};

	return size_text(bytes, 1000, units, text);
}

const char *
size_binary(uint64_t bytes, char text[SIZE_TEXT])
{
	static const char *const units[] = {"B", "KiB", "MiB", "GiB", "TiB", "PiB", "EiB"};

	return size_text(bytes, 1024, units, text);
}

/* The factor of "", "k", "KB", "MiB"; 0 for none of them. */
static double
unit_factor(const char *unit)
{
	static const char letters[] = "KMGTPE";
	const char *letter;
	double base = 1000;

	if (!unit[0] || strcasecmp(unit, "b") == 0)
		return 1;
	letter = strchr(letters, toupper((unsigned char)unit[0]));
	if (!letter)
		return 0;
	unit++;
	if (tolower((unsigned char)unit[0]) == 'i') {
		base = 1024;
		unit++;
	}
	if (unit[0] && strcasecmp(unit, "b") != 0)
		return 0;
	return pow(base, (double)(letter - letters + 1));
}

bool
size_parse(const char *text, uint64_t *ret_bytes)
{
	double value, factor;
	char *end;

	if (!isdigit((unsigned char)text[0]))
		return false;
	value = strtod(text, &end);
	while (*end == ' ')
		end++;
	factor = unit_factor(end);
	if (factor == 0 || !(value * factor < 18e18))
		return false;
	*ret_bytes = (uint64_t)(value * factor);
	return true;
}

bool
percent_parse(const char *text, double *ret_percent)
{
	double value;
	char *end;

	if (!isdigit((unsigned char)text[0]))
		return false;
	value = strtod(text, &end);
	if (strcmp(end, "%") != 0 || !(value > 0 && value <= 100))
		return false;
	*ret_percent = value;
	return true;
}

const char *
stamp_text(uint64_t stamp, char text[TIME_TEXT])
{
	struct timespec time;
	char date[32], part[16];
	struct tm broken;
	size_t length;

	if (daos_hlc2timespec(stamp, &time) || !gmtime_r(&time.tv_sec, &broken)) {
		snprintf(text, TIME_TEXT, "unknown");
		return text;
	}
	strftime(date, sizeof(date), "%Y-%m-%d %H:%M:%S", &broken);
	length = (size_t)snprintf(part, sizeof(part), ".%09ld", time.tv_nsec);
	while (part[length - 1] == '0')
		part[--length] = '\0';
	if (length == 1)
		part[0] = '\0';
	snprintf(text, TIME_TEXT, "%s%s +0000 UTC", date, part);
	return text;
}
