/* SPDX-License-Identifier: BSD-2-Clause-Patent */
/* The listing of keys that objects and key-value stores share. */
#pragma once

#include "client/private.h"

struct key_listing {
	daos_handle_t transaction;
	daos_handle_t object;
	uint32_t type;	  /* of the handle */
	daos_key_t *dkey; /* NULL: list dkeys, else the akeys below it */
	uint32_t *count;  /* in: room in kds; out: entries */
	daos_key_desc_t *kds;
	d_sg_list_t *sgl;
	daos_anchor_t *anchor;
};

MUST_USE int check_listing(const struct key_listing *listing);
/* Body of client_run(). */
MUST_USE int run_list_keys(void *argument);
