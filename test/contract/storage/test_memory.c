/* SPDX-License-Identifier: BSD-2-Clause-Patent */
/* The storage contract on env/memory. */
#include "contract/memory_subject.h"
#include "storage_contract.h"

int
main(void)
{
	return memory_subject_main(storage_contract);
}
