/* SPDX-License-Identifier: BSD-2-Clause-Patent */
/* The life of a media: formatted, opened, started, closed. */
#include <stdio.h>

#include "media/private.h"

#define LOG_SIZE_DEFAULT (256u * 1024 * 1024)
#define LOG_SIZE_LEAST (1024u * 1024)
#define CHECKPOINT_INTERVAL UINT64_C(5000000000)
#define IDLE_CLOSE UINT64_C(10000000)

static void
disk_name(const char *name, char *result, size_t size)
{
	snprintf(result, size, "%s.log", name);
}

static int
write_first_headers(struct arena *arena, struct disk *disk, struct env *env)
{
	struct media media = {.arena = arena, .disk = disk, .name = NULL};
	int rc = 0;

	media.header = (struct log_header){.magic = LOG_MAGIC,
					   .version = LOG_VERSION,
					   .ring_blocks = (uint32_t)(disk->size / DISK_BLOCK) -
							  LOG_HEADERS,
					   .log_id = uuid_make(env_random(env), env_random(env)),
					   .incarnation_sequence = 1,
					   .start_sequence = 1};
	/* Whatever id the log had before, its chain starts from another value. */
	media.header.start_chain = env_random(env);
	/* Nobody listens to this media; the state keeps a failure from being reported twice. */
	media.state = -DER_IO;
	for (uint32_t i = 0; i < LOG_HEADERS && rc == 0; i++)
		rc = ring_write_header(&media);
	return rc;
}

int
media_format(struct loop *loop, const char *name, const struct media_options *options)
{
	struct env *env = loop_env(loop);
	uint64_t size = options && options->log_size ? options->log_size : LOG_SIZE_DEFAULT;
	char file[HEAP_NAME_MAX + 8];
	struct disk *disk;
	int rc;

	if (size < LOG_SIZE_LEAST || size / DISK_BLOCK > UINT32_MAX ||
	    strlen(name) >= HEAP_NAME_MAX)
		return error_raise(-DER_INVAL, "a log of %lu bytes: it needs at least %u",
				   (unsigned long)size, LOG_SIZE_LEAST);
	disk_name(name, file, sizeof(file));
	rc = env->storage->create(env->storage, file, align_down(size, DISK_BLOCK), STORAGE_ZEROED,
				  &disk);
	if (rc != 0)
		return rc;
	rc = write_first_headers(env->arena, disk, env);
	disk_close(disk);
	if (rc != 0)
		(void)env->storage->remove(env->storage, file);
	return rc;
}

/* ------------------------------------------------ open */

static void
set_options(struct media *media, const struct media_options *options)
{
	if (options)
		media->options = *options;
	if (media->options.checkpoint_interval == 0)
		media->options.checkpoint_interval = CHECKPOINT_INTERVAL;
	if (media->options.idle_close == 0)
		media->options.idle_close = IDLE_CLOSE;
}

static void
media_free(struct media *media)
{
	struct list *link;

	while ((link = list_pop(&media->bodies)))
		arena_free(media->arena, list_entry(link, struct tx_body, link));
	groups_fini(media);
	kept_fini(media);
	if (media->disk)
		disk_close(media->disk);
	arena_free(media->arena, media->places);
	arena_free(media->arena, media->name);
	arena_free(media->arena, media);
}

static int
open_log(struct media *media)
{
	struct storage *storage = media->env->storage;
	char file[HEAP_NAME_MAX + 8];
	int rc;

	disk_name(media->name, file, sizeof(file));
	rc = storage->open(storage, file, &media->disk);
	if (rc == 0)
		rc = ring_read_header(media);
	if (rc != 0)
		return rc;
	media->ring_blocks = media->header.ring_blocks;
	media->group_limit = DISK_BLOCK * min_of(max_of(media->ring_blocks / 4, GROUP_BLOCKS_MIN),
						 GROUP_BLOCKS_MAX);
	/* Of a record: three quarters for redo, the rest for payload; neither depends on the other.
	 */
	media->redo_limit = (media->group_limit - 2 * DISK_BLOCK) / 4 * 3;
	media->payload_limit = (media->group_limit - 2 * DISK_BLOCK) / 4;
	media->places = arena_calloc(media->arena, media->ring_blocks, sizeof(*media->places));
	if (!media->places)
		return error_raise(-DER_NOMEM, "no memory for the index of log %s", media->name);
	rc = replay_scan(media);
	return rc == 0 ? groups_init(media) : rc;
}

int
media_open(struct loop *loop, const char *name, const struct media_options *options,
	   struct media **ret_media)
{
	struct env *env = loop_env(loop);
	struct media *media;
	int rc;

	if (strlen(name) >= HEAP_NAME_MAX)
		return error_raise(-DER_INVAL, "the name of a log has at most %u characters",
				   HEAP_NAME_MAX - 1);
	media = arena_calloc(env->arena, 1, sizeof(*media));
	if (!media)
		return error_raise(-DER_NOMEM, "no memory for log %s", name);
	media->loop = loop;
	media->env = env;
	media->arena = env->arena;
	set_options(media, options);
	list_init(&media->heaps);
	list_init(&media->bodies);
	list_init(&media->kept);
	fiber_mutex_init(&media->header_lock);
	fiber_mutex_init(&media->round_lock);
	wait_queue_init(&media->work);
	wait_queue_init(&media->room);
	wait_queue_init(&media->checkpoint_work);
	wait_queue_init(&media->ended);
	media->name = arena_strdup(env->arena, name);
	rc = media->name ? open_log(media) : error_raise(-DER_NOMEM, "no memory for log %s", name);
	if (rc != 0) {
		media_free(media);
		return rc;
	}
	*ret_media = media;
	return 0;
}

/* ------------------------------------------------ start and close */

static int
start_fiber(struct media *media, const char *name, void (*function)(void *argument))
{
	struct fiber *fiber;
	int rc = fiber_start(media->loop, name, function, media, &fiber);

	if (rc == 0)
		media->fibers++;
	return rc;
}

static void
stop_fibers(struct media *media)
{
	media->stopping = true;
	wait_queue_wake_all(&media->work);
	wait_queue_wake_all(&media->checkpoint_work);
	while (media->fibers > 0)
		wait_queue_wait_plain(&media->ended);
}

/* Whether the header says that no group was written after it. */
bool
log_closed(const struct media *media)
{
	/* Where one of the headers is damaged it may have been a newer one. */
	return media->headers_whole && media->header.closed_generation == media->header.generation;
}

/* Nobody writes groups any more: the next start need not look for some behind the end. */
static int
log_close(struct media *media)
{
	if (!media->started || media->state != 0)
		return 0;
	ASSERT(media->durable == media->newest);
	media->header.durable_sequence = media->durable;
	media->header.closed_generation = media->header.generation + 1;
	return ring_write_header(media);
}

int
media_start(struct media *media)
{
	int rc;

	ASSERT(!media->started);
	log_info("log %s reaches to group %lu%s: %lu groups, %lu records", media->name,
		 (unsigned long)media->newest, log_closed(media) ? ", where it was closed" : "",
		 (unsigned long)media->figures.replayed_groups,
		 (unsigned long)media->figures.replayed_records);
	(void)kept_forgive_removed(media);
	media->header.incarnation++;
	media->header.incarnation_sequence = media->newest + 1;
	media->header.durable_sequence = media->durable;
	rc = ring_write_header(media);
	if (rc != 0)
		return rc;
	media->known_durable = media->durable;
	media->started = true;
	rc = start_fiber(media, "media writer", group_writer);
	if (rc == 0)
		rc = start_fiber(media, "media checkpointer", checkpoint_fiber);
	if (rc != 0) {
		stop_fibers(media);
		return rc;
	}
	/* Groups of heaps that were neither opened nor tried are needed by nobody. */
	return media_advance(media);
}

int
media_close(struct media *media)
{
	struct list *link;
	int rc = media_wait(media, media->newest_record);
	int other;

	while ((link = list_first(&media->heaps))) {
		other = heap_close(list_entry(link, struct heap, link));
		rc = rc != 0 ? rc : other;
	}
	other = media_advance(media);
	rc = rc != 0 ? rc : other;
	stop_fibers(media);
	other = log_close(media);
	rc = rc != 0 ? rc : other;
	media_free(media);
	return rc;
}

bool
media_keeps(const struct media *media)
{
	return kept_oldest(media) != 0 || media->header.given_up_count > 0;
}

void
media_figures(const struct media *media, struct media_figures *ret_figures)
{
	*ret_figures = media->figures;
	ret_figures->log_used = (uint64_t)media_ring_taken(media) * DISK_BLOCK;
	ret_figures->log_size = (uint64_t)media->ring_blocks * DISK_BLOCK;
}
