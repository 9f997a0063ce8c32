/* SPDX-License-Identifier: BSD-2-Clause-Patent */
/* Reads the server's configuration: a YAML document held against the table of its keys. */
#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <yaml.h>

#include "common/common.h"
#include "server/config.h"

#define PATH_MAX_KEYS 512
#define DEPTH_MAX 16

struct reading {
	const char *file;
	yaml_document_t document;
	char *message;
	size_t size;
	struct config *config;
};

static int refuse(struct reading *reading, const yaml_mark_t *mark, const char *format, ...)
	PRINTF(3, 4);

static int
refuse(struct reading *reading, const yaml_mark_t *mark, const char *format, ...)
{
	int length = snprintf(reading->message, reading->size, "%s:%zu:%zu: ", reading->file,
			      mark->line + 1, mark->column + 1);
	va_list list;

	if (length >= 0 && (size_t)length < reading->size) {
		va_start(list, format);
		vsnprintf(reading->message + length, reading->size - (size_t)length, format, list);
		va_end(list);
	}
	return -DER_INVAL;
}

/* ------------------------------------------------ the table */

static const struct config_key *
find_key(const char *path)
{
	for (uint32_t i = 0; i < config_key_count; i++)
		if (strcmp(config_keys[i].path, path) == 0)
			return &config_keys[i];
	return NULL;
}

/* Whether a key begins with path followed by next ("." or "[]"). */
static bool
has_below(const char *path, const char *next)
{
	size_t length = strlen(path);

	for (uint32_t i = 0; i < config_key_count; i++)
		if (strncmp(config_keys[i].path, path, length) == 0 &&
		    strncmp(config_keys[i].path + length, next, strlen(next)) == 0)
			return true;
	return false;
}

/* The word of a key's path that follows prefix; empty when it is not below. */
static void
word_below(const char *path, const char *prefix, char word[CONFIG_TEXT])
{
	size_t length = strlen(prefix);

	word[0] = '\0';
	if (strncmp(path, prefix, length) != 0)
		return;
	snprintf(word, CONFIG_TEXT, "%.*s", (int)strcspn(path + length, ".["), path + length);
}

static int
unknown_key(struct reading *reading, const yaml_mark_t *mark, const char *prefix, const char *key)
{
	char nearest[CONFIG_TEXT] = "", word[CONFIG_TEXT], where[PATH_MAX_KEYS] = "the file";
	uint32_t best = UINT32_MAX;

	for (uint32_t i = 0; i < config_key_count; i++) {
		word_below(config_keys[i].path, prefix, word);
		if (word[0] && text_distance(key, word) < best) {
			best = text_distance(key, word);
			snprintf(nearest, sizeof(nearest), "%s", word);
		}
	}
	if (prefix[0])
		snprintf(where, sizeof(where), "%.*s", (int)strlen(prefix) - 1, prefix);
	if (nearest[0] && text_is_near(best, strlen(key)))
		return refuse(reading, mark, "unknown key `%.60s' in %s: did you mean `%s'?", key,
			      where, nearest);
	return refuse(reading, mark, "unknown key `%.60s' in %s; the nearest is `%s'", key, where,
		      nearest);
}

/* ------------------------------------------------ values */

static bool
is_choice(const char *choices, const char *value)
{
	size_t length = strlen(value);

	for (const char *at = choices; *at; at += strcspn(at, " "), at += strspn(at, " "))
		if (strcspn(at, " ") == length && strncasecmp(at, value, length) == 0)
			return true;
	return false;
}

static int
take_flag(struct reading *reading, const struct config_key *key, const yaml_node_t *node,
	  const char *value)
{
	bool yes = strcasecmp(value, "true") == 0 || strcasecmp(value, "yes") == 0 ||
		   strcasecmp(value, "on") == 0;
	bool no = strcasecmp(value, "false") == 0 || strcasecmp(value, "no") == 0 ||
		  strcasecmp(value, "off") == 0;

	if (!yes && !no)
		return refuse(reading, &node->start_mark, "%s: `%.60s' is neither true nor false",
			      key->path, value);
	if (key->offset != CONFIG_UNUSED)
		*((char *)reading->config + key->offset) = (char)yes;
	return 0;
}

static int
take_number(struct reading *reading, const struct config_key *key, const yaml_node_t *node,
	    const char *value)
{
	char *end;
	unsigned long long number;

	errno = 0;
	number = strtoull(value, &end, 10);
	if (value[0] < '0' || value[0] > '9' || *end || errno || number < key->least ||
	    number > key->most)
		return refuse(reading, &node->start_mark,
			      "%s: `%.60s' is no number from %llu to %llu", key->path, value,
			      (unsigned long long)key->least, (unsigned long long)key->most);
	if (key->offset != CONFIG_UNUSED)
		memcpy((char *)reading->config + key->offset, &(uint64_t){number},
		       sizeof(uint64_t));
	return 0;
}

static int
take_string(struct reading *reading, const struct config_key *key, const yaml_node_t *node,
	    const char *value)
{
	if (key->choices && !is_choice(key->choices, value))
		return refuse(reading, &node->start_mark, "%s: `%.60s' is none of: %s", key->path,
			      value, key->choices);
	if (strlen(value) >= CONFIG_TEXT)
		return refuse(reading, &node->start_mark, "%s: longer than %d bytes", key->path,
			      CONFIG_TEXT - 1);
	if (key->offset != CONFIG_UNUSED)
		memcpy((char *)reading->config + key->offset, value, strlen(value) + 1);
	return 0;
}

static int
take_list(struct reading *reading, const struct config_key *key, const yaml_node_t *node)
{
	uint64_t count = 0;

	if (node->type != YAML_SEQUENCE_NODE)
		return refuse(reading, &node->start_mark, "%s: not a list", key->path);
	for (yaml_node_item_t *item = node->data.sequence.items.start;
	     item < node->data.sequence.items.top; item++, count++) {
		const yaml_node_t *entry = yaml_document_get_node(&reading->document, *item);

		if (entry->type != YAML_SCALAR_NODE)
			return refuse(reading, &entry->start_mark, "%s: a list of texts is meant",
				      key->path);
	}
	if (key->offset != CONFIG_UNUSED)
		memcpy((char *)reading->config + key->offset, &count, sizeof(count));
	return 0;
}

static int
take_value(struct reading *reading, const struct config_key *key, const yaml_node_t *node)
{
	const char *value;

	if (key->type == CONFIG_ANY)
		return 0;
	if (key->type == CONFIG_LIST)
		return take_list(reading, key, node);
	if (node->type != YAML_SCALAR_NODE)
		return refuse(reading, &node->start_mark, "%s: one value is meant", key->path);
	value = (const char *)node->data.scalar.value;
	if (key->type == CONFIG_FLAG)
		return take_flag(reading, key, node, value);
	if (key->type == CONFIG_NUMBER)
		return take_number(reading, key, node, value);
	return take_string(reading, key, node, value);
}

/* ------------------------------------------------ the document */

static int take_map(struct reading *reading, const yaml_node_t *map, const char *prefix,
		    uint32_t depth);

static bool
is_null(const yaml_node_t *node)
{
	return node->type == YAML_SCALAR_NODE && node->data.scalar.length == 0;
}

/* A list of maps. */
static int
take_maps(struct reading *reading, const yaml_node_t *node, const char *path, uint32_t depth)
{
	char prefix[PATH_MAX_KEYS + 4];

	snprintf(prefix, sizeof(prefix), "%s[].", path);
	if (node->type != YAML_SEQUENCE_NODE)
		return refuse(reading, &node->start_mark, "%s: not a list", path);
	for (yaml_node_item_t *item = node->data.sequence.items.start;
	     item < node->data.sequence.items.top; item++) {
		const yaml_node_t *entry = yaml_document_get_node(&reading->document, *item);
		int rc = take_map(reading, entry, prefix, depth);

		if (rc)
			return rc;
		if (strcmp(path, "engines") == 0)
			reading->config->engines++;
	}
	return 0;
}

static int
take_pair(struct reading *reading, const yaml_node_t *name, const yaml_node_t *node,
	  const char *prefix, uint32_t depth)
{
	char path[PATH_MAX_KEYS], below[PATH_MAX_KEYS + 1];
	const struct config_key *key;
	const char *word;

	if (name->type != YAML_SCALAR_NODE)
		return refuse(reading, &name->start_mark, "a key is a word");
	word = (const char *)name->data.scalar.value;
	if (strpbrk(word, ".[]") || !word[0] ||
	    snprintf(path, sizeof(path), "%s%s", prefix, word) >= (int)sizeof(path))
		return unknown_key(reading, &name->start_mark, prefix, word);
	key = find_key(path);
	/* A key without a value has its default, as if it were not there. */
	if (key || has_below(path, ".") || has_below(path, "[]"))
		if (is_null(node))
			return 0;
	if (key)
		return take_value(reading, key, node);
	snprintf(below, sizeof(below), "%s.", path);
	if (has_below(path, "."))
		return take_map(reading, node, below, depth + 1);
	if (has_below(path, "[]"))
		return take_maps(reading, node, path, depth + 1);
	return unknown_key(reading, &name->start_mark, prefix, word);
}

/* A key that stands twice in one map is most likely a mistake: the second would win silently. */
static bool
stands_before(struct reading *reading, const yaml_node_t *map, const yaml_node_pair_t *pair)
{
	const yaml_node_t *name = yaml_document_get_node(&reading->document, pair->key);

	for (yaml_node_pair_t *at = map->data.mapping.pairs.start; at < pair; at++) {
		const yaml_node_t *other = yaml_document_get_node(&reading->document, at->key);

		if (name->type == YAML_SCALAR_NODE && other->type == YAML_SCALAR_NODE &&
		    strcmp((const char *)name->data.scalar.value,
			   (const char *)other->data.scalar.value) == 0)
			return true;
	}
	return false;
}

static int
take_map(struct reading *reading, const yaml_node_t *map, const char *prefix, uint32_t depth)
{
	if (map->type != YAML_MAPPING_NODE || depth > DEPTH_MAX)
		return refuse(reading, &map->start_mark, "keys with values are meant here");
	for (yaml_node_pair_t *pair = map->data.mapping.pairs.start;
	     pair < map->data.mapping.pairs.top; pair++) {
		const yaml_node_t *name = yaml_document_get_node(&reading->document, pair->key);
		const yaml_node_t *value = yaml_document_get_node(&reading->document, pair->value);
		int rc;

		if (stands_before(reading, map, pair))
			return refuse(reading, &name->start_mark, "key `%.60s' stands here twice",
				      (const char *)name->data.scalar.value);
		rc = take_pair(reading, name, value, prefix, depth);
		if (rc)
			return rc;
	}
	return 0;
}

/* What the table cannot say. */
static int
check_whole(struct reading *reading)
{
	const struct config *config = reading->config;
	const yaml_mark_t start = {0};

	if (config->engines > 1)
		return refuse(reading, &start, "%llu engines: one is possible so far",
			      (unsigned long long)config->engines);
	if (config->ms_replicas > 0 && config->ms_replicas % 2 == 0)
		return refuse(reading, &start,
			      "mgmt_svc_replicas: %llu hosts cannot form a majority, name an odd "
			      "number",
			      (unsigned long long)config->ms_replicas);
	return 0;
}

static int
read_document(struct reading *reading, yaml_parser_t *parser)
{
	yaml_node_t *root;
	int rc;

	if (!yaml_parser_load(parser, &reading->document))
		return refuse(reading, &parser->problem_mark, "%s",
			      parser->problem ? parser->problem : "not YAML");
	root = yaml_document_get_root_node(&reading->document);
	/* A file of nothing but comments is fine. */
	rc = !root || is_null(root) ? 0 : take_map(reading, root, "", 0);
	if (rc == 0)
		rc = check_whole(reading);
	yaml_document_delete(&reading->document);
	return rc;
}

int
config_read(const char *file, const char *text, size_t length, char *message, size_t size,
	    struct config *ret_config)
{
	struct config config = {.name = ""};
	struct reading reading = {
		.file = file, .message = message, .size = size, .config = &config};
	yaml_parser_t parser;
	int rc;

	if (!yaml_parser_initialize(&parser))
		return -DER_NOMEM;
	yaml_parser_set_input_string(&parser, (const unsigned char *)text, length);
	rc = read_document(&reading, &parser);
	yaml_parser_delete(&parser);
	if (rc == 0)
		*ret_config = config;
	return rc;
}

int
config_load(const char *file, char *message, size_t size, struct config *ret_config)
{
	FILE *stream = fopen(file, "re");
	size_t length;
	char *text;
	int rc;

	if (!stream) {
		snprintf(message, size, "cannot open %s: %s", file, strerror(errno));
		return errno == EACCES ? -DER_NO_PERM : -DER_NONEXIST;
	}
	text = malloc(CONFIG_SIZE_MAX + 1);
	length = text ? fread(text, 1, CONFIG_SIZE_MAX + 1, stream) : 0;
	fclose(stream);
	if (!text)
		return -DER_NOMEM;
	if (length > CONFIG_SIZE_MAX) {
		snprintf(message, size, "%s: longer than %u bytes", file, CONFIG_SIZE_MAX);
		rc = -DER_INVAL;
	} else {
		rc = config_read(file, text, length, message, size, ret_config);
	}
	free(text);
	return rc;
}
