/* SPDX-License-Identifier: BSD-2-Clause-Patent */
/*
 * Exactly once: per client a ring of the requests whose answers it has not confirmed. A request
 * finds its own entry, or that it must be executed, or that nobody can tell any more.
 */
#include "vos/private.h"

static const struct btree_kind *const clients_kind = &tree_kinds[TREE_CLIENTS];

#define REQUESTS_MIN 4u

static size_t
requests_size(uint32_t capacity)
{
	return sizeof(struct requests) + capacity * sizeof(struct request_entry);
}

static uint64_t
clients_of(const struct vos *vos)
{
	return vos->root + offsetof(struct store_root, clients);
}

static const struct request_id *
edit_request(const struct edit *edit)
{
	if (!edit->change || !edit->change->request || uuid_empty(&edit->change->request->client))
		return NULL;
	return edit->change->request;
}

void
request_need(struct edit *edit)
{
	if (!edit_request(edit))
		return;
	edit->budget.requests = max_of(edit->budget.requests, REQUESTS_MIN);
	edit_need(edit, TREE_CLIENTS);
	edit_need_block(edit, requests_size(edit->budget.requests));
	edit->need.log_bytes += 2 * sizeof(struct client_record) + sizeof(struct request_entry);
}

static int
client_get(struct edit *edit, uint64_t offset, const struct client_record **ret_client,
	   const struct request_entry **ret_entries)
{
	struct pin *pin = edit_pin(edit);
	const struct client_record *client = heap_at(pin, offset, sizeof(*client));
	const struct requests *requests;

	if (!client)
		return pin_outcome(pin);
	if (client->type != RECORD_CLIENT || client->version != RECORD_VERSION ||
	    client->capacity == 0 || client->capacity > REQUEST_WINDOW ||
	    (client->capacity & (client->capacity - 1)) != 0)
		return error_raise(-DER_IO, "the heap is damaged: no client at %llu",
				   (unsigned long long)offset);
	requests = heap_at(pin, client->requests, requests_size(client->capacity));
	if (!requests)
		return pin_outcome(pin);
	if (requests->type != RECORD_REQUESTS || requests->version != RECORD_VERSION)
		return error_raise(-DER_IO, "the heap is damaged: no requests at %llu",
				   (unsigned long long)client->requests);
	*ret_client = client;
	*ret_entries = (const struct request_entry *)(requests + 1);
	return 0;
}

static int
uncertain(const struct request_id *request, const char *why)
{
	return error_raise(-DER_TX_UNCERTAIN, "request %llu may have been executed before: %s",
			   (unsigned long long)request->sequence, why);
}

/* The smallest ring in which sequence and all unconfirmed entries have places of their own. */
static uint32_t
capacity_wanted(const struct client_record *client, const struct request_entry *entries,
		const struct request_id *request)
{
	uint64_t kept = max_of(client->confirmed, request->confirmed), sequence = request->sequence;
	uint32_t capacity = client->capacity;
	uint64_t there = entries[sequence % capacity].sequence;

	/* All that would meet it in a ring of this size stand in its own place. */
	if (there == 0 || there < kept || there == sequence)
		return capacity;
	for (uint32_t i = 0; i < client->capacity; i++) {
		uint64_t other = entries[i].sequence;

		if (other == 0 || other < kept || other == sequence)
			continue;
		while (capacity < REQUEST_WINDOW && other % capacity == sequence % capacity)
			capacity *= 2;
	}
	return capacity;
}

/* Judges the request by what is stored of its client. */
static int
client_judge(struct edit *edit, const struct request_id *request,
	     const struct client_record *client, const struct request_entry *entries)
{
	const struct request_entry *entry = &entries[request->sequence % client->capacity];

	if (request->sequence < client->confirmed) {
		REACHED("vos: a request comes after its answer was confirmed");
		return uncertain(request, "the client has confirmed its answer");
	}
	if (entry->sequence == request->sequence && !BUG(15)) {
		REACHED("vos: a request is answered from the table");
		edit->answered = true;
		edit->answer = entry->result;
		return 0;
	}
	if (request->sequence - max_of(client->confirmed, request->confirmed) >= REQUEST_WINDOW)
		return error_raise(
			-DER_INVAL,
			"request %llu is more than %u beyond what its client has confirmed",
			(unsigned long long)request->sequence, REQUEST_WINDOW);
	if (capacity_wanted(client, entries, request) >
	    max_of(client->capacity, edit->budget.requests)) {
		edit->budget.requests = capacity_wanted(client, entries, request);
		return EDIT_AGAIN;
	}
	return 0;
}

int
request_check(struct edit *edit)
{
	const struct request_id *request = edit_request(edit);
	const struct client_record *client;
	const struct request_entry *entries;
	struct btree_cursor cursor;
	int rc;

	edit->client = 0;
	if (!request)
		return 0;
	if (request->sequence == 0 || request->confirmed > request->sequence)
		return error_raise(-DER_INVAL, "request %llu with confirmed %llu",
				   (unsigned long long)request->sequence,
				   (unsigned long long)request->confirmed);
	rc = edit_probe(edit, TREE_CLIENTS, clients_of(edit->vos), uuid_hash(&request->client),
			&request->client, false, &cursor);
	if (rc == -DER_EXIST) {
		edit->client = cursor.record;
		rc = client_get(edit, cursor.record, &client, &entries);
		if (rc == 0)
			rc = client_judge(edit, request, client, entries);
	} else if (rc == -DER_NONEXIST) {
		rc = request->sequence - request->confirmed >= REQUEST_WINDOW ? -DER_INVAL : 0;
	}
	if (rc == 0 && !edit->answered && request->first_sent < edit->vos->horizon) {
		REACHED("vos: a request is too old to be known");
		rc = uncertain(request, "it was first sent too long ago");
	}
	return rc;
}

static uint64_t
requests_create(struct edit *edit, uint32_t capacity, uint64_t near)
{
	uint64_t offset = tx_alloc(&edit->tx, requests_size(capacity), near);
	struct requests *requests = tx_change(&edit->tx, offset, sizeof(*requests));

	requests->type = RECORD_REQUESTS;
	requests->version = RECORD_VERSION;
	return offset;
}

static uint64_t
client_create(struct edit *edit, const struct request_id *request)
{
	uint64_t requests = requests_create(edit, REQUESTS_MIN, edit->vos->root), offset;
	struct client_record *client;

	btree_insert(&edit->tx, clients_kind, clients_of(edit->vos), uuid_hash(&request->client),
		     &request->client, 0, &offset);
	client = tx_change(&edit->tx, offset, sizeof(*client));
	client->type = RECORD_CLIENT;
	client->version = RECORD_VERSION;
	client->capacity = REQUESTS_MIN;
	client->client = request->client;
	client->requests = requests;
	return offset;
}

static void
client_grow(struct edit *edit, uint64_t offset, uint32_t capacity)
{
	struct client_record *client = tx_change(&edit->tx, offset, sizeof(*client));
	uint64_t old = client->requests, created = requests_create(edit, capacity, offset);
	const struct request_entry *from =
		(const struct request_entry *)((const struct requests *)tx_change(
						       &edit->tx, old, sizeof(struct requests)) +
					       1);
	struct request_entry *to = tx_change(&edit->tx, created + sizeof(struct requests),
					     capacity * sizeof(struct request_entry));

	for (uint32_t i = 0; i < client->capacity; i++)
		if (from[i].sequence != 0 && from[i].sequence >= client->confirmed)
			to[from[i].sequence % capacity] = from[i];
	client->requests = created;
	client->capacity = capacity;
	tx_free(&edit->tx, old);
}

void
request_note(struct edit *edit)
{
	const struct request_id *request = edit_request(edit);
	const struct request_entry *entries;
	const struct client_record *seen = NULL;
	struct client_record *client;
	uint64_t offset = edit->client;
	uint32_t capacity;
	int rc;

	if (!request)
		return;
	if (offset == 0)
		offset = client_create(edit, request);
	client = tx_change(&edit->tx, offset, sizeof(*client));
	client->confirmed = max_of(client->confirmed, request->confirmed);
	client->latest = max_of(client->latest, request->first_sent);
	rc = client_get(edit, offset, &seen, &entries);
	/* This change has freed what the client's record names. */
	if (rc != 0) {
		tx_damaged(&edit->tx);
		return;
	}
	capacity = capacity_wanted(seen, entries, request);
	if (capacity != client->capacity) {
		REACHED("vos: a client's table of requests grows");
		client_grow(edit, offset, capacity);
	}
	*(struct request_entry *)tx_change(&edit->tx,
					   client->requests + sizeof(struct requests) +
						   request->sequence % capacity *
							   sizeof(struct request_entry),
					   sizeof(struct request_entry)) =
		(struct request_entry){.sequence = request->sequence, .epoch = edit->epoch};
}

/* ------------------------------------------------ forgetting */

static int
forget_check(struct edit *edit)
{
	const struct uuid *id = edit->plan;
	const struct client_record *client;
	const struct request_entry *entries;
	struct btree_cursor cursor;
	int rc = edit_probe(edit, TREE_CLIENTS, clients_of(edit->vos), uuid_hash(id), id, false,
			    &cursor);

	edit->client = 0;
	if (rc == -DER_NONEXIST)
		return 0;
	if (rc != -DER_EXIST)
		return rc;
	edit->client = cursor.record;
	return client_get(edit, cursor.record, &client, &entries);
}

static void
forget_apply(struct edit *edit)
{
	const struct uuid *id = edit->plan;
	const struct client_record *client;

	if (edit->client == 0)
		return;
	client = tx_change(&edit->tx, edit->client, sizeof(*client));
	tx_free(&edit->tx, client->requests);
	btree_remove(&edit->tx, clients_kind, clients_of(edit->vos), uuid_hash(id), id);
}

static void
forget_need(struct edit *edit)
{
	edit->need.log_bytes += sizeof(struct client_record);
	edit_need_removal(edit, TREE_CLIENTS);
}

int
vos_forget_client(struct vos *vos, struct uuid client, uint64_t *ret_group)
{
	static const struct edit_steps steps = {
		.need = forget_need, .check = forget_check, .apply = forget_apply};
	struct edit edit;

	edit_init(&edit, vos, NULL, NULL, NULL);
	edit.plan = &client;
	edit.need.privileged = true;
	return edit_run(&edit, &steps, ret_group);
}

/* ------------------------------------------------ expiry */

/* One client whose requests are all older than the horizon. -DER_NONEXIST. */
static int
client_old(struct vos *vos, struct uuid *ret_client)
{
	uint64_t root = clients_of(vos);
	struct btree_cursor cursor;
	struct pin pin;
	bool found = false;
	int rc;

	do {
		pin_init(&pin, vos->heap);
		rc = btree_first(&pin, clients_kind, root, &cursor);
		while (rc == 0 && !found) {
			const struct client_record *client =
				heap_at(&pin, cursor.record, sizeof(*client));

			found = client && client->latest < vos->horizon;
			if (found)
				*ret_client = client->client;
			rc = client ? btree_next(&pin, clients_kind, root, &cursor)
				    : pin_outcome(&pin);
		}
		if (rc == -DER_AGAIN && !found)
			rc = pin_load(&pin) ?: -DER_AGAIN;
		pin_fini(&pin);
	} while (rc == -DER_AGAIN && !found);
	return found ? 0 : rc;
}

int
requests_collect(struct vos *vos, uint32_t *credits)
{
	struct uuid client;
	uint64_t group;
	int rc = 0;

	while (rc == 0 && *credits > 0 && vos->horizon_moved) {
		rc = client_old(vos, &client);
		if (rc == -DER_NONEXIST) {
			vos->horizon_moved = false;
			return 0;
		}
		REACHED("vos: the requests of a client expire");
		if (rc == 0)
			rc = vos_forget_client(vos, client, &group);
		--*credits;
	}
	return rc;
}
