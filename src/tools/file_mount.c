/* SPDX-License-Identifier: BSD-2-Clause-Patent */
/* daos filesystem: query and evict of a path that dfuse serves, through the extended attributes by
 * which it answers. */
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/xattr.h>

#include "tools/daos_verbs.h"

#define QUERY_NAME "user.dfuse.query"
#define EVICT_NAME "user.dfuse.evict"

static int
path_failed(struct call *call, int error, const char *verb)
{
	bool absent = error == ENOENT || error == ENOTDIR;
	bool other = error == ENODATA || error == EOPNOTSUPP || error == EPERM;

	return call_fail_because(call,
				 absent	 ? -DER_NONEXIST
				 : other ? -DER_INVAL
					 : -DER_MISC,
				 other ? "the path is not in a mount of dfuse" : strerror(error),
				 other ? "name a path in a mount: findmnt -t fuse.daos shows them"
				       : NULL,
				 "failed to %s %s", verb, call->arguments[0]);
}

/* ------------------------------------------------ query */

/* The counts that dfuse gives, in the order that they are shown in. */
static const struct {
	const char *name, *title;
} counts[] = {
	{"pools", "Pools"},	      {"containers", "Containers"},	 {"inodes", "Inodes"},
	{"open_files", "Open Files"}, {"open_dirs", "Open Directories"},
};

static int
show_counts(struct call *call, json_object *object)
{
	struct text_fields fields = {0};

	if (call->json)
		return call_answer(call, "filesystem.query-mount/1", object);
	printf("DFuse counts at %s:\n", call->arguments[0]);
	for (size_t i = 0; i < sizeof(counts) / sizeof(counts[0]); i++) {
		json_object *count;

		if (json_object_object_get_ex(object, counts[i].name, &count))
			fields_add(&fields, counts[i].title, "%llu",
				   (unsigned long long)json_object_get_int64(count));
	}
	fields_end(&fields, 2);
	json_object_put(object);
	return STATUS_OK;
}

int
run_file_query_mount(struct call *call)
{
	char line[4096];
	ssize_t length = getxattr(call->arguments[0], QUERY_NAME, line, sizeof(line) - 1);
	json_object *object;

	if (length < 0)
		return path_failed(call, errno, "query");
	line[length] = '\0';
	object = json_tokener_parse(line);
	if (!json_object_is_type(object, json_type_object)) {
		json_object_put(object);
		return path_failed(call, EOPNOTSUPP, "query");
	}
	return show_counts(call, object);
}

/* ------------------------------------------------ evict */

int
run_file_evict(struct call *call)
{
	/* Another file system would keep the attribute. */
	if (getxattr(call->arguments[0], QUERY_NAME, NULL, 0) < 0 ||
	    setxattr(call->arguments[0], EVICT_NAME, "1", 1, 0) < 0)
		return path_failed(call, errno, "evict");
	if (call->json)
		return call_answer(call, "filesystem.evict/1", NULL);
	printf("The kernel forgot what it kept of %s.\n", call->arguments[0]);
	return STATUS_OK;
}
