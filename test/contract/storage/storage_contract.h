/* SPDX-License-Identifier: BSD-2-Clause-Patent */
/* The contract of the storage seam, run on any implementation. */
#pragma once

#include "contract/subject.h"

/* Returns the number of tests that failed. */
int storage_contract(struct subject *subject);
