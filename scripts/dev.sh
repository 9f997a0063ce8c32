#!/usr/bin/env bash
# SPDX-License-Identifier: BSD-2-Clause-Patent
#
# A server for development in build/dev-cluster: up N | kill I | logs | down. A system has one engine so far.

set -u
source=$(cd "$(dirname "${BASH_SOURCE[0]}")/.." && pwd)
bin=${CAIRN_BIN:-$source/build/bin}
home=${CAIRN_DEV:-$source/build/dev-cluster}

usage() {
	echo "usage: ./run dev up [N] | kill [I] | logs | down" >&2
	exit 2
}

# The process that holds the data, if it lives.
server_pid() {
	local pid
	pid=$(cat "$home/server.pid" 2>/dev/null) || return 1
	# A program that was built anew meanwhile shows as "... (deleted)".
	[[ "$(readlink "/proc/$pid/exe" 2>/dev/null)" == "$(readlink -f "$bin/daos_server")"* ]] && echo "$pid"
}

up() {
	local count=${1:-1} pid i
	[[ $count =~ ^[0-9]+$ ]] && [ "$count" -gt 0 ] || usage
	if [ "$count" -gt 1 ]; then
		echo "$count engines: a system has one so far, so one is started (clusters come later)"
	fi
	if pid=$(server_pid); then
		echo "it runs already: process $pid, data in $home"
		exit 3
	fi
	mkdir -p "$home"
	: >"$home/out"
	setsid "$bin/daos_server" start --storage "$home/data" --socket-dir "$home/run" --log-dir "$home/log" \
		>"$home/out" 2>&1 </dev/null &
	pid=$!
	echo "$pid" >"$home/server.pid"
	for ((i = 0; i < 400; i++)); do
		grep -q '^The server is ready' "$home/out" && break
		kill -0 $pid 2>/dev/null || break
		sleep 0.05
	done
	grep -v '^Ctrl-C' "$home/out"
	grep -q '^The server is ready' "$home/out" || exit 1
	echo "Or:        export DAOS_AGENT_DRPC_DIR=$home/run PATH=$bin:\$PATH"
}

kill_engine() {
	local engine
	[ "${1:-0}" = 0 ] || {
		echo "there is engine 0 only" >&2
		exit 2
	}
	server_pid >/dev/null || {
		echo "nothing runs: ./run dev up" >&2
		exit 1
	}
	engine=$(sed -n 's/.*engine (process \([0-9]*\)) serves .*/\1/p' "$home/log/daos_server.log" | tail -n 1)
	[[ "$(readlink "/proc/$engine/exe" 2>/dev/null)" == */daos_engine* ]] || {
		echo "the engine has gone" >&2
		exit 1
	}
	kill -KILL "$engine" && echo "engine 0 (process $engine) was killed; the server starts it again"
}

down() {
	local pid i
	if ! pid=$(server_pid); then
		echo "nothing runs"
		return
	fi
	kill "$pid"
	for ((i = 0; i < 100; i++)); do
		kill -0 "$pid" 2>/dev/null || break
		sleep 0.05
	done
	rm -f "$home/server.pid"
	echo "stopped; the data stays in $home"
}

case ${1-} in
up) up "${2-}" ;;
kill) kill_engine "${2-}" ;;
logs) exec tail -n 50 -F "$home"/log/*.log ;;
down) down ;;
*) usage ;;
esac
