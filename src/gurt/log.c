/* SPDX-License-Identifier: BSD-2-Clause-Patent */
/* Log of the client libraries: one file per process, opened when it is first needed. */
#include <fcntl.h>
#include <stdarg.h>
#include <sys/time.h>

#include <gurt/common.h>

#define LINE_MAX_BYTES 4096

static const char *const level_names[] = {
	[DLOG_DBG] = "DEBUG", [DLOG_INFO] = "INFO", [DLOG_NOTE] = "NOTE",   [DLOG_WARN] = "WARN",
	[DLOG_ERR] = "ERR",   [DLOG_CRIT] = "CRIT", [DLOG_ALERT] = "ALERT", [DLOG_EMIT] = "EMIT",
};

/* The log belongs to the process, as standard error does. */
static struct {
	pthread_once_t once;
	enum d_log_level least;
	int fd;
} process_log = {.once = PTHREAD_ONCE_INIT, .least = DLOG_ERR, .fd = STDERR_FILENO};

/* Masks are "LEVEL,facility=LEVEL,..."; the part without a facility counts. */
static void
mask_read(const char *mask)
{
	size_t len = strcspn(mask, ",");
	size_t i;

	for (i = 0; i < ARRAY_SIZE(level_names); i++) {
		if (strlen(level_names[i]) == len && strncasecmp(mask, level_names[i], len) == 0)
			process_log.least = (enum d_log_level)i;
	}
}

static void
log_open(void)
{
	char *text;
	int fd;

	if (d_agetenv_str(&text, "D_LOG_MASK") == 0) {
		mask_read(text);
		d_freeenv_str(&text);
	}
	if (d_agetenv_str(&text, "D_LOG_FILE") == 0) {
		fd = open(text, O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0644);
		if (fd >= 0)
			process_log.fd = fd;
		else
			fprintf(stderr, "D_LOG_FILE: cannot open '%s': %s\n", text,
				strerror(errno));
		d_freeenv_str(&text);
	}
}

int
d_log_init(void)
{
	return d_errno2der(pthread_once(&process_log.once, log_open));
}

void
d_log_fini(void)
{
	int fd = process_log.fd;

	process_log.fd = STDERR_FILENO;
	if (fd != STDERR_FILENO)
		close(fd);
}

void
d_log_sync(void)
{
	fsync(process_log.fd);
}

bool
d_log_enabled(enum d_log_level level)
{
	d_log_init();
	return level >= process_log.least;
}

/* One write per line, so that lines of several threads and processes stay whole. */
static void
line_write(enum d_log_level level, const char *facility, const char *file, int number,
	   const char *fmt, va_list ap)
{
	const char *name = (unsigned int)level < ARRAY_SIZE(level_names) ? level_names[level] : "?";
	char line[LINE_MAX_BYTES];
	struct timeval now;
	struct tm tm;
	int len, more;
	ssize_t written;

	gettimeofday(&now, NULL);
	localtime_r(&now.tv_sec, &tm);
	len = snprintf(line, sizeof(line), "%04d/%02d/%02d-%02d:%02d:%02d.%06ld [%d] %s %s %s:%d ",
		       tm.tm_year + 1900, tm.tm_mon + 1, tm.tm_mday, tm.tm_hour, tm.tm_min,
		       tm.tm_sec, (long)now.tv_usec, (int)getpid(), facility, name, file, number);
	len = MIN(len, (int)sizeof(line) - 2);
	more = vsnprintf(line + len, sizeof(line) - (size_t)len - 1, fmt, ap);
	len = MIN(len + MAX(more, 0), (int)sizeof(line) - 2);
	if (line[len - 1] != '\n')
		line[len++] = '\n';
	/* A log that cannot be written has nobody to tell. */
	written = write(process_log.fd, line, (size_t)len);
	(void)written;
}

void
d_log_write(enum d_log_level level, const char *facility, const char *file, int line,
	    const char *fmt, ...)
{
	int saved = errno;
	va_list ap;

	d_log_init();
	va_start(ap, fmt);
	line_write(level, facility, file, line, fmt, ap);
	va_end(ap);
	errno = saved;
}

void
d_log_abort(const char *facility, const char *file, int line, const char *fmt, ...)
{
	va_list ap;

	d_log_init();
	va_start(ap, fmt);
	line_write(DLOG_EMIT, facility, file, line, fmt, ap);
	va_end(ap);
	abort();
}
