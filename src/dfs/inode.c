/* SPDX-License-Identifier: BSD-2-Clause-Patent */
/* The attributes of an entry: their form in the store, and what stat(2) makes of them. */
#include <unistd.h>

#include "dfs/private.h"

_Static_assert(INODE_FORMAT + sizeof(uint32_t) == INODE_SIZE, "the last field ends the value");
_Static_assert(INODE_GENERATION == 88, "the fields of DFS layout version 3 take 88 bytes");

#define BLOCK_SIZE 512u
#define NS_PER_SECOND UINT64_C(1000000000)

void
inode_encode(const struct inode *inode, uint8_t bytes[INODE_SIZE])
{
	store_u32(bytes + INODE_MODE, inode->mode);
	store_u64(bytes + INODE_OID, inode->oid.lo);
	store_u64(bytes + INODE_OID + 8, inode->oid.hi);
	store_u64(bytes + INODE_MTIME, (uint64_t)inode->mtime.tv_sec);
	store_u64(bytes + INODE_CTIME, (uint64_t)inode->ctime.tv_sec);
	store_u64(bytes + INODE_CHUNK_SIZE, inode->chunk_size);
	store_u32(bytes + INODE_CLASS, inode->class);
	store_u64(bytes + INODE_MTIME_NS, (uint64_t)inode->mtime.tv_nsec);
	store_u64(bytes + INODE_CTIME_NS, (uint64_t)inode->ctime.tv_nsec);
	store_u32(bytes + INODE_UID, inode->uid);
	store_u32(bytes + INODE_GID, inode->gid);
	store_u64(bytes + INODE_LENGTH, inode->length);
	store_u64(bytes + INODE_STAMP, inode->stamp);
	store_u64(bytes + INODE_GENERATION, inode->generation);
	store_u64(bytes + INODE_CHANGE, inode->change);
	store_u32(bytes + INODE_FLAGS, inode->flags);
	store_u32(bytes + INODE_FORMAT, INODE_VERSION);
}

static struct timespec
load_time(const uint8_t *seconds, const uint8_t *nanoseconds)
{
	return (struct timespec){.tv_sec = (time_t)load_u64(seconds),
				 .tv_nsec = (long)load_u64(nanoseconds)};
}

static bool
inode_is_sound(const struct inode *inode)
{
	uint32_t type = inode->mode & S_IFMT;

	return (type == S_IFREG || type == S_IFDIR || type == S_IFLNK) &&
	       (uint64_t)inode->mtime.tv_nsec < NS_PER_SECOND &&
	       (uint64_t)inode->ctime.tv_nsec < NS_PER_SECOND &&
	       (type != S_IFREG || inode->chunk_size > 0) &&
	       (type != S_IFLNK || (inode->length > 0 && inode->length < DFS_MAX_PATH));
}

int
inode_decode(const void *bytes, size_t length, struct inode *ret_inode)
{
	const uint8_t *from = bytes;
	struct inode inode;

	if (length != INODE_SIZE)
		return error_raise(-DER_IO, "an entry's attributes have %zu bytes", length);
	if (load_u32(from + INODE_FORMAT) != INODE_VERSION)
		return error_raise(-DER_DF_INCOMPT, "an entry has version %u, known is %u",
				   load_u32(from + INODE_FORMAT), INODE_VERSION);
	inode = (struct inode){
		.mode = load_u32(from + INODE_MODE),
		.oid = {.lo = load_u64(from + INODE_OID), .hi = load_u64(from + INODE_OID + 8)},
		.mtime = load_time(from + INODE_MTIME, from + INODE_MTIME_NS),
		.ctime = load_time(from + INODE_CTIME, from + INODE_CTIME_NS),
		.chunk_size = load_u64(from + INODE_CHUNK_SIZE),
		.class = load_u32(from + INODE_CLASS),
		.uid = load_u32(from + INODE_UID),
		.gid = load_u32(from + INODE_GID),
		.length = load_u64(from + INODE_LENGTH),
		.stamp = load_u64(from + INODE_STAMP),
		.generation = load_u64(from + INODE_GENERATION),
		.change = load_u64(from + INODE_CHANGE),
		.flags = load_u32(from + INODE_FLAGS),
		.links = 1,
	};
	if (inode.flags & ~(uint32_t)INODE_FLAGS_KNOWN)
		return error_raise(-DER_DF_INCOMPT, "an entry has unknown flags %x", inode.flags);
	if (!inode_is_sound(&inode))
		return error_raise(-DER_IO, "an entry has impossible attributes (mode %o)",
				   inode.mode);
	*ret_inode = inode;
	return 0;
}

/* ------------------------------------------------ stat */

static bool
time_is_later(struct timespec a, struct timespec b)
{
	return a.tv_sec > b.tv_sec || (a.tv_sec == b.tv_sec && a.tv_nsec > b.tv_nsec);
}

struct timespec
timespec_from_ns(uint64_t nanoseconds)
{
	return (struct timespec){.tv_sec = (time_t)(nanoseconds / NS_PER_SECOND),
				 .tv_nsec = (long)(nanoseconds % NS_PER_SECOND)};
}

void
inode_stat(const struct inode *inode, struct stat *ret_stat)
{
	memset(ret_stat, 0, sizeof(*ret_stat));
	ret_stat->st_mode = inode->mode;
	ret_stat->st_ino = hash_combine(inode->oid.lo, inode->oid.hi);
	ret_stat->st_nlink = inode->links;
	ret_stat->st_uid = inode->uid;
	ret_stat->st_gid = inode->gid;
	ret_stat->st_mtim = inode->mtime;
	ret_stat->st_ctim = inode->ctime;
	ret_stat->st_size = S_ISLNK(inode->mode) ? (off_t)inode->length : 0;
	ret_stat->st_blksize = S_ISREG(inode->mode) ? (blksize_t)inode->chunk_size
						    : DFS_DEFAULT_CHUNK_SIZE;
	inode_stat_object(inode, (uint64_t)ret_stat->st_size, 0, ret_stat);
}

void
inode_stat_object(const struct inode *inode, uint64_t size, uint64_t epoch, struct stat *stat)
{
	stat->st_size = (off_t)size;
	stat->st_blocks = (blkcnt_t)((size + BLOCK_SIZE - 1) / BLOCK_SIZE);
	if (epoch > inode->stamp) {
		struct timespec changed = timespec_from_ns(hlc_to_realtime(epoch));

		/* A client's clock may be ahead of the servers': a change never makes it older. */
		if (inode->stamp > 0 || time_is_later(changed, stat->st_mtim))
			stat->st_mtim = changed;
		if (time_is_later(changed, stat->st_ctim))
			stat->st_ctim = changed;
	}
	stat->st_atim = time_is_later(stat->st_ctim, stat->st_mtim) ? stat->st_ctim : stat->st_mtim;
}

/* ------------------------------------------------ permission */

bool
inode_permits(const struct stat *stat, uid_t uid, gid_t gid, int mask)
{
	unsigned int bits = stat->st_mode & 7;

	if (uid == 0)
		return !(mask & X_OK) || S_ISDIR(stat->st_mode) || stat->st_mode & 0111;
	if (uid == stat->st_uid)
		bits = stat->st_mode >> 6 & 7;
	else if (gid == stat->st_gid)
		bits = stat->st_mode >> 3 & 7;
	return (bits & (unsigned int)mask) == (unsigned int)mask;
}
