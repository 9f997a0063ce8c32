/* SPDX-License-Identifier: BSD-2-Clause-Patent */
/* See check_bank.h. */
#include "sim/check_bank.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "sim/memory.h"

/* A write, and whose it is. */
struct bank_writer {
	struct bank_write write;
	uint32_t transaction;
};

struct edge {
	uint32_t from, to;
};

struct judge {
	const struct bank_transaction *transactions;
	uint32_t count;
	struct bank_writer *writers; /* by version */
	uint32_t writer_count;
	struct bank_writer
		*successors; /* by account and version replaced; of those that took effect */
	uint32_t successor_count;
	bool *effective; /* by transaction */
	struct edge *edges;
	uint32_t edge_count, edge_room;
	char *text;
	size_t size;
};

/* ------------------------------------------------ texts */

void
bank_print(const struct bank_transaction *transaction, char *text, size_t size)
{
	static const char *const outcomes[] = {"aborted", "unknown", "committed"};
	int used = snprintf(text, size, "[%" PRIu64 ", ", transaction->begin);

	if (transaction->end == BANK_NEVER)
		used += snprintf(text + used, size - (size_t)used, "never]");
	else
		used += snprintf(text + used, size - (size_t)used, "%" PRIu64 "]",
				 transaction->end);
	used += snprintf(text + used, size - (size_t)used, " actor %u, %s:", transaction->actor,
			 outcomes[transaction->outcome]);
	for (uint32_t i = 0; i < transaction->read_count && (size_t)used + 64 < size; i++)
		used += snprintf(text + used, size - (size_t)used, " r%u=%" PRIu64,
				 transaction->reads[i].account, transaction->reads[i].version);
	for (uint32_t i = 0; i < transaction->write_count && (size_t)used + 64 < size; i++)
		used += snprintf(text + used, size - (size_t)used, " w%u=%" PRIu64 " over %" PRIu64,
				 transaction->writes[i].account, transaction->writes[i].version,
				 transaction->writes[i].previous);
}

/* What is wrong, and up to two transactions that show it. */
static enum bank_verdict
bad_history(const struct judge *judge, const char *what, const struct bank_transaction *first,
	    const struct bank_transaction *second)
{
	char lines[2][512] = {"", ""};

	if (first)
		bank_print(first, lines[0], sizeof(lines[0]));
	if (second)
		bank_print(second, lines[1], sizeof(lines[1]));
	snprintf(judge->text, judge->size, "%s\n  %s\n  %s", what, lines[0], lines[1]);
	return BANK_BAD;
}

/* ------------------------------------------------ who wrote what */

static int
by_version(const void *a, const void *b)
{
	const struct bank_writer *left = a, *right = b;

	return left->write.version < right->write.version
		       ? -1
		       : left->write.version > right->write.version;
}

static int
by_previous(const void *a, const void *b)
{
	const struct bank_writer *left = a, *right = b;

	if (left->write.account != right->write.account)
		return left->write.account < right->write.account ? -1 : 1;
	return left->write.previous < right->write.previous
		       ? -1
		       : left->write.previous > right->write.previous;
}

static void
writers_collect(struct judge *judge)
{
	uint32_t total = 0;

	for (uint32_t i = 0; i < judge->count; i++)
		total += judge->transactions[i].write_count;
	judge->writers = sim_take((total + 1) * sizeof(*judge->writers));
	judge->successors = sim_take((total + 1) * sizeof(*judge->successors));
	for (uint32_t i = 0; i < judge->count; i++)
		for (uint32_t k = 0; k < judge->transactions[i].write_count; k++)
			judge->writers[judge->writer_count++] =
				(struct bank_writer){judge->transactions[i].writes[k], i};
	qsort(judge->writers, judge->writer_count, sizeof(*judge->writers), by_version);
}

/* The write of a version; NULL for what nobody wrote there. */
static const struct bank_writer *
writer_of(const struct judge *judge, uint32_t account, uint64_t version)
{
	struct bank_writer wanted = {.write.version = version};
	const struct bank_writer *found = bsearch(&wanted, judge->writers, judge->writer_count,
						  sizeof(*judge->writers), by_version);

	return found && found->write.account == account ? found : NULL;
}

/* The write that replaces a version; NULL for none. */
static const struct bank_writer *
successor_of(const struct judge *judge, uint32_t account, uint64_t version)
{
	struct bank_writer wanted = {.write = {.account = account, .previous = version}};

	return bsearch(&wanted, judge->successors, judge->successor_count,
		       sizeof(*judge->successors), by_previous);
}

/* ------------------------------------------------ which transactions took effect */

/* Whatever was seen was written, and not given up; an unknown one that was seen took effect. */
static enum bank_verdict
check_seen(struct judge *judge)
{
	for (uint32_t i = 0; i < judge->count; i++) {
		const struct bank_transaction *reader = &judge->transactions[i];

		for (uint32_t k = 0; k < reader->read_count; k++) {
			const struct bank_read *read = &reader->reads[k];
			const struct bank_writer *writer;

			if (read->version == 0)
				continue;
			writer = writer_of(judge, read->account, read->version);
			if (!writer)
				return bad_history(judge,
						   "a version was read that nobody wrote there",
						   reader, NULL);
			if (judge->transactions[writer->transaction].outcome == BANK_ABORTED)
				return bad_history(judge, "what was given up was read", reader,
						   &judge->transactions[writer->transaction]);
			if (judge->transactions[writer->transaction].begin > reader->end)
				return bad_history(judge,
						   "a version was read before it was written",
						   reader,
						   &judge->transactions[writer->transaction]);
			judge->effective[writer->transaction] = true;
		}
	}
	return BANK_GOOD;
}

/* No version is replaced twice. */
static enum bank_verdict
check_chains(struct judge *judge)
{
	for (uint32_t i = 0; i < judge->writer_count; i++)
		if (judge->effective[judge->writers[i].transaction])
			judge->successors[judge->successor_count++] = judge->writers[i];
	qsort(judge->successors, judge->successor_count, sizeof(*judge->successors), by_previous);
	for (uint32_t i = 1; i < judge->successor_count; i++)
		if (by_previous(&judge->successors[i - 1], &judge->successors[i]) == 0)
			return bad_history(
				judge, "two transactions replaced the same version",
				&judge->transactions[judge->successors[i - 1].transaction],
				&judge->transactions[judge->successors[i].transaction]);
	return BANK_GOOD;
}

/* ------------------------------------------------ who depends on whom */

static void
edge_add(struct judge *judge, uint32_t from, uint32_t to)
{
	if (from == to)
		return;
	if (judge->edge_count == judge->edge_room) {
		judge->edge_room = max_of(2 * judge->edge_room, 64u);
		judge->edges = sim_grow(judge->edges, judge->edge_room * sizeof(*judge->edges));
	}
	judge->edges[judge->edge_count++] = (struct edge){from, to};
}

/* Behind the writer of what it read, and before who replaced that. */
static void
edges_of_read(struct judge *judge, uint32_t reader, const struct bank_read *read)
{
	const struct bank_writer *writer = writer_of(judge, read->account, read->version);
	const struct bank_writer *successor = successor_of(judge, read->account, read->version);

	if (read->version != 0 && writer)
		edge_add(judge, writer->transaction, reader);
	if (successor)
		edge_add(judge, reader, successor->transaction);
}

static void
edges_collect(struct judge *judge)
{
	for (uint32_t i = 0; i < judge->count; i++) {
		const struct bank_transaction *transaction = &judge->transactions[i];

		if (!judge->effective[i])
			continue;
		for (uint32_t k = 0; k < transaction->read_count; k++)
			edges_of_read(judge, i, &transaction->reads[k]);
		for (uint32_t k = 0; k < transaction->write_count; k++) {
			struct bank_read read = {transaction->writes[k].account,
						 transaction->writes[k].previous};

			edges_of_read(judge, i, &read);
		}
	}
}

static int
by_source(const void *a, const void *b)
{
	const struct edge *left = a, *right = b;

	return left->from < right->from ? -1 : left->from > right->from;
}

/* What of a graph is still to be put in order. */
struct rest {
	uint32_t *before; /* by transaction: edges that lead to it */
	uint32_t *first;  /* by transaction: its first edge */
	bool *done;
	uint32_t left;
};

/* The earliest end of what is left. */
static uint64_t
earliest_end(const struct judge *judge, const struct rest *rest)
{
	uint64_t end = BANK_NEVER;

	for (uint32_t i = 0; i < judge->count; i++)
		if (!rest->done[i])
			end = min_of(end, judge->transactions[i].end);
	return end;
}

/* Takes all that nothing left comes before; false when there is none. */
static bool
take_ready(const struct judge *judge, struct rest *rest)
{
	uint64_t end = earliest_end(judge, rest);
	bool taken = false;

	for (uint32_t i = 0; i < judge->count; i++) {
		if (rest->done[i] || rest->before[i] > 0 || judge->transactions[i].begin > end)
			continue;
		rest->done[i] = true;
		rest->left--;
		taken = true;
		for (uint32_t k = rest->first[i];
		     k < judge->edge_count && judge->edges[k].from == i; k++)
			rest->before[judge->edges[k].to]--;
	}
	return taken;
}

static void
rest_init(struct judge *judge, struct rest *rest)
{
	rest->before = sim_take((judge->count + 1) * sizeof(*rest->before));
	rest->first = sim_take((judge->count + 1) * sizeof(*rest->first));
	rest->done = sim_take((judge->count + 1) * sizeof(*rest->done));
	if (judge->edge_count > 0)
		qsort(judge->edges, judge->edge_count, sizeof(*judge->edges), by_source);
	for (uint32_t i = judge->edge_count; i-- > 0;) {
		rest->before[judge->edges[i].to]++;
		rest->first[judge->edges[i].from] = i;
	}
	for (uint32_t i = 0; i < judge->count; i++) {
		bool leaves = judge->edge_count > 0 && judge->edges[rest->first[i]].from == i;

		rest->first[i] = leaves ? rest->first[i] : judge->edge_count;
		rest->done[i] = !judge->effective[i];
		rest->left += judge->effective[i];
	}
}

/* Whether what is left, but for the order of time, could go on: then time alone stands against it.
 */
static enum bank_verdict
tell_rest(const struct judge *judge, const struct rest *rest)
{
	const struct bank_transaction *shown[2] = {NULL, NULL};
	bool data = true;

	for (uint32_t i = 0; i < judge->count; i++) {
		const struct bank_transaction *transaction = &judge->transactions[i];

		if (rest->done[i])
			continue;
		data = data && rest->before[i] > 0;
		if (!shown[0] || transaction->end < shown[0]->end) {
			shown[1] = shown[0];
			shown[0] = transaction;
		} else if (!shown[1] || transaction->end < shown[1]->end) {
			shown[1] = transaction;
		}
	}
	return bad_history(judge,
			   data ? "transactions depend on each other in a circle"
				: "transactions depend on each other against the order of time",
			   shown[0], shown[1]);
}

static enum bank_verdict
check_order(struct judge *judge)
{
	struct rest rest = {.left = 0};
	enum bank_verdict verdict = BANK_GOOD;

	edges_collect(judge);
	rest_init(judge, &rest);
	while (rest.left > 0 && take_ready(judge, &rest))
		;
	if (rest.left > 0)
		verdict = tell_rest(judge, &rest);
	free(rest.before);
	free(rest.first);
	free(rest.done);
	return verdict;
}

enum bank_verdict
bank_check(const struct bank_transaction *transactions, uint32_t count, bool lenient, char *text,
	   size_t size)
{
	struct judge judge = {
		.transactions = transactions, .count = count, .text = text, .size = size};
	enum bank_verdict verdict;

	judge.effective = sim_take((count + 1) * sizeof(*judge.effective));
	for (uint32_t i = 0; i < count; i++)
		judge.effective[i] = transactions[i].outcome == BANK_COMMITTED;
	writers_collect(&judge);
	verdict = check_seen(&judge);
	if (verdict == BANK_GOOD && !lenient)
		verdict = check_chains(&judge);
	if (verdict == BANK_GOOD && !lenient)
		verdict = check_order(&judge);
	free(judge.writers);
	free(judge.successors);
	free(judge.effective);
	free(judge.edges);
	return verdict;
}
