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

set -u
export LC_ALL=C
cd "$(dirname "$(readlink -f "$0")")/.." || exit 1

SECONDS_PER_ROUND=${SECONDS_PER_ROUND:-1}
ROUNDS=${ROUNDS:-6}
BACKEND=${BACKEND:-auto}
RESULTS=${RESULTS:-bench/results/$(date -u +%Y-%m-%d).jsonl}
# Bounds what updates leave behind on RAM-backed storage.
OPERATIONS=20000

if [ -z "${OUTPUT:-}" ]; then
	OUTPUT=$PWD/build
	ninja -C build/release --quiet floors benches daos_engine dmg || exit 1
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
declare -A engine_pid engine_address

# Also while a load runs: it ends when its engine does.
clean_up() {
	local name
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

# engine_start NAME DIRECTORY CORES OPTION...: an engine of its own with a pool `bench`.
engine_start() {
	local name=$1 directory=$2/$1 on=$3 line='' tries=0
	shift 3
	mkdir "$directory" || exit 1
	taskset -c "$on" "$OUTPUT/bin/daos_engine" --storage "$directory" --listen tcp:127.0.0.1:0 --format --thin \
		--backend "$BACKEND" --log "$directory/log" "$@" >"$directory/ready" 2>"$directory/errors" &
	engine_pid[$name]=$!
	until line=$(grep -o 'tcp:[^ ]*' "$directory/ready"); do
		kill -0 "${engine_pid[$name]}" 2>/dev/null || fail "engine $name ended: $(cat "$directory/errors")"
		[ $((tries += 1)) -le 300 ] || fail "engine $name is not ready after 30 s"
		sleep 0.1
	done
	engine_address[$name]=$line
	CAIRN_ENGINE=$line timeout 30 "$OUTPUT/bin/dmg" pool create bench >"$directory/pool" 2>&1 ||
		fail "no pool on engine $name: $(cat "$directory/pool")"
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

least() { awk -v name="$1" '$1 == name && (!n++ || $3 < min) { min = $3 } END { print min }' "$samples"; }
most() { awk -v name="$1" '$1 == name && $3 > max { max = $3 } END { print max }' "$samples"; }

# Whether the least values of the two halves of the rounds lie within 15 %.
steady() {
	awk -v name="$1" -v half="$ROUNDS" '
		$1 == name { h = ($2 > half / 2); if (!n[h]++ || $3 < min[h]) min[h] = $3 }
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

# What else a load says: rate and the client's CPU.
rest_of() {
	printf ',"ops_per_second":%s,"client_cpu_ns":%s,"p50_ns":%s' "$(most "$1.rate")" "$(least "$1.client")" \
		"$(least "$1.p50")"
}

# ---- One loop beside its floors -------------------------------------------------------------------------------------

echo "$ROUNDS rounds of $SECONDS_PER_ROUND s a load, cores $all_cores, back-end $BACKEND"
engine_start sleeping "$ram" "$server_core" --targets 1 --loops 1
engine_start spinning "$ram" "$server_core" --targets 1 --loops 1 --spin 200 --log-size $((64 << 20))
engine_start on_disk "$disk" "$server_core" --targets 1 --loops 1 --log-size $((64 << 20))
for engine in sleeping spinning on_disk; do
	fill $engine
done

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
	floor append_disk server_cpu_ns_per_op append --depth 16 --operations 1000 --directory "$disk"
	load update_disk on_disk "$client_core" --mode update --depth 16
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

# field LINE NAME: what stands there, without quotes.
field() {
	sed -n "s/.*\"$2\":\"\{0,1\}\([^,}\"]*\).*/\1/p" <<<"$1"
}

core_rows() {
	local line metric
	while read -r line; do
		lines+=("$line")
		metric=$(sed 's/.*"metric":"\([^"]*\)".*/\1/' <<<"$line")
		table+=("$(printf '    %-66s %10s %10s %8s %6s %6s' "$metric" \
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
row "" "update 4 KiB QD16 on disk, server CPU / append-and-flush" ns update_disk.server append_disk - \
	"$(rest_of update_disk)"
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

for core in placement ec raft swim; do
	core_rows "$ram/$core"
done

printf '\n%-3s %-58s %10s %10s %8s %6s %6s\n' row metric ours floor ratio goal met
printf '%s\n' "${table[@]}"
mkdir -p "$(dirname "$RESULTS")"
printf '%s\n' "${lines[@]}" >"$RESULTS"
echo "$SECONDS s; rows in $RESULTS"
