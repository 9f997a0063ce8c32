/* SPDX-License-Identifier: BSD-2-Clause-Patent */
/* env/memory as the subject of a contract suite. */
#pragma once

#include <stdio.h>
#include <stdlib.h>

#include "contract/subject.h"
#include "env/memory/memory.h"

struct memory_subject {
	struct subject subject;
	struct memory_world *world;
	unsigned addresses;
	struct env *peer_env;
	struct loop *peer_loop;
	struct connection *peer;
};

static inline struct env *
memory_subject_env_open(struct subject *base, const char *label)
{
	struct memory_subject *subject = container_of(base, struct memory_subject, subject);
	struct memory_env_options options = {.node = label, .credentials = base->credentials};
	struct env *env;

	assert_int_equal(memory_env_create(subject->world, &options, &env), 0);
	return env;
}

static inline void
memory_subject_env_close(struct subject *base, struct env *env)
{
	(void)base;
	memory_env_destroy(env);
}

static inline bool
memory_subject_never(void *argument)
{
	(void)argument;
	return false;
}

static inline void
memory_subject_step(struct subject *base, struct loop **loops, uint32_t count)
{
	struct memory_subject *subject = container_of(base, struct memory_subject, subject);

	/* The limit ends it: that is the little time that passes. */
	assert_int_equal(memory_world_run(subject->world, loops, count, memory_subject_never, NULL,
					  10000),
			 -DER_TIMEDOUT);
}

static inline void
memory_subject_address(struct subject *base, enum address_kind kind, char *ret_address)
{
	struct memory_subject *subject = container_of(base, struct memory_subject, subject);

	if (kind == ADDRESS_TCP)
		snprintf(ret_address, 128, "tcp:127.0.0.1:0");
	else
		snprintf(ret_address, 128, "unix:/socket-%u", subject->addresses++);
}

static inline void
memory_subject_nobody(struct subject *base, char *ret_address)
{
	(void)base;
	snprintf(ret_address, 128, "tcp:127.0.0.1:9");
}

static inline void
memory_subject_peer_message(struct connection *connection, struct message *message)
{
	(void)connection;
	message_put(message);
}

static inline void
memory_subject_peer_closed(struct connection *connection, int reason)
{
	(void)connection;
	(void)reason;
}

static inline void
memory_subject_peer_start(struct subject *base, const char *address)
{
	static const struct connection_handler handler = {memory_subject_peer_message,
							  memory_subject_peer_closed};
	struct memory_subject *subject = container_of(base, struct memory_subject, subject);
	char hello[] = "hello";
	struct iovec iov = {hello, 5};
	struct env *env = memory_subject_env_open(base, "peer");

	subject->peer_env = env;
	assert_int_equal(loop_create(env, NULL, &subject->peer_loop), 0);
	assert_int_equal(env->transport->connect(env->transport, address, 1000000000, &handler,
						 NULL, &subject->peer),
			 0);
	assert_int_equal(connection_send(subject->peer, &iov, 1), 0);
}

static inline void
memory_subject_peer_kill(struct subject *base)
{
	struct memory_subject *subject = container_of(base, struct memory_subject, subject);

	loop_abandon(subject->peer_loop);
	memory_env_crash(subject->peer_env);
	subject->peer_loop = NULL;
}

static inline struct loop *
memory_subject_peer_loop(struct subject *base)
{
	return container_of(base, struct memory_subject, subject)->peer_loop;
}

static inline void
memory_subject_init(struct memory_subject *subject)
{
	*subject = (struct memory_subject){
		.subject =
			{
				.name = "memory",
				.env_open = memory_subject_env_open,
				.env_close = memory_subject_env_close,
				.step = memory_subject_step,
				.address = memory_subject_address,
				.nobody = memory_subject_nobody,
				.peer_start = memory_subject_peer_start,
				.peer_kill = memory_subject_peer_kill,
				.peer_loop = memory_subject_peer_loop,
				.credentials =
					{.known = true, .user = 1000, .group = 100, .process = 42},
			},
	};
	if (memory_world_create(1, &subject->world) != 0)
		abort();
}

static inline void
memory_subject_fini(struct memory_subject *subject)
{
	memory_world_destroy(subject->world);
}

/* The main of a suite on env/memory. */
static inline int
memory_subject_main(int (*suite)(struct subject *subject))
{
	struct memory_subject subject;
	int failed;

	memory_subject_init(&subject);
	failed = suite(&subject.subject);
	memory_subject_fini(&subject);
	return failed;
}
