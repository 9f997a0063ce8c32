#!/usr/bin/env bash
# SPDX-License-Identifier: BSD-2-Clause-Patent
#
# timeout: 600
# git on a mount, with the caches on and off: clone of Cairn's own sources, branches, commits, gc, fsck; the engine is
# killed in the middle of a clone, which goes on; then the embedded engine is killed together with its dfuse after a
# commit, which must be there. CAIRN_LONG: many commits, each killed at another moment.
set -eu
. "$CAIRN_SOURCE/test/integration/lib/server.sh"
. "$CAIRN_SOURCE/test/integration/lib/mount.sh"

mounts_or_leave
command -v git >/dev/null || fail "git is not installed"
scratch_make git ram
git_prepare
source_tree "$scratch/origin" || fail "no repository to clone"
head=$(git -C "$scratch/origin" rev-parse HEAD)

whole() {
	git -C "$1" fsck --full --strict --no-dangling
	[ "$(git -C "$1" rev-parse HEAD)" = "$2" ]
	git -C "$1" status --porcelain >"$scratch/status"
	[ ! -s "$scratch/status" ] || { cat "$scratch/status"; return 1; }
}

clone() {
	git clone -q --no-local "file://$scratch/origin" "$1"
	whole "$1" "$head"
	git -C "$scratch/origin" ls-files -s | cmp - <(git -C "$1" ls-files -s)
}

# The clone does not notice that its engine dies as soon as the repository is there.
clone_killed() {
	local cloner
	git clone -q --no-local "file://$scratch/origin" "$1" &
	cloner=$!
	until [ -e "$1/.git/HEAD" ]; do
		kill -0 $cloner || return 1
	done
	engine_kill
	wait $cloner
	whole "$1" "$head"
}

branches() {
	cd "$1"
	git switch -qc work
	git mv src/base/README.md src/base/READ.md
	find src/base -name '*.h' | while read -r file; do echo "/* more */" >>"$file"; done
	git commit -qam "Other headers"
	git switch -q -
	echo more >>README.md
	git commit -qam "Another line"
	git merge -q --no-edit work
	git worktree add -q "$1-tree" work
	git stash list
	git gc -q --prune=now
	git repack -adfq --depth=20 --window=5
	cd /
	whole "$1" "$(git -C "$1" rev-parse HEAD)"
	[ ! -e "$1/src/base/README.md" ]
	git -C "$1" worktree remove "$1-tree"
}

start_tank 2GiB
for options in "" "--disable-caching"; do
	name=${options:-cached}
	container_make "home$options"
	mount_start mount --pool tank --container "home$options" $options
	attempt "$name: clone" clone "$scratch/mount/clone"
	attempt "$name: clone, the engine is killed" clone_killed "$scratch/mount/killed"
	attempt "$name: branches, gc, repack" branches "$scratch/mount/clone"
	mount_stop mount
	mount_start mount --pool tank --container "home$options" --read-only
	attempt "$name: after another mount" git -C "$scratch/mount/clone" fsck --full --strict --no-dangling
	mount_stop mount
done
unset CAIRN_ENGINE

# What git has acknowledged is there after a kill of everything: it syncs what it writes.
commits() {
	local i=0
	cd "$1"
	git config core.fsync all
	git config core.fsyncMethod fsync
	while :; do
		i=$((i + 1))
		echo $i >>counter
		git add counter
		git commit -qm $i
		git rev-parse HEAD >"$scratch/acknowledged.new"
		mv "$scratch/acknowledged.new" "$scratch/acknowledged"
	done
}

acknowledged() {
	cd "$1"
	# What git itself leaves behind when it is killed.
	rm -f .git/index.lock .git/HEAD.lock .git/refs/heads/*.lock
	git fsck --full --strict --no-dangling
	git merge-base --is-ancestor "$(cat "$scratch/acknowledged")" HEAD
	git reset -q --hard
	cd /
}

rounds=2
! long || rounds=30
mount_start mount --embedded "$scratch/store"
git init -q "$scratch/mount/log"
for ((round = 0; round < rounds; round++)); do
	rm -f "$scratch/acknowledged"
	(commits "$scratch/mount/log") >"$scratch/commits" 2>&1 &
	committer=$!
	until_true 20 test -s "$scratch/acknowledged" || { cat "$scratch/commits"; fail "no commits"; }
	sleep "0.$((RANDOM % 9))"
	mount_kill mount
	end KILL $committer
	mount_start mount --embedded "$scratch/store"
	attempt "killed in the middle of commits, $(cat "$scratch/acknowledged" | cut -c 1-10)" \
		acknowledged "$scratch/mount/log"
done
mount_stop mount
echo "git has lost nothing."
