/* SPDX-License-Identifier: BSD-2-Clause-Patent */
/* The operations of a worker in its own directory, by kind; each judges what it gets at once. */
#pragma once

#include "tree.h"

/* work_content.c */
void work_write(struct worker *worker);
void work_append(struct worker *worker);
void work_read(struct worker *worker);
void work_truncate(struct worker *worker);
void work_allocate(struct worker *worker);
void work_map(struct worker *worker);
void work_sync(struct worker *worker);
void work_close(struct worker *worker);
void work_holes(struct worker *worker);
void work_copy(struct worker *worker);

/* work_names.c */
void work_create(struct worker *worker);
void work_make_directory(struct worker *worker);
void work_make_symlink(struct worker *worker);
void work_link(struct worker *worker);
void work_unlink(struct worker *worker);
void work_unlink_open(struct worker *worker);
void work_remove_directory(struct worker *worker);
void work_rename(struct worker *worker);
void work_list(struct worker *worker);
void work_attributes(struct worker *worker);
void work_mode(struct worker *worker);
void work_note(struct worker *worker);

/* Bytes that nobody else writes. */
void pattern_fill(struct worker *worker, uint8_t *bytes, size_t length);
