/* SPDX-License-Identifier: BSD-2-Clause-Patent */
/* The named disks of a node: creation, removal, space, power cuts and images. */
#include <stdlib.h>
#include <string.h>

#include "env/memory/disk.h"

/* What storage->space() shows as total when the node has no limit. */
#define UNLIMITED_CAPACITY (1ull << 40)

/* ------------------------------------------------ media */

struct media *
media_find(struct memory_node *node, const char *name)
{
	LIST_FOR_EACH(link, &node->media) {
		struct media *media = list_entry(link, struct media, link);

		if (strcmp(media->name, name) == 0)
			return media;
	}
	return NULL;
}

struct media *
world_media(struct memory_world *world, const char *node, const char *name)
{
	struct media *media = media_find(world_node(world, node), name);

	ASSERT(media != NULL);
	return media;
}

struct media *
media_create(struct memory_world *world, struct memory_node *node, const char *name, uint64_t size,
	     enum storage_allocate allocate)
{
	struct media *media = memory_take(sizeof(*media));

	media->references = 1;
	media->world = world;
	media->node = node;
	media->name = memory_copy_text(name);
	media->size = size;
	media->allocate = allocate;
	media->options = world->disk_defaults;
	media_streams_init(media);
	image_init(&media->newest, size);
	platter_init(&media->platter, size);
	list_init(&media->held_operations);
	list_append(&node->media, &media->link);
	return media;
}

void
media_put(struct media *media)
{
	if (--media->references > 0)
		return;
	image_fini(&media->newest);
	platter_fini(&media->platter);
	media_faults_fini(media);
	free(media->name);
	free(media);
}

void
media_unlink(struct media *media)
{
	list_remove(&media->link);
	media_put(media);
}

uint64_t
media_used(const struct media *media)
{
	return media->allocate == STORAGE_THIN ? media->newest.used * DISK_BLOCK : media->size;
}

void
media_reset(struct media *media, const struct image *image)
{
	platter_reset(&media->platter, image);
	image_fini(&media->newest);
	image_copy(&media->newest, image);
	media->last_due = 0;
}

void
node_clear(struct memory_node *node)
{
	struct list *link;

	while ((link = list_first(&node->media)) != NULL) {
		struct media *media = list_entry(link, struct media, link);

		ASSERT(media->references == 1);
		media_unlink(media);
	}
}

void
media_free_all(struct memory_node *node)
{
	node_clear(node);
}

/* ------------------------------------------------ the storage seam */

uint64_t
memory_node_used(struct memory_world *world, const char *node)
{
	uint64_t used = 0;

	LIST_FOR_EACH(link, &world_node(world, node)->media)
		used += media_used(list_entry(link, struct media, link));
	return used;
}

/* A relative path without empty, "." or ".." parts. */
static bool
name_valid(const char *name)
{
	for (;;) {
		size_t length = strcspn(name, "/");

		if (length == 0 || (length == 1 && name[0] == '.') ||
		    (length == 2 && memcmp(name, "..", 2) == 0))
			return false;
		if (name[length] == '\0')
			return true;
		name += length + 1;
	}
}

/* The result that a test ordered for this operation, or 0. */
static int
storage_fault(struct memory_env *env, enum memory_storage_operation operation)
{
	struct order *order = &env->node->storage_orders[operation];

	if (!order_strikes(&order->countdown))
		return 0;
	world_strike(env->world, env->node,
		     (struct memory_strike){
			     .fault = (enum memory_fault)(MEMORY_FAULT_CREATE_ERROR + operation)});
	return order->result;
}

static bool
has_room(const struct memory_env *env, uint64_t size)
{
	const struct memory_node *node = env->node;

	return node->capacity == 0 ||
	       memory_node_used(env->world, node->name) + size <= node->capacity;
}

static int
storage_create(struct storage *storage, const char *name, uint64_t size,
	       enum storage_allocate allocate, struct disk **ret_disk)
{
	struct memory_env *env = container_of(storage, struct memory_env, storage);
	struct memory_node *node = env->node;
	struct media *media;
	int rc;

	if (!name_valid(name) || size == 0 || size % DISK_BLOCK)
		return error_raise(-DER_INVAL, "cannot create disk \"%s\" of %llu bytes", name,
				   (unsigned long long)size);
	if (media_find(node, name))
		return error_raise(-DER_EXIST, "disk \"%s\" exists", name);
	rc = storage_fault(env, MEMORY_STORAGE_CREATE);
	if (rc != 0)
		return error_raise(rc, "disk \"%s\" cannot be created", name);
	if (allocate != STORAGE_THIN && !has_room(env, size)) {
		world_strike(env->world, node, (struct memory_strike){.fault = MEMORY_FAULT_FULL});
		return error_raise(-DER_NOSPACE, "no room for disk \"%s\" of %llu bytes", name,
				   (unsigned long long)size);
	}
	media = media_create(env->world, node, name, size, allocate);
	trace_record(media, TRACE_CREATE, NULL, 0);
	*ret_disk = disk_open(env, media);
	return 0;
}

static int
storage_open(struct storage *storage, const char *name, struct disk **ret_disk)
{
	struct memory_env *env = container_of(storage, struct memory_env, storage);
	struct media *media = media_find(env->node, name);
	int rc;

	if (media == NULL)
		return error_raise(-DER_NONEXIST, "there is no disk \"%s\"", name);
	rc = media_vanished(media) ? -DER_IO : storage_fault(env, MEMORY_STORAGE_OPEN);
	if (rc != 0)
		return error_raise(rc, "disk \"%s\" cannot be opened", name);
	*ret_disk = disk_open(env, media);
	return 0;
}

static int
storage_remove(struct storage *storage, const char *name)
{
	struct memory_env *env = container_of(storage, struct memory_env, storage);
	struct media *media = media_find(env->node, name);
	int rc;

	if (media == NULL)
		return error_raise(-DER_NONEXIST, "there is no disk \"%s\"", name);
	rc = storage_fault(env, MEMORY_STORAGE_REMOVE);
	if (rc != 0)
		return error_raise(rc, "disk \"%s\" cannot be removed", name);
	trace_record(media, TRACE_REMOVE, NULL, 0);
	media_unlink(media);
	return 0;
}

/* visit may remove the disk it is shown. */
static int
storage_list(struct storage *storage, const char *prefix,
	     int (*visit)(void *argument, const char *name), void *argument)
{
	struct memory_env *env = container_of(storage, struct memory_env, storage);

	LIST_FOR_EACH_SAFE(link, &env->node->media) {
		struct media *media = list_entry(link, struct media, link);
		int rc;

		if (strncmp(media->name, prefix, strlen(prefix)) != 0)
			continue;
		media->references++;
		rc = visit(argument, media->name);
		media_put(media);
		if (rc != 0)
			return rc;
	}
	return 0;
}

static int
storage_space(struct storage *storage, uint64_t *ret_total, uint64_t *ret_free)
{
	struct memory_env *env = container_of(storage, struct memory_env, storage);
	uint64_t total = env->node->capacity ? env->node->capacity : UNLIMITED_CAPACITY;
	uint64_t used = memory_node_used(env->world, env->node->name);

	*ret_total = total;
	*ret_free = used < total ? total - used : 0;
	return 0;
}

void
storage_init(struct memory_env *env)
{
	env->storage = (struct storage){storage_create, storage_open, storage_remove, storage_list,
					storage_space};
	list_init(&env->operations);
	list_init(&env->disks);
}

/* ------------------------------------------------ options and power cuts */

void
memory_disk_defaults(struct memory_world *world, const struct memory_disk_options *options)
{
	world->disk_defaults = *options;
}

void
memory_disk_configure(struct memory_world *world, const char *node, const char *name,
		      const struct memory_disk_options *options)
{
	world_media(world, node, name)->options = *options;
}

void
memory_node_set_capacity(struct memory_world *world, const char *node, uint64_t capacity)
{
	world_node(world, node)->capacity = capacity;
}

void
memory_storage_fail(struct memory_world *world, const char *node,
		    enum memory_storage_operation operation, uint64_t n, int result)
{
	ASSERT(result < 0 && operation <= MEMORY_STORAGE_REMOVE);
	world_node(world, node)->storage_orders[operation] = (struct order){n, result};
}

void
memory_world_shorn(struct memory_world *world, bool shorn)
{
	world->shorn = shorn;
}

uint32_t
memory_node_pending(struct memory_world *world, const char *node)
{
	uint32_t pending = 0;

	LIST_FOR_EACH(link, &world_node(world, node)->media)
		pending += platter_pending(&list_entry(link, struct media, link)->platter);
	return pending;
}

static void
power_cut_strike(struct memory_world *world, const struct memory_node *node,
		 const struct casualties *casualties)
{
	struct memory_strike strike = {.fault = MEMORY_FAULT_POWER_CUT,
				       .offset = casualties->lost,
				       .length = casualties->torn + casualties->shorn};

	world_strike(world, node, strike);
	if (casualties->shorn == 0)
		return;
	world_strike(world, node,
		     (struct memory_strike){.fault = MEMORY_FAULT_SHORN,
					    .offset = casualties->shorn});
}

void
memory_node_power_cut(struct memory_world *world, const char *name,
		      const struct memory_crash *crash)
{
	struct memory_node *node = world_node(world, name);
	uint32_t count = (uint32_t)list_length(&node->media);
	struct platter **platters = memory_take(count * sizeof(platters[0]));
	struct image *images = memory_take(count * sizeof(images[0]));
	struct casualties casualties;
	uint32_t i = 0;

	ASSERT(node->trace == NULL);
	LIST_FOR_EACH(link, &node->media) {
		struct media *media = list_entry(link, struct media, link);

		ASSERT(media->references == 1);
		platters[i++] = &media->platter;
	}
	casualties = platters_survive(platters, count, crash, world->shorn, images);
	i = 0;
	LIST_FOR_EACH(link, &node->media) {
		media_reset(list_entry(link, struct media, link), &images[i]);
		image_fini(&images[i++]);
	}
	free(platters);
	free(images);
	power_cut_strike(world, node, &casualties);
}

/* ------------------------------------------------ images of a node */

struct disk_copy {
	char *name;
	uint64_t size;
	enum storage_allocate allocate;
	struct memory_disk_options options;
	struct image image;
};

struct memory_image {
	uint32_t count;
	struct disk_copy disks[];
};

int
memory_image_save(struct memory_world *world, const char *node, struct memory_image **ret_image)
{
	struct list *all = &world_node(world, node)->media;
	uint32_t count = (uint32_t)list_length(all);
	struct memory_image *image = memory_take(sizeof(*image) + count * sizeof(image->disks[0]));

	LIST_FOR_EACH(link, all) {
		struct media *media = list_entry(link, struct media, link);
		struct disk_copy *copy = &image->disks[image->count++];

		copy->name = memory_copy_text(media->name);
		copy->size = media->size;
		copy->allocate = media->allocate;
		copy->options = media->options;
		image_copy(&copy->image, &media->newest);
	}
	*ret_image = image;
	return 0;
}

void
memory_image_restore(struct memory_world *world, const char *name, const struct memory_image *image)
{
	struct memory_node *node = world_node(world, name);

	ASSERT(node->trace == NULL);
	node_clear(node);
	for (uint32_t i = 0; i < image->count; i++) {
		const struct disk_copy *copy = &image->disks[i];
		struct media *media =
			media_create(world, node, copy->name, copy->size, copy->allocate);

		media->options = copy->options;
		media_reset(media, &copy->image);
	}
}

void
memory_image_free(struct memory_image *image)
{
	if (image == NULL)
		return;
	for (uint32_t i = 0; i < image->count; i++) {
		image_fini(&image->disks[i].image);
		free(image->disks[i].name);
	}
	free(image);
}
