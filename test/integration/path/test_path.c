/* SPDX-License-Identifier: BSD-2-Clause-Patent */
/*
 * The straight line, as it runs: one engine of two loops and a caller of objio in a world in
 * memory. Stacks are taken where an update and a fetch leave the caller, change the store, wait,
 * and reach a disk, and their files are compared with what ARCHITECTURE.md says of the life of
 * both. And no fetch crosses loops.
 *
 * The functions below are wrapped by the linker (test/CMakeLists.txt): their callers come here
 * first.
 */
#include <dlfcn.h>
#include <execinfo.h>
#include <limits.h>
#include <stdlib.h>
#include <unistd.h>

#include "media/private.h"
#include "objio/objio.h"
#include "proto/header.h"
#include "unit/engine/site.c"

/* ------------------------------------------------ stacks */

#define FRAMES 64

struct stack {
	void *frames[FRAMES]; /* innermost first */
	int count;
};

/* Where a stack is taken, and who must be on it for it to count. */
enum place { SENT, COMMITTED, WRITTEN, WAITED, READ, PLACES };

struct recorder {
	bool on;
	const char *roots[PLACES]; /* exported functions; NULL: nothing is taken */
	struct stack stacks[PLACES];
};

static struct recorder recorder;

static bool
stack_has(const struct stack *stack, const char *function)
{
	Dl_info info;

	for (int i = 0; i < stack->count; i++)
		if (dladdr((char *)stack->frames[i] - 1, &info) && info.dli_sname &&
		    strcmp(info.dli_sname, function) == 0)
			return true;
	return false;
}

/* Keeps the first stack of each place. callee is the function that was about to run. */
static void __attribute__((noinline)) record(enum place place, uintptr_t callee)
{
	struct stack *kept = &recorder.stacks[place];
	struct stack stack;

	if (!recorder.on || !recorder.roots[place] || kept->count > 0)
		return;
	stack.count = backtrace(stack.frames, FRAMES);
	if (!stack_has(&stack, recorder.roots[place]))
		return;
	*kept = stack;
	/* In the place of record() itself. A frame is a return address, one past its call. */
	kept->frames[0] = (void *)(callee + 1);
}

void __real_proto_frame_seal(const struct iovec *iov, uint32_t iov_count);
void __wrap_proto_frame_seal(const struct iovec *iov, uint32_t iov_count);
void
__wrap_proto_frame_seal(const struct iovec *iov, uint32_t iov_count)
{
	record(SENT, (uintptr_t)__real_proto_frame_seal);
	__real_proto_frame_seal(iov, iov_count);
}

void __real_tx_commit(struct tx *tx, uint64_t *ret_group);
void __wrap_tx_commit(struct tx *tx, uint64_t *ret_group);
void
__wrap_tx_commit(struct tx *tx, uint64_t *ret_group)
{
	record(COMMITTED, (uintptr_t)__real_tx_commit);
	__real_tx_commit(tx, ret_group);
}

void __real_ring_write_start(struct media *media, uint32_t block, uint32_t blocks, void *buffer,
			     struct ring_write *write);
void __wrap_ring_write_start(struct media *media, uint32_t block, uint32_t blocks, void *buffer,
			     struct ring_write *write);
void
__wrap_ring_write_start(struct media *media, uint32_t block, uint32_t blocks, void *buffer,
			struct ring_write *write)
{
	record(WRITTEN, (uintptr_t)__real_ring_write_start);
	__real_ring_write_start(media, block, blocks, buffer, write);
}

int __real_media_wait(struct media *media, uint64_t group);
int __wrap_media_wait(struct media *media, uint64_t group);
int
__wrap_media_wait(struct media *media, uint64_t group)
{
	record(WAITED, (uintptr_t)__real_media_wait);
	return __real_media_wait(media, group);
}

int __real_disk_read(struct disk *disk, void *buffer, uint64_t length, uint64_t offset);
int __wrap_disk_read(struct disk *disk, void *buffer, uint64_t length, uint64_t offset);
int
__wrap_disk_read(struct disk *disk, void *buffer, uint64_t length, uint64_t offset)
{
	record(READ, (uintptr_t)__real_disk_read);
	return __real_disk_read(disk, buffer, length, offset);
}

/* ------------------------------------------------ from stacks to files */

#define FILES 96
#define FILE_TEXT 64

/* Files of src/, as "module/file.c", outermost first, each once in a row. */
struct files {
	char names[FILES][FILE_TEXT];
	uint32_t count;
};

static void
files_add(struct files *files, const char *name, size_t length)
{
	char text[FILE_TEXT];

	snprintf(text, sizeof(text), "%.*s", (int)length, name);
	if (files->count > 0 && strcmp(files->names[files->count - 1], text) == 0)
		return;
	assert_true(files->count < FILES);
	memcpy(files->names[files->count++], text, sizeof(text));
}

/* Files beneath everything: they are on every stack and in no table. */
static bool
is_ground(const char *name)
{
	return strncmp(name, "base/", 5) == 0 || strncmp(name, "fiber/", 6) == 0 ||
	       strncmp(name, "env/", 4) == 0;
}

/* A line of addr2line that names a file of src/ is added. */
static void
files_take_line(struct files *files, const char *line)
{
	const char *name = strstr(line, "/src/"), *end;

	if (!name)
		return;
	name += strlen("/src/");
	end = strchr(name, ':');
	if (end && !is_ground(name))
		files_add(files, name, (size_t)(end - name));
}

static void
files_reverse(struct files *files)
{
	for (uint32_t i = 0; i < files->count / 2; i++) {
		char text[FILE_TEXT];

		memcpy(text, files->names[i], FILE_TEXT);
		memcpy(files->names[i], files->names[files->count - 1 - i], FILE_TEXT);
		memcpy(files->names[files->count - 1 - i], text, FILE_TEXT);
	}
}

/* Inlined callers count, too. */
static void
files_of(const struct stack *stack, struct files *files)
{
	char command[FRAMES * 24 + PATH_MAX], self[PATH_MAX] = "", line[PATH_MAX];
	int used;
	Dl_info base;
	FILE *pipe;

	files->count = 0;
	assert_true(readlink("/proc/self/exe", self, sizeof(self) - 1) > 0);
	assert_true(dladdr((void *)(uintptr_t)record, &base));
	used = snprintf(command, sizeof(command), "addr2line -i -e '%s'", self);
	for (int i = 0; i < stack->count; i++)
		used += snprintf(
			command + used, sizeof(command) - (size_t)used, " %#lx",
			(unsigned long)((char *)stack->frames[i] - 1 - (char *)base.dli_fbase));
	pipe = popen(command, "r");
	assert_non_null(pipe);
	while (fgets(line, sizeof(line), pipe))
		files_take_line(files, line);
	assert_int_equal(pclose(pipe), 0);
	files_reverse(files);
}

static bool
files_have(const struct files *files, const char *name)
{
	for (uint32_t i = 0; i < files->count; i++)
		if (strcmp(files->names[i], name) == 0)
			return true;
	return false;
}

static size_t
module_length(const char *name)
{
	return (size_t)(strrchr(name, '/') - name);
}

static bool
same_module(const char *one, const char *other)
{
	return module_length(one) == module_length(other) &&
	       strncmp(one, other, module_length(one)) == 0;
}

/* The modules that the files go through, each once in a row. */
static void
modules_of(const struct files *files, struct files *modules)
{
	modules->count = 0;
	for (uint32_t i = 0; i < files->count; i++)
		files_add(modules, files->names[i], module_length(files->names[i]));
}

static void
print_files(const char *what, const struct files *files)
{
	fprintf(stderr, "%s:", what);
	for (uint32_t i = 0; i < files->count; i++)
		fprintf(stderr, " %s", files->names[i]);
	fprintf(stderr, "\n");
}

/* The text names files of the stack in their order, and goes through the same modules. */
static void
compare(const char *what, const struct files *text, const struct files *stack)
{
	struct files text_modules, stack_modules;
	uint32_t met = 0;
	bool same;

	for (uint32_t i = 0; i < stack->count && met < text->count; i++)
		met += strcmp(stack->names[i], text->names[met]) == 0;
	modules_of(text, &text_modules);
	modules_of(stack, &stack_modules);
	same = text_modules.count == stack_modules.count;
	for (uint32_t i = 0; i < text_modules.count && same; i++)
		same = strcmp(text_modules.names[i], stack_modules.names[i]) == 0;
	if (met == text->count && same && text->count > 0)
		return;
	fprintf(stderr, "%s: ARCHITECTURE.md and the stack differ\n", what);
	print_files("  ARCHITECTURE.md", text);
	print_files("  the stack", stack);
	fail();
}

/* ------------------------------------------------ ARCHITECTURE.md */

/* What the document says: the rows of the update in order, and what the fetch names. */
struct document {
	struct files rows;
	uint32_t network; /* rows before the wire */
	struct files fetch;
};

/* The next `name.c` in backquotes; *text moves behind it. */
static bool
next_file(const char **text, const char **ret_name, size_t *ret_length)
{
	const char *open, *close;

	while ((open = strchr(*text, '`')) && (close = strchr(open + 1, '`'))) {
		*text = close + 1;
		*ret_name = open + 1;
		*ret_length = (size_t)(close - open - 1);
		if (*ret_length > 2 && *ret_length < FILE_TEXT && close[-1] == 'c' &&
		    close[-2] == '.' && memchr(open, '/', *ret_length))
			return true;
	}
	return false;
}

/* A row of the table: its second column is one file, or says that the wire is there. */
static void
take_row(struct document *document, const char *line)
{
	const char *column = strchr(line + 1, '|'), *name;
	char text[256];
	size_t length;

	if (line[0] != '|' || !column)
		return;
	snprintf(text, sizeof(text), "%.*s", (int)strcspn(column + 1, "|"), column + 1);
	if (strstr(text, "*network*"))
		document->network = document->rows.count;
	column = text;
	if (next_file(&column, &name, &length))
		files_add(&document->rows, name, length);
}

static void
read_document(struct document *document)
{
	FILE *file = fopen(CAIRN_GOLDEN_DIR "/../../ARCHITECTURE.md", "r");
	char line[4096], section[256] = "";
	const char *text, *name;
	size_t length;

	memset(document, 0, sizeof(*document));
	assert_non_null(file);
	while (fgets(line, sizeof(line), file)) {
		if (strncmp(line, "## ", 3) == 0)
			snprintf(section, sizeof(section), "%.200s", line + 3);
		else if (strcmp(section, "The life of an update\n") == 0)
			take_row(document, line);
		text = line;
		while (strcmp(section, "The life of a fetch\n") == 0 &&
		       next_file(&text, &name, &length))
			files_add(&document->fetch, name, length);
	}
	fclose(file);
	assert_true(document->network >= 2 && document->rows.count > document->network + 3);
	assert_true(document->fetch.count > 0);
}

/* Rows [from, to), those of client/ left out: it needs a real network. */
static void
rows_between(const struct document *document, uint32_t from, uint32_t to, struct files *ret_files)
{
	ret_files->count = 0;
	for (uint32_t i = from; i < to; i++)
		if (!same_module(document->rows.names[i], "client/"))
			files_add(ret_files, document->rows.names[i],
				  strlen(document->rows.names[i]));
}

/* The first row of a module at or behind `from`, or behind the end. */
static uint32_t
row_of(const struct document *document, uint32_t from, const char *module)
{
	while (from < document->rows.count && !same_module(document->rows.names[from], module))
		from++;
	return from;
}

/* The same line with another verb. */
static void
change_verb(struct files *files)
{
	for (uint32_t i = 0; i < files->count; i++) {
		char *verb = strstr(files->names[i], "/update.c");

		if (verb)
			memcpy(verb, "/fetch.c", sizeof("/fetch.c"));
	}
}

/* ------------------------------------------------ the world */

#define LARGE (128u * 1024)
#define FETCHES 1000u

struct bed {
	struct site site; /* first */
	struct uuid pool, container;
	struct objio_pool *objio_pool;
	struct objio *objio;
	uint8_t *value;
};

static struct bed *
bed_of(struct site *site)
{
	return container_of(site, struct bed, site);
}

static int
open_pool(struct bed *bed)
{
	const struct proto_pool_connect wanted = {name("path"), draw_id(&bed->site), DAOS_PC_RW};
	struct objio_pool_options options = {.rpc = bed->site.rpc};
	struct proto_pool_connected answer;
	struct call call;
	int rc;

	call_begin(&call, &bed->site);
	proto_pool_connect_encode(&wanted, &call.writer);
	rc = change(&call, PROTO_POOL_CONNECT);
	if (rc == 0)
		rc = proto_pool_connected_decode(&call.reply.body, bed->site.client_env->arena,
						 &answer);
	if (rc == 0) {
		options.pool = answer.id;
		options.map = &answer.map;
		rc = objio_pool_create(&options, &bed->objio_pool);
		proto_pool_connected_free(bed->site.client_env->arena, &answer);
	}
	call_end(&call);
	bed->pool = wanted.handle;
	return rc;
}

static int
begin(struct site *site)
{
	struct bed *bed = bed_of(site);

	assert_int_equal(create_pool(site, "path", 128, NULL), 0);
	assert_int_equal(open_pool(bed), 0);
	assert_int_equal(create_container(site, bed->pool, "path", NULL), 0);
	assert_int_equal(open_container(site, bed->pool, "path", DAOS_COO_RW, &bed->container), 0);
	return objio_create(bed->objio_pool, bed->container, true, &bed->objio);
}

static int
end(struct site *site)
{
	struct bed *bed = bed_of(site);

	objio_destroy(bed->objio);
	objio_pool_destroy(bed->objio_pool);
	assert_int_equal(close_container(site, bed->container), 0);
	return disconnect_pool(site, bed->pool);
}

static int
set_up(void **state)
{
	struct bed *bed = test_calloc(1, sizeof(*bed));

	bed->value = test_malloc(LARGE);
	memset(bed->value, 'v', LARGE);
	bed->site.loop_count = 2;
	bed->site.target_count = 2;
	site_begin(&bed->site, 1);
	site_run(&bed->site, begin);
	*state = bed;
	return 0;
}

static int
tear_down(void **state)
{
	struct bed *bed = *state;

	site_run(&bed->site, end);
	site_end(&bed->site);
	test_free(bed->value);
	test_free(bed);
	return 0;
}

/* An object over all targets, with hashed keys. */
static const struct object_id object = {.lo = 1, .hi = UINT64_C(1) << 48 | UINT64_C(0xffff) << 32};

/* One extent of bytes under dkey `number`. */
static int
transfer(struct bed *bed, uint32_t number, uint64_t length, bool write)
{
	char text[16];
	struct objio_key dkey = {text, (uint32_t)snprintf(text, sizeof(text), "%u", number)};
	struct iovec iov = {bed->value, length};
	struct proto_extent extent = {0, length};
	struct objio_akey akey = {
		.key = {"a", 1},
		.type = PROTO_VALUE_ARRAY,
		.record_size = write ? 1 : 0,
		.extents = &extent,
		.extent_count = 1,
		.payload = &iov,
		.payload_count = 1,
	};

	if (write)
		return objio_update(bed->objio, object, dkey, &akey, 1, 0);
	return objio_fetch(bed->objio, object, dkey, &akey, 1, NULL, 0, false);
}

static int
update_small(struct site *site)
{
	return transfer(bed_of(site), 1, 4096, true);
}

/* Too large to travel in the log: it is read from the disk. */
static int
update_large(struct site *site)
{
	return transfer(bed_of(site), 2, LARGE, true);
}

static int
fetch_large(struct site *site)
{
	return transfer(bed_of(site), 2, LARGE, false);
}

/* Whether calls leave their frames: with -O2 the last one of a function does not. */
static bool
frames_are_whole(void)
{
	const char *preset = getenv("CAIRN_PRESET");

	return !preset || strcmp(preset, "release") != 0;
}

/* Runs body with the recorder on. */
static void
take_stacks(struct bed *bed, int (*body)(struct site *site), const char *const roots[PLACES])
{
	memset(&recorder, 0, sizeof(recorder));
	memcpy(recorder.roots, roots, sizeof(recorder.roots));
	recorder.on = true;
	site_run(&bed->site, body);
	recorder.on = false;
	for (int i = 0; i < PLACES; i++)
		if (roots[i] && recorder.stacks[i].count == 0) {
			fprintf(stderr, "%s() was not met at place %d\n", roots[i], i);
			fail();
		}
}

/* ------------------------------------------------ tests */

/* Whether file of src/ defines function. */
static bool
defines(const char *file, const char *function)
{
	char path[PATH_MAX], line[1024];
	size_t length = strlen(function);
	bool found = false;
	FILE *source;

	snprintf(path, sizeof(path), "%s/../../src/%s", CAIRN_GOLDEN_DIR, file);
	source = fopen(path, "r");
	assert_non_null(source);
	while (!found && fgets(line, sizeof(line), source))
		found = strncmp(line, function, length) == 0 && line[length] == '(';
	fclose(source);
	return found;
}

/* The client is no part of this program: its rows are compared with its source. */
static void
client_rows_name_the_api(void **state)
{
	struct document document;

	(void)state;
	read_document(&document);
	assert_true(defines(document.rows.names[0], "daos_obj_update"));
	assert_true(defines(document.rows.names[document.rows.count - 1], "daos_event_test"));
}

static void
update_is_as_documented(void **state)
{
	static const char *const roots[PLACES] = {
		[SENT] = "objio_update",
		[COMMITTED] = "vos_update",
		[WRITTEN] = "group_writer",
		[WAITED] = "operation_change",
	};
	struct document document;
	struct files text, rest, stack;
	uint32_t commit, written, after;

	if (!frames_are_whole())
		skip();
	read_document(&document);
	/* The first one also makes the container known to the target. */
	site_run(*state, update_small);
	take_stacks(*state, update_small, roots);

	/* The caller's half ends where the frame is made. */
	rows_between(&document, 0, document.network, &text);
	files_add(&text, "proto/header.c", strlen("proto/header.c"));
	files_of(&recorder.stacks[SENT], &stack);
	compare("update, sending", &text, &stack);

	commit = row_of(&document, document.network, "media/");
	rows_between(&document, document.network, commit + 1, &text);
	files_of(&recorder.stacks[COMMITTED], &stack);
	compare("update, committing", &text, &stack);

	written = commit + 1;
	for (after = written;
	     after < document.rows.count && same_module(document.rows.names[after], "media/");)
		after++;
	rows_between(&document, written, after, &text);
	files_of(&recorder.stacks[WRITTEN], &stack);
	compare("update, the group's own line", &text, &stack);

	/* It waits where it answers: above the store, for the group. */
	rows_between(&document, document.network, document.network + 1, &text);
	rows_between(&document, after, document.rows.count, &rest);
	for (uint32_t i = 0; i < rest.count; i++)
		files_add(&text, rest.names[i], strlen(rest.names[i]));
	files_add(&text, document.rows.names[written], strlen(document.rows.names[written]));
	files_of(&recorder.stacks[WAITED], &stack);
	compare("update, waiting", &text, &stack);
}

static void
fetch_is_as_documented(void **state)
{
	static const char *const roots[PLACES] = {
		[SENT] = "objio_fetch",
		[WAITED] = "vos_fetch",
		[READ] = "vos_fetch",
	};
	struct bed *bed = *state;
	struct document document;
	struct files text, sent, waited, stack;
	uint32_t store;

	if (!frames_are_whole())
		skip();
	read_document(&document);
	site_run(&bed->site, update_large);
	take_stacks(bed, fetch_large, roots);

	rows_between(&document, 0, document.network, &text);
	change_verb(&text);
	files_add(&text, "proto/header.c", strlen("proto/header.c"));
	files_of(&recorder.stacks[SENT], &sent);
	compare("fetch, sending", &text, &sent);

	store = row_of(&document, document.network, "vos/");
	rows_between(&document, document.network, store + 1, &text);
	change_verb(&text);
	files_of(&recorder.stacks[WAITED], &waited);
	files_add(&text, "media/group.c", strlen("media/group.c"));
	compare("fetch, waiting", &text, &waited);

	text.count--;
	files_of(&recorder.stacks[READ], &stack);
	files_add(&text, stack.names[stack.count - 1], strlen(stack.names[stack.count - 1]));
	compare("fetch, reading", &text, &stack);

	/* Every file that the section names is on the way. */
	for (uint32_t i = 0; i < document.fetch.count; i++) {
		const char *file = document.fetch.names[i];

		if (files_have(&sent, file) || files_have(&stack, file) ||
		    files_have(&waited, file) || same_module(file, "client/"))
			continue;
		fprintf(stderr, "a fetch does not come through %s\n", file);
		fail();
	}
}

static uint64_t
cross_calls(const struct site *site)
{
	uint64_t calls = 0;

	for (uint32_t i = 0; i < site->loop_count; i++)
		calls += loop_cross_calls(site->loops[i]);
	return calls;
}

static int
update_many(struct site *site)
{
	for (uint32_t i = 0; i < 16; i++)
		assert_int_equal(transfer(bed_of(site), i, 4096, true), 0);
	return 0;
}

static int
fetch_many(struct site *site)
{
	for (uint32_t i = 0; i < FETCHES; i++)
		assert_int_equal(transfer(bed_of(site), i % 16, 4096, false), 0);
	return 0;
}

static void
fetches_cross_no_loops(void **state)
{
	struct bed *bed = *state;
	uint64_t before;

	site_run(&bed->site, update_many);
	site_run(&bed->site, fetch_many);
	before = cross_calls(&bed->site);
	/* The counter works: setting up a pool and a container crossed. */
	assert_true(before > 0);
	site_run(&bed->site, fetch_many);
	assert_int_equal(cross_calls(&bed->site), before);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(client_rows_name_the_api),
		cmocka_unit_test(update_is_as_documented),
		cmocka_unit_test(fetch_is_as_documented),
		cmocka_unit_test(fetches_cross_no_loops),
	};
	void *warm[1];

	/* The first backtrace() opens a library, for which a fiber's stack is too small; a failed
	 * check on a fiber cannot jump to the stack of the test. */
	assert_true(backtrace(warm, 1) > 0);
	setenv("CMOCKA_TEST_ABORT", "1", 1);
	return cmocka_run_group_tests(tests, set_up, tear_down);
}
