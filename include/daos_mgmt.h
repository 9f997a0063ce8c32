/* SPDX-License-Identifier: BSD-2-Clause-Patent */
/* The system behind the pools, and what tests need of it. */
#ifndef __DAOS_MGMT_H__
#define __DAOS_MGMT_H__

#include <uuid/uuid.h>

#include <daos_cont.h>
#include <daos_types.h>

#if defined(__cplusplus)
extern "C" {
#endif

/** Keys of daos_debug_set_params. */
enum {
	DMG_KEY_FAIL_LOC   = 0,
	DMG_KEY_FAIL_VALUE = 1,
	DMG_KEY_FAIL_NUM   = 2,
	DMG_KEY_NUM        = 3,
};

typedef struct {
	uuid_t mgpi_uuid;
	d_string_t mgpi_label;
	d_rank_list_t *mgpi_svc;
	d_rank_t mgpi_ldr;
} daos_mgmt_pool_info_t;

/** System name, provider, agent socket, ranks+URIs, MS ranks (allocated). */
int daos_mgmt_get_sys_info(const char *sys, struct daos_sys_info **info);

/** Frees what daos_mgmt_get_sys_info returned. */
void daos_mgmt_put_sys_info(struct daos_sys_info *info);

/** Stop the pool service (test use). */
int daos_pool_stop_svc(daos_handle_t poh, daos_event_t *ev);

/** Pools visible to this client: uuid, label, svc ranks, leader. */
int daos_mgmt_list_pools(const char *group, daos_size_t *npools, daos_mgmt_pool_info_t *pools,
			 daos_event_t *ev);

/** Set a fault-injection or debug parameter on one or all ranks. */
int daos_debug_set_params(const char *grp, d_rank_t rank, unsigned int key_id, uint64_t value,
			  uint64_t value_extra, daos_event_t *ev);

/** Write a marker line into every server log. */
int daos_debug_add_mark(const char *mark);

/** Blobstore state number (NVMe tests). */
int daos_mgmt_get_bs_state(const char *group, uuid_t blobstore_uuid, int *blobstore_state,
			   daos_event_t *ev);

/** Server version triple and tag learned at attach. */
int dc_mgmt_srv_version(uint32_t *major, uint32_t *minor, uint32_t *patch, char **tag);

#if defined(__cplusplus)
}
#endif

#endif /* __DAOS_MGMT_H__ */
