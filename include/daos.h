/* SPDX-License-Identifier: BSD-2-Clause-Patent */
/*
 * The client library: include this one. Files, unified namespace, tasks, pipelines and S3 have
 * headers of their own.
 */
#ifndef __DAOS_H__
#define __DAOS_H__

#include <daos_version.h>

#include <daos_types.h>
#include <daos_event.h>
#include <daos_obj.h>
#include <daos_array.h>
#include <daos_kv.h>
#include <daos_prop.h>
#include <daos_cont.h>
#include <daos_pool.h>
#include <daos_mgmt.h>
#include <daos_security.h>
#include <daos_api.h>

#if defined(__cplusplus)
extern "C" {
#endif

/** Brings up the client library; counted, nested calls only add a reference. */
int daos_init(void);

/** Drops one reference of daos_init; the last one tears everything down. */
int daos_fini(void);

/**
 * For a forked child: rebuilds event queues and connections; inherited pool and container
 * handles become handles the child does not own.
 */
int daos_reinit(void);

#if defined(__cplusplus)
}
#endif

#endif /* __DAOS_H__ */
