/* SPDX-License-Identifier: BSD-2-Clause-Patent */
/* Anchors of listings come from the caller's memory: an error, or a position that goes back into an
 * anchor and out of it as the same. */
#include "client/private.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static struct objio_position position, again;
	static struct client_object object = {.lock = PTHREAD_MUTEX_INITIALIZER};
	daos_anchor_t anchor;
	uint32_t group;

	memset(&anchor, 0, sizeof(anchor));
	memcpy(&anchor, data, size < sizeof(anchor) ? size : sizeof(anchor));
	(void)anchor_restricted(&anchor, &group);
	if (anchor_load(&object, &anchor, &position) != 0)
		return 0;
	ASSERT(position.length <= sizeof(position.bytes));
	if (anchor_store(&object, &position, &anchor) != 0)
		return 0;
	ASSERT(anchor_load(&object, &anchor, &again) == 0);
	ASSERT(again.end == position.end);
	if (!position.end)
		ASSERT(again.group == position.group && again.length == position.length &&
		       memcmp(again.bytes, position.bytes, position.length) == 0);
	return 0;
}
