/* SPDX-License-Identifier: BSD-2-Clause-Patent */
/* Every public call as a task, on an embedded directory: chains that hand results on, a thousand at
 * a time, failures, cancel. */
#include <daos_task.h>
#include <gurt/common.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "embedded_bed.h"

static struct embedded_bed bed;
static tse_sched_t sched;

static int
setup(void **state)
{
	(void)state;
	embedded_directory_make(&bed);
	embedded_up(&bed);
	return tse_sched_init(&sched, NULL, NULL);
}

static int
teardown(void **state)
{
	(void)state;
	tse_sched_complete(&sched, 0, false);
	tse_sched_fini(&sched);
	embedded_down(&bed);
	embedded_directory_remove(&bed);
	return 0;
}

static tse_task_t *
make(daos_opc_t opcode)
{
	tse_task_t *task;

	assert_ok(daos_task_create(opcode, &sched, 0, NULL, &task));
	return task;
}

/* Runs one task alone; its result. */
static int
run(tse_task_t *task)
{
	bool empty = false;
	int result;

	tse_task_addref(task);
	tse_task_schedule(task, true);
	assert_ok(daos_progress(&sched, DAOS_EQ_WAIT, &empty));
	assert_true(empty);
	result = task->dt_result;
	tse_task_decref(task);
	return result;
}

/* Runs a call with its argument struct, whose type is that of arguments. */
#define RUN(opcode, type, ...)                                           \
	({                                                               \
		tse_task_t *made = make(opcode);                         \
		*(type *)daos_task_get_args(made) = (type){__VA_ARGS__}; \
		run(made);                                               \
	})
#define CALL(opcode, type, ...) assert_ok(RUN(opcode, type, __VA_ARGS__))

static void
set_buffer(d_sg_list_t *sgl, d_iov_t *iov, void *data, size_t size)
{
	d_iov_set(iov, data, size);
	*sgl = (d_sg_list_t){.sg_nr = 1, .sg_iovs = iov};
}

/* ------------------------------------------------ key-value stores */

#define VALUES 1000u

static daos_handle_t store;
static char keys[VALUES][16];
static uint32_t values[VALUES];

/* The handle is known when the store has been opened. */
static int
fill_put(tse_task_t *task, void *argument)
{
	daos_kv_put_t *put = daos_task_get_args(task);

	put->oh = store;
	put->key = keys[*(uint32_t *)argument];
	put->buf = &values[*(uint32_t *)argument];
	put->buf_size = sizeof(values[0]);
	return 0;
}

static void
make_put(uint32_t number, tse_task_t *open, tse_task_t *list)
{
	tse_task_t *put;

	snprintf(keys[number], sizeof(keys[number]), "key-%u", number);
	values[number] = number * 7;
	assert_ok(daos_task_create(DAOS_OPC_KV_PUT, &sched, 1, &open, &put));
	assert_ok(tse_task_register_cbs(put, fill_put, &number, sizeof(number), NULL, NULL, 0));
	assert_ok(tse_task_register_deps(list, 1, &put));
	assert_ok(tse_task_schedule(put, number % 2));
}

struct listing {
	uint32_t found, count;
	daos_key_desc_t descriptors[64];
	char text[1024];
	d_iov_t iov;
	d_sg_list_t sgl;
	daos_anchor_t anchor;
};

static int
fill_list(tse_task_t *task, void *argument)
{
	struct listing *listing = argument;
	daos_kv_list_t *list = daos_task_get_args(task);

	list->oh = store;
	listing->found = 64;
	list->nr = &listing->found;
	list->kds = listing->descriptors;
	set_buffer(&listing->sgl, &listing->iov, listing->text, sizeof(listing->text));
	list->sgl = &listing->sgl;
	list->anchor = &listing->anchor;
	return 0;
}

/* Again until the listing is at its end. */
static int
next_page(tse_task_t *task, void *argument)
{
	struct listing *listing = argument;

	listing->count += listing->found;
	if (task->dt_result || daos_anchor_is_eof(&listing->anchor))
		return 0;
	listing->found = 64;
	return tse_task_register_comp_cb_and_reinit(task, next_page, listing, 0, 0);
}

/* Opened, filled by a thousand tasks, listed page by page by one that puts itself back. */
static void
test_store(void **state)
{
	static struct listing listing;
	tse_task_t *open = make(DAOS_OPC_KV_OPEN), *list = make(DAOS_OPC_KV_LIST);
	daos_kv_open_t *arguments = daos_task_get_args(open);
	bool empty = false;
	uint32_t value = 0;
	daos_size_t size = sizeof(value);

	(void)state;
	*arguments = (daos_kv_open_t){
		.coh = bed.container,
		.oid = embedded_oid(&bed, 1, DAOS_OT_KV_HASHED, OC_SX),
		.mode = DAOS_OO_RW,
		.oh = &store,
	};
	assert_ok(tse_task_register_cbs(list, fill_list, &listing, 0, next_page, &listing, 0));
	for (uint32_t i = 0; i < VALUES; i++)
		make_put(i, open, list);
	assert_ok(tse_task_schedule(list, false));
	assert_ok(tse_task_schedule(open, false));
	assert_ok(daos_progress(&sched, DAOS_EQ_WAIT, &empty));
	assert_true(empty);
	assert_int_equal(sched.ds_result, 0);
	assert_int_equal(listing.count, VALUES);
	CALL(DAOS_OPC_KV_GET, daos_kv_get_t, .oh = store, .key = "key-999", .buf_size = &size,
	     .buf = &value);
	assert_int_equal(value, 999 * 7);
	CALL(DAOS_OPC_KV_REMOVE, daos_kv_remove_t, .oh = store, .key = "key-999");
	assert_int_equal(RUN(DAOS_OPC_KV_REMOVE, daos_kv_remove_t, .oh = store, .key = "key-999",
			     .flags = DAOS_COND_KEY_REMOVE),
			 -DER_NONEXIST);
	CALL(DAOS_OPC_KV_DESTROY, daos_kv_destroy_t, .oh = store);
	CALL(DAOS_OPC_KV_CLOSE, daos_kv_close_t, .oh = store);
	assert_int_equal(RUN(DAOS_OPC_KV_CLOSE, daos_kv_close_t, .oh = store), -DER_NO_HDL);
	sched.ds_result = 0;
}

/* ------------------------------------------------ objects */

struct item {
	char data[5000];
	daos_recx_t extent;
	daos_key_t dkey, akey;
	daos_iod_t iod;
	d_iov_t iov;
	d_sg_list_t sgl;
};

static void
item_init(struct item *item)
{
	memset(item->data, 'x', sizeof(item->data));
	item->extent = (daos_recx_t){.rx_idx = 10, .rx_nr = sizeof(item->data)};
	d_iov_set(&item->dkey, "dkey", 4);
	d_iov_set(&item->akey, "akey", 4);
	item->iod = (daos_iod_t){.iod_name = item->akey,
				 .iod_type = DAOS_IOD_ARRAY,
				 .iod_size = 1,
				 .iod_nr = 1,
				 .iod_recxs = &item->extent};
	set_buffer(&item->sgl, &item->iov, item->data, sizeof(item->data));
}

static void
list_object(daos_handle_t object, struct item *item)
{
	char text[64];
	d_iov_t iov;
	d_sg_list_t sgl;
	daos_key_desc_t descriptors[4];
	daos_anchor_t anchors[3] = {0};
	daos_epoch_range_t epochs[4];
	daos_recx_t extents[4];
	daos_size_t size = 0;
	uint32_t count = 4;

	set_buffer(&sgl, &iov, text, sizeof(text));
	CALL(DAOS_OPC_OBJ_LIST_DKEY, daos_obj_list_dkey_t, .oh = object, .nr = &count,
	     .kds = descriptors, .sgl = &sgl, .dkey_anchor = &anchors[0]);
	assert_int_equal(count, 1);
	assert_memory_equal(text, "dkey", 4);
	count = 4;
	CALL(DAOS_OPC_OBJ_LIST_AKEY, daos_obj_list_akey_t, .oh = object, .dkey = &item->dkey,
	     .nr = &count, .kds = descriptors, .sgl = &sgl, .akey_anchor = &anchors[1]);
	assert_int_equal(count, 1);
	assert_memory_equal(text, "akey", 4);
	count = 4;
	CALL(DAOS_OPC_OBJ_LIST_RECX, daos_obj_list_recx_t, .oh = object, .dkey = &item->dkey,
	     .akey = &item->akey, .nr = &count, .size = &size, .recxs = extents, .eprs = epochs,
	     .anchor = &anchors[2], .incr_order = true);
	assert_int_equal(count, 1);
	assert_int_equal(extents[0].rx_idx, 10);
}

static void
test_object(void **state)
{
	static struct item item;
	daos_handle_t object;
	daos_epoch_t epoch = 0;

	(void)state;
	item_init(&item);
	CALL(DAOS_OPC_OBJ_OPEN, daos_obj_open_t, .coh = bed.container, .mode = DAOS_OO_RW,
	     .oid = embedded_oid(&bed, 2, DAOS_OT_MULTI_HASHED, OC_SX), .oh = &object);
	CALL(DAOS_OPC_OBJ_UPDATE, daos_obj_update_t, .oh = object, .dkey = &item.dkey, .nr = 1,
	     .iods = &item.iod, .sgls = &item.sgl);
	memset(item.data, 0, sizeof(item.data));
	CALL(DAOS_OPC_OBJ_FETCH, daos_obj_fetch_t, .oh = object, .dkey = &item.dkey, .nr = 1,
	     .iods = &item.iod, .sgls = &item.sgl);
	assert_true(item.data[0] == 'x' && item.data[4999] == 'x');
	list_object(object, &item);
	CALL(DAOS_OPC_OBJ_QUERY_KEY, daos_obj_query_key_t, .oh = object, .max_epoch = &epoch);
	assert_true(epoch > 0);
	CALL(DAOS_OPC_OBJ_PUNCH_AKEYS, daos_obj_punch_t, .oh = object, .dkey = &item.dkey,
	     .akeys = &item.akey, .akey_nr = 1);
	assert_int_equal(RUN(DAOS_OPC_OBJ_FETCH, daos_obj_fetch_t, .oh = object,
			     .flags = DAOS_COND_AKEY_FETCH, .dkey = &item.dkey, .nr = 1,
			     .iods = &item.iod, .sgls = &item.sgl),
			 -DER_NONEXIST);
	CALL(DAOS_OPC_OBJ_PUNCH_DKEYS, daos_obj_punch_t, .oh = object, .dkey = &item.dkey);
	CALL(DAOS_OPC_OBJ_PUNCH, daos_obj_punch_t, .oh = object);
	CALL(DAOS_OPC_OBJ_CLOSE, daos_obj_close_t, .oh = object);
	sched.ds_result = 0;
}

/* ------------------------------------------------ arrays */

static void
test_array(void **state)
{
	daos_obj_id_t oid = embedded_oid(&bed, 3, DAOS_OT_ARRAY, OC_SX);
	daos_obj_id_t plain = embedded_oid(&bed, 4, DAOS_OT_ARRAY_ATTR, OC_SX);
	daos_range_t range = {.rg_idx = 1000, .rg_len = 6000};
	daos_array_iod_t iod = {.arr_nr = 1, .arr_rgs = &range};
	daos_size_t size = 0, cell = 1, chunk = 2048;
	daos_array_stbuf_t status;
	static char data[6000];
	d_sg_list_t sgl;
	d_iov_t iov;
	daos_handle_t array;

	(void)state;
	memset(data, 'y', sizeof(data));
	set_buffer(&sgl, &iov, data, sizeof(data));
	CALL(DAOS_OPC_ARRAY_CREATE, daos_array_create_t, .coh = bed.container, .oid = oid,
	     .cell_size = 1, .chunk_size = 2048, .oh = &array);
	CALL(DAOS_OPC_ARRAY_WRITE, daos_array_io_t, .oh = array, .iod = &iod, .sgl = &sgl);
	CALL(DAOS_OPC_ARRAY_GET_SIZE, daos_array_get_size_t, .oh = array, .size = &size);
	assert_int_equal(size, 7000);
	CALL(DAOS_OPC_ARRAY_STAT, daos_array_stat_t, .oh = array, .stbuf = &status);
	assert_int_equal(status.st_size, 7000);
	memset(data, 0, sizeof(data));
	CALL(DAOS_OPC_ARRAY_READ, daos_array_io_t, .oh = array, .iod = &iod, .sgl = &sgl);
	assert_true(data[0] == 'y' && data[5999] == 'y');
	CALL(DAOS_OPC_ARRAY_PUNCH, daos_array_io_t, .oh = array, .iod = &iod);
	CALL(DAOS_OPC_ARRAY_SET_SIZE, daos_array_set_size_t, .oh = array, .size = 99);
	CALL(DAOS_OPC_ARRAY_CLOSE, daos_array_close_t, .oh = array);
	CALL(DAOS_OPC_ARRAY_OPEN, daos_array_open_t, .coh = bed.container, .oid = oid,
	     .mode = DAOS_OO_RW, .cell_size = &cell, .chunk_size = &chunk, .oh = &array);
	CALL(DAOS_OPC_ARRAY_GET_SIZE, daos_array_get_size_t, .oh = array, .size = &size);
	assert_int_equal(size, 99);
	CALL(DAOS_OPC_ARRAY_DESTROY, daos_array_destroy_t, .oh = array);
	CALL(DAOS_OPC_ARRAY_CLOSE, daos_array_close_t, .oh = array);
	CALL(DAOS_OPC_ARRAY_OPEN, daos_array_open_t, .coh = bed.container, .oid = plain,
	     .mode = DAOS_OO_RW, .open_with_attr = 1, .cell_size = &cell, .chunk_size = &chunk,
	     .oh = &array);
	CALL(DAOS_OPC_ARRAY_CLOSE, daos_array_close_t, .oh = array);
}

/* ------------------------------------------------ pools */

static void
use_pool_attributes(daos_handle_t pool)
{
	const char *name = "colour", *text = "blue";
	size_t size = 4, list_size = 64;
	char value[8] = "", list[64];
	void *buffer = value;

	CALL(DAOS_OPC_POOL_SET_ATTR, daos_pool_set_attr_t, .poh = pool, .n = 1, .names = &name,
	     .values = (const void *const *)&text, .sizes = &size);
	size = sizeof(value);
	CALL(DAOS_OPC_POOL_GET_ATTR, daos_pool_get_attr_t, .poh = pool, .n = 1, .names = &name,
	     .values = &buffer, .sizes = &size);
	assert_memory_equal(value, "blue", 4);
	CALL(DAOS_OPC_POOL_LIST_ATTR, daos_pool_list_attr_t, .poh = pool, .buf = list,
	     .size = &list_size);
	assert_string_equal(list, "colour");
	CALL(DAOS_OPC_POOL_DEL_ATTR, daos_pool_del_attr_t, .poh = pool, .n = 1, .names = &name);
}

static void
test_pool(void **state)
{
	daos_handle_t pool;
	daos_pool_info_t info = {.pi_bits = DPI_ALL};
	struct daos_pool_cont_info containers[8];
	daos_mgmt_pool_info_t pools[4] = {0};
	daos_size_t count = 4;
	daos_pool_connect_t *connect;
	tse_task_t *task;

	(void)state;
	CALL(DAOS_OPC_MGMT_LIST_POOLS, daos_mgmt_pool_list_t, .npools = &count, .pools = pools);
	assert_int_equal(count, 1);
	CALL(DAOS_OPC_POOL_CONNECT, daos_pool_connect_t, .pool = "default", .flags = DAOS_PC_RW,
	     .poh = &pool);
	CALL(DAOS_OPC_POOL_QUERY, daos_pool_query_t, .poh = pool, .info = &info);
	assert_memory_equal(info.pi_uuid, pools[0].mgpi_uuid, sizeof(uuid_t));
	count = 8;
	CALL(DAOS_OPC_POOL_LIST_CONT, daos_pool_list_cont_t, .poh = pool, .ncont = &count,
	     .cont_buf = containers);
	assert_true(count >= 1);
	use_pool_attributes(pool);
	CALL(DAOS_OPC_POOL_DISCONNECT, daos_pool_disconnect_t, .poh = pool);
	/* By its id alone. */
	task = make(DAOS_OPC_POOL_CONNECT);
	connect = daos_task_get_args(task);
	memcpy(connect->uuid, info.pi_uuid, sizeof(uuid_t));
	connect->flags = DAOS_PC_RO;
	connect->poh = &pool;
	assert_ok(run(task));
	CALL(DAOS_OPC_POOL_DISCONNECT, daos_pool_disconnect_t, .poh = pool);
	free(pools[0].mgpi_label);
	d_rank_list_free(pools[0].mgpi_svc);
}

/* ------------------------------------------------ containers */

static void
use_container_attributes(daos_handle_t container)
{
	const char *name = "shape", *text = "round";
	size_t size = 5, list_size = 64;
	char value[8] = "", list[64];
	void *buffer = value;

	CALL(DAOS_OPC_CONT_SET_ATTR, daos_cont_set_attr_t, .coh = container, .n = 1, .names = &name,
	     .values = (const void *const *)&text, .sizes = &size);
	size = sizeof(value);
	CALL(DAOS_OPC_CONT_GET_ATTR, daos_cont_get_attr_t, .coh = container, .n = 1, .names = &name,
	     .values = &buffer, .sizes = &size);
	assert_memory_equal(value, "round", 5);
	CALL(DAOS_OPC_CONT_LIST_ATTR, daos_cont_list_attr_t, .coh = container, .buf = list,
	     .size = &list_size);
	assert_string_equal(list, "shape");
	CALL(DAOS_OPC_CONT_DEL_ATTR, daos_cont_del_attr_t, .coh = container, .n = 1,
	     .names = &name);
}

static void
use_container_acl(daos_handle_t container)
{
	struct daos_ace *entry = daos_ace_create(DAOS_ACL_EVERYONE, NULL);
	struct daos_acl *acl;

	entry->dae_access_types = DAOS_ACL_ACCESS_ALLOW;
	entry->dae_allow_perms = DAOS_ACL_PERM_READ;
	acl = daos_acl_create(&entry, 1);
	assert_non_null(acl);
	CALL(DAOS_OPC_CONT_UPDATE_ACL, daos_cont_update_acl_t, .coh = container, .acl = acl);
	CALL(DAOS_OPC_CONT_DELETE_ACL, daos_cont_delete_acl_t, .coh = container,
	     .type = DAOS_ACL_EVERYONE);
	assert_int_equal(RUN(DAOS_OPC_CONT_DELETE_ACL, daos_cont_delete_acl_t, .coh = container,
			     .type = DAOS_ACL_EVERYONE),
			 -DER_NONEXIST);
	daos_acl_free(acl);
	daos_ace_free(entry);
}

static void
use_container(daos_handle_t container)
{
	daos_cont_info_t info;
	daos_prop_t *label = daos_prop_alloc(1);
	uint64_t id = 0;

	CALL(DAOS_OPC_CONT_QUERY, daos_cont_query_t, .coh = container, .info = &info);
	CALL(DAOS_OPC_CONT_ALLOC_OIDS, daos_cont_alloc_oids_t, .coh = container, .num_oids = 10,
	     .oid = &id);
	label->dpp_entries[0].dpe_type = DAOS_PROP_CO_LABEL;
	label->dpp_entries[0].dpe_str = strdup("renamed");
	CALL(DAOS_OPC_CONT_SET_PROP, daos_cont_set_prop_t, .coh = container, .prop = label);
	daos_prop_free(label);
	use_container_attributes(container);
	use_container_acl(container);
}

static void
test_container(void **state)
{
	daos_handle_t container;
	daos_cont_open_t *open;
	tse_task_t *task;
	uuid_t id;

	(void)state;
	CALL(DAOS_OPC_CONT_CREATE, daos_cont_create_t, .poh = bed.pool, .cuuid = &id);
	task = make(DAOS_OPC_CONT_OPEN);
	open = daos_task_get_args(task);
	*open = (daos_cont_open_t){.poh = bed.pool, .flags = DAOS_COO_RW, .coh = &container};
	memcpy(open->uuid, id, sizeof(id));
	assert_ok(run(task));
	use_container(container);
	CALL(DAOS_OPC_CONT_CLOSE, daos_cont_close_t, .coh = container);
	CALL(DAOS_OPC_CONT_DESTROY, daos_cont_destroy_t, .poh = bed.pool, .cont = "renamed");
	assert_int_equal(RUN(DAOS_OPC_CONT_OPEN, daos_cont_open_t, .poh = bed.pool,
			     .cont = "renamed", .flags = DAOS_COO_RW, .coh = &container),
			 -DER_NONEXIST);
	sched.ds_result = 0;
}

/* ------------------------------------------------ failures and cancel */

/* The first failure reaches everything behind it; each is run all the same. */
static void
test_failure(void **state)
{
	daos_handle_t one, two;
	uint32_t value = 0;
	daos_size_t size = sizeof(value);
	tse_task_t *get, *put, *put_anyway;

	(void)state;
	assert_ok(daos_kv_open(bed.container, embedded_oid(&bed, 5, DAOS_OT_KV_HASHED, OC_SX),
			       DAOS_OO_RW, &one, NULL));
	two = one;
	get = make(DAOS_OPC_KV_GET);
	*(daos_kv_get_t *)daos_task_get_args(get) = (daos_kv_get_t){
		.oh = one,
		.flags = DAOS_COND_KEY_GET,
		.key = "none",
		.buf_size = &size,
		.buf = &value,
	};
	assert_ok(daos_task_create(DAOS_OPC_KV_PUT, &sched, 1, &get, &put));
	*(daos_kv_put_t *)daos_task_get_args(put) =
		(daos_kv_put_t){.oh = two, .key = "some", .buf = "abc", .buf_size = 3};
	assert_ok(daos_task_create(DAOS_OPC_KV_PUT, &sched, 1, &get, &put_anyway));
	*(daos_kv_put_t *)daos_task_get_args(put_anyway) =
		(daos_kv_put_t){.oh = two, .key = "other", .buf = "abc", .buf_size = 3};
	tse_disable_propagate(put_anyway);
	tse_task_addref(put);
	tse_task_addref(put_anyway);
	assert_ok(tse_task_schedule(put, true));
	assert_ok(tse_task_schedule(put_anyway, true));
	assert_ok(tse_task_schedule(get, true));
	assert_ok(daos_progress(&sched, DAOS_EQ_WAIT, NULL));
	assert_int_equal(put->dt_result, -DER_NONEXIST);
	assert_int_equal(put_anyway->dt_result, 0);
	assert_int_equal(sched.ds_result, -DER_NONEXIST);
	tse_task_decref(put);
	tse_task_decref(put_anyway);
	size = sizeof(value);
	assert_ok(daos_kv_get(one, DAOS_TX_NONE, 0, "some", &size, &value, NULL));
	assert_int_equal(size, 3);
	assert_ok(daos_kv_close(one, NULL));
	sched.ds_result = 0;
}

static uint32_t ended[2];

static int
count_end(tse_task_t *task, void *argument)
{
	(void)argument;
	assert_true(task->dt_result == 0 || task->dt_result == -DER_CANCELED);
	ended[task->dt_result == 0]++;
	return 0;
}

/* Canceled over operations under way and held: each ends, and the store is as usable as before. */
static void
test_cancel(void **state)
{
	tse_sched_t other;
	daos_handle_t handle;
	uint32_t value = 0;
	daos_size_t size = sizeof(value);

	(void)state;
	assert_ok(tse_sched_init(&other, NULL, NULL));
	assert_ok(daos_kv_open(bed.container, embedded_oid(&bed, 6, DAOS_OT_KV_HASHED, OC_SX),
			       DAOS_OO_RW, &handle, NULL));
	for (uint32_t i = 0; i < VALUES; i++) {
		tse_task_t *task;
		daos_kv_put_t *put;

		assert_ok(daos_task_create(DAOS_OPC_KV_PUT, &other, 0, NULL, &task));
		put = daos_task_get_args(task);
		*put = (daos_kv_put_t){.oh = handle,
				       .key = keys[i],
				       .buf = &values[i],
				       .buf_size = sizeof(values[i])};
		assert_ok(tse_task_register_comp_cb(task, count_end, NULL, 0));
		assert_ok(tse_task_schedule(task, true));
	}
	tse_sched_complete(&other, 0, true);
	assert_int_equal(ended[0] + ended[1], VALUES);
	assert_true(ended[0] > 0);
	tse_sched_fini(&other);
	assert_ok(daos_kv_put(handle, DAOS_TX_NONE, 0, "after", 4, &value, NULL));
	assert_ok(daos_kv_get(handle, DAOS_TX_NONE, 0, "after", &size, &value, NULL));
	assert_ok(daos_kv_close(handle, NULL));
}

/* ------------------------------------------------ threads, each with a scheduler of its own */

static void *
thread_main(void *argument)
{
	daos_handle_t handle = *(daos_handle_t *)argument;
	tse_sched_t own;
	uint32_t results[100];
	daos_size_t sizes[100];

	assert_ok(tse_sched_init(&own, NULL, NULL));
	for (uint32_t i = 0; i < 100; i++) {
		tse_task_t *put, *get;

		assert_ok(daos_task_create(DAOS_OPC_KV_PUT, &own, 0, NULL, &put));
		*(daos_kv_put_t *)daos_task_get_args(put) = (daos_kv_put_t){
			.oh = handle, .key = keys[i], .buf = &values[i], .buf_size = 4};
		assert_ok(daos_task_create(DAOS_OPC_KV_GET, &own, 1, &put, &get));
		sizes[i] = 4;
		*(daos_kv_get_t *)daos_task_get_args(get) = (daos_kv_get_t){
			.oh = handle, .key = keys[i], .buf = &results[i], .buf_size = &sizes[i]};
		assert_ok(tse_task_schedule(get, true));
		assert_ok(tse_task_schedule(put, true));
	}
	tse_sched_complete(&own, 0, false);
	assert_int_equal(own.ds_result, 0);
	for (uint32_t i = 0; i < 100; i++)
		assert_int_equal(results[i], values[i]);
	tse_sched_fini(&own);
	return NULL;
}

static void
test_threads(void **state)
{
	pthread_t threads[4];
	daos_handle_t handle;

	(void)state;
	assert_ok(daos_kv_open(bed.container, embedded_oid(&bed, 7, DAOS_OT_KV_HASHED, OC_SX),
			       DAOS_OO_RW, &handle, NULL));
	for (uint32_t i = 0; i < 4; i++)
		assert_ok(pthread_create(&threads[i], NULL, thread_main, &handle));
	for (uint32_t i = 0; i < 4; i++)
		assert_ok(pthread_join(threads[i], NULL));
	assert_ok(daos_kv_close(handle, NULL));
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_store),	  cmocka_unit_test(test_object),
		cmocka_unit_test(test_array),	  cmocka_unit_test(test_pool),
		cmocka_unit_test(test_container), cmocka_unit_test(test_failure),
		cmocka_unit_test(test_cancel),	  cmocka_unit_test(test_threads),
	};

	embedded_library_open();
	return cmocka_run_group_tests_name("tasks", tests, setup, teardown);
}
