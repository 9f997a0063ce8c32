#!/usr/bin/env bash
# SPDX-License-Identifier: BSD-2-Clause-Patent
#
# The verbs of `daos filesystem` that look after file systems, on an embedded directory and a server. Needs CAIRN_BIN,
# the folder of the programs, and CAIRN_SOURCE.

set -u
. "${CAIRN_SOURCE:?}/test/integration/lib/server.sh"
scratch_make filesystem
lib=$(cd "$bin/../lib" 2>/dev/null && pwd)
export LD_LIBRARY_PATH=${lib:-}${LD_LIBRARY_PATH:+:$LD_LIBRARY_PATH}
export DAOS_EMBEDDED=$scratch/system

# ---- A tree with owners, links and attributes -----------------------------------------------------------------------

from=$scratch/from
mkdir -p "$from/below"
echo content >"$from/below/file"
ln -s file "$from/below/link"
chmod 2750 "$from/below"
if [ "$(id -u)" -eq 0 ]; then
	chown 1234:4321 "$from/below/file"
	chown 55:66 "$from/below"
	chown -h 77:88 "$from/below/link"
fi
run 0 "$bin/daos" container create default home --type=POSIX --properties=cksum:crc64,cksum_size:16384 \
	--attrs=color:blue
run 0 "$bin/daos" filesystem copy --src="$from" --dst=daos://default/home/tree
run 0 "$bin/daos" filesystem copy --src=daos://default/home/tree --dst="$scratch/back" \
	--preserve-props="$scratch/properties"
owners() { (cd "$1" && find . -printf '%P %y %m %U %G\n' | LC_ALL=C sort | tail -n +2); }
check "owners and modes come back" diff <(owners "$from") <(owners "$scratch/back")
run 0 "$bin/daos" filesystem copy --src="$scratch/back" --dst=daos://default/second/tree \
	--preserve-props="$scratch/properties"
run 0 "$bin/daos" container get-prop default second
has crc64 "16 KiB"
run 0 "$bin/daos" container get-attr default second color
has blue
run 1 "$bin/daos" filesystem copy --src="$scratch/back" --dst=daos://default/third --preserve-props=/dev/null

# ---- Check, scan, mend ----------------------------------------------------------------------------------------------

run 0 "$bin/daos" filesystem check default home
has "Number of leaked OIDs in namespace = 0"
run 0 "$bin/daos" filesystem check default home --flags=relink,verify --dir-name=found --json
has '"report"' '"status": 0'
run 2 "$bin/daos" filesystem check default home --flags=everything
run 2 "$bin/daos" filesystem check default home --flags=remove,relink
run 3 "$bin/daos" filesystem check default absent
run 0 "$bin/daos" filesystem scan default home
has "1 files" "1 symlinks" "8 bytes of total data"
run 0 "$bin/daos" filesystem scan default home --dir-name=/tree/below
has "2 scanned objects"
run 3 "$bin/daos" filesystem scan default home --dir-name=/absent
run 0 "$bin/daos" filesystem fix-sb default home --oclass=S1
has "nothing was changed"
run 2 "$bin/daos" filesystem fix-sb default home --oclass=NONE
run 0 "$bin/daos" filesystem fix-root default home --json
has '"changed": false'
run 0 "$bin/daos" filesystem fix-entry default home /tree/below/file
has "nothing was changed"
run 0 "$bin/daos" filesystem fix-entry default home --dfs-prefix=/mnt --dfs-path=/mnt/tree/below/file --chunk-size=64KiB
run 0 "$bin/daos" filesystem get-attr default home /tree/below/file
has "64 KiB"
run 3 "$bin/daos" filesystem fix-entry default home /absent
run 2 "$bin/daos" filesystem fix-entry default home

# ---- Hints, where there are two targets -----------------------------------------------------------------------------

unset DAOS_EMBEDDED
export DAOS_AGENT_DRPC_DIR=$scratch/run
start_server
run 0 "$bin/dmg" pool create tank
run 0 "$bin/daos" container create tank narrow --type=POSIX --hints=file:single,dir:max
run 0 "$bin/daos" container create tank wide --type=POSIX --hints=file:max,dir:single
class_of() { "$bin/daos" filesystem get-attr tank "$1" "$2" | sed -n 's/^ *Object Class *: *\([^ ]*\) *$/\1/p'; }
for label in narrow wide; do
	run 0 "$bin/daos" filesystem copy --src="$from" --dst=daos://tank/$label/tree
done
check "a file by hint single" test "$(class_of narrow /tree/below/file)" = S1
check "a directory by hint max" test "$(class_of narrow /tree/below)" = S2
check "a file by hint max" test "$(class_of wide /tree/below/file)" = S2
check "a directory by hint single" test "$(class_of wide /tree/below)" = S1
run 1 "$bin/daos" container create tank none --type=POSIX --hints=file:sometimes

# ---- What no mount of dfuse serves ----------------------------------------------------------------------------------

for verb in query evict; do
	run 1 "$bin/daos" filesystem $verb "$scratch"
	run 3 "$bin/daos" filesystem $verb "$scratch/absent"
done
run 0 "$bin/daos" filesystem query tank narrow

conclude
