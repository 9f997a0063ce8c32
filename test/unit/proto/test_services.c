/* SPDX-License-Identifier: BSD-2-Clause-Patent */
/*
 * Messages of the system, pool and container services: random values come back as they went, and no
 * input makes a decoder reach beyond its end, keep memory, or accept what has an impossible length.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <cmocka.h>

#include "proto/proto.h"

#define WIRE_MAX (192u * 1024)

/* ------------------------------------------------ random values */

static uint64_t seed = 0x1234567;

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

static struct uuid
draw_uuid(void)
{
	return uuid_make(draw(), draw());
}

/* Texts are slices of one buffer without zero bytes. */
static char letters[1024];

static struct proto_text
draw_text(uint32_t limit)
{
	uint32_t length = below(limit + 1);

	if (limit > sizeof(letters) / 2)
		limit = sizeof(letters) / 2;
	length = length > limit ? limit : length;
	return (struct proto_text){letters + below(sizeof(letters) / 2), length};
}

static struct proto_name
draw_name(void)
{
	return (struct proto_name){draw_uuid(), draw_text(PROTO_LABEL_MAX)};
}

static void
draw_properties(struct proto_properties *properties)
{
	properties->count = below(PROTO_PROPERTIES_MAX + 1);
	for (uint32_t i = 0; i < properties->count; i++) {
		struct proto_property *item = &properties->items[i];

		*item = (struct proto_property){.type = i * 3 + 1, .is_bytes = draw() & 1};
		if (item->is_bytes)
			item->bytes = draw_text(300);
		else
			item->number = draw();
	}
}

static struct proto_engine engines[4];
static struct proto_target targets[16];

static uint32_t
draw_engines(void)
{
	for (uint32_t i = 0; i < ARRAY_SIZE(engines); i++) {
		engines[i] = (struct proto_engine){
			.rank = below(100),
			.targets = below(100),
			.loops = below(100),
			.state = 1,
			.incarnation = draw_uuid(),
			.address_count = below(PROTO_ADDRESSES_MAX + 1),
		};
		for (uint32_t j = 0; j < engines[i].address_count; j++)
			engines[i].addresses[j] = draw_text(PROTO_ADDRESS_MAX);
	}
	return below(ARRAY_SIZE(engines) + 1);
}

static struct proto_map
draw_map(void)
{
	struct proto_map map = {
		.version = below(1000),
		.engine_count = draw_engines(),
		.target_count = below(ARRAY_SIZE(targets) + 1),
		.engines = engines,
		.targets = targets,
	};

	for (uint32_t i = 0; i < ARRAY_SIZE(targets); i++)
		targets[i] = (struct proto_target){below(9), below(9), below(9), 4};
	return map;
}

/* ------------------------------------------------ messages */

/*
 * Draws a message and writes it; or reads one and writes what it read. Returns the decoder's
 * result, and what remains allocated is a leak of the arena.
 */
typedef int message_function(struct reader *reader, struct arena *arena, struct writer *writer);

#define PLAIN_MESSAGE(name, type, make)                                                    \
	static int name(struct reader *reader, struct arena *arena, struct writer *writer) \
	{                                                                                  \
		struct proto_##type message;                                               \
		int rc = 0;                                                                \
		(void)arena;                                                               \
		if (reader)                                                                \
			rc = proto_##type##_decode(reader, &message);                      \
		else                                                                       \
			make(&message);                                                    \
		if (rc == 0)                                                               \
			proto_##type##_encode(&message, writer);                           \
		return rc;                                                                 \
	}

#define ARENA_MESSAGE(name, type, make)                                                    \
	static int name(struct reader *reader, struct arena *arena, struct writer *writer) \
	{                                                                                  \
		struct proto_##type message;                                               \
		int rc = 0;                                                                \
		if (reader)                                                                \
			rc = proto_##type##_decode(reader, arena, &message);               \
		else                                                                       \
			make(&message);                                                    \
		if (rc == 0)                                                               \
			proto_##type##_encode(&message, writer);                           \
		if (rc == 0 && reader)                                                     \
			proto_##type##_free(arena, &message);                              \
		return rc;                                                                 \
	}

static void
make_properties(struct proto_properties *message)
{
	draw_properties(message);
}

static void
make_map(struct proto_map *message)
{
	*message = draw_map();
}

static void
make_query_reply(struct proto_system_query_reply *message)
{
	*message = (struct proto_system_query_reply){
		.name = draw_text(31),
		.version = draw_text(31),
		.id = draw_uuid(),
		.engine_count = draw_engines(),
		.engines = engines,
	};
}

static void
make_create(struct proto_pool_create *message)
{
	message->id = draw_uuid();
	message->thin = draw() & 1;
	message->metadata_bytes = draw();
	message->data_bytes = draw();
	message->share = below(10001);
	message->owner = draw_text(PROTO_PRINCIPAL_MAX);
	message->owner_group = draw_text(PROTO_PRINCIPAL_MAX);
	draw_properties(&message->properties);
}

static void
make_created(struct proto_pool_created *message)
{
	*message = (struct proto_pool_created){draw_uuid(), below(99), draw(), draw()};
}

static void
make_name(struct proto_name *message)
{
	*message = draw_name();
}

static void
make_destroy(struct proto_pool_destroy *message)
{
	*message = (struct proto_pool_destroy){draw_name(), draw() & 1, draw() & 1};
}

static void
make_entry(struct proto_pool_entry *message)
{
	*message = (struct proto_pool_entry){
		.id = draw_uuid(),
		.label = draw_text(PROTO_LABEL_MAX),
		.state = PROTO_POOL_READY,
		.rank_count = below(PROTO_RANKS_MAX + 1),
	};
	for (uint32_t i = 0; i < message->rank_count; i++)
		message->ranks[i] = below(1000);
}

static void
make_connect(struct proto_pool_connect *message)
{
	*message = (struct proto_pool_connect){draw_name(), draw_uuid(), below(8)};
}

static void
make_connected(struct proto_pool_connected *message)
{
	*message = (struct proto_pool_connected){
		.id = draw_uuid(),
		.capabilities = below(64),
		.map = draw_map(),
	};
}

static void
make_query(struct proto_pool_query *message)
{
	*message = (struct proto_pool_query){draw_uuid(), draw() & 1};
}

static void
make_pool_info(struct proto_pool_info *message)
{
	*message = (struct proto_pool_info){
		.id = draw_uuid(),
		.map_version = below(99),
		.targets = below(99),
		.disabled_targets = below(9),
		.engines = 1,
		.leader = below(9),
		.container_count = below(99),
		.handle_count = below(99),
		.opened = draw(),
		.modified = draw(),
		.tiers = {{draw(), draw(), draw(), draw()}, {draw(), draw(), draw(), draw()}},
	};
	draw_properties(&message->properties);
}

static struct proto_attribute attributes[PROTO_ATTRIBUTES_MAX];

static void
make_attributes(struct proto_attributes *message)
{
	*message = (struct proto_attributes){below(40), attributes};
	for (uint32_t i = 0; i < message->count; i++) {
		attributes[i] = (struct proto_attribute){
			.name = draw_text(PROTO_ATTRIBUTE_NAME_MAX),
			.value = draw_text(400),
			.present = draw() & 1,
		};
		if (attributes[i].name.length == 0)
			attributes[i].name.length = 1;
	}
}

static void
make_container_create(struct proto_container_create *message)
{
	message->pool_handle = draw_uuid();
	message->id = draw_uuid();
	draw_properties(&message->properties);
}

static void
make_container_destroy(struct proto_container_destroy *message)
{
	*message = (struct proto_container_destroy){draw_uuid(), draw_name(), draw() & 1};
}

static void
make_container_open(struct proto_container_open *message)
{
	*message = (struct proto_container_open){draw_uuid(), draw_uuid(), draw_name(), below(256)};
}

static void
make_container_info(struct proto_container_info *message)
{
	*message = (struct proto_container_info){
		.id = draw_uuid(),
		.capabilities = below(64),
		.handle_count = below(99),
		.snapshot_count = below(9),
		.latest_snapshot = draw(),
		.opened = draw(),
		.modified = draw(),
	};
	draw_properties(&message->properties);
}

static void
make_snapshot_call(struct proto_snapshot_call *message)
{
	*message = (struct proto_snapshot_call){draw_uuid(), draw(), draw(), below(4),
						draw_text(PROTO_SNAPSHOT_NAME_MAX)};
}

static struct proto_snapshot snapshot_items[PROTO_SNAPSHOTS_MAX];

static void
make_snapshots(struct proto_snapshots *message)
{
	*message = (struct proto_snapshots){
		.count = below(20), .more = draw() & 1, .items = snapshot_items};
	for (uint32_t i = 0; i < message->count; i++)
		snapshot_items[i] = (struct proto_snapshot){draw(), below(4),
							    draw_text(PROTO_SNAPSHOT_NAME_MAX)};
}

PLAIN_MESSAGE(properties, properties, make_properties)
ARENA_MESSAGE(map, map, make_map)
ARENA_MESSAGE(query_reply, system_query_reply, make_query_reply)
PLAIN_MESSAGE(create, pool_create, make_create)
PLAIN_MESSAGE(created, pool_created, make_created)
PLAIN_MESSAGE(name, name, make_name)
PLAIN_MESSAGE(destroy, pool_destroy, make_destroy)
PLAIN_MESSAGE(entry, pool_entry, make_entry)
PLAIN_MESSAGE(pool_connect, pool_connect, make_connect)
ARENA_MESSAGE(connected, pool_connected, make_connected)
PLAIN_MESSAGE(query, pool_query, make_query)
PLAIN_MESSAGE(pool_info, pool_info, make_pool_info)
ARENA_MESSAGE(attribute_list, attributes, make_attributes)
PLAIN_MESSAGE(container_create, container_create, make_container_create)
PLAIN_MESSAGE(container_destroy, container_destroy, make_container_destroy)
PLAIN_MESSAGE(container_open, container_open, make_container_open)
PLAIN_MESSAGE(container_info, container_info, make_container_info)
PLAIN_MESSAGE(snapshot_call, snapshot_call, make_snapshot_call)
ARENA_MESSAGE(snapshots, snapshots, make_snapshots)

static const struct {
	const char *name;
	message_function *function;
} messages[] = {
	{"properties", properties},
	{"map", map},
	{"system query reply", query_reply},
	{"pool create", create},
	{"pool created", created},
	{"name", name},
	{"pool destroy", destroy},
	{"pool entry", entry},
	{"pool connect", pool_connect},
	{"pool connected", connected},
	{"pool query", query},
	{"pool info", pool_info},
	{"attributes", attribute_list},
	{"container create", container_create},
	{"container destroy", container_destroy},
	{"container open", container_open},
	{"container info", container_info},
	{"snapshot call", snapshot_call},
	{"snapshots", snapshots},
};

static uint8_t first[WIRE_MAX], second[WIRE_MAX];

static int
setup(void **state)
{
	for (size_t i = 0; i < sizeof(letters); i++)
		letters[i] = (char)('a' + i % 26);
	*state = arena_create(0);
	return *state == NULL;
}

static int
teardown(void **state)
{
	arena_destroy(*state);
	return 0;
}

/* Draws one message into first and returns its length. */
static size_t
draw_message(message_function *function)
{
	struct writer writer;

	writer_init(&writer, first, sizeof(first));
	assert_int_equal(function(NULL, NULL, &writer), 0);
	assert_false(writer.failed);
	return writer.position;
}

/* Reads length bytes of exactly that much memory, so that a step beyond is seen. */
static int
decode_exactly(message_function *function, struct arena *arena, const uint8_t *data, size_t length,
	       size_t *ret_written)
{
	uint64_t used = arena_used(arena);
	uint8_t *copy = arena_alloc(arena, length);
	struct reader reader;
	struct writer writer;
	int rc;

	assert_non_null(copy);
	memcpy(copy, data, length);
	reader_init(&reader, copy, length);
	writer_init(&writer, second, sizeof(second));
	rc = function(&reader, arena, &writer);
	*ret_written = rc == 0 && reader_complete(&reader) ? writer.position : 0;
	arena_free(arena, copy);
	assert_int_equal(arena_used(arena), used);
	return rc;
}

static void
test_round_trip(void **state)
{
	for (size_t i = 0; i < ARRAY_SIZE(messages); i++)
		for (int turn = 0; turn < 50; turn++) {
			size_t length = draw_message(messages[i].function), written;

			assert_int_equal(decode_exactly(messages[i].function, *state, first, length,
							&written),
					 0);
			assert_int_equal(written, length);
			assert_memory_equal(first, second, length);
		}
}

static void
test_every_truncation_is_refused(void **state)
{
	for (size_t i = 0; i < ARRAY_SIZE(messages); i++) {
		size_t length = draw_message(messages[i].function), written;

		for (size_t cut = length > 2000 ? length - 2000 : 0; cut < length; cut++)
			assert_int_equal(decode_exactly(messages[i].function, *state, first, cut,
							&written),
					 -DER_PROTO);
	}
}

static void
test_random_bytes(void **state)
{
	for (size_t i = 0; i < ARRAY_SIZE(messages); i++)
		for (int turn = 0; turn < 2000; turn++) {
			size_t length = below(200), written;
			int rc;

			for (size_t j = 0; j < length; j++)
				first[j] = (uint8_t)(turn & 1 ? below(4) : draw());
			rc = decode_exactly(messages[i].function, *state, first, length, &written);
			assert_true(rc == 0 || rc == -DER_PROTO);
		}
}

static void
test_damaged_messages(void **state)
{
	for (size_t i = 0; i < ARRAY_SIZE(messages); i++)
		for (int turn = 0; turn < 300; turn++) {
			size_t length = draw_message(messages[i].function), written;
			int rc;

			for (uint32_t changes = 1 + below(4); changes > 0; changes--)
				first[below(length > 64 && turn & 1 ? 64 : (uint32_t)length)] =
					(uint8_t)draw();
			rc = decode_exactly(messages[i].function, *state, first, length, &written);
			assert_true(rc == 0 || rc == -DER_PROTO);
		}
}

static void
test_without_memory(void **state)
{
	struct arena *arena = *state;

	for (size_t i = 0; i < ARRAY_SIZE(messages); i++) {
		size_t length;
		struct reader reader;
		struct writer writer;
		uint64_t used = arena_used(arena);
		int rc;

		do
			length = draw_message(messages[i].function);
		while (length < 20);
		reader_init(&reader, first, length);
		writer_init(&writer, second, sizeof(second));
		arena_fail_at(arena, 1);
		rc = messages[i].function(&reader, arena, &writer);
		arena_fail_at(arena, 0);
		assert_true(rc == 0 || rc == -DER_NOMEM);
		assert_int_equal(arena_used(arena), used);
	}
}

/* A newer version has more fields in its fixed part: they are skipped. */
static void
test_newer_fixed_part(void **state)
{
	struct proto_pool_query request = {draw_uuid(), true}, answer;
	uint8_t wire[64] = {0};
	struct writer writer;
	struct reader reader;

	(void)state;
	writer_init(&writer, wire, sizeof(wire));
	proto_pool_query_encode(&request, &writer);
	store_u16(wire, 2);
	store_u16(wire + 2, (uint16_t)(writer.position + 8));
	reader_init(&reader, wire, writer.position + 8);
	assert_int_equal(proto_pool_query_decode(&reader, &answer), 0);
	assert_true(reader_complete(&reader));
	assert_true(uuid_equal(&answer.handle, &request.handle));
	assert_true(answer.properties);
}

static void
test_property_twice_is_refused(void **state)
{
	struct proto_properties set = {.count = 2, .items = {{.type = 7}, {.type = 7}}}, answer;
	uint8_t wire[64];
	struct writer writer;
	struct reader reader;

	(void)state;
	writer_init(&writer, wire, sizeof(wire));
	proto_properties_encode(&set, &writer);
	reader_init(&reader, wire, writer.position);
	assert_int_equal(proto_properties_decode(&reader, &answer), -DER_PROTO);
}

static void
test_zero_byte_in_a_label_is_refused(void **state)
{
	struct proto_name label = {.label = {"a\0b", 3}}, answer;
	uint8_t wire[64];
	struct writer writer;
	struct reader reader;

	(void)state;
	writer_init(&writer, wire, sizeof(wire));
	proto_name_encode(&label, &writer);
	reader_init(&reader, wire, writer.position);
	assert_int_equal(proto_name_decode(&reader, &answer), -DER_PROTO);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_round_trip),
		cmocka_unit_test(test_every_truncation_is_refused),
		cmocka_unit_test(test_random_bytes),
		cmocka_unit_test(test_damaged_messages),
		cmocka_unit_test(test_without_memory),
		cmocka_unit_test(test_newer_fixed_part),
		cmocka_unit_test(test_property_twice_is_refused),
		cmocka_unit_test(test_zero_byte_in_a_label_is_refused),
	};

	return cmocka_run_group_tests(tests, setup, teardown);
}
