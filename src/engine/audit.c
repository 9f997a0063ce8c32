/* SPDX-License-Identifier: BSD-2-Clause-Patent */
/* The audit of everything that an engine stores and has in service. */
#include "engine/private.h"

/* What has been met so far; the loops take their turns. */
struct audit_call {
	struct engine *engine;
	struct engine_audit figures;
	int result; /* the first failure: nothing more is looked at, so that its text stays */
};

static int
target_audit(void *argument, struct vos *vos)
{
	struct audit_call *call = argument;
	struct vos_audit found;

	if (call->result == 0)
		call->result = vos_audit(vos, &found);
	if (call->result)
		return 0;
	log_info("audit of a target: %lu containers, %lu clients, %lu objects, %lu values, %lu "
		 "blocks of heap (%lu bytes), %lu of data",
		 (unsigned long)found.containers, (unsigned long)found.clients,
		 (unsigned long)found.objects, (unsigned long)found.values,
		 (unsigned long)found.heap_blocks, (unsigned long)found.heap_bytes,
		 (unsigned long)found.data_blocks);
	call->figures.stores++;
	call->figures.records += found.objects + found.dkeys + found.akeys + found.extents;
	call->figures.bytes += found.bytes;
	return 0;
}

static int
targets_audit(void *argument)
{
	struct audit_call *call = argument;

	pool_targets_here(&call->engine->node, target_audit, call);
	return call->result;
}

static int
metadata_audit(struct audit_call *call, struct metadb *metadb)
{
	uint64_t keys;
	int rc = metadb_audit(metadb, &keys);

	if (rc)
		return rc;
	call->figures.stores++;
	call->figures.records += keys;
	return 0;
}

static int
pool_audit(void *argument, struct pool *pool)
{
	return metadata_audit(argument, pool_metadb(pool));
}

int
engine_audit(struct engine *engine, struct engine_audit *ret_audit)
{
	struct audit_call call = {.engine = engine};
	int rc = metadata_audit(&call, system_metadb(engine->services_system));

	if (rc == 0)
		rc = pools_each(engine->pools, pool_audit, &call);
	for (uint32_t i = 0; rc == 0 && i < engine->node.loop_count; i++)
		rc = loop_call(engine->node.loops[i].loop, targets_audit, &call);
	if (rc == 0)
		*ret_audit = call.figures;
	return rc;
}
