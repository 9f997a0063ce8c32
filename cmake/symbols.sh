#!/bin/sh
# SPDX-License-Identifier: BSD-2-Clause-Patent
#
# The symbols of the shared libraries. A name is public when an installed header has it and it begins like DAOS's
# names; every other global name becomes cairn_<name>, so that no program's own function takes its place, and is shown
# to our own libraries only, as version CAIRN_PRIVATE_1.
#
#   symbols.sh rename INCLUDE_DIR ARCHIVE...   prints the pairs for objcopy --redefine-syms
#   symbols.sh export INCLUDE_DIR ARCHIVE...   prints the version script of a library made of these archives
#   symbols.sh alone PREFIX                    prints the version script that shows PREFIX_* and nothing else

set -eu

defined() {
	nm --quiet --defined-only --extern-only --format=posix "$@" |
		awk '$2 ~ /^[A-Z]$/ && $1 ~ /^[A-Za-z][A-Za-z0-9_]*$/ { print $1 }' | LC_ALL=C sort -u
}

# The names in the installed headers that begin like DAOS's.
installed() {
	find "$1" -name '*.h' -exec cat {} + | tr -cs 'A-Za-z0-9_' '\n' |
		grep -E -e '^(daos|dfs|duns|ds3|dmg|dts|tse|dc|d|D)_' \
			-e '^(rank_list_to_uint32_array|uint32_array_to_rank_list)$' | LC_ALL=C sort -u
}

command=$1
include=$2
shift 2
scratch=$(mktemp -d)
trap 'rm -rf "$scratch"' EXIT

case $command in
rename)
	installed "$include" >"$scratch/installed" || true
	defined "$@" | LC_ALL=C comm -23 - "$scratch/installed" | awk '{ print $1, "cairn_" $1 }'
	;;
export)
	installed "$include" >"$scratch/installed" || true
	echo "DAOS_2 {"
	defined "$@" | LC_ALL=C comm -12 - "$scratch/installed" |
		awk 'NR == 1 { print "global:" } { print "\t" $1 ";" }'
	echo "};"
	echo "CAIRN_PRIVATE_1 { global: cairn_*; local: *; };"
	;;
alone)
	echo "CAIRN_PRIVATE_1 { global: ${include}_*; local: *; };"
	;;
*)
	echo "symbols.sh: unknown command $command" >&2
	exit 1
	;;
esac
