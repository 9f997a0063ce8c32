/* SPDX-License-Identifier: BSD-2-Clause-Patent */
/* The search for an order of operations that explains what each of them saw. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "sim/check_register.h"
#include "sim/memory.h"

struct unit {
	struct register_value values[REGISTER_SLOTS];
};

/* ------------------------------------------------ what an operation does */

static uint8_t
present_slots(const struct unit *unit)
{
	uint8_t present = 0;

	for (uint32_t i = 0; i < REGISTER_SLOTS; i++)
		present |= (uint8_t)((unit->values[i].write != 0) << i);
	return present;
}

static bool
saw(const struct register_operation *operation, const struct unit *unit)
{
	for (uint32_t i = 0; i < REGISTER_SLOTS; i++) {
		if ((operation->slots & 1u << i) == 0)
			continue;
		if (operation->values[i].size != unit->values[i].size)
			return false;
		if (operation->kind == REGISTER_READ &&
		    operation->values[i].write != unit->values[i].write)
			return false;
	}
	return true;
}

static void
change(const struct register_operation *operation, struct unit *unit)
{
	for (uint32_t i = 0; i < REGISTER_SLOTS; i++) {
		if ((operation->slots & 1u << i) == 0)
			continue;
		unit->values[i] = operation->kind == REGISTER_WRITE ? operation->values[i]
								    : (struct register_value){0, 0};
	}
}

/* Whether the operation can come next, and what the unit is then. */
static bool
step(const struct register_operation *operation, const struct unit *unit, struct unit *ret_unit)
{
	uint8_t there = present_slots(unit);
	bool exists = (operation->absent & there) != 0 || (operation->all_absent && there != 0);
	bool misses = (operation->present & ~there) != 0 || (operation->any_present && there == 0);

	*ret_unit = *unit;
	if (operation->outcome == REGISTER_EXIST)
		return exists;
	if (operation->outcome == REGISTER_NONEXIST)
		return misses;
	if (exists || misses)
		return false;
	if (operation->kind == REGISTER_READ || operation->kind == REGISTER_SIZE)
		return saw(operation, unit);
	change(operation, ret_unit);
	return true;
}

static bool
same_unit(const struct unit *a, const struct unit *b)
{
	return memcmp(a, b, sizeof(*a)) == 0;
}

/* ------------------------------------------------ states met before */

/* A set of operations and a unit, by two independent hashes of 64 bits. */
struct fingerprint {
	uint64_t first, second;
};

struct memory {
	struct fingerprint *entries; /* {0, 0}: free */
	uint32_t room;		     /* a power of two */
	uint32_t count;
	uint32_t limit;
};

static struct fingerprint *
memory_slot(const struct memory *memory, struct fingerprint print)
{
	uint32_t at = (uint32_t)print.first & (memory->room - 1);

	for (;;) {
		struct fingerprint *entry = &memory->entries[at];

		if ((entry->first == 0 && entry->second == 0) ||
		    (entry->first == print.first && entry->second == print.second))
			return entry;
		at = (at + 1) & (memory->room - 1);
	}
}

static void
memory_grow(struct memory *memory)
{
	struct memory larger = {.room = memory->room ? memory->room * 2 : 1024,
				.count = memory->count,
				.limit = memory->limit};

	larger.entries = sim_take(larger.room * sizeof(*larger.entries));
	for (uint32_t i = 0; i < memory->room; i++)
		if (memory->entries[i].first != 0 || memory->entries[i].second != 0)
			*memory_slot(&larger, memory->entries[i]) = memory->entries[i];
	free(memory->entries);
	*memory = larger;
}

/* True when the state is new. */
static bool
memory_add(struct memory *memory, struct fingerprint print)
{
	struct fingerprint *entry;

	if (memory->count * 2 >= memory->room)
		memory_grow(memory);
	entry = memory_slot(memory, print);
	if (entry->first != 0 || entry->second != 0)
		return false;
	*entry = print;
	memory->count++;
	return true;
}

static struct fingerprint
fingerprint_of(struct fingerprint set, const struct unit *unit)
{
	struct fingerprint print = {.first = UINT64_C(1), .second = UINT64_C(2)};

	for (uint32_t i = 0; i < REGISTER_SLOTS; i++) {
		print.first = hash_combine(print.first, unit->values[i].write);
		print.second = hash_combine(print.second, unit->values[i].write);
	}
	return (struct fingerprint){print.first + set.first, print.second + set.second};
}

/* Adds an operation to a set, or takes it out. */
static void
set_turn(struct fingerprint *set, uint32_t operation)
{
	set->first ^= mix64(operation * UINT64_C(2) + 1);
	set->second ^= mix64(~(operation * UINT64_C(2) + 1));
}

/* ------------------------------------------------ the list of what is left */

#define NONE UINT32_MAX

/* The begin or the end of an operation, in the order of time. */
struct event {
	uint64_t time;
	uint32_t operation;
	bool is_end;
	uint32_t previous, next;
};

struct search {
	const struct register_operation *operations;
	uint32_t count;
	struct event *events; /* [0] is the head */
	uint32_t event_count;
	uint32_t *begins, *ends; /* events of operations; NONE */
	uint32_t left;		 /* operations with an end that are not in the order yet */
	struct memory memory;
	struct unit unit;
	struct fingerprint set;
	struct order {
		uint32_t operation;
		struct unit before;
		bool forced; /* no other choice would be better */
	} * order;
	uint32_t depth;
	/* Where the longest order ended. */
	uint32_t best_left;
	uint32_t best_operation;
	struct unit best_unit;
};

static int
event_compare(const void *a, const void *b)
{
	const struct event *x = a, *y = b;

	if (x->time != y->time)
		return x->time < y->time ? -1 : 1;
	if (x->is_end != y->is_end)
		return x->is_end ? 1 : -1;
	return x->operation < y->operation ? -1 : x->operation > y->operation;
}

/* Whether it leaves everything as it is wherever it stands. */
static bool
only_looks(const struct register_operation *operation)
{
	return operation->kind == REGISTER_READ || operation->kind == REGISTER_SIZE ||
	       operation->outcome == REGISTER_EXIST || operation->outcome == REGISTER_NONEXIST;
}

static bool
takes_part(const struct register_operation *operation)
{
	return operation->outcome != REGISTER_VOID &&
	       !(only_looks(operation) && operation->outcome == REGISTER_UNKNOWN);
}

/* One that must be in the order. */
static bool
is_owed(const struct register_operation *operation)
{
	return operation->outcome != REGISTER_UNKNOWN;
}

static void
events_make(struct search *search)
{
	uint32_t count = 1;

	for (uint32_t i = 0; i < search->count; i++) {
		const struct register_operation *operation = &search->operations[i];

		if (!takes_part(operation))
			continue;
		search->events[count++] = (struct event){.time = operation->begin, .operation = i};
		if (!is_owed(operation))
			continue;
		search->events[count++] =
			(struct event){.time = operation->end, .operation = i, .is_end = true};
		search->left++;
	}
	qsort(search->events + 1, count - 1, sizeof(*search->events), event_compare);
	search->event_count = count;
	for (uint32_t i = 0; i < count; i++) {
		struct event *event = &search->events[i];

		event->previous = i == 0 ? NONE : i - 1;
		event->next = i + 1 < count ? i + 1 : NONE;
		if (i > 0)
			(event->is_end ? search->ends : search->begins)[event->operation] = i;
	}
}

static void
event_remove(struct search *search, uint32_t at)
{
	const struct event *event = &search->events[at];

	search->events[event->previous].next = event->next;
	if (event->next != NONE)
		search->events[event->next].previous = event->previous;
}

static void
event_restore(struct search *search, uint32_t at)
{
	const struct event *event = &search->events[at];

	search->events[event->previous].next = at;
	if (event->next != NONE)
		search->events[event->next].previous = at;
}

/* ------------------------------------------------ the search */

static void
search_push(struct search *search, uint32_t operation, const struct unit *unit)
{
	bool owed = is_owed(&search->operations[operation]);

	search->order[search->depth++] = (struct order){
		.operation = operation,
		.before = search->unit,
		.forced = owed && only_looks(&search->operations[operation]),
	};
	search->unit = *unit;
	set_turn(&search->set, operation);
	event_remove(search, search->begins[operation]);
	if (!owed)
		return;
	event_remove(search, search->ends[operation]);
	search->left--;
}

/*
 * Takes back the last choice, and all behind it that were no choice: what only looks, and can come
 * now, may come now. Returns the event to go on with, NONE when no choice is left; *ret_owed: among
 * what must have happened.
 */
static uint32_t
search_pop(struct search *search, bool *ret_owed)
{
	while (search->depth > 0) {
		const struct order *last = &search->order[--search->depth];
		uint32_t operation = last->operation;

		if (is_owed(&search->operations[operation])) {
			event_restore(search, search->ends[operation]);
			search->left++;
		}
		event_restore(search, search->begins[operation]);
		set_turn(&search->set, operation);
		search->unit = last->before;
		*ret_owed = is_owed(&search->operations[operation]);
		if (!last->forced)
			return search->events[search->begins[operation]].next;
	}
	return NONE;
}

/*
 * What may never have happened is put as late as can be: directly before an operation that comes to
 * something else without it, and behind which it could not come any more or would change more.
 */
static bool
is_of_use(const struct register_operation *operation, const struct unit *unit,
	  const struct register_operation *unsure, const struct unit *before)
{
	struct unit without, behind;

	if (!step(operation, before, &without))
		return true;
	if (same_unit(&without, unit))
		return false;
	return !step(unsure, &without, &behind) || !same_unit(&behind, unit);
}

/*
 * Of two unsure operations that may change places, the one of the lower number comes first; one
 * that the next covers is not put at all.
 */
static bool
is_out_of_order(const struct search *search, uint32_t operation, const struct unit *unit)
{
	const struct order *last = &search->order[search->depth - 1];
	struct unit first, both;

	if (!step(&search->operations[operation], &last->before, &first))
		return false;
	if (same_unit(&first, unit))
		return true;
	return operation < last->operation &&
	       step(&search->operations[last->operation], &first, &both) && same_unit(&both, unit);
}

/* Whether the operation of an event is put next. */
static bool
search_try(struct search *search, uint32_t operation)
{
	const struct register_operation *tried = &search->operations[operation];
	const struct order *last = search->depth ? &search->order[search->depth - 1] : NULL;
	struct fingerprint set = search->set;
	struct unit unit;

	if (!step(tried, &search->unit, &unit))
		return false;
	if (last && !is_owed(&search->operations[last->operation])) {
		if (is_owed(tried) &&
		    !is_of_use(tried, &unit, &search->operations[last->operation], &last->before))
			return false;
		if (!is_owed(tried) && is_out_of_order(search, operation, &unit))
			return false;
	}
	set_turn(&set, operation);
	/* What may follow depends on what an unsure operation changed. */
	if (!is_owed(tried)) {
		if (same_unit(&unit, &search->unit))
			return false;
		set.first = hash_combine(set.first, operation);
		set = fingerprint_of(set, &search->unit);
	}
	if (!memory_add(&search->memory, fingerprint_of(set, &unit)))
		return false;
	search_push(search, operation, &unit);
	return true;
}

static void
note_dead_end(struct search *search, uint32_t operation)
{
	if (search->left >= search->best_left)
		return;
	search->best_left = search->left;
	search->best_operation = operation;
	search->best_unit = search->unit;
}

/*
 * What must have happened is tried before what may have: mostly nothing of unknown outcome did, and
 * a search that began with all that it might have done would not come to an end.
 */
static enum register_verdict
search_run(struct search *search)
{
	uint32_t at = search->events[0].next;
	bool owed = true;

	while (search->left > 0) {
		const struct event *event;

		if (search->memory.count > search->memory.limit)
			return REGISTER_UNDECIDED;
		ASSERT(at != NONE);
		event = &search->events[at];
		if (event->is_end && owed) {
			owed = false;
			at = search->events[0].next;
		} else if (event->is_end) {
			note_dead_end(search, event->operation);
			at = search_pop(search, &owed);
			if (at == NONE)
				return REGISTER_BAD;
		} else if (is_owed(&search->operations[event->operation]) == owed &&
			   search_try(search, event->operation)) {
			at = search->events[0].next;
			owed = true;
		} else {
			at = event->next;
		}
	}
	return REGISTER_GOOD;
}

/* ------------------------------------------------ telling about it */

static const char *const kind_names[] = {
	[REGISTER_READ] = "read",
	[REGISTER_SIZE] = "size",
	[REGISTER_WRITE] = "write",
	[REGISTER_REMOVE] = "remove",
};

static const char *const outcome_names[] = {
	[REGISTER_UNKNOWN] = "unknown", [REGISTER_DONE] = "ok",	  [REGISTER_EXIST] = "exists",
	[REGISTER_NONEXIST] = "absent", [REGISTER_VOID] = "void",
};

static size_t
print_values(const struct register_value *values, uint8_t slots, char *text, size_t size)
{
	size_t used = 0;

	for (uint32_t i = 0; i < REGISTER_SLOTS && used < size; i++) {
		if ((slots & 1u << i) == 0)
			continue;
		used += (size_t)snprintf(text + used, size - used, " %u:%llu", i,
					 (unsigned long long)values[i].write);
		if (used < size && values[i].size != 0)
			used += (size_t)snprintf(text + used, size - used, "(%llu)",
						 (unsigned long long)values[i].size);
	}
	return min_of(used, size);
}

void
register_print(const struct register_operation *operation, char *text, size_t size)
{
	char end[24] = "never";
	char conditions[64] = "";
	char values[256] = "";

	if (operation->end != REGISTER_NEVER)
		snprintf(end, sizeof(end), "%llu", (unsigned long long)operation->end);
	if (operation->absent || operation->present || operation->all_absent ||
	    operation->any_present)
		snprintf(conditions, sizeof(conditions), " if%s%s absent %x present %x",
			 operation->all_absent ? " none" : "", operation->any_present ? " any" : "",
			 operation->absent, operation->present);
	print_values(operation->values, operation->slots, values, sizeof(values));
	snprintf(text, size, "%llu..%s actor %u %s%s%s: %s", (unsigned long long)operation->begin,
		 end, operation->actor, kind_names[operation->kind], values, conditions,
		 outcome_names[operation->outcome]);
}

#define AROUND 6u

/* Up to AROUND operations that ended last before `before`, and all that run into [before, after].
 */
static bool
is_around(const struct search *search, const struct register_operation *candidate, uint64_t before,
	  uint64_t after)
{
	uint32_t later = 0;

	if (!takes_part(candidate) || candidate->begin > after)
		return false;
	if (candidate->end >= before)
		return true;
	for (uint32_t i = 0; i < search->count; i++)
		later += takes_part(&search->operations[i]) &&
			 search->operations[i].end > candidate->end &&
			 search->operations[i].end < before;
	return later < AROUND;
}

static void
explain(const struct search *search, char *text, size_t size)
{
	const struct register_operation *stuck = &search->operations[search->best_operation];
	char line[512];
	size_t used;

	register_print(stuck, line, sizeof(line));
	used = (size_t)snprintf(text, size, "no order allows {%s}; what is there last:", line);
	if (used < size)
		used += print_values(search->best_unit.values, (1u << REGISTER_SLOTS) - 1,
				     text + used, size - used);
	for (uint32_t i = 0; i < search->count && used < size; i++) {
		const struct register_operation *operation = &search->operations[i];

		if (!is_around(search, operation, stuck->begin, stuck->end))
			continue;
		register_print(operation, line, sizeof(line));
		used += (size_t)snprintf(text + used, size - used, "\n  %s", line);
	}
}

/* ------------------------------------------------ the judgement */

enum register_verdict
register_check(const struct register_operation *operations, uint32_t count, uint32_t limit,
	       char *text, size_t text_size)
{
	struct search search = {
		.operations = operations,
		.count = count,
		.memory = {.limit = limit},
		.best_left = UINT32_MAX,
	};
	enum register_verdict verdict;

	search.events = sim_take((2 * (size_t)count + 1) * sizeof(*search.events));
	search.begins = sim_take(((size_t)count + 1) * sizeof(*search.begins));
	search.ends = sim_take(((size_t)count + 1) * sizeof(*search.ends));
	search.order = sim_take(((size_t)count + 1) * sizeof(*search.order));
	events_make(&search);
	verdict = search_run(&search);
	if (verdict == REGISTER_BAD)
		explain(&search, text, text_size);
	free(search.events);
	free(search.begins);
	free(search.ends);
	free(search.order);
	free(search.memory.entries);
	return verdict;
}

static bool
was_written(const struct register_operation *operations, uint32_t count,
	    struct register_value value, uint32_t slot, uint64_t before)
{
	for (uint32_t i = 0; i < count; i++) {
		const struct register_operation *operation = &operations[i];

		if (operation->kind == REGISTER_WRITE && operation->slots & 1u << slot &&
		    operation->values[slot].write == value.write &&
		    operation->values[slot].size == value.size && operation->begin < before &&
		    (operation->outcome == REGISTER_DONE || operation->outcome == REGISTER_UNKNOWN))
			return true;
	}
	return false;
}

const struct register_operation *
register_stranger(const struct register_operation *operations, uint32_t count)
{
	for (uint32_t i = 0; i < count; i++) {
		const struct register_operation *read = &operations[i];

		if (read->kind != REGISTER_READ || read->outcome != REGISTER_DONE)
			continue;
		for (uint32_t j = 0; j < REGISTER_SLOTS; j++)
			if (read->slots & 1u << j && read->values[j].write != 0 &&
			    !was_written(operations, count, read->values[j], j, read->end))
				return read;
	}
	return NULL;
}
