/* SPDX-License-Identifier: BSD-2-Clause-Patent */
/* Types that all parts of the client API share. */
#ifndef DAOS_TYPES_H
#define DAOS_TYPES_H

#include <ctype.h>
#include <limits.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <uuid/uuid.h>

#include <cart/types.h>
#include <daos_errno.h>

#if defined(__cplusplus)
extern "C" {
#endif

/** Longest system name, and longest text in struct daos_sys_info. */
#define DAOS_SYS_NAME_MAX		15
#define DAOS_SYS_INFO_STRING_MAX	63

/** Size of a UUID text with its NUL. */
#define DAOS_UUID_STR_SIZE	37

/** Case rules of daos_is_valid_uuid_string. */
#define UUID_SST_UPPER	1
#define UUID_SST_LOWER	-1
#define UUID_SST_NONE	0

/** Longest attribute name. */
#define DAOS_ATTR_NAME_MAX	511

/** Bytes and offsets. */
typedef uint64_t daos_size_t;
typedef uint64_t daos_off_t;

/** A dkey or akey. */
typedef d_iov_t daos_key_t;

#define DAOS_HKEY_MAX		32
#define DAOS_ANCHOR_BUF_MAX	104

typedef enum {
	DAOS_ANCHOR_TYPE_ZERO = 0,
	DAOS_ANCHOR_TYPE_HKEY = 1,
	DAOS_ANCHOR_TYPE_KEY  = 2,
	DAOS_ANCHOR_TYPE_EOF  = 3,
} daos_anchor_type_t;

/** Position of an enumeration, private to the library but for its type. */
typedef struct {
	uint16_t da_type;
	uint16_t da_shard;
	uint32_t da_flags;
	uint64_t da_sub_anchors;
	uint8_t da_buf[DAOS_ANCHOR_BUF_MAX];
} daos_anchor_t;

#define DAOS_ANCHOR_INIT {0, 0, 0, 0, {0}}

/** Handle of an open pool, container, object, transaction or queue. */
typedef struct {
	uint64_t cookie;
} daos_handle_t;

#define DAOS_HDL_INVAL	((daos_handle_t){0})
#define DAOS_TX_NONE	DAOS_HDL_INVAL

/** Kind of a handle, in the low bits of its cookie. */
enum {
	DAOS_HTYPE_EQ    = 1,
	DAOS_HTYPE_POOL  = 3,
	DAOS_HTYPE_CO    = 5,
	DAOS_HTYPE_OBJ   = 7,
	DAOS_HTYPE_ARRAY = 9,
	DAOS_HTYPE_TX    = 11,
	DAOS_HTYPE_KV    = 13,
};

static inline bool
daos_handle_is_inval(daos_handle_t hdl)
{
	return hdl.cookie == 0;
}

static inline bool
daos_handle_is_valid(daos_handle_t hdl)
{
	return hdl.cookie != 0;
}

static inline bool
daos_key_is_null(daos_key_t key)
{
	return key.iov_buf == NULL || key.iov_buf_len == 0;
}

/** Flags of daos_pool_connect. */
#define DAOS_PC_RO	(1U << 0)
#define DAOS_PC_RW	(1U << 1)
#define DAOS_PC_EX	(1U << 2)
#define DAOS_PC_NBITS	3
#define DAOS_PC_MASK	((1U << DAOS_PC_NBITS) - 1)

/** Point in time of a change: an HLC stamp. */
typedef uint64_t daos_epoch_t;

typedef struct {
	daos_epoch_t epr_lo;
	daos_epoch_t epr_hi;
} daos_epoch_range_t;

#define DAOS_EPOCH_MAX	(~0ULL)

/** What daos_cont_open and daos_cont_query tell. */
typedef struct {
	uuid_t ci_uuid;
	daos_epoch_t ci_lsnapshot; /**< newest snapshot */
	uint32_t ci_nhandles;
	uint32_t ci_nsnapshots;
	uint64_t ci_md_otime; /**< HLC of the last open */
	uint64_t ci_md_mtime; /**< HLC of the last change of metadata */
} daos_cont_info_t;

/** Time-outs of daos_eq_poll: for ever, not at all. */
#define DAOS_EQ_WAIT	-1
#define DAOS_EQ_NOWAIT	0

typedef enum {
	DAOS_EQR_COMPLETED = 1,
	DAOS_EQR_WAITING   = 2,
	DAOS_EQR_ALL       = 3,
} daos_eq_query_t;

typedef enum {
	DAOS_EVS_READY     = 0,
	DAOS_EVS_RUNNING   = 1,
	DAOS_EVS_COMPLETED = 2,
	DAOS_EVS_ABORTED   = 3,
} daos_ev_status_t;

/** Completion of one asynchronous call; in memory of the caller until it is finalised. */
typedef struct daos_event {
	int ev_error; /**< result, valid once the event completed */
	struct {
		uint64_t space[20];
	} ev_private;
	uint64_t ev_debug;
} daos_event_t;

/** Targets by rank and index. */
struct d_tgt_list {
	d_rank_t *tl_ranks;
	int32_t *tl_tgts;
	uint32_t tl_nr;
};

/** Object id; the upper 32 bits of hi belong to the library. */
typedef struct {
	uint64_t lo;
	uint64_t hi;
} daos_obj_id_t;

struct daos_rank_uri {
	uint32_t dru_rank;
	char *dru_uri;
};

/** A system as the agent or server describes it. */
struct daos_sys_info {
	char dsi_system_name[DAOS_SYS_INFO_STRING_MAX + 1];
	char dsi_fabric_provider[DAOS_SYS_INFO_STRING_MAX + 1];
	char dsi_agent_path[4096];
	uint32_t dsi_nr_ranks;
	struct daos_rank_uri *dsi_ranks;
	uint32_t dsi_nr_ms_ranks;
	uint32_t *dsi_ms_ranks;
};

static inline bool
daos_uuid_char_is_valid(unsigned char c, int sensitive)
{
	if (!isxdigit(c))
		return false;
	if (sensitive == UUID_SST_UPPER)
		return !islower(c);
	if (sensitive == UUID_SST_LOWER)
		return !isupper(c);
	return true;
}

/**
 * Does the text start with 36 characters in the form 8-4-4-4-12?
 * sensitive is UUID_SST_UPPER, UUID_SST_LOWER or UUID_SST_NONE.
 */
static inline bool
daos_is_valid_uuid_string(const char *uuid, int sensitive)
{
	int i;

	for (i = 0; i < DAOS_UUID_STR_SIZE - 1; i++) {
		if (i == 8 || i == 13 || i == 18 || i == 23) {
			if (uuid[i] != '-')
				return false;
		} else if (!daos_uuid_char_is_valid((unsigned char)uuid[i], sensitive)) {
			return false;
		}
	}
	return true;
}

#if defined(__cplusplus)
}
#endif

#endif /* DAOS_TYPES_H */
