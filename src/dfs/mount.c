/* SPDX-License-Identifier: BSD-2-Clause-Patent */
/* Containers made into file systems, and their mounts. */
#include <unistd.h>

#include "dfs/private.h"

/* ------------------------------------------------ object ids */

static enum daos_otype_t
object_type(uint32_t mode)
{
	return S_ISDIR(mode) ? DAOS_OT_DKEY_LEXICAL : DAOS_OT_ARRAY_BYTE;
}

/* The next id of the range in use; false when there is none. */
static bool
id_next(struct dfs *dfs, daos_obj_id_t *ret_oid)
{
	bool found;

	pthread_mutex_lock(&dfs->lock);
	found = dfs->has_ids;
	if (found) {
		*ret_oid = dfs->next_id;
		daos_obj_oid_cycle(&dfs->next_id);
		/* The stride is odd, so all 2^32 values were used when it is back at the first. */
		dfs->has_ids = dfs->next_id.hi != 0;
	}
	pthread_mutex_unlock(&dfs->lock);
	return found;
}

/* A new low part, whose high parts this mount alone uses. Low part 0 is that of the superblock and
 * the root. */
static int
id_range(struct dfs *dfs)
{
	uint64_t low = 0;

	while (low == 0) {
		int rc = daos_cont_alloc_oids(dfs->container, 1, &low, NULL);

		if (rc)
			return rc;
	}
	pthread_mutex_lock(&dfs->lock);
	if (!dfs->has_ids)
		dfs->next_id = (daos_obj_id_t){.lo = low, .hi = 0};
	dfs->has_ids = true;
	pthread_mutex_unlock(&dfs->lock);
	return 0;
}

/* The class that hints stand for: one that has the container's redundancy, and for "single" one
 * group. */
static int
class_hinted(const struct dfs *dfs, uint32_t mode, daos_oclass_hints_t hints,
	     daos_oclass_id_t *ret_class)
{
	daos_obj_id_t oid = {.lo = 1};
	int rc = daos_obj_generate_oid(dfs->container, &oid, object_type(mode), 0, hints, 0);

	if (rc)
		return rc;
	*ret_class = daos_obj_id2class(oid);
	if (hints & DAOS_OCH_SHD_TINY)
		*ret_class = (*ret_class & ~(daos_oclass_id_t)MAX_NUM_GROUPS) | 1;
	return 0;
}

int
id_allocate(struct dfs *dfs, uint32_t mode, daos_oclass_id_t class, daos_obj_id_t *ret_oid)
{
	const char *kind = S_ISDIR(mode) ? "dir" : "file";
	daos_oclass_hints_t hints = 0;
	daos_obj_id_t oid;
	int rc = hint_find(dfs->super.hints, kind, &hints);

	if (rc == 0 && class == 0 && hints != 0)
		rc = class_hinted(dfs, mode, hints, &class);
	while (rc == 0 && !id_next(dfs, &oid))
		rc = id_range(dfs);
	if (rc == 0)
		rc = daos_obj_generate_oid(dfs->container, &oid, object_type(mode), class, 0, 0);
	if (rc == 0)
		*ret_oid = oid;
	return rc;
}

/* ------------------------------------------------ mounts */

int
mount_writable(const struct dfs *dfs)
{
	return dfs->read_only ? -DER_NO_PERM : 0;
}

static int
mount_root(struct dfs *dfs, const struct inode *root)
{
	unsigned int mode = dfs->read_only ? DAOS_OO_RO : DAOS_OO_RW;
	int rc = daos_obj_open(dfs->container, dfs->super.id, mode, &dfs->super_handle, NULL);

	if (rc == 0)
		rc = place_create(dfs, NULL, "/", 1, root, &dfs->root);
	if (rc == 0)
		rc = object_create(dfs, place_get(dfs->root), root, O_RDWR, NULL,
				   &dfs->root_object);
	return rc;
}

int
mount_create(daos_handle_t pool, daos_handle_t container, int flags, const struct super *super,
	     const struct inode *root, struct dfs **ret_dfs)
{
	struct dfs *dfs = file_alloc(sizeof(*dfs));
	int rc;

	if (dfs == NULL)
		return -DER_NOMEM;
	pthread_mutex_init(&dfs->lock, NULL);
	dfs->pool = pool;
	dfs->container = container;
	dfs->given = container;
	dfs->read_only = (flags & O_ACCMODE) == O_RDONLY;
	dfs->balanced = flags & DFS_BALANCED || super->mode & DFS_BALANCED;
	dfs->super = *super;
	rc = mount_root(dfs, root);
	if (rc) {
		mount_destroy(dfs);
		return rc;
	}
	*ret_dfs = dfs;
	return 0;
}

void
mount_destroy(struct dfs *dfs)
{
	if (dfs->root_object)
		object_destroy(dfs->root_object);
	place_put(dfs->root);
	if (daos_handle_is_valid(dfs->super_handle))
		(void)daos_obj_close(dfs->super_handle, NULL);
	if (dfs->snapshot)
		(void)daos_cont_close(dfs->container, NULL);
	held_fini(&dfs->held);
	pthread_mutex_destroy(&dfs->lock);
	client_free(dfs->prefix);
	client_free(dfs);
}

int
roots_fetch(daos_handle_t container, daos_obj_id_t roots[2])
{
	/* An empty list is filled with all there are, so that none is held over the wait. */
	daos_prop_t properties = {.dpp_nr = 0};
	const struct daos_prop_entry *layout, *entry;
	int rc = daos_cont_query(container, NULL, &properties, NULL);

	layout = daos_prop_entry_get(&properties, DAOS_PROP_CO_LAYOUT_TYPE);
	entry = daos_prop_entry_get(&properties, DAOS_PROP_CO_ROOTS);
	if (rc == 0 && (layout == NULL || layout->dpe_val != DAOS_PROP_CO_LAYOUT_POSIX))
		rc = error_raise(-DER_INVAL, "the container's layout is not POSIX");
	if (rc == 0 && (entry == NULL || entry->dpe_val_ptr == NULL))
		rc = error_raise(-DER_INVAL, "the container names no superblock and root");
	if (rc == 0)
		memcpy(roots, entry->dpe_val_ptr, 2 * sizeof(*roots));
	daos_prop_fini(&properties);
	return rc;
}

int
mount_open(daos_handle_t pool, daos_handle_t container, int flags, struct dfs **ret_dfs)
{
	daos_obj_id_t roots[2];
	daos_handle_t handle;
	struct super super;
	struct inode root;
	int rc = roots_fetch(container, roots);

	if (rc == 0)
		rc = daos_obj_open(container, roots[0], DAOS_OO_RO, &handle, NULL);
	if (rc)
		return rc;
	rc = super_fetch(handle, &super);
	if (rc == 0)
		rc = entry_fetch((struct entry_name){handle, "/", 1, DAOS_TX_NONE}, &root);
	(void)daos_obj_close(handle, NULL);
	if (rc)
		return rc;
	super.id = roots[0];
	if (root.oid.lo != roots[1].lo || root.oid.hi != roots[1].hi || !S_ISDIR(root.mode))
		return error_raise(-DER_IO, "the root's entry is that of another object");
	return mount_create(pool, container, flags, &super, &root, ret_dfs);
}

int
mount_open_at(daos_handle_t pool, daos_handle_t container, daos_epoch_t epoch, const char *name,
	      struct dfs **ret_dfs)
{
	daos_handle_t fixed;
	struct dfs *dfs;
	int rc = client_container_at(container, epoch, name, &fixed, &epoch);

	if (rc)
		return rc;
	rc = mount_open(pool, fixed, O_RDONLY, &dfs);
	if (rc) {
		(void)daos_cont_close(fixed, NULL);
		return rc;
	}
	dfs->given = container;
	dfs->snapshot = epoch;
	*ret_dfs = dfs;
	return 0;
}

struct mount_call {
	daos_handle_t pool, container;
	int flags;
	dfs_t **ret_dfs;
	bool at_snapshot;
	daos_epoch_t epoch;
	const char *name;
};

static int
mount_run(void *arguments)
{
	struct mount_call *call = arguments;

	if (call->at_snapshot)
		return mount_open_at(call->pool, call->container, call->epoch, call->name,
				     call->ret_dfs);
	return mount_open(call->pool, call->container, call->flags, call->ret_dfs);
}

int
dfs_mount(daos_handle_t poh, daos_handle_t coh, int flags, dfs_t **dfs)
{
	struct mount_call call = {.pool = poh, .container = coh, .flags = flags, .ret_dfs = dfs};

	if (dfs == NULL || (flags & O_ACCMODE) == O_WRONLY)
		return EINVAL;
	return file_run(mount_run, &call);
}

int
dfs_mount_snap(daos_handle_t poh, daos_handle_t coh, int flags, daos_epoch_t epoch,
	       const char *name, dfs_t **dfs)
{
	struct mount_call call = {.pool = poh,
				  .container = coh,
				  .ret_dfs = dfs,
				  .at_snapshot = true,
				  .epoch = epoch,
				  .name = name};

	if (dfs == NULL || (flags & O_ACCMODE) != O_RDONLY || (epoch == 0 && name == NULL))
		return EINVAL;
	return file_run(mount_run, &call);
}

static int
umount_run(void *arguments)
{
	mount_destroy(arguments);
	return 0;
}

int
dfs_umount(dfs_t *dfs)
{
	if (dfs == NULL || dfs->connected)
		return EINVAL;
	return file_run(umount_run, dfs);
}

/* ------------------------------------------------ containers */

/* What the library sets itself, over what the caller gave. It lies on the fiber's stack, so that
 * nothing is lost when the fiber never returns. */
struct own_properties {
	struct daos_prop_co_roots roots;
	struct daos_prop_entry entries[3];
	daos_prop_t list;
};

static void
own_properties_init(const char *label, const daos_obj_id_t roots[2], struct own_properties *own)
{
	*own = (struct own_properties){.roots = {.cr_oids = {roots[0], roots[1]}}};
	own->entries[0].dpe_type = DAOS_PROP_CO_LAYOUT_TYPE;
	own->entries[0].dpe_val = DAOS_PROP_CO_LAYOUT_POSIX;
	own->entries[1].dpe_type = DAOS_PROP_CO_ROOTS;
	own->entries[1].dpe_val_ptr = &own->roots;
	own->entries[2].dpe_type = DAOS_PROP_CO_LABEL;
	/* The entry has no form for what is only read. */
	memcpy(&own->entries[2].dpe_str, &label, sizeof(label));
	own->list = (daos_prop_t){.dpp_nr = label ? 3 : 2, .dpp_entries = own->entries};
}

/* Creates the container with these properties and what the caller gave. */
static int
create_with(daos_handle_t pool, struct own_properties *own, daos_prop_t *given, uuid_t *ret_uuid)
{
	daos_prop_t *merged;
	int rc;

	if (given == NULL)
		return daos_cont_create(pool, ret_uuid, &own->list, NULL);
	rc = daos_prop_merge2(given, &own->list, &merged);
	if (rc)
		return rc;
	rc = daos_cont_create(pool, ret_uuid, merged, NULL);
	daos_prop_free(merged);
	return rc;
}

/* Reserved ids: the superblock is 0.0, the root 1.0 (high and low part of the user's bits). */
static int
root_ids(const struct super *super, daos_obj_id_t roots[2])
{
	daos_oclass_id_t class = super->dir_class ? super->dir_class : OC_S1;

	roots[0] = (daos_obj_id_t){.lo = 0, .hi = 0};
	roots[1] = (daos_obj_id_t){.lo = 0, .hi = 1};
	roots[0].hi |= (uint64_t)DAOS_OT_MULTI_HASHED << OID_FMT_TYPE_SHIFT;
	roots[1].hi |= (uint64_t)DAOS_OT_DKEY_LEXICAL << OID_FMT_TYPE_SHIFT;
	for (int i = 0; i < 2; i++) {
		roots[i].hi |= (uint64_t)(class >> OC_REDUN_SHIFT) << OID_FMT_CLASS_SHIFT;
		roots[i].hi |= (uint64_t)(class & 0xffff) << OID_FMT_META_SHIFT;
	}
	return class >= OC_S1 ? 0 : error_raise(-DER_INVAL, "unknown object class %u", class);
}

void
root_init(daos_obj_id_t oid, struct inode *ret_root)
{
	struct inode root = {
		.mode = S_IFDIR | 0755,
		.oid = oid,
		.uid = client_user(),
		.gid = client_group(),
		.links = 1,
	};

	inode_touch(&root);
	root.mtime = root.ctime;
	root.generation = root.change;
	*ret_root = root;
}

static int
container_format(daos_handle_t pool, const char *name, const daos_obj_id_t roots[2],
		 const struct super *super)
{
	daos_handle_t container, handle;
	struct inode root;
	int rc = daos_cont_open(pool, name, DAOS_COO_RW, &container, NULL, NULL);

	if (rc)
		return rc;
	root_init(roots[1], &root);
	rc = daos_obj_open(container, roots[0], DAOS_OO_RW, &handle, NULL);
	if (rc == 0) {
		rc = super_store(handle, super, &root);
		(void)daos_obj_close(handle, NULL);
	}
	(void)daos_cont_close(container, NULL);
	return rc;
}

int
container_make(daos_handle_t pool, const char *label, dfs_attr_t *attributes, uuid_t *ret_uuid)
{
	struct own_properties own;
	daos_obj_id_t roots[2];
	struct super super;
	char name[DAOS_UUID_STR_SIZE];
	uuid_t uuid;
	int rc = super_from_attributes(attributes, &super);

	if (rc == 0)
		rc = root_ids(&super, roots);
	if (rc)
		return rc;
	own_properties_init(label, roots, &own);
	rc = create_with(pool, &own, attributes ? attributes->da_props : NULL, &uuid);
	if (rc)
		return rc;
	uuid_unparse_lower(uuid, name);
	rc = container_format(pool, name, roots, &super);
	if (rc) {
		(void)daos_cont_destroy(pool, name, 1, NULL);
		return rc;
	}
	if (ret_uuid)
		uuid_copy(*ret_uuid, uuid);
	return 0;
}

struct create_call {
	daos_handle_t pool;
	const char *label;
	dfs_attr_t *attributes;
	uuid_t *ret_uuid;
	daos_handle_t *ret_container;
	dfs_t **ret_dfs;
};

/* Opens what was made, as the caller wants it: the handle, and the mount on it. */
static int
create_open(const struct create_call *call, const char *name)
{
	daos_handle_t container;
	int rc = daos_cont_open(call->pool, name, DAOS_COO_RW, &container, NULL, NULL);

	if (rc == 0 && call->ret_dfs) {
		rc = mount_open(call->pool, container, O_RDWR, call->ret_dfs);
		if (rc)
			(void)daos_cont_close(container, NULL);
	}
	if (rc == 0)
		*call->ret_container = container;
	return rc;
}

static int
create_run(void *arguments)
{
	struct create_call *call = arguments;
	char name[DAOS_UUID_STR_SIZE];
	uuid_t uuid;
	int rc = container_make(call->pool, call->label, call->attributes, &uuid);

	if (rc == 0 && call->ret_container) {
		uuid_unparse_lower(uuid, name);
		rc = create_open(call, name);
	}
	if (rc == 0 && call->ret_uuid)
		uuid_copy(*call->ret_uuid, uuid);
	return rc;
}

int
dfs_cont_create(daos_handle_t poh, uuid_t *uuid, dfs_attr_t *attr, daos_handle_t *coh, dfs_t **dfs)
{
	struct create_call call = {poh, NULL, attr, uuid, coh, dfs};

	/* The mount's container handle is closed by the caller, who must have it. */
	if (dfs && coh == NULL)
		return EINVAL;
	return file_run(create_run, &call);
}

int
dfs_cont_create_with_label(daos_handle_t poh, const char *label, dfs_attr_t *attr, uuid_t *uuid,
			   daos_handle_t *coh, dfs_t **dfs)
{
	struct create_call call = {poh, label, attr, uuid, coh, dfs};

	if (!daos_label_is_valid(label) || (dfs && coh == NULL))
		return EINVAL;
	return file_run(create_run, &call);
}

struct owner_call {
	daos_handle_t container;
	d_string_t user, group;
	uid_t uid;
	gid_t gid;
};

static int
owner_run(void *arguments)
{
	struct owner_call *call = arguments;
	struct inode root;
	struct dfs *dfs;
	int rc = mount_open(DAOS_HDL_INVAL, call->container, O_RDWR, &dfs);

	if (rc)
		return rc;
	rc = entry_fetch(entry_of(dfs, dfs->root), &root);
	if (rc == 0 && (call->user || call->group))
		rc = daos_cont_set_owner(call->container, call->user, call->group, NULL);
	if (rc == 0) {
		root.uid = call->uid == (uid_t)-1 ? root.uid : call->uid;
		root.gid = call->gid == (gid_t)-1 ? root.gid : call->gid;
		inode_touch(&root);
		rc = entry_update(entry_of(dfs, dfs->root), &root, FIELD_OWNER);
	}
	mount_destroy(dfs);
	return rc;
}

int
dfs_cont_set_owner(daos_handle_t coh, d_string_t user, uid_t uid, d_string_t group, gid_t gid)
{
	struct owner_call call = {coh, user, group, uid, gid};

	return file_run(owner_run, &call);
}

/* ------------------------------------------------ what a mount tells */

int
dfs_pool_get(dfs_t *dfs, daos_handle_t *poh)
{
	if (dfs == NULL || poh == NULL)
		return EINVAL;
	*poh = dfs->pool;
	return 0;
}

int
dfs_pool_put(dfs_t *dfs, daos_handle_t poh)
{
	return dfs && poh.cookie == dfs->pool.cookie ? 0 : EINVAL;
}

int
dfs_cont_get(dfs_t *dfs, daos_handle_t *coh)
{
	if (dfs == NULL || coh == NULL)
		return EINVAL;
	*coh = dfs->given;
	return 0;
}

int
dfs_cont_put(dfs_t *dfs, daos_handle_t coh)
{
	return dfs && coh.cookie == dfs->given.cookie ? 0 : EINVAL;
}

int
dfs_query(dfs_t *dfs, dfs_attr_t *attr)
{
	if (dfs == NULL || attr == NULL)
		return EINVAL;
	*attr = (dfs_attr_t){
		.da_id = dfs->id,
		.da_chunk_size = dfs->super.chunk_size,
		.da_oclass_id = dfs->super.class,
		.da_mode = dfs->super.mode,
		.da_dir_oclass_id = dfs->super.dir_class,
		.da_file_oclass_id = dfs->super.file_class,
	};
	memcpy(attr->da_hints, dfs->super.hints, sizeof(attr->da_hints));
	return 0;
}

int
dfs_set_prefix(dfs_t *dfs, const char *prefix)
{
	char *copy = NULL;
	size_t length;

	if (dfs == NULL || (prefix && prefix[0] != '/') ||
	    (prefix && strlen(prefix) >= DFS_MAX_PATH))
		return EINVAL;
	if (prefix) {
		copy = file_strdup(prefix);
		if (copy == NULL)
			return ENOMEM;
		for (length = strlen(copy); length > 0 && copy[length - 1] == '/'; length--)
			copy[length - 1] = '\0';
	}
	client_free(dfs->prefix);
	dfs->prefix = copy;
	return 0;
}

/* Every call returns only when what it changed is durable. */
int
dfs_sync(dfs_t *dfs)
{
	if (dfs == NULL)
		return EINVAL;
	return dfs->read_only ? EPERM : 0;
}

struct suggest_call {
	dfs_t *dfs;
	const char *hint;
	daos_oclass_id_t *ret_class;
};

static int
suggest_run(void *arguments)
{
	struct suggest_call *call = arguments;
	bool directory = strncasecmp(call->hint, "dir", 3) == 0;
	daos_oclass_hints_t hints;
	int rc = hint_find(call->hint, directory ? "dir" : "file", &hints);

	return rc ? rc
		  : class_hinted(call->dfs, directory ? S_IFDIR : S_IFREG, hints, call->ret_class);
}

int
dfs_suggest_oclass(dfs_t *dfs, const char *hint, daos_oclass_id_t *cid)
{
	struct suggest_call call = {dfs, hint, cid};

	if (dfs == NULL || hint == NULL || cid == NULL)
		return EINVAL;
	return file_run(suggest_run, &call);
}
