/* SPDX-License-Identifier: BSD-2-Clause-Patent */
/*
 * One bit is wrong: in a header of the log, in a group, in a superblock, in an entry of the zone
 * table, in a chunk of a zone, in a data block. What was in force there is always found out, never
 * returned as data, and never ends the program. The log's last group may be lost by it, and nothing
 * else. CAIRN_TEST_SECONDS (10) bounds the time; CAIRN_SEED chooses the bits.
 */
#include <time.h>

#include "bed.h"

#define REGIONS_MAX 4096u

enum region_kind {
	REGION_LOG_HEADER, /* the newer one */
	REGION_LOG_HEADER_OLDER,
	REGION_GROUP, /* with a successor */
	REGION_GROUP_LAST,
	REGION_SUPERBLOCK,
	REGION_SUPERBLOCK_OLDER,
	REGION_ENTRY,
	REGION_ENTRY_OLDER,
	REGION_CHUNK,
	REGION_DATA,
	REGION_KINDS,
};

static const char *const region_names[REGION_KINDS] = {
	"log header",	   "log header, older", "log group",	    "log group, last",
	"superblock",	   "superblock, older", "zone table entry", "zone table entry, older",
	"chunk of a zone", "data block",
};

struct region {
	enum region_kind kind;
	const char *disk;
	uint64_t offset, length; /* bytes */
};

/* What the start and the reading after it said. */
struct verdict {
	int opening;	 /* the first error until the stores were open */
	uint32_t errors; /* of reading */
	uint32_t lost;	 /* values of the last change that are not there */
	bool cut;	 /* the log ended one group early */
	bool doubled;	 /* what was damaged is there twice, and the start knew it */
};

struct damage_bed {
	struct crash_bed bed;
	struct memory_image *image;
	struct region regions[REGIONS_MAX];
	uint32_t count;
	uint64_t newest; /* group */
	uint64_t seed;
	struct verdict verdict;
	uint64_t tried[REGION_KINDS], refused[REGION_KINDS], reading[REGION_KINDS],
		cut[REGION_KINDS], whole[REGION_KINDS];
};

/* ------------------------------------------------ content */

static const struct expected {
	const char *dkey, *akey;
	uint32_t length;
	uint32_t seed;
	bool after; /* written after the checkpoint: in the log alone */
} contents[] = {
	{"small", "a", 40, 1, false},
	{"small", "b", 900, 2, false},
	{"a name of more than sixteen bytes", "c", 3000, 3, false},
	{"large", "inlined", 9000, 4, false},
	{"large", "in place", 200000, 5, false},
	{"log", "a", 500, 6, true},
	{"log", "inlined", 9000, 7, true},
	{"log", "in place", 100000, 8, true},
	{"last", "a", 300, 9, true},
};
#define LAST (ARRAY_SIZE(contents) - 1)

static void
put_content(struct crash_bed *bed, uint32_t index)
{
	const struct expected *value = &contents[index];

	put_single(bed, 1, value->dkey, value->akey, value->length, value->seed);
	put_array(bed, 2, value->dkey, value->akey, 100, value->length, value->seed);
	bed_wait(bed);
}

/* An error, or exactly what was written; the last change may be missing where the log was cut. */
static void
read_content(struct damage_bed *here, uint32_t index, bool array)
{
	const struct expected *value = &contents[index];
	struct vos_extent extent = {100, value->length};
	struct vos_akey akey = {.key = text_key(value->akey),
				.type = array ? VOS_ARRAY : VOS_SINGLE,
				.extents = &extent,
				.extent_count = 1};
	struct vos_object name = object_of(array ? 2 : 1);
	struct vos_fetched fetched;
	int rc = vos_fetch(here->bed.container, &name, text_key(value->dkey), &akey, 1, EPOCH_MAX,
			   0, 0, &fetched);

	if (rc != 0) {
		here->verdict.errors++;
		return;
	}
	if (fetched.record_size == 0) {
		here->verdict.lost++;
		CHECK(here->verdict.cut && index == LAST);
	} else {
		CHECK_EQUAL(fetched.length, value->length);
		CHECK(memcmp(fetched.data, content_of(value->seed, value->length), value->length) ==
		      0);
	}
	vos_fetched_free(here->bed.container, &fetched, 1);
}

static int
count_visit(void *argument, const struct vos_entry *entry)
{
	(void)entry;
	++*(uint32_t *)argument;
	return 0;
}

/* Every level is an error, or complete. */
static void
list_content(struct damage_bed *here)
{
	struct vos_object name = object_of(1);
	struct vos_position position = {0};
	uint32_t count = 0;
	int rc = vos_list(here->bed.container, &name, VOS_DKEYS, (struct vos_key){0},
			  (struct vos_key){0}, EPOCH_MAX, 100, &position, count_visit, &count);

	if (rc != 0)
		here->verdict.errors++;
	else
		CHECK(count == 5 || (here->verdict.cut && count == 4));
}

/* ------------------------------------------------ where something is */

static void
add_region(struct damage_bed *here, enum region_kind kind, const char *disk, uint64_t offset,
	   uint64_t length)
{
	CHECK(here->count < REGIONS_MAX);
	here->regions[here->count++] =
		(struct region){.kind = kind, .disk = disk, .offset = offset, .length = length};
}

static void
find_groups(struct damage_bed *here)
{
	struct media *media = here->bed.media;

	for (uint32_t i = 0; i < LOG_HEADERS; i++)
		add_region(here,
			   media->header.generation % 2 == i ? REGION_LOG_HEADER
							     : REGION_LOG_HEADER_OLDER,
			   "log.log", (uint64_t)i * DISK_BLOCK, DISK_BLOCK);
	here->newest = media->newest;
	for (uint64_t i = media->header.start_sequence; i <= media->newest; i++) {
		uint64_t offset = (uint64_t)(LOG_HEADERS + media_place(media, i)->block);
		struct group_header header;

		memory_disk_peek(here->bed.world, "node", "log.log", &header, sizeof(header),
				 offset * DISK_BLOCK);
		CHECK_EQUAL(header.sequence, i);
		add_region(here, i == media->newest ? REGION_GROUP_LAST : REGION_GROUP, "log.log",
			   offset * DISK_BLOCK, header.length);
	}
}

static void
find_zone(struct damage_bed *here, struct zone *zone)
{
	struct heap *heap = zone->heap;

	for (uint32_t i = 0; i < ZONE_ENTRIES; i++)
		add_region(here, zone->generation % 2 == i ? REGION_ENTRY : REGION_ENTRY_OLDER,
			   "pool.heap",
			   heap->zones_start +
				   ((uint64_t)zone->number * ZONE_ENTRIES + i) * DISK_BLOCK,
			   sizeof(struct zone_entry));
	for (uint32_t i = 0; i < ZONE_CHUNKS; i++)
		if (zone->chunks[i].slot != 0)
			add_region(here, REGION_CHUNK, "pool.heap",
				   heap_slot_offset(heap, zone->chunks[i].slot), DISK_BLOCK);
	for (uint32_t i = 0; zone->deltas && i < zone->deltas->count; i++)
		add_region(here, REGION_CHUNK, "pool.heap",
			   heap_slot_offset(heap, zone->deltas->chunks[i].slot), DISK_BLOCK);
}

/* Blocks that are in place hold what was checkpointed, or the last bytes of a value. */
static void
find_data(struct damage_bed *here)
{
	static uint8_t blocks[64 * DISK_BLOCK];

	for (uint64_t at = 0; at < here->bed.heap->blocks_total; at++) {
		memory_disk_peek(here->bed.world, "node", "pool.data", blocks, DISK_BLOCK,
				 at * DISK_BLOCK);
		for (uint32_t i = 0; i < ARRAY_SIZE(contents); i++) {
			const uint8_t *bytes = content_of(contents[i].seed, contents[i].length);

			for (uint32_t done = 0; done + DISK_BLOCK <= contents[i].length;
			     done += DISK_BLOCK)
				if (memcmp(blocks, bytes + done, DISK_BLOCK) == 0) {
					add_region(here, REGION_DATA, "pool.data", at * DISK_BLOCK,
						   DISK_BLOCK);
					i = ARRAY_SIZE(contents) - 1;
					break;
				}
		}
	}
}

static void
find_regions(struct damage_bed *here)
{
	struct heap *heap = here->bed.heap;

	here->count = 0;
	find_groups(here);
	for (uint32_t i = 0; i < 2; i++)
		add_region(here,
			   heap->superblock.generation % 2 == i ? REGION_SUPERBLOCK
								: REGION_SUPERBLOCK_OLDER,
			   "pool.heap", (uint64_t)i * DISK_BLOCK, DISK_BLOCK);
	for (uint32_t i = 0; i < heap->heap_zones + heap->space_zones; i++)
		if (heap->zones[i] && heap->zones[i]->generation != 0)
			find_zone(here, heap->zones[i]);
	find_data(here);
}

/* ------------------------------------------------ a start on damaged disks */

static int
try_open(struct crash_bed *bed)
{
	struct media_options options = {.log_size = 1 << 20, .checkpoint_interval = 3600000000000};
	int rc = media_open(bed->loop, "log", &options, &bed->media);

	if (rc == 0)
		rc = heap_open(bed->media, "pool", &bed->heap);
	if (rc == 0)
		rc = media_start(bed->media);
	if (rc == 0)
		rc = vos_open(bed->heap, &bed->vos);
	if (rc == 0)
		rc = vos_container_open(bed->vos, container_id(0), &bed->container);
	return rc;
}

static int
damaged_body(void *argument)
{
	struct damage_bed *here = container_of(argument, struct damage_bed, bed);
	struct crash_bed *bed = argument;
	struct heap *heap;

	here->verdict = (struct verdict){.opening = try_open(bed)};
	if (here->verdict.opening != 0) {
		CHECK(here->verdict.opening == -DER_CSUM ||
		      here->verdict.opening == -DER_DF_INVAL || here->verdict.opening == -DER_IO ||
		      here->verdict.opening == -DER_DF_INCOMPT);
		return 0;
	}
	heap = bed->heap;
	here->verdict.doubled = !bed->media->headers_whole || heap->superblock_alone;
	/* The start says how far the log reached. */
	here->verdict.cut = bed->media->figures.replay_end < here->newest;
	if (here->verdict.cut)
		CHECK_EQUAL(bed->media->figures.replay_end, here->newest - 1);
	for (uint32_t i = 0; i < ARRAY_SIZE(contents); i++) {
		read_content(here, i, false);
		read_content(here, i, true);
	}
	list_content(here);
	for (uint32_t i = 0; i < heap->heap_zones + heap->space_zones; i++)
		if (heap->zones[i] && zone_load(heap->zones[i]) != 0)
			here->verdict.errors++;
	return 0;
}

/* A failure names the bit. */
static void
tell(const struct damage_bed *here, const struct region *region, uint64_t bit)
{
	const struct verdict *verdict = &here->verdict;

	fprintf(stderr, "%s, %s at %llu of %llu bytes, bit %llu: opening %d, %u errors, %s\n",
		region_names[region->kind], region->disk, (unsigned long long)region->offset,
		(unsigned long long)region->length, (unsigned long long)bit, verdict->opening,
		verdict->errors, verdict->cut ? "cut" : "not cut");
	abort();
}

static void
judge(struct damage_bed *here, const struct region *region, uint64_t bit)
{
	const struct verdict *verdict = &here->verdict;
	bool noticed = verdict->opening != 0 || verdict->errors > 0, right = true;

	switch (region->kind) {
	case REGION_LOG_HEADER:
	case REGION_SUPERBLOCK:
		right = (noticed || verdict->doubled) && !verdict->cut;
		break;
	case REGION_GROUP:
	case REGION_ENTRY:
	case REGION_CHUNK:
	case REGION_DATA:
		right = noticed && !verdict->cut;
		break;
	case REGION_GROUP_LAST:
		right = noticed || verdict->cut;
		break;
	case REGION_LOG_HEADER_OLDER:
	case REGION_SUPERBLOCK_OLDER:
	case REGION_ENTRY_OLDER:
	case REGION_KINDS:
		right = !verdict->cut;
		break;
	}
	if (!right)
		tell(here, region, bit);
	here->tried[region->kind]++;
	here->refused[region->kind] += verdict->opening != 0;
	here->reading[region->kind] += verdict->opening == 0 && verdict->errors > 0;
	here->cut[region->kind] += verdict->cut;
	here->whole[region->kind] += !noticed && !verdict->cut;
}

static void
damage(struct damage_bed *here, const struct region *region, uint64_t bit)
{
	uint8_t byte;

	CHECK_EQUAL(memory_world_create(bit + 1, &here->bed.world), 0);
	memory_image_restore(here->bed.world, "node", here->image);
	memory_disk_peek(here->bed.world, "node", region->disk, &byte, 1, region->offset + bit / 8);
	byte ^= (uint8_t)(1u << bit % 8);
	memory_disk_poke(here->bed.world, "node", region->disk, &byte, 1, region->offset + bit / 8);
	bed_boot(&here->bed);
	bed_run(&here->bed, damaged_body);
	judge(here, region, bit);
	bed_kill(&here->bed);
	memory_world_destroy(here->bed.world);
}

/* ------------------------------------------------ the test */

static int
fill_body(void *argument)
{
	struct crash_bed *bed = argument;
	uint32_t i = 0;

	for (; !contents[i].after; i++)
		put_content(bed, i);
	CHECK_EQUAL(media_checkpoint(bed->media), 0);
	for (; i < LAST; i++)
		put_content(bed, i);
	/* One group, behind which there is nothing. */
	put_array(bed, 2, contents[LAST].dkey, contents[LAST].akey, 100, contents[LAST].length,
		  contents[LAST].seed);
	put_single(bed, 1, contents[LAST].dkey, contents[LAST].akey, contents[LAST].length,
		   contents[LAST].seed);
	bed_wait(bed);
	return bed_load_zones_body(bed);
}

static uint64_t
draw(struct damage_bed *here, uint64_t limit)
{
	here->seed = mix64(here->seed + 0x9e3779b97f4a7c15ull);
	return (here->seed >> 11) % limit;
}

static double
seconds(void)
{
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC, &now);
	return (double)now.tv_sec + (double)now.tv_nsec / 1e9;
}

/* The kinds in turn, a place of it at random: headers are small and many. */
static void
damage_all(struct damage_bed *here, double until)
{
	for (uint64_t number = 0; number < 4 * REGION_KINDS || seconds() < until; number++) {
		const struct region *region;
		uint32_t at = (uint32_t)draw(here, here->count);
		uint64_t bits;

		for (uint32_t i = 0; i < here->count; i++, at = (at + 1) % here->count)
			if (here->regions[at].kind == number % REGION_KINDS)
				break;
		region = &here->regions[at];
		if (region->kind != number % REGION_KINDS)
			continue;
		/* Every second time among the first fields. */
		bits = number / REGION_KINDS % 2 ? min_of(region->length, UINT64_C(160)) * 8
						 : region->length * 8;
		damage(here, region, draw(here, bits));
	}
}

static void
single_bits(bool closed, double share)
{
	static const struct crash_kind kind = {.name = "damage"};
	static struct damage_bed here;
	const char *limit = getenv("CAIRN_TEST_SECONDS"), *seed = getenv("CAIRN_SEED");
	double until = seconds() + (limit ? atof(limit) : 10) * share;

	here = (struct damage_bed){.bed = {.kind = &kind},
				   .seed = seed ? strtoull(seed, NULL, 10) : 1};
	CHECK_EQUAL(memory_world_create(1, &here.bed.world), 0);
	bed_boot(&here.bed);
	bed_run(&here.bed, bed_format_body);
	bed_run(&here.bed, fill_body);
	if (closed) {
		bed_shut(&here.bed);
		bed_boot(&here.bed);
		bed_run(&here.bed, bed_open_body);
		bed_run(&here.bed, bed_load_zones_body);
	}
	find_regions(&here);
	bed_kill(&here.bed);
	CHECK_EQUAL(memory_image_save(here.bed.world, "node", &here.image), 0);
	memory_world_destroy(here.bed.world);
	damage_all(&here, until);
	memory_image_free(here.image);
	for (uint32_t i = 0; i < REGION_KINDS; i++)
		printf("%-24s %4llu bits: %4llu refused, %4llu read, %4llu cut, %4llu whole\n",
		       region_names[i], (unsigned long long)here.tried[i],
		       (unsigned long long)here.refused[i], (unsigned long long)here.reading[i],
		       (unsigned long long)here.cut[i], (unsigned long long)here.whole[i]);
	/* The log is empty after a clean end. */
	for (uint32_t i = 0; i < REGION_KINDS; i++)
		CHECK(here.tried[i] > 0 ||
		      (closed && (i == REGION_GROUP || i == REGION_GROUP_LAST)));
}

static void
damage_after_a_crash(void **state)
{
	(void)state;
	single_bits(false, 0.6);
}

static void
damage_after_a_clean_start(void **state)
{
	(void)state;
	single_bits(true, 0.4);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(damage_after_a_crash),
		cmocka_unit_test(damage_after_a_clean_start),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
