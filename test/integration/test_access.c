/* SPDX-License-Identifier: BSD-2-Clause-Patent */
/* The public calls about access, and the rest of the pool's: permissions, lists of many, one
 * target, handles that carry their rights. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <gurt/common.h>

#include "client/client.h"
#include "daos_mgmt.h"
#include "embedded_bed.h"

static struct embedded_bed bed;

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

/* ------------------------------------------------ permissions */

static struct daos_acl *
list_of(const char *first, const char *second)
{
	const char *texts[] = {first, second};
	struct daos_acl *acl;

	assert_ok(daos_acl_from_strs(texts, second ? 2 : 1, &acl));
	return acl;
}

static daos_prop_t *
access_of(daos_handle_t container)
{
	daos_prop_t *list;

	assert_ok(daos_cont_get_acl(container, &list, NULL));
	return list;
}

static void
permissions_are_those_of_the_engine(void **state)
{
	const uint64_t access = DAOS_ACL_PERM_GET_ACL | DAOS_ACL_PERM_SET_ACL;
	daos_prop_t *pool = daos_prop_alloc(0), *list;
	struct daos_acl *acl = list_of("A::EVERYONE@:r", NULL);
	gid_t group = getegid();
	uint64_t permissions = 0;

	(void)state;
	assert_ok(daos_pool_query(bed.pool, NULL, NULL, pool, NULL));
	assert_ok(daos_pool_get_perms(pool, geteuid(), &group, 1, &permissions));
	assert_int_equal(permissions, DAOS_ACL_PERM_READ | DAOS_ACL_PERM_WRITE);
	assert_int_equal(daos_pool_get_perms(NULL, 0, NULL, 0, &permissions), -DER_INVAL);
	assert_int_equal(daos_pool_get_perms(pool, 0, NULL, 1, &permissions), -DER_INVAL);
	assert_int_equal(daos_pool_get_perms(pool, 0, NULL, 0, NULL), -DER_INVAL);
	assert_int_equal(daos_pool_get_perms(pool, 987654321, NULL, 0, &permissions),
			 -DER_NONEXIST);
	/* A list of a pool is none of a container. */
	assert_int_equal(daos_cont_get_perms(pool, geteuid(), NULL, 0, &permissions), -DER_INVAL);
	daos_prop_free(pool);

	list = access_of(bed.container);
	assert_ok(daos_cont_get_perms(list, geteuid(), NULL, 0, &permissions));
	assert_int_equal(permissions, DAOS_ACL_PERM_CONT_ALL);
	daos_prop_free(list);
	assert_ok(daos_cont_overwrite_acl(bed.container, acl, NULL));
	list = access_of(bed.container);
	assert_ok(daos_cont_get_perms(list, geteuid(), NULL, 0, &permissions));
	assert_int_equal(permissions, DAOS_ACL_PERM_READ | access);
	daos_prop_free(list);
	daos_acl_free(acl);
	acl = list_of("A::OWNER@:rwdtTaAo", "A:G:GROUP@:rwtT");
	assert_ok(daos_cont_overwrite_acl(bed.container, acl, NULL));
	daos_acl_free(acl);
}

static void
lists_are_changed_by_the_service(void **state)
{
	struct daos_acl *acl = list_of("A::somebody@:r", "A:G:dev@:rw");
	char name[] = "somebody@", bad[] = "somebody";
	daos_prop_t *list;

	(void)state;
	assert_ok(daos_cont_update_acl(bed.container, acl, NULL));
	daos_acl_free(acl);
	assert_ok(daos_cont_delete_acl(bed.container, DAOS_ACL_USER, name, NULL));
	assert_int_equal(daos_cont_delete_acl(bed.container, DAOS_ACL_USER, name, NULL),
			 -DER_NONEXIST);
	assert_int_equal(daos_cont_delete_acl(bed.container, DAOS_ACL_USER, bad, NULL), -DER_INVAL);
	assert_int_equal(daos_cont_delete_acl(bed.container, DAOS_ACL_USER, NULL, NULL),
			 -DER_INVAL);
	assert_int_equal(daos_cont_delete_acl(bed.container, NUM_DAOS_ACL_TYPES, NULL, NULL),
			 -DER_INVAL);
	assert_int_equal(daos_cont_update_acl(bed.container, NULL, NULL), -DER_INVAL);
	list = access_of(bed.container);
	assert_int_equal(
		daos_acl_get_size(daos_prop_entry_get(list, DAOS_PROP_CO_ACL)->dpe_val_ptr),
		8 + 32 + 32 + 40);
	daos_prop_free(list);
}

/* ------------------------------------------------ handles */

static void
handles_carry_their_rights(void **state)
{
	d_iov_t pool = {0}, container = {0};
	daos_handle_t other_pool, other, reader;
	uint64_t first;

	(void)state;
	assert_ok(daos_cont_open(bed.pool, "test", DAOS_COO_RO, &reader, NULL, NULL));
	assert_ok(daos_pool_local2global(bed.pool, &pool));
	assert_ok(daos_cont_local2global(reader, &container));
	pool.iov_buf = malloc(pool.iov_buf_len);
	container.iov_buf = malloc(container.iov_buf_len);
	assert_ok(daos_pool_local2global(bed.pool, &pool));
	assert_ok(daos_cont_local2global(reader, &container));
	assert_ok(daos_pool_global2local(pool, &other_pool));
	assert_ok(daos_cont_global2local(other_pool, container, &other));
	assert_int_equal(daos_cont_alloc_oids(other, 1, &first, NULL), -DER_NO_PERM);
	assert_ok(daos_cont_close(other, NULL));
	assert_ok(daos_pool_disconnect(other_pool, NULL));
	assert_ok(daos_cont_close(reader, NULL));
	free(pool.iov_buf);
	free(container.iov_buf);
}

static void
who_is_evicted_is_told_so(void **state)
{
	daos_handle_t pool, container;
	daos_pool_info_t info = {.pi_bits = DPI_ALL};
	uint32_t count = 0;

	(void)state;
	assert_ok(daos_pool_connect("default", NULL, DAOS_PC_RW, &pool, NULL, NULL));
	assert_ok(daos_cont_open(pool, "test", DAOS_COO_RW, &container, NULL, NULL));
	assert_ok(client_pool_evict("default", &count));
	assert_int_equal(count, 2);
	assert_int_equal(daos_pool_query(pool, NULL, &info, NULL, NULL), -DER_NO_HDL);
	assert_int_equal(daos_cont_query(container, NULL, NULL, NULL), -DER_NO_HDL);
	assert_ok(daos_cont_close(container, NULL));
	assert_ok(daos_pool_disconnect(pool, NULL));
	/* Those of the bed are gone as well. */
	assert_ok(daos_cont_close(bed.container, NULL));
	assert_ok(daos_pool_disconnect(bed.pool, NULL));
	assert_ok(daos_pool_connect("default", NULL, DAOS_PC_RW, &bed.pool, NULL, NULL));
	assert_ok(daos_cont_open(bed.pool, "test", DAOS_COO_RW, &bed.container, NULL, NULL));
}

/* ------------------------------------------------ the rest of the pool's calls */

static void
targets_are_asked_one_by_one(void **state)
{
	daos_pool_info_t info = {.pi_bits = DPI_SPACE};
	daos_target_info_t target;
	uint64_t total = 0;

	(void)state;
	assert_ok(daos_pool_query(bed.pool, NULL, &info, NULL, NULL));
	for (uint32_t i = 0; i < info.pi_ntargets; i++) {
		assert_ok(daos_pool_query_target(bed.pool, i, 0, &target, NULL));
		assert_int_equal(target.ta_state, DAOS_TS_UP_IN);
		total += target.ta_space.s_total[DAOS_MEDIA_NVME];
	}
	assert_true(total > 0);
	assert_int_equal(daos_pool_query_target(bed.pool, info.pi_ntargets, 0, &target, NULL),
			 -DER_NONEXIST);
	assert_int_equal(daos_pool_query_target(bed.pool, 0, 1, &target, NULL), -DER_NONEXIST);
	assert_int_equal(daos_pool_query_target(bed.pool, 0, 0, NULL, NULL), -DER_INVAL);
	assert_int_equal(daos_pool_query_target(bed.container, 0, 0, &target, NULL), -DER_NO_HDL);
}

static void
a_service_that_stops_goes_on(void **state)
{
	daos_pool_info_t info = {.pi_bits = 0};
	uuid_t id = {0};
	int blob;

	(void)state;
	assert_ok(daos_pool_stop_svc(bed.pool, NULL));
	assert_ok(daos_pool_query(bed.pool, NULL, &info, NULL, NULL));
	assert_int_equal(daos_pool_stop_svc(DAOS_HDL_INVAL, NULL), -DER_NO_HDL);
	assert_int_equal(daos_mgmt_get_bs_state(NULL, id, &blob, NULL), -DER_NONEXIST);
	assert_int_equal(daos_mgmt_get_bs_state(NULL, id, NULL, NULL), -DER_INVAL);
}

static daos_pool_cont_filter_part_t *
condition(uint32_t function, uint32_t key, uint64_t value)
{
	daos_pool_cont_filter_part_t *part;

	D_ALLOC_PTR(part);
	assert_non_null(part);
	part->pcfp_func = function;
	part->pcfp_key = key;
	part->pcfp_val64 = value;
	return part;
}

#define MANY 150u

static void
containers_are_filtered(void **state)
{
	struct daos_pool_cont_info2 *entries = calloc(MANY, sizeof(*entries));
	daos_pool_cont_filter_t filter;
	daos_size_t count = 0;
	char label[32];

	(void)state;
	assert_non_null(entries);
	for (uint32_t i = 0; i < MANY; i++) {
		snprintf(label, sizeof(label), "many-%u", i);
		assert_ok(daos_cont_create_with_label(bed.pool, label, NULL, NULL, NULL));
	}
	assert_ok(daos_pool_filter_cont(bed.pool, NULL, &count, NULL, NULL));
	assert_int_equal(count, MANY + 1);
	count = MANY;
	assert_int_equal(daos_pool_filter_cont(bed.pool, NULL, &count, entries, NULL), -DER_TRUNC);
	assert_int_equal(count, MANY + 1);

	assert_ok(daos_pool_cont_filter_init(&filter, PCF_COMBINE_LOGICAL_AND));
	assert_ok(
		daos_pool_cont_filter_add(&filter, condition(PCF_FUNC_GE, PCF_KEY_NUM_HANDLES, 1)));
	assert_ok(daos_pool_cont_filter_add(&filter,
					    condition(PCF_FUNC_EQ, PCF_KEY_NUM_SNAPSHOTS, 0)));
	count = MANY;
	assert_ok(daos_pool_filter_cont(bed.pool, &filter, &count, entries, NULL));
	assert_int_equal(count, 1);
	assert_string_equal(entries[0].pci_id.pci_label, "test");
	assert_int_equal(entries[0].pci_cinfo.ci_nhandles, 1);
	assert_true(entries[0].pci_cinfo.ci_md_otime > 0);
	filter.pcf_combine_func = PCF_COMBINE_LOGICAL_OR;
	count = 0;
	assert_ok(daos_pool_filter_cont(bed.pool, &filter, &count, NULL, NULL));
	assert_int_equal(count, MANY + 1);
	filter.pcf_combine_func = 2;
	assert_int_equal(daos_pool_filter_cont(bed.pool, &filter, &count, NULL, NULL), -DER_INVAL);
	assert_int_equal(daos_pool_filter_cont(bed.pool, NULL, NULL, NULL, NULL), -DER_INVAL);
	daos_pool_cont_filter_fini(&filter);
	for (uint32_t i = 0; i < MANY; i++) {
		snprintf(label, sizeof(label), "many-%u", i);
		assert_ok(daos_cont_destroy(bed.pool, label, 0, NULL));
	}
	free(entries);
}

/* More names than an answer holds, set some at a time. */
static void
attributes_are_listed_in_pages(void **state)
{
	enum { AT_ONCE = 32, TIMES = 10, LENGTH = 400 };
	char(*names)[LENGTH + 1] = calloc(AT_ONCE + 1, sizeof(*names)), *list, *at;
	const char *pointers[AT_ONCE + 1];
	const void *values[AT_ONCE + 1];
	size_t sizes[AT_ONCE + 1], size = 0, room;
	uint32_t count = 0;

	(void)state;
	assert_non_null(names);
	for (uint32_t turn = 0; turn < TIMES; turn++) {
		for (uint32_t i = 0; i <= AT_ONCE; i++) {
			snprintf(names[i], LENGTH + 1, "%0*u", LENGTH, turn * AT_ONCE + i);
			pointers[i] = names[i];
			values[i] = "x";
			sizes[i] = 1;
		}
		assert_int_equal(daos_cont_set_attr(bed.container, AT_ONCE + 1, pointers, values,
						    sizes, NULL),
				 -DER_OVERFLOW);
		assert_ok(
			daos_cont_set_attr(bed.container, AT_ONCE, pointers, values, sizes, NULL));
	}
	assert_ok(daos_cont_list_attr(bed.container, NULL, &size, NULL));
	assert_int_equal(size, AT_ONCE * TIMES * (LENGTH + 1));
	room = size;
	list = malloc(room);
	assert_non_null(list);
	assert_ok(daos_cont_list_attr(bed.container, list, &size, NULL));
	for (at = list; at < list + room; at += strlen(at) + 1)
		assert_int_equal(strtoul(at, NULL, 10), count++);
	assert_int_equal(count, AT_ONCE * TIMES);
	/* Whole names only, and none behind one that has no room. */
	memset(list, 1, room);
	size = 2 * LENGTH;
	assert_ok(daos_cont_list_attr(bed.container, list, &size, NULL));
	assert_int_equal(size, room);
	assert_int_equal(strlen(list), LENGTH);
	assert_int_equal(list[LENGTH + 1], 1);
	free(list);
	free(names);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(permissions_are_those_of_the_engine),
		cmocka_unit_test(lists_are_changed_by_the_service),
		cmocka_unit_test(handles_carry_their_rights),
		cmocka_unit_test(who_is_evicted_is_told_so),
		cmocka_unit_test(targets_are_asked_one_by_one),
		cmocka_unit_test(a_service_that_stops_goes_on),
		cmocka_unit_test(containers_are_filtered),
		cmocka_unit_test(attributes_are_listed_in_pages),
	};

	embedded_library_open();
	return cmocka_run_group_tests(tests, setup, teardown);
}
