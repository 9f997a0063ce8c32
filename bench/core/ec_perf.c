/* SPDX-License-Identifier: BSD-2-Clause-Patent */
/*
 * Encoding of whole stripes from a caller's memory, beside ISA-L called directly on the same
 * buffers: the ratio of times is at most 1 / 0.9. Decoding, parity differences and the exclusive or
 * without a goal.
 */
#include <isa-l/erasure_code.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "ec/ec.h"
#include "row.h"

#define GOAL (1 / 0.9)
/* One interval of some 100 ms per run: over a few milliseconds a busy virtual machine's CPU clock
 * shows values that no processor reaches, and a least of them would be wrong. */
#define BYTES_PER_RUN ((size_t)4 << 30)
#define KIB 1024u

/* One class and cell size; ours and raw work on the same memory. */
struct bench {
	struct arena *arena;
	struct ec_code *code;
	struct ec_layout layout;
	uint32_t data, parity;
	size_t cell;
	uint8_t *memory; /* the caller's stripe, then the parities */
	uint8_t *cells[EC_CELLS_MAX];
	struct iovec *iov;
	uint32_t iov_count;
	uint32_t lost;
	uint8_t tables[32 * EC_DATA_MAX * EC_PARITY_MAX];
};

static void
require(int rc)
{
	if (rc == 0)
		return;
	fprintf(stderr, "ec_perf: %s\n", error_text(rc));
	exit(1);
}

/* Pieces of `piece` bytes make up the caller's memory. */
static void
bench_cut(struct bench *bench, size_t piece)
{
	size_t length = bench->data * bench->cell;

	bench->iov_count = 0;
	for (size_t at = 0; at < length; at += piece)
		bench->iov[bench->iov_count++] =
			(struct iovec){bench->memory + at, min_of(piece, length - at)};
}

static void
bench_open(struct bench *bench, uint32_t data, uint32_t parity, size_t cell)
{
	struct ec_class class = {data, parity};
	uint8_t matrix[EC_CELLS_MAX * EC_DATA_MAX];

	*bench = (struct bench){
		.arena = arena_create(0), .data = data, .parity = parity, .cell = cell};
	require(ec_code_create(bench->arena, class, &bench->code));
	require(ec_layout_init(&bench->layout, class, cell, 1));
	bench->memory = arena_alloc_aligned(bench->arena, (data + parity) * cell, 4096);
	bench->iov = arena_alloc(bench->arena, (data * cell / 1000 + 1) * sizeof(*bench->iov));
	require(bench->memory && bench->iov ? 0 : -DER_NOMEM);
	for (size_t i = 0; i < (data + parity) * cell; i++)
		bench->memory[i] = (uint8_t)(i * 131 >> 5);
	for (uint32_t i = 0; i < data + parity; i++)
		bench->cells[i] = bench->memory + i * cell;
	bench_cut(bench, data * cell);
	gf_gen_rs_matrix(matrix, (int)(data + parity), (int)data);
	ec_init_tables((int)data, (int)parity, matrix + data * data, bench->tables);
}

static void
bench_close(struct bench *bench)
{
	ec_code_destroy(bench->code);
	arena_destroy(bench->arena);
}

/* Microseconds per call of work(), which handles one stripe. */
static double
per_call(struct bench *bench, void (*work)(struct bench *))
{
	uint32_t calls = (uint32_t)(BYTES_PER_RUN / (bench->data * bench->cell));
	uint64_t begin = cpu_now();

	for (uint32_t i = 0; i < calls; i++)
		work(bench);
	return (double)(cpu_now() - begin) / 1000 / calls;
}

static void
encode_raw(struct bench *bench)
{
	ec_encode_data((int)bench->cell, (int)bench->data, (int)bench->parity, bench->tables,
		       bench->cells, bench->cells + bench->data);
}

static void
encode_stripe(struct bench *bench)
{
	struct ec_vector vector = {bench->iov, bench->iov_count};

	require(ec_encode_stripes(bench->code, &bench->layout, vector, 0, 1,
				  bench->cells + bench->data));
}

static void
decode_stripe(struct bench *bench)
{
	uint32_t all = (1u << (bench->data + bench->parity)) - 1;

	require(ec_decode(bench->code, all & ~bench->lost, bench->lost, bench->cell, bench->cells));
}

/* A quarter of a cell changes. */
static void
update_cell(struct bench *bench)
{
	require(ec_update(bench->code, 0, bench->cell / 4, bench->cells[0], bench->cells[1],
			  bench->cells + bench->data));
}

static double
run_raw(void *argument)
{
	return per_call(argument, encode_raw);
}

static double
run_stripes(void *argument)
{
	return per_call(argument, encode_stripe);
}

static double
run_decode(void *argument)
{
	return per_call(argument, decode_stripe);
}

static double
run_update(void *argument)
{
	return per_call(argument, update_cell);
}

/* A fresh pattern for each call, on one byte: what making the tables costs. */
static double
run_tables(void *argument)
{
	struct bench *bench = argument;
	uint32_t all = (1u << (bench->data + bench->parity)) - 1, calls = 0;
	uint64_t begin = cpu_now();

	for (uint32_t round = 0; round < 20; round++)
		for (uint32_t a = 0; a < bench->data; a++)
			for (uint32_t b = a + 1; b < bench->data; b++, calls++) {
				uint32_t lost = 1u << a | 1u << b;

				require(ec_decode(bench->code, all & ~lost, lost, 1, bench->cells));
			}
	return (double)(cpu_now() - begin) / 1000 / calls;
}

static void
row(struct bench *bench, const char *what, double (*run)(void *), double goal)
{
	struct side ours = {run, bench}, raw = {run_raw, bench};
	char metric[120];

	snprintf(metric, sizeof(metric), "ec %u+%u, %zu KiB cells: %s, time over raw ISA-L encode",
		 bench->data, bench->parity, bench->cell / KIB, what);
	row_measure(metric, "us/stripe", &ours, &raw, AT_MOST, goal);
}

static void
rows_of_class(uint32_t data, uint32_t parity, size_t cell)
{
	struct bench bench;

	bench_open(&bench, data, parity, cell);
	row(&bench, "encode", run_stripes, GOAL);
	bench_cut(&bench, 4096);
	row(&bench, "encode from 4 KiB pieces", run_stripes, NAN);
	bench_cut(&bench, 1000);
	row(&bench, "encode from 1000 B pieces", run_stripes, NAN);
	bench.lost = 1;
	row(&bench, "decode of one cell", run_decode, NAN);
	bench.lost = 3;
	row(&bench, "decode of two cells", run_decode, NAN);
	row(&bench, "parity update, a quarter cell", run_update, NAN);
	bench_close(&bench);
}

static void
rows_of_one_parity(uint32_t data, size_t cell)
{
	struct bench bench;

	bench_open(&bench, data, 1, cell);
	row(&bench, "encode", run_stripes, NAN);
	bench_close(&bench);
}

static void
row_of_tables(void)
{
	struct bench bench;
	struct side ours = {run_tables, &bench};

	bench_open(&bench, 16, 3, 64 * KIB);
	row_measure("ec 16+3: decode tables of a new pattern", "us", &ours, &(struct side){0},
		    AT_MOST, NAN);
	bench_close(&bench);
}

int
main(void)
{
	static const uint32_t data[] = {4, 8, 16};

	for (uint32_t i = 0; i < ARRAY_SIZE(data); i++)
		rows_of_class(data[i], 2, 64 * KIB);
	for (uint32_t i = 0; i < ARRAY_SIZE(data); i++)
		rows_of_class(data[i], 2, KIB * KIB);
	for (uint32_t i = 0; i < ARRAY_SIZE(data); i++)
		rows_of_one_parity(data[i], 64 * KIB);
	for (uint32_t i = 0; i < ARRAY_SIZE(data); i++)
		rows_of_one_parity(data[i], KIB * KIB);
	row_of_tables();
	return 0;
}
