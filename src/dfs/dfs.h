/* SPDX-License-Identifier: BSD-2-Clause-Patent */
/*
 * What programs use of libdfs besides its public functions: mending of what a damaged container
 * does not let be mounted. All return 0 or a positive errno; they *yield*.
 */
#pragma once

#include "daos_fs.h"

/* Writes the superblock of a container anew, as dfs_cont_create() would with these attributes
 * (NULL: defaults). EEXIST where it is sound: nothing is changed. */
int dfs_recreate_sb(daos_handle_t container, const dfs_attr_t *attributes);

/* Writes the entry of the root directory anew, with the caller as its owner; what is in the
 * directory is there again. EEXIST where the entry is sound: nothing is changed. */
int dfs_relink_root(daos_handle_t container);

/* Gives an entry in parent (NULL: the root) the type of its object: directory, file, or symlink
 * where it has a target; and a file the container's chunk size where it has none. EEXIST where
 * the entry is sound: nothing is changed. ENOENT. */
int dfs_obj_fix_type(dfs_t *dfs, dfs_obj_t *parent, const char *name);

/* Says with which chunk size, in bytes, a file was written. EINVAL for 0, EISDIR. */
int dfs_file_fix_chunk_size(dfs_t *dfs, dfs_obj_t *parent, const char *name,
			    daos_size_t chunk_size);
