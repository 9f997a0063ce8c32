/* SPDX-License-Identifier: BSD-2-Clause-Patent */
/* Frame headers, the hello, and bulk regions: docs/formats/wire.md. */
#include "proto/header.h"

#define CHECKSUM_OFFSET offsetof(struct proto_header, checksum)
#define CHECKSUM_END (CHECKSUM_OFFSET + sizeof(uint32_t))

_Static_assert(PROTO_PREFIX_MAX == 96, "wire layout");

static void
request_id_encode(struct writer *writer, const struct request_id *id)
{
	writer_u64(writer, id->sequence);
	writer_u64(writer, id->confirmed);
	writer_u64(writer, id->first_sent);
	writer_u64(writer, 0);
}

size_t
proto_prefix_encode(const struct proto_header *header, const struct request_id *id,
		    size_t body_length, uint8_t prefix[PROTO_PREFIX_MAX])
{
	bool with_id = header->flags & PROTO_REQUEST_ID;
	size_t length =
		sizeof(struct proto_header) + (with_id ? sizeof(struct proto_request_id) : 0);
	struct writer writer;

	writer_init(&writer, prefix, PROTO_PREFIX_MAX);
	writer_u32(&writer, PROTO_MAGIC);
	writer_u16(&writer, PROTO_VERSION);
	writer_u8(&writer, header->kind);
	writer_u8(&writer, header->flags);
	writer_u32(&writer, 0);
	writer_u32(&writer, (uint32_t)(length + body_length));
	writer_u64(&writer, header->call);
	writer_u64(&writer, header->stamp);
	writer_u32(&writer, header->operation);
	writer_u32(&writer, (uint32_t)header->status);
	writer_u32(&writer, header->map_version);
	writer_u32(&writer, header->timeout_ms);
	writer_bytes(&writer, header->incarnation, sizeof(header->incarnation));
	if (with_id)
		request_id_encode(&writer, id);
	ASSERT(!writer.failed && writer.position == length);
	return length;
}

void
proto_frame_seal(const struct iovec *iov, uint32_t iov_count)
{
	uint32_t checksum = 0;

	ASSERT(iov_count > 0 && iov[0].iov_len >= sizeof(struct proto_header));
	for (uint32_t i = 0; i < iov_count; i++)
		checksum = crc32c(checksum, iov[i].iov_base, iov[i].iov_len);
	store_u32((uint8_t *)iov[0].iov_base + CHECKSUM_OFFSET, checksum);
}

/* The sum of a frame as if its checksum were 0. */
static uint32_t
frame_checksum(const uint8_t *data, size_t length)
{
	static const uint8_t zero[sizeof(uint32_t)];
	uint32_t checksum = crc32c(0, data, CHECKSUM_OFFSET);

	checksum = crc32c(checksum, zero, sizeof(zero));
	return crc32c(checksum, data + CHECKSUM_END, length - CHECKSUM_END);
}

static void
header_read(struct reader *reader, struct proto_header *header)
{
	header->magic = reader_u32(reader);
	header->version = reader_u16(reader);
	header->kind = reader_u8(reader);
	header->flags = reader_u8(reader);
	header->checksum = reader_u32(reader);
	header->length = reader_u32(reader);
	header->call = reader_u64(reader);
	header->stamp = reader_u64(reader);
	header->operation = reader_u32(reader);
	header->status = (int32_t)reader_u32(reader);
	header->map_version = reader_u32(reader);
	header->timeout_ms = reader_u32(reader);
	reader_copy(reader, header->incarnation, sizeof(header->incarnation));
}

/* What a header of this version must satisfy whatever its frame carries. */
static bool
header_valid(const struct proto_header *header, size_t length)
{
	uint8_t flags = header->kind == PROTO_REQUEST ? PROTO_REQUEST_ID | PROTO_AGAIN : 0;

	return header->magic == PROTO_MAGIC && header->version == PROTO_VERSION &&
	       header->length == length && header->kind >= PROTO_HELLO &&
	       header->kind <= PROTO_GOODBYE && (header->flags & ~flags) == 0 &&
	       header->status <= 0;
}

/* Reads the request id; a reserved field that is in use means a later version. */
static void
request_id_read(struct reader *reader, const struct proto_header *header, struct request_id *id)
{
	memcpy(id->client.bytes, header->incarnation, sizeof(id->client.bytes));
	id->sequence = reader_u64(reader);
	id->confirmed = reader_u64(reader);
	id->first_sent = reader_u64(reader);
	if (reader_u64(reader) != 0 || id->sequence == 0 || id->confirmed > id->sequence ||
	    uuid_empty(&id->client))
		reader_fail(reader);
}

int
proto_frame_decode(const void *data, size_t length, struct proto_frame *ret_frame)
{
	struct proto_frame frame = {.id = {.sequence = 0}};
	struct reader reader;

	reader_init(&reader, data, length);
	header_read(&reader, &frame.header);
	if (reader.failed)
		return error_raise(-DER_PROTO, "%zu bytes are no frame", length);
	/* Before the rest is judged: damage is no reason to call the peer a stranger. */
	if (frame_checksum(data, length) != frame.header.checksum)
		return error_raise(-DER_CSUM, "a frame of %zu bytes arrived damaged", length);
	if (!header_valid(&frame.header, length))
		return error_raise(-DER_PROTO, "%zu bytes are no frame of protocol version %u",
				   length, PROTO_VERSION);
	if (frame.header.flags & PROTO_REQUEST_ID)
		request_id_read(&reader, &frame.header, &frame.id);
	if (reader.failed)
		return error_raise(-DER_PROTO, "the request id of a frame is impossible");
	reader_init(&frame.body, (const uint8_t *)data + reader.position, length - reader.position);
	*ret_frame = frame;
	return 0;
}

void
proto_hello_init(struct proto_hello *hello, const char *system)
{
	*hello = (struct proto_hello){.tag = 0};
	if (system)
		memcpy(hello->system, system, strnlen(system, sizeof(hello->system) - 1));
}

size_t
proto_hello_encode(const struct proto_hello *hello, uint8_t wire[sizeof(struct proto_hello)])
{
	struct writer writer;

	writer_init(&writer, wire, sizeof(*hello));
	writer_u32(&writer, hello->tag);
	writer_u32(&writer, hello->loops);
	writer_u32(&writer, hello->rank);
	writer_u32(&writer, hello->credits);
	writer_bytes(&writer, hello->system, sizeof(hello->system));
	if (hello->identified) {
		writer_u32(&writer, 1);
		writer_u32(&writer, hello->user);
		writer_u32(&writer, hello->group);
		writer_u32(&writer, 0);
	}
	ASSERT(!writer.failed);
	return writer.position;
}

int
proto_hello_decode(struct reader body, struct proto_hello *ret_hello)
{
	struct proto_hello hello = {.identified = 0};

	hello.tag = reader_u32(&body);
	hello.loops = reader_u32(&body);
	hello.rank = reader_u32(&body);
	hello.credits = reader_u32(&body);
	reader_copy(&body, hello.system, sizeof(hello.system));
	if (reader_left(&body) > 0) {
		hello.identified = reader_u32(&body);
		hello.user = reader_u32(&body);
		hello.group = reader_u32(&body);
		hello.reserved = reader_u32(&body);
		if (hello.identified != 1 || hello.reserved != 0)
			reader_fail(&body);
	}
	if (!reader_complete(&body) || hello.system[sizeof(hello.system) - 1] != 0)
		return error_raise(-DER_PROTO, "the hello of a connection is malformed");
	*ret_hello = hello;
	return 0;
}

void
proto_bulk_encode(struct writer *writer, struct proto_bulk bulk)
{
	writer_u64(writer, bulk.key);
	writer_u64(writer, bulk.length);
}

struct proto_bulk
proto_bulk_decode(struct reader *reader)
{
	struct proto_bulk bulk;

	bulk.key = reader_u64(reader);
	bulk.length = reader_u64(reader);
	return bulk;
}
