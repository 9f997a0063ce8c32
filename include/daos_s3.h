/* SPDX-License-Identifier: BSD-2-Clause-Patent */
/* S3-style buckets and objects on a pool. Functions return 0 or a negative errno. */
#ifndef __DAOS_S3_H__
#define __DAOS_S3_H__

#include <daos_event.h>
#include <daos_fs.h>

#if defined(__cplusplus)
extern "C" {
#endif

#define DS3_MAX_BUCKET_NAME	DAOS_PROP_MAX_LABEL_BUF_LEN
#define DS3_MAX_KEY		(DFS_MAX_PATH - 8)
#define DS3_MAX_KEY_BUFF	DFS_MAX_PATH
#define DS3_MAX_USER_NAME	DFS_MAX_NAME
#define DS3_MAX_UPLOAD_ID	35
#define DS3_MAX_ENCODED_LEN	DFS_MAX_XATTR_LEN
#define DS3_LATEST_INSTANCE	"latest"

typedef struct ds3 ds3_t;
typedef struct ds3_bucket ds3_bucket_t;
typedef struct ds3_obj ds3_obj_t;
typedef struct ds3_part ds3_part_t;

struct ds3_user_info {
	const char *name;
	const char *email;
	const char **access_ids;
	const size_t access_ids_nr;
	void *encoded;
	size_t encoded_length;
};

struct ds3_bucket_info {
	char name[DS3_MAX_BUCKET_NAME];
	void *encoded;
	size_t encoded_length;
};

struct ds3_object_info {
	char key[DS3_MAX_KEY_BUFF];
	void *encoded;
	size_t encoded_length;
};

struct ds3_common_prefix_info {
	char prefix[DS3_MAX_KEY_BUFF];
};

struct ds3_multipart_upload_info {
	char upload_id[DS3_MAX_UPLOAD_ID];
	char key[DS3_MAX_KEY_BUFF];
	void *encoded;
	size_t encoded_length;
};

struct ds3_multipart_part_info {
	uint64_t part_num;
	void *encoded;
	size_t encoded_length;
};

/** Brings the libraries up. */
int ds3_init(void);

/** Ends the libraries. */
int ds3_fini(void);

/** Connect to the pool that holds all buckets (and its metadata bucket). */
int ds3_connect(const char *pool, const char *sys, ds3_t **ds3, daos_event_t *ev);

/** Undoes ds3_connect. */
int ds3_disconnect(ds3_t *ds3, daos_event_t *ev);

/** Create/update a user with its keys and e-mail index. */
int ds3_user_set(const char *name, struct ds3_user_info *info, struct ds3_user_info *old_info,
		 ds3_t *ds3, daos_event_t *ev);

/** Delete a user and its indexes. */
int ds3_user_remove(const char *name, struct ds3_user_info *info, ds3_t *ds3, daos_event_t *ev);

/** Finds a user by name. */
int ds3_user_get(const char *name, struct ds3_user_info *info, ds3_t *ds3, daos_event_t *ev);

/** Finds a user by e-mail address. */
int ds3_user_get_by_email(const char *email, struct ds3_user_info *info, ds3_t *ds3,
			  daos_event_t *ev);

/** Finds a user by access key. */
int ds3_user_get_by_key(const char *key, struct ds3_user_info *info, ds3_t *ds3, daos_event_t *ev);

/** List buckets with marker/truncation. */
int ds3_bucket_list(daos_size_t *nbuck, struct ds3_bucket_info *buf, char *marker,
		    bool *is_truncated, ds3_t *ds3, daos_event_t *ev);

/** Create a POSIX container as bucket + its metadata. */
int ds3_bucket_create(const char *name, struct ds3_bucket_info *info, dfs_attr_t *attr,
		      ds3_t *ds3, daos_event_t *ev);

/** Destroys a bucket; force also when it is not empty. */
int ds3_bucket_destroy(const char *name, bool force, ds3_t *ds3, daos_event_t *ev);

/** Opens a bucket. */
int ds3_bucket_open(const char *name, ds3_bucket_t **ds3b, ds3_t *ds3, daos_event_t *ev);

/** Closes a bucket. */
int ds3_bucket_close(ds3_bucket_t *ds3b, daos_event_t *ev);

/** Reads the encoded metadata of a bucket. */
int ds3_bucket_get_info(struct ds3_bucket_info *info, ds3_bucket_t *ds3b, daos_event_t *ev);

/** Writes the encoded metadata of a bucket. */
int ds3_bucket_set_info(struct ds3_bucket_info *info, ds3_bucket_t *ds3b, daos_event_t *ev);

/** List keys/prefixes with delimiter, marker, versions. */
int ds3_bucket_list_obj(uint32_t *nobj, struct ds3_object_info *objs, uint32_t *ncp,
			struct ds3_common_prefix_info *cps, const char *prefix, const char *delim,
			char *marker, bool list_versions, bool *is_truncated, ds3_bucket_t *ds3b);

/** Creates a key and its parents. */
int ds3_obj_create(const char *key, ds3_obj_t **ds3o, ds3_bucket_t *ds3b);

/** Opens a key. */
int ds3_obj_open(const char *key, ds3_obj_t **ds3o, ds3_bucket_t *ds3b);

/** Closes an object. */
int ds3_obj_close(ds3_obj_t *ds3o);

/** Reads the encoded metadata of an object. */
int ds3_obj_get_info(struct ds3_object_info *info, ds3_bucket_t *ds3b, ds3_obj_t *ds3o);

/** Writes the encoded metadata of an object. */
int ds3_obj_set_info(struct ds3_object_info *info, ds3_bucket_t *ds3b, ds3_obj_t *ds3o);

/** Reads from an object. */
int ds3_obj_read(void *buf, daos_off_t off, daos_size_t *size, ds3_bucket_t *ds3b,
		 ds3_obj_t *ds3o, daos_event_t *ev);

/** Deletes a key. */
int ds3_obj_destroy(const char *key, ds3_bucket_t *ds3b);

/** Writes to an object. */
int ds3_obj_write(void *buf, daos_off_t off, daos_size_t *size, ds3_bucket_t *ds3b,
		  ds3_obj_t *ds3o, daos_event_t *ev);

/** Point "latest" at this version. */
int ds3_obj_mark_latest(const char *key, ds3_bucket_t *ds3b);

/** Lists the uploads of a bucket. */
int ds3_bucket_list_multipart(const char *bucket_name, uint32_t *nmp,
			      struct ds3_multipart_upload_info *mps, uint32_t *ncp,
			      struct ds3_common_prefix_info *cps, const char *prefix,
			      const char *delim, char *marker, bool *is_truncated, ds3_t *ds3);

/** Lists the parts of an upload. */
int ds3_upload_list_parts(const char *bucket_name, const char *upload_id, uint32_t *npart,
			  struct ds3_multipart_part_info *parts, uint32_t *marker,
			  bool *is_truncated, ds3_t *ds3);

/** Starts a multipart upload. */
int ds3_upload_init(struct ds3_multipart_upload_info *info, const char *bucket_name, ds3_t *ds3);

/** Gives a multipart upload up. */
int ds3_upload_remove(const char *bucket_name, const char *upload_id, ds3_t *ds3);

/** Metadata of an upload. */
int ds3_upload_get_info(struct ds3_multipart_upload_info *info, const char *bucket_name,
			const char *upload_id, ds3_t *ds3);

/** Opens a part of an upload. */
int ds3_part_open(const char *bucket_name, const char *upload_id, uint64_t part_num,
		  bool truncate, ds3_part_t **ds3p, ds3_t *ds3);

/** Closes a part. */
int ds3_part_close(ds3_part_t *ds3p);

/** Writes to a part. */
int ds3_part_write(void *buf, daos_off_t off, daos_size_t *size, ds3_part_t *ds3p, ds3_t *ds3,
		   daos_event_t *ev);

/** Reads from a part. */
int ds3_part_read(void *buf, daos_off_t off, daos_size_t *size, ds3_part_t *ds3p, ds3_t *ds3,
		  daos_event_t *ev);

/** Stores the metadata of a part. */
int ds3_part_set_info(struct ds3_multipart_part_info *info, ds3_part_t *ds3p, ds3_t *ds3,
		      daos_event_t *ev);

#if defined(__cplusplus)
}
#endif

#endif /* __DAOS_S3_H__ */
