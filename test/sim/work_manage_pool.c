/* SPDX-License-Identifier: BSD-2-Clause-Patent */
/*
 * Workload "manage": a few small pools besides the system's own, which come and go under two
 * labels, are used, filled to the refusal and emptied.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <gurt/common.h>

#include "daos/tests_lib.h"
#include "daos_kv.h"

#include "client/client.h"
#include "proto/proto.h"

#include "sim/run.h"
#include "sim/work_manage.h"

#define TARGET_BYTES (UINT64_C(16) << 20)
#define FILL_VALUE (900u * 1024)
#define FILL_MAX 400u
/* How often a run fills a pool during the chaos. */
#define FILLS_MAX 2u

static void
pool_label(uint32_t slot, char label[32])
{
	snprintf(label, 32, "small-%u", slot);
}

/* ------------------------------------------------ create and destroy */

static int
create_call(struct manage *manage, const char *label, uint64_t number, uuid_t uuid)
{
	uint64_t targets = plan_knob(sim_plan(manage->model->sim), KNOB_TARGETS);
	bool as_test = stream_chance(&manage->actor->random, 30);
	daos_prop_t *properties = daos_prop_alloc(as_test ? 2 : 1);
	struct client_pool_create request = {
		.label = label,
		.metadata_bytes = targets * TARGET_BYTES,
		.data_bytes = targets * TARGET_BYTES,
		.properties = properties,
	};
	struct client_pool_created created;
	int rc;

	ASSERT(properties != NULL);
	properties->dpp_entries[0].dpe_type = DAOS_PROP_PO_DATA_THRESH;
	properties->dpp_entries[0].dpe_val = number;
	if (as_test) {
		properties->dpp_entries[1].dpe_type = DAOS_PROP_PO_LABEL;
		rc = daos_prop_set_str(properties, DAOS_PROP_PO_LABEL, label, strlen(label));
		ASSERT(rc == 0);
		rc = dmg_pool_create(NULL, 0, 0, NULL, NULL, request.metadata_bytes,
				     request.data_bytes, properties, NULL, uuid);
	} else {
		rc = client_pool_create(&request, &created);
		if (rc == 0)
			memcpy(uuid, created.id.bytes, sizeof(uuid_t));
	}
	daos_prop_free(properties);
	return rc;
}

static enum name_outcome
name_outcome_of(enum outcome outcome, int rc)
{
	if (outcome == OUTCOME_OK)
		return NAME_DONE;
	if (rc == -DER_EXIST)
		return NAME_EXIST;
	if (rc == -DER_NONEXIST)
		return NAME_ABSENT;
	return outcome == OUTCOME_UNKNOWN ? NAME_UNKNOWN : NAME_VOID;
}

/* Storage for pools is not to be had without end: when too many may be there, none is made. */
#define POOLS_UNSURE 6u

static struct thing *
pool_create_slot(struct manage *manage, uint32_t slot, int *ret_result)
{
	struct names_unit *unit = &manage->model->pools;
	struct thing *thing = thing_create(manage, unit);
	enum outcome outcome;
	uint32_t entry;
	char label[32];
	uuid_t uuid;
	int rc;

	pool_label(slot, label);
	(void)names_begin(manage, unit, NAME_CREATE, slot, thing->number, &entry);
	rc = create_call(manage, label, thing->number, uuid);
	outcome = manage_done(manage, MANAGE_POOL_CREATE, rc, NULL);
	names_end(manage, unit, entry, name_outcome_of(outcome, rc));
	if (rc == 0)
		thing_identify(manage, thing, uuid);
	*ret_result = rc;
	return thing;
}

void
manage_pool_create(struct manage *manage)
{
	int rc;

	if (manage->model->pools.unknown >= POOLS_UNSURE)
		return;
	(void)pool_create_slot(manage, (uint32_t)stream_draw(&manage->actor->random, POOL_LABELS),
			       &rc);
}

static struct thing *
draw_pool(struct manage *manage)
{
	struct manage_model *model = manage->model;

	for (uint32_t i = model->thing_count; i-- > 0;)
		if (model->things[i]->unit == &model->pools && model->things[i]->id != 0)
			return model->things[i];
	return NULL;
}

static int
destroy_call(struct manage *manage, const char *label, const struct thing *thing, bool force)
{
	uuid_t uuid;

	if (thing == NULL)
		return client_pool_destroy(label, force, force);
	if (stream_chance(&manage->actor->random, 50))
		return client_pool_destroy(thing->uuid, force, force);
	uuid_parse(thing->uuid, uuid);
	return dmg_pool_destroy(NULL, uuid, NULL, force);
}

void
manage_pool_destroy(struct manage *manage)
{
	static const int answers[] = {-DER_BUSY, 0};
	struct stream *random = &manage->actor->random;
	struct names_unit *unit = &manage->model->pools;
	struct thing *thing = stream_chance(random, 40) ? draw_pool(manage) : NULL;
	uint32_t slot = (uint32_t)stream_draw(random, POOL_LABELS), entry;
	bool force = stream_chance(random, 70);
	enum outcome outcome;
	char label[32];
	int rc;

	if (unit->unknown >= POOLS_UNSURE)
		return;
	pool_label(slot, label);
	(void)names_begin(manage, unit, thing ? NAME_REMOVE_THING : NAME_REMOVE, slot,
			  thing ? thing->number : 0, &entry);
	closing_begin(manage);
	rc = destroy_call(manage, label, thing, force);
	outcome = manage_done(manage, MANAGE_POOL_DESTROY, rc, force ? NULL : answers);
	closing_end(manage, outcome);
	names_end(manage, unit, entry, name_outcome_of(outcome, rc));
	if (rc == 0 && thing)
		thing->destroyed = true;
}

/* ------------------------------------------------ list and query */

static bool
pool_slot(const char *label, uint32_t *ret_slot)
{
	char end;

	return sscanf(label, "small-%u%c", ret_slot, &end) == 1 && *ret_slot < POOL_LABELS;
}

/* A pool in the making, or on its way out, is in the list and is not there. */
void
manage_pool_list(struct manage *manage)
{
	struct names_unit *unit = &manage->model->pools;
	struct client_pool_entry *pools = NULL;
	uint32_t entries[POOL_LABELS], count = 0, slot;
	bool found = false;
	int rc;

	for (uint32_t i = 0; i < POOL_LABELS; i++)
		(void)names_begin(manage, unit, NAME_SEE, i, 0, &entries[i]);
	rc = client_pool_list(&pools, &count);
	(void)manage_done(manage, MANAGE_POOL_LIST, rc, NULL);
	for (uint32_t i = 0; rc == 0 && i < POOL_LABELS; i++)
		names_saw(&unit->operations[entries[i]], i, 0);
	for (uint32_t i = 0; i < count; i++) {
		found |= strcmp(pools[i].label, "pool") == 0;
		if (pools[i].state == PROTO_POOL_READY && pool_slot(pools[i].label, &slot))
			names_saw(&unit->operations[entries[slot]], slot,
				  id_hash(pools[i].id.bytes));
	}
	if (rc == 0 && !found && !server_may_roll_back(manage->model->server))
		sim_violation(manage->model->sim, "a list lacks the pool \"pool\"");
	for (uint32_t i = 0; i < POOL_LABELS; i++)
		names_end(manage, unit, entries[i], rc == 0 ? NAME_DONE : NAME_VOID);
	client_free(pools);
}

static void
judge_space(struct manage *manage, const daos_pool_info_t *info)
{
	const struct daos_pool_space *space = &info->pi_space;
	uint64_t targets = plan_knob(sim_plan(manage->model->sim), KNOB_TARGETS);

	if (info->pi_ntargets != targets || space->ps_ntargets > targets)
		sim_violation(manage->model->sim, "a pool has %u targets, not %u",
			      info->pi_ntargets, (unsigned)targets);
	for (uint32_t i = 0; i < DAOS_MEDIA_MAX; i++) {
		uint64_t total = space->ps_space.s_total[i], left = space->ps_space.s_free[i];

		if (left > total || space->ps_free_min[i] > space->ps_free_max[i] ||
		    space->ps_free_mean[i] > space->ps_free_max[i] ||
		    space->ps_free_min[i] > space->ps_free_mean[i] || space->ps_free_max[i] > left)
			sim_violation(manage->model->sim,
				      "tier %u: %llu of %llu are free, per target %llu to %llu, "
				      "%llu in the mean",
				      i, (unsigned long long)left, (unsigned long long)total,
				      (unsigned long long)space->ps_free_min[i],
				      (unsigned long long)space->ps_free_max[i],
				      (unsigned long long)space->ps_free_mean[i]);
	}
}

/* A target of it, and one that it does not have. */
static void
query_target(struct manage *manage)
{
	uint32_t targets = (uint32_t)plan_knob(sim_plan(manage->model->sim), KNOB_TARGETS);
	uint32_t target = (uint32_t)stream_draw(&manage->actor->random, targets + 1);
	daos_target_info_t info = {.ta_state = DAOS_TS_UNKNOWN};
	int rc = daos_pool_query_target(manage->actor->pool, target, 0, &info, NULL);

	if (target == targets && rc == -DER_NONEXIST)
		return;
	(void)manage_done(manage, MANAGE_POOL_QUERY, rc, NULL);
	/* Where the media failed it is out of service. */
	if (rc == 0 && (target == targets || (info.ta_state != DAOS_TS_UP_IN &&
					      !server_may_fail(manage->model->server))))
		sim_violation(manage->model->sim, "target %u of %u is in state %d", target, targets,
			      (int)info.ta_state);
}

/* A service that begins anew is not missed, and no engine has a blob store. */
static void
ask_for_nothing(struct manage *manage)
{
	uuid_t id = {1};
	int state = 0;
	int rc = daos_mgmt_get_bs_state(NULL, id, &state, NULL);

	if (rc != -DER_NONEXIST)
		sim_violation(manage->model->sim, "a blob store is asked for: %d", rc);
	(void)manage_done(manage, MANAGE_POOL_QUERY, daos_pool_stop_svc(manage->actor->pool, NULL),
			  NULL);
}

#define FILTER_ROOM 512u

/* Containers by how often they are open: that of the actor is. */
static void
filter_containers(struct manage *manage)
{
	daos_pool_cont_filter_part_t *open = d_calloc(1, sizeof(*open));
	struct daos_pool_cont_info2 *entries = sim_take(FILTER_ROOM * sizeof(*entries));
	daos_pool_cont_filter_t filter;
	daos_size_t count = FILTER_ROOM;
	bool found = false;
	int rc = daos_pool_cont_filter_init(&filter, PCF_COMBINE_LOGICAL_AND);

	ASSERT(open != NULL && rc == 0);
	open->pcfp_func = PCF_FUNC_GE;
	open->pcfp_key = PCF_KEY_NUM_HANDLES;
	open->pcfp_val64 = 1;
	rc = daos_pool_cont_filter_add(&filter, open);
	ASSERT(rc == 0);
	rc = daos_pool_filter_cont(manage->actor->pool, &filter, &count, entries, NULL);
	daos_pool_cont_filter_fini(&filter);
	(void)manage_done(manage, MANAGE_POOL_QUERY, rc, NULL);
	for (daos_size_t i = 0; rc == 0 && i < count; i++)
		found = found ||
			strcmp(entries[i].pci_id.pci_label, manage->actor->workload->name) == 0;
	if (rc == 0 && !found && !server_may_roll_back(manage->model->server))
		sim_violation(manage->model->sim, "a filter lacks the container that is open");
	free(entries);
}

void
manage_pool_query(struct manage *manage)
{
	daos_pool_info_t info = {.pi_bits = DPI_ALL};
	daos_prop_t *properties = daos_prop_alloc(0);
	struct daos_prop_entry *label;
	d_rank_list_t *ranks = NULL;
	int rc;

	ASSERT(properties != NULL);
	rc = daos_pool_query(manage->actor->pool, &ranks, &info, properties, NULL);
	(void)manage_done(manage, MANAGE_POOL_QUERY, rc, NULL);
	if (rc == 0) {
		judge_space(manage, &info);
		label = daos_prop_entry_get(properties, DAOS_PROP_PO_LABEL);
		if (label == NULL || strcmp(label->dpe_str, "pool") != 0)
			sim_violation(manage->model->sim, "the pool \"pool\" has another label");
		if (ranks == NULL || ranks->rl_nr != 1)
			sim_violation(manage->model->sim, "one engine has not one rank");
	}
	d_rank_list_free(ranks);
	daos_prop_free(properties);
	query_target(manage);
	filter_containers(manage);
	if (stream_chance(&manage->actor->random, 10))
		ask_for_nothing(manage);
}

/* ------------------------------------------------ use */

/* What calls may answer about a pool that others destroy, and a handle that is closed with it. */
static const int pool_answers[] = {-DER_NO_HDL, -DER_BUSY, -DER_STALE, 0};

static int
pool_number(daos_handle_t pool, uint64_t *ret_number, daos_pool_info_t *info)
{
	daos_prop_t *properties = daos_prop_alloc(1);
	int rc;

	ASSERT(properties != NULL);
	properties->dpp_entries[0].dpe_type = DAOS_PROP_PO_DATA_THRESH;
	rc = daos_pool_query(pool, NULL, info, properties, NULL);
	if (rc == 0)
		*ret_number = properties->dpp_entries[0].dpe_val;
	daos_prop_free(properties);
	return rc;
}

/* Connects by label or id, and learns which pool it is. */
static int
small_connect(struct manage *manage, unsigned int flags, daos_handle_t *ret_pool,
	      struct thing **ret_thing)
{
	struct stream *random = &manage->actor->random;
	struct names_unit *unit = &manage->model->pools;
	struct thing *wanted = stream_chance(random, 30) ? draw_pool(manage) : NULL;
	uint32_t slot = (uint32_t)stream_draw(random, POOL_LABELS), entry;
	daos_pool_info_t info = {.pi_bits = DPI_ALL};
	uint64_t number;
	char label[32];
	int rc;

	pool_label(slot, label);
	(void)names_begin(manage, unit, NAME_SEE, slot, 0, &entry);
	rc = daos_pool_connect(wanted ? wanted->uuid : label, NULL, flags, ret_pool, NULL, NULL);
	if (wanted == NULL && (rc == 0 || rc == -DER_NONEXIST))
		names_saw(&unit->operations[entry], slot, rc ? 0 : NAME_ANY);
	names_end(manage, unit, entry, unit->operations[entry].mask ? NAME_DONE : NAME_VOID);
	if (rc)
		return rc;
	rc = pool_number(*ret_pool, &number, &info);
	if (rc) {
		(void)daos_pool_disconnect(*ret_pool, NULL);
		return rc;
	}
	*ret_thing = thing_of_number(manage->model, number);
	if (*ret_thing == NULL)
		sim_violation(manage->model->sim, "nobody made the pool of number %llu",
			      (unsigned long long)number);
	else
		thing_identify(manage, *ret_thing, info.pi_uuid);
	if (*ret_thing && wanted == NULL)
		names_saw(&unit->operations[entry], slot, (*ret_thing)->id);
	judge_space(manage, &info);
	return *ret_thing ? 0 : -DER_MISC;
}

static int
small_container(daos_handle_t pool, daos_handle_t *ret_container)
{
	int rc = daos_cont_create_with_label(pool, "inner", NULL, NULL, NULL);

	if (rc == 0 || rc == -DER_EXIST)
		rc = daos_cont_open(pool, "inner", DAOS_COO_RW, ret_container, NULL, NULL);
	return rc;
}

static int
small_store(daos_handle_t container, daos_handle_t *ret_store)
{
	daos_obj_id_t oid = {.lo = 2};
	int rc = daos_obj_generate_oid(container, &oid, DAOS_OT_KV_HASHED, OC_SX, 0, 0);

	return rc ? rc : daos_kv_open(container, oid, DAOS_OO_RW, ret_store, NULL);
}

/* Puts a value that says which pool it is of, or reads one. */
static int
small_touch(struct manage *manage, const struct thing *thing, daos_handle_t store)
{
	struct identity identity = {thing->number, hash_combine(thing->number, 1)};
	uint8_t value[256];
	daos_size_t size = sizeof(value);
	int rc = daos_kv_get(store, DAOS_TX_NONE, 0, "touch", &size, value, NULL);

	if (rc == 0 && size > 0 &&
	    (!value_identify(value, size, &identity) || identity.write != thing->number))
		sim_violation(manage->model->sim, "pool %llu has a value of pool %llu",
			      (unsigned long long)thing->number,
			      (unsigned long long)identity.write);
	value_fill(value, 200, identity);
	return rc ? rc : daos_kv_put(store, DAOS_TX_NONE, 0, "touch", 200, value, NULL);
}

void
manage_pool_use(struct manage *manage)
{
	static const unsigned int modes[] = {DAOS_PC_RW, DAOS_PC_RW, DAOS_PC_RW, DAOS_PC_RO,
					     DAOS_PC_EX};
	unsigned int mode = modes[stream_draw(&manage->actor->random, ARRAY_SIZE(modes))];
	daos_handle_t pool, container, store;
	struct thing *thing;
	int rc = small_connect(manage, mode, &pool, &thing);

	(void)manage_done(manage, MANAGE_POOL_USE, rc, pool_answers);
	if (rc)
		return;
	rc = mode == DAOS_PC_RO ? -DER_NONEXIST : small_container(pool, &container);
	if (rc == 0) {
		rc = small_store(container, &store);
		if (rc == 0) {
			rc = small_touch(manage, thing, store);
			(void)daos_kv_close(store, NULL);
		}
		(void)manage_done(manage, MANAGE_POOL_USE, rc, pool_answers);
		(void)daos_cont_close(container, NULL);
	}
	(void)daos_pool_disconnect(pool, NULL);
}

/* ------------------------------------------------ full and empty */

/* Writes until it is refused; how many were written. */
static int
fill(struct manage *manage, daos_handle_t store, uint32_t *ret_written)
{
	uint8_t *value = sim_take(FILL_VALUE);
	uint32_t written = 0;
	int rc = 0;

	for (; rc == 0 && written < FILL_MAX && !sim_violated(manage->model->sim); written++) {
		char name[16];

		snprintf(name, sizeof(name), "f%u", written);
		value_fill(value, FILL_VALUE, (struct identity){written + 1, written});
		rc = daos_kv_put(store, DAOS_TX_NONE, 0, name, FILL_VALUE, value, NULL);
	}
	free(value);
	*ret_written = written;
	return rc;
}

/* What was written when the refusal came is whole, and what was refused is not there. */
static int
check_filled(struct manage *manage, daos_handle_t store, uint32_t written)
{
	uint8_t *value = sim_take(FILL_VALUE);
	struct identity identity;
	int rc = 0;

	for (uint32_t i = 0; rc == 0 && i < written; i++) {
		daos_size_t size = FILL_VALUE;
		bool refused = i + 1 == written;
		char name[16];

		snprintf(name, sizeof(name), "f%u", i);
		rc = daos_kv_get(store, DAOS_TX_NONE, 0, name, &size, value, NULL);
		if (rc == 0 && refused != (size == 0))
			sim_violation(manage->model->sim,
				      "value %u of %u has %llu bytes after the pool was full", i,
				      written, (unsigned long long)size);
		if (rc == 0 && !refused &&
		    (!value_identify(value, size, &identity) || identity.write != i + 1))
			sim_violation(manage->model->sim, "value %u of a full pool is another", i);
	}
	free(value);
	return rc;
}

/* Deletes always succeed. */
static int
empty(daos_handle_t store, uint32_t written)
{
	int rc = 0;

	for (uint32_t i = 0; rc == 0 && i < written; i++) {
		char name[16];

		snprintf(name, sizeof(name), "f%u", i);
		rc = daos_kv_remove(store, DAOS_TX_NONE, 0, name, NULL);
	}
	return rc;
}

void
manage_pool_fill(struct manage *manage)
{
	static const int answers[] = {-DER_NO_HDL, -DER_BUSY, -DER_STALE, -DER_NOSPACE, 0};
	daos_handle_t pool, container, store;
	struct thing *thing;
	uint32_t written;
	int rc;

	if (manage->model->fills++ >= FILLS_MAX)
		return;
	rc = small_connect(manage, DAOS_PC_RW, &pool, &thing);
	(void)manage_done(manage, MANAGE_POOL_FILL, rc, pool_answers);
	if (rc)
		return;
	rc = small_container(pool, &container);
	if (rc == 0) {
		rc = small_store(container, &store);
		if (rc == 0) {
			rc = fill(manage, store, &written);
			(void)manage_done(manage, MANAGE_POOL_FILL, rc, answers);
			rc = empty(store, written);
			(void)manage_done(manage, MANAGE_POOL_FILL, rc, pool_answers);
			(void)daos_kv_close(store, NULL);
		}
		(void)daos_cont_close(container, NULL);
	}
	(void)daos_pool_disconnect(pool, NULL);
}

/* ------------------------------------------------ verification */

/* How long space that was given back may take to be free. */
#define FREE_LIMIT (900 * SECOND)

static int
wait_free(struct manage *manage, daos_handle_t pool, uint64_t wanted)
{
	uint64_t until = sim_now(manage->model->sim) + FREE_LIMIT, left = 0;
	int rc = 0;

	while (rc == 0 && left < wanted && sim_now(manage->model->sim) < until) {
		daos_pool_info_t info = {.pi_bits = DPI_ALL};

		sim_sleep(500 * MILLISECOND);
		rc = daos_pool_query(pool, NULL, &info, NULL, NULL);
		left = info.pi_space.ps_space.s_free[DAOS_MEDIA_NVME];
		if (rc == 0)
			judge_space(manage, &info);
	}
	if (rc == 0 && left < wanted)
		sim_violation(manage->model->sim,
			      "%llu bytes are free in an emptied pool, not %llu",
			      (unsigned long long)left, (unsigned long long)wanted);
	return rc;
}

/* Full, whole, empty, and as free as before. */
static int
fill_and_empty(struct manage *manage, daos_handle_t pool, daos_handle_t store)
{
	daos_pool_info_t info = {.pi_bits = DPI_ALL};
	uint32_t written = 0;
	uint64_t before;
	int rc = daos_pool_query(pool, NULL, &info, NULL, NULL);

	if (rc)
		return rc;
	before = info.pi_space.ps_space.s_free[DAOS_MEDIA_NVME];
	rc = fill(manage, store, &written);
	if (rc != -DER_NOSPACE)
		return rc ? rc : -DER_MISC;
	rc = check_filled(manage, store, written);
	if (rc == 0)
		rc = empty(store, written);
	return rc ? rc : wait_free(manage, pool, before);
}

static int
verify_pool(struct manage *manage, const struct thing *thing)
{
	daos_handle_t pool, container, store;
	int rc = daos_pool_connect(thing->uuid, NULL, DAOS_PC_RW, &pool, NULL, NULL);

	if (rc)
		return rc;
	rc = small_container(pool, &container);
	if (rc == 0) {
		rc = small_store(container, &store);
		if (rc == 0) {
			rc = fill_and_empty(manage, pool, store);
			(void)daos_kv_close(store, NULL);
		}
		(void)daos_cont_close(container, NULL);
	}
	(void)daos_pool_disconnect(pool, NULL);
	return rc;
}

static void
destroy_slot(struct manage *manage, uint32_t slot)
{
	struct names_unit *unit = &manage->model->pools;
	enum outcome outcome;
	uint32_t entry;
	char label[32];
	int rc;

	pool_label(slot, label);
	(void)names_begin(manage, unit, NAME_REMOVE, slot, 0, &entry);
	rc = client_pool_destroy(label, true, true);
	outcome = manage_done(manage, MANAGE_POOL_DESTROY, rc, NULL);
	names_end(manage, unit, entry, name_outcome_of(outcome, rc));
}

static void
destroy_all(struct manage *manage)
{
	manage_pool_list(manage);
	for (uint32_t i = 0; i < POOL_LABELS; i++)
		destroy_slot(manage, i);
	manage_pool_list(manage);
}

static uint64_t
storage_used(struct manage *manage)
{
	return memory_node_used(manage->model->sim->world, manage->model->server->name);
}

/* What logs and the other pools may have taken meanwhile. */
#define STORAGE_SLACK (UINT64_C(1) << 20)

/* Its files are gone with a pool; the logs are as large as ever. */
void
manage_pool_verify(struct manage *manage)
{
	struct manage_model *model = manage->model;
	struct thing *thing;
	uint64_t used;
	int rc;

	destroy_all(manage);
	used = storage_used(manage);
	thing = pool_create_slot(manage, POOL_LABELS - 1, &rc);
	if (rc || server_may_fail(model->server) || sim_violated(model->sim))
		return;
	rc = verify_pool(manage, thing);
	(void)manage_done(manage, MANAGE_POOL_FILL, rc, NULL);
	destroy_all(manage);
	if (rc == 0 && storage_used(manage) > used + STORAGE_SLACK)
		sim_violation(
			model->sim,
			"%llu bytes of storage are used, %llu were before a pool came and went",
			(unsigned long long)storage_used(manage), (unsigned long long)used);
}
