# SPDX-License-Identifier: BSD-2-Clause-Patent
#
# What scripts with mounts share; sourced after server.sh.
#
#   mounts_or_leave           ends the script, saying why, where this machine has no mounts
#   mount_start NAME OPTION...    dfuse with its mount point $scratch/NAME, waits until it is there
#   mount_stop NAME           unmounts; dfuse must end well
#   mount_kill NAME           SIGKILL of dfuse, then unmounts what is left
#   start_tank SIZE           a server on TCP with a pool `tank`; clients find it
#   container_make NAME       a container for files in it
#   attempt WHAT COMMAND...   says `ok`, or ends the script with what the command printed
#   long                      whether this run may take long (`./run test --long`)
#   source_tree DIRECTORY     a git repository with Cairn's sources, for git to clone

declare -A mounted=()

can_mount() { [ -w /dev/fuse ] && { [ "$(id -u)" -eq 0 ] || command -v fusermount3 >/dev/null; }; }

mounts_or_leave() {
	can_mount && return
	echo "No mounts here: /dev/fuse is absent or closed to this user. Nothing was tried."
	exit 0
}

long() { [ "${CAIRN_LONG:-0}" = 1 ]; }

unmount() {
	mountpoint -q "$1" 2>/dev/null || grep -q " $1 fuse" /proc/self/mounts || return 0
	if [ "$(id -u)" -eq 0 ]; then umount "$@"; else fusermount3 -u "$@"; fi
}

mount_there_or_gone() { mountpoint -q "$scratch/$1" || ! kill -0 "${mounted[$1]}" 2>/dev/null; }

mount_start() {
	local name=$1
	shift
	mkdir -p "$scratch/$name"
	"$bin/dfuse" -m "$scratch/$name" -f "$@" >"$scratch/$name.log" 2>&1 </dev/null &
	mounted[$name]=$!
	until_true 20 mount_there_or_gone "$name" && mountpoint -q "$scratch/$name" && return
	cat "$scratch/$name.log"
	fail "the mount $name did not come"
}

mount_stop() {
	local status=0
	unmount "$scratch/$1" || fail "$1 cannot be unmounted"
	wait "${mounted[$1]}" || status=$?
	unset "mounted[$1]"
	[ $status -eq 0 ] && return
	cat "$scratch/$1.log"
	fail "dfuse of $1 ended with $status"
}

# Whoever still uses it may keep what it has open.
mount_kill() {
	kill -KILL "${mounted[$1]}" || fail "dfuse of $1 had gone before it was killed"
	wait "${mounted[$1]}" 2>/dev/null || true
	unset "mounted[$1]"
	unmount "$scratch/$1" -l || fail "$1 cannot be unmounted after its dfuse died"
}

# Of a script that ends early, too: whoever still uses a mount keeps nobody from leaving.
unmount_all() {
	local name
	[ -n "$scratch" ] || return 0
	grep -o " $scratch/[^ ]* " /proc/self/mounts | while read -r name; do
		unmount "$name" 2>/dev/null || unmount "$name" -l || true
	done
	for name in "${!mounted[@]}"; do
		end TERM "${mounted[$name]}"
	done
}
cleanups+=(unmount_all)

start_tank() {
	local port
	port=$(free_port) || fail "no free port"
	start_server --listen "tcp:127.0.0.1:$port"
	export CAIRN_ENGINE=tcp:127.0.0.1:$port
	"$bin/dmg" pool create tank --size="$1" >"$scratch/output" || fail "the pool was not created"
}

container_make() {
	"$bin/daos" container create tank "$1" --type=POSIX >"$scratch/output" || fail "no container $1"
}

attempt() {
	local what=$1 began status=0
	shift
	began=$(date +%s%3N)
	# In a subshell with -e of its own: a condition would take it from functions.
	set +e
	(
		set -eu
		"$@"
	) >"$scratch/output" 2>&1
	status=$?
	set -e
	[ $status -eq 0 ] || {
		tail -n 60 "$scratch/output" "$scratch"/*.log
		fail "$what: status $status"
	}
	printf 'ok: %s (%d ms)\n' "$what" $(($(date +%s%3N) - began))
}

# The working tree as it is, without what is built; a part of it, where `part` is set or the run is a short test.
source_tree() {
	local parts=(README.md docs src/base src/fiber src/dfs)
	if long || [ -z "${part-1}" ]; then
		parts=(.)
	fi
	git init -q "$1"
	tar -C "$CAIRN_SOURCE" --exclude ./build --exclude ./.git -cf - "${parts[@]}" | tar -C "$1" -xf -
	git -C "$1" add -A
	git -C "$1" commit -qm "All of it"
	# A history to delta against.
	find "$1/src" -name '*.c' | while read -r file; do echo >>"$file"; done
	git -C "$1" commit -qam "A line more"
}

# What git is told in tests: a name, and that other users' repositories may be used.
git_prepare() {
	printf '[user]\n\tname = x\n\temail = x@x\n[safe]\n\tdirectory = *\n[init]\n\tdefaultBranch = main\n' \
		>"$scratch/gitconfig"
	export GIT_CONFIG_GLOBAL=$scratch/gitconfig GIT_CONFIG_SYSTEM=/dev/null GIT_TERMINAL_PROMPT=0
}
