/* SPDX-License-Identifier: BSD-2-Clause-Patent */
/* Positions that a caller names by a key. */
#include "vos/private.h"

int
vos_position_after(const struct vos_object *object, enum vos_level level, struct vos_key key,
		   struct vos_position *ret_position)
{
	struct ordered_key ordered;
	int rc;

	if (level != VOS_DKEYS && level != VOS_AKEYS)
		return error_raise(-DER_INVAL, "only keys name a position");
	rc = level == VOS_DKEYS ? dkey_order(object, key, &ordered)
				: akey_order(object, key, &ordered);
	if (rc != 0)
		return rc;
	*ret_position = (struct vos_position){
		.state = VOS_AFTER,
		.key_length = key.length,
		.hash = {ordered.order,
			 ordered.hash ? ordered.hash : hash64(key.data, key.length, 0)},
	};
	memcpy(ret_position->key, key.data, min_of(key.length, VOS_POSITION_KEY));
	return 0;
}
