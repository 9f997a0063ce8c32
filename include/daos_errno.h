/* SPDX-License-Identifier: BSD-2-Clause-Patent */
/*
 * Error codes. A call that fails returns one of them negated. The numbers are fixed: a new code
 * goes to the end of its list.
 */
#ifndef __DAOS_ERRNO_H__
#define __DAOS_ERRNO_H__

#if defined(__cplusplus)
extern "C" {
#endif

/**
 * Calls ACTION(name, description) once per code from 1001 upwards, in the order of the numbers.
 * The descriptions are bare tokens (no quotes, no commas), to be made strings with #.
 */
#define D_FOREACH_GURT_ERR(ACTION) \
	ACTION(DER_NO_PERM, The caller lacks the permission) \
	ACTION(DER_NO_HDL, The handle is not valid) \
	ACTION(DER_INVAL, A parameter is not valid) \
	ACTION(DER_EXIST, The entity exists already) \
	ACTION(DER_NONEXIST, There is no such entity) \
	ACTION(DER_UNREACH, The node cannot be reached) \
	ACTION(DER_NOSPACE, No space is left on the storage target) \
	ACTION(DER_ALREADY, The operation was done before) \
	ACTION(DER_NOMEM, Out of memory) \
	ACTION(DER_NOSYS, The function is not implemented) \
	ACTION(DER_TIMEDOUT, Timed out) \
	ACTION(DER_BUSY, The resource is busy) \
	ACTION(DER_AGAIN, Try again) \
	ACTION(DER_PROTO, Incompatible protocol) \
	ACTION(DER_UNINIT, The library or handle is not initialised) \
	ACTION(DER_TRUNC, The buffer is too short) \
	ACTION(DER_OVERFLOW, The data is too long for its type or buffer) \
	ACTION(DER_CANCELED, The operation was canceled) \
	ACTION(DER_OOG, The node is out of its group or not a member) \
	ACTION(DER_HG, Error of the transport library) \
	ACTION(DER_UNREG, The RPC or protocol version is not registered) \
	ACTION(DER_ADDRSTR_GEN, The address text could not be made) \
	ACTION(DER_PMIX, Error of the PMIx layer) \
	ACTION(DER_IVCB_FORWARD, The incast variable callback asks to forward) \
	ACTION(DER_MISC, Miscellaneous error) \
	ACTION(DER_BADPATH, The path name is not valid) \
	ACTION(DER_NOTDIR, Not a directory) \
	ACTION(DER_CORPC_INCOMPLETE, The collective RPC did not complete) \
	ACTION(DER_NO_RAS_RANK, No rank is subscribed to RAS events) \
	ACTION(DER_NOTATTACH, The service group is not attached) \
	ACTION(DER_MISMATCH, Version or content does not match) \
	ACTION(DER_EXCLUDED, The rank is excluded from the group) \
	ACTION(DER_NOREPLY, No reply was received) \
	ACTION(DER_DOS, Denial of service) \
	ACTION(DER_BAD_TARGET, The target of the RPC is wrong) \
	ACTION(DER_GRPVER, The group version does not match) \
	ACTION(DER_HLC_SYNC, The hybrid logical clocks are too far apart) \
	ACTION(DER_NO_SHMEM, No shared memory is left) \
	ACTION(DER_ADD_METRIC_FAILED, The metric could not be added) \
	ACTION(DER_DURATION_MISMATCH, The duration end does not match its start) \
	ACTION(DER_OP_NOT_PERMITTED, The operation is not permitted) \
	ACTION(DER_EXCEEDS_PATH_LEN, The path exceeds the allowed length) \
	ACTION(DER_METRIC_NOT_FOUND, The metric was not found) \
	ACTION(DER_SHMEM_PERMS, Permissions forbid the shared memory) \
	ACTION(DER_HG_FATAL, Fatal error of the transport library) \
	ACTION(DER_QUOTA_LIMIT, A quota limit was reached)

/** The same for the codes from 2001 upwards. */
#define D_FOREACH_DAOS_ERR(ACTION) \
	ACTION(DER_IO, I/O error) \
	ACTION(DER_FREE_MEM, Memory could not be freed) \
	ACTION(DER_ENOENT, The entry was not found) \
	ACTION(DER_NOTYPE, Unknown object type) \
	ACTION(DER_NOSCHEMA, Unknown object schema) \
	ACTION(DER_NOLOCAL, The object is not local) \
	ACTION(DER_STALE, The pool map version or handle is stale) \
	ACTION(DER_NOTLEADER, This replica does not lead the service) \
	ACTION(DER_TGT_CREATE, The target could not be created) \
	ACTION(DER_EP_RO, The epoch can only be read) \
	ACTION(DER_EP_OLD, The epoch is too old and its data is gone) \
	ACTION(DER_KEY2BIG, The key is too large for the buffer) \
	ACTION(DER_REC2BIG, The record is too large for the buffer) \
	ACTION(DER_IO_INVAL, The I/O buffers do not match the object extents) \
	ACTION(DER_EQ_BUSY, The event queue is busy) \
	ACTION(DER_DOMAIN, The domain of a cluster component does not match) \
	ACTION(DER_SHUTDOWN, The service should shut down) \
	ACTION(DER_INPROGRESS, The operation is in progress) \
	ACTION(DER_NOTAPPLICABLE, The operation does not apply) \
	ACTION(DER_NOTREPLICA, Not a replica of the service) \
	ACTION(DER_CSUM, The checksum does not match) \
	ACTION(DER_DF_INVAL, The durable format is not valid) \
	ACTION(DER_DF_INCOMPT, The durable format version is not compatible) \
	ACTION(DER_REC_SIZE, The record size does not match) \
	ACTION(DER_TX_RESTART, The transaction should be restarted) \
	ACTION(DER_DATA_LOSS, Data was lost or cannot be recovered) \
	ACTION(DER_OP_CANCELED, The operation was canceled before it completed) \
	ACTION(DER_TX_BUSY, The transaction is not committed yet) \
	ACTION(DER_AGENT_INCOMPAT, The agent is not compatible with the libraries) \
	ACTION(DER_NEED_TX, The operation needs a distributed transaction) \
	ACTION(DER_RF, More failures than the redundancy factor covers) \
	ACTION(DER_FETCH_AGAIN, Fetch again from another replica) \
	ACTION(DER_TX_UNCERTAIN, The outcome of the transaction is not known) \
	ACTION(DER_AGENT_COMM, Communication with the agent failed) \
	ACTION(DER_ID_MISMATCH, The ID does not match) \
	ACTION(DER_TGT_RETRY, Retry with another target) \
	ACTION(DER_NOTSUPPORTED, Not supported) \
	ACTION(DER_CONTROL_INCOMPAT, Control plane and engine are not compatible) \
	ACTION(DER_NO_SERVICE, No service is available) \
	ACTION(DER_TX_ID_REUSED, The transaction ID was used before) \
	ACTION(DER_UPDATE_AGAIN, Update again) \
	ACTION(DER_NVME_IO, I/O error of the NVMe device) \
	ACTION(DER_NO_CERT, The certificate was not found) \
	ACTION(DER_BAD_CERT, The certificate is not valid) \
	ACTION(DER_VOS_PARTIAL_UPDATE, An array extent was overwritten partly in one transaction) \
	ACTION(DER_CHKPT_BUSY, The page is being written by a checkpoint) \
	ACTION(DER_DIV_BY_ZERO, Division by zero) \
	ACTION(DER_OVERLOAD_RETRY, The target is overloaded and asks for a later retry) \
	ACTION(DER_NOT_RESUME, The former operation cannot be resumed) \
	ACTION(DER_CONT_NONEXIST, There is no such container) \
	ACTION(DER_CONT_DESTROYING, The container is being destroyed) \
	ACTION(DER_IGNORE, The request can be ignored)

/** Calls ACTION(range name, base) once per range. */
#define D_FOREACH_ERR_RANGE(ACTION) \
	ACTION(GURT, 1000) \
	ACTION(DAOS, 2000)

#define D_DEFINE_ERRNO(name, description) name,

enum daos_errno {
	DER_SUCCESS = 0,
	DER_ERR_GURT_BASE = 1000,
	D_FOREACH_GURT_ERR(D_DEFINE_ERRNO)
	DER_ERR_DAOS_BASE = 2000,
	D_FOREACH_DAOS_ERR(D_DEFINE_ERRNO)
	DER_LAST_VALID,
	DER_UNKNOWN = DER_ERR_GURT_BASE + 500000,
	/** Former name of DER_EXCLUDED. */
	DER_EVICTED __attribute__((deprecated("use DER_EXCLUDED"))) = DER_EXCLUDED,
};

#define DER_EVICTED DER_EVICTED

#undef D_DEFINE_ERRNO

/** printf format of a code, and its three arguments: name, number, description. */
#define DF_RC		"%s(%d): '%s'"
#define DP_RC(rc)	d_errstr(rc), rc, d_errdesc(rc)

/** Name of a negative code, "DER_SUCCESS" for 0, "DER_UNKNOWN" for anything else. */
const char *d_errstr(int errnum);

/** One line on a negative code; says so, with the number, when the code is unknown. */
const char *d_errdesc(int errnum);

#if defined(__cplusplus)
}
#endif

#endif /* __DAOS_ERRNO_H__ */
