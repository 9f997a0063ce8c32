/* SPDX-License-Identifier: BSD-2-Clause-Patent */
/* Events and event queues: completion of asynchronous calls. */
#ifndef __DAOS_EVENT_H__
#define __DAOS_EVENT_H__

#include <daos_errno.h>
#include <daos_types.h>

#if defined(__cplusplus)
extern "C" {
#endif

/** Flag of daos_eq_destroy. */
#define DAOS_EQ_DESTROY_FORCE	1

/** Runs at completion with (arg, event, result). */
typedef int (*daos_event_comp_cb_t)(void *, daos_event_t *, int);

/** Create an event queue with its own network context (expensive, keep few). */
int daos_eq_create(daos_handle_t *eqh);

/** Destroy an EQ; -DER_BUSY while events are launched unless DAOS_EQ_DESTROY_FORCE(1). */
int daos_eq_destroy(daos_handle_t eqh, int flags);

/**
 * Progress the network and reap up to nevents completions; timeout in µs, -1 waits forever, 0
 * returns at once; wait_running=1 means wait only if something is in flight; returns count or
 * -DER.
 */
int daos_eq_poll(daos_handle_t eqh, int wait_running, int64_t timeout, unsigned int nevents,
		 daos_event_t **events);

/** Count (and optionally list) completed/in-flight events without reaping them. */
int daos_eq_query(daos_handle_t eqh, daos_eq_query_t query, unsigned int nevents,
		  daos_event_t **events);

/**
 * Initialise a caller-owned event, attached to an EQ, to a parent event, or to neither
 * (private/global EQ).
 */
int daos_event_init(daos_event_t *ev, daos_handle_t eqh, daos_event_t *parent);

/** Release an event (and its children); not allowed while running or un-polled. */
int daos_event_fini(daos_event_t *ev);

/** Iterate over the children of a parent event. */
daos_event_t *daos_event_next(daos_event_t *parent, daos_event_t *child);

/** Progress and test one event (not a child); a finished one is also removed from its EQ. */
int daos_event_test(struct daos_event *ev, int64_t timeout, bool *flag);

/** Add a callback run at completion with (arg, ev, rc). */
int daos_event_register_comp_cb(struct daos_event *ev, daos_event_comp_cb_t cb, void *arg);

/** Launch a parent as a barrier so that it completes when all children have. */
int daos_event_parent_barrier(struct daos_event *ev);

/** Mark a running operation aborted; the event must still be polled out. */
int daos_event_abort(daos_event_t *ev);

#if defined(__cplusplus)
}
#endif

#endif /* __DAOS_EVENT_H__ */
