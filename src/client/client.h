/* SPDX-License-Identifier: BSD-2-Clause-Patent */
/*
 * What libdfs and libduns use of libdaos besides its public functions: a private, versioned symbol set (CAIRN_PRIVATE) that
 * no installed header shows.
 *
 * Every public call is one function that runs on a fiber of a client context. client_run() is that door: a call with
 * an event returns once the operation has been launched; a call without one drives a context until it is done; a call made on a
 * fiber runs at once on that fiber. So an operation composed of others is written as one straight line of blocking calls.
 */
#pragma once

#include "base/base.h"
#include "daos.h"

/*
 * Runs function(arguments) on a fiber. arguments are size bytes, copied when event is given (borrowed otherwise). Its result
 * becomes the event's ev_error, or is returned. A failure to launch is returned and leaves the event alone.
 */
EXPORT int client_run(daos_event_t *event, int (*function)(void *arguments), void *arguments, size_t size);

/* Lists the dkeys of an open object in order, each with the value of one akey: a directory page with attributes. On a fiber of
 * a context (inside client_run()). visit borrows its arguments and must not call the library. */
EXPORT int client_list_ordered(daos_handle_t object, const void *after, size_t after_length, const char *with_akey,
			       uint32_t limit,
			       int (*visit)(void *argument, const void *key, size_t key_length, const void *value,
					    size_t value_length),
			       void *argument, bool *ret_end);

/* Real time of the client's clock, and the highest stamp heard from any server. */
EXPORT uint64_t client_realtime(void);
EXPORT uint64_t client_latest_stamp(void);

/* The container's property as it was at open; 0 when unknown. */
EXPORT uint64_t client_container_property(daos_handle_t container, uint32_t type);
EXPORT struct uuid client_container_id(daos_handle_t container);

/* Memory of the library for its upper halves; plain malloc semantics. */
EXPORT void *client_alloc(size_t size);
EXPORT void client_free(void *pointer);
