/* SPDX-License-Identifier: BSD-2-Clause-Patent */
/* See scenarios.h. */
#include "scenarios.h"

#define SETTLE (20 * PERIOD)

static uint32_t
bit(uint32_t rank)
{
	return 1u << rank;
}

static void
settle(struct world *world)
{
	world_start(world);
	(void)expect_convergence(world, SETTLE, "start");
	told_clear(world);
}

/* ------------------------------------------------ deaths and false alarms */

/* Some nodes die at once; all others know in time, and think nothing ill of one another. */
static void
crash(struct world *world)
{
	uint32_t victims = 1 + draw(world, world->count / 3), dead = 0;

	settle(world);
	world->loss = draw(world, 51);
	world->late = draw(world, 2) * 50;
	world_run(world, PERIOD * draw(world, 5) + draw(world, 1000) * MILLISECOND);
	for (uint32_t i = 0; i < victims; i++) {
		uint32_t rank = draw(world, world->count);

		dead |= bit(rank);
		node_crash(world, rank);
	}
	(void)expect_convergence(world, detection_limit(world), "crash");
	expect_never(world, ~dead, ~dead, SWIM_EVENT_DEAD, "crash");
	expect_bounds(world);
}

/* One message in five is lost, some come late or twice: nobody healthy is evicted. */
static void
loss(struct world *world)
{
	settle(world);
	world->loss = 200;
	world->late = 20;
	world->duplicate = 50;
	world_run(world, 60 * PERIOD);
	expect_never(world, ALL, ALL, SWIM_EVENT_DEAD, "loss");
	links_heal(world);
	(void)expect_convergence(world, SETTLE, "loss");
	expect_bounds(world);
}

/* Two nodes cannot reach each other: the others vouch for them, nobody is even suspected. */
static void
single_link(struct world *world)
{
	uint32_t from = draw(world, world->count);
	uint32_t to = (from + 1 + draw(world, world->count - 1)) % world->count;

	settle(world);
	world->cut[from][to] = true;
	world->cut[to][from] = draw(world, 2);
	world_run(world, 3 * world->count * PERIOD);
	expect_never(world, ALL, ALL, SWIM_EVENT_SUSPECTED, "single link");
	expect_never(world, ALL, ALL, SWIM_EVENT_DEAD, "single link");
	expect_bounds(world);
}

/* A short pause: suspected, and the suspicion refuted by a higher incarnation. */
static void
refutation(struct world *world)
{
	uint32_t rank = draw(world, world->count), suspected = 0;
	uint64_t before;

	settle(world);
	before = swim_incarnation(world->nodes[rank].swim);
	node_pause(world, rank, 3 * PERIOD + 500 * MILLISECOND);
	world_run(world, 3 * PERIOD + 500 * MILLISECOND);
	(void)expect_convergence(world, 8 * PERIOD, "refutation");
	world_run(world, 2 * SUSPICION);
	expect_never(world, ALL, ALL, SWIM_EVENT_DEAD, "refutation");
	for (uint32_t i = 0; i < world->count; i++)
		suspected += world->nodes[i].told[rank].count[SWIM_EVENT_SUSPECTED];
	if (suspected == 0)
		violate(world, "refutation: a pause of more than three periods went unnoticed");
	if (swim_incarnation(world->nodes[rank].swim) <= before)
		violate(world, "refutation: the incarnation did not rise");
	expect_bounds(world);
}

/* Long pauses, again and again: who slept does not take the others for dead. */
static void
pauses(struct world *world)
{
	uint32_t rank = draw(world, world->count);

	settle(world);
	/* Slow links: a probe is often open when the pause begins. */
	world->delay = 200 * MILLISECOND;
	for (uint32_t i = 0; i < 5; i++) {
		node_pause(world, rank, (10 + draw(world, 110)) * SECOND);
		world_run(world, world->nodes[rank].paused_until - world->now +
					 draw(world, 3000) * MILLISECOND);
	}
	expect_never(world, ALL, ~bit(rank), SWIM_EVENT_SUSPECTED, "pauses");
	expect_never(world, ALL, ~bit(rank), SWIM_EVENT_DEAD, "pauses");
	links_heal(world);
	(void)expect_convergence(world, 2 * SETTLE, "pauses");
	expect_bounds(world);
}

/* A member falls asleep while it suspects another: what is due when it wakes up is not the other's
 * fault, who has long refuted it. */
static void
sleeper(struct world *world)
{
	uint32_t rank = draw(world, world->count);
	uint32_t other = (rank + 1 + draw(world, world->count - 1)) % world->count;

	settle(world);
	node_pause(world, other, 4 * PERIOD);
	for (uint32_t i = 0; i < 40; i++) {
		world_run(world, PERIOD / 10);
		if (world->nodes[rank].told[other].last == SWIM_EVENT_SUSPECTED)
			break;
	}
	node_pause(world, rank, (SUSPICION / SECOND + 2 + draw(world, 60)) * SECOND);
	world_run(world, world->nodes[rank].paused_until - world->now + 5 * PERIOD);
	expect_never(world, ALL, ~bit(rank), SWIM_EVENT_DEAD, "sleeper");
	(void)expect_convergence(world, 2 * SETTLE, "sleeper");
	expect_bounds(world);
}

/* ------------------------------------------------ partitions */

static void
partition(struct world *world, uint32_t side, bool one_way)
{
	for (uint32_t i = 0; i < world->count; i++)
		for (uint32_t j = 0; j < world->count; j++)
			if ((side >> i & 1) && !(side >> j & 1)) {
				world->cut[i][j] = true;
				world->cut[j][i] = !one_way;
			}
}

/* Both sides take the other for dead, and for nobody else; they find each other again. */
static void
two_sides(struct world *world)
{
	uint32_t side = 1 + draw(world, (1u << world->count) - 2);

	settle(world);
	partition(world, side, false);
	/* A lone one probes all the others itself, at a quarter of the pace. */
	world_run(world, 2 * SUSPICION + (4 * world->count + 10) * PERIOD);
	expect_never(world, side, side, SWIM_EVENT_DEAD, "two sides");
	expect_never(world, ~side, ~side, SWIM_EVENT_DEAD, "two sides");
	for (uint32_t i = 0; i < world->count; i++)
		for (uint32_t j = 0; j < world->count; j++)
			if ((side >> i & 1) != (side >> j & 1) &&
			    world->nodes[i].told[j].last != SWIM_EVENT_DEAD)
				violate(world, "two sides: rank %u still waits for rank %u", i, j);
	links_heal(world);
	(void)expect_convergence(world, 3 * SETTLE, "healed");
	told_clear(world);
	world_run(world, 3 * SUSPICION);
	expect_never(world, ALL, ALL, SWIM_EVENT_DEAD, "healed");
	expect_bounds(world);
}

/* Whoever is evicted must not come back before the link is healed, and evicts nobody. */
static void
one_way(struct world *world, bool mute)
{
	uint32_t victim = draw(world, world->count), others = ~bit(victim);

	settle(world);
	partition(world, mute ? bit(victim) : others, true);
	world_run(world, 12 * SUSPICION);
	expect_never(world, others, others, SWIM_EVENT_DEAD, "one way");
	for (uint32_t i = 0; i < world->count; i++) {
		const struct told *told = &world->nodes[i].told[victim];

		if (i != victim &&
		    (told->count[SWIM_EVENT_DEAD] != 1 || told->count[SWIM_EVENT_JOINED] != 0))
			violate(world, "one way: rank %u was told %u times that rank %u is dead", i,
				told->count[SWIM_EVENT_DEAD], victim);
	}
	if (mute && (!swim_excluded(world->nodes[victim].swim) ||
		     swim_incarnation(world->nodes[victim].swim) > 8))
		violate(world, "one way: rank %u does not wait until it is heard", victim);
	links_heal(world);
	(void)expect_convergence(world, 3 * SETTLE, "one way, healed");
	expect_bounds(world);
}

static void
deaf(struct world *world)
{
	one_way(world, false);
}

static void
mute(struct world *world)
{
	one_way(world, true);
}

/* ------------------------------------------------ coming and going */

/* A process that remembers nothing takes the place of another, sooner or later. */
static void
restart(struct world *world)
{
	uint32_t rank = draw(world, world->count), told = 0;
	uint64_t down = draw(world, 2) ? 0 : (uint64_t)draw(world, 20000) * MILLISECOND;

	settle(world);
	world->loss = draw(world, 2) * 50;
	for (uint32_t i = 0; i < 3; i++) {
		node_crash(world, rank);
		world_run(world, down);
		node_start(world, rank, ALL);
		(void)expect_convergence(world, 2 * SETTLE, "restart");
	}
	for (uint32_t i = 0; i < world->count; i++)
		told += world->nodes[i].told[rank].count[SWIM_EVENT_RESTARTED] +
			world->nodes[i].told[rank].count[SWIM_EVENT_JOINED];
	if (told < 3 * (world->count - 1))
		violate(world, "restart: only %u nodes were told", told);
	expect_never(world, ALL, ~bit(rank), SWIM_EVENT_DEAD, "restart");
	expect_bounds(world);
}

/* All processes start anew at about the same time. */
static void
cold_start(struct world *world)
{
	settle(world);
	for (uint32_t i = 0; i < world->count; i++)
		node_crash(world, i);
	world_run(world, 3 * PERIOD);
	for (uint32_t i = 0; i < world->count; i++) {
		node_start(world, i, ALL);
		world_run(world, draw(world, 500) * MILLISECOND);
	}
	/* Nobody has a table to give: each is met by each in a round of probes at the latest. */
	(void)expect_convergence(world, SETTLE + 2 * world->count * PERIOD, "cold start");
	told_clear(world);
	world_run(world, 2 * SUSPICION);
	expect_never(world, ALL, ALL, SWIM_EVENT_DEAD, "cold start");
	expect_bounds(world);
}

/* Joins by way of one member that has never heard of it; leaves; comes back. */
static void
join_and_leave(struct world *world)
{
	uint32_t last = world->count - 1;

	for (uint32_t i = 0; i < last; i++)
		node_start(world, i, ALL & ~bit(last));
	(void)expect_convergence(world, SETTLE, "start");
	node_start(world, last, bit(draw(world, last)));
	(void)expect_convergence(world, SETTLE, "join");
	told_clear(world);
	for (uint32_t i = 0; i < 2; i++) {
		node_leave(world, last);
		world_run(world, 4 * PERIOD);
		if (world->nodes[last].state != NODE_LEFT)
			violate(world, "leave: it takes too long");
		(void)expect_convergence(world, SETTLE, "leave");
		world_run(world, 3 * SUSPICION);
		expect_never(world, ALL, ALL, SWIM_EVENT_DEAD, "leave");
		expect_never(world, ALL, ALL, SWIM_EVENT_SUSPECTED, "leave");
		node_start(world, last, bit(draw(world, last)));
		(void)expect_convergence(world, SETTLE, "rejoin");
	}
	expect_bounds(world);
}

/* ------------------------------------------------ anything */

static void
storm_step(struct world *world)
{
	uint32_t rank = draw(world, world->count), other = draw(world, world->count);

	switch (draw(world, 10)) {
	case 0:
		node_crash(world, rank);
		break;
	case 1:
	case 2:
		if (world->nodes[rank].state != NODE_UP)
			node_start(world, rank, ALL);
		break;
	case 3:
		node_pause(world, rank, (uint64_t)draw(world, 30000) * MILLISECOND);
		break;
	case 4:
		node_leave(world, rank);
		break;
	case 5:
		partition(world, draw(world, 1u << world->count), draw(world, 2));
		break;
	case 6:
		if (rank != other)
			world->cut[rank][other] = true;
		break;
	case 7:
		world->loss = draw(world, 300);
		world->late = draw(world, 100);
		world->duplicate = draw(world, 200);
		break;
	default:
		links_heal(world);
	}
}

/* Everything in any order, then a rest: what is up then finds together and stays together. */
static void
storm(struct world *world)
{
	world_start(world);
	for (uint32_t i = 0; i < 40; i++) {
		storm_step(world);
		world_run(world, (uint64_t)draw(world, 8000) * MILLISECOND);
	}
	links_heal(world);
	world_run(world, 5 * PERIOD); /* leavers finish */
	(void)expect_convergence(world, 5 * SETTLE, "storm");
	told_clear(world);
	world_run(world, 3 * SUSPICION);
	expect_never(world, ALL, ALL, SWIM_EVENT_DEAD, "after the storm");
	expect_never(world, ALL, ALL, SWIM_EVENT_JOINED, "after the storm");
	(void)expect_convergence(world, PERIOD, "after the storm");
	expect_bounds(world);
}

const struct scenario scenarios[] = {
	{"crash", crash, 2, 20},
	{"loss", loss, 4, 20},
	{"single link", single_link, 3, 16},
	{"refutation", refutation, 3, 20},
	{"pauses", pauses, 3, 12},
	{"sleeper", sleeper, 2, 6},
	{"two sides", two_sides, 2, 20},
	{"deaf", deaf, 3, 16},
	{"mute", mute, 3, 16},
	{"restart", restart, 2, 16},
	{"cold start", cold_start, 2, 20},
	{"join and leave", join_and_leave, 2, 16},
	{"storm", storm, 2, 16},
};
const uint32_t scenario_count = ARRAY_SIZE(scenarios);

void
scenario_run(const struct scenario *scenario, uint64_t seed, char violation[256], uint64_t *steps)
{
	struct world *world = calloc(1, sizeof(*world));
	uint32_t span = scenario->nodes_max - scenario->nodes_min + 1;

	ASSERT(world != NULL);
	world_init(world, scenario->nodes_min + (uint32_t)(mix64(seed) % span), seed);
	scenario->run(world);
	*steps += world->steps;
	memcpy(violation, world->violation, 256);
	world_fini(world);
	free(world);
}
