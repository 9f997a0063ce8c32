/* SPDX-License-Identifier: BSD-2-Clause-Patent */
/* What the files of duns/ share: texts that name a container. Errors are errno values. */
#pragma once

#include <errno.h>
#include <string.h>

#include "client/client.h"
#include "daos.h"
#include "daos_fs.h"
#include "daos_uns.h"

/* ------------------------------------------------ texts (pure) */

/*
 * Reads "pool/container[/path]" behind a prefix: fills da_pool, da_cont, their ids when they are
 * UUIDs, and da_rel_path (with its leading slash; NULL: none). *ret_attr is zeroed first; flags and
 * system stay as the caller set them. EINVAL.
 */
MUST_USE int uns_parse_direct(const char *text, struct duns_attr_t *attr);

/* What follows "daos:" and the slashes of a direct path, or NULL for another path. */
const char *uns_direct_rest(const char *path, bool needs_prefix);

/* Reads the value of the extended attribute, which need not be terminated. EINVAL. */
MUST_USE int uns_parse_value(const char *value, size_t length, struct duns_attr_t *attr);

/* Writes that value; size is DUNS_MAX_XATTR_LEN. EINVAL for a layout without a name. */
MUST_USE int uns_format_value(daos_cont_layout_t layout, const uuid_t pool, const uuid_t container,
			      char value[DUNS_MAX_XATTR_LEN]);

/* The errno of a DAOS code. */
int uns_errno(int code);

char *uns_strdup(const char *text, size_t length);
