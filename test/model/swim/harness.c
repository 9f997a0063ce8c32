/* SPDX-License-Identifier: BSD-2-Clause-Patent */
/* See harness.h. */
#include "harness.h"

#define GROUP 0x5caff01dull

/* A message under way, or a node's deadline (length 0). */
struct happening {
	struct queue_node link;
	uint32_t node;
	uint64_t wake; /* equals awake_at, unless the deadline has moved */
	uint32_t length;
	uint8_t data[];
};

/* ------------------------------------------------ chance */

uint32_t
draw(struct world *world, uint32_t limit)
{
	world->random += 0x9e3779b97f4a7c15ull;
	return (uint32_t)(((mix64(world->random) >> 32) * limit) >> 32);
}

bool
chance(struct world *world, uint32_t per_thousand)
{
	return draw(world, 1000) < per_thousand;
}

void
violate(struct world *world, const char *format, ...)
{
	va_list arguments;

	if (violated(world))
		return;
	va_start(arguments, format);
	vsnprintf(world->violation, sizeof(world->violation), format, arguments);
	va_end(arguments);
}

bool
violated(const struct world *world)
{
	return world->violation[0] != 0;
}

/* ------------------------------------------------ events */

static void
happen(struct world *world, uint64_t at, uint32_t node, const void *data, uint32_t length)
{
	struct happening *happening = calloc(1, sizeof(*happening) + length);

	ASSERT(happening != NULL);
	happening->node = node;
	happening->wake = at;
	happening->length = length;
	if (length > 0)
		memcpy(happening->data, data, length);
	priority_queue_insert(&world->queue, &happening->link, at);
}

static uint64_t
delay_draw(struct world *world)
{
	uint64_t delay = 100000 + (uint64_t)draw(world, 1000) * (world->delay / 1000);

	if (chance(world, world->late))
		delay += (uint64_t)draw(world, 2000) * MILLISECOND;
	return delay;
}

static void
transmit(struct world *world, uint32_t from, const struct swim_message *message)
{
	uint32_t copies = chance(world, world->duplicate) ? 2 : 1;

	world->sent++;
	world->bytes += message->length;
	if (message->to >= world->count || world->cut[from][message->to])
		return;
	for (uint32_t i = 0; i < copies; i++)
		if (!chance(world, world->loss))
			happen(world, world->now + delay_draw(world), message->to, message->data,
			       message->length);
}

/* Takes what a node gives, and sees that it wakes in time. */
static void
node_drain(struct world *world, uint32_t rank)
{
	struct node *node = &world->nodes[rank];
	struct swim_message message;
	struct swim_event event;
	uint64_t deadline;

	while (swim_next_message(node->swim, &message))
		transmit(world, rank, &message);
	while (swim_next_event(node->swim, &event)) {
		if (event.rank >= world->count) {
			violate(world, "rank %u was told of rank %u", rank, event.rank);
			continue;
		}
		node->told[event.rank].count[event.kind]++;
		node->told[event.rank].last = event.kind;
	}
	deadline = swim_deadline(node->swim);
	if (deadline == UINT64_MAX)
		return;
	deadline = max_of(deadline - node->offset, world->now);
	/* A little late, as any timer. */
	deadline += draw(world, 2000) * 1000;
	if (node->awake_at <= deadline && node->awake_at > world->now)
		return;
	node->awake_at = deadline;
	happen(world, deadline, rank, NULL, 0);
}

static void
node_step(struct world *world, const struct happening *happening)
{
	struct node *node = &world->nodes[happening->node];
	uint64_t now = world->now + node->offset;
	int rc;

	if (node->state != NODE_UP)
		return;
	if (node->paused_until > world->now) {
		/* The network keeps messages, within reason. */
		happen(world, node->paused_until, happening->node, happening->data,
		       happening->length);
		if (happening->length == 0)
			node->awake_at = node->paused_until;
		return;
	}
	if (happening->length == 0) {
		if (happening->wake != node->awake_at)
			return;
		node->awake_at = 0;
		swim_advance(node->swim, now);
	} else {
		rc = swim_receive(node->swim, now, happening->data, happening->length);
		if (rc)
			violate(world, "rank %u refused a message: %s", happening->node,
				error_text(rc));
	}
	world->steps++;
	node_drain(world, happening->node);
	if (swim_left(node->swim))
		node->state = NODE_LEFT;
}

void
world_run(struct world *world, uint64_t duration)
{
	uint64_t end = world->now + duration;

	for (;;) {
		struct queue_node *first = priority_queue_first(&world->queue);
		struct happening *happening;

		if (first == NULL || first->key > end)
			break;
		world->now = max_of(world->now, first->key);
		happening = container_of(priority_queue_pop(&world->queue), struct happening, link);
		node_step(world, happening);
		free(happening);
	}
	world->now = end;
}

/* ------------------------------------------------ nodes */

void
world_init(struct world *world, uint32_t count, uint64_t seed)
{
	memset(world, 0, sizeof(*world));
	world->count = count;
	world->random = hash_combine(seed, count);
	world->delay = 5 * MILLISECOND;
	world->now = SECOND;
}

static void
node_drop(struct node *node)
{
	if (node->arena)
		arena_destroy(node->arena);
	node->arena = NULL;
	node->swim = NULL;
}

void
world_fini(struct world *world)
{
	struct queue_node *link;

	while ((link = priority_queue_pop(&world->queue)) != NULL)
		free(container_of(link, struct happening, link));
	for (uint32_t i = 0; i < NODES_MAX; i++)
		node_drop(&world->nodes[i]);
}

void
node_start(struct world *world, uint32_t rank, uint32_t mask)
{
	struct node *node = &world->nodes[rank];
	struct swim_config config;
	int rc;

	node_drop(node);
	node->start = ((uint64_t)draw(world, UINT32_MAX) << 8) + 1;
	/* Some clocks are far behind those of the process before. */
	node->offset = (uint64_t)draw(world, 1000) * 1000 * SECOND;
	node->paused_until = 0;
	node->awake_at = 0;
	node->state = NODE_UP;
	node->arena = arena_create(0);
	swim_config_init(&config);
	config.group = GROUP;
	config.rank = rank;
	config.rank_limit = NODES_MAX;
	config.start = node->start;
	config.seed = draw(world, UINT32_MAX);
	config.suspicion_max = SUSPICION;
	config.suspicion_min = 3 * SECOND;
	config.address = (struct swim_address){2, {(uint8_t)rank, 7}};
	rc = swim_create(node->arena, &config, &node->swim);
	ASSERT(rc == 0);
	for (uint32_t i = 0; i < world->count; i++) {
		if (i == rank || !(mask >> i & 1))
			continue;
		rc = swim_member_add(node->swim, i, NULL);
		ASSERT(rc == 0);
	}
	swim_start(node->swim, world->now + node->offset);
	node_drain(world, rank);
}

void
node_crash(struct world *world, uint32_t rank)
{
	node_drop(&world->nodes[rank]);
	world->nodes[rank].state = NODE_CRASHED;
}

void
node_pause(struct world *world, uint32_t rank, uint64_t duration)
{
	world->nodes[rank].paused_until = world->now + duration;
}

void
node_leave(struct world *world, uint32_t rank)
{
	struct node *node = &world->nodes[rank];

	if (node->state != NODE_UP || node->paused_until > world->now)
		return;
	swim_leave(node->swim, world->now + node->offset);
	node_drain(world, rank);
}

void
world_start(struct world *world)
{
	for (uint32_t i = 0; i < world->count; i++)
		node_start(world, i, ALL);
}

void
links_heal(struct world *world)
{
	memset(world->cut, 0, sizeof(world->cut));
	world->loss = 0;
	world->late = 0;
	world->delay = 5 * MILLISECOND;
	for (uint32_t i = 0; i < NODES_MAX; i++)
		world->nodes[i].paused_until = min_of(world->nodes[i].paused_until, world->now);
}

void
told_clear(struct world *world)
{
	for (uint32_t i = 0; i < NODES_MAX; i++)
		memset(world->nodes[i].told, 0, sizeof(world->nodes[i].told));
}

/* ------------------------------------------------ checks */

static bool
sees_right(const struct world *world, uint32_t observer, uint32_t subject)
{
	const struct node *node = &world->nodes[subject];
	struct swim_member member;
	bool known = swim_member_get(world->nodes[observer].swim, subject, &member);

	switch (node->state) {
	case NODE_UP:
		return known && member.state == SWIM_ALIVE && member.start == node->start &&
		       member.incarnation == swim_incarnation(node->swim) &&
		       member.address.length == 2 && member.address.bytes[0] == subject;
	case NODE_CRASHED:
	case NODE_LEFT: /* which those behind a partition have not heard */
		return !known || member.state >= SWIM_DEAD;
	default:
		return !known;
	}
}

bool
converged(const struct world *world, char *ret_why)
{
	for (uint32_t i = 0; i < world->count; i++) {
		if (world->nodes[i].state != NODE_UP)
			continue;
		for (uint32_t j = 0; j < world->count; j++) {
			struct swim_member member = {.state = SWIM_ABSENT};

			if (sees_right(world, i, j))
				continue;
			if (ret_why) {
				(void)swim_member_get(world->nodes[i].swim, j, &member);
				snprintf(
					ret_why, 256,
					"rank %u sees rank %u in state %d, incarnation %llu; it is "
					"%s%s",
					i, j, member.state, (unsigned long long)member.incarnation,
					world->nodes[j].state == NODE_UP ? "up" : "down",
					world->nodes[j].state == NODE_UP &&
							swim_excluded(world->nodes[j].swim)
						? ", excluded"
						: "");
			}
			return false;
		}
	}
	return true;
}

uint64_t
expect_convergence(struct world *world, uint64_t limit, const char *what)
{
	uint64_t began = world->now;
	char why[256];

	while (!converged(world, why)) {
		if (world->now - began > limit) {
			violate(world, "%s: no convergence in %llu s: %.160s", what,
				(unsigned long long)(limit / SECOND), why);
			break;
		}
		world_run(world, PERIOD / 10);
	}
	return world->now - began;
}

void
expect_never(struct world *world, uint32_t observers, uint32_t subjects, enum swim_event_kind kind,
	     const char *what)
{
	for (uint32_t i = 0; i < world->count; i++)
		for (uint32_t j = 0; j < world->count; j++)
			if ((observers >> i & 1) && (subjects >> j & 1) &&
			    world->nodes[i].told[j].count[kind] > 0)
				violate(world, "%s: rank %u was told %d of rank %u", what, i, kind,
					j);
}

void
expect_bounds(struct world *world)
{
	uint64_t limit = swim_memory_max(NODES_MAX);

	for (uint32_t i = 0; i < world->count; i++) {
		const struct node *node = &world->nodes[i];

		if (node->state == NODE_UP && arena_used(node->arena) > limit)
			violate(world, "rank %u uses %llu bytes of %llu", i,
				(unsigned long long)arena_used(node->arena),
				(unsigned long long)limit);
	}
	links_heal(world);
	world_run(world, 30 * PERIOD);
	for (uint32_t i = 0; i < world->count; i++) {
		const struct node *node = &world->nodes[i];

		if (node->state != NODE_UP || swim_live_count(node->swim) == 1)
			continue;
		if (swim_queued(node->swim) > 0 || swim_relays(node->swim) > 0)
			violate(world, "rank %u is not quiet: %u to pass on, %u relays", i,
				swim_queued(node->swim), swim_relays(node->swim));
	}
}

/* The probe after at most two periods and its end, the suspicion, and then the gossip. */
uint64_t
detection_limit(const struct world *world)
{
	uint64_t gossip = 4;

	for (uint32_t n = world->count; n > 1; n /= 2)
		gossip++;
	return SUSPICION + (3 + gossip) * PERIOD;
}
