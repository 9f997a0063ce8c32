#!/usr/bin/env bash
# SPDX-License-Identifier: BSD-2-Clause-Patent
#
# timeout: 300
# A foreign program: fio, from Debian's source package as it is, configured against an installed prefix. Its `dfs`
# engine writes, reads at random and verifies at depth 16, in threads and in processes, on a server and embedded.
#
# The source and the built program are kept in build/cache: the source until somebody removes it, the program while the
# installed headers and the public symbols stay the same. The first run needs Debian's mirror; where the source cannot
# be had, the test fails.
set -eu

cache=$CAIRN_SOURCE/build/cache
source=$cache/fio-source
scratch=$(mktemp -d "${TMPDIR:-/tmp}/cairn-fio.XXXXXXXX")
prefix=$scratch/prefix
server=
unset CAIRN_ENGINE DAOS_EMBEDDED DAOS_AGENT_DRPC_DIR

fail() {
	echo "FAILED: $*"
	exit 1
}

# Ends the server and waits for it, at most ten seconds.
stop_server() {
	local i
	[ -n "$server" ] || return 0
	kill "$server" 2>/dev/null || true
	for ((i = 0; i < 100; i++)); do
		kill -0 "$server" 2>/dev/null || break
		sleep 0.1
	done
	kill -KILL "$server" 2>/dev/null || true
	wait "$server" 2>/dev/null || true
	server=
}

trap 'status=$?; stop_server; rm -rf "$scratch"; exit $status' EXIT
trap 'exit 130' INT TERM

# ---- The source -----------------------------------------------------------------------------------------------------

# The machine's package sources with `deb-src` instead of `deb`, in a folder of our own.
derive_sources() {
	local apt=$1 file
	mkdir -p "$apt"/{parts,state/lists/partial,cache/archives/partial}
	for file in /etc/apt/sources.list /etc/apt/sources.list.d/*.list; do
		[ -r "$file" ] || continue
		sed -n 's/^[[:space:]]*deb\(-src\)\{0,1\}[[:space:]]/deb-src /p' "$file"
	done | sort -u >"$apt/sources.list"
	for file in /etc/apt/sources.list.d/*.sources; do
		[ -r "$file" ] || continue
		sed 's/^Types:.*/Types: deb-src/I' "$file" >"$apt/parts/${file##*/}"
	done
	# Read after the machine's own configuration, whose proxies and time-outs count, but not its hooks.
	cat >"$apt/apt.conf" <<-TEXT
		#clear APT::Update::Pre-Invoke;
		#clear APT::Update::Post-Invoke;
		#clear APT::Update::Post-Invoke-Success;
		Dir::Etc::sourcelist "$apt/sources.list";
		Dir::Etc::sourceparts "$apt/parts";
		Dir::State "$apt/state";
		Dir::State::status "/var/lib/dpkg/status";
		Dir::Cache "$apt/cache";
		APT::Sandbox::User "root";
	TEXT
}

# Puts the source package, which apt has checked, into the cache.
fetch_source() {
	local apt=$scratch/apt
	compgen -G "$source/fio_*.dsc" >/dev/null && return
	command -v apt-get >/dev/null || fail "there is no apt-get to fetch the source of fio with"
	derive_sources "$apt"
	mkdir "$apt/fetched"
	(
		cd "$apt/fetched"
		timeout 120 apt-get -qq -c "$apt/apt.conf" update &&
			timeout 120 apt-get -qq -c "$apt/apt.conf" source --download-only fio
	) >"$apt/log" 2>&1 || {
		cat "$apt/log"
		fail "the source of fio cannot be had"
	}
	rm -rf "$source"
	mv "$apt/fetched" "$source"
}

# ---- The program ----------------------------------------------------------------------------------------------------

# Builds in a place that is always the same, so that ccache knows again what it has compiled.
build_fio() {
	local place=$cache/fio-build compiler=gcc
	! command -v ccache >/dev/null || compiler="ccache gcc"
	rm -rf "$place"
	mkdir "$place"
	ln -s "$prefix" "$place/prefix"
	dpkg-source -x "$source"/fio_*.dsc "$place/fio" >"$place/unpack.log" 2>&1 || {
		cat "$place/unpack.log"
		fail "the source of fio cannot be unpacked"
	}
	cd "$place/fio"
	export CPATH=$place/prefix/include LIBRARY_PATH=$place/prefix/${lib#"$prefix/"}
	./configure --cc="$compiler" --disable-native >"$place/configure.log" 2>&1 || {
		cat "$place/configure.log"
		fail "fio does not configure"
	}
	grep -q '^DAOS File System (dfs) Engine  *yes' "$place/configure.log" || fail "fio does not find libdfs"
	make -j "$(nproc)" fio >"$place/make.log" 2>&1 || {
		tail -n 30 "$place/make.log"
		fail "fio does not build"
	}
	cd "$scratch"
	rm -rf "$cache"/fio-[0-9]*
	mkdir "$1.new"
	mv "$place/fio/fio" "$1.new/fio"
	mv "$1.new" "$1"
	rm -rf "$place"
}

cmake --install "$CAIRN_SOURCE/build/release" --prefix "$prefix" >"$scratch/install.log"
lib=$(dirname "$(find "$prefix" -name libdaos.so)")
interface=$({
	cd "$prefix/include"
	find . -name '*.h' | LC_ALL=C sort | xargs sha256sum
	nm -D --defined-only "$lib/libdaos.so" "$lib/libdfs.so" | sed -n 's/.* \(.*@DAOS_2\)$/\1/p'
} | sha256sum | cut -c 1-16)
mkdir -p "$cache"
exec 9>"$cache/fio.lock"
flock 9
fetch_source
version=$(cd "$source" && echo fio_*.dsc)
version=${version#fio_}
built=$cache/fio-${version%.dsc}-$interface
[ -x "$built/fio" ] || build_fio "$built"
cp "$built/fio" "$scratch/fio"
exec 9>&-

# ---- What is run ----------------------------------------------------------------------------------------------------

cd "$scratch"
# A symbol that is missing is missing at once, not when it is called.
export LD_LIBRARY_PATH=$lib LD_BIND_NOW=1
pool=
files='$jobname.$jobnum.$filenum'

# fio_jobs JOBS OPTION...: JOBS with small blocks at a time, then JOBS with large ones.
fio_jobs() {
	local jobs=$1
	shift
	timeout -k 5 60 ./fio --eta=never --ioengine=dfs --pool="$pool" --cont=files --filename_format="$files" \
		--iodepth=16 --verify=crc32c --verify_fatal=1 --group_reporting "$@" \
		--name=small --bs=4k --size=1m --numjobs="$jobs" \
		--name=large --stonewall --bs=1m --size=8m --numjobs="$jobs" >output 2>&1
}

# expect WHAT WRITES JOBS OPTION...: every block is read, and written where WRITES is 1, and verified.
expect() {
	local what=$1 writes=$2 jobs=$3 began blocks status=0
	shift 2
	began=$(date +%s%3N)
	fio_jobs "$@" || status=$?
	[ $status -eq 0 ] || {
		cat output
		fail "$what: fio ended with $status"
	}
	printf '%s (%d ms)\n' "$what" $(($(date +%s%3N) - began))
	grep IOPS output
	for blocks in $((256 * jobs)) $((8 * jobs)); do
		grep -q "issued rwts: total=$blocks,$((blocks * writes)),0,0 short=0,0,0,0 dropped=0,0,0,0" output || {
			cat output
			fail "$what: not every block was written and read"
		}
	done
}

# Bytes that fio did not write there must be told from those it did.
expect_damage_found() {
	./fio --eta=never --ioengine=dfs --pool="$pool" --cont=files --filename=small.0.0 --thread --name=damage \
		--rw=write --bs=4k --offset=512k --size=4k >output 2>&1 || {
		cat output
		fail "fio does not overwrite a block"
	}
	! fio_jobs 1 --thread --rw=randread || fail "fio did not see an overwritten block"
	grep -q 'verify: bad ' output || {
		cat output
		fail "fio failed on an overwritten block for another reason"
	}
	echo "an overwritten block is found"
}

# A TCP port nobody listens on.
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

start_server() {
	local i port=$1
	"$prefix/bin/daos_server" start --storage "$scratch/data" --socket-dir "$scratch/run" --log-dir "$scratch/log" \
		--targets 2 --listen "tcp:127.0.0.1:$port" >server.out 2>&1 </dev/null &
	server=$!
	for ((i = 0; i < 600; i++)); do
		! grep -q '^The server is ready' server.out || return 0
		kill -0 "$server" 2>/dev/null || break
		sleep 0.05
	done
	cat server.out log/*
	fail "the server does not start"
}

port=$(free_port) || fail "no free port"
start_server "$port"
export CAIRN_ENGINE=tcp:127.0.0.1:$port
pool=tank
"$prefix/bin/dmg" pool create tank >output || fail "the pool was not created"
"$prefix/bin/daos" container create tank files --type=POSIX >output || fail "the container was not created"
expect "server, TCP, processes: write" 1 2 --rw=write
expect "server, TCP, threads: random read" 0 2 --thread --rw=randread
unset CAIRN_ENGINE
export DAOS_AGENT_DRPC_DIR=$scratch/run
expect "server, Unix socket, threads: random write, verified on the way" 1 2 --thread --rw=randwrite --verify_backlog=32
expect "server, Unix socket, processes: random read" 0 2 --rw=randread
expect_damage_found
unset DAOS_AGENT_DRPC_DIR
stop_server

# The first process that needs the directory serves the others, and hands over when it ends.
export DAOS_EMBEDDED=$scratch/embedded
pool=default
"$prefix/bin/daos" container create default files --type=POSIX >output || fail "the container was not created"
expect "embedded, processes: write" 1 4 --rw=write
expect "embedded, processes: random read" 0 4 --rw=randread
expect "embedded, processes: random write, verified on the way" 1 2 --rw=randwrite --verify_backlog=32
expect "embedded, threads: random read" 0 2 --thread --rw=randread
expect_damage_found
