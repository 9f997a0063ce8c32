/* SPDX-License-Identifier: BSD-2-Clause-Patent */
/* daos: what users do with pools, containers and files. */
#include "tools/check.h"
#include "tools/daos_verbs.h"
#include "tools/pool_view.h"
#include "tools/version.h"

static int
run_version(struct call *call)
{
	if (call->json)
		return call_answer(call, "version/1", version_object("daos", "DAOS CLI"));
	printf("DAOS CLI version %s, libdaos v%d.%d.%d\n", version_text(), DAOS_API_VERSION_MAJOR,
	       DAOS_API_VERSION_MINOR, DAOS_API_VERSION_FIX);
	return STATUS_OK;
}

static const struct command version_commands[] = {
	{"version", NULL, "", 0, 0, "Print the version.", NULL, run_version, NULL},
	{NULL, NULL, NULL, 0, 0, NULL, NULL, NULL, NULL},
};

/* ------------------------------------------------ system */

static const char *
uri_of(const struct daos_sys_info *info, uint32_t rank)
{
	for (uint32_t i = 0; i < info->dsi_nr_ranks; i++)
		if (info->dsi_ranks[i].dru_rank == rank)
			return info->dsi_ranks[i].dru_uri;
	return "unknown";
}

static json_object *
system_object(const struct daos_sys_info *info)
{
	json_object *object = json_object_new_object(), *ranks = json_object_new_array();

	for (uint32_t i = 0; i < info->dsi_nr_ranks; i++) {
		json_object *rank = json_object_new_object();

		json_object_object_add(rank, "rank", json_number(info->dsi_ranks[i].dru_rank));
		json_object_object_add(rank, "uri", json_text(info->dsi_ranks[i].dru_uri));
		json_object_array_add(ranks, rank);
	}
	json_object_object_add(object, "system_name", json_text(info->dsi_system_name));
	json_object_object_add(object, "fabric_provider", json_text(info->dsi_fabric_provider));
	json_object_object_add(object, "rank_uris", ranks);
	return object;
}

static int
run_system_query(struct call *call)
{
	struct daos_sys_info *info;
	int rc = call_connect(call), code;

	if (rc)
		return rc;
	code = daos_mgmt_get_sys_info(call_option(call, "sys-name"), &info);
	if (code)
		return call_fail(call, code, NULL, "system query failed");
	if (call->json) {
		rc = call_answer(call, "system.info/1", system_object(info));
	} else {
		printf("connected to DAOS system:\n\tname: %s\n\tfabric provider: %s\n",
		       info->dsi_system_name, info->dsi_fabric_provider);
		printf("\taccess point ranks:\n");
		for (uint32_t i = 0; i < info->dsi_nr_ms_ranks; i++)
			printf("\t\trank[%u]: %s\n", info->dsi_ms_ranks[i],
			       uri_of(info, info->dsi_ms_ranks[i]));
		printf("\trank URIs:\n");
		for (uint32_t i = 0; i < info->dsi_nr_ranks; i++)
			printf("\t\trank[%u]: %s\n", info->dsi_ranks[i].dru_rank,
			       info->dsi_ranks[i].dru_uri);
	}
	daos_mgmt_put_sys_info(info);
	return rc;
}

static const struct command system_commands[] = {
	{"query", NULL, "", 0, 0, "Show name and addresses of the system.", NULL, run_system_query,
	 NULL},
	{NULL, NULL, NULL, 0, 0, NULL, NULL, NULL, NULL},
};

/* ------------------------------------------------ the tables */

static const struct option_row attribute_options[] = {
	{"verbose", 'V', NULL, "show the values"},
	{NULL, 0, NULL, NULL},
};

static const struct option_row container_list_options[] = {
	{"verbose", 'v', NULL, "show the types"},
	{NULL, 0, NULL, NULL},
};

static const struct command pool_commands[] = {
	{"list", "ls", "", 0, 0, "List the pools of the system.", pool_list_options, run_pool_list,
	 NULL},
	{"query", NULL, "<pool>", 1, 1, "Show state and space of a pool.", pool_query_options,
	 run_pool_query, NULL},
	{"query-targets", NULL, "<pool>", 1, 1, "Show state and space of targets.", target_options,
	 run_pool_query_targets, NULL},
	{"list-containers", "list-cont", "<pool>", 1, 1, "List the containers of a pool.",
	 container_list_options, run_container_list, NULL},
	{"list-attr", "list-attrs", "<pool>", 1, 1, "List attributes of users.", attribute_options,
	 run_pool_list_attributes, NULL},
	{"get-attr", NULL, "<pool> [name,...]", 1, 2, "Show attributes of users.", NULL,
	 run_pool_get_attributes, NULL},
	{"set-attr", NULL, "<pool> <name:value,...>", 2, 2, "Set attributes of users.", NULL,
	 run_pool_set_attributes, NULL},
	{"del-attr", NULL, "<pool> <name,...>", 2, 2, "Delete attributes of users.", NULL,
	 run_pool_delete_attributes, NULL},
	{NULL, NULL, NULL, 0, 0, NULL, NULL, NULL, NULL},
};

static const struct option_row options[] = {
	{"json", 'j', NULL, "answer with one JSON object"},
	{"sys-name", 'G', "NAME", "name of the system"},
	{"debug", 0, NULL, "accepted"},
	{"verbose", 0, NULL, "accepted"},
	{NULL, 0, NULL, NULL},
};

static const struct group groups[] = {
	{"pool", NULL, "Pools: list, query, attributes.", pool_commands},
	{"container", "cont", "Containers: create, list, query, destroy, properties, attributes.",
	 container_commands},
	{"filesystem", "fs", "Files: copy, query, attributes, check and mending.",
	 filesystem_commands},
	{"object", "obj", "Objects: query, list-keys, dump.", object_commands},
	{"system", "sys", "The system: query.", system_commands},
	{"version", NULL, "Print the version.", version_commands},
	{NULL, NULL, NULL, NULL},
};

int
main(int count, char **arguments)
{
	static const struct program program = {
		.name = "daos",
		.title = "Uses a system: its pools, containers and files.",
		.options = options,
		.groups = groups,
		.notes = STATUS_NOTES ENVIRONMENT_NOTES,
	};

	return program_main(&program, count, arguments);
}
