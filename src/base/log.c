/* SPDX-License-Identifier: BSD-2-Clause-Patent */
/* Formatting of log lines. */
#include <stdarg.h>
#include <stdio.h>
#include <strings.h>

#include "base/base.h"

static const char *const level_names[] = {
	[LOG_ERROR] = "ERROR", [LOG_WARNING] = "WARN", [LOG_NOTICE] = "NOTE",
	[LOG_INFO] = "INFO",   [LOG_DEBUG] = "DEBUG",
};

const char *
log_level_name(enum log_level level)
{
	return level_names[level];
}

bool
log_level_parse(const char *text, enum log_level *ret_level)
{
	static const struct {
		const char *name;
		enum log_level level;
	} names[] = {
		{"error", LOG_ERROR}, {"warn", LOG_WARNING},  {"warning", LOG_WARNING},
		{"note", LOG_NOTICE}, {"notice", LOG_NOTICE}, {"info", LOG_INFO},
		{"debug", LOG_DEBUG},
	};

	for (size_t i = 0; i < ARRAY_SIZE(names); i++) {
		if (strcasecmp(text, names[i].name) == 0) {
			*ret_level = names[i].level;
			return true;
		}
	}
	return false;
}

/* One line stays one line, and a name from outside cannot forge another or drive a terminal. */
static void
blank_controls(char *line)
{
	for (; *line; line++)
		if ((unsigned char)*line < ' ' || *line == 0x7f)
			*line = ' ';
}

void
log_at(const char *tag, enum log_level level, const char *format, ...)
{
	struct context *context = context_current();
	char line[LOG_LINE_MAX];
	va_list arguments;
	int length;

	if (level > context->level)
		return;
	length = snprintf(line, sizeof(line), "%s %s %s: ", level_names[level], context->name, tag);
	if (length >= 0 && (size_t)length < sizeof(line)) {
		va_start(arguments, format);
		vsnprintf(line + length, sizeof(line) - (size_t)length, format, arguments);
		va_end(arguments);
	}
	blank_controls(line);
	if (context->sink)
		context->sink->write(context->sink, level, tag, line);
	else
		fprintf(stderr, "%s\n", line);
}
