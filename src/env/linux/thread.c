/* SPDX-License-Identifier: BSD-2-Clause-Patent */
/* Threads, their locks, and signals. */
#include <errno.h>
#include <dirent.h>
#include <fcntl.h>
#include <linux/close_range.h>
#include <pthread.h>
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <time.h>
#include <unistd.h>

#include "env/linux/host.h"

struct linux_thread {
	pthread_t thread;
	char name[16];
	void (*function)(void *argument);
	void *argument;
};

static void *
thread_main(void *argument)
{
	struct linux_thread *self = argument;

	pthread_setname_np(pthread_self(), self->name);
	self->function(self->argument);
	return NULL;
}

int
linux_thread_start(const char *name, void (*function)(void *argument), void *argument,
		   struct linux_thread **ret_thread)
{
	struct linux_thread *self = calloc(1, sizeof(*self));
	sigset_t all, former;
	int error;

	if (!self)
		return error_raise(-DER_NOMEM, "no memory for a thread");
	snprintf(self->name, sizeof(self->name), "%s", name);
	self->function = function;
	self->argument = argument;
	sigfillset(&all);
	pthread_sigmask(SIG_SETMASK, &all, &former);
	error = pthread_create(&self->thread, NULL, thread_main, self);
	pthread_sigmask(SIG_SETMASK, &former, NULL);
	if (error) {
		free(self);
		return error_raise(error_from_errno(error), "cannot start thread %s: %s", name,
				   strerror(error));
	}
	*ret_thread = self;
	return 0;
}

void
linux_thread_join(struct linux_thread *thread)
{
	pthread_join(thread->thread, NULL);
	free(thread);
}

int
linux_descriptors_isolate(void)
{
	int nowhere;

	if (close_range(STDERR_FILENO + 1, UINT32_MAX, CLOSE_RANGE_UNSHARE) < 0)
		return error_raise(-DER_NOSYS, "a thread gets no descriptors of its own: %s",
				   strerror(errno));
	/* Neither holds a pipe of the program open, nor is free for something else. */
	nowhere = open("/dev/null", O_RDWR | O_CLOEXEC);
	if (nowhere < 0)
		return 0;
	dup2(nowhere, STDIN_FILENO);
	dup2(nowhere, STDOUT_FILENO);
	close(nowhere);
	return 0;
}

uint32_t
linux_core_count(void)
{
	cpu_set_t cores;

	if (sched_getaffinity(0, sizeof(cores), &cores) < 0)
		return 1;
	return max_of((uint32_t)CPU_COUNT(&cores), 1u);
}

void
linux_thread_bind(uint32_t core)
{
	cpu_set_t cores, one;
	uint32_t left;

	if (sched_getaffinity(0, sizeof(cores), &cores) < 0)
		return;
	left = core % linux_core_count();
	for (uint32_t i = 0; i < CPU_SETSIZE; i++) {
		if (!CPU_ISSET(i, &cores) || left-- > 0)
			continue;
		CPU_ZERO(&one);
		CPU_SET(i, &one);
		/* Best effort: an unbound loop works as well. */
		(void)pthread_setaffinity_np(pthread_self(), sizeof(one), &one);
		return;
	}
}

/* ------------------------------------------------ mutex */

void
linux_mutex_init(struct linux_mutex *mutex)
{
	pthread_mutex_init(&mutex->mutex, NULL);
}

void
linux_mutex_fini(struct linux_mutex *mutex)
{
	pthread_mutex_destroy(&mutex->mutex);
}

void
linux_mutex_lock(struct linux_mutex *mutex)
{
	pthread_mutex_lock(&mutex->mutex);
}

bool
linux_mutex_trylock(struct linux_mutex *mutex)
{
	return pthread_mutex_trylock(&mutex->mutex) == 0;
}

void
linux_mutex_unlock(struct linux_mutex *mutex)
{
	pthread_mutex_unlock(&mutex->mutex);
}

/* ------------------------------------------------ signals */

static void
ending_signals(sigset_t *ret_set)
{
	sigemptyset(ret_set);
	sigaddset(ret_set, SIGINT);
	sigaddset(ret_set, SIGTERM);
	sigaddset(ret_set, SIGHUP);
}

void
linux_signals_block(void)
{
	sigset_t set;

	ending_signals(&set);
	pthread_sigmask(SIG_BLOCK, &set, NULL);
	signal(SIGPIPE, SIG_IGN);
}

int
linux_signal_wait(uint64_t timeout_ns)
{
	struct timespec limit = {.tv_sec = (time_t)min_of(timeout_ns / 1000000000u, 1000000000u),
				 .tv_nsec = (long)(timeout_ns % 1000000000u)};
	sigset_t set;
	int number;

	ending_signals(&set);
	do {
		number = timeout_ns == UINT64_MAX ? sigwaitinfo(&set, NULL)
						  : sigtimedwait(&set, NULL, &limit);
	} while (number < 0 && errno == EINTR);
	return number < 0 ? 0 : number;
}

/* ------------------------------------------------ figures */

uint64_t
linux_process_cpu(void)
{
	struct rusage usage;

	getrusage(RUSAGE_SELF, &usage);
	return (uint64_t)(usage.ru_utime.tv_sec + usage.ru_stime.tv_sec) * 1000000000u +
	       (uint64_t)(usage.ru_utime.tv_usec + usage.ru_stime.tv_usec) * 1000u;
}

uint32_t
linux_descriptor_count(void)
{
	DIR *directory = opendir("/proc/self/fd");
	uint32_t count = 0;

	if (!directory)
		return 0;
	while (readdir(directory))
		count++;
	closedir(directory);
	/* ".", "..", and the directory itself. */
	return count - 3;
}
