#!/usr/bin/env bash
# SPDX-License-Identifier: BSD-2-Clause-Patent
#
# Shows Cairn on real input and checks itself: a server with two targets, a tree copied in over TCP, the engine killed
# in the middle of a second copy, everything copied out and compared byte by byte; then a mount, and git, a compiler,
# SQLite and tar on it.
#
#   demo.sh [DIRECTORY]    DIRECTORY: the tree to copy, instead of parts of /usr/share/doc and /usr/include
#
# KEEP=1 leaves the server running. BACKEND=uring or epoll chooses how the engine waits. CAIRN_BIN: the programs.

set -u
source=$(cd "$(dirname "${BASH_SOURCE[0]}")/.." && pwd)
bin=${CAIRN_BIN:-$source/build/bin}
keep=${KEEP:-}
backend=${BACKEND:-auto}
# The whole stays below a minute: so many files and KiB of a tree at most.
files_max=${CAIRN_DEMO_FILES:-8000}
kib_max=${CAIRN_DEMO_KIB:-98304}
# Where it is tested, parts of the project stand for all of it on the mount.
part=${CAIRN_DEMO_PART:-}
started=$SECONDS
copier=
. "$source/test/integration/lib/server.sh"
. "$source/test/integration/lib/mount.sh"

say() { printf '\n== %s\n' "$*"; }

fail() {
	echo "FAILED: $*" >&2
	if [ -n "$scratch" ]; then
		tail -n 5 "$scratch"/log/* "$scratch/server.out" "$scratch"/*.log >&2 2>/dev/null
	fi
	exit 1
}

# What a user of KEEP=1 goes on with stays.
leave() {
	[ -z "$copier" ] || end TERM "$copier"
	if [ -z "$keep" ] || [ "${verdict:-1}" -ne 0 ]; then
		clean_up
	fi
}

now_ms() { date +%s%3N; }

# wait_for SECONDS WHAT COMMAND...
wait_for() {
	local tries=$(($1 * 20)) what=$2
	shift 2
	until "$@"; do
		tries=$((tries - 1))
		[ $tries -gt 0 ] || fail "$what"
		kill -0 "$server" 2>/dev/null || fail "the server has ended"
		sleep 0.05
	done
}

is_ready() { grep -q '^The server is ready' "$scratch/server.out"; }
served_times() { [ "$(engine_starts)" -ge "$1" ]; }

# ---- The tree -------------------------------------------------------------------------------------------------------

# take_part FROM NAME FILES KIB: copies the first files and links of a directory, within limits.
take_part() {
	local from=$1 name=$2 files=$3 kib=$4
	[ -d "$from" ] || return 0
	mkdir -p "$tree/$name"
	(cd "$from" && find . -xdev \( -type f -readable -printf '%k %p\0' -o -type l -printf '0 %p\0' \) 2>/dev/null) |
		LC_ALL=C sort -z -k 2 |
		awk -v RS='\0' -v ORS='\0' -v files="$files" -v kib="$kib" '
			{ size = $1; sub(/^[0-9]+ /, "") }
			files > 0 && kib >= size { files--; kib -= size; print }' |
		tar -C "$from" --null -T - -cf - 2>/dev/null | tar -C "$tree/$name" -xf -
}

scratch_make demo
trap 'verdict=$?; leave; exit $verdict' EXIT
mkdir "$scratch/out"
if [ $# -gt 0 ]; then
	[ -d "$1" ] || fail "$1 is no directory"
	tree=$(cd "$1" && pwd)
else
	tree=$scratch/tree
	mkdir "$tree"
	take_part /usr/share/doc doc $((files_max / 2)) $((kib_max / 2))
	take_part /usr/include include $((files_max / 2)) $((kib_max / 2))
fi
files=$(find "$tree" ! -type d | wc -l)
kib=$(du -sk --apparent-size "$tree" | cut -f 1)
[ "$files" -gt 0 ] || fail "there are no files in $tree"

# ---- The server -----------------------------------------------------------------------------------------------------

port=$(free_port) || fail "no free port"
say "A server with two targets, on TCP port $port of this machine, in $scratch"
"$bin/daos_server" start --storage "$scratch/data" --socket-dir "$scratch/run" --log-dir "$scratch/log" --targets 2 \
	--listen "tcp:127.0.0.1:$port" --backend "$backend" >"$scratch/server.out" 2>&1 </dev/null &
server=$!
wait_for 20 "the server does not start" is_ready
grep '^  ' "$scratch/server.out"
grep -h 'back-end\|io_uring\|epoll' "$scratch/log/daos_engine.log" 2>/dev/null | head -n 1

# Every client of this script goes over the network.
export CAIRN_ENGINE=tcp:127.0.0.1:$port
unset DAOS_EMBEDDED

say "A pool and a container for files"
"$bin/dmg" pool create tank >"$scratch/out/pool" || fail "the pool was not created"
"$bin/daos" container create tank home --type=POSIX >"$scratch/out/container" || fail "the container was not created"
"$bin/daos" container list tank

# ---- First copy -----------------------------------------------------------------------------------------------------

say "Copying $files files, $kib KiB, into it"
began=$(now_ms)
"$bin/daos" filesystem copy --src="$tree" --dst=daos://tank/home/first || fail "the copy failed"
in_ms=$(($(now_ms) - began + 1))

# ---- Second copy, with a kill in the middle -------------------------------------------------------------------------

say "Copying it once more, and killing the engine (SIGKILL) in the middle"
victim=$(engine_pid)
"$bin/daos" filesystem copy --src="$tree" --dst=daos://tank/home/second >"$scratch/out/second" 2>&1 &
copier=$!
sleep "$(awk -v ms=$in_ms 'BEGIN { printf "%.3f", ms / 2500 }')"
kill -KILL "$victim" || fail "the engine had gone before it was killed"
alive=no
kill -0 $copier 2>/dev/null && alive=yes
wait_for 20 "the engine does not come back" served_times 2
echo "engine $victim was killed, engine $(engine_pid) serves; the copy was under way: $alive"
wait $copier
status=$?
copier=
cat "$scratch/out/second"
[ $status -eq 0 ] || fail "the copy did not survive the death of the engine"
[ $alive = yes ] || fail "the copy was over before the engine was killed: give a larger tree"

# ---- Out again, and comparing ---------------------------------------------------------------------------------------

say "Copying both out again"
began=$(now_ms)
"$bin/daos" filesystem copy --src=daos://tank/home/first --dst="$scratch/out/first" || fail "copying out failed"
out_ms=$(($(now_ms) - began + 1))
"$bin/daos" filesystem copy --src=daos://tank/home/second --dst="$scratch/out/again" || fail "copying out failed"

say "Comparing byte by byte"
diff -r --no-dereference "$tree" "$scratch/out/first" || fail "the first copy differs"
diff -r --no-dereference "$tree" "$scratch/out/again" || fail "the second copy differs"
attributes() { (cd "$1" && find . ! -type l -printf '%m %T@ %p\n' -o -printf '%l %p\n' | LC_ALL=C sort -k 3); }
cmp <(attributes "$tree") <(attributes "$scratch/out/first") || fail "modes, times or links differ"
echo "all $files files are the same, twice; so are modes, times and symlinks"

# ---- A mount --------------------------------------------------------------------------------------------------------

# The project's own repository; where there is none, its sources as one.
clone_project() {
	local from=$source
	git_prepare
	if [ -n "$part" ] || ! git -C "$from" rev-parse HEAD >/dev/null 2>&1; then
		from=$scratch/origin
		source_tree "$from"
	fi
	# Each file is durable when it is there; several at a time share the waiting.
	git -c checkout.workers=8 clone -q --no-local --depth 1 "file://$from" "$scratch/mount/cairn"
	git -C "$scratch/mount/cairn" fsck --full
	[ "$(git -C "$from" rev-parse HEAD)" = "$(git -C "$scratch/mount/cairn" rev-parse HEAD)" ]
	[ -z "$(git -C "$scratch/mount/cairn" status --porcelain)" ]
}

build_program() {
	mkdir "$scratch/mount/program"
	cd "$scratch/mount/program"
	printf '#include "hello.h"\nint main(void) { return hello() == 42 ? 0 : 1; }\n' >main.c
	printf '#include "hello.h"\nint hello(void) { return 42; }\n' >hello.c
	printf 'int hello(void);\n' >hello.h
	printf 'program: main.o hello.o\n\t$(CC) -o $@ $^\n%%.o: %%.c hello.h\n\t$(CC) -c -o $@ $<\n' >Makefile
	make -s
	./program
	make -q
}

use_database() {
	python3 - "$scratch/mount/base.db" <<-'PYTHON'
		import sqlite3, sys
		base = sqlite3.connect(sys.argv[1])
		base.execute("create table line (n integer primary key, text text)")
		for n in range(2000):
		    base.execute("insert into line values (?, ?)", (n, "line %d" % n * (n % 9)))
		    if n % 200 == 199:
		        base.commit()
		base.execute("delete from line where n % 3 = 0")
		base.commit()
		base.close()
		base = sqlite3.connect(sys.argv[1])
		assert base.execute("pragma integrity_check").fetchall() == [("ok",)]
		assert base.execute("select count(*) from line").fetchone() == (1333,)
	PYTHON
}

tar_round_trip() {
	mkdir "$scratch/mount/out"
	tar -C "$source" -cf "$scratch/mount/sources.tar" src/base src/dfs
	tar -C "$scratch/mount/out" -xpf "$scratch/mount/sources.tar"
	tar -C "$scratch/mount/out" -df "$scratch/mount/sources.tar"
	diff -r "$source/src/dfs" "$scratch/mount/out/src/dfs"
}

# attempt WHAT COMMAND..., where its program is there.
on_mount() {
	local program=$1
	shift
	if command -v "$program" >/dev/null; then
		attempt "$@"
	else
		echo "not tried, as there is no $program here: $1"
	fi
}

if can_mount; then
	say "Mounting a container: any program works on it"
	set -e
	"$bin/daos" container create tank mounted --type=POSIX >"$scratch/out/mounted" || fail "no container"
	mount_start mount --pool tank --container mounted
	grep " $scratch/mount " /proc/self/mounts | cut -d ' ' -f 1-3
	on_mount git "git clone of this project, fsck" clone_project
	on_mount make "a C program, built and run" build_program
	on_mount python3 "a SQLite database, its integrity check" use_database
	on_mount tar "a tar round trip" tar_round_trip
	mount_stop mount
	mount_start mount --pool tank --container mounted --read-only
	attempt "the same after another mount" diff -r "$source/src/dfs" "$scratch/mount/out/src/dfs"
	mount_stop mount
	set +e
else
	say "No mount is shown: /dev/fuse is absent here or closed to this user"
fi

# ---- Result ---------------------------------------------------------------------------------------------------------

"$bin/daos" pool query tank >"$scratch/out/query" || fail "the pool cannot be queried"
rates() {
	awk -v what="$1" -v files="$files" -v kib="$kib" -v ms="$2" 'BEGIN {
		printf "%-4s %7.0f files/s %9.1f MB/s\n", what, files * 1000 / ms, kib * 1.024 / ms }'
}
say "Done in $((SECONDS - started)) s: nothing that was acknowledged is lost"
rates in $in_ms
rates out $out_ms
if [ -n "$keep" ]; then
	rm -rf "$scratch/out" "${scratch:?}/tree" "$scratch/origin"
	disown "$server"
	cat <<-TEXT

		The server keeps running (process $server; end it with: kill $server; its data: $scratch). Try next:
		  CAIRN_ENGINE=$CAIRN_ENGINE $bin/dmg system query --verbose
		  CAIRN_ENGINE=$CAIRN_ENGINE $bin/daos pool query tank
		  CAIRN_ENGINE=$CAIRN_ENGINE $bin/daos filesystem copy --src=$source/src --dst=daos://tank/home/src
		  CAIRN_ENGINE=$CAIRN_ENGINE $bin/dfuse -m MOUNTPOINT --pool tank --container home
	TEXT
else
	own=${TMPDIR:-/tmp}/cairn-mine-$$
	cat <<-TEXT

		The server is gone, as is all it held. The same without a server, in a directory of your own:
		  DAOS_EMBEDDED=$own $bin/daos container create default notes --type=POSIX
		  DAOS_EMBEDDED=$own $bin/daos filesystem copy --src=$source/include --dst=daos://default/notes/include
		  DAOS_EMBEDDED=$own $bin/daos container query default notes
		  $bin/dfuse -m MOUNTPOINT --embedded $own --container notes
		KEEP=1 $source/run demo leaves the server running.
	TEXT
fi
exit 0
