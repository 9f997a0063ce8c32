#!/usr/bin/env bash
# SPDX-License-Identifier: BSD-2-Clause-Patent
#
# Measures Cairn against its floors (bench/floor/README.md), prints a table and writes bench/results/<date>.jsonl, one
# JSON object a row. Floor and ours take turns; what counts is the least CPU time, or p50, of all rounds. A row is void
# when its floor's least values of the first and the second half of the rounds differ by more than 15 %.
#
#   SECONDS_PER_ROUND  of each load [1]
#   ROUNDS             at least 5 [6]
#   BACKEND            of the engines: auto, uring, epoll [auto]
#   OUTPUT             the folder with bin/ and bench/ of a release build [build, which is built]
#   RESULTS            the file to write
# --long: growth to 10^7 keys
# --mounts: only what concerns mounts; its rows go to bench/results/<date>-mounts.jsonl

set -u
export LC_ALL=C
cd "$(dirname "$(readlink -f "$0")")/.." || exit 1

SECONDS_PER_ROUND=${SECONDS_PER_ROUND:-1}
ROUNDS=${ROUNDS:-6}
BACKEND=${BACKEND:-auto}
results=bench/results/$(date -u +%Y-%m-%d)
[ "${1:-}" != --mounts ] || results+=-mounts
RESULTS=${RESULTS:-$results.jsonl}
# Bounds what updates leave behind on RAM-backed storage.
OPERATIONS=20000
IDLE_POOLS=1000
WARM_MIB=6144
LONG=()
[ "${1:-}" != --long ] || LONG=(--long)

if [ -z "${OUTPUT:-}" ]; then
	OUTPUT=$PWD/build
	ninja -C build/release --quiet floors benches daos_engine dmg dfuse_program || exit 1
fi
if [ "$ROUNDS" -lt 5 ]; then
	echo "ROUNDS=$ROUNDS: minima over fewer than 5 rounds mean nothing" >&2
	exit 2
fi

# ---- Places and processes -------------------------------------------------------------------------------------------

ram=$(mktemp -d /dev/shm/cairn-bench-XXXXXX) || exit 1
disk=$(mktemp -d "$OUTPUT/bench-disk-XXXXXX") || exit 1
samples=$ram/samples
: >"$samples"
declare -A engine_pid engine_address mount_pid
image=

# Also while a load runs: it ends when its engine does.
clean_up() {
	local name
	for name in "${!mount_pid[@]}"; do
		mount_stop "$name"
	done
	[ -z "$image" ] || umount "$image"
	for name in "${!engine_pid[@]}"; do
		kill "${engine_pid[$name]}" 2>/dev/null
	done
	for name in "${!engine_pid[@]}"; do
		wait "${engine_pid[$name]}" 2>/dev/null
	done
	rm -rf "$ram" "$disk"
}
trap clean_up EXIT
trap 'exit 130' INT TERM

fail() {
	echo "bench: $*" >&2
	exit 1
}

# The cores that this script may use: one for the client, one for the server, as the floors place themselves with --pin.
cores=()
for range in $(sed -n 's/^Cpus_allowed_list:[[:space:]]*//p' /proc/self/status | tr , ' '); do
	for ((core = ${range%-*}; core <= ${range#*-}; core++)); do
		cores+=("$core")
	done
done
all_cores=$(IFS=,; echo "${cores[*]}")
client_core=${cores[0]}
server_core=${cores[1]:-${cores[0]}}

# engine_run NAME DIRECTORY CORES OPTION...: an engine on storage that is there.
engine_run() {
	local name=$1 directory=$2/$1 on=$3 line='' tries=0
	shift 3
	: >"$directory/ready"
	taskset -c "$on" "$OUTPUT/bin/daos_engine" --storage "$directory" --listen tcp:127.0.0.1:0 --thin \
		--backend "$BACKEND" --log "$directory/log" "$@" >"$directory/ready" 2>"$directory/errors" &
	engine_pid[$name]=$!
	until line=$(grep -o 'tcp:[^ ]*' "$directory/ready"); do
		kill -0 "${engine_pid[$name]}" 2>/dev/null || fail "engine $name ended: $(cat "$directory/errors")"
		[ $((tries += 1)) -le 3000 ] || fail "engine $name is not ready after 30 s"
		sleep 0.01
	done
	engine_address[$name]=$line
}

# pool_create ENGINE LABEL OPTION...
pool_create() {
	CAIRN_ENGINE=${engine_address[$1]} timeout 30 "$OUTPUT/bin/dmg" pool create "${@:2}" >"$ram/pool" 2>&1 ||
		fail "no pool $2 on engine $1: $(cat "$ram/pool")"
}

# engine_start NAME DIRECTORY CORES OPTION...: an engine of its own with a pool `bench`.
engine_start() {
	mkdir "$2/$1" || exit 1
	engine_run "$@" --format
	pool_create "$1" bench
}

engine_stop() {
	kill "${engine_pid[$1]}"
	wait "${engine_pid[$1]}" || echo "bench: engine $1 ended with status $?" >&2
	unset "engine_pid[$1]"
	rm -rf "${2:?}/$1"
}

# ---- Samples --------------------------------------------------------------------------------------------------------

# sample NAME JSON FIELD: keeps one number of a line, as `NAME ROUND NUMBER`.
sample() {
	local number
	number=$(sed -n "s/.*\"$3\": *\\([0-9.]*\\).*/\\1/p" <<<"$2")
	[ -n "$number" ] || fail "$1: there is no $3 in: $2"
	echo "$1 $round $number" >>"$samples"
}

# floor NAME FIELD PROGRAM OPTION...
floor() {
	local name=$1 field=$2 program=$3 line
	shift 3
	line=$(timeout 120 "$OUTPUT/bench/floor_$program" --pin "$@") || fail "floor_$program failed"
	sample "$name" "$line" "$field"
}

# load NAME ENGINE CORES OPTION...: keeps CPU of both sides, p50 and rate.
load() {
	local name=$1 engine=$2 on=$3 line
	shift 3
	line=$(CAIRN_ENGINE=${engine_address[$engine]} timeout 120 taskset -c "$on" "$OUTPUT/bench/load" \
		--server "${engine_pid[$engine]}" --seconds "$SECONDS_PER_ROUND" --ops $OPERATIONS "$@") ||
		fail "load $name on engine $engine failed"
	sample "$name.server" "$line" server_cpu_ns_per_op
	sample "$name.client" "$line" client_cpu_ns_per_op
	sample "$name.both" "$line" both_cpu_ns_per_op
	sample "$name.p50" "$line" p50_ns
	sample "$name.rate" "$line" ops_per_second
}

# fill ENGINE: every key that the loads read.
fill() {
	local mode
	for mode in "update --size 4096" "kv-put --size 128"; do
		CAIRN_ENGINE=${engine_address[$1]} timeout 120 "$OUTPUT/bench/load" --mode $mode --fill --seconds 0 ||
			fail "engine $1 cannot be filled"
	done
}

# files NAME ENGINE OPTION...: keeps CPU of the server and of both sides for create, stat and unlink.
files() {
	local name=$1 engine=$2 lines phase
	shift 2
	lines=$(CAIRN_ENGINE=${engine_address[$engine]} timeout 120 taskset -c "$client_core" "$OUTPUT/bench/files" \
		--server "${engine_pid[$engine]}" "$@") || fail "files on engine $engine failed"
	for phase in create stat unlink; do
		sample "$name.$phase.server" "$(grep "\"$phase\"" <<<"$lines")" server_cpu_ns_per_op
		sample "$name.$phase.both" "$(grep "\"$phase\"" <<<"$lines")" both_cpu_ns_per_op
	done
}

# Nanoseconds of CPU that an engine has used.
engine_cpu() { cat /proc/"${engine_pid[$1]}"/task/*/schedstat | awk '{ sum += $1 } END { printf "%.0f\n", sum }'; }

# Bytes that an engine has handed to write calls.
engine_written() { sed -n 's/^wchar: //p' /proc/"${engine_pid[$1]}"/io; }

least() { awk -v name="$1" '$1 == name && (!n++ || $3 < min) { min = $3 } END { print min }' "$samples"; }
most() { awk -v name="$1" '$1 == name && $3 > max { max = $3 } END { print max }' "$samples"; }

# Whether the least values, or the greatest, of the two halves of the rounds lie within 15 %.
steady() {
	awk -v name="$1" -v half="$ROUNDS" -v most="${2:-}" '
		$1 == name { h = ($2 > half / 2); if (!n[h]++ || (most ? $3 > min[h] : $3 < min[h])) min[h] = $3 }
		END { low = min[0]; high = min[1]; if (low > high) { t = low; low = high; high = t }
		      exit !(n[0] && n[1] && high <= low * 1.15) }' "$samples"
}

# ---- Rows -----------------------------------------------------------------------------------------------------------

lines=()
table=()

# row ROW METRIC UNIT OURS DENOMINATOR GOAL [EXTRA]: OURS and DENOMINATOR are names of samples; a GOAL of - is none.
row() {
	local number=$1 metric=$2 unit=$3 goal=$6 extra=${7:-} ours denominator ratio met
	ours=$(least "$4")
	denominator=$(least "$5")
	ratio=$(awk -v a="$ours" -v b="$denominator" 'BEGIN { printf "%.3f", a / b }')
	if ! steady "$5"; then
		met='"void"'
	elif [ "$goal" = - ]; then
		met=null
	else
		met=$(awk -v a="$ratio" -v b="$goal" 'BEGIN { print a <= b ? "true" : "false" }')
	fi
	[ "$goal" != - ] || goal=null
	lines+=("$(printf '{"metric":"%s","row":"%s","unit":"%s","ours":%s,' "$metric" "$number" "$unit" "$ours"
		printf '"denominator":%s,"ratio":%s,"goal":%s,' "$denominator" "$ratio" "$goal"
		printf '"met":%s%s}' "$met" "$extra")")
	met=${met//\"/}
	table+=("$(printf '%-3s %-58s %10s %10s %8s %6s %6s' "$number" "$metric" "$ours" "$denominator" "$ratio" \
		"${goal/null/-}" "${met/null/-}")")
}

# figure METRIC UNIT NUMBER: without denominator or goal.
figure() {
	lines+=("$(printf '{"metric":"%s","row":"","unit":"%s","ours":%s,' "$1" "$2" "$3"
		printf '"denominator":null,"ratio":null,"goal":null,"met":null}')")
	table+=("$(printf '    %-58s %10s %s' "$1" "$3" "$2")")
}

# rate_row ROW METRIC OURS DENOMINATOR GOAL: operations per second, the more the better; names of loads and floors.
rate_row() {
	local ours denominator ratio met
	ours=$(most "$3")
	denominator=$(most "$4")
	ratio=$(awk -v a="$ours" -v b="$denominator" 'BEGIN { printf "%.3f", a / b }')
	met=$(awk -v a="$ratio" -v b="$5" 'BEGIN { print (a >= b ? "true" : "false") }')
	steady "$4" most || met='"void"'
	lines+=("$(printf '{"metric":"%s","row":"%s","unit":"op/s","ours":%s,' "$2" "$1" "$ours"
		printf '"denominator":%s,"ratio":%s,"goal":%s,"met":%s}' "$denominator" "$ratio" "$5" "$met")")
	table+=("$(printf '%-3s %-58s %10s %10s %8s %6s %6s' "$1" "$2" "$ours" "$denominator" "$ratio" "$5" \
		"${met//\"/}")")
}

# figure_row ROW METRIC UNIT NUMBER GOAL: a figure that is to be at most GOAL.
figure_row() {
	local met
	met=$(awk -v a="$4" -v b="$5" 'BEGIN { print a <= b ? "true" : "false" }')
	lines+=("$(printf '{"metric":"%s","row":"%s","unit":"%s","ours":%s,' "$2" "$1" "$3" "$4"
		printf '"denominator":null,"ratio":null,"goal":%s,"met":%s}' "$5" "$met")")
	table+=("$(printf '%-3s %-58s %10s %10s %8s %6s %6s' "$1" "$2" "$4" - - "$5" "$met")")
}

# report: the table, and all rows to their file.
report() {
	printf '\n%-3s %-58s %10s %10s %8s %6s %6s\n' row metric ours floor ratio goal met
	printf '%s\n' "${table[@]}"
	mkdir -p "$(dirname "$RESULTS")"
	printf '%s\n' "${lines[@]}" >"$RESULTS"
	echo "$SECONDS s; rows in $RESULTS"
}

# What else a load says: rate and the client's CPU.
rest_of() {
	printf ',"ops_per_second":%s,"client_cpu_ns":%s,"p50_ns":%s' "$(most "$1.rate")" "$(least "$1.client")" \
		"$(least "$1.p50")"
}

# Memory that a virtual machine has never touched costs its first user a fault in the host, ten times what the copy
# into it costs: it is touched here, and given back to the kernel, which hands it out again.
warm_up() {
	dd if=/dev/zero of="$ram/warm" bs=1M count="$1" status=none || fail "$1 MiB of RAM-backed storage are not there"
	rm "$ram/warm"
}

# ---- Mounts ---------------------------------------------------------------------------------------------------------

# Files of the directory that `ls -l` lists; files of the tree; new files a round; system calls a round.
LISTED=100000
TREE=400
CREATED=300
CALLS=2000

# mount_wait NAME: until something is mounted there.
mount_wait() {
	local tries=0
	until mountpoint -q "$ram/$1"; do
		kill -0 "${mount_pid[$1]}" 2>/dev/null || fail "mount $1 ended: $(cat "$ram/$1.log")"
		[ $((tries += 1)) -le 1000 ] || fail "mount $1 is not there after 10 s"
		sleep 0.01
	done
}

# mount_start NAME ENGINE CORES OPTION...: container `mount` of pool `bench` on $ram/NAME.
mount_start() {
	local name=$1 engine=$2 on=$3
	shift 3
	mkdir "$ram/$name" || exit 1
	CAIRN_ENGINE=${engine_address[$engine]} taskset -c "$on" "$OUTPUT/bin/dfuse" -f -m "$ram/$name" --pool bench \
		--container mount "$@" >"$ram/$name.log" 2>&1 &
	mount_pid[$name]=$!
	mount_wait "$name"
}

# A signal ends it, and it unmounts.
mount_stop() {
	kill "${mount_pid[$1]}" 2>/dev/null
	wait "${mount_pid[$1]}" 2>/dev/null
	! mountpoint -q "$ram/$1" || umount "$ram/$1"
	unset "mount_pid[$1]"
	rmdir "$ram/$1"
}

# mount_load NAME CORES OPTION...: keeps CPU of all processes, and the time that it took.
mount_load() {
	local name=$1 on=$2 line
	shift 2
	line=$(timeout 120 taskset -c "$on" "$OUTPUT/bench/mount" "$@") || fail "$name failed"
	sample "$name.cpu" "$line" cpu_ns_per_op
	sample "$name.time" "$line" wall_ns_per_op
	sample "$name.rate" "$line" ops_per_second
}

# A place on ext4: this build's own where it is that, else an image.
ext4_make() {
	ext4=$disk/ext4
	mkdir "$ext4" || exit 1
	[ "$(findmnt -no FSTYPE -T "$disk")" != ext4 ] || return 0
	truncate -s 2G "$disk/image" || exit 1
	if ! mkfs.ext4 -q "$disk/image" || ! mount -o loop "$disk/image" "$ext4"; then
		fail "there is no ext4"
	fi
	image=$ext4
}

# On RAM: calls on one file, streams, and a large directory.
mounts_measure_calls() {
	local call lib mounted streams empty name part filling=()
	engine_start files "$ram" "$server_core" --targets 1 --loops 1
	lib=(--process "${engine_pid[files]}")
	export CAIRN_ENGINE=${engine_address[files]}
	"$OUTPUT/bench/mount" --count 1 --prefix first --keep create >/dev/null || fail "there is no container"
	for name in a b c d; do
		"$OUTPUT/bench/mount" --count $((LISTED / 4)) --prefix $name --keep create >/dev/null &
		filling+=($!)
	done
	wait "${filling[@]}" || fail "a large directory"
	mkdir "$ext4/listed"
	"$OUTPUT/bench/mount" --directory "$ext4/listed" --count $LISTED --keep create >/dev/null ||
		fail "a large directory of ext4"
	mount_start uncached files "$client_core" --disable-caching
	mount_start streams files "$all_cores" --disable-caching
	mount_start cached files "$all_cores"
	mkdir "$ram/empty"
	taskset -c "$client_core" "$OUTPUT/bench/floor_fuse" --mountpoint "$ram/empty" >"$ram/empty.log" 2>&1 &
	mount_pid[empty]=$!
	mount_wait empty
	mounted=("${lib[@]}" --process "${mount_pid[uncached]}" --directory "$ram/uncached")
	streams=("${lib[@]}" --process "${mount_pid[streams]}" --directory "$ram/streams")
	empty=(--process "${mount_pid[empty]}" --directory "$ram/empty")
	for ((round = 1; round <= ROUNDS; round++)); do
		for call in getattr read write; do
			mount_load lib_$call "$client_core" "${lib[@]}" --count $CALLS $call
			mount_load mount_$call "$client_core" "${mounted[@]}" --count $CALLS $call
			mount_load empty_$call "$client_core" "${empty[@]}" --count $CALLS $call
		done
		for call in read write; do
			part=(--count 200 --size $((1 << 20)) --file-size $((64 << 20)) --sequential "$call")
			mount_load lib_stream_$call "$all_cores" "${lib[@]}" "${part[@]}"
			mount_load mount_stream_$call "$all_cores" "${streams[@]}" "${part[@]}"
		done
		mount_load ls_ext4 "$all_cores" --directory "$ext4/listed" run ls -l
		mount_load ls_mount "$all_cores" "${lib[@]}" --process "${mount_pid[cached]}" \
			--directory "$ram/cached/created" run ls -l
	done
	for name in uncached streams cached empty; do
		mount_stop $name
	done
	engine_stop files "$ram"
}

# tree_commit DIRECTORY: a repository of what lies there.
tree_commit() {
	if ! git -C "$1" init -q --template= || ! git -C "$1" add -A ||
		! git -C "$1" -c user.name=bench -c user.email=bench@localhost commit -qm tree; then
		fail "no repository in $1"
	fi
}

# On disk: new files and a tree of sources, beside ext4 where everything is durable at once, and where nothing is.
mounts_measure_trees() {
	local with now looked=0 left
	engine_start durable "$disk" "$all_cores" --targets 1 --loops 1 --log-size $((64 << 20))
	export CAIRN_ENGINE=${engine_address[durable]}
	"$OUTPUT/bench/mount" --count 1 --prefix first --keep create >/dev/null || fail "there is no container"
	mount_start tree durable "$all_cores"
	mkdir "$ram/tree/new" "$ext4/new" "$ext4/synced" "$ext4/durable" || exit 1
	chattr +S +D "$ext4/durable" || fail "ext4 that writes at once"
	find src include test -type f | sort | head -n $TREE | tar cf "$ram/tree.tar" -T - || fail "no tree"
	with=(--process "${engine_pid[durable]}" --process "${mount_pid[tree]}")
	for ((round = 1; round <= ROUNDS; round++)); do
		now=(--prefix "$round" --keep --count "$CREATED" create)
		mount_load create "$all_cores" "${with[@]}" --directory "$ram/tree/new" "${now[@]}"
		mount_load create_durable "$all_cores" --directory "$ext4/synced" --sync "${now[@]}"
		mount_load create_ext4 "$all_cores" --directory "$ext4/new" "${now[@]}"
		mkdir "$ram/tree/$round" "$ext4/$round" "$ext4/durable/$round" || exit 1
		mount_load untar "$all_cores" "${with[@]}" --directory "$ram/tree/$round" run tar xf "$ram/tree.tar"
		mount_load untar_durable "$all_cores" --directory "$ext4/durable/$round" run tar xf "$ram/tree.tar"
		mount_load untar_ext4 "$all_cores" --directory "$ext4/$round" run tar xf "$ram/tree.tar"
		if [ $round = 1 ]; then
			tree_commit "$ram/tree/1"
			tree_commit "$ext4/1"
			looked=$EPOCHSECONDS
		fi
		# Longer than the kernel may rely on names of directories.
		left=$((looked + 6 - EPOCHSECONDS))
		[ $left -le 0 ] || sleep $left
		mount_load status "$all_cores" "${with[@]}" --directory "$ram/tree/1" run git status
		mount_load status_again "$all_cores" "${with[@]}" --directory "$ram/tree/1" run git status
		looked=$EPOCHSECONDS
		mount_load status_ext4 "$all_cores" --directory "$ext4/1" run git status
	done
	mount_stop tree
	engine_stop durable "$disk"
	unset CAIRN_ENGINE
}

mounts_absent() {
	[ -w /dev/fuse ] || { echo "/dev/fuse is not there" && return; }
	[ "$(id -u)" = 0 ] || { echo "it takes root" && return; }
	command -v git >/dev/null || echo "git is not there"
}

mounts_measure() {
	local why
	why=$(mounts_absent)
	if [ -n "$why" ]; then
		echo "mounts: not measured, $why"
		return
	fi
	ext4_make
	mounts_measure_calls
	echo "mounts, calls: $SECONDS s"
	mounts_measure_trees
	echo "mounts, trees: $SECONDS s"
}

mounts_rows() {
	local call what why
	why=$(mounts_absent)
	if [ -n "$why" ]; then
		table+=("    mounts were not measured: $why")
		return
	fi
	for call in getattr read write; do
		row 14 "$call through dfuse, CPU of all / through libdfs" ns mount_$call.cpu lib_$call.cpu 2.5
	done
	for call in getattr read write; do
		row "" "$call through dfuse, CPU of all / an empty FUSE file system" ns mount_$call.cpu \
			empty_$call.cpu -
	done
	for call in read write; do
		rate_row 15 "$call of 1 MiB through dfuse / through libdfs, rate" mount_stream_$call.rate \
			lib_stream_$call.rate 0.6
	done
	for what in cpu time; do
		row 16 "create, $what / ext4 with fsync of file and directory" ns create.$what create_durable.$what 3
		row "" "create, $what / ext4" ns create.$what create_ext4.$what -
		row 16 "ls -l of $LISTED files, $what / ext4" ns ls_mount.$what ls_ext4.$what 3
		row 17 "untar of $TREE files, $what / ext4, each change durable" ns untar.$what untar_durable.$what 5
		row "" "untar of $TREE files, $what / ext4" ns untar.$what untar_ext4.$what -
		row 17 "git status, nothing cached any more, $what / ext4" ns status.$what status_ext4.$what 3
		row 17 "git status again at once, $what / ext4" ns status_again.$what status_ext4.$what 3
	done
}

if [ "${1:-}" = --mounts ]; then
	mounts_measure
	mounts_rows
	report
	exit 0
fi

# ---- One loop beside its floors -------------------------------------------------------------------------------------

warm_up $WARM_MIB
echo "memory: $SECONDS s"

echo "$ROUNDS rounds of $SECONDS_PER_ROUND s a load, cores $all_cores, back-end $BACKEND"
engine_start sleeping "$ram" "$server_core" --targets 1 --loops 1
engine_start spinning "$ram" "$server_core" --targets 1 --loops 1 --spin 200 --log-size $((64 << 20))
engine_start on_disk "$disk" "$server_core" --targets 1 --loops 1 --log-size $((64 << 20))
for engine in sleeping spinning on_disk; do
	fill $engine
done
# Of a size: its storage is there before anything is written.
pool_create sleeping stream --size 4G
CAIRN_ENGINE=${engine_address[sleeping]} timeout 120 "$OUTPUT/bench/load" --mode update --size $((1 << 20)) --keys 64 \
	--depth 4 --pool stream --fill --seconds 0 || fail "1 MiB values cannot be filled in"

for ((round = 1; round <= ROUNDS; round++)); do
	floor append server_cpu_ns_per_op append --depth 16 --operations 10000 --directory "$ram"
	load update sleeping "$client_core" --mode update --depth 16
	floor exchange server_cpu_ns_per_op exchange --depth 16
	load fetch sleeping "$client_core" --mode fetch --depth 16
	load put sleeping "$client_core" --mode kv-put --size 128 --depth 16
	load get sleeping "$client_core" --mode kv-get --size 128 --depth 16
	floor roundtrip p50_ns roundtrip --operations 4000
	load update_1 sleeping "$client_core" --mode update --depth 1
	load fetch_1 sleeping "$client_core" --mode fetch --depth 1
	floor roundtrip_spin p50_ns roundtrip --spin --operations 10000
	load update_1_spin spinning "$client_core" --mode update --depth 1 --spin
	load fetch_1_spin spinning "$client_core" --mode fetch --depth 1 --spin
	for depth in 1 16 64; do
		floor append_disk_$depth ops_per_second append --depth $depth --operations $((200 * depth)) \
			--directory "$disk"
		load update_disk_$depth on_disk "$client_core" --mode update --depth $depth
	done
	warm_up 1024
	floor stream both_cpu_ns_per_op stream --operations 300
	for mode in update fetch; do
		load stream_$mode sleeping "$client_core" --mode $mode --size $((1 << 20)) --keys 64 --depth 4 \
			--ops 300 --pool stream
	done
	floor exchange_1 server_cpu_ns_per_op exchange --depth 1 --operations 5000
	floor exchange_1_both both_cpu_ns_per_op exchange --depth 1 --operations 5000
	files files sleeping --count 1000
	echo "round $round of $ROUNDS, $SECONDS s"
done
for engine in sleeping spinning; do
	engine_stop $engine "$ram"
done
engine_stop on_disk "$disk"

# ---- More loops than cores ------------------------------------------------------------------------------------------

engine_start two "$ram" "$all_cores" --targets 2 --loops 2 --log-size $((64 << 20))
engine_start six "$ram" "$all_cores" --targets 6 --loops 6 --log-size $((64 << 20))
for engine in two six; do
	fill $engine
done
for ((round = 1; round <= ROUNDS; round++)); do
	for engine in two six; do
		load update_$engine $engine "$all_cores" --mode update --depth 16
		load fetch_$engine $engine "$all_cores" --mode fetch --depth 16
		load get_$engine $engine "$all_cores" --mode kv-get --size 128 --depth 16
	done
done
for engine in two six; do
	engine_stop $engine "$ram"
done
echo "more loops than cores: $SECONDS s"

# ---- Targets and pools on one loop, engines on two cores ------------------------------------------------------------

engine_start target "$ram" "$server_core" --targets 1 --loops 1 --log-size $((64 << 20))
engine_start targets "$ram" "$server_core" --targets 4 --loops 1 --log-size $((64 << 20))
for engine in target targets; do
	fill $engine
done
for ((pool = 0; pool < 100; pool++)); do
	pool_create target spread-$pool
done
CAIRN_ENGINE=${engine_address[target]} timeout 120 "$OUTPUT/bench/load" --mode update --pool spread --pools 100 --fill \
	--seconds 0 || fail "100 pools cannot be filled"
for ((round = 1; round <= ROUNDS; round++)); do
	for mode in update fetch; do
		load target_$mode target "$client_core" --mode $mode --depth 16
		load targets_$mode targets "$client_core" --mode $mode --depth 16
		load spread_$mode target "$client_core" --mode $mode --depth 16 --pool spread --pools 100
	done
done
for engine in target targets; do
	engine_stop $engine "$ram"
done
echo "targets and pools: $SECONDS s"

# One engine alone first, then it and two more: the client asks each of the three in turn.
engine_start a "$ram" "$all_cores" --targets 2 --loops 2 --log-size $((64 << 20))
fill a
for ((round = 1; round <= ROUNDS; round++)); do
	load alone a "$all_cores" --mode kv-get --size 128 --depth 1
done
for engine in b c; do
	engine_start $engine "$ram" "$all_cores" --targets 2 --loops 2 --log-size $((64 << 20))
	fill $engine
done
for ((round = 1; round <= ROUNDS; round++)); do
	for engine in a b c; do
		load together $engine "$all_cores" --mode kv-get --size 128 --depth 1
	done
done
for engine in a b c; do
	engine_stop $engine "$ram"
done
echo "three engines: $SECONDS s"

# ---- Death, bytes written, idleness ---------------------------------------------------------------------------------

# SIGKILL while the log is as full as updates make it; then until a read is answered.
engine_start killed "$ram" "$server_core" --targets 1 --loops 1
fill killed
CAIRN_ENGINE=${engine_address[killed]} timeout 20 taskset -c "$client_core" "$OUTPUT/bench/load" --mode kv-put \
	--size 128 --seconds 10 >/dev/null 2>&1 &
putting=$!
sleep 4
{
	kill -KILL "${engine_pid[killed]}" "$putting"
	wait "${engine_pid[killed]}" "$putting"
} 2>/dev/null
unset "engine_pid[killed]"
before=$(date +%s%N)
engine_run killed "$ram" "$server_core" --targets 1 --loops 1
CAIRN_ENGINE=${engine_address[killed]} timeout 60 "$OUTPUT/bench/load" --mode kv-get --size 128 --depth 1 --ops 1 \
	>/dev/null || fail "a killed engine does not answer"
first_answer=$(awk -v a="$before" -v b="$(date +%s%N)" 'BEGIN { printf "%.3f", (b - a) / 1e9 }')
engine_stop killed "$ram"

# A million dkeys: what an update of one writes, over as many as make several checkpoints necessary.
engine_start wide "$ram" "$server_core" --targets 1 --loops 1
CAIRN_ENGINE=${engine_address[wide]} timeout 300 "$OUTPUT/bench/load" --mode update --keys 1000000 --fill --seconds 0 ||
	fail "a million keys cannot be filled in"
sleep 6
written=$(engine_written wide)
line=$(CAIRN_ENGINE=${engine_address[wide]} timeout 120 "$OUTPUT/bench/load" --mode update --keys 1000000 --seconds 20 \
	--ops 100000) || fail "updates of a million keys failed"
updates=$(sed -n 's/.*"ops":\([0-9]*\).*/\1/p' <<<"$line")
sleep 6
# A tenth of it went before, as warm-up.
written_ratio=$(awk -v a="$written" -v b="$(engine_written wide)" -v n="$updates" \
	'BEGIN { printf "%.3f", (b - a) / (n * 1.1) / 4096 }')
heap_bytes=$(CAIRN_ENGINE=${engine_address[wide]} timeout 120 "$OUTPUT/bench/files" --keep --count 20000 \
	--container kept | sed -n 's/.*"heap_bytes_per_file":\([0-9]*\).*/\1/p')
heap_bytes_written=$(CAIRN_ENGINE=${engine_address[wide]} timeout 120 "$OUTPUT/bench/files" --keep --count 5000 \
	--container written --size 1024 | sed -n 's/.*"heap_bytes_per_file":\([0-9]*\).*/\1/p')
engine_stop wide "$ram"
echo "death and bytes: $SECONDS s"

engine_start idle "$ram" "$all_cores" --targets 8 --log-size $((64 << 20))
for ((pool = 1; pool < IDLE_POOLS; pool++)); do
	pool_create idle idle-$pool
done
sleep 75
before=$(engine_cpu idle)
sleep 20
idle_ms=$(awk -v a="$before" -v b="$(engine_cpu idle)" 'BEGIN { printf "%.3f", (b - a) / 20 / 1e6 }')
idle_memory=$(sed -n 's/^VmRSS:[[:space:]]*\([0-9]*\).*/\1/p' /proc/"${engine_pid[idle]}"/status)
engine_stop idle "$ram"
echo "idle engine: $SECONDS s"

mounts_measure

# ---- Parts ----------------------------------------------------------------------------------------------------------

switch=$("$OUTPUT/bench/bench_fiber_switch") || fail "bench_fiber_switch failed"
pingpong=$(timeout 120 "$OUTPUT/bench/bench_rpc_pingpong" --operations 5000 --rounds 5) ||
	fail "bench_rpc_pingpong failed"

# ---- Pure cores -----------------------------------------------------------------------------------------------------

# Each measures itself beside its denominators, in as many rounds, and prints rows.
for core in placement ec raft swim; do
	timeout 600 "$OUTPUT/bench/bench_${core}_perf" >"$ram/$core" || fail "bench_${core}_perf failed"
	echo "$core: $SECONDS s"
done

# ---- The store in process, beside LMDB ------------------------------------------------------------------------------

warm_up $WARM_MIB
timeout 900 taskset -c "$server_core" "$OUTPUT/bench/bench_store_perf" --directory "$ram" "${LONG[@]}" >"$ram/store" ||
	fail "bench_store_perf failed"
echo "store: $SECONDS s"

# field LINE NAME: what stands there, without quotes.
field() {
	sed -n "s/.*\"$2\":\"\{0,1\}\([^,}\"]*\).*/\1/p" <<<"$1"
}

core_rows() {
	local line metric
	while read -r line; do
		lines+=("$line")
		metric=$(sed 's/.*"metric":"\([^"]*\)".*/\1/' <<<"$line")
		table+=("$(printf '%-3s %-66s %10s %10s %8s %6s %6s' "$(field "$line" row)" "$metric" \
			"$(field "$line" ours)" "$(field "$line" denominator)" "$(field "$line" ratio)" \
			"$(field "$line" goal)" "$(field "$line" met)")")
	done <"$1"
}

# ---- Report ---------------------------------------------------------------------------------------------------------

row 1 "update 4 KiB QD16, server CPU / append-and-flush" ns update.server append 5 "$(rest_of update)"
row 2 "fetch 4 KiB QD16, server CPU / bare exchange" ns fetch.server exchange 2.5 "$(rest_of fetch)"
row 3 "update QD1 p50, sleeping / loopback round trip" ns update_1.p50 roundtrip 3 "$(rest_of update_1)"
row 3 "fetch QD1 p50, sleeping / loopback round trip" ns fetch_1.p50 roundtrip 2 "$(rest_of fetch_1)"
row 3 "update QD1 p50, spinning / loopback round trip" ns update_1_spin.p50 roundtrip_spin 3 \
	"$(rest_of update_1_spin)"
row 3 "fetch QD1 p50, spinning / loopback round trip" ns fetch_1_spin.p50 roundtrip_spin 2 "$(rest_of fetch_1_spin)"
row 4 "KV put 128 B QD16, server CPU / bare exchange" ns put.server exchange 1.5 "$(rest_of put)"
row 4 "KV get 128 B QD16, server CPU / bare exchange" ns get.server exchange 1 "$(rest_of get)"
for depth in 1 16 64; do
	rate_row 5 "update on disk QD$depth, rate / append-and-flush" update_disk_$depth.rate append_disk_$depth 0.7
done
row 6 "write 1 MiB, CPU of both sides / TCP, copy, sums" ns stream_update.both stream 1.6 "$(rest_of stream_update)"
row 6 "read 1 MiB, CPU of both sides / TCP, copy, sums" ns stream_fetch.both stream 1.6 "$(rest_of stream_fetch)"
row 9 "file create, server CPU / bare exchange QD1" ns files.create.server exchange_1 4
row 9 "file stat, cold, server CPU / bare exchange QD1" ns files.stat.server exchange_1 1.8
row 9 "file unlink, server CPU / bare exchange QD1" ns files.unlink.server exchange_1 4.5
row 9 "file create, CPU of both sides / those of the exchange" ns files.create.both exchange_1_both 4.5
figure_row 10 "SIGKILL with a full log: to the first answered read" s "$first_answer" 1
figure_row 11 "heap per empty file" B "$heap_bytes" 700
figure_row 11 "heap per file of 1 KiB" B "$heap_bytes_written" 700
figure_row 11 "bytes written per 4 KiB update, 10^6 dkeys, over 4 KiB" x "$written_ratio" 3
for mode in update fetch; do
	row 12 "$mode QD16, 4 targets / 1 target on one loop, server CPU" ns targets_$mode.server \
		target_$mode.server 1.1
	rate_row 12 "$mode QD16, 100 pools / one pool, rate" spread_$mode.rate target_$mode.rate 0.8
done
figure_row 12 "idle, 8 targets and $IDLE_POOLS pools: CPU per second" ms "$idle_ms" 3.4
figure "idle, 8 targets and $IDLE_POOLS pools: memory" KiB "$idle_memory"
row 13 "KV get QD1 of three engines / of one alone, p50" ns together.p50 alone.p50 1.5
for mode in update fetch get; do
	row "" "$mode QD16, 6 loops / 2 loops, server CPU" ns "${mode}_six.server" "${mode}_two.server" - \
		"$(rest_of "${mode}_six")"
	figure "$mode QD16, 2 loops" "op/s" "$(most "${mode}_two.rate")"
	figure "$mode QD16, 6 loops" "op/s" "$(most "${mode}_six.rate")"
done
for part in switch yield start_and_end; do
	figure "fiber $part" ns "$(sed -n "s/.*\"${part}_ns\": *\\([0-9.]*\\).*/\\1/p" <<<"$switch")"
done
while read -r line; do
	name=$(sed 's/.*"transport": "\([a-z]*\)".*"payload": \([0-9]*\), "depth": \([0-9]*\).*/\1, \2 B, QD\3/' \
		<<<"$line")
	figure "rpc over $name, server CPU" ns "$(sed -n 's/.*"server_cpu_ns": \([0-9]*\).*/\1/p' <<<"$line")"
done <<<"$pingpong"

core_rows "$ram/store"
for core in placement ec raft swim; do
	core_rows "$ram/$core"
done
mounts_rows

report
