/* SPDX-License-Identifier: BSD-2-Clause-Patent */
/* Lists of properties: memory, copies, merging. A list owns what its entries point to. */
#include "common/common.h"

#include <gurt/common.h>

daos_prop_t *
daos_prop_alloc(uint32_t entries_nr)
{
	daos_prop_t *prop;

	if (entries_nr > DAOS_PROP_ENTRIES_MAX_NR)
		return NULL;
	D_ALLOC_PTR(prop);
	if (prop == NULL || entries_nr == 0)
		return prop;
	D_ALLOC_ARRAY(prop->dpp_entries, entries_nr);
	if (prop->dpp_entries == NULL) {
		D_FREE(prop);
		return NULL;
	}
	prop->dpp_nr = entries_nr;
	return prop;
}

bool
daos_prop_has_str(struct daos_prop_entry *entry)
{
	const struct prop_rule *rule = entry ? prop_rule_find(entry->dpe_type) : NULL;

	return rule != NULL && (rule->kind == PROP_LABEL || rule->kind == PROP_PRINCIPAL);
}

bool
daos_prop_has_ptr(struct daos_prop_entry *entry)
{
	const struct prop_rule *rule = entry ? prop_rule_find(entry->dpe_type) : NULL;

	return rule != NULL &&
	       (rule->kind == PROP_ACL || rule->kind == PROP_RANKS || rule->kind == PROP_ROOTS);
}

/* No property of today is an opaque byte array. */
bool
daos_prop_has_byteval(struct daos_prop_entry *entry)
{
	(void)entry;
	return false;
}

static void
entry_clear(struct daos_prop_entry *entry)
{
	const struct prop_rule *rule = prop_rule_find(entry->dpe_type);

	if (rule == NULL || rule->kind == PROP_NUMBER)
		return;
	if (rule->kind == PROP_RANKS)
		d_rank_list_free((d_rank_list_t *)entry->dpe_val_ptr);
	else
		d_free(entry->dpe_val_ptr);
	entry->dpe_val_ptr = NULL;
}

void
daos_prop_fini(daos_prop_t *prop)
{
	uint32_t i;

	if (prop == NULL)
		return;
	for (i = 0; prop->dpp_entries != NULL && i < prop->dpp_nr; i++)
		entry_clear(&prop->dpp_entries[i]);
	D_FREE(prop->dpp_entries);
	prop->dpp_nr = 0;
}

void
daos_prop_free(daos_prop_t *prop)
{
	daos_prop_fini(prop);
	D_FREE(prop);
}

struct daos_prop_entry *
daos_prop_entry_get(daos_prop_t *prop, uint32_t type)
{
	uint32_t i;

	for (i = 0; prop != NULL && prop->dpp_entries != NULL && i < prop->dpp_nr; i++) {
		if (prop->dpp_entries[i].dpe_type == type)
			return &prop->dpp_entries[i];
	}
	return NULL;
}

static void *
bytes_dup(const void *bytes, size_t size)
{
	void *copy = d_malloc(size);

	return copy == NULL ? NULL : memcpy(copy, bytes, size);
}

static void *
ranks_dup(const d_rank_list_t *ranks)
{
	d_rank_list_t *copy;

	return d_rank_list_dup(&copy, ranks) == 0 ? copy : NULL;
}

/* Copy of what an entry points to, NULL when there is no memory. */
static void *
value_dup(enum prop_kind kind, void *value)
{
	switch (kind) {
	case PROP_LABEL:
	case PROP_PRINCIPAL:
		return d_strndup((const char *)value, DAOS_ACL_MAX_PRINCIPAL_LEN);
	case PROP_ACL:
		return daos_acl_dup((struct daos_acl *)value);
	case PROP_RANKS:
		return ranks_dup((const d_rank_list_t *)value);
	case PROP_ROOTS:
		return bytes_dup(value, sizeof(struct daos_prop_co_roots));
	case PROP_NUMBER:
		break;
	}
	return NULL;
}

int
prop_entry_copy(struct daos_prop_entry *to, const struct daos_prop_entry *from)
{
	const struct prop_rule *rule = prop_rule_find(from->dpe_type);
	struct daos_prop_entry copy = *from;

	if (rule != NULL && rule->kind != PROP_NUMBER && from->dpe_val_ptr != NULL) {
		copy.dpe_val_ptr = value_dup(rule->kind, from->dpe_val_ptr);
		if (copy.dpe_val_ptr == NULL)
			return -DER_NOMEM;
	}
	entry_clear(to);
	*to = copy;
	return 0;
}

int
prop_dup(const daos_prop_t *prop, daos_prop_t **ret_prop)
{
	daos_prop_t *copy = daos_prop_alloc(prop->dpp_nr);
	uint32_t i;
	int rc = copy == NULL ? -DER_NOMEM : 0;

	for (i = 0; i < prop->dpp_nr && rc == 0; i++)
		rc = prop_entry_copy(&copy->dpp_entries[i], &prop->dpp_entries[i]);
	if (rc != 0) {
		daos_prop_free(copy);
		return rc;
	}
	*ret_prop = copy;
	return 0;
}

int
prop_copy(daos_prop_t *request, const daos_prop_t *answer)
{
	daos_prop_t source = *answer;
	daos_prop_t *all;
	uint32_t i;
	int rc;

	if (request->dpp_nr == 0) {
		rc = prop_dup(answer, &all);
		if (rc != 0)
			return rc;
		request->dpp_nr = all->dpp_nr;
		request->dpp_entries = all->dpp_entries;
		D_FREE(all);
		return 0;
	}
	for (i = 0; i < request->dpp_nr; i++) {
		struct daos_prop_entry *entry = &request->dpp_entries[i];
		const struct daos_prop_entry *found = daos_prop_entry_get(&source, entry->dpe_type);

		if (found == NULL) {
			entry->dpe_flags |= DAOS_PROP_ENTRY_NOT_SET;
			continue;
		}
		rc = prop_entry_copy(entry, found);
		if (rc != 0)
			return rc;
	}
	return 0;
}

/* Overrides or appends; base has room for one more entry. */
static int
entry_put(daos_prop_t *base, const struct daos_prop_entry *entry)
{
	struct daos_prop_entry *old = daos_prop_entry_get(base, entry->dpe_type);

	if (old == NULL)
		old = &base->dpp_entries[base->dpp_nr++];
	return prop_entry_copy(old, entry);
}

int
daos_prop_merge2(daos_prop_t *old_prop, daos_prop_t *new_prop, daos_prop_t **out_prop)
{
	daos_prop_t *lists[] = {old_prop, new_prop};
	uint32_t nr = 0, l, i;
	daos_prop_t *merged;
	int rc = 0;

	for (l = 0; l < 2; l++) {
		for (i = 0; lists[l] != NULL && i < lists[l]->dpp_nr; i++)
			nr += l == 0 ||
			      daos_prop_entry_get(old_prop, new_prop->dpp_entries[i].dpe_type) ==
				      NULL;
	}
	if (out_prop == NULL || nr > DAOS_PROP_ENTRIES_MAX_NR)
		return -DER_INVAL;
	merged = daos_prop_alloc(nr);
	if (merged == NULL)
		return -DER_NOMEM;
	merged->dpp_nr = 0;
	for (l = 0; l < 2; l++) {
		for (i = 0; lists[l] != NULL && i < lists[l]->dpp_nr && rc == 0; i++)
			rc = entry_put(merged, &lists[l]->dpp_entries[i]);
	}
	if (rc != 0)
		daos_prop_free(merged);
	else
		*out_prop = merged;
	return rc;
}

daos_prop_t *
daos_prop_merge(daos_prop_t *old_prop, daos_prop_t *new_prop)
{
	daos_prop_t *merged;

	return daos_prop_merge2(old_prop, new_prop, &merged) == 0 ? merged : NULL;
}

/* Values of entries. */

int
daos_prop_entry_set_str(struct daos_prop_entry *entry, const char *str, daos_size_t len)
{
	char *copy;

	if (entry == NULL || str == NULL || !daos_prop_has_str(entry))
		return -DER_INVAL;
	copy = d_strndup(str, len);
	if (copy == NULL)
		return -DER_NOMEM;
	d_free(entry->dpe_str);
	entry->dpe_str = copy;
	return 0;
}

int
daos_prop_set_str(daos_prop_t *prop, uint32_t type, const char *str, daos_size_t len)
{
	struct daos_prop_entry *entry = daos_prop_entry_get(prop, type);

	return entry == NULL ? -DER_NONEXIST : daos_prop_entry_set_str(entry, str, len);
}

int
daos_prop_entry_set_ptr(struct daos_prop_entry *entry, const void *ptr, daos_size_t size)
{
	void *copy;

	if (entry == NULL || ptr == NULL || !daos_prop_has_ptr(entry))
		return -DER_INVAL;
	copy = bytes_dup(ptr, size);
	if (copy == NULL)
		return -DER_NOMEM;
	entry_clear(entry);
	entry->dpe_val_ptr = copy;
	return 0;
}

int
daos_prop_set_ptr(daos_prop_t *prop, uint32_t type, const void *ptr, daos_size_t size)
{
	struct daos_prop_entry *entry = daos_prop_entry_get(prop, type);

	return entry == NULL ? -DER_NONEXIST : daos_prop_entry_set_ptr(entry, ptr, size);
}

int
daos_prop_entry_dup_ptr(struct daos_prop_entry *entry_dst, struct daos_prop_entry *entry_src,
			size_t len)
{
	void *copy;

	if (entry_dst == NULL || entry_src == NULL || entry_src->dpe_val_ptr == NULL)
		return -DER_INVAL;
	copy = bytes_dup(entry_src->dpe_val_ptr, len);
	if (copy == NULL)
		return -DER_NOMEM;
	entry_dst->dpe_val_ptr = copy;
	return 0;
}

int
daos_prop_entry_dup_co_roots(struct daos_prop_entry *dst, struct daos_prop_entry *src)
{
	return daos_prop_entry_dup_ptr(dst, src, sizeof(struct daos_prop_co_roots));
}

/* Byte arrays: refused, as long as no property is one (daos_prop_has_byteval). */

int
daos_prop_entry_set_byteval(struct daos_prop_entry *entry, const void *data, size_t len)
{
	(void)entry;
	(void)data;
	(void)len;
	return -DER_INVAL;
}

int
daos_prop_set_byteval(daos_prop_t *prop, uint32_t type, const void *data, size_t len)
{
	struct daos_prop_entry *entry = daos_prop_entry_get(prop, type);

	return entry == NULL ? -DER_NONEXIST : daos_prop_entry_set_byteval(entry, data, len);
}

int
daos_prop_entry_dup_byteval(struct daos_prop_entry *entry_dst, struct daos_prop_entry *entry_src)
{
	(void)entry_dst;
	(void)entry_src;
	return -DER_INVAL;
}

int
daos_prop_entry_cmp_acl(struct daos_prop_entry *entry1, struct daos_prop_entry *entry2)
{
	struct daos_acl *acl1, *acl2;
	ssize_t size;

	if (entry1 == NULL || entry2 == NULL)
		return -DER_INVAL;
	acl1 = entry1->dpe_val_ptr;
	acl2 = entry2->dpe_val_ptr;
	if (acl1 == acl2)
		return 0;
	size = daos_acl_get_size(acl1);
	if (size < 0 || size != daos_acl_get_size(acl2))
		return -DER_MISMATCH;
	return memcmp(acl1, acl2, (size_t)size) == 0 ? 0 : -DER_MISMATCH;
}
