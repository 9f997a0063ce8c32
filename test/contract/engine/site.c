/* SPDX-License-Identifier: BSD-2-Clause-Patent */
/* The site of the engine's own tests. */
#include "unit/engine/site.c"
