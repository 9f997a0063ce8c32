/* SPDX-License-Identifier: BSD-2-Clause-Patent */
/*
 * Bad input over the whole interface of libdfs, dfs_sys and libduns, by a table: a row calls one
 * function with arguments that are right but for one, which is wrong in every way of its kind. A
 * public function without a row fails the test. Then names of every byte, names and paths at their
 * limits and beyond, containers that are no file systems, and a pool that is full.
 */
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/xattr.h>
#include <unistd.h>

#include "client/client.h"
#include "embedded_bed.h"
#include <daos_fs.h>
#include <daos_fs_sys.h>
#include <daos_uns.h>

static struct embedded_bed bed;
static daos_handle_t container;
static dfs_t *dfs, *reader; /* the second one is mounted for reading only */
static dfs_sys_t *sys, *sys_reader;
static dfs_obj_t *file, *directory, *symbolic;

/* ------------------------------------------------ one argument is wrong */

/* What an argument is, each with the ways in which it can be wrong. */
enum role {
	ROLE_NONE,
	ROLE_POINTER,
	ROLE_EVENT,
	ROLE_POOL,
	ROLE_CONTAINER,
	ROLE_DIRECTORY,
	ROLE_FILE,
	ROLE_NAME,
	ROLE_PATH,
	ROLE_WRITER,
	ROLES,
};

#define WAYS 7u

/* Which argument of the call is wrong, by the order of evaluation, and in which way. */
static struct {
	uint32_t at, seen, way, ways;
	enum role role;
	const char *text;
} wrong;

static char name_long[DFS_MAX_NAME + 2], path_long[DFS_MAX_PATH + 1], path_name_long[300];

/* The errno values that each way is answered with, and how many ways there are. */
struct way {
	int answers[3];
};

static const struct {
	uint32_t count;
	struct way ways[WAYS];
} roles[ROLES] = {
	[ROLE_NONE] = {1, {{{0}}}},
	[ROLE_POINTER] = {1, {{{EINVAL}}}},
	[ROLE_EVENT] = {1, {{{EINVAL}}}},
	/* zero, garbage, of another kind */
	[ROLE_POOL] = {3, {{{EINVAL}}, {{EINVAL}}, {{EINVAL}}}},
	[ROLE_CONTAINER] = {3, {{{EINVAL}}, {{EINVAL}}, {{EINVAL}}}},
	/* a file, a symlink */
	[ROLE_DIRECTORY] = {2, {{{ENOTDIR, EINVAL, ENOTSUP}}, {{ENOTDIR, EINVAL, ENOTSUP}}}},
	/* none, a directory, a symlink */
	[ROLE_FILE] = {3, {{{EINVAL}}, {{EINVAL, EISDIR}}, {{EINVAL}}}},
	/* empty, ".", "..", with a slash, too long */
	[ROLE_NAME] = {5, {{{EINVAL}}, {{EINVAL}}, {{EINVAL}}, {{EINVAL}}, {{ENAMETOOLONG}}}},
	/* none, empty, relative, beneath a file, in what is not there, too long, of a long name */
	[ROLE_PATH] = {7,
		       {{{EINVAL}},
			{{EINVAL}},
			{{EINVAL}},
			{{ENOTDIR}},
			{{ENOENT}},
			{{ENAMETOOLONG}},
			{{ENAMETOOLONG}}}},
	/* a mount for reading */
	[ROLE_WRITER] = {1, {{{EPERM, EROFS}}}},
};

static bool
is_wrong(enum role role, const char *text)
{
	if (wrong.seen++ != wrong.at)
		return false;
	wrong.role = role;
	wrong.ways = roles[role].count;
	wrong.text = text;
	return true;
}

static daos_handle_t
handle_of(enum role role)
{
	const daos_handle_t wrong_ones[] = {
		DAOS_HDL_INVAL,
		{UINT64_C(0x123456789abcdef7)},
		role == ROLE_POOL ? container : bed.pool,
	};

	if (is_wrong(role, "handle"))
		return wrong_ones[wrong.way];
	return role == ROLE_POOL ? bed.pool : container;
}

static dfs_obj_t *
directory_of(void)
{
	dfs_obj_t *const wrong_ones[] = {file, symbolic};

	return is_wrong(ROLE_DIRECTORY, "directory") ? wrong_ones[wrong.way] : directory;
}

static dfs_obj_t *
file_of(void)
{
	dfs_obj_t *const wrong_ones[] = {NULL, directory, symbolic};

	return is_wrong(ROLE_FILE, "file") ? wrong_ones[wrong.way] : file;
}

static const char *
name_of(const char *name)
{
	const char *const wrong_ones[] = {"", ".", "..", "a/b", name_long};

	return is_wrong(ROLE_NAME, name) ? wrong_ones[wrong.way] : name;
}

static const char *
path_of(const char *path)
{
	const char *const wrong_ones[] = {
		NULL,		"", "relative", "/directory/file/below", "/absent/below", path_long,
		path_name_long,
	};

	return is_wrong(ROLE_PATH, path) ? wrong_ones[wrong.way] : path;
}

static bool
pointer_is_wrong(const char *text)
{
	return is_wrong(ROLE_POINTER, text);
}

static daos_event_t *
event_of(void)
{
	static daos_event_t never;

	return is_wrong(ROLE_EVENT, "event") ? &never : NULL;
}

#define P(pointer) (pointer_is_wrong(#pointer) ? NULL : (pointer))
#define E event_of()
#define POOL handle_of(ROLE_POOL)
#define CONTAINER handle_of(ROLE_CONTAINER)
#define DIRECTORY directory_of()
#define FILE_ file_of()
#define N(name) name_of(name)
#define PATH(path) path_of(path)
/* A mount that is written through; NULL is tried where P(dfs) stands. */
#define WRITER (is_wrong(ROLE_WRITER, "mount") ? reader : P(dfs))
#define SYS_WRITER (is_wrong(ROLE_WRITER, "mount") ? sys_reader : P(sys))

/* ------------------------------------------------ right arguments */

static char byte = 'x', text_buffer[512];
static d_iov_t iov = {&byte, 1, 1}, glob = {text_buffer, sizeof(text_buffer), 1};
static const d_iov_t no_blob = {NULL, 0, 0}, garbage = {text_buffer, sizeof(text_buffer), 512};
static d_sg_list_t sgl = {1, 0, &iov};
static daos_range_t range = {0, 1};
static dfs_iod_t file_iod = {1, &range};
static daos_handle_t handle;
static dfs_t *ret_dfs;
static dfs_sys_t *ret_sys;
static dfs_obj_t *ret_object;
static dfs_attr_t attributes;
static dfs_obj_info_t info;
static daos_obj_id_t oid;
static daos_oclass_id_t class;
static daos_size_t size = 1;
static daos_anchor_t anchor;
static daos_epoch_t epoch = 1;
static uint32_t count = 1;
static uint64_t number;
static mode_t mode;
static struct stat status;
static struct dirent entry, *ret_entry;
static DIR *dirp;
static dfs_predicate_t predicate;
static dfs_pipeline_t *pipeline, *ret_pipeline;
static const struct timespec times[2];
static struct duns_attr_t uns;

static int
fill(dfs_t *of, dfs_obj_t *object, const char name[], void *argument)
{
	(void)of;
	(void)object;
	(void)name;
	(void)argument;
	return 0;
}

/* ------------------------------------------------ the table */

struct row {
	const char *name;
	uint32_t arguments; /* that may be wrong */
	int (*call)(void);
};

#define CALLS(ROW)                                                                                 \
	/* daos_fs.h */                                                                            \
	ROW(dfs_init, 0, 0)                                                                        \
	ROW(dfs_fini, 0, 0)                                                                        \
	ROW(dfs_connect, 2, dfs_connect(P("default"), NULL, "files", O_RDWR, NULL, P(&ret_dfs)))   \
	ROW(dfs_connect_snap, 3,                                                                   \
	    dfs_connect_snap(P("default"), NULL, P("files"), O_RDONLY, epoch, NULL, P(&ret_dfs)))  \
	ROW(dfs_disconnect, 1, dfs_disconnect(P(dfs)))                                             \
	ROW(dfs_destroy, 3, dfs_destroy(P("default"), NULL, P("absent"), 0, E))                    \
	ROW(dfs_cont_create, 2, dfs_cont_create(POOL, NULL, NULL, P(&handle), &ret_dfs))           \
	ROW(dfs_cont_create_with_label, 3,                                                         \
	    dfs_cont_create_with_label(POOL, P("new"), NULL, NULL, P(&handle), &ret_dfs))          \
	ROW(dfs_mount, 2, dfs_mount(POOL_ANY, CONTAINER, O_RDWR, P(&ret_dfs)))                     \
	ROW(dfs_mount_snap, 2,                                                                     \
	    dfs_mount_snap(POOL_ANY, CONTAINER, O_RDONLY, epoch, NULL, P(&ret_dfs)))               \
	ROW(dfs_umount, 1, dfs_umount(P(dfs)))                                                     \
	ROW(dfs_pool_get, 2, dfs_pool_get(P(dfs), P(&handle)))                                     \
	ROW(dfs_pool_put, 2, dfs_pool_put(P(dfs), POOL))                                           \
	ROW(dfs_cont_get, 2, dfs_cont_get(P(dfs), P(&handle)))                                     \
	ROW(dfs_cont_put, 2, dfs_cont_put(P(dfs), CONTAINER))                                      \
	ROW(dfs_query, 2, dfs_query(P(dfs), P(&attributes)))                                       \
	ROW(dfs_local2global, 2, dfs_local2global(P(dfs), P(&glob)))                               \
	ROW(dfs_global2local, 2,                                                                   \
	    dfs_global2local(bed.pool, container, O_RDWR,                                          \
			     is_wrong(ROLE_POINTER, "blob") ? no_blob : garbage, P(&ret_dfs)))     \
	ROW(dfs_local2global_all, 2, dfs_local2global_all(P(dfs), P(&glob)))                       \
	ROW(dfs_global2local_all, 2,                                                               \
	    dfs_global2local_all(O_RDWR, is_wrong(ROLE_POINTER, "blob") ? no_blob : garbage,       \
				 P(&ret_dfs)))                                                     \
	ROW(dfs_set_prefix, 2,                                                                     \
	    dfs_set_prefix(P(dfs), is_wrong(ROLE_POINTER, "prefix") ? "relative" : "/prefix"))     \
	ROW(dfs_obj2id, 2, dfs_obj2id(P(file), P(&oid)))                                           \
	ROW(dfs_lookup, 3,                                                                         \
	    dfs_lookup(P(dfs), PATH("/file"), O_RDONLY, P(&ret_object), NULL, NULL))               \
	ROW(dfs_lookup_rel, 5,                                                                     \
	    dfs_lookup_rel(P(dfs), DIRECTORY, N(P("file")), O_RDONLY, P(&ret_object), NULL, NULL)) \
	ROW(dfs_suggest_oclass, 3, dfs_suggest_oclass(P(dfs), P("file:max"), P(&class)))           \
	ROW(dfs_open, 6,                                                                           \
	    dfs_open(WRITER, DIRECTORY, N(P("new")), S_IFREG, O_RDWR | O_CREAT, 0, 0, NULL,        \
		     P(&ret_object)))                                                              \
	ROW(dfs_dup, 4, dfs_dup(WRITER, P(file), O_RDWR, P(&ret_object)))                          \
	ROW(dfs_obj_local2global, 3, dfs_obj_local2global(P(dfs), FILE_, P(&glob)))                \
	ROW(dfs_obj_global2local, 3,                                                               \
	    dfs_obj_global2local(P(dfs), O_RDWR,                                                   \
				 is_wrong(ROLE_POINTER, "blob") ? no_blob : garbage,               \
				 P(&ret_object)))                                                  \
	ROW(dfs_release, 1, dfs_release(P(file)))                                                  \
	ROW(dfs_read, 5, dfs_read(P(dfs), FILE_, P(&sgl), 0, P(&size), E))                         \
	ROW(dfs_readx, 6, dfs_readx(P(dfs), FILE_, P(&file_iod), P(&sgl), P(&size), E))            \
	ROW(dfs_write, 5, dfs_write(WRITER, FILE_, P(&sgl), 0, E))                                 \
	ROW(dfs_writex, 6, dfs_writex(WRITER, FILE_, P(&file_iod), P(&sgl), E))                    \
	ROW(dfs_get_size, 3, dfs_get_size(P(dfs), FILE_, P(&size)))                                \
	ROW(dfs_punch, 3, dfs_punch(WRITER, FILE_, 0, 1))                                          \
	ROW(dfs_readdir, 6, dfs_readdir(P(dfs), P(DIRECTORY), P(&anchor), P(&count), P(&entry)))   \
	ROW(dfs_readdirplus, 7,                                                                    \
	    dfs_readdirplus(P(dfs), P(DIRECTORY), P(&anchor), P(&count), P(&entry), P(&status)))   \
	ROW(dfs_iterate, 6,                                                                        \
	    dfs_iterate(P(dfs), P(DIRECTORY), P(&anchor), P(&count), 100, P(fill), NULL))          \
	ROW(dfs_dir_anchor_set, 5, dfs_dir_anchor_set(P(DIRECTORY), N(P("file")), P(&anchor)))     \
	ROW(dfs_obj_anchor_split, 3, dfs_obj_anchor_split(P(DIRECTORY), P(&count), &anchor))       \
	ROW(dfs_obj_anchor_set, 3, dfs_obj_anchor_set(P(DIRECTORY), 0, P(&anchor)))                \
	ROW(dfs_mkdir, 5, dfs_mkdir(WRITER, DIRECTORY, N(P("new")), 0700, 0))                      \
	ROW(dfs_remove, 5, dfs_remove(WRITER, DIRECTORY, N(P("new")), false, NULL))                \
	ROW(dfs_move, 8, dfs_move(WRITER, DIRECTORY, N(P("a")), DIRECTORY, N(P("b")), NULL))       \
	ROW(dfs_exchange, 8, dfs_exchange(WRITER, DIRECTORY, N(P("a")), DIRECTORY, N(P("b"))))     \
	ROW(dfs_get_mode, 2, dfs_get_mode(P(file), P(&mode)))                                      \
	ROW(dfs_obj_get_info, 3, dfs_obj_get_info(P(dfs), P(file), P(&info)))                      \
	ROW(dfs_obj_set_oclass, 3, dfs_obj_set_oclass(WRITER, DIRECTORY, 0, OC_S1))                \
	ROW(dfs_obj_set_chunk_size, 3, dfs_obj_set_chunk_size(WRITER, DIRECTORY, 0, 4096))         \
	ROW(dfs_get_file_oh, 2, dfs_get_file_oh(FILE_, P(&handle)))                                \
	ROW(dfs_get_chunk_size, 2, dfs_get_chunk_size(FILE_, P(&size)))                            \
	ROW(dfs_get_symlink_value, 2, dfs_get_symlink_value(P(symbolic), text_buffer, P(&size)))   \
	ROW(dfs_update_parent, 2, dfs_update_parent(P(file), P(file), NULL))                       \
	ROW(dfs_stat, 4, dfs_stat(P(dfs), DIRECTORY, N("file"), P(&status)))                       \
	ROW(dfs_ostat, 3, dfs_ostat(P(dfs), P(file), P(&status)))                                  \
	ROW(dfs_osetattr, 4, dfs_osetattr(WRITER, P(file), P(&status), DFS_SET_ATTR_MODE))         \
	ROW(dfs_access, 4, dfs_access(WRITER, DIRECTORY, N("file"), W_OK))                         \
	ROW(dfs_chmod, 4, dfs_chmod(WRITER, DIRECTORY, N("file"), 0600))                           \
	ROW(dfs_chown, 4, dfs_chown(WRITER, DIRECTORY, N("file"), 0, 0, 0))                        \
	ROW(dfs_sync, 2, dfs_sync(WRITER))                                                         \
	ROW(dfs_setxattr, 5, dfs_setxattr(WRITER, P(file), P("user.x"), P("x"), 1, 0))             \
	ROW(dfs_getxattr, 4, dfs_getxattr(P(dfs), P(file), P("user.x"), text_buffer, P(&size)))    \
	ROW(dfs_removexattr, 4, dfs_removexattr(WRITER, P(file), P("user.x")))                     \
	ROW(dfs_listxattr, 3, dfs_listxattr(P(dfs), P(file), text_buffer, P(&size)))               \
	ROW(dfs_cont_check, 2, dfs_cont_check(POOL, P("absent"), DFS_CHECK_PRINT, NULL))           \
	ROW(dfs_cont_set_owner, 1, dfs_cont_set_owner(CONTAINER, NULL, 0, NULL, 0))                \
	ROW(dfs_get_size_by_oid, 2, dfs_get_size_by_oid(P(dfs), oid, 1 << 20, P(&size)))           \
	ROW(dfs_pipeline_create, 2,                                                                \
	    dfs_pipeline_create(P(dfs), predicate, DFS_FILTER_NAME, P(&ret_pipeline)))             \
	ROW(dfs_pipeline_destroy, 1, dfs_pipeline_destroy(P(pipeline)))                            \
	ROW(dfs_readdir_with_filter, 7,                                                            \
	    dfs_readdir_with_filter(P(dfs), P(DIRECTORY), P(pipeline), P(&anchor), P(&count),      \
				    P(&entry), NULL, NULL, NULL))                                  \
	ROW(dfs_cont_scan, 2, dfs_cont_scan(POOL, P("absent"), 0, NULL))                           \
	ROW(dfs_link, 6, dfs_link(WRITER, P(file), DIRECTORY, N(P("new"))))                        \
	ROW(dfs_rename, 8,                                                                         \
	    dfs_rename(WRITER, DIRECTORY, N(P("a")), DIRECTORY, N(P("b")), 0, NULL))               \
	ROW(dfs_append, 5, dfs_append(WRITER, FILE_, P(&sgl), NULL, E))                            \
	ROW(dfs_open_id, 2, dfs_open_id(P(dfs), oid, O_RDWR, P(&ret_object)))                      \
	ROW(dfs_open_stat, 7,                                                                      \
	    dfs_open_stat(WRITER, DIRECTORY, N(P("new")), S_IFREG, O_RDWR | O_CREAT, 0, 0, NULL,   \
			  P(&ret_object), P(&status)))                                             \
	ROW(dfs_export, 3, dfs_export(WRITER, P(file)))                                            \
	ROW(dfs_reclaim, 2, dfs_reclaim(WRITER, &number))                                          \
	/* daos_fs_sys.h */                                                                        \
	ROW(dfs_sys_connect, 2,                                                                    \
	    dfs_sys_connect(P("default"), NULL, "files", O_RDWR, 0, NULL, P(&ret_sys)))            \
	ROW(dfs_sys_disconnect, 1, dfs_sys_disconnect(P(sys)))                                     \
	ROW(dfs_sys_local2global_all, 2, dfs_sys_local2global_all(P(sys), P(&glob)))               \
	ROW(dfs_sys_global2local_all, 2,                                                           \
	    dfs_sys_global2local_all(                                                              \
		    O_RDWR, 0, is_wrong(ROLE_POINTER, "blob") ? no_blob : garbage, P(&ret_sys)))   \
	ROW(dfs_sys_mount, 2, dfs_sys_mount(POOL_ANY, CONTAINER, O_RDWR, 0, P(&ret_sys)))          \
	ROW(dfs_sys_umount, 1, dfs_sys_umount(P(sys)))                                             \
	ROW(dfs_sys_set_prefix, 2,                                                                 \
	    dfs_sys_set_prefix(P(sys), is_wrong(ROLE_POINTER, "prefix") ? "relative" : "/prefix")) \
	ROW(dfs_sys_local2global, 2, dfs_sys_local2global(P(sys), P(&glob)))                       \
	ROW(dfs_sys_global2local, 2,                                                               \
	    dfs_sys_global2local(bed.pool, container, O_RDWR, 0,                                   \
				 is_wrong(ROLE_POINTER, "blob") ? no_blob : garbage, P(&ret_sys))) \
	ROW(dfs_sys2base, 2, dfs_sys2base(P(sys), P(&ret_dfs)))                                    \
	ROW(dfs_sys_access, 2, dfs_sys_access(P(sys), PATH("/file"), F_OK, 0))                     \
	ROW(dfs_sys_chmod, 3, dfs_sys_chmod(SYS_WRITER, PATH("/file"), 0600))                      \
	ROW(dfs_sys_chown, 3, dfs_sys_chown(SYS_WRITER, PATH("/file"), 0, 0, 0))                   \
	ROW(dfs_sys_setattr, 4,                                                                    \
	    dfs_sys_setattr(SYS_WRITER, PATH("/file"), P(&status), DFS_SET_ATTR_MODE, 0))          \
	ROW(dfs_sys_utimens, 3, dfs_sys_utimens(SYS_WRITER, PATH("/file"), times, 0))              \
	ROW(dfs_sys_stat, 3, dfs_sys_stat(P(sys), PATH("/file"), 0, P(&status)))                   \
	ROW(dfs_sys_mknod, 3, dfs_sys_mknod(SYS_WRITER, PATH("/new"), S_IFREG, 0, 0))              \
	ROW(dfs_sys_listxattr, 3,                                                                  \
	    dfs_sys_listxattr(P(sys), PATH("/file"), text_buffer, P(&size), 0))                    \
	ROW(dfs_sys_getxattr, 4,                                                                   \
	    dfs_sys_getxattr(P(sys), PATH("/file"), P("user.x"), text_buffer, P(&size), 0))        \
	ROW(dfs_sys_setxattr, 5,                                                                   \
	    dfs_sys_setxattr(SYS_WRITER, PATH("/file"), P("user.x"), P("x"), 1, 0, 0))             \
	ROW(dfs_sys_removexattr, 4,                                                                \
	    dfs_sys_removexattr(SYS_WRITER, PATH("/file"), P("user.x"), 0))                        \
	ROW(dfs_sys_readlink, 3,                                                                   \
	    dfs_sys_readlink(P(sys), PATH("/symbolic"), text_buffer, P(&size)))                    \
	ROW(dfs_sys_symlink, 4, dfs_sys_symlink(SYS_WRITER, P("target"), PATH("/new")))            \
	ROW(dfs_sys_open, 4,                                                                       \
	    dfs_sys_open(SYS_WRITER, PATH("/new"), S_IFREG, O_RDWR | O_CREAT, 0, 0, NULL,          \
			 P(&ret_object)))                                                          \
	ROW(dfs_sys_close, 1, dfs_sys_close(P(file)))                                              \
	ROW(dfs_sys_read, 5, dfs_sys_read(P(sys), FILE_, P(text_buffer), 0, P(&size), E))          \
	ROW(dfs_sys_write, 6, dfs_sys_write(SYS_WRITER, FILE_, P(text_buffer), 0, P(&size), E))    \
	ROW(dfs_sys_punch, 3, dfs_sys_punch(SYS_WRITER, PATH("/file"), 0, 1))                      \
	ROW(dfs_sys_remove, 3, dfs_sys_remove(SYS_WRITER, PATH("/new"), false, NULL))              \
	ROW(dfs_sys_remove_type, 3,                                                                \
	    dfs_sys_remove_type(SYS_WRITER, PATH("/file"), false, S_IFREG, NULL))                  \
	ROW(dfs_sys_mkdir, 3, dfs_sys_mkdir(SYS_WRITER, PATH("/new"), 0700, 0))                    \
	ROW(dfs_sys_mkdir_p, 2, dfs_sys_mkdir_p(P(sys), P("/new"), 0700, 0))                       \
	ROW(dfs_sys_opendir, 3, dfs_sys_opendir(P(sys), PATH("/directory"), 0, P(&dirp)))          \
	ROW(dfs_sys_closedir, 1, dfs_sys_closedir(P(dirp)))                                        \
	ROW(dfs_sys_readdir, 3, dfs_sys_readdir(P(sys), P(dirp), P(&ret_entry)))                   \
	/* daos_uns.h */                                                                           \
	ROW(duns_create_path, 3, duns_create_path(POOL, P("/tmp/new"), P(&uns)))                   \
	ROW(duns_resolve_path, 2, duns_resolve_path(P("daos://default/files"), P(&uns)))           \
	ROW(duns_destroy_path, 1, duns_destroy_path(bed.pool, P("/tmp/absent")))                   \
	ROW(duns_parse_attr, 2, duns_parse_attr(P(text_buffer), 1, P(&uns)))                       \
	ROW(duns_set_sys_name, 1, duns_set_sys_name(P(&uns), "system"))                            \
	ROW(duns_destroy_attr, 1, (duns_destroy_attr(P(&uns)), EINVAL))                            \
	ROW(duns_link_cont, 2, duns_link_cont(bed.pool, P("files"), P("/tmp/new")))

/* A mount keeps the handle of the pool for its user alone. */
#define POOL_ANY bed.pool

#define DEFINE(name, arguments, ...)  \
	static int call_##name(void)  \
	{                             \
		return (__VA_ARGS__); \
	}
CALLS(DEFINE)

#define STATE(name, arguments, ...) {#name, arguments, call_##name},
static const struct row rows[] = {CALLS(STATE)};
#define ROWS (sizeof(rows) / sizeof(rows[0]))

/* ------------------------------------------------ the tests of the table */

static bool
is_answer(int rc)
{
	const struct way *way = &roles[wrong.role].ways[wrong.way];

	for (uint32_t i = 0; i < 3; i++)
		if (way->answers[i] != 0 && rc == way->answers[i])
			return true;
	return false;
}

static uint32_t
failures_of(const struct row *row)
{
	uint32_t failures = 0;

	for (wrong.at = 0; wrong.at < row->arguments; wrong.at++) {
		wrong.ways = 1;
		for (wrong.way = 0; wrong.way < wrong.ways; wrong.way++) {
			int rc;

			wrong.seen = 0;
			wrong.role = ROLE_NONE;
			rc = row->call();
			if (is_answer(rc) && wrong.seen <= row->arguments)
				continue;
			failures++;
			fprintf(stderr, "%s: wrong %s (way %u): %d (%s), %u of %u arguments\n",
				row->name, wrong.text, wrong.way, rc, strerror(rc), wrong.seen,
				row->arguments);
		}
	}
	return failures;
}

static void
nothing_wrong_is_taken(void **state)
{
	uint32_t failures = 0;

	(void)state;
	for (uint32_t i = 0; i < ROWS; i++)
		failures += failures_of(&rows[i]);
	assert_int_equal(failures, 0);
}

static bool
has_row(const char *name)
{
	for (uint32_t i = 0; i < ROWS; i++)
		if (strcmp(rows[i].name, name) == 0)
			return true;
	return false;
}

static void
every_function_has_a_row(void **state)
{
	FILE *list = fopen(CAIRN_GOLDEN_DIR "/public-functions.txt", "r");
	char name[128], header[128];
	uint32_t functions = 0, absent = 0;

	(void)state;
	assert_non_null(list);
	while (fscanf(list, "%127s %127s", name, header) == 2) {
		if (strcmp(header, "daos_fs.h") != 0 && strcmp(header, "daos_fs_sys.h") != 0 &&
		    strcmp(header, "daos_uns.h") != 0)
			continue;
		functions++;
		if (!has_row(name)) {
			fprintf(stderr, "%s has no row\n", name);
			absent++;
		}
	}
	fclose(list);
	assert_int_equal(absent, 0);
	assert_int_equal(functions, ROWS);
}

/* ------------------------------------------------ names and paths */

static void
make_and_find(const char *name)
{
	char link_name[DFS_MAX_NAME + 1];
	dfs_obj_t *made, *found;
	daos_obj_id_t ids[2];
	daos_anchor_t at = {0};
	uint32_t listed = 1;

	assert_ok(dfs_open(dfs, directory, name, S_IFREG | 0600, O_RDWR | O_CREAT | O_EXCL, 0, 0,
			   NULL, &made));
	assert_ok(dfs_lookup_rel(dfs, directory, name, O_RDONLY, &found, NULL, NULL));
	assert_ok(dfs_obj2id(made, &ids[0]));
	assert_ok(dfs_obj2id(found, &ids[1]));
	assert_memory_equal(&ids[0], &ids[1], sizeof(ids[0]));
	assert_ok(dfs_stat(dfs, directory, name, &status));
	/* The listing gives the same bytes. */
	do {
		listed = 1;
		assert_ok(dfs_readdir(dfs, directory, &at, &listed, &entry));
	} while (listed > 0 && strcmp(entry.d_name, name) != 0);
	assert_int_equal(listed, 1);
	/* The same bytes as the target of a symlink. */
	snprintf(link_name, sizeof(link_name), "link");
	assert_ok(dfs_release(found));
	assert_ok(
		dfs_open(dfs, directory, link_name, S_IFLNK, O_RDWR | O_CREAT, 0, 0, name, &found));
	assert_ok(dfs_release(found));
	assert_ok(dfs_lookup_rel(dfs, directory, link_name, O_RDONLY, &found, NULL, NULL));
	assert_ok(dfs_obj2id(found, &ids[1]));
	assert_memory_equal(&ids[0], &ids[1], sizeof(ids[0]));
	assert_ok(dfs_release(found));
	assert_ok(dfs_remove(dfs, directory, link_name, false, NULL));
	assert_ok(dfs_remove(dfs, directory, name, false, NULL));
	assert_ok(dfs_release(made));
}

/* A directory of names with one byte each that is special; the listing gives the same names. */
static void
names_of_every_byte(void **state)
{
	dfs_obj_t *of_bytes, *found;
	struct dirent page[64];
	uint32_t listed = 0, last = 0;
	daos_anchor_t at = {0};
	char name[8];

	(void)state;
	assert_ok(dfs_open(dfs, NULL, "bytes", S_IFDIR | 0700, O_RDWR | O_CREAT, 0, 0, NULL,
			   &of_bytes));
	for (int value = 1; value < 256; value++) {
		snprintf(name, sizeof(name), "a%cb", value);
		assert_int_equal(dfs_mkdir(dfs, of_bytes, name, 0700, 0),
				 value == '/' ? EINVAL : 0);
		assert_int_equal(dfs_lookup_rel(dfs, of_bytes, name, O_RDONLY, &found, NULL, NULL),
				 value == '/' ? EINVAL : 0);
		if (value != '/')
			assert_ok(dfs_release(found));
	}
	for (uint32_t number_of = 64; !daos_anchor_is_eof(&at); number_of = 64) {
		assert_ok(dfs_readdir(dfs, of_bytes, &at, &number_of, page));
		for (uint32_t i = 0; i < number_of; i++, listed++) {
			uint8_t value = (uint8_t)page[i].d_name[1];

			assert_true(value > last && strlen(page[i].d_name) == 3);
			last = value;
		}
	}
	assert_int_equal(listed, 254);
	assert_ok(dfs_release(of_bytes));
	assert_ok(dfs_remove(dfs, NULL, "bytes", true, NULL));
	for (int value = 1; value < 256; value += 36) {
		snprintf(name, sizeof(name), "%c", value);
		make_and_find(name);
	}
}

static void
names_and_paths_at_their_limits(void **state)
{
	char name[DFS_MAX_NAME + 1], target[DFS_MAX_PATH + 1], path[DFS_MAX_PATH + 1];
	dfs_obj_t *made;

	(void)state;
	memset(name, 'n', DFS_MAX_NAME);
	name[DFS_MAX_NAME] = '\0';
	make_and_find(name);

	/* A path of slashes as long as one may be, and one longer. */
	memset(path, '/', DFS_MAX_PATH);
	memcpy(path + DFS_MAX_PATH - 1 - strlen("file"), "file", strlen("file") + 1);
	assert_int_equal(strlen(path), DFS_MAX_PATH - 1);
	assert_ok(dfs_lookup(dfs, path, O_RDONLY, &made, NULL, NULL));
	assert_ok(dfs_release(made));
	assert_ok(dfs_sys_stat(sys, path, 0, &status));
	memmove(path + 1, path, DFS_MAX_PATH);
	assert_int_equal(dfs_lookup(dfs, path, O_RDONLY, &made, NULL, NULL), ENAMETOOLONG);
	assert_int_equal(dfs_sys_stat(sys, path, 0, &status), ENAMETOOLONG);

	/* A target likewise. */
	memset(target, 't', sizeof(target) - 1);
	target[DFS_MAX_PATH] = '\0';
	assert_int_equal(dfs_open(dfs, NULL, "long", S_IFLNK, O_RDWR | O_CREAT, 0, 0, target,
				  &made),
			 ENAMETOOLONG);
	assert_int_equal(dfs_sys_symlink(sys, target, "/long"), ENAMETOOLONG);
	target[DFS_MAX_PATH - 1] = '\0';
	assert_ok(dfs_sys_symlink(sys, target, "/long"));
	size = sizeof(text_buffer);
	assert_ok(dfs_sys_readlink(sys, "/long", NULL, &size));
	assert_int_equal(size, DFS_MAX_PATH);
	assert_int_equal(dfs_lookup(dfs, "/long", O_RDONLY, &made, NULL, NULL), ENAMETOOLONG);
	assert_ok(dfs_sys_remove(sys, "/long", false, NULL));

	/* A symlink to itself, and one attribute's name and value. */
	assert_ok(dfs_sys_symlink(sys, "loop", "/loop"));
	assert_int_equal(dfs_lookup(dfs, "/loop", O_RDONLY, &made, NULL, NULL), ELOOP);
	assert_ok(dfs_sys_remove(sys, "/loop", false, NULL));
	assert_int_equal(dfs_setxattr(dfs, file, name_long, "x", 1, 0), ERANGE);
	assert_ok(dfs_setxattr(dfs, file, name, "x", 1, 0));
	assert_ok(dfs_removexattr(dfs, file, name));
}

static void
values_at_their_limits(void **state)
{
	char *value = calloc(1, DFS_MAX_XATTR_LEN + 1), *back = calloc(1, DFS_MAX_XATTR_LEN);

	(void)state;
	assert_true(value && back);
	memset(value, 'v', DFS_MAX_XATTR_LEN);
	assert_int_equal(dfs_setxattr(dfs, file, "user.v", value, DFS_MAX_XATTR_LEN + 1, 0), E2BIG);
	assert_ok(dfs_setxattr(dfs, file, "user.v", value, DFS_MAX_XATTR_LEN, 0));
	size = DFS_MAX_XATTR_LEN - 1;
	assert_int_equal(dfs_getxattr(dfs, file, "user.v", back, &size), ERANGE);
	size = DFS_MAX_XATTR_LEN;
	assert_ok(dfs_getxattr(dfs, file, "user.v", back, &size));
	assert_memory_equal(value, back, DFS_MAX_XATTR_LEN);
	assert_int_equal(dfs_setxattr(dfs, file, "user.v", "x", 1, 1 << 5), EINVAL);
	assert_ok(dfs_removexattr(dfs, file, "user.v"));
	free(value);
	free(back);
	/* Offsets beyond what a file can have. */
	assert_int_not_equal(dfs_write(dfs, file, &sgl, UINT64_MAX, NULL), 0);
	assert_int_equal(dfs_osetattr(dfs, file, &(struct stat){.st_size = -1}, DFS_SET_ATTR_SIZE),
			 EINVAL);
	assert_int_equal(dfs_osetattr(dfs, file, &status, 1 << 20), EINVAL);
	assert_int_equal(dfs_osetattr(dfs, directory, &(struct stat){.st_size = 0},
				      DFS_SET_ATTR_SIZE),
			 EISDIR);
}

/* ------------------------------------------------ containers that are no file systems */

static void
other_containers(void **state)
{
	daos_handle_t other;
	dfs_t *mount;
	dfs_sys_t *mount_sys;

	(void)state;
	/* "test" is of no type. */
	assert_int_equal(dfs_mount(bed.pool, bed.container, O_RDWR, &mount), EINVAL);
	assert_int_equal(dfs_sys_mount(bed.pool, bed.container, O_RDWR, 0, &mount_sys), EINVAL);
	assert_int_equal(dfs_connect("default", NULL, "test", O_RDWR, NULL, &mount), EINVAL);
	assert_int_equal(dfs_sys_connect("default", NULL, "test", O_RDWR, 0, NULL, &mount_sys),
			 EINVAL);
	assert_int_equal(dfs_cont_scan(bed.pool, "test", 0, NULL), EINVAL);
	assert_int_equal(dfs_cont_set_owner(bed.container, NULL, 0, NULL, 0), EINVAL);
	assert_int_equal(dfs_connect("default", NULL, "absent", O_RDWR, NULL, &mount), ENOENT);
	assert_int_equal(dfs_connect("absent", NULL, "files", O_RDWR, NULL, &mount), ENOENT);
	assert_int_equal(dfs_destroy("default", NULL, "absent", 0, NULL), ENOENT);
	assert_int_equal(dfs_mount(bed.pool, container, O_WRONLY, &mount), EINVAL);
	assert_int_equal(dfs_cont_create_with_label(bed.pool, "no label!", NULL, NULL, NULL, NULL),
			 EINVAL);
	assert_int_equal(dfs_cont_create_with_label(bed.pool, "files", NULL, NULL, NULL, NULL),
			 EEXIST);
	/* A handle that only reads, and one that is closed. */
	assert_ok(daos_cont_open(bed.pool, "files", DAOS_COO_RO, &other, NULL, NULL));
	assert_int_equal(dfs_mount(bed.pool, other, O_RDWR, &mount), EPERM);
	assert_ok(dfs_mount(bed.pool, other, O_RDONLY, &mount));
	assert_int_equal(dfs_disconnect(mount), EINVAL);
	assert_ok(dfs_umount(mount));
	assert_ok(daos_cont_close(other, NULL));
	assert_int_equal(dfs_mount(bed.pool, other, O_RDWR, &mount), EINVAL);
}

/* ------------------------------------------------ a pool that is full */

#define FULL_DATA (UINT64_C(16) << 20)
#define FULL_METADATA (UINT64_C(48) << 20)
#define FULL_CHUNK ((size_t)256 << 10)

static int
write_chunk(dfs_t *mount, dfs_obj_t *object, char *data, uint64_t number_of)
{
	d_iov_t whole = {data, FULL_CHUNK, FULL_CHUNK};
	d_sg_list_t list = {1, 0, &whole};

	memset(data, (int)('a' + number_of % 26), FULL_CHUNK);
	return dfs_write(mount, object, &list, number_of * FULL_CHUNK, NULL);
}

static void
check_chunks(dfs_t *mount, dfs_obj_t *object, char *data, uint64_t chunks)
{
	for (uint64_t i = 0; i < chunks; i++) {
		d_iov_t whole = {data, FULL_CHUNK, FULL_CHUNK};
		d_sg_list_t list = {1, 0, &whole};

		assert_ok(dfs_read(mount, object, &list, i * FULL_CHUNK, &size, NULL));
		assert_int_equal(size, FULL_CHUNK);
		for (size_t k = 0; k < FULL_CHUNK; k += 4093)
			assert_int_equal(data[k], 'a' + i % 26);
	}
}

/* Writes until it is refused, twice the same way; what was written stays; deletes are never
 * refused, and what they freed can be written again. */
static void
full_pool(void **state)
{
	struct client_pool_create request = {
		.label = "small", .metadata_bytes = FULL_METADATA, .data_bytes = FULL_DATA};
	struct client_pool_created created;
	char *data = malloc(FULL_CHUNK);
	uint64_t chunks = 0;
	dfs_obj_t *large, *other;
	dfs_t *mount;
	int rc = 0;

	(void)state;
	assert_non_null(data);
	assert_ok(client_pool_create(&request, &created));
	assert_ok(dfs_connect("small", NULL, "files", O_RDWR | O_CREAT, NULL, &mount));
	assert_ok(dfs_open(mount, NULL, "large", S_IFREG | 0600, O_RDWR | O_CREAT, 0, 0, NULL,
			   &large));
	for (rc = 0; rc == 0; chunks += rc == 0)
		rc = write_chunk(mount, large, data, chunks);
	assert_int_equal(rc, ENOSPC);
	assert_true(chunks * FULL_CHUNK > FULL_DATA / 2);
	assert_int_equal(write_chunk(mount, large, data, chunks), ENOSPC);
	check_chunks(mount, large, data, chunks);
	assert_ok(dfs_stat(mount, NULL, "large", &status));
	assert_int_equal(status.st_size, chunks * FULL_CHUNK);
	/* Names cost metadata, of which there is enough. */
	assert_ok(dfs_open(mount, NULL, "other", S_IFREG | 0600, O_RDWR | O_CREAT, 0, 0, NULL,
			   &other));
	assert_int_equal(write_chunk(mount, other, data, 0), ENOSPC);
	assert_ok(dfs_move(mount, NULL, "other", NULL, "moved", NULL));
	assert_ok(dfs_chmod(mount, NULL, "moved", 0400));
	assert_ok(dfs_release(other));
	assert_ok(dfs_remove(mount, NULL, "moved", false, NULL));
	assert_ok(dfs_punch(mount, large, FULL_CHUNK, DFS_MAX_FSIZE));
	check_chunks(mount, large, data, 1);
	assert_ok(dfs_release(large));
	assert_ok(dfs_remove(mount, NULL, "large", false, NULL));
	assert_ok(dfs_open(mount, NULL, "again", S_IFREG | 0600, O_RDWR | O_CREAT, 0, 0, NULL,
			   &large));
	/* What was removed comes back in the background once nobody can read it any more, or when
	 * that is asked for. */
	assert_ok(dfs_cont_get(mount, &handle));
	assert_ok(daos_cont_aggregate(handle, DAOS_EPOCH_MAX, NULL));
	for (int i = 0; i < 600 && (rc = write_chunk(mount, large, data, 0)) == ENOSPC; i++)
		usleep(20000);
	assert_ok(rc);
	check_chunks(mount, large, data, 1);
	assert_ok(dfs_release(large));
	assert_ok(dfs_cont_put(mount, handle));
	assert_ok(dfs_disconnect(mount));
	assert_ok(client_pool_destroy("small", true, true));
	free(data);
}

/* ------------------------------------------------ what the calls are made with */

static int
setup(void **state)
{
	(void)state;
	memset(name_long, 'n', DFS_MAX_NAME + 1);
	memset(path_long, '/', DFS_MAX_PATH);
	path_name_long[0] = '/';
	memcpy(path_name_long + 1, name_long, sizeof(name_long));
	embedded_directory_make(&bed);
	embedded_up(&bed);
	assert_ok(dfs_cont_create_with_label(bed.pool, "files", NULL, NULL, &container, &dfs));
	assert_ok(dfs_mount(bed.pool, container, O_RDONLY, &reader));
	assert_ok(dfs_sys_mount(bed.pool, container, O_RDWR, 0, &sys));
	assert_ok(dfs_sys_mount(bed.pool, container, O_RDONLY, 0, &sys_reader));
	assert_ok(dfs_open(dfs, NULL, "directory", S_IFDIR | 0700, O_RDWR | O_CREAT, 0, 0, NULL,
			   &directory));
	assert_ok(dfs_open(dfs, directory, "file", S_IFREG | 0600, O_RDWR | O_CREAT, 0, 0, NULL,
			   &file));
	assert_ok(dfs_release(file));
	assert_ok(dfs_open(dfs, NULL, "file", S_IFREG | 0600, O_RDWR | O_CREAT, 0, 0, NULL, &file));
	assert_ok(dfs_open(dfs, NULL, "symbolic", S_IFLNK, O_RDWR | O_CREAT, 0, 0, "target",
			   &symbolic));
	memcpy(predicate.dp_name, "%", 2);
	assert_ok(dfs_pipeline_create(dfs, predicate, DFS_FILTER_NAME, &pipeline));
	assert_ok(dfs_sys_opendir(sys, "/directory", 0, &dirp));
	return 0;
}

static int
teardown(void **state)
{
	(void)state;
	assert_ok(dfs_sys_closedir(dirp));
	assert_ok(dfs_pipeline_destroy(pipeline));
	assert_ok(dfs_release(symbolic));
	assert_ok(dfs_release(file));
	assert_ok(dfs_release(directory));
	assert_ok(dfs_sys_umount(sys_reader));
	assert_ok(dfs_sys_umount(sys));
	assert_ok(dfs_umount(reader));
	assert_ok(dfs_umount(dfs));
	assert_ok(daos_cont_close(container, NULL));
	embedded_down(&bed);
	embedded_directory_remove(&bed);
	return 0;
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(nothing_wrong_is_taken),
		cmocka_unit_test(every_function_has_a_row),
		cmocka_unit_test(names_of_every_byte),
		cmocka_unit_test(names_and_paths_at_their_limits),
		cmocka_unit_test(values_at_their_limits),
		cmocka_unit_test(other_containers),
		cmocka_unit_test(full_pool),
	};

	embedded_library_open();
	return cmocka_run_group_tests(tests, setup, teardown);
}
