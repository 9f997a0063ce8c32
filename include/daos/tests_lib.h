/* SPDX-License-Identifier: BSD-2-Clause-Patent */
/* Helpers of tests and examples. */
#ifndef __DAOS_TESTS_LIB_H__
#define __DAOS_TESTS_LIB_H__

#include <getopt.h>

#include <daos_mgmt.h>
#include <daos_types.h>

#include <daos/common.h>

#if defined(__cplusplus)
extern "C" {
#endif

/** Creates a pool by running the administration tool. */
int dmg_pool_create(const char *dmg_config_file, uid_t uid, gid_t gid, const char *grp,
		    const d_rank_list_t *tgts, daos_size_t scm_size, daos_size_t nvme_size,
		    daos_prop_t *prop, d_rank_list_t *svc, uuid_t uuid);

/** Destroys a pool by UUID. */
int dmg_pool_destroy(const char *dmg_config_file, const uuid_t uuid, const char *grp, int force);

/** Fill with random ASCII letters and a final NUL. */
void dts_buf_render(char *buf, unsigned int buf_len);

#if defined(__cplusplus)
}
#endif

#endif /* __DAOS_TESTS_LIB_H__ */
