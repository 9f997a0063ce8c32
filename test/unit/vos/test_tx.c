/* SPDX-License-Identifier: BSD-2-Clause-Patent */
/* Transactions of a store: what is judged when they are prepared, and that they are applied whole,
 * also when the store is closed in between. */
#include "tx.h"

/* ------------------------------------------------ the straight path */

static int
straight_body(void *argument)
{
	struct stand *stand = argument;
	struct piece_of_work work[4];
	struct vos_op ops[4];
	enum vos_tx_state state;

	CHECK_EQUAL(put(stand, "d", "old", 'o', EPOCH(5)), 0);
	ops[0] = op_store(&work[0], &hashed, "d", "a", 'x', 10, 0);
	ops[1] = op_store(&work[1], &hashed, "d", "large", 'y', 20000, 0);
	ops[2] = op_extent(&work[2], &other, "e", (struct vos_extent){3, 5000}, 'z');
	ops[3] = op_punch(&work[3], &hashed, "d", "old", VOS_COND_PUNCH);
	CHECK_EQUAL(prepare(stand, tx_of(1, EPOCH(10)), ops, 4), 0);
	CHECK_EQUAL(prepare(stand, tx_of(1, EPOCH(10)), ops, 4), -DER_EXIST);
	CHECK_EQUAL(vos_tx_state(stand->vos, tx_name(1), &state), 0);
	CHECK_EQUAL(state, VOS_TX_PREPARED);
	audit_body(stand);
	/* Below its epoch nothing is in the way. */
	CHECK_EQUAL(get(stand, "d", "old", EPOCH(9)), 'o');
	CHECK_EQUAL(get(stand, "d", "a", EPOCH(9)), 0);
	CHECK_EQUAL(apply(stand, 1), 0);
	audit_body(stand);
	CHECK_EQUAL(vos_tx_state(stand->vos, tx_name(1), &state), -DER_NONEXIST);
	CHECK_EQUAL(get(stand, "d", "a", EPOCH_MAX), 'x');
	CHECK_EQUAL(get(stand, "d", "large", EPOCH_MAX), 'y');
	CHECK_EQUAL(get(stand, "d", "old", EPOCH_MAX), 0);
	CHECK_EQUAL(get(stand, "d", "old", EPOCH(9) | HLC_MINOR_MASK), 'o');
	CHECK_EQUAL(get_byte(stand, &other, "e", 5002, EPOCH(10) | HLC_MINOR_MASK), 'z');
	CHECK_EQUAL(get_byte(stand, &other, "e", 5003, EPOCH_MAX), 0);
	/* Again, or of what is not known: nothing happens. */
	CHECK_EQUAL(apply(stand, 1), 0);
	CHECK_EQUAL(forget(stand, 1), 0);
	work_free(work, 4);
	return 0;
}

static void
straight(void **state)
{
	(void)state;
	stand_test(straight_body);
}

static int
forgotten_body(void *argument)
{
	struct stand *stand = argument;
	struct piece_of_work work[2];
	struct vos_op ops[2];
	struct vos_audit audit;

	ops[0] = op_store(&work[0], &hashed, "d", "a", 'x', 10, 0);
	ops[1] = op_store(&work[1], &hashed, "d", "b", 'y', 20000, 0);
	CHECK_EQUAL(prepare(stand, tx_of(1, EPOCH(10)), ops, 2), 0);
	CHECK_EQUAL(forget(stand, 1), 0);
	CHECK_EQUAL(vos_audit(stand->vos, &audit), 0);
	CHECK_EQUAL(audit.transactions, 0);
	CHECK_EQUAL(audit.data_blocks, 0);
	CHECK_EQUAL(get(stand, "d", "a", EPOCH_MAX), 0);
	/* And nothing is held any more. */
	CHECK_EQUAL(put(stand, "d", "a", 'z', EPOCH(3)), 0);
	work_free(work, 2);
	return 0;
}

static void
forgotten(void **state)
{
	(void)state;
	stand_test(forgotten_body);
}

/* ------------------------------------------------ the leader */

static int
leader_visit(void *argument, const struct vos_tx *tx)
{
	uint32_t *count = argument;

	CHECK_EQUAL(tx->participant_count, 2);
	CHECK_EQUAL(tx->participants[0], 4);
	CHECK_EQUAL(tx->participants[1], 9);
	CHECK_EQUAL(tx->epoch, EPOCH(10));
	CHECK_EQUAL(tx->leader, 3);
	CHECK(tx->leads);
	fiber_yield();
	++*count;
	return 0;
}

static int
leader_body(void *argument)
{
	static const uint32_t targets[] = {4, 9};
	struct stand *stand = argument;
	struct request_id request = {uuid_make(5, 5), 1, 1, EPOCH(9)};
	struct vos_tx tx = tx_of(1, EPOCH(10));
	struct piece_of_work work;
	struct vos_op op = op_store(&work, &hashed, "d", "a", 'x', 10, 0);
	enum vos_tx_state state;
	uint32_t count = 0;
	uint64_t group;

	tx.leads = true;
	tx.leader = 3;
	tx.participants = targets;
	tx.participant_count = 2;
	CHECK_EQUAL(prepare(stand, tx, &op, 1), 0);
	CHECK_EQUAL(apply(stand, 1), -DER_INVAL);
	CHECK_EQUAL(vos_tx_decide(stand->vos, tx_name(2), NULL, &group), -DER_NONEXIST);
	CHECK_EQUAL(vos_tx_decide(stand->vos, tx_name(1), &request, &group), 0);
	CHECK_EQUAL(forget(stand, 1), -DER_BUSY);
	CHECK_EQUAL(vos_tx_state(stand->vos, tx_name(1), &state), 0);
	CHECK_EQUAL(state, VOS_TX_COMMITTED);
	CHECK_EQUAL(vos_tx_each(stand->vos, leader_visit, &count), 0);
	CHECK_EQUAL(apply(stand, 1), 0);
	CHECK_EQUAL(vos_tx_state(stand->vos, tx_name(1), &state), 0);
	CHECK_EQUAL(state, VOS_TX_APPLIED);
	CHECK_EQUAL(vos_tx_each(stand->vos, leader_visit, &count), 0);
	CHECK_EQUAL(count, 2);
	audit_body(stand);
	CHECK_EQUAL(get(stand, "d", "a", EPOCH_MAX), 'x');
	CHECK_EQUAL(forget(stand, 1), 0);
	CHECK_EQUAL(vos_tx_state(stand->vos, tx_name(1), &state), -DER_NONEXIST);
	/* The request has its answer though nobody knows the transaction any more. */
	CHECK_EQUAL(vos_tx_decide(stand->vos, tx_name(1), &request, &group), 0);
	/* A copy of the request that comes late is not executed once more. */
	tx.epoch = EPOCH(20);
	CHECK_EQUAL(prepare(stand, tx, &op, 1), 0);
	CHECK_EQUAL(vos_tx_decide(stand->vos, tx_name(1), &request, &group), -DER_ALREADY);
	CHECK_EQUAL(vos_tx_state(stand->vos, tx_name(1), &state), 0);
	CHECK_EQUAL(state, VOS_TX_PREPARED);
	CHECK_EQUAL(forget(stand, 1), 0);
	CHECK_EQUAL(put(stand, "d", "a", 'y', EPOCH(11)), 0);
	audit_body(stand);
	work_free(&work, 1);
	return 0;
}

static void
leader(void **state)
{
	(void)state;
	stand_test(leader_body);
}

/* ------------------------------------------------ closing in between */

static int
closed_first(void *argument)
{
	struct stand *stand = argument;
	struct piece_of_work work[3];
	struct vos_op ops[3];
	uint64_t group;
	struct vos_tx led = tx_of(2, EPOCH(11));

	ops[0] = op_store(&work[0], &hashed, "d", "a", 'x', 10, 0);
	ops[1] = op_store(&work[1], &hashed, "d2", "a", 'y', 5000, 0);
	ops[2] = op_punch(&work[2], &hashed, "d3", NULL, 0);
	CHECK_EQUAL(put(stand, "d3", "a", 'o', EPOCH(5)), 0);
	CHECK_EQUAL(prepare(stand, tx_of(1, EPOCH(10)), ops, 3), 0);
	work_free(work, 3);
	led.leads = true;
	ops[0] = op_store(&work[0], &other, "d", "a", 'l', 10, 0);
	CHECK_EQUAL(prepare(stand, led, ops, 1), 0);
	CHECK_EQUAL(vos_tx_decide(stand->vos, tx_name(2), NULL, &group), 0);
	CHECK_EQUAL(media_wait(stand->media, group), 0);
	work_free(work, 1);
	return 0;
}

static int
closed_then(void *argument)
{
	struct stand *stand = argument;
	enum vos_tx_state state;
	uint8_t fill;

	audit_body(stand);
	CHECK_EQUAL(vos_tx_state(stand->vos, tx_name(1), &state), 0);
	CHECK_EQUAL(state, VOS_TX_PREPARED);
	CHECK_EQUAL(vos_tx_state(stand->vos, tx_name(2), &state), 0);
	CHECK_EQUAL(state, VOS_TX_COMMITTED);
	/* What is held is held again. */
	for (uint32_t i = 0; i < 3; i++) {
		static const char *const dkeys[] = {"d", "d2", "d3"};

		CHECK_EQUAL(put(stand, dkeys[i], "b", 'z', EPOCH(9)), -DER_TX_RESTART);
		fiber_set_deadline(env_monotonic(stand->env) + 1000000);
		CHECK_EQUAL(put(stand, dkeys[i], "b", 'z', EPOCH(12)), -DER_TIMEDOUT);
		CHECK_EQUAL(get(stand, dkeys[i], "b", EPOCH(12)), -DER_TIMEDOUT);
		fiber_set_deadline(0);
	}
	CHECK_EQUAL(put(stand, "d4", "b", 'z', EPOCH(9)), 0);
	CHECK_EQUAL(apply(stand, 1), 0);
	CHECK_EQUAL(apply(stand, 2), 0);
	CHECK_EQUAL(get(stand, "d", "a", EPOCH_MAX), 'x');
	CHECK_EQUAL(get(stand, "d2", "a", EPOCH_MAX), 'y');
	CHECK_EQUAL(get(stand, "d3", "a", EPOCH_MAX), 0);
	CHECK_EQUAL(store_get(stand, &other, "d", "a", EPOCH_MAX, &fill), 10);
	audit_body(stand);
	return 0;
}

static void
closed(void **state)
{
	struct stand stand = {0};

	(void)state;
	stand_start(&stand, 1);
	CHECK_EQUAL(stand_run(&stand, closed_first), 0);
	stand_reopen(&stand);
	CHECK_EQUAL(stand_run(&stand, closed_then), 0);
	stand_stop(&stand);
}

/* ------------------------------------------------ judging */

/* Prepares one transaction of these changes, which is then applied or was refused. */
static int
judged(struct stand *stand, uint64_t epoch, const struct vos_op *ops, uint32_t count)
{
	static uint64_t number = 100;
	int rc = prepare(stand, tx_of(++number, epoch), ops, count);

	audit_body(stand);
	return rc == 0 ? apply(stand, number) : rc;
}

/* Each change is judged as if those before it had been made. */
static int
ahead_of_it_body(void *argument)
{
	struct stand *stand = argument;
	struct piece_of_work work[5];
	struct vos_op ops[5];

	ops[0] = op_store(&work[0], &hashed, "d", "a", '1', 10, VOS_COND_DKEY_INSERT);
	ops[1] = op_store(&work[1], &hashed, "d", "a", '2', 10, VOS_COND_AKEY_UPDATE);
	ops[2] = op_store(&work[2], &hashed, "d", "b", '3', 10, VOS_COND_DKEY_INSERT);
	CHECK_EQUAL(judged(stand, EPOCH(10), ops, 3), -DER_EXIST);
	CHECK_EQUAL(get(stand, "d", "a", EPOCH_MAX), 0);
	ops[2].conditions = VOS_COND_AKEY_INSERT | VOS_COND_DKEY_UPDATE;
	CHECK_EQUAL(judged(stand, EPOCH(11), ops, 3), 0);
	CHECK_EQUAL(get(stand, "d", "a", EPOCH_MAX), '2');
	CHECK_EQUAL(get(stand, "d", "b", EPOCH_MAX), '3');
	work_free(work, 3);

	/* With its last akey a dkey goes; then it may be inserted. */
	ops[0] = op_punch(&work[0], &hashed, "d", "a", VOS_COND_PUNCH);
	ops[1] = op_store(&work[1], &hashed, "d", "c", '4', 10, VOS_COND_DKEY_UPDATE);
	ops[2] = op_punch(&work[2], &hashed, "d", "b", VOS_COND_PUNCH);
	ops[3] = op_punch(&work[3], &hashed, "d", "c", VOS_COND_PUNCH);
	ops[4] = op_store(&work[4], &hashed, "d", "a", '5', 10,
			  VOS_COND_DKEY_INSERT | VOS_COND_AKEY_INSERT);
	CHECK_EQUAL(judged(stand, EPOCH(12), ops, 5), 0);
	CHECK_EQUAL(get(stand, "d", "a", EPOCH_MAX), '5');
	CHECK_EQUAL(get(stand, "d", "b", EPOCH_MAX), 0);
	CHECK_EQUAL(get(stand, "d", "c", EPOCH_MAX), 0);
	CHECK_EQUAL(get(stand, "d", "a", EPOCH(11) | HLC_MINOR_MASK), '2');
	work_free(work, 5);

	/* What was punched in it cannot be punched again. */
	ops[0] = op_punch(&work[0], &hashed, NULL, NULL, VOS_COND_PUNCH);
	ops[1] = op_punch(&work[1], &hashed, "d", NULL, VOS_COND_PUNCH);
	CHECK_EQUAL(judged(stand, EPOCH(13), ops, 2), -DER_NONEXIST);
	ops[1].conditions = 0;
	CHECK_EQUAL(judged(stand, EPOCH(14), ops, 2), 0);
	CHECK_EQUAL(get(stand, "d", "a", EPOCH_MAX), 0);
	return 0;
}

static void
ahead_of_it(void **state)
{
	(void)state;
	stand_test(ahead_of_it_body);
}

static int
values_body(void *argument)
{
	struct stand *stand = argument;
	struct piece_of_work work[2];
	struct vos_op ops[2];

	ops[0] = op_store(&work[0], &hashed, "d", "array", '1', 10, 0);
	ops[1] = op_extent(&work[1], &hashed, "d", (struct vos_extent){0, 10}, '2');
	CHECK_EQUAL(judged(stand, EPOCH(10), ops, 2), -DER_INVAL);
	ops[0].akeys = &work[1].akey;
	CHECK_EQUAL(judged(stand, EPOCH(11), ops, 1), 0);
	work[1].akey.record_size = 2;
	work[1].extent.count = 5;
	CHECK_EQUAL(judged(stand, EPOCH(12), ops + 1, 1), -DER_INVAL);
	free(work[0].payload);
	ops[0] = op_punch(&work[0], &hashed, "d", NULL, 0);
	CHECK_EQUAL(judged(stand, EPOCH(13), ops, 2), 0);
	/* Newer than the transaction: of what it changes, not of its neighbours. */
	CHECK_EQUAL(put(stand, "d", "b", 'n', EPOCH(20)), 0);
	CHECK_EQUAL(judged(stand, EPOCH(19), ops, 1), -DER_TX_RESTART);
	ops[0] = op_store(&work[0], &hashed, "d", "b", '3', 10, 0);
	CHECK_EQUAL(judged(stand, EPOCH(19), ops, 1), -DER_TX_RESTART);
	free(work[0].payload);
	ops[0] = op_store(&work[0], &hashed, "d", "c", '3', 10, 0);
	CHECK_EQUAL(judged(stand, EPOCH(19), ops, 1), 0);
	work_free(work, 2);
	return 0;
}

static void
values(void **state)
{
	(void)state;
	stand_test(values_body);
}

/* As often as minor epochs can tell apart, and once more. */
static int
minors_body(void *argument)
{
	struct stand *stand = argument;
	const uint32_t count = HLC_MINOR_MASK + 2;
	struct piece_of_work *work = calloc(count, sizeof(*work));
	struct vos_op *ops = calloc(count, sizeof(*ops));

	for (uint32_t i = 0; i < count; i++)
		ops[i] = op_store(&work[i], &hashed, "d", "a", (uint8_t)(i & 0x7f), 20, 0);
	CHECK_EQUAL(judged(stand, EPOCH(10), ops, count), -DER_OVERFLOW);
	CHECK_EQUAL(judged(stand, EPOCH(10), ops, count - 1), 0);
	CHECK_EQUAL(get(stand, "d", "a", EPOCH(10) | HLC_MINOR_MASK), 0x7f);
	CHECK_EQUAL(get(stand, "d", "a", EPOCH(9)), 0);
	work_free(work, count);
	free(work);
	free(ops);
	return 0;
}

static void
minors(void **state)
{
	(void)state;
	stand_test(minors_body);
}

/* ------------------------------------------------ large ones */

/* Keys of many blocks, and more values in the data space than one local transaction frees. */
static int
large_body(void *argument)
{
	enum { AKEY_COUNT = 40, KEY_SIZE = 4000, VALUE_SIZE = 5000 };
	struct stand *stand = argument;
	struct vos_akey akeys[AKEY_COUNT];
	uint8_t *keys = malloc(AKEY_COUNT * KEY_SIZE), *payload = malloc(VALUE_SIZE);
	struct iovec iov = {payload, VALUE_SIZE};
	struct vos_op op = {.kind = VOS_OP_UPDATE,
			    .object = hashed,
			    .dkey = text_key("d"),
			    .akeys = akeys,
			    .count = AKEY_COUNT};
	struct vos_audit audit;

	memset(payload, 'v', VALUE_SIZE);
	memset(keys, 'k', AKEY_COUNT * KEY_SIZE);
	for (uint32_t i = 0; i < AKEY_COUNT; i++) {
		keys[i * KEY_SIZE] = (uint8_t)i;
		akeys[i] = (struct vos_akey){.key = {keys + i * KEY_SIZE, KEY_SIZE},
					     .type = VOS_SINGLE,
					     .record_size = VALUE_SIZE,
					     .payload = &iov,
					     .payload_count = 1};
	}
	CHECK_EQUAL(prepare(stand, tx_of(1, EPOCH(10)), &op, 1), 0);
	CHECK_EQUAL(vos_audit(stand->vos, &audit), 0);
	CHECK_EQUAL(audit.data_blocks, 2 * AKEY_COUNT);
	CHECK_EQUAL(forget(stand, 1), 0);
	CHECK_EQUAL(vos_audit(stand->vos, &audit), 0);
	CHECK_EQUAL(audit.data_blocks, 0);
	CHECK_EQUAL(audit.heap_blocks, 2);
	CHECK_EQUAL(judged(stand, EPOCH(10), &op, 1), 0);
	CHECK_EQUAL(vos_audit(stand->vos, &audit), 0);
	CHECK_EQUAL(audit.values, AKEY_COUNT);
	free(keys);
	free(payload);
	return 0;
}

static void
large(void **state)
{
	struct stand stand = {.media_options.log_size = 32u << 20};

	(void)state;
	stand_start(&stand, 1);
	stand_run(&stand, large_body);
	stand_stop(&stand);
}

/* ------------------------------------------------ limits and refusals */

static int
limits_body(void *argument)
{
	struct stand *stand = argument;
	struct piece_of_work work;
	struct vos_op op = op_store(&work, &hashed, "d", "a", 'x', 10, 0);
	struct vos_op *many = calloc(VOS_OPS_MAX + 1, sizeof(*many));
	struct vos_tx tx = tx_of(1, EPOCH(10));

	CHECK_EQUAL(prepare(stand, tx, many, VOS_OPS_MAX + 1), -DER_OVERFLOW);
	CHECK_EQUAL(prepare(stand, tx, many, 1), -DER_INVAL);
	tx.participant_count = VOS_PARTICIPANTS_MAX + 1;
	CHECK_EQUAL(prepare(stand, tx, &op, 1), -DER_OVERFLOW);
	CHECK_EQUAL(prepare(stand, tx_of(1, EPOCH(10) + 1), &op, 1), -DER_INVAL);
	tx = tx_of(1, EPOCH(10));
	tx.container = tx_name(5);
	CHECK_EQUAL(prepare(stand, tx, &op, 1), -DER_INVAL);
	/* Nothing is changed here; others are. */
	for (uint32_t i = 0; i < VOS_PREPARED_MAX; i++)
		CHECK_EQUAL(prepare(stand, tx_of(i, EPOCH(10)), NULL, 0), 0);
	CHECK_EQUAL(prepare(stand, tx_of(VOS_PREPARED_MAX, EPOCH(10)), &op, 1),
		    -DER_OVERLOAD_RETRY);
	audit_body(stand);
	for (uint32_t i = 0; i < VOS_PREPARED_MAX; i++)
		CHECK_EQUAL(i % 2 ? apply(stand, i) : forget(stand, i), 0);
	CHECK_EQUAL(prepare(stand, tx_of(VOS_PREPARED_MAX, EPOCH(10)), &op, 1), 0);
	CHECK_EQUAL(apply(stand, VOS_PREPARED_MAX), 0);
	free(many);
	work_free(&work, 1);
	return 0;
}

/* Bad input of a change is refused as in the call of its name. */
static int
refused_body(void *argument)
{
	static const struct vos_extent overlapping[] = {{5, 10}, {0, 6}};
	struct stand *stand = argument;
	struct piece_of_work work[2];
	struct vos_op op = op_extent(&work[0], &hashed, "d", (struct vos_extent){0, 16}, 'x');
	struct vos_op punch = op_punch(&work[1], &hashed, "d", "a", 0);
	struct vos_key twice[] = {text_key("same"), text_key("same")};

	work[0].akey.extents = overlapping;
	work[0].akey.extent_count = 2;
	CHECK_EQUAL(judged(stand, EPOCH(10), &op, 1), -DER_INVAL);
	work[0].akey.extent_count = UINT32_MAX;
	CHECK_EQUAL(judged(stand, EPOCH(10), &op, 1), -DER_INVAL);
	work[0].akey.extents = &work[0].extent;
	work[0].akey.extent_count = 1;
	work[0].akey.key.length = VOS_KEY_MAX + 1;
	CHECK_EQUAL(judged(stand, EPOCH(10), &op, 1), -DER_KEY2BIG);
	work[0].akey.key = (struct vos_key){NULL, 5};
	CHECK_EQUAL(judged(stand, EPOCH(10), &op, 1), -DER_INVAL);
	op.count = VOS_AKEYS_MAX + 1;
	CHECK_EQUAL(judged(stand, EPOCH(10), &op, 1), -DER_INVAL);
	op.count = 1;
	op.dkey = (struct vos_key){0};
	CHECK_EQUAL(judged(stand, EPOCH(10), &op, 1), -DER_INVAL);
	punch.count = 0;
	CHECK_EQUAL(judged(stand, EPOCH(10), &punch, 1), -DER_INVAL);
	punch.keys = twice;
	punch.count = 2;
	CHECK_EQUAL(judged(stand, EPOCH(10), &punch, 1), -DER_INVAL);
	work_free(work, 2);
	return 0;
}

static void
refused(void **state)
{
	(void)state;
	stand_test(refused_body);
}

/* As many dkeys as may be held, and more. */
static int
scopes_body(void *argument)
{
	enum { COUNT = 513, SIZE = 12 };
	struct stand *stand = argument;
	struct vos_key *keys = calloc((size_t)COUNT * VOS_AKEYS_MAX, sizeof(*keys));
	char *names = calloc((size_t)COUNT * VOS_AKEYS_MAX, SIZE);
	struct vos_op *ops = calloc(COUNT, sizeof(*ops));
	struct piece_of_work work;
	struct vos_op other_op = op_store(&work, &other, "d", "a", 'x', 10, 0);

	for (uint32_t i = 0; i < COUNT * VOS_AKEYS_MAX; i++) {
		snprintf(names + (size_t)i * SIZE, SIZE, "d%u", i);
		keys[i] = text_key(names + (size_t)i * SIZE);
	}
	for (uint32_t i = 0; i < COUNT; i++)
		ops[i] = (struct vos_op){.kind = VOS_OP_PUNCH_DKEYS,
					 .object = hashed,
					 .keys = keys + (size_t)i * VOS_AKEYS_MAX,
					 .count = VOS_AKEYS_MAX};
	CHECK_EQUAL(put(stand, "d", "a", 'o', EPOCH(5)), 0);
	CHECK_EQUAL(prepare(stand, tx_of(1, EPOCH(10)), ops, COUNT), -DER_OVERFLOW);
	CHECK_EQUAL(prepare(stand, tx_of(2, EPOCH(10)), &other_op, 1), 0);
	CHECK_EQUAL(prepare(stand, tx_of(1, EPOCH(10)), ops, COUNT), -DER_OVERLOAD_RETRY);
	CHECK_EQUAL(prepare(stand, tx_of(1, EPOCH(10)), ops, COUNT - 2), 0);
	CHECK_EQUAL(apply(stand, 1), 0);
	CHECK_EQUAL(apply(stand, 2), 0);
	audit_body(stand);
	work_free(&work, 1);
	free(ops);
	free(names);
	free(keys);
	return 0;
}

static void
scopes(void **state)
{
	(void)state;
	stand_test(scopes_body);
}

static void
limits(void **state)
{
	(void)state;
	stand_test(limits_body);
}

static int
guard_body(void *argument)
{
	struct stand *stand = argument;
	struct piece_of_work work;
	struct vos_op op = op_store(&work, &hashed, "d", "a", 'x', 10, 0);

	vos_set_floor(stand->vos, EPOCH(9) + 5);
	CHECK_EQUAL(prepare(stand, tx_of(1, EPOCH(9)), &op, 1), -DER_TX_RESTART);
	CHECK_EQUAL(prepare(stand, tx_of(1, EPOCH(10)), &op, 1), 0);
	/* A snapshot of a later epoch has it, if it is committed. */
	vos_container_guard(stand->container, EPOCH(20));
	CHECK_EQUAL(prepare(stand, tx_of(2, EPOCH(19)), &op, 1), -DER_TX_RESTART);
	CHECK_EQUAL(apply(stand, 1), 0);
	CHECK_EQUAL(get(stand, "d", "a", EPOCH(20)), 'x');
	work_free(&work, 1);
	return 0;
}

static void
guard(void **state)
{
	(void)state;
	stand_test(guard_body);
}

/* What is prepared for a container that goes is freed, and does not get into the next one. */
static int
destroyed_body(void *argument)
{
	struct stand *stand = argument;
	struct piece_of_work work[2];
	struct vos_op ops[2];
	struct vos_audit audit;
	uint64_t group;
	int rc;

	ops[0] = op_store(&work[0], &hashed, "d", "a", 'x', 10, 0);
	ops[1] = op_store(&work[1], &hashed, "e", "a", 'x', 50000, 0);
	CHECK_EQUAL(prepare(stand, tx_of(1, EPOCH(10)), ops, 2), 0);
	CHECK_EQUAL(vos_container_destroy(stand->vos, container_name(), &group), 0);
	vos_container_close(stand->container);
	stand->container = NULL;
	CHECK_EQUAL(vos_container_create(stand->vos, container_name(), &group), -DER_BUSY);
	audit_body(stand);
	CHECK_EQUAL(apply(stand, 1), 0);
	CHECK_EQUAL(vos_container_create(stand->vos, container_name(), &group), 0);
	CHECK_EQUAL(vos_container_open(stand->vos, container_name(), &stand->container), 0);
	CHECK_EQUAL(get(stand, "d", "a", EPOCH_MAX), 0);
	do
		rc = vos_collect(stand->vos, EPOCH(30), 100);
	while (rc > 0);
	CHECK_EQUAL(rc, 0);
	CHECK_EQUAL(vos_audit(stand->vos, &audit), 0);
	CHECK_EQUAL(audit.data_blocks, 0);
	CHECK_EQUAL(audit.transactions, 0);
	work_free(work, 2);
	return 0;
}

static void
destroyed(void **state)
{
	(void)state;
	stand_test(destroyed_body);
}

/* Others fill the store to the refusal: what is prepared is applied, or forgotten, all the same. */
static int
full_body(void *argument)
{
	enum { COUNT = 300 };
	struct stand *stand = argument;
	struct piece_of_work *work = calloc(COUNT, sizeof(*work));
	struct vos_op *ops = calloc(COUNT, sizeof(*ops));
	struct vos_change change = {.epoch = EPOCH(20)};
	char names[COUNT][16], name[16];
	int rc = 0;

	CHECK_EQUAL(put(stand, "d", "a", 'o', EPOCH(5)), 0);
	for (uint32_t i = 0; i < COUNT; i++) {
		snprintf(names[i], sizeof(names[i]), "prepared%u", i);
		ops[i] = op_store(&work[i], &hashed, names[i], "a", 'x', i % 10 ? 20 : 5000, 0);
	}
	CHECK_EQUAL(prepare(stand, tx_of(1, EPOCH(10)), ops, COUNT / 2), 0);
	CHECK_EQUAL(prepare(stand, tx_of(2, EPOCH(11)), ops + COUNT / 2, COUNT / 2), 0);
	for (uint32_t i = 0; rc == 0; i++) {
		snprintf(name, sizeof(name), "fill%u", i);
		change.epoch += STEP;
		rc = store_put(stand, &other, name, "a", 'f', i % 8 ? 3000 : 100000, &change);
	}
	CHECK_EQUAL(rc, -DER_NOSPACE);
	for (uint32_t i = 0; rc == 0 || i < 50; i++) {
		snprintf(name, sizeof(name), "rest%u", i);
		change.epoch += STEP;
		rc = store_put(stand, &other, name, "a", 'f', 1, &change);
	}
	CHECK_EQUAL(rc, -DER_NOSPACE);
	CHECK_EQUAL(apply(stand, 1), 0);
	CHECK_EQUAL(forget(stand, 2), 0);
	for (uint32_t i = 0; i < COUNT; i++)
		CHECK_EQUAL(get(stand, names[i], "a", EPOCH_MAX), i < COUNT / 2 ? 'x' : 0);
	audit_body(stand);
	work_free(work, COUNT);
	free(work);
	free(ops);
	return 0;
}

static void
full(void **state)
{
	struct stand stand = {.heap_options = {.heap_size = 20 * HEAP_ZONE,
					       .data_size = 8ull << 20,
					       .space_reserve = 5}};

	(void)state;
	stand_start(&stand, 1);
	stand_run(&stand, full_body);
	stand_stop(&stand);
}

/* Memory runs out at each allocation in turn: the transaction is prepared or leaves nothing, and
 * applying goes on where it was. */
static int
memory_body(void *argument)
{
	struct stand *stand = argument;
	struct arena *arena = stand->env->arena;
	struct piece_of_work work[3];
	struct vos_op ops[3];
	uint32_t refused = 0, failed = 0;
	enum vos_tx_state state;
	int rc;

	ops[0] = op_store(&work[0], &hashed, "d", "a", 'x', 10, 0);
	ops[1] = op_store(&work[1], &hashed, "d", "b", 'y', 9000, 0);
	ops[2] = op_punch(&work[2], &hashed, "e", NULL, 0);
	for (uint32_t i = 1; i < 200; i++) {
		arena_fail_at(arena, i);
		rc = prepare(stand, tx_of(i, EPOCH(i + 1)), ops, 3);
		arena_fail_at(arena, 0);
		CHECK(rc == 0 || rc == -DER_NOMEM);
		refused += rc != 0;
		if (rc != 0)
			CHECK_EQUAL(vos_tx_state(stand->vos, tx_name(i), &state), -DER_NONEXIST);
		if (rc != 0)
			continue;
		arena_fail_at(arena, i % 37 + 1);
		rc = apply(stand, i);
		arena_fail_at(arena, 0);
		CHECK(rc == 0 || rc == -DER_NOMEM);
		failed += rc != 0;
		CHECK_EQUAL(apply(stand, i), 0);
		CHECK_EQUAL(get(stand, "d", "b", EPOCH_MAX), 'y');
	}
	CHECK(refused > 5 && failed > 5);
	work_free(work, 3);
	return 0;
}

static void
memory(void **state)
{
	struct stand stand = {0};

	(void)state;
	stand_start(&stand, 1);
	stand_run(&stand, memory_body);
	/* What could not be forgotten for want of memory is forgotten now. */
	stand_reopen(&stand);
	stand_run(&stand, audit_body);
	stand_stop(&stand);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(straight), cmocka_unit_test(forgotten),   cmocka_unit_test(leader),
		cmocka_unit_test(closed),   cmocka_unit_test(ahead_of_it), cmocka_unit_test(values),
		cmocka_unit_test(minors),   cmocka_unit_test(large),	   cmocka_unit_test(limits),
		cmocka_unit_test(guard),    cmocka_unit_test(destroyed),   cmocka_unit_test(memory),
		cmocka_unit_test(refused),  cmocka_unit_test(scopes),	   cmocka_unit_test(full),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
