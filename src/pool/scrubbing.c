/* SPDX-License-Identifier: BSD-2-Clause-Patent */
/* What the properties of a pool say about scrubbing, brought to its targets. */
#include "daos_prop.h"

#include "pool/private.h"

#define SECOND UINT64_C(1000000000)
/* The longest period, ten years: a longer one would not fit in nanoseconds. */
#define PERIOD_MAX (UINT64_C(10) * 366 * 24 * 3600)

static uint64_t
number_of(const struct proto_properties *properties, uint32_t type, uint64_t standard)
{
	const struct proto_property *property = proto_property_find(properties, type);

	return property ? property->number : standard;
}

static int
target_tell(void *argument, uint32_t target, struct vos *vos)
{
	(void)target;
	vos_set_scrubbing(vos, argument);
	return 0;
}

void
pool_scrubbing_tell(struct pool *pool)
{
	struct vos_scrubbing scrubbing;
	struct stored_properties stored;
	uint64_t mode;
	int rc = properties_load(pool->metadb, metadb_text("props"), &stored);

	if (rc == 0) {
		mode = number_of(&stored.properties, DAOS_PROP_PO_SCRUB_MODE,
				 DAOS_PROP_PO_SCRUB_MODE_DEFAULT);
		scrubbing = (struct vos_scrubbing){
			.lazy = mode == DAOS_SCRUB_MODE_LAZY,
			.timed = mode == DAOS_SCRUB_MODE_TIMED,
			.period_ns = min_of(number_of(&stored.properties, DAOS_PROP_PO_SCRUB_FREQ,
						      DAOS_PROP_PO_SCRUB_FREQ_DEFAULT),
					    PERIOD_MAX) *
				     SECOND,
			.threshold = number_of(&stored.properties, DAOS_PROP_PO_SCRUB_THRESH,
					       DAOS_PROP_PO_SCRUB_THRESH_DEFAULT),
		};
		stored_properties_free(pool->metadb, &stored);
		/* Off is how a store is opened. */
		if (mode != DAOS_SCRUB_MODE_OFF || pool->scrubbed)
			rc = pool_each_target(pool, target_tell, &scrubbing);
		pool->scrubbed = mode != DAOS_SCRUB_MODE_OFF;
	}
	if (rc)
		error_log(LOG_WARNING, rc, "a pool is scrubbed as before");
}
