/* SPDX-License-Identifier: BSD-2-Clause-Patent */
/*
 * The inside of the workload "bank": accounts of several kinds that lie on several targets,
 * transactions that move money between them, and snapshots.
 */
#pragma once

#include "sim/check_bank.h"
#include "sim/memory.h"
#include "sim/sim.h"

enum bank_operation {
	BANK_OPEN,
	BANK_READ,
	BANK_WRITE,
	BANK_COMMIT,
	BANK_ABORT,
	BANK_RESTART,
	BANK_AUDIT, /* a transaction that only reads: all accounts */
	BANK_SNAPSHOT,
	BANK_SNAPSHOT_READ,
	BANK_SNAPSHOT_LIST,
	BANK_SNAPSHOT_DESTROY,
	BANK_AGGREGATE,
	BANK_TABLE, /* of the objects of a snapshot: made, listed, marked, removed */
	BANK_ROLLBACK,
};

#define ACCOUNTS_MAX 24u
#define ACCOUNT_START 1000 /* money of an account that was never written */
#define ACCOUNT_BYTES_MAX 8192u
#define SNAPSHOTS_KEPT 6u

enum account_form { ACCOUNT_SINGLE, ACCOUNT_RECORD, ACCOUNT_PAIR };

#define BANK_OBJECTS 4u
extern const enum daos_otype_t bank_object_types[BANK_OBJECTS];

struct account {
	uint32_t number;
	uint32_t object; /* 0 to BANK_OBJECTS - 1 */
	enum account_form form;
	uint32_t size; /* bytes of its record */
};

/* What an account holds. */
struct record {
	uint64_t version; /* 0: never written */
	int64_t money;
};

struct snapshot {
	bool taken;	 /* it exists, as far as anybody knows */
	bool doubtful;	 /* somebody began to destroy it */
	bool was_read;	 /* as a whole: it stands in the history */
	bool table;	 /* of its objects is there */
	uint32_t marked; /* bits of objects in it */
	daos_epoch_t epoch;
	uint64_t begin, end;		  /* of the call that made it */
	uint32_t known;			  /* bits of accounts in seen */
	struct record seen[ACCOUNTS_MAX]; /* by the first that read it */
};

/* Buffers of an actor: for each write of a transaction, and for reads. */
#define BANK_BUFFERS 5u

struct bank_model {
	struct sim *sim;
	struct server *server;
	uint8_t *bytes; /* by the number of the actor: BANK_BUFFERS of ACCOUNT_BYTES_MAX */
	uint32_t actor_count;
	struct account accounts[ACCOUNTS_MAX];
	uint32_t account_count;
	struct bank_transaction **transactions;
	uint32_t transaction_count;
	struct snapshot snapshots[SNAPSHOTS_KEPT];
	/* The newest epoch at which an audit read, and when that was known. */
	daos_epoch_t newest_epoch;
	uint64_t newest_epoch_at;
	uint32_t unsure_snapshots; /* calls to make or destroy one that nobody saw end */
};

/* An actor on its fiber. */
struct bank_actor {
	struct actor *actor;
	struct bank_model *model;
	daos_handle_t objects[BANK_OBJECTS];
	uint8_t *bytes;
};

/* work_bank_account.c: */

void bank_accounts_init(struct bank_model *model);
/* False when an object cannot be opened. */
bool bank_objects_open(struct bank_actor *bank);
void bank_objects_close(struct bank_actor *bank);
/* 0, or what the call gave. Bytes that are no record of the account are a violation. */
int bank_read(struct bank_actor *bank, daos_handle_t transaction, const struct account *account,
	      struct record *ret_record);
/* Which of the write buffers of the actor is used. */
int bank_write(struct bank_actor *bank, daos_handle_t transaction, const struct account *account,
	       const struct record *old, const struct record *record, uint32_t buffer);
/* The object of a snapshot's table; BANK_OBJECTS for a strange one. */
uint32_t bank_object_of(struct bank_actor *bank, daos_obj_id_t oid);
daos_obj_id_t bank_object_id(struct bank_actor *bank, uint32_t object);

/* work_bank_transfer.c: */

/* A transaction of the history; its reads and writes are entered before they are made. */
struct bank_transaction *bank_begin(struct bank_actor *bank);
void bank_saw(struct bank_transaction *transaction, uint32_t account, uint64_t version);
void bank_transfer(struct bank_actor *bank);
void bank_audit(struct bank_actor *bank);
/* Reads all accounts; 0 when all were read. */
int bank_read_all(struct bank_actor *bank, daos_handle_t transaction, enum bank_operation operation,
		  struct record records[ACCOUNTS_MAX]);
/* No money came or went. */
void bank_count_money(struct bank_actor *bank, const struct record records[ACCOUNTS_MAX],
		      const char *what);

/* work_bank_snapshot.c: */

void bank_snapshot_make(struct bank_actor *bank);
void bank_snapshot_read(struct bank_actor *bank, struct snapshot *snapshot);
void bank_snapshot_list(struct bank_actor *bank);
void bank_snapshot_destroy(struct bank_actor *bank);
void bank_aggregate(struct bank_actor *bank);
/* As the only actor: back to what a snapshot shows. */
void bank_roll_back(struct bank_actor *bank);
/* One that is there, or NULL. */
struct snapshot *bank_snapshot_draw(struct bank_actor *bank);

/* work_bank_table.c: */

/* Something with the table of a snapshot's objects. */
void bank_table(struct bank_actor *bank);
