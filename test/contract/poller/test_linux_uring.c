/* SPDX-License-Identifier: BSD-2-Clause-Patent */
/* The poller contract on env/linux with io_uring. */
#include "contract/linux_subject.h"
#include "poller_contract.h"

int
main(void)
{
	return linux_subject_main(LINUX_URING, "io_uring", poller_contract);
}
