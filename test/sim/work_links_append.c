/* SPDX-License-Identifier: BSD-2-Clause-Patent */
/*
 * A file that all actors append to: it must be whole records side by side, each at most once, those
 * that were acknowledged where the answer said, and what ended before another began before it.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "sim/work_links.h"

/* Then another one is begun. */
#define RECORDS_MAX 80u
#define BYTES_MAX (256u * 1024)
#define RECORD_MAX (20u * 1024)
/* So that records lie across chunks. */
#define LOG_CHUNK 8192u

static struct links_log *
log_latest(struct links_model *model)
{
	struct links_log *log = model->log;

	if (log && log->count < RECORDS_MAX && log->bytes < BYTES_MAX)
		return log;
	log = sim_take(sizeof(*log));
	log->next = model->log;
	log->number = ++model->log_serial;
	model->log = log;
	return log;
}

static bool
log_open(struct links_actor *links, struct links_log *log, dfs_obj_t **ret_object)
{
	dfs_obj_t *directory = links->directories[log->number % DIRECTORIES];
	char name[32];
	int rc;

	snprintf(name, sizeof(name), "log-%u", log->number);
	rc = dfs_open(links->dfs, directory, name, S_IFREG | 0600, O_RDWR | O_CREAT, 0, LOG_CHUNK,
		      NULL, ret_object);
	if (links_done(links, LINKS_MAKE, rc, 0, 0, name) != OUTCOME_OK)
		return false;
	log->made = true;
	return true;
}

static void
record_bytes(const struct links_log *log, const struct links_record *record, uint8_t *bytes)
{
	value_fill(bytes, record->size,
		   (struct identity){.write = record->number,
				     .place = hash_combine(hash_text("log"), log->number)});
}

/* Its number in the log: records move when others are added. */
static uint32_t
record_new(struct links_actor *links, struct links_log *log)
{
	if (log->count == log->room) {
		log->room = log->room ? 2 * log->room : 32;
		log->records = sim_grow(log->records, log->room * sizeof(*log->records));
	}
	log->records[log->count] = (struct links_record){
		.number = actor_write_number(links->actor),
		.begin = actor_time(links->actor),
		.end = UINT64_MAX,
		.size = (uint32_t)stream_scaled(links->random, VALUE_MIN, RECORD_MAX),
		.outcome = OUTCOME_UNKNOWN,
	};
	log->bytes += log->records[log->count].size;
	return log->count++;
}

static int
append_call(struct links_actor *links, dfs_obj_t *object, size_t size, daos_off_t *ret_offset)
{
	size_t first = stream_chance(links->random, 50) ? size : stream_draw(links->random, size);
	d_sg_list_t sgl;
	d_iov_t iovs[2];

	d_iov_set(&iovs[0], links->hand->bytes, first);
	d_iov_set(&iovs[1], links->hand->bytes + first, size - first);
	sgl = (d_sg_list_t){.sg_nr = 2, .sg_iovs = iovs};
	return dfs_append(links->dfs, object, &sgl, ret_offset, NULL);
}

/* What was appended is there at once. */
static void
read_back(struct links_actor *links, struct links_log *log, uint32_t number, dfs_obj_t *object)
{
	const struct links_record record = log->records[number];
	struct identity seen = {.write = 0};

	if (!links_read(links, object, record.offset, links->hand->bytes, record.size, "a log"))
		return;
	record_bytes(log, &record, links->hand->expected);
	if (memcmp(links->hand->bytes, links->hand->expected, record.size) == 0 ||
	    links_loose(links))
		return;
	(void)value_identify(links->hand->bytes, record.size, &seen);
	sim_violation(links->model->sim,
		      "log %u has not at %llu the %u bytes of %llu, but what %llu wrote",
		      log->number, (unsigned long long)record.offset, record.size,
		      (unsigned long long)record.number, (unsigned long long)seen.write);
}

void
links_append(struct links_actor *links)
{
	struct links_log *log = log_latest(links->model);
	struct links_record *record;
	daos_off_t offset = 0;
	dfs_obj_t *object;
	uint32_t number;
	int rc;

	if (!log_open(links, log, &object))
		return;
	number = record_new(links, log);
	record_bytes(log, &log->records[number], links->hand->bytes);
	rc = append_call(links, object, log->records[number].size, &offset);
	record = &log->records[number];
	record->outcome = (uint8_t)links_done(links, LINKS_APPEND, rc, 0, 0, "a log");
	record->offset = offset;
	if (record->outcome == OUTCOME_OK) {
		record->end = actor_time(links->actor);
		read_back(links, log, number, object);
	}
	(void)dfs_release(object);
}

/* ------------------------------------------------ the end */

/* What lies at the beginning of bytes: acknowledged there, or of unknown outcome. */
static struct links_record *
record_at(struct links_actor *links, struct links_log *log, const uint8_t *bytes, uint64_t offset,
	  uint64_t left)
{
	for (uint32_t i = 0; i < log->count; i++) {
		struct links_record *record = &log->records[i];

		if (record->found || record->size > left ||
		    (record->outcome == OUTCOME_OK && record->offset != offset))
			continue;
		record_bytes(log, record, links->hand->expected);
		if (memcmp(bytes, links->hand->expected, record->size) == 0) {
			record->offset = offset;
			record->found = true;
			return record;
		}
	}
	return NULL;
}

static void
check_order(struct links_actor *links, const struct links_log *log)
{
	for (uint32_t i = 0; i < log->count; i++) {
		const struct links_record *one = &log->records[i];

		if (one->outcome == OUTCOME_OK && !one->found)
			sim_violation(links->model->sim, "log %u has lost %u bytes at %llu",
				      log->number, one->size, (unsigned long long)one->offset);
		for (uint32_t k = 0; k < log->count && one->found; k++) {
			const struct links_record *other = &log->records[k];

			if (other->found && one->end < other->begin && one->offset > other->offset)
				sim_violation(links->model->sim,
					      "log %u: what was appended first is at %llu, behind "
					      "%llu",
					      log->number, (unsigned long long)one->offset,
					      (unsigned long long)other->offset);
		}
	}
}

static void
check_log(struct links_actor *links, struct links_log *log, const uint8_t *bytes, uint64_t size)
{
	uint64_t at = 0;

	while (at < size) {
		const struct links_record *record =
			record_at(links, log, bytes + at, at, size - at);

		if (record == NULL) {
			sim_violation(links->model->sim,
				      "log %u of %llu bytes has at %llu what nobody appended",
				      log->number, (unsigned long long)size,
				      (unsigned long long)at);
			return;
		}
		at += record->size;
	}
	check_order(links, log);
}

static void
verify_log(struct links_actor *links, struct links_log *log)
{
	daos_size_t size = 0;
	dfs_obj_t *object;
	uint8_t *bytes;
	bool whole = true;
	int rc;

	if (!log->made || !log_open(links, log, &object))
		return;
	rc = dfs_get_size(links->dfs, object, &size);
	if (links_done(links, LINKS_READ, rc, 0, 0, "a log") == OUTCOME_OK && !links_loose(links)) {
		if (size > log->bytes)
			sim_violation(links->model->sim, "log %u has %llu bytes of %llu",
				      log->number, (unsigned long long)size,
				      (unsigned long long)log->bytes);
		size = min_of(size, log->bytes);
		bytes = sim_take(size + 1);
		for (uint64_t at = 0; at < size && whole; at += LINKS_IO_MAX)
			whole = links_read(links, object, at, bytes + at,
					   min_of(size - at, (uint64_t)LINKS_IO_MAX), "a log");
		if (whole)
			check_log(links, log, bytes, size);
		free(bytes);
	}
	(void)dfs_release(object);
}

void
links_append_verify(struct links_actor *links)
{
	for (struct links_log *log = links->model->log; log && !sim_violated(links->model->sim);
	     log = log->next)
		verify_log(links, log);
}

void
links_append_free(struct links_model *model)
{
	while (model->log) {
		struct links_log *log = model->log;

		model->log = log->next;
		free(log->records);
		free(log);
	}
}
