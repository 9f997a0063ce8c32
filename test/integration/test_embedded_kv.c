/* SPDX-License-Identifier: BSD-2-Clause-Patent */
/* The public interface on an embedded directory: key-value stores, objects, arrays, and what a
 * SIGKILL leaves. */
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "client/client.h"
#include "embedded_bed.h"

static struct embedded_bed bed;

static int
setup(void **state)
{
	(void)state;
	embedded_directory_make(&bed);
	embedded_up(&bed);
	return 0;
}

static int
teardown(void **state)
{
	(void)state;
	embedded_down(&bed);
	embedded_directory_remove(&bed);
	return 0;
}

/* ------------------------------------------------ key-value stores */

static daos_handle_t
open_store(uint64_t number)
{
	daos_handle_t store;

	assert_ok(daos_kv_open(bed.container, embedded_oid(&bed, number, DAOS_OT_KV_HASHED, OC_SX),
			       DAOS_OO_RW, &store, NULL));
	return store;
}

static void
test_put_get_remove(void **state)
{
	daos_handle_t store = open_store(1);
	char buffer[64];
	daos_size_t size = sizeof(buffer);

	(void)state;
	assert_ok(daos_kv_put(store, DAOS_TX_NONE, 0, "key", 6, "value", NULL));
	assert_ok(daos_kv_get(store, DAOS_TX_NONE, 0, "key", &size, buffer, NULL));
	assert_int_equal(size, 6);
	assert_string_equal(buffer, "value");

	/* The size alone; a buffer that is too small. */
	size = 0;
	assert_ok(daos_kv_get(store, DAOS_TX_NONE, 0, "key", &size, NULL, NULL));
	assert_int_equal(size, 6);
	size = 2;
	assert_int_equal(daos_kv_get(store, DAOS_TX_NONE, 0, "key", &size, buffer, NULL),
			 -DER_REC2BIG);
	assert_int_equal(size, 6);

	/* Overwriting, with another size. */
	assert_ok(daos_kv_put(store, DAOS_TX_NONE, 0, "key", 2, "v", NULL));
	size = sizeof(buffer);
	assert_ok(daos_kv_get(store, DAOS_TX_NONE, 0, "key", &size, buffer, NULL));
	assert_int_equal(size, 2);

	assert_ok(daos_kv_remove(store, DAOS_TX_NONE, 0, "key", NULL));
	size = sizeof(buffer);
	assert_ok(daos_kv_get(store, DAOS_TX_NONE, 0, "key", &size, buffer, NULL));
	assert_int_equal(size, 0);
	assert_ok(daos_kv_close(store, NULL));
	assert_int_equal(daos_kv_close(store, NULL), -DER_NO_HDL);
}

static void
test_conditions(void **state)
{
	daos_handle_t store = open_store(2);
	char buffer[8];
	daos_size_t size = sizeof(buffer);

	(void)state;
	assert_int_equal(daos_kv_put(store, DAOS_TX_NONE, DAOS_COND_KEY_UPDATE, "k", 1, "1", NULL),
			 -DER_NONEXIST);
	assert_int_equal(daos_kv_get(store, DAOS_TX_NONE, DAOS_COND_KEY_GET, "k", &size, buffer,
				     NULL),
			 -DER_NONEXIST);
	assert_int_equal(daos_kv_remove(store, DAOS_TX_NONE, DAOS_COND_KEY_REMOVE, "k", NULL),
			 -DER_NONEXIST);
	assert_ok(daos_kv_put(store, DAOS_TX_NONE, DAOS_COND_KEY_INSERT, "k", 1, "1", NULL));
	assert_int_equal(daos_kv_put(store, DAOS_TX_NONE, DAOS_COND_KEY_INSERT, "k", 1, "2", NULL),
			 -DER_EXIST);
	assert_ok(daos_kv_put(store, DAOS_TX_NONE, DAOS_COND_KEY_UPDATE, "k", 1, "3", NULL));
	assert_ok(daos_kv_get(store, DAOS_TX_NONE, DAOS_COND_KEY_GET, "k", &size, buffer, NULL));
	assert_int_equal(buffer[0], '3');
	assert_ok(daos_kv_remove(store, DAOS_TX_NONE, DAOS_COND_KEY_REMOVE, "k", NULL));
	assert_int_equal(daos_kv_put(store, (daos_handle_t){12345}, 0, "k", 1, "1", NULL),
			 -DER_NO_HDL);
	assert_int_equal(daos_kv_put(store, DAOS_TX_NONE, 0, "", 1, "1", NULL), -DER_INVAL);
	assert_ok(daos_kv_close(store, NULL));
}

#define LISTED 300
#define LONG_KEYS 20

/* Lists a store in pages of a few keys and counts how often each number comes. */
static uint32_t
list_store(daos_handle_t store, uint32_t page, unsigned char seen[LISTED])
{
	daos_anchor_t anchor = DAOS_ANCHOR_INIT;
	uint32_t total = 0;

	while (!daos_anchor_is_eof(&anchor)) {
		daos_key_desc_t kds[64];
		char buffer[8192];
		d_iov_t iov;
		d_sg_list_t sgl = {.sg_nr = 1, .sg_iovs = &iov};
		uint32_t count = page;
		char *at = buffer;

		d_iov_set(&iov, buffer, sizeof(buffer));
		assert_ok(daos_kv_list(store, DAOS_TX_NONE, &count, kds, &sgl, &anchor, NULL));
		for (uint32_t i = 0; i < count; at += kds[i++].kd_key_len) {
			char key[512];
			int number;

			snprintf(key, sizeof(key), "%.*s", (int)kds[i].kd_key_len, at);
			assert_int_equal(sscanf(key, "key-%d", &number), 1);
			assert_in_range(number, 0, LISTED - 1);
			seen[number]++;
		}
		total += count;
	}
	return total;
}

static void
test_list(void **state)
{
	daos_handle_t store = open_store(3);
	unsigned char seen[LISTED] = {0};

	(void)state;
	for (int i = 0; i < LISTED; i++) {
		char key[512];

		/* Some keys are longer than an anchor has room for. */
		snprintf(key, sizeof(key), "key-%d%*s", i, i < LONG_KEYS ? 300 : 0, "");
		assert_ok(daos_kv_put(store, DAOS_TX_NONE, 0, key, sizeof(i), &i, NULL));
	}
	assert_int_equal(list_store(store, 7, seen), LISTED);
	for (int i = 0; i < LISTED; i++)
		assert_int_equal(seen[i], 1);
	assert_int_equal(list_store(store, 64, seen), LISTED);
	assert_ok(daos_kv_destroy(store, DAOS_TX_NONE, NULL));
	assert_int_equal(list_store(store, 64, seen), 0);
	assert_ok(daos_kv_close(store, NULL));
}

static void
test_lexical_list_with_long_keys(void **state)
{
	daos_handle_t store;
	unsigned char seen[LISTED] = {0};

	(void)state;
	assert_ok(daos_kv_open(bed.container, embedded_oid(&bed, 4, DAOS_OT_KV_LEXICAL, OC_S1),
			       DAOS_OO_RW, &store, NULL));
	for (int i = 0; i < LONG_KEYS; i++) {
		char key[512];

		snprintf(key, sizeof(key), "key-%d%*s", i, 300, "");
		assert_ok(daos_kv_put(store, DAOS_TX_NONE, 0, key, sizeof(i), &i, NULL));
	}
	assert_int_equal(list_store(store, 3, seen), LONG_KEYS);
	for (int i = 0; i < LONG_KEYS; i++)
		assert_int_equal(seen[i], 1);
	assert_ok(daos_kv_close(store, NULL));
}

/* ------------------------------------------------ objects */

static void
test_object(void **state)
{
	daos_handle_t object;
	daos_key_t dkey;
	d_iov_t iovs[2];
	d_sg_list_t sgls[2] = {{.sg_nr = 1, .sg_iovs = &iovs[0]},
			       {.sg_nr = 1, .sg_iovs = &iovs[1]}};
	daos_recx_t recx = {10, 100};
	daos_iod_t iods[2];
	daos_iom_t ioms[2];
	char single[16] = "single value";
	char array[100], back[200];

	(void)state;
	memset(array, 'a', sizeof(array));
	memset(iods, 0, sizeof(iods));
	memset(ioms, 0, sizeof(ioms));
	assert_ok(daos_obj_open(bed.container, embedded_oid(&bed, 5, DAOS_OT_MULTI_HASHED, 0),
				DAOS_OO_RW, &object, NULL));
	d_iov_set(&dkey, (void *)"dkey", 4);
	d_iov_set(&iods[0].iod_name, (void *)"single", 6);
	iods[0].iod_type = DAOS_IOD_SINGLE;
	iods[0].iod_size = sizeof(single);
	iods[0].iod_nr = 1;
	d_iov_set(&iods[1].iod_name, (void *)"array", 5);
	iods[1].iod_type = DAOS_IOD_ARRAY;
	iods[1].iod_size = 1;
	iods[1].iod_nr = 1;
	iods[1].iod_recxs = &recx;
	d_iov_set(&iovs[0], single, sizeof(single));
	d_iov_set(&iovs[1], array, sizeof(array));
	assert_ok(daos_obj_update(object, DAOS_TX_NONE, 0, &dkey, 2, iods, sgls, NULL));

	/* Sizes alone. */
	iods[0].iod_size = iods[1].iod_size = DAOS_REC_ANY;
	assert_ok(daos_obj_fetch(object, DAOS_TX_NONE, 0, &dkey, 2, iods, NULL, NULL, NULL));
	assert_int_equal(iods[0].iod_size, sizeof(single));
	assert_int_equal(iods[1].iod_size, 1);

	/* Values, with a hole before the array's data, and what is mapped. */
	memset(single, 0, sizeof(single));
	memset(back, 'x', sizeof(back));
	recx = (daos_recx_t){0, 200};
	d_iov_set(&iovs[1], back, sizeof(back));
	assert_ok(daos_obj_fetch(object, DAOS_TX_NONE, 0, &dkey, 2, iods, sgls, ioms, NULL));
	assert_string_equal(single, "single value");
	assert_memory_equal(back + 10, array, 100);
	assert_int_equal(back[0], 0);
	assert_int_equal(ioms[1].iom_nr_out, 1);
	assert_int_equal(ioms[1].iom_recx_lo.rx_idx, 10);
	assert_int_equal(ioms[1].iom_recx_hi.rx_nr, 100);
	assert_int_equal(sgls[0].sg_nr_out, 1);
	assert_int_equal(iovs[0].iov_len, sizeof(single));

	/* A buffer that is too small for the single value. */
	iods[0].iod_size = DAOS_REC_ANY;
	d_iov_set(&iovs[0], single, 4);
	assert_int_equal(daos_obj_fetch(object, DAOS_TX_NONE, 0, &dkey, 1, iods, sgls, NULL, NULL),
			 -DER_REC2BIG);
	assert_int_equal(iods[0].iod_size, sizeof(single));

	/* Absent: size 0, or an error where a condition says so. */
	d_iov_set(&dkey, (void *)"none", 4);
	assert_ok(daos_obj_fetch(object, DAOS_TX_NONE, 0, &dkey, 1, iods, NULL, NULL, NULL));
	assert_int_equal(iods[0].iod_size, 0);
	assert_int_equal(daos_obj_fetch(object, DAOS_TX_NONE, DAOS_COND_DKEY_FETCH, &dkey, 1, iods,
					NULL, NULL, NULL),
			 -DER_NONEXIST);

	d_iov_set(&dkey, (void *)"dkey", 4);
	assert_ok(daos_obj_punch_akeys(object, DAOS_TX_NONE, 0, &dkey, 1, &iods[0].iod_name, NULL));
	assert_ok(daos_obj_fetch(object, DAOS_TX_NONE, 0, &dkey, 1, iods, NULL, NULL, NULL));
	assert_int_equal(iods[0].iod_size, 0);
	assert_ok(daos_obj_punch_dkeys(object, DAOS_TX_NONE, DAOS_COND_PUNCH, 1, &dkey, NULL));
	assert_int_equal(daos_obj_punch_dkeys(object, DAOS_TX_NONE, DAOS_COND_PUNCH, 1, &dkey,
					      NULL),
			 -DER_NONEXIST);
	assert_ok(daos_obj_close(object, NULL));
}

static void
test_enumerate(void **state)
{
	daos_handle_t object;
	daos_key_t dkey, akey;
	d_iov_t iov;
	d_sg_list_t sgl = {.sg_nr = 1, .sg_iovs = &iov};
	daos_recx_t recx = {0, 10};
	daos_iod_t iod = {
		.iod_type = DAOS_IOD_ARRAY, .iod_size = 4, .iod_nr = 1, .iod_recxs = &recx};
	daos_anchor_t anchor = DAOS_ANCHOR_INIT;
	daos_anchor_t split[1] = {DAOS_ANCHOR_INIT};
	daos_key_desc_t kds[4];
	daos_recx_t recxs[4];
	daos_epoch_range_t epochs[4];
	daos_size_t size;
	daos_epoch_t newest;
	char data[40] = "", keys[64];
	uint32_t count;

	(void)state;
	assert_ok(daos_obj_open(bed.container, embedded_oid(&bed, 6, DAOS_OT_MULTI_LEXICAL, OC_S1),
				DAOS_OO_RW, &object, NULL));
	d_iov_set(&dkey, (void *)"d", 1);
	d_iov_set(&iov, data, sizeof(data));
	d_iov_set(&iod.iod_name, (void *)"a", 1);
	assert_ok(daos_obj_update(object, DAOS_TX_NONE, 0, &dkey, 1, &iod, &sgl, NULL));
	recx.rx_idx = 100;
	assert_ok(daos_obj_update(object, DAOS_TX_NONE, 0, &dkey, 1, &iod, &sgl, NULL));
	d_iov_set(&iod.iod_name, (void *)"b", 1);
	assert_ok(daos_obj_update(object, DAOS_TX_NONE, 0, &dkey, 1, &iod, &sgl, NULL));

	d_iov_set(&iov, keys, sizeof(keys));
	count = 4;
	assert_ok(
		daos_obj_list_akey(object, DAOS_TX_NONE, &dkey, &count, kds, &sgl, &anchor, NULL));
	assert_int_equal(count, 2);
	assert_memory_equal(keys, "ab", 2);
	assert_int_equal(kds[0].kd_val_type, DAOS_IOD_ARRAY);
	assert_true(daos_anchor_is_eof(&anchor));

	d_iov_set(&akey, (void *)"a", 1);
	memset(&anchor, 0, sizeof(anchor));
	count = 4;
	assert_ok(daos_obj_list_recx(object, DAOS_TX_NONE, &dkey, &akey, &size, &count, recxs,
				     epochs, &anchor, true, NULL));
	assert_int_equal(count, 2);
	assert_int_equal(size, 4);
	assert_int_equal(recxs[1].rx_idx, 100);
	assert_true(epochs[1].epr_lo > epochs[0].epr_lo);
	assert_ok(daos_obj_query_max_epoch(object, DAOS_TX_NONE, &newest, NULL));
	assert_true(newest >= epochs[1].epr_lo);

	/* A key that does not fit. */
	memset(&anchor, 0, sizeof(anchor));
	iov.iov_buf_len = 0;
	count = 4;
	assert_int_equal(daos_obj_list_dkey(object, DAOS_TX_NONE, &count, kds, &sgl, &anchor, NULL),
			 -DER_KEY2BIG);
	assert_int_equal(kds[0].kd_key_len, 1);

	count = 1;
	assert_ok(daos_obj_anchor_split(object, &count, split));
	assert_int_equal(count, 1);
	d_iov_set(&iov, keys, sizeof(keys));
	count = 4;
	assert_ok(daos_obj_list_dkey(object, DAOS_TX_NONE, &count, kds, &sgl, &split[0], NULL));
	assert_int_equal(count, 1);
	assert_true(daos_anchor_is_eof(&split[0]));
	assert_ok(daos_obj_close(object, NULL));
}

/* ------------------------------------------------ arrays */

static int
array_io(daos_handle_t array, bool write, uint64_t index, uint64_t cells, char *buffer,
	 uint64_t *ret_read)
{
	daos_range_t range = {index, cells};
	daos_array_iod_t iod = {.arr_nr = 1, .arr_rgs = &range};
	d_iov_t iov;
	d_sg_list_t sgl = {.sg_nr = 1, .sg_iovs = &iov};
	int rc;

	d_iov_set(&iov, buffer, cells);
	rc = write ? daos_array_write(array, DAOS_TX_NONE, &iod, &sgl, NULL)
		   : daos_array_read(array, DAOS_TX_NONE, &iod, &sgl, NULL);
	if (ret_read)
		*ret_read = iod.arr_nr_read;
	return rc;
}

#define ARRAY_CELLS (300 * 1024)
#define ARRAY_CHUNK (16 * 1024)

static void
test_array(void **state)
{
	char *model = calloc(1, 2 * ARRAY_CELLS);
	char *buffer = malloc(2 * ARRAY_CELLS);
	daos_size_t cell, chunk, size, model_size = 0;
	daos_obj_id_t oid = embedded_oid(&bed, 7, DAOS_OT_ARRAY, OC_SX);
	daos_handle_t array;
	uint64_t read;

	(void)state;
	assert_ok(
		daos_array_create(bed.container, oid, DAOS_TX_NONE, 1, ARRAY_CHUNK, &array, NULL));
	assert_ok(daos_array_get_size(array, DAOS_TX_NONE, &size, NULL));
	assert_int_equal(size, 0);
	srandom(7);
	for (int i = 0; i < 40; i++) {
		uint64_t index = (uint64_t)random() % ARRAY_CELLS;
		uint64_t cells = 1 + (uint64_t)random() % (ARRAY_CELLS / 4);

		memset(buffer, 'A' + i % 26, cells);
		memset(model + index, 'A' + i % 26, cells);
		model_size = model_size > index + cells ? model_size : index + cells;
		assert_ok(array_io(array, true, index, cells, buffer, NULL));
	}
	assert_ok(daos_array_get_size(array, DAOS_TX_NONE, &size, NULL));
	assert_int_equal(size, model_size);
	memset(buffer, 'x', 2 * ARRAY_CELLS);
	assert_ok(array_io(array, false, 0, 2 * ARRAY_CELLS, buffer, &read));
	assert_int_equal(read, model_size);
	assert_memory_equal(buffer, model, model_size);
	assert_ok(daos_array_close(array, NULL));

	assert_ok(daos_array_open(bed.container, oid, DAOS_TX_NONE, DAOS_OO_RW, &cell, &chunk,
				  &array, NULL));
	assert_int_equal(cell, 1);
	assert_int_equal(chunk, ARRAY_CHUNK);
	/* Shorter, in the middle of a chunk; longer; to a chunk's border; to nothing. */
	assert_ok(daos_array_set_size(array, DAOS_TX_NONE, 5 * ARRAY_CHUNK + 77, NULL));
	assert_ok(daos_array_get_size(array, DAOS_TX_NONE, &size, NULL));
	assert_int_equal(size, 5 * ARRAY_CHUNK + 77);
	assert_ok(daos_array_set_size(array, DAOS_TX_NONE, 9 * ARRAY_CHUNK, NULL));
	memset(model + 5 * ARRAY_CHUNK + 77, 0, ARRAY_CELLS);
	memset(buffer, 'x', 2 * ARRAY_CELLS);
	assert_ok(array_io(array, false, 0, 10 * ARRAY_CHUNK, buffer, &read));
	assert_int_equal(read, 9 * ARRAY_CHUNK);
	assert_memory_equal(buffer, model, 9 * ARRAY_CHUNK);
	assert_ok(daos_array_set_size(array, DAOS_TX_NONE, 2 * ARRAY_CHUNK, NULL));
	assert_ok(daos_array_get_size(array, DAOS_TX_NONE, &size, NULL));
	assert_int_equal(size, 2 * ARRAY_CHUNK);
	assert_ok(daos_array_set_size(array, DAOS_TX_NONE, 0, NULL));
	assert_ok(daos_array_get_size(array, DAOS_TX_NONE, &size, NULL));
	assert_int_equal(size, 0);
	assert_ok(daos_array_close(array, NULL));
	/* It still knows its sizes. */
	assert_ok(daos_array_open(bed.container, oid, DAOS_TX_NONE, DAOS_OO_RW, &cell, &chunk,
				  &array, NULL));
	assert_ok(daos_array_destroy(array, DAOS_TX_NONE, NULL));
	assert_ok(daos_array_close(array, NULL));
	assert_int_equal(daos_array_open(bed.container, oid, DAOS_TX_NONE, DAOS_OO_RW, &cell,
					 &chunk, &array, NULL),
			 -DER_NONEXIST);
	free(model);
	free(buffer);
}

static void
test_array_ranges(void **state)
{
	daos_obj_id_t oid = embedded_oid(&bed, 8, DAOS_OT_ARRAY_BYTE, OC_SX);
	daos_range_t ranges[4] = {{100, 10}, {5, 3}, {1000, 20}, {ARRAY_CHUNK - 2, 4}};
	daos_array_iod_t iod = {.arr_nr = 4, .arr_rgs = ranges};
	char out[37], back[37];
	d_iov_t iovs[2];
	d_sg_list_t sgl = {.sg_nr = 2, .sg_iovs = iovs};
	daos_range_t everything = {0, UINT64_C(1) << 60};
	daos_handle_t array;
	daos_array_stbuf_t status;
	daos_epoch_t written;

	(void)state;
	for (size_t i = 0; i < sizeof(out); i++)
		out[i] = (char)i;
	assert_ok(daos_array_open_with_attr(bed.container, oid, DAOS_TX_NONE, DAOS_OO_RW, 1,
					    ARRAY_CHUNK, &array, NULL));
	d_iov_set(&iovs[0], out, 11);
	d_iov_set(&iovs[1], out + 11, sizeof(out) - 11);
	assert_ok(daos_array_write(array, DAOS_TX_NONE, &iod, &sgl, NULL));
	d_iov_set(&iovs[0], back, 30);
	d_iov_set(&iovs[1], back + 30, sizeof(back) - 30);
	assert_ok(daos_array_read(array, DAOS_TX_NONE, &iod, &sgl, NULL));
	assert_int_equal(iod.arr_nr_read, sizeof(out));
	assert_int_equal(iod.arr_nr_short_read, 0);
	assert_memory_equal(out, back, sizeof(out));
	assert_ok(daos_array_stat(array, DAOS_TX_NONE, &status, NULL));
	assert_int_equal(status.st_size, ARRAY_CHUNK + 2);
	assert_true(status.st_max_epoch > 0);

	/* A hole reads as zeros. */
	iod.arr_nr = 1;
	assert_ok(daos_array_punch(array, DAOS_TX_NONE, &iod, NULL));
	d_iov_set(&iovs[0], back, 10);
	sgl.sg_nr = 1;
	assert_ok(daos_array_read(array, DAOS_TX_NONE, &iod, &sgl, NULL));
	memset(out, 0, 10);
	assert_memory_equal(back, out, 10);

	/* A punch may reach far beyond the end; it costs what there is to punch. */
	iod.arr_rgs = &everything;
	assert_ok(daos_array_punch(array, DAOS_TX_NONE, &iod, NULL));
	everything = (daos_range_t){ARRAY_CHUNK - 3, 5};
	d_iov_set(&iovs[0], back, 5);
	assert_ok(daos_array_read(array, DAOS_TX_NONE, &iod, &sgl, NULL));
	assert_memory_equal(back, out, 5);

	/* That nothing is left is a change as well. */
	written = status.st_max_epoch;
	assert_ok(daos_array_stat(array, DAOS_TX_NONE, &status, NULL));
	assert_int_equal(status.st_size, 0);
	assert_true(status.st_max_epoch > written);
	assert_ok(daos_array_close(array, NULL));
}

/* ------------------------------------------------ pools, containers */

/* Bytes of a handle that somebody changed or cut off give an error or a handle, and harm nothing.
 */
static void
mutilate_pool(d_iov_t glob)
{
	daos_handle_t handle;

	for (size_t i = 0; i < glob.iov_len; i++) {
		d_iov_t cut = {glob.iov_buf, i, i};

		((uint8_t *)glob.iov_buf)[i] ^= 0xff;
		if (daos_pool_global2local(glob, &handle) == 0)
			assert_ok(daos_pool_disconnect(handle, NULL));
		((uint8_t *)glob.iov_buf)[i] ^= 0xff;
		assert_int_equal(daos_pool_global2local(cut, &handle), -DER_INVAL);
	}
}

static void
mutilate_container(daos_handle_t pool, d_iov_t glob)
{
	daos_handle_t handle;

	for (size_t i = 0; i < glob.iov_len; i++) {
		d_iov_t cut = {glob.iov_buf, i, i};

		((uint8_t *)glob.iov_buf)[i] ^= 0xff;
		if (daos_cont_global2local(pool, glob, &handle) == 0)
			assert_ok(daos_cont_close(handle, NULL));
		((uint8_t *)glob.iov_buf)[i] ^= 0xff;
		assert_int_equal(daos_cont_global2local(pool, cut, &handle), -DER_INVAL);
	}
}

/* What is open for reading only is not changed. */
static void
test_read_only(void **state)
{
	daos_obj_id_t oid = embedded_oid(&bed, 20, DAOS_OT_KV_HASHED, OC_SX);
	daos_handle_t store, container;
	daos_size_t size = 0;

	(void)state;
	assert_ok(daos_kv_open(bed.container, oid, DAOS_OO_RO, &store, NULL));
	assert_int_equal(daos_kv_put(store, DAOS_TX_NONE, 0, "k", 1, "1", NULL), -DER_NO_PERM);
	assert_int_equal(daos_kv_remove(store, DAOS_TX_NONE, 0, "k", NULL), -DER_NO_PERM);
	assert_ok(daos_kv_get(store, DAOS_TX_NONE, 0, "k", &size, NULL, NULL));
	assert_ok(daos_kv_close(store, NULL));
	assert_ok(daos_cont_open(bed.pool, "test", DAOS_COO_RO, &container, NULL, NULL));
	assert_int_equal(daos_kv_open(container, oid, DAOS_OO_RW, &store, NULL), -DER_NO_PERM);
	assert_ok(daos_kv_open(container, oid, DAOS_OO_RO, &store, NULL));
	assert_ok(daos_kv_get(store, DAOS_TX_NONE, 0, "k", &size, NULL, NULL));
	assert_ok(daos_kv_close(store, NULL));
	assert_ok(daos_cont_close(container, NULL));
}

static void
test_names_and_handles(void **state)
{
	daos_handle_t handle, other;
	daos_size_t count = 0;
	struct daos_pool_cont_info entry;
	d_iov_t glob = {0};
	uint64_t first, second;

	(void)state;
	assert_int_equal(daos_pool_connect("no such pool", NULL, DAOS_PC_RW, &handle, NULL, NULL),
			 -DER_INVAL);
	assert_int_equal(daos_pool_connect("absent", NULL, DAOS_PC_RW, &handle, NULL, NULL),
			 -DER_NONEXIST);
	assert_true(strlen(client_last_error()) > 0);
	assert_int_equal(daos_cont_open(bed.pool, "absent", DAOS_COO_RW, &handle, NULL, NULL),
			 -DER_NONEXIST);
	assert_int_equal(daos_cont_create_with_label(bed.pool, "test", NULL, NULL, NULL),
			 -DER_EXIST);
	assert_int_equal(daos_cont_destroy(bed.pool, "test", 0, NULL), -DER_BUSY);
	assert_int_equal(daos_pool_disconnect(bed.pool, NULL), -DER_BUSY);
	assert_ok(daos_pool_list_cont(bed.pool, &count, NULL, NULL));
	assert_int_equal(count, 1);
	assert_ok(daos_pool_list_cont(bed.pool, &count, &entry, NULL));
	assert_string_equal(entry.pci_label, "test");
	assert_ok(daos_cont_alloc_oids(bed.container, 10, &first, NULL));
	assert_ok(daos_cont_alloc_oids(bed.container, 1, &second, NULL));
	assert_true(second >= first + 10);

	/* A handle goes round as bytes. */
	assert_ok(daos_pool_local2global(bed.pool, &glob));
	glob.iov_buf = malloc(glob.iov_buf_len);
	assert_ok(daos_pool_local2global(bed.pool, &glob));
	mutilate_pool(glob);
	assert_ok(daos_pool_global2local(glob, &handle));
	free(glob.iov_buf);
	glob = (d_iov_t){0};
	assert_ok(daos_cont_local2global(bed.container, &glob));
	glob.iov_buf = malloc(glob.iov_buf_len);
	assert_ok(daos_cont_local2global(bed.container, &glob));
	mutilate_container(handle, glob);
	assert_ok(daos_cont_global2local(handle, glob, &other));
	free(glob.iov_buf);
	assert_ok(daos_cont_alloc_oids(other, 1, &first, NULL));
	assert_true(first > second);
	assert_ok(daos_cont_close(other, NULL));
	assert_ok(daos_pool_disconnect(handle, NULL));
	assert_ok(daos_cont_alloc_oids(bed.container, 1, &first, NULL));
}

static void
test_attributes_and_properties(void **state)
{
	const char *names[2] = {"first", "second"};
	const void *values[2] = {"one", "two!"};
	size_t sizes[2] = {3, 4};
	char a[8], b[8], list[64];
	void *buffers[2] = {a, b};
	size_t length = sizeof(list);
	daos_prop_t *properties = daos_prop_alloc(2);
	daos_cont_info_t info;

	(void)state;
	assert_ok(daos_cont_set_attr(bed.container, 2, names, values, sizes, NULL));
	sizes[0] = sizeof(a);
	sizes[1] = 2;
	assert_ok(daos_cont_get_attr(bed.container, 2, names, buffers, sizes, NULL));
	assert_int_equal(sizes[0], 3);
	assert_int_equal(sizes[1], 4);
	assert_memory_equal(a, "one", 3);
	assert_memory_equal(b, "tw", 2);
	assert_ok(daos_cont_list_attr(bed.container, list, &length, NULL));
	assert_int_equal(length, sizeof("first") + sizeof("second"));
	assert_ok(daos_cont_del_attr(bed.container, 1, names, NULL));
	assert_int_equal(daos_cont_get_attr(bed.container, 1, names, buffers, sizes, NULL),
			 -DER_NONEXIST);
	assert_ok(daos_pool_set_attr(bed.pool, 2, names, values, sizes, NULL));
	sizes[0] = sizeof(a);
	assert_ok(daos_pool_get_attr(bed.pool, 1, names, buffers, sizes, NULL));

	properties->dpp_entries[0].dpe_type = DAOS_PROP_CO_LABEL;
	properties->dpp_entries[1].dpe_type = DAOS_PROP_CO_LAYOUT_TYPE;
	assert_ok(daos_cont_query(bed.container, &info, properties, NULL));
	assert_string_equal(properties->dpp_entries[0].dpe_str, "test");
	assert_int_equal(properties->dpp_entries[1].dpe_val, DAOS_PROP_CO_LAYOUT_UNKNOWN);
	assert_true(info.ci_nhandles >= 1);
	assert_true(client_container_property(bed.container, DAOS_PROP_CO_CSUM) !=
		    DAOS_PROP_CO_CSUM_OFF);
	daos_prop_free(properties);
}

/* After fork nothing works but daos_reinit(); then what the parent has open is reached through its
 * engine. */
static void
test_fork(void **state)
{
	int status;
	pid_t child;

	(void)state;
	child = fork();
	if (child == 0) {
		daos_handle_t handle;
		int good = daos_init() == -DER_UNINIT &&
			   daos_pool_disconnect(bed.pool, NULL) == -DER_UNINIT;

		good = good && daos_reinit() == 0;
		good = good &&
		       daos_cont_open(bed.pool, "test", DAOS_COO_RO, &handle, NULL, NULL) == 0;
		_exit(good ? 0 : 1);
	}
	assert_int_equal(waitpid(child, &status, 0), child);
	assert_int_equal(status, 0);
}

/* ------------------------------------------------ restart and SIGKILL */

static void
test_restart(void **state)
{
	daos_handle_t store = open_store(9);
	daos_size_t size = 16;
	char buffer[16];

	(void)state;
	assert_ok(daos_kv_put(store, DAOS_TX_NONE, 0, "kept", 4, "kept", NULL));
	assert_ok(daos_kv_close(store, NULL));
	embedded_down(&bed);
	embedded_up(&bed);
	store = open_store(9);
	assert_ok(daos_kv_get(store, DAOS_TX_NONE, 0, "kept", &size, buffer, NULL));
	assert_int_equal(size, 4);
	assert_ok(daos_kv_close(store, NULL));
}

/* Writes numbered values until it is killed, and tells through a pipe which were acknowledged. */
static void
write_until_killed(struct embedded_bed *victim, int pipe)
{
	daos_handle_t store;
	char value[1000];

	embedded_up(victim);
	if (daos_kv_open(victim->container, embedded_oid(victim, 1, DAOS_OT_KV_HASHED, OC_SX),
			 DAOS_OO_RW, &store, NULL) != 0)
		_exit(1);
	for (uint32_t i = 0;; i++) {
		char key[16];

		snprintf(key, sizeof(key), "%u", i);
		memset(value, (char)i, sizeof(value));
		if (daos_kv_put(store, DAOS_TX_NONE, 0, key, sizeof(value), value, NULL) != 0)
			_exit(1);
		if (write(pipe, &i, sizeof(i)) != sizeof(i))
			_exit(1);
	}
}

static void
check_written(struct embedded_bed *victim, uint32_t acknowledged)
{
	daos_handle_t store;

	embedded_up(victim);
	assert_ok(daos_kv_open(victim->container, embedded_oid(victim, 1, DAOS_OT_KV_HASHED, OC_SX),
			       DAOS_OO_RW, &store, NULL));
	for (uint32_t i = 0; i <= acknowledged + 1; i++) {
		char key[16], value[1000], expected[1000];
		daos_size_t size = sizeof(value);

		snprintf(key, sizeof(key), "%u", i);
		memset(expected, (char)i, sizeof(expected));
		assert_ok(daos_kv_get(store, DAOS_TX_NONE, 0, key, &size, value, NULL));
		/* The one under way may be there, wholly. */
		if (i <= acknowledged || size != 0) {
			assert_int_equal(size, sizeof(value));
			assert_memory_equal(value, expected, sizeof(value));
		}
	}
	assert_ok(daos_kv_close(store, NULL));
	embedded_down(victim);
}

#define KILLS 3
#define KILL_AFTER 150

/* Runs before any client is up in this process. */
static void
test_sigkill(void **state)
{
	struct embedded_bed victim;

	(void)state;
	embedded_directory_make(&victim);
	for (int round = 0; round < KILLS; round++) {
		uint32_t acknowledged = 0;
		int ends[2], status;
		pid_t child;

		assert_int_equal(pipe(ends), 0);
		child = fork();
		if (child == 0) {
			close(ends[0]);
			write_until_killed(&victim, ends[1]);
		}
		close(ends[1]);
		while (acknowledged < KILL_AFTER)
			assert_int_equal(read(ends[0], &acknowledged, sizeof(acknowledged)),
					 sizeof(acknowledged));
		kill(child, SIGKILL);
		while (read(ends[0], &acknowledged, sizeof(acknowledged)) == sizeof(acknowledged))
			;
		close(ends[0]);
		assert_int_equal(waitpid(child, &status, 0), child);
		assert_true(WIFSIGNALED(status));
		check_written(&victim, acknowledged);
	}
	embedded_directory_remove(&victim);
}

static void
test_directories(void **state)
{
	struct embedded_bed other;
	char path[256];
	daos_handle_t handle;
	FILE *file;

	(void)state;
	embedded_directory_make(&other);
	/* A directory with somebody else's file in it is left alone. */
	snprintf(path, sizeof(path), "%s/file", other.directory);
	file = fopen(path, "w");
	assert_non_null(file);
	fclose(file);
	setenv("DAOS_EMBEDDED", other.directory, 1);
	client_set_quiet(true);
	assert_ok(daos_init());
	assert_int_equal(daos_pool_connect("default", NULL, DAOS_PC_RW, &handle, NULL, NULL),
			 -DER_DF_INVAL);
	assert_non_null(strstr(client_last_error(), "not empty"));
	assert_ok(daos_fini());
	/* An absent parent is not made. */
	snprintf(path, sizeof(path), "%s/no/such", other.directory);
	setenv("DAOS_EMBEDDED", path, 1);
	assert_ok(daos_init());
	assert_true(daos_pool_connect("default", NULL, DAOS_PC_RW, &handle, NULL, NULL) < 0);
	assert_ok(daos_fini());
	client_set_quiet(false);
	embedded_directory_remove(&other);
}

int
main(void)
{
	const struct CMUnitTest before[] = {
		cmocka_unit_test(test_sigkill),
		cmocka_unit_test(test_directories),
	};
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_put_get_remove),
		cmocka_unit_test(test_conditions),
		cmocka_unit_test(test_list),
		cmocka_unit_test(test_lexical_list_with_long_keys),
		cmocka_unit_test(test_object),
		cmocka_unit_test(test_enumerate),
		cmocka_unit_test(test_array),
		cmocka_unit_test(test_array_ranges),
		cmocka_unit_test(test_names_and_handles),
		cmocka_unit_test(test_attributes_and_properties),
		cmocka_unit_test(test_read_only),
		cmocka_unit_test(test_fork),
		cmocka_unit_test(test_restart),
	};
	int failed;

	embedded_library_open();
	failed = cmocka_run_group_tests(before, NULL, NULL);
	failed += cmocka_run_group_tests(tests, setup, teardown);
	/* Once more on the other back-end. */
	setenv("CAIRN_BACKEND", "epoll", 1);
	return failed + cmocka_run_group_tests(tests, setup, teardown);
}
