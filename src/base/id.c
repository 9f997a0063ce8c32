/* SPDX-License-Identifier: BSD-2-Clause-Patent */
/* Key orders by object type. */
#include "base/base.h"

struct orders {
	uint8_t dkey;
	uint8_t akey;
};

/* Indexed by enum daos_otype_t. A type above the table has hashed keys. */
static const struct orders orders_by_type[] = {
	[0] = {KEY_HASHED, KEY_HASHED},	  /* multi-level, hashed */
	[1] = {KEY_HASHED, KEY_HASHED},	  /* object id table */
	[2] = {KEY_INTEGER, KEY_HASHED},  /* dkey uint64 */
	[3] = {KEY_HASHED, KEY_INTEGER},  /* akey uint64 */
	[4] = {KEY_INTEGER, KEY_INTEGER}, /* both uint64 */
	[5] = {KEY_LEXICAL, KEY_HASHED},  /* dkey lexical */
	[6] = {KEY_HASHED, KEY_LEXICAL},  /* akey lexical */
	[7] = {KEY_LEXICAL, KEY_LEXICAL}, /* both lexical */
	[8] = {KEY_HASHED, KEY_HASHED},	  /* flat KV, hashed */
	[9] = {KEY_INTEGER, KEY_HASHED},  /* flat KV, uint64 */
	[10] = {KEY_LEXICAL, KEY_HASHED}, /* flat KV, lexical */
	[11] = {KEY_INTEGER, KEY_HASHED}, /* array with attributes stored */
	[12] = {KEY_INTEGER, KEY_HASHED}, /* array with attributes given at open */
	[13] = {KEY_INTEGER, KEY_HASHED}, /* byte array */
	[14] = {KEY_LEXICAL, KEY_HASHED}, /* object id table, version 2 */
};

enum key_order
object_id_dkey_order(struct object_id id)
{
	uint32_t type = object_id_type(id);

	return type < ARRAY_SIZE(orders_by_type) ? (enum key_order)orders_by_type[type].dkey
						 : KEY_HASHED;
}

enum key_order
object_id_akey_order(struct object_id id)
{
	uint32_t type = object_id_type(id);

	return type < ARRAY_SIZE(orders_by_type) ? (enum key_order)orders_by_type[type].akey
						 : KEY_HASHED;
}
