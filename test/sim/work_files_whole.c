/* SPDX-License-Identifier: BSD-2-Clause-Patent */
/*
 * A file system of an actor's own, looked at as a whole: as it was at a snapshot, by the checker,
 * and by the scan.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "sim/work_files.h"

static bool
step(struct files_actor *files, int rc, const char *what)
{
	return files_done(files, FILES_WHOLE, rc, 0, what) == OUTCOME_OK;
}

/* What was there then is there, and nothing can be changed. */
static void
check_snapshot(struct files_actor *files, dfs_t *dfs)
{
	struct stat stat;

	if (step(files, dfs_stat(dfs, NULL, "before", &stat), "a name of a snapshot"))
		(void)files_done(files, FILES_REFUSED, dfs_stat(dfs, NULL, "after", &stat), ENOENT,
				 "a later name");
	(void)files_done(files, FILES_REFUSED, dfs_mkdir(dfs, NULL, "never", 0755, 0), EPERM,
			 "a snapshot");
}

/* Another name before the snapshot than after it. */
static bool
make_snapshot(struct files_actor *files, daos_handle_t container, dfs_t *dfs,
	      daos_epoch_t *ret_epoch)
{
	char name[] = "then";
	int rc;

	if (!step(files, dfs_mkdir(dfs, NULL, "before", 0755, 0), "before"))
		return false;
	rc = daos_cont_create_snap(container, ret_epoch, name, NULL);
	if (actor_done(files->actor, FILES_WHOLE, rc) != OUTCOME_OK)
		return false;
	return step(files, dfs_move(dfs, NULL, "before", NULL, "after", NULL), "after");
}

static void
look_at_snapshot(struct files_actor *files, daos_handle_t container, dfs_t *dfs, const char *label)
{
	daos_epoch_t epoch;
	dfs_t *then;
	int rc;

	if (!make_snapshot(files, container, dfs, &epoch))
		return;
	if (stream_chance(files->random, 50))
		rc = dfs_mount_snap(files->actor->pool, container, O_RDONLY, epoch, NULL, &then);
	else
		rc = dfs_mount_snap(files->actor->pool, container, O_RDONLY, 0, "then", &then);
	if (step(files, rc, "a mount of a snapshot")) {
		check_snapshot(files, then);
		(void)dfs_umount(then);
	}
	if (!step(files, dfs_init(), "dfs_init"))
		return;
	rc = dfs_connect_snap("pool", NULL, label, O_RDONLY, epoch, NULL, &then);
	if (step(files, rc, "a snapshot connected")) {
		check_snapshot(files, then);
		(void)dfs_disconnect(then);
	}
	(void)dfs_fini();
}

/* Nothing is wrong with it, and after the checker all is where it was. */
static void
check_whole(struct files_actor *files, const char *label)
{
	uint64_t mend = stream_chance(files->random, 50) ? DFS_CHECK_REMOVE : DFS_CHECK_RELINK;

	if (step(files, dfs_cont_check(files->actor->pool, label, DFS_CHECK_PRINT | mend, NULL),
		 "the checker"))
		(void)step(files, dfs_cont_scan(files->actor->pool, label, 0, NULL), "the scan");
}

void
files_whole(struct files_actor *files)
{
	daos_handle_t container;
	bool closed;
	char label[40];
	dfs_t *dfs;
	int rc;

	files_container_label(files, files->actor->number, files->hand->containers++, label);
	rc = dfs_cont_create_with_label(files->actor->pool, label, NULL, NULL, &container, &dfs);
	if (!step(files, rc, label))
		return;
	look_at_snapshot(files, container, dfs, label);
	closed = dfs_umount(dfs) == 0;
	closed = daos_cont_close(container, NULL) == 0 && closed;
	if (closed && stream_chance(files->random, 50))
		check_whole(files, label);
}
