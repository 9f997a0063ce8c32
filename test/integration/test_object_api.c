/* SPDX-License-Identifier: BSD-2-Clause-Patent */
/*
 * The parts of the object interface that answer about many things at once, against a naive model:
 * queries for the largest and smallest keys and extents in all combinations, extents listed in both
 * orders, anchors at keys, verification. Objects have integer keys and several groups.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "embedded_bed.h"

#define DKEYS 6u
#define AKEYS 3u
#define RECORDS 64u

static struct embedded_bed bed;

static const uint64_t dkey_numbers[DKEYS] = {0, 1, 7, 1000, UINT64_C(1) << 40, UINT64_MAX};
static const uint64_t akey_numbers[AKEYS] = {0, 255, UINT64_MAX - 1};

struct model {
	daos_handle_t object;
	bool akeys[DKEYS][AKEYS]; /* visible */
	uint8_t records[DKEYS][AKEYS][RECORDS];
	uint64_t seed;
};

static int
setup(void **state)
{
	(void)state;
	embedded_directory_make(&bed);
	embedded_up(&bed);
	return 0;
}

static int
teardown(void **state)
{
	(void)state;
	embedded_down(&bed);
	embedded_directory_remove(&bed);
	return 0;
}

static uint64_t
draw(struct model *model, uint64_t limit)
{
	model->seed = model->seed * UINT64_C(6364136223846793005) + 1442695040888963407u;
	return (model->seed >> 33) % limit;
}

static daos_key_t
integer_key(const uint64_t *number)
{
	daos_key_t key;

	d_iov_set(&key, (void *)(uintptr_t)number, sizeof(*number));
	return key;
}

/* ------------------------------------------------ changes */

static void
write_extent(struct model *model, uint32_t dkey, uint32_t akey, uint64_t from, uint64_t count,
	     bool punch)
{
	daos_key_t key = integer_key(&dkey_numbers[dkey]);
	daos_recx_t recx = {from, count};
	daos_iod_t iod = {.iod_name = integer_key(&akey_numbers[akey]),
			  .iod_type = DAOS_IOD_ARRAY,
			  .iod_size = punch ? 0 : 1,
			  .iod_nr = 1,
			  .iod_recxs = &recx};
	uint8_t bytes[RECORDS];
	d_iov_t iov;
	d_sg_list_t sgl = {.sg_nr = 1, .sg_iovs = &iov};

	memset(bytes, (int)(1 + draw(model, 255)), sizeof(bytes));
	d_iov_set(&iov, bytes, count);
	assert_ok(daos_obj_update(model->object, DAOS_TX_NONE, 0, &key, 1, &iod,
				  punch ? NULL : &sgl, NULL));
	model->akeys[dkey][akey] = true;
	memset(&model->records[dkey][akey][from], punch ? 0 : bytes[0], count);
}

static void
forget(struct model *model, uint32_t dkey, uint32_t akey)
{
	model->akeys[dkey][akey] = false;
	memset(model->records[dkey][akey], 0, RECORDS);
}

static void
change(struct model *model)
{
	uint32_t dkey = (uint32_t)draw(model, DKEYS), akey = (uint32_t)draw(model, AKEYS);
	daos_key_t first = integer_key(&dkey_numbers[dkey]);
	daos_key_t second = integer_key(&akey_numbers[akey]);
	uint64_t from = draw(model, RECORDS), count = 1 + draw(model, RECORDS - from);
	uint64_t kind = draw(model, 20);

	if (kind < 11) {
		write_extent(model, dkey, akey, from, count, false);
	} else if (kind < 16) {
		if (model->akeys[dkey][akey])
			write_extent(model, dkey, akey, from, count, true);
	} else if (kind < 18) {
		assert_ok(daos_obj_punch_akeys(model->object, DAOS_TX_NONE, 0, &first, 1, &second,
					       NULL));
		forget(model, dkey, akey);
	} else if (kind < 19 || draw(model, 8) > 0) {
		assert_ok(daos_obj_punch_dkeys(model->object, DAOS_TX_NONE, 0, 1, &first, NULL));
		for (uint32_t i = 0; i < AKEYS; i++)
			forget(model, dkey, i);
	} else {
		assert_ok(daos_obj_punch(model->object, DAOS_TX_NONE, 0, NULL));
		for (uint32_t i = 0; i < DKEYS * AKEYS; i++)
			forget(model, i / AKEYS, i % AKEYS);
	}
}

/* ------------------------------------------------ queries */

/* The last or first record that holds data; RECORDS: none. */
static uint32_t
edge(const uint8_t records[RECORDS], bool last)
{
	for (uint32_t i = 0; i < RECORDS; i++)
		if (records[last ? RECORDS - 1 - i : i] != 0)
			return last ? RECORDS - 1 - i : i;
	return RECORDS;
}

struct answer {
	bool found;
	uint32_t dkey, akey;
};

/* What the model says; dkey and akey are those given, where they are not asked for. */
static struct answer
expected(const struct model *model, uint64_t flags, uint32_t dkey, uint32_t akey)
{
	bool last = flags & DAOS_GET_MAX;

	for (uint32_t i = 0; i < DKEYS * AKEYS; i++) {
		uint32_t at = last ? DKEYS * AKEYS - 1 - i : i, d = at / AKEYS, a = at % AKEYS;

		if (!model->akeys[d][a] || (!(flags & DAOS_GET_DKEY) && d != dkey))
			continue;
		if ((flags & (DAOS_GET_AKEY | DAOS_GET_RECX)) == DAOS_GET_RECX && a != akey)
			continue;
		if (flags & DAOS_GET_RECX && edge(model->records[d][a], last) == RECORDS)
			continue;
		return (struct answer){true, d, a};
	}
	return (struct answer){.found = false};
}

static void
check_recx(const uint8_t records[RECORDS], bool last, daos_recx_t recx)
{
	assert_true(recx.rx_nr > 0 && recx.rx_idx + recx.rx_nr <= RECORDS);
	assert_int_equal(last ? recx.rx_idx + recx.rx_nr - 1 : recx.rx_idx, edge(records, last));
	for (uint64_t i = recx.rx_idx; i < recx.rx_idx + recx.rx_nr; i++)
		assert_int_not_equal(records[i], 0);
}

static void
check_query(const struct model *model, uint64_t flags, uint32_t dkey, uint32_t akey)
{
	struct answer wanted = expected(model, flags, dkey, akey);
	uint64_t numbers[2] = {dkey_numbers[dkey], akey_numbers[akey]};
	daos_key_t first = integer_key(&numbers[0]), second = integer_key(&numbers[1]);
	daos_recx_t recx = {0, 0};
	int rc = daos_obj_query_key(model->object, DAOS_TX_NONE, flags, &first, &second, &recx,
				    NULL);

	assert_int_equal(rc, wanted.found ? 0 : -DER_NONEXIST);
	if (!wanted.found)
		return;
	assert_int_equal(numbers[0], dkey_numbers[wanted.dkey]);
	if (flags & DAOS_GET_AKEY)
		assert_int_equal(numbers[1], akey_numbers[wanted.akey]);
	if (flags & DAOS_GET_RECX)
		check_recx(model->records[wanted.dkey][wanted.akey], flags & DAOS_GET_MAX, recx);
}

static void
check_queries(const struct model *model)
{
	static const uint64_t parts[] = {
		DAOS_GET_DKEY,
		DAOS_GET_DKEY | DAOS_GET_AKEY,
		DAOS_GET_DKEY | DAOS_GET_AKEY | DAOS_GET_RECX,
		DAOS_GET_DKEY | DAOS_GET_RECX,
		DAOS_GET_AKEY,
		DAOS_GET_AKEY | DAOS_GET_RECX,
		DAOS_GET_RECX,
	};

	for (uint32_t i = 0; i < sizeof(parts) / sizeof(parts[0]); i++)
		for (uint32_t d = 0; d < DKEYS; d++)
			for (uint32_t a = 0; a < AKEYS; a++) {
				check_query(model, DAOS_GET_MAX | parts[i], d, a);
				check_query(model, DAOS_GET_MIN | parts[i], d, a);
			}
}

/* ------------------------------------------------ extents in both orders */

static void
check_extents(struct model *model, uint32_t dkey, uint32_t akey, bool ascending)
{
	daos_key_t first = integer_key(&dkey_numbers[dkey]);
	daos_key_t second = integer_key(&akey_numbers[akey]);
	daos_anchor_t anchor = {0};
	uint8_t seen[RECORDS] = {0};
	uint64_t edge_reached = ascending ? 0 : RECORDS;

	while (!daos_anchor_is_eof(&anchor)) {
		daos_recx_t recxs[4];
		daos_epoch_range_t epochs[4];
		uint32_t count = 1 + (uint32_t)draw(model, 4);
		daos_size_t size = 0;

		assert_ok(daos_obj_list_recx(model->object, DAOS_TX_NONE, &first, &second, &size,
					     &count, recxs, epochs, &anchor, ascending, NULL));
		for (uint32_t i = 0; i < count; i++) {
			uint64_t begin = recxs[i].rx_idx, end = begin + recxs[i].rx_nr;

			assert_int_equal(size, 1);
			assert_true(begin < end && end <= RECORDS && epochs[i].epr_lo > 0);
			assert_true(ascending ? begin >= edge_reached : end <= edge_reached);
			edge_reached = ascending ? end : begin;
			memset(&seen[begin], 1, end - begin);
		}
	}
	for (uint32_t i = 0; i < RECORDS; i++)
		assert_int_equal(seen[i], model->records[dkey][akey][i] != 0);
}

static void
check_listings(struct model *model)
{
	for (uint32_t i = 0; i < DKEYS * AKEYS; i++) {
		check_extents(model, i / AKEYS, i % AKEYS, true);
		check_extents(model, i / AKEYS, i % AKEYS, false);
	}
}

static void
queries_and_extents(void **state)
{
	static const daos_oclass_id_t classes[] = {OC_S1, OC_SX};

	(void)state;
	for (uint32_t i = 0; i < 4; i++) {
		daos_obj_id_t oid = embedded_oid(&bed, 1 + i, DAOS_OT_MULTI_UINT64, classes[i % 2]);
		struct model model = {.seed = i + 1};
		daos_epoch_t before = 0, after;

		assert_ok(daos_obj_open(bed.container, oid, DAOS_OO_RW, &model.object, NULL));
		check_queries(&model);
		for (uint32_t step = 0; step < 50; step++) {
			change(&model);
			if (step % 5 == 4) {
				check_queries(&model);
				check_listings(&model);
			}
		}
		write_extent(&model, 0, 0, 0, 1, false);
		assert_ok(daos_obj_query_max_epoch(model.object, DAOS_TX_NONE, &before, NULL));
		write_extent(&model, 0, 0, 0, 1, false);
		assert_ok(daos_obj_query_max_epoch(model.object, DAOS_TX_NONE, &after, NULL));
		assert_true(before > 0 && after > before);
		assert_ok(daos_obj_verify(bed.container, oid, DAOS_EPOCH_MAX));
		assert_ok(daos_obj_close(model.object, NULL));
	}
}

/* What cannot be asked. */
static void
queries_that_make_no_sense(void **state)
{
	uint64_t number = 1;
	daos_key_t key = integer_key(&number), short_key = key;
	daos_recx_t recx;
	daos_handle_t object;

	(void)state;
	assert_ok(daos_obj_open(bed.container, embedded_oid(&bed, 9, DAOS_OT_MULTI_HASHED, OC_S1),
				DAOS_OO_RW, &object, NULL));
	assert_int_equal(daos_obj_query_key(object, DAOS_TX_NONE, DAOS_GET_MAX | DAOS_GET_DKEY,
					    &key, NULL, NULL, NULL),
			 -DER_INVAL);
	assert_ok(daos_obj_close(object, NULL));
	assert_ok(daos_obj_open(bed.container, embedded_oid(&bed, 9, DAOS_OT_MULTI_UINT64, OC_S1),
				DAOS_OO_RW, &object, NULL));
	assert_int_equal(daos_obj_query_key(object, DAOS_TX_NONE, DAOS_GET_DKEY, &key, NULL, NULL,
					    NULL),
			 -DER_INVAL);
	assert_int_equal(daos_obj_query_key(object, DAOS_TX_NONE,
					    DAOS_GET_MAX | DAOS_GET_MIN | DAOS_GET_DKEY, &key, NULL,
					    NULL, NULL),
			 -DER_INVAL);
	assert_int_equal(daos_obj_query_key(object, DAOS_TX_NONE, DAOS_GET_MAX, &key, NULL, NULL,
					    NULL),
			 -DER_INVAL);
	assert_int_equal(daos_obj_query_key(object, DAOS_TX_NONE, DAOS_GET_MAX | DAOS_GET_RECX,
					    &key, &key, NULL, NULL),
			 -DER_INVAL);
	assert_int_equal(daos_obj_query_key(object, DAOS_TX_NONE, DAOS_GET_MAX | DAOS_GET_RECX,
					    &key, NULL, &recx, NULL),
			 -DER_INVAL);
	assert_int_equal(daos_obj_query_key(object, DAOS_TX_NONE, DAOS_GET_MAX | DAOS_GET_AKEY,
					    &key, NULL, NULL, NULL),
			 -DER_INVAL);
	short_key.iov_buf_len = 4;
	assert_int_equal(daos_obj_query_key(object, DAOS_TX_NONE, DAOS_GET_MAX | DAOS_GET_DKEY,
					    &short_key, NULL, NULL, NULL),
			 -DER_INVAL);
	assert_ok(daos_obj_close(object, NULL));
}

/* ------------------------------------------------ anchors at keys */

#define NAMES 40u

/* The i-th name; some are longer than what an anchor holds. */
static daos_key_t
name_key(uint32_t number, char name[1024])
{
	daos_key_t key;
	int length = snprintf(name, 1024, "name-%03u", number);

	if (number % 5 == 0) {
		memset(name + length, 'x', 700);
		length += 700;
	}
	d_iov_set(&key, name, (size_t)length);
	return key;
}

/* Lists names from an anchor on; marks what came. The first is returned. */
static uint32_t
list_names(daos_handle_t object, daos_key_t *dkey, daos_anchor_t *anchor, bool seen[NAMES])
{
	static char bytes[64 * 1024];
	uint32_t first = NAMES;

	while (!daos_anchor_is_eof(anchor)) {
		daos_key_desc_t keys[8];
		uint32_t count = 8;
		d_iov_t iov;
		d_sg_list_t sgl = {.sg_nr = 1, .sg_iovs = &iov};
		const char *at = bytes;

		d_iov_set(&iov, bytes, sizeof(bytes));
		if (dkey)
			assert_ok(daos_obj_list_akey(object, DAOS_TX_NONE, dkey, &count, keys, &sgl,
						     anchor, NULL));
		else
			assert_ok(daos_obj_list_dkey(object, DAOS_TX_NONE, &count, keys, &sgl,
						     anchor, NULL));
		for (uint32_t i = 0; i < count; i++) {
			uint32_t number = (uint32_t)strtoul(at + strlen("name-"), NULL, 10);

			assert_true(number < NAMES && !seen[number]);
			seen[number] = true;
			first = first == NAMES ? number : first;
			at += keys[i].kd_key_len;
		}
	}
	return first;
}

static void
make_names(daos_handle_t object, daos_key_t *dkey)
{
	char name[1024], value = 'v';
	d_iov_t iov;
	d_sg_list_t sgl = {.sg_nr = 1, .sg_iovs = &iov};

	d_iov_set(&iov, &value, 1);
	for (uint32_t i = 0; i < NAMES; i++) {
		daos_key_t key = name_key(i, name);
		daos_iod_t iod = {
			.iod_name = key, .iod_type = DAOS_IOD_SINGLE, .iod_size = 1, .iod_nr = 1};

		assert_ok(daos_obj_update(object, DAOS_TX_NONE, 0, dkey ? dkey : &key, 1, &iod,
					  &sgl, NULL));
	}
}

/* An anchor at each key: it comes first, and what came before it in a whole listing does not. */
static void
check_anchors(daos_handle_t object, daos_key_t *dkey, bool ordered)
{
	char name[1024];

	for (uint32_t i = 0; i < NAMES; i++) {
		daos_key_t key = name_key(i, name);
		daos_anchor_t anchor;
		bool seen[NAMES] = {false};

		memset(&anchor, 0xff, sizeof(anchor));
		assert_ok(daos_obj_key2anchor(object, DAOS_TX_NONE, dkey ? dkey : &key,
					      dkey ? &key : NULL, &anchor, NULL));
		assert_int_equal(list_names(object, dkey, &anchor, seen), i);
		for (uint32_t j = 0; ordered && j < NAMES; j++)
			assert_int_equal(seen[j], j >= i);
	}
}

static void
anchors_at_keys(void **state)
{
	static const enum daos_otype_t types[] = {DAOS_OT_MULTI_HASHED, DAOS_OT_MULTI_LEXICAL};
	char dkey_bytes[] = "dkey";
	daos_key_t dkey;

	(void)state;
	d_iov_set(&dkey, dkey_bytes, 4);
	for (uint32_t i = 0; i < 4; i++) {
		daos_oclass_id_t class = i / 2 ? OC_SX : OC_S1;
		daos_handle_t object;

		assert_ok(daos_obj_open(bed.container,
					embedded_oid(&bed, 20 + i, types[i % 2], class), DAOS_OO_RW,
					&object, NULL));
		make_names(object, NULL);
		check_anchors(object, NULL, i % 2 && class == OC_S1);
		assert_ok(daos_obj_punch(object, DAOS_TX_NONE, 0, NULL));
		make_names(object, &dkey);
		check_anchors(object, &dkey, i % 2);
		assert_ok(daos_obj_close(object, NULL));
	}
}

/* ------------------------------------------------ keys and values that do not fit */

static void
too_big(void **state)
{
	char name[1024], bytes[800], value[100];
	daos_key_t key = name_key(0, name);
	daos_key_desc_t desc = {0};
	daos_anchor_t anchor = {0};
	daos_handle_t object;
	uint32_t count = 1;
	d_iov_t iov;
	d_sg_list_t sgl = {.sg_nr = 1, .sg_iovs = &iov};
	daos_iod_t iod = {.iod_name = key,
			  .iod_type = DAOS_IOD_SINGLE,
			  .iod_size = sizeof(value),
			  .iod_nr = 1};

	(void)state;
	assert_ok(daos_obj_open(bed.container, embedded_oid(&bed, 30, DAOS_OT_MULTI_HASHED, OC_S1),
				DAOS_OO_RW, &object, NULL));
	memset(value, 'v', sizeof(value));
	d_iov_set(&iov, value, sizeof(value));
	assert_ok(daos_obj_update(object, DAOS_TX_NONE, 0, &key, 1, &iod, &sgl, NULL));
	/* A key: the descriptor tells its length, and the listing stays where it was. */
	d_iov_set(&iov, bytes, 10);
	assert_int_equal(daos_obj_list_dkey(object, DAOS_TX_NONE, &count, &desc, &sgl, &anchor,
					    NULL),
			 -DER_KEY2BIG);
	assert_int_equal(desc.kd_key_len, key.iov_len);
	d_iov_set(&iov, bytes, desc.kd_key_len);
	assert_ok(daos_obj_list_dkey(object, DAOS_TX_NONE, &count, &desc, &sgl, &anchor, NULL));
	assert_int_equal(count, 1);
	assert_memory_equal(bytes, key.iov_buf, key.iov_len);
	/* A value: the descriptor tells its size. */
	iod.iod_size = DAOS_REC_ANY;
	d_iov_set(&iov, bytes, 10);
	assert_int_equal(daos_obj_fetch(object, DAOS_TX_NONE, 0, &key, 1, &iod, &sgl, NULL, NULL),
			 -DER_REC2BIG);
	assert_int_equal(iod.iod_size, sizeof(value));
	iod.iod_size = DAOS_REC_ANY;
	assert_ok(daos_obj_fetch(object, DAOS_TX_NONE, 0, &key, 1, &iod, NULL, NULL, NULL));
	assert_int_equal(iod.iod_size, sizeof(value));
	assert_ok(daos_obj_close(object, NULL));
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(queries_and_extents),
		cmocka_unit_test(queries_that_make_no_sense),
		cmocka_unit_test(anchors_at_keys),
		cmocka_unit_test(too_big),
	};

	embedded_library_open();
	return cmocka_run_group_tests(tests, setup, teardown);
}
