# SPDX-License-Identifier: BSD-2-Clause-Patent
#
# What scripts with a server share; sourced, with or without `set -e`. `bin` is the folder of the programs: CAIRN_BIN
# where it is not set.
#
#   scratch_make NAME [ram]       $scratch, removed when the script ends, after everything that was started here; on a
#                                 file system in memory where that is large enough: what survives a SIGKILL of any
#                                 process survives it there
#   end SIGNAL PID                ends a process of ours
#   until_true SECONDS COMMAND... waits for it
#   free_port                     prints a TCP port nobody listens on
#   start_server OPTION...        in $scratch, waits until it serves: $server is its process
#   engine_kill                   the server's engine dies by SIGKILL and comes back
#   run STATUS COMMAND...         $out, $err; what is not as expected is counted in $failures, as by
#   has TEXT..., lacks TEXT, check WHAT COMMAND..., json EXPRESSION
#   conclude [TEXT]               the end of such a script

bin=${bin:-${CAIRN_BIN:?}}
scratch=
server=
failures=0

fail() {
	echo "FAILED: $*"
	exit 1
}

# ---- Processes ------------------------------------------------------------------------------------------------------

# Waits for its end, at most ten seconds.
end() {
	local i
	kill -"$1" "$2" 2>/dev/null || return 0
	for ((i = 0; i < 100; i++)); do
		kill -0 "$2" 2>/dev/null || break
		sleep 0.1
	done
	kill -KILL "$2" 2>/dev/null || true
	wait "$2" 2>/dev/null || true
}

# Functions that end what else was started; the last one first.
cleanups=()

clean_up() {
	local i
	cd /
	for ((i = ${#cleanups[@]} - 1; i >= 0; i--)); do
		"${cleanups[i]}" || true
	done
	[ -z "$server" ] || end TERM "$server"
	server=
	[ -z "$scratch" ] || rm -rf "$scratch"
}

scratch_make() {
	local folder=${TMPDIR:-/tmp} free
	free=$(df --output=avail /dev/shm 2>/dev/null | tail -n 1)
	if [ "${2:-}" = ram ] && [ -w /dev/shm ] && [ "${free:-0}" -gt 6000000 ]; then
		folder=/dev/shm
	fi
	scratch=$(mktemp -d "$folder/cairn-$1-XXXXXX") || exit 1
	trap 'verdict=$?; clean_up; exit $verdict' EXIT
	trap 'exit 130' INT TERM
	unset DAOS_EMBEDDED CAIRN_ENGINE DAOS_AGENT_DRPC_DIR
	export XDG_RUNTIME_DIR=$scratch/none
}

# until_true SECONDS COMMAND...
until_true() {
	local tries=$(($1 * 20))
	shift
	until "$@"; do
		tries=$((tries - 1))
		[ $tries -gt 0 ] || return 1
		sleep 0.05
	done
}

free_port() {
	local port
	for _ in $(seq 100); do
		port=$((20000 + RANDOM % 12000))
		(exec 3<>"/dev/tcp/127.0.0.1/$port") 2>/dev/null || {
			echo "$port"
			return
		}
	done
	return 1
}

# ---- The server -----------------------------------------------------------------------------------------------------

server_ready_or_gone() {
	grep -q '^The server is ready' "$scratch/out" || ! kill -0 "$server" 2>/dev/null
}

start_server() {
	: >"$scratch/out"
	# Job control, so that Ctrl-C means something to the process.
	set -m
	"$bin/daos_server" start --storage "$scratch/data" --socket-dir "$scratch/run" --log-dir "$scratch/log" \
		--targets 2 "$@" >"$scratch/out" 2>&1 </dev/null &
	server=$!
	set +m
	if until_true 30 server_ready_or_gone && grep -q '^The server is ready' "$scratch/out"; then
		return
	fi
	echo "FAILED the server does not start:"
	cat "$scratch/out" "$scratch"/log/* 2>/dev/null
	exit 1
}

# The process of the engine: the newest in the server's log.
engine_pid() {
	sed -n 's/.*engine (process \([0-9]*\)) serves .*/\1/p' "$scratch/log/daos_server.log" | tail -n 1
}

engine_starts() { grep -c ' serves ' "$scratch/log/daos_server.log"; }
engine_started_after() { [ "$(engine_starts)" -gt "$1" ]; }

engine_kill() {
	local before
	before=$(engine_starts)
	kill -KILL "$(engine_pid)" || fail "the engine had gone before it was killed"
	until_true 20 engine_started_after "$before" || fail "the engine does not come back"
}

# ---- Expectations ---------------------------------------------------------------------------------------------------

run() {
	local wanted=$1 status=0
	shift
	out=$(timeout 60 "$@" 2>"$scratch/err" </dev/null) || status=$?
	err=$(cat "$scratch/err")
	what="$(basename "$1") ${*:2}"
	[ $status -eq "$wanted" ] && return
	failures=$((failures + 1))
	printf 'FAILED %s: status %s, not %s\n%s\n%s\n' "$what" $status "$wanted" "$out" "$err"
}

# Each stands in what the last command printed.
has() {
	local text
	for text in "$@"; do
		[[ "$out$err" == *"$text"* ]] && continue
		failures=$((failures + 1))
		printf 'FAILED %s: does not say: %s\n%s\n%s\n' "$what" "$text" "$out" "$err"
	done
}

lacks() {
	[[ "$out$err" != *"$1"* ]] && return
	failures=$((failures + 1))
	printf 'FAILED %s: says: %s\n%s\n%s\n' "$what" "$1" "$out" "$err"
}

check() {
	local what=$1
	shift
	"$@" && return
	failures=$((failures + 1))
	echo "FAILED $what"
}

# A Python expression over the object `j` that the last command printed alone on standard output.
json() {
	command -v python3 >/dev/null || return 0
	if ! python3 -c 'import json, sys; j = json.loads(sys.argv[1]); sys.exit(not ('"$1"'))' "$out" 2>/dev/null; then
		failures=$((failures + 1))
		printf 'FAILED %s: not true: %s\n%s\n' "$what" "$1" "$out"
	fi
}

conclude() {
	if [ "$failures" -ne 0 ]; then
		echo "$failures failures"
		exit 1
	fi
	[ $# -eq 0 ] || echo "$*"
	exit 0
}
