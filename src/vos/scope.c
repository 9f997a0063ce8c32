/* SPDX-License-Identifier: BSD-2-Clause-Patent */
/*
 * What prepared transactions hold, and who waits for them. A transaction holds the dkeys that it
 * changes, and the whole of an object that it punches, or that is not visible: were somebody to
 * create it at a newer epoch in between, the transaction's own creation would come too late.
 *
 * Whoever meets what is held at an older epoch waits; at a newer one a change is restarted and a
 * read goes on. So all waiting is from younger to older epochs, across stores too, and there is no
 * circle of it. All of this lives in DRAM; the changes stored in the heap say it again.
 */
#include "vos/intent.h"

/* A dkey of an object, or all of it; held by one transaction. */
struct scope {
	struct table_node node;
	struct list of_object, of_holder;
	struct prepared *holder;
	struct held_object *object;
};

/* An object of which something is held. */
struct held_object {
	struct table_node node;
	struct list scopes;
};

/* ------------------------------------------------ what is known */

void
prepared_init(struct vos *vos)
{
	table_init(&vos->prepared, vos->arena);
	table_init(&vos->scopes, vos->arena);
	table_init(&vos->held_objects, vos->arena);
	list_init(&vos->preparations);
}

void
prepared_fini(struct vos *vos)
{
	struct list *link;

	while ((link = list_first(&vos->preparations)) != NULL)
		prepared_destroy(vos, list_entry(link, struct prepared, link));
	table_fini(&vos->prepared);
	table_fini(&vos->scopes);
	table_fini(&vos->held_objects);
}

static bool
prepared_equal(const void *key, const struct table_node *node)
{
	return uuid_equal(key, &table_entry(node, struct prepared, node)->tx.id);
}

struct prepared *
prepared_find(const struct vos *vos, const struct uuid *id)
{
	struct table_node *node = table_find(&vos->prepared, uuid_hash(id), prepared_equal, id);

	return node ? table_entry(node, struct prepared, node) : NULL;
}

bool
prepared_names(const struct vos *vos, const struct uuid *container)
{
	LIST_FOR_EACH(link, &vos->preparations)
		if (uuid_equal(&list_entry(link, struct prepared, link)->tx.container, container))
			return true;
	return false;
}

int
prepared_create(struct vos *vos, const struct vos_tx *tx, struct prepared **ret_prepared)
{
	size_t targets = tx->participant_count * sizeof(uint32_t);
	struct prepared *prepared = arena_calloc(vos->arena, 1, sizeof(*prepared) + targets);

	if (!prepared)
		return error_raise(-DER_NOMEM, "no memory for a transaction");
	prepared->tx = *tx;
	prepared->tx.participants = prepared->participants;
	if (targets > 0 && tx->participants)
		memcpy(prepared->participants, tx->participants, targets);
	prepared->busy = true;
	list_init(&prepared->scopes);
	wait_queue_init(&prepared->waiting);
	table_insert(&vos->prepared, uuid_hash(&tx->id), &prepared->node);
	list_append(&vos->preparations, &prepared->link);
	*ret_prepared = prepared;
	return 0;
}

void
prepared_destroy(struct vos *vos, struct prepared *prepared)
{
	prepared_release(vos, prepared);
	wait_queue_wake_all(&prepared->waiting);
	table_remove(&vos->prepared, &prepared->node);
	list_remove(&prepared->link);
	arena_free(vos->arena, prepared);
}

int
prepared_take(struct vos *vos, const struct uuid *id, struct prepared **ret_prepared)
{
	struct prepared *prepared;

	while ((prepared = prepared_find(vos, id)) != NULL && prepared->busy) {
		int rc = wait_queue_wait(&prepared->waiting);

		if (rc != 0)
			return rc;
	}
	if (!prepared)
		return -DER_NONEXIST;
	prepared->busy = true;
	*ret_prepared = prepared;
	return 0;
}

void
prepared_give(struct prepared *prepared)
{
	prepared->busy = false;
	wait_queue_wake_all(&prepared->waiting);
}

int
prepared_wait(struct vos *vos, const struct uuid *id)
{
	struct prepared *prepared = prepared_find(vos, id);

	REACHED("vos: somebody waits for a transaction");
	return prepared ? wait_queue_wait(&prepared->waiting) : 0;
}

/* ------------------------------------------------ holding */

static uint64_t
object_hash(const struct uuid *container, const struct vos_object *object)
{
	return hash_combine(hash_combine(uuid_hash(container), object->id.hi),
			    hash_combine(object->id.lo, object->shard));
}

/* Of a dkey; without one, of the object as a whole. */
static uint64_t
scope_hash(uint64_t object, const struct ordered_key *dkey)
{
	uint64_t hash[2] = {0, 1};

	if (dkey)
		key_name_hash(dkey, hash);
	return hash_combine(object, hash_combine(hash[0], hash[1]));
}

/* Hashes stand for what they are made of: two things of the same hash are taken for one. */
static bool
hash_equal(const void *key, const struct table_node *node)
{
	(void)key;
	(void)node;
	return true;
}

static struct scope *
scope_find(const struct vos *vos, uint64_t hash)
{
	struct table_node *node = table_find(&vos->scopes, hash, hash_equal, NULL);

	return node ? table_entry(node, struct scope, node) : NULL;
}

static struct held_object *
held_object_find(const struct vos *vos, uint64_t hash)
{
	struct table_node *node = table_find(&vos->held_objects, hash, hash_equal, NULL);

	return node ? table_entry(node, struct held_object, node) : NULL;
}

/* Who else than own holds something of the scope, not above epoch: of a dkey that or the whole, of
 * the whole (NULL) anything. */
static struct prepared *
holder_find(const struct vos *vos, const struct prepared *own, uint64_t object,
	    const struct ordered_key *dkey, uint64_t epoch)
{
	const struct held_object *held = held_object_find(vos, object);
	struct scope *scopes[2];

	if (!held)
		return NULL;
	if (!dkey) {
		LIST_FOR_EACH(link, &held->scopes) {
			struct prepared *holder = list_entry(link, struct scope, of_object)->holder;

			if (holder != own && holder->tx.epoch <= epoch)
				return holder;
		}
		return NULL;
	}
	scopes[0] = scope_find(vos, scope_hash(object, NULL));
	scopes[1] = scope_find(vos, scope_hash(object, dkey));
	for (uint32_t i = 0; i < ARRAY_SIZE(scopes); i++)
		if (scopes[i] && scopes[i]->holder != own && scopes[i]->holder->tx.epoch <= epoch)
			return scopes[i]->holder;
	return NULL;
}

/* What a change at epoch does that meets holder. */
static int
holder_meet(const struct prepared *holder, uint64_t epoch, struct uuid *ret_blocker)
{
	if ((epoch & ~HLC_MINOR_MASK) <= holder->tx.epoch) {
		REACHED("vos: a change is older than a prepared one");
		return -DER_TX_RESTART;
	}
	*ret_blocker = holder->tx.id;
	return EDIT_AGAIN;
}

static struct held_object *
held_object_enter(struct vos *vos, uint64_t hash)
{
	struct held_object *held = held_object_find(vos, hash);

	if (held)
		return held;
	held = arena_alloc(vos->arena, sizeof(*held));
	if (!held)
		return NULL;
	list_init(&held->scopes);
	table_insert(&vos->held_objects, hash, &held->node);
	return held;
}

static void
held_object_leave(struct vos *vos, struct held_object *held)
{
	if (!list_empty(&held->scopes))
		return;
	table_remove(&vos->held_objects, &held->node);
	arena_free(vos->arena, held);
}

/* What is held already, when the store is opened, is held. */
static int
scopes_judge(const struct vos *vos, const struct prepared *holder)
{
	if (vos->scopes.count < SCOPES_MAX || holder->tx.state != (enum vos_tx_state)INTENT_PARTIAL)
		return 0;
	REACHED("vos: transactions hold too much");
	if (vos->prepared_count == 1)
		return error_raise(-DER_OVERFLOW, "a transaction changes more than %u dkeys",
				   SCOPES_MAX);
	return error_raise(-DER_OVERLOAD_RETRY, "transactions hold %u dkeys", SCOPES_MAX);
}

int
scope_take(struct vos *vos, struct prepared *holder, const struct vos_object *object,
	   const struct ordered_key *dkey, struct uuid *ret_blocker)
{
	uint64_t hash = object_hash(&holder->tx.container, object), whole = scope_hash(hash, dkey);
	struct prepared *other = holder_find(vos, holder, hash, dkey, UINT64_MAX);
	struct held_object *held;
	struct scope *scope;
	int rc;

	if (other && !BUG(32))
		return holder_meet(other, holder->tx.epoch, ret_blocker);
	if (scope_find(vos, whole))
		return 0;
	rc = scopes_judge(vos, holder);
	if (rc != 0)
		return rc;
	scope = arena_alloc(vos->arena, sizeof(*scope));
	held = scope ? held_object_enter(vos, hash) : NULL;
	if (!held) {
		arena_free(vos->arena, scope);
		return error_raise(-DER_NOMEM, "no memory for what a transaction holds");
	}
	*scope = (struct scope){.holder = holder, .object = held};
	table_insert(&vos->scopes, whole, &scope->node);
	list_append(&held->scopes, &scope->of_object);
	list_append(&holder->scopes, &scope->of_holder);
	return 0;
}

void
prepared_hold(struct vos *vos, struct prepared *prepared)
{
	ASSERT(!prepared->holding);
	prepared->holding = true;
	vos->prepared_count++;
}

void
prepared_release(struct vos *vos, struct prepared *prepared)
{
	struct list *link;

	while ((link = list_pop(&prepared->scopes)) != NULL) {
		struct scope *scope = list_entry(link, struct scope, of_holder);

		table_remove(&vos->scopes, &scope->node);
		list_remove(&scope->of_object);
		held_object_leave(vos, scope->object);
		arena_free(vos->arena, scope);
	}
	if (prepared->holding)
		vos->prepared_count--;
	prepared->holding = false;
}

/* ------------------------------------------------ meeting */

/* The first holder of anything that is touched, whatever its epoch. */
static struct prepared *
touch_holder(const struct edit *edit)
{
	const struct touch *touch = edit->touch;
	const uint8_t *key = (const uint8_t *)touch->keys;
	uint64_t object = object_hash(&edit->container->id, touch->object);
	struct prepared *holder = NULL;

	if (touch->dkey || !touch->keys)
		return holder_find(edit->vos, edit->prepared, object, touch->dkey, UINT64_MAX);
	for (uint32_t i = 0; !holder && i < touch->count; i++, key += touch->stride)
		holder = holder_find(edit->vos, edit->prepared, object,
				     (const struct ordered_key *)(const void *)key, UINT64_MAX);
	return holder;
}

int
touch_judge_all(struct edit *edit)
{
	const struct prepared *holder = edit->vos->prepared_count > 0 ? touch_holder(edit) : NULL;
	int rc = holder ? holder_meet(holder, edit->epoch, &edit->blocker) : 0;

	edit->blocked = rc == EDIT_AGAIN;
	if (rc != 0)
		return rc;
	if (stamps_refuse(edit, edit->touch)) {
		REACHED("vos: a change is older than what a transaction has read");
		return -DER_TX_RESTART;
	}
	return 0;
}

/* Somebody who changes anything in the container up to epoch. */
static const struct prepared *
container_holder(const struct vos_container *container, uint64_t epoch)
{
	LIST_FOR_EACH(link, &container->vos->preparations) {
		const struct prepared *prepared = list_entry(link, struct prepared, link);

		if (prepared->holding && prepared->tx.epoch <= epoch &&
		    uuid_equal(&prepared->tx.container, &container->id))
			return prepared;
	}
	return NULL;
}

int
look_judge_all(struct look *look, const struct vos_object *object, const struct ordered_key *dkey)
{
	const struct vos_container *container = look->container;
	const struct prepared *holder;

	if (container->destroyed || BUG(25))
		return 0;
	if (object)
		holder = holder_find(container->vos, NULL, object_hash(&container->id, object),
				     dkey, look->epoch);
	else
		holder = container_holder(container, look->epoch);
	if (!holder)
		return 0;
	look->blocker = holder->tx.id;
	return EDIT_AGAIN;
}
