/* SPDX-License-Identifier: BSD-2-Clause-Patent */
/* Hash table: chains of d_list_t links that lie in the records of the caller. */
#ifndef __GURT_HASH_H__
#define __GURT_HASH_H__

#include <inttypes.h>
#include <pthread.h>
#include <stdbool.h>

#include <gurt/atomic.h>
#include <gurt/list.h>
#include <gurt/types.h>

#if defined(__cplusplus)
extern "C" {
#endif

/** Kind of a handle that is a pointer. */
enum {
	D_HTYPE_PTR = 0,
};

/**
 * Locking: none, a mutex, a read-write lock, or with none of these bits a spin lock; one per bucket
 * unless GLOCK is set.
 *
 * Without EPHEMERAL the table holds a reference on each record: insert takes it, delete drops it,
 * and dropping the last one of a record still in the table is a fault. With EPHEMERAL it holds
 * none: a record whose count reaches 0 in d_hash_rec_decref is removed and freed.
 *
 * LRU moves a record that was found to the front of its bucket.
 */
enum d_hash_feats {
	D_HASH_FT_NOLOCK          = 1 << 0,
	D_HASH_FT_MUTEX           = 1 << 1,
	D_HASH_FT_RWLOCK          = 1 << 2,
	D_HASH_FT_EPHEMERAL       = 1 << 3,
	D_HASH_FT_LRU             = 1 << 4,
	D_HASH_FT_NO_KEYINIT_LOCK = 1 << 5,
	D_HASH_FT_GLOCK           = 1 << 15,
};

union d_hash_lock {
	pthread_spinlock_t spin;
	pthread_mutex_t mutex;
	pthread_rwlock_t rwlock;
};

struct d_hash_bucket {
	d_list_t hb_head;
};

struct d_hash_table;

/** What the table asks of its caller. */
typedef struct {
	/** Mandatory: has the record this key? */
	bool (*hop_key_cmp)(struct d_hash_table *htable, d_list_t *link, const void *key,
			    unsigned int ksize);
	/** Gives a record its key; for d_hash_rec_insert_anonym. */
	void (*hop_key_init)(struct d_hash_table *htable, d_list_t *link, void *arg);
	/** Optional; default is d_hash_string_u32. */
	uint32_t (*hop_key_hash)(struct d_hash_table *htable, const void *key, unsigned int ksize);
	/** What hop_key_hash gives for the key of a record; mandatory with one lock per bucket. */
	uint32_t (*hop_rec_hash)(struct d_hash_table *htable, d_list_t *link);
	/** Optional: takes a reference. */
	void (*hop_rec_addref)(struct d_hash_table *htable, d_list_t *link);
	/** Optional: drops a reference; true when it was the last and the record may be freed. */
	bool (*hop_rec_decref)(struct d_hash_table *htable, d_list_t *link);
	/** Optional: drops count references; 1 when the record may be freed, 0, or -DER_INVAL. */
	int (*hop_rec_ndecref)(struct d_hash_table *htable, d_list_t *link, int count);
	/** Optional: frees the record. */
	void (*hop_rec_free)(struct d_hash_table *htable, d_list_t *link);
} d_hash_table_ops_t;

struct d_hash_table {
	union d_hash_lock ht_lock; /**< with D_HASH_FT_GLOCK */
	uint32_t ht_bits;	   /**< 2^bits buckets */
	uint32_t ht_feats;	   /**< enum d_hash_feats */
	void *ht_priv;		   /**< pointer of the caller */
	d_hash_table_ops_t *ht_ops;
	struct d_hash_bucket *ht_buckets;
	union d_hash_lock *ht_locks; /**< one per bucket, NULL without */
};

/** Returns non-zero to end a traversal. */
typedef int (*d_hash_traverse_cb_t)(d_list_t *link, void *arg);

/** Allocate table and buckets. */
int d_hash_table_create(uint32_t feats, uint32_t bits, void *priv, d_hash_table_ops_t *hops,
			struct d_hash_table **htable_pp);

/** d_hash_table_create on storage of the caller. */
int d_hash_table_create_inplace(uint32_t feats, uint32_t bits, void *priv,
				d_hash_table_ops_t *hops, struct d_hash_table *htable);

/** cb on every record until non-zero; that value is returned. */
int d_hash_table_traverse(struct d_hash_table *htable, d_hash_traverse_cb_t cb, void *arg);

/** Free; without force -DER_BUSY when not empty, with force all records are deleted first. */
int d_hash_table_destroy(struct d_hash_table *htable, bool force);

/** d_hash_table_destroy without freeing the struct. */
int d_hash_table_destroy_inplace(struct d_hash_table *htable, bool force);

/** Link or NULL; takes a reference. */
d_list_t *d_hash_rec_find(struct d_hash_table *htable, const void *key, unsigned int ksize);

/** Existing link (with reference) or the new one just inserted. */
d_list_t *d_hash_rec_find_insert(struct d_hash_table *htable, const void *key, unsigned int ksize,
				 d_list_t *link);

/** Insert; exclusive and key present gives -DER_EXIST. */
int d_hash_rec_insert(struct d_hash_table *htable, const void *key, unsigned int ksize,
		      d_list_t *link, bool exclusive);

/** Insert with a key made by hop_key_init(arg). */
int d_hash_rec_insert_anonym(struct d_hash_table *htable, d_list_t *link, void *arg);

/** Remove by key, true if found. */
bool d_hash_rec_delete(struct d_hash_table *htable, const void *key, unsigned int ksize);

/** Remove by link. */
bool d_hash_rec_delete_at(struct d_hash_table *htable, d_list_t *link);

/** LRU tables only: move a record to the end of its bucket, true if found. */
bool d_hash_rec_evict(struct d_hash_table *htable, const void *key, unsigned int ksize);

/** d_hash_rec_evict by link, false when it is last already. */
bool d_hash_rec_evict_at(struct d_hash_table *htable, d_list_t *link);

/** Call hop_rec_addref under the lock. */
void d_hash_rec_addref(struct d_hash_table *htable, d_list_t *link);

/**
 * Calls hop_rec_decref; when it returns true, removes and frees the record (see enum
 * d_hash_feats).
 */
void d_hash_rec_decref(struct d_hash_table *htable, d_list_t *link);

/** Drop count references. */
int d_hash_rec_ndecref(struct d_hash_table *htable, int count, d_list_t *link);

/** True when not in a table. */
bool d_hash_rec_unlinked(d_list_t *link);

/**
 * Any record or NULL, without taking a reference; used in loops that drain the table before
 * destroying it.
 */
d_list_t *d_hash_rec_first(struct d_hash_table *htable);

/** Log statistics. */
void d_hash_table_debug(struct d_hash_table *htable);

/** 32-bit hash of len bytes: h = 5381, then h = h * 33 + byte. */
uint32_t d_hash_string_u32(const char *string, unsigned int len);

/** MurmurHash64A of a byte string. */
uint64_t d_hash_murmur64(const unsigned char *key, unsigned int key_len, unsigned int seed);

/** 64-bit integer mix. */
uint64_t d_hash_mix64(uint64_t key);

/** Hash of a key to a number of bits (0 to 32), by the golden ratio. */
static inline uint32_t
d_u32_hash(uint64_t key, unsigned int bits)
{
	return bits == 0 ? 0 : (uint32_t)((key * 0x9E3779B97F4A7C15ULL) >> (64 - bits));
}

#if defined(__cplusplus)
}
#endif

#endif /* __GURT_HASH_H__ */
