/* SPDX-License-Identifier: BSD-2-Clause-Patent */
/* Object ids: classes that are named, chosen, abstract, and not built yet; on pools of 1 and of 6
 * targets. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <stdlib.h>

#include "client/private.h"

static struct client_pool pool;
static struct client_container container;
static struct proto_properties properties;
static daos_handle_t cookie;
static atomic_uint freed;

static void
leave(struct handle *handle)
{
	(void)handle;
	atomic_fetch_add(&freed, 1);
}

/* A container on a pool of so many targets, whose objects must survive so many failures. */
static void
open_container(uint32_t targets, uint64_t redundancy_factor)
{
	memset(&pool, 0, sizeof(pool));
	memset(&container, 0, sizeof(container));
	pool.placement = (struct placement_map){.version = PLACEMENT_VERSION, .targets = targets};
	pool.engines = 1;
	container.pool = &pool;
	properties.count = 1;
	properties.items[0] = (struct proto_property){.type = DAOS_PROP_CO_REDUN_FAC,
						      .number = redundancy_factor};
	container.properties = &properties;
	handle_init(&container.handle, DAOS_HTYPE_CO, leave);
	assert_int_equal(daos_init(), 0);
	assert_int_equal(handle_add(&client_here()->handles, &container.handle, &cookie), 0);
}

static void
close_container(void)
{
	assert_true(handle_remove(&client_here()->handles, &container.handle));
	assert_int_equal(daos_fini(), 0);
}

static int
generate(enum daos_otype_t type, daos_oclass_id_t class, daos_oclass_hints_t hints,
	 daos_obj_id_t *oid)
{
	*oid = (daos_obj_id_t){.lo = 0x1234, .hi = 0x5678};
	return daos_obj_generate_oid(cookie, oid, type, class, hints, 0);
}

static void
test_named(void **state)
{
	daos_obj_id_t oid;

	(void)state;
	open_container(6, 0);
	assert_int_equal(generate(DAOS_OT_KV_LEXICAL, OC_S2, 0, &oid), 0);
	assert_int_equal(oid.lo, 0x1234);
	assert_int_equal(oid.hi & 0xffffffff, 0x5678);
	assert_int_equal(daos_obj_id2type(oid), DAOS_OT_KV_LEXICAL);
	assert_int_equal(daos_obj_id2class(oid), OC_S2);
	/* The number of groups is frozen into the id. */
	assert_int_equal(generate(DAOS_OT_ARRAY, OC_SX, 0, &oid), 0);
	assert_int_equal(daos_obj_id2grp_nr(oid), 6);
	assert_int_equal(generate(DAOS_OT_ARRAY, OC_S32, 0, &oid), 0);
	assert_int_equal(daos_obj_id2grp_nr(oid), 6);
	close_container();
}

static void
test_chosen(void **state)
{
	static const struct {
		enum daos_otype_t type;
		daos_oclass_id_t class;
		daos_oclass_hints_t hints;
		uint32_t groups;
	} rows[] = {
		{DAOS_OT_MULTI_HASHED, OC_UNKNOWN, 0, 1}, {DAOS_OT_ARRAY_BYTE, OC_UNKNOWN, 0, 6},
		{DAOS_OT_KV_HASHED, OC_UNKNOWN, 0, 6},	  {DAOS_OT_MULTI_HASHED, OC_TINY, 0, 1},
		{DAOS_OT_MULTI_HASHED, OC_SMALL, 0, 4},	  {DAOS_OT_MULTI_HASHED, OC_MAX, 0, 6},
	};
	daos_obj_id_t oid;

	(void)state;
	open_container(6, 0);
	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		assert_int_equal(generate(rows[i].type, rows[i].class, rows[i].hints, &oid), 0);
		assert_int_equal(daos_obj_id2ord(oid), OR_RP_1);
		assert_int_equal(daos_obj_id2grp_nr(oid), rows[i].groups);
	}
	close_container();
	open_container(1, 0);
	assert_int_equal(generate(DAOS_OT_ARRAY_BYTE, OC_UNKNOWN, 0, &oid), 0);
	assert_int_equal(daos_obj_id2class(oid), OC_S1);
	close_container();
}

static void
test_refused(void **state)
{
	daos_obj_id_t oid;

	(void)state;
	open_container(6, 0);
	assert_int_equal(generate(DAOS_OT_MULTI_HASHED, OC_RP_2G1, 0, &oid), -DER_NOSYS);
	assert_int_equal(generate(DAOS_OT_MULTI_HASHED, OC_EC_2P1GX, 0, &oid), -DER_NOSYS);
	assert_int_equal(generate(DAOS_OT_MULTI_HASHED, OC_RP_TINY, 0, &oid), -DER_NOSYS);
	assert_int_equal(generate(DAOS_OT_MULTI_HASHED, 0x7f000001, 0, &oid), -DER_INVAL);
	assert_int_equal(generate((enum daos_otype_t)77, OC_S1, 0, &oid), -DER_INVAL);
	/* What was refused is left as it was. */
	assert_int_equal(oid.hi, 0x5678);
	assert_int_equal(daos_obj_generate_oid(DAOS_HDL_INVAL, &oid, DAOS_OT_KV_HASHED, OC_S1, 0,
					       0),
			 -DER_NO_HDL);
	close_container();
	/* A promise about failures that a class without redundancy cannot keep. */
	open_container(6, 1);
	assert_int_equal(generate(DAOS_OT_MULTI_HASHED, OC_S1, 0, &oid), -DER_INVAL);
	close_container();
	assert_true(atomic_load(&freed) > 0);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_named),
		cmocka_unit_test(test_chosen),
		cmocka_unit_test(test_refused),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
