/* SPDX-License-Identifier: BSD-2-Clause-Patent */
/* Names of users and groups: see users.h. */
#include "env/linux/users.h"

#include <errno.h>
#include <grp.h>
#include <pwd.h>
#include <stdlib.h>
#include <string.h>

#include "env/linux/host.h"
#include "fiber/fiber.h"

/* A question for the thread, which has memory of its own: the arena is its loop's. */
struct user_query {
	struct user_query *next;
	struct user_lookup *lookup; /* touched by the loop only */
	struct user_entry entry;
};

/* The databases say with ERANGE that an entry needs a larger buffer; one that needs more than this
 * is refused. */
#define BUFFER_FIRST 4096u
#define BUFFER_MOST (1u << 20)

/* ------------------------------------------------ asking; on the thread */

static int
outcome(int error, bool found)
{
	if (error == 0 || error == ENOENT || error == ESRCH)
		return found ? 0 : -DER_NONEXIST;
	return error == ENOMEM ? -DER_NOMEM : -DER_IO;
}

/* Appends a name with its zero byte; false when it has no room. */
static bool
name_add(struct user_entry *entry, size_t *used, const char *name)
{
	size_t size = strlen(name) + 1;

	if (size > sizeof(entry->text) - *used)
		return false;
	memcpy(entry->text + *used, name, size);
	*used += size;
	return true;
}

static int
user_name(struct user_entry *entry, size_t *used)
{
	int rc = ERANGE;
	bool found = false;

	for (size_t size = BUFFER_FIRST; size <= BUFFER_MOST && rc == ERANGE; size *= 4) {
		struct passwd record, *result = NULL;
		char *buffer = malloc(size);

		if (buffer == NULL)
			return -DER_NOMEM;
		rc = getpwuid_r(entry->user, &record, buffer, size, &result);
		found = rc == 0 && result && name_add(entry, used, result->pw_name);
		free(buffer);
	}
	return outcome(rc, found);
}

static void
group_add(struct user_entry *entry, size_t *used, gid_t group)
{
	int rc = ERANGE;

	for (size_t size = BUFFER_FIRST; size <= BUFFER_MOST && rc == ERANGE; size *= 4) {
		struct group record, *result = NULL;
		char *buffer = malloc(size);

		if (buffer == NULL)
			return;
		rc = getgrgid_r(group, &record, buffer, size, &result);
		if (rc == 0 && result && name_add(entry, used, result->gr_name))
			entry->group_count++;
		free(buffer);
	}
}

static void
groups_add(struct user_entry *entry, size_t *used)
{
	gid_t groups[USER_GROUPS_MAX];
	int count = USER_GROUPS_MAX;

	group_add(entry, used, entry->group);
	/* Beyond the limit it fills what there is room for. */
	if (getgrouplist(entry->text, entry->group, groups, &count) < 0)
		count = USER_GROUPS_MAX;
	for (int i = 0; i < count && entry->group_count < USER_GROUPS_MAX; i++)
		if (groups[i] != entry->group)
			group_add(entry, used, groups[i]);
}

static void
users_ask(struct user_query *query)
{
	size_t used = 0;

	query->entry.result = user_name(&query->entry, &used);
	if (query->entry.result == 0)
		groups_add(&query->entry, &used);
}

static void
users_thread(void *argument)
{
	struct linux_users *self = argument;

	pthread_mutex_lock(&self->lock);
	for (;;) {
		struct user_query *query;

		while (self->asked == NULL && !self->closing)
			pthread_cond_wait(&self->work, &self->lock);
		query = self->asked;
		if (query == NULL)
			break;
		self->asked = query->next;
		pthread_mutex_unlock(&self->lock);
		users_ask(query);
		pthread_mutex_lock(&self->lock);
		query->next = self->answered;
		self->answered = query;
		wakeup_signal(self->wakeup);
	}
	pthread_mutex_unlock(&self->lock);
}

/* ------------------------------------------------ on the loop */

static void
answer(struct user_lookup *lookup, const struct user_entry *entry)
{
	lookup->group_count = entry->group_count;
	memcpy(lookup->text, entry->text, sizeof(lookup->text));
	completion_signal(&lookup->completion, entry->result);
}

static const struct user_entry *
entry_find(const struct linux_users *self, const struct user_lookup *lookup)
{
	uint64_t now = env_monotonic(self->env);

	for (uint32_t i = 0; self->entries && i < USERS_KEPT; i++) {
		const struct user_entry *entry = &self->entries[i];

		if (entry->used && entry->user == lookup->user && entry->group == lookup->group &&
		    now < entry->until)
			return entry;
	}
	return NULL;
}

/* Without memory nothing is kept. */
static void
entry_keep(struct linux_users *self, const struct user_entry *from)
{
	struct user_entry *entry;

	if (self->entries == NULL)
		self->entries = arena_calloc(self->env->arena, USERS_KEPT, sizeof(*self->entries));
	if (self->entries == NULL || (from->result && from->result != -DER_NONEXIST))
		return;
	entry = &self->entries[self->next++ % USERS_KEPT];
	*entry = *from;
	entry->used = true;
	entry->until = env_monotonic(self->env) + USERS_KEPT_NS;
}

static int
thread_start(struct linux_users *self)
{
	return self->thread ? 0
			    : linux_thread_start("cairn-users", users_thread, self, &self->thread);
}

static void
look_up(struct users *users, struct user_lookup *lookup)
{
	struct linux_users *self = container_of(users, struct linux_users, users);
	const struct user_entry *entry = entry_find(self, lookup);
	struct user_query *query;
	int rc;

	if (entry) {
		answer(lookup, entry);
		return;
	}
	query = calloc(1, sizeof(*query));
	rc = query ? thread_start(self) : -DER_NOMEM;
	if (rc) {
		free(query);
		completion_signal(&lookup->completion, rc);
		return;
	}
	query->lookup = lookup;
	query->entry.user = lookup->user;
	query->entry.group = lookup->group;
	self->under_way++;
	pthread_mutex_lock(&self->lock);
	query->next = self->asked;
	self->asked = query;
	pthread_cond_signal(&self->work);
	pthread_mutex_unlock(&self->lock);
}

void
users_deliver(struct linux_users *self)
{
	struct user_query *query;

	if (self->under_way == 0)
		return;
	pthread_mutex_lock(&self->lock);
	query = self->answered;
	self->answered = NULL;
	pthread_mutex_unlock(&self->lock);
	while (query) {
		struct user_query *next = query->next;

		self->under_way--;
		entry_keep(self, &query->entry);
		answer(query->lookup, &query->entry);
		free(query);
		query = next;
	}
}

void
users_init(struct linux_users *self, struct env *env, struct wakeup *wakeup)
{
	self->users.look_up = look_up;
	self->env = env;
	self->wakeup = wakeup;
	pthread_mutex_init(&self->lock, NULL);
	pthread_cond_init(&self->work, NULL);
	env->users = &self->users;
}

void
users_fini(struct linux_users *self)
{
	ASSERT(self->under_way == 0);
	if (self->thread) {
		pthread_mutex_lock(&self->lock);
		self->closing = true;
		pthread_cond_signal(&self->work);
		pthread_mutex_unlock(&self->lock);
		linux_thread_join(self->thread);
	}
	pthread_cond_destroy(&self->work);
	pthread_mutex_destroy(&self->lock);
	arena_free(self->env->arena, self->entries);
}
