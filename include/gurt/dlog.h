/* SPDX-License-Identifier: BSD-2-Clause-Patent */
/*
 * Log of the client libraries. Lines go to standard error, or to the file that D_LOG_FILE names;
 * D_LOG_MASK gives the least level (DEBUG, INFO, NOTE, WARN, ERR, CRIT, ALERT, EMIT; default
 * ERR). Debug bits are not told apart: DD_MASK and DD_SUBSYS are not read.
 */
#ifndef __GURT_DLOG_H__
#define __GURT_DLOG_H__

#include <stdbool.h>
#include <stdint.h>

#if defined(__cplusplus)
extern "C" {
#endif

/** Levels, most talkative first. */
enum d_log_level {
	DLOG_DBG   = 0,
	DLOG_INFO  = 1,
	DLOG_NOTE  = 2,
	DLOG_WARN  = 3,
	DLOG_ERR   = 4,
	DLOG_CRIT  = 5,
	DLOG_ALERT = 6,
	DLOG_EMIT  = 7,
};

/** Writes one line, prefixed by time, process, facility, level and place in the source. */
void d_log_write(enum d_log_level level, const char *facility, const char *file, int line,
		 const char *fmt, ...) __attribute__((format(printf, 5, 6)));

/** Would a line of this level be written? */
bool d_log_enabled(enum d_log_level level);

/** Writes a line of the highest level and ends the process. */
void d_log_abort(const char *facility, const char *file, int line, const char *fmt, ...)
	__attribute__((format(printf, 4, 5), noreturn));

/** Opens the log; done by the first line too. */
int d_log_init(void);

/** Closes the log file. */
void d_log_fini(void);

/** Flushes the log file. */
void d_log_sync(void);

#if defined(__cplusplus)
}
#endif

#endif /* __GURT_DLOG_H__ */
