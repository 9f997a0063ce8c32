/* SPDX-License-Identifier: BSD-2-Clause-Patent */
/* Keys as texts for messages. */
#include <ctype.h>

#include <daos/common.h>

struct daos_key_text
daos_key_to_text(const daos_key_t *key)
{
	struct daos_key_text t = {{0}};
	size_t i;

	if (key->iov_buf == NULL)
		return t;
	for (i = 0; i < key->iov_len && i < sizeof(t.text) - 1; i++) {
		unsigned char c = ((const unsigned char *)key->iov_buf)[i];

		t.text[i] = isprint(c) ? (char)c : '.';
	}
	return t;
}
