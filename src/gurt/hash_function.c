/* SPDX-License-Identifier: BSD-2-Clause-Patent */
/* Hash functions. */
#include <gurt/common.h>

/* Bernstein's hash: times 33, starting at 5381. */
uint32_t
d_hash_string_u32(const char *string, unsigned int len)
{
	uint32_t hash = 5381;
	unsigned int i;

	for (i = 0; i < len; i++)
		hash = hash * 33 + (unsigned char)string[i];
	return hash;
}

/* Constants and steps of MurmurHash64A (Austin Appleby, public domain). */
#define MURMUR_MULTIPLIER 0xc6a4a7935bd1e995ULL
#define MURMUR_SHIFT 47

static uint64_t
murmur_word(const unsigned char *bytes, unsigned int len)
{
	uint64_t word = 0;
	unsigned int i;

	for (i = 0; i < len; i++)
		word |= (uint64_t)bytes[i] << (8 * i);
	return word;
}

uint64_t
d_hash_murmur64(const unsigned char *key, unsigned int key_len, unsigned int seed)
{
	uint64_t hash = seed ^ (key_len * MURMUR_MULTIPLIER);
	unsigned int tail = key_len % 8;
	const unsigned char *end = key + (key_len - tail);

	for (; key != end; key += 8) {
		uint64_t word = murmur_word(key, 8) * MURMUR_MULTIPLIER;

		word = (word ^ (word >> MURMUR_SHIFT)) * MURMUR_MULTIPLIER;
		hash = (hash ^ word) * MURMUR_MULTIPLIER;
	}
	if (tail != 0)
		hash = (hash ^ murmur_word(key, tail)) * MURMUR_MULTIPLIER;
	hash = (hash ^ (hash >> MURMUR_SHIFT)) * MURMUR_MULTIPLIER;
	return hash ^ (hash >> MURMUR_SHIFT);
}

/* The finaliser of MurmurHash3: each bit of the key changes half of the result. */
uint64_t
d_hash_mix64(uint64_t key)
{
	key = (key ^ (key >> 33)) * 0xff51afd7ed558ccdULL;
	key = (key ^ (key >> 33)) * 0xc4ceb9fe1a85ec53ULL;
	return key ^ (key >> 33);
}
