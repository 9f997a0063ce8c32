/* SPDX-License-Identifier: BSD-2-Clause-Patent */
/* The session: from options to a mount that serves, and back. */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "dfuse/private.h"

static void
session_init(void *argument, struct fuse_conn_info *connection)
{
	const struct dfuse *dfuse = argument;

	connection->max_write = 1024 * 1024;
	if (dfuse->options.write_back && (connection->capable & FUSE_CAP_WRITEBACK_CACHE))
		connection->want |= FUSE_CAP_WRITEBACK_CACHE;
	if (connection->capable & FUSE_CAP_READDIRPLUS)
		connection->want |= FUSE_CAP_READDIRPLUS | FUSE_CAP_READDIRPLUS_AUTO;
	if (connection->capable & FUSE_CAP_PARALLEL_DIROPS)
		connection->want |= FUSE_CAP_PARALLEL_DIROPS;
	/* Truncating at open comes as a change of the size, before the open. */
	connection->want &= ~(unsigned int)FUSE_CAP_ATOMIC_O_TRUNC;
	connection->want &= ~(unsigned int)(FUSE_CAP_POSIX_LOCKS | FUSE_CAP_FLOCK_LOCKS);
}

/* Locks are kept by the kernel, for the processes of this node. */
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
	.open = dfuse_open,
	.release = dfuse_release,
	.read = dfuse_read,
	.write = dfuse_write,
	.fsync = dfuse_fsync,
	.fsyncdir = dfuse_fsync,
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
};

/* ------------------------------------------------ the container */

static int
say(const char *what, const char *name, int rc)
{
	fprintf(stderr, "dfuse: %s %s: %s (%s)\n", what, name, error_text(rc), d_errstr(rc));
	return EIO;
}

/* Opens the container; an embedded directory's `default` is made where it is absent. */
static int
container_open(struct dfuse *dfuse)
{
	const struct dfuse_options *options = &dfuse->options;
	unsigned int flags = options->read_only ? DAOS_COO_RO : DAOS_COO_RW;
	int rc = daos_cont_open(dfuse->pool, options->container, flags, &dfuse->container, NULL,
				NULL);

	if (rc != -DER_NONEXIST || options->embedded == NULL ||
	    strcmp(options->container, "default") != 0)
		return rc;
	rc = dfs_cont_create_with_label(dfuse->pool, "default", NULL, NULL, NULL, NULL);
	if (rc != 0 && rc != EEXIST)
		return -DER_MISC;
	return daos_cont_open(dfuse->pool, options->container, flags, &dfuse->container, NULL,
			      NULL);
}

static int
connect_all(struct dfuse *dfuse)
{
	const struct dfuse_options *options = &dfuse->options;
	int rc = daos_init();

	if (rc)
		return say("reaching", "a server", rc);
	rc = daos_pool_connect(options->pool, options->system,
			       options->read_only ? DAOS_PC_RO : DAOS_PC_RW, &dfuse->pool, NULL,
			       NULL);
	if (rc)
		return say("connecting to pool", options->pool, rc);
	rc = container_open(dfuse);
	if (rc)
		return say("opening container", options->container, rc);
	rc = dfs_mount(dfuse->pool, dfuse->container, options->read_only ? DFS_RDONLY : DFS_RDWR,
		       &dfuse->dfs);
	if (rc) {
		fprintf(stderr, "dfuse: container %s: %s%s\n", options->container, strerror(rc),
			rc == EINVAL ? ". Is it of type POSIX?" : "");
		return rc;
	}
	dfuse_caching_read(dfuse);
	rc = nodes_init(dfuse);
	if (rc)
		fprintf(stderr, "dfuse: the root of container %s: %s\n", options->container,
			strerror(rc));
	return rc;
}

/* ------------------------------------------------ the mount point */

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
		 options->fuse ? "," : "", options->fuse ? options->fuse : "");
	rc = fuse_opt_add_arg(&arguments, "dfuse");
	if (rc == 0)
		rc = fuse_opt_add_arg(&arguments, mount_options);
	if (rc == 0)
		dfuse->session = fuse_session_new(&arguments, &dfuse_operations,
						  sizeof(dfuse_operations), dfuse);
	fuse_opt_free_args(&arguments);
	if (dfuse->session == NULL)
		return EINVAL;
	return 0;
}

int
dfuse_start(struct dfuse *dfuse)
{
	int rc = connect_all(dfuse);

	if (rc == 0)
		rc = session_create(dfuse);
	if (rc == 0 && fuse_session_mount(dfuse->session, dfuse->options.mountpoint) != 0)
		rc = EIO;
	if (rc == 0 && fuse_set_signal_handlers(dfuse->session) != 0)
		rc = EIO;
	return rc;
}

int
dfuse_serve(struct dfuse *dfuse)
{
	struct fuse_loop_config *config;
	int rc;

	if (dfuse->options.single_thread)
		return fuse_session_loop(dfuse->session);
	config = fuse_loop_cfg_create();
	if (config == NULL)
		return ENOMEM;
	fuse_loop_cfg_set_clone_fd(config, 0);
	if (dfuse->options.threads > 0)
		fuse_loop_cfg_set_max_threads(config, dfuse->options.threads);
	rc = fuse_session_loop_mt(dfuse->session, config);
	fuse_loop_cfg_destroy(config);
	return rc < 0 ? -rc : 0;
}

void
dfuse_stop(struct dfuse *dfuse)
{
	if (dfuse->session) {
		fuse_remove_signal_handlers(dfuse->session);
		fuse_session_unmount(dfuse->session);
		fuse_session_destroy(dfuse->session);
	}
	nodes_fini(dfuse);
	if (dfuse->dfs && dfs_umount(dfuse->dfs) != 0)
		fprintf(stderr, "dfuse: the container could not be closed in order\n");
	if (!daos_handle_is_inval(dfuse->container))
		daos_cont_close(dfuse->container, NULL);
	if (!daos_handle_is_inval(dfuse->pool))
		daos_pool_disconnect(dfuse->pool, NULL);
	daos_fini();
}
