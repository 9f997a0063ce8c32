/* SPDX-License-Identifier: BSD-2-Clause-Patent */
/*
 * What every transport keeps. Two envs in one process, stepped by turns: a server that accepts one
 * connection after the other, and a client. The tests run outside of fibers, as handlers do.
 */
#include "transport_contract.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define SECOND 1000000000ull
#define SIDES 8

/* A message kept until looked at. */
struct kept {
	struct message *message;
	struct kept *next;
};

/* One end of a connection as its owner sees it. */
struct side {
	struct connection *connection;
	struct kept *first, *last;
	uint64_t received;
	uint64_t next_number; /* expected by count_message() */
	unsigned closed;
	int reason;
	void *handle; /* detached */
};

struct place {
	struct subject *subject;
	struct env *server, *client, *third;
	struct loop *loops[4];
	uint32_t loop_count;
	struct listener *listener;
	char address[128];
	struct side accepted[SIDES];
	unsigned accepted_count;
	const struct connection_handler *accepted_handler;
};

#define WAIT(place, condition)                                                             \
	STEP_UNTIL((place)->subject, (place)->server, (place)->loops, (place)->loop_count, \
		   condition)

/* ------------------------------------------------ handlers */

static void
keep_message(struct connection *connection, struct message *message)
{
	struct side *side = connection->owner;
	struct kept *kept = calloc(1, sizeof(*kept));

	assert_non_null(kept);
	kept->message = message;
	if (side->last)
		side->last->next = kept;
	else
		side->first = kept;
	side->last = kept;
	side->received++;
}

static void
note_closed(struct connection *connection, int reason)
{
	struct side *side = connection->owner;

	side->closed++;
	side->reason = reason;
}

static const struct connection_handler keep = {keep_message, note_closed};

/* Small frames that carry their number. */
static void
count_message(struct connection *connection, struct message *message)
{
	struct side *side = connection->owner;
	uint64_t number;

	assert_int_equal(message->length, sizeof(number));
	memcpy(&number, message->data, sizeof(number));
	assert_int_equal(number, side->next_number);
	side->next_number++;
	side->received++;
	message_put(message);
}

static const struct connection_handler count = {count_message, note_closed};

/* Takes its connection off the loop at the first message, which it answers no more. */
static void
detach_message(struct connection *connection, struct message *message)
{
	struct side *side = connection->owner;

	side->received++;
	message_put(message);
	assert_int_equal(connection_detach(connection, &side->handle), 0);
	side->connection = NULL;
}

static const struct connection_handler detach = {detach_message, note_closed};

/* Closes at the first message. */
static void
close_message(struct connection *connection, struct message *message)
{
	struct side *side = connection->owner;

	side->received++;
	message_put(message);
	connection_close(connection);
	side->connection = NULL;
}

static const struct connection_handler close_at_message = {close_message, note_closed};

static void
accept_side(void *owner, struct connection *connection)
{
	struct place *place = owner;
	struct side *side;

	assert_true(place->accepted_count < SIDES);
	side = &place->accepted[place->accepted_count++];
	side->connection = connection;
	connection->handler = place->accepted_handler;
	connection->owner = side;
}

static const struct listener_handler listener_handler = {accept_side};

/* ------------------------------------------------ places */

static struct loop *
place_loop(struct place *place, struct env *env)
{
	struct loop *loop;

	assert_int_equal(loop_create(env, NULL, &loop), 0);
	place->loops[place->loop_count++] = loop;
	return loop;
}

static void
place_open(struct place *place, struct subject *subject, enum address_kind kind)
{
	char wanted[128];

	*place = (struct place){.subject = subject, .accepted_handler = &keep};
	place->server = subject->env_open(subject, "server");
	place->client = subject->env_open(subject, "client");
	place_loop(place, place->server);
	place_loop(place, place->client);
	subject->address(subject, kind, wanted);
	assert_int_equal(place->server->transport->listen(place->server->transport, wanted,
							  &listener_handler, place,
							  &place->listener, place->address),
			 0);
}

static void
side_drop_messages(struct side *side)
{
	while (side->first) {
		struct kept *kept = side->first;

		side->first = kept->next;
		message_put(kept->message);
		free(kept);
	}
	side->last = NULL;
}

static void
side_close(struct side *side)
{
	side_drop_messages(side);
	if (side->connection)
		connection_close(side->connection);
	side->connection = NULL;
}

static void
place_close(struct place *place)
{
	for (unsigned i = 0; i < place->accepted_count; i++)
		side_close(&place->accepted[i]);
	if (place->listener)
		place->server->transport->unlisten(place->server->transport, place->listener);
	for (uint32_t i = 0; i < place->loop_count; i++)
		loop_destroy(place->loops[i]);
	if (place->third)
		place->subject->env_close(place->subject, place->third);
	place->subject->env_close(place->subject, place->client);
	place->subject->env_close(place->subject, place->server);
}

static void
side_connect(struct place *place, struct side *side, const struct connection_handler *handler)
{
	struct transport *transport = place->client->transport;

	*side = (struct side){0};
	assert_int_equal(transport->connect(transport, place->address, 10 * SECOND, handler, side,
					    &side->connection),
			 0);
}

/* A connected pair: the client's side, and the server's in place->accepted[0]. */
static void
place_open_pair(struct place *place, struct side *side, struct subject *subject,
		enum address_kind kind)
{
	place_open(place, subject, kind);
	side_connect(place, side, &keep);
	WAIT(place, place->accepted_count == 1);
}

/* ------------------------------------------------ frames */

static void
fill(uint8_t *data, size_t length, uint64_t seed)
{
	for (size_t i = 0; i < length; i++)
		data[i] = (uint8_t)mix64(seed + i);
}

static int
send_bytes(struct side *side, const void *data, size_t length)
{
	struct iovec iov = {.iov_len = length};

	memcpy(&iov.iov_base, &data, sizeof(data));
	return connection_send(side->connection, &iov, 1);
}

/* Takes the oldest message of side, which must be these bytes. */
static void
expect_bytes(struct side *side, const void *data, size_t length)
{
	struct kept *kept = side->first;

	assert_non_null(kept);
	assert_int_equal(kept->message->length, length);
	assert_memory_equal(kept->message->data, data, length);
	side->first = kept->next;
	if (side->first == NULL)
		side->last = NULL;
	message_put(kept->message);
	free(kept);
}

static void
exchange(void **state, enum address_kind kind)
{
	struct place place;
	struct side client;

	place_open(&place, *state, kind);
	/* Frames may be sent before the connection stands. */
	side_connect(&place, &client, &keep);
	assert_int_equal(send_bytes(&client, "one", 3), 0);
	assert_int_equal(send_bytes(&client, "two!", 4), 0);
	WAIT(&place, place.accepted_count == 1 && place.accepted[0].received == 2);
	expect_bytes(&place.accepted[0], "one", 3);
	expect_bytes(&place.accepted[0], "two!", 4);
	assert_int_equal(send_bytes(&place.accepted[0], "back", 4), 0);
	WAIT(&place, client.received == 1);
	expect_bytes(&client, "back", 4);
	assert_int_equal(client.closed + place.accepted[0].closed, 0);
	side_close(&client);
	WAIT(&place, place.accepted[0].closed == 1);
	assert_int_equal(place.accepted[0].reason, -DER_UNREACH);
	place_close(&place);
}

static void
test_exchange_tcp(void **state)
{
	exchange(state, ADDRESS_TCP);
}

static void
test_exchange_unix(void **state)
{
	exchange(state, ADDRESS_UNIX);
}

/* connection_send() copies; a frame may be empty or in pieces. */
static void
test_send_copies(void **state)
{
	char text[] = "abcdef";
	struct iovec iov[3] = {{text, 2}, {text + 2, 0}, {text + 2, 4}};
	struct place place;
	struct side client;

	place_open_pair(&place, &client, *state, ADDRESS_UNIX);
	assert_int_equal(connection_send(client.connection, iov, 3), 0);
	memset(text, 'x', sizeof(text));
	assert_int_equal(connection_send(client.connection, iov, 0), 0);
	WAIT(&place, place.accepted[0].received == 2);
	expect_bytes(&place.accepted[0], "abcdef", 6);
	expect_bytes(&place.accepted[0], "", 0);
	side_close(&client);
	place_close(&place);
}

static void
frame_sizes(void **state, enum address_kind kind)
{
	static const size_t sizes[] = {1, 4095, 65536, 65537, FRAME_MAX - 1, FRAME_MAX};
	uint8_t *data = malloc(FRAME_MAX + 1);
	struct place place;
	struct side client;

	assert_non_null(data);
	place_open_pair(&place, &client, *state, kind);
	for (unsigned i = 0; i < ARRAY_SIZE(sizes); i++) {
		fill(data, sizes[i], i);
		assert_int_equal(send_bytes(&client, data, sizes[i]), 0);
	}
	assert_int_equal(send_bytes(&client, data, FRAME_MAX + 1), -DER_OVERFLOW);
	WAIT(&place, place.accepted[0].received == ARRAY_SIZE(sizes));
	for (unsigned i = 0; i < ARRAY_SIZE(sizes); i++) {
		fill(data, sizes[i], i);
		expect_bytes(&place.accepted[0], data, sizes[i]);
	}
	/* The refused frame left no trace. */
	assert_int_equal(send_bytes(&client, "after", 5), 0);
	WAIT(&place, place.accepted[0].received == ARRAY_SIZE(sizes) + 1);
	expect_bytes(&place.accepted[0], "after", 5);
	WAIT(&place, client.connection->queued == 0);
	side_close(&client);
	place_close(&place);
	free(data);
}

static void
test_frame_sizes_tcp(void **state)
{
	frame_sizes(state, ADDRESS_TCP);
}

static void
test_frame_sizes_unix(void **state)
{
	frame_sizes(state, ADDRESS_UNIX);
}

#define FRAMES 1000

static void
many_frames(void **state, enum address_kind kind)
{
	struct place place;
	struct side client;

	place_open(&place, *state, kind);
	place.accepted_handler = &count;
	side_connect(&place, &client, &count);
	WAIT(&place, place.accepted_count == 1);
	for (uint64_t i = 0; i < FRAMES; i++) {
		assert_int_equal(send_bytes(&client, &i, sizeof(i)), 0);
		assert_int_equal(send_bytes(&place.accepted[0], &i, sizeof(i)), 0);
	}
	WAIT(&place, client.received == FRAMES && place.accepted[0].received == FRAMES);
	side_close(&client);
	place_close(&place);
}

static void
test_many_frames_tcp(void **state)
{
	many_frames(state, ADDRESS_TCP);
}

static void
test_many_frames_unix(void **state)
{
	many_frames(state, ADDRESS_UNIX);
}

/* Several connections of one pair of loops do not mix. */
static void
test_many_connections(void **state)
{
	struct side clients[SIDES];
	struct place place;

	place_open(&place, *state, ADDRESS_TCP);
	for (unsigned i = 0; i < SIDES; i++) {
		side_connect(&place, &clients[i], &keep);
		WAIT(&place, place.accepted_count == i + 1);
	}
	for (unsigned i = 0; i < SIDES; i++)
		assert_int_equal(send_bytes(&clients[i], &i, sizeof(i)), 0);
	for (unsigned i = 0; i < SIDES; i++) {
		WAIT(&place, place.accepted[i].received == 1);
		expect_bytes(&place.accepted[i], &i, sizeof(i));
		side_close(&clients[i]);
	}
	place_close(&place);
}

/* ------------------------------------------------ bulk */

#define BULK_SIZE (4u * 1024 * 1024)

/* Has the server transfer, and waits. */
static int
transfer(struct place *place, enum bulk_access direction, uint64_t key, uint64_t offset,
	 const struct iovec *iov, uint32_t iov_count)
{
	struct completion completion = {0};

	connection_bulk_transfer(place->accepted[0].connection, direction, key, offset, iov,
				 iov_count, &completion);
	WAIT(place, completion.done);
	return completion.result;
}

struct bulk_place {
	struct place place;
	struct side client;
	uint8_t *memory; /* the client's, registered in part */
	uint8_t *own;	 /* the server's */
};

static void
bulk_open(struct bulk_place *bulk, void **state, enum address_kind kind)
{
	place_open_pair(&bulk->place, &bulk->client, *state, kind);
	bulk->memory = malloc(BULK_SIZE);
	bulk->own = malloc(BULK_SIZE);
	assert_true(bulk->memory != NULL && bulk->own != NULL);
	fill(bulk->memory, BULK_SIZE, 1);
	memset(bulk->own, 0, BULK_SIZE);
}

static void
bulk_close(struct bulk_place *bulk)
{
	side_close(&bulk->client);
	place_close(&bulk->place);
	free(bulk->memory);
	free(bulk->own);
}

static void
bulk_both_ways(void **state, enum address_kind kind)
{
	struct bulk_place bulk;
	struct iovec region, own;
	uint64_t key;

	bulk_open(&bulk, state, kind);
	region = (struct iovec){bulk.memory, BULK_SIZE};
	own = (struct iovec){bulk.own, BULK_SIZE};
	assert_int_equal(connection_bulk_register(bulk.client.connection, &region, 1,
						  BULK_READ | BULK_WRITE, &key),
			 0);
	assert_int_equal(transfer(&bulk.place, BULK_READ, key, 0, &own, 1), 0);
	assert_memory_equal(bulk.own, bulk.memory, BULK_SIZE);
	fill(bulk.own, BULK_SIZE, 2);
	assert_int_equal(transfer(&bulk.place, BULK_WRITE, key, 0, &own, 1), 0);
	/* The frame sent afterwards arrives after the data. */
	assert_int_equal(send_bytes(&bulk.place.accepted[0], "done", 4), 0);
	WAIT(&bulk.place, bulk.client.received == 1);
	assert_memory_equal(bulk.own, bulk.memory, BULK_SIZE);
	connection_bulk_deregister(bulk.client.connection, key);
	bulk_close(&bulk);
}

static void
test_bulk_tcp(void **state)
{
	bulk_both_ways(state, ADDRESS_TCP);
}

static void
test_bulk_unix(void **state)
{
	bulk_both_ways(state, ADDRESS_UNIX);
}

/* Regions and buffers in unequal pieces, an offset into the region, and no byte beyond. */
static void
test_bulk_scattered(void **state)
{
	struct bulk_place bulk;
	struct iovec region[3], own[4];
	uint8_t expected[3000];
	uint64_t key;

	bulk_open(&bulk, state, ADDRESS_UNIX);
	region[0] = (struct iovec){bulk.memory + 5000, 1000};
	region[1] = (struct iovec){bulk.memory, 1};
	region[2] = (struct iovec){bulk.memory + 1000, 2500};
	assert_int_equal(connection_bulk_register(bulk.client.connection, region, 3,
						  BULK_READ | BULK_WRITE, &key),
			 0);
	/* Bytes 500 to 3500 of the region. */
	memcpy(expected, bulk.memory + 5500, 500);
	memcpy(expected + 500, bulk.memory, 1);
	memcpy(expected + 501, bulk.memory + 1000, 2499);
	own[0] = (struct iovec){bulk.own + 10, 7};
	own[1] = (struct iovec){bulk.own + 100, 493};
	own[2] = (struct iovec){bulk.own + 4000, 2400};
	own[3] = (struct iovec){bulk.own + 9000, 100};
	assert_int_equal(transfer(&bulk.place, BULK_READ, key, 500, own, 4), 0);
	assert_true(iov_equal(own, 4, 0, expected, 3000));
	assert_int_equal(bulk.own[17], 0);
	assert_int_equal(bulk.own[9100], 0);
	fill(bulk.memory, BULK_SIZE, 3);
	memcpy(expected, bulk.memory + 5000, 500);
	assert_int_equal(transfer(&bulk.place, BULK_WRITE, key, 500, own, 4), 0);
	assert_int_equal(send_bytes(&bulk.place.accepted[0], "done", 4), 0);
	WAIT(&bulk.place, bulk.client.received == 1);
	assert_true(iov_equal(region, 3, 0, expected, 500));
	for (size_t i = 0, at = 500; i < 4; at += own[i++].iov_len)
		assert_true(iov_equal(region, 3, at, own[i].iov_base, own[i].iov_len));
	/* The byte behind what was written is as it was. */
	fill(expected, 1, 3 + 3499);
	assert_memory_equal(bulk.memory + 3499, expected, 1);
	connection_bulk_deregister(bulk.client.connection, key);
	bulk_close(&bulk);
}

/* Refused without a byte moved: what is not open, not open that way, not open any more, or not that
 * large. */
static void
test_bulk_refused(void **state)
{
	struct bulk_place bulk;
	struct iovec region, own;
	uint64_t readable, writable;

	bulk_open(&bulk, state, ADDRESS_TCP);
	region = (struct iovec){bulk.memory, 10000};
	own = (struct iovec){bulk.own, 100};
	assert_int_equal(connection_bulk_register(bulk.client.connection, &region, 1, BULK_READ,
						  &readable),
			 0);
	assert_int_equal(connection_bulk_register(bulk.client.connection, &region, 1, BULK_WRITE,
						  &writable),
			 0);
	assert_true(readable != writable);
	assert_int_equal(transfer(&bulk.place, BULK_READ, readable, 9900, &own, 1), 0);
	memset(bulk.own, 0, 100);
	assert_int_equal(transfer(&bulk.place, BULK_WRITE, readable, 0, &own, 1), -DER_NO_PERM);
	assert_int_equal(transfer(&bulk.place, BULK_READ, writable, 0, &own, 1), -DER_NO_PERM);
	assert_int_equal(transfer(&bulk.place, BULK_READ, readable, 9901, &own, 1), -DER_NO_PERM);
	assert_int_equal(transfer(&bulk.place, BULK_READ, readable, UINT64_MAX - 50, &own, 1),
			 -DER_NO_PERM);
	assert_int_equal(transfer(&bulk.place, BULK_WRITE, writable, 10000, &own, 1), -DER_NO_PERM);
	assert_int_equal(transfer(&bulk.place, BULK_WRITE, readable ^ writable ^ 0x5555, 0, &own,
				  1),
			 -DER_NO_PERM);
	connection_bulk_deregister(bulk.client.connection, writable);
	assert_int_equal(transfer(&bulk.place, BULK_WRITE, writable, 0, &own, 1), -DER_NO_PERM);
	assert_int_equal(bulk.own[0], 0);
	fill(bulk.own, 10000, 1);
	assert_memory_equal(bulk.memory, bulk.own, 10000);
	/* The connection is as good as before. */
	assert_int_equal(transfer(&bulk.place, BULK_READ, readable, 0, &own, 1), 0);
	assert_memory_equal(bulk.memory, bulk.own, 100);
	connection_bulk_deregister(bulk.client.connection, readable);
	bulk_close(&bulk);
}

/* A key opens memory to the peer of its connection only. */
static void
test_bulk_other_connection(void **state)
{
	struct bulk_place bulk;
	struct completion completion = {0};
	struct iovec region, own;
	struct side second;
	uint64_t key;

	bulk_open(&bulk, state, ADDRESS_UNIX);
	side_connect(&bulk.place, &second, &keep);
	WAIT(&bulk.place, bulk.place.accepted_count == 2);
	region = (struct iovec){bulk.memory, 1000};
	own = (struct iovec){bulk.own, 1000};
	assert_int_equal(
		connection_bulk_register(bulk.client.connection, &region, 1, BULK_READ, &key), 0);
	connection_bulk_transfer(bulk.place.accepted[1].connection, BULK_READ, key, 0, &own, 1,
				 &completion);
	WAIT(&bulk.place, completion.done);
	assert_int_equal(completion.result, -DER_NO_PERM);
	connection_bulk_deregister(bulk.client.connection, key);
	side_close(&second);
	bulk_close(&bulk);
}

#define TRANSFERS 32u

/* Many transfers at once, both ways. */
static void
test_bulk_concurrent(void **state)
{
	struct completion completions[TRANSFERS];
	struct iovec region, own[TRANSFERS];
	const uint32_t piece = BULK_SIZE / TRANSFERS;
	struct bulk_place bulk;
	unsigned done = 0;
	uint64_t key;

	bulk_open(&bulk, state, ADDRESS_TCP);
	region = (struct iovec){bulk.memory, BULK_SIZE};
	assert_int_equal(connection_bulk_register(bulk.client.connection, &region, 1,
						  BULK_READ | BULK_WRITE, &key),
			 0);
	memset(completions, 0, sizeof(completions));
	for (unsigned i = 0; i < TRANSFERS; i++) {
		own[i] = (struct iovec){bulk.own + i * piece, piece};
		if (i % 2)
			fill(own[i].iov_base, piece, 100 + i);
		connection_bulk_transfer(bulk.place.accepted[0].connection,
					 i % 2 ? BULK_WRITE : BULK_READ, key, (uint64_t)i * piece,
					 &own[i], 1, &completions[i]);
	}
	while (done < TRANSFERS) {
		WAIT(&bulk.place, completions[done].done);
		assert_int_equal(completions[done++].result, 0);
	}
	assert_int_equal(send_bytes(&bulk.place.accepted[0], "done", 4), 0);
	WAIT(&bulk.place, bulk.client.received == 1);
	assert_memory_equal(bulk.memory, bulk.own, BULK_SIZE);
	connection_bulk_deregister(bulk.client.connection, key);
	bulk_close(&bulk);
}

/* A transfer fails when the peer closes in the midst, and regions may be closed after the end. */
static void
test_bulk_peer_closes(void **state)
{
	struct completion completion = {0};
	struct bulk_place bulk;
	struct iovec region, own;
	uint64_t key, kept;

	bulk_open(&bulk, state, ADDRESS_TCP);
	region = (struct iovec){bulk.memory, BULK_SIZE};
	own = (struct iovec){bulk.own, BULK_SIZE};
	assert_int_equal(
		connection_bulk_register(bulk.client.connection, &region, 1, BULK_READ, &key), 0);
	assert_int_equal(connection_bulk_register(bulk.place.accepted[0].connection, &own, 1,
						  BULK_READ, &kept),
			 0);
	connection_bulk_transfer(bulk.place.accepted[0].connection, BULK_READ, key, 0, &own, 1,
				 &completion);
	connection_bulk_deregister(bulk.client.connection, key);
	side_close(&bulk.client);
	WAIT(&bulk.place, completion.done && bulk.place.accepted[0].closed == 1);
	assert_int_equal(completion.result, -DER_UNREACH);
	connection_bulk_deregister(bulk.place.accepted[0].connection, kept);
	assert_int_equal(transfer(&bulk.place, BULK_READ, key, 0, &own, 1), -DER_UNREACH);
	bulk_close(&bulk);
}

/* connection_close() fails the transfers of its own side. */
static void
test_bulk_own_close(void **state)
{
	struct completion completion = {0};
	struct bulk_place bulk;
	struct iovec region, own;
	uint64_t key;

	bulk_open(&bulk, state, ADDRESS_UNIX);
	region = (struct iovec){bulk.memory, BULK_SIZE};
	own = (struct iovec){bulk.own, BULK_SIZE};
	assert_int_equal(
		connection_bulk_register(bulk.client.connection, &region, 1, BULK_READ, &key), 0);
	connection_bulk_transfer(bulk.place.accepted[0].connection, BULK_READ, key, 0, &own, 1,
				 &completion);
	side_close(&bulk.place.accepted[0]);
	WAIT(&bulk.place, completion.done && bulk.client.closed == 1);
	assert_int_equal(completion.result, -DER_UNREACH);
	connection_bulk_deregister(bulk.client.connection, key);
	bulk_close(&bulk);
}

/* ------------------------------------------------ ends */

static void
test_refused(void **state)
{
	struct place place;
	struct side client;

	place_open(&place, *state, ADDRESS_TCP);
	place.subject->nobody(place.subject, place.address);
	side_connect(&place, &client, &keep);
	/* Whatever is sent meanwhile is lost with the connection. */
	assert_int_equal(send_bytes(&client, "lost", 4), 0);
	WAIT(&place, client.closed == 1);
	assert_int_equal(client.reason, -DER_UNREACH);
	assert_int_equal(send_bytes(&client, "lost", 4), -DER_UNREACH);
	side_close(&client);
	place.subject->address(place.subject, ADDRESS_UNIX, place.address);
	side_connect(&place, &client, &keep);
	WAIT(&place, client.closed == 1);
	assert_int_equal(client.reason, -DER_UNREACH);
	side_close(&client);
	place_close(&place);
}

static void
peer_closes(void **state, enum address_kind kind)
{
	struct place place;
	struct side client;

	place_open_pair(&place, &client, *state, kind);
	assert_int_equal(send_bytes(&place.accepted[0], "bye", 3), 0);
	WAIT(&place, client.received == 1);
	side_close(&place.accepted[0]);
	WAIT(&place, client.closed == 1);
	assert_int_equal(client.reason, -DER_UNREACH);
	assert_int_equal(send_bytes(&client, "late", 4), -DER_UNREACH);
	/* It ended once, and nothing follows. */
	for (unsigned i = 0; i < 20; i++)
		place.subject->step(place.subject, place.loops, place.loop_count);
	assert_int_equal(client.closed, 1);
	assert_int_equal(client.received, 1);
	side_close(&client);
	place_close(&place);
}

static void
test_peer_closes_tcp(void **state)
{
	peer_closes(state, ADDRESS_TCP);
}

static void
test_peer_closes_unix(void **state)
{
	peer_closes(state, ADDRESS_UNIX);
}

/* A handler may close its connection; what was behind the message is not delivered. */
static void
test_close_in_handler(void **state)
{
	struct place place;
	struct side client;

	place_open(&place, *state, ADDRESS_TCP);
	place.accepted_handler = &close_at_message;
	side_connect(&place, &client, &keep);
	for (unsigned i = 0; i < 10; i++)
		assert_int_equal(send_bytes(&client, "close", 5), 0);
	WAIT(&place, client.closed == 1);
	assert_int_equal(place.accepted[0].received, 1);
	assert_int_equal(place.accepted[0].closed, 0);
	side_close(&client);
	place_close(&place);
}

static void
peer_dies(void **state, enum address_kind kind)
{
	struct place place;
	struct loop *peer;
	uint64_t killed;

	place_open(&place, *state, kind);
	place.subject->peer_start(place.subject, place.address);
	peer = place.subject->peer_loop(place.subject);
	if (peer)
		place.loops[place.loop_count++] = peer;
	WAIT(&place, place.accepted_count == 1 && place.accepted[0].received == 1);
	expect_bytes(&place.accepted[0], "hello", 5);
	assert_int_equal(place.accepted[0].closed, 0);
	if (peer)
		place.loop_count--;
	place.subject->peer_kill(place.subject);
	killed = env_monotonic(place.server);
	WAIT(&place, place.accepted[0].closed == 1);
	assert_int_equal(place.accepted[0].reason, -DER_UNREACH);
	assert_true(env_monotonic(place.server) - killed < 5 * SECOND);
	place_close(&place);
}

static void
test_peer_dies_tcp(void **state)
{
	peer_dies(state, ADDRESS_TCP);
}

static void
test_peer_dies_unix(void **state)
{
	peer_dies(state, ADDRESS_UNIX);
}

/* ------------------------------------------------ addresses */

static void
address_taken(void **state, enum address_kind kind)
{
	struct listener *second;
	struct transport *transport;
	struct place place;
	char address[128];

	place_open(&place, *state, kind);
	transport = place.client->transport;
	assert_int_equal(transport->listen(transport, place.address, &listener_handler, &place,
					   &second, address),
			 -DER_BUSY);
	/* It is free again once nobody listens. */
	place.server->transport->unlisten(place.server->transport, place.listener);
	place.listener = NULL;
	assert_int_equal(transport->listen(transport, place.address, &listener_handler, &place,
					   &second, address),
			 0);
	assert_string_equal(address, place.address);
	transport->unlisten(transport, second);
	place_close(&place);
}

static void
test_taken_tcp(void **state)
{
	address_taken(state, ADDRESS_TCP);
}

static void
test_taken_unix(void **state)
{
	address_taken(state, ADDRESS_UNIX);
}

static void
test_bad_address(void **state)
{
	static const char *const addresses[] = {
		"", "tcp", "tcp:", "unix:", "nonsense:1", "127.0.0.1:1"};
	struct connection *connection;
	struct transport *transport;
	struct listener *listener;
	struct place place;
	struct side side;
	char address[128];

	place_open(&place, *state, ADDRESS_TCP);
	transport = place.client->transport;
	for (unsigned i = 0; i < ARRAY_SIZE(addresses); i++) {
		assert_int_equal(transport->listen(transport, addresses[i], &listener_handler,
						   &place, &listener, address),
				 -DER_INVAL);
		assert_int_equal(transport->connect(transport, addresses[i], SECOND, &keep, &side,
						    &connection),
				 -DER_INVAL);
	}
	place_close(&place);
}

/* The port that was picked is told, and two are not the same. */
static void
test_free_port(void **state)
{
	struct listener *second;
	struct transport *transport;
	struct place place;
	char wanted[128], address[128];

	place_open(&place, *state, ADDRESS_TCP);
	transport = place.server->transport;
	place.subject->address(place.subject, ADDRESS_TCP, wanted);
	assert_string_not_equal(place.address, wanted);
	assert_int_equal(transport->listen(transport, wanted, &listener_handler, &place, &second,
					   address),
			 0);
	assert_string_not_equal(place.address, address);
	transport->unlisten(transport, second);
	place_close(&place);
}

static void
test_credentials(void **state)
{
	struct peer_credentials *wanted, *seen;
	struct place place;
	struct side client;

	place_open_pair(&place, &client, *state, ADDRESS_UNIX);
	wanted = &place.subject->credentials;
	seen = &place.accepted[0].connection->credentials;
	assert_true(seen->known);
	assert_int_equal(seen->user, wanted->user);
	assert_int_equal(seen->group, wanted->group);
	assert_int_equal(seen->process, wanted->process);
	side_close(&client);
	place_close(&place);

	place_open_pair(&place, &client, *state, ADDRESS_TCP);
	assert_false(place.accepted[0].connection->credentials.known);
	side_close(&client);
	place_close(&place);
}

/* ------------------------------------------------ detach and adopt */

static void
detach_and_adopt(void **state, enum address_kind kind)
{
	struct transport *transport;
	struct side adopted = {0};
	struct place place;
	struct side client;

	place_open(&place, *state, kind);
	place.third = place.subject->env_open(place.subject, "third");
	place_loop(&place, place.third);
	transport = place.third->transport;
	place.accepted_handler = &detach;
	side_connect(&place, &client, &keep);
	assert_int_equal(send_bytes(&client, "to the third", 12), 0);
	/* These may have arrived together with the first one, or not. */
	assert_int_equal(send_bytes(&client, "second", 6), 0);
	assert_int_equal(send_bytes(&client, "third", 5), 0);
	WAIT(&place, place.accepted_count == 1 && place.accepted[0].handle != NULL);
	assert_int_equal(place.accepted[0].received, 1);
	/* And this comes while nobody has it. */
	assert_int_equal(send_bytes(&client, "fourth", 6), 0);
	for (unsigned i = 0; i < 5; i++)
		place.subject->step(place.subject, place.loops, place.loop_count);
	assert_int_equal(transport->adopt(transport, place.accepted[0].handle, &keep, &adopted,
					  &adopted.connection),
			 0);
	WAIT(&place, adopted.received == 3);
	expect_bytes(&adopted, "second", 6);
	expect_bytes(&adopted, "third", 5);
	expect_bytes(&adopted, "fourth", 6);
	assert_int_equal(adopted.connection->credentials.known, kind == ADDRESS_UNIX);
	assert_int_equal(send_bytes(&adopted, "answer", 6), 0);
	WAIT(&place, client.received == 1);
	expect_bytes(&client, "answer", 6);
	side_close(&client);
	WAIT(&place, adopted.closed == 1);
	assert_int_equal(place.accepted[0].received, 1);
	side_close(&adopted);
	place_close(&place);
}

static void
test_detach_tcp(void **state)
{
	detach_and_adopt(state, ADDRESS_TCP);
}

static void
test_detach_unix(void **state)
{
	detach_and_adopt(state, ADDRESS_UNIX);
}

/* A handle that nobody adopts ends the connection. */
static void
test_discard(void **state)
{
	struct place place;
	struct side client;

	place_open(&place, *state, ADDRESS_TCP);
	place.accepted_handler = &detach;
	side_connect(&place, &client, &keep);
	assert_int_equal(send_bytes(&client, "to nobody", 9), 0);
	WAIT(&place, place.accepted_count == 1 && place.accepted[0].handle != NULL);
	place.server->transport->discard(place.server->transport, place.accepted[0].handle);
	WAIT(&place, client.closed == 1);
	assert_int_equal(client.reason, -DER_UNREACH);
	side_close(&client);
	place_close(&place);
}

int
transport_contract(struct subject *subject)
{
	struct CMUnitTest tests[] = {
		cmocka_unit_test(test_exchange_tcp),
		cmocka_unit_test(test_exchange_unix),
		cmocka_unit_test(test_send_copies),
		cmocka_unit_test(test_frame_sizes_tcp),
		cmocka_unit_test(test_frame_sizes_unix),
		cmocka_unit_test(test_many_frames_tcp),
		cmocka_unit_test(test_many_frames_unix),
		cmocka_unit_test(test_many_connections),
		cmocka_unit_test(test_bulk_tcp),
		cmocka_unit_test(test_bulk_unix),
		cmocka_unit_test(test_bulk_scattered),
		cmocka_unit_test(test_bulk_refused),
		cmocka_unit_test(test_bulk_other_connection),
		cmocka_unit_test(test_bulk_concurrent),
		cmocka_unit_test(test_bulk_peer_closes),
		cmocka_unit_test(test_bulk_own_close),
		cmocka_unit_test(test_refused),
		cmocka_unit_test(test_peer_closes_tcp),
		cmocka_unit_test(test_peer_closes_unix),
		cmocka_unit_test(test_close_in_handler),
		cmocka_unit_test(test_peer_dies_tcp),
		cmocka_unit_test(test_peer_dies_unix),
		cmocka_unit_test(test_taken_tcp),
		cmocka_unit_test(test_taken_unix),
		cmocka_unit_test(test_bad_address),
		cmocka_unit_test(test_free_port),
		cmocka_unit_test(test_credentials),
		cmocka_unit_test(test_detach_tcp),
		cmocka_unit_test(test_detach_unix),
		cmocka_unit_test(test_discard),
	};

	return SUBJECT_RUN_TESTS(subject, subject->name, tests);
}
