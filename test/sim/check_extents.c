/* SPDX-License-Identifier: BSD-2-Clause-Patent */
/* Cuts a history into units, and judges each of them by a graph; see check_extents.h. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "sim/check_extents.h"
#include "sim/extents_graph.h"
#include "sim/memory.h"

/* ------------------------------------------------ histories */

uint32_t
extents_add(struct extents_history *history, const struct extents_operation *operation)
{
	if (history->count == history->room) {
		history->room = max_of(history->room * 2, 16u);
		history->operations =
			sim_grow(history->operations, history->room * sizeof(*history->operations));
	}
	history->operations[history->count] = *operation;
	return history->count++;
}

static bool
is_power(uint32_t number)
{
	return (number & (number - 1)) == 0;
}

void
extents_add_run(struct extents_operation *operation, struct extents_run run)
{
	uint32_t count = operation->run_count;
	struct extents_run *last = count ? &operation->runs[count - 1] : NULL;

	if (last && last->line == run.line && last->group == run.group &&
	    last->write == run.write && last->count != EXTENTS_ENDLESS &&
	    last->index + last->count == run.index && run.count != EXTENTS_ENDLESS) {
		last->count += run.count;
		return;
	}
	if (is_power(count))
		operation->runs =
			sim_grow(operation->runs, max_of(count * 2, 1u) * sizeof(*operation->runs));
	operation->runs[operation->run_count++] = run;
}

static const char *const kind_names[] = {
	[EXTENTS_VOID] = "void", [EXTENTS_CHANGE] = "change", [EXTENTS_LOOK] = "look",
	[EXTENTS_SIZE] = "size", [EXTENTS_RESIZE] = "resize",
};

static size_t
print_run(const struct extents_run *run, char *text, size_t size)
{
	char what[32];

	if (run->write == EXTENTS_HOLE)
		snprintf(what, sizeof(what), "hole");
	else if (run->write == EXTENTS_ZERO)
		snprintf(what, sizeof(what), "zero");
	else if (run->write == EXTENTS_DATA)
		snprintf(what, sizeof(what), "data");
	else
		snprintf(what, sizeof(what), "%llu", (unsigned long long)run->write);
	return (size_t)snprintf(text, size, " %u:[%llu +%lld)=%s", run->line,
				(unsigned long long)run->index, (long long)run->count, what);
}

void
extents_print(const struct extents_operation *operation, char *text, size_t size)
{
	size_t used = (size_t)snprintf(text, size, "%s of actor %u at %llu..%lld%s",
				       kind_names[operation->kind], operation->actor,
				       (unsigned long long)operation->begin,
				       (long long)operation->end,
				       operation->done ? "" : " unknown");

	if (operation->kind == EXTENTS_SIZE || operation->kind == EXTENTS_RESIZE)
		used += (size_t)snprintf(text + min_of(used, size), size - min_of(used, size),
					 " %llu", (unsigned long long)operation->size);
	for (uint32_t i = 0; i < operation->run_count && i < 12 && used < size; i++)
		used += print_run(&operation->runs[i], text + used, size - used);
}

/* ------------------------------------------------ parts */

/* A run inside one unit. */
struct part {
	uint64_t unit;
	uint64_t from, to; /* cells, of all the line */
	uint64_t write;
	uint32_t line;
	uint32_t operation;
	uint32_t group;
	bool looks;
	bool certain; /* of a change: it happened; of a look: always */
};

struct parts {
	struct part *parts;
	uint32_t count, room;
};

static void
parts_add(struct parts *parts, const struct part *part)
{
	if (parts->count == parts->room) {
		parts->room = max_of(parts->room * 2, 64u);
		parts->parts = sim_grow(parts->parts, parts->room * sizeof(*parts->parts));
	}
	parts->parts[parts->count++] = *part;
}

struct cutting {
	const struct extents_history *history;
	struct parts finite;
	struct parts endless; /* they are part of every unit */
};

/* Cuts a run at the chunks. */
static void
cut_run(struct cutting *cutting, struct part part, const struct extents_run *run)
{
	uint64_t chunk = cutting->history->chunk;
	bool endless = run->count >= UINT64_MAX - run->index;
	uint64_t end = endless ? UINT64_MAX : run->index + run->count;

	part.write = run->write;
	part.line = run->line;
	part.group = run->group;
	part.from = run->index;
	part.to = end;
	if (endless) {
		parts_add(&cutting->endless, &part);
		return;
	}
	while (part.from < end) {
		part.unit = chunk ? part.from / chunk : 0;
		part.to = chunk ? min_of(end, (part.unit + 1) * chunk) : end;
		parts_add(&cutting->finite, &part);
		part.from = part.to;
	}
}

/* Whether another change may have put data from size on while a resize was under way. */
static bool
has_rival(const struct extents_history *history, const struct extents_operation *resize)
{
	for (uint32_t i = 0; i < history->count; i++) {
		const struct extents_operation *other = &history->operations[i];

		if (other == resize || other->begin > resize->end ||
		    (other->done && other->end < resize->begin))
			continue;
		if (other->kind == EXTENTS_RESIZE && other->size > resize->size)
			return true;
		for (uint32_t k = 0; other->kind == EXTENTS_CHANGE && k < other->run_count; k++)
			if (other->runs[k].write != EXTENTS_HOLE &&
			    other->runs[k].index + other->runs[k].count > resize->size)
				return true;
	}
	return false;
}

/* What a resize does: no cell from size on; zeros in the last one, perhaps; and there was one. */
static void
cut_resize(struct cutting *cutting, struct part part, const struct extents_operation *resize)
{
	struct extents_run gone = {.index = resize->size, .count = EXTENTS_ENDLESS};
	struct extents_run last = {
		.index = resize->size - 1, .count = 1, .write = EXTENTS_ZERO, .group = 1};

	cut_run(cutting, part, &gone);
	if (resize->size == 0)
		return;
	part.certain = false;
	cut_run(cutting, part, &last);
	if (!resize->done || has_rival(cutting->history, resize))
		return;
	last.write = EXTENTS_DATA;
	last.group = 2;
	part.looks = true;
	part.certain = true;
	cut_run(cutting, part, &last);
}

static void
cut_size(struct cutting *cutting, struct part part, const struct extents_operation *size)
{
	struct extents_run last = {.index = size->size - 1, .count = 1, .write = EXTENTS_DATA};
	struct extents_run gone = {.index = size->size, .count = EXTENTS_ENDLESS};

	part.looks = true;
	part.certain = true;
	cut_run(cutting, part, &gone);
	if (size->size > 0)
		cut_run(cutting, part, &last);
}

static void
cut_operation(struct cutting *cutting, uint32_t number)
{
	const struct extents_operation *operation = &cutting->history->operations[number];
	struct part part = {
		.operation = number,
		.looks = operation->kind == EXTENTS_LOOK,
		.certain = operation->done || operation->kind == EXTENTS_LOOK,
	};

	if (operation->kind == EXTENTS_RESIZE)
		cut_resize(cutting, part, operation);
	else if (operation->kind == EXTENTS_SIZE)
		cut_size(cutting, part, operation);
	for (uint32_t i = 0; operation->kind != EXTENTS_VOID && i < operation->run_count; i++)
		cut_run(cutting, part, &operation->runs[i]);
}

static int
part_compare(const void *one, const void *other)
{
	const struct part *a = one, *b = other;

	if (a->unit != b->unit)
		return a->unit < b->unit ? -1 : 1;
	if (a->operation != b->operation)
		return a->operation < b->operation ? -1 : 1;
	if (a->group != b->group)
		return a->group < b->group ? -1 : 1;
	if (a->line != b->line)
		return a->line < b->line ? -1 : 1;
	if (a->from != b->from)
		return a->from < b->from ? -1 : 1;
	return a->write < b->write ? -1 : a->write > b->write;
}

/* ------------------------------------------------ one unit */

/* Cells that every part of the unit covers whole or not at all. */
struct segment {
	uint64_t from, to;
	uint32_t line;
	uint64_t *real, *zero, *hole; /* nodes that write there */
};

struct unit {
	const struct extents_history *history;
	const struct part *parts;
	uint32_t part_count;
	struct segment *segments;
	uint32_t segment_count;
	struct extents_graph graph;
	uint32_t *nodes;  /* of each part, the first of them */
	uint64_t *writes; /* of each node */
	char *text;
	size_t text_size;
};

static int
segment_compare(const void *one, const void *other)
{
	const struct segment *a = one, *b = other;

	if (a->line != b->line)
		return a->line < b->line ? -1 : 1;
	return a->from < b->from ? -1 : a->from > b->from;
}

/* Between each two boundaries of a line lies a segment, perhaps one that no part covers. */
static void
segments_make(struct unit *unit)
{
	uint32_t count = 0, kept = 0;

	unit->segments = sim_take(2 * unit->part_count * sizeof(*unit->segments));
	for (uint32_t i = 0; i < unit->part_count; i++) {
		const struct part *part = &unit->parts[i];

		unit->segments[count++] = (struct segment){.line = part->line, .from = part->from};
		unit->segments[count++] = (struct segment){.line = part->line, .from = part->to};
	}
	qsort(unit->segments, count, sizeof(*unit->segments), segment_compare);
	for (uint32_t i = 0; i < count; i++)
		if (i == 0 || segment_compare(&unit->segments[i], &unit->segments[kept - 1]) != 0)
			unit->segments[kept++] = unit->segments[i];
	for (uint32_t i = 0; i < kept; i++) {
		bool last = i + 1 == kept || unit->segments[i + 1].line != unit->segments[i].line;

		unit->segments[i].to = last ? unit->segments[i].from : unit->segments[i + 1].from;
	}
	unit->segment_count = kept;
}

static uint32_t
segment_at(const struct unit *unit, uint32_t line, uint64_t from)
{
	struct segment key = {.line = line, .from = from};
	const struct segment *found =
		bsearch(&key, unit->segments, unit->segment_count, sizeof(key), segment_compare);

	ASSERT(found);
	return (uint32_t)(found - unit->segments);
}

static bool
same_node(const struct unit *unit, uint32_t a, uint32_t b)
{
	return unit->parts[a].operation == unit->parts[b].operation &&
	       unit->parts[a].group == unit->parts[b].group;
}

/* One for each operation and group; of a torn operation one for each of its segments. */
static void
nodes_make(struct unit *unit)
{
	uint32_t count = 0;

	unit->nodes = sim_take(unit->part_count * sizeof(*unit->nodes));
	for (uint32_t i = 0; i < unit->part_count; i++) {
		const struct part *part = &unit->parts[i];
		bool torn = unit->history->operations[part->operation].torn;

		if (!torn && i > 0 && same_node(unit, i, i - 1)) {
			unit->nodes[i] = unit->nodes[i - 1];
			continue;
		}
		unit->nodes[i] = count;
		count += torn ? segment_at(unit, part->line, part->to) -
					 segment_at(unit, part->line, part->from)
			      : 1;
	}
	extents_graph_init(&unit->graph, count);
	unit->writes = sim_take(max_of(count, 1u) * sizeof(*unit->writes));
}

static void
segments_fill(struct unit *unit)
{
	uint32_t words = unit->graph.words;

	for (uint32_t i = 0; i < unit->segment_count; i++) {
		unit->segments[i].real = sim_take(3 * words * sizeof(uint64_t));
		unit->segments[i].zero = unit->segments[i].real + words;
		unit->segments[i].hole = unit->segments[i].zero + words;
	}
}

/* Enters a part's nodes into the graph, and into the segments that it writes. */
static void
part_enter(struct unit *unit, uint32_t number)
{
	const struct part *part = &unit->parts[number];
	const struct extents_operation *operation = &unit->history->operations[part->operation];
	uint32_t first = segment_at(unit, part->line, part->from);
	uint32_t last = segment_at(unit, part->line, part->to);

	for (uint32_t i = first; i < last; i++) {
		uint32_t node = unit->nodes[number] + (operation->torn ? i - first : 0);
		struct segment *segment = &unit->segments[i];

		extents_graph_node(&unit->graph, node, operation->begin,
				   operation->done ? operation->end : EXTENTS_NEVER, part->certain);
		if (part->looks)
			continue;
		if (part->write != EXTENTS_HOLE && part->write != EXTENTS_ZERO)
			unit->writes[node] = part->write;
		extents_set(part->write == EXTENTS_HOLE	  ? segment->hole
			    : part->write == EXTENTS_ZERO ? segment->zero
							  : segment->real,
			    node);
	}
}

/* What a look saw of a segment: the nodes that explain it, and the others that write there. */
static void
sight_enter(struct unit *unit, const struct segment *segment, uint32_t node, uint64_t write,
	    uint32_t part)
{
	struct extents_graph *graph = &unit->graph;
	struct extents_sight *sight = extents_graph_sight(graph, node, part);
	bool data = write == EXTENTS_DATA, hole = write == EXTENTS_HOLE,
	     zero = write == EXTENTS_ZERO;

	sight->initial = hole || zero;
	for (uint32_t i = 0; i < graph->words; i++) {
		uint64_t all = segment->real[i] | segment->zero[i] | segment->hole[i];

		if (data)
			sight->sources[i] = segment->real[i] | segment->zero[i];
		else if (hole)
			sight->sources[i] = segment->hole[i];
		else if (zero)
			sight->sources[i] = segment->hole[i] | segment->zero[i];
		else
			sight->sources[i] =
				extents_matching(unit->writes, segment->real[i], i, write);
		sight->others[i] = all & ~sight->sources[i];
	}
	extents_graph_merge(graph);
}

static void
part_look(struct unit *unit, uint32_t number)
{
	const struct part *part = &unit->parts[number];
	bool torn = unit->history->operations[part->operation].torn;
	uint32_t first = segment_at(unit, part->line, part->from);
	uint32_t last = segment_at(unit, part->line, part->to);

	for (uint32_t i = first; i < last; i++)
		sight_enter(unit, &unit->segments[i], unit->nodes[number] + (torn ? i - first : 0),
			    part->write, number);
}

static void
unit_fini(struct unit *unit)
{
	for (uint32_t i = 0; i < unit->segment_count; i++)
		free(unit->segments[i].real);
	free(unit->segments);
	free(unit->nodes);
	free(unit->writes);
	extents_graph_fini(&unit->graph);
}

/* ------------------------------------------------ telling */

static uint32_t
operation_of(const struct unit *unit, uint32_t node)
{
	uint32_t found = 0;

	for (uint32_t i = 0; i < unit->part_count; i++)
		if (unit->nodes[i] <= node)
			found = i;
	return unit->parts[found].operation;
}

static void
unit_accuse(struct unit *unit, const struct extents_fault *fault)
{
	const struct part *part = &unit->parts[fault->tag];
	char line[700];
	size_t used;

	extents_print(&unit->history->operations[part->operation], line, sizeof(line));
	used = (size_t)snprintf(unit->text, unit->text_size,
				"line %u, cells %llu to %llu as seen cannot be: %s", part->line,
				(unsigned long long)part->from, (unsigned long long)part->to, line);
	for (uint32_t i = 0; i < ARRAY_SIZE(fault->nodes) && used < unit->text_size; i++) {
		if (fault->nodes[i] == UINT32_MAX)
			continue;
		extents_print(&unit->history->operations[operation_of(unit, fault->nodes[i])], line,
			      sizeof(line));
		used += (size_t)snprintf(unit->text + used, unit->text_size - used, "; %s %s",
					 i == 0 ? "covered by" : "source", line);
	}
}

/* ------------------------------------------------ judgement */

static bool
unit_check(const struct extents_history *history, const struct parts *parts, char *text,
	   size_t text_size)
{
	struct unit unit = {.history = history,
			    .parts = parts->parts,
			    .part_count = parts->count,
			    .text = text,
			    .text_size = text_size};
	struct extents_fault fault;
	bool good;

	segments_make(&unit);
	nodes_make(&unit);
	segments_fill(&unit);
	for (uint32_t i = 0; i < unit.part_count; i++)
		part_enter(&unit, i);
	for (uint32_t i = 0; i < unit.part_count; i++)
		if (unit.parts[i].looks)
			part_look(&unit, i);
	good = extents_graph_solve(&unit.graph, &fault);
	if (!good)
		unit_accuse(&unit, &fault);
	unit_fini(&unit);
	return good;
}

/* The parts of one unit, the endless ones clipped to it. */
static void
unit_gather(const struct cutting *cutting, uint32_t first, uint32_t last, struct parts *parts)
{
	uint64_t chunk = cutting->history->chunk, unit = cutting->finite.parts[first].unit;
	uint64_t from = chunk ? unit * chunk : 0;
	uint64_t to = chunk ? from + chunk : UINT64_MAX;

	parts->count = 0;
	for (uint32_t i = first; i < last; i++)
		parts_add(parts, &cutting->finite.parts[i]);
	for (uint32_t i = 0; i < cutting->endless.count; i++) {
		struct part part = cutting->endless.parts[i];

		part.unit = unit;
		part.from = max_of(part.from, from);
		part.to = to;
		if (part.from < part.to)
			parts_add(parts, &part);
	}
	qsort(parts->parts, parts->count, sizeof(*parts->parts), part_compare);
}

bool
extents_check(const struct extents_history *history, char *text, size_t text_size)
{
	struct cutting cutting = {.history = history};
	struct parts parts = {0};
	bool good = true;

	for (uint32_t i = 0; i < history->count; i++)
		cut_operation(&cutting, i);
	if (cutting.finite.count > 0)
		qsort(cutting.finite.parts, cutting.finite.count, sizeof(*cutting.finite.parts),
		      part_compare);
	for (uint32_t first = 0, last; good && first < cutting.finite.count; first = last) {
		last = first + 1;
		while (last < cutting.finite.count &&
		       cutting.finite.parts[last].unit == cutting.finite.parts[first].unit)
			last++;
		unit_gather(&cutting, first, last, &parts);
		good = unit_check(history, &parts, text, text_size);
	}
	free(parts.parts);
	free(cutting.finite.parts);
	free(cutting.endless.parts);
	return good;
}

/* ------------------------------------------------ what nobody wrote */

/* How many cells of run, from its first on, some write that began before `end` explains. */
static uint64_t
known_cells(const struct extents_history *history, const struct extents_run *run, uint64_t end)
{
	for (uint32_t i = 0; i < history->count; i++) {
		const struct extents_operation *operation = &history->operations[i];

		if (operation->kind != EXTENTS_CHANGE || operation->begin > end)
			continue;
		for (uint32_t k = 0; k < operation->run_count; k++) {
			const struct extents_run *written = &operation->runs[k];

			if (written->write == run->write && written->line == run->line &&
			    run->index - written->index < written->count)
				return min_of(run->count,
					      written->count - (run->index - written->index));
		}
	}
	return 0;
}

bool
extents_known(const struct extents_history *history, char *text, size_t text_size)
{
	for (uint32_t i = 0; i < history->count; i++) {
		const struct extents_operation *look = &history->operations[i];

		for (uint32_t k = 0; look->kind == EXTENTS_LOOK && k < look->run_count; k++) {
			struct extents_run run = look->runs[k];
			uint64_t known;

			if (run.write == EXTENTS_HOLE || run.write >= EXTENTS_DATA)
				continue;
			for (; run.count > 0; run.index += known, run.count -= known) {
				known = known_cells(history, &run, look->end);
				if (known > 0)
					continue;
				snprintf(text, text_size,
					 "write %llu seen at line %u, cell %llu: nobody wrote it",
					 (unsigned long long)run.write, run.line,
					 (unsigned long long)run.index);
				return false;
			}
		}
	}
	return true;
}
