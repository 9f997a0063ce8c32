/* SPDX-License-Identifier: BSD-2-Clause-Patent */
/*
 * The append-and-flush server: receives pieces of 4 KiB over TCP, appends those that have arrived
 * to a log that was written before, flushes once, then answers each with 64 bytes. --depth pieces
 * are under way; --directory is where the log lies.
 */
#include "common.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#define PIECE 4096u
#define ANSWER 64u
#define LOG_SIZE (64u * 1024 * 1024)

/* A log of zeros without a name, opened for direct transfers where the file system takes them. */
static int
open_log(const char *directory, void *zeros, size_t length)
{
	int fd = open(directory, O_TMPFILE | O_RDWR | O_CLOEXEC, 0600);

	if (fd < 0)
		stop("cannot make a log in %s", directory);
	if (posix_fallocate(fd, 0, LOG_SIZE) != 0)
		stop("no room for the log in %s", directory);
	for (size_t at = 0; at < LOG_SIZE; at += length)
		if (pwrite(fd, zeros, length, (off_t)at) != (ssize_t)length)
			stop("cannot write the log");
	if (fsync(fd) < 0)
		stop("cannot flush the log");
	/* Where it is refused the log stays buffered. */
	(void)!fcntl(fd, F_SETFL, fcntl(fd, F_GETFL) | O_DIRECT);
	return fd;
}

static void
append(int log, const char *pieces, size_t length, size_t *position)
{
	if (*position + length > LOG_SIZE)
		*position = 0;
	if (pwrite(log, pieces, length, (off_t)*position) != (ssize_t)length)
		stop("cannot append to the log");
	if (fdatasync(log) < 0)
		stop("cannot flush the log");
	*position += length;
}

static void
serve(const struct options *options, struct stream *stream)
{
	size_t size = options->depth * (size_t)PIECE, have = 0, position = 0;
	char *pieces = aligned_alloc(PIECE, size), *answers = calloc(options->depth, ANSWER);
	int log;

	if (!pieces || !answers)
		stop("no memory");
	for (size_t i = 0; i < size; i++)
		pieces[i] = 0;
	log = open_log(options->directory, pieces, PIECE);
	for (;;) {
		size_t length = stream_receive(stream, pieces + have, size - have), whole;

		if (length == 0)
			return;
		have += length;
		whole = have / PIECE;
		if (whole == 0)
			continue;
		append(log, pieces, whole * PIECE, &position);
		stream_send_all(stream, answers, whole * ANSWER);
		/* A part that has arrived is taken to the front. */
		have -= whole * PIECE;
		for (size_t i = 0; i < have; i++)
			pieces[i] = pieces[whole * PIECE + i];
	}
}

static void
run(const struct options *options, struct stream *stream, uint64_t operations)
{
	char *pieces = calloc(options->depth, PIECE), *answers = calloc(options->depth, ANSWER);
	uint64_t sent = options->depth < operations ? options->depth : operations, answered = 0;
	size_t have = 0;

	if (!pieces || !answers)
		stop("no memory");
	stream_send_all(stream, pieces, sent * PIECE);
	while (answered < operations) {
		size_t length = stream_receive(stream, answers + have,
					       options->depth * ANSWER - have),
		       whole, more;

		if (length == 0)
			stop("the server has gone");
		have += length;
		whole = have / ANSWER;
		have %= ANSWER;
		answered += whole;
		more = operations - sent < whole ? operations - sent : whole;
		if (more > 0)
			stream_send_all(stream, pieces, more * PIECE);
		sent += more;
	}
	free(pieces);
	free(answers);
}

int
main(int count, char **arguments)
{
	struct options options = {.operations = 20000, .depth = 16, .directory = "/dev/shm"};
	struct figures from, to;
	struct stream stream;
	pid_t server;

	options_read(&options, count, arguments);
	stream = server_start(&options, serve, &server);
	run(&options, &stream, options.operations / 10 + 1);
	figures_take(server, &from);
	run(&options, &stream, options.operations);
	figures_take(server, &to);
	figures_print("append", &options, options.operations, 0, &from, &to);
	server_stop(&stream, server);
	return 0;
}
