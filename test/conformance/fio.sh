#!/usr/bin/env bash
# SPDX-License-Identifier: BSD-2-Clause-Patent
#
# timeout: 300
# A foreign program: fio, from Debian's source package as it is, configured against an installed prefix. Its `dfs`
# engine writes, reads at random and verifies at depth 16, in threads and in processes, on a server and embedded.
set -eu
. "$CAIRN_SOURCE/test/integration/lib/server.sh"
. "$CAIRN_SOURCE/test/integration/lib/fio.sh"

scratch_make fio
fio_get
bin=$prefix/bin

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

port=$(free_port) || fail "no free port"
start_server --listen "tcp:127.0.0.1:$port"
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
end TERM "$server"
server=

# The first process that needs the directory serves the others, and hands over when it ends.
export DAOS_EMBEDDED=$scratch/embedded
pool=default
"$prefix/bin/daos" container create default files --type=POSIX >output || fail "the container was not created"
expect "embedded, processes: write" 1 4 --rw=write
expect "embedded, processes: random read" 0 4 --rw=randread
expect "embedded, processes: random write, verified on the way" 1 2 --rw=randwrite --verify_backlog=32
expect "embedded, threads: random read" 0 2 --thread --rw=randread
expect_damage_found
