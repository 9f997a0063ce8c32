/* SPDX-License-Identifier: BSD-2-Clause-Patent */
/*
 * An engine in the caller's process on a local directory, in a library of its own
 * (libdaos_embedded.so) that libdaos opens when DAOS_EMBEDDED names a directory. Clients of this
 * process and of others reach it through the directory's Unix socket like any other engine.
 */
#pragma once

#include "base/compiler.h"

struct embedded;

/*
 * Takes the directory's lock, formats it when it is empty or absent (its parent must exist), starts
 * an engine on threads of its own with one thin pool "default", and returns when it serves.
 * ret_address (at least 256 bytes) receives the address to connect to, also with the two failures
 * after which somebody else may be listening there: -DER_BUSY, another process has the directory,
 * or is about to give it up; -DER_NO_PERM, it is another user's. On failure message (size bytes)
 * says what, why and what to do.
 */
int daos_embedded_start(const char *directory, struct embedded **ret_embedded, char *ret_address,
			char *message, size_t message_size);

/* Ends what is under way, stops the engine cleanly, gives the directory up and frees it. */
void daos_embedded_stop(struct embedded *embedded);
