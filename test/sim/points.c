/* SPDX-License-Identifier: BSD-2-Clause-Patent */
/* See points.h. Without marks (other presets than sim) there are none. */
#include "sim/points.h"

#include <stdlib.h>
#include <string.h>

#include "base/base.h"

#ifdef CAIRN_MARKS

#define POINTS_MAX 256u

struct points {
	uint32_t count;
	const char *names[POINTS_MAX];
};

static int
compare_names(const void *one, const void *other)
{
	return strcmp(*(const char *const *)one, *(const char *const *)other);
}

static const struct points *
points_all(void)
{
	static struct points points;
	struct arena *arena;
	struct marks *marks;

	if (points.count > 0)
		return &points;
	arena = arena_create(0);
	ASSERT(arena != NULL);
	marks = marks_create(arena);
	ASSERT(marks != NULL);
	for (uint32_t i = 0; i < marks_count(marks); i++) {
		struct mark_figures figures;

		marks_figures(marks, i, &figures);
		ASSERT(points.count < POINTS_MAX);
		if (figures.mark->kind == MARK_FAULT)
			points.names[points.count++] = figures.mark->name;
	}
	arena_destroy(arena);
	qsort(points.names, points.count, sizeof(points.names[0]), compare_names);
	return &points;
}

uint32_t
points_count(void)
{
	return points_all()->count;
}

const char *
points_name(uint32_t index)
{
	return points_all()->names[index];
}

#else

uint32_t
points_count(void)
{
	return 0;
}

const char *
points_name(uint32_t index)
{
	(void)index;
	return "";
}

#endif
