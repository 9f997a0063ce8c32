/* SPDX-License-Identifier: BSD-2-Clause-Patent */
/* daos container: get-prop, set-prop, link. */
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "daos_uns.h"
#include "tools/daos_verbs.h"

enum shape {
	SHAPE_NUMBER,
	SHAPE_SIZE,
	SHAPE_WORD,
	SHAPE_TEXT,
	SHAPE_ACL,
	SHAPE_STATUS,
	SHAPE_ROOTS
};

/* By name. words stand for the numbers from first on. */
static const struct {
	const char *name;
	uint32_t type;
	enum shape shape;
	const char *description;
	uint64_t first;
	const char *words; /* separated by spaces */
} rows[] = {
	{"acl", DAOS_PROP_CO_ACL, SHAPE_ACL, "Access Control List", 0, NULL},
	{"alloc_oid", DAOS_PROP_CO_ALLOCED_OID, SHAPE_NUMBER, "Highest Allocated OID", 0, NULL},
	{"cksum", DAOS_PROP_CO_CSUM, SHAPE_WORD, "Checksum", 0,
	 "off crc16 crc32 crc64 sha1 sha256 sha512 adler32"},
	{"cksum_size", DAOS_PROP_CO_CSUM_CHUNK_SIZE, SHAPE_SIZE, "Checksum Chunk Size", 0, NULL},
	{"compression", DAOS_PROP_CO_COMPRESS, SHAPE_WORD, "Compression", 0,
	 "off lz4 deflate deflate1 deflate2 deflate3 deflate4"},
	{"dedup", DAOS_PROP_CO_DEDUP, SHAPE_WORD, "Deduplication", 0, "off memcmp hash"},
	{"dedup_threshold", DAOS_PROP_CO_DEDUP_THRESHOLD, SHAPE_SIZE, "Dedupe Threshold", 0, NULL},
	{"ec_cell_sz", DAOS_PROP_CO_EC_CELL_SZ, SHAPE_SIZE, "EC Cell Size", 0, NULL},
	{"ec_pda", DAOS_PROP_CO_EC_PDA, SHAPE_NUMBER, "Performance Domain Affinity of EC", 0, NULL},
	{"encryption", DAOS_PROP_CO_ENCRYPT, SHAPE_WORD, "Encryption", 0,
	 "off aes-xts128 aes-xts256 aes-cbc128 aes-cbc192 aes-cbc256 aes-gcm128 aes-gcm256"},
	{"global_version", DAOS_PROP_CO_GLOBAL_VERSION, SHAPE_NUMBER, "Global Version", 0, NULL},
	{"group", DAOS_PROP_CO_OWNER_GROUP, SHAPE_TEXT, "Group", 0, NULL},
	{"label", DAOS_PROP_CO_LABEL, SHAPE_TEXT, "Label", 0, NULL},
	{"layout_type", DAOS_PROP_CO_LAYOUT_TYPE, SHAPE_WORD, "Layout Type", 0,
	 "unknown POSIX HDF5 PYTHON SPARK DATABASE ROOT SEISMIC METEO"},
	{"layout_version", DAOS_PROP_CO_LAYOUT_VER, SHAPE_NUMBER, "Layout Version", 0, NULL},
	{"max_snapshot", DAOS_PROP_CO_SNAPSHOT_MAX, SHAPE_NUMBER, "Max Snapshot", 0, NULL},
	{"obj_version", DAOS_PROP_CO_OBJ_VERSION, SHAPE_NUMBER, "Object Version", 0, NULL},
	{"owner", DAOS_PROP_CO_OWNER, SHAPE_TEXT, "Owner", 0, NULL},
	{"perf_domain", DAOS_PROP_CO_PERF_DOMAIN, SHAPE_NUMBER, "Performance Domain Level", 0,
	 NULL},
	{"rd_fac", DAOS_PROP_CO_REDUN_FAC, SHAPE_NUMBER, "Redundancy Factor", 0, NULL},
	{"rd_lvl", DAOS_PROP_CO_REDUN_LVL, SHAPE_WORD, "Redundancy Level", 1, "rank node fault"},
	{"root_oids", DAOS_PROP_CO_ROOTS, SHAPE_ROOTS, "Root OIDs", 0, NULL},
	{"rp_pda", DAOS_PROP_CO_RP_PDA, SHAPE_NUMBER, "Performance Domain Affinity of RP", 0, NULL},
	{"scrub_disabled", DAOS_PROP_CO_SCRUBBER_DISABLED, SHAPE_WORD, "Scrubber Disabled", 0,
	 "false true"},
	{"srv_cksum", DAOS_PROP_CO_CSUM_SERVER_VERIFY, SHAPE_WORD, "Server Checksumming", 0,
	 "off on"},
	{"status", DAOS_PROP_CO_STATUS, SHAPE_STATUS, "Health", 0, NULL},
};
#define ROWS (sizeof(rows) / sizeof(rows[0]))

/* ------------------------------------------------ values as texts, to be freed */

static char *
word_text(const char *words, uint64_t number)
{
	while (words && number-- > 0) {
		words = strchr(words, ' ');
		words = words ? words + 1 : NULL;
	}
	return words ? text_format("%.*s", (int)strcspn(words, " "), words)
		     : text_format("unknown");
}

static char *
acl_text(struct daos_acl *acl)
{
	char **entries = NULL, *text = text_format("%s", "");
	size_t count = 0;

	if (acl && daos_acl_to_strs(acl, &entries, &count))
		count = 0;
	for (size_t i = 0; i < count; i++) {
		char *longer = text_format("%s%s%s", text, i > 0 ? ", " : "", entries[i]);

		free(text);
		free(entries[i]);
		text = longer;
	}
	free(entries);
	return text;
}

static char *
roots_text(const struct daos_prop_co_roots *roots)
{
	char *text = text_format("%s", "");

	for (uint32_t i = 0; roots && i < 4; i++) {
		char *longer = text_format("%s%s%" PRIu64 ".%" PRIu64, text, i > 0 ? ", " : "",
					   roots->cr_oids[i].hi, roots->cr_oids[i].lo);

		free(text);
		text = longer;
	}
	return text;
}

static char *
value_text(size_t row, const struct daos_prop_entry *entry)
{
	struct daos_co_status status;
	char size[SIZE_TEXT];

	if (!entry || entry->dpe_flags & DAOS_PROP_ENTRY_NOT_SET)
		return text_format("not set");
	switch (rows[row].shape) {
	case SHAPE_SIZE:
		return text_format("%s", size_binary(entry->dpe_val, size));
	case SHAPE_WORD:
		return word_text(rows[row].words, entry->dpe_val - rows[row].first);
	case SHAPE_TEXT:
		return text_format("%s", entry->dpe_str ? entry->dpe_str : "");
	case SHAPE_ACL:
		return acl_text(entry->dpe_val_ptr);
	case SHAPE_ROOTS:
		return roots_text(entry->dpe_val_ptr);
	case SHAPE_STATUS:
		daos_prop_val_2_co_status(entry->dpe_val, &status);
		return text_format("%s", status.dcs_status == DAOS_PROP_CO_HEALTHY ? "HEALTHY"
										   : "UNCLEAN");
	default:
		return text_format("%" PRIu64, entry->dpe_val);
	}
}

/* ------------------------------------------------ get-prop */

static void
show_row(struct call *call, size_t row, daos_prop_t *list, struct text_table *table,
	 json_object *array)
{
	char *value = value_text(row, daos_prop_entry_get(list, rows[row].type));

	if (call->json) {
		json_object *object = json_object_new_object();

		json_object_object_add(object, "name", json_text(rows[row].name));
		json_object_object_add(object, "description", json_text(rows[row].description));
		json_object_object_add(object, "value", json_text(value));
		json_object_array_add(array, object);
	} else {
		char *left = text_format("%s (%s)", rows[row].description, rows[row].name);

		table_add(table, left, value);
		free(left);
	}
	free(value);
}

static int
show(struct call *call, daos_prop_t *list, const char *wanted)
{
	static const char *const headers[] = {"Name", "Value", NULL};
	json_object *array = json_object_new_array();
	struct text_table table;

	if (!call->json)
		table_begin(&table, headers);
	for (size_t i = 0; i < ROWS; i++)
		if (!wanted || strcmp(wanted, rows[i].name) == 0)
			show_row(call, i, list, &table, array);
	if (call->json)
		return call_answer(call, "container.get-prop/1", array);
	json_object_put(array);
	printf("Properties for container %s\n", call->arguments[1]);
	table_end(&table, 0);
	putchar('\n');
	return STATUS_OK;
}

static bool
is_property(const char *name)
{
	for (size_t i = 0; i < ROWS; i++)
		if (strcmp(name, rows[i].name) == 0)
			return true;
	return false;
}

int
run_container_get_properties(struct call *call)
{
	const char *wanted = call_either(call, "properties", 2);
	struct open_container open;
	daos_prop_t *list;
	int rc, code = -DER_NOMEM;

	if (wanted && !is_property(wanted))
		return call_misused(call, NULL, "containers have no property `%s'", wanted);
	rc = open_container(call, call->arguments[0], call->arguments[1], DAOS_COO_RO, &open);
	if (rc)
		return rc;
	list = daos_prop_alloc(0);
	if (list)
		code = daos_cont_query(open.container, NULL, list, NULL);
	rc = code ? call_fail(call, code, NULL, "failed to get the properties of container \"%s\"",
			      call->arguments[1])
		  : show(call, list, wanted);
	daos_prop_free(list);
	close_container(&open);
	return rc;
}

/* ------------------------------------------------ set-prop */

int
run_container_set_properties(struct call *call)
{
	const char *text = call_either(call, "properties", 2);
	struct open_container open;
	daos_prop_t *list = NULL;
	int rc, code;

	if (!text)
		return call_misused(call, NULL, "nothing to set: write name:value,name:value");
	rc = read_container_properties(call, text, &list);
	if (rc == STATUS_OK)
		rc = open_container(call, call->arguments[0], call->arguments[1],
				    DAOS_COO_RW | DAOS_COO_FORCE, &open);
	if (rc) {
		daos_prop_free(list);
		return rc;
	}
	code = daos_cont_set_prop(open.container, list, NULL);
	daos_prop_free(list);
	close_container(&open);
	if (code)
		return call_fail(call, code, "see what can be set later: label, status",
				 "failed to set properties of container \"%s\"",
				 call->arguments[1]);
	if (call->json)
		return call_answer(call, "container.set-prop/1", NULL);
	printf("Properties were successfully set\n");
	return STATUS_OK;
}

/* ------------------------------------------------ link */

int
run_container_link(struct call *call)
{
	const char *path = call_option(call, "path");
	daos_handle_t pool;
	int rc, error;

	if (!path)
		return call_misused(call, NULL, "the required flag `--path' was not specified");
	rc = open_pool(call, call->arguments[0], DAOS_PC_RO, &pool);
	if (rc)
		return rc;
	error = duns_link_cont(pool, call->arguments[1], path);
	daos_pool_disconnect(pool, NULL);
	if (error)
		return call_fail_because(call, -DER_MISC, strerror(error),
					 "see that the parent exists and the path does not",
					 "failed to link container \"%s\" at %s",
					 call->arguments[1], path);
	if (call->json)
		return call_answer(call, "container.link/1", NULL);
	printf("Successfully linked container %s at %s\n", call->arguments[1], path);
	return STATUS_OK;
}
