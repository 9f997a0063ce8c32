/* SPDX-License-Identifier: BSD-2-Clause-Patent */
/*
 * The context of a loop: where its log lines go, what it counts, and where its latest error began.
 *
 * The pointer to the current context is the one thread-local of the engine. A loop sets it while it
 * is stepped; a thread without a loop falls back to a context that logs warnings to standard error.
 */
#pragma once

#include "base/compiler.h"

struct metrics;
struct marks;
struct loop;
struct client_context;

/* The place where an error began; a fiber owns one, so that errors of other fibers do not overwrite
 * it. */
struct error_origin {
	int code;
	int line;
	const char *file;
	const char *function;
	char text[192];
};

enum log_level { LOG_ERROR, LOG_WARNING, LOG_NOTICE, LOG_INFO, LOG_DEBUG };

/* Receives finished log lines without a newline. May be called on any loop's thread that shares it.
 */
struct log_sink {
	void (*write)(struct log_sink *sink, enum log_level level, const char *tag,
		      const char *line);
};

struct context {
	const char *name;	     /* appears in log lines, e.g. "loop 1" */
	enum log_level level;	     /* lines above it are dropped */
	struct log_sink *sink;	     /* borrowed; NULL: standard error */
	struct metrics *metrics;     /* borrowed; may be NULL */
	struct marks *marks;	     /* borrowed; NULL: no mark fires and none is counted */
	struct error_origin *origin; /* of the running fiber, or the context's own */
	struct error_origin own_origin;
	struct loop *loop;	       /* being stepped with this context, or NULL; set by fiber/ */
	struct client_context *client; /* of libdaos, whose loop it is, or NULL; set by client/ */
};

/* Sets up *context with sink (borrowed, may be NULL) and level. */
void context_init(struct context *context, const char *name, struct log_sink *sink,
		  enum log_level level);

/* The current context, never NULL. */
struct context *context_current(void);

/* Makes context the current one of this thread (NULL: the fallback) and returns the one before. */
struct context *context_enter(struct context *context);
