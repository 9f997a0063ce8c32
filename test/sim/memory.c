/* SPDX-License-Identifier: BSD-2-Clause-Patent */
/* See memory.h. */
#include <stdio.h>
#include <stdlib.h>

#include "sim/memory.h"

void *
sim_take(size_t size)
{
	void *block = calloc(1, size ? size : 1);

	if (block == NULL) {
		fprintf(stderr, "sim: out of memory\n");
		abort();
	}
	return block;
}

void *
sim_grow(void *block, size_t size)
{
	void *grown = realloc(block, size ? size : 1);

	if (grown == NULL) {
		fprintf(stderr, "sim: out of memory\n");
		abort();
	}
	return grown;
}
