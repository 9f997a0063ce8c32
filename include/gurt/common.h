/* SPDX-License-Identifier: BSD-2-Clause-Patent */
/* Memory, locks, rank lists, environment, buffers and time. */
#ifndef __GURT_COMMON_H__
#define __GURT_COMMON_H__

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

#include <daos_errno.h>
#include <gurt/debug.h>
#include <gurt/fault_inject.h>
#include <gurt/types.h>

#if defined(__cplusplus)
extern "C" {
#endif

#ifndef likely
#define likely(x)	__builtin_expect(!!(x), 1)
#endif
#ifndef unlikely
#define unlikely(x)	__builtin_expect(!!(x), 0)
#endif

#ifndef container_of
#define container_of(ptr, type, member)	((type *)(void *)((char *)(ptr)-offsetof(type, member)))
#endif

#ifndef ARRAY_SIZE
#define ARRAY_SIZE(arr)	(sizeof(arr) / sizeof((arr)[0]))
#endif

/* C++ has std::min and std::max, which such macros would break. */
#ifndef MIN
#define MIN(a, b)	(((a)<(b))?(a):(b))
#endif
#ifndef MAX
#define MAX(a, b)	(((a)>(b))?(a):(b))
#endif
#ifndef __cplusplus
#ifndef min
#define min(x, y)	MIN(x, y)
#endif
#ifndef max
#define max(x, y)	MAX(x, y)
#endif
#endif
#ifndef min_t
#define min_t(type, x, y)	((type)(x) < (type)(y) ? (type)(x) : (type)(y))
#endif
#ifndef max_t
#define max_t(type, x, y)	((type)(x) > (type)(y) ? (type)(x) : (type)(y))
#endif

/** Rounds x up to a multiple of a, a power of two. */
#define D_ALIGNUP(x, a)	(((x) + ((__typeof__(x))(a)-1)) & ~((__typeof__(x))(a)-1))

#define NSEC_PER_SEC	1000000000
#define NSEC_PER_MSEC	1000000
#define NSEC_PER_USEC	1000

/* Memory. */

/** Malloc. */
void *d_malloc(size_t size);

/** Calloc. */
void *d_calloc(size_t nmemb, size_t size);

/** Realloc. */
void *d_realloc(void *ptr, size_t size);

/** Free. */
void d_free(void *ptr);

/** Strndup. */
char *d_strndup(const char *s, size_t n);

/** aligned_alloc of size bytes, which need not be a multiple of alignment. */
void *d_aligned_alloc(size_t alignment, size_t size, bool zero);

/** asprintf; NULL when there is no memory. */
char *d_asprintf(const char *fmt, ...) __attribute__((format(printf, 1, 2)));

/** Path without symlinks, dots and double slashes; NULL with errno when there is none. */
char *d_realpath(const char *path);

#define D_CHECK_ALLOC(ptr, size) \
	do { \
		if ((ptr) == NULL && (size) != 0) \
			D_ERROR("out of memory: %zu bytes for '%s'\n", (size_t)(size), #ptr); \
	} while (0)

/** Zeroed memory for a pointer of any type; NULL, and a line in the log, when there is none. */
#define D_ALLOC(ptr, size)	D_ALLOC_CORE(ptr, d_calloc(1, (size)), (size))
#define D_ALLOC_PTR(ptr)	D_ALLOC(ptr, sizeof(*(ptr)))
#define D_ALLOC_ARRAY(ptr, count) \
	D_ALLOC_CORE(ptr, d_calloc((count), sizeof(*(ptr))), (count) * sizeof(*(ptr)))

/** Memory that is not zeroed. */
#define D_ALLOC_NZ(ptr, size)	D_ALLOC_CORE(ptr, d_malloc(size), (size))
#define D_ALLOC_PTR_NZ(ptr)	D_ALLOC_NZ(ptr, sizeof(*(ptr)))
#define D_ALLOC_ARRAY_NZ(ptr, count) \
	D_ALLOC_CORE(ptr, d_reallocarray(NULL, (count), sizeof(*(ptr))), (count) * sizeof(*(ptr)))

/** Zeroed memory at a multiple of alignment. */
#define D_ALIGNED_ALLOC(ptr, alignment, size) \
	D_ALLOC_CORE(ptr, d_aligned_alloc((alignment), (size), true), (size))

#define D_ALLOC_CORE(ptr, call, size) \
	do { \
		(ptr) = (__typeof__(ptr))(call); \
		D_CHECK_ALLOC(ptr, size); \
	} while (0)

/** reallocarray: fails when count * size is too large. */
void *d_reallocarray(void *ptr, size_t count, size_t size);

#define D_FREE(ptr) \
	do { \
		d_free((void *)(uintptr_t)(ptr)); \
		(ptr) = NULL; \
	} while (0)

/** A copy of at most n bytes of s. */
#define D_STRNDUP(ptr, s, n)	D_ALLOC_CORE(ptr, d_strndup(s, n), (n) + 1)

/** A copy of an array or literal. */
#define D_STRNDUP_S(ptr, s)	D_STRNDUP(ptr, s, sizeof(s))

#define D_ASPRINTF(ptr, ...)	((ptr) = d_asprintf(__VA_ARGS__))

#define D_REALPATH(ptr, path)	((ptr) = d_realpath(path))

/**
 * On success newptr is the memory and oldptr is NULL; on failure newptr is NULL and oldptr as it
 * was. The two are different variables.
 */
#define D_REALLOC_CORE(newptr, oldptr, count, size) \
	do { \
		(newptr) = (__typeof__(newptr))d_reallocarray((oldptr), (count), (size)); \
		D_CHECK_ALLOC(newptr, (count) * (size)); \
		if ((newptr) != NULL) \
			(oldptr) = NULL; \
	} while (0)

/** Not zeroed. */
#define D_REALLOC_NZ(newptr, oldptr, size) \
	D_REALLOC_CORE(newptr, oldptr, (size_t)1, (size_t)(size))
#define D_REALLOC_ARRAY_NZ(newptr, oldptr, count) \
	D_REALLOC_CORE(newptr, oldptr, (size_t)(count), sizeof(*(oldptr)))

/** What is new is zeroed. */
#define D_REALLOC(newptr, oldptr, oldsize, size) \
	do { \
		size_t __from = (oldsize), __to = (size); \
\
		D_REALLOC_CORE(newptr, oldptr, (size_t)1, __to); \
		if ((newptr) != NULL && __to > __from) \
			memset((char *)(newptr) + __from, 0, __to - __from); \
	} while (0)
#define D_REALLOC_ARRAY(newptr, oldptr, oldcount, count) \
	do { \
		size_t __from = (oldcount), __to = (count); \
\
		D_REALLOC_CORE(newptr, oldptr, __to, sizeof(*(oldptr))); \
		if ((newptr) != NULL && __to > __from) \
			memset((newptr) + __from, 0, (__to - __from) * sizeof(*(newptr))); \
	} while (0)

/** All is zeroed. */
#define D_REALLOC_Z(newptr, oldptr, size)		D_REALLOC(newptr, oldptr, 0, size)
#define D_REALLOC_ARRAY_Z(newptr, oldptr, count)	D_REALLOC_ARRAY(newptr, oldptr, 0, count)

/** Evaluates rc, often an assignment, and jumps. */
#define D_GOTO(label, rc) \
	do { \
		(void)(rc); \
		goto label; \
	} while (0)

/* Locks: the pthread calls, whose failure is a fault of the program. */

static inline int
d_lock_rc(int rc, const char *call)
{
	if (rc == 0)
		return 0;
	D_ASSERTF(rc == ENOMEM || rc == EAGAIN || rc == EBUSY || rc == ETIMEDOUT, "%s: %s\n", call,
		  strerror(rc));
	if (rc == ETIMEDOUT)
		return -DER_TIMEDOUT;
	return rc == ENOMEM ? -DER_NOMEM : rc == EBUSY ? -DER_BUSY : -DER_AGAIN;
}

#define D_LOCK_CALL(call)	d_lock_rc(call, #call)

#define D_MUTEX_INIT(x, y)	D_LOCK_CALL(pthread_mutex_init(x, y))
#define D_MUTEX_LOCK(x)		D_LOCK_CALL(pthread_mutex_lock(x))
#define D_MUTEX_TRYLOCK(x)	D_LOCK_CALL(pthread_mutex_trylock(x))
#define D_MUTEX_UNLOCK(x)	D_LOCK_CALL(pthread_mutex_unlock(x))
#define D_MUTEX_DESTROY(x)	D_LOCK_CALL(pthread_mutex_destroy(x))

#define D_SPIN_INIT(x, y)	D_LOCK_CALL(pthread_spin_init(x, y))
#define D_SPIN_LOCK(x)		D_LOCK_CALL(pthread_spin_lock(x))
#define D_SPIN_UNLOCK(x)	D_LOCK_CALL(pthread_spin_unlock(x))
#define D_SPIN_DESTROY(x)	D_LOCK_CALL(pthread_spin_destroy(x))

#define D_RWLOCK_INIT(x, y)	D_LOCK_CALL(pthread_rwlock_init(x, y))
#define D_RWLOCK_RDLOCK(x)	D_LOCK_CALL(pthread_rwlock_rdlock(x))
#define D_RWLOCK_WRLOCK(x)	D_LOCK_CALL(pthread_rwlock_wrlock(x))
#define D_RWLOCK_UNLOCK(x)	D_LOCK_CALL(pthread_rwlock_unlock(x))
#define D_RWLOCK_DESTROY(x)	D_LOCK_CALL(pthread_rwlock_destroy(x))

#define D_COND_INIT(x, y)	   D_LOCK_CALL(pthread_cond_init(x, y))
#define D_COND_WAIT(x, y)	   D_LOCK_CALL(pthread_cond_wait(x, y))
#define D_COND_TIMEDWAIT(x, y, z) D_LOCK_CALL(pthread_cond_timedwait(x, y, z))
#define D_COND_SIGNAL(x)	   D_LOCK_CALL(pthread_cond_signal(x))
#define D_COND_BROADCAST(x)	   D_LOCK_CALL(pthread_cond_broadcast(x))
#define D_COND_DESTROY(x)	   D_LOCK_CALL(pthread_cond_destroy(x))

/* Hashes; see also gurt/hash.h. */

/** 32-bit hash of len bytes: h = 5381, then h = h * 33 + byte. */
uint32_t d_hash_string_u32(const char *string, unsigned int len);

/** MurmurHash64A of a byte string. */
uint64_t d_hash_murmur64(const unsigned char *key, unsigned int key_len, unsigned int seed);

/** 64-bit integer mix. */
uint64_t d_hash_mix64(uint64_t key);

/* Rank lists. */

/** List of size ranks numbered 0..size-1 (0 = empty). */
d_rank_list_t *d_rank_list_alloc(uint32_t size);

/** Copy to a new list. */
int d_rank_list_dup(d_rank_list_t **dst, const d_rank_list_t *src);

/** Free list and array, NULL allowed. */
void d_rank_list_free(d_rank_list_t *rank_list);

/** Copy into an existing list. */
int d_rank_list_copy(d_rank_list_t *dst, d_rank_list_t *src);

/** Ascending. */
void d_rank_list_sort(d_rank_list_t *rank_list);

/** Index of a rank. */
bool d_rank_list_find(d_rank_list_t *rank_list, d_rank_t rank, int *idx);

/** Add one rank. */
int d_rank_list_append(d_rank_list_t *rank_list, d_rank_t rank);

/** Same ranks in same order. */
bool d_rank_list_identical(d_rank_list_t *rank_list1, d_rank_list_t *rank_list2);

/** Membership. */
bool d_rank_in_rank_list(d_rank_list_t *rank_list, d_rank_t rank);

/** Array to new list. */
d_rank_list_t *uint32_array_to_rank_list(uint32_t *ints, size_t len);

/** List to new array. */
int rank_list_to_uint32_array(d_rank_list_t *rl, uint32_t **ints, size_t *len);

/** New text of the ranks as ranges; NULL list gives NULL text. */
int d_rank_list_to_str(d_rank_list_t *rank_list, char **rank_str);

/* Environment. Numbers and texts that are missing or do not fit leave the output as it was. */

/** Variable exists. */
bool d_isenv_def(char *name);

/**
 * Unset: value untouched and -DER_NONEXIST; set: false only when the text is an integer equal
 * to 0, true otherwise.
 */
int d_getenv_bool(const char *name, bool *bool_val);

/** Deprecated form of d_getenv_uint. */
int d_getenv_int(const char *name, unsigned int *uint_val);

/** Unsigned decimal value; an error leaves it untouched. */
int d_getenv_uint(const char *name, unsigned int *uint_val);

/** d_getenv_uint for 32 bits. */
int d_getenv_uint32_t(const char *name, uint32_t *uint32_val);

/** d_getenv_uint for 64 bits. */
int d_getenv_uint64_t(const char *name, uint64_t *uint64_val);

/** Copy into a buffer; 0 or negative. */
int d_getenv_str(char *str_val, size_t str_size, const char *name);

/** Allocate a copy. */
int d_agetenv_str(char **str_val, const char *name);

/** Frees what d_agetenv_str gave and sets it to NULL. */
void d_freeenv_str(char **str_val);

/** Setenv under the library lock. */
int d_setenv(const char *name, const char *value, int overwrite);

/** Unsetenv under the library lock. */
int d_unsetenv(const char *name);

/* Buffers. */

/** nr zeroed iovs, none (NULL) for 0; -DER_NOMEM. */
static inline int
d_sgl_init(d_sg_list_t *sgl, unsigned int nr)
{
	sgl->sg_nr = nr;
	sgl->sg_nr_out = 0;
	sgl->sg_iovs = NULL;
	if (nr == 0)
		return 0;
	D_ALLOC_ARRAY(sgl->sg_iovs, nr);
	return sgl->sg_iovs == NULL ? -DER_NOMEM : 0;
}

/** Frees the iovs, and their buffers when asked. */
static inline void
d_sgl_fini(d_sg_list_t *sgl, bool free_iovs)
{
	uint32_t i;

	if (sgl == NULL || sgl->sg_iovs == NULL)
		return;
	for (i = 0; free_iovs && i < sgl->sg_nr; i++)
		D_FREE(sgl->sg_iovs[i].iov_buf);
	D_FREE(sgl->sg_iovs);
	memset(sgl, 0, sizeof(*sgl));
}

/** Bytes of all buffers. */
static inline size_t
d_sgl_buf_size(d_sg_list_t *sgl)
{
	size_t size = 0;
	uint32_t i;

	if (sgl == NULL || sgl->sg_iovs == NULL)
		return 0;
	for (i = 0; i < sgl->sg_nr; i++)
		size += sgl->sg_iovs[i].iov_buf_len;
	return size;
}

/* Errors. */

/** Negative code of a positive errno. */
static inline int
d_errno2der(int err)
{
	switch (err) {
	case 0:
		return -DER_SUCCESS;
	case EPERM:
	case EACCES:
		return -DER_NO_PERM;
	case ENOMEM:
		return -DER_NOMEM;
	case ENOSPC:
	case EDQUOT:
		return -DER_NOSPACE;
	case EEXIST:
		return -DER_EXIST;
	case ENOENT:
		return -DER_NONEXIST;
	case ECANCELED:
		return -DER_CANCELED;
	case EBUSY:
		return -DER_BUSY;
	default:
		return -DER_MISC;
	}
}

/* Time. */

/** CLOCK_MONOTONIC. */
static inline int
d_gettime(struct timespec *t)
{
	return clock_gettime(CLOCK_MONOTONIC, t) == 0 ? 0 : d_errno2der(errno);
}

/** Adds nanoseconds. */
static inline void
d_timeinc(struct timespec *now, uint64_t ns)
{
	ns += (uint64_t)now->tv_nsec;
	now->tv_sec += (time_t)(ns / NSEC_PER_SEC);
	now->tv_nsec = (long)(ns % NSEC_PER_SEC);
}

/** Nanoseconds from t1 to t2. */
static inline int64_t
d_timediff_ns(const struct timespec *t1, const struct timespec *t2)
{
	return ((int64_t)t2->tv_sec - t1->tv_sec) * NSEC_PER_SEC + t2->tv_nsec - t1->tv_nsec;
}

/**
 * Next stamp of the hybrid logical clock of this process: the upper 46 bits are 1/16 ns units since
 * 2021-01-01 UTC with the lower 18 bits taken off, these 18 bits count.
 */
uint64_t d_hlc_get(void);

/** Wall time of a stamp. */
int d_hlc2timespec(uint64_t hlc, struct timespec *ts);

#if defined(__cplusplus)
}
#endif

#endif /* __GURT_COMMON_H__ */
