/* SPDX-License-Identifier: BSD-2-Clause-Patent */
/*
 * The YAML file of daos_server. All keys stand in one table with type, range, default and help; a
 * key that is not there is an error that names the nearest one, with line and column.
 */
#pragma once

#include "base/base.h"

#define CONFIG_TEXT 256
/* Largest file that is read. */
#define CONFIG_SIZE_MAX (1u << 20)

/* What of the file has an effect. Texts are empty and numbers 0 where the default applies. */
struct config {
	char name[CONFIG_TEXT];
	char socket_dir[CONFIG_TEXT];
	char control_log_file[CONFIG_TEXT];
	bool allow_insecure;
	bool disable_engine_auto_restart;
	uint64_t engine_auto_restart_min_delay; /* seconds */
	uint64_t targets;
	char fabric_iface[CONFIG_TEXT];
	uint64_t fabric_iface_port;
	char log_mask[CONFIG_TEXT];
	char log_file[CONFIG_TEXT];
	char scm_mount[CONFIG_TEXT];
	uint64_t engines;     /* how many the file has */
	uint64_t ms_replicas; /* how many mgmt_svc_replicas names */
};

enum config_type {
	CONFIG_FLAG,
	CONFIG_NUMBER,
	CONFIG_STRING,
	CONFIG_LIST, /* of scalars */
	CONFIG_ANY,  /* a map or list that is not looked into */
};

/* One key. path: "transport_config.allow_insecure", "engines[].targets". */
struct config_key {
	const char *path;
	enum config_type type;
	uint64_t least, most; /* of a number */
	const char *choices;  /* of a string: words with blanks between them, or NULL */
	const char *preset;   /* for the help */
	const char *help;
	uint16_t offset; /* in struct config; CONFIG_UNUSED: accepted, has no effect yet */
};
#define CONFIG_UNUSED UINT16_MAX

extern const struct config_key config_keys[];
extern const uint32_t config_key_count;

/*
 * Reads text (length bytes; file names it in messages) into *ret_config. -DER_INVAL: message (size
 * bytes) says what is wrong and where, as "FILE:LINE:COLUMN: ...".
 */
MUST_USE int config_read(const char *file, const char *text, size_t length, char *message,
			 size_t size, struct config *ret_config);

/* Reads a file; -DER_NONEXIST, -DER_NO_PERM, -DER_INVAL, with a message. */
MUST_USE int config_load(const char *file, char *message, size_t size, struct config *ret_config);

/* Prints the table, or the keys whose path begins with the one given. False when there is none. */
bool config_explain(const char *beginning);
