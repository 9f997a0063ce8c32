/* SPDX-License-Identifier: BSD-2-Clause-Patent */
/*
 * The handle table. A cookie holds, from the low bits: 4 bits type, 20 bits slot, 40 bits
 * generation. A slot's generation grows with each use, so that a stale cookie names nothing.
 */
#include "client/private.h"

#define TYPE_BITS 4u
#define SLOT_BITS 20u

_Static_assert(HANDLES_PER_BLOCK *HANDLE_BLOCKS_MAX == 1u << SLOT_BITS,
	       "a cookie names every slot");

void
handle_table_init(struct handle_table *table)
{
	memset(table, 0, sizeof(*table));
	pthread_mutex_init(&table->lock, NULL);
}

void
handle_table_renew(struct handle_table *table)
{
	pthread_mutex_init(&table->lock, NULL);
}

static struct handle_slot *
slot_at(struct handle_table *table, uint32_t number)
{
	struct handle_slot *block = table->blocks[number / HANDLES_PER_BLOCK];

	return block ? &block[number % HANDLES_PER_BLOCK] : NULL;
}

void
handle_each(struct handle_table *table, void (*visit)(struct handle *handle, void *argument),
	    void *argument)
{
	for (uint32_t i = 0; i < table->used; i++) {
		struct handle *handle = slot_at(table, i)->handle;

		if (handle)
			visit(handle, argument);
	}
}

static void
drop(struct handle *handle, void *argument)
{
	(void)argument;
	handle_put(handle);
}

void
handle_table_fini(struct handle_table *table)
{
	handle_each(table, drop, NULL);
	for (uint32_t i = 0; i < HANDLE_BLOCKS_MAX; i++)
		client_free(table->blocks[i]);
	pthread_mutex_destroy(&table->lock);
}

void
handle_init(struct handle *handle, uint32_t type, void (*free_handle)(struct handle *handle))
{
	handle->type = type;
	handle->free = free_handle;
	handle->cookie = 0;
	atomic_init(&handle->references, 1);
}

/* A free slot, from the list or at the end; NULL when memory or the table is exhausted. */
static struct handle_slot *
slot_take(struct handle_table *table, uint32_t *ret_number)
{
	uint32_t number = table->first_free ? table->first_free - 1 : table->used;
	struct handle_slot *slot;

	if (number == 1u << SLOT_BITS)
		return NULL;
	if (table->blocks[number / HANDLES_PER_BLOCK] == NULL)
		table->blocks[number / HANDLES_PER_BLOCK] =
			client_calloc(HANDLES_PER_BLOCK * sizeof(*slot));
	slot = slot_at(table, number);
	if (slot == NULL)
		return NULL;
	if (table->first_free)
		table->first_free = slot->next_free;
	else
		table->used++;
	*ret_number = number;
	return slot;
}

int
handle_add(struct handle_table *table, struct handle *handle, daos_handle_t *ret_cookie)
{
	struct handle_slot *slot;
	uint32_t number;

	pthread_mutex_lock(&table->lock);
	slot = slot_take(table, &number);
	if (slot) {
		slot->generation++;
		slot->handle = handle;
		handle->cookie = slot->generation << (TYPE_BITS + SLOT_BITS) |
				 (uint64_t)number << TYPE_BITS | handle->type;
		table->count++;
	}
	pthread_mutex_unlock(&table->lock);
	if (slot == NULL)
		return error_raise(-DER_NOMEM, "no memory for one more handle, %u are open",
				   table->count);
	ret_cookie->cookie = handle->cookie;
	return 0;
}

/* The slot that cookie names, with the lock held; NULL when it names nothing any more. */
static struct handle_slot *
slot_find(struct handle_table *table, uint64_t cookie)
{
	uint32_t number = (uint32_t)(cookie >> TYPE_BITS) & ((1u << SLOT_BITS) - 1);
	struct handle_slot *slot = number < table->used ? slot_at(table, number) : NULL;

	return slot && slot->handle && slot->handle->cookie == cookie ? slot : NULL;
}

int
handle_get(struct handle_table *table, daos_handle_t cookie, uint32_t type,
	   struct handle **ret_handle)
{
	struct handle_slot *slot;
	struct handle *handle = NULL;

	pthread_mutex_lock(&table->lock);
	slot = slot_find(table, cookie.cookie);
	if (slot && slot->handle->type == type) {
		handle = slot->handle;
		atomic_fetch_add(&handle->references, 1);
	}
	pthread_mutex_unlock(&table->lock);
	if (handle == NULL)
		return -DER_NO_HDL;
	*ret_handle = handle;
	return 0;
}

void
handle_put(struct handle *handle)
{
	if (atomic_fetch_sub(&handle->references, 1) == 1)
		handle->free(handle);
}

bool
handle_remove(struct handle_table *table, struct handle *handle)
{
	struct handle_slot *slot;

	pthread_mutex_lock(&table->lock);
	slot = slot_find(table, handle->cookie);
	if (slot) {
		slot->handle = NULL;
		slot->next_free = table->first_free;
		table->first_free =
			(uint32_t)(handle->cookie >> TYPE_BITS & ((1u << SLOT_BITS) - 1)) + 1;
		table->count--;
	}
	pthread_mutex_unlock(&table->lock);
	if (slot)
		handle_put(handle);
	return slot != NULL;
}
