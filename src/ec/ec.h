/* SPDX-License-Identifier: BSD-2-Clause-Patent */
/*
 * Erasure code: which bytes lie where, and the arithmetic that makes parity and rebuilds what is
 * lost. Pure: no I/O, no clock; memory comes from the caller's arena.
 *
 * An array is cut into *stripes* of `data` cells; `parity` further cells protect each stripe. The
 * cells of a stripe are numbered 0 .. data - 1 for the data, then data .. data + parity - 1 for the
 * parity. Cell c of every stripe of a dkey lies on the same shard of the group, one stripe after
 * the other without gaps. Sets of cells are masks: bit c is cell c.
 *
 * The code is part of the disk format: Reed-Solomon over GF(2^8) with polynomial 0x11d, parity row
 * j having the coefficient 2^(i * j) for data cell i. Row 0 is thus the exclusive or of the data.
 * Any `data` cells of a stripe give all others while data <= 16 and parity <= 3. The products are
 * computed by ISA-L.
 */
#pragma once

#include "base/base.h"

/* ------------------------------------------------ classes */

#define EC_DATA_MIN 2u
#define EC_DATA_MAX 16u
#define EC_PARITY_MAX 3u
#define EC_CELLS_MAX (EC_DATA_MAX + EC_PARITY_MAX)

/* Bytes of a cell that a pool or container may ask for: DAOS_PROP_PO_EC_CELL_SZ_MIN and _MAX. */
#define EC_CELL_SIZE_MIN ((uint64_t)1 << 10)
#define EC_CELL_SIZE_MAX ((uint64_t)1 << 30)

struct ec_class {
	uint32_t data;	 /* data cells of a stripe, EC_DATA_MIN .. EC_DATA_MAX */
	uint32_t parity; /* parity cells, 1 .. EC_PARITY_MAX */
};

/* Shards of a group. */
static inline uint32_t ec_class_cells(struct ec_class class)
{
	return class.data + class.parity;
}

/* -DER_INVAL for numbers of cells outside the limits. Every function that makes something of a
 * class checks it by itself. */
MUST_USE int ec_class_check(struct ec_class class);

/* The class that the redundancy byte of an object id names (OR_RS_2P1 .. OR_RS_16P3); -DER_NOSCHEMA
 * when it names none with an erasure code. */
MUST_USE int ec_class_find(uint32_t redundancy, struct ec_class *ret_class);

/*
 * Which shard of the group holds a cell, and back: cell 0 of a dkey lies on shard (hash modulo the
 * group's size), each further one on the next, so that parity is spread over all shards. As in
 * DAOS. cell and shard are below ec_class_cells(); the class is valid.
 */
uint32_t ec_shard_of_cell(struct ec_class class, uint64_t dkey_hash, uint32_t cell);
uint32_t ec_cell_of_shard(struct ec_class class, uint64_t dkey_hash, uint32_t shard);

/* The set of cells of a dkey that lie on a set of shards. */
uint32_t ec_cells_of_shards(struct ec_class class, uint64_t dkey_hash, uint32_t shards);

/* ------------------------------------------------ cells and stripes
 *
 * Everything is counted in records, for a record is never split. Records of an array have indexes
 * below EC_RECORDS. A shard keeps three kinds of data of an array under the same akey:
 *   data cells   at their *place*: stripe * cell_records + record within the cell
 *   parity cells at EC_PARITY_BIT | stripe * cell_records
 *   on parity shards, records of stripes that were written in part, at their array index (the log
 *   of partial writes), until they are converted into parity.
 * What is at one place of all cells, parity at EC_PARITY_BIT | place, is coded together: rebuilding
 * a range of places of one cell takes the same range of others.
 */

#define EC_RECORDS ((uint64_t)1 << 63)
#define EC_PARITY_BIT ((uint64_t)1 << 63)

/* A range of records: of the array or of a shard. */
struct ec_extent {
	uint64_t start;
	uint64_t count;
};

struct ec_layout {
	struct ec_class class;
	uint64_t record_size;	 /* bytes */
	uint64_t cell_records;	 /* records of a cell, at least 1 */
	uint64_t cell_bytes;	 /* cell_records * record_size */
	uint64_t stripe_records; /* cell_records * class.data */
};

/* A record of the array, and where it lies. */
struct ec_position {
	uint64_t stripe;
	uint32_t cell;	 /* a data cell */
	uint64_t record; /* within the cell */
	uint64_t place;	 /* on the shard of that cell */
};

/*
 * Sets up the arithmetic of one akey. cell_size (bytes) is the container's. A cell holds as many
 * whole records of record_size bytes as fit, but at least one. -DER_INVAL for an impossible class,
 * a cell size outside EC_CELL_SIZE_MIN .. EC_CELL_SIZE_MAX, or a record size of 0; -DER_REC2BIG for
 * records above EC_CELL_SIZE_MAX.
 */
MUST_USE int ec_layout_init(struct ec_layout *layout, struct ec_class class, uint64_t cell_size,
			    uint64_t record_size);

/* -DER_INVAL unless the extent ends at or before EC_RECORDS. Empty extents are valid. */
MUST_USE int ec_extent_check(struct ec_extent extent);

/* Where a record lies; -DER_INVAL from EC_RECORDS on. */
MUST_USE int ec_locate(const struct ec_layout *layout, uint64_t record,
		       struct ec_position *ret_position);

/* The array index of the record at a place on the shard of a data cell; -DER_INVAL for a place that
 * no array has, or a cell that is no data cell. */
MUST_USE int ec_record_at(const struct ec_layout *layout, uint32_t cell, uint64_t place,
			  uint64_t *ret_record);

/* The records of a valid extent that belong to data cell `cell`, as a range of places on its shard:
 * it is always one range. cell < class.data. */
struct ec_extent ec_shard_extent(const struct ec_layout *layout, struct ec_extent extent,
				 uint32_t cell);

/* Whole stripes of an extent, and what is left at its ends. */
struct ec_split {
	struct ec_extent head; /* up to the first stripe border */
	struct ec_extent full; /* whole stripes */
	struct ec_extent tail; /* behind the last stripe border */
};

/*
 * Cuts an extent at stripe borders: `full` goes out encoded, head and tail to the logs of the
 * parities. An extent that begins and ends in one stripe without covering it is all head, or all
 * tail if it begins with the stripe. -DER_INVAL as ec_extent_check().
 */
MUST_USE int ec_extent_split(const struct ec_layout *layout, struct ec_extent extent,
			     struct ec_split *ret_split);

/* A run of an extent within one cell. */
struct ec_piece {
	struct ec_position position; /* of its first record */
	uint64_t count;
	uint64_t offset; /* from the extent's start, in records */
};

/* Walks an extent cell by cell, in its order. */
struct ec_walk {
	const struct ec_layout *layout; /* borrowed */
	struct ec_extent extent;
	uint64_t done;
};

/* -DER_INVAL as ec_extent_check(). */
MUST_USE int ec_walk_start(struct ec_walk *walk, const struct ec_layout *layout,
			   struct ec_extent extent);

/* The next piece; false at the end. */
bool ec_walk_next(struct ec_walk *walk, struct ec_piece *ret_piece);

/* Where the parity of `count` stripes from `stripe` on lies on each parity shard. -DER_INVAL for
 * stripes that begin at or behind EC_RECORDS. */
MUST_USE int ec_parity_extent(const struct ec_layout *layout, uint64_t stripe, uint64_t count,
			      struct ec_extent *ret_extent);

/* Whether an index on a shard is one of parity, and its stripe. */
static inline bool
ec_is_parity(uint64_t index)
{
	return (index & EC_PARITY_BIT) != 0;
}
static inline uint64_t
ec_parity_stripe(const struct ec_layout *layout, uint64_t index)
{
	return (index & ~EC_PARITY_BIT) / layout->cell_records;
}

/* How many records the shard of a data cell spans when the array ends before record `end` (at most
 * EC_RECORDS). */
uint64_t ec_shard_end(const struct ec_layout *layout, uint64_t end, uint32_t cell);

/* The end of an array whose last record is the last one below place shard_end on the shard of this
 * data cell; 0 for 0. The array's end is the largest over its data shards. Errors as
 * ec_record_at(). */
MUST_USE int ec_array_end(const struct ec_layout *layout, uint32_t cell, uint64_t shard_end,
			  uint64_t *ret_end);

/* ------------------------------------------------ vectors */

/* Bytes in pieces, one after the other. */
struct ec_vector {
	const struct iovec *iov; /* borrowed */
	uint32_t count;
};

/*
 * The pieces of the caller's memory that belong to the shard of data cell `cell`, in the order of
 * places, without copying: for sending a write and for receiving a read. vector holds the records
 * of extent, one after the other. Writes at most limit entries to slice. -DER_OVERFLOW when there
 * are more; -DER_IO_INVAL when the vector is shorter than the extent; -DER_INVAL for a wrong extent
 * or cell.
 */
MUST_USE int ec_gather(const struct ec_layout *layout, struct ec_extent extent, uint32_t cell,
		       struct ec_vector vector, struct iovec *slice, uint32_t limit,
		       uint32_t *ret_count);

/* ------------------------------------------------ the code */

/* Decode tables that one struct ec_code keeps, each about 1.6 KiB for 16+3; the one not used for
 * the longest time makes room for the next. */
#define EC_TABLES_MAX 64u

/* Vectors are gathered in blocks of this many bytes where their pieces are shorter. */
#define EC_BLOCK 2048u

/*
 * The tables of one class, a bounded cache of decode tables, and room for gathering. One per loop
 * and class: calls on it do not run at the same time, and none yields.
 */
struct ec_code;

/* Makes the tables of a class; memory is taken from arena (borrowed) now and for decode tables
 * later. -DER_INVAL for an impossible class, -DER_NOMEM. Free with ec_code_destroy(). */
MUST_USE int ec_code_create(struct arena *arena, struct ec_class class, struct ec_code **ret_code);

/* Frees the code and its cache; NULL is allowed. */
void ec_code_destroy(struct ec_code *code);

struct ec_class ec_code_class(const struct ec_code *code);

/* Decode tables kept at present, and made since creation. */
struct ec_tables_count {
	uint32_t kept;
	uint64_t made;
};
struct ec_tables_count ec_code_tables(const struct ec_code *code);

/*
 * parity[0 .. parity - 1] of `length` bytes each become the parity of data[0 .. data - 1], which
 * are only read. The buffers do not overlap; any alignment will do, 64 bytes is best.
 * -DER_INVAL for a buffer that is NULL.
 */
MUST_USE int ec_encode(const struct ec_code *code, size_t length, uint8_t *const *data,
		       uint8_t *const *parity);

/*
 * As ec_encode() on vectors. A data vector that is shorter than length goes on with zeros, a longer
 * one is used up to length. Pieces of at least EC_BLOCK bytes are read and written in place. All
 * zeros are a valid stripe. -DER_IO_INVAL when a parity vector is shorter than length.
 */
MUST_USE int ec_encode_vectors(struct ec_code *code, size_t length, const struct ec_vector *data,
			       const struct ec_vector *parity);

/*
 * Encodes whole stripes that lie one after the other in vector from byte `offset` on: the full part
 * of a write. parity[j] has room for `stripes` cells and is filled in the order of stripes, which
 * is what ec_parity_extent() addresses. -DER_INVAL when layout and code are of different classes,
 * -DER_IO_INVAL when the vector is too short.
 */
MUST_USE int ec_encode_stripes(struct ec_code *code, const struct ec_layout *layout,
			       struct ec_vector vector, size_t offset, uint64_t stripes,
			       uint8_t *const *parity);

/*
 * The cells that a decode reads: those `data` of `available` that make it cheapest (data before
 * parity, the first parity before others). -DER_DATA_LOSS when fewer are available; -DER_INVAL for
 * cells that the class does not have or that are both available and wanted.
 */
MUST_USE int ec_sources(struct ec_class class, uint32_t available, uint32_t wanted,
			uint32_t *ret_sources);

/*
 * Rebuilds the wanted cells, data or parity, from available ones. cells[] has an entry for each
 * cell of the class; those that ec_sources() names are only read, the wanted ones are written, all
 * others are not looked at. The cells of several stripes may follow each other in one buffer.
 * Errors as ec_sources(); -DER_INVAL for a needed buffer that is NULL; -DER_NOMEM when there is
 * no memory for the very first decode table.
 */
MUST_USE int ec_decode(struct ec_code *code, uint32_t available, uint32_t wanted, size_t length,
		       uint8_t *const *cells);

/* As ec_decode() on vectors, with short and long vectors as in ec_encode_vectors(). */
MUST_USE int ec_decode_vectors(struct ec_code *code, uint32_t available, uint32_t wanted,
			       size_t length, const struct ec_vector *cells);

/* ------------------------------------------------ partial stripes */

/* difference = before xor after. NULL for before or after stands for zeros. difference may be one
 * of the two. */
void ec_difference(const uint8_t *before, const uint8_t *after, size_t length, uint8_t *difference);

/*
 * Adds the difference of `length` bytes of data cell `cell` to the parities: parity[j], bytes at
 * the same offset of parity cell j, or NULL where that parity is kept elsewhere. Differences may be
 * applied in any order, and sums of differences at once. -DER_INVAL for a cell that is no data
 * cell, or difference NULL.
 */
MUST_USE int ec_apply(const struct ec_code *code, uint32_t cell, size_t length,
		      const uint8_t *difference, uint8_t *const *parity);

/* Both in one, without room for the difference: the parities of a cell whose bytes change from
 * before to after. NULL for before or after stands for zeros (a hole). */
MUST_USE int ec_update(struct ec_code *code, uint32_t cell, size_t length, const uint8_t *before,
		       const uint8_t *after, uint8_t *const *parity);

/* How the logged writes of a stripe become parity. */
enum ec_method {
	EC_METHOD_ENCODE,   /* from the logged records alone; what they leave out is zeros */
	EC_METHOD_REENCODE, /* from the logged records and the fetched ones between them */
	EC_METHOD_UPDATE,   /* from the old parity, and logged records with their old content */
};

/* What the log of a parity shard has of one stripe, newest over older. */
struct ec_log {
	uint64_t stripe;
	bool has_parity;		 /* parity of an earlier content exists */
	const struct ec_extent *extents; /* array records, ascending, not overlapping, borrowed */
	uint32_t count;
};

struct ec_plan {
	enum ec_method method;
	uint32_t changed;     /* data cells touched */
	uint32_t fetch_count; /* entries written to fetch */
};

/*
 * Chooses how to convert a log. Without earlier parity there is nothing but the log: ENCODE, as
 * when the log covers the stripe. With it: less than half of the data cells touched: UPDATE,
 * fetching the old content (as of the parity's epoch) of exactly the logged extents; else REENCODE,
 * fetching what the log leaves out. fetch has room for limit entries, log->count + 1 are always
 * enough. -DER_OVERFLOW when they are not; -DER_INVAL for extents that are empty, not in order, or
 * not within the stripe.
 */
MUST_USE int ec_plan_conversion(const struct ec_layout *layout, const struct ec_log *log,
				struct ec_extent *fetch, uint32_t limit, struct ec_plan *ret_plan);

/* Records of a stripe, logged or fetched, and their bytes; NULL stands for zeros (a hole). */
struct ec_content {
	struct ec_extent extent;
	const uint8_t *before; /* looked at by UPDATE alone */
	const uint8_t *after;
};

struct ec_conversion {
	enum ec_method method;
	uint64_t stripe;
	const struct ec_content *contents; /* ascending, not overlapping, borrowed */
	uint32_t count;
};

/* Carries a conversion out: parity[j], whole cells, or NULL where that parity is kept elsewhere;
 * read by UPDATE, overwritten by the other two. Errors as ec_plan_conversion(); parity is untouched
 * then. */
MUST_USE int ec_convert(struct ec_code *code, const struct ec_layout *layout,
			const struct ec_conversion *conversion, uint8_t *const *parity);

/* ------------------------------------------------ single values */

/*
 * A small value lies whole on the shard of cell 0 and on each parity shard. A larger one is split
 * evenly over the data cells, and has parity. The border, (data / 8 + 1) * 4 KiB, and the cells'
 * alignment of 8 bytes are those of DAOS.
 */
#define EC_SINGLE_UNIT 4096u
#define EC_SINGLE_ALIGNMENT 8u

struct ec_single {
	struct ec_class class;
	uint64_t size; /* bytes */
	bool split;
	uint64_t cell; /* bytes of a cell; the last one may be shorter */
};

/* -DER_INVAL for an impossible class, -DER_REC2BIG above EC_CELL_SIZE_MAX. */
MUST_USE int ec_single_init(struct ec_single *single, struct ec_class class, uint64_t size);

/* The bytes that the shard of a cell (data or parity) keeps: their number, and for data where they
 * begin in the value. */
struct ec_extent ec_single_extent(const struct ec_single *single, uint32_t cell);

/* Makes the parity cells, of single->cell bytes each, of a split value. -DER_INVAL when the value
 * is not split or the classes differ, -DER_IO_INVAL when vector is shorter than it. */
MUST_USE int ec_single_encode(struct ec_code *code, const struct ec_single *single,
			      struct ec_vector vector, uint8_t *const *parity);

/* As ec_decode(), of a split value; each buffer has the length that ec_single_extent() tells. */
MUST_USE int ec_single_decode(struct ec_code *code, const struct ec_single *single,
			      uint32_t available, uint32_t wanted, uint8_t *const *cells);
