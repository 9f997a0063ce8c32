/* SPDX-License-Identifier: BSD-2-Clause-Patent */
/* Scatter-gather lists of the public interface as vectors, and back. */
#include "client/private.h"

int
sgl_vector(struct arena *arena, const d_sg_list_t *sgl, bool capacity, struct iovec **ret_iov,
	   uint32_t *ret_count)
{
	uint32_t count = sgl ? sgl->sg_nr : 0;
	struct iovec *iov;

	*ret_iov = NULL;
	*ret_count = 0;
	if (count == 0)
		return 0;
	if (sgl->sg_iovs == NULL)
		return -DER_INVAL;
	iov = arena_alloc(arena, count * sizeof(*iov));
	if (iov == NULL)
		return -DER_NOMEM;
	for (uint32_t i = 0; i < count; i++) {
		const d_iov_t *from = &sgl->sg_iovs[i];
		size_t length = capacity ? from->iov_buf_len : from->iov_len;

		if (from->iov_buf == NULL && length > 0) {
			arena_free(arena, iov);
			return -DER_INVAL;
		}
		if (length > 0)
			iov[(*ret_count)++] = (struct iovec){from->iov_buf, length};
	}
	*ret_iov = iov;
	return 0;
}

void
sgl_filled(d_sg_list_t *sgl, uint64_t length)
{
	sgl->sg_nr_out = 0;
	for (uint32_t i = 0; i < sgl->sg_nr; i++) {
		d_iov_t *iov = &sgl->sg_iovs[i];

		iov->iov_len = min_of((uint64_t)iov->iov_buf_len, length);
		length -= iov->iov_len;
		if (iov->iov_len > 0)
			sgl->sg_nr_out = i + 1;
	}
}
