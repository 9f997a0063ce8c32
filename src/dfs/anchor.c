/* SPDX-License-Identifier: BSD-2-Clause-Patent */
/*
 * Anchors of directory listings. The anchor holds the name after which the listing goes on; one
 * too long for it is kept with the open directory, under a number.
 */
#include "dfs/private.h"

#define LONG_NAME 0xffu

int
directory_anchor_load(struct dfs_obj *object, const daos_anchor_t *anchor,
		      char name[DFS_MAX_NAME + 1])
{
	const struct long_name *kept;
	int rc = file_error(ESTALE);

	name[0] = '\0';
	if (anchor->da_type == DAOS_ANCHOR_TYPE_ZERO)
		return 0;
	if (anchor->da_type != DAOS_ANCHOR_TYPE_KEY)
		return -DER_INVAL;
	if (anchor->da_buf[0] <= ANCHOR_NAME_MAX) {
		memcpy(name, anchor->da_buf + 1, anchor->da_buf[0]);
		name[anchor->da_buf[0]] = '\0';
		return 0;
	}
	if (anchor->da_buf[0] != LONG_NAME)
		return -DER_INVAL;
	pthread_mutex_lock(&object->lock);
	if (object->long_names) {
		kept = &object->long_names[anchor->da_sub_anchors % LONG_NAMES_KEPT];
		if (kept->number == anchor->da_sub_anchors && kept->number > 0) {
			memcpy(name, kept->name, sizeof(kept->name));
			rc = 0;
		}
	}
	pthread_mutex_unlock(&object->lock);
	return rc;
}

static int
keep_long(struct dfs_obj *object, const char *name, uint64_t *ret_number)
{
	struct long_name *kept;

	pthread_mutex_lock(&object->lock);
	if (object->long_names == NULL)
		object->long_names = file_alloc(LONG_NAMES_KEPT * sizeof(*object->long_names));
	if (object->long_names) {
		*ret_number = ++object->long_name_count;
		kept = &object->long_names[*ret_number % LONG_NAMES_KEPT];
		kept->number = *ret_number;
		memcpy(kept->name, name, strlen(name) + 1);
	}
	pthread_mutex_unlock(&object->lock);
	return object->long_names ? 0 : -DER_NOMEM;
}

int
directory_anchor_store(struct dfs_obj *object, const char *name, daos_anchor_t *anchor)
{
	size_t length = strlen(name);
	uint64_t number = 0;
	int rc = 0;

	if (length > DFS_MAX_NAME)
		return file_error(ENAMETOOLONG);
	if (length > ANCHOR_NAME_MAX)
		rc = keep_long(object, name, &number);
	if (rc)
		return rc;
	*anchor = (daos_anchor_t){.da_type = DAOS_ANCHOR_TYPE_KEY, .da_sub_anchors = number};
	anchor->da_buf[0] = number ? LONG_NAME : (uint8_t)length;
	if (number == 0)
		memcpy(anchor->da_buf + 1, name, length);
	return 0;
}
