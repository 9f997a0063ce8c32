/* SPDX-License-Identifier: BSD-2-Clause-Patent */
/*
 * Sizes and ends of arrays and files at the edges of their chunks: set, written, cut and read from
 * every side, by two handles and by two mounts that must not remember what the other has changed.
 */
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <daos_fs.h>

#include "embedded_bed.h"

#define CELLS_MAX 40000u

/* What an array must hold: bytes, zeros where nothing was written. */
struct sheet {
	uint64_t size; /* cells */
	uint8_t bytes[CELLS_MAX * 3];
};

/* ------------------------------------------------ arrays */

struct array_pair {
	struct embedded_bed bed;
	daos_handle_t handles[2];
	uint64_t cell;
	struct sheet sheet;
	uint8_t buffer[CELLS_MAX * 3];
};

static void
array_call(struct array_pair *pair, int handle, bool write, uint64_t index, uint64_t cells)
{
	daos_range_t range = {index, cells};
	daos_array_iod_t iod = {.arr_nr = 1, .arr_rgs = &range};
	d_iov_t iov;
	d_sg_list_t sgl = {.sg_nr = 1, .sg_iovs = &iov};

	d_iov_set(&iov, pair->buffer, cells * pair->cell);
	if (write)
		assert_ok(daos_array_write(pair->handles[handle], DAOS_TX_NONE, &iod, &sgl, NULL));
	else
		assert_ok(daos_array_read(pair->handles[handle], DAOS_TX_NONE, &iod, &sgl, NULL));
}

/* Both handles say the same size, and the same content around an edge. */
static void
array_compare(struct array_pair *pair, uint64_t edge)
{
	uint64_t from = edge > 20 ? edge - 20 : 0;

	for (int i = 0; i < 2; i++) {
		daos_size_t size;

		assert_ok(daos_array_get_size(pair->handles[i], DAOS_TX_NONE, &size, NULL));
		assert_int_equal(size, pair->sheet.size);
		memset(pair->buffer, 0, 40 * pair->cell);
		array_call(pair, i, false, from, 40);
		assert_memory_equal(pair->buffer, pair->sheet.bytes + from * pair->cell,
				    40 * pair->cell);
	}
}

static void
array_resize(struct array_pair *pair, int handle, uint64_t size)
{
	uint8_t *bytes = pair->sheet.bytes;

	assert_ok(daos_array_set_size(pair->handles[handle], DAOS_TX_NONE, size, NULL));
	if (size < pair->sheet.size)
		memset(bytes + size * pair->cell, 0, (pair->sheet.size - size) * pair->cell);
	pair->sheet.size = size;
}

static void
array_fill(struct array_pair *pair, int handle, uint64_t index, uint64_t cells, int value)
{
	memset(pair->buffer, value, cells * pair->cell);
	array_call(pair, handle, true, index, cells);
	memset(pair->sheet.bytes + index * pair->cell, value, cells * pair->cell);
	if (index + cells > pair->sheet.size)
		pair->sheet.size = index + cells;
}

/* Around the k-th edge: grown to it, cut at it, written over it, cut again, appended. */
static void
array_edge(struct array_pair *pair, uint64_t edge, int turn)
{
	array_resize(pair, turn % 2, edge);
	array_compare(pair, edge);
	array_fill(pair, (turn + 1) % 2, edge > 5 ? edge - 5 : 0, 11, 1 + turn % 250);
	array_compare(pair, edge);
	array_resize(pair, turn % 2, edge);
	array_compare(pair, edge);
	/* What was cut off must not come back. */
	array_resize(pair, (turn + 1) % 2, edge + 9);
	array_compare(pair, edge);
	array_fill(pair, turn % 2, pair->sheet.size, 3, 1 + turn % 200);
	array_compare(pair, edge + 9);
}

static void
array_edges(struct array_pair *pair, uint64_t cell, uint64_t chunk, uint64_t number)
{
	daos_obj_id_t oid = {.lo = number};
	daos_size_t found_cell, found_chunk;
	int turn = 0;

	pair->cell = cell;
	memset(&pair->sheet, 0, sizeof(pair->sheet));
	assert_ok(daos_array_generate_oid(pair->bed.container, &oid, true, OC_SX, 0, 0));
	assert_ok(daos_array_create(pair->bed.container, oid, DAOS_TX_NONE, cell, chunk,
				    &pair->handles[0], NULL));
	assert_ok(daos_array_open(pair->bed.container, oid, DAOS_TX_NONE, DAOS_OO_RW, &found_cell,
				  &found_chunk, &pair->handles[1], NULL));
	for (uint64_t k = 1; k <= 4; k++)
		for (int64_t beside = -1; beside <= 1; beside++)
			array_edge(pair, (uint64_t)((int64_t)(k * chunk) + beside), turn++);
	array_resize(pair, 0, 0);
	array_compare(pair, chunk);
	assert_ok(daos_array_close(pair->handles[1], NULL));
	assert_ok(daos_array_destroy(pair->handles[0], DAOS_TX_NONE, NULL));
	assert_ok(daos_array_close(pair->handles[0], NULL));
}

static void
class_30_array_sizes(void **state)
{
	static struct array_pair pair;

	(void)state;
	embedded_directory_make(&pair.bed);
	embedded_up(&pair.bed);
	array_edges(&pair, 1, 4096, 11);
	array_edges(&pair, 1, 1000, 12);
	array_edges(&pair, 3, 777, 13);
	array_edges(&pair, 2, 9000, 14);
	embedded_down(&pair.bed);
	embedded_directory_remove(&pair.bed);
}

/* ------------------------------------------------ files, by two mounts */

struct file_pair {
	dfs_t *mounts[2];
	dfs_obj_t *files[2];
	struct sheet sheet;
};

static void
file_compare(struct file_pair *pair, uint64_t edge)
{
	uint8_t buffer[64];
	uint64_t from = edge > 20 ? edge - 20 : 0, wanted;
	d_iov_t iov;
	d_sg_list_t sgl = {.sg_nr = 1, .sg_iovs = &iov};

	for (int i = 0; i < 2; i++) {
		daos_size_t size, got;

		assert_ok(dfs_get_size(pair->mounts[i], pair->files[i], &size));
		assert_int_equal(size, pair->sheet.size);
		d_iov_set(&iov, buffer, sizeof(buffer));
		assert_ok(dfs_read(pair->mounts[i], pair->files[i], &sgl, from, &got, NULL));
		wanted = pair->sheet.size > from ? pair->sheet.size - from : 0;
		wanted = wanted < sizeof(buffer) ? wanted : sizeof(buffer);
		assert_int_equal(got, wanted);
		assert_memory_equal(buffer, pair->sheet.bytes + from, wanted);
	}
}

static void
file_cut(struct file_pair *pair, int mount, uint64_t size)
{
	assert_ok(dfs_punch(pair->mounts[mount], pair->files[mount], size, DFS_MAX_FSIZE));
	if (size < pair->sheet.size)
		memset(pair->sheet.bytes + size, 0, pair->sheet.size - size);
	pair->sheet.size = size;
}

static void
file_write(struct file_pair *pair, int mount, uint64_t at, uint64_t length, int value)
{
	uint8_t buffer[64];
	d_iov_t iov;
	d_sg_list_t sgl = {.sg_nr = 1, .sg_iovs = &iov};

	memset(buffer, value, sizeof(buffer));
	d_iov_set(&iov, buffer, length);
	assert_ok(dfs_write(pair->mounts[mount], pair->files[mount], &sgl, at, NULL));
	memset(pair->sheet.bytes + at, value, length);
	if (at + length > pair->sheet.size)
		pair->sheet.size = at + length;
}

static void
file_edge(struct file_pair *pair, uint64_t edge, int turn)
{
	file_cut(pair, turn % 2, edge);
	file_compare(pair, edge);
	file_write(pair, (turn + 1) % 2, edge > 5 ? edge - 5 : 0, 11, 1 + turn);
	file_compare(pair, edge);
	file_cut(pair, turn % 2, edge);
	file_compare(pair, edge);
	file_cut(pair, (turn + 1) % 2, edge + 9);
	file_compare(pair, edge);
	file_write(pair, turn % 2, pair->sheet.size, 3, 100 + turn);
	file_compare(pair, edge + 9);
}

static void
file_edges(struct file_pair *pair, const char *name, daos_size_t chunk)
{
	int turn = 0;

	memset(&pair->sheet, 0, sizeof(pair->sheet));
	assert_ok(dfs_open(pair->mounts[0], NULL, name, S_IFREG | 0600, O_RDWR | O_CREAT | O_EXCL,
			   0, chunk, NULL, &pair->files[0]));
	assert_ok(dfs_open(pair->mounts[1], NULL, name, S_IFREG | 0600, O_RDWR, 0, 0, NULL,
			   &pair->files[1]));
	for (uint64_t k = 1; k <= 4; k++)
		for (int64_t beside = -1; beside <= 1; beside++)
			file_edge(pair, (uint64_t)((int64_t)(k * chunk) + beside), turn++);
	file_cut(pair, 0, 0);
	file_compare(pair, chunk);
	for (int i = 0; i < 2; i++)
		assert_ok(dfs_release(pair->files[i]));
}

static void
class_30_file_sizes(void **state)
{
	static struct file_pair pair;
	struct embedded_bed bed;
	daos_handle_t containers[2];

	(void)state;
	embedded_directory_make(&bed);
	embedded_up(&bed);
	assert_ok(dfs_init());
	assert_ok(dfs_cont_create_with_label(bed.pool, "files", NULL, NULL, &containers[0], NULL));
	assert_ok(daos_cont_open(bed.pool, "files", DAOS_COO_RW, &containers[1], NULL, NULL));
	for (int i = 0; i < 2; i++)
		assert_ok(dfs_mount(bed.pool, containers[i], O_RDWR, &pair.mounts[i]));
	file_edges(&pair, "page", 4096);
	file_edges(&pair, "odd", 5000);
	for (int i = 0; i < 2; i++) {
		assert_ok(dfs_umount(pair.mounts[i]));
		assert_ok(daos_cont_close(containers[i], NULL));
	}
	assert_ok(dfs_fini());
	embedded_down(&bed);
	embedded_directory_remove(&bed);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(class_30_array_sizes),
		cmocka_unit_test(class_30_file_sizes),
	};

	embedded_library_open();
	return cmocka_run_group_tests(tests, NULL, NULL);
}
