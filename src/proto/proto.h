/* SPDX-License-Identifier: BSD-2-Clause-Patent */
/*
 * What travels between clients and engines: one flat little-endian struct per message, with its
 * version and size first, followed by sections of counted bytes. Pure: encoders write into a struct
 * writer, decoders read from a struct reader and check every length; each decoder is a fuzz target.
 * docs/formats/wire.md is the normative page.
 */
#pragma once

#include "base/base.h"

#include "proto/header.h"
#include "proto/system.h"
#include "proto/pool.h"
#include "proto/container.h"
#include "proto/object.h"
