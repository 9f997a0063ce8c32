/* SPDX-License-Identifier: BSD-2-Clause-Patent */
/* Mounts of every kind, open entries handed over, containers of file systems, and paths. */
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "daos_uns.h"
#include "sim/work_files.h"

/* ------------------------------------------------ mounts */

/* What a mount that only reads refuses. */
static void
mount_read_only(struct files_actor *files)
{
	char path[FILES_PATH_MAX];
	dfs_obj_t *object;
	dfs_t *dfs;
	int rc = dfs_mount(files->actor->pool, files->actor->container, O_RDONLY, &dfs);

	if (files_done(files, FILES_MOUNT, rc, 0, "a read-only mount") != OUTCOME_OK)
		return;
	rc = dfs_mkdir(dfs, NULL, "never", 0755, 0);
	(void)files_done(files, FILES_REFUSED, rc, EPERM, "a read-only mount");
	rc = dfs_remove(dfs, NULL, "shared", true, NULL);
	(void)files_done(files, FILES_REFUSED, rc, EPERM, "a read-only mount");
	if (files_path(files, files->tree->root, NULL, path)) {
		rc = dfs_lookup(dfs, path, O_RDONLY, &object, NULL, NULL);
		if (files_done(files, FILES_LOOKUP, rc, 0, path) == OUTCOME_OK)
			(void)dfs_release(object);
	}
	(void)dfs_umount(dfs);
}

/* Whether the actor's directory is there, seen by another mount. */
static void
look_through(struct files_actor *files, dfs_t *dfs)
{
	struct stat stat;
	int rc = dfs_stat(dfs, NULL, files->top + 1, &stat);

	if (files_done(files, FILES_STAT, rc, 0, files->top) == OUTCOME_OK)
		files_check_stat(files, files->tree->root, &stat, false);
}

static void
mount_connected(struct files_actor *files)
{
	struct stat stat;
	dfs_sys_t *sys;
	dfs_t *dfs;
	int rc = dfs_init();

	if (files_done(files, FILES_MOUNT, rc, 0, "dfs_init") != OUTCOME_OK)
		return;
	rc = dfs_connect("pool", NULL, "files", O_RDWR, NULL, &dfs);
	if (files_done(files, FILES_MOUNT, rc, 0, "dfs_connect") == OUTCOME_OK) {
		look_through(files, dfs);
		(void)dfs_disconnect(dfs);
	}
	rc = dfs_sys_connect("pool", NULL, "files", O_RDWR, 0, NULL, &sys);
	if (files_done(files, FILES_MOUNT, rc, 0, "dfs_sys_connect") == OUTCOME_OK) {
		rc = dfs_sys_stat(sys, files->top, 0, &stat);
		(void)files_done(files, FILES_STAT, rc, 0, files->top);
		(void)dfs_sys_disconnect(sys);
	}
	(void)dfs_fini();
}

/* A mount as bytes, and again a mount. */
static void
mount_global(struct files_actor *files)
{
	daos_handle_t pool = files->actor->pool, container = files->actor->container;
	d_iov_t glob = {.iov_buf = NULL};
	dfs_sys_t *sys;
	dfs_t *dfs;
	int rc = dfs_local2global(files->dfs, &glob);

	if (files_done(files, FILES_HANDLES, rc, 0, "the size of a mount") != OUTCOME_OK ||
	    glob.iov_buf_len > FILES_IO_MAX)
		return;
	glob.iov_buf = files->bytes;
	rc = stream_chance(files->random, 50) ? dfs_local2global(files->dfs, &glob)
					      : dfs_sys_local2global(files->sys, &glob);
	if (files_done(files, FILES_HANDLES, rc, 0, "a mount") != OUTCOME_OK)
		return;
	rc = dfs_global2local(pool, container, O_RDWR, glob, &dfs);
	if (files_done(files, FILES_MOUNT, rc, 0, "from bytes") == OUTCOME_OK) {
		look_through(files, dfs);
		(void)dfs_umount(dfs);
	}
	rc = dfs_sys_global2local(pool, container, O_RDWR, 0, glob, &sys);
	if (files_done(files, FILES_MOUNT, rc, 0, "from bytes") == OUTCOME_OK) {
		if (dfs_sys2base(sys, &dfs) == 0)
			look_through(files, dfs);
		(void)dfs_sys_umount(sys);
	}
}

static void
mount_global_all(struct files_actor *files)
{
	d_iov_t glob = {.iov_buf = NULL};
	dfs_sys_t *sys;
	dfs_t *dfs;
	int rc = dfs_local2global_all(files->dfs, &glob);

	if (files_done(files, FILES_HANDLES, rc, 0, "the size of all") != OUTCOME_OK ||
	    glob.iov_buf_len > FILES_IO_MAX)
		return;
	glob.iov_buf = files->bytes;
	rc = stream_chance(files->random, 50) ? dfs_local2global_all(files->dfs, &glob)
					      : dfs_sys_local2global_all(files->sys, &glob);
	if (files_done(files, FILES_HANDLES, rc, 0, "all") != OUTCOME_OK)
		return;
	rc = dfs_global2local_all(O_RDWR, glob, &dfs);
	if (files_done(files, FILES_MOUNT, rc, 0, "from all bytes") == OUTCOME_OK) {
		look_through(files, dfs);
		(void)dfs_disconnect(dfs);
	}
	rc = dfs_sys_global2local_all(O_RDWR, 0, glob, &sys);
	if (files_done(files, FILES_MOUNT, rc, 0, "from all bytes") == OUTCOME_OK)
		(void)dfs_sys_disconnect(sys);
}

/* What a mount tells without a request. */
static void
mount_tells(struct files_actor *files)
{
	daos_handle_t pool, container;
	daos_oclass_id_t class;
	dfs_obj_t *object;
	dfs_attr_t attr;
	dfs_t *dfs;
	int rc =
		dfs_mount(files->actor->pool, files->actor->container, O_RDWR | DFS_BALANCED, &dfs);

	if (files_done(files, FILES_MOUNT, rc, 0, "a balanced mount") != OUTCOME_OK)
		return;
	rc = dfs_query(dfs, &attr) || attr.da_chunk_size == 0;
	rc = rc || dfs_pool_get(dfs, &pool) || dfs_pool_put(dfs, pool);
	rc = rc || dfs_cont_get(dfs, &container) || dfs_cont_put(dfs, container);
	rc = rc || dfs_sync(dfs) || dfs_set_prefix(dfs, "/mnt");
	(void)files_done(files, FILES_MOUNT, rc, 0, "a mount asked");
	rc = dfs_suggest_oclass(dfs, "file:max", &class);
	(void)files_done(files, FILES_MOUNT, rc, 0, "a class asked for");
	rc = dfs_lookup(dfs, "/mnt/shared", O_RDONLY, &object, NULL, NULL);
	if (files_done(files, FILES_LOOKUP, rc, 0, "/mnt/shared") == OUTCOME_OK)
		(void)dfs_release(object);
	(void)dfs_umount(dfs);
}

/* A path below a prefix, by a mount that remembers directories. */
static void
mount_remembering(struct files_actor *files)
{
	char path[FILES_PATH_MAX];
	struct stat stat;
	dfs_sys_t *sys;
	int rc = dfs_sys_mount(files->actor->pool, files->actor->container, O_RDWR, 0, &sys);

	if (files_done(files, FILES_MOUNT, rc, 0, "paths") != OUTCOME_OK)
		return;
	(void)dfs_sys_set_prefix(sys, "/mnt");
	for (uint32_t i = 0; i < 4; i++) {
		struct name_node *node =
			files_draw_node(files, 1u << TREE_DIRECTORY | 1u << TREE_FILE);

		memcpy(path, "/mnt", 4);
		if (node->at == NULL || strlen(files->top) + 5 > sizeof(path))
			continue;
		memcpy(path + 4, files->top, strlen(files->top) + 1);
		if (!name_path(node, path + strlen(path), sizeof(path) - strlen(path)))
			continue;
		rc = dfs_sys_stat(sys, path, 0, &stat);
		if (files_done(files, FILES_STAT, rc, 0, path) == OUTCOME_OK)
			files_check_stat(files, node, &stat, true);
	}
	(void)dfs_sys_umount(sys);
}

void
files_mounts(struct files_actor *files)
{
	static void (*const ways[])(struct files_actor * files) = {
		mount_read_only,  mount_connected, mount_global,
		mount_global_all, mount_tells,	   mount_remembering,
	};

	ways[stream_draw(files->random, ARRAY_SIZE(ways))](files);
}

/* ------------------------------------------------ open entries */

/* An open file as bytes, and again an open file. */
static void
object_global(struct files_actor *files, struct name_node *node, dfs_obj_t *object)
{
	d_iov_t glob = {.iov_buf = NULL};
	dfs_obj_t *again;
	int rc = dfs_obj_local2global(files->dfs, object, &glob);

	if (files_done(files, FILES_HANDLES, rc, 0, "the size of a file") != OUTCOME_OK ||
	    glob.iov_buf_len > FILES_IO_MAX)
		return;
	glob.iov_buf = files->expected;
	rc = dfs_obj_local2global(files->dfs, object, &glob);
	if (files_done(files, FILES_HANDLES, rc, 0, "a file") != OUTCOME_OK)
		return;
	rc = dfs_obj_global2local(files->dfs, O_RDONLY, glob, &again);
	if (files_done(files, FILES_HANDLES, rc, 0, "a file from bytes") != OUTCOME_OK)
		return;
	files_verify_content(files, node, again);
	(void)dfs_release(again);
}

static void
object_dup(struct files_actor *files, struct name_node *node, dfs_obj_t *object)
{
	daos_obj_id_t one, two;
	dfs_obj_t *again;
	mode_t mode;
	int rc = dfs_dup(files->dfs, object, O_RDONLY, &again);

	if (files_done(files, FILES_HANDLES, rc, 0, "a second handle") != OUTCOME_OK)
		return;
	rc = dfs_obj2id(object, &one) || dfs_obj2id(again, &two) || one.lo != two.lo ||
	     one.hi != two.hi || dfs_get_mode(again, &mode);
	(void)files_done(files, FILES_HANDLES, rc, 0, "what a second handle tells");
	if (node->kind == TREE_FILE)
		files_verify_content(files, node, again);
	(void)dfs_release(again);
}

static void
file_tells(struct files_actor *files, const struct name_node *node, dfs_obj_t *object)
{
	dfs_obj_info_t info;
	daos_handle_t handle;
	daos_size_t size;
	bool wrong;

	if (dfs_get_chunk_size(object, &size) || dfs_get_file_oh(object, &handle) ||
	    dfs_obj_get_info(files->dfs, object, &info))
		size = 0;
	wrong = size == 0 || size != info.doi_chunk_size ||
		(node->chunk_size && node->chunk_size != size);
	(void)files_done(files, FILES_HANDLES, wrong, 0, "what a file tells");
}

/* Defaults of a directory: of what is made in it from now on. */
static void
set_defaults(struct files_actor *files, dfs_obj_t *object)
{
	daos_anchor_t anchor;
	int rc;

	if (stream_chance(files->random, 50))
		rc = dfs_obj_set_oclass(files->dfs, object, 0,
					stream_chance(files->random, 50) ? OC_S1 : OC_SX);
	else
		rc = dfs_obj_set_chunk_size(files->dfs, object, 0,
					    4096u << stream_draw(files->random, 6));
	(void)files_done(files, FILES_HANDLES, rc, 0, "defaults");
	rc = dfs_dir_anchor_set(object, "f050", &anchor);
	(void)files_done(files, FILES_HANDLES, rc, 0, "an anchor");
}

/* An open entry that was told its name anew is where it was. */
static void
tell_name(struct files_actor *files, struct name_node *node, dfs_obj_t *object)
{
	dfs_obj_t *again;
	struct stat stat;
	int rc;

	if (node->at == NULL || !files_open(files, node, O_RDONLY, &again))
		return;
	rc = dfs_update_parent(object, again, node->at->name);
	if (files_done(files, FILES_HANDLES, rc, 0, "a name told") == OUTCOME_OK) {
		rc = dfs_ostat(files->dfs, object, &stat);
		if (files_done(files, FILES_STAT, rc, 0, node->at->name) == OUTCOME_OK)
			files_check_stat(files, node, &stat, true);
	}
	(void)dfs_release(again);
}

/* Paths that need no file system of this machine. */
static void
resolve_path(struct files_actor *files)
{
	char value[] = "DAOS.POSIX://pool/files";
	struct duns_attr_t attr = {.da_flags = 0};
	char path[FILES_PATH_MAX];
	int rc;

	snprintf(path, sizeof(path), "daos://pool/files%s/x", files->top);
	rc = duns_resolve_path(path, &attr) || strcmp(attr.da_pool, "pool") != 0 ||
	     strcmp(attr.da_cont, "files") != 0 || attr.da_rel_path == NULL ||
	     strncmp(attr.da_rel_path, files->top, strlen(files->top)) != 0;
	rc = rc || duns_set_sys_name(&attr, "daos_server") || attr.da_sys == NULL;
	duns_destroy_attr(&attr);
	rc = rc || duns_parse_attr(value, sizeof(value), &attr) ||
	     attr.da_type != DAOS_PROP_CO_LAYOUT_POSIX;
	(void)files_done(files, FILES_HANDLES, rc, 0, "a path of a container");
	rc = duns_create_path(files->actor->pool, path, &attr);
	(void)files_done(files, FILES_REFUSED, rc, ENOTSUP, "a path within a container");
}

void
files_handles(struct files_actor *files)
{
	struct name_node *node = files_draw_node(files, 1u << TREE_DIRECTORY | 1u << TREE_FILE);
	dfs_obj_t *object;

	resolve_path(files);
	if (!files_open(files, node, O_RDWR, &object))
		return;
	if (stream_chance(files->random, 40))
		object_dup(files, node, object);
	else if (stream_chance(files->random, 40))
		tell_name(files, node, object);
	else if (node->kind == TREE_FILE)
		object_global(files, node, object);
	if (node->kind == TREE_FILE)
		file_tells(files, node, object);
	else
		set_defaults(files, object);
	(void)dfs_release(object);
}

/* ------------------------------------------------ containers */

void
files_container_label(const struct files_actor *files, uint32_t actor, uint32_t number,
		      char label[40])
{
	snprintf(label, 40, "files-%u-%u-%u", server_number(files->model->server), actor, number);
}

/* A file system of its own, used once and destroyed: what is left of it the end removes. */
void
files_containers(struct files_actor *files)
{
	dfs_attr_t attr = {.da_chunk_size = 1u << 16, .da_hints = "dir:single,file:max"};
	daos_handle_t container;
	char label[40];
	dfs_t *dfs;
	int rc;

	files_container_label(files, files->actor->number, files->hand->containers++, label);
	if (stream_chance(files->random, 30)) {
		rc = dfs_connect("pool", NULL, label, O_RDWR | O_CREAT, &attr, &dfs);
		if (files_done(files, FILES_CONTAINER, rc, 0, label) == OUTCOME_OK)
			(void)dfs_disconnect(dfs);
	} else {
		rc = dfs_cont_create_with_label(files->actor->pool, label, &attr, NULL, &container,
						&dfs);
		if (files_done(files, FILES_CONTAINER, rc, 0, label) == OUTCOME_OK) {
			rc = dfs_mkdir(dfs, NULL, "d", 0755, 0);
			(void)files_done(files, FILES_CONTAINER, rc, 0, label);
			rc = dfs_cont_set_owner(container, NULL, 7, NULL, 8);
			(void)files_done(files, FILES_CONTAINER, rc, 0, label);
			(void)dfs_umount(dfs);
			(void)daos_cont_close(container, NULL);
		}
	}
	if (stream_chance(files->random, 50)) {
		rc = dfs_destroy("pool", NULL, label, 1, NULL);
		(void)files_done(files, FILES_CONTAINER, rc, rc == ENOENT ? ENOENT : 0, label);
	}
}

/* Destroys what the actors of this hand may have left. */
void
files_verify_containers(struct files_actor *files)
{
	uint32_t actor = (uint32_t)(files->hand - files->model->hands);
	daos_handle_t container;
	uuid_t uuid;
	int rc;

	for (uint32_t i = 0; i < files->hand->containers; i++) {
		char label[40];

		files_container_label(files, actor, i, label);
		rc = dfs_destroy("pool", NULL, label, 1, NULL);
		(void)files_done(files, FILES_CONTAINER, rc, rc == ENOENT ? ENOENT : 0, label);
	}
	if (actor > 0)
		return;
	rc = dfs_cont_create(files->actor->pool, &uuid, NULL, &container, NULL);
	if (files_done(files, FILES_CONTAINER, rc, 0, "without a label") == OUTCOME_OK) {
		char name[37];

		(void)daos_cont_close(container, NULL);
		uuid_unparse_lower(uuid, name);
		rc = dfs_destroy("pool", NULL, name, 0, NULL);
		(void)files_done(files, FILES_CONTAINER, rc, 0, "without a label");
	}
}
