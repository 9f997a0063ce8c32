/* SPDX-License-Identifier: BSD-2-Clause-Patent */
/* The storage contract on env/linux with io_uring. */
#include "contract/linux_subject.h"
#include "storage_contract.h"

int
main(void)
{
	return linux_subject_main(LINUX_URING, "io_uring", storage_contract);
}
