/* SPDX-License-Identifier: BSD-2-Clause-Patent */
/*
 * Media: the log of one loop, and the heaps and data spaces whose changes it makes durable.
 *
 * A heap is an image of zones of 1 MiB, loaded when first needed, addressed by offsets. A local
 *transaction has two halves. *Prepare* may yield and fail: it takes the payload in and reserves
 *heap, log and data space. *Apply* is one NO_YIELD scope: look-ups and checks first, then changes,
 *which cannot fail, then tx_commit(). The bytes changed become one redo record of the open group of
 *the log. What was applied is visible to look-ups at once and durable later: whoever answers from
 *it first waits for the newest group that it looked at (media_wait()).
 *
 *	tx_begin(&tx, heap);
 *	rc = tx_reserve(&tx, &need);                     may yield
 *	for (;;) {
 *		NO_YIELD {
 *			rc = look_up_and_check(&tx, ...);  -DER_AGAIN: a zone is absent
 *			if (rc == 0) {
 *				change(&tx, ...);
 *				tx_commit(&tx, &group);
 *			}
 *		}
 *		if (rc != -DER_AGAIN || (rc = tx_load(&tx)) != 0)   may yield
 *			break;
 *	}
 *	if (rc != 0)
 *		tx_abort(&tx);                           may yield
 *	else
 *		rc = media_wait(media, group);           may yield
 */
#pragma once

#include "fiber/fiber.h"

struct media;
struct heap;

/* ------------------------------------------------ the log of a loop */

struct media_options {
	uint64_t log_size;     /* bytes; 0: 256 MiB; at least 1 MiB */
	uint64_t inline_limit; /* bytes of payload that travel inside a log record; 0: by the device
				*/
	uint64_t checkpoint_interval; /* ns; 0: 5 s */
	uint64_t idle_close; /* ns until an idle log is closed by an empty record; 0: 10 ms */
};

/* Makes the log "<name>.log" in loop's storage, zeroed. -DER_EXIST, -DER_NOSPACE. *Yields*. */
MUST_USE int media_format(struct loop *loop, const char *name, const struct media_options *options);

/*
 * Opens the log and validates it up to its end. No new transaction may begin before media_start().
 * *Yields*. -DER_NONEXIST; -DER_DF_INCOMPT when the format is of another version; -DER_IO when the
 * log cannot be read; -DER_CSUM when a group is damaged behind which others had become durable.
 */
MUST_USE int media_open(struct loop *loop, const char *name, const struct media_options *options,
			struct media **ret_media);

/*
 * After every heap that the log may name has been opened, or tried: what it holds of those whose
 * opening failed stays in it for the next start; records of others are forgotten, as their heaps
 * were destroyed. Begins a new incarnation of the log and starts its background fibers. *Yields*.
 */
MUST_USE int media_start(struct media *media);

/* Waits for all groups, checkpoints and closes all heaps, closes the log. Frees media. *Yields*. */
int media_close(struct media *media);

/* Waits until group is durable. -DER_IO when the media has failed, now or earlier. *Yields*,
 * uninterruptible. */
MUST_USE int media_wait(struct media *media, uint64_t group);

/* The newest durable group; the group that a transaction committed now would get. */
uint64_t media_durable_group(const struct media *media);
uint64_t media_open_group(const struct media *media);

/* 0, or the negative code with which the media failed: it answers nothing more. */
int media_state(const struct media *media);

/* Whether the log holds records of heaps that are not open, or such were given up: it may not be
 * removed. */
bool media_keeps(const struct media *media);

/* Writes every dirty zone of every heap and frees the log up to what is durable now. *Yields*. */
MUST_USE int media_checkpoint(struct media *media);

struct media_figures {
	uint64_t groups, records, log_bytes, log_used, log_size;
	uint64_t replayed_groups, replayed_records, replay_end; /* at the last open */
	uint64_t checkpoints, checkpoint_bytes;
};
void media_figures(const struct media *media, struct media_figures *ret_figures);

/* ------------------------------------------------ heaps */

#define HEAP_ZONE (1024u * 1024)
/* Bytes at a fixed offset that the heap's owner uses for its root. */
#define HEAP_ROOT 1024u
/* The largest allocation. */
#define HEAP_ALLOC_MAX (64u * 1024)

struct heap_options {
	struct uuid id;
	uint64_t heap_size;    /* bytes, the most its zones may take; a multiple of HEAP_ZONE */
	uint64_t data_size;    /* bytes of the data space, a multiple of DISK_BLOCK; 0: none */
	bool thin;	       /* do not preallocate; the host's ENOSPC means full */
	uint8_t space_reserve; /* percent of the data space that only privileged transactions may
				  use */
};

/*
 * Makes "<name>.heap" and, with data_size, "<name>.data". Not durable as part of anything until its
 * owner records that it exists; a file that nobody records is removed by its owner at start.
 * *Yields*. -DER_EXIST, -DER_NOSPACE; -DER_INVAL for impossible sizes or a name of more than 87
 * characters.
 */
MUST_USE int heap_create(struct media *media, const char *name, const struct heap_options *options);

/*
 * Opens a heap on media: reads superblock and zone table, then replays the log's records of this
 * heap. *Yields*. -DER_NONEXIST, -DER_DF_INCOMPT; -DER_CSUM, -DER_DF_INVAL, -DER_IO when it is
 * damaged, -DER_DF_INVAL too when records of it were given up (see below); -DER_BUSY when it was
 * not closed cleanly and its records are in another log (open it on that one first, before
 * media_start(), and close it) or this log has started since.
 */
MUST_USE int heap_open(struct media *media, const char *name, struct heap **ret_heap);

/*
 * The log keeps the records of a heap whose opening failed. When it has no room left because of
 * that they are given up, so that the other heaps go on; from then on that heap is refused until it
 * is removed.
 */

/* Checkpoints and closes. *Yields*. */
int heap_close(struct heap *heap);

/* Closes without a checkpoint a heap that is about to be removed; its log records count as covered.
 * *Yields*. */
void heap_forget(struct heap *heap);

/* Removes the disks of a heap that is not open. */
MUST_USE int heap_remove(struct storage *storage, const char *name);

struct media *heap_media(const struct heap *heap);
struct uuid heap_id(const struct heap *heap);

struct heap_space {
	uint64_t heap_total, heap_free; /* bytes; free is what an ordinary update may still use */
	uint64_t data_total, data_free;
	uint64_t heap_reserved, data_reserved; /* held back, counted as used */
};
void heap_space(const struct heap *heap, struct heap_space *ret_space);

/* Where the owner's HEAP_ROOT bytes are; zeros in a new heap. */
uint64_t heap_root(const struct heap *heap);

/* ------------------------------------------------ pins: access to the image */

#define PIN_ZONES 32u
#define PIN_RECENT 4u
/* At the start of every zone; nothing in it has an offset. */
#define HEAP_ZONE_HEAD 8192u

/* The zones that one attempt looked at, and those it missed. */
struct pin {
	struct heap *heap;
	uint32_t count;
	uint32_t absent_count;
	uint32_t zones[PIN_ZONES];
	uint32_t absent[4];
	int error;
	/* Pinned zones by number % PIN_RECENT; image NULL: none. */
	struct {
		uint64_t number;
		const uint8_t *image;
	} recent[PIN_RECENT];
};

void pin_init(struct pin *pin, struct heap *heap);

/* Lets go of all zones; pointers from heap_at() are invalid. */
void pin_fini(struct pin *pin);

/*
 * The only way to a pointer into a heap: length bytes at offset, a multiple of 8, valid until
 * pin_fini() and until the next change, read-only. NULL when the zone is absent (pin_outcome() is
 * -DER_AGAIN: call pin_load() and start again) or when the offset is impossible (-DER_IO, disk
 * content is damaged; never an assertion).
 */
static inline const void *heap_at(struct pin *pin, uint64_t offset, size_t length);

/* As heap_at(), for a zone that this attempt has not looked at, or not lately. */
const void *heap_at_zone(struct pin *pin, uint64_t offset, size_t length);

static inline const void *
heap_at(struct pin *pin, uint64_t offset, size_t length)
{
	uint64_t number = offset / HEAP_ZONE, inside = offset % HEAP_ZONE;
	uint32_t place = number % PIN_RECENT;

	if (LIKELY(pin->recent[place].image && pin->recent[place].number == number &&
		   inside >= HEAP_ZONE_HEAD && length <= HEAP_ZONE - inside && offset % 8 == 0))
		return pin->recent[place].image + inside;
	return heap_at_zone(pin, offset, length);
}

/* Why heap_at() gave NULL. */
MUST_USE int pin_outcome(const struct pin *pin);

/* Loads what was absent. *Yields*. -DER_IO, -DER_CSUM, -DER_NOMEM. */
MUST_USE int pin_load(struct pin *pin);

/* ------------------------------------------------ transactions */

/* What a transaction may need at most. */
struct tx_need {
	uint32_t allocations; /* calls of tx_alloc() */
	uint32_t heap_bytes;  /* sum of their sizes */
	uint32_t largest; /* bytes of the largest of them; 0: as many as heap_bytes. A small one is
			     easier to place */
	uint32_t log_bytes; /* redo bytes, payload inside the record not counted */
	bool privileged;    /* may use the reserves: punch, destroy, aggregation, commit */
};

/* A run of blocks of DISK_BLOCK in the data space of a heap. */
struct data_extent {
	uint64_t block;
	uint32_t count;
	uint32_t reserved;
};

#define TX_RANGES 256u
#define TX_EXTENTS 64u

struct tx_range {
	uint64_t offset;
	uint32_t length;
};

/* One payload of the transaction. */
struct tx_payload {
	struct data_extent extent;
	uint64_t length; /* bytes; the rest of the last block is zeros */
	uint32_t crc;	 /* crc32c of length bytes */
	bool inlined;
	void *copy;	   /* inlined: a copy in the arena */
	struct disk_io io; /* in place */
	struct iovec iov[2];
};

struct tx {
	struct heap *heap;
	struct pin pin;
	struct tx_need need;
	uint32_t range_count, payload_count, extent_free_count;
	bool changed;
	struct tx_range *ranges;     /* TX_RANGES, merged where they touch */
	struct tx_payload *payloads; /* TX_EXTENTS */
	struct data_extent *freed;   /* TX_EXTENTS */
	void *private_data;	     /* of media */
};

/* Sets up *tx on heap (borrowed). -DER_NOMEM, or the media's state. */
MUST_USE int tx_begin(struct tx *tx, struct heap *heap);

/* Reserves heap and log space; may be called once. *Yields* while the log is full. -DER_NOSPACE
 * before anything changed; -DER_REC2BIG when the redo is more than three quarters of a group, which
 * is a quarter of the log and at most 1 MiB. */
MUST_USE int tx_reserve(struct tx *tx, const struct tx_need *need);

/*
 * Reserves up to blocks contiguous blocks of data space; the extent may be shorter, at least one
 * block. -DER_NOSPACE. *Yields*.
 */
MUST_USE int tx_data_reserve(struct tx *tx, uint32_t blocks, struct data_extent *ret_extent);

/*
 * Hands over the payload of a reserved extent. Small payload is copied and travels in the log
 * record; larger payload is written in place from now on: the buffers must then stay until
 * media_wait() of the group, or tx_abort(), returned. Buffers that are not aligned to DISK_BLOCK
 * are copied. crc is crc32c over the length bytes. *Yields* at the limit of payload under way.
 */
MUST_USE int tx_data_write(struct tx *tx, struct data_extent extent, const struct iovec *iov,
			   uint32_t iov_count, uint64_t length, uint32_t crc);

/* In apply: the extent now belongs to the heap. An extent not published goes back at the end of the
 * transaction. */
void tx_data_publish(struct tx *tx, struct data_extent extent);

/* In apply: the extent is free once the group is durable and no read that began before is under
 * way. */
void tx_data_free(struct tx *tx, struct data_extent extent);

/* Loads what tx->pin missed. *Yields*. */
MUST_USE int tx_load(struct tx *tx);

/* In apply: length bytes at offset, to be changed. The zone must be pinned: offset was met by
 * heap_at(&tx->pin) or tx_alloc(). */
void *tx_change(struct tx *tx, uint64_t offset, size_t length);

/*
 * In apply: a new block of size bytes, zeroed, all of it part of the redo record; within what was
 * reserved it cannot fail. near (an offset, or 0) asks for the same zone.
 */
uint64_t tx_alloc(struct tx *tx, size_t size, uint64_t near);

/* Bytes of the heap that a block of tx_alloc(), size bytes, takes. */
uint32_t heap_block_size(size_t size);

/* In apply: gives a block of tx_alloc() back. Its zone must be pinned. */
void tx_free(struct tx *tx, uint64_t offset);

/* In apply: what the image holds cannot be, which no look-up could see before. The heap answers
 * nothing any more; apply goes on as well as it can. */
void tx_damaged(struct tx *tx);

/* Ends apply: the changes become a record of *ret_group. Frees the reservation. Does not yield. */
void tx_commit(struct tx *tx, uint64_t *ret_group);

/* Ends a transaction that changed nothing. *Yields*, uninterruptible, while payload is being
 * written. */
void tx_abort(struct tx *tx);

/* ------------------------------------------------ data */

/*
 * Reads blocks [first, first + count) of extent into buffer (aligned to DISK_BLOCK). Serves payload
 * that is still only in the log from memory. *Yields*. -DER_IO. The caller verifies checksums.
 */
MUST_USE int data_read(struct heap *heap, struct data_extent extent, uint32_t first, uint32_t count,
		       void *buffer);

/*
 * Brackets a read: an extent freed after data_hold() is not used again before data_unhold() of the
 * same token.
 */
uint64_t data_hold(struct heap *heap);
void data_unhold(struct heap *heap, uint64_t token);

/* ------------------------------------------------ audit */

/*
 * Whether what a heap has allocated is what its owner holds: nothing twice, nothing free, nothing
 * lost. heap_audit_begin() brings every zone into memory, after which nothing of an audit yields:
 * the owner claims all that its structures hold in one scope, and transactions of others come
 * wholly before or after it.
 *
 *	rc = heap_audit_begin(heap, &audit);             may yield
 *	NO_YIELD {
 *		heap_audit_block(), heap_audit_extent(), btree_audit() for all that is held;
 *		heap_audit_judge(audit, &figures);
 *	}
 *	heap_audit_end(audit);
 *
 * What is wrong is -DER_IO, and error_text() says what and where; nothing is changed. It takes 4
 *KiB for each zone of 1 MiB and a bit per data block where something is claimed.
 */
struct heap_audit;

struct heap_audit_figures {
	uint64_t blocks, block_bytes; /* claimed */
	uint64_t data_blocks;
};

/* Keeps the heap from being closed until heap_audit_end(). *Yields*, and returns without having
 * yielded since all zones were seen in memory. -DER_NOMEM, -DER_CSUM and others of a zone's
 * loading, the media's state. */
MUST_USE int heap_audit_begin(struct heap *heap, struct heap_audit **ret_audit);

/* Frees audit. */
void heap_audit_end(struct heap_audit *audit);

/* For heap_at() during the audit; ended by heap_audit_end(). */
struct pin *heap_audit_pin(struct heap_audit *audit);

/* The owner holds the block of size bytes (as given to tx_alloc()) at offset. -DER_IO when it is
 * claimed already, free, of another size or outside the heap; -DER_NOMEM. */
MUST_USE int heap_audit_block(struct heap_audit *audit, uint64_t offset, size_t size);

/* The owner holds these blocks of the data space. Likewise. */
MUST_USE int heap_audit_extent(struct heap_audit *audit, struct data_extent extent);

/* After all claims: -DER_IO when something is allocated that nobody claimed, or free counts and
 * maps (pages, runs, promises, data blocks, quarantine) do not agree. */
MUST_USE int heap_audit_judge(struct heap_audit *audit, struct heap_audit_figures *ret_figures);

#include "media/tree.h"
