/* SPDX-License-Identifier: BSD-2-Clause-Patent */
/* The object service: serves update, fetch, punch, list and query of the shards on each loop's
 * targets. */
#pragma once

#include "container/container.h"

/* Bytes of payload that the requests of one loop hold at the same time; more wait in the order of
 * arrival. */
#define OBJECT_PAYLOAD_LIMIT (64u * 1024 * 1024)

/*
 * Serves PROTO_OBJECT_* on the current loop's rpc until object_stop(). Called on each loop. node is
 * borrowed. -DER_NOMEM, -DER_EXIST.
 */
MUST_USE int object_serve(struct node *node);

/* Frees what object_serve() made on the current loop, if anything. The loop's rpc has been
 * destroyed: no request is being served. Waits until transactions that were decided are applied.
 * *Yields*. */
void object_stop(struct node *node);

/* How many object requests arrived on the current loop, by operation (index: operation -
 * PROTO_OBJECT). */
void object_figures(struct node *node, uint64_t *ret_counts, uint32_t count);
