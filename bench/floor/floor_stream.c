/* SPDX-License-Identifier: BSD-2-Clause-Patent */
/*
 * Blocks of 1 MiB over TCP, --depth of them under way: the sender sums each (crc32c), the receiver
 * sums it too and copies it once to where it stays. What is answered is 64 bytes. Reading and
 * writing are the same, but for who sends.
 */
#include "common.h"

#include <isa-l/crc.h>
#include <stdlib.h>
#include <string.h>

#define BLOCK ((size_t)1 << 20)
#define ANSWER 64u
/* Blocks in the receiver's memory. */
#define PLACES 64u

static uint32_t
sum(const uint8_t *bytes)
{
	return crc32_iscsi((unsigned char *)(uintptr_t)bytes, (int)BLOCK, 0);
}

static void
serve(const struct options *options, struct stream *stream)
{
	uint8_t *block = aligned_alloc(4096, BLOCK), *places = aligned_alloc(4096, PLACES * BLOCK);
	char answer[ANSWER] = {0};
	uint64_t count = 0;

	(void)options;
	if (!block || !places)
		stop("no memory");
	memset(places, 0, PLACES * BLOCK);
	for (;;) {
		size_t have = stream_receive(stream, block, BLOCK);
		uint32_t crc;

		if (have == 0)
			return;
		stream_receive_all(stream, block + have, BLOCK - have);
		crc = sum(block);
		memcpy(places + count++ % PLACES * BLOCK, block, BLOCK);
		memcpy(answer, &crc, sizeof(crc));
		stream_send_all(stream, answer, ANSWER);
	}
}

static void
run(const struct options *options, struct stream *stream, uint64_t operations)
{
	uint8_t *block = aligned_alloc(4096, BLOCK);
	uint64_t sent = 0;
	char answer[ANSWER];

	if (!block)
		stop("no memory");
	memset(block, 1, BLOCK);
	for (uint64_t answered = 0; answered < operations; answered++) {
		while (sent < operations && sent < answered + options->depth) {
			block[0] = (uint8_t)sent++;
			if (sum(block) == 0)
				block[1]++;
			stream_send_all(stream, block, BLOCK);
		}
		stream_receive_all(stream, answer, ANSWER);
	}
	free(block);
}

int
main(int count, char **arguments)
{
	struct options options = {.operations = 1000, .depth = 4};
	struct figures from, to;
	struct stream stream;
	pid_t server;

	options_read(&options, count, arguments);
	stream = server_start(&options, serve, &server);
	run(&options, &stream, options.operations / 10 + 1);
	figures_take(server, &from);
	run(&options, &stream, options.operations);
	figures_take(server, &to);
	figures_print("stream", &options, options.operations, 0, &from, &to);
	server_stop(&stream, server);
	return 0;
}
