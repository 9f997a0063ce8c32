#!/usr/bin/env bash
# SPDX-License-Identifier: BSD-2-Clause-Patent
#
# timeout: 150
# What system calls answer on a mount, compared with what a file system of this machine answers: the program in
# posix/ prints one line a check, and the lines must be the same. posix/known-differences names the checks that may
# differ, and why; one that does not differ any more fails, too.
set -eu

if [ ! -w /dev/fuse ] || [ "$(id -u)" -ne 0 ]; then
	echo "No mounts here: /dev/fuse is absent, or this user is not root. Nothing was tried."
	exit 0
fi

scratch=$(mktemp -d "${TMPDIR:-/tmp}/cairn-posix.XXXXXXXX")
server=

finish() {
	! mountpoint -q "$scratch/mount" || umount "$scratch/mount" || true
	[ -z "$server" ] || wait "$server" || true
	rm -rf "$scratch"
}
trap finish EXIT

cc -std=gnu17 -D_GNU_SOURCE -O1 -Wall -Wextra -Werror -o "$scratch/posix" "$CAIRN_SOURCE"/test/conformance/posix/*.c
mkdir "$scratch/mount" "$scratch/here"
chmod 755 "$scratch"
"$scratch/posix" "$scratch/here" >"$scratch/wanted"
"$CAIRN_BIN/dfuse" --embedded "$scratch/store" -m "$scratch/mount" --multi-user -f 2>"$scratch/log" &
server=$!
for _ in $(seq 200); do
	! mountpoint -q "$scratch/mount" || break
	sleep 0.05
done
mountpoint -q "$scratch/mount" || { cat "$scratch/log"; echo "The mount did not come."; exit 1; }
mkdir "$scratch/mount/work"
"$scratch/posix" "$scratch/mount/work" >"$scratch/met"

known=$CAIRN_SOURCE/test/conformance/posix/known-differences
awk -F': ' '
	FILENAME == ARGV[1] { either = sub(/^~/, ""); if ($0 !~ /^#/ && NF) known[$0] = either ? 2 : 1; next }
	{ name = $1; outcome = substr($0, length(name) + 3) }
	FILENAME == ARGV[2] { wanted[name] = outcome; next }
	{ met[name] = outcome }
	END {
		for (name in wanted) {
			count++
			differs = !(name in met) || met[name] != wanted[name]
			if (differs && !known[name]) {
				there = name in met ? met[name] : "nothing"
				print "differs: " name ": " wanted[name] " here, " there " on the mount"
				bad++
			}
			if (!differs && known[name] == 1) {
				print "differs no more: " name
				bad++
			}
		}
		print count " checks, " bad + 0 " of them wrong"
		exit bad > 0 || count < 600
	}' "$known" "$scratch/wanted" "$scratch/met"
