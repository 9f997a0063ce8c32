/* SPDX-License-Identifier: BSD-2-Clause-Patent */
/*
 * An engine: loops, their media and RPC ends, and the services on them. Start-up is a table of
 * steps with undo. Its hosts are the daos_engine process, the embedded library and the simulator;
 * all give it loops that somebody else steps.
 */
#pragma once

#include "container/container.h"
#include "object/object.h"

struct engine;

struct engine_options {
	const char *system; /* name of the system; NULL: "daos_server" */
	uint32_t rank;
	uint32_t targets;	   /* at least 1 */
	const char *const *listen; /* addresses; the Unix socket first */
	uint32_t listen_count;
	bool thin_default;
	bool format;	       /* make a new system; an error where the storage holds one already */
	uint64_t log_size;     /* per loop, bytes; 0: default */
	uint64_t inline_limit; /* 0: default */
	uint64_t checkpoint_interval; /* ns; 0: default */
	uint64_t capacity; /* bytes that pools may be given; 0: what the file system has */
};

/*
 * Whether the storage holds a system: then it is started without format. Does not yield; before or
 * inside any loop. Errors of the storage.
 */
MUST_USE int engine_formatted(struct storage *storage, bool *ret_formatted);

/*
 * Makes an engine on count loops (borrowed), whose envs share one storage directory; allocates from
 * the arena of loop 0's env. The loops need not be running yet.
 */
MUST_USE int engine_create(struct loop *const *loops, uint32_t count,
			   const struct engine_options *options, struct engine **ret_engine);

/* Runs the start-up steps. On a fiber of loop 0, all loops being stepped. *Yields*. On failure
 * everything done is undone, and error_text() says what, why and what to do. */
MUST_USE int engine_start(struct engine *engine);

/*
 * Listens on one more address of a started engine, told to clients from now on. On a fiber of loop
 * 0. *Yields*. -DER_BUSY when somebody else does, -DER_OVERFLOW, -DER_INVAL and others.
 */
MUST_USE int engine_listen(struct engine *engine, const char *address);

/* Stops serving, waits for what is under way, checkpoints, closes. On a fiber of loop 0. *Yields*.
 */
void engine_stop(struct engine *engine);

/* After engine_stop(), or without a start. */
void engine_destroy(struct engine *engine);

/* Addresses as bound, while started. */
uint32_t engine_addresses(const struct engine *engine, const char **ret_addresses, uint32_t limit);

/* The rank's own view, for tests and metrics. */
struct node *engine_node(struct engine *engine);

struct engine_audit {
	uint64_t stores, records, bytes;
};

/*
 * Audits every store of a started engine that is in service, as vos_audit() and metadb_audit() do,
 * while it serves. On a fiber of loop 0. Each store stops its loop for a moment. -DER_IO for the
 * first thing found wrong, with a text; errors of media. *Yields*.
 */
MUST_USE int engine_audit(struct engine *engine, struct engine_audit *ret_audit);
