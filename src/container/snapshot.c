/* SPDX-License-Identifier: BSD-2-Clause-Patent */
/*
 * The calls about snapshots.
 *
 * A snapshot is an epoch. It is drawn, then announced: every target, before it answers, counts it
 * among the snapshots that it keeps, and refuses from then on changes at or below it. Only then is
 * it recorded. So all that will ever be in it has been accepted before the record exists, and
 * nothing that it shows is collected: where a target had been asked to collect up to an epoch not
 * below the one drawn, another one is drawn. A crash before the record leaves nothing, after it the
 * start tells all targets before they collect; the clock then starts above the epoch, so that
 * nothing can slip below it. Destroying goes the other way round: first the record, then the
 * targets.
 */
#include "daos_prop.h"
#include "daos_cont.h"

#include "container/snapshot.h"

/* Epochs drawn for one snapshot. */
#define DRAWS_MAX 16u
/* Snapshots removed by one proposal, with their names, beside their count. */
#define REMOVALS ((METADB_WRITES_MAX - 1) / 2)
/* One turn of a call to aggregate on a target, and how many turns it takes. */
#define AGGREGATE_CREDITS 256u
#define AGGREGATE_TURNS 1024u

/* A call about the container of a handle. */
struct snapshot_call {
	struct containers *containers;
	struct rpc_request *request;
	struct pool *pool;
	struct uuid container;
	uint32_t flags; /* DAOS_COO_* of the handle */
	struct proto_snapshot_call wanted;
};

static int
call_begin(struct containers *containers, struct rpc_request *request, uint32_t needed,
	   struct snapshot_call *call)
{
	struct container_handle handle;
	int rc = proto_snapshot_call_decode(&request->body, &call->wanted);

	if (rc == 0)
		rc = container_of_handle(containers, call->wanted.handle, needed, &call->pool,
					 &handle);
	if (rc)
		return rc;
	call->containers = containers;
	call->request = request;
	call->container = handle.container;
	call->flags = handle.flags;
	return 0;
}

/* Runs function with the pool locked, unless the request was answered before: then with the same
 * answer. */
static int
call_change(struct containers *containers, struct rpc_request *request,
	    int (*function)(struct snapshot_call *call))
{
	struct snapshot_call call;
	struct container_record container;
	struct metadb_bytes answer;
	int rc = call_begin(containers, request, PROTO_CAN_WRITE, &call);

	if (rc)
		return rc;
	fiber_mutex_lock_plain(pool_lock(call.pool));
	rc = metadb_answered(pool_metadb(call.pool), &request->id, &answer);
	if (rc == 0) {
		writer_bytes(&request->reply, answer.data, answer.length);
		metadb_bytes_free(pool_metadb(call.pool), &answer);
	} else if (rc == -DER_NONEXIST) {
		rc = container_get(call.pool, &call.container, &container, NULL);
		if (rc == 0)
			rc = function(&call);
	}
	fiber_mutex_unlock(pool_lock(call.pool));
	pool_put(call.pool);
	return rc;
}

/* ------------------------------------------------ create */

static int
limit_check(struct snapshot_call *call, uint32_t count)
{
	struct metadb *metadb = pool_metadb(call->pool);
	const struct proto_property *property;
	struct stored_properties stored;
	struct container_key key;
	uint64_t limit = VOS_SNAPSHOTS_MAX;
	int rc = properties_load(metadb, container_key(&key, KEY_PROPERTIES, &call->container),
				 &stored);

	if (rc)
		return rc;
	property = proto_property_find(&stored.properties, DAOS_PROP_CO_SNAPSHOT_MAX);
	if (property && property->number != 0)
		limit = min_of(limit, property->number);
	stored_properties_free(metadb, &stored);
	if (count < limit)
		return 0;
	return error_raise(-DER_OVERFLOW,
			   "the container has %u snapshots, the most it may have: destroy some",
			   count);
}

static int
name_check(struct snapshot_call *call)
{
	struct proto_text name = call->wanted.name;
	struct metadb_bytes value;
	struct snapshot_key key;
	int rc;

	if (name.length == 0)
		return 0;
	rc = metadb_get(pool_metadb(call->pool), snapshot_name_key(&key, &call->container, name),
			&value, NULL);
	if (rc == -DER_NONEXIST)
		return 0;
	if (rc)
		return rc;
	metadb_bytes_free(pool_metadb(call->pool), &value);
	return error_raise(-DER_EXIST, "the container has a snapshot named \"%.*s\"",
			   (int)name.length, name.data);
}

static int
creation_propose(struct snapshot_call *call, const struct snapshot_summary *summary)
{
	const struct proto_snapshot snapshot = {.epoch = summary->latest,
						.name = call->wanted.name};
	uint8_t record[SNAPSHOT_RECORD], counted[SNAPSHOT_SUMMARY], epoch[8];
	struct snapshot_key key, name_key;
	struct container_key summary_key;
	const struct metadb_write writes[] = {
		{.key = snapshot_key(&key, &call->container, snapshot.epoch),
		 .value = {record, snapshot_record_encode(&snapshot, record)}},
		{.key = container_key(&summary_key, KEY_SNAPSHOTS, &call->container),
		 .value = {counted, snapshot_summary_encode(summary, counted)}},
		{.key = snapshot_name_key(&name_key, &call->container, snapshot.name),
		 .value = {epoch, sizeof(epoch)}},
	};
	const struct metadb_proposal proposal = {
		.request = &call->request->id,
		.writes = writes,
		.write_count = snapshot.name.length > 0 ? 3 : 2,
		.result = {epoch, sizeof(epoch)},
	};

	store_u64(epoch, snapshot.epoch);
	return metadb_propose(pool_metadb(call->pool), &proposal, NULL);
}

/* Draws an epoch that every target accepts. epochs has room for it. */
static int
announce(struct snapshot_call *call, struct snapshot_epochs *epochs, uint64_t *ret_epoch)
{
	uint64_t epoch;
	int rc = -DER_TX_RESTART;

	epochs->count++;
	for (uint32_t i = 0; i < DRAWS_MAX && rc == -DER_TX_RESTART; i++) {
		rc = node_epoch(call->containers->node, &epoch);
		if (rc)
			break;
		epoch |= HLC_MINOR_MASK;
		epochs->epochs[epochs->count - 1] = epoch;
		rc = snapshot_epochs_tell(call->pool, &call->container, epochs, epoch);
		if (rc == 0 && FAULT("container: announce a snapshot again"))
			rc = -DER_TX_RESTART;
	}
	if (rc == 0)
		*ret_epoch = epoch;
	return rc;
}

/* What is stored is told again where it is not known whether the snapshot is. */
static void
announce_undo(struct snapshot_call *call)
{
	int rc = container_snapshots_tell(call->containers, call->pool, &call->container);

	if (rc)
		error_log(LOG_WARNING, rc, "a snapshot that was not made keeps old versions");
}

static int
create_snapshot(struct snapshot_call *call)
{
	struct snapshot_epochs epochs;
	struct snapshot_summary summary;
	int rc = snapshot_summary_get(call->pool, &call->container, &summary);

	if (rc == 0)
		rc = limit_check(call, summary.count);
	if (rc == 0)
		rc = name_check(call);
	if (rc == 0)
		rc = snapshot_epochs_load(call->containers, call->pool, &call->container, &epochs);
	if (rc)
		return rc;
	rc = announce(call, &epochs, &summary.latest);
	snapshot_epochs_free(call->containers, &epochs);
	summary.count++;
	if (rc == 0)
		rc = creation_propose(call, &summary);
	if (rc) {
		announce_undo(call);
		return rc;
	}
	writer_u64(&call->request->reply, summary.latest);
	return 0;
}

int
container_create_snapshot(struct containers *containers, struct rpc_request *request)
{
	return call_change(containers, request, create_snapshot);
}

/* ------------------------------------------------ list and find */

struct page {
	struct writer *reply;
	uint32_t count;
	bool more;
};

static int
page_visit(void *argument, struct metadb_bytes key, struct metadb_bytes value, uint64_t version)
{
	struct page *page = argument;
	struct proto_snapshot snapshot;
	int rc = snapshot_record_decode(value, &snapshot);

	(void)key;
	(void)version;
	if (rc)
		return rc;
	page->more = page->count == PROTO_SNAPSHOTS_MAX || page->reply->position >= LISTING_PAGE;
	if (page->more)
		return 1;
	proto_snapshot_encode(&snapshot, page->reply);
	page->count++;
	return 0;
}

int
container_list_snapshots(struct containers *containers, struct rpc_request *request)
{
	size_t start = request->reply.position;
	struct page page = {.reply = &request->reply};
	struct snapshot_key prefix, after;
	struct snapshot_call call;
	int rc = call_begin(containers, request, PROTO_CAN_READ, &call);

	if (rc)
		return rc;
	writer_u32(&request->reply, 0);
	writer_u8(&request->reply, 0);
	rc = metadb_list(pool_metadb(call.pool), snapshot_prefix(&prefix, &call.container),
			 snapshot_key(&after, &call.container, call.wanted.first), page_visit,
			 &page);
	pool_put(call.pool);
	if (rc < 0)
		return rc;
	store_u32(request->reply.data + start, page.count);
	request->reply.data[start + 4] = page.more;
	return request->reply.failed ? -DER_NOMEM : 0;
}

/* The epoch that a call names. */
static int
named_epoch(struct snapshot_call *call, uint64_t *ret_epoch)
{
	struct proto_text name = call->wanted.name;
	struct metadb_bytes value;
	struct snapshot_key key;
	int rc;

	if (name.length == 0) {
		*ret_epoch = call->wanted.first;
		return 0;
	}
	rc = metadb_get(pool_metadb(call->pool), snapshot_name_key(&key, &call->container, name),
			&value, NULL);
	if (rc == -DER_NONEXIST)
		return error_raise(rc, "the container has no snapshot named \"%.*s\"",
				   (int)name.length, name.data);
	if (rc)
		return rc;
	if (value.length == sizeof(uint64_t))
		*ret_epoch = load_u64(value.data);
	else
		rc = error_raise(-DER_IO, "the pool's store is damaged: bad name of a snapshot");
	metadb_bytes_free(pool_metadb(call->pool), &value);
	return rc;
}

/* Its record, to be freed by metadb_bytes_free(), decoded. -DER_NONEXIST. */
static int
record_get(struct snapshot_call *call, uint64_t epoch, struct metadb_bytes *ret_value,
	   struct proto_snapshot *ret_snapshot)
{
	struct snapshot_key key;
	int rc = metadb_get(pool_metadb(call->pool), snapshot_key(&key, &call->container, epoch),
			    ret_value, NULL);

	if (rc == -DER_NONEXIST)
		return error_raise(rc, "the container has no snapshot at epoch 0x%lx",
				   (unsigned long)epoch);
	if (rc)
		return rc;
	rc = snapshot_record_decode(*ret_value, ret_snapshot);
	if (rc)
		metadb_bytes_free(pool_metadb(call->pool), ret_value);
	return rc;
}

int
container_find_snapshot(struct containers *containers, struct rpc_request *request)
{
	struct proto_snapshot snapshot;
	const struct proto_snapshots page = {.count = 1, .items = &snapshot};
	struct metadb_bytes value;
	struct snapshot_call call;
	uint64_t epoch = 0;
	int rc = call_begin(containers, request, PROTO_CAN_READ, &call);

	if (rc)
		return rc;
	rc = named_epoch(&call, &epoch);
	if (rc == 0)
		rc = record_get(&call, epoch, &value, &snapshot);
	if (rc == 0) {
		proto_snapshots_encode(&page, &request->reply);
		metadb_bytes_free(pool_metadb(call.pool), &value);
	}
	pool_put(call.pool);
	return rc;
}

/* ------------------------------------------------ destroy */

/* Snapshots that go with one proposal. */
struct removal {
	uint64_t last;
	uint32_t count;
	bool more;
	struct {
		uint64_t epoch;
		uint32_t length;
		char name[PROTO_SNAPSHOT_NAME_MAX];
	} items[REMOVALS];
};

static int
removal_visit(void *argument, struct metadb_bytes key, struct metadb_bytes value, uint64_t version)
{
	struct removal *removal = argument;
	struct proto_snapshot snapshot;
	int rc = snapshot_record_decode(value, &snapshot);

	(void)key;
	(void)version;
	if (rc)
		return rc;
	if (snapshot.epoch > removal->last)
		return 1;
	removal->more = removal->count == REMOVALS;
	if (removal->more)
		return 1;
	removal->items[removal->count].epoch = snapshot.epoch;
	removal->items[removal->count].length = snapshot.name.length;
	if (snapshot.name.length > 0)
		memcpy(removal->items[removal->count].name, snapshot.name.data,
		       snapshot.name.length);
	removal->count++;
	return 0;
}

struct latest {
	uint64_t first, last; /* of those that go */
	uint64_t epoch;
};

static int
latest_visit(void *argument, struct metadb_bytes key, struct metadb_bytes value, uint64_t version)
{
	struct latest *latest = argument;
	struct proto_snapshot snapshot;
	int rc = snapshot_record_decode(value, &snapshot);

	(void)key;
	(void)version;
	if (rc == 0 && (snapshot.epoch < latest->first || snapshot.epoch > latest->last))
		latest->epoch = snapshot.epoch;
	return rc;
}

/* What is counted when removal is gone. */
static int
summary_after(struct snapshot_call *call, const struct removal *removal,
	      struct snapshot_summary *ret_summary)
{
	struct latest latest = {.first = removal->items[0].epoch,
				.last = removal->items[removal->count - 1].epoch};
	struct snapshot_key prefix;
	int rc = snapshot_summary_get(call->pool, &call->container, ret_summary);

	if (rc)
		return rc;
	ret_summary->count -= min_of(ret_summary->count, removal->count);
	if (latest.last < ret_summary->latest)
		return 0;
	rc = metadb_list(pool_metadb(call->pool), snapshot_prefix(&prefix, &call->container),
			 (struct metadb_bytes){NULL, 0}, latest_visit, &latest);
	ret_summary->latest = latest.epoch;
	return rc;
}

static int
removal_propose(struct snapshot_call *call, const struct removal *removal, uint32_t total)
{
	struct metadb_write writes[METADB_WRITES_MAX];
	struct snapshot_key keys[METADB_WRITES_MAX];
	struct container_key summary_key;
	uint8_t counted[SNAPSHOT_SUMMARY], answer[4];
	struct snapshot_summary summary;
	uint32_t count = 0;
	struct metadb_proposal proposal = {.request = removal->more ? NULL : &call->request->id,
					   .writes = writes,
					   .result = {answer, sizeof(answer)},
					   .privileged = true};
	int rc = summary_after(call, removal, &summary);

	if (rc)
		return rc;
	for (uint32_t i = 0; i < removal->count; i++) {
		const struct proto_text name = {removal->items[i].name, removal->items[i].length};

		writes[count] =
			(struct metadb_write){.key = snapshot_key(&keys[count], &call->container,
								  removal->items[i].epoch),
					      .remove = true};
		count++;
		if (name.length == 0)
			continue;
		writes[count] = (struct metadb_write){
			.key = snapshot_name_key(&keys[count], &call->container, name),
			.remove = true};
		count++;
	}
	writes[count++] = (struct metadb_write){
		.key = container_key(&summary_key, KEY_SNAPSHOTS, &call->container),
		.value = {counted, snapshot_summary_encode(&summary, counted)}};
	proposal.write_count = count;
	if (removal->more)
		proposal.result.length = 0;
	store_u32(answer, total);
	return metadb_propose(pool_metadb(call->pool), &proposal, NULL);
}

/* Proposal after proposal; the last one carries the request. *total: of those gone. */
static int
remove_all(struct snapshot_call *call, uint64_t first, uint64_t last, uint32_t *total)
{
	struct removal removal = {.more = true};
	struct snapshot_key prefix, after;
	struct metadb_bytes from = {NULL, 0};
	int rc = 0;

	if (first > 0)
		from = snapshot_key(&after, &call->container, first - 1);
	while (rc == 0 && removal.more) {
		removal = (struct removal){.last = last};
		rc = metadb_list(pool_metadb(call->pool),
				 snapshot_prefix(&prefix, &call->container), from, removal_visit,
				 &removal);
		rc = min_of(rc, 0);
		if (rc == 0 && removal.count == 0)
			rc = error_raise(-DER_NONEXIST,
					 "the container has no snapshot from epoch 0x%lx to 0x%lx",
					 (unsigned long)first, (unsigned long)last);
		if (rc == 0)
			rc = removal_propose(call, &removal, *total + removal.count);
		if (rc == 0)
			*total += removal.count;
	}
	return rc;
}

static int
destroy_snapshots(struct snapshot_call *call)
{
	uint64_t first = call->wanted.first, last = call->wanted.last;
	uint32_t total = 0;
	int rc = 0, told = 0;

	if (call->wanted.name.length > 0) {
		rc = named_epoch(call, &first);
		last = first;
	}
	if (rc == 0 && first > last)
		rc = error_raise(-DER_INVAL, "epochs from 0x%lx to 0x%lx are none",
				 (unsigned long)first, (unsigned long)last);
	if (rc)
		return rc;
	rc = remove_all(call, first, last, &total);
	if (total > 0)
		told = container_snapshots_tell(call->containers, call->pool, &call->container);
	if (told)
		error_log(LOG_WARNING, told,
			  "what a destroyed snapshot kept stays until the next start");
	if (rc == 0)
		writer_u32(&call->request->reply, total);
	return rc;
}

int
container_destroy_snapshots(struct containers *containers, struct rpc_request *request)
{
	return call_change(containers, request, destroy_snapshots);
}

/* ------------------------------------------------ mark */

static int
mark_snapshot(struct snapshot_call *call)
{
	uint8_t record[SNAPSHOT_RECORD];
	struct metadb_bytes value;
	struct proto_snapshot snapshot;
	struct snapshot_key key;
	struct metadb_write write = {
		.key = snapshot_key(&key, &call->container, call->wanted.first)};
	const struct metadb_proposal proposal = {
		.request = &call->request->id, .writes = &write, .write_count = 1};
	int rc = record_get(call, call->wanted.first, &value, &snapshot);

	if (rc)
		return rc;
	snapshot.flags = call->wanted.flags;
	write.value = (struct metadb_bytes){record, snapshot_record_encode(&snapshot, record)};
	metadb_bytes_free(pool_metadb(call->pool), &value);
	return metadb_propose(pool_metadb(call->pool), &proposal, NULL);
}

int
container_mark_snapshot(struct containers *containers, struct rpc_request *request)
{
	return call_change(containers, request, mark_snapshot);
}

/* ------------------------------------------------ roll back */

static int
roll_back(struct snapshot_call *call)
{
	struct proto_snapshot snapshot;
	struct metadb_bytes value;
	uint64_t epoch = 0;
	int rc = named_epoch(call, &epoch);

	if (rc == 0)
		rc = record_get(call, epoch, &value, &snapshot);
	if (rc)
		return rc;
	metadb_bytes_free(pool_metadb(call->pool), &value);
	if (!(call->flags & DAOS_COO_EX))
		return error_raise(-DER_NO_PERM, "a container is rolled back by who has it alone: "
						 "open it with DAOS_COO_EX");
	return container_rollback_locked(call->containers, call->pool, &call->container, epoch,
					 &call->request->id);
}

int
container_rollback(struct containers *containers, struct rpc_request *request)
{
	return call_change(containers, request, roll_back);
}

/* ------------------------------------------------ aggregate */

struct aggregation {
	struct uuid container;
	uint64_t epoch;
};

static int
target_aggregate(void *argument, uint32_t target, struct vos *vos)
{
	const struct aggregation *aggregation = argument;
	struct vos_aggregation place = {.order = 0};
	int rc = 1;

	(void)target;
	for (uint32_t i = 0; rc > 0 && i < AGGREGATE_TURNS; i++) {
		rc = vos_aggregate(vos, aggregation->container, aggregation->epoch,
				   AGGREGATE_CREDITS, &place);
		fiber_yield();
	}
	return min_of(rc, 0);
}

/*
 * Without the pool's lock: a snapshot that is being made either is known to the targets already, or
 * its epoch is drawn later than the one used here, or it is drawn again.
 */
int
container_aggregate(struct containers *containers, struct rpc_request *request)
{
	struct snapshot_call call;
	struct aggregation aggregation;
	int rc = call_begin(containers, request, PROTO_CAN_WRITE, &call);

	if (rc)
		return rc;
	aggregation.container = call.container;
	rc = node_epoch(containers->node, &aggregation.epoch);
	if (rc == 0 && call.wanted.first != 0)
		aggregation.epoch = min_of(aggregation.epoch, call.wanted.first);
	if (rc == 0)
		rc = pool_each_target(call.pool, target_aggregate, &aggregation);
	pool_put(call.pool);
	return rc;
}
