/* SPDX-License-Identifier: BSD-2-Clause-Patent */
/*
 * Bad input: wrong arguments over the public interface, no server, a full pool, malformed bytes on
 * the engine's socket, storage that cannot be used. The code says what, the text what to do, the
 * engine lives and nothing is lost.
 */
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <unistd.h>

#include "client/client.h"
#include "env/env.h"
#include "env/linux/frame.h"
#include "ledger.h"
#include "media/format.h"
#include "proto/header.h"

static struct engine_bed bed;
static daos_handle_t object;

static int
setup(void **state)
{
	(void)state;
	engine_bed_make(&bed);
	engine_up(&bed);
	engine_client_up(&bed);
	assert_ok(daos_obj_open(bed.client.container,
				embedded_oid(&bed.client, 1, DAOS_OT_MULTI_HASHED, OC_SX),
				DAOS_OO_RW, &object, NULL));
	return 0;
}

static int
teardown(void **state)
{
	(void)state;
	assert_true(engine_alive(&bed));
	assert_ok(daos_obj_close(object, NULL));
	engine_client_down(&bed);
	engine_stop_cleanly(&bed);
	engine_bed_remove(&bed);
	return 0;
}

/* ------------------------------------------------ handles */

/* No call takes this handle. */
static void
refuse_handle(daos_handle_t handle)
{
	daos_key_t key;
	daos_iod_t iod = {.iod_type = DAOS_IOD_SINGLE, .iod_size = 1, .iod_nr = 1};
	d_iov_t iov;
	d_sg_list_t sgl = {.sg_nr = 1, .sg_iovs = &iov};
	daos_range_t range = {0, 1};
	daos_array_iod_t array_iod = {.arr_nr = 1, .arr_rgs = &range};
	daos_obj_id_t oid = embedded_oid(&bed.client, 2, DAOS_OT_KV_HASHED, OC_S1);
	daos_size_t size = 1;
	daos_event_t *ready[1], event;
	daos_handle_t other;
	uint64_t number;
	char byte = 'x';

	d_iov_set(&key, &byte, 1);
	d_iov_set(&iov, &byte, 1);
	iod.iod_name = key;
	assert_int_equal(daos_pool_disconnect(handle, NULL), -DER_NO_HDL);
	assert_int_equal(daos_pool_query(handle, NULL, NULL, NULL, NULL), -DER_NO_HDL);
	assert_int_equal(daos_cont_open(handle, "test", DAOS_COO_RW, &other, NULL, NULL),
			 -DER_NO_HDL);
	assert_int_equal(daos_cont_create_with_label(handle, "more", NULL, NULL, NULL),
			 -DER_NO_HDL);
	assert_int_equal(daos_cont_close(handle, NULL), -DER_NO_HDL);
	assert_int_equal(daos_cont_alloc_oids(handle, 1, &number, NULL), -DER_NO_HDL);
	assert_int_equal(daos_obj_open(handle, oid, DAOS_OO_RW, &other, NULL), -DER_NO_HDL);
	assert_int_equal(daos_obj_close(handle, NULL), -DER_NO_HDL);
	assert_int_equal(daos_obj_update(handle, DAOS_TX_NONE, 0, &key, 1, &iod, &sgl, NULL),
			 -DER_NO_HDL);
	assert_int_equal(daos_obj_fetch(handle, DAOS_TX_NONE, 0, &key, 1, &iod, &sgl, NULL, NULL),
			 -DER_NO_HDL);
	assert_int_equal(daos_obj_punch(handle, DAOS_TX_NONE, 0, NULL), -DER_NO_HDL);
	assert_int_equal(daos_kv_open(handle, oid, DAOS_OO_RW, &other, NULL), -DER_NO_HDL);
	assert_int_equal(daos_kv_put(handle, DAOS_TX_NONE, 0, "k", 1, "v", NULL), -DER_NO_HDL);
	assert_int_equal(daos_kv_get(handle, DAOS_TX_NONE, 0, "k", &size, &byte, NULL),
			 -DER_NO_HDL);
	assert_int_equal(daos_kv_close(handle, NULL), -DER_NO_HDL);
	assert_int_equal(daos_array_write(handle, DAOS_TX_NONE, &array_iod, &sgl, NULL),
			 -DER_NO_HDL);
	assert_int_equal(daos_array_read(handle, DAOS_TX_NONE, &array_iod, &sgl, NULL),
			 -DER_NO_HDL);
	assert_int_equal(daos_array_get_size(handle, DAOS_TX_NONE, &size, NULL), -DER_NO_HDL);
	assert_int_equal(daos_array_close(handle, NULL), -DER_NO_HDL);
	assert_int_equal(daos_eq_poll(handle, 1, DAOS_EQ_NOWAIT, 1, ready), -DER_NO_HDL);
	assert_int_equal(daos_eq_destroy(handle, 0), -DER_NO_HDL);
	if (handle.cookie != 0)
		assert_int_equal(daos_event_init(&event, handle, NULL), -DER_NO_HDL);
}

static void
handles_that_are_none(void **state)
{
	daos_handle_t closed;

	(void)state;
	refuse_handle(DAOS_HDL_INVAL);
	refuse_handle((daos_handle_t){UINT64_MAX});
	refuse_handle((daos_handle_t){0x1234567});
	assert_ok(daos_kv_open(bed.client.container,
			       embedded_oid(&bed.client, 2, DAOS_OT_KV_HASHED, OC_S1), DAOS_OO_RW,
			       &closed, NULL));
	assert_ok(daos_kv_close(closed, NULL));
	refuse_handle(closed);
	assert_ok(daos_eq_create(&closed));
	assert_ok(daos_eq_destroy(closed, 0));
	refuse_handle(closed);
}

/* Handles of the other kinds where one kind is wanted. */
static void
handles_of_another_kind(void **state)
{
	daos_handle_t pool = bed.client.pool, container = bed.client.container, other;
	daos_obj_id_t oid = embedded_oid(&bed.client, 2, DAOS_OT_KV_HASHED, OC_S1);
	daos_event_t *ready[1];

	(void)state;
	assert_int_equal(daos_pool_disconnect(container, NULL), -DER_NO_HDL);
	assert_int_equal(daos_cont_close(pool, NULL), -DER_NO_HDL);
	assert_int_equal(daos_obj_open(pool, oid, DAOS_OO_RW, &other, NULL), -DER_NO_HDL);
	assert_int_equal(daos_obj_close(container, NULL), -DER_NO_HDL);
	assert_int_equal(daos_kv_put(object, DAOS_TX_NONE, 0, "k", 1, "v", NULL), -DER_NO_HDL);
	assert_int_equal(daos_kv_close(object, NULL), -DER_NO_HDL);
	assert_int_equal(daos_array_close(object, NULL), -DER_NO_HDL);
	assert_int_equal(daos_eq_poll(pool, 1, DAOS_EQ_NOWAIT, 1, ready), -DER_NO_HDL);
	assert_int_equal(daos_cont_open(container, "test", DAOS_COO_RW, &other, NULL, NULL),
			 -DER_NO_HDL);
}

/* ------------------------------------------------ NULL and nothing */

static void
missing_arguments(void **state)
{
	daos_handle_t pool = bed.client.pool, container = bed.client.container, store, queue;
	daos_key_t none = {0}, key;
	daos_iod_t iod = {.iod_type = DAOS_IOD_SINGLE, .iod_size = 1, .iod_nr = 1};
	daos_size_t size = 1;
	daos_event_t *ready[1], event;
	bool flag;

	(void)state;
	d_iov_set(&key, (void *)(uintptr_t) "k", 1);
	iod.iod_name = key;
	assert_int_equal(daos_pool_connect(NULL, NULL, DAOS_PC_RW, &store, NULL, NULL), -DER_INVAL);
	assert_int_equal(daos_pool_connect("pool", NULL, DAOS_PC_RW, NULL, NULL, NULL), -DER_INVAL);
	assert_int_equal(daos_pool_connect("", NULL, DAOS_PC_RW, &store, NULL, NULL), -DER_INVAL);
	assert_int_equal(daos_pool_connect("pool", NULL, 0, &store, NULL, NULL), -DER_INVAL);
	assert_int_equal(daos_cont_open(pool, NULL, DAOS_COO_RW, &store, NULL, NULL), -DER_INVAL);
	assert_int_equal(daos_cont_open(pool, "test", DAOS_COO_RW, NULL, NULL, NULL), -DER_INVAL);
	assert_int_equal(daos_cont_open(pool, "test", 0, &store, NULL, NULL), -DER_INVAL);
	assert_int_equal(daos_cont_destroy(pool, NULL, 0, NULL), -DER_INVAL);
	assert_int_equal(daos_cont_alloc_oids(container, 1, NULL, NULL), -DER_INVAL);
	assert_int_equal(daos_cont_alloc_oids(container, 0, &size, NULL), -DER_INVAL);
	assert_int_equal(daos_obj_open(container, (daos_obj_id_t){0}, DAOS_OO_RW, NULL, NULL),
			 -DER_INVAL);
	assert_int_equal(daos_obj_update(object, DAOS_TX_NONE, 0, NULL, 1, &iod, NULL, NULL),
			 -DER_INVAL);
	assert_int_equal(daos_obj_update(object, DAOS_TX_NONE, 0, &none, 1, &iod, NULL, NULL),
			 -DER_INVAL);
	assert_int_equal(daos_obj_update(object, DAOS_TX_NONE, 0, &key, 0, &iod, NULL, NULL),
			 -DER_INVAL);
	assert_int_equal(daos_obj_update(object, DAOS_TX_NONE, 0, &key, 1, NULL, NULL, NULL),
			 -DER_INVAL);
	/* A value without bytes for it. */
	assert_int_equal(daos_obj_update(object, DAOS_TX_NONE, 0, &key, 1, &iod, NULL, NULL),
			 -DER_INVAL);
	iod.iod_name = none;
	assert_int_equal(daos_obj_fetch(object, DAOS_TX_NONE, 0, &key, 1, &iod, NULL, NULL, NULL),
			 -DER_INVAL);
	assert_int_equal(daos_obj_punch_dkeys(object, DAOS_TX_NONE, 0, 0, &key, NULL), -DER_INVAL);
	assert_int_equal(daos_obj_punch_dkeys(object, DAOS_TX_NONE, 0, 1, NULL, NULL), -DER_INVAL);
	assert_int_equal(daos_obj_punch_akeys(object, DAOS_TX_NONE, 0, NULL, 1, &key, NULL),
			 -DER_INVAL);

	assert_ok(daos_kv_open(container, embedded_oid(&bed.client, 2, DAOS_OT_KV_HASHED, OC_S1),
			       DAOS_OO_RW, &store, NULL));
	assert_int_equal(daos_kv_put(store, DAOS_TX_NONE, 0, NULL, 1, "v", NULL), -DER_INVAL);
	assert_int_equal(daos_kv_put(store, DAOS_TX_NONE, 0, "", 1, "v", NULL), -DER_INVAL);
	assert_int_equal(daos_kv_put(store, DAOS_TX_NONE, 0, "k", 0, "v", NULL), -DER_INVAL);
	assert_int_equal(daos_kv_put(store, DAOS_TX_NONE, 0, "k", 1, NULL, NULL), -DER_INVAL);
	assert_int_equal(daos_kv_get(store, DAOS_TX_NONE, 0, "k", NULL, NULL, NULL), -DER_INVAL);
	assert_int_equal(daos_kv_remove(store, DAOS_TX_NONE, 0, NULL, NULL), -DER_INVAL);
	assert_int_equal(daos_kv_list(store, DAOS_TX_NONE, NULL, NULL, NULL, NULL, NULL),
			 -DER_INVAL);
	/* Nothing was written. */
	assert_ok(daos_kv_get(store, DAOS_TX_NONE, 0, "k", &size, NULL, NULL));
	assert_int_equal(size, 0);
	assert_ok(daos_kv_close(store, NULL));

	assert_int_equal(daos_eq_create(NULL), -DER_INVAL);
	assert_ok(daos_eq_create(&queue));
	assert_int_equal(daos_eq_poll(queue, 1, DAOS_EQ_NOWAIT, 0, ready), -DER_INVAL);
	assert_int_equal(daos_eq_poll(queue, 1, DAOS_EQ_NOWAIT, 1, NULL), -DER_INVAL);
	assert_int_equal(daos_event_init(NULL, queue, NULL), -DER_INVAL);
	assert_int_equal(daos_event_fini(NULL), -DER_INVAL);
	memset(&event, 0, sizeof(event));
	assert_int_equal(daos_event_fini(&event), -DER_INVAL);
	assert_int_equal(daos_event_test(&event, 0, &flag), -DER_INVAL);
	assert_int_equal(daos_kv_put(object, DAOS_TX_NONE, 0, "k", 1, "v", &event), -DER_INVAL);
	assert_ok(daos_eq_destroy(queue, 0));
}

/* ------------------------------------------------ limits, and one beyond */

static void
labels(void **state)
{
	struct client_pool_create request = {.metadata_bytes = 32 << 20, .data_bytes = 32 << 20};
	struct client_pool_created created;
	char label[130];

	(void)state;
	memset(label, 'l', sizeof(label));
	label[128] = '\0';
	assert_int_equal(daos_cont_create_with_label(bed.client.pool, label, NULL, NULL, NULL),
			 -DER_INVAL);
	request.label = label;
	assert_int_equal(client_pool_create(&request, &created), -DER_INVAL);
	assert_int_equal(daos_pool_connect(label, NULL, DAOS_PC_RW, &(daos_handle_t){0}, NULL,
					   NULL),
			 -DER_INVAL);
	label[127] = '\0';
	assert_ok(daos_cont_create_with_label(bed.client.pool, label, NULL, NULL, NULL));
	assert_ok(daos_cont_destroy(bed.client.pool, label, 0, NULL));
	assert_ok(client_pool_create(&request, &created));
	assert_ok(client_pool_destroy(label, false, false));
	assert_int_equal(daos_cont_create_with_label(bed.client.pool, "two words", NULL, NULL,
						     NULL),
			 -DER_INVAL);
	assert_int_equal(daos_cont_create_with_label(bed.client.pool, "", NULL, NULL, NULL),
			 -DER_INVAL);
}

#define KEY_MAX (16u * 1024)

static void
keys(void **state)
{
	char *bytes = malloc(KEY_MAX + 2), value = 'v';
	daos_iod_t iod = {.iod_type = DAOS_IOD_SINGLE, .iod_size = 1, .iod_nr = 1};
	d_iov_t iov;
	d_sg_list_t sgl = {.sg_nr = 1, .sg_iovs = &iov};
	daos_handle_t store;
	daos_key_t key;

	(void)state;
	memset(bytes, 'k', KEY_MAX + 2);
	d_iov_set(&iov, &value, 1);
	d_iov_set(&key, bytes, KEY_MAX);
	iod.iod_name = key;
	assert_ok(daos_obj_update(object, DAOS_TX_NONE, 0, &key, 1, &iod, &sgl, NULL));
	value = 'x';
	assert_ok(daos_obj_fetch(object, DAOS_TX_NONE, 0, &key, 1, &iod, &sgl, NULL, NULL));
	assert_int_equal(value, 'v');
	iod.iod_name.iov_len = iod.iod_name.iov_buf_len = KEY_MAX + 1;
	assert_int_equal(daos_obj_update(object, DAOS_TX_NONE, 0, &key, 1, &iod, &sgl, NULL),
			 -DER_KEY2BIG);
	iod.iod_name = key;
	key.iov_len = key.iov_buf_len = KEY_MAX + 1;
	assert_int_equal(daos_obj_update(object, DAOS_TX_NONE, 0, &key, 1, &iod, &sgl, NULL),
			 -DER_KEY2BIG);
	assert_int_equal(daos_obj_fetch(object, DAOS_TX_NONE, 0, &key, 1, &iod, &sgl, NULL, NULL),
			 -DER_KEY2BIG);

	assert_ok(daos_kv_open(bed.client.container,
			       embedded_oid(&bed.client, 2, DAOS_OT_KV_HASHED, OC_S1), DAOS_OO_RW,
			       &store, NULL));
	bytes[KEY_MAX + 1] = '\0';
	assert_int_equal(daos_kv_put(store, DAOS_TX_NONE, 0, bytes, 1, &value, NULL), -DER_KEY2BIG);
	bytes[KEY_MAX] = '\0';
	assert_ok(daos_kv_put(store, DAOS_TX_NONE, 0, bytes, 1, &value, NULL));
	assert_ok(daos_kv_close(store, NULL));
	free(bytes);
}

/* Many extents in one akey: what a request cannot hold is refused or cut, never misread. */
static int
write_extents(uint32_t count, uint64_t stride)
{
	daos_recx_t *recxs = calloc(count, sizeof(*recxs));
	char *bytes = malloc(count), *back = calloc(1, count);
	daos_iod_t iod = {
		.iod_type = DAOS_IOD_ARRAY, .iod_size = 1, .iod_nr = count, .iod_recxs = recxs};
	d_iov_t iov;
	d_sg_list_t sgl = {.sg_nr = 1, .sg_iovs = &iov};
	daos_key_t key;
	int rc;

	for (uint32_t i = 0; i < count; i++) {
		recxs[i] = (daos_recx_t){i * stride, 1};
		bytes[i] = (char)(i % 251);
	}
	d_iov_set(&key, &count, sizeof(count));
	iod.iod_name = key;
	d_iov_set(&iov, bytes, count);
	rc = daos_obj_update(object, DAOS_TX_NONE, 0, &key, 1, &iod, &sgl, NULL);
	if (rc == 0) {
		d_iov_set(&iov, back, count);
		assert_ok(daos_obj_fetch(object, DAOS_TX_NONE, 0, &key, 1, &iod, &sgl, NULL, NULL));
		assert_memory_equal(back, bytes, count);
	}
	free(recxs);
	free(bytes);
	free(back);
	return rc;
}

static void
extents(void **state)
{
	daos_recx_t recxs[2] = {{10, 10}, {15, 10}};
	char bytes[20] = "overlapping extents";
	daos_iod_t iod = {
		.iod_type = DAOS_IOD_ARRAY, .iod_size = 1, .iod_nr = 2, .iod_recxs = recxs};
	d_iov_t iov;
	d_sg_list_t sgl = {.sg_nr = 1, .sg_iovs = &iov};
	daos_iod_t *many = calloc(129, sizeof(*many));
	char names[129];
	daos_key_t key;
	int rc;

	(void)state;
	d_iov_set(&key, (void *)(uintptr_t) "extents", 7);
	iod.iod_name = key;
	d_iov_set(&iov, bytes, sizeof(bytes));
	assert_int_equal(daos_obj_update(object, DAOS_TX_NONE, 0, &key, 1, &iod, &sgl, NULL),
			 -DER_INVAL);
	/* An end beyond 2^64, and more bytes than there are. */
	iod.iod_nr = 1;
	recxs[0] = (daos_recx_t){UINT64_MAX - 5, 10};
	rc = daos_obj_update(object, DAOS_TX_NONE, 0, &key, 1, &iod, &sgl, NULL);
	assert_true(rc == -DER_OVERFLOW || rc == -DER_INVAL);
	rc = daos_obj_fetch(object, DAOS_TX_NONE, 0, &key, 1, &iod, &sgl, NULL, NULL);
	assert_true(rc == -DER_OVERFLOW || rc == -DER_INVAL);
	recxs[0] = (daos_recx_t){0, UINT64_MAX};
	assert_int_equal(daos_obj_update(object, DAOS_TX_NONE, 0, &key, 1, &iod, &sgl, NULL),
			 -DER_INVAL);
	recxs[0] = (daos_recx_t){0, 21};
	assert_int_equal(daos_obj_update(object, DAOS_TX_NONE, 0, &key, 1, &iod, &sgl, NULL),
			 -DER_INVAL);
	iod.iod_size = UINT64_MAX;
	recxs[0] = (daos_recx_t){0, 2};
	assert_int_equal(daos_obj_update(object, DAOS_TX_NONE, 0, &key, 1, &iod, &sgl, NULL),
			 -DER_INVAL);
	iod.iod_size = 1;
	iod.iod_nr = 0;
	assert_int_equal(daos_obj_update(object, DAOS_TX_NONE, 0, &key, 1, &iod, &sgl, NULL),
			 -DER_INVAL);
	iod.iod_nr = 1;
	iod.iod_recxs = NULL;
	assert_int_equal(daos_obj_update(object, DAOS_TX_NONE, 0, &key, 1, &iod, &sgl, NULL),
			 -DER_INVAL);
	iod.iod_type = DAOS_IOD_NONE;
	assert_int_equal(daos_obj_update(object, DAOS_TX_NONE, 0, &key, 1, &iod, &sgl, NULL),
			 -DER_INVAL);

	assert_ok(write_extents(1024, 3));
	rc = write_extents(1025, 3);
	assert_true(rc == 0 || rc == -DER_OVERFLOW || rc == -DER_INVAL);
	rc = write_extents(20000, 3);
	assert_true(rc == 0 || rc == -DER_OVERFLOW || rc == -DER_INVAL);

	/* More akeys than a request may have. */
	for (uint32_t i = 0; i < 129; i++) {
		names[i] = (char)i;
		d_iov_set(&many[i].iod_name, &names[i], 1);
		many[i].iod_type = DAOS_IOD_SINGLE;
		many[i].iod_nr = 1;
	}
	assert_ok(daos_obj_fetch(object, DAOS_TX_NONE, 0, &key, 128, many, NULL, NULL, NULL));
	rc = daos_obj_fetch(object, DAOS_TX_NONE, 0, &key, 129, many, NULL, NULL, NULL);
	assert_true(rc == -DER_OVERFLOW || rc == -DER_INVAL);
	free(many);
}

static void
array_limits(void **state)
{
	daos_handle_t container = bed.client.container, array;
	daos_obj_id_t oid = embedded_oid(&bed.client, 3, DAOS_OT_ARRAY_BYTE, OC_SX);
	daos_range_t range = {UINT64_MAX - 1, 4};
	daos_array_iod_t iod = {.arr_nr = 1, .arr_rgs = &range};
	char byte = 'b';
	d_iov_t iov;
	d_sg_list_t sgl = {.sg_nr = 1, .sg_iovs = &iov};
	daos_size_t size = 7;

	(void)state;
	d_iov_set(&iov, &byte, 1);
	assert_int_equal(daos_array_open_with_attr(container, oid, DAOS_TX_NONE, DAOS_OO_RW, 0,
						   4096, &array, NULL),
			 -DER_INVAL);
	assert_int_equal(daos_array_open_with_attr(container, oid, DAOS_TX_NONE, DAOS_OO_RW, 1, 0,
						   &array, NULL),
			 -DER_INVAL);
	assert_ok(daos_array_open_with_attr(container, oid, DAOS_TX_NONE, DAOS_OO_RW, 1, 4096,
					    &array, NULL));
	assert_int_equal(daos_array_write(array, DAOS_TX_NONE, &iod, &sgl, NULL), -DER_INVAL);
	assert_int_equal(daos_array_read(array, DAOS_TX_NONE, &iod, &sgl, NULL), -DER_INVAL);
	assert_int_equal(daos_array_write(array, DAOS_TX_NONE, NULL, &sgl, NULL), -DER_INVAL);
	range = (daos_range_t){0, 2};
	assert_int_equal(daos_array_write(array, DAOS_TX_NONE, &iod, &sgl, NULL), -DER_INVAL);
	assert_int_equal(daos_array_write(array, DAOS_TX_NONE, &iod, NULL, NULL), -DER_INVAL);
	range = (daos_range_t){0, 0};
	assert_ok(daos_array_write(array, DAOS_TX_NONE, &iod, &sgl, NULL));
	iod.arr_nr = 0;
	assert_ok(daos_array_write(array, DAOS_TX_NONE, &iod, &sgl, NULL));
	assert_ok(daos_array_get_size(array, DAOS_TX_NONE, &size, NULL));
	assert_int_equal(size, 0);
	assert_int_equal(daos_array_get_size(array, DAOS_TX_NONE, NULL, NULL), -DER_INVAL);
	/* The last cells that an array can have. */
	iod.arr_nr = 1;
	range = (daos_range_t){UINT64_MAX / 2, 1};
	assert_ok(daos_array_write(array, DAOS_TX_NONE, &iod, &sgl, NULL));
	assert_ok(daos_array_get_size(array, DAOS_TX_NONE, &size, NULL));
	assert_int_equal(size, UINT64_MAX / 2 + 1);
	assert_ok(daos_array_set_size(array, DAOS_TX_NONE, 0, NULL));
	assert_ok(daos_array_close(array, NULL));
}

/* ------------------------------------------------ what is not there, what is not allowed */

static void
names_of_nothing(void **state)
{
	daos_handle_t handle;

	(void)state;
	assert_int_equal(daos_pool_connect("none", NULL, DAOS_PC_RW, &handle, NULL, NULL),
			 -DER_NONEXIST);
	assert_non_null(strstr(client_last_error(), "none"));
	assert_int_equal(daos_pool_connect("11111111-2222-3333-4444-555555555555", NULL, DAOS_PC_RW,
					   &handle, NULL, NULL),
			 -DER_NONEXIST);
	assert_int_equal(daos_cont_open(bed.client.pool, "none", DAOS_COO_RW, &handle, NULL, NULL),
			 -DER_NONEXIST);
	assert_non_null(strstr(client_last_error(), "none"));
	assert_int_equal(daos_cont_open(bed.client.pool, "11111111-2222-3333-4444-555555555555",
					DAOS_COO_RW, &handle, NULL, NULL),
			 -DER_NONEXIST);
	assert_int_equal(daos_cont_destroy(bed.client.pool, "none", 0, NULL), -DER_NONEXIST);
	assert_int_equal(client_pool_destroy("none", false, false), -DER_NONEXIST);
}

/* A way to open for reading only is kept for every kind of object. */
static void
reading_only(void **state)
{
	struct embedded_bed *client = &bed.client;
	daos_obj_id_t kv = embedded_oid(client, 4, DAOS_OT_KV_HASHED, OC_S1);
	daos_obj_id_t bytes = embedded_oid(client, 4, DAOS_OT_ARRAY_BYTE, OC_S1);
	daos_handle_t store, array, reader;

	(void)state;
	assert_ok(daos_kv_open(client->container, kv, DAOS_OO_RO, &store, NULL));
	assert_int_equal(daos_kv_put(store, DAOS_TX_NONE, 0, "k", 1, "v", NULL), -DER_NO_PERM);
	assert_int_equal(daos_kv_remove(store, DAOS_TX_NONE, 0, "k", NULL), -DER_NO_PERM);
	assert_int_equal(daos_kv_destroy(store, DAOS_TX_NONE, NULL), -DER_NO_PERM);
	assert_ok(daos_kv_close(store, NULL));
	assert_ok(daos_array_open_with_attr(client->container, bytes, DAOS_TX_NONE, DAOS_OO_RO, 1,
					    4096, &array, NULL));
	assert_int_equal(daos_array_set_size(array, DAOS_TX_NONE, 5, NULL), -DER_NO_PERM);
	assert_int_equal(daos_array_destroy(array, DAOS_TX_NONE, NULL), -DER_NO_PERM);
	assert_ok(daos_array_close(array, NULL));
	/* A container that was opened for reading. */
	assert_ok(daos_cont_open(client->pool, "test", DAOS_COO_RO, &reader, NULL, NULL));
	assert_int_equal(daos_kv_open(reader, kv, DAOS_OO_RW, &store, NULL), -DER_NO_PERM);
	assert_ok(daos_kv_open(reader, kv, 0, &store, NULL));
	assert_int_equal(daos_kv_put(store, DAOS_TX_NONE, 0, "k", 1, "v", NULL), -DER_NO_PERM);
	assert_ok(daos_kv_close(store, NULL));
	assert_ok(daos_cont_close(reader, NULL));
}

/* ------------------------------------------------ a full pool */

#define FILL_PIECE (1u << 20)
#define FILL_MOST 200u /* pieces; the pool has far less */

static int
piece_io(daos_handle_t array, uint32_t number, bool write, uint8_t *bytes)
{
	daos_range_t range = {(uint64_t)number * FILL_PIECE, FILL_PIECE};
	daos_array_iod_t iod = {.arr_nr = 1, .arr_rgs = &range};
	d_iov_t iov;
	d_sg_list_t sgl = {.sg_nr = 1, .sg_iovs = &iov};

	d_iov_set(&iov, bytes, FILL_PIECE);
	return write ? daos_array_write(array, DAOS_TX_NONE, &iod, &sgl, NULL)
		     : daos_array_read(array, DAOS_TX_NONE, &iod, &sgl, NULL);
}

/* Writes pieces until there is no space; returns how many were acknowledged. */
static uint32_t
fill_up(daos_handle_t array, uint8_t *bytes)
{
	for (uint32_t number = 0; number < FILL_MOST; number++) {
		int rc;

		memset(bytes, (int)(number + 1), FILL_PIECE);
		rc = piece_io(array, number, true, bytes);
		if (rc == 0)
			continue;
		assert_int_equal(rc, -DER_NOSPACE);
		return number;
	}
	fail_msg("a pool of 64 MiB took %u MiB", FILL_MOST);
	return 0;
}

static void
check_filled(daos_handle_t array, uint32_t count, uint8_t *bytes)
{
	for (uint32_t number = 0; number < count; number++) {
		assert_ok(piece_io(array, number, false, bytes));
		for (uint32_t i = 0; i < FILL_PIECE; i += 4093)
			assert_int_equal(bytes[i], (uint8_t)(number + 1));
	}
}

/* What was punched is freed by and by. */
static void
fill_again(daos_handle_t array, uint8_t *bytes)
{
	int rc = -DER_NOSPACE;

	memset(bytes, 1, FILL_PIECE);
	for (int i = 0; i < 1500 && rc == -DER_NOSPACE; i++) {
		rc = piece_io(array, 0, true, bytes);
		if (rc == -DER_NOSPACE)
			usleep(10000);
	}
	assert_ok(rc);
	check_filled(array, 1, bytes);
}

static void
full_pool(void **state)
{
	struct client_pool_create request = {
		.label = "small", .metadata_bytes = 64 << 20, .data_bytes = 64 << 20};
	struct client_pool_created created;
	struct embedded_bed small;
	uint8_t *bytes = malloc(FILL_PIECE);
	daos_handle_t array;
	uint32_t count;

	(void)state;
	assert_ok(client_pool_create(&request, &created));
	assert_ok(daos_pool_connect("small", NULL, DAOS_PC_RW, &small.pool, NULL, NULL));
	assert_ok(daos_cont_create_with_label(small.pool, "c", NULL, NULL, NULL));
	assert_ok(daos_cont_open(small.pool, "c", DAOS_COO_RW, &small.container, NULL, NULL));
	assert_ok(daos_array_open_with_attr(small.container,
					    embedded_oid(&small, 1, DAOS_OT_ARRAY_BYTE, OC_SX),
					    DAOS_TX_NONE, DAOS_OO_RW, 1, FILL_PIECE, &array, NULL));
	count = fill_up(array, bytes);
	assert_in_range(count, 16, 64);
	assert_true(strlen(client_last_error()) > 0);
	check_filled(array, count, bytes);
	assert_ok(daos_array_destroy(array, DAOS_TX_NONE, NULL));
	fill_again(array, bytes);
	assert_ok(daos_array_close(array, NULL));
	assert_ok(daos_cont_close(small.container, NULL));
	assert_ok(daos_pool_disconnect(small.pool, NULL));
	assert_ok(client_pool_destroy("small", false, true));
	free(bytes);
}

/* ------------------------------------------------ malformed bytes */

static void
socket_address(const struct engine_bed *engine, struct sockaddr_un *ret_address)
{
	memset(ret_address, 0, sizeof(*ret_address));
	ret_address->sun_family = AF_UNIX;
	snprintf(ret_address->sun_path, sizeof(ret_address->sun_path),
		 "%.80s/sockets/engine-0.sock", engine->client.directory);
}

static int
socket_open(void)
{
	struct sockaddr_un address;
	struct timeval patience = {.tv_sec = 2};
	int descriptor = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);

	socket_address(&bed, &address);
	assert_int_equal(connect(descriptor, (struct sockaddr *)&address, sizeof(address)), 0);
	setsockopt(descriptor, SOL_SOCKET, SO_RCVTIMEO, &patience, sizeof(patience));
	setsockopt(descriptor, SOL_SOCKET, SO_SNDTIMEO, &patience, sizeof(patience));
	return descriptor;
}

/* The engine may have closed: that is an answer too. */
static void throw(int descriptor, const void *bytes, size_t length)
{
	(void)!send(descriptor, bytes, length, MSG_NOSIGNAL);
}

static void
throw_message(int descriptor, const uint8_t *message, size_t length)
{
	uint8_t bytes[FRAME_HEAD_MAX + 1024 + FRAME_ALIGNMENT] = {0};
	struct frame frame = {.kind = FRAME_MESSAGE, .length = length};
	size_t head = frame_encode(&frame, bytes);

	memcpy(bytes + head, message, length);
	throw(descriptor, bytes, head + length + frame_padding(length));
}

/* A whole frame of rpc with a good checksum around whatever the body is. */
static void
throw_frame(int descriptor, struct proto_header *header, const struct request_id *id,
	    const uint8_t *body, size_t length)
{
	uint8_t message[1024];
	struct iovec iov = {message, 0};

	header->magic = PROTO_MAGIC;
	header->version = PROTO_VERSION;
	iov.iov_len = proto_prefix_encode(header, id, length, message);
	memcpy(message + iov.iov_len, body, length);
	iov.iov_len += length;
	proto_frame_seal(&iov, 1);
	throw_message(descriptor, message, iov.iov_len);
}

/* Whether the engine answered; false when it closed. *ret_stamp is its clock. */
static bool
answered(int descriptor, uint64_t *ret_stamp)
{
	uint8_t bytes[4096];
	ssize_t got = recv(descriptor, bytes, sizeof(bytes), 0);

	if (got < (ssize_t)(FRAME_HEADER + sizeof(struct proto_header)))
		return false;
	memcpy(ret_stamp, bytes + FRAME_HEADER + offsetof(struct proto_header, stamp),
	       sizeof(*ret_stamp));
	return true;
}

static void
noise(uint64_t *seed, uint8_t *bytes, size_t length)
{
	for (size_t i = 0; i < length; i++)
		bytes[i] = (uint8_t)draw(seed, 256);
}

static void
throw_noise(uint64_t *seed)
{
	uint8_t bytes[512];
	int descriptor = socket_open();
	struct frame frame = {.kind = FRAME_MESSAGE,
			      .length = draw(seed, 3) * UINT64_C(0x7fffffff)};
	size_t head = 0;

	/* With and without a good head, whole and cut. */
	if (draw(seed, 2)) {
		frame.kind = (enum frame_kind)(1 + draw(seed, 5));
		head = frame_encode(&frame, bytes);
	}
	noise(seed, bytes + head, sizeof(bytes) - head);
	throw(descriptor, bytes, 1 + draw(seed, sizeof(bytes)));
	close(descriptor);
}

/* A connection that begins well, and goes on with requests of every service with random bodies. */
static void
throw_requests(uint64_t *seed)
{
	struct proto_header header = {.kind = PROTO_HELLO};
	struct proto_hello hello;
	uint8_t body[512];
	uint64_t stamp = 0;
	int descriptor = socket_open();

	noise(seed, header.incarnation, sizeof(header.incarnation));
	proto_hello_init(&hello, "daos_server");
	throw_frame(descriptor, &header, NULL, body, proto_hello_encode(&hello, body));
	assert_true(answered(descriptor, &stamp));
	for (int i = 0; i < 64; i++) {
		struct request_id id = {.sequence = 1 + draw(seed, 300), .first_sent = stamp};

		memcpy(&id.client, header.incarnation, sizeof(header.incarnation));
		id.confirmed = draw(seed, id.sequence + 1);
		header.kind = draw(seed, 16) ? PROTO_REQUEST : (uint8_t)draw(seed, 8);
		header.flags = draw(seed, 2) ? PROTO_REQUEST_ID : 0;
		header.call = (uint64_t)i + 1;
		header.stamp = stamp;
		header.operation = (uint32_t)draw(seed, PROTO_OPERATIONS + 16);
		header.timeout_ms = 500;
		noise(seed, body, sizeof(body));
		/* Small numbers are more often believed. */
		for (size_t j = 0; j < sizeof(body) && draw(seed, 2); j += 1 + draw(seed, 8))
			body[j] = (uint8_t)draw(seed, 3);
		throw_frame(descriptor, &header, &id, body, draw(seed, sizeof(body)));
		if (header.kind != PROTO_REQUEST || !answered(descriptor, &stamp))
			break;
	}
	close(descriptor);
}

static void
malformed_bytes(void **state)
{
	uint64_t seed = seed_of_environment();
	int rounds = long_run() ? 5000 : 200;
	int idle[32];
	struct ledger ledger;

	(void)state;
	ledger_open(&ledger, &bed, seed);
	ledger_start(&ledger);
	for (int i = 0; i < 32; i++)
		idle[i] = socket_open();
	for (int i = 0; i < rounds; i++) {
		throw_noise(&seed);
		throw_requests(&seed);
	}
	for (int i = 0; i < 32; i++)
		close(idle[i]);
	assert_true(engine_alive(&bed));
	ledger_stop(&ledger);
	assert_true(atomic_load(&ledger.acknowledged) > 100);
	ledger_verify(&ledger);
	ledger_close(&ledger);
}

/* ------------------------------------------------ no server */

static void
no_server(void **state)
{
	struct engine_bed empty = {.backend = NULL};
	struct sockaddr_un address;
	int descriptor;
	daos_handle_t pool;
	const char *text;

	(void)state;
	engine_bed_make(&empty);
	setenv("XDG_RUNTIME_DIR", empty.client.directory, 1);
	client_set_quiet(true);
	assert_ok(daos_init());
	assert_int_equal(daos_pool_connect("pool", NULL, DAOS_PC_RW, &pool, NULL, NULL),
			 -DER_AGENT_COMM);
	text = client_last_error();
	assert_non_null(strstr(text, empty.client.directory));
	assert_non_null(strstr(text, "DAOS_EMBEDDED"));
	assert_non_null(strstr(text, "DAOS_AGENT_DRPC_DIR"));
	assert_non_null(strstr(text, "daos_server start"));

	/* One that has gone leaves its socket behind; the next one is found without a new start of
	 * the client. */
	socket_address(&empty, &address);
	descriptor = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
	assert_int_equal(bind(descriptor, (struct sockaddr *)&address, sizeof(address)), 0);
	close(descriptor);
	assert_int_equal(daos_pool_connect("pool", NULL, DAOS_PC_RW, &pool, NULL, NULL),
			 -DER_AGENT_COMM);
	assert_non_null(strstr(client_last_error(), "nobody listens"));
	engine_up(&empty);
	assert_int_equal(daos_pool_connect("pool", NULL, DAOS_PC_RW, &pool, NULL, NULL),
			 -DER_NONEXIST);
	assert_ok(daos_fini());
	client_set_quiet(false);
	engine_stop_cleanly(&empty);
	engine_bed_remove(&empty);
}

/* ------------------------------------------------ storage that cannot be used */

#define BLOCK 4096

static void
block_io(const struct engine_bed *engine, const char *name, off_t block, bool write,
	 uint8_t bytes[BLOCK])
{
	char path[256];
	int descriptor;

	snprintf(path, sizeof(path), "%s/storage/%s", engine->client.directory, name);
	descriptor = open(path, O_RDWR | O_CLOEXEC);
	assert_true(descriptor >= 0);
	if (write)
		assert_int_equal(pwrite(descriptor, bytes, BLOCK, block * BLOCK), BLOCK);
	else
		assert_int_equal(pread(descriptor, bytes, BLOCK, block * BLOCK), BLOCK);
	close(descriptor);
}

/* A block of a file whose head is magic, version, crc. */
struct head {
	uint64_t magic;
	uint32_t version;
	uint32_t crc;
};
_Static_assert(offsetof(struct head, version) == offsetof(struct log_header, version) &&
		       offsetof(struct head, crc) == offsetof(struct log_header, crc),
	       "all superblocks begin alike");

/* Another version in both copies, with good sums; returns the former. */
static uint32_t
version_set(const struct engine_bed *engine, const char *name, uint32_t version)
{
	uint32_t former = 0;

	for (off_t block = 0; block < 2; block++) {
		uint8_t bytes[BLOCK];
		struct head head;

		block_io(engine, name, block, false, bytes);
		memcpy(&head, bytes, sizeof(head));
		if (head.magic == 0)
			continue;
		former = head.version;
		head.version = version;
		head.crc = 0;
		memcpy(bytes, &head, sizeof(head));
		head.crc = crc32c(0, bytes, BLOCK);
		memcpy(bytes, &head, sizeof(head));
		block_io(engine, name, block, true, bytes);
	}
	return former;
}

static void
damage(const struct engine_bed *engine, const char *name, off_t block)
{
	uint8_t bytes[BLOCK];

	block_io(engine, name, block, false, bytes);
	bytes[40] ^= 0x10;
	block_io(engine, name, block, true, bytes);
}

static void
expect_refusal(struct engine_bed *engine, const char *code)
{
	struct engine_end end;

	engine_refused(engine, &end);
	if (!WIFEXITED(end.status) || WEXITSTATUS(end.status) != 4 || !strstr(end.text, code) ||
	    !strstr(end.text, "why:"))
		fprintf(stderr, "status %#x: %s\n", (unsigned)end.status, end.text);
	assert_true(WIFEXITED(end.status));
	assert_int_equal(WEXITSTATUS(end.status), 4);
	assert_non_null(strstr(end.text, code));
	assert_non_null(strstr(end.text, "why:"));
}

static void
unusable_storage(void **state)
{
	static const char *const files[] = {"superblock", "loop-0.log", "loop-1.log",
					    "system.heap"};
	struct engine_bed engine = {.backend = NULL};
	struct ledger ledger;
	uint32_t former;

	(void)state;
	engine_bed_make(&engine);
	engine_up(&engine);
	engine_client_up(&engine);
	ledger_open(&ledger, &engine, 5);
	ledger_start(&ledger);
	while (atomic_load(&ledger.acknowledged) < 100)
		usleep(1000);
	ledger_stop(&ledger);
	engine_kill(&engine);
	for (size_t i = 0; i < sizeof(files) / sizeof(files[0]); i++) {
		former = version_set(&engine, files[i], 77);
		expect_refusal(&engine, "DER_DF_INCOMPT");
		assert_int_equal(version_set(&engine, files[i], former), 77);
	}
	/* Refusals left everything as it was. */
	engine_up(&engine);
	ledger_verify(&ledger);
	engine_kill(&engine);
	/* One damaged copy is no harm; two are. */
	damage(&engine, "superblock", 0);
	engine_up(&engine);
	ledger_verify(&ledger);
	ledger_close(&ledger);
	engine_client_down(&engine);
	engine_kill(&engine);
	damage(&engine, "superblock", 0);
	damage(&engine, "superblock", 1);
	expect_refusal(&engine, "DER_DF_INVAL");
	engine_bed_remove(&engine);
}

int
main(void)
{
	const struct CMUnitTest alone[] = {
		cmocka_unit_test(no_server),
		cmocka_unit_test(unusable_storage),
	};
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(handles_that_are_none),
		cmocka_unit_test(handles_of_another_kind),
		cmocka_unit_test(missing_arguments),
		cmocka_unit_test(labels),
		cmocka_unit_test(keys),
		cmocka_unit_test(extents),
		cmocka_unit_test(array_limits),
		cmocka_unit_test(names_of_nothing),
		cmocka_unit_test(reading_only),
		cmocka_unit_test(full_pool),
		cmocka_unit_test(malformed_bytes),
	};
	int failed = cmocka_run_group_tests(alone, NULL, NULL);

	return failed + cmocka_run_group_tests(tests, setup, teardown);
}
