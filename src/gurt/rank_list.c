/* SPDX-License-Identifier: BSD-2-Clause-Patent */
/* Lists of ranks. */
#include <gurt/common.h>

d_rank_list_t *
d_rank_list_alloc(uint32_t size)
{
	d_rank_list_t *list;
	uint32_t i;

	D_ALLOC_PTR(list);
	if (list == NULL || size == 0)
		return list;
	D_ALLOC_ARRAY(list->rl_ranks, size);
	if (list->rl_ranks == NULL) {
		D_FREE(list);
		return NULL;
	}
	list->rl_nr = size;
	for (i = 0; i < size; i++)
		list->rl_ranks[i] = i;
	return list;
}

void
d_rank_list_free(d_rank_list_t *rank_list)
{
	if (rank_list == NULL)
		return;
	D_FREE(rank_list->rl_ranks);
	D_FREE(rank_list);
}

/* The ranks of src, and room for them, in dst. */
static int
ranks_assign(d_rank_list_t *dst, const d_rank_t *ranks, uint32_t nr)
{
	d_rank_t *copy = NULL;

	if (nr != 0) {
		D_ALLOC_ARRAY(copy, nr);
		if (copy == NULL)
			return -DER_NOMEM;
		memcpy(copy, ranks, nr * sizeof(*ranks));
	}
	D_FREE(dst->rl_ranks);
	dst->rl_ranks = copy;
	dst->rl_nr = nr;
	return 0;
}

int
d_rank_list_copy(d_rank_list_t *dst, d_rank_list_t *src)
{
	if (dst == NULL)
		return -DER_INVAL;
	if (src == NULL || dst == src)
		return 0;
	return ranks_assign(dst, src->rl_ranks, src->rl_nr);
}

int
d_rank_list_dup(d_rank_list_t **dst, const d_rank_list_t *src)
{
	d_rank_list_t *list;

	if (dst == NULL)
		return -DER_INVAL;
	if (src == NULL) {
		*dst = NULL;
		return 0;
	}
	list = d_rank_list_alloc(0);
	if (list == NULL || ranks_assign(list, src->rl_ranks, src->rl_nr) != 0) {
		d_rank_list_free(list);
		return -DER_NOMEM;
	}
	*dst = list;
	return 0;
}

static int
rank_compare(const void *a, const void *b)
{
	d_rank_t x = *(const d_rank_t *)a, y = *(const d_rank_t *)b;

	return (x > y) - (x < y);
}

void
d_rank_list_sort(d_rank_list_t *rank_list)
{
	if (rank_list == NULL || rank_list->rl_nr == 0)
		return;
	qsort(rank_list->rl_ranks, rank_list->rl_nr, sizeof(d_rank_t), rank_compare);
}

bool
d_rank_list_find(d_rank_list_t *rank_list, d_rank_t rank, int *idx)
{
	uint32_t i;

	for (i = 0; rank_list != NULL && i < rank_list->rl_nr; i++) {
		if (rank_list->rl_ranks[i] != rank)
			continue;
		if (idx != NULL)
			*idx = (int)i;
		return true;
	}
	return false;
}

bool
d_rank_in_rank_list(d_rank_list_t *rank_list, d_rank_t rank)
{
	return d_rank_list_find(rank_list, rank, NULL);
}

int
d_rank_list_append(d_rank_list_t *rank_list, d_rank_t rank)
{
	d_rank_t *ranks;

	D_REALLOC_ARRAY_NZ(ranks, rank_list->rl_ranks, rank_list->rl_nr + 1);
	if (ranks == NULL)
		return -DER_NOMEM;
	ranks[rank_list->rl_nr++] = rank;
	rank_list->rl_ranks = ranks;
	return 0;
}

bool
d_rank_list_identical(d_rank_list_t *rank_list1, d_rank_list_t *rank_list2)
{
	if (rank_list1 == rank_list2)
		return true;
	if (rank_list1 == NULL || rank_list2 == NULL || rank_list1->rl_nr != rank_list2->rl_nr)
		return false;
	return rank_list1->rl_nr == 0 || memcmp(rank_list1->rl_ranks, rank_list2->rl_ranks,
						rank_list1->rl_nr * sizeof(d_rank_t)) == 0;
}

d_rank_list_t *
uint32_array_to_rank_list(uint32_t *ints, size_t len)
{
	d_rank_list_t *list;

	if (len > UINT32_MAX)
		return NULL;
	list = d_rank_list_alloc(0);
	if (list != NULL && ranks_assign(list, ints, (uint32_t)len) != 0) {
		d_rank_list_free(list);
		return NULL;
	}
	return list;
}

int
rank_list_to_uint32_array(d_rank_list_t *rl, uint32_t **ints, size_t *len)
{
	uint32_t *array;

	if (rl == NULL || ints == NULL || len == NULL)
		return -DER_INVAL;
	D_ALLOC_ARRAY(array, MAX(rl->rl_nr, 1u));
	if (array == NULL)
		return -DER_NOMEM;
	if (rl->rl_nr != 0)
		memcpy(array, rl->rl_ranks, rl->rl_nr * sizeof(*array));
	*ints = array;
	*len = rl->rl_nr;
	return 0;
}

/* Writes sorted ranks as ranges. Each rank takes at most 11 bytes: ten digits and what separates.
 */
static void
ranges_print(const d_rank_list_t *sorted, char *text)
{
	const d_rank_t *ranks = sorted->rl_ranks;
	uint32_t i, last;

	for (i = 0; i < sorted->rl_nr; i = last + 1) {
		last = i;
		while (last + 1 < sorted->rl_nr && ranks[last + 1] - ranks[last] <= 1)
			last++;
		text += sprintf(text, "%s%u", i == 0 ? "" : ",", ranks[i]);
		if (ranks[last] != ranks[i])
			text += sprintf(text, "-%u", ranks[last]);
	}
}

int
d_rank_list_to_str(d_rank_list_t *rank_list, char **rank_str)
{
	d_rank_list_t *sorted;
	char *text;
	int rc;

	if (rank_str == NULL)
		return -DER_INVAL;
	rc = d_rank_list_dup(&sorted, rank_list);
	if (rc != 0)
		return rc;
	if (sorted == NULL) {
		*rank_str = NULL;
		return 0;
	}
	d_rank_list_sort(sorted);
	D_ALLOC(text, (size_t)sorted->rl_nr * 11 + 1);
	if (text != NULL) {
		ranges_print(sorted, text);
		*rank_str = text;
	}
	d_rank_list_free(sorted);
	return text == NULL ? -DER_NOMEM : 0;
}
