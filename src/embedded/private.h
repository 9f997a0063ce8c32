/* SPDX-License-Identifier: BSD-2-Clause-Patent */
/* What the files of embedded/ share. */
#pragma once

#include "embedded/embedded.h"
#include "rpc/rpc.h"

#define PATH_TEXT_MAX 224u

/* The name of the pool that a system without any gets. */
#define DEFAULT_POOL "default"

/* Asks the engine at address for its pools, and for one thin pool when it has none. *Yields*. */
MUST_USE int embedded_default_pool(struct rpc *rpc, const char *address);

/* The absolute path of a directory that need not exist but whose parent must; false otherwise, or
 * when it does not fit. */
MUST_USE bool realpath_of(const char *directory, char *ret_path, size_t size);
