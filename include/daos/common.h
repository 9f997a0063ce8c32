/* SPDX-License-Identifier: BSD-2-Clause-Patent */
/* Error conversion, checks and printf formats. */
#ifndef __DAOS_COMMON_H__
#define __DAOS_COMMON_H__

#include <sys/param.h>
#include <sys/time.h>
#include <sys/types.h>

#include <daos_errno.h>
#include <daos_obj.h>
#include <daos_prop.h>
#include <daos_security.h>
#include <daos_types.h>

#include <cart/api.h>
#include <daos/cmd_parser.h>
#include <daos/debug.h>
#include <daos/dtx.h>
#include <daos/profile.h>
#include <gurt/common.h>
#include <gurt/hash.h>

#if defined(__cplusplus)
extern "C" {
#endif

/** Negative code of a positive errno; knows more than d_errno2der. */
static inline int
daos_errno2der(int err)
{
	if (err < 0)
		return -DER_UNKNOWN;
	switch (err) {
	case EOVERFLOW:
		return -DER_OVERFLOW;
	case EBADF:
		return -DER_NO_HDL;
	case ENOSYS:
		return -DER_NOSYS;
	case ETIMEDOUT:
		return -DER_TIMEDOUT;
	case EAGAIN:
		return -DER_AGAIN;
	case EPROTO:
		return -DER_PROTO;
	case EINVAL:
		return -DER_INVAL;
	case ENOTDIR:
		return -DER_NOTDIR;
	case EIO:
		return -DER_IO;
	case ENOTSUP:
		return -DER_NOTSUPPORTED;
	default:
		return d_errno2der(err);
	}
}

/** Positive errno of a negative code, EIO when none fits. */
static inline int
daos_der2errno(int err)
{
	if (err > 0)
		return EINVAL;
	switch (err) {
	case 0:
		return 0;
	case -DER_NO_PERM:
	case -DER_EP_RO:
	case -DER_EP_OLD:
	case -DER_CONT_DESTROYING:
		return EPERM;
	case -DER_ENOENT:
	case -DER_NONEXIST:
		return ENOENT;
	case -DER_INVAL:
	case -DER_NOTYPE:
	case -DER_NOSCHEMA:
	case -DER_NOLOCAL:
	case -DER_NO_HDL:
	case -DER_IO_INVAL:
		return EINVAL;
	case -DER_KEY2BIG:
	case -DER_REC2BIG:
		return E2BIG;
	case -DER_EXIST:
		return EEXIST;
	case -DER_UNREACH:
		return EHOSTUNREACH;
	case -DER_NOSPACE:
		return ENOSPC;
	case -DER_ALREADY:
		return EALREADY;
	case -DER_DOS:
	case -DER_NOMEM:
		return ENOMEM;
	case -DER_TIMEDOUT:
		return ETIMEDOUT;
	case -DER_BUSY:
	case -DER_EQ_BUSY:
		return EBUSY;
	case -DER_AGAIN:
		return EAGAIN;
	case -DER_PROTO:
		return EPROTO;
	case -DER_CANCELED:
		return ECANCELED;
	case -DER_OVERFLOW:
		return EOVERFLOW;
	case -DER_BADPATH:
	case -DER_NOTDIR:
		return ENOTDIR;
	case -DER_STALE:
		return ESTALE;
	case -DER_TX_RESTART:
		return ERESTART;
	case -DER_NOTSUPPORTED:
		return ENOTSUP;
	default:
		return EIO;
	}
}

/** There, and not the null UUID. */
static inline bool
daos_uuid_valid(const unsigned char *uuid)
{
	return uuid != NULL && !uuid_is_null(uuid);
}

static inline bool
daos_rank_list_valid(const d_rank_list_t *rl)
{
	return rl != NULL && rl->rl_ranks != NULL && rl->rl_nr != 0;
}

/** Text of a UUID, for the formats below. */
struct daos_uuid_text {
	char text[DAOS_UUID_STR_SIZE];
};

static inline struct daos_uuid_text
daos_uuid_to_text(const uuid_t uuid)
{
	struct daos_uuid_text t;

	uuid_unparse_lower(uuid, t.text);
	return t;
}

/** Start of a key as text, for DF_KEY; bytes that do not print appear as dots. */
struct daos_key_text {
	char text[64];
};

struct daos_key_text daos_key_to_text(const daos_key_t *key);

/** First 8 characters of a UUID; all of them with DF_UUIDF. */
#define DF_UUID		"%.8s"
#define DF_UUIDF	"%s"
#define DP_UUID(uuid)	daos_uuid_to_text(uuid).text

/** A pool and a container. */
#define DF_CONT		DF_UUID "/" DF_UUID
#define DP_CONT(puuid, cuuid) DP_UUID(puuid), DP_UUID(cuuid)

/** An object id, by value. */
#define DF_OID		"%" PRIu64 ".%" PRIu64
#define DP_OID(oid)	(oid).hi, (oid).lo

/** A key, by pointer. */
#define DF_KEY		"[%zu] %s"
#define DP_KEY(key)	(key)->iov_len, daos_key_to_text(key).text

#if defined(__cplusplus)
}
#endif

#endif /* __DAOS_COMMON_H__ */
