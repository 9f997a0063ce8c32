/* SPDX-License-Identifier: BSD-2-Clause-Patent */
/* Rebuilding lost cells, and the cache of the tables for it. */
#include <isa-l/erasure_code.h>

#include "ec/private.h"

/* One set of erasures. All entries have the size that the class may need at most, so that an old
 * one can be made into a new one. */
struct decode_tables {
	struct table_node node;
	struct list link; /* decode_order */
	uint64_t key;
	uint8_t tables[];
};

static struct decode_tables *
tables_of(struct table_node *node)
{
	return node ? table_entry(node, struct decode_tables, node) : NULL;
}

static bool
key_equal(const void *key, const struct table_node *node)
{
	return table_entry(node, struct decode_tables, node)->key == *(const uint64_t *)key;
}

static void
tables_forget(struct ec_code *code, struct decode_tables *entry)
{
	table_remove(&code->decode_index, &entry->node);
	list_remove(&entry->link);
}

void
decode_tables_fini(struct ec_code *code)
{
	struct list *link;

	while ((link = list_first(&code->decode_order)) != NULL) {
		struct decode_tables *entry = list_entry(link, struct decode_tables, link);

		tables_forget(code, entry);
		arena_free(code->arena, entry);
	}
	table_fini(&code->decode_index);
}

struct ec_tables_count
ec_code_tables(const struct ec_code *code)
{
	return (struct ec_tables_count){.kept = (uint32_t)code->decode_index.count,
					.made = code->decode_made};
}

uint32_t
pick_cells(uint32_t set, uint32_t *ret_cells)
{
	uint32_t count = 0;

	for (; set != 0; set &= set - 1)
		ret_cells[count++] = (uint32_t)__builtin_ctz(set);
	return count;
}

/* Row `to` = row `cell` of the code's matrix times the inverse of the sources' rows: the cell from
 * the sources. */
static void
coefficients(const struct ec_code *code, uint32_t cell, const uint8_t *inverse, uint8_t *to)
{
	uint32_t count = code->class.data;

	for (uint32_t i = 0; i < count; i++) {
		uint8_t sum = 0;

		for (uint32_t j = 0; j < count; j++)
			sum ^= gf_mul(code->matrix[cell * count + j], inverse[j * count + i]);
		to[i] = sum;
	}
}

static void
tables_make(const struct ec_code *code, uint32_t sources, uint32_t wanted, uint8_t *tables)
{
	uint32_t count = code->class.data, cells[EC_CELLS_MAX], rows;
	uint8_t matrix[EC_DATA_MAX * EC_DATA_MAX], inverse[EC_DATA_MAX * EC_DATA_MAX];
	uint8_t wanted_rows[EC_PARITY_MAX * EC_DATA_MAX];
	int singular;

	pick_cells(sources, cells);
	for (uint32_t i = 0; i < count; i++)
		memcpy(matrix + i * count, code->matrix + cells[i] * count, count);
	singular = gf_invert_matrix(matrix, inverse, (int)count);
	/* Any rows of the matrix are independent within the limits of a class. */
	ASSERT(!singular);
	rows = pick_cells(wanted, cells);
	for (uint32_t i = 0; i < rows; i++)
		coefficients(code, cells[i], inverse, wanted_rows + i * count);
	ec_init_tables((int)count, (int)rows, wanted_rows, tables);
}

/* Memory for an entry: new below the limit, else that of the one not used for the longest time. */
static struct decode_tables *
tables_room(struct ec_code *code)
{
	struct decode_tables *entry = NULL;

	if (code->decode_index.count < EC_TABLES_MAX)
		entry = arena_alloc(code->arena, sizeof(*entry) + (size_t)COEFFICIENT_BYTES *
									  code->class.data *
									  code->class.parity);
	if (entry == NULL && !list_empty(&code->decode_order)) {
		entry = list_entry(list_first(&code->decode_order), struct decode_tables, link);
		tables_forget(code, entry);
	}
	if (entry)
		*entry = (struct decode_tables){0};
	return entry;
}

static int
tables_get(struct ec_code *code, uint32_t sources, uint32_t wanted, const uint8_t **ret_tables)
{
	uint64_t key = (uint64_t)sources << 32 | wanted, hash = mix64(key);
	struct decode_tables *entry =
		tables_of(table_find(&code->decode_index, hash, key_equal, &key));

	if (entry) {
		list_remove(&entry->link);
	} else {
		entry = tables_room(code);
		if (entry == NULL)
			return error_raise(-DER_NOMEM, "no memory for decode tables");
		entry->key = key;
		tables_make(code, sources, wanted, entry->tables);
		table_insert(&code->decode_index, hash, &entry->node);
		code->decode_made++;
	}
	list_append(&code->decode_order, &entry->link);
	*ret_tables = entry->tables;
	return 0;
}

int
decode_product(struct ec_code *code, uint32_t sources, uint32_t wanted, struct product *ret_product)
{
	uint32_t summed = (1u << (code->class.data + 1)) - 1;
	struct product product = {.outputs = (uint32_t)__builtin_popcount(wanted)};
	int rc;

	/* The data and the first parity sum up to zero: each is the sum of the others, which is the
	 * product that the first parity has. */
	if (product.outputs == 1 && (sources | wanted) == summed) {
		product.tables = code->tables;
		product.sum = true;
		*ret_product = product;
		return 0;
	}
	rc = tables_get(code, sources, wanted, &product.tables);
	if (rc == 0)
		*ret_product = product;
	return rc;
}

int
ec_sources(struct ec_class class, uint32_t available, uint32_t wanted, uint32_t *ret_sources)
{
	uint32_t missing, set = available, sources = 0;
	int rc = ec_class_check(class);

	if (rc)
		return rc;
	if ((available | wanted) >> ec_class_cells(class) != 0 || (available & wanted) != 0)
		return error_raise(-DER_INVAL,
				   "sets of cells %#x and %#x of %u: not disjoint, or too large",
				   available, wanted, ec_class_cells(class));
	missing = ec_class_cells(class) - (uint32_t)__builtin_popcount(available);
	if (missing > class.parity)
		return error_raise(-DER_DATA_LOSS,
				   "%u of %u cells are missing, %u parities replace at most %u",
				   missing, ec_class_cells(class), class.parity, class.parity);
	for (uint32_t i = 0; i < class.data; i++, set &= set - 1)
		sources |= set & -set;
	*ret_sources = sources;
	return 0;
}

int
ec_decode(struct ec_code *code, uint32_t available, uint32_t wanted, size_t length,
	  uint8_t *const *cells)
{
	uint8_t *inputs[EC_CELLS_MAX], *outputs[EC_CELLS_MAX];
	uint32_t numbers[EC_CELLS_MAX], sources, input_count = 0, output_count = 0;
	struct product product;
	int rc = ec_sources(code->class, available, wanted, &sources);

	if (rc || wanted == 0)
		return rc;
	for (uint32_t i = 0, count = pick_cells(sources | wanted, numbers); i < count; i++) {
		if (cells[numbers[i]] == NULL)
			return error_raise(-DER_INVAL, "no buffer for cell %u", numbers[i]);
		if (wanted >> numbers[i] & 1)
			outputs[output_count++] = cells[numbers[i]];
		else
			inputs[input_count++] = cells[numbers[i]];
	}
	rc = decode_product(code, sources, wanted, &product);
	if (rc == 0)
		product_run(code, &product, length, inputs, outputs);
	return rc;
}
