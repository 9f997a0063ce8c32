/* SPDX-License-Identifier: BSD-2-Clause-Patent */
/* The world is that of the engine's unit tests. */
#include "unit/engine/site.c"
