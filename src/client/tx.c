/* SPDX-License-Identifier: BSD-2-Clause-Patent */
/*
 * Transactions: a handle that any thread may use. Reads go out at once, at the point in time that
 * the first one draws; writes are kept here until commit sends them all. They are not seen by reads
 * of the same transaction before.
 */
#include "client/tx.h"

/* A restart waits a random time below this, doubled with each one in a row. */
#define BACKOFF_NS UINT64_C(500000)
#define BACKOFF_DOUBLINGS 9u
/* How long a read waits for the one that draws the epoch, and how often it looks. */
#define DRAWING_LOOK_NS UINT64_C(100000)
#define DRAWING_LOOKS 50u

static void
drop_changes(struct client_tx *tx)
{
	struct list *link;

	while ((link = list_pop(&tx->changes)) != NULL)
		client_free(list_entry(link, struct tx_change, link));
	tx->count = 0;
	tx->bytes = 0;
	tx->failure = 0;
}

static void
tx_free(struct handle *handle)
{
	struct client_tx *tx = (struct client_tx *)handle;

	drop_changes(tx);
	handle_put(&tx->container->handle);
	pthread_mutex_destroy(&tx->lock);
	client_free(tx);
}

int
client_tx_get(daos_handle_t cookie, struct client_tx **ret_tx)
{
	struct client *client = client_here();
	struct handle *handle;
	int rc = client_check(client);

	if (rc == 0)
		rc = handle_get(&client->handles, cookie, DAOS_HTYPE_TX, &handle);
	if (rc == 0)
		*ret_tx = (struct client_tx *)handle;
	return rc;
}

void
client_tx_put(struct client_tx **tx)
{
	if (*tx)
		handle_put(&(*tx)->handle);
}

int
check_transaction(daos_handle_t transaction)
{
	SCOPED_TX tx = NULL;

	return daos_handle_is_inval(transaction) ? 0 : client_tx_get(transaction, &tx);
}

/* ------------------------------------------------ states */

/* Whether it can be read and written in. With the lock held. */
static int
check_open(const struct client_tx *tx)
{
	switch (tx->state) {
	case TX_OPEN:
		return 0;
	case TX_FAILED:
		return error_raise(-DER_TX_RESTART,
				   "the transaction met a conflict: call daos_tx_restart()");
	case TX_COMMITTING:
	case TX_COMMITTED:
	case TX_ABORTED:
		break;
	}
	return error_raise(-DER_NO_PERM, "the transaction was %s",
			   tx->state == TX_ABORTED ? "aborted" : "committed");
}

static int
check_writable(const struct client_tx *tx)
{
	if (tx->read_only)
		return error_raise(-DER_NO_PERM, "the transaction only reads");
	return check_open(tx);
}

int
tx_join(struct object_use *use, daos_handle_t cookie, bool change)
{
	SCOPED_TX tx = NULL;
	int rc;

	if (daos_handle_is_inval(cookie))
		return 0;
	rc = client_tx_get(cookie, &tx);
	if (rc)
		return rc;
	if (!uuid_equal(&tx->container->id, &use->object->container->id))
		return error_raise(-DER_INVAL, "the transaction is of another container");
	pthread_mutex_lock(&tx->lock);
	rc = change ? check_writable(tx) : check_open(tx);
	pthread_mutex_unlock(&tx->lock);
	if (rc == 0) {
		use->tx = tx;
		tx = NULL;
	}
	return rc;
}

/* ------------------------------------------------ reads */

/* Whether to wait for the one that draws. */
static int
read_try(struct client_tx *tx, struct tx_read *read, bool *ret_wait)
{
	int rc;

	pthread_mutex_lock(&tx->lock);
	rc = check_open(tx);
	*read = (struct tx_read){.view = tx->view};
	*ret_wait = rc == 0 && tx->view.epoch == 0 && tx->drawing;
	if (rc == 0 && tx->view.epoch == 0 && !tx->drawing)
		read->draws = tx->drawing = true;
	pthread_mutex_unlock(&tx->lock);
	return rc;
}

int
tx_read_begin(struct client_tx *tx, struct tx_read *ret_read)
{
	for (uint32_t i = 0;; i++) {
		bool wait;
		int rc = read_try(tx, ret_read, &wait);

		if (rc || !wait)
			return rc;
		if (i == DRAWING_LOOKS)
			return 1;
		rc = fiber_sleep(DRAWING_LOOK_NS);
		if (rc)
			return rc;
	}
}

/*
 * The first epoch that is told counts. What a read has noted at a later one would stand in the way
 * of the commit; so only one read at a time draws, and who draws without a read does so later.
 */
int
tx_read_end(struct client_tx *tx, const struct tx_read *read, int result)
{
	const struct objio_view *view = &read->view;
	int rc = result;

	pthread_mutex_lock(&tx->lock);
	if (!uuid_equal(&tx->view.transaction, &view->transaction)) {
		rc = error_raise(-DER_TX_RESTART, "the transaction was restarted meanwhile");
	} else {
		if (read->draws)
			tx->drawing = false;
		if (result == -DER_TX_RESTART && tx->state == TX_OPEN)
			tx->state = TX_FAILED;
		if (result != -DER_TX_RESTART && view->epoch != 0 && tx->state == TX_OPEN) {
			if (tx->view.epoch == 0)
				tx->view.epoch = view->epoch;
			if (tx->view.epoch != view->epoch)
				rc = 1;
		}
	}
	pthread_mutex_unlock(&tx->lock);
	return rc;
}

bool
tx_is_settled(struct client_tx *tx)
{
	bool settled;

	pthread_mutex_lock(&tx->lock);
	settled = tx->state != TX_OPEN || tx->view.epoch != 0;
	pthread_mutex_unlock(&tx->lock);
	return settled;
}

/* ------------------------------------------------ writes */

int
tx_keep(struct client_tx *tx, struct tx_change *change, uint64_t bytes)
{
	int rc;

	pthread_mutex_lock(&tx->lock);
	rc = check_writable(tx);
	if (rc == 0)
		rc = tx->failure;
	if (rc == 0 && change == NULL)
		rc = tx->failure = -DER_NOMEM;
	/* Without this write the transaction is not what was asked for. */
	if (rc == 0 &&
	    (tx->count == PROTO_COMMIT_CHANGES_MAX || bytes > PROTO_COMMIT_PAYLOAD_MAX - tx->bytes))
		rc = tx->failure = error_raise(-DER_REC2BIG,
					       "a transaction of more than %u writes or %u bytes",
					       PROTO_COMMIT_CHANGES_MAX, PROTO_COMMIT_PAYLOAD_MAX);
	if (rc == 0) {
		list_append(&tx->changes, &change->link);
		tx->count++;
		tx->bytes += bytes;
	}
	pthread_mutex_unlock(&tx->lock);
	if (rc)
		client_free(change);
	return rc;
}

/* ------------------------------------------------ open and close */

struct open_arguments {
	daos_handle_t container;
	uint64_t flags;
	daos_epoch_t epoch; /* 0: no snapshot */
	daos_handle_t *ret_handle;
};

static int
run_open(void *argument)
{
	const struct open_arguments *arguments = argument;
	SCOPED_CONTAINER container = NULL;
	struct client_tx *tx;
	int rc = client_container_get(arguments->container, &container);

	if (rc)
		return rc;
	tx = client_calloc(sizeof(*tx));
	if (tx == NULL)
		return -DER_NOMEM;
	handle_init(&tx->handle, DAOS_HTYPE_TX, tx_free);
	pthread_mutex_init(&tx->lock, NULL);
	list_init(&tx->changes);
	tx->container = container;
	container = NULL;
	tx->zero_copy = arguments->flags & DAOS_TF_ZERO_COPY;
	tx->read_only = arguments->flags & DAOS_TF_RDONLY;
	tx->state = TX_OPEN;
	if (arguments->epoch)
		tx->view.epoch = arguments->epoch | HLC_MINOR_MASK;
	else
		tx->view.transaction = context_draw_uuid(context_here());
	rc = handle_add(&client_here()->handles, &tx->handle, arguments->ret_handle);
	if (rc)
		handle_put(&tx->handle);
	return rc;
}

int
daos_tx_open(daos_handle_t coh, daos_handle_t *th, uint64_t flags, daos_event_t *ev)
{
	struct open_arguments arguments = {.container = coh, .flags = flags, .ret_handle = th};

	if (th == NULL || flags & ~(uint64_t)(DAOS_TF_RDONLY | DAOS_TF_ZERO_COPY))
		return -DER_INVAL;
	return client_run(ev, run_open, &arguments, sizeof(arguments));
}

int
daos_tx_open_snap(daos_handle_t coh, daos_epoch_t epoch, daos_handle_t *th, daos_event_t *ev)
{
	struct open_arguments arguments = {
		.container = coh, .flags = DAOS_TF_RDONLY, .epoch = epoch, .ret_handle = th};

	if (th == NULL || epoch == 0)
		return -DER_INVAL;
	return client_run(ev, run_open, &arguments, sizeof(arguments));
}

static int
run_close(void *argument)
{
	SCOPED_TX tx = NULL;
	int rc = client_tx_get(*(daos_handle_t *)argument, &tx);
	bool busy;

	if (rc)
		return rc;
	pthread_mutex_lock(&tx->lock);
	busy = tx->state == TX_COMMITTING;
	pthread_mutex_unlock(&tx->lock);
	if (busy)
		return error_raise(-DER_BUSY, "the transaction is being committed");
	return handle_remove(&client_here()->handles, &tx->handle) ? 0 : -DER_NO_HDL;
}

int
daos_tx_close(daos_handle_t th, daos_event_t *ev)
{
	return client_run(ev, run_close, &th, sizeof(th));
}

/* ------------------------------------------------ commit, abort, restart */

/* With the lock held. */
static int
check_commit(const struct client_tx *tx)
{
	if (tx->state == TX_COMMITTED)
		return -DER_ALREADY;
	if (tx->state == TX_COMMITTING)
		return -DER_INPROGRESS;
	return check_open(tx);
}

static int
send_changes(struct client_tx *tx, struct objio *objio)
{
	struct arena *arena = context_here()->env->arena;
	AUTO_FREE struct scoped_block block = {
		arena, arena_alloc(arena, tx->count * sizeof(struct objio_change))};
	struct objio_change *changes = block.pointer;
	uint32_t count = 0;

	if (changes == NULL)
		return -DER_NOMEM;
	LIST_FOR_EACH(link, &tx->changes)
		changes[count++] = list_entry(link, struct tx_change, link)->change;
	return objio_commit(objio, &tx->view, changes, count);
}

static int
commit(struct client_tx *tx)
{
	struct context_container *entry;
	struct objio *objio;
	int rc = tx->failure;

	if (rc || tx->count == 0)
		return rc;
	rc = context_container_get(context_here(), tx->container, &objio, &entry);
	if (rc)
		return rc;
	rc = send_changes(tx, objio);
	context_container_put(entry);
	return rc;
}

static int
run_commit(void *argument)
{
	SCOPED_TX tx = NULL;
	int rc = client_tx_get(*(daos_handle_t *)argument, &tx);

	if (rc)
		return rc;
	pthread_mutex_lock(&tx->lock);
	rc = check_commit(tx);
	if (rc == 0)
		tx->state = TX_COMMITTING;
	pthread_mutex_unlock(&tx->lock);
	if (rc)
		return rc;
	/* From here on nobody else touches the changes. */
	rc = commit(tx);
	pthread_mutex_lock(&tx->lock);
	tx->state = rc == 0 ? TX_COMMITTED : rc == -DER_TX_RESTART ? TX_FAILED : TX_ABORTED;
	drop_changes(tx);
	pthread_mutex_unlock(&tx->lock);
	return rc;
}

int
daos_tx_commit(daos_handle_t th, daos_event_t *ev)
{
	return client_run(ev, run_commit, &th, sizeof(th));
}

static int
run_abort(void *argument)
{
	SCOPED_TX tx = NULL;
	int rc = client_tx_get(*(daos_handle_t *)argument, &tx);

	if (rc)
		return rc;
	pthread_mutex_lock(&tx->lock);
	if (tx->state == TX_OPEN || tx->state == TX_FAILED) {
		tx->state = TX_ABORTED;
		drop_changes(tx);
	} else {
		rc = tx->state == TX_ABORTED ? -DER_ALREADY : -DER_NO_PERM;
	}
	pthread_mutex_unlock(&tx->lock);
	return rc;
}

int
daos_tx_abort(daos_handle_t th, daos_event_t *ev)
{
	return client_run(ev, run_abort, &th, sizeof(th));
}

/* How long the caller keeps away from the others. */
static uint64_t
back_off(const struct client_tx *tx, struct env *env)
{
	uint64_t limit = BACKOFF_NS << min_of(tx->restarts, BACKOFF_DOUBLINGS);

	return env_random(env) % limit + 1;
}

static int
run_restart(void *argument)
{
	struct client_context *context = context_here();
	SCOPED_TX tx = NULL;
	uint64_t pause = 0;
	int rc = client_tx_get(*(daos_handle_t *)argument, &tx);

	if (rc)
		return rc;
	pthread_mutex_lock(&tx->lock);
	if (tx->state == TX_FAILED && !uuid_empty(&tx->view.transaction)) {
		pause = back_off(tx, context->env);
		tx->restarts++;
		drop_changes(tx);
		tx->view = (struct objio_view){.transaction = context_draw_uuid(context)};
		tx->drawing = false;
		tx->state = TX_OPEN;
	} else {
		rc = error_raise(-DER_NO_PERM,
				 "only a transaction that met a conflict can be restarted");
	}
	pthread_mutex_unlock(&tx->lock);
	return rc ? rc : fiber_sleep(pause);
}

int
daos_tx_restart(daos_handle_t th, daos_event_t *ev)
{
	return client_run(ev, run_restart, &th, sizeof(th));
}

int
daos_tx_hdl2epoch(daos_handle_t th, daos_epoch_t *epoch)
{
	SCOPED_TX tx = NULL;
	uint64_t chosen;
	int rc = epoch ? client_tx_get(th, &tx) : -DER_INVAL;

	if (rc)
		return rc;
	pthread_mutex_lock(&tx->lock);
	chosen = tx->view.epoch;
	pthread_mutex_unlock(&tx->lock);
	if (chosen == 0)
		return -DER_UNINIT;
	*epoch = chosen;
	return 0;
}
