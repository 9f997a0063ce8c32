/* SPDX-License-Identifier: BSD-2-Clause-Patent */
/* The registry of metrics, and histograms. */
#include "base/base.h"

void
metrics_init(struct metrics *metrics)
{
	list_init(&metrics->members);
}

void
metric_register(struct metrics *metrics, struct metric *metric)
{
	ASSERT(metric->kind != METRIC_HISTOGRAM || metric->histogram != NULL);
	if (metrics)
		list_append(&metrics->members, &metric->link);
}

void
metric_unregister(struct metric *metric)
{
	list_remove(&metric->link);
}

int
metrics_visit(const struct metrics *metrics,
	      int (*visit)(void *argument, const struct metric *metric), void *argument)
{
	int rc = 0;

	LIST_FOR_EACH(link, &metrics->members) {
		rc = visit(argument, list_entry(link, struct metric, link));
		if (rc != 0)
			break;
	}
	return rc;
}

void
metric_sample(struct metric *metric, uint64_t sample)
{
	int bits = sample == 0 ? 0 : 64 - __builtin_clzll(sample);

	metric->histogram->count++;
	metric->histogram->sum += sample;
	metric->histogram->buckets[min_of(bits, METRIC_BUCKETS - 1)]++;
}
