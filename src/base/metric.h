/* SPDX-License-Identifier: BSD-2-Clause-Patent */
/*
 * Counters, gauges and histograms of one context. A metric is embedded in its owner and linked into
 * the context's registry: nothing is allocated, and counting is one addition. Used only on the
 * context's own loop.
 */
#pragma once

#include "base/list.h"

enum metric_kind { METRIC_COUNTER, METRIC_GAUGE, METRIC_HISTOGRAM };

/* Bucket i counts samples below 2^i, the first that fits; the last takes the rest. */
#define METRIC_BUCKETS 40

/* The samples of a histogram; embedded beside its metric. */
struct metric_histogram {
	uint64_t count;
	uint64_t sum;
	uint64_t buckets[METRIC_BUCKETS];
};

struct metric {
	struct list link;
	enum metric_kind kind;
	const char *name;		    /* borrowed, e.g. "engine_io_ops_update" */
	const char *help;		    /* borrowed; one sentence */
	const char *labels;		    /* borrowed, e.g. "target=\"1\""; NULL: none */
	int64_t value;			    /* counter, gauge */
	struct metric_histogram *histogram; /* borrowed; histogram only */
};

/* The registry of a context. Zero-initialised is empty. */
struct metrics {
	struct list members;
};

void metrics_init(struct metrics *metrics);

/* Links a metric whose kind, name, help (and labels, histogram) are set. metrics may be NULL: then
 * it only counts. */
void metric_register(struct metrics *metrics, struct metric *metric);

/* Unlinks it; nothing happens when it is not linked. */
void metric_unregister(struct metric *metric);

/* Calls visit for each metric in order of registration until it returns non-zero, which is
 * returned. */
int metrics_visit(const struct metrics *metrics,
		  int (*visit)(void *argument, const struct metric *metric), void *argument);

static inline void
metric_add(struct metric *metric, int64_t amount)
{
	metric->value += amount;
}

static inline void
metric_set(struct metric *metric, int64_t value)
{
	metric->value = value;
}

/* Adds one sample to a histogram. */
void metric_sample(struct metric *metric, uint64_t sample);
