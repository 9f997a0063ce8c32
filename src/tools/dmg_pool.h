/* SPDX-License-Identifier: BSD-2-Clause-Patent */
/* The verbs of `dmg`. */
#pragma once

#include "tools/command.h"

extern const struct command dmg_pool_commands[];
extern const struct command dmg_container_commands[];
extern const struct command dmg_system_commands[];
