/* SPDX-License-Identifier: BSD-2-Clause-Patent */
/* The faults of the network that tests order. */
#include "env/memory/network.h"

static struct link *
named_link(struct memory_world *world, const char *from, const char *to)
{
	return world_link(world, world_node(world, from), world_node(world, to));
}

void
memory_link_delay(struct memory_world *world, const char *from, const char *to, uint64_t delay_ns,
		  uint64_t jitter_ns)
{
	struct link *link = named_link(world, from, to);

	link->delay_ns = delay_ns;
	link->jitter_ns = jitter_ns;
}

void
memory_link_drop_after(struct memory_world *world, const char *from, const char *to,
		       uint64_t frames)
{
	named_link(world, from, to)->drop_countdown = frames + 1;
}

void
memory_link_damage_after(struct memory_world *world, const char *from, const char *to,
			 uint64_t frames)
{
	named_link(world, from, to)->damage_countdown = frames + 1;
}

/* Calls visit for each end of the connections between two nodes, which are the same for a node's
 * own. */
static void
for_each_end(struct memory_world *world, const char *one, const char *other,
	     void (*visit)(struct end *end))
{
	const struct memory_node *a = world_node(world, one);
	const struct memory_node *b = world_node(world, other);

	LIST_FOR_EACH(link, &world->ends) {
		struct end *end = list_entry(link, struct end, link);

		if ((end->env->node == a && end->remote == b) ||
		    (end->env->node == b && end->remote == a))
			visit(end);
	}
}

static void
look_after_cut(struct end *end)
{
	if (!end->ended)
		end_arm(end, end->world->now + CUT_TIMEOUT_NS);
}

static void
look_now(struct end *end)
{
	if (!end->ended)
		end_arm(end, end->world->now);
}

static void
cut_link(struct memory_world *world, const char *from, const char *to, bool cut)
{
	struct link *link = named_link(world, from, to);

	if (cut && !link->cut)
		link->cut_since = world->now;
	link->cut = cut;
}

void
memory_partition(struct memory_world *world, const char *one, const char *other, bool cut)
{
	cut_link(world, one, other, cut);
	cut_link(world, other, one, cut);
	for_each_end(world, one, other, cut ? look_after_cut : look_now);
}

static void
break_if_whole(struct end *end)
{
	if (end->peer && end->connection)
		end_break(end);
}

void
memory_disconnect(struct memory_world *world, const char *one, const char *other)
{
	for_each_end(world, one, other, break_if_whole);
}

uint32_t
memory_node_connections(struct memory_world *world, const char *name)
{
	const struct memory_node *node = world_node(world, name);
	uint32_t count = 0;

	LIST_FOR_EACH(link, &world->ends) {
		const struct end *end = list_entry(link, struct end, link);

		count += end->env->node == node && end->connection != NULL;
	}
	return count;
}

uint32_t
memory_node_regions(struct memory_world *world, const char *name)
{
	const struct memory_node *node = world_node(world, name);
	uint32_t count = 0;

	LIST_FOR_EACH(link, &world->ends) {
		const struct end *end = list_entry(link, struct end, link);

		if (end->env->node == node)
			count += (uint32_t)list_length(&end->regions);
	}
	return count;
}
