/* SPDX-License-Identifier: BSD-2-Clause-Patent */
/* Looking closely: daos container check, pool query-targets. */
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "tools/check.h"
#include "tools/daos_verbs.h"
#include "tools/pool_view.h"

#define OBJECTS_PAGE 256u

/* ------------------------------------------------ objects of a snapshot */

struct checking {
	struct call *call;
	daos_handle_t container;
	daos_epoch_t epoch;
	uint64_t sound, damaged;
	json_object *answer; /* ids of damaged ones */
};

/* One that is damaged is said; what keeps others from being read ends the check. */
static int
check_object(struct checking *checking, daos_obj_id_t oid)
{
	int code = daos_obj_verify(checking->container, oid, checking->epoch);
	char *id;

	if (code == 0) {
		checking->sound++;
		return 0;
	}
	if (code != -DER_CSUM && code != -DER_IO && code != -DER_MISMATCH)
		return code;
	id = text_format("%" PRIu64 ".%" PRIu64, oid.hi, oid.lo);
	checking->damaged++;
	if (checking->answer)
		json_object_array_add(checking->answer, json_text(id));
	else
		printf("  %s is damaged: %s\n", id, d_errdesc(code));
	free(id);
	return 0;
}

static int
check_all(struct checking *checking, daos_handle_t table)
{
	daos_anchor_t anchor = DAOS_ANCHOR_INIT;
	daos_obj_id_t oids[OBJECTS_PAGE];
	int code = 0;

	while (code == 0 && !daos_anchor_is_eof(&anchor)) {
		uint32_t count = OBJECTS_PAGE;

		code = daos_oit_list(table, oids, &count, &anchor, NULL);
		for (uint32_t i = 0; code == 0 && i < count; i++)
			code = check_object(checking, oids[i]);
	}
	return code;
}

static int
answer(struct checking *checking)
{
	struct call *call = checking->call;
	int rc = checking->damaged > 0 ? STATUS_DEGRADED : STATUS_OK;

	if (call->json) {
		json_object *response = json_object_new_object();

		json_object_object_add(response, "epoch", json_number(checking->epoch));
		json_object_object_add(response, "checked",
				       json_number(checking->sound + checking->damaged));
		json_object_object_add(response, "damaged", checking->answer);
		call_answer(call, "container.check/1", response);
		return rc;
	}
	printf("%" PRIu64 " objects checked, %" PRIu64 " of them damaged\n",
	       checking->sound + checking->damaged, checking->damaged);
	return rc;
}

/* A snapshot with its table of objects, for the time of the check. */
static int
check_container(struct call *call, daos_handle_t container)
{
	struct checking checking = {.call = call, .container = container};
	daos_epoch_range_t range;
	daos_handle_t table;
	int code = daos_cont_create_snap_opt(container, &checking.epoch, NULL,
					     DAOS_SNAP_OPT_CR | DAOS_SNAP_OPT_OIT, NULL);
	int ended;

	if (code)
		return call_fail(call, code, NULL, "failed to make the snapshot to be checked");
	range = (daos_epoch_range_t){checking.epoch, checking.epoch};
	code = daos_oit_open(container, checking.epoch, &table, NULL);
	if (code == 0) {
		checking.answer = call->json ? json_object_new_array() : NULL;
		code = check_all(&checking, table);
		ended = daos_cont_snap_oit_destroy(container, table, NULL);
		code = code ? code : ended;
		daos_oit_close(table, NULL);
	}
	ended = daos_cont_destroy_snap(container, range, NULL);
	code = code ? code : ended;
	if (code == 0)
		return answer(&checking);
	json_object_put(checking.answer);
	return call_fail(call, code, NULL, "failed to check the container");
}

int
run_container_check(struct call *call)
{
	struct open_container open;
	int rc = open_container(call, call->arguments[0], call->arguments[1], DAOS_COO_RW, &open);

	if (rc)
		return rc;
	rc = check_container(call, open.container);
	close_container(&open);
	return rc;
}

/* ------------------------------------------------ targets */

const struct option_row target_options[] = {
	{"rank", 0, "RANK", "the engine; 0 where none is named"},
	{"target-idx", 0, "LIST", "numbers of targets, with commas; all where none is named"},
	{NULL, 0, NULL, NULL},
};

static const char *
state_text(daos_target_state_t state)
{
	static const char *const names[] = {
		[DAOS_TS_UNKNOWN] = "unknown", [DAOS_TS_DOWN_OUT] = "down_out",
		[DAOS_TS_DOWN] = "down",       [DAOS_TS_UP] = "up",
		[DAOS_TS_UP_IN] = "up_in",     [DAOS_TS_NEW] = "new",
		[DAOS_TS_DRAIN] = "drain",
	};

	return (uint32_t)state < sizeof(names) / sizeof(names[0]) ? names[state] : "unknown";
}

static const char *const tier_names[DAOS_MEDIA_MAX] = {"SCM", "NVMe"};

static void
print_target(uint32_t number, const daos_target_info_t *info)
{
	printf("Target: %u, state %s\n", number, state_text(info->ta_state));
	for (uint32_t i = 0; i < DAOS_MEDIA_MAX; i++) {
		char total[SIZE_TEXT], left[SIZE_TEXT];

		printf("- Storage tier %u (%s):\n  Total size: %s\n  Free: %s\n", i, tier_names[i],
		       size_decimal(info->ta_space.s_total[i], total),
		       size_decimal(info->ta_space.s_free[i], left));
	}
}

static json_object *
target_object(uint32_t number, const daos_target_info_t *info)
{
	json_object *object = json_object_new_object(), *tiers = json_object_new_array();

	for (uint32_t i = 0; i < DAOS_MEDIA_MAX; i++) {
		json_object *tier = json_object_new_object();

		json_object_object_add(tier, "total", json_number(info->ta_space.s_total[i]));
		json_object_object_add(tier, "free", json_number(info->ta_space.s_free[i]));
		json_object_array_add(tiers, tier);
	}
	json_object_object_add(object, "target", json_number(number));
	json_object_object_add(object, "target_state", json_text(state_text(info->ta_state)));
	json_object_object_add(object, "space", tiers);
	return object;
}

struct target_list {
	daos_handle_t pool;
	uint32_t rank;
	json_object *answer;
};

static int
query_one(struct target_list *list, uint32_t number)
{
	daos_target_info_t info = {.ta_state = DAOS_TS_UNKNOWN};
	int code = daos_pool_query_target(list->pool, number, list->rank, &info, NULL);

	if (code)
		return code;
	if (list->answer)
		json_object_array_add(list->answer, target_object(number, &info));
	else
		print_target(number, &info);
	return 0;
}

/* Numbers with commas between them; -DER_INVAL for anything else. */
static int
query_listed(struct target_list *list, const char *text)
{
	int code = 0;

	while (code == 0) {
		char *end;
		unsigned long number = strtoul(text, &end, 10);

		if (end == text || (*end != ',' && *end != '\0') || number > UINT32_MAX)
			return -DER_INVAL;
		code = query_one(list, (uint32_t)number);
		if (*end == '\0')
			return code;
		text = end + 1;
	}
	return code;
}

static int
query_targets(struct target_list *list, const char *numbers)
{
	daos_pool_info_t info = {.pi_bits = 0};
	int code = numbers ? query_listed(list, numbers)
			   : daos_pool_query(list->pool, NULL, &info, NULL, NULL);

	for (uint32_t i = 0; !numbers && code == 0 && i < info.pi_ntargets; i++)
		code = query_one(list, i);
	return code;
}

int
run_pool_query_targets(struct call *call)
{
	const char *name = call->arguments[0], *rank = call_option(call, "rank");
	struct target_list list = {.answer = call->json ? json_object_new_array() : NULL};
	int rc = call_connect(call), code;

	if (rc)
		return rc;
	list.rank = rank ? (uint32_t)strtoul(rank, NULL, 10) : 0;
	code = connect_pool(call, name, NULL, &list.pool);
	if (code == 0) {
		code = query_targets(&list, call_option(call, "target-idx"));
		daos_pool_disconnect(list.pool, NULL);
	}
	if (code == 0 && call->json)
		return call_answer(call, "pool.query-targets/1", list.answer);
	json_object_put(list.answer);
	return code ? call_fail(call, code, "`pool query` says how many targets the pool has",
				"query of targets failed for \"%s\"", name)
		    : STATUS_OK;
}
