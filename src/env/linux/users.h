/* SPDX-License-Identifier: BSD-2-Clause-Patent */
/*
 * Names of users and groups. The databases may ask other machines and block, therefore a thread of
 * its own asks them, started at the first look-up; what it found is kept for a while. Private to
 * env/linux.
 */
#pragma once

#include <pthread.h>

#include "env/env.h"
#include "env/linux/backend.h"

/* Answers kept, and for how long. A user who joins a group is seen after it. */
#define USERS_KEPT 64u
#define USERS_KEPT_NS (30 * UINT64_C(1000000000))

struct linux_thread;
struct user_query;

/* What is known of one user. */
struct user_entry {
	bool used;
	uint64_t until; /* monotonic */
	uint32_t user, group;
	int result;
	uint32_t group_count;
	char text[USER_NAMES_MAX];
};

struct linux_users {
	struct users users;
	struct env *env;
	struct wakeup *wakeup;
	struct linux_thread *thread; /* NULL: not started */
	pthread_mutex_t lock;	     /* queries and closing */
	pthread_cond_t work;
	struct user_query *asked, *answered;
	uint32_t under_way; /* own loop only */
	bool closing;
	uint32_t next; /* entry to replace */
	struct user_entry *entries;
};

void users_init(struct linux_users *self, struct env *env, struct wakeup *wakeup);
/* No look-up may be under way. */
void users_fini(struct linux_users *self);
/* Completes what was answered; from inside poll. */
void users_deliver(struct linux_users *self);
