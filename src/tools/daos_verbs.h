/* SPDX-License-Identifier: BSD-2-Clause-Patent */
/* The verbs of `daos`. */
#pragma once

#include "daos.h"
#include "daos_version.h"
#include "tools/output.h"

extern const struct command container_commands[];
extern const struct command filesystem_commands[];

/* Connects to a pool; a failure is printed. STATUS_OK or what to exit with. */
int open_pool(struct call *call, const char *name, unsigned int flags, daos_handle_t *ret_pool);

/* Opens a container as well; both are closed by close_container(). */
struct open_container {
	daos_handle_t pool, container;
	daos_cont_info_t info;
};
int open_container(struct call *call, const char *pool, const char *container, unsigned int flags,
		   struct open_container *ret_open);
void close_container(const struct open_container *open);
