/* SPDX-License-Identifier: BSD-2-Clause-Patent */
/* Access control lists. An ACL is one packed run of entries (ACEs) in canonical order. */
#ifndef __DAOS_SECURITY_H__
#define __DAOS_SECURITY_H__

#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <sys/types.h>

#include <daos_prop.h>

#if defined(__cplusplus)
extern "C" {
#endif

#define DAOS_ACL_VERSION		(1)
#define DAOS_ACL_MAX_PRINCIPAL_LEN	(255)
#define DAOS_ACL_MAX_PRINCIPAL_BUF_LEN	(DAOS_ACL_MAX_PRINCIPAL_LEN + 1)
#define DAOS_ACL_PRINCIPAL_OWNER	"OWNER@"
#define DAOS_ACL_PRINCIPAL_OWNER_GRP	"GROUP@"
#define DAOS_ACL_PRINCIPAL_EVERYONE	"EVERYONE@"
#define DAOS_ACL_MAX_ACE_LEN		(65536)
#define DAOS_ACL_MAX_ACE_STR_LEN	(DAOS_ACL_MAX_PRINCIPAL_LEN + 64)

/** Who an entry is for, in canonical order. */
enum daos_acl_principal_type {
	DAOS_ACL_OWNER       = 0,
	DAOS_ACL_USER        = 1,
	DAOS_ACL_OWNER_GROUP = 2,
	DAOS_ACL_GROUP       = 3,
	DAOS_ACL_EVERYONE    = 4,
	NUM_DAOS_ACL_TYPES   = 5,
};

enum daos_acl_access_type {
	DAOS_ACL_ACCESS_ALLOW = 1 << 0,
	DAOS_ACL_ACCESS_AUDIT = 1 << 1,
	DAOS_ACL_ACCESS_ALARM = 1 << 2,
};

#define DAOS_ACL_ACCESS_ALL \
	(DAOS_ACL_ACCESS_ALLOW | DAOS_ACL_ACCESS_AUDIT | DAOS_ACL_ACCESS_ALARM)

enum daos_acl_flags {
	DAOS_ACL_FLAG_GROUP          = 1 << 0,
	DAOS_ACL_FLAG_POOL_INHERIT   = 1 << 1,
	DAOS_ACL_FLAG_ACCESS_FAIL    = 1 << 2,
	DAOS_ACL_FLAG_ACCESS_SUCCESS = 1 << 3,
};

#define DAOS_ACL_FLAG_ALL \
	(DAOS_ACL_FLAG_GROUP | DAOS_ACL_FLAG_POOL_INHERIT | DAOS_ACL_FLAG_ACCESS_FAIL | \
	 DAOS_ACL_FLAG_ACCESS_SUCCESS)

enum daos_acl_perm {
	DAOS_ACL_PERM_READ        = 1 << 0,
	DAOS_ACL_PERM_WRITE       = 1 << 1,
	DAOS_ACL_PERM_CREATE_CONT = 1 << 2,
	DAOS_ACL_PERM_DEL_CONT    = 1 << 3,
	DAOS_ACL_PERM_GET_PROP    = 1 << 4,
	DAOS_ACL_PERM_SET_PROP    = 1 << 5,
	DAOS_ACL_PERM_GET_ACL     = 1 << 6,
	DAOS_ACL_PERM_SET_ACL     = 1 << 7,
	DAOS_ACL_PERM_SET_OWNER   = 1 << 8,
};

/** Permissions that a pool, a container, either of them knows. */
#define DAOS_ACL_PERM_POOL_ALL \
	(DAOS_ACL_PERM_READ | DAOS_ACL_PERM_GET_PROP | DAOS_ACL_PERM_WRITE | \
	 DAOS_ACL_PERM_CREATE_CONT | DAOS_ACL_PERM_DEL_CONT)
#define DAOS_ACL_PERM_CONT_ALL \
	(DAOS_ACL_PERM_READ | DAOS_ACL_PERM_WRITE | DAOS_ACL_PERM_DEL_CONT | \
	 DAOS_ACL_PERM_GET_PROP | DAOS_ACL_PERM_SET_PROP | DAOS_ACL_PERM_GET_ACL | \
	 DAOS_ACL_PERM_SET_ACL | DAOS_ACL_PERM_SET_OWNER)
#define DAOS_ACL_PERM_ALL	(DAOS_ACL_PERM_POOL_ALL | DAOS_ACL_PERM_CONT_ALL)

/** Header, then dal_len bytes of entries. */
struct daos_acl {
	uint16_t dal_ver;
	uint16_t dal_reserv;
	uint32_t dal_len;
	uint8_t dal_ace[];
};

/** One entry; the principal name, for users and groups, is padded to 8 bytes. */
struct daos_ace {
	uint8_t dae_access_types;
	uint8_t dae_principal_type;
	uint16_t dae_principal_len;
	uint16_t dae_access_flags;
	uint16_t dae_reserv;
	uint64_t dae_allow_perms;
	uint64_t dae_audit_perms;
	uint64_t dae_alarm_perms;
	char dae_principal[];
};

/** Build a packed ACL from an array of ACE pointers, sorting into canonical order. */
struct daos_acl *daos_acl_create(struct daos_ace *aces[], uint16_t num_aces);

/** Deep copy of an ACL; the caller frees it. */
struct daos_acl *daos_acl_dup(struct daos_acl *acl);

/** Frees an ACL. */
void daos_acl_free(struct daos_acl *acl);

/** Bytes of an ACL with its header, or -DER_INVAL. */
ssize_t daos_acl_get_size(struct daos_acl *acl);

/** Walk ACEs (NULL = first). */
struct daos_ace *daos_acl_get_next_ace(struct daos_acl *acl, struct daos_ace *current_ace);

/** Find an ACE by principal type and name; -DER_NONEXIST. */
int daos_acl_get_ace_for_principal(struct daos_acl *acl, enum daos_acl_principal_type type,
				   const char *principal, struct daos_ace **ace);

/** Insert or replace an ACE; may reallocate the ACL. */
int daos_acl_add_ace(struct daos_acl **acl, struct daos_ace *new_ace);

/** Delete an ACE by principal; reallocates. */
int daos_acl_remove_ace(struct daos_acl **acl, enum daos_acl_principal_type type,
			const char *principal_name);

/** Prints an ACL for debugging. */
void daos_acl_dump(struct daos_acl *acl);

/** Full consistency check (order, duplicates, perms, lengths). */
int daos_acl_validate(struct daos_acl *acl);

/** Allocate an ACE for a principal. */
struct daos_ace *daos_ace_create(enum daos_acl_principal_type type, const char *principal_name);

/** Frees an ACE. */
void daos_ace_free(struct daos_ace *ace);

/** Bytes of one ACE (8-byte aligned). */
ssize_t daos_ace_get_size(struct daos_ace *ace);

/** Prints an ACE for debugging, indented by tabs. */
void daos_ace_dump(struct daos_ace *ace, uint32_t tabs);

/** Validity check of one ACE. */
bool daos_ace_is_valid(struct daos_ace *ace);

/** Is "name@[domain]" well formed. */
bool daos_acl_principal_is_valid(const char *name);

/** Principal text "user@" of a uid; the caller frees it. */
int daos_acl_uid_to_principal(uid_t uid, char **name);

/** Principal text "group@" of a gid; the caller frees it. */
int daos_acl_gid_to_principal(gid_t gid, char **name);

/** The uid of a principal text "user@". */
int daos_acl_principal_to_uid(const char *principal, uid_t *uid);

/** The gid of a principal text "group@". */
int daos_acl_principal_to_gid(const char *principal, gid_t *gid);

/** Name or OWNER@/GROUP@/EVERYONE@. */
const char *daos_ace_get_principal_str(struct daos_ace *ace);

/** Parse "A:G:name@:rw" style text into an ACE. */
int daos_ace_from_str(const char *str, struct daos_ace **ace);

/** Format an ACE as the short text form; -DER_TRUNC. */
int daos_ace_to_str(struct daos_ace *ace, char *buf, size_t buf_len);

/** Expand the short text to words. */
int daos_ace_str_get_verbose(const char *ace_str, char *buf, size_t buf_len);

/** Array of ACE strings -> ACL. */
int daos_acl_from_strs(const char **ace_strs, size_t ace_nr, struct daos_acl **acl);

/** ACL -> allocated array of strings. */
int daos_acl_to_strs(struct daos_acl *acl, char ***ace_strs, size_t *ace_nr);

/** Splits "u:x@", "g:x@" or a special principal into type and name; the caller frees the name. */
int daos_acl_principal_from_str(const char *principal_str, enum daos_acl_principal_type *type,
				char **name);

/** Print an ACL in file format (optional comments). */
int daos_acl_to_stream(FILE *stream, struct daos_acl *acl, bool verbose);

#if defined(__cplusplus)
}
#endif

#endif /* __DAOS_SECURITY_H__ */
