/* SPDX-License-Identifier: BSD-2-Clause-Patent */
/* daos filesystem: check, scan, fix-sb, fix-root, fix-entry. */
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "dfs/dfs.h"
#include "tools/daos_verbs.h"

static int
code_of(int error)
{
	switch (error) {
	case ENOENT:
	case ENOTDIR:
		return -DER_NONEXIST;
	case EACCES:
	case EPERM:
		return -DER_NO_PERM;
	case EBUSY:
		return -DER_BUSY;
	case EINVAL:
		return -DER_INVAL;
	case ENOSPC:
		return -DER_NOSPACE;
	default:
		return -DER_MISC;
	}
}

/* ------------------------------------------------ what the library prints */

/* The library tells on standard output what it finds. With --json that goes into the answer. */
struct report {
	int kept; /* standard output */
	FILE *file;
};

static bool
report_begin(const struct call *call, struct report *report)
{
	*report = (struct report){.kept = -1};
	if (!call->json)
		return true;
	fflush(stdout);
	report->file = tmpfile();
	report->kept = report->file ? dup(STDOUT_FILENO) : -1;
	return report->kept >= 0 && dup2(fileno(report->file), STDOUT_FILENO) >= 0;
}

/* The lines, or NULL without --json. */
static json_object *
report_end(struct report *report)
{
	json_object *lines;
	char line[1024];

	if (report->kept < 0)
		return NULL;
	fflush(stdout);
	dup2(report->kept, STDOUT_FILENO);
	close(report->kept);
	lines = json_object_new_array();
	rewind(report->file);
	while (fgets(line, sizeof(line), report->file)) {
		line[strcspn(line, "\n")] = '\0';
		json_object_array_add(lines, json_text(line));
	}
	fclose(report->file);
	return lines;
}

static int
report_answer(struct call *call, json_object *lines, const char *schema)
{
	json_object *response;

	if (!call->json)
		return STATUS_OK;
	response = json_object_new_object();
	json_object_object_add(response, "report", lines);
	return call_answer(call, schema, response);
}

/* ------------------------------------------------ check */

static const struct {
	const char *name;
	uint64_t flag;
} check_flags[] = {
	{"print", DFS_CHECK_PRINT},   {"remove", DFS_CHECK_REMOVE},   {"relink", DFS_CHECK_RELINK},
	{"verify", DFS_CHECK_VERIFY}, {"evict", DFS_CHECK_EVICT_ALL},
};

static uint64_t
flag_of(const char *name, size_t length)
{
	for (size_t i = 0; i < sizeof(check_flags) / sizeof(check_flags[0]); i++)
		if (strlen(check_flags[i].name) == length &&
		    strncmp(check_flags[i].name, name, length) == 0)
			return check_flags[i].flag;
	return 0;
}

/* "print,verify"; false for what is none. */
static bool
flags_parse(const char *text, uint64_t *ret_flags)
{
	uint64_t flags = 0;

	while (*text) {
		size_t length = strcspn(text, ",");
		uint64_t flag = flag_of(text, length);

		if (flag == 0)
			return false;
		flags |= flag;
		text += length;
		text += *text == ',';
	}
	*ret_flags = flags;
	return true;
}

int
run_file_check(struct call *call)
{
	const char *text = call_option(call, "flags");
	uint64_t flags = DFS_CHECK_PRINT;
	json_object *lines;
	struct report report;
	daos_handle_t pool;
	int rc, error;

	if (text && !flags_parse(text, &flags))
		return call_misused(call, NULL,
				    "--flags=%s: write some of print,remove,relink,verify,evict",
				    text);
	if (flags & DFS_CHECK_REMOVE && flags & DFS_CHECK_RELINK)
		return call_misused(call, NULL, "either remove or relink, not both");
	rc = open_pool(call, call->arguments[0], DAOS_PC_RW, &pool);
	if (rc)
		return rc;
	error = report_begin(call, &report) ? dfs_cont_check(pool, call->arguments[1], flags,
							     call_option(call, "dir-name"))
					    : EIO;
	lines = report_end(&report);
	daos_pool_disconnect(pool, NULL);
	if (error == 0)
		return report_answer(call, lines, "filesystem.check/1");
	json_object_put(lines);
	return call_fail_because(call, code_of(error), strerror(error),
				 error == EBUSY ? "unmount it everywhere, or add evict to --flags"
						: NULL,
				 "failed to check container \"%s\"", call->arguments[1]);
}

const struct option_row file_check_options[] = {
	{"flags", 'f', "LIST", "of print, remove, relink, verify, evict [print]"},
	{"dir-name", 'n', "NAME", "in lost+found, with relink [the time]"},
	{NULL, 0, NULL, NULL},
};

/* ------------------------------------------------ scan */

int
run_file_scan(struct call *call)
{
	json_object *lines;
	struct report report;
	daos_handle_t pool;
	int rc = open_pool(call, call->arguments[0], DAOS_PC_RO, &pool), error;

	if (rc)
		return rc;
	error = report_begin(call, &report)
			? dfs_cont_scan(pool, call->arguments[1], 0, call_option(call, "dir-name"))
			: EIO;
	lines = report_end(&report);
	daos_pool_disconnect(pool, NULL);
	if (error == 0)
		return report_answer(call, lines, "filesystem.scan/1");
	json_object_put(lines);
	return call_fail_because(call, code_of(error), strerror(error), NULL,
				 "failed to scan container \"%s\"", call->arguments[1]);
}

const struct option_row file_scan_options[] = {
	{"dir-name", 'n', "PATH", "where to begin [/]"},
	{NULL, 0, NULL, NULL},
};

/* ------------------------------------------------ fix */

/* What is sound is left as it is, and that is no failure. */
static int
mended(struct call *call, int error, const char *what, const char *schema)
{
	if (error && error != EEXIST)
		return call_fail_because(call, code_of(error), strerror(error), NULL,
					 "failed to mend the %s", what);
	if (call->json) {
		json_object *response = json_object_new_object();

		json_object_object_add(response, "changed", json_object_new_boolean(error == 0));
		return call_answer(call, schema, response);
	}
	printf(error ? "The %s is sound: nothing was changed.\n" : "The %s was mended.\n", what);
	return STATUS_OK;
}

static daos_oclass_id_t
class_option(const struct call *call, const char *name, bool *ret_good)
{
	const char *text = call_option(call, name);
	daos_oclass_id_t class = text ? (daos_oclass_id_t)daos_oclass_name2id(text) : 0;

	*ret_good = *ret_good && (!text || class != OC_UNKNOWN);
	return class;
}

/* What the superblock said, as far as the user knows. */
static bool
read_attributes(const struct call *call, dfs_attr_t *ret_attributes)
{
	const char *chunk = call_option(call, "chunk-size"), *mode = call_option(call, "mode");
	const char *hints = call_option(call, "hints");
	dfs_attr_t attributes = {0};
	bool good = true;

	attributes.da_oclass_id = class_option(call, "oclass", &good);
	attributes.da_dir_oclass_id = class_option(call, "dir-oclass", &good);
	attributes.da_file_oclass_id = class_option(call, "file-oclass", &good);
	if (chunk)
		good = good && size_parse(chunk, &attributes.da_chunk_size);
	if (mode)
		good = good && (strcmp(mode, "relaxed") == 0 || strcmp(mode, "balanced") == 0);
	if (mode && strcmp(mode, "balanced") == 0)
		attributes.da_mode = DFS_BALANCED;
	if (hints)
		good = good && snprintf(attributes.da_hints, sizeof(attributes.da_hints), "%s",
					hints) < (int)sizeof(attributes.da_hints);
	*ret_attributes = attributes;
	return good;
}

int
run_file_fix_superblock(struct call *call)
{
	struct open_container open;
	dfs_attr_t attributes;
	int rc, error;

	if (!read_attributes(call, &attributes))
		return call_misused(call, NULL, "an option's value cannot be read");
	rc = open_container(call, call->arguments[0], call->arguments[1], DAOS_COO_EX, &open);
	if (rc)
		return rc;
	error = dfs_recreate_sb(open.container, &attributes);
	close_container(&open);
	return mended(call, error, "superblock", "filesystem.fix-sb/1");
}

int
run_file_fix_root(struct call *call)
{
	struct open_container open;
	int rc = open_container(call, call->arguments[0], call->arguments[1], DAOS_COO_EX, &open);
	int error;

	if (rc)
		return rc;
	error = dfs_relink_root(open.container);
	close_container(&open);
	return mended(call, error, "root", "filesystem.fix-root/1");
}

/* The directory that holds path, opened, and the name in it. */
static int
open_parent(dfs_t *dfs, const char *path, dfs_obj_t **ret_parent, const char **ret_name)
{
	const char *name = strrchr(path, '/');
	char *parent;
	int error;

	if (path[0] != '/' || name[1] == '\0')
		return EINVAL;
	parent = text_format("%.*s", name == path ? 1 : (int)(name - path), path);
	error = dfs_lookup(dfs, parent, O_RDWR, ret_parent, NULL, NULL);
	free(parent);
	*ret_name = name + 1;
	return error;
}

static int
fix_entry(struct call *call, dfs_t *dfs, const char *path, uint64_t chunk)
{
	dfs_obj_t *parent;
	const char *name;
	int error = open_parent(dfs, path, &parent, &name);

	if (error)
		return error;
	if (call_option(call, "type") || chunk == 0)
		error = dfs_obj_fix_type(dfs, parent, name);
	if (chunk > 0 && (error == 0 || error == EEXIST))
		error = dfs_file_fix_chunk_size(dfs, parent, name, chunk);
	dfs_release(parent);
	return error;
}

int
run_file_fix_entry(struct call *call)
{
	const char *path = call_either(call, "dfs-path", 2),
		   *text = call_option(call, "chunk-size");
	struct open_container open;
	uint64_t chunk = 0;
	dfs_t *dfs;
	int rc, error;

	if (!path)
		return call_misused(call, NULL, "no path: write --dfs-path=/directory/name");
	if (text && (!size_parse(text, &chunk) || chunk == 0))
		return call_misused(call, NULL, "`%s' is no size", text);
	rc = open_container(call, call->arguments[0], call->arguments[1], DAOS_COO_RW, &open);
	if (rc)
		return rc;
	error = dfs_mount(open.pool, open.container, O_RDWR, &dfs);
	if (error == 0)
		error = dfs_set_prefix(dfs, call_option(call, "dfs-prefix"));
	if (error == 0) {
		error = fix_entry(call, dfs, path, chunk);
		dfs_umount(dfs);
	}
	close_container(&open);
	return mended(call, error, "entry", "filesystem.fix-entry/1");
}

const struct option_row file_fix_superblock_options[] = {
	{"mode", 'M', "MODE", "relaxed or balanced [relaxed]"},
	{"chunk-size", 'z', "SIZE", "of new files [1 MiB]"},
	{"oclass", 'o', "CLASS", "of what is new"},
	{"dir-oclass", 'D', "CLASS", "of new directories"},
	{"file-oclass", 'F', "CLASS", "of new files"},
	{"hints", 'H', "LIST", "such as file:max,dir:single"},
	{NULL, 0, NULL, NULL},
};

const struct option_row file_fix_entry_options[] = {
	{"dfs-path", 'H', "PATH", "of the entry"},
	{"dfs-prefix", 'I', "PATH", "that PATH begins with, and that is not in the container"},
	{"type", 't', NULL, "give it the type of its object; without --chunk-size that is meant"},
	{"chunk-size", 'z', "SIZE", "that the file was written with"},
	{NULL, 0, NULL, NULL},
};
