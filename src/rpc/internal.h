/* SPDX-License-Identifier: BSD-2-Clause-Patent */
/* What the files of rpc/ share. */
#pragma once

#include <stdatomic.h>

#include "rpc/rpc.h"

/* Room for a reply inside its task; a longer one moves to a buffer of its own. */
#define TASK_REPLY 8192u

/* Tasks kept for reuse. */
#define TASKS_KEPT 64u

/* Connections being handed to this loop by others. */
#define HANDOVERS 32u

/* Connections beyond the limit that may stay until they have read their refusal. */
#define REFUSED_LIMIT 64u

/* What a transfer gets beyond the deadline of its request before its connection is closed. */
#define BULK_GRACE_NS UINT64_C(1000000000)

/* Open calls on one connection, whatever the server grants. */
#define CREDITS_LIMIT 4096u

enum rpc_metric {
	METRIC_REQUESTS,
	METRIC_REPLY_ERRORS,
	METRIC_BUSY,
	METRIC_CALLS,
	METRIC_BYTES_RECEIVED,
	METRIC_BYTES_SENT,
	METRIC_CONNECTS,
	METRIC_RECONNECTS,
	METRIC_LOST,
	METRIC_MALFORMED,
	METRIC_STRAY,
	METRIC_CLOCK_REFUSED,
	METRIC_REFUSED,
	METRIC_SERVING,
	METRIC_CONNECTIONS,
	RPC_METRICS,
};

/* What a hello says about its client. */
struct introduction {
	struct uuid incarnation;
	struct peer_credentials credentials;
};

/*
 * A connection on its way from the loop that accepted it to this one. Belongs to the receiving
 * side.
 */
struct handover {
	struct loop_message message;
	struct rpc *rpc; /* the receiver */
	atomic_bool taken;
	void *handle;
	uint32_t loops;
	struct introduction introduction;
};

struct service {
	const struct rpc_method *method;
	void *owner;
};

struct rpc {
	struct loop *loop;
	struct env *env;
	struct arena *arena;
	struct rpc_options options;
	char system[sizeof(((struct proto_hello *)0)->system)];
	bool closing;
	struct wait_queue quiet; /* rpc_destroy() waits for tasks, calls, connectors, handovers */

	/* serving */
	struct service services[PROTO_OPERATIONS];
	struct list listening;
	struct list inbounds;	/* that have a connection */
	uint32_t inbound_count; /* of them */
	uint32_t open_count;	/* of them, those past their hello */
	uint32_t serving;	/* tasks */
	struct list spare_tasks;
	uint32_t spare_count;
	struct table clients;
	void (*goodbye)(void *owner, struct uuid client, bool said);
	void *goodbye_owner;
	struct handover handovers[HANDOVERS];

	/* calling */
	struct table peers;
	uint32_t calls; /* fibers inside rpc_call() */
	uint32_t connectors;
	uint8_t *scratch; /* RPC_INLINE_MAX bytes; used between two yields */

	struct metric metrics[RPC_METRICS];
};

static inline void
rpc_count(struct rpc *rpc, enum rpc_metric metric, int64_t amount)
{
	metric_add(&rpc->metrics[metric], amount);
}

/* Something that rpc_destroy() waits for has ended. */
static inline void
rpc_ended(struct rpc *rpc)
{
	if (rpc->closing)
		wait_queue_wake_all(&rpc->quiet);
}

/* ------------------------------------------------ serving */

/* A client process with connections to this loop. */
struct client {
	struct table_node node;
	struct uuid incarnation;
	uint32_t connections;
};

struct listening {
	struct list link;
	struct rpc *rpc;
	struct rpc *const *group;
	uint32_t group_count;
	struct listener *listener;
};

enum inbound_state {
	INBOUND_OPENING, /* no hello yet; on the loop that accepted it */
	INBOUND_OPEN,
	INBOUND_REFUSED, /* told so; the client is to hang up */
	INBOUND_ENDED,	 /* handlers may still run */
};

/* A connection that a client made. */
struct inbound {
	struct list link;
	struct rpc *rpc;
	struct listening *listening;   /* while opening */
	struct connection *connection; /* NULL once ended */
	enum inbound_state state;
	struct client *client;	 /* while open */
	struct uuid incarnation; /* of the client */
	struct peer_credentials credentials;
	struct list tasks;
	uint32_t task_count;
	struct timer timer; /* for the hello, and for hanging up */
};

/* A request and the fiber that serves it. */
struct task {
	struct rpc_request request;
	struct list link; /* of inbound->tasks or rpc->spare_tasks */
	struct inbound *inbound;
	struct message *message; /* holds request.body */
	const struct service *service;
	struct fiber *fiber;
	uint64_t deadline;
	uint8_t *large; /* a reply beyond `small` */
	bool no_memory; /* for `large` */
	uint8_t small[TASK_REPLY];
};

/* ------------------------------------------------ frame.c */

/* Sends one frame; fills in stamp and incarnation. id may be NULL without PROTO_REQUEST_ID. */
MUST_USE int rpc_frame_send(struct rpc *rpc, struct connection *connection,
			    struct proto_header *header, const struct request_id *id,
			    const struct iovec *body, uint32_t body_count);

/* Takes a frame apart and counts it; one that is malformed is counted and logged. */
MUST_USE int rpc_frame_receive(struct rpc *rpc, const struct message *message,
			       struct proto_frame *ret_frame);

/* Takes note of the stamp of a frame; -DER_HLC_SYNC when it is too far ahead. */
MUST_USE int rpc_frame_observe(struct rpc *rpc, const struct proto_header *header);

/* ------------------------------------------------ inbound.c */

/*
 * Makes the inbound side of a connection which is then given by inbound->connection; NULL: no
 * memory.
 */
struct inbound *rpc_inbound_create(struct rpc *rpc, enum inbound_state state);

/* Ends the connection, cancels its handlers, and frees inbound when it has none. */
void rpc_inbound_end(struct inbound *inbound, bool said);

/* Frees inbound when it has neither connection nor tasks. */
void rpc_inbound_release(struct inbound *inbound);

/* Welcomes or refuses the client of a hello on this loop. */
void rpc_inbound_open(struct inbound *inbound, const struct introduction *introduction,
		      uint32_t loops);
void rpc_inbound_refuse(struct inbound *inbound, int status);

extern const struct connection_handler rpc_inbound_handler;

/* ------------------------------------------------ serve.c */

/* Serves or refuses one request; takes message. */
void rpc_request_arrived(struct inbound *inbound, const struct proto_frame *frame,
			 struct message *message);

/* Frees the spare tasks. */
void rpc_tasks_fini(struct rpc *rpc);

/* ------------------------------------------------ listen.c */

/* Hands a connection that said hello to the loop it is for. */
void rpc_handover_send(struct inbound *inbound, struct rpc *to,
		       const struct introduction *introduction);
void rpc_handovers_init(struct rpc *rpc);
bool rpc_handovers_pending(struct rpc *rpc);

/* ------------------------------------------------ peer.c */

#define NO_SLOT UINT32_MAX

/* A call under way; lives on its fiber's stack. */
struct running {
	struct list link;	      /* of peer->waiting */
	struct completion completion; /* of the wait for a slot, then for the reply */
	uint32_t slot;		      /* NO_SLOT: none, or the connection is gone */
	uint32_t key_count;
	uint64_t keys[RPC_REGIONS]; /* registered regions */
	struct message *message;    /* the reply */
	struct proto_frame frame;   /* of it */
};

/*
 * A credit. It stays taken after its call has gone until the server's reply or the connection's
 * end.
 */
struct slot {
	struct running *running; /* NULL: nobody waits */
	uint64_t number;	 /* of the call */
	uint32_t next_free;
};

struct rpc_peer {
	struct table_node node;
	struct rpc *rpc; /* NULL after rpc_destroy() */
	struct arena *arena;
	uint32_t references;
	uint32_t tag;
	uint32_t address_count;
	char **addresses;
	struct connection *connection; /* NULL: none */
	struct fiber *connector;       /* NULL: nobody is connecting */
	struct wait_queue reaching;
	int reach_result;
	char reach_text[sizeof(((struct error_origin *)0)->text)]; /* why */
	struct slot *slots;
	uint32_t slot_count;
	uint32_t first_free;
	uint64_t calls;	     /* numbered so far */
	uint32_t active;     /* slots whose call waits */
	struct list waiting; /* for a slot: struct running */
	struct timer idle;
	uint64_t last_used;
	bool met;
	uint32_t loops;
	uint32_t rank;
	struct uuid incarnation;
};

/* Has a connection when it returns 0; -DER_UNREACH and others as rpc_call(). *Yields*. */
MUST_USE int rpc_peer_reach(struct rpc_peer *peer);

/* Ends the connection: calls under way get result, those that wait for a slot -DER_UNREACH. */
void rpc_peer_lost(struct rpc_peer *peer, int result);

/*
 * Takes a slot, in the order of arrival; -DER_UNREACH when the connection ends meanwhile. *Yields*.
 */
MUST_USE int rpc_slot_take(struct rpc_peer *peer, struct running *running);

/* Gives a slot back, to the call that waits longest. */
void rpc_slot_give(struct rpc_peer *peer, uint32_t slot);

/* Closes the memory of a call to its server. */
void rpc_regions_close(struct running *running, struct connection *connection);

/* Cuts all peers off from rpc and fails their calls. */
void rpc_peers_close(struct rpc *rpc);
void rpc_peers_orphan(struct rpc *rpc);
