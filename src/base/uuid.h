/* SPDX-License-Identifier: BSD-2-Clause-Patent */
/* Universally unique identifiers (RFC 4122), in the byte order of their text. */
#pragma once

#include <string.h>

#include "base/compiler.h"

/* Length of the text with its terminator. */
#define UUID_TEXT_SIZE 37

struct uuid {
	uint8_t bytes[16];
};

/* Reads 36 characters with hyphens, either case, and nothing after them. False leaves *ret_uuid
 * alone. */
MUST_USE bool uuid_from_text(const char *text, struct uuid *ret_uuid);

/* Writes the lower-case form with its terminator. */
void uuid_to_text(const struct uuid *uuid, char text[UUID_TEXT_SIZE]);

/* A random one (version 4) of 128 random bits. */
struct uuid uuid_make(uint64_t random_high, uint64_t random_low);

/* For tables. */
uint64_t uuid_hash(const struct uuid *uuid);

static inline bool
uuid_equal(const struct uuid *a, const struct uuid *b)
{
	return memcmp(a->bytes, b->bytes, sizeof(a->bytes)) == 0;
}

/* Whether all bytes are 0. */
static inline bool
uuid_empty(const struct uuid *uuid)
{
	static const struct uuid zero;

	return uuid_equal(uuid, &zero);
}
