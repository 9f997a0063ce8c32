/* SPDX-License-Identifier: BSD-2-Clause-Patent */
/*
 * The records of a store, and a whole store as this version left it: its log, heap and data space.
 * The store is not written anew and compared, as where things lie is no part of the format; it is
 * opened, read, changed, and opened again.
 */
#include "env/memory/memory.h"
#include "golden.h"
#include "vos/format.h"

#define NODE "node"

static struct uuid
some_id(uint8_t first)
{
	struct uuid id;

	for (uint8_t i = 0; i < 16; i++)
		id.bytes[i] = (uint8_t)(first + i);
	return id;
}

/* ------------------------------------------------ records */

static const struct life life = {0x0102030405060708, 0x1112131415161718, 0x2122232425262728};

static void
add_keys(struct golden *golden)
{
	const struct entity dkey = {
		.type = RECORD_DKEY,
		.version = RECORD_VERSION,
		.flags = ENTITY_STALE,
		.key_length = 4,
		.hash = 0x3132333435363738,
		.key.bytes = "dkey",
		.life = life,
		.written = 0x4142434445464748,
		.children = {.node = 0x5152535455565758},
	};
	struct akey_record akey = {
		.entity = dkey,
		.record_size = 0x6162636465666768,
		.value.newest = {.type = RECORD_EXTENT,
				 .version = RECORD_VERSION,
				 .flags = EXTENT_HOLE,
				 .count = 0x7172737475767778,
				 .epoch = 0x8182838485868788,
				 .blob = 0x9192939495969798},
	};
	const struct key_record key = {RECORD_KEY, RECORD_VERSION, 0x0102, 0};

	akey.entity.type = RECORD_AKEY;
	akey.entity.value = VOS_SINGLE;
	golden_add(golden, "dkey", &dkey, sizeof(dkey));
	golden_add(golden, "akey, single value", &akey, sizeof(akey));
	memset(&akey.value, 0, sizeof(akey.value));
	akey.entity.value = VOS_ARRAY;
	akey.value.array.extents.node = 0xa1a2a3a4a5a6a7a8;
	akey.value.array.longest = 0xb1b2b3b4b5b6b7b8;
	golden_add(golden, "akey, array", &akey, sizeof(akey));
	golden_add(golden, "long key", &key, sizeof(key));
}

static void
add_values(struct golden *golden)
{
	const struct blob blob = {
		.type = RECORD_BLOB,
		.version = RECORD_VERSION,
		.flags = BLOB_DATA,
		.references = 0x01020304,
		.start = 0x1112131415161718,
		.record_size = 0x2122232425262728,
		.length = 0x31323334,
		.sum_count = 0x4142,
		.extent_count = 0x5152,
	};
	const struct data_extent extent = {0x0102030405060708, 0x11121314, 0};
	const struct blob_tail tail = {.type = RECORD_TAIL, .version = RECORD_VERSION};

	golden_add(golden, "blob", &blob, sizeof(blob));
	golden_add(golden, "data extent", &extent, sizeof(extent));
	golden_add(golden, "tail of a blob", &tail, sizeof(tail));
}

static void
add_requests(struct golden *golden)
{
	const struct client_record client = {
		.type = RECORD_CLIENT,
		.version = RECORD_VERSION,
		.capacity = 0x01020304,
		.client = some_id(0x10),
		.confirmed = 0x2122232425262728,
		.latest = 0x3132333435363738,
		.requests = 0x4142434445464748,
	};
	const struct request_entry entry = {0x0102030405060708, 0x1112131415161718, -1004, 0};
	const struct stale_record stale = {
		.type = RECORD_STALE,
		.version = RECORD_VERSION,
		.shard = 0x01020304,
		.container = some_id(0x10),
		.id = {.lo = 0x2122232425262728, .hi = 0x3132333435363738},
	};

	golden_add(golden, "client", &client, sizeof(client));
	golden_add(golden, "request", &entry, sizeof(entry));
	golden_add(golden, "stale object", &stale, sizeof(stale));
}

static void
add_transactions(struct golden *golden)
{
	const struct intent_record record = {
		.type = RECORD_INTENT,
		.version = RECORD_VERSION,
		.state = INTENT_COMMITTED,
		.leads = 1,
		.leader = 0x01020304,
		.id = some_id(0x10),
		.container = some_id(0x20),
		.epoch = 0x3132333435363700,
		.change_count = 0x41424344,
		.applied = 0x51525354,
		.participant_count = 0x61626364,
		.participants = 0x7172737475767778,
		.first = 0x8182838485868788,
		.last = 0x9192939495969798,
	};
	const struct participants participants = {
		.type = RECORD_PARTICIPANTS, .version = RECORD_VERSION, .count = 0x01020304};
	const struct intent_block block = {
		.type = RECORD_INTENT_BLOCK,
		.version = RECORD_VERSION,
		.flags = INTENT_BLOCK_LAST,
		.length = 0x01020304,
		.next = 0x1112131415161718,
	};
	const struct intent_change change = {
		.kind = VOS_OP_UPDATE,
		.flags = INTENT_WHOLE,
		.minor = 7,
		.count = 0x01020304,
		.object = {.lo = 0x1112131415161718, .hi = 0x2122232425262728},
		.shard = 0x31323334,
		.dkey_length = 0x41424344,
		.value_count = 0x51525354,
	};
	const struct intent_key key = {
		.value = VOS_ARRAY,
		.length = 0x01020304,
		.extent_count = 0x11121314,
		.record_size = 0x2122232425262728,
	};

	golden_add(golden, "transaction", &record, sizeof(record));
	golden_add(golden, "participants", &participants, sizeof(participants));
	golden_add(golden, "block of a change", &block, sizeof(block));
	golden_add(golden, "change", &change, sizeof(change));
	golden_add(golden, "key of a change", &key, sizeof(key));
}

static void
records_are_as_written(void **state)
{
	struct golden *golden = golden_begin("records", RECORD_VERSION);

	(void)state;
	add_keys(golden);
	add_values(golden);
	add_requests(golden);
	add_transactions(golden);
	golden_end(golden);
}

/* ------------------------------------------------ a store in a world */

struct stand {
	struct memory_world *world;
	struct env *env;
	struct loop *loop;
	struct media *media;
	struct vos *vos;
	struct vos_container *container;
	struct golden *golden;
};

static const struct media_options media_options = {.log_size = 1024u * 1024};

static void
check(int rc, const char *what)
{
	if (rc != 0)
		fail_msg("%s: %s", what, error_text(rc));
}

static void
world_begin(struct stand *stand)
{
	const struct memory_env_options options = {.node = NODE, .level = LOG_ERROR};

	if (!stand->world)
		check(memory_world_create(1, &stand->world), "world");
	check(memory_env_create(stand->world, &options, &stand->env), "env");
	check(loop_create(stand->env, NULL, &stand->loop), "loop");
}

static void
world_end(struct stand *stand)
{
	loop_destroy(stand->loop);
	memory_env_destroy(stand->env);
}

static int
store_format(void *argument)
{
	struct stand *stand = argument;
	const struct heap_options options = {
		.id = some_id(0x20), .heap_size = 4 * HEAP_ZONE, .data_size = 1024u * 1024};
	struct heap *heap;
	uint64_t group;

	check(media_format(stand->loop, "log", &media_options), "media_format");
	check(media_open(stand->loop, "log", &media_options, &stand->media), "media_open");
	check(heap_create(stand->media, "store", &options), "heap_create");
	check(heap_open(stand->media, "store", &heap), "heap_open");
	check(media_start(stand->media), "media_start");
	check(vos_format(heap), "vos_format");
	check(vos_open(heap, &stand->vos), "vos_open");
	check(vos_container_create(stand->vos, some_id(0x30), &group), "vos_container_create");
	check(media_wait(stand->media, group), "media_wait");
	return vos_container_open(stand->vos, some_id(0x30), &stand->container);
}

static int
store_open(void *argument)
{
	struct stand *stand = argument;
	struct heap *heap;

	check(media_open(stand->loop, "log", &media_options, &stand->media), "media_open");
	check(heap_open(stand->media, "store", &heap), "heap_open");
	check(media_start(stand->media), "media_start");
	check(vos_open(heap, &stand->vos), "vos_open");
	return vos_container_open(stand->vos, some_id(0x30), &stand->container);
}

static int
store_close(void *argument)
{
	struct stand *stand = argument;

	vos_container_close(stand->container);
	vos_close(stand->vos);
	return media_close(stand->media);
}

/* ------------------------------------------------ its content */

/* Values of a byte each, filled with letters; each kind of place: in the heap, in the data space,
 * keys of all orders. */
struct value {
	uint64_t type; /* of the object: how its keys are ordered */
	const char *dkey;
	uint64_t epoch;
	uint64_t index; /* arrays */
	uint32_t length;
	bool array;
	uint8_t fill;
};

/* Written before the checkpoint, and after it. */
static const struct value early[] = {
	{0, "hashed", 100, 0, 20, false, 'a'},
	{0, "hashed, with a key longer than what lies in the record", 101, 0, 5000, false, 'b'},
	{5, "lexical", 102, 100, 6000, true, 'c'},
	{2, "12345678", 103, 0, 10, true, 'd'},
};
static const struct value late[] = {
	{0, "hashed", 200, 0, 30, false, 'e'},
	{5, "lexical", 201, 2000, 100, true, 'f'},
	{5, "another", 202, 0, 9000, true, 'g'},
	{5, "in two blocks", 203, 0, 2100, true, 'i'},
};
static const struct value more[] = {{0, "new", 300, 0, 40, false, 'h'}};

static struct vos_object
object_of(const struct value *value)
{
	return (struct vos_object){.id = {.lo = 1, .hi = value->type << 56}, .shard = 0};
}

static struct vos_akey
akey_of(const struct value *value, const struct vos_extent *extent)
{
	return (struct vos_akey){.key = {"akey", 4},
				 .type = value->array ? VOS_ARRAY : VOS_SINGLE,
				 .record_size = value->array ? 1 : value->length,
				 .extents = value->array ? extent : NULL,
				 .extent_count = value->array};
}

static void
put(struct stand *stand, const struct value *value)
{
	const struct request_id request = {some_id(0x40), value->epoch, value->epoch / 100 * 100,
					   value->epoch};
	const struct vos_change change = {.epoch = value->epoch, .request = &request};
	const struct vos_extent extent = {value->index, value->length};
	const struct vos_object object = object_of(value);
	struct vos_akey akey = akey_of(value, &extent);
	uint8_t *bytes = malloc(value->length);
	struct iovec iov = {bytes, value->length};
	uint64_t group;

	assert_non_null(bytes);
	memset(bytes, value->fill, value->length);
	akey.payload = &iov;
	akey.payload_count = 1;
	check(vos_update(stand->container, &object,
			 (struct vos_key){value->dkey, (uint32_t)strlen(value->dkey)}, &akey, 1,
			 &change, &group),
	      value->dkey);
	check(media_wait(stand->media, group), value->dkey);
	free(bytes);
}

static void
get(struct stand *stand, const struct value *value)
{
	const struct vos_extent extent = {value->index, value->length};
	const struct vos_object object = object_of(value);
	const struct vos_akey akey = akey_of(value, &extent);
	struct vos_fetched fetched;

	check(vos_fetch(stand->container, &object,
			(struct vos_key){value->dkey, (uint32_t)strlen(value->dkey)}, &akey, 1,
			value->epoch, 0, 0, &fetched),
	      value->dkey);
	assert_int_equal(fetched.length, value->length);
	for (uint32_t i = 0; i < value->length; i++)
		assert_int_equal(fetched.data[i], value->fill);
	vos_fetched_free(stand->container, &fetched, 1);
}

/* In a transaction that stays prepared. */
static const struct value prepared[] = {
	{0, "prepared", 0x400, 0, 50, false, 'p'},
	{5, "prepared", 0x400, 0, 5000, true, 'q'},
};

static struct vos_tx
prepared_tx(void)
{
	static const uint32_t participants[] = {3, 5};

	return (struct vos_tx){.id = some_id(0x50),
			       .container = some_id(0x30),
			       .epoch = prepared[0].epoch,
			       .leader = 1,
			       .leads = true,
			       .participant_count = 2,
			       .participants = participants};
}

static void
prepare(struct stand *stand)
{
	static uint8_t bytes[ARRAY_SIZE(prepared)][8192];
	struct vos_op ops[ARRAY_SIZE(prepared) + 1];
	struct vos_extent extents[ARRAY_SIZE(prepared)];
	struct vos_akey akeys[ARRAY_SIZE(prepared)];
	struct iovec iov[ARRAY_SIZE(prepared)];
	const struct vos_key punched = {"not there", 9};
	const struct vos_tx tx = prepared_tx();
	uint64_t group;

	for (uint32_t i = 0; i < ARRAY_SIZE(prepared); i++) {
		const struct value *value = &prepared[i];

		memset(bytes[i], value->fill, value->length);
		iov[i] = (struct iovec){bytes[i], value->length};
		extents[i] = (struct vos_extent){value->index, value->length};
		akeys[i] = akey_of(value, &extents[i]);
		akeys[i].payload = &iov[i];
		akeys[i].payload_count = 1;
		ops[i] = (struct vos_op){
			.kind = VOS_OP_UPDATE,
			.object = object_of(value),
			.dkey = {value->dkey, (uint32_t)strlen(value->dkey)},
			.akeys = &akeys[i],
			.count = 1,
		};
	}
	ops[ARRAY_SIZE(prepared)] = (struct vos_op){.kind = VOS_OP_PUNCH_DKEYS,
						    .object = object_of(&prepared[0]),
						    .keys = &punched,
						    .count = 1};
	check(vos_tx_prepare(stand->container, &tx, ops, ARRAY_SIZE(ops), &group), "prepare");
	check(media_wait(stand->media, group), "prepare");
}

static int
apply_prepared(void *argument)
{
	struct stand *stand = argument;
	enum vos_tx_state state;
	uint64_t group;

	check(vos_tx_state(stand->vos, some_id(0x50), &state), "state");
	assert_int_equal(state, VOS_TX_PREPARED);
	check(vos_tx_decide(stand->vos, some_id(0x50), NULL, &group), "decide");
	check(vos_tx_apply(stand->vos, some_id(0x50), &group), "apply");
	for (uint32_t i = 0; i < ARRAY_SIZE(prepared); i++) {
		struct value value = prepared[i];

		value.epoch |= HLC_MINOR_MASK;
		get(stand, &value);
	}
	return 0;
}

static int
write_all(void *argument)
{
	struct stand *stand = argument;

	for (size_t i = 0; i < ARRAY_SIZE(early); i++)
		put(stand, &early[i]);
	check(media_checkpoint(stand->media), "media_checkpoint");
	for (size_t i = 0; i < ARRAY_SIZE(late); i++)
		put(stand, &late[i]);
	prepare(stand);
	return 0;
}

static int
read_all(void *argument)
{
	struct stand *stand = argument;

	for (size_t i = 0; i < ARRAY_SIZE(early); i++)
		get(stand, &early[i]);
	for (size_t i = 0; i < ARRAY_SIZE(late); i++)
		get(stand, &late[i]);
	return 0;
}

static int
write_more(void *argument)
{
	put(argument, &more[0]);
	return 0;
}

static int
read_more(void *argument)
{
	get(argument, &more[0]);
	return read_all(argument);
}

static int
run(struct stand *stand, int (*function)(void *argument))
{
	return memory_run(stand->world, stand->loop, function, stand);
}

/* ------------------------------------------------ the disks in the file */

static int
save_disk(void *argument, const char *name)
{
	struct stand *stand = argument;
	struct disk *disk;
	uint8_t *bytes;
	uint64_t size;

	check(stand->env->storage->open(stand->env->storage, name, &disk), name);
	size = disk->size;
	disk_close(disk);
	bytes = malloc(size);
	assert_non_null(bytes);
	memory_disk_peek(stand->world, NODE, name, bytes, size, 0);
	golden_add(stand->golden, name, bytes, size);
	free(bytes);
	return 0;
}

static void
restore_disk(void *argument, const char *name, const uint8_t *data, size_t length)
{
	struct stand *stand = argument;
	struct disk *disk;

	check(stand->env->storage->create(stand->env->storage, name, length, STORAGE_ALLOCATED,
					  &disk),
	      name);
	disk_close(disk);
	memory_disk_poke(stand->world, NODE, name, data, length, 0);
}

/* The process dies, so that the log still matters; nothing that was written is lost. */
static void
write_store(void)
{
	struct stand stand = {0};

	world_begin(&stand);
	check(run(&stand, store_format), "format");
	check(run(&stand, write_all), "write");
	loop_abandon(stand.loop);
	memory_env_crash(stand.env);
	world_begin(&stand);
	stand.golden = golden_begin("store", STORE_VERSION);
	stand.env->storage->list(stand.env->storage, "", save_disk, &stand);
	golden_end(stand.golden);
	world_end(&stand);
	memory_world_destroy(stand.world);
}

static void
store_is_readable(void **state)
{
	struct stand stand = {0};

	(void)state;
	if (golden_writing())
		write_store();
	world_begin(&stand);
	golden_read("store", STORE_VERSION, restore_disk, &stand);
	check(run(&stand, store_open), "open");
	check(run(&stand, read_all), "read");
	check(run(&stand, write_more), "write");
	check(run(&stand, apply_prepared), "apply");
	check(run(&stand, store_close), "close");
	world_end(&stand);

	world_begin(&stand);
	check(run(&stand, store_open), "open again");
	check(run(&stand, read_more), "read again");
	check(run(&stand, store_close), "close again");
	world_end(&stand);
	memory_world_destroy(stand.world);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(records_are_as_written),
		cmocka_unit_test(store_is_readable),
	};

	/* A failed check on a fiber cannot jump to the stack of the test. */
	setenv("CMOCKA_TEST_ABORT", "1", 1);
	return cmocka_run_group_tests(tests, NULL, NULL);
}
