/* SPDX-License-Identifier: BSD-2-Clause-Patent */
/* Tasks with dependencies, and their scheduler, which is driven by whoever calls it. */
#ifndef __TSE_SCHEDULE_H__
#define __TSE_SCHEDULE_H__

#include <inttypes.h>
#include <pthread.h>
#include <stdbool.h>

#include <gurt/list.h>

#if defined(__cplusplus)
extern "C" {
#endif

/** Room for the argument struct of a task. */
#define TSE_TASK_ARG_LEN	(840 + sizeof(pthread_mutex_t))
#define TSE_PRIV_SIZE		(TSE_TASK_ARG_LEN + 136)
#define TSE_TASK_SIZE		(TSE_PRIV_SIZE + 8)

/** A task; only its result is public. */
typedef struct tse_task {
	int dt_result; /**< result so far, read and set by callbacks */
	int dt_pad32;
	struct {
		char dt_space[TSE_PRIV_SIZE];
	} dt_private __attribute__((aligned(8)));
} tse_task_t;

/** A scheduler in memory of the caller. */
typedef struct {
	int ds_result;  /**< first non-zero result of a task */
	void *ds_udata; /**< pointer of the user */
	struct {
		uint64_t ds_space[48];
	} ds_private;
} tse_sched_t;

typedef int (*tse_sched_comp_cb_t)(void *args, int rc);
typedef int (*tse_task_func_t)(tse_task_t *task);
typedef int (*tse_task_cb_t)(tse_task_t *task, void *arg);

/*
 * A finished task hands its result to each dependent whose own is still 0, unless the dependent
 * called tse_disable_propagate; a dependent runs even then. A task whose body returns while
 * dependencies added inside it are open stays running and completes by itself when they do.
 */

/** Argument buffer of a task. */
void *tse_task2arg(tse_task_t *task);

/** Scheduler of a task. */
tse_sched_t *tse_task2sched(tse_task_t *task);

/** Prepare a caller-owned scheduler; comp_cb(udata, rc) runs when it finishes. */
int tse_sched_init(tse_sched_t *sched, tse_sched_comp_cb_t comp_cb, void *udata);

/** Release it; must hold no tasks. */
void tse_sched_fini(tse_sched_t *sched);

/** Takes a reference. */
void tse_sched_addref(tse_sched_t *sched);

/** Drop a reference. */
void tse_sched_decref(tse_sched_t *sched);

/** Wait for (or, with cancel, abort) all tasks, then finish with ret. */
void tse_sched_complete(tse_sched_t *sched, int ret, bool cancel);

/** One more completion callback (run last registered first). */
int tse_sched_register_comp_cb(tse_sched_t *sched, tse_sched_comp_cb_t comp_cb, void *arg);

/** Run tasks whose dependencies are met and handle completed ones. */
void tse_sched_progress(tse_sched_t *sched);

/** True when no task is left. */
bool tse_sched_check_complete(tse_sched_t *sched);

/**
 * Allocate a task with body function and private pointer; freed when it completes and the last
 * reference goes.
 */
int tse_task_create(tse_task_func_t task_func, tse_sched_t *sched, void *priv, tse_task_t **taskp);

/** Queue it; instant=true runs the body at once if it has no open dependency. */
int tse_task_schedule(tse_task_t *task, bool instant);

/** tse_task_schedule, not before delay microseconds. */
int tse_task_schedule_with_delay(tse_task_t *task, bool instant, uint64_t delay);

/**
 * Completion callback with a copied argument of arg_size bytes (0 = pass the pointer itself);
 * callbacks run last registered first.
 */
int tse_task_register_comp_cb(tse_task_t *task, tse_task_cb_t comp_cb, void *arg, size_t arg_size);

/** Add callback and requeue the task in one step; the callback is removed again on failure. */
int tse_task_register_comp_cb_and_reinit(tse_task_t *task, tse_task_cb_t comp_cb, void *arg,
					 size_t arg_size, uint64_t delay);

/**
 * No effect when already complete; otherwise keep an earlier non-zero dt_result or store ret,
 * run the completion callbacks, then (unless one of them reinitialised the task) release
 * dependents.
 */
void tse_task_complete(tse_task_t *task, int ret);

/** Pointer to the built-in buffer, NULL when size exceeds TSE_TASK_ARG_LEN. */
void *tse_task_buf_embedded(tse_task_t *task, int size);

/** Private pointer. */
void *tse_task_get_priv(tse_task_t *task);

/** Replace it, returns the old one. */
void *tse_task_set_priv(tse_task_t *task, void *priv);

/** Task waits for the listed tasks; they must not be running yet. */
int tse_task_register_deps(tse_task_t *task, int num_deps, tse_task_t **dep_tasks);

/**
 * Prepare callback (before the body) and completion callback, either may be NULL; data copied
 * when size > 0; prepare callbacks run in registration order, completion callbacks in reverse.
 */
int tse_task_register_cbs(tse_task_t *task, tse_task_cb_t prep_cb, void *prep_data,
			  size_t prep_data_size, tse_task_cb_t comp_cb, void *comp_data,
			  size_t comp_data_size);

/**
 * Put a finished or running task back on the init list to run again; to be called from a
 * completion callback or the body.
 */
int tse_task_reinit(tse_task_t *task);

/** tse_task_reinit with a delay in microseconds. */
int tse_task_reinit_with_delay(tse_task_t *task, uint64_t delay);

/** Give a completed or unstarted task a new body and private pointer. */
int tse_task_reset(tse_task_t *task, tse_task_func_t task_func, void *priv);

/** Take a reference. */
void tse_task_addref(tse_task_t *task);

/** Drop one; frees at zero. */
void tse_task_decref(tse_task_t *task);

/** Link an unstarted task on a caller list. */
int tse_task_list_add(tse_task_t *task, d_list_t *head);

/** Unlink. */
void tse_task_list_del(tse_task_t *task);

/** First task or NULL. */
tse_task_t *tse_task_list_first(d_list_t *head);

/** Schedule all on the list. */
void tse_task_list_sched(d_list_t *head, bool instant);

/** Complete all on the list with rc. */
void tse_task_list_abort(d_list_t *head, int rc);

/** Every listed task depends on task. */
int tse_task_list_depend(d_list_t *head, tse_task_t *task);

/** Task depends on every listed one. */
int tse_task_depend_list(tse_task_t *task, d_list_t *head);

/** Call cb for each until it fails; the callback may unlink the task. */
int tse_task_list_traverse(d_list_t *head, tse_task_cb_t cb, void *arg);

/** tse_task_list_traverse that goes on after a failing callback and returns the last failure. */
int tse_task_list_traverse_adv(d_list_t *head, tse_task_cb_t cb, void *arg);

/** This task does not inherit the failure of tasks it depends on. */
void tse_disable_propagate(tse_task_t *task);

#if defined(__cplusplus)
}
#endif

#endif /* __TSE_SCHEDULE_H__ */
