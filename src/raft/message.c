/* SPDX-License-Identifier: BSD-2-Clause-Patent */
/* Entries and messages as bytes: docs/formats/raft.md. */
#include "raft/private.h"

#define FLAGS_REPLY (RAFT_REJECT | RAFT_LOST)

/* Flags that a kind may carry. */
static const uint8_t kind_flags[RAFT_KINDS] = {
	[RAFT_PREVOTE_REPLY] = RAFT_REJECT,   [RAFT_VOTE] = RAFT_FORCE,
	[RAFT_VOTE_REPLY] = RAFT_REJECT,      [RAFT_APPEND_REPLY] = FLAGS_REPLY,
	[RAFT_HEARTBEAT_REPLY] = FLAGS_REPLY, [RAFT_SNAPSHOT] = RAFT_LAST,
	[RAFT_SNAPSHOT_REPLY] = RAFT_LAST,
};

/* ------------------------------------------------ entries */

/* The first 24 bytes of an entry's header, which its sum covers with its data. */
static void
entry_head(const struct raft_entry *entry, uint8_t head[24])
{
	struct writer writer;

	writer_init(&writer, head, 24);
	writer_u16(&writer, RAFT_FORMAT);
	writer_u8(&writer, (uint8_t)entry->kind);
	writer_u8(&writer, 0);
	writer_u32(&writer, entry->length);
	writer_u64(&writer, entry->index);
	writer_u64(&writer, entry->term);
}

uint32_t
raft_entry_sum(const struct raft_entry *entry)
{
	uint8_t head[24];

	entry_head(entry, head);
	return crc32c(crc32c(0, head, sizeof(head)), entry->data, entry->length);
}

void
raft_entry_encode(struct writer *writer, const struct raft_entry *entry)
{
	uint8_t head[24];

	entry_head(entry, head);
	writer_bytes(writer, head, sizeof(head));
	writer_u32(writer, entry->checksum);
	writer_u32(writer, 0);
	writer_bytes(writer, entry->data, entry->length);
}

static bool
entry_possible(const struct raft_entry *entry)
{
	return entry->kind >= RAFT_DATA && entry->kind <= RAFT_MEMBERSHIP && entry->index > 0 &&
	       entry->term > 0 && entry->length <= RAFT_DATA_MAX &&
	       (entry->kind != RAFT_NOTHING || entry->length == 0);
}

int
raft_entry_decode(struct reader *reader, struct raft_entry *ret_entry)
{
	struct raft_entry entry = {.index = 0};
	uint16_t version = reader_u16(reader);
	uint8_t zero;
	uint32_t reserved;

	entry.kind = reader_u8(reader);
	zero = reader_u8(reader);
	entry.length = reader_u32(reader);
	entry.index = reader_u64(reader);
	entry.term = reader_u64(reader);
	entry.checksum = reader_u32(reader);
	reserved = reader_u32(reader);
	entry.data = reader_bytes(reader, entry.length <= RAFT_DATA_MAX ? entry.length : 0);
	if (reader->failed || version != RAFT_FORMAT || zero || reserved || !entry_possible(&entry))
		return error_raise(-DER_PROTO, "an entry is malformed");
	if (raft_entry_sum(&entry) != entry.checksum)
		return error_raise(-DER_CSUM, "entry %llu is damaged",
				   (unsigned long long)entry.index);
	*ret_entry = entry;
	return 0;
}

/* ------------------------------------------------ messages */

size_t
raft_message_size(const struct raft_message *message)
{
	size_t size = RAFT_MESSAGE_HEADER + message->data_length;

	if (message->config)
		size += raft_config_size(message->config);
	for (uint32_t i = 0; i < message->entry_count; i++)
		size += raft_entry_size(&message->entries[i]);
	return size;
}

static void
header_encode(struct writer *writer, const struct raft_message *message)
{
	writer_u16(writer, RAFT_FORMAT);
	writer_u8(writer, (uint8_t)message->kind);
	writer_u8(writer, (uint8_t)message->flags);
	writer_u32(writer, 0);
	writer_bytes(writer, message->group.bytes, sizeof(message->group.bytes));
	writer_u64(writer, message->from);
	writer_u64(writer, message->to);
	writer_u32(writer, message->from_rank);
	writer_u32(writer, message->to_rank);
	writer_u64(writer, message->term);
	writer_u64(writer, message->index);
	writer_u64(writer, message->log_term);
	writer_u64(writer, message->commit);
	writer_u64(writer, message->stamp);
	writer_u64(writer, message->hint);
	writer_u64(writer, message->hint_term);
	writer_u32(writer, message->entry_count);
	writer_u32(writer, message->data_length);
	writer_u32(writer, message->data ? crc32c(0, message->data, message->data_length) : 0);
	writer_u32(writer, 0);
}

/* The sum of a header as if the field at 4 were 0, and of the configuration behind it. */
static uint32_t
header_sum(const uint8_t *header, const uint8_t *config, size_t config_length)
{
	static const uint8_t zero[4];
	uint32_t sum = crc32c(0, header, 4);

	sum = crc32c(sum, zero, sizeof(zero));
	sum = crc32c(sum, header + 8, RAFT_MESSAGE_HEADER - 8);
	return config_length ? crc32c(sum, config, config_length) : sum;
}

void
raft_message_encode(struct writer *writer, const struct raft_message *message)
{
	size_t start = writer->position, end;

	header_encode(writer, message);
	if (message->config)
		raft_config_encode(writer, message->config);
	end = writer->position;
	if (writer->failed)
		return;
	ASSERT(message->config || end - start == RAFT_MESSAGE_HEADER);
	store_u32(writer->data + start + 4,
		  header_sum(writer->data + start, writer->data + start + RAFT_MESSAGE_HEADER,
			     end - start - RAFT_MESSAGE_HEADER));
	for (uint32_t i = 0; i < message->entry_count; i++)
		raft_entry_encode(writer, &message->entries[i]);
	if (message->data_length)
		writer_bytes(writer, message->data, message->data_length);
}

struct sums {
	uint32_t header, data;
};

static struct sums
header_decode(struct reader *reader, struct raft_message *message)
{
	struct sums sums;

	if (reader_u16(reader) != RAFT_FORMAT)
		reader_fail(reader);
	message->kind = reader_u8(reader);
	message->flags = reader_u8(reader);
	sums.header = reader_u32(reader);
	reader_copy(reader, message->group.bytes, sizeof(message->group.bytes));
	message->from = reader_u64(reader);
	message->to = reader_u64(reader);
	message->from_rank = reader_u32(reader);
	message->to_rank = reader_u32(reader);
	message->term = reader_u64(reader);
	message->index = reader_u64(reader);
	message->log_term = reader_u64(reader);
	message->commit = reader_u64(reader);
	message->stamp = reader_u64(reader);
	message->hint = reader_u64(reader);
	message->hint_term = reader_u64(reader);
	message->entry_count = reader_u32(reader);
	message->data_length = reader_u32(reader);
	sums.data = reader_u32(reader);
	if (reader_u32(reader) != 0)
		reader_fail(reader);
	return sums;
}

static bool
header_possible(const struct raft_message *message)
{
	bool snapshot = message->kind == RAFT_SNAPSHOT, append = message->kind == RAFT_APPEND;

	return message->kind >= RAFT_PREVOTE && message->kind < RAFT_KINDS &&
	       (message->flags & ~(uint32_t)kind_flags[message->kind]) == 0 && message->from != 0 &&
	       message->to != 0 && message->term > 0 &&
	       message->index < UINT64_MAX - RAFT_BATCH_ENTRIES && message->hint < UINT64_MAX &&
	       message->log_term <= message->term &&
	       message->entry_count <= (append ? RAFT_BATCH_ENTRIES : 0) &&
	       message->data_length <= (snapshot ? RAFT_CHUNK_MAX : 0) &&
	       (!snapshot || (message->index > 0 && message->log_term > 0));
}

/* Entries follow one another from the index of the message on, in terms up to the message's. */
static int
entries_decode(struct reader *reader, struct raft_message *message, struct raft_entry *entries)
{
	uint64_t term = message->log_term;

	for (uint32_t i = 0; i < message->entry_count; i++) {
		int rc = raft_entry_decode(reader, &entries[i]);

		if (rc)
			return rc;
		if (entries[i].index != message->index + 1 + i || entries[i].term < term ||
		    entries[i].term > message->term)
			return error_raise(-DER_PROTO, "entries are out of order");
		term = entries[i].term;
	}
	message->entries = message->entry_count ? entries : NULL;
	return 0;
}

static int
chunk_decode(struct reader *reader, struct raft_message *message, uint32_t sum)
{
	message->data = reader_bytes(reader, message->data_length);
	if (reader->failed)
		return error_raise(-DER_PROTO, "a snapshot chunk is cut short");
	if (message->data_length == 0)
		message->data = NULL;
	if (crc32c(0, message->data, message->data_length) != sum)
		return error_raise(-DER_CSUM, "a snapshot chunk is damaged");
	return 0;
}

int
raft_message_decode(const void *data, size_t length, struct raft_scratch *scratch,
		    struct raft_message *ret_message)
{
	struct raft_message message = {.flags = 0};
	struct reader reader;
	struct sums sums;
	size_t end;
	int rc = 0;

	reader_init(&reader, data, length);
	sums = header_decode(&reader, &message);
	if (!reader.failed && header_possible(&message) && message.kind == RAFT_SNAPSHOT) {
		rc = raft_config_decode(&reader, &scratch->config);
		message.config = &scratch->config;
	}
	end = reader.position;
	if (reader.failed || rc)
		return error_raise(-DER_PROTO, "%zu bytes are no message", length);
	if (header_sum(data, (const uint8_t *)data + RAFT_MESSAGE_HEADER,
		       end - RAFT_MESSAGE_HEADER) != sums.header)
		return error_raise(-DER_CSUM, "a message of %zu bytes is damaged", length);
	if (!header_possible(&message))
		return error_raise(-DER_PROTO, "an impossible message of kind %d",
				   (int)message.kind);
	rc = entries_decode(&reader, &message, scratch->entries);
	if (rc == 0)
		rc = chunk_decode(&reader, &message, sums.data);
	if (rc == 0 && reader_left(&reader) > 0)
		rc = error_raise(-DER_PROTO, "a message has %zu bytes too many",
				 reader_left(&reader));
	if (rc == 0)
		*ret_message = message;
	return rc;
}
