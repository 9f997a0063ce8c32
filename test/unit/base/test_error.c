/* SPDX-License-Identifier: BSD-2-Clause-Patent */
/* Errors, log lines, contexts, metrics, UUIDs. */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "base/base.h"

struct capture {
	struct log_sink sink;
	enum log_level level;
	char tag[32];
	char line[LOG_LINE_MAX];
	int count;
};

static void
capture_line(struct log_sink *sink, enum log_level level, const char *tag, const char *line)
{
	struct capture *capture = container_of(sink, struct capture, sink);

	capture->level = level;
	capture->count++;
	strncpy(capture->tag, tag, sizeof(capture->tag) - 1);
	memcpy(capture->line, line, strlen(line) + 1);
}

static struct capture capture;
static struct context context;

static int
set_up(void **state)
{
	(void)state;
	capture = (struct capture){.sink = {capture_line}};
	context_init(&context, "loop 1", &capture.sink, LOG_INFO);
	context_enter(&context);
	return 0;
}

static int
tear_down(void **state)
{
	(void)state;
	assert_ptr_equal(context_enter(NULL), &context);
	return 0;
}

static void
test_names(void **state)
{
	(void)state;
	assert_string_equal(error_name(0), "DER_SUCCESS");
	assert_string_equal(error_name(-DER_NOSPACE), "DER_NOSPACE");
	assert_string_equal(error_name(-DER_TX_RESTART), "DER_TX_RESTART");
	assert_string_equal(error_name(-4711), "DER_UNKNOWN");
	assert_string_equal(error_name(DER_NOSPACE), "DER_UNKNOWN");
	assert_true(strlen(error_description(-DER_NOSPACE)) > 5);
	/* Numbers of the DAOS API that programs depend on. */
	assert_int_equal(DER_NO_PERM, 1001);
	assert_int_equal(DER_NONEXIST, 1005);
	assert_int_equal(DER_NOSPACE, 1007);
	assert_int_equal(DER_IO, 2001);
}

static void
test_raise(void **state)
{
	int rc = error_raise(-DER_BUSY, "device %s has %d users", "x", 3);
	char longer[400];

	(void)state;
	assert_int_equal(rc, -DER_BUSY);
	assert_string_equal(error_text(rc), "device x has 3 users");
	assert_string_equal(error_text(-DER_IO), error_description(-DER_IO));
	assert_string_equal(context.origin->function, "test_raise");
	/* The text of an error may be part of the next. */
	error_raise(rc, "open: %s", error_text(rc));
	assert_string_equal(error_text(rc), "open: device x has 3 users");
	memset(longer, 'y', sizeof(longer));
	longer[sizeof(longer) - 1] = 0;
	error_raise(rc, "%s", longer);
	assert_int_equal(strlen(error_text(rc)), sizeof(context.origin->text) - 1);
}

static void
test_log(void **state)
{
	char longer[1000];

	(void)state;
	log_info("%d files", 5);
	assert_string_equal(capture.line, "INFO loop 1 test: 5 files");
	assert_string_equal(capture.tag, "test");
	assert_int_equal(capture.level, LOG_INFO);
	log_debug("not %s", "shown");
	assert_int_equal(capture.count, 1);
	log_warning("name\nERROR forged\x1b[2J");
	assert_string_equal(capture.line, "WARN loop 1 test: name ERROR forged [2J");
	memset(longer, 'z', sizeof(longer));
	longer[sizeof(longer) - 1] = 0;
	log_error("%s", longer);
	assert_int_equal(strlen(capture.line), LOG_LINE_MAX - 1);
	error_raise(-DER_IO, "sector 7");
	error_log(LOG_ERROR, -DER_IO, "read of %s", "disk");
	assert_non_null(
		strstr(capture.line, "ERROR loop 1 test: read of disk: sector 7 (DER_IO) at "));
	assert_non_null(strstr(capture.line, "test_error.c:"));
	error_log(LOG_NOTICE, -DER_NOMEM, "start");
	assert_non_null(strstr(capture.line, "(DER_NOMEM)"));
	assert_null(strstr(capture.line, "sector"));
}

static void
test_levels(void **state)
{
	static const char *const names[] = {"error", "WARN", "Notice", "info", "debug"};
	enum log_level level = LOG_DEBUG;

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(names); i++) {
		assert_true(log_level_parse(names[i], &level));
		assert_int_equal(level, i);
		assert_non_null(log_level_name(level));
	}
	assert_false(log_level_parse("loud", &level));
	assert_int_equal(level, LOG_DEBUG);
}

static void
test_fallback_context(void **state)
{
	struct context *before = context_enter(NULL);
	struct context *fallback = context_current();

	(void)state;
	assert_ptr_equal(before, &context);
	assert_int_equal(fallback->level, LOG_WARNING);
	assert_int_equal(error_raise(-DER_INVAL, "here"), -DER_INVAL);
	assert_string_equal(error_text(-DER_INVAL), "here");
	context_enter(before);
	assert_string_equal(error_text(-DER_INVAL), error_description(-DER_INVAL));
}

static void
test_errno(void **state)
{
	(void)state;
	assert_int_equal(error_from_errno(ENOSPC), -DER_NOSPACE);
	assert_int_equal(error_from_errno(ENOENT), -DER_NONEXIST);
	assert_int_equal(error_from_errno(ECONNREFUSED), -DER_UNREACH);
	assert_int_equal(error_from_errno(EAGAIN), -DER_AGAIN);
	assert_int_equal(error_from_errno(123456), -DER_MISC);
}

static int
add_up(void *argument, const struct metric *metric)
{
	*(int64_t *)argument += metric->value;
	return metric->value == 100 ? 42 : 0;
}

static void
test_metrics(void **state)
{
	struct metric_histogram histogram = {0};
	struct metric counter = {.kind = METRIC_COUNTER, .name = "c", .help = "C."};
	struct metric gauge = {.kind = METRIC_GAUGE, .name = "g", .help = "G."};
	struct metric latency = {
		.kind = METRIC_HISTOGRAM, .name = "h", .help = "H.", .histogram = &histogram};
	struct metrics metrics = {0};
	int64_t sum = 0;

	(void)state;
	assert_int_equal(metrics_visit(&metrics, add_up, &sum), 0);
	metric_register(&metrics, &counter);
	metric_register(&metrics, &gauge);
	metric_register(&metrics, &latency);
	metric_register(NULL, &(struct metric){.kind = METRIC_GAUGE});
	metric_add(&counter, 3);
	metric_add(&counter, 4);
	metric_set(&gauge, -2);
	assert_int_equal(metrics_visit(&metrics, add_up, &sum), 0);
	assert_int_equal(sum, 5);
	metric_set(&counter, 100);
	assert_int_equal(metrics_visit(&metrics, add_up, &sum), 42);
	metric_sample(&latency, 0);
	metric_sample(&latency, 1);
	metric_sample(&latency, 1023);
	metric_sample(&latency, 1024);
	metric_sample(&latency, UINT64_MAX);
	assert_int_equal(histogram.count, 5);
	assert_int_equal(histogram.buckets[0], 1);
	assert_int_equal(histogram.buckets[1], 1);
	assert_int_equal(histogram.buckets[10], 1);
	assert_int_equal(histogram.buckets[11], 1);
	assert_int_equal(histogram.buckets[METRIC_BUCKETS - 1], 1);
	metric_unregister(&counter);
	metric_unregister(&counter);
	metric_unregister(&gauge);
	metric_unregister(&latency);
	assert_true(list_empty(&metrics.members));
}

static void
test_uuid(void **state)
{
	static const char *const bad[] = {
		"",
		"12345678-9abc-def0-1234-56789abcdef",
		"12345678-9abc-def0-1234-56789abcdef00",
		"12345678-9abc-def0-1234-56789abcdefg",
		"123456789-abc-def0-1234-56789abcdef0",
	};
	struct uuid uuid = {{0}};
	struct uuid made = uuid_make(UINT64_MAX, UINT64_MAX);
	char text[UUID_TEXT_SIZE];

	(void)state;
	assert_true(uuid_empty(&uuid));
	for (size_t i = 0; i < ARRAY_SIZE(bad); i++)
		assert_false(uuid_from_text(bad[i], &uuid));
	assert_true(uuid_empty(&uuid));
	assert_true(uuid_from_text("12345678-9ABC-def0-1234-56789abcdef0", &uuid));
	assert_int_equal(uuid.bytes[0], 0x12);
	assert_int_equal(uuid.bytes[15], 0xf0);
	uuid_to_text(&uuid, text);
	assert_string_equal(text, "12345678-9abc-def0-1234-56789abcdef0");
	assert_false(uuid_empty(&uuid) || uuid_equal(&uuid, &made));
	uuid_to_text(&made, text);
	assert_string_equal(text, "ffffffff-ffff-4fff-bfff-ffffffffffff");
	assert_int_not_equal(uuid_hash(&made), uuid_hash(&uuid));
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(test_names, set_up, tear_down),
		cmocka_unit_test_setup_teardown(test_raise, set_up, tear_down),
		cmocka_unit_test_setup_teardown(test_log, set_up, tear_down),
		cmocka_unit_test_setup_teardown(test_levels, set_up, tear_down),
		cmocka_unit_test_setup_teardown(test_fallback_context, set_up, tear_down),
		cmocka_unit_test_setup_teardown(test_errno, set_up, tear_down),
		cmocka_unit_test_setup_teardown(test_metrics, set_up, tear_down),
		cmocka_unit_test(test_uuid),
	};

	return cmocka_run_group_tests_name("error", tests, NULL, NULL);
}
