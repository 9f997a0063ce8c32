/* SPDX-License-Identifier: BSD-2-Clause-Patent */
/*
 * Files that lose their last name while they are open: their attributes move to the orphans in the
 * transaction that takes the name, and go with the last release. So a crash at any moment leaves a
 * name with its object, or an orphan that says who held it, which dfs_reclaim() finds. Only where a
 * name goes of a file that nobody here has open, a crash between the name and the data leaves an
 * object without a name, as ever.
 */
#include "dfs/private.h"

#define HOLDER_AKEY "DFS_HOLDER"
#define HOLDER_SIZE 16u

#define SECOND UINT64_C(1000000000)
/* How often a mount says that it is alive, and when it is taken for dead. */
#define RENEW_NS (60 * SECOND)
#define DEAD_NS (600 * SECOND)
/* Orphans looked at in one page, and freed by one call. */
#define PAGE_ORPHANS 64u
#define RECLAIM_MAX 1024u

/* ------------------------------------------------ who holds orphans */

/* The number that tells this mount from all others of the container. */
static int
holder_draw(struct dfs *dfs, uint64_t *ret_holder)
{
	uint64_t drawn = 0;

	pthread_mutex_lock(&dfs->lock);
	*ret_holder = dfs->holder;
	pthread_mutex_unlock(&dfs->lock);
	while (*ret_holder == 0) {
		int rc = daos_cont_alloc_oids(dfs->container, 1, &drawn, NULL);

		if (rc)
			return rc;
		pthread_mutex_lock(&dfs->lock);
		if (dfs->holder == 0)
			dfs->holder = drawn;
		*ret_holder = dfs->holder;
		pthread_mutex_unlock(&dfs->lock);
	}
	return 0;
}

static int
holder_put(struct entry_name name, uint64_t holder, uint64_t now)
{
	char akey[] = HOLDER_AKEY;
	uint8_t value[HOLDER_SIZE];
	daos_iod_t iod = {.iod_type = DAOS_IOD_SINGLE, .iod_size = HOLDER_SIZE, .iod_nr = 1};
	d_iov_t iov;
	d_sg_list_t sgl = {.sg_nr = 1, .sg_iovs = &iov};
	daos_key_t dkey = entry_dkey(name);

	store_u64(value, holder);
	store_u64(value + 8, now);
	d_iov_set(&iod.iod_name, akey, strlen(akey));
	d_iov_set(&iov, value, sizeof(value));
	return daos_obj_update(name.handle, name.transaction, 0, &dkey, 1, &iod, &sgl, NULL);
}

/* The entry of a mount among the holders. */
static int
holder_home(struct dfs *dfs, uint64_t holder, struct home *ret_home)
{
	*ret_home = (struct home){.opened = DAOS_HDL_INVAL};
	store_u64(ret_home->key, holder);
	ret_home->name = (struct entry_name){.name = (const char *)ret_home->key,
					     .length = sizeof(holder),
					     .transaction = DAOS_TX_NONE};
	return home_open(dfs, holder_object_id(dfs), ret_home);
}

void
orphans_renew(struct dfs *dfs)
{
	AUTO_HOME struct home home = {.opened = DAOS_HDL_INVAL};
	uint_fast64_t renewed = atomic_load(&dfs->renewed);
	uint64_t holder, now;

	if (renewed == 0)
		return;
	now = client_realtime();
	if (now < renewed + RENEW_NS ||
	    !atomic_compare_exchange_strong(&dfs->renewed, &renewed, now))
		return;
	/* What fails is tried again a minute later: ten of them are left. */
	if (holder_draw(dfs, &holder) == 0 && holder_home(dfs, holder, &home) == 0)
		(void)!holder_put(home.name, holder, now);
}

int
orphan_put_holder(struct dfs *dfs, daos_handle_t transaction, daos_obj_id_t oid)
{
	AUTO_HOME struct home home = {.opened = DAOS_HDL_INVAL};
	uint64_t now = client_realtime(), holder;
	uint_fast64_t never = 0;
	int rc = holder_draw(dfs, &holder);

	if (rc == 0)
		rc = home_of_orphan(dfs, transaction, oid, &home);
	if (rc == 0)
		rc = holder_put(home.name, holder, now);
	if (rc == 0)
		atomic_compare_exchange_strong(&dfs->renewed, &never, now);
	return rc;
}

/* First the data, so that a crash between leaves an orphan that is found again. */
int
orphan_free(struct dfs *dfs, daos_obj_id_t oid)
{
	AUTO_HOME struct home home = {.opened = DAOS_HDL_INVAL};
	struct inode inode = {.mode = S_IFREG, .oid = oid};
	int rc = object_discard(dfs, &inode);

	if (rc == 0)
		rc = home_of_orphan(dfs, DAOS_TX_NONE, oid, &home);
	return rc ? rc : entry_remove(home.name);
}

/* ------------------------------------------------ a name goes */

/* Whether it is open here; then it stays so until the farewell is over. */
static struct held *
hold_open(struct dfs *dfs, daos_obj_id_t oid)
{
	struct held *held;

	pthread_mutex_lock(&dfs->lock);
	held = held_find(&dfs->held, oid);
	if (held)
		held->count++;
	pthread_mutex_unlock(&dfs->lock);
	return held;
}

/* All that is in from goes to the orphans, with who holds it. */
static int
move_to_orphans(struct dfs *dfs, daos_handle_t transaction, struct entry_name from,
		struct inode inode)
{
	AUTO_HOME struct home home = {.opened = DAOS_HDL_INVAL};
	struct entry_values *values = NULL;
	int rc = home_of_orphan(dfs, transaction, inode.oid, &home);

	inode_touch(&inode);
	inode.flags = 0;
	if (rc == 0)
		rc = entry_read(from, &values);
	if (rc == 0)
		rc = entry_write(home.name, values);
	if (rc == 0)
		rc = entry_put(home.name, &inode, NULL);
	if (rc == 0)
		rc = orphan_put_holder(dfs, transaction, inode.oid);
	entry_values_free(values);
	return rc;
}

/* One of several names: the count falls, and at none the record goes. */
static int
drop_link(struct farewell *farewell, daos_handle_t transaction, daos_obj_id_t oid)
{
	AUTO_HOME struct home home = {.opened = DAOS_HDL_INVAL};
	struct record record;
	int rc = record_fetch(farewell->dfs, transaction, oid, &record);

	/* A name of nothing, which only damage leaves: it can be taken away. */
	farewell->last = rc == 0;
	if (rc)
		return rc == -DER_NONEXIST ? 0 : rc;
	rc = home_of_record(farewell->dfs, transaction, oid, &home);
	if (rc)
		return rc;
	farewell->inode = record.inode;
	farewell->last = record.inode.links <= 1;
	if (!farewell->last) {
		inode_touch(&record.inode);
		rc = entry_update(home.name, &record.inode, 0);
		return rc ? rc
			  : record_put_links(farewell->dfs, transaction, oid,
					     record.inode.links - 1);
	}
	if (farewell->held && !farewell->bare)
		rc = move_to_orphans(farewell->dfs, transaction, home.name, record.inode);
	return rc ? rc : entry_remove(home.name);
}

int
farewell_prepare(struct farewell *farewell, daos_handle_t transaction, struct entry_name entry,
		 const struct inode *inode)
{
	struct dfs *dfs = farewell->dfs;
	int rc = 0;

	/* An earlier attempt may have met something else under the name. */
	if (farewell->held && !oid_equal(farewell->inode.oid, inode->oid))
		farewell_cancel(farewell);
	farewell->inode = *inode;
	farewell->last = true;
	farewell->meant = true;
	if (farewell->held == NULL && S_ISREG(inode->mode))
		farewell->held = hold_open(dfs, inode->oid);
	if (inode->flags & INODE_LINKED)
		return drop_link(farewell, transaction, inode->oid);
	if (inode->flags & INODE_EXPORTED)
		rc = record_remove(dfs, transaction, inode->oid);
	if (rc == 0 && farewell->held && !farewell->bare)
		rc = move_to_orphans(dfs, transaction, entry, *inode);
	return rc;
}

/* Somebody opened the file while its name went: its attributes are kept from memory. Who holds it
 * is written first, so that a crash leaves nothing that is not found. */
static void
orphan_late(struct dfs *dfs, struct inode inode)
{
	AUTO_HOME struct home home = {.opened = DAOS_HDL_INVAL};
	int rc = orphan_put_holder(dfs, DAOS_TX_NONE, inode.oid);

	inode.flags = 0;
	if (rc == 0)
		rc = home_of_orphan(dfs, DAOS_TX_NONE, inode.oid, &home);
	if (rc == 0)
		rc = entry_put(home.name, &inode, NULL);
	if (rc)
		log_warning("the attributes of an open file without a name are lost: %d", rc);
}

int
farewell_end(struct farewell *farewell)
{
	struct dfs *dfs = farewell->dfs;
	struct held *held = farewell->held;
	bool late = false;

	if (!farewell->meant)
		return 0;
	farewell->held = NULL;
	farewell->meant = false;
	pthread_mutex_lock(&dfs->lock);
	if (held == NULL && farewell->last && S_ISREG(farewell->inode.mode)) {
		held = held_find(&dfs->held, farewell->inode.oid);
		late = held != NULL;
		if (late)
			held->count++;
		else
			object_note_removed(dfs, farewell->inode.oid);
	}
	if (held && farewell->last) {
		held->state = HELD_ORPHAN;
		held->bare = farewell->bare;
		held->inode = farewell->inode;
	}
	pthread_mutex_unlock(&dfs->lock);
	if (late)
		orphan_late(dfs, farewell->inode);
	if (held && farewell->last && BUG(33))
		(void)!object_discard(dfs, &farewell->inode);
	if (held)
		object_let_go(dfs, held);
	else if (farewell->last)
		return object_discard(dfs, &farewell->inode);
	return 0;
}

void
farewell_cancel(struct farewell *farewell)
{
	if (farewell->held)
		object_let_go(farewell->dfs, farewell->held);
	farewell->held = NULL;
	farewell->meant = false;
}

/* ------------------------------------------------ reclaim */

struct orphan {
	daos_obj_id_t oid;
	uint64_t holder, time;
};

struct orphan_page {
	uint32_t count;
	size_t key_length; /* of the last one */
	uint8_t key[ID_KEY_SIZE];
	struct orphan orphans[PAGE_ORPHANS];
};

/* One that does not say who holds it has been dead for ever. */
static int
page_add(void *argument, const void *key, size_t key_length, const void *value, size_t value_length)
{
	struct orphan_page *page = argument;
	struct orphan *orphan = &page->orphans[page->count++];

	if (key_length > ID_KEY_SIZE)
		return error_raise(-DER_IO, "an orphan has a key of %zu bytes", key_length);
	memset(page->key, 0, sizeof(page->key));
	memcpy(page->key, key, key_length);
	page->key_length = key_length;
	*orphan = (struct orphan){.oid = id_key_decode(page->key)};
	if (value_length == HOLDER_SIZE) {
		orphan->holder = load_u64(value);
		orphan->time = load_u64((const uint8_t *)value + 8);
	}
	return 0;
}

/* When a holder last said that it is alive; 0: never. */
static int
holder_fetch(struct dfs *dfs, uint64_t holder, uint64_t *ret_time)
{
	AUTO_HOME struct home home = {.opened = DAOS_HDL_INVAL};
	char akey[] = HOLDER_AKEY;
	uint8_t value[HOLDER_SIZE] = {0};
	daos_iod_t iod = {.iod_type = DAOS_IOD_SINGLE, .iod_size = DAOS_REC_ANY, .iod_nr = 1};
	d_iov_t iov;
	d_sg_list_t sgl = {.sg_nr = 1, .sg_iovs = &iov};
	daos_key_t dkey;
	int rc = holder_home(dfs, holder, &home);

	if (rc)
		return rc;
	dkey = entry_dkey(home.name);
	d_iov_set(&iod.iod_name, akey, strlen(akey));
	d_iov_set(&iov, value, sizeof(value));
	rc = daos_obj_fetch(home.name.handle, DAOS_TX_NONE, 0, &dkey, 1, &iod, &sgl, NULL, NULL);
	if (rc == 0)
		*ret_time = iod.iod_size == HOLDER_SIZE ? load_u64(value + 8) : 0;
	return rc;
}

static int
orphan_is_dead(struct dfs *dfs, const struct orphan *orphan, uint64_t now, bool *ret_dead)
{
	uint64_t time = 0, own;
	int rc;

	pthread_mutex_lock(&dfs->lock);
	own = dfs->holder;
	pthread_mutex_unlock(&dfs->lock);
	*ret_dead = false;
	if (orphan->time + DEAD_NS > now || (own != 0 && orphan->holder == own))
		return 0;
	rc = holder_fetch(dfs, orphan->holder, &time);
	if (rc == 0)
		*ret_dead = time + DEAD_NS <= now;
	return rc;
}

/* Frees what is dead in a page. Somebody else may do the same at this moment. */
static int
reclaim_page(struct dfs *dfs, const struct orphan_page *page, uint64_t now, uint64_t *count)
{
	for (uint32_t i = 0; i < page->count; i++) {
		bool dead;
		int rc = orphan_is_dead(dfs, &page->orphans[i], now, &dead);

		if (rc == 0 && dead) {
			rc = orphan_free(dfs, page->orphans[i].oid);
			*count += rc == 0;
		}
		if (rc && rc != -DER_NONEXIST)
			return rc;
	}
	return 0;
}

static int
list_hidden(struct dfs *dfs, daos_obj_id_t object, struct orphan_page *page, bool *ret_end)
{
	daos_handle_t handle;
	int rc = daos_obj_open(dfs->container, object, DAOS_OO_RO, &handle, NULL);

	if (rc)
		return rc;
	page->count = 0;
	rc = client_list_ordered(handle, page->key, page->key_length, HOLDER_AKEY, PAGE_ORPHANS,
				 page_add, page, ret_end);
	(void)daos_obj_close(handle, NULL);
	return rc;
}

static int
reclaim_object(struct dfs *dfs, uint32_t number, struct orphan_page *page, uint64_t now,
	       uint64_t *count)
{
	bool end = false;
	int rc = 0;

	page->key_length = 0;
	while (rc == 0 && !end && *count < RECLAIM_MAX) {
		rc = list_hidden(dfs, orphan_object_id(dfs, number), page, &end);
		if (rc == 0)
			rc = reclaim_page(dfs, page, now, count);
	}
	return rc;
}

static int
forget_holder(struct dfs *dfs, uint64_t holder)
{
	AUTO_HOME struct home home = {.opened = DAOS_HDL_INVAL};
	int rc = holder_home(dfs, holder, &home);

	if (rc == 0)
		rc = entry_remove(home.name);
	return rc == -DER_NONEXIST ? 0 : rc;
}

/* Holders that are dead are of no use once their orphans are gone. */
static int
forget_holders(struct dfs *dfs, struct orphan_page *page, uint64_t now)
{
	bool end = false;
	int rc = 0;

	page->key_length = 0;
	for (uint32_t pages = 0; rc == 0 && !end && pages < RECLAIM_MAX / PAGE_ORPHANS; pages++) {
		rc = list_hidden(dfs, holder_object_id(dfs), page, &end);
		for (uint32_t i = 0; rc == 0 && i < page->count; i++) {
			if (page->orphans[i].time + DEAD_NS <= now)
				rc = forget_holder(dfs, page->orphans[i].holder);
		}
	}
	return rc;
}

struct reclaim_call {
	dfs_t *dfs;
	uint64_t *ret_count;
};

static int
reclaim_run(void *arguments)
{
	struct reclaim_call *call = arguments;
	AUTO_MEMORY struct orphan_page *page = file_alloc(sizeof(*page));
	uint64_t now = client_realtime(), count = 0;
	int rc = page ? 0 : -DER_NOMEM;

	orphans_renew(call->dfs);
	for (uint32_t i = 0; rc == 0 && i < ORPHAN_OBJECTS && count < RECLAIM_MAX; i++)
		rc = reclaim_object(call->dfs, i, page, now, &count);
	if (rc == 0 && count < RECLAIM_MAX)
		rc = forget_holders(call->dfs, page, now);
	if (call->ret_count)
		*call->ret_count = count;
	return rc;
}

int
dfs_reclaim(dfs_t *dfs, uint64_t *ret_count)
{
	struct reclaim_call call = {dfs, ret_count};

	if (dfs == NULL)
		return EINVAL;
	return dfs->read_only ? EPERM : file_run(reclaim_run, &call);
}
