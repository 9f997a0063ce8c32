/* SPDX-License-Identifier: BSD-2-Clause-Patent */
/*
 * One target's object store in this process, on one thread and on files in a directory, which is to
 * lie on tmpfs, beside LMDB with its default sync: update and fetch of 128 B, growth with the
 *number of keys, with overwrites and with epochs read at, and the replay of a log after SIGKILL.
 *
 *	bench_store_perf --directory DIRECTORY [--long] [--row 7|8|10]
 */
#include <ftw.h>
#include <getopt.h>
#include <math.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#ifdef HAVE_LMDB
#include <lmdb.h>
#endif

#include "core/row.h"
#include "env/linux/linux.h"
#include "vos/vos.h"

#define SIZE 128u
#define FEW 100000u
#define OPERATIONS 20000u
#define BATCH 16u
#define FIBERS 16u
#define VERSIONS 1000u
#define VERSIONED_KEYS 50u
#define EPOCH_STEP 256u
#define KEY_TEXT 16u

static void __attribute__((noreturn)) stop(const char *what, const char *why)
{
	fprintf(stderr, "store_perf: %s: %s\n", what, why);
	exit(1);
}

static void
check(int rc, const char *what)
{
	if (rc != 0)
		stop(what, error_text(rc));
}

static double
now_ns(clockid_t id)
{
	struct timespec now;

	clock_gettime(id, &now);
	return (double)now.tv_sec * 1e9 + (double)now.tv_nsec;
}

static uint32_t
key_write(char text[KEY_TEXT], uint64_t number)
{
	return (uint32_t)snprintf(text, KEY_TEXT, "key-%010llu", (unsigned long long)number);
}

static int
remove_entry(const char *path, const struct stat *status, int flag, struct FTW *where)
{
	(void)status;
	(void)flag;
	(void)where;
	return remove(path);
}

static void
directory_make(const char *parent, const char *name, char path[256])
{
	snprintf(path, 256, "%s/%s", parent, name);
	if (mkdir(path, 0700) < 0)
		stop(path, "cannot be made");
}

/* ------------------------------------------------ the store */

struct store {
	struct env *env;
	struct loop *loop;
	struct media *media;
	struct heap *heap;
	struct vos *vos;
	struct vos_container *container;
	uint64_t epoch;
	uint64_t random;
	uint8_t payload[SIZE];
	bool done;
	/* The present work. */
	int (*function)(struct store *store);
	struct vos_object object;
	uint64_t keys, next, end, read_from, read_epochs;
	uint32_t batch;
	int result;
};

static void
store_fiber(void *argument)
{
	struct store *store = argument;

	store->result = store->function(store);
	store->done = true;
}

/* Runs function on a fiber to its end. */
static void
store_run(struct store *store, int (*function)(struct store *store), const char *what)
{
	store->function = function;
	store->done = false;
	check(fiber_start(store->loop, what, store_fiber, store, NULL), what);
	while (!store->done)
		loop_step(store->loop, UINT64_MAX);
	check(store->result, what);
}

static void
store_world(struct store *store, const char *directory)
{
	struct linux_env_options options = {.directory = directory, .level = LOG_WARNING};

	check(linux_env_create(&options, &store->env), "linux_env_create");
	check(loop_create(store->env, NULL, &store->loop), "loop_create");
	store->epoch = UINT64_C(1) << 32;
	memset(store->payload, 7, SIZE);
}

/* No checkpoint but for want of log: replay has as much to do as there can be. */
static const struct media_options media_choice = {.checkpoint_interval = UINT64_C(3600000000000)};

static int
store_make(struct store *store)
{
	struct heap_options heap = {.id = uuid_make(1, 2),
				    .heap_size = UINT64_C(16) << 30,
				    .data_size = 64u << 20,
				    .thin = true};
	uint64_t group;

	check(media_format(store->loop, "log", &media_choice), "media_format");
	check(media_open(store->loop, "log", &media_choice, &store->media), "media_open");
	check(heap_create(store->media, "pool", &heap), "heap_create");
	check(heap_open(store->media, "pool", &store->heap), "heap_open");
	check(media_start(store->media), "media_start");
	check(vos_format(store->heap), "vos_format");
	check(vos_open(store->heap, &store->vos), "vos_open");
	check(vos_container_create(store->vos, uuid_make(3, 4), &group), "vos_container_create");
	return vos_container_open(store->vos, uuid_make(3, 4), &store->container);
}

static int
store_open(struct store *store)
{
	check(media_open(store->loop, "log", &media_choice, &store->media), "media_open");
	check(heap_open(store->media, "pool", &store->heap), "heap_open");
	check(media_start(store->media), "media_start");
	check(vos_open(store->heap, &store->vos), "vos_open");
	return vos_container_open(store->vos, uuid_make(3, 4), &store->container);
}

static int
store_close(struct store *store)
{
	vos_container_close(store->container);
	vos_close(store->vos);
	return media_close(store->media);
}

static void
store_end(struct store *store)
{
	store_run(store, store_close, "close");
	loop_destroy(store->loop);
	linux_env_destroy(store->env);
}

static int
update_one(struct store *store, uint64_t number)
{
	char text[KEY_TEXT], names[BATCH][4];
	struct vos_key dkey = {text, key_write(text, number)};
	struct iovec iov = {store->payload, SIZE};
	struct vos_akey akeys[BATCH];
	struct vos_change change = {.epoch = store->epoch += EPOCH_STEP};
	uint64_t group;
	int rc;

	for (uint32_t i = 0; i < store->batch; i++) {
		uint32_t length = (uint32_t)snprintf(names[i], sizeof(names[i]), "%u", i);

		akeys[i] = (struct vos_akey){.key = {names[i], length},
					     .type = VOS_SINGLE,
					     .record_size = SIZE,
					     .payload = &iov,
					     .payload_count = 1};
	}
	rc = vos_update(store->container, &store->object, dkey, akeys, store->batch, &change,
			&group);
	return rc == 0 ? media_wait(store->media, group) : rc;
}

static int
fetch_one(struct store *store, uint64_t number)
{
	char text[KEY_TEXT];
	struct vos_key dkey = {text, key_write(text, number)};
	struct vos_akey akey = {.key = {"0", 1}, .type = VOS_SINGLE};
	uint64_t epoch = EPOCH_MAX;
	struct vos_fetched fetched;
	int rc;

	if (store->read_epochs > 0)
		epoch = store->read_from + mix64(store->random) % store->read_epochs * EPOCH_STEP +
			EPOCH_STEP - 1;
	rc = vos_fetch(store->container, &store->object, dkey, &akey, 1, epoch, 0, 0, &fetched);
	if (rc != 0)
		return rc;
	if (fetched.length != SIZE)
		stop(text, "is not what was written");
	vos_fetched_free(store->container, &fetched, 1);
	return 0;
}

/* The operations [next, end) on keys in order; several fibers share them. */
static int
fill_some(void *argument)
{
	struct store *store = argument;

	while (store->next < store->end) {
		int rc = update_one(store, store->next++ % store->keys);

		if (rc != 0)
			return rc;
	}
	return 0;
}

static int
fill(struct store *store)
{
	struct fiber_group group;

	fiber_group_init(&group);
	for (uint32_t i = 0; i < FIBERS; i++)
		check(fiber_group_start(&group, "fill", fill_some, store), "fiber_group_start");
	return fiber_group_wait(&group);
}

static void
store_fill(struct store *store, uint64_t object, uint64_t keys, uint64_t versions)
{
	store->object.id.lo = object;
	store->keys = keys;
	store->batch = 1;
	store->next = 0;
	store->end = keys * versions;
	store_run(store, fill, "fill");
}

static int
update_many(struct store *store)
{
	int rc = 0;

	for (uint64_t i = 0; rc == 0 && i < OPERATIONS / store->batch; i++)
		rc = update_one(store, mix64(store->random++) % store->keys);
	return rc;
}

static int
fetch_many(struct store *store)
{
	int rc = 0;

	for (uint64_t i = 0; rc == 0 && i < OPERATIONS; i++)
		rc = fetch_one(store, mix64(store->random++) % store->keys);
	return rc;
}

/* ------------------------------------------------ sides: CPU time of one operation */

struct vos_side {
	struct store *store;
	int (*function)(struct store *store);
	uint64_t object, keys;
	uint32_t batch;
	uint64_t read_from, read_epochs; /* 0: the newest */
};

static double
vos_run(void *argument)
{
	const struct vos_side *side = argument;
	struct store *store = side->store;
	double begin = now_ns(CLOCK_PROCESS_CPUTIME_ID);

	store->object.id.lo = side->object;
	store->keys = side->keys;
	store->batch = side->batch;
	store->read_from = side->read_from;
	store->read_epochs = side->read_epochs;
	store_run(store, side->function, "operations");
	return (now_ns(CLOCK_PROCESS_CPUTIME_ID) - begin) / OPERATIONS;
}

#ifdef HAVE_LMDB
struct mdb {
	MDB_env *env;
	MDB_dbi dbi;
	uint64_t keys, random;
	uint32_t batch;
	uint8_t payload[SIZE];
};

static void
mdb_check(int rc, const char *what)
{
	if (rc != 0)
		stop(what, mdb_strerror(rc));
}

static void
mdb_make(struct mdb *mdb, const char *directory, const char *name, uint64_t keys)
{
	char path[256];
	MDB_txn *txn;

	directory_make(directory, name, path);
	mdb->keys = keys;
	mdb_check(mdb_env_create(&mdb->env), "mdb_env_create");
	mdb_check(mdb_env_set_mapsize(mdb->env, (size_t)8 << 30), "mdb_env_set_mapsize");
	mdb_check(mdb_env_open(mdb->env, path, 0, 0600), "mdb_env_open");
	mdb_check(mdb_txn_begin(mdb->env, NULL, 0, &txn), "mdb_txn_begin");
	mdb_check(mdb_dbi_open(txn, NULL, 0, &mdb->dbi), "mdb_dbi_open");
	mdb_check(mdb_txn_commit(txn), "mdb_txn_commit");
}

/* batch keys that lie side by side, as the akeys of a dkey do. */
static void
mdb_put_at(struct mdb *mdb, MDB_txn *txn, uint64_t number)
{
	char text[KEY_TEXT + 4];

	for (uint32_t i = 0; i < mdb->batch; i++) {
		uint32_t length = key_write(text, number);
		MDB_val key = {length, text}, value = {SIZE, mdb->payload};

		if (mdb->batch > 1)
			key.mv_size += (size_t)snprintf(text + length, 4, "/%u", i);
		mdb_check(mdb_put(txn, mdb->dbi, &key, &value, 0), "mdb_put");
	}
}

static void
mdb_fill(struct mdb *mdb)
{
	MDB_txn *txn;

	mdb->batch = 1;
	for (uint64_t i = 0; i < mdb->keys;) {
		mdb_check(mdb_txn_begin(mdb->env, NULL, 0, &txn), "mdb_txn_begin");
		for (uint32_t j = 0; j < 10000 && i < mdb->keys; j++)
			mdb_put_at(mdb, txn, i++);
		mdb_check(mdb_txn_commit(txn), "mdb_txn_commit");
	}
}

static void
mdb_update_many(struct mdb *mdb)
{
	MDB_txn *txn;

	for (uint32_t i = 0; i < OPERATIONS / mdb->batch; i++) {
		mdb_check(mdb_txn_begin(mdb->env, NULL, 0, &txn), "mdb_txn_begin");
		mdb_put_at(mdb, txn, mix64(mdb->random++) % mdb->keys);
		mdb_check(mdb_txn_commit(txn), "mdb_txn_commit");
	}
}

/* One reading transaction for each, renewed, and the value copied out, as a caller needs it. */
static void
mdb_fetch_many(struct mdb *mdb)
{
	char text[KEY_TEXT];
	uint8_t copy[SIZE];
	MDB_txn *txn;

	mdb_check(mdb_txn_begin(mdb->env, NULL, MDB_RDONLY, &txn), "mdb_txn_begin");
	for (uint32_t i = 0; i < OPERATIONS; i++) {
		MDB_val key = {key_write(text, mix64(mdb->random++) % mdb->keys), text}, value;

		mdb_txn_reset(txn);
		mdb_check(mdb_txn_renew(txn), "mdb_txn_renew");
		mdb_check(mdb_get(txn, mdb->dbi, &key, &value), "mdb_get");
		memcpy(copy, value.mv_data, SIZE);
		__asm__ volatile("" ::"r"(copy) : "memory");
	}
	mdb_txn_abort(txn);
}

struct mdb_side {
	struct mdb *mdb;
	void (*function)(struct mdb *mdb);
	uint32_t batch;
};

static double
mdb_run(void *argument)
{
	const struct mdb_side *side = argument;
	double begin = now_ns(CLOCK_PROCESS_CPUTIME_ID);

	side->mdb->batch = side->batch;
	side->function(side->mdb);
	return (now_ns(CLOCK_PROCESS_CPUTIME_ID) - begin) / OPERATIONS;
}

/* ------------------------------------------------ rows 7 and 8, beside LMDB */

static void
rows_beside(struct store *store, const char *directory)
{
	struct mdb mdb = {.env = NULL};
	const struct {
		const char *metric;
		int (*ours)(struct store *store);
		void (*theirs)(struct mdb *mdb);
		uint32_t batch;
		double goal;
	} rows[] = {
		{"7 vos update 128 B over LMDB, CPU", update_many, mdb_update_many, 1, 0.8},
		{"7 vos fetch 128 B over LMDB, CPU", fetch_many, mdb_fetch_many, 1, 2.5},
		{"7 vos update 128 B over LMDB, CPU, 16 per transaction", update_many,
		 mdb_update_many, BATCH, NAN},
	};

	mdb_make(&mdb, directory, "lmdb-few", FEW);
	mdb_fill(&mdb);
	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		struct vos_side ours = {.store = store,
					.function = rows[i].ours,
					.object = 1,
					.keys = FEW,
					.batch = rows[i].batch};
		struct mdb_side theirs = {&mdb, rows[i].theirs, rows[i].batch};

		row_measure(rows[i].metric, "ns", &(struct side){vos_run, &ours},
			    &(struct side){mdb_run, &theirs}, AT_MOST, rows[i].goal);
	}
	mdb_env_close(mdb.env);
}

/* The growth of one round; the least time of a few runs at each size. */
static double
least_of(double (*run)(void *argument), void *argument)
{
	double least = run(argument);

	for (uint32_t i = 1; i < ROUNDS; i++)
		least = fmin(least, run(argument));
	return least;
}

static void
row_growth(struct store *store, const char *directory, uint64_t many)
{
	struct mdb few = {.env = NULL}, more = {.env = NULL};
	struct vos_side ours_few = {
		.store = store, .function = fetch_many, .object = 2, .keys = FEW, .batch = 1};
	struct vos_side ours_more = {
		.store = store, .function = fetch_many, .object = 3, .keys = many, .batch = 1};
	struct mdb_side theirs_few = {&few, mdb_fetch_many, 1};
	struct mdb_side theirs_more = {&more, mdb_fetch_many, 1};
	char metric[96];

	store_fill(store, 2, FEW, 1);
	store_fill(store, 3, many, 1);
	mdb_make(&few, directory, "lmdb-growth", FEW);
	mdb_fill(&few);
	mdb_make(&more, directory, "lmdb-many", many);
	mdb_fill(&more);
	snprintf(metric, sizeof(metric), "8 growth of fetch, %.0e keys over 10^5, over LMDB's",
		 (double)many);
	row_computed(metric, "ratio", least_of(vos_run, &ours_more) / least_of(vos_run, &ours_few),
		     least_of(mdb_run, &theirs_more) / least_of(mdb_run, &theirs_few), AT_MOST,
		     0.7);
	mdb_env_close(few.env);
	mdb_env_close(more.env);
}
#else
static void
rows_beside(struct store *store, const char *directory)
{
	struct vos_side update = {
		.store = store, .function = update_many, .object = 1, .keys = FEW, .batch = 1};
	struct vos_side fetch = update;
	const char *why = "no LMDB here (Debian: liblmdb-dev)";

	(void)directory;
	fetch.function = fetch_many;
	row_without("7 vos update 128 B, CPU", "ns", &(struct side){vos_run, &update}, why);
	row_without("7 vos fetch 128 B, CPU", "ns", &(struct side){vos_run, &fetch}, why);
}

static void
row_growth(struct store *store, const char *directory, uint64_t many)
{
	struct vos_side side = {
		.store = store, .function = fetch_many, .object = 3, .keys = many, .batch = 1};

	(void)directory;
	store_fill(store, 3, many, 1);
	row_without("8 growth of fetch over LMDB's", "ns", &(struct side){vos_run, &side},
		    "no LMDB here (Debian: liblmdb-dev)");
}
#endif

/* ------------------------------------------------ row 8, versions */

static void
rows_versions(struct store *store)
{
	struct vos_side once = {.store = store,
				.function = fetch_many,
				.object = 4,
				.keys = VERSIONED_KEYS,
				.batch = 1};
	struct vos_side often = once, old = once;

	store_fill(store, 4, VERSIONED_KEYS, 2);
	often.object = old.object = 5;
	old.read_from = store->epoch + VERSIONED_KEYS * EPOCH_STEP;
	store_fill(store, 5, VERSIONED_KEYS, VERSIONS + 1);
	old.read_epochs = (store->epoch - old.read_from) / EPOCH_STEP;
	row_measure("8 fetch after 1,000 overwrites over after 1", "ns",
		    &(struct side){vos_run, &often}, &(struct side){vos_run, &once}, AT_MOST, 2);
	row_measure("8 fetch at one of 1,000 epochs over after 1 overwrite", "ns",
		    &(struct side){vos_run, &old}, &(struct side){vos_run, &once}, AT_MOST, 2);
}

/* ------------------------------------------------ row 10, replay */

#define REPLAY_KEYS 50000u
#define REPLAY_UPDATES 2000000u

/* Updates until the log is about to be checkpointed, then dies. */
static void __attribute__((noreturn)) replay_child(const char *directory)
{
	struct media_figures figures;
	struct store store = {.env = NULL};

	store_world(&store, directory);
	store_run(&store, store_make, "make");
	media_figures(store.media, &figures);
	for (uint32_t i = 0;
	     i < REPLAY_UPDATES / 1000 && figures.log_used * 100 < 48 * figures.log_size; i++) {
		store.object.id.lo = 1;
		store.keys = REPLAY_KEYS;
		store.batch = 1;
		store.next = (uint64_t)i * 1000;
		store.end = store.next + 1000;
		store_run(&store, fill, "fill");
		media_figures(store.media, &figures);
	}
	raise(SIGKILL);
	exit(1);
}

static int
replay_first(struct store *store)
{
	return fetch_one(store, 1);
}

/* Seconds to open what a killed child left, and until a read is answered. */
struct replay {
	double open, first, records;
};

static struct replay
replay_once(const char *directory, const char *name)
{
	struct store store = {.env = NULL};
	struct media_figures figures;
	struct replay replay;
	double begin;
	char path[256];
	int status;
	pid_t child;

	directory_make(directory, name, path);
	fflush(stdout);
	child = fork();
	if (child == 0)
		replay_child(path);
	if (child < 0 || waitpid(child, &status, 0) != child || !WIFSIGNALED(status))
		stop("the child", "did not end as it should");
	begin = now_ns(CLOCK_MONOTONIC);
	store_world(&store, path);
	store_run(&store, store_open, "open");
	replay.open = (now_ns(CLOCK_MONOTONIC) - begin) / 1e9;
	store.object.id.lo = 1;
	store_run(&store, replay_first, "first read");
	replay.first = (now_ns(CLOCK_MONOTONIC) - begin) / 1e9;
	media_figures(store.media, &figures);
	replay.records = (double)figures.replayed_records;
	store_end(&store);
	return replay;
}

static void
rows_replay(const char *directory)
{
	struct replay best = {.open = INFINITY};

	for (uint32_t i = 0; i < 3; i++) {
		const char *const names[] = {"replay-1", "replay-2", "replay-3"};
		struct replay replay = replay_once(directory, names[i]);

		if (replay.open < best.open)
			best = replay;
	}
	row_computed("10 SIGKILL with a full log, 128 B updates: to the first read, in process",
		     "s", best.first, NAN, AT_MOST, 1);
	row_computed("10 replay", "transactions/s", best.records / best.open, NAN, AT_LEAST, 1e6);
}

int
main(int count, char **arguments)
{
	static const struct option known[] = {{"directory", required_argument, NULL, 'd'},
					      {"long", no_argument, NULL, 'l'},
					      {"row", required_argument, NULL, 'r'},
					      {NULL, 0, NULL, 0}};
	struct store store = {.env = NULL};
	char directory[256] = "", path[300];
	uint64_t many = 1000000;
	int option, row = 0; /* 0: all */

	while ((option = getopt_long(count, arguments, "", known, NULL)) != -1) {
		if (option == 'd')
			snprintf(directory, sizeof(directory), "%.200s/store-perf-XXXXXX", optarg);
		else if (option == 'l')
			many *= 10;
		else if (option == 'r')
			row = atoi(optarg);
		else
			return 2;
	}
	if (!directory[0] || !mkdtemp(directory))
		stop("--directory", "a new directory cannot be made there");
	if (row == 0 || row == 10)
		rows_replay(directory);
	directory_make(directory, "vos", path);
	store_world(&store, path);
	store_run(&store, store_make, "make");
	store_fill(&store, 1, FEW, 1);
	if (row == 0 || row == 7)
		rows_beside(&store, directory);
	if (row == 0 || row == 8) {
		rows_versions(&store);
		row_growth(&store, directory, many);
	}
	store_end(&store);
	nftw(directory, remove_entry, 16, FTW_DEPTH | FTW_PHYS);
	return 0;
}
