/* SPDX-License-Identifier: BSD-2-Clause-Patent */
/* What the floors share. */
#include "common.h"

#include <arpa/inet.h>
#include <errno.h>
#include <getopt.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <sched.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

void
stop(const char *format, ...)
{
	int error = errno;
	va_list arguments;

	va_start(arguments, format);
	vfprintf(stderr, format, arguments);
	va_end(arguments);
	fprintf(stderr, " (%s)\n", strerror(error));
	exit(1);
}

void
options_read(struct options *options, int count, char **arguments)
{
	static const struct option known[] = {{"operations", required_argument, NULL, 'o'},
					      {"depth", required_argument, NULL, 'd'},
					      {"spin", no_argument, NULL, 's'},
					      {"pin", no_argument, NULL, 'b'},
					      {"directory", required_argument, NULL, 'p'},
					      {NULL, 0, NULL, 0}};
	int option;

	while ((option = getopt_long(count, arguments, "", known, NULL)) != -1) {
		if (option == 'o')
			options->operations = strtoull(optarg, NULL, 10);
		else if (option == 'd')
			options->depth = (uint32_t)strtoul(optarg, NULL, 10);
		else if (option == 's')
			options->spin = true;
		else if (option == 'b')
			options->pin = true;
		else if (option == 'p')
			options->directory = optarg;
		else
			exit(2);
	}
	errno = EINVAL;
	if (options->operations == 0 || options->depth == 0 || options->depth > 1024)
		stop("--operations and --depth (at most 1024) must be positive numbers");
}

/* ------------------------------------------------ stream */

static struct stream
stream_open(int fd, bool spin)
{
	struct epoll_event event = {.events = EPOLLIN};
	struct stream stream = {.fd = fd, .epoll = -1};
	const int yes = 1;

	if (setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &yes, sizeof(yes)) < 0)
		stop("cannot set TCP_NODELAY");
	if (spin)
		return stream;
	stream.epoll = epoll_create1(EPOLL_CLOEXEC);
	if (stream.epoll < 0 || epoll_ctl(stream.epoll, EPOLL_CTL_ADD, fd, &event) < 0)
		stop("cannot wait by epoll");
	return stream;
}

static void
stream_wait(struct stream *stream)
{
	struct epoll_event event;

	if (stream->epoll >= 0)
		epoll_wait(stream->epoll, &event, 1, -1);
}

size_t
stream_receive(struct stream *stream, void *to, size_t length)
{
	for (;;) {
		ssize_t received = recv(stream->fd, to, length, MSG_DONTWAIT);

		if (received >= 0)
			return (size_t)received;
		if (errno == ECONNRESET)
			return 0;
		if (errno != EAGAIN && errno != EINTR)
			stop("cannot receive");
		stream_wait(stream);
	}
}

void
stream_receive_all(struct stream *stream, void *to, size_t length)
{
	for (size_t done = 0; done < length;) {
		size_t received = stream_receive(stream, (char *)to + done, length - done);

		if (received == 0)
			stop("the server has gone");
		done += received;
	}
}

void
stream_send_all(struct stream *stream, const void *from, size_t length)
{
	for (size_t done = 0; done < length;) {
		ssize_t sent =
			send(stream->fd, (const char *)from + done, length - done, MSG_NOSIGNAL);

		if (sent < 0 && errno != EINTR)
			stop("cannot send");
		done += sent > 0 ? (size_t)sent : 0;
	}
}

/* ------------------------------------------------ server */

static int
listen_on_loopback(struct sockaddr_in *address)
{
	socklen_t length = sizeof(*address);
	int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);

	*address = (struct sockaddr_in){.sin_family = AF_INET,
					.sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
	if (fd < 0 || bind(fd, (struct sockaddr *)address, sizeof(*address)) < 0 ||
	    listen(fd, 1) < 0 || getsockname(fd, (struct sockaddr *)address, &length) < 0)
		stop("cannot listen on loopback");
	return fd;
}

/* Binds this process to the index-th core it may use; without that many it stays where it is. */
static void
pin(const struct options *options, int index)
{
	cpu_set_t cores, one;

	if (!options->pin || sched_getaffinity(0, sizeof(cores), &cores) < 0)
		return;
	for (int core = 0; core < CPU_SETSIZE; core++) {
		if (!CPU_ISSET(core, &cores) || index-- > 0)
			continue;
		CPU_ZERO(&one);
		CPU_SET(core, &one);
		sched_setaffinity(0, sizeof(one), &one);
		return;
	}
}

struct stream
server_start(const struct options *options, void (*serve)(const struct options *, struct stream *),
	     pid_t *ret_server)
{
	struct sockaddr_in address;
	int listener = listen_on_loopback(&address), fd;
	pid_t server = fork();

	if (server < 0)
		stop("cannot fork");
	if (server == 0) {
		struct stream stream;

		prctl(PR_SET_PDEATHSIG, SIGKILL);
		pin(options, 1);
		fd = accept4(listener, NULL, NULL, SOCK_CLOEXEC);
		if (fd < 0)
			stop("cannot accept");
		stream = stream_open(fd, options->spin);
		serve(options, &stream);
		exit(0);
	}
	close(listener);
	pin(options, 0);
	fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
	if (fd < 0 || connect(fd, (struct sockaddr *)&address, sizeof(address)) < 0)
		stop("cannot connect");
	*ret_server = server;
	return stream_open(fd, options->spin);
}

void
server_stop(struct stream *stream, pid_t server)
{
	int status;

	close(stream->fd);
	if (waitpid(server, &status, 0) != server || status != 0)
		stop("the server failed");
}

/* ------------------------------------------------ figures */

static uint64_t
read_clock(clockid_t id)
{
	struct timespec now;

	if (clock_gettime(id, &now) < 0)
		stop("cannot read a clock");
	return (uint64_t)now.tv_sec * 1000000000u + (uint64_t)now.tv_nsec;
}

void
figures_take(pid_t server, struct figures *ret_figures)
{
	clockid_t clock;

	if (clock_getcpuclockid(server, &clock) != 0)
		stop("cannot read the server's CPU time");
	ret_figures->wall = read_clock(CLOCK_MONOTONIC);
	ret_figures->client = read_clock(CLOCK_PROCESS_CPUTIME_ID);
	ret_figures->server = read_clock(clock);
}

uint64_t
now(void)
{
	return read_clock(CLOCK_MONOTONIC);
}

void
figures_print(const char *floor, const struct options *options, uint64_t operations,
	      uint64_t p50_ns, const struct figures *from, const struct figures *to)
{
	double count = (double)operations;

	printf("{\"floor\":\"%s\",\"mode\":\"%s\",\"pinned\":%s,\"depth\":%u,\"ops\":%llu,"
	       "\"wall_ns\":%llu,\"wall_ns_per_op\":%.0f,"
	       "\"server_cpu_ns_per_op\":%.0f,\"client_cpu_ns_per_op\":%.0f",
	       floor, options->spin ? "spin" : "sleep", options->pin ? "true" : "false",
	       options->depth, (unsigned long long)operations,
	       (unsigned long long)(to->wall - from->wall), (double)(to->wall - from->wall) / count,
	       (double)(to->server - from->server) / count,
	       (double)(to->client - from->client) / count);
	printf(",\"both_cpu_ns_per_op\":%.0f,\"ops_per_second\":%.0f",
	       (double)(to->server - from->server + to->client - from->client) / count,
	       count * 1e9 / (double)(to->wall - from->wall));
	if (p50_ns > 0)
		printf(",\"p50_ns\":%llu", (unsigned long long)p50_ns);
	printf("}\n");
}
