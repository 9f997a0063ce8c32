/* SPDX-License-Identifier: BSD-2-Clause-Patent */
/* Basic types: ranks, buffers, lists of both. */
#ifndef __GURT_TYPES_H__
#define __GURT_TYPES_H__

#include <uuid/uuid.h>
#include <unistd.h>
#include <stdbool.h>
#include <string.h>
#include <errno.h>
#include <inttypes.h>
#include <time.h>
#include <limits.h>
#include <stdlib.h>
#include <stdio.h>
#include <pthread.h>
#include <byteswap.h>

#if defined(__cplusplus)
extern "C" {
#endif

struct d_uuid {
	uuid_t uuid;
};

typedef char *d_string_t;
typedef const char *d_const_string_t;

/** One buffer. */
typedef struct {
	void *iov_buf; /**< data */
	size_t iov_buf_len; /**< bytes of the buffer */
	size_t iov_len; /**< bytes of data in it */
} d_iov_t;

/** Index of an engine in its system. */
typedef uint32_t d_rank_t;

typedef struct {
	d_rank_t *rl_ranks;
	uint32_t rl_nr;
} d_rank_list_t;
typedef d_rank_list_t *d_rank_list_ptr_t;

/** Ranks from lo to hi, both included. */
typedef struct {
	d_rank_t lo;
	d_rank_t hi;
} d_rank_range_t;

typedef struct {
	d_rank_range_t *rrl_ranges;
	uint32_t rrl_nr;
} d_rank_range_list_t;

/** Scatter-gather list. */
typedef struct {
	uint32_t sg_nr; /**< iovs in the list */
	uint32_t sg_nr_out; /**< iovs filled on output */
	d_iov_t *sg_iovs;
} d_sg_list_t;

/** A text that grows; status keeps the first failure. */
struct d_string_buffer_t {
	int status;
	size_t str_size;
	size_t buf_size;
	char *str;
};

/** Rank that no engine has. */
#define CRT_NO_RANK ((d_rank_t)-1)

/** Points iov at a buffer whose size bytes are all data. */
static inline void
d_iov_set(d_iov_t *iov, void *buf, size_t size)
{
	iov->iov_buf = buf;
	iov->iov_buf_len = size;
	iov->iov_len = size;
}

#if defined(__cplusplus)
}
#endif

#endif /* __GURT_TYPES_H__ */
