/* SPDX-License-Identifier: BSD-2-Clause-Patent */
/* Short forms of calls for the tests of this folder; the stand is that of the model test. */
#pragma once

#include "model/vos/model.h"

static inline struct vos_object
plain_object(uint32_t type)
{
	return (struct vos_object){.id = {.lo = 7, .hi = (uint64_t)type << 56}};
}

static inline struct vos_key
text_key(const char *text)
{
	return (struct vos_key){text, (uint32_t)strlen(text)};
}

static inline int
store_put(struct stand *stand, const struct vos_object *object, const char *dkey, const char *akey,
	  uint8_t fill, uint32_t size, const struct vos_change *change)
{
	uint8_t *payload = malloc(size + 1);
	struct iovec iov = {payload, size};
	struct vos_akey value = {.key = text_key(akey),
				 .type = VOS_SINGLE,
				 .record_size = size,
				 .payload = &iov,
				 .payload_count = 1};
	uint64_t group;
	int rc;

	memset(payload, fill, size);
	rc = vos_update(stand->container, object, text_key(dkey), &value, 1, change, &group);
	if (rc == 0)
		rc = media_wait(stand->media, group);
	free(payload);
	return rc;
}

/* The size of a single value and its first byte; or a negative code. */
static inline int64_t
store_get(struct stand *stand, const struct vos_object *object, const char *dkey, const char *akey,
	  uint64_t epoch, uint8_t *ret_fill)
{
	struct vos_akey value = {.key = text_key(akey), .type = VOS_SINGLE};
	struct vos_fetched fetched;
	int64_t size;
	int rc = vos_fetch(stand->container, object, text_key(dkey), &value, 1, epoch, 0, 0,
			   &fetched);

	if (rc != 0)
		return rc;
	size = (int64_t)fetched.record_size;
	if (size > 0 && ret_fill)
		*ret_fill = fetched.data[0];
	vos_fetched_free(stand->container, &fetched, 1);
	return size;
}

static inline int
put_extent(struct stand *stand, const struct vos_object *object, const char *dkey,
	   struct vos_extent extent, uint8_t fill, uint64_t epoch)
{
	uint8_t *payload = malloc(extent.count);
	struct iovec iov = {payload, extent.count};
	struct vos_akey value = {.key = text_key("array"),
				 .type = VOS_ARRAY,
				 .record_size = 1,
				 .extents = &extent,
				 .extent_count = 1,
				 .payload = &iov,
				 .payload_count = 1};
	struct vos_change change = {.epoch = epoch};
	uint64_t group;
	int rc;

	memset(payload, fill, extent.count);
	rc = vos_update(stand->container, object, text_key(dkey), &value, 1, &change, &group);
	if (rc == 0)
		rc = media_wait(stand->media, group);
	free(payload);
	return rc;
}

/* One byte of the array; or a negative code. */
static inline int
get_byte(struct stand *stand, const struct vos_object *object, const char *dkey, uint64_t index,
	 uint64_t epoch)
{
	struct vos_extent extent = {index, 1};
	struct vos_akey value = {
		.key = text_key("array"), .type = VOS_ARRAY, .extents = &extent, .extent_count = 1};
	struct vos_fetched fetched;
	int rc = vos_fetch(stand->container, object, text_key(dkey), &value, 1, epoch, 0, 0,
			   &fetched);

	if (rc != 0)
		return rc;
	rc = fetched.length == 1 ? fetched.data[0] : 0;
	vos_fetched_free(stand->container, &fetched, 1);
	return rc;
}

/* Runs body on a fresh stand. */
static inline void
stand_test(int (*body)(void *argument))
{
	struct stand stand = {0};

	stand_start(&stand, 1);
	CHECK_EQUAL(stand_run(&stand, body), 0);
	stand_stop(&stand);
}
