/* SPDX-License-Identifier: BSD-2-Clause-Patent */
/* Transactions, anchors and time stamps. */
#ifndef __DAOS_API_H__
#define __DAOS_API_H__

#include <time.h>

#include <daos_types.h>

#if defined(__cplusplus)
extern "C" {
#endif

/** Flags of daos_tx_open: reads only; buffers are not copied at the call. */
enum {
	DAOS_TF_RDONLY    = 1 << 0,
	DAOS_TF_ZERO_COPY = 1 << 1,
};

/** Starts an enumeration from its beginning; opts is unused, pass 0. */
static inline int
daos_anchor_init(daos_anchor_t *anchor, unsigned int opts)
{
	(void)opts;
	memset(anchor, 0, sizeof(*anchor));
	return 0;
}

/** Ends the use of an anchor; nothing to release. */
static inline void
daos_anchor_fini(daos_anchor_t *anchor)
{
	(void)anchor;
}

static inline bool
daos_anchor_is_eof(daos_anchor_t *anchor)
{
	return anchor->da_type == DAOS_ANCHOR_TYPE_EOF;
}

/**
 * "0:1:2" -> rank list (caller frees with d_rank_list_free); declared in daos_api.h and
 * daos_cont.h.
 */
d_rank_list_t *daos_rank_list_parse(const char *str, const char *sep);

/** Open a read-write (or DAOS_TF_RDONLY) transaction on a container. */
int daos_tx_open(daos_handle_t coh, daos_handle_t *th, uint64_t flags, daos_event_t *ev);

/** Commit; -DER_TX_RESTART asks for daos_tx_restart + replay. */
int daos_tx_commit(daos_handle_t th, daos_event_t *ev);

/** Read-only transaction pinned at a snapshot epoch. */
int daos_tx_open_snap(daos_handle_t coh, daos_epoch_t epoch, daos_handle_t *th, daos_event_t *ev);

/** Discard all buffered writes. */
int daos_tx_abort(daos_handle_t th, daos_event_t *ev);

/** Release the handle (local). */
int daos_tx_close(daos_handle_t th, daos_event_t *ev);

/** Local: drops the buffered I/O, backs off, and the handle can be used again. */
int daos_tx_restart(daos_handle_t th, daos_event_t *ev);

/** Epoch of the transaction; -DER_UNINIT until chosen (debug use). */
int daos_tx_hdl2epoch(daos_handle_t th, daos_epoch_t *epoch);

/** HLC -> struct timespec. */
int daos_hlc2timespec(uint64_t hlc, struct timespec *ts);

/** HLC -> seconds since 1970. */
int daos_hlc2timestamp(uint64_t hlc, time_t *ts);

#if defined(__cplusplus)
}
#endif

#endif /* __DAOS_API_H__ */
