/* SPDX-License-Identifier: BSD-2-Clause-Patent */
/* A connection over a stream socket, and its parts: output, input, bulk transfers. Private to
 * env/linux. */
#pragma once

#include <sys/socket.h>

#include "env/linux/chunk.h"
#include "env/linux/frame.h"
#include "env/linux/world.h"

/* Bulk transfers of one connection on the wire at a time; more wait here, and a peer that exceeds
 * it breaks the protocol. */
#define TRANSFERS_ON_WIRE 1024u
/* Regions of one connection. */
#define REGION_LIMIT 65536u
/* Bytes received from one connection in one turn before the others are looked at. */
#define RECEIVE_BUDGET (2u * 1024 * 1024)

enum connection_state {
	CONNECTION_CONNECTING, /* the kernel is at it, or is to be asked again */
	CONNECTION_OPEN,
	CONNECTION_FAILED, /* ended, handler->closed() is still to be called */
	CONNECTION_ENDED,  /* handler->closed() was called */
	CONNECTION_CLOSED, /* by the owner: only the memory is left */
};

/* Memory that the peer may reach. */
struct region {
	struct iovec *iov;
	uint32_t iov_count;
	uint32_t generation; /* the high half of the key */
	uint32_t sending;    /* output segments that point into it */
	uint32_t next_free;  /* while unused: index + 1 of the next unused one, 0: none */
	uint8_t access;
	bool used;
	uint64_t length;
};

/* A bulk transfer that this side began. */
struct transfer {
	struct list link; /* on the wire in order of tags, or waiting */
	enum bulk_access direction;
	uint64_t tag;
	uint64_t key;
	uint64_t offset;
	uint64_t length;
	const struct iovec *iov;
	uint32_t iov_count;
	bool queued; /* its memory is still in the output */
	struct completion *completion;
};

/* A piece of output: bytes of its own, or memory of others, which stays theirs. */
struct segment {
	struct list link;
	uint8_t *bytes;		 /* own; NULL: borrowed */
	uint32_t capacity;	 /* own */
	uint32_t answers;	 /* bulk answers that end inside it: counted until it is sent */
	const struct iovec *iov; /* borrowed */
	uint32_t iov_count;
	struct region *region;	   /* the region that iov lies in, or NULL */
	struct transfer *transfer; /* the transfer whose memory it is, or NULL */
	uint64_t iov_offset;	   /* borrowed: where the segment begins in iov */
	uint64_t length;	   /* bytes in all */
	uint64_t sent;		   /* bytes the kernel has taken */
};

struct output {
	struct list segments;
	struct segment *spare; /* one of the usual size, kept */
	uint64_t owned;	       /* bytes copied and not yet taken by the kernel */
	uint32_t frames;       /* sent since the last flush */
	uint32_t answers;      /* answers to the peer's transfers, queued */
	bool blocked;	       /* the kernel has no room: wait for writability */
};

/* Bulk data on its way into memory. */
struct bulk_input {
	bool active;
	struct transfer *transfer; /* what it answers, or NULL */
	struct region *region;	   /* or where it goes; both NULL: nowhere */
	uint64_t offset;	   /* in the memory of transfer or region */
	uint64_t left;
	uint64_t tag;
	int status; /* of the answer */
};

struct input {
	struct chunk *chunk; /* of the present receive, or with part of a frame; NULL: none */
	uint32_t begin, end; /* bytes not consumed */
	uint32_t skip;	     /* padding to leave out */
	size_t needed;	     /* bytes from begin that the partial frame needs to get further */
	uint64_t received;   /* in all: frames stay aligned in memory as they are in the stream */
	struct bulk_input bulk;
};

struct linux_connection {
	struct connection connection;
	struct linux_transport *transport;
	struct watch watch;
	enum connection_state state;
	int reason; /* why it failed */
	bool watched;
	bool hangup;	  /* the peer sends no more: receive until the end is met */
	uint32_t pins;	  /* the owner, the watch, each function that is at work on it */
	struct list link; /* transport->connections */
	struct list dirty_link, deferred_link, connecting_link;
	uint64_t deadline; /* of the connect, 0: none */
	struct output output;
	struct input input;
	struct region **regions;
	uint32_t region_count;
	uint32_t regions_used;
	uint32_t region_free;  /* index + 1 of an unused one, 0: none */
	struct list transfers; /* on the wire */
	struct list transfers_waiting;
	uint32_t transfer_count;
	uint64_t next_tag;
	bool local; /* Unix socket */
	bool retry; /* ask the kernel again to connect: the listener's queue was full */
	struct sockaddr_storage address; /* of the other side, while connecting */
	socklen_t address_length;
};

static inline struct linux_connection *
connection_of(struct connection *connection)
{
	return container_of(connection, struct linux_connection, connection);
}

/* connection.c */

/* Takes fd (-1: not yet known); state is CONNECTING. -DER_NOMEM, or -DER_BUSY at the limit: fd
 * stays the caller's. */
MUST_USE int linux_connection_create(struct linux_transport *transport, int fd, bool local,
				     struct linux_connection **ret_connection);
/* The socket is connected: begins to watch it. */
MUST_USE int connection_begin(struct linux_connection *self);
/* Ends it with reason and tells the owner. Inside poll only. */
void connection_end(struct linux_connection *self, int reason);
/* Ends it, dropping all output; the owner is told by the next poll. */
void connection_fail_later(struct linux_connection *self, int reason);
/* Looks at it in the next poll without an event. */
void connection_defer(struct linux_connection *self);
/* What a deferred connection needs. */
void connection_attend(struct linux_connection *self);
void connection_mark_dirty(struct linux_connection *self);
void connection_pin(struct linux_connection *self);
void connection_unpin(struct linux_connection *self);
bool connection_alive(const struct linux_connection *self);
extern const struct connection_operations linux_connection_operations;

/* What travels between loops: the socket, and what was received and not delivered. */
struct detached {
	int fd;
	bool local;
	uint32_t skip;
	uint64_t received;
	size_t length;
	uint8_t data[];
};
int connection_detach_handle(struct connection *connection, void **ret_handle);
/* Continues it; the handle is freed. -DER_NOMEM, -DER_BUSY: the handle stays. */
MUST_USE int connection_adopt_handle(struct linux_transport *transport, struct detached *handle,
				     struct linux_connection **ret_connection);

/* output.c */

int connection_send_frame(struct connection *connection, const struct iovec *iov,
			  uint32_t iov_count);
/* Appends copied bytes and, behind them, borrowed memory. -DER_NOMEM. */
MUST_USE int output_copy(struct linux_connection *self, const void *bytes, size_t length);
MUST_USE int output_borrow(struct linux_connection *self, const struct iovec *iov,
			   uint32_t iov_count, uint64_t offset, uint64_t length,
			   struct region *region, struct transfer *transfer);
MUST_USE int output_pad(struct linux_connection *self, uint64_t length);
/* The answer that was just appended counts until it is sent. */
void output_count_answer(struct linux_connection *self);
/* Copies what is left of the segments that point into region. -DER_NOMEM. */
MUST_USE int output_release_region(struct linux_connection *self, struct region *region);
/* Hands output to the kernel until it refuses; 0, or the reason to end. */
MUST_USE int output_flush(struct linux_connection *self);
void output_drop(struct linux_connection *self);

/* input.c */

/* Receives and delivers until the kernel has no more, or the budget is used up. Ends the connection
 * where that is due. */
void input_receive(struct linux_connection *self);
/* Delivers the frames in the input. False when the connection ended meanwhile. */
bool input_deliver(struct linux_connection *self);
void input_drop(struct linux_connection *self);
/* Takes over what another loop had received. -DER_NOMEM. */
MUST_USE int input_restore(struct linux_connection *self, const struct detached *handle);

/* bulk.c */

int linux_bulk_register(struct connection *connection, const struct iovec *iov, uint32_t iov_count,
			enum bulk_access access, uint64_t *ret_key);
void linux_bulk_deregister(struct connection *connection, uint64_t key);
void linux_bulk_transfer(struct connection *connection, enum bulk_access direction, uint64_t key,
			 uint64_t offset, const struct iovec *iov, uint32_t iov_count,
			 struct completion *completion);
/* Frames of the peer that concern bulk; 0, or the reason to end the connection. */
MUST_USE int bulk_frame(struct linux_connection *self, const struct frame *frame);
/* Where the next bytes of bulk data go: up to limit pieces in iov; 0 pieces: nowhere. */
uint32_t bulk_input_pieces(struct linux_connection *self, struct iovec *iov, uint32_t limit);
/* length bytes of bulk data have arrived in place. */
MUST_USE int bulk_input_advance(struct linux_connection *self, uint64_t length);
/* Ends the transfers with -DER_UNREACH. */
void linux_bulk_fail_all(struct linux_connection *self);
void bulk_free_regions(struct linux_connection *self);
