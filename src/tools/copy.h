/* SPDX-License-Identifier: BSD-2-Clause-Patent */
/*
 * Copies a tree into another one, with several files under way: one thread, one event queue, and a
 * fiber for each entry, so that an entry's copy is a straight line of blocking calls.
 */
#pragma once

#include "tools/file_tree.h"

struct copy_counts {
	uint64_t directories, files, links, attributes, bytes, skipped, errors;
	uint64_t nanoseconds;
};

struct copy_options {
	bool ignore_unsupported; /* skip devices, sockets, pipes, and attributes
				  * that the target cannot have */
	bool progress;
};

/*
 * Copies what source->path names to target->path, as `cp -r` does: into it when it is a directory,
 * except that the whole of a container goes to where target points. Entries that fail are named on
 * standard error and counted. 0, or the errno of what could not even begin; then ret_failed is the
 * path.
 */
int copy_tree(struct file_tree *source, struct file_tree *target,
	      const struct copy_options *options, struct copy_counts *ret_counts,
	      const char **ret_failed);
