/* SPDX-License-Identifier: BSD-2-Clause-Patent */
/* Object interface: dkeys, akeys, single values and arrays. */
#ifndef __DAOS_OBJ_H__
#define __DAOS_OBJ_H__

#include <daos_event.h>
#include <daos_obj_class.h>
#include <daos_prop.h>
#include <daos_types.h>

#if defined(__cplusplus)
extern "C" {
#endif

/** The object id that names nothing. */
#define DAOS_OBJ_NIL	((daos_obj_id_t){0, 0})

/** Upper 32 bits of an object id: type, redundancy, number of groups. */
#define OID_FMT_INTR_BITS	32
#define OID_FMT_TYPE_BITS	8
#define OID_FMT_CLASS_BITS	8
#define OID_FMT_META_BITS	16
#define OID_FMT_TYPE_SHIFT	(64 - OID_FMT_TYPE_BITS)
#define OID_FMT_CLASS_SHIFT	(OID_FMT_TYPE_SHIFT - OID_FMT_CLASS_BITS)
#define OID_FMT_META_SHIFT	(OID_FMT_CLASS_SHIFT - OID_FMT_META_BITS)
#define OID_FMT_TYPE_MAX	((1ULL << OID_FMT_TYPE_BITS) - 1)
#define OID_FMT_CLASS_MAX	((1ULL << OID_FMT_CLASS_BITS) - 1)
#define OID_FMT_META_MAX	((1ULL << OID_FMT_META_BITS) - 1)
#define OID_FMT_TYPE_MASK	(OID_FMT_TYPE_MAX << OID_FMT_TYPE_SHIFT)
#define OID_FMT_CLASS_MASK	(OID_FMT_CLASS_MAX << OID_FMT_CLASS_SHIFT)
#define OID_FMT_META_MASK	(OID_FMT_META_MAX << OID_FMT_META_SHIFT)

/** How the keys of an object are ordered and what it holds. */
enum daos_otype_t {
	DAOS_OT_MULTI_HASHED  = 0,
	DAOS_OT_OIT           = 1,
	DAOS_OT_DKEY_UINT64   = 2,
	DAOS_OT_AKEY_UINT64   = 3,
	DAOS_OT_MULTI_UINT64  = 4,
	DAOS_OT_DKEY_LEXICAL  = 5,
	DAOS_OT_AKEY_LEXICAL  = 6,
	DAOS_OT_MULTI_LEXICAL = 7,
	DAOS_OT_KV_HASHED     = 8,
	DAOS_OT_KV_UINT64     = 9,
	DAOS_OT_KV_LEXICAL    = 10,
	DAOS_OT_ARRAY         = 11,
	DAOS_OT_ARRAY_ATTR    = 12,
	DAOS_OT_ARRAY_BYTE    = 13,
	DAOS_OT_OIT_V2        = 14,
	DAOS_OT_MAX           = 14,
};

/** Conditions, in the flags of fetch, update and punch. */
#define IO_FLAGS_COND_BITS	8
enum {
	DAOS_COND_PUNCH       = 1 << 0,
	DAOS_COND_DKEY_INSERT = 1 << 1,
	DAOS_COND_DKEY_UPDATE = 1 << 2,
	DAOS_COND_DKEY_FETCH  = 1 << 3,
	DAOS_COND_AKEY_INSERT = 1 << 4,
	DAOS_COND_AKEY_UPDATE = 1 << 5,
	DAOS_COND_AKEY_FETCH  = 1 << 6,
	DAOS_COND_PER_AKEY    = 1 << 7,
	DAOS_COND_MASK        = 0xff,
};

/** Modes of daos_obj_open. */
enum {
	DAOS_OO_RO      = 1 << 1,
	DAOS_OO_RW      = 1 << 2,
	DAOS_OO_EXCL    = 1 << 3,
	DAOS_OO_IO_RAND = 1 << 4,
	DAOS_OO_IO_SEQ  = 1 << 5,
};

typedef enum {
	DAOS_IOD_NONE   = 0,
	DAOS_IOD_SINGLE = 1,
	DAOS_IOD_ARRAY  = 2,
} daos_iod_type_t;

/** Record size "whatever it is": daos_obj_fetch answers with the size. */
enum {
	DAOS_REC_ANY = 0,
};

/** Flags of daos_obj_query_key. */
enum {
	DAOS_GET_MAX  = 1 << 0,
	DAOS_GET_MIN  = 1 << 1,
	DAOS_GET_DKEY = 1 << 2,
	DAOS_GET_AKEY = 1 << 3,
	DAOS_GET_RECX = 1 << 4,
};

/** Hints for the choice of a class: redundancy, and number of shards. */
enum {
	DAOS_OCH_RDD_DEF  = 1 << 0,
	DAOS_OCH_RDD_NO   = 1 << 1,
	DAOS_OCH_RDD_RP   = 1 << 2,
	DAOS_OCH_RDD_EC   = 1 << 3,
	DAOS_OCH_SHD_DEF  = 1 << 4,
	DAOS_OCH_SHD_TINY = 1 << 5,
	DAOS_OCH_SHD_REG  = 1 << 6,
	DAOS_OCH_SHD_HI   = 1 << 7,
	DAOS_OCH_SHD_EXT  = 1 << 8,
	DAOS_OCH_SHD_MAX  = 1 << 9,
};

#define DAOS_OCH_RDD_BITS	4
#define DAOS_OCH_SHD_BITS	6
#define DAOS_OCH_RDD_SHIFT	0
#define DAOS_OCH_SHD_SHIFT	DAOS_OCH_RDD_BITS
#define DAOS_OCH_RDD_MAX_VAL	((1ULL << DAOS_OCH_RDD_BITS) - 1)
#define DAOS_OCH_SHD_MAX_VAL	((1ULL << DAOS_OCH_SHD_BITS) - 1)
#define DAOS_OCH_RDD_MASK	(DAOS_OCH_RDD_MAX_VAL << DAOS_OCH_RDD_SHIFT)
#define DAOS_OCH_SHD_MASK	(DAOS_OCH_SHD_MAX_VAL << DAOS_OCH_SHD_SHIFT)

struct daos_obj_attr {
	d_rank_t oa_rank;
	struct daos_oclass_attr *oa_oa;
};

/** Extent of an array. */
typedef struct {
	uint64_t rx_idx; /**< first record */
	uint64_t rx_nr; /**< number of records */
} daos_recx_t;

/** What to read or write of one akey. */
typedef struct {
	daos_key_t iod_name; /**< akey */
	daos_iod_type_t iod_type;
	daos_size_t iod_size; /**< bytes of a value or record, DAOS_REC_ANY asks */
	uint64_t iod_flags; /**< conditions, with DAOS_COND_PER_AKEY */
	uint32_t iod_nr; /**< extents; 1 for a single value */
	daos_recx_t *iod_recxs; /**< extents of an array value */
} daos_iod_t;

/** Flag in iom_flags: list every extent, not the first and last only. */
#define DAOS_IOMF_DETAIL	(0x1U)

/** Which extents of an akey hold data. */
typedef struct {
	daos_iod_type_t iom_type;
	uint32_t iom_nr;
	uint32_t iom_nr_out;
	uint32_t iom_flags;
	daos_size_t iom_size;
	daos_recx_t iom_recx_lo;
	daos_recx_t iom_recx_hi;
	daos_recx_t *iom_recxs;
} daos_iom_t;

/** One key of an enumeration; the keys themselves are packed in the buffer. */
typedef struct {
	daos_size_t kd_key_len; /**< bytes of the key */
	uint32_t kd_val_type; /**< kind of the value */
} daos_key_desc_t;

/** Longest marker of daos_oit_mark. */
#define DAOS_OIT_MARKER_MAX_LEN	(32)

/** Returns non-zero for an object that daos_oit_list_filter should list. */
typedef int daos_oit_filter_cb(daos_obj_id_t, d_iov_t *);

static inline bool
daos_otype_t_is_valid(enum daos_otype_t type)
{
	return type <= DAOS_OT_MAX;
}

static inline bool
daos_pa_domain_is_valid(uint32_t pa_domain)
{
	return pa_domain == DAOS_PROP_CO_REDUN_NODE || pa_domain == DAOS_PROP_CO_REDUN_RANK;
}

static inline enum daos_otype_t
daos_obj_id2type(daos_obj_id_t oid)
{
	return (enum daos_otype_t)((oid.hi & OID_FMT_TYPE_MASK) >> OID_FMT_TYPE_SHIFT);
}

static inline bool
daos_is_dkey_lexical_type(enum daos_otype_t type)
{
	return type == DAOS_OT_DKEY_LEXICAL || type == DAOS_OT_MULTI_LEXICAL ||
	       type == DAOS_OT_KV_LEXICAL;
}

static inline bool
daos_is_dkey_lexical(daos_obj_id_t oid)
{
	return daos_is_dkey_lexical_type(daos_obj_id2type(oid));
}

static inline bool
daos_is_akey_lexical_type(enum daos_otype_t type)
{
	return type == DAOS_OT_AKEY_LEXICAL || type == DAOS_OT_MULTI_LEXICAL;
}

static inline bool
daos_is_akey_lexical(daos_obj_id_t oid)
{
	return daos_is_akey_lexical_type(daos_obj_id2type(oid));
}

static inline bool
daos_is_array_type(enum daos_otype_t type)
{
	return type == DAOS_OT_ARRAY || type == DAOS_OT_ARRAY_ATTR || type == DAOS_OT_ARRAY_BYTE;
}

static inline bool
daos_is_array(daos_obj_id_t oid)
{
	return daos_is_array_type(daos_obj_id2type(oid));
}

static inline bool
daos_is_dkey_uint64_type(enum daos_otype_t type)
{
	return type == DAOS_OT_DKEY_UINT64 || type == DAOS_OT_MULTI_UINT64 ||
	       type == DAOS_OT_KV_UINT64 || daos_is_array_type(type);
}

static inline bool
daos_is_dkey_uint64(daos_obj_id_t oid)
{
	return daos_is_dkey_uint64_type(daos_obj_id2type(oid));
}

static inline bool
daos_is_akey_uint64_type(enum daos_otype_t type)
{
	return type == DAOS_OT_AKEY_UINT64 || type == DAOS_OT_MULTI_UINT64;
}

static inline bool
daos_is_akey_uint64(daos_obj_id_t oid)
{
	return daos_is_akey_uint64_type(daos_obj_id2type(oid));
}

static inline bool
daos_is_kv_type(enum daos_otype_t type)
{
	return type == DAOS_OT_KV_HASHED || type == DAOS_OT_KV_UINT64 || type == DAOS_OT_KV_LEXICAL;
}

static inline bool
daos_is_kv(daos_obj_id_t oid)
{
	return daos_is_kv_type(daos_obj_id2type(oid));
}

/** Redundancy of an object id. */
static inline enum daos_obj_redun
daos_obj_id2ord(daos_obj_id_t oid)
{
	return (enum daos_obj_redun)((oid.hi & OID_FMT_CLASS_MASK) >> OID_FMT_CLASS_SHIFT);
}

static inline uint32_t
daos_obj_id2grp_nr(daos_obj_id_t oid)
{
	return (uint32_t)((oid.hi & OID_FMT_META_MASK) >> OID_FMT_META_SHIFT);
}

static inline daos_oclass_id_t
daos_obj_id2class(daos_obj_id_t oid)
{
	return ((uint32_t)daos_obj_id2ord(oid) << OC_REDUN_SHIFT) | daos_obj_id2grp_nr(oid);
}

static inline bool
daos_obj_id_is_nil(daos_obj_id_t oid)
{
	return oid.hi == 0 && oid.lo == 0;
}

/** Next id: steps the user part of hi by a large prime. */
static inline void
daos_obj_oid_cycle(daos_obj_id_t *oid)
{
	oid->hi = (oid->hi + 999999937ULL) & 0xFFFFFFFFULL;
}

/** Source name and symbol differ: the plain symbol is the form of before version 2. */
#define daos_obj_generate_oid daos_obj_generate_oid2

/**
 * Fills the reserved upper 32 bits (type, redundancy, group count) of a 96-bit id of the user;
 * class 0 is chosen from redundancy factor, domains, type and hints.
 */
int daos_obj_generate_oid(daos_handle_t coh, daos_obj_id_t *oid, enum daos_otype_t type,
			  daos_oclass_id_t cid, daos_oclass_hints_t hints, uint32_t args);

/** Opens an object, locally; mode DAOS_OO_RO, RW or EXCL. */
int daos_obj_open(daos_handle_t coh, daos_obj_id_t oid, unsigned int mode, daos_handle_t *oh,
		  daos_event_t *ev);

/** Closes an object. */
int daos_obj_close(daos_handle_t oh, daos_event_t *ev);

/** Punch the whole object. */
int daos_obj_punch(daos_handle_t oh, daos_handle_t th, uint64_t flags, daos_event_t *ev);

/** Punch n dkeys; DAOS_COND_PUNCH fails if absent. */
int daos_obj_punch_dkeys(daos_handle_t oh, daos_handle_t th, uint64_t flags, unsigned int nr,
			 daos_key_t *dkeys, daos_event_t *ev);

/** Punch n akeys of a dkey. */
int daos_obj_punch_akeys(daos_handle_t oh, daos_handle_t th, uint64_t flags, daos_key_t *dkey,
			 unsigned int nr, daos_key_t *akeys, daos_event_t *ev);

/** Attributes of an object and the ranks it lies on; not supported, -DER_NOSYS. */
int daos_obj_query(daos_handle_t oh, struct daos_obj_attr *oa, d_rank_list_t *ranks,
		   daos_event_t *ev);

/**
 * Read n akeys of one dkey; iod_size 0 queries the size; missing value gives iod_size 0 with
 * rc 0 unless a COND fetch flag is set; -DER_REC2BIG if the buffer is too small; optional ioms
 * report the mapped extents.
 */
int daos_obj_fetch(daos_handle_t oh, daos_handle_t th, uint64_t flags, daos_key_t *dkey,
		   unsigned int nr, daos_iod_t *iods, d_sg_list_t *sgls, daos_iom_t *ioms,
		   daos_event_t *ev);

/** Write n akeys of one dkey atomically; iod_size 0 punches the given records. */
int daos_obj_update(daos_handle_t oh, daos_handle_t th, uint64_t flags, daos_key_t *dkey,
		    unsigned int nr, daos_iod_t *iods, d_sg_list_t *sgls, daos_event_t *ev);

/**
 * Enumerate dkeys: nr in/out, kds lengths, keys packed in sgl, anchor; -DER_KEY2BIG returns
 * the needed length in kds[0].
 */
int daos_obj_list_dkey(daos_handle_t oh, daos_handle_t th, uint32_t *nr, daos_key_desc_t *kds,
		       d_sg_list_t *sgl, daos_anchor_t *anchor, daos_event_t *ev);

/** Enumerates the akeys of a dkey, with the rules of daos_obj_list_dkey. */
int daos_obj_list_akey(daos_handle_t oh, daos_handle_t th, daos_key_t *dkey, uint32_t *nr,
		       daos_key_desc_t *kds, d_sg_list_t *sgl, daos_anchor_t *anchor,
		       daos_event_t *ev);

/** Enumerate record extents, sizes and epoch ranges of an akey, ascending or descending. */
int daos_obj_list_recx(daos_handle_t oh, daos_handle_t th, daos_key_t *dkey, daos_key_t *akey,
		       daos_size_t *size, uint32_t *nr, daos_recx_t *recxs,
		       daos_epoch_range_t *eprs, daos_anchor_t *anchor, bool incr_order,
		       daos_event_t *ev);

/** Max/min dkey, akey (integer keys) and/or array index. */
int daos_obj_query_key(daos_handle_t oh, daos_handle_t th, uint64_t flags, daos_key_t *dkey,
		       daos_key_t *akey, daos_recx_t *recx, daos_event_t *ev);

/** Newest modification epoch of the object. */
int daos_obj_query_max_epoch(daos_handle_t oh, daos_handle_t th, daos_epoch_t *epoch,
			     daos_event_t *ev);

/** Compare all replicas/EC shards at an epoch; -DER_MISMATCH. */
int daos_obj_verify(daos_handle_t coh, daos_obj_id_t oid, daos_epoch_t epoch);

/** Number of shards, and one anchor per shard, for parallel listing. */
int daos_obj_anchor_split(daos_handle_t oh, uint32_t *nr, daos_anchor_t *anchors);

/** Anchor restricted to shard index. */
int daos_obj_anchor_set(daos_handle_t oh, uint32_t index, daos_anchor_t *anchor);

/** Anchor positioned at a given dkey or akey. */
int daos_obj_key2anchor(daos_handle_t oh, daos_handle_t th, daos_key_t *dkey, daos_key_t *akey,
			daos_anchor_t *anchor, daos_event_t *ev);

/** Open the object-id table of a snapshot. */
int daos_oit_open(daos_handle_t coh, daos_epoch_t epoch, daos_handle_t *oh, daos_event_t *ev);

/** Closes an object-id table. */
int daos_oit_close(daos_handle_t oh, daos_event_t *ev);

/** Page through object ids. */
int daos_oit_list(daos_handle_t oh, daos_obj_id_t *oids, uint32_t *oids_nr, daos_anchor_t *anchor,
		  daos_event_t *ev);

/** Attach/clear a marker (max 32 bytes) to an oid. */
int daos_oit_mark(daos_handle_t oh, daos_obj_id_t oid, d_iov_t *marker, daos_event_t *ev);

/** Only oids without marker. */
int daos_oit_list_unmarked(daos_handle_t oh, daos_obj_id_t *oids, uint32_t *oids_nr,
			   daos_anchor_t *anchor, daos_event_t *ev);

/** Oids accepted by a callback. */
int daos_oit_list_filter(daos_handle_t oh, daos_obj_id_t *oids, uint32_t *oids_nr,
			 daos_anchor_t *anchor, daos_oit_filter_cb *filter, daos_event_t *ev);

#if defined(__cplusplus)
}
#endif

#endif /* __DAOS_OBJ_H__ */
