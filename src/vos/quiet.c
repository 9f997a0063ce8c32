/* SPDX-License-Identifier: BSD-2-Clause-Patent */
/* When a store that nobody changes is looked at again. */
#include "vos/private.h"

#define LOOK_PAUSE_MAX_NS UINT64_C(60000000000)

bool
vos_collect_due(struct vos *vos, uint64_t now)
{
	if (vos->newest_group != vos->quiet_group) {
		vos->quiet_group = vos->newest_group;
		vos->quiet_since = now;
	}
	if (now - vos->looked < min_of((now - vos->quiet_since) / 4, LOOK_PAUSE_MAX_NS))
		return false;
	vos->looked = now;
	return true;
}
