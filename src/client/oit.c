/* SPDX-License-Identifier: BSD-2-Clause-Patent */
/*
 * Tables of object ids. That of a snapshot is an object of the container, whose id has the
 * snapshot's epoch: per object a dkey, its id in big-endian order (high, low), with one akey, whose
 * single value is the marker behind its length. It is filled from what every target lists at the
 * snapshot, where an object with several shards comes several times; then the snapshot is marked as
 * having it. What is listed are ids in order.
 */
#include "client/oclass.h"
#include "client/snapshot.h"

#define MARKER_AKEY "m"
#define ENTRY_KEY 16u
/* Ids listed at once, and written at the same time. */
#define BATCH 256u
#define WRITERS 16u

static const struct objio_key marker_akey = {MARKER_AKEY, sizeof(MARKER_AKEY) - 1};

static struct object_id
table_id(uint64_t epoch)
{
	daos_obj_id_t id = {.lo = epoch};

	oid_encode(&id, DAOS_OT_OIT_V2, OC_S1);
	return object_id_of(id);
}

static bool
is_table(struct object_id id)
{
	uint32_t type = object_id_type(id);

	return type == DAOS_OT_OIT || type == DAOS_OT_OIT_V2;
}

static void
entry_key(struct object_id id, uint8_t key[ENTRY_KEY])
{
	for (uint32_t i = 0; i < 8; i++) {
		key[i] = (uint8_t)(id.hi >> (56 - 8 * i));
		key[8 + i] = (uint8_t)(id.lo >> (56 - 8 * i));
	}
}

static daos_obj_id_t
entry_id(const uint8_t key[ENTRY_KEY])
{
	daos_obj_id_t id = {0};

	for (uint32_t i = 0; i < 8; i++) {
		id.hi = id.hi << 8 | key[i];
		id.lo = id.lo << 8 | key[8 + i];
	}
	return id;
}

/* Writes the marker of an object. */
static int
marker_write(struct objio *objio, struct object_id table, struct object_id id, const void *marker,
	     size_t length, uint32_t conditions)
{
	uint8_t key[ENTRY_KEY], value[1 + DAOS_OIT_MARKER_MAX_LEN] = {(uint8_t)length};
	struct iovec payload = {value, 1 + length};
	struct objio_akey akey = {.key = marker_akey,
				  .type = DAOS_IOD_SINGLE,
				  .record_size = 1 + length,
				  .payload = &payload,
				  .payload_count = 1};

	entry_key(id, key);
	if (length > 0)
		memcpy(value + 1, marker, length);
	return objio_update(objio, table, (struct objio_key){key, sizeof(key)}, &akey, 1,
			    conditions);
}

/* ------------------------------------------------ building */

struct building {
	struct objio *objio;
	struct object_id table;
	uint32_t count, next; /* of ids, written by several fibers */
	struct object_id ids[BATCH];
};

static int
take_object(void *argument, const struct objio_entry *entry)
{
	struct building *building = argument;
	const uint8_t *key = entry->key.data;
	struct object_id id;

	if (entry->key.length != PROTO_LIST_OBJECT_KEY || building->count == BATCH)
		return -DER_PROTO;
	id = (struct object_id){.lo = load_u64(key), .hi = load_u64(key + 8)};
	if (!is_table(id))
		building->ids[building->count++] = id;
	return 0;
}

static int
write_some(void *argument)
{
	struct building *building = argument;
	int rc = 0;

	while (rc == 0 && building->next < building->count) {
		struct object_id id = building->ids[building->next++];

		rc = marker_write(building->objio, building->table, id, NULL, 0, 0);
	}
	return rc;
}

static int
write_batch(struct building *building)
{
	struct fiber_group group;
	int rc = 0, ended;

	building->next = 0;
	fiber_group_init(&group);
	for (uint32_t i = 0; rc == 0 && i < min_of(building->count, WRITERS); i++)
		rc = fiber_group_start(&group, "objects", write_some, building);
	ended = fiber_group_wait(&group);
	return rc ? rc : ended;
}

static int
fill(struct building *building, uint64_t epoch)
{
	struct objio_view view = {.epoch = epoch};
	struct objio_position position = {.end = false};
	int rc = 0;

	while (rc == 0 && !position.end) {
		building->count = 0;
		rc = objio_list(building->objio, (struct object_id){0}, PROTO_LIST_OBJECTS,
				(struct objio_key){0}, (struct objio_key){0}, &view, BATCH,
				&position, take_object, building);
		if (rc == 0)
			rc = write_batch(building);
	}
	return rc;
}

int
objects_build(struct client_container *container, const struct proto_snapshot *snapshot)
{
	struct client_context *context = context_here();
	struct proto_snapshot_call call = {.first = snapshot->epoch,
					   .flags = snapshot->flags | PROTO_SNAPSHOT_OBJECTS};
	struct building *building = arena_calloc(context->env->arena, 1, sizeof(*building));
	struct context_container *entry;
	int rc;

	if (building == NULL)
		return -DER_NOMEM;
	rc = context_container_get(context, container, &building->objio, &entry);
	if (rc == 0) {
		building->table = table_id(snapshot->epoch);
		rc = fill(building, snapshot->epoch);
		context_container_put(entry);
	}
	arena_free(context->env->arena, building);
	return rc ? rc : snapshot_tell(container, PROTO_CONTAINER_MARK_SNAPSHOT, &call);
}

int
objects_remove(struct client_container *container, uint64_t epoch)
{
	struct proto_snapshot_call call = {.first = epoch};
	struct context_container *entry;
	struct objio *objio;
	int rc = context_container_get(context_here(), container, &objio, &entry);

	if (rc)
		return rc;
	/* First nobody finds it any more. */
	rc = snapshot_tell(container, PROTO_CONTAINER_MARK_SNAPSHOT, &call);
	if (rc == 0)
		rc = objio_punch_object(objio, table_id(epoch), 0);
	context_container_put(entry);
	return rc;
}

/* ------------------------------------------------ open and close */

struct open_arguments {
	daos_handle_t container;
	uint64_t epoch;
	daos_handle_t *ret_handle;
};

static int
run_open(void *argument)
{
	const struct open_arguments *arguments = argument;
	struct object_id id = table_id(arguments->epoch);
	SCOPED_CONTAINER container = NULL;
	struct proto_snapshot snapshot;
	struct client_object *object;
	int rc = client_container_get(arguments->container, &container);

	if (rc == 0)
		rc = snapshot_find(container, arguments->epoch, NULL, &snapshot);
	if (rc == 0 && !(snapshot.flags & PROTO_SNAPSHOT_OBJECTS))
		rc = error_raise(-DER_NONEXIST, "the snapshot has no table of its objects: make "
						"one by daos_cont_snap_oit_create()");
	if (rc == 0)
		rc = object_open(arguments->container, (daos_obj_id_t){.lo = id.lo, .hi = id.hi},
				 container->flags & DAOS_COO_RO ? DAOS_OO_RO : DAOS_OO_RW,
				 DAOS_HTYPE_OBJ, &object);
	return rc ? rc : object_publish(object, arguments->ret_handle);
}

int
daos_oit_open(daos_handle_t coh, daos_epoch_t epoch, daos_handle_t *oh, daos_event_t *ev)
{
	struct open_arguments arguments = {coh, epoch, oh};

	return oh ? client_run(ev, run_open, &arguments, sizeof(arguments)) : -DER_INVAL;
}

static int
check_table(const struct client_object *object)
{
	return is_table(object->id)
		       ? 0
		       : error_raise(-DER_INVAL, "the handle is not of a table of object ids");
}

static int
run_close(void *argument)
{
	daos_handle_t handle = *(daos_handle_t *)argument;
	SCOPED_OBJECT object = NULL;
	int rc = client_object_get(handle, DAOS_HTYPE_OBJ, &object);

	if (rc == 0)
		rc = check_table(object);
	return rc ? rc : object_close(handle, DAOS_HTYPE_OBJ);
}

int
daos_oit_close(daos_handle_t oh, daos_event_t *ev)
{
	return client_run(ev, run_close, &oh, sizeof(oh));
}

struct destroy_arguments {
	daos_handle_t container;
	daos_handle_t table; /* 0: by epoch */
	uint64_t epoch;
};

/* The handle stays, as that of any object that was punched. */
static int
run_destroy(void *argument)
{
	struct destroy_arguments *arguments = argument;
	SCOPED_CONTAINER container = NULL;
	SCOPED_OBJECT object = NULL;
	struct proto_snapshot snapshot;
	int rc = client_container_get(arguments->container, &container);

	if (rc == 0 && arguments->table.cookie != 0)
		rc = client_object_get(arguments->table, DAOS_HTYPE_OBJ, &object);
	if (rc == 0 && object)
		rc = check_table(object);
	if (rc == 0 && object && !uuid_equal(&object->container->id, &container->id))
		rc = error_raise(-DER_INVAL, "the table is of another container");
	if (rc == 0 && object)
		arguments->epoch = object->id.lo;
	if (rc == 0)
		rc = snapshot_find(container, arguments->epoch, NULL, &snapshot);
	return rc ? rc : objects_remove(container, arguments->epoch);
}

int
daos_cont_snap_oit_destroy(daos_handle_t coh, daos_handle_t oh, daos_event_t *ev)
{
	struct destroy_arguments arguments = {.container = coh, .table = oh};

	return oh.cookie == 0 ? -DER_NO_HDL
			      : client_run(ev, run_destroy, &arguments, sizeof(arguments));
}

int
client_oit_destroy(daos_handle_t coh, daos_epoch_t epoch, daos_event_t *ev)
{
	struct destroy_arguments arguments = {.container = coh, .epoch = epoch};

	return client_run(ev, run_destroy, &arguments, sizeof(arguments));
}

/* ------------------------------------------------ list */

struct list_arguments {
	daos_handle_t table;
	daos_obj_id_t *ids;
	uint32_t *count;
	daos_anchor_t *anchor;
	bool unmarked;
	daos_oit_filter_cb *filter; /* NULL: all */
};

struct listing {
	const struct list_arguments *arguments;
	uint32_t taken;
	uint8_t last[ENTRY_KEY]; /* looked at */
	bool started;
};

static bool
is_wanted(const struct list_arguments *arguments, daos_obj_id_t id, const struct objio_entry *entry)
{
	const uint8_t *value = entry->value.data;
	size_t length = entry->value.length > 0 ? entry->value.length - 1 : 0;
	d_iov_t marker;

	if (arguments->unmarked)
		return length == 0;
	if (arguments->filter == NULL)
		return true;
	d_iov_set(&marker, length > 0 ? (void *)(uintptr_t)(value + 1) : NULL, length);
	return arguments->filter(id, &marker) != 0;
}

static int
take_entry(void *argument, const struct objio_entry *entry)
{
	struct listing *listing = argument;
	daos_obj_id_t id;

	if (entry->key.length != ENTRY_KEY)
		return error_raise(-DER_IO, "a table of objects has a key of %u bytes",
				   entry->key.length);
	if (listing->taken == *listing->arguments->count)
		return 1;
	memcpy(listing->last, entry->key.data, ENTRY_KEY);
	listing->started = true;
	id = entry_id(listing->last);
	if (is_wanted(listing->arguments, id, entry))
		listing->arguments->ids[listing->taken++] = id;
	return 0;
}

static int
list_entries(struct listing *listing, struct object_use *use)
{
	const struct list_arguments *arguments = listing->arguments;
	bool end = false;
	int rc = 0;

	listing->started = arguments->anchor->da_type == DAOS_ANCHOR_TYPE_KEY;
	memcpy(listing->last, arguments->anchor->da_buf, ENTRY_KEY);
	while (rc == 0 && !end && listing->taken < *arguments->count) {
		struct objio_key after = {listing->last, listing->started ? ENTRY_KEY : 0};

		rc = objio_list_ordered(use->objio, use->object->id, after, marker_akey, NULL,
					BATCH, take_entry, listing, &end);
	}
	if (rc)
		return rc;
	*arguments->count = listing->taken;
	memcpy(arguments->anchor->da_buf, listing->last, ENTRY_KEY);
	if (end)
		arguments->anchor->da_type = DAOS_ANCHOR_TYPE_EOF;
	else if (listing->started)
		arguments->anchor->da_type = DAOS_ANCHOR_TYPE_KEY;
	return 0;
}

static int
run_list(void *argument)
{
	const struct list_arguments *arguments = argument;
	struct listing listing = {.arguments = arguments};
	SCOPED_USE use = {.object = NULL};
	int rc = object_begin(arguments->table, DAOS_HTYPE_OBJ, &use);

	if (rc == 0)
		rc = check_table(use.object);
	if (rc)
		return rc;
	if (daos_anchor_is_eof(arguments->anchor)) {
		*arguments->count = 0;
		return 0;
	}
	return list_entries(&listing, &use);
}

static int
list(const struct list_arguments *arguments, daos_event_t *ev)
{
	struct list_arguments copy = *arguments;

	if (copy.ids == NULL || copy.count == NULL || *copy.count == 0 || copy.anchor == NULL)
		return -DER_INVAL;
	return client_run(ev, run_list, &copy, sizeof(copy));
}

int
daos_oit_list(daos_handle_t oh, daos_obj_id_t *oids, uint32_t *oids_nr, daos_anchor_t *anchor,
	      daos_event_t *ev)
{
	const struct list_arguments arguments = {oh, oids, oids_nr, anchor, false, NULL};

	return list(&arguments, ev);
}

int
daos_oit_list_unmarked(daos_handle_t oh, daos_obj_id_t *oids, uint32_t *oids_nr,
		       daos_anchor_t *anchor, daos_event_t *ev)
{
	const struct list_arguments arguments = {oh, oids, oids_nr, anchor, true, NULL};

	return list(&arguments, ev);
}

int
daos_oit_list_filter(daos_handle_t oh, daos_obj_id_t *oids, uint32_t *oids_nr,
		     daos_anchor_t *anchor, daos_oit_filter_cb *filter, daos_event_t *ev)
{
	const struct list_arguments arguments = {oh, oids, oids_nr, anchor, false, filter};

	return filter ? list(&arguments, ev) : -DER_INVAL;
}

/* ------------------------------------------------ mark */

struct mark_arguments {
	daos_handle_t table;
	daos_obj_id_t id;
	uint8_t marker[DAOS_OIT_MARKER_MAX_LEN];
	size_t length;
};

static int
run_mark(void *argument)
{
	const struct mark_arguments *arguments = argument;
	SCOPED_USE use = {.object = NULL};
	int rc = object_begin_change(arguments->table, DAOS_HTYPE_OBJ, &use);

	if (rc == 0)
		rc = check_table(use.object);
	return rc ? rc
		  : marker_write(use.objio, use.object->id, object_id_of(arguments->id),
				 arguments->marker, arguments->length, DAOS_COND_DKEY_UPDATE);
}

int
daos_oit_mark(daos_handle_t oh, daos_obj_id_t oid, d_iov_t *marker, daos_event_t *ev)
{
	struct mark_arguments arguments = {.table = oh, .id = oid};

	if (marker && marker->iov_len > 0) {
		if (marker->iov_buf == NULL || marker->iov_len > sizeof(arguments.marker))
			return -DER_INVAL;
		memcpy(arguments.marker, marker->iov_buf, marker->iov_len);
		arguments.length = marker->iov_len;
	}
	return client_run(ev, run_mark, &arguments, sizeof(arguments));
}
