/* SPDX-License-Identifier: BSD-2-Clause-Patent */
/*
 * Searches in heap trees against a naive reference: keys of all short lengths with zero bytes, long
 * common prefixes and colliding hashes, in trees that grew, lost their first leaves and grew there
 * again.
 */
#include "rig.h"

#define KEYS_MAX 700u
#define KEY_BYTES 24u

/* On a fiber a failed check ends the program: cmocka would jump to another stack. */
#define CHECK(condition)                                                                \
	do {                                                                            \
		if (!(condition)) {                                                     \
			fprintf(stderr, "%s:%d: %s\n", __FILE__, __LINE__, #condition); \
			abort();                                                        \
		}                                                                       \
	} while (0)

struct key {
	uint64_t length;
	uint8_t bytes[KEY_BYTES];
};

static int
key_order(const struct key *a, const struct key *b)
{
	int sign = memcmp(a->bytes, b->bytes, min_of(a->length, b->length));

	if (sign != 0)
		return sign;
	return a->length == b->length ? 0 : a->length < b->length ? -1 : 1;
}

static int
record_compare(struct pin *pin, const void *wanted, const void *record)
{
	(void)pin;
	return key_order(wanted, record);
}

static const struct btree_kind small = {.name = "small",
					.id = 1,
					.record_size = sizeof(struct key),
					.node_records = 3,
					.compare = record_compare};
static const struct btree_kind large = {.name = "large",
					.id = 2,
					.record_size = sizeof(struct key),
					.node_records = 20,
					.compare = record_compare};

/* The first 8 bytes, as lexical keys have it. */
static uint64_t
order_lexical(const struct key *key)
{
	uint64_t order = 0;

	for (uint32_t i = 0; i < 8; i++)
		order = order << 8 | (i < key->length ? key->bytes[i] : 0);
	return order;
}

/* A hash that collides often, at both ends of the range too. */
static uint64_t
order_colliding(const struct key *key)
{
	uint64_t hash = key->length;

	for (uint32_t i = 0; i < key->length; i++)
		hash = mix64(hash + key->bytes[i]);
	return hash % 40 == 0 ? 0 : hash % 40 == 1 ? UINT64_MAX : (hash % 40) << 58;
}

struct job {
	struct rig *rig;
	const struct btree_kind *kind;
	uint64_t (*order)(const struct key *key);
	uint64_t random;
	uint32_t count;
	struct key keys[KEYS_MAX]; /* sorted */
};

static uint64_t
draw(struct job *job, uint64_t limit)
{
	job->random = mix64(job->random + 0x9e3779b97f4a7c15ull);
	return job->random % limit;
}

static int
job_order(const struct job *job, const struct key *a, const struct key *b)
{
	uint64_t first = job->order(a), second = job->order(b);

	return first != second ? (first < second ? -1 : 1) : key_order(a, b);
}

/* Few different bytes, many common beginnings, every length from 0 on. */
static struct key
key_draw(struct job *job)
{
	static const uint8_t alphabet[] = {0, 0, 1, 'a', 'b', 255};
	struct key key = {.length = draw(job, draw(job, 2) ? 9 : KEY_BYTES + 1)};
	uint64_t common = draw(job, 3) == 0 ? 0 : draw(job, 12);

	for (uint32_t i = 0; i < key.length; i++)
		key.bytes[i] = i < common ? 'a' : alphabet[draw(job, sizeof(alphabet))];
	return key;
}

static uint32_t
rank_of(const struct job *job, const struct key *key, bool after)
{
	uint32_t rank = 0;

	while (rank < job->count && job_order(job, &job->keys[rank], key) < (after ? 1 : 0))
		rank++;
	return rank;
}

/* Inserts the key where it is absent, removes it where it is there. */
static void
toggle(struct job *job, const struct key *key)
{
	uint32_t rank = rank_of(job, key, false);
	bool there = rank < job->count && job_order(job, &job->keys[rank], key) == 0;
	uint64_t root = heap_root(job->rig->heap), order = job->order(key), record, group;
	struct tx_need need = {.privileged = true};
	struct btree_cursor cursor;
	struct tx tx;

	CHECK(tx_begin(&tx, job->rig->heap) == 0);
	btree_need(job->kind, &need);
	CHECK(tx_reserve(&tx, &need) == 0);
	NO_YIELD
	{
		CHECK(btree_probe(&tx, job->kind, root, order, key, &cursor) ==
		      (there ? -DER_EXIST : -DER_NONEXIST));
		if (there) {
			btree_remove(&tx, job->kind, root, order, key);
		} else {
			btree_insert(&tx, job->kind, root, order, key, 0, &record);
			*(struct key *)tx_change(&tx, record, sizeof(*key)) = *key;
		}
		tx_commit(&tx, &group);
	}
	if (there) {
		job->count--;
		memmove(&job->keys[rank], &job->keys[rank + 1], (job->count - rank) * sizeof(*key));
	} else {
		memmove(&job->keys[rank + 1], &job->keys[rank], (job->count - rank) * sizeof(*key));
		job->keys[rank] = *key;
		job->count++;
	}
}

static void
expect(struct job *job, struct pin *pin, const struct key *key, enum btree_match how, int64_t rank)
{
	struct btree_cursor cursor = {0};
	int rc = btree_find(pin, job->kind, heap_root(job->rig->heap), job->order(key), key, how,
			    &cursor);
	const struct key *found;

	if (rank < 0 || rank >= job->count) {
		CHECK(rc == -DER_NONEXIST);
		return;
	}
	CHECK(rc == 0);
	found = heap_at(pin, cursor.record, sizeof(*found));
	CHECK(cursor.order == job->order(&job->keys[rank]));
	CHECK(key_order(found, &job->keys[rank]) == 0);
}

/* All five kinds of search for one key. */
static void
search(struct job *job, const struct key *key)
{
	int64_t low = rank_of(job, key, false), high = rank_of(job, key, true);
	struct pin pin;

	pin_init(&pin, job->rig->heap);
	expect(job, &pin, key, BTREE_EQUAL, low == high ? -1 : low);
	expect(job, &pin, key, BTREE_AT_LEAST, low);
	expect(job, &pin, key, BTREE_ABOVE, high);
	expect(job, &pin, key, BTREE_AT_MOST, high - 1);
	expect(job, &pin, key, BTREE_BELOW, low - 1);
	pin_fini(&pin);
}

/* What a walk meets, and each of it found by a search. */
static void
walk(struct job *job)
{
	uint64_t root = heap_root(job->rig->heap);
	struct btree_cursor cursor;
	struct pin pin;
	uint32_t rank = 0;
	int rc;

	pin_init(&pin, job->rig->heap);
	for (rc = btree_first(&pin, job->kind, root, &cursor); rc == 0;
	     rc = btree_next(&pin, job->kind, root, &cursor)) {
		const struct key *met = heap_at(&pin, cursor.record, sizeof(*met));

		CHECK(rank < job->count && key_order(met, &job->keys[rank]) == 0);
		rank++;
	}
	CHECK(rc == -DER_NONEXIST && rank == job->count);
	pin_fini(&pin);
	for (uint32_t i = 0; i < job->count; i++)
		search(job, &job->keys[i]);
}

/* Loads the zone of the root; all others come to be in memory. */
static void
root_load(struct heap *heap)
{
	struct pin pin;

	pin_init(&pin, heap);
	if (!heap_at(&pin, heap_root(heap), HEAP_ROOT))
		CHECK(pin_load(&pin) == 0);
	pin_fini(&pin);
}

/* Takes half of the keys out, the first ones. */
static void
remove_first(struct job *job)
{
	for (uint32_t left = job->count / 2; job->count > left;) {
		struct key first = job->keys[0];

		toggle(job, &first);
	}
}

static int
body(void *argument)
{
	struct job *job = ((struct rig *)argument)->argument;

	root_load(job->rig->heap);
	for (uint32_t round = 0; round < 4; round++) {
		for (uint32_t i = 0; i < 400 && job->count < KEYS_MAX; i++) {
			struct key key = key_draw(job);

			toggle(job, &key);
			key = key_draw(job);
			search(job, &key);
		}
		walk(job);
		/* What comes next grows in front of the order keys that are left. */
		remove_first(job);
		walk(job);
	}
	while (job->count > 0)
		remove_first(job);
	walk(job);
	return 0;
}

static void
compare_all(const struct btree_kind *kind, uint64_t (*order)(const struct key *key))
{
	for (uint64_t seed = 1; seed <= 3; seed++) {
		struct rig rig = rig_make();
		struct job *job = calloc(1, sizeof(*job));

		assert_non_null(job);
		*job = (struct job){.rig = &rig, .kind = kind, .order = order, .random = seed};
		rig.argument = job;
		rig.options.log_size = 8 * 1024 * 1024;
		rig_start(&rig, seed);
		assert_int_equal(rig_run(&rig, body), 0);
		rig_stop(&rig);
		free(job);
	}
}

static void
lexical(void **state)
{
	(void)state;
	compare_all(&small, order_lexical);
	compare_all(&large, order_lexical);
}

static void
colliding(void **state)
{
	(void)state;
	compare_all(&small, order_colliding);
	compare_all(&large, order_colliding);
}

/*
 * The first leaf goes, and its branch with it: the branch that is the first then keeps an order key
 * above what comes beneath it later, and above those of branches that are cut off it.
 */
static int
first_branch_body(void *argument)
{
	struct job *job = ((struct rig *)argument)->argument;
	struct key key = {.length = 2};

	root_load(job->rig->heap);
	for (uint32_t i = 100; i < 110; i++) {
		key.bytes[0] = (uint8_t)i;
		toggle(job, &key);
	}
	for (uint32_t i = 0; i < 4; i++) {
		key = job->keys[0];
		toggle(job, &key);
	}
	for (uint32_t i = 1; i < 90; i++) {
		key.bytes[0] = (uint8_t)i;
		toggle(job, &key);
		walk(job);
	}
	return 0;
}

static void
first_branch(void **state)
{
	struct rig rig = rig_make();
	struct job *job = calloc(1, sizeof(*job));

	(void)state;
	assert_non_null(job);
	*job = (struct job){.rig = &rig, .kind = &small, .order = order_lexical};
	rig.argument = job;
	rig_start(&rig, 1);
	assert_int_equal(rig_run(&rig, first_branch_body), 0);
	rig_stop(&rig);
	free(job);
}

/* Two full leaves, of which the second is damaged; then the first is cut in two. */
static int
damaged_neighbour_body(void *argument)
{
	struct job *job = ((struct rig *)argument)->argument;
	uint64_t root = heap_root(job->rig->heap);
	struct key key = {.length = 1, .bytes = {15}};
	struct btree_cursor first, last;
	struct pin pin;

	root_load(job->rig->heap);
	for (uint32_t i = 1; i <= 6; i++)
		toggle(job, &(struct key){.length = 1, .bytes = {(uint8_t)(i * 10)}});
	pin_init(&pin, job->rig->heap);
	CHECK(btree_first(&pin, job->kind, root, &first) == 0);
	CHECK(btree_last(&pin, job->kind, root, &last) == 0);
	CHECK(first.node != last.node);
	/* The kind is at byte 2 of a node. */
	((uint8_t *)(uintptr_t)heap_at(&pin, last.node, 8))[2] ^= 0xff;
	pin_fini(&pin);
	toggle(job, &key);
	CHECK(job->rig->heap->state == -DER_IO);
	return 0;
}

static void
damaged_neighbour(void **state)
{
	struct rig rig = rig_make();
	struct job *job = calloc(1, sizeof(*job));

	(void)state;
	assert_non_null(job);
	*job = (struct job){.rig = &rig, .kind = &small, .order = order_lexical};
	rig.argument = job;
	rig_start(&rig, 1);
	assert_int_equal(rig_run(&rig, damaged_neighbour_body), 0);
	rig_kill(&rig);
	memory_world_destroy(rig.world);
	free(job);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(first_branch),
		cmocka_unit_test(lexical),
		cmocka_unit_test(colliding),
		cmocka_unit_test(damaged_neighbour),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
