/* SPDX-License-Identifier: BSD-2-Clause-Patent */
/* Open entries. */
#include "dfs/private.h"

static int
object_open_file(struct dfs_obj *object, const struct inode *inode)
{
	unsigned int mode = (object->flags & O_ACCMODE) == O_RDONLY ? DAOS_OO_RO : DAOS_OO_RW;

	return daos_array_open_with_attr(object->dfs->container, inode->oid, DAOS_TX_NONE, mode, 1,
					 inode->chunk_size, &object->array, NULL);
}

/* Registers an open file, so that it keeps its data when its name goes. */
static int
object_hold(struct dfs_obj *object)
{
	struct dfs *dfs = object->dfs;
	AUTO_MEMORY struct held *spare = file_alloc(sizeof(*spare));

	pthread_mutex_lock(&dfs->lock);
	object->held = held_take(&dfs->held, object->place->oid, &spare);
	if (object->held)
		list_append(&object->held->objects, &object->link);
	pthread_mutex_unlock(&dfs->lock);
	return object->held ? 0 : -DER_NOMEM;
}

enum held_state
object_state(struct dfs *dfs, daos_obj_id_t oid)
{
	const struct held *held;
	enum held_state state;

	pthread_mutex_lock(&dfs->lock);
	held = held_find(&dfs->held, oid);
	state = held ? held->state : HELD_NOT;
	pthread_mutex_unlock(&dfs->lock);
	return state;
}

bool
object_recall(struct dfs *dfs, daos_obj_id_t oid, struct inode *ret_inode)
{
	const struct held *held;
	bool bare;

	pthread_mutex_lock(&dfs->lock);
	held = held_find(&dfs->held, oid);
	bare = held && held->bare;
	if (bare)
		*ret_inode = held->inode;
	pthread_mutex_unlock(&dfs->lock);
	return bare;
}

void
object_note_linked(struct dfs *dfs, daos_obj_id_t oid)
{
	struct held *held;

	pthread_mutex_lock(&dfs->lock);
	held = held_find(&dfs->held, oid);
	if (held && held->state == HELD_NAMED)
		held->state = HELD_LINKED;
	pthread_mutex_unlock(&dfs->lock);
}

void
object_note_removed(struct dfs *dfs, daos_obj_id_t oid)
{
	uint64_t number = atomic_load(&dfs->removals);

	dfs->removed[number % REMOVED_KEPT] = oid;
	atomic_store(&dfs->removals, number + 1);
}

void
object_let_go(struct dfs *dfs, struct held *held)
{
	bool orphan;

	pthread_mutex_lock(&dfs->lock);
	orphan = held->state == HELD_ORPHAN;
	held = held_drop(&dfs->held, held);
	if (held && orphan)
		object_note_removed(dfs, held->oid);
	pthread_mutex_unlock(&dfs->lock);
	/* What fails here is freed by dfs_reclaim(), once this mount is gone. */
	if (held && orphan)
		(void)!orphan_free(dfs, held->oid);
	client_free(held);
}

bool
object_find_open(struct dfs *dfs, daos_obj_id_t oid, struct inode *ret_inode,
		 struct place **ret_place)
{
	const struct held *held;
	struct dfs_obj *object;
	bool found;

	pthread_mutex_lock(&dfs->lock);
	held = held_find(&dfs->held, oid);
	found = held && !list_empty(&held->objects);
	if (found) {
		object = list_entry(list_first(&held->objects), struct dfs_obj, link);
		*ret_place = object_place(object);
		*ret_inode = (struct inode){
			.mode = object->mode,
			.oid = oid,
			.chunk_size = object->chunk_size,
			.class = object->class,
		};
	}
	pthread_mutex_unlock(&dfs->lock);
	return found;
}

int
object_create(struct dfs *dfs, struct place *place, const struct inode *inode, int flags,
	      const char *target, struct dfs_obj **ret_object)
{
	struct dfs_obj *object = file_alloc(sizeof(*object));
	int rc = 0;

	if (object == NULL) {
		place_put(place);
		return -DER_NOMEM;
	}
	pthread_mutex_init(&object->lock, NULL);
	object->dfs = dfs;
	object->place = place;
	object->mode = inode->mode;
	object->flags = flags;
	object->chunk_size = inode->chunk_size;
	object->class = inode->class;
	if (S_ISREG(inode->mode))
		rc = object_open_file(object, inode);
	if (rc == 0 && S_ISREG(inode->mode) && !(flags & O_PATH))
		rc = object_hold(object);
	if (rc == 0 && target) {
		object->target = file_strdup(target);
		rc = object->target ? 0 : -DER_NOMEM;
	}
	if (rc) {
		object_destroy(object);
		return rc;
	}
	*ret_object = object;
	return 0;
}

void
object_destroy(struct dfs_obj *object)
{
	if (daos_handle_is_valid(object->array))
		(void)daos_array_close(object->array, NULL);
	if (object->held) {
		pthread_mutex_lock(&object->dfs->lock);
		list_remove(&object->link);
		pthread_mutex_unlock(&object->dfs->lock);
		object_let_go(object->dfs, object->held);
	}
	place_put(object->place);
	pthread_mutex_destroy(&object->lock);
	client_free(object->long_names);
	client_free(object->target);
	client_free(object);
}

struct place *
object_place(struct dfs_obj *object)
{
	struct place *place;

	pthread_mutex_lock(&object->lock);
	place = place_get(object->place);
	pthread_mutex_unlock(&object->lock);
	return place;
}

int
object_directory(struct dfs *dfs, struct dfs_obj *parent, struct place **ret_directory)
{
	if (parent && !S_ISDIR(parent->mode))
		return -DER_NOTDIR;
	*ret_directory = object_place(parent ? parent : dfs->root_object);
	return 0;
}

/* ------------------------------------------------ release, copies */

static int
release_run(void *arguments)
{
	object_destroy(arguments);
	return 0;
}

int
dfs_release(dfs_obj_t *obj)
{
	if (obj == NULL)
		return EINVAL;
	return file_run(release_run, obj);
}

struct dup_call {
	dfs_t *dfs;
	dfs_obj_t *object;
	int flags;
	dfs_obj_t **ret_object;
};

static int
dup_run(void *arguments)
{
	struct dup_call *call = arguments;
	const struct dfs_obj *from = call->object;
	struct place *place = object_place(call->object);
	struct inode inode = {
		.mode = from->mode,
		.oid = place->oid,
		.chunk_size = from->chunk_size,
		.class = from->class,
	};

	return object_create(call->dfs, place, &inode, call->flags, from->target, call->ret_object);
}

int
dfs_dup(dfs_t *dfs, dfs_obj_t *obj, int flags, dfs_obj_t **new_obj)
{
	struct dup_call call = {dfs, obj, flags, new_obj};

	if (dfs == NULL || obj == NULL || new_obj == NULL)
		return EINVAL;
	if (dfs->read_only && (flags & O_ACCMODE) != O_RDONLY)
		return EPERM;
	return file_run(dup_run, &call);
}

struct update_parent_call {
	dfs_obj_t *object, *source;
	const char *name;
};

static int
update_parent_run(void *arguments)
{
	struct update_parent_call *call = arguments;
	AUTO_PLACE struct place *source = object_place(call->source);
	struct place *place, *old;
	struct inode inode = {.mode = call->object->mode, .oid = call->object->place->oid};
	const char *name = call->name ? call->name : source->name;
	int rc =
		place_create(call->object->dfs, source->parent, name, strlen(name), &inode, &place);

	if (rc)
		return rc;
	pthread_mutex_lock(&call->object->lock);
	old = call->object->place;
	call->object->place = place;
	pthread_mutex_unlock(&call->object->lock);
	place_put(old);
	return 0;
}

int
dfs_update_parent(dfs_obj_t *obj, dfs_obj_t *src_obj, const char *name)
{
	struct update_parent_call call = {obj, src_obj, name};

	if (obj == NULL || src_obj == NULL)
		return EINVAL;
	return file_run(update_parent_run, &call);
}

/* ------------------------------------------------ what an open entry tells */

int
dfs_obj2id(dfs_obj_t *obj, daos_obj_id_t *oid)
{
	if (obj == NULL || oid == NULL)
		return EINVAL;
	*oid = obj->place->oid;
	return 0;
}

int
dfs_get_mode(dfs_obj_t *obj, mode_t *mode)
{
	if (obj == NULL || mode == NULL)
		return EINVAL;
	*mode = obj->mode;
	return 0;
}

int
dfs_get_file_oh(dfs_obj_t *obj, daos_handle_t *oh)
{
	if (obj == NULL || oh == NULL || !S_ISREG(obj->mode))
		return EINVAL;
	*oh = obj->array;
	return 0;
}

int
dfs_get_chunk_size(dfs_obj_t *obj, daos_size_t *chunk_size)
{
	if (obj == NULL || chunk_size == NULL || !S_ISREG(obj->mode))
		return EINVAL;
	*chunk_size = obj->chunk_size;
	return 0;
}

int
dfs_get_symlink_value(dfs_obj_t *obj, char *buf, daos_size_t *size)
{
	daos_size_t needed;

	if (obj == NULL || size == NULL || obj->target == NULL)
		return EINVAL;
	needed = strlen(obj->target) + 1;
	if (buf && *size > 0) {
		size_t length = min_of(needed - 1, *size - 1);

		memcpy(buf, obj->target, length);
		buf[length] = '\0';
	}
	*size = needed;
	return 0;
}

int
dfs_obj_get_info(dfs_t *dfs, dfs_obj_t *obj, dfs_obj_info_t *info)
{
	const struct super *super;

	if (dfs == NULL || obj == NULL || info == NULL)
		return EINVAL;
	super = &dfs->super;
	*info = (dfs_obj_info_t){
		.doi_oclass_id = daos_obj_id2class(obj->place->oid),
		.doi_chunk_size = obj->chunk_size,
		.doi_oid = obj->place->oid,
	};
	if (!S_ISDIR(obj->mode))
		return 0;
	info->doi_chunk_size = obj->chunk_size ? obj->chunk_size : super->chunk_size;
	info->doi_dir_oclass_id = obj->class ? obj->class : super->dir_class;
	info->doi_file_oclass_id = obj->class ? obj->class : super->file_class;
	return 0;
}

struct defaults_call {
	dfs_t *dfs;
	dfs_obj_t *object;
	daos_oclass_id_t class;
	uint64_t chunk_size; /* 0: only the class is meant */
};

static int
defaults_run(void *arguments)
{
	struct defaults_call *call = arguments;
	AUTO_PLACE struct place *place = object_place(call->object);
	struct inode inode;
	int rc = mount_writable(call->dfs);

	if (rc == 0)
		rc = entry_fetch(entry_of(call->dfs, place), &inode);
	if (rc)
		return rc;
	if (call->chunk_size)
		inode.chunk_size = call->chunk_size;
	else
		inode.class = call->class;
	inode_touch(&inode);
	rc = entry_update(entry_of(call->dfs, place), &inode, FIELD_DEFAULTS);
	if (rc)
		return rc;
	call->object->class = inode.class;
	call->object->chunk_size = inode.chunk_size;
	return 0;
}

int
dfs_obj_set_oclass(dfs_t *dfs, dfs_obj_t *obj, int flags, daos_oclass_id_t cid)
{
	struct defaults_call call = {dfs, obj, cid, 0};

	(void)flags;
	if (dfs == NULL)
		return EINVAL;
	call.object = obj ? obj : dfs->root_object;
	if (!S_ISDIR(call.object->mode))
		return ENOTSUP;
	return file_run(defaults_run, &call);
}

int
dfs_obj_set_chunk_size(dfs_t *dfs, dfs_obj_t *obj, int flags, daos_size_t csize)
{
	struct defaults_call call = {dfs, obj, 0, csize};

	(void)flags;
	if (dfs == NULL || csize == 0)
		return EINVAL;
	call.object = obj ? obj : dfs->root_object;
	if (!S_ISDIR(call.object->mode))
		return ENOTSUP;
	return file_run(defaults_run, &call);
}
