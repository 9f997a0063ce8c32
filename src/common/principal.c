/* SPDX-License-Identifier: BSD-2-Clause-Patent */
/* Principals and the users and groups of this machine: "name@". What follows the @ is not used yet.
 */
#include "common/common.h"

#include <grp.h>
#include <pwd.h>

#include <gurt/common.h>

/* The databases say with ERANGE that an entry needs a larger buffer; one that needs more than this
 * is refused. */
#define BUFFER_FIRST 4096
#define BUFFER_MOST (1U << 20)

/* Looks one key up; *ret_found is false when there is no such entry. */
typedef int (*lookup_fn)(void *key, char *buffer, size_t size, bool *ret_found);

struct by_uid {
	uid_t uid;
	char *principal;
};

struct by_gid {
	gid_t gid;
	char *principal;
};

struct by_name {
	const char *name;
	uid_t uid;
	gid_t gid;
};

static int
uid_lookup(void *key, char *buffer, size_t size, bool *ret_found)
{
	struct by_uid *by = key;
	struct passwd entry, *found = NULL;
	int rc = getpwuid_r(by->uid, &entry, buffer, size, &found);

	if (rc == 0 && found != NULL)
		D_ASPRINTF(by->principal, "%s@", entry.pw_name);
	*ret_found = found != NULL;
	return rc;
}

static int
gid_lookup(void *key, char *buffer, size_t size, bool *ret_found)
{
	struct by_gid *by = key;
	struct group entry, *found = NULL;
	int rc = getgrgid_r(by->gid, &entry, buffer, size, &found);

	if (rc == 0 && found != NULL)
		D_ASPRINTF(by->principal, "%s@", entry.gr_name);
	*ret_found = found != NULL;
	return rc;
}

static int
user_lookup(void *key, char *buffer, size_t size, bool *ret_found)
{
	struct by_name *by = key;
	struct passwd entry, *found = NULL;
	int rc = getpwnam_r(by->name, &entry, buffer, size, &found);

	if (rc == 0 && found != NULL)
		by->uid = entry.pw_uid;
	*ret_found = found != NULL;
	return rc;
}

static int
group_lookup(void *key, char *buffer, size_t size, bool *ret_found)
{
	struct by_name *by = key;
	struct group entry, *found = NULL;
	int rc = getgrnam_r(by->name, &entry, buffer, size, &found);

	if (rc == 0 && found != NULL)
		by->gid = entry.gr_gid;
	*ret_found = found != NULL;
	return rc;
}

static int
look_up(lookup_fn lookup, void *key)
{
	bool found = false;
	size_t size;
	int rc = ERANGE;

	for (size = BUFFER_FIRST; size <= BUFFER_MOST && rc == ERANGE; size *= 4) {
		char *buffer = d_malloc(size);

		if (buffer == NULL)
			return -DER_NOMEM;
		rc = lookup(key, buffer, size, &found);
		d_free(buffer);
	}
	if (rc != 0 && rc != ENOENT && rc != ESRCH)
		return d_errno2der(rc);
	return found ? 0 : -DER_NONEXIST;
}

int
daos_acl_uid_to_principal(uid_t uid, char **name)
{
	struct by_uid by = {.uid = uid};
	int rc;

	if (name == NULL)
		return -DER_INVAL;
	rc = look_up(uid_lookup, &by);
	if (rc != 0)
		return rc;
	if (by.principal == NULL)
		return -DER_NOMEM;
	*name = by.principal;
	return 0;
}

int
daos_acl_gid_to_principal(gid_t gid, char **name)
{
	struct by_gid by = {.gid = gid};
	int rc;

	if (name == NULL)
		return -DER_INVAL;
	rc = look_up(gid_lookup, &by);
	if (rc != 0)
		return rc;
	if (by.principal == NULL)
		return -DER_NOMEM;
	*name = by.principal;
	return 0;
}

/* Finds what stands before the @. */
static int
name_look_up(lookup_fn lookup, const char *principal, struct by_name *by)
{
	char name[DAOS_ACL_MAX_PRINCIPAL_BUF_LEN];
	int rc;

	if (!daos_acl_principal_is_valid(principal))
		return -DER_INVAL;
	strcpy(name, principal);
	*strchr(name, '@') = '\0';
	by->name = name;
	rc = look_up(lookup, by);
	by->name = NULL;
	return rc;
}

int
daos_acl_principal_to_uid(const char *principal, uid_t *uid)
{
	struct by_name by = {0};
	int rc;

	if (uid == NULL)
		return -DER_INVAL;
	rc = name_look_up(user_lookup, principal, &by);
	if (rc == 0)
		*uid = by.uid;
	return rc;
}

int
daos_acl_principal_to_gid(const char *principal, gid_t *gid)
{
	struct by_name by = {0};
	int rc;

	if (gid == NULL)
		return -DER_INVAL;
	rc = name_look_up(group_lookup, principal, &by);
	if (rc == 0)
		*gid = by.gid;
	return rc;
}

static const struct {
	const char *text;
	enum daos_acl_principal_type type;
} special[] = {
	{DAOS_ACL_PRINCIPAL_OWNER, DAOS_ACL_OWNER},
	{DAOS_ACL_PRINCIPAL_OWNER_GRP, DAOS_ACL_OWNER_GROUP},
	{DAOS_ACL_PRINCIPAL_EVERYONE, DAOS_ACL_EVERYONE},
};

int
daos_acl_principal_from_str(const char *principal_str, enum daos_acl_principal_type *type,
			    char **name)
{
	char *copy;
	size_t i;

	if (principal_str == NULL || type == NULL || name == NULL)
		return -DER_INVAL;
	for (i = 0; i < ARRAY_SIZE(special); i++) {
		if (strcmp(principal_str, special[i].text) != 0)
			continue;
		*type = special[i].type;
		*name = NULL;
		return 0;
	}
	if ((strncmp(principal_str, "u:", 2) != 0 && strncmp(principal_str, "g:", 2) != 0) ||
	    !daos_acl_principal_is_valid(principal_str + 2))
		return -DER_INVAL;
	D_STRNDUP(copy, principal_str + 2, DAOS_ACL_MAX_PRINCIPAL_LEN);
	if (copy == NULL)
		return -DER_NOMEM;
	*type = principal_str[0] == 'u' ? DAOS_ACL_USER : DAOS_ACL_GROUP;
	*name = copy;
	return 0;
}
