/* SPDX-License-Identifier: BSD-2-Clause-Patent */
/*
 * Messages of the object service: random ones come back as they went; no input makes a decoder
 * reach beyond its end, keep memory, or allocate more than a multiple of its length.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>
#include <cmocka.h>

#include "proto/proto.h"

#define WIRE_MAX (512u * 1024)
/* Bytes of memory that a decoder may take for each byte of its message. */
#define EXPANSION 8u

static uint8_t first[WIRE_MAX];
static uint8_t second[WIRE_MAX];
static char letters[65536];
static uint64_t seed = 0x777;

static uint64_t
draw(void)
{
	seed += 0x9e3779b97f4a7c15ull;
	return mix64(seed);
}

static uint32_t
below(uint32_t limit)
{
	return (uint32_t)(draw() % limit);
}

/* Mostly short. */
static struct proto_text
draw_bytes(uint32_t limit)
{
	uint32_t length = below(below(20) ? min_of(limit, 30u) + 1 : limit + 1);

	return (struct proto_text){letters + below(1000), length};
}

static struct proto_object
draw_object(void)
{
	return (struct proto_object){
		.pool = uuid_make(draw(), draw()),
		.handle = uuid_make(draw(), draw()),
		.id = {draw(), draw()},
		.shard = below(100),
		.target = below(100),
		.epoch = draw(),
		.conditions = below(256),
		.flags = below(256),
		.transaction = below(2) ? uuid_make(draw(), draw() | 1) : (struct uuid){{0}},
	};
}

static struct proto_akey akeys[PROTO_OBJECT_AKEYS_MAX];
static struct proto_fetched fetched[PROTO_OBJECT_AKEYS_MAX];
static struct proto_extent extents[64];
static uint32_t sums[64];
static struct proto_text keys[50];
static struct proto_list_entry entries[50];

static uint32_t
draw_akeys(bool with_sums)
{
	for (uint32_t i = 0; i < ARRAY_SIZE(akeys); i++)
		akeys[i] = (struct proto_akey){
			.key = draw_bytes(i ? 200 : PROTO_OBJECT_KEY_MAX),
			.type = below(3),
			.conditions = below(256),
			.record_size = draw(),
			.extents = extents + below(32),
			.extent_count = below(32),
			.sums = sums + below(32),
			.sum_count = with_sums ? below(32) : 0,
		};
	return below(10) ? below(4) : below(ARRAY_SIZE(akeys) + 1);
}

static void
make_update(struct proto_object_update *message)
{
	*message = (struct proto_object_update){
		.object = draw_object(),
		.dkey = draw_bytes(PROTO_OBJECT_KEY_MAX),
		.akey_count = draw_akeys(true),
		.akeys = akeys,
		.bulk = {.key = below(2) ? draw() | 1 : 0, .length = draw()},
		.payload = draw_bytes(40000),
	};
	message->payload_length = message->bulk.key ? draw() : message->payload.length;
}

static void
make_fetch(struct proto_object_fetch *message)
{
	*message = (struct proto_object_fetch){
		.object = draw_object(),
		.dkey = draw_bytes(PROTO_OBJECT_KEY_MAX),
		.akey_count = draw_akeys(false),
		.akeys = akeys,
		.bulk = {.key = draw(), .length = draw()},
		.payload_length = draw(),
	};
}

static void
make_fetched(struct proto_object_fetched *message)
{
	for (uint32_t i = 0; i < ARRAY_SIZE(fetched); i++)
		fetched[i] = (struct proto_fetched){
			.record_size = draw(),
			.length = draw(),
			.sums = sums + below(32),
			.sum_count = below(32),
			.runs = extents + below(32),
			.run_count = below(32),
		};
	*message = (struct proto_object_fetched){
		.akey_count = below(10) ? below(4) : below(ARRAY_SIZE(fetched) + 1),
		.akeys = fetched,
		.pushed = below(2),
		.epoch = below(2) ? draw() | 1 : 0,
		.payload = draw_bytes(40000),
	};
}

static void
make_punch(struct proto_object_punch *message)
{
	for (uint32_t i = 0; i < ARRAY_SIZE(keys); i++)
		keys[i] = draw_bytes(1000);
	*message = (struct proto_object_punch){
		.object = draw_object(),
		.dkey = draw_bytes(PROTO_OBJECT_KEY_MAX),
		.key_count = below(ARRAY_SIZE(keys) + 1),
		.keys = keys,
	};
}

static void
make_list(struct proto_object_list *message)
{
	*message = (struct proto_object_list){
		.object = draw_object(),
		.level = below(5),
		.limit = below(1000),
		.byte_limit = draw(),
		.dkey = draw_bytes(PROTO_OBJECT_KEY_MAX),
		.akey = draw_bytes(PROTO_OBJECT_KEY_MAX),
		.position = draw_bytes(PROTO_POSITION_MAX),
		.from_key = draw_bytes(PROTO_OBJECT_KEY_MAX),
		.with_akey = draw_bytes(PROTO_OBJECT_KEY_MAX),
	};
}

static void
make_listed(struct proto_object_listed *message)
{
	for (uint32_t i = 0; i < ARRAY_SIZE(entries); i++)
		entries[i] = (struct proto_list_entry){
			.key = draw_bytes(PROTO_OBJECT_KEY_MAX),
			.type = below(3),
			.extent = {draw(), draw()},
			.record_size = draw(),
			.epoch = draw(),
			.value = draw_bytes(4096),
		};
	*message = (struct proto_object_listed){
		.count = below(ARRAY_SIZE(entries) + 1),
		.end = below(2),
		.epoch = below(2) ? draw() | 1 : 0,
		.entries = entries,
		.position = draw_bytes(PROTO_POSITION_MAX),
	};
}

static void
make_query(struct proto_object_query *message)
{
	*message = (struct proto_object_query){
		.object = draw_object(),
		.dkey = draw_bytes(PROTO_OBJECT_KEY_MAX),
		.akey = draw_bytes(PROTO_OBJECT_KEY_MAX),
	};
}

static void
make_queried(struct proto_object_queried *message)
{
	*message = (struct proto_object_queried){draw(), draw(), {draw(), draw()},
						 draw(), draw(), below(2) ? draw() | 1 : 0};
}

#define CHANGES 8u

static struct proto_change changes[CHANGES];
static struct proto_change_part parts[CHANGES];

static void
make_changes(struct proto_object_changes *message)
{
	draw_akeys(true);
	for (size_t i = 0; i < ARRAY_SIZE(keys); i++)
		keys[i] = draw_bytes(1000);
	for (uint32_t i = 0; i < CHANGES; i++) {
		changes[i] = (struct proto_change){
			.kind = 1 + below(PROTO_CHANGE_PUNCH_AKEYS),
			.conditions = below(256),
			.id = {draw(), draw()},
			.shard = below(100),
			.dkey = draw_bytes(PROTO_OBJECT_KEY_MAX),
		};
		if (changes[i].kind == PROTO_CHANGE_UPDATE) {
			changes[i].akeys = akeys + below(100);
			changes[i].count = below(8);
		} else {
			changes[i].keys = keys;
			changes[i].count = below(ARRAY_SIZE(keys) + 1);
		}
	}
	message->parts = parts;
	message->part_count = 1 + below(4);
	for (uint32_t i = 0; i < message->part_count; i++)
		parts[i] = (struct proto_change_part){below(100), 1 + below(3),
						      changes + below(CHANGES - 3)};
}

static void
make_commit(struct proto_object_commit *message)
{
	*message = (struct proto_object_commit){
		.object = draw_object(),
		.text_bulk = {.key = below(2) ? draw() | 1 : 0, .length = draw()},
		.payload_bulk = {.key = below(2) ? draw() | 1 : 0, .length = draw()},
		.text = draw_bytes(40000),
		.payload = draw_bytes(40000),
	};
	message->text_length = message->text_bulk.key ? below(PROTO_COMMIT_TEXT_MAX + 1)
						      : message->text.length;
	message->payload_length = message->payload_bulk.key ? below(PROTO_COMMIT_PAYLOAD_MAX + 1)
							    : message->payload.length;
}

/* ------------------------------------------------ the table of messages */

/* Draws a message and writes it; or, with a reader, reads one and writes what it read. */
typedef int message_function(struct reader *reader, struct arena *arena, struct writer *writer);

#define PLAIN_MESSAGE(type)                                                                     \
	static int on_##type(struct reader *reader, struct arena *arena, struct writer *writer) \
	{                                                                                       \
		struct proto_object_##type message;                                             \
		int rc = 0;                                                                     \
		(void)arena;                                                                    \
		if (reader)                                                                     \
			rc = proto_object_##type##_decode(reader, &message);                    \
		else                                                                            \
			make_##type(&message);                                                  \
		if (rc == 0)                                                                    \
			proto_object_##type##_encode(&message, writer);                         \
		return rc;                                                                      \
	}

#define ARENA_MESSAGE(type)                                                                     \
	static int on_##type(struct reader *reader, struct arena *arena, struct writer *writer) \
	{                                                                                       \
		struct proto_object_##type message;                                             \
		int rc = 0;                                                                     \
		if (reader)                                                                     \
			rc = proto_object_##type##_decode(reader, arena, &message);             \
		else                                                                            \
			make_##type(&message);                                                  \
		if (rc == 0)                                                                    \
			proto_object_##type##_encode(&message, writer);                         \
		if (rc == 0 && reader)                                                          \
			proto_object_##type##_free(arena, &message);                            \
		return rc;                                                                      \
	}

ARENA_MESSAGE(update)
ARENA_MESSAGE(fetch)
ARENA_MESSAGE(fetched)
ARENA_MESSAGE(punch)
PLAIN_MESSAGE(list)
ARENA_MESSAGE(listed)
PLAIN_MESSAGE(query)
PLAIN_MESSAGE(queried)
ARENA_MESSAGE(changes)
PLAIN_MESSAGE(commit)

static message_function *const messages[] = {on_update,	 on_fetch,  on_fetched, on_punch,
					     on_list,	 on_listed, on_query,	on_queried,
					     on_changes, on_commit};

/* ------------------------------------------------ tests */

static int
setup(void **state)
{
	for (size_t i = 0; i < sizeof(letters); i++)
		letters[i] = (char)draw();
	for (size_t i = 0; i < ARRAY_SIZE(extents); i++) {
		extents[i] = (struct proto_extent){draw(), draw()};
		sums[i] = (uint32_t)draw();
	}
	*state = arena_create(0);
	return *state == NULL;
}

static int
teardown(void **state)
{
	assert_int_equal(arena_used(*state), 0);
	arena_destroy(*state);
	return 0;
}

static size_t
draw_message(message_function *function)
{
	struct writer writer;

	writer_init(&writer, first, sizeof(first));
	assert_int_equal(function(NULL, NULL, &writer), 0);
	assert_false(writer.failed);
	return writer.position;
}

/* Decodes from memory of exactly that length. */
static int
decode(message_function *function, struct arena *arena, size_t length, size_t *ret_written)
{
	uint8_t *copy = malloc(length);
	struct arena *tight = arena_create(length * EXPANSION + 4096);
	struct reader reader;
	struct writer writer;
	int rc;

	(void)arena;
	memcpy(copy, first, length);
	reader_init(&reader, copy, length);
	writer_init(&writer, second, sizeof(second));
	rc = function(&reader, tight, &writer);
	*ret_written = rc == 0 && reader_complete(&reader) ? writer.position : 0;
	free(copy);
	assert_int_equal(arena_used(tight), 0);
	arena_destroy(tight);
	return rc;
}

static void
test_round_trip(void **state)
{
	for (size_t i = 0; i < ARRAY_SIZE(messages); i++)
		for (int turn = 0; turn < 200; turn++) {
			size_t length = draw_message(messages[i]);
			size_t written;

			assert_int_equal(decode(messages[i], *state, length, &written), 0);
			assert_int_equal(written, length);
			assert_memory_equal(first, second, length);
		}
}

static void
test_every_truncation_is_refused(void **state)
{
	for (size_t i = 0; i < ARRAY_SIZE(messages); i++)
		for (int turn = 0; turn < 3; turn++) {
			size_t length = draw_message(messages[i]);
			size_t written;

			for (size_t cut = length > 1500 ? length - 1500 : 0; cut < length; cut++)
				assert_int_equal(decode(messages[i], *state, cut, &written),
						 -DER_PROTO);
			for (size_t cut = 0; cut < 300 && cut < length; cut++)
				assert_int_equal(decode(messages[i], *state, cut, &written),
						 -DER_PROTO);
		}
}

static void
test_damaged_and_random(void **state)
{
	for (size_t i = 0; i < ARRAY_SIZE(messages); i++)
		for (int turn = 0; turn < 1500; turn++) {
			size_t length = turn % 3 ? draw_message(messages[i]) : below(300);
			size_t written;
			int rc;

			for (size_t j = 0; turn % 3 == 0 && j < length; j++)
				first[j] = (uint8_t)(turn & 1 ? below(4) : draw());
			for (uint32_t damages = below(5); damages > 0 && length > 0; damages--)
				first[below((uint32_t)min_of(length,
							     turn & 1 ? (size_t)300 : length))] =
					(uint8_t)draw();
			rc = decode(messages[i], *state, length, &written);
			assert_true(rc == 0 || rc == -DER_PROTO);
		}
}

static void
test_without_memory(void **state)
{
	struct arena *arena = *state;

	for (size_t i = 0; i < ARRAY_SIZE(messages); i++) {
		size_t length = draw_message(messages[i]);
		struct reader reader;
		struct writer writer;
		int rc;

		reader_init(&reader, first, length);
		writer_init(&writer, second, sizeof(second));
		arena_fail_at(arena, 1);
		rc = messages[i](&reader, arena, &writer);
		arena_fail_at(arena, 0);
		assert_true(rc == 0 || rc == -DER_NOMEM);
		assert_int_equal(arena_used(arena), 0);
	}
}

/* A huge count is refused by the length of the message, before memory is asked for. */
static void
test_impossible_counts(void **state)
{
	struct proto_object_fetch message = {.akey_count = 1, .akeys = akeys};
	struct writer writer;
	size_t written;

	akeys[0] = (struct proto_akey){.key = {letters, 1}};
	for (uint32_t field = 0; field < 3; field++) {
		writer_init(&writer, first, sizeof(first));
		proto_object_fetch_encode(&message, &writer);
		/* Akeys, extents, sums: the three counts before the only akey. */
		store_u32(first + writer.position - 29 - 12 + field * 4,
			  field ? UINT32_MAX : PROTO_OBJECT_AKEYS_MAX + 1);
		assert_int_equal(decode(on_fetch, *state, writer.position, &written), -DER_PROTO);
	}
}

/* An update's payload is as long as it says, unless it is in the caller's memory. */
static void
test_payload_length(void **state)
{
	struct proto_object_update message = {.payload = {letters, 10}, .payload_length = 11};
	struct writer writer;
	size_t written;

	writer_init(&writer, first, sizeof(first));
	proto_object_update_encode(&message, &writer);
	assert_int_equal(decode(on_update, *state, writer.position, &written), -DER_PROTO);
	message.bulk.key = 1;
	writer_init(&writer, first, sizeof(first));
	proto_object_update_encode(&message, &writer);
	assert_int_equal(decode(on_update, *state, writer.position, &written), 0);
}

/* Limits of a transaction: one more than each is refused. */
static void
test_commit_limits(void **state)
{
	struct proto_object_commit message = {.text_bulk = {.key = 1}, .payload_bulk = {.key = 1}};
	struct writer writer;
	size_t written;

	for (uint32_t i = 0; i < 4; i++) {
		message.text_length = PROTO_COMMIT_TEXT_MAX + (i & 1);
		message.payload_length = PROTO_COMMIT_PAYLOAD_MAX + (i >> 1);
		writer_init(&writer, first, sizeof(first));
		proto_object_commit_encode(&message, &writer);
		assert_int_equal(decode(on_commit, *state, writer.position, &written),
				 i ? -DER_PROTO : 0);
	}
	for (uint32_t i = 0; i < 2; i++) {
		struct proto_change_part part = {.change_count = PROTO_COMMIT_CHANGES_MAX + i};
		struct proto_object_changes text = {.part_count = 1, .parts = &part};

		part.changes = calloc(part.change_count, sizeof(*part.changes));
		for (uint32_t j = 0; j < part.change_count; j++)
			part.changes[j].kind = PROTO_CHANGE_PUNCH_OBJECT;
		writer_init(&writer, first, sizeof(first));
		proto_object_changes_encode(&text, &writer);
		assert_false(writer.failed);
		assert_int_equal(decode(on_changes, *state, writer.position, &written),
				 i ? -DER_PROTO : 0);
		free(part.changes);
	}
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_round_trip),
		cmocka_unit_test(test_every_truncation_is_refused),
		cmocka_unit_test(test_damaged_and_random),
		cmocka_unit_test(test_without_memory),
		cmocka_unit_test(test_impossible_counts),
		cmocka_unit_test(test_payload_length),
		cmocka_unit_test(test_commit_limits),
	};

	return cmocka_run_group_tests(tests, setup, teardown);
}
