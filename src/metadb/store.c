/* SPDX-License-Identifier: BSD-2-Clause-Patent */
/*
 * The tree of keys. A record points to a block with the key, which stays as long as the record, and
 * to one with the value, which is replaced as a whole or, at equal length, overwritten.
 */
#include "metadb/private.h"

/* ------------------------------------------------ keys */

static uint64_t
key_order(struct metadb_bytes key)
{
	const uint8_t *data = key.data;
	uint64_t order = 0;

	for (uint32_t i = 0; i < sizeof(order); i++)
		order = order << 8 | (i < key.length ? data[i] : 0);
	return order;
}

static int
bytes_compare(struct metadb_bytes a, struct metadb_bytes b)
{
	int sign = memcmp(a.data, b.data, min_of(a.length, b.length));

	if (sign == 0 && a.length != b.length)
		sign = a.length < b.length ? -1 : 1;
	return sign;
}

/* The bytes of a block, checked. */
static int
block_bytes(struct pin *pin, enum store_type type, uint64_t offset, uint32_t length,
	    struct metadb_bytes *ret_bytes)
{
	const struct store_block *block = heap_at(pin, offset, sizeof(*block) + length);

	if (block == NULL)
		return pin_outcome(pin);
	if (block->type != type || block->version != 1 || block->length != length)
		return error_raise(-DER_IO, "the store is damaged: no %s of %u bytes at %lu",
				   type == STORE_KEY ? "key" : "value", length,
				   (unsigned long)offset);
	*ret_bytes = (struct metadb_bytes){block + 1, length};
	return 0;
}

static int
record_compare(struct pin *pin, const void *wanted, const void *record)
{
	const struct store_record *here = record;
	struct metadb_bytes key;
	int rc = block_bytes(pin, STORE_KEY, here->key, here->key_length, &key);

	if (rc == 0)
		return bytes_compare(*(const struct metadb_bytes *)wanted, key);
	if (rc != -DER_AGAIN)
		pin->error = rc;
	return 0;
}

static const struct btree_kind key_kind = {
	.name = "metadb keys",
	.id = 0x6d,
	.record_size = sizeof(struct store_record),
	.node_records = 24,
	.compare = record_compare,
};

static uint64_t
keys_root(const struct heap *heap)
{
	return heap_root(heap) + offsetof(struct store_root, keys);
}

/* ------------------------------------------------ look-ups */

int
metadb_store_root(struct pin *pin, const struct store_root **ret_root)
{
	const struct store_root *root = heap_at(pin, heap_root(pin->heap), sizeof(*root));

	if (root == NULL)
		return pin_outcome(pin);
	if (root->magic != METADB_MAGIC)
		return error_raise(-DER_IO, "no metadata store in this heap");
	if (root->version != METADB_VERSION)
		return error_raise(-DER_DF_INCOMPT,
				   "the metadata store has format %u; this program reads %u",
				   root->version, METADB_VERSION);
	*ret_root = root;
	return 0;
}

static int
record_at(struct pin *pin, const struct btree_cursor *cursor,
	  const struct store_record **ret_record)
{
	const struct store_record *record = heap_at(pin, cursor->record, sizeof(*record));

	if (record == NULL)
		return pin_outcome(pin);
	if (record->type != STORE_RECORD || record->record_version != 1 ||
	    record->value_length > METADB_VALUE_MAX)
		return error_raise(-DER_IO, "the store is damaged: bad record at %lu",
				   (unsigned long)cursor->record);
	*ret_record = record;
	return 0;
}

static int
entry_at(struct pin *pin, const struct btree_cursor *cursor, struct store_entry *ret_entry)
{
	const struct store_record *record = NULL;
	struct store_entry entry = {.version = 0};
	int rc = record_at(pin, cursor, &record);

	if (rc == 0)
		rc = block_bytes(pin, STORE_KEY, record->key, record->key_length, &entry.key);
	if (rc == 0 && record->value)
		rc = block_bytes(pin, STORE_VALUE, record->value, record->value_length,
				 &entry.value);
	if (rc)
		return rc;
	entry.version = record->version;
	*ret_entry = entry;
	return 0;
}

static int
entry_find(struct pin *pin, struct metadb_bytes key, enum btree_match match,
	   struct store_entry *ret_entry)
{
	struct btree_cursor cursor;
	int rc = btree_find(pin, &key_kind, keys_root(pin->heap), key_order(key), &key, match,
			    &cursor);

	return rc == 0 ? entry_at(pin, &cursor, ret_entry) : rc;
}

int
metadb_store_find(struct pin *pin, struct metadb_bytes key, struct store_entry *ret_entry)
{
	return entry_find(pin, key, BTREE_EQUAL, ret_entry);
}

int
metadb_store_above(struct pin *pin, struct metadb_bytes key, struct store_entry *ret_entry)
{
	return entry_find(pin, key, BTREE_ABOVE, ret_entry);
}

/* ------------------------------------------------ writes */

void
metadb_store_need(const struct metadb_write *write, struct tx_need *need)
{
	btree_need(&key_kind, need);
	if (write->remove)
		return;
	need->allocations += 2;
	need->heap_bytes += 2 * (uint32_t)(sizeof(struct store_block) + 16) + write->key.length +
			    write->value.length;
	need->log_bytes += sizeof(struct store_record) + write->value.length;
}

int
metadb_store_probe(struct tx *tx, const struct metadb_write *write)
{
	struct btree_cursor cursor;
	struct store_entry entry;
	int rc = btree_probe_wide(tx, &key_kind, keys_root(tx->heap), key_order(write->key),
				  &write->key, &cursor);

	if (rc == -DER_NONEXIST)
		return 0;
	return rc == -DER_EXIST ? entry_at(&tx->pin, &cursor, &entry) : rc;
}

static uint64_t
block_alloc(struct tx *tx, enum store_type type, struct metadb_bytes bytes)
{
	size_t size = sizeof(struct store_block) + bytes.length;
	uint64_t offset = tx_alloc(tx, size, heap_root(tx->heap));
	struct store_block *block = tx_change(tx, offset, size);

	*block = (struct store_block){.type = (uint8_t)type, .version = 1, .length = bytes.length};
	if (bytes.length > 0)
		memcpy(block + 1, bytes.data, bytes.length);
	return offset;
}

static void
value_set(struct tx *tx, uint64_t at, struct metadb_bytes value, uint64_t version)
{
	const struct store_record *old = heap_at(&tx->pin, at, sizeof(*old));
	uint64_t block, former;
	uint32_t length;
	struct store_record *record;

	ASSERT(old);
	former = old->value;
	length = old->value_length;
	if (former && length == value.length) {
		memcpy(tx_change(tx, former + sizeof(struct store_block), length), value.data,
		       length);
		block = former;
	} else {
		block = value.length > 0 ? block_alloc(tx, STORE_VALUE, value) : 0;
		if (former)
			tx_free(tx, former);
	}
	record = tx_change(tx, at, sizeof(*record));
	record->value = block;
	record->value_length = value.length;
	record->version = version;
}

static uint64_t
key_insert(struct tx *tx, struct metadb_bytes key)
{
	uint64_t block = block_alloc(tx, STORE_KEY, key);
	struct store_record *record;
	uint64_t at;

	btree_insert(tx, &key_kind, keys_root(tx->heap), key_order(key), &key, 0, &at);
	record = tx_change(tx, at, sizeof(*record));
	record->key = block;
	record->key_length = (uint16_t)key.length;
	record->type = STORE_RECORD;
	record->record_version = 1;
	return at;
}

static void
key_remove(struct tx *tx, struct metadb_bytes key, uint64_t at)
{
	const struct store_record *record = heap_at(&tx->pin, at, sizeof(*record));
	uint64_t key_block, value_block;

	ASSERT(record);
	key_block = record->key;
	value_block = record->value;
	btree_remove(tx, &key_kind, keys_root(tx->heap), key_order(key), &key);
	if (value_block)
		tx_free(tx, value_block);
	tx_free(tx, key_block);
}

void
metadb_store_write(struct tx *tx, const struct metadb_write *write, uint64_t version)
{
	struct btree_cursor cursor;
	int rc = btree_find(&tx->pin, &key_kind, keys_root(tx->heap), key_order(write->key),
			    &write->key, BTREE_EQUAL, &cursor);

	ASSERT(rc == 0 || rc == -DER_NONEXIST);
	if (write->remove) {
		if (rc == 0)
			key_remove(tx, write->key, cursor.record);
		return;
	}
	value_set(tx, rc == 0 ? cursor.record : key_insert(tx, write->key), write->value, version);
}

uint64_t
metadb_store_count(struct tx *tx)
{
	uint64_t at = heap_root(tx->heap) + offsetof(struct store_root, counter);
	uint64_t *counter = tx_change(tx, at, sizeof(*counter));

	return ++*counter;
}

/* ------------------------------------------------ audit */

struct store_audit {
	struct heap_audit *heap;
	struct pin *pin;
	uint64_t counter;
	uint64_t keys;
};

static int
block_audit(struct store_audit *audit, enum store_type type, uint64_t offset, uint32_t length,
	    struct metadb_bytes *ret_bytes)
{
	int rc = heap_audit_block(audit->heap, offset, sizeof(struct store_block) + length);

	return rc == 0 ? block_bytes(audit->pin, type, offset, length, ret_bytes) : rc;
}

static int
record_audit(struct store_audit *audit, const struct btree_audit_record *place,
	     const struct store_record *record)
{
	struct metadb_bytes key, value;
	const void *before;
	int rc = block_audit(audit, STORE_KEY, record->key, record->key_length, &key);

	if (rc == 0 && record->value)
		rc = block_audit(audit, STORE_VALUE, record->value, record->value_length, &value);
	if (rc)
		return rc;
	if (key.length == 0 || key.length > METADB_KEY_MAX || key_order(key) != place->order ||
	    record->version == 0 || record->version > audit->counter ||
	    (record->value == 0) != (record->value_length == 0))
		return error_raise(-DER_IO, "the store is damaged: impossible record at %lu",
				   (unsigned long)place->offset);
	before = place->tied ? heap_at(audit->pin, place->tied, sizeof(*record)) : NULL;
	if (before && record_compare(audit->pin, &key, before) <= 0)
		return error_raise(-DER_IO, "the store is damaged: keys out of order at %lu",
				   (unsigned long)place->offset);
	return pin_outcome(audit->pin);
}

static int
record_visit(void *argument, const struct btree_audit_record *place)
{
	struct store_audit *audit = argument;
	const struct btree_cursor cursor = {.record = place->offset};
	const struct store_record *record = NULL;
	int rc = record_at(audit->pin, &cursor, &record);

	audit->keys++;
	return rc == 0 ? record_audit(audit, place, record) : rc;
}

int
metadb_store_audit(struct heap_audit *heap, const struct heap *of, uint64_t *ret_keys)
{
	struct store_audit audit = {.heap = heap, .pin = heap_audit_pin(heap)};
	struct heap_audit_figures figures;
	const struct store_root *root = NULL;
	int rc = metadb_store_root(audit.pin, &root);

	if (rc)
		return rc;
	audit.counter = root->counter;
	rc = btree_audit(heap, &key_kind, keys_root(of), record_visit, &audit);
	if (rc == 0)
		rc = heap_audit_judge(heap, &figures);
	if (rc == 0)
		*ret_keys = audit.keys;
	return rc;
}
