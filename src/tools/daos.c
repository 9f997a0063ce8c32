/* SPDX-License-Identifier: BSD-2-Clause-Patent */
/* daos: what users do with pools, containers and files. */
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

static const struct command pool_commands[] = {
	{"list", "ls", "", 0, 0, "List the pools of the system.", pool_list_options, run_pool_list,
	 NULL},
	{"query", NULL, "<pool>", 1, 1, "Show state and space of a pool.", pool_query_options,
	 run_pool_query, NULL},
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
	{"pool", NULL, "Pools: list, query.", pool_commands},
	{"container", "cont", "Containers: create, list, query, destroy.", container_commands},
	{"filesystem", "fs", "Files: copy, query.", filesystem_commands},
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
