/* SPDX-License-Identifier: BSD-2-Clause-Patent */
/* The model test finds each planted error of src/raft/planted.h within a few seeds. */
#include "world.h"

#include <string.h>

#include <cmocka.h>

#define SEEDS 400u
#define STEPS 40000u

/* A planted error, and the faults under which it shows soon. */
struct plant {
	enum raft_planted planted;
	const char *name;
	struct profile profile;
};

#define CALM                                                                                       \
	.fault_every = 30000, .client_every = 2000, .link = 500, .disk = 500, .compact_after = 50, \
	.voters = 3, .writes = 600
#define WILD                                                                                     \
	.fault_every = 20000, .client_every = 2000, .link = 200, .disk = 4000, .slow_disk = 200, \
	.compact_after = 50, .voters = 3, .writes = 600, .crash = 400, .partition = 300

/* Links that take as long as the candidates' patience differs. */
#define SLOW                                                                                    \
	.fault_every = 60000, .client_every = 5000, .writes = 600, .link = 15000, .disk = 1000, \
	.compact_after = 50, .voters = 3
/* Many reads and few writes, so that a replica that was cut off is still a candidate. */
#define QUIET                                                                             \
	.fault_every = 40000, .client_every = 200, .writes = 5, .link = 200, .disk = 200, \
	.compact_after = 50, .voters = 3, .partition = 400
/* One write after the other, and nothing else. */
#define STREAM                                                                                     \
	.fault_every = 1000000, .client_every = 3000, .writes = 950, .link = 10000, .disk = 10000, \
	.compact_after = 50, .voters = 3

static const struct plant plants[] = {
	{PLANTED_VOTE_TWICE, "vote twice", {SLOW, .crash = 300, .pause = 300}},
	{PLANTED_VOTE_SHORTER, "vote shorter", {WILD}},
	{PLANTED_VOTE_DAMAGED,
	 "vote damaged",
	 {CALM, .crash = 200, .partition = 300, .damage = 600}},
	{PLANTED_SEND_EARLY, "send early", {WILD, .straggle = 100, .transfer = 600}},
	{PLANTED_CONFIRM_EARLY, "confirm early", {WILD}},
	{PLANTED_COMMIT_UNVERIFIED, "commit unverified", {WILD, .straggle = 50}},
	{PLANTED_TRUNCATE_ALWAYS, "truncate always", {WILD, .straggle = 200, .repeat = 200}},
	{PLANTED_WAIT_FOR_PAUSE, "wait for pause", {STREAM}},
	{PLANTED_READ_WITHOUT_ROUND, "read without round", {QUIET, .transfer = 700}},
	{PLANTED_READ_BEFORE_OWN, "read before own", {CALM, .crash = 300, .slow_disk = 300}},
	{PLANTED_LEASE_AFTER_TRANSFER, "lease after transfer", {QUIET, .transfer = 700}},
	{PLANTED_LEASE_TOO_LONG, "lease too long", {QUIET, .straggle = 300, .pause = 300}},
	{PLANTED_JOINT_NEW_ONLY,
	 "joint new only",
	 {CALM, .crash = 200, .partition = 300, .change = 500, .swap = 800}},
	{PLANTED_SAME_IDENTITY, "same identity", {WILD, .wipe = 500}},
	{PLANTED_CHUNK_ANYWHERE,
	 "chunk anywhere",
	 {CALM, .straggle = 200, .lose = 100, .crash = 200, .change = 300}},
};
_Static_assert(ARRAY_SIZE(plants) == PLANTED_END - 1, "each error is looked for");

static bool
found(const struct plant *plant, uint64_t seed, char *text, size_t size)
{
	struct world *world;
	bool well;

	raft_planted = plant->planted;
	world = world_create(seed, &plant->profile);
	well = world_run(world, STEPS, 2000000) && world_heal(world);
	snprintf(text, size, "%s", world_failure(world));
	world_destroy(world);
	raft_planted = PLANTED_NOTHING;
	return !well;
}

/* Under the same faults, the core as it is passes. */
static void
unplanted(const struct plant *plant, uint64_t seed)
{
	struct plant none = *plant;
	char text[200];

	none.planted = PLANTED_NOTHING;
	if (found(&none, seed, text, sizeof(text)))
		fail_msg("%s, nothing planted, seed %llu: %s", plant->name,
			 (unsigned long long)seed, text);
}

static void
planted_errors(void **state)
{
	char text[200];

	(void)state;
	for (uint32_t i = 0; i < ARRAY_SIZE(plants); i++) {
		uint64_t seed = 1;

		unplanted(&plants[i], seed);
		while (!found(&plants[i], seed, text, sizeof(text)))
			if (++seed > SEEDS)
				fail_msg("%s: not found in %u seeds", plants[i].name, SEEDS);
		printf("%s: seed %llu: %s\n", plants[i].name, (unsigned long long)seed, text);
	}
}

int
main(void)
{
	const struct CMUnitTest tests[] = {cmocka_unit_test(planted_errors)};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
