/* SPDX-License-Identifier: BSD-2-Clause-Patent */
/*
 * Space accounting: what every store of a server has allocated is what its records refer to, once
 * each, and its trees are in order. Asked of servers whose disks were not damaged.
 */
#include <stdio.h>

#include "sim/run.h"

#define AUDIT_LIMIT (300 * SECOND)

struct audit_job {
	struct server *server;
	struct engine_audit figures;
	char text[400];
	int result;
	bool ended;
};

static void
audit_main(void *argument)
{
	struct audit_job *job = argument;

	job->result = engine_audit(job->server->engine, &job->figures);
	if (job->result)
		snprintf(job->text, sizeof(job->text), "%s", error_text(job->result));
	job->ended = true;
	job->server->audited = false;
}

static bool
audits_done(struct sim *sim)
{
	for (uint32_t i = 0; i < sim->server_count; i++) {
		if (sim->servers[i].audited)
			return false;
	}
	return true;
}

void
sim_audit(struct sim *sim, const char *when)
{
	struct audit_job jobs[SERVERS_MAX] = {0};

	for (uint32_t i = 0; i < sim->server_count; i++) {
		struct server *server = &sim->servers[i];
		struct fiber *fiber;
		int rc;

		if (server->state != NODE_UP || ledger_damaged(&server->ledger))
			continue;
		jobs[i].server = server;
		rc = fiber_start(server->places[0].loop, "audit", audit_main, &jobs[i], &fiber);
		ASSERT(rc == 0);
		server->audited = true;
	}
	if (!drive(sim, audits_done, AUDIT_LIMIT))
		sim_decide(sim, VERDICT_LIVENESS, "the audit %s does not end", when);
	for (uint32_t i = 0; !sim->over && i < sim->server_count; i++) {
		const struct audit_job *job = &jobs[i];

		/* One that has crashed meanwhile is audited the next time. */
		if (!job->ended)
			continue;
		sim->report->checks++;
		if (job->result)
			sim_violation(sim, "the audit of %s %s: %s (%s)", job->server->name, when,
				      job->text, error_name(job->result));
	}
}
