/* SPDX-License-Identifier: BSD-2-Clause-Patent */
/* Random changes, punches, collection and snapshots; then the store is rolled back to one snapshot
 * after another, also interrupted, and shows each of them as it always was. */
#include "model.h"

#define SNAPSHOT_OPERATIONS 120u

/* ------------------------------------------------ all that is seen */

struct digesting {
	struct stand *stand;
	uint64_t epoch;
	uint32_t object, dkey;
	uint64_t digest;
};

static void
digest_akey(struct digesting *digesting, uint32_t akey)
{
	struct stand *stand = digesting->stand;
	struct vos_object name = object_name(digesting->object);
	struct vos_extent extent = {0, 30000};
	uint8_t dkey_bytes[KEY_BYTES], akey_bytes[KEY_BYTES];
	struct vos_akey value = {.key = akey_name(digesting->object, akey, akey_bytes),
				 .type = akey == 0 ? VOS_SINGLE : VOS_ARRAY,
				 .extents = &extent,
				 .extent_count = 1};
	struct vos_fetched fetched;
	int rc = vos_fetch(stand->container, &name,
			   dkey_name(digesting->object, digesting->dkey, dkey_bytes), &value, 1,
			   digesting->epoch, VOS_COND_AKEY_FETCH, 0, &fetched);

	CHECK(rc == 0 || rc == -DER_NONEXIST);
	digesting->digest = hash_combine(digesting->digest, rc == 0);
	if (rc != 0)
		return;
	/* A record size stays when an array has become empty. */
	if (akey == 0)
		digesting->digest = hash_combine(digesting->digest, fetched.length);
	for (uint64_t i = 0; i < fetched.length; i++)
		if (fetched.data[i] != 0)
			digesting->digest =
				hash_combine(digesting->digest, i * 256 + fetched.data[i]);
	vos_fetched_free(stand->container, &fetched, 1);
}

/* Of keys that are listed, in their order, and what is beneath. */
static int
digest_visit(void *argument, const struct vos_entry *entry)
{
	struct digesting *digesting = argument;

	digesting->digest =
		hash_combine(digesting->digest, hash64(entry->key.data, entry->key.length, 0));
	return 0;
}

static uint64_t
digest_at(struct stand *stand, uint64_t epoch)
{
	struct digesting digesting = {.stand = stand, .epoch = epoch, .digest = 1};
	uint8_t bytes[KEY_BYTES];

	for (; digesting.object < OBJECTS; digesting.object++) {
		struct vos_object name = object_name(digesting.object);
		struct vos_position position = {0};

		while (position.state != VOS_END)
			CHECK_EQUAL(vos_list(stand->container, &name, VOS_DKEYS,
					     (struct vos_key){0}, (struct vos_key){0}, epoch, 100,
					     &position, digest_visit, &digesting),
				    0);
		for (digesting.dkey = 0; digesting.dkey < DKEYS; digesting.dkey++) {
			position = (struct vos_position){0};
			while (position.state != VOS_END)
				CHECK_EQUAL(
					vos_list(stand->container, &name, VOS_AKEYS,
						 dkey_name(digesting.object, digesting.dkey, bytes),
						 (struct vos_key){0}, epoch, 100, &position,
						 digest_visit, &digesting),
					0);
			for (uint32_t akey = 0; akey < AKEYS; akey++)
				digest_akey(&digesting, akey);
		}
	}
	return digesting.digest;
}

/* ------------------------------------------------ changing and rolling back */

static int
change_body(void *argument)
{
	struct stand *stand = argument;
	struct model *model = &stand->model;
	uint64_t group;
	int rc;

	while (model->snapshot_count < SNAPSHOTS) {
		for (uint32_t i = 0; i < SNAPSHOT_OPERATIONS; i++) {
			if (draw(model, 4) == 0)
				both_punch(stand, &group);
			else
				both_update(stand, &group);
		}
		model->snapshots[model->snapshot_count++] = model->epoch;
		stand_set_snapshots(stand);
		while ((rc = vos_collect(stand->vos, model->epoch, 7)) > 0)
			;
		CHECK_EQUAL(rc, 0);
	}
	return 0;
}

static void
roll_back(struct stand *stand, uint64_t snapshot, uint32_t credits, uint32_t rounds)
{
	struct model *model = &stand->model;
	struct vos_rollback state = {.record = 0};
	int rc = 1;

	model->epoch += 1000;
	for (uint32_t i = 0; rc > 0 && i < rounds; i++)
		rc = vos_rollback(stand->container, snapshot, model->epoch, &state, credits);
	if (rc < 0)
		CHECK_EQUAL(rc, 0);
}

static int
rollback_body(void *argument)
{
	struct stand *stand = argument;
	struct model *model = &stand->model;
	uint64_t digests[SNAPSHOTS];
	int rc;

	for (uint32_t i = 0; i < SNAPSHOTS; i++)
		digests[i] = digest_at(stand, model->snapshots[i]);
	for (uint32_t i = 0; i < 6; i++) {
		uint64_t place = draw(model, SNAPSHOTS);

		/* Some end early, and are done again with another epoch. */
		if (i % 2)
			roll_back(stand, model->snapshots[place], 3, 4);
		roll_back(stand, model->snapshots[place], 50, UINT32_MAX);
		CHECK(digest_at(stand, EPOCH_MAX) == digests[place]);
		audit_body(stand);
		if (i % 3 == 2)
			while ((rc = vos_collect(stand->vos, model->epoch, 50)) > 0)
				;
		for (uint32_t j = 0; j < SNAPSHOTS; j++)
			CHECK(digest_at(stand, model->snapshots[j]) == digests[j]);
	}
	return 0;
}

static void
rollback_run(uint64_t seed)
{
	struct stand stand = {.argument = NULL};
	struct heap_space before, after;

	stand_start(&stand, seed);
	heap_space(stand.heap, &before);
	stand_run(&stand, change_body);
	stand_run(&stand, rollback_body);
	stand_run(&stand, empty_body);
	stand_run(&stand, settle_body);
	stand_run(&stand, audit_body);
	heap_space(stand.heap, &after);
	CHECK_EQUAL(after.heap_free, before.heap_free);
	CHECK_EQUAL(after.data_free, before.data_free);
	stand_stop(&stand);
}

static void
rollbacks(void **state)
{
	(void)state;
	rollback_run(1);
	rollback_run(2);
}

int
main(int argc, char **argv)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(rollbacks),
	};

	if (argc > 1) {
		rollback_run(strtoull(argv[1], NULL, 0));
		return 0;
	}
	return cmocka_run_group_tests(tests, NULL, NULL);
}
