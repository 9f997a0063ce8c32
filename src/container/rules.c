/* SPDX-License-Identifier: BSD-2-Clause-Patent */
/*
 * Properties of a container. Numbers and ranges are those of DAOS 2.8; the standard values differ
 * where the store always does what is a choice there (checksums). What is not built can only be
 * off.
 */
#include "daos_prop.h"

#include "container/private.h"

#define ROOTS_SIZE 64u
#define CHUNK_STANDARD (32u * 1024)
#define EC_CELL_STANDARD (128u * 1024)
#define DEDUP_STANDARD 4096u
#define ANY UINT64_MAX

const struct property_rule container_rules[] = {
	{DAOS_PROP_CO_LABEL, "label", .is_bytes = true, .bytes_max = PROTO_LABEL_MAX},
	{DAOS_PROP_CO_LAYOUT_TYPE, "layout_type", .fixed = true, .most = DAOS_PROP_CO_LAYOUT_METEO},
	{DAOS_PROP_CO_LAYOUT_VER, "layout_version", .fixed = true, .standard = 1,
	 .most = UINT16_MAX},
	{DAOS_PROP_CO_CSUM, "cksum", .fixed = true, .standard = DAOS_PROP_CO_CSUM_CRC32,
	 .most = DAOS_PROP_CO_CSUM_ADLER32},
	{DAOS_PROP_CO_CSUM_CHUNK_SIZE, "cksum_size", .fixed = true, .standard = CHUNK_STANDARD,
	 .least = 1, .most = UINT32_MAX},
	{DAOS_PROP_CO_CSUM_SERVER_VERIFY, "srv_cksum", .fixed = true,
	 .standard = DAOS_PROP_CO_CSUM_SV_ON, .most = DAOS_PROP_CO_CSUM_SV_ON},
	{DAOS_PROP_CO_REDUN_FAC, "rd_fac", .fixed = true, .most = DAOS_PROP_CO_REDUN_RF4},
	{DAOS_PROP_CO_REDUN_LVL, "rd_lvl", .fixed = true, .standard = DAOS_PROP_CO_REDUN_DEFAULT,
	 .least = DAOS_PROP_CO_REDUN_MIN, .most = DAOS_PROP_CO_REDUN_MAX},
	{DAOS_PROP_CO_SNAPSHOT_MAX, "max_snapshot", .most = UINT32_MAX},
	{DAOS_PROP_CO_ACL, "acl", .is_bytes = true, .is_acl = true, .bytes_max = ACL_BYTES_MAX},
	{DAOS_PROP_CO_COMPRESS, "compression", .fixed = true, .most = DAOS_PROP_CO_COMPRESS_OFF},
	{DAOS_PROP_CO_ENCRYPT, "encryption", .fixed = true, .most = DAOS_PROP_CO_ENCRYPT_OFF},
	{DAOS_PROP_CO_OWNER, "owner", .is_bytes = true, .bytes_max = PROTO_PRINCIPAL_MAX},
	{DAOS_PROP_CO_OWNER_GROUP, "group", .is_bytes = true, .bytes_max = PROTO_PRINCIPAL_MAX},
	{DAOS_PROP_CO_DEDUP, "dedup", .fixed = true, .most = DAOS_PROP_CO_DEDUP_OFF},
	{DAOS_PROP_CO_DEDUP_THRESHOLD, "dedup_threshold", .fixed = true, .standard = DEDUP_STANDARD,
	 .most = UINT32_MAX},
	{DAOS_PROP_CO_ROOTS, "root_oids", .is_bytes = true, .bytes_max = ROOTS_SIZE},
	{DAOS_PROP_CO_STATUS, "status", .most = ANY},
	{DAOS_PROP_CO_ALLOCED_OID, "alloc_oid", .fixed = true, .most = ANY},
	{DAOS_PROP_CO_EC_CELL_SZ, "ec_cell_sz", .fixed = true, .standard = EC_CELL_STANDARD,
	 .least = DAOS_PROP_PO_EC_CELL_SZ_MIN, .most = DAOS_PROP_PO_EC_CELL_SZ_MAX},
	{DAOS_PROP_CO_EC_PDA, "ec_pda", .fixed = true, .standard = DAOS_PROP_PO_EC_PDA_DEFAULT,
	 .most = DAOS_PROP_PDA_MAX},
	{DAOS_PROP_CO_RP_PDA, "rp_pda", .fixed = true, .standard = DAOS_PROP_PO_RP_PDA_DEFAULT,
	 .most = DAOS_PROP_PDA_MAX},
	{DAOS_PROP_CO_GLOBAL_VERSION, "global_version", .derived = true, .standard = 1},
	{DAOS_PROP_CO_SCRUBBER_DISABLED, "scrub_disabled", .most = 1},
	{DAOS_PROP_CO_OBJ_VERSION, "obj_version", .derived = true, .standard = 1},
	{DAOS_PROP_CO_PERF_DOMAIN, "perf_domain", .fixed = true,
	 .standard = DAOS_PROP_CO_PERF_DOMAIN_DEFAULT, .most = DAOS_PROP_PERF_DOMAIN_ROOT},
};
const uint32_t container_rule_count = ARRAY_SIZE(container_rules);
