/* SPDX-License-Identifier: BSD-2-Clause-Patent */
/*
 * Golden files: bytes as text, one file for each version of a format, <format>-<version>.txt. A
 * section is "name: N bytes" and rows of 16 bytes in hexadecimal behind their offset; a row that is
 * left out equals the one before it, and the one before the first is zeros.
 *
 * A file of a released version never changes. With CAIRN_GOLDEN_WRITE in the environment files are
 * written, not compared: for a new version.
 */
#pragma once

#include <setjmp.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

struct golden;

/* Collects the sections of a file. */
struct golden *golden_begin(const char *format, unsigned int version);
void golden_add(struct golden *golden, const char *name, const void *data, size_t length);
/* Compares with the file, shows the first line that differs, and frees. */
void golden_end(struct golden *golden);

/* Whether files are to be written. */
bool golden_writing(void);

/* Calls section for every section of a file, with its bytes (borrowed). */
void golden_read(const char *format, unsigned int version,
		 void (*section)(void *argument, const char *name, const uint8_t *data,
				 size_t length),
		 void *argument);
