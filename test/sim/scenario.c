/* SPDX-License-Identifier: BSD-2-Clause-Patent */
/*
 * The scenario file: a plan as text. Lines are `seed N`, `profile NAME`, `bug N`, `knob NAME N`,
 * `fault NAME at N length N server N client N a N b N` and `point PROBABILITY NAME`; empty lines
 * and those that begin with # say nothing.
 */
#include <errno.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "sim/plan.h"

void
plan_print(const struct plan *plan, FILE *file)
{
	fprintf(file, "seed %" PRIu64 "\nprofile %s\n", plan->seed, profile_name(plan->profile));
	if (plan->bug)
		fprintf(file, "bug %u\n", plan->bug);
	for (uint32_t i = 0; i < KNOBS; i++)
		fprintf(file, "knob %s %" PRIu64 "\n", knob_name((enum knob)i), plan->knobs[i]);
	for (uint32_t i = 0; i < plan->fault_count; i++) {
		const struct fault *fault = &plan->faults[i];

		fprintf(file,
			"fault %s at %" PRIu64 " length %" PRIu64 " server %u client %u a %" PRIu64
			" b %" PRIu64 "\n",
			fault_kind((enum fault_class)fault->class)->name, fault->at, fault->length,
			fault->server, fault->client, fault->a, fault->b);
	}
	for (uint32_t i = 0; i < plan->armed_count; i++)
		fprintf(file, "point %u %s\n", plan->armed[i].probability, plan->armed[i].name);
}

/* ------------------------------------------------ reading */

static int
read_fault(struct plan *plan, const char *line)
{
	struct fault fault = {0};
	enum fault_class class;
	char name[32];
	int rc;

	if (sscanf(line,
		   "fault %31s at %" SCNu64 " length %" SCNu64 " server %" SCNu16 " client %" SCNu16
		   " a %" SCNu64 " b %" SCNu64,
		   name, &fault.at, &fault.length, &fault.server, &fault.client, &fault.a,
		   &fault.b) != 7)
		return error_raise(-DER_INVAL, "not a fault: %s", line);
	rc = fault_named(name, &class);
	if (rc)
		return rc;
	if (plan->fault_count == FAULTS_MAX)
		return error_raise(-DER_OVERFLOW, "more than %u faults", FAULTS_MAX);
	fault.class = (uint16_t) class;
	plan->faults[plan->fault_count++] = fault;
	return 0;
}

static int
read_point(struct plan *plan, const char *line)
{
	struct armed_point point;

	if (sscanf(line, "point %u %71[^\n]", &point.probability, point.name) != 2)
		return error_raise(-DER_INVAL, "not a point: %s", line);
	if (plan->armed_count == ARMED_MAX)
		return error_raise(-DER_OVERFLOW, "more than %u points", ARMED_MAX);
	plan->armed[plan->armed_count++] = point;
	return 0;
}

static int
read_knob(struct plan *plan, const char *line)
{
	char name[32];
	uint64_t value;
	enum knob knob;
	int rc;

	if (sscanf(line, "knob %31s %" SCNu64, name, &value) != 2)
		return error_raise(-DER_INVAL, "not a knob: %s", line);
	rc = knob_named(name, &knob);
	if (rc == 0)
		plan->knobs[knob] = value;
	return rc;
}

static int
read_profile(struct plan *plan, const char *line)
{
	char name[32];

	if (sscanf(line, "profile %31s", name) != 1)
		return error_raise(-DER_INVAL, "not a profile: %s", line);
	return profile_named(name, &plan->profile);
}

static int
read_line(struct plan *plan, const char *line)
{
	if (line[0] == '#' || line[0] == '\n' || line[0] == '\0')
		return 0;
	if (strncmp(line, "fault ", 6) == 0)
		return read_fault(plan, line);
	if (strncmp(line, "knob ", 5) == 0)
		return read_knob(plan, line);
	if (strncmp(line, "point ", 6) == 0)
		return read_point(plan, line);
	if (strncmp(line, "profile ", 8) == 0)
		return read_profile(plan, line);
	if (sscanf(line, "seed %" SCNu64, &plan->seed) == 1 ||
	    sscanf(line, "bug %" SCNu32, &plan->bug) == 1)
		return 0;
	return error_raise(-DER_INVAL, "not a line of a scenario: %s", line);
}

int
plan_read(FILE *file, struct plan *ret_plan)
{
	static const struct plan_options usual;
	struct plan *plan = ret_plan;
	char line[512];
	int rc = 0;

	/* What a line does not say is as the seed 0 has it, without faults. */
	plan_draw(0, &usual, plan);
	plan->fault_count = 0;
	plan->armed_count = 0;
	while (rc == 0 && fgets(line, sizeof(line), file) != NULL)
		rc = read_line(plan, line);
	if (rc == 0 && ferror(file))
		rc = error_raise(-DER_IO, "the scenario cannot be read: %s", strerror(errno));
	return rc;
}

uint64_t
plan_hash(const struct plan *plan)
{
	char *text = NULL;
	size_t length = 0;
	FILE *file = open_memstream(&text, &length);
	uint64_t hash;

	ASSERT(file != NULL);
	plan_print(plan, file);
	fclose(file);
	hash = hash64(text, length, 0);
	free(text);
	return hash;
}
