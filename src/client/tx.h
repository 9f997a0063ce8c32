/* SPDX-License-Identifier: BSD-2-Clause-Patent */
/* Inside a transaction: its states, what reads see, what writes leave. */
#pragma once

#include "client/private.h"

enum tx_state {
	TX_OPEN,
	TX_COMMITTING,
	TX_COMMITTED,
	TX_ABORTED, /* by the caller, or by a commit that failed or whose outcome is unknown */
	TX_FAILED,  /* a conflict: it can be restarted */
};

/* A write that waits for the commit; one block with all that it refers to, but for payload where
 * the caller keeps that (DAOS_TF_ZERO_COPY). */
struct tx_change {
	struct list link;
	struct objio_change change;
};

struct client_tx {
	struct handle handle;
	struct client_container *container; /* a reference */
	bool read_only;
	bool zero_copy;
	pthread_mutex_t lock; /* below; never held over a yield */
	enum tx_state state;
	uint32_t restarts;
	struct objio_view view; /* of this attempt; a snapshot has no transaction in it */
	bool drawing;		/* a read is under way that draws its epoch */
	struct list changes;	/* struct tx_change */
	uint32_t count;
	uint64_t bytes; /* of their payload */
	int failure;	/* a write could not be kept: commit says so */
};

/* -DER_UNINIT, -DER_NO_HDL. Given back by client_tx_put(). */
MUST_USE int client_tx_get(daos_handle_t cookie, struct client_tx **ret_tx);
#define SCOPED_TX __attribute__((cleanup(client_tx_put))) struct client_tx *

/* One read of the present attempt. */
struct tx_read {
	struct objio_view view;
	bool draws; /* its answer tells the epoch of all */
};

/*
 * Begins a read. While another one draws the epoch it waits a little: 1 when that is not over by
 * then, as nobody may be driving its context; the caller draws one itself. -DER_TX_RESTART,
 * -DER_NO_PERM. *Yields*.
 */
MUST_USE int tx_read_begin(struct client_tx *tx, struct tx_read *ret_read);
/* After it ended with result: 1: read again, the epoch is another one; else the result, or
 * -DER_TX_RESTART when the transaction was restarted meanwhile. */
MUST_USE int tx_read_end(struct client_tx *tx, const struct tx_read *read, int result);
/* Whether its point in time is known, or it is over. */
bool tx_is_settled(struct client_tx *tx);

/* Keeps a write (taken, also on failure; NULL: memory was out) with so many bytes of payload.
 * -DER_REC2BIG, -DER_NOMEM: the commit fails, too. */
MUST_USE int tx_keep(struct client_tx *tx, struct tx_change *change, uint64_t bytes);
