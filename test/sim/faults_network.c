/* SPDX-License-Identifier: BSD-2-Clause-Patent */
/* Faults of links between an engine and its clients. */
#include "sim/faults.h"

bool
begin_delay(struct sim *sim, const struct fault *fault)
{
	const struct client_node *node = client_of(sim, fault);
	uint64_t delay = fault->a % (200 * MILLISECOND);
	const char *one = node->name, *other = node->server->name;

	memory_link_delay(sim->world, one, other, delay, fault->b % (50 * MILLISECOND));
	memory_link_delay(sim->world, other, one, delay / 2, fault->b % (20 * MILLISECOND));
	memory_link_outlier(sim->world, other, one, 200, 5 * SECOND);
	return true;
}

static void
link_default(struct sim *sim, const char *from, const char *to)
{
	memory_link_delay(sim->world, from, to, plan_knob(sim->plan, KNOB_LINK_DELAY),
			  plan_knob(sim->plan, KNOB_LINK_JITTER));
	memory_link_outlier(sim->world, from, to, 0, 0);
	memory_link_bandwidth(sim->world, from, to, 0);
	memory_link_bulk_late(sim->world, from, to, 0);
}

void
end_delay(struct sim *sim, const struct fault *fault)
{
	const struct client_node *node = client_of(sim, fault);

	link_default(sim, node->name, node->server->name);
	link_default(sim, node->server->name, node->name);
}

bool
begin_reset(struct sim *sim, const struct fault *fault)
{
	const struct client_node *node = client_of(sim, fault);

	memory_disconnect(sim->world, node->name, node->server->name);
	return true;
}

bool
begin_lost_reply(struct sim *sim, const struct fault *fault)
{
	const struct client_node *node = client_of(sim, fault);

	memory_link_drop_after(sim->world, node->server->name, node->name, fault->a % 4);
	return true;
}

static void
partition(struct sim *sim, const struct fault *fault, bool cut)
{
	struct server *server = server_of(sim, fault);

	for (uint32_t i = 0; i < sim->client_count; i++)
		memory_partition(sim->world, server->name, sim->clients[i].name, cut);
}

bool
begin_partition(struct sim *sim, const struct fault *fault)
{
	partition(sim, fault, true);
	excuse_outage(server_of(sim, fault), fault);
	return true;
}

void
end_partition(struct sim *sim, const struct fault *fault)
{
	partition(sim, fault, false);
}

bool
begin_link_cut(struct sim *sim, const struct fault *fault)
{
	const struct client_node *node = client_of(sim, fault);

	memory_partition(sim->world, node->name, node->server->name, true);
	excuse_outage(node->server, fault);
	return true;
}

void
end_link_cut(struct sim *sim, const struct fault *fault)
{
	const struct client_node *node = client_of(sim, fault);

	memory_partition(sim->world, node->name, node->server->name, false);
}

static void
directed(struct sim *sim, const struct fault *fault, const char **ret_from, const char **ret_to)
{
	const struct client_node *node = client_of(sim, fault);

	*ret_from = fault->a & 1 ? node->name : node->server->name;
	*ret_to = fault->a & 1 ? node->server->name : node->name;
}

bool
begin_one_way(struct sim *sim, const struct fault *fault)
{
	const char *from, *to;

	directed(sim, fault, &from, &to);
	memory_link_cut(sim->world, from, to, true);
	excuse_outage(client_of(sim, fault)->server, fault);
	return true;
}

void
end_one_way(struct sim *sim, const struct fault *fault)
{
	const char *from, *to;

	directed(sim, fault, &from, &to);
	memory_link_cut(sim->world, from, to, false);
}

bool
begin_clog(struct sim *sim, const struct fault *fault)
{
	const char *from, *to;

	directed(sim, fault, &from, &to);
	memory_link_clog(sim->world, from, to, true);
	excuse_outage(client_of(sim, fault)->server, fault);
	return true;
}

void
end_clog(struct sim *sim, const struct fault *fault)
{
	const char *from, *to;

	directed(sim, fault, &from, &to);
	memory_link_clog(sim->world, from, to, false);
}

bool
begin_bandwidth(struct sim *sim, const struct fault *fault)
{
	const char *from, *to;

	directed(sim, fault, &from, &to);
	memory_link_bandwidth(sim->world, from, to, 20000 + fault->b % 2000000);
	excuse(client_of(sim, fault)->server, EXCUSE_OUTAGE, fault);
	return true;
}

bool
begin_frame_damage(struct sim *sim, const struct fault *fault)
{
	const char *from, *to;

	directed(sim, fault, &from, &to);
	memory_link_damage_after(sim->world, from, to, fault->b % 8);
	return true;
}

bool
begin_bulk_damage(struct sim *sim, const struct fault *fault)
{
	const char *from, *to;

	directed(sim, fault, &from, &to);
	memory_link_damage_bulk_after(sim->world, from, to, fault->b % 2);
	return true;
}

bool
begin_late_bulk(struct sim *sim, const struct fault *fault)
{
	const struct client_node *node = client_of(sim, fault);
	uint64_t limit = 1 + fault->b % (fault->a % 4 == 0 ? 30 * SECOND : SECOND);

	memory_link_bulk_late(sim->world, node->name, node->server->name, limit);
	memory_link_bulk_late(sim->world, node->server->name, node->name, limit);
	return true;
}
