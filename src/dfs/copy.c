/* SPDX-License-Identifier: BSD-2-Clause-Patent */
/* All values of an entry as a whole: read from one name, written to another. */
#include "dfs/private.h"

/* Values of an entry, and those of one request: the first one is small, as most entries have
 * attributes alone. */
#define VALUES_MAX 4000u
#define PAGE_FIRST 8u
#define PAGE_VALUES 64u
#define AKEY_MAX (DFS_MAX_XATTR_NAME + 3u)
#define PAGE_KEYS 32u

struct value {
	char akey[AKEY_MAX];
	uint32_t akey_length;
};

/* What one request reads or writes. One block. */
struct values_page {
	struct values_page *next;
	uint32_t count, room;
	uint8_t *data; /* of all values; a block of its own */
	struct value *values;
	daos_iod_t *iods;
	d_iov_t *iovs;
	d_sg_list_t *sgls;
};

struct entry_values {
	uint32_t count;
	daos_recx_t attributes;
	struct values_page *first, *last;
};

void
entry_values_free(struct entry_values *values)
{
	while (values && values->first) {
		struct values_page *page = values->first;

		values->first = page->next;
		client_free(page->data);
		client_free(page);
	}
	client_free(values);
}

static int
page_add(struct entry_values *values)
{
	uint32_t room = values->first ? PAGE_VALUES : PAGE_FIRST;
	size_t each =
		sizeof(daos_iod_t) + sizeof(d_iov_t) + sizeof(d_sg_list_t) + sizeof(struct value);
	struct values_page *page = file_alloc(sizeof(*page) + room * each);

	if (page == NULL)
		return -DER_NOMEM;
	page->room = room;
	page->iods = (daos_iod_t *)(page + 1);
	page->iovs = (d_iov_t *)(page->iods + room);
	page->sgls = (d_sg_list_t *)(page->iovs + room);
	page->values = (struct value *)(page->sgls + room);
	if (values->last)
		values->last->next = page;
	else
		values->first = page;
	values->last = page;
	return 0;
}

static bool
akey_is(const char *akey, size_t length, const char *name)
{
	return length == strlen(name) && memcmp(akey, name, length) == 0;
}

static bool
is_attributes(const struct value *value)
{
	return akey_is(value->akey, value->akey_length, "DFS_INODE");
}

/* Counts, names and holders belong to a record or an orphan, not to what is moved. */
static bool
is_of_entry(const char *akey, size_t length)
{
	return akey_is(akey, length, "DFS_INODE") || akey_is(akey, length, "DFS_SLINK") ||
	       (length > 2 && (akey[0] == 'x' || akey[0] == 'e') && akey[1] == ':');
}

static bool
values_have(const struct entry_values *values, const char *akey, size_t length)
{
	for (const struct values_page *page = values->first; page; page = page->next) {
		for (uint32_t i = 0; i < page->count; i++) {
			if (page->values[i].akey_length == length &&
			    memcmp(page->values[i].akey, akey, length) == 0)
				return true;
		}
	}
	return false;
}

static int
values_add(struct entry_values *values, const char *akey, size_t length)
{
	struct value *value;
	int rc = 0;

	if (!is_of_entry(akey, length) || values_have(values, akey, length))
		return 0;
	if (values->count == VALUES_MAX)
		return error_raise(file_error(E2BIG), "an entry with over %u extended attributes",
				   VALUES_MAX - 2);
	if (length >= AKEY_MAX)
		return error_raise(-DER_IO, "an entry has an akey of %zu bytes", length);
	if (values->last == NULL || values->last->count == values->last->room)
		rc = page_add(values);
	if (rc)
		return rc;
	value = &values->last->values[values->last->count++];
	memcpy(value->akey, akey, length);
	value->akey_length = (uint32_t)length;
	values->count++;
	return 0;
}

/* Adds the names of all akeys of an entry that are not there yet. */
static int
values_list(struct entry_name name, struct entry_values *values)
{
	AUTO_MEMORY char *page = client_alloc(PAGE_KEYS * AKEY_MAX);
	daos_key_desc_t keys[PAGE_KEYS];
	daos_anchor_t anchor = DAOS_ANCHOR_INIT;
	daos_key_t dkey = entry_dkey(name);

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

/* Describes all values, of which only the attributes' size is known yet. */
static void
page_describe(struct entry_values *values, struct values_page *page)
{
	for (uint32_t i = 0; i < page->count; i++) {
		struct value *value = &page->values[i];
		daos_iod_t *iod = &page->iods[i];

		*iod = (daos_iod_t){.iod_type = DAOS_IOD_SINGLE, .iod_nr = 1};
		d_iov_set(&iod->iod_name, value->akey, value->akey_length);
		if (is_attributes(value)) {
			iod->iod_type = DAOS_IOD_ARRAY;
			iod->iod_size = 1;
			iod->iod_recxs = &values->attributes;
		}
		page->iovs[i] = (d_iov_t){0};
		page->sgls[i] = (d_sg_list_t){.sg_nr = 0, .sg_iovs = &page->iovs[i]};
	}
}

/* Gives each value its place in the data, sizes being known. */
static int
page_allocate(struct values_page *page)
{
	uint64_t size = 0, offset = 0;

	for (uint32_t i = 0; i < page->count; i++)
		size += is_attributes(&page->values[i]) ? INODE_SIZE : page->iods[i].iod_size;
	page->data = file_alloc(size + 1);
	if (page->data == NULL)
		return -DER_NOMEM;
	for (uint32_t i = 0; i < page->count; i++) {
		uint64_t length = is_attributes(&page->values[i]) ? INODE_SIZE
								  : page->iods[i].iod_size;

		d_iov_set(&page->iovs[i], page->data + offset, length);
		page->sgls[i].sg_nr = 1;
		offset += length;
	}
	return 0;
}

/* Reads the values of a page: first their sizes, unless there are but the attributes. */
static int
page_fetch(struct entry_name name, struct entry_values *values, struct values_page *page)
{
	daos_key_t dkey = entry_dkey(name);
	int rc = 0;

	page_describe(values, page);
	if (page->count > 1 || !is_attributes(&page->values[0]))
		rc = daos_obj_fetch(name.handle, name.transaction, DAOS_COND_DKEY_FETCH, &dkey,
				    page->count, page->iods, NULL, NULL, NULL);
	if (rc == 0)
		rc = page_allocate(page);
	if (rc == 0)
		rc = daos_obj_fetch(name.handle, name.transaction, DAOS_COND_DKEY_FETCH, &dkey,
				    page->count, page->iods, page->sgls, NULL, NULL);
	return rc;
}

static int
values_read(struct entry_name name, struct entry_values *values)
{
	int rc;

	values->attributes = (daos_recx_t){.rx_idx = 0, .rx_nr = INODE_SIZE};
	rc = values_list(name, values);
	if (rc == 0 && !values_have(values, "DFS_INODE", strlen("DFS_INODE")))
		rc = -DER_NONEXIST;
	for (struct values_page *page = values->first; rc == 0 && page; page = page->next)
		rc = page_fetch(name, values, page);
	return rc;
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

uint32_t
entry_values_count(const struct entry_values *values)
{
	return values->count;
}

int
entry_write(struct entry_name name, struct entry_values *values)
{
	daos_key_t dkey = entry_dkey(name);
	int rc = daos_obj_punch_dkeys(name.handle, name.transaction, 0, 1, &dkey, NULL);

	for (struct values_page *page = values->first; rc == 0 && page; page = page->next)
		rc = daos_obj_update(name.handle, name.transaction, 0, &dkey, page->count,
				     page->iods, page->sgls, NULL);
	return rc;
}
