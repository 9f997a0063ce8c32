/* SPDX-License-Identifier: BSD-2-Clause-Patent */
/*
 * What is on the disks of media: docs/formats/log.md and docs/formats/heap.md are normative, this
 * header is their C form. All integers are little-endian.
 */
#pragma once

#include "base/base.h"
#include "env/env.h"

_Static_assert(__BYTE_ORDER__ == __ORDER_LITTLE_ENDIAN__,
	       "images are little-endian and mapped as they are");

/* ------------------------------------------------ log */

#define LOG_MAGIC UINT64_C(0x31474f4c4e524943) /* "CIRNLOG1" read as bytes */
#define LOG_VERSION 2u
#define LOG_HEADERS 2u /* blocks before the ring */

#define HEAP_NAME_MAX 88u
#define LOG_GIVEN_UP_MAX 32u

/*
 * One of the two header blocks; the valid one of the higher generation counts. The names of heaps
 * whose records were given up follow, HEAP_NAME_MAX bytes each; the rest of the block is zeros.
 */
struct log_header {
	uint64_t magic;
	uint32_t version;
	uint32_t crc; /* crc32c of the block with this field 0 */
	uint32_t feature_compatible;
	uint32_t feature_read_only;
	uint32_t feature_incompatible;
	uint32_t ring_blocks;
	struct uuid log_id;
	uint64_t generation;	       /* counts the writings of the header */
	uint64_t incarnation;	       /* counts the starts */
	uint64_t incarnation_sequence; /* groups from this one on carry incarnation, those before a
					  smaller one */
	uint64_t start_sequence;       /* the first group that replay may need */
	uint64_t start_chain;	       /* chain value of the group before it */
	uint64_t durable_sequence;     /* all groups up to this one are durable */
	uint32_t start_block;	       /* its place in the ring */
	uint32_t given_up_count;       /* names behind this struct, each terminated */
	uint64_t closed_generation; /* equals generation: no group is newer than durable_sequence */
	uint32_t reserved[4];
};
_Static_assert(sizeof(struct log_header) == 128, "on-disk layout");
_Static_assert(sizeof(struct log_header) + LOG_GIVEN_UP_MAX * HEAP_NAME_MAX <= DISK_BLOCK,
	       "a header is one block");

#define GROUP_MAGIC 0x50524743u /* "CGRP" */
#define GROUP_VERSION 2u

/* The beginning of a group: whole blocks of the ring, written at once. */
struct group_header {
	uint32_t magic;
	uint16_t version;
	uint16_t flags;
	struct uuid log_id;
	uint64_t incarnation;
	uint64_t sequence;
	uint64_t previous_chain;   /* chain value of the group before */
	uint64_t durable_sequence; /* newest durable group when this one was written */
	uint32_t blocks;
	uint32_t length; /* bytes used, header included; the rest of the last block is zeros */
	uint32_t record_count;
	uint32_t heap_count;
	uint32_t heap_offset; /* of the heap table, behind the records */
	uint32_t crc;	      /* crc32c of length bytes with this field 0 */
	uint64_t reserved[4];
};
_Static_assert(sizeof(struct group_header) == 112, "on-disk layout");

/* An entry of a group's heap table. */
struct group_heap {
	struct uuid id;
	char name[HEAP_NAME_MAX]; /* zero-padded, always terminated */
};
_Static_assert(sizeof(struct group_heap) == 104, "on-disk layout");

#define RECORD_TRANSACTION 1u
#define RECORD_VERSION 1u

/* One transaction: header, ranges, range bytes, payloads, inlined bytes, freed extents; each part
 * padded to 8 bytes. */
struct record_header {
	uint8_t type;
	uint8_t version;
	uint16_t heap;	 /* index into the heap table */
	uint32_t length; /* bytes, header included, a multiple of 8 */
	uint16_t range_count;
	uint16_t payload_count;
	uint16_t free_count;
	uint16_t reserved;
	uint32_t range_bytes;  /* sum of the ranges' lengths */
	uint32_t inline_bytes; /* sum of the inlined payloads' lengths, each padded to 8 */
};
_Static_assert(sizeof(struct record_header) == 24, "on-disk layout");

/* A range is one word: offset in the heap << 20 | length - 1. */
#define RANGE_LENGTH_BITS 20

#define PAYLOAD_INLINED 1u  /* the bytes are in the record */
#define PAYLOAD_VERIFIED 2u /* the bytes are in place and crc is their sum */

struct record_payload {
	uint64_t block;
	uint32_t count; /* blocks that become owned */
	uint32_t crc;	/* crc32c of length bytes from block on */
	uint32_t length;
	uint32_t flags;
};
_Static_assert(sizeof(struct record_payload) == 24, "on-disk layout");

struct record_free {
	uint64_t block;
	uint32_t count;
	uint32_t reserved;
};
_Static_assert(sizeof(struct record_free) == 16, "on-disk layout");

/* ------------------------------------------------ heap file */

#define HEAP_MAGIC UINT64_C(0x3150414548524943) /* "CIRHEAP1" */
#define HEAP_VERSION 3u
#define ZONE_CHUNKS 256u /* of DISK_BLOCK bytes */

#define SUPERBLOCK_CLEAN 1u /* nothing in any log matters to this heap */
#define SUPERBLOCK_THIN 2u

/* One of the two superblocks (blocks 0 and 1); the valid one of the higher generation counts. */
struct heap_superblock {
	uint64_t magic;
	uint32_t version;
	uint32_t crc; /* crc32c of the block with this field 0 */
	uint32_t feature_compatible;
	uint32_t feature_read_only;
	uint32_t feature_incompatible;
	uint32_t flags;
	struct uuid id;
	uint64_t generation;
	uint64_t heap_size;	  /* bytes */
	uint64_t data_size;	  /* bytes */
	uint32_t heap_zones;	  /* heap_size / HEAP_ZONE */
	uint32_t space_zones;	  /* zones of the data bitmap, numbered after the heap's */
	uint32_t slots;		  /* chunk slots, numbered from 1 */
	uint32_t heap_zones_used; /* zone entries at and above it were never written */
	uint32_t space_reserve;	  /* percent */
	uint32_t reserved;
	struct uuid log_id; /* the log whose groups up to covered_sequence are in the image */
	uint64_t covered_sequence;
	uint64_t coverage;  /* how often covered_sequence was set */
	uint64_t table_sum; /* of entry_mark() over the entries in force then */
	uint64_t reserved_end;
};
_Static_assert(sizeof(struct heap_superblock) == 144, "on-disk layout");

#define ZONE_MAGIC 0x454e4f5au /* "ZONE" */
#define ZONE_VERSION 3u
#define ZONE_ENTRIES 2u /* of each zone */

struct zone_chunk {
	uint32_t slot; /* 0: the chunk is all zeros */
	uint32_t crc;  /* crc32c of the chunk */
};

/* What changes in a chunk since it was written whole is gathered by lines of so many bytes. */
#define ZONE_LINE 64u
#define CHUNK_LINES (DISK_BLOCK / ZONE_LINE)
#define DELTA_LINES 62u
#define ZONE_DELTAS 192u
_Static_assert(CHUNK_LINES == 64, "the lines of a chunk are the bits of a word");
_Static_assert(ZONE_DELTAS <= UINT8_MAX, "the number of a delta is a byte");

/* Changed lines of a zone, in a chunk slot. */
struct zone_delta {
	uint16_t count;
	uint16_t reserved;
	uint16_t places[DELTA_LINES]; /* number of the line in the zone */
	uint8_t lines[DELTA_LINES][ZONE_LINE];
};
_Static_assert(sizeof(struct zone_delta) == DISK_BLOCK, "on-disk layout");

/*
 * One of the two entries of a zone in the zone table, a block each; the valid one of the higher
 * generation is in force. The superblock knows by table_sum which ones must be there: an entry that
 * was lost or damaged after it began to count makes the sum of the others differ, while one that
 * was cut short before it counted is missed by nobody.
 */
struct zone_entry {
	uint32_t magic;
	uint16_t version;
	uint16_t flags;
	uint32_t zone;
	uint32_t crc; /* crc32c of sizeof(struct zone_entry) bytes with this field 0 */
	struct uuid heap_id;
	uint64_t generation;
	uint64_t sequence;   /* the newest group whose changes are in the image */
	uint64_t free_count; /* free pages of a heap zone; owned blocks of a bitmap zone */
	uint64_t coverage;   /* that of the superblock from which on it counts */
	uint64_t counted;    /* generation of the entry that counts until then; 0: none */
	uint32_t delta_count;
	uint32_t reserved;
	struct zone_chunk chunks[ZONE_CHUNKS];
	struct zone_chunk deltas[ZONE_DELTAS]; /* over the chunks, in order */
	uint8_t first_delta[ZONE_CHUNKS];      /* deltas before it do not matter to the chunk */
};
_Static_assert(sizeof(struct zone_entry) == 80 + 9 * ZONE_CHUNKS + 8 * ZONE_DELTAS,
	       "on-disk layout");
_Static_assert(sizeof(struct zone_entry) <= DISK_BLOCK, "an entry is one block");

/* What an entry adds to table_sum. */
static inline uint64_t
entry_mark(uint32_t zone, uint64_t generation)
{
	return generation == 0 ? 0 : hash_combine(zone, generation);
}

/* ------------------------------------------------ the image of a zone */

#define ZONE_HEADER_MAGIC 0x5244485au /* "ZHDR" */
#define ZONE_HEADER_VERSION 1u
#define ZONE_HEADER_PAGES 2u

enum page_kind {
	PAGE_FREE = 0,
	PAGE_RUN = 1,  /* blocks of one size class */
	PAGE_SPAN = 2, /* the first page of one large block */
	PAGE_SPAN_REST = 3,
	PAGE_HEADER = 4,
};

struct zone_page {
	uint8_t kind;
	uint8_t size_class; /* of a run */
	uint16_t pages;	    /* of a span, first page included */
	uint32_t reserved;
	uint64_t used[2]; /* of a run: which blocks */
};
_Static_assert(sizeof(struct zone_page) == 24, "on-disk layout");

struct zone_header {
	uint32_t magic;
	uint16_t version;
	uint16_t flags;
	uint32_t zone;
	uint32_t reserved[13];
	struct zone_page pages[ZONE_CHUNKS];
};
_Static_assert(sizeof(struct zone_header) == 64 + 24 * ZONE_CHUNKS, "on-disk layout");
_Static_assert(sizeof(struct zone_header) <= ZONE_HEADER_PAGES * DISK_BLOCK, "the header's pages");

/* Size classes of runs, bytes. Larger blocks are spans of pages. */
#define SIZE_CLASSES 23u
extern const uint16_t size_classes[SIZE_CLASSES];

/* A page of the data bitmap covers this many blocks of the data space, a zone of it this many. */
#define REGION_BLOCKS (DISK_BLOCK * 8u)
#define SPACE_ZONE_BLOCKS (REGION_BLOCKS * ZONE_CHUNKS)
