/* SPDX-License-Identifier: BSD-2-Clause-Patent */
/*
 * Bad input over the whole interface of libdaos, by a table: a row calls one function with
 * arguments that are right but for one. Each handle is tried as zero, as garbage, as one of another
 * kind and as one that was closed, each pointer that must be there as NULL, each event as one that
 * was never initialised. A public function without a row fails the test.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include <daos_pipeline.h>
#include <daos_task.h>

#include "embedded_bed.h"

static struct embedded_bed bed;

enum kind { KIND_POOL, KIND_CONTAINER, KIND_OBJECT, KIND_ARRAY, KIND_STORE, KIND_QUEUE, KINDS };

static daos_handle_t opened[KINDS], closed[KINDS];

/* ------------------------------------------------ one argument is wrong */

enum role { ROLE_NONE, ROLE_HANDLE, ROLE_TRANSACTION, ROLE_POINTER, ROLE_EVENT };
enum variant { VARIANT_ZERO, VARIANT_GARBAGE, VARIANT_OTHER, VARIANT_CLOSED, VARIANTS };

/* Which argument of the call is wrong, by the order of evaluation, and how. */
static struct {
	uint32_t at, seen;
	enum variant variant;
	enum role role; /* of that argument */
	const char *text;
} wrong;

static bool
is_wrong(enum role role, const char *text)
{
	if (wrong.seen++ != wrong.at)
		return false;
	wrong.role = role;
	wrong.text = text;
	return true;
}

static daos_handle_t
handle_of(enum kind kind, const char *text)
{
	if (!is_wrong(ROLE_HANDLE, text))
		return opened[kind];
	switch (wrong.variant) {
	case VARIANT_ZERO:
		return DAOS_HDL_INVAL;
	case VARIANT_GARBAGE:
		return (daos_handle_t){UINT64_C(0x123456789abcdef7)};
	case VARIANT_OTHER:
		return opened[(kind + 1) % KINDS];
	default:
		return closed[kind];
	}
}

static daos_handle_t
transaction_of(void)
{
	if (!is_wrong(ROLE_TRANSACTION, "transaction"))
		return DAOS_TX_NONE;
	return wrong.variant == VARIANT_GARBAGE ? (daos_handle_t){UINT64_C(0xabcdef1b)}
						: opened[KIND_POOL];
}

static bool
pointer_is_wrong(const char *text)
{
	return is_wrong(ROLE_POINTER, text);
}

static daos_event_t *
event_of(void)
{
	static daos_event_t never;

	return is_wrong(ROLE_EVENT, "event") ? &never : NULL;
}

#define H(kind) handle_of(KIND_##kind, #kind)
#define T transaction_of()
#define P(pointer) (pointer_is_wrong(#pointer) ? NULL : (pointer))
#define E event_of()

/* ------------------------------------------------ right arguments */

static char byte = 'x', text_buffer[256];
static daos_key_t key = {&byte, 1, 1};
static d_iov_t iov = {&byte, 1, 1}, glob = {text_buffer, sizeof(text_buffer), 1};
static d_sg_list_t sgl = {1, 0, &iov};
static daos_recx_t recx = {0, 1};
static daos_iod_t iod = {.iod_name = {&byte, 1, 1},
			 .iod_type = DAOS_IOD_SINGLE,
			 .iod_size = 1,
			 .iod_nr = 1};
static daos_range_t range = {0, 1};
static daos_array_iod_t array_iod = {.arr_nr = 1, .arr_rgs = &range};
static daos_array_stbuf_t array_stat;
static daos_obj_id_t oid, array_oid, bytes_oid;
static daos_size_t size = 1, other_size = 1;
static size_t text_length = sizeof(text_buffer);
static uint64_t number;
static uint32_t count = 1;
static int int_count = 1;
static daos_key_desc_t desc;
static daos_anchor_t anchor;
static daos_epoch_t epoch = 1;
static daos_epoch_range_t epochs = {1, 1};
static daos_handle_t handle;
static daos_event_t event, *events[1];
static bool flag;
static uuid_t id;
static daos_prop_t *props, *ret_props;
static struct daos_prop_entry entry = {.dpe_type = DAOS_PROP_CO_LABEL};
static struct daos_acl *acl, *ret_acl;
static struct daos_ace *ace, *ret_ace;
static const char *names[] = {"name"}, *entries[] = {"A::OWNER@:rw"};
static const void *values[] = {"value"};
static void *buffers[] = {text_buffer};
static size_t sizes[] = {5};
static char principal[] = "root@", *ret_name, **ret_names;
static uid_t uid;
static gid_t gid;
static enum daos_acl_principal_type principal_type;
static struct daos_sys_info *system_info;
static struct timespec timespec;
static time_t seconds;
static daos_pipeline_t pipeline;
static daos_filter_t filter;
static daos_filter_part_t part;
static daos_pool_cont_filter_t cont_filter;
static daos_pool_cont_filter_part_t cont_part;
static struct daos_pool_cont_info2 cont_info;
static daos_target_info_t target_info;
static tse_task_t *task;
static tse_sched_t sched;

static int
accept_all(daos_obj_id_t object, d_iov_t *marker)
{
	(void)object;
	(void)marker;
	return 0;
}

static int
complete(void *argument, daos_event_t *done, int rc)
{
	(void)argument;
	(void)done;
	return rc;
}

/* A list that is not there has no entry of any type. */
static int
refused(int rc)
{
	return rc == -DER_NONEXIST ? -DER_INVAL : rc;
}

/* ------------------------------------------------ the table */

/* What a call gives that should not be made. */
enum answer {
	ANSWER_CODE,  /* -DER_NO_HDL for handles, -DER_INVAL for the rest */
	ANSWER_NOSYS, /* -DER_NOSYS whatever is wrong */
	ANSWER_NONE,  /* nothing to be wrong, or nothing that is told: it must only return */
};

struct row {
	const char *name;
	enum answer answer;
	uint32_t arguments; /* that may be wrong */
	int (*call)(void);
};

#define CALLS(ROW)                                                                                 \
	/* daos.h */                                                                               \
	ROW(daos_init, ANSWER_NONE, 0, 0)                                                          \
	ROW(daos_fini, ANSWER_NONE, 0, 0)                                                          \
	ROW(daos_reinit, ANSWER_NONE, 0, 0)                                                        \
	/* daos_event.h */                                                                         \
	ROW(daos_eq_create, ANSWER_CODE, 1, daos_eq_create(P(&handle)))                            \
	ROW(daos_eq_destroy, ANSWER_CODE, 1, daos_eq_destroy(H(QUEUE), 0))                         \
	ROW(daos_eq_poll, ANSWER_CODE, 2, daos_eq_poll(H(QUEUE), 0, 0, 1, P(events)))              \
	ROW(daos_eq_query, ANSWER_CODE, 1, daos_eq_query(H(QUEUE), DAOS_EQR_ALL, 0, NULL))         \
	ROW(daos_event_init, ANSWER_CODE, 1, daos_event_init(P(&event), opened[KIND_QUEUE], NULL)) \
	ROW(daos_event_fini, ANSWER_CODE, 2, E ? daos_event_fini(E) : daos_event_fini(P(&event)))  \
	ROW(daos_event_next, ANSWER_CODE, 1,                                                       \
	    daos_event_next(P(&event), NULL) == NULL ? -DER_INVAL : 0)                             \
	ROW(daos_event_test, ANSWER_CODE, 2, daos_event_test(P(&event), 0, P(&flag)))              \
	ROW(daos_event_register_comp_cb, ANSWER_CODE, 2,                                           \
	    daos_event_register_comp_cb(P(&event), P(&complete), NULL))                            \
	ROW(daos_event_parent_barrier, ANSWER_CODE, 1, daos_event_parent_barrier(P(&event)))       \
	ROW(daos_event_abort, ANSWER_CODE, 1, daos_event_abort(P(&event)))                         \
	/* daos_api.h */                                                                           \
	ROW(daos_rank_list_parse, ANSWER_CODE, 2,                                                  \
	    daos_rank_list_parse(P("0"), P(":")) == NULL ? -DER_INVAL : 0)                         \
	ROW(daos_tx_open, ANSWER_CODE, 3, daos_tx_open(H(CONTAINER), P(&handle), 0, E))            \
	ROW(daos_tx_open_snap, ANSWER_CODE, 3,                                                     \
	    daos_tx_open_snap(H(CONTAINER), epoch, P(&handle), E))                                 \
	ROW(daos_tx_commit, ANSWER_CODE, 1, daos_tx_commit(H(POOL), NULL))                         \
	ROW(daos_tx_abort, ANSWER_CODE, 1, daos_tx_abort(H(POOL), NULL))                           \
	ROW(daos_tx_close, ANSWER_CODE, 1, daos_tx_close(H(POOL), NULL))                           \
	ROW(daos_tx_restart, ANSWER_CODE, 1, daos_tx_restart(H(POOL), NULL))                       \
	ROW(daos_tx_hdl2epoch, ANSWER_CODE, 1, daos_tx_hdl2epoch(H(POOL), &epoch))                 \
	ROW(daos_hlc2timespec, ANSWER_CODE, 1, daos_hlc2timespec(1, P(&timespec)))                 \
	ROW(daos_hlc2timestamp, ANSWER_CODE, 1, daos_hlc2timestamp(1, P(&seconds)))                \
	/* daos_obj_class.h */                                                                     \
	ROW(daos_oclass_name2id, ANSWER_CODE, 1,                                                   \
	    daos_oclass_name2id(P("S1")) == OC_UNKNOWN ? -DER_INVAL : 0)                           \
	ROW(daos_oclass_names_list, ANSWER_NONE, 1,                                                \
	    (int)daos_oclass_names_list(sizeof(text_buffer), P(text_buffer)))                      \
	ROW(daos_oclass_nr, ANSWER_NONE, 0, 0)                                                     \
	ROW(daos_oclass_id2name, ANSWER_CODE, 1,                                                   \
	    daos_oclass_id2name(OC_S1, P(text_buffer)) != 0 ? -DER_INVAL : 0)                      \
	ROW(daos_obj_register_class, ANSWER_NOSYS, 1,                                              \
	    daos_obj_register_class(H(CONTAINER), OC_S1, NULL, NULL))                              \
	ROW(daos_obj_query_class, ANSWER_NOSYS, 1,                                                 \
	    daos_obj_query_class(H(CONTAINER), OC_S1, NULL, NULL))                                 \
	ROW(daos_obj_list_class, ANSWER_NOSYS, 1,                                                  \
	    daos_obj_list_class(H(CONTAINER), NULL, NULL, NULL))                                   \
	/* daos_obj.h */                                                                           \
	ROW(daos_obj_generate_oid, ANSWER_CODE, 2,                                                 \
	    daos_obj_generate_oid(H(CONTAINER), P(&oid), DAOS_OT_KV_HASHED, OC_S1, 0, 0))          \
	ROW(daos_obj_open, ANSWER_CODE, 3,                                                         \
	    daos_obj_open(H(CONTAINER), oid, DAOS_OO_RW, P(&handle), E))                           \
	ROW(daos_obj_close, ANSWER_CODE, 2, daos_obj_close(H(OBJECT), E))                          \
	ROW(daos_obj_punch, ANSWER_CODE, 3, daos_obj_punch(H(OBJECT), T, 0, E))                    \
	ROW(daos_obj_punch_dkeys, ANSWER_CODE, 4,                                                  \
	    daos_obj_punch_dkeys(H(OBJECT), T, 0, 1, P(&key), E))                                  \
	ROW(daos_obj_punch_akeys, ANSWER_CODE, 5,                                                  \
	    daos_obj_punch_akeys(H(OBJECT), T, 0, P(&key), 1, P(&key), E))                         \
	ROW(daos_obj_query, ANSWER_NOSYS, 1, daos_obj_query(H(OBJECT), NULL, NULL, NULL))          \
	ROW(daos_obj_fetch, ANSWER_CODE, 5,                                                        \
	    daos_obj_fetch(H(OBJECT), T, 0, P(&key), 1, P(&iod), &sgl, NULL, E))                   \
	ROW(daos_obj_update, ANSWER_CODE, 6,                                                       \
	    daos_obj_update(H(OBJECT), T, 0, P(&key), 1, P(&iod), P(&sgl), E))                     \
	ROW(daos_obj_list_dkey, ANSWER_CODE, 7,                                                    \
	    daos_obj_list_dkey(H(OBJECT), T, P(&count), P(&desc), P(&sgl), P(&anchor), E))         \
	ROW(daos_obj_list_akey, ANSWER_CODE, 8,                                                    \
	    daos_obj_list_akey(H(OBJECT), T, P(&key), P(&count), P(&desc), P(&sgl), P(&anchor),    \
			       E))                                                                 \
	ROW(daos_obj_list_recx, ANSWER_CODE, 7,                                                    \
	    daos_obj_list_recx(H(OBJECT), T, P(&key), P(&key), &size, P(&count), &recx, &epochs,   \
			       P(&anchor), true, E))                                               \
	ROW(daos_obj_query_key, ANSWER_CODE, 6,                                                    \
	    daos_obj_query_key(H(OBJECT), T, DAOS_GET_MAX | DAOS_GET_RECX, P(&key), P(&key),       \
			       P(&recx), E))                                                       \
	ROW(daos_obj_query_max_epoch, ANSWER_CODE, 4,                                              \
	    daos_obj_query_max_epoch(H(OBJECT), T, P(&epoch), E))                                  \
	ROW(daos_obj_verify, ANSWER_CODE, 1, daos_obj_verify(H(CONTAINER), oid, DAOS_EPOCH_MAX))   \
	ROW(daos_obj_anchor_split, ANSWER_CODE, 2,                                                 \
	    daos_obj_anchor_split(H(OBJECT), P(&count), NULL))                                     \
	ROW(daos_obj_anchor_set, ANSWER_CODE, 2, daos_obj_anchor_set(H(OBJECT), 0, P(&anchor)))    \
	ROW(daos_obj_key2anchor, ANSWER_CODE, 5,                                                   \
	    daos_obj_key2anchor(H(OBJECT), T, P(&key), NULL, P(&anchor), E))                       \
	ROW(daos_oit_open, ANSWER_CODE, 3, daos_oit_open(H(CONTAINER), epoch, P(&handle), E))      \
	ROW(daos_oit_close, ANSWER_CODE, 1, daos_oit_close(H(POOL), NULL))                         \
	ROW(daos_oit_list, ANSWER_CODE, 1, daos_oit_list(H(POOL), &oid, &count, &anchor, NULL))    \
	ROW(daos_oit_mark, ANSWER_CODE, 1, daos_oit_mark(H(POOL), oid, &iov, NULL))                \
	ROW(daos_oit_list_unmarked, ANSWER_CODE, 1,                                                \
	    daos_oit_list_unmarked(H(POOL), &oid, &count, &anchor, NULL))                          \
	ROW(daos_oit_list_filter, ANSWER_CODE, 1,                                                  \
	    daos_oit_list_filter(H(POOL), &oid, &count, &anchor, &accept_all, NULL))               \
	/* daos_kv.h */                                                                            \
	ROW(daos_kv_open, ANSWER_CODE, 3,                                                          \
	    daos_kv_open(H(CONTAINER), oid, DAOS_OO_RW, P(&handle), E))                            \
	ROW(daos_kv_close, ANSWER_CODE, 2, daos_kv_close(H(STORE), E))                             \
	ROW(daos_kv_destroy, ANSWER_CODE, 3, daos_kv_destroy(H(STORE), T, E))                      \
	ROW(daos_kv_put, ANSWER_CODE, 5, daos_kv_put(H(STORE), T, 0, P("k"), 1, P(&byte), E))      \
	ROW(daos_kv_get, ANSWER_CODE, 5, daos_kv_get(H(STORE), T, 0, P("k"), P(&size), &byte, E))  \
	ROW(daos_kv_remove, ANSWER_CODE, 4, daos_kv_remove(H(STORE), T, 0, P("k"), E))             \
	ROW(daos_kv_list, ANSWER_CODE, 7,                                                          \
	    daos_kv_list(H(STORE), T, P(&count), P(&desc), P(&sgl), P(&anchor), E))                \
	/* daos_array.h */                                                                         \
	ROW(daos_array_create, ANSWER_CODE, 4,                                                     \
	    daos_array_create(H(CONTAINER), array_oid, T, 1, 1024, P(&handle), E))                 \
	ROW(daos_array_open, ANSWER_CODE, 6,                                                       \
	    daos_array_open(H(CONTAINER), array_oid, T, DAOS_OO_RW, P(&size), P(&other_size),      \
			    P(&handle), E))                                                        \
	ROW(daos_array_open_with_attr, ANSWER_CODE, 4,                                             \
	    daos_array_open_with_attr(H(CONTAINER), bytes_oid, T, DAOS_OO_RW, 1, 1024, P(&handle), \
				      E))                                                          \
	ROW(daos_array_local2global, ANSWER_CODE, 2, daos_array_local2global(H(ARRAY), P(&glob)))  \
	ROW(daos_array_global2local, ANSWER_CODE, 2,                                               \
	    daos_array_global2local(opened[KIND_CONTAINER], (d_iov_t){P(text_buffer), 8, 8}, 0,    \
				    P(&handle)))                                                   \
	ROW(daos_array_close, ANSWER_CODE, 2, daos_array_close(H(ARRAY), E))                       \
	ROW(daos_array_read, ANSWER_CODE, 5,                                                       \
	    daos_array_read(H(ARRAY), T, P(&array_iod), P(&sgl), E))                               \
	ROW(daos_array_write, ANSWER_CODE, 5,                                                      \
	    daos_array_write(H(ARRAY), T, P(&array_iod), P(&sgl), E))                              \
	ROW(daos_array_get_size, ANSWER_CODE, 4, daos_array_get_size(H(ARRAY), T, P(&size), E))    \
	ROW(daos_array_stat, ANSWER_CODE, 4, daos_array_stat(H(ARRAY), T, P(&array_stat), E))      \
	ROW(daos_array_set_size, ANSWER_CODE, 3, daos_array_set_size(H(ARRAY), T, 1, E))           \
	ROW(daos_array_destroy, ANSWER_CODE, 3, daos_array_destroy(H(ARRAY), T, E))                \
	ROW(daos_array_punch, ANSWER_CODE, 4, daos_array_punch(H(ARRAY), T, P(&array_iod), E))     \
	ROW(daos_array_get_attr, ANSWER_CODE, 3,                                                   \
	    daos_array_get_attr(H(ARRAY), P(&size), P(&other_size)))                               \
	ROW(daos_array_update_chunk_size, ANSWER_CODE, 1,                                          \
	    daos_array_update_chunk_size(H(ARRAY), 2048))                                          \
	/* daos_pool.h */                                                                          \
	ROW(daos_pool_connect, ANSWER_CODE, 3,                                                     \
	    daos_pool_connect(P("default"), NULL, DAOS_PC_RW, P(&handle), NULL, E))                \
	ROW(daos_pool_disconnect, ANSWER_CODE, 2, daos_pool_disconnect(H(POOL), E))                \
	ROW(daos_pool_local2global, ANSWER_CODE, 2, daos_pool_local2global(H(POOL), P(&glob)))     \
	ROW(daos_pool_global2local, ANSWER_CODE, 2,                                                \
	    daos_pool_global2local((d_iov_t){P(text_buffer), 8, 8}, P(&handle)))                   \
	ROW(daos_pool_query, ANSWER_CODE, 2, daos_pool_query(H(POOL), NULL, NULL, NULL, E))        \
	ROW(daos_pool_query_target, ANSWER_CODE, 3,                                                \
	    daos_pool_query_target(H(POOL), 0, 0, P(&target_info), E))                             \
	ROW(daos_pool_list_attr, ANSWER_CODE, 3,                                                   \
	    daos_pool_list_attr(H(POOL), text_buffer, P(&text_length), E))                         \
	ROW(daos_pool_get_attr, ANSWER_CODE, 4,                                                    \
	    daos_pool_get_attr(H(POOL), 1, P(names), buffers, P(sizes), E))                        \
	ROW(daos_pool_set_attr, ANSWER_CODE, 5,                                                    \
	    daos_pool_set_attr(H(POOL), 1, P(names), P(values), P(sizes), E))                      \
	ROW(daos_pool_del_attr, ANSWER_CODE, 3, daos_pool_del_attr(H(POOL), 1, P(names), E))       \
	ROW(daos_pool_list_cont, ANSWER_CODE, 3, daos_pool_list_cont(H(POOL), P(&size), NULL, E))  \
	ROW(daos_pool_cont_filter_init, ANSWER_CODE, 1,                                            \
	    daos_pool_cont_filter_init(P(&cont_filter), PCF_COMBINE_LOGICAL_AND))                  \
	ROW(daos_pool_cont_filter_add, ANSWER_CODE, 2,                                             \
	    daos_pool_cont_filter_add(P(&cont_filter), P(&cont_part)))                             \
	ROW(daos_pool_cont_filter_fini, ANSWER_NONE, 1,                                            \
	    (daos_pool_cont_filter_fini(P(&cont_filter)), 0))                                      \
	ROW(daos_pool_filter_cont, ANSWER_CODE, 3,                                                 \
	    daos_pool_filter_cont(H(POOL), NULL, P(&size), &cont_info, E))                         \
	ROW(daos_pool_get_perms, ANSWER_CODE, 2,                                                   \
	    daos_pool_get_perms(P(props), 0, &gid, 1, P(&number)))                                 \
	/* daos_cont.h */                                                                          \
	ROW(daos_cont_local2global, ANSWER_CODE, 2,                                                \
	    daos_cont_local2global(H(CONTAINER), P(&glob)))                                        \
	ROW(daos_cont_global2local, ANSWER_CODE, 2,                                                \
	    daos_cont_global2local(opened[KIND_POOL], (d_iov_t){P(text_buffer), 8, 8},             \
				   P(&handle)))                                                    \
	ROW(daos_cont_create, ANSWER_CODE, 2, daos_cont_create(H(POOL), &id, NULL, E))             \
	ROW(daos_cont_create_with_label, ANSWER_CODE, 3,                                           \
	    daos_cont_create_with_label(H(POOL), P("label"), NULL, NULL, E))                       \
	ROW(daos_cont_open, ANSWER_CODE, 4,                                                        \
	    daos_cont_open(H(POOL), P("test"), DAOS_COO_RW, P(&handle), NULL, E))                  \
	ROW(daos_cont_close, ANSWER_CODE, 2, daos_cont_close(H(CONTAINER), E))                     \
	ROW(daos_cont_destroy, ANSWER_CODE, 3, daos_cont_destroy(H(POOL), P("none"), 0, E))        \
	ROW(daos_cont_query, ANSWER_CODE, 2, daos_cont_query(H(CONTAINER), NULL, NULL, E))         \
	ROW(daos_cont_get_acl, ANSWER_CODE, 3, daos_cont_get_acl(H(CONTAINER), P(&ret_props), E))  \
	ROW(daos_cont_set_prop, ANSWER_CODE, 3, daos_cont_set_prop(H(CONTAINER), P(props), E))     \
	ROW(daos_cont_status_clear, ANSWER_CODE, 2, daos_cont_status_clear(H(CONTAINER), E))       \
	ROW(daos_cont_overwrite_acl, ANSWER_CODE, 3,                                               \
	    daos_cont_overwrite_acl(H(CONTAINER), P(acl), E))                                      \
	ROW(daos_cont_update_acl, ANSWER_CODE, 3, daos_cont_update_acl(H(CONTAINER), P(acl), E))   \
	ROW(daos_cont_delete_acl, ANSWER_CODE, 2,                                                  \
	    daos_cont_delete_acl(H(CONTAINER), DAOS_ACL_USER, principal, E))                       \
	ROW(daos_cont_set_owner, ANSWER_CODE, 2,                                                   \
	    daos_cont_set_owner(H(CONTAINER), NULL, principal, E))                                 \
	ROW(daos_cont_set_owner_no_check, ANSWER_CODE, 2,                                          \
	    daos_cont_set_owner_no_check(H(CONTAINER), principal, NULL, E))                        \
	ROW(daos_cont_list_attr, ANSWER_CODE, 3,                                                   \
	    daos_cont_list_attr(H(CONTAINER), text_buffer, P(&text_length), E))                    \
	ROW(daos_cont_get_attr, ANSWER_CODE, 4,                                                    \
	    daos_cont_get_attr(H(CONTAINER), 1, P(names), buffers, P(sizes), E))                   \
	ROW(daos_cont_set_attr, ANSWER_CODE, 5,                                                    \
	    daos_cont_set_attr(H(CONTAINER), 1, P(names), P(values), P(sizes), E))                 \
	ROW(daos_cont_del_attr, ANSWER_CODE, 3, daos_cont_del_attr(H(CONTAINER), 1, P(names), E))  \
	ROW(daos_cont_alloc_oids, ANSWER_CODE, 3,                                                  \
	    daos_cont_alloc_oids(H(CONTAINER), 1, P(&number), E))                                  \
	ROW(daos_cont_aggregate, ANSWER_CODE, 2, daos_cont_aggregate(H(CONTAINER), epoch, E))      \
	ROW(daos_cont_rollback, ANSWER_CODE, 2, daos_cont_rollback(H(CONTAINER), epoch, E))        \
	ROW(daos_cont_subscribe, ANSWER_NOSYS, 1, daos_cont_subscribe(H(CONTAINER), &epoch, NULL)) \
	ROW(daos_cont_create_snap, ANSWER_CODE, 3,                                                 \
	    daos_cont_create_snap(H(CONTAINER), P(&epoch), NULL, E))                               \
	ROW(daos_cont_create_snap_opt, ANSWER_CODE, 3,                                             \
	    daos_cont_create_snap_opt(H(CONTAINER), P(&epoch), NULL, DAOS_SNAP_OPT_CR, E))         \
	ROW(daos_cont_list_snap, ANSWER_CODE, 4,                                                   \
	    daos_cont_list_snap(H(CONTAINER), P(&int_count), &epoch, NULL, P(&anchor), E))         \
	ROW(daos_cont_destroy_snap, ANSWER_CODE, 2,                                                \
	    daos_cont_destroy_snap(H(CONTAINER), epochs, E))                                       \
	ROW(daos_cont_get_perms, ANSWER_CODE, 2,                                                   \
	    daos_cont_get_perms(P(props), 0, &gid, 1, P(&number)))                                 \
	ROW(daos_cont_snap_oit_create, ANSWER_CODE, 2,                                             \
	    daos_cont_snap_oit_create(H(CONTAINER), epoch, NULL, E))                               \
	ROW(daos_cont_snap_oit_destroy, ANSWER_CODE, 1,                                            \
	    daos_cont_snap_oit_destroy(H(CONTAINER), opened[KIND_POOL], NULL))                     \
	/* daos_prop.h */                                                                          \
	ROW(daos_prop_alloc, ANSWER_NONE, 0, 0)                                                    \
	ROW(daos_prop_fini, ANSWER_NONE, 1, (daos_prop_fini(P(&(daos_prop_t){0})), 0))             \
	ROW(daos_prop_free, ANSWER_NONE, 1, (daos_prop_free(P(daos_prop_alloc(1))), 0))            \
	ROW(daos_prop_from_str, ANSWER_CODE, 2,                                                    \
	    daos_prop_from_str(P("label:x"), 8, P(&ret_props)))                                    \
	ROW(daos_prop_merge2, ANSWER_CODE, 1, daos_prop_merge2(props, props, P(&ret_props)))       \
	ROW(daos_prop_merge, ANSWER_NONE, 0, 0)                                                    \
	ROW(daos_prop_entry_get, ANSWER_CODE, 1,                                                   \
	    daos_prop_entry_get(P(props), DAOS_PROP_CO_LABEL) == NULL ? -DER_INVAL : 0)            \
	ROW(daos_prop_set_str, ANSWER_CODE, 1,                                                     \
	    refused(daos_prop_set_str(P(props), DAOS_PROP_CO_LABEL, "x", 1)))                      \
	ROW(daos_prop_entry_set_str, ANSWER_CODE, 1, daos_prop_entry_set_str(P(&entry), "x", 1))   \
	ROW(daos_prop_set_ptr, ANSWER_CODE, 1,                                                     \
	    refused(daos_prop_set_ptr(P(props), DAOS_PROP_CO_ACL, &byte, 1)))                      \
	ROW(daos_prop_entry_set_ptr, ANSWER_CODE, 1, daos_prop_entry_set_ptr(P(&entry), &byte, 1)) \
	ROW(daos_prop_entry_dup_ptr, ANSWER_CODE, 2,                                               \
	    daos_prop_entry_dup_ptr(P(&entry), P(&entry), 1))                                      \
	ROW(daos_prop_set_byteval, ANSWER_CODE, 1,                                                 \
	    refused(daos_prop_set_byteval(P(props), DAOS_PROP_CO_LABEL, &byte, 1)))                \
	ROW(daos_prop_entry_set_byteval, ANSWER_CODE, 1,                                           \
	    daos_prop_entry_set_byteval(P(&entry), &byte, 1))                                      \
	ROW(daos_prop_entry_dup_byteval, ANSWER_CODE, 2,                                           \
	    daos_prop_entry_dup_byteval(P(&entry), P(&entry)))                                     \
	ROW(daos_prop_entry_cmp_acl, ANSWER_CODE, 2,                                               \
	    daos_prop_entry_cmp_acl(P(&entry), P(&entry)) ? -DER_INVAL : 0)                        \
	ROW(daos_prop_entry_dup_co_roots, ANSWER_CODE, 2,                                          \
	    daos_prop_entry_dup_co_roots(P(&entry), P(&entry)))                                    \
	ROW(daos_prop_has_str, ANSWER_CODE, 1, daos_prop_has_str(P(&entry)) ? 0 : -DER_INVAL)      \
	ROW(daos_prop_has_ptr, ANSWER_CODE, 1, daos_prop_has_ptr(P(&entry)) ? 0 : -DER_INVAL)      \
	ROW(daos_prop_has_byteval, ANSWER_NONE, 1,                                                 \
	    daos_prop_has_byteval(P(&entry)) ? 0 : -DER_INVAL)                                     \
	/* daos_security.h */                                                                      \
	ROW(daos_acl_create, ANSWER_CODE, 1, daos_acl_create(P(&ace), 1) ? 0 : -DER_INVAL)         \
	ROW(daos_acl_dup, ANSWER_CODE, 1, daos_acl_dup(P(acl)) ? 0 : -DER_INVAL)                   \
	ROW(daos_acl_free, ANSWER_NONE, 1, (daos_acl_free(P(daos_acl_dup(acl))), 0))               \
	ROW(daos_acl_get_size, ANSWER_CODE, 1, (int)daos_acl_get_size(P(acl)))                     \
	ROW(daos_acl_get_next_ace, ANSWER_CODE, 1,                                                 \
	    daos_acl_get_next_ace(P(acl), NULL) ? 0 : -DER_INVAL)                                  \
	ROW(daos_acl_get_ace_for_principal, ANSWER_CODE, 2,                                        \
	    daos_acl_get_ace_for_principal(P(acl), DAOS_ACL_OWNER, NULL, P(&ret_ace)))             \
	ROW(daos_acl_add_ace, ANSWER_CODE, 2, daos_acl_add_ace(P(&acl), P(ace)))                   \
	ROW(daos_acl_remove_ace, ANSWER_CODE, 1,                                                   \
	    daos_acl_remove_ace(P(&acl), DAOS_ACL_GROUP, "group@"))                                \
	ROW(daos_acl_dump, ANSWER_NONE, 1, (daos_acl_dump(P(acl)), 0))                             \
	ROW(daos_acl_validate, ANSWER_CODE, 1, daos_acl_validate(P(acl)))                          \
	ROW(daos_ace_create, ANSWER_CODE, 1,                                                       \
	    daos_ace_create(DAOS_ACL_USER, P("user@")) ? 0 : -DER_INVAL)                           \
	ROW(daos_ace_free, ANSWER_NONE, 1,                                                         \
	    (daos_ace_free(P(daos_ace_create(DAOS_ACL_OWNER, NULL))), 0))                          \
	ROW(daos_ace_get_size, ANSWER_CODE, 1, (int)daos_ace_get_size(P(ace)))                     \
	ROW(daos_ace_dump, ANSWER_NONE, 1, (daos_ace_dump(P(ace), 0), 0))                          \
	ROW(daos_ace_is_valid, ANSWER_CODE, 1, daos_ace_is_valid(P(ace)) ? 0 : -DER_INVAL)         \
	ROW(daos_acl_principal_is_valid, ANSWER_CODE, 1,                                           \
	    daos_acl_principal_is_valid(P("user@")) ? 0 : -DER_INVAL)                              \
	ROW(daos_acl_uid_to_principal, ANSWER_CODE, 1, daos_acl_uid_to_principal(0, P(&ret_name))) \
	ROW(daos_acl_gid_to_principal, ANSWER_CODE, 1, daos_acl_gid_to_principal(0, P(&ret_name))) \
	ROW(daos_acl_principal_to_uid, ANSWER_CODE, 2,                                             \
	    daos_acl_principal_to_uid(P("root@"), P(&uid)))                                        \
	ROW(daos_acl_principal_to_gid, ANSWER_CODE, 2,                                             \
	    daos_acl_principal_to_gid(P("root@"), P(&gid)))                                        \
	ROW(daos_ace_get_principal_str, ANSWER_CODE, 1,                                            \
	    daos_ace_get_principal_str(P(ace)) ? 0 : -DER_INVAL)                                   \
	ROW(daos_ace_from_str, ANSWER_CODE, 2, daos_ace_from_str(P(entries[0]), P(&ret_ace)))      \
	ROW(daos_ace_to_str, ANSWER_CODE, 2,                                                       \
	    daos_ace_to_str(P(ace), P(text_buffer), sizeof(text_buffer)))                          \
	ROW(daos_ace_str_get_verbose, ANSWER_CODE, 2,                                              \
	    daos_ace_str_get_verbose(P(entries[0]), P(text_buffer), sizeof(text_buffer)))          \
	ROW(daos_acl_from_strs, ANSWER_CODE, 2, daos_acl_from_strs(P(entries), 1, P(&ret_acl)))    \
	ROW(daos_acl_to_strs, ANSWER_CODE, 3,                                                      \
	    daos_acl_to_strs(P(acl), P(&ret_names), P(&text_length)))                              \
	ROW(daos_acl_principal_from_str, ANSWER_CODE, 3,                                           \
	    daos_acl_principal_from_str(P("u:user@"), P(&principal_type), P(&ret_name)))           \
	ROW(daos_acl_to_stream, ANSWER_CODE, 1, daos_acl_to_stream(P(stderr), acl, false))         \
	/* daos_mgmt.h */                                                                          \
	ROW(daos_mgmt_get_sys_info, ANSWER_CODE, 1, daos_mgmt_get_sys_info(NULL, P(&system_info))) \
	ROW(daos_mgmt_put_sys_info, ANSWER_NONE, 1, (daos_mgmt_put_sys_info(P(system_info)), 0))   \
	ROW(daos_pool_stop_svc, ANSWER_CODE, 2, daos_pool_stop_svc(H(POOL), E))                    \
	ROW(daos_mgmt_list_pools, ANSWER_CODE, 2, daos_mgmt_list_pools(NULL, P(&size), NULL, E))   \
	ROW(daos_debug_set_params, ANSWER_NONE, 0, 0)                                              \
	ROW(daos_debug_add_mark, ANSWER_CODE, 1, daos_debug_add_mark(P("mark")))                   \
	ROW(daos_mgmt_get_bs_state, ANSWER_CODE, 1,                                                \
	    daos_mgmt_get_bs_state(NULL, id, P(&int_count), NULL))                                 \
	ROW(dc_mgmt_srv_version, ANSWER_CODE, 4,                                                   \
	    dc_mgmt_srv_version(P(&count), P(&count), P(&count), P(&ret_name)))                    \
	/* daos_task.h */                                                                          \
	ROW(daos_task_create, ANSWER_CODE, 2,                                                      \
	    daos_task_create(DAOS_OPC_OBJ_OPEN, P(&sched), 0, NULL, P(&task)))                     \
	ROW(daos_task_reset, ANSWER_CODE, 1, daos_task_reset(P(task), DAOS_OPC_OBJ_CLOSE))         \
	ROW(daos_task_get_args, ANSWER_CODE, 1, daos_task_get_args(P(task)) ? 0 : -DER_INVAL)      \
	ROW(daos_task_get_priv, ANSWER_CODE, 1, daos_task_get_priv(P(task)) ? 0 : -DER_INVAL)      \
	ROW(daos_task_set_priv, ANSWER_CODE, 1,                                                    \
	    daos_task_set_priv(P(task), NULL) ? 0 : -DER_INVAL)                                    \
	ROW(daos_progress, ANSWER_CODE, 2, daos_progress(P(&sched), 0, P(&flag)))                  \
	/* daos_pipeline.h */                                                                      \
	ROW(daos_pipeline_init, ANSWER_NONE, 1, (daos_pipeline_init(P(&pipeline)), 0))             \
	ROW(daos_filter_init, ANSWER_NONE, 1, (daos_filter_init(P(&filter)), 0))                   \
	ROW(daos_pipeline_add, ANSWER_NOSYS, 2, daos_pipeline_add(P(&pipeline), P(&filter)))       \
	ROW(daos_filter_add, ANSWER_NOSYS, 2, daos_filter_add(P(&filter), P(&part)))               \
	ROW(daos_pipeline_check, ANSWER_NOSYS, 1, daos_pipeline_check(P(&pipeline)))               \
	ROW(daos_pipeline_free, ANSWER_NOSYS, 1, daos_pipeline_free(P(&pipeline)))                 \
	ROW(daos_pipeline_run, ANSWER_NOSYS, 2,                                                    \
	    daos_pipeline_run(H(CONTAINER), H(OBJECT), NULL, DAOS_TX_NONE, 0, NULL, NULL, NULL,    \
			      NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL))

#define DEFINE(name, answer, arguments, ...) \
	static int call_##name(void)         \
	{                                    \
		return (__VA_ARGS__);        \
	}
CALLS(DEFINE)

/* Some names stand for others in source (daos_pool_connect): the text is of the name as written. */
#define STATE(name, answer, arguments, ...) {#name, answer, arguments, call_##name},
static const struct row rows[] = {CALLS(STATE)};
#define ROWS (sizeof(rows) / sizeof(rows[0]))

/* ------------------------------------------------ the tests */

/* Whether the function stands in the list of those that are not built yet. */
static bool
is_unbuilt(const char *function)
{
	FILE *file = fopen(CAIRN_GOLDEN_DIR "/../sim/coverage.d/unsupported.txt", "r");
	char name[128];
	bool found = false;

	assert_non_null(file);
	while (!found && fscanf(file, "%127s", name) == 1)
		found = strcmp(name, function) == 0;
	fclose(file);
	return found;
}

static int
expected_code(const struct row *row)
{
	if (row->answer == ANSWER_NOSYS)
		return -DER_NOSYS;
	return wrong.role == ROLE_HANDLE || wrong.role == ROLE_TRANSACTION ? -DER_NO_HDL
									   : -DER_INVAL;
}

/* Whether a call was answered as it should be; what was not is told. */
static bool
answered(const struct row *row)
{
	int rc;

	wrong.seen = 0;
	wrong.role = ROLE_NONE;
	rc = row->call();
	if (wrong.seen == row->arguments &&
	    (row->answer == ANSWER_NONE || rc == expected_code(row)))
		return true;
	if (rc == -DER_NOSYS &&
	    is_unbuilt(wrong.role == ROLE_TRANSACTION ? "daos_tx_open" : row->name))
		return true;
	fprintf(stderr, "%s: wrong %s (%d): %d instead of %d (%u of %u arguments)\n", row->name,
		wrong.text, wrong.variant, rc, expected_code(row), wrong.seen, row->arguments);
	return false;
}

static uint32_t
failures_of(const struct row *row)
{
	uint32_t failures = 0;

	for (wrong.at = 0; wrong.at < row->arguments; wrong.at++) {
		wrong.variant = VARIANT_GARBAGE;
		failures += !answered(row);
		for (wrong.variant = 0; wrong.role == ROLE_HANDLE && wrong.variant < VARIANTS;
		     wrong.variant++)
			failures += !answered(row);
	}
	return failures;
}

static void
nothing_wrong_is_taken(void **state)
{
	uint32_t failures = 0;

	(void)state;
	for (uint32_t i = 0; i < ROWS; i++)
		failures += failures_of(&rows[i]);
	assert_int_equal(failures, 0);
}

static bool
has_row(const char *name)
{
	for (uint32_t i = 0; i < ROWS; i++)
		if (strcmp(rows[i].name, name) == 0)
			return true;
	return false;
}

/* libdfs, libduns, S3 and the tasks' machinery have tests of their own. */
static bool
of_libdaos(const char *header)
{
	static const char *const others[] = {"daos_fs.h",   "daos_fs_sys.h", "daos_uns.h",
					     "daos_s3.h",   "daos/tse.h",    "daos/tests_lib.h",
					     "daos_errno.h"};

	for (uint32_t i = 0; i < sizeof(others) / sizeof(others[0]); i++)
		if (strcmp(header, others[i]) == 0)
			return false;
	return strncmp(header, "gurt/", 5) != 0;
}

static void
every_function_has_a_row(void **state)
{
	FILE *file = fopen(CAIRN_GOLDEN_DIR "/public-functions.txt", "r");
	char name[128], header[128];
	uint32_t functions = 0, absent = 0;

	(void)state;
	assert_non_null(file);
	while (fscanf(file, "%127s %127s", name, header) == 2) {
		if (!of_libdaos(header))
			continue;
		functions++;
		if (!has_row(name)) {
			fprintf(stderr, "%s has no row\n", name);
			absent++;
		}
	}
	fclose(file);
	assert_int_equal(absent, 0);
	assert_true(functions > 150);
}

/* ------------------------------------------------ limits */

/* Texts and values of every length, without memory behind them: pages of zeros, or of one letter.
 */
#define ROOM (UINT64_C(5) << 30)
static char *zeros, *letters;
#define LETTERS_ROOM (UINT64_C(17) << 20)

/* So many letters. */
static char *
text_of(uint64_t length)
{
	letters[LETTERS_ROOM] = '\0';
	return letters + LETTERS_ROOM - length;
}

static int
try_label(uint64_t length)
{
	const char *label = text_of(length);
	int rc = daos_cont_create_with_label(bed.pool, label, NULL, NULL, NULL);

	return rc ? rc : daos_cont_destroy(bed.pool, label, 0, NULL);
}

static int
try_attribute(uint64_t length)
{
	const char *name = text_of(length);
	const void *value = "value";
	size_t bytes = 5;

	return daos_cont_set_attr(bed.container, 1, &name, &value, &bytes, NULL);
}

static int
try_snapshot(uint64_t length)
{
	daos_epoch_t made = 0;
	int rc = daos_cont_create_snap(bed.container, &made, text_of(length), NULL);

	return rc ? rc
		  : daos_cont_destroy_snap(bed.container, (daos_epoch_range_t){made, made}, NULL);
}

static int
try_dkey(uint64_t length)
{
	daos_key_t dkey = {text_of(length), length, length};

	return daos_obj_update(opened[KIND_OBJECT], DAOS_TX_NONE, 0, &dkey, 1, &iod, &sgl, NULL);
}

static int
try_akey(uint64_t length)
{
	daos_iod_t own = iod;

	own.iod_name = (daos_key_t){text_of(length), length, length};
	return daos_obj_update(opened[KIND_OBJECT], DAOS_TX_NONE, 0, &key, 1, &own, &sgl, NULL);
}

static int
try_pair(uint64_t length)
{
	return daos_kv_put(opened[KIND_STORE], DAOS_TX_NONE, 0, text_of(length), 1, "v", NULL);
}

static int
try_value(uint64_t bytes)
{
	return daos_kv_put(opened[KIND_STORE], DAOS_TX_NONE, 0, "large", bytes, zeros, NULL);
}

static int
try_akeys(uint64_t number_of)
{
	daos_iod_t *iods = calloc(number_of, sizeof(*iods));
	uint64_t *integers = calloc(number_of, sizeof(*integers));
	int rc;

	assert_true(iods && integers);
	for (uint64_t i = 0; i < number_of; i++) {
		integers[i] = i;
		d_iov_set(&iods[i].iod_name, &integers[i], sizeof(*integers));
		iods[i].iod_type = DAOS_IOD_SINGLE;
		iods[i].iod_nr = 1;
	}
	rc = daos_obj_fetch(opened[KIND_OBJECT], DAOS_TX_NONE, 0, &key, (uint32_t)number_of, iods,
			    NULL, NULL, NULL);
	free(iods);
	free(integers);
	return rc;
}

static int
try_properties(uint64_t number_of)
{
	daos_prop_t *list = daos_prop_alloc((uint32_t)number_of);
	int rc = list ? 0 : -DER_INVAL;

	daos_prop_free(list);
	return rc;
}

static const struct {
	const char *name;
	uint64_t limit;
	int code; /* beyond it */
	int (*call)(uint64_t size);
} limits[] = {
	{"label", DAOS_PROP_LABEL_MAX_LEN, -DER_INVAL, try_label},
	{"name of an attribute", DAOS_ATTR_NAME_MAX, -DER_INVAL, try_attribute},
	{"name of a snapshot", DAOS_SNAPSHOT_MAX_LEN - 1, -DER_INVAL, try_snapshot},
	{"dkey", 16 * 1024, -DER_KEY2BIG, try_dkey},
	{"akey", 16 * 1024, -DER_KEY2BIG, try_akey},
	{"key of a pair", 16 * 1024, -DER_KEY2BIG, try_pair},
	{"value", 4 << 20, -DER_REC2BIG, try_value},
	{"akeys of a call", 128, -DER_INVAL, try_akeys},
	{"properties", DAOS_PROP_ENTRIES_MAX_NR, -DER_INVAL, try_properties},
};

/* At the limit, one beyond it, and a thousand times as much. */
static void
limits_are_told(void **state)
{
	uint32_t failures = 0;

	(void)state;
	for (uint32_t i = 0; i < sizeof(limits) / sizeof(limits[0]); i++) {
		const uint64_t tried[] = {limits[i].limit, limits[i].limit + 1,
					  1000 * limits[i].limit};

		for (uint32_t k = 0; k < 3; k++) {
			int rc = limits[i].call(tried[k]), wanted = k == 0 ? 0 : limits[i].code;

			if (rc == wanted)
				continue;
			failures++;
			fprintf(stderr, "%s, %llu: %d instead of %d\n", limits[i].name,
				(unsigned long long)tried[k], rc, wanted);
		}
	}
	assert_int_equal(failures, 0);
}

/* ------------------------------------------------ what the calls are made with */

static daos_handle_t
open_one(enum kind kind)
{
	daos_handle_t one = DAOS_HDL_INVAL;

	switch (kind) {
	case KIND_POOL:
		assert_ok(daos_pool_connect("default", NULL, DAOS_PC_RW, &one, NULL, NULL));
		break;
	case KIND_CONTAINER:
		assert_ok(daos_cont_open(bed.pool, "test", DAOS_COO_RW, &one, NULL, NULL));
		break;
	case KIND_OBJECT:
		assert_ok(daos_obj_open(bed.container, oid, DAOS_OO_RW, &one, NULL));
		break;
	case KIND_ARRAY:
		assert_ok(daos_array_open_with_attr(bed.container, bytes_oid, DAOS_TX_NONE,
						    DAOS_OO_RW, 1, 1024, &one, NULL));
		break;
	case KIND_STORE:
		assert_ok(daos_kv_open(bed.container, oid, DAOS_OO_RW, &one, NULL));
		break;
	default:
		assert_ok(daos_eq_create(&one));
	}
	return one;
}

static int
close_one(enum kind kind, daos_handle_t one)
{
	switch (kind) {
	case KIND_POOL:
		return daos_pool_disconnect(one, NULL);
	case KIND_CONTAINER:
		return daos_cont_close(one, NULL);
	case KIND_OBJECT:
		return daos_obj_close(one, NULL);
	case KIND_ARRAY:
		return daos_array_close(one, NULL);
	case KIND_STORE:
		return daos_kv_close(one, NULL);
	default:
		return daos_eq_destroy(one, 0);
	}
}

static int
setup(void **state)
{
	(void)state;
	zeros = mmap(NULL, ROOM, PROT_READ, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
	letters = malloc(LETTERS_ROOM + 1);
	assert_true(zeros != MAP_FAILED && letters);
	memset(letters, 'l', LETTERS_ROOM);
	embedded_directory_make(&bed);
	embedded_up(&bed);
	oid = embedded_oid(&bed, 1, DAOS_OT_KV_HASHED, OC_S1);
	bytes_oid = embedded_oid(&bed, 2, DAOS_OT_ARRAY_BYTE, OC_S1);
	array_oid = embedded_oid(&bed, 3, DAOS_OT_ARRAY, OC_S1);
	for (enum kind kind = 0; kind < KINDS; kind++) {
		closed[kind] = open_one(kind);
		assert_ok(close_one(kind, closed[kind]));
		opened[kind] = open_one(kind);
	}
	assert_ok(daos_event_init(&event, DAOS_HDL_INVAL, NULL));
	props = daos_prop_alloc(1);
	ace = daos_ace_create(DAOS_ACL_OWNER, NULL);
	assert_true(props && ace);
	ace->dae_access_types = DAOS_ACL_ACCESS_ALLOW;
	ace->dae_allow_perms = DAOS_ACL_PERM_READ;
	acl = daos_acl_create(&ace, 1);
	assert_non_null(acl);
	return 0;
}

static int
teardown(void **state)
{
	(void)state;
	/* All of them are still open. */
	for (enum kind kind = KINDS; kind-- > 0;)
		assert_ok(close_one(kind, opened[kind]));
	assert_ok(daos_event_fini(&event));
	daos_prop_free(props);
	daos_acl_free(acl);
	daos_ace_free(ace);
	embedded_down(&bed);
	embedded_directory_remove(&bed);
	munmap(zeros, ROOM);
	free(letters);
	return 0;
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(every_function_has_a_row),
		cmocka_unit_test(nothing_wrong_is_taken),
		cmocka_unit_test(limits_are_told),
	};

	embedded_library_open();
	return cmocka_run_group_tests(tests, setup, teardown);
}
