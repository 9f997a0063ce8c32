/* SPDX-License-Identifier: BSD-2-Clause-Patent */
/*
 * Object classes: names and attributes. A name is a family ("S", "RP_2G", "EC_4P2G") and a number
 * of groups or X; any number is legal, the usual ones are listed.
 */
#include "client/oclass.h"

#include <gurt/common.h>

/* Bytes of a cell of an erasure-coded class where the container does not say. */
#define EC_CELL_BYTES (64U << 10)

struct family {
	const char *name;
	enum daos_obj_redun redundancy;
	/* Replicas, or data cells, and parity cells. */
	uint16_t data;
	uint16_t parity;
	/* Listed with one group only. */
	bool single;
};

/* In the order of listing. */
static const struct family families[] = {
	{"S", OR_RP_1, 1, 0, false},
	{"RP_2G", OR_RP_2, 2, 0, false},
	{"RP_3G", OR_RP_3, 3, 0, false},
	{"RP_4G", OR_RP_4, 4, 0, false},
	{"RP_5G", OR_RP_5, 5, 0, false},
	{"RP_6G", OR_RP_6, 6, 0, false},
	{"RP_8G", OR_RP_8, 8, 0, true},
	{"RP_12G", OR_RP_12, 12, 0, true},
	{"RP_16G", OR_RP_16, 16, 0, true},
	{"RP_24G", OR_RP_24, 24, 0, true},
	{"RP_32G", OR_RP_32, 32, 0, true},
	{"RP_48G", OR_RP_48, 48, 0, true},
	{"RP_64G", OR_RP_64, 64, 0, true},
	{"RP_128G", OR_RP_128, 128, 0, true},
	{"EC_2P1G", OR_RS_2P1, 2, 1, false},
	{"EC_2P2G", OR_RS_2P2, 2, 2, false},
	{"EC_4P1G", OR_RS_4P1, 4, 1, false},
	{"EC_4P2G", OR_RS_4P2, 4, 2, false},
	{"EC_4P3G", OR_RS_4P3, 4, 3, false},
	{"EC_8P1G", OR_RS_8P1, 8, 1, false},
	{"EC_8P2G", OR_RS_8P2, 8, 2, false},
	{"EC_8P3G", OR_RS_8P3, 8, 3, false},
	{"EC_16P1G", OR_RS_16P1, 16, 1, false},
	{"EC_16P2G", OR_RS_16P2, 16, 2, false},
	{"EC_16P3G", OR_RS_16P3, 16, 3, false},
};

static const uint32_t listed_groups[] = {1, 2, 4, 6, 8, 12, 16, 32, MAX_NUM_GROUPS};

static const struct family *
family_find(daos_oclass_id_t id)
{
	size_t i;

	for (i = 0; i < ARRAY_SIZE(families); i++) {
		if (families[i].redundancy == id >> OC_REDUN_SHIFT)
			return &families[i];
	}
	return NULL;
}

/* Groups in the lower bits; the 8 bits between them and the redundancy are not used. */
static uint32_t
groups_of(daos_oclass_id_t id)
{
	uint32_t groups = id & ((1U << OC_REDUN_SHIFT) - 1);

	return groups <= MAX_NUM_GROUPS ? groups : 0;
}

static uint32_t
groups_parse(const char *text)
{
	unsigned long groups;
	char *end;

	if (strcmp(text, "X") == 0)
		return MAX_NUM_GROUPS;
	if (*text < '1' || *text > '9')
		return 0;
	groups = strtoul(text, &end, 10);
	return *end == '\0' && groups < MAX_NUM_GROUPS ? (uint32_t)groups : 0;
}

int
daos_oclass_name2id(const char *name)
{
	size_t i;

	for (i = 0; name != NULL && i < ARRAY_SIZE(families); i++) {
		size_t len = strlen(families[i].name);
		uint32_t groups;

		if (strncmp(name, families[i].name, len) != 0)
			continue;
		groups = groups_parse(name + len);
		if (groups != 0)
			return (int)OBJ_CLASS_DEF((uint32_t)families[i].redundancy, groups);
	}
	return OC_UNKNOWN;
}

int
daos_oclass_id2name(daos_oclass_id_t oc_id, char *name)
{
	const struct family *family = family_find(oc_id);
	uint32_t groups = groups_of(oc_id);

	if (name == NULL)
		return -1;
	if (family == NULL || groups == 0) {
		strcpy(name, "UNKNOWN");
		return -1;
	}
	if (groups == MAX_NUM_GROUPS)
		snprintf(name, MAX_OBJ_CLASS_NAME_LEN, "%sX", family->name);
	else
		snprintf(name, MAX_OBJ_CLASS_NAME_LEN, "%s%u", family->name, groups);
	return 0;
}

static size_t
listed_of(const struct family *family)
{
	return family->single ? 1 : ARRAY_SIZE(listed_groups);
}

int
daos_oclass_nr(int opts)
{
	size_t i, nr = 0;

	(void)opts;
	for (i = 0; i < ARRAY_SIZE(families); i++)
		nr += listed_of(&families[i]);
	return (int)nr;
}

ssize_t
daos_oclass_names_list(size_t size, char *str)
{
	char name[MAX_OBJ_CLASS_NAME_LEN];
	size_t i, k, used = 0;

	for (i = 0; i < ARRAY_SIZE(families); i++) {
		for (k = 0; k < listed_of(&families[i]); k++) {
			const char *separator = used == 0 ? "" : ", ";
			size_t len = strlen(separator);

			daos_oclass_id2name(OBJ_CLASS_DEF((uint32_t)families[i].redundancy,
							  listed_groups[k]),
					    name);
			len += strlen(name);
			if (str != NULL && used + len < size)
				sprintf(str + used, "%s%s", separator, name);
			used += len;
		}
	}
	return (ssize_t)used + 1;
}

int
oclass_attributes(daos_oclass_id_t id, struct daos_oclass_attr *ret_attr)
{
	const struct family *family = family_find(id);
	struct daos_oclass_attr attr = {.ca_schema = DAOS_OS_STRIPED, .ca_grp_nr = groups_of(id)};

	if (family == NULL || attr.ca_grp_nr == 0)
		return -DER_INVAL;
	if (family->parity == 0) {
		attr.ca_resil = DAOS_RES_REPL;
		attr.ca_resil_degree = family->data - 1U;
		attr.u.rp.r_num = family->data;
	} else {
		attr.ca_resil = DAOS_RES_EC;
		attr.ca_resil_degree = family->parity;
		attr.u.ec.e_k = family->data;
		attr.u.ec.e_p = family->parity;
		attr.u.ec.e_len = EC_CELL_BYTES;
	}
	*ret_attr = attr;
	return 0;
}

uint32_t
oclass_group_size(const struct daos_oclass_attr *attr)
{
	return attr->ca_resil == DAOS_RES_REPL ? attr->u.rp.r_num
					       : (uint32_t)attr->u.ec.e_k + attr->u.ec.e_p;
}
