/* SPDX-License-Identifier: BSD-2-Clause-Patent */
/* Memory for payload. Whoever waits for a share holds nothing else, so that the oldest one always
 * gets on. */
#include "object/private.h"

/* Stands at the start of a spare buffer. */
struct spare {
	struct list link;
};

void
buffers_init(struct buffers *buffers, struct arena *arena)
{
	*buffers = (struct buffers){.arena = arena};
	fiber_semaphore_init(&buffers->permits, OBJECT_PAYLOAD_LIMIT);
}

void
buffers_fini(struct buffers *buffers)
{
	ASSERT(buffers->permits.available == OBJECT_PAYLOAD_LIMIT);
	for (uint32_t i = 0; i < BUFFER_CLASSES; i++) {
		struct list *link;

		while ((link = list_pop(&buffers->spare[i])) != NULL)
			arena_free(buffers->arena, list_entry(link, struct spare, link));
	}
}

static uint64_t
class_bytes(uint32_t class)
{
	return (uint64_t)BUFFER_MIN << class;
}

static uint32_t
class_of(uint64_t bytes)
{
	uint32_t class = 0;

	while (class_bytes(class) < bytes)
		class ++;
	return class;
}

int
payload_admit(struct buffers *buffers, uint64_t bytes, struct payload *ret_payload)
{
	uint64_t permits = min_of(bytes, (uint64_t)OBJECT_PAYLOAD_LIMIT);
	int rc = permits ? fiber_semaphore_take(&buffers->permits, permits) : 0;

	if (rc == 0)
		*ret_payload = (struct payload){.buffers = buffers, .permits = permits};
	return rc;
}

static uint8_t *
buffer_alloc(struct buffers *buffers, uint32_t class)
{
	struct list *link = list_pop(&buffers->spare[class]);

	if (link == NULL)
		return arena_alloc_aligned(buffers->arena, class_bytes(class), DISK_BLOCK);
	buffers->spare_bytes -= class_bytes(class);
	return (uint8_t *)list_entry(link, struct spare, link);
}

static void
buffer_free(struct buffers *buffers, uint32_t class, uint8_t *data)
{
	struct spare *spare = (struct spare *)data;

	if (buffers->spare_bytes + class_bytes(class) > SPARE_LIMIT) {
		arena_free(buffers->arena, data);
		return;
	}
	spare->link = (struct list){.next = NULL};
	list_prepend(&buffers->spare[class], &spare->link);
	buffers->spare_bytes += class_bytes(class);
}

int
payload_get(struct buffers *buffers, uint64_t bytes, struct payload *ret_payload)
{
	struct payload payload;
	uint32_t class = class_of(bytes);
	int rc;

	ASSERT(class < BUFFER_CLASSES);
	rc = payload_admit(buffers, class_bytes(class), &payload);
	if (rc != 0)
		return rc;
	payload.class = class;
	payload.data = buffer_alloc(buffers, class);
	if (payload.data == NULL) {
		payload_put(&payload);
		return -DER_NOMEM;
	}
	*ret_payload = payload;
	return 0;
}

void
payload_put(struct payload *payload)
{
	if (payload->data)
		buffer_free(payload->buffers, payload->class, payload->data);
	if (payload->permits)
		fiber_semaphore_give(&payload->buffers->permits, payload->permits);
	*payload = (struct payload){.data = NULL};
}
