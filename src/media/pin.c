/* SPDX-License-Identifier: BSD-2-Clause-Patent */
/* Access to the image: which zones an attempt looked at, which it missed. */
#include "media/private.h"

_Static_assert(HEAP_ZONE_HEAD == ZONE_HEADER_PAGES * DISK_BLOCK, "the same");

void
pin_init(struct pin *pin, struct heap *heap)
{
	pin->heap = heap;
	pin->count = 0;
	pin->absent_count = 0;
	pin->error = 0;
	memset(pin->recent, 0, sizeof(pin->recent));
}

void
pin_fini(struct pin *pin)
{
	for (uint32_t i = 0; i < min_of(pin->count, PIN_ZONES); i++)
		pin->heap->zones[pin->zones[i]]->pins--;
	if (pin->count > PIN_ZONES)
		pin->heap->pins_all--;
	pin->count = 0;
	pin->absent_count = 0;
	pin->error = 0;
	memset(pin->recent, 0, sizeof(pin->recent));
}

/* An attempt that looks at more zones than a pin names pins them all. */
static void
pin_add(struct pin *pin, struct zone *zone)
{
	for (uint32_t i = min_of(pin->count, PIN_ZONES); i-- > 0;)
		if (pin->zones[i] == zone->number)
			return;
	if (pin->count < PIN_ZONES) {
		pin->zones[pin->count] = zone->number;
		zone->pins++;
	}
	if (pin->count == PIN_ZONES) {
		REACHED("media: an attempt pins every zone");
		pin->heap->pins_all++;
	}
	if (pin->count <= PIN_ZONES)
		pin->count++;
}

static const void *
pin_absent(struct pin *pin, uint32_t number)
{
	if (pin->absent_count < ARRAY_SIZE(pin->absent))
		pin->absent[pin->absent_count++] = number;
	if (pin->error == 0)
		pin->error = -DER_AGAIN;
	return NULL;
}

const void *
heap_at_zone(struct pin *pin, uint64_t offset, size_t length)
{
	struct heap *heap = pin->heap;
	uint64_t number = offset / HEAP_ZONE;
	uint64_t inside = offset % HEAP_ZONE;
	struct zone *zone;

	if (number >= heap->heap_zones_used || inside < HEAP_ZONE_HEAD ||
	    length > HEAP_ZONE - inside || offset % 8 != 0 || heap->state != 0) {
		pin->error =
			heap->state != 0
				? heap->state
				: error_raise(-DER_IO,
					      "heap %s: offset %#lx with %zu bytes is impossible",
					      heap->name, (unsigned long)offset, length);
		return NULL;
	}
	zone = heap->zones[number];
	if (!zone || zone->stage != ZONE_LOADED)
		return pin_absent(pin, (uint32_t)number);
	if (pin->count == 0 ||
	    (pin->count <= PIN_ZONES && pin->zones[pin->count - 1] != zone->number))
		pin_add(pin, zone);
	pin->recent[number % PIN_RECENT].number = number;
	pin->recent[number % PIN_RECENT].image = zone->image;
	return zone->image + inside;
}

int
pin_outcome(const struct pin *pin)
{
	return pin->error;
}

int
pin_load(struct pin *pin)
{
	struct heap *heap = pin->heap;
	uint32_t absent[ARRAY_SIZE(pin->absent)];
	uint32_t count = pin->absent_count;
	int rc = pin->error == -DER_AGAIN ? 0 : pin->error;

	memcpy(absent, pin->absent, sizeof(absent));
	pin_fini(pin);
	if (FAULT("media: a zone is loaded late"))
		fiber_yield();
	for (uint32_t i = 0; i < count && rc == 0; i++) {
		struct zone *zone;

		rc = zone_get(heap, absent[i], &zone);
		if (rc == 0)
			rc = zone_load(zone);
	}
	return rc;
}
