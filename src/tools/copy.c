/* SPDX-License-Identifier: BSD-2-Clause-Patent */
/*
 * Copying trees. Jobs that wait are a stack, so that memory grows with depth and width of the tree,
 * not with its size. A directory lives until the last of its entries is done; then its times are
 * set.
 */
#include <errno.h>
#include <libgen.h>
#include <linux/limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "client/client.h"
#include "daos_uns.h"
#include "tools/copy.h"
#include "tools/progress.h"

/* Entries under way at a time. */
#define SLOTS 32u
/* Bytes moved by one call: the chunk of a file. */
#define PIECE ((size_t)1 << 20)
/* After so many failures something is wrong with the whole, not with entries. */
#define ERRORS_MAX 50u
#define POLL_US 100000
/* Room for names of attributes at first; XATTR_LIST_MAX at last. */
#define ATTRIBUTES_FIRST 1024u

/* A directory whose entries are being copied. */
struct directory {
	struct directory *parent; /* NULL: the top */
	void *source, *target;
	uint32_t pending; /* entries that are not done, and the listing */
	struct stat status;
	char *path; /* for messages */
};

enum job_kind { JOB_DIRECTORY, JOB_FILE, JOB_LINK };

struct job {
	struct job *next;
	enum job_kind kind;
	struct directory *directory; /* that it lies in */
	struct stat status;
	char *target_name; /* NULL: the same */
	char name[];
};

struct slot {
	struct copy *copy;
	daos_event_t event;
	struct job *job; /* NULL: free */
	char *buffer;
	size_t buffer_size;
};

struct copy {
	struct file_tree *source, *target;
	const struct copy_options *options;
	struct copy_counts counts;
	struct progress progress;
	struct job *jobs;
	struct slot slots[SLOTS];
	uint32_t running;
	daos_handle_t queue;
};

/* ------------------------------------------------ jobs */

static void
complain(struct copy *copy, const struct directory *directory, const char *name, int error)
{
	progress_end(&copy->progress);
	fprintf(stderr, "ERROR: daos: cannot copy %s%s%s: %s\n", directory ? directory->path : "",
		directory ? "/" : "", name, strerror(error));
	copy->counts.errors++;
}

static int
push_job(struct copy *copy, struct directory *directory, const char *name,
	 const struct stat *status, enum job_kind kind)
{
	struct job *job = malloc(sizeof(*job) + strlen(name) + 1);

	if (!job)
		return ENOMEM;
	job->kind = kind;
	job->directory = directory;
	job->status = *status;
	job->target_name = NULL;
	strcpy(job->name, name);
	job->next = copy->jobs;
	copy->jobs = job;
	directory->pending++;
	return 0;
}

static const char *
target_name(const struct job *job)
{
	return job->target_name ? job->target_name : job->name;
}

/* What an entry is, or that it cannot be copied. */
static int
push_entry(struct copy *copy, struct directory *directory, const char *name,
	   const struct stat *status)
{
	if (S_ISDIR(status->st_mode))
		return push_job(copy, directory, name, status, JOB_DIRECTORY);
	if (S_ISREG(status->st_mode))
		return push_job(copy, directory, name, status, JOB_FILE);
	if (S_ISLNK(status->st_mode))
		return push_job(copy, directory, name, status, JOB_LINK);
	if (copy->options->ignore_unsupported)
		copy->counts.skipped++;
	else
		complain(copy, directory, name, ENOTSUP);
	return 0;
}

/* ------------------------------------------------ extended attributes */

/* An open file or directory on both sides. */
struct both {
	void *source, *target;
	bool is_file;
};

/* The names, each with its NUL; *ret_names is to be freed. A source that has no attributes at all
 * has none. */
static int
list_attributes(struct copy *copy, const struct both *both, char **ret_names, size_t *ret_size)
{
	int rc = ERANGE;

	for (size_t room = ATTRIBUTES_FIRST; rc == ERANGE && room <= XATTR_LIST_MAX; room *= 8) {
		char *names = malloc(room);
		size_t size = 0;

		if (!names)
			return ENOMEM;
		rc = copy->source->operations->list_attributes(copy->source, both->source,
							       both->is_file, names, room, &size);
		if (rc) {
			free(names);
			continue;
		}
		*ret_names = names;
		*ret_size = size;
	}
	return rc;
}

/* What users set; the rest belongs to a kernel or, as user.daos, says where a container is. */
static bool
is_copied(const struct copy *copy, const char *name)
{
	if (strcmp(name, DUNS_XATTR_NAME) == 0)
		return false;
	return copy->source->operations != &file_tree_posix || strncmp(name, "user.", 5) == 0;
}

static int
copy_attribute(struct copy *copy, const struct both *both, const char *name, char *value)
{
	size_t size = 0;
	int rc = copy->source->operations->get_attribute(copy->source, both->source, both->is_file,
							 name, value, XATTR_SIZE_MAX, &size);

	/* Removed since: not there to be copied. */
	if (rc == ENODATA)
		return 0;
	if (rc == 0)
		rc = copy->target->operations->set_attribute(copy->target, both->target,
							     both->is_file, name, value, size);
	if (rc == ENOTSUP && copy->options->ignore_unsupported) {
		copy->counts.skipped++;
		return 0;
	}
	copy->counts.attributes += rc == 0;
	return rc;
}

static int
copy_attributes(struct copy *copy, const struct both *both)
{
	char *names = NULL, *value = NULL;
	size_t size = 0;
	int rc = list_attributes(copy, both, &names, &size);

	if (rc == ENOTSUP)
		return 0;
	if (rc == 0 && size > 0)
		value = malloc(XATTR_SIZE_MAX);
	if (rc == 0 && size > 0 && !value)
		rc = ENOMEM;
	for (size_t at = 0; at < size && rc == 0; at += strlen(names + at) + 1)
		if (is_copied(copy, names + at))
			rc = copy_attribute(copy, both, names + at, value);
	free(value);
	free(names);
	return rc;
}

/* ------------------------------------------------ the end of an entry */

/* Mode and times come last: a mode may forbid to set attributes, which change a time. */
static int
finish_directory(struct copy *copy, const struct directory *directory)
{
	const struct both both = {directory->source, directory->target, false};
	int rc = copy_attributes(copy, &both), set_rc;

	set_rc = copy->target->operations->set_directory(copy->target, directory->target,
							 &directory->status);
	return rc ? rc : set_rc;
}

/* One entry of directory is done; with the last one its attributes are final. */
static void
finish_entry(struct copy *copy, struct directory *directory)
{
	while (directory && --directory->pending == 0) {
		struct directory *parent = directory->parent;
		int rc = 0;

		if (S_ISDIR(directory->status.st_mode))
			rc = finish_directory(copy, directory);
		if (rc)
			complain(copy, NULL, directory->path, rc);
		copy->source->operations->close_directory(copy->source, directory->source);
		copy->target->operations->close_directory(copy->target, directory->target);
		free(directory->path);
		free(directory);
		directory = parent;
	}
}

/* ------------------------------------------------ directories */

struct listing {
	struct copy *copy;
	struct directory *directory;
};

static int
visit_entry(void *argument, const char *name, const struct stat *status)
{
	struct listing *listing = argument;

	return push_entry(listing->copy, listing->directory, name, status);
}

/* Lists a directory that is open on both sides; it frees itself with its last entry. */
static int
copy_entries(struct copy *copy, struct directory *directory)
{
	struct listing listing = {copy, directory};
	int rc;

	directory->pending = 1;
	rc = copy->source->operations->list(copy->source, directory->source, visit_entry, &listing);
	finish_entry(copy, directory);
	return rc;
}

static int
open_both(struct copy *copy, const struct job *job, struct directory *directory)
{
	const struct file_tree_operations *target = copy->target->operations;
	struct directory *parent = job->directory;
	const char *name = target_name(job);
	int rc;

	rc = copy->source->operations->open_directory(copy->source, parent->source, job->name,
						      &directory->source);
	if (rc)
		return rc;
	/* Its own mode comes last: it may forbid to write. */
	rc = target->make_directory(copy->target, parent->target, name,
				    (job->status.st_mode & 07777) | 0700);
	if (rc == 0)
		rc = target->open_directory(copy->target, parent->target, name, &directory->target);
	if (rc)
		copy->source->operations->close_directory(copy->source, directory->source);
	return rc;
}

static int
copy_directory(struct copy *copy, const struct job *job)
{
	struct directory *directory = calloc(1, sizeof(*directory));
	int rc = directory ? open_both(copy, job, directory) : ENOMEM;

	if (rc) {
		free(directory);
		return rc;
	}
	directory->parent = job->directory;
	directory->status = job->status;
	directory->path = text_format("%s/%s", job->directory->path, job->name);
	/* The parent waits for it besides for this job. */
	directory->parent->pending++;
	copy->counts.directories++;
	return copy_entries(copy, directory);
}

/* ------------------------------------------------ files and links */

static int
grow_buffer(struct slot *slot, uint64_t file_size)
{
	/* One byte more shows that the file ends where it is said to. */
	size_t wanted = file_size < PIECE ? (size_t)file_size + 1 : PIECE;
	char *buffer;

	if (slot->buffer_size >= wanted)
		return 0;
	buffer = realloc(slot->buffer, wanted);
	if (!buffer)
		return ENOMEM;
	slot->buffer = buffer;
	slot->buffer_size = wanted;
	return 0;
}

static int
copy_bytes(struct copy *copy, struct slot *slot, void *from, void *to)
{
	uint64_t offset = 0;
	size_t length = 0;
	int rc;

	do {
		rc = copy->source->operations->read(copy->source, from, slot->buffer,
						    slot->buffer_size, offset, &length);
		if (rc == 0 && length > 0)
			rc = copy->target->operations->write(copy->target, to, slot->buffer, length,
							     offset);
		if (rc)
			return rc;
		offset += length;
		copy->counts.bytes += length;
	} while (length == slot->buffer_size);
	return 0;
}

static int
copy_file(struct copy *copy, struct slot *slot, const struct job *job)
{
	const struct file_tree_operations *source = copy->source->operations;
	const struct file_tree_operations *target = copy->target->operations;
	void *from, *to;
	int rc = grow_buffer(slot, (uint64_t)job->status.st_size), close_rc;

	if (rc)
		return rc;
	rc = source->open_file(copy->source, job->directory->source, job->name, &from);
	if (rc)
		return rc;
	rc = target->make_file(copy->target, job->directory->target, target_name(job),
			       job->status.st_mode & 07777, &to);
	if (rc == 0) {
		const struct both both = {from, to, true};

		rc = copy_bytes(copy, slot, from, to);
		if (rc == 0)
			rc = copy_attributes(copy, &both);
		if (rc == 0)
			rc = target->set_file(copy->target, to, &job->status);
		close_rc = target->close_file(copy->target, to);
		rc = rc ? rc : close_rc;
	}
	close_rc = source->close_file(copy->source, from);
	rc = rc ? rc : close_rc;
	if (rc == 0)
		copy->counts.files++;
	return rc;
}

static int
copy_link(struct copy *copy, const struct job *job)
{
	char target[PATH_MAX];
	int rc = copy->source->operations->read_link(copy->source, job->directory->source,
						     job->name, target, sizeof(target));

	if (rc == 0)
		rc = copy->target->operations->make_link(copy->target, job->directory->target,
							 target_name(job), target, &job->status);
	if (rc == 0)
		copy->counts.links++;
	return rc;
}

/* ------------------------------------------------ running them */

/* On a fiber of the queue's context. */
static int
run_job(void *argument)
{
	struct slot *slot = *(struct slot **)argument;
	struct copy *copy = slot->copy;
	struct job *job = slot->job;
	int rc;

	switch (job->kind) {
	case JOB_DIRECTORY:
		rc = copy_directory(copy, job);
		break;
	case JOB_FILE:
		rc = copy_file(copy, slot, job);
		break;
	default:
		rc = copy_link(copy, job);
		break;
	}
	if (rc)
		complain(copy, job->directory, job->name, rc);
	finish_entry(copy, job->directory);
	return 0;
}

static void
end_job(struct copy *copy, struct slot *slot)
{
	daos_event_fini(&slot->event);
	free(slot->job->target_name);
	free(slot->job);
	slot->job = NULL;
	copy->running--;
}

static struct slot *
free_slot(struct copy *copy)
{
	for (uint32_t i = 0; i < SLOTS; i++)
		if (!copy->slots[i].job)
			return &copy->slots[i];
	return NULL;
}

static int
launch_jobs(struct copy *copy)
{
	struct slot *slot;
	int rc = 0;

	while (rc == 0 && copy->jobs && copy->counts.errors < ERRORS_MAX &&
	       (slot = free_slot(copy))) {
		struct job *job = copy->jobs;

		/* Launching runs it until its first wait, when it may push jobs. */
		copy->jobs = job->next;
		job->next = NULL;
		slot->job = job;
		rc = daos_event_init(&slot->event, copy->queue, NULL);
		if (rc == 0)
			rc = client_run(&slot->event, run_job, &slot, sizeof(slot));
		if (rc) {
			slot->job = NULL;
			job->next = copy->jobs;
			copy->jobs = job;
		} else {
			copy->running++;
		}
	}
	return rc;
}

/* Waits for the end of at least one job, or a moment. */
static int
reap_jobs(struct copy *copy)
{
	daos_event_t *events[SLOTS];
	int count = daos_eq_poll(copy->queue, 1, POLL_US, SLOTS, events);

	for (int i = 0; i < count; i++)
		for (uint32_t j = 0; j < SLOTS; j++)
			if (&copy->slots[j].event == events[i])
				end_job(copy, &copy->slots[j]);
	progress_show(&copy->progress, copy->counts.files + copy->counts.links, copy->counts.bytes);
	return count < 0 && count != -DER_TIMEDOUT ? count : 0;
}

static int
run_jobs(struct copy *copy)
{
	int rc = 0;

	for (uint32_t i = 0; i < SLOTS; i++)
		copy->slots[i].copy = copy;
	while (rc == 0 && (copy->running > 0 || (copy->jobs && copy->counts.errors < ERRORS_MAX))) {
		rc = launch_jobs(copy);
		if (rc == 0)
			rc = reap_jobs(copy);
	}
	/* What was given up after too many failures. */
	while (copy->jobs) {
		struct job *job = copy->jobs;

		copy->jobs = job->next;
		free(job->target_name);
		free(job);
	}
	return rc ? EIO : 0;
}

/* ------------------------------------------------ where it goes */

/* The parent of a path and the last name in it; both to be freed. "" for a root. */
static void
split_path(const char *path, char **ret_parent, char **ret_name)
{
	char *one = text_format("%s", path), *two = text_format("%s", path);
	const char *name = basename(one);

	*ret_parent = text_format("%s", dirname(two));
	*ret_name = text_format("%s", strcmp(name, "/") == 0 || strcmp(name, ".") == 0 ? "" : name);
	free(one);
	free(two);
}

/* Both sides of the top: the directories that the first entry lies in. */
static int
open_top(struct copy *copy, const char *source, const char *target, struct directory *top,
	 const char **ret_failed)
{
	int rc = copy->source->operations->open_path(copy->source, source, &top->source);

	*ret_failed = copy->source->path;
	if (rc)
		return rc;
	rc = copy->target->operations->open_path(copy->target, target, &top->target);
	*ret_failed = copy->target->path;
	if (rc)
		copy->source->operations->close_directory(copy->source, top->source);
	return rc;
}

/* The contents of one directory into another that exists. */
static int
begin_contents(struct copy *copy, const struct stat *status, const char **ret_failed)
{
	struct directory *top = calloc(1, sizeof(*top));
	int rc = top ? open_top(copy, copy->source->path, copy->target->path, top, ret_failed)
		     : ENOMEM;

	if (rc) {
		free(top);
		return rc;
	}
	top->status = *status;
	top->path = text_format("%s", copy->source->path);
	copy->counts.directories++;
	return copy_entries(copy, top);
}

/* The entry that source names, as name in the directory parent of the target. */
static int
begin_entry(struct copy *copy, const struct stat *status, const char *parent, const char *name,
	    const char **ret_failed)
{
	char *source_parent, *source_name;
	struct directory *top = calloc(1, sizeof(*top));
	int rc;

	split_path(copy->source->path, &source_parent, &source_name);
	rc = top ? open_top(copy, source_parent, parent, top, ret_failed) : ENOMEM;
	if (rc == 0) {
		/* It is not copied itself: it has no attributes to set. */
		top->pending = 1;
		top->path = text_format("%s", source_parent);
		rc = push_entry(copy, top, source_name, status);
		if (copy->jobs)
			copy->jobs->target_name = text_format("%s", name);
		finish_entry(copy, top);
	} else {
		free(top);
	}
	free(source_parent);
	free(source_name);
	return rc;
}

static int
begin(struct copy *copy, const char **ret_failed)
{
	char *parent, *name, *source_parent, *source_name;
	struct stat from, to;
	int rc = copy->source->operations->stat(copy->source, copy->source->path, &from), target_rc;
	bool into;

	*ret_failed = copy->source->path;
	if (rc)
		return rc;
	target_rc = copy->target->operations->stat(copy->target, copy->target->path, &to);
	into = target_rc == 0 && S_ISDIR(to.st_mode);
	split_path(copy->source->path, &source_parent, &source_name);
	split_path(copy->target->path, &parent, &name);
	if (S_ISDIR(from.st_mode) && into && !source_name[0])
		rc = begin_contents(copy, &from, ret_failed);
	else if (into)
		rc = begin_entry(copy, &from, copy->target->path,
				 source_name[0] ? source_name : name, ret_failed);
	else if (S_ISDIR(from.st_mode) && !source_name[0]) {
		/* A root has no name to be listed under: make the target, then fill it. */
		void *directory;

		*ret_failed = copy->target->path;
		rc = copy->target->operations->open_path(copy->target, parent, &directory);
		if (rc == 0) {
			rc = copy->target->operations->make_directory(copy->target, directory, name,
								      0700);
			copy->target->operations->close_directory(copy->target, directory);
		}
		if (rc == 0)
			rc = begin_contents(copy, &from, ret_failed);
	} else
		rc = begin_entry(copy, &from, parent, name, ret_failed);
	free(source_parent);
	free(source_name);
	free(parent);
	free(name);
	return rc;
}

/* ------------------------------------------------ totals for the bar */

struct scan {
	struct file_tree *tree;
	struct progress *progress;
	void *directory;
	uint32_t depth;
};

static int
scan_entry(void *argument, const char *name, const struct stat *status)
{
	struct scan *scan = argument;
	struct scan below = *scan;

	if (!S_ISDIR(status->st_mode)) {
		scan->progress->total_files++;
		scan->progress->total_bytes += S_ISREG(status->st_mode) ? (uint64_t)status->st_size
									: 0;
		return 0;
	}
	/* Deeper trees are copied all the same, only the bar is wrong. */
	if (scan->depth >= 128)
		return 0;
	below.depth++;
	if (scan->tree->operations->open_directory(scan->tree, scan->directory, name,
						   &below.directory) == 0) {
		int rc = scan->tree->operations->list(scan->tree, below.directory, scan_entry,
						      &below);

		scan->tree->operations->close_directory(scan->tree, below.directory);
		/* What cannot be read will be told by the copy. */
		(void)rc;
	}
	return 0;
}

static void
scan_totals(struct copy *copy)
{
	struct scan scan = {.tree = copy->source, .progress = &copy->progress};

	if (!copy->progress.shown ||
	    copy->source->operations->open_path(copy->source, copy->source->path, &scan.directory))
		return;
	(void)!copy->source->operations->list(copy->source, scan.directory, scan_entry, &scan);
	copy->source->operations->close_directory(copy->source, scan.directory);
}

int
copy_tree(struct file_tree *source, struct file_tree *target, const struct copy_options *options,
	  struct copy_counts *ret_counts, const char **ret_failed)
{
	struct copy *copy = calloc(1, sizeof(*copy));
	int rc = copy ? 0 : ENOMEM;

	*ret_failed = source->path;
	if (rc)
		return rc;
	copy->source = source;
	copy->target = target;
	copy->options = options;
	progress_begin(&copy->progress, options->progress);
	scan_totals(copy);
	if (daos_eq_create(&copy->queue)) {
		free(copy);
		return ENOMEM;
	}
	copy->progress.started = monotonic_now();
	rc = begin(copy, ret_failed);
	if (rc == 0)
		rc = run_jobs(copy);
	copy->counts.nanoseconds = monotonic_now() - copy->progress.started;
	progress_end(&copy->progress);
	daos_eq_destroy(copy->queue, rc ? DAOS_EQ_DESTROY_FORCE : 0);
	for (uint32_t i = 0; i < SLOTS; i++)
		free(copy->slots[i].buffer);
	*ret_counts = copy->counts;
	free(copy);
	return rc;
}
