/* SPDX-License-Identifier: BSD-2-Clause-Patent */
/* Accounts of the workload "bank": where they lie, and how one is read and written. */
#include <stdio.h>
#include <string.h>

#include "sim/work_bank.h"

const enum daos_otype_t bank_object_types[BANK_OBJECTS] = {
	DAOS_OT_MULTI_HASHED, DAOS_OT_MULTI_LEXICAL, DAOS_OT_MULTI_UINT64, DAOS_OT_KV_HASHED};

/* In the heap; in the data space; both forms of a payload on its way. */
static const uint32_t sizes[] = {40, 300, 40, 5000, 40, 8192};

void
bank_accounts_init(struct bank_model *model)
{
	uint64_t keys = plan_knob(sim_plan(model->sim), KNOB_KEYS);

	model->account_count = (uint32_t)max_of(min_of(keys, (uint64_t)ACCOUNTS_MAX), UINT64_C(4));
	for (uint32_t i = 0; i < model->account_count; i++) {
		struct account *account = &model->accounts[i];

		account->number = i;
		account->object = i % BANK_OBJECTS;
		account->form = account->object == 3   ? ACCOUNT_PAIR
				: i / BANK_OBJECTS % 2 ? ACCOUNT_RECORD
						       : ACCOUNT_SINGLE;
		account->size = sizes[i % ARRAY_SIZE(sizes)];
	}
}

daos_obj_id_t
bank_object_id(struct bank_actor *bank, uint32_t object)
{
	daos_obj_id_t oid = {.lo = 1 + object};

	(void)daos_obj_generate_oid(bank->actor->container, &oid, bank_object_types[object],
				    object == 1 ? OC_S2 : OC_SX, 0, 0);
	return oid;
}

uint32_t
bank_object_of(struct bank_actor *bank, daos_obj_id_t oid)
{
	for (uint32_t i = 0; i < BANK_OBJECTS; i++) {
		daos_obj_id_t own = bank_object_id(bank, i);

		if (own.lo == oid.lo && own.hi == oid.hi)
			return i;
	}
	return BANK_OBJECTS;
}

bool
bank_objects_open(struct bank_actor *bank)
{
	for (uint32_t i = 0; i < BANK_OBJECTS; i++) {
		daos_obj_id_t oid = bank_object_id(bank, i);
		int rc = bank_object_types[i] == DAOS_OT_KV_HASHED
				 ? daos_kv_open(bank->actor->container, oid, DAOS_OO_RW,
						&bank->objects[i], NULL)
				 : daos_obj_open(bank->actor->container, oid, DAOS_OO_RW,
						 &bank->objects[i], NULL);

		if (rc) {
			bank->objects[i] = DAOS_HDL_INVAL;
			return false;
		}
	}
	return true;
}

void
bank_objects_close(struct bank_actor *bank)
{
	for (uint32_t i = 0; i < BANK_OBJECTS; i++) {
		if (!daos_handle_is_valid(bank->objects[i]))
			continue;
		if (bank_object_types[i] == DAOS_OT_KV_HASHED)
			(void)daos_kv_close(bank->objects[i], NULL);
		else
			(void)daos_obj_close(bank->objects[i], NULL);
		bank->objects[i] = DAOS_HDL_INVAL;
	}
}

/* ------------------------------------------------ what a record looks like */

struct record_head {
	uint64_t version;
	int64_t money;
	uint64_t place;
	uint64_t sum; /* of the fields before */
};

static uint64_t
place_of(const struct bank_actor *bank, const struct account *account)
{
	return hash_combine(hash_combine(server_number(bank->model->server), account->number),
			    account->size);
}

static uint64_t
head_sum(const struct record_head *head)
{
	return hash64(head, offsetof(struct record_head, sum), 1);
}

static void
record_fill(const struct bank_actor *bank, const struct account *account,
	    const struct record *record, uint8_t *bytes)
{
	struct record_head head = {record->version, record->money, place_of(bank, account), 0};

	head.sum = head_sum(&head);
	memcpy(bytes, &head, sizeof(head));
	for (uint32_t i = sizeof(head); i < account->size; i++)
		bytes[i] = (uint8_t)mix64(record->version + i);
}

static bool
record_take(const struct bank_actor *bank, const struct account *account, const uint8_t *bytes,
	    struct record *ret_record)
{
	struct record_head head;

	memcpy(&head, bytes, sizeof(head));
	if (head.sum != head_sum(&head) || head.place != place_of(bank, account))
		return false;
	for (uint32_t i = sizeof(head); i < account->size; i++)
		if (bytes[i] != (uint8_t)mix64(head.version + i))
			return false;
	*ret_record = (struct record){head.version, head.money};
	return true;
}

/* ------------------------------------------------ calls */

/* Where an account of an object lies: three of them share a dkey. */
struct place {
	char dkey_text[24], akey_text[24];
	uint64_t dkey_number, akey_number;
	daos_key_t dkey, akey;
	daos_recx_t recx;
	daos_iod_t iod;
};

static void
place_fill(const struct account *account, struct place *place)
{
	uint32_t within = account->number / BANK_OBJECTS;
	bool integer = bank_object_types[account->object] == DAOS_OT_MULTI_UINT64;

	place->dkey_number = within / 3;
	place->akey_number = within % 3;
	snprintf(place->dkey_text, sizeof(place->dkey_text), "branch-%u", within / 3);
	snprintf(place->akey_text, sizeof(place->akey_text), "account-%u", within);
	if (integer) {
		d_iov_set(&place->dkey, &place->dkey_number, sizeof(uint64_t));
		d_iov_set(&place->akey, &place->akey_number, sizeof(uint64_t));
	} else {
		d_iov_set(&place->dkey, place->dkey_text, strlen(place->dkey_text));
		d_iov_set(&place->akey, place->akey_text, strlen(place->akey_text));
	}
	place->recx = (daos_recx_t){7 * account->number, 1};
	place->iod = (daos_iod_t){
		.iod_name = place->akey,
		.iod_type = account->form == ACCOUNT_RECORD ? DAOS_IOD_ARRAY : DAOS_IOD_SINGLE,
		.iod_size = account->size,
		.iod_nr = 1,
		.iod_recxs = account->form == ACCOUNT_RECORD ? &place->recx : NULL,
	};
}

static int
fetch_account(struct bank_actor *bank, daos_handle_t transaction, const struct account *account,
	      uint8_t *bytes, daos_size_t *ret_size)
{
	daos_handle_t handle = bank->objects[account->object];
	struct place place;
	d_iov_t iov;
	d_sg_list_t sgl = {.sg_nr = 1, .sg_iovs = &iov};
	int rc;

	place_fill(account, &place);
	if (account->form == ACCOUNT_PAIR) {
		*ret_size = account->size;
		return daos_kv_get(handle, transaction, 0, place.akey_text, ret_size, bytes, NULL);
	}
	d_iov_set(&iov, bytes, account->size);
	place.iod.iod_size = DAOS_REC_ANY;
	rc = daos_obj_fetch(handle, transaction, 0, &place.dkey, 1, &place.iod, &sgl, NULL, NULL);
	*ret_size = place.iod.iod_size;
	return rc;
}

int
bank_read(struct bank_actor *bank, daos_handle_t transaction, const struct account *account,
	  struct record *ret_record)
{
	uint8_t *bytes = bank->bytes + (BANK_BUFFERS - 1) * ACCOUNT_BYTES_MAX;
	daos_size_t size = 0;
	int rc = fetch_account(bank, transaction, account, bytes, &size);

	if (rc)
		return rc;
	*ret_record = (struct record){0, ACCOUNT_START};
	if (size == 0)
		return 0;
	if (size != account->size || !record_take(bank, account, bytes, ret_record))
		sim_violation(bank->model->sim,
			      "account %u of server %u holds %llu bytes that nobody wrote there",
			      account->number, server_number(bank->model->server),
			      (unsigned long long)size);
	return 0;
}

/* Removes what is there, so that one transaction changes the same thing twice. */
static int
remove_first(struct bank_actor *bank, daos_handle_t transaction, const struct account *account,
	     struct place *place)
{
	daos_handle_t handle = bank->objects[account->object];

	if (account->form == ACCOUNT_PAIR)
		return daos_kv_remove(handle, transaction, 0, place->akey_text, NULL);
	return daos_obj_punch_akeys(handle, transaction, 0, &place->dkey, 1, &place->akey, NULL);
}

static int
put_account(struct bank_actor *bank, daos_handle_t transaction, uint64_t flags,
	    const struct account *account, struct place *place, uint8_t *bytes)
{
	daos_handle_t handle = bank->objects[account->object];
	d_iov_t iov;
	d_sg_list_t sgl = {.sg_nr = 1, .sg_iovs = &iov};

	if (account->form == ACCOUNT_PAIR)
		return daos_kv_put(handle, transaction, flags, place->akey_text, account->size,
				   bytes, NULL);
	d_iov_set(&iov, bytes, account->size);
	return daos_obj_update(handle, transaction, flags, &place->dkey, 1, &place->iod, &sgl,
			       NULL);
}

/* What was read says which condition holds, as long as nobody comes between. */
static uint64_t
condition_of(const struct account *account, const struct record *old)
{
	if (account->form == ACCOUNT_PAIR)
		return old->version ? DAOS_COND_KEY_UPDATE : DAOS_COND_KEY_INSERT;
	return old->version ? DAOS_COND_AKEY_UPDATE : DAOS_COND_AKEY_INSERT;
}

int
bank_write(struct bank_actor *bank, daos_handle_t transaction, const struct account *account,
	   const struct record *old, const struct record *record, uint32_t buffer)
{
	struct stream *random = &bank->actor->random;
	uint8_t *bytes = bank->bytes + buffer * ACCOUNT_BYTES_MAX;
	uint64_t flags = stream_chance(random, 40) ? condition_of(account, old) : 0;
	struct place place;
	int rc = 0;

	place_fill(account, &place);
	if (old->version && stream_chance(random, 12)) {
		rc = remove_first(bank, transaction, account, &place);
		flags = 0;
	}
	if (rc)
		return rc;
	record_fill(bank, account, record, bytes);
	return put_account(bank, transaction, flags, account, &place, bytes);
}
