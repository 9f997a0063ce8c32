/* SPDX-License-Identifier: BSD-2-Clause-Patent */
/*
 * What a file system answers to system calls, as lines of text "group/check: outcome", one a check.
 * The program runs in an empty directory; run on a file system that is known to be right, its lines
 * are what another one's are compared with. So an outcome holds nothing that may differ: no number
 * of an inode, no present time, no size of a block.
 */
#pragma once

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/types.h>
#include <unistd.h>

#define COUNT_OF(array) (sizeof(array) / sizeof((array)[0]))

/* Begins a group: what follows happens in a new directory of that name, where the process then is.
 */
void group_begin(const char *name);
/* Goes back up and removes the directory with all that is in it. */
void group_end(void);

/* Prints one check: the text of an errno, where rc is below 0, or rc. errno is that of the call
 * before. */
void check(long rc, const char *format, ...) __attribute__((format(printf, 2, 3)));
/* Prints one check whose outcome is a text. */
void check_text(const char *outcome, const char *format, ...) __attribute__((format(printf, 2, 3)));

/* ------------------------------------------------ what checks begin with */

enum kind {
	ABSENT,
	PLAIN,
	EMPTY,
	DIRECTORY,
	FULL_DIRECTORY,
	LINK,
	LINK_DIRECTORY,
	DANGLING,
	LOOP,
	KINDS
};
extern const char *const kind_names[KINDS];

/* Makes a thing of a kind; PLAIN has the bytes "content". Ends the program where that cannot be. */
void make(enum kind kind, const char *name);
void unmake(const char *name);
void write_file(const char *name, const char *bytes);

/* What is at a name now, in words: kind and size or target, without following a link. */
const char *describe(const char *name);

/* Calls function in a child with this user and group id; returns what it returned, with its errno.
 */
long as_user(uid_t user, long (*function)(void *argument), void *argument);

/* ------------------------------------------------ groups */

void checks_open(void);
void checks_names(void);
void checks_tree(void);
void checks_rename(void);
void checks_link(void);
void checks_data(void);
void checks_attributes(void);
void checks_access(void);
void checks_directory(void);
void checks_map(void);
void checks_locks(void);
