/* SPDX-License-Identifier: BSD-2-Clause-Patent */
/* Where a server is looked for, in which order, and what is said when there is none. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <stdlib.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include "client/private.h"

/* Directories a, b, c below a scratch directory. */
static char scratch[64];
static char directories[3][80];

static int
setup(void **state)
{
	(void)state;
	strcpy(scratch, "/tmp/cairn-find-XXXXXX");
	assert_non_null(mkdtemp(scratch));
	for (int i = 0; i < 3; i++) {
		snprintf(directories[i], sizeof(directories[i]), "%s/%c", scratch, 'a' + i);
		assert_int_equal(mkdir(directories[i], 0700), 0);
	}
	return 0;
}

static void
path_of(int directory, char path[108])
{
	snprintf(path, 108, "%.79s/engine-0.sock", directories[directory]);
}

static int
teardown(void **state)
{
	char path[108];

	(void)state;
	for (int i = 0; i < 3; i++) {
		path_of(i, path);
		unlink(path);
		rmdir(directories[i]);
	}
	return rmdir(scratch);
}

/* Somebody listens in a directory. */
static int
engine_in(int directory)
{
	struct sockaddr_un address = {.sun_family = AF_UNIX};
	int descriptor = socket(AF_UNIX, SOCK_STREAM, 0);

	path_of(directory, address.sun_path);
	assert_int_equal(bind(descriptor, (struct sockaddr *)&address, sizeof(address)), 0);
	assert_int_equal(listen(descriptor, 4), 0);
	return descriptor;
}

static struct places
all_places(void)
{
	return (struct places){
		.agent_directory = directories[0],
		.user_directory = directories[1],
		.system_directory = directories[2],
	};
}

static void
test_order(void **state)
{
	struct places places = all_places();
	static struct servers servers;
	int engines[3];

	(void)state;
	for (int i = 2; i >= 0; i--) {
		char path[108], expected[120];

		engines[i] = engine_in(i);
		assert_int_equal(servers_find(&places, &servers), 0);
		path_of(i, path);
		snprintf(expected, sizeof(expected), "unix:%s", path);
		assert_int_equal(servers.count, 1);
		assert_string_equal(servers.addresses[0], expected);
		assert_string_equal(servers.failure, "");
	}
	places.engine = "tcp:127.0.0.1:10001,tcp:127.0.0.1:10002";
	assert_int_equal(servers_find(&places, &servers), 0);
	assert_int_equal(servers.count, 2);
	assert_string_equal(servers.addresses[1], "tcp:127.0.0.1:10002");
	for (int i = 0; i < 3; i++)
		close(engines[i]);
}

static void
test_report(void **state)
{
	struct places places = all_places();
	static struct servers servers;

	(void)state;
	/* An ended server, an empty directory, none at all. */
	close(engine_in(0));
	places.system_directory = "/no/such/directory";
	assert_int_equal(servers_find(&places, &servers), -DER_AGENT_COMM);
	assert_non_null(strstr(servers.failure, "nobody listens"));
	assert_non_null(strstr(servers.failure, directories[0]));
	assert_non_null(strstr(servers.failure, "no engine-0.sock in it"));
	assert_non_null(strstr(servers.failure, directories[1]));
	assert_non_null(strstr(servers.failure, "/no/such/directory: no such directory"));
	assert_non_null(strstr(servers.failure, "daos_server start"));
	places.agent_directory = NULL;
	assert_int_equal(servers_find(&places, &servers), -DER_AGENT_COMM);
	assert_non_null(strstr(servers.failure, "DAOS_AGENT_DRPC_DIR: not set"));
	assert_int_equal(servers.count, 0);
}

static void
test_bad_lists(void **state)
{
	static const char *const lists[] = {"nonsense", "tcp:a:1,,tcp:b:1",
					    "t:1,t:2,t:3,t:4,t:5,t:6,t:7,t:8,t:9"};
	struct places places = all_places();
	static struct servers servers;

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(lists); i++) {
		places.engine = lists[i];
		assert_int_equal(servers_find(&places, &servers), -DER_INVAL);
		assert_non_null(strstr(servers.failure, "CAIRN_ENGINE"));
	}
}

static struct proto_text
text_of(const char *text)
{
	return (struct proto_text){text, (uint32_t)strlen(text)};
}

/* Who gives TCP addresses does not want the Unix socket of the pool map. */
static void
test_filter(void **state)
{
	struct places places = {.engine = "tcp:127.0.0.1:10001"};
	struct proto_engine engine = {.address_count = 2};
	struct proto_map map = {.engine_count = 1, .engines = &engine};
	static struct servers servers;

	(void)state;
	engine.addresses[0] = text_of("unix:/run/engine-0.sock");
	engine.addresses[1] = text_of("tcp:127.0.0.1:10001");
	memset(&servers, 0, sizeof(servers));
	servers_filter(&servers, &map);
	assert_int_equal(engine.address_count, 2);
	assert_int_equal(servers_find(&places, &servers), 0);
	servers_filter(&servers, &map);
	assert_int_equal(engine.address_count, 1);
	assert_memory_equal(engine.addresses[0].data, "tcp:", 4);
	/* None would be left: all stay. */
	engine.addresses[0] = text_of("unix:/run/engine-0.sock");
	servers_filter(&servers, &map);
	assert_int_equal(engine.address_count, 1);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(test_order, setup, teardown),
		cmocka_unit_test_setup_teardown(test_report, setup, teardown),
		cmocka_unit_test_setup_teardown(test_bad_lists, setup, teardown),
		cmocka_unit_test(test_filter),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
