#!/usr/bin/env bash
# SPDX-License-Identifier: BSD-2-Clause-Patent
#
# Several users of one machine: real processes under other user ids, known by the kernel, whose rights the engine
# judges. As anybody but root it shows what one user sees. Needs CAIRN_BIN, the folder of the programs.

set -u
bin=${CAIRN_BIN:?}
scratch=$(mktemp -d "${TMPDIR:-/tmp}/cairn-access-XXXXXX") || exit 1
server=
failures=0

end() {
	local i
	kill -"$1" "$2" 2>/dev/null || return 0
	for ((i = 0; i < 100; i++)); do
		kill -0 "$2" 2>/dev/null || break
		sleep 0.1
	done
	kill -KILL "$2" 2>/dev/null
	wait "$2" 2>/dev/null
}

clean_up() {
	[ -z "$server" ] || end TERM "$server"
	rm -rf "$scratch"
}
trap clean_up EXIT
trap 'exit 1' INT TERM

unset DAOS_EMBEDDED CAIRN_ENGINE
export DAOS_AGENT_DRPC_DIR=$scratch/run
export XDG_RUNTIME_DIR=$scratch/none

# run STATUS COMMAND...: runs it and expects the exit status; leaves $out (standard output) and $err.
run() {
	local wanted=$1 status
	shift
	out=$(timeout 60 "$@" 2>"$scratch/err" </dev/null)
	status=$?
	err=$(cat "$scratch/err")
	what="$*"
	[ $status -eq "$wanted" ] && return
	failures=$((failures + 1))
	printf 'FAILED %s: status %s, not %s\n%s\n%s\n' "$what" $status "$wanted" "$out" "$err"
}

# has TEXT...: each stands in what the last command printed.
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

# The programs, where every user can reach them.
chmod 755 "$scratch"
mkdir "$scratch/bin" && chmod 755 "$scratch/bin"
lib=$(cd "$bin/../lib" 2>/dev/null && pwd)
export LD_LIBRARY_PATH=${lib:-}${LD_LIBRARY_PATH:+:$LD_LIBRARY_PATH}

start_server() {
	local i
	: >"$scratch/out"
	"$bin/daos_server" start --storage "$scratch/data" --socket-dir "$scratch/run" --log-dir "$scratch/log" \
		--targets 2 "$@" >"$scratch/out" 2>&1 </dev/null &
	server=$!
	for ((i = 0; i < 400; i++)); do
		grep -q '^The server is ready' "$scratch/out" && return
		kill -0 $server 2>/dev/null || break
		sleep 0.05
	done
	echo "FAILED the server does not start:"
	cat "$scratch/out"
	exit 1
}

# ---- What one user sees ---------------------------------------------------------------------------------------------

start_server
me=$(id -un)@ mine=$(id -gn)@
run 0 "$bin/dmg" pool create tank
run 0 "$bin/dmg" pool get-acl tank
has "# Owner: $me" "# Owner Group: $mine" "A::OWNER@:rw" "A:G:GROUP@:rw"
run 0 "$bin/dmg" pool get-acl tank --verbose --outfile="$scratch/acl"
out=$(cat "$scratch/acl")
has '# Allow::Owner:Read/Write'
run 4 "$bin/dmg" pool get-acl tank --outfile="$scratch/acl"
run 0 "$bin/dmg" pool update-acl tank --entry=A::somebody@:r
has "A::somebody@:r"
run 3 "$bin/dmg" pool delete-acl tank --principal=u:nobody-else@
run 0 "$bin/dmg" pool delete-acl tank --principal=u:somebody@
lacks somebody
run 2 "$bin/dmg" pool update-acl tank --entry=nonsense
run 2 "$bin/dmg" pool delete-acl tank --principal=somebody
run 0 "$bin/dmg" pool overwrite-acl tank --acl-file="$scratch/acl"
run 0 "$bin/dmg" pool set-prop tank reclaim:time
run 0 "$bin/daos" container create tank home
run 0 "$bin/daos" container get-acl tank home
has "# Owner: $me" "A::OWNER@:rwdtTaAo" "A:G:GROUP@:rwtT"
run 0 "$bin/daos" container update-acl tank home --entry=A::EVERYONE@:r
run 0 "$bin/daos" container delete-acl tank home --principal=EVERYONE@
lacks EVERYONE
run 3 "$bin/daos" container set-owner tank home --user=no-such-user-anywhere
run 0 "$bin/daos" container set-owner tank home --user=no-such-user-anywhere --no-check
run 0 "$bin/dmg" container set-owner tank home --user="$(id -un)"
run 0 "$bin/daos" container get-acl tank home
has "# Owner: $me"
run 0 "$bin/daos" container evict tank home --all
run 0 "$bin/dmg" pool evict tank
has "succeeded"
run 3 "$bin/dmg" pool evict none

# ---- Other users ----------------------------------------------------------------------------------------------------

if [ "$(id -u)" -ne 0 ] || ! command -v setpriv >/dev/null || ! id nobody >/dev/null 2>&1; then
	[ $failures -eq 0 ] || exit 1
	echo "not root, or no setpriv or no user nobody: other users were not tried"
	exit 0
fi

# A user by name, and one whom nobody knows.
nobody="setpriv --reuid=65534 --regid=65534 --clear-groups"
stranger="setpriv --reuid=54321 --regid=54321 --clear-groups"
# What they run must be in their reach.
if ! $nobody test -x "$bin/daos"; then
	cp "$bin/daos" "$bin/dmg" "$scratch/bin/"
	chmod 755 "$scratch/bin/"*
	bin=$scratch/bin
	if [ -n "$lib" ]; then
		mkdir "$scratch/lib"
		cp -L "$lib"/*.so* "$scratch/lib/"
		chmod -R a+rX "$scratch/lib"
		export LD_LIBRARY_PATH=$scratch/lib
	fi
fi
user=$(id -un 65534)@

for who in "$nobody" "$stranger"; do
	run 5 $who "$bin/dmg" pool create mine
	has "for administrators"
	run 5 $who "$bin/dmg" pool destroy tank --force --recursive
	run 5 $who "$bin/dmg" pool evict tank
	run 5 $who "$bin/dmg" pool get-acl tank
	run 5 $who "$bin/dmg" pool update-acl tank --entry=A::EVERYONE@:rw
	run 5 $who "$bin/daos" pool query tank
	run 5 $who "$bin/daos" container list tank
done
run 0 "$bin/dmg" pool update-acl tank --entry="A::$user:rc"
run 0 $nobody "$bin/daos" pool query tank
run 5 $stranger "$bin/daos" pool query tank
run 0 $nobody "$bin/daos" container create tank theirs
run 0 $nobody "$bin/daos" container get-acl tank theirs
has "# Owner: $user"
run 5 $nobody "$bin/daos" container destroy tank home
run 5 $nobody "$bin/daos" container get-acl tank home
run 5 $nobody "$bin/daos" container set-owner tank home --user=nobody
# Root is another user to daos, and the administrator to dmg.
run 5 "$bin/daos" container get-acl tank theirs
run 0 "$bin/dmg" container set-owner tank theirs --user=root
run 0 "$bin/daos" container get-acl tank theirs
run 0 "$bin/dmg" container set-owner tank theirs --user=nobody
# Groups by the numbers of who has no name.
run 0 "$bin/dmg" pool update-acl tank --entry="A:G:54321@:r"
run 0 $stranger "$bin/daos" pool query tank
run 5 $stranger "$bin/daos" container create tank none
run 0 $nobody "$bin/daos" container update-acl tank theirs --entry="A::54321@:rt"
run 0 $stranger "$bin/daos" container query tank theirs
run 5 $stranger "$bin/daos" container update-acl tank theirs --entry="A::54321@:rw"
# Whose container it is may destroy it, whatever the pool's list says.
run 0 $nobody "$bin/daos" container destroy tank theirs

[ $failures -eq 0 ] && echo "all rights are as they should be"
[ $failures -eq 0 ]
