/* SPDX-License-Identifier: BSD-2-Clause-Patent */
/* Numbers of the public interface: error codes, classes, properties, flags. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <daos.h>
#include <daos_fs.h>
#include <daos_task.h>
#include <gurt/hash.h>

#define IS(name, value) _Static_assert((name) == (value), #name)

IS(DER_NO_PERM, 1001);
IS(DER_NO_HDL, 1002);
IS(DER_INVAL, 1003);
IS(DER_EXIST, 1004);
IS(DER_NONEXIST, 1005);
IS(DER_UNREACH, 1006);
IS(DER_NOSPACE, 1007);
IS(DER_ALREADY, 1008);
IS(DER_NOMEM, 1009);
IS(DER_NOSYS, 1010);
IS(DER_TIMEDOUT, 1011);
IS(DER_BUSY, 1012);
IS(DER_AGAIN, 1013);
IS(DER_PROTO, 1014);
IS(DER_UNINIT, 1015);
IS(DER_TRUNC, 1016);
IS(DER_OVERFLOW, 1017);
IS(DER_CANCELED, 1018);
IS(DER_OOG, 1019);
IS(DER_HG, 1020);
IS(DER_UNREG, 1021);
IS(DER_ADDRSTR_GEN, 1022);
IS(DER_PMIX, 1023);
IS(DER_IVCB_FORWARD, 1024);
IS(DER_MISC, 1025);
IS(DER_BADPATH, 1026);
IS(DER_NOTDIR, 1027);
IS(DER_CORPC_INCOMPLETE, 1028);
IS(DER_NO_RAS_RANK, 1029);
IS(DER_NOTATTACH, 1030);
IS(DER_MISMATCH, 1031);
IS(DER_EXCLUDED, 1032);
IS(DER_NOREPLY, 1033);
IS(DER_DOS, 1034);
IS(DER_BAD_TARGET, 1035);
IS(DER_GRPVER, 1036);
IS(DER_HLC_SYNC, 1037);
IS(DER_NO_SHMEM, 1038);
IS(DER_ADD_METRIC_FAILED, 1039);
IS(DER_DURATION_MISMATCH, 1040);
IS(DER_OP_NOT_PERMITTED, 1041);
IS(DER_EXCEEDS_PATH_LEN, 1042);
IS(DER_METRIC_NOT_FOUND, 1043);
IS(DER_SHMEM_PERMS, 1044);
IS(DER_HG_FATAL, 1045);
IS(DER_QUOTA_LIMIT, 1046);
IS(DER_IO, 2001);
IS(DER_FREE_MEM, 2002);
IS(DER_ENOENT, 2003);
IS(DER_NOTYPE, 2004);
IS(DER_NOSCHEMA, 2005);
IS(DER_NOLOCAL, 2006);
IS(DER_STALE, 2007);
IS(DER_NOTLEADER, 2008);
IS(DER_TGT_CREATE, 2009);
IS(DER_EP_RO, 2010);
IS(DER_EP_OLD, 2011);
IS(DER_KEY2BIG, 2012);
IS(DER_REC2BIG, 2013);
IS(DER_IO_INVAL, 2014);
IS(DER_EQ_BUSY, 2015);
IS(DER_DOMAIN, 2016);
IS(DER_SHUTDOWN, 2017);
IS(DER_INPROGRESS, 2018);
IS(DER_NOTAPPLICABLE, 2019);
IS(DER_NOTREPLICA, 2020);
IS(DER_CSUM, 2021);
IS(DER_DF_INVAL, 2022);
IS(DER_DF_INCOMPT, 2023);
IS(DER_REC_SIZE, 2024);
IS(DER_TX_RESTART, 2025);
IS(DER_DATA_LOSS, 2026);
IS(DER_OP_CANCELED, 2027);
IS(DER_TX_BUSY, 2028);
IS(DER_AGENT_INCOMPAT, 2029);
IS(DER_NEED_TX, 2030);
IS(DER_RF, 2031);
IS(DER_FETCH_AGAIN, 2032);
IS(DER_TX_UNCERTAIN, 2033);
IS(DER_AGENT_COMM, 2034);
IS(DER_ID_MISMATCH, 2035);
IS(DER_TGT_RETRY, 2036);
IS(DER_NOTSUPPORTED, 2037);
IS(DER_CONTROL_INCOMPAT, 2038);
IS(DER_NO_SERVICE, 2039);
IS(DER_TX_ID_REUSED, 2040);
IS(DER_UPDATE_AGAIN, 2041);
IS(DER_NVME_IO, 2042);
IS(DER_NO_CERT, 2043);
IS(DER_BAD_CERT, 2044);
IS(DER_VOS_PARTIAL_UPDATE, 2045);
IS(DER_CHKPT_BUSY, 2046);
IS(DER_DIV_BY_ZERO, 2047);
IS(DER_OVERLOAD_RETRY, 2048);
IS(DER_NOT_RESUME, 2049);
IS(DER_CONT_NONEXIST, 2050);
IS(DER_CONT_DESTROYING, 2051);
IS(DER_IGNORE, 2052);
IS(DER_SUCCESS, 0);
IS(DER_LAST_VALID, 2053);
IS(DER_UNKNOWN, 501000);

IS(OC_S1, 0x1000001);
IS(OC_SX, 0x100ffff);
IS(OC_RP_2G1, 0x8000001);
IS(OC_RP_2GX, 0x800ffff);
IS(OC_RP_3G1, 0x9000001);
IS(OC_EC_2P1G1, 0x20000001);
IS(OC_EC_4P2GX, 0x2300ffff);
IS(OC_EC_16P3GX, 0x2a00ffff);
IS(OC_RP_128G1, 0x14000001);
IS(OC_RESERVED, 1 << 30);

IS(DAOS_OT_ARRAY_BYTE, 13);
IS(DAOS_OT_MAX, 14);
IS(DAOS_COND_PER_AKEY, 128);
IS(DAOS_COND_MASK, 255);
IS(DAOS_OCH_SHD_MAX, 512);
IS(DAOS_PROP_PO_MAX, 28);
IS(DAOS_PROP_PO_NUM, 27);
IS(DAOS_PROP_CO_LABEL, 0x1001);
IS(DAOS_PROP_CO_MAX, 0x101b);
IS(DAOS_PROP_CO_NUM, 26);
IS(DAOS_ACL_PERM_ALL, 511);
IS(DAOS_ACL_PERM_POOL_ALL, 1 | 2 | 4 | 8 | 16);
IS(DAOS_ACL_PERM_CONT_ALL, 511 & ~4);
IS(DAOS_OPC_OBJ_FETCH, 54);
IS(DAOS_OPC_KV_LIST, 76);
IS(DAOS_OPC_MAX, 82);
IS(DPI_SELF_HEAL_POLICY, 64);
IS(D_HASH_FT_GLOCK, 32768);

static void
test_labels(void **state)
{
	char longest[DAOS_PROP_LABEL_MAX_LEN + 2];

	(void)state;
	memset(longest, 'a', sizeof(longest));
	longest[DAOS_PROP_LABEL_MAX_LEN] = '\0';
	assert_true(daos_label_is_valid("tank-1_a.b:c"));
	assert_true(daos_label_is_valid(longest));
	longest[DAOS_PROP_LABEL_MAX_LEN] = 'a';
	longest[DAOS_PROP_LABEL_MAX_LEN + 1] = '\0';
	assert_false(daos_label_is_valid(longest));
	assert_false(daos_label_is_valid(NULL));
	assert_false(daos_label_is_valid(""));
	assert_false(daos_label_is_valid("a/b"));
	assert_false(daos_label_is_valid("a b"));
	assert_false(daos_label_is_valid("12345678-1234-1234-1234-1234567890ab"));
	assert_true(daos_label_is_valid("12345678-1234-1234-1234-1234567890abc"));
}

static void
test_uuid_text(void **state)
{
	const char *lower = "abcdef01-1234-1234-1234-1234567890ab";
	const char *upper = "ABCDEF01-1234-1234-1234-1234567890AB";

	(void)state;
	assert_true(daos_is_valid_uuid_string(lower, UUID_SST_NONE));
	assert_true(daos_is_valid_uuid_string(lower, UUID_SST_LOWER));
	assert_false(daos_is_valid_uuid_string(lower, UUID_SST_UPPER));
	assert_true(daos_is_valid_uuid_string(upper, UUID_SST_UPPER));
	assert_false(daos_is_valid_uuid_string(upper, UUID_SST_LOWER));
	assert_false(daos_is_valid_uuid_string("abcdef01-1234", UUID_SST_NONE));
	assert_false(
		daos_is_valid_uuid_string("abcdef01x1234-1234-1234-1234567890ab", UUID_SST_NONE));
}

static void
test_object_id_fields(void **state)
{
	daos_obj_id_t oid = {.lo = 7, .hi = 0};

	(void)state;
	assert_true(daos_obj_id_is_nil(DAOS_OBJ_NIL));
	oid.hi = ((uint64_t)DAOS_OT_ARRAY_BYTE << 56) | ((uint64_t)OR_RP_3 << 48) |
		 ((uint64_t)MAX_NUM_GROUPS << 32) | 0xfffffffe;
	assert_int_equal(daos_obj_id2type(oid), DAOS_OT_ARRAY_BYTE);
	assert_int_equal(daos_obj_id2ord(oid), OR_RP_3);
	assert_int_equal(daos_obj_id2grp_nr(oid), 65535);
	assert_int_equal(daos_obj_id2class(oid), OC_RP_3GX);
	assert_true(daos_is_array(oid));
	assert_true(daos_is_dkey_uint64(oid));
	assert_false(daos_is_akey_uint64(oid));
	assert_false(daos_is_kv(oid));
	daos_obj_oid_cycle(&oid);
	assert_int_equal(oid.lo, 7);
	assert_int_equal(oid.hi, (0xfffffffeULL + 999999937) & 0xffffffff);
}

static void
test_container_status_packs(void **state)
{
	struct daos_co_status in = {.dcs_status = 1, .dcs_flags = 0xabcd, .dcs_pm_ver = 0xdeadbeef};
	struct daos_co_status out;

	(void)state;
	assert_int_equal(daos_prop_co_status_2_val(&in), 0xabcd0001deadbeefULL);
	daos_prop_val_2_co_status(0xabcd0001deadbeefULL, &out);
	assert_memory_equal(&in, &out, sizeof(in));
}

static void
test_anchor_and_handle(void **state)
{
	daos_anchor_t anchor = DAOS_ANCHOR_INIT;
	daos_handle_t hdl = DAOS_HDL_INVAL;

	(void)state;
	assert_int_equal(anchor.da_type, DAOS_ANCHOR_TYPE_ZERO);
	anchor.da_type = DAOS_ANCHOR_TYPE_EOF;
	assert_true(daos_anchor_is_eof(&anchor));
	assert_int_equal(daos_anchor_init(&anchor, 0), 0);
	assert_false(daos_anchor_is_eof(&anchor));
	assert_true(daos_handle_is_inval(hdl));
	hdl.cookie = 5;
	assert_true(daos_handle_is_valid(hdl));
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_labels),
		cmocka_unit_test(test_uuid_text),
		cmocka_unit_test(test_object_id_fields),
		cmocka_unit_test(test_container_status_packs),
		cmocka_unit_test(test_anchor_and_handle),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
