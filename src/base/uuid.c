/* SPDX-License-Identifier: BSD-2-Clause-Patent */
/* UUIDs and their text. */
#include "base/base.h"

/* Text positions of the hyphens. */
static bool
hyphen_at(int position)
{
	return position == 8 || position == 13 || position == 18 || position == 23;
}

static int
hex_value(char digit)
{
	if (digit >= '0' && digit <= '9')
		return digit - '0';
	if (digit >= 'a' && digit <= 'f')
		return digit - 'a' + 10;
	if (digit >= 'A' && digit <= 'F')
		return digit - 'A' + 10;
	return -1;
}

bool
uuid_from_text(const char *text, struct uuid *ret_uuid)
{
	struct uuid uuid = {0};
	int digits = 0;

	for (int i = 0; i < UUID_TEXT_SIZE - 1; i++) {
		int value = hex_value(text[i]);

		if (hyphen_at(i)) {
			if (text[i] != '-')
				return false;
			continue;
		}
		if (value < 0)
			return false;
		uuid.bytes[digits / 2] = (uint8_t)(uuid.bytes[digits / 2] << 4 | value);
		digits++;
	}
	if (text[UUID_TEXT_SIZE - 1] != 0)
		return false;
	*ret_uuid = uuid;
	return true;
}

void
uuid_to_text(const struct uuid *uuid, char text[UUID_TEXT_SIZE])
{
	static const char digits[] = "0123456789abcdef";
	char *to = text;

	for (int i = 0; i < 16; i++) {
		if (hyphen_at((int)(to - text)))
			*to++ = '-';
		*to++ = digits[uuid->bytes[i] >> 4];
		*to++ = digits[uuid->bytes[i] & 15];
	}
	*to = 0;
}

struct uuid
uuid_make(uint64_t random_high, uint64_t random_low)
{
	struct uuid uuid;

	store_u64(uuid.bytes, random_high);
	store_u64(uuid.bytes + 8, random_low);
	uuid.bytes[6] = (uuid.bytes[6] & 0x0f) | 0x40;
	uuid.bytes[8] = (uuid.bytes[8] & 0x3f) | 0x80;
	return uuid;
}

uint64_t
uuid_hash(const struct uuid *uuid)
{
	return hash_combine(load_u64(uuid->bytes), load_u64(uuid->bytes + 8));
}
