/* SPDX-License-Identifier: BSD-2-Clause-Patent */
/* Properties of pools as texts, access lists from files, ranks, attributes. */
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "common/common.h"
#include "tools/properties.h"

/* ------------------------------------------------ what there is */

struct word {
	const char *text;
	uint64_t value;
};

static const struct word reclaims[] = {{"disabled", DAOS_RECLAIM_DISABLED},
				       {"lazy", DAOS_RECLAIM_LAZY},
				       {"time", DAOS_RECLAIM_TIME},
				       {NULL, 0}};
static const struct word heals[] = {{"none", 0},
				    {"exclude", DAOS_SELF_HEAL_AUTO_EXCLUDE},
				    {"rebuild", DAOS_SELF_HEAL_AUTO_REBUILD},
				    {"delay_rebuild", DAOS_SELF_HEAL_DELAY_REBUILD},
				    {NULL, 0}};
static const struct word scrubs[] = {{"off", DAOS_SCRUB_MODE_OFF},
				     {"lazy", DAOS_SCRUB_MODE_LAZY},
				     {"timed", DAOS_SCRUB_MODE_TIMED},
				     {NULL, 0}};
static const struct word checkpoints[] = {{"disabled", DAOS_CHECKPOINT_DISABLED},
					  {"timed", DAOS_CHECKPOINT_TIMED},
					  {"lazy", DAOS_CHECKPOINT_LAZY},
					  {NULL, 0}};
static const struct word domains[] = {{"root", DAOS_PROP_PERF_DOMAIN_ROOT},
				      {"group", DAOS_PROP_PERF_DOMAIN_GROUP},
				      {NULL, 0}};
static const struct word reintegrations[] = {{"data_sync", DAOS_REINT_MODE_DATA_SYNC},
					     {"no_data_sync", DAOS_REINT_MODE_NO_DATA_SYNC},
					     {"incremental", DAOS_REINT_MODE_INCREMENTAL},
					     {NULL, 0}};

static const struct word upgrades[] = {{"not started", DAOS_UPGRADE_STATUS_NOT_STARTED},
				       {"in progress", DAOS_UPGRADE_STATUS_IN_PROGRESS},
				       {"completed", DAOS_UPGRADE_STATUS_COMPLETED},
				       {"failed", DAOS_UPGRADE_STATUS_FAILED},
				       {NULL, 0}};

enum value_kind {
	VALUE_NUMBER,
	VALUE_SIZE,
	VALUE_PERCENT, /* with or without the sign */
	VALUE_WORD,
	VALUE_WORDS, /* bits */
	VALUE_TEXT,
	VALUE_ACL,   /* shown only */
	VALUE_RANKS, /* shown only */
};

/* By name. */
static const struct {
	const char *name;
	uint32_t type;
	enum value_kind kind;
	const char *description;
	const struct word *words;
	bool derived; /* shown, never given */
} names[] = {
	{"acl", DAOS_PROP_PO_ACL, VALUE_ACL, "Access control list", NULL, true},
	{"checkpoint", DAOS_PROP_PO_CHECKPOINT_MODE, VALUE_WORD, "Checkpointing", checkpoints,
	 false},
	{"checkpoint_freq", DAOS_PROP_PO_CHECKPOINT_FREQ, VALUE_NUMBER,
	 "Checkpoint interval, seconds", NULL, false},
	{"checkpoint_thresh", DAOS_PROP_PO_CHECKPOINT_THRESH, VALUE_NUMBER,
	 "Checkpoint at log use, percent", NULL, false},
	{"data_thresh", DAOS_PROP_PO_DATA_THRESH, VALUE_SIZE, "Least size on NVMe", NULL, false},
	{"ec_cell_sz", DAOS_PROP_PO_EC_CELL_SZ, VALUE_SIZE, "Erasure code cell size", NULL, false},
	{"ec_pda", DAOS_PROP_PO_EC_PDA, VALUE_NUMBER, "Performance domain affinity, erasure code",
	 NULL, false},
	{"global_version", DAOS_PROP_PO_GLOBAL_VERSION, VALUE_NUMBER, "Format version", NULL, true},
	{"group", DAOS_PROP_PO_OWNER_GROUP, VALUE_TEXT, "Owner group", NULL, true},
	{"label", DAOS_PROP_PO_LABEL, VALUE_TEXT, "Label", NULL, false},
	{"owner", DAOS_PROP_PO_OWNER, VALUE_TEXT, "Owner", NULL, true},
	{"perf_domain", DAOS_PROP_PO_PERF_DOMAIN, VALUE_WORD, "Performance domain", domains, false},
	{"rd_fac", DAOS_PROP_PO_REDUN_FAC, VALUE_NUMBER, "Redundancy factor", NULL, false},
	{"reclaim", DAOS_PROP_PO_RECLAIM, VALUE_WORD, "Reclaiming of space", reclaims, false},
	{"reintegration", DAOS_PROP_PO_REINT_MODE, VALUE_WORD, "Reintegration", reintegrations,
	 false},
	{"rf", DAOS_PROP_PO_REDUN_FAC, VALUE_NUMBER, NULL, NULL, false},
	{"rp_pda", DAOS_PROP_PO_RP_PDA, VALUE_NUMBER, "Performance domain affinity, replication",
	 NULL, false},
	{"scrub", DAOS_PROP_PO_SCRUB_MODE, VALUE_WORD, "Scrubbing", scrubs, false},
	{"scrub_freq", DAOS_PROP_PO_SCRUB_FREQ, VALUE_NUMBER, "Scrub interval, seconds", NULL,
	 false},
	{"scrub_thresh", DAOS_PROP_PO_SCRUB_THRESH, VALUE_NUMBER, "Errors that evict a target",
	 NULL, false},
	{"self_heal", DAOS_PROP_PO_SELF_HEAL, VALUE_WORDS, "Self-healing", heals, false},
	{"space_rb", DAOS_PROP_PO_SPACE_RB, VALUE_PERCENT, "Space kept for rebuilding", NULL,
	 false},
	{"svc_list", DAOS_PROP_PO_SVC_LIST, VALUE_RANKS, "Service replicas", NULL, true},
	{"svc_ops_enabled", DAOS_PROP_PO_SVC_OPS_ENABLED, VALUE_NUMBER,
	 "Memory of service requests", NULL, false},
	{"svc_ops_entry_age", DAOS_PROP_PO_SVC_OPS_ENTRY_AGE, VALUE_NUMBER,
	 "Age of remembered requests, seconds", NULL, false},
	{"svc_rf", DAOS_PROP_PO_SVC_REDUN_FAC, VALUE_NUMBER, "Service redundancy factor", NULL,
	 false},
	{"upgrade_status", DAOS_PROP_PO_UPGRADE_STATUS, VALUE_WORD, "Upgrade", upgrades, true},
};
#define NAME_COUNT (sizeof(names) / sizeof(names[0]))

/* ------------------------------------------------ values */

static bool
number_parse(const char *text, uint64_t *ret_number)
{
	unsigned long long number;
	char *end;

	errno = 0;
	number = strtoull(text, &end, 10);
	if (text[0] < '0' || text[0] > '9' || *end || errno)
		return false;
	*ret_number = number;
	return true;
}

/* One word or, where many are allowed, several with ; or + between them: their bits together. */
static bool
word_parse(const struct word *words, bool many, const char *text, uint64_t *ret_number)
{
	char *copy = text_format("%s", text), *saved = NULL;
	uint64_t bits = 0;
	uint32_t count = 0;
	bool ok = true;

	for (char *token = strtok_r(copy, ";+", &saved); token && ok;
	     token = strtok_r(NULL, ";+", &saved)) {
		const struct word *word = words;

		while (word->text && strcasecmp(word->text, token) != 0)
			word++;
		ok = word->text != NULL;
		bits |= word->value;
		count++;
	}
	free(copy);
	if (!ok || count == 0 || (count > 1 && !many))
		return false;
	*ret_number = bits;
	return true;
}

static bool
percent_or_number(const char *text, uint64_t *ret_number)
{
	size_t length = strlen(text);
	char *copy = text_format("%s", text);
	bool ok;

	if (length > 0 && copy[length - 1] == '%')
		copy[length - 1] = '\0';
	ok = number_parse(copy, ret_number);
	free(copy);
	return ok;
}

static bool
value_parse(size_t row, const char *text, struct daos_prop_entry *entry)
{
	const struct prop_rule *rule = prop_rule_find(names[row].type);
	uint64_t number = 0;
	bool ok = false;

	switch (names[row].kind) {
	case VALUE_NUMBER:
		ok = number_parse(text, &number);
		break;
	case VALUE_SIZE:
		ok = size_parse(text, &number);
		break;
	case VALUE_PERCENT:
		ok = percent_or_number(text, &number);
		break;
	case VALUE_WORD:
	case VALUE_WORDS:
		ok = word_parse(names[row].words, names[row].kind == VALUE_WORDS, text, &number);
		break;
	case VALUE_TEXT:
		return daos_label_is_valid(text) &&
		       daos_prop_entry_set_str(entry, text, strlen(text)) == 0;
	case VALUE_ACL:
	case VALUE_RANKS:
		return false;
	}
	if (!ok || number < rule->least || number > rule->most)
		return false;
	entry->dpe_val = number;
	return true;
}

/* What a value may be, to be freed. */
static char *
values_of(size_t row)
{
	const struct prop_rule *rule = prop_rule_find(names[row].type);
	char *text;

	if (names[row].kind == VALUE_TEXT)
		return text_format("a label");
	if (!names[row].words)
		return text_format("%llu to %llu%s", (unsigned long long)rule->least,
				   (unsigned long long)rule->most,
				   names[row].kind == VALUE_PERCENT ? " percent" : "");
	text = text_format("%s", names[row].words[0].text);
	for (const struct word *word = names[row].words + 1; word->text; word++) {
		char *longer = text_format("%s, %s", text, word->text);

		free(text);
		text = longer;
	}
	return text;
}

static const char *
nearest_name(const char *word)
{
	uint32_t least = UINT32_MAX;
	const char *nearest = NULL;

	for (size_t i = 0; i < NAME_COUNT; i++) {
		uint32_t distance = text_distance(word, names[i].name);

		if (distance < least && !names[i].derived) {
			least = distance;
			nearest = names[i].name;
		}
	}
	return text_is_near(least, strlen(word)) ? nearest : NULL;
}

static bool
entry_parse(const char *name, const char *value, daos_prop_t *list, char **ret_problem,
	    const char **ret_nearest)
{
	struct daos_prop_entry *entry = &list->dpp_entries[list->dpp_nr];
	size_t row = 0;
	char *values;

	while (row < NAME_COUNT && strcmp(names[row].name, name) != 0)
		row++;
	if (row == NAME_COUNT) {
		*ret_nearest = nearest_name(name);
		*ret_problem = text_format("pools have no property `%s'", name);
		return false;
	}
	if (names[row].derived) {
		*ret_problem = text_format("property `%s' cannot be given here", name);
		return false;
	}
	if (daos_prop_entry_get(list, names[row].type)) {
		*ret_problem = text_format("property `%s' is given twice", name);
		return false;
	}
	entry->dpe_type = names[row].type;
	if (value_parse(row, value, entry)) {
		list->dpp_nr++;
		return true;
	}
	values = values_of(row);
	*ret_problem = text_format("%s:%s cannot be: it may be %s", name, value, values);
	free(values);
	return false;
}

bool
pool_properties_parse(const char *text, daos_prop_t **ret_list, char **ret_problem,
		      const char **ret_nearest)
{
	daos_prop_t *list;
	struct pairs pairs;
	bool ok = true;

	*ret_nearest = NULL;
	if (!pairs_parse(text, &pairs)) {
		*ret_problem = text_format("%s cannot be read: write name:value,name:value", text);
		return false;
	}
	list = daos_prop_alloc(pairs.count);
	if (!list)
		abort();
	list->dpp_nr = 0;
	for (uint32_t i = 0; i < pairs.count && ok; i++)
		ok = entry_parse(pairs.names[i], pairs.values[i], list, ret_problem, ret_nearest);
	pairs_free(&pairs);
	if (ok)
		*ret_list = list;
	else
		daos_prop_free(list);
	return ok;
}

int
read_pool_properties(struct call *call, daos_prop_t **list)
{
	const char *text = call_option(call, "properties"), *nearest;
	char *problem;
	int rc;

	if (!text || pool_properties_parse(text, list, &problem, &nearest))
		return STATUS_OK;
	rc = call_misused(call, nearest, "--properties: %s", problem);
	free(problem);
	return rc;
}

/* ------------------------------------------------ showing */

/* Texts with a separator between them; takes text, which may be empty. */
static char *
append(char *text, const char *separator, const char *more)
{
	char *longer = text_format("%s%s%s", text, text[0] ? separator : "", more);

	free(text);
	return longer;
}

static char *
words_text(const struct word *words, bool many, uint64_t number)
{
	char *text = text_format("%s", "");

	for (; words->text; words++)
		if (many ? (words->value & number) != 0 : words->value == number)
			text = append(text, ";", words->text);
	return many && number == 0 ? append(text, "", "none") : text;
}

static char *
acl_text(struct daos_acl *acl)
{
	char *text = text_format("%s", ""), **entries = NULL;
	size_t count = 0;

	if (acl && daos_acl_to_strs(acl, &entries, &count) == 0)
		for (size_t i = 0; i < count; i++) {
			text = append(text, ", ", entries[i]);
			free(entries[i]);
		}
	free(entries);
	return text;
}

static char *
ranks_text(const d_rank_list_t *ranks)
{
	char *text = text_format("%s", ""), *all;

	for (uint32_t i = 0; ranks && i < ranks->rl_nr; i++) {
		char *rank = text_format("%u", ranks->rl_ranks[i]);

		text = append(text, ",", rank);
		free(rank);
	}
	all = text_format("[%s]", text);
	free(text);
	return all;
}

/* A value as it is shown, to be freed. */
static char *
value_text(size_t row, const struct daos_prop_entry *entry)
{
	char size[SIZE_TEXT];

	if (entry->dpe_flags & DAOS_PROP_ENTRY_NOT_SET)
		return text_format("not set");
	switch (names[row].kind) {
	case VALUE_SIZE:
		return text_format("%s", size_binary(entry->dpe_val, size));
	case VALUE_PERCENT:
		return text_format("%llu%%", (unsigned long long)entry->dpe_val);
	case VALUE_WORD:
	case VALUE_WORDS:
		return words_text(names[row].words, names[row].kind == VALUE_WORDS, entry->dpe_val);
	case VALUE_TEXT:
		return text_format("%s", entry->dpe_str ? entry->dpe_str : "");
	case VALUE_ACL:
		return acl_text(entry->dpe_val_ptr);
	case VALUE_RANKS:
		return ranks_text(entry->dpe_val_ptr);
	case VALUE_NUMBER:
		break;
	}
	return text_format("%llu", (unsigned long long)entry->dpe_val);
}

void
pool_properties_each(daos_prop_t *list, property_visit visit, void *argument)
{
	for (size_t row = 0; row < NAME_COUNT; row++) {
		const struct daos_prop_entry *entry =
			names[row].description ? daos_prop_entry_get(list, names[row].type) : NULL;
		char *text;

		if (!entry)
			continue;
		text = value_text(row, entry);
		visit(argument, names[row].name, names[row].description, text);
		free(text);
	}
}

/* ------------------------------------------------ lists */

/* Adds one, which it takes, to *list. */
static int
merge_in(daos_prop_t **list, daos_prop_t *one)
{
	daos_prop_t *merged;

	if (!*list) {
		*list = one;
		return 0;
	}
	merged = daos_prop_merge(*list, one);
	daos_prop_free(one);
	if (!merged)
		return -DER_NOMEM;
	daos_prop_free(*list);
	*list = merged;
	return 0;
}

int
add_text_property(daos_prop_t **list, uint32_t type, const char *text)
{
	daos_prop_t *one = daos_prop_alloc(1);
	int rc;

	if (!one)
		return -DER_NOMEM;
	one->dpp_entries[0].dpe_type = type;
	rc = daos_prop_entry_set_str(&one->dpp_entries[0], text, strlen(text));
	if (rc == 0)
		return merge_in(list, one);
	daos_prop_free(one);
	return rc;
}

/* ------------------------------------------------ access lists */

#define ACL_LINES_MAX 1024u

struct lines {
	size_t count;
	const char *texts[ACL_LINES_MAX];
};

/* Adds a line without the space around it, unless it is empty or a comment. */
static void
take_line(struct lines *lines, const char *line)
{
	size_t length;

	line += strspn(line, " \t");
	length = strcspn(line, "\r\n");
	while (length > 0 && (line[length - 1] == ' ' || line[length - 1] == '\t'))
		length--;
	if (length > 0 && line[0] != '#' && lines->count < ACL_LINES_MAX)
		lines->texts[lines->count++] = text_format("%.*s", (int)length, line);
}

static int
add_acl(struct lines *lines, uint32_t type, daos_prop_t **list)
{
	daos_prop_t *one = daos_prop_alloc(1);
	struct daos_acl *acl = NULL;
	int code = one ? daos_acl_from_strs(lines->texts, lines->count, &acl) : -DER_NOMEM;

	if (code) {
		daos_prop_free(one);
		return code;
	}
	one->dpp_entries[0].dpe_type = type;
	one->dpp_entries[0].dpe_val_ptr = acl;
	return merge_in(list, one);
}

int
read_acl_file(struct call *call, uint32_t type, daos_prop_t **list)
{
	const char *path = call_option(call, "acl-file");
	struct lines *lines;
	char line[1024];
	FILE *file;
	int code;

	if (!path)
		return STATUS_OK;
	file = fopen(path, "r");
	if (!file)
		return call_fail_because(call, errno == ENOENT ? -DER_NONEXIST : -DER_NO_PERM,
					 strerror(errno), "name a file that you can read",
					 "cannot open the access list %s", path);
	lines = calloc(1, sizeof(*lines));
	if (!lines)
		abort();
	while (fgets(line, sizeof(line), file))
		take_line(lines, line);
	fclose(file);
	code = add_acl(lines, type, list);
	for (size_t i = 0; i < lines->count; i++)
		free((void *)(uintptr_t)lines->texts[i]);
	free(lines);
	if (code)
		return call_fail_because(call, code,
					 "a line is no entry of an access list, or two "
					 "are for the same principal",
					 "write one entry a line, such as A::OWNER@:rw",
					 "cannot read the access list %s", path);
	return STATUS_OK;
}

/* ------------------------------------------------ principals, ranks, pairs */

char *
principal_of(const char *name)
{
	return name ? text_format("%s%s", name, strchr(name, '@') ? "" : "@") : NULL;
}

int
read_principal(struct call *call, const char *option, char **ret_principal)
{
	const char *name = call_option(call, option);
	char *principal = principal_of(name);

	if (principal && !daos_acl_principal_is_valid(principal)) {
		free(principal);
		return call_misused(call, NULL, "--%s=%s is no name of a user or group", option,
				    name);
	}
	*ret_principal = principal;
	return STATUS_OK;
}

bool
rank_set_is_only(const char *text, uint32_t rank)
{
	size_t length = strlen(text);
	bool ok = true, any = false;
	char *copy, *saved = NULL;

	if (length >= 2 && text[0] == '[' && text[length - 1] == ']') {
		text++;
		length -= 2;
	}
	copy = text_format("%.*s", (int)length, text);
	for (char *token = strtok_r(copy, ",", &saved); token && ok;
	     token = strtok_r(NULL, ",", &saved)) {
		char *dash = strchr(token, '-');
		uint64_t first = 0, last = 0;

		if (dash)
			*dash++ = '\0';
		ok = number_parse(token, &first) && number_parse(dash ? dash : token, &last) &&
		     first == rank && last == rank;
		any = true;
	}
	free(copy);
	return ok && any;
}

bool
pairs_parse(const char *text, struct pairs *ret_pairs)
{
	struct pairs pairs = {.text = text_format("%s", text)};
	char *saved = NULL;
	bool ok = true;

	for (char *token = strtok_r(pairs.text, ",", &saved); token && ok;
	     token = strtok_r(NULL, ",", &saved)) {
		char *colon = strchr(token, ':');

		ok = colon && colon != token && pairs.count < PAIRS_MAX;
		if (!ok)
			break;
		*colon = '\0';
		pairs.names[pairs.count] = token;
		pairs.values[pairs.count] = colon + 1;
		pairs.sizes[pairs.count++] = strlen(colon + 1);
	}
	if (!ok || pairs.count == 0) {
		free(pairs.text);
		return false;
	}
	*ret_pairs = pairs;
	return true;
}

void
pairs_free(struct pairs *pairs)
{
	free(pairs->text);
}
