/* SPDX-License-Identifier: BSD-2-Clause-Patent */
/* daos filesystem: get-attr, set-attr, reset-attr, reset-chunk-size, reset-oclass, chmod. */
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "daos_fs.h"
#include "tools/daos_verbs.h"

/* A path of a container that a command works on. */
struct entry {
	struct call *call;
	struct open_container open;
	dfs_t *dfs;
	dfs_obj_t *object;
	const char *path;
};

static int
code_of(int error)
{
	if (error == ENOENT || error == ENOTDIR)
		return -DER_NONEXIST;
	if (error == EACCES || error == EPERM)
		return -DER_NO_PERM;
	return error == EINVAL || error == ENOTSUP ? -DER_INVAL : -DER_MISC;
}

static int
entry_failed(const struct entry *entry, int error, const char *verb)
{
	return call_fail_because(entry->call, code_of(error), strerror(error),
				 error == ENOTSUP ? "name a directory" : NULL, "failed to %s %s",
				 verb, entry->path);
}

static int
entry_open(struct call *call, bool change, struct entry *entry)
{
	int flags = change ? O_RDWR : O_RDONLY;
	int rc = open_container(call, call->arguments[0], call->arguments[1],
				change ? DAOS_COO_RW : DAOS_COO_RO, &entry->open);
	int error;

	if (rc)
		return rc;
	entry->call = call;
	entry->path = call_either(call, "dfs-path", 2);
	if (!entry->path)
		entry->path = "/";
	error = dfs_mount(entry->open.pool, entry->open.container, flags, &entry->dfs);
	if (error) {
		close_container(&entry->open);
		return call_fail_because(call, -DER_INVAL, strerror(error),
					 "only containers of type POSIX hold files",
					 "failed to mount container \"%s\"", call->arguments[1]);
	}
	error = dfs_lookup(entry->dfs, entry->path, flags, &entry->object, NULL, NULL);
	if (error) {
		rc = entry_failed(entry, error, "find");
		dfs_umount(entry->dfs);
		close_container(&entry->open);
	}
	return rc;
}

static void
entry_close(struct entry *entry)
{
	dfs_release(entry->object);
	dfs_umount(entry->dfs);
	close_container(&entry->open);
}

static void
class_text(daos_oclass_id_t class, char text[64])
{
	if (daos_oclass_id2name(class, text))
		snprintf(text, 64, "default");
}

/* ------------------------------------------------ get-attr */

static int
show_entry(const struct entry *entry, const dfs_obj_info_t *info, mode_t mode)
{
	char class[64], directories[64], files[64], chunk[SIZE_TEXT];
	struct text_fields fields = {0};

	class_text(info->doi_oclass_id, class);
	class_text(info->doi_dir_oclass_id, directories);
	class_text(info->doi_file_oclass_id, files);
	if (entry->call->json) {
		json_object *response = json_object_new_object();

		json_object_object_add(response, "oclass", json_text(class));
		if (S_ISDIR(mode)) {
			json_object_object_add(response, "dir_oclass", json_text(directories));
			json_object_object_add(response, "file_oclass", json_text(files));
		}
		json_object_object_add(response, "chunk_size", json_number(info->doi_chunk_size));
		json_object_object_add(response, "mode", json_number(mode & 07777));
		return call_answer(entry->call, "filesystem.get-attr/1", response);
	}
	printf("Attributes for %s:\n", entry->path);
	fields_add(&fields, "Object Class", "%s", class);
	if (S_ISDIR(mode)) {
		fields_add(&fields, "Directory Creation Object Class", "%s", directories);
		fields_add(&fields, "File Creation Object Class", "%s", files);
	}
	fields_add(&fields, "Chunk Size", "%s", size_binary(info->doi_chunk_size, chunk));
	fields_add(&fields, "Mode", "%04o", (unsigned int)(mode & 07777));
	fields_end(&fields, 2);
	return STATUS_OK;
}

int
run_file_get_attributes(struct call *call)
{
	dfs_obj_info_t info = {0};
	struct entry entry;
	mode_t mode = 0;
	int rc = entry_open(call, false, &entry), error;

	if (rc)
		return rc;
	error = dfs_obj_get_info(entry.dfs, entry.object, &info);
	if (error == 0)
		error = dfs_get_mode(entry.object, &mode);
	rc = error ? entry_failed(&entry, error, "read the attributes of")
		   : show_entry(&entry, &info, mode);
	entry_close(&entry);
	return rc;
}

/* ------------------------------------------------ set-attr and reset */

static int
change_done(const struct entry *entry, int error, const char *schema)
{
	if (error)
		return entry_failed(entry, error, "change the attributes of");
	return entry->call->json ? call_answer(entry->call, schema, NULL) : STATUS_OK;
}

int
run_file_set_attributes(struct call *call)
{
	const char *class_name = call_option(call, "oclass");
	const char *chunk_text = call_option(call, "chunk-size");
	daos_oclass_id_t class = 0;
	uint64_t chunk = 0;
	struct entry entry;
	int rc, error = 0;

	if (!class_name && !chunk_text)
		return call_misused(call, NULL, "nothing to set: give --oclass or --chunk-size");
	if (class_name)
		class = (daos_oclass_id_t)daos_oclass_name2id(class_name);
	if (class_name && class == OC_UNKNOWN)
		return call_misused(call, NULL, "there is no object class `%s'", class_name);
	if (chunk_text && (!size_parse(chunk_text, &chunk) || chunk == 0))
		return call_misused(call, NULL, "`%s' is no size", chunk_text);
	rc = entry_open(call, true, &entry);
	if (rc)
		return rc;
	if (class_name)
		error = dfs_obj_set_oclass(entry.dfs, entry.object, 0, class);
	if (error == 0 && chunk_text)
		error = dfs_obj_set_chunk_size(entry.dfs, entry.object, 0, chunk);
	rc = change_done(&entry, error, "filesystem.set-attr/1");
	entry_close(&entry);
	return rc;
}

/* Back to what the container says. */
static int
reset(struct call *call, bool class, bool chunk)
{
	dfs_attr_t attributes = {0};
	struct entry entry;
	int rc = entry_open(call, true, &entry), error;

	if (rc)
		return rc;
	error = dfs_query(entry.dfs, &attributes);
	if (error == 0 && class)
		error = dfs_obj_set_oclass(entry.dfs, entry.object, 0, attributes.da_oclass_id);
	if (error == 0 && chunk)
		error = dfs_obj_set_chunk_size(entry.dfs, entry.object, 0,
					       attributes.da_chunk_size);
	rc = change_done(&entry, error, "filesystem.reset-attr/1");
	entry_close(&entry);
	return rc;
}

int
run_file_reset_attributes(struct call *call)
{
	return reset(call, true, true);
}

int
run_file_reset_chunk_size(struct call *call)
{
	return reset(call, false, true);
}

int
run_file_reset_class(struct call *call)
{
	return reset(call, true, false);
}

/* ------------------------------------------------ chmod */

int
run_file_chmod(struct call *call)
{
	const char *text = call_option(call, "mode");
	struct stat status = {0};
	struct entry entry;
	char *end = NULL;
	unsigned long mode;
	int rc, error;

	mode = text ? strtoul(text, &end, 8) : 0;
	if (!text || end == text || *end != '\0' || mode > 07777)
		return call_misused(call, NULL, "no mode: write --mode=0750");
	rc = entry_open(call, true, &entry);
	if (rc)
		return rc;
	error = dfs_ostat(entry.dfs, entry.object, &status);
	status.st_mode = (status.st_mode & S_IFMT) | (mode_t)mode;
	if (error == 0)
		error = dfs_osetattr(entry.dfs, entry.object, &status, DFS_SET_ATTR_MODE);
	rc = change_done(&entry, error, "filesystem.chmod/1");
	entry_close(&entry);
	return rc;
}

/* ------------------------------------------------ options */

const struct option_row file_path_options[] = {
	{"dfs-path", 0, "PATH", "in the container [/]"},
	{NULL, 0, NULL, NULL},
};

const struct option_row file_set_options[] = {
	{"dfs-path", 0, "PATH", "in the container [/]"},
	{"oclass", 'o', "CLASS", "of new files and directories below it"},
	{"chunk-size", 'z', "SIZE", "of new files below it"},
	{NULL, 0, NULL, NULL},
};

const struct option_row file_chmod_options[] = {
	{"dfs-path", 0, "PATH", "in the container [/]"},
	{"mode", 'm', "MODE", "in octal digits"},
	{NULL, 0, NULL, NULL},
};
