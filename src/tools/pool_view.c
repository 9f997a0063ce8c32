/* SPDX-License-Identifier: BSD-2-Clause-Patent */
/* Listing and querying pools, the same in dmg and daos. */
#include <stdlib.h>
#include <string.h>

#include "client/client.h"
#include "tools/pool_view.h"

const struct option_row pool_list_options[] = {
	{"verbose", 'v', NULL, "show UUIDs, tiers and services"},
	{"no-query", 'n', NULL, "do not ask the pools for their space"},
	{"rebuild-only", 'r', NULL, "only pools that are being rebuilt"},
	{NULL, 0, NULL, NULL},
};

const struct option_row pool_query_options[] = {
	{"health-only", 't', NULL, "leave out the space"},
	{"show-enabled", 'e', NULL, "name the ranks that serve the pool"},
	{"no-self-heal-check", 0, NULL, "accepted; there is no self-healing to check yet"},
	{NULL, 0, NULL, NULL},
};

/* A pool as it is shown. */
struct pool_view {
	struct client_pool_entry entry;
	daos_pool_info_t info;
	bool queried;
};

static const char *const tier_names[] = {"SCM", "NVME"};

int
connect_pool(const struct call *call, const char *name, daos_pool_info_t *info,
	     daos_handle_t *ret_pool)
{
	if (strcmp(call->program->name, "dmg") == 0)
		return client_pool_connect(name, DAOS_PC_RO, ret_pool, info);
	return daos_pool_connect(name, NULL, DAOS_PC_RO, ret_pool, info, NULL);
}

static int
query_pool(const struct call *call, const char *name, daos_pool_info_t *ret_info)
{
	daos_handle_t pool;
	int rc, close_rc;

	*ret_info = (daos_pool_info_t){.pi_bits = DPI_ALL};
	rc = connect_pool(call, name, ret_info, &pool);
	if (rc)
		return rc;
	ret_info->pi_bits = DPI_ALL;
	rc = daos_pool_query(pool, NULL, ret_info, NULL, NULL);
	close_rc = daos_pool_disconnect(pool, NULL);
	return rc ? rc : close_rc;
}

static const char *
state_text(const struct pool_view *view)
{
	if (view->entry.state == 1)
		return "Creating";
	if (view->entry.state == 3)
		return "Destroying";
	return view->info.pi_ndisabled > 0 ? "TargetsExcluded" : "Ready";
}

static uint32_t
used_percent(uint64_t total, uint64_t unused)
{
	return total > 0 ? (uint32_t)((double)(total - unused) * 100 / (double)total) : 0;
}

/* How far the fullest and the emptiest target are apart, in percent of a target's share. */
static uint32_t
imbalance(const struct daos_pool_space *space, uint32_t tier)
{
	uint64_t spread = space->ps_free_max[tier] - space->ps_free_min[tier];
	uint64_t share = space->ps_ntargets ? space->ps_space.s_total[tier] / space->ps_ntargets
					    : 0;

	return share > 0 ? (uint32_t)((double)spread * 100 / (double)share) : 0;
}

static uint32_t
worst_imbalance(const struct daos_pool_space *space)
{
	uint32_t scm = imbalance(space, DAOS_MEDIA_SCM), nvme = imbalance(space, DAOS_MEDIA_NVME);

	return scm > nvme ? scm : nvme;
}

/* "[0-2]", "0" or "0,2". */
static char *
rank_set(const uint32_t *ranks, uint32_t count)
{
	char *text = text_format("%s", "");
	uint32_t pieces = 0;

	for (uint32_t i = 0; i < count;) {
		uint32_t end = i;
		char *longer;

		while (end + 1 < count && ranks[end + 1] == ranks[end] + 1)
			end++;
		longer = end > i ? text_format("%s%s%u-%u", text, pieces ? "," : "", ranks[i],
					       ranks[end])
				 : text_format("%s%s%u", text, pieces ? "," : "", ranks[i]);
		free(text);
		text = longer;
		pieces++;
		i = end + 1;
	}
	if (pieces > 1 || strchr(text, '-')) {
		char *bracketed = text_format("[%s]", text);

		free(text);
		text = bracketed;
	}
	return text;
}

/* ------------------------------------------------ JSON */

static json_object *
tier_object(const struct daos_pool_space *space, uint32_t tier)
{
	json_object *object = json_object_new_object();

	json_object_object_add(object, "total", json_number(space->ps_space.s_total[tier]));
	json_object_object_add(object, "free", json_number(space->ps_space.s_free[tier]));
	json_object_object_add(object, "min", json_number(space->ps_free_min[tier]));
	json_object_object_add(object, "max", json_number(space->ps_free_max[tier]));
	json_object_object_add(object, "mean", json_number(space->ps_free_mean[tier]));
	json_object_object_add(object, "media_type", json_text(tier == 0 ? "scm" : "nvme"));
	return object;
}

static json_object *
usage_object(const struct daos_pool_space *space, uint32_t tier)
{
	json_object *object = json_object_new_object();

	json_object_object_add(object, "tier_name", json_text(tier_names[tier]));
	json_object_object_add(object, "size", json_number(space->ps_space.s_total[tier]));
	json_object_object_add(object, "free", json_number(space->ps_space.s_free[tier]));
	json_object_object_add(object, "imbalance", json_number(imbalance(space, tier)));
	return object;
}

static json_object *
rebuild_object(const struct daos_rebuild_status *status)
{
	json_object *object = json_object_new_object();

	json_object_object_add(object, "status", json_object_new_int(status->rs_errno));
	json_object_object_add(object, "state", json_text("idle"));
	json_object_object_add(object, "derived_state", json_text("idle"));
	json_object_object_add(object, "objects", json_number(status->rs_obj_nr));
	json_object_object_add(object, "records", json_number(status->rs_rec_nr));
	json_object_object_add(object, "total_objects", json_number(status->rs_toberb_obj_nr));
	json_object_object_add(object, "degraded",
			       json_object_new_boolean(status->rs_flags & DAOS_RSF_DEGRADED));
	return object;
}

static void
add_identity(json_object *object, const struct pool_view *view)
{
	const daos_pool_info_t *info = &view->info;
	json_object *services = json_object_new_array();
	char id[DAOS_UUID_STR_SIZE];

	uuid_unparse_lower(info->pi_uuid, id);
	json_object_array_add(services, json_number(info->pi_leader));
	json_object_object_add(object, "query_mask", json_text("disabled_engines,rebuild,space"));
	json_object_object_add(object, "state", json_text(state_text(view)));
	json_object_object_add(object, "uuid", json_text(id));
	json_object_object_add(object, "total_targets", json_number(info->pi_ntargets));
	json_object_object_add(object, "active_targets",
			       json_number(info->pi_ntargets - info->pi_ndisabled));
	json_object_object_add(object, "total_engines", json_number(info->pi_nnodes));
	json_object_object_add(object, "disabled_targets", json_number(info->pi_ndisabled));
	json_object_object_add(object, "version", json_number(info->pi_map_ver));
	json_object_object_add(object, "svc_ldr", json_number(info->pi_leader));
	json_object_object_add(object, "svc_reps", services);
}

static json_object *
pool_object(const struct pool_view *view)
{
	json_object *object = json_object_new_object(), *tiers = json_object_new_array();
	json_object *usage = json_object_new_array();

	add_identity(object, view);
	for (uint32_t tier = 0; tier < DAOS_MEDIA_MAX; tier++) {
		json_object_array_add(tiers, tier_object(&view->info.pi_space, tier));
		json_object_array_add(usage, usage_object(&view->info.pi_space, tier));
	}
	json_object_object_add(object, "rebuild", rebuild_object(&view->info.pi_rebuild_st));
	json_object_object_add(object, "tier_stats", tiers);
	json_object_object_add(object, "disabled_ranks", json_object_new_array());
	json_object_object_add(object, "pool_layout_ver", json_number(0));
	json_object_object_add(object, "upgrade_layout_ver", json_number(0));
	json_object_object_add(object, "mem_file_bytes", json_number(0));
	json_object_object_add(object, "md_on_ssd_active", json_object_new_boolean(false));
	json_object_object_add(object, "self_heal_policy", json_text(""));
	json_object_object_add(object, "usage", usage);
	return object;
}

/* ------------------------------------------------ query */

static void
print_tier(const struct daos_pool_space *space, uint32_t tier)
{
	char total[SIZE_TEXT], unused[SIZE_TEXT], min[SIZE_TEXT], max[SIZE_TEXT], mean[SIZE_TEXT];

	printf("- Storage tier %u (%s):\n", tier, tier_names[tier]);
	printf("  Total size: %s\n", size_decimal(space->ps_space.s_total[tier], total));
	printf("  Free: %s, min:%s, max:%s, mean:%s\n",
	       size_decimal(space->ps_space.s_free[tier], unused),
	       size_decimal(space->ps_free_min[tier], min),
	       size_decimal(space->ps_free_max[tier], max),
	       size_decimal(space->ps_free_mean[tier], mean));
}

static void
print_query(struct call *call, const struct pool_view *view)
{
	const daos_pool_info_t *info = &view->info;
	char id[DAOS_UUID_STR_SIZE];

	uuid_unparse_lower(info->pi_uuid, id);
	printf("Pool %s, ntarget=%u, disabled=%u, leader=%u, version=%u, state=%s\n", id,
	       info->pi_ntargets, info->pi_ndisabled, info->pi_leader, info->pi_map_ver,
	       state_text(view));
	printf("Pool health info:\n");
	if (call_option(call, "show-enabled"))
		printf("- Enabled ranks: %u\n", info->pi_leader);
	printf("- Rebuild idle, %llu objs, %llu recs\n",
	       (unsigned long long)info->pi_rebuild_st.rs_obj_nr,
	       (unsigned long long)info->pi_rebuild_st.rs_rec_nr);
	printf("- Data redundancy: %s\n", info->pi_ndisabled > 0 ? "degraded" : "normal");
	if (call_option(call, "health-only"))
		return;
	printf("Pool space info:\n- Target count:%u\n", info->pi_ntargets);
	for (uint32_t tier = 0; tier < DAOS_MEDIA_MAX; tier++)
		print_tier(&info->pi_space, tier);
}

int
run_pool_query(struct call *call)
{
	struct pool_view view = {.queried = true};
	const char *name = call->arguments[0];
	char *todo;
	int rc = call_connect(call);

	if (rc)
		return rc;
	rc = query_pool(call, name, &view.info);
	if (rc == -DER_NONEXIST)
		return call_fail_because(
			call, rc, "the system has no pool with this label or UUID",
			"see what there is: dmg pool list",
			"pool query failed: unable to find pool service with %s \"%s\"",
			daos_label_is_valid(name) ? "label" : "UUID", name);
	if (rc) {
		todo = NULL;
		return call_fail(call, rc, todo, "pool query failed for \"%s\"", name);
	}
	if (call->json)
		return call_answer(call, "pool.query/1", pool_object(&view));
	print_query(call, &view);
	return STATUS_OK;
}

/* ------------------------------------------------ list */

static const char *
label_of(const struct pool_view *view, char text[DAOS_UUID_STR_SIZE])
{
	if (view->entry.label[0])
		return view->entry.label;
	uuid_unparse_lower(view->entry.id.bytes, text);
	return text;
}

static void
add_short_row(struct text_table *table, const struct pool_view *view)
{
	const struct daos_pool_space *space = &view->info.pi_space;
	uint64_t total = space->ps_space.s_total[0] + space->ps_space.s_total[1];
	uint64_t unused = space->ps_space.s_free[0] + space->ps_space.s_free[1];
	char id[DAOS_UUID_STR_SIZE], size[SIZE_TEXT];
	char *used = text_format("%u%%", used_percent(total, unused));
	char *spread = text_format("%u%%", worst_imbalance(space));
	char *disabled = text_format("%u/%u", view->info.pi_ndisabled, view->info.pi_ntargets);

	table_add(table, label_of(view, id), view->queried ? size_decimal(total, size) : "",
		  state_text(view), view->queried ? used : "", view->queried ? spread : "",
		  view->queried ? disabled : "");
	free(used);
	free(spread);
	free(disabled);
}

static void
print_short(const struct pool_view *views, uint32_t count)
{
	static const char *const headers[] = {"Pool",	   "Size",     "State", "Used",
					      "Imbalance", "Disabled", NULL};
	struct text_table table;

	table_begin(&table, headers);
	for (uint32_t i = 0; i < count; i++)
		add_short_row(&table, &views[i]);
	table_end(&table, 0);
	putchar('\n');
}

static void
add_long_row(struct text_table *table, const struct pool_view *view)
{
	const struct daos_pool_space *space = &view->info.pi_space;
	char id[DAOS_UUID_STR_SIZE], size[2][SIZE_TEXT], used[2][SIZE_TEXT];
	char *spread[2], *disabled, *services;

	uuid_unparse_lower(view->entry.id.bytes, id);
	for (uint32_t tier = 0; tier < 2; tier++) {
		uint64_t total = space->ps_space.s_total[tier];

		size_decimal(total, size[tier]);
		size_decimal(total - space->ps_space.s_free[tier], used[tier]);
		spread[tier] = text_format("%u%%", imbalance(space, tier));
	}
	disabled = text_format("%u/%u", view->info.pi_ndisabled, view->info.pi_ntargets);
	services = rank_set(view->entry.ranks, view->entry.rank_count);
	table_add(table, view->entry.label[0] ? view->entry.label : "-", id, state_text(view),
		  services, size[0], used[0], spread[0], size[1], used[1], spread[1], disabled,
		  "None", "idle");
	free(spread[0]);
	free(spread[1]);
	free(disabled);
	free(services);
}

static void
print_long(const struct pool_view *views, uint32_t count)
{
	static const char *const headers[] = {"Label",		"UUID",	     "State",
					      "SvcReps",	"SCM Size",  "SCM Used",
					      "SCM Imbalance",	"NVME Size", "NVME Used",
					      "NVME Imbalance", "Disabled",  "UpgradeNeeded?",
					      "Rebuild State",	NULL};
	struct text_table table;

	table_begin(&table, headers);
	for (uint32_t i = 0; i < count; i++)
		add_long_row(&table, &views[i]);
	table_end(&table, 0);
	putchar('\n');
}

static int
answer_list(struct call *call, const struct pool_view *views, uint32_t count)
{
	json_object *response = json_object_new_object(), *pools = json_object_new_array();

	for (uint32_t i = 0; i < count; i++) {
		json_object *pool = pool_object(&views[i]);
		char id[DAOS_UUID_STR_SIZE];

		uuid_unparse_lower(views[i].entry.id.bytes, id);
		json_object_object_add(pool, "uuid", json_text(id));
		json_object_object_add(pool, "label", json_text(views[i].entry.label));
		json_object_array_add(pools, pool);
	}
	json_object_object_add(response, "status", json_object_new_int(0));
	json_object_object_add(response, "pools", pools);
	return call_answer(call, "pool.list/1", response);
}

static int
compare_views(const void *left, const void *right)
{
	const struct pool_view *a = left, *b = right;
	int order = strcmp(a->entry.label, b->entry.label);

	return order ? order : memcmp(&a->entry.id, &b->entry.id, sizeof(a->entry.id));
}

/* Asks each pool that is ready; one that fails is shown without figures. */
static int
query_all(const struct call *call, struct pool_view *views, uint32_t count)
{
	int first = 0;

	for (uint32_t i = 0; i < count; i++) {
		char id[DAOS_UUID_STR_SIZE];
		int rc;

		if (views[i].entry.state != 2)
			continue;
		uuid_unparse_lower(views[i].entry.id.bytes, id);
		rc = query_pool(call, id, &views[i].info);
		views[i].queried = rc == 0;
		first = first ? first : rc;
	}
	return first;
}

static int
show_list(struct call *call, const struct pool_view *views, uint32_t count)
{
	if (call->json)
		return answer_list(call, views, count);
	if (count == 0)
		puts("No pools in system");
	else if (call_option(call, "verbose"))
		print_long(views, count);
	else
		print_short(views, count);
	return STATUS_OK;
}

int
run_pool_list(struct call *call)
{
	struct client_pool_entry *entries = NULL;
	struct pool_view *views;
	uint32_t count = 0;
	int rc = call_connect(call), query_rc = 0;

	if (rc)
		return rc;
	rc = client_pool_list(&entries, &count);
	if (rc)
		return call_fail(call, rc, NULL, "pool list failed");
	/* Nothing can be rebuilt yet. */
	if (call_option(call, "rebuild-only"))
		count = 0;
	views = calloc(count + 1, sizeof(*views));
	if (!views)
		abort();
	for (uint32_t i = 0; i < count; i++)
		views[i].entry = entries[i];
	client_free(entries);
	qsort(views, count, sizeof(*views), compare_views);
	if (!call_option(call, "no-query"))
		query_rc = query_all(call, views, count);
	rc = show_list(call, views, count);
	free(views);
	/* The list is complete, the figures of some pool are not. */
	if (query_rc && !call->json)
		fprintf(stderr, "WARN: %s: a pool did not tell its space: %s(%d)\n",
			call->program->name, d_errstr(query_rc), query_rc);
	return rc;
}
