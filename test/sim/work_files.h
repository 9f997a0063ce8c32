/* SPDX-License-Identifier: BSD-2-Clause-Patent */
/*
 * The inside of the workload "files": each actor has a directory of its own, whose tree only it
 * changes, and names in a directory that all of them share.
 */
#pragma once

#include <fcntl.h>
#include <stdio.h>

#include "daos_fs.h"
#include "daos_fs_sys.h"
#include "sim/check_register.h"
#include "sim/memory.h"
#include "sim/sim.h"
#include "sim/tree_model.h"

enum files_operation {
	FILES_MOUNT,
	FILES_LOOKUP,
	FILES_MKDIR,
	FILES_CREATE,
	FILES_SYMLINK,
	FILES_WRITE,
	FILES_READ,
	FILES_SIZE,
	FILES_CUT,
	FILES_HOLE,
	FILES_REMOVE,
	FILES_MOVE,
	FILES_EXCHANGE,
	FILES_LIST,
	FILES_STAT,
	FILES_MODE,
	FILES_OWNER,
	FILES_TIME,
	FILES_ACCESS,
	FILES_READLINK,
	FILES_FOLLOW,
	FILES_SET_ATTRIBUTE,
	FILES_REMOVE_ATTRIBUTE,
	FILES_GET_ATTRIBUTE,
	FILES_LIST_ATTRIBUTES,
	FILES_HANDLES,
	FILES_REFUSED,
	FILES_CONTAINER,
	FILES_WHOLE,
	FILES_SHARED_MAKE,
	FILES_SHARED_READ,
	FILES_SHARED_REMOVE,
	FILES_SHARED_MOVE,
	FILES_OPERATIONS
};

/* Names in the shared directory: the first are made, removed and read, and their history must be
 * linearizable; the others are also renamed. */
#define SHARED_NAMES 4u
#define SHARED_MOVED 3u
#define SHARED_HISTORY 220u
#define FILES_PATH_MAX 4096u
/* Bytes of one read or write, the most. */
#define FILES_IO_MAX (160u * 1024)

/* ------------------------------------------------ the model */

/* What was done to one name; one that has seen too much is followed by another. */
struct shared_name {
	struct shared_name *next; /* the one before */
	struct register_operation operations[SHARED_HISTORY];
	uint32_t count, unknown;
	char name[16];
};

/* An actor: what of it outlives its fiber. */
struct files_hand {
	struct name_tree tree;
	struct name_change change;  /* under way */
	uint64_t ended;		    /* changes */
	bool has_root;		    /* its directory was certainly made */
	struct shared_name *shared; /* where an operation is under way, and its number */
	uint32_t shared_entry;
	uint32_t containers;	   /* made by it, by their numbers */
	uint8_t *bytes, *expected; /* FILES_IO_MAX each */
};

struct files_model {
	struct sim *sim;
	struct server *server;
	struct files_hand *hands;
	uint32_t hand_count;
	uint64_t io_limit; /* bytes of one write */
	uint64_t *made;	   /* what was put into the shared directory, ever: numbers of writes */
	uint32_t made_count, made_room;
	struct shared_name *shared[SHARED_NAMES]; /* the latest */
	uint32_t shared_serial;
};

/* ------------------------------------------------ an actor on its fiber */

struct files_actor {
	struct actor *actor;
	struct files_model *model;
	struct files_hand *hand;
	struct name_tree *tree;
	struct stream *random;
	dfs_t *dfs;
	dfs_sys_t *sys;
	char top[16];		   /* the path of its directory */
	uint8_t *bytes, *expected; /* the hand's */
	daos_handle_t queue;	   /* of events; invalid when there is none */
};

/* work_files.c: */

/* Whether acknowledged operations of this server may be lost: nothing is certain then. */
bool files_loose(const struct files_actor *files);
/*
 * Counts an operation that ended with an errno where `expected` is foreseen; anything else is
 * reported unless the faults excuse it. Returns what the model makes of it.
 */
enum outcome files_done(struct files_actor *files, enum files_operation operation, int error,
			int expected, const char *what);
/* Ends the change under way. */
void files_end(struct files_actor *files, enum outcome outcome);
/* The absolute path of a node, or of a name in it (NULL: the node). False: too long. */
bool files_path(const struct files_actor *files, const struct name_node *node, const char *name,
		char path[FILES_PATH_MAX]);
/* Opens a node by its path; *ret_object is NULL when that failed. */
bool files_open(struct files_actor *files, const struct name_node *node, int flags,
		dfs_obj_t **ret_object);
/* A node of these kinds (bits of enum name_kind) somewhere in the tree, or NULL. */
struct name_node *files_draw_node(struct files_actor *files, uint32_t kinds);
/* A name in directory: one that is there (NULL: none), or one that may be made. */
struct name_entry *files_draw_present(struct files_actor *files, struct name_node *directory);
struct name_entry *files_draw_absent(struct files_actor *files, struct name_node *directory);
/* Makes the list of iovs over size bytes. */
#define FILES_IOVS_MAX 3u
void files_sgl(struct files_actor *files, void *bytes, size_t size, d_iov_t iovs[FILES_IOVS_MAX],
	       d_sg_list_t *ret_sgl);

/* A name as the functions of dfs and those of dfs_sys want it. */
struct files_at {
	bool by_path;
	dfs_obj_t *parent;
	const char *name;
	char path[FILES_PATH_MAX];
};
/* False: the directory could not be opened. */
bool files_at(struct files_actor *files, const struct name_node *directory, const char *name,
	      struct files_at *at);
/* The same for a node that is not the tree's root. */
bool files_at_node(struct files_actor *files, const struct name_node *node, struct files_at *at);
void files_at_end(struct files_at *at);

/* work_files_change.c and work_files_data.c: one operation each. */
void files_mkdir(struct files_actor *files);
void files_create(struct files_actor *files);
void files_symlink(struct files_actor *files);
void files_remove(struct files_actor *files);
void files_move(struct files_actor *files);
void files_exchange(struct files_actor *files);
void files_mode(struct files_actor *files);
void files_owner(struct files_actor *files);
void files_time(struct files_actor *files);
void files_set_attribute(struct files_actor *files);
void files_remove_attribute(struct files_actor *files);
void files_refused(struct files_actor *files);
void files_write(struct files_actor *files);
void files_read(struct files_actor *files);
void files_size(struct files_actor *files);
void files_cut(struct files_actor *files);
void files_hole(struct files_actor *files);

/* work_files_look.c: */
void files_lookup(struct files_actor *files);
void files_list(struct files_actor *files);
void files_stat(struct files_actor *files);
void files_access(struct files_actor *files);
void files_readlink(struct files_actor *files);
void files_follow(struct files_actor *files);
void files_get_attribute(struct files_actor *files);
void files_list_attributes(struct files_actor *files);
/* Looks at names in limbo, some of them or all. */
void files_look_at_limbo(struct files_actor *files, bool all);
/* A name that somebody else is just moving something onto is there all the time. */
void files_watch(struct files_actor *files);
/* Compares all of the tree. */
void files_verify_tree(struct files_actor *files);
/* Reads a node's bytes and compares. */
void files_verify_content(struct files_actor *files, struct name_node *node, dfs_obj_t *object);
/* Whether a stat of a node can be; it learns from it. */
void files_check_stat(struct files_actor *files, struct name_node *node, const struct stat *stat,
		      bool sized);

/* work_files_extra.c: */
void files_mounts(struct files_actor *files);
void files_handles(struct files_actor *files);
void files_containers(struct files_actor *files);
void files_verify_containers(struct files_actor *files);
void files_container_label(const struct files_actor *files, uint32_t actor, uint32_t number,
			   char label[40]);

/* work_files_whole.c: */
void files_whole(struct files_actor *files);

/* work_files_shared.c: */
void files_shared_make(struct files_actor *files);
void files_shared_read(struct files_actor *files);
void files_shared_remove(struct files_actor *files);
void files_shared_move(struct files_actor *files);
void files_shared_verify(struct files_actor *files);
/* What the actor before had under way is of unknown outcome. */
void files_shared_lost(struct files_model *model, struct files_hand *hand);
void files_shared_judge(struct files_model *model);
void files_shared_free(struct files_model *model);
