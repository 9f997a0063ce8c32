/* SPDX-License-Identifier: BSD-2-Clause-Patent */
/*
 * What the model tests of ec share: random numbers, a time limit, and the code computed bit by bit,
 * without tables. CAIRN_SEED begins the random numbers, CAIRN_TEST_SECONDS (3) bounds the time.
 */
#pragma once

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>

#include <cmocka.h>

#include "ec/ec.h"

struct model {
	uint64_t random;
	uint64_t rounds;
	struct timespec begin;
	uint64_t nanoseconds;
};

static inline void
model_init(struct model *model)
{
	const char *seed = getenv("CAIRN_SEED"), *limit = getenv("CAIRN_TEST_SECONDS");

	*model = (struct model){.random = seed ? strtoull(seed, NULL, 10) : 1,
				.nanoseconds = (limit ? strtoull(limit, NULL, 10) : 3) *
					       UINT64_C(1000000000)};
	clock_gettime(CLOCK_MONOTONIC, &model->begin);
}

/* Whether the share (per cent) of the time is left; counts a round. Always true for the first. */
static inline bool
model_goes_on(struct model *model, uint64_t share)
{
	struct timespec now;
	int64_t passed;

	clock_gettime(CLOCK_MONOTONIC, &now);
	passed = (now.tv_sec - model->begin.tv_sec) * INT64_C(1000000000) + now.tv_nsec -
		 model->begin.tv_nsec;
	return model->rounds++ == 0 || (uint64_t)passed < model->nanoseconds / 100 * share;
}

static inline uint64_t
draw(struct model *model, uint64_t limit)
{
	model->random = mix64(model->random + 0x9e3779b97f4a7c15ull);
	return (model->random >> 11) % limit;
}

static inline void
draw_bytes(struct model *model, uint8_t *bytes, size_t length)
{
	uint64_t word = 0;

	for (size_t i = 0; i < length; i++) {
		if (i % 8 == 0)
			word = draw(model, (uint64_t)1 << 53) * 0x9e3779b97f4a7c15ull;
		bytes[i] = (uint8_t)(word >> (i % 8 * 8));
	}
}

static inline struct ec_class
draw_class(struct model *model)
{
	static const uint32_t usual[] = {2, 4, 8, 16};
	uint32_t parity = 1 + (uint32_t)draw(model, EC_PARITY_MAX);

	if (draw(model, 2) == 0)
		return (struct ec_class){usual[draw(model, ARRAY_SIZE(usual))], parity};
	return (struct ec_class){EC_DATA_MIN + (uint32_t)draw(model, EC_DATA_MAX - EC_DATA_MIN + 1),
				 parity};
}

/* Product in GF(2^8), polynomial 0x11d. */
static inline uint8_t
naive_multiply(uint8_t a, uint8_t b)
{
	uint32_t product = 0;

	for (uint32_t bit = 0; bit < 8; bit++)
		if (b >> bit & 1)
			product ^= (uint32_t)a << bit;
	for (uint32_t bit = 15; bit >= 8; bit--)
		if (product >> bit & 1)
			product ^= 0x11du << (bit - 8);
	return (uint8_t)product;
}

/* 2^(data cell * parity). */
static inline uint8_t
naive_coefficient(uint32_t cell, uint32_t parity)
{
	uint8_t value = 1;

	for (uint32_t i = 0; i < cell * parity; i++)
		value = naive_multiply(value, 2);
	return value;
}

/* One byte of a parity from the bytes of the data cells at the same offset; data[i] is cell i. */
static inline uint8_t
naive_parity(struct ec_class class, uint8_t *const *data, size_t offset, uint32_t parity)
{
	uint8_t sum = 0;

	for (uint32_t i = 0; i < class.data; i++)
		sum ^= naive_multiply(data[i][offset], naive_coefficient(i, parity));
	return sum;
}
