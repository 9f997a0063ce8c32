/* SPDX-License-Identifier: BSD-2-Clause-Patent */
/* See hidden.h. */
#include <stdio.h>
#include <string.h>

#include "hidden.h"

#define KEY_SIZE 16u
#define PAGE_KEYS 16u

static uint32_t
objects_of(uint32_t kind)
{
	return kind == HIDDEN_RECORDS ? 64 : kind == HIDDEN_ORPHANS ? 8 : 1;
}

daos_handle_t
hidden_open(daos_handle_t container, uint32_t number)
{
	daos_prop_t properties = {.dpp_nr = 0};
	const struct daos_prop_co_roots *roots;
	daos_handle_t handle;
	daos_obj_id_t oid;

	assert_ok(daos_cont_query(container, NULL, &properties, NULL));
	roots = daos_prop_entry_get(&properties, DAOS_PROP_CO_ROOTS)->dpe_val_ptr;
	oid = roots->cr_oids[0];
	oid.hi = (oid.hi & 0x00ffffff00000000) | (uint64_t)DAOS_OT_DKEY_LEXICAL << 56 | number;
	daos_prop_fini(&properties);
	assert_ok(daos_obj_open(container, oid, DAOS_OO_RW, &handle, NULL));
	return handle;
}

/* Calls visit for each dkey; how many there are. */
static uint32_t
visit_object(daos_handle_t handle, void (*visit)(daos_handle_t handle, daos_key_t *dkey))
{
	daos_anchor_t anchor = DAOS_ANCHOR_INIT;
	uint32_t found = 0;

	while (!daos_anchor_is_eof(&anchor)) {
		char keys[PAGE_KEYS * KEY_SIZE], *at = keys;
		daos_key_desc_t lengths[PAGE_KEYS];
		d_iov_t iov = {keys, sizeof(keys), sizeof(keys)};
		d_sg_list_t sgl = {.sg_nr = 1, .sg_iovs = &iov};
		uint32_t count = PAGE_KEYS;

		assert_ok(daos_obj_list_dkey(handle, DAOS_TX_NONE, &count, lengths, &sgl, &anchor,
					     NULL));
		found += count;
		for (uint32_t i = 0; visit && i < count; at += lengths[i++].kd_key_len) {
			daos_key_t dkey;

			d_iov_set(&dkey, at, lengths[i].kd_key_len);
			visit(handle, &dkey);
		}
	}
	return found;
}

static uint32_t
visit_kind(daos_handle_t container, uint32_t kind,
	   void (*visit)(daos_handle_t handle, daos_key_t *dkey))
{
	uint32_t found = 0;

	for (uint32_t i = 0; i < objects_of(kind); i++) {
		daos_handle_t handle = hidden_open(container, kind + i);

		found += visit_object(handle, visit);
		assert_ok(daos_obj_close(handle, NULL));
	}
	return found;
}

uint32_t
hidden_records(daos_handle_t container)
{
	return visit_kind(container, HIDDEN_RECORDS, NULL);
}

uint32_t
hidden_orphans(daos_handle_t container)
{
	return visit_kind(container, HIDDEN_ORPHANS, NULL);
}

uint32_t
hidden_holders(daos_handle_t container)
{
	return visit_kind(container, HIDDEN_HOLDERS, NULL);
}

/* A single value of one dkey. */
static size_t
transfer(daos_handle_t handle, daos_key_t *dkey, const char *akey, bool write, void *value,
	 size_t size)
{
	daos_iod_t iod = {.iod_type = DAOS_IOD_SINGLE, .iod_nr = 1, .iod_size = DAOS_REC_ANY};
	d_iov_t iov = {value, size, size};
	d_sg_list_t sgl = {.sg_nr = 1, .sg_iovs = &iov};
	char name[16];

	snprintf(name, sizeof(name), "%s", akey);
	d_iov_set(&iod.iod_name, name, strlen(name));
	if (write) {
		iod.iod_size = size;
		assert_ok(daos_obj_update(handle, DAOS_TX_NONE, 0, dkey, 1, &iod, &sgl, NULL));
		return size;
	}
	assert_ok(daos_obj_fetch(handle, DAOS_TX_NONE, 0, dkey, 1, &iod, &sgl, NULL, NULL));
	return iod.iod_size;
}

static size_t
transfer_of(daos_handle_t container, uint32_t kind, daos_obj_id_t oid, const char *akey, bool write,
	    void *value, size_t size)
{
	uint8_t bytes[KEY_SIZE], present[64];
	size_t found = 0;
	daos_key_t dkey;

	for (unsigned int i = 0; i < 8; i++) {
		bytes[i] = (uint8_t)(oid.lo >> 8 * i);
		bytes[8 + i] = (uint8_t)(oid.hi >> 8 * i);
	}
	d_iov_set(&dkey, bytes, sizeof(bytes));
	for (uint32_t i = 0; i < objects_of(kind) && found == 0; i++) {
		daos_handle_t handle = hidden_open(container, kind + i);

		found = transfer(handle, &dkey, akey, false, present, sizeof(present));
		if (found > 0 && write)
			(void)transfer(handle, &dkey, akey, true, value, size);
		else if (found > 0)
			memcpy(value, present, found < size ? found : size);
		assert_ok(daos_obj_close(handle, NULL));
	}
	return found;
}

size_t
hidden_fetch(daos_handle_t container, uint32_t kind, daos_obj_id_t oid, const char *akey,
	     void *value, size_t size)
{
	return transfer_of(container, kind, oid, akey, false, value, size);
}

void
hidden_replace(daos_handle_t container, uint32_t kind, daos_obj_id_t oid, const char *akey,
	       void *value, size_t size)
{
	assert_true(transfer_of(container, kind, oid, akey, true, value, size) > 0);
}

static void
age(daos_handle_t handle, daos_key_t *dkey)
{
	uint8_t holder[16];

	assert_int_equal(transfer(handle, dkey, "DFS_HOLDER", false, holder, 16), 16);
	memset(holder + 8, 0, 8);
	holder[8] = 1;
	(void)transfer(handle, dkey, "DFS_HOLDER", true, holder, 16);
}

void
hidden_age_orphans(daos_handle_t container)
{
	(void)visit_kind(container, HIDDEN_ORPHANS, age);
}
