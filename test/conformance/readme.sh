#!/usr/bin/env bash
# SPDX-License-Identifier: BSD-2-Clause-Patent
#
# timeout: 150
# Does what the README tells a stranger to do: every block of commands except `./run test`, with
# its C program in hello.c.
set -eu

scratch=$(mktemp -d "${TMPDIR:-/tmp}/cairn-readme.XXXXXXXX")
finish() {
	! mountpoint -q "$scratch/mnt" || umount "$scratch/mnt" || fusermount3 -u "$scratch/mnt" || true
	rm -rf "$scratch"
}
trap finish EXIT
for name in run include build; do
	ln -s "$CAIRN_SOURCE/$name" "$scratch/$name"
done
cd "$scratch"

# Writes block number $2 of language $1 of the README.
block() {
	awk -v language="$1" -v wanted="$2" '
		$0 == "```" language { number++; inside = 1; next }
		/^```/ { inside = 0 }
		inside && number == wanted' "$CAIRN_SOURCE/README.md"
}

block c 1 > hello.c
[ -s hello.c ] || { echo "The README has no C program."; exit 1; }

number=1
while block sh $number > commands && [ -s commands ]; do
	echo "--- block $number: $(tr '\n' ';' < commands)"
	if grep -q 'dfuse' commands && [ ! -w /dev/fuse ]; then
		echo "not tried: /dev/fuse is absent here or closed to this user"
	elif ! grep -qx './run test' commands; then
		bash -eu commands > output 2>&1 || { cat output; echo "block $number failed"; exit 1; }
		tail -n 3 output
	fi
	number=$((number + 1))
done
[ $number -ge 3 ] || { echo "Only $((number - 1)) blocks of commands were found."; exit 1; }

# The README promises a file system.
if [ -w /dev/fuse ]; then
	echo kept > mnt/file
	[ "$(cat mnt/file)" = kept ] || { echo "The mount does not keep a file."; exit 1; }
fi

# The README promises that the program prints hello, and again when it is started again.
[ "$(DAOS_EMBEDDED=$PWD/notes ./hello)" = hello ] || { echo "A second start did not print hello."; exit 1; }
