/* SPDX-License-Identifier: BSD-2-Clause-Patent */
/* Messages of the server programs. */
#include <stdarg.h>
#include <stdio.h>

#include "server/complain.h"

void
complain(const char *program, int code, const char *why, const char *todo, const char *format, ...)
{
	va_list list;

	fprintf(stderr, "ERROR: %s: ", program);
	va_start(list, format);
	vfprintf(stderr, format, list);
	va_end(list);
	fputc('\n', stderr);
	if (why && why[0])
		fprintf(stderr, "  why:     %s\n", why);
	if (todo && todo[0])
		fprintf(stderr, "  do this: %s\n", todo);
	if (code)
		fprintf(stderr, "  code:    %s(%d)\n", error_name(code), code);
}
