/* SPDX-License-Identifier: BSD-2-Clause-Patent */
/* dmg: what the administrator of a system does. */
#include "tools/dmg_pool.h"
#include "tools/output.h"
#include "tools/version.h"

static int
run_version(struct call *call)
{
	if (call->json)
		return call_answer(call, "version/1", version_object("dmg", "DAOS Admin Tool"));
	printf("DAOS Admin Tool version %s\n", version_text());
	return STATUS_OK;
}

static const struct command version_commands[] = {
	{"version", NULL, "", 0, 0, "Print the version.", NULL, run_version, NULL},
	{NULL, NULL, NULL, 0, 0, NULL, NULL, NULL, NULL},
};

static const struct option_row options[] = {
	{"json", 'j', NULL, "answer with one JSON object"},
	{"insecure", 'i', NULL, "accepted: nothing is encrypted yet"},
	{"debug", 'd', NULL, "accepted"},
	{"host-list", 'l', "HOSTS", "accepted: a system has one host so far"},
	{"config-path", 'o', "FILE", "accepted: there is nothing to configure yet"},
	{"log-file", 0, "FILE", "accepted"},
	{"json-logging", 'J', NULL, "accepted"},
	{"allow-proxy", 0, NULL, "accepted"},
	{NULL, 0, NULL, NULL},
};

static const struct group groups[] = {
	{"pool", NULL, "Pools: create, destroy, list, query, access.", dmg_pool_commands},
	{"container", "cont", "Containers of others.", dmg_container_commands},
	{"system", "sys", "The engines of the system.", dmg_system_commands},
	{"version", NULL, "Print the version.", version_commands},
	{NULL, NULL, NULL, NULL},
};

int
main(int count, char **arguments)
{
	static const struct program program = {
		.name = "dmg",
		.title = "Administers a system: its engines and pools.",
		.options = options,
		.groups = groups,
		.notes = STATUS_NOTES ENVIRONMENT_NOTES,
	};

	return program_main(&program, count, arguments);
}
