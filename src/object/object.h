/* SPDX-License-Identifier: BSD-2-Clause-Patent */
/* The object service: serves update, fetch, punch, list and query of the shards on each loop's targets. */
#pragma once

#include "container/container.h"

/* Serves PROTO_OBJECT_* on the loop's rpc. Called on each loop. node is borrowed. */
MUST_USE int object_serve(struct node *node);

/* How many object requests were served on the current loop, by operation (index: operation - PROTO_OBJECT). */
void object_figures(struct node *node, uint64_t *ret_counts, uint32_t count);
