/* SPDX-License-Identifier: BSD-2-Clause-Patent */
/* One run, from an empty world through its phases to its verdict. */
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <uuid/uuid.h>

#include "sim/run.h"

/* Virtual time that each phase may take after everything has healed: beyond, the system hangs. */
#define SETUP_LIMIT (60 * SECOND)
#define HEAL_LIMIT (300 * SECOND)
#define VERIFY_LIMIT (1200 * SECOND)

bool
sim_is_traced(const struct sim *sim)
{
	uint64_t from = sim->options->trace_from;

	return from != UINT64_MAX && sim_now(sim) - MEMORY_MONOTONIC_START >= from;
}

uint64_t
sim_now(const struct sim *sim)
{
	return memory_world_now(sim->world);
}

void
sim_decide(struct sim *sim, enum verdict verdict, const char *format, ...)
{
	struct report *report = sim->report;
	va_list arguments;

	if (sim->over)
		return;
	sim->over = true;
	report->verdict = verdict;
	report->decided = true;
	va_start(arguments, format);
	vsnprintf(report->explanation, sizeof(report->explanation), format, arguments);
	va_end(arguments);
}

/* ------------------------------------------------ making the world */

static void
sink_write(struct log_sink *sink, enum log_level level, const char *tag, const char *line)
{
	struct sim *sim = container_of(sink, struct sim, sink);

	snprintf(sim->last_error, sizeof(sim->last_error), "%s: %s", tag, line);
	if (sim_is_traced(sim))
		fprintf(stderr, "%12.6f %u %s: %s\n",
			(double)(sim_now(sim) - MEMORY_MONOTONIC_START) / 1e9, level, tag, line);
}

static void
world_init(struct sim *sim)
{
	const struct plan *plan = sim->plan;
	const struct memory_disk_options disks = {
		.read_ns = plan_knob(plan, KNOB_DISK_READ),
		.write_ns = plan_knob(plan, KNOB_DISK_WRITE),
		.flush_ns = plan_knob(plan, KNOB_DISK_FLUSH),
		.any_order = plan_knob(plan, KNOB_DISK_ANY_ORDER) != 0,
		.stable_cache = plan_knob(plan, KNOB_DISK_STABLE) != 0,
	};
	int rc = memory_world_create(plan->seed, &sim->world);

	ASSERT(rc == 0);
	memory_world_drive(sim->world);
	memory_world_shorn(sim->world, plan_knob(plan, KNOB_SHORN) != 0);
	memory_disk_defaults(sim->world, &disks);
	memory_link_defaults(sim->world, plan_knob(plan, KNOB_LINK_DELAY),
			     plan_knob(plan, KNOB_LINK_JITTER));
	memory_world_on_strike(sim->world, chaos_on_strike, sim);
}

#ifdef CAIRN_MARKS

/* What a point that fires excuses, until it is healed: refusing for want of space, and, one that
 * fires nearly always, that nothing gets through. */
static void
point_excuses(struct sim *sim, const struct armed_point *point)
{
	for (uint32_t i = 0; i < sim->server_count; i++) {
		if (strstr(point->name, "full for once"))
			ledger_excuse(&sim->servers[i].ledger, EXCUSE_SPACE, UINT64_MAX);
		if (point->probability > MARK_ALWAYS / 4)
			ledger_excuse(&sim->servers[i].ledger, EXCUSE_OUTAGE, UINT64_MAX);
	}
}

static void
points_arm(struct sim *sim)
{
	const struct plan *plan = sim->plan;

	for (uint32_t i = 0; i < plan->armed_count; i++) {
		uint32_t index;

		point_excuses(sim, &plan->armed[i]);

		/* A point that was renamed since the scenario was written is left out. */
		if (marks_find(sim->marks, plan->armed[i].name, &index))
			marks_arm(sim->marks, index, plan->armed[i].probability);
	}
}

static void
marks_init(struct sim *sim)
{
	sim->arena = arena_create(0);
	ASSERT(sim->arena != NULL);
	sim->marks = marks_create(sim->arena);
	ASSERT(sim->marks != NULL);
	marks_seed(sim->marks, sim->plan->seed);
	if (sim->plan->bug && !marks_arm_bug(sim->marks, sim->plan->bug))
		sim_decide(sim, VERDICT_USAGE, "there is no seeded bug %u", sim->plan->bug);
}

static void
marks_report(struct sim *sim)
{
	struct report *report = sim->report;

	for (uint32_t i = 0; i < marks_count(sim->marks); i++) {
		struct mark_count *count = &report->marks[report->mark_count];
		struct mark_figures figures;

		marks_figures(sim->marks, i, &figures);
		if (figures.mark->kind == MARK_BUG || report->mark_count == REPORT_MARKS)
			continue;
		report->mark_count++;
		snprintf(count->name, sizeof(count->name), "%s", figures.mark->name);
		count->fired = figures.fired;
		count->fault = figures.mark->kind == MARK_FAULT;
	}
}

void
sim_points_heal(struct sim *sim)
{
	marks_heal(sim->marks);
}

static bool
records_given_up(const struct sim *sim)
{
	struct mark_figures figures;
	uint32_t index;

	if (!marks_find(sim->marks, "media: records of a heap are given up", &index))
		return false;
	marks_figures(sim->marks, index, &figures);
	return figures.met > 0;
}

#else

static bool
records_given_up(const struct sim *sim)
{
	(void)sim;
	return false;
}

static void
points_arm(struct sim *sim)
{
	(void)sim;
}

static void
marks_init(struct sim *sim)
{
	if (sim->plan->bug)
		sim_decide(sim, VERDICT_USAGE, "seeded bugs are in the sim preset only");
}

static void
marks_report(struct sim *sim)
{
	(void)sim;
}

void
sim_points_heal(struct sim *sim)
{
	(void)sim;
}

#endif

static void
nodes_init(struct sim *sim)
{
	sim->server_count =
		(uint32_t)min_of(plan_knob(sim->plan, KNOB_SERVERS), (uint64_t)SERVERS_MAX);
	sim->client_count = (uint32_t)min_of(max_of(plan_knob(sim->plan, KNOB_CLIENTS),
						    (uint64_t)sim->server_count),
					     (uint64_t)CLIENTS_MAX);
	for (uint32_t i = 0; i < sim->server_count; i++)
		server_init(sim, i);
	for (uint32_t i = 0; i < sim->client_count; i++)
		client_init(sim, i);
}

static void
models_create(struct sim *sim)
{
	uint64_t mask = plan_knob(sim->plan, KNOB_WORKLOADS);

	/* At least one takes part. */
	if ((mask & ((UINT64_C(1) << workload_count) - 1)) == 0)
		mask = UINT64_MAX;
	for (uint32_t i = 0; i < sim->server_count; i++) {
		struct server *server = &sim->servers[i];

		for (uint32_t k = 0; k < workload_count; k++) {
			if (mask >> k & 1)
				server->models[k] = workloads[k]->create(sim, server);
		}
	}
}

/* ------------------------------------------------ set-up */

static bool
nodes_up(struct sim *sim)
{
	for (uint32_t i = 0; i < sim->server_count; i++) {
		if (sim->servers[i].state != NODE_UP)
			return false;
	}
	for (uint32_t i = 0; i < sim->client_count; i++) {
		if (sim->clients[i].state != NODE_UP)
			return false;
	}
	return true;
}

/* A job of the simulator itself on a fiber of a server's first client. */
struct job {
	struct server *server;
	int (*function)(struct server *server);
	int result;
	bool done;
};

static void
job_main(void *argument)
{
	struct job *job = argument;

	job->result = job->function(job->server);
	job->done = true;
	job->server->sim->jobs--;
}

static bool
jobs_done(struct sim *sim)
{
	return sim->jobs == 0;
}

/* Runs function for every server at the same time; false: the run is over. */
static bool
run_jobs(struct sim *sim, const char *what, int (*function)(struct server *server), uint64_t limit)
{
	struct job jobs[SERVERS_MAX] = {0};

	for (uint32_t i = 0; i < sim->server_count; i++) {
		struct fiber *fiber;
		int rc;

		jobs[i] = (struct job){.server = &sim->servers[i], .function = function};
		rc = fiber_start(sim->clients[i].place.loop, what, job_main, &jobs[i], &fiber);
		ASSERT(rc == 0);
		sim->jobs++;
	}
	if (!drive(sim, jobs_done, limit)) {
		sim_decide(sim, VERDICT_LIVENESS, "%s does not end", what);
		return false;
	}
	for (uint32_t i = 0; i < sim->server_count; i++) {
		if (jobs[i].result)
			sim_decide(sim, VERDICT_SAFETY, "%s of %s: %s", what, sim->servers[i].name,
				   error_name(jobs[i].result));
	}
	return !sim->over;
}

static int
container_create(struct server *server, daos_handle_t pool, const struct workload *workload)
{
	bool sums = plan_knob(server->sim->plan, KNOB_CHECKSUMS) != 0;
	daos_prop_t *properties = daos_prop_alloc(2);
	int rc;

	ASSERT(properties != NULL);
	properties->dpp_entries[0].dpe_type = DAOS_PROP_CO_LAYOUT_TYPE;
	properties->dpp_entries[0].dpe_val = workload->layout;
	properties->dpp_entries[1].dpe_type = DAOS_PROP_CO_CSUM;
	properties->dpp_entries[1].dpe_val = sums ? DAOS_PROP_CO_CSUM_CRC32 : DAOS_PROP_CO_CSUM_OFF;
	if (workload->layout == DAOS_PROP_CO_LAYOUT_POSIX)
		rc = dfs_cont_create_with_label(pool, workload->name, NULL, NULL, NULL, NULL)
			     ? -DER_MISC
			     : 0;
	else
		rc = daos_cont_create_with_label(pool, workload->name, properties, NULL, NULL);
	daos_prop_free(properties);
	return rc;
}

static int
pool_free_bytes(daos_handle_t pool, uint64_t *ret_free)
{
	daos_pool_info_t info = {.pi_bits = DPI_ALL};
	int rc = daos_pool_query(pool, NULL, &info, NULL, NULL);

	if (rc == 0)
		*ret_free = info.pi_space.ps_space.s_free[DAOS_MEDIA_SCM] +
			    info.pi_space.ps_space.s_free[DAOS_MEDIA_NVME];
	return rc;
}

static int
system_setup(struct server *server)
{
	const struct plan *plan = server->sim->plan;
	uint64_t targets = plan_knob(plan, KNOB_TARGETS);
	const struct client_pool_create request = {
		.label = "pool",
		.metadata_bytes = targets * (16 << 20),
		.data_bytes = targets * plan_knob(plan, KNOB_POOL_SIZE),
	};
	struct client_pool_created created;
	daos_handle_t pool;
	int rc = client_pool_create(&request, &created);

	if (rc == 0)
		rc = daos_pool_connect("pool", NULL, DAOS_PC_RW, &pool, NULL, NULL);
	if (rc)
		return rc;
	rc = pool_free_bytes(pool, &server->pool_free);
	for (uint32_t k = 0; rc == 0 && k < workload_count; k++) {
		if (server->models[k])
			rc = container_create(server, pool, workloads[k]);
	}
	return rc == 0 ? daos_pool_disconnect(pool, NULL) : rc;
}

static void
setup(struct sim *sim)
{
	for (uint32_t i = 0; i < sim->server_count; i++)
		server_boot(&sim->servers[i]);
	for (uint32_t i = 0; i < sim->client_count; i++)
		client_boot(&sim->clients[i]);
	if (!drive(sim, nodes_up, SETUP_LIMIT)) {
		sim_decide(sim, VERDICT_LIVENESS, "the engines do not start");
		return;
	}
	(void)run_jobs(sim, "the set-up", system_setup, SETUP_LIMIT);
}

/* ------------------------------------------------ chaos and healing */

static bool
slots_ended(struct sim *sim)
{
	for (uint32_t i = 0; i < sim->slot_count; i++) {
		if (sim->slots[i].wanted)
			return false;
	}
	return true;
}

/* Faults go on for their time even when the operations are used up. */
static bool
chaos_over(struct sim *sim)
{
	return sim_now(sim) >= sim->chaos_end;
}

static void
slots_want(struct sim *sim, bool all)
{
	for (uint32_t i = 0; i < sim->slot_count; i++)
		sim->slots[i].wanted = all || sim->slots[i].actor.number == 0;
	for (uint32_t i = 0; i < sim->client_count; i++) {
		if (sim->clients[i].state == NODE_UP)
			slots_start(&sim->clients[i]);
	}
}

static void
chaos(struct sim *sim)
{
	uint64_t length = plan_knob(sim->plan, KNOB_SECONDS) * SECOND;

	sim->phase = PHASE_CHAOS;
	sim->chaos_begin = sim_now(sim);
	sim->chaos_end = sim->chaos_begin + length;
	sim->operations_left = plan_knob(sim->plan, KNOB_OPERATIONS);
	sim->pause_mean = sim->slot_count * length / (sim->operations_left + 1);
	points_arm(sim);
	slots_want(sim, true);
	(void)drive(sim, chaos_over, length + SECOND);
}

static void
who_hangs(struct sim *sim, const char *phase)
{
	for (uint32_t i = 0; i < sim->server_count; i++) {
		if (sim->servers[i].state != NODE_UP) {
			sim_decide(sim, VERDICT_LIVENESS, "%s: %s is not up again (%s); %s", phase,
				   sim->servers[i].name, error_name(sim->servers[i].result),
				   sim->last_error);
			return;
		}
	}
	for (uint32_t i = 0; i < sim->slot_count; i++) {
		const struct slot *slot = &sim->slots[i];

		if (slot->wanted) {
			sim_decide(sim, VERDICT_LIVENESS, "%s: %s on %s does not end", phase,
				   slot->actor.workload->name, slot->node->name);
			return;
		}
	}
	sim_decide(sim, VERDICT_LIVENESS, "%s does not end", phase);
}

/* A server whose disks are damaged may never come up again; then nothing is asked of it. */
static void
drop_lost_servers(struct sim *sim)
{
	for (uint32_t i = 0; i < sim->server_count; i++) {
		struct server *server = &sim->servers[i];

		if (server->state == NODE_UP || !ledger_damaged(&server->ledger))
			continue;
		server->lost = true;
		server->restart_at = UINT64_MAX;
	}
}

static bool
servers_settled(struct sim *sim)
{
	for (uint32_t i = 0; i < sim->server_count; i++) {
		const struct server *server = &sim->servers[i];

		if (server->state != NODE_UP && server->restart_at != UINT64_MAX)
			return false;
	}
	return true;
}

/* A store that could not be read until the log was full is lost for good. */
static void
note_given_up(struct sim *sim)
{
	for (uint32_t i = 0; records_given_up(sim) && i < sim->server_count; i++) {
		struct ledger *ledger = &sim->servers[i].ledger;

		if (ledger->excused_until[EXCUSE_IO] == 0)
			continue;
		ledger->damage |= DAMAGE_HEAP;
		ledger_excuse(ledger, EXCUSE_IO, UINT64_MAX);
	}
}

static void
heal(struct sim *sim)
{
	sim->phase = PHASE_HEAL;
	note_given_up(sim);
	chaos_heal(sim);
	if (!drive(sim, servers_settled, HEAL_LIMIT)) {
		who_hangs(sim, "healing");
		return;
	}
	drop_lost_servers(sim);
	for (uint32_t i = 0; i < sim->slot_count; i++) {
		if (sim->slots[i].actor.server->lost)
			sim->slots[i].wanted = false;
	}
	if (!drive(sim, slots_ended, HEAL_LIMIT))
		who_hangs(sim, "healing");
	else
		sim_audit(sim, "after healing");
}

/* ------------------------------------------------ judgement */

static void
verify(struct sim *sim)
{
	sim->phase = PHASE_VERIFY;
	for (uint32_t i = 0; i < sim->slot_count; i++) {
		struct slot *slot = &sim->slots[i];

		slot->wanted = slot->actor.number == 0 && !slot->actor.server->lost;
	}
	for (uint32_t i = 0; i < sim->client_count; i++)
		slots_start(&sim->clients[i]);
	if (!drive(sim, slots_ended, VERIFY_LIMIT))
		who_hangs(sim, "verification");
	else
		sim_audit(sim, "after verification");
}

static void
judge(struct sim *sim)
{
	for (uint32_t i = 0; i < sim->server_count; i++) {
		for (uint32_t k = 0; !sim->over && k < workload_count; k++) {
			if (!sim->servers[i].models[k])
				continue;
			workloads[k]->judge(sim, sim->servers[i].models[k]);
			sim->report->checks++;
		}
	}
}

/* ------------------------------------------------ the end */

/* How long the space of what was destroyed may take to come back. */
#define GIVE_BACK_LIMIT (900 * SECOND)

/* Those that workloads made besides are destroyed too. */
#define CONTAINERS_MAX 512u

static int
destroy_containers(daos_handle_t pool)
{
	struct daos_pool_cont_info *list = sim_take(CONTAINERS_MAX * sizeof(*list));
	daos_size_t count = CONTAINERS_MAX;
	int rc = daos_pool_list_cont(pool, &count, list, NULL);

	for (daos_size_t i = 0; rc == 0 && i < count; i++) {
		char id[DAOS_UUID_STR_SIZE];

		uuid_unparse(list[i].pci_uuid, id);
		rc = daos_cont_destroy(pool, id, 1, NULL);
	}
	free(list);
	return rc;
}

/* All that was written belongs to containers: without them the pool is as empty as at first. */
static int
system_empty(struct server *server)
{
	struct sim *sim = server->sim;
	uint64_t until = sim_now(sim) + GIVE_BACK_LIMIT;
	daos_handle_t pool;
	int rc;

	server->pool_left = server->pool_free;
	if (server->lost || ledger_damaged(&server->ledger))
		return 0;
	rc = daos_pool_connect("pool", NULL, DAOS_PC_RW, &pool, NULL, NULL);
	if (rc)
		return rc;
	rc = destroy_containers(pool);
	do {
		sim_sleep(500 * MILLISECOND);
		rc = rc ? rc : pool_free_bytes(pool, &server->pool_left);
	} while (rc == 0 && server->pool_left != server->pool_free && sim_now(sim) < until);
	return rc == 0 ? daos_pool_disconnect(pool, NULL) : rc;
}

/* After the audit, which may say who holds what is missing. */
static void
compare_free(struct sim *sim)
{
	for (uint32_t i = 0; i < sim->server_count; i++) {
		const struct server *server = &sim->servers[i];

		if (server->pool_left != server->pool_free)
			sim_violation(
				sim,
				"%s: %llu bytes are free after everything was deleted, not %llu",
				server->name, (unsigned long long)server->pool_left,
				(unsigned long long)server->pool_free);
		sim->report->checks++;
	}
}

static void
stop_all(struct sim *sim)
{
	for (uint32_t i = 0; !sim->over && i < sim->client_count; i++) {
		/* Its actors may still be waiting for the server. */
		if (sim->clients[i].server->lost)
			client_crash(&sim->clients[i], UINT64_MAX);
		else if (!client_stop(&sim->clients[i]))
			sim_decide(sim, VERDICT_LIVENESS, "%s does not stop", sim->clients[i].name);
	}
	for (uint32_t i = 0; !sim->over && i < sim->server_count; i++) {
		if (!server_stop(&sim->servers[i]))
			sim_decide(sim, VERDICT_LIVENESS, "%s does not stop", sim->servers[i].name);
	}
}

static void
finish(struct sim *sim)
{
	sim->phase = PHASE_END;
	if (run_jobs(sim, "the emptying", system_empty, VERIFY_LIMIT))
		sim_audit(sim, "after everything was deleted");
	if (!sim->over)
		compare_free(sim);
	if (!sim->over)
		stop_all(sim);
}

/* Whatever state it is in. */
static void
sim_fini(struct sim *sim)
{
	marks_report(sim);
	for (uint32_t i = 0; i < sim->client_count; i++)
		client_crash(&sim->clients[i], UINT64_MAX);
	for (uint32_t i = 0; i < sim->server_count; i++) {
		server_crash(&sim->servers[i], false, UINT64_MAX);
		for (uint32_t k = 0; k < workload_count; k++) {
			if (sim->servers[i].models[k])
				workloads[k]->destroy(sim->servers[i].models[k]);
		}
	}
	memory_world_destroy(sim->world);
	if (sim->arena)
		arena_destroy(sim->arena);
}

void
sim_run(const struct plan *plan, const struct run_options *options, struct report *report)
{
	static void (*const phases[])(struct sim * sim) = {setup,  chaos, heal,
							   verify, judge, finish};
	struct sim *sim = sim_take(sizeof(*sim));

	sim->plan = plan;
	sim->report = report;
	sim->sink.write = sink_write;
	sim->options = options;
	sim->next_second = MEMORY_MONOTONIC_START + SECOND;
	sim->crashes = stream_named(plan->seed, "crashes", 0);
	report->seed = plan->seed;
	report->plan_hash = plan_hash(plan);
	marks_init(sim);
	world_init(sim);
	schedule_init(&sim->schedule, plan);
	nodes_init(sim);
	models_create(sim);
	slots_init(sim);
	for (size_t i = 0; i < ARRAY_SIZE(phases) && !sim->over; i++)
		phases[i](sim);
	sim_decide(sim, VERDICT_PASS, "%s", "");
	sim_fini(sim);
	free(sim);
}
