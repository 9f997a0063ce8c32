/* SPDX-License-Identifier: BSD-2-Clause-Patent */
/* The table behind the marks of a simulated run; empty where there are none. */
#include <string.h>

#include "base/base.h"

#ifdef CAIRN_MARKS

/* Set by the linker around the section of that name; weak, as a program may have no mark. */
extern const struct mark_site first[] __asm__("__start_cairn_marks") __attribute__((weak));
extern const struct mark_site end[] __asm__("__stop_cairn_marks") __attribute__((weak));

struct mark_state {
	uint64_t met, fired;
	uint64_t random;
	uint32_t probability; /* in 1 / MARK_ALWAYS */
	uint32_t row;	      /* times that it fired in a row */
};

struct marks {
	struct arena *arena;
	uint64_t bugs; /* bit n: bug n is armed */
	uint32_t count;
	struct mark_state states[];
};

/* What is tried again for ever would never end: now and then the usual way is taken. */
static bool
fault_drawn(struct mark_state *state)
{
	bool fires;

	if (state->probability == 0)
		return false;
	state->random += 0x9e3779b97f4a7c15ull;
	fires = mix64(state->random) >> 48 < state->probability && state->row < MARK_ROW;
	state->row = fires ? state->row + 1 : 0;
	return fires;
}

bool
mark_fires(struct marks *marks, const struct mark_site *mark)
{
	struct mark_state *state = &marks->states[mark - first];
	bool fires = true;

	if (mark->kind == MARK_FAULT)
		fires = fault_drawn(state);
	else if (mark->kind == MARK_BUG)
		fires = marks->bugs >> mark->number & 1;
	state->met++;
	state->fired += fires;
	return fires;
}

static void
check_names(uint32_t count)
{
	for (uint32_t i = 0; i < count; i++)
		for (uint32_t j = i + 1; j < count && first[i].kind != MARK_BUG; j++)
			ASSERT(strcmp(first[i].name, first[j].name) != 0);
}

struct marks *
marks_create(struct arena *arena)
{
	uint32_t count = (uint32_t)(end - first);
	struct marks *marks =
		arena_calloc(arena, 1, sizeof(*marks) + count * sizeof(marks->states[0]));

	if (!marks)
		return NULL;
	check_names(count);
	marks->arena = arena;
	marks->count = count;
	marks_seed(marks, 0);
	return marks;
}

void
marks_destroy(struct marks *marks)
{
	arena_free(marks->arena, marks);
}

void
marks_seed(struct marks *marks, uint64_t seed)
{
	for (uint32_t i = 0; i < marks->count; i++)
		marks->states[i].random = hash_combine(seed, hash_text(first[i].name));
}

uint32_t
marks_count(const struct marks *marks)
{
	return marks->count;
}

bool
marks_find(const struct marks *marks, const char *name, uint32_t *ret_index)
{
	for (uint32_t i = 0; i < marks->count; i++)
		if (first[i].kind != MARK_BUG && strcmp(first[i].name, name) == 0) {
			*ret_index = i;
			return true;
		}
	return false;
}

void
marks_arm(struct marks *marks, uint32_t index, uint32_t probability)
{
	ASSERT(index < marks->count && first[index].kind == MARK_FAULT);
	ASSERT(probability <= MARK_ALWAYS);
	marks->states[index].probability = probability;
}

void
marks_heal(struct marks *marks)
{
	for (uint32_t i = 0; i < marks->count; i++)
		marks->states[i].probability = 0;
}

bool
marks_arm_bug(struct marks *marks, uint32_t number)
{
	bool found = false;

	for (uint32_t i = 0; i < marks->count; i++)
		found |= first[i].kind == MARK_BUG && first[i].number == number;
	if (found)
		marks->bugs |= UINT64_C(1) << number;
	return found;
}

void
marks_figures(const struct marks *marks, uint32_t index, struct mark_figures *ret_figures)
{
	ASSERT(index < marks->count);
	*ret_figures = (struct mark_figures){.mark = &first[index],
					     .met = marks->states[index].met,
					     .fired = marks->states[index].fired};
}

#endif
