/* SPDX-License-Identifier: BSD-2-Clause-Patent */
/* Bulk transfers: both directions, refusals, memory that is withdrawn in the middle, peers that
 * end. */
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "pair.h"

#include "env/linux/frame.h"

#define SIZE (8u * 1024 * 1024)

static enum linux_backend
backend_of(void **state)
{
	return *(enum linux_backend *)*state;
}

static uint8_t *
pattern(size_t size, uint32_t seed)
{
	uint8_t *memory = malloc(size);

	assert_non_null(memory);
	for (size_t i = 0; i < size; i++)
		memory[i] = (uint8_t)((i * 2654435761u + seed) >> 13);
	return memory;
}

static uint64_t
register_memory(struct connection *connection, void *memory, size_t size, enum bulk_access access)
{
	/* In odd pieces. */
	struct iovec iov[3] = {{memory, size / 3},
			       {(uint8_t *)memory + size / 3, 5},
			       {(uint8_t *)memory + size / 3 + 5, size - size / 3 - 5}};
	uint64_t key;

	assert_int_equal(connection_bulk_register(connection, iov, 3, access, &key), 0);
	return key;
}

static void
both_directions(enum linux_backend backend, bool local)
{
	static const size_t lengths[] = {0, 1, 7, 8, 4095, 100001, SIZE - 3};
	uint8_t *remote = pattern(SIZE, 1), *here = calloc(1, SIZE), *expected = pattern(SIZE, 1);
	struct pair pair;
	uint64_t key;

	pair_open(&pair, backend, NULL);
	pair_connect(&pair, local);
	key = register_memory(pair.client_end.connection, remote, SIZE, BULK_READ | BULK_WRITE);
	for (size_t i = 0; i < ARRAY_SIZE(lengths); i++) {
		struct iovec iov[2] = {{here, lengths[i] / 2},
				       {here + lengths[i] / 2, lengths[i] - lengths[i] / 2}};
		struct completion get = {0}, put = {0};

		memset(here, 0, SIZE);
		connection_bulk_transfer(pair.server_end.connection, BULK_READ, key, 3, iov, 2,
					 &get);
		assert_int_equal(send_number(pair.server_end.connection, (uint32_t)i, 64), 0);
		assert_int_equal(send_number(pair.client_end.connection, (uint32_t)i, 64), 0);
		POLL_UNTIL(&pair, get.done);
		assert_int_equal(get.result, 0);
		assert_memory_equal(here, expected + 3, lengths[i]);
		for (size_t j = 0; j < lengths[i]; j++)
			here[j] ^= 0x5a;
		connection_bulk_transfer(pair.server_end.connection, BULK_WRITE, key, 3, iov, 2,
					 &put);
		POLL_UNTIL(&pair, put.done && pair.client_end.messages == i + 1 &&
					  pair.server_end.messages == i + 1);
		assert_int_equal(put.result, 0);
		assert_memory_equal(remote + 3, here, lengths[i]);
		assert_memory_equal(remote + 3 + lengths[i], expected + 3 + lengths[i],
				    SIZE - 3 - lengths[i]);
		memcpy(remote, expected, SIZE);
	}
	assert_false(pair.server_end.misaligned || pair.client_end.misaligned);
	assert_int_equal(pair.client_end.connection->queued, 0);
	connection_bulk_deregister(pair.client_end.connection, key);
	pair_close(&pair);
	free(remote);
	free(here);
	free(expected);
}

static void
test_both_directions(void **state)
{
	both_directions(backend_of(state), false);
	both_directions(backend_of(state), true);
}

static int
try_transfer(struct pair *pair, enum bulk_access direction, uint64_t key, uint64_t offset,
	     size_t length)
{
	static uint8_t memory[8192];
	struct iovec iov = {memory, length};
	struct completion completion = {0};

	connection_bulk_transfer(pair->server_end.connection, direction, key, offset, &iov, 1,
				 &completion);
	POLL_UNTIL(pair, completion.done);
	return completion.result;
}

static void
test_refusals(void **state)
{
	uint8_t memory[4096] = {0};
	struct pair pair;
	uint64_t readable, writable, gone, again;

	pair_open(&pair, backend_of(state), NULL);
	pair_connect(&pair, false);
	readable = register_memory(pair.client_end.connection, memory, sizeof(memory), BULK_READ);
	writable = register_memory(pair.client_end.connection, memory, sizeof(memory), BULK_WRITE);
	gone = register_memory(pair.client_end.connection, memory, sizeof(memory),
			       BULK_READ | BULK_WRITE);
	connection_bulk_deregister(pair.client_end.connection, gone);
	again = register_memory(pair.client_end.connection, memory, sizeof(memory),
				BULK_READ | BULK_WRITE);
	assert_int_not_equal(again, gone);
	assert_int_equal(try_transfer(&pair, BULK_READ, readable, 0, 4096), 0);
	assert_int_equal(try_transfer(&pair, BULK_WRITE, writable, 0, 4096), 0);
	assert_int_equal(try_transfer(&pair, BULK_WRITE, readable, 0, 8), -DER_NO_PERM);
	assert_int_equal(try_transfer(&pair, BULK_READ, writable, 0, 8), -DER_NO_PERM);
	assert_int_equal(try_transfer(&pair, BULK_READ, gone, 0, 8), -DER_NO_PERM);
	assert_int_equal(try_transfer(&pair, BULK_WRITE, gone, 0, 8), -DER_NO_PERM);
	assert_int_equal(try_transfer(&pair, BULK_READ, again, 1, 4096), -DER_NO_PERM);
	assert_int_equal(try_transfer(&pair, BULK_WRITE, again, UINT64_MAX, 4096), -DER_NO_PERM);
	assert_int_equal(try_transfer(&pair, BULK_READ, 0, 0, 8), -DER_NO_PERM);
	assert_int_equal(try_transfer(&pair, BULK_READ, UINT64_MAX, 0, 8), -DER_NO_PERM);
	assert_int_equal(try_transfer(&pair, BULK_WRITE, again, 1, 4095), 0);
	pair_close(&pair);
}

/* The owner withdraws memory that is being sent: what the peer gets is what it was then, and the
 * owner may reuse it. */
static void
test_deregister_while_sending(void **state)
{
	uint8_t *remote = pattern(SIZE, 2), *expected = pattern(SIZE, 2), *here = calloc(1, SIZE);
	struct iovec iov = {here, SIZE};
	struct completion completion = {0};
	struct pair pair;
	uint64_t key;

	pair_open(&pair, backend_of(state), NULL);
	pair_connect(&pair, true);
	key = register_memory(pair.client_end.connection, remote, SIZE, BULK_READ);
	connection_bulk_transfer(pair.server_end.connection, BULK_READ, key, 0, &iov, 1,
				 &completion);
	POLL_UNTIL(&pair, pair.client_end.connection->queued > 0);
	connection_bulk_deregister(pair.client_end.connection, key);
	memset(remote, 0xee, SIZE);
	free(remote);
	assert_false(completion.done);
	POLL_UNTIL(&pair, completion.done);
	assert_int_equal(completion.result, 0);
	assert_memory_equal(here, expected, SIZE);
	pair_close(&pair);
	free(expected);
	free(here);
}

/* The owner withdraws memory that is being written: it changes no more, the writer is told, the
 * connection goes on. */
static void
test_deregister_while_receiving(void **state)
{
	uint8_t *remote = calloc(1, SIZE), *here = pattern(SIZE, 3);
	struct iovec iov = {here, SIZE};
	struct completion completion = {0};
	struct pair pair;
	uint64_t key;

	pair_open(&pair, backend_of(state), NULL);
	pair_connect(&pair, true);
	here[0] = 1;
	key = register_memory(pair.client_end.connection, remote, SIZE, BULK_WRITE);
	connection_bulk_transfer(pair.server_end.connection, BULK_WRITE, key, 0, &iov, 1,
				 &completion);
	POLL_UNTIL(&pair, remote[0] == 1);
	assert_false(completion.done);
	connection_bulk_deregister(pair.client_end.connection, key);
	free(remote);
	POLL_UNTIL(&pair, completion.done);
	assert_int_equal(completion.result, -DER_NO_PERM);
	assert_int_equal(send_number(pair.server_end.connection, 8, 64), 0);
	POLL_UNTIL(&pair, pair.client_end.messages == 1);
	pair_close(&pair);
	free(here);
}

/* More transfers than go on the wire at a time, then the peer ends: all complete. */
static void
test_many_and_end(void **state)
{
	enum { COUNT = 3000 };
	struct completion *completions = calloc(COUNT, sizeof(*completions));
	uint8_t memory[512] = {0}, here[512];
	struct iovec iov = {here, sizeof(here)};
	uint32_t done = 0, failed = 0;
	struct pair pair;
	uint64_t key;

	pair_open(&pair, backend_of(state), NULL);
	pair_connect(&pair, false);
	key = register_memory(pair.client_end.connection, memory, sizeof(memory), BULK_READ);
	for (uint32_t i = 0; i < COUNT; i++)
		connection_bulk_transfer(pair.server_end.connection, BULK_READ, key, 0, &iov, 1,
					 &completions[i]);
	POLL_UNTIL(&pair, completions[COUNT / 2].done);
	connection_close(pair.client_end.connection);
	pair.client_end.connection = NULL;
	POLL_UNTIL(&pair, pair.server_end.closed);
	for (uint32_t i = 0; i < COUNT; i++) {
		assert_true(completions[i].done);
		done += completions[i].result == 0;
		failed += completions[i].result == -DER_UNREACH;
	}
	assert_int_equal(done + failed, COUNT);
	assert_true(done > COUNT / 2);
	pair_close(&pair);
	free(completions);
}

/* An answer to a write that was not sent yet would free memory in use: the connection ends instead.
 */
static void
test_early_answer(void **state)
{
	const struct frame answer = {.kind = FRAME_DONE, .tag = 1};
	uint8_t *here = pattern(SIZE, 4), bytes[FRAME_HEAD_MAX];
	struct iovec iov = {here, SIZE};
	struct completion completion = {0};
	struct end end = {0};
	struct pair pair;
	int fd;

	pair_open(&pair, backend_of(state), NULL);
	pair_connect(&pair, true);
	pair.accept_into = &end;
	fd = pair_raw(&pair);
	POLL_UNTIL(&pair, end.connection);
	connection_bulk_transfer(end.connection, BULK_WRITE, 1, 0, &iov, 1, &completion);
	pair_poll(&pair);
	assert_true(end.connection->queued > 0);
	assert_int_equal(write(fd, bytes, frame_encode(&answer, bytes)), 24);
	POLL_UNTIL(&pair, end.closed);
	assert_int_equal(end.closed, -DER_PROTO);
	assert_true(completion.done);
	assert_int_equal(completion.result, -DER_UNREACH);
	connection_close(end.connection);
	close(fd);
	pair_close(&pair);
	free(here);
}

int
main(void)
{
	struct CMUnitTest tests[] = {
		cmocka_unit_test(test_both_directions),
		cmocka_unit_test(test_refusals),
		cmocka_unit_test(test_deregister_while_sending),
		cmocka_unit_test(test_deregister_while_receiving),
		cmocka_unit_test(test_many_and_end),
		cmocka_unit_test(test_early_answer),
	};

	return BACKEND_TESTS("bulk", tests);
}
