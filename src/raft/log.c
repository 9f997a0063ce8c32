/* SPDX-License-Identifier: BSD-2-Clause-Patent */
/* The log in memory: a ring of entries after the base. */
#include "raft/private.h"

#define SLOTS_FIRST 16u

void
raft_log_init(struct log *log, struct arena *arena, uint64_t base, uint64_t base_term)
{
	*log = (struct log){.arena = arena, .base = base, .base_term = base_term, .last = base};
}

void
raft_log_fini(struct log *log)
{
	raft_log_reset(log, 0, 0);
	arena_free(log->arena, log->slots);
	log->slots = NULL;
	log->capacity = 0;
}

static struct raft_entry *
slot(const struct log *log, uint64_t index)
{
	return &log->slots[index & (log->capacity - 1)];
}

struct raft_entry *
raft_log_at(const struct log *log, uint64_t index)
{
	return index > log->base && index <= log->last ? slot(log, index) : NULL;
}

bool
raft_log_term(const struct log *log, uint64_t index, uint64_t *ret_term)
{
	if (index < log->base || index > log->last)
		return false;
	*ret_term = index == log->base ? log->base_term : slot(log, index)->term;
	return true;
}

uint64_t
raft_log_last_term(const struct log *log)
{
	return log->last == log->base ? log->base_term : slot(log, log->last)->term;
}

static int
grow(struct log *log)
{
	uint32_t capacity = log->capacity ? log->capacity * 2 : SLOTS_FIRST;
	struct raft_entry *slots = arena_alloc(log->arena, capacity * sizeof(*slots));

	if (slots == NULL)
		return error_raise(-DER_NOMEM, "no memory for a log of %u entries", capacity);
	for (uint64_t index = log->base + 1; index <= log->last; index++)
		slots[index & (capacity - 1)] = *slot(log, index);
	arena_free(log->arena, log->slots);
	log->slots = slots;
	log->capacity = capacity;
	return 0;
}

int
raft_log_append(struct log *log, const struct raft_entry *entry)
{
	struct raft_entry copy = *entry;

	ASSERT(entry->index == log->last + 1);
	ASSERT(entry->term >= raft_log_last_term(log));
	if (log->last - log->base == log->capacity) {
		int rc = grow(log);

		if (rc)
			return rc;
	}
	if (entry->length > 0) {
		void *data = arena_alloc(log->arena, entry->length);

		if (data == NULL)
			return error_raise(-DER_NOMEM, "no memory for an entry of %u bytes",
					   entry->length);
		memcpy(data, entry->data, entry->length);
		copy.data = data;
	} else {
		copy.data = NULL;
	}
	log->last++;
	log->bytes += copy.length;
	*slot(log, log->last) = copy;
	return 0;
}

static void
drop(struct log *log, uint64_t index)
{
	struct raft_entry *entry = slot(log, index);

	log->bytes -= entry->length;
	arena_free(log->arena, (void *)(uintptr_t)entry->data);
}

void
raft_log_truncate(struct log *log, uint64_t index)
{
	ASSERT(index > log->base);
	while (log->last >= index)
		drop(log, log->last--);
}

void
raft_log_compact(struct log *log, uint64_t index)
{
	uint64_t term;

	ASSERT(raft_log_term(log, index, &term));
	while (log->base < index)
		drop(log, ++log->base);
	log->base_term = term;
}

void
raft_log_reset(struct log *log, uint64_t base, uint64_t base_term)
{
	raft_log_truncate(log, log->base + 1);
	log->base = base;
	log->base_term = base_term;
	log->last = base;
}

uint32_t
raft_log_run(const struct log *log, uint64_t index, uint32_t limit)
{
	uint64_t to_end = log->capacity - (index & (log->capacity - 1));

	if (index <= log->base || index > log->last)
		return 0;
	return (uint32_t)min_of(min_of(to_end, log->last - index + 1), (uint64_t)limit);
}
