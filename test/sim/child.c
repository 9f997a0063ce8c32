/* SPDX-License-Identifier: BSD-2-Clause-Patent */
/* See child.h. */
#include <fcntl.h>
#include <malloc.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

#include "sim/child.h"
#include "sim/run.h"

/* Of address space; more is a leak, or a loop that never ends. */
#define MEMORY_LIMIT (8ull << 30)

static void
report_map(struct report **ret_report)
{
	void *map = mmap(NULL, sizeof(struct report), PROT_READ | PROT_WRITE,
			 MAP_SHARED | MAP_ANONYMOUS, -1, 0);

	ASSERT(map != MAP_FAILED);
	*ret_report = map;
}

/* Moves every later allocation, and fills fresh memory with another byte. */
static void
memory_vary(uint32_t variant)
{
	mallopt(M_PERTURB, variant ? 0x5a : 0xa5);
	if (variant) {
		void *shift = malloc(12345);

		*(volatile char *)shift = 1;
		(void)mmap(NULL, 37 * 4096, PROT_READ, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	}
}

static void
limits_set(uint64_t cpu_limit)
{
	struct rlimit core = {0, 0};
	/* The run looks at its limit itself; this one is for a run that does not come back. */
	struct rlimit cpu = {cpu_limit / SECOND + 10, cpu_limit / SECOND + 12};

	(void)setrlimit(RLIMIT_CORE, &core);
	(void)setrlimit(RLIMIT_CPU, &cpu);
#ifndef __SANITIZE_ADDRESS__
	(void)setrlimit(RLIMIT_AS, &(struct rlimit){MEMORY_LIMIT, MEMORY_LIMIT});
#endif
}

static void
silence(void)
{
	int null = open("/dev/null", O_WRONLY);

	if (null >= 0)
		(void)dup2(null, STDERR_FILENO);
}

/* Standard output is the parent's: what functions print there goes where logs go. */
static void
output_aside(void)
{
	(void)dup2(STDERR_FILENO, STDOUT_FILENO);
}

void
child_start(const struct plan *plan, uint32_t variant, const struct run_options *options,
	    struct child *ret_child)
{
	struct report *report;
	pid_t process;

	report_map(&report);
	report->seed = plan->seed;
	fflush(NULL);
	process = fork();
	ASSERT(process >= 0);
	if (process == 0) {
		if (options->quiet || variant > 0)
			silence();
		output_aside();
		memory_vary(variant);
		limits_set(options->cpu_limit);
		sim_run(plan, options, report);
		fflush(NULL);
		_exit(0);
	}
	*ret_child = (struct child){process, report};
}

void
child_ended(struct child *child, int status)
{
	struct report *report = child->report;

	child->process = 0;
	if (WIFEXITED(status) && WEXITSTATUS(status) == 0 && report->decided)
		return;
	report->decided = true;
	if (WIFSIGNALED(status) && (WTERMSIG(status) == SIGXCPU || WTERMSIG(status) == SIGKILL)) {
		report->verdict = VERDICT_BUDGET;
		snprintf(report->explanation, sizeof(report->explanation),
			 "it did not come back within its CPU time");
		return;
	}
	report->verdict = VERDICT_CRASH;
	snprintf(report->explanation, sizeof(report->explanation),
		 WIFSIGNALED(status) ? "it died of signal %d" : "it exited with %d",
		 WIFSIGNALED(status) ? WTERMSIG(status) : WEXITSTATUS(status));
}

void
child_wait(struct child *child)
{
	int status;

	while (waitpid(child->process, &status, 0) < 0)
		;
	child_ended(child, status);
}

void
child_free(struct child *child)
{
	munmap(child->report, sizeof(*child->report));
	child->report = NULL;
}

/* ------------------------------------------------ once or twice */

static void
compare(const struct report *one, const struct report *other, struct report *ret_report)
{
	uint32_t seconds = min_of(one->seconds, other->seconds);
	uint32_t differs = 0;

	while (differs < seconds && one->trace_at[differs] == other->trace_at[differs])
		differs++;
	if (differs == seconds && one->trace == other->trace && one->verdict == other->verdict &&
	    one->simulated_ns == other->simulated_ns)
		return;
	ret_report->verdict = VERDICT_DETERMINISM;
	snprintf(ret_report->explanation, sizeof(ret_report->explanation),
		 "two runs of the same plan differ in simulated second %u (%016llx, %016llx)",
		 differs, (unsigned long long)one->trace, (unsigned long long)other->trace);
}

void
run_plan(const struct plan *plan, bool twice, const struct run_options *options,
	 struct report *ret_report)
{
	struct child one, other;

	child_start(plan, 0, options, &one);
	if (twice)
		child_start(plan, 1, options, &other);
	child_wait(&one);
	*ret_report = *one.report;
	if (twice) {
		child_wait(&other);
		compare(one.report, other.report, ret_report);
		child_free(&other);
	}
	child_free(&one);
}
