/* SPDX-License-Identifier: BSD-2-Clause-Patent */
/* Which tree a text points into. */
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>

#include "daos_fs.h"
#include "tools/file_tree.h"

#define SCHEME "daos://"

/* Pool, container and path of "daos://pool/container/path"; false when a part is missing. */
static bool
split(const char *text, char *ret_pool, char *ret_container, char **ret_path)
{
	const char *pool = text + strlen(SCHEME), *slash = strchr(pool, '/');
	const char *container = slash ? slash + 1 : "", *end = strchrnul(container, '/');
	size_t pool_length = slash ? (size_t)(slash - pool) : 0;
	size_t container_length = (size_t)(end - container);

	if (pool_length == 0 || pool_length >= DAOS_PROP_MAX_LABEL_BUF_LEN ||
	    container_length == 0 || container_length >= DAOS_PROP_MAX_LABEL_BUF_LEN)
		return false;
	memcpy(ret_pool, pool, pool_length);
	ret_pool[pool_length] = '\0';
	memcpy(ret_container, container, container_length);
	ret_container[container_length] = '\0';
	*ret_path = text_format("/%s", end + strspn(end, "/"));
	return true;
}

bool
file_tree_is_container(const char *text)
{
	return strncmp(text, SCHEME, strlen(SCHEME)) == 0;
}

/* Makes a POSIX container when there is none of that label. */
static int
make_container(struct call *call, const char *pool_name, const char *name, daos_prop_t *properties,
	       bool *ret_made)
{
	dfs_attr_t attributes = {.da_props = properties};
	daos_handle_t pool, container;
	int rc = open_pool(call, pool_name, DAOS_PC_RW, &pool), code;

	if (rc)
		return rc;
	code = daos_cont_open(pool, name, DAOS_COO_RO, &container, NULL, NULL);
	if (code == 0) {
		daos_cont_close(container, NULL);
	} else if ((code == -DER_NONEXIST || code == -DER_CONT_NONEXIST) &&
		   daos_label_is_valid(name)) {
		int error = dfs_cont_create_with_label(pool, name, &attributes, NULL, NULL, NULL);

		if (error && error != EEXIST)
			rc = call_fail(call, -DER_MISC, NULL,
				       "failed to create container \"%s\": %s", name,
				       strerror(error));
		*ret_made = error == 0;
	}
	daos_pool_disconnect(pool, NULL);
	return rc;
}

static int
open_mount(struct call *call, const char *pool, const char *container, daos_prop_t *properties,
	   struct file_tree *tree)
{
	bool writing = tree->writing;
	int rc = STATUS_OK, error;

	if (writing)
		rc = make_container(call, pool, container, properties, &tree->made);
	if (rc == STATUS_OK)
		rc = open_container(call, pool, container, writing ? DAOS_COO_RW : DAOS_COO_RO,
				    &tree->open);
	if (rc)
		return rc;
	error = dfs_mount(tree->open.pool, tree->open.container, writing ? O_RDWR : O_RDONLY,
			  &tree->dfs);
	if (error == 0)
		return STATUS_OK;
	close_container(&tree->open);
	return call_fail_because(call, error == EINVAL ? -DER_INVAL : -DER_MISC, strerror(error),
				 "only containers of type POSIX hold files",
				 "failed to mount container \"%s\"", container);
}

int
file_tree_open(struct call *call, const char *text, bool writing, daos_prop_t *properties,
	       struct file_tree *ret_tree)
{
	char pool[DAOS_PROP_MAX_LABEL_BUF_LEN], container[DAOS_PROP_MAX_LABEL_BUF_LEN];
	struct file_tree tree = {
		.operations = &file_tree_posix, .name = "POSIX", .writing = writing};
	int rc = STATUS_OK;

	if (file_tree_is_container(text)) {
		if (!split(text, pool, container, &tree.path))
			return call_misused(call, NULL, "%s: write daos://pool/container/path",
					    text);
		tree.operations = &file_tree_dfs;
		tree.name = "DAOS";
		rc = open_mount(call, pool, container, properties, &tree);
	} else {
		tree.path = text_format("%s", text);
	}
	if (rc)
		free(tree.path);
	else
		*ret_tree = tree;
	return rc;
}

void
file_tree_close(struct file_tree *tree)
{
	tree->operations->close(tree);
	free(tree->path);
}
