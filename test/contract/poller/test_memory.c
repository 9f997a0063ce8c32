/* SPDX-License-Identifier: BSD-2-Clause-Patent */
/* The poller contract on env/memory. */
#include "contract/memory_subject.h"
#include "poller_contract.h"

int
main(void)
{
	return memory_subject_main(poller_contract);
}
