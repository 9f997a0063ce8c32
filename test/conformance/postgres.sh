#!/usr/bin/env bash
# SPDX-License-Identifier: BSD-2-Clause-Patent
#
# timeout: 900
# PostgreSQL of this machine with its data on a mount, as a user of its own: pgbench while the engine is killed, while
# all of PostgreSQL is, and while dfuse is; each time the balances add up, no acknowledged transaction is missing, and
# pg_amcheck finds every table and index whole. Only in long runs (CAIRN_LONG=1), and then PostgreSQL must be there:
# packages postgresql and postgresql-contrib.
set -eu
. "$CAIRN_SOURCE/test/integration/lib/server.sh"
. "$CAIRN_SOURCE/test/integration/lib/mount.sh"

long || {
	echo "PostgreSQL is tried in long runs only."
	exit 0
}
mounts_or_leave
[ "$(id -u)" -eq 0 ] || fail "PostgreSQL refuses root, and only root can become somebody else: run this as root"
programs=$(ls -d /usr/lib/postgresql/*/bin 2>/dev/null | sort -V | tail -n 1)
[ -x "$programs/pg_amcheck" ] || fail "PostgreSQL is not installed: apt-get install postgresql postgresql-contrib"
scratch_make postgres ram
chmod 755 "$scratch"
mkdir "$scratch/sockets"
: >"$scratch/began"
chown nobody "$scratch/sockets"
data=$scratch/mount/data
seconds=${SECONDS_EACH:-10}

# as COMMAND...: as the user whose data it is.
as() {
	(cd / && exec setpriv --reuid=nobody --regid=nogroup --clear-groups env -u TMPDIR PATH="$programs:$PATH" \
		PGHOST="$scratch/sockets" PGDATABASE=postgres "$@")
}

postmaster() { head -n 1 "$data/postmaster.pid" 2>/dev/null || true; }

# All that has its data: a postmaster that dies leaves its children a moment.
kill_postgres() {
	local pid
	pid=$(cat "$scratch/postmaster" 2>/dev/null) || return 0
	kill -KILL $(cat "/proc/$pid/task/$pid/children" 2>/dev/null) "$pid" 2>/dev/null || true
	for _ in $(seq 100); do
		[ -d "/proc/$pid" ] || break
		sleep 0.1
	done
	rm -f "$scratch/postmaster"
}

# Who is killed leaves its shared memory.
end_postgres() {
	kill_postgres
	find /dev/shm -maxdepth 1 -name 'PostgreSQL.*' -user nobody -newer "$scratch/began" -delete
}
cleanups+=(end_postgres)

start_postgres() {
	as pg_ctl -D "$data" -w -t 60 -l "$scratch/sockets/log" -o "-k $scratch/sockets -c listen_addresses=''" start
	postmaster >"$scratch/postmaster"
}

stop_postgres() {
	as pg_ctl -D "$data" -w -t 60 -m fast stop
	rm "$scratch/postmaster"
}

make_data() {
	mkdir "$data"
	chown nobody:nogroup "$data"
	chmod 700 "$data"
	as initdb -D "$data" --data-checksums -A trust -U nobody >/dev/null
	printf '%s\n' 'shared_buffers = 16MB' 'checkpoint_timeout = 30s' 'max_wal_size = 32MB' "$1" \
		>>"$data/postgresql.conf"
	start_postgres
	as pgbench -q -i -s 2
	as psql -qc 'create extension amcheck'
	as psql -qc 'create table note (client integer, n integer, primary key (client, n))'
}

ask() { as psql -qAtc "$1"; }

# The sums of pgbench's four tables agree, and pages and indexes are what they should be.
consistent() {
	local sums
	sums=$(ask "select (select sum(abalance) from pgbench_accounts), (select sum(tbalance) from pgbench_tellers),
		(select sum(bbalance) from pgbench_branches), (select coalesce(sum(delta), 0) from pgbench_history)")
	echo "$sums"
	[ "$(tr '|' '\n' <<<"$sums" | sort -u | wc -l)" -eq 1 ]
	as pg_amcheck --heapallindexed --parent-check --rootdescend
	[ -z "$1" ] || [ "$(ask 'select count(*) from pgbench_history')" -ge "$1" ]
}

# Transactions that pgbench was told have ended, in its log: a line each.
acknowledged() { cat "$scratch"/sockets/pgbench.* 2>/dev/null | wc -l; }

bench_start() {
	rm -f "$scratch"/sockets/pgbench.*
	before=$(ask 'select count(*) from pgbench_history')
	as pgbench -n -c 4 -j 2 -T "$1" -l --log-prefix="$scratch/sockets/pgbench" >"$scratch/pgbench.out" 2>&1 &
	bench=$!
}

bench_through_engine_kills() {
	bench_start "$seconds"
	while sleep 2 && kill -0 $bench 2>/dev/null; do
		engine_kill
	done
	wait $bench || { cat "$scratch/pgbench.out"; return 1; }
	! grep -q 'aborted\|ERROR' "$scratch/pgbench.out"
	consistent $((before + $(acknowledged)))
}

bench_until_kill() {
	bench_start 60
	sleep $((1 + RANDOM % 3))
	[ "$1" = postgres ] || "$@"
	kill_postgres
	wait $bench || true
	echo $((before + $(acknowledged))) >"$scratch/least"
}

after_kill() {
	start_postgres
	consistent "$(cat "$scratch/least")"
}

start_tank 3GiB
for options in "" "--disable-caching"; do
	name=${options:-cached}
	container_make "home$options"
	mount_start mount --pool tank --container "home$options" --multi-user $options
	chmod 755 "$scratch/mount"
	attempt "$name: initdb, pgbench -i" make_data "wal_sync_method = fdatasync"
	attempt "$name: pgbench, the engine is killed" bench_through_engine_kills
	for round in 1 2 3; do
		attempt "$name: PostgreSQL is killed" bench_until_kill postgres
		attempt "$name: recovery $round" after_kill
	done
	attempt "$name: PostgreSQL and the engine are killed" bench_until_kill engine_kill
	attempt "$name: recovery after both" after_kill
	for round in 1 2 3; do
		bench_start 60
		sleep $((1 + RANDOM % 3))
		mount_kill mount
		kill_postgres
		wait $bench || true
		echo $((before + $(acknowledged))) >"$scratch/least"
		mount_start mount --pool tank --container "home$options" --multi-user $options
		attempt "$name: recovery $round, dfuse was killed under it" after_kill
	done
	attempt "$name: stop" stop_postgres
	mount_stop mount
done
echo "PostgreSQL has lost nothing."
