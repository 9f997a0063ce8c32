/* SPDX-License-Identifier: BSD-2-Clause-Patent */
/* Where daos_server keeps data, sockets and logs. */
#pragma once

#include "base/base.h"
#include "server/config.h"

#define PLACE_TEXT 512

struct places {
	char data[PLACE_TEXT];	     /* directory of the engine's storage */
	char sockets[PLACE_TEXT];    /* directory */
	char engine_log[PLACE_TEXT]; /* file */
	char server_log[PLACE_TEXT]; /* file */
};

/* What the command line said about them; NULL: nothing. */
struct places_options {
	const char *storage, *sockets, *logs;
};

/*
 * The command line before the configuration before the defaults: for root the system's directories,
 * for others those of the user (README.md). Makes the directories. The reason of a failure is in
 * error_text().
 */
MUST_USE int places_choose(const struct places_options *options, const struct config *config,
			   struct places *ret_places);

/* Where clients look for sockets by themselves. */
MUST_USE int places_default_sockets(char ret_path[PLACE_TEXT]);
