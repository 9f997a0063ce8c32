/* SPDX-License-Identifier: BSD-2-Clause-Patent */
/*
 * The end in order. A signal unmounts while requests are still served, so that what the kernel held
 * back is written; where files are open, it is made to write that first, and the mount point goes
 * from sight. And, from time to time, what must be done from time to time.
 */
#include <errno.h>
#include <signal.h>
#include <spawn.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "dfuse/private.h"

#define ROUND_SECONDS 60
/* Between two signals to the thread that shall leave. */
#define PAUSE_NS 10000000L

extern char **environ;

struct leave {
	struct dfuse *dfuse;
	pthread_t signals, rounds, server;
	bool rounds_made;
	sigset_t set;
	pthread_mutex_t lock; /* of what follows, and server */
	pthread_cond_t changed;
	bool stopping;
	bool serving; /* server is in the session's loop */
};

/* ------------------------------------------------ leaving */

/* Who is not root asks the helper that mounted. */
static int
unmount_by_helper(const char *path)
{
	char program[] = "fusermount3", quiet[] = "-uq", end[] = "--";
	char *place = (char *)(uintptr_t)path;
	char *const arguments[] = {program, quiet, end, place, NULL};
	pid_t child;
	int status;

	if (posix_spawnp(&child, program, NULL, NULL, arguments, environ) != 0 ||
	    waitpid(child, &status, 0) != child)
		return EIO;
	return WIFEXITED(status) && WEXITSTATUS(status) == 0 ? 0 : EBUSY;
}

static int
unmount(const char *path)
{
	if (umount2(path, UMOUNT_NOFOLLOW) == 0)
		return 0;
	return errno == EPERM ? unmount_by_helper(path) : errno;
}

/* The kernel writes what it held back of files that are open, by requests that the session still
 * serves. */
static void
write_back(struct dfuse *dfuse)
{
	uint64_t count = 0;
	struct node **nodes;

	pthread_mutex_lock(&dfuse->lock);
	nodes = malloc((dfuse->nodes.count + 1) * sizeof(*nodes));
	TABLE_FOR_EACH(link, &dfuse->nodes) {
		struct node *node = table_entry(link, struct node, link);

		if (nodes && atomic_load(&node->writers) > 0) {
			node->references++;
			nodes[count++] = node;
		}
	}
	pthread_mutex_unlock(&dfuse->lock);
	for (uint64_t i = 0; i < count; i++) {
		fuse_lowlevel_notify_inval_inode(dfuse->session, node_number(dfuse, nodes[i]), 0,
						 0);
		node_forget(dfuse, nodes[i], 1);
	}
	free(nodes);
}

/*
 * The session looks whether it is to end when a system call of its thread is interrupted. A signal
 * that comes before that call has no effect, so it is sent until the thread has left; what is in
 * use then goes from sight. Nothing here asks the mount itself: nobody might be left to answer.
 */
static void
end_session(struct leave *leave)
{
	struct dfuse *dfuse = leave->dfuse;
	const struct timespec pause = {.tv_nsec = PAUSE_NS};

	fuse_session_exit(dfuse->session);
	pthread_mutex_lock(&leave->lock);
	while (!leave->stopping) {
		if (leave->serving)
			pthread_kill(leave->server, SIGUSR1);
		pthread_mutex_unlock(&leave->lock);
		nanosleep(&pause, NULL);
		pthread_mutex_lock(&leave->lock);
	}
	pthread_mutex_unlock(&leave->lock);
}

static void
leave_now(struct leave *leave)
{
	struct dfuse *dfuse = leave->dfuse;

	/* Nothing to be put in order yet. */
	if (!atomic_load(&dfuse->mounted))
		_exit(1);
	if (unmount(dfuse->options.mountpoint) == 0)
		return;
	write_back(dfuse);
	end_session(leave);
}

/* Once: when the session has ended, nobody answers what writing back would ask for. */
static void *
wait_for_signals(void *argument)
{
	struct leave *leave = argument;
	int number;
	bool stopping;

	if (sigwait(&leave->set, &number) != 0)
		return NULL;
	pthread_mutex_lock(&leave->lock);
	stopping = leave->stopping;
	pthread_mutex_unlock(&leave->lock);
	if (!stopping)
		leave_now(leave);
	return NULL;
}

/* ------------------------------------------------ now and then */

static void *
make_rounds(void *argument)
{
	struct leave *leave = argument;
	struct timespec next;

	pthread_mutex_lock(&leave->lock);
	while (!leave->stopping) {
		pthread_mutex_unlock(&leave->lock);
		volumes_reclaim(leave->dfuse);
		clock_gettime(CLOCK_REALTIME, &next);
		next.tv_sec += ROUND_SECONDS;
		pthread_mutex_lock(&leave->lock);
		while (!leave->stopping &&
		       pthread_cond_timedwait(&leave->changed, &leave->lock, &next) != ETIMEDOUT)
			;
	}
	pthread_mutex_unlock(&leave->lock);
	return NULL;
}

/* ------------------------------------------------ start and stop */

/* It comes to interrupt. */
static void
interrupted(int number)
{
	(void)number;
}

int
leave_start(struct dfuse *dfuse)
{
	struct leave *leave = calloc(1, sizeof(*leave));
	const struct sigaction interrupt = {.sa_handler = interrupted};
	int rc;

	if (leave == NULL)
		return ENOMEM;
	leave->dfuse = dfuse;
	pthread_mutex_init(&leave->lock, NULL);
	pthread_cond_init(&leave->changed, NULL);
	sigemptyset(&leave->set);
	sigaddset(&leave->set, SIGTERM);
	sigaddset(&leave->set, SIGINT);
	sigaddset(&leave->set, SIGHUP);
	pthread_sigmask(SIG_BLOCK, &leave->set, NULL);
	signal(SIGPIPE, SIG_IGN);
	sigaction(SIGUSR1, &interrupt, NULL);
	rc = pthread_create(&leave->signals, NULL, wait_for_signals, leave);
	if (rc) {
		free(leave);
		return rc;
	}
	dfuse->leave = leave;
	return 0;
}

int
leave_make_rounds(struct dfuse *dfuse)
{
	struct leave *leave = dfuse->leave;
	int rc = pthread_create(&leave->rounds, NULL, make_rounds, leave);

	leave->rounds_made = rc == 0;
	return rc;
}

void
leave_serve(struct dfuse *dfuse, bool serving)
{
	struct leave *leave = dfuse->leave;

	pthread_mutex_lock(&leave->lock);
	leave->server = pthread_self();
	leave->serving = serving;
	pthread_mutex_unlock(&leave->lock);
}

void
leave_stop(struct dfuse *dfuse)
{
	struct leave *leave = dfuse->leave;

	if (leave == NULL)
		return;
	pthread_mutex_lock(&leave->lock);
	leave->stopping = true;
	pthread_cond_signal(&leave->changed);
	pthread_mutex_unlock(&leave->lock);
	pthread_kill(leave->signals, SIGTERM);
	pthread_join(leave->signals, NULL);
	if (leave->rounds_made)
		pthread_join(leave->rounds, NULL);
	pthread_mutex_destroy(&leave->lock);
	pthread_cond_destroy(&leave->changed);
	free(leave);
	dfuse->leave = NULL;
}
