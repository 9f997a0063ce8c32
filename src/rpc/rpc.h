/* SPDX-License-Identifier: BSD-2-Clause-Patent */
/*
 * Remote procedure calls of one loop, both sides. Small requests travel inline; larger payload is
 * moved by the server, which pulls from and pushes to memory that the caller registered for the
 * call. Every call has a deadline, an HLC stamp both ways, a pool map version, a checksum and the
 * incarnation of both sides.
 */
#pragma once

#include "fiber/fiber.h"
#include "proto/proto.h"

struct rpc;
struct rpc_peer;

/* Requests and replies up to this many bytes of body travel inline. */
#define RPC_INLINE_MAX (96u * 1024)

struct rpc_options {
	struct uuid incarnation;   /* of this process; drawn anew at each start */
	struct hlc *clock;	   /* borrowed; shared by the loops of an engine */
	uint32_t rank;		   /* server: told to clients */
	const char *system;	   /* name of the system, up to 31 characters */
	uint32_t connection_limit; /* 0: 1024 */
	uint32_t credits;	   /* open requests per connection; 0: 128 */
	uint32_t request_limit; /* requests being served on this loop; beyond: -DER_OVERLOAD_RETRY;
				   0: 4096 */
	uint64_t idle_ns;	/* client connections without calls are closed after it; 0: 60 s */
	uint64_t connect_timeout_ns; /* 0: 5 s */
	/*
	 * Asked, on the fiber that connects, when nobody answers at any address of a peer: 0 when
	 * the addresses are to be tried once more at once, else why there is no connection. NULL:
	 * nobody is asked. *Yields*.
	 */
	int (*unreached)(void *owner);
	void *unreached_owner; /* borrowed */
};

/* Makes the RPC end of loop. Allocates from the loop's arena. */
MUST_USE int rpc_create(struct loop *loop, const struct rpc_options *options, struct rpc **ret_rpc);

/*
 * Says goodbye, closes all connections (calls under way end with -DER_CANCELED, handlers under way
 * are canceled and waited for) and frees rpc. Runs on a fiber of its loop, after the listening
 * member of its group has stopped to listen. Windows must be gone; peers may be put later, as long
 * as the loop's arena is there. *Yields*, uninterruptible.
 */
void rpc_destroy(struct rpc *rpc);

struct loop *rpc_loop(struct rpc *rpc);

/* ------------------------------------------------ serving */

/* A request being served, on a fiber of its own whose deadline is the caller's. */
struct rpc_request {
	struct rpc *rpc;
	/* Its map_version goes back in the reply; the handler may set its own. */
	struct proto_header header;
	struct request_id id; /* client is null when the caller sent none */
	struct reader body;   /* borrowed from the frame, valid while the handler runs */
	struct writer reply;  /* grows up to RPC_INLINE_MAX */
	struct peer_credentials credentials;
	void *private_data;
};

struct rpc_method {
	uint32_t operation;
	const char *name;
	/*
	 * Serves the request; its result becomes the reply's status. What was written to
	 * request->reply goes along, also with a failure. *Yields*.
	 */
	int (*serve)(void *owner, struct rpc_request *request);
};

/*
 * Serves the methods of a table (borrowed, as is owner) from now on. -DER_EXIST when an operation
 * is served already.
 */
MUST_USE int rpc_serve(struct rpc *rpc, const struct rpc_method *methods, uint32_t count,
		       void *owner);

/*
 * Listens on address. group lists the RPC ends of all loops of the engine (borrowed while
 * listening), of which rpc is one: a connection goes to the loop that its hello names. ret_address
 * as in transport->listen.
 */
MUST_USE int rpc_listen(struct rpc *rpc, const char *address, struct rpc *const *group,
			uint32_t group_count, char *ret_address);

/* Stops to listen; connections stay. */
void rpc_unlisten(struct rpc *rpc);

/*
 * From inside a handler: fills iov from the caller's region at offset on, or writes it there.
 * *Yields*. -DER_UNREACH, -DER_TIMEDOUT, -DER_CANCELED, -DER_NO_PERM. The buffers are not touched
 * after the return: at the deadline the transfer gets a second more to end (the caller closes its
 * regions at the same deadline, which ends it), then the connection is closed.
 */
MUST_USE int rpc_pull(struct rpc_request *request, struct proto_bulk bulk, uint64_t offset,
		      const struct iovec *iov, uint32_t iov_count);
MUST_USE int rpc_push(struct rpc_request *request, struct proto_bulk bulk, uint64_t offset,
		      const struct iovec *iov, uint32_t iov_count);

/* The number of requests being served; open connections. */
uint32_t rpc_serving(const struct rpc *rpc);
uint32_t rpc_connections(const struct rpc *rpc);

/*
 * Calls visit on the loop, outside any fiber, whenever the last connection of a client incarnation
 * to this loop has ended; said: with a goodbye, which is sent by rpc_destroy(), not by a connection
 * that was idle.
 */
void rpc_on_goodbye(struct rpc *rpc, void (*visit)(void *owner, struct uuid client, bool said),
		    void *owner);

/* ------------------------------------------------ calling */

/*
 * A loop of an engine, named by its addresses (tried in order) and a tag. Counted; connects when
 * first called and again after a loss. -DER_NOMEM, -DER_INVAL.
 */
MUST_USE int rpc_peer_get(struct rpc *rpc, const char *const *addresses, uint32_t address_count,
			  uint32_t tag, struct rpc_peer **ret_peer);
void rpc_peer_put(struct rpc_peer *peer);

/* What the peer told in its welcome: loops and rank; 0 before the first contact. */
uint32_t rpc_peer_loops(const struct rpc_peer *peer);
uint32_t rpc_peer_rank(const struct rpc_peer *peer);
struct uuid rpc_peer_incarnation(const struct rpc_peer *peer);

/*
 * A window of exactly-once sequences towards one target. From the lowest open one to the newest it
 * spans at most REQUEST_WINDOW, so that the target can keep them in a table of that size.
 */
struct rpc_window;
MUST_USE int rpc_window_create(struct rpc *rpc, struct rpc_window **ret_window);
void rpc_window_destroy(struct rpc_window *window);
/* Draws the next sequence. *Yields* while the window is full. */
MUST_USE int rpc_window_open(struct rpc_window *window, struct request_id *ret_id);
/* The answer of id has arrived, or id will never be sent again. */
void rpc_window_close(struct rpc_window *window, const struct request_id *id);

#define RPC_REGIONS 2u

/* At most this many pieces of body in one call. */
#define RPC_BODY_MAX 16u

/* The time of a call whose fiber has no deadline, and the longest that a server grants. */
#define RPC_TIMEOUT_NS (60 * UINT64_C(1000000000))
#define RPC_TIMEOUT_MAX_NS (600 * UINT64_C(1000000000))

struct rpc_call {
	uint32_t operation;
	uint32_t map_version;
	const struct request_id *id; /* NULL: not a modifying request */
	bool again;		     /* id was sent before */
	const struct iovec *body;    /* borrowed until the call returns */
	uint32_t body_count;
	/*
	 * Memory opened to the server until the call returns; the body's encoder needs the keys, so
	 * it is written by encode.
	 */
	struct {
		const struct iovec *iov;
		uint32_t iov_count;
		enum bulk_access access;
	} regions[RPC_REGIONS];
	uint32_t region_count;
	/*
	 * Writes the body once the keys of the regions are known; must not yield. An error ends the
	 * call unsent. NULL: body is used.
	 */
	int (*encode)(void *argument, const struct proto_bulk *bulks, struct writer *writer);
	void *encode_argument;
};

struct rpc_reply {
	struct proto_header header;
	struct reader body;
	struct message *message; /* private: holds the frame */
};

/*
 * Sends the request and waits for its answer. Returns the status of the reply, with *ret_reply set
 * whenever a reply came (rpc_reply_free() then; reply->message is NULL when none did, and freeing
 * is harmless), or: -DER_UNREACH no connection could be made, nothing was executed; -DER_TIMEDOUT,
 * -DER_CANCELED, -DER_AGAIN the connection was lost after sending: the outcome is unknown;
 * -DER_OVERLOAD_RETRY refused by the server before execution; -DER_MISMATCH another system,
 * -DER_HLC_SYNC a clock too far ahead, and whatever else refused the connection. Whether it may be
 * sent again is the caller's judgement. *ret_sent tells whether it may have been executed. After
 * the return the regions are not touched any more. A fiber without a deadline gets one of
 * RPC_TIMEOUT_NS for the call. *Yields*.
 */
MUST_USE int rpc_call(struct rpc_peer *peer, const struct rpc_call *call,
		      struct rpc_reply *ret_reply, bool *ret_sent);
void rpc_reply_free(struct rpc_reply *reply);
