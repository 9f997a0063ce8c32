/* SPDX-License-Identifier: BSD-2-Clause-Patent */
/* Links: how long what travels takes, and the faults of the network that tests order. */
#include <stdlib.h>

#include "env/memory/network.h"

#define SECOND_NS 1000000000ull

/* ------------------------------------------------ links */

static void
links_grow(struct memory_node *node, uint32_t count)
{
	node->links = memory_grow(node->links, count * sizeof(node->links[0]));
	while (node->link_count < count)
		node->links[node->link_count++] = NULL;
}

static struct link *
link_create(struct memory_world *world, struct memory_node *from, struct memory_node *to)
{
	struct link *link = memory_take(sizeof(*link));

	link->world = world;
	link->from = from;
	link->to = to;
	link->jitter_stream = stream_of(world, "link jitter", from->name, to->name, 0);
	link->outlier_stream = stream_of(world, "link outlier", from->name, to->name, 0);
	link->late_stream = stream_of(world, "link late", from->name, to->name, 0);
	link->damage_stream = stream_of(world, "link damage", from->name, to->name, 0);
	link->loss_stream = stream_of(world, "link loss", from->name, to->name, 0);
	return link;
}

struct link *
world_link(struct memory_world *world, struct memory_node *from, struct memory_node *to)
{
	if (to->ordinal >= from->link_count)
		links_grow(from, world->node_count);
	if (from->links[to->ordinal] == NULL)
		from->links[to->ordinal] = link_create(world, from, to);
	return from->links[to->ordinal];
}

void
links_free(struct memory_node *node)
{
	for (uint32_t i = 0; i < node->link_count; i++)
		free(node->links[i]);
	free(node->links);
}

void
link_strike(struct link *link, enum memory_fault fault, uint64_t offset, uint64_t length)
{
	struct memory_strike strike = {
		.fault = fault, .peer = link->to->name, .offset = offset, .length = length};

	world_strike(link->world, link->from, strike);
}

void
link_keeps_back(struct link *link, struct obstacle *obstacle, enum memory_fault fault)
{
	if (!obstacle->struck)
		link_strike(link, fault, 0, 0);
	obstacle->struck = true;
}

/* ------------------------------------------------ what travels */

/* When the bytes have passed, behind all that was sent before. */
static uint64_t
link_pass(struct link *link, uint64_t bytes)
{
	struct link_faults *faults = &link->faults;
	uint64_t now = link->world->now;
	uint64_t wait;

	if (faults->bandwidth == 0)
		return now;
	wait = link->free_at > now ? link->free_at - now : 0;
	if (wait > 0 && !faults->bandwidth_struck) {
		faults->bandwidth_struck = true;
		link_strike(link, MEMORY_FAULT_BANDWIDTH, wait, bytes);
	}
	/* A transfer lies in memory, so far below 16 GiB: no overflow. */
	link->free_at = now + wait + bytes * SECOND_NS / faults->bandwidth;
	return link->free_at;
}

static uint64_t
link_outlier(struct link *link, uint64_t bytes)
{
	const struct link_faults *faults = &link->faults;

	if (faults->outlier_one_in == 0 ||
	    stream_next(&link->outlier_stream) % faults->outlier_one_in != 0)
		return 0;
	link_strike(link, MEMORY_FAULT_OUTLIER, faults->outlier_ns, bytes);
	return faults->outlier_ns;
}

uint64_t
link_due(struct link *link, uint64_t bytes)
{
	uint64_t delay = link->own_delay ? link->delay_ns : link->world->link_delay_ns;
	uint64_t jitter = link->own_delay ? link->jitter_ns : link->world->link_jitter_ns;

	if (jitter > 0)
		delay += stream_next(&link->jitter_stream) % jitter;
	delay += link_outlier(link, bytes);
	return time_after(link_pass(link, bytes), delay);
}

uint64_t
link_bulk_lateness(struct link *link, uint64_t bytes)
{
	uint64_t late;

	if (link->faults.bulk_late_ns == 0)
		return 0;
	late = 1 + stream_next(&link->late_stream) % link->faults.bulk_late_ns;
	link_strike(link, MEMORY_FAULT_BULK_LATE, late, bytes);
	return late;
}

bool
link_drops(struct link *link, uint64_t bytes)
{
	if (!order_strikes(&link->faults.drop_countdown))
		return false;
	link_strike(link, MEMORY_FAULT_DROP, 0, bytes);
	return true;
}

static void
damage(struct link *link, enum memory_fault fault, uint8_t *data, uint64_t bytes)
{
	uint64_t place = stream_next(&link->damage_stream) % bytes;

	data[place] ^= 0x20;
	link_strike(link, fault, place, bytes);
}

void
link_damage_frame(struct link *link, uint8_t *data, uint64_t bytes)
{
	if (order_strikes(&link->faults.damage_countdown) && bytes > 0)
		damage(link, MEMORY_FAULT_DAMAGE, data, bytes);
}

void
link_damage_bulk(struct link *link, uint8_t *data, uint64_t bytes)
{
	if (bytes > 0 && order_strikes(&link->faults.bulk_damage_countdown))
		damage(link, MEMORY_FAULT_BULK_DAMAGE, data, bytes);
}

/* ------------------------------------------------ orders */

static struct link *
named_link(struct memory_world *world, const char *from, const char *to)
{
	struct memory_node *sender = world_node(world, from);
	struct memory_node *receiver = world_node(world, to);

	return world_link(world, sender, receiver);
}

void
memory_link_defaults(struct memory_world *world, uint64_t delay_ns, uint64_t jitter_ns)
{
	world->link_delay_ns = delay_ns;
	world->link_jitter_ns = jitter_ns;
}

void
memory_link_delay(struct memory_world *world, const char *from, const char *to, uint64_t delay_ns,
		  uint64_t jitter_ns)
{
	struct link *link = named_link(world, from, to);

	link->own_delay = true;
	link->delay_ns = delay_ns;
	link->jitter_ns = jitter_ns;
}

void
memory_link_outlier(struct memory_world *world, const char *from, const char *to, uint32_t one_in,
		    uint64_t delay_ns)
{
	struct link *link = named_link(world, from, to);

	link->faults.outlier_one_in = one_in;
	link->faults.outlier_ns = delay_ns;
}

void
memory_link_bandwidth(struct memory_world *world, const char *from, const char *to,
		      uint64_t bytes_per_second)
{
	struct link *link = named_link(world, from, to);

	link->faults.bandwidth = bytes_per_second;
	link->faults.bandwidth_struck = false;
	link->free_at = world->now;
}

void
memory_link_bulk_late(struct memory_world *world, const char *from, const char *to,
		      uint64_t limit_ns)
{
	named_link(world, from, to)->faults.bulk_late_ns = limit_ns;
}

void
memory_link_drop_after(struct memory_world *world, const char *from, const char *to,
		       uint64_t frames)
{
	named_link(world, from, to)->faults.drop_countdown = frames + 1;
}

void
memory_link_damage_after(struct memory_world *world, const char *from, const char *to,
			 uint64_t frames)
{
	named_link(world, from, to)->faults.damage_countdown = frames + 1;
}

void
memory_link_damage_bulk_after(struct memory_world *world, const char *from, const char *to,
			      uint64_t transfers)
{
	named_link(world, from, to)->faults.bulk_damage_countdown = transfers + 1;
}

/* ------------------------------------------------ cuts and resets */

/* Makes the ends that receive over a link look at their inbox, after a time. */
static void
look_at(struct memory_world *world, const struct link *link, uint64_t delay)
{
	LIST_FOR_EACH(position, &world->ends) {
		struct end *end = list_entry(position, struct end, link);

		if (end->incoming == link && !end->ended)
			end_arm(end, world->now + delay);
	}
}

void
memory_link_clog(struct memory_world *world, const char *from, const char *to, bool clogged)
{
	struct link *link = named_link(world, from, to);

	if (clogged != link->faults.clog.active)
		link->faults.clog = (struct obstacle){.active = clogged};
	if (!clogged)
		look_at(world, link, 0);
}

void
memory_link_cut(struct memory_world *world, const char *from, const char *to, bool cut)
{
	struct link *link = named_link(world, from, to);

	if (cut && !link->faults.cut.active)
		link->cut_since = world->now;
	if (cut != link->faults.cut.active)
		link->faults.cut = (struct obstacle){.active = cut};
	look_at(world, link, cut ? CUT_TIMEOUT_NS : 0);
}

void
memory_partition(struct memory_world *world, const char *one, const char *other, bool cut)
{
	memory_link_cut(world, one, other, cut);
	memory_link_cut(world, other, one, cut);
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
break_if_whole(struct end *end)
{
	if (end->peer == NULL || end->connection == NULL)
		return;
	link_strike(world_link(end->world, end->env->node, end->remote), MEMORY_FAULT_RESET, 0, 0);
	end_break(end);
}

void
memory_disconnect(struct memory_world *world, const char *one, const char *other)
{
	for_each_end(world, one, other, break_if_whole);
}

static void
link_heal(struct link *link)
{
	link->own_delay = false;
	link->faults = (struct link_faults){0};
	link->free_at = 0;
}

/* What is under way arrives as if sent now, which keeps its order. */
static void
hasten(struct end *end)
{
	uint64_t due = time_after(end->world->now, end->world->link_delay_ns);

	end->last_due = min_of(end->last_due, due);
	end->last_bulk_due = min_of(end->last_bulk_due, due);
	LIST_FOR_EACH(link, &end->inbox) {
		struct item *item = list_entry(link, struct item, link);

		item->due = min_of(item->due, due);
	}
	if (!end->ended)
		end_arm_next(end);
}

void
memory_network_heal(struct memory_world *world)
{
	LIST_FOR_EACH(position, &world->nodes) {
		struct memory_node *node = list_entry(position, struct memory_node, link);

		for (uint32_t i = 0; i < node->link_count; i++) {
			if (node->links[i])
				link_heal(node->links[i]);
		}
	}
	LIST_FOR_EACH(position, &world->ends)
		hasten(list_entry(position, struct end, link));
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
