#!/bin/bash
# SPDX-License-Identifier: BSD-2-Clause-Patent
#
# Every function that the installed headers declare, and the old forms of those that were renamed, is exported by one of
# our libraries, so that no program fails at link time over a part that is not built yet.

set -eu

lib=${CAIRN_LIB:?}
source=${CAIRN_SOURCE:?}
scratch=$(mktemp -d)
trap 'rm -rf "$scratch"' EXIT

for name in gurt daos_common daos dfs duns; do
	[ -f "$lib/lib$name.so" ] || { echo "lib$name.so is not built"; exit 1; }
	nm -D --defined-only "$lib/lib$name.so"
done | awk '{ sub(/@.*/, "", $3); print $3 }' | LC_ALL=C sort -u >"$scratch/exported"

{
	awk '{ print $1 }' "$source/test/golden/public-functions.txt"
	# The headers rename these; old binaries have the plain names.
	printf '%s\n' daos_pool_connect2 daos_cont_create2 daos_cont_open2 daos_cont_destroy2 daos_obj_generate_oid2
} | LC_ALL=C sort -u >"$scratch/wanted"

missing=$(LC_ALL=C comm -13 "$scratch/exported" "$scratch/wanted")
if [ -n "$missing" ]; then
	echo "declared and not exported:"
	echo "$missing"
	exit 1
fi

# Nothing of the inside is shown under a name that a program might have itself.
strangers=$(nm -D --defined-only "$lib/libdaos.so" | awk '{ print $3 }' |
	grep -vE '^(daos|dc|d|D|dmg|dts|ds3|tse|cairn|rank_list|uint32_array)_|^CAIRN_PRIVATE_1|^DAOS_2' || true)
if [ -n "$strangers" ]; then
	echo "exported by libdaos under a name of no prefix of ours:"
	echo "$strangers"
	exit 1
fi
