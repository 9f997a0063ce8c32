/* SPDX-License-Identifier: BSD-2-Clause-Patent */
/* The core with its planted errors, in the place of the library. */
#define RAFT_PLANTED
#define assert_failed planted_assert_failed
#include "base/base.h"

#include "raft/planted.h"

enum raft_planted raft_planted;

#include "raft/beats.c"
#include "raft/config.c"
#include "raft/elect.c"
#include "raft/follow.c"
#include "raft/lead.c"
#include "raft/log.c"
#include "raft/member.c"
#include "raft/message.c"
#include "raft/raft.c"
#include "raft/read.c"
#include "raft/ready.c"
#include "raft/snapshot.c"
