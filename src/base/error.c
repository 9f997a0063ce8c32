/* SPDX-License-Identifier: BSD-2-Clause-Patent */
/* Names, descriptions and origins of errors. */
#include <errno.h>
#include <stdarg.h>
#include <stdio.h>

#include "base/base.h"

struct error_entry {
	int code;
	const char *name;
	const char *description;
};

#define ENTRY(code, text) {code, #code, #text},
static const struct error_entry entries[] = {{0, "DER_SUCCESS", "Success"},
					     D_FOREACH_GURT_ERR(ENTRY) D_FOREACH_DAOS_ERR(ENTRY)};
#undef ENTRY

static const struct error_entry unknown = {0, "DER_UNKNOWN", "Unknown error"};

static const struct error_entry *
entry_of(int code)
{
	for (size_t i = 0; i < ARRAY_SIZE(entries); i++)
		if (entries[i].code == -code)
			return &entries[i];
	return &unknown;
}

const char *
error_name(int code)
{
	return entry_of(code)->name;
}

const char *
error_description(int code)
{
	return entry_of(code)->description;
}

int
error_raise_at(const char *file, int line, const char *function, int code, const char *format, ...)
{
	struct error_origin *origin = context_current()->origin;
	char text[sizeof(origin->text)];
	va_list arguments;

	/* Not straight into the origin: error_text() of the former error may be among the
	 * arguments. */
	va_start(arguments, format);
	vsnprintf(text, sizeof(text), format, arguments);
	va_end(arguments);
	memcpy(origin->text, text, sizeof(text));
	origin->code = code;
	origin->line = line;
	origin->file = file;
	origin->function = function;
	return code;
}

const char *
error_text(int code)
{
	const struct error_origin *origin = context_current()->origin;

	return code != 0 && origin->code == code ? origin->text : error_description(code);
}

void
error_log_at(const char *tag, enum log_level level, int code, const char *format, ...)
{
	const struct context *context = context_current();
	const struct error_origin *origin = context->origin;
	char what[LOG_LINE_MAX / 2];
	va_list arguments;

	if (level > context->level)
		return;
	va_start(arguments, format);
	vsnprintf(what, sizeof(what), format, arguments);
	va_end(arguments);
	if (code != 0 && origin->code == code)
		log_at(tag, level, "%s: %s (%s) at %s:%d", what, origin->text, error_name(code),
		       origin->file, origin->line);
	else
		log_at(tag, level, "%s: %s (%s)", what, error_description(code), error_name(code));
}

int
error_from_errno(int error)
{
	static const struct {
		int error;
		int code;
	} codes[] = {
		{EPERM, DER_NO_PERM},
		{EACCES, DER_NO_PERM},
		{EROFS, DER_NO_PERM},
		{ENOENT, DER_NONEXIST},
		{ENXIO, DER_NONEXIST},
		{ENODEV, DER_NONEXIST},
		{EIO, DER_IO},
		{ENOMEM, DER_NOMEM},
		{ENOBUFS, DER_NOMEM},
		{EMFILE, DER_NOMEM},
		{ENFILE, DER_NOMEM},
		{EBUSY, DER_BUSY},
		{EADDRINUSE, DER_BUSY},
		{ETXTBSY, DER_BUSY},
		{EEXIST, DER_EXIST},
		{ENOTEMPTY, DER_EXIST},
		{ENOTDIR, DER_NOTDIR},
		{EISDIR, DER_INVAL},
		{EINVAL, DER_INVAL},
		{EDOM, DER_INVAL},
		{EFAULT, DER_INVAL},
		{EBADF, DER_INVAL},
		{EAFNOSUPPORT, DER_INVAL},
		{EADDRNOTAVAIL, DER_INVAL},
		{ENOSPC, DER_NOSPACE},
		{EDQUOT, DER_NOSPACE},
		{EFBIG, DER_OVERFLOW},
		{EOVERFLOW, DER_OVERFLOW},
		{EMSGSIZE, DER_OVERFLOW},
		{E2BIG, DER_OVERFLOW},
		{ERANGE, DER_OVERFLOW},
		{ENAMETOOLONG, DER_BADPATH},
		{ELOOP, DER_BADPATH},
		{ENOSYS, DER_NOSYS},
		{EOPNOTSUPP, DER_NOSYS},
		{EPROTO, DER_PROTO},
		{EPROTONOSUPPORT, DER_NOSYS},
		{EAGAIN, DER_AGAIN},
		{EINTR, DER_AGAIN},
		{ETIMEDOUT, DER_TIMEDOUT},
		{ECANCELED, DER_CANCELED},
		{ECONNREFUSED, DER_UNREACH},
		{ECONNRESET, DER_UNREACH},
		{ECONNABORTED, DER_UNREACH},
		{EHOSTUNREACH, DER_UNREACH},
		{ENETUNREACH, DER_UNREACH},
		{ENETDOWN, DER_UNREACH},
		{ENOTCONN, DER_UNREACH},
		{EPIPE, DER_UNREACH},
		{ESHUTDOWN, DER_UNREACH},
		{EALREADY, DER_ALREADY},
		{ESTALE, DER_STALE},
	};

	for (size_t i = 0; i < ARRAY_SIZE(codes); i++)
		if (codes[i].error == error)
			return -codes[i].code;
	return -DER_MISC;
}
