/* SPDX-License-Identifier: BSD-2-Clause-Patent */
/* One engine in a process of its own: a world, a loop and a thread for each core it uses. */
#pragma once

#include "engine/engine.h"
#include "env/linux/linux.h"

#define HOST_LOOPS_MAX NODE_LOOPS
#define HOST_ADDRESSES_MAX PROTO_ADDRESSES_MAX

struct host_options {
	const char *storage;			/* directory, which exists */
	const char *listen[HOST_ADDRESSES_MAX]; /* the Unix socket first */
	uint32_t listen_count;
	const char *system;
	uint32_t rank;
	uint32_t targets, loops;
	bool thin_default;
	bool format;
	uint64_t log_size, capacity; /* bytes; 0: default */
	uint64_t spin_ns;
	enum linux_backend backend;
	struct log_sink *sink;
	enum log_level level;
};

struct host;

/*
 * Starts an engine and returns when it serves. On failure message says what, why and what to do.
 * options and its texts are borrowed until host_stop().
 */
MUST_USE int host_start(const struct host_options *options, char *message, size_t message_size,
			struct host **ret_host);

/* Addresses as bound. */
uint32_t host_addresses(const struct host *host, const char **ret_addresses, uint32_t limit);

/* Stops the engine cleanly, ends its threads and frees all. */
void host_stop(struct host *host);
