/* SPDX-License-Identifier: BSD-2-Clause-Patent */
/* The transport contract on env/memory. */
#include "contract/memory_subject.h"
#include "transport_contract.h"

int
main(void)
{
	return memory_subject_main(transport_contract);
}
