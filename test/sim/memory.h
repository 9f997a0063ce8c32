/* SPDX-License-Identifier: BSD-2-Clause-Patent */
/* Memory of the simulator itself: running out of it ends the program. */
#pragma once

#include <stddef.h>

/* size bytes, zeroed, never NULL; free(). */
void *sim_take(size_t size);
/* As realloc(), never NULL. */
void *sim_grow(void *block, size_t size);
