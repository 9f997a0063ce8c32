/* SPDX-License-Identifier: BSD-2-Clause-Patent */
/* Messages as bytes: the layout of docs/formats/swim.md, and what the decoder refuses. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "swim/message.h"

static struct message
sample(void)
{
	struct message message = {
		.kind = MESSAGE_ACK,
		.claim = SWIM_ALIVE,
		.group = 0x1122334455667788,
		.from = 3,
		.to = 4,
		.sequence = 9,
		.round = 10,
		.incarnation = 5,
		.start = 6,
		.address = {2, {0xaa, 0xbb}},
		.subject = 3,
		.update_count = 1,
	};

	message.updates[0] = (struct update){
		.rank = 7, .accuser = 8, .incarnation = 2, .start = 1, .state = SWIM_SUSPECT};
	return message;
}

static void
layout(void **state)
{
	static const uint8_t golden[] = {
		1,    2,    1,	  1,	0,    0,    0,	  0,	/* version, kind, claim, count,
								   checksum */
		0x88, 0x77, 0x66, 0x55, 0x44, 0x33, 0x22, 0x11, /* group */
		3,    0,    0,	  0,	4,    0,    0,	  0,	9,    0,    0, 0, 10,
		0,    0,    0, /* from, to, sequence, round */
		5,    0,    0,	  0,	0,    0,    0,	  0,	6,    0,    0, 0, 0,
		0,    0,    0,						    /* incarnation, start */
		3,    0,    0,	  0,	2,    0,    0,	  0,	0xaa, 0xbb, /* subject, address */
		7,    0,    0,	  0,	8,    0,    0,	  0,	2,    0,    0, 0, 0,
		0,    0,    0, /* rank, accuser, incarnation */
		1,    0,    0,	  0,	0,    0,    0,	  0,	2,    0,    0, 0, /* start, state,
										     address */
	};
	struct message message = sample(), back;
	uint8_t data[SWIM_MESSAGE_MAX];
	uint32_t length = message_encode(&message, data);

	(void)state;
	assert_int_equal(message_decode(data, length, &back), 0);
	assert_int_equal(back.updates[0].accuser, 8);
	assert_int_equal(load_u32(data + 4), 0x39313041);
	store_u32(data + 4, 0);
	assert_int_equal(length, sizeof(golden));
	assert_memory_equal(data, golden, sizeof(golden));
}

static void
all_lengths_and_bits(void **state)
{
	struct message message = sample(), back;
	uint8_t data[SWIM_MESSAGE_MAX];
	uint32_t length = message_encode(&message, data);

	(void)state;
	for (uint32_t i = 0; i < length; i++)
		assert_true(message_decode(data, i, &back) < 0);
	for (uint32_t i = 0; i < length * 8; i++) {
		data[i / 8] ^= (uint8_t)(1u << i % 8);
		assert_int_equal(message_decode(data, length, &back), -DER_CSUM);
		data[i / 8] ^= (uint8_t)(1u << i % 8);
	}
}

/* Each row writes one byte and puts the checksum right. */
static void
impossible_values(void **state)
{
	static const struct {
		uint32_t offset;
		uint8_t value;
	} rows[] = {
		{0, 2},	    {1, 0},  {1, 7},	 {2, 2},
		{2, 3},	    {2, 5}, /* version, kind, claim */
		{3, 0},	    {3, 9},  {19, 1},	 {20, 3},
		{23, 1},    {32, 0}, /* count, from, to */
		{39, 0x80}, {40, 0}, {51, 1},	 {52, 25},
		{53, 1},    {55, 1}, /* start, subject, address */
		{61, 1},    {62, 7}, {64, 0xff}, {66, 0},
		{74, 0},    {82, 0}, /* update */
		{82, 1},    {82, 5}, {83, 1},	 {84, 1},
	};
	struct message message = sample(), back;
	uint8_t data[SWIM_MESSAGE_MAX];

	(void)state;
	for (uint32_t i = 0; i < ARRAY_SIZE(rows); i++) {
		uint32_t length = message_encode(&message, data);

		data[rows[i].offset] = rows[i].value;
		store_u32(data + 4, 0);
		store_u32(data + 4, crc32c(0, data, length));
		if (message_decode(data, length, &back) != -DER_PROTO)
			fail_msg("row %u was accepted", i);
	}
}

static void
largest(void **state)
{
	struct message message = sample(), back;
	uint8_t data[SWIM_MESSAGE_MAX];

	(void)state;
	message.kind = MESSAGE_SYNC_REPLY;
	message.subject = SWIM_NONE;
	message.address.length = SWIM_ADDRESS_MAX;
	message.update_count = SWIM_SYNC_UPDATES;
	for (uint32_t i = 0; i < SWIM_SYNC_UPDATES; i++) {
		message.updates[i] = sample().updates[0];
		message.updates[i].address.length = SWIM_ADDRESS_MAX;
	}
	assert_int_equal(message_encode(&message, data), SWIM_MESSAGE_MAX);
	assert_true(SWIM_MESSAGE_MAX <= 1400);
	assert_int_equal(message_decode(data, SWIM_MESSAGE_MAX, &back), 0);
	assert_int_equal(message_decode(data, SWIM_MESSAGE_MAX + 1, &back), -DER_PROTO);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(layout),
		cmocka_unit_test(all_lengths_and_bits),
		cmocka_unit_test(impossible_values),
		cmocka_unit_test(largest),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
