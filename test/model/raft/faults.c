/* SPDX-License-Identifier: BSD-2-Clause-Patent */
/* What goes wrong, and what an operator does: crashes, partitions, damage, lost disks, changes. */
#include "private.h"

/* Whether a committed configuration is without the impaired replica. */
static bool
impaired_dropped(struct world *world, struct host *host)
{
	struct raft_status status;
	uint64_t index;
	const struct raft_config *config = raft_membership(host->raft, &index);

	raft_status(host->raft, &status);
	return status.role == RAFT_LEADER && status.commit >= index && status.applied > 1 &&
	       !raft_config_joint(config) && judge_covers(&world->judge, index) &&
	       raft_config_find(config, world->impaired) == NULL;
}

static bool
impaired_healed(const struct world *world, const struct host *host)
{
	struct raft_status status;

	if (world->impaired_wiped || host->disk.id != world->impaired)
		return false;
	raft_status(host->raft, &status);
	return status.hard.lost_index == 0 && host->disk.hard.lost_index == 0 &&
	       host->disk.damaged == 0;
}

/* One replica at a time may have lost something that it confirmed. */
bool
impaired_over(struct world *world)
{
	for (uint32_t i = 0; i < HOSTS && world->impaired; i++) {
		struct host *host = &world->hosts[i];

		if (host->up && (impaired_healed(world, host) || impaired_dropped(world, host)))
			world->impaired = 0;
	}
	return world->impaired == 0;
}

static void
crash(struct world *world, struct host *host)
{
	if (!host->up)
		return;
	host_stop(world, host);
	world->figures.crashes++;
	schedule(world, world->now + 1 + draw(world, chance(world, 700) ? 20000 : 600000),
		 EVENT_RESTART, host, 0);
}

static void
damage(struct world *world, struct host *host)
{
	struct disk *disk = &host->disk;

	if (!host->up || !impaired_over(world) || disk->count == 0 || disk->damaged)
		return;
	crash(world, host);
	if (disk->count == 0 || disk->hard.lost_index)
		return;
	disk->damaged = disk->base.index + disk->count -
			draw(world, chance(world, 600) ? min_of(disk->count, 4u) : disk->count);
	disk->damaged_last = disk->base.index + disk->count;
	world->impaired = disk->id;
	world->impaired_wiped = false;
	world->figures.damages++;
}

static void
wipe(struct world *world, struct host *host)
{
	bool founder = host->disk.base.config.count > 0 || host->disk.count > 0;

	if (!host->up || !impaired_over(world) || !founder || host->disk.hard.lost_index)
		return;
	crash(world, host);
	world->impaired = host->disk.id;
	world->impaired_wiped = true;
	disk_wipe(&host->disk);
	if (raft_planted != PLANTED_SAME_IDENTITY)
		host->disk.id = ++world->next_id;
	world->figures.wipes++;
}

static void
partition(struct world *world)
{
	uint32_t cut = (uint32_t)draw(world, 1u << HOSTS);
	bool one_way = chance(world, 300), heal = chance(world, 400);

	for (uint32_t from = 0; from < HOSTS; from++)
		for (uint32_t to = 0; to < HOSTS; to++) {
			bool across = (cut >> from & 1) != (cut >> to & 1);

			world->blocked[from][to] = !heal && across &&
						   (!one_way || (cut >> from & 1));
		}
}

static uint32_t
voters(const struct raft_config *config)
{
	uint32_t count = 0;

	for (uint32_t i = 0; i < config->count; i++)
		count += config->members[i].roles == RAFT_VOTER;
	return count;
}

static bool
rank_member(const struct raft_config *config, uint32_t rank)
{
	for (uint32_t i = 0; i < config->count; i++)
		if (config->members[i].rank == rank)
			return true;
	return false;
}

/* Promotes learners that are near, drops what was wiped, and draws something besides. */
static void
target_draw(struct world *world, struct host *leader, struct raft_config *target)
{
	struct raft_progress progress;
	struct raft_status status;
	uint32_t member;

	raft_status(leader->raft, &status);
	for (uint32_t i = 0; i < target->count; i++)
		if (target->members[i].roles == RAFT_LEARNER &&
		    raft_progress(leader->raft, target->members[i].id, &progress) == 0 &&
		    progress.match + 20 > status.commit && voters(target) < 5)
			target->members[i].roles = RAFT_VOTER;
	for (uint32_t rank = 0; rank < HOSTS; rank++)
		if (!rank_member(target, rank) && chance(world, 500))
			(void)!raft_config_add(
				target, (struct raft_member){.id = world->hosts[rank].disk.id,
							     .rank = rank,
							     .roles = RAFT_LEARNER});
	member = (uint32_t)draw(world, target->count);
	if (target->members[member].roles == RAFT_LEARNER || voters(target) > 3) {
		if (chance(world, 300))
			target->members[member].roles = RAFT_LEARNER;
		else if (chance(world, 300))
			(void)!raft_config_remove(target, target->members[member].id);
	}
}

static void
voter_add(struct world *world, uint32_t rank, struct raft_config *target)
{
	const struct disk *disk = &world->hosts[rank].disk;
	struct raft_member member = {.id = disk->id, .rank = rank, .roles = RAFT_VOTER};

	if (!rank_member(target, rank) && disk->hard.lost_index == 0 && disk->damaged == 0)
		(void)!raft_config_add(target, member);
}

/* Any three to five hosts, near or not, members or not. */
static void
target_swap(struct world *world, struct raft_config *target)
{
	uint32_t rank = (uint32_t)draw(world, HOSTS), count = 3 + (uint32_t)draw(world, 3);

	*target = (struct raft_config){.count = 0};
	for (uint32_t i = 0; i < HOSTS && target->count < count; i++)
		voter_add(world, (rank + i) % HOSTS, target);
}

static void
change(struct world *world)
{
	struct host *leader = leader_find(world);
	struct raft_config target;
	uint64_t index;

	if (leader == NULL)
		return;
	target = *raft_membership(leader->raft, &index);
	if (raft_config_joint(&target))
		return;
	if (world->impaired_wiped && raft_config_find(&target, world->impaired)) {
		if (raft_planted == PLANTED_SAME_IDENTITY)
			return;
		(void)!raft_config_remove(&target, world->impaired);
		/* Three again: another voter takes the place at once, near or not. */
		for (uint32_t i = 0; i < target.count && voters(&target) < 3; i++)
			target.members[i].roles = RAFT_VOTER;
		for (uint32_t rank = 0; rank < HOSTS && voters(&target) < 3; rank++)
			voter_add(world, rank, &target);
	} else if (world->impaired == 0 && chance(world, world->profile.swap)) {
		target_swap(world, &target);
	} else {
		target_draw(world, leader, &target);
	}
	if (raft_change(leader->raft, local_time(world, leader), &target, &index) == 0)
		world->figures.changes++;
	turn(world, leader);
}

static void
transfer(struct world *world)
{
	struct host *leader = leader_find(world);
	const struct raft_config *config;
	uint64_t index;

	if (leader == NULL)
		return;
	config = raft_membership(leader->raft, &index);
	if (raft_transfer(leader->raft, local_time(world, leader),
			  config->members[draw(world, config->count)].id))
		return;
	turn(world, leader);
}

void
fault_step(struct world *world)
{
	const struct profile *profile = &world->profile;
	struct host *host = &world->hosts[draw(world, HOSTS)];

	if (chance(world, 300) && leader_find(world))
		host = leader_find(world);
	schedule(world, world->now + 1 + draw(world, 2 * profile->fault_every), EVENT_FAULT, NULL,
		 0);
	if (world->faults && chance(world, profile->partition))
		partition(world);
	if (chance(world, profile->change))
		change(world);
	if (world->faults && chance(world, profile->transfer))
		transfer(world);
	if (!world->faults)
		return;
	if (chance(world, profile->pause) && host->up)
		host->paused_until = world->now + draw(world, 4 * ELECTION);
	if (chance(world, profile->memory) && host->up)
		arena_fail_at(host->arena, 1 + draw(world, 30));
	if (chance(world, profile->crash))
		crash(world, host);
	if (chance(world, profile->damage))
		damage(world, host);
	if (chance(world, profile->wipe))
		wipe(world, host);
}

bool
world_change(struct world *world, uint32_t first)
{
	struct host *leader = leader_find(world);
	struct raft_config target = {.count = 0};
	uint64_t index;

	if (leader == NULL)
		return false;
	for (uint32_t rank = first; rank < first + 3; rank++)
		voter_add(world, rank, &target);
	if (raft_change(leader->raft, local_time(world, leader), &target, &index))
		return false;
	turn(world, leader);
	return true;
}

void
world_crash(struct world *world, uint32_t rank)
{
	struct host *host = rank < HOSTS ? &world->hosts[rank] : leader_find(world);

	if (host)
		crash(world, host);
}

bool
world_changed(struct world *world, uint32_t first)
{
	struct host *leader = leader_find(world);
	const struct raft_config *config;
	struct raft_status status;
	uint64_t index;

	if (leader == NULL)
		return false;
	config = raft_membership(leader->raft, &index);
	raft_status(leader->raft, &status);
	if (status.commit < index || config->count != 3 || raft_config_joint(config))
		return false;
	for (uint32_t rank = first; rank < first + 3; rank++)
		if (!rank_member(config, rank))
			return false;
	return true;
}
