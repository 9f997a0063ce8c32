/* SPDX-License-Identifier: BSD-2-Clause-Patent */
/* daos filesystem: copy and query, and the table of its verbs. */
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>

#include "daos_fs.h"
#include "tools/copy.h"
#include "tools/copy_properties.h"
#include "tools/daos_verbs.h"

/* ------------------------------------------------ copy */

static int
answer_copy(struct call *call, const struct file_tree *source, const struct file_tree *target,
	    const struct copy_counts *counts)
{
	json_object *response = json_object_new_object(), *stats = json_object_new_object();
	char *type = text_format("%s->%s", source->name, target->name);

	json_object_object_add(stats, "num_dirs", json_number(counts->directories));
	json_object_object_add(stats, "num_files", json_number(counts->files));
	json_object_object_add(stats, "num_links", json_number(counts->links));
	json_object_object_add(stats, "num_attributes", json_number(counts->attributes));
	json_object_object_add(stats, "num_skipped", json_number(counts->skipped));
	json_object_object_add(stats, "num_bytes", json_number(counts->bytes));
	json_object_object_add(stats, "seconds",
			       json_object_new_double((double)counts->nanoseconds / 1e9));
	json_object_object_add(response, "copy_type", json_text(type));
	json_object_object_add(response, "copy_stats", stats);
	free(type);
	return call_answer(call, "filesystem.copy/1", response);
}

static void
print_copy(const char *source, const struct file_tree *target, const char *text,
	   const struct copy_counts *counts)
{
	double seconds = (double)counts->nanoseconds / 1e9;
	char size[SIZE_TEXT], rate[SIZE_TEXT];

	printf("Successfully copied %s to %s: %s\n", source, target->name, text);
	printf("    Directories: %llu\n    Files:       %llu\n    Links:       %llu\n",
	       (unsigned long long)counts->directories, (unsigned long long)counts->files,
	       (unsigned long long)counts->links);
	if (counts->attributes > 0)
		printf("    Attributes:  %llu\n", (unsigned long long)counts->attributes);
	if (counts->skipped > 0)
		printf("    Skipped:     %llu\n", (unsigned long long)counts->skipped);
	printf("    Data:        %s in %.2f s: %s/s, %.0f files/s\n",
	       size_decimal(counts->bytes, size), seconds,
	       size_decimal((uint64_t)((double)counts->bytes / seconds), rate),
	       (double)(counts->files + counts->links) / seconds);
}

static int
code_of_begin(int error)
{
	if (error == ENOENT || error == ENOTDIR)
		return -DER_NONEXIST;
	if (error == EACCES || error == EPERM)
		return -DER_NO_PERM;
	return error == ENOSPC ? -DER_NOSPACE : -DER_MISC;
}

static int
copy_between(struct call *call, const char *from, const char *to, struct file_tree *source,
	     struct file_tree *target)
{
	struct copy_options options = {.ignore_unsupported =
					       call_option(call, "ignore-unsupported") != NULL,
				       .progress = !call->json};
	struct copy_counts counts = {0};
	const char *failed;
	int rc = copy_tree(source, target, &options, &counts, &failed);

	if (rc)
		return call_fail_because(
			call, code_of_begin(rc), strerror(rc),
			"see that the source and the parent of the destination exist",
			"failed to copy %s to %s: %s", from, to, failed);
	if (counts.errors > 0)
		return call_fail_because(call, -DER_MISC,
					 "the entries named above could not be copied",
					 "see why, then copy again: what is there is replaced",
					 "%llu entries of %s were not copied",
					 (unsigned long long)counts.errors, from);
	if (call->json)
		return answer_copy(call, source, target, &counts);
	print_copy(from, target, to, &counts);
	return STATUS_OK;
}

/* kept is the file of --preserve-props, or NULL. */
static int
copy_into(struct call *call, const char *from, const char *to, const char *kept,
	  struct file_tree *source)
{
	struct kept_properties properties = {0};
	struct file_tree target;
	int rc = STATUS_OK;

	if (kept && file_tree_is_container(to))
		rc = properties_read(call, kept, &properties);
	if (rc)
		return rc;
	rc = file_tree_open(call, to, true, properties.properties, &target);
	if (rc == STATUS_OK) {
		if (target.made)
			rc = properties_set_attributes(call, &properties, target.open.container);
		if (rc == STATUS_OK)
			rc = copy_between(call, from, to, source, &target);
		file_tree_close(&target);
	}
	properties_free(&properties);
	return rc;
}

static int
run_copy(struct call *call)
{
	const char *from = call_either(call, "src", 0), *to;
	const char *kept = call_option(call, "preserve-props");
	struct file_tree source;
	int rc;

	/* With --src the first argument is the destination. */
	to = call_either(call, "dst", call_option(call, "src") ? 0 : 1);
	if (!from || !to)
		return call_misused(call, NULL,
				    "the required flags `--src' and `--dst' were not "
				    "specified");
	rc = call_connect(call);
	if (rc)
		return rc;
	rc = file_tree_open(call, from, false, NULL, &source);
	if (rc)
		return rc;
	if (kept && source.dfs)
		rc = properties_write(call, kept, source.open.container);
	if (rc == STATUS_OK)
		rc = copy_into(call, from, to, kept, &source);
	file_tree_close(&source);
	return rc;
}

/* ------------------------------------------------ query */

static int
query_container(struct call *call)
{
	struct text_fields fields = {0};
	struct open_container open;
	dfs_attr_t attributes = {0};
	char chunk[SIZE_TEXT], name[64];
	dfs_t *dfs = NULL;
	int rc = open_container(call, call->arguments[0], call->arguments[1], DAOS_COO_RO, &open);
	int error;

	if (rc)
		return rc;
	error = dfs_mount(open.pool, open.container, O_RDONLY, &dfs);
	if (error == 0) {
		error = dfs_query(dfs, &attributes);
		dfs_umount(dfs);
	}
	close_container(&open);
	if (error)
		return call_fail_because(call, -DER_INVAL, strerror(error),
					 "only containers of type POSIX hold files",
					 "failed to query the files of container \"%s\"",
					 call->arguments[1]);
	if (daos_oclass_id2name(attributes.da_oclass_id, name))
		snprintf(name, sizeof(name), "default");
	if (call->json) {
		json_object *response = json_object_new_object();

		json_object_object_add(response, "chunk_size",
				       json_number(attributes.da_chunk_size));
		json_object_object_add(response, "oclass", json_text(name));
		json_object_object_add(response, "mode",
				       json_text(attributes.da_mode & DFS_BALANCED ? "balanced"
										   : "relaxed"));
		return call_answer(call, "filesystem.query/1", response);
	}
	fields_add(&fields, "Chunk Size", "%s", size_binary(attributes.da_chunk_size, chunk));
	fields_add(&fields, "Object Class", "%s", name);
	fields_add(&fields, "Consistency", "%s",
		   attributes.da_mode & DFS_BALANCED ? "balanced" : "relaxed");
	fields_end(&fields, 2);
	return STATUS_OK;
}

/* Of a container, or of the mount that serves a path. */
static int
run_query(struct call *call)
{
	return call->argument_count == 1 ? run_file_query_mount(call) : query_container(call);
}

/* ------------------------------------------------ table */

static const struct option_row copy_options[] = {
	{"src", 's', "PATH", "what to copy: a path, or daos://pool/container/path"},
	{"dst", 'd', "PATH", "where to; into it when it is a directory"},
	{"ignore-unsupported", 0, NULL,
	 "skip devices, sockets, pipes, and attributes the target refuses"},
	{"preserve-props", 'm', "FILE",
	 "keeps properties and attributes of a container: those of the source are written, "
	 "and a container that is made for the destination gets them"},
	{NULL, 0, NULL, NULL},
};

#define PATH "<pool> <container> [path]"

const struct command filesystem_commands[] = {
	{"copy", NULL, "[source] [destination]", 0, 2,
	 "Copy a tree with symlinks, modes, times and extended attributes, either way.",
	 copy_options, run_copy,
	 "  daos filesystem copy --src=/usr/share/doc --dst=daos://tank/home/doc\n"
	 "  daos fs copy -s daos://tank/home/doc -d /tmp/doc\n"},
	{"query", NULL, "<path> | <pool> <container>", 1, 2,
	 "Show what a mount of dfuse has open, or the file attributes of a container.", NULL,
	 run_query, NULL},
	{"evict", NULL, "<path>", 1, 1, "Let the kernel forget what it keeps of a mounted path.",
	 NULL, run_file_evict, NULL},
	{"check", NULL, "<pool> <container>", 2, 2,
	 "Find objects that no name leads to; it must not be mounted.", file_check_options,
	 run_file_check, "  daos fs check tank home --flags=relink,verify --dir-name=found\n"},
	{"scan", NULL, "<pool> <container>", 2, 2, "Count files, directories and bytes.",
	 file_scan_options, run_file_scan, NULL},
	{"fix-sb", NULL, "<pool> <container>", 2, 2, "Write a damaged superblock anew.",
	 file_fix_superblock_options, run_file_fix_superblock, NULL},
	{"fix-root", NULL, "<pool> <container>", 2, 2,
	 "Write a damaged root directory's entry anew.", NULL, run_file_fix_root, NULL},
	{"fix-entry", NULL, PATH, 2, 3, "Give an entry the type or chunk size of its object.",
	 file_fix_entry_options, run_file_fix_entry, NULL},
	{"get-attr", NULL, PATH, 2, 3, "Show class, chunk size and mode of a path.",
	 file_path_options, run_file_get_attributes, NULL},
	{"set-attr", NULL, PATH, 2, 3, "Set what new entries of a directory get.", file_set_options,
	 run_file_set_attributes, "  daos fs set-attr tank home /scratch --oclass=SX\n"},
	{"reset-attr", NULL, PATH, 2, 3, "Back to the container's class and chunk size.",
	 file_path_options, run_file_reset_attributes, NULL},
	{"reset-chunk-size", NULL, PATH, 2, 3, "Back to the container's chunk size.",
	 file_path_options, run_file_reset_chunk_size, NULL},
	{"reset-oclass", NULL, PATH, 2, 3, "Back to the container's class.", file_path_options,
	 run_file_reset_class, NULL},
	{"chmod", NULL, PATH, 2, 3, "Change the mode of a path.", file_chmod_options,
	 run_file_chmod, "  daos fs chmod tank home /scratch --mode=0770\n"},
	{NULL, NULL, NULL, 0, 0, NULL, NULL, NULL, NULL},
};
