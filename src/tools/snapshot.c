/* SPDX-License-Identifier: BSD-2-Clause-Patent */
/* daos container: create-snap, list-snaps, destroy-snap, rollback, list-objects. */
#include <stdlib.h>
#include <string.h>

#include "tools/daos_verbs.h"
#include "tools/output.h"

/* Snapshots of one container that are listed at a time; object ids. */
#define PAGE 128
#define OBJECTS_PAGE 256u

/* The snapshots of a container. */
struct snapshots {
	uint32_t count, room;
	struct {
		daos_epoch_t epoch;
		char name[DAOS_SNAPSHOT_MAX_LEN];
	} * items;
};

static void
snapshots_free(struct snapshots *snapshots)
{
	free(snapshots->items);
}

static void
snapshots_take(struct snapshots *snapshots, const daos_epoch_t *epochs, char **names, int count)
{
	for (int i = 0; i < count; i++) {
		if (snapshots->count == snapshots->room) {
			snapshots->room = snapshots->room ? 2 * snapshots->room : PAGE;
			snapshots->items = realloc(snapshots->items,
						   snapshots->room * sizeof(*snapshots->items));
			if (!snapshots->items)
				abort();
		}
		snapshots->items[snapshots->count].epoch = epochs[i];
		memcpy(snapshots->items[snapshots->count].name, names[i], DAOS_SNAPSHOT_MAX_LEN);
		snapshots->count++;
	}
}

/* All of them, to be freed by snapshots_free(). A negative DAOS code. */
static int
snapshots_list(daos_handle_t container, struct snapshots *ret_snapshots)
{
	struct snapshots snapshots = {.count = 0};
	daos_anchor_t anchor = DAOS_ANCHOR_INIT;
	daos_epoch_t epochs[PAGE];
	char *names[PAGE], *block = calloc(PAGE, DAOS_SNAPSHOT_MAX_LEN);
	int code = 0;

	if (!block)
		abort();
	for (int i = 0; i < PAGE; i++)
		names[i] = block + i * DAOS_SNAPSHOT_MAX_LEN;
	while (code == 0 && !daos_anchor_is_eof(&anchor)) {
		int count = PAGE;

		code = daos_cont_list_snap(container, &count, epochs, names, &anchor, NULL);
		if (code == 0)
			snapshots_take(&snapshots, epochs, names, count);
	}
	free(block);
	if (code)
		snapshots_free(&snapshots);
	else
		*ret_snapshots = snapshots;
	return code;
}

/* ------------------------------------------------ which snapshot */

static bool
epoch_parse(const char *text, daos_epoch_t *ret_epoch)
{
	char *end;

	*ret_epoch = strtoull(text, &end, 0);
	return end != text && *end == '\0' && *ret_epoch != 0;
}

static int
no_snapshot(struct call *call, const char *name)
{
	char *todo = text_format("see what there is: daos container list-snaps %s %s",
				 call->arguments[0], call->arguments[1]);
	int rc = call_fail_because(call, -DER_NONEXIST,
				   "the container has no snapshot of this name", todo,
				   "failed to find snapshot \"%s\"", name);

	free(todo);
	return rc;
}

/* The epoch behind --epc or --snap. STATUS_OK or what to exit with. */
static int
chosen_epoch(struct call *call, daos_handle_t container, daos_epoch_t *ret_epoch)
{
	const char *epoch = call_option(call, "epc"), *name = call_option(call, "snap");
	struct snapshots snapshots;
	bool found = false;
	int code;

	if ((epoch == NULL) == (name == NULL))
		return call_misused(call, NULL, "name one snapshot by --epc or by --snap");
	if (epoch)
		return epoch_parse(epoch, ret_epoch)
			       ? STATUS_OK
			       : call_misused(call, NULL, "\"%s\" is no epoch", epoch);
	code = snapshots_list(container, &snapshots);
	if (code)
		return call_fail(call, code, NULL, "failed to list snapshots");
	for (uint32_t i = 0; !found && i < snapshots.count; i++) {
		found = strcmp(snapshots.items[i].name, name) == 0;
		*ret_epoch = snapshots.items[i].epoch;
	}
	snapshots_free(&snapshots);
	return found ? STATUS_OK : no_snapshot(call, name);
}

/* The range behind --epcrange, "low-high". */
static int
chosen_range(struct call *call, const char *text, daos_epoch_range_t *ret_range)
{
	char *copy = strdup(text), *middle = copy ? strchr(copy, '-') : NULL;
	bool valid = middle != NULL;

	if (!copy)
		abort();
	if (middle)
		*middle = '\0';
	valid = valid && epoch_parse(copy, &ret_range->epr_lo) &&
		epoch_parse(middle + 1, &ret_range->epr_hi) &&
		ret_range->epr_lo <= ret_range->epr_hi;
	free(copy);
	return valid ? STATUS_OK
		     : call_misused(call, NULL, "\"%s\" is no range of epochs, such as 0x10-0x20",
				    text);
}

static json_object *
snapshot_object(daos_epoch_t epoch, const char *name)
{
	json_object *object = json_object_new_object();
	char time[TIME_TEXT];

	json_object_object_add(object, "epoch", json_number(epoch));
	json_object_object_add(object, "timestamp", json_text(stamp_text(epoch, time)));
	if (name && name[0])
		json_object_object_add(object, "name", json_text(name));
	return object;
}

/* ------------------------------------------------ verbs */

static int
create(struct call *call, daos_handle_t container)
{
	const char *name = call_option(call, "snap");
	char *copy = name ? strdup(name) : NULL;
	daos_epoch_t epoch;
	int code = daos_cont_create_snap(container, &epoch, copy, NULL);

	free(copy);
	if (code)
		return call_fail(call, code, NULL, "failed to create a snapshot");
	if (call->json)
		return call_answer(call, "daos.container.create-snap/1",
				   snapshot_object(epoch, name));
	printf("snapshot/epoch 0x%llx has been created\n", (unsigned long long)epoch);
	return STATUS_OK;
}

static void
print_snapshots(const struct snapshots *snapshots)
{
	static const char *const headers[] = {"Epoch", "Name", "Timestamp", NULL};
	struct text_table table;
	char epoch[24], time[TIME_TEXT];

	table_begin(&table, headers);
	for (uint32_t i = 0; i < snapshots->count; i++) {
		snprintf(epoch, sizeof(epoch), "0x%llx",
			 (unsigned long long)snapshots->items[i].epoch);
		table_add(&table, epoch, snapshots->items[i].name,
			  stamp_text(snapshots->items[i].epoch, time));
	}
	table_end(&table, 0);
}

static int
list(struct call *call, daos_handle_t container)
{
	json_object *array;
	struct snapshots snapshots;
	int code = snapshots_list(container, &snapshots);

	if (code)
		return call_fail(call, code, NULL, "failed to list snapshots");
	if (call->json) {
		array = json_object_new_array();
		for (uint32_t i = 0; i < snapshots.count; i++)
			json_object_array_add(array, snapshot_object(snapshots.items[i].epoch,
								     snapshots.items[i].name));
		code = call_answer(call, "daos.container.list-snaps/1", array);
	} else {
		printf("Container's snapshots :\n");
		if (snapshots.count == 0)
			printf("no snapshots\n");
		else
			print_snapshots(&snapshots);
	}
	snapshots_free(&snapshots);
	return code;
}

static int
destroy(struct call *call, daos_handle_t container)
{
	const char *text = call_option(call, "epcrange");
	daos_epoch_range_t range = {0};
	int rc, code;

	if (text && (call_option(call, "epc") || call_option(call, "snap")))
		return call_misused(call, NULL,
				    "name snapshots by one of --epc, --epcrange, --snap");
	rc = text ? chosen_range(call, text, &range) : chosen_epoch(call, container, &range.epr_lo);
	if (rc)
		return rc;
	if (!text)
		range.epr_hi = range.epr_lo;
	code = daos_cont_destroy_snap(container, range, NULL);
	if (code)
		return call_fail(call, code, NULL, "failed to destroy snapshots");
	if (call->json)
		return call_answer(call, "daos.container.destroy-snap/1", NULL);
	printf("snapshots from epoch 0x%llx to 0x%llx have been destroyed\n",
	       (unsigned long long)range.epr_lo, (unsigned long long)range.epr_hi);
	return STATUS_OK;
}

static int
rollback(struct call *call, daos_handle_t container)
{
	daos_epoch_t epoch;
	int rc = chosen_epoch(call, container, &epoch), code;

	if (rc)
		return rc;
	code = daos_cont_rollback(container, epoch, NULL);
	if (code)
		return call_fail(call, code, NULL, "failed to roll the container back");
	if (call->json)
		return call_answer(call, "daos.container.rollback/1", snapshot_object(epoch, NULL));
	printf("container rolled back to snapshot/epoch 0x%llx\n", (unsigned long long)epoch);
	return STATUS_OK;
}

/* ------------------------------------------------ objects */

static int
answer_objects(struct call *call, daos_handle_t table)
{
	json_object *array = call->json ? json_object_new_array() : NULL;
	daos_anchor_t anchor = DAOS_ANCHOR_INIT;
	daos_obj_id_t ids[OBJECTS_PAGE];
	char text[40];
	int code = 0;

	while (code == 0 && !daos_anchor_is_eof(&anchor)) {
		uint32_t count = OBJECTS_PAGE;

		code = daos_oit_list(table, ids, &count, &anchor, NULL);
		for (uint32_t i = 0; code == 0 && i < count; i++) {
			snprintf(text, sizeof(text), "%llu.%llu", (unsigned long long)ids[i].hi,
				 (unsigned long long)ids[i].lo);
			if (array)
				json_object_array_add(array, json_text(text));
			else
				printf("%s\n", text);
		}
	}
	if (code == 0)
		return array ? call_answer(call, "daos.container.list-objects/1", array)
			     : STATUS_OK;
	json_object_put(array);
	return call_fail(call, code, NULL, "failed to list objects");
}

/* The table of the snapshot, made for the time of this call where there is none. */
static int
list_objects(struct call *call, daos_handle_t container)
{
	daos_handle_t table;
	daos_epoch_t epoch;
	bool made = false;
	int rc = chosen_epoch(call, container, &epoch), code;

	if (rc)
		return rc;
	code = daos_oit_open(container, epoch, &table, NULL);
	if (code == -DER_NONEXIST) {
		code = daos_cont_snap_oit_create(container, epoch, NULL, NULL);
		made = code == 0;
		if (made)
			code = daos_oit_open(container, epoch, &table, NULL);
	}
	if (code)
		return call_fail(call, code, NULL, "failed to list objects");
	rc = answer_objects(call, table);
	if (made)
		code = daos_cont_snap_oit_destroy(container, table, NULL);
	daos_oit_close(table, NULL);
	if (rc == STATUS_OK && code)
		rc = call_fail(call, code, NULL, "failed to remove the table of objects");
	return rc;
}

/* ------------------------------------------------ opening */

static int
on_container(struct call *call, unsigned int flags,
	     int (*run)(struct call *call, daos_handle_t container))
{
	struct open_container open;
	int rc = open_container(call, call->arguments[0], call->arguments[1], flags, &open);

	if (rc)
		return rc;
	rc = run(call, open.container);
	close_container(&open);
	return rc;
}

int
run_container_create_snapshot(struct call *call)
{
	return on_container(call, DAOS_COO_RW, create);
}

int
run_container_list_snapshots(struct call *call)
{
	return on_container(call, DAOS_COO_RO, list);
}

int
run_container_destroy_snapshots(struct call *call)
{
	return on_container(call, DAOS_COO_RW, destroy);
}

int
run_container_rollback(struct call *call)
{
	return on_container(call, DAOS_COO_EX, rollback);
}

int
run_container_list_objects(struct call *call)
{
	return on_container(call, DAOS_COO_RW, list_objects);
}
