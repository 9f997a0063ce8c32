/* SPDX-License-Identifier: BSD-2-Clause-Patent */
/* Rank lists from texts such as "0:1:2". */
#include <gurt/common.h>

#include <daos_api.h>

/* One rank, up to a character of sep or the end; NULL when there is none. */
static const char *
rank_parse(const char *text, const char *sep, d_rank_t *ret_rank)
{
	unsigned long rank;
	char *end;

	if (*text < '0' || *text > '9')
		return NULL;
	errno = 0;
	rank = strtoul(text, &end, 10);
	if (errno != 0 || rank >= CRT_NO_RANK || (*end != '\0' && strchr(sep, *end) == NULL))
		return NULL;
	*ret_rank = (d_rank_t)rank;
	return *end == '\0' ? end : end + 1;
}

d_rank_list_t *
daos_rank_list_parse(const char *str, const char *sep)
{
	d_rank_list_t *list;
	d_rank_t rank;

	if (str == NULL || sep == NULL)
		return NULL;
	list = d_rank_list_alloc(0);
	while (list != NULL && *str != '\0') {
		str = rank_parse(str, sep, &rank);
		if (str == NULL || d_rank_list_append(list, rank) != 0) {
			d_rank_list_free(list);
			return NULL;
		}
	}
	return list;
}
