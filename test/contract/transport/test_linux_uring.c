/* SPDX-License-Identifier: BSD-2-Clause-Patent */
/* The transport contract on env/linux with io_uring. */
#include "contract/linux_subject.h"
#include "transport_contract.h"

int
main(void)
{
	return linux_subject_main(LINUX_URING, "io_uring", transport_contract);
}
