/* SPDX-License-Identifier: BSD-2-Clause-Patent */
/* Who may do what with pools and containers: several users, whose rights the engine judges. */
#include "site.h"

#include "daos_pool.h"
#include "daos_security.h"

/* ------------------------------------------------ users */

#define KIM 1000u
#define LEE 1001u

/* Another client in the same world, of another user. */
static void
user_begin(struct site *site, const struct site *of, uint32_t user)
{
	*site = *of;
	site->credentials = (struct peer_credentials){.known = true, .user = user, .group = user};
	client_begin(site);
}

static struct site *
together(struct site *site, struct site *other)
{
	/* What the engine is may have changed since the copy. */
	other->engine = site->engine;
	memcpy(other->loops, site->loops, sizeof(site->loops));
	memcpy(other->envs, site->envs, sizeof(site->envs));
	return other;
}

/* ------------------------------------------------ calls */

static char failure[PROTO_FAILURE_MAX];

static int
send_change(struct call *call, uint32_t operation)
{
	struct request_id id = next_id(call->site);
	int rc = call_send(call, operation, &id);

	rpc_window_close(call->site->window, &id);
	memcpy(failure, call->failure, sizeof(failure));
	return rc;
}

/* One entry: of a user "name@", or without a name. */
static size_t
make_list(uint8_t type, const char *user, uint64_t permissions, uint8_t bytes[64])
{
	size_t size = user ? 8 : 0;

	memset(bytes, 0, 64);
	store_u16(bytes, DAOS_ACL_VERSION);
	store_u32(bytes + 4, (uint32_t)(32 + size));
	bytes[8] = DAOS_ACL_ACCESS_ALLOW;
	bytes[9] = type;
	store_u16(bytes + 10, (uint16_t)size);
	if (type == DAOS_ACL_OWNER_GROUP)
		store_u16(bytes + 12, DAOS_ACL_FLAG_GROUP);
	store_u64(bytes + 16, permissions);
	if (user)
		memcpy(bytes + 40, user, strlen(user));
	return 40 + size;
}

static int
change_list(struct site *site, uint32_t operation, const struct proto_acl_change *change)
{
	struct call call;
	int rc;

	call_begin(&call, site);
	proto_acl_change_encode(change, &call.writer);
	rc = send_change(&call, operation);
	call_end(&call);
	return rc;
}

static int
grant_user(struct site *site, uint32_t operation, struct uuid handle, const char *user,
	   uint64_t permissions)
{
	struct proto_acl_change change = {.handle = handle};
	uint8_t bytes[64];

	change.entries = (struct proto_text){
		(const char *)bytes, (uint32_t)make_list(DAOS_ACL_USER, user, permissions, bytes)};
	return change_list(site, operation, &change);
}

static int
withdraw(struct site *site, uint32_t operation, struct uuid handle, const char *user)
{
	const struct proto_acl_change change = {
		.handle = handle, .remove = true, .type = DAOS_ACL_USER, .name = text(user)};

	return change_list(site, operation, &change);
}

static int
set_one(struct site *site, uint32_t operation, struct uuid handle, uint32_t type, const char *value,
	size_t length)
{
	struct proto_properties properties = {.count = 0};
	struct call call;
	int rc;

	if (value)
		assert_int_equal(properties_set_bytes(&properties, type,
						      (struct proto_text){value, (uint32_t)length}),
				 0);
	else
		assert_int_equal(properties_set_number(&properties, type, length), 0);
	call_begin(&call, site);
	proto_uuid_encode(handle, &call.writer);
	proto_properties_encode(&properties, &call.writer);
	rc = send_change(&call, operation);
	call_end(&call);
	return rc;
}

static int
connect_administrator(struct site *site, const char *label, struct uuid *ret_handle)
{
	return connect_pool(site, label, DAOS_PC_RW | PROTO_CONNECT_ADMINISTRATOR, ret_handle);
}

static int
evict_pool(struct site *site, const char *label, uint32_t *ret_count)
{
	struct proto_name wanted = name(label);
	struct call call;
	int rc;

	call_begin(&call, site);
	proto_name_encode(&wanted, &call.writer);
	rc = send_change(&call, PROTO_SYSTEM_POOL_EVICT);
	if (rc == 0)
		*ret_count = reader_u32(&call.reply.body);
	call_end(&call);
	return rc;
}

static int
query_container(struct site *site, struct uuid handle, uint8_t wanted,
		struct proto_container_info *ret_info, char owner[64])
{
	const struct proto_property *property;
	struct proto_container_info info;
	struct call call;
	int rc;

	call_begin(&call, site);
	proto_uuid_encode(handle, &call.writer);
	writer_u8(&call.writer, wanted);
	rc = call_send(&call, PROTO_CONTAINER_QUERY, NULL);
	if (rc == 0)
		rc = proto_container_info_decode(&call.reply.body, &info);
	property = rc == 0 ? proto_property_find(&info.properties, DAOS_PROP_CO_OWNER) : NULL;
	if (property && owner)
		snprintf(owner, 64, "%.*s", (int)property->bytes.length, property->bytes.data);
	if (rc == 0 && ret_info)
		*ret_info = info;
	call_end(&call);
	return rc;
}

/* ------------------------------------------------ pools */

static struct uuid root_pool;

static int
root_makes_a_pool(struct site *site)
{
	assert_int_equal(create_pool(site, "tank", 128, NULL), 0);
	assert_int_equal(connect_pool(site, "tank", DAOS_PC_RW, &root_pool), 0);
	return 0;
}

static int
kim_is_a_stranger(struct site *site)
{
	struct uuid handle;
	uint32_t count;

	assert_int_equal(create_pool(site, "mine", 128, NULL), -DER_NO_PERM);
	assert_int_equal(destroy_pool(site, "tank", true, true), -DER_NO_PERM);
	assert_int_equal(evict_pool(site, "tank", &count), -DER_NO_PERM);
	assert_non_null(strstr(failure, "1000"));
	assert_int_equal(connect_pool(site, "tank", DAOS_PC_RO, &handle), -DER_NO_PERM);
	assert_int_equal(connect_pool(site, "tank", DAOS_PC_RW, &handle), -DER_NO_PERM);
	assert_int_equal(connect_administrator(site, "tank", &handle), -DER_NO_PERM);
	return 0;
}

static int
root_lets_kim_read(struct site *site)
{
	assert_int_equal(grant_user(site, PROTO_POOL_CHANGE_ACL, root_pool, "kim", 1), -DER_INVAL);
	assert_int_equal(grant_user(site, PROTO_POOL_CHANGE_ACL, root_pool, "1000@", 1 << 9),
			 -DER_INVAL);
	assert_int_equal(
		grant_user(site, PROTO_POOL_CHANGE_ACL, root_pool, "1000@", DAOS_ACL_PERM_READ), 0);
	return 0;
}

static int
kim_reads(struct site *site)
{
	struct proto_pool_info info;
	struct uuid handle;

	/* As in DAOS the list takes from what is asked for; it does not refuse the connection. */
	assert_int_equal(connect_pool(site, "tank", DAOS_PC_RW, &handle), 0);
	assert_int_equal(query_pool(site, handle, &info), 0);
	assert_int_equal(create_container(site, handle, "c", NULL), -DER_NO_PERM);
	assert_int_equal(set_attribute(site, PROTO_POOL_SET_ATTRIBUTES, handle, "a", "b"),
			 -DER_NO_PERM);
	assert_int_equal(grant_user(site, PROTO_POOL_CHANGE_ACL, handle, "1000@", 3), -DER_NO_PERM);
	assert_non_null(strstr(failure, "lacks A"));
	assert_int_equal(withdraw(site, PROTO_POOL_CHANGE_ACL, handle, "1000@"), -DER_NO_PERM);
	assert_int_equal(set_one(site, PROTO_POOL_SET_PROPERTIES, handle, DAOS_PROP_PO_RECLAIM,
				 NULL, 1),
			 -DER_NO_PERM);
	assert_int_equal(disconnect_pool(site, handle), 0);
	return 0;
}

static int
root_takes_it_back(struct site *site)
{
	struct uuid handle;

	assert_int_equal(withdraw(site, PROTO_POOL_CHANGE_ACL, root_pool, "1000@"), 0);
	assert_int_equal(withdraw(site, PROTO_POOL_CHANGE_ACL, root_pool, "1000@"), -DER_NONEXIST);
	/* Root is an owner like others; giving the pool away leaves the administrator's door. */
	assert_int_equal(set_one(site, PROTO_POOL_SET_PROPERTIES, root_pool, DAOS_PROP_PO_OWNER,
				 "lee@", 4),
			 0);
	assert_int_equal(set_one(site, PROTO_POOL_SET_PROPERTIES, root_pool,
				 DAOS_PROP_PO_OWNER_GROUP, "x@", 2),
			 0);
	assert_int_equal(connect_pool(site, "tank", DAOS_PC_RW, &handle), -DER_NO_PERM);
	assert_int_equal(connect_administrator(site, "tank", &handle), 0);
	assert_int_equal(set_one(site, PROTO_POOL_SET_PROPERTIES, handle, DAOS_PROP_PO_ACL, "x", 1),
			 -DER_INVAL);
	assert_int_equal(set_one(site, PROTO_POOL_SET_PROPERTIES, handle, DAOS_PROP_PO_ACL, "", 0),
			 -DER_INVAL);
	assert_int_equal(disconnect_pool(site, handle), 0);
	return 0;
}

static void
test_pools(void **state)
{
	struct site site = {.loop_count = 2}, kim;

	(void)state;
	site_begin(&site, 31);
	site_run(&site, root_makes_a_pool);
	user_begin(&kim, &site, KIM);
	site_run(together(&site, &kim), kim_is_a_stranger);
	site_run(&site, root_lets_kim_read);
	site_run(&kim, kim_reads);
	site_run(&site, root_takes_it_back);
	site_run(&kim, kim_is_a_stranger);
	client_end(&kim);
	site_end(&site);
}

/* ------------------------------------------------ containers */

static struct uuid kim_pool, kim_container, lee_pool, lee_container;

static int
root_lets_both_in(struct site *site)
{
	assert_int_equal(grant_user(site, PROTO_POOL_CHANGE_ACL, root_pool, "1000@",
				    DAOS_ACL_PERM_READ | DAOS_ACL_PERM_CREATE_CONT),
			 0);
	assert_int_equal(
		grant_user(site, PROTO_POOL_CHANGE_ACL, root_pool, "1001@", DAOS_ACL_PERM_READ), 0);
	return 0;
}

static int
kim_makes_containers(struct site *site)
{
	char owner[64] = "";

	assert_int_equal(connect_pool(site, "tank", DAOS_PC_RW, &kim_pool), 0);
	assert_int_equal(create_container(site, kim_pool, "hers", NULL), 0);
	assert_int_equal(create_container(site, kim_pool, "gone", NULL), 0);
	assert_int_equal(open_container(site, kim_pool, "hers", DAOS_COO_RW, &kim_container), 0);
	assert_int_equal(query_container(site, kim_container,
					 PROTO_ANSWER_PROPERTIES | PROTO_ANSWER_ACL, NULL, owner),
			 0);
	assert_string_equal(owner, "1000@");
	/* The pool does not let her destroy, her own list does. */
	assert_int_equal(destroy_container(site, kim_pool, "gone", false), 0);
	return 0;
}

static int
lee_is_a_stranger(struct site *site)
{
	struct uuid handle;

	assert_int_equal(connect_pool(site, "tank", DAOS_PC_RW, &lee_pool), 0);
	assert_int_equal(open_container(site, lee_pool, "hers", DAOS_COO_RO, &handle),
			 -DER_NO_PERM);
	assert_int_equal(create_container(site, lee_pool, "his", NULL), -DER_NO_PERM);
	assert_int_equal(destroy_container(site, lee_pool, "hers", true), -DER_NO_PERM);
	return 0;
}

static int
kim_lets_lee_read(struct site *site)
{
	assert_int_equal(grant_user(site, PROTO_CONTAINER_CHANGE_ACL, kim_container, "1001@",
				    DAOS_ACL_PERM_READ),
			 0);
	return 0;
}

static int
lee_reads(struct site *site)
{
	struct uuid handle;

	assert_int_equal(open_container(site, lee_pool, "hers", DAOS_COO_RW, &handle), 0);
	lee_container = handle;
	assert_int_equal(query_container(site, handle, 0, NULL, NULL), 0);
	assert_int_equal(query_container(site, handle, PROTO_ANSWER_PROPERTIES, NULL, NULL),
			 -DER_NO_PERM);
	assert_int_equal(query_container(site, handle, PROTO_ANSWER_ACL, NULL, NULL), -DER_NO_PERM);
	assert_int_equal(set_one(site, PROTO_CONTAINER_SET_PROPERTIES, handle, DAOS_PROP_CO_LABEL,
				 "his", 3),
			 -DER_NO_PERM);
	assert_int_equal(set_one(site, PROTO_CONTAINER_SET_PROPERTIES, handle, DAOS_PROP_CO_OWNER,
				 "1001@", 5),
			 -DER_NO_PERM);
	assert_non_null(strstr(failure, "lacks o"));
	assert_int_equal(grant_user(site, PROTO_CONTAINER_CHANGE_ACL, handle, "1001@", 511),
			 -DER_NO_PERM);
	assert_int_equal(set_attribute(site, PROTO_CONTAINER_SET_ATTRIBUTES, handle, "a", "b"),
			 -DER_NO_PERM);
	assert_int_equal(allocate_oids(site, handle, 1, NULL, &(uint64_t){0}), -DER_NO_PERM);
	assert_int_equal(destroy_container(site, lee_pool, "hers", true), -DER_NO_PERM);
	/* Nor may he throw others out. */
	assert_int_equal(open_container(site, lee_pool, "hers", DAOS_COO_RO | DAOS_COO_EVICT_ALL,
					&handle),
			 -DER_NO_PERM);
	return 0;
}

static int
kim_gives_up(struct site *site)
{
	uint8_t list[64];
	size_t length = make_list(DAOS_ACL_OWNER, NULL, 0, list);
	struct proto_container_info info;
	struct uuid handle;

	/* Without any right in the list its owner may still read and set it. */
	assert_int_equal(set_one(site, PROTO_CONTAINER_SET_PROPERTIES, kim_container,
				 DAOS_PROP_CO_ACL, (const char *)list, length),
			 0);
	assert_int_equal(open_container(site, kim_pool, "hers", DAOS_COO_RW, &handle), 0);
	assert_int_equal(query_container(site, handle, PROTO_ANSWER_ACL, &info, NULL), 0);
	assert_int_equal(info.properties.count, 3);
	assert_int_equal(query_container(site, handle, PROTO_ANSWER_ACL | PROTO_ANSWER_PROPERTIES,
					 NULL, NULL),
			 -DER_NO_PERM);
	assert_int_equal(set_attribute(site, PROTO_CONTAINER_SET_ATTRIBUTES, handle, "a", "b"),
			 -DER_NO_PERM);
	/* What was opened before keeps its rights. */
	assert_int_equal(
		set_attribute(site, PROTO_CONTAINER_SET_ATTRIBUTES, kim_container, "a", "b"), 0);
	assert_int_equal(set_one(site, PROTO_CONTAINER_SET_PROPERTIES, kim_container,
				 DAOS_PROP_CO_OWNER, "1001@", 5),
			 0);
	assert_int_equal(open_container(site, kim_pool, "hers", DAOS_COO_RW, &handle),
			 -DER_NO_PERM);
	return 0;
}

static int
lee_owns_it_now(struct site *site)
{
	struct uuid handle;
	char owner[64] = "";

	/* The list gives its owner nothing but itself. */
	assert_int_equal(open_container(site, lee_pool, "hers", DAOS_COO_RW | DAOS_COO_EVICT_ALL,
					&handle),
			 0);
	assert_int_equal(grant_user(site, PROTO_CONTAINER_CHANGE_ACL, handle, "1001@", 255), 0);
	assert_int_equal(query_container(site, handle, PROTO_ANSWER_ACL, NULL, owner), 0);
	assert_string_equal(owner, "1001@");
	assert_int_equal(query_container(site, lee_container, 0, NULL, NULL), -DER_NO_HDL);
	assert_int_equal(query_container(site, kim_container, 0, NULL, NULL), -DER_NO_HDL);
	return 0;
}

/* Root's pool, in which Kim has containers and Lee may look round. */
struct scene {
	struct site root, kim, lee;
};

static void
scene_begin(struct scene *scene, uint64_t seed)
{
	scene->root = (struct site){.loop_count = 2};
	site_begin(&scene->root, seed);
	site_run(&scene->root, root_makes_a_pool);
	site_run(&scene->root, root_lets_both_in);
	user_begin(&scene->kim, &scene->root, KIM);
	user_begin(&scene->lee, &scene->root, LEE);
	site_run(&scene->kim, kim_makes_containers);
}

static void
scene_end(struct scene *scene)
{
	client_end(together(&scene->root, &scene->lee));
	client_end(together(&scene->root, &scene->kim));
	site_end(&scene->root);
}

static void
test_containers(void **state)
{
	struct scene scene;

	(void)state;
	scene_begin(&scene, 32);
	site_run(&scene.lee, lee_is_a_stranger);
	site_run(&scene.kim, kim_lets_lee_read);
	site_run(&scene.lee, lee_reads);
	site_run(&scene.kim, kim_gives_up);
	site_run(&scene.lee, lee_owns_it_now);
	scene_end(&scene);
}

/* ------------------------------------------------ handles */

/* Whoever has a handle acts for who opened it, in whatever process. */
static int
lee_uses_kims_handles(struct site *site)
{
	struct uuid handle;

	assert_int_equal(
		set_attribute(site, PROTO_CONTAINER_SET_ATTRIBUTES, kim_container, "a", "b"), 0);
	assert_int_equal(open_container(site, kim_pool, "hers", DAOS_COO_RW, &handle), 0);
	return 0;
}

static int
kim_evicts_herself(struct site *site)
{
	struct proto_container_info info;
	struct uuid handle;

	assert_int_equal(query_container(site, kim_container, 0, &info, NULL), 0);
	assert_int_equal(info.handle_count, 2);
	assert_int_equal(
		open_container(site, kim_pool, "hers", DAOS_COO_EX | DAOS_COO_EVICT, &handle), 0);
	assert_int_equal(query_container(site, kim_container, 0, NULL, NULL), -DER_NO_HDL);
	assert_int_equal(query_container(site, handle, 0, &info, NULL), 0);
	assert_int_equal(info.handle_count, 1);
	kim_container = handle;
	return 0;
}

static int
root_evicts_all(struct site *site)
{
	struct proto_pool_info info;
	uint32_t count = 0;

	assert_int_equal(evict_pool(site, "nope", &count), -DER_NONEXIST);
	assert_int_equal(evict_pool(site, "tank", &count), 0);
	assert_int_equal(count, 2);
	assert_int_equal(query_pool(site, root_pool, &info), -DER_NO_HDL);
	assert_int_equal(evict_pool(site, "tank", &count), 0);
	assert_int_equal(count, 0);
	assert_int_equal(connect_pool(site, "tank", DAOS_PC_EX, &root_pool), 0);
	return 0;
}

static int
kim_is_out(struct site *site)
{
	struct proto_pool_info info;
	struct uuid handle;

	assert_int_equal(query_pool(site, kim_pool, &info), -DER_NO_HDL);
	assert_int_equal(query_container(site, kim_container, 0, NULL, NULL), -DER_NO_HDL);
	assert_int_equal(open_container(site, kim_pool, "hers", DAOS_COO_RW, &handle), -DER_NO_HDL);
	assert_int_equal(close_container(site, kim_container), 0);
	assert_int_equal(disconnect_pool(site, kim_pool), 0);
	return 0;
}

static void
test_handles(void **state)
{
	struct scene scene;

	(void)state;
	scene_begin(&scene, 33);
	site_run(&scene.lee, lee_uses_kims_handles);
	site_run(&scene.kim, kim_evicts_herself);
	site_run(&scene.root, root_evicts_all);
	site_run(&scene.kim, kim_is_out);
	scene_end(&scene);
}

/* What handles allow is what it was, after a stop and after a crash. */
static int
rights_are_kept(struct site *site)
{
	struct proto_pool_info info;
	uint64_t first;

	/* The connection of before is found to be gone. */
	assert_int_equal(query_pool(site, kim_pool, &info), -DER_AGAIN);
	assert_int_equal(
		set_attribute(site, PROTO_CONTAINER_SET_ATTRIBUTES, kim_container, "a", "b"), 0);
	assert_int_equal(grant_user(site, PROTO_POOL_CHANGE_ACL, kim_pool, "1000@", 3),
			 -DER_NO_PERM);
	assert_int_equal(allocate_oids(site, kim_container, 1, NULL, &first), 0);
	assert_int_equal(destroy_container(site, kim_pool, "nope", false), -DER_NONEXIST);
	return 0;
}

static void
test_restart(void **state)
{
	struct scene scene;

	(void)state;
	scene_begin(&scene, 34);
	site_kill(&scene.root);
	assert_int_equal(site_start(&scene.root, false), 0);
	site_run(together(&scene.root, &scene.kim), rights_are_kept);
	scene_end(&scene);
}

/* ------------------------------------------------ many */

#define MANY 700u

static int
many_containers(struct site *site)
{
	struct proto_container_filter filter = {.count = 1};
	char label[PROTO_LABEL_MAX + 1];
	uint32_t count = 0, found = 0;
	struct uuid handle;
	bool more = true;

	for (uint32_t i = 0; i < MANY; i++) {
		snprintf(label, sizeof(label), "%0120u", i);
		assert_int_equal(create_container(site, root_pool, label, NULL), 0);
	}
	assert_int_equal(count_containers(site, root_pool, &count), 0);
	assert_int_equal(count, MANY);
	assert_int_equal(open_container(site, root_pool, label, DAOS_COO_RW, &handle), 0);
	filter.handle = root_pool;
	filter.conditions[0] = (struct proto_condition){PCF_FUNC_GT, PCF_KEY_NUM_HANDLES, 0};
	while (more) {
		struct proto_container_entry entry;
		struct call call;

		call_begin(&call, site);
		proto_container_filter_encode(&filter, &call.writer);
		assert_int_equal(call_send(&call, PROTO_POOL_FILTER_CONTAINERS, NULL), 0);
		count = reader_u32(&call.reply.body);
		for (uint32_t i = 0; i < count; i++)
			assert_int_equal(proto_container_entry_decode(&call.reply.body, &entry), 0);
		found += count;
		more = reader_u8(&call.reply.body) != 0;
		if (more)
			filter.after = proto_uuid_decode(&call.reply.body);
		assert_true(reader_complete(&call.reply.body));
		call_end(&call);
	}
	assert_int_equal(found, 1);
	return 0;
}

/* Sets or deletes count attributes in one call. */
static int
change_attributes(struct site *site, uint32_t operation, uint32_t count)
{
	struct proto_attribute items[PROTO_ATTRIBUTES_MAX];
	struct proto_attributes attributes = {.count = count, .items = items};
	char names[PROTO_ATTRIBUTES_MAX][16];
	struct call call;
	int rc;

	for (uint32_t i = 0; i < count; i++) {
		snprintf(names[i], sizeof(names[i]), "n%u", i);
		items[i] = (struct proto_attribute){text(names[i]), text("value"), true};
	}
	call_begin(&call, site);
	proto_uuid_encode(root_pool, &call.writer);
	proto_attributes_encode(&attributes, &call.writer);
	rc = send_change(&call, operation);
	call_end(&call);
	return rc;
}

static int
many_attributes(struct site *site)
{
	char value[64];

	assert_int_equal(change_attributes(site, PROTO_POOL_SET_ATTRIBUTES, METADB_WRITES_MAX + 1),
			 -DER_OVERFLOW);
	assert_int_equal(get_attribute(site, PROTO_POOL_GET_ATTRIBUTES, root_pool, "n0", value),
			 -DER_NONEXIST);
	assert_int_equal(change_attributes(site, PROTO_POOL_SET_ATTRIBUTES, METADB_WRITES_MAX), 0);
	assert_int_equal(get_attribute(site, PROTO_POOL_GET_ATTRIBUTES, root_pool, "n31", value),
			 0);
	assert_string_equal(value, "value");
	assert_int_equal(change_attributes(site, PROTO_POOL_DELETE_ATTRIBUTES, METADB_WRITES_MAX),
			 0);
	assert_int_equal(get_attribute(site, PROTO_POOL_GET_ATTRIBUTES, root_pool, "n31", value),
			 -DER_NONEXIST);
	return 0;
}

static int
one_target(struct site *site)
{
	struct proto_target_query wanted = {.target = 3};
	struct proto_target_info info;
	struct call call;

	wanted.handle = root_pool;
	call_begin(&call, site);
	proto_target_query_encode(&wanted, &call.writer);
	assert_int_equal(call_send(&call, PROTO_POOL_QUERY_TARGET, NULL), 0);
	assert_int_equal(proto_target_info_decode(&call.reply.body, &info), 0);
	assert_int_equal(info.state, DAOS_TS_UP_IN);
	assert_int_equal(info.total[1], 32 * MIB);
	call_end(&call);
	wanted.target = 4;
	call_begin(&call, site);
	proto_target_query_encode(&wanted, &call.writer);
	assert_int_equal(call_send(&call, PROTO_POOL_QUERY_TARGET, NULL), -DER_NONEXIST);
	call_end(&call);
	return 0;
}

static void
test_many(void **state)
{
	struct site site = {.loop_count = 2};

	(void)state;
	site_begin(&site, 35);
	site_run(&site, root_makes_a_pool);
	site_run(&site, one_target);
	site_run(&site, many_attributes);
	site_run(&site, many_containers);
	site_end(&site);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_pools),	cmocka_unit_test(test_containers),
		cmocka_unit_test(test_handles), cmocka_unit_test(test_restart),
		cmocka_unit_test(test_many),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
