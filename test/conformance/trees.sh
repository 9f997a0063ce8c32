#!/usr/bin/env bash
# SPDX-License-Identifier: BSD-2-Clause-Patent
#
# timeout: 300
# Trees on a mount, with the caches on and off, while the engine is killed: rsync with everything that it can keep, tar
# with sparse files and hard links, a compile of Cairn's own src/base whose objects are those of a compile elsewhere.
set -eu
. "$CAIRN_SOURCE/test/integration/lib/server.sh"
. "$CAIRN_SOURCE/test/integration/lib/mount.sh"

mounts_or_leave
command -v rsync >/dev/null || fail "rsync is not installed"
scratch_make trees ram

# A tree with what a tree can have, as far as the file system here has it.
tree=$scratch/tree
mkdir -p "$tree/src"
cp -r "$CAIRN_SOURCE"/src/{base,fiber} "$tree/src"
! long || cp -r "$CAIRN_SOURCE"/{src,include,docs,test} "$tree"
mkdir -p "$tree/odd/a b" "$tree/odd/$(printf '%0250d' 1)" "$tree/odd/empty" "$tree/many"
ln "$tree/src/base/README.md" "$tree/odd/hard"
ln "$tree/src/base/README.md" "$tree/odd/a b/harder"
ln -s ../src/base/README.md "$tree/odd/soft"
ln -s /nowhere/at/all "$tree/odd/dangling"
truncate -s 3M "$tree/odd/sparse"
printf 'in the middle' | dd of="$tree/odd/sparse" bs=1 seek=1500000 conv=notrunc status=none
head -c 5000000 /dev/urandom >"$tree/odd/large"
: >"$tree/odd/$(printf 'odd\001\377\n name')"
chmod 4751 "$tree/odd/large"
chmod 1777 "$tree/odd/empty"
touch -d '1999-12-31 23:59:59.123456789' "$tree/odd/large" "$tree/odd/empty"
for i in $(seq 100); do echo "$i" >"$tree/many/$i"; done
if [ "$(id -u)" -eq 0 ]; then
	chown 1234:5678 "$tree/odd/large" "$tree/odd/empty"
fi
xattrs="python3 $scratch/xattrs.py"
cat >"$scratch/xattrs.py" <<'PYTHON'
import os, sys
os.setxattr(sys.argv[1], "user.color", b"blue")
os.setxattr(sys.argv[1], "user.bytes", bytes(range(256)) * 4)
PYTHON
# A change of a file's attributes moves the time of its directory on Cairn: those are left out.
keep=-aHXO
if $xattrs "$tree/odd/large" 2>/dev/null; then $xattrs "$tree/odd/a b"; else keep=-aHO; fi
# Access lists beyond the mode are kept where both sides have them.
! rsync --version | grep -q '[^o] ACLs' || keep=${keep}A

list() {
	(cd "$1" && find . -printf '%p %y %m %U %G %n %l' \( -type f -printf ' %s %T@' -o -true \) -printf '\n' |
		sed 's/^\(.* d [0-9]* [0-9]* [0-9]*\) [0-9]*/\1/' | LC_ALL=C sort)
}

same() {
	diff -r --no-dereference "$1" "$2"
	diff <(list "$1") <(list "$2")
}

# Everything arrives, and a second run by content finds nothing to do, there and back.
synchronize() {
	rsync $keep --checksum "$tree/" "$1/"
	same "$tree" "$1"
	rsync $keep --checksum --delete --itemize-changes "$tree/" "$1/" >"$scratch/changes"
	[ ! -s "$scratch/changes" ] || { cat "$scratch/changes"; return 1; }
	rsync $keep --checksum --sparse "$1/" "$scratch/back$2/"
	same "$tree" "$scratch/back$2"
}

# Changes, removals and a rename of names, while the engine dies.
update() {
	cp -a "$tree" "$scratch/newer$2"
	rm -r "$scratch/newer$2/src/fiber"
	mv "$scratch/newer$2/src/base" "$scratch/newer$2/src/basis"
	echo more >>"$scratch/newer$2/odd/large"
	rsync $keep --checksum --delete "$scratch/newer$2/" "$1/" &
	local copier=$!
	engine_kill
	wait $copier
	same "$scratch/newer$2" "$1"
}

archive() {
	mkdir "$1"
	tar -C "$tree" --sparse --xattrs -cf "$1/tree.tar" .
	mkdir "$1/out"
	tar -C "$1/out" --xattrs -xpf "$1/tree.tar" --same-owner
	same "$tree" "$1/out"
	tar -C "$1/out" --xattrs -df "$1/tree.tar"
	tar -C "$1/out" -cf - . | gzip -1 >"$1/again.tar.gz"
	gzip -t "$1/again.tar.gz"
	rm -r "$1/out"
	[ ! -e "$1/out" ]
}

# The objects of src/base, in the directory of the sources, by two compilers at a time.
compile() {
	cd "$1"
	ls src/base/*.c | xargs -P 2 -I{} sh -c \
		'cc -std=gnu17 -D_GNU_SOURCE -DMODULE_NAME=\"base\" -Isrc -Iinclude -O1 -c {} -o {}.o'
	ar rcsD libbase.a src/base/*.o
	cd /
}

build() {
	mkdir -p "$1/src"
	cp -r "$CAIRN_SOURCE/src/base" "$1/src"
	cp -r "$CAIRN_SOURCE/include" "$1"
	compile "$1"
	cmp "$1/libbase.a" "$scratch/elsewhere/libbase.a"
	find "$1/src/base" -name '*.o' -delete
	compile "$1"
	cmp "$1/libbase.a" "$scratch/elsewhere/libbase.a"
}

mkdir -p "$scratch/elsewhere/src"
cp -r "$CAIRN_SOURCE/src/base" "$scratch/elsewhere/src"
cp -r "$CAIRN_SOURCE/include" "$scratch/elsewhere"
attempt "compile elsewhere" compile "$scratch/elsewhere"

start_tank 2GiB
for options in "" "--disable-caching"; do
	name=${options:-cached}
	container_make "home$options"
	mount_start mount --pool tank --container "home$options" --multi-user $options
	attempt "$name: rsync" synchronize "$scratch/mount/synchronized" "$options"
	attempt "$name: rsync, the engine is killed" update "$scratch/mount/synchronized" "$options"
	attempt "$name: tar" archive "$scratch/mount/archive"
	attempt "$name: compile" build "$scratch/mount/build"
	mount_stop mount
	mount_start mount --pool tank --container "home$options" --multi-user
	attempt "$name: after another mount" same "$scratch/newer$options" "$scratch/mount/synchronized"
	mount_stop mount
done
echo "Trees arrive whole."
