/* SPDX-License-Identifier: BSD-2-Clause-Patent */
/* The inside of system: the store's records, and the node's helpers. */
#pragma once

#include "system/system.h"

struct system {
	struct node *node;
	struct metadb *metadb;
};

/* The longest encoded record. */
#define RECORD_MAX 256u

/* Who the system is; the value of key "system". */
struct system_identity {
	struct uuid id;
	char name[32];
	uint32_t rank;
};

/* Encoded forms of docs/formats/services.md: return the length; decoding gives -DER_IO. */
uint32_t system_identity_encode(const struct system_identity *identity, uint8_t record[RECORD_MAX]);
MUST_USE int system_identity_decode(struct metadb_bytes record,
				    struct system_identity *ret_identity);
uint32_t system_pool_encode(const struct system_pool *pool, uint8_t record[RECORD_MAX]);
MUST_USE int system_pool_decode(struct metadb_bytes record, struct system_pool *ret_pool);
