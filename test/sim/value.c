/* SPDX-License-Identifier: BSD-2-Clause-Patent */
/* Values that know who they are: a header with its sum, and a body that follows from it. */
#include "sim/sim.h"

struct value_header {
	uint64_t write;
	uint64_t place;
	uint32_t size;
	uint32_t sum; /* of the fields before */
};
_Static_assert(sizeof(struct value_header) == VALUE_MIN, "the least value is its header");

static uint64_t
body_seed(const struct value_header *header)
{
	return hash_combine(hash_combine(header->write, header->place), header->size);
}

/* The n-th word of a body. */
static uint64_t
body_word(uint64_t seed, size_t number)
{
	return mix64(seed + (number + 1) * UINT64_C(0x9e3779b97f4a7c15));
}

void
value_fill(void *bytes, size_t size, struct identity identity)
{
	struct value_header header = {
		.write = identity.write, .place = identity.place, .size = (uint32_t)size};
	uint8_t *body = (uint8_t *)bytes + sizeof(header);
	size_t left = size - sizeof(header);
	uint64_t seed = body_seed(&header);

	ASSERT(size >= VALUE_MIN && size <= UINT32_MAX);
	header.sum = crc32c(0, &header, offsetof(struct value_header, sum));
	memcpy(bytes, &header, sizeof(header));
	for (size_t i = 0; left > 0; i++) {
		uint64_t word = body_word(seed, i);
		size_t here = min_of(left, sizeof(word));

		memcpy(body, &word, here);
		body += here;
		left -= here;
	}
}

bool
value_identify(const void *bytes, size_t size, struct identity *ret_identity)
{
	const uint8_t *body = (const uint8_t *)bytes + sizeof(struct value_header);
	struct value_header header;
	size_t left = size - sizeof(header);
	uint64_t seed;

	if (size < sizeof(header))
		return false;
	memcpy(&header, bytes, sizeof(header));
	if (header.size != size ||
	    header.sum != crc32c(0, &header, offsetof(struct value_header, sum)))
		return false;
	seed = body_seed(&header);
	for (size_t i = 0; left > 0; i++) {
		uint64_t word = body_word(seed, i);
		size_t here = min_of(left, sizeof(word));

		if (memcmp(body, &word, here) != 0)
			return false;
		body += here;
		left -= here;
	}
	*ret_identity = (struct identity){.write = header.write, .place = header.place};
	return true;
}
