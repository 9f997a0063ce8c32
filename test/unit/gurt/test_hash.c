/* SPDX-License-Identifier: BSD-2-Clause-Patent */
/* The hash table, against what gurt/hash.h promises, for each kind of locking. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <gurt/common.h>
#include <gurt/hash.h>

struct record {
	d_list_t link;
	char key[16];
	_Atomic int references;
	int *freed;
};

static struct record *
record_of(d_list_t *link)
{
	return d_list_entry(link, struct record, link);
}

static bool
key_cmp(struct d_hash_table *table, d_list_t *link, const void *key, unsigned int ksize)
{
	(void)table;
	return strlen(record_of(link)->key) == ksize &&
	       memcmp(record_of(link)->key, key, ksize) == 0;
}

static void
key_init(struct d_hash_table *table, d_list_t *link, void *arg)
{
	int *next = arg;

	(void)table;
	sprintf(record_of(link)->key, "auto%d", (*next)++);
}

static uint32_t
rec_hash(struct d_hash_table *table, d_list_t *link)
{
	(void)table;
	return d_hash_string_u32(record_of(link)->key, (unsigned int)strlen(record_of(link)->key));
}

static void
rec_addref(struct d_hash_table *table, d_list_t *link)
{
	(void)table;
	record_of(link)->references++;
}

static bool
rec_decref(struct d_hash_table *table, d_list_t *link)
{
	(void)table;
	return --record_of(link)->references == 0;
}

static void
rec_free(struct d_hash_table *table, d_list_t *link)
{
	struct record *record = record_of(link);

	(void)table;
	(*record->freed)++;
	free(record);
}

static d_hash_table_ops_t ops = {
	.hop_key_cmp = key_cmp,
	.hop_key_init = key_init,
	.hop_rec_hash = rec_hash,
	.hop_rec_addref = rec_addref,
	.hop_rec_decref = rec_decref,
	.hop_rec_free = rec_free,
};

static struct record *
record_create(const char *key, int references, int *freed)
{
	struct record *record = calloc(1, sizeof(*record));

	assert_non_null(record);
	D_INIT_LIST_HEAD(&record->link);
	strcpy(record->key, key);
	record->references = references;
	record->freed = freed;
	return record;
}

static int
insert(struct d_hash_table *table, struct record *record, bool exclusive)
{
	return d_hash_rec_insert(table, record->key, (unsigned int)strlen(record->key),
				 &record->link, exclusive);
}

static int
count_one(d_list_t *link, void *arg)
{
	(void)link;
	return ++*(int *)arg == 50 ? 7 : 0;
}

static void
life_of_records(uint32_t feats)
{
	struct d_hash_table *table;
	int freed = 0, seen = 0, i;
	char key[16];

	assert_int_equal(d_hash_table_create(feats, 4, &freed, &ops, &table), 0);
	assert_null(d_hash_rec_first(table));
	for (i = 0; i < 100; i++) {
		sprintf(key, "key%d", i);
		assert_int_equal(insert(table, record_create(key, 0, &freed), true), 0);
	}
	for (i = 0; i < 100; i++) {
		unsigned int len = (unsigned int)sprintf(key, "key%d", i);
		d_list_t *link = d_hash_rec_find(table, key, len);

		assert_non_null(link);
		assert_string_equal(record_of(link)->key, key);
		assert_int_equal(record_of(link)->references, 2);
		assert_int_equal(d_hash_rec_insert(table, key, len, link, true), -DER_EXIST);
		d_hash_rec_decref(table, link);
	}
	assert_null(d_hash_rec_find(table, "key100", 6));
	assert_int_equal(d_hash_table_traverse(table, count_one, &seen), 7);
	assert_int_equal(seen, 50);
	assert_true(d_hash_rec_delete(table, "key3", 4));
	assert_false(d_hash_rec_delete(table, "key3", 4));
	assert_int_equal(freed, 1);
	assert_int_equal(d_hash_table_destroy(table, false), -DER_BUSY);
	assert_int_equal(d_hash_table_destroy(table, true), 0);
	assert_int_equal(freed, 100);
}

static void
test_life_under_each_lock(void **state)
{
	static const uint32_t kinds[] = {0, D_HASH_FT_NOLOCK, D_HASH_FT_MUTEX, D_HASH_FT_RWLOCK};
	size_t i;

	(void)state;
	for (i = 0; i < ARRAY_SIZE(kinds); i++) {
		life_of_records(kinds[i]);
		life_of_records(kinds[i] | D_HASH_FT_GLOCK);
		life_of_records(kinds[i] | D_HASH_FT_LRU);
	}
}

/* A deleted record lives on while somebody refers to it. */
static void
test_reference_outlives_delete(void **state)
{
	struct d_hash_table table;
	int freed = 0;
	d_list_t *link;

	(void)state;
	assert_int_equal(d_hash_table_create_inplace(D_HASH_FT_MUTEX, 2, NULL, &ops, &table), 0);
	assert_int_equal(insert(&table, record_create("a", 0, &freed), false), 0);
	link = d_hash_rec_find(&table, "a", 1);
	assert_true(d_hash_rec_delete_at(&table, link));
	assert_false(d_hash_rec_delete_at(&table, link));
	assert_true(d_hash_rec_unlinked(link));
	assert_int_equal(freed, 0);
	d_hash_rec_decref(&table, link);
	assert_int_equal(freed, 1);
	assert_int_equal(d_hash_table_destroy_inplace(&table, false), 0);
}

/* An ephemeral table holds no reference: the last one of the caller removes the record. */
static void
test_ephemeral(void **state)
{
	struct d_hash_table *table;
	int freed = 0;
	d_list_t *link;

	(void)state;
	assert_int_equal(d_hash_table_create(D_HASH_FT_EPHEMERAL, 2, NULL, &ops, &table), 0);
	assert_int_equal(insert(table, record_create("a", 1, &freed), true), 0);
	link = d_hash_rec_find(table, "a", 1);
	assert_int_equal(record_of(link)->references, 2);
	d_hash_rec_addref(table, link);
	assert_int_equal(d_hash_rec_ndecref(table, 2, link), 0);
	assert_int_equal(freed, 0);
	assert_ptr_equal(d_hash_rec_first(table), link);
	d_hash_rec_decref(table, link);
	assert_int_equal(freed, 1);
	assert_null(d_hash_rec_find(table, "a", 1));
	assert_int_equal(d_hash_table_destroy(table, false), 0);
}

static void
test_find_insert(void **state)
{
	struct d_hash_table *table;
	struct record *first, *second;
	int freed = 0;

	(void)state;
	first = record_create("same", 0, &freed);
	second = record_create("same", 0, &freed);
	assert_int_equal(d_hash_table_create(D_HASH_FT_RWLOCK, 0, NULL, &ops, &table), 0);
	assert_ptr_equal(d_hash_rec_find_insert(table, "same", 4, &first->link), &first->link);
	assert_ptr_equal(d_hash_rec_find_insert(table, "same", 4, &second->link), &first->link);
	assert_int_equal(first->references, 2);
	assert_true(d_hash_rec_unlinked(&second->link));
	free(second);
	d_hash_rec_decref(table, &first->link);
	assert_int_equal(d_hash_table_destroy(table, true), 0);
	assert_int_equal(freed, 1);
}

static void
anonymous(uint32_t feats)
{
	struct d_hash_table *table;
	int freed = 0, next = 0, i;
	d_list_t *link;

	assert_int_equal(d_hash_table_create(feats, 3, NULL, &ops, &table), 0);
	for (i = 0; i < 10; i++)
		assert_int_equal(
			d_hash_rec_insert_anonym(table, &record_create("", 0, &freed)->link, &next),
			0);
	link = d_hash_rec_find(table, "auto9", 5);
	assert_non_null(link);
	d_hash_rec_decref(table, link);
	assert_int_equal(d_hash_table_destroy(table, true), 0);
	assert_int_equal(freed, 10);
}

static void
test_anonymous_insert(void **state)
{
	(void)state;
	anonymous(D_HASH_FT_MUTEX);
	anonymous(D_HASH_FT_RWLOCK | D_HASH_FT_GLOCK);
	anonymous(D_HASH_FT_NOLOCK);
	anonymous(D_HASH_FT_NO_KEYINIT_LOCK);
}

/* Found records come first in their bucket, evicted ones last. */
static void
test_lru_order(void **state)
{
	struct d_hash_table *table;
	int freed = 0;
	d_list_t *link;

	(void)state;
	assert_int_equal(d_hash_table_create(D_HASH_FT_LRU, 0, NULL, &ops, &table), 0);
	insert(table, record_create("a", 0, &freed), true);
	insert(table, record_create("b", 0, &freed), true);
	insert(table, record_create("c", 0, &freed), true);
	link = d_hash_rec_find(table, "a", 1);
	assert_ptr_equal(d_hash_rec_first(table), link);
	assert_true(d_hash_rec_evict_at(table, link));
	assert_false(d_hash_rec_evict_at(table, link));
	assert_ptr_not_equal(d_hash_rec_first(table), link);
	assert_true(d_hash_rec_evict(table, "b", 1));
	assert_false(d_hash_rec_evict(table, "z", 1));
	assert_string_equal(record_of(d_hash_rec_first(table))->key, "c");
	d_hash_rec_decref(table, link);
	d_hash_table_destroy(table, true);
	assert_int_equal(freed, 3);
}

static void
test_bad_arguments(void **state)
{
	d_hash_table_ops_t none = {0};
	d_hash_table_ops_t no_rec_hash = {.hop_key_cmp = key_cmp};
	struct d_hash_table *table = NULL;

	(void)state;
	assert_int_equal(d_hash_table_create(D_HASH_FT_NOLOCK, 4, NULL, &none, &table), -DER_INVAL);
	assert_int_equal(d_hash_table_create(0, 4, NULL, &no_rec_hash, &table), -DER_INVAL);
	assert_int_equal(d_hash_table_create(0, 40, NULL, &ops, &table), -DER_INVAL);
	assert_null(table);
	assert_int_equal(d_hash_table_create(D_HASH_FT_GLOCK, 4, NULL, &no_rec_hash, &table), 0);
	assert_int_equal(d_hash_rec_insert(table, NULL, 0, NULL, true), -DER_INVAL);
	assert_int_equal(d_hash_table_destroy(table, false), 0);
}

struct worker {
	struct d_hash_table *table;
	int number;
	int freed;
};

static void *
work(void *arg)
{
	struct worker *worker = arg;
	char key[16];
	int i;

	for (i = 0; i < 500; i++) {
		unsigned int len = (unsigned int)sprintf(key, "%d.%d", worker->number, i % 50);
		d_list_t *link = d_hash_rec_find(worker->table, key, len);

		if (link == NULL) {
			insert(worker->table, record_create(key, 0, &worker->freed), true);
			continue;
		}
		if (i % 3 == 0)
			d_hash_rec_delete_at(worker->table, link);
		d_hash_rec_decref(worker->table, link);
	}
	return NULL;
}

static void
test_threads_share_a_table(void **state)
{
	static const uint32_t kinds[] = {0, D_HASH_FT_MUTEX, D_HASH_FT_RWLOCK,
					 D_HASH_FT_RWLOCK | D_HASH_FT_GLOCK | D_HASH_FT_LRU};
	struct worker workers[3];
	pthread_t threads[3];
	size_t kind;
	int i;

	(void)state;
	for (kind = 0; kind < ARRAY_SIZE(kinds); kind++) {
		struct d_hash_table *table;

		assert_int_equal(d_hash_table_create(kinds[kind], 3, NULL, &ops, &table), 0);
		for (i = 0; i < 3; i++) {
			workers[i] = (struct worker){.table = table, .number = i};
			assert_int_equal(pthread_create(&threads[i], NULL, work, &workers[i]), 0);
		}
		for (i = 0; i < 3; i++)
			pthread_join(threads[i], NULL);
		for (i = 0; i < 3; i++)
			assert_true(workers[i].freed > 0);
		assert_int_equal(d_hash_table_destroy(table, true), 0);
	}
}

static void
test_hash_functions(void **state)
{
	unsigned char bytes[17];
	size_t i;

	(void)state;
	/* 5381 * 33^2 + 'a' * 33 + 'b' */
	assert_int_equal(d_hash_string_u32("ab", 2), 5381 * 33 * 33 + 97 * 33 + 98);
	assert_int_equal(d_hash_string_u32("", 0), 5381);
	assert_int_equal(d_hash_murmur64((const unsigned char *)"", 0, 0), 0);
	for (i = 0; i < sizeof(bytes); i++)
		bytes[i] = (unsigned char)i;
	for (i = 1; i < sizeof(bytes); i++)
		assert_int_not_equal(d_hash_murmur64(bytes, (unsigned int)i, 1),
				     d_hash_murmur64(bytes, (unsigned int)i + 1, 1));
	assert_int_equal(d_hash_mix64(0), 0);
	assert_int_not_equal(d_hash_mix64(1), 1);
	for (i = 0; i < 1000; i++)
		assert_true(d_u32_hash(i, 7) < 128);
	assert_int_equal(d_u32_hash(12345, 0), 0);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_life_under_each_lock),
		cmocka_unit_test(test_reference_outlives_delete),
		cmocka_unit_test(test_ephemeral),
		cmocka_unit_test(test_find_insert),
		cmocka_unit_test(test_anonymous_insert),
		cmocka_unit_test(test_lru_order),
		cmocka_unit_test(test_bad_arguments),
		cmocka_unit_test(test_threads_share_a_table),
		cmocka_unit_test(test_hash_functions),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
