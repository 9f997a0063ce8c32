/* SPDX-License-Identifier: BSD-2-Clause-Patent */
/* env/linux, with either back-end, as the subject of a contract suite. */
#pragma once

#include <arpa/inet.h>
#include <ftw.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "contract/subject.h"
#include "env/linux/linux.h"

/* How long one loop of several sleeps while the others may have work. */
#define LINUX_STEP_NS 200000

struct linux_subject {
	struct subject subject;
	enum linux_backend backend;
	char directory[64];
	unsigned addresses;
	int unused; /* a bound socket that does not listen */
	pid_t peer;
};

static inline struct env *
linux_subject_env_open(struct subject *base, const char *label)
{
	struct linux_subject *subject = container_of(base, struct linux_subject, subject);
	char directory[128];
	struct linux_env_options options = {
		.name = label, .directory = directory, .backend = subject->backend};
	struct env *env;

	snprintf(directory, sizeof(directory), "%s/%s", subject->directory, label);
	mkdir(directory, 0700);
	assert_int_equal(linux_env_create(&options, &env), 0);
	assert_int_equal(linux_env_backend(env), subject->backend);
	return env;
}

static inline void
linux_subject_env_close(struct subject *base, struct env *env)
{
	(void)base;
	linux_env_destroy(env);
}

static inline void
linux_subject_step(struct subject *base, struct loop **loops, uint32_t count)
{
	(void)base;
	for (uint32_t i = 0; i < count; i++)
		loop_step(loops[i], LINUX_STEP_NS);
}

static inline void
linux_subject_address(struct subject *base, enum address_kind kind, char *ret_address)
{
	struct linux_subject *subject = container_of(base, struct linux_subject, subject);

	if (kind == ADDRESS_TCP)
		snprintf(ret_address, 128, "tcp:127.0.0.1:0");
	else
		snprintf(ret_address, 128, "unix:%s/socket-%u", subject->directory,
			 subject->addresses++);
}

/* The port stays ours, so that nobody else listens on it. */
static inline void
linux_subject_nobody(struct subject *base, char *ret_address)
{
	struct linux_subject *subject = container_of(base, struct linux_subject, subject);
	struct sockaddr_in address = {.sin_family = AF_INET,
				      .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
	socklen_t length = sizeof(address);

	if (subject->unused < 0) {
		subject->unused = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
		assert_true(subject->unused >= 0);
		assert_int_equal(
			bind(subject->unused, (struct sockaddr *)&address, sizeof(address)), 0);
	}
	assert_int_equal(getsockname(subject->unused, (struct sockaddr *)&address, &length), 0);
	snprintf(ret_address, 128, "tcp:127.0.0.1:%u", ntohs(address.sin_port));
}

static inline void
linux_subject_peer_message(struct connection *connection, struct message *message)
{
	(void)connection;
	message_put(message);
}

static inline void
linux_subject_peer_closed(struct connection *connection, int reason)
{
	(void)connection;
	(void)reason;
	_exit(2);
}

/* The child: says hello and serves its loop until it is killed. */
static inline void
linux_subject_peer_body(struct linux_subject *subject, const char *address)
{
	static const struct connection_handler handler = {linux_subject_peer_message,
							  linux_subject_peer_closed};
	struct linux_env_options options = {.name = "peer", .backend = subject->backend};
	char hello[] = "hello";
	struct iovec iov = {hello, 5};
	struct connection *connection;
	struct loop *loop;
	struct env *env;

	if (linux_env_create(&options, &env) != 0 || loop_create(env, NULL, &loop) != 0)
		_exit(3);
	if (env->transport->connect(env->transport, address, 1000000000, &handler, NULL,
				    &connection) != 0)
		_exit(4);
	if (connection_send(connection, &iov, 1) != 0)
		_exit(5);
	loop_run(loop);
	_exit(6);
}

static inline void
linux_subject_peer_start(struct subject *base, const char *address)
{
	struct linux_subject *subject = container_of(base, struct linux_subject, subject);
	pid_t parent = getpid();

	subject->peer = fork();
	assert_true(subject->peer >= 0);
	if (subject->peer != 0)
		return;
	prctl(PR_SET_PDEATHSIG, SIGKILL);
	if (getppid() != parent)
		_exit(1);
	linux_subject_peer_body(subject, address);
}

static inline void
linux_subject_peer_kill(struct subject *base)
{
	struct linux_subject *subject = container_of(base, struct linux_subject, subject);
	int status;

	assert_int_equal(kill(subject->peer, SIGKILL), 0);
	assert_int_equal(waitpid(subject->peer, &status, 0), subject->peer);
	assert_true(WIFSIGNALED(status));
}

static inline struct loop *
linux_subject_peer_loop(struct subject *base)
{
	(void)base;
	return NULL;
}

static inline int
linux_subject_remove(const char *path, const struct stat *status, int kind, struct FTW *walk)
{
	(void)status;
	(void)kind;
	(void)walk;
	return remove(path);
}

/* Whether this kernel offers the back-end at all. */
static inline bool
linux_subject_available(enum linux_backend backend)
{
	struct linux_env_options options = {.name = "probe", .backend = backend};
	struct env *env;

	if (linux_env_create(&options, &env) != 0)
		return false;
	linux_env_destroy(env);
	return true;
}

/* The main of a suite on env/linux. A back-end that the kernel refuses is said and passed over. */
static inline int
linux_subject_main(enum linux_backend backend, const char *name,
		   int (*suite)(struct subject *subject))
{
	struct linux_subject subject = {
		.subject =
			{
				.name = name,
				.env_open = linux_subject_env_open,
				.env_close = linux_subject_env_close,
				.step = linux_subject_step,
				.address = linux_subject_address,
				.nobody = linux_subject_nobody,
				.peer_start = linux_subject_peer_start,
				.peer_kill = linux_subject_peer_kill,
				.peer_loop = linux_subject_peer_loop,
				.threads = true,
				.credentials = {true, getuid(), getgid(), getpid()},
			},
		.backend = backend,
		.directory = "/tmp/cairn-contract-XXXXXX",
		.unused = -1,
	};
	int failed;

	if (!linux_subject_available(backend)) {
		printf("%s: refused by this kernel, not tested\n", name);
		return backend == LINUX_URING ? 0 : 1;
	}
	if (mkdtemp(subject.directory) == NULL) {
		perror("mkdtemp");
		return 1;
	}
	failed = suite(&subject.subject);
	if (subject.unused >= 0)
		close(subject.unused);
	nftw(subject.directory, linux_subject_remove, 16, FTW_DEPTH | FTW_PHYS);
	return failed;
}
