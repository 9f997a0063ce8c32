/* SPDX-License-Identifier: BSD-2-Clause-Patent */
/* What users write on a command line about a new pool or container: properties, access lists,
 * ranks, attributes. */
#pragma once

#include "daos.h"
#include "tools/output.h"

/* "name:value,name:value" of a pool; the list is to be freed by daos_prop_free(). False
 * with a sentence to be freed and the name that was probably meant, or NULL. */
bool pool_properties_parse(const char *text, daos_prop_t **ret_list, char **ret_problem,
			   const char **ret_nearest);

typedef void (*property_visit)(void *argument, const char *name, const char *description,
			       const char *value);

/* Calls visit for each property of a pool that is in list, by name. */
void pool_properties_each(daos_prop_t *list, property_visit visit, void *argument);

/* Reads option --properties of a pool; *list may stay NULL. STATUS_OK or what to exit with. */
int read_pool_properties(struct call *call, daos_prop_t **list);

/* Reads option --acl-file, one entry a line, into property type of *list. */
int read_acl_file(struct call *call, uint32_t type, daos_prop_t **list);

/* Adds a text to *list. */
int add_text_property(daos_prop_t **list, uint32_t type, const char *text);

/* "user" as it is stored: "user@". NULL for NULL; to be freed. */
char *principal_of(const char *name);

/* As above for an option that may be absent; the name is checked. */
int read_principal(struct call *call, const char *option, char **ret_principal);

/* "0", "[0-2]", "0,4-7": whether rank is the only one. False for what is no set of ranks, too. */
bool rank_set_is_only(const char *text, uint32_t rank);

#define PAIRS_MAX 64u

/* "name:value,name:value"; names and values point into text. */
struct pairs {
	uint32_t count;
	const char *names[PAIRS_MAX], *values[PAIRS_MAX];
	size_t sizes[PAIRS_MAX]; /* of the values */
	char *text;
};
/* False when text is none; nothing is to be freed then. */
bool pairs_parse(const char *text, struct pairs *ret_pairs);
void pairs_free(struct pairs *pairs);
