/* SPDX-License-Identifier: BSD-2-Clause-Patent */
/* A proposal: checked and applied in one stretch that does not yield, answered when durable. */
#include "metadb/private.h"

/* ------------------------------------------------ checks */

static int
key_check(struct metadb_bytes key)
{
	if (key.length == 0 || key.length > METADB_KEY_MAX)
		return error_raise(-DER_INVAL, "a key of %u bytes; 1 to %u are possible",
				   key.length, METADB_KEY_MAX);
	if (*(const uint8_t *)key.data == METADB_RESERVED)
		return error_raise(-DER_INVAL, "a key of the store itself");
	return 0;
}

static int
writes_check(const struct metadb_proposal *proposal)
{
	uint64_t bytes = 0;

	for (uint32_t i = 0; i < proposal->write_count; i++) {
		const struct metadb_write *write = &proposal->writes[i];
		int rc = key_check(write->key);

		if (rc)
			return rc;
		if (write->value.length > METADB_VALUE_MAX)
			return error_raise(-DER_REC2BIG, "a value of %u bytes; %u are possible",
					   write->value.length, METADB_VALUE_MAX);
		bytes += write->key.length + write->value.length;
	}
	if (bytes > METADB_PROPOSAL_MAX)
		return error_raise(-DER_REC2BIG, "a proposal of %lu bytes; %u are possible",
				   (unsigned long)bytes, METADB_PROPOSAL_MAX);
	return 0;
}

static int
proposal_check(const struct metadb_proposal *proposal)
{
	if (proposal->write_count > METADB_WRITES_MAX)
		return error_raise(-DER_REC2BIG, "a proposal of %u writes; %u are possible",
				   proposal->write_count, METADB_WRITES_MAX);
	if (proposal->result.length > METADB_RESULT_MAX)
		return error_raise(-DER_REC2BIG, "an answer of %u bytes; %u are possible",
				   proposal->result.length, METADB_RESULT_MAX);
	return writes_check(proposal);
}

static int
conditions_check(struct pin *pin, const struct metadb_proposal *proposal)
{
	for (uint32_t i = 0; i < proposal->condition_count; i++) {
		struct store_entry entry = {.version = 0};
		int rc = metadb_store_find(pin, proposal->conditions[i].key, &entry);

		if (rc && rc != -DER_NONEXIST)
			return rc;
		if (entry.version != proposal->conditions[i].version ||
		    (entry.version != 0 && FAULT("metadb: somebody else wrote first")))
			return -DER_MISMATCH;
	}
	return 0;
}

/* ------------------------------------------------ apply */

/* One attempt; all in one NO_YIELD scope. */
struct attempt {
	struct metadb *metadb;
	const struct metadb_proposal *proposal;
	struct request_writes request;
	struct metadb_bytes *ret_result;
};

/* The answer of a request that was executed before, copied. */
static int
answer_copy(struct metadb *metadb, struct metadb_bytes answer, struct metadb_bytes *ret_result)
{
	void *copy;

	if (ret_result == NULL)
		return -DER_ALREADY;
	copy = arena_alloc(metadb->arena, answer.length);
	if (copy == NULL)
		return error_raise(-DER_NOMEM, "no memory for an answer");
	if (answer.length > 0)
		memcpy(copy, answer.data, answer.length);
	*ret_result = (struct metadb_bytes){copy, answer.length};
	return -DER_ALREADY;
}

/* All that may refuse: pins what the changes will touch. */
static int
attempt_check(struct attempt *attempt, struct tx *tx)
{
	const struct metadb_proposal *proposal = attempt->proposal;
	const struct store_root *root;
	struct metadb_bytes answer;
	int rc = metadb_store_root(&tx->pin, &root);

	attempt->request.count = 0;
	if (rc == 0 && request_remembered(proposal->request)) {
		rc = metadb_request_judge(&tx->pin, attempt->metadb, proposal->request, &answer);
		if (rc == -DER_ALREADY)
			REACHED("metadb: a request is answered from the store");
		if (rc == -DER_ALREADY)
			return answer_copy(attempt->metadb, answer, attempt->ret_result);
		if (rc == 0)
			rc = metadb_request_prepare(&tx->pin, proposal->request, proposal->result,
						    &attempt->request);
	}
	if (rc == 0)
		rc = conditions_check(&tx->pin, proposal);
	for (uint32_t i = 0; rc == 0 && i < proposal->write_count; i++)
		rc = metadb_store_probe(tx, &proposal->writes[i]);
	for (uint32_t i = 0; rc == 0 && i < attempt->request.count; i++)
		rc = metadb_store_probe(tx, &attempt->request.writes[i]);
	if (rc == 0 && FAULT("metadb: a proposal finds a zone absent"))
		rc = -DER_AGAIN;
	return rc;
}

static void
attempt_apply(struct attempt *attempt, struct tx *tx)
{
	uint64_t version = metadb_store_count(tx);

	for (uint32_t i = 0; i < attempt->proposal->write_count; i++)
		metadb_store_write(tx, &attempt->proposal->writes[i], version);
	for (uint32_t i = 0; i < attempt->request.count && !BUG(16); i++)
		metadb_store_write(tx, &attempt->request.writes[i], version);
}

/* Runs the attempt until no zone is missing. */
static int
attempt_run(struct attempt *attempt, struct tx *tx)
{
	int rc;

	for (;;) {
		NO_YIELD
		{
			rc = attempt_check(attempt, tx);
			if (rc == 0) {
				attempt_apply(attempt, tx);
				tx_commit(tx, &attempt->metadb->newest);
			}
		}
		if (rc != -DER_AGAIN)
			return rc;
		rc = tx_load(tx);
		if (rc)
			return rc;
	}
}

static void
proposal_need(const struct metadb_proposal *proposal, struct tx_need *need)
{
	*need = (struct tx_need){.log_bytes = 64, .privileged = proposal->privileged};
	for (uint32_t i = 0; i < proposal->write_count; i++)
		metadb_store_need(&proposal->writes[i], need);
	if (request_remembered(proposal->request))
		metadb_request_need(proposal->result, need);
}

/* Room may be missing for a request that has been executed: then its answer counts, not code. */
static int
refused_answer(struct metadb *metadb, const struct metadb_proposal *proposal, int code,
	       struct metadb_bytes *ret_result)
{
	struct metadb_bytes answer;
	int rc;

	if (!request_remembered(proposal->request))
		return code;
	rc = metadb_answer_find(metadb, proposal->request, &answer);
	if (rc != -DER_ALREADY)
		return rc == 0 ? code : rc;
	REACHED("metadb: a request that finds no room was executed before");
	if (ret_result)
		*ret_result = answer;
	else
		metadb_bytes_free(metadb, &answer);
	return rc;
}

static int
propose(struct metadb *metadb, const struct metadb_proposal *proposal,
	struct metadb_bytes *ret_result)
{
	struct attempt attempt = {.metadb = metadb, .proposal = proposal, .ret_result = ret_result};
	struct metadb_bytes answer = {NULL, 0};
	struct tx_need need;
	struct tx tx;
	int rc = tx_begin(&tx, metadb->heap), durable;

	if (rc)
		return rc;
	if (ret_result)
		attempt.ret_result = &answer;
	proposal_need(proposal, &need);
	rc = tx_reserve(&tx, &need);
	if (rc == 0)
		rc = attempt_run(&attempt, &tx);
	else
		rc = refused_answer(metadb, proposal, rc, attempt.ret_result);
	if (rc)
		tx_abort(&tx);
	/* A refusal tells what was looked at, too. */
	durable = media_wait(metadb->media, metadb->newest);
	if (durable) {
		metadb_bytes_free(metadb, &answer);
		return durable;
	}
	if (rc == -DER_ALREADY && ret_result)
		*ret_result = answer;
	return rc == -DER_MISMATCH ? -DER_AGAIN : rc;
}

int
metadb_propose(struct metadb *metadb, const struct metadb_proposal *proposal,
	       struct metadb_bytes *ret_result)
{
	int rc = proposal_check(proposal);

	if (rc == 0)
		rc = metadb_enter(metadb);
	if (rc)
		return rc;
	rc = propose(metadb, proposal, ret_result);
	metadb_leave(metadb);
	return rc;
}

int
metadb_store_apply(struct metadb *metadb, const struct metadb_write *writes, uint32_t count)
{
	const struct metadb_proposal proposal = {
		.writes = writes, .write_count = count, .privileged = true};

	return propose(metadb, &proposal, NULL);
}
