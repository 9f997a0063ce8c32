/* SPDX-License-Identifier: BSD-2-Clause-Patent */
/*
 * Raft in simulated time: links and disks of one millisecond, messages encoded, decoded and summed
 * as on the wire. Entries per second of one group of three, its CPU per entry, and the messages
 * that 1,000 idle groups on five nodes exchange.
 */
#include <math.h>
#include <stdio.h>
#include <stdlib.h>

#include "raft/raft.h"
#include "row.h"

#define MILLISECOND UINT64_C(1000)
#define NODES 5u
#define MEMBERS 3u
#define GROUPS 1000u
#define DATA 128u
#define PACKETS_MAX 8192u

struct packet {
	uint32_t from, to;
	bool beats;
	size_t length;
	uint8_t *bytes;
};

/* One replica and what its disk is doing. */
struct replica {
	struct raft *raft;
	uint64_t write, applied;
	bool touched; /* something was put in since the last ready */
};

/* Nodes in lock step: what is sent or written in a millisecond is there in the next. */
struct cluster {
	struct arena *arena;
	uint64_t now;
	uint32_t groups;
	struct replica replicas[GROUPS][MEMBERS];
	struct raft_beats *beats[NODES];
	struct packet mail[2][PACKETS_MAX];
	uint32_t mail_count[2];
	uint64_t pair[NODES][NODES], pair_most; /* packets of a period */
	uint64_t messages;
	struct raft_scratch scratch;
};

static void
require(bool condition)
{
	if (!condition) {
		fprintf(stderr, "raft_perf: something failed\n");
		exit(1);
	}
}

static uint32_t
node_of(uint32_t group, uint32_t member)
{
	return (group + member) % NODES;
}

static struct cluster *
cluster_create(uint32_t groups)
{
	struct cluster *cluster = calloc(1, sizeof(*cluster));

	require(cluster != NULL);
	cluster->arena = arena_create(0);
	cluster->groups = groups;
	for (uint32_t node = 0; node < NODES; node++)
		require(raft_beats_create(cluster->arena, node, &cluster->beats[node]) == 0);
	for (uint32_t group = 0; group < groups; group++) {
		struct raft_base base = {.index = 1, .term = 1};

		for (uint32_t i = 0; i < MEMBERS; i++)
			require(raft_config_add(&base.config,
						(struct raft_member){.id = i + 1,
								     .rank = node_of(group, i),
								     .roles = RAFT_VOTER}) == 0);
		for (uint32_t i = 0; i < MEMBERS; i++) {
			struct raft_options options = {.id = i + 1,
						       .rank = node_of(group, i),
						       .heartbeat_usec = 100 * MILLISECOND,
						       .election_usec = 500 * MILLISECOND,
						       .seed = group};
			struct replica *replica = &cluster->replicas[group][i];

			store_u32(options.group.bytes, group);
			require(raft_create(cluster->arena, &options, &base, &replica->raft) == 0);
			require(raft_start(replica->raft, 0, &(struct raft_hard){0}, 1,
					   (struct raft_loss){0}) == 0);
		}
	}
	return cluster;
}

static void
cluster_destroy(struct cluster *cluster)
{
	arena_destroy(cluster->arena);
	free(cluster);
}

static void
post(struct cluster *cluster, uint32_t from, uint32_t to, bool beats, uint8_t *bytes, size_t length)
{
	uint32_t *count = &cluster->mail_count[1];

	require(*count < PACKETS_MAX);
	cluster->mail[1][(*count)++] = (struct packet){from, to, beats, length, bytes};
	cluster->pair[from][to]++;
	cluster->messages++;
}

static void
send(struct cluster *cluster, const struct raft_message *message)
{
	struct writer writer;
	size_t size = raft_message_size(message);
	uint8_t *bytes;

	if (message->kind == RAFT_HEARTBEAT || message->kind == RAFT_HEARTBEAT_REPLY) {
		require(raft_beats_add(cluster->beats[message->from_rank], message) == 0);
		return;
	}
	bytes = arena_alloc(cluster->arena, size);
	writer_init(&writer, bytes, size);
	raft_message_encode(&writer, message);
	post(cluster, message->from_rank, message->to_rank, false, bytes, size);
}

static void
turn(struct cluster *cluster, struct replica *replica)
{
	struct raft_ready ready;

	replica->touched = false;
	raft_ready(replica->raft, &ready);
	for (uint32_t i = 0; i < ready.message_count; i++)
		send(cluster, &ready.messages[i]);
	if (ready.write)
		replica->write = ready.write;
	if (ready.apply_last >= ready.apply_first) {
		raft_applied(replica->raft, ready.apply_last);
		replica->applied = ready.apply_last;
	}
	if (ready.compact)
		raft_compact(replica->raft, replica->applied);
}

static struct replica *
find(struct cluster *cluster, const struct raft_message *message)
{
	return &cluster->replicas[load_u32(message->group.bytes)][message->to - 1];
}

static void
receive(struct cluster *cluster, const struct packet *packet)
{
	struct raft_message message;
	struct reader reader;
	struct replica *replica;
	int rc = 0;

	if (!packet->beats) {
		require(raft_message_decode(packet->bytes, packet->length, &cluster->scratch,
					    &message) == 0);
		replica = find(cluster, &message);
		require(raft_receive(replica->raft, cluster->now, &message) == 0);
		replica->touched = true;
		return;
	}
	require(raft_beats_open(packet->bytes, packet->length, &reader) == 0);
	while (raft_beats_next(&reader, &message, &rc)) {
		replica = find(cluster, &message);
		require(raft_receive(replica->raft, cluster->now, &message) == 0);
		replica->touched = true;
	}
	require(rc == 0);
}

static void
flush(struct cluster *cluster)
{
	const void *data;
	size_t length;
	uint32_t rank;

	for (uint32_t node = 0; node < NODES; node++)
		while (raft_beats_take(cluster->beats[node], &rank, &data, &length)) {
			uint8_t *bytes = arena_alloc(cluster->arena, length);

			memcpy(bytes, data, length);
			post(cluster, node, rank, true, bytes, length);
		}
}

/* One millisecond. */
static void
cluster_step(struct cluster *cluster)
{
	cluster->now += MILLISECOND;
	cluster->mail_count[0] = cluster->mail_count[1];
	memcpy(cluster->mail[0], cluster->mail[1],
	       cluster->mail_count[0] * sizeof(cluster->mail[0][0]));
	cluster->mail_count[1] = 0;
	for (uint32_t i = 0; i < cluster->mail_count[0]; i++) {
		receive(cluster, &cluster->mail[0][i]);
		arena_free(cluster->arena, cluster->mail[0][i].bytes);
	}
	for (uint32_t group = 0; group < cluster->groups; group++)
		for (uint32_t i = 0; i < MEMBERS; i++) {
			struct replica *replica = &cluster->replicas[group][i];
			uint64_t write = replica->write;

			replica->write = 0;
			if (write)
				raft_persisted(replica->raft, cluster->now, write);
			if (raft_deadline(replica->raft) <= cluster->now)
				raft_tick(replica->raft, cluster->now);
			else if (write == 0 && !replica->touched)
				continue;
			turn(cluster, replica);
		}
	flush(cluster);
}

static struct replica *
leader(struct cluster *cluster, uint32_t group)
{
	struct raft_status status;

	for (uint32_t i = 0; i < MEMBERS; i++) {
		raft_status(cluster->replicas[group][i].raft, &status);
		if (status.role == RAFT_LEADER && status.applied > 1)
			return &cluster->replicas[group][i];
	}
	return NULL;
}

static void
settle(struct cluster *cluster)
{
	uint32_t group = 0;

	for (uint32_t ms = 0; ms < 5000 && group < cluster->groups; ms++) {
		cluster_step(cluster);
		while (group < cluster->groups && leader(cluster, group))
			group++;
	}
	require(group == cluster->groups);
}

/* What a stream of `offered` entries a millisecond comes to. */
struct stream {
	uint32_t offered;
	double per_second, latency_ms, messages_per_entry;
};

static double
stream_run(void *argument)
{
	struct stream *stream = argument;
	struct cluster *cluster = cluster_create(1);
	uint8_t data[DATA] = {1};
	uint64_t index = 0, term, start, first, messages, lag = 0;
	struct replica *replica;
	uint32_t ms = 1000;

	settle(cluster);
	replica = leader(cluster, 0);
	first = replica->applied;
	messages = cluster->messages;
	start = cpu_now();
	for (uint32_t i = 0; i < ms; i++) {
		for (uint32_t j = 0; j < stream->offered; j++)
			require(raft_propose(replica->raft, cluster->now, data, DATA, &index,
					     &term) == 0);
		turn(cluster, replica);
		cluster_step(cluster);
		lag += index - replica->applied;
	}
	start = cpu_now() - start;
	stream->per_second = (double)(replica->applied - first) * 1000 / ms;
	stream->latency_ms = (double)lag / ms / stream->offered;
	stream->messages_per_entry =
		(double)(cluster->messages - messages) / (double)(replica->applied - first);
	first = replica->applied - first;
	cluster_destroy(cluster);
	return (double)start / (double)first;
}

static void
streams(void)
{
	static const uint32_t offered[] = {1, 10, 100, 1000};
	char name[100];

	for (uint32_t i = 0; i < 4; i++) {
		struct stream stream = {.offered = offered[i]};
		struct side ours = {stream_run, &stream}, none = {NULL, NULL};

		snprintf(name, sizeof(name),
			 "raft: CPU per entry over three members, %u entries per ms", offered[i]);
		row_measure(name, "ns", &ours, &none, AT_MOST, 3000);
		snprintf(name, sizeof(name), "raft: entries per second, %u offered per ms",
			 offered[i]);
		row_computed(name, "1/s", stream.per_second, offered[i] * 1000.0, AT_LEAST, 0.99);
		snprintf(name, sizeof(name),
			 "raft: entries under way over those offered per ms, %u", offered[i]);
		row_computed(name, "ms", stream.latency_ms, NAN, AT_MOST, 3.01);
		snprintf(name, sizeof(name), "raft: messages per entry, %u offered per ms",
			 offered[i]);
		row_computed(name, "", stream.messages_per_entry, NAN, AT_MOST, NAN);
	}
}

/* Messages of the busiest ordered pair of nodes in a heartbeat period, and CPU per group. */
static double
idle_most(uint32_t groups, double *ret_cpu)
{
	struct cluster *cluster = cluster_create(groups);
	uint64_t most = 0, start;

	settle(cluster);
	for (uint32_t ms = 0; ms < 1000; ms++)
		cluster_step(cluster);
	start = cpu_now();
	for (uint32_t period = 0; period < 10; period++) {
		memset(cluster->pair, 0, sizeof(cluster->pair));
		for (uint32_t ms = 0; ms < 100; ms++)
			cluster_step(cluster);
		for (uint32_t from = 0; from < NODES; from++)
			for (uint32_t to = 0; to < NODES; to++)
				most = max_of(most, cluster->pair[from][to]);
	}
	*ret_cpu = (double)(cpu_now() - start) / groups / 10;
	cluster_destroy(cluster);
	return (double)most;
}

int
main(void)
{
	double cpu, few = idle_most(10, &cpu), many = idle_most(GROUPS, &cpu);

	streams();
	row_computed(
		"raft: messages per node pair, direction and period, 1,000 idle groups over 10", "",
		many, few, AT_MOST, 1);
	row_computed("raft: CPU of an idle group over three members, per period", "ns", cpu, NAN,
		     AT_MOST, NAN);
	return 0;
}
