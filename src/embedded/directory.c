/* SPDX-License-Identifier: BSD-2-Clause-Patent */
/* The directory of an embedded system: whose it is, and who has it. */
#include <dirent.h>
#include <errno.h>
#include <stdio.h>
#include <sys/stat.h>
#include <unistd.h>

#include "embedded/private.h"

/* What lies in a directory: names of ours, names of others. */
struct inventory {
	bool exists;
	uint32_t ours, others;
	char other[256];
};

static bool
name_is_ours(const char *name)
{
	static const char *const names[] = {LOCK_NAME, STORAGE_NAME, SOCKET_NAME,
					    FIRST_SOCKET_NAME};

	for (uint32_t i = 0; i < ARRAY_SIZE(names); i++)
		if (strcmp(name, names[i]) == 0)
			return true;
	return false;
}

static int
directory_look(const char *path, struct inventory *inventory)
{
	DIR *directory = opendir(path);
	struct dirent *entry;

	*inventory = (struct inventory){.exists = directory != NULL};
	if (directory == NULL)
		return errno == ENOENT ? 0
				       : error_raise(error_from_errno(errno), "%s: %s", path,
						     strerror(errno));
	while ((entry = readdir(directory)) != NULL) {
		if (strcmp(entry->d_name, ".") == 0 || strcmp(entry->d_name, "..") == 0)
			continue;
		if (name_is_ours(entry->d_name)) {
			inventory->ours++;
			continue;
		}
		inventory->others++;
		snprintf(inventory->other, sizeof(inventory->other), "%s", entry->d_name);
	}
	closedir(directory);
	return 0;
}

static int
make_directory(const char *path)
{
	if (mkdir(path, 0700) == 0 || errno == EEXIST)
		return 0;
	return error_raise(error_from_errno(errno), "cannot make %s: %s%s", path, strerror(errno),
			   errno == ENOENT ? "; make its parent directory first" : "");
}

/* An absent directory is made; one with things of others in it, and none of ours, is left alone. */
static int
directory_enter(const char *path)
{
	struct inventory inventory;
	int rc = directory_look(path, &inventory);

	if (rc == 0 && inventory.ours == 0 && inventory.others > 0)
		return error_raise(
			-DER_DF_INVAL,
			"%s is not empty (it has \"%.64s\") and holds no system: name an empty "
			"or absent directory",
			path, inventory.other);
	return rc == 0 && !inventory.exists ? make_directory(path) : rc;
}

/*
 * The files belong to whoever made the system, and what another user adds would be closed to them.
 * So others, root among them, come as clients only.
 */
static int
lock_check(const char *lock)
{
	struct stat status;

	if (stat(lock, &status) != 0 || status.st_uid == geteuid())
		return 0;
	return error_raise(-DER_NO_PERM,
			   "%s belongs to user %u, who has no process that serves it: run one as "
			   "that user",
			   lock, (unsigned)status.st_uid);
}

/* Sockets left behind. That of a process that was killed may be alive for some milliseconds more,
 * with nobody to accept. */
static void
sockets_remove(const char *path)
{
	static const char *const names[] = {SOCKET_NAME, FIRST_SOCKET_NAME};
	char name[PATH_TEXT_MAX + 32];

	for (uint32_t i = 0; i < ARRAY_SIZE(names); i++) {
		snprintf(name, sizeof(name), "%s/%s", path, names[i]);
		unlink(name);
	}
}

int
directory_take(const char *path, struct linux_lock **ret_lock)
{
	char name[PATH_TEXT_MAX + 32];
	int32_t holder = 0;
	int rc = directory_enter(path);

	if (rc)
		return rc;
	snprintf(name, sizeof(name), "%s/" LOCK_NAME, path);
	rc = lock_check(name);
	if (rc == 0)
		rc = linux_lock_take(name, &holder, ret_lock);
	if (rc == -DER_BUSY)
		return error_raise(rc, "process %d has %s and does not answer", holder, path);
	if (rc)
		return rc;
	sockets_remove(path);
	snprintf(name, sizeof(name), "%s/" STORAGE_NAME, path);
	rc = make_directory(name);
	if (rc)
		linux_lock_release(*ret_lock);
	return rc;
}

int
directory_open_socket(const char *path)
{
	char name[PATH_TEXT_MAX + 32];
	struct stat status;
	mode_t mode = 0600;

	snprintf(name, sizeof(name), "%s/" SOCKET_NAME, path);
	if (stat(path, &status) != 0)
		return error_raise(error_from_errno(errno), "%s: %s", path, strerror(errno));
	if (status.st_mode & S_IWGRP)
		mode |= 0060;
	if (status.st_mode & S_IWOTH)
		mode |= 0006;
	if (chmod(name, mode) != 0)
		return error_raise(error_from_errno(errno), "%s: %s", name, strerror(errno));
	return 0;
}
