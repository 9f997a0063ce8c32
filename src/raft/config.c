/* SPDX-License-Identifier: BSD-2-Clause-Patent */
/*
 * Configurations as values: their rules, their encoding, and the joint one between two. Joint
 * consensus (thesis 4.3), not single-step changes: replacing a member whose disk was lost, or
 * several members of a failed domain, is one change, in which no single further failure decides,
 * and the known gap of single-step changes across leaders does not exist.
 */
#include "raft/private.h"

#define MEMBER_SIZE sizeof(struct raft_member)
#define CONFIG_HEADER 8u

int
raft_config_add(struct raft_config *config, struct raft_member member)
{
	uint32_t at = 0;

	if (raft_config_find(config, member.id))
		return error_raise(-DER_EXIST, "replica %llx is a member already",
				   (unsigned long long)member.id);
	if (config->count == RAFT_MEMBERS_MAX)
		return error_raise(-DER_OVERFLOW, "a group has at most %u members",
				   RAFT_MEMBERS_MAX);
	while (at < config->count && config->members[at].id < member.id)
		at++;
	memmove(&config->members[at + 1], &config->members[at],
		(config->count - at) * sizeof(member));
	config->members[at] = member;
	config->count++;
	return 0;
}

int
raft_config_remove(struct raft_config *config, uint64_t id)
{
	const struct raft_member *member = raft_config_find(config, id);
	size_t at;

	if (member == NULL)
		return error_raise(-DER_NONEXIST, "replica %llx is no member",
				   (unsigned long long)id);
	at = (size_t)(member - config->members);
	config->count--;
	memmove(&config->members[at], &config->members[at + 1],
		(config->count - at) * sizeof(*member));
	config->members[config->count] = (struct raft_member){.id = 0};
	return 0;
}

const struct raft_member *
raft_config_find(const struct raft_config *config, uint64_t id)
{
	for (uint32_t i = 0; i < config->count; i++)
		if (config->members[i].id == id)
			return &config->members[i];
	return NULL;
}

bool
raft_config_joint(const struct raft_config *config)
{
	for (uint32_t i = 0; i < config->count; i++)
		if (config->members[i].roles & RAFT_VOTER_OLD)
			return true;
	return false;
}

static bool
roles_possible(uint32_t roles)
{
	return roles == RAFT_VOTER || roles == RAFT_VOTER_OLD || roles == RAFT_LEARNER ||
	       roles == (RAFT_VOTER | RAFT_VOTER_OLD) || roles == (RAFT_LEARNER | RAFT_VOTER_OLD);
}

/* Two incarnations of one rank may meet in a joint configuration, but not in one half of it. */
static bool
ranks_differ(const struct raft_config *config, uint32_t roles)
{
	for (uint32_t i = 0; i < config->count; i++)
		for (uint32_t j = 0; j < i; j++)
			if ((config->members[i].roles & roles) &&
			    (config->members[j].roles & roles) &&
			    config->members[i].rank == config->members[j].rank)
				return false;
	return true;
}

static bool
config_possible(const struct raft_config *config)
{
	uint32_t all = 0;

	if (config->count > RAFT_MEMBERS_MAX)
		return false;
	for (uint32_t i = 0; i < config->count; i++) {
		uint64_t former = i ? config->members[i - 1].id : 0;

		if (config->members[i].id <= former || !roles_possible(config->members[i].roles))
			return false;
		all |= config->members[i].roles;
	}
	if (config->count > 0 && !(all & RAFT_VOTER))
		return false;
	return ranks_differ(config, RAFT_VOTER | RAFT_LEARNER) &&
	       ranks_differ(config, RAFT_VOTER_OLD);
}

int
raft_config_check(const struct raft_config *config)
{
	if (!config_possible(config))
		return error_raise(-DER_INVAL, "an impossible configuration of %u members",
				   config->count);
	return 0;
}

static bool
voter_in(const struct raft_config *config, uint64_t id)
{
	const struct raft_member *member = raft_config_find(config, id);

	return member && (member->roles & RAFT_VOTER);
}

bool
raft_config_voters_equal(const struct raft_config *a, const struct raft_config *b)
{
	for (uint32_t i = 0; i < a->count; i++)
		if (voter_in(a, a->members[i].id) && !voter_in(b, a->members[i].id))
			return false;
	for (uint32_t i = 0; i < b->count; i++)
		if (voter_in(b, b->members[i].id) && !voter_in(a, b->members[i].id))
			return false;
	return true;
}

void
raft_config_make_joint(const struct raft_config *old, const struct raft_config *target,
		       struct raft_config *ret_joint)
{
	*ret_joint = *target;
	for (uint32_t i = 0; i < old->count; i++) {
		struct raft_member member = old->members[i];
		struct raft_member *there =
			(struct raft_member *)(uintptr_t)raft_config_find(ret_joint, member.id);

		if (!(member.roles & RAFT_VOTER))
			continue;
		if (there) {
			there->roles |= RAFT_VOTER_OLD;
			continue;
		}
		/* Fits: raft_change() has counted. */
		member.roles = RAFT_VOTER_OLD;
		if (raft_config_add(ret_joint, member))
			ASSERT(false);
	}
}

void
raft_config_make_final(const struct raft_config *joint, struct raft_config *ret_final)
{
	*ret_final = (struct raft_config){.count = 0};
	for (uint32_t i = 0; i < joint->count; i++) {
		struct raft_member member = joint->members[i];

		member.roles &= ~(uint32_t)RAFT_VOTER_OLD;
		if (member.roles)
			ret_final->members[ret_final->count++] = member;
	}
}

size_t
raft_config_size(const struct raft_config *config)
{
	return CONFIG_HEADER + config->count * MEMBER_SIZE;
}

void
raft_config_encode(struct writer *writer, const struct raft_config *config)
{
	writer_u16(writer, RAFT_FORMAT);
	writer_u16(writer, 0);
	writer_u32(writer, config->count);
	for (uint32_t i = 0; i < config->count; i++) {
		writer_u64(writer, config->members[i].id);
		writer_u32(writer, config->members[i].rank);
		writer_u32(writer, config->members[i].roles);
	}
}

int
raft_config_decode(struct reader *reader, struct raft_config *ret_config)
{
	struct raft_config config = {.count = 0};
	uint32_t count;

	if (reader_u16(reader) != RAFT_FORMAT || reader_u16(reader) != 0)
		reader_fail(reader);
	count = reader_u32(reader);
	if (count > RAFT_MEMBERS_MAX)
		reader_fail(reader);
	for (uint32_t i = 0; i < count && !reader->failed; i++) {
		config.members[i].id = reader_u64(reader);
		config.members[i].rank = reader_u32(reader);
		config.members[i].roles = reader_u32(reader);
		config.count++;
	}
	if (reader->failed || !config_possible(&config))
		return error_raise(-DER_PROTO, "a configuration is malformed");
	*ret_config = config;
	return 0;
}
