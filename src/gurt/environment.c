/* SPDX-License-Identifier: BSD-2-Clause-Patent */
/* Environment variables, under one lock, because setenv may move what getenv returned. */
#include <gurt/common.h>

static pthread_rwlock_t environment_lock = PTHREAD_RWLOCK_INITIALIZER;

int
d_agetenv_str(char **str_val, const char *name)
{
	const char *value;
	char *copy = NULL;

	D_RWLOCK_RDLOCK(&environment_lock);
	value = getenv(name);
	if (value != NULL)
		copy = strdup(value);
	D_RWLOCK_UNLOCK(&environment_lock);
	if (copy == NULL)
		return value == NULL ? -DER_NONEXIST : -DER_NOMEM;
	*str_val = copy;
	return 0;
}

void
d_freeenv_str(char **str_val)
{
	D_FREE(*str_val);
}

int
d_getenv_str(char *str_val, size_t str_size, const char *name)
{
	const char *value;
	size_t size = 0;

	D_RWLOCK_RDLOCK(&environment_lock);
	value = getenv(name);
	if (value != NULL)
		size = strlen(value) + 1;
	if (size != 0 && size <= str_size)
		memcpy(str_val, value, size);
	D_RWLOCK_UNLOCK(&environment_lock);
	if (size == 0)
		return -DER_NONEXIST;
	return size <= str_size ? 0 : -DER_TRUNC;
}

bool
d_isenv_def(char *name)
{
	bool defined;

	D_RWLOCK_RDLOCK(&environment_lock);
	defined = getenv(name) != NULL;
	D_RWLOCK_UNLOCK(&environment_lock);
	return defined;
}

int
d_setenv(const char *name, const char *value, int overwrite)
{
	int rc;

	D_RWLOCK_WRLOCK(&environment_lock);
	rc = setenv(name, value, overwrite);
	D_RWLOCK_UNLOCK(&environment_lock);
	return rc;
}

int
d_unsetenv(const char *name)
{
	int rc;

	D_RWLOCK_WRLOCK(&environment_lock);
	rc = unsetenv(name);
	D_RWLOCK_UNLOCK(&environment_lock);
	return rc;
}

/* A decimal number and nothing else but leading space; strtoull alone would take "-1" and "". */
static int
number_parse(const char *text, unsigned long long limit, unsigned long long *ret_number)
{
	unsigned long long number;
	char *end;

	while (*text == ' ' || *text == '\t')
		text++;
	if (*text < '0' || *text > '9')
		return -DER_INVAL;
	errno = 0;
	number = strtoull(text, &end, 10);
	if (errno != 0 || *end != '\0' || number > limit)
		return -DER_INVAL;
	*ret_number = number;
	return 0;
}

static int
number_get(const char *name, unsigned long long limit, unsigned long long *ret_number)
{
	char *text;
	int rc;

	rc = d_agetenv_str(&text, name);
	if (rc != 0)
		return rc;
	rc = number_parse(text, limit, ret_number);
	d_freeenv_str(&text);
	return rc;
}

int
d_getenv_bool(const char *name, bool *bool_val)
{
	char *text, *end;
	long number;
	int rc;

	rc = d_agetenv_str(&text, name);
	if (rc != 0)
		return rc;
	number = strtol(text, &end, 10);
	*bool_val = end == text || *end != '\0' || number != 0;
	d_freeenv_str(&text);
	return 0;
}

int
d_getenv_uint(const char *name, unsigned int *uint_val)
{
	unsigned long long number;
	int rc;

	rc = number_get(name, UINT_MAX, &number);
	if (rc == 0)
		*uint_val = (unsigned int)number;
	return rc;
}

int
d_getenv_int(const char *name, unsigned int *uint_val)
{
	return d_getenv_uint(name, uint_val);
}

int
d_getenv_uint32_t(const char *name, uint32_t *uint32_val)
{
	unsigned long long number;
	int rc;

	rc = number_get(name, UINT32_MAX, &number);
	if (rc == 0)
		*uint32_val = (uint32_t)number;
	return rc;
}

int
d_getenv_uint64_t(const char *name, uint64_t *uint64_val)
{
	unsigned long long number;
	int rc;

	rc = number_get(name, UINT64_MAX, &number);
	if (rc == 0)
		*uint64_val = number;
	return rc;
}
