/* SPDX-License-Identifier: BSD-2-Clause-Patent */
/* Answers and failures of commands, as text and as JSON. */
#include <stdlib.h>
#include <string.h>

#include "client/client.h"
#include "tools/output.h"

/* ------------------------------------------------ failures */

/* What a code means to a user: the exit status, the number ranges of faults, and a next step. */
struct code_row {
	int code;
	enum exit_status status;
	const char *why;
	const char *todo;
};

static const struct code_row codes[] = {
	{-DER_NONEXIST, STATUS_NOT_FOUND, "the system knows nothing of that name", NULL},
	{-DER_CONT_NONEXIST, STATUS_NOT_FOUND, "the pool has no such container", NULL},
	{-DER_ENOENT, STATUS_NOT_FOUND, "there is no such file or directory", NULL},
	{-DER_EXIST, STATUS_EXISTS, "the name is taken", "choose another name"},
	{-DER_NO_PERM, STATUS_PERMISSION, "this user may not do that",
	 "ask the owner for access, or run it as the owner"},
	{-DER_OP_NOT_PERMITTED, STATUS_PERMISSION, "this user may not do that", NULL},
	{-DER_UNREACH, STATUS_UNREACHABLE, "no engine answers", "start one: daos_server start"},
	{-DER_AGENT_COMM, STATUS_UNREACHABLE, "no server was found on this machine",
	 "start one: daos_server start"},
	{-DER_NO_SERVICE, STATUS_UNREACHABLE, "the service is not running",
	 "start a server: daos_server start"},
	{-DER_NOREPLY, STATUS_UNREACHABLE, "the engine does not answer",
	 "see that it runs: dmg system query"},
	{-DER_TIMEDOUT, STATUS_TIMEOUT,
	 "no answer came in time; whether the change was made is not known",
	 "see that the engine runs (dmg system query), look, then try again"},
	{-DER_NOSPACE, STATUS_FAILED, "the storage has too little room left",
	 "see what is there: dmg pool list; then ask for less, or destroy what is not needed"},
	{-DER_BUSY, STATUS_REFUSED, "it is in use", "end what uses it, or force it: --force"},
	{-DER_CANCELED, STATUS_INTERRUPTED, "it was interrupted", NULL},
	{-DER_OP_CANCELED, STATUS_INTERRUPTED, "it was interrupted", NULL},
	{-DER_NOSYS, STATUS_FAILED, "this version cannot do that yet", NULL},
	{-DER_DF_INCOMPT, STATUS_FAILED, "the stored format is of another version",
	 "use the software that wrote it"},
};

static const struct code_row *
find_code(int code)
{
	static const struct code_row other = {0, STATUS_FAILED, NULL, NULL};

	for (size_t i = 0; i < sizeof(codes) / sizeof(codes[0]); i++)
		if (codes[i].code == code)
			return &codes[i];
	return &other;
}

enum exit_status
status_of(int code)
{
	return code == 0 ? STATUS_OK : find_code(code)->status;
}

/* Prints text with its later lines indented as far as its first one. */
static void
print_indented(const char *label, const char *text)
{
	fprintf(stderr, "  %s ", label);
	for (const char *at = text; *at; at++) {
		fputc(*at, stderr);
		if (*at == '\n' && at[1])
			fprintf(stderr, "  %*s ", (int)strlen(label), "");
	}
	if (!text[0] || text[strlen(text) - 1] != '\n')
		fputc('\n', stderr);
}

static void
print_envelope(json_object *response, json_object *error, int status, const char *schema,
	       json_object *fault)
{
	json_object *envelope = json_object_new_object();

	json_object_object_add(envelope, "response", response);
	json_object_object_add(envelope, "error", error);
	json_object_object_add(envelope, "status", json_object_new_int(status));
	if (schema)
		json_object_object_add(envelope, "schema", json_text(schema));
	if (fault)
		json_object_object_add(envelope, "fault", fault);
	puts(json_object_to_json_string_ext(envelope, JSON_C_TO_STRING_PRETTY |
							      JSON_C_TO_STRING_SPACED |
							      JSON_C_TO_STRING_NOSLASHESCAPE));
	json_object_put(envelope);
}

static json_object *
fault_object(int code, const char *domain, const char *why, const char *todo)
{
	json_object *fault = json_object_new_object();

	json_object_object_add(fault, "code", json_object_new_int(code));
	json_object_object_add(fault, "domain", json_text(domain));
	json_object_object_add(fault, "description", json_text(why));
	json_object_object_add(fault, "resolution", todo && todo[0] ? json_text(todo) : NULL);
	json_object_object_add(fault, "docs", NULL);
	return fault;
}

/* One failure, everywhere it has to appear. */
static void
print_failure(struct call *call, int code, const char *what, const char *why, const char *todo)
{
	fprintf(stderr, "ERROR: %s: %s\n", call->program->name, what);
	print_indented("why:    ", why);
	if (todo && todo[0])
		print_indented("do this:", todo);
	fprintf(stderr, "  code:    %s(%d)\n", d_errstr(code), code);
	if (call->json) {
		char *error =
			text_format("%s: %s(%d): %s", what, d_errstr(code), code, d_errdesc(code));

		print_envelope(NULL, json_text(error), code, NULL,
			       fault_object(code, call->program->name, why, todo));
		free(error);
	}
}

static int
fail(struct call *call, int code, const char *why, const char *todo, char *what)
{
	const struct code_row *row = find_code(code);

	if (!why || !why[0])
		why = row->why ? row->why : d_errdesc(code);
	print_failure(call, code, what, why, todo ? todo : row->todo);
	free(what);
	return (int)row->status;
}

int
call_fail(struct call *call, int code, const char *todo, const char *format, ...)
{
	const char *why = client_last_error();
	va_list list;
	char *what;

	va_start(list, format);
	what = text_format_list(format, list);
	va_end(list);
	/* What the library says includes what to do. */
	return fail(call, code, why, why && why[0] && !todo ? "" : todo, what);
}

int
call_fail_because(struct call *call, int code, const char *why, const char *todo,
		  const char *format, ...)
{
	va_list list;
	char *what;

	va_start(list, format);
	what = text_format_list(format, list);
	va_end(list);
	return fail(call, code, why, todo, what);
}

int
call_misused(struct call *call, const char *suggestion, const char *format, ...)
{
	va_list list;
	char *what, *where, *todo;

	va_start(list, format);
	what = text_format_list(format, list);
	va_end(list);
	where = text_format("%s%s%s%s%s", call->program->name, call->group ? " " : "",
			    call->group ? call->group->name : "", call->command ? " " : "",
			    call->command ? call->command->name : "");
	todo = suggestion ? text_format("did you mean `%s'? `%s --help` shows what there is",
					suggestion, where)
			  : text_format("`%s --help` shows what there is", where);
	fprintf(stderr, "ERROR: %s: %s\n", call->program->name, what);
	print_indented("do this:", todo);
	if (call->json)
		print_envelope(NULL, json_text(what), -DER_INVAL, NULL,
			       fault_object(-DER_INVAL, call->program->name, what, todo));
	free(what);
	free(where);
	free(todo);
	return STATUS_USAGE;
}

/* ------------------------------------------------ answers */

int
call_answer(struct call *call, const char *schema, json_object *response)
{
	(void)call;
	print_envelope(response, NULL, 0, schema, NULL);
	return STATUS_OK;
}

int
call_connect(struct call *call)
{
	int rc;

	if (call->connected)
		return STATUS_OK;
	client_set_quiet(true);
	rc = daos_init();
	if (rc)
		return call_fail(call, rc, NULL, "cannot start the client library");
	call->connected = true;
	return STATUS_OK;
}

void
call_disconnect(struct call *call)
{
	if (call->connected)
		daos_fini();
	call->connected = false;
}

json_object *
json_text(const char *text)
{
	return json_object_new_string(text);
}

json_object *
json_number(uint64_t number)
{
	return json_object_new_uint64(number);
}
