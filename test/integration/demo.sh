#!/usr/bin/env bash
# SPDX-License-Identifier: BSD-2-Clause-Patent
#
# The demo judges itself; here it does so on a small tree, with each of the two ways in which an engine waits.

set -u
for backend in auto epoll; do
	log=$(BACKEND=$backend CAIRN_DEMO_FILES=1500 CAIRN_DEMO_KIB=16384 CAIRN_DEMO_PART=1 \
		bash "${CAIRN_SOURCE:?}/scripts/demo.sh" 2>&1) && continue
	printf 'BACKEND=%s:\n%s\n' "$backend" "$log"
	exit 1
done
