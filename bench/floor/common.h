/* SPDX-License-Identifier: BSD-2-Clause-Patent */
/*
 * What the floors share: options, a server in a process of its own behind one TCP connection on
 * loopback, and the figures. Errors end the program: a floor that cannot run says why and
 * returns 1.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

struct options {
	uint64_t operations;   /* measured, after a tenth of it as warm-up */
	uint32_t depth;	       /* requests under way */
	bool spin;	       /* poll without sleeping, on both sides */
	bool pin;	       /* client and server each on a core of its own */
	const char *directory; /* where a file goes */
};

/* A connected stream, non-blocking. */
struct stream {
	int fd;
	int epoll; /* -1: spin */
};

/* Reads "--operations N --depth N --spin --pin --directory PATH" over the defaults in *options. */
void options_read(struct options *options, int count, char **arguments);

/* Forks; serve(options, stream) runs in the child until the client is gone. Returns the client's
 * end. */
struct stream server_start(const struct options *options,
			   void (*serve)(const struct options *, struct stream *),
			   pid_t *ret_server);
void server_stop(struct stream *stream, pid_t server);

/* At least one byte, at most length; 0: the peer is gone. Waits as the stream does. */
size_t stream_receive(struct stream *stream, void *to, size_t length);
/* All of it. */
void stream_receive_all(struct stream *stream, void *to, size_t length);
void stream_send_all(struct stream *stream, const void *from, size_t length);

/* Wall-clock time, and CPU time (user and system) of this process and of the server. */
struct figures {
	uint64_t wall;
	uint64_t client;
	uint64_t server;
};
void figures_take(pid_t server, struct figures *ret_figures);

/* One JSON line on standard output: the floor's name, its parameters, and nanoseconds per
 * operation; p50_ns, the median of what one takes, where it is not 0. */
void figures_print(const char *floor, const struct options *options, uint64_t operations,
		   uint64_t p50_ns, const struct figures *from, const struct figures *to);

/* Nanoseconds of the wall clock. */
uint64_t now(void);

void __attribute__((noreturn, format(printf, 1, 2))) stop(const char *format, ...);
