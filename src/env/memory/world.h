/* SPDX-License-Identifier: BSD-2-Clause-Patent */
/* Private to env/memory: the world, its nodes and envs, and the events that poll delivers. */
#pragma once

#include "env/memory/memory.h"

struct link;

/* One thing that happens to an env at a time; delivered from inside its poll. */
struct event {
	struct queue_node node; /* key: virtual time */
	struct memory_env *env; /* NULL: not armed */
	void (*fire)(struct event *event);
};

/* An ordered fault. */
struct order {
	uint64_t countdown; /* 0: none; 1: the next */
	int result;
};

/* Counts one against an order; true when it is its turn. */
static inline bool
order_strikes(uint64_t *countdown)
{
	return *countdown > 0 && --*countdown == 0;
}

/* A name under which disks and links live. */
struct memory_node {
	struct list link; /* of world->nodes */
	char *name;
	uint32_t ordinal;   /* in the order in which nodes appeared */
	uint32_t env_count; /* that it has ever had */
	struct list media;
	uint64_t capacity;	    /* 0: no limit */
	struct memory_trace *trace; /* the running one, or NULL */
	struct order storage_orders[MEMORY_STORAGE_REMOVE + 1];
	struct link **links; /* to other nodes, by ordinal; NULL where never used */
	uint32_t link_count;
};

struct memory_world {
	uint64_t now;
	uint64_t sequence; /* counts disk events, to order them */
	uint64_t seed;
	uint64_t random;
	struct list nodes;
	uint32_t node_count;
	struct list envs;
	struct list ends; /* of connections, see network.h */
	struct list listeners;
	struct memory_disk_options disk_defaults;
	uint64_t link_delay_ns; /* of links without a delay of their own */
	uint64_t link_jitter_ns;
	bool shorn;
	bool driven; /* memory_world_drive() */
	uint64_t trace;
	uint64_t events;
	void (*strike)(void *argument, const struct memory_strike *strike); /* or NULL */
	void *strike_argument;
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
	uint64_t wake_at;    /* until when its loop wants to sleep; UINT64_MAX: never polled, or for
				ever */
	bool woken;	     /* atomic */
	bool stepped;	     /* by the running memory_world_run() */
	uint64_t busy_until; /* no event is delivered before */
	uint64_t random;     /* streams: of env->randomness, */
	uint64_t choice;     /* of its chooser, */
	uint64_t keys;	     /* of regions, */
	uint64_t fate;	     /* and what a crash leaves */
	int64_t realtime_offset;
	/* Its monotonic clock stood at local_base when the world's was local_since, and has run
	 * since at a rate that differs by drift, in millionths. */
	uint64_t local_base;
	uint64_t local_since;
	int32_t drift;
	struct peer_credentials credentials;
	struct list operations; /* of disks, under way */
	struct list disks;	/* open */
	struct list messages;	/* given to handlers and not put back */
};

/* A test world without memory cannot go on: these assert. memory_take() zeroes. */
void *memory_take(size_t size);
void *memory_take_raw(size_t size);
void *memory_grow(void *block, size_t size);
char *memory_copy_text(const char *text);

/* The next number of a stream (splitmix64). */
uint64_t stream_next(uint64_t *state);

/* The start of a stream that depends on the world's seed and these words only; either name may be
 * NULL. */
uint64_t stream_of(const struct memory_world *world, const char *purpose, const char *name,
		   const char *other, uint64_t number);

static inline uint64_t
time_after(uint64_t now, uint64_t delay)
{
	return delay > UINT64_MAX - now ? UINT64_MAX : now + delay;
}

/* Finds or makes the node. */
struct memory_node *world_node(struct memory_world *world, const char *name);

/* Kinds of what the trace takes in; the low bits tell operations and arrivals apart. */
enum note {
	NOTE_DISK = 0x00,
	NOTE_ARRIVAL = 0x10,
	NOTE_ENV = 0x20,
	NOTE_STRIKE = 0x80,
};

/* Takes one delivered event into the trace. */
void world_note(struct memory_world *world, const struct memory_node *node, uint32_t kind,
		uint64_t content);

/* Tells that a fault took effect; sets the time. */
void world_strike(struct memory_world *world, const struct memory_node *node,
		  struct memory_strike strike);

/* Arms event, not armed, for env at a time. */
void event_arm(struct event *event, struct memory_env *env, uint64_t due);
void event_disarm(struct event *event);

/* Delivers what is due, unless env is busy; true when there was anything. */
bool env_deliver(struct memory_env *env);

/* When its next event can be delivered, or UINT64_MAX. */
uint64_t env_next_event(const struct memory_env *env);

/* What a span of env's clock is of the world's, rounded up. */
uint64_t env_to_world(const struct memory_env *env, uint64_t span);

/* A poll in a driven world. */
void drive_poll(struct memory_env *env, uint64_t timeout_ns);

static inline struct memory_env *
memory_env_of(struct env *env)
{
	return container_of(env, struct memory_env, env);
}

/* Parts of an env. */
void poller_init(struct memory_env *env);
void storage_init(struct memory_env *env);
void transport_init(struct memory_env *env);

/* What an env's end does to its disks and connections; returns the writes, or the items, under way
 * that are lost by it. */
uint64_t storage_drop(struct memory_env *env);
uint64_t transport_drop(struct memory_env *env, bool crash);

/* What the world's end does to them. */
void media_free_all(struct memory_node *node);
void links_free(struct memory_node *node);
