/* SPDX-License-Identifier: BSD-2-Clause-Patent */
/* The superblock: what a container says of itself as a file system, and the entry of its root. */
#include "dfs/private.h"

#define SUPER_DKEY "DFS_SB_METADATA"
#define SUPER_AKEYS 9u

/* Its values as they are stored, little-endian. */
struct super_values {
	uint64_t magic;
	uint16_t version, layout;
	uint64_t chunk_size;
	uint32_t class, dir_class, file_class, mode;
	char hints[DAOS_CONT_HINT_MAX_LEN];
};

struct super_akey {
	const char *name;
	size_t offset, size; /* in struct super_values */
};

#define VALUE(name, member)                                                 \
	{                                                                   \
		name, offsetof(struct super_values, member),                \
			sizeof(((const struct super_values *)NULL)->member) \
	}

static const struct super_akey super_akeys[SUPER_AKEYS] = {
	VALUE("DFS_MAGIC", magic),
	VALUE("DFS_SB_VERSION", version),
	VALUE("DFS_LAYOUT_VERSION", layout),
	VALUE("DFS_CHUNK_SIZE", chunk_size),
	VALUE("DFS_OBJ_CLASS", class),
	VALUE("DFS_DIR_OBJ_CLASS", dir_class),
	VALUE("DFS_FILE_OBJ_CLASS", file_class),
	VALUE("DFS_MODE", mode),
	VALUE("DFS_HINTS", hints),
};

struct super_request {
	struct super_values values;
	char names[SUPER_AKEYS][24];
	char dkey_text[sizeof(SUPER_DKEY)];
	daos_key_t dkey;
	daos_iod_t iods[SUPER_AKEYS];
	d_iov_t iovs[SUPER_AKEYS];
	d_sg_list_t sgls[SUPER_AKEYS];
};

static void
super_request_init(struct super_request *request)
{
	memset(request, 0, sizeof(*request));
	memcpy(request->dkey_text, SUPER_DKEY, sizeof(SUPER_DKEY));
	d_iov_set(&request->dkey, request->dkey_text, strlen(SUPER_DKEY));
	for (uint32_t i = 0; i < SUPER_AKEYS; i++) {
		const struct super_akey *akey = &super_akeys[i];
		daos_iod_t *iod = &request->iods[i];

		*iod = (daos_iod_t){
			.iod_type = DAOS_IOD_SINGLE, .iod_size = akey->size, .iod_nr = 1};
		memcpy(request->names[i], akey->name, strlen(akey->name));
		d_iov_set(&iod->iod_name, request->names[i], strlen(akey->name));
		d_iov_set(&request->iovs[i], (uint8_t *)&request->values + akey->offset,
			  akey->size);
		request->sgls[i] = (d_sg_list_t){.sg_nr = 1, .sg_iovs = &request->iovs[i]};
	}
}

int
super_put(daos_handle_t handle, const struct super *super, uint64_t conditions)
{
	struct super_request request;

	super_request_init(&request);
	store_u64(&request.values.magic, SUPER_MAGIC);
	store_u16(&request.values.version, SUPER_VERSION);
	store_u16(&request.values.layout, LAYOUT_VERSION);
	store_u64(&request.values.chunk_size, super->chunk_size);
	store_u32(&request.values.class, super->class);
	store_u32(&request.values.dir_class, super->dir_class);
	store_u32(&request.values.file_class, super->file_class);
	store_u32(&request.values.mode, super->mode);
	memcpy(request.values.hints, super->hints, sizeof(super->hints));
	return daos_obj_update(handle, DAOS_TX_NONE, conditions, &request.dkey, SUPER_AKEYS,
			       request.iods, request.sgls, NULL);
}

int
super_store(daos_handle_t handle, const struct super *super, const struct inode *root)
{
	int rc = entry_insert((struct entry_name){handle, "/", 1, DAOS_TX_NONE}, root, NULL);

	return rc ? rc : super_put(handle, super, DAOS_COND_DKEY_INSERT);
}

static int
super_check(const struct super_values *values)
{
	if (load_u64(&values->magic) != SUPER_MAGIC)
		return error_raise(-DER_INVAL, "the container holds no file system");
	if (load_u16(&values->version) != SUPER_VERSION ||
	    load_u16(&values->layout) != LAYOUT_VERSION)
		return error_raise(-DER_DF_INCOMPT,
				   "the file system has versions %u and %u, known are %u and %u",
				   load_u16(&values->version), load_u16(&values->layout),
				   SUPER_VERSION, LAYOUT_VERSION);
	if (load_u64(&values->chunk_size) == 0)
		return error_raise(-DER_IO, "the superblock has chunk size 0");
	return 0;
}

int
super_fetch(daos_handle_t handle, struct super *ret_super)
{
	struct super_request request;
	const struct super_values *values = &request.values;
	int rc;

	super_request_init(&request);
	rc = daos_obj_fetch(handle, DAOS_TX_NONE, DAOS_COND_DKEY_FETCH, &request.dkey, SUPER_AKEYS,
			    request.iods, request.sgls, NULL, NULL);
	if (rc == -DER_NONEXIST)
		rc = error_raise(-DER_INVAL,
				 "the container has no superblock: its creation did not "
				 "end; destroy it and create it again");
	if (rc == 0)
		rc = super_check(values);
	if (rc)
		return rc;
	*ret_super = (struct super){
		.chunk_size = load_u64(&values->chunk_size),
		.class = load_u32(&values->class),
		.dir_class = load_u32(&values->dir_class),
		.file_class = load_u32(&values->file_class),
		.mode = load_u32(&values->mode),
	};
	memcpy(ret_super->hints, values->hints, sizeof(ret_super->hints) - 1);
	return 0;
}

int
super_from_attributes(const dfs_attr_t *attributes, struct super *ret_super)
{
	static const dfs_attr_t none;
	const dfs_attr_t *given = attributes ? attributes : &none;
	struct super super = {
		.chunk_size = given->da_chunk_size ? given->da_chunk_size : DFS_DEFAULT_CHUNK_SIZE,
		.class = given->da_oclass_id,
		.dir_class = given->da_dir_oclass_id ? given->da_dir_oclass_id
						     : given->da_oclass_id,
		.file_class = given->da_file_oclass_id ? given->da_file_oclass_id
						       : given->da_oclass_id,
		.mode = given->da_mode & DFS_BALANCED,
	};
	daos_oclass_hints_t hints;
	int rc = 0;

	if (strnlen(given->da_hints, sizeof(super.hints)) == sizeof(super.hints))
		return -DER_INVAL;
	memcpy(super.hints, given->da_hints, strlen(given->da_hints));
	rc = hint_find(super.hints, "dir", &hints);
	if (rc == 0)
		*ret_super = super;
	return rc;
}
