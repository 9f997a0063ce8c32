/* SPDX-License-Identifier: BSD-2-Clause-Patent */
/* Messages, transfers and deregistrations of both sides at random, checked against what must have
 * moved. */
#include <stdlib.h>
#include <string.h>

#include "pair.h"

#define SLOTS 24u
#define REGION_MAX (600u * 1024)
#define ROUNDS 4000u

/* One region of a side and at most one transfer of the other side on it. */
struct slot {
	struct end *owner, *user;
	uint8_t *memory; /* registered by owner */
	uint8_t *copy;	 /* of user */
	size_t size;
	uint64_t key;
	bool registered;
	bool busy;
	bool withdrawn; /* deregistered while busy: the outcome is open */
	enum bulk_access direction;
	uint64_t offset;
	struct iovec iov[3];
	struct completion completion;
};

struct stress {
	struct pair pair;
	struct slot slots[SLOTS];
	uint64_t seed;
	uint64_t sent[2];
	uint32_t finished;
};

static uint32_t
pick(struct stress *stress, uint32_t below)
{
	stress->seed = stress->seed * 6364136223846793005u + 1442695040888963407u;
	return (uint32_t)(stress->seed >> 33) % below;
}

static void
fill(struct stress *stress, uint8_t *memory, size_t size)
{
	uint8_t start = (uint8_t)pick(stress, 256);

	for (size_t i = 0; i < size; i++)
		memory[i] = (uint8_t)(start + i * 7 + (i >> 8));
}

static void
slot_register(struct stress *stress, struct slot *slot)
{
	struct iovec iov[2];

	slot->size = 1 + pick(stress, pick(stress, 4) == 0 ? REGION_MAX - 1 : 5000);
	slot->memory = malloc(slot->size);
	slot->copy = malloc(slot->size);
	fill(stress, slot->memory, slot->size);
	fill(stress, slot->copy, slot->size);
	iov[0] = (struct iovec){slot->memory, slot->size / 2};
	iov[1] = (struct iovec){slot->memory + slot->size / 2, slot->size - slot->size / 2};
	assert_int_equal(connection_bulk_register(slot->owner->connection, iov, 2,
						  BULK_READ | BULK_WRITE, &slot->key),
			 0);
	slot->registered = true;
	slot->withdrawn = false;
}

static void
slot_transfer(struct stress *stress, struct slot *slot)
{
	size_t length = pick(stress, (uint32_t)slot->size + 1),
	       first = pick(stress, (uint32_t)length + 1);

	slot->direction = pick(stress, 2) ? BULK_READ : BULK_WRITE;
	slot->offset = pick(stress, (uint32_t)(slot->size - length) + 1);
	slot->iov[0] = (struct iovec){slot->copy, first};
	slot->iov[1] = (struct iovec){slot->copy + first, 0};
	slot->iov[2] = (struct iovec){slot->copy + first, length - first};
	slot->busy = true;
	memset(&slot->completion, 0, sizeof(slot->completion));
	connection_bulk_transfer(slot->user->connection, slot->direction, slot->key, slot->offset,
				 slot->iov, 3, &slot->completion);
}

static void
slot_withdraw(struct slot *slot)
{
	connection_bulk_deregister(slot->owner->connection, slot->key);
	memset(slot->memory, 0xdd, slot->size);
	free(slot->memory);
	slot->memory = NULL;
	slot->registered = false;
	slot->withdrawn = slot->busy;
}

static void
slot_finish(struct stress *stress, struct slot *slot)
{
	size_t length = slot->iov[0].iov_len + slot->iov[2].iov_len;

	slot->busy = false;
	stress->finished++;
	if (slot->withdrawn) {
		assert_true(slot->completion.result == 0 ||
			    slot->completion.result == -DER_NO_PERM);
		return;
	}
	assert_int_equal(slot->completion.result, 0);
	assert_memory_equal(slot->memory + slot->offset, slot->copy, length);
}

static void
slot_step(struct stress *stress, struct slot *slot)
{
	if (slot->busy && slot->completion.done)
		slot_finish(stress, slot);
	if (!slot->busy && !slot->registered) {
		free(slot->copy);
		slot_register(stress, slot);
	} else if (!slot->busy) {
		fill(stress, slot->copy, slot->size);
		slot_transfer(stress, slot);
	} else if (slot->registered && pick(stress, 12) == 0) {
		slot_withdraw(slot);
	}
}

static void
step(struct stress *stress)
{
	struct end *ends[2] = {&stress->pair.server_end, &stress->pair.client_end};
	uint32_t side = pick(stress, 2);

	if (pick(stress, 3) == 0) {
		assert_int_equal(
			send_number(ends[side]->connection, (uint32_t)stress->sent[side],
				    4 + pick(stress, pick(stress, 8) == 0 ? FRAME_MAX - 4 : 900)),
			0);
		stress->sent[side]++;
	}
	slot_step(stress, &stress->slots[pick(stress, SLOTS)]);
	if (pick(stress, 2)) {
		struct env *env = pick(stress, 2) ? stress->pair.server : stress->pair.client;

		env->poller->poll(env->poller, 0);
	}
}

static void
test_stress(void **state)
{
	struct stress *stress = calloc(1, sizeof(*stress));
	struct pair *pair = &stress->pair;

	stress->seed = 20240607;
	pair_open(pair, *(enum linux_backend *)*state, NULL);
	pair_connect(pair, true);
	for (uint32_t i = 0; i < SLOTS; i++) {
		stress->slots[i].owner = i % 2 ? &pair->server_end : &pair->client_end;
		stress->slots[i].user = i % 2 ? &pair->client_end : &pair->server_end;
	}
	for (uint32_t i = 0; i < ROUNDS; i++)
		step(stress);
	for (uint32_t i = 0; i < SLOTS; i++) {
		struct slot *slot = &stress->slots[i];

		POLL_UNTIL(pair, !slot->busy || slot->completion.done);
		if (slot->busy)
			slot_finish(stress, slot);
		if (slot->registered)
			slot_withdraw(slot);
		free(slot->copy);
	}
	POLL_UNTIL(pair, pair->client_end.messages == stress->sent[0] &&
				 pair->server_end.messages == stress->sent[1]);
	assert_int_equal(pair->client_end.last, stress->sent[0] - 1);
	assert_int_equal(pair->server_end.last, stress->sent[1] - 1);
	assert_int_equal(pair->client_end.closed_calls + pair->server_end.closed_calls, 0);
	assert_false(pair->client_end.misaligned || pair->server_end.misaligned);
	assert_int_equal(pair->client_end.connection->queued + pair->server_end.connection->queued,
			 0);
	assert_true(stress->finished > ROUNDS / 20);
	pair_close(pair);
	free(stress);
}

int
main(void)
{
	struct CMUnitTest tests[] = {cmocka_unit_test(test_stress)};

	return BACKEND_TESTS("stress", tests);
}
