/* SPDX-License-Identifier: BSD-2-Clause-Patent */
/* The choice of the back-end where the kernel refuses io_uring, and waking a loop. */
#include <errno.h>
#include <linux/filter.h>
#include <linux/seccomp.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include "pair.h"

#include "env/linux/host.h"

struct collecting_sink {
	struct log_sink sink;
	char text[1024];
};

static void
collect(struct log_sink *sink, enum log_level level, const char *tag, const char *line)
{
	struct collecting_sink *self = container_of(sink, struct collecting_sink, sink);
	size_t length = strlen(self->text);

	(void)level;
	(void)tag;
	snprintf(self->text + length, sizeof(self->text) - length, "%s\n", line);
}

/* From now on io_uring_setup() fails in this process, as in many containers. */
static void
forbid_io_uring(void)
{
	struct sock_filter filter[] = {
		BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offsetof(struct seccomp_data, nr)),
		BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, SYS_io_uring_setup, 0, 1),
		BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ERRNO | EPERM),
		BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ALLOW),
	};
	const struct sock_fprog program = {.len = ARRAY_SIZE(filter), .filter = filter};

	if (prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) ||
	    prctl(PR_SET_SECCOMP, SECCOMP_MODE_FILTER, &program))
		_exit(77);
}

/* Exit code 0 when everything is as it should be; asserts do not work in a child. */
static int
fallback_child(void)
{
	struct collecting_sink sink = {.sink.write = collect};
	struct linux_env_options options = {.sink = &sink.sink, .level = LOG_INFO};
	struct env *env;

	forbid_io_uring();
	options.backend = LINUX_URING;
	if (linux_env_create(&options, &env) != -DER_NOSYS)
		return 1;
	if (!strstr(error_text(-DER_NOSYS), "io_uring"))
		return 2;
	options.backend = LINUX_AUTO;
	sink.text[0] = '\0';
	if (linux_env_create(&options, &env))
		return 3;
	if (linux_env_backend(env) != LINUX_EPOLL)
		return 4;
	/* One line, with the choice and the reason. */
	if (!strstr(sink.text, "epoll") || !strstr(sink.text, "Operation not permitted") ||
	    strchr(sink.text, '\n') != strrchr(sink.text, '\n'))
		return 5;
	linux_env_destroy(env);
	return 0;
}

static void
test_fallback(void **state)
{
	pid_t child = fork();
	int status;

	(void)state;
	if (child == 0)
		_exit(fallback_child());
	assert_int_equal(waitpid(child, &status, 0), child);
	assert_true(WIFEXITED(status));
	if (WEXITSTATUS(status) == 77) {
		print_message("this host lets no process restrict itself: not tested\n");
		skip();
	}
	assert_int_equal(WEXITSTATUS(status), 0);
}

static void
test_choice(void **state)
{
	struct linux_env_options options = {.backend = LINUX_AUTO};
	struct env *env;

	(void)state;
	assert_int_equal(linux_env_create(&options, &env), 0);
	assert_int_equal(linux_env_backend(env),
			 backend_available(LINUX_URING) ? LINUX_URING : LINUX_EPOLL);
	linux_env_destroy(env);
	options.backend = LINUX_EPOLL;
	options.directory = "/nonexistent/cairn";
	assert_int_equal(linux_env_create(&options, &env), -DER_NONEXIST);
	options.directory = NULL;
	options.arena_budget = 1;
	assert_int_equal(linux_env_create(&options, &env), -DER_NOMEM);
}

/* Creating fails cleanly at every allocation. */
static void
test_memory(void **state)
{
	struct linux_env_options options = {.backend = *(enum linux_backend *)*state};
	uint32_t before = descriptors();
	struct env *env;
	int rc;

	for (uint64_t budget = 64; budget < 1024 * 1024; budget += budget / 4 + 1) {
		options.arena_budget = budget;
		rc = linux_env_create(&options, &env);
		if (rc == 0)
			linux_env_destroy(env);
		else
			assert_int_equal(rc, -DER_NOMEM);
	}
	assert_int_equal(descriptors(), before);
}

struct waker {
	struct env *env;
	atomic_uint rounds;
	atomic_bool end;
};

static void
wake_all_the_time(void *argument)
{
	struct waker *waker = argument;
	uint32_t seen = 0;

	while (!atomic_load(&waker->end)) {
		uint32_t now = atomic_load(&waker->rounds);

		if (now != seen) {
			seen = now;
			waker->env->poller->wake(waker->env->poller);
		}
	}
}

/* Every sleep is announced and then ended by one wake: a lost one would sleep for a minute. */
static void
test_wake(void **state)
{
	const struct linux_env_options options = {.backend = *(enum linux_backend *)*state};
	struct waker waker = {0};
	struct linux_thread *thread;
	uint64_t start;

	assert_int_equal(linux_env_create(&options, &waker.env), 0);
	assert_int_equal(linux_thread_start("waker", wake_all_the_time, &waker, &thread), 0);
	start = env_monotonic(waker.env);
	for (uint32_t i = 0; i < 2000; i++) {
		atomic_fetch_add(&waker.rounds, 1);
		waker.env->poller->poll(waker.env->poller, 60000000000u);
	}
	assert_true(env_monotonic(waker.env) - start < 30000000000u);
	atomic_store(&waker.end, true);
	linux_thread_join(thread);
	linux_env_destroy(waker.env);
}

/* A ring that is driven by threads that end one after another goes on. */
struct visit {
	struct pair *pair;
	uint32_t number;
};

static void
visit_pair(void *argument)
{
	struct visit *visit = argument;
	struct pair *pair = visit->pair;
	uint64_t wanted = pair->server_end.messages + 1;

	if (send_number(pair->client_end.connection, visit->number, 64))
		return;
	for (uint32_t i = 0; i < 100000 && pair->server_end.messages < wanted; i++)
		pair_poll(pair);
}

static void
test_threads_in_turn(void **state)
{
	struct visit visit = {0};
	struct pair pair;

	pair_open(&pair, *(enum linux_backend *)*state, NULL);
	pair_connect(&pair, false);
	visit.pair = &pair;
	for (; visit.number < 20; visit.number++) {
		struct linux_thread *thread;

		assert_int_equal(linux_thread_start("visitor", visit_pair, &visit, &thread), 0);
		linux_thread_join(thread);
		assert_int_equal(pair.server_end.messages, visit.number + 1);
		assert_int_equal(pair.server_end.last, visit.number);
	}
	assert_int_equal(pair.server_end.closed_calls + pair.client_end.closed_calls, 0);
	pair_close(&pair);
}

int
main(void)
{
	const struct CMUnitTest once[] = {cmocka_unit_test(test_fallback),
					  cmocka_unit_test(test_choice)};
	struct CMUnitTest tests[] = {cmocka_unit_test(test_memory), cmocka_unit_test(test_wake),
				     cmocka_unit_test(test_threads_in_turn)};

	return cmocka_run_group_tests_name("choice", once, NULL, NULL) +
	       BACKEND_TESTS("backend", tests);
}
