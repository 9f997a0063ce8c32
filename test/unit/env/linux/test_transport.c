/* SPDX-License-Identifier: BSD-2-Clause-Patent */
/* Sockets: frames, slow peers, peers that talk nonsense or die, limits, changes of loop. */
#include <arpa/inet.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "pair.h"

#include "env/linux/frame.h"

static enum linux_backend
backend_of(void **state)
{
	return *(enum linux_backend *)*state;
}

static void
exchange(enum linux_backend backend, bool local)
{
	static const size_t lengths[] = {4, 5, 64, 4096, 65536, FRAME_MAX - 1, FRAME_MAX};
	struct pair pair;
	uint64_t bytes = 0;
	uint32_t count = 0;

	pair_open(&pair, backend, NULL);
	pair_connect(&pair, local);
	assert_int_equal(pair.server_end.connection->credentials.known, local);
	if (local)
		assert_int_equal(pair.server_end.connection->credentials.process, getpid());
	for (uint32_t round = 0; round < 20; round++) {
		for (size_t i = 0; i < ARRAY_SIZE(lengths); i++) {
			assert_int_equal(send_number(pair.client_end.connection, count, lengths[i]),
					 0);
			bytes += lengths[i];
			count++;
		}
	}
	POLL_UNTIL(&pair, pair.server_end.messages == count);
	assert_int_equal(pair.server_end.bytes, bytes);
	assert_int_equal(pair.server_end.last, count - 1);
	assert_false(pair.server_end.misaligned);
	assert_int_equal(pair.client_end.connection->queued, 0);
	assert_int_equal(send_number(pair.server_end.connection, 7, 100), 0);
	POLL_UNTIL(&pair, pair.client_end.messages == 1);
	connection_close(pair.client_end.connection);
	pair.client_end.connection = NULL;
	POLL_UNTIL(&pair, pair.server_end.closed);
	assert_int_equal(pair.server_end.closed, -DER_UNREACH);
	assert_int_equal(pair.server_end.closed_calls, 1);
	assert_int_equal(send_number(pair.server_end.connection, 1, 8), -DER_UNREACH);
	pair_close(&pair);
}

static void
test_exchange(void **state)
{
	exchange(backend_of(state), false);
	exchange(backend_of(state), true);
}

static void
test_ipv6(void **state)
{
	struct transport *server, *client;
	struct pair pair;
	int rc;

	pair_open(&pair, backend_of(state), NULL);
	server = pair.server->transport;
	client = pair.client->transport;
	rc = server->listen(server, "tcp:[::1]:0", &pair_listener_handler, &pair, &pair.listener,
			    pair.address);
	if (rc) {
		pair_close(&pair);
		print_message("this host has no IPv6 loopback: not tested\n");
		skip();
	}
	assert_int_equal(strncmp(pair.address, "tcp:[::1]:", 10), 0);
	pair.accept_into = &pair.server_end;
	assert_int_equal(client->connect(client, pair.address, 1000000000, &pair_handler,
					 &pair.client_end, &pair.client_end.connection),
			 0);
	assert_int_equal(send_number(pair.client_end.connection, 6, 64), 0);
	POLL_UNTIL(&pair, pair.server_end.messages == 1);
	assert_int_equal(pair.server_end.last, 6);
	pair_close(&pair);
}

/* The env may go while connections, transfers and listeners are left: nobody is called. */
static void
test_destroy_in_use(void **state)
{
	static uint8_t memory[65536];
	struct iovec iov = {memory, sizeof(memory)};
	struct completion completion = {0};
	uint32_t before = descriptors();
	struct pair pair;

	pair_open(&pair, backend_of(state), NULL);
	pair_connect(&pair, false);
	connection_bulk_transfer(pair.server_end.connection, BULK_READ, 1, 0, &iov, 1, &completion);
	assert_int_equal(send_number(pair.client_end.connection, 6, 64), 0);
	pair.server_end.connection = NULL;
	pair.client_end.connection = NULL;
	pair.listener = NULL;
	pair_close(&pair);
	assert_false(completion.done);
	assert_int_equal(pair.server_end.closed_calls + pair.client_end.closed_calls, 0);
	assert_int_equal(descriptors(), before);
}

/* Small frames of one turn leave together, eight at a time. */
static void
test_batches_of_a_turn(void **state)
{
	struct linux_statistics before, after;
	struct pair pair;

	pair_open(&pair, backend_of(state), NULL);
	pair_connect(&pair, false);
	linux_env_statistics(pair.client, &before);
	for (uint32_t i = 0; i < 7; i++)
		assert_int_equal(send_number(pair.client_end.connection, i, 64), 0);
	linux_env_statistics(pair.client, &after);
	assert_int_equal(after.sends - before.sends, 0);
	linux_env_flush(pair.client);
	for (uint32_t i = 7; i < 50; i++)
		assert_int_equal(send_number(pair.client_end.connection, i, 64), 0);
	linux_env_flush(pair.client);
	linux_env_statistics(pair.client, &after);
	assert_int_equal(after.sends - before.sends, 1 + 43 / 8 + 1);
	POLL_UNTIL(&pair, pair.server_end.messages == 50);
	pair_close(&pair);
}

/* A message that is kept stays what it was while much else arrives. */
static void
test_held_message(void **state)
{
	struct pair pair;
	struct message *first;
	uint8_t copy[4096];

	pair_open(&pair, backend_of(state), NULL);
	pair_connect(&pair, true);
	pair.server_end.hold = true;
	assert_int_equal(send_number(pair.client_end.connection, 4711, sizeof(copy)), 0);
	POLL_UNTIL(&pair, pair.server_end.held);
	first = pair.server_end.held;
	memcpy(copy, first->data, sizeof(copy));
	pair.server_end.held = NULL;
	pair.server_end.hold = false;
	for (uint32_t i = 0; i < 100; i++)
		assert_int_equal(send_number(pair.client_end.connection, i, 60000), 0);
	POLL_UNTIL(&pair, pair.server_end.messages == 101);
	assert_memory_equal(copy, first->data, sizeof(copy));
	message_put(first);
	pair_close(&pair);
}

/* A peer that does not read fills its own queue and nobody else's. */
static void
test_slow_peer(void **state)
{
	const struct linux_env_options options = {.queued_limit = 4 * 1024 * 1024};
	struct end other = {0};
	struct pair pair;
	int slow, rc = 0;
	uint32_t sent = 0;

	pair_open(&pair, backend_of(state), &options);
	pair_connect(&pair, false);
	pair.accept_into = &other;
	slow = pair_raw(&pair);
	POLL_UNTIL(&pair, other.connection);
	while ((rc = send_number(other.connection, sent, 65536)) == 0) {
		sent++;
		pair_poll(&pair);
	}
	assert_int_equal(rc, -DER_BUSY);
	assert_true(other.connection->queued > 4 * 1024 * 1024 - 2 * 65536);
	assert_int_equal(send_number(pair.server_end.connection, 1, 1000), 0);
	POLL_UNTIL(&pair, pair.client_end.messages == 1);
	close(slow);
	POLL_UNTIL(&pair, other.closed);
	assert_int_equal(other.connection->queued, 0);
	connection_close(other.connection);
	pair_close(&pair);
}

/* The queue of a peer that reads again drains. */
static void
test_queue_drains(void **state)
{
	struct pair pair;

	pair_open(&pair, backend_of(state), NULL);
	pair_connect(&pair, false);
	for (uint32_t i = 0; i < 300; i++)
		assert_int_equal(send_number(pair.server_end.connection, i, 100000), 0);
	for (uint32_t i = 0; i < 20; i++)
		pair.server->poller->poll(pair.server->poller, 0);
	assert_true(pair.server_end.connection->queued > 0);
	POLL_UNTIL(&pair, pair.client_end.messages == 300);
	POLL_UNTIL(&pair, pair.server_end.connection->queued == 0);
	pair_close(&pair);
}

/* Random bytes, and frames with one byte changed, end their connection and nothing else. */
static void
test_malformed(void **state)
{
	struct frame frame = {.kind = FRAME_WRITE, .key = 1, .length = 64};
	struct linux_statistics statistics;
	uint64_t seed = 12345;
	struct pair pair;

	pair_open(&pair, backend_of(state), NULL);
	pair_connect(&pair, false);
	for (uint32_t round = 0; round < 60; round++) {
		struct end end = {0};
		uint8_t bytes[256];
		int fd;

		for (size_t i = 0; i < sizeof(bytes); i++)
			bytes[i] = (uint8_t)((seed = seed * 6364136223846793005u +
						     1442695040888963407u) >>
					     56);
		if (round % 2) {
			frame.kind = (enum frame_kind)(round / 2 % 5 + 1);
			frame_encode(&frame, bytes);
			if (round % 4 == 3)
				bytes[seed % 16] ^= (uint8_t)(seed >> 40 | 1);
		}
		pair.accept_into = &end;
		fd = pair_raw(&pair);
		assert_int_equal(write(fd, bytes, sizeof(bytes)), (ssize_t)sizeof(bytes));
		shutdown(fd, SHUT_WR);
		POLL_UNTIL(&pair, end.closed);
		assert_int_equal(end.closed_calls, 1);
		assert_true(end.closed == -DER_PROTO || end.closed == -DER_UNREACH);
		connection_close(end.connection);
		close(fd);
	}
	linux_env_statistics(pair.server, &statistics);
	assert_true(statistics.malformed >= 40);
	assert_int_equal(statistics.connections, 1);
	assert_int_equal(send_number(pair.client_end.connection, 5, 64), 0);
	POLL_UNTIL(&pair, pair.server_end.messages == 1);
	pair_close(&pair);
}

/* Frames that come byte by byte. */
static void
test_drip(void **state)
{
	struct frame frame = {.kind = FRAME_MESSAGE, .length = 20};
	struct end end = {0};
	struct pair pair;
	uint8_t bytes[40] = {0};
	int fd;

	pair_open(&pair, backend_of(state), NULL);
	pair_connect(&pair, true);
	pair.accept_into = &end;
	fd = pair_raw(&pair);
	frame_encode(&frame, bytes);
	store_u32(bytes + FRAME_HEADER, 99);
	for (uint32_t round = 1; round <= 3; round++) {
		for (size_t i = 0; i < sizeof(bytes); i++) {
			assert_int_equal(write(fd, bytes + i, 1), 1);
			pair_poll(&pair);
		}
		POLL_UNTIL(&pair, end.messages == round);
		assert_int_equal(end.last, 99);
	}
	assert_false(end.misaligned);
	connection_close(end.connection);
	close(fd);
	pair_close(&pair);
}

static void
test_connection_limit(void **state)
{
	const struct linux_env_options options = {.connection_limit = 4};
	struct end ends[5];
	struct linux_statistics statistics;
	struct pair pair;
	int raw[5];

	memset(ends, 0, sizeof(ends));
	pair_open(&pair, backend_of(state), &options);
	pair_connect(&pair, false);
	for (uint32_t i = 0; i < 3; i++) {
		pair.accept_into = &ends[i];
		raw[i] = pair_raw(&pair);
		POLL_UNTIL(&pair, ends[i].connection);
	}
	pair.accept_into = &ends[3];
	raw[3] = pair_raw(&pair);
	do {
		pair_poll(&pair);
		linux_env_statistics(pair.server, &statistics);
	} while (statistics.refused == 0);
	assert_null(ends[3].connection);
	assert_int_equal(recv(raw[3], &(char){0}, 1, 0), 0);
	connection_close(ends[0].connection);
	raw[4] = pair_raw(&pair);
	POLL_UNTIL(&pair, ends[3].connection);
	for (uint32_t i = 1; i < 4; i++)
		connection_close(ends[i].connection);
	for (uint32_t i = 0; i < 5; i++)
		close(raw[i]);
	pair_close(&pair);
}

/* Twenty peers that die with a reset in the middle of a frame leave nothing behind. */
static void
test_deaths(void **state)
{
	const struct linger at_once = {.l_onoff = 1, .l_linger = 0};
	struct frame frame = {.kind = FRAME_MESSAGE, .length = 100000};
	struct pair pair;
	uint8_t bytes[5000] = {0};
	uint32_t before;

	pair_open(&pair, backend_of(state), NULL);
	pair_connect(&pair, false);
	pair_poll(&pair);
	before = descriptors();
	frame_encode(&frame, bytes);
	for (uint32_t i = 0; i < 20; i++) {
		struct end end = {0};
		int fd;

		pair.accept_into = &end;
		fd = pair_raw(&pair);
		POLL_UNTIL(&pair, end.connection);
		assert_int_equal(write(fd, bytes, sizeof(bytes)), (ssize_t)sizeof(bytes));
		assert_int_equal(send_number(end.connection, 1, FRAME_MAX), 0);
		pair_poll(&pair);
		setsockopt(fd, SOL_SOCKET, SO_LINGER, &at_once, sizeof(at_once));
		close(fd);
		POLL_UNTIL(&pair, end.closed);
		assert_int_equal(end.closed, -DER_UNREACH);
		connection_close(end.connection);
	}
	pair_poll(&pair);
	assert_int_equal(descriptors(), before);
	assert_int_equal(send_number(pair.client_end.connection, 5, 64), 0);
	POLL_UNTIL(&pair, pair.server_end.messages == 1);
	pair_close(&pair);
}

/* A failing connect is told by poll, never from inside connect. */
static void
test_refused(void **state)
{
	static const char *const nowhere[] = {"tcp:127.0.0.1:1", "unix:/nonexistent/cairn/socket"};
	static const char *const unreadable[] = {
		"",	      "tcp:",  "tcp:host",	  "tcp:127.0.0.1:70000",
		"tcp:[::1:5", "unix:", "udp:127.0.0.1:1", "tcp:127.0.0.1:"};
	struct pair pair;

	pair_open(&pair, backend_of(state), NULL);
	for (size_t i = 0; i < ARRAY_SIZE(nowhere); i++) {
		struct transport *client = pair.client->transport;
		struct end end = {0};

		assert_int_equal(client->connect(client, nowhere[i], 1000000000, &pair_handler,
						 &end, &end.connection),
				 0);
		assert_int_equal(end.closed_calls, 0);
		POLL_UNTIL(&pair, end.closed);
		assert_int_equal(end.closed, -DER_UNREACH);
		assert_int_equal(end.closed_calls, 1);
		connection_close(end.connection);
	}
	for (size_t i = 0; i < ARRAY_SIZE(unreadable); i++) {
		struct transport *client = pair.client->transport;
		struct end end = {0};

		assert_int_equal(client->connect(client, unreadable[i], 0, &pair_handler, &end,
						 &end.connection),
				 -DER_INVAL);
	}
	pair_close(&pair);
}

/* A socket file of a dead listener is replaced, one of a living listener is not. */
static void
test_stale_socket(void **state)
{
	struct listener *second;
	struct transport *client;
	struct pair pair;
	char path[128], saved[140];

	pair_open(&pair, backend_of(state), NULL);
	pair_connect(&pair, true);
	client = pair.client->transport;
	assert_int_equal(client->listen(client, pair.address, &pair_listener_handler, &pair,
					&second, NULL),
			 -DER_BUSY);
	snprintf(path, sizeof(path), "%.100s", pair.address + 5);
	snprintf(saved, sizeof(saved), "%s.saved", path);
	assert_int_equal(rename(path, saved), 0);
	pair.server->transport->unlisten(pair.server->transport, pair.listener);
	pair.listener = NULL;
	pair_poll(&pair);
	assert_int_equal(rename(saved, path), 0);
	assert_int_equal(client->listen(client, pair.address, &pair_listener_handler, &pair,
					&second, NULL),
			 0);
	client->unlisten(client, second);
	assert_int_equal(access(path, F_OK), -1);
	pair_close(&pair);
}

/* Detached in the middle of a burst, adopted by the other loop: no frame is lost, none comes twice.
 */
static void
test_adopt(void **state)
{
	struct transport *other;
	struct pair pair;

	pair_open(&pair, backend_of(state), NULL);
	pair_connect(&pair, false);
	pair.server_end.detach = true;
	for (uint32_t i = 0; i < 100; i++)
		assert_int_equal(send_number(pair.client_end.connection, i, 3001), 0);
	POLL_UNTIL(&pair, pair.server_end.handle);
	assert_int_equal(pair.server_end.messages, 1);
	pair.server_end.detach = false;
	other = pair.client->transport;
	assert_int_equal(other->adopt(other, pair.server_end.handle, &pair_handler,
				      &pair.server_end, &pair.server_end.connection),
			 0);
	POLL_UNTIL(&pair, pair.server_end.messages == 100);
	assert_int_equal(pair.server_end.last, 99);
	assert_false(pair.server_end.misaligned);
	assert_int_equal(send_number(pair.server_end.connection, 5, 64), 0);
	POLL_UNTIL(&pair, pair.client_end.messages == 1);
	pair_close(&pair);
}

static void
test_discard(void **state)
{
	struct transport *server;
	struct pair pair;

	pair_open(&pair, backend_of(state), NULL);
	pair_connect(&pair, true);
	server = pair.server->transport;
	pair.server_end.detach = true;
	assert_int_equal(send_number(pair.client_end.connection, 1, 64), 0);
	POLL_UNTIL(&pair, pair.server_end.handle);
	server->discard(server, pair.server_end.handle);
	POLL_UNTIL(&pair, pair.client_end.closed);
	pair_close(&pair);
}

int
main(void)
{
	struct CMUnitTest tests[] = {
		cmocka_unit_test(test_exchange),       cmocka_unit_test(test_batches_of_a_turn),
		cmocka_unit_test(test_held_message),   cmocka_unit_test(test_slow_peer),
		cmocka_unit_test(test_queue_drains),   cmocka_unit_test(test_malformed),
		cmocka_unit_test(test_drip),	       cmocka_unit_test(test_connection_limit),
		cmocka_unit_test(test_deaths),	       cmocka_unit_test(test_refused),
		cmocka_unit_test(test_stale_socket),   cmocka_unit_test(test_adopt),
		cmocka_unit_test(test_discard),	       cmocka_unit_test(test_ipv6),
		cmocka_unit_test(test_destroy_in_use),
	};

	return BACKEND_TESTS("transport", tests);
}
