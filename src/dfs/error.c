/* SPDX-License-Identifier: BSD-2-Clause-Patent */
/* From codes to errno values, and the way of each public function onto a fiber. */
#include "dfs/private.h"
#include "daos/common.h"

int
file_errno(int code)
{
	if (code >= 0)
		return code;
	if (code < -FILE_ERRNO_BASE)
		return -code - FILE_ERRNO_BASE;
	switch (code) {
	case -DER_NOSYS:
		return ENOSYS;
	case -DER_TRUNC:
		return ERANGE;
	case -DER_UNINIT:
		return EACCES;
	default:
		return daos_der2errno(code);
	}
}

int
file_run(int (*function)(void *arguments), void *arguments)
{
	return file_errno(client_run(NULL, function, arguments, 0));
}

int
file_launch(daos_event_t *event, int (*function)(void *arguments), void *arguments, size_t size)
{
	return file_errno(client_run(event, function, arguments, size));
}

void *
file_alloc(size_t size)
{
	void *memory = client_alloc(size);

	if (memory)
		memset(memory, 0, size);
	return memory;
}

char *
file_strdup(const char *text)
{
	size_t size = strlen(text) + 1;
	char *copy = client_alloc(size);

	return copy ? memcpy(copy, text, size) : NULL;
}
