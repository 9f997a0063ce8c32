/* SPDX-License-Identifier: BSD-2-Clause-Patent */
/* Owners, access lists and connections. daos acts for the caller, whose rights the engine judges;
 * dmg connects as an administrator. */
#include "tools/access.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "client/client.h"
#include "tools/daos_verbs.h"
#include "tools/properties.h"

/* ------------------------------------------------ showing */

static const char *
text_of(daos_prop_t *list, uint32_t type)
{
	struct daos_prop_entry *entry = daos_prop_entry_get(list, type);

	return entry && daos_prop_is_set(entry) && entry->dpe_str ? entry->dpe_str : "";
}

static struct daos_acl *
acl_of(daos_prop_t *list, uint32_t type)
{
	struct daos_prop_entry *entry = daos_prop_entry_get(list, type);

	return entry && daos_prop_is_set(entry) ? entry->dpe_val_ptr : NULL;
}

/* Whose properties: those of the list, of the owner and of the group. */
struct acl_types {
	uint32_t acl, owner, group;
};
static const struct acl_types pool_types = {DAOS_PROP_PO_ACL, DAOS_PROP_PO_OWNER,
					    DAOS_PROP_PO_OWNER_GROUP};
static const struct acl_types container_types = {DAOS_PROP_CO_ACL, DAOS_PROP_CO_OWNER,
						 DAOS_PROP_CO_OWNER_GROUP};

static json_object *
acl_object(daos_prop_t *list, const struct acl_types *types)
{
	json_object *object = json_object_new_object(), *entries = json_object_new_array();
	struct daos_acl *acl = acl_of(list, types->acl);
	char **texts = NULL;
	size_t count = 0;

	if (acl && daos_acl_to_strs(acl, &texts, &count) == 0)
		for (size_t i = 0; i < count; i++) {
			json_object_array_add(entries, json_text(texts[i]));
			free(texts[i]);
		}
	free(texts);
	json_object_object_add(object, "entries", entries);
	json_object_object_add(object, "owner_user", json_text(text_of(list, types->owner)));
	json_object_object_add(object, "owner_group", json_text(text_of(list, types->group)));
	return object;
}

static int
acl_write(struct call *call, FILE *stream, daos_prop_t *list, const struct acl_types *types)
{
	int code;

	fprintf(stream, "# Owner: %s\n# Owner Group: %s\n", text_of(list, types->owner),
		text_of(list, types->group));
	code = daos_acl_to_stream(stream, acl_of(list, types->acl),
				  call_option(call, "verbose") != NULL);
	if (code == 0 && fflush(stream) != 0)
		code = -DER_IO;
	return code ? call_fail(call, code, NULL, "cannot write the access list") : STATUS_OK;
}

/* To the file of --outfile, which must be new unless --force. */
static int
acl_save(struct call *call, const char *path, daos_prop_t *list, const struct acl_types *types)
{
	FILE *file = fopen(path, call_option(call, "force") ? "w" : "wx");
	int rc;

	if (!file)
		return call_fail_because(call, errno == EEXIST ? -DER_EXIST : -DER_NO_PERM,
					 strerror(errno),
					 errno == EEXIST ? "name a new file, or use --force" : NULL,
					 "cannot write the access list to %s", path);
	rc = acl_write(call, file, list, types);
	if (fclose(file) != 0 && rc == STATUS_OK)
		rc = call_fail_because(call, -DER_IO, strerror(errno), NULL,
				       "cannot write the access list to %s", path);
	return rc;
}

static int
acl_show(struct call *call, daos_prop_t *list, const struct acl_types *types, const char *schema)
{
	const char *path = call_option(call, "outfile");

	if (path) {
		int rc = acl_save(call, path, list, types);

		if (rc)
			return rc;
	}
	if (call->json)
		return call_answer(call, schema, acl_object(list, types));
	return path ? STATUS_OK : acl_write(call, stdout, list, types);
}

/* ------------------------------------------------ reading */

/* From --acl-file or --entry; *ret_acl goes to daos_acl_free(). */
static int
acl_read(struct call *call, struct daos_acl **ret_acl)
{
	const char *entry = call_option(call, "entry"), *path = call_option(call, "acl-file");
	daos_prop_t *list = NULL;
	int rc;

	if (!entry == !path)
		return call_misused(call, NULL, "%s",
				    entry ? "--entry and --acl-file exclude each other"
					  : "which entries? --acl-file=FILE or --entry=ENTRY");
	if (entry) {
		if (daos_acl_from_strs(&entry, 1, ret_acl) == 0)
			return STATUS_OK;
		return call_misused(call, NULL,
				    "--entry=%s is no entry: write one such as A::user@:rw", entry);
	}
	rc = read_acl_file(call, DAOS_PROP_CO_ACL, &list);
	if (rc == STATUS_OK) {
		*ret_acl = daos_acl_dup(acl_of(list, DAOS_PROP_CO_ACL));
		if (!*ret_acl)
			rc = call_fail(call, -DER_NOMEM, NULL, "cannot read the access list");
	}
	daos_prop_free(list);
	return rc;
}

/* "u:name@", "g:name@", "OWNER@", "GROUP@", "EVERYONE@"; name goes to free(). */
static int
principal_read(struct call *call, enum daos_acl_principal_type *ret_type, char **ret_name)
{
	const char *text = call_option(call, "principal");

	if (!text)
		return call_misused(call, NULL, "whose entry is to go? --principal=u:name@");
	if (daos_acl_principal_from_str(text, ret_type, ret_name))
		return call_misused(call, NULL,
				    "--principal=%s is none: write u:name@, g:name@, OWNER@, "
				    "GROUP@ or EVERYONE@",
				    text);
	return STATUS_OK;
}

/* ------------------------------------------------ daos container */

static int
container_failed(struct call *call, int code, const char *verb)
{
	return call_fail(call, code, NULL, "failed to %s container \"%s\"", verb,
			 call->arguments[1]);
}

/* Shows the list as it is after a change, as far as it may be read. */
static int
container_show(struct call *call, daos_handle_t container, const char *schema)
{
	daos_prop_t *list = NULL;
	int code = daos_cont_get_acl(container, &list, NULL), rc;

	if (code)
		return container_failed(call, code, "get the access list of");
	rc = acl_show(call, list, &container_types, schema);
	daos_prop_free(list);
	return rc;
}

int
run_container_get_acl(struct call *call)
{
	struct open_container open;
	int rc = open_container(call, call->arguments[0], call->arguments[1], DAOS_COO_RO, &open);

	if (rc)
		return rc;
	rc = container_show(call, open.container, "container.get-acl/1");
	close_container(&open);
	return rc;
}

static int
container_change(struct call *call,
		 int (*change)(daos_handle_t container, struct daos_acl *acl, daos_event_t *event),
		 const char *verb, const char *schema)
{
	struct open_container open;
	struct daos_acl *acl;
	int rc = acl_read(call, &acl), code;

	if (rc)
		return rc;
	rc = open_container(call, call->arguments[0], call->arguments[1], DAOS_COO_RW, &open);
	if (rc == STATUS_OK) {
		code = change(open.container, acl, NULL);
		rc = code ? container_failed(call, code, verb)
			  : container_show(call, open.container, schema);
		close_container(&open);
	}
	daos_acl_free(acl);
	return rc;
}

int
run_container_overwrite_acl(struct call *call)
{
	return container_change(call, daos_cont_overwrite_acl, "overwrite the access list of",
				"container.overwrite-acl/1");
}

int
run_container_update_acl(struct call *call)
{
	return container_change(call, daos_cont_update_acl, "update the access list of",
				"container.update-acl/1");
}

int
run_container_delete_acl(struct call *call)
{
	enum daos_acl_principal_type type;
	struct open_container open;
	char *name = NULL;
	int rc = principal_read(call, &type, &name), code;

	if (rc)
		return rc;
	rc = open_container(call, call->arguments[0], call->arguments[1], DAOS_COO_RW, &open);
	if (rc == STATUS_OK) {
		code = daos_cont_delete_acl(open.container, type, name, NULL);
		rc = code ? container_failed(call, code, "delete from the access list of")
			  : container_show(call, open.container, "container.delete-acl/1");
		close_container(&open);
	}
	free(name);
	return rc;
}

/* Evicts by opening it alone, which also tells whether somebody is left. */
int
run_container_evict(struct call *call)
{
	bool all = call_option(call, "all") != NULL;
	struct open_container open;
	int rc = open_container(call, call->arguments[0], call->arguments[1],
				DAOS_COO_RW | (all ? DAOS_COO_EVICT_ALL : DAOS_COO_EVICT), &open);

	if (rc)
		return rc;
	close_container(&open);
	if (call->json)
		return call_answer(call, "container.evict/1", NULL);
	printf("Evicted %s handles of container %s\n", all ? "all" : "the caller's",
	       call->arguments[1]);
	return STATUS_OK;
}

/* ------------------------------------------------ owners */

static int
owner_read(struct call *call, char **ret_user, char **ret_group)
{
	char *user = NULL, *group = NULL;
	int rc = read_principal(call, "user", &user);

	if (rc == STATUS_OK)
		rc = read_principal(call, "group", &group);
	if (rc == STATUS_OK && !user && !group)
		rc = call_misused(call, NULL, "who is to own it? --user, --group or both");
	if (rc) {
		free(user);
		free(group);
		return rc;
	}
	*ret_user = user;
	*ret_group = group;
	return STATUS_OK;
}

static int
owner_set(struct call *call, daos_handle_t container, bool check)
{
	char *user, *group;
	int rc = owner_read(call, &user, &group), code;

	if (rc)
		return rc;
	code = check ? daos_cont_set_owner(container, user, group, NULL)
		     : daos_cont_set_owner_no_check(container, user, group, NULL);
	if (check && code == -DER_NONEXIST)
		rc = call_fail_because(call, code, "this machine knows no such user or group",
				       "check the name, or use --no-check",
				       "failed to set the owner of container \"%s\"",
				       call->arguments[1]);
	else if (code)
		rc = container_failed(call, code, "set the owner of");
	else if (call->json)
		rc = call_answer(call, "container.set-owner/1", NULL);
	else
		printf("Successfully set owner for container %s\n", call->arguments[1]);
	free(user);
	free(group);
	return rc;
}

int
run_container_set_owner(struct call *call)
{
	struct open_container open;
	int rc = open_container(call, call->arguments[0], call->arguments[1], DAOS_COO_RW, &open);

	if (rc)
		return rc;
	rc = owner_set(call, open.container, call_option(call, "no-check") == NULL);
	close_container(&open);
	return rc;
}

/* ------------------------------------------------ dmg */

static int
administrate(struct call *call, unsigned int flags, daos_handle_t *ret_pool)
{
	const char *name = call->arguments[0];
	int rc = call_connect(call), code;

	if (rc)
		return rc;
	code = client_pool_connect(name, flags, ret_pool, NULL);
	if (code == -DER_NONEXIST)
		return call_fail_because(call, code,
					 "the system has no pool with this label or UUID",
					 "see what there is: dmg pool list",
					 "unable to find pool \"%s\"", name);
	return code ? call_fail(call, code, NULL, "failed to connect to pool \"%s\"", name)
		    : STATUS_OK;
}

static int
pool_failed(struct call *call, int code, const char *verb)
{
	return call_fail(call, code, NULL, "failed to %s pool \"%s\"", verb, call->arguments[0]);
}

static int
pool_show(struct call *call, daos_handle_t pool, const char *schema)
{
	daos_prop_t *list = daos_prop_alloc(0);
	int code = list ? daos_pool_query(pool, NULL, NULL, list, NULL) : -DER_NOMEM;
	int rc = code ? pool_failed(call, code, "get the access list of")
		      : acl_show(call, list, &pool_types, schema);

	daos_prop_free(list);
	return rc;
}

int
run_pool_get_acl(struct call *call)
{
	daos_handle_t pool;
	int rc = administrate(call, DAOS_PC_RO, &pool);

	if (rc)
		return rc;
	rc = pool_show(call, pool, "pool.get-acl/1");
	daos_pool_disconnect(pool, NULL);
	return rc;
}

static int
acl_overwrite(daos_handle_t pool, struct daos_acl *acl)
{
	struct daos_prop_entry entry = {.dpe_type = DAOS_PROP_PO_ACL, .dpe_val_ptr = acl};
	daos_prop_t list = {.dpp_nr = 1, .dpp_entries = &entry};

	return client_pool_set_properties(pool, &list);
}

static int
pool_change(struct call *call, int (*change)(daos_handle_t pool, struct daos_acl *acl),
	    const char *verb, const char *schema)
{
	struct daos_acl *acl;
	daos_handle_t pool;
	int rc = acl_read(call, &acl), code;

	if (rc)
		return rc;
	rc = administrate(call, DAOS_PC_RW, &pool);
	if (rc == STATUS_OK) {
		code = change(pool, acl);
		rc = code ? pool_failed(call, code, verb) : pool_show(call, pool, schema);
		daos_pool_disconnect(pool, NULL);
	}
	daos_acl_free(acl);
	return rc;
}

int
run_pool_overwrite_acl(struct call *call)
{
	return pool_change(call, acl_overwrite, "overwrite the access list of",
			   "pool.overwrite-acl/1");
}

int
run_pool_update_acl(struct call *call)
{
	return pool_change(call, client_pool_update_acl, "update the access list of",
			   "pool.update-acl/1");
}

int
run_pool_delete_acl(struct call *call)
{
	enum daos_acl_principal_type type;
	char *name = NULL;
	daos_handle_t pool;
	int rc = principal_read(call, &type, &name), code;

	free(name);
	if (rc == STATUS_OK)
		rc = administrate(call, DAOS_PC_RW, &pool);
	if (rc)
		return rc;
	code = client_pool_delete_acl(pool, call_option(call, "principal"));
	rc = code ? pool_failed(call, code, "delete from the access list of")
		  : pool_show(call, pool, "pool.delete-acl/1");
	daos_pool_disconnect(pool, NULL);
	return rc;
}

int
run_pool_set_properties(struct call *call)
{
	const char *text = call_either(call, "properties", 1), *nearest;
	daos_prop_t *list = NULL;
	daos_handle_t pool;
	char *problem;
	int rc, code;

	if (!text)
		return call_misused(call, NULL, "which properties? name:value,...");
	if (!pool_properties_parse(text, &list, &problem, &nearest)) {
		rc = call_misused(call, nearest, "%s", problem);
		free(problem);
		return rc;
	}
	rc = administrate(call, DAOS_PC_RW, &pool);
	if (rc == STATUS_OK) {
		code = client_pool_set_properties(pool, list);
		if (code)
			rc = pool_failed(call, code, "set properties of");
		else if (call->json)
			rc = call_answer(call, "pool.set-prop/1", NULL);
		else
			puts("pool set-prop succeeded");
		daos_pool_disconnect(pool, NULL);
	}
	daos_prop_free(list);
	return rc;
}

int
run_pool_evict(struct call *call)
{
	uint32_t count = 0;
	int rc = call_connect(call), code;

	if (rc)
		return rc;
	code = client_pool_evict(call->arguments[0], &count);
	if (code == -DER_NONEXIST)
		return call_fail_because(call, code,
					 "the system has no pool with this label or UUID",
					 "see what there is: dmg pool list",
					 "pool evict failed: unable to find pool \"%s\"",
					 call->arguments[0]);
	if (code)
		return pool_failed(call, code, "evict the connections of");
	if (call->json) {
		json_object *response = json_object_new_object();

		json_object_object_add(response, "count", json_number(count));
		return call_answer(call, "pool.evict/1", response);
	}
	printf("Pool-evict command succeeded: %u connection%s ended\n", count,
	       count == 1 ? "" : "s");
	return STATUS_OK;
}

int
run_administrator_set_owner(struct call *call)
{
	daos_handle_t pool, container;
	int rc = administrate(call, DAOS_PC_RW, &pool), code;

	if (rc)
		return rc;
	code = daos_cont_open(pool, call->arguments[1], DAOS_COO_RW, &container, NULL, NULL);
	if (code) {
		rc = container_failed(call, code, "open");
	} else {
		rc = owner_set(call, container, false);
		daos_cont_close(container, NULL);
	}
	daos_pool_disconnect(pool, NULL);
	return rc;
}

/* ------------------------------------------------ options */

const struct option_row acl_get_options[] = {
	{"outfile", 'O', "FILE", "write it there"},
	{"force", 'f', NULL, "although the file exists"},
	{"verbose", 'v', NULL, "explain each entry"},
	{NULL, 0, NULL, NULL},
};

const struct option_row acl_overwrite_options[] = {
	{"acl-file", 'a', "FILE", "the new access list, one entry a line"},
	{NULL, 0, NULL, NULL},
};

const struct option_row acl_update_options[] = {
	{"acl-file", 'a', "FILE", "entries to add or replace, one a line"},
	{"entry", 'e', "ENTRY", "one entry, such as A::user@:rw"},
	{NULL, 0, NULL, NULL},
};

const struct option_row acl_delete_options[] = {
	{"principal", 'p', "WHO", "u:name@, g:name@, OWNER@, GROUP@ or EVERYONE@"},
	{NULL, 0, NULL, NULL},
};

const struct option_row owner_options[] = {
	{"user", 'u', "USER", "the new owner"},
	{"group", 'g', "GROUP", "the new owner group"},
	{"no-check", 0, NULL, "although this machine does not know them"},
	{NULL, 0, NULL, NULL},
};

const struct option_row owner_admin_options[] = {
	{"user", 'u', "USER", "the new owner"},
	{"group", 'g', "GROUP", "the new owner group"},
	{NULL, 0, NULL, NULL},
};

const struct option_row container_evict_options[] = {
	{"all", 'a', NULL, "those of all users; for its owner"},
	{NULL, 0, NULL, NULL},
};

const struct option_row pool_set_property_options[] = {
	{"properties", 'p', "NAME:VALUE,...", "such as reclaim:lazy,scrub:timed"},
	{NULL, 0, NULL, NULL},
};
