/* SPDX-License-Identifier: BSD-2-Clause-Patent */
/* Texts that all programs share. */
#pragma once

#include <json-c/json.h>

/* Version of the software. */
const char *version_text(void);

json_object *version_object(const char *name, const char *title);

#define STATUS_NOTES                                                            \
	"Exit status: 0 done, 1 failed, 2 wrong usage, 3 not found, 4 exists, " \
	"5 not permitted,\n6 no server answers, 7 timed out, 9 refused for "    \
	"safety, 130 interrupted.\n\n"

#define ENVIRONMENT_NOTES                                                             \
	"Environment:\n"                                                              \
	"  DAOS_EMBEDDED=DIRECTORY        no server: run the engine in the program\n" \
	"  DAOS_AGENT_DRPC_DIR=DIRECTORY  where the server's sockets are\n"           \
	"  CAIRN_ENGINE=ADDRESS           an engine, such as tcp:127.0.0.1:31416\n"
