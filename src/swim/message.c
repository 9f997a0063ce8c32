/* SPDX-License-Identifier: BSD-2-Clause-Patent */
/* See message.h. */
#include "swim/message.h"

#define CHECKSUM_OFFSET 4u
#define CHECKSUM_END 8u

static uint32_t
updates_max(uint8_t kind)
{
	return kind == MESSAGE_SYNC_REPLY ? SWIM_SYNC_UPDATES : SWIM_GOSSIP_UPDATES;
}

/* ------------------------------------------------ writing */

static void
address_write(struct writer *writer, const struct swim_address *address)
{
	writer_bytes(writer, address->bytes, address->length);
}

static void
update_write(struct writer *writer, const struct update *update)
{
	writer_u32(writer, update->rank);
	writer_u32(writer, update->accuser);
	writer_u64(writer, update->incarnation);
	writer_u64(writer, update->start);
	writer_u8(writer, (uint8_t)update->state);
	writer_u8(writer, update->address.length);
	writer_u16(writer, 0);
	address_write(writer, &update->address);
}

uint32_t
message_encode(const struct message *message, uint8_t data[SWIM_MESSAGE_MAX])
{
	struct writer writer;

	ASSERT(message->update_count <= updates_max((uint8_t)message->kind));
	writer_init(&writer, data, SWIM_MESSAGE_MAX);
	writer_u8(&writer, SWIM_VERSION);
	writer_u8(&writer, (uint8_t)message->kind);
	writer_u8(&writer, (uint8_t)message->claim);
	writer_u8(&writer, (uint8_t)message->update_count);
	writer_u32(&writer, 0);
	writer_u64(&writer, message->group);
	writer_u32(&writer, message->from);
	writer_u32(&writer, message->to);
	writer_u32(&writer, message->sequence);
	writer_u32(&writer, message->round);
	writer_u64(&writer, message->incarnation);
	writer_u64(&writer, message->start);
	writer_u32(&writer, message->subject);
	writer_u8(&writer, message->address.length);
	writer_u8(&writer, 0);
	writer_u16(&writer, 0);
	address_write(&writer, &message->address);
	for (uint32_t i = 0; i < message->update_count; i++)
		update_write(&writer, &message->updates[i]);
	ASSERT(!writer.failed);
	store_u32(data + CHECKSUM_OFFSET, crc32c(0, data, writer.position));
	return (uint32_t)writer.position;
}

/* ------------------------------------------------ reading */

/* The sum of a message as if its checksum were 0. */
static uint32_t
message_checksum(const uint8_t *data, size_t length)
{
	static const uint8_t zero[CHECKSUM_END - CHECKSUM_OFFSET];
	uint32_t checksum = crc32c(0, data, CHECKSUM_OFFSET);

	checksum = crc32c(checksum, zero, sizeof(zero));
	return crc32c(checksum, data + CHECKSUM_END, length - CHECKSUM_END);
}

static void
address_read(struct reader *reader, uint8_t length, struct swim_address *ret_address)
{
	memset(ret_address, 0, sizeof(*ret_address));
	if (length > SWIM_ADDRESS_MAX) {
		reader_fail(reader);
		return;
	}
	ret_address->length = length;
	reader_copy(reader, ret_address->bytes, length);
}

static bool
identity_valid(uint32_t rank, uint64_t incarnation, uint64_t start)
{
	return rank < SWIM_RANK_LIMIT && incarnation >= 1 && incarnation <= SWIM_INCARNATION_MAX &&
	       start != 0;
}

static void
update_read(struct reader *reader, struct update *update)
{
	uint8_t state, length;
	bool accused;

	update->rank = reader_u32(reader);
	update->accuser = reader_u32(reader);
	update->incarnation = reader_u64(reader);
	update->start = reader_u64(reader);
	state = reader_u8(reader);
	length = reader_u8(reader);
	update->state = (enum swim_state)state;
	accused = update->accuser < SWIM_RANK_LIMIT && update->accuser != update->rank;
	if (!identity_valid(update->rank, update->incarnation, update->start) ||
	    state < SWIM_ALIVE || state > SWIM_LEFT || reader_u16(reader) != 0 ||
	    (state == SWIM_SUSPECT ? !accused : update->accuser != SWIM_NONE))
		reader_fail(reader);
	address_read(reader, length, &update->address);
}

/* The ranks of a header, by its kind. */
static bool
header_valid(const struct message *message)
{
	bool subject = message->subject < SWIM_RANK_LIMIT;

	if (message->kind == MESSAGE_SYNC_REPLY)
		subject = subject || message->subject == SWIM_NONE;
	if (message->kind == MESSAGE_PING_REQUEST || message->kind == MESSAGE_NACK)
		subject = subject && message->subject != message->from &&
			  message->subject != message->to;
	return subject && identity_valid(message->from, message->incarnation, message->start) &&
	       message->to < SWIM_RANK_LIMIT && message->to != message->from &&
	       (message->claim == SWIM_ABSENT || message->claim == SWIM_ALIVE ||
		message->claim == SWIM_LEFT);
}

static void
header_read(struct reader *reader, struct message *message)
{
	uint8_t version = reader_u8(reader), kind = reader_u8(reader), claim = reader_u8(reader);
	uint8_t count = reader_u8(reader), length;

	(void)reader_u32(reader);
	message->kind = (enum message_kind)kind;
	message->claim = (enum swim_state)claim;
	message->update_count = count;
	message->group = reader_u64(reader);
	message->from = reader_u32(reader);
	message->to = reader_u32(reader);
	message->sequence = reader_u32(reader);
	message->round = reader_u32(reader);
	message->incarnation = reader_u64(reader);
	message->start = reader_u64(reader);
	message->subject = reader_u32(reader);
	length = reader_u8(reader);
	if (version != SWIM_VERSION || kind < MESSAGE_PING || kind >= MESSAGE_KINDS ||
	    count > updates_max(kind) || reader_u8(reader) != 0 || reader_u16(reader) != 0 ||
	    !header_valid(message))
		reader_fail(reader);
	address_read(reader, length, &message->address);
}

int
message_decode(const void *data, size_t length, struct message *ret_message)
{
	struct reader reader;

	if (length < SWIM_HEADER_BYTES || length > SWIM_MESSAGE_MAX)
		return error_raise(-DER_PROTO, "%zu bytes are no membership message", length);
	if (message_checksum(data, length) != load_u32((const uint8_t *)data + CHECKSUM_OFFSET))
		return error_raise(-DER_CSUM, "a membership message of %zu bytes arrived damaged",
				   length);
	reader_init(&reader, data, length);
	header_read(&reader, ret_message);
	for (uint32_t i = 0; i < ret_message->update_count && !reader.failed; i++)
		update_read(&reader, &ret_message->updates[i]);
	if (!reader_complete(&reader))
		return error_raise(-DER_PROTO, "%zu bytes are no membership message of version %u",
				   length, SWIM_VERSION);
	return 0;
}
