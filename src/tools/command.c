/* SPDX-License-Identifier: BSD-2-Clause-Patent */
/* Command lines: from the tables of command.h to a call. */
#include <getopt.h>
#include <stdio.h>
#include <string.h>

#include "common/common.h"
#include "tools/command.h"
#include "tools/output.h"

/* Values that getopt_long() returns for the row of an option: those of the program come later. */
#define OWN_BASE 1000
#define GLOBAL_BASE 2000
#define HELP_VALUE 3000

static const struct option_row no_options[] = {{NULL, 0, NULL, NULL}};

static const struct option_row *
own_options(const struct call *call)
{
	return call->command && call->command->options ? call->command->options : no_options;
}

const char *
call_option(const struct call *call, const char *name)
{
	const struct option_row *own = own_options(call);

	for (uint32_t i = 0; own[i].name; i++)
		if (strcmp(own[i].name, name) == 0)
			return call->values[i];
	for (uint32_t i = 0; call->program->options[i].name; i++)
		if (strcmp(call->program->options[i].name, name) == 0)
			return call->globals[i];
	return NULL;
}

const char *
call_either(const struct call *call, const char *name, uint32_t index)
{
	const char *value = call_option(call, name);

	if (value)
		return value;
	return index < call->argument_count ? call->arguments[index] : NULL;
}

/* ------------------------------------------------ help */

static void
print_options(const struct option_row *rows, const char *title)
{
	char left[64];

	if (!rows[0].name)
		return;
	printf("\n%s:\n", title);
	for (; rows->name; rows++) {
		char letter[8] = "    ";

		if (rows->letter)
			snprintf(letter, sizeof(letter), "-%c, ", rows->letter);
		snprintf(left, sizeof(left), "%s--%s%s%s", letter, rows->name,
			 rows->value ? "=" : "", rows->value ? rows->value : "");
		printf("  %-32s %s\n", left, rows->help);
	}
}

static void
print_verb(const char *name, const char *alias, const char *help)
{
	char left[64];

	snprintf(left, sizeof(left), "%s%s%s%s", name, alias ? " [" : "", alias ? alias : "",
		 alias ? "]" : "");
	printf("  %-24s %s\n", left, help);
}

/* Whether the group is a verb by itself, as `version`. */
static bool
is_verb(const struct group *group)
{
	return group->commands[0].name && !group->commands[1].name &&
	       strcmp(group->commands[0].name, group->name) == 0;
}

static void
print_command_help(const struct call *call)
{
	const struct command *command = call->command;

	printf("usage: %s ", call->program->name);
	if (!is_verb(call->group))
		printf("%s ", call->group->name);
	printf("%s [options]%s%s\n\n%s\n", command->name, command->arguments[0] ? " " : "",
	       command->arguments, command->help);
	print_options(own_options(call), "Options");
	print_options(call->program->options, "Options of every command");
	if (command->example)
		printf("\nExamples:\n%s", command->example);
}

static void
print_group_help(const struct call *call)
{
	printf("usage: %s %s <verb> [options]\n\n%s\n\nVerbs:\n", call->program->name,
	       call->group->name, call->group->help);
	for (const struct command *row = call->group->commands; row->name; row++)
		print_verb(row->name, row->alias, row->help);
	printf("\n`%s %s <verb> --help` says more.\n", call->program->name, call->group->name);
}

static void
print_program_help(const struct call *call)
{
	printf("usage: %s [options] <command> <verb> [options]\n\n%s\n\nCommands:\n",
	       call->program->name, call->program->title);
	for (const struct group *row = call->program->groups; row->name; row++)
		print_verb(row->name, row->alias, row->help);
	print_options(call->program->options, "Options of every command");
	printf("\n%s", call->program->notes);
}

static int
print_help(const struct call *call)
{
	if (call->command)
		print_command_help(call);
	else if (call->group)
		print_group_help(call);
	else
		print_program_help(call);
	return STATUS_OK;
}

/* ------------------------------------------------ did you mean */

/* The best name so far for a word that is none. */
struct nearest {
	const char *word, *name;
	uint32_t distance;
};

static void
consider(struct nearest *nearest, const char *name)
{
	uint32_t distance = name ? text_distance(nearest->word, name) : UINT32_MAX;

	if (distance < nearest->distance) {
		nearest->distance = distance;
		nearest->name = name;
	}
}

static const char *
nearest_name(const struct nearest *nearest)
{
	return nearest->name && text_is_near(nearest->distance, strlen(nearest->word))
		       ? nearest->name
		       : NULL;
}

static int
unknown_word(struct call *call, const char *word)
{
	struct nearest nearest = {.word = word, .distance = UINT32_MAX};
	const char *name;

	if (call->group)
		for (const struct command *row = call->group->commands; row->name; row++) {
			consider(&nearest, row->name);
			consider(&nearest, row->alias);
		}
	else
		for (const struct group *row = call->program->groups; row->name; row++) {
			consider(&nearest, row->name);
			consider(&nearest, row->alias);
		}
	name = nearest_name(&nearest);
	return call_misused(call, name, "unknown command `%s'", word);
}

static int
unknown_option(struct call *call, const char *word)
{
	const struct option_row *own = own_options(call);
	const char *name = word + strspn(word, "-");
	struct nearest nearest = {.distance = UINT32_MAX};
	char typed[64], option[64];

	/* Without the value that follows. */
	snprintf(typed, sizeof(typed), "%.*s", (int)strcspn(name, "="), name);
	nearest.word = typed;

	for (uint32_t i = 0; own[i].name; i++)
		consider(&nearest, own[i].name);
	for (uint32_t i = 0; call->program->options[i].name; i++)
		consider(&nearest, call->program->options[i].name);
	snprintf(option, sizeof(option), "--%s", nearest_name(&nearest) ? nearest.name : "");
	return call_misused(call, option[2] ? option : NULL, "unknown flag `%s'", word);
}

/* ------------------------------------------------ reading */

/* What getopt_long() wants to know. */
struct getopt_table {
	struct option options[2 * OPTIONS_MAX + 2];
	char letters[8 * OPTIONS_MAX];
	int by_letter[128]; /* value of a letter */
	uint32_t count;
};

static void
add_option(struct getopt_table *table, const struct option_row *row, int value)
{
	unsigned char letter = (unsigned char)row->letter;

	table->options[table->count++] = (struct option){
		row->name, row->value ? required_argument : no_argument, NULL, value};
	/* A letter that the command gives another meaning is no longer the program's. */
	if (!letter || letter >= 128 || table->by_letter[letter])
		return;
	table->by_letter[letter] = value;
	sprintf(table->letters + strlen(table->letters), "%c%s", letter, row->value ? ":" : "");
}

static void
fill_table(struct getopt_table *table, const struct call *call, bool stop_at_word)
{
	static const struct option_row help = {"help", 'h', NULL, NULL};
	const struct option_row *own = own_options(call);

	*table = (struct getopt_table){.letters = ""};
	strcpy(table->letters, stop_at_word ? "+:" : ":");
	for (uint32_t i = 0; own[i].name; i++)
		add_option(table, &own[i], OWN_BASE + (int)i);
	for (uint32_t i = 0; call->program->options[i].name; i++)
		add_option(table, &call->program->options[i], GLOBAL_BASE + (int)i);
	add_option(table, &help, HELP_VALUE);
}

static void
take_option(struct call *call, int value, const char *argument)
{
	if (value >= GLOBAL_BASE)
		call->globals[value - GLOBAL_BASE] = argument ? argument : "";
	else
		call->values[value - OWN_BASE] = argument ? argument : "";
	call->json = call_option(call, "json") != NULL;
}

/*
 * Reads options from arguments[0] on, which is skipped, up to the first word or to the end, where
 * words then come last. Returns the number of arguments read, or minus the exit status and one:
 * the call has ended.
 */
static int
read_options(struct call *call, int count, char **arguments, bool stop_at_word)
{
	struct getopt_table table;
	int value;

	fill_table(&table, call, stop_at_word);
	optind = 0;
	opterr = 0;
	while ((value = getopt_long(count, arguments, table.letters, table.options, NULL)) != -1) {
		const char *word = arguments[optind - 1];
		char letter[3] = {'-', (char)optopt, '\0'};

		if (value > 0 && value < 128)
			value = table.by_letter[value] ? table.by_letter[value] : value;
		if (value == HELP_VALUE)
			return -1 - print_help(call);
		if (value == ':')
			return -1 -
			       call_misused(call, NULL, "expected argument for flag `%s'", word);
		if (value == '?')
			return -1 -
			       unknown_option(call, optopt > 0 && optopt < 128 ? letter : word);
		take_option(call, value, optarg);
	}
	return optind;
}

static const struct group *
find_group(const struct program *program, const char *word)
{
	for (const struct group *row = program->groups; row->name; row++)
		if (strcmp(row->name, word) == 0 || (row->alias && strcmp(row->alias, word) == 0))
			return row;
	return NULL;
}

static const struct command *
find_command(const struct group *group, const char *word)
{
	for (const struct command *row = group->commands; row->name; row++)
		if (strcmp(row->name, word) == 0 || (row->alias && strcmp(row->alias, word) == 0))
			return row;
	return NULL;
}

static int
read_arguments(struct call *call, int count, char **arguments)
{
	int read = read_options(call, count, arguments, false);
	const struct command *command = call->command;

	if (read < 0)
		return read;
	call->argument_count = (uint32_t)(count - read);
	if (call->argument_count < command->least)
		return -1 -
		       call_misused(call, NULL, "an argument is missing: %s", command->arguments);
	if (call->argument_count > command->most)
		return -1 - call_misused(call, NULL, "unexpected argument `%s'",
					 arguments[read + command->most]);
	for (uint32_t i = 0; i < call->argument_count; i++)
		call->arguments[i] = arguments[read + (int)i];
	return 0;
}

/* Fills call; 0, or as read_options(). */
static int
read_call(struct call *call, int count, char **arguments)
{
	int read = read_options(call, count, arguments, true);

	if (read < 0)
		return read;
	if (read == count) {
		print_help(call);
		return -1 - STATUS_USAGE;
	}
	if (strcmp(arguments[read], "help") == 0)
		return -1 - print_help(call);
	call->group = find_group(call->program, arguments[read]);
	if (!call->group)
		return -1 - unknown_word(call, arguments[read]);
	if (is_verb(call->group)) {
		call->command = call->group->commands;
		return read_arguments(call, count - read, arguments + read);
	}
	count -= read;
	arguments += read;
	read = read_options(call, count, arguments, true);
	if (read < 0)
		return read;
	if (read == count) {
		print_help(call);
		return -1 - STATUS_USAGE;
	}
	call->command = find_command(call->group, arguments[read]);
	if (!call->command)
		return -1 - unknown_word(call, arguments[read]);
	return read_arguments(call, count - read, arguments + read);
}

int
program_main(const struct program *program, int count, char **arguments)
{
	struct call call = {.program = program};
	int rc = read_call(&call, count, arguments);

	if (rc < 0)
		return -1 - rc;
	rc = call.command->run(&call);
	call_disconnect(&call);
	if (fflush(stdout) != 0 && rc == STATUS_OK)
		rc = STATUS_FAILED;
	return rc;
}
