/* SPDX-License-Identifier: BSD-2-Clause-Patent */
/* Snapshots: create, list, destroy; aggregation, rollback. */
#include "client/snapshot.h"

/* ------------------------------------------------ calls to the service */

int
snapshot_send(const struct client_container *container, uint32_t operation, bool modifying,
	      struct proto_snapshot_call *call, struct rpc_reply *ret_reply)
{
	struct service_request request;

	call->handle = container->handle_id;
	service_begin(context_here(), operation, modifying, &request);
	proto_snapshot_call_encode(call, &request.body);
	return service_send(&request, container->pool, ret_reply);
}

int
snapshot_tell(const struct client_container *container, uint32_t operation,
	      struct proto_snapshot_call *call)
{
	struct rpc_reply reply;
	int rc = snapshot_send(container, operation, true, call, &reply);

	rpc_reply_free(&reply);
	return rc;
}

/* A page of snapshots; *ret_reply holds the names. */
static int
page_get(const struct client_container *container, uint32_t operation,
	 struct proto_snapshot_call *call, struct rpc_reply *ret_reply,
	 struct proto_snapshots *ret_page)
{
	int rc = snapshot_send(container, operation, false, call, ret_reply);

	return rc ? rc
		  : proto_snapshots_decode(&ret_reply->body, context_here()->env->arena, ret_page);
}

static void
page_free(struct rpc_reply *reply, struct proto_snapshots *page)
{
	proto_snapshots_free(context_here()->env->arena, page);
	rpc_reply_free(reply);
}

int
snapshot_find(const struct client_container *container, uint64_t epoch, const char *name,
	      struct proto_snapshot *ret_snapshot)
{
	struct proto_snapshot_call call = {.first = epoch,
					   .name = {name, name ? (uint32_t)strlen(name) : 0}};
	struct proto_snapshots page = {.count = 0};
	struct rpc_reply reply;
	int rc = page_get(container, PROTO_CONTAINER_FIND_SNAPSHOT, &call, &reply, &page);

	if (rc == 0 && page.count != 1)
		rc = -DER_PROTO;
	if (rc == 0) {
		*ret_snapshot = page.items[0];
		ret_snapshot->name = (struct proto_text){0};
	}
	page_free(&reply, &page);
	return rc;
}

struct view_arguments {
	daos_handle_t container;
	daos_epoch_t epoch;
	const char *name;
	daos_handle_t *ret_handle;
	daos_epoch_t *ret_epoch;
};

static int
run_view(void *argument)
{
	const struct view_arguments *arguments = argument;
	SCOPED_CONTAINER container = NULL;
	struct proto_snapshot snapshot;
	int rc = client_container_get(arguments->container, &container);

	if (rc == 0)
		rc = snapshot_find(container, arguments->epoch, arguments->name, &snapshot);
	if (rc == 0)
		rc = container_fix(container, snapshot.epoch, arguments->ret_handle);
	if (rc == 0)
		*arguments->ret_epoch = snapshot.epoch;
	return rc;
}

int
client_container_at(daos_handle_t container, daos_epoch_t epoch, const char *name,
		    daos_handle_t *ret_handle, daos_epoch_t *ret_epoch)
{
	struct view_arguments arguments = {container, epoch, name, ret_handle, ret_epoch};

	if ((epoch == 0 && name == NULL) || (name && strlen(name) > PROTO_SNAPSHOT_NAME_MAX))
		return -DER_INVAL;
	return client_run(NULL, run_view, &arguments, sizeof(arguments));
}

/* ------------------------------------------------ create */

struct create_arguments {
	daos_handle_t container;
	daos_epoch_t *ret_epoch;
	uint32_t options;
	char name[PROTO_SNAPSHOT_NAME_MAX + 1]; /* empty: none */
};

static int
create_snapshot(const struct client_container *container, const char *name, uint64_t *ret_epoch)
{
	struct proto_snapshot_call call = {.name = {name, (uint32_t)strlen(name)}};
	struct rpc_reply reply;
	uint64_t epoch;
	int rc = snapshot_send(container, PROTO_CONTAINER_CREATE_SNAPSHOT, true, &call, &reply);

	if (rc == 0) {
		epoch = reader_u64(&reply.body);
		if (reply.body.failed)
			rc = -DER_PROTO;
		else
			*ret_epoch = epoch;
	}
	rpc_reply_free(&reply);
	return rc;
}

static int
run_create(void *argument)
{
	const struct create_arguments *arguments = argument;
	SCOPED_CONTAINER container = NULL;
	struct proto_snapshot snapshot = {0};
	int rc = client_container_get(arguments->container, &container);

	if (rc == 0)
		rc = create_snapshot(container, arguments->name, &snapshot.epoch);
	if (rc)
		return rc;
	*arguments->ret_epoch = snapshot.epoch;
	return arguments->options & DAOS_SNAP_OPT_OIT ? objects_build(container, &snapshot) : 0;
}

static int
take_name(const char *name, char copy[PROTO_SNAPSHOT_NAME_MAX + 1])
{
	size_t length = name ? strlen(name) : 0;

	if (name && (length == 0 || length > PROTO_SNAPSHOT_NAME_MAX))
		return error_raise(-DER_INVAL,
				   "a snapshot's name of %zu bytes; 1 to %u are possible", length,
				   PROTO_SNAPSHOT_NAME_MAX);
	if (name)
		memcpy(copy, name, length + 1);
	return 0;
}

int
daos_cont_create_snap_opt(daos_handle_t coh, daos_epoch_t *epoch, char *name,
			  enum daos_snapshot_opts opts, daos_event_t *ev)
{
	struct create_arguments arguments = {coh, epoch, opts, ""};
	uint32_t known = DAOS_SNAP_OPT_CR | DAOS_SNAP_OPT_OIT;
	int rc = take_name(name, arguments.name);

	if (rc == 0 && (epoch == NULL || !(opts & DAOS_SNAP_OPT_CR) || (opts & ~known)))
		rc = -DER_INVAL;
	return rc ? rc : client_run(ev, run_create, &arguments, sizeof(arguments));
}

int
daos_cont_create_snap(daos_handle_t coh, daos_epoch_t *epoch, char *name, daos_event_t *ev)
{
	return daos_cont_create_snap_opt(coh, epoch, name, DAOS_SNAP_OPT_CR, ev);
}

/* ------------------------------------------------ list */

struct list_arguments {
	daos_handle_t container;
	int *count;
	daos_epoch_t *epochs;
	char **names;
	daos_anchor_t *anchor;
};

static void
take_page(const struct list_arguments *arguments, const struct proto_snapshots *page, int *taken)
{
	for (uint32_t i = 0; i < page->count && *taken < *arguments->count; i++) {
		const struct proto_text *name = &page->items[i].name;

		if (arguments->epochs)
			arguments->epochs[*taken] = page->items[i].epoch;
		if (arguments->names && arguments->names[*taken]) {
			if (name->length > 0)
				memcpy(arguments->names[*taken], name->data, name->length);
			arguments->names[*taken][name->length] = '\0';
		}
		*taken += 1;
	}
}

/* How many there are, for a caller without room. */
static int
count_all(const struct list_arguments *arguments, const struct client_container *container)
{
	daos_cont_info_t info;
	int rc = client_container_query(container, 0, &info, NULL);

	if (rc == 0)
		*arguments->count = (int)info.ci_nsnapshots;
	return rc;
}

static int
list_all(const struct list_arguments *arguments, const struct client_container *container)
{
	struct proto_snapshot_call call = {0};
	bool more = true;
	int taken = 0, rc = 0;

	if (arguments->anchor)
		memcpy(&call.first, arguments->anchor->da_buf, sizeof(call.first));
	while (rc == 0 && more && taken < *arguments->count) {
		struct proto_snapshots page = {.count = 0};
		struct rpc_reply reply;
		int before = taken;

		rc = page_get(container, PROTO_CONTAINER_LIST_SNAPSHOTS, &call, &reply, &page);
		if (rc == 0)
			take_page(arguments, &page, &taken);
		if (taken > before)
			call.first = page.items[taken - before - 1].epoch;
		more = page.more || (uint32_t)(taken - before) < page.count;
		page_free(&reply, &page);
	}
	if (rc)
		return rc;
	*arguments->count = taken;
	if (arguments->anchor) {
		memcpy(arguments->anchor->da_buf, &call.first, sizeof(call.first));
		arguments->anchor->da_type = more ? DAOS_ANCHOR_TYPE_KEY : DAOS_ANCHOR_TYPE_EOF;
	}
	return 0;
}

static int
run_list(void *argument)
{
	const struct list_arguments *arguments = argument;
	SCOPED_CONTAINER container = NULL;
	int rc = client_container_get(arguments->container, &container);

	if (rc)
		return rc;
	if (arguments->epochs == NULL && arguments->names == NULL)
		return count_all(arguments, container);
	if (arguments->anchor && daos_anchor_is_eof(arguments->anchor)) {
		*arguments->count = 0;
		return 0;
	}
	return list_all(arguments, container);
}

int
daos_cont_list_snap(daos_handle_t coh, int *nr, daos_epoch_t *epochs, char **names,
		    daos_anchor_t *anchor, daos_event_t *ev)
{
	struct list_arguments arguments = {coh, nr, epochs, names, anchor};

	/* Without room only their number is wanted. */
	if (nr == NULL || *nr < 0 || (anchor == NULL && (epochs || names)))
		return -DER_INVAL;
	return client_run(ev, run_list, &arguments, sizeof(arguments));
}

/* ------------------------------------------------ destroy */

struct destroy_arguments {
	daos_handle_t container;
	daos_epoch_range_t range;
};

/* Removes the tables of objects of the snapshots that will go. */
static int
tables_remove(struct client_container *container, const daos_epoch_range_t *range)
{
	struct proto_snapshot_call call = {.first = range->epr_lo > 0 ? range->epr_lo - 1 : 0};
	bool more = true;
	int rc = 0;

	while (rc == 0 && more) {
		struct proto_snapshots page = {.count = 0};
		struct rpc_reply reply;

		rc = page_get(container, PROTO_CONTAINER_LIST_SNAPSHOTS, &call, &reply, &page);
		more = page.more;
		for (uint32_t i = 0; rc == 0 && i < page.count; i++) {
			call.first = page.items[i].epoch;
			if (call.first > range->epr_hi)
				more = false;
			else if (page.items[i].flags & PROTO_SNAPSHOT_OBJECTS)
				rc = objects_remove(container, call.first);
		}
		page_free(&reply, &page);
	}
	return rc;
}

static int
run_destroy(void *argument)
{
	const struct destroy_arguments *arguments = argument;
	struct proto_snapshot_call call = {.first = arguments->range.epr_lo,
					   .last = arguments->range.epr_hi};
	SCOPED_CONTAINER container = NULL;
	int rc = client_container_get(arguments->container, &container);

	if (rc == 0)
		rc = tables_remove(container, &arguments->range);
	return rc ? rc : snapshot_tell(container, PROTO_CONTAINER_DESTROY_SNAPSHOTS, &call);
}

int
daos_cont_destroy_snap(daos_handle_t coh, daos_epoch_range_t epr, daos_event_t *ev)
{
	struct destroy_arguments arguments = {coh, epr};

	if (epr.epr_lo > epr.epr_hi || epr.epr_hi == 0)
		return -DER_INVAL;
	return client_run(ev, run_destroy, &arguments, sizeof(arguments));
}

/* ------------------------------------------------ aggregation, rollback, subscription */

struct epoch_arguments {
	daos_handle_t container;
	uint64_t epoch;
	uint32_t operation;
};

static int
run_epoch(void *argument)
{
	const struct epoch_arguments *arguments = argument;
	struct proto_snapshot_call call = {.first = arguments->epoch};
	SCOPED_CONTAINER container = NULL;
	int rc = client_container_get(arguments->container, &container);

	return rc ? rc : snapshot_tell(container, arguments->operation, &call);
}

int
daos_cont_aggregate(daos_handle_t coh, daos_epoch_t epoch, daos_event_t *ev)
{
	struct epoch_arguments arguments = {coh, epoch, PROTO_CONTAINER_AGGREGATE};

	return client_run(ev, run_epoch, &arguments, sizeof(arguments));
}

int
daos_cont_rollback(daos_handle_t coh, daos_epoch_t epoch, daos_event_t *ev)
{
	struct epoch_arguments arguments = {coh, epoch, PROTO_CONTAINER_ROLLBACK};

	return client_run(ev, run_epoch, &arguments, sizeof(arguments));
}

static int
run_subscribe(void *argument)
{
	(void)argument;
	return error_raise(-DER_NOSYS, "nobody can wait for a snapshot");
}

/* As upstream: not there. */
int
daos_cont_subscribe(daos_handle_t coh, daos_epoch_t *epoch, daos_event_t *ev)
{
	(void)epoch;
	return client_run(ev, run_subscribe, &coh, sizeof(coh));
}

/* ------------------------------------------------ tables of objects */

struct table_arguments {
	daos_handle_t container;
	uint64_t epoch;
	char name[PROTO_SNAPSHOT_NAME_MAX + 1];
};

static int
run_table_create(void *argument)
{
	const struct table_arguments *arguments = argument;
	SCOPED_CONTAINER container = NULL;
	struct proto_snapshot snapshot;
	int rc = client_container_get(arguments->container, &container);

	if (rc == 0)
		rc = snapshot_find(container, arguments->epoch,
				   arguments->name[0] ? arguments->name : NULL, &snapshot);
	if (rc)
		return rc;
	if (snapshot.flags & PROTO_SNAPSHOT_OBJECTS)
		return error_raise(-DER_EXIST, "the snapshot has a table of its objects");
	return objects_build(container, &snapshot);
}

int
daos_cont_snap_oit_create(daos_handle_t coh, daos_epoch_t epoch, char *name, daos_event_t *ev)
{
	struct table_arguments arguments = {coh, epoch, ""};
	int rc = take_name(name, arguments.name);

	return rc ? rc : client_run(ev, run_table_create, &arguments, sizeof(arguments));
}
