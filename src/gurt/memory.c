/* SPDX-License-Identifier: BSD-2-Clause-Patent */
/* Memory: the C library's, under names that programs call and preloaded libraries may replace. */
#include <stdarg.h>

#include <gurt/common.h>

void *
d_malloc(size_t size)
{
	return malloc(size);
}

void *
d_calloc(size_t nmemb, size_t size)
{
	return calloc(nmemb, size);
}

void *
d_realloc(void *ptr, size_t size)
{
	return realloc(ptr, size);
}

void *
d_reallocarray(void *ptr, size_t count, size_t size)
{
	if (size != 0 && count > SIZE_MAX / size) {
		errno = ENOMEM;
		return NULL;
	}
	return realloc(ptr, count * size);
}

void *
d_aligned_alloc(size_t alignment, size_t size, bool zero)
{
	void *ptr;

	if (posix_memalign(&ptr, MAX(alignment, sizeof(void *)), size) != 0)
		return NULL;
	return zero ? memset(ptr, 0, size) : ptr;
}

void
d_free(void *ptr)
{
	free(ptr);
}

char *
d_strndup(const char *s, size_t n)
{
	return strndup(s, n);
}

char *
d_asprintf(const char *fmt, ...)
{
	va_list ap;
	char *text;
	int rc;

	va_start(ap, fmt);
	rc = vasprintf(&text, fmt, ap);
	va_end(ap);
	return rc < 0 ? NULL : text;
}

char *
d_realpath(const char *path)
{
	return realpath(path, NULL);
}
