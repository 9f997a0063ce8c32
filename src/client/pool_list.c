/* SPDX-License-Identifier: BSD-2-Clause-Patent */
/* Lists of a pool's containers, page by page. */
#include "client/private.h"

/* ------------------------------------------------ all */

struct list_arguments {
	daos_handle_t pool;
	daos_size_t *count;
	struct daos_pool_cont_info *entries;
};

struct listing {
	daos_size_t count, room;
	bool more;
	struct uuid last;
};

static void
entry_fill(const struct proto_name *name, struct daos_pool_cont_info *entry)
{
	memset(entry, 0, sizeof(*entry));
	memcpy(entry->pci_uuid, name->id.bytes, sizeof(name->id.bytes));
	if (name->label.length > 0)
		memcpy(entry->pci_label, name->label.data,
		       min_of(name->label.length, DAOS_PROP_LABEL_MAX_LEN + 0u));
}

static int
page_take(struct reader *body, struct listing *listing, struct daos_pool_cont_info *entries)
{
	uint32_t count = reader_u32(body);
	int rc = body->failed ? -DER_PROTO : 0;

	for (uint32_t i = 0; i < count && rc == 0; i++) {
		struct proto_name name;

		rc = proto_name_decode(body, &name);
		if (rc)
			break;
		if (entries && listing->count < listing->room)
			entry_fill(&name, &entries[listing->count]);
		listing->last = name.id;
		listing->count++;
	}
	listing->more = rc == 0 && reader_u8(body) != 0 && count > 0;
	return rc == 0 && body->failed ? -DER_PROTO : rc;
}

static int
page_get(const struct client_pool *pool, struct listing *listing,
	 struct daos_pool_cont_info *entries)
{
	struct service_request request;
	struct rpc_reply reply;
	int rc;

	service_begin(context_here(), PROTO_POOL_LIST_CONTAINERS, false, &request);
	proto_uuid_encode(pool->handle_id, &request.body);
	proto_uuid_encode(listing->last, &request.body);
	rc = service_send(&request, pool, &reply);
	if (rc == 0)
		rc = page_take(&reply.body, listing, entries);
	rpc_reply_free(&reply);
	return rc;
}

static int
run_list_containers(void *argument)
{
	const struct list_arguments *arguments = argument;
	struct listing listing = {.room = *arguments->count, .more = true};
	SCOPED_POOL pool = NULL;
	int rc = client_pool_get(arguments->pool, &pool);

	while (rc == 0 && listing.more)
		rc = page_get(pool, &listing, arguments->entries);
	if (rc)
		return rc;
	*arguments->count = listing.count;
	return arguments->entries && listing.count > listing.room ? -DER_TRUNC : 0;
}

int
daos_pool_list_cont(daos_handle_t poh, daos_size_t *ncont, struct daos_pool_cont_info *cbuf,
		    daos_event_t *ev)
{
	struct list_arguments arguments = {poh, ncont, cbuf};

	return ncont ? client_run(ev, run_list_containers, &arguments, sizeof(arguments))
		     : -DER_INVAL;
}

/* ------------------------------------------------ those that meet conditions */

struct filter_arguments {
	daos_handle_t pool;
	struct proto_container_filter filter;
	daos_size_t *count;
	struct daos_pool_cont_info2 *entries;
};

static void
info_fill(const struct proto_container_entry *from, struct daos_pool_cont_info2 *entry)
{
	memset(entry, 0, sizeof(*entry));
	entry_fill(&from->name, &entry->pci_id);
	memcpy(entry->pci_cinfo.ci_uuid, from->name.id.bytes, sizeof(from->name.id.bytes));
	entry->pci_cinfo.ci_lsnapshot = from->latest_snapshot;
	entry->pci_cinfo.ci_nhandles = from->handle_count;
	entry->pci_cinfo.ci_nsnapshots = from->snapshot_count;
	entry->pci_cinfo.ci_md_otime = from->opened;
	entry->pci_cinfo.ci_md_mtime = from->modified;
}

static int
match_take(struct reader *body, struct listing *listing, struct daos_pool_cont_info2 *entries)
{
	uint32_t count = reader_u32(body);
	int rc = body->failed ? -DER_PROTO : 0;

	for (uint32_t i = 0; i < count && rc == 0; i++) {
		struct proto_container_entry entry;

		rc = proto_container_entry_decode(body, &entry);
		if (rc)
			break;
		if (entries && listing->count < listing->room)
			info_fill(&entry, &entries[listing->count]);
		listing->count++;
	}
	listing->more = rc == 0 && reader_u8(body) != 0;
	if (listing->more)
		listing->last = proto_uuid_decode(body);
	return rc == 0 && body->failed ? -DER_PROTO : rc;
}

static int
match_get(const struct client_pool *pool, struct proto_container_filter *filter,
	  struct listing *listing, struct daos_pool_cont_info2 *entries)
{
	struct service_request request;
	struct rpc_reply reply;
	int rc;

	filter->handle = pool->handle_id;
	filter->after = listing->last;
	service_begin(context_here(), PROTO_POOL_FILTER_CONTAINERS, false, &request);
	proto_container_filter_encode(filter, &request.body);
	rc = service_send(&request, pool, &reply);
	if (rc == 0)
		rc = match_take(&reply.body, listing, entries);
	rpc_reply_free(&reply);
	return rc;
}

static int
run_filter(void *argument)
{
	struct filter_arguments *arguments = argument;
	struct listing listing = {.room = *arguments->count, .more = true};
	SCOPED_POOL pool = NULL;
	int rc = client_pool_get(arguments->pool, &pool);

	while (rc == 0 && listing.more)
		rc = match_get(pool, &arguments->filter, &listing, arguments->entries);
	if (rc)
		return rc;
	*arguments->count = listing.count;
	return arguments->entries && listing.count > listing.room ? -DER_TRUNC : 0;
}

static int
filter_take(const daos_pool_cont_filter_t *filter, struct proto_container_filter *ret_filter)
{
	if (filter->pcf_combine_func > PCF_COMBINE_LOGICAL_OR ||
	    filter->pcf_nparts > PROTO_CONDITIONS_MAX ||
	    (filter->pcf_nparts > 0 && filter->pcf_parts == NULL))
		return -DER_INVAL;
	ret_filter->any = filter->pcf_combine_func == PCF_COMBINE_LOGICAL_OR;
	ret_filter->count = filter->pcf_nparts;
	for (uint32_t i = 0; i < filter->pcf_nparts; i++) {
		const daos_pool_cont_filter_part_t *part = filter->pcf_parts[i];

		if (part == NULL || part->pcfp_func >= PCF_FUNC_MAX ||
		    part->pcfp_key >= PCF_KEY_MAX)
			return -DER_INVAL;
		ret_filter->conditions[i] = (struct proto_condition){
			.function = (uint8_t)part->pcfp_func,
			.key = (uint8_t)part->pcfp_key,
			.value = part->pcfp_val64,
		};
	}
	return 0;
}

int
daos_pool_filter_cont(daos_handle_t poh, daos_pool_cont_filter_t *filter, daos_size_t *ncont,
		      struct daos_pool_cont_info2 *cbuf, daos_event_t *ev)
{
	struct filter_arguments arguments = {.pool = poh, .count = ncont, .entries = cbuf};
	int rc = ncont ? 0 : -DER_INVAL;

	/* Without conditions all containers are listed. */
	if (rc == 0 && filter)
		rc = filter_take(filter, &arguments.filter);
	return rc ? rc : client_run(ev, run_filter, &arguments, sizeof(arguments));
}
