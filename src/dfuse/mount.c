/* SPDX-License-Identifier: BSD-2-Clause-Patent */
/* The session: from options to a mount that serves, and back. */
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "client/client.h"
#include "daos_uns.h"
#include "dfuse/private.h"

#define NS_PER_SECOND UINT64_C(1000000000)
/* Requests of the kernel that nobody waits for: read-ahead, write-back. */
#define BACKGROUND_MAX 64
#define TRANSFER_MAX (1024u * 1024)

static void
session_init(void *argument, struct fuse_conn_info *connection)
{
	struct dfuse *dfuse = argument;
	const struct dfuse_options *options = &dfuse->options;
	unsigned int wanted = FUSE_CAP_READDIRPLUS | FUSE_CAP_READDIRPLUS_AUTO |
			      FUSE_CAP_PARALLEL_DIROPS | FUSE_CAP_ASYNC_READ | FUSE_CAP_ASYNC_DIO;

	connection->max_write = TRANSFER_MAX;
	connection->max_background = BACKGROUND_MAX;
	connection->congestion_threshold = BACKGROUND_MAX * 3 / 4;
	if (options->write_back)
		wanted |= FUSE_CAP_WRITEBACK_CACHE;
	if (options->caching)
		wanted |= FUSE_CAP_CACHE_SYMLINKS;
	connection->want |= wanted & connection->capable;
	dfuse->kept_back = (connection->want & FUSE_CAP_WRITEBACK_CACHE) != 0;
	/* Truncating at open comes as a change of the size, before the open. */
	connection->want &= ~(unsigned int)FUSE_CAP_ATOMIC_O_TRUNC;
	connection->want &= ~(unsigned int)(FUSE_CAP_POSIX_LOCKS | FUSE_CAP_FLOCK_LOCKS);
	connection->want &= ~(unsigned int)FUSE_CAP_HANDLE_KILLPRIV;
}

/* Locks are kept by the kernel, for the processes of this node. What is durable at return needs no
 * flush and no fsync. */
const struct fuse_lowlevel_ops dfuse_operations = {
	.init = session_init,
	.lookup = dfuse_lookup,
	.forget = dfuse_forget,
	.forget_multi = dfuse_forget_multi,
	.getattr = dfuse_getattr,
	.setattr = dfuse_setattr,
	.readlink = dfuse_readlink,
	.mknod = dfuse_mknod,
	.mkdir = dfuse_mkdir,
	.unlink = dfuse_unlink,
	.rmdir = dfuse_rmdir,
	.symlink = dfuse_symlink,
	.rename = dfuse_rename,
	.link = dfuse_link,
	.open = dfuse_open,
	.release = dfuse_release,
	.read = dfuse_read,
	.write = dfuse_write,
	.opendir = dfuse_opendir,
	.readdir = dfuse_readdir,
	.readdirplus = dfuse_readdirplus,
	.releasedir = dfuse_releasedir,
	.statfs = dfuse_statfs,
	.setxattr = dfuse_setxattr,
	.getxattr = dfuse_getxattr,
	.listxattr = dfuse_listxattr,
	.removexattr = dfuse_removexattr,
	.create = dfuse_create,
	.fallocate = dfuse_fallocate,
	.copy_file_range = dfuse_copy_file_range,
	.lseek = dfuse_lseek,
};

/* ------------------------------------------------ pool and container */

/* Says what failed, why, and what helps. */
static int
say(const char *what, const char *name, const char *help, int rc)
{
	const char *why = client_last_error();

	fprintf(stderr, "dfuse: %s %s: %s\n%s%s", what, name, strerror(rc), help,
		help[0] ? "\n" : "");
	if (why[0])
		fprintf(stderr, "(%s)\n", why);
	return rc;
}

/* A path, or the mount point itself, may lead to a container. */
static int
path_resolve(struct dfuse *dfuse)
{
	struct dfuse_options *options = &dfuse->options;
	const char *path = options->path ? options->path : options->mountpoint;
	struct duns_attr_t attributes = {.da_no_prefix = false};
	bool beneath;
	int rc;

	if (options->pool && options->path == NULL)
		return 0;
	rc = duns_resolve_path(path, &attributes);
	if (rc && options->path)
		return say("path", path,
			   "It must lead to a container, as `daos container create "
			   "--path` makes them.",
			   rc);
	/* The mount point is none, nor what is above it: all pools are shown. */
	if (rc)
		return 0;
	beneath = attributes.da_rel_path != NULL && attributes.da_rel_path[0] != '\0';
	if (beneath && options->path == NULL) {
		duns_destroy_attr(&attributes);
		return 0;
	}
	memcpy(dfuse->path_pool, attributes.da_pool, sizeof(dfuse->path_pool));
	memcpy(dfuse->path_container, attributes.da_cont, sizeof(dfuse->path_container));
	duns_destroy_attr(&attributes);
	options->pool = dfuse->path_pool;
	options->container = dfuse->path_container[0] ? dfuse->path_container : NULL;
	return 0;
}

static int
root_open(struct dfuse *dfuse, struct pool *pool)
{
	struct node *root = &dfuse->root;
	const char *name = dfuse->options.container;
	struct volume *volume;
	struct stat stat;
	int rc = volume_find(dfuse, pool, name, &volume);

	if (rc == EINVAL)
		return say("container", name, "Only a container of type POSIX holds files.", rc);
	if (rc == ENOENT && dfuse->options.snapshot)
		return say("container or snapshot of", name,
			   "See `daos container list POOL` and `daos container list-snap POOL "
			   "CONTAINER`.",
			   rc);
	if (rc)
		return say("container", name,
			   rc == ENOENT ? "See what there is with `daos container list POOL`." : "",
			   rc);
	rc = dfs_lookup(volume->dfs, "/", dfuse->options.read_only ? O_RDONLY : O_RDWR,
			&root->object, NULL, &stat);
	if (rc)
		return say("the root of container", name, "", rc);
	root->volume = volume;
	root->realm = volume;
	root->inode = stat.st_ino;
	atomic_store(&root->mode, stat.st_mode);
	return 0;
}

static int
connect_all(struct dfuse *dfuse)
{
	const struct dfuse_options *options = &dfuse->options;
	int rc;

	client_set_patience(options->wait_seconds * NS_PER_SECOND);
	if (daos_init() != 0)
		return say("no server", "can be reached", "", EIO);
	rc = path_resolve(dfuse);
	if (rc == 0)
		rc = nodes_init(dfuse);
	if (rc == 0)
		rc = pages_init(dfuse);
	if (rc)
		return rc;
	dfuse->root.kind = options->pool == NULL	? NODE_POOLS
			   : options->container == NULL ? NODE_POOL
							: NODE_ENTRY;
	if (options->pool == NULL)
		return 0;
	rc = pool_find(dfuse, options->pool, &dfuse->root.pool);
	if (rc)
		return say("pool", options->pool,
			   rc == ENOENT ? "See what there is with `dmg pool list`." : "", rc);
	return options->container ? root_open(dfuse, dfuse->root.pool) : 0;
}

/* ------------------------------------------------ the mount point */

static int
mountpoint_refuse(const char *path, const char *why, int rc)
{
	fprintf(stderr, "dfuse: mount point %s: %s\n", path, why);
	return rc;
}

static bool
is_empty(const char *path)
{
	DIR *directory = opendir(path);
	const struct dirent *entry;
	bool empty = true;

	while (directory && empty && (entry = readdir(directory)) != NULL)
		empty = strcmp(entry->d_name, ".") == 0 || strcmp(entry->d_name, "..") == 0;
	if (directory)
		closedir(directory);
	return empty;
}

int
dfuse_mountpoint_check(const struct dfuse_options *options)
{
	const char *path = options->mountpoint;
	struct stat stat_here, stat_above;
	char above[PATH_MAX];

	if (stat(path, &stat_here) != 0)
		return errno == ENOTCONN
			       ? mountpoint_refuse(path,
						   "a mount whose program is gone is still there: "
						   "end it with `fusermount3 -u` or `umount`",
						   ENOTCONN)
			       : mountpoint_refuse(path, strerror(errno), errno);
	if (!S_ISDIR(stat_here.st_mode))
		return mountpoint_refuse(path, "is no directory", ENOTDIR);
	snprintf(above, sizeof(above), "%s/..", path);
	if (stat(above, &stat_above) == 0 && stat_above.st_dev != stat_here.st_dev)
		return mountpoint_refuse(path, "something is mounted there already", EBUSY);
	if (access("/dev/fuse", F_OK) != 0)
		return mountpoint_refuse(path,
					 "this machine has no /dev/fuse: is the kernel's "
					 "module `fuse` loaded?",
					 ENODEV);
	if (access("/dev/fuse", R_OK | W_OK) != 0 && geteuid() == 0)
		return mountpoint_refuse(path, "/dev/fuse is closed to this user", EACCES);
	if (!is_empty(path))
		fprintf(stderr,
			"dfuse: mount point %s is not empty: what is there is hidden until it is "
			"unmounted\n",
			path);
	return 0;
}

static int
session_create(struct dfuse *dfuse)
{
	const struct dfuse_options *options = &dfuse->options;
	struct fuse_args arguments = FUSE_ARGS_INIT(0, NULL);
	char mount_options[1024];
	int rc;

	snprintf(mount_options, sizeof(mount_options), "-ofsname=dfuse,subtype=daos%s%s%s%s",
		 options->read_only ? ",ro" : "",
		 options->multi_user ? ",allow_other,default_permissions" : ",default_permissions",
		 options->fuse[0] ? "," : "", options->fuse);
	rc = fuse_opt_add_arg(&arguments, "dfuse");
	if (rc == 0)
		rc = fuse_opt_add_arg(&arguments, mount_options);
	if (rc == 0)
		dfuse->session = fuse_session_new(&arguments, &dfuse_operations,
						  sizeof(dfuse_operations), dfuse);
	fuse_opt_free_args(&arguments);
	return dfuse->session ? 0 : EINVAL;
}

/* A path that is still right when the process is elsewhere. */
static int
mountpoint_resolve(struct dfuse_options *options, char *path)
{
	if (realpath(options->mountpoint, path) == NULL)
		return mountpoint_refuse(options->mountpoint, strerror(errno), errno);
	options->mountpoint = path;
	return 0;
}

int
dfuse_start(struct dfuse *dfuse)
{
	int rc = dfuse_mountpoint_check(&dfuse->options);

	if (rc == 0)
		rc = mountpoint_resolve(&dfuse->options, dfuse->mountpoint);
	if (rc)
		return rc;
	clock_gettime(CLOCK_REALTIME, &dfuse->started);
	pthread_mutex_init(&dfuse->volume_lock, NULL);
	pthread_mutex_init(&dfuse->evict_lock, NULL);
	rc = leave_start(dfuse);
	if (rc == 0)
		rc = connect_all(dfuse);
	if (rc == 0)
		rc = queues_start(dfuse);
	if (rc == 0)
		rc = session_create(dfuse);
	if (rc == 0 && fuse_session_mount(dfuse->session, dfuse->options.mountpoint) != 0)
		rc = EIO;
	if (rc)
		return rc;
	atomic_store(&dfuse->mounted, true);
	rc = dfuse_handshake(dfuse);
	return rc ? rc : leave_make_rounds(dfuse);
}

static int
serve_with_threads(struct dfuse *dfuse)
{
	struct fuse_loop_config *config = fuse_loop_cfg_create();
	int rc;

	if (config == NULL)
		return ENOMEM;
	fuse_loop_cfg_set_clone_fd(config, 0);
	fuse_loop_cfg_set_max_threads(config, dfuse->options.threads);
	rc = fuse_session_loop_mt(dfuse->session, config);
	fuse_loop_cfg_destroy(config);
	return rc < 0 ? -rc : 0;
}

int
dfuse_serve(struct dfuse *dfuse)
{
	int rc;

	leave_serve(dfuse, true);
	if (dfuse->options.single_thread)
		rc = fuse_session_loop(dfuse->session);
	else
		rc = serve_with_threads(dfuse);
	leave_serve(dfuse, false);
	return rc;
}

/* Requests that are under way are answered before the kernel's end is closed. On a dead engine
 * nothing is waited for once more. */
void
dfuse_stop(struct dfuse *dfuse)
{
	if (atomic_load(&dfuse->timed_out) != 0)
		client_set_patience(NS_PER_SECOND);
	queues_stop(dfuse);
	if (dfuse->session)
		fuse_session_unmount(dfuse->session);
	leave_stop(dfuse);
	if (dfuse->session)
		fuse_session_destroy(dfuse->session);
	pages_fini(dfuse);
	nodes_fini(dfuse);
	volumes_close(dfuse);
	daos_fini();
}
