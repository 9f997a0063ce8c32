/* SPDX-License-Identifier: BSD-2-Clause-Patent */
/* What the files of ec share. */
#pragma once

#include "ec/ec.h"

/* A table of ISA-L has 32 bytes per coefficient. */
#define COEFFICIENT_BYTES 32u

struct ec_code {
	struct arena *arena;
	struct ec_class class;
	uint8_t matrix[EC_CELLS_MAX * EC_DATA_MAX]; /* row c: cell c from the data cells */
	uint8_t tables[COEFFICIENT_BYTES * EC_DATA_MAX * EC_PARITY_MAX]; /* of the parity rows */
	uint8_t *blocks; /* one of EC_BLOCK bytes per cell */
	uint8_t *zeros;	 /* EC_BLOCK of them */
	struct table decode_index;
	struct list decode_order; /* used longest ago first */
	uint64_t decode_made;
};

/* A linear map: some outputs from `data` inputs. */
struct product {
	const uint8_t *tables; /* borrowed */
	uint32_t outputs;
	bool sum; /* the only output is the exclusive or of the inputs */
};

/* Runs a product over plain buffers. */
void product_run(const struct ec_code *code, const struct product *product, size_t length,
		 uint8_t *const *inputs, uint8_t *const *outputs);

/* All parities from all data cells. */
struct product encode_product(const struct ec_code *code);

/* The wanted cells from the sources, both in ascending order. Valid until the next one is asked
 * for. -DER_NOMEM. */
MUST_USE int decode_product(struct ec_code *code, uint32_t sources, uint32_t wanted,
			    struct product *ret_product);

void decode_tables_fini(struct ec_code *code);

/* A place in a vector. */
struct cursor {
	const struct iovec *iov;
	uint32_t count;
	size_t skip; /* within the first piece left */
};

struct cursor cursor_at(struct ec_vector vector, size_t offset);

/* Whether the vector has length bytes from the cursor on. */
bool cursor_reaches(struct cursor cursor, size_t length);

/* As product_run() over vectors. Inputs that end early go on with zeros, what goes beyond the end
 * of an output is dropped. The cursors are left behind the last byte. */
void product_run_vectors(struct ec_code *code, const struct product *product, size_t length,
			 struct cursor *inputs, struct cursor *outputs);

/* The entries of cells whose bits are set, in ascending order; returns their number. */
uint32_t pick_cells(uint32_t set, uint32_t *ret_cells);

/* ISA-L and xor_gen() take sources as pointers to memory that may be written. */
static inline uint8_t *
unconst(const uint8_t *bytes)
{
	return (uint8_t *)(uintptr_t)bytes;
}

static inline bool
class_equal(struct ec_class a, struct ec_class b)
{
	return a.data == b.data && a.parity == b.parity;
}
