/* SPDX-License-Identifier: BSD-2-Clause-Patent */
/* The clock contract on env/linux with io_uring. */
#include "contract/linux_subject.h"
#include "clock_contract.h"

int
main(void)
{
	return linux_subject_main(LINUX_URING, "io_uring", clock_contract);
}
