/* SPDX-License-Identifier: BSD-2-Clause-Patent */
/* Extended attributes: single values of the entry, in akeys "x:" and the name. */
#include <sys/xattr.h>

#include "dfs/private.h"

#define PREFIX "x:"
#define PREFIX_LENGTH 2u
#define AKEY_MAX (PREFIX_LENGTH + DFS_MAX_XATTR_NAME + 1)
#define PAGE_KEYS 64u

struct xattr_call {
	dfs_t *dfs;
	dfs_obj_t *object;
	const char *name;
	const void *value;
	void *buffer;
	daos_size_t size;
	daos_size_t *ret_size;
	int flags;
};

/* The pieces of a request about one attribute. */
struct xattr_request {
	char akey[AKEY_MAX];
	char name[DFS_MAX_NAME + 1];
	daos_key_t dkey;
	daos_handle_t handle;
	daos_iod_t iod;
	d_iov_t iov;
	d_sg_list_t sgl;
};

static void
request_init(const struct xattr_call *call, struct place *place, struct xattr_request *request)
{
	struct entry_name entry = entry_of(call->dfs, place);

	*request = (struct xattr_request){.handle = entry.handle};
	memcpy(request->name, entry.name, entry.length);
	d_iov_set(&request->dkey, request->name, entry.length);
	snprintf(request->akey, sizeof(request->akey), "%s%s", PREFIX,
		 call->name ? call->name : "");
	request->iod = (daos_iod_t){.iod_type = DAOS_IOD_SINGLE, .iod_nr = 1};
	d_iov_set(&request->iod.iod_name, request->akey, strlen(request->akey));
	request->sgl = (d_sg_list_t){.sg_nr = 1, .sg_iovs = &request->iov};
}

static int
xattr_check(const struct xattr_call *call, bool writes)
{
	if (call->dfs == NULL || call->object == NULL || call->name == NULL ||
	    call->name[0] == '\0')
		return EINVAL;
	if (writes && call->dfs->read_only)
		return EPERM;
	return strlen(call->name) > DFS_MAX_XATTR_NAME ? ERANGE : 0;
}

/* ctime and change of the entry. */
static int
touch_entry(const struct xattr_call *call, struct place *place)
{
	struct entry_name entry = entry_of(call->dfs, place);
	struct inode inode;
	int rc = entry_fetch(entry, &inode);

	if (rc)
		return rc;
	inode_touch(&inode);
	return entry_update(entry, &inode, 0);
}

/* ENODATA when the attribute is absent. Where an entry replaced another, what only that one had is
 * an akey with a value of no bytes: no attribute, though conditions take it for one. */
static int
check_present(struct xattr_request *request)
{
	daos_iod_t iod = request->iod;
	int rc;

	iod.iod_size = DAOS_REC_ANY;
	rc = daos_obj_fetch(request->handle, DAOS_TX_NONE, DAOS_COND_DKEY_FETCH, &request->dkey, 1,
			    &iod, NULL, NULL, NULL);
	return rc == 0 && iod.iod_size == 0 ? file_error(ENODATA) : rc;
}

static int
punch_attribute(struct xattr_request *request)
{
	return daos_obj_punch_akeys(request->handle, DAOS_TX_NONE, DAOS_COND_PUNCH, &request->dkey,
				    1, &request->iod.iod_name, NULL);
}

/* ------------------------------------------------ set */

static int
set_update(const struct xattr_call *call, struct xattr_request *request)
{
	uint64_t conditions = DAOS_COND_DKEY_UPDATE;

	if (call->flags & XATTR_CREATE)
		conditions |= DAOS_COND_AKEY_INSERT;
	if (call->flags & XATTR_REPLACE)
		conditions |= DAOS_COND_AKEY_UPDATE;
	request->iod.iod_size = call->size;
	memcpy(&request->iov.iov_buf, &call->value, sizeof(call->value));
	request->iov.iov_buf_len = call->size;
	request->iov.iov_len = call->size;
	return daos_obj_update(request->handle, DAOS_TX_NONE, conditions, &request->dkey, 1,
			       &request->iod, &request->sgl, NULL);
}

/* An akey without a value is in the way of a condition, and of that alone. */
static int
set_over_nothing(const struct xattr_call *call, struct xattr_request *request)
{
	int rc = check_present(request);

	if (rc != file_error(ENODATA))
		return rc ? rc : -DER_EXIST;
	rc = punch_attribute(request);
	return rc && rc != -DER_NONEXIST ? rc : set_update(call, request);
}

static int
set_run(void *arguments)
{
	struct xattr_call *call = arguments;
	AUTO_PLACE struct place *place = object_place(call->object);
	struct xattr_request request;
	int rc = 0;

	request_init(call, place, &request);
	if (call->flags & XATTR_REPLACE)
		rc = check_present(&request);
	if (rc == 0)
		rc = touch_entry(call, place);
	if (rc == 0)
		rc = set_update(call, &request);
	if (rc == -DER_EXIST)
		rc = set_over_nothing(call, &request);
	return rc == -DER_NONEXIST && call->flags & XATTR_REPLACE ? file_error(ENODATA) : rc;
}

int
dfs_setxattr(dfs_t *dfs, dfs_obj_t *obj, const char *name, const void *value, daos_size_t size,
	     int flags)
{
	struct xattr_call call = {.dfs = dfs,
				  .object = obj,
				  .name = name,
				  .value = value,
				  .size = size,
				  .flags = flags};
	int rc = xattr_check(&call, true);

	if (rc)
		return rc;
	if (value == NULL || flags & ~(XATTR_CREATE | XATTR_REPLACE))
		return EINVAL;
	/* A single value of no bytes is one that is punched. */
	if (size == 0)
		return ENOTSUP;
	if (size > DFS_MAX_XATTR_LEN)
		return E2BIG;
	return file_run(set_run, &call);
}

/* ------------------------------------------------ get */

static int
get_run(void *arguments)
{
	struct xattr_call *call = arguments;
	AUTO_PLACE struct place *place = object_place(call->object);
	struct xattr_request request;
	bool wants_size = call->buffer == NULL || call->size == 0;
	int rc;

	request_init(call, place, &request);
	request.iod.iod_size = DAOS_REC_ANY;
	d_iov_set(&request.iov, call->buffer, call->size);
	rc = daos_obj_fetch(request.handle, DAOS_TX_NONE, DAOS_COND_DKEY_FETCH, &request.dkey, 1,
			    &request.iod, wants_size ? NULL : &request.sgl, NULL, NULL);
	if (rc == -DER_REC2BIG || rc == -DER_TRUNC)
		return file_error(ERANGE);
	if (rc)
		return rc;
	if (request.iod.iod_size == 0)
		return file_error(ENODATA);
	if (!wants_size && request.iod.iod_size > call->size)
		return file_error(ERANGE);
	*call->ret_size = request.iod.iod_size;
	return 0;
}

int
dfs_getxattr(dfs_t *dfs, dfs_obj_t *obj, const char *name, void *value, daos_size_t *size)
{
	struct xattr_call call = {
		.dfs = dfs, .object = obj, .name = name, .buffer = value, .ret_size = size};
	int rc = xattr_check(&call, false);

	if (rc)
		return rc;
	if (size == NULL)
		return EINVAL;
	call.size = *size;
	return file_run(get_run, &call);
}

/* ------------------------------------------------ remove */

static int
remove_run(void *arguments)
{
	struct xattr_call *call = arguments;
	AUTO_PLACE struct place *place = object_place(call->object);
	struct xattr_request request;
	int rc;

	request_init(call, place, &request);
	rc = check_present(&request);
	if (rc == 0)
		rc = touch_entry(call, place);
	if (rc)
		return rc;
	rc = punch_attribute(&request);
	return rc == -DER_NONEXIST ? file_error(ENODATA) : rc;
}

int
dfs_removexattr(dfs_t *dfs, dfs_obj_t *obj, const char *name)
{
	struct xattr_call call = {.dfs = dfs, .object = obj, .name = name};
	int rc = xattr_check(&call, true);

	return rc ? rc : file_run(remove_run, &call);
}

/* ------------------------------------------------ list */

struct name_list {
	char *buffer; /* NULL: only the size is wanted */
	size_t capacity, size;
};

static void
list_add(struct name_list *list, const char *akey, size_t length)
{
	size_t name_length = length - PREFIX_LENGTH;

	if (list->buffer && list->size + name_length + 1 <= list->capacity) {
		memcpy(list->buffer + list->size, akey + PREFIX_LENGTH, name_length);
		list->buffer[list->size + name_length] = '\0';
	}
	list->size += name_length + 1;
}

/* Adds the attributes of a page of akeys: those that have a value. */
static int
list_page(struct xattr_request *request, char *page, const daos_key_desc_t *keys, uint32_t count,
	  struct name_list *list)
{
	AUTO_MEMORY daos_iod_t *iods = client_alloc(PAGE_KEYS * sizeof(*iods));
	uint32_t used = 0;
	char *at = page;
	int rc = 0;

	if (iods == NULL)
		return -DER_NOMEM;
	for (uint32_t i = 0; i < count; at += keys[i++].kd_key_len) {
		if (keys[i].kd_key_len <= PREFIX_LENGTH || memcmp(at, PREFIX, PREFIX_LENGTH) != 0)
			continue;
		iods[used] = (daos_iod_t){.iod_type = DAOS_IOD_SINGLE, .iod_nr = 1};
		d_iov_set(&iods[used++].iod_name, at, keys[i].kd_key_len);
	}
	if (used > 0)
		rc = daos_obj_fetch(request->handle, DAOS_TX_NONE, DAOS_COND_DKEY_FETCH,
				    &request->dkey, used, iods, NULL, NULL, NULL);
	for (uint32_t i = 0; rc == 0 && i < used; i++) {
		if (iods[i].iod_size > 0)
			list_add(list, iods[i].iod_name.iov_buf, iods[i].iod_name.iov_len);
	}
	return rc;
}

static int
list_akeys(struct xattr_request *request, char *page, struct name_list *list)
{
	daos_anchor_t anchor = DAOS_ANCHOR_INIT;
	daos_key_desc_t keys[PAGE_KEYS];

	while (!daos_anchor_is_eof(&anchor)) {
		uint32_t count = PAGE_KEYS;
		int rc;

		d_iov_set(&request->iov, page, PAGE_KEYS * AKEY_MAX);
		rc = daos_obj_list_akey(request->handle, DAOS_TX_NONE, &request->dkey, &count, keys,
					&request->sgl, &anchor, NULL);
		if (rc == 0)
			rc = list_page(request, page, keys, count, list);
		if (rc)
			return rc;
	}
	return 0;
}

static int
list_run(void *arguments)
{
	struct xattr_call *call = arguments;
	AUTO_PLACE struct place *place = object_place(call->object);
	AUTO_MEMORY char *page = client_alloc(PAGE_KEYS * AKEY_MAX);
	struct name_list list = {.buffer = call->size > 0 ? call->buffer : NULL,
				 .capacity = call->size};
	struct xattr_request request;
	int rc;

	if (page == NULL)
		return -DER_NOMEM;
	request_init(call, place, &request);
	rc = list_akeys(&request, page, &list);
	if (rc)
		return rc;
	*call->ret_size = list.size;
	return list.buffer && list.size > list.capacity ? file_error(ERANGE) : 0;
}

int
dfs_listxattr(dfs_t *dfs, dfs_obj_t *obj, char *list, daos_size_t *size)
{
	struct xattr_call call = {.dfs = dfs, .object = obj, .buffer = list, .ret_size = size};

	if (dfs == NULL || obj == NULL || size == NULL)
		return EINVAL;
	call.size = *size;
	return file_run(list_run, &call);
}
