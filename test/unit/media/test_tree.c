/* SPDX-License-Identifier: BSD-2-Clause-Patent */
/* Heap trees: random changes and searches against a sorted array, with unique and with equal order
 * keys. */
#include "rig.h"

#define RECORDS 2000u

/* On a fiber a failed check ends the program: cmocka would jump to another stack. */
#define CHECK(condition)                                                                \
	do {                                                                            \
		if (!(condition)) {                                                     \
			fprintf(stderr, "%s:%d: %s\n", __FILE__, __LINE__, #condition); \
			abort();                                                        \
		}                                                                       \
	} while (0)
#define CHECK_EQUAL(a, b) CHECK((int64_t)(a) == (int64_t)(b))

struct item {
	uint64_t order;
	uint64_t minor; /* kept in the record, orders what has equal order keys */
	uint64_t value;
};

struct model {
	uint32_t count;
	struct item items[RECORDS];
};

static int
minor_compare(struct pin *pin, const void *wanted, const void *record)
{
	uint64_t a = *(const uint64_t *)wanted, b = load_u64(record);

	(void)pin;
	return a == b ? 0 : a < b ? -1 : 1;
}

static const struct btree_kind plain = {.name = "plain",
					.id = 1,
					.record_size = 16,
					.node_records = 8};
static const struct btree_kind equal = {.name = "equal",
					.id = 2,
					.record_size = 16,
					.node_records = 6,
					.compare = minor_compare};

struct job {
	struct rig *rig;
	const struct btree_kind *kind;
	struct model *model;
	uint64_t random;
};

static uint64_t
draw(struct job *job, uint64_t limit)
{
	job->random = mix64(job->random + 0x9e3779b97f4a7c15ull);
	return job->random % limit;
}

static int
item_order(const struct item *a, const struct item *b)
{
	if (a->order != b->order)
		return a->order < b->order ? -1 : 1;
	return a->minor == b->minor ? 0 : a->minor < b->minor ? -1 : 1;
}

/* Items before the wanted one. */
static uint32_t
model_rank(const struct model *model, const struct item *item, bool after)
{
	uint32_t rank = 0;

	while (rank < model->count && item_order(&model->items[rank], item) < (after ? 1 : 0))
		rank++;
	return rank;
}

static struct item
item_draw(struct job *job)
{
	struct item item = {.value = draw(job, UINT64_MAX)};

	if (job->kind->compare) {
		item.order = draw(job, 6);
		item.minor = draw(job, 400);
	} else {
		item.order = draw(job, 3000);
	}
	return item;
}

/* Loads the zone of the root; all others come to be in memory. */
static void
root_load(struct heap *heap)
{
	struct pin pin;

	pin_init(&pin, heap);
	if (!heap_at(&pin, heap_root(heap), HEAP_ROOT))
		CHECK_EQUAL(pin_load(&pin), 0);
	pin_fini(&pin);
}

/* Inserts or removes `count` items in one transaction. */
static int
change(struct job *job, const struct item *items, uint32_t count)
{
	struct heap *heap = job->rig->heap;
	struct tx_need need = {.privileged = true};
	struct btree_cursor cursor;
	bool present[4];
	uint64_t root = heap_root(heap), record, group;
	struct tx tx;
	int rc = tx_begin(&tx, heap);

	for (uint32_t i = 0; i < count; i++)
		btree_need(job->kind, &need);
	CHECK_EQUAL(rc, 0);
	CHECK_EQUAL(tx_reserve(&tx, &need), 0);
	NO_YIELD
	{
		for (uint32_t i = 0; i < count; i++) {
			rc = btree_probe_wide(&tx, job->kind, root, items[i].order, &items[i].minor,
					      &cursor);
			CHECK(rc == -DER_EXIST || rc == -DER_NONEXIST);
			present[i] = rc == -DER_EXIST;
		}
		for (uint32_t i = 0; i < count; i++) {
			struct model *model = job->model;
			uint32_t rank = model_rank(model, &items[i], false);
			bool there = rank < model->count &&
				     item_order(&model->items[rank], &items[i]) == 0;

			CHECK_EQUAL(there, present[i]);
			if (there) {
				btree_remove(&tx, job->kind, root, items[i].order, &items[i].minor);
				memmove(&model->items[rank], &model->items[rank + 1],
					(model->count - rank - 1) * sizeof(struct item));
				model->count--;
			} else if (model->count < RECORDS) {
				btree_insert(&tx, job->kind, root, items[i].order, &items[i].minor,
					     0, &record);
				memcpy(tx_change(&tx, record, 16), &items[i].minor, 16);
				memmove(&model->items[rank + 1], &model->items[rank],
					(model->count - rank) * sizeof(struct item));
				model->items[rank] = items[i];
				model->count++;
			}
		}
		tx_commit(&tx, &group);
	}
	return 0;
}

static void
cursor_expect(struct job *job, struct pin *pin, int rc, const struct btree_cursor *cursor,
	      int64_t rank)
{
	const struct model *model = job->model;
	const uint64_t *record;

	if (rank < 0 || rank >= model->count) {
		CHECK_EQUAL(rc, -DER_NONEXIST);
		return;
	}
	CHECK_EQUAL(rc, 0);
	CHECK_EQUAL(cursor->order, model->items[rank].order);
	record = heap_at(pin, cursor->record, 16);
	CHECK_EQUAL(record[0], model->items[rank].minor);
	CHECK_EQUAL(record[1], model->items[rank].value);
}

static void
search(struct job *job)
{
	struct item item = item_draw(job);
	uint64_t root = heap_root(job->rig->heap);
	int64_t low = model_rank(job->model, &item, false),
		high = model_rank(job->model, &item, true);
	struct btree_cursor cursor = {0};
	struct pin pin;
	int rc;

	pin_init(&pin, job->rig->heap);
	rc = btree_find(&pin, job->kind, root, item.order, &item.minor, BTREE_EQUAL, &cursor);
	cursor_expect(job, &pin, rc, &cursor, low == high ? -1 : low);
	rc = btree_find(&pin, job->kind, root, item.order, &item.minor, BTREE_AT_LEAST, &cursor);
	cursor_expect(job, &pin, rc, &cursor, low);
	if (rc == 0)
		cursor_expect(job, &pin, btree_next(&pin, job->kind, root, &cursor), &cursor,
			      low + 1);
	rc = btree_find(&pin, job->kind, root, item.order, &item.minor, BTREE_ABOVE, &cursor);
	cursor_expect(job, &pin, rc, &cursor, high);
	rc = btree_find(&pin, job->kind, root, item.order, &item.minor, BTREE_AT_MOST, &cursor);
	cursor_expect(job, &pin, rc, &cursor, high - 1);
	if (rc == 0)
		cursor_expect(job, &pin, btree_previous(&pin, job->kind, root, &cursor), &cursor,
			      high - 2);
	rc = btree_find(&pin, job->kind, root, item.order, &item.minor, BTREE_BELOW, &cursor);
	cursor_expect(job, &pin, rc, &cursor, low - 1);
	/* Without a wanted key the order key alone places the search. */
	item.minor = 0;
	low = model_rank(job->model, &item, false);
	rc = btree_find(&pin, job->kind, root, item.order, NULL, BTREE_AT_LEAST, &cursor);
	cursor_expect(job, &pin, rc, &cursor, low);
	cursor_expect(job, &pin, btree_first(&pin, job->kind, root, &cursor), &cursor, 0);
	cursor_expect(job, &pin, btree_last(&pin, job->kind, root, &cursor), &cursor,
		      job->model->count - 1);
	pin_fini(&pin);
}

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
	     rc = btree_next(&pin, job->kind, root, &cursor))
		cursor_expect(job, &pin, 0, &cursor, rank++);
	CHECK_EQUAL(rc, -DER_NONEXIST);
	CHECK_EQUAL(rank, job->model->count);
	pin_fini(&pin);
}

static int
random_body(void *argument)
{
	struct job *job = ((struct rig *)argument)->argument;

	root_load(job->rig->heap);
	for (uint32_t i = 0; i < 3000; i++) {
		struct item items[4];
		uint32_t count = 1 + (uint32_t)draw(job, 4);

		for (uint32_t j = 0; j < count; j++) {
			bool again = true;

			while (again) {
				items[j] = item_draw(job);
				again = false;
				for (uint32_t k = 0; k < j; k++)
					again = again || item_order(&items[j], &items[k]) == 0;
			}
		}
		change(job, items, count);
		search(job);
		if (i % 500 == 0)
			walk(job);
	}
	walk(job);
	/* Emptied from the end, the heap is as at the beginning. */
	while (job->model->count > 0)
		change(job, &job->model->items[job->model->count - 1], 1);
	walk(job);
	return 0;
}

static void
random_changes(const struct btree_kind *kind, uint64_t seed)
{
	struct rig rig = rig_make();
	struct heap_space before, after;
	struct job job = {.rig = &rig, .kind = kind, .random = seed};

	job.model = calloc(1, sizeof(*job.model));
	rig.argument = &job;
	rig.options.log_size = 8 * 1024 * 1024;
	rig_start(&rig, seed);
	heap_space(rig.heap, &before);
	assert_int_equal(rig_run(&rig, random_body), 0);
	heap_space(rig.heap, &after);
	assert_int_equal(before.heap_free, after.heap_free);
	rig_stop(&rig);
	free(job.model);
}

static void
unique_orders(void **state)
{
	(void)state;
	random_changes(&plain, 11);
}

static void
equal_orders(void **state)
{
	(void)state;
	random_changes(&equal, 12);
}

static int
ascending_body(void *argument)
{
	struct job *job = ((struct rig *)argument)->argument;
	uint64_t root = heap_root(job->rig->heap);
	struct btree_cursor cursor;
	struct tx tx;
	uint64_t group;

	root_load(job->rig->heap);
	for (uint64_t i = 0; i < RECORDS; i++) {
		struct item item = {.order = i * 2, .value = i};

		change(job, &item, 1);
	}
	walk(job);
	for (uint32_t i = 0; i < RECORDS; i++) {
		struct tx_need need = {.privileged = true};

		CHECK_EQUAL(tx_begin(&tx, job->rig->heap), 0);
		btree_need(job->kind, &need);
		CHECK_EQUAL(tx_reserve(&tx, &need), 0);
		NO_YIELD
		{
			CHECK_EQUAL(btree_probe_last(&tx, job->kind, root, &cursor), 0);
			CHECK_EQUAL(cursor.order, (RECORDS - 1 - i) * 2);
			btree_remove_last(&tx, job->kind, root);
			tx_commit(&tx, &group);
		}
	}
	job->model->count = 0;
	walk(job);
	return 0;
}

static void
ascending(void **state)
{
	struct rig rig = rig_make();
	struct job job = {.rig = &rig, .kind = &plain};

	(void)state;
	job.model = calloc(1, sizeof(*job.model));
	rig.argument = &job;
	rig.options.log_size = 8 * 1024 * 1024;
	rig_start(&rig, 5);
	assert_int_equal(rig_run(&rig, ascending_body), 0);
	rig_stop(&rig);
	free(job.model);
}

static int
damaged_body(void *argument)
{
	struct rig *rig = argument;
	struct job job = {.rig = rig, .kind = &plain, .model = rig->argument};
	struct item item = {.order = 5, .value = 1};
	const struct btree_root *top;
	struct btree_cursor cursor;
	struct pin pin;

	root_load(rig->heap);
	change(&job, &item, 1);
	pin_init(&pin, rig->heap);
	top = heap_at(&pin, heap_root(rig->heap), sizeof(*top));
	/* The kind is at byte 2 of a node. */
	((uint8_t *)(uintptr_t)heap_at(&pin, top->node, 8))[2] ^= 0xff;
	CHECK_EQUAL(btree_find(&pin, &plain, heap_root(rig->heap), 5, NULL, BTREE_AT_LEAST,
			       &cursor),
		    -DER_IO);
	((uint8_t *)(uintptr_t)heap_at(&pin, top->node, 8))[2] ^= 0xff;
	pin_fini(&pin);
	return 0;
}

static void
damaged_node(void **state)
{
	struct rig rig = rig_make();

	(void)state;
	rig.argument = calloc(1, sizeof(struct model));
	rig_start(&rig, 6);
	assert_int_equal(rig_run(&rig, damaged_body), 0);
	rig_stop(&rig);
	free(rig.argument);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(unique_orders),
		cmocka_unit_test(equal_orders),
		cmocka_unit_test(ascending),
		cmocka_unit_test(damaged_node),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
