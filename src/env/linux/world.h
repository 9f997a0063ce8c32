/* SPDX-License-Identifier: BSD-2-Clause-Patent */
/* The parts of one env and what they share. Private to env/linux. */
#pragma once

#include "env/env.h"
#include "env/linux/backend.h"
#include "env/linux/disk.h"
#include "env/linux/linux.h"
#include "env/linux/users.h"

/* Random bits are fetched from the kernel so many at a time. */
#define RANDOM_WORDS 64u

struct linux_randomness {
	struct randomness randomness;
	uint32_t left;
	uint64_t words[RANDOM_WORDS];
};

struct linux_storage {
	struct storage storage;
	struct linux_env *env;
	int directory;	    /* -1: none */
	bool buffered_said; /* the log line on buffered I/O was written */
};

/* Receive buffers of the loop; see chunk.c. */
#define CHUNK_SIZE (256u * 1024)
#define CHUNKS_KEPT 8u
struct chunk;
struct chunk_pool {
	struct arena *arena;
	struct chunk *current; /* with room for the next receive of any connection; one reference */
	struct list spare;     /* unused chunks */
	uint32_t spare_count;
	struct list messages; /* unused message heads */
};

struct linux_transport {
	struct transport transport;
	struct linux_env *env;
	struct chunk_pool chunks;
	struct list connections; /* all that are open */
	struct list listeners;
	struct list dirty;	/* connections with output to hand to the kernel */
	struct list deferred;	/* connections to look at in the next poll without an event */
	struct list connecting; /* connections whose deadline runs */
	uint32_t connection_limit;
	uint64_t queued_limit;
	uint32_t peer_timeout_ms;
	int reserve;	       /* a descriptor to give up when there is no other */
	bool ending;	       /* the env is being destroyed: nobody is told anything */
	uint64_t refused_said; /* refused connections at the last log line about them */
};

struct linux_env {
	struct env env;
	struct context context;
	char name[32];
	struct clock clock;
	struct linux_randomness randomness;
	struct poller poller;
	struct linux_storage storage;
	struct linux_transport transport;
	struct linux_users users;
	struct backend *backend;
	struct disk_queue finished; /* operations done in place: completed by the next poll */
	uint32_t reads_left;	    /* that may complete at once until then */
	uint32_t disks;		    /* open */
	struct linux_statistics statistics;
};

static inline struct linux_env *
linux_world(const struct env *env)
{
	return container_of(env, struct linux_env, env);
}

MUST_USE int linux_storage_init(struct linux_env *world, const char *directory);
void storage_fini(struct linux_env *world);

MUST_USE int linux_transport_init(struct linux_env *world, const struct linux_env_options *options);
void transport_fini(struct linux_env *world);
/* Hands all queued output to the kernel. */
void transport_flush(struct linux_transport *transport);
/* Whether something is to be delivered without an event. */
bool transport_pending(const struct linux_transport *transport);
/* timeout_ns, cut to the next deadline of a connect. */
uint64_t transport_timeout(struct linux_transport *transport, uint64_t timeout_ns);
/* Delivers what needs no event, and ends connects whose time is over. */
void transport_deliver(struct linux_transport *transport);
