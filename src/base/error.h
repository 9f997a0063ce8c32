/* SPDX-License-Identifier: BSD-2-Clause-Patent */
/*
 * Errors are 0 or a negative DAOS code in all layers. error_raise() records once where one began
 * and why; error_log() logs it once, where it is handled. An outcome that callers expect (a key
 * that is absent) is returned plainly, without raising.
 */
#pragma once

#include "base/context.h"
#include "daos_errno.h"

/*
 * Records the origin and a text saying what and why, and evaluates to code (negative). Cheap enough
 * for refusals, not meant for expected outcomes on the hot path.
 */
#define error_raise(code, ...) error_raise_at(__FILE__, __LINE__, __func__, (code), __VA_ARGS__)

int error_raise_at(const char *file, int line, const char *function, int code, const char *format,
		   ...) PRINTF(5, 6);

/* The text recorded for code by the running fiber, or the code's general description. Valid until
 * the next raise. */
const char *error_text(int code);

/* Logs "what: text (DER_NAME) at file:line" once, at the level given. */
#define error_log(level, code, ...) error_log_at(MODULE_NAME, (level), (code), __VA_ARGS__)
void error_log_at(const char *tag, enum log_level level, int code, const char *format, ...)
	PRINTF(4, 5);

/* "DER_NOSPACE" for -DER_NOSPACE; "DER_UNKNOWN" for what is not a code. */
const char *error_name(int code);

/* "No space on storage target" for -DER_NOSPACE. */
const char *error_description(int code);

/* Turns an errno value (positive) into a negative DAOS code. Used only in env/ implementations. */
int error_from_errno(int error);
