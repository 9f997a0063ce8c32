/* SPDX-License-Identifier: BSD-2-Clause-Patent */
/*
 * What all workers do in one directory. Who changes something says so in the memory that all share,
 * before and after; whoever looks compares what was said before and after its look with what it
 * saw.
 */
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "tree.h"

#define STABLE_NAMES 60u
#define CROWD_NAMES 16u
#define SLOT_BYTES_MAX 20000u
#define RECORD_BYTES 32u

/* The path of name on the mount of the operation. */
static const char *
path(struct worker *worker, char buffer[PATH_MAX], const char *format, uint32_t number)
{
	int used = snprintf(buffer, PATH_MAX, "%s/shared/", worker->control->mount[worker->mount]);

	snprintf(buffer + used, (size_t)(PATH_MAX - used), format, number);
	return buffer;
}

static void
file_make(struct worker *worker, const char *name, const void *bytes, size_t length)
{
	int descriptor = (int)retried(worker, open(name, O_CREAT | O_EXCL | O_WRONLY, 0644));

	worker_say(worker, "make %s", name);
	expect(worker, descriptor >= 0, "open: %s", strerror(errno));
	expect(worker, write(descriptor, bytes, length) == (ssize_t)length, "write: %s",
	       strerror(errno));
	expect_outcome(worker, "close", close(descriptor), 0);
}

static bool
is_there(struct worker *worker, const char *name)
{
	struct stat met;

	if (retried(worker, lstat(name, &met)) == 0)
		return true;
	expect(worker, errno == ENOENT, "lstat: %s", strerror(errno));
	return false;
}

static uint32_t
draw_other(struct worker *worker)
{
	return (worker->number + 1 + (uint32_t)draw(&worker->seed, WORKERS - 1)) % WORKERS;
}

static void
movable_begin(struct movable *movable)
{
	atomic_fetch_add(&movable->sequence, 1);
}

static void
movable_end(struct movable *movable)
{
	atomic_fetch_xor(&movable->place, 1);
	atomic_fetch_add(&movable->sequence, 1);
}

/* ------------------------------------------------ making */

void
shared_make(struct worker *worker)
{
	static const char *const directories[] = {"", "left", "right", "crowd"};
	char name[PATH_MAX];

	for (size_t i = 0; i < sizeof(directories) / sizeof(directories[0]); i++)
		expect_outcome(worker, "mkdir",
			       retried(worker, mkdir(path(worker, name, directories[i], 0), 0777)),
			       0);
	for (uint32_t i = 0; i < WORKERS; i++) {
		file_make(worker, path(worker, name, "left/token-%u", i), &i, sizeof(i));
		file_make(worker, path(worker, name, "left/pair-%u", i), "L", 1);
		file_make(worker, path(worker, name, "right/pair-%u", i), "R", 1);
	}
	for (uint32_t i = 0; i < STABLE_NAMES; i++)
		file_make(worker, path(worker, name, "crowd/stable-%u", i), "", 0);
	file_make(worker, path(worker, name, "common", 0), "common", 6);
}

/* ------------------------------------------------ a name moves */

static void
token_move(struct worker *worker)
{
	struct movable *token = &worker->control->shared.tokens[worker->number];
	bool right = atomic_load(&token->place);
	char from[PATH_MAX], into[PATH_MAX];

	path(worker, from, right ? "right/token-%u" : "left/token-%u", worker->number);
	path(worker, into, right ? "left/token-%u" : "right/token-%u", worker->number);
	worker_say(worker, "rename %s %s", from, into);
	movable_begin(token);
	expect_outcome(worker, "rename", retried(worker, rename(from, into)), 0);
	movable_end(token);
}

/*
 * While at rest it is where it was put. While one move is under way: who sees it at its goal does
 * not find it where it came from afterwards, and who misses it there finds it at its goal.
 */
static void
token_watch(struct worker *worker)
{
	uint32_t other = draw_other(worker);
	struct movable *token = &worker->control->shared.tokens[other];
	uint32_t before = atomic_load(&token->sequence), place = atomic_load(&token->place);
	bool goal_first = draw(&worker->seed, 2), first, second;
	char source[PATH_MAX], goal[PATH_MAX];

	path(worker, source, place ? "right/token-%u" : "left/token-%u", other);
	path(worker, goal, place ? "left/token-%u" : "right/token-%u", other);
	worker_say(worker, "look for %s and %s", source, goal);
	first = is_there(worker, goal_first ? goal : source);
	second = is_there(worker, goal_first ? source : goal);
	if (atomic_load(&token->sequence) != before)
		return;
	if (before % 2 == 0)
		expect(worker, (goal_first ? second : first) && !(goal_first ? first : second),
		       "a file at rest is %s at its place, %s elsewhere",
		       (goal_first ? second : first) ? "seen" : "missing",
		       (goal_first ? first : second) ? "seen" : "missing");
	else
		expect(worker, goal_first ? !(first && second) : first || second,
		       "a rename shows %s names", goal_first ? "both" : "none of its");
}

/* ------------------------------------------------ two files are exchanged */

static void
pair_exchange(struct worker *worker)
{
	struct movable *pair = &worker->control->shared.pairs[worker->number];
	char left[PATH_MAX], right[PATH_MAX];

	path(worker, left, "left/pair-%u", worker->number);
	path(worker, right, "right/pair-%u", worker->number);
	worker_say(worker, "exchange %s %s", left, right);
	movable_begin(pair);
	expect_outcome(worker, "rename",
		       retried(worker, syscall(SYS_renameat2, AT_FDCWD, left, AT_FDCWD, right, 2)),
		       0);
	movable_end(pair);
}

static char
first_byte(struct worker *worker, const char *name)
{
	int descriptor = (int)retried(worker, open(name, O_RDONLY));
	char byte = 0;

	expect(worker, descriptor >= 0, "open %s: %s", name, strerror(errno));
	expect(worker, read(descriptor, &byte, 1) == 1, "read %s: %s", name, strerror(errno));
	close(descriptor);
	return byte;
}

/* Both names are there at any time. */
static void
pair_watch(struct worker *worker)
{
	uint32_t other = draw_other(worker);
	struct movable *pair = &worker->control->shared.pairs[other];
	uint32_t before = atomic_load(&pair->sequence), place = atomic_load(&pair->place);
	char left[PATH_MAX], right[PATH_MAX], bytes[2];

	path(worker, left, "left/pair-%u", other);
	path(worker, right, "right/pair-%u", other);
	worker_say(worker, "look into %s and %s", left, right);
	bytes[0] = first_byte(worker, left);
	bytes[1] = first_byte(worker, right);
	if (before % 2 || atomic_load(&pair->sequence) != before)
		return;
	expect(worker, bytes[0] == (place ? 'R' : 'L') && bytes[1] == (place ? 'L' : 'R'),
	       "exchanged files have %c and %c", bytes[0], bytes[1]);
}

/* ------------------------------------------------ publishing by name */

struct slot_head {
	uint32_t writer, version, length, check;
};

static uint32_t
check_of(const uint8_t *bytes, size_t length, uint32_t check)
{
	/* FNV-1a (Fowler, Noll, Vo 1991) */
	for (size_t i = 0; i < length; i++)
		check = (check ^ bytes[i]) * UINT32_C(16777619);
	return check;
}

static void
slot_publish(struct worker *worker)
{
	struct shared_state *shared = &worker->control->shared;
	uint32_t version = atomic_load(&shared->begun[worker->number]) + 1;
	static uint8_t bytes[sizeof(struct slot_head) + SLOT_BYTES_MAX];
	struct slot_head head = {.writer = worker->number, .version = version};
	char draft[PATH_MAX], name[PATH_MAX];

	head.length = (uint32_t)draw(&worker->seed, SLOT_BYTES_MAX);
	memset(bytes + sizeof(head), (int)(version * 31 + worker->number), head.length);
	head.check = check_of(bytes + sizeof(head), head.length, version);
	memcpy(bytes, &head, sizeof(head));
	path(worker, draft, "draft-%u", worker->number);
	path(worker, name, "slot-%u", worker->number);
	file_make(worker, draft, bytes, sizeof(head) + head.length);
	worker_say(worker, "rename %s %s", draft, name);
	atomic_store(&shared->begun[worker->number], version);
	expect_outcome(worker, "rename", retried(worker, rename(draft, name)), 0);
	atomic_store(&shared->published[worker->number], version);
}

/* A file that is replaced while it is open elsewhere may lose its content: another mount. */
static void
slot_read(struct worker *worker)
{
	struct shared_state *shared = &worker->control->shared;
	uint32_t other = draw_other(worker), begun;
	uint32_t least = atomic_load(&shared->published[other]);
	static uint8_t bytes[sizeof(struct slot_head) + SLOT_BYTES_MAX];
	struct slot_head head = {.writer = 0};
	char name[PATH_MAX];
	ssize_t length;
	int descriptor;

	begun = atomic_load(&shared->begun[other]);
	path(worker, name, "slot-%u", other);
	worker_say(worker, "read %s", name);
	descriptor = (int)retried(worker, open(name, O_RDONLY));
	if (descriptor < 0 && errno == ENOENT && least == 0)
		return;
	if (descriptor < 0 && worker->control->mounts > 1 &&
	    atomic_load(&shared->begun[other]) != least)
		return;
	expect(worker, descriptor >= 0, "open: %s", strerror(errno));
	length = read(descriptor, bytes, sizeof(bytes));
	close(descriptor);
	if (worker->control->mounts > 1 &&
	    (begun != least || atomic_load(&shared->begun[other]) != begun))
		return;
	expect(worker, length >= (ssize_t)sizeof(head), "%zd bytes", length);
	memcpy(&head, bytes, sizeof(head));
	expect(worker,
	       head.writer == other && head.version >= least &&
		       head.version <= atomic_load(&shared->begun[other]),
	       "version %u of %u, and %u was published", head.version, head.writer, least);
	expect(worker,
	       (size_t)length == sizeof(head) + head.length &&
		       head.check == check_of(bytes + sizeof(head), head.length, head.version),
	       "version %u is not whole: %zd bytes", head.version, length);
}

/* ------------------------------------------------ one log of all */

struct record {
	uint32_t writer, number, check, filler[5];
};
_Static_assert(sizeof(struct record) == RECORD_BYTES, "no padding");

static void
log_append(struct worker *worker)
{
	_Atomic uint32_t *appended = &worker->control->shared.appended[worker->number];
	uint32_t number = atomic_load(appended), count = 1 + (uint32_t)draw(&worker->seed, 4);
	struct record records[4];
	char name[PATH_MAX];
	int descriptor;

	for (uint32_t i = 0; i < count; i++) {
		records[i] = (struct record){.writer = worker->number, .number = number + i};
		memset(records[i].filler, (int)number, sizeof(records[i].filler));
		records[i].check = check_of((uint8_t *)&records[i], RECORD_BYTES, 1);
	}
	path(worker, name, "log-%u", worker->control->phase);
	worker_say(worker, "append %u records to %s", count, name);
	descriptor = (int)retried(worker, open(name, O_CREAT | O_WRONLY | O_APPEND, 0644));
	expect(worker, descriptor >= 0, "open: %s", strerror(errno));
	expect(worker,
	       write(descriptor, records, count * RECORD_BYTES) == (ssize_t)(count * RECORD_BYTES),
	       "write: %s", strerror(errno));
	expect_outcome(worker, "close", close(descriptor), 0);
	atomic_store(appended, number + count);
}

static void
record_check(struct worker *worker, struct record *record, uint32_t next[WORKERS], uint32_t index)
{
	uint32_t check = record->check;

	record->check = 0;
	expect(worker,
	       check == check_of((uint8_t *)record, RECORD_BYTES, 1) && record->writer < WORKERS,
	       "record %u of the log is damaged", index);
	expect(worker, record->number == next[record->writer],
	       "record %u of the log is number %u of %u, and %u was its turn", index,
	       record->number, record->writer, next[record->writer]);
	next[record->writer]++;
}

static void
log_verify(struct worker *worker)
{
	uint32_t next[WORKERS] = {0}, index = 0;
	struct record record;
	char name[PATH_MAX];
	FILE *log;
	size_t got;

	path(worker, name, "log-%u", worker->control->phase);
	worker_say(worker, "verify %s", name);
	log = fopen(name, "a+");
	expect(worker, log != NULL, "fopen: %s", strerror(errno));
	while ((got = fread(&record, 1, RECORD_BYTES, log)) == RECORD_BYTES)
		record_check(worker, &record, next, index++);
	expect(worker, got == 0 && !ferror(log), "the log ends with %zu bytes", got);
	fclose(log);
	for (uint32_t i = 0; i < WORKERS; i++)
		expect(worker, next[i] == atomic_load(&worker->control->shared.appended[i]),
		       "the log has %u records of %u, who appended %u", next[i], i,
		       atomic_load(&worker->control->shared.appended[i]));
}

/* ------------------------------------------------ names of one file */

static void
link_toggle(struct worker *worker)
{
	struct movable *mine = &worker->control->shared.links[worker->number];
	char common[PATH_MAX], name[PATH_MAX];
	bool there = atomic_load(&mine->place);

	path(worker, common, "common", 0);
	path(worker, name, "right/common-%u", worker->number);
	worker_say(worker, "%s %s", there ? "unlink" : "link", name);
	movable_begin(mine);
	expect_outcome(worker, there ? "unlink" : "link",
		       there ? retried(worker, unlink(name)) : retried(worker, link(common, name)),
		       0);
	movable_end(mine);
}

/* Adds up what was said; true when nothing was under way. */
static bool
links_count(struct worker *worker, uint64_t *ret_sequence, uint32_t *ret_links)
{
	uint64_t sequence = 0;
	uint32_t links = 1;
	bool rest = true;

	for (uint32_t i = 0; i < WORKERS; i++) {
		struct movable *link = &worker->control->shared.links[i];
		uint32_t met = atomic_load(&link->sequence);

		rest = rest && met % 2 == 0;
		sequence += met;
		links += atomic_load(&link->place);
	}
	*ret_sequence = sequence;
	*ret_links = links;
	return rest;
}

static void
link_watch(struct worker *worker)
{
	uint64_t before, after;
	uint32_t links, unused;
	bool rest = links_count(worker, &before, &links);
	char name[PATH_MAX];
	struct stat met;

	path(worker, name, "common", 0);
	worker_say(worker, "count the links of %s", name);
	expect_outcome(worker, "stat", retried(worker, stat(name, &met)), 0);
	expect(worker, met.st_nlink >= 1 && met.st_nlink <= WORKERS + 1 && met.st_size == 6,
	       "%lu links, %lld bytes", (unsigned long)met.st_nlink, (long long)met.st_size);
	if (rest && links_count(worker, &after, &unused) && before == after)
		expect(worker, met.st_nlink == links, "%lu links, and should be %u",
		       (unsigned long)met.st_nlink, links);
}

/* ------------------------------------------------ only one can have it */

/* Takes a lock in one of the ways that a file system has for it: by a name that was not there. */
static int
lock_try(struct worker *worker, uint32_t kind, const char *name)
{
	char mine[PATH_MAX];
	int descriptor;

	switch (kind) {
	case 0:
		return (int)retried(worker, mkdir(name, 0755));
	case 1:
		descriptor = (int)retried(worker, open(name, O_CREAT | O_EXCL | O_WRONLY, 0644));
		return descriptor < 0 ? -1 : close(descriptor);
	case 2:
		return (int)retried(worker, symlink("owner", name));
	default:
		path(worker, mine, "candidate-%u", worker->number);
		if (!is_there(worker, mine))
			file_make(worker, mine, "", 0);
		return (int)retried(worker,
				    syscall(SYS_renameat2, AT_FDCWD, mine, AT_FDCWD, name, 1));
	}
}

static void
lock_use(struct worker *worker)
{
	uint32_t kind = (uint32_t)draw(&worker->seed, 4), nobody = 0;
	_Atomic uint32_t *owner = &worker->control->shared.owners[kind];
	char name[PATH_MAX];

	path(worker, name, "lock-%u", kind);
	worker_say(worker, "take %s", name);
	if (lock_try(worker, kind, name) != 0) {
		expect(worker, errno == EEXIST, "taking it: %s", strerror(errno));
		return;
	}
	expect(worker, atomic_compare_exchange_strong(owner, &nobody, worker->number + 1),
	       "worker %u has it already", nobody - 1);
	atomic_store(owner, 0);
	expect_outcome(worker, "giving it back",
		       kind ? retried(worker, unlink(name)) : retried(worker, rmdir(name)), 0);
}

/* ------------------------------------------------ a crowd of names */

static void
crowd_change(struct worker *worker)
{
	uint32_t which = (uint32_t)draw(&worker->seed, CROWD_NAMES);
	char name[PATH_MAX];

	path(worker, name, "crowd/of-%u", worker->number * CROWD_NAMES + which);
	worker_say(worker, "%s %s", worker->crowd[which] ? "unlink" : "create", name);
	if (worker->crowd[which])
		expect_outcome(worker, "unlink", retried(worker, unlink(name)), 0);
	else
		file_make(worker, name, "", 0);
	worker->crowd[which] = !worker->crowd[which];
}

/* Who was there before and stays is seen exactly once. */
static void
crowd_list(struct worker *worker)
{
	uint32_t seen[STABLE_NAMES] = {0}, number;
	char name[PATH_MAX];
	struct dirent *next;
	DIR *stream;

	path(worker, name, "crowd", 0);
	worker_say(worker, "list %s", name);
	stream = opendir(name);
	for (int i = 0; stream == NULL && may_retry(worker, i); i++)
		stream = opendir(name);
	expect(worker, stream != NULL, "opendir: %s", strerror(errno));
	while ((errno = 0, next = readdir(stream)) != NULL)
		if (sscanf(next->d_name, "stable-%u", &number) == 1 && number < STABLE_NAMES)
			seen[number]++;
	expect(worker, errno == 0, "readdir: %s", strerror(errno));
	closedir(stream);
	for (uint32_t i = 0; i < STABLE_NAMES; i++)
		expect(worker, seen[i] == 1, "stable-%u is listed %u times", i, seen[i]);
}

/* ------------------------------------------------ all of it */

void
shared_operation(struct worker *worker)
{
	static void (*const kinds[])(struct worker * worker) = {
		token_move,   token_watch, token_watch, pair_exchange, pair_watch,
		slot_publish, slot_read,   slot_read,	log_append,    link_toggle,
		link_watch,   lock_use,	   lock_use,	crowd_change,  crowd_list,
	};

	kinds[draw(&worker->seed, sizeof(kinds) / sizeof(kinds[0]))](worker);
}

void
shared_verify(struct worker *worker)
{
	for (worker->mount = 0; worker->mount < worker->control->mounts; worker->mount++) {
		log_verify(worker);
		crowd_list(worker);
		for (uint32_t i = 0; i < 4 * WORKERS; i++) {
			token_watch(worker);
			pair_watch(worker);
			slot_read(worker);
			link_watch(worker);
		}
	}
}
