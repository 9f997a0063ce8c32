/* SPDX-License-Identifier: BSD-2-Clause-Patent */
/*
 * SWIM in groups of 8 to 4,096 simulated members. All members of a group run, with 5 % of messages
 * lost; a few of them are recorded, and since a member is a function of its inputs, its CPU time is
 * that of a replay of these alone, as if it had its machine to itself.
 *
 *   bench_swim_perf [--quick]    fewer periods, a largest group of 512
 */
#include <math.h>
#include <stdio.h>
#include <stdlib.h>

#include "base/base.h"
#include "row.h"
#include "swim/message.h"

#define SECOND 1000000000ull
#define PERIOD SECOND
#define SUSPICION (20 * SECOND)
#define LOSS 50u /* per thousand */
#define RECORDED 8u

/* ------------------------------------------------ the simulated group */

struct packet {
	struct queue_node link;
	uint32_t to;
	uint32_t length; /* 0: a deadline */
	uint64_t wake;
	uint8_t data[];
};

/* An input of a recorded member. */
struct input {
	uint64_t at;
	uint32_t length;
	uint32_t offset;
};

struct record {
	struct input *inputs;
	uint32_t count;
	uint32_t capacity;
	uint8_t *bytes;
	uint32_t used;
	uint32_t bytes_capacity;
};

struct node {
	struct swim *swim;
	uint64_t wake;
	bool dead;
	struct record *record;
};

struct group {
	struct arena *arena;
	struct node *nodes;
	uint32_t count;
	uint32_t loss;
	uint64_t random;
	uint64_t now;
	struct priority_queue queue;
	uint64_t messages;
	uint64_t bytes;
	uint64_t alarms;    /* events DEAD about members that are not */
	uint64_t suspected; /* events SUSPECTED about them */
	uint32_t victim;
	uint64_t died_at;
	uint64_t first_at; /* the first to know */
	uint64_t last_at;  /* the last one */
	uint32_t known;
};

static void *
need(void *pointer)
{
	if (pointer == NULL) {
		fprintf(stderr, "out of memory\n");
		exit(1);
	}
	return pointer;
}

static uint64_t
random_next(struct group *group)
{
	group->random += 0x9e3779b97f4a7c15ull;
	return mix64(group->random);
}

static void
post(struct group *group, uint64_t at, uint32_t to, const void *data, uint32_t length)
{
	struct packet *packet = need(malloc(sizeof(*packet) + length));

	packet->to = to;
	packet->length = length;
	packet->wake = at;
	if (length > 0)
		memcpy(packet->data, data, length);
	memset(&packet->link, 0, sizeof(packet->link));
	priority_queue_insert(&group->queue, &packet->link, at);
}

static void
event_count(struct group *group, const struct swim_event *event)
{
	if (event->rank != group->victim) {
		group->alarms += event->kind == SWIM_EVENT_DEAD;
		group->suspected += event->kind == SWIM_EVENT_SUSPECTED;
	} else if (event->kind == SWIM_EVENT_DEAD) {
		group->first_at = group->known == 0 ? group->now : group->first_at;
		group->last_at = group->now;
		group->known++;
	}
}

static void
node_drain(struct group *group, uint32_t rank)
{
	struct node *node = &group->nodes[rank];
	struct swim_message message;
	struct swim_event event;
	uint64_t deadline;

	while (swim_next_message(node->swim, &message)) {
		uint64_t chance = random_next(group);

		group->messages++;
		group->bytes += message.length;
		if (chance % 1000 >= group->loss)
			post(group, group->now + 500000 + (chance >> 40) % 2000000, message.to,
			     message.data, message.length);
	}
	while (swim_next_event(node->swim, &event))
		event_count(group, &event);
	deadline = max_of(swim_deadline(node->swim), group->now);
	if (node->wake <= deadline && node->wake > group->now)
		return;
	node->wake = deadline;
	post(group, deadline, rank, NULL, 0);
}

static void
record_input(struct record *record, uint64_t at, const struct packet *packet)
{
	if (record->count == record->capacity) {
		record->capacity = record->capacity * 2 + 64;
		record->inputs =
			need(realloc(record->inputs, record->capacity * sizeof(*record->inputs)));
	}
	if (record->used + packet->length > record->bytes_capacity) {
		record->bytes_capacity = record->bytes_capacity * 2 + 65536;
		record->bytes = need(realloc(record->bytes, record->bytes_capacity));
	}
	record->inputs[record->count++] = (struct input){at, packet->length, record->used};
	memcpy(record->bytes + record->used, packet->data, packet->length);
	record->used += packet->length;
}

static void
input_apply(struct swim *swim, uint64_t at, const void *data, uint32_t length)
{
	if (length == 0)
		swim_advance(swim, at);
	else if (swim_receive(swim, at, data, length))
		exit(1);
}

static void
packet_arrive(struct group *group, const struct packet *packet)
{
	struct node *node = &group->nodes[packet->to];

	if (node->dead || (packet->length == 0 && packet->wake != node->wake))
		return;
	if (packet->length == 0)
		node->wake = 0;
	if (node->record)
		record_input(node->record, group->now, packet);
	input_apply(node->swim, group->now, packet->data, packet->length);
	node_drain(group, packet->to);
}

static void
group_run(struct group *group, uint64_t duration)
{
	uint64_t end = group->now + duration;
	struct queue_node *first;

	while ((first = priority_queue_first(&group->queue)) != NULL && first->key <= end) {
		struct packet *packet;

		group->now = first->key;
		packet = container_of(priority_queue_pop(&group->queue), struct packet, link);
		packet_arrive(group, packet);
		free(packet);
	}
	group->now = end;
}

static struct swim *
member_create(struct arena *arena, uint32_t rank, uint32_t count, bool fixed)
{
	struct swim_config config;
	struct swim *swim;

	swim_config_init(&config);
	config.group = 1;
	config.rank = rank;
	config.rank_limit = max_of(count, 8u);
	config.start = rank + 1;
	config.seed = rank * 77u + count;
	config.suspicion_max = SUSPICION;
	if (fixed)
		config.suspicion_min = SUSPICION;
	if (swim_create(arena, &config, &swim))
		exit(1);
	for (uint32_t i = 0; i < count; i++)
		if (i != rank && swim_member_add(swim, i, NULL))
			exit(1);
	return swim;
}

/* Gives a member that runs the records of all, as if it had long been there. */
static void
member_teach(struct swim *swim, uint32_t rank, uint32_t count, uint64_t now)
{
	struct message *message = need(calloc(1, sizeof(*message)));
	uint8_t data[SWIM_MESSAGE_MAX];

	message->kind = MESSAGE_SYNC_REPLY;
	message->claim = SWIM_ALIVE;
	message->group = 1;
	message->from = (rank + 1) % count;
	message->to = rank;
	message->incarnation = 1;
	message->start = message->from + 1;
	message->subject = SWIM_NONE;
	for (uint32_t i = 0; i < count; i++) {
		message->updates[message->update_count++] = (struct update){
			.rank = i,
			.accuser = SWIM_NONE,
			.incarnation = 1,
			.start = i + 1,
			.state = SWIM_ALIVE,
		};
		if (message->update_count < SWIM_SYNC_UPDATES && i + 1 < count)
			continue;
		if (swim_receive(swim, now, data, message_encode(message, data)))
			exit(1);
		message->update_count = 0;
	}
	free(message);
}

static void
group_init(struct group *group, uint32_t count, bool fixed)
{
	memset(group, 0, sizeof(*group));
	group->arena = need(arena_create(0));
	group->count = count;
	group->random = count;
	group->now = SECOND;
	group->loss = LOSS;
	group->victim = SWIM_NONE;
	group->nodes = need(calloc(count, sizeof(*group->nodes)));
	for (uint32_t i = 0; i < count; i++)
		group->nodes[i].swim = member_create(group->arena, i, count, fixed);
	for (uint32_t i = 0; i < count; i++) {
		struct record *record = i < RECORDED ? need(calloc(1, sizeof(*record))) : NULL;

		group->nodes[i].record = record;
		swim_start(group->nodes[i].swim, group->now);
		member_teach(group->nodes[i].swim, i, count, group->now);
		node_drain(group, i);
	}
}

static void
group_fini(struct group *group)
{
	struct queue_node *link;

	while ((link = priority_queue_pop(&group->queue)) != NULL)
		free(container_of(link, struct packet, link));
	for (uint32_t i = 0; i < min_of(group->count, RECORDED); i++) {
		free(group->nodes[i].record->inputs);
		free(group->nodes[i].record->bytes);
		free(group->nodes[i].record);
	}
	free(group->nodes);
	arena_destroy(group->arena);
}

/* ------------------------------------------------ CPU by replay */

struct replay {
	const struct group *group;
	uint64_t from; /* inputs before warm the member up */
	uint64_t messages;
};

static void
inputs_apply(struct replay *replay, struct swim *swim, const struct record *record, uint32_t *next,
	     uint64_t until)
{
	struct swim_message message;
	struct swim_event event;

	for (; *next < record->count && record->inputs[*next].at < until; ++*next) {
		const struct input *input = &record->inputs[*next];

		input_apply(swim, input->at, record->bytes + input->offset, input->length);
		while (swim_next_message(swim, &message))
			replay->messages++;
		while (swim_next_event(swim, &event))
			;
	}
}

/* CPU nanoseconds per member and period. */
static double
replay_run(void *argument)
{
	struct replay *replay = argument;
	const struct group *group = replay->group;
	uint64_t spent = 0, periods = 0;

	for (uint32_t i = 0; i < RECORDED; i++) {
		struct arena *arena = need(arena_create(0));
		struct swim *swim = member_create(arena, i, group->count, false);
		struct swim_message message;
		uint64_t began, before;
		uint32_t next = 0;

		swim_start(swim, SECOND);
		member_teach(swim, i, group->count, SECOND);
		while (swim_next_message(swim, &message))
			;
		inputs_apply(replay, swim, group->nodes[i].record, &next, replay->from);
		before = swim_counters(swim)->periods;
		began = cpu_now();
		inputs_apply(replay, swim, group->nodes[i].record, &next, UINT64_MAX);
		spent += cpu_now() - began;
		periods += swim_counters(swim)->periods - before;
		arena_destroy(arena);
	}
	return (double)spent / (double)periods;
}

/* ------------------------------------------------ rows */

struct measured {
	double messages; /* per member and period */
	double bytes;
	uint64_t member_periods;
	uint64_t alarms;
	uint64_t suspected;
	struct group group;
	struct replay replay;
	struct side side;
};

static void
measure(struct measured *measured, uint32_t count, uint32_t warm, uint32_t periods)
{
	struct group *group = &measured->group;
	double member_periods = (double)count * periods;

	group_init(group, count, false);
	group_run(group, warm * PERIOD);
	measured->replay = (struct replay){.group = group, .from = group->now};
	measured->side = (struct side){replay_run, &measured->replay};
	group->messages = 0;
	group->bytes = 0;
	group_run(group, periods * PERIOD);
	measured->messages = (double)group->messages / member_periods;
	measured->bytes = (double)group->bytes / member_periods;
	measured->member_periods = (uint64_t)count * (warm + periods);
	measured->alarms = group->alarms;
	measured->suspected = group->suspected;
}

static void
ratio_row(const char *metric, const char *unit, double ours, double smallest)
{
	row_computed(metric, unit, ours, smallest, AT_MOST, 1.1);
}

static void
cost_rows(struct measured *smallest, uint32_t count, uint32_t periods)
{
	struct measured *large = need(calloc(1, sizeof(*large)));
	char metric[96];

	measure(large, count, 12, periods);
	snprintf(metric, sizeof(metric), "swim messages per member and period, %u over 8 members",
		 count);
	ratio_row(metric, "messages", large->messages, smallest->messages);
	snprintf(metric, sizeof(metric), "swim bytes per member and period, %u over 8 members",
		 count);
	ratio_row(metric, "bytes", large->bytes, smallest->bytes);
	snprintf(metric, sizeof(metric), "swim CPU per member and period, %u over 8 members",
		 count);
	row_measure(metric, "ns", &large->side, &smallest->side, AT_MOST, 1.1);
	snprintf(metric, sizeof(metric),
		 "swim false positives at 5 %% loss, %u members, %llu "
		 "member-periods",
		 count, (unsigned long long)large->member_periods);
	row_computed(metric, "members", (double)large->alarms, NAN, AT_MOST, 0);
	snprintf(metric, sizeof(metric), "swim false suspicions at 5 %% loss, %u members, told",
		 count);
	row_computed(metric, "events", (double)large->suspected, NAN, AT_MOST, NAN);
	group_fini(&large->group);
	free(large);
}

static int
compare(const void *left, const void *right)
{
	const double *a = left, *b = right;

	return (*a > *b) - (*a < *b);
}

/*
 * Deaths one after the other, in a suspicion of up to 20 periods that others shorten, and in one
 * that nothing shortens; the goal is 20 + 3 in both.
 */
static void
detection_rows(uint32_t count, uint32_t deaths, bool fixed)
{
	double *first = need(calloc(deaths, sizeof(*first))),
	       *last = need(calloc(deaths, sizeof(*last)));
	struct group *group = need(calloc(1, sizeof(*group)));
	char metric[96];

	group_init(group, count, fixed);
	group_run(group, 12 * PERIOD);
	for (uint32_t i = 0; i < deaths; i++) {
		group_run(group, random_next(group) % PERIOD);
		group->victim = count - 1 - i;
		group->nodes[group->victim].dead = true;
		group->died_at = group->now;
		group->known = 0;
		while (group->known < count - 1 - i && group->now < group->died_at + 60 * PERIOD)
			group_run(group, PERIOD / 10);
		first[i] = (double)(group->first_at - group->died_at) / (double)PERIOD;
		last[i] = (double)(group->last_at - group->died_at) / (double)PERIOD;
		if (group->known < count - 1 - i)
			first[i] = last[i] = INFINITY;
	}
	qsort(first, deaths, sizeof(*first), compare);
	qsort(last, deaths, sizeof(*last), compare);
	snprintf(metric, sizeof(metric), "swim detection p99, first to know, %u members%s", count,
		 fixed ? ", suspicion fixed" : "");
	row_computed(metric, "periods", first[deaths * 99 / 100], NAN, AT_MOST, 23);
	snprintf(metric, sizeof(metric), "swim detection p99, all know, %u members%s", count,
		 fixed ? ", suspicion fixed" : "");
	/* Fixed, the news of the end still has to cross the group. */
	row_computed(metric, "periods", last[deaths * 99 / 100], NAN, AT_MOST, fixed ? NAN : 23);
	group_fini(group);
	free(group);
	free(first);
	free(last);
}

int
main(int argc, char **argv)
{
	bool quick = argc > 1 && strcmp(argv[1], "--quick") == 0;
	static const uint32_t counts[] = {64, 512, 4096};
	struct measured *smallest = need(calloc(1, sizeof(*smallest)));

	measure(smallest, 8, 12, quick ? 500 : 2000);
	for (uint32_t i = 0; i < (quick ? 2u : 3u); i++)
		cost_rows(smallest, counts[i], quick ? 60 : max_of(250u, 32768 / counts[i]));
	for (uint32_t fixed = 0; fixed < 2; fixed++) {
		detection_rows(64, quick ? 10 : 30, fixed);
		detection_rows(512, quick ? 10 : 100, fixed);
		if (!quick)
			detection_rows(4096, 16, fixed);
	}
	group_fini(&smallest->group);
	free(smallest);
	return 0;
}
