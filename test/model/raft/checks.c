/* SPDX-License-Identifier: BSD-2-Clause-Patent */
/* See checks.h. */
#include "checks.h"

#include <stdio.h>
#include <stdlib.h>

static void *
larger(void *array, uint64_t old, uint64_t count, size_t size)
{
	array = realloc(array, count * size);
	if (array == NULL)
		abort();
	memset((char *)array + old * size, 0, (count - old) * size);
	return array;
}

static void
reach(struct judge *judge, uint64_t index)
{
	uint64_t capacity = max_of(judge->capacity * 2, index + 1024);

	if (index < judge->capacity)
		return;
	judge->truth = larger(judge->truth, judge->capacity, capacity, sizeof(*judge->truth));
	judge->seen = larger(judge->seen, judge->capacity, capacity, sizeof(*judge->seen));
	judge->capacity = capacity;
}

void
judge_found(struct judge *judge, const struct machine *first)
{
	reach(judge, first->index);
	judge->truth[first->index] = *first;
	judge->count = first->index;
}

void
judge_free(struct judge *judge)
{
	free(judge->truth);
	free(judge->seen);
	free(judge->leaders);
}

void
judge_fail(struct judge *judge, const char *what)
{
	if (judge->failure[0] == 0)
		snprintf(judge->failure, sizeof(judge->failure), "%s", what);
}

static uint64_t
chain_next(uint64_t chain, const struct raft_entry *entry)
{
	return hash_combine(chain, hash_combine(entry->term, entry->checksum));
}

void
machine_apply(struct machine *machine, const struct raft_entry *entry)
{
	machine->chain = chain_next(machine->chain, entry);
	machine->index++;
	machine->term = entry->term;
}

void
view_reset(struct view *view, uint64_t base, uint64_t chain)
{
	if (base >= view->capacity) {
		view->chains = larger(view->chains, view->capacity, base + 1024, sizeof(uint64_t));
		view->capacity = base + 1024;
	}
	view->base = view->last = base;
	view->chains[base] = chain;
}

static void
view_add(struct view *view, const struct raft_entry *entry)
{
	if (entry->index >= view->capacity) {
		uint64_t capacity = max_of(view->capacity * 2, entry->index + 1024);

		view->chains = larger(view->chains, view->capacity, capacity, sizeof(uint64_t));
		view->capacity = capacity;
	}
	view->chains[entry->index] = chain_next(view->chains[entry->index - 1], entry);
	view->last = entry->index;
}

void
judge_append(struct judge *judge, struct view *view, const struct raft_entry *entry)
{
	struct seen *seen;

	if (entry->index > view->last + 1 || entry->index <= view->base) {
		judge_fail(judge, "a log has a gap");
		return;
	}
	view_add(view, entry);
	reach(judge, entry->index);
	seen = &judge->seen[entry->index];
	for (uint32_t i = 0; i < seen->count; i++)
		if (seen->entries[i].term == entry->term) {
			if (seen->entries[i].chain != view->chains[entry->index])
				judge_fail(judge, "log matching: equal entries, other pasts");
			return;
		}
	/* Should there ever be more, the first six are watched. */
	if (seen->count == ARRAY_SIZE(seen->entries))
		return;
	seen->entries[seen->count].term = entry->term;
	seen->entries[seen->count++].chain = view->chains[entry->index];
}

void
judge_apply(struct judge *judge, const struct view *view, const struct raft_entry *entry,
	    const struct machine *machine)
{
	if (machine->index != entry->index || entry->index > view->last ||
	    machine->chain != view->chains[entry->index]) {
		judge_fail(judge, "a machine applies what does not follow");
		return;
	}
	reach(judge, entry->index);
	if (entry->index == judge->count + 1) {
		judge->truth[entry->index] = *machine;
		judge->count++;
	} else if (entry->index > judge->count) {
		judge_fail(judge, "something between was never applied");
	} else if (judge->truth[entry->index].chain != machine->chain) {
		judge_fail(judge, "state machine safety: two machines differ");
	}
}

/* Whether the leader has the newest entry committed before its term. */
static void
leader_complete(struct judge *judge, const struct view *view, const struct raft_status *status)
{
	uint64_t index = judge->count;

	while (index > 1 && judge->truth[index].term >= status->term)
		index--;
	if (index < view->base)
		return;
	if (status->last < index ||
	    (view->last >= index && view->chains[index] != judge->truth[index].chain))
		judge_fail(judge, "leader completeness: a leader lacks what was committed");
}

bool
judge_status(struct judge *judge, const struct view *view, uint64_t id,
	     const struct raft_status *status)
{
	uint64_t *leader;

	if (status->role != RAFT_LEADER)
		return false;
	if (status->term >= judge->leaders_capacity) {
		judge->leaders = larger(judge->leaders, judge->leaders_capacity, status->term + 64,
					sizeof(uint64_t));
		judge->leaders_capacity = status->term + 64;
	}
	leader = &judge->leaders[status->term];
	if (*leader == id)
		return false;
	if (*leader)
		judge_fail(judge, "election safety: two leaders of one term");
	*leader = id;
	leader_complete(judge, view, status);
	return true;
}

bool
judge_covers(const struct judge *judge, uint64_t index)
{
	return index <= judge->count;
}

bool
judge_machine_at(const struct judge *judge, uint64_t index, struct machine *ret_machine)
{
	if (index == 0 || index > judge->count)
		return false;
	*ret_machine = judge->truth[index];
	return true;
}

uint64_t
judge_floor(const struct judge *judge)
{
	return judge->floor;
}

void
judge_acknowledge(struct judge *judge, uint64_t index)
{
	judge->floor = max_of(judge->floor, index);
}

void
judge_read(struct judge *judge, const struct operation *read, uint64_t index)
{
	if (index < read->floor)
		judge_fail(judge, "linearizability: a read does not see what was before it");
	judge->floor = max_of(judge->floor, index);
}
