/* SPDX-License-Identifier: BSD-2-Clause-Patent */
/* The hidden objects of a file system, looked at and changed from outside, as docs/formats/dfs.md
 * says. */
#pragma once

#include "embedded_bed.h"

#define HIDDEN_RECORDS 0x100u
#define HIDDEN_ORPHANS 0x200u
#define HIDDEN_HOLDERS 0x300u

daos_handle_t hidden_open(daos_handle_t container, uint32_t number);

/* How many there are of each. */
uint32_t hidden_records(daos_handle_t container);
uint32_t hidden_orphans(daos_handle_t container);
uint32_t hidden_holders(daos_handle_t container);

/* Reads a single value of what oid has among the records (kind HIDDEN_RECORDS) or the orphans; its
 * size, 0: there is none. */
size_t hidden_fetch(daos_handle_t container, uint32_t kind, daos_obj_id_t oid, const char *akey,
		    void *value, size_t size);
/* Replaces one that is there. */
void hidden_replace(daos_handle_t container, uint32_t kind, daos_obj_id_t oid, const char *akey,
		    void *value, size_t size);

/* Makes all orphans look as if they were left long ago. */
void hidden_age_orphans(daos_handle_t container);
