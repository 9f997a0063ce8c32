#!/usr/bin/env bash
# SPDX-License-Identifier: BSD-2-Clause-Patent
#
# timeout: 120
# Ordinary programs on a mount: an embedded directory, with the caches on and off, over a second start. Where the
# machine has no /dev/fuse, or this user may not mount, that is said.
set -eu
. "$CAIRN_SOURCE/test/integration/lib/server.sh"
. "$CAIRN_SOURCE/test/integration/lib/mount.sh"

mounts_or_leave
scratch_make mount
git_prepare
mount=$scratch/mount

round_trip() {
	tar -C "$CAIRN_SOURCE" -cf "$scratch/base.tar" src/base src/vos
	mkdir "$1" && tar -C "$1" -xf "$scratch/base.tar"
	diff -r "$CAIRN_SOURCE/src/base" "$1/src/base" && diff -r "$CAIRN_SOURCE/src/vos" "$1/src/vos"
}

compile() {
	printf '#include <stdio.h>\nint main(void) { puts("built here"); return 0; }\n' >"$1.c"
	cc -o "$1" "$1.c" && [ "$("$1")" = "built here" ]
}

repository() {
	git init -q "$1" && cp -r "$CAIRN_SOURCE/src/base" "$1/"
	git -C "$1" add . && git -C "$1" commit -qm first
	git -C "$1" gc -q && git -C "$1" fsck --full
}

many() {
	mkdir "$1"
	for i in $(seq 700); do : >"$1/file-$i"; done
	[ "$(ls "$1" | wc -l)" -eq 700 ] && [ "$(ls "$1" | sort -u | wc -l)" -eq 700 ] && rm -r "$1"
}

changes() {
	mkdir "$1" && echo one >"$1/a" && ln -s a "$1/l" && mkdir "$1/d" && mv "$1/a" "$1/d/b"
	[ "$(cat "$1/d/b")" = one ] && [ ! -e "$1/l" ] && mv "$1/d/b" "$1/a" && [ "$(cat "$1/l")" = one ]
	chmod 640 "$1/a" && [ "$(stat -c %a "$1/a")" = 640 ]
	truncate -s 100000 "$1/a" && [ "$(stat -c %s "$1/a")" = 100000 ]
	touch -d '2001-02-03 04:05:06' "$1/a" && [ "$(stat -c %Y "$1/a")" = "$(date -d '2001-02-03 04:05:06' +%s)" ]
	! rmdir "$1" 2>/dev/null && ! mkdir "$1/d" 2>/dev/null && rm "$1/a" && [ ! -e "$1/a" ]
}

for options in "" "--disable-caching"; do
	mount_start mount --embedded "$scratch/store" $options
	name=${options:-cached}
	attempt "$name: tar round trip" round_trip "$mount/tar$options"
	attempt "$name: compile and run" compile "$mount/hello$options"
	attempt "$name: git" repository "$mount/git$options"
	attempt "$name: 700 names" many "$mount/many$options"
	attempt "$name: names, links, attributes" changes "$mount/changes$options"
	mount_stop mount
done

mount_start mount --embedded "$scratch/store" --read-only
attempt "a second start sees everything" git -C "$mount/git" fsck --full
attempt "content is what it was" diff -r "$CAIRN_SOURCE/src/base" "$mount/tar/src/base"
! touch "$mount/new" 2>/dev/null || fail "a read-only mount was written to"
mount_stop mount
echo "Mounted three times, with programs of this machine."
