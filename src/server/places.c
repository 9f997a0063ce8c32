/* SPDX-License-Identifier: BSD-2-Clause-Patent */
/* The directories of a server. */
#include <libgen.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "env/linux/linux.h"
#include "server/places.h"

static int
put(char to[PLACE_TEXT], const char *directory, const char *name)
{
	char *absolute;
	int length;

	/* The engine is started from elsewhere, and the places are printed for other shells. */
	absolute = directory[0] == '/' ? NULL : getcwd(NULL, 0);
	length = snprintf(to, PLACE_TEXT, "%s%s%s%s", absolute ? absolute : "", absolute ? "/" : "",
			  directory, name);
	free(absolute);
	if (length >= PLACE_TEXT)
		return error_raise(-DER_OVERFLOW, "the path %.60s... is too long", directory);
	return 0;
}

static int
choose_data(const struct places_options *options, const struct config *config,
	    struct places *places)
{
	char state[PLACE_TEXT];
	int rc;

	if (options->storage)
		return put(places->data, options->storage, "");
	if (config->scm_mount[0])
		return put(places->data, config->scm_mount, "");
	rc = linux_state_directory("cairn", state, sizeof(state));
	return rc ? rc : put(places->data, state, "/engine-0");
}

int
places_default_sockets(char ret_path[PLACE_TEXT])
{
	if (geteuid() == 0)
		return put(ret_path, "/run/daos_server", "");
	return linux_runtime_directory("cairn", ret_path, PLACE_TEXT);
}

static int
choose_sockets(const struct places_options *options, const struct config *config,
	       struct places *places)
{
	if (options->sockets)
		return put(places->sockets, options->sockets, "");
	if (config->socket_dir[0])
		return put(places->sockets, config->socket_dir, "");
	return places_default_sockets(places->sockets);
}

static int
choose_logs(const struct places_options *options, const struct config *config,
	    struct places *places)
{
	char directory[PLACE_TEXT];
	int rc;

	if (options->logs)
		rc = put(directory, options->logs, "");
	else if (geteuid() == 0)
		rc = put(directory, "/var/log/cairn", "");
	else
		rc = linux_state_directory("cairn", directory, sizeof(directory));
	if (rc == 0)
		rc = config->log_file[0] ? put(places->engine_log, config->log_file, "")
					 : put(places->engine_log, directory, "/daos_engine.log");
	if (rc == 0)
		rc = config->control_log_file[0]
			     ? put(places->server_log, config->control_log_file, "")
			     : put(places->server_log, directory, "/daos_server.log");
	return rc;
}

static int
make_parent(const char *file)
{
	char copy[PLACE_TEXT];

	snprintf(copy, sizeof(copy), "%s", file);
	return linux_directory_make(dirname(copy));
}

/* Other users may come to the sockets, who is who the engine sees; a directory that exists keeps
 * its mode, and one inside a private place stays as private. */
static int
sockets_make(const char *path)
{
	bool absent = access(path, F_OK) != 0;
	int rc = linux_directory_make(path);

	if (rc == 0 && absent && chmod(path, 0755) != 0)
		rc = error_raise(-DER_NO_PERM, "cannot open directory %s to others", path);
	return rc;
}

int
places_choose(const struct places_options *options, const struct config *config,
	      struct places *ret_places)
{
	struct places places;
	int rc = choose_data(options, config, &places);

	if (rc == 0)
		rc = choose_sockets(options, config, &places);
	if (rc == 0)
		rc = choose_logs(options, config, &places);
	if (rc == 0)
		rc = linux_directory_make(places.data);
	if (rc == 0)
		rc = sockets_make(places.sockets);
	if (rc == 0)
		rc = make_parent(places.engine_log);
	if (rc == 0)
		rc = make_parent(places.server_log);
	if (rc == 0)
		*ret_places = places;
	return rc;
}
