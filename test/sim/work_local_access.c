/* SPDX-License-Identifier: BSD-2-Clause-Patent */
/* Workload "local": access control lists against a table of permissions. */
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <gurt/common.h>

#include "daos_security.h"

#include "sim/work_local.h"

/* ------------------------------------------------ principals by number */

/* The three that have no name, then users and groups. */
#define PRINCIPALS 11u
#define NAMED 4u

static enum daos_acl_principal_type
principal_type(uint32_t number)
{
	static const enum daos_acl_principal_type special[] = {DAOS_ACL_OWNER, DAOS_ACL_OWNER_GROUP,
							       DAOS_ACL_EVERYONE};

	if (number < ARRAY_SIZE(special))
		return special[number];
	return number < ARRAY_SIZE(special) + NAMED ? DAOS_ACL_USER : DAOS_ACL_GROUP;
}

static const char *
principal_name(uint32_t number, char text[32])
{
	snprintf(text, 32, "name%u@", number % 3 + number);
	return number < 3 ? NULL : text;
}

/* What a list should hold: permissions, 0 where it has no entry. */
struct access {
	uint64_t permissions[PRINCIPALS];
};

static struct daos_ace *
entry_make(uint32_t number, uint64_t permissions)
{
	char name[32];
	struct daos_ace *entry =
		daos_ace_create(principal_type(number), principal_name(number, name));

	ASSERT(entry != NULL);
	entry->dae_access_types = DAOS_ACL_ACCESS_ALLOW;
	entry->dae_allow_perms = permissions;
	return entry;
}

static uint64_t
draw_permissions(struct local *local)
{
	return stream_between(local->random, 1, DAOS_ACL_PERM_ALL);
}

/* ------------------------------------------------ lists */

static void
list_compare(struct local *local, struct daos_acl *acl, const struct access *access)
{
	struct daos_ace *entry = NULL;
	uint32_t wanted = 0, found = 0;
	int last = DAOS_ACL_OWNER;

	LOCAL_EXPECT(local, daos_acl_validate(acl) == 0);
	LOCAL_EXPECT(local, daos_acl_get_size(acl) == (ssize_t)(sizeof(*acl) + acl->dal_len));
	for (uint32_t i = 0; i < PRINCIPALS; i++) {
		char name[32];
		int rc = daos_acl_get_ace_for_principal(acl, principal_type(i),
							principal_name(i, name), &entry);

		wanted += access->permissions[i] != 0;
		LOCAL_EXPECT(local, rc == (access->permissions[i] ? 0 : -DER_NONEXIST));
		LOCAL_EXPECT(local, rc || entry->dae_allow_perms == access->permissions[i]);
	}
	for (entry = daos_acl_get_next_ace(acl, NULL); entry;
	     entry = daos_acl_get_next_ace(acl, entry)) {
		LOCAL_EXPECT(local, entry->dae_principal_type >= last);
		LOCAL_EXPECT(local, daos_ace_is_valid(entry));
		LOCAL_EXPECT(local, daos_ace_get_size(entry) % 8 == 0);
		last = entry->dae_principal_type;
		found++;
	}
	LOCAL_EXPECT(local, found == wanted);
}

static void
list_change(struct local *local, struct daos_acl **acl, struct access *access)
{
	uint32_t number = (uint32_t)stream_draw(local->random, PRINCIPALS);
	uint64_t permissions = draw_permissions(local);
	struct daos_ace *entry;
	char name[32];
	int rc;

	if (stream_chance(local->random, 60)) {
		entry = entry_make(number, permissions);
		LOCAL_EXPECT(local, daos_acl_add_ace(acl, entry) == 0);
		daos_ace_free(entry);
		access->permissions[number] = permissions;
		return;
	}
	rc = daos_acl_remove_ace(acl, principal_type(number), principal_name(number, name));
	LOCAL_EXPECT(local, rc == (access->permissions[number] ? 0 : -DER_NONEXIST));
	access->permissions[number] = 0;
}

/* The functions that print do so on standard output: what they say is thrown away. */
static void
list_dump(struct daos_acl *acl)
{
	struct daos_ace *entry = daos_acl_get_next_ace(acl, NULL);
	int saved, null;

	fflush(stdout);
	saved = dup(STDOUT_FILENO);
	null = open("/dev/null", O_WRONLY | O_CLOEXEC);
	if (saved >= 0 && null >= 0 && dup2(null, STDOUT_FILENO) >= 0) {
		daos_acl_dump(acl);
		if (entry)
			daos_ace_dump(entry, 2);
		fflush(stdout);
		(void)!dup2(saved, STDOUT_FILENO);
	}
	if (saved >= 0)
		close(saved);
	if (null >= 0)
		close(null);
}

void
local_access_list(struct local *local)
{
	struct daos_acl *acl = daos_acl_create(NULL, 0), *copy;
	struct access access = {{0}};

	ASSERT(acl != NULL);
	for (uint32_t i = 0; i < 20; i++) {
		list_change(local, &acl, &access);
		list_compare(local, acl, &access);
	}
	copy = daos_acl_dup(acl);
	LOCAL_EXPECT(local, copy && memcmp(copy, acl, (size_t)daos_acl_get_size(acl)) == 0);
	if (stream_chance(local->random, 5))
		list_dump(acl);
	acl->dal_ver++;
	LOCAL_EXPECT(local, daos_acl_validate(acl) == -DER_INVAL);
	daos_acl_free(copy);
	daos_acl_free(acl);
}

/* ------------------------------------------------ texts */

static struct daos_acl *
draw_list(struct local *local)
{
	struct daos_ace *entries[PRINCIPALS];
	uint16_t count = 0;
	struct daos_acl *acl;

	for (uint32_t i = 0; i < PRINCIPALS; i++)
		if (i == 0 || stream_chance(local->random, 50))
			entries[count++] = entry_make(i, draw_permissions(local));
	acl = daos_acl_create(entries, count);
	ASSERT(acl != NULL);
	while (count > 0)
		daos_ace_free(entries[--count]);
	return acl;
}

static void
entry_text(struct local *local, struct daos_ace *entry)
{
	char text[DAOS_ACL_MAX_ACE_STR_LEN + 1], words[2 * DAOS_ACL_MAX_ACE_STR_LEN];
	struct daos_ace *parsed = NULL;

	LOCAL_EXPECT(local, daos_ace_to_str(entry, text, sizeof(text)) == 0);
	LOCAL_EXPECT(local, strstr(text, daos_ace_get_principal_str(entry)) != NULL);
	LOCAL_EXPECT(local, daos_ace_to_str(entry, words, strlen(text)) == -DER_TRUNC);
	LOCAL_EXPECT(local, daos_ace_from_str(text, &parsed) == 0);
	LOCAL_EXPECT(local, parsed && daos_ace_get_size(parsed) == daos_ace_get_size(entry) &&
				    memcmp(parsed, entry, (size_t)daos_ace_get_size(entry)) == 0);
	LOCAL_EXPECT(local, daos_ace_str_get_verbose(text, words, sizeof(words)) == 0 &&
				    strncmp(words, "Allow:", 6) == 0);
	daos_ace_free(parsed);
	/* One field too many. */
	strcat(text, ":");
	LOCAL_EXPECT(local, daos_ace_from_str(text, &parsed) == -DER_INVAL);
}

/* As a file: a comment, and one line an entry. */
static void
list_stream(struct local *local, struct daos_acl *acl, size_t count)
{
	char *text = NULL;
	size_t size = 0, lines = 0;
	FILE *stream = open_memstream(&text, &size);

	ASSERT(stream != NULL);
	LOCAL_EXPECT(local, daos_acl_to_stream(stream, acl, false) == 0);
	fclose(stream);
	for (size_t i = 0; i < size; i++)
		lines += text[i] == '\n';
	LOCAL_EXPECT(local, lines == count + 1);
	free(text);
}

void
local_access_text(struct local *local)
{
	struct daos_acl *acl = draw_list(local), *parsed = NULL;
	const char *borrowed[PRINCIPALS];
	struct daos_ace *entry = NULL;
	char **texts = NULL;
	size_t count = 0;

	while ((entry = daos_acl_get_next_ace(acl, entry)) != NULL)
		entry_text(local, entry);
	LOCAL_EXPECT(local, daos_acl_to_strs(acl, &texts, &count) == 0 && count > 0);
	for (size_t i = 0; i < min_of(count, (size_t)PRINCIPALS); i++)
		borrowed[i] = texts[i];
	LOCAL_EXPECT(local, daos_acl_from_strs(borrowed, count, &parsed) == 0);
	LOCAL_EXPECT(local, parsed && daos_acl_get_size(parsed) == daos_acl_get_size(acl) &&
				    memcmp(parsed, acl, (size_t)daos_acl_get_size(acl)) == 0);
	list_stream(local, acl, count);
	for (size_t i = 0; i < count; i++)
		d_free(texts[i]);
	d_free(texts);
	daos_acl_free(parsed);
	daos_acl_free(acl);
}

/* ------------------------------------------------ rights */

static void
entry_set(daos_prop_t *list, uint32_t number, uint32_t type, const char *text)
{
	list->dpp_entries[number].dpe_type = type;
	ASSERT(daos_prop_set_str(list, type, text, strlen(text)) == 0);
}

/* What the owner may, who is root; the list gives everybody else nothing. */
static void
local_rights(struct local *local)
{
	static const char *texts[] = {"A::OWNER@:r", "A::EVERYONE@:"};
	daos_prop_t *pool = daos_prop_alloc(3), *container = daos_prop_alloc(3);
	struct daos_acl *acl = NULL;
	uint64_t rights = 0;
	gid_t group = 0;

	ASSERT(pool && container && daos_acl_from_strs(texts, 2, &acl) == 0);
	entry_set(pool, 0, DAOS_PROP_PO_OWNER, "root@");
	entry_set(pool, 1, DAOS_PROP_PO_OWNER_GROUP, "root@");
	entry_set(container, 0, DAOS_PROP_CO_OWNER, "root@");
	entry_set(container, 1, DAOS_PROP_CO_OWNER_GROUP, "root@");
	pool->dpp_entries[2].dpe_type = DAOS_PROP_PO_ACL;
	container->dpp_entries[2].dpe_type = DAOS_PROP_CO_ACL;
	pool->dpp_entries[2].dpe_val_ptr = daos_acl_dup(acl);
	container->dpp_entries[2].dpe_val_ptr = daos_acl_dup(acl);
	LOCAL_EXPECT(local, daos_pool_get_perms(pool, 0, &group, 1, &rights) == 0 &&
				    (rights & DAOS_ACL_PERM_READ) != 0 &&
				    (rights & DAOS_ACL_PERM_WRITE) == 0);
	LOCAL_EXPECT(local, daos_cont_get_perms(container, 0, &group, 1, &rights) == 0 &&
				    (rights & DAOS_ACL_PERM_READ) != 0 &&
				    (rights & DAOS_ACL_PERM_WRITE) == 0);
	daos_acl_free(acl);
	daos_prop_free(pool);
	daos_prop_free(container);
}

/* ------------------------------------------------ principals */

/* Of all users only root is on every machine. */
void
local_principals(struct local *local)
{
	enum daos_acl_principal_type type;
	char *name = NULL;
	uid_t user = 1;
	gid_t group = 1;

	local_rights(local);
	LOCAL_EXPECT(local, daos_acl_uid_to_principal(0, &name) == 0 && strcmp(name, "root@") == 0);
	LOCAL_EXPECT(local, daos_acl_principal_to_uid(name, &user) == 0 && user == 0);
	d_free(name);
	LOCAL_EXPECT(local,
		     daos_acl_gid_to_principal(0, &name) == 0 && daos_acl_principal_is_valid(name));
	LOCAL_EXPECT(local, daos_acl_principal_to_gid(name, &group) == 0 && group == 0);
	d_free(name);
	LOCAL_EXPECT(local,
		     daos_acl_principal_to_uid("no-such-user-anywhere@", &user) == -DER_NONEXIST);
	LOCAL_EXPECT(local, !daos_acl_principal_is_valid("two@at@") &&
				    !daos_acl_principal_is_valid("@") &&
				    !daos_acl_principal_is_valid("none"));
	LOCAL_EXPECT(local, daos_acl_principal_from_str("u:someone@", &type, &name) == 0 &&
				    type == DAOS_ACL_USER && strcmp(name, "someone@") == 0);
	d_free(name);
	LOCAL_EXPECT(local, daos_acl_principal_from_str("EVERYONE@", &type, &name) == 0 &&
				    type == DAOS_ACL_EVERYONE && name == NULL);
	LOCAL_EXPECT(local, daos_acl_principal_from_str("someone@", &type, &name) == -DER_INVAL);
}
