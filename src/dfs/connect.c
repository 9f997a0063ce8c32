/* SPDX-License-Identifier: BSD-2-Clause-Patent */
/* A mount in one call: pool, container (made where wanted) and mount. */
#include "dfs/private.h"

/* Used by a connect that names no container. */
#define CONTAINER_DEFAULT "default"

struct connect_call {
	const char *pool, *system, *container;
	int flags;
	dfs_attr_t *attributes;
	dfs_t **ret_dfs;
	bool at_snapshot;
	daos_epoch_t epoch;
	const char *name;
};

int
dfs_init(void)
{
	return file_errno(daos_init());
}

int
dfs_fini(void)
{
	return file_errno(daos_fini());
}

/* Opens the container; makes it first where it is absent and O_CREAT is given. */
static int
container_open(const struct connect_call *call, daos_handle_t pool, daos_handle_t *ret_container)
{
	unsigned int mode = (call->flags & O_ACCMODE) == O_RDONLY ? DAOS_COO_RO : DAOS_COO_RW;
	bool creates = !call->at_snapshot && (call->flags & O_CREAT || call->container == NULL);
	const char *name = call->container ? call->container : CONTAINER_DEFAULT;
	int rc = daos_cont_open(pool, name, mode, ret_container, NULL, NULL);

	if (rc != -DER_NONEXIST || !creates)
		return rc;
	if (!daos_label_is_valid(name))
		return -DER_INVAL;
	rc = container_make(pool, name, call->attributes, NULL);
	/* Somebody else may have made it meanwhile. */
	if (rc && rc != -DER_EXIST)
		return rc;
	return daos_cont_open(pool, name, mode, ret_container, NULL, NULL);
}

static int
connect_pool(const struct connect_call *call, daos_handle_t pool)
{
	int flags = call->flags & (O_ACCMODE | DFS_BALANCED);
	daos_handle_t container;
	int rc = container_open(call, pool, &container);

	if (rc)
		return rc;
	if (call->at_snapshot)
		rc = mount_open_at(pool, container, call->epoch, call->name, call->ret_dfs);
	else
		rc = mount_open(pool, container, flags, call->ret_dfs);
	if (rc)
		(void)daos_cont_close(container, NULL);
	else
		(*call->ret_dfs)->connected = true;
	return rc;
}

static int
connect_run(void *arguments)
{
	const struct connect_call *call = arguments;
	bool reads = (call->flags & O_ACCMODE) == O_RDONLY && !(call->flags & O_CREAT);
	daos_handle_t pool;
	int rc = daos_pool_connect(call->pool, call->system, reads ? DAOS_PC_RO : DAOS_PC_RW, &pool,
				   NULL, NULL);

	if (rc)
		return rc;
	rc = connect_pool(call, pool);
	if (rc)
		(void)daos_pool_disconnect(pool, NULL);
	return rc;
}

int
dfs_connect(const char *pool, const char *sys, const char *cont, int flags, dfs_attr_t *attr,
	    dfs_t **dfs)
{
	struct connect_call call = {.pool = pool,
				    .system = sys,
				    .container = cont,
				    .flags = flags,
				    .attributes = attr,
				    .ret_dfs = dfs};

	if (pool == NULL || dfs == NULL || (flags & O_ACCMODE) == O_WRONLY)
		return EINVAL;
	return file_run(connect_run, &call);
}

int
dfs_connect_snap(const char *pool, const char *sys, const char *cont, int flags, daos_epoch_t epoch,
		 const char *name, dfs_t **dfs)
{
	struct connect_call call = {.pool = pool,
				    .system = sys,
				    .container = cont,
				    .flags = flags,
				    .ret_dfs = dfs,
				    .at_snapshot = true,
				    .epoch = epoch,
				    .name = name};

	if (pool == NULL || cont == NULL || dfs == NULL || (epoch == 0 && name == NULL) ||
	    (flags & O_ACCMODE) != O_RDONLY || flags & O_CREAT)
		return EINVAL;
	return file_run(connect_run, &call);
}

static int
disconnect_run(void *arguments)
{
	struct dfs *dfs = arguments;
	daos_handle_t pool = dfs->pool, container = dfs->given;
	int rc;

	mount_destroy(dfs);
	rc = daos_cont_close(container, NULL);
	return rc ? rc : daos_pool_disconnect(pool, NULL);
}

int
dfs_disconnect(dfs_t *dfs)
{
	if (dfs == NULL || !dfs->connected)
		return EINVAL;
	return file_run(disconnect_run, dfs);
}

struct destroy_call {
	char pool[DAOS_PROP_MAX_LABEL_BUF_LEN];
	char container[DAOS_PROP_MAX_LABEL_BUF_LEN];
	char system[DAOS_SYS_NAME_MAX + 1];
	int force;
};

static int
destroy_run(void *arguments)
{
	const struct destroy_call *call = arguments;
	daos_handle_t pool;
	int rc = daos_pool_connect(call->pool, call->system[0] ? call->system : NULL, DAOS_PC_RW,
				   &pool, NULL, NULL);
	int closed;

	if (rc)
		return file_errno(rc);
	rc = daos_cont_destroy(pool, call->container, call->force, NULL);
	closed = daos_pool_disconnect(pool, NULL);
	return file_errno(rc ? rc : closed);
}

int
dfs_destroy(const char *pool, const char *sys, const char *cont, int force, daos_event_t *ev)
{
	struct destroy_call call = {.force = force};

	if (pool == NULL || cont == NULL || strlen(pool) >= sizeof(call.pool) ||
	    strlen(cont) >= sizeof(call.container) || (sys && strlen(sys) >= sizeof(call.system)))
		return EINVAL;
	memcpy(call.pool, pool, strlen(pool));
	memcpy(call.container, cont, strlen(cont));
	if (sys)
		memcpy(call.system, sys, strlen(sys));
	return file_launch(ev, destroy_run, &call, sizeof(call));
}
