/* SPDX-License-Identifier: BSD-2-Clause-Patent */
/* Golden files as text: see golden.h. */
#include "golden.h"

#define ROW 16u

struct golden {
	char path[512];
	char *text;
	size_t length;
	FILE *stream;
};

bool
golden_writing(void)
{
	return getenv("CAIRN_GOLDEN_WRITE") != NULL;
}

static void
path_of(const char *format, unsigned int version, char path[512])
{
	snprintf(path, 512, "%s/%s-%u.txt", CAIRN_GOLDEN_DIR, format, version);
}

/* ------------------------------------------------ writing and comparing */

struct golden *
golden_begin(const char *format, unsigned int version)
{
	struct golden *golden = calloc(1, sizeof(*golden));

	assert_non_null(golden);
	path_of(format, version, golden->path);
	golden->stream = open_memstream(&golden->text, &golden->length);
	assert_non_null(golden->stream);
	return golden;
}

void
golden_add(struct golden *golden, const char *name, const void *data, size_t length)
{
	const uint8_t *bytes = data;
	uint8_t before[ROW] = {0};

	fprintf(golden->stream, "%s: %zu bytes\n", name, length);
	for (size_t at = 0; at < length; at += ROW) {
		size_t count = length - at < ROW ? length - at : ROW;
		uint8_t row[ROW] = {0};

		memcpy(row, bytes + at, count);
		if (memcmp(row, before, ROW) == 0)
			continue;
		fprintf(golden->stream, "%06zx ", at);
		for (size_t i = 0; i < count; i++)
			fprintf(golden->stream, " %02x", row[i]);
		fputc('\n', golden->stream);
		memcpy(before, row, ROW);
	}
}

static void
write_file(const struct golden *golden)
{
	FILE *file = fopen(golden->path, "w");

	assert_non_null(file);
	assert_int_equal(fwrite(golden->text, 1, golden->length, file), golden->length);
	assert_int_equal(fclose(file), 0);
}

static void
compare_file(const struct golden *golden)
{
	FILE *file = fopen(golden->path, "r");
	char line[256], section[256] = "";
	const char *ours = golden->text;

	if (!file)
		fail_msg("there is no %s: is this a new version of the format?", golden->path);
	while (fgets(line, sizeof(line), file)) {
		size_t length = strlen(line);

		if (strchr(line, ':'))
			snprintf(section, sizeof(section), "%s", line);
		if (strncmp(ours, line, length) != 0)
			fail_msg("%s: under \"%.*s\":\nthe file has %sthe code  %.*s\n"
				 "A changed format needs a new version.",
				 golden->path, (int)strcspn(section, "\n"), section, line,
				 (int)strcspn(ours, "\n"), ours);
		ours += length;
	}
	if (*ours)
		fail_msg("%s ends before the code does: %.*s", golden->path,
			 (int)strcspn(ours, "\n"), ours);
	fclose(file);
}

void
golden_end(struct golden *golden)
{
	assert_int_equal(fclose(golden->stream), 0);
	if (golden_writing())
		write_file(golden);
	else
		compare_file(golden);
	free(golden->text);
	free(golden);
}

/* ------------------------------------------------ reading */

/* A section as it is being read: rows from `filled` on are still to come. */
struct section {
	char name[128];
	uint8_t *data;
	size_t length, filled;
	uint8_t row[ROW];
};

/* Repeats the last row up to offset `end`. */
static void
section_fill(struct section *section, size_t end)
{
	for (; section->filled < end; section->filled += ROW) {
		size_t left = section->length - section->filled;

		memcpy(section->data + section->filled, section->row, left < ROW ? left : ROW);
	}
}

static void
section_take_row(struct section *section, const char *line)
{
	size_t offset, used = 0;
	unsigned int byte;
	int count;

	assert_int_equal(sscanf(line, "%zx%n", &offset, &count), 1);
	assert_true(offset % ROW == 0 && offset < section->length);
	section_fill(section, offset);
	memset(section->row, 0, ROW);
	for (line += count; used < ROW && sscanf(line, " %2x%n", &byte, &count) == 1; line += count)
		section->row[used++] = (uint8_t)byte;
	assert_true(used > 0);
}

static void
section_give(struct section *section,
	     void (*give)(void *argument, const char *name, const uint8_t *data, size_t length),
	     void *argument)
{
	if (!section->data)
		return;
	section_fill(section, section->length);
	give(argument, section->name, section->data, section->length);
	free(section->data);
	*section = (struct section){.data = NULL};
}

void
golden_read(const char *format, unsigned int version,
	    void (*give)(void *argument, const char *name, const uint8_t *data, size_t length),
	    void *argument)
{
	struct section section = {.data = NULL};
	char path[512], line[256];
	FILE *file;

	path_of(format, version, path);
	file = fopen(path, "r");
	if (!file)
		fail_msg("there is no %s", path);
	while (fgets(line, sizeof(line), file)) {
		if (!strchr(line, ':')) {
			assert_non_null(section.data);
			section_take_row(&section, line);
			continue;
		}
		section_give(&section, give, argument);
		assert_int_equal(sscanf(line, "%127[^:]: %zu bytes", section.name, &section.length),
				 2);
		section.data = calloc(1, section.length + ROW);
		assert_non_null(section.data);
	}
	section_give(&section, give, argument);
	fclose(file);
}
