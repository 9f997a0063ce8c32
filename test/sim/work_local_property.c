/* SPDX-License-Identifier: BSD-2-Clause-Patent */
/* Workload "local": lists of properties, classes of objects, filters. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <gurt/common.h>

#include "daos_pipeline.h"
#include "daos_pool.h"
#include "daos_security.h"

#include "sim/work_local.h"

/* ------------------------------------------------ properties */

static const uint32_t types[] = {
	DAOS_PROP_CO_LABEL,	  DAOS_PROP_CO_OWNER,		DAOS_PROP_CO_ROOTS,
	DAOS_PROP_CO_REDUN_FAC,	  DAOS_PROP_CO_SNAPSHOT_MAX,	DAOS_PROP_CO_EC_CELL_SZ,
	DAOS_PROP_CO_LAYOUT_TYPE, DAOS_PROP_CO_CSUM_CHUNK_SIZE,
};

/* Some of them, each once, with the number as its value. */
static daos_prop_t *
draw_list(struct local *local, uint64_t number)
{
	uint32_t chosen = (uint32_t)stream_between(local->random, 1, (1u << ARRAY_SIZE(types)) - 1);
	daos_prop_t *list = daos_prop_alloc((uint32_t)__builtin_popcount(chosen));
	struct daos_prop_co_roots roots = {.cr_oids = {{.lo = number}}};
	uint32_t count = 0;
	char text[32];

	ASSERT(list != NULL);
	snprintf(text, sizeof(text), "n%llu@", (unsigned long long)number);
	for (uint32_t i = 0; i < ARRAY_SIZE(types); i++) {
		struct daos_prop_entry *entry;

		if ((chosen & 1u << i) == 0)
			continue;
		entry = &list->dpp_entries[count++];
		entry->dpe_type = types[i];
		if (daos_prop_has_str(entry))
			LOCAL_EXPECT(local,
				     daos_prop_set_str(list, types[i], text, strlen(text)) == 0);
		else if (daos_prop_has_ptr(entry))
			LOCAL_EXPECT(local,
				     daos_prop_set_ptr(list, types[i], &roots, sizeof(roots)) == 0);
		else
			entry->dpe_val = number;
	}
	return list;
}

static uint64_t
entry_number(struct daos_prop_entry *entry)
{
	unsigned long long number = 0;

	if (daos_prop_has_str(entry))
		return sscanf(entry->dpe_str, "n%llu@", &number) == 1 ? number : 0;
	if (daos_prop_has_ptr(entry))
		return ((struct daos_prop_co_roots *)entry->dpe_val_ptr)->cr_oids[0].lo;
	return entry->dpe_val;
}

/* The new ones win, the others stay, and each comes once. */
static void
merge_check(struct local *local, daos_prop_t *old, daos_prop_t *new, daos_prop_t *merged)
{
	uint32_t wanted = 0;

	LOCAL_EXPECT(local, merged != NULL);
	for (uint32_t i = 0; merged && i < ARRAY_SIZE(types); i++) {
		struct daos_prop_entry *from = daos_prop_entry_get(new, types[i]);
		struct daos_prop_entry *to = daos_prop_entry_get(merged, types[i]);

		if (from == NULL)
			from = daos_prop_entry_get(old, types[i]);
		LOCAL_EXPECT(local, (from == NULL) == (to == NULL));
		LOCAL_EXPECT(local, !from || !to || entry_number(from) == entry_number(to));
		wanted += from != NULL;
	}
	LOCAL_EXPECT(local, merged == NULL || merged->dpp_nr == wanted);
	daos_prop_free(merged);
}

/* Single entries: texts, blobs, and byte arrays, which no property is. */
static void
entries_check(struct local *local)
{
	struct daos_prop_co_roots roots = {.cr_oids = {{.lo = 1}, {.hi = 2}}};
	struct daos_prop_entry label = {.dpe_type = DAOS_PROP_CO_LABEL},
			       number = {.dpe_type = DAOS_PROP_CO_REDUN_FAC};
	struct daos_prop_entry from = {.dpe_type = DAOS_PROP_CO_ROOTS}, to = from, too = from;

	LOCAL_EXPECT(local, daos_prop_entry_set_str(&label, "tank-and-more", 4) == 0 &&
				    strcmp(label.dpe_str, "tank") == 0);
	LOCAL_EXPECT(local, daos_prop_entry_set_str(&number, "tank", 4) == -DER_INVAL);
	LOCAL_EXPECT(local, daos_prop_entry_set_ptr(&from, &roots, sizeof(roots)) == 0);
	LOCAL_EXPECT(local, daos_prop_entry_dup_ptr(&to, &from, sizeof(roots)) == 0 &&
				    memcmp(to.dpe_val_ptr, &roots, sizeof(roots)) == 0);
	LOCAL_EXPECT(local, daos_prop_entry_dup_co_roots(&too, &from) == 0 &&
				    too.dpe_val_ptr != from.dpe_val_ptr);
	LOCAL_EXPECT(local, !daos_prop_has_byteval(&from));
	LOCAL_EXPECT(local, daos_prop_entry_set_byteval(&from, "x", 1) == -DER_INVAL);
	LOCAL_EXPECT(local, daos_prop_entry_dup_byteval(&to, &from) == -DER_INVAL);
	d_free(label.dpe_str);
	d_free(from.dpe_val_ptr);
	d_free(to.dpe_val_ptr);
	d_free(too.dpe_val_ptr);
}

static void
access_entries(struct local *local)
{
	const char *texts[] = {"A::OWNER@:rw", "A:G:GROUP@:r"};
	struct daos_prop_entry one = {.dpe_type = DAOS_PROP_CO_ACL}, other = one;
	struct daos_acl *acl = NULL, *copy, *less = NULL;

	LOCAL_EXPECT(local, daos_acl_from_strs(texts, 2, &acl) == 0);
	LOCAL_EXPECT(local, daos_acl_from_strs(texts, 1, &less) == 0);
	copy = daos_acl_dup(acl);
	one.dpe_val_ptr = acl;
	other.dpe_val_ptr = copy;
	LOCAL_EXPECT(local, daos_prop_entry_cmp_acl(&one, &other) == 0);
	other.dpe_val_ptr = less;
	LOCAL_EXPECT(local, daos_prop_entry_cmp_acl(&one, &other) == -DER_MISMATCH);
	daos_acl_free(acl);
	daos_acl_free(copy);
	daos_acl_free(less);
}

void
local_properties(struct local *local)
{
	daos_prop_t *old = draw_list(local, 1), *new = draw_list(local, 2), *merged = NULL;

	merge_check(local, old, new, daos_prop_merge(old, new));
	LOCAL_EXPECT(local, daos_prop_merge2(old, new, &merged) == 0);
	merge_check(local, old, new, merged);
	LOCAL_EXPECT(local, daos_prop_entry_get(old, DAOS_PROP_PO_LABEL) == NULL);
	LOCAL_EXPECT(local, daos_prop_set_str(old, DAOS_PROP_PO_LABEL, "x", 1) == -DER_NONEXIST);
	LOCAL_EXPECT(local,
		     daos_prop_set_byteval(old, DAOS_PROP_PO_LABEL, "x", 1) == -DER_NONEXIST);
	entries_check(local);
	access_entries(local);
	daos_prop_fini(new);
	LOCAL_EXPECT(local, new->dpp_nr == 0 && new->dpp_entries == NULL);
	daos_prop_free(new);
	daos_prop_free(old);
	LOCAL_EXPECT(local, daos_prop_alloc(DAOS_PROP_ENTRIES_MAX_NR + 1) == NULL);
}

static void
labels_check(struct local *local)
{
	static const struct {
		const char *label;
		bool valid;
	} labels[] = {
		{"a-label_1.2:3", true},
		{"a b", false},
		{"", false},
		{"d5ca5bda-1234-5678-9abc-def012345678", false},
		{"d5ca5bda-1234-5678-9abc-def01234567", true},
	};
	uint64_t at = stream_draw(local->random, ARRAY_SIZE(labels));

	LOCAL_EXPECT(local, daos_label_is_valid(labels[at].label) == labels[at].valid);
}

void
local_property_text(struct local *local)
{
	uint64_t factor = stream_draw(local->random, DAOS_RF_MAX + 2);
	uint64_t chunk = stream_between(local->random, 1, 1000);
	daos_prop_t *list = NULL;
	char text[96];
	int rc;

	snprintf(text, sizeof(text), "rd_fac:%llu;label:l%llu;cksum_size:%llukib;cksum:crc64",
		 (unsigned long long)factor, (unsigned long long)chunk, (unsigned long long)chunk);
	rc = daos_prop_from_str(text, sizeof(text), &list);
	LOCAL_EXPECT(local, rc == (daos_rf_is_valid(factor) ? 0 : -DER_INVAL));
	if (rc == 0) {
		LOCAL_EXPECT(local, list->dpp_nr == 4);
		LOCAL_EXPECT(local,
			     daos_prop_entry_get(list, DAOS_PROP_CO_REDUN_FAC)->dpe_val == factor);
		LOCAL_EXPECT(local,
			     daos_prop_entry_get(list, DAOS_PROP_CO_CSUM_CHUNK_SIZE)->dpe_val ==
				     chunk * 1024);
		LOCAL_EXPECT(local, daos_prop_entry_get(list, DAOS_PROP_CO_CSUM)->dpe_val ==
					    DAOS_PROP_CO_CSUM_CRC64);
		daos_prop_free(list);
	}
	LOCAL_EXPECT(local, daos_prop_from_str("nothing:1", 9, &list) == -DER_INVAL);
	LOCAL_EXPECT(local, daos_prop_from_str("rd_fac:1;rf:1", 13, &list) == -DER_INVAL);
	labels_check(local);
}

/* ------------------------------------------------ classes of objects */

void
local_classes(struct local *local)
{
	ssize_t needed = daos_oclass_names_list(0, NULL);
	char *names = sim_take((size_t)needed), *saved = NULL;
	char name[MAX_OBJ_CLASS_NAME_LEN];
	int count = 0;

	LOCAL_EXPECT(local, daos_oclass_names_list((size_t)needed, names) == needed &&
				    (ssize_t)strlen(names) == needed - 1);
	for (char *one = strtok_r(names, ", ", &saved); one; one = strtok_r(NULL, ", ", &saved)) {
		int id = daos_oclass_name2id(one);

		LOCAL_EXPECT(local, id != OC_UNKNOWN);
		LOCAL_EXPECT(local, daos_oclass_id2name((daos_oclass_id_t)id, name) == 0 &&
					    strcmp(name, one) == 0);
		count++;
	}
	free(names);
	LOCAL_EXPECT(local, count == daos_oclass_nr(0));
	/* Any number of groups is legal, listed or not. */
	snprintf(name, sizeof(name), "S%u", (unsigned)stream_between(local->random, 1, 60000));
	LOCAL_EXPECT(local, daos_oclass_name2id(name) != OC_UNKNOWN);
	LOCAL_EXPECT(local, daos_oclass_name2id("S0") == OC_UNKNOWN &&
				    daos_oclass_name2id("RP_2") == OC_UNKNOWN);
	LOCAL_EXPECT(local, daos_oclass_id2name(OC_UNKNOWN, name) != 0);
}

/* ------------------------------------------------ filters */

void
local_filters(struct local *local)
{
	daos_pool_cont_filter_t filter;
	daos_pipeline_t pipeline;
	daos_filter_t part;
	uint32_t count = (uint32_t)stream_draw(local->random, DAOS_POOL_CONT_FILTER_MAX_NPARTS + 2);

	LOCAL_EXPECT(local, daos_pool_cont_filter_init(&filter, 99) == -DER_INVAL);
	LOCAL_EXPECT(local, daos_pool_cont_filter_init(&filter, PCF_COMBINE_LOGICAL_OR) == 0);
	for (uint32_t i = 0; i < count; i++) {
		daos_pool_cont_filter_part_t *condition = d_calloc(1, sizeof(*condition));
		int rc;

		ASSERT(condition != NULL);
		condition->pcfp_func = PCF_FUNC_GE;
		condition->pcfp_key = PCF_KEY_NUM_HANDLES;
		rc = daos_pool_cont_filter_add(&filter, condition);
		LOCAL_EXPECT(local,
			     rc == (i < DAOS_POOL_CONT_FILTER_MAX_NPARTS ? 0 : -DER_NOSPACE));
		if (rc)
			d_free(condition);
	}
	daos_pool_cont_filter_fini(&filter);
	LOCAL_EXPECT(local, filter.pcf_nparts == 0 && filter.pcf_parts == NULL);
	memset(&pipeline, 0xff, sizeof(pipeline));
	memset(&part, 0xff, sizeof(part));
	daos_pipeline_init(&pipeline);
	daos_filter_init(&part);
	LOCAL_EXPECT(local, pipeline.num_filters == 0 && part.num_parts == 0);
}
