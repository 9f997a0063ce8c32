/* SPDX-License-Identifier: BSD-2-Clause-Patent */
/*
 * Frame headers and hellos: what is written is read back, its bytes are pinned, and nothing else is
 * accepted.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

#include "proto/header.h"

#define BODY "0123456789"

/* Of the frame in test_golden(). */
#define GOLDEN_SUM UINT32_C(0x2dd5caab)

static const struct proto_header sample = {
	.kind = PROTO_REQUEST,
	.flags = PROTO_REQUEST_ID | PROTO_AGAIN,
	.call = 0x0102030405060708,
	.stamp = 0x1112131415161718,
	.operation = 0x61,
	.map_version = 0x21222324,
	.timeout_ms = 0x31323334,
	.incarnation = {0xa0, 0xa1, 0xa2, 0xa3, 0xa4, 0xa5, 0xa6, 0xa7, 0xa8, 0xa9, 0xaa, 0xab,
			0xac, 0xad, 0xae, 0xaf},
};

static const struct request_id sample_id = {.sequence = 0x41,
					    .confirmed = 0x40,
					    .first_sent = 0x5152535455565758};

/* A sealed frame with BODY; returns its length. */
static size_t
make_frame(const struct proto_header *header, const struct request_id *id, uint8_t frame[256])
{
	size_t prefix = proto_prefix_encode(header, id, strlen(BODY), frame);
	struct iovec iov = {frame, prefix + strlen(BODY)};

	memcpy(frame + prefix, BODY, strlen(BODY));
	proto_frame_seal(&iov, 1);
	return iov.iov_len;
}

static void
reseal(uint8_t *frame, size_t length)
{
	struct iovec iov = {frame, length};

	store_u32(frame + 8, 0);
	proto_frame_seal(&iov, 1);
}

static void
test_round_trip(void **state)
{
	uint8_t bytes[256];
	size_t length = make_frame(&sample, &sample_id, bytes);
	struct proto_frame frame;

	(void)state;
	assert_int_equal(length, 64 + 32 + 10);
	assert_int_equal(proto_frame_decode(bytes, length, &frame), 0);
	assert_int_equal(frame.header.kind, PROTO_REQUEST);
	assert_int_equal(frame.header.flags, sample.flags);
	assert_int_equal(frame.header.call, sample.call);
	assert_int_equal(frame.header.stamp, sample.stamp);
	assert_int_equal(frame.header.operation, sample.operation);
	assert_int_equal(frame.header.map_version, sample.map_version);
	assert_int_equal(frame.header.timeout_ms, sample.timeout_ms);
	assert_memory_equal(frame.header.incarnation, sample.incarnation, 16);
	assert_memory_equal(frame.id.client.bytes, sample.incarnation, 16);
	assert_int_equal(frame.id.sequence, 0x41);
	assert_int_equal(frame.id.confirmed, 0x40);
	assert_int_equal(frame.id.first_sent, sample_id.first_sent);
	assert_int_equal(reader_left(&frame.body), 10);
	assert_memory_equal(reader_bytes(&frame.body, 10), BODY, 10);
}

static void
test_status(void **state)
{
	struct proto_header header = {.kind = PROTO_REPLY, .status = -DER_NOSPACE};
	uint8_t bytes[256];
	size_t length = make_frame(&header, NULL, bytes);
	struct proto_frame frame;

	(void)state;
	assert_int_equal(proto_frame_decode(bytes, length, &frame), 0);
	assert_int_equal(frame.header.status, -DER_NOSPACE);
	assert_true(uuid_empty(&frame.id.client));
	assert_int_equal(frame.id.sequence, 0);
	/* A status above 0 is none. */
	store_u32(bytes + 36, 5);
	reseal(bytes, length);
	assert_int_equal(proto_frame_decode(bytes, length, &frame), -DER_PROTO);
}

/* The layout of docs/formats/wire.md, byte by byte; the sum was computed by another program. */
static void
test_golden(void **state)
{
	static const uint8_t golden[] = {
		'C',  'I',  'R',  'N',	1,    0,    3,	  3,	0,    0,    0,	  0,	106,  0,
		0,    0,    0x08, 0x07, 0x06, 0x05, 0x04, 0x03, 0x02, 0x01, 0x18, 0x17, 0x16, 0x15,
		0x14, 0x13, 0x12, 0x11, 0x61, 0,    0,	  0,	0,    0,    0,	  0,	0x24, 0x23,
		0x22, 0x21, 0x34, 0x33, 0x32, 0x31, 0xa0, 0xa1, 0xa2, 0xa3, 0xa4, 0xa5, 0xa6, 0xa7,
		0xa8, 0xa9, 0xaa, 0xab, 0xac, 0xad, 0xae, 0xaf, 0x41, 0,    0,	  0,	0,    0,
		0,    0,    0x40, 0,	0,    0,    0,	  0,	0,    0,    0x58, 0x57, 0x56, 0x55,
		0x54, 0x53, 0x52, 0x51, 0,    0,    0,	  0,	0,    0,    0,	  0,	'0',  '1',
		'2',  '3',  '4',  '5',	'6',  '7',  '8',  '9',
	};
	uint8_t bytes[256];

	(void)state;
	assert_int_equal(make_frame(&sample, &sample_id, bytes), sizeof(golden));
	assert_int_equal(load_u32(bytes + 8), GOLDEN_SUM);
	store_u32(bytes + 8, 0);
	assert_memory_equal(bytes, golden, sizeof(golden));
}

static void
test_pieces(void **state)
{
	uint8_t whole[256], prefix[PROTO_PREFIX_MAX];
	size_t length = make_frame(&sample, &sample_id, whole);
	struct iovec iov[4] = {{prefix, 0}, {BODY, 3}, {NULL, 0}, {BODY + 3, 7}};

	(void)state;
	iov[0].iov_len = proto_prefix_encode(&sample, &sample_id, 10, prefix);
	proto_frame_seal(iov, 4);
	assert_int_equal(length, iov[0].iov_len + 10);
	assert_memory_equal(prefix, whole, iov[0].iov_len);
}

/* Every bit is covered by a check. */
static void
test_damage(void **state)
{
	uint8_t bytes[256];
	size_t length = make_frame(&sample, &sample_id, bytes);
	struct proto_frame frame;

	(void)state;
	for (size_t bit = 0; bit < length * 8; bit++) {
		bytes[bit / 8] ^= (uint8_t)(1 << bit % 8);
		assert_int_equal(proto_frame_decode(bytes, length, &frame), -DER_CSUM);
		bytes[bit / 8] ^= (uint8_t)(1 << bit % 8);
	}
	for (size_t cut = 0; cut < length; cut++)
		assert_int_equal(proto_frame_decode(bytes, cut, &frame),
				 cut < 64 ? -DER_PROTO : -DER_CSUM);
	assert_int_equal(proto_frame_decode(bytes, length, &frame), 0);
}

/* Sums are right, content is not. */
static void
test_impossible(void **state)
{
	static const struct {
		size_t offset;
		uint8_t value;
	} cases[] = {
		{0, 'X'},		  /* magic */
		{4, 2},			  /* version */
		{6, 0},			  /* kind */
		{6, 6},		  {7, 4}, /* flags */
		{6, PROTO_REPLY},	  /* with flags of a request */
		{12, 105},		  /* length */
		{64, 0},		  /* sequence 0 */
		{72, 0x42},		  /* confirmed above the sequence */
		{88, 1},		  /* reserved */
	};
	uint8_t bytes[256];
	struct proto_frame frame;

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		size_t length = make_frame(&sample, &sample_id, bytes);

		bytes[cases[i].offset] = cases[i].value;
		reseal(bytes, length);
		assert_int_equal(proto_frame_decode(bytes, length, &frame), -DER_PROTO);
	}
}

static void
test_no_room_for_id(void **state)
{
	struct proto_header header = sample;
	uint8_t bytes[256];
	struct proto_frame frame;

	(void)state;
	make_frame(&header, &sample_id, bytes);
	store_u32(bytes + 12, 64 + 31);
	reseal(bytes, 64 + 31);
	assert_int_equal(proto_frame_decode(bytes, 64 + 31, &frame), -DER_PROTO);
}

static void
test_hello(void **state)
{
	struct proto_hello hello, read;
	uint8_t wire[sizeof(hello)];
	struct reader reader;

	(void)state;
	proto_hello_init(&hello, "a name that is longer than the thirty-one bytes there are");
	assert_int_equal(strlen((const char *)hello.system), 31);
	proto_hello_init(&hello, "cairn");
	hello.tag = 1;
	hello.loops = 2;
	hello.rank = 3;
	hello.credits = 4;
	assert_int_equal(proto_hello_encode(&hello, wire), 48);
	reader_init(&reader, wire, 48);
	assert_int_equal(proto_hello_decode(reader, &read), 0);
	assert_memory_equal(&read, &hello, sizeof(hello));
	hello.identified = 1;
	hello.user = 1000;
	hello.group = 50;
	assert_int_equal(proto_hello_encode(&hello, wire), sizeof(wire));
	reader_init(&reader, wire, sizeof(wire));
	assert_int_equal(proto_hello_decode(reader, &read), 0);
	assert_memory_equal(&read, &hello, sizeof(hello));
	for (size_t length = 0; length < sizeof(wire); length++) {
		reader_init(&reader, wire, length);
		assert_int_equal(proto_hello_decode(reader, &read), length == 48 ? 0 : -DER_PROTO);
	}
	wire[48] = 2;
	reader_init(&reader, wire, sizeof(wire));
	assert_int_equal(proto_hello_decode(reader, &read), -DER_PROTO);
	wire[48] = 1;
	wire[47] = 'x';
	reader_init(&reader, wire, sizeof(wire));
	assert_int_equal(proto_hello_decode(reader, &read), -DER_PROTO);
}

static void
test_bulk(void **state)
{
	struct proto_bulk bulk = {.key = 0x1122334455667788, .length = 99}, read;
	uint8_t wire[16];
	struct writer writer;
	struct reader reader;

	(void)state;
	writer_init(&writer, wire, sizeof(wire));
	proto_bulk_encode(&writer, bulk);
	assert_false(writer.failed);
	reader_init(&reader, wire, sizeof(wire));
	read = proto_bulk_decode(&reader);
	assert_true(reader_complete(&reader));
	assert_int_equal(read.key, bulk.key);
	assert_int_equal(read.length, 99);
	reader_init(&reader, wire, 15);
	read = proto_bulk_decode(&reader);
	assert_true(reader.failed);
	assert_int_equal(read.length, 0);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_round_trip),     cmocka_unit_test(test_status),
		cmocka_unit_test(test_golden),	       cmocka_unit_test(test_pieces),
		cmocka_unit_test(test_damage),	       cmocka_unit_test(test_impossible),
		cmocka_unit_test(test_no_room_for_id), cmocka_unit_test(test_hello),
		cmocka_unit_test(test_bulk),
	};

	return cmocka_run_group_tests_name("proto header", tests, NULL, NULL);
}
