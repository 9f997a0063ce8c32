/* SPDX-License-Identifier: BSD-2-Clause-Patent */
/* What a client is told that finds a server which ends before it has answered anything. */
/* modules: client */
#include <netinet/in.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include "client/client.h"
#include "embedded_bed.h"

static struct embedded_bed bed;

static int
setup(void **state)
{
	(void)state;
	embedded_directory_make(&bed);
	unsetenv("DAOS_EMBEDDED");
	unsetenv("CAIRN_ENGINE");
	setenv("DAOS_AGENT_DRPC_DIR", bed.directory, 1);
	setenv("XDG_RUNTIME_DIR", bed.directory, 1);
	client_set_quiet(true);
	return 0;
}

static int
teardown(void **state)
{
	(void)state;
	client_set_quiet(false);
	embedded_directory_remove(&bed);
	return 0;
}

static int
listen_in_directory(void)
{
	struct sockaddr_un address = {.sun_family = AF_UNIX};
	int listener = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);

	snprintf(address.sun_path, sizeof(address.sun_path), "%.80s/engine-0.sock", bed.directory);
	assert_int_equal(bind(listener, (struct sockaddr *)&address, sizeof(address)), 0);
	assert_int_equal(listen(listener, 8), 0);
	return listener;
}

/* Takes the connection by which the client looks whether anybody is there, and the first that says
 * something; then it ends, as a server that is killed does. */
static void *
die_at_first_word(void *argument)
{
	int listener = *(int *)argument, connection;
	char byte;

	for (;;) {
		connection = accept(listener, NULL, NULL);
		if (connection < 0 || read(connection, &byte, 1) == 1)
			break;
		close(connection);
	}
	close(listener);
	close(connection);
	return NULL;
}

static int
connect_pool(void)
{
	daos_handle_t pool;

	return daos_pool_connect("tank", NULL, DAOS_PC_RO, &pool, NULL, NULL);
}

static void
server_has_just_ended(void **state)
{
	int listener = listen_in_directory();
	pthread_t server;

	(void)state;
	assert_int_equal(pthread_create(&server, NULL, die_at_first_word, &listener), 0);
	assert_ok(daos_init());
	assert_int_equal(connect_pool(), -DER_AGENT_COMM);
	pthread_join(server, NULL);
	/* Every place, and what is there now. */
	assert_non_null(strstr(client_last_error(), "places tried"));
	assert_non_null(strstr(client_last_error(), bed.directory));
	assert_non_null(strstr(client_last_error(), "nobody listens"));
	assert_non_null(strstr(client_last_error(), "daos_server start"));
	/* And again at the next call. */
	assert_int_equal(connect_pool(), -DER_AGENT_COMM);
	assert_ok(daos_fini());
}

/* A port that nobody listens on any more. */
static int
free_port(void)
{
	struct sockaddr_in address = {.sin_family = AF_INET,
				      .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
	socklen_t length = sizeof(address);
	int descriptor = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);

	assert_int_equal(bind(descriptor, (struct sockaddr *)&address, sizeof(address)), 0);
	assert_int_equal(getsockname(descriptor, (struct sockaddr *)&address, &length), 0);
	close(descriptor);
	return ntohs(address.sin_port);
}

static void
given_address_is_silent(void **state)
{
	char address[64];

	(void)state;
	snprintf(address, sizeof(address), "tcp:127.0.0.1:%d", free_port());
	setenv("CAIRN_ENGINE", address, 1);
	assert_ok(daos_init());
	assert_int_equal(connect_pool(), -DER_UNREACH);
	assert_non_null(strstr(client_last_error(), "CAIRN_ENGINE"));
	assert_non_null(strstr(client_last_error(), address));
	assert_ok(daos_fini());
	unsetenv("CAIRN_ENGINE");
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(server_has_just_ended),
		cmocka_unit_test(given_address_is_silent),
	};

	return cmocka_run_group_tests(tests, setup, teardown);
}
