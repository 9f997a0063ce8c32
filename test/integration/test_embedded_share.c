/* SPDX-License-Identifier: BSD-2-Clause-Patent */
/*
 * Several processes on one embedded directory: one of them serves, and whichever it is may be
 * killed, end, exit or fork while the others go on.
 *
 * The test's own process runs no client while it has workers, which are forked from it; they tell
 * what they did on a board of shared memory.
 */
#include <fcntl.h>
#include <pthread.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "client/client.h"
#include "engine_bed.h"

#define WORKERS 6
#define VALUE 200
/* What a healthy machine, however slow, does not need. */
#define PATIENCE_SECONDS 40
/* Each of 20 owners in turn has one open file system entry less than a second. */
#define KILLS 20

struct board {
	atomic_uint acknowledged[WORKERS]; /* keys 1 to this were answered */
	atomic_uint rounds[WORKERS];
	atomic_uint ready;
	atomic_bool stop;
};

static struct embedded_bed bed;
static struct board *board;

/* ------------------------------------------------ workers */

/* A worker has failed unless this holds: its message and line are the test's to show. */
#define must(condition) \
	((condition) ? (void)0 : worker_failed(#condition, __LINE__, client_last_error()))
#define must_ok(call) must((call) == 0)

static void
worker_failed(const char *what, int line, const char *why)
{
	fprintf(stderr, "worker %d, line %d: %s; %s\n", (int)getpid(), line, what, why);
	_exit(1);
}

static pid_t
worker_start(void (*run)(int number), int number)
{
	pid_t parent = getpid(), child;

	fflush(NULL);
	child = fork();
	assert_true(child >= 0);
	if (child > 0)
		return child;
	prctl(PR_SET_PDEATHSIG, SIGKILL);
	if (getppid() != parent)
		_exit(1);
	run(number);
	_exit(0);
}

static void
worker_end(pid_t worker)
{
	int status;

	assert_int_equal(waitpid(worker, &status, 0), worker);
	assert_int_equal(status, 0);
}

static void
worker_kill(pid_t worker)
{
	int status;

	assert_int_equal(kill(worker, SIGKILL), 0);
	assert_int_equal(waitpid(worker, &status, 0), worker);
	assert_true(WIFSIGNALED(status) && WTERMSIG(status) == SIGKILL);
}

static void
board_clear(void)
{
	memset((void *)board, 0, sizeof(*board));
}

/* Waits until holds(argument), looking again each millisecond; meanwhile no worker may end. */
static void
wait_until(bool (*holds)(void *argument), void *argument)
{
	const struct timespec pause = {.tv_nsec = 1000000};
	time_t end = time(NULL) + PATIENCE_SECONDS;
	int status;

	while (!holds(argument)) {
		assert_true(waitpid(-1, &status, WNOHANG) <= 0);
		assert_true(time(NULL) < end);
		nanosleep(&pause, NULL);
	}
}

/* ------------------------------------------------ stores and keys */

static daos_handle_t
store_open(struct embedded_bed *here, int number)
{
	daos_obj_id_t oid = {.lo = (uint64_t)number + 1};
	daos_handle_t store;

	must_ok(daos_obj_generate_oid(here->container, &oid, DAOS_OT_KV_HASHED, OC_SX, 0, 0));
	must_ok(daos_kv_open(here->container, oid, DAOS_OO_RW, &store, NULL));
	return store;
}

static void
bed_open(struct embedded_bed *here)
{
	int rc;

	must_ok(daos_init());
	must_ok(daos_pool_connect("default", NULL, DAOS_PC_RW, &here->pool, NULL, NULL));
	rc = daos_cont_create_with_label(here->pool, "test", NULL, NULL, NULL);
	must(rc == 0 || rc == -DER_EXIST);
	must_ok(daos_cont_open(here->pool, "test", DAOS_COO_RW, &here->container, NULL, NULL));
}

static void
bed_close(struct embedded_bed *here)
{
	must_ok(daos_cont_close(here->container, NULL));
	must_ok(daos_pool_disconnect(here->pool, NULL));
	must_ok(daos_fini());
}

static void
value_of(unsigned int key, char value[VALUE])
{
	memset(value, 'a' + (int)(key % 26), VALUE);
	memcpy(value, &key, sizeof(key));
}

/* A key that is inserted twice, by a request that was executed twice, gives -DER_EXIST. */
static void
put(daos_handle_t store, unsigned int key, uint64_t conditions)
{
	char name[16], value[VALUE];

	snprintf(name, sizeof(name), "%u", key);
	value_of(key, value);
	must_ok(daos_kv_put(store, DAOS_TX_NONE, conditions, name, VALUE, value, NULL));
}

static bool
stored(daos_handle_t store, unsigned int key)
{
	char name[16], value[VALUE], expected[VALUE];
	daos_size_t size = VALUE;

	snprintf(name, sizeof(name), "%u", key);
	value_of(key, expected);
	must_ok(daos_kv_get(store, DAOS_TX_NONE, 0, name, &size, value, NULL));
	must(size == 0 || (size == VALUE && memcmp(value, expected, VALUE) == 0));
	return size > 0;
}

/* Writes the next keys of its store until it is stopped, also where a former worker was killed: the
 * key that one had under way may be there or not. */
static void
write_keys(int number)
{
	struct embedded_bed here;
	daos_handle_t store;
	unsigned int key = atomic_load(&board->acknowledged[number]) + 1;

	bed_open(&here);
	store = store_open(&here, number);
	put(store, key, 0);
	for (;;) {
		atomic_store(&board->acknowledged[number], key);
		if (atomic_load(&board->stop))
			break;
		put(store, ++key, DAOS_COND_KEY_INSERT);
	}
	must_ok(daos_kv_close(store, NULL));
	bed_close(&here);
}

/* ------------------------------------------------ listing */

#define LIST_KEYS 64
#define LIST_BYTES 2048

/* Marks each listed key, which is a number, in seen. */
static void
list_keys(daos_handle_t store, uint8_t *seen, unsigned int limit)
{
	daos_key_desc_t descriptors[LIST_KEYS];
	char text[LIST_BYTES], key[16];
	d_iov_t iov = {text, sizeof(text), sizeof(text)};
	d_sg_list_t sgl = {.sg_nr = 1, .sg_iovs = &iov};
	daos_anchor_t anchor = {0};

	while (!daos_anchor_is_eof(&anchor)) {
		uint32_t count = LIST_KEYS;
		const char *at = text;

		must_ok(daos_kv_list(store, DAOS_TX_NONE, &count, descriptors, &sgl, &anchor,
				     NULL));
		for (uint32_t i = 0; i < count; at += descriptors[i++].kd_key_len) {
			unsigned long number;

			snprintf(key, sizeof(key), "%.*s", (int)descriptors[i].kd_key_len, at);
			number = strtoul(key, NULL, 10);
			if (number < limit)
				seen[number]++;
		}
	}
}

/* Everything acknowledged before the listing began is in it, once. */
static void
check_listing(daos_handle_t store, int number)
{
	unsigned int acknowledged = atomic_load(&board->acknowledged[number]);
	uint8_t *seen = calloc(acknowledged + 1, 1);

	list_keys(store, seen, acknowledged + 1);
	for (unsigned int key = 1; key <= acknowledged; key++)
		must(seen[key] == 1);
	free(seen);
}

/* Lists the stores of workers 0 and 1 until it is stopped. */
static void
list_stores(int number)
{
	struct embedded_bed here;
	daos_handle_t stores[2];

	bed_open(&here);
	for (int i = 0; i < 2; i++)
		stores[i] = store_open(&here, i);
	while (!atomic_load(&board->stop)) {
		for (int i = 0; i < 2; i++)
			check_listing(stores[i], i);
		atomic_fetch_add(&board->rounds[number], 1);
	}
	for (int i = 0; i < 2; i++)
		must_ok(daos_kv_close(stores[i], NULL));
	bed_close(&here);
}

/* The test's own process: all that was acknowledged is there, and at most one key more. */
static void
verify(int writers)
{
	struct embedded_bed here;

	bed_open(&here);
	for (int i = 0; i < writers; i++) {
		unsigned int acknowledged = atomic_load(&board->acknowledged[i]);
		daos_handle_t store = store_open(&here, i);

		for (unsigned int key = 1; key <= acknowledged; key++)
			assert_true(stored(store, key));
		assert_false(stored(store, acknowledged + 2));
		must_ok(daos_kv_close(store, NULL));
	}
	bed_close(&here);
}

/* ------------------------------------------------ the owner */

/* As the lock file says; 0 while nobody serves. */
static pid_t
owner(void)
{
	char path[256], text[16] = "";
	int descriptor;

	snprintf(path, sizeof(path), "%s/data/lock", bed.directory);
	descriptor = open(path, O_RDONLY | O_CLOEXEC);
	if (descriptor < 0)
		return 0;
	if (read(descriptor, text, sizeof(text) - 1) < 0)
		text[0] = '\0';
	close(descriptor);
	return (pid_t)atoi(text);
}

/* Two writers and a lister have come on since, all but the one that is missing. */
struct progress {
	unsigned int written[2], listed;
	int missing; /* -1: none */
};

static struct progress
progress_now(void)
{
	return (struct progress){.written = {atomic_load(&board->acknowledged[0]),
					     atomic_load(&board->acknowledged[1])},
				 .listed = atomic_load(&board->rounds[2]),
				 .missing = -1};
}

static bool
progress_made(void *argument)
{
	const struct progress *before = argument;
	struct progress now = progress_now();

	return (before->missing == 0 || now.written[0] >= before->written[0] + 10) &&
	       (before->missing == 1 || now.written[1] >= before->written[1] + 10) &&
	       (before->missing == 2 || now.listed >= before->listed + 2);
}

static void
wait_for_others(int missing)
{
	struct progress before = progress_now();

	before.missing = missing;
	wait_until(progress_made, &before);
}

static void
wait_for_progress(void)
{
	wait_for_others(-1);
}

static void
owner_is_killed(void **state)
{
	static void (*const roles[])(int number) = {write_keys, write_keys, list_stores};
	pid_t workers[3];
	int killed[3] = {0};

	(void)state;
	board_clear();
	embedded_directory_make(&bed);
	for (int i = 0; i < 3; i++)
		workers[i] = worker_start(roles[i], i);
	for (int kills = 0; kills < KILLS; kills++) {
		pid_t victim;
		int role = 0;

		wait_for_progress();
		victim = owner();
		while (role < 3 && workers[role] != victim)
			role++;
		assert_in_range(role, 0, 2);
		killed[role]++;
		worker_kill(victim);
		/* Now and then the next owner is one of the others, else who comes first. */
		if (kills % 4 != 3)
			wait_for_others(role);
		workers[role] = worker_start(roles[role], role);
	}
	wait_for_progress();
	/* One who does not serve may go as well. */
	for (int i = 0; i < 3; i++) {
		if (workers[i] == owner())
			continue;
		worker_kill(workers[i]);
		workers[i] = worker_start(roles[i], i);
		wait_for_progress();
	}
	atomic_store(&board->stop, true);
	for (int i = 0; i < 3; i++)
		worker_end(workers[i]);
	verify(2);
	embedded_directory_remove(&bed);
	print_message("killed: %d and %d times a writer, %d times the lister; %u and %u keys\n",
		      killed[0], killed[1], killed[2], board->acknowledged[0],
		      board->acknowledged[1]);
}

/* ------------------------------------------------ hand-over in order */

#define SWAPS 8

/* Comes, writes and goes, whether it serves the others or not. */
static void
come_and_go(int number)
{
	unsigned int key = 0;

	for (int i = 0; i < SWAPS; i++) {
		struct embedded_bed here;
		daos_handle_t store;

		bed_open(&here);
		store = store_open(&here, number);
		for (int j = 0; j < 5; j++)
			put(store, ++key, DAOS_COND_KEY_INSERT);
		must_ok(daos_kv_close(store, NULL));
		bed_close(&here);
		atomic_store(&board->acknowledged[number], key);
	}
	atomic_fetch_add(&board->ready, 1);
}

/* Two come and go, so that each takes over from the other, while a third writes on. */
static void
owner_leaves(void **state)
{
	pid_t workers[3];

	(void)state;
	board_clear();
	embedded_directory_make(&bed);
	for (int i = 0; i < 2; i++)
		workers[i] = worker_start(come_and_go, i);
	workers[2] = worker_start(write_keys, 2);
	for (int i = 0; i < 2; i++)
		worker_end(workers[i]);
	atomic_store(&board->stop, true);
	worker_end(workers[2]);
	verify(3);
	embedded_directory_remove(&bed);
}

/* Writes until it is refused. */
static void *
write_on(void *argument)
{
	const daos_handle_t *store = argument;
	int rc;

	do
		rc = daos_kv_put(*store, DAOS_TX_NONE, 0, "on", 1, "x", NULL);
	while (rc == 0);
	return NULL;
}

/* Ends by exit() with its client up, while another thread is using it. */
static void
exit_unsaid(int number)
{
	static daos_handle_t store;
	struct embedded_bed here;
	pthread_t thread;

	bed_open(&here);
	store = store_open(&here, number);
	must(pthread_create(&thread, NULL, write_on, &store) == 0);
	put(store, 1, 0);
	atomic_store(&board->acknowledged[number], 1);
	exit(0);
}

static void
owner_exits(void **state)
{
	struct embedded_bed here;
	pid_t writer;

	(void)state;
	board_clear();
	embedded_directory_make(&bed);
	worker_end(worker_start(exit_unsaid, 0));
	/* The log is closed: whoever comes next finds a lock that nobody has, and no socket. */
	assert_int_equal(owner(), 0);
	writer = worker_start(write_keys, 1);
	worker_end(worker_start(exit_unsaid, 2));
	atomic_store(&board->stop, true);
	worker_end(writer);
	verify(3);
	/* In the test's own process. */
	bed_open(&here);
	assert_int_equal(owner(), getpid());
	bed_close(&here);
	assert_int_equal(owner(), 0);
	embedded_directory_remove(&bed);
}

/* ------------------------------------------------ all at once */

static void
start_together(int number)
{
	struct embedded_bed here;
	daos_handle_t store;

	atomic_fetch_add(&board->ready, 1);
	while (atomic_load(&board->ready) < WORKERS)
		;
	bed_open(&here);
	store = store_open(&here, 0);
	put(store, (unsigned int)number + 1, DAOS_COND_KEY_INSERT);
	must_ok(daos_kv_close(store, NULL));
	bed_close(&here);
}

/* On no directory at all: one makes the system, the others find it whole. */
static void
all_begin_at_once(void **state)
{
	(void)state;
	for (int round = 0; round < 2; round++) {
		pid_t workers[WORKERS];

		board_clear();
		embedded_directory_make(&bed);
		for (int i = 0; i < WORKERS; i++)
			workers[i] = worker_start(start_together, i);
		for (int i = 0; i < WORKERS; i++)
			worker_end(workers[i]);
		atomic_store(&board->acknowledged[0], WORKERS);
		verify(1);
		embedded_directory_remove(&bed);
	}
}

/* ------------------------------------------------ children of an owner */

/* Serves, and has children that outlive it: one that waits, one that runs another program. */
static void
serve_with_children(int number)
{
	struct embedded_bed here;
	char *program[] = {(char *)(uintptr_t) "/bin/sleep", (char *)(uintptr_t) "60", NULL};
	pid_t child;

	bed_open(&here);
	put(store_open(&here, number), 1, 0);
	for (int i = 0; i < 2; i++) {
		child = fork();
		must(child >= 0);
		if (child == 0) {
			alarm(60);
			if (i == 0)
				execv(program[0], program);
			for (;;)
				pause();
		}
		atomic_store(&board->rounds[i], (unsigned int)child);
	}
	atomic_store(&board->acknowledged[number], 1);
	for (;;)
		pause();
}

static bool
first_key(void *argument)
{
	return atomic_load(&board->acknowledged[(intptr_t)argument]) > 0;
}

static bool
ten_more(void *argument)
{
	return atomic_load(&board->acknowledged[1]) >= *(unsigned int *)argument + 10;
}

/* Neither has what the owner had: lock, listener and connections end with it. */
static void
children_hold_nothing(void **state)
{
	unsigned int before;
	pid_t server, writer;

	(void)state;
	board_clear();
	embedded_directory_make(&bed);
	server = worker_start(serve_with_children, 0);
	wait_until(first_key, NULL);
	writer = worker_start(write_keys, 1);
	wait_until(first_key, (void *)1);
	assert_int_equal(owner(), server);
	worker_kill(server);
	before = atomic_load(&board->acknowledged[1]);
	wait_until(ten_more, &before);
	assert_int_equal(owner(), writer);
	for (int i = 0; i < 2; i++)
		assert_int_equal(kill((pid_t)atomic_load(&board->rounds[i]), SIGKILL), 0);
	atomic_store(&board->stop, true);
	worker_end(writer);
	verify(2);
	embedded_directory_remove(&bed);
}

/* ------------------------------------------------ a child that begins anew */

/* Serves, with a child that uses its handles, and waits to be killed. The child goes on alone. */
static void
serve_and_fork(int number)
{
	struct embedded_bed here;
	daos_handle_t store;
	pid_t child;

	bed_open(&here);
	store = store_open(&here, number);
	put(store, 1, 0);
	child = fork();
	must(child >= 0);
	if (child > 0)
		for (;;)
			pause();
	alarm(60);
	must_ok(daos_reinit());
	for (unsigned int key = 2; !atomic_load(&board->stop); key++) {
		put(store, key, DAOS_COND_KEY_INSERT);
		atomic_store(&board->acknowledged[1], key);
	}
	must_ok(daos_fini());
	atomic_store(&board->ready, 1);
	_exit(0);
}

static bool
is_ready(void *argument)
{
	(void)argument;
	return atomic_load(&board->ready) > 0;
}

static void
child_takes_over(void **state)
{
	unsigned int before;
	pid_t server;

	(void)state;
	board_clear();
	embedded_directory_make(&bed);
	server = worker_start(serve_and_fork, 0);
	wait_until(first_key, (void *)1);
	assert_int_equal(owner(), server);
	worker_kill(server);
	before = atomic_load(&board->acknowledged[1]);
	wait_until(ten_more, &before);
	assert_int_not_equal(owner(), server);
	atomic_store(&board->stop, true);
	wait_until(is_ready, NULL);
	assert_int_equal(owner(), 0);
	atomic_store(&board->acknowledged[0], atomic_load(&board->acknowledged[1]));
	atomic_store(&board->acknowledged[1], 0);
	verify(1);
	embedded_directory_remove(&bed);
}

/* ------------------------------------------------ clients that are killed */

/* Descriptors of the thread that serves. */
static int
descriptors_of(pid_t process)
{
	char command[160];
	int count = 0;
	FILE *pipe;

	snprintf(command, sizeof(command),
		 "ls $(grep -l '^daos embedded' /proc/%d/task/*/comm | sed s/comm$/fd/) | wc -l",
		 (int)process);
	pipe = popen(command, "r");
	assert_non_null(pipe);
	assert_int_equal(fscanf(pipe, "%d", &count), 1);
	pclose(pipe);
	return count;
}

struct level {
	pid_t process;
	int descriptors;
};

static bool
level_reached(void *argument)
{
	const struct level *level = argument;

	return descriptors_of(level->process) <= level->descriptors;
}

static void
clients_are_killed(void **state)
{
	struct level level;
	pid_t server;

	(void)state;
	board_clear();
	embedded_directory_make(&bed);
	server = worker_start(write_keys, 0);
	wait_until(first_key, NULL);
	level = (struct level){server, descriptors_of(server)};
	for (int i = 0; i < 4; i++) {
		pid_t client = worker_start(write_keys, 1);
		unsigned int before = atomic_load(&board->acknowledged[1]);

		wait_until(ten_more, &before);
		worker_kill(client);
	}
	wait_until(level_reached, &level);
	assert_int_equal(owner(), server);
	atomic_store(&board->stop, true);
	worker_end(server);
	verify(2);
	embedded_directory_remove(&bed);
}

/* ------------------------------------------------ handles of another process */

struct global {
	size_t pool_length, container_length;
	char pool[1024], container[1024];
};

static int handover[2];

/* Serves, gives its handles away, and waits to be killed. */
static void
give_handles(int number)
{
	struct embedded_bed here;
	struct global global;
	d_iov_t pool = {global.pool, sizeof(global.pool), 0};
	d_iov_t container = {global.container, sizeof(global.container), 0};

	memset(&global, 0, sizeof(global));
	bed_open(&here);
	put(store_open(&here, number), 1, 0);
	must_ok(daos_pool_local2global(here.pool, &pool));
	must_ok(daos_cont_local2global(here.container, &container));
	global.pool_length = pool.iov_len;
	global.container_length = container.iov_len;
	must(write(handover[1], &global, sizeof(global)) == (ssize_t)sizeof(global));
	for (;;)
		pause();
}

/* Uses them, though it has looked for no server and its maker is killed meanwhile. */
static void
take_handles(int number)
{
	struct embedded_bed here;
	struct global global;
	d_iov_t pool = {global.pool, sizeof(global.pool), 0};
	d_iov_t container = {global.container, sizeof(global.container), 0};
	daos_handle_t store;

	must(read(handover[0], &global, sizeof(global)) == (ssize_t)sizeof(global));
	pool.iov_len = global.pool_length;
	container.iov_len = global.container_length;
	must_ok(daos_init());
	must_ok(daos_pool_global2local(pool, &here.pool));
	must_ok(daos_cont_global2local(here.pool, container, &here.container));
	store = store_open(&here, 0);
	for (unsigned int key = 2; !atomic_load(&board->stop); key++) {
		put(store, key, DAOS_COND_KEY_INSERT);
		atomic_store(&board->acknowledged[number], key);
	}
	must(stored(store, 1));
	must_ok(daos_kv_close(store, NULL));
	bed_close(&here);
}

static void
handles_outlive_their_maker(void **state)
{
	unsigned int before;
	pid_t maker, taker;

	(void)state;
	board_clear();
	embedded_directory_make(&bed);
	assert_int_equal(pipe2(handover, O_CLOEXEC), 0);
	maker = worker_start(give_handles, 0);
	taker = worker_start(take_handles, 1);
	wait_until(first_key, (void *)1);
	assert_int_equal(owner(), maker);
	worker_kill(maker);
	before = atomic_load(&board->acknowledged[1]);
	wait_until(ten_more, &before);
	assert_int_equal(owner(), taker);
	atomic_store(&board->stop, true);
	worker_end(taker);
	atomic_store(&board->acknowledged[0], atomic_load(&board->acknowledged[1]));
	verify(1);
	close(handover[0]);
	close(handover[1]);
	embedded_directory_remove(&bed);
}

/* ------------------------------------------------ other users */

#define STRANGER 65534

static int stranger_code;

/* Another user. What it may do with the pool is the pool's to say, here only whether it gets there:
 * the system answers to anybody. */
static void
come_as_stranger(int number)
{
	struct client_pool_entry *pools;
	uint32_t count;
	int rc;

	(void)number;
	must(setgid(STRANGER) == 0 && setuid(STRANGER) == 0);
	client_set_quiet(true);
	must_ok(daos_init());
	rc = client_pool_list(&pools, &count);
	if (rc == 0)
		free(pools);
	must(rc == stranger_code);
	must_ok(daos_fini());
}

static void
by_permissions_of_the_directory(void **state)
{
	char data[256];
	pid_t server;

	(void)state;
	if (geteuid() != 0)
		skip();
	board_clear();
	embedded_directory_make(&bed);
	assert_int_equal(chmod(bed.directory, 0755), 0);
	server = worker_start(write_keys, 0);
	wait_until(first_key, NULL);
	/* Nobody else may enter. */
	stranger_code = -DER_NO_PERM;
	worker_end(worker_start(come_as_stranger, 0));
	atomic_store(&board->stop, true);
	worker_end(server);
	/* Whoever may write in it may be a client. */
	atomic_store(&board->stop, false);
	snprintf(data, sizeof(data), "%s/data", bed.directory);
	assert_int_equal(chmod(data, 0777), 0);
	server = worker_start(write_keys, 1);
	wait_until(first_key, (void *)1);
	stranger_code = 0;
	worker_end(worker_start(come_as_stranger, 0));
	atomic_store(&board->stop, true);
	worker_end(server);
	/* But not take the place of those whose files they are. */
	stranger_code = -DER_NO_PERM;
	worker_end(worker_start(come_as_stranger, 0));
	verify(2);
	embedded_directory_remove(&bed);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(all_begin_at_once),
		cmocka_unit_test(owner_leaves),
		cmocka_unit_test(owner_exits),
		cmocka_unit_test(children_hold_nothing),
		cmocka_unit_test(child_takes_over),
		cmocka_unit_test(clients_are_killed),
		cmocka_unit_test(handles_outlive_their_maker),
		cmocka_unit_test(by_permissions_of_the_directory),
		cmocka_unit_test(owner_is_killed),
	};

	board = mmap(NULL, sizeof(*board), PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1,
		     0);
	if (board == MAP_FAILED)
		return 1;
	embedded_library_open();
	return cmocka_run_group_tests(tests, NULL, NULL);
}
