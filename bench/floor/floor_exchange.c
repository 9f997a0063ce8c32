/* SPDX-License-Identifier: BSD-2-Clause-Patent */
/*
 * A request of 64 bytes, an answer of 4 KiB, --depth of them under way on one TCP connection. The
 * server answers all requests that have arrived with one send; the client asks again as many times
 * as answers have arrived, with one send.
 */
#include "common.h"

#include <stdlib.h>

#define REQUEST 64u
#define ANSWER 4096u

static void
serve(const struct options *options, struct stream *stream)
{
	char *requests = calloc(options->depth, REQUEST), *answers = calloc(options->depth, ANSWER);
	size_t have = 0;

	if (!requests || !answers)
		stop("no memory");
	for (;;) {
		size_t length =
			stream_receive(stream, requests + have, options->depth * REQUEST - have);

		if (length == 0)
			return;
		have += length;
		stream_send_all(stream, answers, have / REQUEST * ANSWER);
		/* The head of the next request stays in its place modulo the request's size; its
		 * bytes mean nothing. */
		have %= REQUEST;
	}
}

static void
exchange(const struct options *options, struct stream *stream, uint64_t operations)
{
	char *requests = calloc(options->depth, REQUEST), *answers = calloc(options->depth, ANSWER);
	uint64_t sent = options->depth < operations ? options->depth : operations, answered = 0;
	size_t have = 0;

	if (!requests || !answers)
		stop("no memory");
	stream_send_all(stream, requests, sent * REQUEST);
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
			stream_send_all(stream, requests, more * REQUEST);
		sent += more;
	}
	free(requests);
	free(answers);
}

int
main(int count, char **arguments)
{
	struct options options = {.operations = 20000, .depth = 16};
	struct figures from, to;
	struct stream stream;
	pid_t server;

	options_read(&options, count, arguments);
	stream = server_start(&options, serve, &server);
	exchange(&options, &stream, options.operations / 10);
	figures_take(server, &from);
	exchange(&options, &stream, options.operations);
	figures_take(server, &to);
	figures_print("exchange", &options, options.operations, 0, &from, &to);
	server_stop(&stream, server);
	return 0;
}
