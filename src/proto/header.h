/* SPDX-License-Identifier: BSD-2-Clause-Patent */
/* The header of every RPC frame, the hello of a connection, and the table of operations. */
#pragma once

#include "base/base.h"

#define PROTO_VERSION 1u
#define PROTO_MAGIC UINT32_C(0x4e524943) /* "CIRN" */

/* Operations, in blocks of 32 per service. The block is the service. */
enum proto_operation {
	PROTO_SYSTEM = 0x00,
	PROTO_POOL = 0x20,
	PROTO_CONTAINER = 0x40,
	PROTO_OBJECT = 0x60,
	PROTO_OPERATIONS = 0x80,
};

enum proto_kind {
	PROTO_HELLO = 1,
	PROTO_WELCOME = 2,
	PROTO_REQUEST = 3,
	PROTO_REPLY = 4,
	PROTO_GOODBYE = 5
};

/* Every frame begins with it. */
struct proto_header {
	uint32_t magic;
	uint16_t version;
	uint8_t kind;		 /* enum proto_kind */
	uint8_t flags;		 /* enum proto_flag */
	uint32_t checksum;	 /* crc32c of the whole frame with this field 0 */
	uint32_t length;	 /* bytes of the frame, header included */
	uint64_t call;		 /* names the call on its connection; the reply repeats it */
	uint64_t stamp;		 /* HLC of the sender */
	uint32_t operation;	 /* request and reply */
	int32_t status;		 /* reply: 0 or a negative DAOS code */
	uint32_t map_version;	 /* pool map version of the sender; 0: none */
	uint32_t timeout_ms;	 /* request: how long the caller will wait */
	uint8_t incarnation[16]; /* of the sender */
};
_Static_assert(sizeof(struct proto_header) == 64, "wire layout");

enum proto_flag {
	PROTO_REQUEST_ID = 1, /* a struct proto_request_id follows the header */
	PROTO_AGAIN = 2,      /* sent before under the same request id */
};

struct proto_request_id {
	uint64_t sequence;
	uint64_t confirmed;
	uint64_t first_sent;
	uint64_t reserved;
};
_Static_assert(sizeof(struct proto_request_id) == 32, "wire layout");

/* Opens a connection: which loop it is for. The answer says how many loops there are. */
struct proto_hello {
	uint32_t tag;	    /* served by loop tag % loops */
	uint32_t loops;	    /* in the welcome */
	uint32_t rank;	    /* in the welcome */
	uint32_t credits;   /* in the welcome: requests that may be open on this connection */
	uint8_t system[32]; /* name of the system, zero padded */
	/* Absent from the wire where identified is 0. In the hello: whose process the client is,
	 * for a server that cannot see it. */
	uint32_t identified; /* 0: not told, else 1 */
	uint32_t user;
	uint32_t group;
	uint32_t reserved; /* 0 */
};
_Static_assert(sizeof(struct proto_hello) == 64, "wire layout");

/* A region of the caller's memory, opened for this call. */
struct proto_bulk {
	uint64_t key; /* 0: none */
	uint64_t length;
};
_Static_assert(sizeof(struct proto_bulk) == 16, "wire layout");

/* ------------------------------------------------ frames */

/* Bytes before the body of the largest kind of frame: header and request id. */
#define PROTO_PREFIX_MAX (sizeof(struct proto_header) + sizeof(struct proto_request_id))

/* A frame taken apart; all integers in the order of the host. */
struct proto_frame {
	struct proto_header header;
	struct request_id id; /* client is null unless flags has PROTO_REQUEST_ID */
	struct reader body;   /* borrows the frame */
};

/*
 * Writes the start of a frame to prefix: header, and id when header->flags has PROTO_REQUEST_ID.
 * Magic, version and length (for a body of that many bytes) are filled in, the checksum is 0 until
 * proto_frame_seal(). Returns the bytes written.
 */
size_t proto_prefix_encode(const struct proto_header *header, const struct request_id *id,
			   size_t body_length, uint8_t prefix[PROTO_PREFIX_MAX]);

/* Sums a frame in pieces, the first of which is its prefix, and stores the checksum there. */
void proto_frame_seal(const struct iovec *iov, uint32_t iov_count);

/*
 * Takes a frame of length bytes apart, having checked magic, version, lengths, flags and checksum.
 * -DER_PROTO: not a frame of this version; -DER_CSUM: damaged.
 */
MUST_USE int proto_frame_decode(const void *data, size_t length, struct proto_frame *ret_frame);

/* The body of a hello or welcome. The name of the system is cut to 31 bytes. */
void proto_hello_init(struct proto_hello *hello, const char *system);
/* Returns the bytes written. */
size_t proto_hello_encode(const struct proto_hello *hello,
			  uint8_t wire[sizeof(struct proto_hello)]);

/* -DER_PROTO: the body has another length or the name no end. */
MUST_USE int proto_hello_decode(struct reader body, struct proto_hello *ret_hello);

/* A bulk region inside a message. */
void proto_bulk_encode(struct writer *writer, struct proto_bulk bulk);
struct proto_bulk proto_bulk_decode(struct reader *reader);
