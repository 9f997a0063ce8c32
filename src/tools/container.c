/* SPDX-License-Identifier: BSD-2-Clause-Patent */
/* daos container: create, list, query, destroy. */
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <sys/stat.h>

#include "client/client.h"
#include "daos_fs.h"
#include "daos_uns.h"
#include "tools/access.h"
#include "tools/daos_verbs.h"
#include "tools/properties.h"

/* Names of container types, by DAOS_PROP_CO_LAYOUT_*. */
static const char *const type_names[DAOS_PROP_CO_LAYOUT_MAX] = {
	"unknown", "POSIX", "HDF5", "PYTHON", "SPARK", "DATABASE", "ROOT", "SEISMIC", "METEO"};

static const char *
type_name(uint64_t type)
{
	return type < DAOS_PROP_CO_LAYOUT_MAX ? type_names[type] : "unknown";
}

static bool
type_parse(const char *text, daos_cont_layout_t *ret_type)
{
	for (daos_cont_layout_t i = 0; i < DAOS_PROP_CO_LAYOUT_MAX; i++)
		if (strcasecmp(text, type_names[i]) == 0) {
			*ret_type = i;
			return true;
		}
	return false;
}

/* ------------------------------------------------ opening */

int
open_pool(struct call *call, const char *name, unsigned int flags, daos_handle_t *ret_pool)
{
	int rc = call_connect(call), code;

	if (rc)
		return rc;
	code = daos_pool_connect(name, call_option(call, "sys-name"), flags, ret_pool, NULL, NULL);
	if (code == -DER_NONEXIST)
		return call_fail_because(call, code,
					 "the system has no pool with this label or UUID",
					 "see what there is: daos pool list",
					 "failed to connect to pool \"%s\"", name);
	return code ? call_fail(call, code, NULL, "failed to connect to pool \"%s\"", name)
		    : STATUS_OK;
}

static int
no_container(struct call *call, int code, const char *verb, const char *pool, const char *container)
{
	char *todo = text_format("see what there is: daos container list %s", pool);
	int rc;

	if (code == -DER_NONEXIST || code == -DER_CONT_NONEXIST)
		rc = call_fail_because(call, code,
				       "the pool has no container with this label or UUID", todo,
				       "failed to %s container \"%s\"", verb, container);
	else
		rc = call_fail(call, code, NULL, "failed to %s container \"%s\"", verb, container);
	free(todo);
	return rc;
}

int
open_container(struct call *call, const char *pool, const char *container, unsigned int flags,
	       struct open_container *ret_open)
{
	struct open_container open = {.info = {.ci_nhandles = 0}};
	int rc, code;

	rc = open_pool(call, pool, flags & DAOS_COO_RO ? DAOS_PC_RO : DAOS_PC_RW, &open.pool);
	if (rc)
		return rc;
	code = daos_cont_open(open.pool, container, flags, &open.container, &open.info, NULL);
	if (code) {
		rc = no_container(call, code, "open", pool, container);
		daos_pool_disconnect(open.pool, NULL);
		return rc;
	}
	*ret_open = open;
	return STATUS_OK;
}

void
close_container(const struct open_container *open)
{
	daos_cont_close(open->container, NULL);
	daos_pool_disconnect(open->pool, NULL);
}

/* ------------------------------------------------ create */

struct creation {
	const char *pool, *label;
	daos_cont_layout_t type;
	dfs_attr_t attributes;
	daos_prop_t *properties; /* may be NULL */
	const char *path;	 /* that shall stand for it; may be NULL */
	int path_error;		 /* errno: what kept the path from being made */
	struct pairs pairs;	 /* attributes */
};

static int
read_class(struct call *call, const char *option, daos_oclass_id_t *ret_class)
{
	const char *text = call_option(call, option);
	int id;

	if (!text)
		return STATUS_OK;
	id = daos_oclass_name2id(text);
	if (id <= 0)
		return call_misused(call, NULL, "--%s=%s is no object class, such as S1, S2 or SX",
				    option, text);
	*ret_class = (daos_oclass_id_t)id;
	return STATUS_OK;
}

/* Properties as users write them: "name:value,name:value". */
int
read_container_properties(struct call *call, const char *text, daos_prop_t **ret_properties)
{
	char *list;
	int code;

	if (!text)
		return STATUS_OK;
	list = text_format("%s;", text);
	for (char *at = list; *at; at++)
		if (*at == ',')
			*at = ';';
	code = daos_prop_from_str(list, strlen(list) + 1, ret_properties);
	free(list);
	if (code)
		return call_misused(call, NULL,
				    "--properties=%s cannot be read: write name:value,name:value",
				    text);
	return STATUS_OK;
}

/* Group, access list, attributes. */
static int
read_ownership(struct call *call, struct creation *creation)
{
	const char *attributes = call_option(call, "attrs");
	char *group = NULL;
	int rc = read_principal(call, "group", &group);

	if (rc == STATUS_OK && group &&
	    add_text_property(&creation->properties, DAOS_PROP_CO_OWNER_GROUP, group))
		rc = call_fail(call, -DER_NOMEM, NULL, "cannot read --group");
	free(group);
	if (rc == STATUS_OK)
		rc = read_acl_file(call, DAOS_PROP_CO_ACL, &creation->properties);
	if (rc == STATUS_OK && attributes && !pairs_parse(attributes, &creation->pairs))
		rc = call_misused(call, NULL,
				  "--attrs=%s cannot be read: write name:value,name:value",
				  attributes);
	return rc;
}

static int
read_creation(struct call *call, struct creation *creation)
{
	const char *type = call_option(call, "type"), *chunk = call_option(call, "chunk-size");
	const char *mode = call_option(call, "mode"), *hints = call_option(call, "hints");
	dfs_attr_t *attributes = &creation->attributes;
	int rc = STATUS_OK;

	creation->pool = call->arguments[0];
	creation->label = call->argument_count > 1 ? call->arguments[1] : NULL;
	if (creation->label && !daos_label_is_valid(creation->label))
		return call_misused(call, NULL,
				    "\"%s\" is no label: up to 127 of letters, digits and : . - _, "
				    "and no UUID",
				    creation->label);
	if (type && !type_parse(type, &creation->type))
		return call_misused(call, NULL, "--type=%s is none of: POSIX, HDF5, PYTHON, ...",
				    type);
	if (chunk &&
	    (!size_parse(chunk, &attributes->da_chunk_size) || attributes->da_chunk_size == 0))
		return call_misused(call, NULL, "--chunk-size=%s is no size", chunk);
	if (mode && strcasecmp(mode, "balanced") == 0)
		attributes->da_mode = DFS_BALANCED;
	else if (mode && strcasecmp(mode, "relaxed") != 0)
		return call_misused(call, NULL, "--mode=%s is neither relaxed nor balanced", mode);
	if (hints && strlen(hints) >= sizeof(attributes->da_hints))
		return call_misused(call, NULL, "--hints has more than %zu characters",
				    sizeof(attributes->da_hints) - 1);
	if (hints)
		snprintf(attributes->da_hints, sizeof(attributes->da_hints), "%s", hints);
	rc = read_class(call, "oclass", &attributes->da_oclass_id);
	if (rc == STATUS_OK)
		rc = read_class(call, "dir-oclass", &attributes->da_dir_oclass_id);
	if (rc == STATUS_OK)
		rc = read_class(call, "file-oclass", &attributes->da_file_oclass_id);
	if (rc == STATUS_OK)
		rc = read_container_properties(call, call_option(call, "properties"),
					       &creation->properties);
	if (rc == STATUS_OK)
		rc = read_ownership(call, creation);
	return rc;
}

/* Codes of libdfs are errno values. */
static int
code_of_errno(int error)
{
	switch (error) {
	case 0:
		return 0;
	case EEXIST:
		return -DER_EXIST;
	case ENOENT:
		return -DER_NONEXIST;
	case EPERM:
	case EACCES:
		return -DER_NO_PERM;
	case ENOSPC:
		return -DER_NOSPACE;
	case ETIMEDOUT:
		return -DER_TIMEDOUT;
	case EINVAL:
		return -DER_INVAL;
	case ENOMEM:
		return -DER_NOMEM;
	case ENOSYS:
	case ENOTSUP:
		return -DER_NOSYS;
	default:
		return -DER_MISC;
	}
}

static int
create_posix(daos_handle_t pool, struct creation *creation, uuid_t id)
{
	creation->attributes.da_props = creation->properties;
	return code_of_errno(
		creation->label
			? dfs_cont_create_with_label(pool, creation->label, &creation->attributes,
						     (uuid_t *)id, NULL, NULL)
			: dfs_cont_create(pool, (uuid_t *)id, &creation->attributes, NULL, NULL));
}

/* A container of any other type: the properties given, and the type. */
static int
create_plain(daos_handle_t pool, const struct creation *creation, uuid_t id)
{
	daos_prop_t *type = daos_prop_alloc(1), *all = NULL;
	int code;

	if (!type)
		return -DER_NOMEM;
	type->dpp_entries[0].dpe_type = DAOS_PROP_CO_LAYOUT_TYPE;
	type->dpp_entries[0].dpe_val = creation->type;
	if (creation->properties)
		all = daos_prop_merge(creation->properties, type);
	code = creation->label ? daos_cont_create_with_label(pool, creation->label,
							     all ? all : type, (uuid_t *)id, NULL)
			       : daos_cont_create(pool, (uuid_t *)id, all ? all : type, NULL);
	daos_prop_free(all);
	daos_prop_free(type);
	return code;
}

/* What comes after the container itself: its attributes, and the path that stands for it. */
static int
furnish(daos_handle_t pool, struct creation *creation, const uuid_t id)
{
	const void *values[PAIRS_MAX];
	char name[DAOS_UUID_STR_SIZE];
	daos_handle_t container;
	int code = 0, close_code;

	uuid_unparse_lower(id, name);
	for (uint32_t i = 0; i < creation->pairs.count; i++)
		values[i] = creation->pairs.values[i];
	if (creation->pairs.count > 0) {
		code = daos_cont_open(pool, name, DAOS_COO_RW, &container, NULL, NULL);
		if (code)
			return code;
		code = daos_cont_set_attr(container, (int)creation->pairs.count,
					  creation->pairs.names, values, creation->pairs.sizes,
					  NULL);
		close_code = daos_cont_close(container, NULL);
		code = code ? code : close_code;
	}
	if (code == 0 && creation->path)
		creation->path_error = duns_link_cont(pool, name, creation->path);
	return code ? code : code_of_errno(creation->path_error);
}

/* A container that is not as it was asked for is taken back. */
static int
create_wholly(daos_handle_t pool, struct creation *creation, uuid_t id)
{
	char name[DAOS_UUID_STR_SIZE];
	int code = creation->type == DAOS_PROP_CO_LAYOUT_POSIX ? create_posix(pool, creation, id)
							       : create_plain(pool, creation, id);

	if (code)
		return code;
	code = furnish(pool, creation, id);
	if (code) {
		uuid_unparse_lower(id, name);
		/* The first failure is the one to be told. */
		(void)daos_cont_destroy(pool, name, 1, NULL);
	}
	return code;
}

static int
show_created(struct call *call, const struct creation *creation, const uuid_t id)
{
	struct text_fields fields = {0};
	char text[DAOS_UUID_STR_SIZE];

	uuid_unparse_lower(id, text);
	if (call->json) {
		json_object *response = json_object_new_object();

		json_object_object_add(response, "container_uuid", json_text(text));
		json_object_object_add(response, "container_label",
				       json_text(creation->label ? creation->label : ""));
		json_object_object_add(response, "container_type",
				       json_text(type_name(creation->type)));
		json_object_object_add(response, "pool", json_text(creation->pool));
		return call_answer(call, "container.create/1", response);
	}
	printf("Successfully created container %s type %s\n", text, type_name(creation->type));
	fields_add(&fields, "Container UUID", "%s", text);
	if (creation->label)
		fields_add(&fields, "Container Label", "%s", creation->label);
	fields_add(&fields, "Container Type", "%s", type_name(creation->type));
	fields_end(&fields, 2);
	putchar('\n');
	if (creation->type == DAOS_PROP_CO_LAYOUT_POSIX)
		printf("Next: daos filesystem copy --src=DIRECTORY --dst=daos://%s/%s/NAME\n",
		       creation->pool, creation->label ? creation->label : text);
	return STATUS_OK;
}

static int
create_container(struct call *call, struct creation *creation)
{
	daos_handle_t pool;
	uuid_t id;
	int rc = open_pool(call, creation->pool, DAOS_PC_RW, &pool), code;

	if (rc)
		return rc;
	code = create_wholly(pool, creation, id);
	if (creation->path_error)
		rc = call_fail_because(call, code, strerror(creation->path_error),
				       "see that its directory exists, is yours, and keeps "
				       "extended attributes",
				       "failed to make %s, which shall stand for the container",
				       creation->path);
	else if (code == -DER_EXIST)
		rc = call_fail_because(call, code, "labels of containers are unique in a pool",
				       "choose another label", "failed to create container \"%s\"",
				       creation->label ? creation->label : "");
	else if (code)
		rc = call_fail(call, code, NULL, "failed to create container in pool \"%s\"",
			       creation->pool);
	else
		rc = show_created(call, creation, id);
	daos_pool_disconnect(pool, NULL);
	return rc;
}

/* Before anything is made: what is in the way is never replaced. */
static int
check_path(struct call *call, struct creation *creation)
{
	struct stat status;

	creation->path = call_option(call, "path");
	if (creation->path && creation->type == DAOS_PROP_CO_LAYOUT_UNKNOWN)
		return call_misused(call, NULL, "--path needs a --type, such as --type=POSIX");
	if (creation->path && lstat(creation->path, &status) == 0)
		return call_fail_because(call, -DER_EXIST, "the path is there already",
					 "name one that is not there yet",
					 "failed to create container for %s", creation->path);
	return STATUS_OK;
}

static int
run_create(struct call *call)
{
	struct creation creation = {.type = DAOS_PROP_CO_LAYOUT_UNKNOWN};
	int rc;

	rc = read_creation(call, &creation);
	if (rc == STATUS_OK)
		rc = check_path(call, &creation);
	if (rc == STATUS_OK)
		rc = create_container(call, &creation);
	daos_prop_free(creation.properties);
	pairs_free(&creation.pairs);
	return rc;
}

/* ------------------------------------------------ list */

static int
compare_containers(const void *left, const void *right)
{
	const struct daos_pool_cont_info *a = left, *b = right;
	int order = strcmp(a->pci_label, b->pci_label);

	return order ? order : memcmp(a->pci_uuid, b->pci_uuid, sizeof(uuid_t));
}

/* All containers of a pool, sorted; the caller frees the array. */
static int
fetch_containers(daos_handle_t pool, struct daos_pool_cont_info **ret_list, daos_size_t *ret_count)
{
	struct daos_pool_cont_info *list;
	daos_size_t count = 0, room;
	int code = daos_pool_list_cont(pool, &count, NULL, NULL);

	/* Others may be created meanwhile. */
	for (room = count + 16; code == 0; room = count + 16) {
		list = calloc(room, sizeof(*list));
		if (!list)
			return -DER_NOMEM;
		count = room;
		code = daos_pool_list_cont(pool, &count, list, NULL);
		if (code == 0) {
			qsort(list, count, sizeof(*list), compare_containers);
			*ret_list = list;
			*ret_count = count;
			return 0;
		}
		free(list);
		if (code == -DER_TRUNC)
			code = 0;
	}
	return code;
}

static const char *
layout_of(daos_handle_t pool, const char *id)
{
	daos_prop_t *property = daos_prop_alloc(1);
	daos_handle_t container;
	const char *name = "unknown";

	if (!property)
		return name;
	property->dpp_entries[0].dpe_type = DAOS_PROP_CO_LAYOUT_TYPE;
	if (daos_cont_open(pool, id, DAOS_COO_RO, &container, NULL, NULL) == 0) {
		if (daos_cont_query(container, NULL, property, NULL) == 0)
			name = type_name(property->dpp_entries[0].dpe_val);
		daos_cont_close(container, NULL);
	}
	daos_prop_free(property);
	return name;
}

static void
print_list(struct call *call, daos_handle_t pool, const struct daos_pool_cont_info *list,
	   daos_size_t count)
{
	static const char *const short_headers[] = {"Label", "UUID", NULL};
	static const char *const long_headers[] = {"Label", "UUID", "Layout", NULL};
	bool verbose = call_option(call, "verbose");
	struct text_table table;
	char id[DAOS_UUID_STR_SIZE];

	if (count == 0) {
		printf("No containers.\n");
		return;
	}
	printf("Containers in pool %s:\n", call->arguments[0]);
	table_begin(&table, verbose ? long_headers : short_headers);
	for (daos_size_t i = 0; i < count; i++) {
		uuid_unparse_lower(list[i].pci_uuid, id);
		table_add(&table, list[i].pci_label, id, verbose ? layout_of(pool, id) : "");
	}
	table_end(&table, 2);
}

static int
answer_list(struct call *call, const struct daos_pool_cont_info *list, daos_size_t count)
{
	json_object *response = json_object_new_array();
	char id[DAOS_UUID_STR_SIZE];

	for (daos_size_t i = 0; i < count; i++) {
		json_object *entry = json_object_new_object();

		uuid_unparse_lower(list[i].pci_uuid, id);
		json_object_object_add(entry, "uuid", json_text(id));
		json_object_object_add(entry, "label", json_text(list[i].pci_label));
		json_object_array_add(response, entry);
	}
	return call_answer(call, "container.list/1", response);
}

int
run_container_list(struct call *call)
{
	struct daos_pool_cont_info *list = NULL;
	daos_size_t count = 0;
	daos_handle_t pool;
	int rc = open_pool(call, call->arguments[0], DAOS_PC_RO, &pool), code;

	if (rc)
		return rc;
	code = fetch_containers(pool, &list, &count);
	if (code)
		rc = call_fail(call, code, NULL, "unable to list containers for pool %s",
			       call->arguments[0]);
	else if (call->json)
		rc = answer_list(call, list, count);
	else
		print_list(call, pool, list, count);
	free(list);
	daos_pool_disconnect(pool, NULL);
	return rc;
}

/* ------------------------------------------------ query */

/* What is shown of one container. */
struct container_view {
	char id[DAOS_UUID_STR_SIZE], pool[DAOS_UUID_STR_SIZE];
	const char *label;
	uint64_t type, redundancy;
	bool healthy;
	daos_cont_info_t info;
	bool posix; /* the following are known */
	char directory_class[64], file_class[64];
	uint64_t chunk_size;
};

static const struct daos_prop_entry *
entry_of(daos_prop_t *properties, uint32_t type)
{
	const struct daos_prop_entry *entry = daos_prop_entry_get(properties, type);

	return entry && !(entry->dpe_flags & DAOS_PROP_ENTRY_NOT_SET) ? entry : NULL;
}

static uint64_t
number_of(daos_prop_t *properties, uint32_t type)
{
	const struct daos_prop_entry *entry = entry_of(properties, type);

	return entry ? entry->dpe_val : 0;
}

/* The class that the library chooses for a file where the container leaves it to it. */
static daos_oclass_id_t
default_file_class(daos_handle_t container)
{
	daos_obj_id_t id = {.lo = 1};

	if (daos_obj_generate_oid(container, &id, DAOS_OT_ARRAY_BYTE, 0, 0, 0))
		return 0;
	return daos_obj_id2class(id);
}

/* That of a directory: the root shows it. */
static daos_oclass_id_t
default_directory_class(dfs_t *dfs)
{
	dfs_obj_info_t info = {0};
	dfs_obj_t *root;

	if (dfs_lookup(dfs, "/", O_RDONLY, &root, NULL, NULL))
		return 0;
	if (dfs_obj_get_info(dfs, root, &info))
		info.doi_oclass_id = 0;
	dfs_release(root);
	return info.doi_oclass_id;
}

static void
name_class(daos_oclass_id_t id, char name[64])
{
	if (daos_oclass_id2name(id, name))
		snprintf(name, 64, "default");
}

static void
view_posix(const struct open_container *open, struct container_view *view)
{
	dfs_attr_t attributes = {0};
	dfs_t *dfs;

	if (dfs_mount(open->pool, open->container, O_RDONLY, &dfs))
		return;
	if (dfs_query(dfs, &attributes) == 0) {
		daos_oclass_id_t directory = attributes.da_dir_oclass_id;
		daos_oclass_id_t file = attributes.da_file_oclass_id;

		view->posix = true;
		view->chunk_size = attributes.da_chunk_size;
		name_class(directory ? directory : default_directory_class(dfs),
			   view->directory_class);
		name_class(file ? file : default_file_class(open->container), view->file_class);
	}
	dfs_umount(dfs);
}

static int
view_container(const struct open_container *open, daos_prop_t *properties,
	       struct container_view *view)
{
	daos_pool_info_t pool = {.pi_bits = 0};
	const struct daos_prop_entry *label;
	struct daos_co_status status;
	int code = daos_cont_query(open->container, &view->info, properties, NULL);

	if (code == 0)
		code = daos_pool_query(open->pool, NULL, &pool, NULL, NULL);
	if (code)
		return code;
	uuid_unparse_lower(view->info.ci_uuid, view->id);
	uuid_unparse_lower(pool.pi_uuid, view->pool);
	label = entry_of(properties, DAOS_PROP_CO_LABEL);
	view->label = label && label->dpe_str ? label->dpe_str : "";
	if (strcmp(view->label, DAOS_PROP_NO_CO_LABEL) == 0)
		view->label = "";
	view->type = number_of(properties, DAOS_PROP_CO_LAYOUT_TYPE);
	view->redundancy = number_of(properties, DAOS_PROP_CO_REDUN_FAC);
	daos_prop_val_2_co_status(number_of(properties, DAOS_PROP_CO_STATUS), &status);
	view->healthy = status.dcs_status == DAOS_PROP_CO_HEALTHY;
	if (view->type == DAOS_PROP_CO_LAYOUT_POSIX)
		view_posix(open, view);
	return 0;
}

static void
print_view(const struct container_view *view)
{
	char opened[TIME_TEXT], modified[TIME_TEXT], chunk[SIZE_TEXT];
	struct text_fields fields = {0};

	fields_add(&fields, "Container UUID", "%s", view->id);
	if (view->label[0])
		fields_add(&fields, "Container Label", "%s", view->label);
	fields_add(&fields, "Container Type", "%s", type_name(view->type));
	fields_add(&fields, "Pool UUID", "%s", view->pool);
	fields_add(&fields, "Container redundancy factor ", "%llu",
		   (unsigned long long)view->redundancy);
	fields_add(&fields, "Number of open handles", "%u", view->info.ci_nhandles);
	fields_add(&fields, "Latest open time", "%s (0x%llx)",
		   stamp_text(view->info.ci_md_otime, opened),
		   (unsigned long long)view->info.ci_md_otime);
	fields_add(&fields, "Latest close/modify time", "%s (0x%llx)",
		   stamp_text(view->info.ci_md_mtime, modified),
		   (unsigned long long)view->info.ci_md_mtime);
	fields_add(&fields, "Number of snapshots", "%u", view->info.ci_nsnapshots);
	if (view->posix) {
		fields_add(&fields, "Dir Object Class", "%s", view->directory_class);
		fields_add(&fields, "File Object Class", "%s", view->file_class);
		fields_add(&fields, "Chunk Size", "%s", size_binary(view->chunk_size, chunk));
	}
	fields_end(&fields, 2);
	putchar('\n');
}

static int
answer_view(struct call *call, const struct container_view *view)
{
	json_object *response = json_object_new_object();
	char time[TIME_TEXT];

	json_object_object_add(response, "pool_uuid", json_text(view->pool));
	json_object_object_add(response, "container_uuid", json_text(view->id));
	json_object_object_add(response, "container_label", json_text(view->label));
	json_object_object_add(response, "redundancy_factor", json_number(view->redundancy));
	json_object_object_add(response, "num_handles", json_number(view->info.ci_nhandles));
	json_object_object_add(response, "num_snapshots", json_number(view->info.ci_nsnapshots));
	json_object_object_add(response, "container_type", json_text(type_name(view->type)));
	json_object_object_add(response, "health",
			       json_text(view->healthy ? "HEALTHY" : "UNCLEAN"));
	if (view->posix) {
		json_object_object_add(response, "chunk_size", json_number(view->chunk_size));
		json_object_object_add(response, "dir_object_class",
				       json_text(view->directory_class));
		json_object_object_add(response, "file_object_class", json_text(view->file_class));
	}
	json_object_object_add(response, "open_time",
			       json_text(stamp_text(view->info.ci_md_otime, time)));
	json_object_object_add(response, "close_modify_time",
			       json_text(stamp_text(view->info.ci_md_mtime, time)));
	return call_answer(call, "container.query/1", response);
}

static int
run_query(struct call *call)
{
	static const uint32_t types[] = {DAOS_PROP_CO_LABEL, DAOS_PROP_CO_LAYOUT_TYPE,
					 DAOS_PROP_CO_REDUN_FAC, DAOS_PROP_CO_STATUS};
	const uint32_t count = sizeof(types) / sizeof(types[0]);
	struct container_view view = {.label = ""};
	daos_prop_t *properties = daos_prop_alloc(count);
	struct open_container open;
	int rc = open_container(call, call->arguments[0], call->arguments[1], DAOS_COO_RO, &open);
	int code = -DER_NOMEM;

	if (rc) {
		daos_prop_free(properties);
		return rc;
	}
	if (properties) {
		for (uint32_t i = 0; i < count; i++)
			properties->dpp_entries[i].dpe_type = types[i];
		code = view_container(&open, properties, &view);
	}
	if (code)
		rc = call_fail(call, code, NULL, "failed to query container \"%s\"",
			       call->arguments[1]);
	else if (call->json)
		rc = answer_view(call, &view);
	else
		print_view(&view);
	daos_prop_free(properties);
	close_container(&open);
	return rc;
}

/* ------------------------------------------------ destroy */

static int
run_destroy(struct call *call)
{
	const char *name = call->arguments[1];
	daos_handle_t pool;
	int rc = open_pool(call, call->arguments[0], DAOS_PC_RW, &pool), code;

	if (rc)
		return rc;
	code = daos_cont_destroy(pool, name, call_option(call, "force") != NULL, NULL);
	if (code)
		rc = no_container(call, code, "destroy", call->arguments[0], name);
	else if (call->json)
		rc = call_answer(call, "container.destroy/1", NULL);
	else
		printf("Successfully destroyed container %s\n", name);
	daos_pool_disconnect(pool, NULL);
	return rc;
}

/* ------------------------------------------------ table */

static const struct option_row create_options[] = {
	{"type", 't', "TYPE", "POSIX for files; HDF5, PYTHON, SPARK, DATABASE, ... [unknown]"},
	{"chunk-size", 'z', "SIZE", "of files [1MiB]"},
	{"oclass", 'o', "CLASS", "of new files and directories"},
	{"dir-oclass", 'D', "CLASS", "of new directories"},
	{"file-oclass", 'F', "CLASS", "of new files"},
	{"hints", 'H', "TEXT", "what classes to choose"},
	{"properties", 0, "NAME:VALUE,...", "properties"},
	{"mode", 'M', "MODE", "relaxed or balanced [relaxed]"},
	{"path", 'p', "PATH", "make a path of this machine that stands for it"},
	{"acl-file", 'A', "FILE", "access list, one entry a line"},
	{"group", 'g', "GROUP", "owner group [the caller's]"},
	{"attrs", 0, "NAME:VALUE,...", "attributes of the user"},
	{NULL, 0, NULL, NULL},
};

static const struct option_row list_options[] = {
	{"verbose", 'v', NULL, "show the types"},
	{NULL, 0, NULL, NULL},
};

static const struct option_row destroy_options[] = {
	{"force", 'f', NULL, "although somebody has it open"},
	{NULL, 0, NULL, NULL},
};

static const struct option_row verbose_options[] = {
	{"verbose", 'V', NULL, "show the values"},
	{NULL, 0, NULL, NULL},
};

static const struct option_row property_options[] = {
	{"properties", 0, "NAMES", "which"},
	{NULL, 0, NULL, NULL},
};

static const struct option_row link_options[] = {
	{"path", 'p', "PATH", "the path that shall stand for it"},
	{NULL, 0, NULL, NULL},
};

static const struct option_row snapshot_name_options[] = {
	{"snap", 's', "NAME", "name of the snapshot"},
	{NULL, 0, NULL, NULL},
};
static const struct option_row snapshot_options[] = {
	{"epc", 'e', "EPOCH", "epoch of the snapshot"},
	{"snap", 's', "NAME", "name of the snapshot"},
	{NULL, 0, NULL, NULL},
};
static const struct option_row snapshots_options[] = {
	{"epc", 'e', "EPOCH", "epoch of the snapshot"},
	{"epcrange", 'r', "LOW-HIGH", "all snapshots with these epochs"},
	{"snap", 's', "NAME", "name of the snapshot"},
	{NULL, 0, NULL, NULL},
};

const struct command container_commands[] = {
	{"create", NULL, "<pool> [label]", 1, 2, "Make a container.", create_options, run_create,
	 "  daos container create tank home --type=POSIX\n"},
	{"destroy", NULL, "<pool> <container>", 2, 2, "Destroy a container and all that is in it.",
	 destroy_options, run_destroy, NULL},
	{"list", "ls", "<pool>", 1, 1, "List the containers of a pool.", list_options,
	 run_container_list, NULL},
	{"query", NULL, "<pool> <container>", 2, 2, "Show what is known of a container.", NULL,
	 run_query, NULL},
	{"get-prop", NULL, "<pool> <container> [name]", 2, 3, "Show the properties of a container.",
	 property_options, run_container_get_properties, NULL},
	{"set-prop", NULL, "<pool> <container> [name:value,...]", 2, 3,
	 "Change properties of a container.", property_options, run_container_set_properties,
	 "  daos container set-prop tank home label:house\n"},
	{"list-attr", "list-attrs", "<pool> <container>", 2, 2, "List attributes of users.",
	 verbose_options, run_container_list_attributes, NULL},
	{"get-attr", NULL, "<pool> <container> [name,...]", 2, 3, "Show attributes of users.", NULL,
	 run_container_get_attributes, NULL},
	{"set-attr", NULL, "<pool> <container> <name:value,...>", 3, 3, "Set attributes of users.",
	 NULL, run_container_set_attributes,
	 "  daos container set-attr tank home color:blue,size:12\n"},
	{"del-attr", NULL, "<pool> <container> <name,...>", 3, 3, "Delete attributes of users.",
	 NULL, run_container_delete_attributes, NULL},
	{"create-snap", "snap", "<pool> <container>", 2, 2, "Take a snapshot of a container.",
	 snapshot_name_options, run_container_create_snapshot,
	 "  daos container create-snap tank home --snap=before\n"},
	{"list-snaps", "list-snap", "<pool> <container>", 2, 2,
	 "List the snapshots of a container.", NULL, run_container_list_snapshots, NULL},
	{"destroy-snap", NULL, "<pool> <container>", 2, 2, "Destroy snapshots of a container.",
	 snapshots_options, run_container_destroy_snapshots,
	 "  daos container destroy-snap tank home --snap=before\n"},
	{"rollback", NULL, "<pool> <container>", 2, 2, "Bring a container back to a snapshot.",
	 snapshot_options, run_container_rollback,
	 "  daos container rollback tank home --snap=before\n"},
	{"list-objects", "list-obj", "<pool> <container>", 2, 2,
	 "List the objects of a container at a snapshot.", snapshot_options,
	 run_container_list_objects, NULL},
	{"check", NULL, "<pool> <container>", 2, 2,
	 "Read every object, and compare what is stored with its sums.", NULL, run_container_check,
	 NULL},
	{"get-acl", NULL, "<pool> <container>", 2, 2, "Show the access list of a container.",
	 acl_get_options, run_container_get_acl, NULL},
	{"overwrite-acl", "replace", "<pool> <container>", 2, 2, "Replace an access list.",
	 acl_overwrite_options, run_container_overwrite_acl, NULL},
	{"update-acl", NULL, "<pool> <container>", 2, 2, "Add or replace entries.",
	 acl_update_options, run_container_update_acl,
	 "  daos container update-acl tank home --entry=A::user@:rw\n"},
	{"delete-acl", NULL, "<pool> <container>", 2, 2, "Take one entry out.", acl_delete_options,
	 run_container_delete_acl, "  daos container delete-acl tank home --principal=u:user@\n"},
	{"set-owner", "chown", "<pool> <container>", 2, 2, "Give a container to somebody else.",
	 owner_options, run_container_set_owner, NULL},
	{"evict", NULL, "<pool> <container>", 2, 2, "End uses of a container.",
	 container_evict_options, run_container_evict, NULL},
	{"link", NULL, "<pool> <container>", 2, 2, "Make a path that stands for a container.",
	 link_options, run_container_link, "  daos container link tank home --path=/tmp/home\n"},
	{NULL, NULL, NULL, 0, 0, NULL, NULL, NULL, NULL},
};
