/* SPDX-License-Identifier: BSD-2-Clause-Patent */
/*
 * Pure helpers of the public interface: object classes, properties, access control lists, texts.
 * Most of what the module does is declared in include/; here is what the libraries above it use
 * besides. Nothing here does I/O but the look-up of user and group names; nothing yields.
 */
#ifndef COMMON_COMMON_H
#define COMMON_COMMON_H

#include <daos_obj.h>
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
 * Redundancy of a class: number of shards of a group, and how many of them may fail.
 * Returns 0 or -DER_INVAL for an abstract or unknown class.
 */
int oclass_attributes(daos_oclass_id_t id, struct daos_oclass_attr *ret_attr);

/* Shards of one redundancy group. */
uint32_t oclass_group_size(const struct daos_oclass_attr *attr);

/* What decides the class of an object for which the caller named none. */
struct oclass_choice {
	/* Failures that the container must survive. */
	uint32_t redundancy_factor;
	/* Fault domains, and targets in all of them. */
	uint32_t domains;
	uint32_t targets;
	enum daos_otype_t type;
	daos_oclass_hints_t hints;
};

/*
 * A real class with a number of groups, from 1 to what the targets have room for.
 * Returns 0 or -DER_INVAL for a redundancy factor that no class has.
 */
int oclass_choose(const struct oclass_choice *choice, daos_oclass_id_t *ret_id);

/*
 * Edits that turn one text into the other: letters inserted, removed, replaced, or two neighbours
 * exchanged, either case alike. For "did you mean". Of a text longer than 63 bytes only the
 * beginning counts.
 */
uint32_t text_distance(const char *a, const char *b);

/* Whether a text that far from a known one, of this length, may be a misspelling of it. */
bool text_is_near(uint32_t distance, size_t length);

/* Writes type and class into the upper 32 bits of an id, whose other bits are kept. */
void oid_encode(daos_obj_id_t *oid, enum daos_otype_t type, daos_oclass_id_t id);

#endif
