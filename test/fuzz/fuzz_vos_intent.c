/* SPDX-License-Identifier: BSD-2-Clause-Patent */
/* Changes of prepared transactions as a damaged heap may hold them: what is decoded lies inside the
 * bytes, and encoding it again gives the same. */
#include <stdlib.h>

#include "vos/intent.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

#define SIZE_MAX_TRIED (64u * 1024)

static void
inside(const struct stored_change *change, const void *data, size_t length)
{
	const uint8_t *at = data;

	ASSERT(at >= change->bytes && at + length <= change->bytes + change->length);
}

static void
change_check(const struct stored_change *change)
{
	const struct vos_op *op = &change->op;

	if (op->dkey.length > 0)
		inside(change, op->dkey.data, op->dkey.length);
	for (uint32_t i = 0; i < op->count; i++) {
		const struct vos_akey *akey = op->kind == VOS_OP_UPDATE ? &op->akeys[i] : NULL;
		struct vos_key key = akey ? akey->key : op->keys[i];

		inside(change, key.data, key.length);
		if (akey && akey->type == VOS_ARRAY)
			inside(change, akey->extents,
			       akey->extent_count * sizeof(struct vos_extent));
	}
	inside(change, change->blobs, change->blob_count * sizeof(uint64_t));
}

/* But for reserved bytes and padding, which are not read: encoded twice it is the same. */
static void
again_check(struct vos *vos, const struct stored_change *change)
{
	struct intent_step first = {0}, second = {0};
	struct stored_change decoded = {0};

	if (intent_encode(vos, &change->op, &first) != 0)
		return;
	ASSERT(first.length == change->length && first.blobs_at == change->blobs_at);
	ASSERT(intent_decode(vos, first.bytes, first.length, &decoded) == 0);
	ASSERT(intent_encode(vos, &decoded.op, &second) == 0);
	ASSERT(second.length == first.length &&
	       memcmp(second.bytes, first.bytes, first.length) == 0);
	arena_free(vos->arena, second.bytes);
	intent_unload(vos, &decoded);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static struct vos vos;
	struct stored_change change = {0};
	size_t length = size / 8 * 8;
	uint8_t *bytes;

	if (length == 0 || length > SIZE_MAX_TRIED)
		return 0;
	if (!vos.arena)
		vos.arena = arena_create(0);
	bytes = arena_alloc(vos.arena, length);
	ASSERT(bytes);
	memcpy(bytes, data, length);
	if (intent_decode(&vos, bytes, (uint32_t)length, &change) == 0) {
		change_check(&change);
		again_check(&vos, &change);
	}
	intent_unload(&vos, &change);
	return 0;
}
