/* SPDX-License-Identifier: BSD-2-Clause-Patent */
/* What programs use of the host: directories, the lock, the log, signals. */
#include "env/linux/host.h"

#include <fcntl.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stdatomic.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>

static char directory[64];

static int
set_up(void **state)
{
	(void)state;
	strcpy(directory, "/tmp/cairn-unit-XXXXXX");
	return mkdtemp(directory) ? 0 : -1;
}

static int
tear_down(void **state)
{
	(void)state;
	return rmdir(directory);
}

static void
test_directory(void **state)
{
	struct stat status;
	char path[128], outer[128];

	(void)state;
	snprintf(outer, sizeof(outer), "%s/a", directory);
	snprintf(path, sizeof(path), "%s/a/b", directory);
	assert_int_equal(linux_directory_make(path), 0);
	assert_int_equal(linux_directory_make(path), 0);
	assert_int_equal(stat(path, &status), 0);
	assert_int_equal(status.st_mode & 0777, 0700);
	assert_int_equal(rmdir(path), 0);
	assert_int_equal(rmdir(outer), 0);
	assert_int_equal(linux_directory_make("/dev/null/x"), -DER_NOTDIR);
	assert_int_equal(linux_runtime_directory("cairn", path, 4), -DER_OVERFLOW);
	assert_int_equal(linux_runtime_directory("cairn", path, sizeof(path)), 0);
	assert_int_equal(path[0], '/');
	assert_int_equal(linux_state_directory("cairn", path, sizeof(path)), 0);
	assert_int_equal(path[0], '/');
}

/* The second process is told who holds the lock; a death frees it. */
static void
test_lock(void **state)
{
	struct linux_lock *lock;
	char path[128];
	int32_t holder = 0;
	int status, ready[2];
	char byte;
	pid_t child;

	(void)state;
	snprintf(path, sizeof(path), "%s/lock", directory);
	assert_int_equal(pipe(ready), 0);
	child = fork();
	if (child == 0) {
		if (linux_lock_take(path, NULL, &lock) || write(ready[1], "x", 1) != 1)
			_exit(1);
		pause();
	}
	close(ready[1]);
	assert_int_equal(read(ready[0], &byte, 1), 1);
	close(ready[0]);
	assert_int_equal(linux_lock_take(path, &holder, &lock), -DER_BUSY);
	assert_int_equal(holder, child);
	kill(child, SIGKILL);
	waitpid(child, &status, 0);
	assert_int_equal(linux_lock_take(path, &holder, &lock), 0);
	linux_lock_release(lock);
	unlink(path);
}

static size_t
read_file(const char *path, char *text, size_t size)
{
	FILE *file = fopen(path, "r");
	size_t length;

	assert_non_null(file);
	length = fread(text, 1, size - 1, file);
	fclose(file);
	text[length] = '\0';
	return length;
}

static uint32_t
count_lines(const char *text)
{
	uint32_t count = 0;

	for (; *text; text++)
		count += *text == '\n';
	return count;
}

static void
test_log(void **state)
{
	static char text[65536];
	struct log_sink *sink;
	char path[128];

	(void)state;
	snprintf(path, sizeof(path), "%s/log", directory);
	assert_int_equal(linux_log_open(path, false, &sink), 0);
	sink->write(sink, LOG_ERROR, "test", "two\nlines");
	for (uint32_t i = 0; i < 1000; i++)
		sink->write(sink, LOG_WARNING, "test", "again and again");
	linux_log_close(sink);
	read_file(path, text, sizeof(text));
	assert_non_null(strstr(text, "Z two lines\n"));
	assert_int_equal(text[4], '-');
	assert_int_equal(text[10], 'T');
	/* Ten of each second that was touched, and how many more. */
	assert_true(count_lines(text) >= 12 && count_lines(text) <= 1 + 3 * 11);
	assert_non_null(strstr(text, "more times)"));
	unlink(path);

	assert_int_equal(linux_log_open(path, true, &sink), 0);
	sink->write(sink, LOG_ERROR, "test", "a \"quoted\" \\ \x01 line");
	linux_log_close(sink);
	read_file(path, text, sizeof(text));
	assert_non_null(strstr(text, "\"level\":\"ERROR\",\"tag\":\"test\","
				     "\"text\":\"a \\\"quoted\\\" \\\\ \\u0001 line\"}\n"));
	unlink(path);
	assert_int_equal(linux_log_open("/nonexistent/log", false, &sink), -DER_NONEXIST);
}

static void
test_signals(void **state)
{
	sigset_t former;

	(void)state;
	sigprocmask(SIG_SETMASK, NULL, &former);
	linux_signals_block();
	assert_int_equal(linux_signal_wait(1000000), 0);
	kill(getpid(), SIGTERM);
	assert_int_equal(linux_signal_wait(UINT64_MAX), SIGTERM);
	sigprocmask(SIG_SETMASK, &former, NULL);
}

static void
test_figures(void **state)
{
	uint64_t before = linux_process_cpu();
	uint32_t open_before = linux_descriptor_count();
	int fd;

	(void)state;
	while (linux_process_cpu() == before)
		;
	fd = dup(1);
	assert_int_equal(linux_descriptor_count(), open_before + 1);
	close(fd);
	assert_true(linux_core_count() >= 1);
}

/* ------------------------------------------------ descriptors of a thread's own */

struct isolation {
	int given;	 /* open before */
	int made[2];	 /* a pipe of the thread's own */
	bool given_seen; /* by the thread */
	int result;
	atomic_bool made_ready, end;
};

static void
isolated(void *argument)
{
	struct isolation *isolation = argument;

	isolation->result = linux_descriptors_isolate();
	isolation->given_seen = fcntl(isolation->given, F_GETFD) >= 0;
	if (pipe(isolation->made) != 0)
		isolation->result = -DER_NOMEM;
	atomic_store(&isolation->made_ready, true);
	while (!atomic_load(&isolation->end))
		usleep(100);
	close(isolation->made[1]);
}

/* The thread does not see the program's, and neither the program nor its children the thread's: the
 * numbers mean nothing to each other. */
static void
test_isolation(void **state)
{
	struct isolation isolation = {.given = dup(1)};
	uint32_t before = linux_descriptor_count();
	struct linux_thread *thread;

	(void)state;
	assert_int_equal(linux_thread_start("isolated", isolated, &isolation, &thread), 0);
	while (!atomic_load(&isolation.made_ready))
		usleep(100);
	assert_int_equal(isolation.result, 0);
	assert_false(isolation.given_seen);
	assert_int_equal(linux_descriptor_count(), before);
	atomic_store(&isolation.end, true);
	linux_thread_join(thread);
	assert_true(fcntl(isolation.given, F_GETFD) >= 0);
	close(isolation.given);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_directory), cmocka_unit_test(test_lock),
		cmocka_unit_test(test_log),	  cmocka_unit_test(test_signals),
		cmocka_unit_test(test_figures),	  cmocka_unit_test(test_isolation)};

	return cmocka_run_group_tests_name("host", tests, set_up, tear_down);
}
