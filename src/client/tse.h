/* SPDX-License-Identifier: BSD-2-Clause-Patent */
/*
 * Tasks and their scheduler (daos/tse.h), as the files tse_*.c and task*.c share them.
 *
 * A scheduler is an object over one client context. Its lock is the context's, which is never held
 * while a function of the user runs. Bodies of users and all callbacks run on the stack of whoever
 * schedules at once, completes or drives the scheduler; the body of an operation is the public call
 * under an event of the task, so that it runs on a fiber of the context as any launched call does.
 *
 *	NEW -> WAITING, SLEEPING or READY -> RUNNING or OPERATING -> ENDING -> COMPLETED
 *
 * reinit leads from RUNNING, ENDING and COMPLETED back to the second place, reset from COMPLETED to
 * the first. What a running task is made to wait for lets it pass through ADJOURNED.
 */
#pragma once

#include "client/private.h"
#include "daos_task.h"

/* Operations of a scheduler under way; the next ones are held until one has ended. */
#define TASK_OPERATIONS_MAX 256u

/* A public call whose arguments are a struct of daos_task.h. */
typedef int task_call(void *arguments, daos_event_t *event);

enum task_state {
	TASK_NEW,
	TASK_WAITING, /* for tasks it depends on, or for the user code that put it back to return */
	TASK_SLEEPING,	/* until its time has come */
	TASK_READY,	/* to be run; in ready or again */
	TASK_HELD,	/* to be run, but too many operations are under way */
	TASK_OVER,	/* to be completed; in ready */
	TASK_RUNNING,	/* until somebody completes it */
	TASK_ADJOURNED, /* until what it waits for has completed; then it completes by itself */
	TASK_OPERATING, /* its operation has been launched */
	TASK_ENDING,	/* its completion callbacks are being called */
	TASK_COMPLETED,
};

struct task_callback {
	struct list link;
	tse_task_cb_t function;
	void *argument; /* the user's, or bytes */
	uint64_t bytes[];
};

/* One task that waits for the task in whose list it is; holds a reference to it. */
struct task_edge {
	struct list link;
	struct task *dependent;
};

struct scheduler;

struct task {
	tse_task_t public; /* first; dt_pad32 is the mark */
	struct scheduler *scheduler;
	tse_task_func_t body; /* NULL of an operation */
	task_call *call;      /* NULL of a user's body */
	void *priv;
	daos_event_t event; /* of the operation under way */
	/* All below: the context's lock. */
	struct list link;      /* of ready, again or held */
	struct list scheduled; /* of scheduler->tasks */
	struct queue_node sleep;
	d_list_t listed;     /* of the caller; not under the lock */
	struct list prepare; /* struct task_callback, in the order of registration */
	struct list complete;
	struct list dependents; /* struct task_edge */
	uint64_t wake;		/* not before (monotonic) */
	atomic_uint references; /* one is the scheduler's, until the task has completed */
	uint32_t open;		/* tasks it waits for */
	uint32_t generation;	/* how often it was put back */
	uint32_t inside;	/* functions of the user for this task that run now */
	enum task_state state;
	int outcome;  /* of TASK_OVER */
	bool adopted; /* dependencies came while it ran: it completes with them */
	bool deaf;    /* does not inherit failures */
};

enum scheduler_phase { SCHEDULER_OPEN, SCHEDULER_COMPLETING, SCHEDULER_CANCELLING };

struct scheduler_callback {
	struct list link;
	tse_sched_comp_cb_t function;
	void *argument;
};

/* Lies in tse_sched_t.ds_private. */
struct scheduler {
	uint64_t magic;
	struct client *client;
	uint32_t life; /* the client's: whether context is still there */
	struct client_context *context;
	struct event_set *events; /* of the operations under way; the context's */
	struct list tasks;	  /* scheduled and not completed */
	struct list ready;	  /* to be run or completed */
	struct list again;	  /* put back: to be run by the next turn */
	struct list held;	  /* operations above the limit */
	struct priority_queue sleeping;
	struct list callbacks; /* struct scheduler_callback */
	atomic_uint references;
	atomic_uint active; /* members of tasks */
	atomic_uint due;    /* members of ready and again */
	atomic_uint naps;   /* sleepers so far: who waits looks anew for the first of them */
	uint32_t operations;
	enum scheduler_phase phase;
};

_Static_assert(sizeof(tse_task_t) == TSE_TASK_SIZE, "public layout");
_Static_assert(sizeof(((tse_task_t *)0)->dt_private) == TSE_PRIV_SIZE, "public layout");
_Static_assert(offsetof(tse_task_t, dt_private) == 8, "public layout");
_Static_assert(sizeof(tse_sched_t) == 400 && offsetof(tse_sched_t, ds_private) == 16,
	       "public layout");
#if defined(__x86_64__)
_Static_assert(TSE_TASK_ARG_LEN == 880 && TSE_TASK_SIZE == 1024, "public layout");
#endif
_Static_assert(sizeof(struct scheduler) <= sizeof(((tse_sched_t *)0)->ds_private), "public layout");

/* ------------------------------------------------ what the public pointers name */

/* NULL for what is none. */
struct task *task_of(tse_task_t *task);
struct scheduler *scheduler_of(tse_sched_t *sched);
tse_sched_t *scheduler_public(struct scheduler *scheduler);

/*
 * Takes the lock; false where there is nothing to lock: no scheduler, or one whose client has ended
 * or was left behind by a fork.
 */
MUST_USE bool scheduler_enter(struct scheduler *scheduler);
void scheduler_leave(struct scheduler *scheduler);
/* Gives the lock up around a function of the user for task. */
void task_leave_lock(struct task *task);
void task_retake_lock(struct task *task);

/* ------------------------------------------------ all with the lock held */

static inline void
task_get(struct task *task)
{
	atomic_fetch_add(&task->references, 1);
}
/* Frees it with the last reference. */
void task_put(struct task *task);

/* Puts a task that is in no list where it belongs now. */
void task_enqueue(struct task *task, struct list *when_ready);
/* Takes it out of the list or queue in which it waits for its turn. */
void task_dequeue(struct task *task);
/* Lets the next turn complete it with outcome. */
void task_over(struct task *task, int outcome);
/* Runs it now; what its body returned, or its result when it has completed. */
int task_run(struct task *task);
/* Calls the completion callbacks, and completes it unless they put it back. */
void task_end(struct task *task, int result);
/* Tells what depends on it: one less to wait for. */
void task_release_dependents(struct task *task, int result);
/* Interrupts its operation, which then ends. */
void task_interrupt(struct task *task);

/* One turn: what is due is run or completed, what follows from that too. */
void scheduler_turn(struct scheduler *scheduler);
/* Every task ends with -DER_CANCELED, operations as soon as they have been interrupted. */
void scheduler_cancel(struct scheduler *scheduler);

/* ------------------------------------------------ for daos_task_*() */

/* As tse_task_reset(), to the operation call. */
MUST_USE int task_reset_call(struct task *task, task_call *call);
/* As tse_task_create(), of an operation. */
MUST_USE int task_create_call(tse_sched_t *sched, task_call *call, struct task **ret_task);
/* Of an opcode; NULL for what there is not. */
task_call *task_call_of(int opcode);
