/* SPDX-License-Identifier: BSD-2-Clause-Patent */
/* The fault points of the source, in an order that does not depend on how it was linked. */
#pragma once

#include <stdint.h>

uint32_t points_count(void);
const char *points_name(uint32_t index);
