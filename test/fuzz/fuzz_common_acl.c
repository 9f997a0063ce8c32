/* SPDX-License-Identifier: BSD-2-Clause-Patent */
/* Access control lists as texts, and as bytes of any origin. What is accepted can be written as
 * text and read again as the same. */
#include <stdlib.h>
#include <string.h>

#include <daos_errno.h>
#include <daos_security.h>

#include "base/base.h"

#define TEXTS 16u

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/* The bytes that fill an entry up need not be the same. */
static void
same_texts(struct daos_acl *acl, char **wanted, size_t wanted_count)
{
	char **texts = NULL;
	size_t count = 0;

	ASSERT(daos_acl_to_strs(acl, &texts, &count) == 0 && count == wanted_count);
	for (size_t i = 0; i < count; i++) {
		ASSERT(strcmp(texts[i], wanted[i]) == 0);
		free(texts[i]);
	}
	free(texts);
}

static void
again(struct daos_acl *acl)
{
	struct daos_acl *same = NULL;
	char **texts = NULL;
	size_t count = 0;

	if (daos_acl_to_strs(acl, &texts, &count) != 0)
		return;
	if (count > 0) {
		ASSERT(daos_acl_from_strs((const char **)(uintptr_t)texts, count, &same) == 0);
		ASSERT(daos_acl_get_size(same) == daos_acl_get_size(acl));
		same_texts(same, texts, count);
	}
	for (size_t i = 0; i < count; i++)
		free(texts[i]);
	free(texts);
	daos_acl_free(same);
}

static void
one_text(const char *text)
{
	enum daos_acl_principal_type type;
	struct daos_ace *ace = NULL;
	char buffer[DAOS_ACL_MAX_ACE_STR_LEN], *name = NULL;

	if (daos_ace_from_str(text, &ace) == 0) {
		ASSERT(daos_ace_is_valid(ace));
		ASSERT(daos_ace_to_str(ace, buffer, sizeof(buffer)) == 0);
		daos_ace_free(ace);
	}
	(void)!daos_ace_str_get_verbose(text, buffer, sizeof(buffer));
	if (daos_acl_principal_from_str(text, &type, &name) == 0)
		free(name);
}

/* Lines of a list. */
static void
texts(const uint8_t *data, size_t size)
{
	const char *list[TEXTS];
	struct daos_acl *acl = NULL;
	size_t count = 0;
	char *copy = malloc(size + 1);

	ASSERT(copy);
	memcpy(copy, data, size);
	copy[size] = '\0';
	for (char *at = copy, *end; at && count < TEXTS; at = end) {
		end = strchr(at, '\n');
		if (end)
			*end++ = '\0';
		one_text(at);
		list[count++] = at;
	}
	if (daos_acl_from_strs(list, count, &acl) == 0) {
		ASSERT(daos_acl_validate(acl) == 0);
		again(acl);
		daos_acl_free(acl);
	}
	free(copy);
}

/* A list says how long it is: only its head and that much may be read. */
static void
bytes(const uint8_t *data, size_t size)
{
	struct daos_acl *acl, *copy;

	if (size < sizeof(*acl))
		return;
	acl = malloc(size);
	ASSERT(acl);
	memcpy(acl, data, size);
	if (acl->dal_len <= size - sizeof(*acl) && daos_acl_validate(acl) == 0) {
		copy = daos_acl_dup(acl);
		ASSERT(copy && daos_acl_validate(copy) == 0);
		again(copy);
		daos_acl_free(copy);
	}
	free(acl);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	if (size == 0 || size > 16384)
		return 0;
	if (data[0] % 2)
		texts(data + 1, size - 1);
	else
		bytes(data + 1, size - 1);
	return 0;
}
