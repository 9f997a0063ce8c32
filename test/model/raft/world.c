/* SPDX-License-Identifier: BSD-2-Clause-Patent */
/* See world.h. */
#include "private.h"

static const struct uuid group = {{1, 2, 3}};

uint64_t
draw(struct world *world, uint64_t limit)
{
	world->random = mix64(world->random + 0x9e3779b97f4a7c15ull);
	return (world->random >> 11) % limit;
}

bool
chance(struct world *world, uint32_t per_thousand)
{
	return draw(world, 1000) < per_thousand;
}

void *
grab(size_t size)
{
	void *memory = calloc(1, size ? size : 1);

	if (memory == NULL)
		abort();
	return memory;
}

uint64_t
local_time(const struct world *world, const struct host *host)
{
	return world->now + (uint64_t)host->offset +
	       (uint64_t)((int64_t)world->now * host->drift / 1024);
}

static uint64_t
global_time(const struct host *host, uint64_t local)
{
	int64_t away = (int64_t)local - host->offset;

	return away < 0 ? 0 : (uint64_t)(away * 1024 / (1024 + host->drift)) + 1;
}

struct event *
schedule(struct world *world, uint64_t at, enum event_kind kind, const struct host *host,
	 size_t length)
{
	struct event *event = grab(sizeof(*event) + length);

	event->kind = kind;
	event->host = host ? host->rank : 0;
	event->boot = host ? host->boot : 0;
	event->length = length;
	priority_queue_insert(&world->events, &event->node, max_of(at, world->now));
	return event;
}

/* ------------------------------------------------ network */

static void
deliver(struct world *world, const struct host *from, uint32_t to, const void *bytes, size_t length,
	bool beats)
{
	uint32_t copies = 1 + (world->faults && chance(world, world->profile.repeat));

	if (to >= HOSTS || world->blocked[from->rank][to] ||
	    (world->faults && chance(world, world->profile.lose)))
		return;
	while (copies-- > 0) {
		uint64_t delay = world->profile.link + draw(world, world->profile.link + 1);
		struct event *event;

		if (world->faults && chance(world, world->profile.straggle))
			delay *= 1 + draw(world, 200);
		event = schedule(world, world->now + delay, EVENT_MESSAGE, &world->hosts[to],
				 length);
		event->beats = beats;
		memcpy(event->bytes, bytes, length);
	}
}

static void
send(struct world *world, struct host *host, const struct raft_message *message)
{
	size_t size = raft_message_size(message);
	uint8_t *bytes = grab(size);
	struct writer writer;

	writer_init(&writer, bytes, size);
	raft_message_encode(&writer, message);
	if (writer.failed || writer.position != size)
		judge_fail(&world->judge, "an encoded message has another size than foretold");
	deliver(world, host, message->to_rank, bytes, size, false);
	free(bytes);
}

static void
send_or_collect(struct world *world, struct host *host, const struct raft_message *message)
{
	bool heartbeat = message->kind == RAFT_HEARTBEAT || message->kind == RAFT_HEARTBEAT_REPLY;

	if (!heartbeat || !world->profile.beats || raft_beats_add(host->beats, message))
		send(world, host, message);
}

static void
flush_beats(struct world *world, struct host *host)
{
	const void *data;
	size_t length;
	uint32_t rank;

	while (raft_beats_take(host->beats, &rank, &data, &length))
		deliver(world, host, rank, data, length, true);
}

/* ------------------------------------------------ what a ready asks for */

static void
write_begin(struct world *world, struct host *host, const struct raft_ready *ready)
{
	struct disk *disk = &host->disk;
	struct pending *pending = &disk->pending[disk->pending_count++];
	uint64_t time = world->profile.disk + draw(world, world->profile.disk + 1);

	*pending = (struct pending){.number = ready->write,
				    .with_hard = ready->write_hard,
				    .hard = ready->hard,
				    .first = ready->append_first};
	if (ready->append_last >= ready->append_first) {
		pending->count = (uint32_t)(ready->append_last - ready->append_first + 1);
		pending->entries = grab(pending->count * sizeof(*pending->entries));
	}
	for (uint32_t i = 0; i < pending->count; i++) {
		struct raft_entry copy = *raft_entry(host->raft, ready->append_first + i);
		void *data = grab(copy.length);

		if (copy.length)
			memcpy(data, copy.data, copy.length);
		copy.data = data;
		pending->entries[i] = copy;
		judge_append(&world->judge, &host->view, &copy);
	}
	if (world->faults && chance(world, world->profile.slow_disk))
		time *= 50;
	/* One flush after the other, but they overlap. */
	host->disk_free = max_of(host->disk_free + 1, world->now + time);
	schedule(world, host->disk_free, EVENT_DISK, host, 0)->number = ready->write;
}

static void
acknowledge(struct world *world, struct host *host, const struct raft_entry *entry)
{
	for (uint32_t i = 0; i < host->write_count; i++) {
		struct operation *write = &host->writes[i];

		if (write->index != entry->index)
			continue;
		if (write->term == entry->term) {
			judge_acknowledge(&world->judge, entry->index);
			world->figures.acknowledged++;
		}
		*write = host->writes[--host->write_count];
		i--;
	}
}

static void
apply(struct world *world, struct host *host, const struct raft_ready *ready)
{
	for (uint64_t i = ready->apply_first; i <= ready->apply_last; i++) {
		const struct raft_entry *entry = raft_entry(host->raft, i);

		if (entry == NULL) {
			judge_fail(&world->judge, "an entry to be applied is not there");
			return;
		}
		machine_apply(&host->machine, entry);
		judge_apply(&world->judge, &host->view, entry, &host->machine);
		acknowledge(world, host, entry);
	}
	if (ready->apply_last >= ready->apply_first)
		raft_applied(host->raft, ready->apply_last);
}

static void
reads_finish(struct world *world, struct host *host)
{
	for (uint32_t i = 0; i < host->read_count; i++) {
		struct operation *read = &host->reads[i];

		if (!read->released || host->machine.index < read->index)
			continue;
		judge_read(&world->judge, read, host->machine.index);
		world->figures.reads++;
		*read = host->reads[--host->read_count];
		i--;
	}
}

static void
reads_release(struct host *host, const struct raft_ready *ready)
{
	for (uint32_t i = 0; i < ready->read_count; i++)
		for (uint32_t j = 0; j < host->read_count; j++) {
			if (host->reads[j].context != ready->reads[i].context)
				continue;
			if (ready->reads[i].status) {
				host->reads[j] = host->reads[--host->read_count];
			} else {
				host->reads[j].released = true;
				host->reads[j].index = ready->reads[i].index;
			}
			break;
		}
}

static uint8_t
snapshot_byte(const struct machine *machine, uint64_t at)
{
	return (uint8_t)(at < 8 ? machine->chain >> (8 * at) : mix64(machine->chain + at));
}

/* The snapshot is the state at the base of the disk, or at what is applied. */
static void
wish_serve(struct world *world, struct host *host, const struct raft_wish *wish)
{
	uint8_t bytes[CHUNK];
	struct raft_chunk chunk = {.to = wish->to,
				   .index = wish->index ? wish->index : host->machine.index,
				   .offset = wish->offset,
				   .data = bytes};
	struct machine machine;
	struct raft_message message;

	if (!judge_machine_at(&world->judge, chunk.index, &machine))
		return;
	while (chunk.length < CHUNK && chunk.offset + chunk.length < SNAPSHOT_BYTES) {
		bytes[chunk.length] = snapshot_byte(&machine, chunk.offset + chunk.length);
		chunk.length++;
	}
	chunk.last = chunk.offset + chunk.length == SNAPSHOT_BYTES;
	if (raft_chunk_send(host->raft, local_time(world, host), &chunk, &message) == 0)
		send(world, host, &message);
}

/* Stores a chunk; the last one replaces log and machine at once, when its event comes. */
static void
chunk_store(struct world *world, struct host *host, const struct raft_chunk *chunk)
{
	struct event *event;

	if (chunk->offset == 0)
		host->incoming_length = 0;
	memcpy(host->incoming + host->incoming_length, chunk->data, chunk->length);
	host->incoming_length =
		min_of(host->incoming_length + chunk->length, (uint64_t)SNAPSHOT_BYTES);
	host->disk_free = max_of(host->disk_free + 1, world->now + world->profile.disk);
	event = schedule(world, host->disk_free, EVENT_CHUNK, host, sizeof(struct raft_base) + 1);
	event->number = chunk->offset;
	memcpy(event->bytes,
	       &(struct raft_base){
		       .index = chunk->index, .term = chunk->term, .config = *chunk->config},
	       sizeof(struct raft_base));
	event->bytes[sizeof(struct raft_base)] = chunk->last;
}

static void
chunk_install(struct world *world, struct host *host, const struct raft_base *base)
{
	struct machine machine;

	if (!judge_machine_at(&world->judge, base->index, &machine) || machine.term != base->term) {
		judge_fail(&world->judge, "a snapshot of what was never committed");
		return;
	}
	for (uint64_t i = 0; i < SNAPSHOT_BYTES; i++)
		if (host->incoming_length != SNAPSHOT_BYTES ||
		    host->incoming[i] != snapshot_byte(&machine, i)) {
			judge_fail(&world->judge, "a snapshot is put together wrongly");
			return;
		}
	disk_cut(&host->disk, host->disk.base.index + 1);
	host->disk.base = *base;
	host->disk.machine = machine;
	host->disk.damaged = 0;
	host->machine = machine;
	view_reset(&host->view, base->index, machine.chain);
	world->figures.snapshots++;
}

static void
chunk_stored(struct world *world, struct host *host, const struct event *event)
{
	struct raft_base base;

	memcpy(&base, event->bytes, sizeof(base));
	if (event->bytes[sizeof(base)]) {
		chunk_install(world, host, &base);
		if (world_failure(world)[0])
			return;
	}
	raft_chunk_stored(host->raft, local_time(world, host), base.index, event->number);
}

static void
compact(struct world *world, struct host *host)
{
	uint64_t index = host->machine.index;
	struct machine machine;
	const struct raft_base *base;

	base = raft_compact(host->raft, index - draw(world, index - host->disk.base.index + 1));
	if (base->index > host->disk.base.index &&
	    judge_machine_at(&world->judge, base->index, &machine))
		disk_compact(&host->disk, base, &machine);
}

static void
timer_set(struct world *world, struct host *host)
{
	uint64_t at = max_of(global_time(host, raft_deadline(host->raft)), world->now + 1);

	if (host->timer && host->timer <= at)
		return;
	host->timer = at;
	schedule(world, at, EVENT_TIMER, host, 0);
}

/* The shell: everything that follows from the inputs given. */
void
turn(struct world *world, struct host *host)
{
	struct raft_ready ready;
	struct raft_status status;

	raft_ready(host->raft, &ready);
	for (uint32_t i = 0; i < ready.message_count; i++)
		send_or_collect(world, host, &ready.messages[i]);
	if (ready.write)
		write_begin(world, host, &ready);
	reads_release(host, &ready);
	if (ready.chunk)
		chunk_store(world, host, ready.chunk);
	for (uint32_t i = 0; i < ready.wish_count; i++)
		wish_serve(world, host, &ready.wishes[i]);
	apply(world, host, &ready);
	reads_finish(world, host);
	if (ready.compact && !world_failure(world)[0])
		compact(world, host);
	flush_beats(world, host);
	raft_status(host->raft, &status);
	if (judge_status(&world->judge, &host->view, host->disk.id, &status))
		world->figures.elections++;
	timer_set(world, host);
}

/* ------------------------------------------------ life of a host */

void
host_stop(struct world *world, struct host *host)
{
	disk_crash(world, &host->disk);
	arena_destroy(host->arena);
	host->arena = NULL;
	host->raft = NULL;
	host->up = false;
	host->timer = 0;
	host->paused_until = 0;
	host->read_count = host->write_count = 0;
	host->incoming_length = 0;
	host->boot++;
}

static struct raft_loss
host_loss(struct world *world, const struct disk *disk)
{
	struct raft_loss loss = {.index = 0};

	if (disk->damaged == 0)
		return loss;
	loss.index = chance(world, 300) ? UINT64_MAX : disk->damaged_last;
	loss.term = chance(world, 500) ? 0 : disk->entries[disk->count - 1].term;
	return loss;
}

static void
host_load(struct world *world, struct host *host)
{
	struct disk *disk = &host->disk;
	struct raft_loss loss = host_loss(world, disk);

	view_reset(&host->view, disk->base.index, disk->machine.chain);
	for (uint32_t i = 0; i < disk->count; i++) {
		if (disk->damaged && disk->entries[i].index >= disk->damaged)
			break;
		if (raft_load(host->raft, &disk->entries[i]))
			judge_fail(&world->judge, "a stored entry cannot be loaded");
		judge_append(&world->judge, &host->view, &disk->entries[i]);
	}
	host->machine = disk->machine;
	if (raft_start(host->raft, local_time(world, host), &disk->hard, disk->base.index, loss))
		judge_fail(&world->judge, "a stored replica cannot be started");
}

static void
host_start(struct world *world, struct host *host)
{
	struct raft_options options = {.group = group,
				       .id = host->disk.id,
				       .rank = host->rank,
				       .heartbeat_usec = HEARTBEAT,
				       .election_usec = ELECTION,
				       .compact_after = world->profile.compact_after,
				       .seed = draw(world, UINT64_MAX)};

	host->offset = (int64_t)draw(world, 1000000000);
	host->drift = (int32_t)draw(world, 41) - 20;
	host->arena = arena_create(0);
	if (host->arena == NULL || raft_beats_create(host->arena, host->rank, &host->beats) ||
	    raft_create(host->arena, &options, &host->disk.base, &host->raft)) {
		judge_fail(&world->judge, "a replica cannot be made");
		return;
	}
	host->up = true;
	host_load(world, host);
	if (!world_failure(world)[0])
		turn(world, host);
}

/* ------------------------------------------------ clients */

struct host *
leader_find(struct world *world)
{
	struct raft_status status;
	uint32_t start = (uint32_t)draw(world, HOSTS);

	for (uint32_t i = 0; i < HOSTS; i++) {
		struct host *host = &world->hosts[(start + i) % HOSTS];

		if (!host->up || host->paused_until > world->now)
			continue;
		raft_status(host->raft, &status);
		if (status.role == RAFT_LEADER)
			return host;
	}
	return NULL;
}

static void
client_write(struct world *world, struct host *host)
{
	uint8_t data[64];
	uint32_t length = 8 + (uint32_t)draw(world, sizeof(data) - 8);
	struct operation write = {.index = 0};

	memset(data, (int)draw(world, 256), sizeof(data));
	store_u64(data, ++world->next_context);
	if (host->write_count == PENDING_MAX ||
	    raft_propose(host->raft, local_time(world, host), data, length, &write.index,
			 &write.term))
		return;
	host->writes[host->write_count++] = write;
}

static void
client_read(struct world *world, struct host *host)
{
	struct operation read = {.context = ++world->next_context,
				 .floor = judge_floor(&world->judge)};

	if (host->read_count == PENDING_MAX)
		return;
	if (chance(world, 500)) {
		if (raft_read_lease(host->raft, local_time(world, host), &read.index))
			return;
		read.released = true;
	} else if (raft_read(host->raft, local_time(world, host), read.context)) {
		return;
	}
	host->reads[host->read_count++] = read;
}

static void
client_step(struct world *world)
{
	struct host *host = leader_find(world);

	schedule(world, world->now + 1 + draw(world, 2 * world->profile.client_every), EVENT_CLIENT,
		 NULL, 0);
	if (host == NULL)
		return;
	if (chance(world, world->profile.writes))
		client_write(world, host);
	else
		client_read(world, host);
	turn(world, host);
}

/* ------------------------------------------------ steps */

static void
receive_beats(struct world *world, struct host *host, const struct event *event)
{
	struct raft_message message;
	struct reader reader;
	int rc;

	if (raft_beats_open(event->bytes, event->length, &reader)) {
		judge_fail(&world->judge, "a packet of heartbeats is refused");
		return;
	}
	while (raft_beats_next(&reader, &message, &rc))
		(void)!raft_receive(host->raft, local_time(world, host), &message);
	if (rc)
		judge_fail(&world->judge, "a heartbeat is refused");
}

static void
receive(struct world *world, struct host *host, const struct event *event)
{
	struct raft_message message;

	if (event->beats) {
		receive_beats(world, host, event);
		return;
	}
	if (raft_message_decode(event->bytes, event->length, &world->scratch, &message)) {
		judge_fail(&world->judge, "a message is refused");
		return;
	}
	if (raft_receive(host->raft, local_time(world, host), &message) == -DER_PROTO)
		judge_fail(&world->judge, "a message contradicts what is committed");
}

static void
host_step(struct world *world, struct host *host, const struct event *event)
{
	switch (event->kind) {
	case EVENT_TIMER:
		host->timer = 0;
		raft_tick(host->raft, local_time(world, host));
		break;
	case EVENT_MESSAGE:
		receive(world, host, event);
		break;
	case EVENT_DISK:
		disk_done(&host->disk, event->number);
		raft_persisted(host->raft, local_time(world, host), event->number);
		break;
	default:
		chunk_stored(world, host, event);
		break;
	}
	if (!world_failure(world)[0])
		turn(world, host);
}

static bool
gone(const struct host *host, const struct event *event)
{
	if (!host->up)
		return true;
	return event->kind != EVENT_MESSAGE && event->boot != host->boot;
}

static void
step(struct world *world)
{
	struct queue_node *node = priority_queue_first(&world->events);
	struct event *event = container_of(node, struct event, node);
	struct host *host = &world->hosts[event->host];

	world->now = max_of(world->now, node->key);
	priority_queue_remove(&world->events, node);
	world->current = event;
	world->figures.steps++;
	if (event->kind == EVENT_CLIENT) {
		client_step(world);
	} else if (event->kind == EVENT_FAULT) {
		fault_step(world);
	} else if (event->kind == EVENT_RESTART) {
		if (!host->up)
			host_start(world, host);
	} else if (!gone(host, event)) {
		if (host->paused_until > world->now) {
			*node = (struct queue_node){.key = 0};
			priority_queue_insert(&world->events, node, host->paused_until);
			world->current = NULL;
			return;
		}
		host_step(world, host, event);
	}
	free(event);
	world->current = NULL;
}

static jmp_buf *assert_target;
static char assert_text[160];

NORETURN void planted_assert_failed(const char *condition, const char *file, int line,
				    const char *function);

/* An assert of the core is a finding as any other. */
void
planted_assert_failed(const char *condition, const char *file, int line, const char *function)
{
	(void)file;
	snprintf(assert_text, sizeof(assert_text), "assert %s in %s, line %d", condition, function,
		 line);
	if (assert_target == NULL) {
		fprintf(stderr, "%s\n", assert_text);
		abort();
	}
	longjmp(*assert_target, 1);
}

static void
run_until(struct world *world, uint64_t steps, uint64_t end)
{
	while (steps-- > 0 && world->now < end && !world_failure(world)[0])
		step(world);
}

bool
world_run(struct world *world, uint64_t steps, uint64_t microseconds)
{
	jmp_buf target;

	assert_target = &target;
	if (setjmp(target)) {
		judge_fail(&world->judge, assert_text);
		assert_target = NULL;
		return false;
	}
	run_until(world, steps, world->now + microseconds);
	assert_target = NULL;
	return !world_failure(world)[0];
}

/* NULL, or what keeps the group from being well. */
static const char *
ailment(struct world *world, const struct figures *before)
{
	struct host *leader = leader_find(world);
	const struct raft_config *config;
	uint64_t index;

	if (leader == NULL)
		return "there is no leader";
	if (world->figures.acknowledged == before->acknowledged)
		return "nothing is committed";
	if (world->figures.reads == before->reads)
		return "nothing is read";
	config = raft_membership(leader->raft, &index);
	for (uint32_t i = 0; i < HOSTS; i++)
		if (raft_config_find(config, world->hosts[i].disk.id) &&
		    world->hosts[i].machine.index + 1000 < leader->machine.index)
			return "a member does not follow";
	if (!impaired_over(world) && !world->impaired_wiped)
		return "a damaged log is not healed";
	return NULL;
}

bool
world_heal(struct world *world)
{
	struct figures before;
	const char *reason = "";

	world->faults = false;
	memset(world->blocked, 0, sizeof(world->blocked));
	for (uint32_t i = 0; i < HOSTS; i++) {
		world->hosts[i].paused_until = 0;
		if (!world->hosts[i].up)
			schedule(world, world->now, EVENT_RESTART, &world->hosts[i], 0);
	}
	/* Stragglers, elections, snapshots and changes go on a while. */
	if (!world_run(world, HEAL_STEPS, 8 * ELECTION))
		return false;
	before = world->figures;
	for (uint32_t i = 0; i < 30 && reason; i++) {
		if (!world_run(world, HEAL_STEPS, ELECTION))
			return false;
		reason = ailment(world, &before);
	}
	if (reason)
		judge_fail(&world->judge, reason);
	return reason == NULL;
}

/* ------------------------------------------------ worlds */

struct world *
world_create(uint64_t seed, const struct profile *profile)
{
	struct world *world = grab(sizeof(*world));
	struct raft_base base = {.index = 1, .term = 1};
	struct machine machine = {.index = 1, .term = 1, .chain = 1};

	world->profile = *profile;
	world->random = mix64(seed);
	world->faults = true;
	judge_found(&world->judge, &machine);
	for (uint32_t i = 0; i < profile->voters; i++)
		(void)!raft_config_add(&base.config, (struct raft_member){.id = i + 1,
									  .rank = i,
									  .roles = RAFT_VOTER});
	for (uint32_t i = 0; i < HOSTS; i++) {
		struct host *host = &world->hosts[i];

		host->rank = i;
		host->disk.id = ++world->next_id;
		if (i < profile->voters) {
			host->disk.base = base;
			host->disk.machine = machine;
		}
		schedule(world, 1, EVENT_RESTART, host, 0);
	}
	schedule(world, 1, EVENT_CLIENT, NULL, 0);
	schedule(world, ELECTION, EVENT_FAULT, NULL, 0);
	return world;
}

void
world_destroy(struct world *world)
{
	struct queue_node *node;

	while ((node = priority_queue_pop(&world->events)) != NULL)
		free(container_of(node, struct event, node));
	for (uint32_t i = 0; i < HOSTS; i++) {
		struct host *host = &world->hosts[i];

		for (uint32_t j = 0; j < host->disk.pending_count; j++)
			disk_drop(&host->disk.pending[j]);
		disk_wipe(&host->disk);
		if (host->arena)
			arena_destroy(host->arena);
		free(host->view.chains);
	}
	judge_free(&world->judge);
	free(world->current);
	free(world);
}

void
world_print(const struct world *world)
{
	static const char *const roles[] = {"follower", "precandidate", "candidate", "leader"};

	for (uint32_t i = 0; i < HOSTS; i++) {
		const struct host *host = &world->hosts[i];
		const struct raft_config *config;
		struct raft_status status;
		uint64_t index;

		if (!host->up)
			continue;
		raft_status(host->raft, &status);
		config = raft_membership(host->raft, &index);
		printf("rank %u id %llu: %s of term %llu, leader %llu, base %llu, last %llu, "
		       "durable %llu, commit %llu, applied %llu, lost %lld; members at %llu:",
		       i, (unsigned long long)host->disk.id, roles[status.role],
		       (unsigned long long)status.term, (unsigned long long)status.leader,
		       (unsigned long long)status.base, (unsigned long long)status.last,
		       (unsigned long long)status.persisted, (unsigned long long)status.commit,
		       (unsigned long long)status.applied, (long long)status.hard.lost_index,
		       (unsigned long long)index);
		for (uint32_t j = 0; j < config->count; j++)
			printf(" %llu@%u:%u", (unsigned long long)config->members[j].id,
			       config->members[j].rank, config->members[j].roles);
		printf("\n");
	}
}

const char *
world_failure(const struct world *world)
{
	return world->judge.failure;
}

void
world_figures(const struct world *world, struct figures *ret_figures)
{
	*ret_figures = world->figures;
	ret_figures->now = world->now;
	ret_figures->committed = world->judge.count;
}

struct profile
profile_draw(uint64_t seed)
{
	uint64_t bits = mix64(seed ^ 0x70726f66696c65);
	struct profile profile = {
		.lose = bits & 1 ? 50 : 0,
		.repeat = bits & 2 ? 50 : 0,
		.straggle = bits & 4 ? 50 : 0,
		.crash = bits & 8 ? 300 : 0,
		.partition = bits & 16 ? 200 : 0,
		.pause = bits & 32 ? 200 : 0,
		.damage = bits & 64 ? 300 : 0,
		.wipe = bits & 128 ? 100 : 0,
		.change = bits & 256 ? 300 : 100,
		.transfer = bits & 512 ? 200 : 0,
		.fault_every = bits & 1024 ? 30000 : 120000,
		.client_every = bits & 2048 ? 1000 : 5000,
		.slow_disk = bits & 4096 ? 30 : 0,
		.link = bits & 8192 ? 1000 : 100,
		.disk = bits & 16384 ? 1000 : 200,
		.compact_after = bits & 32768 ? 5 : 100,
		.voters = bits & 65536 ? 3 : 5,
		.writes = bits & 262144 ? 600 : 50,
		.swap = bits & 524288 ? 200 : 0,
		.memory = bits & 1048576 ? 300 : 0,
		.beats = bits & 131072,
	};

	return profile;
}
