/* SPDX-License-Identifier: BSD-2-Clause-Patent */
/* Exactly once. */
#include "bench.h"

static struct request_id
request(uint64_t sequence, uint64_t confirmed)
{
	return (struct request_id){.client = uuid_make(5, 6),
				   .sequence = sequence,
				   .confirmed = confirmed,
				   .first_sent = 1000 + sequence};
}

static int
insert(struct stand *stand, const char *dkey, uint64_t epoch, const struct request_id *id)
{
	struct vos_object object = plain_object(0);
	struct vos_change change = {
		.epoch = epoch, .conditions = VOS_COND_DKEY_INSERT, .request = id};

	return store_put(stand, &object, dkey, "a", 1, 10, &change);
}

static int
repeated_body(void *argument)
{
	struct stand *stand = argument;
	struct request_id first = request(1, 1), second = request(2, 1), other = request(3, 3);

	CHECK_EQUAL(insert(stand, "x", 100, &first), 0);
	CHECK_EQUAL(insert(stand, "y", 101, &second), 0);
	/* An insert repeated would find the dkey; a repeated request gets its first answer. */
	CHECK_EQUAL(insert(stand, "x", 102, &first), 0);
	CHECK_EQUAL(insert(stand, "x", 103, NULL), -DER_EXIST);
	/* A refusal changes nothing and is not remembered. */
	CHECK_EQUAL(insert(stand, "x", 104, &other), -DER_EXIST);
	CHECK_EQUAL(insert(stand, "z", 105, &other), 0);
	return 0;
}

static int
reopened_body(void *argument)
{
	struct stand *stand = argument;
	struct request_id first = request(1, 1), third = request(3, 3);

	CHECK_EQUAL(insert(stand, "z", 200, &third), 0);
	/* The third one confirmed the answers of the two before. */
	CHECK_EQUAL(insert(stand, "x", 201, &first), -DER_TX_UNCERTAIN);
	return 0;
}

static void
repeated(void **state)
{
	struct stand stand = {0};

	(void)state;
	stand_start(&stand, 1);
	stand_run(&stand, repeated_body);
	stand_reopen(&stand);
	stand_run(&stand, reopened_body);
	stand_stop(&stand);
}

static int
window_body(void *argument)
{
	struct stand *stand = argument;
	char name[16];
	struct request_id id;

	/* As many open requests as there may be, all repeated in the end. */
	for (uint32_t round = 0; round < 2; round++)
		for (uint64_t i = 1; i <= REQUEST_WINDOW; i++) {
			snprintf(name, sizeof(name), "d%u", (unsigned)i);
			id = request(i, 1);
			CHECK_EQUAL(insert(stand, name, 100 + round * 1000 + i, &id), 0);
		}
	id = request(REQUEST_WINDOW + 1, 1);
	CHECK_EQUAL(insert(stand, "beyond", 5000, &id), -DER_INVAL);
	id = request(REQUEST_WINDOW + 1, 2);
	CHECK_EQUAL(insert(stand, "beyond", 5001, &id), 0);
	id = request(0, 0);
	CHECK_EQUAL(insert(stand, "zero", 5002, &id), -DER_INVAL);
	return 0;
}

static void
window(void **state)
{
	(void)state;
	stand_test(window_body);
}

static int
horizon_body(void *argument)
{
	struct stand *stand = argument;
	struct request_id old = request(1, 1), next = request(2, 1);
	uint64_t group;

	CHECK_EQUAL(insert(stand, "x", 100, &old), 0);
	vos_set_request_horizon(stand->vos, 1002);
	/* What is still remembered is answered; what is not known is refused when it may be too
	 * old. */
	CHECK_EQUAL(insert(stand, "x", 101, &old), 0);
	old = request(1, 1);
	old.client = uuid_make(7, 8);
	CHECK_EQUAL(insert(stand, "w", 102, &old), -DER_TX_UNCERTAIN);
	CHECK_EQUAL(insert(stand, "y", 103, &next), 0);
	/* The horizon passes all requests of the client: collection forgets it. */
	vos_set_request_horizon(stand->vos, 2000);
	CHECK_EQUAL(vos_collect(stand->vos, 50, 100), 0);
	CHECK_EQUAL(insert(stand, "y", 104, &next), -DER_TX_UNCERTAIN);
	/* A client that leaves. */
	next = request(1, 1);
	next.client = uuid_make(9, 9);
	next.first_sent = 3000;
	CHECK_EQUAL(insert(stand, "v", 105, &next), 0);
	CHECK_EQUAL(vos_forget_client(stand->vos, next.client, &group), 0);
	CHECK_EQUAL(vos_forget_client(stand->vos, next.client, &group), 0);
	CHECK_EQUAL(insert(stand, "v", 106, &next), -DER_EXIST);
	return 0;
}

static void
horizon(void **state)
{
	(void)state;
	stand_test(horizon_body);
}

/* A request that was executed is answered so, even where there would be no space for it any more.
 */
static int
full_body(void *argument)
{
	struct stand *stand = argument;
	struct vos_object object = plain_object(0);
	struct request_id id = request(1, 1), unknown = request(2, 1);
	struct vos_change first = {.epoch = 100, .request = &id};
	struct vos_change filler = {.epoch = 100};
	struct vos_change late = {.request = &unknown};
	char name[16];
	uint32_t count = 0;
	int rc;

	CHECK_EQUAL(store_put(stand, &object, "x", "a", 1, 4000, &first), 0);
	do {
		snprintf(name, sizeof(name), "d%u", count++);
		filler.epoch++;
		rc = store_put(stand, &object, name, "a", 1, 4000, &filler);
	} while (rc == 0);
	CHECK_EQUAL(rc, -DER_NOSPACE);
	first.epoch = filler.epoch + 1;
	CHECK_EQUAL(store_put(stand, &object, "x", "a", 1, 4000, &first), 0);
	late.epoch = filler.epoch + 2;
	CHECK_EQUAL(store_put(stand, &object, "y", "a", 1, 4000, &late), -DER_NOSPACE);
	return 0;
}

static void
full(void **state)
{
	(void)state;
	stand_test(full_body);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(repeated),
		cmocka_unit_test(window),
		cmocka_unit_test(horizon),
		cmocka_unit_test(full),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
