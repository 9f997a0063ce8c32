/* SPDX-License-Identifier: BSD-2-Clause-Patent */
/* An engine from outside: what its services answer, and that it is the same after a stop and after
 * a crash. */
#include "site.h"

/* ------------------------------------------------ system */

static int
query_system(struct site *site)
{
	struct proto_system_query_reply reply;
	struct call call;

	call_begin(&call, site);
	assert_int_equal(call_send(&call, PROTO_SYSTEM_QUERY, NULL), 0);
	assert_int_equal(proto_system_query_reply_decode(&call.reply.body, site->client_env->arena,
							 &reply),
			 0);
	assert_int_equal(reply.engine_count, 1);
	assert_int_equal(reply.engines[0].targets, 4);
	assert_int_equal(reply.engines[0].loops, 2);
	assert_int_equal(reply.engines[0].address_count, 1);
	assert_int_equal(reply.name.length, strlen("daos_server"));
	assert_memory_equal(reply.name.data, "daos_server", reply.name.length);
	assert_false(uuid_empty(&reply.id));
	proto_system_query_reply_free(site->client_env->arena, &reply);
	call_end(&call);
	return 0;
}

static void
test_system(void **state)
{
	struct site site = {.loop_count = 2};

	(void)state;
	site_begin(&site, 1);
	site_run(&site, query_system);
	site_end(&site);
}

/* ------------------------------------------------ the end */

static int
stop_engine(void *argument)
{
	struct site *site = argument;

	engine_stop(site->engine);
	return 0;
}

/* Another client says goodbye; to forget its handles takes the engine a while. */
static void
leave_work(const struct site *site)
{
	static const char *const address = "memory:engine";
	struct site other = *site;
	const struct rpc_options options = {.incarnation =
						    uuid_make(memory_world_random(site->world), 2),
					    .clock = &other.client_clock,
					    .system = "daos_server"};
	struct uuid handle;

	assert_int_equal(rpc_create(site->client_loop, &options, &other.rpc), 0);
	assert_int_equal(rpc_window_create(other.rpc, &other.window), 0);
	assert_int_equal(rpc_peer_get(other.rpc, &address, 1, 0, &other.peer), 0);
	assert_int_equal(create_pool(&other, "tank", 128, NULL), 0);
	for (int i = 0; i < 8; i++)
		assert_int_equal(connect_pool(&other, "tank", DAOS_PC_RW, &handle), 0);
	rpc_window_destroy(other.window);
	rpc_destroy(other.rpc);
	rpc_peer_put(other.peer);
}

#define ASKING 16
#define STOPS 5

static bool stops;	  /* the engine has been told to */
static uint32_t answered; /* since then */

/* Asks until nobody answers. */
static int
ask_on(void *argument)
{
	struct site *site = argument;
	int rc = 0;

	while (rc == 0) {
		struct proto_system_query_reply reply;
		struct call call;

		call_begin(&call, site);
		rc = call_send(&call, PROTO_SYSTEM_QUERY, NULL);
		if (rc == 0) {
			answered += stops;
			assert_int_equal(proto_system_query_reply_decode(
						 &call.reply.body, site->client_env->arena, &reply),
					 0);
			assert_int_equal(reply.engines[0].address_count, 1);
			proto_system_query_reply_free(site->client_env->arena, &reply);
		}
		call_end(&call);
	}
	return 0;
}

/* Whoever is served while an engine stops learns where it was: its successor is there. */
static int
query_while_it_stops(struct site *site)
{
	struct fiber_group group;
	int rc;

	assert_int_equal(query_system(site), 0);
	fiber_group_init(&group);
	for (uint32_t i = 0; i < ASKING; i++)
		assert_int_equal(fiber_group_start(&group, "ask", ask_on, site), 0);
	leave_work(site);
	/* By then the goodbye has arrived. */
	assert_int_equal(query_system(site), 0);
	stops = true;
	rc = loop_call(site->loops[0], stop_engine, site);
	fiber_group_wait(&group);
	return rc;
}

static void
test_stopping(void **state)
{
	(void)state;
	answered = 0;
	for (uint64_t seed = 1; seed <= STOPS; seed++) {
		struct site site = {.loop_count = 2};

		stops = false;
		site_begin(&site, seed);
		site_run(&site, query_while_it_stops);
		site_end(&site);
	}
	assert_true(answered > 0);
}

/* ------------------------------------------------ pools */

static int
pools(struct site *site)
{
	struct proto_pool_created created;
	struct proto_pool_info info;
	struct uuid handle, other;
	uint32_t count;

	assert_int_equal(create_pool(site, "tank", 256, &created), 0);
	assert_int_equal(created.targets, 4);
	assert_int_equal(created.data_bytes, 256 * MIB);
	assert_int_equal(create_pool(site, "tank", 256, NULL), -DER_EXIST);
	assert_int_equal(create_pool(site, NULL, 256, NULL), 0);
	assert_int_equal(count_pools(site, &count), 0);
	assert_int_equal(count, 2);
	assert_int_equal(connect_pool(site, "nope", DAOS_PC_RW, &handle), -DER_NONEXIST);
	assert_int_equal(connect_pool(site, "tank", 0, &handle), -DER_INVAL);
	assert_int_equal(connect_pool(site, "tank", DAOS_PC_RW, &handle), 0);
	assert_int_equal(query_pool(site, handle, &info), 0);
	assert_true(uuid_equal(&info.id, &created.id));
	assert_int_equal(info.targets, 4);
	assert_int_equal(info.disabled_targets, 0);
	assert_int_equal(info.handle_count, 1);
	assert_int_equal(info.container_count, 0);
	assert_int_equal(info.tiers[1].total, 256 * MIB);
	assert_true(info.tiers[1].free > 200 * MIB && info.tiers[1].free < 256 * MIB);
	assert_true(info.tiers[1].target_free_min > 50 * MIB);
	assert_true(info.tiers[0].free > 0 && info.tiers[0].free < info.tiers[0].total);
	assert_int_equal(proto_property_find(&info.properties, DAOS_PROP_PO_SPACE_RB)->number, 5);
	assert_int_equal(proto_property_find(&info.properties, DAOS_PROP_PO_LABEL)->bytes.length,
			 4);
	assert_int_equal(connect_pool(site, "tank", DAOS_PC_EX, &other), -DER_BUSY);
	assert_int_equal(connect_pool(site, "tank", DAOS_PC_RO, &other), 0);
	assert_int_equal(disconnect_pool(site, other), 0);
	assert_int_equal(disconnect_pool(site, other), 0);
	assert_int_equal(query_pool(site, other, &info), -DER_NO_HDL);
	assert_int_equal(destroy_pool(site, "tank", false, false), -DER_BUSY);
	assert_int_equal(disconnect_pool(site, handle), 0);
	assert_int_equal(connect_pool(site, "tank", DAOS_PC_EX, &handle), 0);
	assert_int_equal(connect_pool(site, "tank", DAOS_PC_RO, &other), -DER_BUSY);
	assert_int_equal(disconnect_pool(site, handle), 0);
	assert_int_equal(destroy_pool(site, "tank", false, false), 0);
	assert_int_equal(destroy_pool(site, "tank", false, false), -DER_NONEXIST);
	assert_int_equal(count_pools(site, &count), 0);
	assert_int_equal(count, 1);
	/* The label and the space are free again. */
	assert_int_equal(create_pool(site, "tank", 256, NULL), 0);
	return 0;
}

static void
test_pools(void **state)
{
	struct site site = {.loop_count = 2};

	(void)state;
	site_begin(&site, 2);
	site_run(&site, pools);
	site_end(&site);
}

/* ------------------------------------------------ bad input */

static int
bad_pools(struct site *site)
{
	static const char *const labels[] = {"", "a b", "a/b", "\xc3\xa4",
					     "6b0c4e2a-1111-4222-8333-444455556666"};
	struct proto_pool_create wanted = {.data_bytes = 256 * MIB};
	struct proto_pool_info info;
	char failure[PROTO_FAILURE_MAX];
	struct call call;
	uint32_t count;

	for (size_t i = 0; i < ARRAY_SIZE(labels); i++)
		assert_int_equal(create_pool(site, labels[i], 256, NULL), -DER_INVAL);
	assert_int_equal(create_pool_as(site, &wanted, NULL, NULL, failure), 0);
	wanted.data_bytes = MIB;
	assert_int_equal(create_pool_as(site, &wanted, NULL, NULL, failure), -DER_INVAL);
	assert_non_null(strstr(failure, "at least 64 MiB"));
	wanted.data_bytes = 64 * MIB;
	wanted.metadata_bytes = MIB;
	assert_int_equal(create_pool_as(site, &wanted, NULL, NULL, failure), -DER_INVAL);
	assert_non_null(strstr(failure, "at least"));
	wanted.metadata_bytes = 0;
	assert_int_equal(properties_set_number(&wanted.properties, 77, 1), 0);
	assert_int_equal(create_pool_as(site, &wanted, NULL, NULL, failure), -DER_INVAL);
	wanted.properties.count = 0;
	assert_int_equal(properties_set_number(&wanted.properties, DAOS_PROP_PO_SPACE_RB, 100), 0);
	assert_int_equal(create_pool_as(site, &wanted, NULL, NULL, failure), -DER_INVAL);
	wanted.properties.count = 0;
	wanted.data_bytes = UINT64_C(1) << 45;
	assert_int_equal(create_pool_as(site, &wanted, NULL, NULL, failure), -DER_NOSPACE);
	assert_non_null(strstr(failure, "MiB"));
	assert_int_equal(query_pool(site, uuid_make(1, 1), &info), -DER_NO_HDL);
	assert_int_equal(count_pools(site, &count), 0);
	assert_int_equal(count, 1);
	/* Bodies of nonsense, to every operation. */
	for (uint32_t operation = 0; operation < PROTO_OBJECT; operation++)
		for (uint32_t length = 0; length < 200; length += 37) {
			call_begin(&call, site);
			for (uint32_t i = 0; i < length; i++)
				writer_u8(&call.writer, (uint8_t)memory_world_random(site->world));
			(void)!call_send(&call, operation, NULL);
			call_end(&call);
		}
	return 0;
}

static void
test_bad_input(void **state)
{
	struct site site = {.loop_count = 2};

	(void)state;
	site_begin(&site, 3);
	memory_node_set_capacity(site.world, "server", 4096 * MIB);
	site_run(&site, bad_pools);
	site_end(&site);
}

/* A disk that is full: refused with nothing left behind. */
static int
full_storage(struct site *site)
{
	uint32_t count;
	uint64_t used;

	assert_int_equal(create_pool(site, "one", 256, NULL), 0);
	used = memory_node_used(site->world, "server");
	assert_int_equal(create_pool(site, "two", 512, NULL), -DER_NOSPACE);
	assert_int_equal(memory_node_used(site->world, "server"), used);
	assert_int_equal(count_pools(site, &count), 0);
	assert_int_equal(count, 1);
	assert_int_equal(destroy_pool(site, "one", false, false), 0);
	return create_pool(site, "two", 512, NULL);
}

static void
test_full_storage(void **state)
{
	struct site site = {.loop_count = 2};

	(void)state;
	site_begin(&site, 4);
	memory_node_set_capacity(site.world, "server", 900 * MIB);
	site_run(&site, full_storage);
	site_end(&site);
}

/* ------------------------------------------------ containers */

static int
containers(struct site *site)
{
	struct uuid pool, reader, handle, other, id;
	char value[64];
	uint64_t first;
	uint32_t count;

	assert_int_equal(create_pool(site, "tank", 256, NULL), 0);
	assert_int_equal(connect_pool(site, "tank", DAOS_PC_RW, &pool), 0);
	assert_int_equal(connect_pool(site, "tank", DAOS_PC_RO, &reader), 0);
	assert_int_equal(create_container(site, reader, "c", NULL), -DER_NO_PERM);
	assert_int_equal(create_container(site, pool, "bad label", NULL), -DER_INVAL);
	assert_int_equal(create_container(site, pool, "c", &id), 0);
	assert_int_equal(create_container(site, pool, "c", NULL), -DER_EXIST);
	assert_int_equal(create_container(site, pool, NULL, NULL), 0);
	assert_int_equal(count_containers(site, pool, &count), 0);
	assert_int_equal(count, 2);
	assert_int_equal(open_container(site, pool, "nope", DAOS_COO_RW, &handle), -DER_NONEXIST);
	assert_int_equal(open_container(site, reader, "c", DAOS_COO_RW, &handle), -DER_NO_PERM);
	assert_int_equal(open_container(site, pool, "c", 0, &handle), -DER_INVAL);
	assert_int_equal(open_container(site, pool, "c", DAOS_COO_RW, &handle), 0);
	assert_int_equal(open_container(site, reader, "c", DAOS_COO_RO, &other), 0);
	assert_int_equal(allocate_oids(site, other, 1, NULL, &first), -DER_NO_PERM);
	assert_int_equal(close_container(site, other), 0);
	assert_int_equal(open_container(site, pool, "c", DAOS_COO_EX, &other), -DER_BUSY);
	assert_int_equal(allocate_oids(site, handle, 100, NULL, &first), 0);
	assert_int_equal(first, 0);
	assert_int_equal(allocate_oids(site, handle, 1, NULL, &first), 0);
	assert_int_equal(first, 100);
	assert_int_equal(set_attribute(site, PROTO_CONTAINER_SET_ATTRIBUTES, handle, "k", "v"), 0);
	assert_int_equal(get_attribute(site, PROTO_CONTAINER_GET_ATTRIBUTES, handle, "k", value),
			 0);
	assert_string_equal(value, "v");
	assert_int_equal(get_attribute(site, PROTO_CONTAINER_GET_ATTRIBUTES, handle, "no", value),
			 -DER_NONEXIST);
	assert_int_equal(get_attribute(site, PROTO_POOL_GET_ATTRIBUTES, pool, "k", value),
			 -DER_NONEXIST);
	assert_int_equal(destroy_container(site, pool, "c", false), -DER_BUSY);
	assert_int_equal(destroy_container(site, pool, "c", true), 0);
	assert_int_equal(allocate_oids(site, handle, 1, NULL, &first), -DER_NO_HDL);
	assert_int_equal(create_container(site, pool, "c", &id), 0);
	assert_int_equal(open_container(site, pool, "c", DAOS_COO_RW, &handle), 0);
	assert_int_equal(get_attribute(site, PROTO_CONTAINER_GET_ATTRIBUTES, handle, "k", value),
			 -DER_NONEXIST);
	assert_int_equal(disconnect_pool(site, reader), 0);
	assert_int_equal(destroy_pool(site, "tank", true, false), -DER_BUSY);
	/* The pool handle takes the container handles along. */
	assert_int_equal(disconnect_pool(site, pool), 0);
	assert_int_equal(allocate_oids(site, handle, 1, NULL, &first), -DER_NO_HDL);
	return destroy_pool(site, "tank", false, true);
}

static void
test_containers(void **state)
{
	struct site site = {.loop_count = 2};

	(void)state;
	site_begin(&site, 5);
	site_run(&site, containers);
	site_end(&site);
}

/* ------------------------------------------------ properties and attributes */

static int
set_property(struct site *site, uint32_t operation, struct uuid handle,
	     const struct proto_property *property)
{
	struct proto_properties wanted = {.count = 1, .items = {*property}};
	struct request_id id = next_id(site);
	struct call call;
	int rc;

	call_begin(&call, site);
	proto_uuid_encode(handle, &call.writer);
	proto_properties_encode(&wanted, &call.writer);
	rc = call_send(&call, operation, &id);
	rpc_window_close(site->window, &id);
	call_end(&call);
	return rc;
}

static int
set_number(struct site *site, uint32_t operation, struct uuid handle, uint32_t type,
	   uint64_t number)
{
	const struct proto_property property = {.type = type, .number = number};

	return set_property(site, operation, handle, &property);
}

static int
set_text(struct site *site, uint32_t operation, struct uuid handle, uint32_t type,
	 const char *value)
{
	const struct proto_property property = {
		.type = type, .is_bytes = true, .bytes = text(value)};

	return set_property(site, operation, handle, &property);
}

static uint32_t
count_attributes(struct site *site, uint32_t operation, struct uuid handle)
{
	struct proto_attributes attributes;
	struct call call;
	uint32_t count;

	call_begin(&call, site);
	proto_uuid_encode(handle, &call.writer);
	writer_blob(&call.writer, NULL, 0);
	assert_int_equal(call_send(&call, operation, NULL), 0);
	assert_int_equal(
		proto_attributes_decode(&call.reply.body, site->client_env->arena, &attributes), 0);
	assert_int_equal(reader_u8(&call.reply.body), 0);
	count = attributes.count;
	proto_attributes_free(site->client_env->arena, &attributes);
	call_end(&call);
	return count;
}

static int
properties(struct site *site)
{
	struct uuid pool, reader, handle, other;
	struct proto_pool_info info;

	assert_int_equal(create_pool(site, "tank", 128, NULL), 0);
	assert_int_equal(create_pool(site, "well", 128, NULL), 0);
	assert_int_equal(connect_pool(site, "tank", DAOS_PC_RW, &pool), 0);
	assert_int_equal(connect_pool(site, "tank", DAOS_PC_RO, &reader), 0);
	assert_int_equal(set_number(site, PROTO_POOL_SET_PROPERTIES, pool, DAOS_PROP_PO_RECLAIM, 4),
			 0);
	assert_int_equal(set_number(site, PROTO_POOL_SET_PROPERTIES, reader, DAOS_PROP_PO_RECLAIM,
				    0),
			 -DER_NO_PERM);
	assert_int_equal(set_number(site, PROTO_POOL_SET_PROPERTIES, pool, 99, 0), -DER_INVAL);
	assert_int_equal(set_text(site, PROTO_POOL_SET_PROPERTIES, pool, DAOS_PROP_PO_LABEL,
				  "well"),
			 -DER_EXIST);
	assert_int_equal(
		set_text(site, PROTO_POOL_SET_PROPERTIES, pool, DAOS_PROP_PO_LABEL, "lake"), 0);
	assert_int_equal(query_pool(site, pool, &info), 0);
	assert_int_equal(proto_property_find(&info.properties, DAOS_PROP_PO_RECLAIM)->number, 4);
	assert_true(info.modified > 0);
	assert_int_equal(disconnect_pool(site, reader), 0);
	assert_int_equal(connect_pool(site, "tank", DAOS_PC_RO, &reader), -DER_NONEXIST);
	assert_int_equal(connect_pool(site, "lake", DAOS_PC_RO, &reader), 0);
	assert_int_equal(create_container(site, pool, "one", NULL), 0);
	assert_int_equal(create_container(site, pool, "two", NULL), 0);
	assert_int_equal(open_container(site, pool, "one", DAOS_COO_RW, &handle), 0);
	assert_int_equal(set_text(site, PROTO_CONTAINER_SET_PROPERTIES, handle, DAOS_PROP_CO_LABEL,
				  "two"),
			 -DER_EXIST);
	assert_int_equal(set_text(site, PROTO_CONTAINER_SET_PROPERTIES, handle, DAOS_PROP_CO_LABEL,
				  "three"),
			 0);
	assert_int_equal(set_number(site, PROTO_CONTAINER_SET_PROPERTIES, handle, DAOS_PROP_CO_CSUM,
				    0),
			 -DER_NO_PERM);
	assert_int_equal(open_container(site, pool, "one", DAOS_COO_RW, &other), -DER_NONEXIST);
	assert_int_equal(open_container(site, pool, "three", DAOS_COO_RW, &other), 0);
	assert_int_equal(create_container(site, pool, "one", NULL), 0);
	return 0;
}

static void
test_properties(void **state)
{
	struct site site = {.loop_count = 2};

	(void)state;
	site_begin(&site, 17);
	site_run(&site, properties);
	site_end(&site);
}

static int
attributes(struct site *site)
{
	struct uuid pool;
	char key[32], value[64];

	assert_int_equal(create_pool(site, "tank", 128, NULL), 0);
	assert_int_equal(connect_pool(site, "tank", DAOS_PC_RW, &pool), 0);
	for (uint32_t i = 0; i < 40; i++) {
		snprintf(key, sizeof(key), "key-%u", i);
		assert_int_equal(set_attribute(site, PROTO_POOL_SET_ATTRIBUTES, pool, key, key), 0);
	}
	assert_int_equal(count_attributes(site, PROTO_POOL_LIST_ATTRIBUTES, pool), 40);
	assert_int_equal(set_attribute(site, PROTO_POOL_DELETE_ATTRIBUTES, pool, "key-7", ""), 0);
	assert_int_equal(set_attribute(site, PROTO_POOL_DELETE_ATTRIBUTES, pool, "key-7", ""), 0);
	assert_int_equal(count_attributes(site, PROTO_POOL_LIST_ATTRIBUTES, pool), 39);
	assert_int_equal(get_attribute(site, PROTO_POOL_GET_ATTRIBUTES, pool, "key-7", value),
			 -DER_NONEXIST);
	assert_int_equal(get_attribute(site, PROTO_POOL_GET_ATTRIBUTES, pool, "key-8", value), 0);
	assert_string_equal(value, "key-8");
	return 0;
}

static void
test_attributes(void **state)
{
	struct site site = {.loop_count = 2};

	(void)state;
	site_begin(&site, 18);
	site_run(&site, attributes);
	site_end(&site);
}

/* ------------------------------------------------ many at once */

struct worker {
	struct site *site;
	struct uuid pool;
	uint32_t number;
	uint64_t oids[10];
};

static int
work(void *argument)
{
	struct worker *worker = argument;
	struct site *site = worker->site;
	struct uuid shared, own;
	char label[32];

	snprintf(label, sizeof(label), "own-%u", worker->number);
	assert_int_equal(create_container(site, worker->pool, label, NULL), 0);
	assert_int_equal(open_container(site, worker->pool, label, DAOS_COO_EX, &own), 0);
	assert_int_equal(open_container(site, worker->pool, "shared", DAOS_COO_RW, &shared), 0);
	for (uint32_t i = 0; i < ARRAY_SIZE(worker->oids); i++)
		assert_int_equal(allocate_oids(site, shared, 3, NULL, &worker->oids[i]), 0);
	assert_int_equal(close_container(site, shared), 0);
	assert_int_equal(destroy_container(site, worker->pool, label, true), 0);
	/* Only one of them may make it. */
	return create_container(site, worker->pool, "race", NULL) == 0 ? 1 : 0;
}

static struct worker workers[8];

static int
work_counted(void *argument)
{
	static uint32_t made;
	struct worker *worker = argument;

	if (worker->number == 0)
		made = 0;
	made += (uint32_t)work(worker);
	assert_true(made <= 1);
	return 0;
}

static int
many_at_once(struct site *site)
{
	struct fiber_group group;
	struct uuid pool;
	uint32_t count;

	assert_int_equal(create_pool(site, "tank", 128, NULL), 0);
	assert_int_equal(connect_pool(site, "tank", DAOS_PC_RW, &pool), 0);
	assert_int_equal(create_container(site, pool, "shared", NULL), 0);
	fiber_group_init(&group);
	for (uint32_t i = 0; i < ARRAY_SIZE(workers); i++) {
		workers[i] = (struct worker){.site = site, .pool = pool, .number = i};
		assert_int_equal(fiber_group_start(&group, "work", work_counted, &workers[i]), 0);
	}
	assert_int_equal(fiber_group_wait(&group), 0);
	/* No range twice. */
	for (uint32_t i = 0; i < ARRAY_SIZE(workers) * 10; i++)
		for (uint32_t j = 0; j < i; j++) {
			uint64_t one = workers[i / 10].oids[i % 10],
				 two = workers[j / 10].oids[j % 10];

			assert_true(one >= two + 3 || two >= one + 3);
		}
	assert_int_equal(count_containers(site, pool, &count), 0);
	assert_int_equal(count, 2);
	return 0;
}

static void
test_many_at_once(void **state)
{
	struct site site = {.loop_count = 2};

	(void)state;
	site_begin(&site, 19);
	site_run(&site, many_at_once);
	site_end(&site);
}

/* ------------------------------------------------ damage */

static struct uuid damaged;

static int
one_pool(struct site *site)
{
	struct proto_pool_created created;

	assert_int_equal(create_pool(site, "tank", 128, &created), 0);
	assert_int_equal(create_pool(site, "well", 128, NULL), 0);
	damaged = created.id;
	return 0;
}

static int
damaged_pool(struct site *site)
{
	struct uuid handle;
	int rc = connect_pool(site, "tank", DAOS_PC_RW, &handle);

	assert_true(rc == -DER_IO || rc == -DER_CSUM || rc == -DER_DF_INVAL);
	assert_int_equal(connect_pool(site, "well", DAOS_PC_RW, &handle), 0);
	assert_int_equal(destroy_pool(site, "tank", false, false), rc);
	return destroy_pool(site, "tank", true, true);
}

/* A pool whose store is damaged is out of service; the engine and other pools are not. */
static void
test_damaged_store(void **state)
{
	struct site site = {.loop_count = 2};
	char id[UUID_TEXT_SIZE], path[128];
	static uint8_t noise[64 * 1024];

	(void)state;
	site_begin(&site, 10);
	site_run(&site, one_pool);
	site_stop(&site);
	uuid_to_text(&damaged, id);
	snprintf(path, sizeof(path), "pools/%s/service.heap", id);
	memset(noise, 0x5a, sizeof(noise));
	memory_disk_poke(site.world, "server", path, noise, sizeof(noise), 0);
	assert_int_equal(site_start(&site, false), 0);
	site_run(&site, damaged_pool);
	site_end(&site);
}

static void
test_storage_refused(void **state)
{
	struct site site = {.loop_count = 2};
	uint8_t block[4096];

	(void)state;
	site_begin(&site, 11);
	client_end(&site);
	site_stop(&site);
	/* It is there already. */
	assert_int_equal(site_start(&site, true), -DER_EXIST);
	/* Another version. */
	memory_disk_peek(site.world, "server", "superblock", block, sizeof(block), 4096);
	store_u32(block + 8, 99);
	store_u32(block + 12, 0);
	store_u32(block + 12, crc32c(0, block, sizeof(block)));
	memory_disk_poke(site.world, "server", "superblock", block, sizeof(block), 4096);
	assert_int_equal(site_start(&site, false), -DER_DF_INCOMPT);
	/* Damaged. */
	block[20] ^= 1;
	memory_disk_poke(site.world, "server", "superblock", block, sizeof(block), 4096);
	assert_int_equal(site_start(&site, false), -DER_DF_INVAL);
	memory_world_destroy(site.world);
	/* Nothing there. */
	assert_int_equal(memory_world_create(12, &site.world), 0);
	assert_int_equal(site_start(&site, false), -DER_NONEXIST);
	memory_world_destroy(site.world);
}

/* ------------------------------------------------ thin pools, goodbyes */

static int
thin_pool(struct site *site)
{
	struct proto_pool_info info;
	struct uuid handle;

	assert_int_equal(create_pool(site, "default", 0, NULL), 0);
	assert_int_equal(connect_pool(site, "default", DAOS_PC_RW, &handle), 0);
	assert_int_equal(query_pool(site, handle, &info), 0);
	assert_true(info.tiers[1].total > 0);
	assert_true(info.tiers[1].free <= 2048 * MIB);
	return disconnect_pool(site, handle);
}

static void
test_thin(void **state)
{
	struct site site = {.loop_count = 1, .target_count = 1, .thin = true};

	(void)state;
	site_begin(&site, 14);
	memory_node_set_capacity(site.world, "server", 2048 * MIB);
	site_run(&site, thin_pool);
	assert_true(memory_node_used(site.world, "server") < 64 * MIB);
	site_end(&site);
}

static int
stays_connected(struct site *site)
{
	struct uuid handle;

	assert_int_equal(create_pool(site, "tank", 128, NULL), 0);
	return connect_pool(site, "tank", DAOS_PC_RW, &handle);
}

static int
nobody_is_connected(struct site *site)
{
	/* The farewell goes on beside. */
	assert_int_equal(fiber_sleep(1000000000), 0);
	return destroy_pool(site, "tank", false, false);
}

static int
still_connected(struct site *site)
{
	assert_int_equal(fiber_sleep(1000000000), 0);
	assert_int_equal(destroy_pool(site, "tank", false, false), -DER_BUSY);
	return destroy_pool(site, "tank", true, false);
}

static void
test_goodbye(void **state)
{
	struct site site = {.loop_count = 2};

	(void)state;
	site_begin(&site, 15);
	/* Who says goodbye leaves no handle. */
	site_run(&site, stays_connected);
	client_end(&site);
	client_begin(&site);
	site_run(&site, nobody_is_connected);
	/* Who merely loses the connection keeps it. */
	site_run(&site, stays_connected);
	memory_disconnect(site.world, "server", "client");
	site_run(&site, still_connected);
	site_end(&site);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_system),	      cmocka_unit_test(test_pools),
		cmocka_unit_test(test_bad_input),     cmocka_unit_test(test_full_storage),
		cmocka_unit_test(test_containers),    cmocka_unit_test(test_properties),
		cmocka_unit_test(test_attributes),    cmocka_unit_test(test_many_at_once),
		cmocka_unit_test(test_damaged_store), cmocka_unit_test(test_storage_refused),
		cmocka_unit_test(test_thin),	      cmocka_unit_test(test_goodbye),
		cmocka_unit_test(test_stopping),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
