/* SPDX-License-Identifier: BSD-2-Clause-Patent */
/*
 * What a program can be told, as tables: groups of verbs, their options and arguments. Reading the
 * command line, help, usage errors and "did you mean" all come from the same rows.
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>

/* An option; a table of them ends with a row without a name. */
struct option_row {
	const char *name;  /* without the dashes */
	char letter;	   /* 0: none */
	const char *value; /* what it takes, for the help; NULL: a flag */
	const char *help;
};

#define OPTIONS_MAX 24
#define ARGUMENTS_MAX 4

struct call;

/* A verb; a table of them ends with a row without a name. */
struct command {
	const char *name;
	const char *alias;     /* may be NULL */
	const char *arguments; /* for the help, such as "<pool> [label]" */
	uint8_t least, most;   /* number of arguments */
	const char *help;      /* one line */
	const struct option_row *options;
	int (*run)(struct call *call); /* returns an enum exit_status */
	const char *example;	       /* lines for --help, or NULL */
};

/* Verbs that share a first word. With one command of the same name it is a verb by itself. */
struct group {
	const char *name;
	const char *alias;
	const char *help;
	const struct command *commands;
};

struct program {
	const char *name;
	const char *title; /* one line */
	const struct option_row *options;
	const struct group *groups;
	const char *notes; /* end of --help */
};

/* One command line, read. All texts are borrowed from it. */
struct call {
	const struct program *program;
	const struct group *group;
	const struct command *command;
	const char *values[OPTIONS_MAX];  /* of command->options, by row */
	const char *globals[OPTIONS_MAX]; /* of program->options, by row */
	const char *arguments[ARGUMENTS_MAX];
	uint32_t argument_count;
	bool json;
	bool connected; /* daos_init() was done */
};

/* The value of an option of the command or the program, "" for a flag; NULL when not given. */
const char *call_option(const struct call *call, const char *name);

/* The option, or else the argument at index; NULL when neither was given. */
const char *call_either(const struct call *call, const char *name, uint32_t index);

/* Reads the command line, runs the command, and returns the exit status. */
int program_main(const struct program *program, int count, char **arguments);
