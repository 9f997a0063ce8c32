/* SPDX-License-Identifier: BSD-2-Clause-Patent */
/*
 * libdaos and libdfs as ordinary objects: two clients on loops of their own, with an engine, in one
 * world and on one thread. They go on over a kill of the engine, end cleanly with nothing left in
 * their arenas, or crash with their node.
 */
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>

#include "client/client.h"
#include "daos_fs.h"
#include "daos_task.h"
#include "unit/engine/site.h"

#define SECOND UINT64_C(1000000000)
#define NODES 2u
#define ROUNDS 4u
#define KEYS 6u
#define TEXT 32u

/* A node with a client. */
struct node_of_client {
	const char *name;
	struct env *env;
	struct loop *loop;
	struct client *client;
	uint32_t life; /* how often it was started: labels are new in each */
	uint32_t progress;
	bool ended;
	/* Of its run. */
	char label[TEXT];
	daos_handle_t pool, container;
	dfs_t *dfs;
	uint32_t called; /* callbacks */
	/* Of launched calls: they stay until the events have completed. */
	char keys[3][KEYS][TEXT];
};

struct bed {
	struct site site; /* first */
	struct node_of_client nodes[NODES];
};

static void
ok(int rc)
{
	if (rc != 0)
		fprintf(stderr, "%d: %s\n", rc, client_last_error());
	assert_int_equal(rc, 0);
}

static const void *
bytes_of(uint32_t number)
{
	static char data[26][8192];
	uint32_t letter = number % 26;

	memset(data[letter], 'a' + (int)letter, sizeof(data[letter]));
	return data[letter];
}

static daos_obj_id_t
object_id(struct node_of_client *node, uint64_t number, enum daos_otype_t type)
{
	daos_obj_id_t oid = {.lo = number};

	ok(daos_obj_generate_oid(node->container, &oid, type, OC_SX, 0, 0));
	return oid;
}

/* ------------------------------------------------ key-value stores */

static void
check_list(daos_handle_t store, uint32_t expected)
{
	char buffer[256];
	daos_key_desc_t keys[KEYS];
	daos_anchor_t anchor = {0};
	d_iov_t iov;
	d_sg_list_t sgl = {.sg_nr = 1, .sg_iovs = &iov};
	uint32_t count = 0;

	while (!daos_anchor_is_eof(&anchor)) {
		uint32_t found = KEYS;

		d_iov_set(&iov, buffer, sizeof(buffer));
		ok(daos_kv_list(store, DAOS_TX_NONE, &found, keys, &sgl, &anchor, NULL));
		count += found;
	}
	assert_int_equal(count, expected);
}

static void
use_store(struct node_of_client *node, uint32_t round)
{
	daos_handle_t store;
	char key[TEXT], value[256];

	ok(daos_kv_open(node->container, object_id(node, 100 + round, DAOS_OT_KV_HASHED),
			DAOS_OO_RW, &store, NULL));
	for (uint32_t i = 0; i < KEYS; i++) {
		snprintf(key, sizeof(key), "key-%u", i);
		ok(daos_kv_put(store, DAOS_TX_NONE, DAOS_COND_KEY_INSERT, key, 100 + i, bytes_of(i),
			       NULL));
	}
	for (uint32_t i = 0; i < KEYS; i++) {
		daos_size_t size = sizeof(value);

		snprintf(key, sizeof(key), "key-%u", i);
		ok(daos_kv_get(store, DAOS_TX_NONE, 0, key, &size, value, NULL));
		assert_int_equal(size, 100 + i);
		assert_memory_equal(value, bytes_of(i), size);
	}
	check_list(store, KEYS);
	assert_int_equal(daos_kv_put(store, DAOS_TX_NONE, DAOS_COND_KEY_INSERT, "key-0", 1, "x",
				     NULL),
			 -DER_EXIST);
	ok(daos_kv_remove(store, DAOS_TX_NONE, DAOS_COND_KEY_REMOVE, "key-1", NULL));
	assert_int_equal(daos_kv_remove(store, DAOS_TX_NONE, DAOS_COND_KEY_REMOVE, "key-1", NULL),
			 -DER_NONEXIST);
	check_list(store, KEYS - 1);
	ok(daos_kv_close(store, NULL));
}

/* ------------------------------------------------ objects and arrays */

static void
use_object(struct node_of_client *node, uint32_t round)
{
	daos_recx_t extent = {.rx_idx = 10, .rx_nr = 5000};
	daos_iod_t iod = {
		.iod_type = DAOS_IOD_ARRAY, .iod_size = 1, .iod_nr = 1, .iod_recxs = &extent};
	uint8_t data[5000];
	daos_key_t dkey;
	d_iov_t iov;
	d_sg_list_t sgl = {.sg_nr = 1, .sg_iovs = &iov};
	daos_handle_t object;

	d_iov_set(&dkey, "dkey", 4);
	d_iov_set(&iod.iod_name, "akey", 4);
	d_iov_set(&iov, data, sizeof(data));
	memcpy(data, bytes_of(round), sizeof(data));
	ok(daos_obj_open(node->container, object_id(node, 200 + round, DAOS_OT_MULTI_HASHED),
			 DAOS_OO_RW, &object, NULL));
	assert_int_equal(daos_obj_fetch(object, DAOS_TX_NONE, DAOS_COND_DKEY_FETCH, &dkey, 1, &iod,
					&sgl, NULL, NULL),
			 -DER_NONEXIST);
	ok(daos_obj_update(object, DAOS_TX_NONE, DAOS_COND_DKEY_INSERT, &dkey, 1, &iod, &sgl,
			   NULL));
	assert_int_equal(daos_obj_update(object, DAOS_TX_NONE, DAOS_COND_DKEY_INSERT, &dkey, 1,
					 &iod, &sgl, NULL),
			 -DER_EXIST);
	memset(data, 0, sizeof(data));
	ok(daos_obj_fetch(object, DAOS_TX_NONE, DAOS_COND_DKEY_FETCH, &dkey, 1, &iod, &sgl, NULL,
			  NULL));
	assert_memory_equal(data, bytes_of(round), sizeof(data));
	ok(daos_obj_close(object, NULL));
}

static void
use_array(struct node_of_client *node, uint32_t round)
{
	daos_obj_id_t oid = object_id(node, 300 + round, DAOS_OT_ARRAY);
	daos_range_t range = {.rg_idx = 1000, .rg_len = 6000};
	daos_array_iod_t iod = {.arr_nr = 1, .arr_rgs = &range};
	uint8_t data[6000];
	d_iov_t iov;
	d_sg_list_t sgl = {.sg_nr = 1, .sg_iovs = &iov};
	daos_handle_t array;
	daos_size_t size;

	d_iov_set(&iov, data, sizeof(data));
	memcpy(data, bytes_of(round + 3), sizeof(data));
	ok(daos_array_create(node->container, oid, DAOS_TX_NONE, 1, 2048, &array, NULL));
	ok(daos_array_write(array, DAOS_TX_NONE, &iod, &sgl, NULL));
	ok(daos_array_get_size(array, DAOS_TX_NONE, &size, NULL));
	assert_int_equal(size, 7000);
	memset(data, 0, sizeof(data));
	ok(daos_array_read(array, DAOS_TX_NONE, &iod, &sgl, NULL));
	assert_memory_equal(data, bytes_of(round + 3), sizeof(data));
	ok(daos_array_close(array, NULL));
}

/* ------------------------------------------------ events */

static int
count_call(void *argument, daos_event_t *event, int result)
{
	struct node_of_client *node = argument;

	(void)event;
	assert_int_equal(result, 0);
	node->called++;
	return 0;
}

/* Every event of the queue comes out of it, each once. */
static void
poll_all(daos_handle_t queue, daos_event_t *events, uint32_t count)
{
	daos_event_t *ready[KEYS];
	uint32_t done = 0;

	while (done < count) {
		int got = daos_eq_poll(queue, 1, DAOS_EQ_WAIT, KEYS, ready);

		assert_in_range(got, 1, count - done);
		for (int i = 0; i < got; i++) {
			assert_in_range(ready[i] - events, 0, count - 1);
			ok(ready[i]->ev_error);
		}
		done += (uint32_t)got;
	}
}

static void
launch_puts(daos_handle_t store, daos_event_t *events, char keys[KEYS][TEXT], const char *prefix)
{
	for (uint32_t i = 0; i < KEYS; i++) {
		snprintf(keys[i], TEXT, "%s-%u", prefix, i);
		ok(daos_kv_put(store, DAOS_TX_NONE, 0, keys[i], 64, bytes_of(i), &events[i]));
	}
}

/* Aborted at once: it never begins, or is interrupted; then the event can be used again. */
static void
use_abort(daos_handle_t store, daos_handle_t queue)
{
	daos_event_t event, *ready[1];
	bool flag = true;

	ok(daos_event_init(&event, queue, NULL));
	ok(daos_kv_put(store, DAOS_TX_NONE, 0, "aborted", 4, "data", &event));
	ok(daos_event_test(&event, DAOS_EQ_NOWAIT, &flag));
	assert_int_equal(daos_event_fini(&event), flag ? 0 : -DER_BUSY);
	if (flag)
		ok(daos_event_init(&event, queue, NULL));
	else
		ok(daos_event_abort(&event));
	if (!flag) {
		assert_int_equal(daos_eq_poll(queue, 1, DAOS_EQ_WAIT, 1, ready), 1);
		assert_true(event.ev_error == -DER_CANCELED || event.ev_error == 0);
	}
	ok(daos_kv_put(store, DAOS_TX_NONE, 0, "aborted", 4, "more", &event));
	do
		ok(daos_event_test(&event, 100, &flag));
	while (!flag);
	ok(event.ev_error);
	ok(daos_event_fini(&event));
}

static void
use_deadline(struct node_of_client *node, daos_handle_t queue)
{
	uint64_t before = env_monotonic(node->env);
	daos_event_t *ready[1];

	assert_int_equal(daos_eq_poll(queue, 1, DAOS_EQ_WAIT, 1, ready), 0);
	assert_true(env_monotonic(node->env) == before);
	assert_int_equal(daos_eq_poll(queue, 0, 5000, 1, ready), 0);
	assert_true(env_monotonic(node->env) - before >= 5000000);
	assert_int_equal(daos_eq_poll(queue, 0, DAOS_EQ_NOWAIT, 1, ready), 0);
	/* A fiber's own deadline ends the wait, too. */
	fiber_set_deadline(env_monotonic(node->env) + 1000);
	assert_int_equal(daos_eq_poll(queue, 0, DAOS_EQ_WAIT, 1, ready), -DER_TIMEDOUT);
	fiber_set_deadline(0);
}

static void
use_events(struct node_of_client *node, uint32_t round)
{
	daos_event_t events[2][KEYS], lone;
	daos_handle_t queues[2], store;
	bool flag = false;

	ok(daos_kv_open(node->container, object_id(node, 400 + round, DAOS_OT_KV_HASHED),
			DAOS_OO_RW, &store, NULL));
	node->called = 0;
	for (uint32_t i = 0; i < 2; i++) {
		ok(daos_eq_create(&queues[i]));
		for (uint32_t j = 0; j < KEYS; j++) {
			ok(daos_event_init(&events[i][j], queues[i], NULL));
			ok(daos_event_register_comp_cb(&events[i][j], count_call, node));
		}
	}
	launch_puts(store, events[0], node->keys[0], "left");
	launch_puts(store, events[1], node->keys[1], "right");
	assert_int_equal(daos_eq_query(queues[0], DAOS_EQR_ALL, 0, NULL), KEYS);
	assert_int_equal(daos_eq_destroy(queues[0], 0), -DER_BUSY);
	poll_all(queues[1], events[1], KEYS);
	poll_all(queues[0], events[0], KEYS);
	assert_int_equal(node->called, 2 * KEYS);
	check_list(store, 2 * KEYS);
	/* An event without a queue. */
	ok(daos_event_init(&lone, DAOS_HDL_INVAL, NULL));
	ok(daos_kv_put(store, DAOS_TX_NONE, 0, "lone", 3, "abc", &lone));
	ok(daos_event_test(&lone, DAOS_EQ_WAIT, &flag));
	assert_true(flag && lone.ev_error == 0);
	ok(daos_event_fini(&lone));
	use_deadline(node, queues[0]);
	use_abort(store, queues[1]);
	/* A queue is destroyed over what runs; its events are over then. */
	launch_puts(store, events[0], node->keys[2], "late");
	ok(daos_eq_destroy(queues[0], DAOS_EQ_DESTROY_FORCE));
	ok(daos_eq_destroy(queues[1], 0));
	for (uint32_t i = 0; i < KEYS; i++) {
		ok(daos_event_fini(&events[0][i]));
		ok(daos_event_fini(&events[1][i]));
	}
	ok(daos_kv_close(store, NULL));
}

/* ------------------------------------------------ tasks */

static int
count_task(tse_task_t *task, void *argument)
{
	struct node_of_client *node = argument;

	ok(task->dt_result);
	node->called++;
	return 0;
}

/* In the time of the world; a body of the user may call the library. */
static int
get_body(tse_task_t *task)
{
	daos_kv_put_t *put = tse_task_get_priv(task);
	char value[256];
	daos_size_t size = sizeof(value);

	ok(daos_kv_get(put->oh, DAOS_TX_NONE, 0, put->key, &size, value, NULL));
	assert_int_equal(size, put->buf_size);
	tse_task_complete(task, 0);
	return 0;
}

static void
make_pair(struct node_of_client *node, tse_sched_t *sched, daos_kv_put_t *put)
{
	tse_task_t *change, *look;

	ok(daos_task_create(DAOS_OPC_KV_PUT, sched, 0, NULL, &change));
	*(daos_kv_put_t *)daos_task_get_args(change) = *put;
	ok(tse_task_create(get_body, sched, put, &look));
	ok(tse_task_register_deps(look, 1, &change));
	ok(tse_task_register_comp_cb(change, count_task, node, 0));
	ok(tse_task_register_comp_cb(look, count_task, node, 0));
	ok(tse_task_schedule(look, true));
	ok(tse_task_schedule_with_delay(change, true, 3000));
}

/* A fiber that may not wait any longer does not wait. */
static void
use_task_deadline(struct node_of_client *node, tse_sched_t *sched)
{
	uint64_t before = env_monotonic(node->env);
	tse_task_t *task;
	bool empty = true;

	ok(tse_task_create(get_body, sched, NULL, &task));
	ok(tse_task_schedule_with_delay(task, false, 60000000));
	ok(daos_progress(sched, 5000, &empty));
	assert_false(empty);
	assert_true(env_monotonic(node->env) - before >= 5000000);
	fiber_set_deadline(env_monotonic(node->env) + 1000);
	assert_int_equal(daos_progress(sched, -1, &empty), -DER_TIMEDOUT);
	fiber_set_deadline(0);
	assert_false(tse_sched_check_complete(sched));
	tse_sched_complete(sched, 0, true);
	assert_int_equal(sched->ds_result, -DER_CANCELED);
}

static void
use_tasks(struct node_of_client *node, uint32_t round)
{
	daos_kv_put_t puts[KEYS];
	daos_handle_t store;
	tse_sched_t sched;
	bool empty = false;

	ok(daos_kv_open(node->container, object_id(node, 500 + round, DAOS_OT_KV_HASHED),
			DAOS_OO_RW, &store, NULL));
	ok(tse_sched_init(&sched, NULL, node));
	node->called = 0;
	for (uint32_t i = 0; i < KEYS; i++) {
		snprintf(node->keys[0][i], TEXT, "task-%u", i);
		puts[i] = (daos_kv_put_t){.oh = store,
					  .key = node->keys[0][i],
					  .buf = bytes_of(i),
					  .buf_size = 100 + i};
		make_pair(node, &sched, &puts[i]);
	}
	ok(daos_progress(&sched, -1, &empty));
	assert_true(empty && sched.ds_result == 0);
	assert_int_equal(node->called, 2 * KEYS);
	check_list(store, KEYS);
	use_task_deadline(node, &sched);
	tse_sched_fini(&sched);
	ok(daos_kv_close(store, NULL));
}

/* ------------------------------------------------ files */

static uint32_t
count_entries(struct node_of_client *node, dfs_obj_t *directory)
{
	struct dirent *entries = client_alloc(KEYS * sizeof(*entries));
	daos_anchor_t anchor = {0};
	uint32_t count = 0;

	assert_non_null(entries);
	while (!daos_anchor_is_eof(&anchor)) {
		uint32_t found = KEYS;

		ok(dfs_readdir(node->dfs, directory, &anchor, &found, entries));
		count += found;
	}
	client_free(entries);
	return count;
}

static void
use_file(struct node_of_client *node, dfs_obj_t *directory, uint32_t number)
{
	char data[3000], name[TEXT];
	d_iov_t iov;
	d_sg_list_t sgl = {.sg_nr = 1, .sg_iovs = &iov};
	dfs_obj_t *file;
	daos_size_t size;

	snprintf(name, sizeof(name), "file-%u", number);
	ok(dfs_open(node->dfs, directory, name, S_IFREG | 0640, O_CREAT | O_EXCL | O_RDWR, 0, 0,
		    NULL, &file));
	d_iov_set(&iov, data, sizeof(data));
	memcpy(data, bytes_of(number), sizeof(data));
	ok(dfs_write(node->dfs, file, &sgl, 500, NULL));
	memset(data, 0, sizeof(data));
	ok(dfs_read(node->dfs, file, &sgl, 500, &size, NULL));
	assert_int_equal(size, sizeof(data));
	assert_memory_equal(data, bytes_of(number), sizeof(data));
	ok(dfs_release(file));
}

static void
use_files(struct node_of_client *node, uint32_t round)
{
	char name[TEXT];
	dfs_obj_t *directory;
	struct stat status;

	snprintf(name, sizeof(name), "dir-%u", round);
	ok(dfs_mkdir(node->dfs, NULL, name, 0750, 0));
	assert_int_equal(dfs_mkdir(node->dfs, NULL, name, 0750, 0), EEXIST);
	ok(dfs_lookup_rel(node->dfs, NULL, name, O_RDWR, &directory, NULL, NULL));
	for (uint32_t i = 0; i < KEYS; i++)
		use_file(node, directory, i);
	assert_int_equal(count_entries(node, directory), KEYS);
	ok(dfs_move(node->dfs, directory, "file-0", directory, "renamed", NULL));
	ok(dfs_move(node->dfs, directory, "file-1", directory, "renamed", NULL));
	assert_int_equal(dfs_stat(node->dfs, directory, "file-1", &status), ENOENT);
	ok(dfs_stat(node->dfs, directory, "renamed", &status));
	assert_int_equal(status.st_size, 3500);
	/* Ids and times are the host's. */
	assert_int_equal(status.st_uid, 4711);
	assert_int_equal(status.st_gid, 815);
	assert_in_range((uint64_t)status.st_mtim.tv_sec, MEMORY_REALTIME_START / SECOND,
			MEMORY_REALTIME_START / SECOND + 3600);
	ok(dfs_remove(node->dfs, directory, "renamed", false, NULL));
	assert_int_equal(count_entries(node, directory), KEYS - 2);
	ok(dfs_release(directory));
}

/* ------------------------------------------------ one run */

static void
open_all(struct node_of_client *node)
{
	struct client_pool_create wanted = {.label = node->label, .data_bytes = 64 * MIB};
	struct client_pool_created created;
	daos_handle_t files;

	ok(daos_init());
	ok(client_pool_create(&wanted, &created));
	ok(daos_pool_connect(node->label, NULL, DAOS_PC_RW, &node->pool, NULL, NULL));
	assert_int_equal(daos_pool_connect("no-such-pool", NULL, DAOS_PC_RW, &files, NULL, NULL),
			 -DER_NONEXIST);
	assert_true(client_last_error()[0] != '\0');
	ok(daos_cont_create_with_label(node->pool, "objects", NULL, NULL, NULL));
	ok(daos_cont_open(node->pool, "objects", DAOS_COO_RW, &node->container, NULL, NULL));
	ok(dfs_cont_create_with_label(node->pool, "files", NULL, NULL, NULL, NULL));
	ok(dfs_init());
	ok(dfs_connect(node->label, NULL, "files", O_RDWR, NULL, &node->dfs));
}

static void
close_all(struct node_of_client *node)
{
	ok(dfs_disconnect(node->dfs));
	ok(dfs_fini());
	ok(daos_cont_close(node->container, NULL));
	ok(daos_pool_disconnect(node->pool, NULL));
	ok(daos_fini());
	/* The reference of the host is not for the taking. */
	assert_int_equal(daos_fini(), -DER_UNINIT);
}

static void
use_all(void *argument)
{
	struct node_of_client *node = argument;

	open_all(node);
	for (uint32_t round = 0; round < ROUNDS; round++) {
		use_store(node, round);
		use_object(node, round);
		use_array(node, round);
		node->progress++;
		use_events(node, round);
		use_tasks(node, round);
		use_files(node, round);
		node->progress++;
	}
	close_all(node);
	node->ended = true;
}

/* ------------------------------------------------ the world */

static void
node_start(struct bed *bed, struct node_of_client *node)
{
	static const char *const servers[] = {"memory:engine"};
	const struct memory_env_options options = {
		.node = node->name, .level = LOG_ERROR, .no_storage = true};
	const struct client_host host = {
		.servers = servers, .server_count = 1, .user = 4711, .group = 815};
	struct client *second;
	struct fiber *fiber;

	assert_int_equal(memory_env_create(bed->site.world, &options, &node->env), 0);
	assert_int_equal(loop_create(node->env, NULL, &node->loop), 0);
	assert_int_equal(client_create(node->loop, &host, &node->client), 0);
	assert_int_equal(client_create(node->loop, &host, &second), -DER_EXIST);
	snprintf(node->label, sizeof(node->label), "%s-%u", node->name, node->life++);
	node->ended = false;
	node->progress = 0;
	assert_int_equal(fiber_start(node->loop, "use", use_all, node, &fiber), 0);
}

/* Nothing of the client is called. */
static void
node_crash(struct node_of_client *node)
{
	loop_abandon(node->loop);
	memory_env_crash(node->env);
	node->loop = NULL;
}

static void
step_until(struct bed *bed, bool (*done)(void *argument))
{
	struct loop *loops[SITE_LOOPS + NODES];
	uint32_t count = 0;

	for (uint32_t i = 0; i < bed->site.loop_count; i++)
		loops[count++] = bed->site.loops[i];
	for (uint32_t i = 0; i < NODES; i++)
		if (bed->nodes[i].loop)
			loops[count++] = bed->nodes[i].loop;
	assert_int_equal(memory_world_run(bed->site.world, loops, count, done, bed, 600 * SECOND),
			 0);
}

static void
destroy_client(void *argument)
{
	struct node_of_client *node = argument;

	client_destroy(node->client);
	node->client = NULL;
}

static bool
all_destroyed(void *argument)
{
	const struct bed *bed = argument;

	for (uint32_t i = 0; i < NODES; i++)
		if (bed->nodes[i].loop &&
		    (bed->nodes[i].client || loop_fiber_count(bed->nodes[i].loop) > 0))
			return false;
	return true;
}

static bool
all_ended(void *argument)
{
	const struct bed *bed = argument;

	for (uint32_t i = 0; i < NODES; i++)
		if (bed->nodes[i].loop && !bed->nodes[i].ended)
			return false;
	return true;
}

/* That the arenas are empty is asserted by memory_env_destroy(). */
static void
nodes_stop(struct bed *bed)
{
	struct fiber *fiber;

	for (uint32_t i = 0; i < NODES; i++)
		if (bed->nodes[i].loop)
			assert_int_equal(fiber_start(bed->nodes[i].loop, "end", destroy_client,
						     &bed->nodes[i], &fiber),
					 0);
	step_until(bed, all_destroyed);
	for (uint32_t i = 0; i < NODES; i++) {
		if (bed->nodes[i].loop == NULL)
			continue;
		loop_destroy(bed->nodes[i].loop);
		memory_env_destroy(bed->nodes[i].env);
		bed->nodes[i].loop = NULL;
	}
}

static void
bed_begin(struct bed *bed)
{
	static const char *const names[NODES] = {"left", "right"};

	*bed = (struct bed){.site = {.loop_count = 2, .target_count = 4}};
	assert_int_equal(memory_world_create(7, &bed->site.world), 0);
	assert_int_equal(site_start(&bed->site, true), 0);
	for (uint32_t i = 0; i < NODES; i++) {
		bed->nodes[i].name = names[i];
		node_start(bed, &bed->nodes[i]);
	}
}

static void
bed_end(struct bed *bed)
{
	site_stop(&bed->site);
	memory_world_destroy(bed->site.world);
}

static void
kill_engine(struct bed *bed)
{
	site_kill(&bed->site);
	assert_int_equal(site_start(&bed->site, false), 0);
}

/* ------------------------------------------------ what a run leaves */

struct print {
	struct bed *bed;
	struct env *env;
	uint32_t sum; /* of all disks, in any order */
};

static int
print_disk(void *argument, const char *name)
{
	struct print *print = argument;
	size_t length = 4 * MIB;
	uint8_t *data = malloc(length);
	struct disk *disk;

	assert_non_null(data);
	assert_int_equal(print->env->storage->open(print->env->storage, name, &disk), 0);
	length = min_of(length, (size_t)disk->size);
	disk_close(disk);
	memory_disk_peek(print->bed->site.world, "server", name, data, length, 0);
	print->sum ^= crc32c(0, data, length);
	free(data);
	return 0;
}

/* A fingerprint of the engine's disks and of the time: equal only when every request was. */
static uint64_t
fingerprint(struct bed *bed)
{
	const struct memory_env_options options = {.node = "server"};
	struct print print = {.bed = bed};

	assert_int_equal(memory_env_create(bed->site.world, &options, &print.env), 0);
	assert_int_equal(print.env->storage->list(print.env->storage, "", print_disk, &print), 0);
	memory_env_destroy(print.env);
	return mix64(memory_world_now(bed->site.world)) ^ print.sum;
}

/* ------------------------------------------------ tests */

static bool
both_in_round(const struct bed *bed, uint32_t progress)
{
	return bed->nodes[0].progress >= progress && bed->nodes[1].progress >= progress;
}

static bool
in_second(void *argument)
{
	return both_in_round(argument, 2);
}

static bool
in_fifth(void *argument)
{
	return both_in_round(argument, 5);
}

/* Both clients do everything at once, while the engine is killed twice. */
static uint64_t
run_over_kills(void)
{
	struct bed *bed = malloc(sizeof(*bed));
	uint64_t print;

	assert_non_null(bed);
	bed_begin(bed);
	step_until(bed, in_second);
	kill_engine(bed);
	step_until(bed, in_fifth);
	kill_engine(bed);
	step_until(bed, all_ended);
	nodes_stop(bed);
	site_stop(&bed->site);
	print = fingerprint(bed);
	memory_world_destroy(bed->site.world);
	free(bed);
	return print;
}

static void
test_two_clients(void **state)
{
	(void)state;
	run_over_kills();
}

/* The same seed gives the same bytes. */
static void
test_repeats(void **state)
{
	(void)state;
	assert_int_equal(run_over_kills(), run_over_kills());
}

/* A node crashes amid its calls: the other one does not notice, and it comes back as a new client.
 */
static void
test_crashed(void **state)
{
	struct bed bed;

	(void)state;
	bed_begin(&bed);
	for (uint32_t crash = 0; crash < 3; crash++) {
		step_until(&bed, crash == 1 ? in_fifth : in_second);
		node_crash(&bed.nodes[0]);
		node_start(&bed, &bed.nodes[0]);
	}
	node_crash(&bed.nodes[0]);
	step_until(&bed, all_ended);
	nodes_stop(&bed);
	bed_end(&bed);
}

static bool
never(void *argument)
{
	(void)argument;
	return false;
}

/* At any moment of its life. */
static void
test_crashed_anywhere(void **state)
{
	struct bed bed;

	(void)state;
	bed_begin(&bed);
	for (uint64_t crash = 0; crash < 12; crash++) {
		struct loop *loops[] = {bed.nodes[0].loop, bed.site.loops[0], bed.site.loops[1],
					bed.nodes[1].loop};

		assert_int_equal(memory_world_run(bed.site.world, loops, 4, never, NULL,
						  (crash + 1) * 3777777),
				 -DER_TIMEDOUT);
		node_crash(&bed.nodes[0]);
		node_start(&bed, &bed.nodes[0]);
	}
	node_crash(&bed.nodes[0]);
	step_until(&bed, all_ended);
	nodes_stop(&bed);
	bed_end(&bed);
}

/* A client that nobody used, and one without memory. */
static void
test_idle(void **state)
{
	static const char *const servers[] = {"memory:engine", "no address"};
	const struct memory_env_options options = {.node = "idle", .no_storage = true};
	const struct client_host good = {.servers = servers, .server_count = 1};
	const struct client_host bad = {.servers = servers, .server_count = 2};
	struct memory_world *world;
	struct client *client;
	struct loop *loop;
	struct env *env;
	int rc = -DER_NOMEM;

	(void)state;
	assert_int_equal(memory_world_create(1, &world), 0);
	assert_int_equal(memory_env_create(world, &options, &env), 0);
	assert_int_equal(loop_create(env, NULL, &loop), 0);
	assert_int_equal(client_create(loop, &bad, &client), -DER_INVAL);
	for (uint64_t n = 1; rc == -DER_NOMEM; n++) {
		uint64_t used = arena_used(env->arena);

		arena_fail_at(env->arena, n);
		rc = client_create(loop, &good, &client);
		if (rc)
			assert_int_equal(arena_used(env->arena), used);
	}
	arena_fail_at(env->arena, 0);
	assert_int_equal(rc, 0);
	/* Outside its fibers it is nobody's client. */
	assert_int_equal(daos_fini(), -DER_UNINIT);
	loop_abandon(loop);
	memory_env_crash(env);
	memory_world_destroy(world);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_two_clients), cmocka_unit_test(test_repeats),
		cmocka_unit_test(test_crashed),	    cmocka_unit_test(test_crashed_anywhere),
		cmocka_unit_test(test_idle),
	};

	setenv("CMOCKA_TEST_ABORT", "1", 1);
	return cmocka_run_group_tests(tests, NULL, NULL);
}
