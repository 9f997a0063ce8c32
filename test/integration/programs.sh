#!/usr/bin/env bash
# SPDX-License-Identifier: BSD-2-Clause-Patent
#
# The programs as a user meets them: starting and stopping a server, the verbs of dmg and daos as text and as JSON,
# and what they say when something is wrong. Needs CAIRN_BIN, the folder of the programs, and CAIRN_SOURCE.

set -u
. "${CAIRN_SOURCE:?}/test/integration/lib/server.sh"
scratch_make programs

# ---- Wrong use ------------------------------------------------------------------------------------------------------

run 2 "$bin/dmg" pol list
has "did you mean \`pool'"
run 2 "$bin/dmg" pool crate
has "did you mean \`create'"
run 2 "$bin/daos" container create tank c1 --typ0=POSIX
has "did you mean \`--type'"
run 2 "$bin/daos" container query tank
has "an argument is missing"
run 0 "$bin/dmg" --help
run 0 "$bin/dmg" pool create --help
has "--size" "Examples:"
run 0 "$bin/daos" version
has "DAOS CLI version"
run 2 "$bin/daos_engine"
has "--storage is missing"

# ---- No server ------------------------------------------------------------------------------------------------------

run 6 env DAOS_AGENT_DRPC_DIR="$scratch/nothing" "$bin/dmg" pool list
has "$scratch/nothing" "daos_server start" "DER_AGENT_COMM(-2034)"
run 6 env DAOS_AGENT_DRPC_DIR="$scratch/nothing" "$bin/dmg" -j pool list
json 'j["response"] is None and j["status"] == -2034 and "pool list failed" in j["error"]'

# ---- Configuration --------------------------------------------------------------------------------------------------

printf 'name: daos_server\nengines:\n- targets: 2\n  targts: 3\n' >"$scratch/bad.yml"
run 2 "$bin/daos_server" start --config "$scratch/bad.yml"
has "bad.yml:4:3: unknown key \`targts' in engines[]: did you mean \`targets'?"
printf 'engines:\n- targets: many\n' >"$scratch/bad.yml"
run 2 "$bin/daos_server" start --config "$scratch/bad.yml"
has "bad.yml:2:12:" "no number from 1 to 64"
run 2 "$bin/daos_server" start --config "$scratch/absent.yml"
has "cannot open"
printf 'engines:\n- fabric_iface: 0.0.0.0\n' >"$scratch/bad.yml"
run 2 "$bin/daos_server" start --config "$scratch/bad.yml"
has "refuses to listen on tcp:0.0.0.0:31416" "allow_insecure"
run 2 "$bin/daos_engine" --storage "$scratch" --listen tcp:0.0.0.0:0
has "refuses to listen"
run 0 "$bin/daos_server" config explain engines
has "engines[].targets" "engines[].fabric_iface"

# ---- A server -------------------------------------------------------------------------------------------------------

printf '# nothing but a comment\n' >"$scratch/empty.yml"
start_server --config "$scratch/empty.yml"
export DAOS_AGENT_DRPC_DIR=$scratch/run
out=$(cat "$scratch/out") err='' what='daos_server start'
has "data     $scratch/data" "sockets  $scratch/run" "logs     $scratch/log/daos_engine.log" "dmg pool create tank"

check "the engine's log says how loops wait" \
	grep -Eq 'loops? waits? by (io_uring|epoll): ' "$scratch/log/daos_engine.log"
run 3 "$bin/daos_server" start --storage "$scratch/data" --socket-dir "$scratch/run2" --log-dir "$scratch/log"
has "process $server holds the data directory"
run 3 "$bin/daos_server" start --storage "$scratch/data2" --socket-dir "$scratch/run" --log-dir "$scratch/log"
has "process $server holds the socket directory"
run 3 "$bin/daos_engine" --storage "$scratch/data"
has "holds the storage"

run 0 "$bin/dmg" system query
check "system query" test "$out" = "$(printf 'Rank State  \n---- -----  \n0    Joined ')"
run 0 "$bin/dmg" -j system query
json 'j["error"] is None and j["status"] == 0 and j["response"]["members"][0]["state"] == "joined"'

# ---- Pools ----------------------------------------------------------------------------------------------------------

run 0 "$bin/dmg" pool list
has "No pools in system"
run 0 "$bin/dmg" pool create tank --size=1G
has "Creating DAOS pool with automatic storage allocation: 1.0 GB total, 6.00% storage tier ratio" \
	"  UUID                 : " "  Storage tier 0 (SCM) : " "daos container create tank"
check "--size=1G is 1.0 GB" grep -q 'Total Size *: 1.0 GB' <<<"$out"
run 4 "$bin/dmg" pool create tank
has "already exists" "unique pool label" "DER_EXIST(-1004)"
run 2 "$bin/dmg" pool create bad/label
run 2 "$bin/dmg" pool create other --size=huge
has "is no size"
run 1 "$bin/dmg" pool create other --scm-size=64MiB --nvme-size=900T
has "DER_NOSPACE(-1007)"
run 0 "$bin/dmg" pool create thin
run 0 "$bin/dmg" -j pool query thin
json 'all(t["min"] <= t["mean"] <= t["max"] for t in j["response"]["tier_stats"])'
json 'all(t["free"] // 2 == t["mean"] for t in j["response"]["tier_stats"])'
run 0 "$bin/dmg" pool list
has "Pool Size   State Used Imbalance Disabled " "tank " "thin " "0/2"
run 0 "$bin/daos" -j pool list
json '[p["label"] for p in j["response"]["pools"]] == ["tank", "thin"]'
run 0 "$bin/dmg" pool query tank
has "ntarget=2, disabled=0, leader=0" "Pool space info:" "- Storage tier 0 (SCM):"
run 0 "$bin/daos" -j pool query tank
json 'j["response"]["total_targets"] == 2 and j["response"]["state"] == "Ready"'
json 'len(j["response"]["tier_stats"]) == 2'
run 0 "$bin/dmg" pool query-targets tank
has "Target: 0, state up_in" "Target: 1, state up_in" "- Storage tier 1 (NVMe):"
run 0 "$bin/daos" -j pool query-targets tank --target-idx=1
json '[t["target"] for t in j["response"]] == [1] and j["response"][0]["target_state"] == "up_in"'
run 3 "$bin/daos" pool query-targets tank --target-idx=1,7
run 3 "$bin/dmg" pool query nope
has 'unable to find pool service with label "nope"' "dmg pool list" "DER_NONEXIST(-1005)"
run 3 "$bin/daos" -j pool query nope
json 'j["response"] is None and j["status"] == -1005 and j["fault"]["code"] == -1005'

# Properties, places, owners, shares.
run 2 "$bin/dmg" pool create other --properties=reclam:lazy
has "did you mean \`reclaim'"
run 2 "$bin/dmg" pool create other -P rd_fac:9
has "rd_fac:9 cannot be: it may be 0 to 4"
run 2 "$bin/dmg" pool create other -P label:another
has "the label is given twice"
run 1 "$bin/dmg" pool create other --ranks=0-2
has "--ranks=0-2 cannot be fulfilled" "the system has one engine" "dmg system query"
run 1 "$bin/dmg" pool create other --nranks=2
run 1 "$bin/dmg" pool create other --nsvc=3
has "one replica" "write --nsvc=1"
run 1 "$bin/dmg" pool create other --mem-ratio=50
has "not built yet"
run 2 "$bin/dmg" pool create other --user=a/b@c@d
run 2 "$bin/dmg" pool create other --size=101%
has "is no size"
printf '# Who may\nA::OWNER@:rw\n\nA:G:GROUP@:rw\n' >"$scratch/acl"
echo nonsense >"$scratch/no-acl"
run 1 "$bin/dmg" pool create other --acl-file="$scratch/no-acl"
has "A::OWNER@:rw"
run 3 "$bin/dmg" pool create other --acl-file="$scratch/absent"
run 0 "$bin/dmg" pool create --size=200MB --tier-ratio=20 --ranks="[0]" --nsvc=1 --user=me --group=us \
	--acl-file="$scratch/acl" --properties=label:props,space_rb:2%,rd_fac:1,scrub:timed,ec_cell_sz:64KiB
has "storage tier ratio" "daos container create props"
run 0 "$bin/dmg" pool get-prop props
has "Pool props properties:" "Label (label)" "Owner (owner)" " me@ " " us@ " "A::OWNER@:rw, A:G:GROUP@:rw" "64 KiB" "2%"
run 0 "$bin/dmg" -j pool get-prop props rd_fac
json '[(p["name"], p["value"]) for p in j["response"]] == [("rd_fac", "1")]'
run 0 "$bin/dmg" -j pool get-prop props scrub
json 'j["response"][0]["value"] == "timed"'
run 2 "$bin/dmg" pool get-prop props nothing
run 3 "$bin/dmg" pool get-prop nope
run 0 "$bin/dmg" -j pool create share --size=3%
json 'j["response"]["tier_bytes"][1] >= j["response"]["tier_bytes"][0] > 0'
for pool in props share; do run 0 "$bin/dmg" pool destroy $pool; done

# ---- Containers -----------------------------------------------------------------------------------------------------

run 0 "$bin/daos" cont list tank
run 0 "$bin/daos" cont create tank kv
has "type unknown" "  Container Label: kv"
run 0 "$bin/daos" container create tank files --type=POSIX
has "Successfully created container" "  Container Type : POSIX"
run 4 "$bin/daos" container create tank files --type=POSIX
has "DER_EXIST(-1004)"
run 0 "$bin/daos" cont list tank -v
has "Containers in pool tank:" "files" "POSIX" "kv" "unknown"
run 0 "$bin/daos" -j cont list tank
json '[c["label"] for c in j["response"]] == ["files", "kv"]'
run 0 "$bin/daos" cont query tank files
has "  Container Label             : files" "  Chunk Size                  : 1.0 MiB" "+0000 UTC (0x"
run 0 "$bin/daos" -j cont query tank files
json 'j["response"]["container_type"] == "POSIX" and j["response"]["chunk_size"] == 1048576'
run 0 "$bin/daos" cont check tank files
has " objects checked, 0 of them damaged"
run 0 "$bin/daos" -j cont check tank files
json 'j["response"]["checked"] > 0 and j["response"]["damaged"] == []'
run 3 "$bin/daos" cont query tank nope
has 'failed to open container "nope"' "daos container list tank" "DER_NONEXIST(-1005)"
run 3 "$bin/daos" cont create nowhere c1
has 'failed to connect to pool "nowhere"' "daos pool list"
run 3 "$bin/daos" cont destroy tank nope

# Properties and attributes; what files get; keys of objects; the system.
run 0 "$bin/daos" cont get-prop tank files
has "Properties for container files" "Layout Type (layout_type)" " POSIX " "Redundancy Factor (rd_fac)" "HEALTHY"
run 2 "$bin/daos" cont get-prop tank files nothing
run 0 "$bin/daos" cont set-prop tank kv label:pairs
run 0 "$bin/daos" -j cont get-prop tank pairs label
json '[p["value"] for p in j["response"]] == ["pairs"]'
run 2 "$bin/daos" cont set-prop tank pairs nothing:1
run 0 "$bin/daos" cont set-prop tank pairs label:kv
for owner in "cont set-attr tank kv" "pool set-attr tank"; do
	run 0 "$bin/daos" $owner color:blue,size:12
	run 0 "$bin/daos" ${owner/set/get} color,size
	has "Name  Value" "color blue" "size  12"
	run 0 "$bin/daos" ${owner/set/del} color
	run 0 "$bin/daos" -j ${owner/set/list}
	json '[a["name"] for a in j["response"]] == ["size"]'
	run 3 "$bin/daos" ${owner/set/get} color
	run 2 "$bin/daos" $owner alone
done
run 0 "$bin/daos" pool list-containers tank
has "Containers in pool tank:" "kv"
run 0 "$bin/daos" fs set-attr tank files / --oclass=SX --chunk-size=64KiB
run 0 "$bin/daos" fs get-attr tank files
has "File Creation Object Class     : SX" "Chunk Size                     : 64 KiB"
run 0 "$bin/daos" fs reset-oclass tank files
run 0 "$bin/daos" fs reset-chunk-size tank files
run 0 "$bin/daos" fs chmod tank files / --mode=0700
run 0 "$bin/daos" -j fs get-attr tank files
json 'j["response"]["chunk_size"] == 1048576 and j["response"]["mode"] == 0o700'
run 3 "$bin/daos" fs get-attr tank files /nope
run 1 "$bin/daos" fs get-attr tank kv
run 2 "$bin/daos" fs chmod tank files / --mode=9
run 0 "$bin/daos" fs reset-attr tank files
run 0 "$bin/daos" -j cont get-prop tank files root_oids
root=$(python3 -c 'import json, sys; print(json.loads(sys.argv[1])["response"][0]["value"].split(",")[0])' "$out")
run 0 "$bin/daos" object list-keys tank files --oid="$root"
has "DFS_SB_METADATA" "  DFS_MAGIC"
run 0 "$bin/daos" object dump tank files "$root"
has "records 0 to 0 of 8 bytes"
run 0 "$bin/daos" -j object query tank files "$root"
json 'j["response"]["class"] == "S1" and j["response"]["newest_epoch"] > 0'
run 2 "$bin/daos" object query tank files
run 0 "$bin/daos" system query
has "connected to DAOS system:" "name: daos_server" "rank[0]: "
run 0 "$bin/dmg" system leader-query
has "Current Leader: "
run 0 "$bin/dmg" system list-pools
has "tank"
run 0 "$bin/daos" cont link tank files --path="$scratch/linked"
run 1 "$bin/daos" cont link tank files --path="$scratch/linked"
rm -rf "$scratch/linked"

# Attributes, owners, and paths that stand for containers.
run 2 "$bin/daos" cont create tank c1 --attrs=alone
run 2 "$bin/daos" cont create tank c1 --path="$scratch/c1"
has "--path needs a --type"
run 2 "$bin/daos" cont create tank c1 --group=a/b@c@d
run 3 "$bin/daos" cont create tank c1 --acl-file="$scratch/absent"
run 4 "$bin/daos" cont create tank c1 --type=POSIX --path="$scratch/acl"
has "the path is there already"
printf 'A::OWNER@:rwdtTaAo\nA:G:GROUP@:rwtT\n' >"$scratch/acl"
run 3 "$bin/daos" cont create tank c1 --type=POSIX --path="$scratch/no/such"
has "No such file or directory"
run 0 "$bin/daos" cont create tank c1 --type=POSIX --attrs=color:blue,size:12 --group=us --acl-file="$scratch/acl" \
	--mode=balanced --chunk-size=4MiB --dir-oclass=S1 --file-oclass=S2 --hints=file:max,dir:single \
	--properties=rd_fac:0
run 0 "$bin/daos" cont query tank c1
has "Chunk Size                  : 4.0 MiB" "File Object Class           : S2"
run 0 "$bin/daos" cont destroy tank c1

# Whether the file system of the scratch directory keeps extended attributes.
keeps_attributes() {
	: >"$scratch/probe"
	python3 -c 'import os, sys; os.setxattr(sys.argv[1], "user.x", b"1")' "$scratch/probe" 2>/dev/null
}
if keeps_attributes; then
	run 0 "$bin/daos" cont create tank c1 --type=POSIX --path="$scratch/c1"
	check "the path stands for the container" python3 -c 'import os, sys
value = os.getxattr(sys.argv[1], "user.daos").decode()
sys.exit(not value.startswith("DAOS.POSIX://"))' "$scratch/c1"
	run 0 "$bin/daos" cont destroy tank c1
fi

# ---- Files ----------------------------------------------------------------------------------------------------------

mkdir -p "$scratch/tree/a/b" "$scratch/tree/empty"
echo hello >"$scratch/tree/a/hello"
head -c 3000001 /dev/urandom >"$scratch/tree/a/b/big"
: >"$scratch/tree/nothing"
ln -s a/hello "$scratch/tree/link"
ln -s /nowhere "$scratch/tree/dangling"
chmod 640 "$scratch/tree/a/hello"
chmod 500 "$scratch/tree/a/b"
touch -d '2001-02-03 04:05:06.789' "$scratch/tree/a/hello" "$scratch/tree/a"
run 0 "$bin/daos" filesystem copy --src="$scratch/tree" --dst=daos://tank/files/tree
has "Directories: 4" "Files:       3" "Links:       2"
run 0 "$bin/daos" -j fs copy -s daos://tank/files/tree -d "$scratch/back"
json 'j["response"]["copy_stats"]["num_files"] == 3 and j["response"]["copy_type"] == "DAOS->POSIX"'
check "the copy is the same" diff -r --no-dereference "$scratch/tree" "$scratch/back"
attributes() { (cd "$1" && find . ! -type l -printf '%m %T@ %p\n' -o -printf '%l %p\n' | LC_ALL=C sort -k 3); }
check "modes, times and links are the same" cmp <(attributes "$scratch/tree") <(attributes "$scratch/back")
# Into what exists, as cp does; from the root of a container; over what is there.
mkdir "$scratch/into"
run 0 "$bin/daos" fs copy -s daos://tank/files/tree/a -d "$scratch/into"
check "into a directory" diff -r "$scratch/tree/a" "$scratch/into/a"
run 0 "$bin/daos" fs copy -s daos://tank/files/ -d "$scratch/whole"
check "a whole container" diff -r --no-dereference "$scratch/tree" "$scratch/whole/tree"
echo changed >"$scratch/tree/a/hello"
run 0 "$bin/daos" fs copy -s "$scratch/tree/a/hello" -d daos://tank/files/tree/a/hello
run 0 "$bin/daos" fs copy -s daos://tank/files/tree/a/hello -d "$scratch/hello"
check "a file over a file" cmp "$scratch/tree/a/hello" "$scratch/hello"
run 3 "$bin/daos" fs copy -s "$scratch/absent" -d daos://tank/files/absent
run 3 "$bin/daos" fs copy -s daos://tank/files/absent -d "$scratch/absent"
run 3 "$bin/daos" fs copy -s daos://tank/nope/x -d "$scratch/absent"
run 2 "$bin/daos" fs copy -s "$scratch/tree"
mkfifo "$scratch/tree/pipe"
run 1 "$bin/daos" fs copy -s "$scratch/tree" -d daos://tank/files/odd
has "pipe"
run 0 "$bin/daos" fs copy -s "$scratch/tree" -d daos://tank/files/odd2 --ignore-unsupported
has "Skipped:     1"

# Extended attributes go both ways; that which says where a container is stays.
if keeps_attributes; then
	mkdir -p "$scratch/marked/d"
	echo x >"$scratch/marked/f"
	python3 - "$scratch/marked" <<'PYTHON'
import os, sys
os.chdir(sys.argv[1])
os.setxattr("f", "user.color", b"blue")
os.setxattr("f", "user.daos", b"not a container")
os.setxattr("d", "user.long", bytes(range(256)) * 10)
PYTHON
	chmod 500 "$scratch/marked/d"
	touch -d '2001-02-03 04:05:06.789' "$scratch/marked/f" "$scratch/marked/d"
	run 0 "$bin/daos" fs copy -s "$scratch/marked" -d daos://tank/files/marked
	has "Attributes:  2"
	run 0 "$bin/daos" -j fs copy -s daos://tank/files/marked -d "$scratch/unmarked"
	json 'j["response"]["copy_stats"]["num_attributes"] == 2'
	check "extended attributes are the same" python3 - "$scratch/unmarked" <<'PYTHON'
import os, sys
os.chdir(sys.argv[1])
assert os.listxattr("f") == ["user.color"] and os.getxattr("f", "user.color") == b"blue"
assert os.listxattr("d") == ["user.long"] and os.getxattr("d", "user.long") == bytes(range(256)) * 10
PYTHON
	check "modes and times are the same" cmp <(attributes "$scratch/marked/d") <(attributes "$scratch/unmarked/d")
fi

# ---- A full pool ----------------------------------------------------------------------------------------------------

run 0 "$bin/dmg" pool create small --scm-size=64MiB --nvme-size=64MiB
run 0 "$bin/daos" cont create small files --type=POSIX
mkdir "$scratch/much"
head -c 20000000 /dev/zero | tr '\0' x >"$scratch/much/1"
for i in 2 3 4 5; do cp "$scratch/much/1" "$scratch/much/$i"; done
run 1 "$bin/daos" fs copy -s "$scratch/much" -d daos://small/files/much
has "No space left on device"
run 0 "$bin/daos" cont query small files
run 0 "$bin/daos" fs copy -s daos://tank/files/tree/a/hello -d "$scratch/hello2"
check "others are not touched by a full pool" cmp "$scratch/tree/a/hello" "$scratch/hello2"

# ---- Destroying -----------------------------------------------------------------------------------------------------

run 9 "$bin/dmg" pool destroy tank
has "--recursive"
run 0 "$bin/daos" cont destroy tank kv
has "Successfully destroyed container kv"
run 0 "$bin/dmg" pool destroy small --force --recursive
has "Pool-destroy command succeeded"
run 3 "$bin/dmg" pool destroy small

# ---- The engine dies, the server starts it again --------------------------------------------------------------------

engine_kill
serves_again() { grep -q 'serves again' "$scratch/out"; }
until_true 10 serves_again
out=$(cat "$scratch/out") what='a killed engine'
has "was killed by signal 9" "The engine serves again"
run 0 "$bin/daos" fs copy -s daos://tank/files/tree/a/hello -d "$scratch/hello3"
check "what was there before" cmp "$scratch/tree/a/hello" "$scratch/hello3"

# ---- Ctrl-C ---------------------------------------------------------------------------------------------------------

before=$(date +%s%3N)
kill -INT "$server"
for ((i = 0; i < 100; i++)); do
	kill -0 "$server" 2>/dev/null || break
	sleep 0.05
done
took=$(($(date +%s%3N) - before))
wait "$server"
check "the server stops with status 0" test $? -eq 0
check "the server stops within 2 s, not $took ms" test $took -lt 2200
server=
run 6 "$bin/dmg" pool list
has "no engine-0.sock in it"

# ---- Again, with what is there --------------------------------------------------------------------------------------

start_server
run 0 "$bin/daos" fs copy -s daos://tank/files/tree/a/hello -d "$scratch/hello4"
check "what was there before the stop" cmp "$scratch/tree/a/hello" "$scratch/hello4"
end TERM "$server"
server=

# ---- A data directory of another version, and a damaged one ----------------------------------------------------------

refused() {
	cp "$scratch/data/superblock" "$scratch/superblock"
	run 4 "$bin/daos_server" start --storage "$scratch/data" --socket-dir "$scratch/run" --log-dir "$scratch/log" \
		--targets 2
	has "cannot start on $scratch/data" "$@"
	check "nothing was changed" cmp "$scratch/data/superblock" "$scratch/superblock"
}

# Both copies of the superblock get another version (at byte 8) and the sum (CRC-32C, at byte 12) that fits it.
cp "$scratch/data/superblock" "$scratch/good"
if command -v python3 >/dev/null; then
	python3 - "$scratch/data/superblock" <<'PYTHON'
import struct, sys
def crc32c(data):
    crc = 0xffffffff
    for byte in data:
        crc ^= byte
        for _ in range(8):
            crc = crc >> 1 ^ (0x82f63b78 if crc & 1 else 0)
    return crc ^ 0xffffffff
path = sys.argv[1]
blocks = bytearray(open(path, "rb").read())
for at in range(0, len(blocks), 4096):
    block = blocks[at:at + 4096]
    if not any(block):
        continue
    stored = struct.unpack_from("<I", block, 12)[0]
    struct.pack_into("<I", block, 12, 0)
    assert crc32c(block) == stored, "the layout of the superblock has changed: see docs/formats"
    struct.pack_into("<I", block, 8, 77)
    struct.pack_into("<I", block, 12, crc32c(block))
    blocks[at:at + 4096] = block
open(path, "wb").write(blocks)
PYTHON
	check "another version was written" test $? -eq 0
	refused "format version 77" "start it with the program that made it" "DER_DF_INCOMPT(-2023)"
fi
head -c 8192 /dev/urandom >"$scratch/data/superblock"
refused "superblock is damaged" "DER_DF_INVAL(-2022)"
cp "$scratch/good" "$scratch/data/superblock"
start_server
run 0 "$bin/daos" fs copy -s daos://tank/files/tree/a/hello -d "$scratch/hello5"
check "nothing is lost" cmp "$scratch/tree/a/hello" "$scratch/hello5"

conclude
