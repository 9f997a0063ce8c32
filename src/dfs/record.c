/* SPDX-License-Identifier: BSD-2-Clause-Patent */
/*
 * Records: what is found by object id. A thing that was exported has a record that says where its
 * entry is; a file with several names has one that holds its attributes, and its entries refer to
 * it. Entry and record change in one transaction, so that a crash leaves neither an entry without
 * its record nor a record without its names.
 */
#include "dfs/private.h"

#define LINKS_AKEY "DFS_LINKS"
#define NAME_AKEY "DFS_NAME"
#define INODE_AKEY "DFS_INODE"
#define NAME_VALUE_MAX (ID_KEY_SIZE + DFS_MAX_NAME)

/* High part of the user's bits of the hidden objects' ids; the low part is 0, as that of superblock
 * and root, and no other id's. */
#define RECORD_IDS 0x100u
#define ORPHAN_IDS 0x200u
#define HOLDER_ID 0x300u

/* ------------------------------------------------ ids and keys (pure) */

void
id_key_encode(daos_obj_id_t oid, uint8_t key[ID_KEY_SIZE])
{
	store_u64(key, oid.lo);
	store_u64(key + 8, oid.hi);
}

daos_obj_id_t
id_key_decode(const uint8_t key[ID_KEY_SIZE])
{
	return (daos_obj_id_t){.lo = load_u64(key), .hi = load_u64(key + 8)};
}

/* Of the superblock's class, with lexical dkeys. */
static daos_obj_id_t
hidden_id(const struct dfs *dfs, uint32_t number)
{
	uint64_t type = OID_FMT_TYPE_MAX << OID_FMT_TYPE_SHIFT;
	daos_obj_id_t oid = {.lo = 0, .hi = dfs->super.id.hi & ~type};

	oid.hi |= (uint64_t)DAOS_OT_DKEY_LEXICAL << OID_FMT_TYPE_SHIFT | number;
	return oid;
}

daos_obj_id_t
record_object_id(const struct dfs *dfs, daos_obj_id_t oid)
{
	return hidden_id(dfs,
			 RECORD_IDS + (uint32_t)(hash_combine(oid.lo, oid.hi) % RECORD_OBJECTS));
}

daos_obj_id_t
orphan_object_id(const struct dfs *dfs, uint32_t number)
{
	return hidden_id(dfs, ORPHAN_IDS + number);
}

daos_obj_id_t
holder_object_id(const struct dfs *dfs)
{
	return hidden_id(dfs, HOLDER_ID);
}

bool
id_is_reserved(daos_obj_id_t oid)
{
	return oid.lo == 0;
}

/* ------------------------------------------------ homes */

void
home_release(struct home *home)
{
	if (daos_handle_is_valid(home->opened))
		(void)daos_obj_close(home->opened, NULL);
	home->opened = DAOS_HDL_INVAL;
}

int
home_open(struct dfs *dfs, daos_obj_id_t object, struct home *home)
{
	unsigned int mode = dfs->read_only ? DAOS_OO_RO : DAOS_OO_RW;
	int rc = daos_obj_open(dfs->container, object, mode, &home->opened, NULL);

	home->name.handle = home->opened;
	return rc;
}

static int
home_hidden(struct dfs *dfs, daos_handle_t transaction, daos_obj_id_t object, daos_obj_id_t oid,
	    struct home *ret_home)
{
	*ret_home = (struct home){.opened = DAOS_HDL_INVAL};
	id_key_encode(oid, ret_home->key);
	ret_home->name = (struct entry_name){.name = (const char *)ret_home->key,
					     .length = ID_KEY_SIZE,
					     .transaction = transaction};
	return home_open(dfs, object, ret_home);
}

int
home_of_record(struct dfs *dfs, daos_handle_t transaction, daos_obj_id_t oid, struct home *ret_home)
{
	return home_hidden(dfs, transaction, record_object_id(dfs, oid), oid, ret_home);
}

int
home_of_orphan(struct dfs *dfs, daos_handle_t transaction, daos_obj_id_t oid, struct home *ret_home)
{
	uint32_t number = (uint32_t)(hash_combine(oid.lo, oid.hi) % ORPHAN_OBJECTS);

	return home_hidden(dfs, transaction, orphan_object_id(dfs, number), oid, ret_home);
}

int
home_of(struct dfs *dfs, struct entry_name entry, const struct inode *inode, struct home *ret_home)
{
	if (inode->flags & INODE_LINKED)
		return home_of_record(dfs, entry.transaction, inode->oid, ret_home);
	*ret_home = (struct home){.name = entry, .opened = DAOS_HDL_INVAL};
	return 0;
}

/* ------------------------------------------------ reading */

struct record_values {
	uint8_t inode[INODE_SIZE];
	uint64_t inode_size;
	uint8_t links[4];
	uint64_t links_size;
	uint8_t name[NAME_VALUE_MAX];
	uint64_t name_size;
};

static int
record_decode(const struct record_values *values, struct record *ret_record)
{
	struct record record = {.linked = values->inode_size > 0};
	int rc = 0;

	if (record.linked)
		rc = inode_decode(values->inode, values->inode_size, &record.inode);
	if (rc)
		return rc;
	if (record.linked && values->links_size != sizeof(values->links))
		return error_raise(-DER_IO, "a record counts links in %llu bytes",
				   (unsigned long long)values->links_size);
	record.inode.links = load_u32(values->links);
	if (values->name_size > 0) {
		if (values->name_size <= ID_KEY_SIZE || values->name_size > NAME_VALUE_MAX)
			return error_raise(-DER_IO, "a record has a name of %llu bytes",
					   (unsigned long long)values->name_size);
		record.parent = id_key_decode(values->name);
		record.name_length = values->name_size - ID_KEY_SIZE;
		memcpy(record.name, values->name + ID_KEY_SIZE, record.name_length);
	}
	*ret_record = record;
	return 0;
}

static daos_iod_t
single(char *akey)
{
	daos_iod_t iod = {.iod_type = DAOS_IOD_SINGLE, .iod_size = DAOS_REC_ANY, .iod_nr = 1};

	d_iov_set(&iod.iod_name, akey, strlen(akey));
	return iod;
}

/* All that a record can have, in one request. */
static int
record_read(struct entry_name record, struct record_values *ret_values)
{
	char inode_akey[] = INODE_AKEY, links_akey[] = LINKS_AKEY, name_akey[] = NAME_AKEY;
	daos_recx_t extent = {.rx_idx = 0, .rx_nr = INODE_SIZE};
	daos_iod_t iods[3] = {single(inode_akey), single(links_akey), single(name_akey)};
	d_iov_t iovs[3];
	d_sg_list_t sgls[3] = {{.sg_nr = 1, .sg_iovs = &iovs[0]},
			       {.sg_nr = 1, .sg_iovs = &iovs[1]},
			       {.sg_nr = 1, .sg_iovs = &iovs[2]}};
	daos_key_t dkey = entry_dkey(record);
	int rc;

	*ret_values = (struct record_values){.inode_size = 0};
	iods[0].iod_type = DAOS_IOD_ARRAY;
	iods[0].iod_size = 1;
	iods[0].iod_recxs = &extent;
	d_iov_set(&iovs[0], ret_values->inode, sizeof(ret_values->inode));
	d_iov_set(&iovs[1], ret_values->links, sizeof(ret_values->links));
	d_iov_set(&iovs[2], ret_values->name, sizeof(ret_values->name));
	rc = daos_obj_fetch(record.handle, record.transaction, DAOS_COND_DKEY_FETCH, &dkey, 3, iods,
			    sgls, NULL, NULL);
	ret_values->inode_size = iods[0].iod_size ? INODE_SIZE : 0;
	ret_values->links_size = iods[1].iod_size;
	ret_values->name_size = iods[2].iod_size;
	return rc;
}

int
record_fetch(struct dfs *dfs, daos_handle_t transaction, daos_obj_id_t oid,
	     struct record *ret_record)
{
	AUTO_HOME struct home home = {.opened = DAOS_HDL_INVAL};
	struct record_values values;
	int rc = home_of_record(dfs, transaction, oid, &home);

	if (rc == 0)
		rc = record_read(home.name, &values);
	if (rc)
		return rc;
	if (values.inode_size == 0 && values.name_size == 0)
		return -DER_NONEXIST;
	rc = record_decode(&values, ret_record);
	if (rc == 0 && ret_record->linked && !oid_equal(ret_record->inode.oid, oid))
		rc = error_raise(-DER_IO, "a record has the attributes of another object");
	return rc;
}

int
inode_resolve(struct dfs *dfs, daos_handle_t transaction, struct inode *inode)
{
	struct record record;
	int rc;

	if (!(inode->flags & INODE_LINKED))
		return 0;
	rc = record_fetch(dfs, transaction, inode->oid, &record);
	if (rc == 0 && !record.linked)
		rc = -DER_NONEXIST;
	if (rc == 0)
		*inode = record.inode;
	return rc;
}

/* ------------------------------------------------ where an open thing's attributes are */

/* By its record: there, or where the record says. */
static int
fetch_by_record(struct dfs *dfs, daos_handle_t transaction, daos_obj_id_t oid, struct home *home,
		struct inode *ret_inode)
{
	struct record record;
	int rc = record_fetch(dfs, transaction, oid, &record);

	if (rc)
		return rc;
	if (record.linked) {
		*ret_inode = record.inode;
		object_note_linked(dfs, oid);
		return home_of_record(dfs, transaction, oid, home);
	}
	*home = (struct home){.opened = DAOS_HDL_INVAL};
	memcpy(home->text, record.name, record.name_length);
	home->name = (struct entry_name){
		.name = home->text, .length = record.name_length, .transaction = transaction};
	rc = home_open(dfs, record.parent, home);
	if (rc == 0)
		rc = entry_fetch(home->name, ret_inode);
	if (rc == 0 && !oid_equal(ret_inode->oid, oid))
		rc = -DER_NONEXIST;
	if (rc)
		home_release(home);
	return rc;
}

static int
fetch_orphan(struct dfs *dfs, daos_handle_t transaction, daos_obj_id_t oid, struct home *home,
	     struct inode *ret_inode)
{
	int rc = home_of_orphan(dfs, transaction, oid, home);

	if (rc == 0)
		rc = entry_fetch(home->name, ret_inode);
	if (rc == -DER_NONEXIST && object_recall(dfs, oid, ret_inode))
		rc = 0;
	if (rc == 0)
		ret_inode->links = 0;
	else
		home_release(home);
	return rc;
}

/* By its name; -DER_NONEXIST also where something else has the name now. */
static int
fetch_by_name(struct dfs *dfs, daos_handle_t transaction, const struct place *place,
	      struct home *home, struct inode *ret_inode)
{
	struct entry_name entry = entry_of(dfs, place);
	int rc;

	entry.transaction = transaction;
	rc = entry_fetch(entry, ret_inode);
	if (rc == 0 && !oid_equal(ret_inode->oid, place->oid))
		rc = -DER_NONEXIST;
	if (rc)
		return rc;
	if (ret_inode->flags & INODE_LINKED)
		object_note_linked(dfs, place->oid);
	rc = inode_resolve(dfs, transaction, ret_inode);
	return rc ? rc : home_of(dfs, entry, ret_inode, home);
}

int
home_fetch(struct dfs *dfs, daos_handle_t transaction, const struct place *place,
	   struct home *ret_home, struct inode *ret_inode)
{
	daos_obj_id_t oid = place->oid;
	enum held_state state = object_state(dfs, oid);
	struct home home = {.opened = DAOS_HDL_INVAL};
	struct inode inode;
	int rc = -DER_NONEXIST;

	if (state == HELD_NAMED || state == HELD_NOT)
		rc = fetch_by_name(dfs, transaction, place, &home, &inode);
	if (rc == -DER_NONEXIST && state != HELD_ORPHAN)
		rc = fetch_by_record(dfs, transaction, oid, &home, &inode);
	/* Its last name may be going at this moment. */
	if (rc == -DER_NONEXIST && state != HELD_NOT)
		rc = fetch_orphan(dfs, transaction, oid, &home, &inode);
	if (rc)
		return rc;
	*ret_home = home;
	/* Without a handle of its own, the name is that of the place, or of home itself. */
	if (home.name.name == home.text)
		ret_home->name.name = ret_home->text;
	else if (home.name.name == (const char *)home.key)
		ret_home->name.name = (const char *)ret_home->key;
	*ret_inode = inode;
	return 0;
}

/* ------------------------------------------------ changes */

static int
record_put(struct home *home, const char *akey, void *value, size_t size)
{
	char name[16];
	daos_iod_t iod;
	d_iov_t iov;
	d_sg_list_t sgl = {.sg_nr = 1, .sg_iovs = &iov};
	daos_key_t dkey = entry_dkey(home->name);

	memcpy(name, akey, strlen(akey) + 1);
	iod = single(name);
	iod.iod_size = size;
	d_iov_set(&iov, value, size);
	return daos_obj_update(home->name.handle, home->name.transaction, 0, &dkey, 1, &iod, &sgl,
			       NULL);
}

int
record_put_name(struct dfs *dfs, daos_handle_t transaction, daos_obj_id_t oid, daos_obj_id_t parent,
		const char *name)
{
	AUTO_HOME struct home home = {.opened = DAOS_HDL_INVAL};
	uint8_t value[NAME_VALUE_MAX];
	size_t length = strlen(name);
	int rc = home_of_record(dfs, transaction, oid, &home);

	if (rc)
		return rc;
	ASSERT(length > 0 && length <= DFS_MAX_NAME);
	id_key_encode(parent, value);
	memcpy(value + ID_KEY_SIZE, name, length);
	return record_put(&home, NAME_AKEY, value, ID_KEY_SIZE + length);
}

int
record_put_links(struct dfs *dfs, daos_handle_t transaction, daos_obj_id_t oid, uint32_t links)
{
	AUTO_HOME struct home home = {.opened = DAOS_HDL_INVAL};
	uint8_t value[4];
	int rc = home_of_record(dfs, transaction, oid, &home);

	if (rc)
		return rc;
	store_u32(value, links);
	return record_put(&home, LINKS_AKEY, value, sizeof(value));
}

int
record_remove(struct dfs *dfs, daos_handle_t transaction, daos_obj_id_t oid)
{
	AUTO_HOME struct home home = {.opened = DAOS_HDL_INVAL};
	int rc = home_of_record(dfs, transaction, oid, &home);

	return rc ? rc : entry_remove(home.name);
}
