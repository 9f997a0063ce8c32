/* SPDX-License-Identifier: BSD-2-Clause-Patent */
/*
 * A tree of files, of this machine or in a container, behind one table of operations. All return 0
 * or an errno. They may be called on several fibers of one thread at a time.
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>
#include <sys/stat.h>

#include "daos_fs.h"
#include "tools/daos_verbs.h"

struct file_tree;

typedef int (*file_tree_visit)(void *argument, const char *name, const struct stat *status);

struct file_tree_operations {
	/* Attributes of a path from the tree's root, of a symlink itself. */
	int (*stat)(struct file_tree *tree, const char *path, struct stat *ret_status);
	/* Directories are opaque; each is closed by close_directory. */
	int (*open_path)(struct file_tree *tree, const char *path, void **ret_directory);
	int (*open_directory)(struct file_tree *tree, void *parent, const char *name,
			      void **ret_directory);
	/* Fine when it is there already. */
	int (*make_directory)(struct file_tree *tree, void *parent, const char *name, mode_t mode);
	void (*close_directory)(struct file_tree *tree, void *directory);
	int (*set_directory)(struct file_tree *tree, void *directory, const struct stat *status);
	/* Calls visit for each entry but . and .. until it returns non-zero, which is returned. */
	int (*list)(struct file_tree *tree, void *directory, file_tree_visit visit, void *argument);
	int (*open_file)(struct file_tree *tree, void *directory, const char *name,
			 void **ret_file);
	/* Makes it, or empties the one that is there. */
	int (*make_file)(struct file_tree *tree, void *directory, const char *name, mode_t mode,
			 void **ret_file);
	/* Less than asked for: the end. */
	int (*read)(struct file_tree *tree, void *file, void *buffer, size_t size, uint64_t offset,
		    size_t *ret_size);
	int (*write)(struct file_tree *tree, void *file, const void *buffer, size_t size,
		     uint64_t offset);
	/* Mode and times; as root the owner, too, as of directories. */
	int (*set_file)(struct file_tree *tree, void *file, const struct stat *status);
	int (*close_file)(struct file_tree *tree, void *file);
	int (*read_link)(struct file_tree *tree, void *directory, const char *name, char *target,
			 size_t size);
	/* Replaces the symlink that is there. Its owner is that of status, as root. */
	int (*make_link)(struct file_tree *tree, void *directory, const char *name,
			 const char *target, const struct stat *status);
	/* Extended attributes of an open file or, with is_file false, directory. Names follow each
	 * other, each with its NUL; a size too small is ERANGE, size 0 asks for the size needed.
	 * ENOTSUP: this tree has none. */
	int (*list_attributes)(struct file_tree *tree, void *object, bool is_file, char *names,
			       size_t size, size_t *ret_size);
	int (*get_attribute)(struct file_tree *tree, void *object, bool is_file, const char *name,
			     void *value, size_t size, size_t *ret_size);
	int (*set_attribute)(struct file_tree *tree, void *object, bool is_file, const char *name,
			     const void *value, size_t size);
	void (*close)(struct file_tree *tree);
};

struct file_tree {
	const struct file_tree_operations *operations;
	const char *name; /* "DAOS" or "POSIX" */
	bool writing;	  /* otherwise it is only read */
	bool made;	  /* its container was not there before */
	char *path;	  /* where the user pointed, from the tree's root */
	struct open_container open;
	dfs_t *dfs;
};

/*
 * Opens the tree that text points into: "daos://pool/container/path" or a path. For writing a
 * container that is not there is made, with properties (may be NULL). A failure is printed.
 * STATUS_OK or what to exit with.
 */
int file_tree_open(struct call *call, const char *text, bool writing, daos_prop_t *properties,
		   struct file_tree *ret_tree);
/* Whether text names a path in a container. */
bool file_tree_is_container(const char *text);
void file_tree_close(struct file_tree *tree);

extern const struct file_tree_operations file_tree_posix;
extern const struct file_tree_operations file_tree_dfs;
