/* SPDX-License-Identifier: BSD-2-Clause-Patent */
/*
 * Pure helpers of the public interface: properties, access control lists, texts.
 * Most of what the module does is declared in include/; here is what the libraries above it use
 * besides. Nothing here does I/O but the look-up of user and group names; nothing yields.
 */
#ifndef COMMON_COMMON_H
#define COMMON_COMMON_H

#include <daos_prop.h>
#include <daos_security.h>

/* Whose properties a list holds. */
enum prop_owner {
	PROP_OF_POOL,
	PROP_OF_CONTAINER,
};

/* What a property's value is. */
enum prop_kind {
	PROP_NUMBER,
	PROP_LABEL,
	PROP_PRINCIPAL,
	PROP_ACL,
	PROP_RANKS,
	PROP_ROOTS,
};

/*
 * What is known of a property type: kind of value, and the range of a number.
 */
struct prop_rule {
	uint32_t type;
	enum prop_kind kind;
	uint64_t least;
	uint64_t most;
};

/* Rule of a type; NULL when there is no such property. */
const struct prop_rule *prop_rule_find(uint32_t type);

/*
 * Checks a list: known types of this owner, none twice, values in range.
 * Entries marked as not set are not looked at.
 *
 * Returns 0 or -DER_INVAL; the type of the first bad entry goes to ret_type when it is not NULL.
 */
int prop_check(const daos_prop_t *prop, enum prop_owner owner, uint32_t *ret_type);

/* Deep copy; the caller frees it with daos_prop_free. Returns 0 or -DER_NOMEM. */
int prop_dup(const daos_prop_t *prop, daos_prop_t **ret_prop);

/*
 * Fills what a caller asked for from an answer: each type in request, or all of answer when request
 * has no entries. Types that answer lacks are marked as not set. The values are copies, which
 * request owns.
 *
 * Returns 0 or -DER_NOMEM.
 */
int prop_copy(daos_prop_t *request, const daos_prop_t *answer);

/* Puts one value into an entry, whose former value is freed; value is copied. */
int prop_entry_copy(struct daos_prop_entry *to, const struct daos_prop_entry *from);

/*
 * Edits that turn one text into the other: letters inserted, removed, replaced, or two neighbours
 * exchanged, either case alike. For "did you mean". Of a text longer than 63 bytes only the
 * beginning counts.
 */
uint32_t text_distance(const char *a, const char *b);

/* Whether a text that far from a known one, of this length, may be a misspelling of it. */
bool text_is_near(uint32_t distance, size_t length);

#endif
