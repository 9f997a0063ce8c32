#!/usr/bin/env bash
# SPDX-License-Identifier: BSD-2-Clause-Patent
#
# Several users of one machine: real processes under other user ids, known by the kernel, whose rights the engine
# judges. As anybody but root it shows what one user sees. Needs CAIRN_BIN, the folder of the programs, and
# CAIRN_SOURCE.

set -u
. "${CAIRN_SOURCE:?}/test/integration/lib/server.sh"
scratch_make access
export DAOS_AGENT_DRPC_DIR=$scratch/run

# The programs, where every user can reach them.
chmod 755 "$scratch"
mkdir "$scratch/bin" && chmod 755 "$scratch/bin"
lib=$(cd "$bin/../lib" 2>/dev/null && pwd)
export LD_LIBRARY_PATH=${lib:-}${LD_LIBRARY_PATH:+:$LD_LIBRARY_PATH}

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
	conclude "not root, or no setpriv or no user nobody: other users were not tried"
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

conclude "all rights are as they should be"
