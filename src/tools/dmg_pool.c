/* SPDX-License-Identifier: BSD-2-Clause-Patent */
/* dmg pool: create and destroy; list and query are those of pool_view.c. */
#include <stdlib.h>
#include <string.h>

#include "client/client.h"
#include "tools/check.h"
#include "tools/access.h"
#include "tools/dmg_pool.h"
#include "tools/pool_view.h"
#include "tools/properties.h"

/* Share of metadata where none is said, in percent. */
#define METADATA_PERCENT 6.0
/* client_pool_create.share of one percent. */
#define SHARE_PERCENT 100
#define RATIO_WHOLE 1000000

/* ------------------------------------------------ create */

/* "6%" or "6,94": the share of metadata. */
static bool
ratio_parse(const char *text, double *ret_metadata)
{
	char *first = text_format("%s", text), *comma = strchr(first, ',');
	bool ok;

	if (comma)
		*comma = '\0';
	if (!strchr(first, '%')) {
		char *percent = text_format("%s%%", first);

		free(first);
		first = percent;
	}
	ok = percent_parse(first, ret_metadata);
	free(first);
	return ok;
}

static int
bad_size(struct call *call, const char *option, const char *text)
{
	return call_misused(call, NULL, "--%s=%s is no size: write 10G, 512MiB, 50%% or bytes",
			    option, text);
}

/* Reads --size, --tier-ratio, --scm-size, --nvme-size and their other names. */
static int
read_sizes(struct call *call, struct client_pool_create *request)
{
	const char *size = call_option(call, "size"), *ratio = call_option(call, "tier-ratio");
	const char *scm = call_option(call, "scm-size"), *nvme = call_option(call, "nvme-size");
	double percent = METADATA_PERCENT;
	uint64_t total;

	scm = scm ? scm : call_option(call, "meta-size");
	nvme = nvme ? nvme : call_option(call, "data-size");
	if (size && (scm || nvme))
		return call_misused(call, NULL, "--size and the size of a tier exclude each other");
	if (ratio && !ratio_parse(ratio, &percent))
		return call_misused(call, NULL, "--tier-ratio=%s is no ratio: write 6 or 6,94",
				    ratio);
	if (size) {
		double share;

		/* With a share the bytes are no more than a ratio. */
		total = RATIO_WHOLE;
		if (percent_parse(size, &share))
			request->share = (uint32_t)(share * SHARE_PERCENT);
		if (strchr(size, '%') ? request->share == 0 : !size_parse(size, &total))
			return bad_size(call, "size", size);
		request->metadata_bytes = (uint64_t)((double)total * percent / 100);
		request->data_bytes = total - request->metadata_bytes;
	}
	if (scm && !size_parse(scm, &request->metadata_bytes))
		return bad_size(call, "scm-size", scm);
	if (nvme && !size_parse(nvme, &request->data_bytes))
		return bad_size(call, "nvme-size", nvme);
	request->thin = !size && !scm && !nvme;
	return STATUS_OK;
}

static void
print_tier(struct text_fields *fields, const char *name, uint64_t bytes)
{
	char total[SIZE_TEXT], rank[SIZE_TEXT];

	fields_add(fields, name, "%s (%s / rank)", size_decimal(bytes, total),
		   size_decimal(bytes, rank));
}

static void
print_created(const struct client_pool_create *request, const struct client_pool_created *created)
{
	uint64_t total = created->metadata_bytes + created->data_bytes;
	double share = total ? (double)created->metadata_bytes * 100 / (double)total : 0;
	struct text_fields fields = {0};
	char id[DAOS_UUID_STR_SIZE], size[SIZE_TEXT];
	int width;

	uuid_unparse_lower(created->id.bytes, id);
	width = request->thin ? printf("Pool created thin: it shares the space of its storage\n")
			      : printf("Pool created with %.2f%%,%.2f%% storage tier ratio\n",
				       share, 100 - share);
	for (int i = 0; i < width - 1; i++)
		putchar('-');
	putchar('\n');
	fields_add(&fields, "UUID", "%s", id);
	fields_add(&fields, "Service Leader", "0");
	fields_add(&fields, "Service Ranks", "0");
	fields_add(&fields, "Storage Ranks", "0");
	fields_add(&fields, "Total Size", "%s", size_decimal(total, size));
	print_tier(&fields, "Storage tier 0 (SCM)", created->metadata_bytes);
	print_tier(&fields, "Storage tier 1 (NVMe)", created->data_bytes);
	fields_end(&fields, 2);
	printf("\nNext: daos container create %s <label> --type=POSIX\n",
	       request->label ? request->label : id);
}

static int
answer_created(struct call *call, const struct client_pool_created *created)
{
	json_object *response = json_object_new_object(), *tiers = json_object_new_array();
	json_object *services = json_object_new_array(), *ranks = json_object_new_array();
	char id[DAOS_UUID_STR_SIZE];

	uuid_unparse_lower(created->id.bytes, id);
	json_object_array_add(services, json_number(0));
	json_object_array_add(ranks, json_number(0));
	json_object_array_add(tiers, json_number(created->metadata_bytes));
	json_object_array_add(tiers, json_number(created->data_bytes));
	json_object_object_add(response, "uuid", json_text(id));
	json_object_object_add(response, "svc_ldr", json_number(0));
	json_object_object_add(response, "svc_reps", services);
	json_object_object_add(response, "tgt_ranks", ranks);
	json_object_object_add(response, "tier_bytes", tiers);
	json_object_object_add(response, "mem_file_bytes", json_number(0));
	json_object_object_add(response, "md_on_ssd_active", json_object_new_boolean(false));
	return call_answer(call, "pool.create/1", response);
}

static int
create_pool(struct call *call, const struct client_pool_create *request)
{
	uint64_t total = request->metadata_bytes + request->data_bytes;
	struct client_pool_created created;
	char size[SIZE_TEXT];
	int rc;

	if (!call->json && request->share)
		printf("Creating DAOS pool with %g%% of all storage\n",
		       (double)request->share / SHARE_PERCENT);
	else if (!call->json && !request->thin)
		printf("Creating DAOS pool with automatic storage allocation: %s total, %.2f%% "
		       "storage tier ratio\n",
		       size_decimal(total, size),
		       total ? (double)request->metadata_bytes * 100 / (double)total : 0);
	fflush(stdout);
	rc = client_pool_create(request, &created);
	if (rc == -DER_EXIST)
		return call_fail_because(
			call, rc, "labels of pools are unique in a system",
			"retry the request with a unique pool label",
			"pool create failed: pool label \"%s\" already exists in the "
			"system",
			request->label ? request->label : "");
	if (rc)
		return call_fail(call, rc, NULL, "pool create failed");
	if (call->json)
		return answer_created(call, &created);
	print_created(request, &created);
	return STATUS_OK;
}

static int
refuse_option(struct call *call, const char *option, const char *why, const char *todo)
{
	const char *value = call_option(call, option);

	return call_fail_because(call, -DER_INVAL, why, todo,
				 "pool create failed: --%s=%s cannot be fulfilled", option, value);
}

/* Options that choose among engines: a system has one, which has rank 0. */
static int
check_places(struct call *call)
{
	const char *ranks = call_option(call, "ranks"), *count = call_option(call, "nranks");
	const char *replicas = call_option(call, "nsvc");

	if (ranks && count)
		return call_misused(call, NULL, "--ranks and --nranks exclude each other");
	if (ranks && !rank_set_is_only(ranks, 0))
		return refuse_option(call, "ranks", "the system has one engine, which has rank 0",
				     "write --ranks=0, or leave it away; `dmg system query` shows "
				     "the ranks");
	if (count && strcmp(count, "1") != 0)
		return refuse_option(call, "nranks", "the system has one engine",
				     "write --nranks=1, or leave it away");
	if (replicas && strcmp(replicas, "1") != 0)
		return refuse_option(call, "nsvc",
				     "the service of a pool has one replica: there is one engine",
				     "write --nsvc=1, or leave it away");
	if (call_option(call, "mem-ratio"))
		return call_fail_because(
			call, -DER_NOSYS,
			"the engine's memory is a cache of the metadata, whose size "
			"no pool sets",
			"leave it away", "pool create failed: --mem-ratio is not built yet");
	return STATUS_OK;
}

/* A label may come as a property, too. */
static int
read_label(struct call *call, struct client_pool_create *request)
{
	struct daos_prop_entry *entry = NULL;

	if (request->properties)
		entry = daos_prop_entry_get(request->properties, DAOS_PROP_PO_LABEL);
	if (entry && request->label)
		return call_misused(call, NULL, "the label is given twice");
	if (entry) {
		request->label = entry->dpe_str;
		entry->dpe_flags |= DAOS_PROP_ENTRY_NOT_SET;
	}
	if (request->label && !daos_label_is_valid(request->label))
		return call_misused(call, NULL,
				    "\"%s\" is no label: up to 127 of letters, digits and : . - _, "
				    "and no UUID",
				    request->label);
	return STATUS_OK;
}

static int
read_request(struct call *call, struct client_pool_create *request, char **ret_owner,
	     char **ret_group)
{
	int rc = read_sizes(call, request);

	if (rc == STATUS_OK)
		rc = check_places(call);
	if (rc == STATUS_OK)
		rc = read_pool_properties(call, &request->properties);
	if (rc == STATUS_OK)
		rc = read_acl_file(call, DAOS_PROP_PO_ACL, &request->properties);
	if (rc == STATUS_OK)
		rc = read_principal(call, "user", ret_owner);
	if (rc == STATUS_OK)
		rc = read_principal(call, "group", ret_group);
	/* Last: the label may lie in the list. */
	if (rc == STATUS_OK)
		rc = read_label(call, request);
	return rc;
}

static int
run_create(struct call *call)
{
	struct client_pool_create request = {.label = call->arguments[0]};
	char *owner = NULL, *group = NULL;
	int rc = read_request(call, &request, &owner, &group);

	request.owner = owner;
	request.owner_group = group;
	if (rc == STATUS_OK)
		rc = call_connect(call);
	if (rc == STATUS_OK)
		rc = create_pool(call, &request);
	daos_prop_free(request.properties);
	free(owner);
	free(group);
	return rc;
}

/* ------------------------------------------------ destroy */

static int
run_destroy(struct call *call)
{
	const char *name = call->arguments[0];
	bool force = call_option(call, "force"), recursive = call_option(call, "recursive");
	int rc = call_connect(call);

	if (rc)
		return rc;
	rc = client_pool_destroy(name, force, recursive);
	if (rc == -DER_NONEXIST)
		return call_fail_because(call, rc, "the system has no pool with this label or UUID",
					 "see what there is: dmg pool list",
					 "pool destroy failed: unable to find pool \"%s\"", name);
	if (rc == -DER_BUSY)
		return call_fail(call, rc,
				 "--recursive destroys its containers with it, --force ends the "
				 "connections",
				 "pool destroy failed for \"%s\"", name);
	if (rc)
		return call_fail(call, rc, NULL, "pool destroy failed for \"%s\"", name);
	if (call->json)
		return call_answer(call, "pool.destroy/1", NULL);
	puts("Pool-destroy command succeeded");
	return STATUS_OK;
}

/* ------------------------------------------------ properties */

struct property_output {
	const char *wanted; /* name; NULL: all */
	json_object *array;
};

static void
add_property(void *argument, const char *name, const char *description, const char *value)
{
	struct property_output *output = argument;
	json_object *object;

	if (output->wanted && strcmp(output->wanted, name) != 0)
		return;
	object = json_object_new_object();
	json_object_object_add(object, "name", json_text(name));
	json_object_object_add(object, "description", json_text(description));
	json_object_object_add(object, "value", json_text(value));
	json_object_array_add(output->array, object);
}

static const char *
text_in(json_object *array, size_t index, const char *key)
{
	json_object *text = NULL;

	json_object_object_get_ex(json_object_array_get_idx(array, index), key, &text);
	return json_object_get_string(text);
}

static void
print_properties(const char *pool, json_object *array)
{
	static const char *const headers[] = {"Name", "Value", NULL};
	struct text_table table;

	printf("Pool %s properties:\n\n", pool);
	table_begin(&table, headers);
	for (size_t i = 0; i < json_object_array_length(array); i++) {
		char *left = text_format("%s (%s)", text_in(array, i, "description"),
					 text_in(array, i, "name"));

		table_add(&table, left, text_in(array, i, "value"));
		free(left);
	}
	table_end(&table, 0);
}

static int
show_properties(struct call *call, daos_prop_t *list)
{
	const char *wanted = call->argument_count > 1 ? call->arguments[1] : NULL;
	struct property_output output = {wanted, json_object_new_array()};
	int rc = STATUS_OK;

	pool_properties_each(list, add_property, &output);
	if (json_object_array_length(output.array) == 0)
		rc = call_misused(call, NULL, "pools have no property `%s'", wanted ? wanted : "");
	else if (call->json)
		return call_answer(call, "pool.get-prop/1", output.array);
	else
		print_properties(call->arguments[0], output.array);
	json_object_put(output.array);
	return rc;
}

static int
query_properties(const char *name, daos_prop_t *list)
{
	daos_handle_t pool;
	int rc = client_pool_connect(name, DAOS_PC_RO, &pool, NULL), close_rc;

	if (rc)
		return rc;
	rc = daos_pool_query(pool, NULL, NULL, list, NULL);
	close_rc = daos_pool_disconnect(pool, NULL);
	return rc ? rc : close_rc;
}

static int
run_get_property(struct call *call)
{
	daos_prop_t *list = daos_prop_alloc(0);
	int rc = call_connect(call), code;

	if (rc == STATUS_OK) {
		code = list ? query_properties(call->arguments[0], list) : -DER_NOMEM;
		rc = code ? call_fail(call, code, NULL, "pool get-prop failed for \"%s\"",
				      call->arguments[0])
			  : show_properties(call, list);
	}
	daos_prop_free(list);
	return rc;
}

/* ------------------------------------------------ table */

static const struct option_row create_options[] = {
	{"size", 'z', "SIZE",
	 "metadata and data, such as 10G or 50% of what is free; without it the pool is thin"},
	{"tier-ratio", 't', "PERCENT", "share of metadata [6]"},
	{"scm-size", 's', "SIZE", "metadata"},
	{"nvme-size", 'n', "SIZE", "data"},
	{"meta-size", 0, "SIZE", "the same as --scm-size"},
	{"data-size", 0, "SIZE", "the same as --nvme-size"},
	{"user", 'u', "USER", "owner [the caller]"},
	{"group", 'g', "GROUP", "owner group [the caller's]"},
	{"properties", 'P', "NAME:VALUE,...", "such as space_rb:2%,rd_fac:1,scrub:timed"},
	{"nranks", 'k', "N", "so many engines: 1"},
	{"ranks", 'r', "RANKS", "these engines: 0"},
	{"nsvc", 'v', "N", "so many replicas of its service: 1"},
	{"mem-ratio", 0, "PERCENT", "not built yet"},
	{"acl-file", 'a', "FILE", "access list, one entry a line"},
	{NULL, 0, NULL, NULL},
};

static const struct option_row destroy_options[] = {
	{"recursive", 'r', NULL, "although it has containers; they are lost"},
	{"force", 'f', NULL, "although somebody is connected"},
	{NULL, 0, NULL, NULL},
};

const struct command dmg_pool_commands[] = {
	{"create", NULL, "[label]", 0, 1, "Make a pool.", create_options, run_create,
	 "  dmg pool create tank --size=10G\n  dmg pool create scratch\n"},
	{"destroy", NULL, "<pool>", 1, 1, "Destroy a pool and all that is in it.", destroy_options,
	 run_destroy, "  dmg pool destroy tank --recursive\n"},
	{"list", "ls", "", 0, 0, "List the pools of the system.", pool_list_options, run_pool_list,
	 NULL},
	{"query", NULL, "<pool>", 1, 1, "Show state and space of a pool.", pool_query_options,
	 run_pool_query, NULL},
	{"query-targets", NULL, "<pool>", 1, 1, "Show state and space of targets.", target_options,
	 run_pool_query_targets, NULL},
	{"get-prop", NULL, "<pool> [name]", 1, 2, "Show the properties of a pool.", NULL,
	 run_get_property, "  dmg pool get-prop tank rd_fac\n"},
	{"set-prop", NULL, "<pool> [name:value,...]", 1, 2, "Change properties of a pool.",
	 pool_set_property_options, run_pool_set_properties,
	 "  dmg pool set-prop tank reclaim:time\n"},
	{"get-acl", NULL, "<pool>", 1, 1, "Show the access list of a pool.", acl_get_options,
	 run_pool_get_acl, NULL},
	{"overwrite-acl", NULL, "<pool>", 1, 1, "Replace an access list.", acl_overwrite_options,
	 run_pool_overwrite_acl, NULL},
	{"update-acl", NULL, "<pool>", 1, 1, "Add or replace entries.", acl_update_options,
	 run_pool_update_acl, "  dmg pool update-acl tank --entry=A::user@:rw\n"},
	{"delete-acl", NULL, "<pool>", 1, 1, "Take one entry out.", acl_delete_options,
	 run_pool_delete_acl, "  dmg pool delete-acl tank --principal=u:user@\n"},
	{"evict", NULL, "<pool>", 1, 1, "End all connections to a pool.", NULL, run_pool_evict,
	 NULL},
	{NULL, NULL, NULL, 0, 0, NULL, NULL, NULL, NULL},
};

const struct command dmg_container_commands[] = {
	{"set-owner", NULL, "<pool> <container>", 2, 2, "Give a container to somebody else.",
	 owner_admin_options, run_administrator_set_owner,
	 "  dmg container set-owner tank home --user=somebody\n"},
	{NULL, NULL, NULL, 0, 0, NULL, NULL, NULL, NULL},
};
