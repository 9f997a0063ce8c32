/* SPDX-License-Identifier: BSD-2-Clause-Patent */
/* What commands print: tables, blocks of fields, the JSON envelope, and errors that say what, why
 * and what to do. */
#pragma once

#include <json-c/json.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>

#include "tools/command.h"

/* How a program ends. The numbers are part of the interface. */
enum exit_status {
	STATUS_OK = 0,
	STATUS_FAILED = 1,
	STATUS_USAGE = 2,
	STATUS_NOT_FOUND = 3,
	STATUS_EXISTS = 4,
	STATUS_PERMISSION = 5,
	STATUS_UNREACHABLE = 6,
	STATUS_TIMEOUT = 7,
	STATUS_DEGRADED = 8,
	STATUS_REFUSED = 9,
	STATUS_INTERRUPTED = 130,
};

/* The status for a negative DAOS code. */
enum exit_status status_of(int code);

/*
 * Prints the failure of a call: what was tried (format), why (what the library knows, or what the
 * code means in general), what to do (may be NULL), the code. With --json the envelope as well.
 * Returns the exit status.
 */
int call_fail(struct call *call, int code, const char *todo, const char *format, ...)
	__attribute__((format(printf, 4, 5)));

/* As above, with a reason that the caller knows better. */
int call_fail_because(struct call *call, int code, const char *why, const char *todo,
		      const char *format, ...) __attribute__((format(printf, 5, 6)));

/* The command line is wrong; suggestion (may be NULL) is what was probably meant. */
int call_misused(struct call *call, const char *suggestion, const char *format, ...)
	__attribute__((format(printf, 3, 4)));

/* Prints the envelope around response, which it takes; schema such as "daos.container.list/1".
 * Returns STATUS_OK. */
int call_answer(struct call *call, const char *schema, json_object *response);

/* daos_init() once per program; the failure is printed. STATUS_OK or what to exit with. */
int call_connect(struct call *call);
void call_disconnect(struct call *call);

/* ------------------------------------------------ tables */

#define COLUMNS_MAX 16

/* Columns are left-aligned and as wide as the widest cell. */
struct text_table {
	uint32_t columns, rows;
	char **cells; /* of all rows; the first row is the header */
};

/* headers ends with NULL. */
void table_begin(struct text_table *table, const char *const *headers);
/* As many texts as columns; they are copied. */
void table_add(struct text_table *table, ...);
/* Prints with so many spaces before each line, and frees what the table holds. */
void table_end(struct text_table *table, uint32_t indent);

#define FIELDS_MAX 24

/* A block of "Name : value" lines, both sides padded. */
struct text_fields {
	uint32_t count;
	const char *names[FIELDS_MAX]; /* borrowed */
	char *values[FIELDS_MAX];
};
void fields_add(struct text_fields *fields, const char *name, const char *format, ...)
	__attribute__((format(printf, 3, 4)));
void fields_end(struct text_fields *fields, uint32_t indent);

/* ------------------------------------------------ values */

/* asprintf() that ends the program when memory is out. */
char *text_format(const char *format, ...) __attribute__((format(printf, 1, 2)));
char *text_format_list(const char *format, va_list list);

#define SIZE_TEXT 24

/* "4.0 GB", "667 MB", "0 B". */
const char *size_decimal(uint64_t bytes, char text[SIZE_TEXT]);
/* "1.0 MiB", "32 KiB". */
const char *size_binary(uint64_t bytes, char text[SIZE_TEXT]);

/*
 * Reads "4G", "10 GiB", "512", "1.5TB": K, KB, M ... are powers of 1000, KiB, MiB ... of 1024.
 * False when it is no size.
 */
bool size_parse(const char *text, uint64_t *ret_bytes);

/* Reads "50%", above 0 and at most 100. */
bool percent_parse(const char *text, double *ret_percent);

#define TIME_TEXT 64

/* "2026-11-22 14:40:57.58623744 +0000 UTC" of a stamp of the hybrid clock. */
const char *stamp_text(uint64_t stamp, char text[TIME_TEXT]);

json_object *json_text(const char *text);
json_object *json_number(uint64_t number);
