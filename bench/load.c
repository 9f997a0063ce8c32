/* SPDX-License-Identifier: BSD-2-Clause-Patent */
/*
 * Load on a running system through the public API alone: one kind of operation, --depth of them
 * under way on one event queue, keys uniformly random. Prints one JSON line with nanoseconds per
 * operation: wall clock, p50 and p99 of the latency, CPU (user and system) of this process and of
 * the server's.
 */
#include <errno.h>
#include <getopt.h>
#include <stdarg.h>
#include <stdlib.h>
#include <time.h>

#include <daos.h>

/* ------------------------------------------------ options */

struct options {
	const char *pool;
	const char *container; /* made where it is absent */
	const struct mode *mode;
	uint32_t depth;
	uint64_t keys;
	uint32_t size; /* bytes of a value */
	double seconds;
	uint64_t operations; /* at most; 0: no limit */
	pid_t server;	     /* whose CPU time counts; 0: none */
	bool fill;	     /* write every key once first */
	bool single;	     /* update, fetch: single values, not arrays of bytes */
	bool spin;	     /* poll without sleeping */
	uint32_t pools;	     /* more than 1: LABEL-0, LABEL-1, ..., a key in each in turn */
};

#define POOLS_MAX 1024u

static void __attribute__((noreturn, format(printf, 2, 3))) stop(int rc, const char *format, ...)
{
	va_list arguments;

	va_start(arguments, format);
	fprintf(stderr, "load: ");
	vfprintf(stderr, format, arguments);
	va_end(arguments);
	fprintf(stderr, rc ? ": %s\n" : "\n", d_errstr(rc));
	exit(1);
}

/* ------------------------------------------------ one operation under way */

#define KEY_TEXT 24

struct slot {
	daos_event_t event; /* first: daos_eq_poll() returns it */
	uint64_t started;
	char key_text[KEY_TEXT];
	daos_key_t key;
	daos_iod_t iod;
	daos_recx_t extent;
	d_iov_t iov;
	d_sg_list_t sgl;
	daos_size_t size;
	char *value;
	daos_handle_t object;
};

struct load {
	const struct options *options;
	daos_handle_t queue;
	struct place {
		daos_handle_t pool, container, object;
	} places[POOLS_MAX];
	struct slot *slots;
	daos_event_t **reaped;
	uint64_t random;
	uint64_t running, launched, finished;
	uint64_t end_time, end_count; /* of the run: nothing is launched beyond */
	uint32_t *latencies;
};

static int
launch_update(struct load *load, struct slot *slot)
{
	(void)load;
	return daos_obj_update(slot->object, DAOS_TX_NONE, 0, &slot->key, 1, &slot->iod, &slot->sgl,
			       &slot->event);
}

static int
launch_fetch(struct load *load, struct slot *slot)
{
	(void)load;
	return daos_obj_fetch(slot->object, DAOS_TX_NONE, 0, &slot->key, 1, &slot->iod, &slot->sgl,
			      NULL, &slot->event);
}

static int
launch_put(struct load *load, struct slot *slot)
{
	return daos_kv_put(slot->object, DAOS_TX_NONE, 0, slot->key_text, load->options->size,
			   slot->value, &slot->event);
}

static int
launch_get(struct load *load, struct slot *slot)
{
	(void)load;
	return daos_kv_get(slot->object, DAOS_TX_NONE, 0, slot->key_text, &slot->size, slot->value,
			   &slot->event);
}

/* Whether a read has got the whole value. */
static bool
is_whole(const struct load *load, const struct slot *slot)
{
	const struct options *options = load->options;

	if (options->single)
		return slot->iod.iod_size == options->size;
	return slot->iod.iod_size == 1 && slot->iov.iov_len == options->size;
}

static bool
is_whole_value(const struct load *load, const struct slot *slot)
{
	return slot->size == load->options->size;
}

struct mode {
	const char *name;
	bool kv;
	int (*launch)(struct load *load, struct slot *slot);
	int (*fill)(struct load *load, struct slot *slot);
	bool (*check)(const struct load *load, const struct slot *slot); /* NULL: no reading */
};

static const struct mode modes[] = {
	{"update", false, launch_update, launch_update, NULL},
	{"fetch", false, launch_fetch, launch_update, is_whole},
	{"kv-put", true, launch_put, launch_put, NULL},
	{"kv-get", true, launch_get, launch_put, is_whole_value},
};

/* ------------------------------------------------ clocks and latencies */

static uint64_t
read_clock(clockid_t id)
{
	struct timespec now;

	if (clock_gettime(id, &now) < 0)
		stop(0, "a clock cannot be read");
	return (uint64_t)now.tv_sec * 1000000000u + (uint64_t)now.tv_nsec;
}

static uint64_t
server_time(pid_t server)
{
	clockid_t clock;

	if (server == 0)
		return 0;
	if (clock_getcpuclockid(server, &clock) != 0)
		stop(0, "the CPU time of process %d cannot be read", (int)server);
	return read_clock(clock);
}

/* Latencies are counted in classes that are 1/128 of a power of two wide. */
#define STEPS 128u
#define CLASSES (64u * STEPS)

static uint32_t
class_of(uint64_t nanoseconds)
{
	uint32_t exponent;

	if (nanoseconds < STEPS)
		return (uint32_t)nanoseconds;
	exponent = 63u - (uint32_t)__builtin_clzll(nanoseconds) - 7u;
	return (exponent + 1) * STEPS + (uint32_t)(nanoseconds >> exponent) - STEPS;
}

/* The least latency of a class. */
static uint64_t
class_start(uint32_t class)
{
	if (class < STEPS)
		return class;
	return (uint64_t)(class % STEPS + STEPS) << (class / STEPS - 1);
}

static uint64_t
percentile(const uint32_t *latencies, uint64_t count, double share)
{
	uint64_t rest = (uint64_t)((double)count * share);

	for (uint32_t class = 0; class < CLASSES; class ++) {
		if (latencies[class] > rest)
			return class_start(class);
		rest -= latencies[class];
	}
	return 0;
}

/* ------------------------------------------------ launching */

/* splitmix64 */
static uint64_t
draw(struct load *load)
{
	uint64_t bits = load->random += UINT64_C(0x9e3779b97f4a7c15);

	bits = (bits ^ bits >> 30) * UINT64_C(0xbf58476d1ce4e5b9);
	bits = (bits ^ bits >> 27) * UINT64_C(0x94d049bb133111eb);
	return bits ^ bits >> 31;
}

static void
slot_aim(struct load *load, struct slot *slot, uint64_t key)
{
	const struct options *options = load->options;
	int length = snprintf(slot->key_text, KEY_TEXT, "key-%010llu", (unsigned long long)key);

	d_iov_set(&slot->key, slot->key_text, (size_t)length);
	d_iov_set(&slot->iov, slot->value, options->size);
	slot->iod.iod_size = options->single ? options->size : 1;
	slot->size = options->size;
	slot->object = load->places[key % options->pools].object;
}

typedef int launch_function(struct load *load, struct slot *slot);

static void
launch(struct load *load, struct slot *slot, uint64_t key, launch_function *function)
{
	int rc;

	slot_aim(load, slot, key);
	slot->started = read_clock(CLOCK_MONOTONIC);
	rc = function(load, slot);
	if (rc)
		stop(rc, "%s cannot be launched", load->options->mode->name);
	load->running++;
	load->launched++;
}

/* Waits until something has ended; calls again() for each slot that is free again. */
static void
reap(struct load *load, void (*again)(struct load *load, struct slot *slot))
{
	int count = daos_eq_poll(load->queue, 1, load->options->spin ? 0 : -1, load->options->depth,
				 load->reaped);
	uint64_t now = read_clock(CLOCK_MONOTONIC);

	if (count < 0)
		stop(count, "the event queue cannot be polled");
	for (int i = 0; i < count; i++) {
		struct slot *slot = (struct slot *)load->reaped[i];

		if (slot->event.ev_error)
			stop(slot->event.ev_error, "%s failed", load->options->mode->name);
		load->running--;
		load->finished++;
		load->latencies[class_of(now - slot->started)]++;
		again(load, slot);
	}
}

/* ------------------------------------------------ filling */

static void
fill_next(struct load *load, struct slot *slot)
{
	if (load->launched < load->options->keys)
		launch(load, slot, load->launched, load->options->mode->fill);
}

static void
fill(struct load *load)
{
	load->launched = 0;
	for (uint32_t i = 0; i < load->options->depth; i++)
		fill_next(load, &load->slots[i]);
	while (load->running > 0)
		reap(load, fill_next);
}

/* ------------------------------------------------ measuring */

struct figures {
	uint64_t wall, client, server;
};

static struct figures
figures_take(const struct load *load)
{
	return (struct figures){.wall = read_clock(CLOCK_MONOTONIC),
				.client = read_clock(CLOCK_PROCESS_CPUTIME_ID),
				.server = server_time(load->options->server)};
}

static void
run_next(struct load *load, struct slot *slot)
{
	const struct mode *mode = load->options->mode;

	if (mode->check && slot->started > 0 && !mode->check(load, slot))
		stop(0, "%s: %s is not what was written", mode->name, slot->key_text);
	if (load->launched < load->end_count && read_clock(CLOCK_MONOTONIC) < load->end_time)
		launch(load, slot, draw(load) % load->options->keys, mode->launch);
}

static void
run(struct load *load, double seconds, uint64_t operations)
{
	memset(load->latencies, 0, CLASSES * sizeof(*load->latencies));
	load->launched = 0;
	load->finished = 0;
	load->end_count = operations ? operations : UINT64_MAX;
	load->end_time = read_clock(CLOCK_MONOTONIC) + (uint64_t)(seconds * 1e9);
	for (uint32_t i = 0; i < load->options->depth; i++) {
		load->slots[i].started = 0;
		run_next(load, &load->slots[i]);
	}
	while (load->running > 0)
		reap(load, run_next);
}

static void
report(const struct load *load, const struct figures *from, const struct figures *to)
{
	const struct options *options = load->options;
	double count = (double)load->finished;

	printf("{\"load\":\"%s\",\"value\":\"%s\",\"size\":%u,\"depth\":%u,\"mode\":\"%s\","
	       "\"ops\":%llu,\"wall_ns\":%llu,\"ops_per_second\":%.0f,",
	       options->mode->name, options->mode->kv || options->single ? "single" : "array",
	       options->size, options->depth, options->spin ? "spin" : "sleep",
	       (unsigned long long)load->finished, (unsigned long long)(to->wall - from->wall),
	       count * 1e9 / (double)(to->wall - from->wall));
	printf("\"both_cpu_ns_per_op\":%.0f,",
	       (double)(to->client - from->client + to->server - from->server) / count);
	printf("\"p50_ns\":%llu,\"p99_ns\":%llu,\"client_cpu_ns_per_op\":%.0f,"
	       "\"server_cpu_ns_per_op\":%.0f}\n",
	       (unsigned long long)percentile(load->latencies, load->finished, 0.5),
	       (unsigned long long)percentile(load->latencies, load->finished, 0.99),
	       (double)(to->client - from->client) / count,
	       (double)(to->server - from->server) / count);
}

static void
measure(struct load *load)
{
	const struct options *options = load->options;
	struct figures from, to;

	if (options->fill)
		fill(load);
	if (options->seconds <= 0)
		return;
	run(load, options->seconds / 10, options->operations / 10);
	from = figures_take(load);
	run(load, options->seconds, options->operations);
	to = figures_take(load);
	report(load, &from, &to);
}

/* ------------------------------------------------ set-up */

static void
open_container(const struct options *options, const char *pool, struct place *place)
{
	int rc = daos_pool_connect(pool, NULL, DAOS_PC_RW, &place->pool, NULL, NULL);

	if (rc)
		stop(rc, "pool %s", pool);
	rc = daos_cont_create_with_label(place->pool, options->container, NULL, NULL, NULL);
	if (rc && rc != -DER_EXIST)
		stop(rc, "container %s cannot be made", options->container);
	rc = daos_cont_open(place->pool, options->container, DAOS_COO_RW, &place->container, NULL,
			    NULL);
	if (rc)
		stop(rc, "container %s", options->container);
}

static void
open_object(const struct options *options, struct place *place)
{
	bool kv = options->mode->kv;
	daos_obj_id_t id = {.lo = kv ? 1 : options->single ? 2 : 3};
	int rc = daos_obj_generate_oid(place->container, &id,
				       kv ? DAOS_OT_KV_HASHED : DAOS_OT_MULTI_HASHED, OC_SX, 0, 0);

	if (rc == 0 && kv)
		rc = daos_kv_open(place->container, id, DAOS_OO_RW, &place->object, NULL);
	else if (rc == 0)
		rc = daos_obj_open(place->container, id, DAOS_OO_RW, &place->object, NULL);
	if (rc)
		stop(rc, "the object cannot be opened");
}

static void
places_open(struct load *load)
{
	const struct options *options = load->options;
	char label[128];

	for (uint32_t i = 0; i < options->pools; i++) {
		snprintf(label, sizeof(label), "%s-%u", options->pool, i);
		open_container(options, options->pools > 1 ? label : options->pool,
			       &load->places[i]);
		open_object(options, &load->places[i]);
	}
}

static void
places_close(struct load *load)
{
	for (uint32_t i = 0; i < load->options->pools; i++) {
		struct place *place = &load->places[i];

		if (load->options->mode->kv)
			daos_kv_close(place->object, NULL);
		else
			daos_obj_close(place->object, NULL);
		daos_cont_close(place->container, NULL);
		daos_pool_disconnect(place->pool, NULL);
	}
}

static void
slots_init(struct load *load)
{
	const struct options *options = load->options;

	load->slots = calloc(options->depth, sizeof(*load->slots));
	load->reaped = calloc(options->depth, sizeof(daos_event_t *));
	load->latencies = calloc(CLASSES, sizeof(*load->latencies));
	if (!load->slots || !load->reaped || !load->latencies)
		stop(0, "no memory");
	for (uint32_t i = 0; i < options->depth; i++) {
		struct slot *slot = &load->slots[i];

		slot->value = malloc(options->size);
		if (!slot->value)
			stop(0, "no memory");
		memset(slot->value, (int)('a' + i % 26), options->size);
		d_iov_set(&slot->iod.iod_name, "value", 5);
		slot->iod.iod_type = options->single ? DAOS_IOD_SINGLE : DAOS_IOD_ARRAY;
		slot->iod.iod_nr = 1;
		slot->iod.iod_recxs = options->single ? NULL : &slot->extent;
		slot->extent.rx_nr = options->size;
		slot->sgl = (d_sg_list_t){.sg_nr = 1, .sg_iovs = &slot->iov};
		if (daos_event_init(&slot->event, load->queue, NULL))
			stop(0, "an event cannot be made");
	}
}

static void
slots_fini(struct load *load)
{
	for (uint32_t i = 0; i < load->options->depth; i++) {
		daos_event_fini(&load->slots[i].event);
		free(load->slots[i].value);
	}
	free(load->slots);
	free(load->reaped);
	free(load->latencies);
}

static void
work(const struct options *options)
{
	static struct load load;
	int rc = daos_init();

	if (rc)
		stop(rc, "the library cannot be used");
	load.options = options;
	load.random = read_clock(CLOCK_REALTIME);
	places_open(&load);
	rc = daos_eq_create(&load.queue);
	if (rc)
		stop(rc, "no event queue");
	slots_init(&load);
	measure(&load);
	slots_fini(&load);
	daos_eq_destroy(load.queue, 0);
	places_close(&load);
	daos_fini();
}

/* ------------------------------------------------ command line */

static int
usage(void)
{
	fprintf(stderr, "usage: load --mode update|fetch|kv-put|kv-get [--pool LABEL] "
			"[--container LABEL] [--depth N]\n            [--size BYTES] [--keys N] "
			"[--seconds S] [--ops N] [--fill] [--single] [--spin] [--server PID]\n"
			"            [--pools N]\n");
	return 2;
}

static void
take_mode(struct options *options, const char *name)
{
	for (size_t i = 0; i < sizeof(modes) / sizeof(modes[0]); i++)
		if (strcmp(modes[i].name, name) == 0)
			options->mode = &modes[i];
}

static void
take_option(struct options *options, int option, const char *value)
{
	switch (option) {
	case 'm':
		take_mode(options, value);
		break;
	case 'p':
		options->pool = value;
		break;
	case 'c':
		options->container = value;
		break;
	case 'd':
		options->depth = (uint32_t)strtoul(value, NULL, 10);
		break;
	case 'k':
		options->keys = strtoull(value, NULL, 10);
		break;
	case 'b':
		options->size = (uint32_t)strtoul(value, NULL, 10);
		break;
	case 's':
		options->seconds = strtod(value, NULL);
		break;
	case 'o':
		options->operations = strtoull(value, NULL, 10);
		break;
	case 'n':
		options->pools = (uint32_t)strtoul(value, NULL, 10);
		break;
	case 'P':
		options->server = (pid_t)strtol(value, NULL, 10);
		break;
	default:
		break;
	}
}

int
main(int count, char **arguments)
{
	struct options options = {.pool = "bench",
				  .container = "bench",
				  .depth = 16,
				  .keys = 10000,
				  .size = 4096,
				  .seconds = 1,
				  .pools = 1};
	int fill_all = 0, single = 0, spin = 0, option;
	const struct option known[] = {{"mode", required_argument, NULL, 'm'},
				       {"pool", required_argument, NULL, 'p'},
				       {"container", required_argument, NULL, 'c'},
				       {"depth", required_argument, NULL, 'd'},
				       {"keys", required_argument, NULL, 'k'},
				       {"size", required_argument, NULL, 'b'},
				       {"seconds", required_argument, NULL, 's'},
				       {"ops", required_argument, NULL, 'o'},
				       {"server", required_argument, NULL, 'P'},
				       {"pools", required_argument, NULL, 'n'},
				       {"fill", no_argument, &fill_all, 1},
				       {"single", no_argument, &single, 1},
				       {"spin", no_argument, &spin, 1},
				       {NULL, 0, NULL, 0}};

	while ((option = getopt_long(count, arguments, "", known, NULL)) != -1) {
		if (option == '?')
			return usage();
		take_option(&options, option, optarg);
	}
	options.fill = fill_all;
	options.single = single;
	options.spin = spin;
	if (!options.mode || options.depth == 0 || options.depth > 1024 || options.keys == 0 ||
	    options.size == 0 || options.pools == 0 || options.pools > POOLS_MAX || optind < count)
		return usage();
	work(&options);
	return 0;
}
