/* SPDX-License-Identifier: BSD-2-Clause-Patent */
/*
 * The inside of media. ring.c is the log on its disk, group.c the line from commit to durable,
 * record.c the pure form of a record, replay.c the way back; heap.c the heap file, zone.c its
 * zones, allocate.c blocks inside a zone, space.c the data space, overlay.c payload that is only in
 * the log, checkpoint.c the way from memory to the heap file, kept.c records of heaps not open.
 */
#pragma once

#include "media/format.h"
#include "media/media.h"

/* ------------------------------------------------ limits */

#define GROUP_BUFFERS 6u      /* groups between open and durable */
#define GROUP_HEAPS 64u	      /* heaps in one group */
#define GROUP_BLOCKS_MAX 256u /* of one group */
#define GROUP_BLOCKS_MIN 16u
#define MEDIA_HEAPS_MAX 8192u
#define PAYLOAD_UNDER_WAY (64u * 1024 * 1024) /* bytes written in place and not waited for */
#define INLINE_MAX (64u * 1024)
#define BODY_CACHE 64u /* transaction bodies kept for reuse */
#define HOLD_EPOCHS 64u
#define RESERVE_RUNS 16u /* runs of pages that one transaction reserves */
#define CHECKPOINT_BUFFER (1024u * 1024)
/* Beyond so many bytes of copies, payload is written to its place before the next checkpoint. */
#define OVERLAY_BYTES_MAX (16u * 1024 * 1024)
#define RING_CLOSE_BLOCKS 2u /* kept for the group that closes an idle log */
#define LINES_MAX 16u	     /* of a chunk: with more changed ones it is written whole */
#define READ_TRIES 3u	     /* of a read that fails, or whose sum does; most such errors pass */

/* ------------------------------------------------ log */

/* A heap that is not open, and the oldest group that it needs for its next opening. */
struct kept_heap {
	struct list link; /* media->kept */
	uint64_t group;
	char name[HEAP_NAME_MAX];
};

/* Where a group lies in the ring, for those that replay may still need. */
struct group_place {
	uint64_t chain;
	uint64_t heap_mask; /* a bit per heap in it, by heap_mask_of() */
	uint32_t block;
	uint32_t blocks;
};

enum group_stage { GROUP_IDLE, GROUP_OPEN, GROUP_CLOSED, GROUP_WRITING };

/* A group from its first record until it is durable. */
struct group {
	struct list link; /* in media->idle or media->closed */
	enum group_stage stage;
	uint64_t sequence;
	uint8_t *buffer; /* group_limit bytes, aligned */
	uint32_t used;	 /* bytes, header included, heap table not */
	uint32_t record_count;
	uint32_t heap_count;
	struct heap *heaps[GROUP_HEAPS];
	struct list bodies; /* of its transactions */
	struct wait_queue waiting;
};

#define RANGE_HEADS 64u
#define WIDE_RANGES 8u

/* What a transaction carries: kept by its group, then by the quarantine of its heap, until all its
 * parts are done. */
struct tx_body {
	struct list link;   /* media->bodies or group->bodies */
	struct list live;   /* heap->transactions, then heap->pending */
	struct list frozen; /* heap->quarantine */
	struct heap *heap;
	uint64_t group;
	uint64_t epoch; /* of holds, when its extents were freed */
	uint32_t range_count, payload_count, freed_count, extent_count, publish_count;
	/* Ranges by the page they begin in: chains of numbers from 1, 0 ends; and those of many
	 * pages. */
	uint16_t range_heads[RANGE_HEADS];
	uint16_t wide_ranges[WIDE_RANGES];
	uint32_t wide_count;
	bool in_place;	       /* a payload is written in place */
	uint32_t record_bytes; /* of its record, once committed */
	/* The reservation. */
	bool reserved; /* tx_reserve() was granted */
	bool privileged;
	uint32_t log_bytes;  /* of the group buffers, inlined payload included */
	uint32_t log_blocks; /* of the ring */
	uint32_t inline_bytes;
	uint32_t run_count;
	struct page_run {
		struct zone *zone;
		uint16_t first, count, taken;
	} runs[RESERVE_RUNS];
	/* Blocks taken in memory and not published: count 0 where nothing is left of an extent. */
	struct data_extent extents[TX_EXTENTS];
	struct data_extent publishes[TX_EXTENTS];
	struct data_extent freed[TX_EXTENTS];
	struct tx_payload payloads[TX_EXTENTS]; /* copy: struct overlay_payload where inlined, else
						   a bounce buffer */
	struct tx_range ranges[TX_RANGES];
	uint16_t range_next[TX_RANGES];
};

struct media {
	struct loop *loop;
	struct env *env;
	struct arena *arena;
	char *name;
	struct media_options options;
	struct disk *disk;
	struct log_header header; /* as last written */
	bool headers_whole;	  /* both were valid when the log was opened */
	struct fiber_mutex header_lock;
	struct fiber_mutex round_lock;
	uint64_t round;
	int state;
	bool started, stopping;

	/* The ring. */
	uint32_t ring_blocks;
	uint32_t group_limit; /* bytes */
	uint32_t redo_limit;  /* bytes of one transaction in a group */
	uint32_t payload_limit;
	uint32_t next_block;	/* where the next group goes */
	uint64_t chain;		/* of the newest closed group */
	uint64_t newest;	/* the newest closed group */
	uint64_t newest_record; /* the newest group with a record */
	uint64_t durable;
	uint64_t known_durable; /* durable, and replay will know it */
	uint64_t start;		/* the first group kept for replay */
	struct list kept;	/* struct kept_heap: records that heaps need which are not open */
	uint64_t kept_unnamed;	/* the oldest group kept for a heap beside those; 0: none */
	char given_up[LOG_GIVEN_UP_MAX][HEAP_NAME_MAX]; /* of the header */
	struct group_place *places;			/* by sequence % ring_blocks */
	uint32_t ring_used;	  /* blocks of the groups from start to newest */
	uint32_t ring_reserved;	  /* blocks promised to transactions */
	uint32_t buffer_used;	  /* bytes in groups that are not durable */
	uint32_t buffer_reserved; /* bytes promised */
	uint32_t inline_reserved; /* the part of it that is inlined payload */
	uint32_t ring_early; /* the part of ring_reserved held by those who have still to reserve */
	uint64_t payload_under_way;

	struct group groups[GROUP_BUFFERS];
	struct list idle, closed;
	struct group *open, *writing;

	struct list heaps;
	uint32_t heap_count;
	struct list bodies;
	uint32_t body_count;

	struct wait_queue work; /* the writer */
	struct wait_queue room; /* transactions that wait for log space */
	struct wait_queue checkpoint_work;
	struct wait_queue ended;
	struct timer idle_timer, checkpoint_timer;
	bool idle_due, interval_due, pressure, settle_wanted;
	uint64_t overlay_bytes; /* copies of payload that is not in place */
	struct list settling;	/* heaps with something under quarantine */
	bool starved;		/* a transaction found no room in the ring */
	bool given_up_full;	/* that no more heaps can be given up was said */
	uint32_t fibers;
	struct media_figures figures;
};

static inline uint64_t
heap_mask_of(const struct uuid *id)
{
	return UINT64_C(1) << (id->bytes[0] & 63);
}

static inline struct group_place *
media_place(struct media *media, uint64_t sequence)
{
	return &media->places[sequence % media->ring_blocks];
}

/* ------------------------------------------------ media.c */

/* Whether the header says that no group was written after it. */
bool log_closed(const struct media *media);

/* ------------------------------------------------ ring.c */

/* As disk_read(), but tries again what fails with -DER_IO. *Yields*. */
MUST_USE int media_read(struct disk *disk, void *buffer, uint64_t length, uint64_t offset);

/* Reads the two headers and takes the newer valid one into media. -DER_DF_INCOMPT, -DER_DF_INVAL,
 * -DER_IO. *Yields*. */
MUST_USE int ring_read_header(struct media *media);

/* Writes media->header with the next generation, durable. *Yields*. Callers hold header_lock. */
MUST_USE int ring_write_header(struct media *media);

/* Reads blocks of the ring from block on, over its end. *Yields*. */
MUST_USE int ring_read(struct media *media, uint32_t block, uint32_t blocks, void *buffer);

/* A durable write to the ring, over its end, under way. */
struct ring_write {
	struct disk_io io[2];
	struct iovec iov[2];
	uint32_t count;
};
void ring_write_start(struct media *media, uint32_t block, uint32_t blocks, void *buffer,
		      struct ring_write *ret_write);

/* The first error. *Yields*. */
MUST_USE int ring_write_wait(struct ring_write *write);

/* A window over the ring for reading groups one after the other. */
struct ring_window {
	struct media *media;
	uint8_t *buffer;
	uint32_t capacity;	/* blocks */
	uint32_t block, blocks; /* what is in it */
};
MUST_USE int ring_window_init(struct ring_window *window, struct media *media);
void ring_window_fini(struct ring_window *window);

/* Reads blocks blocks, at most capacity, from block on. *Yields*. */
MUST_USE int ring_window_fill(struct ring_window *window, uint32_t block, uint32_t blocks);

/* What comes next is read from the disk, even where it is in the window. */
void ring_window_forget(struct ring_window *window);

/* blocks blocks from block on, contiguous in memory until the next call. *Yields*. */
MUST_USE int ring_window_get(struct ring_window *window, uint32_t block, uint32_t blocks,
			     const uint8_t **ret_data);

/* ------------------------------------------------ record.c, pure */

/* The value that the next group's previous_chain must have. */
uint64_t group_chain(const struct group_header *header);

/* Fills in length, blocks and crc of a group of used bytes whose heap table is already behind them.
 */
void group_seal(uint8_t *buffer, uint32_t length);

/*
 * Checks the header of a group at the beginning of data (at least one block): magic, version,
 * sizes. limit is the size of the largest group in blocks. -DER_DF_INVAL when it is none.
 */
MUST_USE int group_check_header(const uint8_t *data, uint32_t limit,
				struct group_header *ret_header);

/* Checks the sum over the whole group and the bounds of its parts. -DER_CSUM, -DER_DF_INVAL. */
MUST_USE int group_check(const uint8_t *data, const struct group_header *header);

/* A record taken apart; pointers into the group. */
struct record {
	struct record_header header;
	const uint8_t *ranges; /* range_count words */
	const uint8_t *range_data;
	const uint8_t *payloads; /* payload_count struct record_payload */
	const uint8_t *inline_data;
	const uint8_t *frees; /* free_count struct record_free */
};

/* Walks the records of a checked group: start with *position 0. 1, 0 at the end, -DER_DF_INVAL. */
MUST_USE int group_next_record(const uint8_t *data, const struct group_header *header,
			       uint32_t *position, struct record *ret_record);

/* Entry index of the heap table. */
const struct group_heap *group_heap_at(const uint8_t *data, const struct group_header *header,
				       uint32_t index);

struct record_range {
	uint64_t offset;
	uint32_t length;
	const uint8_t *data;
};

/* Range number index; *position (first 0) walks the bytes. False when the bytes end early. */
bool record_range_next(const struct record *record, uint32_t index, uint32_t *position,
		       struct record_range *ret_range);

/* ------------------------------------------------ group.c */

/* Makes the group buffers. -DER_NOMEM. */
MUST_USE int groups_init(struct media *media);
void groups_fini(struct media *media);

/* The writer's fiber. */
void group_writer(void *media);

/* Adds the record of body to the open group; the body is the group's from now on. In apply. */
uint64_t group_append(struct media *media, struct tx_body *body);

/* Makes the media answer nothing any more. */
void media_fail(struct media *media, int code);

/* Waits until everything committed so far is known to be durable by replay. *Yields*. */
MUST_USE int media_settle(struct media *media);

/* Blocks of the ring that a new record cannot have. */
uint32_t media_ring_taken(const struct media *media);

/* ------------------------------------------------ heaps and zones */

enum zone_stage { ZONE_ABSENT, ZONE_LOADING, ZONE_LOADED };

/* What of a zone on disk is not in its chunks. */
struct zone_deltas {
	uint32_t count;
	uint64_t behind[4]; /* chunks that they change; known while the zone is loaded */
	uint8_t first[ZONE_CHUNKS];
	struct zone_chunk chunks[ZONE_DELTAS];
};

struct zone {
	struct heap *heap;
	uint32_t number;
	enum zone_stage stage;
	uint32_t pins;
	uint8_t *image;		     /* HEAP_ZONE bytes, aligned to DISK_BLOCK */
	struct image_pair *pair;     /* that image lies in, or NULL */
	uint64_t dirty[4];	     /* chunks changed since they were copied for a checkpoint */
	uint64_t lines[ZONE_CHUNKS]; /* likewise, the lines of each */
	uint64_t newest_group;	     /* that changed it */
	uint64_t generation;	     /* of the entry on disk; 0: none */
	uint64_t counted;	     /* of the one in heap->superblock.table_sum */
	struct list uncounted_link;  /* of heap->uncounted, while the two differ */
	uint32_t free_count; /* heap zone: free pages; bitmap zone: blocks that nobody has taken */
	uint32_t owned;	     /* bitmap zone: blocks that belong to the heap */
	struct zone_chunk chunks[ZONE_CHUNKS];
	struct zone_deltas *deltas; /* NULL: it never had any */
	/* Heap zones: what the header says, for speed; valid when loaded. */
	uint64_t free[4];     /* pages */
	uint64_t promised[4]; /* pages held for transactions */
	uint32_t promised_count;
	uint32_t run_limit;		   /* no run of free, unpromised pages is longer */
	uint64_t partial[SIZE_CLASSES][4]; /* runs with free blocks */
	uint16_t partial_count[SIZE_CLASSES];
	struct list partial_link[SIZE_CLASSES]; /* heap->partial */
	struct list roomy_link;			/* heap->roomy */
	/* Bitmap zones: free blocks per region. */
	uint32_t *region_free;
	struct wait_queue loading;
};

struct heap {
	struct media *media;
	struct list link; /* media->heaps */
	char name[HEAP_NAME_MAX];
	struct uuid id;
	struct disk *disk, *data; /* data may be NULL */
	struct heap_superblock superblock;
	bool superblock_alone; /* the other one is not valid */
	int state;	       /* 0, or why the heap answers nothing more */
	uint32_t heap_zones, space_zones, heap_zones_used;
	struct zone **zones; /* heap_zones + space_zones; NULL: never used */
	uint64_t *slots;     /* a bit per chunk slot in use */
	uint32_t slot_count, slots_free, slot_cursor;
	uint32_t delta_slots, delta_limit; /* slots of deltas, and how many they may be */
	uint64_t zones_start, slots_start; /* bytes in the file */
	struct list uncounted;		   /* zones written since the last coverage */
	uint32_t inline_limit;

	/* Heap space, in pages. */
	uint64_t pages_free, pages_promised, pages_reserve, pages_total;
	struct list partial[SIZE_CLASSES]; /* zones with partly free runs */
	struct list roomy;		   /* loaded zones with many free pages */

	/* Data space, in blocks. */
	uint64_t blocks_total, blocks_free, blocks_reserve, blocks_quarantined;
	uint64_t space_cursor;
	struct list quarantine;	  /* bodies whose extents wait to be free, oldest first */
	struct list settling;	  /* media->settling, while something is under quarantine */
	struct list transactions; /* bodies of running transactions */
	struct list pending;	  /* bodies with payload in place whose group is not durable */
	uint64_t hold_epoch, hold_oldest;
	uint32_t holds[HOLD_EPOCHS];
	bool settle_due; /* the quarantine needs a zone that is absent */

	/* Payload that is only in the log. */
	struct table overlay; /* blocks */
	struct list payloads; /* oldest first */

	uint64_t oldest, newest; /* groups with records that the image may lack; 0: none */
	struct fiber_mutex checkpoint_lock;
	uint32_t users; /* fibers of media that work on it */
	struct wait_queue unused;
	bool closing;
	uint64_t round; /* of media_checkpoint() that has visited it */
	bool replaying;
	bool marked;	   /* its opening wrote the superblock */
	bool host_full;	   /* the last checkpoint found no space on the host */
	uint32_t pins_all; /* attempts that pin every zone */
};

/* Makes the struct of a zone that has none yet. -DER_NOMEM. */
MUST_USE int zone_get(struct heap *heap, uint32_t number, struct zone **ret_zone);

/* Brings a zone into memory, verified. *Yields*. -DER_IO, -DER_CSUM, -DER_NOMEM. */
MUST_USE int zone_load(struct zone *zone);
void zone_free(struct zone *zone);

static inline bool
zone_is_space(const struct zone *zone)
{
	return zone->number >= zone->heap->heap_zones;
}

static inline struct zone_header *
zone_header(struct zone *zone)
{
	return (struct zone_header *)(void *)zone->image;
}

/* Builds the summaries from the image. -DER_DF_INVAL when its structure is impossible. */
MUST_USE int zone_summarise(struct zone *zone);

/* Notes a change of bytes [from, from + length) of the image by group. */
void zone_dirty(struct zone *zone, uint32_t from, uint32_t length, uint64_t group);
bool zone_is_dirty(const struct zone *zone);

/* ------------------------------------------------ delta.c */

/* Moves lines of a chunk with this content to the delta while it has room; false: some are left. */
bool delta_add(struct zone_delta *delta, uint32_t chunk, const uint8_t *content, uint64_t *lines);

/* Whether what was read can be a delta. -DER_DF_INVAL. */
MUST_USE int delta_check(const struct zone_delta *delta);

/* The lines are changes again that are not on disk. */
void delta_dirty(struct zone *zone, const struct zone_delta *delta);

/* Brings the zone's delta of this number, checked, into the image, and notes whom it matters to. */
void deltas_apply(struct zone *zone, uint32_t number, const struct zone_delta *delta);

/* Whether no chunk needs them. */
bool deltas_empty(const struct zone_deltas *deltas);

/* Gives the zone its struct zone_deltas; false: no memory. */
MUST_USE bool deltas_ready(struct zone *zone);

/* All chunks that deltas change, or that were changed since, are to be written whole. */
void deltas_rewrite(struct zone *zone);

/* ------------------------------------------------ heap.c */

/* Writes the superblock with the next generation, durable. *Yields*. */
MUST_USE int heap_write_superblock(struct heap *heap);

/* Reads the newer valid superblock; ret_alone, which may be NULL: whether the other is not valid.
 * *Yields*. */
MUST_USE int heap_read_superblock(struct arena *arena, struct disk *disk,
				  struct heap_superblock *ret_superblock, bool *ret_alone);

/* Writes the other entry of a zone from a block that holds it; durable at the next flush. *Yields*.
 */
MUST_USE int heap_write_entry(struct heap *heap, const struct zone_entry *entry);

/* Keeps the heap from being freed while a fiber of media works on it. */
void heap_use(struct heap *heap);
void heap_unuse(struct heap *heap);

/* Marks a heap whose content is impossible. */
void heap_fail(struct heap *heap, int code);

/* The offset in the heap file of a chunk slot. */
static inline uint64_t
heap_slot_offset(const struct heap *heap, uint32_t slot)
{
	return heap->slots_start + (uint64_t)(slot - 1) * DISK_BLOCK;
}

/* ------------------------------------------------ allocate.c */

/* Promises pages to body: *Yields* when zones must be loaded. -DER_NOSPACE. */
MUST_USE int pages_reserve(struct tx_body *body, uint32_t pages, uint32_t largest);
void pages_release(struct tx_body *body);

/* Enters or leaves the heap's lists of zones by what is free in zone. */
void zone_list(struct zone *zone);
void zone_unlist(struct zone *zone);

/* Pages of zone that a zone never written has free. */
uint32_t zone_new_free(uint32_t number);

/* Redo bytes of one allocation or free besides the block's own content, and of a zone's first one.
 */
#define ALLOCATION_REDO 48u
#define ZONE_REDO 160u

/* ------------------------------------------------ space.c */

/* Blocks of the data space that the bitmap zone covers. */
uint32_t space_zone_blocks(const struct zone *zone);

/* Sets up the counters of the data space. */
void space_init(struct heap *heap);

/* Region counts of a bitmap zone that was loaded. -DER_NOMEM. */
MUST_USE int space_summarise(struct zone *zone);

/* Takes blocks in the image for body; see tx_data_reserve(). *Yields*. */
MUST_USE int space_reserve(struct tx_body *body, uint32_t blocks, struct data_extent *ret_extent);

/* Gives blocks back that no record ever named. */
void space_release(struct heap *heap, struct data_extent extent);

/* In apply: blocks taken now belong to the heap, or no longer do. Freed ones stay taken until the
 * quarantine ends. */
void space_publish(struct heap *heap, struct data_extent extent, uint64_t group);
void space_free(struct heap *heap, struct data_extent extent, uint64_t group);

/* In apply: puts body, whose extents were freed, under quarantine. */
void space_freeze(struct heap *heap, struct tx_body *body);

/* Whether the extent lies inside the data space. */
bool space_valid(const struct heap *heap, struct data_extent extent);

/* Frees what the quarantine need not keep any longer. Does not yield. */
void space_settle(struct heap *heap);
void space_settle_all(struct media *media);

/* Loads the zones that space_settle() missed, and settles. *Yields*. */
void space_settle_absent(struct heap *heap);

/* Replay: sets or clears the blocks of a record. *Yields*. */
MUST_USE int space_replay(struct heap *heap, struct data_extent extent, bool set, uint64_t group);

/* Clears in chunk, a copy of page number chunk of a bitmap zone, what is taken only in memory. */
void space_mask(struct zone *zone, uint32_t page, uint8_t *chunk);

/* ------------------------------------------------ overlay.c */

struct overlay_block {
	struct table_node node;
	struct overlay_payload *payload;
	uint64_t block;
	uint64_t freed; /* the group that freed it; 0: live */
};

/* One payload that is in the log and not yet in place. */
struct overlay_payload {
	struct list link; /* heap->payloads */
	uint64_t group;
	uint8_t *data;
	uint32_t length;
	uint32_t count, live;
	bool writing; /* kept until its write is flushed */
	struct overlay_block blocks[];
};

MUST_USE int overlay_payload_create(struct heap *heap, struct data_extent extent, uint32_t length,
				    struct overlay_payload **ret_payload);
void overlay_payload_destroy(struct heap *heap, struct overlay_payload *payload);

/* In apply: reads of its blocks now come from it. */
void overlay_add(struct heap *heap, struct overlay_payload *payload, uint64_t group);

/* In apply: group freed the blocks. */
void overlay_free(struct heap *heap, struct data_extent extent, uint64_t group);

/* The blocks are not owned any more. */
void overlay_drop(struct heap *heap, struct data_extent extent);

/* Copies the block to buffer; false when it is in place. */
bool overlay_read(struct heap *heap, uint64_t block, uint8_t *buffer);

/*
 * Writes all payload of groups up to group, which are durable, to its place and drops it. The
 * caller holds what is freed in later groups. *Yields*.
 */
MUST_USE int overlay_write(struct heap *heap, uint64_t group);

void overlay_fini(struct heap *heap);

/* ------------------------------------------------ checkpoint.c */

/* Writes what groups up to the newest closed one changed. *Yields*. */
MUST_USE int heap_checkpoint(struct heap *heap);

/* The checkpointer's fiber. */
void checkpoint_fiber(void *media);

/* Asks the checkpointer to run because of log use, or because of copies of payload. */
void checkpoint_kick(struct media *media);

/* Moves the start of the log to the oldest group that a heap needs. *Yields*. */
int media_advance(struct media *media);

/* ------------------------------------------------ replay.c */

/* Finds the end of the log from media->header on. *Yields*. */
MUST_USE int replay_scan(struct media *media);

/* Applies the records of heap after its covered group. *Yields*. */
MUST_USE int replay_heap(struct heap *heap);

/*
 * The oldest group kept that names the heap and comes after group `covered`; 0 when there is none.
 * id: of the heap; NULL: any heap of this name. *Yields*.
 */
MUST_USE int replay_find(struct media *media, const char *name, const struct uuid *id,
			 uint64_t covered, uint64_t *ret_group);

/* ------------------------------------------------ kept.c */

/*
 * Keeps what the log holds of a heap that was not opened; superblock is NULL where it could not be
 * read. *Yields*.
 */
void kept_note(struct media *media, const char *name, const struct heap_superblock *superblock);

/* Keeps the groups from `group` on for a heap that was closed without a checkpoint. */
void kept_from(struct media *media, const char *name, uint64_t group);

/* The heap is open, or gone. */
void kept_drop(struct media *media, const char *name);

/* The oldest group kept; 0: none. */
uint64_t kept_oldest(const struct media *media);

/*
 * The log is full of what is kept: moves all kept heaps to the names in the header, which the
 * caller writes. False when there is no place for them, or nothing is kept.
 */
MUST_USE bool kept_give_up(struct media *media);

/* Whether records of the heap were given up. */
bool kept_given_up(const struct media *media, const char *name);

/* Takes names from the header's list: that of a new heap; those of heaps that do not exist any
 * more. Whether any was there; the caller writes the header. */
bool kept_forgive(struct media *media, const char *name);
bool kept_forgive_removed(struct media *media);
void kept_fini(struct media *media);

/* ------------------------------------------------ tx.c */

MUST_USE int body_get(struct media *media, struct heap *heap, struct tx_body **ret_body);
void body_put(struct media *media, struct tx_body *body);

/* Waits for the payload written in place; the first error. *Yields*. */
int body_wait(struct media *media, struct tx_body *body);

/* Gives back what is left of the extents taken. */
void body_release_extents(struct tx_body *body);

/* Ends a body that no group has: frees its payload, gives its extents back, puts it. */
void body_discard(struct tx_body *body);

/* Whether a payload of the transaction lies inside what it publishes, and so belongs into the
 * record. */
bool body_publishes(const struct tx_body *body, const struct tx_payload *payload);

/* Puts the body when neither its group nor the quarantine needs it any more. */
void body_done(struct tx_body *body);
