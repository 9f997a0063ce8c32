/* SPDX-License-Identifier: BSD-2-Clause-Patent */
/* The one header of base for other modules. */
#pragma once

#ifndef MODULE_NAME
#define MODULE_NAME "cairn"
#endif

#include "base/compiler.h"
#include "base/context.h"
#include "base/error.h"
#include "base/arena.h"
#include "base/bytes.h"
#include "base/crc.h"
#include "base/hash.h"
#include "base/hlc.h"
#include "base/id.h"
#include "base/iov.h"
#include "base/list.h"
#include "base/log.h"
#include "base/mark.h"
#include "base/metric.h"
#include "base/piece.h"
#include "base/priority_queue.h"
#include "base/table.h"
#include "base/tree.h"
#include "base/uuid.h"
