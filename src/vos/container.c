/* SPDX-License-Identifier: BSD-2-Clause-Patent */
/* Containers: creation, destruction in one step, and what is known about their newest changes. */
#include "vos/private.h"

static const struct btree_kind *const containers_kind = &tree_kinds[TREE_CONTAINERS];

static uint64_t
containers_of(const struct vos *vos)
{
	return vos->root + offsetof(struct store_root, containers);
}

static uint64_t
container_order(const struct uuid *id)
{
	return uuid_hash(id);
}

/* ------------------------------------------------ create and destroy */

static int
containers_run(struct edit *edit, const struct edit_steps *steps, uint64_t *ret_group)
{
	uint64_t group;
	int rc = edit_run(edit, steps, &group);

	if (rc != 0)
		return rc;
	edit->vos->containers_changes++;
	edit->vos->containers_group = group;
	*ret_group = group;
	return 0;
}

static int
create_check(struct edit *edit)
{
	const struct uuid *id = edit->plan;
	struct btree_cursor cursor;
	int rc = edit_probe(edit, TREE_CONTAINERS, containers_of(edit->vos), container_order(id),
			    id, false, &cursor);

	/* It would get what was prepared for one of its name that was destroyed. */
	if (rc == -DER_NONEXIST && prepared_names(edit->vos, id))
		return error_raise(-DER_BUSY, "a transaction of a container of the same name, "
					      "which was destroyed, is not yet over");
	return rc == -DER_NONEXIST ? 0 : rc;
}

static void
create_apply(struct edit *edit)
{
	const struct uuid *id = edit->plan;
	struct container_record *record;
	struct container_root *root;
	uint64_t offset, root_offset = tx_alloc(&edit->tx, sizeof(*root), edit->vos->root);

	root = tx_change(&edit->tx, root_offset, sizeof(*root));
	root->type = RECORD_CONTAINER_ROOT;
	root->version = CONTAINER_ROOT_VERSION;
	btree_insert(&edit->tx, containers_kind, containers_of(edit->vos), container_order(id), id,
		     edit->vos->root, &offset);
	record = tx_change(&edit->tx, offset, sizeof(*record));
	record->type = RECORD_CONTAINER;
	record->version = RECORD_VERSION;
	record->id = *id;
	record->root = root_offset;
}

static void
create_need(struct edit *edit)
{
	edit_need_block(edit, sizeof(struct container_root));
	edit->need.log_bytes += sizeof(struct container_record);
	edit_need(edit, TREE_CONTAINERS);
}

int
vos_container_create(struct vos *vos, struct uuid id, uint64_t *ret_group)
{
	static const struct edit_steps steps = {
		.need = create_need, .check = create_check, .apply = create_apply};
	struct edit edit;

	edit_init(&edit, vos, NULL, NULL, NULL);
	edit.plan = &id;
	return containers_run(&edit, &steps, ret_group);
}

/* The record of a container and its root. */
static int
record_get(struct pin *pin, uint64_t offset, const struct container_record **ret_record,
	   const struct container_root **ret_root)
{
	const struct container_record *record = heap_at(pin, offset, sizeof(*record));
	const struct container_root *root;

	if (!record)
		return pin_outcome(pin);
	if (record->type != RECORD_CONTAINER || record->version != RECORD_VERSION)
		return error_raise(-DER_IO, "the heap is damaged: no container at %llu",
				   (unsigned long long)offset);
	root = heap_at(pin, record->root, sizeof(*root));
	if (!root)
		return pin_outcome(pin);
	if (root->type != RECORD_CONTAINER_ROOT || root->version != CONTAINER_ROOT_VERSION)
		return error_raise(-DER_IO, "the heap is damaged: no container root at %llu",
				   (unsigned long long)record->root);
	*ret_record = record;
	*ret_root = root;
	return 0;
}

struct destroy_plan {
	const struct uuid *id;
	uint64_t root;
	struct btree_root objects, parked;
};

static int
destroy_check(struct edit *edit)
{
	struct destroy_plan *plan = edit->plan;
	const struct container_record *record;
	const struct container_root *root;
	struct btree_cursor cursor;
	int rc = edit_probe(edit, TREE_CONTAINERS, containers_of(edit->vos),
			    container_order(plan->id), plan->id, false, &cursor);

	if (rc != -DER_EXIST)
		return rc;
	rc = record_get(edit_pin(edit), cursor.record, &record, &root);
	if (rc == 0)
		rc = dead_probe(edit);
	if (rc != 0)
		return rc;
	plan->root = record->root;
	plan->objects = root->objects;
	plan->parked = root->parked;
	return 0;
}

static void
entry_free(struct vos_container *container, struct object_entry *entry)
{
	list_remove(&entry->aged);
	table_remove(&container->objects, &entry->node);
	arena_free(container->vos->arena, entry);
}

static void
container_free(struct vos_container *container)
{
	while (!list_empty(&container->aged))
		entry_free(container,
			   list_entry(list_first(&container->aged), struct object_entry, aged));
	table_fini(&container->objects);
	list_remove(&container->link);
	arena_free(container->vos->arena, container);
}

/* Nobody finds it any more; who has it open is told by container_check(). */
static void
container_shut(struct vos_container *container)
{
	container->destroyed = true;
	if (container->references > 0)
		return;
	container->vos->idle_containers--;
	container_free(container);
}

static void
destroy_apply(struct edit *edit)
{
	struct destroy_plan *plan = edit->plan;
	struct vos_container *container = container_opened(edit->vos, plan->id);

	if (!BUG(21))
		dead_add(edit, TREE_OBJECTS, 0, &plan->objects);
	dead_add(edit, TREE_PARKED, 0, &plan->parked);
	tx_free(&edit->tx, plan->root);
	btree_remove(&edit->tx, containers_kind, containers_of(edit->vos),
		     container_order(plan->id), plan->id);
	if (container)
		container_shut(container);
	snapshots_forget(edit->vos, plan->id);
}

static void
destroy_need(struct edit *edit)
{
	edit_need_removal(edit, TREE_CONTAINERS);
	for (uint32_t i = 0; i < 2; i++)
		edit_need(edit, TREE_DEAD);
	edit->need.log_bytes += 2 * sizeof(struct dead_record) + sizeof(struct store_root);
}

int
vos_container_destroy(struct vos *vos, struct uuid id, uint64_t *ret_group)
{
	static const struct edit_steps steps = {
		.need = destroy_need, .check = destroy_check, .apply = destroy_apply};
	struct destroy_plan plan = {.id = &id};
	struct edit edit;

	edit_init(&edit, vos, NULL, NULL, NULL);
	edit.plan = &plan;
	edit.need.privileged = true;
	return containers_run(&edit, &steps, ret_group);
}

/* ------------------------------------------------ open and close */

struct vos_container *
container_opened(const struct vos *vos, const struct uuid *id)
{
	LIST_FOR_EACH(link, &vos->containers) {
		struct vos_container *container = list_entry(link, struct vos_container, link);

		if (!container->destroyed && uuid_equal(&container->id, id))
			return container;
	}
	return NULL;
}

static int
root_find(struct vos *vos, const struct uuid *id, uint64_t *ret_root)
{
	const struct container_record *record;
	const struct container_root *root;
	struct btree_cursor cursor;
	struct pin pin;
	int rc;

	do {
		pin_init(&pin, vos->heap);
		rc = btree_find(&pin, containers_kind, containers_of(vos), container_order(id), id,
				BTREE_EQUAL, &cursor);
		if (rc == 0)
			rc = record_get(&pin, cursor.record, &record, &root);
		if (rc == 0)
			*ret_root = record->root;
		if (rc == -DER_AGAIN)
			rc = pin_load(&pin) ?: -DER_AGAIN;
		pin_fini(&pin);
	} while (rc == -DER_AGAIN);
	return rc;
}

/* As long as it is open nobody need look for it: its creation was durable when it was opened, and
 * its destruction closes it to all who ask anew. */
static struct vos_container *
container_reuse(struct vos *vos, const struct uuid *id)
{
	struct vos_container *container = container_opened(vos, id);

	if (!container)
		return NULL;
	if (container->references++ == 0)
		vos->idle_containers--;
	list_remove(&container->link);
	list_prepend(&vos->containers, &container->link);
	return container;
}

static struct vos_container *
container_create(struct vos *vos, struct uuid id, uint64_t root)
{
	struct vos_container *container = arena_calloc(vos->arena, 1, sizeof(*container));

	if (!container)
		return NULL;
	container->vos = vos;
	container->id = id;
	container->root = root;
	container->references = 1;
	/* Changes made before it was last closed may not be durable yet. */
	container->newest_group = vos->newest_group;
	container->folded_group = vos->newest_group;
	table_init(&container->objects, vos->arena);
	list_init(&container->aged);
	list_prepend(&vos->containers, &container->link);
	return container;
}

int
vos_container_open(struct vos *vos, struct uuid id, struct vos_container **ret_container)
{
	struct vos_container *container = container_reuse(vos, &id);
	uint64_t root = 0, changes;
	int rc = 0, waited;

	/* Neither "is there" nor "is not there" is said before it is durable. */
	while (!container) {
		changes = vos->containers_changes;
		rc = root_find(vos, &id, &root);
		waited = media_wait(vos->media, vos->containers_group);
		if (waited != 0)
			return waited;
		if (changes != vos->containers_changes)
			continue;
		if (rc != 0)
			return rc;
		container = container_reuse(vos, &id) ?: container_create(vos, id, root);
		if (!container)
			return error_raise(-DER_NOMEM, "no memory for a container");
	}
	*ret_container = container;
	return 0;
}

void
vos_container_close(struct vos_container *container)
{
	struct vos *vos = container->vos;

	ASSERT(container->references > 0);
	if (--container->references > 0)
		return;
	if (container->destroyed || vos->idle_containers >= IDLE_CONTAINERS)
		container_free(container);
	else
		vos->idle_containers++;
}

void
containers_fini(struct vos *vos)
{
	while (!list_empty(&vos->containers)) {
		struct vos_container *container =
			list_entry(list_first(&vos->containers), struct vos_container, link);

		ASSERT(container->references == 0);
		container_free(container);
	}
}

struct vos *
vos_container_store(const struct vos_container *container)
{
	return container->vos;
}

void
vos_container_guard(struct vos_container *container, uint64_t epoch)
{
	container->guard = BUG(31) ? container->guard : max_of(container->guard, epoch);
}

int
container_check(const struct vos_container *container)
{
	return container->destroyed ? error_raise(-DER_NONEXIST, "the container was destroyed") : 0;
}

/* ------------------------------------------------ newest groups */

static bool
entry_equal(const void *key, const struct table_node *node)
{
	const struct vos_object *object = key;
	const struct object_entry *entry = table_entry(node, struct object_entry, node);

	return object_id_equal(object->id, entry->object.id) &&
	       object->shard == entry->object.shard;
}

static uint64_t
entry_hash(const struct vos_object *object)
{
	return hash_combine(hash_combine(object->id.hi, object->id.lo), object->shard);
}

/* Forgets entries whose groups are durable, and folds the oldest when there are too many. */
static void
entries_trim(struct vos_container *container)
{
	uint64_t durable = media_durable_group(container->vos->media);

	while (!list_empty(&container->aged)) {
		struct object_entry *entry =
			list_entry(list_first(&container->aged), struct object_entry, aged);

		if (entry->group > durable && container->objects.count <= OBJECT_CACHE)
			break;
		if (entry->group > durable)
			REACHED("vos: changes of too many objects are not durable yet");
		container->folded_group = max_of(container->folded_group, entry->group);
		entry_free(container, entry);
	}
}

void
container_note(struct vos_container *container, const struct vos_object *object, uint64_t group)
{
	uint64_t hash = entry_hash(object);
	struct table_node *node = table_find(&container->objects, hash, entry_equal, object);
	struct object_entry *entry = node ? table_entry(node, struct object_entry, node) : NULL;

	container->newest_group = max_of(container->newest_group, group);
	if (!entry) {
		entry = arena_calloc(container->vos->arena, 1, sizeof(*entry));
		if (!entry) {
			container->folded_group = max_of(container->folded_group, group);
			return;
		}
		entry->object = *object;
		table_insert(&container->objects, hash, &entry->node);
	} else {
		list_remove(&entry->aged);
	}
	entry->group = group;
	list_append(&container->aged, &entry->aged);
	entries_trim(container);
}

uint64_t
container_group(const struct vos_container *container, const struct vos_object *object)
{
	struct table_node *node =
		table_find(&container->objects, entry_hash(object), entry_equal, object);
	uint64_t group = node ? table_entry(node, struct object_entry, node)->group : 0;

	return max_of(group, container->folded_group);
}
