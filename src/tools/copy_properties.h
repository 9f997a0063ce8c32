/* SPDX-License-Identifier: BSD-2-Clause-Patent */
/* Properties and users' attributes of a container, kept in a file beside a copy of its files. */
#pragma once

#include "tools/daos_verbs.h"

struct kept_properties {
	daos_prop_t *properties; /* for the container's creation; NULL: none are kept */
	json_object *attributes; /* by name, values as hexadecimal digits */
};

/* Writes those of a container into a file. STATUS_OK or what to exit with. */
int properties_write(struct call *call, const char *path, daos_handle_t container);

/* Reads them; to be freed by properties_free(). */
int properties_read(struct call *call, const char *path, struct kept_properties *ret_kept);
void properties_free(struct kept_properties *kept);

/* Gives a container the users' attributes that were kept. */
int properties_set_attributes(struct call *call, const struct kept_properties *kept,
			      daos_handle_t container);
