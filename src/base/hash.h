/* SPDX-License-Identifier: BSD-2-Clause-Patent */
/*
 * Hashes. Their values are stable for ever: placement and disk formats depend on them, and golden
 * values in the tests pin them. None of them resists an attacker who picks the keys.
 */
#pragma once

#include "base/compiler.h"

/*
 * 64-bit hash of length bytes, the same on every architecture. Algorithm: XXH64 as described in
 * "xxHash fast digest algorithm", version 0.1.1, by Yann Collet; written anew.
 */
uint64_t hash64(const void *data, size_t length, uint64_t seed);

/* hash64() of a text without its terminator, seed 0. */
uint64_t hash_text(const char *text);

/* A bijection that spreads all bits: the finaliser "Mix13" of David Stafford, as in splitmix64
 * (public domain). */
static inline uint64_t
mix64(uint64_t value)
{
	value ^= value >> 30;
	value *= 0xbf58476d1ce4e5b9ull;
	value ^= value >> 27;
	value *= 0x94d049bb133111ebull;
	value ^= value >> 31;
	return value;
}

/* One hash of two: order matters. */
static inline uint64_t
hash_combine(uint64_t first, uint64_t second)
{
	return mix64(first + 0x9e3779b97f4a7c15ull + mix64(second + 0x9e3779b97f4a7c15ull));
}

/*
 * The bucket in [0, buckets) of key; when buckets grows by one, 1/buckets of the keys move, all of
 * them to the new bucket. buckets >= 1. Source: Lamping and Veach, "A Fast, Minimal Memory,
 * Consistent Hash Algorithm", 2014.
 */
uint32_t jump_hash(uint64_t key, uint32_t buckets);
