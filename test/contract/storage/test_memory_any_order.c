/* SPDX-License-Identifier: BSD-2-Clause-Patent */
/* The storage contract on env/memory with disks that complete in any order. */
#include "contract/memory_subject.h"
#include "storage_contract.h"

int
main(void)
{
	struct memory_disk_options options = {
		.read_ns = 5000, .write_ns = 7000, .flush_ns = 9000, .any_order = true};
	struct memory_subject subject;
	int failed;

	memory_subject_init(&subject);
	memory_disk_defaults(subject.world, &options);
	failed = storage_contract(&subject.subject);
	memory_subject_fini(&subject);
	return failed;
}
