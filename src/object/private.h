/* SPDX-License-Identifier: BSD-2-Clause-Patent */
/*
 * The inside of object. serve.c: the table of calls; operation.c: what every operation begins and
 * ends with, and the line of every change; akeys.c (pure): akeys of a message as vos takes them;
 * buffer.c: memory for payload; update.c, fetch.c, punch.c, list.c, query.c: one verb each.
 */
#pragma once

#include "object/dtx/dtx.h"
#include "object/object.h"

/* ------------------------------------------------ limits */

/* Spare payload buffers that a loop keeps, bytes. */
#define SPARE_LIMIT (8u * 1024 * 1024)
/* Buffers are powers of two between these. */
#define BUFFER_MIN (64u * 1024)
#define BUFFER_MAX (8u * 1024 * 1024)
#define BUFFER_CLASSES 8u
_Static_assert(BUFFER_MIN << (BUFFER_CLASSES - 1) == BUFFER_MAX, "one class per power of two");
_Static_assert(VOS_PAYLOAD_MAX + VOS_AKEYS_MAX * DISK_BLOCK <= BUFFER_MAX,
	       "each akey begins at a block");

/* How often a change is tried with an epoch of the target's own; each is newer than all that was
 * seen. */
#define EPOCHS_MAX 16u
/* Payload up to this many bytes travels inside the answer. */
#define ANSWER_INLINE (32u * 1024)
/* Bytes of one akey's value in a listing. */
#define LISTED_VALUE_MAX 4096u
/* Entries of one page, and bytes of its entries. */
#define PAGE_ENTRIES 4096u
#define PAGE_BYTES (64u * 1024)
/* Operations have numbers below PROTO_OBJECT + this. */
#define OPERATIONS 9u

/* ------------------------------------------------ the service of a loop */

/* Memory for payload: a limit for all that is under way, and spare buffers. */
struct buffers {
	struct arena *arena;
	struct fiber_semaphore permits; /* bytes */
	struct list spare[BUFFER_CLASSES];
	uint64_t spare_bytes;
};

struct object_service {
	struct node *node;
	struct arena *arena;
	struct env *env;
	struct dtx *dtx;
	struct buffers buffers;
	struct metric counts[OPERATIONS];
};

void buffers_init(struct buffers *buffers, struct arena *arena);
void buffers_fini(struct buffers *buffers);

/* A share of the limit, and the buffer taken for it, if any. Zero-initialised is none. */
struct payload {
	struct buffers *buffers;
	uint64_t permits; /* bytes */
	uint32_t class;
	uint8_t *data; /* aligned to DISK_BLOCK; NULL: a share of the limit only */
};

/* Takes a share for memory that somebody else allocates. *Yields*, first come first served;
 * -DER_TIMEDOUT, -DER_CANCELED. */
MUST_USE int payload_admit(struct buffers *buffers, uint64_t bytes, struct payload *ret_payload);
/* Takes a share and a buffer of at least so many bytes, at most BUFFER_MAX. *Yields*; also
 * -DER_NOMEM. */
MUST_USE int payload_get(struct buffers *buffers, uint64_t bytes, struct payload *ret_payload);
void payload_put(struct payload *payload);
#define AUTO_PUT __attribute__((cleanup(payload_put)))

/* ------------------------------------------------ operations */

/* One request on its container. */
struct operation {
	struct object_service *service;
	struct rpc_request *request;
	struct container_access access;
	struct uuid pool;
	uint32_t target;
	bool held;			 /* the target */
	struct vos_container *container; /* NULL: not opened */
	struct vos_object object;
	uint64_t epoch; /* of the message */
	struct uuid transaction;
	uint32_t conditions;
};

/*
 * Checks the handle, its right and the map version, and opens the container on the target.
 * operation is zeroed and is left in any case. -DER_NO_HDL, -DER_NO_PERM, -DER_STALE (another map
 * version, or another loop serves the target), -DER_NONEXIST. *Yields*.
 */
MUST_USE int operation_enter(struct operation *operation, const struct proto_object *message,
			     uint32_t capability);
void operation_leave(struct operation *operation);
#define AUTO_LEAVE __attribute__((cleanup(operation_leave)))

/*
 * Before a read: draws its epoch where a transaction has none yet. What is read is then noted by
 * operation_note(). *Yields*. -DER_HLC_SYNC and what node_epoch() returns.
 */
MUST_USE int operation_view(struct operation *operation);
/* Notes what a transaction is about to read, as vos_note_read(). Does not yield. */
void operation_note(const struct operation *operation, enum vos_level level, struct vos_key dkey,
		    struct vos_key akey);

/* The epoch to read at. */
uint64_t operation_epoch(const struct operation *operation);
/* What the answer to a read tells of it: that of a transaction; 0 otherwise. */
uint64_t operation_told(const struct operation *operation);

/*
 * Makes a change: draws its epoch unless the message gave one, calls change, and waits until it is
 * durable. A drawn epoch that came too late is drawn again. *Yields*.
 */
MUST_USE int operation_change(struct operation *operation,
			      int (*change)(void *argument, const struct vos_change *change,
					    uint64_t *ret_group),
			      void *argument);

static inline struct vos_key
object_key(struct proto_text text)
{
	return (struct vos_key){.data = text.length ? text.data : NULL, .length = text.length};
}

/* ------------------------------------------------ akeys: pure */

/* The akeys of a message as vos takes them: one block, or none where the few of small suffice. */
struct object_akeys {
	struct arena *arena;
	void *block; /* NULL: in small */
	uint32_t count;
	struct vos_akey *akeys;
	struct iovec *iov; /* one per akey */
	uint64_t bytes;	   /* of all payload; update only */
	_Alignas(16) uint8_t small[1024];
};

/* Keys and extents; keys are borrowed. -DER_NOMEM; -DER_INVAL for too many extents, -DER_OVERFLOW
 * for more records than a number holds. */
MUST_USE int object_akeys_init(struct object_akeys *akeys, struct arena *arena,
			       const struct proto_akey *from, uint32_t count);
void object_akeys_fini(struct object_akeys *akeys);
#define AUTO_FINI __attribute__((cleanup(object_akeys_fini)))

/*
 * For an update: lengths of the payloads (in iov, without a base yet) and sums. -DER_INVAL for
 * counts that contradict each other, -DER_OVERFLOW, -DER_REC2BIG.
 */
MUST_USE int object_akeys_measure(struct object_akeys *akeys, const struct proto_akey *from);

/* The same in memory of the caller's, for several changes: how many extents, checked; the akeys
 * with room for those behind each other, returns what is left of extents; lengths and sums, *bytes
 * goes on from its value. */
MUST_USE int object_akeys_count(const struct proto_akey *from, uint32_t count,
				uint64_t *extent_count);
struct vos_extent *object_akeys_copy(const struct proto_akey *from, uint32_t count,
				     struct vos_akey *akeys, struct iovec *iov,
				     struct vos_extent *extents);
MUST_USE int object_akeys_lengths(const struct proto_akey *from, uint32_t count,
				  struct vos_akey *akeys, struct iovec *iov, uint64_t *bytes);

/* ------------------------------------------------ verbs: each serves one request */

int object_update(void *owner, struct rpc_request *request);
int object_fetch(void *owner, struct rpc_request *request);
int object_punch(void *owner, struct rpc_request *request);
int object_punch_dkeys(void *owner, struct rpc_request *request);
int object_punch_akeys(void *owner, struct rpc_request *request);
int object_list(void *owner, struct rpc_request *request);
int object_query(void *owner, struct rpc_request *request);
int object_commit(void *owner, struct rpc_request *request);

/* ------------------------------------------------ positions of listings, pure */

/* Writes the few bytes that tell a position; at most PROTO_POSITION_MAX. */
void position_encode(const struct vos_position *position, struct writer *writer);
/* Empty bytes are the begin. -DER_PROTO. */
MUST_USE int position_decode(struct proto_text bytes, struct vos_position *ret_position);
