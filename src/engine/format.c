/* SPDX-License-Identifier: BSD-2-Clause-Patent */
/*
 * A new system: logs, the system's store, and at last the superblock. A format that a crash cut
 * short has no superblock, and is begun anew.
 */
#include <stdio.h>

#include "engine/private.h"

void
engine_log_name(uint32_t index, char name[LOG_NAME])
{
	snprintf(name, LOG_NAME, "loop-%u", index);
}

void
engine_media_options(const struct engine *engine, struct media_options *ret_options)
{
	*ret_options = (struct media_options){
		.log_size = engine->options.log_size,
		.inline_limit = engine->options.inline_limit,
		.checkpoint_interval = engine->options.checkpoint_interval,
	};
}

/* ------------------------------------------------ what is there */

struct names {
	struct arena *arena;
	struct list names;
};

struct name {
	struct list link;
	char text[128];
};

static int
name_visit(void *argument, const char *text)
{
	struct names *names = argument;
	struct name *name = arena_calloc(names->arena, 1, sizeof(*name));

	if (name == NULL)
		return error_raise(-DER_NOMEM, "no memory for a list of files");
	snprintf(name->text, sizeof(name->text), "%s", text);
	list_append(&names->names, &name->link);
	return 0;
}

/* Removes all disks whose names begin with prefix. */
static int
remove_prefix(struct storage *storage, struct arena *arena, const char *prefix)
{
	struct names names = {.arena = arena};
	struct list *link;
	int rc;

	list_init(&names.names);
	rc = storage->list(storage, prefix, name_visit, &names);
	while ((link = list_pop(&names.names)) != NULL) {
		struct name *name = list_entry(link, struct name, link);

		if (rc == 0)
			rc = storage->remove(storage, name->text);
		arena_free(arena, name);
	}
	return rc;
}

static int
one_visit(void *argument, const char *name)
{
	(void)argument;
	(void)name;
	return 1;
}

static int
exact_visit(void *argument, const char *name)
{
	return strcmp(argument, name) == 0;
}

int
engine_formatted(struct storage *storage, bool *ret_formatted)
{
	char name[] = SUPERBLOCK_NAME;
	int rc = storage->list(storage, SUPERBLOCK_NAME, exact_visit, name);

	if (rc >= 0)
		*ret_formatted = rc > 0;
	return min_of(rc, 0);
}

int
engine_remove_logs(struct storage *storage, struct arena *arena)
{
	return remove_prefix(storage, arena, "loop-");
}

/* Only a format that did not end may be in the way. */
static int
ground_clear(struct engine *engine)
{
	struct storage *storage = engine->node.storage;
	int rc = storage->list(storage, "pools/", one_visit, NULL);

	if (rc > 0)
		return error_raise(-DER_EXIST,
				   "the storage has no superblock but holds pools: use another "
				   "directory, or restore the superblock");
	if (rc == 0)
		rc = engine_remove_logs(storage, engine->arena);
	return rc == 0 ? remove_prefix(storage, engine->arena, SYSTEM_STORE) : rc;
}

/* ------------------------------------------------ making */

static int
log_make(struct engine *engine, uint32_t index)
{
	struct media_options options;
	char name[LOG_NAME];

	engine_log_name(index, name);
	engine_media_options(engine, &options);
	return media_format(engine->node.loops[index].loop, name, &options);
}

int
engine_format_logs(struct engine *engine)
{
	return engine_each_loop(engine, log_make);
}

/* The system's store, through loop 0's log. */
static int
system_make(struct engine *engine)
{
	struct node_loop *first = &engine->node.loops[0];
	struct media_options options;
	char name[LOG_NAME];
	int rc, closed;

	engine_log_name(0, name);
	engine_media_options(engine, &options);
	rc = media_open(first->loop, name, &options, &first->media);
	if (rc)
		return rc;
	rc = media_start(first->media);
	if (rc == 0)
		rc = system_format(&engine->node);
	closed = media_close(first->media);
	first->media = NULL;
	return rc ? rc : closed;
}

int
engine_format(struct engine *engine)
{
	const struct superblock superblock = {
		.generation = 1, .loops = engine->node.loop_count, .rank = engine->node.rank};
	int rc = ground_clear(engine);

	if (rc == 0)
		rc = engine_format_logs(engine);
	if (rc == 0)
		rc = system_make(engine);
	return rc == 0 ? superblock_create(engine, &superblock) : rc;
}
