/* SPDX-License-Identifier: BSD-2-Clause-Patent */
/*
 * Unified namespace: paths of a file system that stand for containers. Functions return 0 or a
 * positive errno.
 */
#ifndef __DAOS_UNS_H__
#define __DAOS_UNS_H__

#include <daos_cont.h>
#include <daos_obj_class.h>
#include <daos_prop.h>

#if defined(__cplusplus)
extern "C" {
#endif

/** Extended attribute that makes a directory or file stand for a container. */
#define DUNS_XATTR_NAME		"user.daos"
#define DUNS_MAX_XATTR_LEN	170
#define DUNS_XATTR_FMT		"DAOS.%s://%36s/%36s"
#define DUNS_LUSTRE_XATTR_FMT	"%36s/%36s"

/** Flags in da_flags: no daos:// prefix needed, no look at parent paths, no check of the path. */
enum {
	DUNS_NO_PREFIX         = 1 << 0,
	DUNS_NO_REVERSE_LOOKUP = 1 << 1,
	DUNS_NO_CHECK_PATH     = 1 << 2,
};

/** A container that a path leads to. */
struct duns_attr_t {
	daos_cont_layout_t da_type;
	daos_oclass_id_t da_oclass_id;
	daos_size_t da_chunk_size;
	daos_prop_t *da_props;
	uint32_t da_flags;
	char da_pool[DAOS_PROP_MAX_LABEL_BUF_LEN];
	char da_cont[DAOS_PROP_MAX_LABEL_BUF_LEN];
	char *da_sys;
	char *da_rel_path;
	bool da_on_lustre;
	bool da_no_prefix;
	uuid_t da_puuid;
	uuid_t da_cuuid;
	daos_oclass_id_t da_dir_oclass_id;
	daos_oclass_id_t da_file_oclass_id;
	char da_hints[DAOS_CONT_HINT_MAX_LEN];
};

/** mkdir/create a link entry with the user.daos xattr and create the container behind it. */
int duns_create_path(daos_handle_t poh, const char *path, struct duns_attr_t *attrp);

/**
 * Parse daos://, direct /pool/cont or walk up a path to find pool, container, layout and the
 * relative rest.
 */
int duns_resolve_path(const char *path, struct duns_attr_t *attr);

/** Destroy the container and the link entry. */
int duns_destroy_path(daos_handle_t poh, const char *path);

/** Decode an xattr string. */
int duns_parse_attr(char *str, daos_size_t len, struct duns_attr_t *attr);

/** Set da_sys. */
int duns_set_sys_name(struct duns_attr_t *attrp, const char *sys);

/** Free da_sys and da_rel_path. */
void duns_destroy_attr(struct duns_attr_t *attrp);

/** Create a link entry to an existing container. */
int duns_link_cont(daos_handle_t poh, const char *cont, const char *path);

#if defined(__cplusplus)
}
#endif

#endif /* __DAOS_UNS_H__ */
