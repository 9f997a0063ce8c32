/* SPDX-License-Identifier: BSD-2-Clause-Patent */
/*
 * What programs need from the host besides an env: threads, signals, directories, the lock on a
 * directory, a log file, a mutex between threads. Nothing here is used on a loop's path.
 */
#pragma once

#include <pthread.h>

#include "base/base.h"

/* ------------------------------------------------ threads */

struct linux_thread;

/* Runs function(argument) on a thread named name (cut to 15 bytes), with all signals blocked.
 * -DER_NOMEM, -DER_AGAIN. */
MUST_USE int linux_thread_start(const char *name, void (*function)(void *argument), void *argument,
				struct linux_thread **ret_thread);

/* Waits for its end and frees it. */
void linux_thread_join(struct linux_thread *thread);

/* Binds the calling thread to one core; core is taken modulo the cores this process may use. */
void linux_thread_bind(uint32_t core);

/*
 * Gives the calling thread, and the threads that it starts from now on, a table of descriptors of
 * their own, in which standard error alone is open (0 and 1 lead nowhere). What they open is then
 * out of reach of the rest of the process, and of its children by fork. -DER_NOSYS where the kernel
 * refuses.
 */
MUST_USE int linux_descriptors_isolate(void);

/* Cores that this process may use, at least 1. */
uint32_t linux_core_count(void);

/* A lock between threads. */
struct linux_mutex {
	pthread_mutex_t mutex;
};
void linux_mutex_init(struct linux_mutex *mutex);
void linux_mutex_fini(struct linux_mutex *mutex);
void linux_mutex_lock(struct linux_mutex *mutex);
bool linux_mutex_trylock(struct linux_mutex *mutex);
void linux_mutex_unlock(struct linux_mutex *mutex);

/* ------------------------------------------------ signals */

/*
 * Blocks SIGINT, SIGTERM and SIGHUP for the calling thread and those it starts later, and ignores
 * SIGPIPE. Call it first in main().
 */
void linux_signals_block(void);

/* Waits for one of the blocked signals and returns its number; 0 after timeout_ns (UINT64_MAX:
 * never). */
int linux_signal_wait(uint64_t timeout_ns);

/* ------------------------------------------------ directories and the lock on one */

/* Makes path with mode 0700, its parents with 0755; fine when it exists. -DER_NOTDIR, -DER_NO_PERM,
 * -DER_NOSPACE. */
MUST_USE int linux_directory_make(const char *path);

/*
 * Where this user's sockets and data belong: $XDG_RUNTIME_DIR/<name> or /tmp/<name>-<uid>,
 * $XDG_STATE_HOME/<name> or
 * ~/.local/state/<name>; for root /run/<name> and /var/lib/<name>. Not created. -DER_OVERFLOW when
 * size is too small.
 */
MUST_USE int linux_runtime_directory(const char *name, char *ret_path, size_t size);
MUST_USE int linux_state_directory(const char *name, char *ret_path, size_t size);

struct linux_lock;

/*
 * Takes the lock file path (made when absent, mode 0600) until released or the process dies, and
 * writes the process id into it. -DER_BUSY when another process has it: *ret_holder is then its id,
 * or 0 when it cannot be told.
 */
MUST_USE int linux_lock_take(const char *path, int32_t *ret_holder, struct linux_lock **ret_lock);
void linux_lock_release(struct linux_lock *lock);

/* ------------------------------------------------ log */

/*
 * A sink that several loops may share: one write() per line, with a UTC time stamp. path NULL:
 * standard error. json: one JSON object a line. Identical lines beyond 10 a second are counted and
 * summed up in one line.
 */
MUST_USE int linux_log_open(const char *path, bool json, struct log_sink **ret_sink);
void linux_log_close(struct log_sink *sink);

/* ------------------------------------------------ figures */

/* User and system CPU time of this process in nanoseconds. */
uint64_t linux_process_cpu(void);

/* Open descriptors of this process. */
uint32_t linux_descriptor_count(void);
