/* SPDX-License-Identifier: BSD-2-Clause-Patent */
/* sim: whole systems in one process, deterministic from a seed; see docs/testing.md. */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "sim/campaign.h"
#include "sim/child.h"
#include "sim/memory.h"
#include "sim/shrink.h"

static int
plan_load(const struct options *options, struct plan *ret_plan)
{
	FILE *file;
	int rc;

	if (options->action != ACTION_REPLAY) {
		plan_draw(options->seed, &options->plan, ret_plan);
		return 0;
	}
	file = fopen(options->replay, "r");
	if (file == NULL)
		return error_raise(-DER_NONEXIST, "%s: %s", options->replay, strerror(errno));
	rc = plan_read(file, ret_plan);
	fclose(file);
	if (rc == 0 && options->plan.bug)
		ret_plan->bug = options->plan.bug;
	return rc;
}

static int
one_run(const struct options *options, const struct plan *plan)
{
	const struct run_options run = {
		.cpu_limit = options->cpu_limit,
		.trace_from = options->trace_from,
		.stop_at = options->stop_at,
	};
	struct report *report = sim_take(sizeof(*report));
	int code;

	if (options->print) {
		plan_print(plan, stdout);
		free(report);
		return 0;
	}
	run_plan(plan, options->twice, &run, report);
	if (report->verdict != VERDICT_PASS)
		fprintf(stderr, "%s: %s\n", verdict_name(report->verdict), report->explanation);
	if (report->verdict != VERDICT_PASS && options->shrink)
		shrink(plan, report->verdict, options);
	report_print(report, options->commit, stdout);
	code = (int)report->verdict;
	free(report);
	return code;
}

int
main(int count, char **words)
{
	struct plan *plan = sim_take(sizeof(*plan));
	struct options options;
	int code = VERDICT_USAGE;
	int rc = options_read(count - 1, words + 1, &options);

	if (rc == 0 && (options.action == ACTION_SEED || options.action == ACTION_REPLAY))
		rc = plan_load(&options, plan);
	if (rc) {
		fprintf(stderr, "sim: %s\n%s", error_text(rc), options_usage);
		free(plan);
		return VERDICT_USAGE;
	}
	switch (options.action) {
	case ACTION_SEED:
	case ACTION_REPLAY:
		code = one_run(&options, plan);
		break;
	case ACTION_CAMPAIGN:
		code = campaign_run(&options);
		break;
	case ACTION_BUGS:
		code = bugs_run(&options);
		break;
	case ACTION_HUNT:
		code = bugs_hunt(&options);
		break;
	case ACTION_HELP:
		fputs(options_usage, stdout);
		code = 0;
		break;
	}
	free(plan);
	return code;
}
