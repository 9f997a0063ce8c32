/* SPDX-License-Identifier: BSD-2-Clause-Patent */
/* Two worlds on one thread with a connection between them, stepped by the test itself; no fibers.
 */
#pragma once

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "env/linux/linux.h"

#define PAIR_LIMIT_NS 10000000000ull

/* One end: what it saw. */
struct end {
	struct connection *connection;
	uint64_t messages;
	uint64_t bytes;
	uint32_t last; /* first four bytes of the latest frame */
	bool misaligned;
	int closed; /* the reason, 0: not closed */
	uint32_t closed_calls;
	bool hold; /* keep the latest message instead of putting it */
	struct message *held;
	bool detach; /* at the next message */
	void *handle;
};

struct pair {
	struct env *server, *client;
	struct listener *listener;
	char address[128];
	char directory[64];
	struct end server_end, client_end;
	struct end *accept_into; /* NULL: close what comes */
	uint32_t accepted;
};

extern const struct connection_handler pair_handler;
extern const struct listener_handler pair_listener_handler;

/* The back-end comes as *state (an enum linux_backend *); options may be NULL. */
void pair_open(struct pair *pair, enum linux_backend backend,
	       const struct linux_env_options *server_options);
/* Listens (unix or tcp) and connects both ends. */
void pair_connect(struct pair *pair, bool local);
void pair_close(struct pair *pair);
void pair_poll(struct pair *pair);
/* A blocking raw socket connected to the listener. */
int pair_raw(struct pair *pair);

int send_number(struct connection *connection, uint32_t number, size_t length);
uint32_t descriptors(void);

#define POLL_UNTIL(pair, condition)                                                  \
	do {                                                                         \
		uint64_t poll_limit = env_monotonic((pair)->server) + PAIR_LIMIT_NS; \
		while (!(condition)) {                                               \
			if (env_monotonic((pair)->server) > poll_limit)              \
				fail_msg("waited in vain for %s", #condition);       \
			pair_poll(pair);                                             \
		}                                                                    \
	} while (0)

/* Each test on each back-end that this kernel has. */
#define BACKEND_TESTS(group, tests)                                                               \
	({                                                                                        \
		static enum linux_backend uring = LINUX_URING, epoll = LINUX_EPOLL;               \
		int group_failed = 0;                                                             \
		for (size_t test_i = 0; test_i < ARRAY_SIZE(tests); test_i++)                     \
			(tests)[test_i].initial_state = &epoll;                                   \
		group_failed += cmocka_run_group_tests_name(group " epoll", (tests), NULL, NULL); \
		for (size_t test_i = 0; test_i < ARRAY_SIZE(tests); test_i++)                     \
			(tests)[test_i].initial_state = &uring;                                   \
		if (backend_available(LINUX_URING))                                               \
			group_failed += cmocka_run_group_tests_name(group " io_uring", (tests),   \
								    NULL, NULL);                  \
		group_failed;                                                                     \
	})
bool backend_available(enum linux_backend backend);
