/* SPDX-License-Identifier: BSD-2-Clause-Patent */
/* Who makes a request: names as the engine's machine gives them, numbers where it knows none. */
#include <stdio.h>

#include "system/private.h"

/* ------------------------------------------------ names */

/* Appends "name@". What has no room is left out. */
static const char *
name_put(struct caller *caller, size_t *used, const char *name)
{
	char *to = caller->text + *used;
	size_t room = sizeof(caller->text) - *used;
	int length = snprintf(to, room, "%s@", name);

	if (length < 0 || (size_t)length >= room)
		return NULL;
	*used += (size_t)length + 1;
	return to;
}

/* The number stands for who has no name. Root has one everywhere. */
static const char *
number_put(struct caller *caller, size_t *used, uint32_t number)
{
	char name[16];

	snprintf(name, sizeof(name), "%u", number);
	return name_put(caller, used, number == 0 ? "root" : name);
}

static void
group_put(struct caller *caller, const char *group)
{
	if (group && caller->principal.group_count < USER_GROUPS_MAX)
		caller->groups[caller->principal.group_count++] = group;
}

static void
numbers_take(struct caller *caller, const struct peer_credentials *credentials)
{
	size_t used = 0;

	caller->principal.user = number_put(caller, &used, credentials->user);
	group_put(caller, number_put(caller, &used, credentials->group));
}

static void
names_take(struct caller *caller, const struct user_lookup *lookup)
{
	const char *name = lookup->text;
	size_t used = 0;

	caller->principal.user = name_put(caller, &used, name);
	for (uint32_t i = 0; i < lookup->group_count; i++) {
		name += strlen(name) + 1;
		group_put(caller, name_put(caller, &used, name));
	}
	/* A primary group without a name. */
	if (lookup->group_count == 0)
		group_put(caller, number_put(caller, &used, lookup->group));
}

/* ------------------------------------------------ callers */

static int
names_look_up(struct caller *caller, const struct peer_credentials *credentials)
{
	struct env *env = loop_env(loop_current());
	struct user_lookup *lookup;
	int rc = -DER_NONEXIST;

	if (env->users == NULL) {
		numbers_take(caller, credentials);
		return 0;
	}
	lookup = arena_calloc(env->arena, 1, sizeof(*lookup));
	if (lookup == NULL)
		return error_raise(-DER_NOMEM, "no memory for the names of a user");
	lookup->user = credentials->user;
	lookup->group = credentials->group;
	env->users->look_up(env->users, lookup);
	rc = completion_wait(&lookup->completion);
	if (rc == 0)
		names_take(caller, lookup);
	else
		numbers_take(caller, credentials);
	if (rc && rc != -DER_NONEXIST)
		log_warning(
			"the name of user %u cannot be looked up (%d): the number stands for it",
			credentials->user, rc);
	arena_free(env->arena, lookup);
	return 0;
}

static bool
is_administrator(const struct node *node, const struct peer_credentials *credentials)
{
	const struct peer_credentials *own = &loop_env(node->loops[0].loop)->self;

	return credentials->known &&
	       (credentials->user == 0 || (own->known && credentials->user == own->user));
}

int
caller_create(struct node *node, const struct peer_credentials *credentials,
	      struct caller **ret_caller)
{
	struct arena *arena = loop_env(loop_current())->arena;
	struct caller *caller = arena_calloc(arena, 1, sizeof(*caller));
	size_t used = 0;
	int rc = 0;

	if (caller == NULL)
		return error_raise(-DER_NOMEM, "no memory to look at who calls");
	caller->administrator = is_administrator(node, credentials);
	caller->principal.groups = caller->groups;
	if (credentials->known)
		rc = names_look_up(caller, credentials);
	else
		caller->principal.user = name_put(caller, &used, "nobody");
	if (rc)
		arena_free(arena, caller);
	else
		*ret_caller = caller;
	return rc;
}

void
caller_destroy(struct caller *caller)
{
	arena_free(loop_env(loop_current())->arena, caller);
}

int
administrator_check(struct node *node, const struct rpc_request *request, const char *what)
{
	const struct peer_credentials *own = &loop_env(node->loops[0].loop)->self;

	if (is_administrator(node, &request->credentials))
		return 0;
	if (!request->credentials.known)
		return error_raise(-DER_NO_PERM,
				   "%s is for administrators, and nobody knows who "
				   "asks",
				   what);
	return error_raise(-DER_NO_PERM,
			   "%s is for administrators, and user %u is none: do it as root or as the "
			   "engine's user (%u)",
			   what, request->credentials.user, own->known ? own->user : 0);
}
