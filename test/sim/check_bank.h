/* SPDX-License-Identifier: BSD-2-Clause-Patent */
/*
 * Serializability of transactions over accounts. Every write replaces a version that its own
 * transaction has read, so that the versions of an account form a chain, and who depends on whom
 * follows from what was seen: the history is good when no transaction depends on itself, the order
 * of time included (Adya's graph; Kingsbury and Alvaro, "Elle", 2020).
 */
#pragma once

#include "base/base.h"

/* The end of a transaction that nobody saw end. */
#define BANK_NEVER UINT64_MAX

enum bank_outcome {
	BANK_ABORTED, /* nobody may ever see its writes */
	BANK_UNKNOWN, /* it takes effect at some time after its begin, or never */
	BANK_COMMITTED,
};

/* A version of an account; 0 is the one before all writes. */
struct bank_read {
	uint32_t account;
	uint64_t version;
};

/* version is of no other write of the history, and at least 1. */
struct bank_write {
	uint32_t account;
	uint64_t version;
	uint64_t previous; /* what it replaces, and the transaction has read */
};

#define BANK_WRITES_MAX 8u

struct bank_transaction {
	uint64_t begin, end; /* BANK_NEVER */
	uint32_t actor;
	uint8_t outcome;
	struct bank_read *reads;
	uint32_t read_count, read_room;
	struct bank_write writes[BANK_WRITES_MAX];
	uint32_t write_count;
};

enum bank_verdict { BANK_GOOD, BANK_BAD };

/*
 * Judges a history. lenient: what was acknowledged may have been lost, so that only versions that
 * nobody wrote, and those of aborted transactions, are bad. BANK_BAD with what is wrong in text.
 */
enum bank_verdict bank_check(const struct bank_transaction *transactions, uint32_t count,
			     bool lenient, char *text, size_t size);

/* One line about a transaction, without its newline. */
void bank_print(const struct bank_transaction *transaction, char *text, size_t size);
