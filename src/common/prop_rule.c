/* SPDX-License-Identifier: BSD-2-Clause-Patent */
/* What is known of each property, and the check of a list against it. */
#include "common/common.h"

#include <gurt/common.h>

#define ANY UINT64_MAX

static const struct prop_rule rules[] = {
	{DAOS_PROP_PO_LABEL, PROP_LABEL, 0, 0},
	{DAOS_PROP_PO_ACL, PROP_ACL, 0, 0},
	{DAOS_PROP_PO_SPACE_RB, PROP_NUMBER, 0, 100},
	{DAOS_PROP_PO_SELF_HEAL, PROP_NUMBER, 0,
	 DAOS_SELF_HEAL_AUTO_EXCLUDE | DAOS_SELF_HEAL_AUTO_REBUILD | DAOS_SELF_HEAL_DELAY_REBUILD},
	{DAOS_PROP_PO_RECLAIM, PROP_NUMBER, DAOS_RECLAIM_DISABLED, DAOS_RECLAIM_TIME},
	{DAOS_PROP_PO_OWNER, PROP_PRINCIPAL, 0, 0},
	{DAOS_PROP_PO_OWNER_GROUP, PROP_PRINCIPAL, 0, 0},
	{DAOS_PROP_PO_SVC_LIST, PROP_RANKS, 0, 0},
	{DAOS_PROP_PO_EC_CELL_SZ, PROP_NUMBER, DAOS_PROP_PO_EC_CELL_SZ_MIN,
	 DAOS_PROP_PO_EC_CELL_SZ_MAX},
	{DAOS_PROP_PO_DATA_THRESH, PROP_NUMBER, 0, ANY},
	{DAOS_PROP_PO_REDUN_FAC, PROP_NUMBER, 0, DAOS_PROP_PO_REDUN_FAC_MAX},
	{DAOS_PROP_PO_EC_PDA, PROP_NUMBER, 1, DAOS_PROP_PDA_MAX},
	{DAOS_PROP_PO_RP_PDA, PROP_NUMBER, 1, DAOS_PROP_PDA_MAX},
	{DAOS_PROP_PO_GLOBAL_VERSION, PROP_NUMBER, 0, ANY},
	{DAOS_PROP_PO_UPGRADE_STATUS, PROP_NUMBER, 0, DAOS_UPGRADE_STATUS_FAILED},
	{DAOS_PROP_PO_SCRUB_MODE, PROP_NUMBER, 0, DAOS_SCRUB_MODE_TIMED},
	{DAOS_PROP_PO_SCRUB_FREQ, PROP_NUMBER, 0, ANY},
	{DAOS_PROP_PO_SCRUB_THRESH, PROP_NUMBER, 0, ANY},
	{DAOS_PROP_PO_SVC_REDUN_FAC, PROP_NUMBER, 0, DAOS_PROP_PO_SVC_REDUN_FAC_MAX},
	{DAOS_PROP_PO_OBJ_VERSION, PROP_NUMBER, 0, ANY},
	{DAOS_PROP_PO_PERF_DOMAIN, PROP_NUMBER, DAOS_PROP_PERF_DOMAIN_GROUP,
	 DAOS_PROP_PERF_DOMAIN_ROOT},
	{DAOS_PROP_PO_CHECKPOINT_MODE, PROP_NUMBER, 0, DAOS_CHECKPOINT_LAZY},
	{DAOS_PROP_PO_CHECKPOINT_FREQ, PROP_NUMBER, DAOS_PROP_PO_CHECKPOINT_FREQ_MIN,
	 DAOS_PROP_PO_CHECKPOINT_FREQ_MAX},
	{DAOS_PROP_PO_CHECKPOINT_THRESH, PROP_NUMBER, DAOS_PROP_PO_CHECKPOINT_THRESH_MIN,
	 DAOS_PROP_PO_CHECKPOINT_THRESH_MAX},
	{DAOS_PROP_PO_REINT_MODE, PROP_NUMBER, 0, DAOS_REINT_MODE_INCREMENTAL},
	{DAOS_PROP_PO_SVC_OPS_ENABLED, PROP_NUMBER, 0, 1},
	{DAOS_PROP_PO_SVC_OPS_ENTRY_AGE, PROP_NUMBER, DAOS_PROP_PO_SVC_OPS_ENTRY_AGE_MIN,
	 DAOS_PROP_PO_SVC_OPS_ENTRY_AGE_MAX},

	{DAOS_PROP_CO_LABEL, PROP_LABEL, 0, 0},
	{DAOS_PROP_CO_LAYOUT_TYPE, PROP_NUMBER, 0, DAOS_PROP_CO_LAYOUT_MAX - 1},
	{DAOS_PROP_CO_LAYOUT_VER, PROP_NUMBER, 0, ANY},
	{DAOS_PROP_CO_CSUM, PROP_NUMBER, 0, DAOS_PROP_CO_CSUM_ADLER32},
	{DAOS_PROP_CO_CSUM_CHUNK_SIZE, PROP_NUMBER, 0, ANY},
	{DAOS_PROP_CO_CSUM_SERVER_VERIFY, PROP_NUMBER, 0, DAOS_PROP_CO_CSUM_SV_ON},
	{DAOS_PROP_CO_REDUN_FAC, PROP_NUMBER, 0, DAOS_RF_MAX},
	{DAOS_PROP_CO_REDUN_LVL, PROP_NUMBER, DAOS_PROP_CO_REDUN_MIN, DAOS_PROP_CO_REDUN_FAULT},
	{DAOS_PROP_CO_SNAPSHOT_MAX, PROP_NUMBER, 0, ANY},
	{DAOS_PROP_CO_ACL, PROP_ACL, 0, 0},
	{DAOS_PROP_CO_COMPRESS, PROP_NUMBER, 0, DAOS_PROP_CO_COMPRESS_DEFLATE4},
	{DAOS_PROP_CO_ENCRYPT, PROP_NUMBER, 0, DAOS_PROP_CO_ENCRYPT_AES_GCM256},
	{DAOS_PROP_CO_OWNER, PROP_PRINCIPAL, 0, 0},
	{DAOS_PROP_CO_OWNER_GROUP, PROP_PRINCIPAL, 0, 0},
	{DAOS_PROP_CO_DEDUP, PROP_NUMBER, 0, DAOS_PROP_CO_DEDUP_HASH},
	{DAOS_PROP_CO_DEDUP_THRESHOLD, PROP_NUMBER, 0, ANY},
	{DAOS_PROP_CO_ROOTS, PROP_ROOTS, 0, 0},
	{DAOS_PROP_CO_STATUS, PROP_NUMBER, 0, ANY},
	{DAOS_PROP_CO_ALLOCED_OID, PROP_NUMBER, 0, ANY},
	{DAOS_PROP_CO_EC_CELL_SZ, PROP_NUMBER, DAOS_PROP_PO_EC_CELL_SZ_MIN,
	 DAOS_PROP_PO_EC_CELL_SZ_MAX},
	{DAOS_PROP_CO_EC_PDA, PROP_NUMBER, 1, DAOS_PROP_PDA_MAX},
	{DAOS_PROP_CO_RP_PDA, PROP_NUMBER, 1, DAOS_PROP_PDA_MAX},
	{DAOS_PROP_CO_GLOBAL_VERSION, PROP_NUMBER, 0, ANY},
	{DAOS_PROP_CO_SCRUBBER_DISABLED, PROP_NUMBER, 0, 1},
	{DAOS_PROP_CO_OBJ_VERSION, PROP_NUMBER, 0, ANY},
	{DAOS_PROP_CO_PERF_DOMAIN, PROP_NUMBER, DAOS_PROP_PERF_DOMAIN_GROUP,
	 DAOS_PROP_PERF_DOMAIN_ROOT},
};

_Static_assert(ARRAY_SIZE(rules) == DAOS_PROP_PO_NUM + DAOS_PROP_CO_NUM, "a rule per property");

const struct prop_rule *
prop_rule_find(uint32_t type)
{
	size_t i;

	for (i = 0; i < ARRAY_SIZE(rules); i++) {
		if (rules[i].type == type)
			return &rules[i];
	}
	return NULL;
}

static bool
roots_or_ranks_valid(const struct prop_rule *rule, const struct daos_prop_entry *entry)
{
	const d_rank_list_t *ranks = (const d_rank_list_t *)entry->dpe_val_ptr;

	if (rule->kind != PROP_RANKS)
		return entry->dpe_val_ptr != NULL;
	return ranks != NULL && (ranks->rl_nr == 0 || ranks->rl_ranks != NULL);
}

static bool
entry_valid(const struct prop_rule *rule, const struct daos_prop_entry *entry)
{
	switch (rule->kind) {
	case PROP_NUMBER:
		return entry->dpe_val >= rule->least && entry->dpe_val <= rule->most;
	case PROP_LABEL:
		return daos_label_is_valid(entry->dpe_str);
	case PROP_PRINCIPAL:
		return daos_acl_principal_is_valid(entry->dpe_str);
	case PROP_ACL:
		return daos_acl_validate((struct daos_acl *)entry->dpe_val_ptr) == 0;
	case PROP_RANKS:
	case PROP_ROOTS:
		return roots_or_ranks_valid(rule, entry);
	}
	return false;
}

static bool
appears_before(const daos_prop_t *prop, uint32_t nr, uint32_t type)
{
	while (nr-- > 0) {
		if (prop->dpp_entries[nr].dpe_type == type)
			return true;
	}
	return false;
}

int
prop_check(const daos_prop_t *prop, enum prop_owner owner, uint32_t *ret_type)
{
	uint32_t i;

	if (prop->dpp_nr > DAOS_PROP_ENTRIES_MAX_NR ||
	    (prop->dpp_nr != 0 && prop->dpp_entries == NULL))
		return -DER_INVAL;
	for (i = 0; i < prop->dpp_nr; i++) {
		const struct daos_prop_entry *entry = &prop->dpp_entries[i];
		const struct prop_rule *rule = prop_rule_find(entry->dpe_type);
		bool set = (entry->dpe_flags & DAOS_PROP_ENTRY_NOT_SET) == 0;

		if (rule != NULL && (rule->type < DAOS_PROP_CO_MIN) == (owner == PROP_OF_POOL) &&
		    !appears_before(prop, i, entry->dpe_type) && (!set || entry_valid(rule, entry)))
			continue;
		if (ret_type != NULL)
			*ret_type = entry->dpe_type;
		return -DER_INVAL;
	}
	return 0;
}
