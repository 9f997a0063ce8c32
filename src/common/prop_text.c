/* SPDX-License-Identifier: BSD-2-Clause-Patent */
/* Properties of a new container from a text: "name:value;name:value;". */
#include "common/common.h"

#include <gurt/common.h>

struct word {
	const char *text;
	uint64_t value;
};

static const struct word on_off[] = {{"off", 0}, {"on", 1}, {NULL, 0}};
static const struct word layouts[] = {
	{"unknown", DAOS_PROP_CO_LAYOUT_UNKNOWN}, {"POSIX", DAOS_PROP_CO_LAYOUT_POSIX},
	{"HDF5", DAOS_PROP_CO_LAYOUT_HDF5},	  {"PYTHON", DAOS_PROP_CO_LAYOUT_PYTHON},
	{"SPARK", DAOS_PROP_CO_LAYOUT_SPARK},	  {"DATABASE", DAOS_PROP_CO_LAYOUT_DATABASE},
	{"ROOT", DAOS_PROP_CO_LAYOUT_ROOT},	  {"SEISMIC", DAOS_PROP_CO_LAYOUT_SEISMIC},
	{"METEO", DAOS_PROP_CO_LAYOUT_METEO},	  {NULL, 0},
};
static const struct word sums[] = {
	{"off", DAOS_PROP_CO_CSUM_OFF},
	{"crc16", DAOS_PROP_CO_CSUM_CRC16},
	{"crc32", DAOS_PROP_CO_CSUM_CRC32},
	{"crc64", DAOS_PROP_CO_CSUM_CRC64},
	{"sha1", DAOS_PROP_CO_CSUM_SHA1},
	{"sha256", DAOS_PROP_CO_CSUM_SHA256},
	{"sha512", DAOS_PROP_CO_CSUM_SHA512},
	{"adler32", DAOS_PROP_CO_CSUM_ADLER32},
	{NULL, 0},
};
static const struct word dedups[] = {
	{"off", DAOS_PROP_CO_DEDUP_OFF},
	{"memcmp", DAOS_PROP_CO_DEDUP_MEMCMP},
	{"hash", DAOS_PROP_CO_DEDUP_HASH},
	{NULL, 0},
};
static const struct word compressions[] = {
	{"off", DAOS_PROP_CO_COMPRESS_OFF},	      {"lz4", DAOS_PROP_CO_COMPRESS_LZ4},
	{"deflate", DAOS_PROP_CO_COMPRESS_DEFLATE},   {"deflate1", DAOS_PROP_CO_COMPRESS_DEFLATE1},
	{"deflate2", DAOS_PROP_CO_COMPRESS_DEFLATE2}, {"deflate3", DAOS_PROP_CO_COMPRESS_DEFLATE3},
	{"deflate4", DAOS_PROP_CO_COMPRESS_DEFLATE4}, {NULL, 0},
};
static const struct word encryptions[] = {
	{"off", DAOS_PROP_CO_ENCRYPT_OFF},
	{"aes-xts128", DAOS_PROP_CO_ENCRYPT_AES_XTS128},
	{"aes-xts256", DAOS_PROP_CO_ENCRYPT_AES_XTS256},
	{"aes-cbc128", DAOS_PROP_CO_ENCRYPT_AES_CBC128},
	{"aes-cbc192", DAOS_PROP_CO_ENCRYPT_AES_CBC192},
	{"aes-cbc256", DAOS_PROP_CO_ENCRYPT_AES_CBC256},
	{"aes-gcm128", DAOS_PROP_CO_ENCRYPT_AES_GCM128},
	{"aes-gcm256", DAOS_PROP_CO_ENCRYPT_AES_GCM256},
	{NULL, 0},
};
static const struct word levels[] = {
	{"rank", DAOS_PROP_CO_REDUN_RANK},
	{"node", DAOS_PROP_CO_REDUN_NODE},
	{"fault", DAOS_PROP_CO_REDUN_FAULT},
	{NULL, 0},
};
static const struct word domains[] = {
	{"root", DAOS_PROP_PERF_DOMAIN_ROOT},
	{"group", DAOS_PROP_PERF_DOMAIN_GROUP},
	{NULL, 0},
};

/* What may be given at creation; words are alternatives to the number. */
static const struct {
	const char *name;
	uint32_t type;
	const struct word *words;
} names[] = {
	{"label", DAOS_PROP_CO_LABEL, NULL},
	{"layout_type", DAOS_PROP_CO_LAYOUT_TYPE, layouts},
	{"layout_ver", DAOS_PROP_CO_LAYOUT_VER, NULL},
	{"cksum", DAOS_PROP_CO_CSUM, sums},
	{"cksum_size", DAOS_PROP_CO_CSUM_CHUNK_SIZE, NULL},
	{"srv_cksum", DAOS_PROP_CO_CSUM_SERVER_VERIFY, on_off},
	{"rd_fac", DAOS_PROP_CO_REDUN_FAC, NULL},
	{"rf", DAOS_PROP_CO_REDUN_FAC, NULL},
	{"rd_lvl", DAOS_PROP_CO_REDUN_LVL, levels},
	{"rf_lvl", DAOS_PROP_CO_REDUN_LVL, levels},
	{"max_snapshot", DAOS_PROP_CO_SNAPSHOT_MAX, NULL},
	{"compression", DAOS_PROP_CO_COMPRESS, compressions},
	{"encryption", DAOS_PROP_CO_ENCRYPT, encryptions},
	{"dedup", DAOS_PROP_CO_DEDUP, dedups},
	{"dedup_threshold", DAOS_PROP_CO_DEDUP_THRESHOLD, NULL},
	{"ec_cell_sz", DAOS_PROP_CO_EC_CELL_SZ, NULL},
	{"ec_pda", DAOS_PROP_CO_EC_PDA, NULL},
	{"rp_pda", DAOS_PROP_CO_RP_PDA, NULL},
	{"perf_domain", DAOS_PROP_CO_PERF_DOMAIN, domains},
};

static const struct word *
word_find(const struct word *words, const char *text)
{
	for (; words != NULL && words->text != NULL; words++) {
		if (strcasecmp(words->text, text) == 0)
			return words;
	}
	return NULL;
}

/* Shift of a size suffix: k, KB, KiB, m, g and so on, all binary; -1 when it is none. */
static int
suffix_shift(const char *suffix)
{
	static const char letters[] = "kmgt";
	const char *letter;

	if (*suffix == '\0')
		return 0;
	letter = strchr(letters, tolower((unsigned char)*suffix));
	suffix++;
	if (letter == NULL ||
	    (*suffix != '\0' && strcasecmp(suffix, "b") != 0 && strcasecmp(suffix, "ib") != 0))
		return -1;
	return 10 * (int)(letter - letters + 1);
}

static int
number_parse(const char *text, uint64_t *ret_number)
{
	unsigned long long number;
	char *end;
	int shift;

	if (*text < '0' || *text > '9')
		return -DER_INVAL;
	errno = 0;
	number = strtoull(text, &end, 10);
	shift = suffix_shift(end);
	if (errno != 0 || shift < 0 || number > UINT64_MAX >> shift)
		return -DER_INVAL;
	*ret_number = (uint64_t)number << shift;
	return 0;
}

static int
value_parse(struct daos_prop_entry *entry, const struct word *words, const char *text)
{
	const struct word *word = word_find(words, text);

	if (daos_prop_has_str(entry))
		return daos_prop_entry_set_str(entry, text, strlen(text));
	if (word == NULL)
		return number_parse(text, &entry->dpe_val);
	entry->dpe_val = word->value;
	return 0;
}

/* One "name:value"; the colon is overwritten. */
static int
entry_parse(struct daos_prop_entry *entry, char *text)
{
	char *value = strchr(text, ':');
	size_t i;

	if (value == NULL)
		return -DER_INVAL;
	*value++ = '\0';
	for (i = 0; i < ARRAY_SIZE(names); i++) {
		if (strcmp(names[i].name, text) == 0) {
			entry->dpe_type = names[i].type;
			return value_parse(entry, names[i].words, value);
		}
	}
	return -DER_INVAL;
}

static int
list_parse(daos_prop_t *prop, char *text)
{
	char *saved = NULL, *token;
	int rc = 0;

	prop->dpp_nr = 0;
	for (token = strtok_r(text, ";", &saved); token != NULL && rc == 0;
	     token = strtok_r(NULL, ";", &saved))
		rc = entry_parse(&prop->dpp_entries[prop->dpp_nr++], token);
	return rc == 0 ? prop_check(prop, PROP_OF_CONTAINER, NULL) : rc;
}

int
daos_prop_from_str(const char *str, daos_size_t len, daos_prop_t **prop)
{
	uint32_t nr = 1;
	daos_prop_t *list;
	char *text;
	size_t i;
	int rc;

	if (str == NULL || len == 0 || prop == NULL)
		return -DER_INVAL;
	len = strnlen(str, len);
	for (i = 0; i < len && nr <= DAOS_PROP_ENTRIES_MAX_NR; i++)
		nr += str[i] == ';';
	if (nr > DAOS_PROP_ENTRIES_MAX_NR)
		return -DER_INVAL;
	text = d_strndup(str, len);
	list = daos_prop_alloc(nr);
	rc = text == NULL || list == NULL ? -DER_NOMEM : list_parse(list, text);
	if (rc == 0)
		*prop = list;
	else
		daos_prop_free(list);
	d_free(text);
	return rc;
}
