/* SPDX-License-Identifier: BSD-2-Clause-Patent */
/* Who waits for a prepared transaction, who does not, and who is restarted because of what a
 * transaction has read. */
#include "tx.h"

/* ------------------------------------------------ fibers that may wait */

/* One call on a fiber of its own. */
struct caller {
	struct stand *stand;
	int (*call)(struct stand *stand);
	bool done;
	int result;
};

static void
caller_fiber(void *argument)
{
	struct caller *caller = argument;

	caller->result = caller->call(caller->stand);
	caller->done = true;
}

static void
caller_begin(struct stand *stand, struct caller *caller, int (*call)(struct stand *stand))
{
	struct fiber *fiber;

	*caller = (struct caller){.stand = stand, .call = call};
	CHECK_EQUAL(fiber_start(stand->loop, "caller", caller_fiber, caller, &fiber), 0);
}

static void
caller_start(struct stand *stand, struct caller *caller, int (*call)(struct stand *stand))
{
	caller_begin(stand, caller, call);
	/* Long enough for anything that does not wait. */
	CHECK_EQUAL(fiber_sleep(20000000), 0);
}

static int
caller_finish(struct caller *caller)
{
	while (!caller->done)
		fiber_yield();
	return caller->result;
}

static int
list_visit(void *argument, const struct vos_entry *entry)
{
	(void)entry;
	++*(int *)argument;
	return 0;
}

static int
list(struct stand *stand, enum vos_level level, const char *dkey, uint64_t epoch)
{
	struct vos_position position = {0};
	struct vos_key none = {0};
	int count = 0;
	int rc = vos_list(stand->container, &hashed, level, dkey ? text_key(dkey) : none,
			  text_key("a"), epoch, 100, &position, list_visit, &count);

	return rc == 0 ? count : rc;
}

static int
query(struct stand *stand, uint64_t epoch)
{
	struct vos_query_result result;
	struct vos_key none = {0};

	return vos_query_key(stand->container, &hashed, 0, none, none, epoch, &result);
}

static int
punch_object(struct stand *stand, const struct vos_object *object, uint64_t epoch)
{
	struct vos_change change = {.epoch = epoch};
	uint64_t group;

	return vos_punch_object(stand->container, object, &change, &group);
}

static int
punch_dkey(struct stand *stand, const char *dkey, uint64_t epoch)
{
	struct vos_change change = {.epoch = epoch};
	struct vos_key key = text_key(dkey);
	uint64_t group;

	return vos_punch_dkeys(stand->container, &hashed, &key, 1, &change, &group);
}

static int
punch_akey(struct stand *stand, const char *dkey, const char *akey, uint64_t epoch)
{
	struct vos_change change = {.epoch = epoch};
	struct vos_key key = text_key(akey);
	uint64_t group;

	return vos_punch_akeys(stand->container, &hashed, text_key(dkey), &key, 1, &change, &group);
}

/* ------------------------------------------------ what meets (hashed, "d") at EPOCH(10) */

static int
write_later(struct stand *stand)
{
	return put(stand, "d", "b", 'w', EPOCH(20));
}

static int
read_later(struct stand *stand)
{
	return (int)get(stand, "d", "a", EPOCH(10));
}

static int
read_newest(struct stand *stand)
{
	return (int)get(stand, "d", "a", EPOCH_MAX);
}

static int
list_objects_later(struct stand *stand)
{
	return list(stand, VOS_OBJECTS, NULL, EPOCH(15));
}

static int
list_dkeys_later(struct stand *stand)
{
	return list(stand, VOS_DKEYS, NULL, EPOCH(15));
}

static int
list_akeys_later(struct stand *stand)
{
	return list(stand, VOS_AKEYS, "d", EPOCH(15));
}

static int
list_extents_later(struct stand *stand)
{
	return list(stand, VOS_EXTENTS, "d", EPOCH(15));
}

static int
query_later(struct stand *stand)
{
	return query(stand, EPOCH(15));
}

static int
prepare_later(struct stand *stand)
{
	struct piece_of_work work[2];
	struct vos_op ops[2];
	int rc;

	ops[0] = op_store(&work[0], &hashed, "z", "a", '2', 10, 0);
	ops[1] = op_store(&work[1], &hashed, "d", "a", '2', 10, VOS_COND_AKEY_UPDATE);
	rc = prepare(stand, tx_of(2, EPOCH(21)), ops, 2);
	work_free(work, 2);
	return rc == 0 ? forget(stand, 2) : rc;
}

/* They wait, and then see what was applied. */
static const struct {
	int (*call)(struct stand *stand);
	int applied, forgotten;
} waiting[] = {
	{read_later, 'x', 'o'},	  {read_newest, 'x', 'o'},  {list_objects_later, 1, 1},
	{list_dkeys_later, 2, 2}, {list_akeys_later, 2, 1}, {list_extents_later, 1, 1},
	{query_later, 0, 0},	  {write_later, 0, 0},	    {prepare_later, 0, 0},
};

static int
waiting_body(void *argument)
{
	struct stand *stand = argument;
	bool applied = *(bool *)stand->argument;
	struct caller callers[ARRAY_SIZE(waiting)];
	struct piece_of_work work[2];
	struct vos_op ops[2];

	CHECK_EQUAL(put(stand, "d", "a", 'o', EPOCH(5)), 0);
	CHECK_EQUAL(put(stand, "e", "a", 'e', EPOCH(5)), 0);
	ops[0] = op_store(&work[0], &hashed, "d", "a", 'x', 10, 0);
	ops[1] = op_store(&work[1], &hashed, "d", "c", 'y', 10, 0);
	CHECK_EQUAL(prepare(stand, tx_of(1, EPOCH(10)), ops, 2), 0);
	for (uint32_t i = 0; i < ARRAY_SIZE(waiting); i++) {
		caller_start(stand, &callers[i], waiting[i].call);
		CHECK(!callers[i].done);
	}
	/* Below the epoch, and beside what is held, all goes on. */
	CHECK_EQUAL(get(stand, "d", "a", EPOCH(9) | HLC_MINOR_MASK), 'o');
	CHECK_EQUAL(get(stand, "e", "a", EPOCH_MAX), 'e');
	CHECK_EQUAL(list(stand, VOS_OBJECTS, NULL, EPOCH(9)), 1);
	CHECK_EQUAL(list(stand, VOS_AKEYS, "d", EPOCH(9)), 1);
	CHECK_EQUAL(query(stand, EPOCH(9)), 0);
	CHECK_EQUAL(put(stand, "e", "a", 'f', EPOCH(20)), 0);
	CHECK_EQUAL(put(stand, "new", "a", 'n', EPOCH(20)), 0);
	/* What is older is restarted at once. */
	CHECK_EQUAL(put(stand, "d", "a", 'z', EPOCH(9)), -DER_TX_RESTART);
	CHECK_EQUAL(put(stand, "d", "a", 'z', EPOCH(10)), -DER_TX_RESTART);
	CHECK_EQUAL(punch_dkey(stand, "d", EPOCH(9)), -DER_TX_RESTART);
	CHECK_EQUAL(punch_object(stand, &hashed, EPOCH(9)), -DER_TX_RESTART);
	CHECK_EQUAL(punch_akey(stand, "d", "q", EPOCH(9)), -DER_TX_RESTART);
	ops[0].conditions = 0;
	CHECK_EQUAL(prepare(stand, tx_of(3, EPOCH(9)), ops, 2), -DER_TX_RESTART);
	CHECK_EQUAL(applied ? apply(stand, 1) : forget(stand, 1), 0);
	for (uint32_t i = 0; i < ARRAY_SIZE(waiting); i++)
		CHECK_EQUAL(caller_finish(&callers[i]),
			    applied ? waiting[i].applied : waiting[i].forgotten);
	audit_body(stand);
	work_free(work, 2);
	return 0;
}

static void
waiting_run(bool applied)
{
	struct stand stand = {.argument = &applied};

	stand_start(&stand, 1);
	CHECK_EQUAL(stand_run(&stand, waiting_body), 0);
	stand_stop(&stand);
}

static void
wait_for_applied(void **state)
{
	(void)state;
	waiting_run(true);
}

static void
wait_for_forgotten(void **state)
{
	(void)state;
	waiting_run(false);
}

/* ------------------------------------------------ several at once */

static int
apply_it(struct stand *stand)
{
	return apply(stand, 1);
}

static int
ask_for_it(struct stand *stand)
{
	enum vos_tx_state state;

	return vos_tx_state(stand->vos, tx_name(1), &state);
}

/* One applies, the others wait for it and find nothing more to do. */
static int
together_body(void *argument)
{
	struct stand *stand = argument;
	struct caller callers[3];
	struct piece_of_work work[2];
	struct vos_op ops[2];

	ops[0] = op_store(&work[0], &hashed, "d", "a", 'x', 10, 0);
	ops[1] = op_store(&work[1], &hashed, "e", "a", 'y', 9000, 0);
	CHECK_EQUAL(prepare(stand, tx_of(1, EPOCH(10)), ops, 2), 0);
	caller_begin(stand, &callers[0], apply_it);
	caller_begin(stand, &callers[1], apply_it);
	caller_begin(stand, &callers[2], ask_for_it);
	CHECK_EQUAL(caller_finish(&callers[0]), 0);
	CHECK_EQUAL(caller_finish(&callers[1]), 0);
	CHECK_EQUAL(caller_finish(&callers[2]), -DER_NONEXIST);
	CHECK_EQUAL(get(stand, "e", "a", EPOCH_MAX), 'y');
	audit_body(stand);
	work_free(work, 2);
	return 0;
}

static void
together(void **state)
{
	(void)state;
	stand_test(together_body);
}

/* Prepares and applies transaction `number` of two changes. */
static int
change_both(struct stand *stand, uint64_t number, const char *first, const char *second)
{
	struct piece_of_work work[2];
	struct vos_op ops[2];
	int rc;

	ops[0] = op_store(&work[0], &hashed, first, "a", (uint8_t)('0' + number), 9000, 0);
	ops[1] = op_store(&work[1], &hashed, second, "a", (uint8_t)('0' + number), 9000, 0);
	rc = prepare(stand, tx_of(number, EPOCH(10 + number)), ops, 2);
	work_free(work, 2);
	return rc == 0 ? apply(stand, number) : rc;
}

static int
change_older(struct stand *stand)
{
	return change_both(stand, 1, "d1", "d2");
}

static int
change_younger(struct stand *stand)
{
	return change_both(stand, 2, "d2", "d1");
}

/* Two that want the same, in the opposite order: the older one waits for nobody. */
static int
crossed_body(void *argument)
{
	struct stand *stand = argument;
	struct caller older, younger;
	int rc;

	CHECK_EQUAL(put(stand, "d", "a", 'o', EPOCH(5)), 0);
	caller_begin(stand, &older, change_older);
	caller_begin(stand, &younger, change_younger);
	rc = caller_finish(&older);
	CHECK(rc == 0 || rc == -DER_TX_RESTART);
	CHECK_EQUAL(caller_finish(&younger), 0);
	CHECK_EQUAL(get(stand, "d1", "a", EPOCH_MAX), '2');
	CHECK_EQUAL(get(stand, "d2", "a", EPOCH_MAX), '2');
	CHECK_EQUAL(get(stand, "d1", "a", EPOCH(11) | HLC_MINOR_MASK), rc == 0 ? '1' : 0);
	audit_body(stand);
	return 0;
}

static void
crossed(void **state)
{
	(void)state;
	stand_test(crossed_body);
}

/* ------------------------------------------------ whole objects */

static int
write_elsewhere(struct stand *stand)
{
	struct vos_change change = {.epoch = EPOCH(20)};

	return store_put(stand, &other, "elsewhere", "a", 'w', 10, &change);
}

static int
read_elsewhere(struct stand *stand)
{
	uint8_t fill;

	return (int)store_get(stand, &other, "elsewhere", "a", EPOCH(15), &fill);
}

/* An object that is not there, or is punched, is held whole: nobody creates it in between. */
static int
whole_body(void *argument)
{
	struct stand *stand = argument;
	struct caller writer, reader;
	struct piece_of_work work;
	struct vos_op op = op_store(&work, &other, "d", "a", 'x', 10, 0);
	uint8_t fill;

	CHECK_EQUAL(prepare(stand, tx_of(1, EPOCH(10)), &op, 1), 0);
	caller_start(stand, &reader, read_elsewhere);
	caller_start(stand, &writer, write_elsewhere);
	CHECK(!reader.done && !writer.done);
	CHECK_EQUAL(apply(stand, 1), 0);
	CHECK_EQUAL(caller_finish(&reader), 0);
	CHECK_EQUAL(caller_finish(&writer), 0);
	CHECK_EQUAL(store_get(stand, &other, "d", "a", EPOCH_MAX, &fill), 10);
	free(work.payload);
	op = op_punch(&work, &other, NULL, NULL, VOS_COND_PUNCH);
	CHECK_EQUAL(prepare(stand, tx_of(2, EPOCH(19)), &op, 1), -DER_TX_RESTART);
	CHECK_EQUAL(prepare(stand, tx_of(2, EPOCH(21)), &op, 1), 0);
	caller_start(stand, &reader, read_elsewhere);
	CHECK_EQUAL(caller_finish(&reader), 0);
	CHECK_EQUAL(apply(stand, 2), 0);
	CHECK_EQUAL(store_get(stand, &other, "d", "a", EPOCH_MAX, &fill), 0);
	return 0;
}

static void
whole(void **state)
{
	(void)state;
	stand_test(whole_body);
}

/* ------------------------------------------------ what was read */

static void
note_read(struct stand *stand, enum vos_level level, const char *dkey, const char *akey,
	  uint64_t number, uint64_t reader)
{
	vos_note_read(stand->container, &hashed, level, text_key(dkey), text_key(akey),
		      EPOCH(number) | HLC_MINOR_MASK, tx_name(reader));
}

static int
put_as(struct stand *stand, const char *dkey, const char *akey, uint64_t number, uint64_t reader)
{
	struct vos_change change = {.epoch = EPOCH(number)};

	if (reader != 0)
		change.reader = tx_name(reader);
	return store_put(stand, &hashed, dkey, akey, 's', 10, &change);
}

static int
stamps_body(void *argument)
{
	struct stand *stand = argument;
	struct piece_of_work work;
	struct vos_op op = op_store(&work, &hashed, "d1", "b", 'x', 10, 0);

	/* A value: it, and what it is punched with. */
	note_read(stand, VOS_EXTENTS, "d1", "a", 30, 1);
	CHECK_EQUAL(put_as(stand, "d1", "a", 29, 0), -DER_TX_RESTART);
	CHECK_EQUAL(put_as(stand, "d1", "a", 30, 0), -DER_TX_RESTART);
	CHECK_EQUAL(put_as(stand, "d1", "a", 30, 2), -DER_TX_RESTART);
	CHECK_EQUAL(put_as(stand, "d1", "a", 29, 1), -DER_TX_RESTART);
	CHECK_EQUAL(put_as(stand, "d1", "b", 20, 0), 0);
	CHECK_EQUAL(put_as(stand, "d2", "a", 20, 0), 0);
	CHECK_EQUAL(punch_akey(stand, "d1", "a", EPOCH(29)), -DER_TX_RESTART);
	CHECK_EQUAL(punch_dkey(stand, "d1", EPOCH(29)), -DER_TX_RESTART);
	CHECK_EQUAL(punch_object(stand, &hashed, EPOCH(29)), -DER_TX_RESTART);
	CHECK_EQUAL(punch_dkey(stand, "d2", EPOCH(21)), 0);
	CHECK_EQUAL(put_as(stand, "d1", "a", 30, 1), 0);
	CHECK_EQUAL(put_as(stand, "d1", "a", 31, 0), 0);

	/* All beneath a dkey. */
	note_read(stand, VOS_AKEYS, "d1", "", 40, 1);
	CHECK_EQUAL(put_as(stand, "d1", "c", 39, 0), -DER_TX_RESTART);
	CHECK_EQUAL(put_as(stand, "d2", "c", 39, 0), 0);
	CHECK_EQUAL(prepare(stand, tx_of(9, EPOCH(39)), &op, 1), -DER_TX_RESTART);
	CHECK_EQUAL(prepare(stand, tx_of(1, EPOCH(40)), &op, 1), 0);
	CHECK_EQUAL(apply(stand, 1), 0);
	/* Two read at one epoch: it is nobody's own. */
	note_read(stand, VOS_AKEYS, "d1", "", 41, 1);
	note_read(stand, VOS_AKEYS, "d1", "", 41, 2);
	CHECK_EQUAL(put_as(stand, "d1", "c", 41, 1), -DER_TX_RESTART);

	/* The object, the container. */
	note_read(stand, VOS_DKEYS, "", "", 50, 1);
	CHECK_EQUAL(put_as(stand, "d3", "c", 49, 0), -DER_TX_RESTART);
	CHECK_EQUAL(punch_object(stand, &other, EPOCH(49)), 0);
	note_read(stand, VOS_OBJECTS, "", "", 60, 1);
	CHECK_EQUAL(punch_object(stand, &other, EPOCH(59)), -DER_TX_RESTART);
	CHECK_EQUAL(put_as(stand, "d3", "c", 61, 0), 0);
	work_free(&work, 1);
	return 0;
}

static void
stamps(void **state)
{
	(void)state;
	stand_test(stamps_body);
}

/* Without memory for the table everything counts as read. */
static int
stamps_lost_body(void *argument)
{
	struct stand *stand = argument;

	arena_fail_at(stand->env->arena, 1);
	note_read(stand, VOS_EXTENTS, "d1", "a", 30, 1);
	arena_fail_at(stand->env->arena, 0);
	CHECK_EQUAL(put_as(stand, "other", "a", 29, 0), -DER_TX_RESTART);
	CHECK_EQUAL(put_as(stand, "other", "a", 31, 0), 0);
	return 0;
}

static void
stamps_lost(void **state)
{
	(void)state;
	stand_test(stamps_lost_body);
}

/* However many are noted, none is lost. */
static int
stamps_many_body(void *argument)
{
	enum { COUNT = 20000 };
	struct stand *stand = argument;
	char name[16];

	for (uint32_t i = 0; i < COUNT; i++) {
		snprintf(name, sizeof(name), "k%u", i);
		note_read(stand, VOS_EXTENTS, name, "a", 100 + i, 1);
	}
	for (uint32_t i = 0; i < COUNT; i += 499) {
		snprintf(name, sizeof(name), "k%u", i);
		CHECK_EQUAL(put_as(stand, name, "a", 99 + i, 0), -DER_TX_RESTART);
	}
	CHECK_EQUAL(put_as(stand, "k5", "a", 100 + COUNT, 0), 0);
	return 0;
}

static void
stamps_many(void **state)
{
	(void)state;
	stand_test(stamps_many_body);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(wait_for_applied),
		cmocka_unit_test(wait_for_forgotten),
		cmocka_unit_test(together),
		cmocka_unit_test(crossed),
		cmocka_unit_test(whole),
		cmocka_unit_test(stamps),
		cmocka_unit_test(stamps_lost),
		cmocka_unit_test(stamps_many),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
