/* SPDX-License-Identifier: BSD-2-Clause-Patent */
/* What the files about arrays share. */
#pragma once

#include "client/private.h"

/* The akey of the cells of every chunk. */
extern const struct objio_key array_cells;

/* Chunk i is dkey i + 1. */
struct objio_key array_dkey(uint8_t buffer[sizeof(uint64_t)], uint64_t number);

/* Cells from the first to behind the last one written; epoch is that of the newest change, where
 * wanted. *Yields*. */
MUST_USE int array_size(struct object_use *use, uint64_t *ret_size, uint64_t *ret_epoch);
