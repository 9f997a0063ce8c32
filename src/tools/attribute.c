/* SPDX-License-Identifier: BSD-2-Clause-Patent */
/* daos pool and container: list-attr, get-attr, set-attr, del-attr. */
#include <stdlib.h>
#include <string.h>

#include "tools/daos_verbs.h"
#include "tools/properties.h"

#define VALUE_MAX (64u * 1024)

/* Whose attributes: both kinds are asked by functions of the same form. */
struct owner {
	const char *kind;
	int (*list)(daos_handle_t handle, char *buffer, size_t *size, daos_event_t *event);
	int (*get)(daos_handle_t handle, int n, char const *const names[], void *const buffers[],
		   size_t sizes[], daos_event_t *event);
	int (*set)(daos_handle_t handle, int n, char const *const names[],
		   void const *const values[], size_t const sizes[], daos_event_t *event);
	int (*del)(daos_handle_t handle, int n, char const *const names[], daos_event_t *event);
};

static const struct owner pools = {"pool", daos_pool_list_attr, daos_pool_get_attr,
				   daos_pool_set_attr, daos_pool_del_attr};
static const struct owner containers = {"container", daos_cont_list_attr, daos_cont_get_attr,
					daos_cont_set_attr, daos_cont_del_attr};

/* One command under way. */
struct work {
	struct call *call;
	const struct owner *owner;
	const char *name;     /* of the owner, as given */
	const char *argument; /* behind the owner; NULL: none */
	daos_handle_t handle;
};

/* Opens the owner that the arguments name, does the work, closes it. */
static int
work_on_pool(struct call *call, unsigned int flags, int (*run)(struct work *work))
{
	struct work work = {call, &pools, call->arguments[0],
			    call->argument_count > 1 ? call->arguments[1] : NULL, DAOS_HDL_INVAL};
	int rc = open_pool(call, work.name, flags, &work.handle);

	if (rc)
		return rc;
	rc = run(&work);
	daos_pool_disconnect(work.handle, NULL);
	return rc;
}

static int
work_on_container(struct call *call, unsigned int flags, int (*run)(struct work *work))
{
	struct work work = {call, &containers, call->arguments[1],
			    call->argument_count > 2 ? call->arguments[2] : NULL, DAOS_HDL_INVAL};
	struct open_container open;
	int rc = open_container(call, call->arguments[0], work.name, flags, &open);

	if (rc)
		return rc;
	work.handle = open.container;
	rc = run(&work);
	close_container(&open);
	return rc;
}

/* ------------------------------------------------ list and get */

/* The names, one after another with their zeros; to be freed. */
static int
fetch_names(const struct work *work, char **ret_names, size_t *ret_length)
{
	size_t length = 0, needed;
	char *names;
	int code = work->owner->list(work->handle, NULL, &length, NULL);

	if (code)
		return code;
	needed = length;
	names = calloc(1, length + 1);
	if (!names)
		abort();
	code = work->owner->list(work->handle, names, &length, NULL);
	if (code) {
		free(names);
		return code;
	}
	*ret_names = names;
	*ret_length = length < needed ? length : needed;
	return 0;
}

/* The value of one attribute as text, to be freed. */
static int
fetch_value(const struct work *work, const char *name, char **ret_value)
{
	const char *names[] = {name};
	size_t sizes[] = {VALUE_MAX};
	char *value = calloc(1, VALUE_MAX + 1);
	void *buffers[] = {value};
	int code;

	if (!value)
		abort();
	code = work->owner->get(work->handle, 1, names, buffers, sizes, NULL);
	if (code)
		free(value);
	else
		*ret_value = value;
	return code;
}

/* Adds one attribute to the answer, with its value where that is wanted. */
static int
add_attribute(const struct work *work, const char *name, bool with_value, json_object *array)
{
	json_object *object = json_object_new_object();
	char *value = NULL;
	int code = with_value ? fetch_value(work, name, &value) : 0;

	json_object_object_add(object, "name", json_text(name));
	if (value)
		json_object_object_add(object, "value", json_text(value));
	json_object_array_add(array, object);
	free(value);
	return code;
}

static const char *
text_of(json_object *array, size_t index, const char *key)
{
	json_object *text = NULL;

	json_object_object_get_ex(json_object_array_get_idx(array, index), key, &text);
	return text ? json_object_get_string(text) : "";
}

static void
print_attributes(const struct work *work, json_object *array, bool with_values)
{
	static const char *const both[] = {"Name", "Value", NULL}, *const alone[] = {"Name", NULL};
	size_t count = json_object_array_length(array);
	struct text_table table;

	if (count == 0) {
		printf("No attributes of %s %s.\n", work->owner->kind, work->name);
		return;
	}
	printf("Attributes for %s %s:\n", work->owner->kind, work->name);
	table_begin(&table, with_values ? both : alone);
	for (size_t i = 0; i < count; i++)
		table_add(&table, text_of(array, i, "name"), text_of(array, i, "value"));
	table_end(&table, 0);
	putchar('\n');
}

/* Shows what was gathered in array, which it takes, or the failure. */
static int
show(const struct work *work, json_object *array, bool with_values, int code)
{
	if (code) {
		json_object_put(array);
		return call_fail(work->call, code, NULL, "failed to read attributes of %s \"%s\"",
				 work->owner->kind, work->name);
	}
	if (work->call->json)
		return call_answer(work->call, "attributes/1", array);
	print_attributes(work, array, with_values);
	json_object_put(array);
	return STATUS_OK;
}

static int
list_attributes(struct work *work)
{
	bool values = call_option(work->call, "verbose") != NULL;
	json_object *array = json_object_new_array();
	size_t length = 0;
	char *names = NULL;
	int code = fetch_names(work, &names, &length);

	for (char *at = names; code == 0 && at < names + length; at += strlen(at) + 1)
		code = add_attribute(work, at, values, array);
	free(names);
	return show(work, array, values, code);
}

/* Those named, separated by commas; all when none is. */
static int
get_attributes(struct work *work)
{
	json_object *array = json_object_new_array();
	char *names = NULL, *saved = NULL;
	size_t length = 0;
	int code = 0;

	if (work->argument) {
		names = text_format("%s", work->argument);
		for (char *at = strtok_r(names, ",", &saved); at && code == 0;
		     at = strtok_r(NULL, ",", &saved))
			code = add_attribute(work, at, true, array);
	} else {
		code = fetch_names(work, &names, &length);
		for (char *at = names; code == 0 && at < names + length; at += strlen(at) + 1)
			code = add_attribute(work, at, true, array);
	}
	free(names);
	return show(work, array, true, code);
}

/* ------------------------------------------------ set and delete */

static int
done(const struct work *work, int code, const char *verb, const char *schema)
{
	if (code)
		return call_fail(work->call, code, NULL, "failed to %s attributes of %s \"%s\"",
				 verb, work->owner->kind, work->name);
	return work->call->json ? call_answer(work->call, schema, NULL) : STATUS_OK;
}

static int
set_attributes(struct work *work)
{
	const void *values[PAIRS_MAX];
	struct pairs pairs;
	int code;

	if (!pairs_parse(work->argument, &pairs))
		return call_misused(work->call, NULL, "`%s' cannot be read: write name:value,...",
				    work->argument);
	for (uint32_t i = 0; i < pairs.count; i++)
		values[i] = pairs.values[i];
	code = work->owner->set(work->handle, (int)pairs.count, pairs.names, values, pairs.sizes,
				NULL);
	pairs_free(&pairs);
	return done(work, code, "set", "attributes.set/1");
}

static int
delete_attributes(struct work *work)
{
	const char *names[PAIRS_MAX];
	char *text = text_format("%s", work->argument), *saved = NULL;
	int count = 0, code;

	for (char *at = strtok_r(text, ",", &saved); at && count < (int)PAIRS_MAX;
	     at = strtok_r(NULL, ",", &saved))
		names[count++] = at;
	code = count > 0 ? work->owner->del(work->handle, count, names, NULL) : -DER_INVAL;
	free(text);
	return done(work, code, "delete", "attributes.delete/1");
}

/* ------------------------------------------------ verbs */

int
run_pool_list_attributes(struct call *call)
{
	return work_on_pool(call, DAOS_PC_RO, list_attributes);
}

int
run_pool_get_attributes(struct call *call)
{
	return work_on_pool(call, DAOS_PC_RO, get_attributes);
}

int
run_pool_set_attributes(struct call *call)
{
	return work_on_pool(call, DAOS_PC_RW, set_attributes);
}

int
run_pool_delete_attributes(struct call *call)
{
	return work_on_pool(call, DAOS_PC_RW, delete_attributes);
}

int
run_container_list_attributes(struct call *call)
{
	return work_on_container(call, DAOS_COO_RO, list_attributes);
}

int
run_container_get_attributes(struct call *call)
{
	return work_on_container(call, DAOS_COO_RO, get_attributes);
}

int
run_container_set_attributes(struct call *call)
{
	return work_on_container(call, DAOS_COO_RW, set_attributes);
}

int
run_container_delete_attributes(struct call *call)
{
	return work_on_container(call, DAOS_COO_RW, delete_attributes);
}
