/* SPDX-License-Identifier: BSD-2-Clause-Patent */
/*
 * Pure: the bytes that tell a caller where a listing goes on. u8 state, with HASHES when two u64
 * hashes follow; u16 length of the key; its bytes up to VOS_POSITION_KEY.
 */
#include "object/private.h"

#define HASHES 0x10u

_Static_assert(1 + 2 + 16 + VOS_POSITION_KEY <= PROTO_POSITION_MAX, "every position fits");
_Static_assert(VOS_KEY_MAX <= UINT16_MAX, "the length of every key fits");

void
position_encode(const struct vos_position *position, struct writer *writer)
{
	bool hashes = position->hash[0] != 0 || position->hash[1] != 0;

	writer_u8(writer, (uint8_t)(position->state | (hashes ? HASHES : 0)));
	writer_u16(writer, (uint16_t)position->key_length);
	if (hashes) {
		writer_u64(writer, position->hash[0]);
		writer_u64(writer, position->hash[1]);
	}
	writer_bytes(writer, position->key, min_of(position->key_length, VOS_POSITION_KEY));
}

int
position_decode(struct proto_text bytes, struct vos_position *ret_position)
{
	struct vos_position position = {.state = VOS_BEGIN};
	struct reader reader;
	uint8_t state;

	reader_init(&reader, bytes.data, bytes.length);
	if (bytes.length > 0) {
		state = reader_u8(&reader);
		position.state = (uint8_t)(state & ~HASHES);
		position.key_length = reader_u16(&reader);
		if (state & HASHES) {
			position.hash[0] = reader_u64(&reader);
			position.hash[1] = reader_u64(&reader);
		}
		reader_copy(&reader, position.key, min_of(position.key_length, VOS_POSITION_KEY));
	}
	if (!reader_complete(&reader) || position.state > VOS_AT ||
	    position.key_length > VOS_KEY_MAX)
		return error_raise(-DER_PROTO, "%u bytes that are no position of a listing",
				   bytes.length);
	*ret_position = position;
	return 0;
}
