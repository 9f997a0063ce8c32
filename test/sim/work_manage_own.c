/* SPDX-License-Identifier: BSD-2-Clause-Patent */
/*
 * Workload "manage": what one actor does to a container that nobody else knows, so that every
 * answer is known beforehand; handles that travel, events, and what is asked of the system.
 */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <gurt/common.h>

#include "daos_kv.h"
#include "daos_mgmt.h"
#include "daos_uns.h"

#include "client/client.h"

#include "sim/run.h"
#include "sim/work_manage.h"

/* ------------------------------------------------ a container of one's own */

struct own {
	struct manage *manage;
	enum manage_operation operation;
	char uuid[40];
	daos_handle_t container;
};

static void
own_expect(struct own *own, bool holds, const char *what)
{
	if (!holds && !server_may_roll_back(own->manage->model->server))
		sim_violation(own->manage->model->sim, "a container of one actor alone: %s", what);
}

/* Counts a step; false: it ends here. */
static bool
own_step(struct own *own, int rc)
{
	return manage_done(own->manage, own->operation, rc, NULL) == OUTCOME_OK;
}

static bool
own_begin(struct own *own, struct manage *manage, enum manage_operation operation)
{
	struct thing *thing = thing_create(manage, NULL);
	daos_cont_info_t info;
	uuid_t uuid;

	*own = (struct own){.manage = manage, .operation = operation};
	if (!own_step(own, manage_make(manage->actor->pool, thing->number, NULL, false, uuid)))
		return false;
	thing_identify(manage, thing, uuid);
	memcpy(own->uuid, thing->uuid, sizeof(own->uuid));
	if (!own_step(own, daos_cont_open(manage->actor->pool, own->uuid, DAOS_COO_RW,
					  &own->container, &info, NULL)))
		return false;
	own_expect(own, info.ci_nhandles == 1 && info.ci_nsnapshots == 0,
		   "it has handles or snapshots of nobody");
	return true;
}

/* Closes and destroys it; then it is gone. */
static void
own_end(struct own *own)
{
	daos_handle_t pool = own->manage->actor->pool, handle;
	int rc;

	if (!own_step(own, daos_cont_close(own->container, NULL)) ||
	    !own_step(own, daos_cont_destroy(pool, own->uuid, 0, NULL)))
		return;
	rc = daos_cont_open(pool, own->uuid, DAOS_COO_RW, &handle, NULL, NULL);
	if (rc == 0)
		(void)daos_cont_close(handle, NULL);
	own_expect(own, rc != 0, "it can be opened after it was destroyed");
	(void)manage_done(own->manage, own->operation, rc == -DER_NONEXIST ? 0 : rc, NULL);
}

/* ------------------------------------------------ access */

#define USERS 4u

static struct daos_ace *
user_entry(uint32_t user, uint64_t permissions)
{
	struct daos_ace *entry;
	char name[16];

	snprintf(name, sizeof(name), "user%u@", user);
	entry = daos_ace_create(DAOS_ACL_USER, name);
	ASSERT(entry != NULL);
	entry->dae_access_types = DAOS_ACL_ACCESS_ALLOW;
	entry->dae_allow_perms = permissions;
	return entry;
}

/* Permissions of users, 0: not in the list. */
struct access {
	uint64_t permissions[USERS];
};

static bool
access_matches(struct daos_acl *acl, const struct access *access)
{
	uint32_t found = 0, wanted = 0;

	for (struct daos_ace *entry = daos_acl_get_next_ace(acl, NULL); entry;
	     entry = daos_acl_get_next_ace(acl, entry)) {
		uint32_t user;

		/* Owner and group, whom every container's first list names. */
		if (entry->dae_principal_type != DAOS_ACL_USER)
			continue;
		if (sscanf(daos_ace_get_principal_str(entry), "user%u@", &user) != 1 ||
		    user >= USERS || entry->dae_allow_perms != access->permissions[user])
			return false;
		found++;
	}
	for (uint32_t i = 0; i < USERS; i++)
		wanted += access->permissions[i] != 0;
	return found == wanted;
}

static bool
access_compare(struct own *own, const struct access *access)
{
	daos_prop_t *properties = NULL;
	struct daos_prop_entry *entry;

	if (!own_step(own, daos_cont_get_acl(own->container, &properties, NULL)))
		return false;
	entry = daos_prop_entry_get(properties, DAOS_PROP_CO_ACL);
	own_expect(own,
		   entry && access_matches(daos_prop_is_set(entry) ? entry->dpe_val_ptr : NULL,
					   access),
		   "its access list is another");
	daos_prop_free(properties);
	return true;
}

/* One random change; false: it failed for a reason of the system. */
static bool
access_alter(struct own *own, struct access *access)
{
	struct stream *random = &own->manage->actor->random;
	uint32_t user = (uint32_t)stream_draw(random, USERS);
	uint64_t permissions = stream_between(random, 1, 3);
	struct daos_ace *entry = user_entry(user, permissions);
	struct daos_acl *acl = daos_acl_create(&entry, 1);
	uint64_t way = stream_draw(random, 5);
	char name[16];
	int rc;

	daos_ace_free(entry);
	ASSERT(acl != NULL);
	snprintf(name, sizeof(name), "user%u@", user);
	if (way == 0) {
		rc = daos_cont_delete_acl(own->container, DAOS_ACL_USER, name, NULL);
		own_expect(own,
			   (rc != 0 || access->permissions[user] != 0) &&
				   (rc != -DER_NONEXIST || access->permissions[user] == 0),
			   "an entry was removed that was not there, or not found");
		if (rc == -DER_NONEXIST)
			rc = 0;
		else if (rc == 0)
			access->permissions[user] = 0;
	} else {
		rc = way == 1 ? daos_cont_overwrite_acl(own->container, acl, NULL)
			      : daos_cont_update_acl(own->container, acl, NULL);
		if (rc == 0 && way == 1)
			*access = (struct access){{0}};
		if (rc == 0)
			access->permissions[user] = permissions;
	}
	daos_acl_free(acl);
	return own_step(own, rc);
}

static bool
owner_compare(struct own *own, const char *user, const char *group)
{
	daos_prop_t *properties = NULL;
	const struct daos_prop_entry *entry;

	if (!own_step(own, daos_cont_get_acl(own->container, &properties, NULL)))
		return false;
	entry = daos_prop_entry_get(properties, DAOS_PROP_CO_OWNER);
	own_expect(own, entry && strcmp(entry->dpe_str, user) == 0, "its owner is another");
	entry = daos_prop_entry_get(properties, DAOS_PROP_CO_OWNER_GROUP);
	own_expect(own, entry && strcmp(entry->dpe_str, group) == 0, "its group is another");
	daos_prop_free(properties);
	return true;
}

static bool
owner_change(struct own *own)
{
	char root[] = "root@", mine[] = "someone@";
	/* Who does not live on this machine is refused. */
	char nobody[] = "no-such-user-anywhere@";
	int rc = daos_cont_set_owner(own->container, nobody, NULL, NULL);

	own_expect(own, rc == -DER_NONEXIST, "a user that does not exist may own it");
	return own_step(own, daos_cont_set_owner(own->container, root, root, NULL)) &&
	       owner_compare(own, root, root) &&
	       own_step(own, daos_cont_set_owner_no_check(own->container, mine, NULL, NULL)) &&
	       owner_compare(own, mine, root);
}

static bool
status_check(struct own *own)
{
	daos_prop_t *properties = daos_prop_alloc(1);
	struct daos_co_status status;
	daos_cont_info_t info;
	bool good;

	ASSERT(properties != NULL);
	properties->dpp_entries[0].dpe_type = DAOS_PROP_CO_STATUS;
	good = own_step(own, daos_cont_status_clear(own->container, NULL)) &&
	       own_step(own, daos_cont_query(own->container, &info, properties, NULL));
	if (good) {
		daos_prop_val_2_co_status(properties->dpp_entries[0].dpe_val, &status);
		own_expect(own, status.dcs_status == DAOS_PROP_CO_HEALTHY, "it is not healthy");
		own_expect(own, info.ci_md_mtime >= info.ci_md_otime || info.ci_nhandles == 1,
			   "its times are wrong");
	}
	daos_prop_free(properties);
	return good;
}

void
manage_access(struct manage *manage)
{
	struct access access = {{0}};
	struct own own;
	bool good = own_begin(&own, manage, MANAGE_ACCESS);

	for (uint32_t i = 0; good && i < 4; i++)
		good = access_alter(&own, &access) && access_compare(&own, &access);
	if (good && stream_chance(&manage->actor->random, 50))
		good = owner_change(&own) && status_check(&own);
	if (good)
		own_end(&own);
}

/* ------------------------------------------------ handles that travel */

/* As another process gets it: through bytes. */
static int
travel(daos_handle_t pool, daos_handle_t from, daos_handle_t *ret_to)
{
	d_iov_t bytes = {0};
	int rc = ret_to ? daos_cont_local2global(from, &bytes) : -DER_INVAL;

	if (rc)
		return rc;
	bytes.iov_buf = sim_take(bytes.iov_buf_len);
	rc = daos_cont_local2global(from, &bytes);
	if (rc == 0)
		rc = daos_cont_global2local(pool, bytes, ret_to);
	free(bytes.iov_buf);
	return rc;
}

static int
travel_pool(struct own *own, daos_handle_t from, daos_handle_t *ret_to)
{
	d_iov_t bytes = {0};
	int rc = daos_pool_local2global(from, &bytes);

	if (rc)
		return rc;
	bytes.iov_buf = sim_take(bytes.iov_buf_len);
	bytes.iov_buf_len--;
	own_expect(own, daos_pool_local2global(from, &bytes) == -DER_TRUNC,
		   "a pool handle fits into less than it needs");
	rc = daos_pool_local2global(from, &bytes);
	if (rc == 0) {
		bytes.iov_len--;
		own_expect(own, daos_pool_global2local(bytes, ret_to) == -DER_INVAL,
			   "half a pool handle is taken for a whole one");
		bytes.iov_len++;
		rc = daos_pool_global2local(bytes, ret_to);
	}
	free(bytes.iov_buf);
	return rc;
}

static int
put_one(daos_handle_t container, const char *text)
{
	daos_obj_id_t oid = {.lo = 3};
	daos_handle_t store;
	int rc = daos_obj_generate_oid(container, &oid, DAOS_OT_KV_HASHED, OC_S1, 0, 0);

	if (rc == 0)
		rc = daos_kv_open(container, oid, DAOS_OO_RW, &store, NULL);
	if (rc)
		return rc;
	rc = daos_kv_put(store, DAOS_TX_NONE, 0, "key", strlen(text) + 1, text, NULL);
	(void)daos_kv_close(store, NULL);
	return rc;
}

static int
get_one(daos_handle_t container, char text[64])
{
	daos_obj_id_t oid = {.lo = 3};
	daos_size_t size = 64;
	daos_handle_t store;
	int rc = daos_obj_generate_oid(container, &oid, DAOS_OT_KV_HASHED, OC_S1, 0, 0);

	if (rc == 0)
		rc = daos_kv_open(container, oid, DAOS_OO_RO, &store, NULL);
	if (rc)
		return rc;
	text[0] = '\0';
	rc = daos_kv_get(store, DAOS_TX_NONE, 0, "key", &size, text, NULL);
	(void)daos_kv_close(store, NULL);
	return rc;
}

/* What one handle wrote the other reads; it is closed here alone. */
static bool
travel_both_ways(struct own *own, daos_handle_t other)
{
	char text[64];

	if (!own_step(own, put_one(own->container, own->uuid)) ||
	    !own_step(own, get_one(other, text)))
		return false;
	own_expect(own, strcmp(text, own->uuid) == 0, "a handle that travelled reads otherwise");
	return own_step(own, put_one(other, "back")) &&
	       own_step(own, get_one(own->container, text));
}

void
manage_travel(struct manage *manage)
{
	daos_handle_t pool, container;
	struct own own;
	bool good;

	if (!own_begin(&own, manage, MANAGE_TRAVEL))
		return;
	if (!own_step(&own, travel_pool(&own, manage->actor->pool, &pool)))
		return;
	good = own_step(&own, travel(pool, own.container, &container));
	if (good) {
		good = travel_both_ways(&own, container);
		own_expect(&own, daos_pool_disconnect(pool, NULL) == -DER_BUSY,
			   "a pool is disconnected with a container open");
		(void)daos_cont_close(container, NULL);
	}
	(void)daos_pool_disconnect(pool, NULL);
	if (good)
		own_end(&own);
}

/* ------------------------------------------------ events */

#define CHILDREN 3u

struct asked {
	daos_event_t parent;
	daos_event_t children[CHILDREN];
	daos_pool_info_t info[CHILDREN];
	daos_cont_info_t container;
	uint32_t calls, wanted; /* of the parent's callback */
};

static int
note_end(void *argument, daos_event_t *event, int rc)
{
	uint32_t *calls = argument;

	(void)event;
	(void)rc;
	*calls += 1;
	return 0;
}

static void
events_expect(struct manage *manage, bool holds, const char *what)
{
	if (!holds)
		sim_violation(manage->model->sim, "events: %s", what);
}

/* A parent of several queries; their results count, whoever ends last. */
static int
ask_children(struct manage *manage, struct asked *asked)
{
	daos_event_t *child = NULL;
	uint32_t seen = 0;
	int rc = 0;

	for (uint32_t i = 0; rc == 0 && i < CHILDREN; i++) {
		rc = daos_event_init(&asked->children[i], DAOS_HDL_INVAL, &asked->parent);
		if (rc)
			break;
		asked->info[i].pi_bits = DPI_ALL;
		rc = i == 0 ? daos_cont_query(manage->actor->container, &asked->container, NULL,
					      &asked->children[i])
			    : daos_pool_query(manage->actor->pool, NULL, &asked->info[i], NULL,
					      &asked->children[i]);
	}
	while ((child = daos_event_next(&asked->parent, child)) != NULL)
		seen++;
	events_expect(manage, rc || seen == CHILDREN, "a parent has other children");
	return rc;
}

/* The first child that failed, or the parent itself. */
static int
result_of(const struct asked *asked)
{
	for (uint32_t i = 0; i < CHILDREN; i++)
		if (asked->children[i].ev_error)
			return asked->children[i].ev_error;
	return asked->parent.ev_error;
}

static int
poll_parent(struct manage *manage, daos_handle_t queue, struct asked *asked)
{
	daos_event_t *done = NULL;
	int count = daos_eq_query(queue, DAOS_EQR_ALL, 0, NULL);

	events_expect(manage, count >= 1, "a queue knows nothing of what runs");
	/* An abort may come too late, or be seen by some. */
	if (stream_chance(&manage->actor->random, 15))
		(void)daos_event_abort(&asked->children[0]);
	count = daos_eq_poll(queue, 1, DAOS_EQ_WAIT, 1, &done);
	if (count < 0)
		return count;
	events_expect(manage, count == 1 && done == &asked->parent,
		      "a queue gives something else than the parent");
	events_expect(manage, asked->calls == asked->wanted, "a callback was not called once");
	return result_of(asked);
}

/* What was launched ends with the parent, whatever else failed. */
static int
ask_and_poll(struct manage *manage, daos_handle_t queue, struct asked *asked)
{
	int rc = daos_event_init(&asked->parent, queue, NULL), polled;

	if (rc)
		return rc;
	rc = daos_event_register_comp_cb(&asked->parent, note_end, &asked->calls);
	/* Without memory there is none. */
	asked->wanted = rc == 0;
	if (rc == 0)
		rc = ask_children(manage, asked);
	polled = daos_event_parent_barrier(&asked->parent);
	events_expect(manage, polled == 0 || rc, "a parent cannot be launched");
	if (polled == 0)
		polled = poll_parent(manage, queue, asked);
	(void)daos_event_fini(&asked->parent);
	return rc ? rc : polled;
}

void
manage_events(struct manage *manage)
{
	static const int answers[] = {-DER_CANCELED, 0};
	struct asked *asked = client_calloc(sizeof(*asked));
	daos_handle_t queue;
	int rc = asked ? daos_eq_create(&queue) : -DER_NOMEM;

	if (rc == 0) {
		rc = ask_and_poll(manage, queue, asked);
		(void)daos_eq_destroy(queue, DAOS_EQ_DESTROY_FORCE);
	}
	client_free(asked);
	(void)manage_done(manage, MANAGE_EVENTS, rc, answers);
}

/* ------------------------------------------------ the system */

#define POOLS_ROOM 16u

static int
list_pools(struct manage *manage)
{
	daos_mgmt_pool_info_t pools[POOLS_ROOM] = {0};
	daos_size_t count = POOLS_ROOM;
	bool found = false;
	int rc = daos_mgmt_list_pools(NULL, &count, pools, NULL);

	for (daos_size_t i = 0; rc == 0 && i < count; i++)
		found |= strcmp(pools[i].mgpi_label, "pool") == 0;
	for (uint32_t i = 0; i < POOLS_ROOM; i++) {
		d_rank_list_free(pools[i].mgpi_svc);
		d_free(pools[i].mgpi_label);
	}
	if (rc == 0 && !found && !server_may_roll_back(manage->model->server))
		sim_violation(manage->model->sim, "the system does not list its pool");
	return rc;
}

static int
ask_system(struct manage *manage)
{
	struct daos_sys_info *info = NULL;
	uint32_t major, minor, patch;
	char *tag = NULL;
	int rc = daos_mgmt_get_sys_info(NULL, &info);

	if (rc)
		return rc;
	if (info->dsi_nr_ranks != 1 || info->dsi_nr_ms_ranks != 1)
		sim_violation(manage->model->sim, "a system of one engine has other ranks");
	daos_mgmt_put_sys_info(info);
	rc = dc_mgmt_srv_version(&major, &minor, &patch, &tag);
	free(tag);
	return rc;
}

/* A host's client counts those who use it, and stays. */
static int
use_library(struct manage *manage)
{
	int rc = daos_init();

	if (rc == 0)
		rc = daos_reinit();
	if (rc == 0)
		rc = daos_fini();
	if (rc)
		sim_violation(manage->model->sim, "the library cannot be used twice: %s",
			      error_name(rc));
	return rc;
}

/* Paths of the host where nothing can be: the container behind is looked at, no file is made. */
static void
use_paths(struct manage *manage)
{
	static const char path[] = "/no-such-place/link";
	struct actor *actor = manage->actor;
	int error = duns_link_cont(actor->pool, actor->workload->name, path);

	if (error == 0 || duns_destroy_path(actor->pool, path) == 0)
		sim_violation(manage->model->sim, "a file was made or removed where none can be");
	(void)actor_done_errno(actor, MANAGE_SYSTEM, error == ENOENT ? 0 : error);
}

void
manage_system(struct manage *manage)
{
	int rc;

	switch (stream_draw(&manage->actor->random, 4)) {
	case 0:
		rc = list_pools(manage);
		break;
	case 1:
		rc = ask_system(manage);
		break;
	case 2:
		use_paths(manage);
		return;
	default:
		rc = use_library(manage);
		break;
	}
	(void)manage_done(manage, MANAGE_SYSTEM, rc, NULL);
}
