/* SPDX-License-Identifier: BSD-2-Clause-Patent */
/* Private to env/memory: links, ends of connections, and what travels between them. */
#pragma once

#include "env/memory/world.h"

#define ADDRESS_MAX 128

/* A cut link ends its connections after so long. */
#define CUT_TIMEOUT_NS 10000000000ull

/* A state of a link that keeps things back, told once. */
struct obstacle {
	bool active;
	bool struck;
};

/* What tests ordered for a link. */
struct link_faults {
	uint32_t outlier_one_in; /* 0: none */
	uint64_t outlier_ns;
	uint64_t bandwidth; /* bytes per second; 0: no limit */
	bool bandwidth_struck;
	uint64_t bulk_late_ns;
	uint64_t drop_countdown; /* 0: none; 1: the next frame */
	uint64_t damage_countdown;
	uint64_t bulk_damage_countdown;
	struct obstacle cut;
	struct obstacle clog;
};

/* One direction between two nodes. Its streams: one for each purpose. */
struct link {
	struct memory_world *world;
	struct memory_node *from;
	struct memory_node *to;
	bool own_delay; /* otherwise the world's */
	uint64_t delay_ns;
	uint64_t jitter_ns;
	struct link_faults faults;
	uint64_t cut_since;
	uint64_t free_at; /* when all that queues for its bandwidth is through */
	uint64_t jitter_stream;
	uint64_t outlier_stream;
	uint64_t late_stream;
	uint64_t damage_stream;
	uint64_t loss_stream;
};

struct listener {
	struct list link; /* of world->listeners */
	struct memory_env *env;
	const struct listener_handler *handler;
	void *owner;
	char address[ADDRESS_MAX];
};

enum item_kind {
	ITEM_ACCEPT,
	ITEM_FRAME,
	ITEM_BULK_READ,
	ITEM_BULK_WRITE,
	ITEM_BULK_RESULT,
	ITEM_END
};

/* Something on its way to an end. A frame becomes the message that its handler receives. */
struct item {
	struct list link; /* of end->inbox, or of env->messages */
	uint64_t due;
	enum item_kind kind;
	int result;	   /* of a bulk transfer; the reason of an end */
	uint64_t transfer; /* whose result */
	uint64_t key;
	uint64_t offset;
	struct message message;
	size_t length;
	uint8_t data[];
};

/* Memory that the peer may reach. */
struct region {
	struct list link;
	uint64_t key;
	enum bulk_access access;
	uint32_t iov_count;
	struct iovec iov[];
};

/* A bulk transfer of this side that waits for its result. */
struct transfer {
	struct list link;
	uint64_t number;
	enum bulk_access direction;
	const struct iovec *iov;
	uint32_t iov_count;
	struct completion *completion;
};

/*
 * One side of a connection. It outlives its struct connection while detached, and belongs to the
 * owner's side only: when that closes it is gone, and the other end gets an ITEM_END.
 */
struct end {
	struct list link; /* of world->ends */
	struct memory_world *world;
	struct memory_env *env;
	struct memory_node *remote; /* where the peer is, also after it has gone */
	struct link *incoming;	    /* from there */
	struct end *peer;	    /* NULL when the connection has ended on either side */
	struct memory_connection *connection; /* NULL before it is accepted, and while detached */
	struct listener *listener;	      /* before it is accepted */
	struct peer_credentials credentials;  /* of the peer */
	struct list inbox;		      /* by due */
	struct list regions;
	struct list transfers;
	struct event event; /* armed for the head of inbox, the connect time-out, or the end of a
			       cut link */
	uint64_t last_due;  /* of what was sent to this end, but for bulk that is late */
	uint64_t last_bulk_due;
	uint64_t next_transfer;
	uint64_t connect_deadline; /* 0: connected, or no limit */
	uint32_t generation;	   /* changes when it is detached */
	bool detached;
	bool dispatching;
	bool broken; /* by this side: end_break() */
	bool ended;  /* closed() was called, or is not to be */
	bool dead;   /* free it after dispatching */
};

struct memory_connection {
	struct connection connection;
	struct end *end;
};

static inline struct end *
end_of(struct connection *connection)
{
	return container_of(connection, struct memory_connection, connection)->end;
}

/* Finds or makes the link. */
struct link *world_link(struct memory_world *world, struct memory_node *from,
			struct memory_node *to);

/* Tells that a fault took effect on the link. */
void link_strike(struct link *link, enum memory_fault fault, uint64_t offset, uint64_t length);

/* When what is sent now and carries so many bytes arrives. */
uint64_t link_due(struct link *link, uint64_t bytes);

/* How much later than that bulk arrives. */
uint64_t link_bulk_lateness(struct link *link, uint64_t bytes);

/* Whether the frame, or the bulk data, that is sent now is lost or damaged by order. */
bool link_drops(struct link *link, uint64_t bytes);
void link_damage_frame(struct link *link, uint8_t *data, uint64_t bytes);
void link_damage_bulk(struct link *link, uint8_t *data, uint64_t bytes);

/* Tells, once, that an obstacle keeps something back. */
void link_keeps_back(struct link *link, struct obstacle *obstacle, enum memory_fault fault);

/* An item without data has iov_count 0; item_create_raw() leaves it to the caller to fill in. */
struct item *item_create(enum item_kind kind, const struct iovec *iov, uint32_t iov_count);
struct item *item_create_raw(enum item_kind kind, size_t length);

/* Makes an end of env whose peer is at remote. */
struct end *end_create(struct memory_env *env, struct memory_node *remote,
		       const struct peer_credentials *credentials);
void connection_create(struct end *end, const struct connection_handler *handler, void *owner);

/* The end of a connection, on its way. */
struct item *item_end(void);

/* Arms the end for what is the next in its inbox. */
void end_arm_next(struct end *end);

/* The peer learns of the end after all that was sent before. */
void end_part(struct end *end);

/* Frees the end's own half, after the dispatch that is under way; the peer has been told. */
void end_release(struct end *end);

/* Sends item to `to` over the link from its peer's node. */
void end_post(struct end *to, struct item *item);

/* Makes sure that the end is looked at, at the latest at a time. */
void end_arm(struct end *end, uint64_t due);

/* Parts the two ends; each learns it by an ITEM_END in its inbox, this one at once. */
void end_break(struct end *end);

/* Bulk. */
int bulk_register(struct connection *connection, const struct iovec *iov, uint32_t iov_count,
		  enum bulk_access access, uint64_t *ret_key);
void bulk_deregister(struct connection *connection, uint64_t key);
void bulk_transfer(struct connection *connection, enum bulk_access direction, uint64_t key,
		   uint64_t offset, const struct iovec *iov, uint32_t iov_count,
		   struct completion *completion);
void bulk_serve(struct end *end, struct item *item);
void bulk_finish(struct end *end, const struct item *item);
void bulk_fail_all(struct end *end);
void bulk_forget(struct end *end);
