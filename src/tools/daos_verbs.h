/* SPDX-License-Identifier: BSD-2-Clause-Patent */
/* The verbs of `daos`. */
#pragma once

#include "daos.h"
#include "daos_version.h"
#include "tools/output.h"

extern const struct command container_commands[];
extern const struct command filesystem_commands[];
extern const struct command object_commands[];

/* Attributes of files and directories. */
extern const struct option_row file_path_options[], file_set_options[], file_chmod_options[];
int run_file_get_attributes(struct call *call);
int run_file_set_attributes(struct call *call);
int run_file_reset_attributes(struct call *call);
int run_file_reset_chunk_size(struct call *call);
int run_file_reset_class(struct call *call);
int run_file_chmod(struct call *call);

/* Mending of file systems. */
extern const struct option_row file_check_options[], file_scan_options[];
extern const struct option_row file_fix_superblock_options[], file_fix_entry_options[];
int run_file_check(struct call *call);
int run_file_scan(struct call *call);
int run_file_fix_superblock(struct call *call);
int run_file_fix_root(struct call *call);
int run_file_fix_entry(struct call *call);

/* Paths that dfuse serves. */
int run_file_query_mount(struct call *call);
int run_file_evict(struct call *call);

/* Attributes of users. */
int run_pool_list_attributes(struct call *call);
int run_pool_get_attributes(struct call *call);
int run_pool_set_attributes(struct call *call);
int run_pool_delete_attributes(struct call *call);
int run_container_list_attributes(struct call *call);
int run_container_get_attributes(struct call *call);
int run_container_set_attributes(struct call *call);
int run_container_delete_attributes(struct call *call);

int run_container_list(struct call *call);
int run_container_get_properties(struct call *call);
int run_container_set_properties(struct call *call);
int run_container_link(struct call *call);

/* Snapshots. */
int run_container_create_snapshot(struct call *call);
int run_container_list_snapshots(struct call *call);
int run_container_destroy_snapshots(struct call *call);
int run_container_rollback(struct call *call);
int run_container_list_objects(struct call *call);

/* Exit status 8 where something is damaged. */
int run_container_check(struct call *call);

/* "name:value,name:value" of a container; NULL gives no list, which is to be freed by
 * daos_prop_free(). STATUS_OK or what to exit with. */
int read_container_properties(struct call *call, const char *text, daos_prop_t **ret_properties);

/* Connects to a pool; a failure is printed. STATUS_OK or what to exit with. */
int open_pool(struct call *call, const char *name, unsigned int flags, daos_handle_t *ret_pool);

/* Opens a container as well; both are closed by close_container(). */
struct open_container {
	daos_handle_t pool, container;
	daos_cont_info_t info;
};
int open_container(struct call *call, const char *pool, const char *container, unsigned int flags,
		   struct open_container *ret_open);
void close_container(const struct open_container *open);
