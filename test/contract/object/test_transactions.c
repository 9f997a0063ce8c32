/* SPDX-License-Identifier: BSD-2-Clause-Patent */
/*
 * Transactions over several targets and loops: all or nothing, one point in time, conflicts,
 * answers that are lost, and a server that dies at any moment.
 */
#include "bed.h"

static struct uuid
draw_id(struct bed *bed)
{
	return uuid_make(env_random(bed->env), env_random(bed->env) | 1);
}

static struct objio_view
begin(struct bed *bed)
{
	return (struct objio_view){.transaction = draw_id(bed)};
}

/* ------------------------------------------------ values */

struct put {
	struct iovec iov;
	struct objio_akey akey;
	char dkey[16];
	char text[32];
};

static struct objio_change
put_text(struct put *put, struct object_id id, const char *dkey, const char *text,
	 uint32_t conditions)
{
	snprintf(put->dkey, sizeof(put->dkey), "%s", dkey);
	snprintf(put->text, sizeof(put->text), "%s", text);
	put->iov = (struct iovec){put->text, strlen(put->text)};
	put->akey = (struct objio_akey){
		.key = bed_key("a"),
		.type = PROTO_VALUE_SINGLE,
		.record_size = put->iov.iov_len,
		.payload = &put->iov,
		.payload_count = 1,
	};
	return (struct objio_change){
		.kind = PROTO_CHANGE_UPDATE,
		.conditions = conditions,
		.id = id,
		.dkey = bed_key(put->dkey),
		.akeys = &put->akey,
		.count = 1,
	};
}

static int
get_text(struct bed *bed, struct object_id id, const char *dkey, struct objio_view *view,
	 char text[32])
{
	struct iovec iov = {text, 31};
	struct objio_akey akey = {
		.key = bed_key("a"),
		.type = PROTO_VALUE_SINGLE,
		.payload = &iov,
		.payload_count = 1,
	};
	int rc = objio_fetch(bed->objio, id, bed_key(dkey), &akey, 1, view, 0, false);

	text[rc == 0 ? akey.record_size : 0] = '\0';
	return rc;
}

static void
expect_text(struct bed *bed, struct object_id id, const char *dkey, struct objio_view *view,
	    const char *expected)
{
	char text[32];

	assert_int_equal(get_text(bed, id, dkey, view, text), 0);
	assert_string_equal(text, expected);
}

/* ------------------------------------------------ all or nothing */

#define DKEYS 24u

static void
name_dkey(uint32_t number, char name[16])
{
	snprintf(name, 16, "d%u", number);
}

/* On all targets; with a condition that one of them refuses nothing is left anywhere. */
static int
all_or_nothing(struct bed *bed)
{
	struct object_id id = bed_object(1, BED_MULTI_HASHED, 65535);
	struct objio_view view = begin(bed);
	struct put puts[DKEYS];
	struct objio_change changes[DKEYS + 1];
	struct objio_key gone = bed_key("d3");
	char name[16];

	for (uint32_t i = 0; i < DKEYS; i++) {
		name_dkey(i, name);
		changes[i] = put_text(&puts[i], id, name, "one", VOS_COND_DKEY_INSERT);
	}
	assert_int_equal(objio_commit(bed->objio, &view, changes, DKEYS), 0);
	for (uint32_t i = 0; i < DKEYS; i++) {
		name_dkey(i, name);
		expect_text(bed, id, name, NULL, "one");
	}
	for (uint32_t i = 0; i < DKEYS; i++) {
		name_dkey(i < DKEYS - 1 ? i + 100 : 5, name);
		changes[i] = put_text(&puts[i], id, name, "two", VOS_COND_DKEY_INSERT);
	}
	view = begin(bed);
	assert_int_equal(objio_commit(bed->objio, &view, changes, DKEYS), -DER_EXIST);
	for (uint32_t i = 0; i < DKEYS - 1; i++) {
		name_dkey(i + 100, name);
		expect_text(bed, id, name, NULL, "");
	}
	/* In order: what is punched first can be inserted then. */
	changes[0] = (struct objio_change){.kind = PROTO_CHANGE_PUNCH_DKEYS,
					   .conditions = VOS_COND_PUNCH,
					   .id = id,
					   .keys = &gone,
					   .count = 1};
	changes[1] = put_text(&puts[0], id, "d3", "three", VOS_COND_DKEY_INSERT);
	view = begin(bed);
	assert_int_equal(objio_commit(bed->objio, &view, changes, 2), 0);
	expect_text(bed, id, "d3", NULL, "three");
	/* The whole object, and one key of it new. */
	changes[0] = (struct objio_change){.kind = PROTO_CHANGE_PUNCH_OBJECT, .id = id};
	changes[1] = put_text(&puts[0], id, "d7", "four", 0);
	view = begin(bed);
	assert_int_equal(objio_commit(bed->objio, &view, changes, 2), 0);
	for (uint32_t i = 0; i < DKEYS; i++) {
		name_dkey(i, name);
		expect_text(bed, id, name, NULL, i == 7 ? "four" : "");
	}
	return 0;
}

static void
test_all_or_nothing(void **state)
{
	struct bed bed = {.up = false};

	(void)state;
	bed_init(&bed);
	assert_int_equal(bed_run(&bed, all_or_nothing), 0);
	bed_fini(&bed);
}

/* ------------------------------------------------ one point in time */

static int
point_in_time(struct bed *bed)
{
	struct object_id id = bed_object(2, BED_MULTI_HASHED, 65535);
	struct objio_view first = begin(bed), second = begin(bed), third = begin(bed);
	struct put puts[3];
	struct objio_change changes[3];
	uint64_t epoch;

	assert_int_equal(bed_put(bed, id, "x", "a", "old", 3, 0), 0);
	assert_int_equal(bed_put(bed, id, "y", "a", "old", 3, 0), 0);
	expect_text(bed, id, "x", &first, "old");
	epoch = first.epoch;
	assert_true(epoch != 0 && (epoch & HLC_MINOR_MASK) == 0);
	assert_int_equal(bed_put(bed, id, "y", "a", "new", 3, 0), 0);
	expect_text(bed, id, "y", &first, "old");
	expect_text(bed, id, "y", NULL, "new");
	assert_int_equal(first.epoch, epoch);
	/* It may write what nobody has touched since, but not what has a newer value. */
	changes[0] = put_text(&puts[0], id, "z", "mine", 0);
	changes[1] = put_text(&puts[1], id, "y", "mine", 0);
	assert_int_equal(objio_commit(bed->objio, &first, changes, 2), -DER_TX_RESTART);
	expect_text(bed, id, "z", NULL, "");
	expect_text(bed, id, "y", NULL, "new");
	/* What another transaction has read later is not changed before that. */
	expect_text(bed, id, "x", &second, "old");
	expect_text(bed, id, "x", &third, "old");
	changes[0] = put_text(&puts[0], id, "x", "second", 0);
	changes[1] = put_text(&puts[1], id, "q", "second", 0);
	assert_true(third.epoch > second.epoch);
	assert_int_equal(objio_commit(bed->objio, &second, changes, 2), -DER_TX_RESTART);
	changes[0] = put_text(&puts[0], id, "x", "third", 0);
	assert_int_equal(objio_commit(bed->objio, &third, changes, 1), 0);
	expect_text(bed, id, "x", NULL, "third");
	expect_text(bed, id, "q", NULL, "");
	return 0;
}

static void
test_point_in_time(void **state)
{
	struct bed bed = {.up = false};

	(void)state;
	bed_init(&bed);
	assert_int_equal(bed_run(&bed, point_in_time), 0);
	bed_fini(&bed);
}

/* ------------------------------------------------ much text, much payload */

#define LARGE 40u

static int
large(struct bed *bed)
{
	struct object_id id = bed_object(3, BED_MULTI_HASHED, 65535);
	static uint8_t data[LARGE][100000];
	static struct iovec iov[1500];
	static struct objio_akey akeys[1500];
	static struct objio_change changes[1500];
	static struct proto_extent extents[LARGE];
	static char names[1500][64];
	struct objio_view view = begin(bed);
	static uint8_t read[100000];
	size_t length;

	for (uint32_t i = 0; i < 1500; i++) {
		size_t size = i < LARGE ? 4097 + i * 2417 : i % 50 + 1;

		for (size_t j = 0; j < size; j++)
			data[i % LARGE][j] = (uint8_t)mix64(i % LARGE * 1000003 + j);
		snprintf(names[i], sizeof(names[i]), "%u-%050u", i, i);
		iov[i] = (struct iovec){data[i % LARGE], size};
		akeys[i] = (struct objio_akey){.key = bed_key("a"),
					       .type = i < LARGE ? PROTO_VALUE_ARRAY
								 : PROTO_VALUE_SINGLE,
					       .record_size = i < LARGE ? 1 : size,
					       .payload = &iov[i],
					       .payload_count = 1};
		if (i < LARGE) {
			extents[i] = (struct proto_extent){i * 77, size};
			akeys[i].extents = &extents[i];
			akeys[i].extent_count = 1;
		}
		changes[i] = (struct objio_change){.kind = PROTO_CHANGE_UPDATE,
						   .id = id,
						   .dkey = bed_key(names[i]),
						   .akeys = &akeys[i],
						   .count = 1};
	}
	assert_int_equal(objio_commit(bed->objio, &view, changes, 1500), 0);
	for (uint32_t i = 0; i < 1500; i += i < LARGE ? 1 : 97) {
		if (i < LARGE)
			assert_int_equal(bed_read(bed, id, names[i], i * 77, read, iov[i].iov_len,
						  &length),
					 0);
		else
			assert_int_equal(
				bed_get(bed, id, names[i], "a", read, sizeof(read), &length), 0);
		assert_int_equal(length, iov[i].iov_len);
		assert_memory_equal(read, iov[i].iov_base, length);
	}
	/* Beyond the limits nothing is sent. */
	iov[0] = (struct iovec){data, sizeof(data)};
	extents[0].count = sizeof(data);
	view = begin(bed);
	assert_int_equal(objio_commit(bed->objio, &view, changes, 1), 0);
	view = begin(bed);
	changes[1].akeys = &akeys[0];
	assert_int_equal(objio_commit(bed->objio, &view, changes, 2), -DER_REC2BIG);
	return 0;
}

static void
test_large(void **state)
{
	struct bed bed = {.up = false};

	(void)state;
	bed_init(&bed);
	assert_int_equal(bed_run(&bed, large), 0);
	bed_fini(&bed);
}

/* ------------------------------------------------ lost answers */

static int
lost_answers(struct bed *bed)
{
	struct object_id id = bed_object(4, BED_MULTI_HASHED, 65535);
	struct put puts[4];
	struct objio_change changes[4];
	char name[16];

	for (uint32_t i = 0; i < 20; i++) {
		struct objio_view view = begin(bed);
		uint32_t count = i % 4 ? 4 : 1;

		for (uint32_t j = 0; j < count; j++) {
			name_dkey(i * 4 + j, name);
			changes[j] = put_text(&puts[j], id, name, "one", VOS_COND_DKEY_INSERT);
		}
		memory_link_drop_after(bed->world, i % 2 ? "server" : "client",
				       i % 2 ? "client" : "server", i % 3);
		assert_int_equal(objio_commit(bed->objio, &view, changes, count), 0);
		expect_text(bed, id, name, NULL, "one");
	}
	return 0;
}

static void
test_lost_answers(void **state)
{
	struct bed bed = {.up = false};

	(void)state;
	bed_init(&bed);
	assert_int_equal(bed_run(&bed, lost_answers), 0);
	assert_true(bed_requests(&bed, PROTO_OBJECT_COMMIT) > 20);
	bed_fini(&bed);
}

/* ------------------------------------------------ a bank */

#define ACCOUNTS 8u
#define TELLERS 6u
#define AUDITORS 2u
#define FIRST 1000

struct bank {
	struct bed *bed;
	uint32_t wanted; /* transfers */
	uint32_t done;
	uint32_t restarts;
	uint32_t audits;
	uint32_t running;
	bool stop;
	uint32_t acknowledged[TELLERS]; /* each counts its own in the store, too */
};

struct teller {
	struct bank *bank;
	uint32_t number;
};

static struct object_id
accounts(void)
{
	return bed_object(5, BED_MULTI_HASHED, 65535);
}

static int
read_account(struct bed *bed, uint32_t account, struct objio_view *view, int64_t *ret_balance)
{
	struct iovec iov = {ret_balance, sizeof(*ret_balance)};
	struct objio_akey akey = {
		.key = bed_key("a"),
		.type = PROTO_VALUE_SINGLE,
		.payload = &iov,
		.payload_count = 1,
	};
	char name[16];

	name_dkey(account, name);
	return objio_fetch(bed->objio, accounts(), bed_key(name), &akey, 1, view, 0, false);
}

static struct objio_change
write_number(struct put *put, const char *dkey, const void *number, size_t size)
{
	struct objio_change change = put_text(put, accounts(), dkey, "", 0);

	put->iov = (struct iovec){(void *)(uintptr_t)number, size};
	put->akey.record_size = size;
	return change;
}

static int
transfer(struct teller *teller)
{
	struct bed *bed = teller->bank->bed;
	struct objio_view view = begin(bed);
	uint32_t from = (uint32_t)(env_random(bed->env) % ACCOUNTS);
	uint32_t to = (from + 1 + (uint32_t)(env_random(bed->env) % (ACCOUNTS - 1))) % ACCOUNTS;
	int64_t balances[2], amount = (int64_t)(env_random(bed->env) % 100);
	int64_t round;
	struct put puts[3];
	struct objio_change changes[3];
	char names[3][16];
	int rc = read_account(bed, from, &view, &balances[0]);

	if (rc == 0)
		rc = read_account(bed, to, &view, &balances[1]);
	if (rc == 0)
		rc = read_account(bed, ACCOUNTS + teller->number, &view, &round);
	if (rc != 0)
		return rc;
	round++;
	balances[0] -= amount;
	balances[1] += amount;
	name_dkey(from, names[0]);
	name_dkey(to, names[1]);
	name_dkey(ACCOUNTS + teller->number, names[2]);
	changes[0] = write_number(&puts[0], names[0], &balances[0], sizeof(balances[0]));
	changes[1] = write_number(&puts[1], names[1], &balances[1], sizeof(balances[1]));
	changes[2] = write_number(&puts[2], names[2], &round, sizeof(round));
	return objio_commit(bed->objio, &view, changes, 3);
}

static void
teller_fiber(void *argument)
{
	struct teller *teller = argument;
	struct bank *bank = teller->bank;

	while (!bank->stop) {
		int rc;

		while ((rc = transfer(teller)) == -DER_TX_RESTART) {
			bank->restarts++;
			(void)!fiber_sleep(env_random(bank->bed->env) % BED_MS);
		}
		assert_int_equal(rc, 0);
		bank->acknowledged[teller->number]++;
		bank->done++;
	}
	bank->running--;
}

static int
audit(struct bed *bed, int64_t *ret_sum)
{
	struct objio_view view = begin(bed);
	int64_t balance;

	*ret_sum = 0;
	for (uint32_t i = 0; i < ACCOUNTS; i++) {
		int rc = read_account(bed, i, &view, &balance);

		if (rc != 0)
			return rc;
		*ret_sum += balance;
	}
	return 0;
}

static void
auditor_fiber(void *argument)
{
	struct bank *bank = argument;
	int64_t sum;

	while (!bank->stop) {
		int rc = audit(bank->bed, &sum);

		assert_true(rc == 0 || rc == -DER_TX_RESTART);
		if (rc == 0)
			assert_int_equal(sum, FIRST * ACCOUNTS);
		bank->audits += rc == 0;
		(void)!fiber_sleep(BED_MS);
	}
	bank->running--;
}

static int
open_bank(struct bed *bed)
{
	const int64_t first = FIRST;
	const int64_t none = 0;
	char name[16];

	for (uint32_t i = 0; i < ACCOUNTS; i++) {
		name_dkey(i, name);
		assert_int_equal(bed_put(bed, accounts(), name, "a", &first, sizeof(first), 0), 0);
	}
	for (uint32_t i = 0; i < TELLERS; i++) {
		name_dkey(ACCOUNTS + i, name);
		assert_int_equal(bed_put(bed, accounts(), name, "a", &none, sizeof(none), 0), 0);
	}
	return 0;
}

static bool
enough(void *argument)
{
	const struct bank *bank = argument;

	return bank->done >= bank->wanted;
}

static bool
all_ended(void *argument)
{
	return ((struct bank *)argument)->running == 0;
}

static int
check_bank(struct bed *bed)
{
	struct bank *bank = bed->argument;
	int64_t sum, round;
	int rc;

	while ((rc = audit(bed, &sum)) == -DER_TX_RESTART)
		fiber_yield();
	assert_int_equal(rc, 0);
	assert_int_equal(sum, FIRST * ACCOUNTS);
	/* Each was made once, those with a lost answer, too. */
	for (uint32_t i = 0; i < TELLERS; i++) {
		assert_int_equal(read_account(bed, ACCOUNTS + i, NULL, &round), 0);
		assert_int_equal(round, bank->acknowledged[i]);
	}
	return 0;
}

static void
bank_start(struct bank *bank, struct teller *tellers)
{
	bank->running = TELLERS + AUDITORS;
	for (uint32_t i = 0; i < TELLERS; i++) {
		tellers[i] = (struct teller){bank, i};
		bed_spawn(bank->bed, teller_fiber, &tellers[i]);
	}
	for (uint32_t i = 0; i < AUDITORS; i++)
		bed_spawn(bank->bed, auditor_fiber, bank);
}

static void
bank_end(struct bank *bank)
{
	bank->stop = true;
	assert_true(bed_step(bank->bed, all_ended, bank, 60000 * BED_MS));
	bank->bed->argument = bank;
	assert_int_equal(bed_run(bank->bed, check_bank), 0);
}

static void
test_bank(void **state)
{
	struct bed bed = {.up = false};
	struct bank bank = {.bed = &bed, .wanted = 200};
	struct teller tellers[TELLERS];

	(void)state;
	bed_init(&bed);
	assert_int_equal(bed_run(&bed, open_bank), 0);
	bank_start(&bank, tellers);
	assert_true(bed_step(&bed, enough, &bank, 600000 * BED_MS));
	bank_end(&bank);
	assert_true(bank.audits > 0);
	bed_fini(&bed);
}

/* Killed at any moment: between prepare, decision and apply, too. */
#define KILLS 25u

static void
test_bank_with_kills(void **state)
{
	struct bed bed = {.up = false};
	struct bank bank = {.bed = &bed};
	struct teller tellers[TELLERS];

	(void)state;
	bed_init(&bed);
	assert_int_equal(bed_run(&bed, open_bank), 0);
	bank_start(&bank, tellers);
	for (uint32_t i = 0; i < KILLS; i++) {
		bank.wanted = bank.done + 1 + i % 3;
		assert_true(bed_step(&bed, enough, &bank, 600000 * BED_MS));
		/* Some more steps, so that it dies elsewhere each time. */
		for (uint32_t j = 0; j < i * 7 % 23; j++) {
			bank.wanted = UINT32_MAX;
			(void)bed_step(&bed, enough, &bank, BED_MS / 50);
		}
		bed_server_kill(&bed);
		bed_server_start(&bed);
	}
	bank_end(&bank);
	bed_fini(&bed);
}

/* ------------------------------------------------ what a kill leaves, state by state */

struct left {
	struct bed *bed;
	struct vos_tx tx;
	uint32_t target;
	const char *text;
	int result;
};

static int
prepare_here(void *argument)
{
	struct left *left = argument;
	struct vos *vos = left->bed->targets[left->target].vos;
	struct iovec iov = {(void *)(uintptr_t)left->text, strlen(left->text)};
	struct vos_akey akey = {
		.key = {"a", 1},
		.type = VOS_SINGLE,
		.record_size = iov.iov_len,
		.payload = &iov,
		.payload_count = 1,
	};
	struct vos_op op = {
		.kind = VOS_OP_UPDATE,
		.object = {.id = bed_object(6, BED_MULTI_HASHED, 1)},
		.dkey = {"k", 1},
		.akeys = &akey,
		.count = 1,
	};
	struct vos_container *container;
	uint64_t group;

	assert_int_equal(vos_container_open(vos, left->bed->container, &container), 0);
	assert_int_equal(vos_tx_prepare(container, &left->tx, &op, 1, &group), 0);
	assert_int_equal(media_wait(heap_media(vos_heap(vos)), group), 0);
	vos_container_close(container);
	return 0;
}

static int
decide_here(void *argument)
{
	struct left *left = argument;
	struct vos *vos = left->bed->targets[left->target].vos;
	uint64_t group;

	assert_int_equal(vos_tx_decide(vos, left->tx.id, NULL, &group), 0);
	return media_wait(heap_media(vos_heap(vos)), group);
}

static int
apply_here(void *argument)
{
	struct left *left = argument;
	struct vos *vos = left->bed->targets[left->target].vos;
	uint64_t group;

	assert_int_equal(vos_tx_apply(vos, left->tx.id, &group), 0);
	return media_wait(heap_media(vos_heap(vos)), group);
}

/* Whether the value is there, and that the transaction is not known any more. */
static int
look_here(void *argument)
{
	struct left *left = argument;
	struct vos *vos = left->bed->targets[left->target].vos;
	struct vos_object object = {.id = bed_object(6, BED_MULTI_HASHED, 1)};
	struct vos_akey akey = {.key = {"a", 1}, .type = VOS_SINGLE};
	struct vos_container *container;
	struct vos_fetched fetched = {0};
	enum vos_tx_state state;

	assert_int_equal(vos_tx_state(vos, left->tx.id, &state), -DER_NONEXIST);
	assert_int_equal(vos_container_open(vos, left->bed->container, &container), 0);
	assert_int_equal(vos_fetch(container, &object, (struct vos_key){"k", 1}, &akey, 1,
				   EPOCH_MAX, 0, 0, &fetched),
			 0);
	left->result = fetched.record_size > 0 &&
		       memcmp(fetched.data, left->text, strlen(left->text)) == 0;
	vos_fetched_free(container, &fetched, 1);
	vos_container_close(container);
	return 0;
}

static void
on_target(struct left *left, uint32_t target, int (*function)(void *argument))
{
	left->target = target;
	left->tx.leads = target == left->tx.leader;
	assert_int_equal(bed_run_server(left->bed, target % BED_LOOPS, function, left), 0);
}

/* prepared, applied: one bit per target; target 1 leads. */
static void
leave_and_look(struct bed *bed, uint32_t number, uint32_t prepared, bool decided, uint32_t applied)
{
	static const uint32_t others[] = {0, 2, 3};
	char text[16];
	struct left left = {.bed = bed, .text = text};

	snprintf(text, sizeof(text), "value %u", number);
	left.tx = (struct vos_tx){
		.id = uuid_make(77, number),
		.container = bed->container,
		.epoch = hlc_now(&bed->clock, env_realtime(bed->loops[0].env)),
		.leader = 1,
	};
	for (uint32_t i = 0; i < BED_TARGETS; i++) {
		left.tx.participants = i == 1 ? others : NULL;
		left.tx.participant_count = i == 1 ? ARRAY_SIZE(others) : 0;
		if (prepared & 1u << i)
			on_target(&left, i, prepare_here);
	}
	if (decided)
		on_target(&left, 1, decide_here);
	for (uint32_t i = 0; i < BED_TARGETS; i++)
		if (applied & 1u << i)
			on_target(&left, i, apply_here);
	bed_server_kill(bed);
	bed_server_start(bed);
	for (uint32_t i = 0; i < BED_TARGETS; i++) {
		on_target(&left, i, look_here);
		assert_int_equal(left.result, decided);
	}
}

static void
test_every_state_is_resolved(void **state)
{
	struct bed bed = {.up = false};
	uint32_t number = 0;

	(void)state;
	bed_init(&bed);
	for (uint32_t prepared = 0; prepared < 16; prepared++)
		leave_and_look(&bed, ++number, prepared, false, 0);
	for (uint32_t applied = 0; applied < 16; applied++)
		leave_and_look(&bed, ++number, 15, true, applied);
	bed_fini(&bed);
}

/* ------------------------------------------------ who meets what is prepared */

struct waiter {
	struct bed *bed;
	bool reads;
	bool ended;
	int rc;
	char text[32];
};

static void
waiter_fiber(void *argument)
{
	struct waiter *waiter = argument;
	struct bed *bed = waiter->bed;
	struct object_id id = bed_object(6, BED_MULTI_HASHED, 1);
	struct objio_view view = begin(bed);
	struct put puts[2];
	struct objio_change changes[2] = {
		put_text(&puts[0], id, "k", "after", 0),
		put_text(&puts[1], bed_object(7, BED_MULTI_HASHED, 65535), "other", "after",
			 VOS_COND_DKEY_INSERT),
	};

	waiter->rc = waiter->reads ? get_text(bed, id, "k", NULL, waiter->text)
				   : objio_commit(bed->objio, &view, changes, 2);
	waiter->ended = true;
}

static bool
both_ended(void *argument)
{
	const struct waiter *waiters = argument;

	return waiters[0].ended && waiters[1].ended;
}

static bool
any_ended(void *argument)
{
	const struct waiter *waiters = argument;

	return waiters[0].ended || waiters[1].ended;
}

/* A reader and a later transaction wait for one that is prepared; a commit that comes again
 * meanwhile is told so, and waits for its first arrival. */
static void
test_prepared_is_waited_for(void **state)
{
	struct bed bed = {.up = false};
	struct left left = {.bed = &bed, .text = "before"};
	struct waiter waiters[2];
	struct placement_map map;

	(void)state;
	bed_init(&bed);
	map = objio_pool_placement(bed.objio_pool);
	left.tx = (struct vos_tx){
		.id = uuid_make(77, 1),
		.container = bed.container,
		.epoch = hlc_now(&bed.clock, env_realtime(bed.loops[0].env)),
		.leader = placement_target(&map, bed_object(6, BED_MULTI_HASHED, 1), 0),
	};
	on_target(&left, left.tx.leader, prepare_here);
	for (uint32_t i = 0; i < 2; i++) {
		waiters[i] = (struct waiter){.bed = &bed, .reads = i == 1};
		bed_spawn(&bed, waiter_fiber, &waiters[i]);
	}
	assert_false(bed_step(&bed, any_ended, waiters, 50 * BED_MS));
	/* Connections are lost: the commit is sent again. */
	memory_disconnect(bed.world, "client", "server");
	assert_false(bed_step(&bed, any_ended, waiters, 2000 * BED_MS));
	assert_true(bed_requests(&bed, PROTO_OBJECT_COMMIT) > 1);
	on_target(&left, left.tx.leader, decide_here);
	on_target(&left, left.tx.leader, apply_here);
	assert_true(bed_step(&bed, both_ended, waiters, 5000 * BED_MS));
	assert_int_equal(waiters[0].rc, 0);
	assert_int_equal(waiters[1].rc, 0);
	/* Never what was before both. */
	assert_true(strcmp(waiters[1].text, "before") == 0 ||
		    strcmp(waiters[1].text, "after") == 0);
	bed_fini(&bed);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_all_or_nothing),
		cmocka_unit_test(test_point_in_time),
		cmocka_unit_test(test_large),
		cmocka_unit_test(test_lost_answers),
		cmocka_unit_test(test_bank),
		cmocka_unit_test(test_bank_with_kills),
		cmocka_unit_test(test_every_state_is_resolved),
		cmocka_unit_test(test_prepared_is_waited_for),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
