/* SPDX-License-Identifier: BSD-2-Clause-Patent */
/* Drawing a plan from a seed: knobs, faults, fault points. */
#include <stdlib.h>
#include <string.h>

#include "sim/plan.h"
#include "sim/points.h"

/* ------------------------------------------------ streams */

struct stream
stream_named(uint64_t seed, const char *name, uint64_t number)
{
	uint64_t state = mix64(seed + 0x9e3779b97f4a7c15ull);

	for (const char *c = name; *c; c++)
		state = mix64(state ^ (uint8_t)*c);
	return (struct stream){mix64(state + number)};
}

uint64_t
stream_next64(struct stream *stream)
{
	stream->state += 0x9e3779b97f4a7c15ull;
	return mix64(stream->state);
}

uint64_t
stream_draw(struct stream *stream, uint64_t limit)
{
	return (uint64_t)(((unsigned __int128)stream_next64(stream) * limit) >> 64);
}

uint64_t
stream_between(struct stream *stream, uint64_t low, uint64_t high)
{
	return low + stream_draw(stream, high - low + 1);
}

bool
stream_chance(struct stream *stream, uint32_t percent)
{
	return stream_draw(stream, 100) < percent;
}

uint64_t
stream_scaled(struct stream *stream, uint64_t low, uint64_t high)
{
	uint64_t top = max_of(low, 1ull);

	while (top < high && stream_draw(stream, 3) > 0)
		top = top > high / 2 ? high : top * 2;
	return stream_between(stream, low, min_of(top, high));
}

/* ------------------------------------------------ profiles */

#define ON(profile) (1u << PROFILE_##profile)
#define DISKS (ON(SWARM) | ON(DISK))
#define NETS (ON(SWARM) | ON(NET))
#define POWERS (ON(SWARM) | ON(POWER) | ON(DISK))
#define CLOCKS (ON(SWARM) | ON(CLOCK))

static const char *const profile_names[PROFILES] = {"swarm", "lite",	"disk",	   "net",
						    "power", "clock",	"rebuild", "txn",
						    "ec",    "upgrade", "hostile"};

const char *
profile_name(enum profile profile)
{
	return profile_names[profile];
}

int
profile_named(const char *name, enum profile *ret_profile)
{
	for (uint32_t i = 0; i < PROFILES; i++) {
		if (strcmp(profile_names[i], name) == 0) {
			*ret_profile = (enum profile)i;
			return 0;
		}
	}
	return error_raise(-DER_NONEXIST, "there is no profile \"%s\"", name);
}

bool
profile_built(enum profile profile)
{
	return profile < PROFILE_REBUILD;
}

/* ------------------------------------------------ faults */

static const struct fault_kind fault_kinds[FAULT_CLASSES] = {
	[FAULT_CRASH] = {"crash", HARM_NONE, POWERS | ON(NET) | ON(CLOCK), 3, 10, false},
	[FAULT_POWER_CUT] = {"power-cut", HARM_NONE, POWERS, 3, 10, false},
	[FAULT_POWER_CUT_ALL] = {"power-cut-all", HARM_NONE, POWERS, 1, 3, false},
	[FAULT_CLIENT_CRASH] = {"client-crash", HARM_NONE, POWERS | ON(NET), 1, 4, true},
	[FAULT_PAUSE] = {"pause", HARM_ERRORS, CLOCKS | ON(NET), 1, 3, false},
	[FAULT_CLIENT_PAUSE] = {"client-pause", HARM_ERRORS, CLOCKS | ON(NET), 1, 3, true},
	[FAULT_CLOCK_STEP] = {"clock-step", HARM_NONE, CLOCKS, 1, 4, false},
	[FAULT_CLOCK_DRIFT] = {"clock-drift", HARM_NONE, CLOCKS, 1, 4, false},
	[FAULT_CLOCK_BACK] = {"clock-back", HARM_NONE, CLOCKS, 1, 4, false},
	[FAULT_ALLOCATION] = {"allocation", HARM_ERRORS, ON(SWARM), 1, 6, false},
	[FAULT_CLIENT_ALLOCATION] = {"client-allocation", HARM_ERRORS, ON(SWARM), 1, 4, true},
	[FAULT_UNREADABLE] = {"unreadable", HARM_ERRORS, DISKS, 1, 3, false},
	[FAULT_BIT_FLIP] = {"bit-flip", HARM_DATA, DISKS, 1, 3, false},
	[FAULT_READ_FLIP] = {"read-flip", HARM_ERRORS, DISKS, 1, 4, false},
	[FAULT_LOST_WRITE] = {"lost-write", HARM_DATA, DISKS, 1, 3, false},
	[FAULT_MISDIRECTED] = {"misdirected-write", HARM_DATA, DISKS, 1, 3, false},
	[FAULT_STALE_READ] = {"stale-read", HARM_ERRORS, DISKS, 1, 4, false},
	[FAULT_WRITE_ERROR] = {"write-error", HARM_ERRORS, DISKS, 1, 4, false},
	[FAULT_READ_ERROR] = {"read-error", HARM_ERRORS, DISKS, 1, 4, false},
	[FAULT_FLUSH_LOST] = {"flush-lost", HARM_ERRORS, DISKS, 1, 4, false},
	[FAULT_SLOW_DISK] = {"slow-disk", HARM_ERRORS, DISKS, 1, 3, false},
	[FAULT_FULL_DISK] = {"full-disk", HARM_ERRORS, DISKS, 1, 3, false},
	[FAULT_DELAY] = {"delay", HARM_NONE, NETS, 1, 4, true},
	[FAULT_RESET] = {"reset", HARM_NONE, NETS, 2, 8, true},
	[FAULT_LOST_REPLY] = {"lost-reply", HARM_NONE, NETS, 2, 8, true},
	[FAULT_PARTITION] = {"partition", HARM_ERRORS, NETS, 1, 3, false},
	[FAULT_LINK_CUT] = {"link-cut", HARM_ERRORS, NETS, 1, 4, true},
	[FAULT_ONE_WAY] = {"one-way-cut", HARM_ERRORS, NETS, 1, 4, true},
	[FAULT_CLOG] = {"clog", HARM_ERRORS, NETS, 1, 4, true},
	[FAULT_BANDWIDTH] = {"bandwidth", HARM_ERRORS, NETS, 1, 3, true},
	[FAULT_FRAME_DAMAGE] = {"frame-damage", HARM_NONE, NETS, 2, 6, true},
	[FAULT_BULK_DAMAGE] = {"bulk-damage", HARM_NONE, NETS, 2, 6, true},
	[FAULT_LATE_BULK] = {"late-bulk", HARM_NONE, NETS, 1, 4, true},
};

const struct fault_kind *fault_kind(enum fault_class class)
{
	return &fault_kinds[class];
}

int
fault_named(const char *name, enum fault_class *ret_class)
{
	for (uint32_t i = 0; i < FAULT_CLASSES; i++) {
		if (strcmp(fault_kinds[i].name, name) == 0) {
			*ret_class = (enum fault_class)i;
			return 0;
		}
	}
	return error_raise(-DER_NONEXIST, "there is no fault \"%s\"", name);
}

/* How long a fault of each class lasts: mostly shortly, sometimes beyond every patience. */
static uint64_t
draw_length(struct stream *stream, enum fault_class class)
{
	bool node = class <= FAULT_CLIENT_CRASH;

	if (class == FAULT_CLOCK_BACK)
		return stream_scaled(stream, MILLISECOND, 400 * MILLISECOND);
	/* Some outlast the patience of every call (60 s). */
	if (class == FAULT_PAUSE && stream_chance(stream, 20))
		return stream_between(stream, 50 * SECOND, 120 * SECOND);
	if (class == FAULT_PAUSE || class == FAULT_CLIENT_PAUSE)
		return stream_scaled(stream, 20 * MILLISECOND, 120 * SECOND);
	if (stream_chance(stream, 3))
		return stream_between(stream, 20 * SECOND, 90 * SECOND);
	return stream_scaled(stream, node ? MILLISECOND : 10 * MILLISECOND, 8 * SECOND);
}

static void
draw_class(struct plan *plan, enum fault_class class)
{
	const struct fault_kind *kind = &fault_kinds[class];
	struct stream stream = stream_named(plan->seed, kind->name, 0);
	uint64_t count = stream_between(&stream, kind->least, kind->most);

	for (uint64_t i = 0; i < count && plan->fault_count < FAULTS_MAX; i++) {
		struct fault *fault = &plan->faults[plan->fault_count++];

		*fault = (struct fault){.class = (uint16_t) class};
		fault->at = stream_draw(&stream, plan->knobs[KNOB_SECONDS] * SECOND);
		fault->length = draw_length(&stream, class);
		fault->server = (uint16_t)stream_draw(&stream, plan->knobs[KNOB_SERVERS]);
		fault->client = (uint16_t)stream_draw(&stream, plan->knobs[KNOB_CLIENTS]);
		fault->a = stream_next64(&stream);
		fault->b = stream_next64(&stream);
	}
}

/* What damages content is rare: a run without it holds everything to the letter. */
static uint32_t
class_chance(const struct plan *plan, enum fault_class class)
{
	if (!(fault_kinds[class].profiles & 1u << plan->profile))
		return 0;
	if (fault_kinds[class].harm == HARM_DATA)
		return plan->profile == PROFILE_DISK ? 30 : 15;
	return plan->profile == PROFILE_SWARM ? 50 : 80;
}

static int
compare_faults(const void *one, const void *other)
{
	const struct fault *a = one, *b = other;

	if (a->at != b->at)
		return a->at < b->at ? -1 : 1;
	return (int)a->class - (int)b->class;
}

static void
draw_faults(struct plan *plan)
{
	for (uint32_t class = 0; class < FAULT_CLASSES; class ++) {
		struct stream stream = stream_named(plan->seed, "class", class);

		if (stream_chance(&stream, class_chance(plan, (enum fault_class) class)))
			draw_class(plan, (enum fault_class) class);
	}
	qsort(plan->faults, plan->fault_count, sizeof(plan->faults[0]), compare_faults);
}

/* ------------------------------------------------ knobs */

enum draw { DRAW_BETWEEN, DRAW_SCALED, DRAW_BITS };

/* In most seeds a knob lies between low and high; in 15 of 100 it takes one of the extremes. */
static const struct knob_rule {
	const char *name;
	uint64_t low, high;
	enum draw draw;
	uint8_t extremes;
	uint64_t extreme[4];
} knob_rules[KNOBS] = {
	[KNOB_SERVERS] = {"servers", 1, 2, DRAW_BETWEEN, 1, {3}},
	[KNOB_CLIENTS] = {"clients", 2, 4, DRAW_BETWEEN, 2, {1, 6}},
	[KNOB_ACTORS] = {"actors", 2, 3, DRAW_BETWEEN, 2, {1, 6}},
	[KNOB_OPERATIONS] = {"operations", 2000, 3000, DRAW_BETWEEN, 0, {0}},
	[KNOB_SECONDS] = {"seconds", 20, 60, DRAW_BETWEEN, 1, {8}},
	[KNOB_SCHEDULE] = {"schedule", 0, 2, DRAW_BETWEEN, 0, {0}},
	[KNOB_CHANGES] = {"changes", 1, 3, DRAW_BETWEEN, 0, {0}},
	[KNOB_SLICE] = {"slice-ns", 1000, 50000, DRAW_SCALED, 2, {1, 1000000}},
	[KNOB_TARGETS] = {"targets", 1, 3, DRAW_BETWEEN, 1, {4}},
	[KNOB_LOOPS] = {"loops", 1, 2, DRAW_BETWEEN, 1, {3}},
	[KNOB_LOG_SIZE] = {"log-size", 4 << 20, 16 << 20, DRAW_SCALED, 2, {1 << 20, 2 << 20}},
	[KNOB_INLINE_LIMIT] = {"inline-limit", 0, 0, DRAW_BETWEEN, 3, {1, 4096, 65536}},
	[KNOB_CHECKPOINT] =
		{"checkpoint-ns", 1000000000, 5000000000, DRAW_SCALED, 2, {50000000, 300000000000}},
	[KNOB_POOL_SIZE] = {"pool-size", 64 << 20, 64 << 20, DRAW_BETWEEN, 2, {16 << 20, 24 << 20}},
	[KNOB_CHECKSUMS] = {"checksums", 1, 1, DRAW_BETWEEN, 0, {0}},
	[KNOB_KEYS] = {"keys", 8, 64, DRAW_SCALED, 2, {2, 400}},
	[KNOB_VALUE_SIZE] = {"value-size", 256, 16384, DRAW_SCALED, 2, {64, 200000}},
	[KNOB_DISK_READ] = {"disk-read-ns", 10000, 200000, DRAW_SCALED, 2, {100, 10000000}},
	[KNOB_DISK_WRITE] = {"disk-write-ns", 10000, 200000, DRAW_SCALED, 2, {100, 10000000}},
	[KNOB_DISK_FLUSH] = {"disk-flush-ns", 50000, 2000000, DRAW_SCALED, 2, {100, 30000000}},
	[KNOB_DISK_ANY_ORDER] = {"disk-any-order", 0, 1, DRAW_BETWEEN, 0, {0}},
	[KNOB_DISK_STABLE] = {"disk-stable", 0, 0, DRAW_BETWEEN, 1, {1}},
	[KNOB_SHORN] = {"shorn", 0, 1, DRAW_BETWEEN, 0, {0}},
	[KNOB_LINK_DELAY] = {"link-delay-ns", 5000, 1000000, DRAW_SCALED, 2, {100, 50000000}},
	[KNOB_LINK_JITTER] = {"link-jitter-ns", 0, 1000000, DRAW_SCALED, 1, {50000000}},
	[KNOB_WORKLOADS] = {"workloads", 0, 255, DRAW_BITS, 0, {0}},
	[KNOB_OPERATION_MASK] = {"operation-mask", 0, UINT32_MAX, DRAW_BITS, 1, {UINT32_MAX}},
};

const char *
knob_name(enum knob knob)
{
	return knob_rules[knob].name;
}

int
knob_named(const char *name, enum knob *ret_knob)
{
	for (uint32_t i = 0; i < KNOBS; i++) {
		if (strcmp(knob_rules[i].name, name) == 0) {
			*ret_knob = (enum knob)i;
			return 0;
		}
	}
	return error_raise(-DER_NONEXIST, "there is no knob \"%s\"", name);
}

/* Each bit stays in with three quarters, and never none of them. */
static uint64_t
draw_bits(struct stream *stream, uint64_t mask)
{
	uint64_t bits = (stream_next64(stream) | stream_next64(stream)) & mask;

	return bits ? bits : mask;
}

static uint64_t
draw_knob(uint64_t seed, enum knob knob)
{
	const struct knob_rule *rule = &knob_rules[knob];
	struct stream stream = stream_named(seed, rule->name, 0);

	if (rule->extremes > 0 && stream_chance(&stream, 15))
		return rule->extreme[stream_draw(&stream, rule->extremes)];
	switch (rule->draw) {
	case DRAW_BETWEEN:
		return stream_between(&stream, rule->low, rule->high);
	case DRAW_SCALED:
		return stream_scaled(&stream, rule->low, rule->high);
	case DRAW_BITS:
		break;
	}
	return draw_bits(&stream, rule->high);
}

/* ------------------------------------------------ the whole */

/* One quarter of the points may fire, each with a probability of its own; one may fire always. */
static void
draw_points(struct plan *plan)
{
	struct stream stream = stream_named(plan->seed, "points", 0);
	uint32_t count = points_count();
	uint64_t always = stream_chance(&stream, 10) && count ? stream_draw(&stream, count)
							      : UINT64_MAX;

	if (plan->profile == PROFILE_LITE || stream_chance(&stream, 20))
		return;
	for (uint32_t i = 0; i < count && plan->armed_count < ARMED_MAX; i++) {
		struct stream own = stream_named(plan->seed, points_name(i), 0);
		struct armed_point *point = &plan->armed[plan->armed_count];

		if (!stream_chance(&own, 25) && i != always)
			continue;
		snprintf(point->name, sizeof(point->name), "%s", points_name(i));
		point->probability = i == always ? 65536 : (uint32_t)stream_scaled(&own, 30, 16384);
		plan->armed_count++;
	}
}

void
plan_draw(uint64_t seed, const struct plan_options *options, struct plan *ret_plan)
{
	struct plan *plan = ret_plan;

	memset(plan, 0, sizeof(*plan));
	plan->seed = seed;
	plan->profile = options->profile;
	plan->bug = options->bug;
	for (uint32_t i = 0; i < KNOBS; i++)
		plan->knobs[i] = options->fixed[i] ? options->knobs[i]
						   : draw_knob(seed, (enum knob)i);
	plan->knobs[KNOB_LOOPS] = min_of(plan->knobs[KNOB_LOOPS], plan->knobs[KNOB_TARGETS]);
	draw_faults(plan);
	draw_points(plan);
}
