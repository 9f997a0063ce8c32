/* SPDX-License-Identifier: BSD-2-Clause-Patent */
/*
 * Heartbeats of many groups in one packet per node: a header, then a row per group. Packets are
 * filled per rank and taken when the turn is over; nothing is kept between.
 */
#include "raft/private.h"

#define ROWS_FIRST 8u
#define NODES_FIRST 8u

struct node {
	uint32_t rank;
	uint32_t rows, capacity;
	uint8_t *data; /* header and rows */
};

struct raft_beats {
	struct arena *arena;
	uint32_t rank;
	uint32_t count, capacity, taken;
	struct node *nodes; /* by rank */
};

int
raft_beats_create(struct arena *arena, uint32_t rank, struct raft_beats **ret_beats)
{
	struct raft_beats *beats = arena_calloc(arena, 1, sizeof(*beats));

	if (beats == NULL)
		return error_raise(-DER_NOMEM, "no memory for heartbeats");
	beats->arena = arena;
	beats->rank = rank;
	*ret_beats = beats;
	return 0;
}

void
raft_beats_destroy(struct raft_beats *beats)
{
	for (uint32_t i = 0; i < beats->count; i++)
		arena_free(beats->arena, beats->nodes[i].data);
	arena_free(beats->arena, beats->nodes);
	arena_free(beats->arena, beats);
}

/* Where rank is or belongs. */
static uint32_t
place(const struct raft_beats *beats, uint32_t rank)
{
	uint32_t low = 0, high = beats->count;

	while (low < high) {
		uint32_t middle = (low + high) / 2;

		if (beats->nodes[middle].rank < rank)
			low = middle + 1;
		else
			high = middle;
	}
	return low;
}

static int
node_get(struct raft_beats *beats, uint32_t rank, struct node **ret_node)
{
	uint32_t at = place(beats, rank);
	struct node *nodes = beats->nodes;

	if (at < beats->count && nodes[at].rank == rank) {
		*ret_node = &nodes[at];
		return 0;
	}
	if (beats->count == RAFT_BEATS_NODES)
		return -DER_OVERFLOW;
	if (beats->count == beats->capacity) {
		uint32_t capacity = max_of(beats->capacity * 2, NODES_FIRST);

		nodes = arena_realloc(beats->arena, nodes, capacity * sizeof(*nodes));
		if (nodes == NULL)
			return error_raise(-DER_NOMEM, "no memory for heartbeats");
		beats->nodes = nodes;
		beats->capacity = capacity;
	}
	memmove(&nodes[at + 1], &nodes[at], (beats->count - at) * sizeof(*nodes));
	nodes[at] = (struct node){.rank = rank};
	beats->count++;
	*ret_node = &nodes[at];
	return 0;
}

static int
node_room(struct raft_beats *beats, struct node *node)
{
	uint32_t capacity = min_of(max_of(node->capacity * 2, ROWS_FIRST), RAFT_BEATS_ROWS);
	uint8_t *data;

	if (node->rows < node->capacity)
		return 0;
	if (node->rows == RAFT_BEATS_ROWS)
		return -DER_OVERFLOW;
	data = arena_realloc(beats->arena, node->data,
			     RAFT_BEATS_HEADER + (size_t)capacity * RAFT_BEATS_ROW);
	if (data == NULL)
		return error_raise(-DER_NOMEM, "no memory for heartbeats");
	node->data = data;
	node->capacity = capacity;
	return 0;
}

/* A heartbeat needs commit; its reply index and hint: they share two fields. */
static void
row_encode(uint8_t *row, const struct raft_message *message)
{
	bool reply = message->kind == RAFT_HEARTBEAT_REPLY;
	struct writer writer;

	writer_init(&writer, row, RAFT_BEATS_ROW);
	writer_bytes(&writer, message->group.bytes, sizeof(message->group.bytes));
	writer_u64(&writer, message->from);
	writer_u64(&writer, message->to);
	writer_u64(&writer, message->term);
	writer_u64(&writer, message->stamp);
	writer_u64(&writer, reply ? message->index : message->commit);
	writer_u64(&writer, reply ? message->hint : 0);
	writer_u8(&writer, (uint8_t)message->kind);
	writer_u8(&writer, (uint8_t)message->flags);
	writer_u16(&writer, 0);
	writer_u32(&writer, 0);
	ASSERT(!writer.failed && writer.position == RAFT_BEATS_ROW);
}

int
raft_beats_add(struct raft_beats *beats, const struct raft_message *message)
{
	struct node *node = NULL;
	int rc;

	if (message->kind != RAFT_HEARTBEAT && message->kind != RAFT_HEARTBEAT_REPLY)
		return error_raise(-DER_INVAL, "message kind %d is no heartbeat",
				   (int)message->kind);
	rc = node_get(beats, message->to_rank, &node);
	if (rc == 0)
		rc = node_room(beats, node);
	if (rc)
		return rc;
	row_encode(node->data + RAFT_BEATS_HEADER + (size_t)node->rows * RAFT_BEATS_ROW, message);
	node->rows++;
	beats->taken = 0;
	return 0;
}

bool
raft_beats_take(struct raft_beats *beats, uint32_t *ret_rank, const void **ret_data,
		size_t *ret_length)
{
	struct node *node;
	struct writer writer;

	while (beats->taken < beats->count && beats->nodes[beats->taken].rows == 0)
		beats->taken++;
	if (beats->taken == beats->count)
		return false;
	node = &beats->nodes[beats->taken];
	*ret_length = RAFT_BEATS_HEADER + (size_t)node->rows * RAFT_BEATS_ROW;
	writer_init(&writer, node->data, RAFT_BEATS_HEADER);
	writer_u16(&writer, RAFT_FORMAT);
	writer_u16(&writer, 0);
	writer_u32(&writer, node->rows);
	writer_u32(&writer, beats->rank);
	writer_u32(&writer, node->rank);
	writer_u32(&writer,
		   crc32c(0, node->data + RAFT_BEATS_HEADER, *ret_length - RAFT_BEATS_HEADER));
	writer_u32(&writer, crc32c(0, node->data, RAFT_BEATS_HEADER - 4));
	ASSERT(!writer.failed && writer.position == RAFT_BEATS_HEADER);
	*ret_rank = node->rank;
	*ret_data = node->data;
	node->rows = 0;
	return true;
}

int
raft_beats_open(const void *data, size_t length, struct reader *ret_reader)
{
	struct reader reader;
	uint32_t rows, sum;

	reader_init(&reader, data, length);
	if (reader_u16(&reader) != RAFT_FORMAT || reader_u16(&reader) != 0)
		reader_fail(&reader);
	rows = reader_u32(&reader);
	reader_u64(&reader);
	sum = reader_u32(&reader);
	reader_u32(&reader);
	if (reader.failed || rows == 0 || rows > RAFT_BEATS_ROWS ||
	    length != RAFT_BEATS_HEADER + (size_t)rows * RAFT_BEATS_ROW)
		return error_raise(-DER_PROTO, "%zu bytes are no heartbeats", length);
	if (crc32c(0, data, RAFT_BEATS_HEADER - 4) !=
		    load_u32((const uint8_t *)data + RAFT_BEATS_HEADER - 4) ||
	    crc32c(0, (const uint8_t *)data + RAFT_BEATS_HEADER, length - RAFT_BEATS_HEADER) != sum)
		return error_raise(-DER_CSUM, "heartbeats arrived damaged");
	*ret_reader = reader;
	return 0;
}

static void
row_decode(struct reader *reader, struct raft_message *message)
{
	uint64_t first, second;

	reader_copy(reader, message->group.bytes, sizeof(message->group.bytes));
	message->from = reader_u64(reader);
	message->to = reader_u64(reader);
	message->term = reader_u64(reader);
	message->stamp = reader_u64(reader);
	first = reader_u64(reader);
	second = reader_u64(reader);
	message->kind = reader_u8(reader);
	message->flags = reader_u8(reader);
	if (reader_u16(reader) != 0 || reader_u32(reader) != 0)
		reader_fail(reader);
	if (message->kind == RAFT_HEARTBEAT) {
		message->commit = first;
		if (second != 0 || message->flags != 0)
			reader_fail(reader);
		return;
	}
	message->index = first;
	message->hint = second;
	if (message->kind != RAFT_HEARTBEAT_REPLY || (message->flags & ~(uint32_t)RAFT_LOST) ||
	    first == UINT64_MAX || second == UINT64_MAX)
		reader_fail(reader);
}

bool
raft_beats_next(struct reader *reader, struct raft_message *ret_message, int *ret_rc)
{
	struct raft_message message = {.flags = 0};

	*ret_rc = 0;
	if (reader_left(reader) == 0)
		return false;
	message.from_rank = load_u32(reader->data + 8);
	message.to_rank = load_u32(reader->data + 12);
	row_decode(reader, &message);
	if (reader->failed || message.from == 0 || message.to == 0 || message.term == 0) {
		reader_fail(reader);
		*ret_rc = error_raise(-DER_PROTO, "a heartbeat is malformed");
		return false;
	}
	*ret_message = message;
	return true;
}
