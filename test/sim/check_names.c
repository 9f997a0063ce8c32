/* SPDX-License-Identifier: BSD-2-Clause-Patent */
/*
 * The search for an order of operations on names: depth first over (operations done, names), each
 * met once at most.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "sim/check_names.h"
#include "sim/memory.h"

struct names {
	uint64_t things[NAME_SLOTS];
};

/* ------------------------------------------------ what an operation does */

static uint32_t
slot_of(const struct names *names, uint64_t thing)
{
	for (uint32_t i = 0; i < NAME_SLOTS; i++)
		if (names->things[i] == thing)
			return i;
	return NAME_SLOTS;
}

static bool
sees(const struct name_operation *operation, const struct names *names)
{
	for (uint32_t i = 0; i < NAME_SLOTS; i++) {
		uint64_t seen = operation->seen[i];

		if ((operation->mask & 1u << i) == 0)
			continue;
		if (seen == NAME_ANY ? names->things[i] == 0 : names->things[i] != seen)
			return false;
	}
	return true;
}

static bool
step_move(const struct name_operation *operation, struct names *names)
{
	uint32_t from = slot_of(names, operation->thing);
	bool taken = names->things[operation->slot] != 0 && from != operation->slot;

	if (operation->outcome == NAME_ABSENT)
		return from == NAME_SLOTS;
	if (from == NAME_SLOTS)
		return false;
	if (operation->outcome == NAME_EXIST)
		return taken;
	if (taken)
		return false;
	names->things[from] = 0;
	names->things[operation->slot] = operation->thing;
	return true;
}

static bool
step_remove(const struct name_operation *operation, uint32_t slot, struct names *names)
{
	bool there = slot < NAME_SLOTS && names->things[slot] != 0;

	if (operation->outcome == NAME_ABSENT)
		return !there;
	if (there)
		names->things[slot] = 0;
	return there;
}

static bool
step_link(const struct name_operation *operation, struct names *names)
{
	bool taken = names->things[operation->slot] != 0;

	if (operation->outcome == NAME_EXIST)
		return taken;
	if (operation->outcome == NAME_ABSENT)
		return names->things[operation->from] != operation->thing;
	if (taken || slot_of(names, operation->thing) == NAME_SLOTS)
		return false;
	names->things[operation->slot] = operation->thing;
	return true;
}

/* Where both are names of one thing nothing happens. */
static bool
step_rename(const struct name_operation *operation, struct names *names)
{
	uint64_t thing = names->things[operation->from];
	bool refused = operation->kind == NAME_RENAME_NEW && names->things[operation->slot] != 0;

	if (operation->outcome == NAME_ABSENT)
		return thing == 0;
	if (operation->outcome == NAME_EXIST)
		return refused;
	if (thing == 0 || refused)
		return false;
	if (names->things[operation->slot] != thing)
		names->things[operation->from] = 0;
	names->things[operation->slot] = thing;
	return true;
}

static bool
counts(const struct name_operation *operation, const struct names *names)
{
	uint32_t count = 0;

	for (uint32_t i = 0; i < NAME_SLOTS; i++)
		count += names->things[i] == operation->thing;
	return count == operation->count;
}

/* Whether it can come next; *names becomes what is there afterwards. */
static bool
step(const struct name_operation *operation, struct names *names)
{
	switch ((enum name_kind)operation->kind) {
	case NAME_CREATE:
		if (operation->outcome == NAME_EXIST)
			return names->things[operation->slot] != 0;
		if (names->things[operation->slot] != 0)
			return false;
		names->things[operation->slot] = operation->thing;
		return true;
	case NAME_REMOVE:
		return step_remove(operation, operation->slot, names);
	case NAME_REMOVE_THING:
		return step_remove(operation, slot_of(names, operation->thing), names);
	case NAME_MOVE:
		return step_move(operation, names);
	case NAME_LINK:
		return step_link(operation, names);
	case NAME_RENAME:
	case NAME_RENAME_NEW:
		return step_rename(operation, names);
	case NAME_COUNT:
		return counts(operation, names);
	case NAME_SEE:
		break;
	}
	return sees(operation, names);
}

static bool
only_looks(const struct name_operation *operation)
{
	return operation->kind == NAME_SEE || operation->kind == NAME_COUNT ||
	       operation->outcome == NAME_EXIST || operation->outcome == NAME_ABSENT;
}

static bool
takes_part(const struct name_operation *operation)
{
	return operation->outcome != NAME_VOID &&
	       !(operation->outcome == NAME_UNKNOWN && only_looks(operation));
}

static bool
is_owed(const struct name_operation *operation)
{
	return operation->outcome != NAME_UNKNOWN;
}

/* ------------------------------------------------ states met before */

struct states {
	uint64_t *prints; /* 0: free */
	uint32_t room;	  /* a power of two */
	uint32_t count;
};

static bool
states_insert(struct states *states, uint64_t print)
{
	uint32_t at = (uint32_t)print & (states->room - 1);

	while (states->prints[at] != 0 && states->prints[at] != print)
		at = (at + 1) & (states->room - 1);
	if (states->prints[at] == print)
		return false;
	states->prints[at] = print;
	states->count++;
	return true;
}

/* True when it is new. */
static bool
states_add(struct states *states, uint64_t print)
{
	struct states larger = {.room = states->room ? states->room * 2 : 1024};

	if (states->count * 2 >= states->room) {
		larger.prints = sim_take(larger.room * sizeof(*larger.prints));
		for (uint32_t i = 0; i < states->room; i++)
			if (states->prints[i] != 0)
				(void)states_insert(&larger, states->prints[i]);
		free(states->prints);
		*states = larger;
	}
	return states_insert(states, print | 1);
}

/* ------------------------------------------------ the search */

struct search {
	const struct name_operation **order; /* what takes part, by begin */
	bool *done;
	uint32_t count;
	uint32_t owed; /* not done yet */
	uint32_t limit;
	uint64_t set;
	struct states states;
	/* Where the longest order ended. */
	uint32_t best_owed;
	const struct name_operation *best;
	struct names best_names;
};

static int
compare_begins(const void *a, const void *b)
{
	const struct name_operation *const *x = a, *const *y = b;

	return (*x)->begin < (*y)->begin ? -1 : (*x)->begin > (*y)->begin;
}

static void
turn(struct search *search, uint32_t at)
{
	search->done[at] = !search->done[at];
	search->set ^= mix64(at * UINT64_C(2) + 1);
	if (is_owed(search->order[at]))
		search->owed += search->done[at] ? UINT32_MAX : 1;
}

static uint64_t
print_of(const struct search *search, const struct names *names)
{
	uint64_t print = search->set;

	for (uint32_t i = 0; i < NAME_SLOTS; i++)
		print = hash_combine(print, names->things[i]);
	return print;
}

/* The candidates for the next place lie below *ret_limit; the operation that ends first bounds
 * them. */
static const struct name_operation *
first_to_end(const struct search *search, uint32_t *ret_limit)
{
	const struct name_operation *first = NULL;
	uint32_t i;

	for (i = 0; i < search->count; i++) {
		const struct name_operation *operation = search->order[i];

		if (search->done[i])
			continue;
		if (first && operation->begin > first->end)
			break;
		if (is_owed(operation) && (first == NULL || operation->end < first->end))
			first = operation;
	}
	*ret_limit = i;
	return first;
}

static void
note_dead_end(struct search *search, const struct name_operation *stuck, const struct names *names)
{
	if (search->owed >= search->best_owed)
		return;
	search->best_owed = search->owed;
	search->best = stuck;
	search->best_names = *names;
}

/* What only looks and may come now, may come now: it is no choice. */
static bool
find_look(const struct search *search, const struct names *names, uint32_t limit, uint32_t *ret_at)
{
	for (uint32_t i = 0; i < limit; i++) {
		struct names copy = *names;

		if (search->done[i] || !is_owed(search->order[i]) || !only_looks(search->order[i]))
			continue;
		if (step(search->order[i], &copy)) {
			*ret_at = i;
			return true;
		}
	}
	return false;
}

static enum name_verdict search_from(struct search *search, const struct names *names);

static enum name_verdict
search_with(struct search *search, uint32_t at, const struct names *names)
{
	enum name_verdict verdict;

	turn(search, at);
	verdict = search_from(search, names);
	turn(search, at);
	return verdict;
}

/* Tries what changes names: what must have happened before what may have. */
static enum name_verdict
search_changes(struct search *search, const struct names *names, uint32_t limit, bool owed)
{
	for (uint32_t i = 0; i < limit; i++) {
		struct names next = *names;
		enum name_verdict verdict;

		if (search->done[i] || is_owed(search->order[i]) != owed ||
		    only_looks(search->order[i]) || !step(search->order[i], &next))
			continue;
		if (!owed && memcmp(&next, names, sizeof(next)) == 0)
			continue;
		verdict = search_with(search, i, &next);
		if (verdict != NAMES_BAD)
			return verdict;
	}
	return NAMES_BAD;
}

static enum name_verdict
search_from(struct search *search, const struct names *names)
{
	const struct name_operation *first;
	enum name_verdict verdict;
	uint32_t limit, at;

	if (search->owed == 0)
		return NAMES_GOOD;
	if (search->states.count > search->limit)
		return NAMES_UNDECIDED;
	if (!states_add(&search->states, print_of(search, names)))
		return NAMES_BAD;
	first = first_to_end(search, &limit);
	if (find_look(search, names, limit, &at))
		return search_with(search, at, names);
	verdict = search_changes(search, names, limit, true);
	if (verdict == NAMES_BAD)
		verdict = search_changes(search, names, limit, false);
	if (verdict == NAMES_BAD)
		note_dead_end(search, first, names);
	return verdict;
}

/* ------------------------------------------------ telling about it */

static size_t
print_thing(uint64_t thing, char *text, size_t size)
{
	int used;

	if (thing == NAME_ANY)
		used = snprintf(text, size, " ?");
	else
		used = snprintf(text, size, " %llu", (unsigned long long)thing);
	return min_of((size_t)max_of(used, 0), size);
}

void
name_print(const struct name_operation *operation, char *text, size_t size)
{
	static const char *const kinds[] = {
		[NAME_CREATE] = "create",
		[NAME_REMOVE] = "remove",
		[NAME_REMOVE_THING] = "remove-thing",
		[NAME_MOVE] = "move",
		[NAME_SEE] = "see",
		[NAME_LINK] = "link",
		[NAME_RENAME] = "rename",
		[NAME_RENAME_NEW] = "rename-new",
		[NAME_COUNT] = "count",
	};
	static const char *const outcomes[] = {
		[NAME_UNKNOWN] = "unknown", [NAME_DONE] = "ok",	  [NAME_EXIST] = "exists",
		[NAME_ABSENT] = "absent",   [NAME_VOID] = "void",
	};
	char end[24] = "never", seen[128] = "";
	size_t used = 0;

	if (operation->end != NAME_NEVER)
		snprintf(end, sizeof(end), "%llu", (unsigned long long)operation->end);
	for (uint32_t i = 0; operation->kind == NAME_SEE && i < NAME_SLOTS; i++) {
		if (operation->mask & 1u << i)
			used += print_thing(operation->seen[i], seen + used, sizeof(seen) - used);
		else
			used += (size_t)snprintf(seen + used, sizeof(seen) - used, " -");
	}
	if (operation->kind == NAME_COUNT)
		snprintf(seen, sizeof(seen), " %llu: %u", (unsigned long long)operation->thing,
			 operation->count);
	else if (operation->kind >= NAME_LINK)
		snprintf(seen, sizeof(seen), " %llu from %u at %u",
			 (unsigned long long)operation->thing, operation->from, operation->slot);
	else if (operation->kind != NAME_SEE)
		snprintf(seen, sizeof(seen), " %llu at %u", (unsigned long long)operation->thing,
			 operation->slot);
	snprintf(text, size, "%llu..%s actor %u %s%s: %s", (unsigned long long)operation->begin,
		 end, operation->actor, kinds[operation->kind], seen, outcomes[operation->outcome]);
}

#define AROUND 8u

static void
explain(const struct search *search, char *text, size_t size)
{
	const struct name_operation *stuck = search->best;
	uint32_t from = 0;
	char line[256];
	size_t used;

	name_print(stuck, line, sizeof(line));
	used = (size_t)snprintf(text, size, "no order allows {%s}; what is there last:", line);
	for (uint32_t i = 0; i < NAME_SLOTS && used < size; i++)
		used += print_thing(search->best_names.things[i], text + used, size - used);
	while (from < search->count && search->order[from] != stuck)
		from++;
	from -= min_of(from, AROUND);
	for (uint32_t i = from; i < search->count && used < size; i++) {
		if (search->order[i]->begin > stuck->end)
			break;
		name_print(search->order[i], line, sizeof(line));
		used += (size_t)snprintf(text + used, size - used, "\n  %s", line);
	}
}

/* ------------------------------------------------ the judgement */

enum name_verdict
names_check(const struct name_operation *operations, uint32_t count, uint32_t limit, char *text,
	    size_t text_size)
{
	const struct names none = {{0}};
	struct search search = {.limit = limit, .best_owed = UINT32_MAX};
	enum name_verdict verdict;

	search.order = sim_take((count + 1) * sizeof(*search.order));
	search.done = sim_take((count + 1) * sizeof(*search.done));
	for (uint32_t i = 0; i < count; i++) {
		if (!takes_part(&operations[i]))
			continue;
		search.order[search.count++] = &operations[i];
		search.owed += is_owed(&operations[i]);
	}
	qsort(search.order, search.count, sizeof(*search.order), compare_begins);
	verdict = search_from(&search, &none);
	if (verdict == NAMES_BAD)
		explain(&search, text, text_size);
	free(search.order);
	free(search.done);
	free(search.states.prints);
	return verdict;
}

static bool
was_given(const struct name_operation *operations, uint32_t count, uint64_t thing, uint32_t slot,
	  uint64_t before)
{
	for (uint32_t i = 0; i < count; i++) {
		const struct name_operation *operation = &operations[i];
		bool gives = operation->kind == NAME_CREATE || operation->kind == NAME_MOVE;

		if (gives && operation->thing == thing && operation->slot == slot &&
		    operation->begin < before &&
		    (operation->outcome == NAME_DONE || operation->outcome == NAME_UNKNOWN))
			return true;
	}
	return false;
}

const struct name_operation *
names_stranger(const struct name_operation *operations, uint32_t count)
{
	for (uint32_t i = 0; i < count; i++) {
		const struct name_operation *look = &operations[i];

		if (look->kind != NAME_SEE || look->outcome != NAME_DONE)
			continue;
		for (uint32_t k = 0; k < NAME_SLOTS; k++)
			if (look->mask & 1u << k && look->seen[k] != 0 &&
			    look->seen[k] != NAME_ANY &&
			    !was_given(operations, count, look->seen[k], k, look->end))
				return look;
	}
	return NULL;
}

/* ------------------------------------------------ ranges */

const struct number_range *
ranges_meet(const struct number_range *ranges, uint32_t count, struct number_range range)
{
	for (uint32_t i = 0; i < count; i++)
		if (range.first - ranges[i].first < ranges[i].count ||
		    ranges[i].first - range.first < range.count)
			return &ranges[i];
	return NULL;
}
