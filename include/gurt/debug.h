/* SPDX-License-Identifier: BSD-2-Clause-Patent */
/* Log and assertion macros. */
#ifndef __GURT_DEBUG_H__
#define __GURT_DEBUG_H__

#include <assert.h>
#include <stddef.h>
#include <stdio.h>
#include <string.h>

#include <daos_errno.h>
#include <gurt/debug_setup.h>
#include <gurt/dlog.h>

#if defined(__cplusplus)
extern "C" {
#endif

#define D_LOG_AT(level, ...) \
	do { \
		if (d_log_enabled(level)) \
			d_log_write(level, D_LOGFAC, __FILE__, __LINE__, __VA_ARGS__); \
	} while (0)

/** Adds ": ", name, number and description of a code, and the newline. */
#define D_LOG_RC(level, rc, fmt, ...) \
	do { \
		int __rc = (rc); \
\
		D_LOG_AT(level, fmt ": " DF_RC "\n", ##__VA_ARGS__, DP_RC(__rc)); \
	} while (0)

/** The same for a positive errno. */
#define D_LOG_ERRNO(level, rc, fmt, ...) \
	do { \
		int __rc = (rc); \
\
		D_LOG_AT(level, fmt ": %d (%s)\n", ##__VA_ARGS__, __rc, strerror(__rc)); \
	} while (0)

/** Is a debug bit written? */
#define D_LOG_ENABLED(flag)	((void)(flag), d_log_enabled(DLOG_DBG))

/** At a debug bit. The text ends with a newline. */
#define D_DEBUG(flag, ...) \
	do { \
		(void)(flag); \
		D_LOG_AT(DLOG_DBG, __VA_ARGS__); \
	} while (0)

/** At a level. */
#define D_INFO(...)		D_LOG_AT(DLOG_INFO, __VA_ARGS__)
#define D_NOTE(...)		D_LOG_AT(DLOG_NOTE, __VA_ARGS__)
#define D_WARN(...)		D_LOG_AT(DLOG_WARN, __VA_ARGS__)
#define D_ERROR(...)	D_LOG_AT(DLOG_ERR, __VA_ARGS__)
#define D_CRIT(...)		D_LOG_AT(DLOG_CRIT, __VA_ARGS__)
#define D_ALERT(...)	D_LOG_AT(DLOG_ALERT, __VA_ARGS__)
#define D_FATAL(...)	D_LOG_AT(DLOG_EMIT, __VA_ARGS__)
#define D_EMIT(...)		D_LOG_AT(DLOG_EMIT, __VA_ARGS__)

/** At one of two levels or debug bits; for this the bits are levels: see DLOG_*. */
#define D_CDEBUG(cond, flag_true, flag_false, ...) \
	D_LOG_AT((enum d_log_level)((cond) ? (flag_true) : (flag_false)), __VA_ARGS__)

/** With a code, with an errno, and with a pointer before the text. */
#define D_TRACE_DEBUG(flag, ptr, fmt, ...) \
	D_DEBUG(flag, "%p " fmt, (const void *)(ptr), ##__VA_ARGS__)
#define DL_INFO(rc, fmt, ...) D_LOG_RC(DLOG_INFO, rc, fmt, ##__VA_ARGS__)
#define DL_WARN(rc, fmt, ...) D_LOG_RC(DLOG_WARN, rc, fmt, ##__VA_ARGS__)
#define DL_ERROR(rc, fmt, ...) D_LOG_RC(DLOG_ERR, rc, fmt, ##__VA_ARGS__)
#define DS_INFO(rc, fmt, ...) D_LOG_ERRNO(DLOG_INFO, rc, fmt, ##__VA_ARGS__)
#define DS_WARN(rc, fmt, ...) D_LOG_ERRNO(DLOG_WARN, rc, fmt, ##__VA_ARGS__)
#define DS_ERROR(rc, fmt, ...) D_LOG_ERRNO(DLOG_ERR, rc, fmt, ##__VA_ARGS__)
#define DHL_INFO(ptr, rc, fmt, ...) \
	D_LOG_RC(DLOG_INFO, rc, "%p " fmt, (const void *)(ptr), ##__VA_ARGS__)
#define DHL_WARN(ptr, rc, fmt, ...) \
	D_LOG_RC(DLOG_WARN, rc, "%p " fmt, (const void *)(ptr), ##__VA_ARGS__)
#define DHL_ERROR(ptr, rc, fmt, ...) \
	D_LOG_RC(DLOG_ERR, rc, "%p " fmt, (const void *)(ptr), ##__VA_ARGS__)
#define DHS_INFO(ptr, rc, fmt, ...) \
	D_LOG_ERRNO(DLOG_INFO, rc, "%p " fmt, (const void *)(ptr), ##__VA_ARGS__)
#define DHS_WARN(ptr, rc, fmt, ...) \
	D_LOG_ERRNO(DLOG_WARN, rc, "%p " fmt, (const void *)(ptr), ##__VA_ARGS__)
#define DHS_ERROR(ptr, rc, fmt, ...) \
	D_LOG_ERRNO(DLOG_ERR, rc, "%p " fmt, (const void *)(ptr), ##__VA_ARGS__)
#define D_TRACE_INFO(ptr, fmt, ...) \
	D_LOG_AT(DLOG_INFO, "%p " fmt, (const void *)(ptr), ##__VA_ARGS__)
#define D_TRACE_WARN(ptr, fmt, ...) \
	D_LOG_AT(DLOG_WARN, "%p " fmt, (const void *)(ptr), ##__VA_ARGS__)
#define D_TRACE_ERROR(ptr, fmt, ...) \
	D_LOG_AT(DLOG_ERR, "%p " fmt, (const void *)(ptr), ##__VA_ARGS__)

#define D_PRINT(fmt, ...) \
	do { \
		fprintf(stdout, fmt, ##__VA_ARGS__); \
		fflush(stdout); \
	} while (0)

#define D_PRINT_ERR(fmt, ...) \
	fprintf(stderr, "%s:%d:%s() " fmt, __FILE__, __LINE__, __func__, ##__VA_ARGS__)

/** Always checked: says what does not hold and ends the process. */
#define D_ASSERT(e) \
	do { \
		if (!(e)) \
			d_log_abort(D_LOGFAC, __FILE__, __LINE__, "Assertion '%s' failed\n", #e); \
	} while (0)

#define D_ASSERTF(cond, fmt, ...) \
	do { \
		if (!(cond)) \
			d_log_abort(D_LOGFAC, __FILE__, __LINE__, "Assertion '%s' failed: " fmt, \
				    #cond, ##__VA_ARGS__); \
	} while (0)

/** Checked by the compiler, with an optional text. */
#if defined(__cplusplus)
#define D_CASSERT(cond, ...)	static_assert(cond, #cond ": " __VA_ARGS__)
#else
#define D_CASSERT(cond, ...)	_Static_assert(cond, #cond ": " __VA_ARGS__)
#endif

#define DF_U64	"%" PRIu64
#define DF_X64	"%" PRIx64

#if defined(__cplusplus)
}
#endif

#endif /* __GURT_DEBUG_H__ */
