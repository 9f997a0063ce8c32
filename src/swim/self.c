/* SPDX-License-Identifier: BSD-2-Clause-Patent */
/* This member's own standing: its incarnation, refutations, exclusion and return, local health. */
#include "swim/internal.h"

enum swim_state
self_claim(const struct swim *swim)
{
	if (!swim->joined || (swim->excluded && !swim->leaving))
		return SWIM_ABSENT;
	return swim->leaving ? SWIM_LEFT : SWIM_ALIVE;
}

void
self_health(struct swim *swim, int change)
{
	int health = (int)swim->health + change;

	swim->health = (uint32_t)min_of(max_of(health, 0), (int)HEALTH_MAX);
}

uint64_t
self_period(const struct swim *swim)
{
	/* Nobody believes an excluded member, so it can as well be quick to learn who hears it. */
	return swim->excluded ? swim->config.period : swim->config.period * (swim->health + 1);
}

void
self_join(struct swim *swim)
{
	if (swim->joined)
		return;
	swim->joined = true;
	pass_start(swim, swim->config.rank);
	probe_start(swim, swim->clock + random_next(swim) % swim->config.period);
}

/* Goes above an incarnation that others have on record; a forged one at the limit stands. */
static void
self_exceed(struct swim *swim, uint64_t incarnation)
{
	if (incarnation >= SWIM_INCARNATION_MAX)
		return;
	self_of(swim)->incarnation = incarnation + 1;
	if (swim->joined)
		pass_start(swim, swim->config.rank);
}

/*
 * A member that the group holds dead may be one that is heard by nobody, or hears nobody. If it
 * contradicted at once, it would come and go for as long as its link works in one direction. So it
 * waits until other members have answered it, each for itself.
 */
void
self_return(struct swim *swim)
{
	if (!swim->excluded)
		return;
	if (swim->acked_in_row < RETURN_PROOFS && !PLANTED(PLANTED_RETURN_UNPROVEN))
		return;
	self_exceed(swim, swim->above);
	swim->excluded = false;
	swim->self_returned = true;
	swim->counters.returns++;
	sync_start(swim);
}

/* The claim of an excluded member is silence: what it last said may be heard by some. */
static void
self_exclude(struct swim *swim, uint64_t incarnation)
{
	uint64_t newest = max_of(incarnation, self_of(swim)->incarnation);

	swim->above = swim->excluded ? max_of(swim->above, newest) : newest;
	if (!swim->excluded)
		swim->self_excluded = true;
	swim->excluded = true;
	self_return(swim);
}

static void
self_refute(struct swim *swim, uint64_t incarnation)
{
	swim->counters.refutations++;
	self_health(swim, 1);
	self_exceed(swim, PLANTED(PLANTED_REFUTE_SAME) ? incarnation - 1 : incarnation);
}

void
self_apply(struct swim *swim, const struct update *update)
{
	const struct member *self = self_of(swim);
	bool same = update->start == self->start || PLANTED(PLANTED_SAME_PROCESS);

	if (swim->leaving)
		return;
	/* An older death is old news for a member that is being answered, and says to one that is
	 * not that its later incarnations were not heard. */
	if (update->incarnation < self->incarnation &&
	    !(same && update->state == SWIM_DEAD && swim->joined &&
	      swim->acked_in_row < RETURN_PROOFS))
		return;
	if (!same || update->state == SWIM_LEFT)
		self_exceed(swim, update->incarnation);
	else if (update->state == SWIM_SUSPECT && !swim->excluded)
		self_refute(swim, update->incarnation);
	else if (update->state == SWIM_DEAD)
		self_exclude(swim, update->incarnation);
}
