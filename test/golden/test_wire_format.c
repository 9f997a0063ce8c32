/* SPDX-License-Identifier: BSD-2-Clause-Patent */
/* Frames and one message of each kind, as they travel. */
#include "golden.h"
#include "proto/proto.h"

static uint8_t buffer[16 * 1024];

static struct uuid
some_id(uint8_t first)
{
	struct uuid id;

	for (uint8_t i = 0; i < 16; i++)
		id.bytes[i] = (uint8_t)(first + i);
	return id;
}

static struct proto_text
text(const char *data)
{
	return (struct proto_text){data, (uint32_t)strlen(data)};
}

static struct proto_name
some_name(void)
{
	return (struct proto_name){some_id(0x10), text("label")};
}

static struct writer
begin(void)
{
	struct writer writer;

	memset(buffer, 0, sizeof(buffer));
	writer_init(&writer, buffer, sizeof(buffer));
	return writer;
}

static void
add(struct golden *golden, const char *name, const struct writer *writer)
{
	assert_false(writer->failed);
	golden_add(golden, name, buffer, writer->position);
}

/* Encodes *value and adds it under the encoder's name. */
#define ADD(golden, kind, value)                 \
	do {                                     \
		struct writer encoder = begin(); \
		kind##_encode(value, &encoder);  \
		add(golden, #kind, &encoder);    \
	} while (0)

/* ------------------------------------------------ frames */

static void
add_frame(struct golden *golden, const char *name, uint8_t kind, uint8_t flags)
{
	struct proto_header header = {
		.kind = kind,
		.flags = flags,
		.call = 0x0102030405060708,
		.stamp = 0x1112131415161718,
		.operation = PROTO_OBJECT_UPDATE,
		.status = -1007,
		.map_version = 0x21222324,
		.timeout_ms = 0x31323334,
	};
	const struct request_id id = {some_id(0x40), 0x5152535455565758, 0x6162636465666768,
				      0x7172737475767778};
	struct iovec frame[2] = {{buffer, 0}, {(char[]){"body"}, 4}};

	for (uint8_t i = 0; i < 16; i++)
		header.incarnation[i] = (uint8_t)(0x40 + i);
	memset(buffer, 0, sizeof(buffer));
	frame[0].iov_len = proto_prefix_encode(&header, &id, 4, buffer);
	proto_frame_seal(frame, 2);
	memcpy(buffer + frame[0].iov_len, "body", 4);
	golden_add(golden, name, buffer, frame[0].iov_len + 4);
}

static void
frames_are_as_written(void **state)
{
	struct golden *golden = golden_begin("wire", PROTO_VERSION);
	struct proto_hello hello;

	(void)state;
	add_frame(golden, "request", PROTO_REQUEST, 0);
	add_frame(golden, "request with id", PROTO_REQUEST, PROTO_REQUEST_ID | PROTO_AGAIN);
	add_frame(golden, "reply", PROTO_REPLY, 0);
	add_frame(golden, "goodbye", PROTO_GOODBYE, 0);
	proto_hello_init(&hello, "daos_server");
	hello.tag = 0x01020304;
	hello.loops = 0x11121314;
	hello.rank = 0x21222324;
	hello.credits = 0x31323334;
	golden_add(golden, "hello", buffer, proto_hello_encode(&hello, buffer));
	hello.identified = 1;
	hello.user = 0x41424344;
	hello.group = 0x51525354;
	golden_add(golden, "hello of a user", buffer, proto_hello_encode(&hello, buffer));
	golden_end(golden);
}

/* ------------------------------------------------ messages of the services */

static const struct proto_properties properties = {
	.count = 2,
	.items = {{.type = 1, .is_bytes = true, .bytes = {"label", 5}},
		  {.type = 4, .number = 0x0102030405060708}},
};

static const struct proto_engine engine = {
	.rank = 1,
	.targets = 2,
	.loops = 2,
	.state = 1,
	.incarnation = {{0xee}},
	.address_count = 2,
	.addresses = {{"unix:/run/e.sock", 16}, {"tcp:127.0.0.1:1", 15}},
};

static struct proto_map
some_map(void)
{
	static struct proto_engine engines[1];
	static struct proto_target targets[2] = {{1, 0, 0, PROTO_TARGET_UP_IN},
						 {1, 1, 1, PROTO_TARGET_UP_IN}};

	engines[0] = engine;
	return (struct proto_map){7, 0, 1, 2, engines, targets};
}

static void
add_system(struct golden *golden)
{
	struct proto_engine engines[1] = {engine};
	const struct proto_system_query_reply reply = {text("daos_server"), text("0.1.0"),
						       some_id(0x20), 1, engines};
	const struct proto_pool_create create = {some_id(0x30),	     true,
						 0x1112131415161718, 0x2122232425262728,
						 text("user@"),	     text("group@"),
						 properties,	     0};
	const struct proto_pool_created created = {some_id(0x30), 2, 0x1112131415161718,
						   0x2122232425262728};
	const struct proto_pool_destroy destroy = {some_name(), true, false};
	const struct proto_pool_entry entry = {
		some_id(0x30), text("label"), PROTO_POOL_READY, 1, {3}};
	const struct proto_map map = some_map();
	struct writer writer = begin();

	ADD(golden, proto_map, &map);
	ADD(golden, proto_system_query_reply, &reply);
	ADD(golden, proto_pool_create, &create);
	ADD(golden, proto_pool_created, &created);
	ADD(golden, proto_pool_destroy, &destroy);
	ADD(golden, proto_pool_entry, &entry);
	writer = begin();
	proto_failure_encode("what, why, and what to do", &writer);
	add(golden, "proto_failure", &writer);
}

static void
add_pool(struct golden *golden)
{
	struct proto_attribute item = {text("name"), text("value"), true};
	const struct proto_attributes attributes = {1, &item};
	const struct proto_pool_connect connect = {some_name(), some_id(0x40), 2};
	const struct proto_pool_connected connected = {some_id(0x30), 63, 0, some_map()};
	const struct proto_pool_query query = {some_id(0x40), true};
	const struct proto_acl_change change = {some_id(0x40), true, 3, text("dev@"), text("list")};
	const struct proto_target_query target = {some_id(0x40), 5, 6};
	const struct proto_target_info target_info = {4, {100, 1000}, {90, 900}};
	const struct proto_container_filter filter = {
		some_id(0x40), some_id(0x50), true, 1, {{2, 1, 0x1112131415161718}}};
	const struct proto_container_entry entry = {some_name(), 2, 3, 4, 5, 6};
	const struct proto_pool_info info = {
		.id = some_id(0x30),
		.map_version = 7,
		.targets = 2,
		.disabled_targets = 1,
		.engines = 1,
		.leader = 3,
		.container_count = 4,
		.handle_count = 5,
		.opened = 0x1112131415161718,
		.modified = 0x2122232425262728,
		.tiers = {{100, 90, 40, 50}, {1000, 900, 400, 500}},
		.properties = properties,
	};

	ADD(golden, proto_attributes, &attributes);
	ADD(golden, proto_pool_connect, &connect);
	ADD(golden, proto_pool_connected, &connected);
	ADD(golden, proto_pool_query, &query);
	ADD(golden, proto_pool_info, &info);
	ADD(golden, proto_acl_change, &change);
	ADD(golden, proto_target_query, &target);
	ADD(golden, proto_target_info, &target_info);
	ADD(golden, proto_container_filter, &filter);
	ADD(golden, proto_container_entry, &entry);
}

static void
add_container(struct golden *golden)
{
	const struct proto_container_create create = {some_id(0x40), some_id(0x50), properties};
	const struct proto_container_destroy destroy = {some_id(0x40), some_name(), true};
	const struct proto_container_open opening = {some_id(0x40), some_id(0x60), some_name(), 2};
	const struct proto_container_info info = {
		.id = some_id(0x50),
		.capabilities = 63,
		.handle_count = 2,
		.snapshot_count = 3,
		.latest_snapshot = 0x1112131415161718,
		.opened = 0x2122232425262728,
		.modified = 0x3132333435363738,
		.properties = properties,
	};

	ADD(golden, proto_container_create, &create);
	ADD(golden, proto_container_destroy, &destroy);
	ADD(golden, proto_container_open, &opening);
	ADD(golden, proto_container_info, &info);
}

static void
services_are_as_written(void **state)
{
	struct golden *golden = golden_begin("messages", PROTO_VERSION);

	(void)state;
	add_system(golden);
	add_pool(golden);
	add_container(golden);
	golden_end(golden);
}

/* ------------------------------------------------ messages of objects */

static struct proto_object
some_object(uint32_t flags)
{
	return (struct proto_object){
		.pool = some_id(0x30),
		.handle = some_id(0x60),
		.id = {.lo = 0x0102030405060708, .hi = 0x1112131415161718},
		.shard = 1,
		.target = 2,
		.epoch = 0x2122232425262728,
		.conditions = 0x31,
		.flags = flags,
	};
}

static void
add_values(struct golden *golden)
{
	const struct proto_extent extents[] = {{16, 4096}, {8192, 100}};
	const uint32_t sums[] = {0x01020304, 0x11121314};
	struct proto_akey akeys[] = {
		{text("akey"), PROTO_VALUE_ARRAY, 0x21, 1, 2, extents, 2, sums},
		{text("single"), PROTO_VALUE_SINGLE, 0, 5, 0, NULL, 1, sums},
	};
	struct proto_akey asked[] = {
		{text("akey"), PROTO_VALUE_ARRAY, 0x21, 4196, 2, extents, 0, NULL},
		{text("single"), PROTO_VALUE_SINGLE, 0, 64, 0, NULL, 0, NULL},
	};
	struct proto_fetched values[] = {{1, 4196, 2, sums, 2, extents}, {5, 5, 1, sums, 0, NULL}};
	const struct proto_object_update inlined = {
		some_object(0), text("dkey"), 1, akeys + 1, {0, 0}, 5, text("value")};
	const struct proto_object_update pulled = {
		some_object(0), text("dkey"), 2, akeys, {0x4142434445464748, 4201},
		4201,		{NULL, 0}};
	const struct proto_object_fetch fetch = {
		some_object(PROTO_FETCH_RUNS), text("dkey"), 2, asked,
		{0x4142434445464748, 4260},    4260};
	const struct proto_object_fetched pushed = {
		.akey_count = 2, .akeys = values, .pushed = true};
	const struct proto_object_fetched answer = {
		.akey_count = 1, .akeys = values + 1, .payload = text("value")};

	ADD(golden, proto_object_update, &inlined);
	ADD(golden, proto_object_update, &pulled);
	ADD(golden, proto_object_fetch, &fetch);
	ADD(golden, proto_object_fetched, &pushed);
	ADD(golden, proto_object_fetched, &answer);
}

static void
add_others(struct golden *golden)
{
	struct proto_text keys[] = {text("one"), text("two")};
	struct proto_list_entry entries[] = {
		{text("one"), 0, {0, 0}, 0, 0, text("value")},
		{text(""), 0, {16, 4096}, 1, 0x5152535455565758, text("")},
	};
	const struct proto_object_punch punch = {some_object(0), text("dkey"), 2, keys};
	const struct proto_object_list list = {
		some_object(0), PROTO_LIST_DKEYS, 128,		4096,	     text("dkey"),
		text("akey"),	text("position"), text("from"), text("with")};
	const struct proto_object_listed listed = {
		.count = 2, .end = true, .entries = entries, .position = text("position")};
	const struct proto_object_query query = {some_object(PROTO_QUERY_MAX | PROTO_QUERY_DKEY),
						 text("dkey"), text("akey")};
	const struct proto_object_queried queried = {
		.dkey = 0x0102030405060708,
		.akey = 0x1112131415161718,
		.extent = {16, 4096},
		.record_size = 1,
		.epoch = 0x2122232425262728,
	};

	ADD(golden, proto_object_punch, &punch);
	ADD(golden, proto_object_list, &list);
	ADD(golden, proto_object_listed, &listed);
	ADD(golden, proto_object_query, &query);
	ADD(golden, proto_object_queried, &queried);
}

/* Reads of a transaction and their answers; its commit and the text of its changes. */
static void
add_transaction(struct golden *golden)
{
	const uint32_t sums[] = {0x01020304};
	struct proto_text keys[] = {text("one"), text("two")};
	struct proto_akey akeys[] = {{text("single"), PROTO_VALUE_SINGLE, 0, 5, 0, NULL, 1, sums}};
	struct proto_change changes[] = {
		{.kind = PROTO_CHANGE_UPDATE,
		 .conditions = 0x02,
		 .id = {1, 2},
		 .shard = 3,
		 .dkey = text("dkey"),
		 .count = 1,
		 .akeys = akeys},
		{.kind = PROTO_CHANGE_PUNCH_OBJECT, .id = {4, 5}},
		{.kind = PROTO_CHANGE_PUNCH_DKEYS, .id = {6, 7}, .count = 2, .keys = keys},
	};
	struct proto_change_part parts[] = {{1, 2, changes}, {2, 1, changes + 2}};
	const struct proto_object_changes text_of = {2, parts};
	struct proto_object_commit commit = {
		.object = some_object(0),
		.text_length = 4,
		.payload_length = 5,
		.text = text("text"),
		.payload = text("value"),
	};
	struct proto_object_query query = {some_object(0), text("dkey"), text("akey")};
	const struct proto_object_queried queried = {.read_epoch = 0x2122232425262700};
	const struct proto_object_fetched fetched = {.epoch = 0x2122232425262700};
	const struct proto_object_listed listed = {.end = true, .epoch = 0x2122232425262700};

	commit.object.transaction = query.object.transaction = some_id(0x90);
	ADD(golden, proto_object_query, &query);
	ADD(golden, proto_object_fetched, &fetched);
	ADD(golden, proto_object_listed, &listed);
	ADD(golden, proto_object_queried, &queried);
	ADD(golden, proto_object_changes, &text_of);
	ADD(golden, proto_object_commit, &commit);
}

static void
objects_are_as_written(void **state)
{
	struct golden *golden = golden_begin("objects", PROTO_VERSION);

	(void)state;
	add_values(golden);
	add_others(golden);
	add_transaction(golden);
	golden_end(golden);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(frames_are_as_written),
		cmocka_unit_test(services_are_as_written),
		cmocka_unit_test(objects_are_as_written),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
