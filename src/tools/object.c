/* SPDX-License-Identifier: BSD-2-Clause-Patent */
/* daos object: query, list-keys, dump. */
#include <ctype.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "tools/daos_verbs.h"

#define PAGE_KEYS 64u
#define PAGE_BYTES (256u * 1024)
#define PAGE_EXTENTS 64u

/* An object that a command looks at. */
struct view {
	struct call *call;
	struct open_container open;
	daos_obj_id_t oid;
	daos_handle_t object;
	json_object *answer; /* with --json: array of dkeys */
	bool values;	     /* dump: extents and sizes too */
};

/* "HI.LO", both numbers decimal or with 0x. */
static bool
oid_parse(const char *text, daos_obj_id_t *ret_oid)
{
	char *end;

	ret_oid->hi = strtoull(text, &end, 0);
	if (end == text || *end != '.')
		return false;
	text = end + 1;
	ret_oid->lo = strtoull(text, &end, 0);
	return end != text && *end == '\0';
}

static int
view_open(struct call *call, struct view *view)
{
	const char *text = call_either(call, "oid", 2);
	int rc, code;

	view->call = call;
	if (!text || !oid_parse(text, &view->oid))
		return call_misused(call, NULL, "no object id: write --oid=HI.LO");
	rc = open_container(call, call->arguments[0], call->arguments[1], DAOS_COO_RO, &view->open);
	if (rc)
		return rc;
	code = daos_obj_open(view->open.container, view->oid, DAOS_OO_RO, &view->object, NULL);
	if (code) {
		close_container(&view->open);
		return call_fail(call, code, NULL, "failed to open object %s", text);
	}
	if (call->json)
		view->answer = json_object_new_array();
	return STATUS_OK;
}

static void
view_close(struct view *view)
{
	daos_obj_close(view->object, NULL);
	close_container(&view->open);
}

static char *
oid_text(daos_obj_id_t oid)
{
	return text_format("%" PRIu64 ".%" PRIu64, oid.hi, oid.lo);
}

/* ------------------------------------------------ query */

static const char *
order_text(bool integer, bool lexical)
{
	if (integer)
		return "integer";
	return lexical ? "lexical" : "hashed";
}

static int
show_query(struct view *view, uint32_t groups, daos_epoch_t newest)
{
	daos_obj_id_t oid = view->oid;
	const char *dkeys = order_text(daos_is_dkey_uint64(oid), daos_is_dkey_lexical(oid));
	const char *akeys = order_text(daos_is_akey_uint64(oid), daos_is_akey_lexical(oid));
	char class[64], time[TIME_TEXT], *id = oid_text(oid);
	struct text_fields fields = {0};

	if (daos_oclass_id2name(daos_obj_id2class(oid), class))
		snprintf(class, sizeof(class), "unknown");
	if (view->call->json) {
		json_object *response = json_object_new_object();

		json_object_object_add(response, "oid", json_text(id));
		json_object_object_add(response, "class", json_text(class));
		json_object_object_add(response, "type", json_number(daos_obj_id2type(oid)));
		json_object_object_add(response, "groups", json_number(groups));
		json_object_object_add(response, "newest_epoch", json_number(newest));
		free(id);
		return call_answer(view->call, "object.query/1", response);
	}
	fields_add(&fields, "Object ID", "%s", id);
	fields_add(&fields, "Object Class", "%s", class);
	fields_add(&fields, "Object Type", "%u", (unsigned int)daos_obj_id2type(oid));
	fields_add(&fields, "Order of dkeys, akeys", "%s, %s", dkeys, akeys);
	fields_add(&fields, "Groups", "%u", groups);
	fields_add(&fields, "Latest change", "%s",
		   newest > 0 ? stamp_text(newest, time) : "none: it holds nothing");
	fields_end(&fields, 2);
	free(id);
	return STATUS_OK;
}

static int
run_query(struct call *call)
{
	struct view view = {.values = false};
	daos_epoch_t newest = 0;
	uint32_t groups = 0;
	int rc = view_open(call, &view), code;

	if (rc)
		return rc;
	code = daos_obj_anchor_split(view.object, &groups, NULL);
	if (code == 0)
		code = daos_obj_query_max_epoch(view.object, DAOS_TX_NONE, &newest, NULL);
	json_object_put(view.answer);
	rc = code ? call_fail(call, code, NULL, "failed to query the object")
		  : show_query(&view, groups, newest);
	view_close(&view);
	return rc;
}

/* ------------------------------------------------ keys */

/* As a number, as it is, or in hexadecimal digits after 0x. To be freed. */
static char *
key_text(const char *bytes, size_t length, bool integer)
{
	bool printable = true;
	char *text;

	if (integer && length == sizeof(uint64_t)) {
		uint64_t number = 0;

		for (size_t i = length; i-- > 0;)
			number = number << 8 | (uint8_t)bytes[i];
		return text_format("%" PRIu64, number);
	}
	for (size_t i = 0; i < length; i++)
		printable = printable && isprint((unsigned char)bytes[i]);
	if (printable)
		return text_format("%.*s", (int)length, bytes);
	text = calloc(1, 2 * length + 3);
	if (!text)
		abort();
	strcpy(text, "0x");
	for (size_t i = 0; i < length; i++)
		sprintf(text + 2 + 2 * i, "%02x", (uint8_t)bytes[i]);
	return text;
}

/* Calls visit for each dkey (dkey NULL), or each akey below dkey. */
static int
each_key(struct view *view, daos_key_t *dkey, json_object *parent,
	 int (*visit)(struct view *view, daos_key_t *dkey, daos_key_t *key, json_object *parent))
{
	daos_anchor_t anchor = {0};
	char *page = malloc(PAGE_BYTES);
	int code = 0;

	if (!page)
		abort();
	while (code == 0 && !daos_anchor_is_eof(&anchor)) {
		daos_key_desc_t descriptors[PAGE_KEYS];
		uint32_t count = PAGE_KEYS;
		char *at = page;
		d_iov_t iov;
		d_sg_list_t sgl = {.sg_nr = 1, .sg_iovs = &iov};

		d_iov_set(&iov, page, PAGE_BYTES);
		code = dkey ? daos_obj_list_akey(view->object, DAOS_TX_NONE, dkey, &count,
						 descriptors, &sgl, &anchor, NULL)
			    : daos_obj_list_dkey(view->object, DAOS_TX_NONE, &count, descriptors,
						 &sgl, &anchor, NULL);
		for (uint32_t i = 0; code == 0 && i < count; i++) {
			daos_key_t key;

			d_iov_set(&key, at, descriptors[i].kd_key_len);
			code = visit(view, dkey, &key, parent);
			at += descriptors[i].kd_key_len;
		}
	}
	free(page);
	return code;
}

static int
show_extents(struct view *view, daos_key_t *dkey, daos_key_t *akey, json_object *shown)
{
	json_object *array = shown ? json_object_new_array() : NULL;
	daos_anchor_t anchor = {0};
	int code = 0;

	while (code == 0 && !daos_anchor_is_eof(&anchor)) {
		daos_epoch_range_t epochs[PAGE_EXTENTS];
		daos_recx_t recxs[PAGE_EXTENTS];
		uint32_t count = PAGE_EXTENTS;
		daos_size_t size = 0;

		code = daos_obj_list_recx(view->object, DAOS_TX_NONE, dkey, akey, &size, &count,
					  recxs, epochs, &anchor, true, NULL);
		for (uint32_t i = 0; code == 0 && i < count; i++) {
			if (!shown)
				printf("    records %" PRIu64 " to %" PRIu64 " of %" PRIu64
				       " bytes, epoch 0x%" PRIx64 "\n",
				       recxs[i].rx_idx, recxs[i].rx_idx + recxs[i].rx_nr - 1, size,
				       epochs[i].epr_lo);
			if (!shown)
				continue;
			json_object *extent = json_object_new_object();

			json_object_object_add(extent, "index", json_number(recxs[i].rx_idx));
			json_object_object_add(extent, "count", json_number(recxs[i].rx_nr));
			json_object_object_add(extent, "record_size", json_number(size));
			json_object_object_add(extent, "epoch", json_number(epochs[i].epr_lo));
			json_object_array_add(array, extent);
		}
	}
	if (shown)
		json_object_object_add(shown, "extents", array);
	return code;
}

static int
show_akey(struct view *view, daos_key_t *dkey, daos_key_t *akey, json_object *parent)
{
	char *text = key_text(akey->iov_buf, akey->iov_len, daos_is_akey_uint64(view->oid));
	json_object *shown = parent ? json_object_new_object() : NULL;

	if (shown) {
		json_object_object_add(shown, "akey", json_text(text));
		json_object_array_add(parent, shown);
	} else {
		printf("  %s\n", text);
	}
	free(text);
	return view->values ? show_extents(view, dkey, akey, shown) : 0;
}

static int
show_dkey(struct view *view, daos_key_t *none, daos_key_t *dkey, json_object *parent)
{
	char *text = key_text(dkey->iov_buf, dkey->iov_len, daos_is_dkey_uint64(view->oid));
	json_object *akeys = NULL;

	(void)none;
	if (parent) {
		json_object *shown = json_object_new_object();

		akeys = json_object_new_array();
		json_object_object_add(shown, "dkey", json_text(text));
		json_object_object_add(shown, "akeys", akeys);
		json_object_array_add(parent, shown);
	} else {
		printf("%s\n", text);
	}
	free(text);
	return each_key(view, dkey, akeys, show_akey);
}

static int
run_keys(struct call *call, bool values)
{
	struct view view = {.values = values};
	int rc = view_open(call, &view), code;

	if (rc)
		return rc;
	code = each_key(&view, NULL, view.answer, show_dkey);
	if (code == 0 && call->json) {
		rc = call_answer(call, values ? "object.dump/1" : "object.list-keys/1",
				 view.answer);
	} else {
		json_object_put(view.answer);
		if (code)
			rc = call_fail(call, code, NULL, "failed to list the keys of the object");
	}
	view_close(&view);
	return rc;
}

static int
run_list_keys(struct call *call)
{
	return run_keys(call, false);
}

static int
run_dump(struct call *call)
{
	return run_keys(call, true);
}

/* ------------------------------------------------ table */

static const struct option_row oid_options[] = {
	{"oid", 'i', "HI.LO", "the object id"},
	{NULL, 0, NULL, NULL},
};

const struct command object_commands[] = {
	{"query", NULL, "<pool> <container> [oid]", 2, 3, "Show class, order and age of an object.",
	 oid_options, run_query, "  daos object query tank home --oid=281479271677952.1\n"},
	{"list-keys", NULL, "<pool> <container> [oid]", 2, 3, "List the dkeys and akeys.",
	 oid_options, run_list_keys, NULL},
	{"dump", NULL, "<pool> <container> [oid]", 2, 3,
	 "List the keys with the extents and sizes of what they hold.", oid_options, run_dump,
	 NULL},
	{NULL, NULL, NULL, 0, 0, NULL, NULL, NULL, NULL},
};
