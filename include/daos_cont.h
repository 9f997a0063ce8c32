/* SPDX-License-Identifier: BSD-2-Clause-Patent */
/* Containers: life, properties, access, attributes, snapshots. */
#ifndef __DAOS_CONT_H__
#define __DAOS_CONT_H__

#include <daos_security.h>

#if defined(__cplusplus)
extern "C" {
#endif

/** Flags of daos_cont_open. */
#define DAOS_COO_RO		(1U << 0)
#define DAOS_COO_RW		(1U << 1)
#define DAOS_COO_EX		(1U << 2)
#define DAOS_COO_FORCE		(1U << 3)
#define DAOS_COO_RO_MDSTATS	(1U << 4)
#define DAOS_COO_EVICT		(1U << 5)
#define DAOS_COO_EVICT_ALL	(1U << 6)
#define DAOS_COO_NEW_LAYOUT	(1U << 7)
#define DAOS_COO_NBITS		(8)
#define DAOS_COO_MASK		((1U << DAOS_COO_NBITS) - 1)
#define DAOS_COO_IO_BASE_MASK	(DAOS_COO_RO | DAOS_COO_RW | DAOS_COO_EX)

#define DAOS_CONT_HINT_MAX_LEN	128
#define DAOS_SNAPSHOT_MAX_LEN	128

/** Options of daos_cont_create_snap_opt. */
enum daos_snapshot_opts {
	DAOS_SNAP_OPT_CR  = 1 << 0,
	DAOS_SNAP_OPT_OIT = 1 << 1,
};

/** Source names and symbols differ: the plain symbols are the forms of before version 2. */
#define daos_cont_create	daos_cont_create2
#define daos_cont_open		daos_cont_open2
#define daos_cont_destroy	daos_cont_destroy2

/** Serialise a container handle. */
int daos_cont_local2global(daos_handle_t coh, d_iov_t *glob);

/** Rebuild it under a pool handle. */
int daos_cont_global2local(daos_handle_t poh, d_iov_t glob, daos_handle_t *coh);

/** Creates a container; the uuid output is optional; a label comes as a property. */
int daos_cont_create(daos_handle_t poh, uuid_t *uuid, daos_prop_t *cont_prop, daos_event_t *ev);

/** Creates a container with a label; -DER_EXIST when the label is taken. */
int daos_cont_create_with_label(daos_handle_t poh, const char *label, daos_prop_t *cont_prop,
				uuid_t *uuid, daos_event_t *ev);

/** Opens a container by label or UUID text; flags DAOS_COO_*; fills info when given. */
int daos_cont_open(daos_handle_t poh, const char *cont, unsigned int flags, daos_handle_t *coh,
		   daos_cont_info_t *info, daos_event_t *ev);

/** Closes a container. */
int daos_cont_close(daos_handle_t coh, daos_event_t *ev);

/** Destroys a container by label or UUID text; without force, open handles give -DER_BUSY. */
int daos_cont_destroy(daos_handle_t poh, const char *cont, int force, daos_event_t *ev);

/** Fill info and/or requested properties (empty prop list = all). */
int daos_cont_query(daos_handle_t coh, daos_cont_info_t *info, daos_prop_t *cont_prop,
		    daos_event_t *ev);

/** ACL + owner + group as a new property list. */
int daos_cont_get_acl(daos_handle_t coh, daos_prop_t **acl_prop, daos_event_t *ev);

/** Change mutable properties. */
int daos_cont_set_prop(daos_handle_t coh, daos_prop_t *prop, daos_event_t *ev);

/** Reset UNCLEAN health to HEALTHY. */
int daos_cont_status_clear(daos_handle_t coh, daos_event_t *ev);

/** Replace the ACL. */
int daos_cont_overwrite_acl(daos_handle_t coh, struct daos_acl *acl, daos_event_t *ev);

/** Add/replace ACEs. */
int daos_cont_update_acl(daos_handle_t coh, struct daos_acl *acl, daos_event_t *ev);

/** Remove one principal. */
int daos_cont_delete_acl(daos_handle_t coh, enum daos_acl_principal_type type, d_string_t name,
			 daos_event_t *ev);

/** Change owner user/group after checking they exist locally. */
int daos_cont_set_owner(daos_handle_t coh, d_string_t user, d_string_t group, daos_event_t *ev);

/** Changes owner user and group without looking them up locally. */
int daos_cont_set_owner_no_check(daos_handle_t coh, d_string_t user, d_string_t group,
				 daos_event_t *ev);

/** NUL-separated attribute names; size in/out. */
int daos_cont_list_attr(daos_handle_t coh, char *buffer, size_t *size, daos_event_t *ev);

/** Read n attributes; sizes in/out; missing -> -DER_NONEXIST. */
int daos_cont_get_attr(daos_handle_t coh, int n, char const *const names[], void *const buffers[],
		       size_t sizes[], daos_event_t *ev);

/** Create/replace n attributes. */
int daos_cont_set_attr(daos_handle_t coh, int n, char const *const names[],
		       void const *const values[], size_t const sizes[], daos_event_t *ev);

/** Delete n attributes (absent ones ignored). */
int daos_cont_del_attr(daos_handle_t coh, int n, char const *const names[], daos_event_t *ev);

/** Reserve a contiguous range of num_oids unique 64-bit ids; returns the first. */
int daos_cont_alloc_oids(daos_handle_t coh, daos_size_t num_oids, uint64_t *oid, daos_event_t *ev);

/** Ask for aggregation up to an epoch (kept for tests). */
int daos_cont_aggregate(daos_handle_t coh, daos_epoch_t epoch, daos_event_t *ev);

/**
 * Makes a container what one of its snapshots shows. It must be open by this handle alone, with
 * DAOS_COO_EX; what was written since stays readable at later snapshots.
 */
int daos_cont_rollback(daos_handle_t coh, daos_epoch_t epoch, daos_event_t *ev);

/** Waits for a new snapshot; not supported, -DER_NOSYS. */
int daos_cont_subscribe(daos_handle_t coh, daos_epoch_t *epoch, daos_event_t *ev);

/** Takes a snapshot now and returns its epoch; name, unique in the container, may be NULL. */
int daos_cont_create_snap(daos_handle_t coh, daos_epoch_t *epoch, char *name, daos_event_t *ev);

/**
 * Takes a snapshot with options: DAOS_SNAP_OPT_CR is mandatory, DAOS_SNAP_OPT_OIT also builds
 * the object-id table; name, unique in the container, may be NULL.
 */
int daos_cont_create_snap_opt(daos_handle_t coh, daos_epoch_t *epoch, char *name,
			      enum daos_snapshot_opts opts, daos_event_t *ev);

/**
 * List epochs (and names, each in DAOS_SNAPSHOT_MAX_LEN bytes; either may be NULL), resumable by
 * anchor; nr in: room, out: listed. With neither, nr becomes the number of all snapshots.
 */
int daos_cont_list_snap(daos_handle_t coh, int *nr, daos_epoch_t *epochs, char **names,
			daos_anchor_t *anchor, daos_event_t *ev);

/** Delete one snapshot (lo==hi) or a range. */
int daos_cont_destroy_snap(daos_handle_t coh, daos_epoch_range_t epr, daos_event_t *ev);

/** Client-side evaluation of a user/groups against ACL+owner properties. */
int daos_cont_get_perms(daos_prop_t *cont_prop, uid_t uid, gid_t *gids, size_t nr_gids,
			uint64_t *perms);

/** Build the OIT for an existing snapshot. */
int daos_cont_snap_oit_create(daos_handle_t coh, daos_epoch_t epoch, char *name, daos_event_t *ev);

/** Drop the OIT objects. */
int daos_cont_snap_oit_destroy(daos_handle_t coh, daos_handle_t oh, daos_event_t *ev);

/** Also in daos_api.h. */
d_rank_list_t *daos_rank_list_parse(const char *str, const char *sep);

#if defined(__cplusplus)
}
#endif

#endif /* __DAOS_CONT_H__ */
