/* SPDX-License-Identifier: BSD-2-Clause-Patent */
/* Snapshots and crashes of the engine: what was answered is there, a request that is sent again
 * gets its first answer, nothing is counted twice. */
#include "site.h"

#define SNAPSHOTS 12u
#define CRASHES 30u

struct crashing {
	struct site *site;
	struct uuid handle;
	uint32_t number; /* of names */
	/* The operation under way, or the one that was not answered. */
	struct request_id id;
	bool creating;
	uint64_t epoch; /* that is being destroyed */
	uint32_t count;
	uint64_t epochs[SNAPSHOTS]; /* that are there */
};

static struct crashing crashing;

/* ------------------------------------------------ calls */

static int
create_snapshot(const struct request_id *id, uint32_t number, uint64_t *ret_epoch)
{
	char label[16];
	struct proto_snapshot_call wanted = {.handle = crashing.handle};
	struct call call;
	int rc;

	snprintf(label, sizeof(label), "n%u", number);
	wanted.name = text(label);
	call_begin(&call, crashing.site);
	proto_snapshot_call_encode(&wanted, &call.writer);
	rc = call_send(&call, PROTO_CONTAINER_CREATE_SNAPSHOT, id);
	if (rc == 0)
		*ret_epoch = reader_u64(&call.reply.body);
	call_end(&call);
	return rc;
}

static int
destroy_snapshot(const struct request_id *id, uint64_t epoch)
{
	struct proto_snapshot_call wanted = {
		.handle = crashing.handle, .first = epoch, .last = epoch};
	struct call call;
	int rc;

	call_begin(&call, crashing.site);
	proto_snapshot_call_encode(&wanted, &call.writer);
	rc = call_send(&call, PROTO_CONTAINER_DESTROY_SNAPSHOTS, id);
	if (rc == 0)
		assert_int_equal(reader_u32(&call.reply.body), 1);
	call_end(&call);
	return rc;
}

/* One operation, under crashing.id, which stays open until there is an answer. */
static int
operate(void)
{
	uint64_t epoch = 0;
	int rc = crashing.creating ? create_snapshot(&crashing.id, crashing.number, &epoch)
				   : destroy_snapshot(&crashing.id, crashing.epoch);

	if (rc)
		return rc;
	rpc_window_close(crashing.site->window, &crashing.id);
	if (crashing.creating) {
		assert_true(crashing.count == 0 || epoch > crashing.epochs[crashing.count - 1]);
		crashing.epochs[crashing.count++] = epoch;
		crashing.number++;
		return 0;
	}
	for (uint32_t i = 0; i < crashing.count; i++)
		if (crashing.epochs[i] == crashing.epoch) {
			memmove(&crashing.epochs[i], &crashing.epochs[i + 1],
				(crashing.count - i - 1) * sizeof(uint64_t));
			crashing.count--;
		}
	return 0;
}

/* Until there is an operation without an answer. */
static int
operate_on(struct site *site)
{
	int rc = 0;

	while (rc == 0) {
		uint64_t drawn = memory_world_random(site->world);

		crashing.creating = crashing.count == 0 ||
				    (crashing.count < SNAPSHOTS && drawn % 3 != 0);
		if (!crashing.creating)
			crashing.epoch = crashing.epochs[drawn / 3 % crashing.count];
		crashing.id = next_id(site);
		rc = operate();
	}
	return rc;
}

/* ------------------------------------------------ checks */

static int
check(struct site *site)
{
	struct proto_snapshot_call wanted = {.handle = crashing.handle};
	struct proto_container_info info;
	struct proto_snapshots page;
	struct call call;

	/* Again what was not answered. */
	assert_int_equal(operate(), 0);
	call_begin(&call, site);
	proto_snapshot_call_encode(&wanted, &call.writer);
	assert_int_equal(call_send(&call, PROTO_CONTAINER_LIST_SNAPSHOTS, NULL), 0);
	assert_int_equal(proto_snapshots_decode(&call.reply.body, site->client_env->arena, &page),
			 0);
	assert_int_equal(page.count, crashing.count);
	for (uint32_t i = 0; i < page.count; i++)
		assert_true(page.items[i].epoch == crashing.epochs[i]);
	proto_snapshots_free(site->client_env->arena, &page);
	call_end(&call);
	call_begin(&call, site);
	proto_uuid_encode(crashing.handle, &call.writer);
	writer_u8(&call.writer, 0);
	assert_int_equal(call_send(&call, PROTO_CONTAINER_QUERY, NULL), 0);
	assert_int_equal(proto_container_info_decode(&call.reply.body, &info), 0);
	assert_int_equal(info.snapshot_count, crashing.count);
	assert_true(info.latest_snapshot ==
		    (crashing.count ? crashing.epochs[crashing.count - 1] : 0));
	call_end(&call);
	return 0;
}

static int
open_body(struct site *site)
{
	struct proto_pool_created created;
	struct uuid pool, id;

	assert_int_equal(create_pool(site, "tank", 64, &created), 0);
	assert_int_equal(connect_pool(site, "tank", DAOS_PC_RW, &pool), 0);
	assert_int_equal(create_container(site, pool, "home", &id), 0);
	return open_container(site, pool, "home", DAOS_COO_RW, &crashing.handle);
}

/* ------------------------------------------------ crashes */

static void
test_crashes(void **state)
{
	struct site site = {.loop_count = 2, .target_count = 3};

	(void)state;
	crashing = (struct crashing){.site = &site};
	site_begin(&site, 17);
	site_run(&site, open_body);
	for (uint32_t i = 0; i < CRASHES; i++) {
		uint64_t after = 500000 + memory_world_random(site.world) % 3000000;

		assert_false(site_crash(&site, operate_on, after, i % 2));
		site_run(&site, check);
	}
	assert_true(crashing.number > CRASHES);
	site_end(&site);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_crashes),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
