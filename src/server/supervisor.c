/* SPDX-License-Identifier: BSD-2-Clause-Patent */
/* Parent of an engine. */
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/signalfd.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "server/complain.h"
#include "server/supervisor.h"

enum state { STARTING, SERVING, WAITING, STOPPING, ENDED };

struct supervisor {
	const struct supervisor_options *options;
	struct restart_history history;
	enum state state;
	int signals;  /* signalfd */
	int output;   /* what the engine prints; -1: closed */
	pid_t pid;    /* 0: none */
	bool served;  /* it did at least once */
	uint64_t due; /* WAITING: of the restart; STOPPING: of the kill */
	int status;   /* ENDED */
	char line[1024];
	size_t length;
};

static uint64_t
now(void)
{
	struct timespec time;

	clock_gettime(CLOCK_MONOTONIC, &time);
	return (uint64_t)time.tv_sec * 1000000000 + (uint64_t)time.tv_nsec;
}

static void note(const struct supervisor *supervisor, const char *format, ...) PRINTF(2, 3);

static void
note(const struct supervisor *supervisor, const char *format, ...)
{
	char text[256];
	va_list list;

	va_start(list, format);
	vsnprintf(text, sizeof(text), format, list);
	va_end(list);
	supervisor->options->note(supervisor->options->argument, text);
}

/* ------------------------------------------------ the child */

static void
run_child(const struct supervisor *supervisor, const int pipe_ends[2], pid_t parent)
{
	char *const *arguments = supervisor->options->arguments;
	sigset_t none;

	/* An engine must not outlive its parent: nobody would know of it. */
	prctl(PR_SET_PDEATHSIG, SIGTERM);
	if (getppid() != parent)
		_exit(SERVER_FAILED);
	/* Ctrl-C reaches the whole foreground group; the parent decides what it means. */
	setpgid(0, 0);
	sigemptyset(&none);
	sigprocmask(SIG_SETMASK, &none, NULL);
	dup2(pipe_ends[1], STDOUT_FILENO);
	execv(arguments[0], arguments);
	complain("daos_server", 0, strerror(errno), "build it: ./run build", "cannot start %s",
		 arguments[0]);
	_exit(SERVER_USAGE);
}

static void
start_child(struct supervisor *supervisor)
{
	pid_t parent = getpid();
	int pipe_ends[2];

	supervisor->state = ENDED;
	supervisor->status = SERVER_FAILED;
	if (pipe2(pipe_ends, O_CLOEXEC) < 0) {
		note(supervisor, "cannot make a pipe: %s", strerror(errno));
		return;
	}
	supervisor->pid = fork();
	if (supervisor->pid == 0)
		run_child(supervisor, pipe_ends, parent);
	close(pipe_ends[1]);
	if (supervisor->pid < 0) {
		note(supervisor, "cannot start a process: %s", strerror(errno));
		close(pipe_ends[0]);
		supervisor->pid = 0;
		return;
	}
	supervisor->output = pipe_ends[0];
	supervisor->length = 0;
	supervisor->state = STARTING;
}

static void
take_line(struct supervisor *supervisor)
{
	const char *ready = "ready ";

	if (strncmp(supervisor->line, ready, strlen(ready)) != 0 || supervisor->state != STARTING)
		return;
	supervisor->state = SERVING;
	supervisor->options->ready(supervisor->options->argument, supervisor->pid,
				   supervisor->line + strlen(ready), supervisor->served);
	supervisor->served = true;
}

static void
close_output(struct supervisor *supervisor)
{
	if (supervisor->output >= 0)
		close(supervisor->output);
	supervisor->output = -1;
}

static void
read_output(struct supervisor *supervisor)
{
	size_t room = sizeof(supervisor->line) - 1 - supervisor->length;
	ssize_t length = read(supervisor->output, supervisor->line + supervisor->length, room);
	char *end;

	if (length <= 0) {
		close_output(supervisor);
		return;
	}
	supervisor->length += (size_t)length;
	supervisor->line[supervisor->length] = '\0';
	while ((end = strchr(supervisor->line, '\n'))) {
		*end = '\0';
		take_line(supervisor);
		supervisor->length -= (size_t)(end + 1 - supervisor->line);
		memmove(supervisor->line, end + 1, supervisor->length + 1);
	}
	/* A line that long is none of ours. */
	if (supervisor->length == sizeof(supervisor->line) - 1)
		supervisor->length = 0;
}

/* ------------------------------------------------ deaths */

static void
describe_death(const struct supervisor *supervisor, int status, char text[96])
{
	if (WIFSIGNALED(status))
		snprintf(text, 96, "the engine (process %d) was killed by signal %d (%s)",
			 (int)supervisor->pid, WTERMSIG(status), strsignal(WTERMSIG(status)));
	else
		snprintf(text, 96, "the engine (process %d) ended with status %d",
			 (int)supervisor->pid, WEXITSTATUS(status));
}

/* Whether the next start could go better than the one that ended so. */
static bool
may_restart(const struct supervisor *supervisor, int status)
{
	if (!supervisor->options->restart || !supervisor->served)
		return false;
	return WIFSIGNALED(status) || WEXITSTATUS(status) == SERVER_FAILED ||
	       WEXITSTATUS(status) == SERVER_OK;
}

static void
end_for_good(struct supervisor *supervisor, int status, const char *death)
{
	supervisor->state = ENDED;
	supervisor->status = WIFSIGNALED(status) ? SERVER_FAILED : WEXITSTATUS(status);
	if (supervisor->status == SERVER_OK)
		supervisor->status = SERVER_FAILED;
	if (supervisor->served || WIFSIGNALED(status))
		note(supervisor, "%s; it is not started again", death);
}

static void
take_death(struct supervisor *supervisor, int status)
{
	char death[96];
	uint64_t delay;

	describe_death(supervisor, status, death);
	supervisor->pid = 0;
	close_output(supervisor);
	if (supervisor->state == STOPPING) {
		supervisor->state = ENDED;
		supervisor->status = SERVER_OK;
		return;
	}
	if (!may_restart(supervisor, status)) {
		end_for_good(supervisor, status, death);
		return;
	}
	if (!restart_after_death(&supervisor->history, now(), supervisor->options->least_delay_ns,
				 &delay)) {
		note(supervisor, "it died %u times within %u seconds", RESTART_LIMIT,
		     (unsigned)(RESTART_WINDOW_NS / 1000000000));
		end_for_good(supervisor, status, death);
		return;
	}
	note(supervisor, "%s; starting it again%s", death, delay > 0 ? " in a moment" : "");
	supervisor->state = WAITING;
	supervisor->due = now() + delay;
}

static void
stop_child(struct supervisor *supervisor)
{
	if (supervisor->pid == 0) {
		supervisor->state = ENDED;
		supervisor->status = SERVER_OK;
		return;
	}
	if (supervisor->state == STOPPING) {
		/* Asked twice: do not wait. */
		kill(supervisor->pid, SIGKILL);
		return;
	}
	kill(supervisor->pid, SIGTERM);
	supervisor->state = STOPPING;
	supervisor->due = now() + STOP_TIMEOUT_NS;
}

static void
take_signal(struct supervisor *supervisor)
{
	struct signalfd_siginfo signal;
	int status;

	if (read(supervisor->signals, &signal, sizeof(signal)) != sizeof(signal))
		return;
	if (signal.ssi_signo == SIGINT || signal.ssi_signo == SIGTERM) {
		stop_child(supervisor);
		return;
	}
	if (signal.ssi_signo != SIGCHLD || supervisor->pid == 0)
		return;
	if (waitpid(supervisor->pid, &status, WNOHANG) != supervisor->pid)
		return;
	if (supervisor->output >= 0 && supervisor->state == STARTING)
		read_output(supervisor);
	take_death(supervisor, status);
}

/* ------------------------------------------------ the loop */

static int
time_left(const struct supervisor *supervisor)
{
	uint64_t time = now();

	if (supervisor->state != WAITING && supervisor->state != STOPPING)
		return -1;
	return time >= supervisor->due ? 0 : (int)((supervisor->due - time) / 1000000 + 1);
}

static void
take_time(struct supervisor *supervisor)
{
	if (time_left(supervisor) != 0)
		return;
	if (supervisor->state == WAITING) {
		start_child(supervisor);
		return;
	}
	note(supervisor, "the engine does not stop in time and is killed; it will recover at the "
			 "next start");
	kill(supervisor->pid, SIGKILL);
	supervisor->due = now() + STOP_TIMEOUT_NS;
}

static void
turn(struct supervisor *supervisor)
{
	struct pollfd watched[2] = {{.fd = supervisor->signals, .events = POLLIN},
				    {.fd = supervisor->output, .events = POLLIN}};

	if (poll(watched, 2, time_left(supervisor)) < 0)
		return;
	if (watched[1].revents && supervisor->output >= 0)
		read_output(supervisor);
	if (watched[0].revents)
		take_signal(supervisor);
	take_time(supervisor);
}

int
supervisor_run(const struct supervisor_options *options)
{
	struct supervisor supervisor = {.options = options, .output = -1};
	sigset_t signals;

	sigemptyset(&signals);
	sigaddset(&signals, SIGINT);
	sigaddset(&signals, SIGTERM);
	sigaddset(&signals, SIGHUP);
	sigaddset(&signals, SIGCHLD);
	sigprocmask(SIG_BLOCK, &signals, NULL);
	supervisor.signals = signalfd(-1, &signals, SFD_CLOEXEC);
	if (supervisor.signals < 0)
		return SERVER_FAILED;
	start_child(&supervisor);
	while (supervisor.state != ENDED)
		turn(&supervisor);
	close(supervisor.signals);
	return supervisor.status;
}
