/* SPDX-License-Identifier: BSD-2-Clause-Patent */
/*
 * Workload "local": the functions of the libraries that need no server. They run among the others,
 * on the same fibers, so that what they keep to themselves is mixed up with nobody's.
 */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <gurt/common.h>

#include "daos/tests_lib.h"

#include "sim/work_local.h"
#include "sim/workloads.h"

/* ------------------------------------------------ memory */

void
local_memory(struct local *local)
{
	size_t size = stream_between(local->random, 1, 5000);
	uint8_t *bytes = d_calloc(size, 3);
	char *text = d_malloc(size + 1);
	char *copy;
	bool zero = true;

	ASSERT(bytes != NULL && text != NULL);
	for (size_t i = 0; i < 3 * size; i++)
		zero &= bytes[i] == 0;
	LOCAL_EXPECT(local, zero);
	memset(bytes, 0x5a, 3 * size);
	bytes = d_realloc(bytes, 4 * size);
	ASSERT(bytes != NULL);
	LOCAL_EXPECT(local, bytes[0] == 0x5a && bytes[3 * size - 1] == 0x5a);
	dts_buf_render(text, (unsigned int)size + 1);
	LOCAL_EXPECT(local, strlen(text) == size);
	copy = d_strndup(text, size / 2);
	ASSERT(copy != NULL);
	LOCAL_EXPECT(local, strlen(copy) == size / 2 && memcmp(copy, text, size / 2) == 0);
	d_free(copy);
	d_free(text);
	d_free(bytes);
	d_free(NULL);
}

/* ------------------------------------------------ environment */

static void
environment_numbers(struct local *local, const char *name, uint64_t number)
{
	unsigned int small = 7, old = 7;
	uint32_t middle = 7;
	uint64_t large = 7;
	bool flag = false;
	int fits = number <= UINT32_MAX ? 0 : -DER_INVAL;

	LOCAL_EXPECT(local, d_getenv_uint(name, &small) == fits);
	LOCAL_EXPECT(local, d_getenv_int(name, &old) == fits);
	LOCAL_EXPECT(local, d_getenv_uint32_t(name, &middle) == fits);
	LOCAL_EXPECT(local, d_getenv_uint64_t(name, &large) == 0 && large == number);
	LOCAL_EXPECT(local, small == (fits ? 7 : number) && old == small && middle == small);
	/* A number beyond long is no zero, either. */
	LOCAL_EXPECT(local, d_getenv_bool(name, &flag) == 0 && flag == (number != 0));
}

void
local_environment(struct local *local)
{
	char name[32], text[32], buffer[32], *copy = NULL;
	uint64_t number = stream_scaled(local->random, 1, UINT64_MAX / 2) - 1;

	snprintf(name, sizeof(name), "CAIRN_SIM_%u", (unsigned)stream_draw(local->random, 4));
	snprintf(text, sizeof(text), "%llu", (unsigned long long)number);
	LOCAL_EXPECT(local, !d_isenv_def(name));
	LOCAL_EXPECT(local, d_getenv_str(buffer, sizeof(buffer), name) == -DER_NONEXIST);
	LOCAL_EXPECT(local, d_agetenv_str(&copy, name) == -DER_NONEXIST);
	LOCAL_EXPECT(local, d_setenv(name, text, 0) == 0 && d_isenv_def(name));
	environment_numbers(local, name, number);
	LOCAL_EXPECT(local,
		     d_getenv_str(buffer, sizeof(buffer), name) == 0 && strcmp(buffer, text) == 0);
	LOCAL_EXPECT(local, d_getenv_str(buffer, strlen(text), name) == -DER_TRUNC);
	LOCAL_EXPECT(local, d_setenv(name, "other", 0) == 0);
	LOCAL_EXPECT(local, d_agetenv_str(&copy, name) == 0 && strcmp(copy, text) == 0);
	d_freeenv_str(&copy);
	LOCAL_EXPECT(local, copy == NULL);
	LOCAL_EXPECT(local, d_setenv(name, "no number", 1) == 0);
	LOCAL_EXPECT(local, d_getenv_uint64_t(name, &number) == -DER_INVAL);
	LOCAL_EXPECT(local, d_unsetenv(name) == 0 && !d_isenv_def(name));
}

/* ------------------------------------------------ ranks */

#define RANKS_MAX 40u

static d_rank_list_t *
draw_ranks(struct local *local, uint32_t numbers[RANKS_MAX], uint32_t *ret_count)
{
	d_rank_list_t *ranks;

	*ret_count = (uint32_t)stream_draw(local->random, RANKS_MAX + 1);
	for (uint32_t i = 0; i < *ret_count; i++)
		numbers[i] = (uint32_t)stream_draw(local->random, 50);
	ranks = uint32_array_to_rank_list(numbers, *ret_count);
	ASSERT(ranks != NULL);
	return ranks;
}

static void
ranks_find(struct local *local, d_rank_list_t *ranks, const uint32_t *numbers, uint32_t count)
{
	d_rank_t wanted = (d_rank_t)stream_draw(local->random, 50);
	uint32_t first = 0;
	int index = -1;

	while (first < count && numbers[first] != wanted)
		first++;
	LOCAL_EXPECT(local, d_rank_list_find(ranks, wanted, &index) == (first < count));
	LOCAL_EXPECT(local, first == count || index == (int)first);
	LOCAL_EXPECT(local, d_rank_in_rank_list(ranks, wanted) == (first < count));
}

/* As text, with ranges, and back again. */
static void
ranks_text(struct local *local, d_rank_list_t *ranks)
{
	d_rank_list_t *parsed;
	char text[RANKS_MAX * 12] = "", *ranges = NULL;
	size_t used = 0;

	for (uint32_t i = 0; i < ranks->rl_nr; i++)
		used += (size_t)snprintf(text + used, sizeof(text) - used, "%s%u", i ? ":" : "",
					 ranks->rl_ranks[i]);
	parsed = daos_rank_list_parse(text, ":");
	LOCAL_EXPECT(local, parsed && d_rank_list_identical(parsed, ranks));
	d_rank_list_free(parsed);
	LOCAL_EXPECT(local, daos_rank_list_parse("1:x", ":") == NULL);
	LOCAL_EXPECT(local, d_rank_list_to_str(ranks, &ranges) == 0 && ranges != NULL);
	LOCAL_EXPECT(local, (ranks->rl_nr == 0) == (ranges[0] == '\0'));
	d_free(ranges);
}

void
local_ranks(struct local *local)
{
	uint32_t numbers[RANKS_MAX], count, *array = NULL;
	d_rank_list_t *ranks = draw_ranks(local, numbers, &count), *copy = NULL;
	d_rank_list_t *plain = d_rank_list_alloc(3);
	size_t length = 0;
	bool sorted = true;

	ranks_find(local, ranks, numbers, count);
	ranks_text(local, ranks);
	LOCAL_EXPECT(local, rank_list_to_uint32_array(ranks, &array, &length) == 0 &&
				    length == count &&
				    memcmp(array, numbers, count * sizeof(*array)) == 0);
	d_free(array);
	LOCAL_EXPECT(local,
		     d_rank_list_dup(&copy, ranks) == 0 && d_rank_list_identical(copy, ranks));
	LOCAL_EXPECT(local, d_rank_list_append(copy, 1000) == 0 && copy->rl_nr == count + 1);
	LOCAL_EXPECT(local, !d_rank_list_identical(copy, ranks));
	d_rank_list_sort(copy);
	for (uint32_t i = 1; i < copy->rl_nr; i++)
		sorted &= copy->rl_ranks[i - 1] <= copy->rl_ranks[i];
	LOCAL_EXPECT(local, sorted && copy->rl_ranks[count] == 1000);
	ASSERT(plain != NULL);
	LOCAL_EXPECT(local, plain->rl_nr == 3 && plain->rl_ranks[2] == 2);
	LOCAL_EXPECT(local,
		     d_rank_list_copy(plain, copy) == 0 && d_rank_list_identical(plain, copy));
	d_rank_list_free(plain);
	d_rank_list_free(copy);
	d_rank_list_free(ranks);
	d_rank_list_free(NULL);
}

/* ------------------------------------------------ hashes */

void
local_hashes(struct local *local)
{
	char text[64];
	unsigned int length = (unsigned int)stream_between(local->random, 1, sizeof(text));
	uint64_t number = stream_next64(local->random), first, second;
	uint32_t sum = 5381;

	for (unsigned int i = 0; i < length; i++) {
		text[i] = (char)stream_draw(local->random, 256);
		sum = sum * 33 + (uint8_t)text[i];
	}
	LOCAL_EXPECT(local, d_hash_string_u32(text, length) == sum);
	first = d_hash_murmur64((const unsigned char *)text, length, 1);
	LOCAL_EXPECT(local, first == d_hash_murmur64((const unsigned char *)text, length, 1));
	text[length - 1] ^= 1;
	second = d_hash_murmur64((const unsigned char *)text, length, 1);
	LOCAL_EXPECT(local, first != second);
	/* One bit of the key turns about half of the result. */
	first = d_hash_mix64(number) ^ d_hash_mix64(number ^ 1);
	LOCAL_EXPECT(local, __builtin_popcountll(first) > 8 && __builtin_popcountll(first) < 56);
}

/* ------------------------------------------------ errors and time */

void
local_errors(struct local *local)
{
	static const struct {
		int code;
		const char *name;
	} known[] = {
		{0, "DER_SUCCESS"},
		{-DER_NONEXIST, "DER_NONEXIST"},
		{-DER_NO_HDL, "DER_NO_HDL"},
		{-DER_NOSPACE, "DER_NOSPACE"},
		{-DER_TX_RESTART, "DER_TX_RESTART"},
	};
	uint64_t at = stream_draw(local->random, ARRAY_SIZE(known));
	int code = -(int)stream_draw(local->random, 5000);

	LOCAL_EXPECT(local, strcmp(d_errstr(known[at].code), known[at].name) == 0);
	LOCAL_EXPECT(local, d_errdesc(known[at].code)[0] != '\0');
	LOCAL_EXPECT(local, strncmp(d_errstr(code), "DER_", 4) == 0);
	LOCAL_EXPECT(local, d_errdesc(code)[0] != '\0');
	LOCAL_EXPECT(local, strcmp(d_errstr(1), "DER_UNKNOWN") == 0);
}

void
local_times(struct local *local)
{
	/* Nanoseconds since 2021, in sixteenths, and the logical part in the lower bits. */
	uint64_t nanoseconds = stream_draw(local->random, UINT64_C(1) << 58);
	uint64_t stamp = nanoseconds * 16, tick = UINT64_C(1) << 18, now = d_hlc_get();
	struct timespec one, other;
	time_t seconds = 0;
	int64_t away;

	LOCAL_EXPECT(local, d_hlc2timespec(stamp, &one) == 0);
	LOCAL_EXPECT(local, daos_hlc2timespec(stamp | (tick - 1), &other) == 0);
	LOCAL_EXPECT(local, one.tv_sec == other.tv_sec && one.tv_nsec == other.tv_nsec);
	LOCAL_EXPECT(local, daos_hlc2timestamp(stamp, &seconds) == 0 && seconds == one.tv_sec);
	away = (int64_t)nanoseconds -
	       ((int64_t)(one.tv_sec - 1609459200) * 1000000000 + one.tv_nsec);
	LOCAL_EXPECT(local, away >= 0 && away <= (int64_t)(tick / 16));
	LOCAL_EXPECT(local, d_hlc_get() > now);
	LOCAL_EXPECT(local, d_hlc2timespec(stamp, NULL) == -DER_INVAL);
}

/* ------------------------------------------------ the workload */

enum {
	LOCAL_MEMORY,
	LOCAL_ENVIRONMENT,
	LOCAL_RANKS,
	LOCAL_HASHES,
	LOCAL_ERRORS,
	LOCAL_TIMES,
	LOCAL_TABLE,
	LOCAL_ACCESS_LIST,
	LOCAL_ACCESS_TEXT,
	LOCAL_PRINCIPALS,
	LOCAL_PROPERTIES,
	LOCAL_PROPERTY_TEXT,
	LOCAL_CLASSES,
	LOCAL_FILTERS,
	LOCAL_TASKS, /* the only one that may fail, and asks a server, too */
	LOCAL_OPERATIONS
};

static const char *const operation_names[] = {
	[LOCAL_MEMORY] = "memory",
	[LOCAL_ENVIRONMENT] = "environment",
	[LOCAL_RANKS] = "ranks",
	[LOCAL_HASHES] = "hashes",
	[LOCAL_ERRORS] = "errors",
	[LOCAL_TIMES] = "times",
	[LOCAL_TABLE] = "table",
	[LOCAL_ACCESS_LIST] = "access-list",
	[LOCAL_ACCESS_TEXT] = "access-text",
	[LOCAL_PRINCIPALS] = "principals",
	[LOCAL_PROPERTIES] = "properties",
	[LOCAL_PROPERTY_TEXT] = "property-text",
	[LOCAL_CLASSES] = "classes",
	[LOCAL_FILTERS] = "filters",
	[LOCAL_TASKS] = "tasks",
	NULL,
};

static void (*const operations[LOCAL_TASKS])(struct local *local) = {
	[LOCAL_MEMORY] = local_memory,
	[LOCAL_ENVIRONMENT] = local_environment,
	[LOCAL_RANKS] = local_ranks,
	[LOCAL_HASHES] = local_hashes,
	[LOCAL_ERRORS] = local_errors,
	[LOCAL_TIMES] = local_times,
	[LOCAL_TABLE] = local_table,
	[LOCAL_ACCESS_LIST] = local_access_list,
	[LOCAL_ACCESS_TEXT] = local_access_text,
	[LOCAL_PRINCIPALS] = local_principals,
	[LOCAL_PROPERTIES] = local_properties,
	[LOCAL_PROPERTY_TEXT] = local_property_text,
	[LOCAL_CLASSES] = local_classes,
	[LOCAL_FILTERS] = local_filters,
};

static void *
local_create(struct sim *sim, struct server *server)
{
	(void)sim;
	(void)server;
	return sim_take(1);
}

static void
local_one(struct actor *actor, uint32_t operation)
{
	struct local local = {actor, &actor->random};
	int rc = 0;

	if (operation == LOCAL_TASKS)
		rc = local_tasks(&local);
	else
		operations[operation](&local);
	/* Handles are acknowledged like all else that may have been lost. */
	if (rc == -DER_NO_HDL && server_may_roll_back(actor->server))
		rc = -DER_NONEXIST;
	(void)actor_done(actor, operation, rc);
}

static void
local_act(struct actor *actor)
{
	while (actor_next(actor)) {
		uint32_t operation = (uint32_t)stream_draw(&actor->random, LOCAL_OPERATIONS);

		if (!actor_takes(actor, operation))
			operation = LOCAL_MEMORY;
		local_one(actor, operation);
	}
}

static void
local_verify(struct actor *actor)
{
	for (uint32_t i = 0; i < LOCAL_OPERATIONS; i++)
		local_one(actor, i);
}

static void
local_judge(struct sim *sim, void *model)
{
	(void)sim;
	(void)model;
}

const struct workload workload_local = {
	.name = "local",
	.operations = operation_names,
	.layout = DAOS_PROP_CO_LAYOUT_UNKNOWN,
	.create = local_create,
	.act = local_act,
	.verify = local_verify,
	.judge = local_judge,
	.destroy = free,
};
