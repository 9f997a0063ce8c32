/* SPDX-License-Identifier: BSD-2-Clause-Patent */
/* What the files of embedded/ share. */
#pragma once

#include "embedded/embedded.h"
#include "env/linux/linux.h"
#include "rpc/rpc.h"

#define PATH_TEXT_MAX 224u
#define ADDRESS_TEXT_MAX 256u

/* Names in a directory. */
#define LOCK_NAME "lock"
#define STORAGE_NAME "storage"
#define SOCKET_NAME "engine-0.sock"
/* What the engine listens on before others may come; not longer than the one above. */
#define FIRST_SOCKET_NAME "starting.sock"

/* The name of the pool that a system without any gets. */
#define DEFAULT_POOL "default"

/* Asks the engine at address for its pools, and for one thin pool when it has none. *Yields*. */
MUST_USE int embedded_default_pool(struct rpc *rpc, const char *address);

/* The absolute path of a directory that need not exist but whose parent must; false otherwise, or
 * when it does not fit. */
MUST_USE bool realpath_of(const char *directory, char *ret_path, size_t size);

/*
 * Takes a directory: makes it where it is absent, and in it the storage's; removes sockets that a
 * former owner left; refuses one that has things of others in it and none of ours. -DER_BUSY when
 * another process has it, -DER_NO_PERM when it is another user's, -DER_DF_INVAL.
 */
MUST_USE int directory_take(const char *path, struct linux_lock **ret_lock);

/* Lets those use the socket in the directory who may write in the directory. */
MUST_USE int directory_open_socket(const char *path);
