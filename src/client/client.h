/* SPDX-License-Identifier: BSD-2-Clause-Patent */
/*
 * What libdfs and libduns use of libdaos besides its public functions: a private, versioned symbol
 * set (CAIRN_PRIVATE) that no installed header shows.
 *
 * Every public call is one function that runs on a fiber of a client context. client_run() is that
 * door: a call with an event returns once the operation has been launched; a call without one
 * drives a context until it is done; a call made on a fiber runs at once on that fiber. So an
 * operation composed of others is written as one straight line of blocking calls.
 */
#pragma once

#include "base/base.h"
#include "daos.h"

struct loop;

/*
 * Runs function(arguments) on a fiber. arguments are size bytes, copied when event is given
 * (borrowed otherwise). Its result becomes the event's ev_error, or is returned. A failure to
 * launch is returned and leaves the event alone.
 */
int client_run(daos_event_t *event, int (*function)(void *arguments), void *arguments, size_t size);

/* Lists the dkeys of an open object in order, each with the value of one akey: a directory page
 * with attributes. On a fiber of a context (inside client_run()). visit borrows its arguments and
 * must not call the library. */
int client_list_ordered(daos_handle_t object, const void *after, size_t after_length,
			const char *with_akey, uint32_t limit,
			int (*visit)(void *argument, const void *key, size_t key_length,
				     const void *value, size_t value_length),
			void *argument, bool *ret_end);

/*
 * Calls function(argument, index) for each index below count, several at the same time, on fibers
 * of the same context; on a fiber of a context. Waits for all; the first failure is returned, and
 * what was not yet begun then is left out. *Yields*.
 */
int client_gather(uint32_t count, int (*function)(void *argument, uint32_t index), void *argument);

/* Real time in nanoseconds since 1970: of the context whose fiber calls, else of the process. */
uint64_t client_realtime(void);

/* Whose files are made and looked at: the effective ids of the process, or those a host gave. */
uint32_t client_user(void);
uint32_t client_group(void);

/*
 * One more handle of an open container, through which its objects are opened as a snapshot shows
 * them, which is named by name or (NULL) by epoch: calls without a transaction read at its epoch,
 * which is returned, and changes are -DER_NO_PERM. Closed by daos_cont_close() before the handle it
 * comes from. -DER_NONEXIST where there is no such snapshot, -DER_INVAL. *Yields*.
 */
int client_container_at(daos_handle_t container, daos_epoch_t epoch, const char *name,
			daos_handle_t *ret_handle, daos_epoch_t *ret_epoch);

/* As daos_obj_query_max_epoch(), blocking: the epoch in which a dkey of the object last came or
 * went. */
int client_query_renamed(daos_handle_t object, daos_handle_t transaction, daos_epoch_t *ret_epoch);

/* The container's property as it was at open; 0 when unknown. */
uint64_t client_container_property(daos_handle_t container, uint32_t type);
struct uuid client_container_id(daos_handle_t container);

/*
 * Memory of the library and its upper halves; malloc's semantics, NULL may be freed. On a host's
 * loop it is the arena's, so that a crash of the node drops it: what is allocated on a fiber there
 * is freed on any fiber there.
 */
void *client_alloc(size_t size);
void *client_calloc(size_t size);
void client_free(void *pointer);

/* ------------------------------------------------ clients of a host */

/*
 * A client that lives on somebody else's loop, as an ordinary object: any number of them in one
 * process, one for each loop. It draws everything from the loop's env, looks at no environment
 * variable and no file, and knows no threads. Its calls are the public ones, of libdfs and libduns
 * too, made on fibers of the loop: they concern the client of their loop, and wait by yielding.
 *
 * A call with an event starts a fiber, which first runs when the caller yields. daos_eq_poll() and
 * daos_event_test() return -DER_CANCELED or -DER_TIMEDOUT when their fiber was canceled or its
 * deadline passed. Any number of event queues share the loop.
 *
 * Where a node crashes, there is nothing to be called: client, handles and operations lie in the
 * env's arena and go with it. Only memory that the public interface gives to the caller (lists of
 * properties and of ranks, names) is malloc's.
 */
struct client;

struct client_host {
	const char *const *servers; /* addresses of engines that answer first questions */
	uint32_t server_count;	    /* 1 to 8 */
	uint32_t user, group;	    /* of client_user(), client_group() */
};

/*
 * Makes a client on loop (borrowed; nobody steps it at the moment, or the caller is one of its
 * fibers). host is copied. -DER_INVAL for addresses that cannot be, -DER_EXIST where the loop has a
 * client, -DER_NOMEM.
 */
MUST_USE int client_create(struct loop *loop, const struct client_host *host,
			   struct client **ret_client);

/*
 * Ends what runs under events, says goodbye to the servers, and gives all memory back, that of
 * handles left open too. On a fiber of its loop, while no other fiber is inside a call; events and
 * what libdfs opened have been given back before. *Yields*, uninterruptible.
 */
void client_destroy(struct client *client);

/* ------------------------------------------------ the door of dmg */

/* Why the latest failed call of this thread failed: what, why and what to do. Empty when nothing is
 * known. */
const char *client_last_error(void);

/* The caller shows failures itself: the library does not log where it looked for servers in vain.
 */
void client_set_quiet(bool quiet);

/*
 * How long operations wait for an engine that is away, from now on, in nanoseconds; 0: 60 s. What
 * concerns objects of a pool keeps what was set when it was first used, so that this is said before
 * the first call.
 */
void client_set_patience(uint64_t nanoseconds);

struct client_engine {
	uint32_t rank, targets, loops;
	uint32_t state; /* 1: joined */
	struct uuid incarnation;
	char address[256];
};

struct client_system {
	char name[32];
	char version[32];
	uint32_t engine_count;
	struct client_engine engines[64];
};

/* All of these block and return 0 or a negative DAOS code. */
int client_system_query(struct client_system *ret_system);

struct client_pool_create {
	const char *label;	 /* NULL: none */
	bool thin;		 /* no sizes */
	uint64_t metadata_bytes; /* over all targets; 0: derived */
	uint64_t data_bytes;
	uint32_t share;	   /* not 0: of the free storage, in 1/10000; bytes are a ratio then */
	const char *owner; /* NULL: the caller */
	const char *owner_group;
	daos_prop_t *properties; /* NULL: defaults */
};

struct client_pool_created {
	struct uuid id;
	uint32_t targets;
	uint64_t metadata_bytes, data_bytes;
};
int client_pool_create(const struct client_pool_create *request,
		       struct client_pool_created *ret_created);
int client_pool_destroy(const char *label_or_id, bool force, bool recursive);

struct client_pool_entry {
	struct uuid id;
	char label[128];
	uint32_t state; /* enum proto_pool_state */
	uint32_t rank_count;
	uint32_t ranks[16];
};
/*
 * Connects as an administrator, root or the engine's own user: access lists do not matter. Flags
 * and info as those of daos_pool_connect(). -DER_NO_PERM.
 */
int client_pool_connect(const char *label_or_id, unsigned int flags, daos_handle_t *ret_pool,
			daos_pool_info_t *info);
/* Through such a handle. */
int client_pool_set_properties(daos_handle_t pool, daos_prop_t *properties);
int client_pool_update_acl(daos_handle_t pool, struct daos_acl *acl);
/* principal: as in text, "u:name@", "g:name@" or a special one. */
int client_pool_delete_acl(daos_handle_t pool, const char *principal);
/* Ends all connections; *ret_count of them. */
int client_pool_evict(const char *label_or_id, uint32_t *ret_count);

/* *ret_entries is an array to be freed by client_free(). */
int client_pool_list(struct client_pool_entry **ret_entries, uint32_t *ret_count);
