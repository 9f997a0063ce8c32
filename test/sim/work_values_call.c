/* SPDX-License-Identifier: BSD-2-Clause-Patent */
/* One call of the workload "values": drawn, entered in the history, made, and its outcome noted. */
#include <stdlib.h>
#include <string.h>

#include "sim/work_values.h"

/* ------------------------------------------------ entries in histories */

static struct register_operation *
call_entry(const struct call *call, uint32_t number)
{
	return &call->histories[number]->operations[call->entries[number]];
}

/* Nothing is known of an entry until its call ends. */
static void
call_enter(struct call *call, struct history *history, const struct register_operation *entry)
{
	call->histories[call->history_count] = history;
	call->entries[call->history_count++] = history->count;
	values_history_add(history, entry);
}

static void
call_init(struct call *call, enum values_operation operation, struct cell *cell)
{
	uint8_t *bytes = call->bytes;

	memset(call, 0, sizeof(*call));
	call->bytes = bytes;
	call->operation = operation;
	call->cells[0] = cell;
	call->object = cell->object;
	d_iov_set(&call->dkeys[0], call->keys[0], values_cell_key(cell, call->keys[0]));
}

/* ------------------------------------------------ drawing */

/* All sizes from those that records hold inline to those that travel by bulk transfer. */
static uint64_t
draw_size(struct stream *random, const struct values_model *model)
{
	if (stream_chance(random, 3))
		return stream_between(random, BULK_VALUE, model->value_room);
	return stream_scaled(random, VALUE_MIN, model->value_limit);
}

static void
name_akeys(struct call *call, uint8_t slots)
{
	for (uint32_t slot = 0; slot < SLOTS; slot++) {
		uint32_t at = call->akey_count;

		if ((slots & 1u << slot) == 0)
			continue;
		call->slot_of[at] = (uint8_t)slot;
		call->akeys[at] = values_slot_key(call->object->kind, slot, &call->integers[at]);
		call->akey_count++;
	}
}

/* Names single values, in the order of slots. */
static void
name_values(struct call *call, size_t value_room, uint8_t slots)
{
	name_akeys(call, slots);
	for (uint32_t i = 0; i < call->akey_count; i++) {
		call->iods[i] = (daos_iod_t){
			.iod_name = call->akeys[i], .iod_type = DAOS_IOD_SINGLE, .iod_nr = 1};
		d_iov_set(&call->iovs[2 * i], call->bytes + i * value_room, value_room);
		call->sgls[i] = (d_sg_list_t){.sg_nr = 1, .sg_iovs = &call->iovs[2 * i]};
	}
}

/* Fills in the values of an update; every other one comes from two buffers. */
static void
fill_values(struct values_actor *values, struct call *call, struct register_operation *entry)
{
	struct values_model *model = values->model;
	struct stream *random = &values->actor->random;
	uint64_t write = actor_write_number(values->actor);

	for (uint32_t i = 0; i < call->akey_count; i++) {
		uint32_t slot = call->slot_of[i];
		uint64_t size = draw_size(random, model), cut = stream_draw(random, size);
		uint8_t *bytes = call->bytes + i * model->value_room;

		value_fill(bytes, size,
			   (struct identity){write,
					     values_slot_place(model, call->cells[0], slot)});
		entry->values[slot] = (struct register_value){write, size};
		call->iods[i].iod_size = size;
		call->size = size;
		d_iov_set(&call->iovs[2 * i], bytes, size);
		if (cut == 0 || cut % 2 == 0)
			continue;
		d_iov_set(&call->iovs[2 * i], bytes, cut);
		d_iov_set(&call->iovs[2 * i + 1], bytes + cut, size - cut);
		call->sgls[i].sg_nr = 2;
	}
}

/* Conditions on the dkey, or the pair. */
static void
draw_whole_condition(struct stream *random, struct call *call, struct register_operation *entry)
{
	bool writes = entry->kind == REGISTER_WRITE;

	if (!stream_chance(random, 20))
		return;
	if (!writes) {
		call->flags |= DAOS_COND_DKEY_FETCH;
		entry->any_present = true;
	} else if (stream_chance(random, 50)) {
		call->flags |= DAOS_COND_DKEY_INSERT;
		entry->all_absent = true;
	} else {
		call->flags |= DAOS_COND_DKEY_UPDATE;
		entry->any_present = true;
	}
}

static uint64_t
draw_akey_flag(struct stream *random, bool writes)
{
	if (!writes)
		return DAOS_COND_AKEY_FETCH;
	return stream_chance(random, 50) ? DAOS_COND_AKEY_INSERT : DAOS_COND_AKEY_UPDATE;
}

static void
note_akey_flag(uint64_t flag, uint8_t slots, struct register_operation *entry)
{
	if (flag == DAOS_COND_AKEY_INSERT)
		entry->absent |= slots;
	else if (flag != 0)
		entry->present |= slots;
}

/* Conditions on akeys: one for all, or some each their own. */
static void
draw_akey_conditions(struct stream *random, struct call *call, struct register_operation *entry)
{
	bool writes = entry->kind == REGISTER_WRITE;
	uint64_t flag;

	if (!stream_chance(random, 20))
		return;
	if (stream_chance(random, 60)) {
		flag = draw_akey_flag(random, writes);
		call->flags |= flag;
		note_akey_flag(flag, entry->slots, entry);
		return;
	}
	call->flags |= DAOS_COND_PER_AKEY;
	for (uint32_t i = 0; i < call->akey_count; i++) {
		if (stream_chance(random, 40))
			continue;
		flag = draw_akey_flag(random, writes);
		call->iods[i].iod_flags = flag;
		note_akey_flag(flag, (uint8_t)(1u << call->slot_of[i]), entry);
	}
}

/* One slot, or several. */
static uint8_t
draw_slots(struct stream *random)
{
	if (stream_chance(random, 50))
		return (uint8_t)(1u << stream_draw(random, SLOTS));
	return (uint8_t)stream_between(random, 1, ALL_SLOTS);
}

/* A read: of values, or of sizes, by asking or by having too little room. */
static void
draw_read(struct values_actor *values, struct call *call, struct register_operation *entry)
{
	struct stream *random = &values->actor->random;

	call->size_only = entry->kind == REGISTER_SIZE;
	call->size = values->model->value_room;
	if (call->object->kind->is_kv) {
		entry->slots = 1;
	} else {
		entry->slots = draw_slots(random);
		name_values(call, values->model->value_room, entry->slots);
		draw_akey_conditions(random, call, entry);
	}
	draw_whole_condition(random, call, entry);
	if (!call->size_only)
		return;
	call->size = stream_chance(random, 50) ? 0 : stream_between(random, 1, VALUE_MIN - 1);
	for (uint32_t i = 0; i < call->akey_count; i++)
		call->iovs[2 * i].iov_buf_len = call->iovs[2 * i].iov_len = call->size;
}

static void
draw_write(struct values_actor *values, struct call *call, struct register_operation *entry)
{
	struct stream *random = &values->actor->random;

	if (call->object->kind->is_kv) {
		entry->slots = 1;
		call->akey_count = 1;
	} else {
		entry->slots = draw_slots(random);
		name_values(call, values->model->value_room, entry->slots);
		draw_akey_conditions(random, call, entry);
	}
	draw_whole_condition(random, call, entry);
	fill_values(values, call, entry);
}

/* Another cell of the same object, or NULL. */
static struct cell *
draw_neighbour(struct values_actor *values, const struct cell *cell)
{
	struct values_model *model = values->model;
	struct cell *other =
		model->active[stream_draw(&values->actor->random, model->active_count)];

	return other != cell && other->object == cell->object ? other : NULL;
}

static void
draw_remove(struct values_actor *values, struct call *call, struct register_operation *entry)
{
	struct stream *random = &values->actor->random;
	struct cell *other = NULL;

	entry->slots = ALL_SLOTS;
	if (call->operation == VALUES_PUNCH_AKEYS) {
		entry->slots = draw_slots(random);
		name_akeys(call, entry->slots);
	} else if (call->operation == VALUES_PUNCH_DKEYS) {
		other = draw_neighbour(values, call->cells[0]);
	}
	if (other) {
		call->cells[1] = other;
		d_iov_set(&call->dkeys[1], call->keys[1], values_cell_key(other, call->keys[1]));
	} else if (call->operation != VALUES_KV_DESTROY && stream_chance(random, 30)) {
		call->flags = DAOS_COND_PUNCH;
		entry->any_present = call->operation != VALUES_PUNCH_AKEYS;
		entry->present = entry->any_present ? 0 : entry->slots;
	}
}

static enum register_kind
kind_of(enum values_operation operation)
{
	switch (operation) {
	case VALUES_FETCH:
	case VALUES_KV_GET:
		return REGISTER_READ;
	case VALUES_SIZE:
	case VALUES_KV_SIZE:
		return REGISTER_SIZE;
	case VALUES_UPDATE:
	case VALUES_KV_PUT:
		return REGISTER_WRITE;
	default:
		return REGISTER_REMOVE;
	}
}

void
values_draw(struct values_actor *values, enum values_operation operation, struct cell *cell,
	    struct call *call)
{
	struct register_operation entry = {
		.end = REGISTER_NEVER,
		.actor = values->actor->number,
		.kind = (uint8_t)kind_of(operation),
		.outcome = REGISTER_UNKNOWN,
	};

	call_init(call, operation, cell);
	if (entry.kind == REGISTER_WRITE)
		draw_write(values, call, &entry);
	else if (entry.kind == REGISTER_REMOVE)
		draw_remove(values, call, &entry);
	else
		draw_read(values, call, &entry);
	entry.begin = actor_time(values->actor);
	if (operation == VALUES_PUNCH_OBJECT || operation == VALUES_KV_DESTROY) {
		call_enter(call, &call->object->punches, &entry);
		return;
	}
	call_enter(call, &cell->history, &entry);
	if (call->cells[1])
		call_enter(call, &call->cells[1]->history, &entry);
}

void
values_read_all(struct values_actor *values, struct cell *cell, struct call *call)
{
	bool is_kv = cell->object->kind->is_kv;
	struct register_operation entry = {
		.begin = actor_time(values->actor),
		.end = REGISTER_NEVER,
		.actor = values->actor->number,
		.kind = REGISTER_READ,
		.slots = is_kv ? 1 : ALL_SLOTS,
	};

	call_init(call, is_kv ? VALUES_KV_GET : VALUES_FETCH, cell);
	call->size = values->model->value_room;
	if (!is_kv)
		name_values(call, values->model->value_room, entry.slots);
	call_enter(call, &cell->history, &entry);
}

/* ------------------------------------------------ making the call */

static int
object_handle(struct values_actor *values, const struct object *object, daos_handle_t *ret_handle)
{
	uint32_t kind = (uint32_t)(object->kind - object_kinds);
	daos_handle_t *handle = &values->open[kind].handle;
	daos_obj_id_t oid = {.lo = object->number + 1};
	int rc;

	if (values->open[kind].object == object) {
		*ret_handle = *handle;
		return 0;
	}
	if (values->open[kind].object)
		(void)(object->kind->is_kv ? daos_kv_close(*handle, NULL)
					   : daos_obj_close(*handle, NULL));
	values->open[kind].object = NULL;
	rc = daos_obj_generate_oid(values->actor->container, &oid, object->kind->type,
				   object->kind->class, 0, 0);
	if (rc)
		return rc;
	rc = object->kind->is_kv
		     ? daos_kv_open(values->actor->container, oid, DAOS_OO_RW, handle, NULL)
		     : daos_obj_open(values->actor->container, oid, DAOS_OO_RW, handle, NULL);
	if (rc)
		return rc;
	values->open[kind].object = object;
	*ret_handle = *handle;
	return 0;
}

/* Whatever the buffers held must not pass for what is read now. */
static void
spoil_buffers(const struct values_model *model, struct call *call)
{
	for (uint32_t i = 0; i < SLOTS; i++)
		memset(call->bytes + i * model->value_room, 0xa5, VALUE_MIN);
}

int
values_launch(struct values_actor *values, struct call *call, daos_event_t *event)
{
	const char *key = (const char *)call->keys[0];
	uint32_t dkeys = call->cells[1] ? 2 : 1;
	daos_handle_t th = DAOS_TX_NONE;
	bool asks = call->size_only && call->size == 0;
	int rc = object_handle(values, call->object, &call->handle);

	if (rc)
		return rc;
	call->busy = true;
	if (kind_of(call->operation) == REGISTER_READ)
		spoil_buffers(values->model, call);
	switch (call->operation) {
	case VALUES_FETCH:
	case VALUES_SIZE:
		return daos_obj_fetch(call->handle, th, call->flags, &call->dkeys[0],
				      call->akey_count, call->iods, asks ? NULL : call->sgls, NULL,
				      event);
	case VALUES_UPDATE:
		return daos_obj_update(call->handle, th, call->flags, &call->dkeys[0],
				       call->akey_count, call->iods, call->sgls, event);
	case VALUES_PUNCH_AKEYS:
		return daos_obj_punch_akeys(call->handle, th, call->flags, &call->dkeys[0],
					    call->akey_count, call->akeys, event);
	case VALUES_PUNCH_DKEYS:
		return daos_obj_punch_dkeys(call->handle, th, call->flags, dkeys, call->dkeys,
					    event);
	case VALUES_PUNCH_OBJECT:
		return daos_obj_punch(call->handle, th, call->flags, event);
	case VALUES_KV_GET:
	case VALUES_KV_SIZE:
		return daos_kv_get(call->handle, th, call->flags, key, &call->size,
				   asks ? NULL : call->bytes, event);
	case VALUES_KV_PUT:
		return daos_kv_put(call->handle, th, call->flags, key, call->size, call->bytes,
				   event);
	case VALUES_KV_REMOVE:
		return daos_kv_remove(call->handle, th, call->flags, key, event);
	case VALUES_KV_DESTROY:
		return daos_kv_destroy(call->handle, th, event);
	}
	return -DER_INVAL;
}

/* ------------------------------------------------ outcomes */

static void
take_value(struct values_actor *values, const struct call *call, uint32_t slot, uint64_t size,
	   const uint8_t *bytes)
{
	struct register_operation *entry = call_entry(call, 0);
	struct identity identity;

	entry->values[slot] = (struct register_value){0, size};
	if (size == 0 || call->size_only)
		return;
	if (size > values->model->value_room || !value_identify(bytes, size, &identity))
		sim_violation(values->model->sim,
			      "cell %u of object %u, slot %u: %llu bytes that nobody wrote",
			      call->cells[0]->number, call->object->number, slot,
			      (unsigned long long)size);
	else if (identity.place != values_slot_place(values->model, call->cells[0], slot))
		sim_violation(values->model->sim,
			      "cell %u of object %u, slot %u: write %llu of another place",
			      call->cells[0]->number, call->object->number, slot,
			      (unsigned long long)identity.write);
	else
		entry->values[slot].write = identity.write;
}

static void
take_values(struct values_actor *values, const struct call *call)
{
	if (call->object->kind->is_kv) {
		take_value(values, call, 0, call->size, call->bytes);
		return;
	}
	for (uint32_t i = 0; i < call->akey_count; i++)
		take_value(values, call, call->slot_of[i], call->iods[i].iod_size,
			   call->bytes + i * values->model->value_room);
}

/* A refusal must be of a kind that was asked for. */
static enum register_outcome
refusal(struct values_actor *values, const struct call *call, int rc)
{
	const struct register_operation *entry = call_entry(call, 0);
	bool exist = entry->absent || entry->all_absent;
	bool nonexist = entry->present || entry->any_present;

	if (rc == -DER_EXIST && exist)
		return REGISTER_EXIST;
	if (rc == -DER_NONEXIST && nonexist)
		return REGISTER_NONEXIST;
	sim_violation(values->model->sim, "%s of cell %u of object %u ended with %d",
		      values->actor->workload->operations[call->operation], call->cells[0]->number,
		      call->object->number, rc);
	return REGISTER_VOID;
}

/* Too little room is an answer where it was meant to be too little. */
static int
as_answer(const struct call *call, int rc)
{
	return rc == -DER_REC2BIG && call->size_only && call->size > 0 ? 0 : rc;
}

/* What is done in several requests may be done in part when it fails. */
static bool
is_one_request(const struct call *call)
{
	return call->operation != VALUES_PUNCH_OBJECT && call->operation != VALUES_KV_DESTROY &&
	       call->cells[1] == NULL;
}

static enum register_outcome
result_of(struct values_actor *values, const struct call *call, int rc, enum outcome outcome)
{
	bool reads = call_entry(call, 0)->kind <= REGISTER_SIZE;

	if (outcome == OUTCOME_OK)
		return REGISTER_DONE;
	if (outcome == OUTCOME_UNKNOWN)
		return reads ? REGISTER_VOID : REGISTER_UNKNOWN;
	if (rc == -DER_EXIST || rc == -DER_NONEXIST || rc == -DER_INVAL || rc == -DER_REC2BIG)
		return refusal(values, call, rc);
	return is_one_request(call) ? REGISTER_VOID : REGISTER_UNKNOWN;
}

void
values_finish(struct values_actor *values, struct call *call, int rc)
{
	enum register_outcome result;
	enum outcome outcome;

	rc = as_answer(call, rc);
	call->busy = false;
	outcome = actor_done(values->actor, call->operation, rc);
	result = result_of(values, call, rc, outcome);
	if (result == REGISTER_DONE && call_entry(call, 0)->kind <= REGISTER_SIZE)
		take_values(values, call);
	for (uint32_t i = 0; i < call->history_count; i++) {
		struct register_operation *entry = call_entry(call, i);

		entry->outcome = (uint8_t)result;
		if (result != REGISTER_UNKNOWN)
			entry->end = actor_time(values->actor);
		call->histories[i]->unknown += result == REGISTER_UNKNOWN;
	}
}
