/* SPDX-License-Identifier: BSD-2-Clause-Patent */
/* The transport contract on env/linux with epoll. */
#include "contract/linux_subject.h"
#include "transport_contract.h"

int
main(void)
{
	return linux_subject_main(LINUX_EPOLL, "epoll", transport_contract);
}
