/* SPDX-License-Identifier: BSD-2-Clause-Patent */
/*
 * Log lines: "LEVEL context tag: text". They are formatted on the stack into at most LOG_LINE_MAX
 * bytes and handed to the sink of the current context, which adds the time; without a sink they go
 * to standard error.
 */
#pragma once

#include "base/context.h"

/* Size of a line with its terminator; longer ones are cut. */
#define LOG_LINE_MAX 512

/* "ERROR", "WARN", "NOTE", "INFO", "DEBUG". */
const char *log_level_name(enum log_level level);

/* Reads "error", "warn" or "warning", "note" or "notice", "info", "debug", either case. */
MUST_USE bool log_level_parse(const char *text, enum log_level *ret_level);

/* Logs at level under tag, if the current context's level admits it. */
void log_at(const char *tag, enum log_level level, const char *format, ...) PRINTF(3, 4);

#define log_message(message_level, ...)                                    \
	do {                                                               \
		if ((message_level) <= context_current()->level)           \
			log_at(MODULE_NAME, (message_level), __VA_ARGS__); \
	} while (0)

#define log_error(...) log_message(LOG_ERROR, __VA_ARGS__)
#define log_warning(...) log_message(LOG_WARNING, __VA_ARGS__)
#define log_notice(...) log_message(LOG_NOTICE, __VA_ARGS__)
#define log_info(...) log_message(LOG_INFO, __VA_ARGS__)
#define log_debug(...) log_message(LOG_DEBUG, __VA_ARGS__)
