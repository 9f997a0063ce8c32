/* SPDX-License-Identifier: BSD-2-Clause-Patent */
/* Bulk transfers: requests that the peer's poll serves against its registered regions. */
#include <stdlib.h>
#include <string.h>

#include "env/memory/network.h"

int
bulk_register(struct connection *connection, const struct iovec *iov, uint32_t iov_count,
	      enum bulk_access access, uint64_t *ret_key)
{
	struct end *end = end_of(connection);
	struct region *region = memory_take(sizeof(*region) + iov_count * sizeof(region->iov[0]));

	region->key = stream_next(&end->env->keys);
	region->access = access;
	region->iov_count = iov_count;
	if (iov_count > 0)
		memcpy(region->iov, iov, iov_count * sizeof(iov[0]));
	list_append(&end->regions, &region->link);
	*ret_key = region->key;
	return 0;
}

static struct region *
region_find(const struct end *end, uint64_t key)
{
	LIST_FOR_EACH(link, &end->regions) {
		struct region *region = list_entry(link, struct region, link);

		if (region->key == key)
			return region;
	}
	return NULL;
}

void
bulk_deregister(struct connection *connection, uint64_t key)
{
	struct region *region = region_find(end_of(connection), key);

	ASSERT(region != NULL);
	list_remove(&region->link);
	free(region);
}

void
bulk_transfer(struct connection *connection, enum bulk_access direction, uint64_t key,
	      uint64_t offset, const struct iovec *iov, uint32_t iov_count,
	      struct completion *completion)
{
	struct end *end = end_of(connection);
	struct transfer *transfer;
	struct item *item;

	*completion = (struct completion){0};
	if (end->peer == NULL) {
		completion_signal(completion, -DER_UNREACH);
		return;
	}
	transfer = memory_take(sizeof(*transfer));
	*transfer = (struct transfer){
		.number = ++end->next_transfer,
		.direction = direction,
		.iov = iov,
		.iov_count = iov_count,
		.completion = completion,
	};
	list_append(&end->transfers, &transfer->link);
	item = direction == BULK_WRITE ? item_create(ITEM_BULK_WRITE, iov, iov_count)
				       : item_create(ITEM_BULK_READ, NULL, 0);
	item->length = iov_length(iov, iov_count);
	item->transfer = transfer->number;
	item->key = key;
	item->offset = offset;
	end_post(end->peer, item);
}

/* The peer's request arrived: the key is judged now, so a region deregistered before is out of
 * reach. */
void
bulk_serve(struct end *end, struct item *item)
{
	enum bulk_access access = item->kind == ITEM_BULK_WRITE ? BULK_WRITE : BULK_READ;
	const struct region *region = region_find(end, item->key);
	size_t length = item->length;
	struct item *answer;
	size_t size;

	if (end->peer == NULL)
		return;
	size = region ? iov_length(region->iov, region->iov_count) : 0;
	if (region == NULL || !(region->access & access) || item->offset > size ||
	    length > size - item->offset) {
		answer = item_create(ITEM_BULK_RESULT, NULL, 0);
		answer->result = -DER_NO_PERM;
	} else if (access == BULK_WRITE) {
		iov_copy_in(region->iov, region->iov_count, item->offset, item->data, length);
		answer = item_create(ITEM_BULK_RESULT, NULL, 0);
	} else {
		answer = item_create_raw(ITEM_BULK_RESULT, length);
		iov_copy_out(region->iov, region->iov_count, item->offset, answer->data, length);
	}
	answer->transfer = item->transfer;
	end_post(end->peer, answer);
}

static void
transfer_end(struct transfer *transfer, int rc)
{
	struct completion *completion = transfer->completion;

	list_remove(&transfer->link);
	free(transfer);
	completion_signal(completion, rc);
}

void
bulk_finish(struct end *end, const struct item *item)
{
	LIST_FOR_EACH(link, &end->transfers) {
		struct transfer *transfer = list_entry(link, struct transfer, link);

		if (transfer->number != item->transfer)
			continue;
		if (transfer->direction == BULK_READ && item->result == 0)
			iov_copy_in(transfer->iov, transfer->iov_count, 0, item->data,
				    item->length);
		transfer_end(transfer, item->result);
		return;
	}
}

void
bulk_fail_all(struct end *end)
{
	struct list *link;

	while ((link = list_first(&end->transfers)) != NULL)
		transfer_end(list_entry(link, struct transfer, link), -DER_UNREACH);
}

/* Nobody is left who could hear of regions and transfers. */
void
bulk_forget(struct end *end)
{
	struct list *link;

	while ((link = list_pop(&end->regions)) != NULL)
		free(list_entry(link, struct region, link));
	while ((link = list_pop(&end->transfers)) != NULL)
		free(list_entry(link, struct transfer, link));
}
