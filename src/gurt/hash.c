/* SPDX-License-Identifier: BSD-2-Clause-Patent */
/*
 * Hash table of links in records of the caller. Who holds the lock of a bucket may change its
 * chain; records are freed after the lock is let go, so that hop_rec_free may use the table.
 */
#include <gurt/common.h>
#include <gurt/hash.h>

#define BITS_MAX 30

static bool
has(const struct d_hash_table *htable, uint32_t feats)
{
	return (htable->ht_feats & feats) != 0;
}

/* Locks: one per bucket, one for all, or none. */

static int
lock_init(const struct d_hash_table *htable, union d_hash_lock *lock)
{
	if (has(htable, D_HASH_FT_MUTEX))
		return D_MUTEX_INIT(&lock->mutex, NULL);
	if (has(htable, D_HASH_FT_RWLOCK))
		return D_RWLOCK_INIT(&lock->rwlock, NULL);
	return D_SPIN_INIT(&lock->spin, PTHREAD_PROCESS_PRIVATE);
}

static void
lock_fini(const struct d_hash_table *htable, union d_hash_lock *lock)
{
	if (has(htable, D_HASH_FT_MUTEX))
		D_MUTEX_DESTROY(&lock->mutex);
	else if (has(htable, D_HASH_FT_RWLOCK))
		D_RWLOCK_DESTROY(&lock->rwlock);
	else
		D_SPIN_DESTROY(&lock->spin);
}

static union d_hash_lock *
lock_of(struct d_hash_table *htable, uint32_t index)
{
	return has(htable, D_HASH_FT_GLOCK) ? &htable->ht_lock : &htable->ht_locks[index];
}

static void
lock_shared(struct d_hash_table *htable, uint32_t index)
{
	union d_hash_lock *lock;

	if (has(htable, D_HASH_FT_NOLOCK))
		return;
	lock = lock_of(htable, index);
	if (has(htable, D_HASH_FT_MUTEX))
		D_MUTEX_LOCK(&lock->mutex);
	else if (has(htable, D_HASH_FT_RWLOCK))
		D_RWLOCK_RDLOCK(&lock->rwlock);
	else
		D_SPIN_LOCK(&lock->spin);
}

static void
lock_exclusive(struct d_hash_table *htable, uint32_t index)
{
	if (has(htable, D_HASH_FT_RWLOCK) && !has(htable, D_HASH_FT_NOLOCK))
		D_RWLOCK_WRLOCK(&lock_of(htable, index)->rwlock);
	else
		lock_shared(htable, index);
}

static void
unlock(struct d_hash_table *htable, uint32_t index)
{
	union d_hash_lock *lock;

	if (has(htable, D_HASH_FT_NOLOCK))
		return;
	lock = lock_of(htable, index);
	if (has(htable, D_HASH_FT_MUTEX))
		D_MUTEX_UNLOCK(&lock->mutex);
	else if (has(htable, D_HASH_FT_RWLOCK))
		D_RWLOCK_UNLOCK(&lock->rwlock);
	else
		D_SPIN_UNLOCK(&lock->spin);
}

/* Number of locks that guard the buckets. */
static uint32_t
locks_nr(const struct d_hash_table *htable)
{
	if (has(htable, D_HASH_FT_NOLOCK))
		return 0;
	return has(htable, D_HASH_FT_GLOCK) ? 1 : 1U << htable->ht_bits;
}

/* Records. */

static uint32_t
index_of_key(struct d_hash_table *htable, const void *key, unsigned int ksize)
{
	uint32_t hash = htable->ht_ops->hop_key_hash != NULL
				? htable->ht_ops->hop_key_hash(htable, key, ksize)
				: d_hash_string_u32((const char *)key, ksize);

	return d_u32_hash(hash, htable->ht_bits);
}

/* Bucket of a record; any will do where one lock, or none, guards them all. */
static uint32_t
index_of_record(struct d_hash_table *htable, d_list_t *link)
{
	if (htable->ht_ops->hop_rec_hash == NULL)
		return 0;
	return d_u32_hash(htable->ht_ops->hop_rec_hash(htable, link), htable->ht_bits);
}

static void
record_addref(struct d_hash_table *htable, d_list_t *link)
{
	if (htable->ht_ops->hop_rec_addref != NULL)
		htable->ht_ops->hop_rec_addref(htable, link);
}

static bool
record_decref(struct d_hash_table *htable, d_list_t *link)
{
	return htable->ht_ops->hop_rec_decref != NULL &&
	       htable->ht_ops->hop_rec_decref(htable, link);
}

static void
record_free(struct d_hash_table *htable, d_list_t *link)
{
	if (htable->ht_ops->hop_rec_free != NULL)
		htable->ht_ops->hop_rec_free(htable, link);
}

static d_list_t *
bucket_find(struct d_hash_table *htable, uint32_t index, const void *key, unsigned int ksize)
{
	d_list_t *head = &htable->ht_buckets[index].hb_head;
	d_list_t *link;

	d_list_for_each(link, head) {
		if (htable->ht_ops->hop_key_cmp(htable, link, key, ksize))
			return link;
	}
	return NULL;
}

static void
bucket_insert(struct d_hash_table *htable, uint32_t index, d_list_t *link)
{
	if (!has(htable, D_HASH_FT_EPHEMERAL))
		record_addref(htable, link);
	d_list_add(link, &htable->ht_buckets[index].hb_head);
}

/* Unlinks; returns whether the table's reference was the last. */
static bool
record_unlink(struct d_hash_table *htable, d_list_t *link)
{
	d_list_del_init(link);
	return !has(htable, D_HASH_FT_EPHEMERAL) && record_decref(htable, link);
}

/* A look-up moves the record in an LRU table, so it needs the lock for itself there. */
d_list_t *
d_hash_rec_find(struct d_hash_table *htable, const void *key, unsigned int ksize)
{
	uint32_t index = index_of_key(htable, key, ksize);
	bool lru = has(htable, D_HASH_FT_LRU);
	d_list_t *link;

	if (lru)
		lock_exclusive(htable, index);
	else
		lock_shared(htable, index);
	link = bucket_find(htable, index, key, ksize);
	if (link != NULL) {
		if (lru)
			d_list_move(link, &htable->ht_buckets[index].hb_head);
		record_addref(htable, link);
	}
	unlock(htable, index);
	return link;
}

d_list_t *
d_hash_rec_find_insert(struct d_hash_table *htable, const void *key, unsigned int ksize,
		       d_list_t *link)
{
	uint32_t index = index_of_key(htable, key, ksize);
	d_list_t *found;

	lock_exclusive(htable, index);
	found = bucket_find(htable, index, key, ksize);
	if (found == NULL) {
		bucket_insert(htable, index, link);
		found = link;
	} else {
		if (has(htable, D_HASH_FT_LRU))
			d_list_move(found, &htable->ht_buckets[index].hb_head);
		record_addref(htable, found);
	}
	unlock(htable, index);
	return found;
}

int
d_hash_rec_insert(struct d_hash_table *htable, const void *key, unsigned int ksize, d_list_t *link,
		  bool exclusive)
{
	uint32_t index;
	int rc = 0;

	if (key == NULL || ksize == 0)
		return -DER_INVAL;
	index = index_of_key(htable, key, ksize);
	lock_exclusive(htable, index);
	if (exclusive && bucket_find(htable, index, key, ksize) != NULL)
		rc = -DER_EXIST;
	else
		bucket_insert(htable, index, link);
	unlock(htable, index);
	return rc;
}

/* The bucket is known only when the record has its key, so all are locked, in order, until then. */
int
d_hash_rec_insert_anonym(struct d_hash_table *htable, d_list_t *link, void *arg)
{
	uint32_t nr = has(htable, D_HASH_FT_NO_KEYINIT_LOCK) ? 0 : locks_nr(htable);
	uint32_t index, i;

	if (htable->ht_ops->hop_key_init == NULL || htable->ht_ops->hop_rec_hash == NULL)
		return -DER_INVAL;
	for (i = 0; i < nr; i++)
		lock_exclusive(htable, i);
	htable->ht_ops->hop_key_init(htable, link, arg);
	index = index_of_record(htable, link);
	if (nr == 0)
		lock_exclusive(htable, index);
	bucket_insert(htable, index, link);
	if (nr == 0)
		unlock(htable, index);
	for (i = 0; i < nr; i++)
		unlock(htable, i);
	return 0;
}

bool
d_hash_rec_delete(struct d_hash_table *htable, const void *key, unsigned int ksize)
{
	uint32_t index = index_of_key(htable, key, ksize);
	bool last = false;
	d_list_t *link;

	lock_exclusive(htable, index);
	link = bucket_find(htable, index, key, ksize);
	if (link != NULL)
		last = record_unlink(htable, link);
	unlock(htable, index);
	if (last)
		record_free(htable, link);
	return link != NULL;
}

bool
d_hash_rec_delete_at(struct d_hash_table *htable, d_list_t *link)
{
	uint32_t index = index_of_record(htable, link);
	bool last = false, linked;

	lock_exclusive(htable, index);
	linked = !d_list_empty(link);
	if (linked)
		last = record_unlink(htable, link);
	unlock(htable, index);
	if (last)
		record_free(htable, link);
	return linked;
}

static bool
bucket_evict(struct d_hash_table *htable, uint32_t index, d_list_t *link)
{
	d_list_t *head = &htable->ht_buckets[index].hb_head;

	if (head->prev == link)
		return false;
	d_list_move_tail(link, head);
	return true;
}

bool
d_hash_rec_evict(struct d_hash_table *htable, const void *key, unsigned int ksize)
{
	uint32_t index = index_of_key(htable, key, ksize);
	d_list_t *link;

	if (!has(htable, D_HASH_FT_LRU))
		return false;
	lock_exclusive(htable, index);
	link = bucket_find(htable, index, key, ksize);
	if (link != NULL)
		bucket_evict(htable, index, link);
	unlock(htable, index);
	return link != NULL;
}

bool
d_hash_rec_evict_at(struct d_hash_table *htable, d_list_t *link)
{
	uint32_t index;
	bool moved;

	if (!has(htable, D_HASH_FT_LRU) || htable->ht_ops->hop_rec_hash == NULL)
		return false;
	index = index_of_record(htable, link);
	lock_exclusive(htable, index);
	moved = !d_list_empty(link) && bucket_evict(htable, index, link);
	unlock(htable, index);
	return moved;
}

void
d_hash_rec_addref(struct d_hash_table *htable, d_list_t *link)
{
	uint32_t index = index_of_record(htable, link);

	lock_shared(htable, index);
	record_addref(htable, link);
	unlock(htable, index);
}

/* A record that nobody refers to leaves a table that holds no reference of its own. */
static void
record_drop_last(struct d_hash_table *htable, d_list_t *link)
{
	if (d_list_empty(link))
		return;
	D_ASSERTF(has(htable, D_HASH_FT_EPHEMERAL), "last reference of a record in the table\n");
	d_list_del_init(link);
}

void
d_hash_rec_decref(struct d_hash_table *htable, d_list_t *link)
{
	uint32_t index = index_of_record(htable, link);
	bool last;

	lock_exclusive(htable, index);
	last = record_decref(htable, link);
	if (last)
		record_drop_last(htable, link);
	unlock(htable, index);
	if (last)
		record_free(htable, link);
}

/* Drops count references; 1 when the last was among them. */
static int
record_ndecref(struct d_hash_table *htable, int count, d_list_t *link)
{
	bool last = false;

	if (htable->ht_ops->hop_rec_ndecref != NULL)
		return htable->ht_ops->hop_rec_ndecref(htable, link, count);
	for (; count > 0 && !last; count--)
		last = record_decref(htable, link);
	return last ? 1 : 0;
}

int
d_hash_rec_ndecref(struct d_hash_table *htable, int count, d_list_t *link)
{
	uint32_t index = index_of_record(htable, link);
	int rc;

	lock_exclusive(htable, index);
	rc = record_ndecref(htable, count, link);
	if (rc >= 1)
		record_drop_last(htable, link);
	unlock(htable, index);
	if (rc < 1)
		return rc;
	record_free(htable, link);
	return 0;
}

bool
d_hash_rec_unlinked(d_list_t *link)
{
	return d_list_empty(link);
}

d_list_t *
d_hash_rec_first(struct d_hash_table *htable)
{
	uint32_t index, nr = 1U << htable->ht_bits;

	for (index = 0; index < nr; index++) {
		d_list_t *head = &htable->ht_buckets[index].hb_head;
		d_list_t *link = NULL;

		lock_shared(htable, index);
		if (!d_list_empty(head))
			link = head->next;
		unlock(htable, index);
		if (link != NULL)
			return link;
	}
	return NULL;
}

/* Tables. */

int
d_hash_table_traverse(struct d_hash_table *htable, d_hash_traverse_cb_t cb, void *arg)
{
	uint32_t index, nr = 1U << htable->ht_bits;
	int rc = 0;

	if (cb == NULL)
		return -DER_INVAL;
	for (index = 0; index < nr && rc == 0; index++) {
		d_list_t *head = &htable->ht_buckets[index].hb_head;
		d_list_t *link, *next;

		lock_shared(htable, index);
		d_list_for_each_safe(link, next, head) {
			rc = cb(link, arg);
			if (rc != 0)
				break;
		}
		unlock(htable, index);
	}
	return rc;
}

static void
locks_fini(struct d_hash_table *htable, uint32_t nr)
{
	while (nr-- > 0)
		lock_fini(htable, lock_of(htable, nr));
	D_FREE(htable->ht_locks);
}

static int
locks_init(struct d_hash_table *htable)
{
	uint32_t i, nr = locks_nr(htable);
	int rc;

	if (nr != 0 && !has(htable, D_HASH_FT_GLOCK)) {
		D_ALLOC_ARRAY(htable->ht_locks, nr);
		if (htable->ht_locks == NULL)
			return -DER_NOMEM;
	}
	for (i = 0; i < nr; i++) {
		rc = lock_init(htable, lock_of(htable, i));
		if (rc != 0) {
			locks_fini(htable, i);
			return rc;
		}
	}
	return 0;
}

static bool
arguments_valid(uint32_t feats, uint32_t bits, const d_hash_table_ops_t *hops)
{
	bool one_lock = (feats & (D_HASH_FT_NOLOCK | D_HASH_FT_GLOCK)) != 0;

	return hops != NULL && hops->hop_key_cmp != NULL && bits <= BITS_MAX &&
	       (one_lock || hops->hop_rec_hash != NULL);
}

int
d_hash_table_create_inplace(uint32_t feats, uint32_t bits, void *priv, d_hash_table_ops_t *hops,
			    struct d_hash_table *htable)
{
	uint32_t i, nr;
	int rc;

	if (!arguments_valid(feats, bits, hops))
		return -DER_INVAL;
	memset(htable, 0, sizeof(*htable));
	htable->ht_feats = feats;
	htable->ht_bits = bits;
	htable->ht_priv = priv;
	htable->ht_ops = hops;
	nr = 1U << bits;
	D_ALLOC_ARRAY(htable->ht_buckets, nr);
	if (htable->ht_buckets == NULL)
		return -DER_NOMEM;
	for (i = 0; i < nr; i++)
		D_INIT_LIST_HEAD(&htable->ht_buckets[i].hb_head);
	rc = locks_init(htable);
	if (rc != 0)
		D_FREE(htable->ht_buckets);
	return rc;
}

int
d_hash_table_create(uint32_t feats, uint32_t bits, void *priv, d_hash_table_ops_t *hops,
		    struct d_hash_table **htable_pp)
{
	struct d_hash_table *htable;
	int rc;

	D_ALLOC_PTR(htable);
	if (htable == NULL)
		return -DER_NOMEM;
	rc = d_hash_table_create_inplace(feats, bits, priv, hops, htable);
	if (rc == 0)
		*htable_pp = htable;
	else
		D_FREE(htable);
	return rc;
}

int
d_hash_table_destroy_inplace(struct d_hash_table *htable, bool force)
{
	d_list_t *link = d_hash_rec_first(htable);

	if (link != NULL && !force)
		return -DER_BUSY;
	for (; link != NULL; link = d_hash_rec_first(htable))
		d_hash_rec_delete_at(htable, link);
	locks_fini(htable, locks_nr(htable));
	D_FREE(htable->ht_buckets);
	memset(htable, 0, sizeof(*htable));
	return 0;
}

int
d_hash_table_destroy(struct d_hash_table *htable, bool force)
{
	int rc = d_hash_table_destroy_inplace(htable, force);

	if (rc == 0)
		D_FREE(htable);
	return rc;
}

void
d_hash_table_debug(struct d_hash_table *htable)
{
	uint32_t index, nr = 1U << htable->ht_bits, records = 0, longest = 0;

	for (index = 0; index < nr; index++) {
		uint32_t chain = 0;
		d_list_t *link;

		lock_shared(htable, index);
		d_list_for_each(link, &htable->ht_buckets[index].hb_head)
			chain++;
		unlock(htable, index);
		records += chain;
		longest = MAX(longest, chain);
	}
	D_DEBUG(DB_TRACE, "hash table %p: %u buckets, %u records, longest chain %u\n",
		(void *)htable, nr, records, longest);
}
