/* SPDX-License-Identifier: BSD-2-Clause-Patent */
/* Workload "manage": what is done to an open container, and attributes of pools alike. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "daos_kv.h"

#include "sim/work_manage.h"

/* ------------------------------------------------ keys that know whose they are */

#define KEY_VALUE_MAX 3000u

static uint64_t
key_place(const struct thing *thing, uint32_t key)
{
	return hash_combine(thing->number, key);
}

static int
store_open(daos_handle_t container, daos_handle_t *ret_store)
{
	daos_obj_id_t oid = {.lo = 1};
	int rc = daos_obj_generate_oid(container, &oid, DAOS_OT_KV_LEXICAL, OC_SX, 0, 0);

	return rc ? rc : daos_kv_open(container, oid, DAOS_OO_RW, ret_store, NULL);
}

void
manage_put(struct manage *manage, struct held *held)
{
	struct stream *random = &manage->actor->random;
	struct thing *thing = held->thing;
	uint32_t key = (uint32_t)stream_draw(random, KEYS_MAX);
	size_t size = stream_between(random, VALUE_MIN, KEY_VALUE_MAX);
	uint8_t value[KEY_VALUE_MAX];
	daos_handle_t store;
	char name[16];
	int rc;

	snprintf(name, sizeof(name), "k%u", key);
	value_fill(value, size, (struct identity){thing->number, key_place(thing, key)});
	held_begin(held);
	rc = store_open(held->handle, &store);
	if (rc == 0) {
		thing->keys_begun |= 1u << key;
		rc = daos_kv_put(store, DAOS_TX_NONE, 0, name, size, value, NULL);
		(void)daos_kv_close(store, NULL);
	}
	(void)held_done(manage, held, MANAGE_PUT, rc);
	if (rc == 0)
		thing->keys |= 1u << key;
}

/* size 0: absent. */
static void
judge_key(struct manage *manage, const struct thing *thing, uint32_t key, bool owed,
	  const uint8_t *value, size_t size)
{
	struct sim *sim = manage->model->sim;
	struct identity identity;

	if (size == 0) {
		if (owed)
			sim_violation(sim, "container %llu lacks key %u, which was acknowledged",
				      (unsigned long long)thing->number, key);
		return;
	}
	if (!value_identify(value, size, &identity))
		sim_violation(sim, "key %u of container %llu has bytes that nobody wrote", key,
			      (unsigned long long)thing->number);
	else if (identity.write != thing->number || identity.place != key_place(thing, key))
		sim_violation(sim, "key %u of container %llu has a value of container %llu", key,
			      (unsigned long long)thing->number,
			      (unsigned long long)identity.write);
	else if ((thing->keys_begun & 1u << key) == 0)
		sim_violation(sim, "key %u of container %llu is there before it was written", key,
			      (unsigned long long)thing->number);
}

/* Whether the container may be on its way out, so that its keys may be gone. */
static bool
may_be_going(const struct manage_model *model, uint64_t since)
{
	return model->closing > 0 || model->closed_last >= since;
}

void
manage_get(struct manage *manage, struct held *held)
{
	struct thing *thing = held->thing;
	uint32_t key = (uint32_t)stream_draw(&manage->actor->random, KEYS_MAX);
	bool owed = thing->keys & 1u << key && !server_may_roll_back(manage->model->server);
	uint64_t since = actor_time(manage->actor);
	uint8_t value[KEY_VALUE_MAX];
	daos_size_t size = sizeof(value);
	daos_handle_t store;
	char name[16];
	int rc;

	snprintf(name, sizeof(name), "k%u", key);
	held_begin(held);
	rc = store_open(held->handle, &store);
	if (rc == 0) {
		rc = daos_kv_get(store, DAOS_TX_NONE, 0, name, &size, value, NULL);
		(void)daos_kv_close(store, NULL);
	}
	(void)held_done(manage, held, MANAGE_GET, rc);
	if (rc == 0)
		judge_key(manage, thing, key, owed && !may_be_going(manage->model, since), value,
			  size);
}

/* ------------------------------------------------ object ids */

void
manage_oids(struct manage *manage, struct held *held)
{
	struct thing *thing = held->thing;
	struct number_range range = {.count = stream_scaled(&manage->actor->random, 1, 100000)};
	const struct number_range *other;
	int rc;

	held_begin(held);
	rc = daos_cont_alloc_oids(held->handle, range.count, &range.first, NULL);
	(void)held_done(manage, held, MANAGE_OIDS, rc);
	if (rc)
		return;
	other = ranges_meet(thing->ranges, thing->range_count, range);
	if (other && !server_may_roll_back(manage->model->server))
		sim_violation(manage->model->sim,
			      "object ids from %llu on, %llu of them, were given while %llu from "
			      "%llu on are in use",
			      (unsigned long long)range.first, (unsigned long long)range.count,
			      (unsigned long long)other->count, (unsigned long long)other->first);
	if (thing->range_count == thing->range_room) {
		thing->range_room = thing->range_room ? 2 * thing->range_room : 16;
		thing->ranges = sim_grow(thing->ranges, thing->range_room * sizeof(*thing->ranges));
	}
	thing->ranges[thing->range_count++] = range;
}

/* ------------------------------------------------ attributes */

#define ATTRIBUTES REGISTER_SLOTS
/* Names besides those that are judged: a request of several proposals. */
#define FILLERS 8u
#define ATTRIBUTE_MAX 700u

static const char *const attribute_names[ATTRIBUTES + FILLERS] = {
	"a0",	    "a-rather-longer-name-of-an-attribute",
	"a2",	    "a3",
	"filler-0", "filler-1",
	"filler-2", "filler-3",
	"filler-4", "filler-5",
	"filler-6", "filler-7",
};

/* Of a container, or of the pool when held is NULL. */
struct target {
	struct held *held;
	struct registers *registers;
	uint64_t number;
	uint32_t generation; /* part of the names */
};

/* Those of the pool that are in use. */
static struct registers *
pool_registers(struct manage_model *model)
{
	uint32_t last = model->pool_attribute_count - 1;

	if (model->pool_attribute_count > 0 &&
	    (last + 1 == POOL_ATTRIBUTES_MAX || !registers_full(model->pool_attributes[last])))
		return model->pool_attributes[last];
	model->pool_attributes[++last] = sim_take(sizeof(struct registers));
	model->pool_attribute_count++;
	return model->pool_attributes[last];
}

/* False: enough was done to it. */
static bool
target_of(struct manage *manage, struct held *held, struct target *ret_target)
{
	struct manage_model *model = manage->model;

	if (held) {
		held_begin(held);
		*ret_target =
			(struct target){held, &held->thing->attributes, held->thing->number, 0};
	} else {
		*ret_target = (struct target){NULL, pool_registers(model), 0,
					      model->pool_attribute_count};
		ret_target->number = ret_target->generation;
	}
	return !registers_full(ret_target->registers);
}

static enum outcome
target_done(struct manage *manage, const struct target *target, enum manage_operation operation,
	    int rc)
{
	if (target->held)
		return held_done(manage, target->held, operation, rc);
	return manage_done(manage, operation, rc, NULL);
}

/* The attributes of one call: those of mask, in the order of their slots, then fillers. */
struct call {
	char texts[ATTRIBUTES + FILLERS][64];
	const char *names[ATTRIBUTES + FILLERS];
	uint8_t slots[ATTRIBUTES];
	uint32_t entries[ATTRIBUTES];
	int count;
	uint32_t slot_count;
	void *buffers[ATTRIBUTES + FILLERS];
	size_t sizes[ATTRIBUTES + FILLERS];
	uint8_t bytes[ATTRIBUTES][ATTRIBUTE_MAX];
};

static uint8_t
draw_mask(struct stream *random)
{
	if (stream_chance(random, 60))
		return (uint8_t)(1u << stream_draw(random, ATTRIBUTES));
	return (uint8_t)stream_between(random, 1, (1u << ATTRIBUTES) - 1);
}

static void
name_text(const struct target *target, uint32_t number, char text[64])
{
	if (target->generation)
		snprintf(text, 64, "%s.%u", attribute_names[number], target->generation);
	else
		snprintf(text, 64, "%s", attribute_names[number]);
}

static const char *
call_text(struct call *call, const struct target *target, uint32_t number)
{
	name_text(target, number, call->texts[number]);
	return call->texts[number];
}

static void
call_name(struct call *call, const struct target *target, uint8_t mask)
{
	for (uint8_t i = 0; i < ATTRIBUTES; i++) {
		if ((mask & 1u << i) == 0)
			continue;
		call->slots[call->slot_count++] = i;
		call->names[call->count] = call_text(call, target, i);
		call->buffers[call->count] = call->bytes[i];
		call->sizes[call->count++] = ATTRIBUTE_MAX;
	}
}

void
manage_set_attributes(struct manage *manage, struct held *held)
{
	struct stream *random = &manage->actor->random;
	struct register_operation operation = {.kind = REGISTER_WRITE, .slots = draw_mask(random)};
	uint32_t fillers = stream_chance(random, 25) ? FILLERS : 0;
	struct target target;
	enum outcome outcome;
	struct call *call;
	uint32_t entry;
	int rc;

	if (!target_of(manage, held, &target))
		return;
	call = sim_take(sizeof(*call));
	call_name(call, &target, operation.slots);
	for (uint32_t i = 0; i < call->slot_count; i++) {
		uint8_t slot = call->slots[i];
		uint64_t write = actor_write_number(manage->actor);

		call->sizes[i] = stream_between(random, VALUE_MIN, ATTRIBUTE_MAX);
		value_fill(call->bytes[slot], call->sizes[i],
			   (struct identity){write, hash_combine(target.number, slot)});
		operation.values[slot] = (struct register_value){write, call->sizes[i]};
	}
	for (uint32_t i = 0; i < fillers; i++) {
		call->names[call->count] = call_text(call, &target, ATTRIBUTES + i);
		call->buffers[call->count] = call->bytes[call->slots[0]];
		call->sizes[call->count++] = stream_draw(random, VALUE_MIN);
	}
	entry = registers_begin(manage, target.registers, &operation);
	if (held)
		rc = daos_cont_set_attr(held->handle, call->count, call->names,
					(void const *const *)call->buffers, call->sizes, NULL);
	else
		rc = daos_pool_set_attr(manage->actor->pool, call->count, call->names,
					(void const *const *)call->buffers, call->sizes, NULL);
	outcome = target_done(manage, &target, MANAGE_SET_ATTRIBUTES, rc);
	(void)registers_end(manage, target.registers, entry, outcome);
	free(call);
}

/* What a value says of itself; false for one that is none. */
static bool
attribute_value(const struct target *target, uint8_t slot, const uint8_t *bytes, size_t size,
		struct register_value *ret_value)
{
	struct identity identity;

	if (size > ATTRIBUTE_MAX || !value_identify(bytes, size, &identity) ||
	    identity.place != hash_combine(target->number, slot))
		return false;
	*ret_value = (struct register_value){identity.write, size};
	return true;
}

/* Each of several is read at a time of its own. */
static void
note_read(struct manage *manage, const struct target *target, const struct call *call, int rc,
	  enum outcome outcome)
{
	for (uint32_t i = 0; i < call->slot_count; i++) {
		struct register_operation *read = registers_end(
			manage, target->registers, call->entries[i],
			rc == -DER_NONEXIST && call->slot_count == 1 ? OUTCOME_OK : outcome);
		uint8_t slot = call->slots[i];

		if (rc == 0 && call->buffers[i] == NULL)
			read->values[slot].size = call->sizes[i];
		else if (rc == 0 && !attribute_value(target, slot, call->bytes[slot],
						     call->sizes[i], &read->values[slot]))
			sim_violation(manage->model->sim,
				      "attribute %s of %llu has a value that nobody wrote there",
				      attribute_names[slot], (unsigned long long)target->number);
	}
}

void
manage_get_attributes(struct manage *manage, struct held *held)
{
	struct stream *random = &manage->actor->random;
	bool size_only = stream_chance(random, 15);
	struct target target;
	struct call *call;
	int rc;

	if (!target_of(manage, held, &target))
		return;
	call = sim_take(sizeof(*call));
	call_name(call, &target, draw_mask(random));
	for (uint32_t i = 0; i < call->slot_count; i++) {
		const struct register_operation operation = {
			.kind = size_only ? REGISTER_SIZE : REGISTER_READ,
			.slots = (uint8_t)(1u << call->slots[i])};

		if (size_only)
			call->buffers[i] = NULL;
		call->entries[i] = registers_begin(manage, target.registers, &operation);
	}
	if (held)
		rc = daos_cont_get_attr(held->handle, call->count, call->names, call->buffers,
					call->sizes, NULL);
	else
		rc = daos_pool_get_attr(manage->actor->pool, call->count, call->names,
					call->buffers, call->sizes, NULL);
	note_read(manage, &target, call, rc,
		  target_done(manage, &target, MANAGE_GET_ATTRIBUTES, rc));
	free(call);
}

/* Whether a name is in a list of names with a zero byte after each. */
static bool
is_listed(const char *list, size_t size, const char *name)
{
	for (size_t at = 0; at < size; at += strlen(list + at) + 1)
		if (strcmp(list + at, name) == 0)
			return true;
	return false;
}

void
manage_list_attributes(struct manage *manage, struct held *held)
{
	uint32_t entries[ATTRIBUTES];
	char list[8192] = "";
	size_t size = sizeof(list);
	struct target target;
	enum outcome outcome;
	int rc;

	if (!target_of(manage, held, &target))
		return;
	for (uint32_t i = 0; i < ATTRIBUTES; i++) {
		const struct register_operation operation = {.kind = REGISTER_READ};

		entries[i] = registers_begin(manage, target.registers, &operation);
	}
	rc = held ? daos_cont_list_attr(held->handle, list, &size, NULL)
		  : daos_pool_list_attr(manage->actor->pool, list, &size, NULL);
	outcome = target_done(manage, &target, MANAGE_LIST_ATTRIBUTES, rc);
	if (rc == 0 && size > sizeof(list))
		sim_violation(manage->model->sim, "attributes have %zu bytes of names", size);
	for (uint32_t i = 0; i < ATTRIBUTES; i++) {
		struct register_operation *look =
			registers_end(manage, target.registers, entries[i], outcome);

		char name[64];

		name_text(&target, i, name);
		if (rc == 0 && is_listed(list, min_of(size, sizeof(list)), name))
			look->present = (uint8_t)(1u << i);
		else
			look->absent = (uint8_t)(1u << i);
	}
}

void
manage_delete_attributes(struct manage *manage, struct held *held)
{
	const struct register_operation operation = {.kind = REGISTER_REMOVE,
						     .slots = draw_mask(&manage->actor->random)};
	struct target target;
	enum outcome outcome;
	struct call *call;
	uint32_t entry;
	int rc;

	if (!target_of(manage, held, &target))
		return;
	call = sim_take(sizeof(*call));
	call_name(call, &target, operation.slots);
	entry = registers_begin(manage, target.registers, &operation);
	rc = held ? daos_cont_del_attr(held->handle, call->count, call->names, NULL)
		  : daos_pool_del_attr(manage->actor->pool, call->count, call->names, NULL);
	outcome = target_done(manage, &target, MANAGE_DELETE_ATTRIBUTES, rc);
	(void)registers_end(manage, target.registers, entry, outcome);
	free(call);
}

/* ------------------------------------------------ properties */

enum { PROPERTY_SNAPSHOTS, PROPERTY_OWNER, PROPERTY_GROUP, PROPERTY_ACL };

static const uint32_t property_types[REGISTER_SLOTS] = {
	[PROPERTY_SNAPSHOTS] = DAOS_PROP_CO_SNAPSHOT_MAX,
	[PROPERTY_OWNER] = DAOS_PROP_CO_OWNER,
	[PROPERTY_GROUP] = DAOS_PROP_CO_OWNER_GROUP,
	[PROPERTY_ACL] = DAOS_PROP_CO_ACL,
};

/* A list for one user whose name is a number. */
static struct daos_acl *
acl_make(uint64_t number)
{
	struct daos_acl *acl;
	struct daos_ace *entry;
	char name[32];

	snprintf(name, sizeof(name), "n%llu@", (unsigned long long)number);
	entry = daos_ace_create(DAOS_ACL_USER, name);
	ASSERT(entry != NULL);
	entry->dae_access_types = DAOS_ACL_ACCESS_ALLOW;
	entry->dae_allow_perms = DAOS_ACL_PERM_READ;
	acl = daos_acl_create(&entry, 1);
	daos_ace_free(entry);
	ASSERT(acl != NULL);
	return acl;
}

static void
entry_set(struct daos_prop_entry *entry, uint32_t slot, uint64_t number)
{
	char name[32];
	int rc = 0;

	snprintf(name, sizeof(name), "n%llu@", (unsigned long long)number);
	entry->dpe_type = property_types[slot];
	if (slot == PROPERTY_SNAPSHOTS)
		entry->dpe_val = number;
	else if (slot == PROPERTY_ACL)
		entry->dpe_val_ptr = acl_make(number);
	else
		rc = daos_prop_entry_set_str(entry, name, strlen(name));
	ASSERT(rc == 0);
}

static uint64_t
name_number(const char *name)
{
	unsigned long long number;

	return name && sscanf(name, "n%llu@", &number) == 1 ? number : 0;
}

/* The number that a property has; 0 for what it is at first. */
static uint64_t
entry_number(daos_prop_t *properties, uint32_t slot)
{
	struct daos_prop_entry *entry = daos_prop_entry_get(properties, property_types[slot]);
	struct daos_ace *ace;

	if (entry == NULL || !daos_prop_is_set(entry))
		return 0;
	if (slot == PROPERTY_SNAPSHOTS)
		return entry->dpe_val;
	if (slot != PROPERTY_ACL)
		return name_number(entry->dpe_str);
	ace = entry->dpe_val_ptr ? daos_acl_get_next_ace(entry->dpe_val_ptr, NULL) : NULL;
	return ace ? name_number(daos_ace_get_principal_str(ace)) : 0;
}

/* The function made for just these properties, where there is one. */
static int
set_call(struct held *held, uint8_t slots, daos_prop_t *properties)
{
	struct daos_prop_entry *entries = properties->dpp_entries;

	if (slots == 1u << PROPERTY_ACL)
		return daos_cont_overwrite_acl(held->handle, entries[0].dpe_val_ptr, NULL);
	if (slots == (1u << PROPERTY_OWNER | 1u << PROPERTY_GROUP))
		return daos_cont_set_owner_no_check(held->handle, entries[0].dpe_str,
						    entries[1].dpe_str, NULL);
	return daos_cont_set_prop(held->handle, properties, NULL);
}

void
manage_set_properties(struct manage *manage, struct held *held)
{
	struct register_operation operation = {.kind = REGISTER_WRITE,
					       .slots = draw_mask(&manage->actor->random)};
	struct registers *registers = &held->thing->properties;
	daos_prop_t *properties = daos_prop_alloc((uint32_t)__builtin_popcount(operation.slots));
	uint32_t entry, count = 0;
	enum outcome outcome;
	int rc;

	ASSERT(properties != NULL);
	if (registers_full(registers)) {
		daos_prop_free(properties);
		return;
	}
	for (uint32_t i = 0; i < REGISTER_SLOTS; i++) {
		if ((operation.slots & 1u << i) == 0)
			continue;
		operation.values[i].write = actor_write_number(manage->actor);
		entry_set(&properties->dpp_entries[count++], i, operation.values[i].write);
	}
	held_begin(held);
	entry = registers_begin(manage, registers, &operation);
	rc = set_call(held, operation.slots, properties);
	outcome = held_done(manage, held, MANAGE_SET_PROPERTIES, rc);
	(void)registers_end(manage, registers, entry, outcome);
	daos_prop_free(properties);
}

/* All, those that are judged, or what belongs to access. */
static int
get_call(struct manage *manage, struct held *held, uint8_t *ret_slots, daos_prop_t **ret_properties)
{
	uint64_t way = stream_draw(&manage->actor->random, 3);
	daos_prop_t *properties;
	int rc;

	*ret_slots = (1u << REGISTER_SLOTS) - 1;
	if (way == 0) {
		*ret_slots &= (uint8_t) ~(1u << PROPERTY_SNAPSHOTS);
		return daos_cont_get_acl(held->handle, ret_properties, NULL);
	}
	properties = daos_prop_alloc(way == 1 ? REGISTER_SLOTS : 0);
	ASSERT(properties != NULL);
	for (uint32_t i = 0; i < properties->dpp_nr; i++)
		properties->dpp_entries[i].dpe_type = property_types[i];
	rc = daos_cont_query(held->handle, NULL, properties, NULL);
	if (rc)
		daos_prop_free(properties);
	else
		*ret_properties = properties;
	return rc;
}

/* Who may not see the list is not shown it among all properties. */
static bool
acl_shown(daos_prop_t *properties)
{
	struct daos_prop_entry *entry =
		properties ? daos_prop_entry_get(properties, DAOS_PROP_CO_ACL) : NULL;

	return entry && entry->dpe_val_ptr;
}

void
manage_get_properties(struct manage *manage, struct held *held)
{
	struct registers *registers = &held->thing->properties;
	struct register_operation operation = {.kind = REGISTER_READ};
	struct register_operation *read;
	daos_prop_t *properties = NULL;
	enum outcome outcome;
	uint32_t entry;
	uint8_t slots;
	int rc;

	if (registers_full(registers))
		return;
	held_begin(held);
	entry = registers_begin(manage, registers, &operation);
	rc = get_call(manage, held, &slots, &properties);
	outcome = held_done(manage, held, MANAGE_GET_PROPERTIES, rc);
	read = registers_end(manage, registers, entry, outcome);
	if (rc == 0 && !acl_shown(properties))
		slots &= (uint8_t) ~(1u << PROPERTY_ACL);
	read->slots = slots;
	for (uint32_t i = 0; rc == 0 && i < REGISTER_SLOTS; i++)
		if (slots & 1u << i)
			read->values[i].write = entry_number(properties, i);
	daos_prop_free(properties);
}
