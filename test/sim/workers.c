/* SPDX-License-Identifier: BSD-2-Clause-Patent */
/* See workers.h. Each task is a process that runs the plan once or twice and leaves its report. */
#include <stdio.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>

#include "sim/child.h"
#include "sim/memory.h"
#include "sim/workers.h"

#define JOBS_MAX 64u

struct job {
	pid_t process; /* 0: free */
	uint64_t number;
	struct report *report;
};

struct workers {
	uint32_t jobs;
	uint32_t running;
	struct run_options options;
	struct job job[JOBS_MAX];
};

struct workers *
workers_create(uint32_t jobs, const struct run_options *options)
{
	struct workers *workers = sim_take(sizeof(*workers));

	workers->jobs = min_of(jobs, JOBS_MAX);
	workers->options = *options;
	for (uint32_t i = 0; i < workers->jobs; i++) {
		void *map = mmap(NULL, sizeof(struct report), PROT_READ | PROT_WRITE,
				 MAP_SHARED | MAP_ANONYMOUS, -1, 0);

		ASSERT(map != MAP_FAILED);
		workers->job[i].report = map;
	}
	return workers;
}

void
workers_destroy(struct workers *workers)
{
	ASSERT(workers->running == 0);
	for (uint32_t i = 0; i < workers->jobs; i++)
		munmap(workers->job[i].report, sizeof(struct report));
	free(workers);
}

bool
workers_full(const struct workers *workers)
{
	return workers->running == workers->jobs;
}

bool
workers_empty(const struct workers *workers)
{
	return workers->running == 0;
}

void
workers_start(struct workers *workers, const struct task *task)
{
	struct job *job = workers->job;
	pid_t process;

	while (job->process != 0)
		job++;
	fflush(NULL);
	process = fork();
	ASSERT(process >= 0);
	if (process == 0) {
		run_plan(task->plan, task->twice, &workers->options, job->report);
		fflush(NULL);
		_exit(0);
	}
	job->process = process;
	job->number = task->number;
	workers->running++;
}

void
workers_take(struct workers *workers, uint64_t *ret_number, struct report *ret_report)
{
	struct job *job = workers->job;
	int status;
	pid_t process;

	do
		process = waitpid(-1, &status, 0);
	while (process < 0);
	while (job->process != process)
		job++;
	ASSERT(WIFEXITED(status) && WEXITSTATUS(status) == 0);
	*ret_number = job->number;
	*ret_report = *job->report;
	job->process = 0;
	workers->running--;
}
