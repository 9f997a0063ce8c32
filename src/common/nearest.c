/* SPDX-License-Identifier: BSD-2-Clause-Patent */
/* How far two words are apart: the optimal string alignment distance (restricted
 * Damerau-Levenshtein), for the suggestions of error messages. */
#include <ctype.h>
#include <string.h>

#include "common/common.h"

#define LONGEST 63u

static uint32_t
least(uint32_t a, uint32_t b)
{
	return a < b ? a : b;
}

uint32_t
text_distance(const char *a, const char *b)
{
	/* Row i - 2, i - 1 and i of the matrix of distances between beginnings. */
	uint32_t rows[3][LONGEST + 1];
	size_t length_a = strnlen(a, LONGEST), length_b = strnlen(b, LONGEST);

	for (size_t j = 0; j <= length_b; j++)
		rows[0][j] = (uint32_t)j;
	for (size_t i = 1; i <= length_a; i++) {
		uint32_t *row = rows[i % 3], *above = rows[(i - 1) % 3];
		const uint32_t *second = rows[(i + 1) % 3];

		row[0] = (uint32_t)i;
		for (size_t j = 1; j <= length_b; j++) {
			int x = tolower((unsigned char)a[i - 1]);
			int y = tolower((unsigned char)b[j - 1]);

			row[j] = least(least(above[j], row[j - 1]) + 1, above[j - 1] + (x != y));
			if (i > 1 && j > 1 && x == tolower((unsigned char)b[j - 2]) &&
			    y == tolower((unsigned char)a[i - 2]))
				row[j] = least(row[j], second[j - 2] + 1);
		}
	}
	return rows[length_a % 3][length_b];
}

bool
text_is_near(uint32_t distance, size_t length)
{
	return distance <= 1 + length / 4;
}
