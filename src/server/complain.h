/* SPDX-License-Identifier: BSD-2-Clause-Patent */
/* Messages of the server programs to people. */
#pragma once

#include "base/base.h"

/*
 * How daos_engine and daos_server end. The numbers are part of the interface: daos_server restarts
 * an engine that failed, not one whose start cannot succeed without a change.
 */
enum server_status {
	SERVER_OK = 0,
	SERVER_FAILED = 1,
	SERVER_USAGE = 2,
	SERVER_HELD = 3,     /* another process holds the storage or the sockets */
	SERVER_UNUSABLE = 4, /* the storage is of another version, another system, or damaged */
};

/* "ERROR: program: what", then why, what to do (both may be NULL) and the code (0: none), on
 * standard error. */
void complain(const char *program, int code, const char *why, const char *todo, const char *format,
	      ...) PRINTF(5, 6);
