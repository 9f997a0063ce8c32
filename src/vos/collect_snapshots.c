/* SPDX-License-Identifier: BSD-2-Clause-Patent */
/* The snapshots of containers: at which epochs they stay readable. */
#include "vos/private.h"

static bool
set_equal(const void *key, const struct table_node *node)
{
	return uuid_equal(key, &table_entry(node, struct snapshot_set, node)->container);
}

struct snapshot_set *
snapshots_of(const struct vos *vos, const struct uuid *container)
{
	struct table_node *node =
		table_find(&vos->snapshots, uuid_hash(container), set_equal, container);

	return node ? table_entry(node, struct snapshot_set, node) : NULL;
}

uint64_t
snapshots_newest(const struct vos *vos, const struct uuid *container)
{
	const struct snapshot_set *set = snapshots_of(vos, container);

	return set && set->count > 0 ? set->epochs[set->count - 1] : 0;
}

static void
set_free(struct vos *vos, struct snapshot_set *set)
{
	if (set->sweep)
		vos->sweeps--;
	table_remove(&vos->snapshots, &set->node);
	arena_free(vos->arena, set);
}

void
snapshots_forget(struct vos *vos, const struct uuid *container)
{
	struct snapshot_set *set = snapshots_of(vos, container);

	if (set)
		set_free(vos, set);
}

void
snapshots_fini(struct vos *vos)
{
	TABLE_FOR_EACH_SAFE(node, &vos->snapshots) {
		set_free(vos, table_entry(node, struct snapshot_set, node));
	}
	table_fini(&vos->snapshots);
}

/* ------------------------------------------------ questions */

/* How many lie below epoch. */
static uint32_t
count_below(const struct snapshot_set *set, uint64_t epoch)
{
	uint32_t low = 0, high = set->count;

	while (low < high) {
		uint32_t middle = low + (high - low) / 2;

		if (set->epochs[middle] < epoch)
			low = middle + 1;
		else
			high = middle;
	}
	return low;
}

uint64_t
snapshots_from(const struct snapshot_set *set, uint64_t epoch)
{
	uint32_t place = count_below(set, epoch);

	return place < set->count ? set->epochs[place] : UINT64_MAX;
}

uint64_t
snapshots_below(const struct snapshot_set *set, uint64_t epoch)
{
	uint32_t count = count_below(set, epoch);

	return count > 0 ? set->epochs[count - 1] : 0;
}

uint32_t
snapshots_between(const struct snapshot_set *set, uint64_t first, uint64_t last)
{
	return last == UINT64_MAX ? set->count - count_below(set, first)
				  : count_below(set, last + 1) - count_below(set, first);
}

int
snapshots_check(struct pin *pin, const struct vos_container *container, uint64_t epoch)
{
	const struct container_root *root = heap_at(pin, container->root, sizeof(*root));
	const struct snapshot_set *set;

	if (!root)
		return pin_outcome(pin);
	if (epoch >= root->collected)
		return 0;
	set = snapshots_of(container->vos, &container->id);
	if (set && snapshots_from(set, epoch) == epoch)
		return 0;
	REACHED("vos: a read at an epoch that was collected");
	return error_raise(-DER_TX_RESTART, "epoch %lx is no snapshot and was collected",
			   (unsigned long)epoch);
}

/* ------------------------------------------------ the call */

/* Whether a member of set is not among epochs. */
static bool
some_removed(const struct snapshot_set *set, const uint64_t *epochs, uint32_t count)
{
	uint32_t at = 0;

	for (uint32_t i = 0; i < set->count; i++) {
		while (at < count && epochs[at] < set->epochs[i])
			at++;
		if (at == count || epochs[at] != set->epochs[i])
			return true;
	}
	return false;
}

/* What is parked is looked through from the begin: at the first call because it is not known what
 * was removed before this store was opened. */
static void
set_take(struct vos *vos, const struct snapshot_set *old, struct snapshot_set *set)
{
	bool removed = !old || some_removed(old, set->epochs, set->count);

	set->sweep = removed || old->sweep;
	set->removals = old ? old->removals + removed : 0;
	if (!removed) {
		set->sweep_begun = old->sweep_begun;
		set->sweep_after = old->sweep_after;
	}
	if (set->sweep)
		vos->sweeps++;
}

int
vos_set_snapshots(struct vos *vos, struct uuid container, const uint64_t *epochs, uint32_t count)
{
	struct snapshot_set *old = snapshots_of(vos, &container), *set;
	struct vos_container *opened = container_opened(vos, &container);

	if (count > VOS_SNAPSHOTS_MAX)
		return error_raise(-DER_OVERFLOW, "%u snapshots; a container may have %u", count,
				   VOS_SNAPSHOTS_MAX);
	set = arena_calloc(vos->arena, 1, sizeof(*set) + count * sizeof(uint64_t));
	if (!set)
		return error_raise(-DER_NOMEM, "no memory for %u snapshots", count);
	set->container = container;
	set->count = count;
	if (count > 0)
		memcpy(set->epochs, epochs, count * sizeof(uint64_t));
	set_take(vos, old, set);
	if (old)
		set_free(vos, old);
	table_insert(&vos->snapshots, uuid_hash(&container), &set->node);
	/* What was passed over for want of this call has its turn again. */
	vos->skipped.order = 0;
	if (opened && count > 0)
		vos_container_guard(opened, epochs[count - 1]);
	return 0;
}
