/* SPDX-License-Identifier: BSD-2-Clause-Patent */
/*
 * Decoders of frames, hellos and bulk regions. What is accepted is written again and must come out
 * the same; the input is also tried with its length and checksum put right, so that the fuzzer gets
 * behind them.
 */
#include <stdlib.h>

#include "proto/header.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void
require(bool condition)
{
	if (!condition)
		abort();
}

static void
check_again(const uint8_t *data, const struct proto_frame *frame)
{
	uint8_t prefix[PROTO_PREFIX_MAX];
	struct iovec iov[2] = {{prefix, 0},
			       {(void *)(uintptr_t)frame->body.data, frame->body.length}};

	iov[0].iov_len =
		proto_prefix_encode(&frame->header, &frame->id, frame->body.length, prefix);
	proto_frame_seal(iov, 2);
	require(memcmp(prefix, data, iov[0].iov_len) == 0);
}

static void
decode(const uint8_t *data, size_t size)
{
	struct proto_frame frame;
	struct proto_hello hello;
	struct reader reader;
	uint8_t wire[sizeof(hello)];

	if (proto_frame_decode(data, size, &frame))
		return;
	require(frame.body.length <= size - sizeof(struct proto_header));
	check_again(data, &frame);
	if (proto_hello_decode(frame.body, &hello) == 0) {
		size_t written = proto_hello_encode(&hello, wire);

		require(written == frame.body.length);
		require(memcmp(wire, frame.body.data, written) == 0);
	}
	reader = frame.body;
	while (!reader.failed && reader_left(&reader) > 0)
		(void)proto_bulk_decode(&reader);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	uint8_t *copy;
	struct iovec iov;

	decode(data, size);
	if (size < sizeof(struct proto_header))
		return 0;
	copy = malloc(size);
	require(copy != NULL);
	memcpy(copy, data, size);
	store_u32(copy, PROTO_MAGIC);
	store_u16(copy + 4, PROTO_VERSION);
	store_u32(copy + 8, 0);
	store_u32(copy + 12, (uint32_t)size);
	iov = (struct iovec){copy, size};
	proto_frame_seal(&iov, 1);
	decode(copy, size);
	free(copy);
	return 0;
}
