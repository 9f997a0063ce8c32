/* SPDX-License-Identifier: BSD-2-Clause-Patent */
/* The contract of the transport seam, run on any implementation. */
#pragma once

#include "contract/subject.h"

/* Returns the number of tests that failed. */
int transport_contract(struct subject *subject);
