#!/usr/bin/env bash
# SPDX-License-Identifier: BSD-2-Clause-Patent
#
# timeout: 900
# SQLite on a mount, with the caches on and off, with each kind of journal that a mount allows: two processes write
# transactions to one database and note each commit outside; the engine is killed, then dfuse, then an embedded dfuse
# with its engine inside. Each time the database is whole and every commit that was acknowledged is in it.
# CAIRN_LONG: many rounds.
set -eu
. "$CAIRN_SOURCE/test/integration/lib/server.sh"
. "$CAIRN_SOURCE/test/integration/lib/mount.sh"

mounts_or_leave
python3 -c 'import sqlite3' || fail "python3 with sqlite3 is not installed"
scratch_make sqlite ram

# sqlite.py prepare FILE JOURNAL; write FILE JOURNAL WRITER NOTES; check FILE NOTES...
cat >"$scratch/sqlite.py" <<'PYTHON'
import os, sqlite3, sys

def connect(path):
    base = sqlite3.connect(path, timeout=100, isolation_level=None)
    base.execute("pragma synchronous = extra")
    return base

# Changing to a log wants the file for itself; the log stays, other journals are each connection's choice.
def connect_as(path, journal):
    base = connect(path)
    assert base.execute("pragma journal_mode = " + journal).fetchone()[0] == journal
    return base

def prepare(path, journal):
    base = connect_as(path, journal)
    base.execute("create table if not exists total (writer integer primary key, n integer, sum integer)")
    base.execute("create table if not exists line (writer integer, n integer, text text, primary key (writer, n))")
    base.execute("create index if not exists by_text on line (text)")

# A transaction adds a line and counts it; its number is noted when the commit has returned.
def write(path, journal, writer, notes):
    base = connect_as(path, journal)
    notes = os.open(notes, os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o600)
    row = base.execute("select n from total where writer = ?", (writer,)).fetchone()
    n = row[0] if row else 0
    while True:
        n += 1
        base.execute("begin immediate")
        base.execute("insert into line values (?, ?, ?)", (writer, n, ("%d " % (n * 7919)) * (n % 90 + 1)))
        base.execute("insert or replace into total values (?, ?, ?)", (writer, n, n * (n + 1) // 2))
        if n % 5 == 0:
            base.execute("delete from line where writer = ? and n = ?", (writer, n - 4))
        if n % 7 == 0:
            base.execute("savepoint s")
            base.execute("update line set text = 'undone' where writer = ?", (writer,))
            base.execute("rollback to s")
        base.execute("commit")
        os.write(notes, b"%d %d\n" % (writer, n))

def check(path, notes):
    base = connect(path)
    verdict = base.execute("pragma integrity_check").fetchall()
    assert verdict == [("ok",)], verdict
    acknowledged = {}
    for name in notes:
        for line in open(name):
            writer, n = map(int, line.split())
            acknowledged[writer] = n
    assert acknowledged, "nothing was acknowledged"
    for writer, n in acknowledged.items():
        met, total = base.execute("select n, sum from total where writer = ?", (writer,)).fetchone()
        assert met >= n, "commit %d of writer %d is lost: %d" % (n, writer, met)
        assert met <= n + 1 and total == met * (met + 1) // 2, (met, n, total)
        lines = base.execute("select count(*) from line where writer = ?", (writer,)).fetchone()[0]
        assert lines == met - met // 5, (lines, met)
        assert not base.execute("select count(*) from line where text = 'undone'").fetchone()[0]
    print(" ".join("%d: %d" % pair for pair in sorted(acknowledged.items())))

if sys.argv[1] == "prepare":
    prepare(sys.argv[2], sys.argv[3])
elif sys.argv[1] == "write":
    write(sys.argv[2], sys.argv[3], int(sys.argv[4]), sys.argv[5])
else:
    check(sys.argv[2], sys.argv[3:])
PYTHON

writers=()
end_writers() {
	local pid
	for pid in "${writers[@]}"; do
		end KILL "$pid"
	done
	writers=()
}
cleanups+=(end_writers)

noted() { cat "$scratch"/notes-* 2>/dev/null | wc -l; }
noted_more_than() { [ "$(noted)" -gt "$1" ]; }

# writers_start FILE JOURNAL: two of them at work.
writers_start() {
	local i before
	before=$(noted)
	attempt "$2: opened" python3 "$scratch/sqlite.py" prepare "$1" "$2"
	for i in 1 2; do
		python3 "$scratch/sqlite.py" write "$1" "$2" $i "$scratch/notes-$i" >"$scratch/writer-$i.log" 2>&1 &
		writers+=($!)
		disown $!
	done
	until_true 30 noted_more_than $((before + 5)) || {
		cat "$scratch"/writer-*.log
		fail "no transactions"
	}
}

writers_work() {
	local pid
	for pid in "${writers[@]}"; do
		kill -0 "$pid" 2>/dev/null || {
			cat "$scratch"/writer-*.log
			fail "a writer has ended"
		}
	done
	until_true 30 noted_more_than $(($(noted) + 20)) || fail "transactions do not go on"
}

check_all() { python3 "$scratch/sqlite.py" check "$1" "$scratch"/notes-*; }

rounds=1
! long || rounds=20

# ---- A server -------------------------------------------------------------------------------------------------------

start_tank 2GiB
container_make home
for kind in ":delete" ":wal" "--disable-caching:delete" "--disable-caching:truncate"; do
	options=${kind%:*}
	journal=${kind#*:}
	name="${options:-cached}, $journal"
	file=$scratch/mount/$journal$options.db
	rm -f "$scratch"/notes-*
	mount_start mount --pool tank --container home $options
	for ((round = 0; round < rounds; round++)); do
		writers_start "$file" "$journal"
		engine_kill
		writers_work
		end_writers
		attempt "$name: the engine was killed" check_all "$file"
		writers_start "$file" "$journal"
		sleep "0.$((RANDOM % 9))"
		mount_kill mount
		end_writers
		mount_start mount --pool tank --container home $options
		attempt "$name: dfuse was killed" check_all "$file"
	done
	mount_stop mount
done
unset CAIRN_ENGINE

# ---- An embedded directory ------------------------------------------------------------------------------------------

file=$scratch/mount/notes.db
rm -f "$scratch"/notes-*
for ((round = 0; round < rounds * 2; round++)); do
	mount_start mount --embedded "$scratch/store"
	writers_start "$file" delete
	sleep "0.$((RANDOM % 9))"
	mount_kill mount
	end_writers
	mount_start mount --embedded "$scratch/store"
	attempt "embedded: engine and dfuse were killed" check_all "$file"
	mount_stop mount
done
echo "SQLite has lost nothing."
