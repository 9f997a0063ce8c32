/* SPDX-License-Identifier: BSD-2-Clause-Patent */
/* An embedded system in a scratch directory, with its default pool connected and a container open.
 */
#pragma once

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <daos.h>

#define assert_ok(call) assert_int_equal((call), 0)

struct embedded_bed {
	char directory[128];
	daos_handle_t pool;
	daos_handle_t container;
};

/* The library beside the products of this build, so that the client finds it by its name. */
void embedded_library_open(void);

/* A scratch directory; DAOS_EMBEDDED names it. */
void embedded_directory_make(struct embedded_bed *bed);
void embedded_directory_remove(struct embedded_bed *bed);

/* Brings the client up on the directory, with container "test" open, made where it is absent. */
void embedded_up(struct embedded_bed *bed);
void embedded_down(struct embedded_bed *bed);

/* An object id of a type and class; number tells objects apart. */
daos_obj_id_t embedded_oid(struct embedded_bed *bed, uint64_t number, enum daos_otype_t type,
			   daos_oclass_id_t class);
