/* SPDX-License-Identifier: BSD-2-Clause-Patent */
/* The store: its root in the heap, opening and closing. */
#include "vos/private.h"

static int
format_check(struct edit *edit)
{
	const struct store_root *root = heap_at(edit_pin(edit), edit->vos->root, sizeof(*root));

	if (!root)
		return pin_outcome(edit_pin(edit));
	return root->type == 0 ? 0 : error_raise(-DER_EXIST, "the heap holds a store already");
}

static void
format_apply(struct edit *edit)
{
	struct store_root *root = tx_change(&edit->tx, edit->vos->root, sizeof(*root));

	*root = (struct store_root){
		.type = RECORD_STORE,
		.version = STORE_VERSION,
		.magic = STORE_MAGIC,
		.compatible = STORE_COMPATIBLE,
		.read_compatible = STORE_READ_COMPATIBLE,
		.incompatible = STORE_INCOMPATIBLE,
		.next_dead = 1,
	};
}

static void
vos_init(struct vos *vos, struct heap *heap)
{
	*vos = (struct vos){
		.heap = heap,
		.media = heap_media(heap),
		.arena = loop_env(loop_current())->arena,
		.root = heap_root(heap),
	};
	list_init(&vos->containers);
	table_init(&vos->snapshots, vos->arena);
	fiber_mutex_init(&vos->collecting);
	prepared_init(vos);
}

static void
format_need(struct edit *edit)
{
	edit->need.log_bytes += sizeof(struct store_root);
}

int
vos_format(struct heap *heap)
{
	static const struct edit_steps steps = {
		.need = format_need, .check = format_check, .apply = format_apply};
	struct vos vos;
	struct edit edit;
	uint64_t group;
	int rc;

	vos_init(&vos, heap);
	edit_init(&edit, &vos, NULL, NULL, NULL);
	edit.need.privileged = true;
	rc = edit_run(&edit, &steps, &group);
	return rc == 0 ? media_wait(vos.media, group) : rc;
}

static int
root_check(const struct store_root *root)
{
	if (root->type != RECORD_STORE || root->magic != STORE_MAGIC)
		return error_raise(-DER_DF_INCOMPT,
				   "the heap holds no store: unknown magic number");
	if (root->version != STORE_VERSION)
		return error_raise(-DER_DF_INCOMPT,
				   "the store has format version %u; this program knows %u",
				   root->version, STORE_VERSION);
	if ((root->incompatible & ~STORE_INCOMPATIBLE) != 0 ||
	    (root->read_compatible & ~STORE_READ_COMPATIBLE) != 0)
		return error_raise(-DER_DF_INCOMPT,
				   "the store uses features that this program does not know");
	return 0;
}

int
vos_open(struct heap *heap, struct vos **ret_vos)
{
	struct arena *arena = loop_env(loop_current())->arena;
	const struct store_root *root;
	struct vos *vos;
	struct pin pin;
	int rc;

	do {
		pin_init(&pin, heap);
		root = heap_at(&pin, heap_root(heap), sizeof(*root));
		rc = root ? root_check(root) : pin_outcome(&pin);
		if (rc == -DER_AGAIN)
			rc = pin_load(&pin) ?: -DER_AGAIN;
		pin_fini(&pin);
	} while (rc == -DER_AGAIN);
	if (rc != 0)
		return rc;
	vos = arena_calloc(arena, 1, sizeof(*vos));
	if (!vos)
		return error_raise(-DER_NOMEM, "no memory for a store");
	vos_init(vos, heap);
	rc = intents_open(vos);
	if (rc != 0) {
		prepared_fini(vos);
		arena_free(arena, vos);
		return rc;
	}
	*ret_vos = vos;
	return 0;
}

void
vos_close(struct vos *vos)
{
	containers_fini(vos);
	arena_free(vos->arena, vos->collector);
	snapshots_fini(vos);
	arena_free(vos->arena, vos->scrub);
	prepared_fini(vos);
	stamps_fini(vos);
	arena_free(vos->arena, vos);
}

struct heap *
vos_heap(const struct vos *vos)
{
	return vos->heap;
}

void
vos_set_request_horizon(struct vos *vos, uint64_t epoch)
{
	if (epoch <= vos->horizon)
		return;
	vos->horizon = epoch;
	vos->horizon_moved = true;
}
