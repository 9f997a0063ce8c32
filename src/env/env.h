/* SPDX-License-Identifier: BSD-2-Clause-Patent */
/*
 * The seams between Cairn and the world: clock, randomness, transport, storage, memory, the place
 * where a loop sleeps, and the choice of the next ready fiber. One struct env belongs to one loop.
 * Implementations: env/linux (io_uring or epoll with I/O threads), env/memory (for tests), the
 * simulator.
 *
 * An operation that takes time is submitted with a struct completion and ends by
 * completion_signal() of fiber/, called from inside the poller on the loop's thread. Nothing here
 * is shared between loops unless it says so.
 */
#pragma once

#include <sys/uio.h>

#include "base/base.h"

struct fiber;

/* ------------------------------------------------ completion */

/* The end of one operation. Zero it before submitting; the fiber that waits is set by
 * completion_wait(). */
struct completion {
	bool done;
	int result;	      /* 0, or a negative DAOS code */
	struct fiber *waiter; /* private to fiber/ */
};

/* ------------------------------------------------ clock and randomness */

struct clock {
	/* Nanoseconds that never go back, from an arbitrary start. */
	uint64_t (*monotonic)(struct clock *clock);
	/* Nanoseconds since 1970-01-01 UTC; may jump. */
	uint64_t (*realtime)(struct clock *clock);
};

struct randomness {
	/* 64 unpredictable bits. */
	uint64_t (*next)(struct randomness *randomness);
};

/* ------------------------------------------------ where a loop sleeps */

struct poller {
	/*
	 * Signals the completions that are there; if there is none, sleeps until one arrives,
	 * poller->wake is called, or timeout_ns have passed (0: do not sleep). Delivers connection
	 * events.
	 */
	void (*poll)(struct poller *poller, uint64_t timeout_ns);
	/* Ends the present or the next sleep. Any thread. */
	void (*wake)(struct poller *poller);
};

/* The seam through which a simulator picks the next of count ready fibers; production has none and
 * takes the first. */
struct chooser {
	uint32_t (*choose)(struct chooser *chooser, uint32_t count);
};

/* ------------------------------------------------ storage */

/* Base, length and offset of every transfer are multiples of it, and buffers are aligned to it. */
#define DISK_BLOCK 4096u

enum disk_operation { DISK_READ, DISK_WRITE, DISK_FLUSH, DISK_ZERO, DISK_DISCARD };

/* At most this many buffers in one transfer. */
#define DISK_IOV_MAX 64u

struct disk;

/* One operation on a disk. The caller keeps it and its buffers unchanged until the completion. */
struct disk_io {
	enum disk_operation operation;
	bool durable;		 /* DISK_WRITE: on stable media when it completes (FUA) */
	const struct iovec *iov; /* read, write */
	uint32_t iov_count;
	uint64_t offset;	      /* bytes */
	uint64_t length;	      /* bytes; of read and write: the sum of iov */
	struct completion completion; /* -DER_IO, -DER_NOSPACE, ... */
	struct disk *disk;	      /* set by disk_submit() */
	void *private_data[6];	      /* of the implementation */
};

struct disk_operations {
	/* Starts io; never fails by itself, errors arrive in the completion. It may be complete on
	 * return. */
	void (*submit)(struct disk *disk, struct disk_io *io);
	/* Closes; no operation may be under way. Frees disk. */
	void (*close)(struct disk *disk);
};

/* A file or a block device, open for one loop. */
struct disk {
	const struct disk_operations *operations;
	uint64_t size;	     /* bytes, a multiple of DISK_BLOCK */
	bool volatile_cache; /* a flush costs: writes are lost at a power cut until flushed */
	bool thin;	     /* space was not allocated in advance */
};

static inline void
disk_submit(struct disk *disk, struct disk_io *io)
{
	io->disk = disk;
	io->completion.done = false;
	io->completion.result = 0;
	io->completion.waiter = NULL;
	disk->operations->submit(disk, io);
}

static inline void
disk_close(struct disk *disk)
{
	disk->operations->close(disk);
}

enum storage_allocate {
	STORAGE_THIN,	   /* sparse: blocks appear when written */
	STORAGE_ALLOCATED, /* blocks exist, reading zeros; not yet written */
	STORAGE_ZEROED, /* blocks exist and were written with zeros: no metadata update at a later
			   write */
};

/*
 * A directory of named disks. Names are relative paths with '/', without "..". All calls are made
 * on a loop's fiber or before the loop runs; they may block the thread shortly (creation and
 * removal are rare) but do not yield.
 */
struct storage {
	/* -DER_EXIST, -DER_NOSPACE. Durable (file and its directory entry) when it returns. Opens
	 * it too. */
	int (*create)(struct storage *storage, const char *name, uint64_t size,
		      enum storage_allocate allocate, struct disk **ret_disk);
	/* -DER_NONEXIST. */
	int (*open)(struct storage *storage, const char *name, struct disk **ret_disk);
	/* -DER_NONEXIST. The space is free, durably, when it returns; an open disk stays usable. */
	int (*remove)(struct storage *storage, const char *name);
	/* Calls visit for each disk whose name begins with prefix, in no order, until visit returns
	 * non-zero, which is returned. */
	int (*list)(struct storage *storage, const char *prefix,
		    int (*visit)(void *argument, const char *name), void *argument);
	/* Total and free bytes of what lies beneath. */
	int (*space)(struct storage *storage, uint64_t *ret_total, uint64_t *ret_free);
};

/* ------------------------------------------------ transport */

/*
 * Addresses are strings: "tcp:127.0.0.1:10001", "unix:/run/cairn/engine-0.sock", "memory:name".
 *
 * A connection carries frames in order, each delivered at most once, whole and undamaged by the
 * network's own lights (frames above carry checksums). It ends exactly once with handler->closed(),
 * after which nothing arrives any more; what was sent last may or may not have arrived. A peer that
 * dies is reported at once where the host is reachable, and within the time-out of the transport
 * where it is not.
 */
struct connection;
struct listener;

/* The largest frame that connection_send() takes. Larger payload goes by bulk transfer. */
#define FRAME_MAX (192u * 1024)

/* A frame that arrived; data stays valid until message_put(). */
struct message {
	const uint8_t *data;
	size_t length;
	void (*put)(struct message *message);
};

static inline void
message_put(struct message *message)
{
	message->put(message);
}

/* Who is at the other end of a connection inside the host. */
struct peer_credentials {
	bool known; /* false over TCP */
	uint32_t user;
	uint32_t group;
	int32_t process;
};

/* Called on the loop's thread, outside any fiber, from inside poll. They must not yield; they start
 * or wake fibers. */
struct connection_handler {
	/* A frame came; takes message. */
	void (*message)(struct connection *connection, struct message *message);
	/* The connection ended; reason is a negative DAOS code (-DER_UNREACH, -DER_PROTO).
	 * connection is freed by connection_close(), which the owner must still call. */
	void (*closed)(struct connection *connection, int reason);
};

enum bulk_access { BULK_READ = 1, BULK_WRITE = 2 };

struct connection_operations {
	int (*send)(struct connection *connection, const struct iovec *iov, uint32_t iov_count);
	void (*close)(struct connection *connection);
	int (*bulk_register)(struct connection *connection, const struct iovec *iov,
			     uint32_t iov_count, enum bulk_access access, uint64_t *ret_key);
	void (*bulk_deregister)(struct connection *connection, uint64_t key);
	void (*bulk_transfer)(struct connection *connection, enum bulk_access direction,
			      uint64_t key, uint64_t offset, const struct iovec *iov,
			      uint32_t iov_count, struct completion *completion);
	int (*detach)(struct connection *connection, void **ret_handle);
};

struct connection {
	const struct connection_operations *operations;
	const struct connection_handler *handler; /* set by the owner */
	void *owner;				  /* the owner's own */
	struct peer_credentials credentials;
	uint64_t queued; /* bytes sent and not yet taken by the kernel or the peer */
};

/* Queues one frame, copied before it returns. -DER_UNREACH when the connection has ended,
 * -DER_OVERFLOW above FRAME_MAX. */
static inline MUST_USE int
connection_send(struct connection *connection, const struct iovec *iov, uint32_t iov_count)
{
	return connection->operations->send(connection, iov, iov_count);
}

/* Ends the connection from this side, without a call of handler->closed(), fails its transfers, and
 * frees it. */
static inline void
connection_close(struct connection *connection)
{
	connection->operations->close(connection);
}

/* Opens memory (borrowed until deregistered) to bulk transfers of the peer of this connection only.
 */
static inline MUST_USE int
connection_bulk_register(struct connection *connection, const struct iovec *iov, uint32_t iov_count,
			 enum bulk_access access, uint64_t *ret_key)
{
	return connection->operations->bulk_register(connection, iov, iov_count, access, ret_key);
}

/* After it returns the peer can neither read nor change the memory any more; also allowed after the
 * connection ended. */
static inline void
connection_bulk_deregister(struct connection *connection, uint64_t key)
{
	connection->operations->bulk_deregister(connection, key);
}

/*
 * Reads from (BULK_READ) or writes to (BULK_WRITE) the peer's registered memory, from byte offset
 * of the region on. iov and its memory are borrowed until the completion: 0, -DER_UNREACH, or
 * -DER_NO_PERM for a key that is not (any more) registered or a range outside it. A completed write
 * has been handed over, not necessarily arrived; frames sent afterwards arrive after it.
 */
static inline void
connection_bulk_transfer(struct connection *connection, enum bulk_access direction, uint64_t key,
			 uint64_t offset, const struct iovec *iov, uint32_t iov_count,
			 struct completion *completion)
{
	connection->operations->bulk_transfer(connection, direction, key, offset, iov, iov_count,
					      completion);
}

/*
 * Takes the connection off this loop, with all that arrived and was not delivered; *ret_handle goes
 * to transport->adopt() of another loop of the same process. Allowed from inside handler->message,
 * with nothing queued and no region registered. connection is freed.
 */
static inline MUST_USE int
connection_detach(struct connection *connection, void **ret_handle)
{
	return connection->operations->detach(connection, ret_handle);
}

struct listener_handler {
	/* A peer connected: set connection->handler and owner before returning, or close it. */
	void (*accepted)(void *owner, struct connection *connection);
};

struct transport {
	/* -DER_ADDR_BUSY... when the address is taken (-DER_BUSY), -DER_INVAL when it cannot be
	 * read. "tcp:127.0.0.1:0" picks a free port; ret_address (at least 128 bytes) receives the
	 * address as bound. */
	int (*listen)(struct transport *transport, const char *address,
		      const struct listener_handler *handler, void *owner,
		      struct listener **ret_listener, char *ret_address);
	void (*unlisten)(struct transport *transport, struct listener *listener);
	/*
	 * Starts to connect and returns at once; frames may be sent immediately and wait. When it
	 * fails handler->closed() is called. timeout_ns bounds the wait for the other side.
	 */
	int (*connect)(struct transport *transport, const char *address, uint64_t timeout_ns,
		       const struct connection_handler *handler, void *owner,
		       struct connection **ret_connection);
	/* Continues a detached connection on this loop; undelivered frames arrive at the next poll.
	 */
	int (*adopt)(struct transport *transport, void *handle,
		     const struct connection_handler *handler, void *owner,
		     struct connection **ret_connection);
	/* Frees a handle that nobody adopts; the connection ends. */
	void (*discard)(struct transport *transport, void *handle);
};

/* ------------------------------------------------ users */

/* A look-up of a user's names: its own, and those of the groups it is in. */
#define USER_GROUPS_MAX 64u
#define USER_NAMES_MAX 4096u
struct user_lookup {
	uint32_t user, group;	      /* numbers: whose names, and the primary group */
	struct completion completion; /* -DER_NONEXIST: no such user here; -DER_NOMEM, -DER_IO */
	uint32_t group_count;	      /* the primary group is the first; what is beyond
					 USER_GROUPS_MAX or has no room is left out */
	char text[USER_NAMES_MAX]; /* the user's name, then the groups', a zero byte after each */
};

/* The users that this machine knows. */
struct users {
	/* Looks lookup up, which is borrowed until its completion. It may be complete on return. */
	void (*look_up)(struct users *users, struct user_lookup *lookup);
};

/* ------------------------------------------------ env */

struct env {
	struct context *context;
	struct arena *arena;
	struct clock *clock;
	struct randomness *randomness;
	struct poller *poller;
	struct chooser *chooser; /* NULL in production */
	struct storage *storage; /* NULL where there is none (a client) */
	struct transport *transport;
	struct users *users; /* NULL: users have numbers only */
	/* Whose process this is; told to peers that cannot see it. */
	struct peer_credentials self;
};

static inline uint64_t
env_monotonic(struct env *env)
{
	return env->clock->monotonic(env->clock);
}

static inline uint64_t
env_realtime(struct env *env)
{
	return env->clock->realtime(env->clock);
}

static inline uint64_t
env_random(struct env *env)
{
	return env->randomness->next(env->randomness);
}
