#!/usr/bin/env bash
# SPDX-License-Identifier: BSD-2-Clause-Patent
#
# timeout: 600
# fio on a mount, with the caches on and off: blocks written by each of its ways to the kernel (system calls one at a
# time, libaio, io_uring, mapped memory), at random, by several processes, and verified, also while the engine is killed
# and after another mount. CAIRN_LONG: much more of it.
set -eu
. "$CAIRN_SOURCE/test/integration/lib/server.sh"
. "$CAIRN_SOURCE/test/integration/lib/mount.sh"
. "$CAIRN_SOURCE/test/integration/lib/fio.sh"

mounts_or_leave
scratch_make fio-mount ram
fio_get
bin=$prefix/bin
export LD_LIBRARY_PATH=$lib
size=2m
! long || size=48m

# jobs MODE ENGINE OPTION...: two processes, each with a file of its own; MODE as --rw has it.
jobs() {
	local mode=$1 engine=$2
	shift 2
	timeout -k 5 200 "$scratch/fio" --eta=never --directory="$scratch/mount" --filename_format="$engine.\$jobnum" \
		--ioengine="$engine" --rw="$mode" --size=$size --numjobs=2 --verify=crc32c --verify_fatal=1 \
		--group_reporting --name="$engine" "$@" >"$scratch/fio.out" 2>&1 || {
		cat "$scratch/fio.out"
		return 1
	}
	! grep -q 'verify: bad\|err=[^ ]*[1-9]' "$scratch/fio.out"
}

# Writes at random in blocks of many sizes, each verified soon after; then everything again.
random() {
	jobs randwrite "$1" --bsrange=1k-64k --bs_unaligned=0 --verify_backlog=16 "${@:2}"
}

killed() {
	local writer
	jobs randwrite "$1" --bs=4k --fsync=8 --loops=2 "${@:2}" &
	writer=$!
	sleep 0.4
	engine_kill
	wait $writer
}

# What the last run left: not written, only read and verified.
again() {
	local engine
	for engine in "$@"; do
		jobs randread "$engine" --bs=4k
	done
}

start_tank 2GiB
for options in "" "--disable-caching"; do
	name=${options:-cached}
	container_make "home$options"
	engines=(psync libaio io_uring mmap)
	# Nothing can be mapped and shared without caches.
	[ -z "$options" ] || engines=(psync libaio io_uring)
	mount_start mount --pool tank --container "home$options" $options
	for engine in "${engines[@]}"; do
		depth=
		[ $engine = psync ] || [ $engine = mmap ] || depth=--iodepth=8
		attempt "$name, $engine: random writes, verified" random $engine $depth
		attempt "$name, $engine: the engine is killed" killed $engine $depth
	done
	mount_stop mount
	mount_start mount --pool tank --container "home$options" --read-only
	attempt "$name: after another mount" again "${engines[@]}"
	mount_stop mount
done
echo "fio found every block as it wrote it."
