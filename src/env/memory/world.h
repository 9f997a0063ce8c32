/* SPDX-License-Identifier: BSD-2-Clause-Patent */
/* Private to env/memory: the world, its nodes and envs, and the events that poll delivers. */
#pragma once

#include "env/memory/memory.h"

/* One thing that happens to an env at a time; delivered from inside its poll. */
struct event {
	struct queue_node node; /* key: virtual time */
	struct memory_env *env; /* NULL: not armed */
	void (*fire)(struct event *event);
};

/* A name under which disks and links live. */
struct memory_node {
	struct list link; /* of world->nodes */
	char *name;
	struct list media;
	uint64_t capacity;	    /* 0: no limit */
	struct memory_trace *trace; /* the running one, or NULL */
};

struct memory_world {
	uint64_t now;
	uint64_t sequence; /* counts disk events, to order them */
	uint64_t random;
	struct list nodes;
	struct list envs;
	struct list ends; /* of connections, see network.h */
	struct list listeners;
	struct list links;
	struct memory_disk_options disk_defaults;
	struct memory_env *last_polled;
	uint32_t polled_alone; /* polls in a row of last_polled */
	uint32_t next_port;
	bool running;	    /* inside memory_world_run() */
	uint64_t run_limit; /* beyond which it lets no loop sleep */
};

struct memory_env {
	struct env env;
	struct context context;
	struct clock clock;
	struct randomness randomness;
	struct poller poller;
	struct chooser chooser;
	struct storage storage;
	struct transport transport;
	struct memory_world *world;
	struct memory_node *node;
	struct list link; /* of world->envs */
	struct priority_queue events;
	uint64_t wake_at; /* until when its loop wants to sleep; UINT64_MAX: never polled, or for
			     ever */
	bool woken;	  /* atomic */
	bool stepped;	  /* by the running memory_world_run() */
	uint64_t random;
	int64_t realtime_offset;
	struct peer_credentials credentials;
	struct list operations; /* of disks, under way */
	struct list disks;	/* open */
	struct list messages;	/* given to handlers and not put back */
};

/* A test world without memory cannot go on: these assert. */
void *memory_take(size_t size);
void *memory_grow(void *block, size_t size);
char *memory_copy_text(const char *text);

/* The next number of a stream (splitmix64). */
uint64_t stream_next(uint64_t *state);

static inline uint64_t
time_after(uint64_t now, uint64_t delay)
{
	return delay > UINT64_MAX - now ? UINT64_MAX : now + delay;
}

/* Finds or makes the node. */
struct memory_node *world_node(struct memory_world *world, const char *name);

/* Arms event, not armed, for env at a time. */
void event_arm(struct event *event, struct memory_env *env, uint64_t due);
void event_disarm(struct event *event);

static inline struct memory_env *
memory_env_of(struct env *env)
{
	return container_of(env, struct memory_env, env);
}

/* Parts of an env. */
void poller_init(struct memory_env *env);
void storage_init(struct memory_env *env);
void transport_init(struct memory_env *env);

/* What an env's end does to its disks and connections. */
void storage_drop(struct memory_env *env);
void transport_drop(struct memory_env *env, bool crash);

/* What the world's end does to them. */
void media_free_all(struct memory_node *node);
void network_free(struct memory_world *world);
