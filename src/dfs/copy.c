/* SPDX-License-Identifier: BSD-2-Clause-Patent */
/* All values of an entry as a whole: read from one name, written to another. */
#include "dfs/private.h"

/* Values of an entry, as one update can take them: attributes, target, and the rest extended ones.
 */
#define VALUES_MAX 120u
#define AKEY_MAX (DFS_MAX_XATTR_NAME + 3u)
#define PAGE_KEYS 32u

struct value {
	char akey[AKEY_MAX];
	uint32_t akey_length;
};

struct entry_values {
	uint32_t count;
	uint8_t *data; /* of all values */
	daos_recx_t attributes;
	struct value values[VALUES_MAX];
	daos_iod_t iods[VALUES_MAX];
	d_iov_t iovs[VALUES_MAX];
	d_sg_list_t sgls[VALUES_MAX];
};

void
entry_values_free(struct entry_values *values)
{
	if (values)
		client_free(values->data);
	client_free(values);
}

static bool
is_attributes(const struct value *value)
{
	return value->akey_length == 9 && memcmp(value->akey, "DFS_INODE", 9) == 0;
}

static bool
values_have(const struct entry_values *values, const char *akey, size_t length)
{
	for (uint32_t i = 0; i < values->count; i++) {
		if (values->values[i].akey_length == length &&
		    memcmp(values->values[i].akey, akey, length) == 0)
			return true;
	}
	return false;
}

static int
values_add(struct entry_values *values, const char *akey, size_t length)
{
	struct value *value = &values->values[values->count];

	if (values_have(values, akey, length))
		return 0;
	if (values->count == VALUES_MAX)
		return error_raise(file_error(E2BIG), "an entry with over %u extended attributes",
				   VALUES_MAX - 2);
	if (length >= AKEY_MAX)
		return error_raise(-DER_IO, "an entry has an akey of %zu bytes", length);
	memcpy(value->akey, akey, length);
	value->akey_length = (uint32_t)length;
	values->count++;
	return 0;
}

static daos_key_t
key_of(struct entry_name name)
{
	daos_key_t key = {.iov_buf_len = name.length, .iov_len = name.length};

	/* d_iov_t has no form for what is only read. */
	memcpy(&key.iov_buf, &name.name, sizeof(name.name));
	return key;
}

/* Adds the names of all akeys of an entry that are not there yet. */
static int
values_list(struct entry_name name, struct entry_values *values)
{
	AUTO_MEMORY char *page = client_alloc(PAGE_KEYS * AKEY_MAX);
	daos_key_desc_t keys[PAGE_KEYS];
	daos_anchor_t anchor = DAOS_ANCHOR_INIT;
	daos_key_t dkey = key_of(name);

	if (page == NULL)
		return -DER_NOMEM;
	while (!daos_anchor_is_eof(&anchor)) {
		d_iov_t iov = {page, PAGE_KEYS * AKEY_MAX, PAGE_KEYS * AKEY_MAX};
		d_sg_list_t sgl = {.sg_nr = 1, .sg_iovs = &iov};
		uint32_t count = PAGE_KEYS;
		const char *at = page;
		int rc = daos_obj_list_akey(name.handle, name.transaction, &dkey, &count, keys,
					    &sgl, &anchor, NULL);

		for (uint32_t i = 0; rc == 0 && i < count; at += keys[i++].kd_key_len)
			rc = values_add(values, at, keys[i].kd_key_len);
		if (rc)
			return rc;
	}
	return 0;
}

/* Describes all values, whose sizes are not known yet. */
static void
values_describe(struct entry_values *values)
{
	for (uint32_t i = 0; i < values->count; i++) {
		struct value *value = &values->values[i];
		daos_iod_t *iod = &values->iods[i];

		*iod = (daos_iod_t){.iod_type = DAOS_IOD_SINGLE, .iod_nr = 1};
		d_iov_set(&iod->iod_name, value->akey, value->akey_length);
		if (is_attributes(value)) {
			iod->iod_type = DAOS_IOD_ARRAY;
			iod->iod_size = 1;
			iod->iod_recxs = &values->attributes;
		}
		values->iovs[i] = (d_iov_t){0};
		values->sgls[i] = (d_sg_list_t){.sg_nr = 0, .sg_iovs = &values->iovs[i]};
	}
}

/* Gives each value its place in the data, sizes being known. */
static int
values_allocate(struct entry_values *values)
{
	uint64_t size = 0, offset = 0;

	for (uint32_t i = 0; i < values->count; i++)
		size += is_attributes(&values->values[i]) ? INODE_SIZE : values->iods[i].iod_size;
	values->data = file_alloc(size + 1);
	if (values->data == NULL)
		return -DER_NOMEM;
	for (uint32_t i = 0; i < values->count; i++) {
		uint64_t length = is_attributes(&values->values[i]) ? INODE_SIZE
								    : values->iods[i].iod_size;

		d_iov_set(&values->iovs[i], values->data + offset, length);
		values->sgls[i].sg_nr = 1;
		offset += length;
	}
	return 0;
}

/* Reads all values of an entry: first their sizes, then the values. */
static int
values_fetch(struct entry_name name, struct entry_values *values)
{
	daos_key_t dkey = key_of(name);
	int rc;

	values_describe(values);
	rc = daos_obj_fetch(name.handle, name.transaction, DAOS_COND_DKEY_FETCH, &dkey,
			    values->count, values->iods, NULL, NULL, NULL);
	if (rc == 0)
		rc = values_allocate(values);
	if (rc == 0)
		rc = daos_obj_fetch(name.handle, name.transaction, DAOS_COND_DKEY_FETCH, &dkey,
				    values->count, values->iods, values->sgls, NULL, NULL);
	return rc;
}

static int
values_read(struct entry_name name, struct entry_values *values)
{
	int rc;

	values->attributes = (daos_recx_t){.rx_idx = 0, .rx_nr = INODE_SIZE};
	rc = values_list(name, values);
	if (rc == 0 && !values_have(values, "DFS_INODE", 9))
		rc = -DER_NONEXIST;
	return rc ? rc : values_fetch(name, values);
}

int
entry_read(struct entry_name name, struct entry_values **ret_values)
{
	struct entry_values *values = file_alloc(sizeof(*values));
	int rc = values ? values_read(name, values) : -DER_NOMEM;

	if (rc)
		entry_values_free(values);
	else
		*ret_values = values;
	return rc;
}

int
entry_write(struct entry_name name, struct entry_values *values)
{
	daos_key_t dkey = key_of(name);
	int rc = daos_obj_punch_dkeys(name.handle, name.transaction, 0, 1, &dkey, NULL);

	if (rc)
		return rc;
	return daos_obj_update(name.handle, name.transaction, 0, &dkey, values->count, values->iods,
			       values->sgls, NULL);
}
