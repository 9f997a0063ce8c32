/* SPDX-License-Identifier: BSD-2-Clause-Patent */
/* The audit of a store: what its root names, and whether the heap has anything besides. */
#include <stdio.h>

#include "vos/audit.h"

/* ------------------------------------------------ clients */

/* uuid_hash() orders, the UUID decides between equal ones. */
int
audit_uuid_order(struct audit *audit, const struct btree_kind *kind,
		 const struct btree_audit_record *record, const struct uuid *id)
{
	const void *before;

	if (uuid_hash(id) != record->order)
		return audit_refuse("%s: a UUID stands at the wrong place", kind->name);
	if (record->tied == 0)
		return 0;
	before = heap_at(audit->pin, record->tied, kind->record_size);
	if (!before)
		return pin_outcome(audit->pin);
	return kind->compare(audit->pin, id, before) > 0
		       ? 0
		       : audit_refuse("%s: two UUIDs are out of order", kind->name);
}

static int
requests_audit(struct audit *audit, const struct client_record *client)
{
	size_t size = sizeof(struct requests) + client->capacity * sizeof(struct request_entry);
	const struct requests *requests;
	const struct request_entry *entries;
	int rc = heap_audit_block(audit->heap, client->requests, size);

	requests = rc == 0 ? heap_at(audit->pin, client->requests, size) : NULL;
	if (!requests)
		return rc != 0 ? rc : pin_outcome(audit->pin);
	if (requests->type != RECORD_REQUESTS || requests->version != RECORD_VERSION)
		return audit_refuse("no requests at %#lx", (unsigned long)client->requests);
	entries = (const struct request_entry *)(requests + 1);
	for (uint32_t i = 0; i < client->capacity; i++) {
		uint64_t sequence = entries[i].sequence;

		if (sequence != 0 && (sequence % client->capacity != i ||
				      (sequence >= client->confirmed &&
				       sequence - client->confirmed >= REQUEST_WINDOW)))
			return audit_refuse("request %lu stands at place %u of %u, %lu confirmed",
					    (unsigned long)sequence, i, client->capacity,
					    (unsigned long)client->confirmed);
	}
	return 0;
}

static int
client_visit(void *argument, const struct btree_audit_record *record)
{
	struct audit *audit = argument;
	const struct client_record *client = heap_at(audit->pin, record->offset, sizeof(*client));
	int rc;

	if (!client)
		return pin_outcome(audit->pin);
	if (client->type != RECORD_CLIENT || client->version != RECORD_VERSION ||
	    client->capacity == 0 || client->capacity > REQUEST_WINDOW ||
	    (client->capacity & (client->capacity - 1)) != 0)
		return audit_refuse("no client at %#lx", (unsigned long)record->offset);
	audit->figures.clients++;
	rc = audit_uuid_order(audit, &tree_kinds[TREE_CLIENTS], record, &client->client);
	return rc == 0 ? requests_audit(audit, client) : rc;
}

/* ------------------------------------------------ containers */

/* A parked record names an object of the same container, and the object says so. */
static int
parked_visit(void *argument, const struct btree_audit_record *record)
{
	struct audit *audit = argument;
	const struct parked_record *parked = heap_at(audit->pin, record->offset, sizeof(*parked));
	const struct entity *entity;
	struct btree_cursor cursor;
	struct ordered_key key;
	int rc;

	if (!parked)
		return pin_outcome(audit->pin);
	if (parked->type != RECORD_PARKED || parked->version != RECORD_VERSION ||
	    parked->first == 0 || parked->first > parked->last)
		return audit_refuse("no parked object at %#lx", (unsigned long)record->offset);
	if (audit->parent == 0)
		return 0;
	audit->parked++;
	audit->object = (struct vos_object){parked->id, parked->shard};
	audit->has_object = true;
	object_order(&audit->object, &key);
	rc = key.order == record->order ? btree_find(audit->pin, key.kind, audit->parent, key.order,
						     &key, BTREE_EQUAL, &cursor)
					: -DER_NONEXIST;
	if (rc == 0)
		rc = entity_get(audit->pin, RECORD_OBJECT, cursor.record, &entity);
	if (rc == -DER_NONEXIST || (rc == 0 && (entity->flags & ENTITY_PARKED) == 0))
		return audit_refuse("what is parked is not there, or does not say so");
	return rc;
}

static int
container_parked_audit(struct audit *audit, uint64_t container)
{
	int rc;

	audit->parked = 0;
	rc = btree_audit(audit->heap, &tree_kinds[TREE_PARKED],
			 container + offsetof(struct container_root, parked), parked_visit, audit);
	if (rc != 0 || audit->parked == audit->parked_objects)
		return rc;
	audit->has_object = false;
	return audit_refuse("%lu objects are marked parked, %lu are",
			    (unsigned long)audit->parked_objects, (unsigned long)audit->parked);
}

static int
container_visit(void *argument, const struct btree_audit_record *record)
{
	struct audit *audit = argument;
	const struct container_record *container =
		heap_at(audit->pin, record->offset, sizeof(*container));
	struct audit_level level = {.audit = audit,
				    .kind = &tree_kinds[TREE_OBJECTS],
				    .written = UINT64_MAX,
				    .live = true,
				    .marked = true};
	const struct container_root *root;
	int rc;

	if (!container)
		return pin_outcome(audit->pin);
	if (container->type != RECORD_CONTAINER || container->version != RECORD_VERSION)
		return audit_refuse("no container at %#lx", (unsigned long)record->offset);
	audit->figures.containers++;
	audit->container = container->id;
	audit->has_container = true;
	audit->has_object = false;
	rc = audit_uuid_order(audit, &tree_kinds[TREE_CONTAINERS], record, &container->id);
	if (rc == 0)
		rc = heap_audit_block(audit->heap, container->root, sizeof(*root));
	root = rc == 0 ? heap_at(audit->pin, container->root, sizeof(*root)) : NULL;
	if (!root)
		return rc != 0 ? rc : pin_outcome(audit->pin);
	if (root->type != RECORD_CONTAINER_ROOT || root->version != CONTAINER_ROOT_VERSION)
		return audit_refuse("no container root at %#lx", (unsigned long)container->root);
	audit->parked_objects = 0;
	audit->parent = container->root + offsetof(struct container_root, objects);
	rc = audit_entities(&level, audit->parent);
	return rc == 0 ? container_parked_audit(audit, container->root) : rc;
}

/* ------------------------------------------------ the dead */

static int
dead_entities_audit(struct audit *audit, const struct dead_record *dead, uint64_t root)
{
	struct audit_level level = {.audit = audit,
				    .kind = &tree_kinds[dead->tree],
				    .child = dead->child,
				    .written = UINT64_MAX};
	bool dkeys = dead->tree >= TREE_DKEYS_HASHED && dead->tree <= TREE_DKEYS_INTEGER;

	if (dkeys && (dead->child < TREE_AKEYS_HASHED || dead->child > TREE_AKEYS_INTEGER))
		return audit_refuse("dead dkeys have akeys of kind %u", dead->child);
	return audit_entities(&level, root);
}

static int
dead_tree_audit(struct audit *audit, const struct dead_record *dead, uint64_t root)
{
	bool hidden;

	switch (dead->tree) {
	case TREE_EXTENTS:
		return audit_extents(audit, root, UINT64_MAX, 0, &hidden);
	case TREE_HISTORY:
		return audit_history(audit, root, UINT64_MAX, 0);
	case TREE_VERSIONS:
		return audit_versions(audit, root);
	case TREE_PARKED:
		audit->parent = 0;
		return btree_audit(audit->heap, &tree_kinds[TREE_PARKED], root, parked_visit,
				   audit);
	case TREE_INCARNATIONS:
		return audit_incarnations(audit, root, UINT64_MAX, UINT64_MAX);
	default:
		break;
	}
	if (dead->tree >= TREE_OBJECTS && dead->tree <= TREE_AKEYS_INTEGER)
		return dead_entities_audit(audit, dead, root);
	return audit_refuse("a dead tree is of kind %u", dead->tree);
}

static int
dead_visit(void *argument, const struct btree_audit_record *record)
{
	struct audit *audit = argument;
	const struct dead_record *dead = heap_at(audit->pin, record->offset, sizeof(*dead));
	const struct store_root *root = heap_at(audit->pin, audit->vos->root, sizeof(*root));

	if (!dead || !root)
		return pin_outcome(audit->pin);
	if (dead->type != RECORD_DEAD || dead->version != RECORD_VERSION || dead->root.count == 0 ||
	    record->order >= root->next_dead)
		return audit_refuse("no dead tree at %#lx", (unsigned long)record->offset);
	audit->figures.dead++;
	audit->has_object = false;
	return dead_tree_audit(audit, dead, record->offset + offsetof(struct dead_record, root));
}

/* ------------------------------------------------ the stale */

/* An object that is marked and among the stale. */
struct found_object {
	struct table_node node;
	uint64_t offset;
};

static bool
found_equal(const void *key, const struct table_node *node)
{
	return table_entry(node, struct found_object, node)->offset == *(const uint64_t *)key;
}

static int
found_add(struct audit *audit, uint64_t offset)
{
	uint64_t hash = mix64(offset);
	struct found_object *found;

	if (table_find(&audit->found, hash, found_equal, &offset))
		return 0;
	found = arena_alloc(audit->vos->arena, sizeof(*found));
	if (!found)
		return error_raise(-DER_NOMEM, "no memory for an audit");
	found->offset = offset;
	table_insert(&audit->found, hash, &found->node);
	return 0;
}

static void
found_fini(struct audit *audit)
{
	TABLE_FOR_EACH_SAFE(node, &audit->found) {
		table_remove(&audit->found, node);
		arena_free(audit->vos->arena, table_entry(node, struct found_object, node));
	}
	table_fini(&audit->found);
}

/* Notes the object that a stale record names. It may be gone with its container; one of the same
 * name may have come since, and be clean. */
static int
stale_find(struct audit *audit, const struct stale_record *stale)
{
	struct vos_object object = {stale->id, stale->shard};
	const struct container_record *container;
	const struct entity *entity;
	struct btree_cursor cursor;
	struct ordered_key key;
	int rc = btree_find(audit->pin, &tree_kinds[TREE_CONTAINERS],
			    audit->vos->root + offsetof(struct store_root, containers),
			    uuid_hash(&stale->container), &stale->container, BTREE_EQUAL, &cursor);

	container = rc == 0 ? heap_at(audit->pin, cursor.record, sizeof(*container)) : NULL;
	if (!container)
		return rc == -DER_NONEXIST ? 0 : rc != 0 ? rc : pin_outcome(audit->pin);
	object_order(&object, &key);
	rc = btree_find(audit->pin, key.kind,
			container->root + offsetof(struct container_root, objects), key.order, &key,
			BTREE_EQUAL, &cursor);
	if (rc == 0)
		rc = entity_get(audit->pin, RECORD_OBJECT, cursor.record, &entity);
	if (rc == 0 && (entity->flags & ENTITY_STALE) != 0)
		rc = found_add(audit, cursor.record);
	return rc == -DER_NONEXIST ? 0 : rc;
}

static int
stale_visit(void *argument, const struct btree_audit_record *record)
{
	struct audit *audit = argument;
	const struct stale_record *stale = heap_at(audit->pin, record->offset, sizeof(*stale));
	const void *before = record->tied ? heap_at(audit->pin, record->tied, sizeof(*stale))
					  : NULL;

	if (!stale || (record->tied && !before))
		return pin_outcome(audit->pin);
	if (stale->type != RECORD_STALE || stale->version != RECORD_VERSION)
		return audit_refuse("no stale object at %#lx", (unsigned long)record->offset);
	if (before && tree_kinds[TREE_STALE].compare(audit->pin, stale, before) <= 0)
		return audit_refuse("two stale objects of epoch %lx are out of order",
				    (unsigned long)record->order);
	audit->figures.stale++;
	return stale_find(audit, stale);
}

/* ------------------------------------------------ the store */

/* A tree that the root of the store names. */
struct part {
	const char *name;
	uint32_t tree;
	size_t root;
	int (*visit)(void *argument, const struct btree_audit_record *record);
};

static const struct part parts[] = {
	{"clients", TREE_CLIENTS, offsetof(struct store_root, clients), client_visit},
	{"containers", TREE_CONTAINERS, offsetof(struct store_root, containers), container_visit},
	{"the dead", TREE_DEAD, offsetof(struct store_root, dead), dead_visit},
	{"the stale", TREE_STALE, offsetof(struct store_root, stale), stale_visit},
	{"transactions", TREE_INTENTS, offsetof(struct store_root, intents), audit_intent_visit},
};

static int
store_walk(struct audit *audit)
{
	int rc = 0;

	for (uint32_t i = 0; rc == 0 && i < ARRAY_SIZE(parts); i++) {
		audit->part = parts[i].name;
		audit->has_container = false;
		audit->has_object = false;
		audit->has_dkey = false;
		audit->has_akey = false;
		rc = btree_audit(audit->heap, &tree_kinds[parts[i].tree],
				 audit->vos->root + parts[i].root, parts[i].visit, audit);
	}
	return rc;
}

static int
store_judge(struct audit *audit)
{
	struct heap_audit_figures figures;
	int rc = store_walk(audit);

	if (rc != 0)
		return rc;
	audit->part = "the store";
	audit->has_container = false;
	if (audit->found.count != audit->stale_objects)
		return audit_refuse("%lu objects are marked stale; %lu of them are among the stale",
				    (unsigned long)audit->stale_objects,
				    (unsigned long)audit->found.count);
	rc = audit_blobs_judge(audit);
	if (rc == 0)
		rc = heap_audit_judge(audit->heap, &figures);
	if (rc != 0)
		return rc;
	audit->figures.heap_blocks = figures.blocks;
	audit->figures.heap_bytes = figures.block_bytes;
	audit->figures.data_blocks = figures.data_blocks;
	return 0;
}

/* Says where in the store it was found. */
static int
found_at(const struct audit *audit, int code)
{
	char place[200], what[200], id[UUID_TEXT_SIZE];
	int used = snprintf(place, sizeof(place), "%s", audit->part);
	size_t size = sizeof(place);

	snprintf(what, sizeof(what), "%s", error_text(code));
	if (audit->has_container) {
		uuid_to_text(&audit->container, id);
		used += snprintf(place + used, size - (size_t)used, " %.8s", id);
	}
	if (audit->has_object)
		used += snprintf(place + used, size - (size_t)used, ", object %lx.%lx.%u",
				 (unsigned long)audit->object.id.hi,
				 (unsigned long)audit->object.id.lo, audit->object.shard);
	if (audit->has_dkey)
		used += snprintf(place + used, size - (size_t)used, ", dkey %lx",
				 (unsigned long)audit->dkey);
	if (audit->has_akey)
		snprintf(place + used, size - (size_t)used, ", akey %lx",
			 (unsigned long)audit->akey);
	return error_raise(code, "%s: %s", place, what);
}

int
vos_audit(struct vos *vos, struct vos_audit *ret_audit)
{
	struct audit audit = {.vos = vos};
	int rc = heap_audit_begin(vos->heap, &audit.heap);

	if (rc != 0)
		return rc;
	table_init(&audit.blobs, vos->arena);
	table_init(&audit.found, vos->arena);
	NO_YIELD
	{
		audit.pin = heap_audit_pin(audit.heap);
		rc = store_judge(&audit);
	}
	if (rc == -DER_IO)
		rc = found_at(&audit, rc);
	audit_blobs_fini(&audit);
	found_fini(&audit);
	heap_audit_end(audit.heap);
	if (rc == 0)
		*ret_audit = audit.figures;
	return rc;
}
