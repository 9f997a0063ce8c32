/* SPDX-License-Identifier: BSD-2-Clause-Patent */
/*
 * Pools: the service (create, connect, query, properties, attributes, destroy), whose state is one
 * metadb per pool, and the targets of pools on this engine: for each (pool, target) a heap with a
 * versioned object store on the target's loop.
 */
#pragma once

#include "system/system.h"
#include "vos/vos.h"

struct pools;
struct pool;

/* ------------------------------------------------ life of the service; on loop 0 */

/*
 * Opens, before media_start(), the heaps of every pool that the system knows: targets on their
 * loops, service stores on loop 0. A store that is damaged is said in the log and left out: its
 * pool answers with the error. *Yields*. -DER_NOMEM and others that say nothing about the disk.
 */
MUST_USE int pools_open(struct node *node, struct system *system, struct pools **ret_pools);

/*
 * After media_start() on every loop: opens the object stores, finishes creations and destructions
 * that a crash cut short, loads handles. *Yields*.
 */
MUST_USE int pools_start(struct pools *pools);

/* Serves PROTO_SYSTEM_POOL_* and PROTO_POOL_* but PROTO_POOL_LIST_CONTAINERS. */
MUST_USE int pools_serve(struct pools *pools);

/* Closes all heaps. Nothing is served any more. *Yields*. */
void pools_close(struct pools *pools);

/* Forgets what a client left behind that said goodbye: its pool handles, its answers. *Yields*. */
void pools_forget_client(struct pools *pools, struct uuid client);

/* Refuses requests first sent before horizon (HLC) in the stores of all pools' services. *Yields*.
 */
void pools_set_horizon(struct pools *pools, uint64_t horizon);

/* ------------------------------------------------ targets, on any loop */

/* Makes and frees the table of the current loop; all targets closed then. -DER_NOMEM. */
MUST_USE int pool_table_create(struct node *node);
void pool_table_destroy(struct node *node);

/*
 * The store of a target of a pool served by the current loop; valid until the next yield unless
 * held. -DER_NONEXIST, -DER_STALE (another loop serves it), or why the target is out of service.
 */
MUST_USE int pool_target(struct node *node, struct uuid pool, uint32_t target,
			 struct vos **ret_vos);

/* Why the target is out of service; 0 when it is not, or not known here. Does not yield. */
MUST_USE int pool_target_state(struct node *node, struct uuid pool, uint32_t target);

/* As pool_target(), and keeps it from being closed until pool_target_release(). */
MUST_USE int pool_target_hold(struct node *node, struct uuid pool, uint32_t target,
			      struct vos **ret_vos);
void pool_target_release(struct node *node, struct uuid pool, uint32_t target);

/*
 * Runs function on each target of all pools on the current loop, held; failures are logged and do
 * not stop it. *Yields*.
 */
void pool_targets_here(struct node *node, int (*function)(void *argument, struct vos *vos),
		       void *argument);

/* ------------------------------------------------ for the container service, on loop 0 */

/*
 * Runs function on the loop of every target of the pool, one after another; stops at the first
 * failure. *Yields*.
 */
MUST_USE int pool_each_target(struct pool *pool,
			      int (*function)(void *argument, uint32_t target, struct vos *vos),
			      void *argument);

/* As above, but goes on after a failure: a target that is out of service keeps nothing from the
 * others. The first failure is returned. *Yields*. */
MUST_USE int pool_all_targets(struct pool *pool,
			      int (*function)(void *argument, uint32_t target, struct vos *vos),
			      void *argument);

struct node *pools_node(struct pools *pools);

/* What a pool handle allows; fixed when it was connected. */
struct pool_access {
	uint32_t flags;	       /* DAOS_PC_* */
	uint32_t capabilities; /* enum proto_capability */
	bool administrator;    /* connected as one: access lists do not matter */
	struct peer_credentials
		credentials; /* of who connected: who has the handle acts for them */
};

/*
 * The pool of a pool handle, and what the handle allows; held until pool_put(). -DER_NO_HDL, or why
 * a pool is out of service whose handles nobody can read. Does not yield.
 */
MUST_USE int pool_of_handle(struct pools *pools, struct uuid handle, struct pool **ret_pool,
			    struct pool_access *ret_access);

/*
 * What to say of a handle that is not known: code, unless a pool is out of service, whose handles
 * stand in a store that cannot be read; then why it is.
 */
MUST_USE int pools_unknown_handle(const struct pools *pools, int code);

/* The pool of an id, held until pool_put(). -DER_NONEXIST, or why it is out of service. */
MUST_USE int pool_of_id(struct pools *pools, struct uuid id, struct pool **ret_pool);
void pool_put(struct pool *pool);

/* Each open pool; stops when visit returns non-zero and returns that. Visit may yield. */
MUST_USE int pools_each(struct pools *pools, int (*visit)(void *argument, struct pool *pool),
			void *argument);

struct uuid pool_id(const struct pool *pool);
/* Keys of it that begin with "c" belong to the container service. */
struct metadb *pool_metadb(struct pool *pool);
uint32_t pool_target_count(const struct pool *pool);
uint32_t pool_map_version(const struct pool *pool);
/* Serialises changes of one pool's metadata. */
struct fiber_mutex *pool_lock(struct pool *pool);
/* Notes a change of metadata for the pool's info. */
void pool_modified(struct pool *pool);

/* ------------------------------------------------ access lists */

/* Which properties say who may what; standard is the list of what has none. */
struct access_types {
	uint32_t acl, owner, group;
	struct acl_standard (*standard)(void);
};

/* What the access list among stored properties gives a caller, as DAOS_ACL_PERM_*. -DER_IO. */
MUST_USE int access_judge(const struct proto_properties *properties,
			  const struct access_types *types, const struct caller *caller,
			  uint64_t *ret_permissions, bool *ret_owns);

/* The rights (enum proto_capability) needed to set the properties. */
uint32_t access_needed(const struct proto_properties *wanted, const struct access_types *types);

/* -DER_NO_PERM, with what is lacking, unless capabilities have all of needed. what: "pool". */
MUST_USE int access_check(uint32_t capabilities, uint32_t needed, const char *what);

/*
 * Changes the list among properties, which then borrow buffer (ACL_BYTES_MAX bytes). -DER_INVAL,
 * -DER_NONEXIST, -DER_OVERFLOW.
 */
MUST_USE int access_change(struct proto_properties *properties, const struct access_types *types,
			   const struct proto_acl_change *change, void *buffer);

/* Adds owner, group and list where they are absent; borrows from caller and list. -DER_OVERFLOW. */
MUST_USE int access_default(struct proto_properties *properties, const struct access_types *types,
			    const struct caller *caller, const struct acl_standard *list);

/* ------------------------------------------------ labels, properties, attributes */

/*
 * Whether text may be a label: 1 to 127 characters of A-Z a-z 0-9 . _ : -, and not the form of a
 * UUID. -DER_INVAL.
 */
MUST_USE int label_check(struct proto_text text);

/* What a property may be. */
struct property_rule {
	uint32_t type;
	const char *name;
	bool is_bytes;
	bool is_acl;	   /* a packed access list */
	bool fixed;	   /* cannot be changed after creation */
	bool derived;	   /* cannot be set */
	uint64_t standard; /* answer where it was not set */
	uint64_t least, most;
	uint32_t bytes_max; /* is_bytes */
};

/*
 * Whether every wanted property is known, settable and in range. -DER_INVAL; -DER_NO_PERM for one
 * that is fixed (creating: those are allowed) or derived.
 */
MUST_USE int properties_check(const struct property_rule *rules, uint32_t rule_count,
			      const struct proto_properties *wanted, bool creating);

/* Puts those of from into properties, replacing. Borrows bytes. -DER_OVERFLOW. */
MUST_USE int properties_merge(struct proto_properties *properties,
			      const struct proto_properties *from);

/* Replaces one number or text. -DER_OVERFLOW. */
MUST_USE int properties_set_number(struct proto_properties *properties, uint32_t type,
				   uint64_t number);
MUST_USE int properties_set_bytes(struct proto_properties *properties, uint32_t type,
				  struct proto_text bytes);

/* Adds the standard values of those that are numbers and absent. */
void properties_complete(const struct property_rule *rules, uint32_t rule_count,
			 struct proto_properties *properties);

/* Properties as a value of a metadb. */
struct stored_properties {
	struct proto_properties properties; /* borrows value */
	struct metadb_bytes value;	    /* of metadb_get(); empty where the key is absent */
};

/* Reads them, none where the key is absent; then stored_properties_free(). *Yields*. */
MUST_USE int properties_load(struct metadb *metadb, struct metadb_bytes key,
			     struct stored_properties *ret_stored);
void stored_properties_free(struct metadb *metadb, struct stored_properties *stored);

/* Their value, allocated from arena, to be freed by arena_free(). -DER_NOMEM, -DER_REC2BIG. */
MUST_USE int properties_pack(struct arena *arena, const struct proto_properties *properties,
			     struct metadb_bytes *ret_value);

/* Bytes of an answer after which a listing is continued by another request. */
#define LISTING_PAGE (64u * 1024)

/*
 * Attribute calls that pools and containers share: keys "<prefix>name" in metadb. Setting or
 * deleting many is one proposal: all or none. *Yield*.
 */
MUST_USE int attributes_set(struct metadb *metadb, const char *prefix,
			    const struct proto_attributes *attributes,
			    const struct request_id *request);
MUST_USE int attributes_delete(struct metadb *metadb, const char *prefix,
			       const struct proto_attributes *attributes,
			       const struct request_id *request);

/* Fills in value and present of each; the values are freed by attributes_free_values(). */
MUST_USE int attributes_get(struct metadb *metadb, const char *prefix,
			    struct proto_attributes *attributes);
void attributes_free_values(struct metadb *metadb, struct proto_attributes *attributes);

/* The name after which a request wants a listing to go on; empty: from the first. */
struct proto_text attributes_after(struct reader *body);

/* A page of the names that sort after `after` (empty: all), as the answer to a request: writes an
 * encoded proto_attributes and whether there are more. */
MUST_USE int attributes_list(struct metadb *metadb, const char *prefix, struct proto_text after,
			     struct writer *reply);

/* Removes all keys that begin with prefix. *Yields*. */
MUST_USE int keys_remove(struct metadb *metadb, const char *prefix);

/* ------------------------------------------------ hooks of the container service */

struct pool_hooks {
	/* Handles of the pool are to be dropped everywhere: it goes. *Yields*. */
	void (*destroy)(void *owner, struct pool *pool);
	/* Container handles that were opened by a pool handle are to be closed. *Yields*. */
	int (*disconnect)(void *owner, struct pool *pool, struct uuid handle);
	/* How many containers the pool has. *Yields*. */
	int (*count)(void *owner, struct pool *pool, uint32_t *ret_count);
	void *owner;
};
/* hooks are copied. */
void pools_set_hooks(struct pools *pools, const struct pool_hooks *hooks);
