/* SPDX-License-Identifier: BSD-2-Clause-Patent */
/*
 * A server with several loops and clients of one loop in a world in memory, and methods that tests
 * call.
 */
#pragma once

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

#include "env/memory/memory.h"
#include "rpc/internal.h"

#define BED_LOOPS 4u
#define BED_CLIENTS 3u
#define BED_ADDRESS "memory:server"
/* The same by the network, where nobody sees whose process a client is. */
#define BED_NETWORK "tcp:10.0.0.1:7000"
#define BED_SECOND UINT64_C(1000000000)
#define BED_MS UINT64_C(1000000)

enum bed_operation {
	BED_ECHO = PROTO_OBJECT + 1, /* body back */
	BED_SLEEP,		     /* u64 nanoseconds, slept interruptibly; then body as echo */
	BED_FAIL,		     /* u32 code, which is the status; the body "why" goes along */
	BED_FILL,		     /* u32 bytes of 'x' as reply */
	BED_WHERE,		     /* which loop serves: u32 */
	BED_IDENTITY,	 /* the request id: u64 sequence, confirmed, first_sent, u8 flags */
	BED_PULL,	 /* bulk, u64 offset, u32 length: pulled and sent back inline */
	BED_PUSH,	 /* bulk, u64 offset, u32 length: so many 'p' are pushed */
	BED_PULL_SLOWLY, /* u64 nanoseconds first, then as BED_PULL; the error is noted */
};

/* One loop with its RPC end. */
struct bed_end {
	struct env *env;
	struct loop *loop;
	struct rpc *rpc;
	struct hlc clock;
	uint32_t number;
	uint32_t executed; /* requests whose handler began */
	uint32_t canceled; /* sleepers that were canceled */
	int pulled;	   /* latest result of BED_PULL_SLOWLY */
	uint32_t goodbyes;
	bool goodbye_said;
	struct bed *bed;
};

struct bed {
	struct memory_world *world;
	uint32_t loops; /* of the server; 0: down */
	struct bed_end server[BED_LOOPS];
	struct rpc *group[BED_LOOPS];
	struct bed_end client[BED_CLIENTS]; /* env NULL: absent */
	struct rpc_options server_options;  /* for the next start */
	struct rpc_options client_options;
	uint64_t incarnations;
	char address[128];
};

/* A world without anybody in it. */
void bed_init(struct bed *bed);
/* Stops everybody, and checks that nothing is left over. */
void bed_fini(struct bed *bed);

void bed_server_start(struct bed *bed, uint32_t loops);
void bed_server_stop(struct bed *bed);
void bed_server_crash(struct bed *bed);
struct bed_end *bed_client_start(struct bed *bed, uint32_t number, int64_t realtime_offset);
/* Ends the client's RPC end only; then all of it. */
void bed_client_leave(struct bed_end *end);
void bed_client_stop(struct bed_end *end);
void bed_client_crash(struct bed_end *end);

/* Runs function on a fiber of end's loop, while all loops are stepped. */
int bed_run(struct bed_end *end, int (*function)(struct bed_end *end, void *argument),
	    void *argument);
/* As above, letting virtual time pass. */
void bed_pause(struct bed_end *end, uint64_t nanoseconds);

/* The server's loop for tag, as a peer; from inside bed_run(). */
struct rpc_peer *bed_peer(struct bed_end *end, uint32_t tag);

/* A call with an inline body; checks that reply == body on success of BED_ECHO. */
int bed_call(struct rpc_peer *peer, uint32_t operation, const void *body, size_t length,
	     struct rpc_reply *ret_reply, bool *ret_sent);
int bed_echo(struct rpc_peer *peer, const char *text);
int bed_sleep(struct rpc_peer *peer, uint64_t nanoseconds, bool *ret_sent);

int64_t bed_count(const struct rpc *rpc, enum rpc_metric metric);
