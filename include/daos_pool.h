/* SPDX-License-Identifier: BSD-2-Clause-Patent */
/* Pools: connection, space and health, attributes, lists of containers. */
#ifndef __DAOS_POOL_H__
#define __DAOS_POOL_H__

#include <inttypes.h>
#include <uuid/uuid.h>

#include <daos_prop.h>
#include <daos_types.h>

#if defined(__cplusplus)
extern "C" {
#endif

typedef enum {
	DAOS_TS_UNKNOWN  = 0,
	DAOS_TS_DOWN_OUT = 1,
	DAOS_TS_DOWN     = 2,
	DAOS_TS_UP       = 3,
	DAOS_TS_UP_IN    = 4,
	DAOS_TS_NEW      = 5,
	DAOS_TS_DRAIN    = 6,
} daos_target_state_t;

/** Reserved. */
typedef struct {
	int foo;
} daos_target_perf_t;

/** Tiers of storage, the index of the arrays below. */
enum daos_media_type_t {
	DAOS_MEDIA_SCM  = 0,
	DAOS_MEDIA_NVME = 1,
	DAOS_MEDIA_MAX  = 2,
};

/** Bytes per tier. */
struct daos_space {
	uint64_t s_total[DAOS_MEDIA_MAX];
	uint64_t s_free[DAOS_MEDIA_MAX];
};

typedef struct {
	uint32_t ta_padding;
	daos_target_state_t ta_state;
	daos_target_perf_t ta_perf;
	struct daos_space ta_space;
} daos_target_info_t;

/** Space of a pool, and of its emptiest, fullest and average target. */
struct daos_pool_space {
	struct daos_space ps_space;
	uint64_t ps_free_min[DAOS_MEDIA_MAX];
	uint64_t ps_free_max[DAOS_MEDIA_MAX];
	uint64_t ps_free_mean[DAOS_MEDIA_MAX];
	uint32_t ps_ntargets;
	uint32_t ps_padding;
};

enum daos_rebuild_state_t {
	DRS_IN_PROGRESS = 0,
	DRS_NOT_STARTED = 1,
	DRS_COMPLETED   = 2,
};

enum daos_rebuild_status_flag {
	DAOS_RSF_DEGRADED = 1,
};

struct daos_rebuild_status {
	uint32_t rs_version;
	uint32_t rs_seconds;
	int32_t rs_errno;
	union {
		int32_t rs_state;
		int32_t rs_done;
	};
	uint16_t rs_max_supported_layout_ver;
	uint8_t rs_flags;
	uint8_t rs_reserved_;
	int32_t rs_fail_rank;
	uint64_t rs_toberb_obj_nr;
	uint64_t rs_obj_nr;
	uint64_t rs_rec_nr;
	uint64_t rs_size;
};

/** What daos_pool_connect and daos_pool_query fill. */
enum daos_pool_info_bit {
	DPI_SPACE                  = 1 << 0,
	DPI_REBUILD_STATUS         = 1 << 1,
	DPI_ENGINES_ENABLED        = 1 << 2,
	DPI_ENGINES_DISABLED       = 1 << 3,
	DPI_ENGINES_DEAD           = 1 << 4,
	DPI_REBUILD_MAX_LAYOUT_VER = 1 << 5,
	DPI_SELF_HEAL_POLICY       = 1 << 6,
	DPI_ALL                    = -1,
};

/** Set pi_bits before the call. */
typedef struct {
	uuid_t pi_uuid;
	uint32_t pi_ntargets;
	uint32_t pi_nnodes;
	uint32_t pi_ndisabled;
	uint32_t pi_map_ver; /**< version of the pool map */
	uint32_t pi_leader; /**< rank that leads the pool service */
	uint64_t pi_bits; /**< DPI_*: what to fill */
	struct daos_pool_space pi_space;
	struct daos_rebuild_status pi_rebuild_st;
} daos_pool_info_t;

struct daos_pool_cont_info {
	uuid_t pci_uuid;
	char pci_label[DAOS_PROP_MAX_LABEL_BUF_LEN];
};

struct daos_pool_cont_info2 {
	struct daos_pool_cont_info pci_id;
	daos_cont_info_t pci_cinfo;
	void *pci_reserved[2];
};

/** Comparison of a condition. */
enum daos_pool_cont_filter_func {
	PCF_FUNC_EQ  = 0,
	PCF_FUNC_NE  = 1,
	PCF_FUNC_LT  = 2,
	PCF_FUNC_LE  = 3,
	PCF_FUNC_GT  = 4,
	PCF_FUNC_GE  = 5,
	PCF_FUNC_MAX = 6,
};

/** What a condition compares. */
enum daos_pool_cont_filter_key {
	PCF_KEY_MD_OTIME      = 0,
	PCF_KEY_MD_MTIME      = 1,
	PCF_KEY_NUM_SNAPSHOTS = 2,
	PCF_KEY_NUM_HANDLES   = 3,
	PCF_KEY_MAX           = 4,
};

enum daos_pool_cont_filter_combine {
	PCF_COMBINE_LOGICAL_AND = 0,
	PCF_COMBINE_LOGICAL_OR  = 1,
};

#define DAOS_POOL_CONT_FILTER_MAX_NPARTS	(8)

/** One condition. */
typedef struct daos_pool_cont_filter_part {
	uint32_t pcfp_func;
	uint32_t pcfp_key;
	union {
		uint64_t pcfp_val64;
		d_string_t pcfp_valstr;
	};
} daos_pool_cont_filter_part_t;

typedef struct daos_pool_cont_filter {
	uint32_t pcf_combine_func;
	uint32_t pcf_nparts;
	struct daos_pool_cont_filter_part **pcf_parts;
} daos_pool_cont_filter_t;

static inline const char *
daos_pool_cont_filter_func_str(enum daos_pool_cont_filter_func f)
{
	static const char *const names[PCF_FUNC_MAX] = {"==", "!=", "<", "<=", ">", ">="};

	return (unsigned int)f < PCF_FUNC_MAX ? names[f] : "UNKNOWN";
}

static inline const char *
daos_pool_cont_filter_key_str(enum daos_pool_cont_filter_key k)
{
	static const char *const names[PCF_KEY_MAX] = {
	    "md_open_time",
	    "md_modify_time",
	    "num_snapshots",
	    "num_handles",
	};

	return (unsigned int)k < PCF_KEY_MAX ? names[k] : "UNKNOWN";
}

/** Source name and symbol differ: the plain symbol is the form of before version 2. */
#define daos_pool_connect daos_pool_connect2

/**
 * Connects to a pool by label or UUID text; flags DAOS_PC_RO, RW or EX; info, when given, is
 * filled as its pi_bits ask.
 */
int daos_pool_connect(const char *pool, const char *sys, unsigned int flags, daos_handle_t *poh,
		      daos_pool_info_t *info, daos_event_t *ev);

/** Disconnects; -DER_BUSY while containers are open through the handle. */
int daos_pool_disconnect(daos_handle_t poh, daos_event_t *ev);

/** Serialises a pool handle for another process; iov_buf NULL asks for the size. */
int daos_pool_local2global(daos_handle_t poh, d_iov_t *glob);

/** Rebuilds a pool handle in another process. */
int daos_pool_global2local(d_iov_t glob, daos_handle_t *poh);

/** Ranks (enabled/disabled/dead by bits), info, properties. */
int daos_pool_query(daos_handle_t poh, d_rank_list_t **ranks, daos_pool_info_t *info,
		    daos_prop_t *pool_prop, daos_event_t *ev);

/** State and space of one target index on one rank. */
int daos_pool_query_target(daos_handle_t poh, uint32_t tgt, d_rank_t rank,
			   daos_target_info_t *info, daos_event_t *ev);

/** Attribute names of a pool, NUL-separated; size in/out. */
int daos_pool_list_attr(daos_handle_t poh, char *buffer, size_t *size, daos_event_t *ev);

/** Reads n attributes of a pool; sizes in/out; -DER_NONEXIST when one is missing. */
int daos_pool_get_attr(daos_handle_t poh, int n, char const *const names[], void *const buffers[],
		       size_t sizes[], daos_event_t *ev);

/** Creates or replaces n attributes of a pool. */
int daos_pool_set_attr(daos_handle_t poh, int n, char const *const names[],
		       void const *const values[], size_t const sizes[], daos_event_t *ev);

/** Deletes n attributes of a pool, absent ones are ignored. */
int daos_pool_del_attr(daos_handle_t poh, int n, char const *const names[], daos_event_t *ev);

/** List uuid+label; ncont in/out; cbuf NULL = count; -DER_TRUNC if small. */
int daos_pool_list_cont(daos_handle_t poh, daos_size_t *ncont, struct daos_pool_cont_info *cbuf,
			daos_event_t *ev);

/** Start a filter with AND/OR combination. */
int daos_pool_cont_filter_init(daos_pool_cont_filter_t *filt, uint32_t combine_func);

/** Append a condition (takes ownership, max 8). */
int daos_pool_cont_filter_add(daos_pool_cont_filter_t *filt, daos_pool_cont_filter_part_t *part);

/** Frees the conditions of a filter. */
void daos_pool_cont_filter_fini(daos_pool_cont_filter_t *filt);

/** List containers that match metadata conditions, with full info. */
int daos_pool_filter_cont(daos_handle_t poh, daos_pool_cont_filter_t *filter, daos_size_t *ncont,
			  struct daos_pool_cont_info2 *cbuf, daos_event_t *ev);

/** Client-side permission evaluation. */
int daos_pool_get_perms(daos_prop_t *pool_prop, uid_t uid, gid_t *gids, size_t nr_gids,
			uint64_t *perms);

#if defined(__cplusplus)
}
#endif

#endif /* __DAOS_POOL_H__ */
