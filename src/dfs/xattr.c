/* SPDX-License-Identifier: BSD-2-Clause-Patent */
/*
 * Extended attributes: single values beside the attributes of an entry, in akeys "x:" and the name.
 * A single value of no bytes is one that is punched, so an empty attribute is a byte in akey "e:"
 * and the name. Where two clients made both at the same moment, that with a value counts.
 */
#include <sys/xattr.h>

#include "dfs/private.h"

#define PREFIX_VALUE "x:"
#define PREFIX_EMPTY "e:"
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

/* What a request reads of one attribute. The value comes last: it may be larger than its room. */
enum part { ATTRIBUTES, EMPTY, VALUE, PARTS };

/* The pieces of a request about one attribute. */
struct xattr_request {
	char akeys[PARTS][AKEY_MAX];
	uint8_t attributes[INODE_SIZE];
	uint8_t empty;
	struct home home;
	struct inode inode; /* of the entry */
	daos_key_t dkey;
	daos_recx_t extent;
	daos_iod_t iods[PARTS];
	d_iov_t iovs[PARTS];
	d_sg_list_t sgls[PARTS];
};

static void
request_init(const struct xattr_call *call, struct xattr_request *request)
{
	const char *name = call->name ? call->name : "";

	*request = (struct xattr_request){.extent = {0, INODE_SIZE},
					  .home = {.opened = DAOS_HDL_INVAL}};
	snprintf(request->akeys[ATTRIBUTES], AKEY_MAX, "DFS_INODE");
	snprintf(request->akeys[EMPTY], AKEY_MAX, "%s%s", PREFIX_EMPTY, name);
	snprintf(request->akeys[VALUE], AKEY_MAX, "%s%s", PREFIX_VALUE, name);
	for (int i = 0; i < PARTS; i++) {
		request->iods[i] = (daos_iod_t){.iod_type = DAOS_IOD_SINGLE, .iod_nr = 1};
		d_iov_set(&request->iods[i].iod_name, request->akeys[i], strlen(request->akeys[i]));
		request->sgls[i].sg_iovs = &request->iovs[i];
	}
	request->iods[ATTRIBUTES].iod_type = DAOS_IOD_ARRAY;
	request->iods[ATTRIBUTES].iod_recxs = &request->extent;
	d_iov_set(&request->iovs[ATTRIBUTES], request->attributes, INODE_SIZE);
	d_iov_set(&request->iovs[EMPTY], &request->empty, 1);
	request->sgls[ATTRIBUTES].sg_nr = 1;
	request->sgls[EMPTY].sg_nr = 1;
}

static bool
has(const struct xattr_request *request, enum part part)
{
	return request->iods[part].iod_size > 0;
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

/*
 * Reads the attribute where the home of the request is, its value into size bytes of buffer (0: the
 * size alone). ERANGE when that is too small, though all else is known then.
 */
static int
read_parts(struct xattr_request *request, void *buffer, size_t size)
{
	struct entry_name name = request->home.name;
	int rc;

	request->dkey = entry_dkey(name);
	request->iods[ATTRIBUTES].iod_size = 1;
	request->iods[EMPTY].iod_size = DAOS_REC_ANY;
	request->iods[VALUE].iod_size = DAOS_REC_ANY;
	d_iov_set(&request->iovs[VALUE], buffer, size);
	request->sgls[VALUE].sg_nr = size > 0;
	rc = daos_obj_fetch(name.handle, name.transaction, DAOS_COND_DKEY_FETCH, &request->dkey,
			    PARTS, request->iods, request->sgls, NULL, NULL);
	return rc == -DER_REC2BIG || rc == -DER_TRUNC ? file_error(ERANGE) : rc;
}

/*
 * Finds the home of the attribute and reads it there: in one request where the name is still that
 * of the object and its only one.
 */
static int
attribute_find(const struct xattr_call *call, struct place *place, void *buffer, size_t size,
	       struct xattr_request *request)
{
	int rc;

	request_init(call, request);
	request->home.name = entry_of(call->dfs, place);
	rc = read_parts(request, buffer, size);
	if (rc && rc != -DER_NONEXIST && rc != file_error(ERANGE))
		return rc;
	if (rc != -DER_NONEXIST && has(request, ATTRIBUTES)) {
		int bad = inode_decode(request->attributes, INODE_SIZE, &request->inode);

		if (bad)
			return bad;
		if (oid_equal(request->inode.oid, place->oid) &&
		    !(request->inode.flags & INODE_LINKED))
			return rc;
	}
	rc = home_fetch(call->dfs, DAOS_TX_NONE, place, &request->home, &request->inode);
	return rc ? rc : read_parts(request, buffer, size);
}

static void
request_release(struct xattr_request *request)
{
	home_release(&request->home);
}
#define AUTO_REQUEST __attribute__((cleanup(request_release))) struct xattr_request

/* ctime and change of the entry. */
static int
touch_entry(struct xattr_request *request)
{
	inode_touch(&request->inode);
	return entry_update(request->home.name, &request->inode, 0);
}

/* Punches what there is of the attribute, and what is in the way of a condition and has no value.
 */
static int
punch_parts(struct xattr_request *request, bool value, bool empty)
{
	struct entry_name name = request->home.name;
	daos_key_t akeys[2];
	uint32_t count = 0;

	if (value)
		akeys[count++] = request->iods[VALUE].iod_name;
	if (empty)
		akeys[count++] = request->iods[EMPTY].iod_name;
	return daos_obj_punch_akeys(name.handle, name.transaction, DAOS_COND_PUNCH, &request->dkey,
				    count, akeys, NULL);
}

/* ------------------------------------------------ set */

/* Writes the value, or that it is empty, and takes away the other if there is one. */
static int
set_update(const struct xattr_call *call, struct xattr_request *request, bool other)
{
	enum part part = call->size > 0 ? VALUE : EMPTY;
	daos_iod_t iods[2] = {request->iods[part], request->iods[part == VALUE ? EMPTY : VALUE]};
	d_iov_t iov = {.iov_buf = &request->empty, .iov_buf_len = 1, .iov_len = 1};
	d_sg_list_t sgls[2] = {{.sg_nr = 1, .sg_iovs = &iov}, {.sg_nr = 0}};
	uint64_t conditions = DAOS_COND_DKEY_UPDATE;

	if (call->flags & XATTR_CREATE)
		conditions |= DAOS_COND_AKEY_INSERT;
	request->empty = 1;
	if (part == VALUE) {
		/* d_iov_t has no form for what is only read. */
		memcpy(&iov.iov_buf, &call->value, sizeof(call->value));
		iov.iov_buf_len = call->size;
		iov.iov_len = call->size;
	}
	iods[0].iod_size = iov.iov_len;
	iods[1].iod_size = 0;
	return daos_obj_update(request->home.name.handle, request->home.name.transaction,
			       conditions, &request->dkey, other ? 2 : 1, iods, sgls, NULL);
}

/* An akey without a value, left behind by another entry or by a punch, is in the way of a
 * condition, and of that alone. */
static int
set_over_nothing(const struct xattr_call *call, struct xattr_request *request)
{
	int rc = read_parts(request, NULL, 0);

	if (rc)
		return rc;
	if (has(request, VALUE) || has(request, EMPTY))
		return -DER_EXIST;
	rc = punch_parts(request, call->size > 0, call->size == 0);
	return rc && rc != -DER_NONEXIST ? rc : set_update(call, request, false);
}

static int
set_run(void *arguments)
{
	struct xattr_call *call = arguments;
	AUTO_PLACE struct place *place = object_place(call->object);
	AUTO_REQUEST request;
	int rc = attribute_find(call, place, NULL, 0, &request);
	bool present;

	if (rc)
		return rc;
	present = has(&request, VALUE) || has(&request, EMPTY);
	if (call->flags & XATTR_CREATE && present)
		return -DER_EXIST;
	if (call->flags & XATTR_REPLACE && !present)
		return file_error(ENODATA);
	rc = touch_entry(&request);
	if (rc == 0)
		rc = set_update(call, &request, has(&request, call->size > 0 ? EMPTY : VALUE));
	return rc == -DER_EXIST ? set_over_nothing(call, &request) : rc;
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
	if ((value == NULL && size > 0) || flags & ~(XATTR_CREATE | XATTR_REPLACE))
		return EINVAL;
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
	bool wants_size = call->buffer == NULL || call->size == 0;
	AUTO_REQUEST request;
	int rc = attribute_find(call, place, call->buffer, wants_size ? 0 : call->size, &request);

	if (rc)
		return rc;
	if (!has(&request, VALUE) && !has(&request, EMPTY))
		return file_error(ENODATA);
	if (!wants_size && request.iods[VALUE].iod_size > call->size)
		return file_error(ERANGE);
	*call->ret_size = request.iods[VALUE].iod_size;
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
	AUTO_REQUEST request;
	int rc = attribute_find(call, place, NULL, 0, &request);

	if (rc)
		return rc;
	if (!has(&request, VALUE) && !has(&request, EMPTY))
		return file_error(ENODATA);
	rc = touch_entry(&request);
	if (rc)
		return rc;
	rc = punch_parts(&request, has(&request, VALUE), has(&request, EMPTY));
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
list_page(struct entry_name name, char *page, const daos_key_desc_t *keys, uint32_t count,
	  struct name_list *list)
{
	daos_key_t dkey = entry_dkey(name);
	AUTO_MEMORY daos_iod_t *iods = client_alloc(PAGE_KEYS * sizeof(*iods));
	uint32_t used = 0;
	char *at = page;
	int rc = 0;

	if (iods == NULL)
		return -DER_NOMEM;
	for (uint32_t i = 0; i < count; at += keys[i++].kd_key_len) {
		if (keys[i].kd_key_len <= PREFIX_LENGTH ||
		    (memcmp(at, PREFIX_VALUE, PREFIX_LENGTH) != 0 &&
		     memcmp(at, PREFIX_EMPTY, PREFIX_LENGTH) != 0))
			continue;
		iods[used] = (daos_iod_t){.iod_type = DAOS_IOD_SINGLE, .iod_nr = 1};
		d_iov_set(&iods[used++].iod_name, at, keys[i].kd_key_len);
	}
	if (used > 0)
		rc = daos_obj_fetch(name.handle, name.transaction, DAOS_COND_DKEY_FETCH, &dkey,
				    used, iods, NULL, NULL, NULL);
	for (uint32_t i = 0; rc == 0 && i < used; i++) {
		if (iods[i].iod_size > 0)
			list_add(list, iods[i].iod_name.iov_buf, iods[i].iod_name.iov_len);
	}
	return rc;
}

static int
list_akeys(struct entry_name name, char *page, struct name_list *list)
{
	daos_key_t dkey = entry_dkey(name);
	daos_anchor_t anchor = DAOS_ANCHOR_INIT;
	daos_key_desc_t keys[PAGE_KEYS];

	while (!daos_anchor_is_eof(&anchor)) {
		d_iov_t iov = {page, PAGE_KEYS * AKEY_MAX, PAGE_KEYS * AKEY_MAX};
		d_sg_list_t sgl = {.sg_nr = 1, .sg_iovs = &iov};
		uint32_t count = PAGE_KEYS;
		int rc = daos_obj_list_akey(name.handle, name.transaction, &dkey, &count, keys,
					    &sgl, &anchor, NULL);

		if (rc == 0)
			rc = list_page(name, page, keys, count, list);
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
	AUTO_HOME struct home home = {.opened = DAOS_HDL_INVAL};
	struct name_list list = {.buffer = call->size > 0 ? call->buffer : NULL,
				 .capacity = call->size};
	struct inode inode;
	int rc = page ? 0 : -DER_NOMEM;

	if (rc == 0)
		rc = home_fetch(call->dfs, DAOS_TX_NONE, place, &home, &inode);
	if (rc == 0)
		rc = list_akeys(home.name, page, &list);
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
