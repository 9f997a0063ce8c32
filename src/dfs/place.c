/* SPDX-License-Identifier: BSD-2-Clause-Patent */
/* Places: chains of names up to the root, with the handles of the directories on the way. */
#include "dfs/private.h"

static int
place_open(struct dfs *dfs, struct place *place, const struct inode *inode)
{
	unsigned int mode = dfs->read_only ? DAOS_OO_RO : DAOS_OO_RW;

	if (!S_ISDIR(inode->mode))
		return 0;
	return daos_obj_open(dfs->container, inode->oid, mode, &place->handle, NULL);
}

int
place_create(struct dfs *dfs, struct place *parent, const char *name, size_t name_length,
	     const struct inode *inode, struct place **ret_place)
{
	struct place *place = file_alloc(sizeof(*place) + name_length + 1);
	int rc;

	if (place == NULL)
		return -DER_NOMEM;
	atomic_init(&place->references, 1);
	place->oid = inode->oid;
	memcpy(place->name, name, name_length);
	rc = place_open(dfs, place, inode);
	if (rc) {
		client_free(place);
		return rc;
	}
	if (parent)
		place->parent = place_get(parent);
	*ret_place = place;
	return 0;
}

struct place *
place_get(struct place *place)
{
	atomic_fetch_add(&place->references, 1);
	return place;
}

void
place_put(struct place *place)
{
	while (place && atomic_fetch_sub(&place->references, 1) == 1) {
		struct place *parent = place->parent;

		if (daos_handle_is_valid(place->handle))
			(void)daos_obj_close(place->handle, NULL);
		client_free(place);
		place = parent;
	}
}

bool
place_is_within(const struct place *place, daos_obj_id_t oid)
{
	for (; place; place = place->parent) {
		if (place->oid.lo == oid.lo && place->oid.hi == oid.hi)
			return true;
	}
	return false;
}
