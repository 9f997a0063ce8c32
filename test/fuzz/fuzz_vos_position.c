/* SPDX-License-Identifier: BSD-2-Clause-Patent */
/* Where a listing goes on is told by clients: an error, or entries that exist, and an end. */
#include "vos_image.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static struct image_store store;

static int
visit(void *argument, const struct vos_entry *entry)
{
	uint32_t *count = argument;

	ASSERT(entry->level == VOS_EXTENTS || entry->level == VOS_OBJECTS || entry->key.length > 0);
	++*count;
	return 0;
}

/* Nothing is left that a listing would wait for. */
static int
begin_body(void *argument)
{
	struct image_store *here = argument;
	uint64_t group;

	image_fill_body(here);
	ASSERT(vos_tx_forget(here->vos, image_transaction(), &group) == 0);
	return 0;
}

static int
list_body(void *argument)
{
	struct image_store *here = argument;
	struct vos_position position = {0};
	uint32_t number = here->data[0] % IMAGE_OBJECTS, count = 0;
	enum vos_level level = here->data[0] / 4 % 4;
	struct vos_object object = image_object(number);
	uint8_t dkey[64], akey[64];
	size_t length = min_of(here->size - 1, sizeof(position));

	memcpy(&position, here->data + 1, length);
	for (uint32_t i = 0; i < 64 && position.state != VOS_END; i++) {
		int rc = vos_list(here->container, &object, level, image_key(number, 1, dkey),
				  image_key(number, 1, akey), EPOCH_MAX, 8, &position, visit,
				  &count);

		if (rc != 0)
			return 0;
	}
	ASSERT(position.state == VOS_END && count < 64 * 8);
	return 0;
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	if (!store.world) {
		ASSERT(memory_world_create(1, &store.world) == 0);
		image_boot(&store);
		memory_run(store.world, store.loop, begin_body, &store);
	}
	if (size == 0)
		return 0;
	store.data = data;
	store.size = size;
	memory_run(store.world, store.loop, list_body, &store);
	return 0;
}
