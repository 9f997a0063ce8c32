/* SPDX-License-Identifier: BSD-2-Clause-Patent */
/* dmg system. */
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "client/client.h"
#include "tools/dmg_pool.h"
#include "tools/output.h"
#include "tools/pool_view.h"

static const char *
state_text(const struct client_engine *engine, bool lower)
{
	if (engine->state == 1)
		return lower ? "joined" : "Joined";
	return lower ? "unknown" : "Unknown";
}

static void
print_short(const struct client_system *system)
{
	static const char *const headers[] = {"Rank", "State", NULL};
	struct text_table table;
	uint32_t end;

	table_begin(&table, headers);
	/* Neighbours in the same state share a row. */
	for (uint32_t i = 0; i < system->engine_count; i = end) {
		const struct client_engine *first = &system->engines[i];
		char *ranks;

		end = i + 1;
		while (end < system->engine_count && system->engines[end].state == first->state &&
		       system->engines[end].rank == first->rank + (end - i))
			end++;
		ranks = end == i + 1 ? text_format("%u", first->rank)
				     : text_format("[%u-%u]", first->rank,
						   system->engines[end - 1].rank);
		table_add(&table, ranks, state_text(first, false));
		free(ranks);
	}
	table_end(&table, 0);
	putchar('\n');
}

static void
print_long(const struct client_system *system, const char *domain)
{
	static const char *const headers[] = {
		"Rank", "UUID", "Control Address", "Fault Domain", "State", "Reason", NULL};
	struct text_table table;

	table_begin(&table, headers);
	for (uint32_t i = 0; i < system->engine_count; i++) {
		const struct client_engine *engine = &system->engines[i];
		char *rank = text_format("%u", engine->rank), id[DAOS_UUID_STR_SIZE];

		uuid_unparse_lower(engine->incarnation.bytes, id);
		table_add(&table, rank, id, engine->address, domain, state_text(engine, false), "");
		free(rank);
	}
	table_end(&table, 0);
	putchar('\n');
}

static json_object *
member_object(const struct client_engine *engine, const char *domain)
{
	json_object *member = json_object_new_object();
	char id[DAOS_UUID_STR_SIZE], now[64];
	struct timespec time;
	struct tm broken;
	size_t length;

	uuid_unparse_lower(engine->incarnation.bytes, id);
	clock_gettime(CLOCK_REALTIME, &time);
	gmtime_r(&time.tv_sec, &broken);
	length = strftime(now, sizeof(now), "%Y-%m-%dT%H:%M:%S", &broken);
	snprintf(now + length, sizeof(now) - length, ".%09ldZ", time.tv_nsec);
	json_object_object_add(member, "addr", json_text(engine->address));
	json_object_object_add(member, "state", json_text(state_text(engine, true)));
	json_object_object_add(member, "fault_domain", json_text(domain));
	json_object_object_add(member, "rank", json_number(engine->rank));
	json_object_object_add(member, "incarnation", json_number(0));
	json_object_object_add(member, "uuid", json_text(id));
	json_object_object_add(member, "fabric_uri", json_text(engine->address));
	json_object_object_add(member, "secondary_fabric_uris", NULL);
	json_object_object_add(member, "fabric_contexts", json_number(engine->loops));
	json_object_object_add(member, "secondary_fabric_contexts", NULL);
	json_object_object_add(member, "info", json_text(""));
	json_object_object_add(member, "last_update", json_text(now));
	json_object_object_add(member, "targets", json_number(engine->targets));
	return member;
}

static int
answer(struct call *call, const struct client_system *system, const char *domain)
{
	json_object *response = json_object_new_object(), *members = json_object_new_array();
	json_object *providers = json_object_new_array();

	for (uint32_t i = 0; i < system->engine_count; i++)
		json_object_array_add(members, member_object(&system->engines[i], domain));
	json_object_array_add(providers, json_text("cairn"));
	json_object_object_add(response, "members", members);
	json_object_object_add(response, "providers", providers);
	json_object_object_add(response, "sys_self_heal_policy", json_text(""));
	json_object_object_add(response, "name", json_text(system->name));
	json_object_object_add(response, "version", json_text(system->version));
	return call_answer(call, "system.query/1", response);
}

static int
run_query(struct call *call)
{
	struct client_system *system = calloc(1, sizeof(*system));
	char host[128] = "", domain[130];
	int rc;

	if (!system)
		abort();
	gethostname(host, sizeof(host) - 1);
	snprintf(domain, sizeof(domain), "/%s", host);
	rc = call_connect(call);
	if (rc == STATUS_OK) {
		int code = client_system_query(system);

		if (code)
			rc = call_fail(call, code, NULL, "system query failed");
		else if (call->json)
			rc = answer(call, system, domain);
		else if (call_option(call, "verbose"))
			print_long(system, domain);
		else
			print_short(system);
	}
	free(system);
	return rc;
}

/* The engine that leads the system's service. */
static int
run_leader_query(struct call *call)
{
	struct client_system *system = calloc(1, sizeof(*system));
	const char *leader = "unknown";
	int rc = call_connect(call), code;

	if (!system)
		abort();
	if (rc == STATUS_OK) {
		code = client_system_query(system);
		if (system->engine_count > 0)
			leader = system->engines[0].address;
		if (code) {
			rc = call_fail(call, code, NULL, "system leader-query failed");
		} else if (call->json) {
			json_object *response = json_object_new_object();

			json_object_object_add(response, "current_leader", json_text(leader));
			rc = call_answer(call, "system.leader-query/1", response);
		} else {
			printf("Current Leader: %s\n   Replica Set: %s\n"
			       "  Unresponsive Replicas: \n",
			       leader, leader);
		}
	}
	free(system);
	return rc;
}

static const struct option_row query_options[] = {
	{"verbose", 'v', NULL, "show identities and addresses"},
	{NULL, 0, NULL, NULL},
};

const struct command dmg_system_commands[] = {
	{"query", NULL, "", 0, 0, "Show the engines of the system.", query_options, run_query,
	 NULL},
	{"leader-query", NULL, "", 0, 0, "Show who leads the system.", NULL, run_leader_query,
	 NULL},
	{"list-pools", NULL, "", 0, 0, "List the pools of the system.", pool_list_options,
	 run_pool_list, NULL},
	{NULL, NULL, NULL, 0, 0, NULL, NULL, NULL, NULL},
};
