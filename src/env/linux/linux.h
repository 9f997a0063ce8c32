/* SPDX-License-Identifier: BSD-2-Clause-Patent */
/*
 * The world of a loop on Linux: clock, randomness, disks, TCP and Unix sockets, and one place to
 * sleep, which is an io_uring or, where that is refused, epoll with a few I/O threads. README.md
 * describes the wire framing.
 */
#pragma once

#include "env/env.h"
#include "env/linux/host.h"

enum linux_backend {
	LINUX_AUTO, /* io_uring where it works, else epoll; one log line says which and why */
	LINUX_URING,
	LINUX_EPOLL,
};

/* Zero means the default, which is given in brackets. */
struct linux_env_options {
	const char *name;      /* of the context in log lines; copied ["loop"] */
	uint64_t arena_budget; /* bytes [unlimited] */
	const char *directory; /* of storage, must exist; NULL: env->storage is NULL */
	enum linux_backend backend;
	struct log_sink *sink;	   /* borrowed [standard error] */
	enum log_level level;	   /* zero is LOG_ERROR */
	struct metrics *metrics;   /* borrowed; may be NULL */
	uint32_t connection_limit; /* connections of this loop, both directions [4096] */
	uint32_t io_threads;   /* of the epoll back-end, started at the first disk operation [4] */
	uint64_t queued_limit; /* bytes of frames that one connection keeps for a slow peer [64 MiB]
				*/
	uint32_t peer_timeout_ms; /* a TCP peer that acknowledges nothing for so long is dead
				     [10000] */
};

/*
 * Makes the world of one loop. All of it comes from an arena of its own, which is env->arena.
 * -DER_NOMEM; -DER_NOSYS when options->backend is LINUX_URING and the kernel refuses;
 * -DER_NONEXIST, -DER_NOTDIR, -DER_NO_PERM for the directory.
 */
MUST_USE int linux_env_create(const struct linux_env_options *options, struct env **ret_env);

/*
 * Ends the connections and listeners that are left, without a call to their owners and without a
 * signal to transfers under way, and frees env with its arena. No disk may be open.
 */
void linux_env_destroy(struct env *env);

/* The back-end that was chosen: LINUX_URING or LINUX_EPOLL. */
enum linux_backend linux_env_backend(const struct env *env);

/* Hands what is queued on all connections to the kernel now instead of at the next poll. Outside
 * handlers only. */
void linux_env_flush(struct env *env);

/* What a loop's world has seen since it was made. */
struct linux_statistics {
	uint64_t connections; /* open at present */
	uint64_t refused;     /* incoming ones beyond connection_limit or the descriptor limit */
	uint64_t malformed;   /* connections ended because the peer sent what is no frame */
	uint64_t frames_sent;
	uint64_t frames_received;
	uint64_t sends;	   /* system calls */
	uint64_t receives; /* system calls */
	uint64_t sleeps;   /* times the loop gave up its thread */
};
void linux_env_statistics(const struct env *env, struct linux_statistics *ret_statistics);
