/* SPDX-License-Identifier: BSD-2-Clause-Patent */
/* Time stamps as users see them. */
#include <gurt/common.h>

#include <daos_api.h>

int
daos_hlc2timespec(uint64_t hlc, struct timespec *ts)
{
	return d_hlc2timespec(hlc, ts);
}

int
daos_hlc2timestamp(uint64_t hlc, time_t *ts)
{
	struct timespec wall;
	int rc;

	if (ts == NULL)
		return -DER_INVAL;
	rc = d_hlc2timespec(hlc, &wall);
	if (rc == 0)
		*ts = wall.tv_sec;
	return rc;
}
