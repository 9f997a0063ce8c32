/* SPDX-License-Identifier: BSD-2-Clause-Patent */
/* A log sink for programs: one write() per line, UTC time stamps, a limit on identical lines. */
#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "env/linux/host.h"

/* Identical lines that pass in one second. */
#define REPEATS_PER_SECOND 10u
/* Lines remembered at a time. */
#define REMEMBERED 16u
/* Time, level, and every byte of a line escaped. */
#define OUTPUT_MAX (LOG_LINE_MAX * 6 + 160)

struct remembered {
	uint64_t hash;
	time_t second;
	uint32_t count; /* in that second */
	enum log_level level;
	char text[LOG_LINE_MAX];
};

struct linux_log {
	struct log_sink sink;
	int fd;
	bool json;
	pthread_mutex_t lock;
	uint32_t next; /* the entry of lines that is taken next */
	struct remembered lines[REMEMBERED];
};

/* ------------------------------------------------ text */

static int
format_time(const struct timespec *now, char *text, size_t size)
{
	struct tm parts;

	gmtime_r(&now->tv_sec, &parts);
	return snprintf(text, size, "%04d-%02d-%02dT%02d:%02d:%02d.%06ldZ", parts.tm_year + 1900,
			parts.tm_mon + 1, parts.tm_mday, parts.tm_hour, parts.tm_min, parts.tm_sec,
			now->tv_nsec / 1000);
}

/* Escapes text for JSON; to has room for six times its length. Returns the length written. */
static size_t
escape(const char *text, char *to)
{
	static const char digits[] = "0123456789abcdef";
	char *start = to;

	for (; *text; text++) {
		unsigned char byte = (unsigned char)*text;

		if (byte == '"' || byte == '\\') {
			*to++ = '\\';
			*to++ = (char)byte;
		} else if (byte < 0x20) {
			memcpy(to, "\\u00", 4);
			to[4] = digits[byte >> 4];
			to[5] = digits[byte & 15];
			to += 6;
		} else {
			*to++ = (char)byte;
		}
	}
	return (size_t)(to - start);
}

static size_t
format_plain(const struct timespec *now, const char *line, char *to)
{
	size_t length = (size_t)format_time(now, to, 64);

	to[length++] = ' ';
	/* A line stays one line whatever a name in it contains. */
	for (; *line; line++)
		to[length++] = (unsigned char)*line < 0x20 ? ' ' : *line;
	to[length++] = '\n';
	return length;
}

static size_t
format_json(const struct timespec *now, enum log_level level, const char *tag, const char *line,
	    char *to)
{
	char time[64];
	size_t length;

	format_time(now, time, sizeof(time));
	length = (size_t)snprintf(to, 160,
				  "{\"time\":\"%s\",\"level\":\"%s\",\"tag\":\"%.32s\",\"text\":\"",
				  time, log_level_name(level), tag);
	length += escape(line, to + length);
	memcpy(to + length, "\"}\n", 3);
	return length + 3;
}

static void
put_line(struct linux_log *self, const struct timespec *now, enum log_level level, const char *tag,
	 const char *line)
{
	char output[OUTPUT_MAX];
	size_t length = self->json ? format_json(now, level, tag, line, output)
				   : format_plain(now, line, output);

	/* A log that cannot be written must not stop the program. */
	while (write(self->fd, output, length) < 0 && errno == EINTR)
		;
}

/* ------------------------------------------------ repeats */

static uint64_t
hash_line(const char *line)
{
	uint64_t hash = 0xcbf29ce484222325u;

	/* FNV-1a, 64 bits. */
	for (; *line; line++)
		hash = (hash ^ (unsigned char)*line) * 0x100000001b3u;
	return hash;
}

/* Says how often a line was left out, when its second is over. */
static void
sum_up(struct linux_log *self, struct remembered *entry, const struct timespec *now)
{
	char line[LOG_LINE_MAX + 32];

	if (entry->count > REPEATS_PER_SECOND) {
		snprintf(line, sizeof(line), "%.480s (%u more times)", entry->text,
			 entry->count - REPEATS_PER_SECOND);
		put_line(self, now, entry->level, "log", line);
	}
	entry->count = 0;
}

static struct remembered *
remember(struct linux_log *self, uint64_t hash, const struct timespec *now, enum log_level level,
	 const char *line)
{
	struct remembered *entry;

	for (uint32_t i = 0; i < REMEMBERED; i++) {
		entry = &self->lines[i];
		if (entry->count > 0 && entry->second != now->tv_sec)
			sum_up(self, entry, now);
	}
	for (uint32_t i = 0; i < REMEMBERED; i++) {
		entry = &self->lines[i];
		if (entry->count > 0 && entry->hash == hash && strcmp(entry->text, line) == 0)
			return entry;
	}
	entry = &self->lines[self->next];
	self->next = (self->next + 1) % REMEMBERED;
	sum_up(self, entry, now);
	entry->hash = hash;
	entry->second = now->tv_sec;
	entry->level = level;
	snprintf(entry->text, sizeof(entry->text), "%s", line);
	return entry;
}

static void
write_line(struct log_sink *sink, enum log_level level, const char *tag, const char *line)
{
	struct linux_log *self = container_of(sink, struct linux_log, sink);
	uint64_t hash = hash_line(line);
	struct remembered *entry;
	struct timespec now;
	char cut[LOG_LINE_MAX];

	snprintf(cut, sizeof(cut), "%s", line);
	clock_gettime(CLOCK_REALTIME, &now);
	pthread_mutex_lock(&self->lock);
	entry = remember(self, hash, &now, level, cut);
	if (++entry->count <= REPEATS_PER_SECOND)
		put_line(self, &now, level, tag, cut);
	pthread_mutex_unlock(&self->lock);
}

/* ------------------------------------------------ open and close */

int
linux_log_open(const char *path, bool json, struct log_sink **ret_sink)
{
	struct linux_log *self = calloc(1, sizeof(*self));

	if (!self)
		return error_raise(-DER_NOMEM, "no memory for a log");
	self->fd = path ? open(path, O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0640)
			: STDERR_FILENO;
	if (self->fd < 0) {
		int error = errno;

		free(self);
		return error_raise(error_from_errno(error), "cannot open log file %s: %s", path,
				   strerror(error));
	}
	self->sink.write = write_line;
	self->json = json;
	pthread_mutex_init(&self->lock, NULL);
	*ret_sink = &self->sink;
	return 0;
}

void
linux_log_close(struct log_sink *sink)
{
	struct linux_log *self = container_of(sink, struct linux_log, sink);
	struct timespec now;

	clock_gettime(CLOCK_REALTIME, &now);
	for (uint32_t i = 0; i < REMEMBERED; i++)
		sum_up(self, &self->lines[i], &now);
	if (self->fd != STDERR_FILENO)
		close(self->fd);
	pthread_mutex_destroy(&self->lock);
	free(self);
}
