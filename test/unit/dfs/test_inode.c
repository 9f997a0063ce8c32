/* SPDX-License-Identifier: BSD-2-Clause-Patent */
/* The attributes of an entry: their bytes, what is refused, and what stat(2) makes of them. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <unistd.h>

#include <cmocka.h>

#include "dfs/private.h"

static const struct inode sample = {
	.mode = S_IFREG | 0644,
	.oid = {.lo = 0x1112131415161718, .hi = 0x0d01ffff00000021},
	.mtime = {.tv_sec = 0x31323334, .tv_nsec = 0x3a3b3c},
	.ctime = {.tv_sec = 0x41424344, .tv_nsec = 0x4a4b4c},
	.chunk_size = 0x100000,
	.class = 0x0100ffff,
	.uid = 0x51525354,
	.gid = 0x61626364,
	.length = 0x71,
	.stamp = 0x8182838485868788,
	.generation = 0x9192939495969798,
	.change = 0xa1a2a3a4a5a6a7a8,
	.flags = INODE_EXPORTED | INODE_LINKED,
	.links = 1,
};

/* Written by hand from docs/formats/dfs.md. */
static const uint8_t golden[INODE_SIZE] = {
	0xa4, 0x81, 0x00, 0x00,				/* mode 0100644 */
	0x18, 0x17, 0x16, 0x15, 0x14, 0x13, 0x12, 0x11, /* oid, low part */
	0x21, 0x00, 0x00, 0x00, 0xff, 0xff, 0x01, 0x0d, /* oid, high part */
	0x34, 0x33, 0x32, 0x31, 0x00, 0x00, 0x00, 0x00, /* mtime, seconds */
	0x44, 0x43, 0x42, 0x41, 0x00, 0x00, 0x00, 0x00, /* ctime, seconds */
	0x00, 0x00, 0x10, 0x00, 0x00, 0x00, 0x00, 0x00, /* chunk size */
	0xff, 0xff, 0x00, 0x01,				/* class */
	0x3c, 0x3b, 0x3a, 0x00, 0x00, 0x00, 0x00, 0x00, /* mtime, nanoseconds */
	0x4c, 0x4b, 0x4a, 0x00, 0x00, 0x00, 0x00, 0x00, /* ctime, nanoseconds */
	0x54, 0x53, 0x52, 0x51,				/* uid */
	0x64, 0x63, 0x62, 0x61,				/* gid */
	0x71, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, /* length */
	0x88, 0x87, 0x86, 0x85, 0x84, 0x83, 0x82, 0x81, /* stamp */
	0x98, 0x97, 0x96, 0x95, 0x94, 0x93, 0x92, 0x91, /* generation */
	0xa8, 0xa7, 0xa6, 0xa5, 0xa4, 0xa3, 0xa2, 0xa1, /* change */
	0x03, 0x00, 0x00, 0x00,				/* flags */
	0x01, 0x00, 0x00, 0x00,				/* version */
};

static void
inode_has_its_bytes(void **state)
{
	uint8_t bytes[INODE_SIZE];

	(void)state;
	memset(bytes, 0xee, sizeof(bytes));
	inode_encode(&sample, bytes);
	assert_memory_equal(bytes, golden, sizeof(golden));
}

static void
inode_comes_back(void **state)
{
	uint8_t bytes[INODE_SIZE];
	struct inode inode;

	(void)state;
	assert_int_equal(inode_decode(golden, sizeof(golden), &inode), 0);
	assert_int_equal(inode.mtime.tv_nsec, sample.mtime.tv_nsec);
	assert_int_equal(inode.class, sample.class);
	inode_encode(&inode, bytes);
	assert_memory_equal(bytes, golden, sizeof(golden));
}

static int
decode_changed(size_t offset, uint32_t value)
{
	uint8_t bytes[INODE_SIZE];
	struct inode inode;

	memcpy(bytes, golden, sizeof(bytes));
	store_u32(bytes + offset, value);
	return inode_decode(bytes, sizeof(bytes), &inode);
}

static void
impossible_attributes_are_refused(void **state)
{
	struct inode inode;

	(void)state;
	assert_int_equal(inode_decode(golden, sizeof(golden) - 1, &inode), -DER_IO);
	assert_int_equal(inode_decode(golden, 0, &inode), -DER_IO);
	assert_int_equal(decode_changed(INODE_FORMAT, 2), -DER_DF_INCOMPT);
	assert_int_equal(decode_changed(INODE_FLAGS, 4), -DER_DF_INCOMPT);
	assert_int_equal(decode_changed(INODE_MODE, S_IFSOCK | 0600), -DER_IO);
	assert_int_equal(decode_changed(INODE_MODE, 0600), -DER_IO);
	assert_int_equal(decode_changed(INODE_MTIME_NS, 1000000000), -DER_IO);
	assert_int_equal(decode_changed(INODE_CTIME_NS + 4, 1), -DER_IO);
	assert_int_equal(decode_changed(INODE_CHUNK_SIZE, 0), -DER_IO);
	assert_int_equal(decode_changed(INODE_MODE, S_IFLNK | 0777), 0);
	assert_int_equal(decode_changed(INODE_LENGTH, DFS_MAX_PATH), 0);
}

static void
symlink_length_is_bounded(void **state)
{
	uint8_t bytes[INODE_SIZE];
	struct inode inode = sample;

	(void)state;
	inode.mode = S_IFLNK | 0777;
	inode.length = DFS_MAX_PATH;
	inode_encode(&inode, bytes);
	assert_int_equal(inode_decode(bytes, sizeof(bytes), &inode), -DER_IO);
	inode.length = 0;
	inode_encode(&inode, bytes);
	assert_int_equal(inode_decode(bytes, sizeof(bytes), &inode), -DER_IO);
}

/* ------------------------------------------------ stat */

#define SECOND UINT64_C(1000000000)

/* Inside that second: a stamp is a little coarser than a nanosecond. */
static uint64_t
epoch_in(uint64_t seconds)
{
	return hlc_from_realtime(seconds * SECOND + SECOND / 2);
}

static struct stat
stat_at(const struct inode *inode, uint64_t size, uint64_t epoch_seconds)
{
	struct stat stat;

	inode_stat(inode, &stat);
	inode_stat_object(inode, size, epoch_seconds ? epoch_in(epoch_seconds) : 0, &stat);
	return stat;
}

static void
stat_takes_size_and_times(void **state)
{
	struct inode inode = sample;
	struct stat stat;

	(void)state;
	inode.stamp = 0;
	inode.mtime = (struct timespec){1700000000, 5};
	inode.ctime = (struct timespec){1700000001, 6};
	stat = stat_at(&inode, 513, 0);
	assert_int_equal(stat.st_mode, inode.mode);
	assert_int_equal(stat.st_size, 513);
	assert_int_equal(stat.st_blocks, 2);
	assert_int_equal(stat.st_nlink, 1);
	assert_int_equal(stat.st_blksize, 0x100000);
	assert_int_equal(stat.st_uid, inode.uid);
	assert_int_equal(stat.st_gid, inode.gid);
	assert_int_equal(stat.st_mtim.tv_nsec, 5);
	/* atime is the newer of the two */
	assert_int_equal(stat.st_atim.tv_sec, 1700000001);
}

static void
data_changes_move_the_time(void **state)
{
	struct inode inode = sample;
	struct stat stat;

	(void)state;
	inode.stamp = 0;
	inode.mtime = inode.ctime = (struct timespec){1700000000, 0};
	stat = stat_at(&inode, 1, 1700000050);
	assert_int_equal(stat.st_mtim.tv_sec, 1700000050);
	assert_int_equal(stat.st_ctim.tv_sec, 1700000050);
	/* a server's clock behind ours makes nothing older than its creation */
	stat = stat_at(&inode, 1, 1699999999);
	assert_int_equal(stat.st_mtim.tv_sec, 1700000000);
}

static void
time_that_was_set_stands_until_data_changes(void **state)
{
	struct inode inode = sample;
	struct stat stat;

	(void)state;
	inode.mtime = (struct timespec){1000, 0};
	inode.ctime = (struct timespec){1700000100, 0};
	inode.stamp = epoch_in(1700000050);
	stat = stat_at(&inode, 1, 1700000050);
	assert_int_equal(stat.st_mtim.tv_sec, 1000);
	stat = stat_at(&inode, 1, 1700000060);
	assert_int_equal(stat.st_mtim.tv_sec, 1700000060);
	assert_int_equal(stat.st_ctim.tv_sec, 1700000100);
}

static void
permission_follows_the_first_class_that_fits(void **state)
{
	struct stat stat = {.st_mode = S_IFREG | 0640, .st_uid = 10, .st_gid = 20};

	(void)state;
	assert_true(inode_permits(&stat, 10, 1, R_OK | W_OK));
	assert_false(inode_permits(&stat, 10, 1, X_OK));
	assert_true(inode_permits(&stat, 11, 20, R_OK));
	assert_false(inode_permits(&stat, 11, 20, W_OK));
	assert_false(inode_permits(&stat, 11, 21, R_OK));
	assert_true(inode_permits(&stat, 0, 0, R_OK | W_OK));
	assert_false(inode_permits(&stat, 0, 0, X_OK));
	stat.st_mode = S_IFREG | 0077;
	assert_false(inode_permits(&stat, 10, 20, R_OK));
}

int
main(void)
{
	static const struct CMUnitTest tests[] = {
		cmocka_unit_test(inode_has_its_bytes),
		cmocka_unit_test(inode_comes_back),
		cmocka_unit_test(impossible_attributes_are_refused),
		cmocka_unit_test(symlink_length_is_bounded),
		cmocka_unit_test(stat_takes_size_and_times),
		cmocka_unit_test(data_changes_move_the_time),
		cmocka_unit_test(time_that_was_set_stands_until_data_changes),
		cmocka_unit_test(permission_follows_the_first_class_that_fits),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
