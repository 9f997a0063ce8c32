/* SPDX-License-Identifier: BSD-2-Clause-Patent */
/* A worker: a process that obeys commands. */
#include <errno.h>
#include <signal.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <unistd.h>

#include "work.h"

struct row {
	void (*work)(struct worker *worker);
	uint32_t weight;
};

static const struct row rows[] = {
	{work_write, 16},
	{work_append, 6},
	{work_read, 12},
	{work_truncate, 5},
	{work_allocate, 6},
	{work_map, 6},
	{work_sync, 3},
	{work_close, 3},
	{work_holes, 2},
	{work_copy, 3},
	{work_create, 9},
	{work_make_directory, 3},
	{work_make_symlink, 2},
	{work_link, 4},
	{work_unlink, 4},
	{work_unlink_open, 2},
	{work_remove_directory, 2},
	{work_rename, 9},
	{work_list, 3},
	{work_attributes, 5},
	{work_mode, 3},
	{work_note, 3},
	{shared_operation, 20},
};
#define ROWS (sizeof(rows) / sizeof(rows[0]))

/* ------------------------------------------------ saying and failing */

void
worker_say(struct worker *worker, const char *format, ...)
{
	va_list arguments;

	va_start(arguments, format);
	vsnprintf(worker->control->doing[worker->number],
		  sizeof(worker->control->doing[worker->number]), format, arguments);
	va_end(arguments);
	if (worker->trace)
		fprintf(worker->trace, "%llu %s\n",
			(unsigned long long)atomic_load(
				&worker->control->operations[worker->number]),
			worker->control->doing[worker->number]);
}

/* Everything that it does, in a file of its own, for who looks for the cause of a failure. */
static FILE *
trace_open(uint32_t number)
{
	const char *folder = getenv("CAIRN_STRESS_TRACE");
	char path[PATH_MAX];
	FILE *trace;

	if (folder == NULL)
		return NULL;
	snprintf(path, sizeof(path), "%s/worker-%u", folder, number);
	trace = fopen(path, "w");
	if (trace)
		setlinebuf(trace);
	return trace;
}

void
worker_fail(struct worker *worker, const char *format, ...)
{
	struct control *control = worker->control;
	uint32_t nobody = 0;
	char text[1024];
	va_list arguments;

	va_start(arguments, format);
	vsnprintf(text, sizeof(text), format, arguments);
	va_end(arguments);
	if (atomic_compare_exchange_strong(&control->failed, &nobody, 1)) {
		snprintf(control->message, sizeof(control->message),
			 "worker %u, half %u, operation %llu: %s\n  doing: %s", worker->number,
			 control->phase,
			 (unsigned long long)atomic_load(&control->operations[worker->number]),
			 text, control->doing[worker->number]);
		atomic_store(&control->failed, 2);
	}
	_exit(1);
}

void
expect_outcome(struct worker *worker, const char *what, long result, int error)
{
	int met = result < 0 ? errno : 0;

	/* Both say that a directory is not empty. */
	if (met == EEXIST && error == ENOTEMPTY)
		met = ENOTEMPTY;
	expect(worker, met == error, "%s: %s, and should be: %s", what, strerror(met),
	       strerror(error));
}

bool
may_retry(const struct worker *worker, int tries)
{
	if (errno != ESTALE || worker->control->mounts == 1 || tries == 500)
		return false;
	usleep(1000);
	return true;
}

/* ------------------------------------------------ commands */

static void
one_operation(struct worker *worker)
{
	uint32_t weight = 0, drawn;

	for (size_t i = 0; i < ROWS; i++)
		weight += rows[i].weight;
	drawn = (uint32_t)draw(&worker->seed, weight);
	worker->mount = (uint32_t)draw(&worker->seed, worker->control->mounts);
	for (size_t i = 0; i < ROWS; i++) {
		if (drawn < rows[i].weight) {
			rows[i].work(worker);
			return;
		}
		drawn -= rows[i].weight;
	}
}

static void
run(struct worker *worker, uint32_t command)
{
	struct control *control = worker->control;

	while (atomic_load(&control->command) == command && !atomic_load(&control->failed)) {
		one_operation(worker);
		atomic_fetch_add(&control->operations[worker->number], 1);
	}
}

/* Descriptors of a mount that is dead: what had no name is gone with it. */
static void
revive(struct worker *worker)
{
	for (uint32_t i = 0; i < OPENED_MAX; i++) {
		struct opened *opened = &worker->tree->opened[i];

		if (opened->node == NULL)
			continue;
		close(opened->descriptor);
		opened->node->opened--;
		node_drop(opened->node);
		opened->node = NULL;
	}
	tree_verify(worker, true);
}

static void
obey(struct worker *worker, uint32_t command)
{
	switch ((enum command)(command % 8)) {
	case COMMAND_RUN:
		run(worker, command);
		break;
	case COMMAND_VERIFY:
		tree_verify(worker, false);
		if (worker->number == 0)
			shared_verify(worker);
		break;
	case COMMAND_LEAVE:
		opened_close_all(worker);
		break;
	case COMMAND_REVIVE:
		revive(worker);
		break;
	case COMMAND_END:
		_exit(0);
	case COMMAND_NONE:
	case COMMAND_PAUSE:
		break;
	}
}

static void
home_make(struct worker *worker)
{
	char path[PATH_MAX];

	path_of(worker, 0, &worker->tree->root, NULL, path);
	worker_say(worker, "mkdir %s", path);
	expect_outcome(worker, "mkdir", mkdir(path, 0755), 0);
	if (worker->number == 0)
		shared_make(worker);
}

void
worker_main(struct control *control, uint32_t number, uint64_t seed)
{
	struct worker worker = {.number = number,
				.seed = seed,
				.control = control,
				.tree = tree_create(),
				.trace = trace_open(number)};
	uint32_t command = COMMAND_NONE, next;

	prctl(PR_SET_PDEATHSIG, SIGKILL);
	umask(0);
	while (!atomic_load(&control->failed)) {
		next = atomic_load(&control->command);
		if (next == command) {
			usleep(500);
			continue;
		}
		if (command == COMMAND_NONE)
			home_make(&worker);
		command = next;
		obey(&worker, command);
		worker_say(&worker, "nothing");
		atomic_store(&control->answered[number], command);
	}
	_exit(0);
}
