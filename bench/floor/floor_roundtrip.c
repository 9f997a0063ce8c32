/* SPDX-License-Identifier: BSD-2-Clause-Patent */
/* 64 bytes there and 64 bytes back over TCP on loopback, one at a time; --spin: neither side
 * sleeps. */
#include "common.h"

#include <stdlib.h>

#define SIZE 64u
/* Exchanges between two looks at the clock, which must not make the floor slower. */
#define BATCH 8u

static void
serve(const struct options *options, struct stream *stream)
{
	char bytes[SIZE];

	(void)options;
	for (;;) {
		size_t length = stream_receive(stream, bytes, sizeof(bytes));

		if (length == 0)
			return;
		if (length < sizeof(bytes))
			stream_receive_all(stream, bytes + length, sizeof(bytes) - length);
		stream_send_all(stream, bytes, sizeof(bytes));
	}
}

static void
exchange(struct stream *stream, uint64_t operations)
{
	char bytes[SIZE] = {0};

	while (operations-- > 0) {
		stream_send_all(stream, bytes, sizeof(bytes));
		stream_receive_all(stream, bytes, sizeof(bytes));
	}
}

static int
compare(const void *one, const void *other)
{
	uint64_t a = *(const uint64_t *)one, b = *(const uint64_t *)other;

	return (a > b) - (a < b);
}

/* Exchanges in batches; returns the median of what one of them takes. */
static uint64_t
exchange_timed(struct stream *stream, uint64_t operations)
{
	uint64_t batches = operations / BATCH, *times, start = now(), median = 0;

	times = calloc(batches + 1, sizeof(*times));
	if (!times)
		stop("no memory");
	for (uint64_t i = 0; i < batches; i++) {
		uint64_t end;

		exchange(stream, BATCH);
		end = now();
		times[i] = end - start;
		start = end;
	}
	exchange(stream, operations % BATCH);
	qsort(times, batches, sizeof(*times), compare);
	median = times[batches / 2] / BATCH;
	free(times);
	return median;
}

int
main(int count, char **arguments)
{
	struct options options = {.operations = 20000, .depth = 1};
	struct figures from, to;
	struct stream stream;
	uint64_t p50_ns;
	pid_t server;

	options_read(&options, count, arguments);
	options.depth = 1;
	stream = server_start(&options, serve, &server);
	exchange(&stream, options.operations / 10);
	figures_take(server, &from);
	p50_ns = exchange_timed(&stream, options.operations);
	figures_take(server, &to);
	figures_print("roundtrip", &options, options.operations, p50_ns, &from, &to);
	server_stop(&stream, server);
	return 0;
}
