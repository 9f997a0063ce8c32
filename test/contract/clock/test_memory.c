/* SPDX-License-Identifier: BSD-2-Clause-Patent */
/* The clock contract on env/memory. */
#include "contract/memory_subject.h"
#include "clock_contract.h"

int
main(void)
{
	return memory_subject_main(clock_contract);
}
