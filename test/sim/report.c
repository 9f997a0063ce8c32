/* SPDX-License-Identifier: BSD-2-Clause-Patent */
/* Sums and the last line of a run. */
#include <inttypes.h>
#include <string.h>

#include "sim/report.h"

static const char *const verdict_names[] = {"pass",  "safety", "liveness", "non-determinism",
					    "crash", "budget", "undecided"};

const char *
verdict_name(enum verdict verdict)
{
	return verdict < ARRAY_SIZE(verdict_names) ? verdict_names[verdict] : "usage";
}

uint64_t
report_outcomes(const struct report *report, uint32_t outcome)
{
	uint64_t sum = 0;

	for (uint32_t i = 0; i < report->operation_count; i++)
		sum += report->operations[i].outcomes[outcome];
	return sum;
}

/* ------------------------------------------------ sums */

static struct operation_count *
operation_find(struct report *report, const char *name)
{
	for (uint32_t i = 0; i < report->operation_count; i++) {
		if (strcmp(report->operations[i].name, name) == 0)
			return &report->operations[i];
	}
	ASSERT(report->operation_count < REPORT_OPERATIONS);
	snprintf(report->operations[report->operation_count].name,
		 sizeof(report->operations[0].name), "%s", name);
	return &report->operations[report->operation_count++];
}

static struct mark_count *
mark_find(struct report *report, const struct mark_count *mark)
{
	for (uint32_t i = 0; i < report->mark_count; i++) {
		if (strcmp(report->marks[i].name, mark->name) == 0)
			return &report->marks[i];
	}
	ASSERT(report->mark_count < REPORT_MARKS);
	report->marks[report->mark_count] = *mark;
	report->marks[report->mark_count].fired = 0;
	return &report->marks[report->mark_count++];
}

void
report_add(struct report *sum, const struct report *report)
{
	sum->simulated_ns += report->simulated_ns;
	sum->events += report->events;
	sum->cpu_ns += report->cpu_ns;
	sum->crashes += report->crashes;
	sum->checks += report->checks;
	for (uint32_t i = 0; i < FAULT_CLASSES; i++)
		sum->struck[i] += report->struck[i];
	for (uint32_t i = 0; i < MEMORY_FAULT_COUNT; i++)
		sum->strikes[i] += report->strikes[i];
	for (uint32_t i = 0; i < report->operation_count; i++) {
		const struct operation_count *from = &report->operations[i];
		struct operation_count *to = operation_find(sum, from->name);

		for (uint32_t k = 0; k < OUTCOMES; k++)
			to->outcomes[k] += from->outcomes[k];
	}
	for (uint32_t i = 0; i < report->mark_count; i++)
		mark_find(sum, &report->marks[i])->fired += report->marks[i].fired;
}

/* ------------------------------------------------ JSON */

static void
print_text(const char *text, FILE *file)
{
	fputc('"', file);
	for (; *text; text++) {
		if (*text == '"' || *text == '\\')
			fprintf(file, "\\%c", *text);
		else if ((unsigned char)*text < ' ')
			fprintf(file, "\\u%04x", (unsigned)*text);
		else
			fputc(*text, file);
	}
	fputc('"', file);
}

static void
print_faults(const struct report *report, FILE *file)
{
	fprintf(file, ",\"faults\":{");
	for (uint32_t i = 0; i < FAULT_CLASSES; i++)
		fprintf(file, "%s\"%s\":%" PRIu64, i ? "," : "",
			fault_kind((enum fault_class)i)->name, report->struck[i]);
	fprintf(file, "},\"strikes\":{");
	for (uint32_t i = 0; i < MEMORY_FAULT_COUNT; i++)
		fprintf(file, "%s\"%s\":%" PRIu64, i ? "," : "",
			memory_fault_name((enum memory_fault)i), report->strikes[i]);
	fprintf(file, "}");
}

static void
print_operations(const struct report *report, FILE *file)
{
	fprintf(file, ",\"ok\":%" PRIu64 ",\"failed\":%" PRIu64 ",\"unknown\":%" PRIu64,
		report_outcomes(report, 0), report_outcomes(report, 1), report_outcomes(report, 2));
	fprintf(file, ",\"operations\":{");
	for (uint32_t i = 0; i < report->operation_count; i++) {
		const struct operation_count *count = &report->operations[i];

		fprintf(file, "%s\"%s\":[%" PRIu64 ",%" PRIu64 ",%" PRIu64 "]", i ? "," : "",
			count->name, count->outcomes[0], count->outcomes[1], count->outcomes[2]);
	}
	fprintf(file, "}");
}

static void
print_marks(const struct report *report, FILE *file)
{
	fprintf(file, ",\"marks\":{");
	for (uint32_t i = 0; i < report->mark_count; i++) {
		fprintf(file, "%s", i ? "," : "");
		print_text(report->marks[i].name, file);
		fprintf(file, ":%" PRIu64, report->marks[i].fired);
	}
	fprintf(file, "}");
}

void
report_print(const struct report *report, const char *commit, FILE *file)
{
	fprintf(file, "{\"seed\":%" PRIu64 ",\"commit\":", report->seed);
	print_text(commit, file);
	fprintf(file,
		",\"options\":\"%016" PRIx64 "\",\"verdict\":\"%s\",\"simulated_seconds\":%.3f"
		",\"cpu_seconds\":%.3f,\"events\":%" PRIu64 ",\"crashes\":%" PRIu64
		",\"checkers\":%" PRIu64,
		report->plan_hash, verdict_name(report->verdict),
		(double)report->simulated_ns / 1e9, (double)report->cpu_ns / 1e9, report->events,
		report->crashes, report->checks);
	print_operations(report, file);
	print_faults(report, file);
	print_marks(report, file);
	fprintf(file, ",\"trace\":\"%016" PRIx64 "\",\"explanation\":", report->trace);
	print_text(report->explanation, file);
	fprintf(file, "}\n");
}
